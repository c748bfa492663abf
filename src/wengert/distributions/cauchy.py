"""The Cauchy distribution and its positive half."""
import math

from .. import Size, empty
from . import constraints
from .distribution import Distribution, ParameterDistribution
from .utils import broadcast_all

__all__ = ["Cauchy", "HalfCauchy"]


class Cauchy(ParameterDistribution):
    """The Cauchy (Lorentz) distribution around ``loc`` of half width ``scale``. It has no mean, and no finite variance."""

    _names = ("loc", "scale")
    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.size(), validate_args=validate_args)

    mean = property(lambda self: self.loc.new_full(self._extended_shape(), math.nan))
    variance = property(lambda self: self.loc.new_full(self._extended_shape(), math.inf))
    mode = property(lambda self: self.loc)

    def rsample(self, sample_shape=Size()):
        """loc + scale times a standard sample."""
        return self.loc + empty(self._extended_shape(sample_shape), dtype=self.loc.dtype).cauchy_() * self.scale

    def log_prob(self, value):
        """-log(pi scale (1 + ((x - loc) / scale)^2))."""
        if self._validate_args:
            self._validate_sample(value)
        return -math.log(math.pi) - self.scale.log() - (((value - self.loc) / self.scale) ** 2).log1p()

    def cdf(self, value):
        """atan((x - loc) / scale) / pi + 1/2."""
        if self._validate_args:
            self._validate_sample(value)
        return ((value - self.loc) / self.scale).atan() / math.pi + 0.5

    def icdf(self, value):
        """loc + scale tan(pi (p - 1/2))."""
        return (math.pi * (value - 0.5)).tan() * self.scale + self.loc

    def entropy(self):
        """log(4 pi scale)."""
        return math.log(4 * math.pi) + self.scale.log()


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
