"""Products by register tiles (Note [Panel products]): every remainder of a tile, both ways of storing, blocks of k. Levels without
512-bit registers answer the same questions with BLAS."""
import ctypes
import itertools
import mmap
import sys

import numpy as np
import pytest

from test_matmul_kernel import check, column_major, draw, kernels, load, padded, padded_columns, rng, row_major  # noqa: F401

FLOATS = ["float32", "float64"]
TURNS = [row_major, column_major]


def product(kernels, a, b, c=None, of_c=row_major, **attrs):  # noqa: F811
    out = of_c(np.full((a.shape[0], b.shape[1]), np.nan, a.dtype) if c is None else c)
    kernels("matmul", out, a, b, **attrs)
    return out


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("m", [*range(32, 41), 47])
def test_every_remainder(kernels, rng, dtype, m):  # noqa: F811
    """Rows of a tile, lanes of a vector, vectors of a tile; the sizes make k large enough not to be BLAS's."""
    for n in range(32, 84):
        k = 72_000 // (m * n) + 1
        a, b = draw(rng, (m, k), dtype), draw(rng, (k, n), dtype)
        for x, y in ((a, column_major(b)), (column_major(a), column_major(b))):
            check(product(kernels, x, y), x, y)
            check(product(kernels, y.T, x.T), y.T, x.T)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", range(200, 250, 7))
def test_few_rows(kernels, rng, dtype, n):  # noqa: F811
    for m, of_a, of_b, of_c in itertools.product(range(9, 27), TURNS, TURNS, (row_major, column_major)):
        a, b = draw(rng, (m, 48), dtype), draw(rng, (48, n), dtype)
        check(product(kernels, of_a(a), of_b(b), of_c=of_c), a, b)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("k", [1, 2, 15, 16, 17, 511, 512, 513, 1024, 1025, 1537])
def test_blocks_of_k(kernels, rng, dtype, k):  # noqa: F811
    m, n = 270, 301
    a, b, c = draw(rng, (m, k), dtype), draw(rng, (k, n), dtype), draw(rng, (m, n), dtype)
    for of_a, of_b, of_c in itertools.product(TURNS, TURNS, TURNS):
        check(product(kernels, of_a(a), of_b(b), of_c=of_c), a, b)
        check(product(kernels, of_a(a), of_b(b), c, of_c, attrs=[-2, 1]), a, b, -2, 1, before=c)
        check(product(kernels, of_a(a), of_b(b), c, of_c, attrs=[2, 0.5]), a, b, 2, 0.5, before=c)


@pytest.mark.parametrize("dtype", FLOATS)
def test_wide_products_are_packed_in_strips(kernels, rng, dtype):  # noqa: F811
    for m, n, k in [(48, 3200, 400), (600, 6200, 5)]:
        a, b, bias = draw(rng, (m, k), dtype), draw(rng, (k, n), dtype), draw(rng, (n,), dtype)
        check(product(kernels, a, column_major(b)), a, b)
        out = np.empty((m, n), dtype)
        kernels("addmm_bias", out, a, column_major(b), bias)
        np.testing.assert_array_equal(out, product(kernels, a, column_major(b)) + bias)


@pytest.mark.parametrize("dtype", FLOATS)
def test_bias_is_added_once(kernels, rng, dtype):  # noqa: F811
    for (m, n, k), of_b, of_c in itertools.product([(64, 130, 900), (130, 64, 900), (300, 310, 64)], TURNS, TURNS):
        a, b = draw(rng, (m, k), dtype), of_b(draw(rng, (k, n), dtype))
        plain = product(kernels, a, b, of_c=of_c)
        for bias in (draw(rng, (n,), dtype), draw(rng, (m, n), dtype), draw(rng, (m, 2 * n), dtype)[:, ::2]):
            out = of_c(np.full((m, n), np.nan, dtype))
            kernels("addmm_bias", out, a, b, bias)
            np.testing.assert_array_equal(out, plain + bias)


@pytest.mark.parametrize("dtype", FLOATS)
def test_nothing_else_is_written(kernels, rng, dtype):  # noqa: F811
    for (m, n, k), of_b, turned in itertools.product([(41, 205, 300), (205, 41, 300)], TURNS, (False, True)):
        a, b = draw(rng, (m, k), dtype), of_b(draw(rng, (k, n), dtype))
        room = np.full((n + 40, m + 40) if turned else (m + 40, n + 40), 5, dtype)
        out = room[20:-20, 20:-20].T if turned else room[20:-20, 20:-20]
        kernels("matmul", out, a, b)
        check(out, a, b)
        out[...] = 5
        assert (room == 5).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_bits_depend_on_k_alone(rng, dtype):  # noqa: F811
    """A part of a product has the bits of the product of the parts, whatever the tiles; where the tiles are ours."""
    kernels = load()  # noqa: F811
    if kernels.level != "v4":
        pytest.skip("BLAS's tiles")
    k = 800
    a, b = draw(rng, (300, k), dtype), draw(rng, (k, 310), dtype)
    whole = product(kernels, a, b)
    for of_a, of_b, of_c in itertools.product(TURNS, TURNS, TURNS):
        np.testing.assert_array_equal(product(kernels, of_a(a), of_b(b), of_c=of_c), whole)
        part = product(kernels, of_a(a[3:214]), of_b(b[:, 5:249]), of_c=of_c)
        np.testing.assert_array_equal(part, whole[3:214, 5:249])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(210, 61, 100), (61, 210, 100), (100, 230, 800), (9, 250, 70)], ids=str)
