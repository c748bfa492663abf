# Nested tuples, lists and dicts of values: taken apart into their leaves, and put together again.

@cython.final
@cython.binding(False)
cdef class Nest:
    """How leaves stand in a tree: called with as many, it makes a like tree.

    kind: what makes the node from its parts; None: a leaf alone. keys: of a dict. parts: below each child, None for a leaf.
    """
    cdef object kind
    cdef list keys, parts
    cdef bint named                     # the parts are arguments

    def __call__(self, leaves):
        return self.make(iter(leaves))

    cdef object make(self, leaves):
        cdef list made
        if self.kind is None:
            return next(leaves)
        enter()
        try:
            made = [next(leaves) if part is None else (<Nest>part).make(leaves) for part in self.parts]
        finally:
            Py_LeaveRecursiveCall()
        if self.keys is not None:
            made = list(zip(self.keys, made))
        return self.kind(*made) if self.named else self.kind(made)


cdef Nest taken_apart(object tree, list leaves):
    """None for a leaf, which joins ``leaves``."""
    cdef Nest nest
    cdef type kind = type(tree)
    cdef bint is_dict = isinstance(tree, dict)
    cdef bint named = not is_dict and isinstance(tree, tuple) and hasattr(tree, "_fields")
    if not (is_dict or named or kind is tuple or kind is list):
        leaves.append(tree)
        return None
    nest = Nest.__new__(Nest)
    nest.kind, nest.named = kind, named
    if is_dict:
        nest.keys = list(tree)
        tree = list(tree.values())
    enter()
    try:
        nest.parts = [taken_apart(part, leaves) for part in tree]
    finally:
        Py_LeaveRecursiveCall()
    return nest


def flatten(tree):
    """(leaves, rebuild): the leaves in order, and a function that makes a like tree of a sequence of as many leaves."""
    cdef list leaves = []
    cdef Nest nest = taken_apart(tree, leaves)
    return leaves, Nest.__new__(Nest) if nest is None else nest
