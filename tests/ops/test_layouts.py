"""Elementwise operations on operands of every layout: broadcast, repeated inside a row, strided, turned, of other dtypes."""
import itertools

import numpy as np
import pytest

import wengert

# The result's shape: rows short and long, blocks that end inside a row or inside a repeated piece, pieces for several threads.
SHAPES = [(7,), (6, 6), (3, 2, 5), (200, 5, 2), (20, 20, 3), (512, 3), (3, 512), (5, 30, 16), (40, 7, 9), (9, 1100, 2), (2, 3, 4, 5), (6, 700),
          (70, 70, 3)]


def operand(rng, shape, broadcast, layout, dtype):
    """A float64 array of whole numbers, its tensor: some dimensions of size 1, strided, turned around or as it is."""
    own = [1 if b else n for n, b in zip(shape, broadcast)]
    if layout == "strided":
        base = rng.integers(-50, 50, [2 * n + 1 for n in own])
        cut = tuple(slice(1, None, 2) for _ in own)
    elif layout == "window":
        base = rng.integers(-50, 50, [n + 2 for n in own])
        cut = tuple(slice(1, -1) for _ in own)
    elif layout == "turned":
        base = rng.integers(-50, 50, own[::-1])
        values = wengert.tensor(base).to(dtype)
        return values.permute(*range(len(own) - 1, -1, -1)), np.ascontiguousarray(base.transpose())
    else:
        base, cut = rng.integers(-50, 50, own), ...
    return wengert.tensor(base).to(dtype)[cut], base[cut]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("threads", [1, 2])
def test_every_layout(shape, threads):
    rng = np.random.default_rng(0)
    before = wengert.get_num_threads()
    wengert.set_num_threads(threads)
    try:
        for number, broadcast in enumerate(itertools.product((False, True), repeat=len(shape))):
            for layout in ("dense", "strided", "window", "turned"):
                dtype = (wengert.float32, wengert.float64, wengert.int64)[number % 3]
                x, a = operand(rng, shape, broadcast, layout, dtype)
                for other in ("dense", "window"):
                    y, b = operand(rng, shape, [not flag and number % 2 for flag in broadcast], other, dtype)
                    c = np.broadcast_to(a - b, np.broadcast_shapes(a.shape, b.shape))
                    assert np.array_equal((x - y).numpy(), c), (broadcast, layout, other)
                    assert np.array_equal((x > y).numpy(), a > b), (broadcast, layout, other)
                    assert np.array_equal((x * (y > 0)).numpy(), a * (b > 0)), (broadcast, layout, other)
    finally:
        wengert.set_num_threads(before)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_results_of_every_layout(shape):
    """Into memory of the result's own layout, and gradients added to some."""
    rng = np.random.default_rng(1)
    for broadcast in itertools.product((False, True), repeat=len(shape)):
        x, a = operand(rng, shape, broadcast, "dense", wengert.float64)
        for layout in ("dense", "strided", "window", "turned"):
            out, c = operand(rng, shape, [False] * len(shape), layout, wengert.float64)
            out.mul_(x).add_(x, alpha=2)
            assert np.array_equal(out.numpy(), c * a + 2 * a), (broadcast, layout)
            wide, d = operand(rng, shape, [False] * len(shape), layout, wengert.float64)
            leaf = wide.clone().requires_grad_()
            (leaf * x + (leaf - x) * x).backward(wide)
            assert np.array_equal(leaf.grad.numpy(), d * a * 2), (broadcast, layout)


def test_a_condition_for_each_row():
    x = wengert.arange(1536.0).view(512, 3)
    keep = wengert.arange(512) % 3 == 0
    chosen = wengert.where(keep[:, None], x, -x)
    assert np.array_equal(chosen.numpy(), np.where(keep.numpy()[:, None], x.numpy(), -x.numpy()))
