"""The half-normal distribution."""
import math

from .. import Size
from . import constraints
from .distribution import Distribution
from .normal import Normal

__all__ = ["HalfNormal"]


class HalfNormal(Distribution):
    """The absolute value of a normal variable of mean 0 and standard deviation ``scale``."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale, validate_args=None):
        self._normal = Normal(0, scale, validate_args=False)
        super().__init__(self._normal.batch_shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        new = self._get_checked_instance(HalfNormal, _instance)
        new._normal = self._normal.expand(batch_shape)
        Distribution.__init__(new, batch_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    scale = property(lambda self: self._normal.scale, doc="The scale, as given.")
    mean = property(lambda self: self.scale * math.sqrt(2 / math.pi))
    mode = property(lambda self: self.scale.detach() * 0)
    variance = property(lambda self: self.scale.pow(2) * (1 - 2 / math.pi))

    def sample(self, sample_shape=Size()):
        """A sample, without gradient."""
        return self.rsample(sample_shape).detach()

    def rsample(self, sample_shape=Size()):
        """|normal sample|."""
        return self._normal.rsample(sample_shape).abs()

    def log_prob(self, value):
        """The normal variable's plus log 2; -inf below 0."""
        if self._validate_args:
            self._validate_sample(value)
        return (self._normal.log_prob(value) + math.log(2)).where(value >= 0, -math.inf)

    def cdf(self, value):
        """2 cdf - 1 of the normal variable."""
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self._normal.cdf(value) - 1

    def icdf(self, prob):
        """The normal variable's at (p + 1) / 2."""
        return self._normal.icdf((prob + 1) / 2)

    def entropy(self):
        """The normal variable's less log 2."""
        return self._normal.entropy() - math.log(2)
