"""Reshaping, splitting, joining, moving dimensions."""
from .. import _core, ops
from .._core import Tensor, shortcut
from ..types import Size, contiguous_format
from ._register import public


def _wrap(dim, ndim):
    """A dimension counted from the front.

    Raises:
        IndexError: out of range.
    """
    n = ndim or 1
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    return dim % n


def _ints(values):
    """Separate ints or one sequence."""
    if len(values) == 1 and not hasattr(values[0], "__index__"):
        return tuple(values[0])
    if len(values) == 1 and isinstance(values[0], (tuple, list)):
        return tuple(values[0])
    return values


@public
@shortcut(ops._reshape)
def reshape(input, *shape, **names):
    """The same elements in another shape (one size may be -1); a view where one can show them, else a copy."""
    return ops._reshape(input, _ints(shape) if shape else names["shape"])


@public(torch=False)
def reshape_as(self, other):
    """`reshape` to the shape of another tensor."""
    return ops._reshape(self, other.shape)


@public(torch=False)
@shortcut(ops.view)
def view(self, *size, dtype=None):
    """The same memory in another shape, or as elements of another dtype.

    Raises:
        RuntimeError: no strides can show that shape.
    """
    if dtype is None and len(size) == 1 and isinstance(size[0], _core.dtype):
        dtype = size[0]
    if dtype is not None:
        return _core._view_dtype(self, dtype)
    return ops.view(self, _ints(size))


@public(torch=False)
def view_as(self, other):
    """`view` in the shape of another tensor."""
    return ops.view(self, other.shape)


@public(torch=False)
def expand_as(self, other):
    """`expand` to the shape of another tensor."""
    return ops.expand(self, other.shape)


@public
def flatten(input, start_dim=0, end_dim=-1):
    """Joins the dimensions from ``start_dim`` to ``end_dim`` into one."""
    n = input.dim()
    if n > 1 and end_dim == -1:
        if start_dim == 0:
            return ops._reshape(input, -1)
        if start_dim == 1 and n > 2 and input.numel():
            return ops._reshape(input, (input.shape[0], -1))
    start, end = _wrap(start_dim, n), _wrap(end_dim, n)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if n == 0:
        return ops._reshape(input, (1,))
    if start == end:
        return input
    shape = tuple(input.shape)
    joined = 1
    for s in shape[start:end + 1]:
        joined *= s
    return ops._reshape(input, shape[:start] + (joined,) + shape[end + 1:])


