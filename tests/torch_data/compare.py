"""What both libraries returned, compared: values, dtypes, shapes, strides, derivatives."""
import numpy as np
import torch

import wengert

#: relative and absolute; one unit in the last place of the half types
TOLERANCES = {"float64": (1e-10, 1e-12), "float32": (2e-5, 2e-6), "float16": (1e-3, 1e-3), "bfloat16": (8e-3, 8e-3)}


class Difference(Exception):
    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def array(t):
    """Of either library's tensor, in a type that compares exactly."""
    t = t.detach()
    if isinstance(t, torch.Tensor):
        t = t.resolve_neg()
        if t.dtype == torch.bfloat16:
            t = t.float()
        return t.numpy()
    if t.dtype == wengert.bfloat16:
        t = t.float()
    return t.numpy()


def compare_values(ours, theirs, dtype, what, scale=1):
    a, b = array(ours), array(theirs)
    if dtype in TOLERANCES:
        rtol, atol = TOLERANCES[dtype]
        if dtype != "float64":                              # sums that cancel are as exact as their largest terms
            finite = np.abs(b[np.isfinite(b)]).astype(np.float64)
            atol *= max(1.0, float(finite.max()) if finite.size else 0.0)
        with np.errstate(all="ignore"):
            wrong = ~np.isclose(a.astype(np.float64), b.astype(np.float64), rtol*scale, atol*scale, equal_nan=True)
    else:
        wrong = a != b
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise Difference("value", f"{what}: {int(wrong.sum())} of {wrong.size} differ, at {where} ours {a[where]!r}, torch's {b[where]!r}")


def dense_stride(t):
    """Strides that mean something: those of dimensions with more than one element."""
    return tuple(s for s, n in zip(t.stride(), t.shape) if n > 1) if t.numel() else ()


def compare(ours, theirs, what="result", strides=True, values=True):
    if isinstance(theirs, torch.Tensor):
        if not isinstance(ours, wengert.Tensor):
            raise Difference("type", f"{what}: ours is {type(ours).__name__}")
        mine, other = str(ours.dtype).removeprefix("wengert.").removeprefix("torch."), str(theirs.dtype).removeprefix("torch.")
        if tuple(ours.shape) != tuple(theirs.shape):
            raise Difference("shape", f"{what}: ours {tuple(ours.shape)}, torch's {tuple(theirs.shape)}")
        if mine != other:
            raise Difference("dtype", f"{what}: ours {mine}, torch's {other}")
        if values:
            compare_values(ours, theirs, other, what)
        if ours.requires_grad != theirs.requires_grad:
            raise Difference("requires_grad", f"{what}: ours {ours.requires_grad}, torch's {theirs.requires_grad}")
        if strides and dense_stride(ours) != dense_stride(theirs):
            raise Difference("stride", f"{what}: ours {ours.stride()}, torch's {theirs.stride()} of shape {tuple(theirs.shape)}")
    elif isinstance(theirs, (list, tuple)):
        if not isinstance(ours, (list, tuple)) or len(ours) != len(theirs):
            raise Difference("type", f"{what}: ours {type(ours).__name__}, torch's {type(theirs).__name__} of {len(theirs)}")
        for k, (a, b) in enumerate(zip(ours, theirs)):
            compare(a, b, f"{what}[{k}]", strides, values)
    elif isinstance(theirs, float):
        if not (ours == theirs or (ours != ours and theirs != theirs) or abs(ours - theirs) <= 1e-10*abs(theirs)):
            raise Difference("value", f"{what}: ours {ours!r}, torch's {theirs!r}")
    elif isinstance(theirs, (int, bool, str, type(None))):
        if ours != theirs:
            raise Difference("value", f"{what}: ours {ours!r}, torch's {theirs!r}")


def leaves_of(tree, kind):
    if isinstance(tree, kind):
        return [tree]
    if isinstance(tree, (list, tuple)):
        return [leaf for item in tree for leaf in leaves_of(item, kind)]
    if isinstance(tree, dict):
        return [leaf for item in tree.values() for leaf in leaves_of(item, kind)]
    return []


def differentiate(lib, outputs, inputs, order):
    """Lists of first and (order 2) second derivatives."""
    def like(t, *seed):
        a = np.random.default_rng(seed).standard_normal(tuple(t.shape))
        return lib.tensor(a.reshape(-1).tolist(), dtype=t.dtype).reshape(tuple(t.shape))

    ys = [y for y in outputs if y.requires_grad]
    if not ys:
        return [], []
    direction = [like(y, 1, k).requires_grad_() for k, y in enumerate(ys)]
    first = list(lib.autograd.grad(ys, inputs, direction, create_graph=order == 2, allow_unused=True))
    kept = [(k, g) for k, g in enumerate(first) if g is not None and g.requires_grad]
    if order < 2 or not kept:
        return first, []
    return first, list(lib.autograd.grad([g for _, g in kept], [*inputs, *direction], [like(g, 2, k) for k, g in kept], allow_unused=True))


def compare_gradients(ours, theirs, kind):
    for k in range(max(len(ours), len(theirs))):
        a = ours[k] if k < len(ours) else None
        b = theirs[k] if k < len(theirs) else None
        if b is not None and b._is_zerotensor():
            b = torch.zeros(b.shape, dtype=b.dtype)
        if a is None or b is None:                          # none and zeros are the same
            if any(t is not None and np.any(np.abs(array(t)) > 1e-12) for t in (a, b)):
                raise Difference(kind, f"input {k}: one has none: {'ours' if a is None else 'torch'}")
            continue
        if tuple(a.shape) != tuple(b.shape):
            raise Difference(kind, f"input {k}: shape ours {tuple(a.shape)}, torch's {tuple(b.shape)}")
        try:
            compare_values(a, b, str(b.dtype).removeprefix("torch."), f"input {k}", 10 if b.dtype != torch.float64 else 1)
        except Difference as difference:
            raise Difference(kind, str(difference)) from None

def outcome(run, passed=()):
    """("returned", what) or ("raised", the exception); exceptions of the types ``passed`` are let through."""
    try:
        return "returned", run()
    except passed:
        raise
    except Exception as error:                              # every exception is an outcome to be compared
        return "raised", error


def first_line(error):
    return (str(error).splitlines() or [""])[0]
