"""torch.linalg: norms and products. Decompositions are not part of wengert."""
from . import ops as _ops
from ._core import matmul  # noqa: F401
from .composite import cross, matrix_power, norm as _norm  # noqa: F401

globals().update(_ops._public("linalg"))


def norm(A, ord=None, dim=None, keepdim=False, *, out=None, dtype=None):
    """The vector norm of all elements or along one dimension; the Frobenius norm of a matrix (ord None or "fro").

    Raises:
        NotImplementedError: matrix norms that need singular values.
    """
    pair = isinstance(dim, (tuple, list)) and len(dim) == 2 or dim is None and ord is not None and A.dim() == 2
    if pair and ord not in (None, "fro"):
        if ord in (1, -1, float("inf"), -float("inf")):
            rows, columns = (-2, -1) if dim is None else (d % A.dim() for d in dim)
            summed, kept = (rows, columns) if abs(ord) == 1 else (columns, rows)
            sums = A.abs().sum(summed, keepdim=True)
            result = (sums.amax if ord > 0 else sums.amin)(kept, keepdim=True)
            return result if keepdim else result.squeeze(summed).squeeze(kept if kept < summed or kept < 0 else kept - 1)
        raise NotImplementedError(f"the matrix norm of order {ord!r} needs singular values, which wengert does not compute")
    return _norm(A, 2 if ord in (None, "fro") else ord, dim, keepdim, out, dtype)


def _missing(name):
    def function(*args, **kwargs):
        raise NotImplementedError(f"linalg.{name} is not part of wengert: go through NumPy (x.detach().numpy()) where no gradient is needed")
    function.__name__ = name
    function.__doc__ = "Raises: decompositions are not part of wengert."
    return function


for _name in ("cholesky", "cond", "det", "eig", "eigh", "eigvals", "eigvalsh", "inv", "lstsq", "lu", "matrix_exp", "matrix_rank", "pinv",
              "qr", "slogdet", "solve", "svd", "svdvals"):
    globals()[_name] = _missing(_name)
