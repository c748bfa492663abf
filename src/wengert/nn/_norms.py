"""Normalisation and dropout as functions."""

import warnings

from .. import _core, bfloat16, empty_like, finfo, float16, float32, float64, no_grad, ops, random
from .._core import shortcut


@shortcut(ops.layer_norm)
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """(x - mean) / sqrt(var + eps) over the last dimensions ``normalized_shape``, times weight, plus bias."""
    return ops.layer_norm(input, tuple(normalized_shape), weight, bias, eps)


def rms_norm(input, normalized_shape, weight=None, eps=None):
    """x / sqrt(mean(x^2) + eps) over the last dimensions, times weight; eps defaults to the dtype's epsilon."""
    shape = tuple(normalized_shape)
    if not shape:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
                           "normalized_shape = []")
    if weight is not None and tuple(weight.shape) != shape:
        raise RuntimeError(f"Expected weight to be of same shape as normalized_shape, but got weight of shape {list(weight.shape)} and "
                           f"normalized_shape = {list(shape)}")
    if tuple(input.size()[input.dim() - len(shape) :]) != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*{', '.join(map(str, shape))}], but "
            f"got input of size{list(input.size())}"
        )
    if eps is None:
        eps = finfo(input.dtype).eps
    if _fused(input, weight) and (weight is None or tuple(weight.size()) == shape) and shape:
        return ops._rms_norm(input, shape, weight, eps)
    dims = tuple(range(-len(shape), 0))
    wide = input.float() if input.dtype in (float16, bfloat16) else input       # squares of halves overflow
    result = wide * ((wide * wide).mean(dims, keepdim=True) + eps).rsqrt()
    if weight is not None:
        result = result * weight.to(result.dtype)
    return result.to(input.dtype)


def _per_channel(vector, ndim):
    """``vector`` (C,) in the shape that broadcasts over (N, C, ...)."""
    return vector.reshape([-1 if d == 1 else 1 for d in range(ndim)])


def _check_more_than_one(size, count):
    if count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """Normalises each sample's channels in ``num_groups`` groups. Shapes: input (N, C, ...), weight and bias (C,)."""
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    size = input.size()
    count = size[0] * size[1] // num_groups
    for n in size[2:]:
        count *= n
    _check_more_than_one(list(size), count)
    if size[1] % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(size)} and num_groups={num_groups}"
        )
    width = size[1] // num_groups
    for n in size[2:]:
        width *= n
    groups = input.reshape(size[0] * num_groups, width)
    result = ops.layer_norm(groups, (groups.size(1),), None, None, eps).reshape(size)
    if weight is not None and bias is not None:
        return ops.addcmul(_per_channel(bias, input.dim()), result, _per_channel(weight, input.dim()))
    if weight is not None:
        result = result * _per_channel(weight, input.dim())
    return result if bias is None else result + _per_channel(bias, input.dim())


def _normalized(input, mean, var, weight, bias, eps):
    """(x - mean) / sqrt(var + eps) * weight + bias, all given in broadcastable shapes."""
    scale = (var + eps).rsqrt()
    result = (input - mean) * (scale if weight is None else scale * weight)
    return result if bias is None else result + bias


def _update_running(running_mean, running_var, mean, var, count, momentum):
    """Moves the running statistics towards those of a batch; the variance kept is the unbiased one."""
    _move_running(running_mean, running_var, mean, var * (count / (count - 1)), momentum)


def _move_running(running_mean, running_var, mean, var, momentum):
    """r = (1 - momentum) r + momentum * statistic, in place; var is unbiased."""
    with no_grad():
        if running_mean is not None:
            running_mean.mul_(1 - momentum).add_(mean if mean.dtype is running_mean.dtype else mean.to(running_mean.dtype), alpha=momentum)
        if running_var is not None:
            running_var.mul_(1 - momentum).add_(var if var.dtype is running_var.dtype else var.to(running_var.dtype), alpha=momentum)


def _fused(input, *vectors):
    """May a fused row take these? It wants one of the types that loops compute in."""
    dtype = input.dtype
    if dtype is not float32 and dtype is not float64:
        return False
    for v in vectors:
        if v is not None and v.dtype is not dtype:
            return False
    return True


def _channels(ndim):
    """Of inputs (N, C, ...) with so many dimensions: those that are reduced, and the shape of a vector (C,) among them."""
    return tuple(d for d in range(ndim) if d != 1), tuple(-1 if d == 1 else 1 for d in range(ndim))


_CHANNELS = [_channels(ndim) for ndim in range(6)]


