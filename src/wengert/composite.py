"""Functions made of rows: they have no derivative of their own, the rows they call have."""
from . import _core, ops
from ._core import Tensor

__all__ = []
_methods = {}


def _public(function=None, *, method=True, name=None):
    """Marks a function as part of the torch namespace, and as a method unless told otherwise."""
    if function is None:
        return lambda f: _public(f, method=method, name=name)
    name = name or function.__name__
    __all__.append(name)
    globals()[name] = function
    if method:
        _methods[name] = function
    return function


@_public
def reshape(input, *shape):
    """The same elements in another shape; a view where one can show them, else a copy."""
    shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
    return ops._reshape(input, tuple(shape))


_methods["matmul"] = _core.matmul
_methods["__torch_function__"] = None
del _methods["__torch_function__"]
