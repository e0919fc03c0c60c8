from agents.progress import SearchProgress


def test_progress__goes_on_where_it_was_interrupted() -> None:
    progress = SearchProgress(10, False, [0.5, 0.9, 0.7])
    (task,) = progress._progress.tasks
    assert (task.completed, task.total) == (3, 10)
    with progress:
        progress.add([0.1])
    assert (task.completed, task.fields["best"], task.fields["mean"]) == (4, "0.9000", "0.5500")
