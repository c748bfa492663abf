"""Making tensors: from Python data, from other libraries' memory, from sizes."""
import math

from . import _core
from ._core import Tensor, get_default_dtype
from .types import CPU, Size, check_device, contiguous_format, preserve_format, strided

__all__ = ["arange", "as_tensor", "asarray", "empty", "empty_like", "eye", "frombuffer", "from_dlpack", "from_numpy", "full",
           "full_like", "linspace", "logspace", "ones", "ones_like", "scalar_tensor", "tensor", "zeros", "zeros_like", "range",
           "empty_strided", "set_default_tensor_type", "set_default_device", "is_tensor", "is_floating_point", "is_complex",
           "is_storage", "numel", "FloatTensor", "DoubleTensor", "HalfTensor", "BFloat16Tensor", "LongTensor", "IntTensor",
           "ShortTensor", "CharTensor", "ByteTensor", "BoolTensor"]

_dtype = _core.dtype_by_name
float32, float64, int64, bool_ = _dtype("float32"), _dtype("float64"), _dtype("int64"), _dtype("bool")
_range = range


def _options(layout, device):
    if device is not None and device is not CPU:
        check_device(device)
    if layout is not None and layout is not strided:
        raise NotImplementedError(f"wengert has only strided tensors, not {layout}")


def _sizes(name, size):
    """Sizes given as one sequence or as separate ints."""
    if len(size) == 1 and not hasattr(size[0], "__index__"):
        size = size[0]
    elif len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    for s in size:
        if not hasattr(s, "__index__"):
            raise TypeError(f"{name}(): argument 'size' must be tuple of ints, but found element of type {type(s).__name__}")
    return size


def _finish(t, requires_grad):
    return _core._require_grad(t) if requires_grad else t


@_core.conversion(copies=True)
def tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False):
    """A new tensor holding a copy of ``data``: nested lists or tuples of numbers, an array, a number or a tensor.

    Without ``dtype``: bool for bools, int64 for ints, the default float type for floats; arrays and tensors keep theirs.

    Raises:
        ValueError: rows of different lengths. TypeError, RuntimeError: something that is no number.
    """
    if device is not None:
        check_device(device)
    if type(data) is float or type(data) is list:
        t = _core.from_data(data, dtype)
    elif isinstance(data, Tensor):
        import warnings
        warnings.warn("To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
                      "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
                      UserWarning, stacklevel=2)
        t = data.detach().clone()
        if dtype is not None:
            t = t.to(dtype)
    elif _is_array(data):
        t = _from_array(data, dtype, True)
    else:
        t = _core.from_data(data, dtype)
    return _core._require_grad(t) if requires_grad else t


def _is_array(data):
    return (hasattr(data, "__array_interface__") or hasattr(data, "__dlpack__") or isinstance(data, (memoryview, bytearray))
            or type(data).__name__ in ("array", "DeviceArray") and hasattr(data, "typecode"))


def _from_array(data, dtype, copy):
    """A tensor from an ndarray (or an object like one), sharing its memory unless a copy or a cast is asked for."""
    if hasattr(data, "__array_interface__") and not isinstance(data, memoryview):
        import numpy
        _core._set_ndarray(numpy)
        if not isinstance(data, numpy.ndarray):
            data = numpy.asarray(data)
        if data.dtype.byteorder == ">":
            data = data.astype(data.dtype.newbyteorder("="))
        unsigned = {"uint16": "int32", "uint32": "int64"}.get(data.dtype.name)
        if unsigned:
            raise TypeError(f"can't convert np.ndarray of type numpy.{data.dtype.name}: wengert has no such dtype, use .astype('{unsigned}')")
        if data.dtype == object or data.dtype.kind in "cUSOmM":
            raise TypeError(f"can't convert np.ndarray of type numpy.{data.dtype.name}. The only supported types are: float64, float32, "
                            "float16, int64, int32, int16, int8, uint8, and bool.")
        if copy and (any(s < 0 for s in data.strides) or not data.flags.c_contiguous):
            data = numpy.ascontiguousarray(data).reshape(data.shape)
        t = _core.from_buffer_object(data)
    elif hasattr(data, "__dlpack__"):
        t = from_dlpack(data)
    else:
        t = _core.from_buffer_object(data)
    if dtype is not None and t.dtype is not dtype:
        return t.to(dtype)
    return t.clone() if copy else t


