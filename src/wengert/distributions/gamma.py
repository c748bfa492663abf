"""The gamma distribution, and chi-squared."""
from .. import Size, finfo
from ..random import _standard_gamma
from . import constraints
from .distribution import ParameterDistribution
from .utils import broadcast_all

__all__ = ["Gamma", "Chi2", "standard_gamma"]


def standard_gamma(concentration, what):
    """Gamma samples of rate 1.

    Raises:
        NotImplementedError: a gradient to the concentration is wanted, which needs the incomplete gamma function.
    """
    from .. import is_grad_enabled
    if concentration.requires_grad and is_grad_enabled():
        raise NotImplementedError(f"{what} has no gradient to the concentration in wengert: use sample(), or detach() the concentration")
    return _standard_gamma(concentration.contiguous())


class Gamma(ParameterDistribution):
    """The gamma distribution of a concentration and a rate. Samples have gradients to the rate, not to the concentration."""

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
        value = standard_gamma(self.concentration.expand(shape), "Gamma.rsample") / self.rate.expand(shape)
        value.detach().clamp_(min=finfo(value.dtype).tiny)
        return value

    def cdf(self, value):
        """Raises: wengert has no incomplete gamma function."""
        raise NotImplementedError("Gamma.cdf needs the incomplete gamma function, which wengert does not have")

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


class Chi2(Gamma):
    """The chi-squared distribution of ``df`` degrees of freedom."""

    _names = ("concentration", "rate")
    arg_constraints = {"df": constraints.positive}

    def __init__(self, df, validate_args=None):
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    df = property(lambda self: self.concentration * 2, doc="The degrees of freedom.")
