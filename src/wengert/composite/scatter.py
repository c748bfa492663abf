"""Scattering with reductions: several elements that meet at one place are summed, multiplied, averaged or compared."""
from .. import _core, ops
from ..autograd.function import Function
from . import search  # noqa: F401  (unique)
from ._register import functions, in_place, methods, public

_REDUCTIONS = ("sum", "prod", "amax", "amin", "mean")                # in the kernel's order
_table_scatter, _table_scatter_ = ops._public("torch")["scatter"], ops._public("method")["scatter_"]


def _columns(dim, index, src):
    """Index and source, one position along ``dim`` after the other: within one no place is met twice."""
    for k in range(index.shape[dim] if index.dim() else 1):
        yield (index, src) if not index.dim() else (ops.slice(index, dim, k, k + 1, 1), ops.slice(src, dim, k, k + 1, 1))


def _combine(x, dim, index, src, function):
    """x with each element of src combined into its place by a function of two tensors."""
    for i, s in _columns(dim, index, src):
        x = ops.scatter(x, dim, i, function(ops.gather(x, dim, i), s))
    return x


class ScatterReduce(Function):
    """Largest or smallest elements. The gradient is divided evenly among equal ones."""

    @staticmethod
    def forward(ctx, x, dim, index, src, reduce, include_self):
        result = ops._scatter_reduce(x, dim, index, src, _REDUCTIONS.index(reduce), include_self)
        ctx.dim, ctx.include_self = dim, include_self
        ctx.save_for_backward(x, index, src, result)
        return result

    @staticmethod
    def backward(ctx, g):
        x, index, src, result = ctx.saved_tensors
        mine = ops.eq(x, result).to(g.dtype)
        theirs = ops.eq(src, ops.gather(result, ctx.dim, index)).to(g.dtype)
        if not ctx.include_self:
            mine = ops.scatter_value(mine, ctx.dim, index, 0)
        share = g / ops.scatter_add(mine, ctx.dim, index, theirs)
        return share * mine, None, None, ops.gather(share, ctx.dim, index) * theirs, None, None


@public(out=True, inplace=True)
def scatter_reduce(input, dim, index, src, reduce, *, include_self=True):
    """A copy in which the elements of ``src`` are reduced into the places that ``index`` names along ``dim``.

    Args:
        reduce: "sum", "prod", "mean", "amax" or "amin". include_self: do the elements that stood there take part?

    Raises:
        RuntimeError: another reduction, or shapes and dtypes that `scatter` refuses. NotImplementedError: a mean of truth values.
    """
    if reduce not in _REDUCTIONS:
        raise RuntimeError("reduce argument must be either sum, prod, mean, amax or amin, got " + str(reduce))
    if reduce == "mean" and input.dtype is src.dtype and input.dtype.name == "bool":
        raise NotImplementedError("\"scatter_gather_tensor_cpu_reduce_mean\" not implemented for 'Bool'")
    return _reduced("scatter_reduce", input, dim, index, src, reduce, include_self)


def _reduced(name, input, dim, index, src, reduce, include_self):
    if input.dtype is not src.dtype:
        raise RuntimeError(f"{name.split('_')[0]}(): Expected self.dtype to be equal to src.dtype")
    if index.numel() == 0:
        return input.clone()
    if index.dtype.name not in ("int64", "int32"):
        raise RuntimeError(f"{name.split('_')[0]}(): Expected dtype int32/int64 for index")
    if tuple(src.shape) != tuple(index.shape):
        if src.dim() != index.dim() or any(a < b for a, b in zip(src.shape, index.shape)):
            return ops.scatter_add(input, dim, index, src)  # raises, in PyTorch's words
        for d, n in enumerate(index.shape):
            src = ops.slice(src, d, 0, n, 1)
    if not ((input.requires_grad or src.requires_grad) and _core.is_grad_enabled()):
        return ops._scatter_reduce(input, dim, index, src, _REDUCTIONS.index(reduce), include_self)
    if reduce in ("amax", "amin"):
        return ScatterReduce.apply(input, dim, index, src, reduce, include_self)
    if not include_self:
        input = ops.scatter_value(input, dim, index, 1 if reduce == "prod" else 0)
    if reduce == "sum":
        return ops.scatter_add(input, dim, index, src)
    if reduce == "prod":
        return _combine(input, dim, index, src, ops.mul)
    total = ops.scatter_add(input, dim, index, src)
    count = _core.full(input.shape, 1, input.dtype)
    if not include_self:
        count = ops.scatter_value(count, dim, index, 0)
    return total / ops.scatter_add(count, dim, index, _core.full(index.shape, 1, input.dtype)).clamp(min=1)


