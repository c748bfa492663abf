"""What the tests of distributions share: the same text run by both libraries, and compared."""
import warnings

import numpy as np
from against_torch import torch

import wengert
import wengert.distributions

LIBRARIES = (wengert, torch)


def plain(value):
    """Tensors as (dtype, shape, values), inside containers; sizes as tuples."""
    if isinstance(value, (wengert.Tensor, torch.Tensor)):
        return str(value.dtype).split(".")[-1], tuple(value.shape), value.detach().double().numpy()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def compare(a, b, rtol):
    if isinstance(b, list):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            compare(x, y, rtol)
    elif isinstance(b, tuple):
        assert a[:2] == b[:2]
        np.testing.assert_allclose(a[2], b[2], rtol=rtol, atol=rtol)
    else:
        assert a == b


def both(run, rtol=1e-10, words=True):
    """The same from both libraries; returns torch's outcome."""
    results = []
    for lib in LIBRARIES:
        lib.manual_seed(5)
        with warnings.catch_warnings():
            warnings.simplefilter("error" if lib is wengert else "ignore")
            try:
                results.append(("returned", plain(run(lib))))
            except (ValueError, RuntimeError, NotImplementedError, TypeError) as error:
                results.append(("raised", type(error).__name__, str(error).replace("torch.", "").replace("wengert.", "")))
    ours, theirs = results
    assert ours[0] == theirs[0], results
    if theirs[0] == "returned":
        compare(ours[1], theirs[1], rtol)
    else:
        assert ours[:3 if words else 2] == theirs[:3 if words else 2]
    return theirs


def scope(lib, dtype="float64", grad=False):
    def T(*values):
        """A leaf with these values."""
        t = lib.tensor(values[0] if len(values) == 1 else list(values), dtype=getattr(lib, dtype))
        leaves.append(t.requires_grad_(grad))
        return t
    leaves = []
    return {"t": lib, "d": lib.distributions, "T": T, "leaves": leaves, **{n: getattr(lib.distributions, n) for n in wengert.distributions.__all__}}


def differentiate(lib, s, value):
    """Gradients of a weighted sum with respect to the leaves that it depends on, zeros elsewhere."""
    leaves = [leaf for leaf in s["leaves"] if leaf.requires_grad]
    weights = lib.arange(1, value.numel() + 1, dtype=value.dtype).view(value.shape)
    found = lib.autograd.grad((value * weights).sum(), leaves, allow_unused=True)
    return [lib.zeros_like(leaf) if g is None else g for g, leaf in zip(found, leaves)]
