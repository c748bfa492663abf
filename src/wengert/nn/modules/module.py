"""The base class of everything that owns parameters."""

import weakref
from collections import OrderedDict
from collections.abc import Mapping

from ... import Tensor, _core, empty_like, no_grad
from .._names import typename
from ..parameter import Buffer, Parameter
from . import _global_hooks
from ._arguments import parse_to
from ._calling import Calls
from ._copying import deepcopy
from ._global_hooks import (
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from ._registry import HookDict, Registry
from ._state import State
from ._tree import Tree

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

_REGISTRIES = frozenset(("_parameters", "_buffers", "_modules"))
_CALL_HOOKS = ("_backward_pre_hooks", "_backward_hooks", "_forward_hooks", "_forward_pre_hooks")
_SPECIAL = _REGISTRIES.union(_CALL_HOOKS)
_KINDS = [(name, Registry) for name in sorted(_REGISTRIES)] + [(name, HookDict) for name in _CALL_HOOKS]


def _addindent(text, spaces):
    first, *rest = text.split("\n")
    return "\n".join([first, *(" " * spaces + line for line in rest)])


class Module(Calls, Tree, State):
    """Base class of all layers and models.

    A subclass calls ``super().__init__()``, sets parameters, buffers and other modules as attributes, and defines
    ``forward``. Calling the module runs its hooks and ``forward``. What is set as an attribute is registered, so that
    ``parameters()``, ``state_dict()``, ``to()`` and ``train()`` reach it.

    Attributes:
        training (bool): whether the module is in training mode (:meth:`train`) or evaluates (:meth:`eval`).
    """

    dump_patches = False
    _version = 1
    training: bool
    call_super_init = False
    _compiled_call_impl = None

    def __init__(self, *args, **kwargs):
        if not self.call_super_init:
            if kwargs:
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
                )
            if args:
                raise TypeError(
                    f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given"
                )
        attributes = self.__dict__
        attributes["training"] = True
        attributes["_parameters"] = Registry()
        attributes["_buffers"] = Registry()
        attributes["_non_persistent_buffers_set"] = set()
        attributes["_backward_pre_hooks"] = HookDict()
        attributes["_backward_hooks"] = HookDict()
        attributes["_is_full_backward_hook"] = None
        attributes["_forward_hooks"] = HookDict()
        attributes["_forward_hooks_with_kwargs"] = OrderedDict()
        attributes["_forward_hooks_always_called"] = OrderedDict()
        attributes["_forward_pre_hooks"] = HookDict()
        attributes["_forward_pre_hooks_with_kwargs"] = OrderedDict()
        attributes["_state_dict_hooks"] = OrderedDict()
        attributes["_state_dict_pre_hooks"] = OrderedDict()
        attributes["_load_state_dict_pre_hooks"] = OrderedDict()
        attributes["_load_state_dict_post_hooks"] = OrderedDict()
        attributes["_modules"] = Registry()
        owner = (weakref.ref(self),)
        attributes["_parameters"]._owners = owner
        attributes["_buffers"]._owners = owner
        attributes["_modules"]._owners = owner
        for name in _CALL_HOOKS:
            attributes[name]._owners = owner
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def forward(self, *input):
        """The computation of one call. Every subclass defines it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # ---- registration -------------------------------------------------------------------------------

    def _check_name(self, name, registry, kind, dot):
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if "." in name:
            raise KeyError(dot)
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if name not in registry and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    def register_buffer(self, name, tensor, persistent=True):
        """Adds a buffer: a tensor that belongs to the module's state and is no parameter.

        Args:
            name (str): the attribute under which it can be reached.
            tensor (Tensor or None): the buffer. None: operations on buffers skip it, ``state_dict`` has no entry.
            persistent (bool): whether it is part of ``state_dict()``.

        Raises:
            TypeError: ``tensor`` is no tensor. KeyError: the name is taken, empty or contains a dot.
        """
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name(name, self._buffers, "buffer", 'buffer name can\'t contain "."')
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        for hook in list(_global_hooks.buffer_registration_hooks.values()):
            output = hook(self, name, tensor)
            if output is not None:
                tensor = output
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_parameter(self, name, param):
        """Adds a parameter, or None to say that the module has it not.

        Raises:
            TypeError: ``param`` is no Parameter. ValueError: it is the result of an operation.
            KeyError: the name is taken, empty or contains a dot.
        """
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name(name, self._parameters, "parameter", 'parameter name can\'t contain "."')
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{typename(param)}' object to parameter '{name}' "
                    "(torch.nn.Parameter or None required)"
                )
            if param.grad_fn is not None:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                    f"explicitly. To express '{name}' as a function of another Tensor, compute the value in the "
                    "forward() method."
                )
            for hook in list(_global_hooks.parameter_registration_hooks.values()):
                output = hook(self, name, param)
                if output is not None:
                    param = output
        self._parameters[name] = param

    def add_module(self, name, module):
        """Adds a submodule (or None) under ``name``.

        Raises:
            TypeError: ``module`` is no Module. KeyError: the name is taken, empty or contains a dot.
        """
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{typename(module)} is not a Module subclass")
        self._check_name(name, self._modules, "module", f'module name can\'t contain ".", got: {name}')
        self._set_module(name, module)

    def register_module(self, name, module):
        """Another name of :meth:`add_module`."""
        self.add_module(name, module)

    def _set_module(self, name, module):
        for hook in list(_global_hooks.module_registration_hooks.values()):
            output = hook(self, name, module)
            if output is not None:
                module = output
        self._modules[name] = module

    def __setattr__(self, name, value):
        attributes = self.__dict__
        if (
            isinstance(value, (Tensor, Module))
            or name in _SPECIAL
            or "_modules" not in attributes
            or name in attributes["_parameters"]
            or name in attributes["_modules"]
            or name in attributes["_buffers"]
        ):
            self._set_registered(name, value)
        else:
            object.__setattr__(self, name, value)

    def _forget(self, name, kept):
        """Takes ``name`` out of everything but the registry ``kept``, before it is registered there."""
        for registry in (self._parameters, self._buffers, self._modules):
            if registry is not kept and name in registry:
                del registry[name]
        self._non_persistent_buffers_set.discard(name)
        if name not in kept:
            self.__dict__.pop(name, None)

    def _set_registered(self, name, value):
        attributes = self.__dict__
        if name in _SPECIAL:
            self._replace(name, value)
            return
        params = attributes.get("_parameters")
        if isinstance(value, Parameter):
            if params is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, params)
            self.register_parameter(name, value)
            return
        if params is not None and name in params:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, value)
            return
        modules = attributes.get("_modules")
        if isinstance(value, Module):
            if modules is None:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, modules)
            self._set_module(name, value)
            return
        if modules is not None and name in modules:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as child module '{name}' (torch.nn.Module or None expected)"
                )
            self._set_module(name, value)
            return
        buffers = attributes.get("_buffers")
        if isinstance(value, Buffer) or buffers is not None and name in buffers:
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{typename(value)}' as buffer '{name}' "
                    "(torch.nn.Buffer, torch.Tensor or None expected)"
                )
            if buffers is None:
                raise AttributeError("cannot assign buffer before Module.__init__() call")
            if isinstance(value, Buffer):
                persistent = value.persistent
            else:
                persistent = name not in self._non_persistent_buffers_set
            self.register_buffer(name, value, persistent)
            return
        object.__setattr__(self, name, value)

    def _replace(self, name, value):
        """A registry or a dictionary of hooks is set as a whole: it keeps mirroring its writes."""
        attributes = self.__dict__
        kind = Registry if name in _REGISTRIES else HookDict
        old = attributes.get(name)
        if isinstance(value, Mapping) and not isinstance(value, kind):
            value = kind(value)
        if kind is Registry and isinstance(old, Registry) and old is not value:
            old.release(self)
        attributes[name] = value
        if isinstance(value, kind):
            value.adopt(self)

    def __getattr__(self, name):
        # Reached only where the class has a property of this name that failed, or the name does not exist.
        attributes = self.__dict__
        for registry in ("_parameters", "_buffers", "_modules"):
            if registry in attributes and name in attributes[registry]:
                return attributes[registry][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name):
        if name in self._parameters:
            del self._parameters[name]
        elif name in self._buffers:
            del self._buffers[name]
            self._non_persistent_buffers_set.discard(name)
        elif name in self._modules:
            del self._modules[name]
        else:
            super().__delattr__(name)

    def __dir__(self):
        names = {*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers}
        return sorted(name for name in names if not name[0].isdigit())

    def __setstate__(self, state):
        attributes = self.__dict__
        if type(state) is tuple:  # of a class with __slots__
            state, slots = state
            for name, value in slots.items():
                object.__setattr__(self, name, value)
        attributes.update(state)
        owner = (weakref.ref(self),)
        for name, kind in _KINDS:
            value = attributes.get(name)
            if type(value) is kind and not value._owners:  # a fresh one
                value._owners = owner
                value.mirror(self)
            else:
                self._replace(name, {} if value is None else value)
        for name in (
            "_forward_hooks_with_kwargs",
            "_forward_hooks_always_called",
            "_forward_pre_hooks_with_kwargs",
            "_state_dict_hooks",
            "_state_dict_pre_hooks",
            "_load_state_dict_pre_hooks",
            "_load_state_dict_post_hooks",
        ):
            if name not in attributes:
                attributes[name] = OrderedDict()
        attributes.setdefault("_non_persistent_buffers_set", set())
        attributes.setdefault("_is_full_backward_hook", None)

    __deepcopy__ = deepcopy

    # ---- modes, dtypes, gradients ------------------------------------------------------------------------

    def train(self, mode=True):
        """Sets training mode (Dropout and BatchNorm behave differently) here and below. Returns self."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        if type(self).train is Module.train:
            _core.train_below(self, mode, (Module.train, Tree.children, Tree.named_children, Module.__setattr__))
            return self
        self.training = mode                               # called by a subclass's own train()
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """``train(False)``. Returns self."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Sets ``requires_grad`` of all parameters. Returns self."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Drops the gradients of all parameters, or with ``set_to_none=False`` fills them with zeros."""
        usual = type(self).parameters is Tree.parameters and not self._overrides_parameters()
        for param in _core.parameters_below(self, Tree.named_modules) if usual else self.parameters():
            grad = param.grad
            if grad is None:
                continue
            if set_to_none:
                param.grad = None
            else:
                if grad.grad_fn is not None:
                    grad.detach_()
                else:
                    grad.requires_grad_(False)
                grad.zero_()

    def _apply(self, fn, recurse=True):
        """Sends every parameter, its gradient and every buffer through ``fn``. Returns self."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for param in list(self._parameters.values()):
            if param is None:
                continue
            with no_grad():
                value = fn(param)
            if value is not param:
                param.data = value
            grad = param.grad
            if grad is not None:
                with no_grad():
                    new = fn(grad)
                if new is not grad:
                    if new.dtype == grad.dtype and new.shape == grad.shape:
                        grad.data = new
                    else:
                        param.grad = new.requires_grad_(grad.requires_grad)
        for name, buffer in list(self._buffers.items()):
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, **kwargs):
        """Casts the floating point parameters and buffers and moves all of them.

        ``to(device, dtype, non_blocking)``, ``to(dtype, non_blocking)``, ``to(tensor, non_blocking)``; the only device is
        ``cpu``. Returns self.
        """
        device, dtype, non_blocking = parse_to(args, kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )

        def convert(t):
            return t.to(device=device, dtype=dtype if t.is_floating_point() or t.is_complex() else None)

        return self._apply(convert)

    def to_empty(self, *, device, recurse=True):
        """Gives all parameters and buffers new memory on ``device`` without values. Returns self."""
        return self._apply(lambda t: empty_like(t, device=device), recurse=recurse)

    def type(self, dst_type):
        """Casts all parameters and buffers to ``dst_type``. Returns self."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self):
        """Casts floating point parameters and buffers to float32. Returns self."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self):
        """Casts floating point parameters and buffers to float64. Returns self."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self):
        """Casts floating point parameters and buffers to float16. Returns self."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self):
        """Casts floating point parameters and buffers to bfloat16. Returns self."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def cpu(self):
        """Moves everything to the CPU, where it is. Returns self."""
        return self._apply(lambda t: t.cpu())

    def cuda(self, device=None):
        """Raises the error that tensors raise: there is no CUDA device."""
        return self._apply(lambda t: t.cuda(device))

    def share_memory(self):
        """Moves parameters and buffers to memory that other processes can map. Returns self."""
        return self._apply(lambda t: t.share_memory_())

    def compile(self, *args, **kwargs):
        """Accepted for programs that call it; the module goes on running eagerly, with the same results."""

    # ---- printing ----------------------------------------------------------------------------------------

    def _get_name(self):
        return type(self).__name__

    def extra_repr(self):
        """The arguments that ``repr`` shows; a subclass may define it, with several lines if it likes."""
        return ""

    def __repr__(self):
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        child_lines = [f"({name}): {_addindent(repr(module), 2)}" for name, module in list(self._modules.items())]
        lines = extra_lines + child_lines
        if not lines:
            body = ""
        elif len(extra_lines) == 1 and not child_lines:
            body = extra_lines[0]
        else:
            body = "\n  " + "\n  ".join(lines) + "\n"
        return f"{self._get_name()}({body})"


_core._set_plain_getattr(Module.__getattr__)
