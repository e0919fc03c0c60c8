import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plotly.offline import get_plotlyjs
from rich.console import Console

from nas_gym.kept.folder import WEIGHTS, WINNER
from nas_gym.kept.loading import load_network
from nas_gym.pools.here import Here
from nas_gym.studies.comparison import Comparison, Contender
from nas_gym.studies.contest import Contest, hold_contest
from nas_gym.studies.report.page import html_page
from nas_gym.studies.report.writing import PAGE, write_page
from nas_gym.studies.summary import TableFacts
from tests.nas_gym.images import small_image_folder
from tests.nas_gym.studies.episodes import SETTINGS, finished_run
from tests.nas_gym.studies.report.made_up import findings
from tests.nas_gym.texts import small_text

FOUND = Contender("Tanh", True, (0.8, 0.9), (0.7, 0.8), 20)
SVC = Contender("SVC", False, (0.7,), (0.4,), certain=True)


def own(html: str) -> str:
    """Return a page without the library that draws its figures, which must stand in it."""
    assert get_plotlyjs() in html
    return html.replace(get_plotlyjs(), "")


def titles(html: str) -> list[str]:
    return re.findall(r"<h3>(.*?)</h3>", html)


def held(path: Path, env: str, keywords: dict[str, Any], full: dict[str, Any], network: str) -> str:
    """Train a network of a run once more and return the page that tells of it."""
    contest = Contest(
        run_dir=finished_run(path, env, keywords, network), top=1, seeds=2, env_kwargs={"full": full}
    )
    hold_contest(contest, Here(), Console(file=io.StringIO()))
    return own((path / PAGE).read_text())


@pytest.mark.slow  # Matplotlib looks for fonts
@pytest.mark.timeout(30)
def test_page__is_whole_and_asks_nothing_of_the_network() -> None:
    html = own(html_page(findings(compared=Comparison([FOUND, SVC]))))
    places = re.findall(r'<div id="([^"]+)" style="height:\d+px"', html)
    figures = re.search(r"Object\.entries\((.*)\)\) Plotly", html)
    assert figures is not None and set(json.loads(figures[1])) == set(places)
    assert places == ["contenders-0", "curve-0", "front-0", "front-1"]
    assert not re.search(r'(src|href)="(?!#|data:)', html) and "{{" not in html and "url(" not in html
    assert "test accuracy 0.7500, 95 % interval 0.1147 to 1.3853 over 2 trainings" in html
    assert "The found network A and SVC differ by +35.00 points of test accuracy" in html
    assert "<dt>A</dt><dd><code>Tanh</code></dd>" in html
    assert "nas-gym search --env NAS-Moons-v0 --form faithful --episodes 6 --seed 7" in html
    assert "noise=0.3" in html and "20 parameters, 18 multiply-adds" in html
    assert "Of 5 architectures 4 are distinct, 1 training failed, 1 sentence was illegal." in html


@pytest.mark.slow  # Matplotlib looks for fonts
@pytest.mark.timeout(30)
def test_page__before_test_data_are_read_says_how_to() -> None:
    html = own(html_page(findings(path=Path("my runs"))))
    assert "Test data have not been read yet" in html
    assert "nas-gym retrain --run-dir &#39;my runs&#39;" in html
    assert "All results" not in titles(html) and "nas_gym.load" not in html


@pytest.mark.slow  # Matplotlib looks for fonts
@pytest.mark.timeout(30)
def test_page__says_what_a_table_knows_or_why_there_is_no_result() -> None:
    facts = TableFacts(1000, 7, 0.01, 0.99, 0.98)
    known = own(html_page(findings(compared=Comparison([FOUND]), table=facts)))
    assert "knows the answer: rank 7 of 1000 by mean validation accuracy, regret 0.0100" in known
    broken = Contender("Tanh", True, (), (), failures=("it exploded",))
    html = own(html_page(findings(compared=Comparison([broken]))))
    assert "could not be trained again" in html and "it exploded" in html
    assert "contenders-0" not in html


@pytest.mark.slow  # Matplotlib looks for fonts
@pytest.mark.timeout(30)
def test_page__escapes_what_users_wrote() -> None:
    settings = replace(SETTINGS, env_kwargs={"path": "</script><b>"})
    html = own(html_page(findings(settings=settings)))
    assert "</script><b>" not in html and "&lt;/script&gt;&lt;b&gt;" in html


@pytest.mark.slow  # trainings
@pytest.mark.timeout(60)
def test_page__of_two_features_has_regions_and_what_validation_rows_say(tmp_path: Path) -> None:
    moons = {"size": 200, "recipe": {"epochs": 2}}
    html = held(tmp_path / "run", "NAS-Moons-v0", moons, {"epochs": 20}, "Linear-8 Tanh Linear-2")
    wanted = ["Decision regions", "Confusion matrix", "Calibration: is it right as often as it is sure?"]
    assert [title for title in titles(html) if title in wanted] == wanted
    assert "on 20 validation rows" in html and "the test" not in html.lower().split("on validation data")[2]
    found = re.search(r"Object\.entries\((.*)\)\) Plotly", html)
    assert found is not None
    texts = json.loads(found[1])["insight-1"]["data"][0]["text"]
    counts = [int(re.sub(r"<.*?>", "", text) or 0) for row in texts for text in row]
    right = sum(counts[:1] + counts[3:])
    kept = load_network(tmp_path / "run")
    assert sum(counts) == 20 and right == round(20 * kept.scores["validation"]["accuracy"])
    load = re.search(r"import nas_gym\n(network = .*)\n", html)
    assert load is not None and f"{tmp_path.as_posix()}/run/{WINNER}" in load[1]


