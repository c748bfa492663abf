"""Methods of Tensor that are not hot: installed into the compiled type at import."""
from pickle import PickleBuffer

from . import _core, _tensor_str, ops
from ._core import Tensor
from .types import CPU, check_device, contiguous_format, device, preserve_format, strided

_methods = {}


def _method(function):
    """Marks a function as a method of Tensor."""
    _methods[function.__name__] = function
    return function


def _install():
    """Gives Tensor the table's methods, then those of this module."""
    from . import composite, random
    _core._set_repr(_tensor_str.tensor_repr)
    for name, function in ops._public("method").items():
        _core._add_method(name, function)
    for name, function in (*composite._methods.items(), *random._methods.items()):
        _core._add_method(name, function)
    for name, function in _methods.items():
        _core._add_method(name, function)


def _construct(cls, *args, device=None, **kwargs):
    """``Tensor(data)`` or ``Tensor(2, 3)``: the old constructor, of the default dtype; also behind subclasses' ``__new__``."""
    from . import creation
    check_device(device)
    if len(args) == 1 and isinstance(args[0], Tensor):
        t = args[0].detach()
    else:
        t = getattr(creation, _OLD[_core.get_default_dtype().name] + "Tensor")(*args)
    if cls is Tensor:
        return t
    return _core._make_subclass(cls, t, kwargs.get("requires_grad", False))


_core._set_constructor(_construct)


def _casts(name, dtype_name):
    dtype = _core.dtype_by_name(dtype_name)

    def cast(self, memory_format=preserve_format):
        result = self if self.dtype is dtype else ops.to_dtype(self, dtype)
        return result if memory_format is preserve_format else contiguous(result, memory_format)

    cast.__name__ = name
    cast.__doc__ = f"The same values as {dtype_name}; itself if they are already."
    _methods[name] = cast


for _name, _dtype in (("float", "float32"), ("double", "float64"), ("half", "float16"), ("bfloat16", "bfloat16"), ("long", "int64"),
                      ("int", "int32"), ("short", "int16"), ("char", "int8"), ("byte", "uint8"), ("bool", "bool")):
    _casts(_name, _dtype)


# ---- autograd ----

_methods["register_hook"] = _core.register_hook
_methods["register_post_accumulate_grad_hook"] = _core.register_post_accumulate_grad_hook
_methods["retain_grad"] = _core.retain_grad
_methods["retains_grad"] = property(_core.retains_grad)
_methods["tolist"] = _core.tolist


# ---- conversion ----

@_method
@_core.cast_method
def to(self, *args, dtype=None, device=None, non_blocking=False, copy=False, memory_format=preserve_format):
    """This tensor with another dtype: ``to(dtype)``, ``to(device, dtype)``, ``to(other)``; itself if nothing changes."""
    for i, a in enumerate(args):
        if isinstance(a, Tensor):
            dtype = a.dtype
        elif isinstance(a, _core.dtype) or a in (float, int, bool):
            dtype = a
        elif isinstance(a, bool):
            if i == 0:
                raise TypeError(f"to() received an invalid combination of arguments - got (bool)")
        elif a is not None:
            check_device(a)
    if device is not None:
        check_device(device)
    if dtype is not None and not isinstance(dtype, _core.dtype):
        dtype = {float: _core.dtype_by_name("float64"), int: _core.dtype_by_name("int64"), bool: _core.dtype_by_name("bool")}[dtype]
    result = self if dtype is None or dtype is self.dtype else ops.to_dtype(self, dtype)
    if copy and result is self:
        return self.clone(memory_format=memory_format)
    return result if memory_format is preserve_format else contiguous(result, memory_format)


