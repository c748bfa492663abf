"""Student's t-distribution."""
import math

from .. import Size
from . import constraints
from .chi2 import Chi2
from .distribution import ParameterDistribution
from .utils import broadcast_all, standard_normal

__all__ = ["StudentT"]


class StudentT(ParameterDistribution):
    """Student's t of ``df`` degrees of freedom, moved by ``loc`` and stretched by ``scale``."""

    _names = ("df", "loc", "scale")
    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, df, loc=0.0, scale=1.0, validate_args=None):
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.size(), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        new = super().expand(batch_shape, _instance)
        new._chi2 = self._chi2.expand(batch_shape)
        return new

    mode = property(lambda self: self.loc)
    mean = property(lambda self: self.loc.where(self.df > 1, math.nan))

    @property
    def variance(self):
        """scale^2 df / (df - 2); infinite up to 2 degrees, none up to 1."""
        spread = self.scale.pow(2) * self.df / (self.df - 2).where(self.df > 2, math.nan)
        return spread.where(self.df > 2, math.inf).where(self.df > 1, math.nan)

    def rsample(self, sample_shape=Size()):
        """A normal sample over the root of a chi-squared one; no gradient to df."""
        x = standard_normal(self._extended_shape(sample_shape), self.df.dtype)
        z = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (x * (z / self.df).rsqrt())

    def log_prob(self, value):
        """-(df + 1)/2 log(1 + z^2/df) less the logarithm of the normalising integral."""
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        integral = self.scale.log() + 0.5 * self.df.log() + self._log_beta()
        return -0.5 * (self.df + 1.0) * (z**2.0 / self.df).log1p() - integral

    def _log_beta(self):
        """log B(df/2, 1/2)."""
        return (0.5 * self.df).lgamma() + 0.5 * math.log(math.pi) - (0.5 * (self.df + 1.0)).lgamma()

    def entropy(self):
        """log scale + (df + 1)/2 (digamma((df + 1)/2) - digamma(df/2)) + log(df)/2 + log B(df/2, 1/2)."""
        half = 0.5 * (self.df + 1)
        return self.scale.log() + half * (half.digamma() - (0.5 * self.df).digamma()) + 0.5 * self.df.log() + self._log_beta()
