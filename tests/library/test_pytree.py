"""Nested tuples, lists and dicts: `wengert._pytree`."""
from collections import OrderedDict, namedtuple

import pytest

from wengert._pytree import flatten, tree_map

Point = namedtuple("Point", "x y")


class Pair(tuple):
    """A tuple of its own kind, which is a leaf."""


@pytest.mark.parametrize("tree, leaves", [
    (5, [5]), (None, [None]), ((), []), ([], []), ({}, []), ((1,), [1]), ([1, (2, 3), []], [1, 2, 3]),
    ({"b": 1, "a": [2, {"c": 3}]}, [1, 2, 3]), (OrderedDict(b=1, a=(2,)), [1, 2]), (Point(1, [2, 3]), [1, 2, 3]),
    ((Point(1, 2), Pair((3, 4))), [1, 2, Pair((3, 4))]),
], ids=repr)
def test_trees_come_back(tree, leaves):
    found, rebuild = flatten(tree)
    assert found == leaves
    back = rebuild(found)
    assert back == tree and type(back) is type(tree)
    assert tree_map(str, tree) == rebuild([str(x) for x in leaves]) and type(rebuild(iter(found))) is type(tree)


def test_leaves_keep_their_places():
    assert flatten({"b": (1, [2]), "a": 3})[1]([4, 5, 6]) == {"b": (4, [5]), "a": 6}


def test_a_tree_that_holds_itself():
    tree = []
    tree.append(tree)
    with pytest.raises(RecursionError):
        flatten(tree)


def test_too_few_leaves():
    with pytest.raises(StopIteration):
        flatten([1, 2])[1]([1])
