import nas_gym
from nas_gym.envs.episode import Episode
from nas_gym.studies.choosing import affordable
from nas_gym.studies.run_folder import Times


def test_affordable__is_what_the_time_left_is_worth() -> None:
    ladder = {"recipe": {"epochs": 1}, "middle": {"epochs": 4}, "full": {"epochs": 9}}
    task = nas_gym.problem("NAS-Digits-v0", **ladder).task
    assert task is not None
    rows = [Episode(number, f"network-{number}", 0.5, "ok") for number in range(1, 11)]
    # A child of the search took 2 seconds, so one of the next rung takes 8.
    assert affordable(task, range(1, 2), rows, Times(30.0, 20.0), 80.0) == 10
    assert affordable(task, range(1, 2), rows, Times(30.0, 20.0), 3.0) == 1, "one at least"