@public
def unflatten(input, dim, sizes):
    """Splits a dimension into several sizes (one may be -1)."""
    d = _wrap(dim, input.dim())
    shape, sizes = tuple(input.shape), tuple(sizes)
    known = 1
    for s in sizes:
        known *= s if s != -1 else 1
    if (shape[d] != known if -1 not in sizes else known == 0 or shape[d] % known):
        raise RuntimeError(f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {d} ({shape[d]}) in the input tensor")
    if -1 in sizes:
        sizes = tuple(shape[d] // known if s == -1 else s for s in sizes)
    return ops.view(input, shape[:d] + sizes + shape[d + 1:])


@public
def ravel(input):
    """The elements as one dimension, without gaps."""
    return ops._reshape(input.contiguous(), (-1,))


@public(aliases=("moveaxis",))
def movedim(input, source, destination):
    """Moves dimensions to other places; the rest keep their order."""
    n = input.dim()
    if type(source) is int and type(destination) is int:
        order = list(range(n))
        source, destination = _wrap(source, n), _wrap(destination, n)
        if order:
            order.insert(destination, order.pop(source))
        return ops.permute(input, order)
    source = (source,) if isinstance(source, int) else tuple(source)
    destination = (destination,) if isinstance(destination, int) else tuple(destination)
    if len(source) != len(destination):
        raise RuntimeError(f"movedim: Invalid source or destination dims: source ({list(source)} dims) should contain the same number of dims "
                           f"as destination ({list(destination)} dims)")
    given = {"source": source, "destination": destination}
    source, destination = [_wrap(d, n) for d in source], [_wrap(d, n) for d in destination]
    for name, dims in (("source", source), ("destination", destination)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({list(given[name])})")
    order = [None] * n
    for s, d in zip(source, destination):
        order[d] = s
    rest = iter([d for d in range(n) if d not in source])
    return ops.permute(input, [next(rest) if o is None else o for o in order])


@public
def adjoint(input):
    """The last two dimensions swapped."""
    return ops.transpose(input, -2, -1)


@public
def narrow(input, dim, start, length):
    """The window of ``length`` elements from ``start`` along ``dim``."""
    if input.dim() == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if isinstance(start, Tensor):
        if start.dim() or start.dtype.is_floating_point or start.dtype.name == "bool":
            raise RuntimeError("start must be an 0-dim integral Tensor.")
        start = start.item()
    n = input.shape[_wrap(dim, input.dim())]
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    if start < 0:
        start += n
    if start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return ops.slice(input, dim, start, start + length, 1)


@public
@shortcut(ops.split)
def split(tensor, split_size_or_sections=None, dim=0, *, split_size=None):
    """Windows along ``dim``: of one size (the last may be smaller), or of the sizes given. The method calls them ``split_size``."""
    if split_size_or_sections is None:
        split_size_or_sections = split_size
    if split_size_or_sections is None:
        raise TypeError("split() missing 1 required positional argument: 'split_size_or_sections'")
    if isinstance(split_size_or_sections, Tensor):
        split_size_or_sections = int(split_size_or_sections)
    if isinstance(split_size_or_sections, int):
        return ops.split(tensor, split_size_or_sections, dim)
    return ops.split_with_sizes(tensor, list(split_size_or_sections), dim)


@public
def chunk(input, chunks, dim=0):
    """At most ``chunks`` windows of equal size along ``dim``; the last may be smaller."""
    if input.dim() == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input.shape[dim]
    size = -(-n // chunks)
    if size == 0:
        return ops.split_with_sizes(input, [0] * _core.check_room(chunks, "tensors"), dim)
    return ops.split(input, size, dim)


@public
def tensor_split(input, indices_or_sections, dim=0):
    """Windows along ``dim``, cut at indices or into sections that differ by at most one."""
    n = input.shape[dim]
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, int):
        k = indices_or_sections
        if k <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {k}")
        part, longer = divmod(n, k)
        cuts = [i * part + min(i, longer) for i in range(_core.check_room(k, "tensors") + 1)]
    else:
        cuts = [0, *indices_or_sections, n]
    return tuple(ops.slice(input, dim, a, b, 1) for a, b in zip(cuts, cuts[1:]))


def _axis_split(name, least, axis):
    def split(input, indices_or_sections):
        if input.dim() < least:
            raise RuntimeError(f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor with "
                               f"{input.dim()} dimensions!")
        if not isinstance(indices_or_sections, (int, tuple, list)):
            raise TypeError(f"{name}() received an invalid combination of arguments - got (Tensor, {type(indices_or_sections).__name__}), but "
                            "expected one of:\n * (Tensor input, int sections)\n * (Tensor input, tuple of ints indices)\n")
        dim = axis if input.dim() > 1 else 0
        k, n = indices_or_sections, input.shape[dim]
        if isinstance(k, int) and (k == 0 or k > 0 and n % k):
            raise RuntimeError(f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {n} is not divisible by "
                               f"the split_size {k}!")
        return tensor_split(input, k, dim)
    split.__name__ = name
    split.__doc__ = f"`tensor_split` along dimension {axis}."
    public(split)


_axis_split("hsplit", 1, 1)
_axis_split("vsplit", 2, 0)
_axis_split("dsplit", 3, 2)


def _at_least(n):
    def atleast(*tensors):
        if len(tensors) == 1 and not isinstance(tensors[0], Tensor):
            tensors = tensors[0]
        out = []
        for t in tensors:
            while t.dim() < n:
                t = t.unsqueeze(-1 if t.dim() >= 2 else 0)
            out.append(t)
        return out[0] if len(out) == 1 else tuple(out)
    atleast.__name__ = f"atleast_{n}d"
    atleast.__doc__ = f"Tensors with dimensions of size 1 added, so that there are at least {n}."
    public(atleast, method=False)
    return atleast


atleast_1d, atleast_2d, atleast_3d = _at_least(1), _at_least(2), _at_least(3)


def _not_empty(tensors, name):
    if not len(tensors):
        raise RuntimeError(f"{name} expects a non-empty TensorList")


@public(method=False, out=True)
def hstack(tensors):
    """Joins along the second dimension (the first of 1-d tensors)."""
    _not_empty(tensors, "hstack")
    tensors = [t if t.dim() else atleast_1d(t) for t in tensors]
    return ops.cat(tensors, 0 if tensors[0].dim() == 1 else 1)


@public(method=False, aliases=("row_stack",), out=True)
def vstack(tensors):
    """Joins along the first dimension; 1-d tensors are rows."""
    _not_empty(tensors, "vstack")
    return ops.cat([t if t.dim() > 1 else t.unsqueeze(0) if t.dim() else atleast_2d(t) for t in tensors], 0)


@public(method=False, out=True)
def dstack(tensors):
    """Joins along the third dimension."""
    _not_empty(tensors, "dstack")
    return ops.cat([atleast_3d(t) for t in tensors], 2)


@public(method=False, out=True)
def column_stack(tensors):
    """Joins along the second dimension; 1-d tensors are columns."""
    _not_empty(tensors, "column_stack")
    return ops.cat([t.reshape(t.numel(), 1) if t.dim() <= 1 else t for t in tensors], 1)


@public
def tile(input, *dims):
    """Repeats the tensor, with leading dimensions of 1 added to either side as needed."""
    dims = _ints(dims)
    dims = (1,) * (input.dim() - len(dims)) + tuple(dims)
    return ops.repeat(input, dims)


@public
def repeat_interleave(input, repeats, dim=None, *, output_size=None):
    """Each element (or slice along ``dim``) repeated as often as ``repeats`` says."""
    i64 = _core.dtype_by_name("int64")
    if dim is None:
        input, dim = input if input.dim() == 1 else input.reshape(-1), 0
    dim = _wrap(dim, input.dim()) if input.dim() else _wrap(1, 0)
    n = input.shape[dim]
    if isinstance(repeats, Tensor) and repeats.numel() != 1 or isinstance(repeats, (list, tuple)) and len(repeats) != 1:
        counts = repeats.to(i64) if isinstance(repeats, Tensor) else _core.from_data(list(repeats), i64)
        if counts.dim() > 1:
            raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
        if counts.shape[0] != n:
            raise RuntimeError("repeats must have the same size as input along dim, but got repeats.size(0) = "
                               f"{counts.shape[0]} and input.size({dim}) = {n}")
    else:
        count = int(repeats if not isinstance(repeats, (list, tuple)) else repeats[0])
        if count < 0:
            raise RuntimeError("Repeats must be non-negative")
        shape = list(input.shape)
        every = ops.expand(ops.unsqueeze(input, dim + 1), shape[:dim + 1] + [count] + shape[dim + 1:])
        return ops._reshape(every.clone(memory_format=contiguous_format), shape[:dim] + [n * count] + shape[dim + 1:])
    if n and counts.min() < 0:
        raise RuntimeError("repeats can not be negative")
    total = sum(counts.tolist())                             # a sum of int64 might wrap
    index = _core.full((total + 1,), 0, i64)
    _core._index_add(index, counts.cumsum(0), _core.full((n,), 1, i64))
    index = index[:total].cumsum(0)                          # how many parts have ended before each place
    return ops.index_select(input, dim, index)


@public
def rot90(input, k=1, dims=(0, 1)):
    """Rotated by k quarter turns in the plane of two dimensions.

    Raises:
        RuntimeError: not two different dimensions.
    """
    dims = (dims,) if isinstance(dims, int) else tuple(dims)
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.dim() < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.dim()}")
    a, b = dims
    if a == b or abs(a - b) == input.dim():
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {a} and dim1 = {b}")
    for d in dims:
        if not -input.dim() <= d < input.dim():
            raise RuntimeError(f"Rotation dim{dims.index(d)} out of range, dim{dims.index(d)} = {d}")
    k %= 4
    if k == 1:
        return input.flip(b).transpose(a, b)
    if k == 2:
        return input.flip((a, b))
    if k == 3:
        return input.flip(a).transpose(a, b)
    return input.clone()


@public
def fliplr(input):
    """Columns in reverse order."""
    if input.dim() < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return input.flip(1)


@public
def flipud(input):
    """Rows in reverse order."""
    if input.dim() < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return input.flip(0)


@public(out=True)
def diag(input, diagonal=0):
    """The diagonal of a matrix, or a matrix with a vector on its diagonal."""
    if input.dim() == 1:
        n = input.shape[0] + abs(diagonal)
        out = _core.full((n, n), 0, input.dtype)
        ops.copy_into_(ops.diagonal(out, diagonal), input)
        return out
    if input.dim() != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.dim()}D")
    return ops.diagonal(input, diagonal).clone()


@public
def diagflat(input, offset=0):
    """A matrix with all elements on its diagonal."""
    return diag_embed(input.reshape(-1), offset)


@public
def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    """Matrices whose diagonals are the rows of ``input``."""
    n = input.dim() + 1
    size = input.shape[-1] + abs(offset)
    d1, d2 = _wrap(dim1, n), _wrap(dim2, n)
    if d1 == d2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    shape = list(input.shape[:-1])
    for d in sorted((d1, d2)):
        shape.insert(d, size)
    out = _core.full(shape, 0, input.dtype)
    ops.copy_into_(ops.diagonal(out, offset, d1, d2), input)
    return out


@public(method=False)
def broadcast_shapes(*shapes):
    """The shape that tensors of these shapes broadcast to.

    Raises:
        RuntimeError: they do not.
    """
    shapes = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    n = max((len(s) for s in shapes), default=0)
    out = [1] * n
    for s in shapes:
        for i, size in enumerate(reversed(s)):
            at = n - 1 - i
            if size != 1 and out[at] not in (1, size):
                raise RuntimeError("Shape mismatch: objects cannot be broadcast to a single shape")
            if size != 1:
                out[at] = size
    return Size(out)


@public(method=False)
def broadcast_tensors(*tensors):
    """The tensors, expanded to the shape they broadcast to."""
    tensors = tuple(tensors[0]) if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else tensors
    together = _core.expand_together(tensors)
    if together is not None:
        return together
    shape = ()
    for t in tensors:
        for back in range(1, min(len(shape), t.dim()) + 1):
            a, b = shape[-back], t.shape[-back]
            if a != b and a != 1 and b != 1:
                raise RuntimeError(f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton dimension "
                                   f"{max(len(shape), t.dim()) - back}")
        shape = broadcast_shapes(shape, t.shape)
    return tuple(ops.expand(t, shape) for t in tensors)


@public
def broadcast_to(input, size):
    """`expand`."""
    return ops.expand(input, size)


@public(method=False)
def meshgrid(*tensors, indexing="ij"):
    """Grids of coordinates: one tensor per input, each of the shape of all sizes."""
    tensors = tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else tensors
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    tensors, n = list(tensors), len(tensors)
    for t in tensors:
        if t.dim() > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {t}")
    for t in tensors:
        if t.dtype is not tensors[0].dtype:
            raise RuntimeError("torch.meshgrid expects all tensors to have the same dtype")
    swap = indexing == "xy" and n > 1
    if swap:
        tensors[0], tensors[1] = tensors[1], tensors[0]
    shape = [t.numel() for t in tensors]
    grids = [ops.expand(t.reshape([-1] + [1] * (n - 1 - k)), shape) for k, t in enumerate(tensors)]
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


@public(method=False)
def cartesian_prod(*tensors):
    """All combinations of the elements of 1-d tensors, one a row."""
    if len(tensors) == 1:
        return tensors[0]
    return ops.stack([g.reshape(-1) for g in meshgrid(*tensors)], 1)


@public
def swapaxes_(self, axis0, axis1):
    """`transpose_`."""
    return self.transpose_(axis0, axis1)


@public(method=False)
def block_diag(*tensors):
    """A matrix with the given ones along its diagonal."""
    tensors = [t if t.dim() == 2 else atleast_2d(t) for t in tensors]
    rows, columns = sum(t.shape[0] for t in tensors), sum(t.shape[1] for t in tensors)
    out, r, c = _core.full((rows, columns), 0, tensors[0].dtype), 0, 0
    for t in tensors:
        out[r:r + t.shape[0], c:c + t.shape[1]] = t
        r, c = r + t.shape[0], c + t.shape[1]
    return out


@public(method=False)
def tril_indices(row, col, offset=0, *, dtype=None, device=None, layout=None):
    """Indices of the lower triangle of a row x col matrix: (2, n)."""
    return _triangle(row, col, offset, dtype, False)


@public(method=False)
def triu_indices(row, col, offset=0, *, dtype=None, device=None, layout=None):
    """Indices of the upper triangle of a row x col matrix: (2, n)."""
    return _triangle(row, col, offset, dtype, True)


def _triangle(row, col, offset, dtype, upper):
    """Row and column of each element of a matrix on and above, or on and below, one of its diagonals."""
    for name, size in (("row", row), ("col", col)):
        if size < 0:
            raise RuntimeError(f"{name} must be non-negative, got{size}")
    places = _core.triangle_indices(row, col, min(max(offset, -row), col), upper)       # clamped to where it changes nothing any more
    return places if dtype is None else places.to(dtype)


@public
def select_scatter(input, src, dim, index):
    """A copy with the slice at ``index`` of ``dim`` replaced."""
    out = input.clone()
    ops.copy_into_(ops.select(out, dim, index), src)
    return out


@public(out=True)
def slice_scatter(input, src, dim=0, start=None, end=None, step=1):
    """A copy with a window along ``dim`` replaced."""
    out = input.clone()
    ops.copy_into_(ops.slice(out, dim, start or 0, input.shape[dim] if end is None else end, step), src)
    return out


@public
def diagonal_scatter(input, src, offset=0, dim1=0, dim2=1):
    """A copy with a diagonal replaced."""
    out = input.clone()
    ops.copy_into_(ops.diagonal(out, offset, dim1, dim2), src)
    return out
