"""Inverses, linear equations, least squares."""
from .. import int64, is_grad_enabled, ops
from .._core import Tensor
from ..composite import broadcast_shapes
from ..composite._register import with_out
from ..types import finfo
from . import _values
from ._checks import check_float, check_matrix, check_same_dtype, check_square, results
from ._decompositions import lu_factor_ex, svd, svdvals, unpack
from ._functions import LinalgPinv, above, eye_like, inverse_above, t

_inv_ex, _solve_ex = results("inv_ex", ("inverse", "info")), results("solve_ex", ("result", "info"))
_lstsq = results("lstsq", ("solution", "residuals", "rank", "singular_values"))


@with_out
def inv_ex(A, *, check_errors=False):
    """`inv` that says in ``info`` which pivot is zero (0: none is) instead of raising."""
    check_square("linalg.inv_ex" if check_errors else "linalg.inv", A)
    check_float("linalg.inv", A)
    inverse, info = ops._inv_ex(A)
    if check_errors:
        _values.fail("linalg.inv_ex", info, _values.SINGULAR)
    return _inv_ex([inverse, info])


@with_out
def inv(A):
    """The inverse of square matrices.

    Raises:
        RuntimeError: a singular matrix.
    """
    check_square("linalg.inv", A)
    check_float("linalg.inv", A)
    inverse, info = ops._inv_ex(A)
    _values.fail("linalg.inv", info, _values.SINGULAR)
    return inverse


def _is_vector(a, b):
    return b.dim() == 1 or a.dim() - 1 == b.dim() and tuple(b.shape) == tuple(a.shape[:-1])


def _solve(A, B, left):
    check_float("linalg.solve", A)
    check_same_dtype("linalg.solve", A, B)
    vector = _is_vector(A, B)
    check_square("linalg.solve", A)
    if vector and not left:
        raise RuntimeError("linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. In this case "
                           "linalg.solve is equivalent to B / A.squeeze(-1)")
    b = B.unsqueeze(-1) if vector else B
    if left and A.shape[-2] != b.shape[-2] or not left and A.shape[-1] != b.shape[-1]:
        raise RuntimeError(f"linalg.solve: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
                           f"({A.shape[-2]}x{A.shape[-1]} and {b.shape[-2]}x{b.shape[-1]})")
    broadcast_shapes(A.shape[:-2], b.shape[:-2])
    x, info = ops._solve_ex(A, b) if left else ops._solve_ex(t(A), t(b))
    x = x if left else t(x)
    return x.squeeze(-1) if vector else x, info


@with_out
def solve(A, B, *, left=True):
    """X with A X = B, or X A = B unless ``left``. B may be a vector, or a batch of them.

    Raises:
        RuntimeError: a singular matrix, or shapes and dtypes that do not fit.
    """
    x, info = _solve(A, B, left)
    _values.fail("torch.linalg.solve", info, "The solver failed because the input matrix is singular.")
    return x


@with_out
def solve_ex(A, B, *, left=True, check_errors=False):
    """`solve` that says in ``info`` which pivot is zero (0: none is) instead of raising."""
    result, info = _solve(A, B, left)
    if check_errors:
        _values.fail("torch.linalg.solve_ex", info, "The solver failed because the input matrix is singular.")
    return _solve_ex([result, info])


@with_out
def solve_triangular(A, B, *, upper, left=True, unitriangular=False):
    """X with A X = B (or X A = B) for triangular A; what stands in the other triangle is not read."""
    check_same_dtype("linalg.solve_triangular", A, B)
    check_square("linalg.solve_triangular", A)
    check_matrix("linalg.solve_triangular", B, "B")
    check_float("linalg.solve_triangular", A)
    if left and A.shape[-2] != B.shape[-2] or not left and A.shape[-1] != B.shape[-1]:
        raise RuntimeError(f"linalg.solve_triangular: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
                           f"({A.shape[-2]}x{A.shape[-1]} and {B.shape[-2]}x{B.shape[-1]})")
    if left:
        return ops._solve_triangular(A, B, upper, unitriangular)
    return t(ops._solve_triangular(t(A), t(B), not upper, unitriangular))


@with_out
def lu_solve(LU, pivots, B, *, left=True, adjoint=False):
    """X with A X = B (or X A = B), of `lu_factor`'s results; with ``adjoint`` of the transposed A."""
    check_square("torch.linalg.lu_solve", LU, "LU")
    check_same_dtype("linalg.lu_solve", LU, B)
    p, lower, upper = unpack(LU, pivots)
    if not left:                                            # X A = B is A^T X^T = B^T
        return t(lu_solve(LU, pivots, t(B), adjoint=not adjoint))
    if adjoint:
        y = ops._solve_triangular(t(upper), B, False, False)
        return p @ ops._solve_triangular(t(lower), y, True, True)
    return ops._solve_triangular(upper, ops._solve_triangular(lower, t(p) @ B, False, True), True, False)


def tolerances(A, atol, rtol, size):
    """Absolute and relative bound below which a singular value counts as zero: numbers, or tensors over the batch."""
    if rtol is None:
        rtol = finfo(A.dtype).eps * size
        if isinstance(atol, Tensor):
            rtol = ops.where(atol > 0, 0.0, rtol)
        elif atol is not None and atol > 0:
            rtol = 0.0
    return 0.0 if atol is None else atol, rtol


