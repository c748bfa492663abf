"""The types of results with named parts: ``torch.return_types.max`` and so on."""

from .types import return_types as _known


def __getattr__(name):
    if name in _known:
        return _known[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(_known)
