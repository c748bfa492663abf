"""wengert: PyTorch's face on a flat tape. ``import wengert as torch`` and change nothing else."""
import sys as _sys

from ._version import __version__  # noqa: F401
from . import ops  # noqa: F401
from ._core import (Tensor, dtype, get_default_dtype, get_num_threads, is_grad_enabled, is_inference_mode_enabled, matmul,  # noqa: F401
                    promote_types, set_default_dtype, set_num_threads)
from ._core import Namespace as _Namespace
from ._core import dtype_by_name as _dtype_by_name
from .types import Size, contiguous_format, channels_last, device, finfo, iinfo, layout, memory_format, preserve_format, strided  # noqa: F401

for _name in ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"):
    globals()[_name] = _dtype_by_name(_name)
half, float, double, short, int, long = float16, float32, float64, int16, int32, int64  # noqa: F821, A001

for _name, _function in ops._public("torch").items():
    globals()[_name] = _function

from . import overrides  # noqa: E402, F401
from .overrides import _disabled_torch_function_impl  # noqa: E402, F401
from .creation import *  # noqa: E402, F401, F403
from .composite import *  # noqa: E402, F401, F403
from .random import *  # noqa: E402, F401, F403
from . import random  # noqa: E402, F401
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled  # noqa: E402, F401
from . import _tensor as _tensor_methods  # noqa: E402
from . import autograd  # noqa: E402, F401
from ._tensor_str import set_printoptions  # noqa: E402, F401
from .config import show_config  # noqa: E402, F401

_tensor_methods._install()
del _name, _function


#: Loaded when they are first asked for: a program that only differentiates pays neither their time nor their memory.
_LAZY = ("_C", "_dynamo", "accelerator", "amp", "backends", "compiler", "cpu", "cuda", "distributed", "distributions", "func", "functional", "futures",
         "fx", "hub", "jit", "linalg", "masked", "mps", "multiprocessing", "nn", "onnx", "optim", "profiler", "return_types", "serialization", "signal",
         "special", "testing", "torch_version", "utils", "version", "xpu")


def __getattr__(name):
    import importlib
    if name in _LAZY:
        return importlib.import_module("." + name, __package__)
    from ._names import find
    value = globals()[name] = find(name)
    return value


def __dir__():
    from ._names import names
    return sorted({*globals(), *_LAZY, *names()})


_sys.modules[__name__].__class__ = _Namespace
