"""From a list of samples to a batch."""
import collections.abc
import copy

from .... import Tensor, as_tensor, float64, stack, tensor

__all__ = ["collate", "default_collate", "default_convert"]


def _is_array(x):
    """Of NumPy, which nothing here imports."""
    return type(x).__module__ == "numpy" and hasattr(x, "dtype")


def _rebuilt_mapping(like, items):
    """A mapping of like's type where its constructor allows that, else a dict."""
    if type(like) is dict:
        return items
    try:
        if isinstance(like, collections.abc.MutableMapping):
            clone = copy.copy(like)
            clone.update(items)
            return clone
        return type(like)(items)
    except TypeError:
        return items


def _rebuilt_sequence(like, items):
    """A sequence of like's type where its constructor allows that, else a list."""
    if type(like) is list:
        return items
    try:
        if isinstance(like, collections.abc.MutableSequence):
            clone = copy.copy(like)
            for i, item in enumerate(items):
                clone[i] = item
            return clone
        return type(like)(items)
    except TypeError:
        return items


def default_convert(data):
    """A sample's NumPy arrays as tensors, inside lists, tuples and mappings too; the rest as it is."""
    if isinstance(data, Tensor) or isinstance(data, (str, bytes)):
        return data
    if _is_array(data):
        return data if data.dtype.kind in "SUO" else as_tensor(data)
    if isinstance(data, collections.abc.Mapping):
        return _rebuilt_mapping(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(x) for x in data))
    if isinstance(data, tuple):
        return [default_convert(x) for x in data]
    if isinstance(data, collections.abc.Sequence):
        return _rebuilt_sequence(data, [default_convert(x) for x in data])
    return data


def _no_batch(kind):
    return TypeError(f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {kind}")


def collate(batch, *, collate_fn_map=None):
    """`default_collate`, with functions for types of one's own.

    Args:
        collate_fn_map: type or tuple of types -> ``function(batch, collate_fn_map=...)``, asked first.
    """
    first = batch[0]
    for kind, function in (collate_fn_map or {}).items():
        if isinstance(first, kind):
            return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Tensor):
        return stack(batch, 0)
    if _is_array(first):
        if first.dtype.kind in "SUO":
            raise _no_batch(first.dtype)
        if first.shape == ():
            return as_tensor(batch, dtype=as_tensor(first).dtype)
        return stack([as_tensor(x) for x in batch], 0)
    if isinstance(first, float):
        return tensor(batch, dtype=float64)
    if isinstance(first, int):
        return tensor(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, collections.abc.Mapping):
        return _rebuilt_mapping(first, {key: collate([x[key] for x in batch], collate_fn_map=collate_fn_map) for key in first})
    if isinstance(first, collections.abc.Sequence):
        if any(len(x) != len(first) for x in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch)]
        if hasattr(first, "_fields"):
            return type(first)(*columns)
        return columns if isinstance(first, tuple) else _rebuilt_sequence(first, columns)
    raise _no_batch(type(first))


def default_collate(batch):
    """Stacks samples: tensors and arrays get a leading dimension of batch, numbers become tensors (float: float64).

    Mappings and sequences are batched element by element; tuples become lists, named tuples stay; text stays a list.

    Raises:
        TypeError: samples of another type.
        RuntimeError: sequences of different lengths, tensors of different shapes.
    """
    return collate(batch)
