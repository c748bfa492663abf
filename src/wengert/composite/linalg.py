"""Products and simple functions of matrices."""
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
        if a.shape[i] != b.shape[j]:
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


@public(method=False)
def einsum(equation, *operands):
    """Sums of products by index letters: "bij,bjk->bik"; letters, "..." and repeated letters as in PyTorch.

    Raises:
        RuntimeError: the equation does not fit the operands.
    """
    if not isinstance(equation, str):
        operands = (equation, *operands)
        equation, operands = _sublists(operands)
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    equation = equation.replace(" ", "")
    inputs, arrow, output = equation.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(operands):
        raise RuntimeError(f"einsum(): {'fewer' if len(terms) > len(operands) else 'more'} operands were provided than specified in the equation")
    sizes, extra = {}, 0
    for term, x in zip(terms, operands):
        letters = term.replace("...", "")
        if not all(c.isalpha() for c in letters):
            raise RuntimeError(f"einsum(): invalid subscript given in the equation string, subscripts must be in [a-zA-Z]")
        if "..." in term:
            extra = max(extra, x.dim() - len(letters))
        elif len(letters) != x.dim():
            raise RuntimeError(f"einsum(): the number of subscripts in the equation ({len(letters)}) does not match the number of dimensions "
                               f"({x.dim()}) for operand {terms.index(term)} and no ellipsis was given")
    dots = [chr(0x100 + i) for i in range(extra)]           # letters that stand for "..."
    views = []
    for k, (term, x) in enumerate(zip(terms, operands)):
        own = x.dim() - len(term.replace("...", ""))
        letters = list(term.replace("...", "\0"))
        letters = [d for c in letters for d in (dots[extra - own:] if c == "\0" else [c])]
        while len(set(letters)) < len(letters):            # a repeated letter is a diagonal
            c = next(c for c in letters if letters.count(c) > 1)
            i, j = [n for n, d in enumerate(letters) if d == c][:2]
            if x.shape[i] != x.shape[j]:
                raise RuntimeError(f"einsum(): subscript {c} is repeated for operand {k} but the sizes don't match, {x.shape[j]} != {x.shape[i]}")
            x = ops.diagonal(x, 0, i, j)
            letters = [d for n, d in enumerate(letters) if n not in (i, j)] + [c]
        for c, n in zip(letters, x.shape):
            if sizes.get(c, 1) != 1 and n != 1 and sizes[c] != n:
                raise RuntimeError(f"einsum(): operands do not broadcast with remapped shapes [original->remapped]: size {n} of {c!r} against {sizes[c]}")
            sizes[c] = max(sizes.get(c, 1), n) if n else 0
        views.append((letters, x))
    if arrow:
        out = [d for c in output.replace("...", "\0") for d in (dots if c == "\0" else [c])]
    else:
        every = [c for letters, _ in views for c in letters]
        out = dots + sorted(c for c in set(every) if every.count(c) == 1 and c not in dots)
    for c in out:
        if c not in sizes:
            raise RuntimeError(f"einsum(): output subscript {c} does not appear in the equation for any input operand")
        if out.count(c) > 1:
            raise RuntimeError(f"einsum(): output subscript {c} appears more than once in the output")
    return _contract(views, out)


def _sublists(operands):
    """einsum(x, [0, 1], y, [1, 2], [0, 2]) as an equation."""
    def text(sub):
        return "".join("..." if s is Ellipsis else chr(ord("A") + s) if s < 26 else chr(ord("a") + s - 26) for s in sub)
    tensors, terms, operands = [], [], list(operands)
    out = operands.pop() if len(operands) % 2 else None
    while operands:
        tensors.append(operands.pop(0))
        terms.append(text(operands.pop(0)))
    return ",".join(terms) + ("" if out is None else "->" + text(out)), tuple(tensors)


