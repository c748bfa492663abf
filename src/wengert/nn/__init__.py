"""Layers, losses and what holds them: PyTorch's ``torch.nn`` over this package's tensors."""

import sys as _sys

from .._core import Namespace as _Namespace
from . import functional, init, modules, parameter, utils
from .modules import *
from .modules import __all__ as _modules_all
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "functional",
    "init",
    "modules",
    "parameter",
    "utils",
    *_modules_all,
]


def __getattr__(name):
    if name in ("attention", "common_types", "grad"):
        from importlib import import_module
        return import_module("." + name, __name__)
    if name in ("parallel", "DataParallel"):
        from importlib import import_module
        parallel = import_module(".parallel", __name__)
        return parallel if name == "parallel" else parallel.DataParallel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_sys.modules[__name__].__class__ = _Namespace
