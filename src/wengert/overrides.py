"""__torch_function__: how subclasses of Tensor, and other types, take over functions of this package."""
import contextlib
from _thread import _local

from . import _core
from ._core import Tensor

__all__ = ["handle_torch_function", "has_torch_function", "is_tensor_like", "is_tensor_method_or_property", "wrap_torch_function",
           "TorchFunctionMode", "get_default_nowrap_functions"]


def _disabled_torch_function_impl(func, types, args=(), kwargs=None):
    """The ``__torch_function__`` of subclasses that behave as plain tensors (Parameter)."""
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


def _default(cls, func, types, args=(), kwargs=None):
    """Runs ``func`` on plain tensors and returns results as instances of the subclass."""
    if not all(issubclass(cls, t) for t in types):
        return NotImplemented
    return _convert(_call(func, args, kwargs or {}), cls)


def _call(func, args, kwargs):
    if isinstance(func, _core.Op):
        return _core._call_plain(func, args, kwargs)
    with DisableTorchFunctionSubclass():
        return func(*args, **kwargs)


def _convert(result, cls):
    if cls is Tensor:
        return result
    if isinstance(result, Tensor) and not isinstance(result, cls):
        return _core._as_subclass(result, cls)
    if isinstance(result, (tuple, list)):
        return type(result)([_convert(r, cls) for r in result])
    return result


class DisableTorchFunctionSubclass:
    """Inside, subclasses are plain tensors."""

    def __enter__(self):
        self.before = _core._set_subclasses_plain(True)

    def __exit__(self, *exc):
        _core._set_subclasses_plain(self.before)


def _overloaded(args, kwargs):
    """The arguments whose types override, subclasses before their bases, else from left to right."""
    found, types = [], []

    def look(value):
        kind = type(value)
        if isinstance(value, (list, tuple)):
            for v in value:
                look(v)
            return
        own = getattr(kind, "__torch_function__", None)
        if own is None or kind is Tensor or own is _disabled_torch_function_impl or kind in types:
            return
        at = next((i for i, t in enumerate(types) if issubclass(kind, t)), len(types))
        types.insert(at, kind)
        found.insert(at, value)

    for value in (*args, *kwargs.values()):
        look(value)
    return found, types


class _Modes(_local):
    """The function modes of a thread, innermost last."""

    def __init__(self):
        self.on = []


_modes = _Modes()


class TorchFunctionMode:
    """A context manager whose ``__torch_function__`` sees every call of a function of this package."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        raise NotImplementedError

    def __enter__(self):
        _modes.on.append(self)
        _core._set_function_mode(True)
        return self

    def __exit__(self, *exc):
        if self not in _modes.on:
            raise RuntimeError("a function mode must be left in the thread that entered it")
        _modes.on.remove(self)
        _core._set_function_mode(bool(_modes.on))


def _handle(func, args, kwargs):
    """Called by the core when an argument overrides, or a mode is on."""
    found, types = _overloaded(args, kwargs)
    modes = _modes.on
    if modes:
        mode = modes.pop()
        _core._set_function_mode(bool(modes))
        try:
            return mode.__torch_function__(func, tuple(types), args, kwargs)
        finally:
            modes.append(mode)
            _core._set_function_mode(True)
    for value in found:
        result = type(value).__torch_function__(func, tuple(types), args, kwargs)
        if result is not NotImplemented:
            return result
    if not found:
        return _call(func, args, kwargs)
    raise TypeError(f"no implementation found for '{getattr(func, '__name__', func)}' on types that implement __torch_function__: {types}")


_core._set_override_handler(_handle)


def handle_torch_function(public_api, relevant_args, *args, **kwargs):
    """Calls the override of the first argument that has one."""
    return _handle(public_api, args, kwargs)


def has_torch_function(relevant_args):
    """Does one of these arguments override?"""
    return bool(_modes.on) or bool(_overloaded(tuple(relevant_args), {})[0])


def has_torch_function_unary(arg):
    """Does this argument override?"""
    return has_torch_function((arg,))


def has_torch_function_variadic(*args):
    """`has_torch_function` of its arguments."""
    return has_torch_function(args)


def is_tensor_like(inp):
    """Is it a tensor, or of a type with ``__torch_function__``?"""
    return type(inp) is Tensor or hasattr(inp, "__torch_function__")


def is_tensor_method_or_property(func):
    """Is it one of Tensor's?"""
    return any(value is func for value in vars(Tensor).values())


def get_default_nowrap_functions():
    """Functions whose results are never turned into the subclass: none here need it."""
    return set()


def wrap_torch_function(dispatcher):
    """Decorates a function so that arguments named by ``dispatcher`` may override it."""
    import functools

    def inner(func):
        @functools.wraps(func)
        def wrapped(*args, **kwargs):
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return func(*args, **kwargs)
        return wrapped
    return inner


@classmethod
def _init_subclass(cls, **kwargs):
    """Registers subclasses that behave as plain tensors, and gives all of them the fast number slots."""
    super(Tensor, cls).__init_subclass__(**kwargs)
    if getattr(cls.__torch_function__, "__func__", cls.__torch_function__) is _disabled_torch_function_impl:
        _core._register_plain_type(cls)


_core._add_method("__torch_function__", classmethod(_default))
_core._add_method("__init_subclass__", _init_subclass)


@contextlib.contextmanager
def enable_reentrant_dispatch():
    """Nothing to enable."""
    yield
