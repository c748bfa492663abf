"""Records of the tape: nodes, gradient edges, removable hooks."""
from collections import namedtuple

from .. import _core
from .._core import Node  # noqa: F401
from ..utils.hooks import RemovableHandle

GradientEdge = namedtuple("GradientEdge", ("node", "output_nr"))


def get_gradient_edge(tensor):
    """Where the gradient of ``tensor`` flows: its node and output number."""
    return GradientEdge(*_core._gradient_edge(tensor))


def _make_handle(hooks, hook):
    """Adds a hook to a dict and returns the handle that removes it."""
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


_core._set_removable_handle(_make_handle)


def saved_tensors_hooks(pack_hook, unpack_hook):
    """Raises: what records save cannot be replaced yet."""
    raise NotImplementedError("saved-tensor hooks are not supported yet; to save memory, recompute in an autograd.Function")


def save_on_cpu(pin_memory=False, device_type="cpu"):
    """Does nothing: everything is saved on the CPU."""
    import contextlib
    return contextlib.nullcontext()
