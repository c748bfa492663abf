"""Reductions against NumPy in float64: every dtype, every set of dimensions, any memory, the same bits everywhere."""
import itertools

import numpy as np
import pytest

from harness import DTYPES, MODES, Kernels, cast, dtype_of, empty, levels, misaligned, strided, values

SOURCES = ("reduce.c", "reduce_engine.c", "reduce_load.c", "reduce_plan.c")
FLOATS = ["float16", "bfloat16", "float32", "float64"]
EPS = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}


@pytest.fixture(scope="module")
def kernels():
    return Kernels(*SOURCES)


def reduced_shape(shape, dims):
    return tuple(1 if d in dims else s for d, s in enumerate(shape))


def subsets(n):
    return [dims for k in range(n + 1) for dims in itertools.combinations(range(n), k)]


def sample(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    if dtype in FLOATS:
        return cast(rng.standard_normal(shape), dtype)
    return np.asarray(rng.integers(0 if dtype == "uint8" else -100, 100, shape)).astype(dtype)


def layouts(x):
    """The same values in different memory."""
    yield x
    yield misaligned(x, 3)
    if x.ndim:
        yield strided(x)
        yield strided(x, tuple(range(x.ndim)))
        yield np.asfortranarray(x).view(type(x))
        yield x[::-1].copy()[::-1].view(type(x))


def run(kernels, name, x, dims, dtype=None, attrs=(), mode="whole"):
    out = empty(reduced_shape(x.shape, dims), dtype or dtype_of(x))
    kernels(name, out, x, attrs=[list(dims), *attrs], mode=mode)
    return out


def sum_dtype(dtype):
    return dtype if dtype in FLOATS else "int64"


def tolerance(x, dims, dtype):
    """The proved bound: roundings on a path times the sum of magnitudes, and one rounding into the result's dtype."""
    acc = 2.0**-53 if dtype == "float64" else 2.0**-24
    magnitude = np.abs(x).sum(axis=dims, keepdims=True)
    count = max(x.size // max(magnitude.size, 1), 1)
    return (40 + max(0, np.log2(count / 1024))) * acc * magnitude + EPS[dtype] * np.abs(x.sum(axis=dims, keepdims=True)) * 1.01


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (5,), (11,), (3, 4), (1, 4, 1), (2, 1, 3), (5, 2, 3, 4), (40, 17), (9, 33, 2)])
def test_sum_of_every_dtype_shape_and_layout(kernels, dtype, shape):
    x = sample(shape, dtype)
    exact = values(x).astype(np.float64)
    for dims in subsets(len(shape)):
        want = exact.sum(axis=dims, keepdims=True)
        for view in layouts(x):
            out = values(run(kernels, "sum", view, dims, sum_dtype(dtype), [False]))
            if dtype in FLOATS:
                assert (np.abs(out - want) <= tolerance(exact, dims, dtype)).all()
            else:
                assert (out == want).all()


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("shape, dims", [
    ((1023,), (0,)), ((1024,), (0,)), ((1025,), (0,)), ((8193,), (0,)), ((200_003,), (0,)), ((3, 70_001), (1,)),
    ((300_001, 3), (0,)), ((300_001, 2), (1,)), ((1000, 15), (0,)), ((1000, 16), (0,)), ((4097, 513), (0,)),
    ((130, 1100), (0,)), ((7, 600), (0,)), ((40, 3, 50, 30), (0, 2, 3)), ((3, 5000, 20), (1,)), ((20, 30, 40), (0, 2))])
def test_large_sums_keep_the_bound_and_the_bits(kernels, dtype, shape, dims):
    x = sample(shape, dtype)
    exact = values(x).astype(np.float64)
    want = exact.sum(axis=dims, keepdims=True)
    first = None
    for mode in MODES:
        for view in (x, misaligned(x, 1)):
            out = run(kernels, "sum", view, dims, dtype, [False], mode)
            first = out if first is None else first
            assert out.tobytes() == first.tobytes()
    assert (np.abs(values(first) - want) <= tolerance(exact, dims, dtype)).all()


def test_every_length_sums_every_element_once(kernels):
    for dtype in ("float32", "float64", "int64"):
        x = (2 ** np.arange(1200) % 8191).astype(dtype)       # sums of any part are exact
        for n in [*range(1, 140), *range(1000, 1200)]:
            assert run(kernels, "sum", x[:n], (0,), attrs=[False])[0] == x[:n].sum()
            tall = np.ascontiguousarray(np.broadcast_to(x[:n, None], (n, 5)))
            assert (run(kernels, "sum", tall, (0,), attrs=[False]) == x[:n].sum()).all()
            wide = np.ascontiguousarray(np.broadcast_to(x[:n, None], (n, 21)))
            assert (run(kernels, "sum", wide, (0,), attrs=[False]) == x[:n].sum()).all()


