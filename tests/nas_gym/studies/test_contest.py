import io
import json
from math import log2
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import nas_gym
from nas_gym.datasets.base import Dataset
from nas_gym.errors import NasGymError
from nas_gym.kept.loading import load_network
from nas_gym.pools.here import Here
from nas_gym.search_spaces import Architecture
from nas_gym.search_spaces.cell.references import NASCELL
from nas_gym.studies.comparison import Comparison
from nas_gym.studies.contest import Contest, hold_contest
from nas_gym.tasks.seeds import repeat_seeds
from tests.nas_gym.images import small_image_folder
from tests.nas_gym.studies.episodes import finished_run
from tests.nas_gym.texts import small_text

Keywords = dict[str, Any]
CHAINS = ("conv3x3-8-pool2-drop0", "conv3x3-4-pool2-drop0", "conv3x3-4-pool1-drop0")
DIGITS: dict[str, Any] = {
    "space": {"kernels": [3], "filters": [4, 8]},
    "evaluator": "local",
    "train_samples": 100,
    "validation_samples": 100,
    "recipe": {"epochs": 1},
}
FULL: dict[str, Any] = {"train_samples": 150, "validation_samples": 100, "epochs": 4}


def hold(path: Path, full: dict[str, Any] | None = None, **arguments: Any) -> tuple[Comparison, str]:  # noqa: ANN401
    """Hold a contest with two seeds in this process; return it and what it printed."""
    written = io.StringIO()
    contest = Contest(
        run_dir=path, env_kwargs={} if full is None else {"full": full}, **{"seeds": 2, **arguments}
    )
    return hold_contest(contest, Here(), Console(file=written, width=300)), written.getvalue()


def comparison(path: Path) -> Any:  # noqa: ANN401, any JSON
    """Return what was written, without times."""
    found = json.loads((path / "comparison.json").read_text())
    for model in found["models"]:
        model.pop("seconds", None)
    return found


@pytest.mark.slow  # four trainings and scikit-learn's models
@pytest.mark.timeout(60)
def test_contest__compares_the_best_networks_with_references(tmp_path: Path) -> None:
    path = finished_run(tmp_path / "run", "NAS-Digits-v0", DIGITS, *CHAINS)
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    compared, out = hold(path, FULL, top=2)
    written = {"comparison.json", "comparison.md", "winner", "retraining", "report.html"}
    assert {file.name for file in path.iterdir()} - before.keys() == written
    assert all((path / name).read_bytes() == content for name, content in before.items())
    assert len(list((path / "retraining").iterdir())) == 4
    assert "4/4" in out, "how far it is"

    found = comparison(path)
    assert (found["env"], found["seeds"], found["metric"]["name"]) == ("NAS-Digits-v0", 2, "accuracy")
    assert "epochs=4" in found["recipe"] and "augmentation=crop" in found["recipe"]
    networks, references = found["models"][:2], found["models"][2:]
    assert [model["name"] for model in found["models"]] == [*CHAINS[:2], "MLPClassifier", "SVC"]
    assert [model["found"] for model in found["models"]] == [True, True, False, False]
    assert [len(model["test"]["scores"]) for model in references] == [2, 1], "SVC has no random start"
    for model in (*networks, references[0]):
        for part in ("validation", "test"):
            average = model[part]
            assert len(average["scores"]) == 2 and all(0.1 < score <= 1 for score in average["scores"])
            assert average["low"] <= average["mean"] <= average["high"]
    for model in networks:
        assert len(model["losses"]) == 4 and model["losses"][-1] < model["losses"][0]
        assert model["parameters"] > 0 and model["multiply_adds"] > 0
    table = (path / "comparison.md").read_text()
    assert table.endswith(f"\n{found['verdict']}\n") and found["verdict"] in out and table in out
    assert found["verdict"].startswith(f"The found network {found['winner']} and ")
    best = max(networks, key=lambda model: model["validation"]["mean"])
    assert compared.winner is not None and found["winner"] == best["name"] == compared.winner.name

    kept = load_network(path / "winner")
    known = kept.description
    assert (known.env, known.recipe, str(kept.architecture)) == (
        "NAS-Digits-v0",
        found["recipe"],
        best["name"],
    )
    assert known.seed in repeat_seeds("retraining", Architecture("chain-v0", (best["name"],)), 2)
    judged = tuple(kept.scores[part]["accuracy"] for part in ("validation", "test"))
    assert judged[0] == max(best["validation"]["scores"])
    assert judged in list(zip(best["validation"]["scores"], best["test"]["scores"], strict=True))
    assert load_network(path).scores == kept.scores, "the folder of the run does, too"


