"""Convolutions as functions, and the windows that they are made of."""

from .. import ops
from ..nn._sparse import pad as _pad


def _string_padding(n, input, weight, stride, padding, dilation):
    """Input and padding that 'valid' or 'same' stand for."""
    if padding == "valid":
        return input, 0
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    strides = (stride,) * n if isinstance(stride, int) else tuple(stride)
    if any(s != 1 for s in strides):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    dilations = (dilation,) * n if isinstance(dilation, int) else tuple(dilation) * (n if len(tuple(dilation)) == 1 else 1)
    totals = [d * (k - 1) for d, k in zip(dilations, weight.size()[2:])]
    if any(total % 2 for total in totals):              # one more zero behind than before
        input = _pad(input, [p for total in reversed(totals) for p in (0, total % 2)])
    return input, [total // 2 for total in totals]


def _convolution(n):
    row = getattr(ops, f"conv{n}d")

    def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        if isinstance(padding, str):
            input, padding = _string_padding(n, input, weight, stride, padding, dilation)
        return row(input, weight, bias, stride, padding, dilation, groups)

    sizes = ("L", "H, W", "D, H, W")[n - 1]
    conv.__name__ = conv.__qualname__ = f"conv{n}d"
    conv.__doc__ = f"""Correlates ``input`` with ``weight``.

    Shapes: input (N, C, {sizes}) or (C, {sizes}), weight (out, C / groups, ...), bias (out,).

    Args:
        stride, dilation (int or tuple): steps from window to window, and inside a window.
        padding (int, tuple or str): zeros on both sides; 'valid' is none, 'same' keeps the size (at stride 1).
        groups (int): channels of input and result are divided into so many that do not meet.

    Raises:
        RuntimeError: shapes or arguments that do not fit.
    """
    return conv


conv1d, conv2d, conv3d = (_convolution(n) for n in (1, 2, 3))


def _transposed(n):
    row = getattr(ops, f"conv_transpose{n}d")

    def conv_transpose(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        return row(input, weight, bias, stride, padding, output_padding, groups, dilation)

    sizes = ("L", "H, W", "D, H, W")[n - 1]
    conv_transpose.__name__ = conv_transpose.__qualname__ = f"conv_transpose{n}d"
    conv_transpose.__doc__ = f"""The adjoint of conv{n}d in its input, with a bias added.

    Shapes: input (N, C, {sizes}) or (C, {sizes}), weight (C, out / groups, ...), bias (out,).

    Args:
        output_padding (int or tuple): added to the size of the result, which several sizes of an input would lead to.
        stride, padding, dilation, groups: of the convolution.

    Raises:
        RuntimeError: shapes or arguments that do not fit.
    """
    return conv_transpose


conv_transpose1d, conv_transpose2d, conv_transpose3d = (_transposed(n) for n in (1, 2, 3))
