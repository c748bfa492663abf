"""Interpolation, and the sliding blocks of unfold and fold."""

import math
import warnings

from .. import ops
from ._grids import antialiased

_LINEAR = ("linear", "bilinear", "trilinear", "bicubic")
_RANKS = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}
_MODES = "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact"


def _output_sizes(input, size, scale_factor, recompute_scale_factor):
    """The spatial sizes of the result, and the scales that places are computed with (None: the ratio of sizes).

    Raises:
        ValueError: neither or both are given, or their number is not that of the dimensions.
    """
    n = input.dim() - 2
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    own = list(input.size())[2:]
    if size is not None:
        if isinstance(size, (list, tuple)):
            if len(size) != n:
                raise ValueError(
                    "Input and output must have the same number of spatial dimensions, but got input with spatial dimensions "
                    f"of {own} and output size of {size}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and "
                    "output size in (o1, o2, ...,oK) format."
                )
            return list(size), [None] * n
        return [size] * n, [None] * n
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if isinstance(scale_factor, (list, tuple)):
        if len(scale_factor) != n:
            raise ValueError(
                "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial dimensions "
                f"of {own} and scale_factor of shape {scale_factor}. Please provide input tensor in (N, C, d1, d2, ...,dK) "
                "format and scale_factor in (s1, s2, ...,sK) format."
            )
        scales = list(scale_factor)
    else:
        scales = [scale_factor] * n
    sizes = [math.floor(float(s) * f) for s, f in zip(own, scales)]
    return sizes, [None] * n if recompute_scale_factor else scales


def interpolate(
    input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None, antialias=False
):
    """Resamples the spatial dimensions of ``input``.

    Shapes: (N, C, L), (N, C, H, W) or (N, C, D, H, W); linear takes the first, bilinear and bicubic the second, trilinear the third.

    Args:
        size (int or tuple), scale_factor (float or tuple): of the result; one of them is given.
        mode (str): nearest, nearest-exact (by the middle of elements), linear, bilinear, trilinear, bicubic (a = -0.75) or area
            (adaptive means).
        align_corners (bool): the middles of the corners' elements coincide, instead of their edges.
        antialias (bool): bilinear, bicubic and lanczos filter what becomes smaller.
        recompute_scale_factor (bool): places are computed by the ratio of sizes, not by scale_factor.

    Raises:
        ValueError, NotImplementedError: arguments that do not go together.
    """
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
            )
    elif align_corners is None:
        align_corners = False
    sizes, scales = _output_sizes(input, size, scale_factor, recompute_scale_factor)
    if recompute_scale_factor and size is not None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if antialias:
        if mode not in ("bilinear", "bicubic", "lanczos") or input.dim() != 4:
            raise ValueError("Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input")
        if mode == "lanczos" and align_corners:
            raise ValueError("Lanczos mode does not support align_corners=True")
        return antialiased(input, sizes, mode, align_corners, scales)
    if mode == "lanczos":
        raise ValueError("Lanczos mode requires antialias=True")
    n = input.dim()
    if n not in (3, 4, 5) or (mode not in _RANKS and mode not in ("nearest", "area", "nearest-exact")):
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {n}D) for the modes: {_MODES} (got {mode})"
        )
    if mode in _RANKS and _RANKS[mode] != n:
        raise NotImplementedError(f"Got {n}D input, but {mode} mode needs {_RANKS[mode]}D input")
    if mode == "area":
        from . import _pooling

        pool = (_pooling.adaptive_avg_pool1d, _pooling.adaptive_avg_pool2d, _pooling.adaptive_avg_pool3d)[n - 3]
        return pool(input, sizes if n > 3 else sizes[0])
    names = ("D", "H", "W")[5 - n :]
    if any(s <= 0 for s in list(input.size())[2:]) or any(s <= 0 for s in sizes):
        own, new = (", ".join(f"{k}: {v}" for k, v in zip(names, values)) for values in (list(input.size())[2:], sizes))
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input ({own}) and output ({new})")
    kind = "linear" if mode in ("bilinear", "trilinear") else "cubic" if mode == "bicubic" else mode
    from .. import float32, uint8

    result = input.to(float32) if input.dtype == uint8 else input
    for d in range(n - 1, 1, -1):
        scale = scales[d - 2]
        inverse = 0.0 if scale is None or scale <= 0 else 1.0 / scale
        result = ops._resample(result, d, sizes[d - 2], kind, bool(align_corners), inverse)
    return result.round().clamp(0, 255).to(uint8) if input.dtype == uint8 else result


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """The old name of :func:`interpolate`."""
    warnings.warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input, size=None, scale_factor=None):
    """interpolate with mode 'nearest'."""
    warnings.warn("`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input, size=None, scale_factor=None):
    """interpolate with mode 'bilinear' and aligned corners."""
    warnings.warn("`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """Sliding blocks as columns: (N, C, H, W) to (N, C * places of the kernel, blocks); also without N.

    Args:
        kernel_size, dilation, padding, stride (int or pair): of the blocks.
    """
    return ops._unfold(input, kernel_size, dilation, padding, stride)


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Adds columns of blocks up to an image of ``output_size``: the adjoint of :func:`unfold`."""
    return ops._fold(input, output_size, kernel_size, dilation, padding, stride)