@pytest.mark.slow  # trainings of networks
@pytest.mark.timeout(60)
def test_contest__held_again_trains_what_is_new_alone(tmp_path: Path) -> None:
    moons: dict[str, Any] = {"size": 100, "recipe": {"epochs": 2}}
    path = finished_run(tmp_path / "run", "NAS-Moons-v0", moons, "Linear-8 Tanh", "ReLU")
    out = hold(path, top=2)[1]
    assert "already" not in out and "2 networks, 2 seeds each" in out
    before = {file: file.read_bytes() for file in (path / "retraining").iterdir()}
    written = comparison(path)
    assert f"4 of 4 trainings are in {path / 'retraining'} already" in hold(path, top=2)[1]
    assert comparison(path) == written
    assert {file: file.read_bytes() for file in (path / "retraining").iterdir()} == before
    assert "2 of 3 trainings are in" in hold(path, top=1, seeds=3)[1]
    assert "already" not in hold(path, {"epochs": 1})[1], "another recipe is another training"
    kept, data = load_network(path), nas_gym.problem("NAS-Moons-v0", **moons).task
    assert data is not None
    learned = data.data_of()
    assert isinstance(learned, Dataset) and learned.test is not None
    split = learned.test
    accuracy = (kept.predict(split.features) == split.labels.astype(str)).mean()
    assert accuracy == kept.scores["test"]["accuracy"], "of the compiled trainer, too"


@pytest.mark.slow  # trainings of a residual network
@pytest.mark.timeout(60)
def test_contest__of_ones_own_images_has_a_residual_network_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small: dict[str, Any] = {"path": str(small_image_folder()), "image_size": 8, "evaluator": "local"}
    small["space"] = {"kernels": [3], "filters": [4]}
    path = finished_run(tmp_path / "run", "NAS-ImageFolder-v0", small, "conv3x3-4-pool1-drop0")
    _, out = hold(path, {"epochs": 2}, top=1, seeds=1)
    network, reference = comparison(path)["models"]
    assert (network["found"], reference["found"], reference["name"]) == (True, False, "ResNet-8")
    space = nas_gym.problem("NAS-ImageFolder-v0", **small).search_space
    size = space.size(space.parse(network["name"]), (3, 8, 8), 3)
    assert size is not None
    assert (network["parameters"], network["multiply_adds"]) == (size.parameters, size.multiply_adds)
    assert reference["parameters"] == 78_042 - 7 * 65, "three classes instead of ten"
    assert "how much of that is noise cannot be told" in out

    # Transfer of chains to where graphs are usual brings the kind of search space along.
    monkeypatch.chdir(small_image_folder().parent)
    graphs = finished_run(tmp_path / "digits", "NAS-Digits-v0", DIGITS, "conv3x3-4-pool1-drop0")
    given: Keywords = {"path": small_image_folder().name, "image_size": 8, "full": {"epochs": 1}}
    contest = Contest(run_dir=graphs, top=1, seeds=1, env="NAS-ImageFolder-v0", env_kwargs=given)
    hold_contest(contest, Here(), Console(file=io.StringIO()))
    kept = load_network(graphs / "NAS-ImageFolder-v0" / "winner")
    assert (kept.description.env, kept.architecture.search_space) == ("NAS-ImageFolder-v0", "chain-v0")
    assert kept.classes == ("cat", "dog", "owl")


CELLS: dict[str, Any] = {"evaluator": "local", "seed": 3, "recipe": {"units": 8}}
FEW_BRACKETS: dict[str, Any] = {"train_tokens": 3000, "epochs": 1, "units": 8, "batch_size": 4}


@pytest.mark.slow  # trainings of language models, after Numba has compiled what computes cells
@pytest.mark.timeout(120)
@pytest.mark.usefixtures("compiled_cells")
def test_contest__of_cells_has_references_of_the_same_size_and_the_grammars_own_perplexity(
    tmp_path: Path,
) -> None:
    # The search found NASCell itself, and so the reference is the same cell.
    path = finished_run(tmp_path / "run", "NAS-Brackets-v0", CELLS, str(NASCELL))
    _, out = hold(path, FEW_BRACKETS, top=1)
    found = comparison(path)
    names = [model["name"] for model in found["models"]]
    assert names[0] == found["winner"] == str(NASCELL) and names[3] == "NASCell-8"
    assert names[1].startswith("LSTM-") and names[2].startswith("GRU-")
    assert "tokens=3000/" in found["task"]
    assert found["metric"]["best_possible"] == pytest.approx(3.5636, abs=1e-4)
    cell, *_, nascell = found["models"]
    assert cell["parameters"] == nascell["parameters"] == 8 * 8 * 16 + 2 * 8 * 8 + 8
    for model in found["models"]:
        assert model["parameters"] == pytest.approx(cell["parameters"], rel=0.1)
        assert len(model["test"]["scores"]) == 2 and len(model["losses"]) == 1
        assert 3.4 < model["test"]["low"] < model["test"]["mean"] < 7.9
        assert "test_bits_per_character" not in model
    assert cell["test"]["scores"] != nascell["test"]["scores"], "other seeds, so another training"
    assert "% in test perplexity" in found["verdict"]
    assert "The best perplexity that any model can have in the long run is 3.564." in out
    scores = load_network(path).scores
    assert scores["validation"]["perplexity"] == min(cell["validation"]["scores"])
    assert scores["test"]["perplexity"] in cell["test"]["scores"]

    # Transfer: data and recipe are those of the other environment.
    given: Keywords = {"path": str(small_text()), "by": "character", "full": {"epochs": 1, "units": 4}}
    contest = Contest(run_dir=path, top=1, seeds=2, env="NAS-Text-v0", env_kwargs=given)
    written = io.StringIO()
    hold_contest(contest, Here(), Console(file=written, width=300))
    assert comparison(path) == found, "and the results have a folder of their own"
    there = comparison(path / "NAS-Text-v0")
    assert (there["env"], there["winner"]) == ("NAS-Text-v0", str(NASCELL))
    assert "by=character" in there["task"] and "batch_size=16" in there["recipe"]
    for model in there["models"]:
        assert model["test_bits_per_character"] == pytest.approx(log2(model["test"]["mean"]))
    assert "| bits per character |" in written.getvalue() and (path / "NAS-Text-v0" / "winner").is_dir()


