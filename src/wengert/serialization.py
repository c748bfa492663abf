"""`save` and `load`: safetensors files whose metadata says how the tensors hang together.

Note [The file format]: a file is a valid safetensors file (https://github.com/huggingface/safetensors): eight bytes with
the length of a JSON header, the header (name -> dtype, shape, offsets), then the bytes of all tensors. A state dict's
tensors keep their names, so that any safetensors reader can use it. The object around them, dictionaries, lists and
numbers, is a second JSON text in the header's metadata under "wengert", in which a tensor is {"$tensor": name}. Files by
others lack it and load as a dictionary of tensors. Reading builds only the types listed in `Decoder` (whole modules: see Note
[Objects in files]): no file, however made, can run code of its own. PyTorch's files are read by `_torch_files`. The format
is small enough to be written here rather than by a dependency; the tests exchange files with the safetensors library.
"""
import os
import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ._file_arrays import DTYPES, NAMES, SIZES, from_array, to_array
from .types import device
from ._saved_objects import ObjectDecoder, ObjectEncoder, add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals

#: what `load` takes for ``map_location``, for annotations
MAP_LOCATION = Callable[[Any, str], Any] | device | str | dict[str, str] | None

__all__ = ["save", "load", "add_safe_globals", "get_safe_globals", "clear_safe_globals", "safe_globals"]

HEADER_LIMIT = 100_000_000          # of the safetensors library


# ---- public ----------------------------------------------------------------------------------------------------------

def save(obj, f, pickle_module=None, pickle_protocol=None, _use_new_zipfile_serialization=True):
    """Saves an object to a file, in the safetensors format.

    Args:
        obj: a tensor, or dictionaries, lists, tuples and sets of tensors, NumPy arrays, numbers, strings, bytes, bools,
            None, dtypes, devices and sizes, nested as you like: state dicts of modules and optimizers are that. Whole modules and
            other plain objects, whose classes must be at hand again when they are loaded. Tensors that are one object are
            stored once and are one object again after loading; views are stored as tensors of their own.
        f: a path, or a file object open for writing bytes. A path is replaced at once when all is written: an
            interrupted save leaves the old file as it was.
        pickle_module, pickle_protocol, _use_new_zipfile_serialization: accepted as PyTorch does, nothing is pickled.

    Raises:
        TypeError: obj holds something that is neither: a lambda, an open file, a class defined inside a function.
    """
    encoder = Encoder()
    structure = encoder.encode(obj, "")
    chunks = pack(encoder.arrays, structure)
    if hasattr(f, "write"):
        for chunk in chunks:
            f.write(chunk)
    else:
        write_atomically(os.fspath(f), chunks)


def load(f, map_location=None, pickle_module=None, *, weights_only=None, mmap=None, **pickle_load_args):
    """Loads what `save` wrote, what PyTorch's save wrote, or any safetensors file (as a dictionary of tensors).

    Never runs code that a file brings or names.

    Args:
        f: a path, or a file object open for reading bytes.
        map_location: None, "cpu", a cpu device, or a function or dictionary (nothing to map: all tensors are on the cpu).
        weights_only: False permits objects of all classes that the program has loaded, and references to its functions; else
            there are only those of `wengert.nn` and what `add_safe_globals` took.
        pickle_module, mmap, pickle_load_args: accepted as PyTorch does, nothing is unpickled.

    Raises:
        RuntimeError: the file is damaged, is of another kind, or `map_location` is a device that wengert does not have.
        pickle.UnpicklingError: it names a class or function that is not permitted.
    """
    if map_location is not None and not callable(map_location) and not isinstance(map_location, dict):
        if str(map_location).partition(":")[0] != "cpu":
            raise RuntimeError(f"map_location={map_location!s}: wengert has the cpu only; use map_location='cpu'")
    trusted = weights_only is not None and not weights_only
    if hasattr(f, "read"):
        return unpack(f, trusted)
    with open(f, "rb") as file:
        return unpack(file, trusted)


# ---- objects to JSON and back ----------------------------------------------------------------------------------------