def batch_norm(
    input,
    running_mean,
    running_var,
    weight=None,
    bias=None,
    training=False,
    momentum=0.1,
    eps=1e-5,
):
    """Normalises each channel, by the batch's statistics in training and by the running ones otherwise.

    In training the running statistics (if not None) are updated in place. Shapes: input (N, C, ...), all others (C,).
    """
    size = input.size()
    ndim = input.dim()
    if training and eps <= 0.0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    if training:
        count = size[0]
        for n in size[2:]:
            count *= n
        _check_more_than_one(size, count)
    vectors = running_mean, running_var, weight, bias
    channels = size[1] if ndim > 1 else 0
    for vector in vectors:
        if vector is not None and ndim > 1 and vector.numel() != channels:
            name = next(n for n, v in zip(("running_mean", "running_var", "weight", "bias"), vectors) if v is vector)
            raise RuntimeError(f"{name} should contain {channels} elements not {vector.numel()}")
    dims, view = _CHANNELS[ndim] if ndim < 6 else _channels(ndim)
    if ndim > 1 and _fused(input, weight, bias, running_mean, running_var):
        old = (None, None) if training else (running_mean, running_var)
        result, mean, var = ops._batch_norm(input, weight, bias, *old, dims, view, training, eps)
        if training and count and (running_mean is not None or running_var is not None):
            _move_running(running_mean, running_var, mean, var, momentum)
        return result
    if weight is not None:
        weight = _per_channel(weight, ndim)
    if bias is not None:
        bias = _per_channel(bias, ndim)
    if not training:
        mean, var = _per_channel(running_mean, ndim), _per_channel(running_var, ndim)
        return _normalized(input, mean, var, weight, bias, eps)
    mean = input.mean(dims, keepdim=True)
    centred = input - mean
    var = (centred * centred).mean(dims, keepdim=True)
    if running_mean is not None or running_var is not None:
        _update_running(
            running_mean, running_var, mean.detach().reshape(-1), var.detach().reshape(-1), count, momentum
        )
    scale = (var + eps).rsqrt()
    result = centred * (scale if weight is None else scale * weight)
    return result if bias is None else result + bias


def instance_norm(
    input,
    running_mean=None,
    running_var=None,
    weight=None,
    bias=None,
    use_input_stats=True,
    momentum=0.1,
    eps=1e-5,
):
    """Normalises each channel of each sample. Shapes: input (N, C, ...), all others (C,)."""
    size = input.size()
    ndim = input.dim()
    if use_input_stats:
        count = 1
        for n in size[2:]:
            count *= n
        if count == 1:
            raise ValueError(f"Expected more than 1 spatial element when training, got input size {size}")
    elif running_mean is None or running_var is None:
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    weight = None if weight is None else _per_channel(weight, ndim)
    bias = None if bias is None else _per_channel(bias, ndim)
    if not use_input_stats:
        mean, var = _per_channel(running_mean, ndim), _per_channel(running_var, ndim)
        return _normalized(input, mean, var, weight, bias, eps)
    dims = tuple(range(2, ndim))
    mean = input.mean(dims, keepdim=True)
    centred = input - mean
    var = (centred * centred).mean(dims, keepdim=True)
    if running_mean is not None or running_var is not None:
        batch_mean = mean.detach().reshape(size[0], -1).mean(0)
        batch_var = var.detach().reshape(size[0], -1).mean(0)
        _update_running(running_mean, running_var, batch_mean, batch_var, count, momentum)
    scale = (var + eps).rsqrt()
    result = centred * (scale if weight is None else scale * weight)
    return result if bias is None else result + bias


def local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0):
    """x / (k + alpha * mean of x^2 over ``size`` neighbouring channels)^beta. Shapes: (N, C, ...)."""
    if input.dim() < 3:
        raise ValueError(f"Expected 3D or higher dimensionality                          input (got {input.dim()} dimensions)")
    if input.numel() == 0:
        return input
    squares = input * input
    pads = [0, 0] * (input.dim() - 2) + [size // 2, (size - 1) // 2]
    padded = ops.pad(squares, pads)
    channels = input.size(1)
    total = padded.narrow(1, 0, channels)
    for i in range(1, size):
        total = total + padded.narrow(1, i, channels)
    if not input.is_floating_point():                       # the mean of integers is an integer
        total, alpha = total.div(size, rounding_mode="trunc"), alpha * size
    return input / (total * (alpha / size) + k) ** beta


def _check_probability(p):
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input, p=0.5, training=True, inplace=False):
    """Each element zero with probability ``p``, else divided by 1 - p; the identity when not ``training``."""
    _check_probability(p)
    if not training or p == 0.0 or input.numel() == 0:
        return input
    noise = _noise(_memory(input), p)
    return input.mul_(noise) if inplace else input * noise


