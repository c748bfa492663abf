"""Distributions of mapped variables."""
from .. import Size
from ..grad_mode import no_grad
from . import constraints
from .distribution import Distribution
from .independent import Independent
from .transforms import ComposeTransform, Transform
from .utils import sum_rightmost

__all__ = ["TransformedDistribution", "TransformedFamily"]


class TransformedDistribution(Distribution):
    """The distribution of f(x) for x of a base distribution, f a map or a list of maps applied in order.

    Raises:
        ValueError: no maps; a base whose samples have too few dimensions for them.
    """

    arg_constraints = {}

    def __init__(self, base_distribution, transforms, validate_args=None):
        if isinstance(transforms, Transform):
            transforms = [transforms]
        if not isinstance(transforms, list) or not all(isinstance(t, Transform) for t in transforms):
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
        self.transforms = transforms
        whole = ComposeTransform(transforms)
        domain_dim, codomain_dim = whole.domain.event_dim, whole.codomain.event_dim
        shape = base_distribution.batch_shape + base_distribution.event_shape
        if len(shape) < domain_dim:
            raise ValueError(f"base_distribution needs to have shape with size at least {domain_dim}, but got {shape}.")
        forward = Size(whole.forward_shape(shape))
        expanded = Size(whole.inverse_shape(forward))
        event = len(base_distribution.event_shape)
        if expanded != shape:
            base_distribution = base_distribution.expand(expanded[:len(expanded) - event])
        missing = domain_dim - event
        self.base_dist = Independent(base_distribution, missing) if missing > 0 else base_distribution
        event_dim = codomain_dim + max(event - domain_dim, 0)
        cut = len(forward) - event_dim
        super().__init__(forward[:cut], forward[cut:], validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        """The same with the base expanded to another batch shape."""
        new = self._get_checked_instance(TransformedDistribution, _instance)
        batch_shape = Size(batch_shape)
        base_shape = Size(ComposeTransform(self.transforms).inverse_shape(batch_shape + self._event_shape))
        new.transforms = self.transforms
        new.base_dist = self.base_dist.expand(base_shape[:len(base_shape) - len(self.base_dist.event_shape)])
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    has_rsample = property(lambda self: self.base_dist.has_rsample)

    @constraints.dependent_property(is_discrete=False)
    def support(self):
        """The codomain of the last map."""
        if not self.transforms:
            return self.base_dist.support
        support = self.transforms[-1].codomain
        missing = len(self._event_shape) - support.event_dim
        return constraints.independent(support, missing) if missing > 0 else support

    def sample(self, sample_shape=Size()):
        """A sample, without gradient."""
        with no_grad():
            return self._map(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape=Size()):
        """A sample with gradients to the parameters."""
        return self._map(self.base_dist.rsample(sample_shape))

    def _map(self, x):
        for transform in self.transforms:
            x = transform(x)
        return x

    def log_prob(self, value):
        """The base's at f^-1(y), less the logarithms of the Jacobians."""
        if self._validate_args:
            self._validate_sample(value)
        event_dim, y, total = len(self._event_shape), value, 0.0
        for transform in reversed(self.transforms):
            x = transform._inv_call(y)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            total = total - sum_rightmost(transform.log_abs_det_jacobian(x, y), event_dim - transform.domain.event_dim)
            y = x
        return total + sum_rightmost(self.base_dist.log_prob(y), event_dim - len(self.base_dist.event_shape))

    def _turned(self, p):
        """p, or 1 - p where the map is decreasing."""
        sign = ComposeTransform(self.transforms).sign
        return p if isinstance(sign, int) and sign == 1 else sign * (p - 0.5) + 0.5

    def cdf(self, value):
        """The base's at f^-1(y)."""
        for transform in reversed(self.transforms):
            value = transform._inv_call(value)
        return self._turned(self.base_dist.cdf(value))

    def icdf(self, value):
        """f of the base's."""
        return self._map(self.base_dist.icdf(self._turned(value)))

    def __repr__(self):
        return f"{type(self).__name__}()" if self._plain_repr() else super().__repr__()

    def _plain_repr(self):
        return not any(name in self.__dict__ for name in self.arg_constraints)


class TransformedFamily(TransformedDistribution):
    """A mapped distribution with parameters of its own, which ``_names`` lists."""

    _names = ()

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        cls = next(c for c in type(self).__mro__ if "_names" in c.__dict__)
        new = self._get_checked_instance(cls, _instance)
        for name in self._names:
            setattr(new, name, getattr(self, name).expand(batch_shape))
        new._map_base(validate_args=False)
        new._validate_args = self._validate_args
        return new
