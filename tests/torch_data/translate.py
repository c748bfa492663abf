"""From torch's world into ours: tensors with their layout, dtypes, functions by their names."""
import contextlib
import functools
import operator
import re
import types

import torch

import wengert

def tensor_to_ours(t, shared=None):
    """The same values in memory laid out the same way; a leaf if it requires grad. Tensors that share memory do so here where ``shared`` is a
    dict to remember it in."""
    plain = t.detach().resolve_conj().resolve_neg()
    words = {torch.bfloat16: torch.int16}.get(plain.dtype)
    if plain.untyped_storage().nbytes() == 0 and plain.numel() or plain.dim() > 24:
        raise Untranslatable("a tensor without memory, or of too many dimensions")
    key = plain.untyped_storage().data_ptr(), plain.dtype
    memory = None if shared is None else shared.get(key)
    if memory is None:
        memory = torch.empty(0, dtype=plain.dtype).set_(plain.untyped_storage())
        memory = wengert.from_numpy((memory.view(words) if words else memory).numpy().copy())
        if words:
            memory = memory.view(getattr(wengert, str(plain.dtype).removeprefix("torch.")))
        if shared is not None:
            shared[key] = memory
    ours = wengert.as_strided(memory, tuple(plain.shape), plain.stride(), plain.storage_offset()).detach()
    return ours.requires_grad_() if t.requires_grad else ours


NUMPY_WITHOUT = ("complex32", "complex64", "complex128", "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2")


class Untranslatable(Exception):
    """Something of torch's that has no counterpart here."""

def to_ours(value, seen=None):
    """Any of the test data's arguments; a tensor that occurs twice is one tensor here too."""
    seen = {} if seen is None else seen
    if isinstance(value, torch.Tensor):
        if value.layout is not torch.strided or str(value.dtype).removeprefix("torch.") in NUMPY_WITHOUT or value.device.type != "cpu":
            raise Untranslatable(f"a tensor of {value.dtype}, {value.layout}, {value.device}")
        if id(value) not in seen:
            ours = tensor_to_ours(value, seen.get("memory"))
            seen[id(value)] = wengert.nn.Parameter(ours.detach(), value.requires_grad) if isinstance(value, torch.nn.Parameter) else ours
        return seen[id(value)]
    if isinstance(value, torch.Size):
        return wengert.Size(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(to_ours(v, seen) for v in value))
    if isinstance(value, (list, tuple)):
        return type(value)([to_ours(v, seen) for v in value])
    if isinstance(value, dict):
        return {k: to_ours(v, seen) for k, v in value.items()}
    if isinstance(value, slice):
        return slice(to_ours(value.start, seen), to_ours(value.stop, seen), to_ours(value.step, seen))
    if isinstance(value, (torch.dtype, torch.layout, torch.memory_format)):
        name = str(value).removeprefix("torch.")
        try:
            return getattr(wengert, name)
        except AttributeError:
            raise Untranslatable(str(value)) from None
    if isinstance(value, torch.device):
        return wengert.device(str(value))
    if isinstance(value, torch.Generator):
        return wengert.Generator()
    if isinstance(value, torch.nn.Module):
        raise Untranslatable(type(value).__name__)
    if isinstance(value, (types.FunctionType, functools.partial, types.BuiltinFunctionType)):
        return function_to_ours(value)
    return value


def lookup(path):
    found = wengert
    for part in path.split("."):
        found = getattr(found, part)
    return found


def function_to_ours(f, depth=0):
    """A function of torch's by its name; one of the test data with our library in place of torch."""
    if isinstance(f, functools.partial):
        return functools.partial(function_to_ours(f.func), *map(to_ours, f.args), **to_ours(f.keywords))
    module = getattr(f, "__module__", None) or ""
    if isinstance(f, types.FunctionType) and (module.startswith("torch.testing") or f.__name__ == "<lambda>"):
        swapped = {"torch": wengert, "F": wengert.nn.functional, "freeze_rng_state": contextlib.nullcontext}
        for name in f.__code__.co_names:
            other = f.__globals__.get(name)
            if name not in swapped and isinstance(other, types.FunctionType) and other.__module__.startswith("torch.testing") and depth < 4 and other is not f:
                swapped[name] = function_to_ours(other, depth + 1)
        cells = tuple(types.CellType(to_ours(c.cell_contents)) for c in f.__closure__ or ())
        ours = types.FunctionType(f.__code__, {**f.__globals__, **swapped}, f.__name__, f.__defaults__, cells)
        ours.__kwdefaults__ = f.__kwdefaults__
        return ours
    if isinstance(f, (types.MethodDescriptorType, types.WrapperDescriptorType)) or getattr(torch.Tensor, getattr(f, "__name__", ""), None) is f:
        return getattr(wengert.Tensor, f.__name__)
    name = f.__name__
    for space, prefix in ((torch, ""), (torch.nn.functional, "nn.functional."), (torch.linalg, "linalg."), (torch.special, "special.")):
        for public in (name, re.sub(r"^(linalg|special)_", "", name)):
            if getattr(space, public, None) is f:
                return lookup(prefix + public)
    if getattr(operator, name, None) is f:
        return f
    if "torch" not in module:
        return f
    raise Untranslatable(f"the function {module}.{name}")
