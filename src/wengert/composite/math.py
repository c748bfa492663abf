"""Elementwise functions with several modes, and small combinations."""
from .. import _core, ops
from .._core import Tensor, shortcut
from ..types import finfo
from ._register import in_place, methods, public

_halves = (_core.dtype_by_name("float16"), _core.dtype_by_name("bfloat16"))
_bool = _core.dtype_by_name("bool")
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
        if rounding_mode == "trunc" and result.dtype in _halves:
            result = ops.div(input, other).trunc()          # of the quotient as it is rounded to the type
    else:
        raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")
    return result if out is None else _core._write_out("div", result, out)


@public(out=True)
@shortcut(ops.square)
def square(input):
    """The square of each element; bools count as integers."""
    return ops.square(input.long() if input.dtype is _bool else input)


@public(torch=False)
@shortcut(ops.square_)
def square_(self):
    """Squares each element in place.

    Raises:
        RuntimeError: of bools, whose squares are integers.
    """
    if self.dtype is _bool:
        _core._check_in_place_type(self.dtype, _core.dtype_by_name("int64"))
    return ops.square_(self)


@public(torch=False, aliases=("divide_",))
@shortcut(ops.div_)
def div_(self, other, *, rounding_mode=None):
    """`div` in place."""
    if rounding_mode is None:
        return ops.div_(self, other)
    if rounding_mode not in _rounding:
        raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")
    return _div_in_place(self, other, rounding_mode=rounding_mode)


_div_in_place = in_place(div, "div_")


@public
def bitwise_not(input, *, out=None):
    """~input; bools are negated."""
    result = ops.logical_not(input) if input.dtype.name == "bool" else ops.bitwise_not(input)
    return result if out is None else _core._write_out("bitwise_not", result, out)


@public(torch=False)
def bitwise_not_(self):
    """`bitwise_not` in place."""
    return ops.logical_not_(self) if self.dtype.name == "bool" else ops.bitwise_not_(self)


@public
def pow(input, exponent, *, out=None):
    """input ** exponent; either may be a number. An integer tensor to a float power is computed in the default float type."""
    result = _core.power_of(input, exponent)
    return result if out is None else _core._write_out("pow", result, out)


@public
def float_power(input, exponent, *, out=None):
    """input ** exponent, computed in float64."""
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor):
        raise TypeError("float_power() received an invalid combination of arguments - got two numbers, but expected a Tensor among them")
    f64 = _core.dtype_by_name("float64")
    a = input.to(f64) if isinstance(input, Tensor) else input
    b = exponent.to(f64) if isinstance(exponent, Tensor) else float(exponent)
    result = a ** b if isinstance(a, Tensor) else ops.pow(a, b)
    return result if out is None else _core._write_out("float_power", result, out)


