"""Products of vectors and matrices, triangular factors and the equations they solve.

Derivatives of factors and solutions: Giles, "An extended collection of matrix derivative results" (2008).
"""


def define(op):
    both = ("x", "other")
    op("mm", "x, mat2", vjp={"x": "mm(g, t(mat2))", "mat2": "mm(t(x), g)"}, linear=("x", "mat2"), kernel=True)
    op("bmm", "x, mat2", vjp={"x": "bmm(g, transpose(mat2, 1, 2))", "mat2": "bmm(transpose(x, 1, 2), g)"}, linear=("x", "mat2"))
    op("mv", "x, vec", vjp={"x": "unsqueeze(g, 1)*unsqueeze(vec, 0)", "vec": "mv(t(x), g)"}, linear=("x", "vec"))
    op("dot", "x, tensor", vjp={"x": "g*tensor", "tensor": "g*x"}, linear=("x", "tensor"), aliases=("vdot",))
    op("_matmul", "x, other",
       vjp={"x": "sum_to(_matmul(g, transpose(other, -2, -1)), shape(x))",
            "other": "sum_to(_matmul(transpose(x, -2, -1), g), shape(other))"},
       linear=both, grad_name="UnsafeViewBackward0", doc="Batches of matrices, batch dimensions broadcast. Both have at least two dimensions.")
    scaled = {"x": "sum_to(g if beta == 1 else g*beta, shape(x))"}
    op("addmm", "x, mat1, mat2, *, beta: Number = 1, alpha: Number = 1",
       vjp={**scaled, "mat1": "h = g if alpha == 1 else g*alpha; mm(h, t(mat2))",
            "mat2": "h = g if alpha == 1 else g*alpha; mm(t(mat1), h)"}, inplace=True)
    op("addmv", "x, mat, vec, *, beta: Number = 1, alpha: Number = 1",
       vjp={**scaled, "mat": "h = g if alpha == 1 else g*alpha; unsqueeze(h, 1)*unsqueeze(vec, 0)",
            "vec": "h = g if alpha == 1 else g*alpha; mv(t(mat), h)"}, inplace=True)
    op("baddbmm", "x, batch1, batch2, *, beta: Number = 1, alpha: Number = 1",
       vjp={**scaled, "batch1": "h = g if alpha == 1 else g*alpha; bmm(h, transpose(batch2, 1, 2))",
            "batch2": "h = g if alpha == 1 else g*alpha; bmm(transpose(batch1, 1, 2), h)"}, inplace=True)
    flat = "h = _reshape(g, (leading(g, 1), trailing(g, 1))); "
    op("linear", "x, weight, bias: Tensor? = None",
       vjp={"x": flat + "_reshape(mm(h, weight), shape(x))",
            "weight": flat + "mm(t(h), _reshape(x, (leading(x, 1), trailing(x, 1))))",
            "bias": "sum_to(g, shape(bias))"},
       where="f", kernel=True, grad_name="AddmmBackward0", doc="x @ weight.T + bias, for x of shape (*, in) and weight of shape (out, in).")

    turned = "transpose(x, -2, -1)"
    op("_cholesky_ex", "x", outs="lower, info!nondiff", linear=(), grad_name="LinalgCholeskyExBackward0",
       vjp={"x": "u = transpose(lower, -2, -1); p = _matmul(u, g_lower); half = tril(p, 0)*0.5 + tril(p, -1)*0.5; "
                 "s = _solve_triangular(u, transpose(_solve_triangular(u, half, True, False), -2, -1), True, False); "
                 "(s + transpose(s, -2, -1))*0.5"},
       doc="L with A = L L^T, of A's lower triangle, and the order of the first leading minor that is not positive (0: all are).")
    op("_lu_factor_ex", "x", outs="lu!nondiff, pivots!nondiff, info!nondiff", vjp="nondiff",
       doc="L below the diagonal and U of P A = L U in one matrix, the row exchanges, counted from 1, and the first zero pivot (0: none is).")
    op("_solve_ex", "x, other", outs="result, info!nondiff", linear="other", grad_name="LinalgSolveExBackward0",
       vjp={"x": f"sum_to(neg(_matmul(_solve_ex({turned}, g_result)[0], transpose(result, -2, -1))), shape(x))",
            "other": f"sum_to(_solve_ex({turned}, g_result)[0], shape(other))"},
       doc="X with A X = B, matrices only, and the first zero pivot of A (0: none is). Batch dimensions broadcast.")
    op("_inv_ex", "x", outs="inverse, info!nondiff", grad_name="LinalgInvExBackward0",
       vjp={"x": "h = transpose(inverse, -2, -1); neg(_matmul(_matmul(h, g_inverse), h))"}, doc="A^-1 and the first zero pivot of A (0: none is).")
    h = f"h = _solve_triangular({turned}, g, not upper, unitriangular); "
    op("_solve_triangular", "x, other, upper: bool, unitriangular: bool", linear="other", grad_name="LinalgSolveTriangularBackward0",
       vjp={"x": h + "p = neg(_matmul(h, transpose(y, -2, -1))); off = 1 if unitriangular else 0; "
                     "sum_to(triu(p, off) if upper else tril(p, -off), shape(x))",
            "other": h + "sum_to(h, shape(other))"},
       doc="X with A X = B for a triangular A, whose other triangle is not read. Batch dimensions broadcast.")

    # Eigenvectors and singular vectors are functions only where the values differ: elsewhere what turns one into another is divided by
    # the smallest float32, which shows, unless it is zero, as it is where only values have cotangents. The diagonal is divided by inf.
    divisor = "masked_fill(gaps, eq(gaps, 0), 1e-45) + tril(triu(unsqueeze({0}*0 + inf, -1) + unsqueeze({0}*0, -2), 0), 0)"
    op("_eigh", "x, upper: bool", outs="values, vectors, info!nondiff", linear=(), grad_name="LinalgEighBackward0",
       vjp={"x": "v = vectors; p = _matmul(transpose(v, -2, -1), g_vectors); turn = p - transpose(p, -2, -1); "
                 "gaps = unsqueeze(values, -2) - unsqueeze(values, -1); gaps2 = " + divisor.format("values") + "; "
                 "_matmul(_matmul(v, turn*0.5/gaps2) + v*unsqueeze(g_values, -2), transpose(v, -2, -1))"},
       doc="Eigenvalues, ascending, and eigenvectors of symmetric matrices, of which one triangle is read; info as of kernels/decompose.c.")
    op("_eigvalsh", "x, upper: bool", outs="values!nondiff, info!nondiff", vjp="nondiff", doc="The same without eigenvectors and derivatives.")
    op("_svd", "x, full_matrices: bool", outs="u, s, vh, info!nondiff", linear=(), grad_name="LinalgSvdBackward0",
       vjp={"x": "n = size(s, -1); w = slice(u, -1, 0, n, 1); gw = slice(g_u, -1, 0, n, 1); vt = slice(vh, -2, 0, n, 1); v = transpose(vt, -2, -1); "
                 "gv = transpose(slice(g_vh, -2, 0, n, 1), -2, -1); row = unsqueeze(s, -2); column = unsqueeze(s, -1); "
                 "left = _matmul(transpose(w, -2, -1), gw); right = _matmul(vt, gv); "
                 "tl = left - transpose(left, -2, -1); tr = right - transpose(right, -2, -1); gaps = (row - column)*(row + column); "
                 "gaps2 = " + divisor.format("s") + "; "
                 "h = _matmul(_matmul(w, tl/gaps2*row + column*(tr/gaps2)) + w*unsqueeze(g_s, -2), vt); "
                 "tall = h + _matmul((gw - _matmul(w, left))/row, vt) if size(u, -2) > n else h; "
                 "tall + _matmul(w, transpose((gv - _matmul(v, right))/row, -2, -1)) if size(vh, -1) > n else tall"},
       doc="A = U diag(S) Vh, singular values descending. The derivative of full matrices is that of the columns that S has values for.")
    op("_svdvals", "x", outs="s!nondiff, info!nondiff", vjp="nondiff", doc="The singular values alone, without derivatives.")
    op("_qr", "x, complete: bool, with_q: bool", outs="q, r", linear=(), grad_name="LinalgQrBackward0",
       vjp={"x": "m = size(q, -1); n = size(r, -1); gy = slice(g_r, -1, m, n, 1); "
                 "gq1 = g_q + _matmul(slice(x, -1, m, n, 1), transpose(gy, -2, -1)) if n > m else g_q; r1 = slice(r, -1, 0, m, 1); "
                 "gr1 = slice(g_r, -1, 0, m, 1); c = _matmul(r1, transpose(gr1, -2, -1)) - _matmul(transpose(gq1, -2, -1), q); "
                 "s = tril(c, 0) + transpose(tril(c, -1), -2, -1); "
                 "t1 = transpose(_solve_triangular(r1, transpose(gq1 + _matmul(q, s), -2, -1), True, False), -2, -1); "
                 "_slice_back(t1, shape(x), -1, 0, m, 1) + _slice_back(_matmul(q, gy), shape(x), -1, m, n, 1) if n > m else t1"},
       doc="A = Q R with orthonormal columns in Q, R upper triangular. The derivative of A with more columns than rows is that of the first ones; "
           "further columns Y are Q times those of R. None for complete ones of A with more rows.")
