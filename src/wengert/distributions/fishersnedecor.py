"""The F distribution."""
import math

from .. import Size, finfo
from . import constraints
from .distribution import Distribution
from .gamma import Gamma
from .utils import broadcast_all

__all__ = ["FisherSnedecor"]


class FisherSnedecor(Distribution):
    """The ratio of two chi-squared variables, each divided by its degrees of freedom ``df1`` and ``df2``."""

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1, df2, validate_args=None):
        self.df1, self.df2 = broadcast_all(df1, df2)
        self._gamma1, self._gamma2 = Gamma(self.df1 * 0.5, self.df1), Gamma(self.df2 * 0.5, self.df2)
        super().__init__(self.df1.shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        new, batch = self._get_checked_instance(FisherSnedecor, _instance), Size(batch_shape)
        new.df1, new.df2 = self.df1.expand(batch), self.df2.expand(batch)
        new._gamma1, new._gamma2 = self._gamma1.expand(batch), self._gamma2.expand(batch)
        Distribution.__init__(new, batch, validate_args=False)
        new._validate_args = self._validate_args
        return new

    mean = property(lambda self: (self.df2 / (self.df2 - 2)).where(self.df2 > 2, math.nan))
    mode = property(lambda self: ((self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)).where(self.df1 > 2, math.nan))

    @property
    def variance(self):
        """2 b^2 (a + b - 2) / (a (b - 2)^2 (b - 4)), nan for b up to 4."""
        a, b = self.df1, self.df2
        return (2 * b.pow(2) * (a + b - 2) / (a * (b - 2).pow(2) * (b - 4))).where(b > 4, math.nan)

    def rsample(self, sample_shape=Size()):
        """The ratio of two gamma samples."""
        shape = self._extended_shape(Size(sample_shape))
        above, below = self._gamma1.rsample(sample_shape).view(shape), self._gamma2.rsample(sample_shape).view(shape)
        tiny = finfo(below.dtype).tiny
        return (above / below.clamp(min=tiny)).clamp(min=tiny)

    def log_prob(self, value):
        """log gamma((a + b)/2) - log gamma(a/2) - log gamma(b/2) + a/2 log(a/b) + (a/2 - 1) log x - (a + b)/2 log(1 + a x / b)."""
        if self._validate_args:
            self._validate_sample(value)
        a, b, ratio = self.df1 * 0.5, self.df2 * 0.5, self.df1 / self.df2
        return ((a + b).lgamma() - a.lgamma() - b.lgamma() + a * ratio.log() + (a - 1) * value.log() - (a + b) * (ratio * value).log1p())
