"""Indexing and masking kernels against NumPy: values, order of accumulation, messages, and nothing written on failure."""
import itertools

import numpy as np
import pytest

from harness import DTYPES, MODES, Kernels, cast, dtype_of, empty, strided, values

SOURCES = ("copy.c", "index.c", "advanced.c", "mask.c")
SOME = ["bool", "int16", "bfloat16", "float32", "float64"]


@pytest.fixture(scope="module")
def kernels():
    return Kernels(*SOURCES)


def sample(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    return cast(rng.integers(0 if dtype == "uint8" else -9, 10, shape), dtype)


def plus(a, b, dtype):
    """The sum, rounded to the dtype."""
    return np.asarray(values(cast(np.asarray(a + b), dtype)))


def same(got, expected):
    np.testing.assert_array_equal(values(got), values(expected), strict=True)


def copies(x):
    """The same values in fresh memory of several layouts."""
    yield x.copy()
    if x.ndim:
        yield strided(x)
        yield x.T.copy().T


def indices(shape, n, seed=0, wrap=False):
    return np.random.default_rng(seed).integers(-n if wrap else 0, n, shape)


def fails(kernels, error, message, name, target, *operands, attrs=(), position=0):
    """The kernel raises, and its target is as before."""
    before = np.array(target)
    operands = list(operands)
    operands.insert(position, target)
    with pytest.raises(error) as caught:
        kernels(name, *operands, attrs=attrs)
    assert str(caught.value) == message
    np.testing.assert_array_equal(np.array(target), before)


# ---- gather and scatter ------------------------------------------------------------------------------

CASES = [((5,), (3,), 0), ((5,), (9,), -1), ((4, 6), (4, 3), 1), ((4, 6), (7, 6), 0), ((4, 6), (2, 2), 0), ((4, 6), (3, 9), 1),
         ((3, 4, 5), (3, 2, 5), 1), ((3, 4, 5), (2, 3, 11), -1), ((3, 4, 5), (6, 4, 5), 0), ((3, 4), (0, 4), 0), ((3, 4), (3, 0), 1),
         ((), (), 0), ((70, 80), (90, 80), 0), ((70, 80), (70, 90), 1)]


def grid(shape, index, dim):
    """Indices of NumPy's that pick what PyTorch's gather picks."""
    if not shape:
        return ()
    places = list(np.indices(index.shape))
    places[dim] = index
    return tuple(places)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", MODES)
def test_gather(kernels, dtype, mode):
    for shape, ishape, dim in CASES:
        x, index = sample(shape, dtype), indices(ishape, shape[dim] if shape else 1)
        for source, where, y in itertools.product(copies(x), copies(index), copies(empty(ishape, dtype))):
            kernels("gather", y, source, where, attrs=[dim], mode=mode)
            same(y, np.asarray(values(x)[grid(shape, index, dim)]) if dtype == "bfloat16" else np.asarray(x[grid(shape, index, dim)]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", MODES)
def test_scatter_family(kernels, dtype, mode):
    for shape, ishape, dim in CASES:
        x, index = sample(shape, dtype), indices(ishape, shape[dim] if shape else 1)
        src = sample(tuple(n + 1 for n in ishape) if ishape else (), dtype, 1)      # src may be larger than index
        used = np.asarray(values(src))[tuple(slice(n) for n in ishape)]
        at = grid(shape, index, dim)
        for y, where, source in zip(copies(x), copies(index), copies(src)):
            expected = np.array(values(x))
            for i in np.ndindex(ishape):                        # the last of equal indices stays
                expected[tuple(np.asarray(a)[i] for a in at)] = used[i]
            same(kernels("scatter", y, where, source, attrs=[dim], mode=mode), np.asarray(expected))
            expected = np.array(values(x))
            expected[at] = values(cast(1, dtype))
            y = next(copies(x))
            same(kernels("scatter_value", y, where, attrs=[dim, 1], mode=mode), expected)
        for y, where, source in zip(copies(x), copies(index), copies(src)):
            expected = np.array(values(x))
            np.add.at(expected, at, used)
            same(kernels("scatter_add", y, where, source, attrs=[dim], mode=mode), expected)


REDUCTIONS = {"sum": 0, "prod": 1, "amax": 2, "amin": 3, "mean": 4}


def reduced(x, at, src, how, include_self):
    out = [[v] if include_self else [] for v in np.asarray(x).ravel()]
    flat = np.arange(np.size(x)).reshape(np.shape(x))[at] if np.ndim(x) else np.zeros((), int)
    for place, v in zip(np.asarray(flat).ravel(), np.asarray(src).ravel()):
        out[place].append(v)
    result = []
    for own, found in zip(np.asarray(x).ravel(), out):
        if how == "mean":
            total = sum(found)
            result.append(own if not found else total / len(found) if np.issubdtype(np.asarray(x).dtype, np.floating)
                          else total // len(found))
        else:
            f = {"sum": np.sum, "prod": np.prod, "amax": np.max, "amin": np.min}[how]
            result.append(f(np.array(found, dtype=np.asarray(x).dtype)) if found else own)
    return np.array(result, dtype=np.asarray(x).dtype).reshape(np.shape(x))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("how", REDUCTIONS)
@pytest.mark.parametrize("include_self", [True, False])
def test_scatter_reduce(kernels, dtype, how, include_self):
    for shape, ishape, dim in CASES[:-2]:
        rng = np.random.default_rng(3)
        x = np.asarray(rng.integers(0 if dtype == "uint8" else -2, 3, shape)).astype(dtype)
        src = np.asarray(rng.integers(0 if dtype == "uint8" else -2, 3, ishape)).astype(dtype)
        if how == "mean" and dtype.startswith("float"):
            x, src = x * 32, src * 32
        index = indices(ishape, shape[dim] if shape else 1)
        with np.errstate(over="ignore"):
            expected = reduced(x, grid(shape, index, dim), src, how, include_self)
        for y, where, source in zip(copies(np.asarray(x)), copies(index), copies(np.asarray(src))):
            kernels("scatter_reduce", y, where, source, attrs=[dim, REDUCTIONS[how], include_self])
            if how == "mean":
                np.testing.assert_allclose(y, expected, rtol=3e-7, atol=0)
            else:
                same(y, expected)


def test_extrema_let_nan_win(kernels):
    for how, expected in (("amax", [np.nan, np.nan, 5.0]), ("amin", [np.nan, np.nan, 3.0])):
        y = np.array([np.nan, 1.0, 3.0], np.float32)
        kernels("scatter_reduce", y, np.array([0, 1, 2]), np.array([2.0, np.nan, 5.0], np.float32), attrs=[0, REDUCTIONS[how], True])
        np.testing.assert_array_equal(y, np.array(expected, np.float32))


@pytest.mark.parametrize("mode", MODES)
def test_accumulation_goes_in_order(kernels, mode):
    """Sums of float32 numbers depend on their order; ours is that of the source, on any number of threads."""
    rng = np.random.default_rng(0)
    for shape, n, dim in (((40, 300), 500, 0), ((300, 40), 500, 1), ((7,), 9000, 0)):
        sshape = tuple(n if d == dim else s for d, s in enumerate(shape))
        src = rng.standard_normal(sshape).astype(np.float32)
        index = rng.integers(0, shape[dim], n)
        expected = np.zeros(shape, np.float32)
        to, source = np.moveaxis(expected, dim, 0), np.moveaxis(src, dim, 0)
        for i, row in zip(index, source):
            to[i] += row
        y = np.zeros(shape, np.float32)
        same(kernels("index_add", y, index, src, attrs=[dim, 1], mode=mode), expected)
        wide = np.broadcast_to(index.reshape([-1 if d == dim else 1 for d in range(len(shape))]), sshape)
        same(kernels("scatter_add", np.zeros(shape, np.float32), wide, src, attrs=[dim], mode=mode), expected)
        y = np.moveaxis(np.zeros(shape, np.float32), dim, 0)
        same(kernels("index_put", y, source, index, attrs=[True], mode=mode), np.moveaxis(expected, dim, 0))


@pytest.mark.parametrize("name", ["gather", "scatter", "scatter_add", "scatter_reduce", "scatter_value"])
def test_gather_and_scatter_refuse_indices_out_of_range(kernels, name):
    x = sample((3, 4), "float32")
    for bad, dim in ((5, 0), (3, 0), (-1, 0), (-2**63, 1), (2**63 - 1, 1), (4, 1)):
        index = np.zeros((3, 4), np.int64)
        index[2, 1] = bad
        message = f"index {bad} is out of bounds for dimension {dim} with size {x.shape[dim]}"
        if name == "gather":
            fails(kernels, RuntimeError, message, name, empty((3, 4), "float32"), x, index, attrs=[dim])
        else:
            operands = (index,) if name == "scatter_value" else (index, x + 1)
            fails(kernels, RuntimeError, message, name, x.copy(), *operands, attrs=[dim, 0, True])
    fails(kernels, RuntimeError, "index 0 is out of bounds for dimension 0 with size 0", "gather", empty((1, 1), "float32"),
          np.zeros((0, 3), np.float32), np.zeros((1, 1), np.int64), attrs=[0])


# ---- one vector of indices ------------------------------------------------------------------------------

VECTORS = [((5,), 3, 0), ((4, 6), 7, 0), ((4, 6), 7, 1), ((3, 4, 5), 6, 1), ((3, 4, 5), 0, -1), ((3, 0, 5), 2, 0), ((60, 90), 100, 0)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", MODES)
def test_vectors_of_indices(kernels, dtype, mode):
    for shape, n, dim in VECTORS:
        x, index = sample(shape, dtype), indices(n, shape[dim])
        sshape = tuple(n if d == dim % len(shape) else s for d, s in enumerate(shape))
        src = sample(sshape, dtype, 1)
        for y, to, where, source in zip(copies(x), copies(empty(sshape, dtype)), itertools.cycle(copies(index)), copies(src)):
            same(kernels("index_select", to, y, where, attrs=[dim], mode=mode), np.take(np.asarray(values(x)), index, dim))
            expected = np.moveaxis(np.array(values(x)), dim, 0)
            for i, row in zip(index, np.moveaxis(np.asarray(values(src)), dim, 0)):
                expected[i] = row
            expected = np.moveaxis(expected, 0, dim)
            same(kernels("index_copy", y, where, source, attrs=[dim], mode=mode), expected)
            wrapping = where - shape[dim] * (np.arange(n) % 2)
            np.moveaxis(expected, dim, 0)[index] = 1
            same(kernels("index_fill", y, wrapping, attrs=[dim, 1], mode=mode), expected)
            expected = np.array(values(x))
            with np.errstate(over="ignore"):
                np.add.at(np.moveaxis(expected, dim, 0), index, np.moveaxis(values(cast(np.asarray(values(src)) * 1, dtype)), dim, 0))
            y = next(copies(x))
            same(kernels("index_add", y, where, source, attrs=[dim, 1], mode=mode), expected)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
def test_index_add_scales(kernels, dtype):
    y, src = sample((4, 3), dtype), sample((5, 3), dtype, 1)
    index = np.array([0, 3, 3, 1, 0])
    expected = y.copy()
    np.add.at(expected, index, src * np.asarray(3, dtype))
    same(kernels("index_add", y, index, src, attrs=[0, 3]), expected)


def test_index_kernels_take_0d(kernels):
    x, zero = np.array(5.0), np.array(0)
    assert kernels("index_select", np.empty(()), x, zero, attrs=[0]) == 5
    assert kernels("index_select", np.empty((1,)), np.array([3.0, 4.0]), np.array(1), attrs=[0]) == [4]
    assert kernels("index_add", np.array(1.0), zero, x, attrs=[0, 2]) == 11
    assert kernels("index_fill", np.array(1.0), zero, attrs=[0, 2]) == 2
    assert kernels("index_copy", np.array(1.0), zero, x, attrs=[0]) == 5


def test_vectors_of_indices_out_of_range(kernels):
    x = sample((3, 4), "float32")
    for bad in (5, -1, -7):
        index = np.array([0, bad])
        fails(kernels, IndexError, "index out of range in self", "index_select", empty((2, 4), "float32"), x, index, attrs=[0])
        fails(kernels, RuntimeError, f"index {bad} is out of bounds for dimension 0 with size 3", "index_add", x, index, x[:2],
              attrs=[0, 1])
        fails(kernels, IndexError, "index out of range in self", "index_add", x[0], index, x[1, :2], attrs=[0, 1])
        fails(kernels, IndexError, f"index_copy_(): index {bad} is out of bounds for dimension 0 with size 3", "index_copy", x, index,
              x[:2], attrs=[0])
    for bad in (3, -4):
        fails(kernels, IndexError, f"index {bad} is out of bounds for dimension 0 with size 3", "index_fill", x, np.array([0, bad]),
              attrs=[0, 1])


def test_take_and_put(kernels):
    x = sample((3, 4, 2), "float64")
    index = indices((5, 3), 24, wrap=True)
    for source, where, y in itertools.product(copies(x), copies(index), copies(empty((5, 3), "float64"))):
        same(kernels("take", y, source, where), x.ravel()[index])
    src = sample((5, 3), "float64", 1)
    for accumulate in (False, True):
        expected = x.copy()
        for i, v in zip(index.ravel(), src.ravel()):
            expected.ravel()[i] = expected.ravel()[i] + v if accumulate else v
        for y, source in zip(copies(x), copies(src)):
            same(kernels("put", y, index, source, attrs=[accumulate]), expected)
    for bad in (24, -25):
        message = f"out of range: tried to access index {bad} on a tensor of 24 elements."
        fails(kernels, IndexError, message, "take", empty((2,), "float64"), x, np.array([0, bad]))
        fails(kernels, IndexError, message, "put", x, np.array([0, bad]), np.zeros(2), attrs=[False])
    fails(kernels, IndexError, "take(): tried to take from an empty tensor", "take", empty((1,), "float64"), np.zeros((0, 3)),
          np.array([0]))
    assert kernels("take", np.empty(0), np.zeros((0, 3)), np.zeros(0, np.int64)).size == 0


# ---- several index arrays -----------------------------------------------------------------------------------

ADVANCED = [((5,), [(3,)]), ((5, 4), [(3,)]), ((5, 4), [(3,), (3,)]), ((5, 4, 3), [(2, 3), (3,)]), ((5, 4, 3), [(2, 1), (1, 3), ()]),
            ((5, 4, 6), [()]), ((5, 4), [(0,)]), ((5, 0), [(3,)]), ((3, 70, 50), [(4,)]), ((6, 5), [(30, 40), (30, 40)])]


@pytest.mark.parametrize("dtype", SOME)
@pytest.mark.parametrize("mode", MODES)
def test_advanced_indexing(kernels, dtype, mode):
    for shape, ishapes in ADVANCED:
        raw = [indices(s, shape[d], d, wrap=True) for d, s in enumerate(ishapes)]
        index = [np.asarray(i) for i in np.broadcast_arrays(*raw)]
        x = sample(shape, dtype)
        plain = np.asarray(values(x))
        picked = np.asarray(plain[tuple(index)])
        for source in copies(x):
            for y in copies(empty(picked.shape, dtype)):
                same(kernels("index_get", y, source, *index, mode=mode), picked)
        new = sample(picked.shape, dtype, 1)
        rows = np.asarray(values(new))
        for accumulate in (False, True):
            expected = plain.copy()
            for i in np.ndindex(index[0].shape):
                at = tuple(int(j[i]) for j in index)
                expected[at] = plus(expected[at], rows[i], dtype) if accumulate else rows[i]
            for y, source in zip(copies(x), copies(new)):
                same(kernels("index_put", y, source, *index, attrs=[accumulate], mode=mode), expected)
            one = sample((), dtype, 2)
            y = kernels("index_put", x.copy(), np.broadcast_to(one, picked.shape, subok=True), *index, attrs=[accumulate])
            expected = plain.copy()
            for i in np.ndindex(index[0].shape):
                at = tuple(int(j[i]) for j in index)
                expected[at] = plus(expected[at], values(one), dtype) if accumulate else values(one)
            same(y, expected)


def test_advanced_indices_out_of_range(kernels):
    x = sample((3, 4), "float32")
    zero = np.array([0, 0])
    for bad in (5, 4, -5):
        message = f"index {bad} is out of bounds for dimension 1 with size 4"
        fails(kernels, IndexError, message, "index_get", empty((2,), "float32"), x, zero, np.array([1, bad]))
        fails(kernels, IndexError, message, "index_put", x, np.ones(2, np.float32), zero, np.array([1, bad]), attrs=[True])
    fails(kernels, IndexError, "index is out of bounds for dimension with size 0", "index_get", empty((1, 3), "float32"),
          np.zeros((0, 3), np.float32), np.array([0]))


# ---- masks ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", MODES)
def test_masks(kernels, dtype, mode):
    for shape in ((), (1,), (9,), (4, 6), (3, 5, 7), (0, 3), (90, 80), (700,)):
        x, mask = sample(shape, dtype), sample(shape, "bool", 5)
        plain = np.asarray(values(x))
        count = int(mask.sum())
        for source, where in itertools.product(copies(x), copies(mask)):
            for to in copies(empty((count,), dtype)):
                same(kernels("masked_select", to, source, where, mode=mode), plain[mask])
            new = sample((count + 2, 1), dtype, 7)
            expected = plain.copy()
            expected[mask] = np.asarray(values(new)).ravel()[:count]
            for y, taken in zip(copies(x), copies(new)):
                same(kernels("masked_scatter", y, where, taken), expected)


def test_masked_scatter_wants_enough(kernels):
    for short in (np.ones(3), np.ones(6)[::2]):
        fails(kernels, RuntimeError, "Number of elements of source < number of ones in mask", "masked_scatter", np.zeros((2, 2)),
              np.ones((2, 2), bool), short)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nonzero(kernels, dtype):
    for shape in ((9,), (700,), (4, 6), (3, 5, 7), (2, 600), (0, 3), (3, 0), (1, 1, 1)):
        x = cast(np.random.default_rng(2).integers(0, 2, shape), dtype)
        expected = np.argwhere(np.asarray(values(x)))
        for source in copies(x):
            for y in copies(empty(expected.shape, "int64")):
                same(kernels("nonzero", y, source), expected)
    minus_zero_and_nan = np.array([-0.0, np.nan, 0.0, 5e-324])
    assert kernels("nonzero", empty((2, 1), "int64"), minus_zero_and_nan).tolist() == [[1], [3]]


# ---- exhausted memory ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, operands, attrs", [
    ("scatter_reduce", [np.zeros(2), np.zeros(2, np.int64), np.ones(2)], [0, 4, True]),
    ("index_fill", [np.zeros(2), np.zeros(2, np.int64)], [0, 1]),
    ("take", [np.zeros(2), np.ones(3), np.zeros(2, np.int64)], []),
    ("put", [np.zeros(2), np.zeros(2, np.int64), np.ones(2)], [True]),
    ("index_get", [np.zeros(300), np.ones(3), np.zeros(300, np.int64)], []),
    ("index_put", [np.zeros(3), np.ones(300), np.zeros(300, np.int64)], [True]),
    ("masked_scatter", [np.zeros(2), np.ones(2, bool), np.ones(4)[::2]], [])])
def test_exhausted_memory_changes_nothing(kernels, name, operands, attrs):
    kernels.fail_scratch()
    with pytest.raises(MemoryError):
        kernels(name, *operands, attrs=attrs)
    assert (operands[0] == 0).all()


def test_dtype_names_agree():
    assert [dtype_of(cast(0, d)) for d in DTYPES] == DTYPES
