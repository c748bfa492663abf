"""Families that are maps of others: Gumbel, inverse gamma, Kumaraswamy, logistic normal, Pareto, Weibull."""
import math

from .. import finfo, full_like, ones_like
from . import constraints
from .exponential import Exponential
from .gamma import Gamma
from .normal import Normal
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, ExpTransform, PowerTransform, StickBreakingTransform
from .uniform import Uniform
from .utils import broadcast_all

__all__ = ["Gumbel", "InverseGamma", "Kumaraswamy", "LogisticNormal", "Pareto", "Weibull"]

EULER = 0.5772156649015329


class _Family(TransformedDistribution):
    """A mapped distribution with parameters of its own, which ``_names`` lists."""

    _names = ()

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        cls = next(c for c in type(self).__mro__ if "_names" in c.__dict__)
        new = self._get_checked_instance(cls, _instance)
        for name in self._names:
            setattr(new, name, getattr(self, name).expand(batch_shape))
        new._map_base(validate_args=False)
        new._validate_args = self._validate_args
        return new


class Gumbel(_Family):
    """The distribution of extremes: loc - scale log(-log u) for uniform u."""

    _names = ("loc", "scale")
    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        self._map_base(validate_args)

    def _map_base(self, validate_args):
        info = finfo(self.loc.dtype)
        base = Uniform(full_like(self.loc, info.tiny), full_like(self.loc, 1 - info.eps), validate_args=validate_args)
        maps = [ExpTransform().inv, AffineTransform(loc=0, scale=-ones_like(self.scale)), ExpTransform().inv,
                AffineTransform(loc=self.loc, scale=-self.scale)]
        TransformedDistribution.__init__(self, base, maps, validate_args=validate_args)

    mean = property(lambda self: self.loc + self.scale * EULER)
    mode = property(lambda self: self.loc)
    stddev = property(lambda self: math.pi / math.sqrt(6) * self.scale)
    variance = property(lambda self: self.stddev.pow(2))

    def log_prob(self, value):
        """z - exp(z) - log scale, z = (loc - x) / scale."""
        if self._validate_args:
            self._validate_sample(value)
        z = (self.loc - value) / self.scale
        return (z - z.exp()) - self.scale.log()

    def entropy(self):
        """log scale + 1 + Euler's constant."""
        return self.scale.log() + (1 + EULER)


class InverseGamma(TransformedDistribution):
    """1/x of a gamma variable x of a concentration and a rate."""

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, concentration, rate, validate_args=None):
        base = Gamma(concentration, rate, validate_args=validate_args)
        super().__init__(base, PowerTransform(-base.rate.new_ones(())), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        return super().expand(batch_shape, _instance=self._get_checked_instance(InverseGamma, _instance))

    concentration = property(lambda self: self.base_dist.concentration, doc="The concentration, as given.")
    rate = property(lambda self: self.base_dist.rate, doc="The rate, as given.")
    mean = property(lambda self: (self.rate / (self.concentration - 1)).where(self.concentration > 1, math.inf))
    mode = property(lambda self: self.rate / (self.concentration + 1))

    @property
    def variance(self):
        """rate^2 / ((a - 1)^2 (a - 2)) of a concentration a above 2, else infinite."""
        a = self.concentration
        return (self.rate.square() / ((a - 1).square() * (a - 2))).where(a > 2, math.inf)

    def entropy(self):
        """a + log(rate) + log gamma(a) - (1 + a) digamma(a)."""
        a = self.concentration
        return a + self.rate.log() + a.lgamma() - (1 + a) * a.digamma()


class Kumaraswamy(_Family):
    """(1 - u^(1/b))^(1/a) for uniform u, of concentrations a (``concentration1``) and b (``concentration0``): much like a beta variable."""

    _names = ("concentration1", "concentration0")
    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1, concentration0, validate_args=None):
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        self._map_base(validate_args)

    def _map_base(self, validate_args):
        base = Uniform(full_like(self.concentration0, 0), full_like(self.concentration0, 1), validate_args=validate_args)
        maps = [PowerTransform(exponent=self.concentration0.reciprocal()), AffineTransform(loc=1.0, scale=-1.0),
                PowerTransform(exponent=self.concentration1.reciprocal())]
        TransformedDistribution.__init__(self, base, maps, validate_args=validate_args)

    def _moment(self, n):
        """b B(1 + n/a, b)."""
        a, b = self.concentration1, self.concentration0
        first = 1 + n / a
        return (b.log() + first.lgamma() + b.lgamma() - (first + b).lgamma()).exp()

    mean = property(lambda self: self._moment(1))
    variance = property(lambda self: self._moment(2) - self._moment(1).pow(2))

    @property
    def mode(self):
        """((a - 1) / (a b - 1))^(1/a), nan where a or b is below 1."""
        a, b = self.concentration1, self.concentration0
        return ((a - 1) / (a * b - 1)).pow(a.reciprocal()).where((a >= 1) & (b >= 1), math.nan)

    def entropy(self):
        """1 - 1/b + (1 - 1/a) (digamma(b + 1) + Euler's constant) - log a - log b."""
        a, b = self.concentration1, self.concentration0
        return (1 - b.reciprocal()) + (1 - a.reciprocal()) * ((b + 1).digamma() + EULER) - a.log() - b.log()


