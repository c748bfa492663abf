"""Functions made of rows of the table: they have no derivative of their own, the rows that they call have."""
from . import compare, contraction, copies, linalg, math, reduce, scatter, search, shape  # noqa: F401
from ._register import functions, methods as _methods  # noqa: F401

globals().update(functions)
__all__ = list(functions)