class Encoder(ObjectEncoder):
    """Turns an object into what JSON can hold, and collects its arrays under names made of their place."""

    def __init__(self):
        import wengert
        super().__init__()
        self.wengert = wengert
        self.arrays = {}                 # name -> (dtype code, NumPy array)
        self.seen = {}                   # id(tensor) -> (name, the tensor: keeps the id taken)
        self.open = set()                # ids of the containers around the current object

    def encode(self, obj, path):
        wengert = self.wengert
        if obj is None or type(obj) in (bool, int, float, str):
            return obj
        if isinstance(obj, wengert.Tensor):
            return self.encode_tensor(obj, path)
        if isinstance(obj, wengert.Size):
            return {"$size": list(obj)}
        if isinstance(obj, wengert.dtype):
            return {"$dtype": str(obj).rpartition(".")[2]}
        if isinstance(obj, wengert.device):
            return {"$device": str(obj)}
        if isinstance(obj, (bytes, bytearray)):
            return {"$bytes": obj.hex()}
        if isinstance(obj, complex):
            return {"$complex": [obj.real, obj.imag]}
        if type(obj).__module__ == "numpy" and hasattr(obj, "__array__"):
            return self.encode_numpy(obj, path)
        if type(obj) in (dict, list, tuple, set, frozenset, OrderedDict):
            return self.encode_container(obj, path)
        return self.encode_object(obj, path)

    def encode_container(self, obj, path):
        if id(obj) in self.open:
            raise ValueError("cannot save a container that contains itself")
        self.open.add(id(obj))
        try:
            if type(obj) in (dict, OrderedDict):
                return self.encode_dict(obj, path)
            values = [self.encode(value, f"{path}.{i}" if path else str(i)) for i, value in enumerate(obj)]
        finally:
            self.open.remove(id(obj))
        if type(obj) is list:
            return values
        for kind, tag in ((tuple, "$tuple"), (set, "$set"), (frozenset, "$frozenset")):
            if type(obj) is kind:
                return {tag: values}

    def encode_dict(self, obj, path):
        ordered = type(obj) is OrderedDict
        items = [(key, self.encode(value, f"{path}.{key}" if path else str(key))) for key, value in obj.items()]
        plain = all(type(key) is str and not key.startswith("$") for key, _ in items)
        if plain and not ordered:
            return dict(items)
        pairs = [[self.encode_key(key), value] for key, value in items]
        return {"$ordered" if ordered else "$dict": pairs}

    def encode_key(self, key):
        if key is None or type(key) in (bool, int, float, str):
            return key
        if type(key) is tuple:
            return {"$tuple": [self.encode_key(part) for part in key]}
        if isinstance(key, self.wengert.Tensor):
            return self.encode_tensor(key, "key")           # an optimizer's state is kept by parameter
        raise TypeError(f"cannot save a dictionary with a key of type {type(key).__qualname__}")

    def encode_tensor(self, x, path):
        if id(x) in self.seen:
            name = self.seen[id(x)][0]
        else:
            dtype = str(x.dtype).rpartition(".")[2]
            name = self.add(path, DTYPES[dtype], to_array(x.detach().contiguous()))
            self.seen[id(x)] = name, x
        if isinstance(x, self.wengert.nn.Parameter):
            return {"$parameter": name, "requires_grad": x.requires_grad}
        return {"$tensor": name, "requires_grad": True} if x.requires_grad else {"$tensor": name}

    def encode_numpy(self, obj, path):
        import numpy
        if obj.dtype.name not in DTYPES:
            raise TypeError(f"cannot save a NumPy array of dtype {obj.dtype}")
        array = numpy.asarray(obj, obj.dtype.newbyteorder("="), order="C")
        tag = "$scalar" if isinstance(obj, numpy.generic) else "$numpy"
        return {tag: self.add(path, DTYPES[array.dtype.name], array)}

    def add(self, path, code, array):
        name = base = path if path and path != "__metadata__" else f"tensor{path}"
        count = 1
        while name in self.arrays:
            count += 1
            name = f"{base}#{count}"
        self.arrays[name] = code, array
        return name


class Decoder(ObjectDecoder):
    """The inverse of `Encoder`: the complete list of what loading can build."""

    def __init__(self, arrays, trusted=False):
        import wengert
        super().__init__(trusted)
        self.wengert = wengert
        self.arrays = arrays             # name -> (dtype code, NumPy array)
        self.tensors = {}

    def decode(self, node):
        if isinstance(node, list):
            return [self.decode(value) for value in node]
        if not isinstance(node, dict):
            return node
        tag = next(iter(node), "")
        if not tag.startswith("$"):
            return {key: self.decode(value) for key, value in node.items()}
        build = getattr(self, "build_" + tag[1:], None)
        if build is None:
            raise RuntimeError(f"damaged file, or written by a newer version of wengert: it names a type {tag!r}")
        return build(**{"value" if key == tag else key: value for key, value in node.items()})

    def tensor(self, name):
        if name not in self.tensors:
            self.tensors[name] = from_array(*self.arrays[name])
        return self.tensors[name]

    def build_tensor(self, value, requires_grad=False):
        return self.tensor(value).requires_grad_() if requires_grad else self.tensor(value)

    def build_parameter(self, value, requires_grad):
        x = self.tensor(value)
        if not isinstance(x, self.wengert.nn.Parameter):
            x = self.tensors[value] = self.wengert.nn.Parameter(x, requires_grad=requires_grad)
        return x

    def build_numpy(self, value):
        return self.arrays[value][1]

    def build_scalar(self, value):
        return self.arrays[value][1][()]

    def build_dtype(self, value):
        if value not in DTYPES:
            raise RuntimeError(f"damaged file: it names a dtype {value!r}")
        return getattr(self.wengert, value)

    def build_device(self, value):
        return self.wengert.device(value)

    def build_size(self, value):
        return self.wengert.Size(value)

    def build_bytes(self, value):
        return bytes.fromhex(value)

    def build_complex(self, value):
        return complex(*value)

    def build_tuple(self, value):
        return tuple(self.decode(value))

    def build_set(self, value):
        return set(self.decode(value))

    def build_frozenset(self, value):
        return frozenset(self.decode(value))

    def build_dict(self, value):
        return {self.decode(key): self.decode(item) for key, item in value}

    def build_ordered(self, value):
        return OrderedDict((self.decode(key), self.decode(item)) for key, item in value)


