"""One step of any recurrent cell, forward and backward, compiled once for all of them.

A cell has no parameters but those of its leaves' projections, which are matrix products outside of this
file. What remains is a tree of element-wise operations, and here the tree is data: an int64 array
``program`` of shape ``(steps, 4)`` with the columns combination, activation, left and right operand. Its
first rows are the leaves, whose operands are the projections of x_t and h_{t-1}. In the other rows an operand
is the number of an earlier step, or ``CELL`` for c_{t-1}. So no cell has to be compiled.

All arrays are float32 and contiguous, and units are the innermost axis: each operation runs over rows that
lie side by side in memory, and those of one sample stay in the processor's nearest cache.

A division by zero must not raise an exception (``error_model="numpy"``): a loop that may raise does not
become vector instructions. Loops stand in functions of their own, which Numba hands to the optimiser one by
one: inlined before that, half of them stay scalar.

There is no fast-math; products and sums are fused where the code says ``fma`` and nowhere else, so equal
arguments give equal results. NaN and infinity go through as in PyTorch: a diverging cell shows.

Numba renews its cache when this file changes, but not when a file that it imports does: so all that is
compiled stands in this one file.
"""

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

ADD, MULTIPLY = range(2)
IDENTITY, TANH, SIGMOID, RELU = range(4)
CELL = -1

ZERO, HALF, ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)


@intrinsic
def fma(typing_context, a, b, c):
    """Return ``a * b + c`` of float32, rounded once."""

    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return types.float32(types.float32, types.float32, types.float32), generate


@njit(inline="always")
def hyperbolic_tangent(x):
    """Return tanh of a float32 to about 3e-7 relative: odd and even polynomials of Eigen's ``ptanh``."""
    limit = np.float32(7.90531110763549805)
    x = limit if x > limit else x  # unlike min and max, comparisons let NaN through
    x = -limit if x < -limit else x
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


@njit(error_model="numpy")
def combine(combination, left, right, out):
    """Set a row to the sum or product of two rows."""
    if combination == ADD:
        for k in range(len(out)):
            out[k] = left[k] + right[k]
    else:
        for k in range(len(out)):
            out[k] = left[k] * right[k]


@njit(error_model="numpy")
def activate(activation, row):
    """Apply an activation to a row, in place."""
    if activation == TANH:
        for k in range(len(row)):
            row[k] = hyperbolic_tangent(row[k])
    elif activation == SIGMOID:
        for k in range(len(row)):
            row[k] = fma(HALF, hyperbolic_tangent(HALF * row[k]), HALF)
    elif activation == RELU:
        for k in range(len(row)):
            row[k] = ZERO if row[k] < ZERO else row[k]


@njit(error_model="numpy")
def descend(activation, value, gradient):
    """Turn the gradient of an activation's value into that of its argument, in place."""
    if activation == TANH:
        for k in range(len(value)):
            gradient[k] *= ONE - value[k] * value[k]
    elif activation == SIGMOID:
        for k in range(len(value)):
            gradient[k] *= value[k] * (ONE - value[k])
    elif activation == RELU:
        for k in range(len(value)):
            gradient[k] = ZERO if value[k] <= ZERO else gradient[k]


@njit(error_model="numpy")
def share(combination, gradient, left, right, left_gradient, right_gradient):
    """Set the gradients of two operands from that of their sum or product."""
    if combination == ADD:
        for k in range(len(gradient)):
            left_gradient[k] = gradient[k]
            right_gradient[k] = gradient[k]
    else:
        for k in range(len(gradient)):
            left_gradient[k] = gradient[k] * right[k]
            right_gradient[k] = gradient[k] * left[k]


@njit(error_model="numpy")
def pass_on(combination, gradient, x, m, x_gradient, m_gradient):
    """Add to the gradient of a leaf's projection of x_t, and set that of its projection of h_{t-1}."""
    if combination == ADD:
        for k in range(len(gradient)):
            x_gradient[k] += gradient[k]
            m_gradient[k] = gradient[k]
    else:
        for k in range(len(gradient)):
            x_gradient[k] += gradient[k] * m[k]
            m_gradient[k] = gradient[k] * x[k]


@njit(error_model="numpy")
def copy(source, target):
    """Set a row to another."""
    for k in range(len(target)):
        target[k] = source[k]


