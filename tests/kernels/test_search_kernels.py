"""searchsorted, unique, bincount, histc."""
import numpy as np
import pytest

from harness import DTYPES, MODES, Kernels, cast, dtype_of, empty, strided, values

FLOATS = ["float16", "bfloat16", "float32", "float64"]
SOURCES = ("search.c", "sort_engine.c", "reduce_engine.c", "reduce_load.c", "reduce_plan.c")


@pytest.fixture(scope="module")
def kernels():
    return Kernels(*SOURCES)


def sample(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    low, high = (0, 2) if dtype == "bool" else (0, 40) if dtype == "uint8" else (-20, 20)
    return cast(np.asarray(rng.integers(low, high, shape)), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("index", ["int64", "int32"])
def test_searchsorted(kernels, dtype, right, index):
    side = "right" if right else "left"
    for m in (0, 1, 2, 7, 100):
        sequence = cast(np.sort(values(sample((m,), dtype, 1)).astype(np.float64)), dtype)
        for shape in ((), (0,), (5,), (4, 6), (3, 2, 5)):
            v = sample(shape, dtype, 2)
            want = np.searchsorted(values(sequence).astype(float), values(v).astype(float), side)
            for view in (v, strided(v)) if v.ndim else (v,):
                out = empty(shape, index)
                kernels("searchsorted", out, sequence, view, attrs=[right])
                assert (out == want).all()


def test_searchsorted_line_by_line_and_through_a_sorter(kernels):
    rng = np.random.default_rng(0)
    sequence, v = rng.standard_normal((3, 4, 50)), rng.standard_normal((3, 4, 7))
    order = np.argsort(sequence, axis=-1)
    ordered = np.take_along_axis(sequence, order, -1)
    want = np.array([[np.searchsorted(s, u) for s, u in zip(a, b)] for a, b in zip(ordered, v)])
    for mode in MODES:
        for s in (ordered, strided(ordered)):
            assert (kernels("searchsorted", empty(v.shape, "int64"), s, v, attrs=[False], mode=mode) == want).all()
        assert (kernels("searchsorted", empty(v.shape, "int64"), sequence, v, order, attrs=[False], mode=mode) == want).all()


def test_searchsorted_puts_nan_where_pytorch_does(kernels):
    torch = pytest.importorskip("torch")
    nan, inf = np.nan, np.inf
    for sequence in ([1.0, 2, 3], [1.0, 2, nan], [-inf, 0, inf]):
        for right in (False, True):
            v = np.array([nan, 1.5, 2, 3, inf, -inf])
            want = torch.searchsorted(torch.tensor(sequence, dtype=torch.float64), torch.from_numpy(v), right=right)
            assert (kernels("searchsorted", empty(v.shape, "int64"), np.array(sequence), v, attrs=[right]) == want.numpy()).all()


def unique(kernels, x, inverse=True, counts=True):
    first, total = empty((x.size,), "int64"), empty((), "int64")
    inv, count = empty(x.shape if inverse else (0,), "int64"), empty((x.size if counts else 0,), "int64")
    kernels("unique", first, inv, count, total, x, attrs=[inverse, counts])
    n = int(total)
    return x.reshape(-1)[first[:n]], inv, count[:n]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (10,), (30, 40), (5000,)])
def test_unique(kernels, dtype, shape):
    x = sample(shape, dtype)
    value, inverse, counts = unique(kernels, x)
    want, _, want_inverse, want_counts = np.unique(values(x), True, True, True)
    assert (values(value) == want).all() and (counts == want_counts).all() and (inverse.ravel() == want_inverse.ravel()).all()
    assert (values(unique(kernels, x, inverse=False, counts=False)[0]) == want).all()


def test_every_nan_is_unique_and_zeros_are_one(kernels):
    x = np.array([np.nan, 1, np.nan, 0.0, -0.0, 2])
    value, inverse, counts = unique(kernels, x)
    assert np.array_equal(value, [0, 1, 2, np.nan, np.nan], equal_nan=True)
    assert inverse.tolist() == [3, 1, 4, 0, 0, 2] and counts.tolist() == [2, 1, 1, 1, 1]
    assert unique(kernels, np.array([-1, -1, 255, 0], np.int16))[0].tolist() == [-1, 0, 255]
    assert unique(kernels, np.full(4, 255, np.uint8))[0].tolist() == [255]


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d not in FLOATS])
def test_bincount(kernels, dtype):
    x = cast(np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 50, 3000), dtype)
    for view in (x, strided(x), x[:0]):
        assert (kernels("bincount", empty((60,), "int64"), view) == np.bincount(view.astype(np.int64), minlength=60)).all()


def test_bincount_refuses_what_it_cannot_count(kernels):
    for bad in (5, -2):
        with pytest.raises(RuntimeError, match=f"element {bad} is out of range for 5 bins"):
            kernels("bincount", empty((5,), "int64"), np.array([1, bad, 3]))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_histc_is_pytorchs(kernels, dtype):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    for x in (rng.standard_normal(3000), np.arange(5.0), np.full(3, 2.0), np.array([1, 2, np.nan]), np.empty(0)):
        for bins, low, high in ((4, 0, 0), (10, -1, 2.5), (7, 0, 3), (100, 0.1, 0.7)):
            if low == high and np.isnan(x).any():
                continue
            v = cast(x, dtype)
            want = torch.histc(torch.tensor(values(v).astype("float64" if dtype == "float64" else "float32")), bins, low, high)  # halves are counted as float32
            out = kernels("histc", empty((bins,), dtype), v, attrs=[float(low), float(high)])
            assert np.array_equal(values(out), values(cast(want.numpy(), dtype)))


def test_histc_refuses_ranges(kernels):
    for x, low, high, message in (([1, 2, np.nan], 0, 0, "range of .* is not finite"), ([1, 2, np.inf], 0, 0, r"range of \[1, inf\] is not finite"),
                                  ([1, 2], 3, 1, "max must be larger than min"), ([1, 2], -np.inf, np.inf, r"range of \[-inf, inf\]")):
        with pytest.raises(RuntimeError, match="torch.histc: " + message):
            kernels("histc", empty((4,), "float32"), np.array(x, np.float32), attrs=[float(low), float(high)])


def test_exhausted_memory_is_an_error(kernels):
    for call in (lambda: unique(kernels, np.arange(9)), lambda: kernels("histc", empty((4,), "float32"), np.ones(3, np.float32), attrs=[0.0, 2.0])):
        kernels.fail_scratch()
        with pytest.raises(MemoryError):
            call()