class LogisticNormal(TransformedDistribution):
    """Points of the simplex of n + 1: `StickBreakingTransform` of n normal variables."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        base = Normal(loc, scale, validate_args=validate_args)
        super().__init__(base if base.batch_shape else base.expand([1]), StickBreakingTransform(), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        return super().expand(batch_shape, _instance=self._get_checked_instance(LogisticNormal, _instance))

    loc = property(lambda self: self.base_dist.base_dist.loc, doc="The means of the normal variables.")
    scale = property(lambda self: self.base_dist.base_dist.scale, doc="Their standard deviations.")


class Pareto(_Family):
    """scale exp(x) of an exponential variable x of rate ``alpha``."""

    _names = ("alpha", "scale")
    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}

    def __init__(self, scale, alpha, validate_args=None):
        self.scale, self.alpha = broadcast_all(scale, alpha)
        self._map_base(validate_args)

    def _map_base(self, validate_args):
        base = Exponential(self.alpha, validate_args=validate_args)
        TransformedDistribution.__init__(self, base, [ExpTransform(), AffineTransform(loc=0, scale=self.scale)], validate_args=validate_args)

    mode = property(lambda self: self.scale)

    @property
    def mean(self):
        """a scale / (a - 1), infinite for a up to 1."""
        a = self.alpha.clamp(min=1)
        return a * self.scale / (a - 1)

    @property
    def variance(self):
        """scale^2 a / ((a - 1)^2 (a - 2)), infinite for a up to 2."""
        a = self.alpha.clamp(min=2)
        return self.scale.pow(2) * a / ((a - 1).pow(2) * (a - 2))

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        """From the scale on."""
        return constraints.greater_than_eq(self.scale)

    def entropy(self):
        """log(scale / a) + 1 + 1/a."""
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())


class Weibull(_Family):
    """scale x^(1 / concentration) of a standard exponential variable x."""

    _names = ("scale", "concentration")
    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale, concentration, validate_args=None):
        self.scale, self.concentration = broadcast_all(scale, concentration)
        self._map_base(validate_args)

    def _map_base(self, validate_args):
        self.concentration_reciprocal = self.concentration.reciprocal()
        base = Exponential(ones_like(self.scale), validate_args=validate_args)
        maps = [PowerTransform(exponent=self.concentration_reciprocal), AffineTransform(loc=0, scale=self.scale)]
        TransformedDistribution.__init__(self, base, maps, validate_args=validate_args)

    mean = property(lambda self: self.scale * (1 + self.concentration_reciprocal).lgamma().exp())
    mode = property(lambda self: self.scale * ((self.concentration - 1) / self.concentration) ** self.concentration.reciprocal())

    @property
    def variance(self):
        """scale^2 (gamma(1 + 2/k) - gamma(1 + 1/k)^2)."""
        r = self.concentration_reciprocal
        return self.scale.pow(2) * ((1 + 2 * r).lgamma().exp() - (2 * (1 + r).lgamma()).exp())

    def entropy(self):
        """Euler's constant (1 - 1/k) + log(scale / k) + 1."""
        r = self.concentration_reciprocal
        return EULER * (1 - r) + (self.scale * r).log() + 1
