"""The Kumaraswamy distribution."""
import math

from .. import full_like
from . import constraints
from .transformed_distribution import TransformedDistribution, TransformedFamily
from .transforms import AffineTransform, PowerTransform
from .uniform import Uniform
from .utils import broadcast_all, euler_constant

__all__ = ["Kumaraswamy"]


class Kumaraswamy(TransformedFamily):
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
        return (1 - b.reciprocal()) + (1 - a.reciprocal()) * ((b + 1).digamma() + euler_constant) - a.log() - b.log()
