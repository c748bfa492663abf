"""The Wishart distribution of covariance matrices."""
import math
import warnings

from .. import Size, Tensor, arange, broadcast_shapes, cholesky_inverse, cholesky_solve, digamma, finfo, linalg, mvlgamma, randn, tensor, tril_indices
from . import constraints
from .chi2 import Chi2
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .utils import lazy_property

__all__ = ["Wishart"]


class Wishart(ExponentialFamily):
    """The sum of ``df`` outer products of normal vectors of a covariance, its inverse, or its lower Cholesky factor.

    Raises:
        AssertionError: none or several of the matrices. ValueError: a matrix of no dimensions, ``df`` not above the size less 1.
    """

    arg_constraints = {"covariance_matrix": constraints.positive_definite, "precision_matrix": constraints.positive_definite,
                       "scale_tril": constraints.lower_cholesky, "df": constraints.greater_than(0)}
    support = constraints.positive_definite
    has_rsample = True

    def __init__(self, df, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        given = {name: value for name, value in given.items() if value is not None}
        if len(given) != 1:
            raise AssertionError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        (name, matrix), = given.items()
        if matrix.dim() < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        df = df if isinstance(df, Tensor) else tensor(df, dtype=matrix.dtype)
        batch, event = Size(broadcast_shapes(tuple(matrix.shape[:-2]), tuple(df.shape))), Size(matrix.shape[-2:])
        self.df = df.expand(batch)
        if bool((self.df <= event[-1] - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {event[-1] - 1}.")
        setattr(self, name, matrix.expand(batch + event))
        if name == "scale_tril":
            self._factor = matrix
        else:
            factor = linalg.cholesky(matrix)
            self._factor = factor if name == "covariance_matrix" else linalg.cholesky(cholesky_inverse(factor))
        super().__init__(batch, event, validate_args=validate_args)
        if bool((self.df <= event[-1]).any()):
            warnings.warn("Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.", stacklevel=2)
        self._chi2 = self._make_chi2()

    def _make_chi2(self):
        return Chi2(self.df.unsqueeze(-1) - arange(self._event_shape[-1], dtype=self.df.dtype).expand(self._batch_shape + self._event_shape[-1:]))

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        new, batch = self._get_checked_instance(Wishart, _instance), Size(batch_shape)
        new.df, new._factor = self.df.expand(batch), self._factor
        for name in ("covariance_matrix", "precision_matrix", "scale_tril"):
            if name in self.__dict__:
                setattr(new, name, self.__dict__[name].expand(batch + self._event_shape))
        Distribution.__init__(new, batch, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        new._chi2 = new._make_chi2()
        return new

    @lazy_property
    def scale_tril(self):
        """The lower Cholesky factor of the covariance."""
        return self._factor.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self):
        """The covariance of the vectors."""
        return (self._factor @ self._factor.mT).expand(self._batch_shape + self._event_shape)

    @lazy_property
    def precision_matrix(self):
        """Its inverse."""
        return cholesky_inverse(self._factor).expand(self._batch_shape + self._event_shape)

    mean = property(lambda self: self.df.view(self._batch_shape + (1, 1)) * self.covariance_matrix)

    @property
    def mode(self):
        """(df - n - 1) times the covariance, nan where that is not positive."""
        factor = self.df - self.covariance_matrix.shape[-1] - 1
        factor = factor.where(factor > 0, math.nan)
        return factor.view(self._batch_shape + (1, 1)) * self.covariance_matrix

    @property
    def variance(self):
        """df (V_ij^2 + V_ii V_jj)."""
        v = self.covariance_matrix
        d = v.diagonal(0, -2, -1)
        return self.df.view(self._batch_shape + (1, 1)) * (v.pow(2) + d.unsqueeze(-1) * d.unsqueeze(-2))

    def _bartlett(self, sample_shape):
        n = self._event_shape[-1]
        noise = self._chi2.rsample(sample_shape).sqrt().clamp(min=finfo(self.df.dtype).eps).diag_embed(dim1=-2, dim2=-1)
        i, j = tril_indices(n, n, offset=-1)
        noise[..., i, j] = randn(Size(sample_shape) + self._batch_shape + Size((n * (n - 1) // 2,)), dtype=noise.dtype)
        chol = self._factor @ noise
        return chol @ chol.mT

    def _singular(self, sample):
        """Which samples are singular in one of the batch's distributions."""
        bad = ~self.support.check(sample)
        return bad.flatten(bad.dim() - len(self._batch_shape)).any(-1) if self._batch_shape else bad

    def rsample(self, sample_shape=Size(), max_try_correction=None):
        """Bartlett's decomposition: L A A^T L^T, A of chi variables and below them normal ones.

        PyTorch draws samples that are not singular a second time, singular ones of the second time up to ``max_try_correction`` (10)
        times more; so do these, as its numbers are wanted.
        """
        sample = self._bartlett(Size(sample_shape))
        again = self.support.check(sample)
        if self._batch_shape:
            again = again.flatten(again.dim() - len(self._batch_shape)).any(-1)
        for _ in range(10 if max_try_correction is None else max_try_correction):
            if not bool(again.any()):
                break
            new = self._bartlett(Size((int(again.sum()),)))
            sample = sample.masked_scatter(again.reshape(again.shape + (1,) * (len(self._batch_shape) + 2)), new)
            again = again.masked_scatter(again, self._singular(new))
        return sample

    def _log_det(self):
        return self._factor.diagonal(0, -2, -1).log().sum(-1)

    def log_prob(self, value):
        """-n df / 2 log 2 - df log|L| - log gamma_n(df / 2) + (df - n - 1) / 2 log|X| - trace(V^-1 X) / 2."""
        if self._validate_args:
            self._validate_sample(value)
        nu, n = self.df, self._event_shape[-1]
        solved = cholesky_solve(value, self._factor)
        return (-nu * (n * math.log(2.0) / 2 + self._log_det()) - mvlgamma(nu / 2, n) + (nu - n - 1) / 2 * linalg.slogdet(value).logabsdet
                - solved.diagonal(0, -2, -1).sum(-1) / 2)

    def entropy(self):
        """(n + 1) (n log 2 / 2 + log|L|) + log gamma_n(df / 2) - (df - n - 1) / 2 psi_n(df / 2) + df n / 2."""
        nu, n = self.df, self._event_shape[-1]
        multidigamma = digamma((nu / 2).unsqueeze(-1) - arange(n, dtype=nu.dtype) / 2).sum(-1)
        return ((n + 1) * (n * math.log(2.0) / 2 + self._log_det()) + mvlgamma(nu / 2, n) - (nu - n - 1) / 2 * multidigamma + nu * n / 2)

    @property
    def _natural_params(self):
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x, y):
        n = self._event_shape[-1]
        half = y + (n + 1) / 2
        return half * (n * math.log(2.0) - linalg.slogdet(-2 * x).logabsdet) + mvlgamma(half, n)

    _mean_carrier_measure = 0

