"""The model of a table for other programs: one ONNX file that reads numbers with gaps, and names."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas_gym.datasets.tables.columns import Cells
from nas_gym.datasets.tables.encoding import BINS, FAR, LEAST_RANK, Encoding, NumberEncoding
from nas_gym.errors import ExportError
from nas_gym.extras import needs
from nas_gym.files import write_atomically
from nas_gym.kept.table_model import Member, TableModel, answers_of
from nas_gym.search_spaces.mlp.description import Activation, describe

with needs("export", "ONNX"):
    import onnxruntime
    from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

EXAMPLES = 64
OPSET, OPSET_OF_NAMES, IR_VERSION = 18, 3, 9
UNKNOWN = -1
"""Code of a name that no network was trained on."""
LEAKY = 0.01
"""PyTorch's slope of ``LeakyReLU``."""
CENTRAL = 0.02425
"""Nearer to 0 or 1 the normal quantile function is approximated as in a tail."""
CENTRE_OVER = (
    -3.969683028665376e01,
    2.209460984245205e02,
    -2.759285104469687e02,
    1.383577518672690e02,
    -3.066479806614716e01,
    2.506628277459239e00,
)
CENTRE_UNDER = (
    -5.447609879822406e01,
    1.615858368580409e02,
    -1.556989798598866e02,
    6.680131188771972e01,
    -1.328068155288572e01,
    1.0,
)
TAIL_OVER = (
    -7.784894002430293e-03,
    -3.223964580411365e-01,
    -2.400758277161838e00,
    -2.549732539343734e00,
    4.374664141464968e00,
    2.938163982698783e00,
)
TAIL_UNDER = (7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e00, 3.754408661907416e00, 1.0)
"""Coefficients of numerators and denominators, the highest power first."""


def export_table(model: TableModel, file: str | Path, rows: Cells | None = None) -> float:
    """Write the model of a table as ONNX, with its preprocessing; nothing is written if it differs.

    It reads ``numbers``, float64 ``(batch, columns of numbers)``, NaN for a gap, and ``names``, strings
    ``(batch, columns of names)``, empty for a gap; whichever the table has. It says ``probabilities``,
    float32 ``(batch, classes)``, or ``prediction``, float32 ``(batch, 1)``. Metadata hold the columns, the
    classes and the scores.

    Args:
        model: What to write.
        file: Where.
        rows: What to compare on, by default rows drawn from what the networks know.

    Returns:
        The largest difference between what the model and onnxruntime say, of numbers in units of their
        standard deviation.

    Raises:
        ExportError: If a package is missing, or the file would say something else.
    """
    from nas_gym.kept.onnx import LARGEST_DIFFERENCE  # imports PyTorch

    target, cells = Path(file), _drawn(model) if rows is None else rows
    written = _Writer(model).model()
    helper.set_model_props(written, _metadata(model))
    checker.check_model(written)
    content = written.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    given = {"numbers": cells.numbers, "names": cells.names}
    said = session.run(None, {each.name: given[each.name] for each in session.get_inputs()})[0]
    unit = 1.0 if model.classes is not None else max(abs(member.unit) for member in model.members)
    difference = float(np.abs(said - answers_of(model, cells)).max() / unit)
    if not difference <= LARGEST_DIFFERENCE:
        raise ExportError(
            f"onnxruntime and the model differ by {difference:.1e}, at most {LARGEST_DIFFERENCE:.0e} is "
            f"allowed; {target} is not written"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, lambda temporary: temporary.write_bytes(content))
    return difference


