"""Mixtures of one family."""
from .. import Size
from ..grad_mode import no_grad
from . import constraints
from .categorical import Categorical
from .distribution import Distribution

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """A categorical choice between the distributions along the last batch dimension of another one.

    Raises:
        ValueError: the first is no Categorical, the second no Distribution, or their shapes do not fit.
    """

    arg_constraints = {}
    has_rsample = False

    def __init__(self, mixture_distribution, component_distribution, validate_args=None):
        self._mixture_distribution, self._component_distribution = mixture_distribution, component_distribution
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(" The Mixture distribution needs to be an  instance of torch.distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution needs to be an instance of torch.distributions.Distribution")
        mixed, parts = mixture_distribution.batch_shape, component_distribution.batch_shape[:-1]
        for a, b in zip(reversed(mixed), reversed(parts)):
            if a != 1 and b != 1 and a != b:
                raise ValueError(f"`mixture_distribution.batch_shape` ({mixed}) is not compatible with `component_distribution.batch_shape`({parts})")
        km, kc = mixture_distribution.logits.shape[-1], component_distribution.batch_shape[-1]
        if km is not None and kc is not None and km != kc:
            raise ValueError(f"`mixture_distribution component` ({km}) does not equal `component_distribution.batch_shape[-1]` ({kc})")
        self._num_component = km
        event = component_distribution.event_shape
        self._event_ndims = len(event)
        super().__init__(parts, event, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        """The same with parameters expanded to another batch shape."""
        batch_shape = Size(batch_shape)
        new = self._get_checked_instance(MixtureSameFamily, _instance)
        new._component_distribution = self._component_distribution.expand(batch_shape + Size((self._num_component,)))
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        new._num_component, new._event_ndims = self._num_component, self._event_ndims
        Distribution.__init__(new, batch_shape, new._component_distribution.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property
    def support(self):
        """What all components allow."""
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    mixture_distribution = property(lambda self: self._mixture_distribution, doc="What chooses the component.")
    component_distribution = property(lambda self: self._component_distribution, doc="The components, along the last batch dimension.")

    @property
    def _weights(self):
        probs = self._mixture_distribution.probs
        return probs.reshape(tuple(probs.shape) + (1,) * self._event_ndims)

    def _sum(self, values):
        return (self._weights * values).sum(-1 - self._event_ndims)

    mean = property(lambda self: self._sum(self._component_distribution.mean))

    @property
    def variance(self):
        """The mean of the components' variances plus the variance of their means."""
        mean = self.mean.unsqueeze(-1 - self._event_ndims)
        return self._sum(self._component_distribution.variance) + self._sum((self._component_distribution.mean - mean).pow(2.0))

    def cdf(self, x):
        """The weighted sum of the components'."""
        values = self._component_distribution.cdf(x.unsqueeze(-1 - self._event_ndims))
        return (values * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, x):
        """log sum exp of the components' plus the logarithms of the weights."""
        if self._validate_args:
            self._validate_sample(x)
        values = self._component_distribution.log_prob(x.unsqueeze(-1 - self._event_ndims))
        return (values + self._mixture_distribution.logits.log_softmax(-1)).logsumexp(-1)

    def sample(self, sample_shape=Size()):
        """A sample of each component, of which one is taken."""
        with no_grad():
            before, event = len(Size(sample_shape)) + len(self._batch_shape), tuple(self._event_shape)
            choice = self._mixture_distribution.sample(sample_shape)
            parts = self._component_distribution.sample(sample_shape)
            choice = choice.reshape(tuple(choice.shape) + (1,) * (len(event) + 1)).expand(tuple(choice.shape) + (1,) + event)
            return parts.gather(before, choice).squeeze(before)

    def __repr__(self):
        return f"MixtureSameFamily(\n  {self._mixture_distribution},\n  {self._component_distribution})"