@_method
def type(self, dtype=None, non_blocking=False):
    """The name of its old tensor type; or, given a dtype or such a type, a conversion. ``torch.Tensor`` stands for the default dtype.

    Raises:
        ValueError: no such type. TypeError: a type of torch.cuda.
    """
    if dtype is _core.Tensor:
        dtype = _core.get_default_dtype()
    if getattr(dtype, "is_cuda", False) is True:
        raise TypeError(f"type torch.cuda.{dtype.__name__} not available. wengert computes on the CPU only.")
    if dtype is None:
        return "torch." + _OLD[self.dtype.name] + "Tensor"
    if isinstance(dtype, str):
        names = {v: k for k, v in _OLD.items()}
        if dtype == "torch.Tensor":
            return self.to(_core.get_default_dtype())
        name = dtype.rpartition(".")[2].replace("Tensor", "")
        if name not in names:
            raise ValueError(f"invalid type: '{dtype}'")
        dtype = _core.dtype_by_name(names[name])
    return self.to(getattr(dtype, "dtype", dtype))


_OLD = {"float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "int64": "Long", "int32": "Int",
        "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool"}


@_method
def type_as(self, other):
    """This tensor with the dtype of another."""
    return self.to(other.dtype)


@_method
def cpu(self, memory_format=preserve_format):
    """Itself."""
    return self


@_method
def cuda(self, device=None, non_blocking=False, memory_format=preserve_format):
    """Raises: there is no such device."""
    raise RuntimeError("wengert computes on the CPU only; torch.cuda.is_available() is False")


@_method
def pin_memory(self, device=None):
    """Itself: pinning serves transfers to accelerators."""
    return self


@_method
def is_pinned(self, device=None):
    """False."""
    return False


@_method
def __array__(self, dtype=None, copy=None):
    """For numpy.asarray."""
    array = self.numpy()
    if dtype is not None:
        array = array.astype(dtype, copy=False)
    return array.copy() if copy else array


@_method
def __array_wrap__(self, array, context=None, return_scalar=False):
    """What NumPy's functions return for tensors."""
    from .creation import from_numpy
    if array.dtype == bool:
        array = array.astype("uint8")
    return from_numpy(array)


_methods["__array_priority__"] = 1000


@_method
def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
    """A DLPack capsule on this memory; versioned when the consumer understands it."""
    if stream not in (None, -1):
        raise BufferError("streams belong to other devices than the CPU")
    if dl_device is not None and tuple(dl_device) != (1, 0):
        raise BufferError("wengert's memory is the CPU's")
    t = self.clone() if copy else self
    return _core.to_dlpack(t, max_version is not None and max_version[0] >= 1)


@_method
def __dlpack_device__(self):
    """(kDLCPU, 0)."""
    return (1, 0)


# ---- Python ----

_methods["__format__"] = lambda self, spec: _tensor_str.tensor_format(self, spec)


@_method
def __reversed__(self):
    return self if self.dim() == 0 else self.flip(0)


@_method
def __dir__(self):
    return sorted(set(dir(self.__class__)) | set(self.__dict__))


@_method
def __deepcopy__(self, memo):
    if not self.is_leaf:
        raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  If you "
                           "were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see "
                           "https://github.com/pytorch/pytorch/pull/103001")
    if id(self) in memo:
        return memo[id(self)]
    with _no_record():
        result = _core._make_subclass(self.__class__, self.detach().clone(), self.requires_grad) if self.__class__ is not Tensor else \
            self.detach().clone().requires_grad_(self.requires_grad)
    memo[id(self)] = result
    grad = self.grad
    if grad is not None:
        result.grad = __deepcopy__(grad, memo)
    if self.__dict__:
        import copy
        result.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return result


def _no_record():
    from .grad_mode import no_grad
    return no_grad()


def _rebuild(cls, data, requires_grad, attributes):
    """Makes a tensor from its pickle."""
    raw, dtype, shape, stride = data
    if isinstance(raw, Tensor):                             # memory of its own, sent beside the pickle
        t = raw.view(dtype=dtype).view(shape)
    elif memory := bytearray(raw):
        t = _rebuild_view(_core.from_buffer_object(memory), dtype, shape, stride)
    else:
        t = _core.empty(shape, dtype)
    t = _core._make_subclass(cls, t, requires_grad) if cls is not Tensor else t.requires_grad_(requires_grad)
    if attributes:
        t.__dict__.update(attributes)
    return t


