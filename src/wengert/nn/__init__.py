"""Layers, losses and what holds them: PyTorch's ``torch.nn`` over this package's tensors."""

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
