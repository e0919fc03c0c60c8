import csv
import io

import pytest

from nas_gym.benchmark.findings import Findings
from nas_gym.benchmark.report.tables import markdown, means_cells, milestone_cells, robust_cells, runs_csv


def test_tables__have_a_line_for_each_agent_best_first(judged: Findings, unjudged: Findings) -> None:
    for cells in (means_cells, robust_cells, milestone_cells):
        lines = markdown(cells(judged)).splitlines()
        assert [line.split("|")[1].strip() for line in lines] == ["agent", "---", "random", "ppo"]
        assert len({line.count("|") for line in lines}) == 1
        assert len(markdown(cells(unjudged)).splitlines()) == 3
    robust = markdown(robust_cells(judged))
    assert "| 4 of 4 [40%, 100%] | 10 [10, 10] | 10 [10, 10] | 4 / 0 |" in robust
    assert "| 0 of 4 [0%, 60%] | > 20 [> 20, > 20] | 20 [20, 20] | 4 / 0 |" in robust
    assert "interquartile mean of test accuracy" in robust and "IQM" not in robust
    needed = ("mean reward, last 10 %", "best validation accuracy", "distinct architectures", "seconds")
    assert set(needed) < set(means_cells(unjudged)[0])


def test_tables__of_perplexities_end_with_the_grammars_own(brackets: Findings) -> None:
    head, *rows = means_cells(brackets)
    assert [row[0] for row in rows] == ["random", "ppo", "the grammar's own"]
    column = head.index("best validation perplexity")
    assert rows[0][column].startswith("4.0") and rows[2][column] == "3.500"
    assert [len(row) for row in rows] == [len(head)] * 3
    assert not any("accuracy" in cell for cells in (means_cells, robust_cells) for cell in cells(brackets)[0])
    assert milestone_cells(brackets)[0][1] == "validation perplexity after 4"


def test_tables__tell_of_simulated_workers_where_there_are_any(judged: Findings, simulated: Findings) -> None:
    head, best, _ = means_cells(simulated)
    assert head[-2:] == ["virtual hours", "workers busy"]
    assert best[-2].startswith("0.336 [0.33") and best[-1] == "70% [70%, 70%]"
    assert not {"virtual hours", "workers busy"} & set(means_cells(judged)[0])
    rows = list(csv.DictReader(io.StringIO(runs_csv({"one": simulated, "two": judged}))))
    assert float(rows[0]["virtual_hours"]) == pytest.approx(1 / 3) and rows[0]["busy_share"] == "0.7"
    assert rows[-1]["virtual_hours"] == ""
    assert "virtual_hours" not in runs_csv({"two": judged})


def test_runs_csv__has_a_line_for_each_run_with_its_metric(judged: Findings, brackets: Findings) -> None:
    rows = list(csv.DictReader(io.StringIO(runs_csv({"moons": judged, "brackets": brackets}))))
    lines = [("ppo", str(seed)) for seed in range(4)] + [("random", str(seed)) for seed in range(4)]
    assert [(row["agent"], row["seed"]) for row in rows] == lines * 2
    assert (rows[0]["children_to_optimum"], rows[4]["children_to_optimum"]) == ("", "10")
    assert (rows[0]["metric"], rows[-1]["metric"]) == ("accuracy", "perplexity")
    assert float(rows[-1]["validation_score"]) == pytest.approx(4, abs=0.05) and not rows[-1]["test_score"]
