"""Every row of the table of operations as a function, by its own name (``wengert.ops.mul``, ``wengert.ops.sum_dim``).

Rows whose names begin with "_" serve gradients; they are functions like the others.
"""
from . import _core
from .types import make_return_type as _make_return_type

_core._set_return_type_factory(_make_return_type)
_rows, _publics = _core.make_ops()
globals().update(_rows)
__all__ = sorted(_rows)

#: Where a name is public, as the bits that the table's C form uses.
_PLACES = {"torch": 1, "method": 2, "functional": 4, "special": 8, "linalg": 16}


def _public(place):
    """name -> function for everything the table makes public in ``place``."""
    bit = _PLACES[place]
    return {name: function for name, (where, function) in _publics.items() if where & bit}
