"""The same expression evaluated with wengert and with torch, and everything a user can see compared.

Rows that move elements must agree exactly: values, dtype, shape, strides, whether memory is shared; and for wrong
arguments the type of the error and its words.
"""
import math
import types

import numpy as np
import pytest

import wengert

torch = pytest.importorskip("torch")

#: ways to lay out a (3, 4) tensor of distinct elements
LAYOUTS = {
    "dense": lambda lib: lib.arange(12).view(3, 4),
    "columns": lambda lib: lib.arange(12).view(4, 3).t(),
    "gaps": lambda lib: lib.arange(48).view(6, 8)[::2, 1::2],
    "offset": lambda lib: lib.arange(20).view(5, 4)[1:4],
    "expanded": lambda lib: lib.arange(4).expand(3, 4),
}
DTYPES = ("float32", "float64", "int64", "uint8", "bool", "float16", "bfloat16")
#: where rows of nn.functional are found
FUNCTIONAL = {torch: torch.nn.functional, wengert: types.SimpleNamespace(**wengert.ops._public("functional"))}


def names(lib, **more):
    """What an expression may mention."""
    def long(*values):
        return lib.tensor(values, dtype=lib.int64)

    return {"torch": lib, "o": lib.ones, "z": lib.zeros, "L": lib.tensor, "I": long, "F": FUNCTIONAL[lib], **more}


def cases(text):
    """Expressions, separated by " | " and line ends."""
    return [case.strip() for line in text.strip().splitlines() for case in line.split(" | ")]


def leaves_of(value):
    return [leaf for item in value for leaf in leaves_of(item)] if isinstance(value, list) else [value]


def seen(value):
    """A result as something comparable."""
    if isinstance(value, (wengert.Tensor, torch.Tensor)):
        flat = [("nan" if isinstance(v, float) and math.isnan(v) else v) for v in leaves_of(value.detach().tolist())]
        stride = tuple(value.stride()) if value.numel() > 1 else None
        if stride:      # of a dimension of size 1 the stride says nothing
            stride = tuple(s if n > 1 else None for s, n in zip(stride, value.shape))
        return str(value.dtype).replace("wengert", "torch"), tuple(value.shape), stride, flat
    if isinstance(value, (list, tuple)):
        return [seen(v) for v in value]
    return value


def outcome(lib, run):
    """("returned", what) or ("raised", type, first line of the message)."""
    try:
        return "returned", seen(run(lib))
    except Exception as error:
        if isinstance(error, AttributeError):
            raise
        text = (str(error).splitlines() or [""])[0].replace("wengert", "torch")
        return "raised", type(error).__name__, text


def same(run):
    """Runs a function of the library with both and compares; returns the outcome."""
    ours, theirs = outcome(wengert, run), outcome(torch, run)
    assert ours == theirs
    return theirs


def same_value(text, **more):
    assert same(lambda lib: eval(text, names(lib, **{k: v(lib) for k, v in more.items()})))[0] == "returned"


def same_error(text, **more):
    assert same(lambda lib: eval(text, names(lib, **{k: v(lib) for k, v in more.items()})))[0] == "raised"


def random_arrays(shapes, seed=0):
    """Float64 arrays of these shapes; what is an array already is handed on as it is."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(s) if isinstance(s, tuple) else s for s in shapes]


def derivatives(lib, text, arrays):
    """Value, first and second derivatives of a cube of the expression's results, in directions drawn at random."""
    xs = [lib.tensor(a.tolist(), dtype=lib.float64 if a.dtype == np.float64 else lib.int64 if a.dtype == np.int64 else lib.bool)
          for a in arrays]
    leaves = [x.requires_grad_() for x, a in zip(xs, arrays) if a.dtype == np.float64]

    def like(t, *seed):
        return lib.tensor(np.random.default_rng(seed).standard_normal(tuple(t.shape)).tolist(), dtype=lib.float64).view(tuple(t.shape))

    def next_order(order, ys):
        """Derivatives of those that depend on the leaves still."""
        ys = [(y, like(y, order, k)) for k, y in enumerate(ys) if y is not None and y.requires_grad]
        return lib.autograd.grad([y for y, _ in ys], leaves, [d for _, d in ys], create_graph=True, allow_unused=True) if ys else []

    ys = eval(text, names(lib, **dict(zip("xyz", xs))))
    ys = list(ys) if isinstance(ys, (list, tuple)) else [ys]
    first = next_order(1, [y*y*y for y in ys])
    second = next_order(2, first)
    third = next_order(3, second)
    return [[None if t is None else np.array(t.tolist()).reshape(tuple(t.shape)) for t in order] for order in (ys, first, second, third)]


def same_derivatives(text, *shapes):
    """Three orders, against torch's; no gradient and a gradient of zeros are the same."""
    arrays = random_arrays(shapes)
    ours, theirs = derivatives(wengert, text, arrays), derivatives(torch, text, arrays)
    for order, (mine, other) in enumerate(zip(ours, theirs)):
        for k in range(max(len(mine), len(other))):
            a = mine[k] if k < len(mine) else None
            b = other[k] if k < len(other) else None
            if a is None or b is None:
                assert a is b or not np.any(a if b is None else b), f"derivative {order} of input {k}"
            else:
                np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12, err_msg=f"derivative {order} of input {k}")


def alive():
    """What the pool and the tape hold."""
    stats = wengert._core.memory_stats()
    return {key: stats[key] for key in ("live_storages", "live_bytes", "records", "leaves")}


def assert_nothing_kept(texts):
    """No expression, failing or not, leaves memory or records behind."""
    for text in texts:
        for layout in ("dense", "columns", "expanded"):
            before = alive()
            x = LAYOUTS[layout](wengert).double().requires_grad_()
            try:
                eval(text, names(wengert, x=x))
            except (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError):
                pass                                        # the error itself is compared elsewhere
            del x
            assert alive() == before, text
