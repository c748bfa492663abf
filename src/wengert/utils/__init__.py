"""Helpers beside the library: hooks (:mod:`wengert.utils.hooks`)."""

from . import hooks

__all__ = ["hooks"]
