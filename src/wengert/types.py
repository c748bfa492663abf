"""Small immutable types: sizes, devices, layouts, numeric limits, named results."""
import struct as _struct
from operator import itemgetter as _itemgetter

from . import _core
from ._core import Size


class device:
    """The name of a place for tensors. They live on the CPU, nowhere else, but programs name other devices before they ask whether
    there are any.

    Args:
        type: "cpu", "cpu:0", "cuda", ... or a device. index: None or a number.

    Raises:
        RuntimeError: no such kind of device. Using another than the CPU raises it too.
    """

    __slots__ = ("type", "index")

    def __init__(self, type="cpu", index=None):
        if isinstance(type, device):
            type, index = type.type, type.index
        if not isinstance(type, str):
            raise RuntimeError(f"device(): argument 'type' must be str, not {type.__class__.__name__}")
        name, _, number = type.partition(":")
        if number:
            if not number.isdigit():
                raise RuntimeError(f"Invalid device string: '{type}'")
            index = int(number)
        if name not in _KINDS:
            raise RuntimeError(f"Expected one of cpu, cuda, ... device type at start of device string: {name}")
        object.__setattr__(self, "type", name)
        object.__setattr__(self, "index", index)

    def __setattr__(self, name, value):
        raise AttributeError(f"attribute '{name}' of 'torch.device' objects is not writable")

    def __repr__(self):
        return f"device(type='{self.type}')" if self.index is None else f"device(type='{self.type}', index={self.index})"

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other):
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self):
        return hash((self.type, self.index))

    def __reduce__(self):
        return (device, (str(self),))

    def __enter__(self):
        check_device(self)
        return self

    def __exit__(self, *exc):
        return None


_KINDS = ("cpu", "cuda", "mps", "xpu", "xla", "hip", "ipu", "mkldnn", "vulkan", "mtia", "hpu", "meta", "privateuseone")
CPU = device("cpu")
_core._set_factory_defaults(cpu=CPU)


def check_device(value):
    """Accepts whatever names the CPU; raises RuntimeError for anything else."""
    if value is None or value is CPU:
        return
    kind = device(value).type
    if kind == "meta":
        raise RuntimeError("wengert has no meta device: build the module on the CPU")
    if kind != "cpu":
        raise RuntimeError(f"wengert computes on the CPU only; there is no {kind} device (cuda.is_available() is False)")


class _Named:
    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"torch.{self.name}"

    def __reduce__(self):
        return self.name


class layout(_Named):
    """How elements are laid out; only `strided` exists."""


class memory_format(_Named):
    """Order of dimensions in memory. Its number is what the row `clone` takes."""
    __slots__ = ()

    def __index__(self):
        return ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d").index(self.name)


strided = layout("strided")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")


# ---- numeric limits ----

_FLOATS = {       # bits, epsilon, largest, smallest normal, smallest subnormal, decimal digits of resolution
    "float64": (64, 2.0**-52, _struct.unpack("<d", b"\xff" * 6 + b"\xef\x7f")[0], 2.0**-1022, 2.0**-1074, 1e-15),
    "float32": (32, 2.0**-23, _struct.unpack("<f", b"\xff\xff\x7f\x7f")[0], 2.0**-126, 2.0**-149, 1e-6),
    "float16": (16, 2.0**-10, 65504.0, 2.0**-14, 2.0**-24, 1e-3),
    "bfloat16": (16, 2.0**-7, 3.3895313892515355e38, 2.0**-126, 2.0**-133, 1e-2),
}


_finfos = {}


def _new_finfo(cls, type):
    """The limits of a dtype, made once."""
    name = getattr(_core.get_default_dtype() if type is None else type, "name", None)
    if name not in _FLOATS:
        raise TypeError(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{type}'")
    self = object.__new__(cls)
    self.bits, self.eps, self.max, self.tiny, self._subnormal, self.resolution = _FLOATS[name]
    self.min, self.smallest_normal, self.dtype = -self.max, self.tiny, name
    if type is not None and cls is finfo:
        _finfos[type] = self
    return self


class finfo:
    """Limits of a floating-point dtype: bits, eps, max, min, tiny, smallest_normal, resolution."""

    def __new__(cls, type=None):
        return _finfos.get(type) or _new_finfo(cls, type)

    def __repr__(self):
        return (f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
                f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})")


class iinfo:
    """Limits of an integer dtype: bits, min, max."""

    def __init__(self, type):
        name = getattr(type, "name", "")
        if name not in ("uint8", "int8", "int16", "int32", "int64"):
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{type}'")
        self.bits, self.dtype = 8 * type.itemsize, name
        signed = name != "uint8"
        self.max = 2**(self.bits - signed) - 1
        self.min = -2**(self.bits - 1) if signed else 0

    def __repr__(self):
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


# ---- named results ----

def make_return_type(name, fields):
    """The type of a function's several results (``torch.return_types.max``): a tuple with names."""

    def show(self):
        body = ",\n".join(f"{field}={value!r}" for field, value in zip(fields, self))
        return f"torch.return_types.{name}(\n{body})"

    namespace = {"__slots__": (), "__repr__": show, "__module__": "torch.return_types", "_fields": tuple(fields),
                 "__reduce__": lambda self: (_rebuild_return, (name, tuple(self)))}
    for i, field in enumerate(fields):
        namespace[field] = property(_itemgetter(i))
    cls = return_types[name] = type(name, (tuple,), namespace)
    return cls


return_types = {}


def _rebuild_return(name, values):
    return return_types[name](values)
