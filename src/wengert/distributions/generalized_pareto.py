"""The generalised Pareto distribution: what lies above a threshold."""
import math

from .. import Size, isclose, rand
from . import constraints
from .distribution import ParameterDistribution
from .utils import broadcast_all

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(ParameterDistribution):
    """loc + scale (u^-c - 1) / c for uniform u and a concentration c, or loc - scale log u for c = 0."""

    _names = ("loc", "scale", "concentration")
    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True

    def __init__(self, loc, scale, concentration, validate_args=None):
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        """From loc on, for negative concentrations to loc - scale / c."""
        return constraints.interval(self.loc, (self.loc - self.scale / self.concentration).where(self.concentration < 0, math.inf))

    def _parts(self):
        """(is c 0?, c, or 1 where it is)."""
        zero = isclose(self.concentration, self.concentration.new_zeros(()))
        return zero, self.concentration.masked_fill(zero, 1.0)

    mean = property(lambda self: (self.loc + self.scale / (1 - self.concentration)).where(self.concentration < 1, math.nan))
    mode = property(lambda self: self.loc)

    @property
    def variance(self):
        """scale^2 / ((1 - c)^2 (1 - 2c)) for c below 1/2, else nan."""
        c = self.concentration
        return (self.scale.pow(2) / ((1 - c).pow(2) * (1 - 2 * c))).where(c < 0.5, math.nan)

    def rsample(self, sample_shape=Size()):
        """The inverse cumulative distribution function of uniform samples."""
        return self.icdf(rand(self._extended_shape(sample_shape), dtype=self.loc.dtype))

    def log_prob(self, value):
        """-(1 + 1/c) log(1 + c z) - log scale, z = (x - loc) / scale; -z - log scale for c = 0."""
        if self._validate_args:
            self._validate_sample(value)
        z, (zero, c) = (value - self.loc) / self.scale, self._parts()
        return (-z).where(zero, -(1 / c + 1) * (c * z).log1p()) - self.scale.log()

    def log_survival_function(self, value):
        """log of the probability of more: -log(1 + c z) / c."""
        if self._validate_args:
            self._validate_sample(value)
        z, (zero, c) = (value - self.loc) / self.scale, self._parts()
        return (-z).where(zero, -(c * z).log1p() / c)

    def log_cdf(self, value):
        """log of the cumulative distribution function."""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value):
        """1 - (1 + c z)^(-1/c)."""
        return self.log_cdf(value).exp()

    def icdf(self, value):
        """loc + scale (exp(-c log(1 - p)) - 1) / c."""
        (zero, c), log_rest = self._parts(), (-value).log1p()
        return (self.loc - self.scale * log_rest).where(zero, self.loc + self.scale / c * (-c * log_rest).expm1())

    def entropy(self):
        """log scale + c + 1."""
        return (self.scale.log() + self.concentration + 1).expand(self._batch_shape)
