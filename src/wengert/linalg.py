"""torch.linalg: norms and products with derivatives; decompositions through NumPy's LAPACK, without."""
from . import _core
from . import ops as _ops
from ._core import matmul  # noqa: F401
from .composite import cross, matrix_power  # noqa: F401
from .composite import norm as _norm
from .types import make_return_type as _make_return_type

globals().update(_ops._public("linalg"))


def norm(A, ord=None, dim=None, keepdim=False, *, out=None, dtype=None):
    """The vector norm of all elements or along one dimension; a matrix norm for two dimensions.

    Raises:
        NotImplementedError: matrix norms that need singular values (2, -2, "nuc").
    """
    pair = isinstance(dim, (tuple, list)) and len(dim) == 2 or dim is None and ord is not None and A.dim() == 2
    if pair and ord not in (None, "fro"):
        return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim)
    return _norm(A, 2 if ord in (None, "fro") else ord, dim, keepdim, out, dtype)


def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None, out=None):
    """A norm of matrices: "fro", or 1, -1, inf, -inf (the largest or smallest sum of absolute columns or rows).

    Raises:
        NotImplementedError: norms that need singular values.
    """
    if dtype is not None:
        A = A.to(dtype)
    if ord == "fro":
        return _norm(A, 2, dim, keepdim)
    inf = float("inf")
    if ord not in (1, -1, inf, -inf):
        raise NotImplementedError(f"the matrix norm of order {ord!r} needs singular values, which have no derivative here")
    rows, columns = (d % A.dim() for d in dim)
    summed, kept = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = A.abs().sum(summed, keepdim=True)
    result = (sums.amax if ord > 0 else sums.amin)((kept,), keepdim=True)
    return result if keepdim else result.squeeze((rows, columns))


# ---- decompositions: values only ----

def _through_numpy(name, *tensors):
    """The tensors as arrays; refuses what would need a derivative."""
    if _core.is_grad_enabled() and any(t.requires_grad for t in tensors):
        raise NotImplementedError(f"linalg.{name} has no derivative in wengert: detach() its inputs")
    return [t.detach().numpy() for t in tensors]


def _tensor(array):
    import numpy
    return _core.from_buffer_object(numpy.ascontiguousarray(array).reshape(array.shape)).clone()


def _failure(name, error):
    return RuntimeError(f"linalg.{name}: {error}")


def _results(name, fields):
    return _make_return_type("linalg_" + name, fields)


_qr, _svd, _eigh, _slogdet = _results("qr", ("Q", "R")), _results("svd", ("U", "S", "Vh")), _results("eigh", ("eigenvalues", "eigenvectors")), \
    _results("slogdet", ("sign", "logabsdet"))


def _call(name, *arrays, **options):
    import numpy
    if name in ("svd", "pinv", "matrix_rank"):              # LAPACK need not come back from those
        bad = ~numpy.isfinite(arrays[0]).all(axis=(-2, -1))
        if bad.any():
            which = f"(Batch element {numpy.argmax(bad.reshape(-1))}): " if bad.ndim else ""
            raise _failure(name, which + "The algorithm failed to converge because the input matrix contained non-finite values.")
    try:
        return getattr(numpy.linalg, name)(*arrays, **options)
    except numpy.linalg.LinAlgError as error:
        raise _failure(name, error) from None


def qr(A, mode="reduced"):
    """A = Q R with orthonormal columns in Q and R upper triangular. Values only."""
    a, = _through_numpy("qr", A)
    q, r = _call("qr", a, mode=mode)
    return _qr([_tensor(q), _tensor(r)])


def svd(A, full_matrices=True):
    """A = U diag(S) Vh. Values only."""
    a, = _through_numpy("svd", A)
    return _svd([_tensor(x) for x in _call("svd", a, full_matrices=full_matrices)])


def svdvals(A):
    """Singular values, the largest first. Values only."""
    a, = _through_numpy("svdvals", A)
    return _tensor(_call("svd", a, compute_uv=False))


def eigh(A, UPLO="L"):
    """Eigenvalues (ascending) and eigenvectors of symmetric matrices. Values only."""
    a, = _through_numpy("eigh", A)
    return _eigh([_tensor(x) for x in _call("eigh", a, UPLO=UPLO)])


def eigvalsh(A, UPLO="L"):
    """Eigenvalues of symmetric matrices, ascending. Values only."""
    a, = _through_numpy("eigvalsh", A)
    return _tensor(_call("eigvalsh", a, UPLO=UPLO))


def cholesky(A, *, upper=False):
    """The triangular L with A = L L^T. Values only.

    Raises:
        RuntimeError: a matrix that is not positive definite.
    """
    a, = _through_numpy("cholesky", A)
    result = _tensor(_call("cholesky", a))
    return result.transpose(-2, -1) if upper else result


def inv(A):
    """The inverse. Values only.

    Raises:
        RuntimeError: a singular matrix.
    """
    a, = _through_numpy("inv", A)
    return _tensor(_call("inv", a))


def pinv(A, rcond=None):
    """The Moore-Penrose inverse. Values only."""
    a, = _through_numpy("pinv", A)
    return _tensor(_call("pinv", a) if rcond is None else _call("pinv", a, rcond))


def solve(A, B):
    """The X with A X = B. Values only.

    Raises:
        RuntimeError: a singular matrix.
    """
    a, b = _through_numpy("solve", A, B)
    return _tensor(_call("solve", a, b[..., None])[..., 0] if b.ndim == 1 or b.ndim == a.ndim - 1 and b.shape == a.shape[:-1] else _call("solve", a, b))


def det(A):
    """The determinant. Values only."""
    import numpy
    a, = _through_numpy("det", A)
    return _tensor(numpy.asarray(_call("det", a), dtype=a.dtype))


def slogdet(A):
    """Sign and logarithm of the absolute determinant. Values only."""
    import numpy
    a, = _through_numpy("slogdet", A)
    return _slogdet([_tensor(numpy.asarray(x, dtype=a.dtype)) for x in _call("slogdet", a)])


def matrix_rank(A):
    """The rank."""
    import numpy
    a, = _through_numpy("matrix_rank", A)
    return _tensor(numpy.asarray(_call("matrix_rank", a), dtype="int64"))


def _missing(name):
    def function(*args, **kwargs):
        raise NotImplementedError(f"linalg.{name} is not part of wengert: go through NumPy (x.detach().numpy()) where no gradient is needed")
    function.__name__ = name
    function.__doc__ = "Raises: not part of wengert."
    return function


for _name in ("cond", "eig", "eigvals", "lstsq", "lu", "lu_factor", "matrix_exp", "solve_triangular", "multi_dot"):
    globals()[_name] = _missing(_name)
