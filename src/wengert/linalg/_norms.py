"""Norms of vectors and matrices, condition numbers, ranks."""
from .. import int64, ops
from ..composite._register import with_out
from ._checks import check_float, check_matrix, check_square
from ._decompositions import eigvalsh, svdvals
from ._equations import inv_ex
from ._functions import above

_INF = float("inf")


@with_out
def norm(A, ord=None, dim=None, keepdim=False, *, dtype=None):
    """The vector norm of all elements or along one dimension; a matrix norm of two dimensions."""
    dims = (dim,) if isinstance(dim, int) else None if dim is None else tuple(dim)
    if dims is not None and len(dims) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}")
    if dims is None and ord is not None and A.dim() not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.dim()}D.")
    if ord is not None and (dims is not None and len(dims) == 2 or dims is None and A.dim() == 2):
        return matrix_norm(A, ord, (0, 1) if dims is None else dims, keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise RuntimeError(f"linalg.norm: Expected a number as order of a vector norm, got {ord}")
    check_float("linalg.vector_norm", A if dtype is None else A.to(dtype), True)
    return ops.vector_norm(A if dtype is None else A.to(dtype), 2 if ord is None else ord, dims, keepdim)


@with_out
def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    """A norm of matrices: "fro", "nuc" (the sum of singular values), 2 and -2 (the largest and smallest one), 1, -1, inf and -inf (the
    largest or smallest sum of absolute columns or rows)."""
    check_float("linalg.matrix_norm", A, True)
    if dtype is not None:
        A = A.to(dtype)
    dim = (dim,) if isinstance(dim, int) else tuple(dim)
    if len(dim) != 2:
        raise RuntimeError("linalg.matrix_norm: dim must be a 2-tuple. Got " + " ".join(map(str, dim)))
    if A.dim() < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    for d in dim:
        if not -A.dim() <= d < A.dim():
            raise IndexError(f"Dimension out of range (expected to be in range of [{-A.dim()}, {A.dim() - 1}], but got {d})")
    rows, columns = (d % A.dim() for d in dim)
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord == "fro":
        return ops.vector_norm(A, 2, (rows, columns), keepdim)
    if ord == "nuc" or ord in (2, -2):
        s = svdvals(A.movedim((rows, columns), (-2, -1)))
        if ord == "nuc" or (ord == 2 and s.shape[-1] == 0):     # of no rows or columns: 0
            result = s.sum(-1)
        else:
            result = s.amax((-1,)) if ord == 2 else s.amin((-1,))
        return result.unsqueeze(min(rows, columns)).unsqueeze(max(rows, columns)) if keepdim else result
    if ord not in (1, -1, _INF, -_INF):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported." if not isinstance(ord, str) else
                           f"linalg.matrix_norm: Order {ord} not supported.")
    summed, kept = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = ops.vector_norm(A, 1, (summed,), True)
    if ord > 0 and sums.shape[kept] == 0:
        result = sums.sum(kept, keepdim=True)               # of no columns, or rows: 0
    else:
        result = (sums.amax if ord > 0 else sums.amin)((kept,), keepdim=True)
    return result if keepdim else result.squeeze((rows, columns))


@with_out
def cond(A, p=None):
    """The condition number |A| |A^-1| in a matrix norm (2, if None)."""
    check_matrix("linalg.cond", A)
    check_float("linalg.cond", A)
    if p is None or p in (2, -2):
        s = svdvals(A)
        if A.numel() == 0:
            return A.new_zeros(A.shape[:-2])
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    check_square("linalg.cond", A)
    if A.numel() == 0:
        return A.new_zeros(A.shape[:-2])
    inverse, info = inv_ex(A)
    result = matrix_norm(A, p) * matrix_norm(inverse, p)
    return ops.where(info > 0, _INF, result)


@with_out
def matrix_rank(A, tol=None, hermitian=False, *, atol=None, rtol=None):
    """How many singular values (eigenvalues, if ``hermitian``) are above max(atol, rtol * the largest)."""
    from ._equations import tolerances
    check_matrix("linalg.matrix_rank", A)
    A = A.detach()
    if A.numel() == 0:
        return A.new_zeros(A.shape[:-2], dtype=int64)
    s = eigvalsh(A).abs() if hermitian else svdvals(A)
    if tol is None:
        atol, rtol = tolerances(A, atol, rtol, max(A.shape[-2:]))
    else:
        atol, rtol = tol if atol is None else atol, 0.0
    return above(s, atol, rtol).sum(-1)
