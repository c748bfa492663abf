"""softmax, log_softmax, cross_entropy and nll_loss with their VJPs: against float64 formulas, PyTorch's messages."""
import itertools

import numpy as np
import pytest

from harness import MODES, Kernels, empty, levels, misaligned, strided

REDUCE = ("reduce.c", "reduce_engine.c", "reduce_load.c", "reduce_plan.c")
SOURCES = ("softmax.c", "cross_entropy.c", "copy.c", *REDUCE)
UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}         # unit roundoff
FLOATS = list(UNIT)


def bound(x):
    """Relative error of exp(x - max): the rounded difference dominates; 8 roundings for the rest."""
    x = x[np.isfinite(x)]
    return UNIT[x.dtype.name] * (8 + (x.max() - x.min() if x.size else 0))


@pytest.fixture(scope="module")
def kernels():
    return Kernels(*SOURCES)


def sample(shape, dtype, seed=0, scale=3.0):
    return np.asarray(np.random.default_rng(seed).standard_normal(shape) * scale).astype(dtype)


def layouts(x):
    yield x
    yield misaligned(x)
    if x.ndim:
        yield strided(x)
        yield x.T.copy().T


def softmax(x, dim):
    x = x.astype(np.float64)
    with np.errstate(invalid="ignore"):
        e = np.exp(x - x.max(dim, keepdims=True)) if x.size else x
        return e / e.sum(dim, keepdims=True)


def log_softmax(x, dim):
    x = x.astype(np.float64)
    if not x.size:
        return x
    with np.errstate(invalid="ignore"):
        s = x - x.max(dim, keepdims=True)
        return s - np.log(np.exp(s).sum(dim, keepdims=True))


SHAPES = [((), 0), ((1,), 0), ((5,), -1), ((4, 10), 1), ((4, 10), 0), ((3, 65), -1), ((40, 128), 1), ((7, 129), 1), ((3, 4, 33), 1),
          ((3, 4, 33), 0), ((2, 1000), 1), ((2, 3000), -1), ((0, 4), 1), ((4, 0), 1), ((4, 0), 0), ((2, 3, 4, 5), 2)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("mode", MODES)
def test_forward(kernels, dtype, mode):
    for shape, dim in SHAPES:
        x = sample(shape, dtype)
        for source, y in itertools.product(layouts(x), layouts(empty(shape, dtype))):
            kernels("softmax", y, source, attrs=[dim], mode=mode)
            np.testing.assert_allclose(y, softmax(x, dim) if shape else 1.0, rtol=bound(x))
            kernels("log_softmax", y, source, attrs=[dim], mode=mode)
            np.testing.assert_allclose(y, log_softmax(x, dim) if shape else 0.0, rtol=bound(x), atol=bound(x))
        for name, f in (("softmax", softmax), ("log_softmax", log_softmax)):
            y = x.copy()
            if shape:
                np.testing.assert_allclose(kernels(name, y, y, attrs=[dim]), f(x, dim), rtol=bound(x), atol=bound(x))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("mode", MODES)
def test_vjps(kernels, dtype, mode):
    for shape, dim in SHAPES[1:]:
        g, x = sample(shape, dtype, 1), sample(shape, dtype)
        y, z = softmax(x, dim).astype(dtype), log_softmax(x, dim).astype(dtype)
        wide, yw, zw = (a.astype(np.float64) for a in (g, y, z))
        expected = yw * (wide - (wide * yw).sum(dim, keepdims=True))
        expected_log = wide - np.exp(zw) * wide.sum(dim, keepdims=True)
        size = max(shape, default=1) * 4 * UNIT[dtype]
        for cotangent, gx in itertools.product(layouts(g), layouts(empty(shape, dtype))):
            kernels("softmax_vjp", gx, cotangent, strided(y), attrs=[dim], mode=mode)
            np.testing.assert_allclose(gx, expected, rtol=0, atol=size + bound(x))
            kernels("log_softmax_vjp", gx, cotangent, z, attrs=[dim], mode=mode)
            np.testing.assert_allclose(gx, expected_log, rtol=0, atol=size + 2 * bound(x))
        gx = g.copy()
        np.testing.assert_allclose(kernels("softmax_vjp", gx, gx, y, attrs=[dim]), expected, rtol=0, atol=size + bound(x))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [4, 40, 300])
def test_special_values(kernels, dtype, n):
    inf, nan = np.inf, np.nan
    x = np.zeros((7, n), dtype)
    x[0] = -inf
    x[1, :2] = inf
    x[2, 1] = nan
    x[3, 1:] = -inf
    x[4] = 1e4
    x[4, 0] = 1e4 - 60
    x[5, 0], x[5, 1:] = 0, -100
    x[6] = np.finfo(dtype).max
    y, z = empty(x.shape, dtype), empty(x.shape, dtype)
    kernels("softmax", y, x, attrs=[1])
    kernels("log_softmax", z, x, attrs=[1])
    for row in (0, 1, 2):
        assert np.isnan(y[row]).all() and np.isnan(z[row]).all()
    assert y[3].tolist() == [1] + [0] * (n - 1) and z[3].tolist() == [0] + [-inf] * (n - 1)
    np.testing.assert_allclose(y[3:], softmax(x[3:], 1), rtol=110 * UNIT[dtype], atol=np.finfo(dtype).smallest_subnormal)
    np.testing.assert_allclose(z[3:], log_softmax(x[3:], 1), rtol=8 * UNIT[dtype])
    assert y[5, 1] == np.exp(np.asarray(-100, dtype)) or y[5, 1] == np.float64(np.exp(-100.0)).astype(dtype)


