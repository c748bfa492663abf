"""The LKJ distribution of correlation matrices, as their Cholesky factors."""
import math

from .. import Size, arange, cat, finfo, mvlgamma, randn
from ..grad_mode import no_grad
from . import constraints
from .beta import Beta
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Lower Cholesky factors of correlation matrices of size ``dim``, whose determinants weigh with a power (concentration - 1).

    Samples come by the onion method (Lewandowski, Kurowicka & Joe 2009).

    Raises:
        ValueError: a size below 2.
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim, concentration=1.0, validate_args=None):
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        self.concentration, = broadcast_all(concentration)
        offset = cat([self.concentration.new_zeros(1), arange(dim - 1, dtype=self.concentration.dtype)])
        marginal = self.concentration + 0.5 * (dim - 2)
        self._beta = Beta(offset + 0.5, marginal.unsqueeze(-1) - 0.5 * offset)
        super().__init__(self.concentration.size(), Size((dim, dim)), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        new, batch = self._get_checked_instance(LKJCholesky, _instance), Size(batch_shape)
        new.dim, new.concentration = self.dim, self.concentration.expand(batch)
        new._beta = self._beta.expand(batch + Size((self.dim,)))
        Distribution.__init__(new, batch, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def sample(self, sample_shape=Size()):
        """Row by row: a direction on a sphere, times the square root of a beta variable."""
        with no_grad():
            y = self._beta.sample(sample_shape).unsqueeze(-1)
            u = randn(self._extended_shape(sample_shape), dtype=y.dtype).tril(-1)
            u = u / u.norm(dim=-1, keepdim=True)
            u[..., 0, :] = 0.0
            w = y.sqrt() * u
            rest = (1 - (w * w).sum(-1)).clamp(min=finfo(w.dtype).tiny)
            return w + rest.sqrt().diag_embed()

    def log_prob(self, value):
        """The sum of (2 (concentration - 1) + dim - k) log L_kk, less the norm's logarithm."""
        if self._validate_args:
            self._validate_sample(value)
        n, a = self.dim - 1, self.concentration + 0.5 * (self.dim - 1)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - arange(2, self.dim + 1)
        density = (order * value.diagonal(0, -2, -1)[..., 1:].log()).sum(-1)
        return density - (0.5 * n * math.log(math.pi) + mvlgamma(a - 0.5, n) - a.lgamma() * n)
