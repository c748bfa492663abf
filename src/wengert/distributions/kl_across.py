"""Divergences across families: the mean of -log q under p, which needs few moments of p, less the entropy of p.

Imported for what it registers.
"""
import math

from .. import full_like
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .continuous_bernoulli import ContinuousBernoulli
from .exponential import Exponential
from .gamma import Gamma
from .gumbel import Gumbel
from .kl import register_kl
from .laplace import Laplace
from .lowrank_multivariate_normal import LowRankMultivariateNormal
from .multivariate_normal import MultivariateNormal, solve_lower
from .normal import Normal
from .pareto import Pareto
from .poisson import Poisson
from .uniform import Uniform
from .utils import euler_constant

__all__ = []


# ---- moments of p ----

def _mean_log(p):
    """The mean of log x."""
    if isinstance(p, Beta):
        return p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    if isinstance(p, Exponential):
        return -euler_constant - p.rate.log()
    if isinstance(p, Gamma):
        return p.concentration.digamma() - p.rate.log()
    if isinstance(p, Pareto):
        return p.alpha.reciprocal() + p.scale.log()
    return (p.high.xlogy(p.high) - p.low.xlogy(p.low)) / (p.high - p.low) - 1       # Uniform


def _mean_log_rest(p):
    """The mean of log(1 - x), of Uniform."""
    return ((1 - p.low).xlogy(1 - p.low) - (1 - p.high).xlogy(1 - p.high)) / (p.high - p.low) - 1


def _mean_exp(p, scale):
    """The mean of exp(-x / scale)."""
    if isinstance(p, Exponential):
        return p.rate * scale / (p.rate * scale + 1)
    if isinstance(p, Gamma):
        return (1 + (p.rate * scale).reciprocal()).pow(-p.concentration)
    if isinstance(p, Normal):
        return (-p.loc / scale + 0.5 * (p.scale / scale).pow(2)).exp()
    return scale * ((-p.low / scale).exp() - (-p.high / scale).exp()) / (p.high - p.low)       # Uniform


def _mean_distance(p, loc):
    """The mean of |x - loc|, of Normal."""
    z = (p.loc - loc) / p.scale
    return p.scale * (math.sqrt(2 / math.pi) * (-0.5 * z.pow(2)).exp() + z * (z / math.sqrt(2)).erf())


# ---- the mean of -log q under p ----

def _to_normal(p, q):
    return 0.5 * (2 * math.pi * q.scale.pow(2)).log() + 0.5 * (p.variance + (p.mean - q.loc).pow(2)) / q.scale.pow(2)


def _to_laplace(p, q):
    return (2 * q.scale).log() + _mean_distance(p, q.loc) / q.scale


def _to_exponential(p, q):
    return q.rate * p.mean - q.rate.log()


def _to_gamma(p, q):
    return q.concentration.lgamma() - q.concentration * q.rate.log() - (q.concentration - 1) * _mean_log(p) + q.rate * p.mean


def _to_gumbel(p, q):
    return q.scale.log() + (p.mean - q.loc) / q.scale + (q.loc / q.scale).exp() * _mean_exp(p, q.scale)


def _to_beta(p, q):
    a, b = q.concentration1, q.concentration0
    return a.lgamma() + b.lgamma() - (a + b).lgamma() - (a - 1) * _mean_log(p) - (b - 1) * _mean_log_rest(p)


def _to_continuous_bernoulli(p, q):
    return -p.mean * q.logits - (-q.probs).log1p() - q._log_norm()


def _to_pareto(p, q):
    return (q.alpha + 1) * _mean_log(p) - q.alpha * q.scale.log() - q.alpha.log()


def _to_uniform(p, q):
    return (q.high - q.low).log()


def _to_poisson(p, q):
    return q.rate - p.probs * q.rate.log()


# ---- where p can come to lie outside of q's support, or has no such moment ----

def _range(p):
    return (p.low, p.high) if isinstance(p, Uniform) else (p.scale, math.inf) if isinstance(p, Pareto) else (0, math.inf if isinstance(p, (Exponential, Gamma)) else 1)


def _below_0(p, q):
    return p.low < 0


def _outside_of_unit(p, q):
    return (p.low < 0) | (p.high > 1)


def _beyond_uniform(p, q):
    low, high = _range(p)
    return (q.low > low) | (q.high < high)


def _below_pareto(p, q):
    return p.low < q.scale


