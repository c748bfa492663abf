"""Pooling over windows that begin at random places (Graham 2014)."""

import math

from .. import arange, cat, int64, rand
from .modules._arguments import ntuple

__all__ = ["fractional_max_pool2d", "fractional_max_pool2d_with_indices", "fractional_max_pool3d", "fractional_max_pool3d_with_indices"]


def _begins(sample, size, out, window):
    """(N, C, out) int64: where the windows begin; the last one ends with the input."""
    last = sample.new_full((*sample.shape, 1), size - window).to(int64)
    if out == 1:
        return last
    step = (size - window) / (out - 1)
    sample = sample.unsqueeze(-1)
    # The samples are truncated like C's conversions; they are not negative.
    return cat([((arange(out - 1, dtype=sample.dtype) + sample) * step).to(int64) - (sample * step).to(int64), last], -1)


def _pool(n, input, kernel_size, output_size, output_ratio, random_samples):
    name = f"fractional_max_pool{n}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        if not isinstance(output_ratio, (int, float)) and len(output_ratio) > n:
            raise ValueError(f"{name} requires output_ratio to either be a single Int or tuple of Ints.")
        output_size = [int(s * r) for s, r in zip(input.shape[-n:], ntuple(n)(output_ratio))]
    batched = input.dim() == n + 2
    if input.dim() not in (n + 1, n + 2):
        raise RuntimeError(f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got: {list(input.shape)}")
    if random_samples is None:
        random_samples = rand(input.shape[0] if batched else 1, input.shape[-n - 1], n, dtype=input.dtype)
    image = input if batched else input.unsqueeze(0)
    N, C, *space = image.shape
    if random_samples.dtype != input.dtype:
        raise RuntimeError("Expect _random_samples to have the same dtype as input")
    if random_samples.dim() != 3:
        raise RuntimeError(f"Expect _random_samples to have 3 dimensions, got {random_samples.dim()}")
    if random_samples.size(0) < N:
        raise RuntimeError("Expect _random_samples.size(0) no less then input batch size.")
    if random_samples.size(1) != C:
        raise RuntimeError("Expect _random_samples.size(1) equals to input channel size.")
    if random_samples.size(2) != n:
        raise RuntimeError(f"Expect _random_samples.size(2) equals to {n}; got {random_samples.size(2)}.")
    random_samples = random_samples[:N]
    at = None
    for d, (size, out, window) in enumerate(zip(space, ntuple(n)(output_size), ntuple(n)(kernel_size))):
        if out + window - 1 > size:
            axis = ("T", "H", "W")[3 - n + d]
            raise RuntimeError(f"{name}_out(): pool {'height' if axis == 'H' else 'width' if axis == 'W' else 'time'} {window} too large "
                               f"relative to input {'height' if axis == 'H' else 'width' if axis == 'W' else 'time'} {size}")
        # Samples come as (t, h, w) in three dimensions, as (w, h) in two.
        sample = random_samples[..., d if n == 3 else n - 1 - d]
        places = (_begins(sample, size, out, window).unsqueeze(-1) + arange(window)).view(
            N, C, *[part for e in range(n) for part in ((out, window) if e == d else (1, 1))])
        at = places if at is None else at * size + places
    outs = at.shape[2::2]
    windows = at.permute(0, 1, *range(2, 2 + 2 * n, 2), *range(3, 3 + 2 * n, 2)).reshape(N, C, math.prod(outs), math.prod(at.shape[3::2]))
    values, which = image.flatten(2).gather(2, windows.flatten(2)).view(windows.shape).max(-1)
    indices = windows.gather(3, which.unsqueeze(-1)).squeeze(-1)
    shape = (N, C, *outs) if batched else (C, *outs)
    return values.reshape(shape), indices.reshape(shape)


def _functions(n):
    shape = "H, W" if n == 2 else "T, H, W"

    def with_indices(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        return _pool(n, input, kernel_size, output_size, output_ratio, _random_samples)

    def plain(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        result = _pool(n, input, kernel_size, output_size, output_ratio, _random_samples)
        return result if return_indices else result[0]

    plain.__name__ = plain.__qualname__ = f"fractional_max_pool{n}d"
    with_indices.__name__ = with_indices.__qualname__ = plain.__name__ + "_with_indices"
    plain.__doc__ = f"""The largest element of windows that begin at random places, at most as far apart as brings all of them in.

    Shapes: input (N, C, {shape}) or (C, {shape}).

    Args:
        kernel_size (int or tuple): of the windows. output_size (int or tuple), output_ratio (float or tuple): of the result, one of
            them; the ratio is that to the input's sizes.
        return_indices (bool): also the places of the maxima in their planes.

    Raises:
        ValueError: neither output_size nor output_ratio. RuntimeError: windows that do not fit.
    """
    with_indices.__doc__ = f"`{plain.__name__}` with the places of the maxima."
    return plain, with_indices


fractional_max_pool2d, fractional_max_pool2d_with_indices = _functions(2)
fractional_max_pool3d, fractional_max_pool3d_with_indices = _functions(3)
