"""The gamma distribution."""
from .. import Size, finfo, is_grad_enabled, special
from ..autograd import Function
from ..autograd.function import once_differentiable
from ..random import _standard_gamma
from . import constraints
from .distribution import ParameterDistribution
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Gamma", "standard_gamma"]


class _StandardGamma(Function):
    """Samples x of rate 1, with dx/da = -(dP/da) / p of the cumulative distribution function P(a, x) and its density p (Figurnov et
    al. 2018). dP/da is a difference of fourth order of the incomplete gamma function, above the mean of its complement."""

    @staticmethod
    def forward(ctx, concentration):
        x = _standard_gamma(concentration)
        ctx.save_for_backward(concentration, x)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        a, x = (t.double() for t in ctx.saved_tensors)
        h, upper = 3e-3 * a.clamp(max=1.0) * a.clamp(min=1.0).sqrt(), x > a      # by how wide the distribution is

        def tail(a):
            return (-special.gammaincc(a, x)).where(upper, special.gammainc(a, x))

        slope = (8 * (tail(a + h) - tail(a - h)) - (tail(a + 2 * h) - tail(a - 2 * h))) / (12 * h)
        log_density = (a - 1) * x.log() - x - a.lgamma()
        return (g.double() * -slope * (-log_density).exp()).to(g.dtype)


def standard_gamma(concentration):
    """Gamma samples of rate 1, with gradients to the concentration."""
    if concentration.requires_grad and is_grad_enabled():
        return _StandardGamma.apply(concentration.contiguous())
    return _standard_gamma(concentration.contiguous())


class Gamma(ParameterDistribution, ExponentialFamily):
    """The gamma distribution of a concentration and a rate. Samples have gradients to both."""

    _names = ("concentration", "rate")
    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration, rate, validate_args=None):
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.size(), validate_args=validate_args)

    mean = property(lambda self: self.concentration / self.rate)
    mode = property(lambda self: ((self.concentration - 1) / self.rate).clamp(min=0))
    variance = property(lambda self: self.concentration / self.rate.pow(2))

    def rsample(self, sample_shape=Size()):
        """A sample of rate 1, divided by the rate."""
        shape = self._extended_shape(sample_shape)
        value = standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        value.detach().clamp_(min=finfo(value.dtype).tiny)
        return value

    def cdf(self, value):
        """The regularised incomplete gamma function P(a, b x)."""
        if self._validate_args:
            self._validate_sample(value)
        return special.gammainc(self.concentration, self.rate * value)

    def log_prob(self, value):
        """a log b + (a - 1) log x - b x - log gamma(a)."""
        if self._validate_args:
            self._validate_sample(value)
        return (self.concentration.xlogy(self.rate) + (self.concentration - 1).xlogy(value) - self.rate * value
                - self.concentration.lgamma())

    def entropy(self):
        """a - log b + log gamma(a) + (1 - a) digamma(a)."""
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1.0 - a) * a.digamma()

    @property
    def _natural_params(self):
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, x, y):
        return (x + 1).lgamma() - (x + 1) * (-y).log()

    _mean_carrier_measure = 0
