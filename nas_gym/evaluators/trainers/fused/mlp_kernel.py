"""Training of a whole multi-layer perceptron inside one compiled function.

A child of ``mlp-v0`` is a few hundred numbers, and in PyTorch nearly all of its time goes into calling
operators. Here everything stays in the processor's cache. The batch is the inner axis: it is cut into
groups of ``LANES`` samples, and each unit of the network is one row of ``LANES`` values, so that every
inner loop has a constant length and becomes vector instructions.

The result is the same on every processor: no fast-math, sums over lanes are a fixed tree, products and
sums are fused where the code says ``fma`` and nowhere else, and exp and tanh are polynomials of our own.

A network is given as two int64 arrays: ``kinds`` of shape ``(layers,)`` with the codes below, and
``widths`` of shape ``(layers + 1,)``, number of features first and of outputs last. Weights are one
float32 array, layer by layer the matrix ``(outputs, inputs)`` and then the bias: the order of
``torch.nn.utils.parameters_to_vector``.

Targets are labels, int64, with one output, a logit, for each class; or values, float32, with one output.
Their type decides which of two versions is compiled, so nobody waits for the one that is not asked for.

Numba renews its cache when this file changes, but not when a file that it imports does: so all that is
compiled stands in this one file.
"""

import math
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

from nas_gym.compiling import compiled

LANES = 32
DOTS = 8
"""So many dot products are computed at a time: ``add_dots`` is written for this number."""
NO_BIAS = -1
LINEAR, SIGMOID, TANH, RELU, LEAKY_RELU = range(5)

CROSS_ENTROPY, SQUARED_ERROR, HUBER = range(3)
LOSSES = {"cross_entropy": CROSS_ENTROPY, "squared_error": SQUARED_ERROR, "huber": HUBER}
"""What is minimised: the first one for labels, the others for values. Huber's has delta 1."""

ACCURACY, BALANCED_ACCURACY, F1_MACRO, ROC_AUC, LOG_LOSS, R2, RMSE, MAE = range(8)
METRICS = {
    "accuracy": ACCURACY,
    "balanced_accuracy": BALANCED_ACCURACY,
    "f1_macro": F1_MACRO,
    "roc_auc": ROC_AUC,
    "log_loss": LOG_LOSS,
    "r2": R2,
    "rmse": RMSE,
    "mae": MAE,
}
"""What decides on the best epoch: those up to ``log_loss`` for labels, the others for values."""

ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
LEAKY_SLOPE = np.float32(0.01)
BETA1, BETA2, EPSILON = np.float32(0.9), np.float32(0.999), np.float32(1e-8)
REST1, REST2 = np.float32(0.1), np.float32(0.001)

NO_SLOPE, NO_GRADIENT, NO_MOMENT = np.float32(1e-25), np.float32(1e-18), np.float32(1e-30)
"""What is smaller in magnitude counts as zero: a term of softmax, an entry of a gradient, a mean of Adam's.

Numbers below 1.2e-38 are denormal, and a processor takes some hundred cycles for each product that is one. A
network that is sure of its classes makes them everywhere: terms of its softmax, squares of its gradients, and
means of these, which shrink with every step. No weight learns from anything that small, as Adam adds 1e-8 to
the root that it divides by. NaN stays NaN, for a training that fails must be told.
"""


# Vector instructions that plain loops do not reach -------------------------------------------------

_FLOAT, _INT32 = ir.FloatType(), ir.IntType(32)
_ROW = ir.VectorType(_FLOAT, LANES)


def _row_of(context, builder, array_type, array, row):
    """Return a pointer to one row of a contiguous float32 array, of which every ``LANES`` values are one."""
    data = make_array(array_type)(context, builder, array).data
    first = builder.gep(data, [builder.mul(row, ir.Constant(row.type, LANES))])
    return builder.bitcast(first, _ROW.as_pointer())


def _splat(builder, value):
    """Return a vector with one value in all lanes."""
    undefined = ir.Constant(_ROW, ir.Undefined)
    single = builder.insert_element(undefined, value, ir.Constant(_INT32, 0))
    return builder.shuffle_vector(single, undefined, ir.Constant(ir.VectorType(_INT32, LANES), [0] * LANES))


@intrinsic
def fma(typing_context, a, b, c):
    """Return ``a * b + c``, rounded once."""

    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return types.float32(types.float32, types.float32, types.float32), generate


