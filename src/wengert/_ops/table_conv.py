"""Rows of convolution and pooling.

A convolution is linear in its input and in its weight. Its three adjoint forms, _conv (g of what reads), _conv_input and
_conv_weight, are each other's derivatives, so that all orders exist.
"""

ARGUMENTS = "stride: int[], padding: int[], dilation: int[], groups: int"
PASSED = "stride, padding, dilation, groups"


def define(op):
    both = ("x", "weight")
    op("_conv", f"x, weight, shape: int[], {ARGUMENTS}", linear=both, grad_name="ConvolutionBackward0",
       vjp={"x": f"_conv_input(g, weight, shape(x), {PASSED})", "weight": f"_conv_weight(x, g, shape(weight), {PASSED})"},
       doc="The convolution of x with weight, as much of it as this shape shows.")
    op("_conv_input", f"x, weight, shape: int[], {ARGUMENTS}", linear=both, grad_name="ConvolutionBackward0",
       vjp={"x": f"_conv(g, weight, shape(x), {PASSED})", "weight": f"_conv_weight(g, x, shape(weight), {PASSED})"},
       doc="The adjoint of _conv in its input: zeros of this shape, with x spread by the weight.")
    op("_conv_weight", f"x, other, shape: int[], {ARGUMENTS}", linear=("x", "other"), grad_name="ConvolutionBackward0",
       vjp={"x": f"_conv_input(other, g, shape(x), {PASSED})", "other": f"_conv(x, g, shape(other), {PASSED})"},
       doc="The adjoint of _conv in its weight: x is the input, other has the shape of the result.")
    for n in (1, 2, 3):
        dims, unbatched = tuple(d for d in range(n + 2) if d != 1), tuple(range(1, n + 1))
        bias = f"sum_dim(g, {dims}) if ndim(g) == {n + 2} else sum_dim(g, {unbatched})"
        op(f"conv{n}d", "x, weight, bias: Tensor? = None, stride: int[] = (1,), padding: int[] = (0,), dilation: int[] = (1,), groups: int = 1",
           vjp={"x": f"_conv_input(g, weight, shape(x), {PASSED})", "weight": f"_conv_weight(x, g, shape(weight), {PASSED})", "bias": bias},
           where="", kernel=True, grad_name="ConvolutionBackward0")
        op(f"conv_transpose{n}d", "x, weight, bias: Tensor? = None, stride: int[] = (1,), padding: int[] = (0,), "
           "output_padding: int[] = (0,), groups: int = 1, dilation: int[] = (1,)",
           vjp={"x": f"_conv(g, weight, shape(x), {PASSED})", "weight": f"_conv_weight(g, x, shape(weight), {PASSED})", "bias": bias},
           where="", grad_name="ConvolutionBackward0")

    # ---- pooling; n counts the spatial dimensions ----
    op("_pool_scatter", "x, indices, n: int, shape: int[]", vjp={"x": "_pool_gather(g, indices, n)", "indices": "nondiff"}, linear="x",
       grad_name="MaxUnpoolBackward0", doc="Zeros of this shape with x added at the indices, which count the places of each plane.")
    op("_pool_gather", "x, indices, n: int", vjp={"x": "_pool_scatter(g, indices, n, shape(x))", "indices": "nondiff"}, linear="x",
       grad_name="MaxPoolBackward0", doc="The elements of x at the indices, which count the places of each plane.")
    average = "n: int, shape: int[], kernel_size: int[], stride: int[]?, padding: int[], count_include_pad: bool, divisor_override: int?"
    passed = "kernel_size, stride, padding, count_include_pad, divisor_override"
    op("_avg_pool", f"x, {average}", vjp={"x": f"_avg_pool_back(g, n, shape(x), {passed})"}, grad_name="AvgPoolBackward0",
       doc="The means of windows, in this shape.")
    op("_avg_pool_back", f"x, {average}", vjp={"x": f"_avg_pool(g, n, shape(x), {passed})"}, grad_name="AvgPoolBackward0",
       doc="The adjoint of _avg_pool: zeros of this shape, with x spread over the windows.")
    op("_adaptive_avg_pool", "x, n: int, shape: int[]", vjp={"x": "_adaptive_avg_pool_back(g, n, shape(x))"},
       grad_name="AdaptiveAvgPoolBackward0")
    op("_adaptive_avg_pool_back", "x, n: int, shape: int[]", vjp={"x": "_adaptive_avg_pool(g, n, shape(x))"},
       grad_name="AdaptiveAvgPoolBackward0")
    for n in (1, 2, 3):
        windows = "x, kernel_size: int[], stride: int[]? = None, padding: int[] = (0,), "
        scatter = {"x": f"_pool_scatter(g, indices, {n}, shape(x))"}
        op(f"max_pool{n}d", windows + "dilation: int[] = (1,), ceil_mode: bool = False", outs="y, indices!hidden", vjp=scatter, where="",
           kernel=True, kernel_reads="indices", grad_name=f"MaxPool{n}DWithIndicesBackward0")
        op(f"max_pool{n}d_with_indices", windows + "dilation: int[] = (1,), ceil_mode: bool = False", outs="y, indices!nondiff",
           vjp=scatter, where="", grad_name=f"MaxPool{n}DWithIndicesBackward0")
        op(f"avg_pool{n}d", windows + "ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int? = None",
           vjp={"x": f"_avg_pool_back(g, {n}, shape(x), {passed})"}, where="", grad_name=f"AvgPool{n}DBackward0")
        op(f"adaptive_avg_pool{n}d", "x, output_size: int[]", vjp={"x": f"_adaptive_avg_pool_back(g, {n}, shape(x))"}, where="",
           grad_name=f"AdaptiveAvgPool{n}DBackward0")
        op(f"adaptive_max_pool{n}d", "x, output_size: int[]", outs="y, indices!nondiff", vjp=scatter, where="",
           grad_name=f"AdaptiveMaxPool{n}DBackward0")

    # ---- interpolation along one dimension, sliding blocks ----
    places = "dim: int, length: int, mode: str{nearest,nearest-exact,linear,cubic}, align_corners: bool, scale: float"
    op("_resample", f"x, {places}", vjp={"x": "_resample_back(g, dim, size(x, dim), mode, align_corners, scale)"}, grad_name="UpsampleBackward0",
       doc="x resampled to this size; scale is the step in x for a step of the result, 0: by the sizes.")
    op("_resample_back", f"x, {places}", vjp={"x": "_resample(g, dim, size(x, dim), mode, align_corners, scale)"}, grad_name="UpsampleBackward0",
       doc="The adjoint of _resample: x spread over what it was taken from, of this size.")
    blocks = "kernel_size: int[], dilation: int[], padding: int[], stride: int[]"
    op("_unfold", f"x, {blocks}", vjp={"x": "_fold(g, (size(x, ndim(x) - 2), size(x, ndim(x) - 1)), kernel_size, dilation, padding, stride)"}, grad_name="Im2ColBackward0")
    op("_fold", f"x, output_size: int[], {blocks}", vjp={"x": "_unfold(g, kernel_size, dilation, padding, stride)"}, grad_name="Col2ImBackward0")