def _memory(input):
    """New memory in the order of the input's: samples are drawn in the order of memory, as PyTorch does."""
    return _core.empty(input.shape, input.dtype) if input.is_contiguous() else empty_like(input)


def _noise(noise, p):
    """Fills with 1 / (1 - p) where an element survives, 0 where it is dropped; returns what it filled."""
    if p == 1.0:
        return noise.zero_()
    return _core.random_fill("bernoulli", noise, random.default_generator, (), (1.0 - p,)).div_(1 - p)


def _feature_dropout(input, p, training, inplace):
    """Whole channels zero with probability ``p``."""
    if not training or p == 0.0 or input.numel() == 0:
        return input
    noise = _noise(_core.empty((*input.shape[:2], *[1] * (input.dim() - 2)), input.dtype), p)
    return input.mul_(noise) if inplace else input * noise


def dropout1d(input, p=0.5, training=True, inplace=False):
    """Whole channels zero with probability ``p``. Shapes: (N, C, L) or (C, L)."""
    _check_probability(p)
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. Note that dropout1d exists to "
            "provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional "
            "batch dimension (i.e. 2D or 3D inputs)."
        )
    if input.dim() == 2:
        return _feature_dropout(input.unsqueeze(0), p, training, inplace).squeeze(0)
    return _feature_dropout(input, p, training, inplace)


def dropout2d(input, p=0.5, training=True, inplace=False):
    """Whole channels zero with probability ``p``. Shapes: (N, C, H, W) or (N, C, L)."""
    _check_probability(p)
    if input.dim() not in (3, 4):
        warnings.warn(
            f"dropout2d: Received a {input.dim()}-D input to dropout2d, which is deprecated and will result in an "
            "error in a future release. To retain the behavior and silence this warning, please use dropout instead. "
            "Note that dropout2d exists to provide channel-wise dropout on inputs with 2 spatial dimensions, a channel "
            "dimension, and an optional batch dimension (i.e. 3D or 4D inputs).",
            stacklevel=2,
        )
    if input.dim() == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired "
            "- input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a "
            "future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain "
            "the 1D channel-wise dropout behavior, please switch to using dropout1d instead.",
            stacklevel=2,
        )
    return _feature_dropout(input, p, training, inplace)


def dropout3d(input, p=0.5, training=True, inplace=False):
    """Whole channels zero with probability ``p``. Shapes: (N, C, D, H, W) or (C, D, H, W)."""
    _check_probability(p)
    if input.dim() not in (4, 5):
        warnings.warn(
            f"dropout3d: Received a {input.dim()}-D input to dropout3d, which is deprecated and will result in an "
            "error in a future release. To retain the behavior and silence this warning, please use dropout instead. "
            "Note that dropout3d exists to provide channel-wise dropout on inputs with 3 spatial dimensions, a channel "
            "dimension, and an optional batch dimension (i.e. 4D or 5D inputs).",
            stacklevel=2,
        )
    if input.dim() == 4:
        return _feature_dropout(input.unsqueeze(0), p, training, inplace).squeeze(0)
    return _feature_dropout(input, p, training, inplace)


_ALPHA = 1.7580993408473766  # what SELU tends to for x to -infinity, negated


def _alpha_dropout(input, p, training, inplace, per_channel):
    _check_probability(p)
    if not training or p == 0.0 or input.numel() == 0:
        return input
    if p == 1.0:
        result = input * 0.0
    else:
        noise = _core.empty((*input.shape[:2], *[1] * (input.dim() - 2)), input.dtype) if per_channel else _memory(input)
        noise.bernoulli_(1 - p)
        a = 1.0 / ((_ALPHA * _ALPHA * p + 1) * (1 - p)) ** 0.5
        b = (noise - 1) * (_ALPHA * a) + _ALPHA * a * p
        result = input * (noise * a) + b
    return input.copy_(result) if inplace else result


def alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Dropout that keeps SELU's mean and variance: dropped elements take its lower limit (Klambauer et al. 2017)."""
    return _alpha_dropout(input, p, training, inplace, False)


def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    """:func:`alpha_dropout` of whole channels. Shapes: (N, C, ...)."""
    return _alpha_dropout(input, p, training, inplace, True)
