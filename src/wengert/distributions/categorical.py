"""The categorical distribution."""
from .. import Size, arange, broadcast_tensors, finfo, int64, multinomial
from . import constraints
from .distribution import ParameterDistribution
from .utils import lazy_property, logits_to_probs, probs_to_logits

__all__ = ["Categorical"]


class Categorical(ParameterDistribution):
    """Integers from 0 to n - 1 with the weights, or exponentials of the logits, along the last dimension.

    ``probs`` are normalised to sum to 1 and ``logits`` so that their exponentials do.

    Raises:
        ValueError: both are given, or neither; a parameter without dimensions.
    """

    _names = ("probs", "logits")
    _event_dims = 1
    _kept = ("_is_of_probs", "_num_events")
    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(self, probs=None, logits=None, validate_args=None):
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        self._is_of_probs = probs is not None
        given = probs if self._is_of_probs else logits
        if given.dim() < 1:
            raise ValueError(f"`{'probs' if self._is_of_probs else 'logits'}` parameter must be at least one-dimensional.")
        if self._is_of_probs:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = logits - logits.logsumexp(-1, keepdim=True)
        self._num_events = given.size(-1)
        super().__init__(given.size()[:-1], validate_args=validate_args)

    @property
    def _param(self):
        return self.probs if self._is_of_probs else self.logits

    @property
    def param_shape(self):
        """The parameter's shape."""
        return self._param.size()

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        """0 to n - 1."""
        return constraints.integer_interval(0, self._num_events - 1)

    @lazy_property
    def logits(self):
        """Logarithms of the probabilities."""
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self):
        """Probabilities."""
        return logits_to_probs(self.logits)

    @property
    def mean(self):
        """nan: categories have no mean."""
        return self._param.new_full(self._batch_shape, float("nan"))

    variance = mean
    mode = property(lambda self: self.probs.argmax(-1))

    def sample(self, sample_shape=Size()):
        """A sample, of int64."""
        probs = self.probs.detach()
        if probs.dim() != 2:
            probs = probs.reshape(-1, self._num_events)
        if len(sample_shape) == 0:
            return multinomial(probs, 1, True).reshape(self._batch_shape)
        sample_shape = Size(sample_shape)
        return multinomial(probs, sample_shape.numel(), True).t().reshape(self._extended_shape(sample_shape))

    def log_prob(self, value):
        """The logarithm of the probability of a category."""
        if self._validate_args:
            self._validate_sample(value)
        value, logits = value.long().unsqueeze(-1), self.logits
        if value.shape[:-1] != logits.shape[:-1]:
            value, logits = broadcast_tensors(value, logits)
            value = value[..., :1]
        return logits.gather(-1, value).squeeze(-1)

    def entropy(self):
        """-sum p log p."""
        logits = self.logits.clamp(min=finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand=True):
        """All categories."""
        values = arange(self._num_events, dtype=int64).view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1,) + tuple(self._batch_shape)) if expand else values
