"""The Pareto distribution."""
from . import constraints
from .exponential import Exponential
from .transformed_distribution import TransformedDistribution, TransformedFamily
from .transforms import AffineTransform, ExpTransform
from .utils import broadcast_all

__all__ = ["Pareto"]


class Pareto(TransformedFamily):
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
