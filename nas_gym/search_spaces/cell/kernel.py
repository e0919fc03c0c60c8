"""One step of any recurrent cell, forward and backward, compiled once for all of them.

A cell has no parameters but those of its leaves' projections, which are matrix products outside of this
file. What remains is a tree of element-wise operations, and here the tree is data: an int64 array
``program`` of shape ``(steps, 4)`` with the columns combination, activation, left and right operand. Its
first rows are the leaves, whose operands are the projections of x_t and h_{t-1}, or the former alone. In the
other rows an operand is the number of an earlier step, or ``CELL`` for c_{t-1}; the right one may be unused.
A gate reads c_{t-1} besides its operands, the left of which is a sigmoid. So no cell has to be compiled.

All arrays are float32 and contiguous, of two axes, and units are the inner one: each operation runs over a
row, and those of one sample stay in the processor's nearest cache. Functions take an array and the number
of a row, which takes less time than to make an array of each row.

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

from nas_gym.compiling import compiled

ADD, MULTIPLY, LEFT, GATE = range(4)
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
def combine(combination, a, i, b, j, out, o):
    """Set row ``o`` of ``out`` to the sum or product of row ``i`` of ``a`` and row ``j`` of ``b``."""
    if combination == ADD:
        for k in range(out.shape[1]):
            out[o, k] = a[i, k] + b[j, k]
    else:
        for k in range(out.shape[1]):
            out[o, k] = a[i, k] * b[j, k]


@njit(error_model="numpy")
def pass_gate(a, share, i, cell, b, o):
    """Set row ``o`` of ``a`` to a mean of row ``i``, weighted by row ``share``, and row ``b`` of ``cell``."""
    for k in range(a.shape[1]):
        a[o, k] = fma(a[share, k], a[i, k] - cell[b, k], cell[b, k])


@njit(error_model="numpy")
def descend_to_share(gradient, i, value, n, j, cell, b, o):
    """Set row ``o`` of ``gradient`` to that of a gate's share before its sigmoid, from row ``i``, the gate's.

    Of ``value`` row ``n`` is the share, and row ``j`` the gate's other operand.
    """
    for k in range(gradient.shape[1]):
        slope = value[n, k] * (ONE - value[n, k])
        gradient[o, k] = gradient[i, k] * (value[j, k] - cell[b, k]) * slope


@njit(error_model="numpy")
def accumulate(combination, gradient, i, other, j, out, o):
    """Add to the gradient of c_{t-1}; row ``j`` of ``other`` is the other operand, or a gate's share."""
    if combination == ADD:
        for k in range(out.shape[1]):
            out[o, k] += gradient[i, k]
    elif combination == MULTIPLY:
        for k in range(out.shape[1]):
            out[o, k] += gradient[i, k] * other[j, k]
    else:
        for k in range(out.shape[1]):
            out[o, k] += gradient[i, k] * (ONE - other[j, k])


@njit(error_model="numpy")
def activate(activation, a, i):
    """Apply an activation to a row, in place."""
    if activation == TANH:
        for k in range(a.shape[1]):
            a[i, k] = hyperbolic_tangent(a[i, k])
    elif activation == SIGMOID:
        for k in range(a.shape[1]):
            a[i, k] = fma(HALF, hyperbolic_tangent(HALF * a[i, k]), HALF)
    elif activation == RELU:
        for k in range(a.shape[1]):
            a[i, k] = ZERO if a[i, k] < ZERO else a[i, k]


@njit(error_model="numpy")
def copy(a, i, out, o):
    """Set a row to another."""
    for k in range(out.shape[1]):
        out[o, k] = a[i, k]


