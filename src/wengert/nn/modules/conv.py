"""Convolutions."""

import math

from ... import empty, no_grad, ops
from ..._core import forward_of
from .. import functional as F
from .. import init
from ..parameter import Parameter, UninitializedParameter
from ._arguments import ntuple
from .lazy import LazyModuleMixin
from .module import Module

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", *(
    f"Lazy{kind}{n}d" for kind in ("Conv", "ConvTranspose") for n in (1, 2, 3))]

_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """Parameters and arguments of a convolution.

    Shapes: weight (out_channels, in_channels / groups, *kernel_size), of transposed ones (in_channels, out_channels / groups,
    *kernel_size), bias (out_channels,); both are drawn uniformly from [-b, b], b = 1/sqrt(in_channels/groups * places of the
    kernel).

    Raises:
        ValueError: channels that the groups do not divide, padding strings and modes that do not exist.
    """

    __constants__ = [
        "stride", "padding", "dilation", "groups", "padding_mode", "output_padding", "in_channels", "out_channels", "kernel_size",
    ]
    _n = 2
    _transposed = False

    def __init__(
        self, in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias, padding_mode, device, dtype
    ):
        super().__init__()
        many = ntuple(self._n)
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups != 0:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
            if padding == "same" and any(s != 1 for s in many(stride)):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if padding_mode not in _MODES:
            raise ValueError(f"padding_mode must be one of {set(_MODES)}, but got padding_mode='{padding_mode}'")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = many(kernel_size)
        self.stride = many(stride)
        self.padding = padding if isinstance(padding, str) else many(padding)
        self.dilation = many(dilation)
        self.transposed = self._transposed
        self.output_padding = many(output_padding)
        self.groups = groups
        self.padding_mode = padding_mode
        if padding == "same":
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size)]
            sides = [(total // 2, total - total // 2) for total in totals]
        else:
            sides = [(0, 0) if padding == "valid" else (p, p) for p in (self.padding if padding != "valid" else (0,) * self._n)]
        self._reversed_padding_repeated_twice = [p for pair in reversed(sides) for p in pair]
        self._pads_first = padding_mode != "zeros" or isinstance(padding, str)
        channels = (in_channels, out_channels // groups) if self._transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(empty((*channels, *self.kernel_size), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draws weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self):
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * len(self.padding):
            text += f", padding={self.padding}"
        if self.dilation != (1,) * len(self.dilation):
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * len(self.output_padding):
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text

    def __setstate__(self, state):
        super().__setstate__(state)
        if not hasattr(self, "padding_mode"):
            self.padding_mode = "zeros"


class _Conv(_ConvNd):
    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode, device, dtype
        )

    def _conv_forward(self, input, weight, bias):
        conv = (F.conv1d, F.conv2d, F.conv3d)[self._n - 1]
        if self.padding_mode != "zeros":
            padded = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            return conv(padded, weight, bias, self.stride, 0, self.dilation, self.groups)
        return conv(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)


_ATTRIBUTES = ("weight", "bias", "stride", "padding", "dilation", "groups")


class Conv1d(_Conv):
    """Correlates sequences with kernels. Shapes: (N, C, L) or (C, L)."""

    _n = 1

    @forward_of(ops.conv1d, *_ATTRIBUTES, unless="_pads_first")
    def forward(self, input):
        return self._conv_forward(input, self.weight, self.bias)


class Conv2d(_Conv):
    """Correlates images with kernels. Shapes: (N, C, H, W) or (C, H, W)."""

    _n = 2

    @forward_of(ops.conv2d, *_ATTRIBUTES, unless="_pads_first")
    def forward(self, input):
        return self._conv_forward(input, self.weight, self.bias)


class Conv3d(_Conv):
    """Correlates volumes with kernels. Shapes: (N, C, D, H, W) or (C, D, H, W)."""

    _n = 3

    @forward_of(ops.conv3d, *_ATTRIBUTES, unless="_pads_first")
    def forward(self, input):
        return self._conv_forward(input, self.weight, self.bias)


class _ConvTransposeNd(_ConvNd):
    _transposed = True

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {self.__class__.__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias, padding_mode, device, dtype
        )

    def _output_padding(self, input, output_size):
        """The padding that leads to ``output_size``.

        Raises:
            ValueError: none does.
        """
        if output_size is None:
            return self.output_padding
        n, output_size = self._n, list(output_size)
        lead = input.dim() - n
        if len(output_size) == lead + n:
            output_size = output_size[lead:]
        if len(output_size) != n:
            raise ValueError(
                f"ConvTranspose{n}D: for {input.dim()}D input, output_size must have {n} or {lead + n} elements (got "
                f"{len(output_size)})"
            )
        least = [
            (size - 1) * s - 2 * p + d * (k - 1) + 1
            for size, s, p, d, k in zip(input.size()[lead:], self.stride, self.padding, self.dilation, self.kernel_size)
        ]
        most = [low + s - 1 for low, s in zip(least, self.stride)]
        for size, low, high in zip(output_size, least, most):
            if size < low or size > high:
                raise ValueError(
                    f"requested an output size of {output_size}, but valid sizes range from {least} to {most} (for an input "
                    f"of {input.size()[2:]})"
                )
        return [size - low for size, low in zip(output_size, least)]

    def forward(self, input, output_size=None):
        conv = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self._n - 1]
        padding = self._output_padding(input, output_size)
        return conv(input, self.weight, self.bias, self.stride, self.padding, padding, self.groups, self.dilation)


class ConvTranspose1d(_ConvTransposeNd):
    """The adjoint of Conv1d, with a bias. Shapes: (N, C, L) or (C, L)."""

    _n = 1


class ConvTranspose2d(_ConvTransposeNd):
    """The adjoint of Conv2d, with a bias. Shapes: (N, C, H, W) or (C, H, W)."""

    _n = 2


class ConvTranspose3d(_ConvTransposeNd):
    """The adjoint of Conv3d, with a bias. Shapes: (N, C, D, H, W) or (C, D, H, W)."""

    _n = 3


class _LazyConv(LazyModuleMixin):
    """in_channels is found in the first input."""

    def _make_lazy(self, out_channels, bias, device, dtype):
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_channels = out_channels
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self):
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input, *args, **kwargs):
        """Takes in_channels from ``input``."""
        if not self.has_uninitialized_params():
            return
        self.in_channels = self._get_in_channels(input)
        if self.in_channels % self.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        channels = (self.in_channels, self.out_channels // self.groups) if self.transposed else \
            (self.out_channels, self.in_channels // self.groups)
        with no_grad():
            self.weight.materialize((*channels, *self.kernel_size))
            if self.bias is not None:
                self.bias.materialize((self.out_channels,))
            self.reset_parameters()

    def _get_in_channels(self, input):
        without, batched = self._n + 1, self._n + 2
        if input.dim() not in (without, batched):
            raise RuntimeError(f"Expected {without}D (unbatched) or {batched}D (batched) input to {type(self).__name__}, but got input of "
                               f"size: {input.shape}")
        return input.shape[1] if input.dim() == batched else input.shape[0]


def _lazy(base):
    transposed = base._transposed

    class Lazy(_LazyConv, base):
        cls_to_become = base

        if transposed:
            def __init__(self, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1,
                         padding_mode="zeros", device=None, dtype=None):
                # Without channels and a bias at first, so that nothing is drawn.
                super().__init__(0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode)
                self._make_lazy(out_channels, bias, device, dtype)
        else:
            def __init__(self, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode="zeros",
                         device=None, dtype=None):
                super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode)
                self._make_lazy(out_channels, bias, device, dtype)

    Lazy.__name__ = Lazy.__qualname__ = "Lazy" + base.__name__
    Lazy.__doc__ = f"A :class:`{base.__name__}` whose in_channels is that of its first input."
    return Lazy


LazyConv1d, LazyConv2d, LazyConv3d = map(_lazy, (Conv1d, Conv2d, Conv3d))
LazyConvTranspose1d, LazyConvTranspose2d, LazyConvTranspose3d = map(_lazy, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d))
