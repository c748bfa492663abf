"""Where parameters and samples may lie: ``constraint.check(value)`` says for each event whether it does."""
from math import inf, nextafter

from .. import cat as _cat
from .. import finfo, int64
from .. import stack as _stack
from .._core import all_within

__all__ = ["Constraint", "MixtureSameFamilyConstraint", "boolean", "cat", "corr_cholesky", "dependent", "dependent_property", "greater_than", "greater_than_eq", "half_open_interval", "independent",
           "integer_interval", "interval", "is_dependent", "less_than", "lower_cholesky", "lower_triangular", "multinomial", "nonnegative",
           "nonnegative_integer", "one_hot", "positive", "positive_definite", "positive_integer", "positive_semidefinite", "real", "real_vector",
           "simplex", "square", "stack", "symmetric", "unit_interval"]


_EXACT = 1 << 53             # doubles hold the whole numbers below it


class Constraint:
    """A region of values.

    Attributes:
        is_discrete: its values are countable. event_dim: dimensions of one value.
    """

    is_discrete = False
    event_dim = 0
    _bounds = None          # the same as a closed interval (of whole numbers, if discrete), where it is one

    def check(self, value):
        """A bool tensor of shape value.shape without the last event_dim dimensions."""
        raise NotImplementedError

    def __repr__(self):
        bounds = ", ".join(f"{name}={value}" for name, value in vars(self).items() if name.endswith("_bound"))
        return f"{type(self).__name__.lstrip('_')}({bounds})"


class _Dependent(Constraint):
    """Depends on other parameters, and cannot be checked on its own."""

    def __init__(self, *, is_discrete=False, event_dim=0):
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def __call__(self, *, is_discrete=None, event_dim=None):
        return _Dependent(is_discrete=self.is_discrete if is_discrete is None else is_discrete,
                          event_dim=self.event_dim if event_dim is None else event_dim)

    def check(self, x):
        raise ValueError("Cannot determine validity of dependent constraint")

    def __repr__(self):
        return "Dependent()"


class _DependentProperty(property, _Dependent):
    """A property that gives a constraint; on the class it is a dependent one."""

    def __init__(self, fn=None, *, is_discrete=False, event_dim=0):
        property.__init__(self, fn)
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def __call__(self, fn):
        return _DependentProperty(fn, is_discrete=self.is_discrete, event_dim=self.event_dim)


def satisfied(constraint, value):
    """Does all of a tensor satisfy a constraint?"""
    bounds = constraint._bounds
    if bounds is not None and (value.dtype is int64 or not constraint.is_discrete) and value.dim() >= constraint.event_dim:
        answer = all_within(value, *bounds)
        if answer is not None:
            return answer
    return bool(constraint.check(value).all())


def is_dependent(constraint):
    """Does it depend on other parameters?"""
    return isinstance(constraint, _Dependent)


class _IndependentConstraint(Constraint):
    """Another constraint with further dimensions to an event: all of it must satisfy."""

    def __init__(self, base_constraint, reinterpreted_batch_ndims):
        self.base_constraint, self.reinterpreted_batch_ndims = base_constraint, reinterpreted_batch_ndims
        self.is_discrete = base_constraint.is_discrete
        self.event_dim = base_constraint.event_dim + reinterpreted_batch_ndims

    def check(self, value):
        result = self.base_constraint.check(value)
        n = self.reinterpreted_batch_ndims
        if result.dim() < n:
            expected = self.base_constraint.event_dim + n
            raise ValueError(f"Expected value.dim() >= {expected} but got {value.dim()}")
        return result.all(-1) if n == 1 else result.reshape(tuple(result.shape)[:result.dim() - n] + (-1,)).all(-1) if n else result

    def __repr__(self):
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(Constraint):
    """What all components of a mixture must satisfy: a value has no dimension for them yet."""

    def __init__(self, base_constraint):
        if not isinstance(base_constraint, Constraint):
            raise AssertionError(f"base_constraint must be a Constraint instance, got {type(base_constraint)}")
        self.base_constraint, self._bounds = base_constraint, base_constraint._bounds

    is_discrete = property(lambda self: self.base_constraint.is_discrete)
    event_dim = property(lambda self: self.base_constraint.event_dim)

    def check(self, value):
        kept = value.dim() - self.event_dim
        if kept < 0:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        result = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        return result.reshape(tuple(result.shape)[:kept] + (-1,)).all(-1)

    def __repr__(self):
        return f"MixtureSameFamilyConstraint({self.base_constraint!r})"


class _Parts(Constraint):
    """Several constraints, each of its part of a tensor along ``dim``."""

    def __init__(self, cseq, dim):
        if not all(isinstance(c, Constraint) for c in cseq):
            raise AssertionError("All elements of cseq must be Constraint instances")
        self.cseq, self.dim = list(cseq), dim

    is_discrete = property(lambda self: any(c.is_discrete for c in self.cseq))

    def _along(self, value):
        if not -value.dim() <= self.dim < value.dim():
            raise AssertionError(f"dim {self.dim} out of range for value with {value.dim()} dimensions")


class _Cat(_Parts):
    """Slices of ``lengths`` (1 each, if not given) along a dimension."""

    def __init__(self, cseq, dim=0, lengths=None):
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match cseq ({len(self.cseq)})")

    event_dim = property(lambda self: max(c.event_dim for c in self.cseq))

    def check(self, value):
        self._along(value)
        first, checks = 0, []
        for constraint, length in zip(self.cseq, self.lengths):
            checks.append(constraint.check(value.narrow(self.dim, first, length)))
            first += length
        return _cat(checks, self.dim)


