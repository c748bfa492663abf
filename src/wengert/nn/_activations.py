"""Activation functions. Those that are no row of the table of operations are composed of rows."""

import warnings

from ..composite._register import with_out
from .. import contiguous_format, empty_like, finfo, float64, ops, sigmoid, tanh, where, zeros_like
from .._core import shortcut

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def _result(function, input, inplace, *args):
    """``function(input, *args)``, written over ``input`` if ``inplace``.

    In place the function is computed from a copy, so that what it saves for the sweep is not overwritten.
    """
    if inplace:
        return input.copy_(function(input.clone(), *args))
    return function(input, *args)


@shortcut(ops.relu)
def relu(input, inplace=False):
    """max(x, 0). Any shape."""
    return input.relu_() if inplace else ops.relu(input)


def relu_(input):
    """In-place :func:`relu`."""
    return input.relu_()


def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False):
    """x clamped to [min_val, max_val], with gradient zero at the borders. ValueError: min_val > max_val."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return _result(ops.hardtanh, input, inplace, min_val, max_val)


def hardtanh_(input, min_val=-1.0, max_val=1.0):
    """In-place :func:`hardtanh`."""
    return hardtanh(input, min_val, max_val, True)


def relu6(input, inplace=False):
    """min(max(x, 0), 6)."""
    return _result(ops.hardtanh, input, inplace, 0.0, 6.0)


@shortcut(ops.elu)
def elu(input, alpha=1.0, inplace=False):
    """x where x > 0, else alpha * (exp(x) - 1)."""
    return _result(ops.elu, input, inplace, alpha)


def elu_(input, alpha=1.0):
    """In-place :func:`elu`."""
    return elu(input, alpha, True)


def _selu(input):
    return ops.elu(input, _SELU_ALPHA, _SELU_SCALE)


def selu(input, inplace=False):
    """scale * elu(x, alpha) with the constants that keep mean 0 and variance 1 (Klambauer et al. 2017)."""
    return _result(_selu, input, inplace)


def selu_(input):
    """In-place :func:`selu`."""
    return selu(input, True)


def _celu(input, alpha):
    return ops.elu(input, alpha, 1.0, 1.0 / alpha)


def celu(input, alpha=1.0, inplace=False):
    """x where x > 0, else alpha * (exp(x / alpha) - 1)."""
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _result(_celu, input, inplace, alpha)


def celu_(input, alpha=1.0):
    """In-place :func:`celu`."""
    return celu(input, alpha, True)


@shortcut(ops.leaky_relu)
def leaky_relu(input, negative_slope=0.01, inplace=False):
    """x where x > 0, else negative_slope * x."""
    return _result(ops.leaky_relu, input, inplace, negative_slope)


def leaky_relu_(input, negative_slope=0.01):
    """In-place :func:`leaky_relu`."""
    return leaky_relu(input, negative_slope, True)


def prelu(input, weight):
    """x where x > 0, else weight * x, with one weight or one a channel (dimension 1).

    Shapes: input (N, C, ...) or any, weight (1,) or (C,).
    """
    if weight.dim() > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.dim()}")
    if weight.numel() != 1:
        if input.dim() == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.size(1) if input.dim() > 1 else 1
        if channels != weight.numel():
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {weight.numel()} "
                f"and channel size = {channels}."
            )
        weight = weight.reshape([-1 if d == 1 else 1 for d in range(input.dim())])
    elif weight.dim() > 0:
        weight = weight.reshape(())
    return ops.prelu(input, weight)


def _rrelu_training(input, lower, upper):
    negative = input <= 0
    # One double draw for each element that is not positive, as PyTorch's generator is used.
    slopes = empty_like(input[negative].detach(), dtype=float64).uniform_(lower, upper)
    slope = zeros_like(input.detach()).masked_scatter_(negative, slopes.to(input.dtype))
    return where(negative, input * slope, input).contiguous()       # as PyTorch's is


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    """x where x > 0, else a * x, with a uniform in [lower, upper] in training and their mean otherwise."""
    if lower > upper:
        raise RuntimeError(f"Lower bound should be less than or equal to the upper bound; got {lower} and {upper}")
    if training:
        return _result(_rrelu_training, input, inplace, lower, upper)
    return _result(ops.leaky_relu, input, inplace, (lower + upper) / 2)


def rrelu_(input, lower=1.0 / 8, upper=1.0 / 3, training=False):
    """In-place :func:`rrelu`."""
    return rrelu(input, lower, upper, training, True)


def threshold(input, threshold, value, inplace=False):
    """x where x > threshold, else value."""
    return _result(ops.threshold, input, inplace, threshold, value)


def threshold_(input, threshold, value):
    """In-place :func:`threshold`."""
    return _result(ops.threshold, input, True, threshold, value)


def glu(input, dim=-1):
    """a * sigmoid(b), where a and b are the halves of the input along ``dim``."""
    if input.dim() == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    size = input.size(dim)
    if size % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {dim % input.dim()} is size {size}"
        )
    a, b = input.chunk(2, dim)
    return a * sigmoid(b)


@shortcut(ops.logsigmoid)
def logsigmoid(input, *, out=None):
    """log(1 / (1 + exp(-x))), without overflow."""
    return ops.logsigmoid(input, out=out)


@with_out
def hardshrink(input, lambd=0.5):
    """x where |x| > lambd, else 0."""
    return ops.hardshrink(input, lambd)


@with_out
def softshrink(input, lambd=0.5):
    """x moved towards 0 by lambd, 0 where |x| <= lambd."""
    if not lambd >= 0:
        name = {"float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16"}
        kind = name.get(str(input.dtype).rpartition(".")[2], input.dtype)
        raise RuntimeError(
            f"lambda must be in range [0, {finfo(input.dtype).max:g}] for input dtype {kind}, but found {lambd:g}"
        )
    return ops.softshrink(input, lambd)


def tanhshrink(input):
    """x - tanh(x)."""
    return input - tanh(input)


def softsign(input):
    """x / (1 + |x|)."""
    return input / (input.abs() + 1)


@shortcut(ops.softplus)
def softplus(input, beta=1.0, threshold=20.0, *, out=None):
    """log(1 + exp(beta * x)) / beta; x itself where beta * x > threshold."""
    return ops.softplus(input, beta, threshold, out=out)


@shortcut(ops.hardsigmoid)
def hardsigmoid(input, inplace=False):
    """min(max(x + 3, 0), 6) / 6."""
    return _result(ops.hardsigmoid, input, inplace)


@shortcut(ops.hardswish)
def hardswish(input, inplace=False):
    """x * min(max(x + 3, 0), 6) / 6."""
    return _result(ops.hardswish, input, inplace)


@shortcut(ops.gelu)
def gelu(input, *, approximate="none", out=None):
    """x * Phi(x), Phi the normal distribution's cumulative function; ``approximate="tanh"`` for its tanh form."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return ops.gelu(input, approximate=approximate, out=out)


