"""The old place of :class:`wengert.autograd.Variable`."""

from . import Variable

__all__ = ["Variable"]
