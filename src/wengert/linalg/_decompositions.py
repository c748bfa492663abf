"""Determinants, triangular, orthogonal, spectral and singular-value decompositions."""
from .. import is_grad_enabled, ops
from ..composite._register import with_out
from . import _values
from ._checks import check_float, check_kernel, check_matrix, check_square, results
from ._functions import CompleteQr, LinalgDet, LinalgLuFactorEx, LinalgSlogdet, eye_like, t

_qr, _svd, _eigh, _slogdet = results("qr", ("Q", "R")), results("svd", ("U", "S", "Vh")), results("eigh", ("eigenvalues", "eigenvectors")), \
    results("slogdet", ("sign", "logabsdet"))
_lu, _lu_factor, _lu_factor_ex = results("lu", ("P", "L", "U")), results("lu_factor", ("LU", "pivots")), \
    results("lu_factor_ex", ("LU", "pivots", "info"))
_cholesky_ex = results("cholesky_ex", ("L", "info"))


@with_out
def det(A):
    """The determinant of square matrices. Shapes: (*, n, n) -> (*)."""
    check_square("linalg.det", A)
    check_float("linalg.det", A, low_precision=True)
    return LinalgDet.apply(A)


@with_out
def slogdet(A):
    """Sign and logarithm of the absolute determinant. Shapes: (*, n, n) -> (*), (*)."""
    check_square("linalg.slogdet", A)
    check_float("linalg.slogdet", A)
    return _slogdet(LinalgSlogdet.apply(A))


@with_out
def cholesky_ex(A, *, upper=False, check_errors=False):
    """`cholesky` that says in ``info`` which leading minor is not positive (0: all are) instead of raising."""
    check_square("linalg.cholesky", A)
    check_float("linalg.cholesky", A, low_precision=True)
    lower, info = ops._cholesky_ex(t(A) if upper else A)
    if check_errors:
        _values.fail("linalg.cholesky_ex", info, _values.INDEFINITE)
    return _cholesky_ex([t(lower) if upper else lower, info])


@with_out
def cholesky(A, *, upper=False):
    """The triangular L with A = L L^T (or U with A = U^T U) of symmetric positive definite matrices.

    Raises:
        RuntimeError: a matrix that is not positive definite.
    """
    factor, info = cholesky_ex(A, upper=upper)
    _values.fail("linalg.cholesky", info, _values.INDEFINITE)
    return factor


def _check_symmetric(A, UPLO):
    check_square("linalg.eigh", A)
    check_kernel("linalg_eigh_cpu", A)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")


@with_out
def eigh(A, UPLO="L"):
    """Eigenvalues (ascending) and eigenvectors (columns) of symmetric matrices, of which one triangle is read."""
    _check_symmetric(A, UPLO)
    values, vectors, info = ops._eigh(A, UPLO.upper() == "U")
    _values.fail("linalg.eigh", info, _values.EIGENVALUES)
    return _eigh([values, vectors])


@with_out
def eigvalsh(A, UPLO="L"):
    """Eigenvalues of symmetric matrices, ascending."""
    if A.requires_grad and is_grad_enabled():               # which takes the eigenvectors
        return eigh(A, UPLO)[0]
    _check_symmetric(A, UPLO)
    values, info = ops._eigvalsh(A, UPLO.upper() == "U")
    _values.fail("linalg.eigh", info, _values.EIGENVALUES)
    return values


@with_out
def svd(A, full_matrices=True, *, driver=None):
    """A = U diag(S) Vh with orthonormal columns of U and rows of Vh, singular values descending.

    Shapes: (*, m, n) -> (*, m, m or k), (*, k), (*, n or k, n), k the smaller of m and n; full ones unless ``full_matrices`` is False.
    """
    check_matrix("linalg.svd", A)
    check_float("linalg.svd", A, low_precision=True)
    check_kernel("linalg_svd_cpu", A)
    _check_driver(driver)
    u, s, vh, info = ops._svd(A, full_matrices)
    _values.fail("linalg.svd", info, _values.SINGULAR_VALUES)
    return _svd([u, s, vh])


@with_out
def svdvals(A, *, driver=None):
    """Singular values, descending."""
    check_matrix("linalg.svdvals", A)
    check_float("linalg.svdvals", A)
    _check_driver(driver)
    if A.requires_grad and is_grad_enabled():
        return svd(A, full_matrices=False)[1]
    s, info = ops._svdvals(A)
    _values.fail("linalg.svd", info, _values.SINGULAR_VALUES)
    return s


