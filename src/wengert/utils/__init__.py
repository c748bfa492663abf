"""Helpers beside the library: hooks (:mod:`wengert.utils.hooks`), data sets and loaders (:mod:`wengert.utils.data`), timing of
small pieces of code (:mod:`wengert.utils.benchmark`), files for TensorBoard (:mod:`wengert.utils.tensorboard`)."""

from . import hooks

__all__ = ["hooks", "benchmark", "data", "checkpoint", "dlpack", "tensorboard"]


def __getattr__(name):
    if name in ("benchmark", "data", "checkpoint", "tensorboard", "dlpack", "_pytree"):
        import importlib
        return importlib.import_module("." + name, __name__)
    raise AttributeError(f"module 'wengert.utils' has no attribute '{name}'")
