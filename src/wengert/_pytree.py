"""Nested tuples, lists and dicts of values: taken apart into their leaves, and put together again."""

from ._core import flatten


def tree_map(function, tree):
    """The tree with the function applied to each leaf."""
    leaves, rebuild = flatten(tree)
    return rebuild([function(leaf) for leaf in leaves])


def broadcast_prefix(prefix, tree, is_leaf):
    """One value a leaf of the tree: a leaf of ``prefix`` counts for all that stands below it in the tree.

    Raises:
        ValueError: the prefix has another structure.
    """
    if is_leaf(prefix):
        return [prefix] * len(flatten(tree)[0])
    keys = list(prefix) if isinstance(prefix, dict) else range(len(prefix))
    if isinstance(prefix, dict) != isinstance(tree, dict) or not isinstance(tree, (tuple, list, dict)) or len(prefix) != len(tree):
        raise ValueError("the structures differ")
    return [value for key in (tree if isinstance(tree, dict) else keys) for value in broadcast_prefix(prefix[key], tree[key], is_leaf)]