def _check_driver(driver):
    if driver is not None:
        raise RuntimeError("torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend.")


@with_out
def qr(A, mode="reduced"):
    """A = Q R with orthonormal columns in Q and R upper triangular.

    Args:
        mode: "reduced", "complete" (square Q) or "r" (Q empty, no gradient).
    """
    check_matrix("linalg.qr", A)
    check_float("linalg.qr", A, low_precision=True)
    check_kernel("geqrf_cpu", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'")
    if mode == "r":
        if A.requires_grad and is_grad_enabled():
            raise RuntimeError("The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
                               "linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr.")
        return _qr(ops._qr(A, False, False))
    if mode == "complete" and A.shape[-2] > A.shape[-1]:
        return _qr(CompleteQr.apply(A))
    return _qr(ops._qr(A, mode == "complete", True))


@with_out
def lu_factor_ex(A, *, pivot=True, check_errors=False):
    """L (below the diagonal) and U of P A = L U in one matrix, the row exchanges, counted from 1, and where a pivot is zero (0: nowhere)."""
    check_matrix("torch.lu_factor", A)
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    result = LinalgLuFactorEx.apply(A)
    if check_errors:
        _singular_pivot("torch.linalg.lu_factor_ex", result[2])
    return _lu_factor_ex(result)


@with_out
def lu_factor(A, *, pivot=True):
    """L (below the diagonal) and U of P A = L U in one matrix, and the row exchanges, counted from 1.

    Raises:
        RuntimeError: a zero pivot.
    """
    compact, pivots, info = lu_factor_ex(A, pivot=pivot)
    _singular_pivot("torch.linalg.lu_factor", info)
    return _lu_factor([compact, pivots])


def _singular_pivot(name, info):
    _values.fail(name, info, "U[{info},{info}] is zero and using it on lu_solve would result in a division by zero. If you still want "
                 "to perform the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)", RuntimeError)


def unpack(compact, pivots):
    """P, L and U of `lu_factor`'s results."""
    m, n = compact.shape[-2:]
    k = min(m, n)
    p = _values.permutation(pivots, m, compact.dtype)
    lower = compact[..., :k].tril(-1)
    diagonal = ops.expand(eye_like(lower), (*lower.shape[:-2], k, k))
    if m > k:
        diagonal = ops.pad(diagonal, [0, 0, 0, m - k])
    return p, lower + diagonal, compact[..., :k, :].triu()


@with_out
def lu(A, *, pivot=True):
    """A = P L U with a permutation P, unit lower triangular L and upper triangular U; P is empty without ``pivot``."""
    compact, pivots, _ = lu_factor_ex(A, pivot=pivot)
    p, lower, upper = unpack(compact, pivots)
    return _lu([p if pivot else A.new_empty((0,)), lower, upper])


@with_out
def householder_product(A, tau):
    """The first columns of the product of reflections 1 - tau_i v_i v_i^T, v_i in column i of A below a one on the diagonal.

    Shapes: A (*, m, n) with m >= n, tau (*, k) with k <= n.
    """
    check_matrix("torch.linalg.householder_product", A)
    m, n = A.shape[-2:]
    if m < n:
        raise RuntimeError("torch.linalg.householder_product: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if n < tau.shape[-1]:
        raise RuntimeError("torch.linalg.householder_product: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if A.dim() - tau.dim() != 1:
        raise RuntimeError(f"torch.linalg.householder_product: Expected tau to have one dimension less than input, but got tau.ndim equal to "
                           f"{tau.dim()} and input.ndim is equal to {A.dim()}")
    if tuple(A.shape[:-2]) != tuple(tau.shape[:-1]):
        raise RuntimeError(f"torch.linalg.householder_product: Expected batch dimensions of tau to be equal to input.shape[:-2], but got "
                           f"{list(tau.shape[:-1])}")
    if A.dtype is not tau.dtype:
        raise RuntimeError(f"torch.linalg.householder_product: tau dtype {tau.dtype} does not match input dtype {A.dtype}".replace("wengert.", "torch."))
    from ..creation import eye
    q = ops.expand(eye(m, n, dtype=A.dtype), tuple(A.shape))
    if tau.shape[-1] == 0:
        q = q + A*0                                         # depends on A in name only
    reflectors = A.tril(-1) + eye(m, n, dtype=A.dtype)
    for i in reversed(range(tau.shape[-1])):
        v = reflectors[..., i:i + 1]
        q = q - tau[..., i:i + 1].unsqueeze(-1) * v @ (t(v) @ q)
    return q
