"""Reductions, scans and order statistics.

dim None or () is every dimension. _unreduce broadcasts a reduced cotangent back.
"""

UNREDUCED = "r = _unreduce(g, shape(x), dim, keepdim); "
#: An extremum hands its gradient to all elements that attain it, in equal parts (torch.amax).
SHARED = ("m = x == _unreduce(y, shape(x), dim, keepdim); n = sum_dim(to_dtype(m, dtype(g)), dim, True); "
          "where(m, _unreduce(g, shape(x), dim, keepdim), 0)/n")
SHARED_FULL = "m = x == y; where(m, g/sum(to_dtype(m, dtype(g))), 0)"
AMINMAX = ("d = (dim,) if dim is not None else (); lo = x == _unreduce(min, shape(x), d, keepdim); "
           "hi = x == _unreduce(max, shape(x), d, keepdim); "
           "where(lo, _unreduce(g_min, shape(x), d, keepdim), 0)/sum_dim(to_dtype(lo, dtype(x)), d, True) + "
           "where(hi, _unreduce(g_max, shape(x), d, keepdim), 0)/sum_dim(to_dtype(hi, dtype(x)), d, True)")
#: One that names an index hands it to that element alone.
AT_INDEX = ("_scatter_sum(g_values if keepdim else unsqueeze(g_values, dim), dim, "
            "indices if keepdim else unsqueeze(indices, dim), shape(x))")
#: PyTorch's norm_backward, case by case.
NORM = ("n = _unreduce(y, shape(x), dim, keepdim); r = _unreduce(g, shape(x), dim, keepdim); "
        "m = to_dtype(abs(x) == n, dtype(g)); "
        "_zero(r) if ord == 0 else "
        "r*sign(x) if ord == 1 else "
        "r*where(n == 0, 0, x/n) if ord == 2 else "
        "(r*sign(x))*(m/_unreduce(sum_dim(m, dim, keepdim), shape(x), dim, keepdim)) if ord == inf or ord == -inf else "
        "(where(x == 0, 0, sign(x)*pow_scalar(abs(x), ord - 1))*r)*pow_scalar(n, 1 - ord) if ord < 1 else "
        "(sign(x)*pow_scalar(abs(x), ord - 1))*where(n == 0, 0, r/pow_scalar(n, ord - 1)) if ord < 2 else "
        "(x*pow_scalar(abs(x), ord - 2))*where(n == 0, 0, r/pow_scalar(n, ord - 1))")
VAR = "(2/(numel(x)/numel(g) - {c}))*(x - mean_dim(x, dim, True))"


