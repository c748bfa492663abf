"""layer_norm, rms_norm, batch_norm, embedding and their VJPs against formulas in float64."""
import itertools

import numpy as np
import pytest

from harness import MODES, Kernels, empty, misaligned, strided

REDUCE = ("reduce.c", "reduce_engine.c", "reduce_load.c", "reduce_plan.c")
UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}
FLOATS = list(UNIT)


@pytest.fixture(scope="module")
def kernels():
    return Kernels("norm.c", "copy.c", *REDUCE)


@pytest.fixture(scope="module")
def embedding():
    return Kernels("embedding.c", "index.c", "copy.c")


def sample(shape, dtype, seed=0, shift=0.0):
    return np.asarray(np.random.default_rng(seed).standard_normal(shape) + shift).astype(dtype)


def layouts(x):
    yield x
    yield misaligned(x)
    if x.ndim:
        yield strided(x)
        yield x.T.copy().T


CASES = [((5,), 1), ((4, 10), 1), ((4, 10), 2), ((3, 5, 7), 1), ((3, 5, 7), 2), ((3, 5, 7), 3), ((70, 33), 1), ((200, 16), 1),
         ((2, 1500), 1), ((2, 3, 700), 2), ((0, 4), 1), ((1, 1), 1)]


def statistics(x, tail, eps, centered):
    """x normalized, mean and rstd in float64."""
    x = x.astype(np.float64)
    axes = tuple(range(x.ndim - tail, x.ndim))
    mean = x.mean(axes, keepdims=True) if centered else np.zeros_like(x[..., :1])
    rstd = 1 / np.sqrt(((x - mean) ** 2).mean(axes, keepdims=True) + eps)
    return (x - mean) * rstd, mean, rstd, axes


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
@pytest.mark.parametrize("mode", MODES)
def test_norms(kernels, dtype, name, mode):
    centered = name == "layer_norm"
    for (shape, tail), parts in itertools.product(CASES, [(True, True), (True, False), (False, True), (False, False)]):
        if not centered and parts[1]:
            continue
        row, rows = shape[len(shape) - tail:], shape[:len(shape) - tail]
        x, g = sample(shape, dtype, shift=3.0), sample(shape, dtype, 1)
        weight = sample(row, dtype, 2) if parts[0] else None
        bias = sample(row, dtype, 3) if parts[1] else None
        h, mean, rstd, axes = statistics(x, tail, 1e-5, centered)
        w = 1.0 if weight is None else weight.astype(np.float64)
        expected = h * w + (0 if bias is None else bias.astype(np.float64))
        u = g * w
        offset = u.mean(axes, keepdims=True) if centered else 0.0
        expected_gx = rstd * (u - offset - h * (u * h).mean(axes, keepdims=True)) if x.size else u
        lead = tuple(range(len(rows)))
        expected_gw, expected_gb = (g * h).sum(lead), g.astype(np.float64).sum(lead)
        atol = UNIT[dtype] * (30 + 4 * np.prod(rows) ** 0.5) * 4
        for i, source in enumerate(layouts(x)):
            y = strided(empty(shape, dtype)) if i == 1 else empty(shape, dtype)
            m, r = empty(rows, dtype), empty(rows, dtype)
            wv = strided(weight) if parts[0] and i == 2 else weight
            bv = strided(bias) if parts[1] and i == 2 else bias
            statistics_out = (m, r) if centered else (r,)
            affine = (wv, bv) if centered else (wv,)
            kernels(name, y, *statistics_out, source, *affine, attrs=[tail, 1e-5], mode=mode)
            np.testing.assert_allclose(y, expected, rtol=0, atol=30 * UNIT[dtype] * max(1, np.abs(expected).max(initial=0)))
            np.testing.assert_allclose(r, rstd.reshape(rows), rtol=20 * UNIT[dtype])
            for gv in (g, strided(g)):
                gx, gw, gb = empty(shape, dtype), empty(row, dtype), empty(row, dtype)
                if i == 1:
                    gx, gw, gb = strided(gx), strided(gw), strided(gb)
                gradients = (gx, gw, gb) if centered else (gx, gw)
                kernels(name + "_vjp", *gradients, gv, source, wv, *statistics_out, attrs=[tail], mode=mode)
                np.testing.assert_allclose(gx, expected_gx, rtol=0, atol=atol * max(1, np.abs(expected_gx).max(initial=0)))
                np.testing.assert_allclose(gw, expected_gw, rtol=0, atol=atol * max(1, np.abs(g * h).max(initial=0)))
                if centered:
                    np.testing.assert_allclose(gb, expected_gb, rtol=0, atol=atol)


