"""Invertible maps with the logarithm of the absolute determinant of their Jacobian."""
import math

from .. import Size, Tensor, broadcast_shapes, finfo, zeros_like
from ..nn.functional import logsigmoid, pad, softplus
from . import constraints
from .utils import sum_rightmost

__all__ = ["Transform", "ComposeTransform", "IndependentTransform", "AffineTransform", "ExpTransform", "PowerTransform", "SigmoidTransform",
           "SoftplusTransform", "TanhTransform", "identity_transform",
           "AbsTransform", "SoftmaxTransform", "StickBreakingTransform", "LowerCholeskyTransform"]


class Transform:
    """A map y = f(x); subclasses define ``_call``, ``_inverse`` and ``log_abs_det_jacobian``.

    Args:
        cache_size: 1 remembers the last pair, so that f.inv(f(x)) is x itself.
    """

    bijective = False
    domain = codomain = constraints.real
    _parameters = ()

    def __init__(self, cache_size=0):
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")
        self._cache_size, self._cached, self._inv = cache_size, (None, None), None

    def with_cache(self, cache_size=1):
        """The same with another cache."""
        if self._cache_size == cache_size:
            return self
        if type(self).__init__ is Transform.__init__:
            return type(self)(cache_size=cache_size)
        raise NotImplementedError(f"{type(self)}.with_cache is not implemented")

    @property
    def inv(self):
        """The inverse map."""
        return _InverseTransform(self)

    @property
    def sign(self):
        """1 or -1 for increasing or decreasing maps of numbers."""
        raise NotImplementedError

    def __call__(self, x):
        if self._cache_size and x is self._cached[0]:
            return self._cached[1]
        y = self._call(x)
        if self._cache_size:
            self._cached = x, y
        return y

    def _inv_call(self, y):
        if self._cache_size and y is self._cached[1]:
            return self._cached[0]
        x = self._inverse(y)
        if self._cache_size:
            self._cached = x, y
        return x

    def _call(self, x):
        raise NotImplementedError

    def _inverse(self, y):
        raise NotImplementedError

    def log_abs_det_jacobian(self, x, y):
        """log |dy/dx| of a pair, summed over an event."""
        raise NotImplementedError

    def forward_shape(self, shape):
        """The shape of f(x)."""
        return shape

    def inverse_shape(self, shape):
        """The shape of x."""
        return shape

    def __eq__(self, other):
        return self is other or type(self) is type(other) and all(
            bool((a == b).all()) if hasattr(a == b, "all") else a == b
            for a, b in ((getattr(self, name), getattr(other, name)) for name in self._parameters))

    __hash__ = object.__hash__

    def __repr__(self):
        return f"{type(self).__name__}()"


class _InverseTransform(Transform):
    def __init__(self, transform):
        super().__init__()
        self._forward = transform

    _parameters = ("_forward",)
    bijective = property(lambda self: self._forward.bijective)
    domain = property(lambda self: self._forward.codomain)
    codomain = property(lambda self: self._forward.domain)
    sign = property(lambda self: self._forward.sign)
    inv = property(lambda self: self._forward)

    def with_cache(self, cache_size=1):
        return self._forward.with_cache(cache_size).inv

    def __call__(self, x):
        return self._forward._inv_call(x)

    def _inv_call(self, y):
        return self._forward(y)

    def log_abs_det_jacobian(self, x, y):
        return -self._forward.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape):
        return self._forward.inverse_shape(shape)

    def inverse_shape(self, shape):
        return self._forward.forward_shape(shape)

    def __repr__(self):
        return f"_InverseTransform({self._forward!r})"


