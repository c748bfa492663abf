"""Handles that take a hook out again, and the identity functions behind module backward hooks."""

import warnings
import weakref
from _thread import RLock
from collections import OrderedDict

from ..autograd import Function

__all__ = ["RemovableHandle", "BackwardHook", "unserializable_hook", "warn_if_has_hooks"]


class RemovableHandle:
    """What every ``register_*hook`` returns: ``remove()`` takes the hook out of its dictionary again.

    The dictionary is held weakly, so that a handle keeps neither a module nor a tensor alive. It may be used as a
    context manager: the hook is removed on leaving.

    Args:
        hooks_dict: a weakly referenceable mapping from handle id to hook.
        extra_dict: a mapping (or a list of them) in which the same id is removed too.
    """

    next_id = 0
    _lock = RLock()                                        # of next_id: no two threads get the same; a signal may come in between

    def __init__(self, hooks_dict, *, extra_dict=None):
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        with RemovableHandle._lock:
            self.id = RemovableHandle.next_id
            RemovableHandle.next_id += 1
        if extra_dict is None:
            extra_dict = ()
        elif not isinstance(extra_dict, (list, tuple)):
            extra_dict = (extra_dict,)
        self.extra_dict_ref = tuple(map(weakref.ref, extra_dict))

    def remove(self):
        """Removes the hook. Removing twice does nothing."""
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            hooks = ref()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self):
        return (self.hooks_dict_ref(), self.id, *(ref() for ref in self.extra_dict_ref))

    def __setstate__(self, state):
        hooks, self.id, *extra = state
        self.hooks_dict_ref = weakref.ref(OrderedDict() if hooks is None else hooks)
        self.extra_dict_ref = tuple(weakref.ref(OrderedDict() if d is None else d) for d in extra)
        with RemovableHandle._lock:
            RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        self.remove()


def unserializable_hook(f):
    """Marks ``f`` as a hook that is dropped, with a warning, when its tensor is saved."""
    f.__torch_unserializable__ = True
    return f


def warn_if_has_hooks(tensor):
    """Warns if ``tensor`` has hooks that saving it would lose, unless they are marked for that."""
    hooks = getattr(tensor, "_backward_hooks", None)
    for hook in list((hooks or {}).values()):
        if not hasattr(hook, "__torch_unserializable__"):
            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, you can decorate "
                "the function with @torch.utils.hooks.unserializable_hook to suppress this warning",
                stacklevel=2,
            )


class BackwardHookFunction(Function):
    """The identity on tensors, whose VJP hands the cotangents to ``transform`` on their way."""

    @staticmethod
    def forward(ctx, transform, *tensors):
        ctx.transform = transform
        ctx.mark_non_differentiable(*[t for t in tensors if not t.requires_grad])
        return tuple(t.view_as(t) for t in tensors)

    @staticmethod
    def backward(ctx, *grads):
        return (None, *ctx.transform(grads))


class BackwardHook:
    """Runs the full backward hooks of one module for one call of it.

    The module's inputs and outputs each pass through an identity function. The sweep meets that of the outputs first (pre-hooks run,
    the output cotangents are kept), that of the inputs last (hooks run with both). Where no input requires a
    gradient there is no second meeting, and the hooks run at the first with ``None`` for each input.
    """

    def __init__(self, module, user_hooks, user_pre_hooks):
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs = None
        self.n_inputs = -1
        self.input_indices = None
        self.n_outputs = -1
        self.output_indices = None

    def _spread(self, indices, values, size):
        """``values`` at their places in a tuple of length ``size``, None elsewhere."""
        spread = [None] * size
        for i, value in zip(indices, values, strict=True):
            spread[i] = value
        return tuple(spread)

    def _run_hooks(self, grad_inputs):
        for hook in self.user_hooks:
            result = hook(self.module, grad_inputs, self.grad_outputs)
            if result is None:
                continue
            if not isinstance(result, tuple):
                result = (result,)
            if len(result) != len(grad_inputs):
                raise RuntimeError(
                    "Backward hook returned an invalid number of grad_input, "
                    f"got {len(result)}, but expected {len(grad_inputs)}"
                )
            grad_inputs = result
        return grad_inputs

    def _at_inputs(self, grads):
        if self.grad_outputs is None:
            raise RuntimeError(
                "Module backward hook for grad_input is called before the grad_output one. This happens because the "
                "gradient in your nn.Module flows to the Module's input without passing through the Module's output. "
                "Make sure that the output depends on the input and that the loss is computed based on the output."
            )
        result = self._run_hooks(self._spread(self.input_indices, grads, self.n_inputs))
        self.grad_outputs = None
        return tuple(result[i] for i in self.input_indices)

    def _at_outputs(self, grads):
        grad_outputs = self._spread(self.output_indices, grads, self.n_outputs)
        for hook in self.user_pre_hooks:
            result = hook(self.module, grad_outputs)
            if result is None:
                continue
            if not isinstance(result, tuple):
                result = (result,)
            if len(result) != len(grad_outputs):
                raise RuntimeError(
                    "Backward pre hook returned an invalid number of grad_output, "
                    f"got {len(result)}, but expected {len(grad_outputs)}"
                )
            grad_outputs = result
        self.grad_outputs = grad_outputs
        if self.input_indices is None:
            warnings.warn(
                "Full backward hook is firing when gradients are computed with respect to module outputs since no "
                "inputs require gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
                "#torch.nn.Module.register_full_backward_hook for more details.",
                stacklevel=5,
            )
            grad_inputs = (None,) * self.n_inputs
            for hook in self.user_hooks:
                result = hook(self.module, grad_inputs, grad_outputs)
                if result is not None and not (isinstance(result, tuple) and all(r is None for r in result)):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always return None or None "
                        "for all gradients."
                    )
            self.grad_outputs = None
        return tuple(grad_outputs[i] for i in self.output_indices)

    def _pass_through(self, transform, args):
        """``args`` with its tensors sent through the identity; the indices of the tensors, or None."""
        from .. import Tensor, is_grad_enabled

        indices = [i for i, arg in enumerate(args) if isinstance(arg, Tensor)]
        if not indices or not is_grad_enabled() or not any(args[i].requires_grad for i in indices):
            return args, None
        passed = BackwardHookFunction.apply(transform, *(args[i] for i in indices))
        new = list(args)
        for i, tensor in zip(indices, passed, strict=True):
            new[i] = tensor
        return tuple(new), indices

    def setup_input_hook(self, args):
        """``args`` of the module's forward, its tensors replaced by watched ones."""
        self.n_inputs = len(args)
        args, self.input_indices = self._pass_through(self._at_inputs, args)
        return args

    def setup_output_hook(self, args):
        """The module's result, its tensors replaced by watched ones."""
        is_tuple = isinstance(args, tuple)
        if not is_tuple:
            args = (args,)
        self.n_outputs = len(args)
        args, indices = self._pass_through(self._at_outputs, args)
        self.output_indices = indices
        return args if is_tuple else args[0]
