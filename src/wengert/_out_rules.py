"""What functions say of an ``out=`` that does not suit: PyTorch's kernels differ in it.

Most cast what they computed to the dtype of ``out`` where that keeps the kind of number; those in `DTYPE` want a dtype exactly.
"""
_STRUCTURED = "Expected out tensor to have dtype {cpp}, but got {cpp_out} instead"
_UNARY = "Found dtype {title_out} but expected {title}"
_NORM = "linalg.{name} expected out tensor dtype {title} but got: {title_out}"
_SCALAR_TYPE = "expected scalar_type {title} but found {title_out}"
_QUANTILE = "quantile() out tensor must be same dtype as the input tensor"
_SEARCH = ("torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending on whether out_int32 "
           "flag is True, but we got output tensor's dtype {title_out} and out_int32 flag is {is_int32}")
_HISTOGRAM = "torch.histogram: input tensor and hist tensor should have the same dtype, but got input {cpp} and hist {cpp_out}"
_TENSORDOT = "tensordot: Expected the output tensor to have dtype {title}, but got an output tensor with dtype {title_out}"
_AMAX = "Expected the dtype for input and out to match, but got {title} for input's dtype and {title_out} for out's dtype."
_CATENATED = "torch.cat(): input types can't be cast to the desired output type {title_out}"
_MATRICES = "self and mat2 must have the same dtype, but got {title_out} and {title}"


def _each(names, text):
    return dict.fromkeys(names.split(), text)


#: name -> what is said of an out= of another dtype than the result's
DTYPE = {
    **_each("addmm addmv baddbmm bmm cross expand_copy diag diagonal_copy alias_copy lu_solve softmax aminmax as_strided_copy "
            "linear topk mm view_copy permute_copy qr split_with_sizes_copy split_copy slice_scatter triangular_solve svd gather index_copy index_add "
            "index_reduce sort scatter scatter_add scatter_reduce unbind_copy msort unfold_copy renorm squeeze_copy take_along_dim "
            "unsqueeze_copy transpose_copy log_softmax norm t_copy det cholesky cholesky_ex eigh eigvalsh "
            "slogdet lu_factor lu_factor_ex vector_norm inv inv_ex solve solve_ex svdvals tril triu avg_pool2d avg_pool3d "
            "argmax argmin isin", _STRUCTURED),
    **_each("abs absolute ceil conj_physical frac floor softshrink hardshrink gelu neg negative round sign sgn trunc fix softplus", _UNARY),
    **_each("matrix_norm", _NORM),
    **_each("cummax cummin logcumsumexp", _SCALAR_TYPE),
    **_each("quantile nanquantile", _QUANTILE),
    **_each("searchsorted bucketize", _SEARCH),
    **_each("histogram histc", _HISTOGRAM),
    "tensordot": _TENSORDOT,
    **_each("amax amin", _AMAX),
    **_each("isposinf isneginf signbit", "{name} does not support non-boolean outputs."),
    **_each("logsigmoid solve_triangular", "expected scalar type {title} but found {title_out}"),
    **_each("index_select masked_select", "{name}(): self and result must have the same scalar type"),
    **_each("dot vdot matmul", "result dtype {title_out} does not match input dtype {title}"),
    "all": "all only supports bool tensor for result, got: {title_out}",
    "any": "any only supports bool tensor for result, got: {title_out}",
    "take": "take(): self and out expected to have the same dtype, but got self.dtype = {title} and out.dtype = {title_out}",
    "mode": "expected scalar type '{title}' but got '{title_out}' for values output",
    "narrow_copy": "Expected self.dtype() == output.dtype() to be true, but got false.  (Could this error message be improved?  If so, "
                   "please report an enhancement request to PyTorch.)",
    "nan_to_num": "nan_to_num: dtype of out: {title_out} should be same as input: {title}",
    "vecdot": "linalg.vecdot: Expected out of dtype{title} but found {title_out}",
    "multi_dot": "multi_dot(): expected out tensor to have dtype {cpp} but got {cpp_out}",
    "chain_matmul": "multi_dot(): expected out tensor to have dtype {cpp} but got {cpp_out}",
    "float_power": "the output given to float_power has dtype {title_out} but the operation's result requires dtype {title}",
    "ormqr": "torch.ormqr: Expected input and result to have the same dtype, but input has dtype{title} and result has dtype {title_out}",
    "mv": "addmv input tensors must have the same dtype, but got {title_out}, {title}, and {title}",
    "nonzero": "nonzero: Expected out tensor to have scalar type Long but got scalar type{title_out}",
    "where": "Expected out type to be {title} but got {title_out}",
    "frexp": "torch.frexp() expects mantissa to have dtype {cpp} but got {cpp_out}",
    "addbmm": _MATRICES,
    "heaviside": "heaviside is not yet implemented for tensors with different dtypes.",
    "kthvalue": "output values must be of same type as input",
    "multinomial": "multinomial expects Long tensor out, got: {title_out}",
}

