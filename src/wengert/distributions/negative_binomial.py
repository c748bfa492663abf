"""The negative binomial distribution."""
from .. import Size, poisson
from ..nn.functional import logsigmoid
from . import constraints
from ._chance import CountedChance
from .gamma import Gamma

__all__ = ["NegativeBinomial"]


class NegativeBinomial(CountedChance):
    """How many trials of probability ``probs`` succeed before ``total_count`` fail; any positive count."""

    _names = ("total_count", "probs", "logits")
    arg_constraints = {"total_count": constraints.greater_than_eq(0), "probs": constraints.half_open_interval(0.0, 1.0), "logits": constraints.real}
    support = constraints.nonnegative_integer

    mean = property(lambda self: self.total_count * self.logits.exp())
    mode = property(lambda self: ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0))
    variance = property(lambda self: self.mean / (-self.logits).sigmoid())

    def sample(self, sample_shape=Size()):
        """A Poisson sample of a gamma sample."""
        rates = Gamma(concentration=self.total_count.detach(), rate=(-self.logits.detach()).exp(), validate_args=False)
        return poisson(rates.sample(sample_shape))

    def log_prob(self, value):
        """log(gamma(n + k) / (gamma(n) k!)) + n log(1 - p) + k log p."""
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        unnormalised = n * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
        normal = -(n + value).lgamma() + (1.0 + value).lgamma() + n.lgamma()
        return unnormalised - normal.masked_fill(n + value == 0.0, 0.0)
