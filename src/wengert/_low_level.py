"""Functions of the top level that take what PyTorch's C++ takes: positions instead of names, numbers instead of words.

Their losses reduce nothing unless told to (0: none, 1: mean, 2: sum), as PyTorch's do under these names.
"""
from . import bool as _bool
from . import ones_like, ops, stack
from .nn import functional as F
from .nn.functional import dropout as _dropout

__all__ = ["batch_norm", "instance_norm", "embedding", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "hinge_embedding_loss", "kl_div",
           "margin_ranking_loss", "poisson_nll_loss", "triplet_margin_loss", "ctc_loss", "dropout_", "alpha_dropout_", "feature_dropout",
           "feature_dropout_", "feature_alpha_dropout_", "rrelu_", "rnn_tanh_cell", "rnn_relu_cell", "lstm_cell", "gru_cell", "native_layer_norm",
           "native_group_norm", "native_dropout", "native_channel_shuffle", "frobenius_norm", "nuclear_norm", "kaiser_window",
           "grid_sampler", "affine_grid_generator", "conv_tbc", "segment_reduce"]

_REDUCTIONS = ("none", "mean", "sum")


def _word(reduction):
    """The word for a reduction's number.

    Raises:
        ValueError: neither 0, 1 nor 2.
    """
    if isinstance(reduction, str) or not 0 <= reduction < 3:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return _REDUCTIONS[reduction]


def batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled):
    """`nn.functional.batch_norm`."""
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, cudnn_enabled):
    """`nn.functional.instance_norm`."""
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    """Rows of ``weight``: `nn.functional.embedding`, a ``padding_idx`` of -1 being none."""
    return F.embedding(indices, weight, None if padding_idx == -1 else padding_idx, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)


def binary_cross_entropy_with_logits(input, target, weight=None, pos_weight=None, reduction=0):
    """`nn.functional.binary_cross_entropy_with_logits`."""
    return F.binary_cross_entropy_with_logits(input, target, weight, reduction=_word(reduction), pos_weight=pos_weight)


def cosine_embedding_loss(input1, input2, target, margin=0.0, reduction=0):
    """`nn.functional.cosine_embedding_loss`."""
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=_word(reduction))


def hinge_embedding_loss(input, target, margin=1.0, reduction=0):
    """`nn.functional.hinge_embedding_loss`."""
    return F.hinge_embedding_loss(input, target, margin, reduction=_word(reduction))


def kl_div(input, target, reduction=0, *, log_target=False):
    """`nn.functional.kl_div`."""
    return F.kl_div(input, target, reduction=_word(reduction), log_target=log_target)


def margin_ranking_loss(input1, input2, target, margin=0.0, reduction=0):
    """`nn.functional.margin_ranking_loss`."""
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=_word(reduction))


def poisson_nll_loss(input, target, log_input, full, eps, reduction):
    """`nn.functional.poisson_nll_loss`."""
    return F.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=_word(reduction))


def triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction=0):
    """`nn.functional.triplet_margin_loss`."""
    return F.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=_word(reduction))


def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction=0, zero_infinity=False):
    """`nn.functional.ctc_loss`."""
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, _word(reduction), zero_infinity)


# ---- dropout ----

def dropout_(input, p, train):
    """`nn.functional.dropout` in place."""
    return F.dropout(input, p, train, True)


def alpha_dropout_(input, p, train):
    """`nn.functional.alpha_dropout` in place."""
    return F.alpha_dropout(input, p, train, True)


def feature_dropout(input, p, train):
    """Whole channels zero with probability p, the others divided by 1 - p. Shapes: (N, C, ...)."""
    if not train or p == 0 or input.numel() == 0:
        return input
    if input.dim() < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return input * _dropout(input.new_ones((*input.shape[:2], *(1,) * (input.dim() - 2))), p, True)


def feature_dropout_(input, p, train):
    """`feature_dropout` in place."""
    return input if not train else input.copy_(feature_dropout(input.clone(), p, train))


def feature_alpha_dropout_(input, p, train):
    """`nn.functional.feature_alpha_dropout` in place."""
    return F.feature_alpha_dropout(input, p, train, True)


def rrelu_(input, lower=0.125, upper=0.3333333333333333, training=False, generator=None):
    """`nn.functional.rrelu` in place."""
    if generator is not None:
        raise NotImplementedError("rrelu_ takes no generator: torch.manual_seed starts the default one")
    return F.rrelu(input, lower, upper, training, True)


def native_dropout(input, p, train):
    """What `nn.functional.dropout` gives, and which elements it kept."""
    if train is False:
        return input.clone(), input.new_ones(input.shape, dtype=_bool)
    kept = _dropout(ones_like(input.detach()), p, True)
    return input * kept, kept != 0


# ---- cells of recurrent networks ----

def _gates(input, hidden, w_ih, w_hh, b_ih, b_hh):
    return F.linear(input, w_ih, b_ih), F.linear(hidden, w_hh, b_hh)


def rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """tanh(W_ih x + b_ih + W_hh h + b_hh)."""
    x, h = _gates(input, hx, w_ih, w_hh, b_ih, b_hh)
    return ops.tanh(x + h)


def rnn_relu_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """relu(W_ih x + b_ih + W_hh h + b_hh)."""
    x, h = _gates(input, hx, w_ih, w_hh, b_ih, b_hh)
    return ops.relu(x + h)