@with_out
def pinv(A, rcond=None, hermitian=False, *, atol=None, rtol=None):
    """The Moore-Penrose inverse; singular values not above max(atol, rtol * the largest) count as zero.

    Args:
        rcond: an old name of rtol, whose default is eps * max(m, n), or 0 where atol is positive. hermitian: A is symmetric.
    """
    check_matrix("linalg.pinv", A)
    check_float("linalg.pinv", A)
    if hermitian:
        check_square("linalg.pinv", A)
    m, n = A.shape[-2:]
    if A.numel() == 0:
        return ops.expand(t(A).sum(), (*A.shape[:-2], n, m)) if n * m else t(A) * 1
    atol, rtol = tolerances(A, atol, rcond if rtol is None else rtol, max(m, n))
    return LinalgPinv.apply(A, atol, rtol, hermitian)


def _by_qr(A, b, rcond):
    """The solution of least norm of lstsq where A = Q R (or A^T, if it has fewer rows than columns) is sure to have full rank: where the
    Frobenius norms of R and its inverse, which bound its condition number, multiply to less than 1 / rcond. Else None."""
    wide = A.shape[-2] < A.shape[-1]
    q, r = ops._qr(t(A) if wide else A, False, True)
    if not (ops.diagonal(r, 0, -2, -1) != 0).all():
        return None
    inverse = ops._solve_triangular(r, eye_like(r), True, False)
    if not (ops.vector_norm(r, 2, (-2, -1)) * ops.vector_norm(inverse, 2, (-2, -1)) * rcond < 1).all():
        return None
    return q @ ops._solve_triangular(t(r), b, False, False) if wide else ops._solve_triangular(r, t(q) @ b, True, False)


@with_out
def lstsq(A, B, rcond=None, *, driver=None):
    """The X of least norm among those that make |A X - B| smallest: (solution, residuals, rank, singular values).

    Args:
        rcond: singular values not above it times the largest count as zero. driver: None or "gelsy" (default), "gels" (A of full rank),
            "gelsd", "gelss"; which of the results are computed depends on it.
    """
    if A.dim() < 2:
        raise RuntimeError("torch.linalg.lstsq: input must have at least 2 dimensions.")
    if B.dim() < 1:
        raise RuntimeError("torch.linalg.lstsq: other must have at least 1 dimension.")
    if A.dtype is not B.dtype:
        raise RuntimeError("torch.linalg.lstsq: input and other must have the same dtype")
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(f"torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    check_float("torch.linalg.lstsq", A)
    driver = driver or "gelsy"
    m, n = A.shape[-2:]
    vector = A.dim() - 1 == B.dim() and tuple(B.shape) == tuple(A.shape[:-1])
    b = B.unsqueeze(-1) if vector else B
    if b.dim() < 2 or b.shape[-2] != m:
        raise RuntimeError("torch.linalg.lstsq: input.size(-2) should match other.size(-2)")
    rcond = finfo(A.dtype).eps * max(m, n) if rcond is None else rcond
    rank, singular = A.new_empty((0,), dtype=int64), A.new_empty((0,))
    differentiable = (A.requires_grad or b.requires_grad) and is_grad_enabled() or A.numel() == 0
    x = None if differentiable or driver in ("gelsd", "gelss") else _by_qr(A, b, rcond)
    if x is not None:
        rank = rank if driver == "gels" else A.new_full(A.shape[:-2], min(m, n), dtype=int64)
    else:
        if differentiable:
            x, s = pinv(A, rtol=rcond) @ b, svdvals(A.detach())
        else:
            u, s, vh = svd(A, full_matrices=False)
            x = t(vh) @ (inverse_above(s, 0.0, rcond).unsqueeze(-1) * (t(u) @ b))
        if driver != "gels":
            rank = above(s, 0.0, rcond).sum(-1) if s.shape[-1] else s.sum(-1, dtype=int64)
            singular = s if driver in ("gelsd", "gelss") else singular
    residuals = A.new_empty((0,))
    if m > n and (driver == "gels" or driver != "gelsy" and bool((rank == n).all())):
        residuals = ((A @ x - b) ** 2).sum(-2)
    return _lstsq([x.squeeze(-1) if vector else x, residuals, rank, singular])


@with_out
def tensorinv(A, ind=2):
    """The inverse of the map from A's last dimensions to its first ``ind``: tensordot(tensorinv(A), X, ind) undoes it."""
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    shape = list(A.shape)
    first, last = shape[:ind], shape[ind:]
    rows, columns = _product(first), _product(last)
    if rows != columns:
        raise RuntimeError(f"Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got {columns} != {rows}")
    return inv(A.reshape(rows, columns)).reshape(last + first)


@with_out
def tensorsolve(A, B, dims=None):
    """X with tensordot(A, X, X.dim()) = B; the dimensions ``dims`` of A are first moved to its end."""
    if dims is not None:
        rest = [d for d in range(A.dim()) if d not in [e % A.dim() for e in dims]]
        A = ops.permute(A, rest + [d % A.dim() for d in dims])
    result = list(A.shape[B.dim():])
    n = _product(result)
    if _product(B.shape) != n:
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but got "
                           f"{n} != {_product(A.shape[:B.dim()])}")
    return solve(A.reshape(n, n), B.reshape(n)).reshape(result)


def _product(sizes):
    n = 1
    for s in sizes:
        n *= s
    return n


__all__ = ["inv", "inv_ex", "lstsq", "lu_factor_ex", "lu_solve", "pinv", "solve", "solve_ex", "solve_triangular", "tensorinv", "tensorsolve"]
