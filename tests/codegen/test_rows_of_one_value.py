"""Operands that are one value in each row: scratch is filled once a row, whatever the blocks, the types and the threads."""
import itertools

import numpy as np
import pytest

import wengert


@pytest.mark.parametrize("inner", [63, 64, 511, 512, 513, 784, 1500, 5000])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
def test_against_numpy(inner, dtype):
    r = np.random.default_rng(inner)
    x, column = (r.integers(1, 9, shape).astype(dtype) for shape in ((3, 5, inner), (5, 1)))
    other = r.integers(1, 9, (3, 1, 1)).astype("float32")
    threads = wengert.get_num_threads()
    a, b, c = (wengert.from_numpy(v) for v in (x, column, other))
    try:
        for n in (1, 2):
            wengert.set_num_threads(n)
            assert np.array_equal((a * b).numpy(), x * column)
            assert np.array_equal((b - a + c).numpy(), (column - x).astype("float64") + other)
            assert np.array_equal(wengert.where(a > b, a, b).numpy(), np.where(x > column, x, column))
            assert np.array_equal(wengert.addcmul(c, a.float(), b.float()).numpy(), other + x.astype("float32") * column.astype("float32"))
    finally:
        wengert.set_num_threads(threads)


def test_transposed_and_repeated_rows():
    r = np.random.default_rng(0)
    for rows, inner in itertools.product((1, 2, 70), (64, 100, 700)):
        x, column = r.standard_normal((rows, inner)), np.repeat(r.standard_normal((1, 1)), rows, 0)
        assert np.array_equal((wengert.from_numpy(x) * wengert.from_numpy(column)).numpy(), x * column)
        y = wengert.from_numpy(np.ascontiguousarray(x.T)).t()
        assert np.array_equal((y + wengert.from_numpy(column)).numpy(), x + column)
        z = wengert.from_numpy(x.copy())
        z *= wengert.from_numpy(column)
        assert np.array_equal(z.numpy(), x * column)
