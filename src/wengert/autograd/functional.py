"""Products with the Jacobian and the Hessian of a function of tensors, and these matrices, by reverse mode alone.

A Jacobian-vector product J v comes of two sweeps: u -> J^T u is linear, and its own transposed product with v is J v.
"""
from .. import Tensor
from .. import stack as _stack
from .. import ones_like as _ones_like
from .. import zeros_like as _zeros_like
from ..grad_mode import enable_grad
from . import grad as _grad

__all__ = ["vjp", "jvp", "vhp", "hvp", "hessian", "jacobian"]


def _tuple(x, what, function):
    """(tuple of tensors, was it a tuple?)"""
    several = isinstance(x, tuple)
    for i, t in enumerate(x if several else (x,)):
        if not isinstance(t, Tensor):
            where = f"value at index {i} has" if several else f"given {what} has"
            raise TypeError(f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but the {where} type {type(t)}.")
    return (x if several else (x,)), several


def _ready(inputs, create_graph):
    """Inputs to differentiate with respect to: connected to what they were computed from if the caller wants the graph."""
    return tuple(t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_() for t in inputs)


def _done(tensors, several, create_graph):
    result = tensors if create_graph else tuple(t.detach() for t in tensors)
    return result if several else result[0]


def _check_vector(v, like, several):
    if len(v) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(v)}." if several
                           else "The given v should contain a single Tensor.")
    for i, (a, b) in enumerate(zip(v, like)):
        if a.shape != b.shape:
            raise RuntimeError(f"{f'Entry {i} in ' if several else ''}v has invalid size: should be {b.shape} but got {a.shape}.")


def _require_graph(outputs, strict):
    """In strict mode, outputs that come of nothing differentiable are refused."""
    if strict:
        for i, out in enumerate(outputs):
            if not out.requires_grad:
                raise RuntimeError(f"Output {i} of the user-provided function does not require gradients. The outputs must be computed in a "
                                   "differentiable manner from the input when running in strict mode.")


def _gradients(outputs, inputs, vectors, strict=False, create_graph=False, retain_graph=None, what="output"):
    """`grad`, with zeros where nothing depends; in strict mode an error there."""
    pairs = [(out, None if vectors is None else v) for out, v in zip(outputs, vectors or outputs) if out.requires_grad]
    found = _grad([out for out, _ in pairs], inputs, [v for _, v in pairs], retain_graph, create_graph, allow_unused=True) \
        if pairs else (None,) * len(inputs)
    if strict:
        for i, g in enumerate(found):
            if g is None:
                raise RuntimeError(f"The {what} of the user-provided function is independent of input {i}. This is not allowed in strict mode.")
            if create_graph and not g.requires_grad:
                raise RuntimeError(f"The jacobian of the user-provided function is independent of input {i}. This is not allowed in strict "
                                   "mode when create_graph=True.")
    return tuple(_zeros_like(t) if g is None else g for g, t in zip(found, inputs))


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """(outputs, v^T J) of a function of tensors.

    Args:
        inputs, v: a tensor or a tuple of them; v has the outputs' shapes, and may be left out for an output of one element.
        create_graph: results are differentiable.
        strict: raise where an output does not depend on an input, instead of zeros.

    Raises:
        RuntimeError: v has another shape; strict and independent.
    """
    with enable_grad():
        inputs, several = _tuple(inputs, "inputs", "vjp")
        inputs = _ready(inputs, create_graph)
        outputs, several_outputs = _tuple(func(*inputs), "outputs of the user-provided function", "vjp")
        _require_graph(outputs, strict)
        if v is None:
            if len(outputs) != 1 or outputs[0].numel() != 1:
                raise RuntimeError("The vector v can only be None if the user-provided function returns a single Tensor with a single "
                                   "element.")
        else:
            v, several_v = _tuple(v, "v", "vjp")
            _check_vector(v, outputs, several_v)
        products = _gradients(outputs, inputs, v, strict, create_graph)
    return _done(outputs, several_outputs, create_graph), _done(products, several, create_graph)


def _twice(outputs, inputs, v, strict, create_graph, what):
    """J v: the transposed product of u -> J^T u with v."""
    u = tuple(_zeros_like(out).requires_grad_() for out in outputs)
    backward = _gradients(outputs, inputs, u, strict, True, what=what)
    return _gradients(backward, u, v, False, create_graph)


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """(outputs, J v) of a function of tensors.

    Args:
        inputs, v: a tensor or a tuple of them; v has the inputs' shapes, and may be left out for an input of one element.
        create_graph, strict: as `vjp`.

    Raises:
        RuntimeError: v has another shape; strict and independent.
    """
    with enable_grad():
        inputs, _ = _tuple(inputs, "inputs", "jvp")
        inputs = _ready(inputs, create_graph)
        v = _direction(v, inputs, "jvp")
        outputs, several = _tuple(func(*inputs), "outputs of the user-provided function", "jvp")
        _require_graph(outputs, strict)
        products = _twice(outputs, inputs, v, strict, create_graph, "output")
    return _done(outputs, several, create_graph), _done(products, several, create_graph)


