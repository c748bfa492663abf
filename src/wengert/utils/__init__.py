"""Helpers beside the library: hooks (:mod:`wengert.utils.hooks`), data sets and loaders (:mod:`wengert.utils.data`)."""

from . import hooks

__all__ = ["hooks", "data"]


def __getattr__(name):
    if name == "data":
        import importlib
        return importlib.import_module(".data", __name__)
    raise AttributeError(f"module 'wengert.utils' has no attribute '{name}'")
