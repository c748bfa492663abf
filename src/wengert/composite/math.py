"""Elementwise functions with several modes, and small combinations."""
from .. import _core, ops
from .._core import Tensor, shortcut
from ._register import public

_rounding = {"floor": "div_floor", "trunc": "div_trunc"}


@public(aliases=("divide",))
@shortcut(ops.div)
def div(input, other, *, rounding_mode=None, out=None):
    """input / other; rounded to integers towards minus infinity ("floor") or zero ("trunc") if asked.

    Raises:
        RuntimeError: another rounding mode.
    """
    if rounding_mode is None:
        result = ops.div(input, other)
    elif rounding_mode in _rounding:
        result = getattr(ops, _rounding[rounding_mode])(input, other)
    else:
        raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")
    return result if out is None else out.resize_(result.shape).copy_(result)


@public(torch=False, aliases=("divide_",))
@shortcut(ops.div_)
def div_(self, other, *, rounding_mode=None):
    """`div` in place."""
    if rounding_mode is None:
        return ops.div_(self, other)
    if rounding_mode not in _rounding:
        raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")
    return getattr(ops, _rounding[rounding_mode] + "_")(self, other)


@public
def bitwise_not(input, *, out=None):
    """~input; bools are negated."""
    result = ops.logical_not(input) if input.dtype.name == "bool" else ops.bitwise_not(input)
    return result if out is None else out.resize_(result.shape).copy_(result)


@public
def pow(input, exponent, *, out=None):
    """input ** exponent; either may be a number. An integer tensor to a float power is computed in the default float type."""
    result = _core.power_of(input, exponent)
    return result if out is None else out.resize_(result.shape).copy_(result)


@public
def float_power(input, exponent, *, out=None):
    """input ** exponent, computed in float64."""
    f64 = _core.dtype_by_name("float64")
    a = input.to(f64) if isinstance(input, Tensor) else input
    b = exponent.to(f64) if isinstance(exponent, Tensor) else float(exponent)
    result = a ** b if isinstance(a, Tensor) else ops.pow(a, b)
    return result if out is None else out.resize_(result.shape).copy_(result)


