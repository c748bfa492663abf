"""Sorting, searching, counting, indexing by name."""
from .. import _core, ops
from .._core import Tensor
from ._register import methods, public

_i64 = _core.dtype_by_name("int64")
_table_where, _table_nonzero = ops._public("torch")["where"], ops._public("torch")["nonzero"]


@public
def argsort(input, dim=-1, descending=False, stable=False):
    """Indices that sort along ``dim``."""
    return ops.sort(input, dim, descending, stable=stable).indices


@public(out=True)
def msort(input):
    """Sorted along the first dimension."""
    return ops.sort(input, 0).values


@public(method=False)
def where(condition, input=None, other=None, *, out=None):
    """Elements of ``input`` where condition holds, of ``other`` elsewhere; with a condition alone, its nonzero indices."""
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if condition.dtype.name != "bool":
        if condition.dtype.name != "uint8":
            raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.type()[6:-6]}")
        condition = condition.bool()
    result = _table_where(condition, input, other)
    return result if out is None else _core._write_out("where", result, out)


methods["where"] = lambda self, condition, other: where(condition, self, other)


@public
def nonzero(input, *, out=None, as_tuple=False):
    """Indices of the elements that are not zero: (n, dims), or a tuple of one 1-d tensor per dimension."""
    if as_tuple:
        if input.dim() == 0:
            return ops.nonzero(input.unsqueeze(0)).unbind(1)
        return ops.nonzero(input).unbind(1)
    result = ops.nonzero(input)
    return result if out is None else _core._write_out("nonzero", result, out)


@public(method=False)
def argwhere(input):
    """Indices of the elements that are not zero: (n, dims)."""
    return ops.nonzero(input)


methods["argwhere"] = argwhere


@public
def masked_select(input, mask, *, out=None):
    """The elements where ``mask`` holds, as one dimension; both are broadcast."""
    if out is not None:
        _core._check_out_apart(out, input, mask)
    result = ops.masked_select(input, mask)
    return result if out is None else _core._write_out("masked_select", result, out)


@public
def take_along_dim(input, indices, dim=None, *, out=None):
    """`gather` with broadcasting; over the flat elements without ``dim``."""
    if dim is None:
        result = ops.gather(input.reshape(-1), 0, indices.reshape(-1))
    else:
        from .shape import _wrap, broadcast_shapes
        if input.dim() != indices.dim():
            raise RuntimeError(f"torch.take_along_dim(): input and indices should have the same number of dimensions, but got {input.dim()} "
                               f"dimensions for input, and {indices.dim()} dimensions for indices")
        if indices.dtype.name != "int64":
            raise RuntimeError("torch.take_along_dim(): dtype of indices should be Long but got " + indices.type()[6:-6])
        d = _wrap(dim, input.dim())
        indices = ops.where(indices < 0, indices + input.shape[d], indices)
        a, b = list(input.shape), list(indices.shape)
        a[d] = b[d] = 1
        shape = list(broadcast_shapes(a, b))
        result = ops.gather(input.expand([input.shape[d] if i == d else s for i, s in enumerate(shape)]), d,
                            indices.expand([indices.shape[d] if i == d else s for i, s in enumerate(shape)]))
    return result if out is None else _core._write_out("take_along_dim", result, out)


def _key(indices):
    return tuple(slice(None) if i is None else i for i in indices)


@public
def index_put(input, indices, values, accumulate=False):
    """A copy with values written (or added) at the places that a tuple of index tensors names."""
    return index_put_(input.clone(), indices, values, accumulate)


@public
def index_put_(self, indices, values, accumulate=False):
    """Writes (or adds, repeats included) values at the places that a tuple of index tensors names."""
    if not accumulate:
        self[_key(indices)] = values
        return self
    if not isinstance(values, Tensor):
        values = _core.from_data(values, self.dtype)
    return _core._index_add(self, _key(indices), values)


def _unique(name, wants):
    from ..types import make_return_type
    return make_return_type(name, wants)


