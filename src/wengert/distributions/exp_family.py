"""Families with a density exp(x . t - F(x) + h) of natural parameters x."""
from ..autograd import grad
from .distribution import Distribution
from .utils import sum_rightmost

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """A family that tells its natural parameters and the logarithm F of its normaliser.

    Their gradients give entropies and divergences (Nielsen & Nock 2010, "Entropies and cross-entropies of exponential families").
    """

    @property
    def _natural_params(self):
        """A tuple of tensors."""
        raise NotImplementedError

    def _log_normalizer(self, *natural_params):
        """F of natural parameters."""
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self):
        """The mean of h, which does not depend on the parameters."""
        raise NotImplementedError

    def _natural_gradients(self, create_graph):
        """(parameters, F of them, its gradients)."""
        parameters = [p.detach().requires_grad_() for p in self._natural_params]
        log_normalizer = self._log_normalizer(*parameters)
        return parameters, log_normalizer, grad(log_normalizer.sum(), parameters, create_graph=create_graph)

    def entropy(self):
        """F - x . dF/dx - the mean of h."""
        carrier = self._mean_carrier_measure
        parameters, log_normalizer, gradients = self._natural_gradients(True)
        result = -carrier + log_normalizer
        for x, g in zip(parameters, gradients):
            result = result - sum_rightmost(x * g, x.dim() - len(self._batch_shape))
        return result

    def _divergence(self, other):
        """Of F: F(x') - F(x) - (x' - x) . dF/dx, the divergence from another distribution of the same family."""
        parameters, log_normalizer, gradients = self._natural_gradients(True)
        others = other._natural_params
        result = other._log_normalizer(*others) - log_normalizer
        for x, x2, g in zip(parameters, others, gradients):
            result = result - sum_rightmost((x2 - x) * g, x.dim() - len(self._batch_shape))
        return result
