"""A tensor's memory by itself: as bytes, or under its old names as elements of a dtype."""
import warnings

from . import _core
from .types import CPU

__all__ = ["UntypedStorage", "TypedStorage"]


class UntypedStorage:
    """The bytes that tensors show windows of. ``UntypedStorage(n)`` is n new bytes.

    Several handles of one storage are equal when they show the same memory.
    """

    def __init__(self, size=0, *, device=None):
        if isinstance(size, int):
            self._bytes = _core.empty((size,), _core.dtype_by_name("uint8"))
        else:
            self._bytes = _core.from_buffer_object(bytearray(bytes(size)))

    @classmethod
    def _of(cls, memory):
        storage = cls.__new__(cls)
        storage._bytes = memory
        return storage

    device = property(lambda self: CPU, doc="The CPU.")
    is_cuda = False
    is_sparse = False

    def untyped(self):
        """Itself."""
        return self

    def nbytes(self):
        """How many bytes there are."""
        return self._bytes.numel()

    size = __len__ = nbytes

    def element_size(self):
        """1."""
        return 1

    def data_ptr(self):
        """The address of the first byte."""
        return self._bytes.data_ptr()

    def is_shared(self):
        """Is the memory shared with processes that fork off?"""
        return self._bytes.is_shared()

    def is_pinned(self, device="cuda"):
        """False."""
        return False

    def tolist(self):
        """The bytes as ints."""
        return self._bytes.tolist()

    def cpu(self):
        """Itself."""
        return self

    def clone(self):
        """A copy."""
        return self._of(self._bytes.clone())

    def fill_(self, value):
        """Writes one value everywhere; returns self."""
        self._bytes.fill_(value)
        return self

    def copy_(self, source, non_blocking=None):
        """Writes the bytes of another storage of the same size; returns self."""
        self._bytes.copy_(source._bytes)
        return self

    def resize_(self, size):
        """Raises unless the size is the same: tensors would go on showing the old memory.

        Raises:
            NotImplementedError: another size.
        """
        if size != self.nbytes():
            raise NotImplementedError("storages keep their size: use tensor.resize_(), or tensor.data = other")
        return self

    def __getitem__(self, key):
        if isinstance(key, slice):
            return self._of(self._bytes[key])
        return self._bytes[key].item()

    def __setitem__(self, key, value):
        self._bytes[key] = value

    def __iter__(self):
        return iter(self.tolist())

    def __eq__(self, other):
        return isinstance(other, UntypedStorage) and (self.data_ptr(), self.nbytes()) == (other.data_ptr(), other.nbytes())

    def __hash__(self):
        return hash(self.data_ptr())

    def __repr__(self):
        lines = "".join(f" {v}\n" for v in self.tolist())
        return f"{lines}[torch.storage.UntypedStorage(device=cpu) of size {self.nbytes()}]"


class TypedStorage:
    """The memory of a tensor as elements of its dtype."""

    dtype = None

    @classmethod
    def _of(cls, memory, dtype):
        storage = cls.__new__(cls)
        storage._bytes = memory
        storage.dtype = dtype
        storage._elements = memory.view(dtype)
        return storage

    def __init__(self, size=0, *, dtype=None, device=None, wrap_storage=None):
        dtype = dtype or self.dtype or _core.get_default_dtype()
        made = self._of((wrap_storage or UntypedStorage(size * dtype.itemsize))._bytes, dtype)
        self.__dict__.update(made.__dict__)

    device = property(lambda self: CPU, doc="The CPU.")
    is_cuda = False
    is_sparse = False

    def untyped(self):
        """The same memory as bytes."""
        return UntypedStorage._of(self._bytes)

    def size(self):
        """How many elements there are."""
        return self._elements.numel()

    __len__ = size

    def nbytes(self):
        """How many bytes there are."""
        return self._bytes.numel()

    def element_size(self):
        """Bytes per element."""
        return self.dtype.itemsize

    def data_ptr(self):
        """The address of the first element."""
        return self._bytes.data_ptr()

    def is_shared(self):
        """Is the memory shared with processes that fork off?"""
        return self._bytes.is_shared()

    def tolist(self):
        """The elements as Python numbers."""
        return self._elements.tolist()

    def clone(self):
        """A copy."""
        return self._of(self._bytes.clone(), self.dtype)

    def fill_(self, value):
        """Writes one value everywhere; returns self."""
        self._elements.fill_(value)
        return self

    def copy_(self, source, non_blocking=None):
        """Writes the elements of another storage of the same size; returns self."""
        self._elements.copy_(source._elements)
        return self

    def __getitem__(self, key):
        if isinstance(key, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return self._elements[key].item()

    def __setitem__(self, key, value):
        self._elements[key] = value

    def __iter__(self):
        return iter(self.tolist())

    def __repr__(self):
        lines = "".join(f" {v}\n" for v in self.tolist())
        return f"{lines}[torch.storage.TypedStorage(dtype={self.dtype}, device=cpu) of size {self.size()}]"


def _old(name, dtype_name):
    """A storage class of one dtype under its old name."""
    return type(name, (TypedStorage,), {"__module__": __name__, "__doc__": f"Elements of {dtype_name}.", "dtype": _core.dtype_by_name(dtype_name)})


for _name, _dtype in (("Float", "float32"), ("Double", "float64"), ("Half", "float16"), ("BFloat16", "bfloat16"), ("Long", "int64"),
                      ("Int", "int32"), ("Short", "int16"), ("Char", "int8"), ("Byte", "uint8"), ("Bool", "bool")):
    globals()[_name + "Storage"] = _old(_name + "Storage", _dtype)

_warned = False


def warn_deprecated():
    """Says once that typed storages are going away."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn("TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage class. This should "
                      "only matter to you if you are using storages directly.  To access UntypedStorage directly, use tensor.untyped_storage() "
                      "instead of tensor.storage()", UserWarning, stacklevel=3)