@njit(error_model="numpy")
def descend(combination, activation, gradient, i, other, j, value, n, out, o):
    """Set a row to the gradient of an operand before its activation, from that of the result before its own.

    Row ``i`` of ``gradient`` is that of the result, row ``j`` of ``other`` is the other operand, row ``n`` of
    ``value`` is this operand, and row ``o`` of ``out`` is set. The activation is this operand's.
    """
    if combination == ADD:
        if activation == TANH:
            for k in range(out.shape[1]):
                out[o, k] = gradient[i, k] * (ONE - value[n, k] * value[n, k])
        elif activation == SIGMOID:
            for k in range(out.shape[1]):
                out[o, k] = gradient[i, k] * (value[n, k] * (ONE - value[n, k]))
        elif activation == RELU:
            for k in range(out.shape[1]):
                out[o, k] = ZERO if value[n, k] <= ZERO else gradient[i, k]
        else:
            for k in range(out.shape[1]):
                out[o, k] = gradient[i, k]
    elif activation == TANH:
        for k in range(out.shape[1]):
            out[o, k] = gradient[i, k] * other[j, k] * (ONE - value[n, k] * value[n, k])
    elif activation == SIGMOID:
        for k in range(out.shape[1]):
            out[o, k] = gradient[i, k] * other[j, k] * (value[n, k] * (ONE - value[n, k]))
    elif activation == RELU:
        for k in range(out.shape[1]):
            out[o, k] = ZERO if value[n, k] <= ZERO else gradient[i, k] * other[j, k]
    else:
        for k in range(out.shape[1]):
            out[o, k] = gradient[i, k] * other[j, k]


@njit(error_model="numpy")
def combine_leaves(combination, x, m, out):
    """Combine projections of an input and of a state, of all leaves that do it in the same way."""
    if combination == ADD:
        for k in range(len(x)):
            out[k] = x[k] + m[k]
    elif combination == MULTIPLY:
        for k in range(len(x)):
            out[k] = x[k] * m[k]
    else:
        for k in range(len(x)):
            out[k] = x[k]


@njit(error_model="numpy")
def descend_leaves(combination, gradient, other, out):
    """Set the gradient of one side's projections; ``other`` is the other side."""
    if combination == ADD:
        for k in range(len(out)):
            out[k] = gradient[k]
    else:
        for k in range(len(out)):
            out[k] = gradient[k] * other[k]


@njit(error_model="numpy")
def accumulate_leaves(combination, gradient, other, out):
    """Add what ``descend_leaves`` sets."""
    if combination == ADD:
        for k in range(len(out)):
            out[k] += gradient[k]
    else:
        for k in range(len(out)):
            out[k] += gradient[k] * other[k]


@njit(error_model="numpy")
def compute(program, read, adding, x, i, m, cell, b, values, next_cell, n):
    """Compute the values of all steps for sample ``b``, and c_t into row ``n``."""
    units, width = cell.shape[1], m.shape[1]
    leaves, split, flat = x.shape[1] // units, adding * units, values.reshape(-1)
    combine_leaves(ADD, x[i, :split], m[b, :split], flat)
    combine_leaves(MULTIPLY, x[i, split:width], m[b, split:], flat[split:])
    combine_leaves(LEFT, x[i, width:], m[b], flat[width:])
    for step in range(len(program)):
        combination, left, right = program[step, 0], program[step, 2], program[step, 3]
        if step >= leaves:
            if combination == LEFT:
                copy(values, left, values, step)
            elif right == CELL:
                combine(combination, values, left, cell, b, values, step)
            elif combination == GATE:
                pass_gate(values, left, right, cell, b, step)
            else:
                combine(combination, values, left, values, right, values, step)
        if step == read:
            copy(values, step, next_cell, n)
        activate(program[step, 1], values, step)


@compiled(nogil=True, error_model="numpy")
def forward(
    program, read, adding, projections, rows, recurrent, cell, mask, next_cell, output, next_state, scratch
):
    """Compute one time step of a batch.

    Args:
        program: The cell, int64 ``(steps, 4)``.
        read: Number of the step whose value before activation is c_t.
        adding: How many leaves add; they are the first steps.
        projections: Of inputs, ``(inputs, leaves * units)``.
        rows: Which of the inputs is x_t, int64 ``(batch,)``.
        recurrent: Projections of the masked h_{t-1}, ``(batch, leaves that read it * units)``; then come the
            others in the program.
        cell: c_{t-1}, ``(batch, units)``.
        mask: Factors of the states that are projected, ``(batch, units)``.
        next_cell: Filled with c_t, ``(batch, units)``.
        output: Filled with h_t, ``(batch, units)``.
        next_state: Filled with h_t times the mask, ``(batch, units)``.
        scratch: Memory to work in, ``(2 * steps, units)``.
    """
    last = len(program) - 1
    for b in range(len(cell)):
        compute(program, read, adding, projections, rows[b], recurrent, cell, b, scratch, next_cell, b)
        copy(scratch, last, output, b)
        combine(MULTIPLY, scratch, last, mask, b, next_state, b)


