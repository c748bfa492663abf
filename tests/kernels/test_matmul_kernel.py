"""matmul, addmm_bias and dot against NumPy's float64, through the real BLAS loader and the real thread pool."""
import ctypes
import itertools
import os
import threading

import numpy as np
import pytest

from harness import CSRC, Kernels, levels, misaligned, openblas, strided

RUNTIME = (str(CSRC / "wg_blas.c"), str(CSRC / "wg_threads.c"))
DTYPES = ["float32", "float64", "int64"]


class Products(Kernels):
    """alpha and beta are always given; None stands for 1 and 0."""

    def __call__(self, name, *operands, attrs=(None, None), mode="whole"):
        return super().__call__(name, *operands, attrs=attrs, mode=mode)


def load(level=None):
    kernels = Products("matmul.c", "dot.c", *RUNTIME, level=level, defines=("-DWG_TEST_REAL_THREADS",))
    kernels.lib.wg_set_num_threads.argtypes = [ctypes.c_int64]
    assert kernels.lib.wg_blas_load(str(openblas()).encode()) == 0, kernels.error()
    return kernels


@pytest.fixture(scope="module")
def kernels():
    k = load()
    yield k
    k.lib.wg_set_num_threads(1)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def draw(rng, shape, dtype):
    if dtype == "int64":
        return rng.integers(-2**62, 2**62, shape)
    return rng.standard_normal(shape).astype(dtype)


def reference(a, b):
    return a @ b if a.dtype == np.int64 else a.astype(np.float64) @ b.astype(np.float64)


def check(out, a, b, alpha=1.0, beta=0.0, before=None, bias=None):
    """|error| <= (k + 2) eps * (|alpha| |a| @ |b| + |beta before| + |bias|): the bound of any order of summation."""
    want = reference(a, b) * (int(alpha) if a.dtype == np.int64 else float(alpha))
    if beta:
        want = want + (int(beta) * before if a.dtype == np.int64 else beta * before.astype(np.float64))
    if bias is not None:
        want = want + bias
    if a.dtype == np.int64:
        np.testing.assert_array_equal(out, want)
        return
    size = abs(alpha) * reference(abs(a), abs(b)) + (abs(beta * before.astype(np.float64)) if beta else 0)
    size = size + (abs(bias) if bias is not None else 0)
    error = np.abs(out.astype(np.float64) - want)
    bound = (a.shape[-1] + 2) * np.finfo(a.dtype).eps * size
    assert (error <= bound).all(), (error - bound).max()


def row_major(x):
    return np.array(x, order="C")


def column_major(x):
    """Every matrix of the batch with contiguous columns."""
    return np.array(x.swapaxes(-1, -2), order="C").swapaxes(-1, -2)


def padded(x):
    """Rows further apart than their length."""
    room = np.zeros((*x.shape[:-1], x.shape[-1] + 3), x.dtype)
    room[..., :-3] = x
    return room[..., :-3]


def padded_columns(x):
    return padded(x.swapaxes(-1, -2)).swapaxes(-1, -2)


def reversed_memory(x):
    """Negative strides in both matrix dimensions, as imported memory may have them."""
    return x[..., ::-1, ::-1].copy()[..., ::-1, ::-1]


