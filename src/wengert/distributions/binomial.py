"""The binomial distribution."""
from .. import Size, arange, binomial
from . import constraints
from ._chance import CountedChance

__all__ = ["Binomial"]


class Binomial(CountedChance):
    """How many of ``total_count`` trials of probability ``probs`` succeed."""

    _names = ("total_count", "probs", "logits")
    arg_constraints = {"total_count": constraints.nonnegative_integer, "probs": constraints.unit_interval, "logits": constraints.real}
    has_enumerate_support = True

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        super().__init__(total_count, probs, logits, validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        """0 to total_count."""
        return constraints.integer_interval(0, self.total_count)

    mean = property(lambda self: self.total_count * self.probs)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))
    mode = property(lambda self: ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count))

    def sample(self, sample_shape=Size()):
        """A sample."""
        shape = self._extended_shape(sample_shape)
        return binomial(self.total_count.detach().expand(shape), self.probs.detach().expand(shape))

    def log_prob(self, value):
        """log(n choose k) + k log p + (n - k) log(1 - p)."""
        if self._validate_args:
            self._validate_sample(value)
        n, x = self.total_count, self.logits
        normal = n * ((x + x.abs()) / 2) + n * (-x.abs()).exp().log1p() - (n + 1).lgamma()
        return value * x - (value + 1).lgamma() - (n - value + 1).lgamma() - normal

    def entropy(self):
        """Summed over the values; all counts must be equal.

        Raises:
            NotImplementedError: they are not.
        """
        if int(self.total_count.max()) != int(self.total_count.min()):
            raise NotImplementedError("Inhomogeneous total count not supported by `entropy`.")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand=True):
        """0 to total_count, along a new first dimension."""
        count = int(self.total_count.max())
        if self.total_count.min() != count:
            raise NotImplementedError("Inhomogeneous total count not supported by `enumerate_support`.")
        values = arange(1 + count, dtype=self._param.dtype).view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1,) + tuple(self._batch_shape)) if expand else values
