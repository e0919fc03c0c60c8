import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nas_gym.errors import KeptNetworkError
from nas_gym.kept.ensemble import KeptEnsemble
from nas_gym.kept.loading import load_network
from nas_gym.kept.onnx import export_onnx
from nas_gym.kept.samples import KeptClassifier
from tests.nas_gym.kept.networks import kept

ARCHITECTURES = ("conv3x3-8-pool2-drop0.25", "conv5x5-8-pool1-drop0")
SCORES = {"validation": {"accuracy": 0.75}}
RAW = np.random.default_rng(0).integers(0, 17, (20, 8, 8)).astype(np.uint8)


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[KeptClassifier]:
    folder = tmp_path_factory.mktemp("members")
    found = []
    for number, architecture in enumerate(ARCHITECTURES):
        path, _ = kept(folder / str(number), "NAS-Digits-v0", architecture, full={"epochs": 1})
        network = load_network(path)
        assert isinstance(network, KeptClassifier)
        found.append(network)
    return found


@pytest.fixture(scope="module")
def saved(members: list[KeptClassifier], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ensemble") / "winner"
    KeptEnsemble(members, (0.25, 0.75), SCORES).save(path)
    return path


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """Return a copy that a test may spoil."""
    return Path(shutil.copytree(saved, tmp_path / "winner"))


def test_ensemble__says_the_weighted_mean_of_its_members(members: list[KeptClassifier], saved: Path) -> None:
    loaded = load_network(saved.parent)  # the folder of a fit
    one, other = (each.predict_proba(RAW) for each in members)
    np.testing.assert_allclose(loaded.predict_proba(RAW), 0.25 * one + 0.75 * other, atol=1e-6)
    assert abs(one - other).max() > 0.01, "members that say the same would tell nothing"
    np.testing.assert_array_equal(
        loaded.predict_proba(RAW), KeptEnsemble(members, (0.25, 0.75), SCORES).predict_proba(RAW)
    )
    assert loaded.scores == SCORES and loaded.classes == members[0].classes
    assert isinstance(loaded, KeptEnsemble) and loaded.architectures == list(ARCHITECTURES[::-1])
    assert all(text in repr(loaded) for text in ARCHITECTURES)
    with pytest.raises(KeptNetworkError, match="see architectures"):
        print(loaded.architecture)


def test_ensemble__is_one_network_in_onnx(saved: Path, tmp_path: Path) -> None:
    assert export_onnx(load_network(saved), tmp_path / "both.onnx", RAW) < 1e-5


def test_save__replaces_an_ensemble_and_nothing_else(members: list[KeptClassifier], folder: Path) -> None:
    KeptEnsemble(members[:1], (1.0,), SCORES).save(folder)
    loaded = load_network(folder)
    assert isinstance(loaded, KeptEnsemble) and len(loaded.members) == 1
    assert sorted(each.name for each in folder.iterdir()) == ["0", "ensemble.json"]
    with pytest.raises(KeptNetworkError, match=r"0 is there and holds no ensemble\.json"):
        loaded.save(folder / "0")  # a network of its own


def edit(file: Path, **values: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def of_ensemble(**values: object) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "ensemble.json", **values)


def of_member(**values: object) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "1" / "model.json", **values)


def with_classes_reversed(folder: Path) -> None:
    file = folder / "1" / "model.json"
    interface = json.loads(file.read_text())["interface"]
    edit(file, interface={**interface, "classes": interface["classes"][::-1]})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (of_ensemble(format=2, more=1), "format version 2, this version of nas_gym reads 1 alone"),
        (of_ensemble(shares=[]), "there are 2 networks and 0 shares"),
        (of_ensemble(shares=[0.0, 1.0]), r"positive and sum to 1, got \[0.0, 1.0\]"),
        (of_ensemble(shares=[0.2, 0.4]), r"positive and sum to 1, got \[0.2, 0.4\]"),
        (of_ensemble(shares=[float("nan"), 0.5]), "positive and sum to 1"),
        (of_ensemble(shares="all"), "does not describe an ensemble: shares is 'all'"),
        (of_ensemble(weights_sha256=["a", "b"]), r"belongs to another ensemble\.json"),
        (of_member(task="regression"), r"belongs to another ensemble\.json"),
        (with_classes_reversed, "know the same classes"),
        (lambda folder: shutil.rmtree(folder / "1"), r"1/model\.json cannot be read"),
        (lambda folder: (folder / "1" / "weights.safetensors").write_bytes(b""), "is damaged"),
        (lambda folder: (folder / "ensemble.json").write_text("{"), "is not JSON"),
    ],
)
def test_load__says_in_one_line_what_is_wrong(
    folder: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(folder)
    with pytest.raises(KeptNetworkError, match=message) as raised:
        load_network(folder)
    assert "\n" not in str(raised.value)


def test_ensemble__has_members_and_they_are_single_networks(members: list[KeptClassifier]) -> None:
    with pytest.raises(KeptNetworkError, match="there are 0 networks and 0 shares"):
        KeptEnsemble([], [], {})
    with pytest.raises(KeptNetworkError, match="no ensembles"):
        KeptEnsemble([KeptEnsemble(members, (0.5, 0.5), {})], [1.0], {})


def test_save__names_the_users_folder_if_the_disk_is_full(
    members: list[KeptClassifier], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("nas_gym.kept.folder.write_json", full)
    with pytest.raises(KeptNetworkError, match=rf"^{tmp_path}/new cannot be written: No space left"):
        KeptEnsemble(members, (0.25, 0.75), SCORES).save(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