def _rebuild_view(flat, dtype, shape, stride):
    t = _core.empty((flat.numel() // dtype.itemsize,), dtype)
    memoryview(t.view(dtype=_core.dtype_by_name("uint8"))).cast("B")[:] = memoryview(flat)
    return t.view(shape)


@_method
def __reduce_ex__(self, protocol):
    if not self.is_leaf:
        raise RuntimeError("Only tensors made by the user (graph leaves) can be pickled: use detach()")
    dense = self.detach().contiguous().reshape(-1)
    raw = dense.view(dtype=_core.dtype_by_name("uint8")) if dense.numel() else b""
    if len(raw):
        raw = bytes(memoryview(raw)) if protocol < 5 else PickleBuffer(raw)
    return (_rebuild, (self.__class__, (raw, self.dtype, tuple(self.shape), None), self.requires_grad, dict(self.__dict__)))


@_method
def as_subclass(self, cls):
    """The same tensor, history included, as an instance of a subclass."""
    return _core._as_subclass(self, cls)


_methods["_make_subclass"] = staticmethod(_core._make_subclass)


# ---- places and layouts ----

_methods["device"] = property(lambda self: CPU, doc="The CPU.")
_methods["layout"] = property(lambda self: strided, doc="strided.")
for _name in ("is_cuda", "is_meta", "is_mps", "is_xpu", "is_xla", "is_ipu", "is_maia", "is_mtia", "is_vulkan"):
    _methods[_name] = property(lambda self: False, doc="False: it is on the CPU.")
for _name in ("is_sparse", "is_sparse_csr", "is_quantized", "is_mkldnn", "is_nested"):
    _methods[_name] = property(lambda self: False, doc="False: it is a plain strided tensor.")
_methods["is_cpu"] = property(lambda self: True, doc="True.")
_methods["_cdata"] = property(id, doc="A number that tells this tensor object from others.")
_methods["names"] = property(lambda self: (None,) * self.dim(), doc="A None for each dimension: they have no names.")
_methods["T"] = property(lambda self: self.permute(*range(self.dim() - 1, -1, -1)) if self.dim() != 2 else self.t(), doc="Dimensions reversed.")
_methods["mT"] = property(lambda self: self.transpose(-2, -1), doc="The last two dimensions swapped.")
_methods["H"] = property(lambda self: self.t(), doc="The transpose of a matrix.")
_methods["mH"] = property(lambda self: self.transpose(-2, -1), doc="The last two dimensions swapped: there are no complex dtypes.")
_methods["real"] = property(lambda self: self, doc="Itself: there are no complex dtypes.")


@_method
def get_device(self):
    """-1: the CPU."""
    return -1


@_method
def is_floating_point(self):
    """Is the dtype a floating-point one?"""
    return self.dtype.is_floating_point


@_method
def is_complex(self):
    """False."""
    return False


@_method
def is_signed(self):
    """Has the dtype negative values?"""
    return self.dtype.is_signed


@_method
def is_shared(self):
    """Does its memory stay the same in processes that fork off? See `share_memory_`."""
    return _core._is_shared(self)


@_method
def share_memory_(self):
    """Moves the memory to where processes that fork off see each other's writes; returns self.

    Views that exist already stay with the old memory. Processes that are spawned get copies.
    """
    if not _core._is_shared(self):
        import mmap
        old = _core._storage_bytes(self)
        new = _core.from_buffer_object(mmap.mmap(-1, max(old.numel(), 1)))[:old.numel()]
        ops.copy_into_(new, old)
        _core._mark_shared(new)
        with _no_record():
            _core._show(self, new, self.storage_offset(), tuple(self.shape), self.stride())
    return self


@_method
def untyped_storage(self):
    """All the memory that this tensor shows a window of, as bytes."""
    from .storage import UntypedStorage
    return UntypedStorage._of(_core._storage_bytes(self))


@_method
def storage(self):
    """All the memory that this tensor shows a window of, as elements of its dtype; use `untyped_storage`."""
    from .storage import TypedStorage, warn_deprecated
    warn_deprecated()
    return TypedStorage._of(_core._storage_bytes(self), self.dtype)


@_method
def storage_type(self):
    """The class of its storage under its old name, ``torch.FloatStorage``."""
    from . import storage
    return getattr(storage, _OLD[self.dtype.name] + "Storage")


@_method
def is_set_to(self, tensor):
    """Same storage, offset, shape and strides?"""
    return (self._same_storage(tensor) and self.data_ptr() == tensor.data_ptr() and self.shape == tensor.shape
            and self.stride() == tensor.stride())


_methods["name"] = property(lambda self: None, doc="None.")


@_method
def is_conj(self):
    """False: there are no complex dtypes."""
    return False


_methods["is_neg"] = _methods["is_distributed"] = is_conj


@_method
def to_dense(self, dtype=None, *, masked_grad=True):
    """Itself, converted: all tensors are dense."""
    return self if dtype is None else self.to(dtype)


@_method
def const_data_ptr(self):
    """Address of the first element, for reading."""
    return self.data_ptr()


@_method
def dim_order(self, *, ambiguity_check=False):
    """The dimensions in the order in which they lie in memory, the outermost first."""
    return tuple(sorted(range(self.dim()), key=self.stride, reverse=True))


@_method
def fill_diagonal_(self, fill_value, wrap=False):
    """Writes ``fill_value`` on the diagonal; with ``wrap`` it begins again below in tall matrices.

    Raises:
        RuntimeError: fewer than 2 dimensions, or dimensions of different sizes where there are more than 2.
    """
    if self.dim() < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.dim() > 2 and len(set(self.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    step, height, width = sum(self.stride()), self.shape[0], self.shape[1]
    size = min(self.shape)
    self.as_strided((size,), (step,), self.storage_offset()).fill_(fill_value)
    if wrap and self.dim() == 2 and height > width + 1:
        top = self.stride(0) * (width + 1)
        self.as_strided(((self.numel() + width) // (width + 1) - size,), (step,), self.storage_offset() + top).fill_(fill_value)
    return self


def _elementwise_in_python(name, others):
    def method(self, *args):
        if len(args) != others + 1:
            raise TypeError(f"{name}() takes {others + 1} positional arguments but {len(args)} were given")
        *tensors, function = args
        if self.requires_grad:
            raise RuntimeError(f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead.")
        lists = [t.expand(self.shape).reshape(-1).tolist() for t in (self, *tensors)]
        from .creation import tensor
        values = [function(*row) for row in zip(*lists)]
        return ops.copy_into_(self, tensor(values, dtype=self.dtype).view(self.shape))
    method.__name__ = name
    method.__doc__ = f"Replaces each element by a Python function of it{' and of the others there' if others else ''}; slow."
    _methods[name] = method


_elementwise_in_python("apply_", 0)
_elementwise_in_python("map_", 1)
_elementwise_in_python("map2_", 2)


def _sparse(name):
    def method(self, *args, **kwargs):
        raise NotImplementedError(f"{name}(): tensors are dense: index_add, scatter_add and nn.Embedding do the usual work of sparse ones")
    method.__name__ = name
    method.__doc__ = "Raises: tensors are dense."
    _methods[name] = method


for _name in ("to_sparse", "to_sparse_coo", "to_sparse_csr", "to_sparse_csc", "to_sparse_bsr", "to_sparse_bsc", "coalesce", "sparse_mask",
              "sparse_dim", "dense_dim", "smm", "sspaddmm"):
    _sparse(_name)


@_method
@_core.contiguous_method
def contiguous(self, memory_format=contiguous_format):
    """Itself if its elements are dense and in the order of the format, else such a copy.

    Raises:
        RuntimeError: channels_last of a tensor of another number of dimensions than it is for.
    """
    if memory_format is preserve_format:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    if self.is_contiguous(memory_format=memory_format):
        return self
    return self.clone(memory_format=memory_format)


@_method
def resize_(self, *sizes, memory_format=contiguous_format):
    """Changes the shape in place; memory grows as needed, new elements are uninitialised."""
    sizes = sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
    if tuple(sizes) != tuple(self.shape):
        _core._resize(self, tuple(sizes))
    return self


@_method
def resize_as_(self, other, memory_format=contiguous_format):
    """Changes the shape in place to that of another tensor."""
    return self.resize_(other.shape)


@_method
def set_(self, source=None, storage_offset=0, size=None, stride=None):
    """Makes this handle show the memory of ``source``: a tensor, or a window of a storage.

    Raises:
        RuntimeError: another dtype, a window outside of the storage, or a leaf that requires grad.
    """
    if source is None:
        _core._set_(self, _core.empty((0,), self.dtype))
    elif isinstance(source, Tensor):
        _core._set_(self, source if size is None else source.as_strided(size, stride, storage_offset))
    else:
        memory = source._bytes
        sizes = (memory.numel() // self.element_size() - storage_offset,) if size is None else tuple(size)
        _core._show(self, memory, storage_offset, sizes, None if stride is None else tuple(stride))
    return self


@property
def grad_dtype(self):
    """The dtype that ``.grad`` has: this tensor's."""
    return self.dtype


_methods["grad_dtype"] = grad_dtype


@_method
@_core.shortcut(ops.copy_into_)
def copy_(self, src, non_blocking=False):
    """Writes ``src``, broadcast and cast, into this tensor's memory."""
    if not isinstance(src, Tensor):
        from .creation import as_tensor
        src = as_tensor(src)
    return ops.copy_into_(self, src)


@_method
def zero_(self):
    """Writes zeros."""
    return ops.fill_(self, 0)


@_method
def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False, pin_memory=False):
    """A tensor from ``data`` with this one's dtype."""
    from .creation import tensor
    return tensor(data, dtype=dtype or self.dtype, requires_grad=requires_grad)


def _new(name, value):
    def new(self, *size, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False, **names):
        from . import creation
        return getattr(creation, name)(*size, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad, **names)
    new.__name__ = "new_" + name
    new.__doc__ = f"`{name}` with this tensor's dtype."
    _methods[new.__name__] = _core.factory("method", value)(new)


for _name, _value in (("zeros", 0), ("ones", 1), ("empty", None)):
    _new(_name, _value)


def _seldom(name):
    """A method that is the function of the same name, of a module that is loaded when it is first called."""
    def method(self, *args, **kwargs):
        from ._names import find
        return find(name)(self, *args, **kwargs)
    method.__name__ = name
    method.__doc__ = f"`torch.{name}` of this tensor."
    _methods[name] = method


def _seldom_in_place(name):
    def method(self, *args, **kwargs):
        from . import _seldom as module
        return module._in_place(getattr(module, name), name + "_")(self, *args, **kwargs)
    method.__name__ = name + "_"
    method.__doc__ = f"`torch.{name}`, written into the tensor."
    _methods[method.__name__] = method


for _name in ("angle", "cholesky", "cholesky_inverse", "cholesky_solve", "conj", "conj_physical", "det", "frexp", "geqrf", "histogram", "inverse",
              "ldexp", "logdet", "lu", "lu_solve", "matrix_exp", "mvlgamma", "orgqr", "ormqr", "pinverse", "positive", "qr", "resolve_conj",
              "resolve_neg", "slogdet", "svd", "triangular_solve"):
    _seldom(_name)
for _name in ("conj_physical", "ldexp", "mvlgamma"):
    _seldom_in_place(_name)


@_method
def float_power_(self, exponent):
    """`float_power` in place: of a float64 tensor only, as the result is one."""
    from .composite import float_power
    result = float_power(self.clone(), exponent)
    if result.dtype is not self.dtype:
        raise RuntimeError(f"the base given to float_power_ has dtype {self.type()[6:-6]} but the operation's result requires dtype Double")
    return self.copy_(result)


@_method
def new_empty_strided(self, size, stride, dtype=None, *, layout=None, device=None, requires_grad=False, pin_memory=False):
    """`empty_strided` with this tensor's dtype."""
    from .creation import empty_strided
    return empty_strided(size, stride, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)


@_method
@_core.factory("method", valued=True)
def new_full(self, size, fill_value, *, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False):
    """`full` with this tensor's dtype."""
    from .creation import full
    return full(size, fill_value, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)


@_method
def new(self, *args, device=None):
    """A tensor of this one's dtype, from sizes or data."""
    from . import creation
    return getattr(creation, _OLD[self.dtype.name] + "Tensor")(*args)
