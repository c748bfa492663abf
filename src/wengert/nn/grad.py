"""Gradients of convolutions, from the gradient of the result."""
from .. import ops

__all__ = [f"conv{n}d_{of}" for n in (1, 2, 3) for of in ("input", "weight")]


def _checked(n, name, input_size, weight_size, grad_output, *options):
    """The sizes as lists, stride, padding and dilation as lists of n.

    Raises:
        RuntimeError: grad_output has not the shape of the convolution's result.
    """
    stride, padding, dilation = ([option] * n if isinstance(option, int) else list(option) for option in options)
    input_size, weight_size = list(input_size), list(weight_size)
    spatial = [(size + 2 * p - d * (k - 1) - 1) // s + 1
               for size, k, s, p, d in zip(input_size[-n:], weight_size[-n:], stride, padding, dilation)]
    expected = (*input_size[:-n - 1], weight_size[0], *spatial)
    if tuple(grad_output.shape) != expected:
        raise RuntimeError(f"{name}: expected grad_output of shape {expected}, that of the convolution of an input of shape {tuple(input_size)} with a "
                           f"weight of shape {tuple(weight_size)}, but got {tuple(grad_output.shape)}")
    return input_size, weight_size, stride, padding, dilation


def _gradients(n):
    def of_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
        size, _, *options = _checked(n, of_input.__name__, input_size, weight.shape, grad_output, stride, padding, dilation)
        return ops._conv_input(grad_output, weight, size, *options, groups)

    def of_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
        _, size, *options = _checked(n, of_weight.__name__, input.shape, weight_size, grad_output, stride, padding, dilation)
        return ops._conv_weight(input, grad_output, size, *options, groups)

    shapes = ("L", "H, W", "D, H, W")[n - 1]
    of_input.__name__, of_weight.__name__ = of_input.__qualname__, of_weight.__qualname__ = f"conv{n}d_input", f"conv{n}d_weight"
    of_input.__doc__, of_weight.__doc__ = (f"""The gradient of :func:`wengert.nn.functional.conv{n}d` with respect to its {of}.

    Shapes: input (N, C, {shapes}), weight (out, C / groups, ...), grad_output that of the result; ``{given}`` is the shape of the gradient.

    Raises:
        RuntimeError: shapes that do not belong together.
    """ for of, given in (("input", "input_size"), ("weight", "weight_size")))
    return of_input, of_weight


conv1d_input, conv1d_weight = _gradients(1)
conv2d_input, conv2d_weight = _gradients(2)
conv3d_input, conv3d_weight = _gradients(3)