@intrinsic
def float_of_bits(typing_context, bits):
    """Return the float32 that has the bits of an int32."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], _FLOAT)

    return types.float32(types.int32), generate


@intrinsic
def bits_of_double(typing_context, x):
    """Return the int64 that has the bits of a float64."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def double_of_bits(typing_context, bits):
    """Return the float64 that has the bits of an int64."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@intrinsic
def weighted_sums(typing_context, out, out_row, starts, weights, firsts, stride, rows, row, count):
    """Set each row ``out[out_row + i]`` to ``starts[i]`` plus a weighted sum of rows.

    Its terms are ``weights[firsts[i] + j * stride] * rows[row + j]`` for j from 0 to ``count - 1``. Both a
    layer's outputs and the gradients of its inputs are such sums. They stay in registers; of two at a time
    the processor adds to one while it waits for the other, and reads each row once.
    """
    index = types.intp
    signature = types.void(out, index, starts, weights, firsts, index, rows, index, index)

    def generate(context, builder, signature, arguments):
        out, out_row, starts, weights, firsts, stride, rows, row, count = arguments
        out_type, weight_type, rows_type = (signature.args[i] for i in (0, 3, 6))
        weight_data = make_array(weight_type)(context, builder, weights).data
        multiply_add = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_ROW, [_ROW] * 3), f"llvm.fma.v{LANES}f32"
        )
        totals = [
            cgutils.alloca_once_value(builder, _splat(builder, start))
            for start in cgutils.unpack_tuple(builder, starts)
        ]
        positions = cgutils.unpack_tuple(builder, firsts)
        with cgutils.for_range(builder, count) as loop:
            pointer = _row_of(context, builder, rows_type, rows, builder.add(row, loop.index))
            values = builder.load(pointer, align=4)
            step = builder.mul(loop.index, stride)
            for total, first in zip(totals, positions, strict=True):
                position = builder.gep(weight_data, [builder.add(first, step)])
                weight = _splat(builder, builder.load(position))
                builder.store(builder.call(multiply_add, [weight, values, builder.load(total)]), total)
        for i, total in enumerate(totals):
            target = _row_of(context, builder, out_type, out, builder.add(out_row, out_row.type(i)))
            builder.store(builder.load(total), target, align=4)
        return context.get_dummy_value()

    return signature, generate


def _fold(builder, left, right, low, high):
    """Add the lanes ``high`` of two vectors side by side to their lanes ``low``."""
    taken = (ir.Constant(ir.VectorType(_INT32, len(lanes)), lanes) for lanes in (low, high))
    return builder.fadd(*(builder.shuffle_vector(left, right, lanes) for lanes in taken))


def _fold_to(builder, vector, lanes):
    """Add the second half of a vector to the first until so many lanes are left."""
    while vector.type.count > lanes:
        half = vector.type.count // 2
        vector = _fold(builder, vector, vector, list(range(half)), list(range(half, 2 * half)))
    return vector


@intrinsic
def dot(typing_context, a, a_row, b, b_row):
    """Return the sum over lanes of ``a[a_row] * b[b_row]``, halves first: a tree of fixed shape."""

    def generate(context, builder, signature, arguments):
        a, a_row, b, b_row = arguments
        left = builder.load(_row_of(context, builder, signature.args[0], a, a_row), align=4)
        right = builder.load(_row_of(context, builder, signature.args[2], b, b_row), align=4)
        total = _fold_to(builder, builder.fmul(left, right), 1)
        return builder.extract_element(total, ir.Constant(_INT32, 0))

    return types.float32(a, types.intp, b, types.intp), generate


@intrinsic
def add_dots(typing_context, sums, position, stride, a, a_row, b, b_row):
    """Add ``dot(a, a_row, b, b_row + i)`` to ``sums[position + i * stride]`` for i from 0 to ``DOTS - 1``.

    It is the same tree for each. But where ``dot`` has less than a whole vector left, the rest of two of
    them is folded into one, so that an instruction adds for all of them what it would add for one.

    A stride of ``None`` is 1, and makes one vector instruction of what is added.
    """
    index = types.intp
    signature = types.void(sums, index, stride, a, index, b, index)
    contiguous = isinstance(stride, types.NoneType)

    def generate(context, builder, signature, arguments):
        sums, position, stride, a, a_row, b, b_row = arguments
        sums_type, a_type, b_type = (signature.args[i] for i in (0, 3, 5))
        left = builder.load(_row_of(context, builder, a_type, a, a_row), align=4)
        parts = []
        for i in range(DOTS):
            pointer = _row_of(context, builder, b_type, b, builder.add(b_row, b_row.type(i)))
            products = builder.fmul(left, builder.load(pointer, align=4))
            parts.append(_fold_to(builder, products, DOTS))
        # Pairs are chosen so that no later fold crosses the halves of a vector, which takes longer, and the
        # sums end in order.
        low, high = [0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]
        parts = [_fold(builder, parts[i], parts[i + 4], low, high) for i in range(4)]
        low, high = [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]
        parts = [_fold(builder, parts[i], parts[i + 1], low, high) for i in (0, 2)]
        total = _fold(builder, *parts, [0, 2, 8, 10, 4, 6, 12, 14], [1, 3, 9, 11, 5, 7, 13, 15])
        data = make_array(sums_type)(context, builder, sums).data
        if contiguous:
            pointer = builder.bitcast(builder.gep(data, [position]), total.type.as_pointer())
            builder.store(builder.fadd(builder.load(pointer, align=4), total), pointer, align=4)
            return context.get_dummy_value()
        for i in range(DOTS):
            offset = builder.add(position, builder.mul(stride, stride.type(i)))
            pointer = builder.gep(data, [offset])
            added = builder.extract_element(total, ir.Constant(_INT32, i))
            builder.store(builder.fadd(builder.load(pointer), added), pointer)
        return context.get_dummy_value()

    return signature, generate


@njit(inline="always", error_model="numpy")
def exponential(x):
    """Return exp of a float32 to about 1e-7 relative; the argument is clamped to [-87, 88].

    Range reduction and polynomial are those of Cephes' ``expf`` (S. Moshier).
    """
    x = min(max(x, np.float32(-87.0)), np.float32(88.0))
    rounding = np.float32(12582912.0)  # 1.5 * 2**23: adding it leaves the nearest integer
    n = (x * np.float32(1.44269504) + rounding) - rounding
    r = fma(n, np.float32(2.12194440e-4), fma(n, np.float32(-0.693359375), x))
    p = fma(np.float32(1.9875691500e-4), r, np.float32(1.3981999507e-3))
    p = fma(p, r, np.float32(8.3334519073e-3))
    p = fma(p, r, np.float32(4.1665795894e-2))
    p = fma(p, r, np.float32(1.6666665459e-1))
    p = fma(p, r, HALF)
    p = fma(p, r * r, r) + ONE
    return p * float_of_bits((np.int32(n) + np.int32(127)) << np.int32(23))


@njit(inline="always", error_model="numpy")
def hyperbolic_tangent(x):
    """Return tanh of a float32 to about 3e-7 relative, with the rational function of Eigen's ``ptanh``."""
    limit = np.float32(7.90531110763549805)
    x = min(max(x, -limit), limit)
    s = x * x
    p = fma(np.float32(-2.76076847742355e-16), s, np.float32(2.00018790482477e-13))
    p = fma(p, s, np.float32(-8.60467152213735e-11))
    p = fma(p, s, np.float32(5.12229709037114e-08))
    p = fma(p, s, np.float32(1.48572235717979e-05))
    p = fma(p, s, np.float32(6.37261928875436e-04))
    p = fma(p, s, np.float32(4.89352455891786e-03))
    q = fma(np.float32(1.19825839466702e-06), s, np.float32(1.18534705686654e-04))
    q = fma(q, s, np.float32(2.26843463243900e-03))
    q = fma(q, s, np.float32(4.89352518554385e-03))
    return x * p / q


