"""Calls of a module: its hooks, and the fast path without them."""

import functools
import warnings
import weakref

from ... import Tensor
from ..._core import ModuleBase
from ...utils.hooks import BackwardHook
from . import _global_hooks
from ._global_hooks import GlobalHookDict, add_hook


class WrappedHook:
    """A hook together with the module that its first argument will be; the module is held weakly."""

    def __init__(self, hook, module=None):
        self.hook = hook
        functools.update_wrapper(self, hook)
        self.with_module = module is not None
        if self.with_module:
            self.module = weakref.ref(module)

    def __call__(self, *args, **kwargs):
        if self.with_module:
            module = self.module()
            if module is None:
                raise RuntimeError("You are trying to call the hook of a dead Module!")
            return self.hook(module, *args, **kwargs)
        return self.hook(*args, **kwargs)

    def __getstate__(self):
        state = {"hook": self.hook, "with_module": self.with_module}
        if self.with_module:
            state["module"] = self.module()
        return state

    def __setstate__(self, state):
        self.hook = state["hook"]
        self.with_module = state["with_module"]
        if self.with_module:
            if state["module"] is None:
                raise RuntimeError("You are trying to revive the hook of a dead Module!")
            self.module = weakref.ref(state["module"])


def _joined(first, second):
    """The entries of two dictionaries of hooks, as they are now."""
    return [*first.items(), *second.items()] if first else list(second.items()) if second else ()


def _any_of_every_module():
    """Are there hooks of every module's call?"""
    return bool(_global_hooks.forward_hooks or _global_hooks.forward_pre_hooks or _global_hooks.backward_hooks or _global_hooks.backward_pre_hooks)


class _CallSignature:
    """What inspect.signature says of a module; of its class, and where a class has a ``__call__`` of its own, inspect finds that itself."""

    def __get__(self, module, cls):
        if module is None or cls.__call__ is not Calls.__call__:
            raise AttributeError("__signature__")
        from inspect import Parameter, Signature
        return Signature([Parameter("args", Parameter.VAR_POSITIONAL), Parameter("kwargs", Parameter.VAR_KEYWORD)])


