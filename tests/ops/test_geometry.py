"""The rows that describe windows by geometry alone, on layouts of every kind, against NumPy's as_strided."""
import itertools

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import wengert
from wengert import ops

BASES = {          # shape and strides of a base: dense, column order, with gaps, one dimension, none, of size 1, empty
    "dense": ((3, 4), (4, 1)), "columns": ((3, 4), (1, 3)), "gaps": ((3, 2), (8, 3)), "vector": ((7,), (2,)), "scalar": ((), ()),
    "ones": ((1, 5, 1), (9, 1, 7)), "empty": ((0, 3), (3, 1)), "reversed": ((3, 4), (-4, 1)),
}
WINDOWS = [((2,), (1,), 0), ((2, 2), (3, 1), 1), ((), (), 2), ((3, 2), (1, 1), 0), ((0,), (1,), 0), ((1, 1), (5, 5), 0)]


def laid_out(shape, strides, values):
    """Values in memory with these strides: the array and the flat memory that begins with its lowest element."""
    reach = [(n - 1)*s for n, s in zip(shape, strides)]
    lo, hi = (sum(min(r, 0) for r in reach), sum(max(r, 0) for r in reach)) if 0 not in shape else (0, -1)
    flat = np.zeros(hi - lo + 1)
    x = as_strided(flat[-lo:], shape, [8*s for s in strides])
    x[...] = values
    return x, flat, lo, hi


def inside(lo, hi, size, stride, offset):
    if 0 in size:
        return True
    ends = [offset + sum(c) for c in itertools.product(*[(0, (n - 1)*s) for n, s in zip(size, stride)])]
    return lo <= min(ends) and max(ends) <= hi


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_rows(base, window):
    (shape, strides), (size, stride, offset) = BASES[base], window
    rng = np.random.default_rng(0)
    values, replaced = rng.standard_normal(shape), rng.standard_normal(size)
    x, flat, lo, hi = laid_out(shape, strides, values)

    def seen(memory):
        return as_strided(memory[offset - lo:] if size != () or memory.size else memory, size, [8*s for s in stride])

    given = wengert.tensor(values.tolist(), dtype=wengert.float64).view(shape)
    value = wengert.tensor(replaced.tolist(), dtype=wengert.float64).view(size)
    if not inside(lo, hi, size, stride, offset):
        with pytest.raises(RuntimeError, match="outside of its base"):
            ops._geometry_view(given, size, stride, offset, strides)
        return

    def array(t):
        return np.array(t.tolist()).reshape(tuple(t.shape))

    if 0 not in size:
        np.testing.assert_array_equal(array(ops._geometry_view(given, size, stride, offset, strides)), seen(flat))
    zeros, zero_memory, _, _ = laid_out(shape, strides, 0)
    if 0 not in size:
        places = as_strided(np.arange(zero_memory.size)[offset - lo:], size, [8*s for s in stride])
        np.add.at(zero_memory, places, replaced)
    scattered = ops._geometry_scatter(value, shape, strides, size, stride, offset)
    np.testing.assert_allclose(array(scattered), zeros, rtol=0, atol=1e-15)
    assert 0 in shape or all(n < 2 or s == t for n, s, t in zip(shape, scattered.stride(), strides))

    overlapping = 0 not in size and len(set(places.ravel().tolist())) < places.size
    if not overlapping:                                     # which of two values wins is nobody's promise
        expected, memory, _, _ = laid_out(shape, strides, values)
        if 0 not in size:
            seen(memory)[...] = replaced
        np.testing.assert_array_equal(array(ops._geometry_write(given, value, stride, offset, strides)), expected)
    expected, memory, _, _ = laid_out(shape, strides, values)
    if 0 not in size:
        seen(memory)[...] = 0
    np.testing.assert_array_equal(array(ops._geometry_zero(given, size, stride, offset, strides)), expected)
    np.testing.assert_array_equal(array(given), values)     # the rows changed none of their inputs


@pytest.mark.parametrize("row,attrs", [
    ("_geometry_view", ((2, 2), (3, 1), 1, (1, 3))), ("_geometry_view", ((3, 2), (1, 1), 0, (4, 1))),
    ("_geometry_scatter", ((4, 3), (1, 4), (3, 4), (2, 1), 1)), ("_geometry_scatter", ((4, 3), (3, 1), (3, 4), (1, 1), 0)),
    ("_geometry_zero", ((2, 2), (3, 1), 1, (1, 3))), ("_strided_window", ((2, 3), (2, 1), 1)),
])
def test_adjoints_and_second_order(row, attrs):
    """These rows are linear: <row(x), g> = <x, vjp(g)>, and the derivative of vjp by g is the row again."""
    rng = np.random.default_rng(1)
    x = wengert.tensor(rng.standard_normal((3, 4)).tolist(), dtype=wengert.float64, requires_grad=True)
    y = getattr(ops, row)(x, *attrs)
    g = wengert.tensor(rng.standard_normal(tuple(y.shape)).tolist(), dtype=wengert.float64, requires_grad=True)
    gx, = wengert.autograd.grad(y, x, g, create_graph=True)
    assert abs((y*g).sum().item() - (x*gx).sum().item()) < 1e-12
    h = wengert.tensor(rng.standard_normal((3, 4)).tolist(), dtype=wengert.float64)
    gg, = wengert.autograd.grad(gx, g, h)
    np.testing.assert_allclose(np.array(gg.tolist()), np.array(getattr(ops, row)(h, *attrs).tolist()), rtol=1e-12)


def test_write_is_linear_in_both():
    rng = np.random.default_rng(2)
    x = wengert.tensor(rng.standard_normal((3, 4)).tolist(), dtype=wengert.float64, requires_grad=True)
    v = wengert.tensor(rng.standard_normal((2, 2)).tolist(), dtype=wengert.float64, requires_grad=True)
    y = ops._geometry_write(x, v, (3, 1), 1, (1, 3))
    g = wengert.tensor(rng.standard_normal((3, 4)).tolist(), dtype=wengert.float64)
    gx, gv = wengert.autograd.grad(y, (x, v), g)
    assert abs((y*g).sum().item() - (x*gx).sum().item() - (v*gv).sum().item()) < 1e-12


@pytest.mark.parametrize("mode, pads", [("constant", (1, 1, 1, 1)), ("constant", (3, -2, 0, 4)), ("constant", (-25, 1, 2, 2)), ("constant", (40, -29, 1, -1)),
                                        ("constant", (2, 3)), ("constant", (0, 0, -1, 2, 1, 0)), ("reflect", (2, 3, 1, 0)), ("reflect", (-2, 3, 4, -1)),
                                        ("replicate", (5, 0, 2, 1)), ("replicate", (-1, -1, 0, 3)), ("circular", (3, 3, 1, 2)), ("circular", (-2, 4, 0, 0))])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_padding_of_large_images(mode, pads, dtype):
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).integers(-9, 9, (3, 5, 30, 64)).astype(dtype)
    for view in (lambda x: x, lambda x: x.transpose(2, 3), lambda x: x[..., ::2]):
        results = []
        for lib in (wengert, torch):
            x = lib.from_numpy(values).requires_grad_()
            y = lib.nn.functional.pad(view(x), pads, mode)
            g = lib.arange(y.numel()).reshape(y.shape) % 7
            y.backward(g.to(y.dtype))
            results.append((y.detach().numpy(), x.grad.numpy()))
        for ours, theirs in zip(*results):
            np.testing.assert_array_equal(ours, theirs)
