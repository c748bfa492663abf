"""The positive half of the Cauchy distribution."""
import math

from .. import Size
from . import constraints
from .cauchy import Cauchy
from .distribution import Distribution

__all__ = ["HalfCauchy"]


class HalfCauchy(Distribution):
    """The absolute value of a Cauchy variable around 0 of half width ``scale``."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale, validate_args=None):
        self._cauchy = Cauchy(0, scale, validate_args=False)
        super().__init__(self._cauchy.batch_shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        new = self._get_checked_instance(HalfCauchy, _instance)
        new._cauchy = self._cauchy.expand(batch_shape)
        Distribution.__init__(new, batch_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    scale = property(lambda self: self._cauchy.scale, doc="The scale, as given.")
    mean = property(lambda self: self.scale.new_full(self._extended_shape(), math.inf))
    mode = property(lambda self: self.scale.detach() * 0)
    variance = property(lambda self: self._cauchy.variance)

    def rsample(self, sample_shape=Size()):
        """|Cauchy sample|."""
        return self._cauchy.rsample(sample_shape).abs()

    def log_prob(self, value):
        """The Cauchy variable's plus log 2; -inf below 0."""
        if self._validate_args:
            self._validate_sample(value)
        return (self._cauchy.log_prob(value) + math.log(2)).where(value >= 0, -math.inf)

    def cdf(self, value):
        """2 cdf - 1 of the Cauchy variable."""
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self._cauchy.cdf(value) - 1

    def icdf(self, prob):
        """The Cauchy variable's at (p + 1) / 2."""
        return self._cauchy.icdf((prob + 1) / 2)

    def entropy(self):
        """The Cauchy variable's less log 2."""
        return self._cauchy.entropy() - math.log(2)
