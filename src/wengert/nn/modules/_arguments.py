"""Arguments that many layers take in several forms."""

from itertools import repeat

from ... import Tensor, device as _device, dtype as _dtype


def parse_to(args, kwargs):
    """The device, dtype and non_blocking of a call of ``Module.to``, None where not given.

    Raises:
        TypeError: an argument fits none of the forms.
    """
    known = ("device", "dtype", "non_blocking", "copy", "memory_format", "tensor", "other")
    for name in kwargs:
        if name not in known:
            raise TypeError(f"to() got an unexpected keyword argument '{name}'")
    values = {"device": None, "dtype": None, "non_blocking": False, "copy": False, "memory_format": None}
    rest = list(args)
    tensor = kwargs.get("tensor", kwargs.get("other"))
    if rest and isinstance(rest[0], Tensor):
        tensor = rest.pop(0)
        order = ["non_blocking", "copy"]
    elif rest and isinstance(rest[0], _dtype):
        order = ["dtype", "non_blocking", "copy"]
    else:
        order = ["device", "dtype", "non_blocking", "copy"]
    if tensor is not None:
        values["device"], values["dtype"] = tensor.device, tensor.dtype
    if len(rest) > len(order):
        raise TypeError("to() received an invalid combination of arguments")
    for name, value in zip(order, rest):
        if name in kwargs:
            raise TypeError(f"to() got multiple values for argument '{name}'")
        values[name] = value
    values.update((k, v) for k, v in kwargs.items() if k in values)
    device, dtype = values["device"], values["dtype"]
    if device is not None and not isinstance(device, (str, int, _device)):
        raise TypeError(
            f"to() received an invalid combination of arguments: device must be a str, an int or a torch.device, not "
            f"{type(device).__name__}"
        )
    if dtype is not None and not isinstance(dtype, _dtype):
        raise TypeError(
            f"to() received an invalid combination of arguments: dtype must be a torch.dtype, not "
            f"{type(dtype).__name__}"
        )
    return device, dtype, values["non_blocking"]


def ntuple(n):
    """A function that makes a number into n equal numbers and any iterable into a tuple."""

    def parse(x):
        if hasattr(x, "__iter__"):
            return tuple(x)
        return tuple(repeat(x, n))

    return parse


single, pair, triple, quadruple = ntuple(1), ntuple(2), ntuple(3), ntuple(4)
