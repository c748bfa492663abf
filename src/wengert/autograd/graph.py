"""Records of the tape: nodes, gradient edges, hooks on several gradients, and hooks on what records save."""
from collections import defaultdict, namedtuple

from .. import _core
from .._core import Node
from ..utils.hooks import RemovableHandle

__all__ = ["saved_tensors_hooks", "save_on_cpu", "disable_saved_tensors_hooks", "register_multi_grad_hook", "allow_mutation_on_saved_tensors",
           "Node", "GradientEdge", "get_gradient_edge", "increment_version", "set_warn_on_accumulate_grad_stream_mismatch",
           "set_override_stale_capture_stream"]


class GradientEdge(namedtuple("GradientEdge", ("node", "output_nr", "ownership_token"), defaults=(None,))):
    """Where a gradient flows: an output of a node. `autograd.grad` and `backward` take it in place of a tensor."""

    __slots__ = ()


_core._set_gradient_edge_type(GradientEdge)


def get_gradient_edge(tensor):
    """Where the gradient of ``tensor`` flows: its node and output number.

    Raises:
        RuntimeError: it does not require grad.
    """
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    return GradientEdge(*_core._gradient_edge(tensor), tensor if tensor.is_leaf else None)


def _make_handle(hooks, hook):
    """Adds a hook to a dict and returns the handle that removes it."""
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


_core._set_removable_handle(_make_handle)


# ---- what records save ----

class saved_tensors_hooks:
    """While the context is active, records keep ``pack_hook(tensor)`` of each tensor that they save, and compute with
    ``unpack_hook(packed)`` when they are differentiated. The innermost pair counts. Python numbers are no tensors.

    Args:
        pack_hook: called with the tensor, outputs of the operation without their history; it must not write to it.
        unpack_hook: returns a tensor of the same shape and dtype.
    """

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self):
        _core._push_saved_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *args):
        _core._pop_saved_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Keeps saved tensors on the CPU, where they are already: as a copy with ``pin_memory``, else as they are."""

    def __init__(self, pin_memory=False, device_type="cuda"):
        def pack(tensor):
            return tensor.device, tensor.clone() if pin_memory else tensor.cpu()

        def unpack(packed):
            device, tensor = packed
            return tensor.to(device)

        super().__init__(pack, unpack)


class disable_saved_tensors_hooks:
    """While the context is active, entering `saved_tensors_hooks` raises a RuntimeError with ``error_message``."""

    def __init__(self, error_message):
        self._message = error_message

    def __enter__(self):
        self._before = _core._refuse_saved_hooks(self._message)

    def __exit__(self, *args):
        _core._refuse_saved_hooks(self._before)


class _AllowMutationOnSavedContext:
    """The copies that `allow_mutation_on_saved_tensors` made, by number; cleared when it ends."""

    def __init__(self):
        self.cloned = {}
        self.closed = False

    def clear(self):
        """Forgets the copies."""
        self.cloned.clear()
        self.closed = True


class allow_mutation_on_saved_tensors:
    """While the context is active, tensors that records saved may be written in place: records keep copies.

    Forward and backward must both run inside.

    Raises:
        RuntimeError: nested, or a record made inside is differentiated after the end.
    """

    _active = False

    def __enter__(self):
        cls = allow_mutation_on_saved_tensors
        if cls._active:
            raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
        context = self._context = _AllowMutationOnSavedContext()

        def pack(tensor):
            key = len(context.cloned)
            context.cloned[key] = tensor.clone()
            return key

        def unpack(key):
            if context.closed:
                raise RuntimeError("Trying to backward outside of the 'allow_mutation_on_saved_tensors' contextin which the graph was "
                                   "originally recorded.")
            return context.cloned[key]

        self._hooks = saved_tensors_hooks(pack, unpack)
        self._hooks.__enter__()
        cls._active = True
        return context

    def __exit__(self, *args):
        allow_mutation_on_saved_tensors._active = False
        self._hooks.__exit__()
        self._context.clear()


def increment_version(tensor):
    """Says that the memory of a tensor, or of several, was written by something that the engine does not see."""
    for t in (tensor,) if isinstance(tensor, _core.Tensor) else tensor:
        if not t.is_inference():
            _core._mark_written(t)


def set_warn_on_accumulate_grad_stream_mismatch(enabled):
    """Does nothing: there are no streams."""


def set_override_stale_capture_stream(enabled):
    """Does nothing: there are no streams."""


# ---- hooks on several gradients ----

class _MultiHandle(RemovableHandle):
    """Removes several hooks at once."""

    def __init__(self, handles):
        self.handles = handles

    def remove(self):
        """Removes the hooks."""
        for handle in self.handles:
            handle.remove()

    def __getstate__(self):
        return self.handles

    def __setstate__(self, state):
        self.handles = state


def register_multi_grad_hook(tensors, fn, *, mode="all"):
    """Calls ``fn`` in each sweep once gradients of several tensors are there.

    Args:
        fn: with ``mode="all"`` called with a list of all gradients, after the last of them was computed, None for tensors that the
            sweep does not reach; with ``mode="any"`` with the first gradient that is computed.

    Returns:
        a handle with ``remove()``.

    Raises:
        ValueError: another mode.
        AssertionError: a tensor does not require grad (``mode="all"``).
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    if mode == "any":
        ran = defaultdict(bool)

        def first(grad):
            number = _core._current_sweep_number()
            if not ran[number]:
                ran[number] = True
                fn(grad)

        return _MultiHandle(tuple(t.register_hook(first) for t in tensors if t.requires_grad))

    if not all(t.requires_grad for t in tensors):
        raise AssertionError("Expected gradient function to be set")
    nodes = [_core._gradient_edge(t)[0] for t in tensors]
    arrived = {}                                            # sweep -> [gradients, how many are still to come]

    def hook_of(place):
        def hook(grad):
            number = _core._current_sweep_number()
            if number not in arrived:
                arrived[number] = [[None] * len(nodes), sum(map(_core._sweep_executes, nodes))]
            entry = arrived[number]
            entry[0][place] = grad
            entry[1] -= 1
            if entry[1] == 0:
                del arrived[number]
                fn(entry[0])
        return hook

    return _MultiHandle(tuple(t.register_hook(hook_of(i)) for i, t in enumerate(tensors)))
