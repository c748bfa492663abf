"""Attention and transformers against torch in float64: values, gradients, masks, errors, printing."""

import math

import pytest
from like_torch import array, assert_same, filled


def masks(t):
    return {
        "none": None,
        "bool": t.tensor([[True, False, True, True], [True, True, True, False], [False, False, True, True]]),
        "float": t.tensor(array(3, 4, seed=8)),
        "empty row": t.tensor([[True] * 4, [False] * 4, [True] * 4]),
    }


@pytest.mark.parametrize("mask", ["none", "bool", "float", "empty row"])
def test_scaled_dot_product(mask):
    def program(t):
        q, k, v = (
            t.tensor(array(2, 2, n, 5, seed=i), requires_grad=True) for i, n in enumerate((3, 4, 4))
        )
        y = t.nn.functional.scaled_dot_product_attention(q, k, v, masks(t)[mask])
        y.cos().sum().backward()
        return [y, q.grad, k.grad, v.grad]

    assert_same(program, 1e-10)


SDPA = {
    "causal": lambda t, q: t.nn.functional.scaled_dot_product_attention(q, q, q, is_causal=True),
    "scale": lambda t, q: t.nn.functional.scaled_dot_product_attention(q, q, q, scale=2.0),
    "grouped": lambda t, q: t.nn.functional.scaled_dot_product_attention(q, q[:, :1], q[:, :1], enable_gqa=True),
    "causal and mask": lambda t, q: t.nn.functional.scaled_dot_product_attention(
        q, q, q, attn_mask=t.ones(3, 3), is_causal=True
    ),
}


@pytest.mark.parametrize("name", SDPA)
def test_scaled_dot_product_options(name):
    assert_same(lambda t: SDPA[name](t, t.tensor(array(2, 2, 3, 5))), 1e-10)


MODULES = {
    "plain": lambda n: n.MultiheadAttention(6, 2),
    "no bias": lambda n: n.MultiheadAttention(6, 3, bias=False),
    "batch first": lambda n: n.MultiheadAttention(6, 2, batch_first=True),
    "bias_kv": lambda n: n.MultiheadAttention(6, 2, add_bias_kv=True, add_zero_attn=True),
    "dims": lambda n: n.MultiheadAttention(6, 2, kdim=4, vdim=5),
}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("mask", [None, "padding", "bool", "float", "3D"])
@pytest.mark.parametrize("average", [True, False])
def test_multihead_attention(name, mask, average):
    def program(t):
        module = filled(t, MODULES[name](t.nn))
        sizes = [(3, 2, 6), (4, 2, module.kdim), (4, 2, module.vdim)]
        if module.batch_first:
            sizes = [(s[1], s[0], s[2]) for s in sizes]
        q, k, v = (t.tensor(array(*s, seed=i), requires_grad=True) for i, s in enumerate(sizes))
        kwargs = {
            None: {},
            "padding": {"key_padding_mask": t.tensor([[False, False, True, True], [False, True, False, False]])},
            "bool": {"attn_mask": t.tensor([[False, True, False, False], [True, False, False, True], [False] * 4])},
            "float": {"attn_mask": t.tensor(array(3, 4, seed=5))},
            "3D": {"attn_mask": t.tensor(array(2 * module.num_heads, 3, 4, seed=5))},
        }[mask]
        y, w = module(q, k, v, average_attn_weights=average, **kwargs)
        (y.cos().sum() + (w * w).sum()).backward()
        alone = module(q, k, v, need_weights=False, **kwargs)
        return [y, w, alone[0], alone[1], [x.grad for x in (q, k, v)], [p.grad for p in module.parameters()]]

    assert_same(program, 1e-10)


@pytest.mark.parametrize("name", MODULES)
def test_state_and_printing(name):
    def program(t):
        t.manual_seed(4)
        module = MODULES[name](t.nn)
        return [module, list(module.state_dict()), [p.shape for p in module.parameters()], module.in_proj_weight]

    assert_same(program, 1e-6)


def test_without_a_batch():
    def program(t):
        module = filled(t, t.nn.MultiheadAttention(6, 2))
        q = t.tensor(array(3, 6))
        return module(q, q, q)

    assert_same(program, 1e-10)


PROGRAMS = {
    "sizes": lambda t: t.nn.MultiheadAttention(0, 2),
    "heads": lambda t: t.nn.MultiheadAttention(5, 2),
    "mask 2D": lambda t: t.nn.MultiheadAttention(4, 2)(*[t.ones(3, 2, 4)] * 3, attn_mask=t.ones(2, 2)),
    "mask 3D": lambda t: t.nn.MultiheadAttention(4, 2)(*[t.ones(3, 2, 4)] * 3, attn_mask=t.ones(2, 3, 3)),
    "dims": lambda t: t.nn.MultiheadAttention(4, 2)(*[t.ones(4)] * 3),
    "causal": lambda t: t.nn.MultiheadAttention(4, 2)(*[t.ones(3, 2, 4)] * 3, is_causal=True),
    "activation": lambda t: t.nn.TransformerEncoderLayer(4, 2, activation="x"),
    "Transformer batch": lambda t: t.nn.Transformer(4, 2, 1, 1, 8)(t.ones(3, 2, 4), t.ones(3, 1, 4)),
    "Transformer features": lambda t: t.nn.Transformer(4, 2, 1, 1, 8)(t.ones(3, 2, 5), t.ones(3, 2, 4)),
    "causal mask": lambda t: t.nn.Transformer.generate_square_subsequent_mask(3),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.filterwarnings("ignore")
def test_same_outcome(name):
    import warnings

    def program(t):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # hints of PyTorch at its fused kernels
            return PROGRAMS[name](t)

    assert_same(program)


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_transformer(norm_first, activation):
    import warnings

    def program(t):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = t.nn.Transformer(4, 2, 2, 2, 8, dropout=0.0, activation=activation, norm_first=norm_first)
            model = filled(t, model)
            src = t.tensor(array(3, 2, 4), requires_grad=True)
            tgt = t.tensor(array(5, 2, 4, seed=1), requires_grad=True)
            mask = t.nn.Transformer.generate_square_subsequent_mask(5, dtype=t.float64)
            padding = t.tensor([[False, False, True], [False, False, False]])
            y = model(src, tgt, tgt_mask=mask, src_key_padding_mask=padding, memory_key_padding_mask=padding)
            (y * y * y).sum().backward()
            gradients = [p.grad for p in model.parameters()]
        return [y, src.grad, tgt.grad, gradients, list(model.state_dict()), model]

    assert_same(program, 1e-9)


def test_weights_sum_to_one():
    import wengert

    q = wengert.tensor(array(2, 3, 4))
    _, weights = wengert.nn.MultiheadAttention(4, 2, batch_first=True).double()(q, q, q)
    for row in weights.sum(-1).flatten().tolist():
        assert math.isclose(row, 1.0, rel_tol=1e-12)
