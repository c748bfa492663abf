"""The geometric distribution."""
from .. import Size, empty, finfo
from ..nn.functional import binary_cross_entropy_with_logits
from . import constraints
from ._chance import Chance
from .utils import broadcast_all

__all__ = ["Geometric"]


class Geometric(Chance):
    """How often a trial of probability ``probs`` fails before it succeeds.

    Raises:
        ValueError: both of probs and logits are given, or neither; a probability is 0.
    """

    _names = ("probs", "logits")
    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(self, probs=None, logits=None, validate_args=None):
        super().__init__(probs, logits, validate_args)
        value = self._param
        if self._validate_args and self._is_of_probs and not bool((value > 0).all()):
            invalid = value.data[~(value > 0)]
            raise ValueError(f"Expected parameter probs ({type(value).__name__} of shape {tuple(value.shape)}) of distribution {self!r} to be positive "
                             f"but found invalid values:\n{invalid}")

    mean = property(lambda self: 1.0 / self.probs - 1.0)
    mode = property(lambda self: self.probs.detach() * 0)
    variance = property(lambda self: (1.0 / self.probs - 1.0) / self.probs)

    def sample(self, sample_shape=Size()):
        """By the inverse of the cumulative distribution function."""
        probs = self.probs.detach()
        u = empty(self._extended_shape(sample_shape), dtype=probs.dtype).uniform_(finfo(probs.dtype).tiny, 1)
        return (u.log() / (-probs).log1p()).floor()

    def log_prob(self, value):
        """x log(1 - p) + log p."""
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        certain = (probs == 1) & (value == 0)
        return value * (-probs.masked_fill(certain, 0)).log1p() + self.probs.log()

    def entropy(self):
        """That of one trial over p."""
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs
