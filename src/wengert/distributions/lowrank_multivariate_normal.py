"""The multivariate normal distribution of a covariance W W^T + diag(D), W of few columns."""
import math

from .. import Size, broadcast_shapes, linalg
from . import constraints
from .distribution import Distribution
from .utils import lazy_property, standard_normal

__all__ = ["LowRankMultivariateNormal"]


class LowRankMultivariateNormal(Distribution):
    """The normal distribution of vectors with a covariance of low rank plus a diagonal: work grows with the rank's square.

    Shapes: loc (..., n), cov_factor (..., n, m), cov_diag (..., n).

    Raises:
        ValueError: too few dimensions, sizes or batch shapes that do not fit.
    """

    arg_constraints = {"loc": constraints.real_vector, "cov_factor": constraints.independent(constraints.real, 2),
                       "cov_diag": constraints.independent(constraints.positive, 1)}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, cov_factor, cov_diag, validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        if cov_factor.shape[-2:-1] != event:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event[0]} x m")
        if cov_diag.shape[-1:] != event:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event}")
        try:
            batch = Size(broadcast_shapes(tuple(loc.shape[:-1]), tuple(cov_factor.shape[:-2]), tuple(cov_diag.shape[:-1])))
        except RuntimeError:
            raise ValueError(f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}") from None
        self.loc, self.cov_diag = loc.expand(batch + event), cov_diag.expand(batch + event)
        self.cov_factor = cov_factor.expand(batch + Size(cov_factor.shape[-2:]))
        self._factor, self._diag = cov_factor, cov_diag
        inner = self._scaled().mT @ cov_factor              # 1 + W^T D^-1 W, as large as the rank only
        inner = inner + inner.new_ones(inner.shape[-1]).diag_embed()
        self._inner = linalg.cholesky(inner)
        super().__init__(batch, event, validate_args=validate_args)

    def _scaled(self):
        """D^-1 W."""
        return self._factor / self._diag.unsqueeze(-1)

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        new = self._get_checked_instance(LowRankMultivariateNormal, _instance)
        batch = Size(batch_shape)
        new.loc, new.cov_diag = self.loc.expand(batch + self._event_shape), self.cov_diag.expand(batch + self._event_shape)
        new.cov_factor = self.cov_factor.expand(batch + Size(self.cov_factor.shape[-2:]))
        new._factor, new._diag, new._inner = self._factor, self._diag, self._inner
        Distribution.__init__(new, batch, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    mean = mode = property(lambda self: self.loc)

    @lazy_property
    def variance(self):
        """The covariance's diagonal."""
        return (self._factor.pow(2).sum(-1) + self._diag).expand(self._batch_shape + self._event_shape)

    def _matrix(self, m):
        return m.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def scale_tril(self):
        """The lower Cholesky factor of the covariance."""
        root = self._diag.sqrt().unsqueeze(-1)
        scaled = self._factor / root
        inner = scaled @ scaled.mT
        return self._matrix(root * linalg.cholesky(inner + inner.new_ones(inner.shape[-1]).diag_embed()))

    @lazy_property
    def covariance_matrix(self):
        """W W^T + diag(D)."""
        return self._matrix(self._factor @ self._factor.mT + self._diag.diag_embed())

    @lazy_property
    def precision_matrix(self):
        """The covariance's inverse, D^-1 - D^-1 W (1 + W^T D^-1 W)^-1 W^T D^-1."""
        a = linalg.solve_triangular(self._inner, self._scaled().mT, upper=False)
        return self._matrix(self._diag.reciprocal().diag_embed() - a.mT @ a)

    def rsample(self, sample_shape=Size()):
        """loc + W * standard normal + sqrt(D) * standard normal."""
        shape = self._extended_shape(sample_shape)
        few = standard_normal(Size(shape[:-1]) + Size(self.cov_factor.shape[-1:]), self.loc.dtype)
        each = standard_normal(shape, self.loc.dtype)
        return self.loc + (self._factor @ few.unsqueeze(-1)).squeeze(-1) + self._diag.sqrt() * each

    def _log_det(self):
        return 2 * self._inner.diagonal(0, -2, -1).log().sum(-1) + self._diag.log().sum(-1)

    def log_prob(self, value):
        """-(n log(2 pi) + log det + distance^2) / 2, by the lemma on the inverse of a low-rank change."""
        if self._validate_args:
            self._validate_sample(value)
        d = value - self.loc
        projected = (self._scaled().mT @ d.unsqueeze(-1))
        distance = (d.pow(2) / self._diag).sum(-1) - linalg.solve_triangular(self._inner, projected, upper=False).pow(2).sum((-2, -1))
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + self._log_det() + distance)

    def entropy(self):
        """(n (1 + log(2 pi)) + log det) / 2."""
        return (0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._log_det())).expand(self._batch_shape)
