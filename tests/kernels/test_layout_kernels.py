"""Kernels that move, cast and make elements, against NumPy; the numbers of arange and linspace against PyTorch's."""
import itertools

import numpy as np
import pytest

from harness import DTYPES, MODES, Kernels, bf16, cast, dtype_of, empty, levels, misaligned, strided, values

SOURCES = ("copy.c", "layout.c", "pad.c", "create.c")
FLOATS = ["float16", "bfloat16", "float32", "float64"]
INTS = ["uint8", "int8", "int16", "int32", "int64"]


@pytest.fixture(scope="module")
def kernels():
    return Kernels(*SOURCES)


def sample(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    if dtype in FLOATS:
        return cast(rng.standard_normal(shape) * 50, dtype)
    return np.asarray(rng.integers(0 if dtype == "uint8" else -100, 100, shape)).astype(dtype)


def same(got, expected):
    np.testing.assert_array_equal(values(got), values(expected), strict=True)


def layouts(x):
    yield x
    yield misaligned(x)
    if x.ndim:
        yield strided(x)
        yield strided(x, tuple(range(x.ndim)))
        yield x.T.copy().T


# ---- copy and fill --------------------------------------------------------------------------------

@pytest.mark.parametrize("from_", DTYPES)
@pytest.mark.parametrize("to", DTYPES)
def test_copy_casts(kernels, from_, to):
    for shape in ((), (1,), (7,), (65,), (3, 5), (0, 3), (2, 3, 4)):
        x = sample(shape, from_)
        if to == "uint8":
            x = cast(np.asarray(np.abs(values(x))), from_)
        for source, target in itertools.product(layouts(x), layouts(empty(shape, to))):
            kernels("copy", target, source)
            same(target, cast(values(x), to))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
def test_copy_any_layout(kernels, dtype, mode):
    rng = np.random.default_rng(1)
    for shape in ((40, 70), (5, 33, 17), (3, 1, 64, 9), (130, 2, 70)):
        x = sample(shape, dtype)
        for order in itertools.permutations(range(len(shape))):
            y = np.moveaxis(empty(tuple(shape[d] for d in order), dtype), range(len(shape)), order)
            source = x[tuple(slice(None, None, int(rng.choice([1, -1]))) for _ in shape)]
            kernels("copy", y, source, mode=mode)
            same(y, np.asarray(source))


def test_copy_broadcasts_and_accepts_itself(kernels):
    x = sample((5, 1), "float32")
    y = empty((3, 5, 300), "float32")
    kernels("copy", y, np.broadcast_to(x, y.shape))
    same(y, np.broadcast_to(x, y.shape).copy())
    kernels("copy", y, y)
    same(y, np.broadcast_to(x, y.shape).copy())


# PyTorch 2.13's results, vector loop and tail alike.
EXTREMES = [np.nan, np.inf, -np.inf, -1.5, 300.7, -300.2, 70000.3, 3e9, -3e9, 2.0**40 + 12345, 1e19, -1e19, 2.0**63]
LOW = -2**63
EXTREME_RESULTS = {
    "uint8": [0, 0, 0, 255, 44, 212, 112, 0, 0, 57, 0, 0, 0],
    "int8": [0, 0, 0, -1, 44, -44, 112, 0, 0, 0, 0, 0, 0],
    "int16": [0, 0, 0, -1, 300, -300, 4464, 0, 0, 0, 0, 0, 0],
    "int32": [-2**31] * 3 + [-1, 300, -300, 70000] + [-2**31] * 6,
    "int64": [LOW] * 3 + [-1, 300, -300, 70000, 3 * 10**9, -3 * 10**9, 2**40 + 12345, LOW, LOW, LOW]}


@pytest.mark.parametrize("dtype", EXTREME_RESULTS)
@pytest.mark.parametrize("level", levels())
def test_floats_that_integers_cannot_hold(dtype, level):
    x = np.array(EXTREMES * 9)
    y = empty(x.shape, dtype)
    Kernels(*SOURCES, level=level)("copy", y, x)
    assert y.tolist() == EXTREME_RESULTS[dtype] * 9
    one = empty((1,), dtype)
    for value, result in zip(EXTREMES, EXTREME_RESULTS[dtype]):
        Kernels(*SOURCES, level=level)("fill", one, attrs=[value])
        assert one[0] == result
    assert Kernels(*SOURCES, level=level)("copy", empty(x.shape, "bool"), x).all()


def test_every_half_survives_the_way_through_float32(kernels):
    bits = np.arange(65536, dtype=np.uint16)
    for half, wide in ((bits.view(np.float16), bits.view(np.float16).astype(np.float32)),
                       (bits.view(bf16(0.0).__class__), (bits.astype(np.uint32) << 16).view(np.float32))):
        y = kernels("copy", empty(bits.shape, "float32"), half)
        np.testing.assert_array_equal(y, wide)
        back = kernels("copy", empty(bits.shape, dtype_of(half)), y)
        np.testing.assert_array_equal(values(back), wide)


def test_rounding_to_half(kernels):
    x = np.random.default_rng(0).integers(0, 2**32, 200001, dtype=np.uint32).view(np.float32)
    with np.errstate(over="ignore"):
        same(kernels("copy", empty(x.shape, "float16"), x), x.astype(np.float16))
    same(kernels("copy", empty(x.shape, "bfloat16"), x), bf16(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_fill(kernels, dtype):
    for shape in ((), (1,), (1000,), (3, 40), (0,), (300, 300)):
        for value in (0, 1, 3, 2.5, True):
            for y in layouts(empty(shape, dtype)):
                kernels("fill", y, attrs=[value], mode="pieces")
                same(y, np.broadcast_to(cast(value, dtype), shape).view(type(y)))


# ---- layout ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", ["bool", "int16", "float32", "int64"])
def test_cat(kernels, dtype):
    for shapes, dim in ((((2, 3), (4, 3), (0, 3)), 0), (((2, 3), (2, 1), (2, 5)), 1), (((2, 3, 4), (2, 5, 4)), -2),
                        (((400, 300), (400, 500)), 1), (((3,),), 0)):
        parts = [sample(shape, dtype, i) for i, shape in enumerate(shapes)]
        expected = np.concatenate(parts, dim)
        for variants in zip(*(layouts(x) for x in parts)):
            for y in layouts(empty(expected.shape, dtype)):
                kernels("cat", y, *variants, attrs=[dim], mode="pieces")
                same(y, expected)


def test_cat_casts(kernels):
    x, z = sample((3, 2), "int32"), sample((3, 4), "float32")
    same(kernels("cat", empty((3, 6), "float64"), x, z, attrs=[1]), np.concatenate([x, z], 1).astype(np.float64))


@pytest.mark.parametrize("dtype", ["uint8", "bfloat16", "float32", "float64"])
def test_flip_and_roll(kernels, dtype):
    for shape in ((7,), (4, 6), (3, 4, 5), (0, 3), (1, 1)):
        x = sample(shape, dtype)
        for source in layouts(x):
            for k in range(len(shape) + 1):
                for dims in itertools.combinations(range(len(shape)), k):
                    y = kernels("flip", empty(shape, dtype), source, attrs=[[d - len(shape) for d in dims]])
                    same(y, np.flip(x, dims))
                    for shift in (0, 1, -2, 9, -40):
                        y = kernels("roll", empty(shape, dtype), source, attrs=[[shift + d for d in dims], dims])
                        same(y, np.roll(x, [shift + d for d in dims], dims))
    x = sample((5, 3), dtype)
    same(kernels("roll", empty((5, 3), dtype), x, attrs=[[1, 2], [0, 0]]), np.roll(x, 3, 0))


def test_flip_and_roll_of_a_scalar(kernels):
    x = np.array(3.0)
    assert kernels("flip", np.zeros(()), x, attrs=[[0]]) == 3 and kernels("roll", np.zeros(()), x, attrs=[[2], [0]]) == 3


@pytest.mark.parametrize("dtype", ["int8", "float16", "float32", "float64"])
def test_repeat(kernels, dtype):
    for shape, repeats in (((3,), (4,)), ((2, 3), (3, 2)), ((2, 3), (2, 1, 5)), ((), (3, 2)), ((2, 3), (1, 0)),
                           ((2, 1, 4), (1, 3, 1)), ((300,), (70, 1))):
        x = sample(shape, dtype)
        expected = np.tile(x, repeats)
        for source in layouts(x):
            for y in layouts(empty(expected.shape, dtype)):
                same(kernels("repeat", y, source, attrs=[repeats], mode="reversed"), expected)


@pytest.mark.parametrize("dtype", ["bool", "int16", "float32", "int64"])
@pytest.mark.parametrize("mode", MODES)
def test_triangles(kernels, dtype, mode):
    for shape in ((4, 4), (3, 7), (7, 3), (2, 3, 4, 5), (0, 3), (3, 0), (100, 130)):
        x = sample(shape, dtype)
        for diagonal in (0, 1, -1, 3, -3, 9, -9, 2**62, -2**63):
            near = int(np.clip(diagonal, -200, 200))
            for source, y in zip(layouts(x), layouts(empty(shape, dtype))):
                same(kernels("tril", y, source, attrs=[diagonal], mode=mode), np.tril(x, near))
                same(kernels("triu", y, source, attrs=[diagonal], mode=mode), np.triu(x, near))
        same(kernels("tril", x, x, attrs=[0]), np.tril(x))


# ---- pad ----------------------------------------------------------------------------------------------

PADS = [("constant", (7,), (2, 3)), ("constant", (4, 5), (1, 0, 0, 2)), ("constant", (4, 5), (-1, 2, 3, -2)),
        ("constant", (2, 3, 4), (1, 1)), ("constant", (3, 4), (-3, -2)), ("constant", (3, 4), ()),
        ("reflect", (6,), (2, 5)), ("reflect", (2, 3, 5), (4, 2)), ("reflect", (2, 4, 5), (1, 2, 3, 0)),
        ("edge", (2, 4, 5), (7, 9, 1, 0)), ("edge", (1, 2, 2, 3, 4), (2, 1, 0, 3, 1, 1)),
        ("wrap", (2, 4, 5), (5, 3, 4, 1)), ("wrap", (6,), (6, 6))]
PAD_MODES = {"constant": 0, "reflect": 1, "edge": 2, "wrap": 3}


def padded(x, mode, pads, value=0.0):
    widths = [(0, 0)] * x.ndim
    for i in range(len(pads) // 2):
        widths[x.ndim - 1 - i] = (pads[2 * i], pads[2 * i + 1])
    crop = tuple(slice(max(-lo, 0), n - max(-hi, 0)) for (lo, hi), n in zip(widths, x.shape))
    if any(n - max(-lo, 0) - max(-hi, 0) < 0 for (lo, hi), n in zip(widths, x.shape)):
        return np.full([max(n + lo + hi, 0) for (lo, hi), n in zip(widths, x.shape)], value, x.dtype)
    wide = [(max(lo, 0), max(hi, 0)) for lo, hi in widths]
    return np.pad(x[crop], wide, mode, **({"constant_values": value} if mode == "constant" else {}))


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
def test_pad(kernels, dtype, mode):
    for kind, shape, pads in PADS:
        x = sample(shape, dtype)
        expected = padded(x, kind, pads, 3)
        if not expected.size:
            continue
        for source in layouts(x):
            for y in layouts(empty(expected.shape, dtype)):
                same(kernels("pad", y, source, attrs=[PAD_MODES[kind], pads, 3], mode=mode), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
def test_pad_vjp_is_the_adjoint(kernels, dtype, mode):
    for kind, shape, pads in PADS:
        positions = np.arange(1, np.prod(shape) + 1).reshape(shape)
        shown = padded(positions, kind, pads)
        g = np.random.default_rng(0).integers(-9, 9, shown.shape).astype(dtype)      # sums of integers are exact
        expected = np.bincount(shown.ravel(), g.ravel(), positions.size + 1)[1:].reshape(shape).astype(dtype)
        for source in layouts(g):
            for gx in layouts(empty(shape, dtype)):
                same(kernels("pad_vjp", gx, source, attrs=[PAD_MODES[kind], pads], mode=mode), expected)


# ---- accumulate: adds into views that overlap themselves ---------------------------------------------------

@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "bool"])
def test_accumulate(kernels, dtype):
    room = cast(np.arange(12) % 5, dtype)
    windows = np.lib.stride_tricks.as_strided(room, (4, 5), (2 * room.itemsize, room.itemsize), subok=True)
    expected = values(room).copy()
    g = cast(np.arange(20).reshape(4, 5) % 7, dtype)
    for i, j in itertools.product(range(4), range(5)):
        expected[2 * i + j] += values(g)[i, j]
    kernels("accumulate", windows, g)
    np.testing.assert_array_equal(values(room), expected)
    total = cast(np.zeros(()), dtype)
    kernels("accumulate", np.broadcast_to(total, (4, 5), subok=True), strided(g))
    assert values(total) == values(g).sum()


def test_accumulate_of_bools_is_or(kernels):
    y = np.array([True, False, False])
    assert kernels("accumulate", y, np.array([True, True, False])).tolist() == [True, True, False]


# ---- creation --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("dtype", FLOATS + INTS)
def test_arange_and_linspace_have_pytorchs_bits(dtype, level):
    torch = pytest.importorskip("torch")
    kernels = Kernels(*SOURCES, level=level)
    ranges = ((0.13, 7.77), (0, 1), (-5, 5), (3, 200)) if dtype in FLOATS else ((0, 7), (3, 100), (5, 5), (90, 2))
    for n, (start, end) in itertools.product((1, 2, 3, 7, 20, 31, 32, 40, 64, 100, 1001), ranges):
        for y in (empty((n,), dtype), strided(empty((n,), dtype))):
            kernels("linspace", y, attrs=[start, end])
            expected = torch.linspace(start, end, n, dtype=getattr(torch, dtype)).to(torch.float64).numpy()
            np.testing.assert_array_equal(values(y).astype(np.float64), expected)
        step = (end - start) / n if dtype in FLOATS else max(1, (end - start) // n)
        if end <= start:
            continue
        expected = torch.arange(start, end, step, dtype=getattr(torch, dtype)).to(torch.float64).numpy()
        y = empty(expected.shape, dtype)
        kernels("arange", y, attrs=[start, step])
        np.testing.assert_array_equal(values(y).astype(np.float64), expected)


def test_creation_edges(kernels):
    assert kernels("arange", np.empty(0), attrs=[0, 1]).size == 0
    assert kernels("linspace", np.empty(0, np.int64), attrs=[0, 1]).size == 0
    assert kernels("linspace", np.empty(1, np.float32), attrs=[3, 9]).tolist() == [3]
    assert kernels("arange", np.empty(3, np.int64), attrs=[2**63 - 3, 1]).tolist() == [2**63 - 3, 2**63 - 2, 2**63 - 1]
    assert kernels("arange", np.empty(3, np.int64), attrs=[2.9, -2.2]).tolist() == [2, 0, -2]


def test_one_hot(kernels):
    index = np.array([[0, 3, 1], [2, 2, 0]])
    for source in layouts(index):
        for y in layouts(empty((2, 3, 4), "int64")):
            same(kernels("one_hot", y, source), np.eye(4, dtype=np.int64)[index])
    assert kernels("one_hot", empty((3,), "int64"), np.array(1)).tolist() == [0, 1, 0]
    y = empty((1, 3), "int64")
    with pytest.raises(RuntimeError, match="^Class values must be non-negative.$"):
        kernels("one_hot", y, np.array([-1]))
    with pytest.raises(RuntimeError, match="^Class values must be smaller than num_classes.$"):
        kernels("one_hot", y, np.array([3]))
    assert (y == 77).all()


def test_exhausted_memory_is_reported(kernels):
    kernels.fail_scratch()
    with pytest.raises(MemoryError):
        kernels("pad", np.zeros(9), np.zeros(5), attrs=[1, (2, 2), 0])