@pytest.mark.parametrize("dtype", FLOATS)
def test_bits_do_not_depend_on_threads_or_memory(kernels, dtype):
    for n in (10, 100, 200, 2000):
        x = sample((60, n), dtype)
        reference = kernels("log_softmax", np.empty_like(x), x, attrs=[1])
        for mode, source in itertools.product(MODES, layouts(x)):
            np.testing.assert_array_equal(kernels("log_softmax", np.empty_like(x), source, attrs=[1], mode=mode), reference)
        for r in (1, 16, 17):
            np.testing.assert_array_equal(kernels("log_softmax", np.empty_like(x[:r]), x[:r], attrs=[1]), reference[:r])


@pytest.mark.parametrize("dtype", FLOATS)
def test_levels_with_fused_multiply_add_agree(dtype):
    x = sample((20, 77), dtype)
    results = [Kernels(*SOURCES, level=level)("softmax", np.empty_like(x), x, attrs=[1]) for level in levels() if level != "v2"]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


# ---- cross_entropy and nll_loss ----------------------------------------------------------------------------

REDUCTIONS = ["none", "mean", "sum"]
CLASSES = [((5,), ()), ((6, 10), (6,)), ((40, 3), (40,)), ((9, 300), (9,)), ((3, 1500), (3,)), ((2, 4, 5), (2, 5)),
           ((2, 4, 3, 2), (2, 3, 2)), ((0, 4), (0,)), ((1, 1), (1,))]


def target_of(shape, tshape, ignore, seed=0):
    classes = shape[1] if len(shape) > 1 else shape[0]
    target = np.asarray(np.random.default_rng(seed).integers(0, classes, tshape))
    if target.ndim and target.shape[0] > 2:
        target[1] = ignore
    return target


def cross_entropy_reference(x, target, weight, ignore, reduction, smoothing, g):
    """Loss and gradient in float64."""
    x = np.moveaxis(x.astype(np.float64), 1 if x.ndim > 1 else 0, -1)
    k = x.shape[-1]
    w = np.ones(k) if weight is None else weight.astype(np.float64)
    kept = target != ignore
    safe = np.where(kept, target, 0)
    z = log_softmax(x, -1)
    onehot = np.eye(k)[safe]
    coefficient = kept[..., None] * w * ((1 - smoothing) * onehot + smoothing / k)       # of -log p
    losses = -(coefficient * z).sum(-1)
    total = (w[safe] * kept).sum()
    scale = g.astype(np.float64) if reduction == "none" else g * np.ones(target.shape)
    if reduction == "mean":
        with np.errstate(invalid="ignore", divide="ignore"):
            scale = np.where(kept, scale / total, 0.0)
            loss = np.asarray(losses.sum()) / total
    else:
        loss = losses if reduction == "none" else losses.sum()
    gx = scale[..., None] * (np.exp(z) * coefficient.sum(-1, keepdims=True) - coefficient)
    return loss, np.moveaxis(gx, -1, 1 if x.ndim > 1 else 0)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("mode", MODES)
def test_cross_entropy(kernels, dtype, reduction, mode):
    code = REDUCTIONS.index(reduction)
    for (shape, tshape), weighted, smoothing, ignore in itertools.product(CLASSES, (False, True), (0.0, 0.1), (-100, 1)):
        x, target = sample(shape, dtype), target_of(shape, tshape, ignore)
        classes = shape[1] if len(shape) > 1 else shape[0]
        weight = np.random.default_rng(5).random(classes).astype(dtype) if weighted else None
        g = sample(tshape if reduction == "none" else (), dtype, 3)
        expected, expected_gx = cross_entropy_reference(x, target, weight, ignore, reduction, smoothing, g)
        attrs = [ignore, code, smoothing]
        for i, source in enumerate(layouts(x)):
            loss = empty(g.shape, dtype)
            loss = strided(loss) if i % 2 and loss.ndim else loss
            stats, total = empty((target.size, 2), dtype), empty((), dtype)
            where = strided(target) if i % 2 and target.ndim else target
            w = strided(weight) if weighted and i % 2 else weight
            optional = [w] if weighted else [] if i % 2 else [None]
            kernels("cross_entropy", loss, stats, total, source, where, *optional, attrs=attrs, mode=mode)
            np.testing.assert_allclose(loss, expected, rtol=8 * UNIT[dtype], atol=2 * bound(x))
            for gx in layouts(empty(shape, dtype)):
                kernels("cross_entropy_vjp", gx, g, source, where, stats, total, *optional, attrs=attrs, mode=mode)
                np.testing.assert_allclose(gx, expected_gx, rtol=2 * bound(x), atol=bound(x) * np.abs(g).max(initial=1))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("mode", MODES)
