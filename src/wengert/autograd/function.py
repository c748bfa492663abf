"""User-defined operations with a backward of their own."""
from .. import _core
from .._core import Tensor
from ..grad_mode import no_grad

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What a Function's forward leaves for its backward: the ``ctx`` argument."""

    materialize_grads = True
    _to_save = ()
    _dirty = ()
    _non_differentiable = ()

    def save_for_backward(self, *tensors):
        """Saves tensors (or None) for backward, where `saved_tensors` gives them back. Inputs and outputs belong here."""
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(f"save_for_backward can only save variables, but argument {i} is of type {type(t).__name__}")
        self._to_save = tensors

    def save_for_forward(self, *tensors):
        """Accepted; forward-mode differentiation is not part of wengert."""

    def mark_dirty(self, *tensors):
        """Says that forward wrote into these inputs."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors):
        """Says that these outputs carry no gradient."""
        self._non_differentiable = tensors

    def set_materialize_grads(self, value):
        """Whether absent gradients of outputs reach backward as zeros (default) or as None."""
        self.materialize_grads = value

    @property
    def saved_tensors(self):
        """What `save_for_backward` saved.

        Raises:
            RuntimeError: the graph was spent, or one of them was written in place since.
        """
        if self._saved is None:
            raise RuntimeError("Trying to backward through the graph a second time (or directly access saved tensors after they have already "
                               "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
                               "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
                               "saved tensors after calling backward.")
        node = self._node_ref
        return tuple(None if s is None else _core._unpack(s, node) for s in self._saved)

    saved_variables = saved_tensors
    _saved = ()
    _node_ref = None

    # ---- called by the sweep ----

    def _backward(self, node, cotangents, needs, retain_graph):
        """Runs the user's backward; one gradient (or None) per tensor argument."""
        self._node_ref = node
        try:
            grads = self._cls.backward(self, *[None if i is None else cotangents[i] for i in self._places])
        finally:
            self._node_ref = None
        if not isinstance(grads, tuple):
            grads = (grads,)
        grads = list(grads)
        n = len(self.needs_input_grad)
        while len(grads) > n and grads[-1] is None:
            grads.pop()
        if len(grads) != n:
            raise RuntimeError(f"function {self._node_name} returned an incorrect number of gradients (expected {n}, got {len(grads)})")
        for place, is_tensor in enumerate(self._is_tensor):
            if grads[place] is not None and not is_tensor:
                raise RuntimeError(f"function {self._node_name} returned a gradient different than None at position {place + 1}, but the "
                                   "corresponding forward input was not a Variable")
        if not retain_graph:
            self._saved = None
        return [g for g, is_tensor in zip(grads, self._is_tensor) if is_tensor]


class Function:
    """An operation whose derivative the user writes.

    Subclass it with static methods ``forward(ctx, *args)`` (or ``forward(*args)`` and ``setup_context(ctx, inputs, output)``)
    and ``backward(ctx, *grad_outputs)``, and call ``apply``.
    """

    def __init__(self, *args, **kwargs):
        raise RuntimeError(f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should invoke them "
                           "on the class itself. Instantiating an autograd function will raise an error in a future version of PyTorch.")

    @staticmethod
    def forward(*args, **kwargs):
        """Computes the outputs; not recorded."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Leaves for backward what it needs."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """Gradients of the inputs, one per argument of forward, from those of the outputs."""
        raise NotImplementedError("You must implement either the backward or vjp method for your custom autograd.Function to use it with "
                                  "backward mode AD.")

    @staticmethod
    def jvp(ctx, *grad_inputs):
        """Forward mode; not part of wengert."""
        raise NotImplementedError("You must implement the jvp function for custom autograd.Function to use it with forward mode AD.")

    @classmethod
    def apply(cls, *args, **kwargs):
        """Runs forward and, if an input requires grad, records the operation.

        Raises:
            RuntimeError: an input marked dirty is no output, or a leaf that requires grad was written.
        """
        context = _context_type(cls)()
        context._cls = cls
        context._node_name = cls.__name__ + "Backward"
        context._is_tensor = tuple(isinstance(a, Tensor) for a in args)
        tensors = tuple(a for a in args if isinstance(a, Tensor))
        recording = _core.is_grad_enabled()
        context.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        with no_grad():
            if cls.setup_context is not Function.setup_context:
                outputs = cls.forward(*args, **kwargs)
                cls.setup_context(context, args, outputs)
            else:
                outputs = cls.forward(context, *args, **kwargs)
        return _finish(context, tensors, outputs, recording and any(context.needs_input_grad))


def _context_type(cls):
    """The type of a Function's contexts: named after it, with its attributes."""
    made = cls.__dict__.get("_ctx_type")
    if made is None:
        made = type(cls.__name__ + "Backward", (FunctionCtx,), {"__module__": cls.__module__, "_forward_cls": cls})
        cls._ctx_type = made
    return made


