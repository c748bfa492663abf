"""Sums of products by index letters.

An equation is planned once for the shapes that it meets: a plan is a list of steps on registers, the operands first, and
running it costs what its operations cost.
"""
from functools import lru_cache

from .. import _core, float32, float64, ops
from ._register import public


@public(method=False)
def einsum(equation, *operands):
    """Sums of products by index letters: "bij,bjk->bik"; letters, "..." and repeated letters as in PyTorch.

    Products are taken from left to right, as matrix products where letters are summed; letters that nothing later needs are
    summed as soon as possible.

    Raises:
        RuntimeError: the equation does not fit the operands.
    """
    if not isinstance(equation, str):
        equation, operands = _sublists((equation, *operands))
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    steps = _plan(equation, *[x.shape for x in operands])
    registers = list(operands)
    for function, target, source, argument in steps:
        registers[target] = function(registers[source], registers[argument] if function in _PRODUCTS else argument)
    return registers[0] if steps else ops.alias(registers[0])


def _dots(x, y):
    """Products of vectors: (..., K) and (..., K) to (...). A call of a matrix product for each pair costs more than short ones take."""
    if x.dtype is y.dtype and x.dtype in (float32, float64):
        return ops.sum_dim(ops.mul(x, y), (-1,))
    return _core.matmul(x.unsqueeze(-2), y.unsqueeze(-1)).squeeze(-1).squeeze(-1)


_PRODUCTS = (_core.matmul, ops.mul, _dots)
_SHORT = 64                                                 # what counts as short


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


def _diagonal(x, dims):
    return ops.diagonal(x, 0, *dims)


class _Term:
    """A tensor of the plan: the letters of its dimensions, their sizes, and the register that holds it."""

    def __init__(self, steps, register, letters, shape):
        self.steps, self.register, self.letters, self.shape = steps, register, list(letters), list(shape)

    def size(self, letter):
        return self.shape[self.letters.index(letter)]

    def step(self, function, argument, letters, shape):
        self.steps.append((function, self.register, self.register, argument))
        self.letters, self.shape = list(letters), list(shape)

    def diagonal(self, i, j):
        """One dimension, the last, for two of the same letter."""
        rest = [n for n in range(len(self.letters)) if n not in (i, j)] + [i]
        self.step(_diagonal, (i, j), [self.letters[n] for n in rest], [self.shape[n] for n in rest])

    def sum(self, gone):
        """Without those letters."""
        kept = [n for n, c in enumerate(self.letters) if c not in gone]
        if len(kept) < len(self.letters):
            dims = [n for n in range(len(self.letters)) if n not in kept]
            self.step(ops.sum_dim, dims, [self.letters[n] for n in kept], [self.shape[n] for n in kept])

    def permute(self, letters):
        if letters != self.letters:
            self.step(ops.permute, [self.letters.index(c) for c in letters], letters, [self.size(c) for c in letters])

    def expand(self, shape):
        if shape != self.shape:
            self.step(ops.expand, shape, self.letters, shape)

    def reshape(self, shape):
        """Letters no longer fit until the product is made."""
        if shape != self.shape:
            self.step(ops._reshape, shape, self.letters, shape)

    def product(self, function, other, letters, shape):
        self.steps.append((function, self.register, self.register, other.register))
        self.letters, self.shape = list(letters), list(shape)


