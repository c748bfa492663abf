"""Methods taken from a class and called on something else refuse it: they must not read foreign memory."""
import pytest

import wengert
from wengert import _core

pytestmark = pytest.mark.engine

CLASSES = [wengert.Tensor, wengert.Generator, _core.Node, _core.Op, _core.Program, wengert.dtype]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_methods_of_the_core_check_their_self(cls):
    tried = 0
    for name, value in list(vars(cls).items()):
        if name in ("__new__", "__init_subclass__", "__torch_function__", "_make_subclass", "__doc__", "__module__") or not callable(value):
            continue
        if type(value).__name__ not in ("method_descriptor", "wrapper_descriptor", "cython_function_or_method"):
            continue
        for stranger in ("x", 3, object()):
            try:
                value(stranger)
            except (TypeError, AttributeError, ValueError):
                tried += 1
    assert tried


def test_item_of_a_string():
    with pytest.raises(TypeError):
        wengert.Tensor.item("1")
    with pytest.raises(TypeError):
        wengert.Tensor.requires_grad_("mean", True)