#: Exact only where there are several results: torch.max(a, b, out=) casts.
SEVERAL = {**_each("max min", _STRUCTURED)}

#: name -> what is said where a cast would change the kind of number, if not "result type ... can't be cast"
CAST = {
    **_each("cat concat concatenate hstack vstack dstack row_stack column_stack stack", _CATENATED),
    "matrix_rank": "torch.linalg.matrix_rank: Expected result to be safely castable from {title} dtype, but got result with dtype {title_out}",
    **_each("pinv cond", "linalg.{name}: Expected result to be safely castable from {title} dtype, but got result with dtype {title_out}"),
    **_each("tensorsolve tensorinv matrix_power cholesky_solve cholesky_inverse",
            "{name}: Expected result to be safely castable from {title} dtype, but got result with dtype {title_out}"),
    **_each("orgqr householder_product", "torch.linalg.householder_product: Expected result to be safely castable from {title} dtype, but got "
            "result with dtype {title_out}"),
}

#: Read while they write: out= must share no memory with an operand at all.
APART = frozenset(("gather", "take", "index_select", "kthvalue"))

#: Computed in whatever dtype out has.
ANY = frozenset(("cumsum", "cumprod"))

#: Functions whose CAST error is a TypeError.
TYPE_ERRORS = frozenset("cat concat concatenate hstack vstack dstack row_stack column_stack stack".split())

_ATEN = ("conj_physical expand_copy diagonal_copy alias_copy floor_divide as_strided_copy view_copy permute_copy slice_scatter unfold_copy "
         "squeeze_copy unsqueeze_copy transpose_copy t_copy heaviside softmax log_softmax histogram arange linspace logspace ones zeros full eye")
_SPECIAL = "i0e i1e i1 xlog1py zeta ndtri entr erfcx log_ndtr"
#: name -> PyTorch's name of what refuses an out= that requires grad; None where it is let through
CALLED = {
    **{name: "aten::" + name for name in _ATEN.split()},
    **{name: "special_" + name for name in _SPECIAL.split()},
    **dict.fromkeys(("histc", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "airy_ai", "modified_bessel_i0", "modified_bessel_i1",
                     "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "spherical_bessel_j0",
                     "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w",
                     "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v",
                     "shifted_chebyshev_polynomial_w", "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l",
                     "legendre_polynomial_p"), None),
    "cross": "linalg_cross", "true_divide": "div", "diag": "aten::diag_embed", "lu_solve": "linalg_lu_solve", "normalize": "div",
    "logsigmoid": "log_sigmoid_forward", "outer": "mul", "kron": "mul", "float_power": "pow", "square": "pow", "qr": "linalg_qr",
    "column_stack": "cat", "hstack": "cat", "vstack": "cat", "dstack": "cat", "msort": "sort", "take_along_dim": "gather",
    "norm": "linalg_vector_norm", "vector_norm": "linalg_vector_norm", "nanmean": "nansum", "det": "_linalg_det",
    "cholesky": "linalg_cholesky_ex", "vecdot": "vdot", "eigh": "_linalg_eigh", "eigvalsh": "_linalg_eigh",
    "householder_product": "linalg_householder_product", "multi_dot": "mm", "slogdet": "_linalg_slogdet", "inv": "linalg_inv_ex",
    "solve": "_linalg_solve_ex", "pinv": "linalg_pinv", "solve_triangular": "linalg_solve_triangular", "svdvals": "_linalg_svd",
    "svd": "_linalg_svd",
}

_CPP = {"Float": "float", "Double": "double", "Half": "c10::Half", "BFloat16": "c10::BFloat16", "Long": "long int", "Int": "int",
        "Short": "short int", "Char": "signed char", "Byte": "unsigned char", "Bool": "bool"}


def refusal(name, several, title, title_out, castable):
    """The exception for an out= of dtype ``title_out`` where ``title`` was computed, or None: it is cast."""
    text = DTYPE.get(name) or (SEVERAL.get(name) if several else None)
    if text is None:
        if castable or name in ANY:
            return None
        text = CAST.get(name, "result type {title} can't be cast to the desired output type {title_out}")
    elif name in ("all", "any") and title_out == "Byte":
        return None
    kind = TypeError if name in TYPE_ERRORS else RuntimeError
    return kind(text.format(name=name, title=title, title_out=title_out, cpp=_CPP[title], cpp_out=_CPP[title_out], is_int32=title == "Int"))
