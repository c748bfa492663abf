"""Reads the files of PyTorch's own torch.save, without running what they say.

Note [PyTorch's files]: since PyTorch 1.6 a zip archive: data.pkl, the pickled object, in which a storage is a persistent id
('storage', type, key, location, count), and one entry data/<key> with the bytes of each storage. Before, a row of pickles: a
magic number, a protocol number, facts about the system, the object, the list of keys; then each storage as its length and its
bytes. The pickles are programs for a small stack machine; the machine here knows the instructions that state dicts of modules and
optimizers need, and its globals are the makers listed in `MAKERS`: it can build tensors, containers and numbers, and call nothing
else. Tensors that lie on one storage in the file do so again.
"""
import pickle
import struct
import sys
from collections import Counter, OrderedDict

from ._file_arrays import NAMES, SIZES, from_array

MAGIC = 0x1950A86A20F9469CFC6C
STORAGES = {"Float": "F32", "Double": "F64", "Half": "F16", "BFloat16": "BF16", "Long": "I64", "Int": "I32", "Short": "I16", "Char": "I8",
            "Byte": "U8", "Bool": "BOOL"}


class Global:
    """A name in a pickle that stands for one of `MAKERS`, or for a type that is only passed on."""

    __slots__ = ("name", "make")

    def __init__(self, name, make=None):
        self.name, self.make = name, make


class NumpyArray:
    """A NumPy array of which only the maker has been seen; its state comes after."""

    def __init__(self):
        self.array = None


class Storage:
    """The elements of one storage, as a flat tensor."""

    def __init__(self, flat):
        self.flat = flat


def tensor(storage, offset, size, stride, requires_grad=False, hooks=None, metadata=None):
    """The tensor on a storage, as torch._utils._rebuild_tensor_v2 makes it."""
    flat = storage.flat
    last = offset + sum((n - 1) * step for n, step in zip(size, stride))
    if len(size) != len(stride) or min([offset, *size, *stride], default=0) < 0 or (0 not in size and last >= flat.numel()):
        raise RuntimeError("damaged file: a tensor reaches beyond its storage")
    return flat.as_strided(tuple(size), tuple(stride), offset).data.requires_grad_(requires_grad)


def parameter(data, requires_grad=True, hooks=None, state=None):
    """As torch._utils._rebuild_parameter."""
    import wengert
    return wengert.nn.Parameter(data, requires_grad=requires_grad)


def encoded(text, encoding="latin1"):
    """bytes, which old pickles spell as text."""
    if encoding != "latin1":
        raise RuntimeError(f"damaged file: text in {encoding!r}")
    return text.encode("latin1")


def numpy_dtype(code, align=False, copy=False):
    """A NumPy dtype of numbers."""
    import numpy
    dtype = numpy.dtype(code) if isinstance(code, str) else None
    if dtype is None or dtype.kind not in "biufcSU":
        raise RuntimeError("damaged file: a NumPy dtype of other things than numbers and text")
    return dtype


def numpy_scalar(dtype, data):
    """As numpy.core.multiarray.scalar."""
    import numpy
    return numpy.frombuffer(data, dtype)[0]


def wengert_name(path):
    def find(*args):
        import wengert
        return getattr(wengert, path)(*args)
    return find


#: All that a file can have called.
MAKERS = {
    "torch._utils._rebuild_tensor_v2": tensor, "torch._utils._rebuild_tensor": tensor, "torch._utils._rebuild_parameter": parameter,
    "torch._utils._rebuild_parameter_with_state": parameter, "torch.Size": wengert_name("Size"), "torch.device": wengert_name("device"),
    "collections.OrderedDict": OrderedDict, "collections.Counter": Counter, "_codecs.encode": encoded, "builtins.set": set, "builtins.frozenset": frozenset,
    "builtins.complex": complex, "builtins.bytearray": bytearray, "builtins.list": list, "builtins.dict": dict,
    "numpy.dtype": numpy_dtype, **{f"{core}.multiarray.{name}": make for core in ("numpy.core", "numpy._core")
                                   for name, make in (("scalar", numpy_scalar), ("_reconstruct", lambda *args: NumpyArray()))},
}


