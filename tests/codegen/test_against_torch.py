"""The derivatives of the table, first and second order in float64, against torch's."""
import math
import zlib

import pytest

torch = pytest.importorskip("torch")

import interpreter                                                                  # noqa: E402
from interpreter import TABLE, Value                                                # noqa: E402

F = torch.nn.functional
#: Rows whose function has another name or form in torch.
REFERENCE = {
    "add_alpha": torch.add, "sub_alpha": torch.sub, "pow_scalar": torch.pow, "lerp_scalar": torch.lerp,
    "_zero": lambda x: x*0, "div_floor": lambda x, y: torch.div(x, y, rounding_mode="floor"),
    "div_trunc": lambda x, y: torch.div(x, y, rounding_mode="trunc"), "masked_fill_tensor": torch.masked_fill,
    "_nan_to_num": torch.nan_to_num, "round_decimals": lambda x, decimals: torch.round(x, decimals=decimals),
    "prelu": torch._prelu_kernel, "elu": lambda x, alpha=1, scale=1, input_scale=1: torch._C._nn.elu(x, alpha, scale, input_scale),
    "polygamma": lambda x, n: torch.polygamma(n, x), "xlog1py": torch.special.xlog1py, "entr": torch.special.entr,
    "ndtr": torch.special.ndtr, "mish": F.mish, "hardsigmoid": lambda x: (x + 3).clamp(0, 6)/6,   # torch rounds its 1/6 to float32
    "hardswish": F.hardswish, "silu": F.silu, "_gelu_erf": F.gelu, "_gelu_slope": interpreter.C_FUNCTIONS["gelu_slope"],
    "_gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    **{name: getattr(torch.special, name) for name in ("i0e", "i1", "i1e", "erfcx", "log_ndtr", "ndtri")},
}
REDUCTION_NONE = {"_mse_loss": F.mse_loss, "_l1_loss": F.l1_loss, "_smooth_l1_loss": F.smooth_l1_loss, "_huber_loss": F.huber_loss,
                  "_binary_cross_entropy": F.binary_cross_entropy, "_kl_div": F.kl_div,
                  "_binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits}


def reference(op):
    if op.name in REDUCTION_NONE:
        return lambda *a, **k: REDUCTION_NONE[op.name](*a, reduction="none", **k)
    if op.name in REFERENCE:
        return REFERENCE[op.name]
    return getattr(torch, op.public or "", None) or getattr(F, op.public or op.name)


def elementwise_cases():
    for op in TABLE:
        if op.kind == "elementwise" and any(v not in ("nondiff", "not_implemented") for v in op.vjp.values()):
            for sample in op.samples or ({},):
                yield pytest.param(op, sample, id=op.name + "".join(f"-{k}={v}" for k, v in sample.items()))


def assert_close(mine, theirs, what):
    assert (mine is None) == (theirs is None), f"{what}: {mine} against {theirs}"
    if mine is not None:
        torch.testing.assert_close(mine.expand(theirs.shape), theirs, rtol=1e-10, atol=1e-12, equal_nan=True, msg=lambda m: f"{what}: {m}")


def random_inputs(op, shapes):
    if op.name == "masked_fill_tensor":
        shapes = shapes[:2] + [()]
    generator = torch.Generator().manual_seed(zlib.crc32(op.name.encode()))
    low, high = (.05, .95) if op.name in ("_binary_cross_entropy", "_kl_div") else op.domain
    return [torch.rand(s, generator=generator, dtype=torch.float64) > .5 if p.name in op.bools
            else low + (high - low)*torch.rand(s, generator=generator, dtype=torch.float64) for p, s in zip(op.tensors, shapes)]


def compare(op, sample, xs, function, attrs=None, second=True):
    """Forward, first and second order: mine by formulas, theirs by torch."""
    attrs = sample if attrs is None else attrs
    diff = [i for i, p in enumerate(op.tensors) if not isinstance(op.vjp[p.name], str)]
    theirs = [x.clone().requires_grad_(i in diff) for i, x in enumerate(xs)]
    y = function(*theirs, **sample)
    coded = {k: op.param(k).choices.index(v) if op.param(k).choices else v for k, v in attrs.items()}
    mine = [Value(x) for x in xs]
    out = interpreter.apply(op, mine, coded)[0]
    assert_close(out.data, y.detach(), "forward")
    generator = torch.Generator().manual_seed(1)
    g = torch.randn(y.shape, generator=generator, dtype=torch.float64)
    g_theirs, g_mine = g.clone().requires_grad_(), Value(g)
    first = torch.autograd.grad(y, [theirs[i] for i in diff], g_theirs, create_graph=True, allow_unused=True)
    ours = interpreter.grad(out, g_mine, [mine[i] for i in diff])
    for i, a, b in zip(diff, ours, first):
        assert_close(a.data, b.detach() if b is not None else torch.zeros_like(xs[i]), f"gradient of {op.tensors[i].name}")
    if not second:
        return
    for i, a, b in zip(diff, ours, first):
        if b is None or not b.requires_grad:
            continue
        h = torch.randn(b.shape, generator=generator, dtype=torch.float64)
        wanted = torch.autograd.grad(b, [g_theirs] + [theirs[j] for j in diff], h, retain_graph=True, allow_unused=True)
        got = interpreter.grad(a, Value(h), [g_mine] + [mine[j] for j in diff])
        for name, u, v in zip(["g"] + [op.tensors[j].name for j in diff], got, wanted):
            u = u.data if u is not None else torch.zeros(1, dtype=torch.float64)
            assert_close(u, v if v is not None else torch.zeros_like(u), f"second order of {op.tensors[i].name} by {name}")


@pytest.mark.parametrize("op, sample", list(elementwise_cases()))
def test_elementwise(op, sample):
    compare(op, sample, random_inputs(op, [(3, 4)]*len(op.tensors)), reference(op))


@pytest.mark.parametrize("op, sample", [c for c in elementwise_cases() if len(c.values[0].tensors) > 1])
def test_elementwise_broadcast(op, sample):
    if op.name in REDUCTION_NONE or op.name == "prelu":
        pytest.skip("the facade broadcasts these before")
    compare(op, sample, random_inputs(op, ([(3, 1), (4,), (3, 4)] if op.name[:6] != "masked" else [(3, 4), (4,), ()])[:len(op.tensors)]),
            reference(op))


KINKS = torch.tensor([-3., -1., -.5, -0., 0., .5, 1., 3.], dtype=torch.float64)


@pytest.mark.parametrize("op, sample", list(elementwise_cases()))
def test_kinks(op, sample):
    """Ties, bounds and zeros: PyTorch's own choice of derivative, infinities and NaN included."""
    if op.name == "_binary_cross_entropy":
        pytest.skip("probabilities only")
    if op.name == "hardsigmoid":
        pytest.skip("clamp, which stands in for torch's function here, has other kinks")
    xs = torch.meshgrid(*[KINKS]*len(op.tensors), indexing="ij")
    xs = [x.reshape(-1).clone() for x in xs]
    xs = [x > 0 if p.name in op.bools else x for p, x in zip(op.tensors, xs)]
    if op.name == "masked_fill_tensor":
        xs[2] = torch.tensor(3., dtype=torch.float64)
    compare(op, sample, xs, reference(op), second=False)