def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of an LSTM: the new (h, c) after ``hx`` = (h, c)."""
    x, h = _gates(input, hx[0], w_ih, w_hh, b_ih, b_hh)
    i, f, g, o = (x + h).chunk(4, -1)
    c = ops.sigmoid(f) * hx[1] + ops.sigmoid(i) * ops.tanh(g)
    return ops.sigmoid(o) * ops.tanh(c), c


def gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of a GRU: the new h."""
    x, h = _gates(input, hx, w_ih, w_hh, b_ih, b_hh)
    (xr, xz, xn), (hr, hz, hn) = x.chunk(3, -1), h.chunk(3, -1)
    z = ops.sigmoid(xz + hz)
    n = ops.tanh(xn + ops.sigmoid(xr + hr) * hn)
    return n + z * (hx - n)


# ---- normalisation, with the statistics ----

def native_layer_norm(input, normalized_shape, weight, bias, eps):
    """What `nn.functional.layer_norm` gives, the means, and the reciprocals of the standard deviations."""
    dims = tuple(range(input.dim() - len(normalized_shape), input.dim()))
    var, mean = ops.var(input, dims, correction=0, keepdim=True), input.mean(dims, keepdim=True)
    return F.layer_norm(input, normalized_shape, weight, bias, eps), mean.detach(), ops.rsqrt(var + eps).detach()


def native_group_norm(input, weight, bias, N, C, HxW, group, eps):
    """What `nn.functional.group_norm` gives, the means, and the reciprocals of the standard deviations, (N, group) each."""
    x = input.reshape(N, group, C // group * HxW)
    var, mean = ops.var(x, (2,), correction=0), x.mean(2)
    return F.group_norm(input, group, weight, bias, eps), mean, ops.rsqrt(var + eps)


def native_channel_shuffle(input, groups):
    """`nn.functional.channel_shuffle`."""
    return F.channel_shuffle(input, groups)


def frobenius_norm(input, dim, keepdim=False, *, out=None):
    """The root of the sum of squares over one dimension, two, or all (``dim=()``)."""
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    if len(dims) > 2:
        raise RuntimeError(f"Expected at most 2 dimensions, but got {len(dims)} dimensions instead.")
    return ops.vector_norm(input, 2, dims or None, keepdim, **({} if out is None else {"out": out}))


def nuclear_norm(input, dim=(-2, -1), keepdim=False, *, out=None):
    """The sum of the singular values."""
    from .linalg import matrix_norm
    return matrix_norm(input, "nuc", dim, keepdim, out=out)


# ---- others ----

def kaiser_window(window_length, periodic=True, beta=12.0, *, dtype=None, layout=None, device=None, requires_grad=False):
    """I0(beta sqrt(1 - x^2)) / I0(beta) for x from -1 to 1."""
    from . import strided
    from .signal.windows import kaiser
    return kaiser(window_length, beta=beta, sym=not periodic, dtype=dtype, layout=layout or strided, device=device, requires_grad=requires_grad)


def grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners):
    """`nn.functional.grid_sample`, modes by number: bilinear, nearest, bicubic; zeros, border, reflection."""
    return F.grid_sample(input, grid, ("bilinear", "nearest", "bicubic")[interpolation_mode], ("zeros", "border", "reflection")[padding_mode],
                         align_corners)


def affine_grid_generator(theta, size, align_corners):
    """`nn.functional.affine_grid`."""
    return F.affine_grid(theta, size, align_corners)


def conv_tbc(input, weight, bias, pad=0):
    """A convolution over time. Shapes: input (T, N, C), weight (width, C, O), bias (O); result (T', N, O)."""
    return F.conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad).permute(2, 0, 1)


def segment_reduce(data, reduce, *, lengths=None, indices=None, offsets=None, axis=0, unsafe=False, initial=None):
    """Sums, means, products, maxima or minima of consecutive segments along ``axis``.

    Args:
        lengths: of the segments; or offsets: where they begin, and the end.
        initial: what an empty segment gives, and what every other one begins with.

    Raises:
        RuntimeError: neither lengths nor offsets, or lengths that do not add up.
    """
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    if axis < 0:
        axis += data.dim()
    if lengths is None:
        lengths = offsets.diff(dim=-1)
    if lengths.dim() - 1 != axis:
        raise RuntimeError(f"segment_reduce(): Expected axis to be the last dimension of lengths but got {axis}.")
    if not unsafe:
        if bool((lengths < 0).any()):
            raise RuntimeError("lengths contains negative value!")
        if bool((lengths.sum(-1) != data.shape[axis]).any()):
            raise RuntimeError("segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when !unsafe.")
    if axis:
        rows = [segment_reduce(d, reduce, lengths=n, axis=axis - 1, unsafe=True, initial=initial) for d, n in zip(data, lengths)]
        return stack(rows)
    nothing = {"sum": 0.0, "mean": float("nan"), "prod": 1.0, "max": -float("inf"), "min": float("inf")}[reduce]
    results = []
    for part in data.split(lengths.tolist()):
        n = part.shape[0]
        if n == 0:
            results.append(part.new_full(part.shape[1:], nothing if initial is None else float(initial)))
            continue
        value = {"sum": part.sum, "mean": part.sum, "prod": part.prod, "max": part.amax, "min": part.amin}[reduce](0)
        if initial is not None:
            value = (value * initial if reduce == "prod" else value.clamp(min=initial) if reduce == "max" else value.clamp(max=initial)
                     if reduce == "min" else value + initial)
        results.append(value / n if reduce == "mean" else value)
    return stack(results) if results else data[:0]