def test_strides_do_not_change_the_bits(kernels):
    """Expanded, sliced and dense memory in the same order: the same tree."""
    x = sample((130, 50), "float32")
    for dims in subsets(2):
        for view in (strided(x, (0, 1)), misaligned(x)):
            assert run(kernels, "sum", view, dims, attrs=[False]).tobytes() == run(kernels, "sum", x, dims, attrs=[False]).tobytes()
    row = sample((50,), "float32")
    expanded = np.broadcast_to(row, (130, 50))
    for dims in subsets(2):
        dense = run(kernels, "sum", expanded.copy(), dims, attrs=[False])
        assert run(kernels, "sum", expanded, dims, attrs=[False]).tobytes() == dense.tobytes()
    column = np.broadcast_to(row[:, None], (50, 130))
    for dims in subsets(2):
        dense = run(kernels, "sum", column.copy(), dims, attrs=[False])
        assert run(kernels, "sum", column, dims, attrs=[False]).tobytes() == dense.tobytes()


@pytest.mark.skipif(len(levels()) < 2, reason="one level only")
@pytest.mark.parametrize("name, attrs", [("sum", [False]), ("mean", [False]), ("prod", []), ("amax", []), ("amin", []),
                                         ("norm", [2.0]), ("var", [1.0]), ("nansum", [False])])
def test_bits_do_not_depend_on_the_level(name, attrs):
    built = [Kernels(*SOURCES, level=level) for level in levels()]
    for dtype in FLOATS:
        for shape in [(7,), (37,), (5000,), (70_000,), (200, 300), (100, 7), (50, 33, 9)]:
            x = sample(shape, dtype)
            if name == "prod":
                x = cast(values(x) * 0.1 + 1, dtype)
            for dims in subsets(len(shape)):
                results = {run(k, name, x, dims, attrs=attrs).tobytes() for k in built}
                assert len(results) == 1, (dtype, shape, dims)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sum", "mean", "nansum"])
def test_add_accumulates(kernels, name, dtype):
    if name == "mean" and dtype not in FLOATS:
        return
    x = cast(np.arange(24).reshape(4, 6) % 3, dtype)
    for dims in subsets(2):
        out = cast(np.full(reduced_shape(x.shape, dims), 5), sum_dtype(dtype))
        kernels(name, out, x, attrs=[list(dims), True])
        want = getattr(np, name)(values(x).astype(np.float64), axis=dims, keepdims=True) + 5
        assert np.allclose(values(out), want, rtol=2 * EPS.get(dtype, 0), atol=0)