@public(out=True, inplace=True)
def index_reduce(input, dim, index, source, reduce, *, include_self=True):
    """A copy in which the slices of ``source`` along ``dim`` are reduced into the slices that ``index`` names.

    Args:
        reduce: "prod", "mean", "amax" or "amin". include_self: do the elements that stood there take part?
    """
    if reduce not in _REDUCTIONS[1:]:
        raise RuntimeError("index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got " + str(reduce) + ".")
    if input.dtype is not source.dtype:
        raise RuntimeError("index_reduce_(): self and source expected to have the same dtype, but got (self) "
                           f"{input.type()[6:-6]} and (source) {source.type()[6:-6]}")
    if index.dim() > 1:
        raise RuntimeError("index_reduce_(): Index is supposed to be a vector")
    if input.dtype.name == "bool":
        raise NotImplementedError("\"index_func_\" not implemented for 'Bool'")
    d = dim % max(input.dim(), 1)
    places = ops.expand(index.reshape([-1 if i == d else 1 for i in range(source.dim())]), tuple(source.shape))
    return _reduced("index_reduce", input, d, places, source, reduce, include_self)


_table_fill = ops._public("torch")["index_fill"]


@public(out=True)
def index_fill(input, dim, index, value):
    """A copy whose slices along ``dim`` that ``index`` names are ``value``, a number or a tensor without dimensions."""
    if not isinstance(value, _core.Tensor) or not value.requires_grad or value.dim():
        return _table_fill(input, dim, index, _scalar(value))
    slices = list(input.shape)
    if slices:
        index = functions["unique"](index)                  # a place named twice is still filled once
        slices[dim] = index.numel()
    return ops.index_copy(input, dim, index, ops.expand(value.to(input.dtype), slices))


def _scalar(value):
    if isinstance(value, _core.Tensor) and value.dim():
        raise RuntimeError(f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.dim()} dimension(s).")
    return value


@public(torch=False)
def index_fill_(self, dim, index, value):
    """`index_fill` in place."""
    if isinstance(value, _core.Tensor) and value.requires_grad:
        return _index_fill_in_place(self, dim, index, value)
    return _table_fill_(self, dim, index, _scalar(value))


_table_fill_, _index_fill_in_place = ops._public("method")["index_fill_"], in_place(index_fill, "index_fill_")


def _with_reduce(table, name):
    """`scatter` with its old argument reduce= ("add" or "multiply")."""
    def scatter(*args, reduce=None, **kwargs):
        if reduce is None:
            return table(*args, **kwargs)
        out = kwargs.pop("out", None)
        given = dict(zip(("input", "dim", "index", "src"), args)) | kwargs
        input, dim, index = given["input"], given["dim"], given["index"]
        src = given["value"] if "value" in given else given["src"]
        if reduce not in ("add", "multiply"):
            raise RuntimeError("reduce argument must be either add or multiply.")
        if not isinstance(src, _core.Tensor):
            src = _core.full(tuple(index.shape), src, input.dtype)
        result = _reduced("scatter", input, dim, index, src, "sum" if reduce == "add" else "prod", True)
        return result if out is None else _core._write_out("scatter", result, out)

    scatter.__name__ = scatter.__qualname__ = name
    scatter.__doc__ = "Values written along ``dim`` at the places of an index; added or multiplied with reduce=."
    return scatter


functions["scatter"] = methods["scatter"] = _with_reduce(_table_scatter, "scatter")
_scatter_in_place = in_place(functions["scatter"], "scatter_")


def _scatter_(*args, reduce=None, **kwargs):
    """Values written along ``dim`` at the places of an index, into the tensor; added or multiplied with reduce=."""
    return _table_scatter_(*args, **kwargs) if reduce is None else _scatter_in_place(*args, reduce=reduce, **kwargs)


methods["scatter_"] = _scatter_