@public
def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The distinct elements in order; on request where each element went, and how often each occurs."""
    if dim is not None:
        return _unique_dim(input, dim, return_inverse, return_counts)
    flat = input.reshape(-1)
    values, order = ops.sort(flat, 0)
    fresh = _changes(values)
    result = [values[fresh]]
    group = ops.cumsum(fresh, 0) - 1
    if return_inverse:
        inverse = _core.empty((flat.numel(),), _i64)
        result.append(ops.scatter(inverse, 0, order, group).reshape(input.shape))
    if return_counts:
        result.append(_counts(group, result[0].shape[0]))
    return result[0] if len(result) == 1 else tuple(result)


def _changes(values):
    """Which elements differ from the one before; the first does."""
    n = values.shape[0]
    fresh = _core.full((n,), True, _core.dtype_by_name("bool"))
    if n > 1:
        fresh[1:] = values[1:] != values[:-1]
    return fresh


def _counts(group, n):
    return ops.scatter_add(_core.full((n,), 0, _i64), 0, group, _core.full(group.shape, 1, _i64))


def _unique_dim(input, dim, return_inverse, return_counts):
    rows = input.movedim(dim, 0)
    keys = [tuple(r.reshape(-1).tolist()) for r in rows]
    distinct = sorted(set(keys))
    place = {k: i for i, k in enumerate(distinct)}
    first = [keys.index(k) for k in distinct]
    result = [ops.index_select(input, dim, _core.from_data(first, _i64))]
    if return_inverse:
        result.append(_core.from_data([place[k] for k in keys], _i64))
    if return_counts:
        result.append(_core.from_data([keys.count(k) for k in distinct], _i64))
    return result[0] if len(result) == 1 else tuple(result)


@public
def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """The elements (or slices along ``dim``) with repeats of a neighbour left out."""
    if dim is None:
        flat = input.reshape(-1)
        fresh = _changes(flat)
        kept = flat[fresh]
    else:
        rows = input.movedim(dim, 0) if input.dim() else input.reshape(1)
        flat = rows.reshape(rows.shape[0], -1) if rows.numel() else rows.reshape(rows.shape[0], 0)
        fresh = _core.full((flat.shape[0],), True, _core.dtype_by_name("bool"))
        if flat.shape[0] > 1:
            fresh[1:] = ops.any_dim(ops.ne(flat[1:], flat[:-1]), (1,))
        kept = rows[fresh].movedim(0, dim) if input.dim() else input.reshape(1)
    group = ops.cumsum(fresh, 0) - 1
    result = [kept]
    if return_inverse:
        result.append(group.reshape(input.shape) if dim is None else group)
    if return_counts:
        result.append(_counts(group, int(fresh.sum())))
    return result[0] if len(result) == 1 else tuple(result)


@public
def bincount(input, weights=None, minlength=0):
    """How often each of 0, 1, ... occurs; or the sums of ``weights`` there."""
    if input.dim() != 1 or input.dtype.is_floating_point:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if not _core.all_within(input, 0, 1 << 62) and input.numel() and int(input.min()) < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    n = max(minlength, int(input.max()) + 1 if input.numel() else 0)
    index = input.to(_i64)
    if weights is None:
        return _counts(index, n)
    if not weights.dtype.is_floating_point:
        weights = weights.double()
    return ops.scatter_add(_core.full((n,), 0, weights.dtype), 0, index, weights)


@public(out=True)
def histc(input, bins=100, min=0, max=0):
    """Counts in ``bins`` equal bins from min to max (of the elements, if both are equal)."""
    if max < min:
        raise RuntimeError("max must be larger than min")
    if min == max and input.numel():
        min, max = float(input.min()), float(input.max())
    if min == max:
        min, max = min - 1, max + 1
    x = input.reshape(-1)
    x = x[(x >= min) & (x <= max)]
    place = ((x - min) * (bins / (max - min))).floor().clamp(0, bins - 1).to(_i64)
    return _counts(place, bins).to(input.dtype)


@public(method=False, out=True)
def searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None):
    """Where each value would be inserted into a sorted sequence (the last dimension) to keep it sorted."""
    if sorter is not None:
        sorted_sequence = ops.gather(sorted_sequence, -1, sorter)
    right = right or side == "right"
    scalar = not isinstance(input, Tensor)
    if scalar:
        input = _core.from_data(input, sorted_sequence.dtype)
    if sorted_sequence.dim() == 0 or sorted_sequence.dim() > 1 and sorted_sequence.shape[:-1] != input.shape[:-1]:
        raise RuntimeError("torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input "
                           f"value tensor must match, but we got boundaries tensor {list(sorted_sequence.shape)} and input value tensor "
                           f"{list(input.shape)}")
    common = _core.promote_types(sorted_sequence.dtype, input.dtype)
    result = _core.empty(tuple(input.shape), _core.dtype_by_name("int32") if out_int32 else _i64)
    _core.searchsorted_into(result, ops.to_dtype(sorted_sequence.detach(), common), ops.to_dtype(input.detach(), common), right)
    return result


@public(method=False, out=True)
def bucketize(input, boundaries, *, out_int32=False, right=False):
    """Which interval between sorted boundaries each value lies in."""
    if boundaries.dim() != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.dim()})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)
