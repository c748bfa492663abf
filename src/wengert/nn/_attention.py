"""Attention."""

import math

from .. import bool as _bool
from .. import bfloat16, cat, float16, matmul, ones, ops, where, zeros
from ._norms import dropout


def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
):
    """softmax(Q K' scale + mask) V, scale 1 / sqrt(E) by default.

    Shapes: query (N, ..., L, E), key (N, ..., S, E), value (N, ..., S, Ev), mask broadcastable to (N, ..., L, S); result (N, ..., L, Ev).

    Args:
        attn_mask: True where a key may be attended to, or a float tensor that is added. is_causal (bool): key j only for
            query i >= j. dropout_p (float): of the weights. enable_gqa (bool): key and value have fewer heads (dim -3).
    """
    if not query.dtype == key.dtype == value.dtype:
        raise RuntimeError("Expected query, key, and value to have the same dtype, but got query.dtype: "
                           f"{_c_name(query)} key.dtype: {_c_name(key)} and value.dtype: {_c_name(value)} instead.")
    if enable_gqa:
        key = key.repeat_interleave(query.size(-3) // key.size(-3), -3)
        value = value.repeat_interleave(query.size(-3) // value.size(-3), -3)
    if query.dtype in (float16, bfloat16) and key.dtype == value.dtype == query.dtype:     # rounded once, at the end
        mask = attn_mask.float() if attn_mask is not None and attn_mask.is_floating_point() else attn_mask
        return scaled_dot_product_attention(query.float(), key.float(), value.float(), mask, dropout_p, is_causal, scale).to(query.dtype)
    weights = _attention_weights(query, key, attn_mask, is_causal, scale)
    if dropout_p > 0.0:
        weights = dropout(weights, dropout_p, True)
    return matmul(weights, value)


def _c_name(t):
    """A dtype as C++ calls it."""
    name = str(t.dtype).partition(".")[2]
    return {"float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "int64": "long int", "int32": "int"}.get(name, name)


def _attention_weights(query, key, attn_mask, is_causal, scale):
    if scale is None:
        scale = 1.0 / math.sqrt(query.size(-1))
    scores = matmul(query * scale, key.transpose(-2, -1))
    allowed = None
    if is_causal:
        allowed = ones((query.size(-2), key.size(-2)), dtype=_bool).tril()
    if attn_mask is not None:
        if attn_mask.dtype == _bool:
            allowed = attn_mask if allowed is None else attn_mask & allowed
        else:
            scores = scores + attn_mask
    if allowed is None:
        return ops.softmax(scores, -1)
    weights = ops.softmax(where(allowed, scores, -math.inf), -1)
    # A query that may attend to nothing gets zeros instead of NaN.
    return where(allowed.any(-1, keepdim=True), weights, 0.0)


def _additive(mask, name, dtype):
    """A mask in the form that is added to the scores."""
    if mask is None:
        return None
    if mask.dtype == _bool:
        return zeros(mask.size(), dtype=dtype).masked_fill_(mask, -math.inf)
    if not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {name} are supported")
    return mask


def multi_head_attention_forward(
    query,
    key,
    value,
    embed_dim_to_check,
    num_heads,
    in_proj_weight,
    in_proj_bias,
    bias_k,
    bias_v,
    add_zero_attn,
    dropout_p,
    out_proj_weight,
    out_proj_bias,
    training=True,
    key_padding_mask=None,
    need_weights=True,
    attn_mask=None,
    use_separate_proj_weight=False,
    q_proj_weight=None,
    k_proj_weight=None,
    v_proj_weight=None,
    static_k=None,
    static_v=None,
    average_attn_weights=True,
    is_causal=False,
):
    """Attention of several heads (Vaswani et al. 2017): concat_h(softmax(Q_h K_h' / sqrt(d)) V_h) W_o.

    Shapes: query (L, N, E), key (S, N, Ek), value (S, N, Ev), or all without N; masks (N, S) for padding and (L, S) or
    (N * heads, L, S); result (L, N, E) and weights (N, L, S), or (N, heads, L, S) unless averaged, or None.
    """
    batched = query.dim() == 3
    if query.dim() not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {query.dim()}-D query tensor")
    if key.dim() != query.dim() or value.dim() != query.dim():
        kind = "batched 3-D" if batched else "unbatched 2-D"
        raise AssertionError(
            f"For {kind} `query`, expected `key` and `value` to be {query.dim()}-D but found {key.dim()}-D and "
            f"{value.dim()}-D tensors respectively"
        )
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    own = query is key and key is value and not use_separate_proj_weight
    if not batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    length, batch, size = query.size()
    if size != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {size}")
    head = size // num_heads
    if head * num_heads != size:
        raise AssertionError(f"embed_dim {size} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
    else:
        if key.size() != value.size():
            raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
        weights = None if own else in_proj_weight.chunk(3)
    # Where the batch comes first in memory (batch_first), everything is calculated in that order, without copies.
    batch_major = static_k is None and static_v is None and bias_k is None and not query.is_contiguous() and query.transpose(0, 1).is_contiguous()
    if own:
        q, k, v = ops.linear(query.transpose(0, 1) if batch_major else query, in_proj_weight, in_proj_bias).chunk(3, -1)
    else:
        given = (x.transpose(0, 1) for x in (query, key, value)) if batch_major else (query, key, value)
        biases = (None, None, None) if in_proj_bias is None else in_proj_bias.chunk(3)
        q, k, v = (ops.linear(x, w, b) for x, w, b in zip(given, weights, biases))
    padding = _additive(key_padding_mask, "key_padding_mask", q.dtype)
    mask = _additive(attn_mask, "attn_mask", q.dtype)
    if bias_k is not None:
        k = cat([k, bias_k.expand((1, batch, size))])
        v = cat([v, bias_v.expand((1, batch, size))])
        padding, mask = _with_column(padding), _with_column(mask)
    q = _split_heads(q, num_heads, batch_major)
    k = _split_heads(k, num_heads, batch_major) if static_k is None else _static(static_k, batch)
    v = _split_heads(v, num_heads, batch_major) if static_v is None else _static(static_v, batch)
    if add_zero_attn:
        zero = zeros((batch, num_heads, 1, head), dtype=k.dtype)
        k, v = cat([k, zero], 2), cat([v, zero], 2)
        padding, mask = _with_column(padding), _with_column(mask)
    source = k.size(2)
    if mask is not None:
        if mask.dim() == 2:
            if tuple(mask.shape) != (length, source):
                raise RuntimeError(
                    f"The shape of the 2D attn_mask is {mask.shape}, but should be {(length, source)}."
                )
        elif mask.dim() == 3:
            if tuple(mask.shape) != (batch * num_heads, length, source):
                raise RuntimeError(
                    f"The shape of the 3D attn_mask is {mask.shape}, but should be "
                    f"{(batch * num_heads, length, source)}."
                )
            mask = mask.reshape(batch, num_heads, length, source)
        else:
            raise RuntimeError(f"attn_mask's dimension {mask.dim()} is not supported")
    if padding is not None:
        if tuple(padding.shape) != (batch, source):
            raise AssertionError(
                f"expecting key_padding_mask shape of {(batch, source)}, but got {padding.shape}"
            )
        padding = padding.reshape(batch, 1, 1, source)
        mask = padding if mask is None else mask + padding
    attention = _attention_weights(q, k, mask, False, None)
    if training and dropout_p > 0.0:
        attention = dropout(attention, dropout_p, True)
    heads = matmul(attention, v)
    # In training PyTorch's result is sequence-major in memory, and that is the order in which a dropout behind it draws.
    if batch_major and not training:
        output = ops.linear(heads.transpose(1, 2).reshape(batch, length, size), out_proj_weight, out_proj_bias).transpose(0, 1)
    else:
        output = ops.linear(heads.permute(2, 0, 1, 3).reshape(length, batch, size), out_proj_weight, out_proj_bias)
    if not need_weights:
        return (output if batched else output.squeeze(1)), None
    if average_attn_weights:
        attention = attention.mean(1)
    return (output, attention) if batched else (output.squeeze(1), attention.squeeze(0))


def _with_column(mask):
    """``mask`` with a last column of zeros: a key that every query may attend to."""
    return None if mask is None else cat([mask, zeros((*mask.size()[:-1], 1), dtype=mask.dtype)], -1)


def _split_heads(x, num_heads, batch_major):
    """(L, N, E), or (N, L, E) if ``batch_major``, as (N, heads, L, E / heads)."""
    a, b, size = x.size()
    return x.reshape(a, b, num_heads, size // num_heads).permute((0, 2, 1, 3) if batch_major else (1, 2, 0, 3))


def _static(projected, batch):
    """A projected key or value (N * heads, S, d) that the caller gives, as (N, heads, S, d)."""
    return projected.reshape(batch, -1, projected.size(1), projected.size(2))
