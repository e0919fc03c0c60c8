import json
import re
import shutil
import signal
from dataclasses import replace
from math import log2
from pathlib import Path
from typing import Any

import pytest
import torch

from nas_gym.datasets.brackets import brackets
from nas_gym.datasets.digits import digits
from nas_gym.evaluators.base import repeat_seeds
from nas_gym.problems.assembly import assemble
from nas_gym.problems.specs import PROBLEMS
from nas_gym.search_spaces import Architecture
from nas_gym.search_spaces.cell.references import NASCELL
from nas_gym.tasks.language_modelling.training import perplexity_of
from nas_gym.tasks.supervised.batches import Samples
from nas_gym.tasks.supervised.training import accuracy_of
from tests.nas_gym.images import small_image_folder
from tests.nas_gym.texts import small_text
from tests.scripts.conftest import Call
from tests.scripts.processes import Running

SMALL = ("kernels=[3]", "filters=[4,8]", "evaluator=local", "validation_samples=100")
SEARCH = (
    "--env",
    "NAS-Digits-v0",
    "--episodes",
    "6",
    "--env-kwargs",
    *SMALL,
    "train_samples=100",
    "epochs=1",
)
RECIPE = ("train_samples=150", "validation_samples=100", "epochs=4")
RETRAIN = ("--top", "2", "--seeds", "2", "--processes", "1", "--env-kwargs", *RECIPE)
TRAININGS = 2 * 2
FILES = {"comparison.json", "comparison.md", "winner.pt", "retraining"}
TIMES = ("seconds",)
README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a search for digits, whose end left retraining to ``retrain.py``."""
    import command_line
    import train_reinforce

    path = tmp_path_factory.mktemp("digits") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROBLEMS, "NAS-Digits-v0", replace(PROBLEMS["NAS-Digits-v0"], costly=True))
        patch.setattr("sys.argv", ["train_reinforce.py", "--run-dir", str(path), *SEARCH])
        with pytest.raises(SystemExit) as stop:
            command_line.run(train_reinforce.Args, train_reinforce.main, "")
    assert stop.value.code == 0
    return path


@pytest.fixture
def run_dir(searched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(searched, tmp_path / "run"))


def comparison(run_dir: Path) -> dict[str, Any]:
    """Return what was written, without times."""
    found: dict[str, Any] = json.loads((run_dir / "comparison.json").read_text())
    for model in found["models"]:
        for name in TIMES:
            del model[name]
    return found


def files(run_dir: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (run_dir / "retraining").iterdir()}


@pytest.mark.slow  # a search, four trainings and scikit-learn's models
@pytest.mark.timeout(60)
def test_retrain__compares_the_best_networks_with_references(run_dir: Path, call: Call) -> None:
    summary = json.loads((run_dir / "summary.json").read_text())
    assert "retrained" not in summary and "baselines" not in summary
    before = {path.name: path.read_bytes() for path in run_dir.iterdir() if path.is_file()}
    code, out, err = call("retrain", "--run-dir", run_dir, *RETRAIN)
    assert code == 0, err
    assert {path.name for path in run_dir.iterdir()} - before.keys() - {"tensorboard"} == FILES
    assert all((run_dir / name).read_bytes() == content for name, content in before.items())
    assert len(files(run_dir)) == TRAININGS

    found = comparison(run_dir)
    assert (found["env"], found["seeds"]) == ("NAS-Digits-v0", 2)
    assert "epochs=4" in found["recipe"] and "augmentation=crop" in found["recipe"]
    networks = [model for model in found["models"] if model["found"]]
    references = [model for model in found["models"] if not model["found"]]
    assert [model["name"] for model in references] == ["MLPClassifier", "SVC"]
    assert networks[0]["name"] == summary["best"]["architecture"]
    assert len({model["name"] for model in networks}) == len(networks) == 2
    assert [len(model["test_accuracies"]) for model in references] == [2, 1], "SVC has no random start"
    for model in (*networks, references[0]):
        assert len(model["test_accuracies"]) == len(model["validation_accuracies"]) == 2
        assert all(
            0.1 < accuracy <= 1 for accuracy in (*model["test_accuracies"], *model["validation_accuracies"])
        )
        assert model["test_accuracy_low"] <= model["test_accuracy_mean"] <= model["test_accuracy_high"]
    for model in networks:
        assert len(model["losses"]) == 4 and model["losses"][-1] < model["losses"][0]
        assert model["parameters"] > 0 and model["multiply_adds"] > 0
        assert len(set(model["validation_accuracies"]) | set(model["test_accuracies"])) > 1, (
            "two seeds, two trainings"
        )

    table = (run_dir / "comparison.md").read_text()
    assert table.endswith(f"\n{found['verdict']}\n") and found["verdict"] in out
    assert all(model["name"] in table for model in found["models"])
    assert found["verdict"].startswith(f"The found network {found['winner']} and ")
    best = max(networks, key=lambda model: model["validation_accuracy_mean"])
    assert found["winner"] == best["name"]

    # As the README says, with this folder.
    lines = re.findall(r"^    (saved = .*winner.pt.*)\n    (network = .*)$", README, flags=re.MULTILINE)
    snippet = "\n".join(lines[0]).replace("runs/NAS-Digits-v0/reinforce/0", str(run_dir))
    names: dict[str, Any] = {"torch": torch, "assemble": assemble}
    exec(snippet, names)
    saved, module = names["saved"], names["network"]
    assert (saved["env"], saved["architecture"]) == ("NAS-Digits-v0", found["winner"])
    assert saved["seed"] in repeat_seeds(
        "retraining", Architecture("conv-v0", tuple(best["name"].split())), 2
    )
    parts = assemble(saved["env"], **saved["env_kwargs"])
    assert parts.dataset is not None and parts.dataset.test is not None and parts.recipe is not None
    assert parts.recipe.id == found["recipe"]
    judged = [
        accuracy_of(module, Samples.of(part, parts.dataset.channel_statistics))
        for part in (parts.dataset.validation, parts.dataset.test)
    ]
    assert judged[0] == max(best["validation_accuracies"])
    assert tuple(judged) in list(zip(best["validation_accuracies"], best["test_accuracies"], strict=True))


@pytest.mark.slow  # a process that is killed, and what it left undone
@pytest.mark.timeout(120)
def test_retrain__killed_and_started_again_ends_as_if_nothing_had_happened(
    run_dir: Path, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its models are trained at every call, and this test has many.
    monkeypatch.setitem(PROBLEMS, "NAS-Digits-v0", replace(PROBLEMS["NAS-Digits-v0"], reference_models=()))
    whole = Path(shutil.copytree(run_dir, tmp_path / "whole"))
    assert call("retrain", "--run-dir", whole, *RETRAIN)[0] == 0

    def some() -> bool:
        return len(list((run_dir / "retraining").glob("*.pt"))) > 0

    killed = Running(tmp_path / "log", "retrain.py", "--run-dir", run_dir, *RETRAIN)
    assert killed.interrupt(signal.SIGKILL, some).code == -signal.SIGKILL
    there = len(list((run_dir / "retraining").glob("*.pt")))
    assert 1 <= there < TRAININGS and not (run_dir / "comparison.json").exists()
    code, out, err = call("retrain", "--run-dir", run_dir, *RETRAIN)
    assert code == 0, err
    assert f"{there} of {TRAININGS} trainings are in {run_dir} already" in out
    assert comparison(run_dir) == comparison(whole)

    # Once more trains nothing, and more seeds train only those that are new.
    before, written = files(run_dir), comparison(run_dir)
    out = call("retrain", "--run-dir", run_dir, *RETRAIN)[1]
    assert f"{TRAININGS} of {TRAININGS} trainings are in" in out
    assert (files(run_dir), comparison(run_dir)) == (before, written)
    out = call("retrain", "--run-dir", run_dir, "--top", 1, "--seeds", 3, *RETRAIN[4:])[1]
    assert "2 of 3 trainings are in" in out
    # Another recipe is another training.
    assert "already" not in call("retrain", "--run-dir", run_dir, *RETRAIN, "epochs=1")[1]

    file = next(iter(before))
    file.write_bytes(file.read_bytes()[:100])
    code, _, err = call("retrain", "--run-dir", run_dir, *RETRAIN)
    assert (code, err) == (2, f"error: {file} is damaged; delete it and start again\n")


@pytest.mark.slow  # a search, and trainings of a residual network
@pytest.mark.timeout(60)
def test_retrain__of_ones_own_images_has_a_residual_network_beside_it(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "run"
    small = (f"path={small_image_folder()}", "image_size=8", "kernels=[3]", "filters=[4]", "evaluator=local")
    search = ("--env", "NAS-ImageFolder-v0", "--run-dir", path, "--episodes", "3")
    code, out, err = call("train_reinforce", *search, "--env-kwargs", *small, "epochs=1")
    assert code == 0, err
    assert f"python scripts/retrain.py --run-dir {path} trains the best networks" in " ".join(out.split())
    retrain = ("--top", "1", "--seeds", "1", "--processes", "1", "--env-kwargs", "epochs=2")
    code, out, err = call("retrain", "--run-dir", path, *retrain)
    assert code == 0, err
    network, reference = comparison(path)["models"]
    assert (network["found"], reference["found"], reference["name"]) == (True, False, "ResNet-8")
    parts = assemble("NAS-ImageFolder-v0", path=small_image_folder(), image_size=8, kernels=[3], filters=[4])
    size = parts.search_space.size(parts.search_space.parse(network["name"]), (3, 8, 8), 3)
    assert size is not None
    assert (network["parameters"], network["multiply_adds"]) == (size.parameters, size.multiply_adds)
    assert reference["parameters"] == 78_042 - 7 * 65, "three classes instead of ten"
    assert "how much of that is noise cannot be told" in (path / "comparison.md").read_text()


def finished(
    path: Path,
    env: str,
    best: str,
    test_checksum: str | None = None,
    env_kwargs: dict[str, Any] | None = None,
) -> Path:
    """Write the folder of a finished run."""
    path.mkdir()
    settings: dict[str, Any] = {"env": env, "env_kwargs": env_kwargs or {}}
    settings["test_checksum"] = test_checksum or digits().test_checksum
    (path / "config.json").write_text(json.dumps({"settings": settings}))
    (path / "summary.json").write_text(json.dumps({"best": {"architecture": best}}))
    row = f"1,{best},0.5,ok,0.5,3"
    header = "episode,architecture,reward,status,validation_accuracy,parameters"
    (path / "evaluations.csv").write_text(f"{header}\n{row}\n")
    return path


CELLS: dict[str, Any] = {"evaluator": "local", "seed": 3, "units": 8}
FEW_BRACKETS = ("train_tokens=3000", "epochs=1", "units=8", "batch_size=4")


@pytest.mark.slow  # trainings of language models, after Numba has compiled what computes cells
@pytest.mark.timeout(120)
def test_retrain__of_cells_has_references_of_the_same_size_and_the_grammars_own_perplexity(
    call: Call, tmp_path: Path
) -> None:
    # The search found NASCell itself, and so the reference is the same cell.
    held_out = brackets(seed=3).test_checksum
    path = finished(tmp_path / "run", "NAS-Brackets-v0", str(NASCELL), held_out, CELLS)
    retrain = ("retrain", "--run-dir", path, "--top", 1, "--seeds", 2, "--processes", 1)
    code, out, err = call(*retrain, "--env-kwargs", *FEW_BRACKETS)
    assert code == 0, err
    found = comparison(path)
    names = [model["name"] for model in found["models"]]
    assert names[0] == found["winner"] == str(NASCELL) and names[3] == "NASCell-8"
    assert names[1].startswith("LSTM-") and names[2].startswith("GRU-")
    assert "train_tokens=3000" not in found["dataset"] and "tokens=3000/" in found["dataset"]
    assert found["best_possible"] == pytest.approx(3.5636, abs=1e-4)
    cell, *_, nascell = found["models"]
    assert cell["parameters"] == nascell["parameters"] == 8 * 8 * 16 + 2 * 8 * 8 + 8
    for model in found["models"]:
        assert model["parameters"] == pytest.approx(cell["parameters"], rel=0.1)
        assert len(model["test_perplexities"]) == 2 and len(model["losses"]) == 1
        assert 3.4 < model["test_perplexity_low"] < model["test_perplexity_mean"] < 7.9
        assert "test_bits_per_character_mean" not in model
    assert cell["test_perplexities"] != nascell["test_perplexities"], "other seeds, so another training"
    assert "% in test perplexity" in found["verdict"]
    assert "The best perplexity that any model can have in the long run is 3.5636." in out
    saved = torch.load(path / "winner.pt", weights_only=True)
    module = assemble(saved["env"], **saved["env_kwargs"]).rebuild(saved["architecture"], saved["state_dict"])
    corpus = brackets(seed=3)
    assert corpus.test is not None
    assert perplexity_of(module, corpus.validation) == min(cell["validation_perplexities"])
    assert perplexity_of(module, corpus.test) in cell["test_perplexities"]

    # Transfer: data and recipe are those of the other environment.
    story = (f"path={small_text()}", "by=character", "epochs=1", "units=4")
    code, out, err = call(*retrain, "--env", "NAS-Text-v0", "--env-kwargs", *story)
    assert code == 0, err
    assert comparison(path) == found, "and the results have a folder of their own"
    there = comparison(path / "NAS-Text-v0")
    assert (there["env"], there["winner"]) == ("NAS-Text-v0", str(NASCELL))
    assert "by=character" in there["dataset"] and "batch_size=16" in there["recipe"]
    for model in there["models"]:
        bits = log2(model["test_perplexity_mean"])
        assert model["test_bits_per_character_mean"] == pytest.approx(bits)
    assert "| bits per character |" in out and (path / "NAS-Text-v0" / "winner.pt").exists()


@pytest.mark.slow  # trainings of language models
@pytest.mark.timeout(60)
def test_retrain__of_what_fails_compares_the_others(call: Call, tmp_path: Path) -> None:
    # Nothing bounds its h_t, which grows from step to step once weights are large; the other one's is tanh.
    exploding = "add:identity add:identity add:identity add:identity node-2 node-2"
    tame = "add:tanh add:tanh add:tanh add:tanh node-0 node-1"
    held_out = brackets(seed=3).test_checksum
    path = finished(tmp_path / "run", "NAS-Brackets-v0", exploding, held_out, {**CELLS, "base": 2})
    file = path / "evaluations.csv"
    file.write_text(file.read_text() + f"2,{tame},0.4,ok,0.5,3\n")
    retrain = ("retrain", "--run-dir", path, "--seeds", 1, "--processes", 1, "--env-kwargs", *FEW_BRACKETS)
    rough = ("clip=None", "optimizer=sgd", "--top", 2)
    code, _, err = call(*retrain, "learning_rate=1e6", *rough)
    assert code == 0, err
    everything = comparison(path)
    assert everything["winner"] is None and not (path / "winner.pt").exists()
    assert everything["verdict"].startswith("Every training of what was found failed, there is nothing")
    code, _, err = call(*retrain, "learning_rate=20", *rough)
    assert code == 0, err
    found = comparison(path)
    assert found["winner"] == tame, found["models"]
    failed = found["models"][0]
    assert (failed["name"], failed["test_perplexities"]) == (exploding, [])
    assert "not finite" in failed["failures"][0] or "perplexity is" in failed["failures"][0]
    assert f"| `{exploding}` |  |  | 1 of 1 failed: " in (path / "comparison.md").read_text()


@pytest.mark.parametrize(
    ("env", "best", "arguments", "says"),
    [
        (None, "", (), "run holds no finished run: config.json or summary.json is missing or damaged"),
        ("NAS-Bench-Moons-v0", "ReLU", (), "NAS-Bench-Moons-v0 looks its children up in a table, there is"),
        ("NAS-Mars-v0", "ReLU", (), "unknown environment 'NAS-Mars-v0'"),
        (
            "NAS-Digits-v0",
            "ReLU",
            ("--env", "NAS-PTB-v0"),
            "NAS-PTB-v0 has the search space cell-v0, the net",
        ),
        ("NAS-Digits-v0", "ReLU", (), "ReLU"),
        ("NAS-Digits-v0", "conv3x3-8-pool2-drop0", ("--seeds", "0"), "top, seeds and processes must be pos"),
        ("NAS-Digits-v0", "conv3x3-8-pool2-drop0", ("--top", "-1"), "top, seeds and processes must be pos"),
        ("NAS-Digits-v0", "conv3x3-8-pool2-drop0", ("--env-kwargs", "epoch=1"), "no keyword 'epoch'"),
        ("NAS-Digits-v0", "conv3x3-8-pool2-drop0", ("--env-kwargs", "seed=1"), "other test data than the"),
        (
            "NAS-Digits-v0",
            "conv3x3-8-pool2-drop0",
            ("--env-kwargs", "device=abacus"),
            "device 'abacus' cannot",
        ),
    ],
    ids=str,
)
def test_retrain__says_in_one_line_what_is_wrong(
    env: str | None, best: str, arguments: tuple[str, ...], says: str, call: Call, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    if env is not None:
        finished(path, env, best)
    code, out, err = call("retrain", "--run-dir", path, "--processes", 1, *arguments)
    assert code == 2, (out, err)
    assert err.startswith("error: ") and err.count("\n") == 1 and says in err
    assert not (path / "comparison.json").exists() and not (path / "retraining").exists()


def test_retrain__of_an_earlier_versions_run_does_not_guess_its_test_data(call: Call, tmp_path: Path) -> None:
    path = finished(tmp_path / "run", "NAS-Digits-v0", "conv3x3-8-pool2-drop0")
    (path / "config.json").write_text(json.dumps({"settings": {"env": "NAS-Digits-v0", "env_kwargs": {}}}))
    code, _, err = call("retrain", "--run-dir", path)
    assert code == 2 and "does not tell which test data it locked away" in err and err.count("\n") == 1
