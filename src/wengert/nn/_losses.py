"""Loss functions: argument checks and warnings before the rows, and the losses composed of rows."""

import math
import warnings

from .. import broadcast_tensors, ops, where, zeros_like
from .._core import shortcut
from . import _reduction
from ._distances import pairwise_distance
from ._names import typename

_KINDS = frozenset(("none", "mean", "sum"))


def _kind(size_average, reduce, reduction):
    """The reduction asked for, from the present argument or its two forerunners. ValueError: there is no such."""
    if size_average is not None or reduce is not None:
        return _reduction.legacy_get_string(size_average, reduce)
    if reduction not in _KINDS:
        if reduction == "elementwise_mean":
            warnings.warn(
                "reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.", stacklevel=3
            )
            return "mean"
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def _reduce(loss, reduction):
    if reduction == "mean":
        return loss.mean()
    return loss.sum() if reduction == "sum" else loss


def _matched(input, target):
    """Both at their common shape, with a warning where they differed."""
    if input.size() == target.size():
        return input, target
    warnings.warn(
        f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). This will "
        "likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
        stacklevel=3,
    )
    return broadcast_tensors(input, target)


def _multiplied(loss, weight):
    """The product, of the loss's dtype and shape, as if the loss were multiplied in place."""
    result = loss * weight
    if result.shape != loss.shape:
        raise RuntimeError(f"output with shape {list(loss.shape)} doesn't match the broadcast shape {list(result.shape)}")
    if result.dtype is not loss.dtype:
        if not loss.is_floating_point():
            raise RuntimeError(f"result type {result.type()[6:-6]} can't be cast to the desired output type {loss.type()[6:-6]}")
        result = result.to(loss.dtype)
    return result


def _weighted(loss, weight, reduction):
    """Elementwise ``loss`` times ``weight``; the mean is that of the weights."""
    if weight.size() != loss.size():
        raise ValueError("Weights and input must have the same size.")
    loss = loss * weight
    if reduction == "mean":
        return loss.sum() / weight.sum()
    return loss.sum() if reduction == "sum" else loss


@shortcut(ops.mse_loss)
def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """(x - y)^2, its mean or its sum; with ``weight`` (of the same shape) the weighted one."""
    reduction = _kind(size_average, reduce, reduction)
    input, target = _matched(input, target)
    if weight is None:
        return ops.mse_loss(input, target, reduction)
    return _weighted(ops.mse_loss(input, target, "none"), weight, reduction)


@shortcut(ops.l1_loss)
def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """|x - y|, its mean or its sum; with ``weight`` (of the same shape) the weighted one."""
    reduction = _kind(size_average, reduce, reduction)
    input, target = _matched(input, target)
    if weight is None:
        return ops.l1_loss(input, target, reduction)
    return _weighted(ops.l1_loss(input, target, "none"), weight, reduction)


@shortcut(ops.smooth_l1_loss)
def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """(x - y)^2 / (2 beta) where |x - y| < beta, else |x - y| - beta / 2; its mean or its sum."""
    reduction = _kind(size_average, reduce, reduction)
    input, target = _matched(input, target)
    if beta == 0:
        return ops.l1_loss(input, target, reduction)
    return ops.smooth_l1_loss(input, target, reduction, beta)


@shortcut(ops.huber_loss)
def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """(x - y)^2 / 2 where |x - y| <= delta, else delta * (|x - y| - delta / 2); its mean or its sum."""
    reduction = _kind(None, None, reduction)
    input, target = _matched(input, target)
    if weight is None:
        return ops.huber_loss(input, target, reduction, delta)
    loss = ops.huber_loss(input, target, "none", delta)
    if weight.size() != loss.size():
        raise ValueError("Weights and input must have the same size.")
    return _reduce(loss * weight, reduction)


@shortcut(ops.binary_cross_entropy)
def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """-(y log x + (1 - y) log(1 - x)) for probabilities x, the logarithms not below -100; its mean or its sum."""
    reduction = _kind(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is "
            "deprecated. Please ensure they have the same size."
        )
    if weight is None:
        return ops.binary_cross_entropy(input, target, reduction)
    return _reduce(ops.binary_cross_entropy(input, target, "none") * weight, reduction)


