"""Comparison of gradients with central differences."""
from .. import _core
from .._core import Tensor


class GradcheckError(RuntimeError):
    """Raised by `gradcheck` when a gradient is wrong."""


def _outputs(function, inputs):
    out = function(*inputs)
    out = (out,) if isinstance(out, Tensor) else tuple(out)
    return tuple(o for o in out if isinstance(o, Tensor) and o.dtype.is_floating_point)


def _double(inputs):
    """float32 inputs are checked in float64: differences of float32 say nothing."""
    f64 = _core.dtype_by_name("float64")
    result = []
    for t in inputs:
        if isinstance(t, Tensor) and t.requires_grad and t.dtype is not f64:
            t = t.detach().to(f64).requires_grad_()
        result.append(t)
    return tuple(result)


def numerical_jacobian(function, inputs, which, eps):
    """Central differences: rows are elements of the input, columns elements of each output."""
    x = inputs[which]
    columns = []
    data = x.detach()                                      # written in place: the function sees x itself move
    for index in [()] if data.dim() == 0 else [tuple(i) for i in _indices(data.shape)]:
        kept = data[index].item()
        data[index] = kept + eps
        up = [o.detach().clone() for o in _outputs(function, inputs)]
        data[index] = kept - eps
        down = [o.detach().clone() for o in _outputs(function, inputs)]
        data[index] = kept
        columns.append([((u - d) / (2 * eps)).reshape(-1).tolist() for u, d in zip(up, down)])
    return columns


def _indices(shape):
    import itertools
    return itertools.product(*(range(n) for n in shape))


def analytical_jacobian(function, inputs, which):
    """Rows of the Jacobian by reverse mode, in the layout of `numerical_jacobian`."""
    from . import grad
    x = inputs[which]
    result = None
    outputs = _outputs(function, inputs)
    per_output = []
    for o in outputs:
        rows = []
        for k in range(o.numel()):
            cotangent = _core.full((o.numel(),), 0.0, o.dtype)
            cotangent[k] = 1.0
            g = grad(o, x, cotangent.reshape(o.shape), retain_graph=True, allow_unused=True)[0] if o.requires_grad else None
            rows.append([0.0] * x.numel() if g is None else g.reshape(-1).tolist())
        per_output.append(rows)
    result = [[[rows[k][i] for k in range(len(rows))] for rows in per_output] for i in range(x.numel())]
    return result


def gradcheck(func, inputs, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True, nondet_tol=0.0, check_undefined_grad=True,
              check_grad_dtypes=False, check_batched_grad=False, check_batched_forward_grad=False, check_forward_ad=False,
              check_backward_ad=True, fast_mode=False, masked=None):
    """Compares the gradients of ``func`` with central differences, in float64.

    Args:
        inputs: a tensor or a tuple; those that require grad are checked, float32 ones in a float64 copy.
        eps: step of the differences. atol, rtol: tolerances.
        raise_exception: raise instead of returning False.

    Returns:
        True.

    Raises:
        GradcheckError: a gradient is wrong; the message names the worst element.
    """
    if check_forward_ad:
        raise NotImplementedError("forward-mode differentiation is not part of wengert")
    inputs = _double((inputs,) if isinstance(inputs, Tensor) else tuple(inputs))
    checked = [i for i, t in enumerate(inputs) if isinstance(t, Tensor) and t.requires_grad]
    if not checked:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of the them have requires_grad=True.")
    for i in checked:
        exact = analytical_jacobian(func, inputs, i)
        near = numerical_jacobian(func, inputs, i, eps)
        worst = None
        for a, row in enumerate(near):
            for o, values in enumerate(row):
                for k, n in enumerate(values):
                    e = exact[a][o][k]
                    error = abs(e - n) - (atol + rtol * abs(n))
                    if not error <= 0 and not (e != e and n != n) and e != n and (worst is None or error > worst[0] or error != error):
                        worst = (error, a, o, k, n, e)
        if worst is not None:
            if not raise_exception:
                return False
            raise GradcheckError(f"Jacobian mismatch for output {worst[2]} with respect to input {i}, at element {worst[3]} of the output and "
                                 f"{worst[1]} of the input:\nnumerical: {worst[4]}\nanalytical: {worst[5]}")
    return True


def gradgradcheck(func, inputs, grad_outputs=None, *, eps=1e-6, atol=1e-5, rtol=1e-3, gen_non_contig_grad_outputs=False,
                  raise_exception=True, nondet_tol=0.0, check_undefined_grad=True, check_grad_dtypes=False, check_batched_grad=False,
                  check_fwd_over_rev=False, check_rev_over_rev=True, fast_mode=False, masked=False):
    """`gradcheck` of the gradients themselves: second derivatives against central differences."""
    from . import grad
    inputs = _double((inputs,) if isinstance(inputs, Tensor) else tuple(inputs))
    outputs = _outputs(func, inputs)
    if grad_outputs is None:
        f64 = _core.dtype_by_name("float64")
        grad_outputs = []
        for o in outputs:
            g = _core.from_data([((7 * k + 3) % 11 - 5) / 4 for k in range(o.numel())], f64) if o.numel() else _core.empty((0,), f64)
            grad_outputs.append(g.reshape(o.shape).requires_grad_())
    grad_outputs = (grad_outputs,) if isinstance(grad_outputs, Tensor) else tuple(grad_outputs)
    count = len(grad_outputs)

    def first_order(*args):
        values, cotangents = args[:-count], args[-count:]
        wanted = [t for t in values if isinstance(t, Tensor) and t.requires_grad]
        results = grad(_outputs(func, values), wanted, cotangents, create_graph=True, allow_unused=True)
        return tuple(r for r in results if r is not None)

    return gradcheck(first_order, inputs + grad_outputs, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception)
