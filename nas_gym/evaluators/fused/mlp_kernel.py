"""Training of a whole multi-layer perceptron inside one compiled function.

A child of ``mlp-v0`` is a few hundred numbers, and in PyTorch nearly all of its time goes into calling
operators. Here everything stays in the processor's cache. The batch is the inner axis: it is cut into
groups of ``LANES`` samples, and each unit of the network is one row of ``LANES`` values, so that every
inner loop has a constant length and becomes vector instructions.

The result is the same on every processor: no fast-math, sums over lanes are a fixed tree, products and
sums are fused where the code says ``fma`` and nowhere else, and exp and tanh are polynomials of our own.

A network is given as two int64 arrays: ``kinds`` of shape ``(layers,)`` with the codes below, and
``widths`` of shape ``(layers + 1,)``, number of features first and of classes last. Weights are one
float32 array, layer by layer the matrix ``(outputs, inputs)`` and then the bias: the order of
``torch.nn.utils.parameters_to_vector``.

Numba renews its cache when this file changes, but not when a file that it imports does: so all that is
compiled stands in this one file.
"""

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

LANES = 32
LINEAR, SIGMOID, TANH, RELU, LEAKY_RELU = range(5)

ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
LEAKY_SLOPE = np.float32(0.01)
BETA1, BETA2, EPSILON = np.float32(0.9), np.float32(0.999), np.float32(1e-8)
REST1, REST2 = np.float32(0.1), np.float32(0.001)


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
    """Add to ``gradients`` what the deltas of the logits, in the last rows of ``deltas``, send back."""
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
def softmax(logits, probabilities):
    """Turn logits ``(classes, LANES)`` into probabilities of the same shape."""
    largest = np.empty(LANES, np.float32)
    total = np.empty(LANES, np.float32)
    for k in range(LANES):
        largest[k] = logits[0, k]
        total[k] = ZERO
    for c in range(1, len(logits)):
        for k in range(LANES):
            largest[k] = max(largest[k], logits[c, k])
    for c in range(len(logits)):
        for k in range(LANES):
            probabilities[c, k] = exponential(logits[c, k] - largest[k])
            total[k] += probabilities[c, k]
    for c in range(len(logits)):
        for k in range(LANES):
            probabilities[c, k] /= total[k]


@njit(error_model="numpy")
def batch_gradients(
    kinds,
    widths,
    weights,
    features,
    labels,
    batch,
    units,
    deltas,
    ones,
    gradients,
):
    """Set ``gradients`` to those of the mean cross-entropy of the samples in ``batch``."""
    gradients[:] = ZERO
    first_logit = len(units) - widths[-1]
    share = np.float32(1.0 / len(batch))
    for start in range(0, len(batch), LANES):
        lanes = min(LANES, len(batch) - start)
        load(features, batch, start, lanes, units)
        forward(kinds, widths, weights, units)
        slopes = deltas[first_logit:]
        softmax(units[first_logit:], slopes)
        for c in range(len(slopes)):
            for k in range(LANES):
                slopes[c, k] = slopes[c, k] * share if k < lanes else ZERO
        for k in range(lanes):
            slopes[labels[batch[start + k]], k] -= share
        backward(kinds, widths, weights, units, deltas, ones, gradients)


@njit(inline="always", error_model="numpy")
def adam_step(weights, gradients, mean, variance, step_size, correction):
    """Move the weights by Adam's rule, Kingma & Ba, https://arxiv.org/abs/1412.6980.

    ``step_size`` is the learning rate over the bias correction of the mean, and ``correction`` one over
    the square root of that of the variance.
    """
    for j in range(len(weights)):
        g = gradients[j]
        mean[j] = BETA1 * mean[j] + REST1 * g
        variance[j] = BETA2 * variance[j] + REST2 * g * g
        weights[j] -= step_size * mean[j] / (np.sqrt(variance[j]) * correction + EPSILON)


@njit(error_model="numpy")
def count_correct(kinds, widths, weights, features, labels, units):
    """Return how many samples have their largest logit at their label; ties go to the first class."""
    first_logit = len(units) - widths[-1]
    everyone = np.arange(len(labels))
    correct = 0
    for start in range(0, len(labels), LANES):
        lanes = min(LANES, len(labels) - start)
        load(features, everyone, start, lanes, units)
        forward(kinds, widths, weights, units)
        for k in range(lanes):
            best = 0
            for c in range(1, widths[-1]):
                if units[first_logit + c, k] > units[first_logit + best, k]:
                    best = c
            if best == labels[start + k]:
                correct += 1
    return correct


