"""Names of types in messages."""

from .. import Tensor


def typename(obj):
    """The name of ``obj``'s type as PyTorch's messages spell it: ``torch.FloatTensor``, ``int``, ``package.Class``."""
    if isinstance(obj, Tensor):
        return obj.type()
    cls = obj if isinstance(obj, type) else type(obj)
    module = cls.__module__
    return cls.__qualname__ if module in ("builtins", "__builtin__", None) else f"{module}.{cls.__qualname__}"