def test_nan_and_inf_stay_in_their_row_and_column(kernels, rng, dtype, shape):  # noqa: F811
    m, n, k = shape
    for value, of_a, of_b in itertools.product((np.nan, np.inf), TURNS, TURNS):
        a, b = draw(rng, (m, k), dtype), draw(rng, (k, n), dtype)
        a[m - 1, k - 1] = value
        b[0, n - 1] = value
        b[k - 1, 0] = 0                                       # inf * 0
        with np.errstate(invalid="ignore"):
            want = a.astype(np.float64) @ b.astype(np.float64)
        out = product(kernels, of_a(a), of_b(b))
        np.testing.assert_array_equal(np.isnan(out), np.isnan(want))
        np.testing.assert_array_equal(np.isinf(out), np.isinf(want))


def at_the_end_of_memory(x):
    """A copy whose last element is followed by a page that must not be touched."""
    page, nbytes = mmap.PAGESIZE, x.nbytes
    whole = (nbytes + page - 1) // page * page
    room = mmap.mmap(-1, whole + page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(room))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.mprotect(ctypes.c_void_p(start + whole), ctypes.c_size_t(page), 0) == 0
    out = np.frombuffer(room, x.dtype, x.size, whole - nbytes).reshape(x.shape)
    out[...] = x
    return out


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("m", [1032, 1043])
def test_large_columns_are_copied(kernels, rng, dtype, m):  # noqa: F811
    """Which changes no bit, and reads nothing behind them."""
    a, b = draw(rng, (m, 530), dtype), draw(rng, (530, 261), dtype)
    plain = product(kernels, a, b)
    check(plain, a, b)
    for of_b, of_c in itertools.product(TURNS, TURNS):
        out = product(kernels, at_the_end_of_memory(a.T).T, of_b(b), of_c=of_c)
        if kernels.level == "v4":
            np.testing.assert_array_equal(out, plain)
        else:
            check(out, a, b)


@pytest.mark.skipif(sys.platform != "linux", reason="needs mprotect")
@pytest.mark.parametrize("dtype", FLOATS)
def test_no_read_behind_an_operand(kernels, rng, dtype):  # noqa: F811
    for m, n, k in [(37, 205, 300), (205, 37, 300), (201, 203, 33)]:
        a, b = draw(rng, (m, k), dtype), draw(rng, (k, n), dtype)
        for turn_a, turn_b, turn_c in itertools.product((False, True), repeat=3):
            x = at_the_end_of_memory(a.T).T if turn_a else at_the_end_of_memory(a)
            y = at_the_end_of_memory(b.T).T if turn_b else at_the_end_of_memory(b)
            out = at_the_end_of_memory(np.zeros((n, m), dtype)).T if turn_c else at_the_end_of_memory(np.zeros((m, n), dtype))
            kernels("matmul", out, x, y)
            check(out, a, b)


def test_exhausted_memory_is_reported(kernels, rng):  # noqa: F811
    a, b = draw(rng, (100, 300), "float32"), column_major(draw(rng, (300, 120), "float32"))
    if kernels.level != "v4":
        pytest.skip("only register tiles pack into scratch")
    c, d = column_major(draw(rng, (1040, 300), "float32")), column_major(draw(rng, (300, 272), "float32"))
    for left, right, which in ((a, b, 0), (c, d, 0), (c, d, 1)):
        kernels.fail_scratch(which)
        try:
            with pytest.raises(MemoryError):
                product(kernels, left, right)
        finally:
            kernels.fail_scratch(-1)
        check(product(kernels, left, right), left, right)


@pytest.mark.parametrize("dtype", FLOATS)
def test_rows_further_apart(kernels, rng, dtype):  # noqa: F811
    a, b = draw(rng, (210, 95), dtype), draw(rng, (95, 230), dtype)
    for of_a, of_b, of_c in itertools.product((padded, padded_columns), repeat=3):
        check(product(kernels, of_a(a), of_b(b), of_c=of_c), a, b)
