"""Where composites register their names."""
from .. import _core
from .._core import with_out

functions, methods = {}, {}


def public(function=None, *, method=True, torch=True, name=None, aliases=(), out=False, inplace=False):
    """Makes a function part of the torch namespace and a method of Tensor, unless told otherwise.

    Args:
        out: the function takes out= too. inplace: there is a method of that name with "_", which writes the result into its
            tensor.
    """
    if function is None:
        return lambda f: public(f, method=method, torch=torch, name=name, aliases=aliases, out=out, inplace=inplace)
    called = with_out(function) if out else function
    for alias in (name or function.__name__, *aliases):
        if torch:
            functions[alias] = called
        if method:
            methods[alias] = function
        if inplace:
            methods[alias + "_"] = in_place(function, alias + "_")
    return called


def in_place(function, name):
    """The method that writes the function's result into its first argument."""
    def method(self, *args, **kwargs):
        # The original is overwritten below; what the function saves of it for a gradient must not be.
        mine = self.clone() if self.requires_grad and _core.is_grad_enabled() else self
        result = function(mine, *args, **kwargs)
        if result.shape != self.shape:
            raise RuntimeError(f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(result.shape)}")
        _core._check_in_place_type(self.dtype, result.dtype)
        return self.copy_(result)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"`{function.__name__}`, written into the tensor."
    return method
