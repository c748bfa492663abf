"""Maps of parts of a tensor, of its shape, and by another distribution's cumulative probabilities."""
from .. import Size, cat, stack
from . import constraints
from .transform import Transform
from .utils import sum_rightmost

__all__ = ["CatTransform", "CumulativeDistributionTransform", "ReshapeTransform", "StackTransform"]


class _Parts(Transform):
    """Several maps, each of its part of a tensor along ``dim``; subclasses take it apart and join it."""

    _parameters = ("transforms", "dim")

    def __init__(self, tseq, dim, cache_size):
        if not all(isinstance(t, Transform) for t in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        super().__init__(cache_size)
        self.transforms, self.dim = [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq), dim

    bijective = property(lambda self: all(t.bijective for t in self.transforms))

    def _call(self, x):
        return self._join([t(part) for t, part in zip(self.transforms, self._apart(x))])

    def _inverse(self, y):
        return self._join([t.inv(part) for t, part in zip(self.transforms, self._apart(y))])

    def _along(self, x):
        if not -x.dim() <= self.dim < x.dim():
            raise AssertionError(f"dim {self.dim} out of range for tensor with {x.dim()} dimensions")
        return x.size(self.dim)

    def _jacobians(self, x, y):
        return [t.log_abs_det_jacobian(*pair) for t, *pair in zip(self.transforms, self._apart(x), self._apart(y))]


class CatTransform(_Parts):
    """Maps of slices along a dimension, as `torch.cat` joins them.

    Args:
        tseq: transforms. lengths: of their slices; all 1, if not given.
    """

    _parameters = ("transforms", "dim", "lengths")

    def __init__(self, tseq, dim=0, lengths=None, cache_size=0):
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match transforms ({len(self.transforms)})")

    event_dim = property(lambda self: max(t.event_dim for t in self.transforms), doc="The largest of the parts'.")
    length = property(lambda self: sum(self.lengths), doc="Of all parts together.")
    domain = property(lambda self: constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths))
    codomain = property(lambda self: constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths))

    def with_cache(self, cache_size=1):
        """The same with another cache."""
        return self if cache_size == self._cache_size else CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _apart(self, x):
        if self._along(x) != self.length:
            raise AssertionError(f"x.size({self.dim}) = {x.size(self.dim)} must equal length {self.length}")
        return x.split(self.lengths, self.dim)

    def _join(self, parts):
        return cat(parts, dim=self.dim)

    def log_abs_det_jacobian(self, x, y):
        """The parts' side by side; their sum where the dimension belongs to an event."""
        found = [sum_rightmost(j, self.event_dim - t.event_dim) for j, t in zip(self._jacobians(x, y), self.transforms)]
        dim = (self.dim - x.dim() if self.dim >= 0 else self.dim) + self.event_dim
        return cat(found, dim=dim) if dim < 0 else sum(found)


class StackTransform(_Parts):
    """Maps of slices along a dimension that `torch.stack` makes: one slice a transform, without the dimension."""

    def __init__(self, tseq, dim=0, cache_size=0):
        super().__init__(tseq, dim, cache_size)

    domain = property(lambda self: constraints.stack([t.domain for t in self.transforms], self.dim))
    codomain = property(lambda self: constraints.stack([t.codomain for t in self.transforms], self.dim))

    def with_cache(self, cache_size=1):
        """The same with another cache."""
        return self if cache_size == self._cache_size else StackTransform(self.transforms, self.dim, cache_size)

    def _apart(self, x):
        if self._along(x) != len(self.transforms):
            raise AssertionError(f"x.size({self.dim}) = {x.size(self.dim)} must equal len(transforms) {len(self.transforms)}")
        return x.unbind(self.dim)

    def _join(self, parts):
        return stack(parts, dim=self.dim)

    def log_abs_det_jacobian(self, x, y):
        """The parts' in a new dimension."""
        return stack(self._jacobians(x, y), dim=self.dim)


class ReshapeTransform(Transform):
    """Events of one shape to events of another, of as many elements.

    Raises:
        ValueError: they have not.
    """

    bijective = True
    _parameters = ("in_shape", "out_shape")

    def __init__(self, in_shape, out_shape, cache_size=0):
        super().__init__(cache_size)
        self.in_shape, self.out_shape = Size(in_shape), Size(out_shape)
        if self.in_shape.numel() != self.out_shape.numel():
            raise ValueError("in_shape, out_shape have different numbers of elements")

    domain = property(lambda self: constraints.independent(constraints.real, len(self.in_shape)))
    codomain = property(lambda self: constraints.independent(constraints.real, len(self.out_shape)))

    def with_cache(self, cache_size=1):
        """The same with another cache."""
        return self if cache_size == self._cache_size else ReshapeTransform(self.in_shape, self.out_shape, cache_size)

    def _call(self, x):
        return x.reshape(x.shape[:x.dim() - len(self.in_shape)] + self.out_shape)

    def _inverse(self, y):
        return y.reshape(y.shape[:y.dim() - len(self.out_shape)] + self.in_shape)

    def log_abs_det_jacobian(self, x, y):
        """0."""
        return x.new_zeros(x.shape[:x.dim() - len(self.in_shape)])

    @staticmethod
    def _exchange(shape, one, other):
        cut = len(shape) - len(one)
        if cut < 0:
            raise ValueError("Too few dimensions on input")
        if tuple(shape[cut:]) != tuple(one):
            raise ValueError(f"Shape mismatch: expected {tuple(shape[cut:])} but got {one}")
        return tuple(shape[:cut]) + tuple(other)

    def forward_shape(self, shape):
        """The last dimensions are those of ``out_shape``."""
        return self._exchange(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape):
        """The last dimensions are those of ``in_shape``."""
        return self._exchange(shape, self.out_shape, self.in_shape)


class CumulativeDistributionTransform(Transform):
    """The cumulative distribution function of a distribution of numbers."""

    bijective, codomain, sign = True, constraints.unit_interval, 1

    def __init__(self, distribution, cache_size=0):
        super().__init__(cache_size)
        self.distribution = distribution

    domain = property(lambda self: self.distribution.support)

    def with_cache(self, cache_size=1):
        """The same with another cache."""
        return self if cache_size == self._cache_size else CumulativeDistributionTransform(self.distribution, cache_size)

    def _call(self, x):
        return self.distribution.cdf(x)

    def _inverse(self, y):
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x, y):
        """The logarithm of the density."""
        return self.distribution.log_prob(x)
