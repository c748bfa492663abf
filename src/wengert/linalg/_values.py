"""What goes through NumPy's LAPACK, as arrays, and the errors of decompositions that do not exist."""
import math

from .. import _core


class _LinAlgError(RuntimeError):                          # the name that PyTorch prints
    """A decomposition that does not exist: a singular matrix, one that is not positive definite, no convergence."""


LinAlgError = _LinAlgError


def tensor_of(array):
    """An array as a tensor of its own memory, row-major."""
    import numpy
    array = numpy.asarray(array)
    return _core.from_buffer_object(numpy.ascontiguousarray(array).reshape(array.shape)).clone()


def array_of(x):
    """A tensor's values."""
    return x.detach().numpy()


def fail(name, info, text, error=LinAlgError):
    """Raises the error for the first matrix whose ``info`` is not zero; ``text`` may use the number {info}."""
    if not info.any():
        return
    info = info.detach()
    flat = info.flatten().tolist()
    which = next(i for i, number in enumerate(flat) if number)
    where = f"(Batch element {which}): " if info.dim() else ""
    raise error(f"{name}: {where}" + (text if flat[which] > 0 else NOT_FINITE).format(info=int(flat[which])))


NOT_FINITE = "The algorithm failed to converge because the input matrix contained non-finite values."
EIGENVALUES = ("The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated eigenvalues (error code: "
               "{info}).")
SINGULAR_VALUES = EIGENVALUES.replace("eigenvalues", "singular values")
SINGULAR = "The diagonal element {info} is zero, the inversion could not be completed because the input matrix is singular."
INDEFINITE = ("The factorization could not be completed because the input is not positive-definite (the leading minor of order {info} is not "
              "positive-definite).")


def call(name, *arrays, **options):
    """A function of numpy.linalg."""
    import numpy
    try:
        return getattr(numpy.linalg, name)(*arrays, **options)
    except numpy.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.{name}: {error}") from None


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