# ---- bytes -----------------------------------------------------------------------------------------------------------

def pack(arrays, structure):
    """The chunks of bytes of a file, in order."""
    import json
    header = {"__metadata__": {"format": "pt", "wengert": json.dumps(structure)}}
    offset, chunks = 0, []
    # Large items first, so that each tensor starts at a multiple of its item size.
    for name, (code, array) in sorted(arrays.items(), key=lambda item: (-SIZES[item[1][0]], item[0])):
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
        if sys.byteorder == "big":
            array = array.byteswap()
        chunks.append(memoryview(array.reshape(-1)).cast("B") if array.size else b"")
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little"), text, *chunks]


def unpack(file, trusted=False):
    """Reads and checks a file; see Note [The file format]. `trusted`: it may name any class."""
    import json
    length = file.read(8)
    size = int.from_bytes(length, "little")
    if len(length) < 8 or size > HEADER_LIMIT:
        if length[:4] == b"PK\x03\x04" or length[:1] == b"\x80":       # a zip archive or a bare pickle
            from ._torch_files import read
            return read(file, length, trusted)
        raise RuntimeError("not a safetensors file")
    text = file.read(size)
    if len(text) < size or text[:1] != b"{":
        raise RuntimeError("damaged safetensors file, or another file: it has no header")
    try:
        header = json.loads(text, object_pairs_hook=no_duplicates)
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        spans = [checked(name, entry) for name, entry in entries.items()]
        structure = header.get("__metadata__", {}).get("wengert")
        structure = json.loads(structure) if structure is not None else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RuntimeError(f"damaged safetensors file: {error}") from error
    arrays, end = {}, 0
    for start, stop, name, code, shape in sorted(spans):
        if start != end:
            raise RuntimeError(f"damaged safetensors file: the data of {name!r} do not follow those before")
        arrays[name] = code, read_array(file, name, code, shape, stop - start)
        end = stop
    if file.read(1):
        raise RuntimeError("damaged safetensors file: more data than its header names")
    decoder = Decoder(arrays, trusted)
    if structure is None:
        return {name: decoder.tensor(name) for name in entries}
    try:
        return decoder.decode(structure)
    except (TypeError, KeyError, ValueError, AttributeError, RecursionError) as error:
        raise RuntimeError(f"damaged file: its tensors do not fit its structure ({error})") from error


def no_duplicates(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name occurs twice")
    return result


def checked(name, entry):
    """The place, name, dtype code and shape of one tensor of the header."""
    code, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if code not in SIZES:
        raise ValueError(f"tensor {name!r} has dtype {code!r}, which wengert does not have")
    if not all(type(n) is int and n >= 0 for n in [*shape, start, stop]):
        raise ValueError(f"the shape or the offsets of {name!r} are not sizes")
    count = SIZES[code]
    for n in shape:
        count *= n
    if stop - start != count:
        raise ValueError(f"tensor {name!r} of shape {shape} and dtype {code} cannot take {stop - start} bytes")
    return start, stop, name, code, shape


def read_array(file, name, code, shape, nbytes):
    """Reads one tensor. Memory is taken as the data come, not as the header promises."""
    import numpy
    data = bytearray()
    while len(data) < nbytes:
        part = file.read(min(nbytes - len(data), max(len(data), 1 << 24)))
        if not part:
            raise RuntimeError(f"damaged safetensors file: it ends inside the data of {name!r}")
        data += part
    if code == "BOOL":                       # any byte may stand in a file, only 0 and 1 in a bool
        array = (numpy.frombuffer(data, numpy.uint8) != 0).reshape(shape)
    else:
        array = numpy.frombuffer(data, "uint16" if code == "BF16" else NAMES[code]).reshape(shape)
    return array if sys.byteorder == "little" else array.byteswap()


def write_atomically(path, chunks):
    """Writes a file beside its place, then puts it there in one step."""
    path = os.path.realpath(path)
    if os.path.exists(path) and not os.path.isfile(path):          # a device or a pipe: nothing to replace
        with open(path, "wb") as file:
            file.writelines(chunks)
        return
    temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
