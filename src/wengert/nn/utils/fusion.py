"""Batch normalisation in evaluation, folded into the weights of the layer before it."""
import copy

from ... import rsqrt, zeros_like
from ..parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def _folded(w, b, mean, var, eps, weight, bias, shape):
    """w and b times weight / sqrt(var + eps), b less the mean before and plus the bias after, as Parameters of the same kind."""
    b = zeros_like(mean) if b is None else b
    scale = rsqrt(var + eps) if weight is None else weight * rsqrt(var + eps)
    shift = (b - mean) * scale
    return ((w * scale.reshape(shape)).to(dtype=w.dtype), (shift if bias is None else shift + bias).to(dtype=b.dtype))


def fuse_conv_bn_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose=False):
    """(weight, bias) of a convolution that does what another one and a batch normalisation behind it do.

    Args:
        conv_w, conv_b: of the convolution; the bias may be None. bn_rm, bn_rv, bn_eps, bn_w, bn_b: of the normalisation.
        transpose (bool): the convolution is a transposed one.
    """
    shape = [1, -1] if transpose else [-1, 1]
    w, b = _folded(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, shape + [1] * (conv_w.dim() - 2))
    return Parameter(w, conv_w.requires_grad), Parameter(b, conv_b.requires_grad if conv_b is not None else True)


def fuse_linear_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b):
    """(weight, bias) of a linear layer that does what another one and a batch normalisation behind it do."""
    w, b = _folded(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [-1, 1])
    return Parameter(w, linear_w.requires_grad), Parameter(b, linear_b.requires_grad if linear_b is not None else True)


def _check(layer, bn):
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")


def fuse_conv_bn_eval(conv, bn, transpose=False):
    """A copy of the convolution that does what it and the batch normalisation behind it do.

    Raises:
        AssertionError: one of them is in training.
    """
    _check(conv, bn)
    fused = copy.deepcopy(conv)
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    fused.weight, fused.bias = fuse_conv_bn_weights(fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose)
    return fused


def fuse_linear_bn_eval(linear, bn):
    """A copy of the linear layer that does what it and the batch normalisation behind it do.

    Raises:
        AssertionError: one of them is in training; the normalisation has another number of features, other than 1.
    """
    _check(linear, bn)
    if bn.num_features not in (linear.out_features, 1):
        raise AssertionError("To fuse, linear.out_features == bn.num_features or bn.num_features == 1")
    fused = copy.deepcopy(linear)
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    fused.weight, fused.bias = fuse_linear_bn_weights(fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    return fused
