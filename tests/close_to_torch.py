"""Expressions evaluated with wengert and with torch and compared up to rounding: values, gradients, second derivatives.

An expression names its tensors x, y, z, w. Values are compared with their dtypes and shapes, gradients both as the sweep's
kernels make them and as the formulas do that create_graph replays.
"""
import warnings

import numpy as np
from against_torch import names, outcome, torch

import wengert
import wengert.nn.functional

TOLERANCES = {"float64": (1e-10, 1e-12), "float32": (1e-5, 1e-6), "float16": (2e-3, 1e-3), "bfloat16": (2e-2, 1e-2)}
LETTERS = "xyzw"


def draw(*shapes, seed=0, low=-2.0, high=2.0):
    """Float64 arrays."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(low, high, s) for s in shapes]


def scope(lib, **more):
    return names(lib, **{"F": lib.nn.functional, "inf": float("inf"), "nan": float("nan"), **more})


def as_tensor(lib, a, dtype=None):
    """A tensor of an array, of integers and bools as they are; None stays."""
    if a is None:
        return None
    t = lib.tensor(a.tolist(), dtype=getattr(lib, {"float64": dtype or "float64"}.get(str(a.dtype), str(a.dtype))))
    return t.view(a.shape) if a.size else t.reshape(a.shape)


def assert_close(ours, theirs, what=""):
    """Of what ``outcome`` saw."""
    if isinstance(theirs, tuple) and len(theirs) == 4 and isinstance(theirs[3], list):
        assert ours[:2] == theirs[:2], what
        rtol, atol = TOLERANCES.get(theirs[0].removeprefix("torch."), (0, 0))
        a, b = (np.array([float(v) for v in t[3]]) for t in (ours, theirs))
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, err_msg=what)
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs), what
        for a, b in zip(ours, theirs):
            assert_close(a, b, what)
    else:
        assert ours == theirs, what


def close(text, *arrays, dtype=None, **more):
    """The expression has the same value, up to rounding, or fails with the same error. Returns torch's outcome."""
    def run(lib):
        tensors = {k: as_tensor(lib, a, dtype) for k, a in zip(LETTERS, arrays)}
        return eval(text, scope(lib, **tensors, **{k: v(lib) for k, v in more.items()}))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = outcome(wengert, run), outcome(torch, run)
    assert ours[0] == theirs[0], (text, ours, theirs)
    assert_close(ours, theirs, text)
    return theirs


def close_value(text, *arrays, **more):
    assert close(text, *arrays, **more)[0] == "returned"


def close_error(text, *arrays, **more):
    assert close(text, *arrays, **more)[0] == "raised"


def derivatives(lib, text, arrays, create_graph):
    """First derivatives in a drawn direction; with create_graph also those of the first, in others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return differentiate(lib, text, arrays, create_graph)


def differentiate(lib, text, arrays, create_graph):
    tensors = [as_tensor(lib, a) for a in arrays]
    leaves = [t.requires_grad_() for t, a in zip(tensors, arrays) if a is not None and a.dtype == np.float64]

    def like(t, *seed):
        return lib.tensor(np.random.default_rng(seed).standard_normal(tuple(t.shape)).tolist(), dtype=lib.float64).reshape(tuple(t.shape))

    out = eval(text, scope(lib, **dict(zip(LETTERS, tensors))))
    ys = [y for y in (out if isinstance(out, (list, tuple)) else [out]) if y.requires_grad]
    direction = [like(y, 1, k).requires_grad_() for k, y in enumerate(ys)]
    first = lib.autograd.grad(ys, leaves, direction, create_graph=create_graph, allow_unused=True)
    if not create_graph:
        return [list(first)]
    kept = [(k, g) for k, g in enumerate(first) if g is not None and g.requires_grad]
    if not kept:
        return [list(first), []]
    second = lib.autograd.grad([g for _, g in kept], leaves + direction, [like(g, 2, k) for k, g in kept], allow_unused=True)
    return [list(first), list(second)]


def compare(ours, theirs, text):
    """Lists of gradients; none and zeros are the same."""
    def values(ts, k):
        t = ts[k] if k < len(ts) else None
        if t is None or getattr(t, "_is_zerotensor", bool)():       # torch's zeros without memory
            return None
        return np.array(t.tolist()).reshape(tuple(t.shape))

    for order, (mine, other) in enumerate(zip(ours, theirs), 1):
        for k in range(max(len(mine), len(other))):
            a, b = values(mine, k), values(other, k)
            what = f"{text}: derivative {order}, input {k}"
            if a is None or b is None:
                assert a is b or not np.any(a if b is None else b), what
            else:
                assert a.shape == b.shape, what
                np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12, err_msg=what)


def close_derivatives(text, *arrays, orders=2):
    """First derivatives by kernels and by formulas, and, with orders=2, second ones."""
    theirs = derivatives(torch, text, arrays, orders == 2)
    compare(derivatives(wengert, text, arrays, False), theirs[:1], text + " (kernel)")
    compare(derivatives(wengert, text, arrays, True)[:orders], theirs, text)
