"""Nested tuples, lists and dicts of values: taken apart into their leaves, and put together again."""


def flatten(tree):
    """(leaves, rebuild): the leaves in order, and a function that makes a like tree of a sequence of as many leaves."""
    if not isinstance(tree, (tuple, list, dict)):
        return [tree], _only
    if type(tree) is tuple or type(tree) is list:
        for x in tree:
            if isinstance(x, (tuple, list, dict)):
                break
        else:
            return list(tree), type(tree)
    leaves = []

    def take(node):
        """A maker of this node from an iterator over leaves."""
        if isinstance(node, tuple) and hasattr(node, "_fields"):
            parts = [take(x) for x in node]
            return lambda rest, kind=type(node): kind(*[part(rest) for part in parts])
        if type(node) in (list, tuple):
            parts = [take(x) for x in node]
            return lambda rest, kind=type(node): kind([part(rest) for part in parts])
        if isinstance(node, dict):
            items = [(key, take(x)) for key, x in node.items()]
            return lambda rest, kind=type(node): kind([(key, part(rest)) for key, part in items])
        leaves.append(node)
        return next

    root = take(tree)
    return leaves, lambda new: root(iter(new))


def _only(new):
    return next(iter(new))


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