class _Stack(_Parts):
    """One slice a constraint, without the dimension."""

    def __init__(self, cseq, dim=0):
        super().__init__(cseq, dim)

    @property
    def event_dim(self):
        dim = max(c.event_dim for c in self.cseq)
        return dim + 1 if self.dim + dim < 0 else dim

    def check(self, value):
        self._along(value)
        return _stack([constraint.check(value.select(self.dim, k)) for k, constraint in enumerate(self.cseq)], self.dim)


class _Boolean(Constraint):
    is_discrete = True

    def check(self, value):
        return (value == 0) | (value == 1)


class _OneHot(Constraint):
    is_discrete = True
    event_dim = 1

    def check(self, value):
        return ((value == 0) | (value == 1)).all(-1) & (value.sum(-1) == 1)


class _Real(Constraint):
    def check(self, value):
        return value == value


class _GreaterThan(Constraint):
    """More than ``lower_bound``."""

    def __init__(self, lower_bound):
        self.lower_bound = lower_bound

    def check(self, value):
        return value > self.lower_bound


class _GreaterThanEq(_GreaterThan):
    """``lower_bound`` or more."""

    def check(self, value):
        return value >= self.lower_bound


class _LessThan(Constraint):
    """Less than ``upper_bound``."""

    def __init__(self, upper_bound):
        self.upper_bound = upper_bound

    def check(self, value):
        return value < self.upper_bound


class _Interval(Constraint):
    """From ``lower_bound`` to ``upper_bound``, both included."""

    def __init__(self, lower_bound, upper_bound):
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def check(self, value):
        return (value >= self.lower_bound) & (value <= self.upper_bound)


class _HalfOpenInterval(_Interval):
    """From ``lower_bound``, included, to ``upper_bound``, excluded."""

    def check(self, value):
        return (value >= self.lower_bound) & (value < self.upper_bound)


class _IntegerInterval(_Interval):
    """Whole numbers from ``lower_bound`` to ``upper_bound``, both included."""

    is_discrete = True

    def __init__(self, lower_bound, upper_bound):
        super().__init__(lower_bound, upper_bound)
        if type(lower_bound) is int and type(upper_bound) is int and -_EXACT < lower_bound and upper_bound < _EXACT:
            self._bounds = lower_bound, upper_bound

    def check(self, value):
        inside = super().check(value)
        return inside if value.dtype is int64 else (value % 1 == 0) & inside


class _IntegerGreaterThan(_GreaterThan):
    """Whole numbers, ``lower_bound`` or more."""

    is_discrete = True

    def check(self, value):
        inside = value >= self.lower_bound
        return inside if value.dtype is int64 else (value % 1 == 0) & inside


class _Simplex(Constraint):
    event_dim = 1

    def check(self, value):
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6)


class _Multinomial(Constraint):
    """Whole counts along the last dimension, together ``upper_bound`` at most."""

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound):
        self.upper_bound = upper_bound

    def check(self, value):
        return (value >= 0).all(-1) & (value.sum(-1) <= self.upper_bound)

    def __repr__(self):
        return "Multinomial()"


class _Square(Constraint):
    event_dim = 2

    def check(self, value):
        return value.new_full(tuple(value.shape)[:-2], value.shape[-2] == value.shape[-1]) == 1


class _LowerTriangular(Constraint):
    event_dim = 2

    def check(self, value):
        return (value.tril() == value).flatten(-2).all(-1)


class _LowerCholesky(_LowerTriangular):
    def check(self, value):
        return super().check(value) & (value.diagonal(0, -2, -1) > 0).all(-1)


class _CorrCholesky(_LowerCholesky):
    """Lower Cholesky factors of correlation matrices: rows of length 1."""

    def check(self, value):
        tolerance = finfo(value.dtype).eps * value.shape[-1] * 10
        return super().check(value) & ((value.norm(dim=-1) - 1.0).abs() < tolerance).all(-1)


class _Symmetric(_Square):
    def check(self, value):
        square = super().check(value)
        return square & ((value - value.transpose(-2, -1)).abs() <= 1e-6 + 1e-5 * value.abs()).flatten(-2).all(-1) if bool(square.all()) else square


class _PositiveSemidefinite(_Symmetric):
    def check(self, value):
        from ..linalg import eigvalsh
        symmetric = super().check(value)
        return eigvalsh(value.detach()).amin(-1) >= 0 if symmetric.all() else symmetric


class _PositiveDefinite(_Symmetric):
    def check(self, value):
        from ..linalg import cholesky_ex
        symmetric = super().check(value)
        return cholesky_ex(value.detach()).info == 0 if symmetric.all() else symmetric


dependent = _Dependent()
dependent_property = _DependentProperty
independent = _IndependentConstraint
boolean, one_hot, real, simplex, square, symmetric = _Boolean(), _OneHot(), _Real(), _Simplex(), _Square(), _Symmetric()
lower_triangular, lower_cholesky, corr_cholesky = _LowerTriangular(), _LowerCholesky(), _CorrCholesky()
positive_semidefinite, positive_definite = _PositiveSemidefinite(), _PositiveDefinite()
real_vector = _IndependentConstraint(real, 1)
positive, nonnegative, unit_interval = _GreaterThan(0.0), _GreaterThanEq(0.0), _Interval(0.0, 1.0)
nonnegative_integer, positive_integer = _IntegerGreaterThan(0), _IntegerGreaterThan(1)
greater_than, greater_than_eq, less_than, interval, half_open_interval = _GreaterThan, _GreaterThanEq, _LessThan, _Interval, _HalfOpenInterval
integer_interval, multinomial, cat, stack = _IntegerInterval, _Multinomial, _Cat, _Stack
real._bounds = real_vector._bounds = -inf, inf
positive._bounds, nonnegative._bounds, unit_interval._bounds = (nextafter(0.0, 1.0), inf), (0.0, inf), (0.0, 1.0)
