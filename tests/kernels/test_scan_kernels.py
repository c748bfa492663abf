"""Running sums, products, extrema, logsumexps: against NumPy, and against PyTorch where its rules are its own."""
import numpy as np
import pytest

from harness import DTYPES, MODES, Kernels, cast, dtype_of, empty, levels, strided, values

FLOATS = ["float16", "bfloat16", "float32", "float64"]
EPS = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}


@pytest.fixture(scope="module")
def kernels():
    return Kernels("scan.c")


def sample(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if dtype in FLOATS:
        return cast(rng.standard_normal(shape), dtype)
    return cast(np.asarray(rng.integers(0 if dtype in ("bool", "uint8") else -5, 2 if dtype == "bool" else 6, shape)), dtype)


def out_dtype(dtype):
    return dtype if dtype in FLOATS else "int64"


def layouts(x):
    yield x
    if x.ndim:
        yield strided(x)
        yield np.asfortranarray(x).view(type(x))
        yield x[::-1].copy()[::-1].view(type(x))


SHAPES = [((), 0), ((1,), 0), ((9,), 0), ((3, 4), 0), ((3, 4), 1), ((130, 70), 0), ((70, 130), 1), ((2, 3, 5), 1), ((4, 1, 66), 0)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, dim", SHAPES)
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_sums_and_products(kernels, name, shape, dim, dtype):
    x = sample(shape, dtype)
    if name == "cumprod" and dtype in FLOATS:
        x = cast(1 + values(x) * 0.03, dtype)
    for reverse in (False, True):
        wide = values(x).astype(np.float64 if dtype in FLOATS else np.int64)
        run = (lambda a: np.flip(getattr(np, name)(np.flip(a, dim), axis=dim), dim)) if reverse else (
            lambda a: getattr(np, name)(a, axis=dim))
        want = run(wide) if x.ndim else wide
        for view in layouts(x):
            out = empty(shape, out_dtype(dtype))
            kernels(name, out, view, attrs=[dim, reverse])
            if dtype not in FLOATS:
                assert (out == want).all()
                continue
            steps = shape[dim] if x.ndim else 1
            acc = EPS["float32"] if dtype in ("float16", "bfloat16") else EPS["float64"]
            magnitude = run(np.abs(wide)) if x.ndim else np.abs(wide)
            assert (np.abs(values(out) - want) <= EPS[dtype] * 1.01 * np.abs(want) + 2 * steps * acc * magnitude).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape, dim", SHAPES)
@pytest.mark.parametrize("reverse", [False, True])
def test_exclusive_products(kernels, shape, dim, dtype, reverse):
    x = cast(1 + values(sample(shape, dtype)) * 0.03, dtype)
    wide = values(x).astype(np.float64)
    if x.ndim:
        turned = np.flip(wide, dim) if reverse else wide
        shifted = np.roll(turned, 1, dim)
        shifted[(slice(None),) * dim + (0,)] = 1
        want = np.cumprod(shifted, axis=dim)
        want = np.flip(want, dim) if reverse else want
    else:
        want = np.ones(())
    for view in layouts(x):
        out = empty(shape, dtype)
        kernels("cumprod_exclusive", out, view, attrs=[dim, reverse])
        assert np.allclose(values(out), want, rtol=EPS[dtype] * 1.01 + 130 * EPS["float32" if "16" in dtype else "float64"], atol=0)


def reference_recurrence(x, c, dim, reverse, exclusive):
    """The definition in the table of operations, element by element."""
    if not x.ndim:
        return np.zeros(()) if exclusive else x
    x, c = np.moveaxis(x, dim, 0), np.moveaxis(c, dim, 0)
    y, n = np.zeros(x.shape), len(x)
    for i in reversed(range(n)) if reverse else range(n):
        before = i + 1 if reverse else i - 1
        first = not 0 <= before < n
        if exclusive:
            y[i] = 0 if first else x[before] + c[before] * y[before]
        else:
            y[i] = x[i] + (0 if first else c[before if reverse else i] * y[before])
    return np.moveaxis(y, 0, dim)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape, dim", SHAPES)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("exclusive", [False, True])
def test_recurrences(kernels, shape, dim, dtype, reverse, exclusive):
    x, c = sample(shape, dtype), cast(values(sample(shape, dtype, 1)) * 0.3, dtype)
    wide = values(x).astype(np.float64), values(c).astype(np.float64)
    want = reference_recurrence(*wide, dim, reverse, exclusive)
    bound = reference_recurrence(*map(np.abs, wide), dim, reverse, exclusive)
    for view, coefficients in zip(layouts(x), reversed(list(layouts(c)))):
        out = empty(shape, dtype)
        kernels("recurrence", out, view, coefficients, attrs=[dim, reverse, exclusive])
        acc = EPS["float32"] if dtype in ("float16", "bfloat16") else EPS["float64"]
        assert (np.abs(values(out) - want) <= EPS[dtype] * 1.01 * np.abs(want) + 300 * acc * bound).all()


def test_out_may_be_x(kernels):
    for dim in (0, 1):
        x = sample((100, 90), "float64")
        want = np.cumsum(x, axis=dim)
        kernels("cumsum", x, x, attrs=[dim, False])
        assert np.allclose(x, want, rtol=1e-12, atol=1e-12)


def test_integers_wrap_around(kernels):
    out = empty((3,), "int64")
    kernels("cumsum", out, np.array([2**62, 2**62, 2**62]), attrs=[0, False])
    assert out.tolist() == [2**62, -(2**63), -(2**62)]
    kernels("cumprod", out, np.array([2**32, 2**32 + 1, -1]), attrs=[0, False])
    assert out.tolist() == [2**32, 2**32, -(2**32)]


def test_nan_and_infinity_flow_on(kernels):
    x = np.array([1, np.inf, 2, -np.inf, 3], np.float32)
    out = empty((5,), "float32")
    kernels("cumsum", out, x, attrs=[0, False])
    assert np.array_equal(out, [1, np.inf, np.inf, np.nan, np.nan], equal_nan=True)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape, dim", [((1000, 500), 0), ((500, 1000), 1), ((30, 40, 50), 1), ((100_000,), 0)])
def test_large_and_however_the_work_is_cut(kernels, shape, dim, mode):
    x = sample(shape, "float32")
    out = empty(shape, "float32")
    kernels("cumsum", out, x, attrs=[dim, False], mode=mode)
    assert np.array_equal(out, np.cumsum(x, axis=dim, dtype=np.float64).astype(np.float32))


def reference_extremum(x, dim, largest):
    """PyTorch's rule, element by element: NaN takes over and the latest NaN counts, of equal values the latest."""
    x = np.moveaxis(x, dim, 0) if x.ndim else x[None]
    value, index = x.copy(), np.zeros(x.shape, np.int64)
    for i in range(1, len(x)):
        best, v = value[i - 1], x[i]
        take = np.isnan(v) | (~np.isnan(best) & ((v >= best) if largest else (v <= best)))
        value[i], index[i] = np.where(take, v, best), np.where(take, i, index[i - 1])
    return value, index


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, dim", SHAPES)
@pytest.mark.parametrize("name", ["cummax", "cummin"])
def test_extrema(kernels, name, shape, dim, dtype):
    x = sample(shape, dtype)
    if dtype in FLOATS and x.ndim:
        wide = np.round(values(x).astype(np.float64))
        wide[np.random.default_rng(1).random(shape) < 0.03] = np.nan
        x = cast(wide, dtype)
    want, at = reference_extremum(values(x).astype(np.float64), dim, name == "cummax")
    for view in layouts(x):
        value, index = empty(shape, dtype_of(x)), empty(shape, "int64")
        kernels(name, value, index, view, attrs=[dim])
        moved = (lambda a: np.moveaxis(a, dim, 0)) if x.ndim else (lambda a: a[None])
        assert np.array_equal(moved(values(value).astype(np.float64)), want, equal_nan=True)
        assert (moved(index) == at).all()


@pytest.mark.parametrize("name", ["cummax", "cummin"])
def test_extrema_have_pytorchs_indices(kernels, name):
    torch = pytest.importorskip("torch")
    for x in (np.array([1.0, 3, 3, np.nan, 5, np.nan, 2]), np.array([0.0, -0.0, 0.0]), np.array([np.inf, np.inf, -np.inf])):
        value, index = np.empty(x.shape), np.empty(x.shape, np.int64)
        kernels(name, value, index, x, attrs=[0])
        want = getattr(torch, name)(torch.from_numpy(x), 0)
        assert np.array_equal(value, want.values.numpy(), equal_nan=True) and (index == want.indices.numpy()).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape, dim", SHAPES)
def test_logcumsumexp(kernels, shape, dim, dtype):
    x = cast(values(sample(shape, dtype)) * 4, dtype)
    wide = values(x).astype(np.float64)
    want = np.logaddexp.accumulate(wide, axis=dim) if x.ndim else wide
    for view in layouts(x):
        out = empty(shape, dtype)
        kernels("logcumsumexp", out, view, attrs=[dim, False])
        assert np.allclose(values(out), want, rtol=EPS[dtype] * 1.01 + 1e-13, atol=EPS[dtype] + 1e-13)


def test_logcumsumexp_of_extremes(kernels):
    inf = np.inf
    x = np.array([-inf, -inf, 1000, 1000, inf, 1, inf, np.nan, 0])
    out = np.empty(9)
    kernels("logcumsumexp", out, x, attrs=[0, False])
    assert np.array_equal(out, [-inf, -inf, 1000, 1000 + np.log(2), inf, inf, inf, np.nan, np.nan], equal_nan=True)


def test_nothing(kernels):
    for name in ("cumsum", "cumprod", "logcumsumexp"):
        kernels(name, empty((0, 3), "float32"), empty((0, 3), "float32"), attrs=[1, False])


def test_every_level_gives_the_same_bits():
    x = sample((300, 77), "float32")
    for name in ("cumsum", "cumprod"):
        for dim in (0, 1):
            results = set()
            for level in levels():
                out = empty(x.shape, "float32")
                results.add(Kernels("scan.c", level=level)(name, out, x, attrs=[dim, False]).tobytes())
            assert len(results) == 1
