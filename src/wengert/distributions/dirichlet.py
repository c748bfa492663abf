"""The Dirichlet distribution."""
from .. import Size, finfo
from ..nn.functional import one_hot
from . import constraints
from .distribution import ParameterDistribution
from .exp_family import ExponentialFamily
from .gamma import standard_gamma

__all__ = ["Dirichlet"]


class Dirichlet(ParameterDistribution, ExponentialFamily):
    """Points of the simplex, of positive concentrations along the last dimension.

    Gradients of samples go through the gamma variables that are divided by their sum. PyTorch's go another way: single ones differ,
    their expectation is the same.

    Raises:
        ValueError: a concentration without dimensions.
    """

    _names = ("concentration",)
    _event_dims = 1
    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration, validate_args=None):
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    @property
    def mean(self):
        """a / sum a."""
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self):
        """max(a - 1, 0), normalised; where all are below 1 a corner, nan where their sum is 0."""
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, True)
        corner = one_hot(mode.argmax(-1), mode.shape[-1]).to(mode.dtype)
        return corner.where((self.concentration < 1).all(-1).unsqueeze(-1), mode)

    @property
    def variance(self):
        """a (s - a) / (s^2 (s + 1)), s the sum."""
        a = self.concentration
        s = a.sum(-1, True)
        return a * (s - a) / (s.pow(2) * (s + 1))

    def rsample(self, sample_shape=Size()):
        """Gamma samples, divided by their sum."""
        a = self.concentration.expand(self._extended_shape(sample_shape))
        drawn = standard_gamma(a.double())
        info = finfo(a.dtype)
        return (drawn / drawn.sum(-1, True)).to(a.dtype).clamp(min=info.tiny, max=1 - info.eps / 2)

    def log_prob(self, value):
        """sum (a - 1) log x + log gamma(sum a) - sum log gamma(a)."""
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return (a - 1.0).xlogy(value).sum(-1) + a.sum(-1).lgamma() - a.lgamma().sum(-1)

    def entropy(self):
        """sum log gamma(a) - log gamma(s) - (k - s) digamma(s) - sum (a - 1) digamma(a)."""
        a = self.concentration
        k, s = a.size(-1), a.sum(-1)
        return a.lgamma().sum(-1) - s.lgamma() - (k - s) * s.digamma() - ((a - 1.0) * a.digamma()).sum(-1)

    @property
    def _natural_params(self):
        return self.concentration,

    def _log_normalizer(self, x):
        return x.lgamma().sum(-1) - x.sum(-1).lgamma()
