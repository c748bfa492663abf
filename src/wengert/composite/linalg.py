"""Products and simple functions of matrices."""
import warnings

from .. import _core, ops
from .._core import Tensor
from ._register import functions, methods, public
from .shape import _wrap

methods["matmul"] = _core.matmul


@public(aliases=("ger",))
def outer(input, vec2, *, out=None):
    """The matrix of products of two vectors' elements."""
    if input.dim() != 1 or vec2.dim() != 1:
        raise RuntimeError(f"outer: Expected 1-D argument {'self' if input.dim() != 1 else 'vec2'}, but got "
                           f"{(input if input.dim() != 1 else vec2).dim()}-D")
    result = input.unsqueeze(1) * vec2.unsqueeze(0)
    return result if out is None else _core._write_out("outer", result, out)


@public(out=True)
def inner(input, other):
    """Products of vectors along the last dimensions."""
    if input.dim() == 0 or other.dim() == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(f"inner() the last dimension must match on both input tensors but got shapes {list(input.shape)} and {list(other.shape)}")
    return tensordot(input, other, ([-1], [-1]))


@public(method=False, out=True)
def tensordot(a, b, dims=2):
    """The product of two tensors summed over pairs of dimensions: the last ``dims`` of a with the first of b, or two lists."""
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        left, right = list(range(a.dim() - dims, a.dim())), list(range(dims))
    else:
        left, right = ([d] if isinstance(d, int) else list(d) for d in dims)
    if len(left) != len(right):
        raise RuntimeError(f"both dimension lists should have the same length: got {len(left)} and {len(right)}")
    left, right = [d % a.dim() for d in left], [d % b.dim() for d in right]
    for i, j in zip(left, right):
        if a.shape[i] == 1:                 # stands for the sum of the other
            b = b.sum(j, keepdim=True, dtype=b.dtype)
        elif b.shape[j] == 1:
            a = a.sum(i, keepdim=True, dtype=a.dtype)
        elif a.shape[i] != b.shape[j]:
            raise RuntimeError(f"contracted dimensions need to match, but first has size {a.shape[i]} in dim {i} and second has size {b.shape[j]} in dim {j}")
    keep_a, keep_b = [d for d in range(a.dim()) if d not in left], [d for d in range(b.dim()) if d not in right]
    size = 1
    for d in left:
        size *= a.shape[d]
    x = a.permute(keep_a + left).reshape(-1, size) if a.numel() else a.permute(keep_a + left).reshape(_product(a, keep_a), size)
    y = b.permute(right + keep_b).reshape(size, _product(b, keep_b))
    return (x @ y).reshape([a.shape[d] for d in keep_a] + [b.shape[d] for d in keep_b])


def _product(t, dims):
    n = 1
    for d in dims:
        n *= t.shape[d]
    return n


@public
def trace(input):
    """The sum of the diagonal of a matrix."""
    if input.dim() != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.dim()}")
    return ops.sum(ops.diagonal(input))


@public(out=True)
def kron(input, other):
    """The Kronecker product."""
    if input.dim() == 1 and other.dim() == 1:
        return (input.unsqueeze(1) * other.unsqueeze(0)).reshape(-1)
    a, b = list(input.shape), list(other.shape)
    n = max(len(a), len(b))
    a, b = [1] * (n - len(a)) + a, [1] * (n - len(b)) + b
    left, right, size = [], [], []
    for p, q in zip(a, b):
        left += p, 1
        right += 1, q
        size.append(p * q)
    if n == 0 or b[-1] >= 64 or input.numel() * other.numel() < 1024:
        return (input.reshape(left) * other.reshape(right)).reshape(size)
    # Whole rows of both, so that the product runs along rows, not along pieces as long as other's.
    input = input.reshape(a).unsqueeze(-1).expand(*a, b[-1]).reshape(*left[:-2], size[-1])
    other = other.reshape(b).unsqueeze(-2).expand(*b[:-1], a[-1], b[-1]).reshape(*right[:-2], size[-1])
    return (input * other).reshape(size)


@public(out=True, inplace=True)
def addr(input, vec1, vec2, *, beta=1, alpha=1):
    """beta*input + alpha*outer(vec1, vec2); of bools, their disjunction."""
    product = outer(vec1, vec2)
    if input.dtype.name == product.dtype.name == "bool":
        return ops.logical_or(input if beta else ops.logical_and(input, ops.logical_not(input)), product if alpha else product ^ product)
    product = product if alpha == 1 else product * alpha
    if beta == 0:                                           # whatever stands in the input, NaN too, does not count
        return ops.expand(product.clone(), tuple(product.shape)).to(_core.result_type(input, product))
    return (input if beta == 1 else input * beta) + product


