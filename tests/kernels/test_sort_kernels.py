"""Sorting and selection: NumPy's stable sort of the same keys says which element stands where."""
import numpy as np
import pytest

from harness import DTYPES, MODES, Kernels, cast, dtype_of, empty, strided, values

FLOATS = ["float16", "bfloat16", "float32", "float64"]
SOURCES = ("sort.c", "sort_engine.c")


@pytest.fixture(scope="module")
def kernels():
    return Kernels(*SOURCES)


def sample(shape, dtype, distinct=100, seed=0, nan=0.05):
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    x = np.asarray(rng.integers(0 if dtype == "uint8" else -distinct, distinct, shape))
    if dtype not in FLOATS:
        return x.astype(dtype)
    x = np.asarray(x / 8.0 * np.where(rng.random(shape) < 0.5, 1.0, -1.0))            # has both zeros
    x[rng.random(shape) < nan] = np.nan
    x[rng.random(shape) < 0.02] = np.inf
    return cast(np.asarray(x), dtype)


def order(x, dim, descending=False):
    """Positions of a stable sort, NaN larger than everything."""
    a = values(x)
    if a.dtype == bool:
        a = a.astype(np.int8)
    key = np.where(np.isnan(a), 1, 0) if a.dtype.kind == "f" else np.zeros(a.shape, int)
    a = np.nan_to_num(a, nan=0, posinf=np.inf, neginf=-np.inf) if a.dtype.kind == "f" else a
    if descending:
        key = -key
        a = -a if a.dtype.kind == "f" else ~a.astype(np.int64)
    return np.lexsort((a, key), axis=dim) if a.ndim else np.zeros((), np.int64)


def same(a, b):
    return np.asarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


def take(x, index, dim):
    return np.take_along_axis(np.asarray(x), index, dim) if x.ndim else np.asarray(x)


SHAPES = [((), 0), ((1,), 0), ((9,), 0), ((40,), 0), ((600,), 0), ((3000,), 0), ((3, 4), 0), ((3, 4), 1), ((130, 7), 0), ((6, 5, 300), 2),
          ((5, 300, 2), 1)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, dim", SHAPES)
@pytest.mark.parametrize("descending", [False, True])
def test_sort(kernels, shape, dim, dtype, descending):
    for distinct in (3, 100):
        x = sample(shape, dtype, distinct)
        want = order(x, dim, descending)
        for view in (x, strided(x), np.asfortranarray(x).view(type(x))) if x.ndim else (x,):
            value, index = empty(shape, dtype), empty(shape, "int64")
            kernels("sort", value, index, view, attrs=[dim, descending])
            assert (index == want).all() and same(value, take(x, want, dim))


@pytest.mark.parametrize("dtype", ["int64", "float64", "float32", "int32", "int16"])
def test_sort_of_the_full_range(kernels, dtype):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**64, 5000, dtype=np.uint64)
    x = bits.view(dtype) if dtype in ("int64", "float64") else bits.astype({"float32": "u4", "int32": "u4", "int16": "u2"}[dtype]).view(dtype)
    for y in (x, np.sort(x), np.sort(x)[::-1].copy(), x[:100]):
        value, index = empty(y.shape, dtype), empty(y.shape, "int64")
        kernels("sort", value, index, y, attrs=[0, False])
        assert (index == order(y, 0)).all() and same(value, y[index])


def test_extremes_have_their_places(kernels):
    inf, nan = np.inf, np.nan
    x = np.array([nan, 1, -nan, inf, 0.0, -0.0, -inf, 5e-324, -5e-324], np.float64)
    value, index = empty(x.shape, "float64"), empty(x.shape, "int64")
    kernels("sort", value, index, x, attrs=[0, False])
    assert index.tolist() == [6, 8, 4, 5, 7, 1, 3, 0, 2]
    kernels("sort", value, index, x, attrs=[0, True])
    assert index.tolist() == [0, 2, 3, 1, 7, 4, 5, 8, 6]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, dim", [s for s in SHAPES if s[0]])
