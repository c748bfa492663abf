"""The multivariate normal distribution."""
import math

from .. import Size, broadcast_shapes, eye
from ..linalg import cholesky, solve_triangular
from . import constraints
from .distribution import Distribution
from .utils import lazy_property, standard_normal

__all__ = ["MultivariateNormal", "solve_lower"]


def solve_lower(l, b):
    """The x with l x = b. Shapes: (..., n, n), (..., n, k) -> (..., n, k)."""
    return solve_triangular(l, b, upper=False)


class MultivariateNormal(Distribution):
    """The normal distribution of vectors, of a mean and one of: covariance, its inverse, its lower Cholesky factor.

    Raises:
        ValueError: a mean without dimensions, none or several of the matrices, a matrix of no dimensions.
        RuntimeError: a matrix that is not positive definite, where it was not checked before.
    """

    arg_constraints = {"loc": constraints.real_vector, "covariance_matrix": constraints.positive_definite,
                       "precision_matrix": constraints.positive_definite, "scale_tril": constraints.lower_cholesky}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        given = {name: value for name, value in given.items() if value is not None}
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        (name, matrix), = given.items()
        if matrix.dim() < 2:
            raise ValueError(f"{name} must be at least two-dimensional, with optional leading batch dimensions")
        batch = tuple(broadcast_shapes(tuple(matrix.shape[:-2]), tuple(loc.shape[:-1])))
        setattr(self, name, matrix.expand(batch + tuple(matrix.shape[-2:])))
        self.loc = loc.expand(batch + (loc.shape[-1],))
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        if name == "scale_tril":
            self._factor = matrix
        elif name == "covariance_matrix":
            self._factor = cholesky(matrix)
        else:                              # of P = U U^T with U upper, by turning both round: L = U^-T
            upper = cholesky(matrix.flip((-2, -1))).flip((-2, -1))
            self._factor = solve_lower(upper.transpose(-2, -1), eye(matrix.shape[-1], dtype=matrix.dtype).expand(matrix.shape))

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        new = self._get_checked_instance(MultivariateNormal, _instance)
        batch = tuple(batch_shape)
        new.loc, new._factor = self.loc.expand(batch + tuple(self._event_shape)), self._factor
        for name in ("covariance_matrix", "scale_tril", "precision_matrix"):
            if name in self.__dict__:
                setattr(new, name, self.__dict__[name].expand(batch + tuple(self._event_shape) * 2))
        Distribution.__init__(new, batch, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @lazy_property
    def scale_tril(self):
        """The lower Cholesky factor of the covariance."""
        return self._factor.expand(tuple(self._batch_shape) + tuple(self._event_shape) * 2)

    @lazy_property
    def covariance_matrix(self):
        """The covariance."""
        l = self._factor
        return (l @ l.transpose(-2, -1)).expand(tuple(self._batch_shape) + tuple(self._event_shape) * 2)

    @lazy_property
    def precision_matrix(self):
        """The inverse of the covariance."""
        l = self._factor
        inverse = solve_lower(l, eye(l.shape[-1], dtype=l.dtype).expand(l.shape))
        return (inverse.transpose(-2, -1) @ inverse).expand(tuple(self._batch_shape) + tuple(self._event_shape) * 2)

    mean = mode = property(lambda self: self.loc)
    variance = property(lambda self: self._factor.pow(2).sum(-1).expand(tuple(self._batch_shape) + tuple(self._event_shape)))

    def rsample(self, sample_shape=Size()):
        """loc + L * standard normal."""
        eps = standard_normal(self._extended_shape(sample_shape), self.loc.dtype)
        return self.loc + (self._factor @ eps.unsqueeze(-1)).squeeze(-1)

    def _half_log_det(self):
        return self._factor.diagonal(0, -2, -1).log().sum(-1)

    def log_prob(self, value):
        """-(n log(2 pi) + |L^-1 (x - loc)|^2) / 2 - sum log diag L."""
        if self._validate_args:
            self._validate_sample(value)
        z = solve_lower(self._factor, (value - self.loc).unsqueeze(-1)).squeeze(-1)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + z.pow(2).sum(-1)) - self._half_log_det()

    def entropy(self):
        """n (1 + log(2 pi)) / 2 + sum log diag L."""
        return (0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._half_log_det()).expand(self._batch_shape)