def _no_mean(p, q):
    return p.alpha <= 1


def _no_variance(p, q):
    return p.alpha <= 2


def _register(type_p, type_q, mean, infinite=None):
    @register_kl(type_p, type_q)
    def divergence(p, q):
        value = mean(p, q) - p.entropy()
        return value if infinite is None else value.masked_fill(infinite(p, q), math.inf)


for _pair in (
        (Bernoulli, Poisson, _to_poisson), (Beta, ContinuousBernoulli, _to_continuous_bernoulli), (Beta, Exponential, _to_exponential),
        (Beta, Gamma, _to_gamma), (Beta, Normal, _to_normal), (Beta, Uniform, _to_uniform, _beyond_uniform),
        (ContinuousBernoulli, Exponential, _to_exponential), (ContinuousBernoulli, Normal, _to_normal),
        (ContinuousBernoulli, Uniform, _to_uniform, _beyond_uniform), (Exponential, Gamma, _to_gamma), (Exponential, Gumbel, _to_gumbel),
        (Exponential, Normal, _to_normal), (Gamma, Exponential, _to_exponential), (Gamma, Gumbel, _to_gumbel), (Gamma, Normal, _to_normal),
        (Gumbel, Normal, _to_normal), (Laplace, Normal, _to_normal), (Normal, Gumbel, _to_gumbel), (Normal, Laplace, _to_laplace),
        (Pareto, Exponential, _to_exponential, _no_mean), (Pareto, Gamma, _to_gamma, _no_mean), (Pareto, Normal, _to_normal, _no_variance),
        (Uniform, Beta, _to_beta, _outside_of_unit), (Uniform, ContinuousBernoulli, _to_continuous_bernoulli, _outside_of_unit),
        (Uniform, Exponential, _to_exponential, _below_0), (Uniform, Gamma, _to_gamma, _below_0), (Uniform, Gumbel, _to_gumbel),
        (Uniform, Normal, _to_normal), (Uniform, Pareto, _to_pareto, _below_pareto)):
    _register(*_pair)


def _infinite(p, q):
    """Of the shape of p's batch."""
    return full_like(getattr(p, next(iter(p.arg_constraints))), math.inf, requires_grad=False)


for _type_p, _types_q in {
        Beta: (Pareto,), ContinuousBernoulli: (Pareto,), Exponential: (Beta, ContinuousBernoulli, Pareto, Uniform),
        Gamma: (Beta, ContinuousBernoulli, Pareto, Uniform), Gumbel: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
        Laplace: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform), Normal: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
        Pareto: (Beta, ContinuousBernoulli, Uniform), Poisson: (Bernoulli, Binomial)}.items():
    for _type_q in _types_q:
        register_kl(_type_p, _type_q)(_infinite)


# ---- normal distributions of vectors: a covariance is a factor W and perhaps a diagonal D ----

def _log_det(p):
    return p._log_det() if isinstance(p, LowRankMultivariateNormal) else 2 * p._half_log_det()


def _whitened(q, m):
    """The squared length of V^-1/2 m, of matrices m whose columns are vectors, V the covariance of q."""
    if isinstance(q, MultivariateNormal):
        return solve_lower(q._factor, m).pow(2).sum((-2, -1))
    inner = solve_lower(q._inner, q._scaled().mT @ m)        # by the lemma on the inverse of a low-rank change
    return (m.pow(2) / q._diag.unsqueeze(-1)).sum((-2, -1)) - inner.pow(2).sum((-2, -1))


def _normal_vectors(p, q):
    if p.event_shape != q.event_shape:
        kinds = [isinstance(d, LowRankMultivariateNormal) for d in (p, q)]
        rank = "Low Rank " if all(kinds) else "(Low Rank) " if any(kinds) else ""
        raise ValueError(f"KL-divergence between two {rank}Multivariate Normals with different event shapes cannot be computed")
    spread = _whitened(q, p._factor)
    if isinstance(p, LowRankMultivariateNormal):
        spread = spread + _whitened(q, p._diag.sqrt().diag_embed())
    return 0.5 * (_log_det(q) - _log_det(p) + spread + _whitened(q, (q.loc - p.loc).unsqueeze(-1)) - p.event_shape[0])


for _type_p in (MultivariateNormal, LowRankMultivariateNormal):
    for _type_q in (MultivariateNormal, LowRankMultivariateNormal):
        register_kl(_type_p, _type_q)(_normal_vectors)
