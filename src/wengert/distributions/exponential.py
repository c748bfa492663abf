"""The exponential distribution."""
from .. import Size, empty
from . import constraints
from .distribution import ParameterDistribution
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Exponential"]


class Exponential(ParameterDistribution, ExponentialFamily):
    """The exponential distribution of a rate."""

    _names = ("rate",)
    arg_constraints = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, rate, validate_args=None):
        self.rate, = broadcast_all(rate)
        super().__init__(self.rate.size(), validate_args=validate_args)

    mean = stddev = property(lambda self: self.rate.reciprocal())
    mode = property(lambda self: self.rate.detach() * 0)
    variance = property(lambda self: self.rate.pow(-2))

    def rsample(self, sample_shape=Size()):
        """Standard exponential / rate."""
        return empty(self._extended_shape(sample_shape), dtype=self.rate.dtype).exponential_() / self.rate

    def log_prob(self, value):
        """log rate - rate x."""
        if self._validate_args:
            self._validate_sample(value)
        return self.rate.log() - self.rate * value

    def cdf(self, value):
        """1 - exp(-rate x)."""
        if self._validate_args:
            self._validate_sample(value)
        return 1 - (-self.rate * value).exp()

    def icdf(self, value):
        """-log(1 - p) / rate."""
        return -(-value).log1p() / self.rate

    def entropy(self):
        """1 - log rate."""
        return 1.0 - self.rate.log()

    @property
    def _natural_params(self):
        return -self.rate,

    def _log_normalizer(self, x):
        return -(-x).log()

    _mean_carrier_measure = 0