class ComposeTransform(Transform):
    """Maps one after the other."""

    _parameters = ("parts",)

    def __init__(self, parts, cache_size=0):
        super().__init__(cache_size)
        self.parts = [part.with_cache(cache_size) for part in parts] if cache_size else list(parts)

    bijective = property(lambda self: all(p.bijective for p in self.parts))

    @property
    def domain(self):
        """Of the first, with the dimensions that later ones need."""
        if not self.parts:
            return constraints.real
        dims = self.parts[-1].codomain.event_dim
        for part in reversed(self.parts):
            dims = max(dims + part.domain.event_dim - part.codomain.event_dim, part.domain.event_dim)
        first = self.parts[0].domain
        return constraints.independent(first, dims - first.event_dim) if dims > first.event_dim else first

    @property
    def codomain(self):
        """Of the last, with the dimensions that earlier ones need."""
        if not self.parts:
            return constraints.real
        dims = self.parts[0].domain.event_dim
        for part in self.parts:
            dims = max(dims + part.codomain.event_dim - part.domain.event_dim, part.codomain.event_dim)
        last = self.parts[-1].codomain
        return constraints.independent(last, dims - last.event_dim) if dims > last.event_dim else last

    @property
    def sign(self):
        """The product."""
        return math.prod(p.sign for p in self.parts)

    @property
    def inv(self):
        """The inverses in reverse order."""
        return ComposeTransform([p.inv for p in reversed(self.parts)], self._cache_size)

    def with_cache(self, cache_size=1):
        """The same with another cache."""
        return self if cache_size == self._cache_size else ComposeTransform(self.parts, cache_size)

    def __call__(self, x):
        for part in self.parts:
            x = part(x)
        return x

    def _inv_call(self, y):
        for part in reversed(self.parts):
            y = part._inv_call(y)
        return y

    def log_abs_det_jacobian(self, x, y):
        """The sum."""
        if not self.parts:
            return zeros_like(x)
        xs = [x]
        for part in self.parts[:-1]:
            xs.append(part(xs[-1]))
        xs.append(y)
        total, dims = 0.0, self.domain.event_dim
        for part, before, after in zip(self.parts, xs, xs[1:]):
            total = total + sum_rightmost(part.log_abs_det_jacobian(before, after), dims - part.domain.event_dim)
            dims += part.codomain.event_dim - part.domain.event_dim
        return total

    def forward_shape(self, shape):
        """Through all."""
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape):
        """Back through all."""
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def __repr__(self):
        return "ComposeTransform(\n    " + ",\n    ".join(repr(p) for p in self.parts) + "\n)"


identity_transform = ComposeTransform([])


class IndependentTransform(Transform):
    """Another map with further dimensions to an event: their Jacobians are summed."""

    _parameters = ("base_transform", "reinterpreted_batch_ndims")

    def __init__(self, base_transform, reinterpreted_batch_ndims, cache_size=0):
        super().__init__(cache_size)
        self.base_transform, self.reinterpreted_batch_ndims = base_transform.with_cache(cache_size), reinterpreted_batch_ndims

    bijective = property(lambda self: self.base_transform.bijective)
    sign = property(lambda self: self.base_transform.sign)
    domain = property(lambda self: constraints.independent(self.base_transform.domain, self.reinterpreted_batch_ndims))
    codomain = property(lambda self: constraints.independent(self.base_transform.codomain, self.reinterpreted_batch_ndims))

    def with_cache(self, cache_size=1):
        """The same with another cache."""
        return IndependentTransform(self.base_transform, self.reinterpreted_batch_ndims, cache_size)

    def _call(self, x):
        return self.base_transform(x)

    def _inverse(self, y):
        return self.base_transform.inv(y)

    def log_abs_det_jacobian(self, x, y):
        """Summed over the added dimensions."""
        return sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)

    def __repr__(self):
        return f"IndependentTransform({self.base_transform!r}, {self.reinterpreted_batch_ndims})"


class AffineTransform(Transform):
    """y = loc + scale x.

    Args:
        event_dim: dimensions of an event, over which the Jacobian is summed.
    """

    bijective = True
    _parameters = ("loc", "scale", "event_dim")

    def __init__(self, loc, scale, event_dim=0, cache_size=0):
        super().__init__(cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim

    event_dim = property(lambda self: self._event_dim)

    @property
    def domain(self):
        """Numbers, or tensors of event_dim dimensions."""
        return constraints.independent(constraints.real, self._event_dim) if self._event_dim else constraints.real

    codomain = domain

    @property
    def sign(self):
        """The scale's."""
        return self.scale.sign() if isinstance(self.scale, Tensor) else (self.scale > 0) - (self.scale < 0)

    def with_cache(self, cache_size=1):
        """The same with another cache."""
        return self if cache_size == self._cache_size else AffineTransform(self.loc, self.scale, self._event_dim, cache_size)

    def forward_shape(self, shape):
        """Broadcast with loc and scale."""
        return broadcast_shapes(tuple(shape), *(tuple(p.shape) for p in (self.loc, self.scale) if isinstance(p, Tensor)))

    inverse_shape = forward_shape

    def _call(self, x):
        return self.loc + self.scale * x

    def _inverse(self, y):
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x, y):
        """log |scale|."""
        if isinstance(self.scale, (int, float)):
            result = zeros_like(x) + math.log(abs(self.scale))
        else:
            result = self.scale.abs().log()
        if self._event_dim:
            result = result.expand(x.shape) if result.dim() < x.dim() else result
        return sum_rightmost(result, self._event_dim).expand(Size(x.shape[:x.dim() - self._event_dim]))


class ExpTransform(Transform):
    """y = exp(x)."""

    bijective, codomain, sign = True, constraints.positive, 1

    def _call(self, x):
        return x.exp()

    def _inverse(self, y):
        return y.log()

    def log_abs_det_jacobian(self, x, y):
        """x."""
        return x


