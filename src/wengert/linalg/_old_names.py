"""Linear algebra under the names it has at the top level and as methods, with their older signatures."""
import math

from .. import is_grad_enabled, linalg, ops
from ..composite._register import with_out
from ..types import make_return_type
from ._checks import check_square
from ._functions import CholeskySolve, t

__all__ = ["det", "logdet", "slogdet", "inverse", "pinverse", "cholesky", "cholesky_inverse", "cholesky_solve", "qr", "geqrf", "orgqr", "ormqr", "svd", "lu",
           "lu_solve", "lu_unpack", "triangular_solve", "matrix_exp", "svd_lowrank", "pca_lowrank"]

_svd, _qr = make_return_type("svd", ("U", "S", "V")), make_return_type("qr", ("Q", "R"))
_triangular_solve = make_return_type("triangular_solve", ("solution", "cloned_coefficient"))
_lu_unpack, _geqrf = make_return_type("lu_unpack", ("P", "L", "U")), make_return_type("geqrf", ("a", "tau"))


def det(input):
    """`linalg.det`."""
    return linalg.det(input)


def slogdet(input):
    """`linalg.slogdet`."""
    return linalg.slogdet(input)


def logdet(input):
    """The logarithm of the determinant: nan where that is negative."""
    sign, logabsdet = linalg.slogdet(input)
    return logabsdet.where(sign >= 0, math.nan)


@with_out
def inverse(input):
    """`linalg.inv`."""
    return linalg.inv(input)


def pinverse(input, rcond=1e-15):
    """`linalg.pinv`."""
    return linalg.pinv(input, rcond)


@with_out
def cholesky(input, upper=False):
    """`linalg.cholesky`."""
    return linalg.cholesky(input, upper=upper)


@with_out
def cholesky_inverse(input, upper=False):
    """The inverse of the matrix whose Cholesky factor is given."""
    check_square("cholesky_inverse", input)
    from ..creation import eye
    return cholesky_solve(ops.expand(eye(input.shape[-1], dtype=input.dtype), tuple(input.shape)), input, upper)


@with_out
def cholesky_solve(input, input2, upper=False):
    """X with A X = input, of A's Cholesky factor."""
    check_square("cholesky_solve", input2)
    return CholeskySolve.apply(input, t(input2) if upper else input2)


@with_out
def qr(input, some=True):
    """`linalg.qr`, reduced or complete."""
    return _qr(linalg.qr(input, "reduced" if some else "complete"))


@with_out
def geqrf(input):
    """The reflections of a QR decomposition: below the diagonal and in tau; R is on and above it. No gradient."""
    import numpy
    from ._values import array_of, tensor_of
    if input.requires_grad and is_grad_enabled():
        raise NotImplementedError("the derivative for 'geqrf' is not implemented.")
    values = array_of(input)
    m, n = values.shape[-2:]
    if values.size == 0:
        return _geqrf([input.clone(), input.new_zeros((*input.shape[:-2], min(m, n)))])
    a, tau = numpy.linalg.qr(values, mode="raw")
    return _geqrf([tensor_of(numpy.swapaxes(a, -1, -2)), tensor_of(tau)])


@with_out
def orgqr(input, tau):
    """`linalg.householder_product`."""
    return linalg.householder_product(input, tau)


@with_out
def ormqr(input, tau, other, left=True, transpose=False):
    """``other`` multiplied (from the left, or right) by the orthogonal matrix of `geqrf`'s reflections, or its transpose."""
    if input.dim() < 2:
        raise RuntimeError("torch.ormqr: input must have at least 2 dimensions.")
    if other.dim() < 2:
        raise RuntimeError("torch.ormqr: other must have at least 2 dimensions.")
    m, k = input.shape[-2], tau.shape[-1]
    size = other.shape[-2 if left else -1]
    if m != size:
        raise RuntimeError(f"torch.ormqr: other.shape[{-2 if left else -1}] must be equal to input.shape[-2]")
    if k > size:
        raise RuntimeError(f"torch.ormqr: other.shape[{-2 if left else -1}] must be greater than or equal to tau.shape[-1]")
    if k != min(size, input.shape[-1]):
        raise RuntimeError(f"torch.ormqr: tau.shape[-1] must be equal to min(other.shape[{-2 if left else -1}], input.shape[-1])")
    if input.dim() - tau.dim() != 1:
        raise RuntimeError(f"torch.ormqr: Expected tau to have one dimension less than input, but got tau.ndim equal to {tau.dim()} and "
                           f"input.ndim is equal to {input.dim()}")
    from ..creation import eye
    reflectors = input.tril(-1) + eye(m, input.shape[-1], dtype=input.dtype)
    result = other
    # Q = H_1 ... H_k: from the left the last one comes first, unless transposed.
    for i in (range(k) if left == transpose else reversed(range(k))):
        v, scale = reflectors[..., i:i + 1], tau[..., i:i + 1].unsqueeze(-1)
        result = result - scale * v @ (t(v) @ result) if left else result - result @ v * scale @ t(v)
    return result


