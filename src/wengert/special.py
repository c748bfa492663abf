"""torch.special: rows of the table that are public there."""
from . import ops as _ops
from . import round  # noqa: F401
from ._seldom import mvlgamma as multigammaln  # noqa: F401
from .composite import log_softmax, polygamma, softmax  # noqa: F401

globals().update(_ops._public("special"))

__all__ = sorted(_n for _n in globals() if not _n.startswith("_"))