@public
@shortcut(ops.clamp, ops.clamp_min, ops.clamp_max, max_tensors=1)
def clamp(input, min=None, max=None, *, out=None):
    """Elements below ``min`` become it, those above ``max`` become that; either may be a number, a tensor or None.

    Raises:
        RuntimeError: neither is given.
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if max is None:
        result = ops.clamp_min(input, min)
    elif min is None:
        result = ops.clamp_max(input, max)
    else:
        result = ops.clamp(input, min, max)
    return result if out is None else _core._write_out("clamp", result, out)


public(clamp, name="clip")


@public(aliases=("clip_",))
@shortcut(ops.clamp_, ops.clamp_min_, ops.clamp_max_, max_tensors=1)
def clamp_(input, min=None, max=None):
    """`clamp`, written into ``input``."""
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if max is None:
        return ops.clamp_min_(input, min)
    return ops.clamp_max_(input, max) if min is None else ops.clamp_(input, min, max)


def _check_weights(weights, name, count, integral):
    kind = "integral" if integral else "floating point"
    if weights.dim() > 1:
        raise RuntimeError(f"cov(): expected {name} to have one or fewer dimensions but got {name} with {weights.dim()} dimensions")
    if weights.dtype.is_floating_point == integral or weights.dtype.name == "bool":
        raise RuntimeError(f"cov(): expected {name} to have {kind} dtype but got {name} with {weights.type()[6:-6]} dtype")
    if weights.numel() != count:
        raise RuntimeError(f"cov(): expected {name} to have the same numel as there are observations in the input but got "
                           f"{weights.numel()} != {count}")
    if weights.numel() and bool(weights.min() < 0):
        raise RuntimeError(f"cov(): {name} cannot be negative")


@public
def cov(input, *, correction=1, fweights=None, aweights=None):
    """Covariance of the rows of a matrix (or variance of a vector), whose columns are observations.

    Args:
        fweights: how often each column counts, integers. aweights: how much it weighs, floats.

    Raises:
        RuntimeError: more than two dimensions, bools, or weights of the wrong shape, dtype or sign.
    """
    if input.dim() > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got an input with {input.dim()} dimensions")
    if input.dtype.name == "bool":
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input.reshape(1, -1) if input.dim() < 2 else input
    weights = None
    if fweights is not None:
        _check_weights(fweights, "fweights", x.shape[1], True)
        weights = fweights
    if aweights is not None:
        _check_weights(aweights, "aweights", x.shape[1], False)
        weights = aweights if weights is None else weights * aweights
    if weights is None:
        total = x.shape[1]
        mean = ops.sum_dim(x, (1,), True) / x.shape[1] if x.shape[1] else x.mean(1, keepdim=True)
    else:
        total = weights.sum()
        if bool(total == 0):
            raise RuntimeError("cov(): weights sum to zero, can't be normalized")
        mean = ops.sum_dim(x * weights, (1,), True) / total
    count = total - correction
    if weights is not None and correction and aweights is not None:
        count = total - correction * (weights * aweights).sum() / total
    norm = count.clamp(min=0) if isinstance(count, Tensor) else max(count, 0)
    x = x - mean
    return ((x @ (x if weights is None else x * weights).t()) / norm).squeeze()


@public
def corrcoef(input):
    """Correlation coefficients of the rows of a matrix."""
    if input.dim() > 2:
        raise RuntimeError(f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input.dim()} dimensions")
    c = cov(input)
    if c.dim() == 0:
        return c / c
    d = c.diagonal().sqrt()
    return (c / d.unsqueeze(1) / d.unsqueeze(0)).clamp(-1, 1)


@public(out=True)
def diff(input, n=1, dim=-1, prepend=None, append=None):
    """n-th differences of neighbours along ``dim``."""
    if input.dim() == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n == 0:
        return input.clone()
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
def softmax(input, dim, *, dtype=None, out=None):
    """exp(input) divided by its sum along ``dim``."""
    result = ops.softmax(input if dtype is None else input.to(dtype), dim)
    return result if out is None else _core._write_out("softmax", result, out)


@public(torch=False, name="softmax")
@shortcut(ops.softmax)
def _softmax_method(self, dim, dtype=None):
    """`softmax` of this tensor."""
    return softmax(self, dim, dtype=dtype)


@public(method=False)
@shortcut(ops.log_softmax)
def log_softmax(input, dim, *, dtype=None, out=None):
    """The logarithm of `softmax`, computed stably."""
    result = ops.log_softmax(input if dtype is None else input.to(dtype), dim)
    return result if out is None else _core._write_out("log_softmax", result, out)


@public(torch=False, name="log_softmax")
@shortcut(ops.log_softmax)
def _log_softmax_method(self, dim, dtype=None):
    """`log_softmax` of this tensor."""
    return log_softmax(self, dim, dtype=dtype)


@public(method=False, out=True)
def polygamma(n, input):
    """The n-th derivative of the digamma function.

    Raises:
        RuntimeError: n is negative.
    """
    return ops.digamma(input) if n == 0 else ops.polygamma(n, input)


methods["polygamma"] = lambda self, n: polygamma(n, self)
methods["polygamma_"] = in_place(methods["polygamma"], "polygamma_")


@public
def nan_to_num(input, nan=None, posinf=None, neginf=None, *, out=None):
    """NaN and infinities replaced: by 0 and the largest finite numbers, unless given."""
    if not input.dtype.is_floating_point:
        return input.clone() if out is None else _core._write_out("nan_to_num", input, out)
    limits = finfo(input.dtype)
    result = ops._nan_to_num(
        input,
        0.0 if nan is None else float(nan),
        limits.max if posinf is None else float(posinf),
        limits.min if neginf is None else float(neginf),
    )
    return result if out is None else _core._write_out("nan_to_num", result, out)


_nan_to_num_in_place = in_place(nan_to_num, "nan_to_num_")


@public(torch=False)
def nan_to_num_(self, nan=None, posinf=None, neginf=None):
    """`nan_to_num` in place."""
    return _nan_to_num_in_place(self, nan, posinf, neginf)


@public(out=True, inplace=True)
def renorm(input, p, dim, maxnorm):
    """Slices along ``dim`` whose p-norm exceeds ``maxnorm`` are scaled down to it.

    Raises:
        RuntimeError: fewer than two dimensions, p not positive, or a negative maxnorm.
    """
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    if input.dim() < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.dim()} dimensions")
    others = [d for d in range(input.dim()) if d != dim % input.dim()]
    norms = ops.vector_norm(input, p, others, True)
    factor = ops.where(norms > maxnorm, maxnorm / (norms + 1e-7), 1.0)
    return input * factor

