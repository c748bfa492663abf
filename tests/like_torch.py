"""Runs the same program with wengert and with torch and compares what a user can see."""

import re
import warnings

import numpy as np
import pytest

import wengert

torch = pytest.importorskip("torch")


def _seen(value):
    """``value`` as something comparable: tensors become arrays, the package's name becomes torch's."""
    if isinstance(value, (wengert.Tensor, torch.Tensor)):
        return np.asarray(value.detach().tolist()), str(value.dtype), tuple(value.shape)
    if isinstance(value, (list, tuple)):
        return [_seen(v) for v in value]
    if isinstance(value, dict):
        return {k: _seen(v) for k, v in value.items()}
    text = str(value).replace("wengert", "torch")
    return re.sub(r"0x[0-9a-f]+", "0x", text)


def outcome(program, lib):
    """What ``program(lib)`` returns or raises, and which warnings it gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = ("returned", _seen(program(lib)))
        except Exception as error:
            result = ("raised", type(error).__name__, _seen(error))
    return result, [(w.category.__name__, _seen(w.message)) for w in caught]


def _assert_equal(ours, theirs, tolerance):
    if isinstance(theirs, tuple) and len(theirs) == 3 and isinstance(theirs[0], np.ndarray):
        assert ours[1:] == theirs[1:]
        np.testing.assert_allclose(ours[0], theirs[0], rtol=tolerance, atol=tolerance)
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            _assert_equal(a, b, tolerance)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for key in theirs:
            _assert_equal(ours[key], theirs[key], tolerance)
    else:
        assert ours == theirs, f"ours: {ours}\ntorch: {theirs}"


def assert_same(program, tolerance=0.0):
    """``program(lib)`` gives the same with both libraries: value, dtype, shape, error and warnings."""
    ours, theirs = outcome(program, wengert), outcome(program, torch)
    assert ours[0][0] == theirs[0][0], (ours[0], theirs[0])
    _assert_equal(ours[0], theirs[0], tolerance)
    assert ours[1] == theirs[1], f"warnings\nours: {ours[1]}\ntorch: {theirs[1]}"


def array(*shape, seed=0, low=-3.0, high=3.0):
    """A float64 array with values spread over [low, high]."""
    return np.random.default_rng(seed).uniform(low, high, shape)


def filled(t, module, low=-3.0, high=3.0):
    """``module`` in double precision with the same arbitrary parameters in both libraries."""
    module = module.double()
    with t.no_grad():
        for i, p in enumerate(module.parameters()):
            p.copy_(t.tensor(array(*p.shape, seed=50 + i, low=low, high=high)))
    return module
