"""Reverse-mode differentiation in the plainest way: immutable nodes, and handles that look at a state of a storage.

A Node is a value that never changes. A Tensor is a set of positions in a Storage; reading it gathers from the node that is the
storage's present state, writing to it makes a new state. So views and writes need no case analysis, which is what makes this
engine a reference. Adjoints are written with the same operations, hence gradients of gradients come for free.
"""
import contextlib
import itertools

import numpy as np

_order = itertools.count()
_recording = [True]


class Modified(RuntimeError):
    """A value that an adjoint needs has been overwritten, or a write is refused."""


@contextlib.contextmanager
def recording(on):
    """Switches recording for the body."""
    before, _recording[0] = _recording[0], on
    try:
        yield
    finally:
        _recording[0] = before


class Node:
    """A value with edges (parent, adjoint from g to the parent's share, nodes that the adjoint reads)."""

    def __init__(self, value, edges=(), leaf=False):
        self.value = np.array(value, dtype=np.float64)
        self.edges = [e for e in edges if e[0].requires_grad] if _recording[0] else []
        self.requires_grad = leaf or bool(self.edges)
        self.order = next(_order)
        self.origin = None      # (storage, version): where the user can overwrite this value

    def intact(self):
        return self.origin is None or self.origin[0].version == self.origin[1]


# ---- operations on nodes ----

def reshape(x, shape):
    return Node(x.value.reshape(shape), [(x, lambda g: reshape(g, x.value.shape), ())])


def sum_to(x, shape):
    """Sums over the axes that broadcasting from ``shape`` would have made or stretched."""
    lead = x.value.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(lead + i for i, n in enumerate(shape) if n == 1)
    return Node(x.value.sum(axis=axes, keepdims=True).reshape(shape), [(x, lambda g: expand(g, x.value.shape), ())])


def expand(x, shape):
    return Node(np.broadcast_to(x.value, shape), [(x, lambda g: sum_to(g, x.value.shape), ())])


def add(x, y):
    return Node(x.value + y.value, [(x, lambda g: sum_to(g, x.value.shape), ()), (y, lambda g: sum_to(g, y.value.shape), ())])


def mul(x, y):
    return Node(x.value * y.value, [(x, lambda g: sum_to(mul(g, y), x.value.shape), (y,)),
                                    (y, lambda g: sum_to(mul(g, x), y.value.shape), (x,))])


def transpose(x):
    return Node(x.value.T, [(x, transpose, ())])


def matmul(x, y):
    return Node(x.value @ y.value, [(x, lambda g: matmul(g, transpose(y)), (y,)), (y, lambda g: matmul(transpose(x), g), (x,))])


def gather(x, index):
    return Node(x.value[index], [(x, lambda g: scatter(g, index, x.value.size), ())])


def scatter(x, index, size):
    """Zeros of ``size`` with ``x`` at the positions ``index``, which are distinct."""
    out = np.zeros(size)
    out[index] = x.value
    return Node(out, [(x, lambda g: gather(g, index), ())])


def write(state, index, x):
    """``state`` with ``x`` at the positions ``index``."""
    out, kept = state.value.copy(), np.ones(state.value.size)
    out[index], kept[index] = x.value, 0.0
    return Node(out, [(state, lambda g: mul(g, Node(kept)), ()), (x, lambda g: gather(g, index), ())])


UNARY = {       # name -> (function, adjoint of (g, x, y), which of x and y it reads)
    "sin": (np.sin, lambda g, x, y: mul(g, unary("cos", x)), "x"),
    "cos": (np.cos, lambda g, x, y: mul(g, mul(unary("sin", x), Node(-1.0))), "x"),
    "exp": (np.exp, lambda g, x, y: mul(g, y), "y"),
    "tanh": (np.tanh, lambda g, x, y: mul(g, add(Node(1.0), mul(mul(y, y), Node(-1.0)))), "y"),
}


def unary(name, x):
    function, adjoint, reads = UNARY[name]
    y = Node(function(x.value), [(x, lambda g: adjoint(g, x, y), ())])
    y.edges = [(parent, back, (x if reads == "x" else y,)) for parent, back, _ in y.edges]
    return y


# ---- the sweep ----

def sweep(root, g, wanted=None):
    """Gradients by node. With ``wanted``, only edges on a way to one of these nodes are walked. Raises Modified."""
    found, stack = {root}, [root]
    while stack:
        for parent, _, _ in stack.pop().edges:
            if parent not in found:
                found.add(parent)
                stack.append(parent)
    nodes = sorted(found, key=lambda n: n.order)        # parents are older than their children
    useful = set()
    for n in nodes:
        if wanted is None or n in wanted or any(p in useful for p, _, _ in n.edges):
            useful.add(n)
    grads = {root: g}
    for n in reversed(nodes):
        for parent, adjoint, read in n.edges if n in grads else ():
            if parent in useful:
                if not all(r.intact() for r in read):
                    raise Modified("a value needed by the backward pass was modified in place")
                share = adjoint(grads[n])
                grads[parent] = add(grads[parent], share) if parent in grads else share
    return grads


# ---- handles ----

class Storage:
    def __init__(self, state):
        self.state, self.version, self.grad = state, 0, None


class Tensor:
    """Positions ``index`` of a storage; a detached one reads the same memory as a constant."""

    def __init__(self, storage, index, detached=False, base=False):
        self.storage, self.index, self.detached, self.base = storage, index, detached, base

    @property
    def value(self):
        return self.storage.state.value[self.index]

    @property
    def requires_grad(self):
        return self.storage.state.requires_grad and not self.detached

    @property
    def is_leaf(self):
        return self.base and self.requires_grad and not self.storage.state.edges

    @property
    def grad(self):
        return None if self.storage.grad is None else self.storage.grad[self.index]

    def read(self):
        node = Node(self.value) if self.detached else gather(self.storage.state, self.index)
        node.origin = (self.storage, self.storage.version)
        return node

    def view(self, of_index):
        return Tensor(self.storage, of_index(self.index), self.detached)

    def detach(self):
        return Tensor(self.storage, self.index, detached=True)

    def assign(self, node):
        """Writes ``node``, broadcast, to these positions."""
        state = self.storage.state
        if state.requires_grad and not state.edges:
            raise Modified("a leaf that requires grad is being used in an in-place operation")
        self.storage.state = write(state, self.index, expand(node, self.index.shape))
        self.storage.version += 1

    def backward(self):
        with recording(False):
            grads = sweep(self.storage.state, scatter(Node(np.ones(self.index.shape)), self.index, self.storage.state.value.size))
        return {n: g.value for n, g in grads.items() if n.requires_grad and not n.edges}


def leaf(value, requires_grad):
    storage = Storage(Node(np.ravel(value), leaf=requires_grad))
    return Tensor(storage, np.arange(np.size(value)).reshape(np.shape(value)), base=True)


def result(node):
    """A handle on a new storage that holds ``node``."""
    storage = Storage(reshape(node, -1))
    node.origin = (storage, 0)
    return Tensor(storage, np.arange(node.value.size).reshape(node.value.shape), base=True)
