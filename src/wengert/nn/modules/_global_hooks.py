"""Hooks of every module: of calls, and of what modules register."""

from collections import OrderedDict

from ...utils.hooks import RemovableHandle

__all__ = [
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]


class GlobalHookDict(OrderedDict):
    """Hooks of every module's call. A write sends all calls through the hooks."""

    #: The class whose ``_hooked`` says so; set where it is defined.
    flagged = None

    def __setitem__(self, key, hook):
        super().__setitem__(key, hook)
        GlobalHookDict.flagged._hooked = True


backward_pre_hooks = GlobalHookDict()
backward_hooks = GlobalHookDict()
is_full_backward_hook = None
forward_pre_hooks = GlobalHookDict()
forward_hooks = GlobalHookDict()
forward_hooks_always_called = OrderedDict()
forward_hooks_with_kwargs = OrderedDict()
buffer_registration_hooks = OrderedDict()
module_registration_hooks = OrderedDict()
parameter_registration_hooks = OrderedDict()


def add_hook(hooks, hook, extra_dict=None):
    """Puts ``hook`` into a dictionary of hooks; returns the handle that takes it out."""
    handle = RemovableHandle(hooks, extra_dict=extra_dict)
    hooks[handle.id] = hook
    return handle


def register_module_buffer_registration_hook(hook):
    """Calls ``hook(module, name, buffer)`` whenever a module registers a buffer; a tensor it returns takes its place."""
    return add_hook(buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook):
    """Calls ``hook(module, name, submodule)`` whenever a module gets a submodule; a module it returns takes its place."""
    return add_hook(module_registration_hooks, hook)


def register_module_parameter_registration_hook(hook):
    """Calls ``hook(module, name, param)`` whenever a module registers a parameter; a parameter it returns takes its place."""
    return add_hook(parameter_registration_hooks, hook)


def register_module_forward_pre_hook(hook):
    """Calls ``hook(module, args)`` before the forward of every module. See :meth:`Module.register_forward_pre_hook`."""
    return add_hook(forward_pre_hooks, hook)


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False):
    """Calls ``hook(module, args, output)`` after the forward of every module. See :meth:`Module.register_forward_hook`."""
    handle = add_hook(
        forward_hooks, hook, [forward_hooks_with_kwargs, forward_hooks_always_called]
    )
    if with_kwargs:
        forward_hooks_with_kwargs[handle.id] = True
    if always_call:
        forward_hooks_always_called[handle.id] = True
    return handle


def _set_backward_kind(full):
    global is_full_backward_hook
    if backward_hooks and is_full_backward_hook is not full:
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module hook. Please use only "
            "one of them."
        )
    is_full_backward_hook = full


def register_module_backward_hook(hook):
    """Deprecated form of :func:`register_module_full_backward_hook`."""
    _set_backward_kind(False)
    return add_hook(backward_hooks, hook)


def register_module_full_backward_pre_hook(hook):
    """Calls ``hook(module, grad_output)`` before the backward of every module."""
    return add_hook(backward_pre_hooks, hook)


def register_module_full_backward_hook(hook):
    """Calls ``hook(module, grad_input, grad_output)`` after the backward of every module."""
    _set_backward_kind(True)
    return add_hook(backward_hooks, hook)
