"""Parameters computed from others: ``module.weight`` becomes what modules make of an original tensor at each access."""

import copyreg
from _thread import _local
from collections.abc import Sequence
from contextlib import contextmanager
from copy import deepcopy

from ... import Tensor, no_grad
from ..modules.container import ModuleDict, ModuleList
from ..modules.module import Module
from ..parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

class _Cached(_local):
    """A thread's `cached` blocks: how deep they are, and (id of the module, name) -> value, within them."""

    def __init__(self):
        self.depth, self.values = 0, {}


_cached = _Cached()


@contextmanager
def cached():
    """Within the block each parametrized tensor is computed once, at its first access, and kept; in the thread that entered it."""
    _cached.depth += 1
    try:
        yield
    finally:
        _cached.depth -= 1
        if not _cached.depth:
            _cached.values.clear()


def _own(module, name, tensor):
    """Registers the tensor as what it is, a parameter or a buffer."""
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _check_like(value, expected, what, where, got):
    """The dtype and shape that a parametrization may not change."""
    for kind in ("dtype", "shape"):
        if getattr(value, kind) != getattr(expected, kind):
            raise ValueError(what.format(kind) + f"\n{where}{kind}: {getattr(expected, kind)}\n{got}{kind}: {getattr(value, kind)}")


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, applied in turn, and the tensors that the first one takes.

    Those are ``original``, or ``original0``, ``original1``, ... if the last ``right_inverse`` returns a sequence.

    Args:
        modules: the parametrizations, at least one. original: the parameter or buffer, which gets the value that
            ``right_inverse`` finds. unsafe (bool): do not check that shape and dtype stay.

    Raises:
        ValueError: no modules, or they return something unfit.
    """

    def __init__(self, modules, original, unsafe=False):
        if not len(modules):
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        dtype, shape = original.dtype, original.shape
        start = original
        with no_grad():
            for module in reversed(self):
                if hasattr(module, "right_inverse"):
                    try:
                        start = module.right_inverse(start)
                    except NotImplementedError:
                        # It has no inverse: the original stands for what goes into it.
                        pass
        if not isinstance(start, (Tensor, Sequence)):
            raise ValueError(f"'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got {type(start).__name__}")
        self.is_tensor = isinstance(start, Tensor)
        self.ntensors = 1 if self.is_tensor else len(start)
        if self.is_tensor:
            if start.dtype != dtype:
                raise ValueError("When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                                 f"original.dtype: {dtype}\nright_inverse(original).dtype: {start.dtype}")
            if start is not original:
                original.data = start.data
            _own(self, "original", original)
        else:
            for i, tensor in enumerate(start):
                if not isinstance(tensor, Tensor):
                    raise ValueError("'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                                     f"Got element {i} of the sequence with type {type(tensor).__name__}.")
                if isinstance(original, Parameter):
                    if tensor is original:
                        # A parameter of its own: the module's optimizer groups are made anew anyway.
                        tensor = original.detach()
                    tensor = Parameter(tensor, original.requires_grad)
                tensor.requires_grad_(original.requires_grad)
                _own(self, f"original{i}", tensor)
        if not unsafe:
            value = self()
            if not isinstance(value, Tensor):
                raise ValueError(f"A parametrization must return a tensor. Got {type(value).__name__}.")
            for kind, before in (("dtype", dtype), ("shape", shape)):
                if getattr(value, kind) != before:
                    raise ValueError(f"Registering a parametrization may not change the {kind} of the tensor, unless `unsafe` flag is "
                                     f"enabled.\nunparametrized {kind}: {before}\nparametrized {kind}: {getattr(value, kind)}")

    def _originals(self):
        return [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value):
        """Sets the originals such that the parametrized tensor becomes ``value``.

        Raises:
            RuntimeError: a parametrization has no ``right_inverse``. ValueError: one returns something unfit.
        """
        with no_grad():
            for module in reversed(self):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                value = module.right_inverse(value)
            if self.is_tensor:
                if not isinstance(value, Tensor):
                    raise ValueError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
                if value.dtype != self.original.dtype:
                    raise ValueError(f"The tensor returned by `right_inverse` has dtype {value.dtype} while `original` has dtype "
                                     f"{self.original.dtype}")
                self.original.data = value.data
                return
            if not isinstance(value, Sequence):
                raise ValueError(f"'right_inverse' must return a sequence of tensors. Got {type(value).__name__}.")
            if len(value) != self.ntensors:
                raise ValueError(f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. Got a sequence of length "
                                 f"{len(value)}.")
            for i, (tensor, original) in enumerate(zip(value, self._originals())):
                if not isinstance(tensor, Tensor):
                    raise ValueError("'right_inverse' must return a sequence of tensors or reference-type opaques. Got element "
                                     f"{i} of type {type(tensor).__name__}.")
                if tensor.dtype != original.dtype:
                    raise ValueError(f"Tensor {i} returned by `right_inverse` has dtype {tensor.dtype} while `original{i}` has dtype "
                                     f"{original.dtype}")
                original.data = tensor.data

    def forward(self):
        """The tensor, computed from the originals."""
        first, *others = self._modules.values()
        value = first(*self._originals())
        for module in others:
            value = module(value)
        return value


def _deepcopy(self, memo):
    """As copy.deepcopy does without ``__getstate__``."""
    if id(self) in memo:
        return memo[id(self)]
    cls = type(self)
    copied = memo[id(self)] = cls.__new__(cls)
    copied.__setstate__(deepcopy(self.__dict__, memo))
    for slot in copyreg._slotnames(cls):
        if hasattr(self, slot):
            setattr(copied, slot, deepcopy(getattr(self, slot), memo))
    return copied


def _refuse_pickling(self):
    raise RuntimeError("Serialization of parametrized modules is only supported through state_dict(). See:\n"
                       "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
                       "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training")


def _give_own_class(module):
    """Puts a class of its own under the module, for the properties to stand in."""
    cls = type(module)
    body = {"__getstate__": _refuse_pickling}
    if cls.__deepcopy__ is Module.__deepcopy__:
        body["__deepcopy__"] = _deepcopy
    module.__class__ = type(cls)(f"Parametrized{cls.__name__}", (cls,), body)


def _property_of(name):
    def value(self):
        if not _cached.depth:
            return self.parametrizations[name]()
        key = id(self), name
        if key not in _cached.values:
            _cached.values[key] = self.parametrizations[name]()
        return _cached.values[key]

    def assign(self, new):
        self.parametrizations[name].right_inverse(new)

    return property(value, assign)


def _check_one_more(module, name, parametrization):
    """A parametrization on top of others takes and returns tensors of one shape and dtype."""
    old = getattr(module, name)
    new = parametrization(old)
    if not isinstance(new, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(new).__name__}.")
    _check_like(new, old, "Registering a parametrization may not change the {} of the tensor, unless the `unsafe` flag is enabled.",
                f"module.{name}.", f"parametrization(module.{name}).")
    if not hasattr(parametrization, "right_inverse"):
        return
    try:
        back = parametrization.right_inverse(new)
    except NotImplementedError:
        return
    if not isinstance(back, Tensor):
        raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}")
    _check_like(back, old, "The tensor returned by parametrization.right_inverse must have the same {} " +
                f"as module.{name}, unless the `unsafe` flag is enabled.", f"module.{name}.", "returned ")


def register_parametrization(module, tensor_name, parametrization, *, unsafe=False):
    """From now on ``module.<tensor_name>`` is ``parametrization(original)``, computed at each access.

    The original moves to ``module.parametrizations.<tensor_name>.original``. Several parametrizations of one tensor
    are applied one after the other. Assigning to the tensor calls the parametrizations' ``right_inverse``.

    Args:
        module (Module): the owner. tensor_name (str): of a parameter or buffer of it.
        parametrization (Module): takes the original, or the tensors that its ``right_inverse`` returns.
        unsafe (bool): do not check that shape and dtype stay.

    Returns:
        ``module``, whose class is a new subclass of its old one.

    Raises:
        ValueError: no such parameter or buffer; the parametrization returns something unfit.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_one_more(module, tensor_name, parametrization)
        parts = module.parametrizations[tensor_name]
        parts.append(parametrization)
        parts.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        parts = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _give_own_class(module)
            module.parametrizations = ModuleDict()
        setattr(type(module), tensor_name, _property_of(tensor_name))
        module.parametrizations[tensor_name] = parts
    else:
        raise ValueError(f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name '{tensor_name}'")
    return module


def is_parametrized(module, tensor_name=None):
    """Whether the tensor of that name is parametrized; without a name, whether any is."""
    parts = getattr(module, "parametrizations", None)
    if not isinstance(parts, ModuleDict):
        return False
    return len(parts) > 0 if tensor_name is None else tensor_name in parts


def remove_parametrizations(module, tensor_name, leave_parametrized=True):
    """Makes the tensor an ordinary parameter or buffer again: with its present value, or with the original's.

    Raises:
        ValueError: it is not parametrized; ``leave_parametrized=False`` and there are several originals.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    parts = module.parametrizations[tensor_name]
    if parts.is_tensor:
        original = parts.original
        if leave_parametrized:
            # The same object, with the value: optimizers go on with it.
            with no_grad():
                original.data = getattr(module, tensor_name).data
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value.detach()) if value.requires_grad else value
    else:
        raise ValueError("Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a sequence of "
                         "tensors.")
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _own(module, tensor_name, original)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module):
    """The class that the module had before its tensors were parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module, to_module, tensor_name=None):
    """Gives ``to_module`` the parametrizations and the originals of ``from_module``: of one tensor, or of all.

    Returns:
        ``to_module``.
    """
    if not is_parametrized(from_module):
        return to_module
    wanted = from_module.parametrizations if tensor_name is None else [tensor_name]
    for name in wanted:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        for parametrization in from_module.parametrizations[name]:
            register_parametrization(to_module, name, parametrization)
        parts, given = to_module.parametrizations[name], from_module.parametrizations[name]
        for key in (["original"] if parts.is_tensor else [f"original{i}" for i in range(parts.ntensors)]):
            setattr(parts, key, getattr(given, key))
    return to_module
