"""Distributions of counts: geometric, binomial, negative binomial, multinomial."""
from .. import Size, arange, binomial, broadcast_tensors, empty, finfo, ones_like, poisson, tensor
from ..nn.functional import binary_cross_entropy_with_logits, logsigmoid
from . import constraints
from .categorical import Categorical
from .distribution import Distribution, ParameterDistribution
from .gamma import Gamma
from .utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits

__all__ = ["Geometric", "Binomial", "NegativeBinomial", "Multinomial"]


class _Chance(ParameterDistribution):
    """A family with a probability, or its log odds."""

    def _one_of(self, probs, logits):
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        self._is_of_probs = probs is not None
        return "probs" if self._is_of_probs else "logits", probs if self._is_of_probs else logits

    @lazy_property
    def logits(self):
        """Log odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self):
        """Probabilities."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def _param(self):
        return self.probs if self._is_of_probs else self.logits

    @property
    def param_shape(self):
        """The parameter's shape."""
        return self._param.size()


class Geometric(_Chance):
    """How often a trial of probability ``probs`` fails before it succeeds.

    Raises:
        ValueError: both of probs and logits are given, or neither; a probability is 0.
    """

    _names = ("probs", "logits")
    _kept = ("_is_of_probs",)
    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(self, probs=None, logits=None, validate_args=None):
        name, value = self._one_of(probs, logits)
        value, = broadcast_all(value)
        setattr(self, name, value)
        super().__init__(value.size(), validate_args=validate_args)
        if self._validate_args and self._is_of_probs and not bool((value > 0).all()):
            invalid = value.data[~(value > 0)]
            raise ValueError(f"Expected parameter probs ({type(value).__name__} of shape {tuple(value.shape)}) of distribution {self!r} to be positive "
                             f"but found invalid values:\n{invalid}")

    mean = property(lambda self: 1.0 / self.probs - 1.0)
    mode = property(lambda self: self.probs.detach() * 0)
    variance = property(lambda self: (1.0 / self.probs - 1.0) / self.probs)

    def sample(self, sample_shape=Size()):
        """By the inverse of the cumulative distribution function."""
        probs = self.probs.detach()
        u = empty(self._extended_shape(sample_shape), dtype=probs.dtype).uniform_(finfo(probs.dtype).tiny, 1)
        return (u.log() / (-probs).log1p()).floor()

    def log_prob(self, value):
        """x log(1 - p) + log p."""
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        certain = (probs == 1) & (value == 0)
        return value * (-probs.masked_fill(certain, 0)).log1p() + self.probs.log()

    def entropy(self):
        """That of one trial over p."""
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs


class Binomial(_Chance):
    """How many of ``total_count`` trials of probability ``probs`` succeed."""

    _names = ("total_count", "probs", "logits")
    _kept = ("_is_of_probs",)
    arg_constraints = {"total_count": constraints.nonnegative_integer, "probs": constraints.unit_interval, "logits": constraints.real}
    has_enumerate_support = True

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        name, value = self._one_of(probs, logits)
        self.total_count, value = broadcast_all(total_count, value)
        self.total_count = self.total_count.type_as(value)
        setattr(self, name, value)
        super().__init__(value.size(), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        """0 to total_count."""
        return constraints.integer_interval(0, self.total_count)

    mean = property(lambda self: self.total_count * self.probs)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))
    mode = property(lambda self: ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count))

    def sample(self, sample_shape=Size()):
        """A sample."""
        shape = self._extended_shape(sample_shape)
        return binomial(self.total_count.detach().expand(shape), self.probs.detach().expand(shape))

    def log_prob(self, value):
        """log(n choose k) + k log p + (n - k) log(1 - p)."""
        if self._validate_args:
            self._validate_sample(value)
        n, x = self.total_count, self.logits
        normal = n * ((x + x.abs()) / 2) + n * (-x.abs()).exp().log1p() - (n + 1).lgamma()
        return value * x - (value + 1).lgamma() - (n - value + 1).lgamma() - normal

    def entropy(self):
        """Summed over the values; all counts must be equal.

        Raises:
            NotImplementedError: they are not.
        """
        if int(self.total_count.max()) != int(self.total_count.min()):
            raise NotImplementedError("Inhomogeneous total count not supported by `entropy`.")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand=True):
        """0 to total_count, along a new first dimension."""
        count = int(self.total_count.max())
        if self.total_count.min() != count:
            raise NotImplementedError("Inhomogeneous total count not supported by `enumerate_support`.")
        values = arange(1 + count, dtype=self._param.dtype).view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1,) + tuple(self._batch_shape)) if expand else values


