"""Decompositions as arrays: NumPy's LAPACK, and LU with row exchanges, which NumPy does not show."""
import math

from .. import _core


class LinAlgError(RuntimeError):
    """A decomposition that does not exist: a singular matrix, one that is not positive definite, no convergence."""


def tensor_of(array):
    """An array as a tensor of its own memory, row-major."""
    import numpy
    array = numpy.asarray(array)
    return _core.from_buffer_object(numpy.ascontiguousarray(array).reshape(array.shape)).clone()


def array_of(x):
    """A tensor's values."""
    return x.detach().numpy()


def fail(name, info, text):
    """Raises for the first matrix whose ``info`` is not zero; ``text`` may use the number {info}."""
    import numpy
    info = numpy.asarray(info)
    if not info.any():
        return
    which = int(numpy.argmax(info.reshape(-1) != 0))
    where = f"(Batch element {which}): " if info.ndim else ""
    raise LinAlgError(f"{name}: {where}" + text.format(info=int(info.reshape(-1)[which])))


SINGULAR = "The diagonal element {info} is zero, the inversion could not be completed because the input matrix is singular."
INDEFINITE = ("The factorization could not be completed because the input is not positive-definite (the leading minor of order {info} is not "
              "positive-definite).")


def check_finite(name, a):
    """LAPACK need not come back from infinities and NaN."""
    import numpy
    fail(name, ~numpy.isfinite(a).all(axis=(-2, -1)), "The algorithm failed to converge because the input matrix contained non-finite values.")


def call(name, *arrays, **options):
    """A function of numpy.linalg."""
    import numpy
    try:
        return getattr(numpy.linalg, name)(*arrays, **options)
    except numpy.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.{name}: {error}") from None


def lu(a, pivot=True):
    """P A = L U in one array, the row exchanges (counted from 1, as LAPACK does) and where a pivot is zero (0: nowhere)."""
    import numpy
    a, pivot = numpy.array(a), bool(pivot)                 # a list that changes while NumPy reads it as a mask would corrupt memory
    *batch, m, n = a.shape
    count, k = math.prod(batch), min(m, n)
    a = a.reshape(count, m, n)
    pivots, info, every = numpy.zeros((count, k), "int32"), numpy.zeros(count, "int32"), numpy.arange(count)
    for j in range(k):
        p = numpy.abs(a[:, j:, j]).argmax(1) + j if pivot else numpy.full(count, j)
        pivots[:, j] = p + 1
        rows = a[every, p].copy()
        a[every, p] = a[:, j]
        a[:, j] = rows
        zero = a[:, j, j] == 0
        info[zero & (info == 0)] = j + 1
        safe = numpy.where(zero, 1, a[:, j, j])[:, None]
        if j + 1 < m:
            a[:, j + 1:, j] = numpy.where(zero[:, None] & pivot, a[:, j + 1:, j], a[:, j + 1:, j] / safe)
            a[:, j + 1:, j + 1:] -= a[:, j + 1:, j, None] * a[:, j, None, j + 1:]
    return a.reshape(*batch, m, n), pivots.reshape(*batch, k), info.reshape(batch)


def permutation(pivots, m):
    """The matrices P with A = P L U of a sequence of row exchanges."""
    import numpy
    flat = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1])
    order = numpy.tile(numpy.arange(m), (flat.shape[0], 1))
    every = numpy.arange(flat.shape[0])
    for j in range(flat.shape[1]):
        p = flat[:, j] - 1
        other = order[every, p].copy()
        order[every, p] = order[:, j]
        order[:, j] = other
    result = numpy.zeros((flat.shape[0], m, m))
    result[every[:, None], order, numpy.arange(m)] = 1
    return result.reshape(*pivots.shape[:-1], m, m)


def cholesky(a):
    """L with A = L L^T of symmetric matrices, of which the lower triangle is read, and the order of the first minor that is not positive."""
    import numpy
    try:
        lower = numpy.tril(a) + numpy.swapaxes(numpy.tril(a, -1), -1, -2)
        return numpy.linalg.cholesky(lower), numpy.zeros(a.shape[:-2], "int32")
    except numpy.linalg.LinAlgError:
        flat = a.reshape(math.prod(a.shape[:-2]), *a.shape[-2:])
        result, info = numpy.zeros_like(flat), numpy.zeros(flat.shape[0], "int32")
        for i, matrix in enumerate(flat):
            info[i] = _cholesky_one(matrix, result[i])
        return result.reshape(a.shape), info.reshape(a.shape[:-2])


def _cholesky_one(a, out):
    for j in range(a.shape[0]):
        d = float(a[j, j] - out[j, :j] @ out[j, :j])
        if not d > 0:
            return j + 1
        out[j, j] = math.sqrt(d)
        out[j + 1:, j] = (a[j + 1:, j] - out[j + 1:, :j] @ out[j, :j]) / out[j, j]
    return 0


def solve_triangular(a, b, upper, unitriangular):
    """A^-1 B for triangular A, by substitution; batches broadcast. A zero on the diagonal gives infinities, as BLAS does."""
    import numpy
    n = a.shape[-1]
    x = numpy.array(numpy.broadcast_to(b, (*numpy.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:])))
    with numpy.errstate(all="ignore"):
        for j in reversed(range(n)) if upper else range(n):
            rest = slice(j + 1, n) if upper else slice(0, j)
            if rest.start < rest.stop:
                x[..., j, :] -= numpy.squeeze(a[..., j:j + 1, rest] @ x[..., rest, :], -2)
            if not unitriangular:
                x[..., j, :] /= a[..., j, j, None]
    return x
