import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from nas_gym.errors import ExportError, MissingPackageError
from nas_gym.kept.language_model import KeptLanguageModel
from nas_gym.kept.loading import load_network
from nas_gym.kept.network import KeptNetwork
from nas_gym.kept.onnx import export_onnx
from nas_gym.search_spaces.cell.description import COMBINATIONS
from tests.nas_gym.kept.networks import kept

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]  # the exporter takes seconds, its import more
CELL = "add:tanh elem_mult:sigmoid add:tanh add:relu node-0 node-1"
CHAIN = "conv3x3-8-pool2-drop0.25"
GRAPH = "height-3 width-3 filters-4 height-5 width-3 filters-6 read"


def run(file: Path, **inputs: np.ndarray) -> list[np.ndarray]:
    found: list[np.ndarray] = onnxruntime.InferenceSession(file).run(None, inputs)
    return found


@pytest.mark.parametrize(
    ("architecture", "space"),
    [
        (CHAIN, {"name": "chain"}),
        (GRAPH, {"name": "graph", "filters": [4, 6]}),
        (
            "concatenate average kernel-3 filters-4 pool kernel-3 filters-4 keep",
            {"name": "pyramid", "filters": [4], "min_layers": 2, "max_layers": 2},
        ),
    ],
    ids=["chain", "graph", "pyramid"],
)
def test_onnx__says_of_raw_digits_what_the_network_says(
    architecture: str, space: dict[str, object], tmp_path: Path
) -> None:
    path, problem = kept(tmp_path / "m", "NAS-Digits-v0", architecture, space=space, full={"epochs": 1})
    network, file = load_network(path), tmp_path / "new" / "digits.onnx"
    assert export_onnx(network, file) < 1e-5
    raw = problem.task.data_of(-1).test.features[:9]  # type: ignore[union-attr] # a data set
    for images in (raw, raw[:1]):
        (chances,) = run(file, images=images)
        assert np.allclose(chances, network.predict_proba(images[:, 0]), atol=1e-5)
    model = onnx.load(file)
    known = {each.key: each.value for each in model.metadata_props}
    assert (known["architecture"], known["search_space"]) == (architecture, network.architecture.search_space)
    assert json.loads(known["classes"]) == list("0123456789") and known["nas_gym_version"] == "0.1.0"
    assert [each.name for each in model.graph.input] == ["images"]
    assert [each.name for each in model.graph.output] == ["probabilities"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["digits.onnx"]


@pytest.mark.usefixtures("compiled_cells")
@pytest.mark.parametrize(
    ("cell", "space"),
    [
        (CELL, {}),
        # It reads no h_{t-1}, as a minimal gated unit.
        ("left:sigmoid left:tanh gate:identity left:identity node-2 node-2", {"combinations": COMBINATIONS}),
    ],
    ids=["paper", "gate"],
)
def test_onnx__of_a_language_model_is_one_step(cell: str, space: dict[str, object], tmp_path: Path) -> None:
    full = {"epochs": 1, "units": 6, "layers": 2, "train_tokens": 2000}
    space = {"base": 2, "bias": bool(space), **space}
    path, _ = kept(tmp_path / "m", "NAS-Brackets-v0", cell, space=space, full=full)
    network = load_network(path)
    assert isinstance(network, KeptLanguageModel)
    assert export_onnx(network, tmp_path / "m.onnx", "()") < 1e-5
    hidden = memory = np.zeros((2, 1, 6), np.float32)
    for number, token in enumerate(network.description.interface.reading.read("([])")):
        logs, hidden, memory = run(
            tmp_path / "m.onnx", token=np.array([token], np.int64), hidden=hidden, cell=memory
        )
        assert np.allclose(np.exp(logs), network.predict_proba("([])"[: number + 1]), atol=1e-5)
    known = {each.key: each.value for each in onnx.load(tmp_path / "m.onnx").metadata_props}
    assert tuple(json.loads(known["vocabulary"])) == network.vocabulary


def test_onnx__of_numbers_tells_them_in_their_units(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    made = {"X": X, "y": 100 + 9 * X[:, 0], "task": "regression", "full": {"epochs": 5}}
    network = load_network(kept(tmp_path / "m", "NAS-Tabular-v0", "Linear-4 Tanh", **made)[0])
    export_onnx(network, tmp_path / "m.onnx", X[:1])
    assert np.allclose(run(tmp_path / "m.onnx", features=X)[0], network.predict(X).astype(float), rtol=1e-5)


@pytest.fixture(scope="module")
def moons(tmp_path_factory: pytest.TempPathFactory) -> KeptNetwork:
    path = tmp_path_factory.mktemp("moons") / "m"
    return load_network(kept(path, "NAS-Moons-v0", "Linear-4 ReLU", full={"epochs": 1})[0])


class Strange(nn.Module):
    """Computes what ONNX has no operation for."""

    def forward(self, features: Tensor) -> Tensor:
        values: Tensor = torch.linalg.eigvals(features.T @ features).real[None]
        return values + features


class Restless(nn.Module):
    """Says something else when it is asked again."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, features: Tensor) -> Tensor:
        self.calls += not torch.compiler.is_compiling()
        return features * (1.0 + self.calls)


@pytest.mark.parametrize(
    ("module", "says"),
    [(Strange, "cannot be written as ONNX"), (Restless, "onnxruntime and PyTorch differ by ")],
)
def test_onnx__says_in_one_line_what_cannot_be_exported(
    module: Callable[[], nn.Module], says: str, moons: KeptNetwork, tmp_path: Path
) -> None:
    network = type(moons)(moons.description, module())
    with pytest.raises(ExportError) as raised:
        export_onnx(network, tmp_path / "m.onnx")
    assert says in str(raised.value) and "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime", "onnxscript"])
def test_onnx__says_which_package_it_needs(
    missing: str, moons: KeptNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingPackageError) as raised:
        export_onnx(moons, tmp_path / "m.onnx")
    said = f"ONNX needs {missing}, which is not installed: pip install 'nas_gym[export]'"
    assert str(raised.value) == said
    assert list(tmp_path.iterdir()) == []
