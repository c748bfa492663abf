"""Deep copies of modules.

A module has sixteen dictionaries, almost all of them empty, and copy.deepcopy takes each of them apart and puts it together
again: most of the time of copying a model. What is copied, and in what order, is what copy.deepcopy would.
"""

import copy
import copyreg
from collections import OrderedDict

from ._registry import HookDict, Registry

_CONTAINERS = frozenset((Registry, HookDict, OrderedDict, dict, set, list))
_ATOMS = frozenset((type(None), bool, int, float, str))


def copies_itself(cls):
    """Does a class say how its instances are to be copied, by one of the methods that copy.deepcopy looks for?"""
    return (
        cls.__reduce_ex__ is not object.__reduce_ex__
        or cls.__reduce__ is not object.__reduce__
        or cls.__getstate__ is not object.__getstate__
        or hasattr(cls, "__getnewargs_ex__")
        or hasattr(cls, "__getnewargs__")
        or cls in copyreg.dispatch_table
        or bool(copyreg._slotnames(cls))
    )


def deepcopy(self, memo):
    """What copy.deepcopy makes of a module."""
    cls = type(self)
    if copies_itself(cls):
        return copy._reconstruct(self, memo, *self.__reduce_ex__(4))
    new = cls.__new__(cls)
    memo[id(self)] = new
    state = {}
    for name, value in list(self.__dict__.items()):
        kind = type(value)
        if kind not in _ATOMS:
            if kind in _CONTAINERS and not value and id(value) not in memo and (kind is not OrderedDict or not value.__dict__):
                memo[id(value)] = value = kind()
            else:
                value = copy.deepcopy(value, memo)
        state[name] = value
    new.__setstate__(state)
    return new