@pytest.mark.slow  # trainings of a residual network
@pytest.mark.timeout(60)
def test_page__of_images_shows_those_it_is_surest_of_and_yet_wrong(tmp_path: Path) -> None:
    small = {"path": str(small_image_folder()), "image_size": 8, "evaluator": "local"}
    small |= {"space": {"kernels": [3], "filters": [4]}}
    html = held(tmp_path / "run", "NAS-ImageFolder-v0", small, {"epochs": 1}, "conv3x3-4-pool1-drop0")
    said = re.findall(r"<figcaption><b>(\w+)</b> (\d+) %<span>is (\w+)</span>", html)
    sure = [int(percent) for _, percent, _ in said]
    kept = load_network(tmp_path / "run")
    rows = re.search(r"on (\d+) validation rows", html)
    assert rows is not None
    wrong = int(rows[1]) - round(int(rows[1]) * kept.scores["validation"]["accuracy"])
    assert len(said) == min(12, wrong) > 0 and sure == sorted(sure, reverse=True)
    assert all(one != other and {one, other} < {"cat", "dog", "owl"} for one, _, other in said)
    assert html.count('src="data:image/png;base64,') == 1 + len(said)
    assert "uint8, (n, 8, 8, 3), or the path of a file or folder" in html


@pytest.mark.slow  # trainings in PyTorch, after Numba has compiled what computes cells
@pytest.mark.timeout(60)
@pytest.mark.usefixtures("compiled_cells")
@pytest.mark.parametrize("env", ["NAS-Text-v0", "NAS-Brackets-v0"])
def test_page__of_texts_has_perplexities_and_what_the_network_writes(env: str, tmp_path: Path) -> None:
    few: dict[str, Any] = {"space": {"base": 2}, "evaluator": "local", "train_tokens": 1200}
    few |= {"validation_tokens": 150, "recipe": {"units": 8}, "middle": {"units": 8}}
    few |= {"path": str(small_text())} if env == "NAS-Text-v0" else {}
    sentence = "add:tanh add:relu add:sigmoid add:tanh node-2 node-0"
    full = {"units": 8, "epochs": 1, "train_tokens": 1200, "validation_tokens": 150}
    html = held(tmp_path / "run", env, few, full, sentence)
    assert "on 150 validation tokens" in html and "What it writes" in titles(html)
    assert "LSTM-" in html and "Test perplexity" in titles(html)
    assert ("The best perplexity that any model can have" in html) == (env == "NAS-Brackets-v0")
    assert "Calibration" not in html


@pytest.mark.slow  # Matplotlib looks for fonts
@pytest.mark.timeout(30)
def test_page__of_numbers_holds_what_is_said_against_what_is_true(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    table = {"X": x.tolist(), "y": (100 + 5 * x[:, 0]).tolist(), "task": "regression"}
    html = held(tmp_path / "run", "NAS-Tabular-v0", table, {"epochs": 2}, "Linear-8 Tanh")
    found = re.search(r"Object\.entries\((.*)\)\) Plotly", html)
    assert found is not None and "What it says against what is true" in titles(html)
    points, _ = json.loads(found[1])["insight-0"]["data"]
    assert 80 < min(points["x"]) < max(points["x"]) < 120, "in units of the data"
    assert "No command line holds this study" in html


@pytest.mark.slow  # trainings
@pytest.mark.timeout(60)
def test_page__tells_the_search_by_its_own_metric_where_the_last_training_has_another(tmp_path: Path) -> None:
    moons: dict[str, Any] = {"size": 200, "recipe": {"epochs": 2}}
    path = finished_run(tmp_path / "run", "NAS-Moons-v0", moons, "ReLU", "Tanh")
    given: dict[str, Any] = {"metric": "log_loss", "full": {"epochs": 2}}
    hold_contest(Contest(run_dir=path, top=1, seeds=2, env_kwargs=given), Here(), Console(file=io.StringIO()))
    html = own((path / PAGE).read_text())
    assert "accuracy, higher is better" in html
    assert "The highest validation accuracy of a single training is 0.9000" in html
    assert "Test log loss" in titles(html) and "reaches test log loss" in html


def told(path: Path, **known: Any) -> str:  # noqa: ANN401, those of Findings
    written = io.StringIO()
    write_page(findings(path=path, **known), Console(file=written, width=300))
    return written.getvalue()


@pytest.mark.slow  # Matplotlib looks for fonts
@pytest.mark.timeout(30)
def test_write_page__says_where_it_is_or_why_not_and_ends_nothing(tmp_path: Path) -> None:
    assert told(tmp_path) == f"the study on one page: {tmp_path / PAGE}\n"
    (tmp_path / PAGE).unlink()
    (tmp_path / WINNER).mkdir()
    (tmp_path / WINNER / WEIGHTS).write_bytes(b"damaged")
    out = told(tmp_path, winner=tmp_path / WINNER)
    assert out.startswith(f"{tmp_path / PAGE} could not be written: ") and out.count("\n") == 1
    assert not (tmp_path / PAGE).exists()
    (tmp_path / "file").write_text("")
    assert "could not be written" in told(tmp_path / "file")


def test_write_page__does_not_hide_a_fault_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(StopIteration):
        told(tmp_path, best="nobody proposed this")
