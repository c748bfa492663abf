"""Sampling at arbitrary places: grids, and antialiased resizing."""

import math
import warnings

from .. import bool, linspace, ones, stack, tensor, where, zeros

__all__ = ["affine_grid", "antialiased", "grid_sample"]

_ALIGN = ("Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify align_corners=True "
          "if the old behavior is desired. See the documentation of grid_sample for details.")


def affine_grid(theta, size, align_corners=None):
    """The places that affine maps send the elements of an image to, for :func:`grid_sample`.

    Shapes: theta (N, 2, 3) and size (N, C, H, W): result (N, H, W, 2); theta (N, 3, 4) and size (N, C, D, H, W): (N, D, H, W, 3).

    Args:
        align_corners (bool): -1 and 1 are the middles of the outermost elements, not their edges.

    Raises:
        ValueError: shapes or dtypes that do not fit. NotImplementedError: another number of sizes.
    """
    if align_corners is None:
        warnings.warn(_ALIGN, stacklevel=2)
        align_corners = False
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    if len(size) not in (4, 5):
        raise NotImplementedError("affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. "
                                  f"Got size {size}.")
    n = len(size) - 2
    if theta.dim() != 3 or theta.shape[-2] != n or theta.shape[-1] != n + 1:
        raise ValueError(f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size {size}. Got {theta.shape}.")
    space = size[2:]
    if align_corners and min(space) == 1:
        warnings.warn("Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This is not an "
                      "intended use case of affine_grid. See the documentation of affine_grid for details.", stacklevel=2)
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    axes = []
    for d, count in enumerate(space):
        if count <= 1:
            at = zeros(count, dtype=theta.dtype)
        else:
            at = linspace(-1, 1, count, dtype=theta.dtype)
            if not align_corners:
                at = at * (count - 1) / count
        axes.append(at.view([-1 if i == d else 1 for i in range(n)]).expand(*space))
    base = stack([*reversed(axes), ones(*space, dtype=theta.dtype)], n).view(1, -1, n + 1)
    return (base @ theta.mT).view(size[0], *space, n)


def _unnormalised(at, count, align_corners):
    """From [-1, 1] to elements."""
    return (at + 1) / 2 * (count - 1) if align_corners else ((at + 1) * count - 1) / 2


def _reflected(at, low, high):
    """Places mirrored at low / 2 and high / 2 until they lie between them."""
    if low == high:
        return at * 0
    start, span = low / 2, (high - low) / 2
    distance = (at - start).abs()
    beyond = distance % span
    return where((distance / span).floor() % 2 == 0, beyond, span - beyond) + start


def _padded(at, count, padding_mode, align_corners):
    """Places outside brought to where their padding takes its values from."""
    if padding_mode == "zeros":
        return at
    if padding_mode == "reflection":
        at = _reflected(at, 0, 2 * (count - 1)) if align_corners else _reflected(at, -1, 2 * count - 1)
    return at.clamp(0, count - 1)


class _Image:
    """An image (N, C, ...) that is read at integer places (N, ...), zeros outside."""

    def __init__(self, input):
        self.sizes = input.shape[2:]
        self.flat = input.flatten(2)
        self.channels = input.shape[1]

    def read(self, places):
        """places: one int64 tensor a dimension, first dimension first. Result (N, C, ...)."""
        inside, at = None, 0
        for place, count in zip(places, self.sizes):
            fits = (place >= 0) & (place < count)
            inside = fits if inside is None else inside & fits
            at = at * count + place.clamp(0, count - 1)
        n, shape = at.shape[0], at.shape[1:]
        values = self.flat.gather(2, at.reshape(n, 1, -1).expand(n, self.channels, -1)).view(n, self.channels, *shape)
        return values * inside.unsqueeze(1).to(values.dtype)


def _cubic(x, near, a=-0.75):
    """The weight of an element at distance ``x``: within 1, or from 1 to 2."""
    return ((a + 2) * x - (a + 3)) * x * x + 1 if near else ((a * x - 5 * a) * x + 8 * a) * x - 4 * a


def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """The image's values at the places of ``grid``, which gives them as (x, y) or (x, y, z) from -1 to 1.

    Shapes: input (N, C, H, W), grid (N, Ho, Wo, 2): result (N, C, Ho, Wo); or (N, C, D, H, W), (N, Do, Ho, Wo, 3).

    Args:
        mode (str): "bilinear" (trilinear in three dimensions), "nearest", "bicubic" (two dimensions only).
        padding_mode (str): what lies outside: "zeros", "border" or "reflection".
        align_corners (bool): -1 and 1 are the middles of the outermost elements, not their edges.

    Raises:
        ValueError: another mode. RuntimeError: shapes that do not fit.
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError("nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
                         f"'{padding_mode}'")
    if align_corners is None:
        warnings.warn(_ALIGN, stacklevel=2)
        align_corners = False
    n = input.dim() - 2
    if input.dtype != grid.dtype:
        raise RuntimeError(f"grid_sampler(): expected input and grid to have same dtype, but input has {input.dtype} and grid has {grid.dtype}")
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(f"grid_sampler(): expected grid and input to have same batch size, but got input with sizes {list(input.shape)} "
                           f"and grid with sizes {list(grid.shape)}")
    if grid.shape[-1] != n:
        raise RuntimeError(f"grid_sampler(): expected grid to have size {n} in last dimension, but got grid with sizes {list(grid.shape)}")
    for i in range(2, input.dim()):
        if input.shape[i] <= 0:
            raise RuntimeError(f"grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                               f"{list(input.shape)} with dimension {i} being empty")
    if n not in (2, 3) or grid.dim() != input.dim():
        raise RuntimeError("grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes "
                           f"{list(input.shape)} and grid with sizes {list(grid.shape)}")
    if mode == "bicubic" and n != 2:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    image = _Image(input)
    places = [_unnormalised(grid[..., n - 1 - d], image.sizes[d], align_corners) for d in range(n)]
    if mode == "bicubic":
        return _bicubic(image, places, padding_mode, align_corners)
    places = [_padded(p, count, padding_mode, align_corners) for p, count in zip(places, image.sizes)]
    if mode == "nearest":
        values = image.read([p.detach().round().long() for p in places])
        # The grid's gradient is zero, which is not none.
        return values + where(zeros(1, dtype=bool), grid.sum(-1), 0.0).unsqueeze(1) if grid.requires_grad else values
    lows = [p.detach().floor() for p in places]
    total = 0
    for corner in range(2**n):
        up = [corner >> d & 1 for d in range(n)]
        weight = 1
        for d in reversed(range(n)):
            weight = weight * ((places[d] - lows[d]) if up[d] else (lows[d] + 1 - places[d]))
        total = total + image.read([(low + u).long() for low, u in zip(lows, up)]) * weight.unsqueeze(1)
    return total


def _bicubic(image, places, padding_mode, align_corners):
    lows = [p.detach().floor() for p in places]
    weights, reads = [], []
    for p, low, count in zip(places, lows, image.sizes):
        part = p - low
        weights.append([_cubic(part + 1, False), _cubic(part, True), _cubic(1 - part, True), _cubic(2 - part, False)])
        reads.append([_padded(low + k, count, padding_mode, align_corners).long() for k in (-1, 0, 1, 2)])
    total = 0
    for i in range(4):
        row = 0
        for j in range(4):
            row = row + image.read([reads[0][i], reads[1][j]]) * weights[1][j].unsqueeze(1)
        total = total + row * weights[0][i].unsqueeze(1)
    return total


# ---- antialiased resizing ----

def _triangle(x):
    return max(0.0, 1.0 - abs(x))


def _keys(x, a=-0.5):
    x = abs(x)
    if x < 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * a if x < 2 else 0.0


def _sinc(x):
    return 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)


def _lanczos(x):
    return _sinc(x) * _sinc(x / 3) if -3 <= x < 3 else 0.0


#: mode -> (the filter, the width of its support)
_FILTERS = {"bilinear": (_triangle, 2), "bicubic": (_keys, 4), "lanczos": (_lanczos, 6)}


def _weights(count, wanted, mode, align_corners, scale, like):
    """(wanted, count): how much each element has in each of the result's; the filter is stretched where the image shrinks."""
    kernel, width = _FILTERS[mode]
    if align_corners:
        step = (count - 1) / (wanted - 1) if wanted > 1 else 0.0
    else:
        step = 1.0 / scale if scale else count / wanted
    support = width / 2 * step if step >= 1 else width / 2
    stretch = 1 / step if step >= 1 else 1.0
    rows = []
    for i in range(wanted):
        center = step * (i + 0.5)
        low, high = max(int(center - support + 0.5), 0), min(int(center + support + 0.5), count)
        row = [kernel((j - center + 0.5) * stretch) for j in range(low, high)]
        total = sum(row) or 1.0
        rows.append([0.0] * low + [w / total for w in row] + [0.0] * (count - high))
    return tensor(rows, dtype=like.dtype)


def antialiased(input, sizes, mode, align_corners, scales):
    """(N, C, H, W) resized to ``sizes`` by a filter that is stretched where the image shrinks."""
    input.new_empty((*input.shape[:2], *sizes))             # sizes that no result can have raise before their weights are listed
    rows = _weights(input.shape[2], sizes[0], mode, align_corners, scales[0], input)
    columns = _weights(input.shape[3], sizes[1], mode, align_corners, scales[1], input)
    return rows @ (input @ columns.mT)
