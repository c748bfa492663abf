"""User-defined operations with a backward of their own."""
from .. import _core
from .._core import FunctionCtx, Tensor
from ..grad_mode import no_grad

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class Function:
    """An operation whose derivative the user writes.

    Subclass it with static methods ``forward(ctx, *args)`` (or ``forward(*args)`` and ``setup_context(ctx, inputs, output)``)
    and ``backward(ctx, *grad_outputs)``, and call ``apply``.
    """

    def __init__(self, *args, **kwargs):
        raise RuntimeError(f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should invoke them "
                           "on the class itself. Instantiating an autograd function will raise an error in a future version of PyTorch.")

    @staticmethod
    def forward(*args, **kwargs):
        """Computes the outputs; not recorded."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Leaves for backward what it needs."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """Gradients of the inputs, one per argument of forward, from those of the outputs."""
        raise NotImplementedError("You must implement either the backward or vjp method for your custom autograd.Function to use it with "
                                  "backward mode AD.")

    @staticmethod
    def jvp(ctx, *grad_inputs):
        """Forward mode; not part of wengert."""
        raise NotImplementedError("You must implement the jvp function for custom autograd.Function to use it with forward mode AD.")

    _ctx_type = None
    apply = classmethod(_core._apply_function)


def _context_type(cls):
    """The type of a Function's contexts: named after it, with its attributes."""
    name = cls.__name__ + "Backward"
    cls._ctx_type = type(name, (FunctionCtx,), {"__module__": cls.__module__, "_forward_cls": cls, "_node_name": name.encode()})
    return cls._ctx_type


_core._set_function_parts(Function.setup_context, _context_type)


def once_differentiable(function):
    """Decorates a backward that computes with what cannot be differentiated again: its results raise if one tries."""
    import functools

    @functools.wraps(function)
    def wrapper(ctx, *args):
        with no_grad():
            outputs = function(ctx, *args)
        if not _core.is_grad_enabled() or not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            return outputs
        single = not isinstance(outputs, tuple)
        values = (outputs,) if single else outputs
        gates = [a for a in args if isinstance(a, Tensor) and a.requires_grad]
        values = tuple(_Refuse.apply(v, *gates) if isinstance(v, Tensor) else v for v in values)
        return values[0] if single else values
    return wrapper


class _Refuse(Function):
    """Passes a value through; its derivative raises."""

    @staticmethod
    def forward(ctx, value, *gates):
        return value.detach()

    @staticmethod
    def backward(ctx, g):
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
