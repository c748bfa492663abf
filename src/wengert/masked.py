"""Reductions and normalisations of the elements where a mask holds.

All take ``mask`` (bool, broadcast to the input; None: all elements), ``dtype`` (the input is converted to it first) and, where they reduce,
``dim`` (None: all) and ``keepdim``. Where a mask holds nowhere the answer is that of an empty input: 0 for sums, 1 for products, NaN for means.
"""
import math

from . import amax as _amax
from . import amin as _amin
from . import argmax as _argmax
from . import argmin as _argmin
from . import bool as _bool
from . import float32, int64, maximum, nanmedian, ops
from . import get_default_dtype
from .nn import functional as F
from .types import iinfo

__all__ = ["sum", "prod", "mean", "amax", "amin", "argmax", "argmin", "median", "cumsum", "cumprod", "norm", "var", "std", "softmax",
           "log_softmax", "softmin", "logsumexp", "logaddexp", "normalize"]


def _dims(input, dim):
    return tuple(range(input.dim())) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)


def _converted(input, dtype, wide=False):
    """The input in the dtype of the result: ``wide``: int64 for integers."""
    if dtype is None and wide and not input.is_floating_point():
        dtype = int64
    return input if dtype is None else input.to(dtype)


def _filled(input, mask, value):
    """``value`` where the mask does not hold.

    Raises:
        TypeError: the mask is none of bools.
    """
    if mask is None:
        return input
    if mask.dtype is not _bool:
        raise TypeError(f"_mask must be a bool tensor, got {mask.dtype}")
    return ops.where(mask, input, value if input.is_floating_point() else int(value))


def _largest(dtype):
    return math.inf if dtype.is_floating_point else iinfo(dtype).max if dtype is not _bool else 1


def _smallest(dtype):
    return -math.inf if dtype.is_floating_point else iinfo(dtype).min if dtype is not _bool else 0


def _count(input, mask, dims, keepdim):
    ones = input.new_ones(input.shape, dtype=int64)
    return (ones if mask is None else ops.where(mask, ones, 0)).sum(dims, keepdim=keepdim) if dims else (ones if mask is None else mask.expand(input.shape).to(int64))


def sum(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The sum."""
    x, dims = _filled(_converted(input, dtype, True), mask, 0), _dims(input, dim)
    return x.sum(dims, keepdim=keepdim) if dims else x.clone()


def prod(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The product."""
    x = _filled(_converted(input, dtype, True), mask, 1)
    for d in sorted((d % max(input.dim(), 1) for d in _dims(input, dim)), reverse=True):
        x = x.prod(d, keepdim=keepdim)
    return x


def mean(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The mean."""
    if dtype is None and not input.is_floating_point():
        dtype = float32
    x, dims = _converted(input, dtype), _dims(input, dim)
    return sum(x, dim, keepdim=keepdim, mask=mask) / _count(x, mask, dims, keepdim)


def _extremum(reduce, identity):
    def extremum(input, dim=None, *, keepdim=False, dtype=None, mask=None):
        x = _converted(input, dtype)
        return reduce(_filled(x, mask, identity(x.dtype)), _dims(input, dim), keepdim)
    extremum.__name__ = extremum.__qualname__ = reduce.__name__
    extremum.__doc__ = "The largest element." if reduce is _amax else "The smallest element."
    return extremum


amax, amin = _extremum(_amax, _smallest), _extremum(_amin, _largest)


def argmax(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Where the largest element is: in the input's dtype."""
    x = _converted(input, dtype)
    return _argmax(_filled(x, mask, _smallest(x.dtype)), dim, keepdim).to(x.dtype)


def argmin(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Where the smallest element is: in the input's dtype."""
    x = _converted(input, dtype)
    return _argmin(_filled(x, mask, _largest(x.dtype)), dim, keepdim).to(x.dtype)


def median(input, dim=-1, *, keepdim=False, dtype=None, mask=None):
    """The lower median along a dimension.

    Raises:
        ValueError: NaN among the elements.
    """
    x = _converted(input, dtype)
    if x.is_floating_point() and bool(x.isnan().any()):
        raise ValueError("masked median expects no NaN in the input")
    if mask is None or bool(mask.all()):
        return x.median(dim, keepdim).values
    return nanmedian(_filled(x if x.is_floating_point() else x.to(get_default_dtype()), mask, math.nan), dim, keepdim).values


def cumsum(input, dim, *, dtype=None, mask=None):
    """Sums of all elements up to each."""
    x = _converted(input, dtype)
    return _filled(x, mask, 0).cumsum(dim, dtype=x.dtype)


def cumprod(input, dim, *, dtype=None, mask=None):
    """Products of all elements up to each."""
    x = _converted(input, dtype)
    return _filled(x, mask, 1).cumprod(dim, dtype=x.dtype)


def norm(input, ord=2.0, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The vector norm."""
    return ops.vector_norm(_filled(_converted(input, dtype), mask, math.inf if ord == -math.inf else 0), ord, _dims(input, dim), keepdim)


def _variance(input, dim, unbiased, correction, keepdim, dtype, mask):
    if unbiased is not None and correction is not None:
        raise ValueError("Only one of unbiased and correction may be given")
    correction = (1 if unbiased is None else int(unbiased)) if correction is None else correction
    if dtype is None and not input.is_floating_point():
        dtype = float32
    x, dims = _converted(input, dtype), _dims(input, dim)
    difference = x - mean(x, dims, keepdim=True, mask=mask)
    count = _count(x, mask, dims, keepdim)
    if correction:
        count = maximum(count - correction, count.new_zeros(())) if isinstance(correction, int) else (count.to(x.dtype) - correction).clamp(min=0)
    return sum(difference * difference, dims, keepdim=keepdim, mask=mask) / count


def var(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """The variance; correction 1 unless told otherwise."""
    return _variance(input, dim, unbiased, correction, keepdim, dtype, mask)


def std(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """The standard deviation; correction 1 unless told otherwise."""
    return ops.sqrt(_variance(input, dim, unbiased, correction, keepdim, dtype, mask))


def softmax(input, dim, *, dtype=None, mask=None):
    """`nn.functional.softmax` in which the elements that are masked out weigh nothing."""
    return F.softmax(_filled(_converted(input, dtype), mask, -math.inf), dim)


def log_softmax(input, dim, *, dtype=None, mask=None):
    """The logarithm of `softmax`."""
    return F.log_softmax(_filled(_converted(input, dtype), mask, -math.inf), dim)


def softmin(input, dim, *, dtype=None, mask=None):
    """`softmax` of the negative input."""
    return F.softmin(_filled(_converted(input, dtype), mask, math.inf), dim)


def logsumexp(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """log of the sum of exponentials, in the input's dtype."""
    x = _converted(input, dtype)
    return ops.logsumexp(_filled(x, mask, _smallest(x.dtype)), _dims(input, dim), keepdim).to(x.dtype)


def logaddexp(input, other, *, dtype=None, input_mask=None, other_mask=None):
    """log(exp(input) + exp(other)), elements that are masked out being -inf."""
    return ops.logaddexp(_filled(_converted(input, dtype), input_mask, -math.inf), _filled(_converted(other, dtype), other_mask, -math.inf))


def normalize(input, ord, dim, *, eps=1e-12, dtype=None, mask=None):
    """The elements divided by their norm, by ``eps`` if that is larger; zero where they are masked out."""
    x = _converted(input, dtype)
    length = norm(x, ord, dim, keepdim=True, mask=mask)
    return _filled(x, mask, 0) / length.clamp(min=eps)
