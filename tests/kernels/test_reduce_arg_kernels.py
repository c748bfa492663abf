"""argmax, argmin, max and min along a dimension: values and first indices, NaN and ties as PyTorch has them."""
import itertools

import numpy as np
import pytest

from harness import DTYPES, MODES, Kernels, cast, empty, levels, strided, values

SOURCES = ("reduce_arg.c", "reduce_engine.c", "reduce_load.c", "reduce_plan.c")
FLOATS = ["float16", "bfloat16", "float32", "float64"]


@pytest.fixture(scope="module")
def kernels():
    return Kernels(*SOURCES)


def sample(shape, dtype, distinct=7, seed=0):
    """Few distinct values, so that there are ties."""
    rng = np.random.default_rng(seed)
    low = 0 if dtype in ("bool", "uint8") else -distinct
    return cast(np.asarray(rng.integers(low, 2 if dtype == "bool" else distinct, shape)), dtype)


def reduced(shape, dims):
    return tuple(1 if d in dims else s for d, s in enumerate(shape))


def expected(x, dims, name):
    """NumPy's argmax has the same rules: the first NaN, else the first extremum, row-major."""
    kept = [d for d in range(x.ndim) if d not in dims]
    flat = values(x).transpose(*kept, *dims).reshape(*[x.shape[d] for d in kept], -1)
    if flat.dtype == bool:
        flat = flat.astype(np.int8)
    index = getattr(np, "arg" + name)(flat, axis=-1)
    value = np.take_along_axis(flat, np.expand_dims(index, -1), -1)
    return index.reshape(reduced(x.shape, dims)), value.reshape(reduced(x.shape, dims))


def check(kernels, x, dims, name, mode="whole"):
    shape = reduced(x.shape, dims)
    dtype = "bfloat16" if type(x).__name__ == "BF16" else x.dtype.name
    index, value = expected(x, dims, name)
    out, of, found = empty(shape, "int64"), empty(shape, dtype), empty(shape, "int64")
    kernels("arg" + name, out, x, attrs=[list(dims)], mode=mode)
    kernels(name + "_dim", of, found, x, attrs=[list(dims)], mode=mode)
    assert (out == index).all() and (found == index).all()
    assert np.array_equal(values(of), value.astype(values(of).dtype), equal_nan=dtype in FLOATS)


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (9,), (3, 4), (40, 3), (3, 40), (2, 1, 30, 17), (100, 20)])
def test_every_dtype_shape_and_layout(kernels, name, dtype, shape):
    x = sample(shape, dtype)
    views = [x, strided(x), np.asfortranarray(x).view(type(x))] if x.ndim else [x]
    for view in views:
        for k in range(len(shape) + 1):
            for dims in itertools.combinations(range(len(shape)), k):
                check(kernels, view, dims, name)


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_first_nan_wins(kernels, name, dtype):
    for n in (1, 2, 5, 33, 64, 65, 200, 1024, 1030, 3000):
        for at in {0, n // 3, n - 1}:
            x = values(sample((n,), dtype)).astype(np.float64)
            x[at:] = np.where(np.arange(n - at) % 3 == 0, np.nan, np.inf)
            check(kernels, cast(x, dtype), (0,), name)
            check(kernels, cast(np.stack([x, x[::-1]], 1), dtype), (0,), name)


@pytest.mark.parametrize("name", ["max", "min"])
def test_infinities_and_signed_zeros(kernels, name):
    inf = np.inf
    for x in ([-inf, -inf], [inf, inf, 1], [0.0, -0.0], [-0.0, 0.0], [-inf, 5, inf]):
        check(kernels, np.array(x, np.float32), (0,), name)
        check(kernels, np.array(x, np.float64)[:, None].repeat(3, 1), (0,), name)


def test_integers_compare_exactly(kernels):
    x = np.array([2**62, 2**62 + 1, -(2**63), 2**63 - 1, 2**63 - 1], np.int64)
    for name in ("max", "min"):
        check(kernels, x, (0,), name)


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("shape, dims", [((200_001,), (0,)), ((2, 100_001), (1,)), ((70_001, 3), (0,)), ((300, 700), (0,)),
                                         ((3000, 5), (1,)), ((30, 40, 50), (0, 2))])
def test_large_and_however_the_work_is_cut(kernels, name, shape, dims):
    for dtype in ("float32", "float64", "int32"):
        for distinct in (3, 10**6):
            for mode in MODES:
                check(kernels, sample(shape, dtype, distinct), dims, name, mode)


def test_strides_of_outputs_are_free(kernels):
    x = sample((6, 5, 4), "float32", 1000)
    value, index = np.empty((1, 4, 5), np.float32).transpose(0, 2, 1), np.empty((1, 5, 8), np.int64)[:, :, ::2]
    kernels("max_dim", value, index, x, attrs=[[0]])
    assert (value == x.max(axis=0, keepdims=True)).all() and (index[0] == x.argmax(axis=0)).all()


def test_nothing(kernels):
    out = np.empty((0, 1), np.int64)
    kernels("argmax", out, np.empty((0, 3), np.float32), attrs=[[1]])
    with pytest.raises(IndexError):
        kernels("argmax", np.empty((3, 1), np.int64), np.empty((3, 0), np.float32), attrs=[[1]])


def test_every_level():
    for level in levels():
        for dtype in ("float32", "float64", "int64"):
            for shape, dims in (((1000, 9), (0,)), ((37, 1200), (1,)), ((5,), (0,))):
                check(Kernels(*SOURCES, level=level), sample(shape, dtype, 50), dims, "max")


def test_exhausted_memory_is_an_error(kernels):
    x = sample((300_000,), "float32")
    kernels.fail_scratch()
    with pytest.raises(MemoryError):
        kernels("argmax", np.empty(1, np.int64), x, attrs=[[0]])