def test_nll_loss(kernels, dtype, reduction, mode):
    code = REDUCTIONS.index(reduction)
    for (shape, tshape), weighted, ignore in itertools.product(CLASSES, (False, True), (-100, 1)):
        dim = 1 if len(shape) > 1 else 0
        x, target = sample(shape, dtype), target_of(shape, tshape, ignore)
        weight = np.random.default_rng(5).random(shape[dim]).astype(dtype) if weighted else None
        g = sample(tshape if reduction == "none" else (), dtype, 3)
        kept = target != ignore
        safe = np.where(kept, target, 0)
        w = (np.ones(shape[dim]) if weight is None else weight.astype(np.float64))[safe] * kept
        own = np.take_along_axis(np.moveaxis(x, dim, -1), safe[..., None], -1)[..., 0].astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = -own * w if reduction == "none" else np.asarray(-(own * w).sum()) / (w.sum() if reduction == "mean" else 1)
            slope = np.where(kept, -g * w / (w.sum() if reduction == "mean" else 1), 0.0)
        expected_gx = np.zeros(shape)
        np.put_along_axis(np.moveaxis(expected_gx, dim, -1), safe[..., None], slope[..., None], -1)
        for i, source in enumerate(layouts(x)):
            loss, total = empty(g.shape, dtype), empty((), dtype)
            where = strided(target) if i % 2 and target.ndim else target
            optional = [strided(weight) if i % 2 else weight] if weighted else [] if i % 2 else [None]
            kernels("nll_loss", loss, total, source, where, *optional, attrs=[ignore, code], mode=mode)
            np.testing.assert_allclose(loss, expected, rtol=8 * UNIT[dtype], atol=2 * bound(x))
            for gx in layouts(empty(shape, dtype)):
                kernels("nll_loss_vjp", gx, g, where, total, *optional, attrs=[ignore, code], mode=mode)
                np.testing.assert_allclose(gx, expected_gx, rtol=8 * UNIT[dtype])


def test_mean_of_nothing_is_nan(kernels):
    target = np.array([-100, -100])
    loss, stats, total = empty((), "float32"), empty((2, 2), "float32"), empty((), "float32")
    assert np.isnan(kernels("cross_entropy", loss, stats, total, np.zeros((2, 3), np.float32), target, attrs=[-100, 1, 0.0]))
    gx = kernels("cross_entropy_vjp", empty((2, 3), "float32"), np.ones((), np.float32), np.zeros((2, 3), np.float32), target, stats,
                 total, attrs=[-100, 1, 0.0])
    assert (gx == 0).all()
    assert np.isnan(kernels("nll_loss", loss, total, np.zeros((2, 3), np.float32), target, attrs=[-100, 1]))


def test_logits_far_from_zero_keep_their_digits(kernels):
    """The loss is a difference of shifted logits: a shift by 2^18 changes nothing."""
    x = np.random.default_rng(0).integers(-64, 64, (20, 30)).astype(np.float32) / 16
    target = np.arange(20)
    results = []
    for shift in (0.0, 2.0**18):
        loss, stats, total = empty((20,), "float32"), empty((20, 2), "float32"), empty((), "float32")
        moved = x + np.float32(shift)
        kernels("cross_entropy", loss, stats, total, moved, target, attrs=[-100, 0, 0.0])
        gx = kernels("cross_entropy_vjp", np.empty_like(x), np.ones(20, np.float32), moved, target, stats, total, attrs=[-100, 0, 0.0])
        results.append((loss, gx))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize("bad", [5, -1, 2**62])
def test_targets_out_of_bounds(kernels, bad):
    x, target = np.zeros((3, 5)), np.array([0, bad, 9])
    loss, stats, total = empty((), "float64"), empty((3, 2), "float64"), empty((), "float64")
    for name, operands in (("cross_entropy", (loss, stats, total)), ("nll_loss", (loss, total))):
        with pytest.raises(IndexError) as caught:
            kernels(name, *operands, x, target, attrs=[-100, 1, 0.0])
        assert str(caught.value) == f"Target {bad} is out of bounds."
    assert loss == 77 and (stats == 77).all() and total == 77


def test_exhausted_memory_is_reported(kernels):
    x, target = np.zeros((4, 5)).T.copy().T, np.zeros(4, np.int64)
    loss, stats, total = empty((), "float64"), empty((4, 2), "float64"), empty((), "float64")
    for after in (0, 1):
        kernels.fail_scratch(after)
        with pytest.raises(MemoryError):
            kernels("cross_entropy", loss, stats, total, x, target, attrs=[-100, 1, 0.0])
    for after in (0, 1):
        kernels.fail_scratch(after)
        with pytest.raises(MemoryError):
            kernels("softmax", np.zeros((4, 5)), x, attrs=[0]) if not after else kernels(
                "softmax_vjp", np.zeros((4, 5)), np.zeros((4, 5)), np.zeros((4, 5)), attrs=[0])
    kernels.fail_scratch(-1)