@pytest.mark.slow  # trainings of language models
@pytest.mark.timeout(60)
@pytest.mark.usefixtures("compiled_cells")
def test_contest__has_references_of_the_size_of_the_winner(tmp_path: Path) -> None:
    space: Keywords = {"base": 4, "combinations": ["add", "elem_mult", "left", "gate"]}
    first = "left:relu " * 7 + "left:identity node-6 node-6"  # it knows the last token alone
    second = "add:tanh " * 7 + "add:tanh node-4 node-0"
    path = finished_run(tmp_path / "run", "NAS-Brackets-v0", {**CELLS, "space": space}, first, second)
    hold(path, {**FEW_BRACKETS, "train_tokens": 20_000}, top=2)
    found = comparison(path)
    sizes = {model["name"]: model["parameters"] for model in found["models"]}
    assert found["winner"] == second, found["models"]
    assert sizes[second] == 4 * 8 * 16 + 2 * 8 * 8 + 8 > 2 * sizes[first]
    references = [size for name, size in sizes.items() if name not in (first, second)]
    assert references == pytest.approx(3 * [sizes[second]], rel=0.15)


@pytest.mark.slow  # trainings of language models
@pytest.mark.timeout(60)
@pytest.mark.usefixtures("compiled_cells")
def test_contest__with_what_fails_compares_the_others(tmp_path: Path) -> None:
    # Nothing bounds its h_t, which grows from step to step once weights are large; the other one's is tanh.
    exploding = "add:identity add:identity add:identity add:identity node-2 node-2"
    tame = "add:tanh add:tanh add:tanh add:tanh node-0 node-1"
    path = finished_run(tmp_path / "run", "NAS-Brackets-v0", {**CELLS, "space": {"base": 2}}, exploding, tame)
    rough = {**FEW_BRACKETS, "clip": None, "optimizer": "sgd"}
    hold(path, {**rough, "learning_rate": 1e6}, top=2, seeds=1)
    everything = comparison(path)
    assert everything["winner"] is None and not (path / "winner").exists()
    assert everything["verdict"].startswith("Every training of what was found failed, there is nothing")
    hold(path, {**rough, "learning_rate": 20}, top=2, seeds=1)
    found = comparison(path)
    assert found["winner"] == tame, found["models"]
    failed = found["models"][0]
    assert (failed["name"], failed["test"]) == (exploding, {"scores": []})
    assert "not finite" in failed["failures"][0] or "perplexity is" in failed["failures"][0]
    assert f"| `{exploding}` |  |  | 1 of 1 failed: " in (path / "comparison.md").read_text()


@pytest.mark.parametrize(
    ("env", "best", "arguments", "says"),
    [
        (None, "", {}, "run holds no finished run: config.json or summary.json is missing"),
        ("NAS-Bench-Moons-v0", "ReLU", {}, "NAS-Bench-Moons-v0 trains no children"),
        ("NAS-Digits-v0", "x", {"env": "NAS-Mars-v0"}, "unknown environment 'NAS-Mars-v0'"),
        ("NAS-Digits-v0", CHAINS[0], {"env": "NAS-Moons-v0"}, "unknown space 'chain'"),
        ("NAS-Digits-v0", "ReLU", {}, "ReLU"),
        ("NAS-Digits-v0", CHAINS[0], {"seeds": 0}, "seeds must be an integer from 1, got 0"),
        ("NAS-Digits-v0", CHAINS[0], {"top": -1}, "top must be an integer from 1, got -1"),
        ("NAS-Digits-v0", CHAINS[0], {"env_kwargs": {"full": {"epoch": 1}}}, "no keyword 'epoch'"),
        ("NAS-Digits-v0", CHAINS[0], {"env_kwargs": {"seed": 1}}, "other test data than the"),
        ("NAS-Digits-v0", CHAINS[0], {"device": "abacus"}, "device 'abacus' cannot"),
    ],
    ids=str,
)
def test_contest__says_in_one_line_what_is_wrong(
    env: str | None, best: str, arguments: dict[str, Any], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    if env is not None:
        finished_run(path, env, {}, best)
    with pytest.raises(NasGymError) as raised:
        hold_contest(Contest(run_dir=path, **arguments), Here(), Console(file=io.StringIO()))
    assert says in str(raised.value) and "\n" not in str(raised.value)
    assert not (path / "comparison.json").exists() and not (path / "retraining").exists()
