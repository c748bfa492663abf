"""Dictionaries that keep a module's attributes and its registries one.

Note [Registered names are plain attributes]
A module's parameters, buffers and submodules stand in ``module.__dict__`` under their names, so that reading
``self.weight`` is an ordinary attribute access (about 140 ns for a whole module call; a ``__getattr__`` that searches the
registries costs three times that). ``_parameters``, ``_buffers`` and ``_modules`` list the same objects for everything that walks a
module. Other people's code writes into these dictionaries directly, so they mirror each write into the modules that own them.

A name that the module's class defines is not mirrored: there the class attribute is what ``self.name`` has to give. Nor is any name
where the class has a ``__getattr__`` of its own: libraries do more in it than hand out what is registered.
Owners are held weakly (no reference cycle: a dropped model is freed at once). A shallow copy shares its
registries with the original, which therefore may have several owners.
"""

import weakref
from collections import OrderedDict

from ..._core import set_entry, shows_entries

_MISSING = object()


def _owners_with(owners, module):
    """``owners`` (a tuple of weak references) without the dead ones, with ``module``."""
    alive = [ref for ref in owners if ref() is not None]
    if not any(ref() is module for ref in alive):
        alive.append(weakref.ref(module))
    return tuple(alive)


class Registry(dict):
    """Name to parameter, buffer or submodule; see Note [Registered names are plain attributes]."""

    __slots__ = ("_owners",)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._owners = ()

    def adopt(self, module):
        """Makes ``module`` an owner: all entries appear among its attributes."""
        self._owners = _owners_with(self._owners, module)
        self.mirror(module)

    def mirror(self, module):
        """Shows all entries among the attributes of an owner."""
        attributes = module.__dict__
        cls = type(module)
        if not shows_entries(cls):
            return
        for name, value in list(self.items()):
            if not hasattr(cls, name):
                attributes[name] = value

    def release(self, module):
        """The module got another registry: its attributes from here go."""
        self._owners = tuple(ref for ref in self._owners if ref() is not None and ref() is not module)
        attributes = module.__dict__
        for name, value in list(self.items()):
            if attributes.get(name, _MISSING) is value:
                attributes.pop(name, None)

    __setitem__ = set_entry

    def __delitem__(self, name):
        self._hide(name, dict.pop(self, name))

    def _hide(self, name, value):
        """What was taken out is no attribute of the owners any more."""
        for ref in self._owners:
            module = ref()
            if module is not None and module.__dict__.get(name, _MISSING) is value:
                module.__dict__.pop(name, None)

    def pop(self, name, *default):
        """As ``dict.pop``."""
        value = dict.pop(self, name, _MISSING)              # one step: another thread may be at it
        if value is _MISSING:
            return dict.pop(self, name, *default)
        self._hide(name, value)
        return value

    def popitem(self):
        """As ``dict.popitem``."""
        if not self:
            return dict.popitem(self)
        name = next(reversed(self))
        return name, self.pop(name)

    def clear(self):
        """As ``dict.clear``."""
        for name in list(self):
            self.pop(name, None)

    def update(self, *args, **kwargs):
        """As ``dict.update``."""
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def setdefault(self, name, default=None):
        """As ``dict.setdefault``."""
        if name not in self:
            self[name] = default
        return self[name]

    def __ior__(self, other):
        self.update(other)
        return self

    def __reduce__(self):
        return Registry, (), None, None, iter(list(self.items()))

    def move_to_end(self, name, last=True):
        """As ``OrderedDict.move_to_end``; the attributes stay as they are."""
        value = self[name]
        rest = [] if last else [(k, v) for k, v in self.items() if k != name]
        dict.__delitem__(self, name)
        dict.__setitem__(self, name, value)
        for k, v in rest:
            dict.__delitem__(self, k)
            dict.__setitem__(self, k, v)


class HookDict(OrderedDict):
    """Handle id to hook. A write raises the flag that sends calls of the owner through the hooks."""

    def __init__(self, *args, **kwargs):
        self._owners = ()
        super().__init__(*args, **kwargs)

    def adopt(self, module):
        """Makes ``module`` an owner, to be flagged when a hook comes in."""
        self._owners = _owners_with(self._owners, module)
        self.mirror(module)

    def mirror(self, module):
        """Raises the flag of an owner if there are hooks."""
        if self:
            module.__dict__["_hooked"] = True

    def __setitem__(self, key, hook):
        super().__setitem__(key, hook)
        for ref in self._owners:
            module = ref()
            if module is not None:
                module.__dict__["_hooked"] = True

    def __reduce__(self):
        return HookDict, (), None, None, iter(list(self.items()))
