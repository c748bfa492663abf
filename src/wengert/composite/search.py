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
    flat = input.reshape(-1).contiguous()
    first, inverse, counts = _core.unique_places(flat, return_inverse, return_counts)
    result = [ops.index_select(flat, 0, first)]
    if return_inverse:
        result.append(inverse.reshape(input.shape))
    if return_counts:
        result.append(counts)
    return result[0] if len(result) == 1 else tuple(result)


def _counts(group, n):
    """How often each of 0, 1, ... n - 1 stands in a vector of integers."""
    result = _core.empty((n,), _i64)
    _core.bincount_into(result, group)
    return result


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
    if dim is not None and input.dim() == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    rows = input.reshape(-1) if dim is None else input.movedim(dim, 0)
    n = rows.shape[0]
    if n and not rows.numel():
        raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
    fresh = _core.full((n,), True, _core.dtype_by_name("bool"))     # which differ from the one before; the first does
    if n > 1:
        changes = ops.ne(rows[1:], rows[:-1])
        fresh[1:] = changes if rows.dim() == 1 else ops.any_dim(changes.reshape(n - 1, -1), (1,))
    first = ops.nonzero(fresh).squeeze(1)
    kept = ops.index_select(rows, 0, first)
    result = [kept if dim is None else kept.movedim(0, dim)]
    if return_inverse:
        group = ops.cumsum(fresh, 0) - 1
        result.append(group.reshape(input.shape) if dim is None else group)
    if return_counts:
        result.append(ops.cat([first[1:], _core.full((1,), n, _i64)]) - first if n else first)
    return result[0] if len(result) == 1 else tuple(result)


@public
def bincount(input, weights=None, minlength=0):
    """How often each of 0, 1, ... occurs; or the sums of ``weights`` there.

    Raises:
        RuntimeError: ``input`` is no vector, or holds a negative number; ``weights`` of another shape; negative ``minlength``.
        NotImplementedError: ``input`` is no tensor of integers.
    """
    if input.dtype.is_floating_point or input.dtype.name == "bool":
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{input.type()[6:-6]}'")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if input.dim() == 1 and input.shape[0] == 0:
        return _core.empty((minlength,), _i64, zero=True)
    least, most = ops.aminmax(input) if input.dim() == 1 else (-1, 0)
    if int(least) < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    n = max(minlength, int(most) + 1)
    if weights is None:
        return _counts(input, n)
    if weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    if weights.dtype.name != "float32":
        weights = weights.double()
    return ops.scatter_add(_core.full((n,), 0, weights.dtype), 0, input.to(_i64), weights)


@public(out=True)
def histc(input, bins=100, min=0, max=0):
    """Counts in ``bins`` equal bins from min to max (of the elements, if both are equal), which are not counted outside.

    Raises:
        RuntimeError: no bins, a range upside down, or not finite. NotImplementedError: ``input`` is not floating-point.
    """
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{input.type()[6:-6]}'")
    result = _core.empty((bins,), input.dtype)
    _core.histc_into(result, input.detach().contiguous(), min, max)
    return result


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
