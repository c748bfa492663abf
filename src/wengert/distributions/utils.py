"""What the distributions share: broadcasting, probabilities and logits, properties computed once."""
import functools

from .. import Tensor, _core, broadcast_tensors, empty, finfo, get_default_dtype, tensor, tril_indices
from ..grad_mode import enable_grad

__all__ = ["broadcast_all", "logits_to_probs", "clamp_probs", "probs_to_logits", "lazy_property", "sum_rightmost", "standard_normal",
           "euler_constant", "tril_matrix_to_vec", "vec_to_tril_matrix"]

euler_constant = 0.5772156649015329      # Euler-Mascheroni


def broadcast_all(*values):
    """Tensors and numbers as tensors of one shape; numbers get the dtype of the first tensor, or the default one.

    Raises:
        ValueError: neither tensors nor numbers.
    """
    together = _core.expand_together(values)
    if together is not None:
        return together
    dtype = None
    for v in values:
        if isinstance(v, Tensor):
            dtype = dtype or v.dtype
        elif not isinstance(v, (int, float)):
            raise ValueError("Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__.")
    dtype = dtype or get_default_dtype()
    return tuple(broadcast_tensors(*[v if isinstance(v, Tensor) else tensor(v, dtype=dtype) for v in values]))


def sum_rightmost(value, dim):
    """Sums over the last ``dim`` dimensions."""
    return value.reshape(tuple(value.shape)[:value.dim() - dim] + (-1,)).sum(-1) if dim else value


_sum_rightmost = sum_rightmost


def standard_normal(shape, dtype):
    """Samples of the standard normal distribution."""
    return empty(shape, dtype=dtype).normal_()


def _standard_normal(shape, dtype, device=None):
    return standard_normal(shape, dtype)


def vec_to_tril_matrix(vec, diag=0):
    """The lower triangle of a square matrix from its elements row by row; zeros elsewhere.

    Args:
        diag: the last diagonal that the elements reach.

    Raises:
        ValueError: no square has so many.
    """
    # n rows have n (n + 1) / 2 elements up to the diagonal, and |diag| of its shorter neighbours are cut off or added
    n = (-(1 + 2 * diag) + ((1 + 2 * diag) ** 2 + 8 * vec.shape[-1] + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    if round(n) - n > finfo(vec.dtype).eps:
        raise ValueError(f"The size of last dimension is {vec.shape[-1]} which cannot be expressed as the lower triangular part of a square D x D matrix.")
    n = round(n)
    matrix = vec.new_zeros(tuple(vec.shape[:-1]) + (n, n))
    i, j = tril_indices(n, n, offset=diag)
    matrix[..., i, j] = vec
    return matrix


def tril_matrix_to_vec(mat, diag=0):
    """The elements of a square matrix up to a diagonal, row by row.

    Raises:
        ValueError: the matrix has no such diagonal.
    """
    n = mat.shape[-1]
    if diag < -n or diag >= n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    i, j = tril_indices(n, n, offset=diag)
    return mat[..., i, j]


def logits_to_probs(logits, is_binary=False):
    """Probabilities of log odds, or of (unnormalised) logarithms of probabilities along the last dimension."""
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def clamp_probs(probs):
    """Probabilities kept from 0 and 1 by the dtype's eps."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs, is_binary=False):
    """Log odds of probabilities, or their logarithms."""
    clamped = clamp_probs(probs)
    return clamped.log() - (-clamped).log1p() if is_binary else clamped.log()


class lazy_property:
    """A property that is computed when first read, with gradients, and kept."""

    def __init__(self, wrapped):
        self.wrapped = wrapped
        functools.update_wrapper(self, wrapped)

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        instance.__dict__[self.wrapped.__name__] = value
        return value