@public
@shortcut(ops.clamp, ops.clamp_min, ops.clamp_max, max_tensors=1)
def clamp(input, min=None, max=None, *, out=None):
    """Elements below ``min`` become it, those above ``max`` become that; either may be a number, a tensor or None.

    Raises:
        RuntimeError: neither is given.
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if min is not None and max is not None and not isinstance(min, Tensor) and not isinstance(max, Tensor):
        result = ops.clamp(input, min, max)
    else:
        result = input if min is None else ops.clamp_min(input, min)
        result = result if max is None else ops.clamp_max(result, max)
    return result if out is None else out.resize_(result.shape).copy_(result)


public(clamp, name="clip")


@public(aliases=("clip_",))
@shortcut(ops.clamp_, ops.clamp_min_, ops.clamp_max_, max_tensors=1)
def clamp_(input, min=None, max=None):
    """`clamp`, written into ``input``."""
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if min is not None and max is not None and not isinstance(min, Tensor) and not isinstance(max, Tensor):
        return ops.clamp_(input, min, max)
    if min is not None:
        input = ops.clamp_min_(input, min)
    if max is not None:
        input = ops.clamp_max_(input, max)
    return input


@public
def cov(input, *, correction=1, fweights=None, aweights=None):
    """Covariance of the rows of a matrix (or variance of a vector)."""
    if fweights is not None or aweights is not None:
        raise NotImplementedError("cov() with weights is not supported: weigh the columns before")
    x = input.unsqueeze(0) if input.dim() < 2 else input
    x = x - x.mean(1, keepdim=True)
    c = (x @ x.t()) / (x.shape[1] - correction)
    return c.squeeze() if input.dim() < 2 else c


@public
def corrcoef(input):
    """Correlation coefficients of the rows of a matrix."""
    c = cov(input)
    if c.dim() == 0:
        return c / c
    d = c.diagonal().sqrt()
    return (c / d.unsqueeze(1) / d.unsqueeze(0)).clamp(-1, 1)


@public
def diff(input, n=1, dim=-1, prepend=None, append=None):
    """n-th differences of neighbours along ``dim``."""
    parts = [t for t in (prepend, input, append) if t is not None]
    x = ops.cat(parts, dim) if len(parts) > 1 else input
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    for _ in range(min(n, x.shape[dim])):                   # nothing is left then
        size = x.shape[dim]
        a, b = ops.slice(x, dim, 1, size, 1), ops.slice(x, dim, 0, max(size - 1, 0), 1)
        x = ops.logical_xor(a, b) if x.dtype.name == "bool" else a - b
    return x


@public(method=False)
def trapezoid(y, x=None, *, dx=None, dim=-1):
    """Integral along ``dim`` by the trapezoidal rule."""
    n = y.shape[dim]
    a, b = ops.slice(y, dim, 1, n, 1), ops.slice(y, dim, 0, max(n - 1, 0), 1)
    if x is None:
        return (a + b).sum(dim) * ((1 if dx is None else dx) / 2)
    steps = diff(x, dim=dim if x.dim() == y.dim() else -1)
    if x.dim() == 1 and y.dim() > 1:
        steps = steps.reshape([-1 if i == dim % y.dim() else 1 for i in range(y.dim())])
    return ((a + b) * steps).sum(dim) / 2


public(trapezoid, method=False, name="trapz")


@public(method=False)
@shortcut(ops.softmax)
def softmax(input, dim, *, dtype=None):
    """exp(input) divided by its sum along ``dim``."""
    return ops.softmax(input if dtype is None else input.to(dtype), dim)


@public(torch=False, name="softmax")
@shortcut(ops.softmax)
def _softmax_method(self, dim, dtype=None):
    """`softmax` of this tensor."""
    return softmax(self, dim, dtype=dtype)


@public(method=False)
@shortcut(ops.log_softmax)
def log_softmax(input, dim, *, dtype=None):
    """The logarithm of `softmax`, computed stably."""
    return ops.log_softmax(input if dtype is None else input.to(dtype), dim)


@public(torch=False, name="log_softmax")
@shortcut(ops.log_softmax)
def _log_softmax_method(self, dim, dtype=None):
    """`log_softmax` of this tensor."""
    return log_softmax(self, dim, dtype=dtype)


@public(method=False)
def polygamma(n, input):
    """The n-th derivative of the digamma function."""
    return ops.digamma(input) if n == 0 else ops.polygamma(n, input)


@public
def nan_to_num(input, nan=None, posinf=None, neginf=None, *, out=None):
    """NaN and infinities replaced: by 0 and the largest finite numbers, unless given."""
    if not input.dtype.is_floating_point:
        return input.clone()
    from ..types import finfo
    limits = finfo(input.dtype)
    inf = float("inf")
    result = ops.where(ops.isnan(input), 0.0 if nan is None else float(nan), input)
    result = ops.where(ops.eq(input, inf), limits.max if posinf is None else float(posinf), result)
    result = ops.where(ops.eq(input, -inf), limits.min if neginf is None else float(neginf), result)
    return result if out is None else out.resize_(result.shape).copy_(result)


@public(torch=False)
def nan_to_num_(self, nan=None, posinf=None, neginf=None):
    """`nan_to_num` in place."""
    return self.copy_(nan_to_num(self, nan, posinf, neginf))


@public
def renorm(input, p, dim, maxnorm):
    """Slices along ``dim`` whose p-norm exceeds ``maxnorm`` are scaled down to it."""
    others = [d for d in range(input.dim()) if d != dim % input.dim()]
    norms = ops.vector_norm(input, p, others, True)
    factor = ops.where(norms > maxnorm, maxnorm / (norms + 1e-7), 1.0)
    return input * factor