def define(op):
    over = "x, dim: int[]? = None, keepdim: bool = False"
    typed = ", *, dtype: dtype? = None"
    op("sum", "x" + typed, vjp={"x": "to_dtype(expand(g, shape(x)), dtype(x))"})
    op("sum_dim", over + typed, vjp={"x": UNREDUCED + "to_dtype(r, dtype(x))"}, public="sum", grad_name="SumBackward1")
    op("nansum", over + typed, vjp={"x": UNREDUCED + "to_dtype(where(x == x, r, 0), dtype(x))"}, linear=())
    op("mean", "x" + typed, vjp={"x": "to_dtype(expand(g/numel(x), shape(x)), dtype(x))"})
    op("mean_dim", over + typed,
       vjp={"x": "to_dtype(_unreduce(g/(numel(x)/numel(g)), shape(x), dim, keepdim), dtype(x))"}, public="mean",
       grad_name="MeanBackward1")
    op("prod", "x" + typed,
       vjp={"x": "f = _reshape(x, (-1,)); to_dtype(g*_reshape(_cumprod_exclusive(f, 0, False)*_cumprod_exclusive(f, 0, True), "
                 "shape(x)), dtype(x))"})
    op("prod_dim", "x, dim: int, keepdim: bool = False" + typed,
       vjp={"x": "to_dtype(_unreduce(g, shape(x), (dim,), keepdim)*(_cumprod_exclusive(x, dim, False)"
                 "*_cumprod_exclusive(x, dim, True)), dtype(x))"}, public="prod", grad_name="ProdBackward1")
    for name in ("amax", "amin"):
        op(name, "x, dim: int[] = (), keepdim: bool = False", vjp={"x": SHARED})
    for name in ("max", "min"):
        op(name, "x", vjp={"x": SHARED_FULL}, grad_name=f"{name.title()}Backward1")
        op(name + "_dim", "x, dim: int, keepdim: bool = False", outs="values, indices!nondiff", vjp={"x": AT_INDEX}, public=name,
           returns=name, grad_name=f"{name.title()}Backward0", linear=())
    op("median", "x", vjp={"x": SHARED_FULL})
    op("median_dim", "x, dim: int, keepdim: bool = False", outs="values, indices!nondiff", vjp={"x": AT_INDEX}, public="median",
       returns="median", grad_name="MedianBackward1", linear=())
    op("nanmedian", "x", vjp={"x": SHARED_FULL}, linear=())
    op("nanmedian_dim", "x, dim: int, keepdim: bool = False", outs="values, indices!nondiff", vjp={"x": AT_INDEX},
       public="nanmedian", returns="nanmedian", grad_name="NanmedianBackward1", linear=())
    op("aminmax", "x, *, dim: int? = None, keepdim: bool = False", outs="min, max", returns="aminmax",
       vjp={"x": AMINMAX}, linear=())
    op("kthvalue", "x, k: int, dim: int = -1, keepdim: bool = False", outs="values, indices!nondiff", vjp={"x": AT_INDEX},
       returns="kthvalue", linear=())
    op("mode", "x, dim: int = -1, keepdim: bool = False", outs="values, indices!nondiff", vjp={"x": AT_INDEX}, returns="mode",
       linear=())
    op("argmax", "x, dim: int? = None, keepdim: bool = False", vjp="nondiff")
    op("argmin", "x, dim: int? = None, keepdim: bool = False", vjp="nondiff")
    op("any", "x", vjp="nondiff", mask=True)
    op("any_dim", over, vjp="nondiff", public="any", mask=True)
    op("all", "x", vjp="nondiff", mask=True)
    op("all_dim", over, vjp="nondiff", public="all", mask=True)
    op("count_nonzero", "x, dim: int[]? = None", vjp="nondiff")
    # Beside a mean they go by other names, in warnings and as grad_fn.
    for prefix, mean in (("", ""), ("_", "_mean")):
        op(f"{prefix}var{mean}", "x, dim: int[]? = None, *, correction: Number? = 1, keepdim: bool = False",
           vjp={"x": UNREDUCED + "r*" + VAR.format(c="(correction if correction is not None else 1)")})
        op(f"{prefix}std{mean}", "x, dim: int[]? = None, *, correction: Number? = 1, keepdim: bool = False",
           vjp={"x": "h = where(y == 0, 0, g/(2*y)); _unreduce(h, shape(x), dim, keepdim)*"
                     + VAR.format(c="(correction if correction is not None else 1)")})
    op("vector_norm", "x, ord: Number = 2, dim: int[]? = None, keepdim: bool = False" + typed, vjp={"x": NORM}, where="l",
       grad_name="LinalgVectorNormBackward0")
    op("logsumexp", "x, dim: int[], keepdim: bool = False",
       vjp={"x": UNREDUCED + "r*exp(x - _unreduce(y, shape(x), dim, keepdim))"}, where="tms")

    # ---- scans ----
    op("cumsum", "x, dim: int" + typed, vjp={"x": "to_dtype(_cumsum_back(g, dim), dtype(x))"}, inplace=True)
    op("_cumsum_back", "x, dim: int", vjp={"x": "cumsum(g, dim)"}, grad_name="CumsumBackward0", doc="The cumulative sum from the end.")
    op("cumprod", "x, dim: int" + typed,
       vjp={"x": "to_dtype(_cumprod_exclusive(x, dim, False)*_scan(g, x, dim, True, False), dtype(x))"}, inplace=True)
    op("_cumprod_exclusive", "x, dim: int, reverse: bool", vjp={"x": "y*_scan(g, x, dim, not reverse, True)"},
       doc="Products of the elements before each one (after it, if reverse); 1 for the first.")
    # y[i] = x[i] + c[i]*y[i-1]; exclusive: y[i] = x[i-1] + c[i-1]*y[i-1], y[0] = 0; reverse: y[i] = x[i] + c[i+1]*y[i+1], and
    # y[i] = x[i+1] + c[i+1]*y[i+1], y[-1] = 0.
    op("_scan", "x, c, dim: int, reverse: bool, exclusive: bool",
       vjp={"x": "_scan(g, c, dim, not reverse, exclusive)",
            "c": "_scan(g, c, dim, False, True)*y if reverse else _scan(x, c, dim, False, True)*_scan(g, c, dim, True, exclusive)"},
       linear="x", doc="A linear recurrence along dim: y[i] = x[i] + c[i]*y[i-1].")
    op("logcumsumexp", "x, dim: int", linear=(),
       vjp={"x": "c = exp(clamp_max(roll(y, (1,), (dim,)) - y, 0)); exp(x - y)*_scan(g, c, dim, True, False)"})
    for name in ("cummax", "cummin"):
        op(name, "x, dim: int", outs="values, indices!nondiff", vjp={"x": "_scatter_sum(g_values, dim, indices, shape(x))"},
           returns=name, linear=())
    # ---- order ----
    op("sort", "x, dim: int = -1, descending: bool = False, *, stable: bool? = None", outs="values, indices!nondiff",
       vjp={"x": "_scatter_sum(g_values, dim, indices, shape(x))"}, returns="sort", linear=())
    op("topk", "x, k: int, dim: int = -1, largest: bool = True, sorted: bool = True", outs="values, indices!nondiff",
       vjp={"x": "_scatter_sum(g_values, dim, indices, shape(x))"}, returns="topk", linear=())