class Calls(ModuleBase):
    """The part of Module that runs hooks and ``forward``. ``__call__`` is the core's: it runs ``_call_impl`` where ``_hooked``
    is true, else ``forward``."""

    __signature__ = _CallSignature()
    _hooked = False  # in an instance: it has hooks; on this class: there are hooks of every module

    def _call_impl(self, *args, **kwargs):
        """A call with hooks. The flag that led here is lowered once the last hook has gone."""
        if not (self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks):
            self.__dict__.pop("_hooked", None)
            if self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks:
                self._hooked = True                         # another thread registered one before the flag was lowered
            elif not _any_of_every_module():
                Calls._hooked = False
                if _any_of_every_module():
                    Calls._hooked = True
                return self.forward(*args, **kwargs)
        called = set()
        results = [None]
        try:
            return self._call_with_hooks(args, kwargs, called, results)
        except Exception:
            self._call_remaining_hooks(args, kwargs, called, results[0])
            raise

    def _call_with_hooks(self, args, kwargs, called, results):
        full_hooks = plain_hooks = pre_hooks = ()
        if self._backward_hooks or self._backward_pre_hooks or _global_hooks.backward_hooks or _global_hooks.backward_pre_hooks:
            full_hooks, plain_hooks = self._get_backward_hooks()
            pre_hooks = self._get_backward_pre_hooks()
        for hook_id, hook in _joined(_global_hooks.forward_pre_hooks, self._forward_pre_hooks):
            if hook_id in self._forward_pre_hooks_with_kwargs:
                result = hook(self, args, kwargs)
                if result is not None:
                    if not (isinstance(result, tuple) and len(result) == 2):
                        raise RuntimeError(
                            f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {result}."
                        )
                    args, kwargs = result
            else:
                result = hook(self, args)
                if result is not None:
                    args = result if isinstance(result, tuple) else (result,)
        backward_hook = None
        if full_hooks or pre_hooks:
            backward_hook = BackwardHook(self, full_hooks, pre_hooks)
            args = backward_hook.setup_input_hook(args)
        output = results[0] = self.forward(*args, **kwargs)
        for hook_id, hook in _joined(_global_hooks.forward_hooks, self._forward_hooks):
            called.add(hook_id)
            if hook_id in self._forward_hooks_with_kwargs or hook_id in _global_hooks.forward_hooks_with_kwargs:
                result = hook(self, args, kwargs, output)
            else:
                result = hook(self, args, output)
            if result is not None:
                output = results[0] = result
        if backward_hook is not None:
            if not isinstance(output, (Tensor, tuple)):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but "
                    f"received {type(output)}",
                    stacklevel=4,
                )
            output = backward_hook.setup_output_hook(output)
        if plain_hooks:
            var = output
            while not isinstance(var, Tensor):
                var = next(v for v in var.values() if isinstance(v, Tensor)) if isinstance(var, dict) else var[0]
            if var.grad_fn is not None:
                for hook in plain_hooks:
                    var.grad_fn.register_hook(WrappedHook(hook, self))
                self._maybe_warn_non_full_backward_hook(args, output, var.grad_fn)
        return output

    def _call_remaining_hooks(self, args, kwargs, called, output):
        """After an error: the hooks that asked to be called in any case."""
        for hooks, always, with_kwargs, where in (
            (_global_hooks.forward_hooks, _global_hooks.forward_hooks_always_called, _global_hooks.forward_hooks_with_kwargs, "global "),
            (self._forward_hooks, self._forward_hooks_always_called, self._forward_hooks_with_kwargs, ""),
        ):
            for hook_id, hook in list(hooks.items()):
                if hook_id not in always or hook_id in called:
                    continue
                try:
                    result = (
                        hook(self, args, kwargs, output) if hook_id in with_kwargs else hook(self, args, output)
                    )
                    if result is not None:
                        output = result
                except Exception as error:
                    # The first error is on its way to the caller; this one can only be reported.
                    warnings.warn(
                        f"{where}module forward hook with ``always_call=True`` raised an exception that was silenced "
                        f"as another error was raised in forward: {error}",
                        stacklevel=4,
                    )

    def _get_backward_hooks(self):
        """The full and the deprecated backward hooks of a call, those of all modules first."""
        full, plain = [], []
        (full if _global_hooks.is_full_backward_hook else plain).extend(_global_hooks.backward_hooks.values())
        (full if self._is_full_backward_hook else plain).extend(self._backward_hooks.values())
        return full, plain

    def _get_backward_pre_hooks(self):
        return [*_global_hooks.backward_pre_hooks.values(), *self._backward_pre_hooks.values()]

    def _maybe_warn_non_full_backward_hook(self, inputs, result, grad_fn):
        if not isinstance(result, Tensor):
            if not (isinstance(result, tuple) and all(isinstance(r, Tensor) for r in result)):
                warnings.warn(
                    "Using non-full backward hooks on a Module that does not return a single Tensor or a tuple of "
                    "Tensors is deprecated and will be removed in future versions. This hook will be missing some of "
                    "the grad_output. Please use register_full_backward_hook to get the documented behavior.",
                    FutureWarning,
                    stacklevel=4,
                )
                return
        else:
            result = (result,)
        if not isinstance(inputs, Tensor):
            if not (isinstance(inputs, tuple) and all(isinstance(i, Tensor) for i in inputs)):
                warnings.warn(
                    "Using non-full backward hooks on a Module that does not take as input a single Tensor or a tuple "
                    "of Tensors is deprecated and will be removed in future versions. This hook will be missing some "
                    "of the grad_input. Please use register_full_backward_hook to get the documented behavior.",
                    FutureWarning,
                    stacklevel=4,
                )
                return
        else:
            inputs = (inputs,)
        out_grad_fn = {r.grad_fn for r in result if r.grad_fn is not None}
        if len(out_grad_fn) == 0 or (len(out_grad_fn) == 1 and grad_fn not in out_grad_fn):
            message = "when outputs are not produced by a single autograd Node"
        elif len(out_grad_fn) > 1:
            message = "when outputs are generated by different autograd Nodes"
        else:
            needing = {i.grad_fn for i in inputs if i.grad_fn is not None}
            if needing == {n[0] for n in grad_fn.next_functions if n[0] is not None}:
                return
            message = "when the forward contains multiple autograd Nodes"
        warnings.warn(
            f"Using a non-full backward hook {message} is deprecated and will be removed in future versions. This hook "
            "will be missing some grad_input. Please use register_full_backward_hook to get the documented behavior.",
            FutureWarning,
            stacklevel=4,
        )

    # ---- registration of hooks ----

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Calls ``hook(module, args)`` before ``forward``; what it returns, if not None, takes the place of the arguments.

        Args:
            hook: the function. With ``with_kwargs`` it gets ``(module, args, kwargs)`` and returns None or a pair of both.
            prepend (bool): before the module's other pre-hooks.

        Returns:
            RemovableHandle: its ``remove()`` takes the hook out.
        """
        handle = add_hook(self._forward_pre_hooks, hook, self._forward_pre_hooks_with_kwargs)
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        if prepend:
            self._forward_pre_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Calls ``hook(module, args, output)`` after ``forward``; what it returns, if not None, takes the output's place.

        Args:
            hook: the function. With ``with_kwargs`` it gets ``(module, args, kwargs, output)``.
            prepend (bool): before the module's other hooks.
            always_call (bool): also when ``forward`` or another hook raises.

        Returns:
            RemovableHandle: its ``remove()`` takes the hook out.
        """
        handle = add_hook(
            self._forward_hooks, hook, [self._forward_hooks_with_kwargs, self._forward_hooks_always_called]
        )
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        if prepend:
            self._forward_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """Calls ``hook(module, grad_output)`` when the cotangents of the outputs are there; its result replaces them."""
        handle = add_hook(self._backward_pre_hooks, hook)
        if prepend:
            self._backward_pre_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_backward_hook(self, hook):
        """Deprecated form of :meth:`register_full_backward_hook`: it sees the last operation of the module only."""
        if self._is_full_backward_hook is True:
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only "
                "one of them."
            )
        self._is_full_backward_hook = False
        return add_hook(self._backward_hooks, hook)

    def register_full_backward_hook(self, hook, prepend=False):
        """Calls ``hook(module, grad_input, grad_output)`` when the cotangents of the inputs are there.

        Both are tuples, with None at arguments that are no tensors. A tuple that the hook returns takes the place of ``grad_input``.
        Inputs and outputs of a module with this hook must not be changed in place.
        """
        if self._is_full_backward_hook is False:
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only "
                "one of them."
            )
        self._is_full_backward_hook = True
        handle = add_hook(self._backward_hooks, hook)
        if prepend:
            self._backward_hooks.move_to_end(handle.id, last=False)
        return handle


GlobalHookDict.flagged = Calls