@shortcut(ops.silu)
def silu(input, inplace=False):
    """x * sigmoid(x)."""
    return _result(ops.silu, input, inplace)


@shortcut(ops.mish)
def mish(input, inplace=False):
    """x * tanh(softplus(x))."""
    return _result(ops.mish, input, inplace)


def _softmax_dim(name, ndim, stacklevel):
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1


@shortcut(ops.softmax)
def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """exp(x) / sum(exp(x)) along ``dim``; ``dtype`` casts the input first."""
    if dim is None:
        dim = _softmax_dim("softmax", input.dim(), _stacklevel)
    return ops.softmax(input if dtype is None else input.to(dtype), dim)


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """softmax(-x) along ``dim``."""
    if dim is None:
        dim = _softmax_dim("softmin", input.dim(), _stacklevel)
    return ops.softmax(-input if dtype is None else (-input).to(dtype), dim)


@shortcut(ops.log_softmax)
def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """log(softmax(x)) along ``dim``, in one stable pass."""
    if dim is None:
        dim = _softmax_dim("log_softmax", input.dim(), _stacklevel)
    return ops.log_softmax(input if dtype is None else input.to(dtype), dim)


def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    """A sample of the Gumbel-softmax distribution (Jang et al. 2017); with ``hard`` one-hot, with the soft gradient."""
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise = -empty_like(logits.detach(), memory_format=contiguous_format).exponential_().log()
    soft = ops.softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    index = soft.detach().max(dim, keepdim=True)[1]
    one_hot = zeros_like(soft.detach()).scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft
