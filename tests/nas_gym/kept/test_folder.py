import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nas_gym
from nas_gym.errors import KeptNetworkError
from nas_gym.kept.description import Description
from nas_gym.kept.folder import read_folder, write_folder
from nas_gym.kept.keeping import describe
from nas_gym.kept.loading import load_network
from nas_gym.kept.records import of_json, to_json
from nas_gym.search_spaces import MlpSpace
from tests.nas_gym.kept.networks import kept

NET = "Linear-4 ReLU"
FILES = ["model.json", "weights.safetensors"]


@pytest.fixture(scope="module")
def moons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kept(tmp_path_factory.mktemp("moons") / "m", "NAS-Moons-v0", NET, full={"epochs": 1})[0]


@pytest.fixture
def folder(moons: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(moons, tmp_path / "m"))


def test_folder__is_two_files_without_pickle(moons: Path) -> None:
    assert sorted(path.name for path in moons.iterdir()) == FILES
    assert [path.name for path in moons.parent.iterdir()] == ["m"], "nothing temporary is left"
    values = json.loads((moons / "model.json").read_text())
    assert (values["format"], values["search_space"], values["architecture"]) == (1, "mlp-v0", NET)
    assert values["space_arguments"] == MlpSpace().arguments
    assert values["interface"]["reading"] == {"kind": "features", "shape": [2]}
    assert {"accuracy", "log_loss"} <= set(values["scores"]["test"]) and "torch" in values["versions"]


def test_description__is_read_as_it_was_written(moons: Path) -> None:
    description = read_folder(moons)[0]
    assert of_json(Description, json.loads(json.dumps(to_json(description)))) == description


def write(file: str, content: bytes | None) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / file
        path.unlink() if content is None else path.write_bytes(content)

    return change


def truncate(file: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / file
        path.write_bytes(path.read_bytes()[:-20])

    return change


def edit(**changes: Any) -> Callable[[Path], None]:  # noqa: ANN401 - any JSON
    def change(folder: Path) -> None:
        file = folder / "model.json"
        values = json.loads(file.read_text())
        for name, value in changes.items():
            inner = values["interface"] if name in values["interface"] else values
            inner[name] = value
        file.write_text(json.dumps({name: value for name, value in values.items() if value is not None}))

    return change


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "no folder": (shutil.rmtree, "m is no folder: model.json is missing"),
    "another folder": (write("model.json", None), "holds neither a kept network nor a run with one"),
    "no weights": (write("weights.safetensors", None), "the weights"),
    "half a description": (truncate("model.json"), "model.json is damaged: it is not JSON"),
    "half the weights": (truncate("weights.safetensors"), "is damaged, or belongs to another model.json"),
    "a description of others": (write("model.json", b'{"layers": 3}'), "it has no format version"),
    "a list": (write("model.json", b"[1]"), "it has no format version"),
    "bytes": (write("model.json", b"\xff"), "it is not JSON"),
    "another format": (edit(format=2), "has the format version 2, this version of nas_gym reads 1 alone"),
    "a part is missing": (edit(architecture=None), "architecture is missing"),
    "another type": (edit(seed="a"), "seed is 'a'"),
    "another reading": (edit(reading={"kind": "sounds"}), "reading is"),
    "a part is unknown": (edit(colour="red"), "colour is unknown"),
    "another task": (edit(task="ranking"), "has the unknown task 'ranking'"),
    "another space": (edit(search_space="mlp-v9"), "unknown search space 'mlp-v9'"),
    "other arguments": (edit(space_arguments={"colour": 1}), "cannot be built again"),
    "no network": (edit(architecture="Linear-5"), "'Linear-5' is no token of mlp-v0"),
    "another network": (edit(architecture="Linear-8 ReLU"), "cannot be built again"),
}


@pytest.mark.parametrize("what", BAD)
def test_load__says_in_one_line_what_is_wrong(what: str, folder: Path) -> None:
    change, says = BAD[what]
    change(folder)
    with pytest.raises(KeptNetworkError) as raised:
        load_network(folder)
    assert says in str(raised.value) and "\n" not in str(raised.value)


def test_load__says_that_weights_are_no_safetensors(folder: Path) -> None:
    from hashlib import sha256

    edit(weights_sha256=sha256(b"other").hexdigest())(folder)
    (folder / "weights.safetensors").write_bytes(b"other")
    with pytest.raises(KeptNetworkError, match="cannot be read"):
        load_network(folder)


def test_write__replaces_a_kept_network_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    description, weights = read_folder(folder)
    write_folder(folder, replace(description, seed=7), weights)
    assert read_folder(folder)[0].seed == 7
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    (tmp_path / "file").touch()
    for path in (tmp_path / "mine", tmp_path / "file"):
        with pytest.raises(KeptNetworkError, match=r"is there and holds no model\.json"):
            write_folder(path, description, weights)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years"
    with pytest.raises(KeptNetworkError, match="cannot be written"):
        write_folder(tmp_path / "file" / "m", description, weights)


def test_write__leaves_the_old_one_if_it_fails(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    description, weights = read_folder(folder)
    with monkeypatch.context() as patch:
        patch.setattr("nas_gym.kept.folder.write_json", full)
        with pytest.raises(KeptNetworkError, match="No space left"):
            write_folder(folder, replace(description, seed=7), weights)
    assert read_folder(folder)[0] == description
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


class Own(MlpSpace):
    """A search space that nas_gym does not know."""


def test_describe__refuses_what_nobody_could_load() -> None:
    problem = nas_gym.problem("NAS-Moons-v0")
    assert problem.task is not None
    with pytest.raises(KeptNetworkError, match="nobody could load it"):
        describe(problem.task, Own(), Own().parse(NET), {})


def test_load__finds_the_winner_of_a_run(folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    folder.rename(run / "winner")
    network = load_network(run)
    assert network.predict(np.zeros((3, 2))).shape == (3,) and network.classes == ("0", "1")
