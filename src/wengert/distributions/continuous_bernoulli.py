"""The continuous Bernoulli distribution on [0, 1]."""
import math

from .. import Size, rand
from ..nn.functional import binary_cross_entropy_with_logits
from . import constraints
from ._chance import Chance
from .distribution import ParameterDistribution
from .exp_family import ExponentialFamily
from .utils import broadcast_all, clamp_probs, lazy_property, logits_to_probs

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(Chance, ExponentialFamily):
    """Density proportional to p^x (1 - p)^(1 - x) for x from [0, 1] (Loaiza-Ganem & Cunningham 2019), of ``probs`` or ``logits``.

    Args:
        lims: between these probabilities expansions about 1/2 take the place of formulas that cancel there.

    Raises:
        ValueError: both are given, or neither; probabilities outside of (0, 1).
    """

    _names = ("probs", "logits")
    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, probs=None, logits=None, lims=(0.499, 0.501), validate_args=None):
        name, value = self._one_of(probs, logits)
        value, = broadcast_all(value)
        self._lims = lims
        if name == "probs":
            if validate_args is not None and not bool(self.arg_constraints["probs"].check(value).all()):
                raise ValueError("The parameter probs has invalid values")
            value = clamp_probs(value)
        setattr(self, name, value)
        ParameterDistribution.__init__(self, value.size(), validate_args=validate_args)

    _kept = ("_is_of_probs", "_lims")

    @lazy_property
    def probs(self):
        """The parameter p; not the mean."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _parts(self):
        """(is the formula good?, p where it is and else the lower limit, p - 1/2)."""
        p = self.probs
        good = (p <= self._lims[0]) | (p > self._lims[1])
        return good, p.where(good, self._lims[0]), p - 0.5

    def _log_norm(self):
        """log of what makes the density's integral 1: 2 atanh(1 - 2p) / (1 - 2p)."""
        good, p, x = self._parts()
        low = p <= 0.5
        below, above = p.where(low, 0.0), p.where(~low, 1.0)
        log_norm = ((-p).log1p() - p.log()).abs().log() - (-2.0 * below).log1p().where(low, (2.0 * above - 1.0).log())
        x = x.pow(2)
        return log_norm.where(good, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self):
        """p / (2p - 1) + 1 / (log(1 - p) - log p)."""
        good, p, x = self._parts()
        return (p / (2.0 * p - 1.0) + 1.0 / ((-p).log1p() - p.log())).where(good, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x.pow(2)) * x)

    @property
    def stddev(self):
        """The square root of the variance."""
        return self.variance.sqrt()

    @property
    def variance(self):
        """p (p - 1) / (1 - 2p)^2 + 1 / (log(1 - p) - log p)^2."""
        good, p, x = self._parts()
        x = x.pow(2)
        return (p * (p - 1.0) / (1.0 - 2.0 * p).pow(2) + 1.0 / ((-p).log1p() - p.log()).pow(2)).where(
            good, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    def rsample(self, sample_shape=Size()):
        """The inverse cumulative distribution function of uniform samples."""
        return self.icdf(rand(self._extended_shape(sample_shape), dtype=self.probs.dtype))

    def log_prob(self, value):
        """x log p + (1 - x) log(1 - p) + the norm's logarithm."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none") + self._log_norm()

    def cdf(self, value):
        """(p^x (1 - p)^(1 - x) + p - 1) / (2p - 1)."""
        if self._validate_args:
            self._validate_sample(value)
        good, p, _ = self._parts()
        cdf = (p.pow(value) * (1.0 - p).pow(1.0 - value) + p - 1.0) / (2.0 * p - 1.0)
        return cdf.where(good, value).where(value > 0.0, 0.0).where(value < 1.0, 1.0)

    def icdf(self, value):
        """(log(1 - p + u (2p - 1)) - log(1 - p)) / (log p - log(1 - p))."""
        good, p, _ = self._parts()
        return (((-p + value * (2.0 * p - 1.0)).log1p() - (-p).log1p()) / (p.log() - (-p).log1p())).where(good, value)

    def entropy(self):
        """mean (log(1 - p) - log p) - the norm's logarithm - log(1 - p)."""
        p = self.probs
        zero, one = (-p).log1p(), p.log()
        return self.mean * (zero - one) - self._log_norm() - zero

    @property
    def _natural_params(self):
        return self.logits,

    def _log_normalizer(self, x):
        """log((exp(x) - 1) / x), by its series near 0."""
        good = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        safe = x.where(good, self._lims[0] - 0.5)
        return safe.expm1().abs().log().sub(safe.abs().log()).where(good, 0.5 * x + x.pow(2) / 24 - x.pow(4) / 2880)