class NegativeBinomial(_Chance):
    """How many trials of probability ``probs`` succeed before ``total_count`` fail; any positive count."""

    _names = ("total_count", "probs", "logits")
    _kept = ("_is_of_probs",)
    arg_constraints = {"total_count": constraints.greater_than_eq(0), "probs": constraints.half_open_interval(0.0, 1.0), "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(self, total_count, probs=None, logits=None, validate_args=None):
        name, value = self._one_of(probs, logits)
        self.total_count, value = broadcast_all(total_count, value)
        self.total_count = self.total_count.type_as(value)
        setattr(self, name, value)
        super().__init__(value.size(), validate_args=validate_args)

    mean = property(lambda self: self.total_count * self.logits.exp())
    mode = property(lambda self: ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0))
    variance = property(lambda self: self.mean / (-self.logits).sigmoid())

    def sample(self, sample_shape=Size()):
        """A Poisson sample of a gamma sample."""
        rates = Gamma(concentration=self.total_count.detach(), rate=(-self.logits.detach()).exp(), validate_args=False)
        return poisson(rates.sample(sample_shape))

    def log_prob(self, value):
        """log(gamma(n + k) / (gamma(n) k!)) + n log(1 - p) + k log p."""
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        unnormalised = n * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
        normal = -(n + value).lgamma() + (1.0 + value).lgamma() + n.lgamma()
        return unnormalised - normal.masked_fill(n + value == 0.0, 0.0)


class Multinomial(Distribution):
    """How often each category comes up in ``total_count`` draws.

    Raises:
        NotImplementedError: total_count is no int.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        self._binomial = Binomial(total_count=total_count, probs=self.probs)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        new = self._get_checked_instance(Multinomial, _instance)
        batch_shape = Size(batch_shape)
        new.total_count = self.total_count
        new._categorical = self._categorical.expand(batch_shape)
        new._binomial = Binomial(total_count=self.total_count, probs=new.probs)
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self):
        """Counts whose sum is total_count."""
        return constraints.multinomial(self.total_count)

    probs = property(lambda self: self._categorical.probs, doc="The probabilities.")
    logits = property(lambda self: self._categorical.logits, doc="The logarithms of the probabilities, up to a constant.")
    param_shape = property(lambda self: self._categorical.param_shape, doc="The shape of ``probs`` or ``logits``.")
    mean = property(lambda self: self.probs * self.total_count)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def sample(self, sample_shape=Size()):
        """Counts of draws."""
        draws = self._categorical.sample(Size((self.total_count,)) + Size(sample_shape))
        draws = draws.permute(*range(1, draws.dim()), 0)
        counts = draws.new_zeros(self._extended_shape(sample_shape))
        return counts.scatter_add_(-1, draws, ones_like(draws)).type_as(self.probs)

    def log_prob(self, value):
        """log(n! / prod k!) + sum k log p."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_tensors(self.logits, value)
        logits = logits.masked_fill((value == 0) & (logits == -float("inf")), 0)
        return (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1) + (logits * value).sum(-1)

    def entropy(self):
        """n times the categories' less log n! plus the expected log k!."""
        n = tensor(self.total_count, dtype=self.probs.dtype)
        counts = self._binomial.enumerate_support(expand=False)[1:]
        expected = self._binomial.log_prob(counts).exp() * (counts + 1).lgamma()
        return n * self._categorical.entropy() - (n + 1).lgamma() + expected.sum([0, -1])


