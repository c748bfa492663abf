"""Every differentiable row of the table, run by the engine: values, kernel VJP, formula VJP and second order against torch.

The cases are those of tests/codegen, where the formulas alone are tried; here the emitted C is. What varies: dtype, broadcasting,
strides, 0-d and empty operands.
"""
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import wengert                                                                      # noqa: E402
import wengert.ops                                                                  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "codegen"))
import conftest as _table                                                           # noqa: E402, F401
import test_structured_against_torch as structured                                  # noqa: E402
from test_against_torch import KINKS, REDUCTION_NONE, TABLE, elementwise_cases, random_inputs, reference   # noqa: E402

ELEMENTWISE = list(elementwise_cases())
#: torch's own trigamma is right to 5e-10 only, and finite at its poles: ours is held against mpmath in tests/codegen.
TRIGAMMA = ("digamma", "polygamma")


def ours(x, requires_grad=False):
    t = wengert.tensor(x.detach().tolist(), dtype=getattr(wengert, str(x.dtype).split(".")[1])).reshape(tuple(x.shape))
    return t.requires_grad_() if requires_grad else t


def array(t):
    return np.array(t.detach().tolist(), dtype=np.float64).reshape(tuple(t.shape))


def close(mine, theirs, what, rtol=1e-10, atol=1e-12):
    expected = theirs.detach().double().numpy(force=True)
    got = array(mine) if mine is not None else np.zeros(expected.shape)
    assert got.shape == expected.shape, what
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol, err_msg=what)


def call(op, tensors, attrs):
    """The row by its own name, attributes by theirs."""
    function = getattr(wengert.ops, op.name)
    attrs = {k: op.param(k).choices[v] if op.param(k).choices and isinstance(v, int) else v for k, v in attrs.items()}
    given = iter(tensors)
    args, keywords = [], {}
    if op.variadic:
        args, rest = [list(tensors)], [p for p in op.params if not p.is_tensor]
    else:
        rest = op.params
    for p in rest:
        if not p.is_tensor and p.name not in attrs:
            keywords = keywords or {"": None}                   # what follows a gap goes by keyword
            continue
        value = next(given) if p.is_tensor else attrs[p.name]
        if keywords or p.keyword_only:
            keywords[p.python_name] = value
        else:
            args.append(value)
    keywords.pop("", None)
    out = function(*args, **keywords)
    return out[0] if isinstance(out, (tuple, list)) else out


def gradients(out, inputs, g, create_graph=False):
    return wengert.autograd.grad([out], inputs, [g], retain_graph=True, create_graph=create_graph, allow_unused=True)


def compare(op, attrs, xs, function, second=True, lay_out=lambda t: t):
    """Values and derivatives of one call. lay_out: how our operands lie in memory."""
    formulas = [op.vjp[op.tensors[0 if op.variadic else i].name] for i in range(len(xs))]
    diff = [i for i, x in enumerate(xs) if x is not None and not isinstance(formulas[i], str)]
    theirs = [x.clone().requires_grad_(i in diff) if x is not None else None for i, x in enumerate(xs)]
    y = function(*theirs)
    leaves = [ours(x, i in diff) if x is not None else None for i, x in enumerate(xs)]
    out = call(op, [lay_out(t) if t is not None else None for t in leaves], attrs)
    assert out.grad_fn.name() == op.grad_name
    close(out, y, "value")
    rng = torch.Generator().manual_seed(1)
    g = torch.randn(y.shape, generator=rng, dtype=torch.float64)
    g_theirs, g_ours = g.clone().requires_grad_(), ours(g, True)
    first = torch.autograd.grad(y, [theirs[i] for i in diff], g_theirs, create_graph=True, allow_unused=True)
    wanted = [leaves[i] for i in diff]
    kernel, formula = gradients(out, wanted, g_ours), gradients(out, wanted, g_ours, create_graph=True)
    for i, a, b, c in zip(diff, kernel, formula, first):
        c = c if c is not None else torch.zeros_like(xs[i])
        close(a, c, f"kernel, input {i}")
        close(b, c, f"formula, input {i}")
        if op.kind == "elementwise":
            np.testing.assert_array_equal(array(a), array(b), err_msg=f"bits of kernel and formula, input {i}")
    for i, b, c in zip(diff, formula, first) if second else ():
        if c is None or not c.requires_grad:
            continue
        h = torch.randn(c.shape, generator=rng, dtype=torch.float64)
        expected = torch.autograd.grad(c, [g_theirs] + [theirs[j] for j in diff], h, retain_graph=True, allow_unused=True)
        got = gradients(b, [g_ours] + wanted, ours(h)) if b.requires_grad else [None]*len(expected)
        for j, u, v in zip(["g"] + diff, got, expected):
            if u is not None or v is not None:
                close(u, v if v is not None else torch.zeros(tuple(u.shape)), f"second order, input {i} by {j}")


@pytest.mark.parametrize("op, sample", [c for c in ELEMENTWISE if c.values[0].name not in TRIGAMMA])
def test_elementwise(op, sample):
    f = reference(op)
    compare(op, sample, random_inputs(op, [(3, 5)]*len(op.tensors)), lambda *x: f(*x, **sample), second=op.name != "lgamma")


@pytest.mark.parametrize("op, sample", [c for c in ELEMENTWISE if c.values[0].name not in TRIGAMMA])
def test_strided(op, sample):
    """Transposed operands, and windows with steps."""
    f = reference(op)

    def lay_out(t):
        if t.dim() != 2:
            return t
        return wengert.stack([t.t(), t.t()], 2)[:, :, 0].t()

    compare(op, sample, random_inputs(op, [(3, 5)]*len(op.tensors)), lambda *x: f(*x, **sample), second=False, lay_out=lay_out)


