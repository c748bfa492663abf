"""View functions that copy what the view would show: ``expand_copy``, ``t_copy``, ..., and views written into a copy."""
from .. import _core, ops
from .._core import Tensor
from ._register import functions, public
from .shape import narrow as _narrow
from .shape import split as _split

#: name of the view function -> how it is called
_VIEWS = {
    "alias": lambda input: input,
    "as_strided": lambda input, size, stride, storage_offset=None: ops.as_strided(input, size, stride, storage_offset),
    "diagonal": lambda input, offset=0, dim1=0, dim2=1: ops.diagonal(input, offset, dim1, dim2),
    "detach": lambda input: input.detach(),
    "expand": lambda input, size, *, implicit=False: ops.expand(input, size),
    "narrow": lambda input, dim, start, length: _narrow(input, dim, start, length),
    "permute": lambda input, dims: ops.permute(input, dims),
    "select": lambda input, dim, index: ops.select(input, dim, index),
    "slice": lambda input, dim=0, start=None, end=None, step=1: ops.slice(
        input, dim, start or 0, input.shape[dim] if end is None else end, step),
    "squeeze": lambda input, *dim: input.squeeze(*dim),
    "t": lambda input: ops.t(input),
    "transpose": lambda input, dim0, dim1: ops.transpose(input, dim0, dim1),
    "unfold": lambda input, dimension, size, step: ops.unfold(input, dimension, size, step),
    "unsqueeze": lambda input, dim: ops.unsqueeze(input, dim),
    "view": lambda input, *size, dtype=None: input.reshape(*size) if dtype is None else input.view(dtype),
}
#: the same for functions of several results
_LISTS = {
    "split": lambda tensor, split_size, dim=0: _split(tensor, split_size, dim),
    "split_with_sizes": lambda input, split_sizes, dim=0: ops.split_with_sizes(input, list(split_sizes), dim),
    "unbind": lambda input, dim=0: ops.unbind(input, dim),
}


def _copying(name, view, many):
    def copy(*args, **kwargs):
        result = view(*args, **kwargs)
        return tuple(ops.clone(r, memory_format=0) for r in result) if many else ops.clone(result, memory_format=0)

    copy.__name__ = copy.__qualname__ = name + "_copy"
    copy.__doc__ = f"What `{name}` shows, as a copy."
    public(copy, method=name == "narrow", out=True)


for _name, _view in (*_VIEWS.items(), *_LISTS.items()):
    _copying(_name, _view, _name in _LISTS)


def _unsafe(name, split):
    def unsafe(*args, **kwargs):
        return tuple(_core._stand_alone(part) for part in split(*args, **kwargs))

    unsafe.__name__ = unsafe.__qualname__ = "unsafe_" + name
    unsafe.__doc__ = f"`{name}`, whose parts are no views for autograd: each may be written to, as long as neither the input nor another is used."
    public(unsafe)


_unsafe("split", _split)
_unsafe("chunk", functions["chunk"])
_unsafe("split_with_sizes", functions["split"])


@public(out=True)
def as_strided_scatter(input, src, size, stride, storage_offset=None):
    """A copy with the elements that `as_strided` shows replaced."""
    out = ops.clone(input)
    ops.copy_into_(ops.as_strided(out, size, stride, 0 if storage_offset is None else storage_offset), src)
    return out


@public(method=False)
def empty_permuted(size, physical_layout, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """Unwritten memory of a shape whose dimensions lie in memory in the order ``physical_layout``, the outermost first.

    Raises:
        RuntimeError: the layout is no permutation of the dimensions.
    """
    size, physical_layout = tuple(size), tuple(physical_layout)
    if len(size) != len(physical_layout):
        raise RuntimeError(f"Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = {len(size)} is "
                           f"not equal to len(physical_layout) = {len(physical_layout)}")
    seen = set()
    for i, d in enumerate(physical_layout):
        if not 0 <= d < len(size):
            raise RuntimeError(f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got {d} at index {i}).  NB: negative "
                               "dims not currently supported; file an issue if you want it.")
        if d in seen:
            raise RuntimeError("Duplicate dim not allowed")
        seen.add(d)
    from ..creation import empty
    place = [physical_layout.index(d) for d in range(len(size))]
    memory = empty([size[d] for d in physical_layout], dtype=dtype, device=device)
    return ops.permute(memory, place).detach().requires_grad_(requires_grad)


@public(method=False, out=True)
def constant_pad_nd(input, pad, value=0):
    """`nn.functional.pad` with a constant."""
    return ops.pad(input, list(pad), "constant", value)


@public(out=True)
def nonzero_static(input, *, size, fill_value=-1):
    """`nonzero` in a result of ``size`` rows: more are cut off, missing ones are ``fill_value``."""
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, but got {size}")
    found = ops.nonzero(input)
    missing = size - found.shape[0]
    if missing <= 0:
        return ops.clone(found[:size], memory_format=0)
    return ops.cat([ops.clone(found, memory_format=0), _core.full((missing, input.dim()), fill_value, found.dtype)], 0)
