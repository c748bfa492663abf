"""Whole modules, and other objects of classes, in the files of `serialization`.

Note [Objects in files]: a file says of an object the name of its class and its state, as pickle's protocol 2 gives it, never what
to call. An object is rebuilt by `cls.__new__(cls)` and its state put back; neither a constructor nor a function named by a
file runs, and no module is imported: the class must be one that the program has loaded. Enumerations are looked up by name,
functions (a module's `self.act = F.relu`) are only referred to. A class's own `__setstate__` does run, which is why classes and
functions beyond wengert's own must be permitted, with `weights_only=False` or `add_safe_globals`.
"""
import contextlib
import copyreg
import pickle
import sys
from collections import defaultdict

FACTORIES = {factory.__name__: factory for factory in (dict, list, set, int, float, str, tuple, bool)}       # of defaultdicts
_permitted = []                      # what add_safe_globals took: classes, functions, or (one of them, its full name)


def add_safe_globals(safe_globals):
    """Permits ``torch.load(weights_only=True)`` to rebuild objects of these classes and refer to these functions.

    Args:
        safe_globals (list): classes and functions, or pairs of one and the full name under which files know it.
    """
    _permitted.extend(safe_globals)


def get_safe_globals():
    """What `add_safe_globals` took."""
    return list(_permitted)


def clear_safe_globals():
    """Takes back what `add_safe_globals` permitted."""
    _permitted.clear()


@contextlib.contextmanager
def safe_globals(safe_globals):
    """`add_safe_globals` for the duration of a ``with`` block."""
    before = list(_permitted)
    _permitted.extend(safe_globals)
    try:
        yield
    finally:
        _permitted[:] = before


def name_of(value):
    """module:qualname of a class or function.

    Raises:
        AttributeError: it can't be found again under that name: a lambda, something local.
    """
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if module is None or name is None:
        raise AttributeError("it has no name to find it by")
    if look_up(f"{module}:{name}") is not value:
        raise AttributeError(f"{module}.{name} is another one")
    return f"{module}:{name}"


def look_up(name):
    """The class or function called module:qualname, in the modules that are loaded.

    Raises:
        AttributeError: there is none.
    """
    module_name, _, path = name.partition(":")
    module = sys.modules.get(module_name)
    if module is None and module_name.startswith("wengert.nn."):
        import importlib
        module = importlib.import_module(module_name)
    if module is None:
        raise AttributeError(f"Can't get {path!r} of the module {module_name!r}: import it before loading")
    value = module
    for part in path.split("."):
        if not hasattr(value, part):
            raise AttributeError(f"Can't get attribute {path!r} on {module!r}")
        value = getattr(value, part)
    return value


def permitted(name, trusted):
    """The class or function called module:qualname, if files may name it.

    Raises:
        pickle.UnpicklingError: they may not. AttributeError: there is none.
    """
    full = name.replace(":", ".")
    for entry in _permitted:
        value, known = entry if isinstance(entry, tuple) else (entry, f"{entry.__module__}.{entry.__qualname__}")
        if known == full:
            return value
    if not trusted and not name.startswith("wengert.nn."):
        short = full.rpartition(".")[2]
        raise pickle.UnpicklingError(
            "Weights only load failed. Re-running `torch.load` with `weights_only` set to `False` will likely succeed, do it only if you "
            f"got the file from a trusted source.\n\tWeightsUnpickler error: Unsupported global: GLOBAL {full} was not an allowed global "
            f"by default. Please use `torch.serialization.add_safe_globals([{short}])` or the "
            f"`torch.serialization.safe_globals([{short}])` context manager to allowlist this global if you trust this class/function.")
    return look_up(name)


# ---- the parts of Encoder and Decoder ----------------------------------------------------------------------------------