@pytest.mark.parametrize("op, sample", [c for c in ELEMENTWISE if len(c.values[0].tensors) > 1])
def test_broadcast(op, sample):
    if op.name in REDUCTION_NONE or op.name in ("prelu", "masked_fill_tensor"):
        pytest.skip("these are broadcast before")
    f = reference(op)
    shapes = [(3, 4), (4,), ()] if op.name[:6] == "masked" else [(3, 1), (4,), (3, 4)]
    compare(op, sample, random_inputs(op, shapes[:len(op.tensors)]), lambda *x: f(*x, **sample))


@pytest.mark.parametrize("shape", [(), (0,), (2, 0)], ids=str)
@pytest.mark.parametrize("op, sample", [c for c in ELEMENTWISE if c.values[0].name not in TRIGAMMA])
def test_no_dimension_and_no_element(op, sample, shape):
    f = reference(op)
    compare(op, sample, random_inputs(op, [shape]*len(op.tensors)), lambda *x: f(*x, **sample), second=False)


@pytest.mark.parametrize("op, sample", [c for c in ELEMENTWISE if c.values[0].name not in TRIGAMMA])
def test_kinks(op, sample):
    """Ties, bounds and zeros: PyTorch's own choice of derivative, infinities and NaN included."""
    if op.name in ("_binary_cross_entropy", "hardsigmoid", "masked_fill_tensor"):
        pytest.skip("tried in tests/codegen")
    f = reference(op)
    xs = [x.reshape(-1).clone() for x in torch.meshgrid(*[KINKS]*len(op.tensors), indexing="ij")]
    xs = [x > 0 if p.name in op.bools else x for p, x in zip(op.tensors, xs)]
    compare(op, sample, xs, lambda *x: f(*x, **sample), second=False)


@pytest.mark.parametrize("case", structured.CASES, ids=structured.name_of)
def test_structured(case):
    name, xs, attrs, function = case
    if name == "gather":
        function = lambda x, i: x.gather(1, i)                                     # noqa: E731
    compare(TABLE[name], attrs, xs, function, second=structured.name_of(case) not in structured.FIRST_ORDER_ONLY)


@pytest.mark.parametrize("case", structured.CASES, ids=structured.name_of)
def test_structured_strided(case):
    """Matrices come transposed."""
    name, xs, attrs, function = case
    if name == "gather":
        function = lambda x, i: x.gather(1, i)                                     # noqa: E731
    if name in ("view", "as_strided"):
        pytest.skip("speaks of memory")
    compare(TABLE[name], attrs, xs, function, second=False,
            lay_out=lambda t: t.transpose(0, -1).clone(memory_format=0).transpose(0, -1) if t.dim() > 1 else t)


#: float32 against float64: rounding of inputs and of a few operations.
LOOSE = dict(rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("op, sample", [c for c in ELEMENTWISE if c.values[0].name not in TRIGAMMA + ("lgamma",)])
def test_float32(op, sample):
    """float32 kernels and formulas, bit for bit, and near float64's values."""
    xs = random_inputs(op, [(4, 9)]*len(op.tensors))
    xs = [x if x.dtype == torch.bool else x.float() for x in xs]
    diff = [i for i, p in enumerate(op.tensors) if not isinstance(op.vjp[p.name], str)]
    leaves = [ours(x, i in diff) for i, x in enumerate(xs)]
    out = call(op, leaves, sample)
    assert out.dtype == wengert.float32
    generator = np.random.default_rng(zlib.crc32(op.name.encode()))
    g = wengert.tensor(generator.standard_normal(tuple(out.shape)).tolist(), dtype=wengert.float32)
    wanted = [leaves[i] for i in diff]
    kernel, formula = gradients(out, wanted, g), gradients(out, wanted, g, create_graph=True)
    for a, b in zip(kernel, formula):
        assert a.dtype == wengert.float32
        np.testing.assert_array_equal(array(a), array(b))
    wide = [ours(x if x.dtype == torch.bool else x.double(), i in diff) for i, x in enumerate(xs)]
    expected = call(op, wide, sample)
    np.testing.assert_allclose(array(out), array(expected), **LOOSE)
    for a, b in zip(kernel, gradients(expected, [wide[i] for i in diff], g.double())):
        np.testing.assert_allclose(array(a), array(b), **LOOSE)


INTEGERS = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "neg", "abs", "sign", "square", "floor_divide", "remainder", "fmod", "maximum",
                                  "minimum", "clamp_min", "eq", "lt", "ge", "logical_and", "logical_not", "bitwise_and", "bitwise_xor",
                                  "bitwise_left_shift", "bitwise_right_shift", "floor", "ceil", "round", "trunc", "exp", "isnan", "isinf", "signbit", "relu"])
def test_integers(name, dtype):
    """Values, dtypes and refusals of integers and bools, in PyTorch's words."""
    if (name, dtype) == ("square", torch.bool):
        pytest.skip("the facade makes it int64")
    op = TABLE[name]
    xs = [torch.tensor([[-7, 3, 100], [0, -128, 5]]).to(dtype), torch.tensor([[2, 1, 5], [3, 7, 1]]).to(dtype)][:len(op.tensors)]

    def outcome(run):
        try:
            y = run()
        except (RuntimeError, TypeError) as error:
            return type(error).__name__, str(error)
        return str(y.dtype).split(".")[1], y.tolist()

    theirs, mine = outcome(lambda: reference(op)(*xs)), outcome(lambda: call(op, [ours(x) for x in xs], {}))
    if theirs[0].endswith("Error"):
        assert mine[0].endswith("Error"), (mine, theirs)
    elif theirs[0].startswith("float"):
        assert mine[0] == theirs[0]
        np.testing.assert_allclose(mine[1], theirs[1], rtol=1e-6)
    else:
        assert mine == theirs