@shortcut(ops.binary_cross_entropy_with_logits)
def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    """:func:`binary_cross_entropy` of sigmoid(x), in one stable expression, of the target's dtype; ``pos_weight`` weighs the positive term."""
    reduction = _kind(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    if weight is None and pos_weight is None:
        return ops.binary_cross_entropy_with_logits(input, target, reduction)
    if pos_weight is None or not input.is_floating_point() or not target.is_floating_point():       # which the row refuses
        loss = ops.binary_cross_entropy_with_logits(input, target, "none")
    else:
        log_sigmoid = _multiplied(ops.logsigmoid(input), (pos_weight - 1) * target + 1)
        loss = (_multiplied(1 - target, input) - log_sigmoid).to(target.dtype)
    return _reduce(loss if weight is None else _multiplied(loss, weight), reduction)


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """-x[n, y_n] for log-probabilities x, its mean (weighted by ``weight[y_n]``) or its sum.

    Shapes: input (C,), (N, C) or (N, C, d1, ...); target the same without C, of class indices.
    """
    return ops.nll_loss(input, target, weight, _kind(size_average, reduce, reduction), ignore_index)


def linear_cross_entropy(input, linear_weight, target, *, linear_bias=None, weight=None, reduction="mean", ignore_index=None,
                         label_smoothing=0.0, options=None):
    """`cross_entropy` of logits that are a linear map of the input.

    Shapes: input (E) or (N, E), linear_weight (C, E) or (C, d1, ..., E), linear_bias (C) or (C, d1, ...), target (), (N), (N, d1, ...), or
    probabilities (C), (N, C), (N, C, d1, ...).

    Args:
        ignore_index (int): a class that counts for nothing, -100 by default; not for probabilities.
        options (nn.LinearCrossEntropyOptions): accepted; how PyTorch divides the work to need less memory changes no result.

    Raises:
        RuntimeError: shapes that do not fit, ``ignore_index`` for probabilities.
    """
    if not 1 <= input.dim() <= 2:
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if linear_weight.dim() < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {linear_weight.dim()}")
    classes, *places, size = linear_weight.shape
    if input.shape[-1] != size:
        raise RuntimeError("expected equal input and linear_weight last dimensions (in_features), got "
                           f"{input.shape[-1]} and {size}, respectively")
    if linear_bias is not None and tuple(linear_bias.shape) != (classes, *places):
        raise RuntimeError(f"expected linear_bias shape {(classes, *places)}, got {tuple(linear_bias.shape)}")
    if places and input.dim() == 1:
        raise RuntimeError(f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires batched input, (N, {size}), "
                           f"got unbatched input with shape {tuple(input.shape)}")
    logits = ops.linear(input, linear_weight.reshape(-1, size), None if linear_bias is None else linear_bias.reshape(-1))
    logits = logits.reshape(*input.shape[:-1], classes, *places)
    if ignore_index is not None and target.shape == logits.shape:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    return cross_entropy(logits, target, weight, ignore_index=-100 if ignore_index is None else ignore_index, reduction=reduction,
                         label_smoothing=label_smoothing)


@shortcut(ops.cross_entropy)
def cross_entropy(
    input,
    target,
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
    label_smoothing=0.0,
):
    """Cross entropy between softmax(x) over the classes and the target: :func:`nll_loss` of log_softmax.

    Shapes: input (C,), (N, C) or (N, C, d1, ...); target of class indices, the same without C, or of
    probabilities, the same as the input.
    """
    reduction = _kind(size_average, reduce, reduction)
    of_classes = target.size() != input.size()
    if of_classes and not label_smoothing:
        return ops.cross_entropy(input, target, weight, reduction, ignore_index)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if not of_classes and ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    if of_classes:
        return _smoothed_cross_entropy(input, target, weight, reduction, ignore_index, label_smoothing)
    return _soft_cross_entropy(input, target, weight, reduction, label_smoothing)


def _class_weights(weight, ndim):
    """``weight`` (C,) in the shape that broadcasts over (N, C, ...) or (C,)."""
    return weight if ndim == 1 else weight.reshape([-1 if d == 1 else 1 for d in range(ndim)])


def _soft_cross_entropy(input, target, weight, reduction, smoothing):
    """Cross entropy against class probabilities."""
    if not target.is_floating_point():
        raise RuntimeError(
            f"Expected floating point type for target with class probabilities, got {typename(target)}"
        )
    dim = 0 if input.dim() == 1 else 1
    classes = input.size(dim)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / classes
    logs = ops.log_softmax(input, dim)
    if weight is not None:
        logs = logs * _class_weights(weight, input.dim())
    loss = -(logs * target).sum(dim)
    return loss.sum() / (input.numel() // classes) if reduction == "mean" else _reduce(loss, reduction)


def _smoothed_cross_entropy(input, target, weight, reduction, ignore_index, smoothing):
    """Cross entropy against classes, with the share ``smoothing`` of the probability spread over all of them."""
    dim = 0 if input.dim() == 1 else 1
    logs = ops.log_softmax(input, dim)
    hard = ops.nll_loss(logs, target, weight, reduction, ignore_index)
    spread = -(logs if weight is None else logs * _class_weights(weight, input.dim())).sum(dim)
    ignored = target == ignore_index
    spread = where(ignored, 0.0, spread)
    if reduction == "mean":
        if weight is None:
            count = (~ignored).sum()
        else:
            count = where(ignored, 0.0, weight[where(ignored, 0, target)]).sum()
        spread = spread.sum() / count
    else:
        spread = _reduce(spread, reduction)
    return (1 - smoothing) * hard + smoothing / input.size(dim) * spread


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """y * (log y - x) for log-probabilities x; its mean, its sum or, "batchmean", its sum over the batch size."""
    if size_average is not None or reduce is not None:
        reduction = _reduction.legacy_get_string(size_average, reduce)
    elif reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides "
            "only by the batch size, and aligns with the KL div math definition.'mean' will be changed to behave the "
            "same as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    batchmean = reduction == "batchmean"
    loss = _reduce(ops._kl_div(input, target, log_target), "sum" if batchmean else _kind(None, None, reduction))
    return loss / input.size(0) if batchmean and input.dim() else loss


def poisson_nll_loss(
    input,
    target,
    log_input=True,
    full=False,
    size_average=None,
    eps=1e-8,
    reduce=None,
    reduction="mean",
):
    """exp(x) - y * x, or x - y * log(x + eps) without ``log_input``; ``full`` adds Stirling's term where y > 1."""
    if size_average is not None or reduce is not None:
        reduction = _reduction.legacy_get_string(size_average, reduce)
    if reduction not in _KINDS:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        large = where(target <= 1, 1.0, target)  # no log(0) in what is not chosen
        term = large * large.log() - large + (large * (2 * math.pi)).log() * 0.5
        loss = loss + where(target <= 1, 0.0, term)
    return _reduce(loss, reduction)


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """(log(var) + (x - y)^2 / var) / 2, with var at least eps; ``full`` adds log(2 pi) / 2.

    Shapes: input and target alike or broadcastable; var a number, or the input's shape, or with last dimension 1 or missing.
    """
    if not hasattr(var, "size"):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = zeros_like(input.detach()) + var
    elif (var < 0).any():
        raise ValueError("var has negative entry/entries")
    if var.size() != input.size():
        if input.size()[:-1] == var.size():
            var = var.unsqueeze(-1)
        elif not (
            input.dim() == var.dim()
            and sum(a != b for a, b in zip(input.size(), var.size())) <= 1
            and all(a == b or b == 1 for a, b in zip(input.size(), var.size()))
        ):
            raise ValueError("var is of incorrect size")
    if reduction not in _KINDS:
        raise ValueError(reduction + " is not valid")
    # Below eps the value is eps but the gradient that of var: the clamp is not differentiated.
    var = var + (var.detach().clamp(min=eps) - var.detach())
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return _reduce(loss, reduction)


def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    """x where y = 1, max(0, margin - x) where y = -1; its mean or its sum."""
    reduction = _kind(size_average, reduce, reduction)
    apart = where(target != 1, (margin - input).clamp(min=0), 0.0)
    together = where(target != -1, input, 0.0)
    return _reduce(apart + together, reduction)


def cosine_embedding_loss(
    input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"
):
    """1 - cos(x1, x2) where y = 1, max(0, cos(x1, x2) - margin) where y = -1; its mean or its sum.

    Shapes: inputs (N, D) or (D,), target (N,) or ().
    """
    reduction = _kind(size_average, reduce, reduction)
    if target.dim() not in (0, 1):
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if target.dim() == 1 and (input1.dim() != 2 or input2.dim() != 2):
        raise RuntimeError("1D target tensor expects 2D input tensors, but found inputs with sizes "
                           f"{list(input1.size())} and {list(input2.size())}.")
    if target.dim() == 0 and (input1.dim() != 1 or input2.dim() != 1):
        raise RuntimeError("0D target tensor expects 1D input tensors, but found inputs with sizes "
                           f"{list(input1.size())} and {list(input2.size())}.")
    eps = 1e-12
    dot = (input1 * input2).sum(-1)
    norms = ((input1 * input1).sum(-1) + eps) * ((input2 * input2).sum(-1) + eps)
    cos = dot / norms.sqrt()
    loss = where(target == 1, 1 - cos, 0.0) + where(target == -1, (cos - margin).clamp(min=0), 0.0)
    return _reduce(loss, reduction)


def margin_ranking_loss(
    input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"
):
    """max(0, -y * (x1 - x2) + margin); its mean or its sum."""
    reduction = _kind(size_average, reduce, reduction)
    if input1.dim() != input2.dim() or input1.dim() != target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
            f"{input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return _reduce((-target * (input1 - input2) + float(margin)).clamp(min=0), reduction)


def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """log(1 + exp(-y * x)), of the input's dtype; its mean or its sum."""
    reduction = _kind(size_average, reduce, reduction)
    if not input.is_floating_point():
        negative = _multiplied(-input, target)
        raise RuntimeError(f"result type Float can't be cast to the desired output type {negative.type()[6:-6]}")
    return _reduce(-ops.logsigmoid(_multiplied(input, target)), reduction)


def triplet_margin_loss(
    anchor,
    positive,
    negative,
    margin=1.0,
    p=2,
    eps=1e-6,
    swap=False,
    size_average=None,
    reduce=None,
    reduction="mean",
):
    """max(0, |a - p| - |a - n| + margin) with p-norms; ``swap`` takes |p - n| where it is the smaller distance."""
    reduction = _kind(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.dim()}D, positive {positive.dim()}D, and negative {negative.dim()}D inputs"
        )
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = far.minimum(pairwise_distance(positive, negative, p, eps))
    return _reduce((margin + near - far).clamp(min=0), reduction)


def triplet_margin_with_distance_loss(
    anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"
):
    """:func:`triplet_margin_loss` with any distance function of two tensors."""
    if reduction not in _KINDS:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.dim()}D, positive {positive.dim()}D, and negative {negative.dim()}D inputs"
        )
    distance = pairwise_distance if distance_function is None else distance_function
    near = distance(anchor, positive)
    far = distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return _reduce((margin + near - far).clamp(min=0), reduction)


