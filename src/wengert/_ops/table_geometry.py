"""Rows of writing in place: views of written bases, windows replaced in a base, fills.

A base is described by its shape and by base_stride, the strides of its memory; a window in it by size, stride and
offset, all in elements from the base's first one. The tensors that reach these rows may be laid out differently (a
cotangent is usually row-major): they are brought into the base's layout first. See Note [View groups] in csrc/wg_views.h.
"""


def define(op):
    window = "size: int[], stride: int[], offset: int, base_stride: int[]"
    op("_geometry_view", f"x, {window}", vjp={"x": "_geometry_scatter(g, shape(x), base_stride, size, stride, offset)"},
       grad_name="AsStridedBackward0", doc="The window, of the base x. The result may share memory with x.")
    op("_geometry_scatter", "x, base_size: int[], base_stride: int[], size: int[], stride: int[], offset: int",
       vjp={"x": "_geometry_view(g, size, stride, offset, base_stride)"}, grad_name="AsStridedBackward0",
       doc="Zeros in the shape of the base with x added at the window.")
    op("_geometry_write", "x, value, stride: int[], offset: int, base_stride: int[]", linear="x+value", grad_name="CopySlices",
       vjp={"x": "_geometry_zero(g, shape(value), stride, offset, base_stride)",
            "value": "_geometry_view(g, shape(value), stride, offset, base_stride)"},
       doc="The base x with the window replaced by value.")
    op("_geometry_zero", f"x, {window}", vjp={"x": "_geometry_zero(g, size, stride, offset, base_stride)"}, grad_name="CopySlices",
       doc="The base x with the window set to 0.")
    op("_strided_window", "x, size: int[], stride: int[], storage_offset: int?", grad_name="AsStridedBackward0",
       vjp={"x": "_as_strided_back(g, shape(x), size, stride, storage_offset)"},
       doc="as_strided of x in row-major memory of its own, whatever x's layout.")

    op("fill", "x, value: Number", vjp={"x": "_zero(g)"}, linear=(), where="t", inplace=True)
    op("fill_tensor", "x, value", vjp={"x": "_zero(g)", "value": "to_dtype(sum(g), dtype(value))"}, linear=(), where="t", public="fill",
       inplace=True, grad_name="FillBackward1", doc="value has one element and no dimension.")
    op("zero", "x", vjp={"x": "_zero(g)"}, linear=(), where="", inplace=True)
