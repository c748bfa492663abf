"""torch.jit without a compiler: what scripts a function returns it, what would need a program as data raises."""

__all__ = ["script", "script_method", "script_if_tracing", "trace", "trace_module", "ignore", "unused", "export", "interface", "is_scripting",
           "is_tracing", "annotate", "isinstance", "freeze", "optimize_for_inference", "fork", "wait", "save", "load", "Final", "Attribute",
           "ScriptModule", "ScriptFunction"]

from typing import Final
from ..futures import Future
from ..nn import Module as ScriptModule  # noqa: F401

ScriptFunction = type(lambda: None)


def script(obj, optimize=None, _frames_up=0, _rcb=None, example_inputs=None):
    """The function, module or class unchanged: it runs as the Python that it is."""
    return obj


def script_method(fn):
    """The method unchanged."""
    return fn


script_if_tracing = interface = export = script_method


def trace(func, example_inputs=None, optimize=None, check_trace=True, *args, **kwargs):
    """The function or module unchanged.

    PyTorch's trace keeps the branches that the example takes; here later calls branch on their own values, which is the
    same for every program that may be traced.
    """
    return func


def trace_module(mod, inputs, *args, **kwargs):
    """The module unchanged."""
    return mod


def ignore(drop=False, **kwargs):
    """A decorator that returns the function unchanged; ``@ignore`` without parentheses too."""
    return drop if callable(drop) else lambda fn: fn


def unused(fn):
    """The function unchanged. (PyTorch's scripted module would refuse to run it; here nothing is scripted.)"""
    return fn


def is_scripting():
    """False."""
    return False


is_tracing = is_scripting


def annotate(the_type, the_value):
    """The value."""
    return the_value


def isinstance(obj, target_type):
    """Python's isinstance, of the type or its origin (``List[int]``: list)."""
    import builtins
    import typing
    kinds = target_type if builtins.isinstance(target_type, tuple) else (target_type,)
    return builtins.isinstance(obj, tuple(typing.get_origin(k) or k for k in kinds))


def freeze(mod, preserved_attrs=None, optimize_numerics=True):
    """The module unchanged.

    Raises:
        RuntimeError: it is in training mode.
    """
    if mod.training:
        raise RuntimeError("Freezing is currently only implemented for modules in eval mode. Please call .eval() on your module before "
                           "freezing.")
    return mod


def optimize_for_inference(mod, other_methods=None):
    """The module unchanged."""
    return mod


class Attribute:
    """A value with its type."""

    def __init__(self, value, type):
        self.value, self.type = value, type


def fork(func, *args, **kwargs):
    """Runs the function at once; `wait` hands out its result."""
    future = Future()
    future.set_result(func(*args, **kwargs))
    return future


def wait(future):
    """The result of what `fork` ran."""
    return future.wait()


def save(m, f, _extra_files=None):
    """Raises: there is no program to save."""
    raise NotImplementedError("wengert has no TorchScript files: save the parameters with torch.save(module.state_dict(), path)")


def load(f, map_location=None, _extra_files=None, _restore_shapes=False):
    """Raises: TorchScript files hold programs."""
    raise NotImplementedError("wengert runs no TorchScript files: build the module in Python and load its state_dict")