def _check_margin(input):
    """The number of rows of a matrix, or 1 of a vector or a number."""
    if input.dim() > 2 or input.dim() and input.size(-1) == 0:
        raise RuntimeError(f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}")
    return input.size(0) if input.dim() == 2 else 1


def multi_margin_loss(
    input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"
):
    """sum over i != y of max(0, margin - x[y] + x[i])^p / C, times ``weight[y]``; its mean or its sum.

    Shapes: input (N, C) or (C,), target (N,) or () of class indices.
    """
    reduction = _kind(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    count = _check_margin(input)
    if target.dim() > 1 or target.numel() != count:
        raise RuntimeError(f"multi_margin_loss: target tensor should be 1-D with size equal to the batch size. Expected target size [{count}], but got "
                           f"{list(target.shape)}")
    if weight is not None and weight.numel() != (input.size(-1) if input.dim() else 1):
        raise RuntimeError(f"inconsistent weight size, expected {input.size(-1) if input.dim() else 1} but got {list(weight.shape)}")
    if target.dtype.name != "int64":
        raise RuntimeError(f"expected scalar type Long but found {target.type()[6:-6]}")
    rows = input if input.dim() > 1 else input.reshape(1, -1)
    classes = target.reshape(-1, 1)
    loss = (margin - rows.gather(1, classes) + rows).clamp(min=0)
    if p == 2:
        loss = loss * loss
    if weight is not None:
        loss = loss * weight[classes]
    loss = loss.scatter(1, classes, 0.0).sum(1) / rows.size(1)
    if reduction == "none" and input.dim() <= 1:
        return loss.reshape(())
    return _reduce(loss, reduction)


def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """sum over labels j and classes i that are no label of max(0, 1 - x[j] + x[i]) / C; its mean or its sum.

    Shapes: input and target (N, C) or (C,); a target row lists its labels, ended by -1.
    """
    reduction = _kind(size_average, reduce, reduction)
    _check_margin(input)
    if target.numel() != input.numel() or target.dim() > 2 or input.dim() == 2 and target.dim() != 2 or \
            input.dim() == 2 and target.size(0) != input.size(0) or input.dim() < 2 and target.dim() > 1:
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    rows = input if input.dim() > 1 else input.reshape(1, -1)
    labels = target.reshape(rows.size())
    count = rows.size(1)
    listed = (labels < 0).cumsum(1) == 0  # before the first -1
    longest = int(listed.sum(1).amax().item()) if labels.numel() else 0
    listed, labels = listed[:, :longest], labels[:, :longest]
    chosen = where(listed, labels, 0)
    is_label = zeros_like(rows.detach()).scatter_add(1, chosen, listed.to(rows.dtype)) > 0
    difference = 1 - rows.gather(1, chosen).unsqueeze(2) + rows.unsqueeze(1)
    counted = listed.unsqueeze(2) & ~is_label.unsqueeze(1)
    loss = where(counted, difference.clamp(min=0), 0.0).sum((1, 2)) / count
    if reduction == "none" and input.dim() <= 1:
        return loss.reshape(())
    return _reduce(loss, reduction)


def multilabel_soft_margin_loss(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean"
):
    """-(y log sigmoid(x) + (1 - y) log sigmoid(-x)), averaged over the classes (last dimension); its mean or its sum."""
    reduction = _kind(size_average, reduce, reduction)
    loss = -(target * ops.logsigmoid(input) + (1 - target) * ops.logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return _reduce(loss.sum(-1) / input.size(-1), reduction)