LAYOUTS = [row_major, column_major, padded, padded_columns, strided, misaligned, reversed_memory]
NARROW = [(3, 260, 259), (300, 7, 221), (8, 71, 1000), (2, 4100, 17)]       # few rows or columns against a large matrix
SHAPES = [(1, 1, 1), (1, 1, 7), (5, 1, 4), (1, 6, 3), (4, 7, 1), (3, 4, 5), (16, 16, 16), (17, 33, 9), (40, 3, 50),
          (2, 70, 31), (65, 66, 67), *NARROW]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_layout(kernels, rng, dtype, shape):
    m, n, k = shape
    a, b, c = draw(rng, (m, k), dtype), draw(rng, (k, n), dtype), draw(rng, (m, n), dtype)
    for of_a, of_b, of_c in itertools.product(LAYOUTS, repeat=3):
        out = of_c(c)
        kernels("matmul", out, of_a(a), of_b(b))
        check(out, a, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_alpha_and_beta(kernels, rng, dtype, shape):
    m, n, k = shape
    a, b, c = draw(rng, (m, k), dtype), draw(rng, (k, n), dtype), draw(rng, (m, n), dtype)
    for layout, (alpha, beta) in itertools.product(LAYOUTS, [(1, 1), (2, 0), (-3, 2), (0, 1), (0, 0)]):
        out = layout(c)
        kernels("matmul", out, layout(a), layout(b), attrs=[alpha, beta])
        check(out, a, b, alpha, beta, before=c)
    if dtype != "int64":
        out = c.copy()
        kernels("matmul", out, a, b, attrs=[0.37, -1.25])
        check(out, a, b, np.dtype(dtype).type(0.37), -1.25, before=c)


def test_layout_of_the_input_is_not_written(kernels, rng):
    room = np.full((9, 11), 5, np.float32)
    out = room[1:8:2, 2:9:3]
    a, b = draw(rng, (4, 6), "float32"), draw(rng, (6, 3), "float32")
    kernels("matmul", out, a, b)
    check(out, a, b)
    mask = np.ones_like(room, bool)
    mask[1:8:2, 2:9:3] = False
    assert (room[mask] == 5).all()


BATCHES = [((3,), (3,)), ((3,), ()), ((), (3,)), ((3,), (1,)), ((1,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3,)),
           ((2, 1), (3,)), ((2, 1, 4), (3, 1)), ((1, 1), ()), ((2, 3, 4), (3, 1)), ((5, 1), (5, 2)), ((0,), (0,)), ((2, 0), (1,))]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_a, batch_b", BATCHES, ids=str)
@pytest.mark.parametrize("shape", [(4, 5, 6), (1, 5, 6), (4, 1, 6), (1, 1, 3), (3, 4, 0), (0, 4, 3)], ids=str)
def test_batches(kernels, rng, dtype, batch_a, batch_b, shape):
    m, n, k = shape
    a, b = draw(rng, (*batch_a, m, k), dtype), draw(rng, (*batch_b, k, n), dtype)
    batch = np.broadcast_shapes(batch_a, batch_b)
    bias = draw(rng, (n,), dtype)
    for of_a, of_b, of_c in itertools.product([row_major, column_major, strided, padded], repeat=3):
        out = of_c(np.ones((*batch, m, n), dtype))
        kernels("matmul", out, of_a(a), of_b(b))
        check(out, a, b)
        expanded = np.broadcast_to(of_a(a), (*batch, m, k)), np.broadcast_to(of_b(b), (*batch, k, n))
        kernels("matmul", out, *expanded, attrs=[2, 1])
        check(out, a, b, 2, 1, before=reference(a, b).astype(dtype))
        kernels("addmm_bias", out, of_a(a), of_b(b), bias)
        check(out, a, b, bias=bias)


def test_batches_that_a_transpose_interleaves(kernels, rng):
    """Attention: heads between the tokens, of q, of k^T and of the result."""
    q, k = (draw(rng, (2, 7, 3, 5), "float32") for _ in range(2))      # batch, tokens, heads, width
    out = np.empty((2, 7, 3, 7), np.float32)
    kernels("matmul", out.transpose(0, 2, 1, 3), q.transpose(0, 2, 1, 3), k.transpose(0, 2, 3, 1))
    check(out.transpose(0, 2, 1, 3), q.transpose(0, 2, 1, 3), k.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("dtype", DTYPES)
def test_zero_strides_inside_a_matrix(kernels, rng, dtype):
    m, n, k = 6, 7, 5
    for a in (np.broadcast_to(draw(rng, (1, k), dtype), (m, k)), np.broadcast_to(draw(rng, (m, 1), dtype), (m, k)),
              np.broadcast_to(draw(rng, (1, 1), dtype), (m, k))):
        b = draw(rng, (k, n), dtype)
        out = np.empty((m, n), dtype)
        kernels("matmul", out, a, b)
        check(out, a, b)
        out = np.empty((n, m), dtype)
        kernels("matmul", out, b.T, a.T)
        check(out, b.T, a.T)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_overlapping_rows(kernels, rng, dtype):
    """A sliding window: rows closer to each other than their length."""
    a = np.lib.stride_tricks.sliding_window_view(draw(rng, (30,), dtype), 8)
    b = draw(rng, (8, 5), dtype)
    for x, y in ((a, b), (b.T, a.T)):
        out = np.empty((x.shape[0], y.shape[1]), dtype)
        kernels("matmul", out, x, y)
        check(out, x, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3), (0, 0, 0), (4, 5, 0), (1, 5, 0), (4, 1, 0), (1, 1, 0)], ids=str)
