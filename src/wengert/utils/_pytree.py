"""Nested tuples, lists and dicts: the part of torch.utils._pytree that programs use."""

from .._pytree import flatten, tree_map

__all__ = ["tree_flatten", "tree_iter", "tree_leaves", "tree_map", "tree_map_", "tree_map_only", "tree_unflatten"]


def tree_flatten(tree):
    """(leaves, spec): the leaves in order, and what `tree_unflatten` needs."""
    return flatten(tree)


def tree_unflatten(leaves, spec):
    """The tree that `tree_flatten` took apart, with other leaves."""
    return spec(list(leaves))


def tree_leaves(tree):
    """The leaves in order."""
    return flatten(tree)[0]


def tree_iter(tree):
    """An iterator over the leaves."""
    return iter(flatten(tree)[0])


def tree_map_only(kind, function, tree):
    """The tree with the function applied to the leaves of a type."""
    return tree_map(lambda leaf: function(leaf) if isinstance(leaf, kind) else leaf, tree)


def tree_map_(function, tree):
    """Calls the function with each leaf; returns the tree."""
    for leaf in flatten(tree)[0]:
        function(leaf)
    return tree