@compiled(nogil=True, error_model="numpy")
def backward(
    program,
    read,
    adding,
    projections,
    rows,
    recurrent,
    cell,
    mask,
    output_gradient,
    next_state_gradient,
    next_cell_gradient,
    projections_gradient,
    leaves_gradient,
    cell_gradient,
    scratch,
):
    """Send the gradients of one time step back.

    The values of the steps are computed again: that takes less time than to write them to memory in
    ``forward`` and to read them here.

    Args:
        program: The cell, as in ``forward``; so are the next seven.
        read: Number of the step whose value before activation is c_t.
        adding: How many leaves add.
        projections: Of inputs.
        rows: Which of the inputs is x_t.
        recurrent: Projections of the masked h_{t-1}.
        cell: c_{t-1}.
        mask: Factors of the states that are projected.
        output_gradient: Of h_t, ``(batch, units)``.
        next_state_gradient: Of h_t times the mask, ``(batch, units)``.
        next_cell_gradient: Of c_t, ``(batch, units)``.
        projections_gradient: That of ``projections`` is added here, if samples may read the same row; empty
            if each reads a row of its own.
        leaves_gradient: ``(batch, leaves that read h_{t-1} * units or more)``, filled with that of
            ``recurrent``, of the leaves that multiply and then of those that add. The latter is also the one
            of the projections of x_t. If there is more space, it is filled with that of the others.
        cell_gradient: That of c_{t-1} is added here.
        scratch: Memory to work in, ``(2 * steps, units)``.
    """
    units, last = cell.shape[1], len(program) - 1
    width, whole, split = recurrent.shape[1], projections.shape[1], adding * units
    leaves = whole // units
    x, m, dx, dm = projections, recurrent, projections_gradient, leaves_gradient
    values, gradients = scratch[: last + 1], scratch[last + 1 :]
    flat = gradients.reshape(-1)
    for b in range(len(cell)):
        compute(program, read, adding, x, rows[b], m, cell, b, values, gradients, last)
        combine(MULTIPLY, next_state_gradient, b, mask, b, gradients, last)
        combine(ADD, gradients, last, output_gradient, b, gradients, 0)
        descend(ADD, program[last, 1], gradients, 0, values, last, values, last, gradients, last)
        if read < last:  # nothing but c_t may read it
            gradients[read] = ZERO
        for step in range(last, -1, -1):
            if step == read:
                combine(ADD, gradients, step, next_cell_gradient, b, gradients, step)
            if step >= leaves:
                how, left, right = program[step, 0], program[step, 2], program[step, 3]
                kind = program[left, 1]
                if how == LEFT:
                    descend(ADD, kind, gradients, step, values, left, values, left, gradients, left)
                elif right == CELL:
                    descend(how, kind, gradients, step, cell, b, values, left, gradients, left)
                    accumulate(how, gradients, step, values, left, cell_gradient, b)
                elif how == GATE:
                    descend_to_share(gradients, step, values, left, right, cell, b, left)
                    kind = program[right, 1]
                    descend(MULTIPLY, kind, gradients, step, values, left, values, right, gradients, right)
                    accumulate(GATE, gradients, step, values, left, cell_gradient, b)
                else:
                    descend(how, kind, gradients, step, values, right, values, left, gradients, left)
                    kind = program[right, 1]
                    descend(how, kind, gradients, step, values, left, values, right, gradients, right)
        i = rows[b]
        descend_leaves(MULTIPLY, flat[split:], x[i, split:], dm[b, : width - split])
        descend_leaves(ADD, flat, x[i, :split], dm[b, width - split : width])
        if len(dx):
            accumulate_leaves(ADD, flat, m[b, :split], dx[i, :split])
            accumulate_leaves(MULTIPLY, flat[split:], m[b, split:], dx[i, split:width])
            accumulate_leaves(ADD, flat[width:], x[i, width:], dx[i, width:])
        else:
            end = 2 * width - split
            descend_leaves(MULTIPLY, flat[split:], m[b, split:], dm[b, width:end])
            descend_leaves(ADD, flat[width:], x[i, width:], dm[b, end:])