@njit(inline="always", error_model="numpy")
def logarithm(x):
    """Return the natural logarithm of a positive normal float64, to about 1e-14.

    It is that of the mantissa, 2 artanh t = 2 (t + t**3 / 3 + t**5 / 5 + ...) with t = (m - 1) / (m + 1), so
    that abs(t) < 0.172, and the exponent's.
    """
    bits = bits_of_double(x)
    exponent = np.float64((bits >> 52) - 1023)
    m = double_of_bits((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000)
    large = m > 1.4142135623730951
    m = 0.5 * m if large else m
    exponent = exponent + 1.0 if large else exponent
    t = (m - 1.0) / (m + 1.0)
    s = t * t
    series = s * (1 / 19) + 1 / 17
    series = series * s + 1 / 15
    series = series * s + 1 / 13
    series = series * s + 1 / 11
    series = series * s + 1 / 9
    series = series * s + 1 / 7
    series = series * s + 1 / 5
    series = series * s + 1 / 3
    return 0.6931471805599453 * exponent + 2.0 * t * (series * s + 1.0)


# Random numbers ------------------------------------------------------------------------------------


GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""What the counter of random numbers goes on by."""


@njit(inline="always", error_model="numpy")
def random_bits(counter):
    """Return the 64 random bits that belong to a counter, which ``GOLDEN`` is added to before each call.

    SplitMix64: Steele, Lea & Flood 2014, https://doi.org/10.1145/2660193.2660195.
    """
    z = (counter ^ (counter >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(inline="always", error_model="numpy")
def shuffle(order, counter):
    """Shuffle an int64 array in place (Fisher & Yates), and return the last counter."""
    for i in range(len(order) - 1, 0, -1):
        counter += GOLDEN
        j = np.int64(((random_bits(counter) >> np.uint64(32)) * np.uint64(i + 1)) >> np.uint64(32))
        order[i], order[j] = order[j], order[i]
    return counter


@njit(inline="always", error_model="numpy")
def draw_weights(kinds, widths, weights, counter):
    """Draw weights and biases uniformly within plus and minus 1 / sqrt(inputs), as PyTorch does.

    Returns the last counter.
    """
    end = 0
    for layer in range(len(kinds)):
        if kinds[layer] == LINEAR:
            start, end = end, end + (widths[layer] + 1) * widths[layer + 1]
            bound = 1.0 / math.sqrt(widths[layer])
            for position in range(start, end):
                counter += GOLDEN
                uniform = np.float64(random_bits(counter) >> np.uint64(11)) / 9007199254740992.0
                weights[position] = np.float32((2.0 * uniform - 1.0) * bound)
    return counter


# The network ---------------------------------------------------------------------------------------


@njit(error_model="numpy")
def count_weights(kinds, widths):
    """Return the length of the weight array."""
    count = 0
    for layer in range(len(kinds)):
        if kinds[layer] == LINEAR:
            count += (widths[layer] + 1) * widths[layer + 1]
    return count


@njit(error_model="numpy")
def new_units(widths):
    """Return zeros, float32, rows of ``LANES`` for all units one after another."""
    rows = 0
    for layer in range(len(widths)):
        rows += widths[layer]
    return np.zeros(rows * LANES, np.float32)


@njit(inline="always", error_model="numpy")
def all_finite(values):
    """Say whether no value is NaN or infinite."""
    for j in range(len(values)):
        if not math.isfinite(values[j]):
            return False
    return True


@njit(inline="always", error_model="numpy")
def activate(kind, units, x, y, count):
    """Set ``count`` units from number ``y`` on to the activations of those from ``x`` on.

    Here and below, numbers are unsigned and units are counted from the start of the whole array: Numba looks
    whether signed ones count from the end, which keeps LLVM from making vectors, and for each view of a part
    it counts references, which in small networks is a tenth of the time.
    """
    x, y, count = np.uint64(x), np.uint64(y), np.uint64(count)
    if kind == TANH:
        for k in range(count):
            units[y + k] = hyperbolic_tangent(units[x + k])
    elif kind == SIGMOID:
        for k in range(count):
            units[y + k] = fma(HALF, hyperbolic_tangent(HALF * units[x + k]), HALF)
    else:
        slope = ZERO if kind == RELU else LEAKY_SLOPE
        for k in range(count):
            value = units[x + k]
            units[y + k] = value if value > ZERO else slope * value


@njit(inline="always", error_model="numpy")
def deactivate(kind, units, deltas, y, x, count):
    """Set ``count`` deltas from number ``x`` on to what those of activations, from ``y`` on, send back."""
    x, y, count = np.uint64(x), np.uint64(y), np.uint64(count)
    if kind == TANH:
        for k in range(count):
            deltas[x + k] = deltas[y + k] * (ONE - units[y + k] * units[y + k])
    elif kind == SIGMOID:
        for k in range(count):
            deltas[x + k] = deltas[y + k] * units[y + k] * (ONE - units[y + k])
    else:
        slope = ZERO if kind == RELU else LEAKY_SLOPE
        for k in range(count):
            deltas[x + k] = deltas[y + k] if units[y + k] > ZERO else slope * deltas[y + k]


@njit(inline="always", error_model="numpy")
def set_sums(out, out_row, count, bias, weights, first, across, along, rows, row, terms):
    """Set rows of ``out`` to weighted sums of as many rows as there are terms, each with a weight of its own.

    Args:
        out: Gets the sums.
        out_row: Where they begin.
        count: How many there are.
        bias: Where among the weights the sums' biases begin, or ``NO_BIAS``.
        weights: All weights.
        first: Where the first weight of the first sum stands.
        across: From there to the first weight of the next sum.
        along: From there to the next weight of the same sum.
        rows: What is summed.
        row: Where it begins.
        terms: How many of them there are.
    """
    for o in range(0, count - 1, 2):
        starts = (ZERO, ZERO) if bias == NO_BIAS else (weights[bias + o], weights[bias + o + 1])
        firsts = (first + o * across, first + (o + 1) * across)
        weighted_sums(out, out_row + o, starts, weights, firsts, along, rows, row, terms)
    if count % 2:
        last = count - 1
        start = ZERO if bias == NO_BIAS else weights[bias + last]
        weighted_sums(
            out, out_row + last, (start,), weights, (first + last * across,), along, rows, row, terms
        )


@njit(error_model="numpy")
def forward(kinds, widths, weights, units):
    """Compute all units from the features, which stand in the first rows.

    Args:
        kinds: Codes of the layers.
        widths: Numbers of units.
        weights: All weights.
        units: float32, rows of ``LANES`` one after another, a row for each unit; filled layer by layer.
    """
    row, weight = 0, 0
    for layer in range(len(kinds)):
        inputs, outputs, kind = widths[layer], widths[layer + 1], kinds[layer]
        out = row + inputs
        if kind == LINEAR:
            bias = weight + inputs * outputs
            set_sums(units, out, outputs, bias, weights, weight, inputs, 1, units, row, inputs)
            weight = bias + outputs
        else:
            activate(kind, units, row * LANES, out * LANES, outputs * LANES)
        row = out


@njit(inline="always", error_model="numpy")
def add_products(a, a_row, a_count, b, b_row, b_count, sums, first):
    """Add to ``sums`` the dots of all rows of ``a`` with all of ``b``: a matrix, from ``first`` on.

    As many at once as there can be: along the rows of the matrix, and where these end, along its columns.
    """
    across = b_count - b_count % DOTS
    for o in range(a_count):
        for i in range(0, across, DOTS):
            add_dots(sums, first + o * b_count + i, None, a, a_row + o, b, b_row + i)
    down = a_count - a_count % DOTS
    for i in range(across, b_count):
        for o in range(0, down, DOTS):
            add_dots(sums, first + o * b_count + i, b_count, b, b_row + i, a, a_row + o)
        for o in range(down, a_count):
            sums[first + o * b_count + i] += dot(a, a_row + o, b, b_row + i)


@njit(inline="always", error_model="numpy")
def backward(kinds, widths, weights, units, deltas, ones, gradients):
    """Add to ``gradients`` what the deltas of the outputs, in the last rows of ``deltas``, send back."""
    row, weight = len(units) // LANES - widths[-1], len(weights)
    for layer in range(len(kinds) - 1, -1, -1):
        inputs, outputs, kind = widths[layer], widths[layer + 1], kinds[layer]
        source = row - inputs
        if kind == LINEAR:
            bias = weight - outputs
            weight = bias - inputs * outputs
            add_products(deltas, row, outputs, ones, 0, 1, gradients, bias)
            add_products(deltas, row, outputs, units, source, inputs, gradients, weight)
            if layer > 0:  # nobody asks for the gradients of the features
                set_sums(deltas, source, inputs, NO_BIAS, weights, weight, 1, inputs, deltas, row, outputs)
        else:
            deactivate(kind, units, deltas, row * LANES, source * LANES, outputs * LANES)
        row = source


@njit(inline="always", error_model="numpy")
def load(features, order, start, lanes, units):
    """Copy samples ``order[start : start + lanes]`` into the first rows; idle lanes repeat the first one."""
    for f in range(features.shape[1]):
        row = np.uint64(f * LANES)
        for k in range(np.uint64(lanes)):
            units[row + k] = features[order[np.uint64(start) + k], f]
        for k in range(np.uint64(lanes), np.uint64(LANES)):
            units[row + k] = features[order[start], f]


@njit(inline="always", error_model="numpy")
def set_weighted_probabilities(logits, first, out, scratch):
    """Set rows of ``out`` to each lane's weight times its probability of each class, given by logits.

    Both stand in the rows from ``first`` on; for ``scratch`` see ``set_slopes``. How many lanes there are is
    read off an array, as loops of constant length are unrolled before LLVM can make vectors of them.
    """
    lanes, start, end = np.uint64(scratch.shape[1]), np.uint64(first * LANES), np.uint64(len(logits))
    for k in range(lanes):
        scratch[2, k] = logits[start + k]
        scratch[3, k] = ZERO
    for row in range(start + lanes, end, lanes):
        for k in range(lanes):
            scratch[2, k] = max(scratch[2, k], logits[row + k])
    for row in range(start, end, lanes):
        for k in range(lanes):
            term = exponential(logits[row + k] - scratch[2, k])
            out[row + k] = term
            scratch[3, k] += term
    for row in range(start, end, lanes):
        for k in range(lanes):
            term = out[row + k]
            out[row + k] = (ZERO if term < NO_SLOPE else term) / scratch[3, k] * scratch[1, k]


# Losses --------------------------------------------------------------------------------------------


def set_slopes(units, first, targets, batch, start, lanes, scratch, loss, deltas):
    """Set the last rows of ``deltas`` to the derivatives of the batch's loss with respect to the outputs.

    Args:
        units: Their last rows are the outputs of the samples ``batch[start : start + lanes]``.
        first: The first one of these rows.
        targets: Of all samples.
        batch: Numbers of the batch's samples.
        start: The first one of this group.
        lanes: How many they are.
        scratch: Its row 1 holds each lane's weight over the sum of the weights in the batch. With labels,
            row 2 gets the largest logit, row 3 the sum of softmax's terms, and row 4 the labels: compared
            with each class they make vectors, as an index they do not.
        loss: Its code.
        deltas: Of the shape of ``units``.
    """


@overload(set_slopes, inline="always", jit_options={"error_model": "numpy"})
def _set_slopes(units, first, targets, batch, start, lanes, scratch, loss, deltas):
    def of_labels(units, first, targets, batch, start, lanes, scratch, loss, deltas):
        set_weighted_probabilities(units, first, deltas, scratch)
        for k in range(np.uint64(lanes)):
            scratch[4, k] = np.float32(targets[batch[np.uint64(start) + k]])
        width, label = np.uint64(scratch.shape[1]), ZERO
        for row in range(np.uint64(first * LANES), np.uint64(len(deltas)), width):
            for k in range(width):
                deltas[row + k] -= scratch[1, k] if scratch[4, k] == label else ZERO
            label += ONE

    def of_values(units, first, targets, batch, start, lanes, scratch, loss, deltas):
        for k in range(LANES):
            error = units[first * LANES + k] - (targets[batch[start + k]] if k < lanes else ZERO)
            slope = error + error if loss == SQUARED_ERROR else min(max(error, -ONE), ONE)
            deltas[first * LANES + k] = slope * scratch[1, k]

    return of_values if isinstance(targets.dtype, types.Float) else of_labels


def part_of_loss(units, first, targets, batch, start, lanes, scratch, loss):
    """Return what a group adds to the batch's loss (float64); called after ``set_slopes``, as that."""


@overload(part_of_loss, jit_options={"error_model": "numpy"})
def _part_of_loss(units, first, targets, batch, start, lanes, scratch, loss):
    def of_labels(units, first, targets, batch, start, lanes, scratch, loss):
        for k in range(LANES):  # rows 2 and 3 hold the largest logit and the sum of softmax's terms
            scratch[2, k] += np.float32(logarithm(np.float64(scratch[3, k])))
        part = 0.0
        for k in range(lanes):
            one = scratch[2, k] - units[(first + targets[batch[start + k]]) * LANES + k]
            part += np.float64(scratch[1, k]) * np.float64(one)
        return part

    def of_values(units, first, targets, batch, start, lanes, scratch, loss):
        part = 0.0
        for k in range(lanes):
            error = abs(np.float64(units[first * LANES + k]) - np.float64(targets[batch[start + k]]))
            one = error * error
            if loss == HUBER:
                one = 0.5 * one if error <= 1.0 else error - 0.5
            part += np.float64(scratch[1, k]) * one
        return part

    return of_values if isinstance(targets.dtype, types.Float) else of_labels


@compiled(error_model="numpy")
def batch_gradients(
    kinds,
    widths,
    weights,
    features,
    targets,
    sample_weights,
    batch,
    loss,
    with_loss,
    units,
    deltas,
    scratch,
    gradients,
):
    """Set ``gradients`` to those of the mean loss of the samples in ``batch``, and return that loss.

    Args:
        kinds: Codes of the layers.
        widths: Numbers of units.
        weights: All weights.
        features: float32, shape ``(samples, features)``.
        targets: int64 or float32, shape ``(samples,)``.
        sample_weights: float32, shape ``(samples,)``, for a weighted mean; or shape ``(0,)``.
        batch: int64, numbers of samples.
        loss: Its code.
        with_loss: Whether to compute the loss, which training does not need; 0.0 without.
        units: As in ``forward``; overwritten.
        deltas: Of the same shape; overwritten.
        scratch: float32, shape ``(5, LANES)``, the first row all ones; the others are overwritten.
        gradients: Filled; as the weights.
    """
    for j in range(len(gradients)):
        gradients[j] = ZERO
    first = len(units) // LANES - widths[-1]
    weighted = len(sample_weights) > 0
    total = 1.0 * len(batch)
    if weighted:
        total = 0.0
        for i in range(len(batch)):
            total += np.float64(sample_weights[batch[i]])
    share = 1.0 / total
    for k in range(np.uint64(scratch.shape[1])):
        scratch[1, k] = np.float32(share)
    mean_loss = 0.0
    for start in range(0, len(batch), LANES):
        lanes = min(LANES, len(batch) - start)
        load(features, batch, start, lanes, units)
        forward(kinds, widths, weights, units)
        if weighted:
            for k in range(lanes):
                scratch[1, k] = np.float32(share * np.float64(sample_weights[batch[start + k]]))
        for k in range(lanes, LANES):
            scratch[1, k] = ZERO
        set_slopes(units, first, targets, batch, start, lanes, scratch, loss, deltas)
        if with_loss:
            mean_loss += part_of_loss(units, first, targets, batch, start, lanes, scratch, loss)
        backward(kinds, widths, weights, units, deltas, scratch, gradients)
    return mean_loss


@njit(inline="always", error_model="numpy")
def adam_step(weights, gradients, mean, variance, step_size, correction):
    """Move the weights by Adam's rule, Kingma & Ba, https://arxiv.org/abs/1412.6980.

    ``step_size`` is the learning rate over the bias correction of the mean, and ``correction`` one over
    the square root of that of the variance. See ``NO_GRADIENT`` for what counts as zero.
    """
    for j in range(len(weights)):
        g = gradients[j]
        g = ZERO if abs(g) < NO_GRADIENT else g
        m = BETA1 * mean[j] + REST1 * g
        v = BETA2 * variance[j] + REST2 * g * g
        m = ZERO if abs(m) < NO_MOMENT else m
        v = ZERO if v < NO_MOMENT else v
        mean[j], variance[j] = m, v
        weights[j] -= step_size * m / (np.sqrt(v) * correction + EPSILON)


# Scores --------------------------------------------------------------------------------------------


@njit(error_model="numpy")
def compute_outputs(kinds, widths, weights, features, units, outputs):
    """Fill ``outputs``, float32 of shape ``(outputs, samples)``; ``units`` as in ``forward``."""
    first_output = len(units) // LANES - widths[-1]
    everyone = np.arange(len(features))
    for start in range(0, len(features), LANES):
        lanes = min(LANES, len(features) - start)
        load(features, everyone, start, lanes, units)
        forward(kinds, widths, weights, units)
        for o in range(len(outputs)):
            for k in range(lanes):
                outputs[o, start + k] = units[(first_output + o) * LANES + k]


@njit(inline="always", error_model="numpy")
def likeliest_class(outputs, sample):
    """Return the class with the largest logit; ties go to the first one."""
    best = 0
    for c in range(1, len(outputs)):
        if outputs[c, sample] > outputs[best, sample]:
            best = c
    return best


@njit(error_model="numpy")
def cross_entropy(outputs, sample, label):
    """Return minus the logarithm of the probability of a label, given logits ``(classes, samples)``."""
    largest = outputs[0, sample]
    for c in range(1, len(outputs)):
        largest = max(largest, outputs[c, sample])
    total = 0.0
    for c in range(len(outputs)):
        total += np.float64(exponential(outputs[c, sample] - largest))
    return logarithm(total) + (np.float64(largest) - np.float64(outputs[label, sample]))


@njit(error_model="numpy")
def sort(values):
    """Sort in place (Shell 1959, with the gaps of Gonnet & Baeza-Yates 1991)."""
    gap = len(values)
    while gap > 1:
        gap = max(1, (5 * gap - 1) // 11)
        for i in range(gap, len(values)):
            value, j = values[i], i
            while j >= gap and values[j - gap] > value:
                values[j] = values[j - gap]
                j -= gap
            values[j] = value


@njit(error_model="numpy")
def area_under_curve(outputs, labels, c):
    """Return how often a sample of class ``c`` is held for one more than another sample; a tie is half.

    What samples are compared by is the logarithm of the odds of that class, which orders them as its
    probability does but never saturates. NaN if all samples are of that class, or none.
    """
    odds = np.empty(len(labels), np.float64)
    inside, outside = 0, len(labels)
    for sample in range(len(labels)):
        largest = np.float32(-np.inf)
        for o in range(len(outputs)):
            if o != c:
                largest = max(largest, outputs[o, sample])
        total = 0.0
        for o in range(len(outputs)):
            if o != c:
                total += np.float64(exponential(outputs[o, sample] - largest))
        value = np.float64(outputs[c, sample]) - np.float64(largest) - logarithm(total)
        if labels[sample] == c:
            odds[inside] = value
            inside += 1
        else:
            outside -= 1
            odds[outside] = value
    positives, negatives = odds[:inside], odds[inside:]
    sort(positives)
    sort(negatives)
    below, not_above, wins = 0, 0, 0.0
    for value in positives:
        while below < len(negatives) and negatives[below] < value:
            below += 1
        while not_above < len(negatives) and negatives[not_above] <= value:
            not_above += 1
        wins += 0.5 * (below + not_above)
    return wins / (np.float64(len(positives)) * np.float64(len(negatives)))


@njit(error_model="numpy")
def score_of_classes(outputs, labels, metric):
    """Return a score of logits, see ``score``."""
    classes, samples = len(outputs), len(labels)
    if metric == ACCURACY:
        correct = 0
        for sample in range(samples):
            correct += likeliest_class(outputs, sample) == labels[sample]
        return correct / samples
    if metric == LOG_LOSS:
        total = 0.0
        for sample in range(samples):
            # Scikit-learn takes no probability for smaller than the resolution of float64.
            total += min(cross_entropy(outputs, sample, labels[sample]), 36.04365338911715)
        return total / samples
    if metric == ROC_AUC:
        total, count = 0.0, 0
        for c in range(1 if classes == 2 else 0, classes):
            area = area_under_curve(outputs, labels, c)
            if not math.isnan(area):
                total += area
                count += 1
        return total / count
    hits, actual = np.zeros(classes, np.int64), np.zeros(classes, np.int64)
    predicted = np.zeros(classes, np.int64)
    for sample in range(samples):
        best, label = likeliest_class(outputs, sample), labels[sample]
        predicted[best] += 1
        actual[label] += 1
        if best == label:
            hits[label] += 1
    total, count = 0.0, 0
    for c in range(classes):
        possible = actual[c] if metric == BALANCED_ACCURACY else 0.5 * (actual[c] + predicted[c])
        if possible > 0:
            total += hits[c] / possible
            count += 1
    return total / count


@njit(error_model="numpy")
def score_of_values(outputs, values, metric):
    """Return a score of outputs for values, see ``score``."""
    samples = len(values)
    mean, absolute, squared, spread = 0.0, 0.0, 0.0, 0.0
    for sample in range(samples):
        mean += np.float64(values[sample])
    mean /= samples
    for sample in range(samples):
        value = np.float64(values[sample])
        error = np.float64(outputs[0, sample]) - value
        absolute += abs(error)
        squared += error * error
        spread += (value - mean) * (value - mean)
    if metric == MAE:
        return absolute / samples
    if metric == RMSE:
        return math.sqrt(squared / samples)
    if spread == 0.0:
        return 1.0 if squared == 0.0 else 0.0
    return 1.0 - squared / spread


def score_of(outputs, targets, metric):
    """Return a score, see ``score``; ``outputs`` here is of shape ``(outputs, samples)``."""


@overload(score_of)
def _score_of(outputs, targets, metric):
    of = score_of_values if isinstance(targets.dtype, types.Float) else score_of_classes
    return lambda outputs, targets, metric: of(outputs, targets, metric)


# Entry points --------------------------------------------------------------------------------------


@compiled(nogil=True, error_model="numpy")
def _train(
    kinds,
    widths,
    train_features,
    train_targets,
    sample_weights,
    validation_features,
    validation_targets,
    seed,
    epochs,
    batch_size,
    learning_rate,
    patience,
    loss,
    metric,
    losses,
):
    """Do what ``train_mlp`` says; the mean loss of each epoch goes into ``losses`` unless that is empty."""
    size = count_weights(kinds, widths)
    units = new_units(widths)
    deltas = new_units(widths)
    scratch = np.ones((5, LANES), np.float32)
    outputs = np.empty((widths[-1], len(validation_targets)), np.float32)
    weights, gradients = np.empty(size, np.float32), np.empty(size, np.float32)
    mean, variance = np.zeros(size, np.float32), np.zeros(size, np.float32)
    counter = draw_weights(kinds, widths, weights, seed)
    best_weights = weights.copy()
    order = np.arange(len(train_targets))
    decay1, decay2 = 1.0, 1.0
    sign = -1.0 if metric == LOG_LOSS or metric == RMSE or metric == MAE else 1.0
    best, waited, epoch = -np.inf, 0, 0
    for epoch in range(1, epochs + 1):
        counter = shuffle(order, counter)
        total_loss, steps = 0.0, 0
        for start in range(0, len(order), batch_size):
            total_loss += batch_gradients(
                kinds,
                widths,
                weights,
                train_features,
                train_targets,
                sample_weights,
                order[start : start + batch_size],
                loss,
                len(losses) > 0,
                units,
                deltas,
                scratch,
                gradients,
            )
            steps += 1
            decay1 *= 0.9
            decay2 *= 0.999
            step_size = np.float32(learning_rate / (1.0 - decay1))
            correction = np.float32(1.0 / math.sqrt(1.0 - decay2))
            adam_step(weights, gradients, mean, variance, step_size, correction)
        if len(losses) > 0:
            losses[epoch - 1] = np.float32(total_loss / steps)
        if not all_finite(weights):
            return np.nan, epoch, best_weights
        compute_outputs(kinds, widths, weights, validation_features, units, outputs)
        score = sign * score_of(outputs, validation_targets, metric)
        if score > best:
            best, waited = score, 0
            for j in range(size):  # a slice would have Numba compile the text of an error, for two seconds
                best_weights[j] = weights[j]
        else:
            waited += 1
            if waited == patience:
                break
    return sign * best if math.isfinite(best) else np.nan, epoch, best_weights


@compiled(nogil=True, error_model="numpy")
def _predict(kinds, widths, weights, features):
    units = new_units(widths)
    outputs = np.empty((widths[-1], len(features)), np.float32)
    compute_outputs(kinds, widths, weights, features, units, outputs)
    return outputs.T.copy()


@compiled(nogil=True, error_model="numpy")
def _score(outputs, targets, metric):
    return score_of(outputs.T.copy(), targets, metric)


class TrainedMlp(NamedTuple):
    """A network that ``train_mlp`` has trained.

    Attributes:
        score: Best value of the metric on the validation samples; NaN if there is none, because a weight
            became NaN or infinite.
        epochs: Number of epochs trained.
        weights: Those of the best epoch, float32.
        losses: Mean loss of the batches of each epoch, float32 of shape ``(epochs,)``, or empty.
    """

    score: float
    epochs: int
    weights: NDArray[np.float32]
    losses: NDArray[np.float32]


def train_mlp(
    kinds: NDArray[np.int64],
    widths: NDArray[np.int64],
    train_features: NDArray[np.float32],
    train_targets: NDArray[np.int64] | NDArray[np.float32],
    validation_features: NDArray[np.float32],
    validation_targets: NDArray[np.int64] | NDArray[np.float32],
    seed: int,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    patience: int,
    loss: int = CROSS_ENTROPY,
    metric: int = ACCURACY,
    class_weights: NDArray[np.float32] | None = None,
    sample_weights: NDArray[np.float32] | None = None,
    with_losses: bool = False,
) -> TrainedMlp:
    """Train one network from its seed, with early stopping on the validation samples.

    Other threads run meanwhile.

    Args:
        kinds: Codes of the layers, shape ``(layers,)``.
        widths: Numbers of units, shape ``(layers + 1,)``.
        train_features: Shape ``(samples, features)``.
        train_targets: Labels or values, shape ``(samples,)``.
        validation_features: Shape ``(validation samples, features)``.
        validation_targets: Of the type of ``train_targets``.
        seed: At least 0 and below 2**64; decides on the initial weights and the order of samples.
        epochs: Largest number of passes.
        batch_size: Samples per step.
        learning_rate: Adam's.
        patience: Stop after so many epochs in a row without a better score.
        loss: What is minimised, one of ``LOSSES``.
        metric: What decides on the best epoch, one of ``METRICS``; see ``score``.
        class_weights: Weights of the training samples by their labels, shape ``(classes,)``; a batch's loss
            is the weighted mean.
        sample_weights: Weights of the training samples, shape ``(samples,)``, instead.
        with_losses: Whether to record the training losses, which takes time and changes nothing else.
    """
    labels = train_targets.dtype == np.int64
    assert labels == (loss == CROSS_ENTROPY) == (metric <= LOG_LOSS)
    assert labels or class_weights is None
    assert class_weights is None or sample_weights is None
    if class_weights is not None:
        sample_weights = np.asarray(class_weights, np.float32)[train_targets]
    if sample_weights is None:
        sample_weights = np.empty(0, np.float32)
    losses = np.empty(epochs if with_losses else 0, np.float32)
    best, trained, weights = _train(
        kinds,
        widths,
        train_features,
        train_targets,
        sample_weights,
        validation_features,
        validation_targets,
        np.uint64(seed),
        epochs,
        batch_size,
        float(learning_rate),
        patience,
        loss,
        metric,
        losses,
    )
    return TrainedMlp(best, trained, weights, losses[:trained])


def predict(
    kinds: NDArray[np.int64],
    widths: NDArray[np.int64],
    weights: NDArray[np.float32],
    features: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the outputs of a network, shape ``(samples, outputs)``: logits, or values."""
    outputs: NDArray[np.float32] = _predict(kinds, widths, weights, features)
    return outputs


def score(
    outputs: NDArray[np.float32], targets: NDArray[np.int64] | NDArray[np.float32], metric: int
) -> float:
    """Return a score of what ``predict`` returned: the same number as early stopping computes.

    They are scikit-learn's ``accuracy_score``, ``balanced_accuracy_score``, ``f1_score`` (average
    ``"macro"``, 0 for a division by zero), ``roc_auc_score`` (of class 1 if there are two classes, else each
    class against the others, averaged), ``log_loss``, ``r2_score``, ``root_mean_squared_error`` and
    ``mean_absolute_error``. Only of ``roc_auc``, where scikit-learn refuses labels among which a class is
    missing, it is the average over those that are there, and NaN if there is but one.

    Args:
        outputs: Shape ``(samples, outputs)``.
        targets: Labels or values, shape ``(samples,)``.
        metric: One of ``METRICS``.
    """
    return float(_score(outputs, targets, metric))
