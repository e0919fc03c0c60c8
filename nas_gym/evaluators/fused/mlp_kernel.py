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
    """Return a pointer to one row of a C-contiguous float32 array ``(rows, LANES)``."""
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
def weighted_sum(typing_context, out, out_row, start, weights, first, stride, rows, row, count):
    """Set ``out[out_row]`` to ``start`` plus a weighted sum of rows.

    Its terms are ``weights[first + j * stride] * rows[row + j]`` for j from 0 to ``count - 1``, and it
    stays in registers. Both a layer's outputs and the gradients of its inputs are such sums.
    """
    index = types.intp
    signature = types.void(out, index, types.float32, weights, index, index, rows, index, index)

    def generate(context, builder, signature, arguments):
        out, out_row, start, weights, first, stride, rows, row, count = arguments
        weight_type, rows_type = signature.args[3], signature.args[6]
        weight_data = make_array(weight_type)(context, builder, weights).data
        multiply_add = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_ROW, [_ROW] * 3), f"llvm.fma.v{LANES}f32"
        )
        total = cgutils.alloca_once_value(builder, _splat(builder, start))
        with cgutils.for_range(builder, count) as loop:
            position = builder.add(first, builder.mul(loop.index, stride))
            weight = _splat(builder, builder.load(builder.gep(weight_data, [position])))
            pointer = _row_of(context, builder, rows_type, rows, builder.add(row, loop.index))
            values = builder.load(pointer, align=4)
            builder.store(builder.call(multiply_add, [weight, values, builder.load(total)]), total)
        target = _row_of(context, builder, signature.args[0], out, out_row)
        builder.store(builder.load(total), target, align=4)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def dot(typing_context, a, a_row, b, b_row):
    """Return the sum over lanes of ``a[a_row] * b[b_row]``, halves first: a tree of fixed shape."""

    def generate(context, builder, signature, arguments):
        a, a_row, b, b_row = arguments
        left = builder.load(_row_of(context, builder, signature.args[0], a, a_row), align=4)
        right = builder.load(_row_of(context, builder, signature.args[2], b, b_row), align=4)
        total, lanes = builder.fmul(left, right), LANES
        while lanes > 1:
            half = ir.VectorType(_INT32, lanes // 2)
            low = ir.Constant(half, list(range(lanes // 2)))
            high = ir.Constant(half, list(range(lanes // 2, lanes)))
            total = builder.fadd(
                builder.shuffle_vector(total, total, low), builder.shuffle_vector(total, total, high)
            )
            lanes //= 2
        return builder.extract_element(total, ir.Constant(_INT32, 0))

    return types.float32(a, types.intp, b, types.intp), generate


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


@njit(inline="always", error_model="numpy")
def next_random(state):
    """Advance ``state``, uint64 of shape ``(1,)``, and return 64 random bits.

    SplitMix64: Steele, Lea & Flood 2014, https://doi.org/10.1145/2660193.2660195.
    """
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(inline="always", error_model="numpy")
def shuffle(order, state):
    """Shuffle an int64 array in place (Fisher & Yates)."""
    for i in range(len(order) - 1, 0, -1):
        j = np.int64(((next_random(state) >> np.uint64(32)) * np.uint64(i + 1)) >> np.uint64(32))
        order[i], order[j] = order[j], order[i]


@njit(inline="always", error_model="numpy")
def draw_weights(kinds, widths, weights, state):
    """Draw weights and biases uniformly within plus and minus 1 / sqrt(inputs), as PyTorch does."""
    end = 0
    for layer in range(len(kinds)):
        if kinds[layer] == LINEAR:
            start, end = end, end + (widths[layer] + 1) * widths[layer + 1]
            bound = 1.0 / math.sqrt(widths[layer])
            for position in range(start, end):
                uniform = np.float64(next_random(state) >> np.uint64(11)) / 9007199254740992.0
                weights[position] = np.float32((2.0 * uniform - 1.0) * bound)


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
    """Return zeros, float32 of shape ``(sum of widths, LANES)``."""
    rows = 0
    for layer in range(len(widths)):
        rows += widths[layer]
    return np.zeros((rows, LANES), np.float32)


@njit(inline="always", error_model="numpy")
def all_finite(values):
    """Say whether no value is NaN or infinite."""
    for j in range(len(values)):
        if not math.isfinite(values[j]):
            return False
    return True


@njit(error_model="numpy")
def forward(kinds, widths, weights, units):
    """Compute all units from the features, which stand in the first rows.

    Args:
        kinds: Codes of the layers.
        widths: Numbers of units.
        weights: All weights.
        units: float32, shape ``(sum of widths, LANES)``; filled layer by layer.
    """
    row, weight = 0, 0
    for layer in range(len(kinds)):
        inputs, outputs, kind = widths[layer], widths[layer + 1], kinds[layer]
        out = row + inputs
        if kind == LINEAR:
            bias = weight + inputs * outputs
            for o in range(outputs):
                weighted_sum(
                    units, out + o, weights[bias + o], weights, weight + o * inputs, 1, units, row, inputs
                )
            weight = bias + outputs
        elif kind == TANH:
            for o in range(outputs):
                x, y = units[row + o], units[out + o]
                for k in range(LANES):
                    y[k] = hyperbolic_tangent(x[k])
        elif kind == SIGMOID:
            for o in range(outputs):
                x, y = units[row + o], units[out + o]
                for k in range(LANES):
                    y[k] = fma(HALF, hyperbolic_tangent(HALF * x[k]), HALF)
        else:
            slope = ZERO if kind == RELU else LEAKY_SLOPE
            for o in range(outputs):
                x, y = units[row + o], units[out + o]
                for k in range(LANES):
                    y[k] = x[k] if x[k] > ZERO else slope * x[k]
        row = out


@njit(inline="always", error_model="numpy")
def backward(kinds, widths, weights, units, deltas, ones, gradients):
    """Add to ``gradients`` what the deltas of the outputs, in the last rows of ``deltas``, send back."""
    row, weight = len(units) - widths[-1], len(weights)
    for layer in range(len(kinds) - 1, -1, -1):
        inputs, outputs, kind = widths[layer], widths[layer + 1], kinds[layer]
        source = row - inputs
        if kind == LINEAR:
            bias = weight - outputs
            weight = bias - inputs * outputs
            for o in range(outputs):
                gradients[bias + o] += dot(deltas, row + o, ones, 0)
                for i in range(inputs):
                    gradients[weight + o * inputs + i] += dot(deltas, row + o, units, source + i)
            if layer > 0:  # nobody asks for the gradients of the features
                for i in range(inputs):
                    weighted_sum(deltas, source + i, ZERO, weights, weight + i, inputs, deltas, row, outputs)
        else:
            slope = ZERO if kind == RELU else LEAKY_SLOPE
            for o in range(outputs):
                y, above, below = units[row + o], deltas[row + o], deltas[source + o]
                if kind == TANH:
                    for k in range(LANES):
                        below[k] = above[k] * (ONE - y[k] * y[k])
                elif kind == SIGMOID:
                    for k in range(LANES):
                        below[k] = above[k] * y[k] * (ONE - y[k])
                else:
                    for k in range(LANES):
                        below[k] = above[k] if y[k] > ZERO else slope * above[k]
        row = source


@njit(inline="always", error_model="numpy")
def load(features, order, start, lanes, units):
    """Copy samples ``order[start : start + lanes]`` into the first rows; idle lanes repeat the first one."""
    for k in range(LANES):
        sample = order[start + k] if k < lanes else order[start]
        for f in range(features.shape[1]):
            units[f, k] = features[sample, f]


@njit(inline="always", error_model="numpy")
def softmax(logits, first, probabilities, scratch):
    """Turn logits, in the rows from ``first`` on, into probabilities in the same rows of another array.

    Rows 2 and 3 of ``scratch`` are overwritten. Here and below, rows are counted from the start of whole
    arrays: for each view of a part Numba counts references, which in small networks is a tenth of the time.
    """
    for k in range(LANES):
        scratch[2, k] = logits[first, k]
        scratch[3, k] = ZERO
    for c in range(first + 1, len(logits)):
        for k in range(LANES):
            scratch[2, k] = max(scratch[2, k], logits[c, k])
    for c in range(first, len(logits)):
        for k in range(LANES):
            probabilities[c, k] = exponential(logits[c, k] - scratch[2, k])
            scratch[3, k] += probabilities[c, k]
    for c in range(first, len(logits)):
        for k in range(LANES):
            term = probabilities[c, k]
            probabilities[c, k] = (ZERO if term < NO_SLOPE else term) / scratch[3, k]


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
        scratch: Its row 1 holds each lane's weight over the sum of the weights in the batch.
        loss: Its code.
        deltas: Of the shape of ``units``.
    """


@overload(set_slopes, inline="always", jit_options={"error_model": "numpy"})
def _set_slopes(units, first, targets, batch, start, lanes, scratch, loss, deltas):
    def of_labels(units, first, targets, batch, start, lanes, scratch, loss, deltas):
        softmax(units, first, deltas, scratch)
        for c in range(first, len(deltas)):
            for k in range(LANES):
                deltas[c, k] *= scratch[1, k]
        for k in range(lanes):
            deltas[first + targets[batch[start + k]], k] -= scratch[1, k]

    def of_values(units, first, targets, batch, start, lanes, scratch, loss, deltas):
        for k in range(LANES):
            error = units[first, k] - (targets[batch[start + k]] if k < lanes else ZERO)
            slope = error + error if loss == SQUARED_ERROR else min(max(error, -ONE), ONE)
            deltas[first, k] = slope * scratch[1, k]

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
            one = scratch[2, k] - units[first + targets[batch[start + k]], k]
            part += np.float64(scratch[1, k]) * np.float64(one)
        return part

    def of_values(units, first, targets, batch, start, lanes, scratch, loss):
        part = 0.0
        for k in range(lanes):
            error = abs(np.float64(units[first, k]) - np.float64(targets[batch[start + k]]))
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
        scratch: float32, shape ``(4, LANES)``, the first row all ones; the others are overwritten.
        gradients: Filled; as the weights.
    """
    for j in range(len(gradients)):
        gradients[j] = ZERO
    first = len(units) - widths[-1]
    weighted = len(sample_weights) > 0
    total = 1.0 * len(batch)
    if weighted:
        total = 0.0
        for i in range(len(batch)):
            total += np.float64(sample_weights[batch[i]])
    share = 1.0 / total
    mean_loss = 0.0
    for start in range(0, len(batch), LANES):
        lanes = min(LANES, len(batch) - start)
        load(features, batch, start, lanes, units)
        forward(kinds, widths, weights, units)
        for k in range(LANES):
            scratch[1, k] = np.float32(share) if k < lanes else ZERO
        if weighted:
            for k in range(lanes):
                scratch[1, k] = np.float32(share * np.float64(sample_weights[batch[start + k]]))
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
    first_output = len(units) - widths[-1]
    everyone = np.arange(len(features))
    for start in range(0, len(features), LANES):
        lanes = min(LANES, len(features) - start)
        load(features, everyone, start, lanes, units)
        forward(kinds, widths, weights, units)
        for o in range(len(outputs)):
            for k in range(lanes):
                outputs[o, start + k] = units[first_output + o, k]


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
    scratch = np.ones((4, LANES), np.float32)
    outputs = np.empty((widths[-1], len(validation_targets)), np.float32)
    weights, gradients = np.empty(size, np.float32), np.empty(size, np.float32)
    mean, variance = np.zeros(size, np.float32), np.zeros(size, np.float32)
    state = np.full(1, seed, np.uint64)
    draw_weights(kinds, widths, weights, state)
    best_weights = weights.copy()
    order = np.arange(len(train_targets))
    decay1, decay2 = 1.0, 1.0
    sign = -1.0 if metric == LOG_LOSS or metric == RMSE or metric == MAE else 1.0
    best, waited, epoch = -np.inf, 0, 0
    for epoch in range(1, epochs + 1):
        shuffle(order, state)
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
