"""The base of distributions: shapes, checks, sampling."""
from .. import Size, Tensor
from ..grad_mode import no_grad
from . import constraints
from .utils import lazy_property

__all__ = ["Distribution", "ParameterDistribution"]


class Distribution:
    """A batch of distributions over events.

    Samples have the shape sample_shape + batch_shape + event_shape, `log_prob` takes values that broadcast to
    batch_shape + event_shape and has the shape of a value without its event.

    Args:
        validate_args: check parameters and values; True unless Python runs with -O.

    Raises:
        ValueError: a parameter lies outside its constraint.
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value):
        """Switches checks on or off for distributions made from now on."""
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    def __init__(self, batch_shape=Size(), event_shape=Size(), validate_args=None):
        self._batch_shape = batch_shape if type(batch_shape) is Size else Size(batch_shape)
        self._event_shape = event_shape if type(event_shape) is Size else Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    def _check_parameters(self):
        own = self.__dict__
        for name, constraint in self.arg_constraints.items():
            if name in own:
                value = own[name]
            elif isinstance(getattr(type(self), name, None), lazy_property):
                continue
            else:
                value = None                               # a property, perhaps: to be read if it is to be checked
            if isinstance(constraint, constraints._Dependent):
                continue
            if value is None:
                value = getattr(self, name)
            if not constraints.satisfied(constraint, value):
                raise ValueError(f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution {self!r} to "
                                 f"satisfy the constraint {constraint!r}, but found invalid values:\n{value}")

    @property
    def batch_shape(self):
        """Shape over which parameters are batched."""
        return self._batch_shape

    @property
    def event_shape(self):
        """Shape of one event."""
        return self._event_shape

    @property
    def arg_constraints(self):
        """Name of a parameter -> its constraint."""
        raise NotImplementedError

    @property
    def support(self):
        """The constraint of samples."""
        raise NotImplementedError

    @property
    def mean(self):
        """The mean."""
        raise NotImplementedError

    @property
    def mode(self):
        """The mode."""
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def variance(self):
        """The variance."""
        raise NotImplementedError

    @property
    def stddev(self):
        """The square root of the variance."""
        return self.variance.sqrt()

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        raise NotImplementedError

    def sample(self, sample_shape=Size()):
        """A sample, without gradient."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape=Size()):
        """A sample with gradients to the parameters, where `has_rsample`."""
        raise NotImplementedError

    def sample_n(self, n):
        """n samples."""
        return self.sample(Size((n,)))

    def log_prob(self, value):
        """The logarithm of the density or probability of a value."""
        raise NotImplementedError

    def cdf(self, value):
        """The cumulative distribution function."""
        raise NotImplementedError

    def icdf(self, value):
        """The inverse of the cumulative distribution function."""
        raise NotImplementedError

    def enumerate_support(self, expand=True):
        """All values of a discrete distribution, along a new first dimension."""
        raise NotImplementedError

    def entropy(self):
        """The entropy."""
        raise NotImplementedError

    def perplexity(self):
        """exp of the entropy."""
        return self.entropy().exp()

    def _extended_shape(self, sample_shape=Size()):
        shape = self._batch_shape + self._event_shape
        return Size(tuple(sample_shape) + shape) if len(sample_shape) else shape

    def _validate_sample(self, value):
        """Raises ValueError for what `log_prob` cannot take."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, expected = value.shape, self._batch_shape + self._event_shape
        if shape != expected:
            event = len(self._event_shape)
            if tuple(shape)[len(shape) - event:] != tuple(self._event_shape):
                raise ValueError(f"The right-most size of value must match event_shape: {value.shape} vs {self._event_shape}.")
            for a, b in zip(reversed(shape), reversed(expected)):
                if a != 1 and b != 1 and a != b:
                    raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {value.shape} vs {expected}.")
        support = self.support
        if not constraints.satisfied(support, value):
            raise ValueError(f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the support "
                             f"({support!r}) of the distribution {self!r}, but found invalid values:\n{value}")

    def _get_checked_instance(self, cls, _instance=None):
        if _instance is None and type(self).__init__ != cls.__init__:
            raise NotImplementedError(f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ method must also define a "
                                      "custom .expand() method.")
        return type(self).__new__(type(self)) if _instance is None else _instance

    def __repr__(self):
        shown = [(name, self.__dict__[name]) for name in self.arg_constraints if name in self.__dict__]
        return f"{type(self).__name__}({', '.join(f'{n}: {v if v.numel() == 1 else v.size()}' for n, v in shown)})"


class ParameterDistribution(Distribution):
    """A distribution made of its parameters, which ``_names`` lists; their last ``_event_dims`` dimensions belong to an event."""

    _names = ()
    _event_dims = 0

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        cls = next(c for c in type(self).__mro__ if "_names" in c.__dict__)
        new = self._get_checked_instance(cls, _instance)
        batch_shape = Size(batch_shape)
        for name in self._names:
            if name in self.__dict__:
                value = self.__dict__[name]
                setattr(new, name, value.expand(batch_shape + Size(value.shape[value.dim() - self._event_dims:])))
        for name in self._kept:
            setattr(new, name, getattr(self, name))
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    #: attributes beside the parameters that `expand` hands on
    _kept = ()