def test_gradients_that_are_not_wanted(kernels):
    x, g, weight = sample((150, 9), "float32"), sample((150, 9), "float32", 1), sample((9,), "float32", 2)
    y, m, r = np.empty_like(x), np.empty(150, np.float32), np.empty(150, np.float32)
    kernels("layer_norm", y, m, r, x, weight, None, attrs=[1, 1e-5])
    full = [np.empty_like(x), np.empty_like(weight), np.empty_like(weight)]
    kernels("layer_norm_vjp", *full, g, x, weight, m, r, attrs=[1])
    for wanted in itertools.product([False, True], repeat=3):
        some = [np.full_like(f, 7) if w else None for f, w in zip(full, wanted)]
        kernels("layer_norm_vjp", *some, g, strided(x), weight, m, r, attrs=[1])
        for got, expected in zip(some, full):
            if got is not None:
                np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", FLOATS)
def test_bits_do_not_depend_on_threads(kernels, dtype):
    x, g, weight = sample((1000, 24), dtype), sample((1000, 24), dtype, 1), sample((24,), dtype, 2)
    results = []
    for mode in MODES:
        y, m, r = np.empty_like(x), np.empty(1000, dtype), np.empty(1000, dtype)
        kernels("layer_norm", y, m, r, x, weight, weight, attrs=[1, 1e-5], mode=mode)
        gradients = np.empty_like(x), np.empty_like(weight), np.empty_like(weight)
        kernels("layer_norm_vjp", *gradients, g, x, weight, m, r, attrs=[1], mode=mode)
        results.append((y, *gradients))
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a, b)


def test_a_constant_row_and_large_means(kernels):
    x = np.full((2, 50), 1e6, np.float32)
    x[1, ::2] += 1
    y, m, r = np.empty_like(x), np.empty(2, np.float32), np.empty(2, np.float32)
    kernels("layer_norm", y, m, r, x, None, None, attrs=[1, 1e-5])
    assert (y[0] == 0).all()
    np.testing.assert_allclose(np.abs(y[1]), 1 / np.sqrt(1 + 4e-5), rtol=1e-6)


def test_exhausted_memory_is_reported(kernels):
    x, w = strided(np.zeros((4, 6))), strided(np.ones(6))
    m, r = np.zeros(4), np.ones(4)
    for after in range(4):
        kernels.fail_scratch(after)
        with pytest.raises(MemoryError):
            kernels("layer_norm", strided(np.zeros((4, 6))), m, r, x, w, w, attrs=[1, 1e-5])
        kernels.fail_scratch(after)
        with pytest.raises(MemoryError):
            kernels("layer_norm_vjp", np.zeros((4, 6)), np.zeros(6), None, x, x, w, m, r, attrs=[1])
    kernels.fail_scratch(-1)


# ---- batch_norm --------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def batch():
    return Kernels("batch_norm.c", "copy.c", *REDUCE)


