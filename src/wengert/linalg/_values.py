"""Values as NumPy's arrays, permutations, and the errors of decompositions that do not exist."""
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


def permutation(pivots, m, dtype):
    """The matrices P with A = P L U of a sequence of row exchanges."""
    order = _core.exchanged_rows(pivots.detach().contiguous(), m)
    return _core.empty((*pivots.shape[:-1], m, m), dtype, True).scatter_(-2, order.unsqueeze(-2), 1)