def _finish(context, tensors, outputs, recorded):
    """Gives the outputs their place in the graph. Only a tuple is several outputs; what is no tensor is handed on."""
    single = not isinstance(outputs, tuple)
    values = [outputs] if single else list(outputs)
    inputs = {id(t) for t in tensors}
    dirty = {id(t) for t in context._dirty if id(t) in inputs}
    fixed = {id(t) for t in context._non_differentiable}
    returned = [v for v in values if isinstance(v, Tensor)]
    for t in context._dirty:
        if id(t) in dirty and recorded:
            _core._check_writable(t)
        _core._mark_written(t)
    if recorded and not dirty <= {id(v) for v in returned}:
        raise RuntimeError("Some elements marked as dirty during the forward method were not returned as output. The inputs that are "
                           "modified inplace must all be outputs of the Function.")
    to_save = context._to_save
    context._to_save = context._dirty = context._non_differentiable = ()
    context._saved = None

    aliases = {}                                            # what the record calls an output, by the identity of what was returned
    for value in returned:
        if id(value) in aliases:
            continue
        if id(value) in dirty:
            aliases[id(value)] = value.detach() if recorded else value
        elif id(value) in inputs or recorded and value.requires_grad:
            aliases[id(value)] = _core._handed_through(value)
        else:
            aliases[id(value)] = value
    results = tuple(v if not isinstance(v, Tensor) or id(v) in dirty else aliases[id(v)] for v in values)
    if recorded:
        last = {id(value): i for i, value in enumerate(returned)}
        context._saved = tuple(None if t is None else
                               _core._save(aliases[id(t)], last[id(t)]) if id(t) in last and (id(t) not in inputs or id(t) in dirty) else
                               _core._save(t, -1) for t in to_save)
        context._places = tuple(None if not isinstance(v, Tensor) else i for v, i in zip(values, _counting(values)))
        differentiable = tuple(last[id(value)] == i and id(value) not in fixed and value.dtype.is_floating_point
                               for i, value in enumerate(returned))
        if any(differentiable):
            _core._record_function(context, tensors, tuple(aliases[id(value)] for value in returned), differentiable)
        for value in returned:
            if id(value) in dirty:
                _core._rebase(value, aliases[id(value)])
                dirty.discard(id(value))
    return results[0] if single else results


def _counting(values):
    """The number of tensors before each value."""
    n = 0
    for v in values:
        yield n
        n += isinstance(v, Tensor)


def once_differentiable(function):
    """Decorates a backward that computes with what cannot be differentiated again: its results raise if one tries."""
    import functools

    @functools.wraps(function)
    def wrapper(ctx, *args):
        with no_grad():
            outputs = function(ctx, *args)
        if not _core.is_grad_enabled() or not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            return outputs
        single = not isinstance(outputs, tuple)
        values = (outputs,) if single else outputs
        gates = [a for a in args if isinstance(a, Tensor) and a.requires_grad]
        values = tuple(_Refuse.apply(v, *gates) if isinstance(v, Tensor) else v for v in values)
        return values[0] if single else values
    return wrapper


class _Refuse(Function):
    """Passes a value through; its derivative raises."""

    @staticmethod
    def forward(ctx, value, *gates):
        return value.detach()

    @staticmethod
    def backward(ctx, g):
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
