"""Runs the same program over data sets and loaders of both libraries, for the tests of either kind of loading."""
import pytest

import wengert
import wengert.utils.data

torch = pytest.importorskip("torch")
LIBRARIES = (wengert, torch)


def plain(value):
    """Tensors as (dtype, values), containers by their type."""
    if isinstance(value, LIBRARIES[0].Tensor) or isinstance(value, LIBRARIES[1].Tensor):
        return str(value.dtype).split(".")[-1], tuple(value.shape), value.tolist()
    if isinstance(value, dict):
        return type(value).__name__, {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(v) for v in value]
    return value


def both(run):
    """The same outcome from both libraries; returns it."""
    results = []
    for lib in LIBRARIES:
        lib.manual_seed(7)
        try:
            results.append(("returned", plain(run(lib, lib.utils.data))))
        except (ValueError, TypeError, AssertionError, RuntimeError, NotImplementedError) as error:
            results.append(("raised", type(error).__name__, str(error)))
    assert results[0] == results[1]
    return results[0]


def pairs(lib, n=10):
    return lib.utils.data.TensorDataset(lib.arange(2.0 * n).view(n, 2), lib.arange(n))