@lru_cache(512)
def _plan(equation, *shapes):
    """The steps (function, target, source, argument) that end with the result in register 0."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    subscripts = inputs.split(",")
    if len(subscripts) != len(shapes):
        raise RuntimeError(f"einsum(): {'fewer' if len(subscripts) > len(shapes) else 'more'} operands were provided than specified in the equation")
    extra = 0
    for n, (text, shape) in enumerate(zip(subscripts, shapes)):
        letters = text.replace("...", "")
        if not all(c.isalpha() for c in letters):
            raise RuntimeError("einsum(): invalid subscript given in the equation string, subscripts must be in [a-zA-Z]")
        if "..." in text:
            extra = max(extra, len(shape) - len(letters))
        elif len(letters) != len(shape):
            raise RuntimeError(f"einsum(): the number of subscripts in the equation ({len(letters)}) does not match the number of dimensions "
                               f"({len(shape)}) for operand {n} and no ellipsis was given")
    dots = [chr(0x100 + i) for i in range(extra)]           # letters that stand for "..."
    steps, sizes = [], {}
    terms = [_term(steps, n, text, shape, dots, sizes) for n, (text, shape) in enumerate(zip(subscripts, shapes))]
    if arrow:
        out = [d for c in output.replace("...", "\0") for d in (dots if c == "\0" else [c])]
    else:
        every = inputs.replace("...", "").replace(",", "")
        out = dots + sorted(c for c in set(every) if every.count(c) == 1)
    for c in out:
        if c not in sizes:
            raise RuntimeError(f"einsum(): output subscript {c} does not appear in the equation for any input operand")
        if out.count(c) > 1:
            raise RuntimeError(f"einsum(): output subscript {c} appears more than once in the output")
    first = terms[0]
    for k in range(1, len(terms)):
        _multiply(first, terms[k], set(out).union(*(term.letters for term in terms[k + 1:])))
    first.sum(set(first.letters) - set(out))
    first.permute(out)
    return steps


def _term(steps, register, text, shape, dots, sizes):
    """An operand, with the diagonals of repeated letters taken; its sizes go into ``sizes``."""
    own = len(shape) - len(text.replace("...", ""))
    letters = [d for c in text.replace("...", "\0") for d in (dots[len(dots) - own:] if c == "\0" else [c])]
    term = _Term(steps, register, letters, shape)
    while len(set(term.letters)) < len(term.letters):
        c = next(c for c in term.letters if term.letters.count(c) > 1)
        i, j = [n for n, d in enumerate(term.letters) if d == c][:2]
        if term.shape[i] != term.shape[j]:
            raise RuntimeError(f"einsum(): subscript {c} is repeated for operand {register} but the sizes don't match, "
                               f"{term.shape[j]} != {term.shape[i]}")
        term.diagonal(i, j)
    for c, n in zip(term.letters, term.shape):
        if sizes.get(c, 1) != 1 and n != 1 and sizes[c] != n:
            raise RuntimeError(f"einsum(): operands do not broadcast with remapped shapes [original->remapped]: size {n} of {c!r} against {sizes[c]}")
        sizes[c] = max(sizes.get(c, 1), n) if n else 0
    return term


def _count(size, letters):
    n = 1
    for c in letters:
        n *= size[c]
    return n


def _multiply(a, b, needed):
    """a times b, as a batch of matrices: shared letters that are still needed are the batch."""
    a.sum(set(a.letters) - needed - set(b.letters))
    b.sum(set(b.letters) - needed - set(a.letters))
    shared = [c for c in a.letters if c in b.letters]
    size = dict(zip(b.letters, b.shape)) | dict(zip(a.letters, a.shape))
    size |= {c: b.size(c) for c in shared if a.size(c) == 1}
    batch, summed = [c for c in shared if c in needed], [c for c in shared if c not in needed]
    only_a, only_b = [c for c in a.letters if c not in shared], [c for c in b.letters if c not in shared]
    result = batch + only_a + only_b
    if not summed:                                          # nothing to sum: broadcasting multiplies
        a.permute(batch + only_a)
        b.permute(batch + only_b)
        a.reshape(a.shape + [1] * len(only_b))
        b.reshape(b.shape[:len(batch)] + [1] * len(only_a) + b.shape[len(batch):])
        a.product(ops.mul, b, result, [size[c] for c in result])
        return
    for term in (a, b):                                     # a size of 1 meets a larger one
        term.expand([size[c] for c in term.letters])

    lead = [size[c] for c in batch]
    if batch and not only_a and not only_b and _count(size, summed) <= _SHORT:
        for term in (a, b):
            term.permute(batch + summed)
            term.reshape(lead + [_count(size, summed)])
        a.product(_dots, b, batch, lead)
        return
    a.permute(batch + only_a + summed)
    b.permute(batch + summed + only_b)
    a.reshape(lead + [_count(size, only_a), _count(size, summed)])
    b.reshape(lead + [_count(size, summed), _count(size, only_b)])
    a.product(_core.matmul, b, result, lead + [_count(size, only_a), _count(size, only_b)])
    a.reshape([size[c] for c in result])
