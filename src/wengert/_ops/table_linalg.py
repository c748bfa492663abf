"""Products of vectors and matrices."""


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