# Entry points --------------------------------------------------------------------------------------


@njit(nogil=True, cache=True, error_model="numpy")
def train_mlp(
    kinds,
    widths,
    features,
    labels,
    held_out_features,
    held_out_labels,
    seed,
    epochs,
    batch_size,
    learning_rate,
    patience,
):
    """Train one network from its seed, with early stopping on the held-out samples.

    Args:
        kinds: Codes of the layers.
        widths: Numbers of units.
        features: float32, shape ``(samples, features)``.
        labels: int64, shape ``(samples,)``.
        held_out_features: float32, shape ``(held out, features)``.
        held_out_labels: int64, shape ``(held out,)``.
        seed: uint64; decides on the initial weights and the order of samples.
        epochs: Largest number of passes.
        batch_size: Samples per step.
        learning_rate: Adam's, float64.
        patience: Stop after so many epochs in a row without a better accuracy.

    Returns:
        Held-out samples that the best epoch classified correctly, or -1 if a weight became NaN or
        infinite; the number of epochs trained; the weights of the best epoch, float32.
    """
    size = count_weights(kinds, widths)
    units = np.zeros((np.sum(widths), LANES), np.float32)
    deltas = np.zeros_like(units)
    ones = np.ones((1, LANES), np.float32)
    weights, gradients = np.empty(size, np.float32), np.empty(size, np.float32)
    mean, variance = np.zeros(size, np.float32), np.zeros(size, np.float32)
    best_weights = np.empty(size, np.float32)
    state = np.full(1, seed, np.uint64)
    draw_weights(kinds, widths, weights, state)
    order = np.arange(len(labels))
    decay1, decay2 = 1.0, 1.0
    best_correct, waited, epoch = -1, 0, 0
    for epoch in range(1, epochs + 1):
        shuffle(order, state)
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            batch_gradients(kinds, widths, weights, features, labels, batch, units, deltas, ones, gradients)
            decay1 *= 0.9
            decay2 *= 0.999
            step_size = np.float32(learning_rate / (1.0 - decay1))
            correction = np.float32(1.0 / math.sqrt(1.0 - decay2))
            adam_step(weights, gradients, mean, variance, step_size, correction)
        if not np.all(np.isfinite(weights)):
            return -1, epoch, best_weights
        correct = count_correct(kinds, widths, weights, held_out_features, held_out_labels, units)
        if correct > best_correct:
            best_correct, waited = correct, 0
            best_weights[:] = weights
        else:
            waited += 1
            if waited == patience:
                break
    return best_correct, epoch, best_weights


@njit(nogil=True, cache=True, error_model="numpy")
def count_hits(kinds, widths, weights, features, labels):
    """Return how many samples a trained network classifies correctly; arguments as in ``train_mlp``."""
    units = np.zeros((np.sum(widths), LANES), np.float32)
    return count_correct(kinds, widths, weights, features, labels, units)


@njit(cache=True, error_model="numpy")
def loss_and_gradients(kinds, widths, weights, features, labels):
    """Return the mean cross-entropy (float64) over all samples and its gradients (float32, as the weights).

    The gradients come from the code that trains; the loss, which training does not need, is added up
    here in double precision.
    """
    units = np.zeros((np.sum(widths), LANES), np.float32)
    deltas = np.zeros_like(units)
    ones = np.ones((1, LANES), np.float32)
    gradients = np.empty_like(weights)
    everyone = np.arange(len(labels))
    batch_gradients(kinds, widths, weights, features, labels, everyone, units, deltas, ones, gradients)
    first_logit = len(units) - widths[-1]
    loss = 0.0
    for start in range(0, len(labels), LANES):
        lanes = min(LANES, len(labels) - start)
        load(features, everyone, start, lanes, units)
        forward(kinds, widths, weights, units)
        for k in range(lanes):
            logits = units[first_logit:, k].astype(np.float64)
            largest = np.max(logits)
            total = np.sum(np.exp(logits - largest))
            loss += math.log(total) + largest - logits[labels[start + k]]
    return loss / len(labels), gradients
