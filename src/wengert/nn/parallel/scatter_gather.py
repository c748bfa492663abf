"""Containers of tensors taken apart along a dimension for several devices, all of them the CPU, and put together again."""
from ... import Tensor, cat
from ...types import check_device

__all__ = ["scatter", "scatter_kwargs", "gather"]


def _is_namedtuple(obj):
    return isinstance(obj, tuple) and hasattr(obj, "_asdict") and hasattr(obj, "_fields")


is_namedtuple = _is_namedtuple


def scatter(inputs, target_gpus, dim=0):
    """A list with a part for each device: tensors are cut along ``dim``, containers part by part, all else is in every part."""
    for device in target_gpus:
        check_device(device)
    n = len(target_gpus)

    def parts(obj):
        if isinstance(obj, Tensor):
            return list(obj.chunk(n, dim))
        if _is_namedtuple(obj):
            return [type(obj)(*row) for row in zip(*map(parts, obj))]
        if isinstance(obj, (tuple, list)) and obj:
            rows = zip(*map(parts, obj))
            return list(rows) if isinstance(obj, tuple) else [list(row) for row in rows]
        if isinstance(obj, dict) and obj:
            return [type(obj)(row) for row in zip(*map(parts, obj.items()))]
        return [obj for _ in range(n)]
    return parts(inputs)


def scatter_kwargs(inputs, kwargs, target_gpus, dim=0):
    """(arguments, named arguments), tuples of as many parts each."""
    first = scatter(inputs, target_gpus, dim) if inputs else []
    second = scatter(kwargs, target_gpus, dim) if kwargs else []
    first += [() for _ in range(len(second) - len(first))]
    second += [{} for _ in range(len(first) - len(second))]
    return tuple(first), tuple(second)


def gather(outputs, target_device, dim=0):
    """What the parts give together: tensors joined along ``dim``, containers part by part."""
    check_device(target_device)

    def together(parts):
        first = parts[0]
        if isinstance(first, Tensor):
            return cat([part.unsqueeze(0) if part.dim() == 0 else part for part in parts], dim)
        if first is None:
            return None
        if isinstance(first, dict):
            if any(len(part) != len(first) for part in parts):
                raise ValueError("All dicts must have the same number of keys")
            return type(first)((key, together([part[key] for part in parts])) for key in first)
        if _is_namedtuple(first):
            return type(first)._make(map(together, zip(*parts)))
        return type(first)(map(together, zip(*parts)))
    return together(list(outputs))