@public(out=True, inplace=True)
def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta*input + alpha*(sum of the products of a batch): one product of the matrices side by side.

    Raises:
        RuntimeError: batches that are not three-dimensional or do not fit.
    """
    if batch1.dim() != 3 or batch2.dim() != 3:
        raise RuntimeError("batch1 must be a 3D tensor" if batch1.dim() != 3 else "batch2 must be a 3D tensor")
    b, n, k = batch1.shape
    if batch2.shape[0] != b:
        raise RuntimeError(f"batch1 and batch2 must have same number of batches, got {b} and {batch2.shape[0]}")
    if batch2.shape[1] != k:
        raise RuntimeError(f"Incompatible matrix sizes for bmm ({n}x{k} and {batch2.shape[1]}x{batch2.shape[2]})")
    left = ops.permute(batch1, (1, 0, 2)).reshape(n, b * k)
    return ops.addmm(input, left, batch2.reshape(b * k, batch2.shape[2]), beta=beta, alpha=alpha)


@public(method=False)
def chain_matmul(*matrices):
    """The product of several matrices, from left to right."""
    result = matrices[0]
    for m in matrices[1:]:
        result = result @ m
    return result


@public(out=True)
def matrix_power(input, n):
    """A square matrix to an integer power, by repeated squaring.

    Raises:
        RuntimeError: not square; a negative power of a singular matrix.
    """
    if input.dim() < 2 or input.shape[-1] != input.shape[-2]:
        raise RuntimeError(f"linalg.matrix_power: A must be batches of square matrices, but they are {input.shape[-2] if input.dim() > 1 else 1} "
                           f"by {input.shape[-1] if input.dim() else 1} matrices")
    if n < 0:
        from ..linalg import inv
        return matrix_power(inv(input), -n)
    result, square = None, input
    while n:
        if n & 1:
            result = square if result is None else result @ square
        n >>= 1
        if n:
            square = square @ square
    if result is None:
        from ..creation import eye
        return eye(input.shape[-1], dtype=input.dtype).expand(input.shape) + input * 0
    return result


def _euclidean(x1, x2):
    """Euclidean distances of all rows by |x|^2 + |y|^2 - 2 x y, whose largest part is one matrix product. Where that is not positive, the
    distance is zero and has no gradient."""
    squares = x1.square().sum(-1, keepdim=True) + x2.square().sum(-1).unsqueeze(-2) - 2 * (x1 @ x2.mT)
    apart = squares > 0
    return ops.where(apart, ops.where(apart, squares, 1.0).sqrt(), 0.0) if squares.requires_grad else squares.clamp_(min=0).sqrt_()


@public(method=False)
def cdist(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary"):
    """Distances of the p-norm between all rows of two (batches of) matrices: (..., P, M) and (..., R, M) to (..., P, R).

    Where p is 2 and P or R exceeds 25, or ``compute_mode`` is "use_mm_for_euclid_dist", they come from one matrix product, which is fast
    and loses digits of small distances between large vectors; with "donot_use_mm_for_euclid_dist" they never do.

    Raises:
        ValueError: another compute_mode. RuntimeError: vectors, rows of two lengths, integers, two dtypes, a negative p.
    """
    if compute_mode not in ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"):
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    for name, x in (("X1", x1), ("X2", x2)):
        if x.dim() < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.dim()}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    for name, x in (("X1", x1), ("X2", x2)):
        if not x.is_floating_point():
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {x.type()[6:-6]}")
    if not p >= 0:
        raise RuntimeError("cdist only supports non-negative p values")
    if x1.dtype != x2.dtype:
        raise RuntimeError(f"expected scalar type {x1.type()[6:-6]} but found {x2.type()[6:-6]}")
    by_product = compute_mode == "use_mm_for_euclid_dist" or (compute_mode[0] == "u" and max(x1.shape[-2], x2.shape[-2]) > 25)
    if p == 2 and by_product and x1.shape[-1] > 0:
        return _euclidean(x1, x2)
    # no columns: no distance, of which the infinity norm would not hear
    return ops.vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p if x1.shape[-1] > 0 else 2.0, (-1,))


@public(out=True)
def cross(input, other, dim=None):
    """The cross product of 3-vectors along ``dim``; other dimensions broadcast. Without a ``dim``: along the first of size 3.

    Raises:
        RuntimeError: that dimension does not have size 3, or the numbers of dimensions differ.
    """
    if input.dim() != other.dim():
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    given = dim
    if dim is None:
        warnings.warn("Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the dim explicitly or simply use "
                      "torch.linalg.cross.\nThe default value of dim will change to agree with that of linalg.cross in a future release.",
                      stacklevel=2)
        if 3 not in input.shape:
            raise RuntimeError("no dimension of size 3 in input")
        given = list(input.shape).index(3)
    elif input.dim() == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    dim = _wrap(given, input.dim())
    if input.shape[dim] != 3 or other.shape[dim] != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {given} must have length 3. Got {input.shape[dim]} and {other.shape[dim]}")
    return ops.roll(input, -1, dim) * ops.roll(other, -2, dim) - ops.roll(input, -2, dim) * ops.roll(other, -1, dim)


functions["matmul"] = _core.matmul
