"""Reductions with several forms, statistics."""
from .. import _core, ops
from .._core import Tensor
from ..types import make_return_type
from ._register import public


def _dims(dim):
    return None if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)


def _correction(unbiased, correction):
    if unbiased is not None:
        return 1 if unbiased else 0
    return 1 if correction is None else correction


def _moments(row):
    def moment(input, dim=None, unbiased=None, keepdim=False, *, correction=None, out=None):
        if isinstance(dim, bool):                          # x.var(False): the old form, over all dimensions
            dim, unbiased = None, dim
        result = row(input, _dims(dim), correction=_correction(unbiased, correction), keepdim=keepdim)
        return result if out is None else _core._write_out(row.__name__, result, out)
    moment.__name__ = moment.__qualname__ = row.__name__
    moment.__doc__ = f"The {'variance' if row.__name__ == 'var' else 'standard deviation'} over ``dim`` (all, if None); correction 1 unless told otherwise."
    return public(moment)


var, std = _moments(ops.var), _moments(ops.std)


@public(method=False)
def var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """Variance and mean."""
    return _moment_and_mean(ops._var_mean, input, dim, unbiased, keepdim, correction)


@public(method=False)
def std_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """Standard deviation and mean."""
    return _moment_and_mean(ops._std_mean, input, dim, unbiased, keepdim, correction)


def _moment_and_mean(row, input, dim, unbiased, keepdim, correction):
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    return row(input, _dims(dim), correction=_correction(unbiased, correction), keepdim=keepdim), ops.mean_dim(input, _dims(dim), keepdim)


@public
def norm(input, p="fro", dim=None, keepdim=False, out=None, dtype=None):
    """The p-norm of the elements, over all or the given dimensions; "fro" is 2, "nuc" the sum of singular values.

    Raises:
        RuntimeError: integers.
    """
    if dtype is not None:
        input = input.to(dtype)
    if not input.dtype.is_floating_point:
        raise RuntimeError("linalg.vector_norm: Expected a floating point or complex tensor as input. Got " + input.type()[6:-6])
    if p == "nuc":
        from ..linalg import matrix_norm
        result = matrix_norm(input, "nuc", (0, 1) if dim is None else _dims(dim), keepdim)
        return result if out is None else _core._write_out("norm", result, out)
    result = ops.vector_norm(input, 2 if p in ("fro", None) else p, _dims(dim), keepdim)
    return result if out is None else _core._write_out("norm", result, out)


@public
def dist(input, other, p=2):
    """The p-norm of the difference."""
    return norm(input - other, p)


@public(out=True)
def nanmean(input, dim=None, keepdim=False, *, dtype=None):
    """The mean of the elements that are not NaN."""
    if dtype is not None:
        input = input.to(dtype)
    count = ops.sum_dim(ops.logical_not(ops.isnan(input)), _dims(dim), keepdim)
    return ops.nansum(input, _dims(dim), keepdim) / count


@public(out=True)
def quantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """q-quantiles along ``dim`` (of all elements, if None).

    Args:
        q: a number or a 1-d tensor in [0, 1]. interpolation: linear, lower, higher, midpoint, nearest.
    """
    return _quantile(input, q, dim, keepdim, interpolation, False)


@public(out=True)
def nanquantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """`quantile` of the elements that are not NaN."""
    return _quantile(input, q, dim, keepdim, interpolation, True)


def _quantile(input, q, dim, keepdim, interpolation, skip_nan):
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError("quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got " + interpolation)
    if input.numel() == 0:
        raise RuntimeError("quantile() input tensor must be non-empty")
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError("quantile() q must be in the range [0, 1] but got " + repr(q))
        q = _core.from_data(q, input.dtype)
    elif not bool(((q >= 0) & (q <= 1)).all()):
        raise RuntimeError("quantile() q values must be in the range [0, 1]")
    original = input.dim()
    x = input.reshape(-1) if dim is None or not original else input.movedim(dim, -1)
    x = ops.sort(x, -1).values
    bad = ops.isnan(x)
    n = x.shape[-1]
    if skip_nan:
        count = ops.sum_dim(ops.logical_not(bad), (-1,), True)
        rank = q.reshape(-1) * (count - 1).clamp(min=0).to(x.dtype)
    else:
        rank = (q.reshape(-1) * (n - 1)).expand((*x.shape[:-1], q.numel()))
    low, high = rank.floor(), rank.ceil()
    if interpolation == "lower":
        high = low
    elif interpolation == "higher":
        low = high
    elif interpolation == "nearest":
        low = high = rank.round()
    i64 = _core.dtype_by_name("int64")
    a, b = ops.gather(x, -1, low.to(i64)), ops.gather(x, -1, high.to(i64))
    y = ops.lerp_scalar(a, b, 0.5) if interpolation == "midpoint" else ops.lerp(a, b, rank - low)
    if not skip_nan:
        y = ops.where(ops.any_dim(bad, (-1,), True), float("nan"), y)
    y = y.movedim(-1, 0)
    if keepdim:
        y = y.reshape((q.numel(),) + (1,) * original) if dim is None or not original else y.unsqueeze(1 + dim % original)
    return y if q.dim() else y.squeeze(0)
