"""Padding as modules. Sizes stand in the order left, right, top, bottom, front, back."""

from .. import functional as F
from ._arguments import ntuple
from .module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _Pad(Module):
    """Pads the last ``_ndim`` dimensions; one number pads all sides alike."""

    __constants__ = ["padding"]
    _ndim = 1
    _mode = "constant"

    def __init__(self, padding):
        super().__init__()
        self.padding = ntuple(2 * self._ndim)(padding)

    def forward(self, input):
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self):
        return f"{self.padding}"


class _ConstantPad(_Pad):
    __constants__ = ["padding", "value"]

    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Pads with ``value``. Shapes: (*, L)."""


class ConstantPad2d(_ConstantPad):
    """Pads with ``value``. Shapes: (*, H, W)."""

    _ndim = 2


class ConstantPad3d(_ConstantPad):
    """Pads with ``value``. Shapes: (*, D, H, W)."""

    _ndim = 3


class ZeroPad1d(ConstantPad1d):
    """Pads with zeros. Shapes: (*, L)."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Pads with zeros. Shapes: (*, H, W)."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Pads with zeros. Shapes: (*, D, H, W)."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


class ReflectionPad1d(_Pad):
    """Pads with the reflection at the border element. Shapes: (N, C, L) or (C, L)."""

    _mode = "reflect"


class ReflectionPad2d(_Pad):
    """Pads with the reflection at the border element. Shapes: (N, C, H, W) or (C, H, W)."""

    _ndim = 2
    _mode = "reflect"


class ReflectionPad3d(_Pad):
    """Pads with the reflection at the border element. Shapes: (N, C, D, H, W) or (C, D, H, W)."""

    _ndim = 3
    _mode = "reflect"


class ReplicationPad1d(_Pad):
    """Pads with the border element. Shapes: (N, C, L) or (C, L)."""

    _mode = "replicate"


class ReplicationPad2d(_Pad):
    """Pads with the border element. Shapes: (N, C, H, W) or (C, H, W)."""

    _ndim = 2
    _mode = "replicate"


class ReplicationPad3d(_Pad):
    """Pads with the border element. Shapes: (N, C, D, H, W) or (C, D, H, W)."""

    _ndim = 3
    _mode = "replicate"


class _CircularPad(_Pad):
    _mode = "circular"

    def forward(self, input):
        if input.dim() not in (self._ndim + 1, self._ndim + 2):
            raise ValueError(
                f"expected {self._ndim + 1}D or {self._ndim + 2}D input (got {input.dim()}D input)"
            )
        return super().forward(input)


class CircularPad1d(_CircularPad):
    """Pads with the other end. Shapes: (N, C, L) or (C, L)."""


class CircularPad2d(_CircularPad):
    """Pads with the other end. Shapes: (N, C, H, W) or (C, H, W)."""

    _ndim = 2


class CircularPad3d(_CircularPad):
    """Pads with the other end. Shapes: (N, C, D, H, W) or (C, D, H, W)."""

    _ndim = 3
