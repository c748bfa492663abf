"""Convolution and pooling kernels: every level, every way to cut the work, against loops in float64; and their bits."""
import itertools

import numpy as np
import pytest

from harness import MODES, Kernels, empty, levels

UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}


@pytest.fixture(scope="module")
def kernels():
    return Kernels("conv.c", "pool.c")


def sample(shape, dtype, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def convolution(x, w, stride, padding, dilation, groups):
    """By definition, in float64; with the sums of absolute values."""
    x, w = x.astype(np.float64), w.astype(np.float64)
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    out = [(x.shape[2 + d] - dilation[d] * (w.shape[2 + d] - 1) - 1) // stride[d] + 1 for d in range(3)]
    m, c = w.shape[0] // groups, w.shape[1]
    y, size = np.zeros((x.shape[0], w.shape[0], *out)), np.zeros((x.shape[0], w.shape[0], *out))
    for k in itertools.product(*map(range, w.shape[2:])):
        part = x[(slice(None), slice(None), *(slice(k[d] * dilation[d], k[d] * dilation[d] + (out[d] - 1) * stride[d] + 1, stride[d]) for d in range(3)))]
        for g in range(groups):
            a, b = part[:, g * c:(g + 1) * c], w[(slice(g * m, (g + 1) * m), slice(None), *k)]
            y[:, g * m:(g + 1) * m] += np.einsum("ncdhw,mc->nmdhw", a, b)
            size[:, g * m:(g + 1) * m] += np.einsum("ncdhw,mc->nmdhw", abs(a), abs(b))
    return y, size


#: shape of x, of the weight, stride, padding, dilation, groups
CASES = [
    ((2, 3, 1, 9, 8), (5, 3, 1, 3, 3), (1, 1, 1), (0, 1, 1), (1, 1, 1), 1),
    ((1, 16, 1, 14, 14), (32, 16, 1, 3, 3), (1, 1, 1), (0, 1, 1), (1, 1, 1), 1),
    ((3, 4, 1, 11, 10), (6, 2, 1, 3, 2), (1, 2, 3), (0, 2, 1), (1, 1, 2), 2),
    ((2, 6, 1, 9, 9), (6, 1, 1, 3, 3), (1, 1, 1), (0, 1, 1), (1, 1, 1), 6),
    ((2, 3, 1, 1, 700), (9, 3, 1, 1, 7), (1, 1, 1), (0, 0, 3), (1, 1, 1), 1),
    ((1, 2, 1, 1, 9000), (3, 2, 1, 1, 5), (1, 1, 2), (0, 0, 0), (1, 1, 4), 1),
    ((2, 2, 4, 5, 6), (3, 2, 2, 3, 2), (1, 2, 1), (1, 0, 1), (2, 1, 1), 1),
    ((1, 1200, 1, 3, 3), (4, 1200, 1, 1, 1), (1, 1, 1), (0, 0, 0), (1, 1, 1), 1),
    ((2, 3, 1, 6, 6), (4, 3, 1, 2, 2), (1, 4, 4), (0, 3, 3), (1, 1, 1), 1),
    ((1, 1, 1, 150, 90), (2, 1, 1, 3, 3), (1, 1, 1), (0, 1, 1), (1, 1, 1), 1),
    ((5, 2, 1, 5, 5), (6, 2, 1, 5, 5), (1, 1, 1), (0, 0, 0), (1, 1, 1), 1),
    ((3, 2, 1, 4, 9), (3, 2, 1, 4, 3), (1, 3, 2), (0, 1, 1), (1, 1, 2), 1),
    ((40, 2, 1, 4, 4), (11, 2, 1, 3, 3), (1, 1, 1), (0, 0, 0), (1, 1, 1), 1),
    # lanes of results: two blocks of k, pieces of rows, results that are no whole vectors, groups, planes that are cut, one dimension
    ((2, 130, 1, 7, 7), (64, 130, 1, 3, 3), (1, 1, 1), (0, 1, 1), (1, 1, 1), 1),
    ((2, 31, 1, 12, 17), (30, 31, 1, 3, 3), (1, 1, 1), (0, 1, 1), (1, 1, 1), 1),
    ((1, 58, 1, 9, 7), (64, 29, 1, 3, 3), (1, 2, 1), (0, 1, 1), (1, 1, 1), 2),
    ((1, 28, 1, 300, 33), (31, 28, 1, 2, 3), (1, 1, 1), (0, 0, 1), (1, 1, 1), 1),
    ((3, 32, 2, 5, 6), (29, 32, 2, 3, 1), (1, 1, 1), (1, 1, 0), (1, 1, 1), 1),
    ((3, 30, 1, 1, 37), (32, 30, 1, 1, 5), (1, 1, 1), (0, 0, 2), (1, 1, 1), 1),
    # tiles of four: odd sizes, results and channels that are no whole blocks, rows of more than a vector, two groups, short rows
    ((1, 50, 1, 23, 38), (41, 50, 1, 3, 3), (1, 1, 1), (0, 2, 1), (1, 1, 1), 1),
    ((1, 96, 1, 15, 34), (98, 48, 1, 3, 3), (1, 1, 1), (0, 1, 0), (1, 1, 1), 2),
    ((9, 90, 1, 8, 8), (64, 90, 1, 3, 3), (1, 1, 1), (0, 1, 1), (1, 1, 1), 1),
]


def close(got, want, size, terms, dtype):
    bound = (terms + 4) * UNIT[dtype] * size + 1e-300
    assert np.all(np.abs(got - want) <= bound)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", UNIT)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_convolution_and_its_adjoints(kernels, case, dtype, mode):
    xs, ws, stride, padding, dilation, groups = case
    x, w, bias = sample(xs, dtype), sample(ws, dtype, 1), sample(ws[0], dtype, 2)
    attrs = [stride, padding, dilation, groups]
    want, size = convolution(x, w, stride, padding, dilation, groups)
    terms = int(np.prod(ws[1:]))
    got = kernels("conv", empty(want.shape, dtype), x, w, bias, attrs=attrs, mode=mode)
    column = bias.astype(np.float64)[None, :, None, None, None]
    close(got, want + column, size + abs(column), terms, dtype)
    # <g, conv(x, w)> = <conv_input(g, w), x> = <conv_weight(x, g), w>, in each coordinate by linearity
    g = sample(want.shape, dtype, 3)
    gx = kernels("conv_input", empty(xs, dtype), g, w, None, attrs=attrs, mode=mode)
    gw, gb = empty(ws, dtype), empty(ws[0], dtype)
    kernels("conv_weight", gw, gb, x, g, attrs=[*attrs, ws[2:]], mode=mode)
    np.testing.assert_allclose(gb, g.astype(np.float64).sum((0, 2, 3, 4)), rtol=0, atol=2000 * UNIT[dtype] * np.abs(g).sum((0, 2, 3, 4)).max())
    g64 = g.astype(np.float64)
    rng = np.random.default_rng(4)
    for _ in range(4):
        dx, dw = rng.standard_normal(xs), rng.standard_normal(ws)
        a, scale = convolution(dx, w, stride, padding, dilation, groups)
        assert abs((gx * dx).sum() - (g64 * a).sum()) <= 100 * terms * UNIT[dtype] * (abs(g64) * scale).sum()
        b, scale = convolution(x, dw, stride, padding, dilation, groups)
        assert abs((gw * dw).sum() - (g64 * b).sum()) <= 100 * terms * UNIT[dtype] * (abs(g64) * scale).sum()


@pytest.mark.parametrize("dtype", UNIT)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_bits_are_the_same_however_the_work_is_cut(kernels, case, dtype):
    xs, ws, stride, padding, dilation, groups = case
    x, w, attrs = sample(xs, dtype), sample(ws, dtype, 1), [stride, padding, dilation, groups]
    want, _ = convolution(x, w, stride, padding, dilation, groups)
    g, seen = sample(want.shape, dtype, 3), set()
    for mode in MODES:
        y, gx, gw, gb = empty(want.shape, dtype), empty(xs, dtype), empty(ws, dtype), empty(ws[0], dtype)
        kernels("conv", y, x, w, None, attrs=attrs, mode=mode)
        kernels("conv_input", gx, g, w, None, attrs=attrs, mode=mode)
        kernels("conv_weight", gw, gb, x, g, attrs=[*attrs, ws[2:]], mode=mode)
        seen.add(tuple(a.tobytes() for a in (y, gx, gw, gb)))
    assert len(seen) == 1


@pytest.mark.parametrize("case", CASES, ids=str)
def test_bits_are_the_same_at_levels_with_fma(case):
    with_fma = [level for level in levels() if level in ("v3", "v4")]
    if len(with_fma) < 2:
        pytest.skip("this machine has one level with FMA at most")
    xs, ws, stride, padding, dilation, groups = case
    attrs, seen = [stride, padding, dilation, groups], set()
    for level in with_fma:
        k = Kernels("conv.c", "pool.c", level=level)
        for dtype in UNIT:
            x, w = sample(xs, dtype), sample(ws, dtype, 1)
            shape = convolution(x, w, stride, padding, dilation, groups)[0].shape
            g = sample(shape, dtype, 3)
            y, gx, gw, gb = empty(shape, dtype), empty(xs, dtype), empty(ws, dtype), empty(ws[0], dtype)
            k("conv", y, x, w, None, attrs=attrs)
            k("conv_input", gx, g, w, None, attrs=attrs)
            k("conv_weight", gw, gb, x, g, attrs=[*attrs, ws[2:]])
            seen.add((dtype, *(a.tobytes() for a in (y, gx, gw, gb))))
    assert len(seen) == len(UNIT)


def test_every_level_convolves():
    x, w = sample((2, 3, 1, 9, 20), "float32"), sample((7, 3, 1, 3, 3), "float32", 1)
    want, size = convolution(x, w, (1, 1, 1), (0, 1, 1), (1, 1, 1), 1)
    for level in levels():
        got = Kernels("conv.c", "pool.c", level=level)("conv", empty(want.shape, "float32"), x, w, None,
                                                       attrs=[(1, 1, 1), (0, 1, 1), (1, 1, 1), 1])
        close(got, want, size, 27, "float32")


#: the first asks for scratch twice, tiles of four once
@pytest.mark.parametrize("after, channels, size", [(0, 2, 3), (1, 2, 3), (0, 64, 32)])
def test_exhausted_memory_is_reported(kernels, after, channels, size):
    x, y = sample((1, channels, 1, size + 2, size + 2), "float32"), empty((1, channels, 1, size, size), "float32")
    w, attrs = sample((channels, channels, 1, 3, 3), "float32", 1), [(1, 1, 1), (0, 0, 0), (1, 1, 1), 1]
    for name, operands, extra in (("conv", (y, x, w, None), []), ("conv_input", (x, y, w, None), []), ("conv_weight", (w, None, x, y), [(1, 3, 3)])):
        kernels.fail_scratch(after)
        try:
            with pytest.raises(MemoryError):
                kernels(name, *operands, attrs=attrs + extra)
        finally:
            kernels.fail_scratch(-1)


# ---- pooling ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", UNIT)
@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("size, kernel, stride, padding", [((1, 28, 28), (1, 2, 2), (1, 2, 2), (0, 0, 0)), ((1, 7, 9), (1, 2, 2), (1, 2, 2), (0, 0, 0)),
                                                           ((1, 3, 70), (1, 1, 2), (1, 1, 2), (0, 0, 0)), ((1, 11, 13), (1, 3, 3), (1, 2, 2), (0, 1, 1)),
                                                           ((4, 5, 6), (2, 3, 2), (1, 2, 1), (1, 1, 0)), ((1, 1, 33), (1, 1, 3), (1, 1, 1), (0, 0, 1))])
def test_max_pool(level, dtype, mode, size, kernel, stride, padding):
    k = Kernels("conv.c", "pool.c", level=level)
    x = np.round(sample((2, 3, *size), dtype) * 2)
    out = [(size[d] + 2 * padding[d] - kernel[d]) // stride[d] + 1 for d in range(3)]
    y, index = empty((2, 3, *out), dtype), np.full((2, 3, *out), -9, np.int32)
    attrs = [kernel, stride, padding, (1, 1, 1)]
    k("max_pool", y, index, x, attrs=attrs, mode=mode)
    for n, c, *o in itertools.product(range(2), range(3), *map(range, out)):
        places = [p for p in itertools.product(*(range(o[d] * stride[d] - padding[d], o[d] * stride[d] - padding[d] + kernel[d]) for d in range(3)))
                  if all(0 <= p[d] < size[d] for d in range(3))]
        best = max(places, key=lambda p: x[n, c][p])
        assert y[n, c][tuple(o)] == x[n, c][best] and index[n, c][tuple(o)] == np.ravel_multi_index(best, size)
    g, want = sample(y.shape, dtype, 1), np.zeros(x.shape, dtype)
    for n, c, *o in itertools.product(range(2), range(3), *map(range, out)):
        want[n, c].reshape(-1)[index[n, c][tuple(o)]] += g[n, c][tuple(o)]
    for given in (attrs, [()]):
        np.testing.assert_array_equal(k("max_pool_vjp", empty(x.shape, dtype), g, index, attrs=given, mode=mode), want)
    np.testing.assert_array_equal(k("pool_gather", empty(y.shape, dtype), x, index.astype(np.int64), mode=mode), y)
