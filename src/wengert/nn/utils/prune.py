"""Pruning: weights times masks of zeros and ones, by a hook before each call.

A pruned tensor ``name`` of a module becomes ``name_orig``, which is trained, times the buffer ``name_mask``. Pruning it again
works on what is left, and the methods are kept in a `PruningContainer`; `remove` makes the product the parameter.
"""
import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable

from ... import abs as _abs
from ... import kthvalue, norm, ones_like, rand, rand_like, topk, zeros_like
from .convert_parameters import parameters_to_vector

__all__ = ["BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer", "RandomStructured",
           "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned", "l1_unstructured", "ln_structured",
           "random_structured", "random_unstructured", "remove"]


class BasePruningMethod(ABC):
    """A way to choose what is pruned: subclasses define `compute_mask` and ``PRUNING_TYPE``.

    Attributes:
        PRUNING_TYPE (str): "unstructured" (single elements), "structured" (slices along ``dim``) or "global": what of a tensor that
            is pruned already the method gets to see.
    """

    def __call__(self, module, inputs):
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t, default_mask):
        """The new mask: zeros where ``default_mask`` has zeros or the importances ``t`` say so."""

    def apply_mask(self, module):
        """The product of the original and its mask.

        Raises:
            AssertionError: the method was not applied to a module.
        """
        if getattr(self, "_tensor_name", None) is None:
            raise AssertionError(f"Module {module} has to be pruned")
        mask, orig = (getattr(module, self._tensor_name + end) for end in ("_mask", "_orig"))
        return mask.to(dtype=orig.dtype) * orig

    @classmethod
    def apply(cls, module, name, *args, importance_scores=None, **kwargs):
        """Prunes ``name`` of a module by a method made of the arguments, and again before each call. Returns the method.

        Raises:
            AssertionError: the importances have another shape.
        """
        keys = [k for k, hook in list(module._forward_pre_hooks.items()) if isinstance(hook, BasePruningMethod) and hook._tensor_name == name]
        if len(keys) > 1:
            raise AssertionError(f"Avoid adding multiple pruning hooks to the same tensor {name} of module {module}. Use a PruningContainer.")
        method = cls(*args, **kwargs)
        method._tensor_name = name
        orig = getattr(module, name)
        if importance_scores is None:
            importance_scores = orig
        elif importance_scores.shape != orig.shape:
            raise AssertionError(f"importance_scores should have the same shape as parameter {name} of {module}, got "
                                 f"{importance_scores.shape} vs {orig.shape}")
        if keys:
            before = module._forward_pre_hooks[keys[0]]
            container = before if isinstance(before, PruningContainer) else PruningContainer(before)
            container.add_pruning_method(method)
            mask = container.compute_mask(importance_scores, getattr(module, name + "_mask").detach().clone())
            del module._forward_pre_hooks[keys[0]]
            method = container
        else:
            mask = method.compute_mask(importance_scores, ones_like(orig))
            module.register_parameter(name + "_orig", orig)
            del module._parameters[name]
        module.register_buffer(name + "_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t, default_mask=None, importance_scores=None):
        """``t`` pruned, without a module.

        Raises:
            AssertionError: the importances have another shape.
        """
        if importance_scores is None:
            importance_scores = t
        elif importance_scores.shape != t.shape:
            raise AssertionError(f"importance_scores should have the same shape as tensor t, got {importance_scores.shape} vs {t.shape}")
        return t * self.compute_mask(importance_scores, ones_like(t) if default_mask is None else default_mask)

    def remove(self, module):
        """Makes the product the parameter; the hook stays for `remove` to take out.

        Raises:
            AssertionError: the method was not applied to a module.
        """
        name = getattr(self, "_tensor_name", None)
        if name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        weight, orig = self.apply_mask(module), module._parameters[name + "_orig"]
        if hasattr(module, name):
            delattr(module, name)
        orig.data = weight.data
        setattr(module, name, orig)
        del module._parameters[name + "_orig"], module._buffers[name + "_mask"]


class PruningContainer(BasePruningMethod):
    """Methods that prune one tensor in turn."""

    def __init__(self, *args):
        self._pruning_methods = ()
        if len(args) == 1 and not isinstance(args[0], Iterable):
            self._tensor_name = args[0]._tensor_name
            self.add_pruning_method(args[0])
            return
        methods = args[0] if len(args) == 1 else args
        for i, method in enumerate(methods):
            if i == 0:
                self._tensor_name = method._tensor_name
            self.add_pruning_method(method)

    def add_pruning_method(self, method):
        """Adds one.

        Raises:
            TypeError: no pruning method. ValueError: one for another tensor.
        """
        if not isinstance(method, BasePruningMethod) and method is not None:
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError(f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to PruningContainer {self}."
                             f" Found '{method._tensor_name}'")
        self._pruning_methods += (method,)

    def __len__(self):
        return len(self._pruning_methods)

    def __iter__(self):
        return iter(self._pruning_methods)

    def __getitem__(self, idx):
        return self._pruning_methods[idx]

    def compute_mask(self, t, default_mask):
        """The mask of the last method, applied to what earlier ones left.

        Raises:
            ValueError: an unknown PRUNING_TYPE. AttributeError, IndexError: a structured method without a ``dim``, or with one of no use.
        """
        method = self._pruning_methods[-1]
        mask = default_mask.to(dtype=t.dtype).clone()
        left = self._left(method, default_mask)
        mask[left] = method.compute_mask(t[left], default_mask=default_mask[left])
        return mask

    @staticmethod
    def _left(method, mask):
        """The index of what a method may choose from."""
        kind = method.PRUNING_TYPE
        if kind == "unstructured":
            return mask == 1
        n = mask.dim()
        index = [slice(None)] * n
        if kind == "structured":
            if not hasattr(method, "dim"):
                raise AttributeError(f'Pruning methods of PRUNING_TYPE "{kind}" need to have the attribute `dim` defined.')
            dim = method.dim + n if method.dim < 0 else method.dim
            if not 0 <= dim < n:
                raise IndexError(f"Index is out of bounds for tensor with dimensions {n}")
            index[dim] = mask.sum(dim=[d for d in range(n) if d != dim]) != 0
        elif kind != "global":
            raise ValueError(f"Unrecognized PRUNING_TYPE {kind}")
        return tuple(index)


class Identity(BasePruningMethod):
    """Prunes nothing: a mask of ones."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        return default_mask

    @classmethod
    def apply(cls, module, name):
        """See `identity`."""
        return super().apply(module, name)


class _Amount(BasePruningMethod):
    """A method that prunes ``amount``: a number of parts (int) or a fraction of them (float)."""

    def __init__(self, amount):
        if not isinstance(amount, numbers.Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        if amount < 0 or (not isinstance(amount, numbers.Integral) and amount > 1.0):
            raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")
        self.amount = amount

    def _count(self, parts):
        """How many of so many parts are pruned."""
        if not isinstance(self.amount, numbers.Integral):
            return round(self.amount * parts)
        if self.amount > parts:
            raise ValueError(f"amount={self.amount} should be smaller than the number of parameters to prune={parts}")
        return self.amount


class RandomUnstructured(_Amount):
    """Prunes elements at random. ``amount`` (int or float): how many, or which fraction."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        mask, count = default_mask.clone(), self._count(t.nelement())
        if count:
            mask.view(-1)[topk(rand_like(t).view(-1), count).indices] = 0
        return mask

    @classmethod
    def apply(cls, module, name, amount):
        """See `random_unstructured`."""
        return super().apply(module, name, amount=amount)


class L1Unstructured(_Amount):
    """Prunes the elements of least absolute value. ``amount`` (int or float): how many, or which fraction."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        mask, count = default_mask.clone(), self._count(t.nelement())
        if count:
            mask.view(-1)[topk(_abs(t).view(-1), count, largest=False).indices] = 0
        return mask

    @classmethod
    def apply(cls, module, name, amount, importance_scores=None):
        """See `l1_unstructured`."""
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class _Structured(_Amount):
    """A method that prunes slices along ``dim``."""

    PRUNING_TYPE = "structured"

    def _check(self, t):
        """How many slices there are, and how many of them are pruned."""
        if t.dim() <= 1:
            raise ValueError("Structured pruning can only be applied to multidimensional tensors. Found tensor of shape "
                             f"{t.shape} with {t.dim()} dims")
        if not -t.dim() <= self.dim < t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        return t.shape[self.dim], self._count(t.shape[self.dim])

    def _mask(self, t, kept, default_mask):
        """Ones in the slices ``kept`` (an index), where there were ones."""
        mask, index = zeros_like(t), [slice(None)] * t.dim()
        index[self.dim] = kept
        mask[tuple(index)] = 1
        return mask * default_mask.to(dtype=mask.dtype)


class RandomStructured(_Structured):
    """Prunes slices along ``dim`` at random. ``amount`` (int or float): how many, or which fraction."""

    def __init__(self, amount, dim=-1):
        super().__init__(amount)
        self.dim = dim

    def compute_mask(self, t, default_mask):
        slices, count = self._check(t)
        chances = rand(slices)
        if count == 0:
            return default_mask
        return self._mask(t, chances > kthvalue(chances, k=count).values, default_mask)

    @classmethod
    def apply(cls, module, name, amount, dim=-1):
        """See `random_structured`."""
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(_Structured):
    """Prunes the slices along ``dim`` of least ``n``-norm. ``amount`` (int or float): how many, or which fraction."""

    def __init__(self, amount, n, dim=-1):
        super().__init__(amount)
        self.n, self.dim = n, dim

    def compute_mask(self, t, default_mask):
        slices, count = self._check(t)
        if count == 0:
            return default_mask
        others = [d for d in range(t.dim()) if d != self.dim % t.dim()]
        return self._mask(t, topk(norm(t, p=self.n, dim=others), slices - count).indices, default_mask)

    @classmethod
    def apply(cls, module, name, amount, n, dim, importance_scores=None):
        """See `ln_structured`."""
        return super().apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)


class CustomFromMask(BasePruningMethod):
    """Prunes where a given mask has zeros."""

    PRUNING_TYPE = "global"

    def __init__(self, mask):
        self.mask = mask

    def compute_mask(self, t, default_mask):
        if default_mask.shape != self.mask.shape:
            raise AssertionError(f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}")
        return default_mask * self.mask.to(dtype=default_mask.dtype)

    @classmethod
    def apply(cls, module, name, mask):
        """See `custom_from_mask`."""
        return super().apply(module, name, mask=mask)


def identity(module, name):
    """Sets ``name`` of a module up as pruned, without pruning. Returns the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module, name, amount):
    """Prunes elements of a module's tensor at random. Returns the module."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module, name, amount, importance_scores=None):
    """Prunes the elements of a module's tensor of least absolute value, or importance. Returns the module."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module, name, amount, dim):
    """Prunes slices along ``dim`` of a module's tensor at random. Returns the module."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module, name, amount, n, dim, importance_scores=None):
    """Prunes the slices along ``dim`` of a module's tensor of least ``n``-norm. Returns the module."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module, name, mask):
    """Prunes a module's tensor where ``mask`` has zeros. Returns the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(parameters, pruning_method, importance_scores=None, **kwargs):
    """Prunes elements of several tensors together, as if they were one.

    Args:
        parameters: pairs (module, name). pruning_method: a class of type "unstructured"; ``kwargs`` are its arguments.
        importance_scores (dict): (module, name) -> importances in the place of values.

    Raises:
        TypeError: ``parameters`` is no iterable, ``importance_scores`` no dict, the method of another type.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    parameters = list(parameters)
    values = parameters_to_vector([scores.get((module, name), getattr(module, name)) for module, name in parameters])
    before = parameters_to_vector([getattr(module, name + "_mask", ones_like(getattr(module, name))) for module, name in parameters])
    container, method = PruningContainer(), pruning_method(**kwargs)
    container._tensor_name = method._tensor_name = "temp"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(f'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method {pruning_method} of type '
                        f"{method.PRUNING_TYPE}")
    container.add_pruning_method(method)
    mask, at = container.compute_mask(values, before), 0
    for module, name in parameters:
        t = getattr(module, name)
        custom_from_mask(module, name, mask=mask[at:at + t.numel()].view_as(t))
        at += t.numel()


def remove(module, name):
    """Makes what pruning left of ``name`` its value, and takes the hook out. Returns the module.

    Raises:
        ValueError: it is not pruned.
    """
    for key, hook in list(module._forward_pre_hooks.items()):
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module):
    """Does any module in it have a tensor that is pruned?"""
    return any(isinstance(hook, BasePruningMethod) for m in module.modules() for hook in list(m._forward_pre_hooks.values()))