@_core.conversion()
def as_tensor(data, dtype=None, device=None):
    """``data`` as a tensor, without a copy where its memory can be shared."""
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None or data.dtype is dtype else data.to(dtype)
    if _is_array(data):
        return _from_array(data, dtype, False)
    return _core.from_data(data, dtype)


def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=False):
    """``obj`` as a tensor; ``copy`` True always copies, False never."""
    t = as_tensor(obj, dtype, device)
    if copy and isinstance(obj, Tensor) and t is obj or copy and not isinstance(obj, Tensor) and _is_array(obj):
        t = t.clone()
    elif copy is False and (not isinstance(obj, Tensor) or t is not obj) and not _is_array(obj):
        raise ValueError("can't alias arbitrary sequence. Please set copy=True (or None)")
    if requires_grad:
        t = t.detach().requires_grad_() if t is obj else t.requires_grad_()
    return t


@_core.conversion(arrays_only=True)
def from_numpy(ndarray):
    """A tensor on the memory of an ndarray; writes show on both sides.

    Raises:
        TypeError: not an ndarray, or of a type without a dtype. ValueError: negative strides.
    """
    import numpy
    _core._set_ndarray(numpy)
    if not isinstance(ndarray, numpy.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if not ndarray.flags.writeable:
        import warnings
        warnings.warn("The given NumPy array is not writable: the tensor shares its memory and refuses to be written to. "
                      "Copy the array to make the tensor writable.", UserWarning, stacklevel=2)
    return _from_array(ndarray, None, False)


def frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False):
    """A 1-d tensor on the bytes of an object with the buffer protocol.

    Args:
        count: elements, -1: as many as there are. offset: bytes to skip.
    """
    view = memoryview(buffer).cast("B")
    if len(view) == 0:
        raise ValueError("both buffer length (0) and count (-1) must not be 0")
    size = dtype.itemsize
    if offset < 0 or offset >= len(view):
        raise ValueError(f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({len(view)} bytes) minus 1")
    if count < 0:
        if (len(view) - offset) % size:
            raise ValueError(f"buffer length ({len(view) - offset} bytes) after offset ({offset} bytes) must be a multiple of element size ({size})")
        count = (len(view) - offset) // size
    if offset + count * size > len(view):
        raise ValueError(f"requested buffer length ({count} * {size} bytes) after offset ({offset} bytes) must not be greater than actual buffer length ({len(view)} bytes)")
    formats = {"bool": "?", "uint8": "B", "int8": "b", "int16": "h", "int32": "i", "int64": "q", "float16": "e", "float32": "f", "float64": "d"}
    if dtype.name not in formats:
        raise TypeError(f"frombuffer(): {dtype} has no buffer format")
    part = view[offset:offset + count * size]
    return _finish(_core.from_buffer_object(part.cast(formats[dtype.name])), requires_grad)


def from_dlpack(ext_tensor):
    """A tensor on the memory of an object with ``__dlpack__``, or of a capsule."""
    if hasattr(ext_tensor, "__dlpack__"):
        try:
            capsule = ext_tensor.__dlpack__(max_version=(1, 0))
        except TypeError:
            capsule = ext_tensor.__dlpack__()
    else:
        capsule = ext_tensor
    return _core.from_dlpack_capsule(capsule)


# ---- from sizes ----

def _into(name, out, dtype, size):
    """An out= tensor, given the size of what it will hold.

    Raises:
        RuntimeError: dtype= says something else than out's, or out requires grad.
    """
    if dtype is not None and _core.empty((), dtype).dtype is not out.dtype:
        raise RuntimeError(f"dtype {_core.empty((), dtype).type()[6:-6]} does not match dtype of out parameter ({out.type()[6:-6]})")
    if out.requires_grad and _core.is_grad_enabled():
        raise RuntimeError(f"aten::{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
                           "arguments requires grad.")
    return out.resize_(size)


def _filled(name, size, kwargs_size, value, dtype, layout, device, requires_grad, out):
    size = _sizes(name, size) if kwargs_size is None else kwargs_size
    _options(layout, device)
    if out is not None:
        _into(name, out, dtype, size)
        return out.fill_(value) if value is not None else out
    dtype = dtype or get_default_dtype()
    t = _core.empty(size, dtype) if value is None else _core.full(size, value, dtype)
    return _core._require_grad(t) if requires_grad else t


@_core.factory("sizes")
def empty(*size, out=None, dtype=None, layout=strided, device=None, requires_grad=False, pin_memory=False,
          memory_format=contiguous_format, **names):
    """Uninitialised memory of these sizes. With ``pin_memory`` it is zero: pinned memory comes from the system."""
    t = _filled("empty", size, names.pop("size", None), 0 if pin_memory else None, dtype, layout, device, False, out)
    _no_more("empty", names)
    return _finish(t, requires_grad)


def _no_more(function, names):
    for name in names:
        raise TypeError(f"{function}() got an unexpected keyword argument '{name}'")


@_core.factory("sizes", 0)
def zeros(*size, out=None, dtype=None, layout=strided, device=None, requires_grad=False, pin_memory=False, **names):
    """Zeros of these sizes."""
    t = _filled("zeros", size, names.pop("size", None), 0, dtype, layout, device, requires_grad, out)
    _no_more("zeros", names)
    return t


@_core.factory("sizes", 1)
def ones(*size, out=None, dtype=None, layout=strided, device=None, requires_grad=False, pin_memory=False, **names):
    """Ones of these sizes."""
    t = _filled("ones", size, names.pop("size", None), 1, dtype, layout, device, requires_grad, out)
    _no_more("ones", names)
    return t


@_core.factory("sizes", valued=True)
def full(size, fill_value, *, out=None, dtype=None, layout=strided, device=None, requires_grad=False, pin_memory=False):
    """A tensor of this size, every element ``fill_value``; its type decides the dtype when none is given."""
    _options(layout, device)
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    if out is not None:
        return _into("full", out, dtype, size).fill_(fill_value)
    if dtype is None:
        dtype = bool_ if isinstance(fill_value, bool) else int64 if isinstance(fill_value, int) else get_default_dtype()
    return _finish(_core.full(size, fill_value, dtype), requires_grad)


def _like(input, value, dtype, layout, device, requires_grad, memory_format):
    _options(layout, device)
    dtype = dtype or input.dtype
    if memory_format in (preserve_format, None) and not input.is_contiguous():
        t = input.detach().clone()                          # keeps the order of dense strides
        t = t if t.dtype is dtype else t.to(dtype)
        if value is not None:
            t.fill_(value)
    else:
        t = _core.empty(input.shape, dtype) if value is None else _core.full(input.shape, value, dtype)
    return _finish(t, requires_grad)


@_core.factory("tensor")
def empty_like(input, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=preserve_format, pin_memory=False):
    """Uninitialised memory with the shape and dtype of ``input``."""
    return _like(input, None, dtype, layout, device, requires_grad, memory_format)


@_core.factory("tensor", 0)
def zeros_like(input, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=preserve_format, pin_memory=False):
    """Zeros with the shape and dtype of ``input``."""
    return _like(input, 0, dtype, layout, device, requires_grad, memory_format)


@_core.factory("tensor", 1)
def ones_like(input, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=preserve_format, pin_memory=False):
    """Ones with the shape and dtype of ``input``."""
    return _like(input, 1, dtype, layout, device, requires_grad, memory_format)


@_core.factory("tensor", valued=True)
def full_like(input, fill_value, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=preserve_format, pin_memory=False):
    """A tensor with the shape and dtype of ``input``, every element ``fill_value``."""
    return _like(input, fill_value, dtype, layout, device, requires_grad, memory_format)


def empty_strided(size, stride, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """Uninitialised memory with these sizes and strides (in elements)."""
    need = 1 + sum((n - 1) * s for n, s in zip(size, stride)) if all(size) else 0
    return _finish(_core.empty((need,), dtype or get_default_dtype()).as_strided(size, stride), requires_grad)


def scalar_tensor(s, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """A 0-d tensor."""
    return _finish(_core.from_data(s, dtype or get_default_dtype()), requires_grad)


def _number(value):
    return value.item() if isinstance(value, Tensor) else value


@_core.arange_factory
def arange(start, end=None, step=1, *, out=None, dtype=None, layout=strided, device=None, requires_grad=False, pin_memory=False):
    """start, start + step, ... below ``end``; int64 when all three are ints.

    Raises:
        RuntimeError: a step of zero, or one that leads away from ``end``.
    """
    _options(layout, device)
    if end is None:
        start, end = 0, start
    start, end, step = _number(start), _number(end), _number(step)
    given = dtype
    whole = isinstance(start, int) and isinstance(end, int) and isinstance(step, int)
    if dtype is None:
        dtype = int64 if whole else get_default_dtype()
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not whole and not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if dtype is int64 or out is not None and out.dtype is int64:                  # which PyTorch counts in
        start, end, step = int(start), int(end), int(step)
        whole = True
        if step == 0:
            raise ValueError("step must be nonzero")
    if (end - start) * (1 if step > 0 else -1) < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if whole:
        n = -((start - end) // step) if step > 0 else -((end - start) // -step)
    else:
        n = math.ceil((end - start) / step)
    if out is not None:
        _into("arange", out, given, (n,))
    return _ranged(_core.arange_into, (n,), dtype, out, requires_grad, start, step)


def _ranged(kernel, size, dtype, out, requires_grad, *args):
    t = _core.empty(size, dtype)
    kernel(t, *args)
    if out is not None:
        return out.resize_(size).copy_(t)
    return _finish(t, requires_grad)


def range(start, end=None, step=1, *, out=None, dtype=None, layout=strided, device=None, requires_grad=False):
    """start, start + step, ... up to and including ``end``. Deprecated in PyTorch: use `arange`."""
    import warnings
    warnings.warn("torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
                  "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).", UserWarning, stacklevel=2)
    if end is None:
        start, end = 0, start
    n = math.floor((end - start) / step) + 1
    return _ranged(_core.arange_into, (n,), dtype or get_default_dtype(), out, requires_grad, start, step)


def _check_ends(name, start, end, steps):
    if not hasattr(steps, "__index__"):
        raise TypeError(f"{name}() received an invalid combination of arguments - got ({type(start).__name__}, {type(end).__name__}, "
                        f"{type(steps).__name__}), but expected one of:\n * (Tensor start, Tensor end, int steps)\n * (Number start, Number end, "
                        "int steps)\n")
    dims = [start.dim() if isinstance(start, Tensor) else 0, end.dim() if isinstance(end, Tensor) else 0]
    if dims != [0, 0]:
        both = isinstance(start, Tensor) and isinstance(end, Tensor)
        which = [f"{word} with {d} dimension(s)" for word, d, t in zip(("start", "end"), dims, (start, end)) if isinstance(t, Tensor)]
        raise RuntimeError(f"{name} only supports 0-dimensional start and end tensors, but got {' and '.join(which)}." if both else
                           f"{name} only supports 0-dimensional start and end tensors, but got {which[0]}.")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")


def linspace(start, end, steps, *, out=None, dtype=None, layout=strided, device=None, requires_grad=False, pin_memory=False):
    """``steps`` evenly spaced values from ``start`` to ``end``, both included."""
    _options(layout, device)
    _check_ends("linspace", start, end, steps)
    if out is not None:
        _into("linspace", out, dtype, (steps,))
    return _ranged(_core.linspace_into, (steps,), dtype or get_default_dtype(), out, requires_grad, _number(start), _number(end))


def logspace(start, end, steps, base=10.0, *, out=None, dtype=None, layout=strided, device=None, requires_grad=False, pin_memory=False):
    """``steps`` values from base**start to base**end, evenly spaced in the exponent."""
    _check_ends("logspace", start, end, steps)
    if out is not None:
        _into("logspace", out, dtype, (steps,))
    dtype = dtype or (out.dtype if out is not None else get_default_dtype())
    start, end = _number(start), _number(end)
    if not dtype.is_floating_point:                         # in whole numbers, as PyTorch does
        start, end = int(start), int(end)
    elif dtype.itemsize == 2 and steps != 1:                # the ends as that dtype has them, as PyTorch does
        start, end = tensor([start, end], dtype=dtype).tolist()
    exponents = linspace(start, end, steps, dtype=float64)
    t = (float(base) ** exponents).to(dtype)
    return out.resize_(t.shape).copy_(t) if out is not None else _finish(t, requires_grad)


def eye(n, m=None, *, out=None, dtype=None, layout=strided, device=None, requires_grad=False, pin_memory=False):
    """Ones on the diagonal of an n x m matrix, zeros elsewhere."""
    _options(layout, device)
    if n < 0:
        raise RuntimeError(f"n must be greater or equal to 0, got {n}")
    if m is not None and m < 0:
        raise RuntimeError(f"m must be greater or equal to 0, got {m}")
    if m is None:
        m = n
    if out is not None:
        _into("eye", out, dtype, (n, m))
    t = _core.eye(n, m, dtype or get_default_dtype())
    return out.resize_(t.shape).copy_(t) if out is not None else _finish(t, requires_grad)


# ---- questions ----

def is_tensor(obj):
    """Is it a tensor?"""
    return isinstance(obj, Tensor)


def is_storage(obj):
    """Is it a storage object? wengert shows none."""
    return False


def is_floating_point(input):
    """Is its dtype a floating-point one?"""
    return input.dtype.is_floating_point


def is_complex(input):
    """Is its dtype complex? Never: wengert has no complex dtypes."""
    return False


def numel(input):
    """Number of elements."""
    return input.numel()


def set_default_tensor_type(t):
    """Sets the default dtype by the name of an old tensor type ("torch.DoubleTensor")."""
    name = t if isinstance(t, str) else t.__name__
    names = {"FloatTensor": "float32", "DoubleTensor": "float64", "HalfTensor": "float16", "BFloat16Tensor": "bfloat16"}
    key = name.rpartition(".")[2]
    if key not in names or "cuda" in name:
        raise TypeError(f"only floating-point types are supported as the default type, got {name}")
    _core.set_default_dtype(_dtype(names[key]))


def set_default_device(device):
    """Accepts the CPU."""
    check_device(device)


# ---- old tensor types ----

class _OldType(type):
    """torch.FloatTensor and its siblings: constructors, and types that isinstance tests by dtype."""

    def __instancecheck__(cls, obj):
        return isinstance(obj, Tensor) and obj.dtype is cls.dtype

    def __call__(cls, *args, device=None):
        check_device(device)
        if not args:
            return _core.empty((0,), cls.dtype)
        if len(args) == 1 and isinstance(args[0], Tensor):
            if args[0].dtype is not cls.dtype:
                raise TypeError(f"expected {cls.dtype} (got {args[0].dtype})")
            return args[0].detach()
        if len(args) == 1 and isinstance(args[0], Size):
            return _core.empty(args[0], cls.dtype)
        if all(isinstance(a, int) for a in args):
            return _core.empty(args, cls.dtype)
        if len(args) == 1:
            return tensor(args[0], dtype=cls.dtype)
        raise TypeError(f"new(): cannot make a {cls.__name__} from {args!r}")


def _old(name, dtype):
    doc = f"The old name of tensors of {dtype}: makes one of sizes or of a sequence; `isinstance` tells by the dtype."
    return _OldType(name, (), {"dtype": _dtype(dtype), "__module__": "wengert", "__doc__": doc})


FloatTensor, DoubleTensor, HalfTensor, BFloat16Tensor = (_old(n + "Tensor", d) for n, d in (
    ("Float", "float32"), ("Double", "float64"), ("Half", "float16"), ("BFloat16", "bfloat16")))
LongTensor, IntTensor, ShortTensor, CharTensor, ByteTensor, BoolTensor = (_old(n + "Tensor", d) for n, d in (
    ("Long", "int64"), ("Int", "int32"), ("Short", "int16"), ("Char", "int8"), ("Byte", "uint8"), ("Bool", "bool")))