def test_integer_sums_wrap_around(kernels):
    x = np.array([2**62, 2**62, 2**62], np.int64)
    assert run(kernels, "sum", x, (0,))[0] == np.int64(3 * 2**62 - 2**64)
    assert run(kernels, "prod", np.array([2**40, 2**40 + 1], np.int64), (0,))[0] == (2**40 * (2**40 + 1)) % 2**64


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["prod", "amax", "amin"])
def test_products_and_extrema(kernels, name, dtype):
    for shape in [(), (1,), (6,), (3, 4), (40, 3), (2, 30, 17)]:
        x = sample(shape, dtype)
        if name == "prod" and dtype in FLOATS:
            x = cast(1 + values(x) * 0.05, dtype)
        out_dtype = sum_dtype(dtype) if name == "prod" else dtype
        with np.errstate(over="ignore"):
            wide = values(x).astype(np.float64 if dtype in FLOATS else np.int64)
            for dims, view in itertools.product(subsets(len(shape)), layouts(x)):
                want = getattr(np, name)(wide, axis=dims, keepdims=True)
                out = values(run(kernels, name, view, dims, out_dtype))
                if name == "prod" and dtype in FLOATS:
                    count = x.size // max(want.size, 1)
                    assert np.allclose(out, want, rtol=EPS[dtype] * 1.01 + count * EPS["float64" if dtype == "float64" else "float32"], atol=0)
                else:
                    assert (out == want).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_extrema_propagate_nan_from_anywhere(kernels, dtype):
    for n in (1, 2, 3, 5, 9, 17, 33, 63, 100, 1500):
        for at in {0, 1, n // 2, n - 2, n - 1} & set(range(n)):
            x = values(sample((n,), dtype)).astype(np.float32)
            x[at] = np.nan
            for other in (np.inf, -np.inf):
                if n > 1:
                    x[(at + 1) % n] = other
                for name in ("amax", "amin"):
                    y = cast(x, dtype)
                    assert np.isnan(values(run(kernels, name, y, (0,)))[0])
                    tall = cast(np.repeat(x[:, None], 3, 1), dtype)
                    assert np.isnan(values(run(kernels, name, tall, (0,)))).all()
                    wide = cast(np.repeat(x[:, None], 20, 1), dtype)
                    assert np.isnan(values(run(kernels, name, wide, (0,)))).all()


def test_infinities_flow_through(kernels):
    x = np.array([1, np.inf, -2, 5], np.float32)
    assert run(kernels, "amax", x, (0,))[0] == np.inf and run(kernels, "amin", -x, (0,))[0] == -np.inf
    assert run(kernels, "sum", x, (0,), attrs=[False])[0] == np.inf
    assert np.isnan(run(kernels, "sum", np.array([np.inf, -np.inf]), (0,), attrs=[False])[0])
    assert run(kernels, "nansum", np.array([1, np.nan, 2]), (0,), attrs=[False])[0] == 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_all_count_nonzero(kernels, dtype):
    rng = np.random.default_rng(3)
    for shape in [(), (1,), (7,), (3, 4), (50, 3), (3, 2000), (2000, 20)]:
        for density in (0.0, 0.3, 1.0):
            x = cast(rng.random(shape) < density, dtype)
            for dims in subsets(len(shape)):
                nonzero = values(x) != 0
                assert (run(kernels, "any", x, dims, "bool") == nonzero.any(axis=dims, keepdims=True)).all()
                assert (run(kernels, "all", x, dims, "bool") == nonzero.all(axis=dims, keepdims=True)).all()
                assert (run(kernels, "count_nonzero", x, dims, "int64") == np.count_nonzero(nonzero, axis=dims, keepdims=True)).all()


def test_truth_of_special_values(kernels):
    for dtype in FLOATS:
        for value, truth in ((np.nan, True), (-0.0, False), (1e-7, True), (-np.inf, True)):
            assert run(kernels, "any", cast([value], dtype), (0,), "bool")[0] == truth
    assert run(kernels, "any", np.array([256], np.int64), (0,), "uint8")[0] == 1
    assert run(kernels, "any", np.array([-(2**63)], np.int64), (0,), "bool")[0]


def test_empty_reductions(kernels):
    for shape, dims in (((0,), (0,)), ((3, 0), (1,)), ((0, 3), (0,)), ((2, 0, 3), (0, 1, 2))):
        x = np.empty(shape, np.float32)
        assert (run(kernels, "sum", x, dims, attrs=[False]) == 0).all()
        assert (run(kernels, "prod", x, dims) == 1).all()
        assert np.isnan(run(kernels, "mean", x, dims, attrs=[False])).all()
        assert np.isnan(run(kernels, "var", x, dims, attrs=[1.0])).all()
        assert (run(kernels, "norm", x, dims, attrs=[2.0]) == 0).all()
        assert (run(kernels, "logsumexp", x, dims) == -np.inf).all()
        assert not run(kernels, "any", x, dims, "bool").any()
        assert run(kernels, "all", x, dims, "bool").all()
        assert (run(kernels, "sum", x.astype(np.int32), dims, "int64", attrs=[False]) == 0).all()
        assert (run(kernels, "count_nonzero", x, dims, "int64") == 0).all()
        kept = np.full(reduced_shape(shape, dims), 3, np.float32)
        kernels("sum", kept, x, attrs=[None, True])
        assert (kept == 3).all()
    nothing = np.empty((0, 1), np.float32)
    kernels("sum", nothing, np.empty((0, 4), np.float32), attrs=[None, False])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.0, 0.5, -1.0, np.inf, -np.inf])
def test_norms(kernels, dtype, p):
    for shape in [(), (7,), (3, 4), (40, 3), (2, 30, 17), (1500,)]:
        x = sample(shape, dtype)
        a = np.abs(values(x).astype(np.float64))
        for dims in subsets(len(shape)):
            if p == 0:
                want = np.count_nonzero(a, axis=dims, keepdims=True)
            elif np.isinf(p):
                want = (np.max if p > 0 else np.min)(a, axis=dims, keepdims=True)
            else:
                want = (a**p).sum(axis=dims, keepdims=True) ** (1 / p)
            out = run(kernels, "norm", x, dims, attrs=[p])
            if dtype == "float16":
                want = np.where(want > 65519, np.inf, want)
            assert np.allclose(values(out), want, rtol=EPS[dtype] * 1.01 + 4e-14, atol=0)


