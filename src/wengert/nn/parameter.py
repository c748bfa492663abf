"""Tensors that a module owns: :class:`Parameter` and :class:`Buffer`."""


from .. import Tensor, _disabled_torch_function_impl, empty

__all__ = ["Parameter", "Buffer", "UninitializedParameter", "UninitializedBuffer", "is_lazy"]


def _rebuild_parameter(cls, data, requires_grad, state=None):
    """Unpickles a parameter of type ``cls``; ``state`` holds the attributes that were set on it."""
    param = cls(data, requires_grad)
    if state:
        param.__dict__.update(state)
    return param


class _ParameterMeta(type(Tensor)):
    """Lets a tensor of a user's subclass count as a Parameter once ``Parameter(tensor)`` was called on it."""

    def __instancecheck__(self, instance):
        if type.__instancecheck__(self, instance):
            return True
        return self is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False)


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that a :class:`Module` lists in ``parameters()`` as soon as it is set as an attribute.

    Args:
        data (Tensor): its values, shared and not copied. Default: an empty tensor of shape (0,).
        requires_grad (bool): whether gradients are kept for it, also under ``no_grad()``. Default: True.
    """

    def __new__(cls, data=None, requires_grad=True):
        if data is None:
            data = empty(0)
        if type(data) is Tensor or type(data) is Parameter:
            if requires_grad and not data.is_floating_point():
                raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
            return Tensor._make_subclass(cls, data, requires_grad)
        # A user's tensor subclass stays what it is and is only marked.
        param = data.detach().requires_grad_(requires_grad)
        if type(param) is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() returns "
                f"an instance of the same type, but return type {type(param).__name__} was found instead. To use the "
                "type as a Parameter, please correct the detach() semantics defined by its __torch_dispatch__() "
                "implementation."
            )
        param._is_param = True
        return param

    def __deepcopy__(self, memo):
        if id(self) in memo:
            return memo[id(self)]
        result = type(self)(self.data.clone(), self.requires_grad)
        memo[id(self)] = result
        return result

    def __repr__(self, **kwargs):
        if type(self) is Parameter:
            # Printed as the tensor that it holds, without the name of this class.
            plain = self.detach().requires_grad_(self.requires_grad)
            return "Parameter containing:\n" + plain.__repr__(**kwargs)
        return "Parameter containing:\n" + super().__repr__(**kwargs)

    def __reduce_ex__(self, protocol):
        return _rebuild_parameter, (type(self), self.data, self.requires_grad, dict(self.__dict__))

    __torch_function__ = _disabled_torch_function_impl


class _BufferMeta(type(Tensor)):
    def __instancecheck__(self, instance):
        if type.__instancecheck__(self, instance):
            return True
        return self is Buffer and isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that a :class:`Module` registers as a buffer when it is set as an attribute.

    The result is an ordinary tensor with a mark, so operations on it return ordinary tensors.

    Args:
        data (Tensor): its values, shared and not copied. Default: an empty tensor of shape (0,).
        persistent (bool): whether it becomes part of ``state_dict()``. Default: True.
    """

    def __new__(cls, data=None, *, persistent=True):
        if data is None:
            data = empty(0)
        buffer = data.detach().requires_grad_(data.requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer

    __torch_function__ = _disabled_torch_function_impl


_ATTEMPTED = (
    "Attempted to use an uninitialized parameter in {}. This error happens when you are using a `LazyModule` or explicitly "
    "manipulating `torch.nn.parameter.{}` objects. When using LazyModules Call `forward` with a dummy batch to initialize the "
    "parameters before calling torch functions"
)
#: methods of a tensor without shape that work
_WORKING = frozenset((
    "__hash__", "size", "copy_", "is_complex", "is_floating_point", "half", "float", "double", "char", "short", "int", "long", "cuda", "cpu",
    "to", "to_dtype", "get_device", "__get__", "__set__", "__delete__",
))


class UninitializedTensorMixin:
    """A parameter or buffer that has no shape yet: :meth:`materialize` gives it one, and makes it an ordinary one."""

    def materialize(self, shape, device=None, dtype=None):
        """Gives it memory, without values, and its final class."""
        data = self.data
        self.data = empty(shape, device=data.device if device is None else device, dtype=data.dtype if dtype is None else dtype)
        self.__class__ = self.cls_to_become

    @property
    def shape(self):
        """Raises RuntimeError: there is none yet."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` when trying to "
            "load an uninitialized parameter into an initialized one. Call `forward` to initialize the parameters before accessing "
            "their attributes."
        )

    def share_memory_(self):
        """Raises RuntimeError: there is no memory yet."""
        raise RuntimeError("Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters before "
                           "calling `module.share_memory()`.")

    def __repr__(self):
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol):
        return type(self), (self.requires_grad,)

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.data.device, self.data.dtype)
        return memo[id(self)]

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if getattr(func, "__name__", "") in _WORKING:
            return Tensor.__torch_function__.__func__(cls, func, types, args, kwargs or {})
        raise ValueError(_ATTEMPTED.format(func, cls.__name__))


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter without shape, as the Lazy modules make them.

    Args:
        requires_grad (bool): of the parameter. device, dtype: which it will have.
    """

    cls_to_become = Parameter

    def __new__(cls, requires_grad=True, device=None, dtype=None):
        return Tensor._make_subclass(cls, empty(0, device=device, dtype=dtype), requires_grad)


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer without shape. The arguments are those of :class:`UninitializedParameter`, and persistent."""

    cls_to_become = Buffer                      # a class that objects can be moved to; the Lazy modules keep a plain tensor

    def __new__(cls, requires_grad=False, device=None, dtype=None, persistent=True):
        buffer = Tensor._make_subclass(cls, empty(0, device=device, dtype=dtype), requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer


def is_lazy(param):
    """Whether ``param`` still waits for its shape."""
    return isinstance(param, UninitializedTensorMixin)