class ObjectEncoder:
    """The part of serialization's Encoder for objects of classes."""

    def __init__(self):
        self.numbers = {}                # id(object) -> (number, the object: keeps the id taken)

    def encode_object(self, obj, path):
        """What JSON holds for an object; raises TypeError where it can't be taken apart."""
        import enum
        if isinstance(obj, type) or type(obj).__name__ in ("function", "builtin_function_or_method"):
            return {"$global": self.named(obj, path)}
        if isinstance(obj, enum.Enum):
            return {"$enum": self.named(type(obj), path), "name": obj.name}
        if id(obj) in self.numbers:
            return {"$same": self.numbers[id(obj)][0]}
        if isinstance(obj, tuple):
            return {"$record": self.named(type(obj), path), "values": [self.encode(v, f"{path}.{i}") for i, v in enumerate(obj)]}
        if type(obj) is defaultdict and (obj.default_factory is None or FACTORIES.get(getattr(obj.default_factory, "__name__", "")) is obj.default_factory):
            pairs = [[self.encode_key(key), self.encode(value, f"{path}.{key}" if path else str(key))] for key, value in obj.items()]
            return {"$defaultdict": obj.default_factory and obj.default_factory.__name__, "pairs": pairs}
        how = obj.__reduce_ex__(2)
        if isinstance(how, str):
            return {"$global": self.named(obj, path)}
        make, args, state, items, pairs = (*how, None, None, None)[:5]
        if getattr(make, "__name__", "") == "_op_by_name":
            return {"$op": args[0]}
        own = make is type(obj) and args == () and make.__module__.startswith("wengert.")
        if not own and (make is not copyreg.__newobj__ or len(args) != 1):
            raise self.refused(obj, path)
        number = len(self.numbers)
        self.numbers[id(obj)] = number, obj
        node = {"$object": self.named(type(obj), path), "number": number}
        if isinstance(obj, self.wengert.nn.Module) and isinstance(state, dict):
            node["state"] = {"$dict": [[key, self.encode(value, where)] for key, value, where in module_state(state, path)]}
        elif state is not None:
            node["state"] = self.encode(state, path)
        if items is not None:
            node["items"] = [self.encode(value, f"{path}.{i}") for i, value in enumerate(items)]
        if pairs is not None:
            node["pairs"] = [[self.encode_key(key), self.encode(value, f"{path}.{key}" if path else str(key))] for key, value in pairs]
        return node

    def named(self, value, path):
        try:
            return name_of(value)
        except AttributeError as error:
            raise TypeError(f"cannot save {'the value at ' + repr(path) if path else 'an object'}: {value!r} cannot be found again when "
                            f"the file is loaded ({error}); define it at the top of a module") from error

    def refused(self, obj, path):
        remedy = "save its state_dict()" if hasattr(obj, "state_dict") else "save its contents as dictionaries and lists"
        return TypeError(f"cannot save {'the value at ' + repr(path) if path else 'an object'} of type {type(obj).__qualname__}: files hold "
                         f"tensors, containers, numbers and the state of objects, no code; {remedy}")


def module_state(state, path):
    """(name, value, path for its tensors) of what a module's state needs to hold: tensors get the names of the state_dict."""
    registries = [state.get(name, {}) for name in ("_parameters", "_buffers", "_modules")]
    for key, value in state.items():
        if any(key in r and r[key] is value for r in registries):
            continue                     # an attribute that mirrors its registry
        if key.endswith("_hooks") and not value:
            continue
        if key in ("_parameters", "_buffers", "_modules"):
            yield key, value, path
        else:
            yield key, value, f"{path}.{key}" if path else key


class ObjectDecoder:
    """The part of serialization's Decoder for objects of classes."""

    def __init__(self, trusted):
        self.trusted = trusted
        self.objects = {}                # number -> object

    def build_op(self, value):
        return self.wengert._core._op_by_name(value)

    def build_global(self, value):
        return permitted(value, self.trusted)

    def build_enum(self, value, name):
        import enum
        cls = permitted(value, self.trusted)
        if not (isinstance(cls, type) and issubclass(cls, enum.Enum)):
            raise TypeError(f"{value} is no enumeration")
        return cls[name]

    def build_record(self, value, values):
        cls = permitted(value, self.trusted)
        if not (isinstance(cls, type) and issubclass(cls, tuple)):
            raise TypeError(f"{value} is no tuple")
        return tuple.__new__(cls, self.decode(values))

    def build_defaultdict(self, value, pairs):
        return defaultdict(value and FACTORIES[value], ((self.decode(key), self.decode(item)) for key, item in pairs))

    def build_same(self, value):
        return self.objects[value]

    def build_object(self, value, number, state=None, items=(), pairs=()):
        cls = permitted(value, self.trusted)
        if not isinstance(cls, type) or issubclass(cls, type):
            raise TypeError(f"{value} is no class of objects")
        obj = self.objects[number] = cls() if issubclass(cls, dict) and value.startswith("wengert.nn.") else cls.__new__(cls)
        for item in items:
            obj.append(self.decode(item))
        for key, item in pairs:
            obj[self.decode(key)] = self.decode(item)
        if state is not None:
            put_state(obj, self.decode(state))
        return obj


def put_state(obj, state):
    """As pickle does with the state of an object."""
    if hasattr(obj, "__setstate__"):
        obj.__setstate__(state)
        return
    attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    if attributes:
        obj.__dict__.update(attributes)
    for name, value in (slots or {}).items():
        setattr(obj, name, value)