def test_norm_does_not_overflow_or_vanish(kernels):
    assert run(kernels, "norm", np.full(4, 1e30, np.float32), (0,), attrs=[2.0])[0] == np.float32(2e30)
    assert run(kernels, "norm", np.full(4, 1e-30, np.float32), (0,), attrs=[2.0])[0] == np.float32(2e-30)
    assert np.isnan(run(kernels, "norm", np.array([1, np.nan]), (0,), attrs=[np.inf])[0])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("correction", [0.0, 1.0, 2.5])
def test_variances(kernels, dtype, correction):
    for shape in [(4,), (3, 4), (40, 3), (2, 30, 17), (1500, 20)]:
        x = cast(values(sample(shape, dtype)) + 3, dtype)
        exact = values(x).astype(np.float64)
        for dims in subsets(len(shape)):
            mean = exact.mean(axis=dims, keepdims=True)
            count = exact.size // mean.size
            if count <= correction:
                continue
            want = ((exact - mean) ** 2).sum(axis=dims, keepdims=True) / (count - correction)
            for view in (x, strided(x)):
                out = run(kernels, "var", view, dims, attrs=[correction])
                assert np.allclose(values(out), want, rtol=EPS[dtype] * 1.01 + 1e-13, atol=0)
                out = run(kernels, "std", view, dims, attrs=[correction])
                assert np.allclose(values(out), np.sqrt(want), rtol=EPS[dtype] * 1.01 + 1e-13, atol=0)


def test_variance_of_a_large_offset_and_of_too_few(kernels):
    x = np.array([1e6, 1e6 + 1, 1e6 + 2], np.float32)
    assert run(kernels, "var", x, (0,), attrs=[1.0])[0] == 1
    assert np.isnan(run(kernels, "var", x[:1], (0,), attrs=[1.0])[0])
    assert run(kernels, "var", x[:1], (0,), attrs=[0.0])[0] == 0
    assert np.isnan(run(kernels, "var", np.array([1, np.inf]), (0,), attrs=[1.0])[0])


@pytest.mark.parametrize("dtype", FLOATS)
def test_logsumexp(kernels, dtype):
    for shape in [(), (1,), (7,), (3, 4), (40, 3), (2, 30, 17), (300, 40)]:
        x = cast(values(sample(shape, dtype)) * 5, dtype)
        exact = values(x).astype(np.float64)
        for dims, view in itertools.product(subsets(len(shape)), layouts(x)):
            m = exact.max(axis=dims, keepdims=True)
            want = np.log(np.exp(exact - m).sum(axis=dims, keepdims=True)) + m
            out = run(kernels, "logsumexp", view, dims)
            acc = EPS["float64" if dtype == "float64" else "float32"]
            assert np.allclose(values(out), want, rtol=EPS[dtype] * 1.01, atol=16 * acc * (1 + np.abs(want)))


def test_logsumexp_of_extremes(kernels):
    inf = np.inf
    for x, want in (([1e4, 1e4], 1e4 + np.log(2)), ([-1e4, -1e4], -1e4 + np.log(2)), ([inf, 1], inf), ([-inf, 1], 1),
                    ([-inf, -inf], -inf), ([inf, -inf], inf), ([np.nan, 1], np.nan)):
        for dtype in ("float32", "float64"):
            out = run(kernels, "logsumexp", np.array(x, dtype), (0,))
            assert np.array_equal(out[0], np.array(want, dtype), equal_nan=True)


def test_exhausted_memory_is_an_error(kernels):
    x = sample((300_000,), "float32")
    for name, attrs in (("sum", [False]), ("var", [1.0]), ("logsumexp", [])):
        kernels.fail_scratch()
        with pytest.raises(MemoryError):
            run(kernels, name, x, (0,), attrs=attrs)
        assert np.isfinite(run(kernels, name, x, (0,), attrs=attrs)).all()


def test_aminmax(kernels):
    x = sample((30, 40), "float32")
    low, high = empty((30, 1), "float32"), empty((30, 1), "float32")
    kernels("aminmax", low, high, x, attrs=[[1]])
    assert (low == x.min(axis=1, keepdims=True)).all() and (high == x.max(axis=1, keepdims=True)).all()
