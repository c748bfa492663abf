"""Views: windows on the same storage, and the rows that carry their gradients back.

The forward function makes a window and launches nothing. A row `_<view>_back` is the adjoint of its view: zeros of
the input's shape with the gradient written (or, where windows overlap, added) at the window's place.
"""


def define(op):
    view = {"kind": "view"}
    op("view", "x, size: int[]", vjp={"x": "_reshape(g, shape(x))"}, where="m", **view,
       doc="The same elements in another shape, without a copy.")
    op("_reshape", "x, size: int[]", vjp={"x": "_reshape(g, shape(x))"}, grad_name="ViewBackward0", **view,
       doc="Row-major elements in another shape; copies only if no window can show them. For formulas: the result may share memory.")
    op("_unsafe_view", "x, size: int[]", vjp={"x": "_reshape(g, shape(x))"}, **view)
    op("_resize_ones", "x, size: int[]", vjp={"x": "_resize_ones(g, shape(x))"}, **view,
       doc="Adds and drops dimensions of size 1; always a window.")
    op("alias", "x", vjp={"x": "g"}, where="", **view)
    op("detach", "x", vjp="nondiff", where="tm", inplace=True, **view)
    op("transpose", "x, dim0: int, dim1: int", vjp={"x": "transpose(g, dim0, dim1)"}, inplace=True,
       aliases=("swapaxes", "swapdims"), samples=({"dim0": 0, "dim1": 1},), **view)
    op("t", "x", vjp={"x": "t(g)"}, inplace=True, **view)
    op("permute", "x, dims: int[]", vjp={"x": "_permute_back(g, dims)"}, **view)
    op("_permute_back", "x, dims: int[]", vjp={"x": "permute(g, dims)"}, **view, grad_name="PermuteBackward0",
       doc="The inverse permutation.")
    op("squeeze", "x", vjp={"x": "_resize_ones(g, shape(x))"}, inplace=True, **view)
    op("squeeze_dim", "x, dim: int[]", vjp={"x": "_resize_ones(g, shape(x))"}, public="squeeze", inplace=True,
       grad_name="SqueezeBackward1", **view)
    op("unsqueeze", "x, dim: int", vjp={"x": "_resize_ones(g, shape(x))"}, inplace=True, **view)
    op("expand", "x, size: int[]", vjp={"x": "sum_to(g, shape(x))"}, where="m", **view)
    op("_unreduce", "x, shape: int[], dim: int[]?, keepdim: bool", vjp={"x": "sum_dim(g, dim, keepdim)"}, **view,
       grad_name="ExpandBackward0",
       doc="Broadcasts the result of a reduction back to the shape that was reduced. dim None or () is every dimension.")
    op("select", "x, dim: int, index: int", vjp={"x": "_select_back(g, shape(x), dim, index)"}, **view)
    op("slice", "x, dim: int = 0, start: int = 0, end: int = 9223372036854775807, step: int = 1",
       vjp={"x": "_slice_back(g, shape(x), dim, start, end, step)"}, where="", **view)
    op("diagonal", "x, offset: int = 0, dim1: int = 0, dim2: int = 1",
       vjp={"x": "_diagonal_back(g, shape(x), offset, dim1, dim2)"}, **view)
    op("unfold", "x, dimension: int, size: int, step: int",
       vjp={"x": "_unfold_back(g, shape(x), dimension, size, step)"}, where="m", **view)
    op("as_strided", "x, size: int[], stride: int[], storage_offset: int? = None",
       vjp={"x": "_as_strided_back(g, shape(x), size, stride, storage_offset)"}, inplace=True, **view,
       doc="Any window on the storage. The gradient is right for inputs that are contiguous and start at offset 0.")
    op("split", "x, split_size: int, dim: int = 0", outs="y[]", vjp={"x": "cat(g, dim)"}, **view)
    op("split_with_sizes", "x, split_sizes: int[], dim: int = 0", outs="y[]", vjp={"x": "cat(g, dim)"}, aliases=("split",), **view)
    op("unbind", "x, dim: int = 0", outs="y[]", vjp={"x": "stack(g, dim)"}, **view)

    # ---- adjoints ----
    op("_select_back", "x, shape: int[], dim: int, index: int", vjp={"x": "select(g, dim, index)"},
       grad_name="SelectBackward0")
    op("_slice_back", "x, shape: int[], dim: int, start: int, end: int, step: int",
       vjp={"x": "slice(g, dim, start, end, step)"}, grad_name="SliceBackward0")
    op("_diagonal_back", "x, shape: int[], offset: int, dim1: int, dim2: int", vjp={"x": "diagonal(g, offset, dim1, dim2)"},
       grad_name="DiagonalBackward0")
    op("_unfold_back", "x, shape: int[], dimension: int, size: int, step: int",
       vjp={"x": "unfold(g, dimension, size, step)"}, grad_name="UnfoldBackward0",
       doc="Adds up what overlapping windows share.")
    op("_as_strided_back", "x, shape: int[], size: int[], stride: int[], storage_offset: int?",
       vjp={"x": "_strided_window(g, size, stride, storage_offset)"}, grad_name="AsStridedBackward0",
       doc="Adds up what overlapping windows share.")
