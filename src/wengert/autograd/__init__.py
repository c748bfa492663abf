"""Reverse-mode differentiation: `backward`, `grad`, user-defined Functions, hooks."""
import sys as _sys

from .._core import Namespace as _Namespace
from .._core import Tensor, backward, grad
from .._core import _sweep_reaches_all_leaves as _is_checkpoint_valid  # noqa: F401
from ..grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled  # noqa: F401
from .._core import is_grad_enabled  # noqa: F401
from .function import Function
from . import graph

__all__ = ["Function", "Variable", "backward", "grad", "no_grad", "enable_grad", "set_grad_enabled", "inference_mode",
           "detect_anomaly", "set_detect_anomaly", "graph", "gradcheck", "gradgradcheck"]


class _VariableType(type):
    def __instancecheck__(cls, obj):
        return isinstance(obj, Tensor)

    def __call__(cls, data, requires_grad=False, volatile=None):
        t = data.detach()
        return t.requires_grad_() if requires_grad else t


class Variable(metaclass=_VariableType):
    """The old name of a tensor that requires grad: ``Variable(data)`` shares data's memory without its history."""


class set_multithreading_enabled:
    """Accepted: a sweep runs in the thread that begins it; large kernels use `set_num_threads` threads."""

    def __init__(self, mode):
        self.mode = mode

    def __enter__(self):
        pass

    def __exit__(self, *args):
        pass


from .anomaly_mode import detect_anomaly, set_detect_anomaly  # noqa: E402, F401
from .gradcheck import gradcheck, gradgradcheck  # noqa: E402


def __getattr__(name):
    if name in ("functional", "grad_mode", "profiler", "variable"):
        import importlib
        return importlib.import_module("." + name, __name__)
    if name == "forward_ad":
        from .._names import MissingName
        raise MissingName("wengert has no torch.autograd.forward_ad: torch.func.jvp computes the same products by two sweeps")
    raise AttributeError(f"module 'wengert.autograd' has no attribute '{name}'")


_sys.modules[__name__].__class__ = _Namespace