class Unpickler(pickle._Unpickler):
    """The stack machine. `pickle._Unpickler` is the standard library's in Python, a table of instructions: those that could reach
    beyond `MAKERS` are replaced or taken out."""

    def refuse(self):
        raise pickle.UnpicklingError("Weights only load failed: the pickled object needs instructions that state dicts do not; loading never "
                                     "runs code")

    dispatch = {**pickle._Unpickler.dispatch, **dict.fromkeys(
        pickle.INST + pickle.OBJ + pickle.EXT1 + pickle.EXT2 + pickle.EXT4 + pickle.NEWOBJ_EX + pickle.PERSID + pickle.NEXT_BUFFER
        + pickle.READONLY_BUFFER, refuse)}

    def __init__(self, file, storage):
        super().__init__(file, encoding="utf-8")
        self.storage = storage           # key, dtype code, count -> Storage

    def persistent_load(self, saved):
        kind, type_, key, _, count = saved[:5]
        kind = kind.decode() if isinstance(kind, bytes) else kind
        code = STORAGES.get(type_.name.removesuffix("Storage").rpartition(".")[2]) if isinstance(type_, Global) else None
        if kind != "storage" or code is None or (len(saved) > 5 and saved[5] is not None):
            raise pickle.UnpicklingError(f"the file holds a storage of a kind that wengert does not have: {getattr(type_, 'name', type_)}")
        return self.storage(key, code, count)

    def find_class(self, module, name):
        full = f"{module}.{name}".replace("__builtin__.", "builtins.")
        if full in MAKERS:
            return Global(full, MAKERS[full])
        if full.startswith("torch.") and full.endswith("Storage") or full in ("torch.nn.parameter.Parameter", "numpy.ndarray"):
            return Global(full)
        if module == "torch" and name in ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"):
            import wengert
            return getattr(wengert, name)
        raise pickle.UnpicklingError(
            f"Weights only load failed. Unsupported global: GLOBAL {full}: of PyTorch's own files wengert loads tensors, containers and "
            "numbers, and never runs code. Where PyTorch is installed, load the file and save its state_dict() to load here.")

    def load_reduce(self):
        args = self.stack.pop()
        maker = self.stack.pop()
        if not isinstance(maker, Global) or maker.make is None:
            raise pickle.UnpicklingError("damaged file: it calls what is not to be called")
        self.append(maker.make(*args))

    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.NEWOBJ[0]] = load_reduce

    def load_build(self):
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, NumpyArray):
            import numpy
            _, shape, dtype, columns_first, data = state
            target.array = numpy.frombuffer(bytearray(data), dtype).reshape(shape, order="F" if columns_first else "C")
        elif type(target) is OrderedDict and isinstance(state, dict):
            target.__dict__.update(state)             # the _metadata of a state_dict
        elif hasattr(target, "newbyteorder"):
            if state[1] == ">":
                self.stack[-1] = target.newbyteorder(">")
        elif not isinstance(target, (dict, set)) or state:
            raise pickle.UnpicklingError("damaged file: it gives a state to what has none")

    dispatch[pickle.BUILD[0]] = load_build

    def load(self):
        return finished(super().load())


def finished(value):
    """`value` with NumPy's arrays in the places where their makers stand."""
    if isinstance(value, NumpyArray):
        return value.array
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (NumpyArray, dict, list, tuple)):
                value[key] = finished(item)
    elif isinstance(value, list):
        value[:] = [finished(item) for item in value]
    elif type(value) is tuple:
        return tuple(finished(item) for item in value)
    return value


def read(file, start, trusted):
    """The object in a file of PyTorch's of which the bytes `start` have been read.

    Raises:
        RuntimeError: the file is damaged. pickle.UnpicklingError: it holds other things than tensors, containers and numbers.
    """
    import io
    file = io.BytesIO(start + file.read())
    try:
        return read_archive(file) if start[:2] == b"PK" else read_row(file)
    except pickle.UnpicklingError:
        raise
    except (EOFError, KeyError, IndexError, ValueError, TypeError, AttributeError, NotImplementedError, struct.error, RecursionError,
            OverflowError, MemoryError) as error:
        raise RuntimeError(f"damaged file, or none of PyTorch's: {error}") from error


def elements(data, code):
    """A flat tensor of the bytes of a storage."""
    import numpy

    data = bytearray(data)
    kind = {"BF16": "uint16", "BOOL": "uint8"}.get(code) or NAMES[code]
    array = numpy.frombuffer(data[:len(data) // SIZES[code] * SIZES[code]], kind)
    if sys.byteorder != "little":
        array = array.byteswap()
    return from_array(code, array != 0 if code == "BOOL" else array)


def read_archive(file):
    """A zip archive."""
    import zipfile
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise RuntimeError(f"damaged file: {error}") from error
    with archive:
        top = next((name[:-len("data.pkl")] for name in archive.namelist() if name.endswith("/data.pkl")), None)
        if top is None:
            raise RuntimeError("damaged file: an archive without data.pkl")
        if top + "byteorder" in archive.namelist() and archive.read(top + "byteorder") != b"little":
            raise RuntimeError("the file was written on a machine of the other byte order")
        storages = {}

        def storage(key, code, count):
            if key not in storages:
                storages[key] = Storage(elements(archive.read(f"{top}data/{key}"), code))
            return storages[key]

        with archive.open(top + "data.pkl") as pickled:
            return Unpickler(pickled, storage).load()


def read_row(file):
    """A row of pickles, as before PyTorch 1.6: the object comes before the storages, so it is read twice."""
    def plain():
        return Unpickler(file, None).load()

    if plain() != MAGIC:
        raise RuntimeError("a pickle, and none of PyTorch's: loading never runs code")
    if plain() != 1001:
        raise RuntimeError("damaged file: of an unknown protocol")
    plain()
    place, codes = file.tell(), {}

    def note(key, code, count):
        codes[key] = code
        return Storage(Everywhere())

    Unpickler(file, note).load()
    storages = {}
    for key in plain():
        count, = struct.unpack("<q", file.read(8))
        size = count * SIZES[codes[key]]
        data = file.read(size) if count >= 0 else b""
        if len(data) != size:
            raise RuntimeError("damaged file: it ends inside a storage")
        storages[key] = Storage(elements(data, codes[key]))
    file.seek(place)
    return Unpickler(file, lambda key, code, count: storages[key]).load()


class Everywhere:
    """A flat tensor of any length: the storages on the first pass over a row of pickles, which finds out where the storages are."""

    def numel(self):
        return 1 << 62

    def as_strided(self, size, stride, offset):
        import wengert
        return wengert.empty(0)
