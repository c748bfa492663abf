"""Gather, scatter, masks and advanced indexing.

Every way to read has one way to add back: gather and _scatter_sum, index_select and _index_sum, take and _take_sum,
_index and _index_put_sum, masked_select and _masked_place are adjoint to each other, so that all orders exist.
Indices are int64 tensors; they never carry a gradient.
"""


def define(op):
    inplace = {"inplace": True}
    # x[i, j, ...]: the indexed dimensions of x come first, the index tensors are broadcast and stacked: index[k] indexes
    # dim k. The dimensions of an index stand behind the first `place` of x's other dimensions: x[:, i] has place 1.
    op("_index", "x, index, place: int = 0", vjp={"x": "_index_put_sum(g, index, shape(x), place)", "index": "nondiff"}, linear="x",
       grad_name="IndexBackward0", doc="y[s] = x[index[0][s], ..., index[k-1][s]], for index of shape (k, *s).")
    op("_index_put_sum", "x, index, shape: int[], place: int = 0", vjp={"x": "_index(g, index, place)", "index": "nondiff"}, linear="x",
       grad_name="IndexPutBackward0", doc="Zeros of this shape, with x added at the indices.")
    op("_index_put", "x, index, values, accumulate: bool = False, place: int = 0",
       vjp={"x": "g if accumulate else _index_put(g, index, 0)", "index": "nondiff",
            "values": "sum_to(_index(g, index, place), shape(values))"},
       linear="x+values", grad_name="IndexPutBackward0", number_ok=True, **inplace)

    op("gather", "x, dim: int, index, *, sparse_grad: bool = False",
       vjp={"x": "_scatter_sum(g, dim, index, shape(x))", "index": "nondiff"}, linear="x")
    op("_scatter_sum", "x, dim: int, index, shape: int[]", vjp={"x": "gather(g, dim, index)", "index": "nondiff"}, linear="x",
       grad_name="ScatterAddBackward0",
       doc="Zeros of this shape, with x added at the indices along dim. A 0-d shape is treated as one element.")
    op("scatter", "x, dim: int, index, src",
       vjp={"x": "scatter_value(g, dim, index, 0)", "index": "nondiff", "src": "gather(g, dim, index)"}, linear="x+src", **inplace)
    op("scatter_value", "x, dim: int, index, value: Number",
       vjp={"x": "scatter_value(g, dim, index, 0)", "index": "nondiff"}, linear="x", public="scatter",
       grad_name="ScatterBackward1", **inplace)
    op("_scatter_reduce", "x, dim: int, index, src, reduce: int, include_self: bool", outs="y!nondiff", vjp="nondiff",
       doc="reduce: 0 sum, 1 prod, 2 amax, 3 amin, 4 mean.")
    op("scatter_add", "x, dim: int, index, src", vjp={"x": "g", "index": "nondiff", "src": "gather(g, dim, index)"},
       linear="x+src", **inplace)

    op("index_select", "x, dim: int, index", vjp={"x": "_index_sum(g, dim, index, shape(x))", "index": "nondiff"}, linear="x")
    op("_index_sum", "x, dim: int, index, shape: int[]", vjp={"x": "index_select(g, dim, index)", "index": "nondiff"},
       linear="x", grad_name="IndexAddBackward0")
    op("index_add", "x, dim: int, index, source, *, alpha: Number = 1",
       vjp={"x": "g", "index": "nondiff", "source": "s = index_select(g, dim, index); s if alpha == 1 else s*alpha"},
       linear="x+source", **inplace)
    op("index_copy", "x, dim: int, index, source",
       vjp={"x": "index_fill(g, dim, index, 0)", "index": "nondiff", "source": "index_select(g, dim, index)"},
       linear="x+source", **inplace)
    op("index_fill", "x, dim: int, index, value: Number", vjp={"x": "index_fill(g, dim, index, 0)", "index": "nondiff"},
       linear="x", **inplace)
    op("take", "x, index", vjp={"x": "_take_sum(g, index, shape(x))", "index": "nondiff"}, linear="x")
    op("put", "x, index, source, accumulate: bool = False", linear="x+source",
       vjp={"x": "g if accumulate else put(g, index, 0)", "index": "nondiff",
            "source": "_reshape(take(g, index), shape(source))"}, number_ok=True, **inplace)
    op("_take_sum", "x, index, shape: int[]", vjp={"x": "take(g, index)", "index": "nondiff"}, linear="x",
       grad_name="PutBackward0", doc="Zeros of this shape, with x added at the indices into the flat array.")

    op("masked_fill", "x, mask, value: Number", y="where(mask, value, x)", bools=("mask",), check=True,
       vjp={"x": "where(mask, 0, g)", "mask": "nondiff"}, samples=({"value": 3},), number_ok=False)
    op("masked_fill_tensor", "x, mask, value", check=True, y="where(mask, value, x)", bools=("mask",), public="masked_fill",
       vjp={"x": "where(mask, 0, g)", "mask": "nondiff", "value": "sum_to(where(mask, g, 0), shape(value))"}, linear="x+value",
       grad_name="MaskedFillBackward1", number_ok=False)
    op("masked_select", "x, mask", vjp={"x": "sum_to(_masked_place(g, mask, shape(x)), shape(x))", "mask": "nondiff"}, linear="x")
    op("masked_scatter", "x, mask, source",
       vjp={"x": "sum_to(where(mask, 0, g), shape(x))", "mask": "nondiff", "source": "_masked_take(g, mask, shape(source))"},
       linear="x+source", **inplace)
    op("_masked_place", "x, mask, shape: int[]", vjp={"x": "_masked_take(g, mask, shape(x))", "mask": "nondiff"}, linear="x",
       grad_name="MaskedScatterBackward0",
       doc="Zeros of the shape to which mask and shape broadcast, with the first elements of x where mask is true.")
    op("_masked_take", "x, mask, shape: int[]", vjp={"x": "_masked_place(g, mask, shape(x))", "mask": "nondiff"}, linear="x",
       grad_name="MaskedSelectBackward0", doc="The elements of x where mask is true, then zeros, in this shape.")
    op("nonzero", "x", vjp="nondiff", doc="Indices of the elements that are not zero, one row each.")
    op("one_hot", "x, num_classes: int = -1", vjp="nondiff", where="f")
