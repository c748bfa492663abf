"""Reverse-mode differentiation: `backward`, `grad`, user-defined Functions, hooks."""
from .. import _core
from .._core import Node, Tensor, _gradient_edge
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


def _as_tuple(x):
    if x is None:
        return ()
    if isinstance(x, Tensor):
        return (x,)
    return tuple(x)


def _cotangents(outputs, gradients):
    """One gradient per output, with the output's shape and dtype."""
    result = []
    for i, (out, g) in enumerate(zip(outputs, gradients)):
        if not out.requires_grad:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
        if g is None:
            if out.numel() != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
            if not out.dtype.is_floating_point:
                raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {out.dtype}")
            g = _core.full(out.shape, 1.0, out.dtype)
        else:
            if not isinstance(g, Tensor):
                raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
            if g.shape != out.shape:
                g = _fit(i, out, g)
            if g.dtype is not out.dtype:
                if not g.dtype.is_floating_point:
                    raise RuntimeError(f"Mismatch in dtype: grad_output[{i}] is {g.dtype} and output[{i}] is {out.dtype}: gradients are "
                                       "floating point")
                g = g.to(out.dtype)
        result.append(g)
    return result


def _fit(i, out, g):
    """A gradient that the output broadcasts to is summed down: each of its elements weighs a copy of the output."""
    small, large = tuple(out.shape), tuple(g.shape)
    if len(small) <= len(large) and all(a in (1, b) for a, b in zip(small[::-1], large[::-1])):
        return g.sum_to_size(small)
    raise RuntimeError(f"Mismatch in shape: grad_output[{i}] has a shape of {g.shape} and output[{i}] has a shape of {out.shape}.")


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None):
    """Accumulates the gradients of ``tensors`` into the ``.grad`` of leaves. See `Tensor.backward`.

    Args:
        tensors, grad_tensors: one tensor or several, and their cotangents (None for 1).

    Raises:
        RuntimeError: as `Tensor.backward`; also an empty ``inputs``.
    """
    if grad_variables is not None:
        grad_tensors = grad_variables if grad_tensors is None else grad_tensors
    if inputs is not None:
        inputs = _as_tuple(inputs)
        if not inputs:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        for i, t in enumerate(inputs):
            if not t.requires_grad:
                raise RuntimeError("One of the differentiated Tensors does not require grad")
    tensors = _as_tuple(tensors)
    grads = (None,) * len(tensors) if grad_tensors is None else _as_tuple(grad_tensors)
    if len(grads) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(grads)} gradients")
    if retain_graph is None:
        retain_graph = create_graph
    _core.run_backward(list(tensors), _cotangents(tensors, grads), retain_graph, create_graph, inputs, True)


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, only_inputs=True, allow_unused=None,
         is_grads_batched=False, materialize_grads=False):
    """Gradients of ``outputs`` with respect to ``inputs``, returned instead of accumulated.

    Args:
        outputs, grad_outputs: one tensor or several, and their cotangents (None for 1).
        allow_unused: give None for inputs that the outputs do not depend on, instead of raising.
        is_grads_batched: ``grad_outputs`` carry a leading batch dimension; so do the results.
        materialize_grads: zeros instead of None.

    Returns:
        a tuple of tensors, one per input.

    Raises:
        RuntimeError: an input is unused, does not require grad, or as `Tensor.backward`.
    """
    outputs, inputs = _as_tuple(outputs), _as_tuple(inputs)
    if not only_inputs:
        raise ValueError("only_inputs argument is deprecated and is ignored now (defaults to True): leave it out")
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False.")
    if retain_graph is None:
        retain_graph = create_graph
    grads = (None,) * len(outputs) if grad_outputs is None else _as_tuple(grad_outputs)
    if len(grads) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(grads)} gradients")
    for t in inputs:
        if not t.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    if is_grads_batched:
        return _batched_grad(outputs, inputs, grads, retain_graph, create_graph, allow_unused, materialize_grads)
    results = _core.run_backward(list(outputs), _cotangents(outputs, grads), retain_graph, create_graph, inputs, False)
    return _complete(inputs, results, allow_unused, materialize_grads)


def _complete(inputs, results, allow_unused, materialize_grads):
    for i, g in enumerate(results):
        if g is None:
            if materialize_grads:
                results[i] = _core.full(inputs[i].shape, 0.0, inputs[i].dtype)
            elif not allow_unused:
                raise RuntimeError(f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set allow_unused=True "
                                   "if this is the desired behavior.")
    return tuple(results)


def _batched_grad(outputs, inputs, grads, retain_graph, create_graph, allow_unused, materialize_grads):
    """One sweep per row of the cotangents, stacked."""
    from .. import stack
    if any(g is None for g in grads):
        raise RuntimeError("is_grads_batched=True needs explicit grad_outputs")
    n = grads[0].shape[0]
    rows = []
    for k in range(n):
        last = k == n - 1
        rows.append(grad(outputs, inputs, [g[k] for g in grads], retain_graph=retain_graph or not last, create_graph=create_graph,
                         allow_unused=allow_unused, materialize_grads=materialize_grads))
    return tuple(None if column[0] is None else stack(column) for column in zip(*rows))


class set_detect_anomaly:
    """Accepts False; anomaly detection is not part of wengert yet."""

    def __init__(self, mode, check_nan=True):
        if mode:
            raise NotImplementedError("anomaly detection is not supported yet: check tensors with isfinite() in hooks "
                                      "(tensor.register_hook)")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None


class detect_anomaly(set_detect_anomaly):
    """Raises: anomaly detection is not part of wengert yet."""

    def __init__(self, check_nan=True):
        super().__init__(True)


from .gradcheck import gradcheck, gradgradcheck  # noqa: E402


def __getattr__(name):
    if name in ("functional", "profiler"):
        import importlib
        return importlib.import_module(".functional", __name__) if name == "functional" else importlib.import_module("..profiler", __name__)
    raise AttributeError(f"module 'wengert.autograd' has no attribute '{name}'")
