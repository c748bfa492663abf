"""Look-ups by index: embedding and its bags, one-hot; padding."""

from .. import arange, bincount, cat, int64, no_grad, ops, unique, where, zeros
from .. import norm as _norm
from .._core import all_within


def _renormalize(weight, indices, max_norm, norm_type):
    """Scales, in place, those rows that are looked up and whose norm exceeds ``max_norm``."""
    with no_grad():
        rows = unique(indices.reshape(-1))
        values = weight.index_select(0, rows)
        if weight.stride(0) == 0 and weight.size(0) > 1:  # all rows are one, which is scaled once
            weight, rows, values = weight[:1], rows[:1] * 0, values[:1]
        size = _norm(values, norm_type, 1, True)
        scale = where(size > max_norm, max_norm / (size + 1e-7), 1.0)
        weight.index_copy_(0, rows, values * scale)


def _padding_row(padding_idx, num_embeddings):
    """``padding_idx`` counted from the front; -1 for None."""
    if padding_idx is None:
        return -1
    if padding_idx > 0 and padding_idx >= num_embeddings or padding_idx < -num_embeddings:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx + num_embeddings if padding_idx < 0 else padding_idx


def embedding(
    input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False
):
    """The rows of ``weight`` at the indices ``input``.

    Shapes: input any, of integers; weight (V, D); result (*, D). The row ``padding_idx`` gets no gradient. With ``max_norm`` the rows
    looked up are first scaled down to that norm, in place. ``scale_grad_by_freq`` divides each row's
    gradient by the number of times it was looked up. Gradients are dense, also with ``sparse``.
    """
    if weight.dim() != 2:
        raise RuntimeError("'weight' must be 2-D")
    row = _padding_row(padding_idx, weight.size(0))
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    return ops.embedding(input, weight, row, scale_grad_by_freq)


def embedding_bag(
    input,
    weight,
    offsets=None,
    max_norm=None,
    norm_type=2,
    scale_grad_by_freq=False,
    mode="mean",
    sparse=False,
    per_sample_weights=None,
    include_last_offset=False,
    padding_idx=None,
):
    """Sums, means or maxima of bags of rows of ``weight``.

    Shapes: input (B, N), one bag a row, or (N,) with ``offsets`` (B,), where each bag begins; result (B, D).
    """
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError("if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed "
                             f"length sequences. However, found offsets of type {type(offsets)}")
    elif input.dim() == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if offsets.dim() != 1:
            raise ValueError("offsets has to be a 1D Tensor")
        if include_last_offset:
            offsets = offsets[:-1]
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}'). Please open a feature request on GitHub."
        )
    if input.dim() == 2 and input.size(1):
        return _equal_bags(input, embedding(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq), mode, per_sample_weights,
                           None if padding_idx is None else input != _padding_row(padding_idx, weight.size(0)))
    if input.dim() == 2:
        raise RuntimeError("step must be nonzero")          # PyTorch counts on to the next bag, by 0
    n_bags = offsets.size(0)
    rows = embedding(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq)
    kept = None if padding_idx is None else input != _padding_row(padding_idx, weight.size(0))
    if mode == "max":
        starts = offsets.tolist()
        ends = starts[1:] + [input.numel()]
        bags = []
        for start, end in zip(starts, ends):
            bag = rows[start:end] if kept is None else rows[start:end][kept[start:end]]
            bags.append(bag.amax(0) if bag.size(0) else weight.new_zeros((weight.size(1),)))
        return cat([bag.unsqueeze(0) for bag in bags]) if bags else weight.new_zeros((0, weight.size(1)))
    sizes = cat([offsets[1:], offsets.new_full((1,), input.numel())]) - offsets if n_bags else offsets
    bag_of = arange(n_bags).repeat_interleave(sizes.to(int64))
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.unsqueeze(-1)
    if kept is not None:
        rows = rows * kept.to(rows.dtype).unsqueeze(-1)
    total = zeros((n_bags, weight.size(1)), dtype=weight.dtype).index_add(0, bag_of, rows)
    if mode == "sum":
        return total
    counted = bag_of if kept is None else bag_of[kept]
    counts = bincount(counted, minlength=n_bags).clamp(min=1).to(weight.dtype)
    return total / counts.unsqueeze(-1)


def _equal_bags(input, rows, mode, per_sample_weights, kept):
    """`embedding_bag` of bags of one size, not 0: ``rows`` (B, N, D); ``kept`` (B, N) says which are no padding, None: all."""
    if mode == "max":
        if kept is None:
            return rows.amax(1)
        return where(kept.any(1, True), where(kept.unsqueeze(2), rows, float("-inf")).amax(1), 0.0)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.unsqueeze(-1)
    if kept is not None:
        rows = rows * kept.to(rows.dtype).unsqueeze(-1)
    if mode == "sum":
        return rows.sum(1)
    return rows.mean(1) if kept is None else rows.sum(1) / kept.sum(1, True).clamp(min=1).to(rows.dtype)


def one_hot(tensor, num_classes=-1):
    """1 at the class index and 0 elsewhere, along a new last dimension. int64; ``num_classes`` -1: the largest + 1."""
    if tensor.dtype != int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if tensor.numel() == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return zeros(list(tensor.size()) + [num_classes], dtype=int64)
    if num_classes < 1 or not all_within(tensor, 0, num_classes - 1):
        if tensor.min().item() < 0:
            raise RuntimeError("Class values must be non-negative.")
        largest = tensor.max().item()
        if num_classes == -1:
            num_classes = largest + 1
        elif largest >= num_classes:
            raise RuntimeError("Class values must be smaller than num_classes.")
    result = zeros([*tensor.shape, num_classes], dtype=int64)
    return result.scatter_(-1, tensor.unsqueeze(-1), 1)


def pad(input, pad, mode="constant", value=None):
    """Adds elements around the last dimensions.

    Args:
        pad: (left, right, top, bottom, ...), from the last dimension on; negative values crop.
        mode: "constant" (``value``, default 0), "reflect", "replicate" or "circular".
    """
    pad = tuple(pad)
    if mode == "constant":
        return ops.pad(input, pad, "constant", value)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if not (len(pad) in (2, 4, 6) and input.dim() - len(pad) // 2 in (1, 2)):
        raise NotImplementedError("Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now")
    return ops.pad(input, pad, mode)
