"""The von Mises distribution: a normal one on a circle."""
import math

from .. import Size, float64, rand, special
from ..grad_mode import no_grad
from . import constraints
from .distribution import ParameterDistribution
from .utils import broadcast_all

__all__ = ["VonMises"]


def _log_i0(k):
    """log of the modified Bessel function of order 0."""
    return special.i0e(k).log() + k


class VonMises(ParameterDistribution):
    """Angles in radians about ``loc``, the closer the larger ``concentration`` (about 1/sigma^2 of a normal distribution)."""

    _names = ("loc", "concentration")
    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False

    def __init__(self, loc, concentration, validate_args=None):
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    mean = mode = property(lambda self: self.loc)

    @property
    def variance(self):
        """The circular one: 1 - I1(k) / I0(k)."""
        k = self.concentration
        return 1 - special.i1e(k) / special.i0e(k)

    def sample(self, sample_shape=Size()):
        """By rejection from a wrapped Cauchy distribution (Best & Fisher 1979), in float64. Where the parameters leave no angle to
        accept (an infinite concentration), nan."""
        with no_grad():
            shape = self._extended_shape(sample_shape)
            loc, k = self.loc.to(float64), self.concentration.to(float64)
            root = (1 + 4 * k * k).sqrt()
            rho = (1 + root - (2 * (1 + root)).sqrt()) / (2 * k)
            r = ((1 + rho * rho) / (2 * rho)).where(k >= 1e-5, 1 / k + k)
            k, r = k.expand(shape), r.expand(shape)
            x = k.new_zeros(shape)
            done = x != x
            while not bool(done.all()):
                u1, u2, u3 = rand((3, *shape), dtype=float64).unbind()
                z = (math.pi * u1).cos()
                f = (1 + r * z) / (r + z)
                c = k * (r - f)
                accepted = (c * (2 - c) - u2 > 0) | ((c / u2).log() + 1 - c >= 0)
                x = ((u3 - 0.5).sign() * f.acos()).where(accepted, x)
                hopeless = c != c
                x = c.where(hopeless, x)
                done = done | accepted | hopeless
            return ((x + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    def log_prob(self, value):
        """k cos(x - loc) - log(2 pi) - log I0(k)."""
        if self._validate_args:
            self._validate_sample(value)
        return self.concentration * (value - self.loc).cos() - math.log(2 * math.pi) - _log_i0(self.concentration)
