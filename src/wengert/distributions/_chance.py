"""What families with a probability, or its log odds, have in common."""
from .distribution import ParameterDistribution
from .utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits

__all__ = ["Chance", "CountedChance"]


class Chance(ParameterDistribution):
    """A family with a probability ``probs``, or its log odds ``logits``.

    Raises:
        ValueError: both are given, or neither.
    """

    _kept = ("_is_of_probs",)

    def __init__(self, probs=None, logits=None, validate_args=None):
        name, value = self._one_of(probs, logits)
        value, = broadcast_all(value)
        setattr(self, name, value)
        super().__init__(value.size(), validate_args=validate_args)

    def _one_of(self, probs, logits):
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        self._is_of_probs = probs is not None
        return "probs" if self._is_of_probs else "logits", probs if self._is_of_probs else logits

    @lazy_property
    def logits(self):
        """Log odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self):
        """Probabilities."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def _param(self):
        return self.probs if self._is_of_probs else self.logits

    @property
    def param_shape(self):
        """The parameter's shape."""
        return self._param.size()


class CountedChance(Chance):
    """The same with a ``total_count``, of the same shape."""

    def __init__(self, total_count, probs=None, logits=None, validate_args=None):
        name, value = self._one_of(probs, logits)
        self.total_count, value = broadcast_all(total_count, value)
        self.total_count = self.total_count.type_as(value)
        setattr(self, name, value)
        ParameterDistribution.__init__(self, value.size(), validate_args=validate_args)