class _Writer:
    """Writes the operations of a model one after another; a value is called by its name."""

    def __init__(self, model: TableModel) -> None:
        self._model = model
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def model(self) -> ModelProto:
        """Return all of them as one model."""
        model = self._model
        encoding = model.members[0].encoding
        inputs = []
        if encoding.numbers:
            inputs.append(
                helper.make_tensor_value_info("numbers", TensorProto.DOUBLE, ["batch", len(encoding.numbers)])
            )
        if encoding.names:
            inputs.append(
                helper.make_tensor_value_info("names", TensorProto.STRING, ["batch", len(encoding.names)])
            )
        codes = self._codes()
        parts = [self._member(member, codes) for member in model.members]
        name, width = ("probabilities", len(model.classes)) if model.classes else ("prediction", 1)
        self._nodes.append(helper.make_node("Sum", parts, [name]))
        outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])]
        graph = helper.make_graph(self._nodes, "table", inputs, outputs, self._constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", OPSET_OF_NAMES)]
        return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=opsets, producer_name="nas_gym")

    def _op(self, kind: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401, of ONNX
        name = f"value_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def _constant(self, values: NDArray[np.generic] | Sequence[float] | float) -> str:
        """Return the name of values, float64 unless they are an array of another type."""
        array = np.asarray(values, dtype=None if isinstance(values, np.ndarray) else np.float64)
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def _column(self, table: str, place: int) -> str:
        return self._op("Gather", table, self._constant(np.array([place])), axis=1)

    def _codes(self) -> list[tuple[str, dict[str, int]]]:
        """Return for each column of names its codes, ``(batch, 1)``, and what they stand for."""
        columns = zip(*(member.encoding.names for member in self._model.members), strict=True)
        codes = []
        for place, of_members in enumerate(columns):
            words = sorted(set().union(*of_members))
            code = self._op(
                "LabelEncoder",
                self._column("names", place),
                domain="ai.onnx.ml",
                keys_strings=words,
                values_int64s=list(range(len(words))),
                default_int64=UNKNOWN,
            )
            codes.append((code, {word: number for number, word in enumerate(words)}))
        return codes

    def _member(self, member: Member, codes: Sequence[tuple[str, dict[str, int]]]) -> str:
        """Return what a network says, times its share."""
        encoding = member.encoding
        parts = [self._number(known, place, encoding.numeric) for place, known in enumerate(encoding.numbers)]
        for (code, numbers), names in zip(codes, encoding.names, strict=True):
            known = self._constant(np.array([numbers[name] for name in names], dtype=np.int64))
            parts.append(self._op("Cast", self._op("Equal", code, known), to=TensorProto.DOUBLE))
        features = self._op("Concat", *parts, axis=1)
        outputs = self._layers(member, self._op("Cast", features, to=TensorProto.FLOAT))
        if self._model.classes is not None:
            outputs = self._op("Softmax", outputs, axis=1)
        else:
            outputs = self._op("Mul", outputs, self._constant(np.array([member.unit], np.float32)))
            outputs = self._op("Add", outputs, self._constant(np.array([member.mean], np.float32)))
        return self._op("Mul", outputs, self._constant(np.array([member.share], np.float32)))

    def _layers(self, member: Member, value: str) -> str:
        layers = describe(member.architecture.tokens).layers
        for place in range(len(layers) + 1):
            layer = layers[place] if place < len(layers) else None
            if isinstance(layer, Activation):
                slope = {"alpha": LEAKY} if layer.name == "LeakyReLU" else {}
                value = self._op(OPERATIONS[layer.name], value, **slope)
            else:
                weight, bias = (
                    self._constant(member.weights[f"{place}.{name}"]) for name in ("weight", "bias")
                )
                value = self._op("Gemm", value, weight, bias, transB=1)
        return value

    def _number(self, known: NumberEncoding, place: int, numeric: str) -> str:
        """Return what becomes of a column of numbers, see ``Encoding``."""
        column = self._column("numbers", place)
        gaps = self._op("IsNaN", column)
        filled = self._op("Where", gaps, self._constant(known.median), column)
        low, high = np.array(known.edges[:-1]), np.array(known.edges[1:])
        parts = []
        if len(low) and (numeric == "quantile" or (numeric in BINS and len(low) > 1)):
            above = self._op("Sub", filled, self._constant(low))
            inside = self._clip(self._op("Div", above, self._constant(high - low)), 0.0, 1.0)
        if numeric == "quantile" and len(low):
            # Ranks rise evenly from edge to edge, so the mean is what interpolation says.
            rank = self._op("ReduceMean", inside, self._constant(np.array([1])), keepdims=1)
            parts.append(self._normal_quantile(self._clip(rank, LEAST_RANK, 1.0 - LEAST_RANK)))
        else:
            scaled = self._op("Mul", filled, self._constant(2.0**-known.exponent))
            distance = self._op("Sub", scaled, self._constant(known.mean))
            parts.append(self._clip(self._op("Div", distance, self._constant(known.std)), -FAR, FAR))
        if numeric in BINS and len(low) > 1:
            parts.append(inside)
        if known.has_gaps:
            parts.append(self._op("Cast", gaps, to=TensorProto.DOUBLE))
        return parts[0] if len(parts) == 1 else self._op("Concat", *parts, axis=1)

    def _clip(self, value: str, low: float, high: float) -> str:
        return self._op("Clip", value, self._constant(low), self._constant(high))

    def _normal_quantile(self, share: str) -> str:
        """Return the value below which a standard normal variable lies with these probabilities, in (0, 1).

        ONNX has no such operation. Rational approximations by P. J. Acklam (2003), "An algorithm for
        computing the inverse normal cumulative distribution function", relative error below 1.15e-9.
        """
        middle = self._op("Sub", share, self._constant(0.5))
        square = self._op("Mul", middle, middle)
        ratio = self._op("Div", self._polynomial(CENTRE_OVER, square), self._polynomial(CENTRE_UNDER, square))
        central = self._op("Mul", middle, ratio)
        nearest = self._op("Min", share, self._op("Sub", self._constant(1.0), share))
        far = self._op("Sqrt", self._op("Mul", self._constant(-2.0), self._op("Log", nearest)))
        below = self._op("Div", self._polynomial(TAIL_OVER, far), self._polynomial(TAIL_UNDER, far))
        tail = self._op("Mul", below, self._op("Neg", self._op("Sign", middle)))
        return self._op("Where", self._op("Less", nearest, self._constant(CENTRAL)), tail, central)

    def _polynomial(self, coefficients: Sequence[float], x: str) -> str:
        value = self._constant(coefficients[0])
        for coefficient in coefficients[1:]:
            value = self._op("Add", self._op("Mul", value, x), self._constant(coefficient))
        return value


OPERATIONS = {"ReLU": "Relu", "LeakyReLU": "LeakyRelu", "Tanh": "Tanh", "Sigmoid": "Sigmoid"}
"""Activations as ONNX calls them."""


def _drawn(model: TableModel) -> Cells:
    """Return rows drawn from what the networks know, with gaps and unknown names among them."""
    drawn = np.random.default_rng(0)
    encoding: Encoding = model.members[0].encoding
    numbers = np.empty((EXAMPLES, len(encoding.numbers)))
    for place, known in enumerate(encoding.numbers):
        values = known.mean + known.std * drawn.normal(size=EXAMPLES)
        numbers[:, place] = np.ldexp(values, known.exponent)
    numbers[drawn.random(numbers.shape) < 0.1] = np.nan
    names = np.full((EXAMPLES, len(encoding.names)), "", dtype=object)
    for place, known_names in enumerate(encoding.names):
        choices = np.array([*known_names, "a name that no network knows"], dtype=object)
        names[:, place] = drawn.choice(choices, EXAMPLES)
    return Cells(model.columns, numbers, names)


def _metadata(model: TableModel) -> dict[str, str]:
    columns = {
        "numbers": [column.name for column in model.columns if column.is_number],
        "names": [column.name for column in model.columns if not column.is_number],
    }
    return {
        "task": "regression" if model.classes is None else "classification",
        "target": model.target,
        "columns": json.dumps(columns, ensure_ascii=False),
        "architectures": json.dumps(model.architectures),
        "scores": json.dumps(dict(model.scores)),
        **({"classes": json.dumps(list(model.classes), ensure_ascii=False)} if model.classes else {}),
    }