def test_empty(kernels, rng, dtype, shape):
    m, n, k = shape
    a, b, bias = np.empty((m, k), dtype), np.empty((k, n), dtype), draw(rng, (n,), dtype)
    fill = np.nan if dtype != "int64" else 77
    for layout in (row_major, column_major, strided):
        out = layout(np.full((m, n), fill, dtype))
        kernels("matmul", out, a, b)
        assert (out == 0).all()
        out = layout(np.full((m, n), 3, dtype))
        kernels("matmul", out, a, b, attrs=[1, 2])
        assert (out == 6).all()
        kernels("addmm_bias", out, a, b, bias)
        np.testing.assert_array_equal(out, np.broadcast_to(bias, (m, n)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES + [(200, 200, 200), (3, 300, 500), (1, 700, 900), (700, 1, 900)], ids=str)
def test_out_is_not_read_when_beta_is_zero(kernels, rng, dtype, shape):
    m, n, k = shape
    a, b = draw(rng, (m, k), dtype), draw(rng, (k, n), dtype)
    for layout, of_a, value in itertools.product((row_major, column_major, strided),
                                                 (row_major, column_major), (np.nan, np.inf)):
        out = layout(np.full((m, n), value, dtype))
        kernels("matmul", out, of_a(a), b)
        check(out, a, b)
        out[...] = value
        kernels("matmul", out, of_a(a), b, attrs=[0.5, 0.0])
        check(out, a, b, alpha=0.5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES + [(200, 200, 200), (3, 300, 500), (1, 70, 900), (70, 1, 900)], ids=str)
def test_nan_and_inf_reach_every_product_they_enter(kernels, rng, dtype, shape):
    m, n, k = shape
    for value in (np.nan, np.inf):
        for zeros in (False, True):
            a, b = draw(rng, (m, k), dtype), draw(rng, (k, n), dtype)
            a[m // 2, k // 2] = value
            if zeros:
                b[k // 2] = 0                       # inf * 0 and nan * 0 are nan: no factor may be skipped
            with np.errstate(invalid="ignore"):
                want = a.astype(np.float64) @ b.astype(np.float64)
            for of_a, of_b in itertools.product((row_major, column_major, strided), repeat=2):
                out = np.empty((m, n), dtype)
                kernels("matmul", out, of_a(a), of_b(b))
                np.testing.assert_array_equal(np.isnan(out), np.isnan(want))
                np.testing.assert_array_equal(np.isposinf(out), np.isposinf(want))
                np.testing.assert_array_equal(np.isneginf(out), np.isneginf(want))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bias_has_the_bits_of_a_separate_addition(kernels, rng, dtype):
    for (m, n, k), of_c in itertools.product([(5, 7, 3), (300, 500, 64), (1, 9, 4), (9, 1, 4), (64, 64, 0)],
                                             (row_major, column_major, strided)):
        a, b, bias = draw(rng, (m, k), dtype), draw(rng, (k, n), dtype), draw(rng, (2 * n,), dtype)[::2]
        plain, fused = of_c(np.empty((m, n), dtype)), of_c(np.empty((m, n), dtype))
        kernels("matmul", plain, a, b)
        kernels("addmm_bias", fused, a, b, bias)
        np.testing.assert_array_equal(fused, plain + bias)
        full = draw(rng, (m, n), dtype)
        kernels("addmm_bias", fused, a, b, full)
        np.testing.assert_array_equal(fused, plain + full)


THREAD_SHAPES = [(512, 128, 784), (300, 300, 700), (512, 512, 512), (300, 700, 129), (5, 5000, 5000), (5000, 5, 5000),
                 (128, 512, 784), (129, 300, 700), (1, 3000, 2000), (3000, 1, 2000), (2000, 64, 64), (96, 96, 5000),
                 (1, 1, 100_000)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", THREAD_SHAPES, ids=str)
def test_bits_do_not_depend_on_the_number_of_threads(kernels, rng, dtype, shape):
    m, n, k = shape
    a, b = draw(rng, (m, k), dtype), draw(rng, (k, n), dtype)
    layouts = [row_major, column_major] if m * n * k < 10**8 else [row_major]
    for of_a, of_b in itertools.product(layouts, repeat=2):
        x, y, results = of_a(a), of_b(b), []
        for threads in (1, 2, 3, 2):
            kernels.lib.wg_set_num_threads(threads)
            out = np.full((m, n), np.nan, dtype)
            kernels("matmul", out, x, y)
            results.append(out)
        check(results[0], a, b)
        for other in results[1:]:
            np.testing.assert_array_equal(results[0].view(np.uint8), other.view(np.uint8))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("m, k", [(1, 1), (5, 7), (0, 3), (4, 0), (1, 9), (9, 1), (600, 700)], ids=str)
def test_mv(kernels, rng, dtype, m, k):
    a, x, y = draw(rng, (m, k), dtype), draw(rng, (2 * k,), dtype)[::2], draw(rng, (m,), dtype)
    for layout, vector in itertools.product(LAYOUTS, [np.array, lambda v: v, lambda v: v[::-1].copy()[::-1], strided]):
        out = strided(np.full(m, np.nan if dtype != "int64" else 7, dtype)) if vector is strided else np.full(m, 7, dtype)
        kernels("mv", out, layout(a), vector(x))
        check(out[:, None], a, x[:, None])
        out[...] = y
        kernels("mv", out[::-1], layout(a)[::-1], vector(x), attrs=[2, 3])
        check(out[:, None], a, x[:, None], 2, 3, before=y[:, None])
    out = np.empty(m, dtype)
    a, x = np.broadcast_to(draw(rng, (), dtype), (m, k)), np.broadcast_to(draw(rng, (), dtype), (k,))
    kernels("mv", out, a, x)
    check(out[:, None], a, x[:, None])


def test_batch_bits_do_not_depend_on_the_number_of_threads(kernels, rng):
    a, b = draw(rng, (48, 64, 32), "float32"), draw(rng, (48, 64, 32), "float32")
    results = []
    for threads in (1, 2, 5):
        kernels.lib.wg_set_num_threads(threads)
        out = np.full((48, 64, 64), np.nan, np.float32)
        kernels("matmul", out, a, b.swapaxes(1, 2))
        results.append(out)
    check(results[0], a, b.swapaxes(1, 2))
    assert all((results[0].view(np.uint8) == other.view(np.uint8)).all() for other in results)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dot(kernels, rng, dtype):
    for n in (0, 1, 2, 63, 64, 65, 4095, 4096, 4097, 40_000, 700_001):
        x, y = draw(rng, (2 * n,), dtype), draw(rng, (n,), dtype)
        out = np.full((), 77, dtype)
        kernels("dot", out, x[::2], y)
        check(out.reshape(1, 1), x[::2].reshape(1, n), y.reshape(n, 1))
        first = out.copy()
        for threads in (1, 2, 3):
            kernels.lib.wg_set_num_threads(threads)
            kernels("dot", out, x[::2].copy(), misaligned(y))
            assert out == first                 # neither threads, strides nor alignment change bits


def test_dot_is_accurate(kernels, rng):
    x = np.ones(20_000_000, np.float32)
    out = np.empty((), np.float32)
    kernels("dot", out, x, np.full_like(x, 0.1))
    assert abs(float(out) / (20_000_000 * float(np.float32(0.1))) - 1) < 1e-6


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_level_has_the_same_bits(rng, dtype):
    """dot and the loops are ours; BLAS chooses its kernels by the machine, not by our level."""
    x, y = draw(rng, (5000,), dtype), draw(rng, (5000,), dtype)
    a, b = draw(rng, (20, 30), dtype), draw(rng, (30, 3), dtype)
    results = []
    for level in levels():
        kernels = load(level)
        dot, out = np.empty((), dtype), np.empty((20, 3), dtype)
        kernels("dot", dot, x, y)
        kernels("matmul", out, a, b)
        results.append(dot.tobytes() + out.tobytes())
    assert len(set(results)) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", NARROW, ids=str)
def test_levels_with_fused_multiply_add_agree_on_narrow_products(rng, dtype, shape):
    m, n, k = shape
    a, b = draw(rng, (m, k), dtype), draw(rng, (k, n), dtype)
    for of_a, of_b in itertools.product([row_major, column_major], repeat=2):
        if m > 4 and of_b is row_major or 4 < n < m and k < 1024:
            continue                                           # register tiles at v4, in blocks of k
        results = set()
        for level in set(levels()) - {"v2"}:
            out = np.empty((m, n), dtype)
            load(level)("matmul", out, of_a(a), of_b(b))
            results.add(out.tobytes())
        assert len(results) == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_batches_of_tiny_products(kernels, rng, dtype):
    for m, n, k in itertools.product([1, 2, 3, 4], repeat=3):
        a, b, c = draw(rng, (7, m, k), dtype), draw(rng, (7, k, n), dtype), draw(rng, (7, m, n), dtype)
        for of_a, of_b, of_c in itertools.product([row_major, column_major, strided], repeat=3):
            out = of_c(c)
            kernels("matmul", out, of_a(a), of_b(b), attrs=[2, 3])
            check(out, a, b, 2, 3, before=c)


def test_exhausted_memory_is_reported(kernels, rng):
    a, b = strided(draw(rng, (6, 5), "float32")), strided(draw(rng, (5, 7), "float32"))
    out = strided(np.zeros((6, 7), np.float32))
    for after in range(3):
        kernels.fail_scratch(after)
        try:
            with pytest.raises(MemoryError):
                kernels("matmul", out, a, b)
        finally:
            kernels.fail_scratch(-1)
    kernels("matmul", out, a, b)
    check(out, a, b)


def test_a_copy_that_cannot_exist_is_refused(kernels):
    """2^58 overlapping matrices that BLAS cannot take as they are."""
    shape = (1 << 29, 1 << 29, 2, 2)
    a = np.lib.stride_tricks.as_strided(np.ones(4, np.float32), shape, (4, 4, 0, 0))
    out = np.lib.stride_tricks.as_strided(np.ones(4, np.float32), shape, (0, 0, 8, 4))
    with pytest.raises(MemoryError):
        kernels("matmul", out, a, np.ones((2, 2), np.float32))


def test_several_callers_at_once(kernels, rng):
    """Threads that multiply at the same time share one pool; whoever does not get it works alone, with the same bits."""
    a, b = draw(rng, (300, 400), "float32"), draw(rng, (400, 500), "float32")
    kernels.lib.wg_set_num_threads(2)
    want = np.empty((300, 500), np.float32)
    kernels("matmul", want, a, b)
    wrong = []

    def work():
        out = np.empty_like(want)
        arguments, _keep = kernels._prepare((out, a, b), (None, None))
        for _ in range(20):
            out.fill(np.nan)
            kernels.function("matmul")(*arguments)
            if (out.view(np.uint8) != want.view(np.uint8)).any():
                wrong.append(1)

    callers = [threading.Thread(target=work) for _ in range(4)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fork(kernels, rng):
    """A product in the child of a process whose pool and BLAS are in use: the same bits, no hang."""
    a, b = draw(rng, (600, 400), "float32"), draw(rng, (400, 500), "float32")
    kernels.lib.wg_set_num_threads(2)
    want, out = np.empty((600, 500), np.float32), np.empty((600, 500), np.float32)
    kernels("matmul", want, a, b)
    for _ in range(10):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                kernels("matmul", out, a, b)
                code = 0 if (out.view(np.uint8) == want.view(np.uint8)).all() else 1
            finally:
                os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
        kernels("matmul", out, a, b)
        assert (out.view(np.uint8) == want.view(np.uint8)).all()
