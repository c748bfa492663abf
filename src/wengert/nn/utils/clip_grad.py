"""Bounds on gradients."""

import warnings
from math import isfinite

from ... import Tensor, _foreach, float32, float64, no_grad, stack, tensor
from ... import norm as _norm

__all__ = ["clip_grad_norm_", "clip_grad_norm", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]


def _launchable(grads):
    """Whether one launch can take them all."""
    return all(g.dtype == float32 or g.dtype == float64 for g in grads)


def _total_norm(grads, norm_type, error_if_nonfinite):
    norm_type = float(norm_type)
    if not grads:
        return tensor(0.0)
    if _launchable(grads):
        total = _foreach.grad_norm(grads, norm_type)
    else:
        norms = [_norm(g, norm_type) for g in grads]
        widest = sum(norms).dtype
        total = _norm(stack([n.to(widest) for n in norms]), norm_type)
    if error_if_nonfinite and not isfinite(total.item()):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return total


def get_total_norm(tensors, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The norm of the norms of ``tensors`` (one, or an iterable): that of all their elements as one vector. Shape ().

    Raises:
        RuntimeError: with ``error_if_nonfinite``, if it is infinite or NaN.
    """
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    with no_grad():
        return _total_norm(tensors, norm_type, error_if_nonfinite)


def _parameters_of(parameters):
    if isinstance(parameters, Tensor):
        return [parameters], False
    if iter(parameters) is parameters:  # a generator: empty only if it was used up before
        parameters = list(parameters)
        return parameters, not parameters
    return list(parameters), False


def _scale(grads, max_norm, total):
    if grads and _launchable(grads) and _launchable([total]):
        _foreach.clip_grad_norm(grads, total, float(max_norm))
        return
    factor = (float(max_norm) / (total + 1e-6)).clamp(max=1.0)
    for grad in grads:
        grad.mul_(factor)


def clip_grads_with_norm_(parameters, max_norm, total_norm, foreach=None):
    """Multiplies all gradients by max_norm / (total_norm + 1e-6) where that is below 1."""
    parameters, _ = _parameters_of(parameters)
    with no_grad():
        _scale([grad for p in parameters if (grad := p.grad) is not None], max_norm, total_norm)


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scales the gradients so that their total norm is at most ``max_norm``.

    Args:
        parameters: one tensor or an iterable of them; those without a gradient are passed over.
        max_norm (float), norm_type (float): the bound and the norm's order, which may be ``inf``.
        error_if_nonfinite (bool): raise if the norm is infinite or NaN.

    Returns:
        Tensor: the total norm before scaling. Shape ().
    """
    parameters, exhausted = _parameters_of(parameters)
    if exhausted:
        warnings.warn(
            "`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2
        )
    grads = [grad for p in parameters if (grad := p.grad) is not None]
    with no_grad():
        total = _total_norm(grads, norm_type, error_if_nonfinite)
        _scale(grads, max_norm, total)
    return total


def clip_grad_norm(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Deprecated name of :func:`clip_grad_norm_`."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Clamps every element of the gradients to [-clip_value, clip_value]."""
    parameters, _ = _parameters_of(parameters)
    clip_value = float(clip_value)
    grads = [grad for p in parameters if (grad := p.grad) is not None]
    if _launchable(grads):
        _foreach.clip_grad_value(grads, -clip_value, clip_value)
        return
    with no_grad():
        for grad in grads:
            grad.clamp_(min=-clip_value, max=clip_value)