def _contract(views, out):
    """Multiplies from left to right; letters that nothing later needs are summed as soon as possible."""
    letters, x = views[0]
    for k in range(1, len(views)):
        right, y = views[k]
        needed = set(out).union(*(v[0] for v in views[k + 1:]))
        letters, x = _pair(letters, x, right, y, needed)
    gone = [i for i, c in enumerate(letters) if c not in out]
    if gone:
        x = ops.sum_dim(x, gone)
        letters = [c for c in letters if c in out]
    return ops.permute(x, [letters.index(c) for c in out]) if letters != out else x


def _pair(la, a, lb, b, needed):
    """One product, as a batch of matrices: shared letters that are still needed are the batch."""
    for letters, x, other in ((la, a, lb), (lb, b, la)):
        gone = [i for i, c in enumerate(letters) if c not in needed and c not in other]
        if gone:
            x = ops.sum_dim(x, gone)
            letters = [c for i, c in enumerate(letters) if i not in gone]
        if other is lb:
            la, a = letters, x
        else:
            lb, b = letters, x
    shared = [c for c in la if c in lb]
    wide = [c for c in shared if a.shape[la.index(c)] != b.shape[lb.index(c)]]
    if wide:                                                # a size of 1 meets a larger one: broadcast first
        a = ops.expand(a, [max(s, b.shape[lb.index(c)]) if c in wide else s for c, s in zip(la, a.shape)])
        b = ops.expand(b, [max(s, a.shape[la.index(c)]) if c in wide else s for c, s in zip(lb, b.shape)])
    batch, summed = [c for c in shared if c in needed], [c for c in shared if c not in needed]
    only_a, only_b = [c for c in la if c not in lb], [c for c in lb if c not in la]
    if not summed:                                          # nothing to sum: broadcasting multiplies
        order = batch + only_a
        x = a.permute([la.index(c) for c in order]).reshape([a.shape[la.index(c)] for c in order] + [1] * len(only_b))
        y = b.permute([lb.index(c) for c in batch + only_b])
        y = y.reshape([b.shape[lb.index(c)] for c in batch] + [1] * len(only_a) + [b.shape[lb.index(c)] for c in only_b])
        return batch + only_a + only_b, x * y
    size = dict(zip(la, a.shape)) | dict(zip(lb, b.shape))

    def product(letters):
        n = 1
        for c in letters:
            n *= size[c]
        return n

    lead = [size[c] for c in batch]
    x = a.permute([la.index(c) for c in batch + only_a + summed]).reshape(lead + [product(only_a), product(summed)])
    y = b.permute([lb.index(c) for c in batch + summed + only_b]).reshape(lead + [product(summed), product(only_b)])
    z = (x @ y).reshape(lead + [size[c] for c in only_a] + [size[c] for c in only_b])
    return batch + only_a + only_b, z


@public
def trace(input):
    """The sum of the diagonal of a matrix."""
    if input.dim() != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.dim()}")
    return ops.sum(ops.diagonal(input))


@public(out=True)
def kron(input, other):
    """The Kronecker product."""
    n = max(input.dim(), other.dim())
    a = input.reshape((1,) * (n - input.dim()) + tuple(input.shape))
    b = other.reshape((1,) * (n - other.dim()) + tuple(other.shape))
    left = [s for size in a.shape for s in (size, 1)]
    right = [s for size in b.shape for s in (1, size)]
    return (a.reshape(left) * b.reshape(right)).reshape([p * q for p, q in zip(a.shape, b.shape)])


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


@public(method=False)
def cdist(x1, x2, p=2.0, compute_mode=None):
    """Distances of the p-norm between all rows of two (batches of) matrices."""
    return ops.vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, (-1,))


@public(out=True)
def cross(input, other, dim=-1):
    """The cross product of 3-vectors along ``dim``; other dimensions broadcast.

    Raises:
        RuntimeError: that dimension does not have size 3, or the numbers of dimensions differ.
    """
    if input.dim() != other.dim():
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    dim = _wrap(dim, input.dim())
    if input.shape[dim] != 3 or other.shape[dim] != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[dim]} and {other.shape[dim]}")
    a, b = input.unbind(dim), other.unbind(dim)
    return ops.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]], dim)


functions["matmul"] = _core.matmul