class PowerTransform(Transform):
    """y = x^exponent of positive numbers."""

    bijective, domain, codomain = True, constraints.positive, constraints.positive
    _parameters = ("exponent",)

    def __init__(self, exponent, cache_size=0):
        super().__init__(cache_size)
        self.exponent = exponent

    @property
    def sign(self):
        """The exponent's."""
        return self.exponent.sign() if isinstance(self.exponent, Tensor) else (self.exponent > 0) - (self.exponent < 0)

    def with_cache(self, cache_size=1):
        """The same with another cache."""
        return self if cache_size == self._cache_size else PowerTransform(self.exponent, cache_size)

    def forward_shape(self, shape):
        """Broadcast with the exponent."""
        return broadcast_shapes(tuple(shape), tuple(self.exponent.shape)) if isinstance(self.exponent, Tensor) else shape

    inverse_shape = forward_shape

    def _call(self, x):
        return x.pow(self.exponent)

    def _inverse(self, y):
        return y.pow(1 / self.exponent)

    def log_abs_det_jacobian(self, x, y):
        """log |exponent y / x|."""
        return (self.exponent * y / x).abs().log()


class SigmoidTransform(Transform):
    """y = 1 / (1 + exp(-x)), kept from 0 and 1."""

    bijective, codomain, sign = True, constraints.unit_interval, 1

    def _call(self, x):
        info = finfo(x.dtype)
        return x.sigmoid().clamp(min=info.tiny, max=1.0 - info.eps)

    def _inverse(self, y):
        info = finfo(y.dtype)
        y = y.clamp(min=info.tiny, max=1.0 - info.eps)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x, y):
        """-softplus(-x) - softplus(x)."""
        return -softplus(-x) - softplus(x)


class SoftplusTransform(Transform):
    """y = log(1 + exp(x))."""

    bijective, codomain, sign = True, constraints.positive, 1

    def _call(self, x):
        return softplus(x)

    def _inverse(self, y):
        return (-y).expm1().neg().log() + y

    def log_abs_det_jacobian(self, x, y):
        """-softplus(-x)."""
        return -softplus(-x)


class TanhTransform(Transform):
    """y = tanh(x)."""

    bijective, codomain, sign = True, constraints.interval(-1.0, 1.0), 1

    def _call(self, x):
        return x.tanh()

    def _inverse(self, y):
        return y.atanh()

    def log_abs_det_jacobian(self, x, y):
        """log(1 - tanh(x)^2) without cancellation: 2 (log 2 - x - softplus(-2 x))."""
        return 2.0 * (math.log(2.0) - x - softplus(-2.0 * x))


class AbsTransform(Transform):
    """y = |x|; its inverse gives the positive one."""

    codomain = constraints.positive

    def _call(self, x):
        return x.abs()

    def _inverse(self, y):
        return y


class SoftmaxTransform(Transform):
    """y = softmax(x) over the last dimension; not injective: the inverse is log y."""

    domain, codomain = constraints.real_vector, constraints.simplex

    def _call(self, x):
        weights = (x - x.max(-1, True)[0]).exp()
        return weights / weights.sum(-1, True)

    def _inverse(self, y):
        return y.log()

    def forward_shape(self, shape):
        """The same, of one dimension or more."""
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return shape

    inverse_shape = forward_shape


class StickBreakingTransform(Transform):
    """n numbers to a point of the simplex of n + 1: each breaks its sigmoid's part off what is left of a stick."""

    bijective, domain, codomain = True, constraints.real_vector, constraints.simplex

    @staticmethod
    def _offset(x):
        return x.shape[-1] + 1 - x.new_ones(x.shape[-1]).cumsum(-1)

    def _call(self, x):
        z = (x - self._offset(x).log()).sigmoid()
        left = (1 - z).cumprod(-1)
        return pad(z, [0, 1], value=1) * pad(left, [1, 0], value=1)

    def _inverse(self, y):
        parts = y[..., :-1]
        left = (1 - parts.cumsum(-1)).clamp(min=finfo(y.dtype).tiny)
        return parts.log() - left.log() + self._offset(parts).log()

    def log_abs_det_jacobian(self, x, y):
        """The sum of the logarithms of the parts and of what was left."""
        x = x - self._offset(x).log()
        return (-x + logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape):
        """One more element."""
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return tuple(shape[:-1]) + (shape[-1] + 1,)

    def inverse_shape(self, shape):
        """One element less."""
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return tuple(shape[:-1]) + (shape[-1] - 1,)


class LowerCholeskyTransform(Transform):
    """A square matrix to the lower triangular one with the exponentials of its diagonal."""

    domain, codomain = constraints.independent(constraints.real, 2), constraints.lower_cholesky

    def _call(self, x):
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y):
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()
