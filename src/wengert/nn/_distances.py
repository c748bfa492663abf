"""Distances between vectors, and the bilinear form."""

from .. import _core, broadcast_tensors, matmul, triu_indices
from .. import norm as _norm


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """The p-norm of x1 - x2 + eps over the last dimension. Shapes: (N, D) or (D,), broadcastable; result (N,)."""
    return _norm(x1 - x2 + eps, p, -1, keepdim)


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """x1.x2 / (max(|x1|, eps) max(|x2|, eps)) along ``dim``. Shapes broadcast; ``dim`` is that of the result."""
    if x1.dim() != x2.dim():
        ndim = max(x1.dim(), x2.dim())
        x1 = x1.reshape([1] * (ndim - x1.dim()) + list(x1.size()))
        x2 = x2.reshape([1] * (ndim - x2.dim()) + list(x2.size()))
    x1, x2 = broadcast_tensors(x1, x2)
    unit1 = x1 / _norm(x1, 2, dim, True).clamp(min=eps)
    unit2 = x2 / _norm(x2, 2, dim, True).clamp(min=eps)
    return (unit1 * unit2).sum(dim)


def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    """x / max(|x|_p, eps) along ``dim``."""
    size = _norm(input, p, dim, True).clamp(min=eps)
    result = input / size.expand(input.size())
    return result if out is None else _core._write_out("normalize", result, out)


def pdist(input, p=2.0):
    """p-norm distances between all pairs i < j of the rows. Shapes: (N, D) to (N * (N - 1) / 2,)."""
    if input.dim() != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.dim()}D")
    if input.size(0) < 2:
        return input.reshape(-1)[:0]
    first, second = triu_indices(input.size(0), input.size(0), 1)
    return _norm(input.index_select(0, first) - input.index_select(0, second), p, -1)


def bilinear(input1, input2, weight, bias=None):
    """x1' W_o x2 + b_o for each output o.

    Shapes: input1 (..., I), input2 (..., J), weight (O, I, J), bias (O,); result (..., O).
    """
    if input1.size()[:-1] != input2.size()[:-1]:
        raise RuntimeError(
            "bilinear(): input batch dimensions do not match: "
            f"got {list(input1.size()[:-1])} and {list(input2.size()[:-1])}"
        )
    n_out, n1, n2 = weight.size()
    if input1.size(-1) != n1 or input2.size(-1) != n2:
        raise RuntimeError(
            f"bilinear(): weight of size {list(weight.size())} does not fit inputs with {input1.size(-1)} and "
            f"{input2.size(-1)} features"
        )
    left = matmul(input1.reshape(-1, n1), weight.permute(1, 0, 2).reshape(n1, n_out * n2))
    rows = left.reshape(-1, n_out, n2)
    result = matmul(rows, input2.reshape(-1, n2, 1)).reshape(list(input1.size()[:-1]) + [n_out])
    return result if bias is None else result + bias