def channels_last(x):
    return np.moveaxis(np.moveaxis(x, 1, -1).copy(), -1, 1)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_batch_norm(batch, dtype, training, mode):
    for shape, affine in itertools.product([(6, 3), (200, 40), (4, 3, 50), (5, 2, 3), (3, 4, 5, 6), (2, 3, 40, 40), (4, 1, 2), (1, 3, 9)],
                                           [True, False]):
        c = shape[1]
        x, g = sample(shape, dtype, shift=2.0), sample(shape, dtype, 1)
        weight, bias = (sample((c,), dtype, 2), sample((c,), dtype, 3)) if affine else (None, None)
        old_mean, old_var = sample((c,), dtype, 4), np.abs(sample((c,), dtype, 5)) + np.asarray(0.5, dtype)
        axes, wide = (0, *range(2, len(shape))), [1, c] + [1] * (len(shape) - 2)
        count = x.size // c
        mean = x.astype(np.float64).mean(axes) if training else old_mean.astype(np.float64)
        var = x.astype(np.float64).var(axes) if training else old_var.astype(np.float64)
        rstd = 1 / np.sqrt(var + 1e-5)
        h = (x - mean.reshape(wide)) * rstd.reshape(wide)
        w = np.ones(c) if weight is None else weight.astype(np.float64)
        expected = h * w.reshape(wide) + (0 if bias is None else bias.reshape(wide))
        gb, gw = g.astype(np.float64).sum(axes), (g * h).sum(axes)
        inner = g - gb.reshape(wide) / count - h * gw.reshape(wide) / count if training else g
        expected_gx = (w * rstd).reshape(wide) * inner
        unit = 100 * UNIT[dtype]
        for source, cotangent in ((x, g), (misaligned(x), channels_last(g)), (strided(x), strided(g)), (channels_last(x), channels_last(g))):
            y = empty(shape, dtype) if source is x else strided(empty(shape, dtype))
            m, v, r = (empty((c,), dtype) for _ in range(3))
            running = (None, None) if training else (old_mean, old_var)
            batch("batch_norm", y, m, v, r, source, weight, bias, *running, attrs=[training, 1e-5], mode=mode)
            np.testing.assert_allclose(y, expected, rtol=0, atol=unit * max(1, np.abs(expected).max()))
            np.testing.assert_allclose(r, rstd, rtol=unit)
            np.testing.assert_allclose(m, mean, rtol=unit, atol=unit)
            np.testing.assert_allclose(v, var * count / (count - 1) if training else var, rtol=unit)
            for wanted in ((True, True, True), (True, False, False), (False, True, True)):
                gradients = [empty(shape, dtype) if wanted[0] else None] + [empty((c,), dtype) if v else None for v in wanted[1:]]
                batch("batch_norm_vjp", *gradients, cotangent, source, weight, m, r, attrs=[training], mode=mode)
                for got, value in zip(gradients, (expected_gx, gw, gb)):
                    if got is not None:
                        np.testing.assert_allclose(got, value, rtol=0, atol=unit * max(1, np.abs(value).max()) * count**0.5)


# ---- embedding ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("mode", MODES)
def test_embedding(embedding, dtype, mode):
    for rows, width, ishape in ((7, 5, (4,)), (7, 5, ()), (50, 70, (6, 9)), (3, 1, (2, 0)), (4, 0, (3,)), (9, 130, (40,)), (30, 64, (2, 3, 4))):
        weight = sample((rows, width), dtype)
        index = np.asarray(np.random.default_rng(1).integers(0, rows, ishape))
        g = sample((*ishape, width), dtype, 2)
        for source, where in itertools.product(layouts(weight), layouts(index)):
            for y in layouts(empty(g.shape, dtype)):
                np.testing.assert_array_equal(embedding("embedding", y, source, where, mode=mode), weight[index])
        for padding, by_frequency in itertools.product((-1, 2), (False, True)):
            expected = np.zeros_like(weight)
            counts = np.bincount(index.ravel(), minlength=rows)
            for i, row in zip(index.ravel(), g.reshape(index.size, width)):
                if i != padding:
                    expected[i] += row * np.asarray(1 / counts[i], dtype) if by_frequency else row
            for gv, where, gw in zip(layouts(g), itertools.cycle(layouts(index)), layouts(empty(weight.shape, dtype))):
                embedding("embedding_vjp", gw, gv, where, attrs=[padding, by_frequency], mode=mode)
                np.testing.assert_array_equal(gw, expected)


@pytest.mark.parametrize("bad", [7, -1])
def test_embedding_out_of_range(embedding, bad):
    index = np.array([0, bad])
    y, gw = empty((2, 3), "float32"), empty((7, 3), "float32")
    with pytest.raises(IndexError, match="^index out of range in self$"):
        embedding("embedding", y, np.zeros((7, 3), np.float32), index)
    with pytest.raises(IndexError, match="^index out of range in self$"):
        embedding("embedding_vjp", gw, np.zeros((2, 3), np.float32), index, attrs=[-1, False])
    assert (y == 77).all() and (gw == 77).all()
    embedding.fail_scratch()
    with pytest.raises(MemoryError):
        embedding("embedding_vjp", gw, np.zeros((2, 3), np.float32), np.array([0, 1]), attrs=[-1, True])
    assert (gw == 77).all()
