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