def _direction(v, inputs, function):
    if v is None:
        if len(inputs) != 1 or inputs[0].numel() != 1:
            raise RuntimeError("The vector v can only be None if the input to the user-provided function is a single Tensor with a single "
                               "element.")
        return (_ones_like(inputs[0]),)
    v, several = _tuple(v, "v", function)
    _check_vector(v, inputs, several)
    return v


def _scalar(func, inputs, name, strict):
    """The one element that a function with a Hessian returns."""
    outputs, several = _tuple(func(*inputs), "outputs of the user-provided function", name)
    _require_graph(outputs, strict)
    if several or len(outputs) != 1:
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {name} should contain a single element")
    return outputs[0]


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """(output, v^T H) of a function with one element as value; cheaper than `hvp`.

    Args:
        inputs, v, create_graph, strict: as `jvp`.
    """
    with enable_grad():
        inputs, several = _tuple(inputs, "inputs", "vhp")
        inputs = _ready(inputs, create_graph)
        v = _direction(v, inputs, "vhp")
        output = _scalar(func, inputs, "vhp", strict)
        gradient = _gradients((output,), inputs, None, strict, True)
        products = _gradients(gradient, inputs, v, strict, create_graph, what="jacobian")
    return _done((output,), False, create_graph), _done(products, several, create_graph)


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """(output, H v) of a function with one element as value.

    Args:
        inputs, v, create_graph, strict: as `jvp`.
    """
    with enable_grad():
        inputs, several = _tuple(inputs, "inputs", "hvp")
        inputs = _ready(inputs, create_graph)
        v = _direction(v, inputs, "hvp")
        output = _scalar(func, inputs, "hvp", strict)
        gradient = _gradients((output,), inputs, None, strict, True)
        products = _twice(gradient, inputs, v, strict, create_graph, "jacobian")
    return _done((output,), False, create_graph), _done(products, several, create_graph)


def rows_of_jacobian(out, inputs, create_graph, strict=False, retain_graph=False):
    """For each input the derivative of each element of ``out``: tensors of shape out.shape + input.shape.

    Args:
        retain_graph: other outputs share the graph and are still to come.
    """
    rows = []
    if out.requires_grad:
        flat = out.reshape(-1)
        last = flat.numel() - 1
        if strict:
            rows = [_gradients((flat[k],), inputs, None, strict, create_graph, create_graph or retain_graph or k < last)
                    for k in range(last + 1)]
        else:
            rows = [_grad(flat[k], inputs, None, create_graph or retain_graph or k < last, create_graph, True, True, False, True)
                    for k in range(last + 1)]
    shape = tuple(out.shape)
    return tuple(_stack([row[i] for row in rows]).reshape(shape + tuple(t.shape)) if rows else t.new_zeros(shape + tuple(t.shape))
                 for i, t in enumerate(inputs))


def _check_strategy(strategy):
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than '
                             'inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".')


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):
    """The Jacobian of a function of tensors, one sweep an element of the outputs.

    Args:
        inputs: a tensor or a tuple of them.
        create_graph, strict: as `vjp`.
        vectorize, strategy: accepted; rows are computed one by one by reverse mode.

    Returns:
        for one input and one output a tensor of shape output.shape + input.shape; a tuple over inputs, or over outputs, or
        of tuples, where the function has several.
    """
    _check_strategy(strategy)
    with enable_grad():
        inputs, several = _tuple(inputs, "inputs", "jacobian")
        inputs = _ready(inputs, create_graph)
        outputs, several_outputs = _tuple(func(*inputs), "outputs of the user-provided function", "jacobian")
        _require_graph(outputs, strict)
        rows = [_done(rows_of_jacobian(out, inputs, create_graph, strict, k < len(outputs) - 1), several, create_graph)
                for k, out in enumerate(outputs)]
    return tuple(rows) if several_outputs else rows[0]


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"):
    """The Hessian of a function with one element as value: the Jacobian of its gradient.

    Args, Returns:
        as `jacobian`: for several inputs a tuple of tuples.
    """
    _check_strategy(outer_jacobian_strategy)
    _, several = _tuple(inputs, "inputs", "hessian")

    def gradient(*xs):
        output = _scalar(func, xs, "hessian", strict)
        return _gradients((output,), xs, None, strict, True)

    rows = jacobian(gradient, inputs if several else (inputs,), create_graph, strict)
    return rows if several else rows[0][0]