@with_out
def svd(input, some=True, compute_uv=True):
    """input = U diag(S) V^T: here V, not its transpose, is returned; without ``compute_uv`` zeros stand for U and V."""
    if not compute_uv:
        m, n = input.shape[-2:]
        return _svd([input.new_zeros((*input.shape[:-2], m, m)), linalg.svdvals(input), input.new_zeros((*input.shape[:-2], n, n))])
    u, s, vh = linalg.svd(input, full_matrices=not some)
    return _svd([u, s, t(vh)])


@with_out
def lu(A, pivot=True, get_infos=False):
    """`linalg.lu_factor`'s results, and with ``get_infos`` where a pivot is zero."""
    compact, pivots, info = linalg.lu_factor_ex(A, pivot=pivot)
    return (compact, pivots, info) if get_infos else (compact, pivots)


@with_out
def lu_solve(b, LU_data, LU_pivots):
    """`linalg.lu_solve`."""
    return linalg.lu_solve(LU_data, LU_pivots, b)


@with_out
def lu_unpack(LU_data, LU_pivots, unpack_data=True, unpack_pivots=True):
    """P, L and U of `linalg.lu_factor`'s results; what is not asked for is empty."""
    from ._decompositions import unpack
    if str(LU_pivots.dtype)[-5:] != "int32" and unpack_pivots:
        raise RuntimeError("torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
                           "Note: this function is intended to be used with the output produced by torch.linalg.lu_factor")
    p, lower, upper = unpack(LU_data, LU_pivots)
    none = LU_data.new_empty((0,))
    return _lu_unpack([p if unpack_pivots else none, *((lower, upper) if unpack_data else (none, none))])


@with_out
def triangular_solve(b, A, upper=True, transpose=False, unitriangular=False):
    """X with A X = b (or A^T X = b), and A itself."""
    x = ops._solve_triangular(t(A) if transpose else A, b, upper != transpose, unitriangular)
    batch = x.shape[:-2]
    return _triangular_solve([x, ops.expand(A, (*batch, *A.shape[-2:])).clone()])


@with_out
def matrix_exp(input):
    """`linalg.matrix_exp`."""
    return linalg.matrix_exp(input)


def _approximate_basis(A, q, niter, M):
    """Orthonormal columns that nearly span A's range: Halko, Martinsson, Tropp (2009), algorithm 4.4."""
    from .. import randn
    R = randn(A.shape[-1], q, dtype=A.dtype)
    B = A if M is None else A - M
    Q = linalg.qr(B @ R).Q
    for _ in range(niter):
        Q = linalg.qr(t(B) @ Q).Q
        Q = linalg.qr(B @ Q).Q
    return Q


def svd_lowrank(A, q=6, niter=2, M=None):
    """U, S and V of a matrix A - M of rank about ``q``, by random projection. Shapes: (*, m, n) -> (*, m, q), (*, q), (*, n, q)."""
    q = 6 if q is None else q
    m, n = A.shape[-2:]
    if M is not None:
        M = ops.expand(M, tuple(A.shape))
        A = A - M
    if m < n:
        A = t(A)
    Q = _approximate_basis(A, q, niter, None)
    U, S, Vh = linalg.svd(t(Q) @ A, full_matrices=False)
    U, V = Q @ U, t(Vh)
    return (V, S, U) if m < n else (U, S, V)


def pca_lowrank(A, q=None, center=True, niter=2):
    """`svd_lowrank` of A with its columns' means taken off.

    Raises:
        ValueError: q or niter out of range.
    """
    m, n = A.shape[-2:]
    q = min(6, m, n) if q is None else q
    if not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean((-2,), keepdim=True) if center else A, q, niter=niter)