@njit(error_model="numpy")
def compute(program, read, projections, recurrent, cell, values, next_cell):
    """Compute the values of all steps for one sample, and c_t; arguments as in ``forward``, without batch."""
    leaves = len(recurrent)
    for step in range(len(program)):
        combination, left, right = program[step, 0], program[step, 2], program[step, 3]
        value = values[step]
        if step < leaves:
            combine(combination, projections[step], recurrent[step], value)
        elif right == CELL:
            combine(combination, values[left], cell, value)
        else:
            combine(combination, values[left], values[right], value)
        if step == read:
            copy(value, next_cell)
        activate(program[step, 1], value)


@njit(nogil=True, cache=True, error_model="numpy")
def forward(program, read, projections, rows, recurrent, cell, mask, next_cell, output, next_state):
    """Compute one time step of a batch.

    Args:
        program: The cell, int64 ``(steps, 4)``.
        read: Number of the step whose value before activation is c_t.
        projections: Each leaf's projections of inputs, ``(inputs, leaves, units)``.
        rows: Which of the inputs is x_t, int64 ``(batch,)``.
        recurrent: Each leaf's projections of the masked h_{t-1}, ``(batch, leaves, units)``.
        cell: c_{t-1}, ``(batch, units)``.
        mask: Factors of the states that are projected, ``(batch, units)``.
        next_cell: Filled with c_t, ``(batch, units)``.
        output: Filled with h_t, ``(batch, units)``.
        next_state: Filled with h_t times the mask, ``(batch, units)``.
    """
    values = np.empty((len(program), cell.shape[1]), np.float32)
    for b in range(len(cell)):
        compute(program, read, projections[rows[b]], recurrent[b], cell[b], values, next_cell[b])
        copy(values[len(program) - 1], output[b])
        combine(MULTIPLY, output[b], mask[b], next_state[b])


@njit(nogil=True, cache=True, error_model="numpy")
def backward(
    program,
    read,
    projections,
    rows,
    recurrent,
    cell,
    mask,
    output_gradient,
    next_state_gradient,
    next_cell_gradient,
    projections_gradient,
    recurrent_gradient,
    cell_gradient,
):
    """Send the gradients of one time step back.

    The values of the steps are computed again: that takes less time than to write them to memory in
    ``forward`` and to read them here.

    Args:
        program: The cell, as in ``forward``; so are the next six.
        read: Number of the step whose value before activation is c_t.
        projections: Of inputs.
        rows: Which of the inputs is x_t.
        recurrent: Projections of the masked h_{t-1}.
        cell: c_{t-1}.
        mask: Factors of the states that are projected.
        output_gradient: Of h_t, ``(batch, units)``.
        next_state_gradient: Of h_t times the mask, ``(batch, units)``.
        next_cell_gradient: Of c_t, ``(batch, units)``.
        projections_gradient: That of ``projections`` is added here.
        recurrent_gradient: Filled with that of ``recurrent``.
        cell_gradient: Filled with that of c_{t-1} if a step reads it, and left alone otherwise.
    """
    leaves, units, steps = recurrent.shape[1], recurrent.shape[2], len(program)
    values = np.empty((steps, units), np.float32)
    gradients = np.empty((steps, units), np.float32)
    unused = np.empty(units, np.float32)
    for b in range(len(cell)):
        x, m = projections[rows[b]], recurrent[b]
        x_gradient, m_gradient = projections_gradient[rows[b]], recurrent_gradient[b]
        compute(program, read, x, m, cell[b], values, unused)
        gradient = gradients[steps - 1]
        combine(MULTIPLY, next_state_gradient[b], mask[b], gradient)
        combine(ADD, gradient, output_gradient[b], gradient)
        for step in range(steps - 1, -1, -1):
            combination, left, right = program[step, 0], program[step, 2], program[step, 3]
            gradient = gradients[step]
            descend(program[step, 1], values[step], gradient)
            if step == read:
                combine(ADD, gradient, next_cell_gradient[b], gradient)
            if step < leaves:
                pass_on(combination, gradient, x[step], m[step], x_gradient[step], m_gradient[step])
            elif right == CELL:
                share(combination, gradient, values[left], cell[b], gradients[left], cell_gradient[b])
            else:
                share(combination, gradient, values[left], values[right], gradients[left], gradients[right])