@pytest.mark.parametrize("largest", [False, True])
def test_topk(kernels, shape, dim, dtype, largest):
    n = shape[dim]
    for k in sorted({0, 1, 2, n // 3, n // 2, n - 1, n} & set(range(n + 1))):
        for distinct in (3, 100):
            x = sample(shape, dtype, distinct, seed=k)
            want = np.take(order(x, dim, largest), range(k), axis=dim)
            out = tuple(k if d == dim else s for d, s in enumerate(shape))
            value, index = empty(out, dtype), empty(out, "int64")
            kernels("topk", value, index, x, attrs=[dim, k, largest, True])
            assert (index == want).all() and same(value, take(x, want, dim))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, dim", SHAPES)
def test_kthvalue_and_medians(kernels, shape, dim, dtype):
    n = shape[dim] if shape else 1
    one = tuple(1 if d == dim else s for d, s in enumerate(shape))

    def pick(x, positions, at):
        return positions if not x.ndim else np.take_along_axis(positions, at, dim)

    for distinct, nan in ((3, 0), (100, 0), (100, 0.1)):
        x = sample(shape, dtype, distinct, nan=nan)
        positions = order(x, dim)
        isnan = np.isnan(values(x)) if dtype in FLOATS else np.zeros(shape, bool)
        nans = isnan.sum(axis=dim, keepdims=True) if x.ndim else isnan.astype(int)
        cases = [("kthvalue", [dim, k], np.full(one, k - 1)) for k in {1, (n + 1) // 2, n}]
        cases.append(("median", [dim], np.where(nans > 0, n - nans, (n - 1) // 2)))
        cases.append(("nanmedian", [dim], np.where(nans == n, 0, (n - nans - 1) // 2)))
        for name, attrs, at in cases:
            want = pick(x, positions, at)
            for view in (x, strided(x)) if x.ndim else (x,):
                value, index = empty(one, dtype), empty(one, "int64")
                kernels(name, value, index, view, attrs=attrs)
                assert (index == want).all() and same(value, take(x, want, dim))


def test_selection_survives_bad_orders(kernels):
    n = 4001
    organ_pipe = np.concatenate([np.arange(n // 2), np.arange(n - n // 2)[::-1]]).astype(np.int64)
    for x in (np.arange(n), np.arange(n)[::-1].copy(), np.zeros(n, np.int64), organ_pipe, np.arange(n) % 2, np.arange(n) ** 2 % 17):
        for dtype in ("int64", "int32"):
            y = x.astype(dtype)
            for k in (1, 40, 2000, 4001):
                value, index = empty((1,), dtype), empty((1,), "int64")
                kernels("kthvalue", value, index, y, attrs=[0, k])
                assert index[0] == np.argsort(y, kind="stable")[k - 1]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, dim", SHAPES)
def test_mode(kernels, shape, dim, dtype):
    x = sample(shape, dtype, 3, nan=0)
    one = tuple(1 if d == dim else s for d, s in enumerate(shape))
    value, index = empty(one, dtype), empty(one, "int64")
    kernels("mode", value, index, x, attrs=[dim])
    lines = np.moveaxis(values(x).astype(np.float64), dim, -1).reshape(-1, shape[dim]) if shape else values(x).astype(np.float64).reshape(1, 1)
    for line, v, i in zip(lines, values(value).astype(np.float64).ravel(), index.ravel()):
        distinct, counts = np.unique(line, return_counts=True)
        assert v == distinct[counts.argmax()] and i == np.flatnonzero(line == v)[-1]


def test_modes_are_pytorchs(kernels):
    torch = pytest.importorskip("torch")
    x = sample((50, 30), "float32", 4, nan=0)
    value, index = empty((50, 1), "float32"), empty((50, 1), "int64")
    kernels("mode", value, index, x, attrs=[1])
    want = torch.mode(torch.from_numpy(x), 1, keepdim=True)
    assert (value == want.values.numpy()).all()          # its index comes from an unstable sort


@pytest.mark.parametrize("mode", MODES)
def test_however_the_work_is_cut(kernels, mode):
    x = sample((50, 2000), "float32")
    value, index = empty(x.shape, "float32"), empty(x.shape, "int64")
    kernels("sort", value, index, x, attrs=[1, False], mode=mode)
    assert (index == order(x, 1)).all()


def test_nothing(kernels):
    kernels("sort", empty((3, 0), "float32"), empty((3, 0), "int64"), empty((3, 0), "float32"), attrs=[1, False])
    kernels("topk", empty((3, 0), "float32"), empty((3, 0), "int64"), empty((3, 2), "float32"), attrs=[1, 0, True, True])
    kernels("median", empty((0, 1), "float32"), empty((0, 1), "int64"), empty((0, 2), "float32"), attrs=[1])


def test_exhausted_memory_is_an_error(kernels):
    x = sample((5000,), "float32")
    kernels.fail_scratch()
    with pytest.raises(MemoryError):
        kernels("sort", empty(x.shape, "float32"), empty(x.shape, "int64"), x, attrs=[0, False])
