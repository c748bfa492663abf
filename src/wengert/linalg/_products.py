"""Products and functions of matrices."""
from .. import ops
from ..composite import cross as _cross
from ..composite._register import with_out
from ._checks import check_float, check_square


@with_out
def cross(input, other, *, dim=-1):
    """The cross product of 3-vectors along ``dim``; other dimensions broadcast."""
    return _cross(input, other, dim)


def diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    """A window on the diagonals."""
    return ops.diagonal(A, offset, dim1, dim2)


@with_out
def vecdot(x, y, *, dim=-1):
    """Products of vectors along ``dim``."""
    if not x.dtype.is_floating_point:
        raise RuntimeError(f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {x.type()[6:-6]}")
    return ops.sum_dim(x * y, (dim,))


def vander(x, *, N=None):
    """Powers 0 to N - 1 of the elements, in columns. Shapes: (*, n) -> (*, n, N), N = n unless given."""
    x = x.reshape(1) if x.dim() == 0 else x
    n = x.shape[-1] if N is None else N
    if n <= 1 and N is not None:
        raise RuntimeError("N must be greater than 1.")
    if str(x.dtype).endswith("bool"):
        x = x.long()
    result = ops.expand(x.unsqueeze(-1), (*x.shape, n - 1)).cumprod(-1)
    return ops.cat([x.new_ones((*x.shape, 1)), result.to(x.dtype) if result.dtype is x.dtype else result], -1)


@with_out
def matrix_exp(A):
    """The exponential of square matrices: Taylor's series of A / 2^k, squared k times."""
    check_square("linalg.matrix_exp", A)
    check_float("linalg.matrix_exp", A, True)
    from ..creation import eye
    n = A.shape[-1]
    unit = ops.expand(eye(n, dtype=A.dtype), tuple(A.shape))
    if A.numel() == 0:
        return A.clone()
    size = A.detach().abs().sum(-2).amax((-1,))
    largest = float(size.max())
    k = 0
    while largest > 0.5 and k < 1100:
        largest, k = largest / 2, k + 1
    scaled = A * 0.5 ** k if k < 1000 else A * 0.5 ** 500 * 0.5 ** (k - 500)
    result = unit
    for i in range(20 if A.dtype.name == "float64" else 12, 0, -1):
        result = unit + scaled @ result / i
    for _ in range(k):
        result = result @ result
    return result


@with_out
def multi_dot(tensors):
    """The product of matrices in the order that takes the fewest multiplications; the first and last may be vectors."""
    tensors = list(tensors)
    if len(tensors) < 2:
        raise RuntimeError("multi_dot(): expected at least 2 tensors but got " + str(len(tensors)))
    first, last = tensors[0].dim() == 1, tensors[-1].dim() == 1
    for i, x in enumerate(tensors):
        ends = i in (0, len(tensors) - 1)
        if x.dim() != 2 and not (ends and x.dim() == 1):
            where = "the first tensor must be 1D or 2D" if i == 0 else "the last tensor must be 1D or 2D" if ends else f"tensor {i} must be 2D"
            raise RuntimeError(f"multi_dot(): {where} but got {x.dim()}D")
        if x.dtype is not tensors[0].dtype:
            raise RuntimeError(f"multi_dot(): all tensors must have be the same dtype but tensor 0 is {tensors[0].type()[6:-6]} and tensor {i} "
                               f"{x.type()[6:-6]}")
    if first:
        tensors[0] = tensors[0].unsqueeze(0)
    if last:
        tensors[-1] = tensors[-1].unsqueeze(1)
    for i, (a, b) in enumerate(zip(tensors, tensors[1:])):
        if a.shape[1] != b.shape[0]:
            raise RuntimeError(f"multi_dot(): tensors {i} and {i + 1} with shapes {list(a.shape)} and {list(b.shape)} cannot be multiplied")
    if len(tensors) == 2:
        result = tensors[0] @ tensors[1]
    elif len(tensors) == 3:
        a, b, c = tensors
        (m, k), n = b.shape, c.shape[1]
        result = a @ b @ c if a.shape[0] * k * (m + n) < m * n * (k + a.shape[0]) else a @ (b @ c)
    else:
        result = _multiply(tensors, _split(tensors), 0, len(tensors) - 1)
    if first:
        result = result.squeeze(0)
    return result.squeeze(-1) if last else result


def _split(tensors):
    """Where to cut each range of factors: the textbook dynamic programme."""
    n = len(tensors)
    sizes = [x.shape[0] for x in tensors] + [tensors[-1].shape[1]]
    cost, cut = [[0] * n for _ in range(n)], [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i][j], cut[i][j] = min((cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j))
    return cut


def _multiply(tensors, cut, i, j):
    if i == j:
        return tensors[i]
    k = cut[i][j]
    return _multiply(tensors, cut, i, k) @ _multiply(tensors, cut, k + 1, j)
