"""Modules that find some of their names when first asked for: the names that are there, the others, and those that change."""
import pickle
import types

import pytest
import wengert
from wengert._core import Namespace


@pytest.mark.parametrize("module", [wengert, wengert.autograd, wengert.nn, wengert.nn.utils], ids=lambda m: m.__name__)
def test_is_a_module(module):
    assert type(module) is Namespace and isinstance(module, types.ModuleType)
    assert repr(module).startswith(f"<module '{module.__name__}' from ")
    assert module.__dict__ is vars(module) and module.__name__ == vars(module)["__name__"]
    assert module.__class__ is Namespace
    with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'no_such_name'"):
        module.no_such_name
    assert getattr(module, "no_such_name", 3) == 3


def test_names_found_late():
    vars(wengert).pop("hann_window", None)
    found = wengert.hann_window
    assert vars(wengert)["hann_window"] is found and wengert.hann_window is found
    assert not hasattr(wengert, "fft")
    with pytest.raises(AttributeError, match="numpy.fft"):
        wengert.fft


def test_names_that_change(monkeypatch):
    def call(x):
        return wengert.cos(x)

    x = wengert.tensor(0.0)
    assert [float(call(x)) for _ in range(20)] == [1.0] * 20
    monkeypatch.setattr(wengert, "cos", lambda x: "mine")
    assert call(x) == "mine"
    monkeypatch.undo()
    assert float(call(x)) == 1.0
    monkeypatch.delattr(wengert, "cos")
    with pytest.raises(AttributeError, match="has no attribute 'cos'"):
        call(x)


def test_odd_names():
    assert not hasattr(wengert, "")
    with pytest.raises(TypeError):
        getattr(wengert, 3)
    assert pickle.loads(pickle.dumps(wengert.cos)) is wengert.cos
