"""Copies, casts, joins, padding and writing in place against torch."""
import pytest
from against_torch import DTYPES, LAYOUTS, assert_nothing_kept, cases, names, same, same_derivatives, same_error, same_value, torch

import wengert


VALUES = cases("""
x.clone() | x.clone(memory_format=torch.contiguous_format) | x.clone(memory_format=torch.preserve_format) | x.contiguous()
x.sum_to_size(3, 4) | x.sum_to_size(1, 4) | x.sum_to_size(3, 1) | x.sum_to_size(4) | x.sum_to_size(1) | x.sum_to_size(())
torch.cat([x, x]) | torch.cat([x, x[:2]], 0) | torch.cat([x, x[:, :1], x], 1) | torch.cat([x], -1) | torch.concat([x, x], dim=-2) | torch.cat([x, o(0)], 1)
torch.stack([x, x]) | torch.stack([x, x], 1) | torch.stack([x, x, x], -1) | torch.stack([x], 2)
torch.stack([x[0], x[1]]) | torch.stack([x[0, 0], x[1, 1]])
x.flip(0) | x.flip(1) | x.flip(0, 1) | x.flip((-1,)) | x.flip(())
x.roll(1) | x.roll(-5) | x.roll(1, 0) | x.roll((1, -2), (0, 1)) | x.roll((1, 1), (1, 1)) | x.roll(100, -1) | x.roll(-100, 0)
x.repeat(2, 1) | x.repeat(1, 3) | x.repeat(2, 3, 2) | x.repeat(0, 2) | x.repeat(1, 1)
x.tril() | x.tril(1) | x.tril(-1) | x.triu() | x.triu(2) | x.triu(-1) | x.triu(99) | x.tril(-99)
F.pad(x, (1, 2)) | F.pad(x, (1, 2, 3, 0), value=7) | F.pad(x, (-1, 2)) | F.pad(x, (-1, -1, 1, 1)) | F.pad(x, ()) | F.pad(x, (-2, -2))
F.pad(x, (2, 1), "reflect") | F.pad(x, (2, 1), "replicate") | F.pad(x, (2, 1), "circular") | F.pad(x, (4, 4), "circular") | F.pad(x, (9, 1), "replicate")
F.pad(x, (-1, 2), "reflect") | F.pad(x, (-1, 2), "replicate") | F.pad(x, (-1, 2), "circular") | F.pad(x, (2, -2), "circular") | F.pad(x, (-1, -1), "circular")
F.pad(x, (3, 0), "reflect") | F.pad(x[None], (1, 1, 2, 2), "reflect") | F.pad(x[None, None], (1, 1, 2, 1), "circular")
F.pad(x[None, None], (1, 1, 2, 1), "replicate") | F.pad(x[None, None, None], (1, 0, 1, 0, 0, 0), "reflect") | F.pad(x[:, None, None, None], (1, 0, 1, 0, 1, 2), "replicate")
torch.fill(x, 3) | torch.fill(x, L(5))
""")
#: torch merges dimensions of an expanded input in its own way before it orders them
OWN_STRIDES = ("clone", "flip", "roll(1, 0)", "roll((1", "roll(100", "roll(-100", "fill")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("text", VALUES)
def test_values_and_geometry(text, layout):
    same(lambda lib: eval(text, names(lib, x=LAYOUTS[layout](lib))))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(dtype):
    for text in VALUES:
        if dtype == "bool" and '"re' in text:      # torch's reflect and replicate refuse bool
            continue
        same_value(text, x=lambda lib: lib.arange(12).view(3, 4).to(getattr(lib, dtype)))


@pytest.mark.parametrize("to", DTYPES + ("int8", "int16", "int32"))
@pytest.mark.parametrize("dtype", DTYPES)
def test_casts(dtype, to):
    same_value(f"x.to(torch.{to})", x=lambda lib: lib.tensor([0, 1, 2, 100, 200, 3]).to(getattr(lib, dtype)))
    same_value(f"x.t().to(torch.{to})", x=lambda lib: lib.arange(6).view(2, 3).to(getattr(lib, dtype)))


EDGES = cases("""
torch.cat([o(0), o(2, 3)], 1) | torch.cat([o(0), o(0)]) | torch.cat([o(0), o(0)], 1) | torch.cat([o(0, dtype=torch.float64), o(2, 3)], 1)
torch.cat([o(2, 3), o(2, 3).int(), o(2, 3).double()]) | torch.cat([o(2).half(), o(2).bfloat16()]) | torch.cat([o(2).int(), o(2) > 0]) | torch.cat([o(2, 0), o(2, 3)], 1)
torch.cat([o(1)]*300) | torch.stack([L(1.)]*300) | torch.stack([o(2), o(2).double()], -1) | torch.stack([o(0), o(0)])
L(1.).flip(0) | L(1.).roll(1) | o(0).roll(1, 0) | o(0, 3).roll(2) | L(2.).repeat(3) | L(2.).repeat(()) | L(2.).clone() | o(0, 3).tril() | o(2, 3, 3).tril()
F.pad(L(1.), ()) | F.pad(o(0, 3), (1, 1)) | F.pad(o(2, 0), (1, 1)) | F.pad(o(0, 3), (1, 1), "circular") | F.pad(o(0, 1, 3), (1, 1), "reflect")
F.pad(o(2, 3, dtype=torch.int64), (1, 1), value=2.7) | F.pad(o(2, 3) > 0, (1, 1)) | o(2, 3).int().sum_to_size(3) | (o(2, 3) > 0).sum_to_size(3) | o(2, 3).int().sum_to_size(2, 3)
o(4).int().fill_(2.7) | o(2, 3).fill_(True) | o(2, 3).fill_(L(2)) | o(2, 3).copy_(o(3)*2) | o(2, 3).copy_(o(2, 1).int()) | o(2, 3).copy_(L(4.)) | o(2, 3).zero_() | o(1, 3).expand(2, 3).fill_(5)
""")


@pytest.mark.parametrize("text", EDGES)
def test_edges(text):
    same_value(text)


ERRORS = cases("""
torch.cat([]) | torch.cat([o(2, 3), o(2, 4)]) | torch.cat([o(2, 3), o(2)]) | torch.cat([L(1.), L(1.)]) | torch.cat([o(1), L(1.)]) | torch.cat([o(2, 3), o(2, 3)], 2)
torch.cat([o(2, 3), o(3, 3), o(2, 3)], 1) | torch.cat([o(2, 3, 4), o(2, 2, 4), o(2, 3, 4)])
torch.stack([]) | torch.stack([o(2), o(3)]) | torch.stack([o(2), o(2)], 3)
o(2, 3).sum_to_size(4) | o(2, 3).sum_to_size(2, 3, 1)
o(2, 3).flip(0, 0) | o(2, 3).flip(2) | o(2, 3).roll((1, 2)) | o(2, 3).roll((), ()) | o(2, 3).roll((1,), (0, 1)) | o(2, 3).roll(1, 2) | L(1.).roll(1, 0)
o(2, 3).repeat(2) | o(2, 3).repeat(2, -1) | o(3).tril() | o(3).triu()
F.pad(o(2, 3), (1,)) | F.pad(o(2, 3), (1, 1, 1, 1, 1, 1)) | F.pad(L(1.), (1, 1))
F.pad(o(2, 3), (1, 1, 1, 1), "reflect") | F.pad(o(1, 3), (4, 4), "reflect") | F.pad(o(1, 3), (3, 0), "reflect") | F.pad(o(3), (1, 1), "reflect") | F.pad(o(3), (1, 1), "circular")
F.pad(o(1, 1, 3), (1, 1, 1, 1), "reflect") | F.pad(o(1, 1, 3, 3), (1, 3, 1, 1), "reflect") | F.pad(o(1, 1, 3, 3), (1, 1, 3, 1), "reflect") | F.pad(o(1, 1, 3, 3), (1, 1), "reflect")
F.pad(o(1, 3), (-2, -1), "replicate") | F.pad(o(1, 0), (1, 1), "replicate") | F.pad(o(1, 0), (1, 1), "reflect") | F.pad(o(0, 3), (1, 1), "reflect")
F.pad(o(1, 3), (4, 4), "circular") | F.pad(o(1, 3), (-2, -2), "circular") | F.pad(o(1, 3), (1, 1), "reflect", 1.)
o(2, 3).copy_(o(4)) | o(2, 3).copy_(o(1, 2, 3)) | o(2, 3).copy_(o(2, 2, 3)) | o(2, 3).fill_(o(2)) | o(3).expand(2, 3).copy_(o(3))
""")


@pytest.mark.parametrize("text", ERRORS)
def test_errors(text):
    same_error(text)


DERIVATIVES = [
    ("x.clone()", (2, 3)), ("x.t().clone()", (2, 3)), ("x.to(torch.float64)*1", (2, 3)), ("x.sum_to_size(3)", (2, 3)), ("x.sum_to_size(2, 1)", (2, 3)),
    ("torch.cat([x, y])", (2, 3), (1, 3)), ("torch.cat([x, y, x], 1)", (2, 3), (2, 1)), ("torch.cat([x, o(0, dtype=torch.float64), y])", (2, 3), (1, 3)),
    ("torch.cat([y, x], 1)", (2, 3), (0,)), ("torch.stack([x, y], 1)", (2, 3), (2, 3)), ("torch.stack([x, y, x])", (), ()),
    ("x.flip(0, 2)", (2, 3, 4)), ("x.roll((1, -2), (0, 1))", (2, 5)), ("x.roll(3)", (2, 5)), ("x.t().roll(1, 0)", (2, 5)),
    ("x.repeat(2, 3)", (2, 3)), ("x.repeat(2, 1, 3)", (2, 1)), ("x.repeat(3)", ()), ("x.repeat(0, 2)", (2, 3)), ("x.repeat(1, 1)", (2, 3)),
    ("x.tril(1)", (3, 3)), ("x.triu(-1)", (2, 3, 4)),
    ("F.pad(x, (1, 2, 0, 1))", (2, 3)), ("F.pad(x, (-1, 2), value=3.)", (2, 3)), ("F.pad(x, (2, 1), 'reflect')", (2, 4)), ("F.pad(x, (2, 3), 'replicate')", (2, 4)),
    ("F.pad(x, (2, 4), 'circular')", (2, 4)), ("F.pad(x, (-1, 2), 'circular')", (2, 5)), ("F.pad(x, (1, 1, 2, 1), 'reflect')", (1, 2, 3, 4)),
    ("x.mul(1.).fill_(2.)*y", (2, 3), (2, 3)), ("torch.fill(x, y)", (2, 3), ()), ("x.mul(1.).zero_()*y", (2, 3), (2, 3)),
    ("x.mul(1.).copy_(y)", (2, 3), (3,)), ("x.mul(1.).tril_()", (3, 3)),
]


@pytest.mark.parametrize("text,shapes", [(d[0], d[1:]) for d in DERIVATIVES], ids=[d[0] for d in DERIVATIVES])
def test_derivatives(text, shapes):
    same_derivatives(text, *shapes)


# ---- writing through views ---------------------------------------------------------------------------------------

WRITES = {
    "row": "v = b[1]; v.copy_(v.clone()*y[:4])",
    "column": "v = b[:, 1]; v.copy_(y[:3])",
    "step": "v = b[:, ::2]; v.exp_()",
    "diagonal": "v = b.diagonal(); v.fill_(2.); v.add_(y[:3])",
    "transposed": "v = b.t()[1:]; v.mul_(3.); b.add_(y[0])",
    "reshaped": "v = b.view(2, 6); v[1].copy_(y[:6])",
    "view of a view": "v = b[1:][:, 2:].t(); v.add_(y[:2].view(2, 1)); v.exp_()",
    "base after view": "v = b[0]; b.mul_(2.); b = b*v.sum_to_size(1)",
    "two views": "v = b[0]; u = b[:, 1]; v.mul_(2.); u.add_(y[1]); b = b + v*u.sum_to_size(1)",
    "view's view after write": "v = b[1:]; b.add_(y[2]); u = v[0]; u.exp_(); b = b*1.; v = v*u",
    "assignment": "b[1] = y[:4]; b[:, 2] = y[1]; b[0, 0] = 5.",
    "indexed assignment": "b[I(0, 2), I(1, 1)] = y[:2]; v = b*1.",
    "assignment from itself": "b[1:] = b[:-1].clone(); v = b[0]; v.copy_(v.clone()*y[0])",
    "unsqueezed": "v = b.unsqueeze(1); v.add_(y[:4]); b = b*v.squeeze_(1)",
    "squeezed in place": "v = b.view(3, 1, 4); v.squeeze_(1); v.sub_(y[0]); b = b*1.",
    "transposed in place": "b.t_(); b.add_(y[:3]); v = b[1]; v.exp_()",
    "transposed base of a view": "v = b[1]; b.t_(); b.add_(y[:3]); v.add_(y[1]); v.exp_(); b = b*1.",
    "columns": "b = x.t()*1.; v = b[1]; v.add_(y[:3]); v.sin_(); u = b.t(); u[0].mul_(y[:4])",
    "part of a larger base": "c = x*1.; b = c[1:, ::2]; v = b[:, 1]; v.copy_(y[:2]); v.exp_(); b = b*c[0, 0]; v = c*1.",
    "scattered": "v = b.t(); v.scatter_add_(0, I([0, 1, 1]), y[:3].view(1, 3)); v.exp_()",
    "indexed view": "v = b[1:]; v.index_add_(1, I(0, 0), y[:4].view(2, 2)); v.index_fill_(1, I(3), 2.); v[:, I(1, 2)] = y[4:8].view(2, 2)",
    "masked": "v = b[:, 1:]; v.masked_fill_(L([True, False, True]), 3.); b[b.detach() > 0] = y[0]; v.exp_()",
    "clamped and divided": "v = b[0]; v.clamp_(-0.5, 0.5); b.div_(2.); v.neg_()",
    "unfolded": "v = b.view(12).unfold(0, 3, 3); v.add_(y[:3])",
    "overlapping reads": "b[0] = y[:4]; v = b.view(12).unfold(0, 3, 1)*2.; b[1] = 1.",
    "old values": "v = b[0]; v.mul_(y[:4]); v.sin_(); v.div_(y[4:]); b.clamp_(-1., 1.); b.pow_(3.); v.abs_()",
    "expanded value": "v = b[:2]; v.copy_(y[0].expand(2, 4))",
    "as_strided": "v = b.as_strided((2, 2), (4, 1), 1); v.add_(y[:2]); v.exp_()",
}


@pytest.mark.parametrize("program", WRITES.values(), ids=WRITES)
def test_writes_through_views(program):
    same_derivatives(f"run('''{program}''', x, y)", (3, 4), (8,))


def run(program, x, y):
    """Values of the base b = x*1 and of the last view v after the program."""
    lib = torch if isinstance(x, torch.Tensor) else wengert
    env = names(lib, x=x, y=y, b=x*1.)
    exec(program, env)
    return [env["b"]*1., env["v"]*1.] if "v" in env else [env["b"]*1.]


@pytest.fixture(autouse=True)
def run_in_expressions(monkeypatch):
    import against_torch
    original = against_torch.names
    monkeypatch.setattr(against_torch, "names", lambda lib, **more: original(lib, run=run, **more))


def test_overlapping_copies_read_the_old_values():
    x = wengert.arange(9.).view(3, 3)
    x.copy_(x.t())
    assert x.tolist() == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    x = wengert.arange(6.)
    x[1:] = x[:-1]
    assert x.tolist() == [0, 0, 1, 2, 3, 4]
    with pytest.raises(RuntimeError, match="refer to a single memory location"):
        x[1:].mul_(x[:-1])


def test_detach_in_place():
    def program(lib):
        x = lib.ones(2, requires_grad=True)
        y = x*2
        y.detach_()
        return y.requires_grad, y.is_leaf, x.requires_grad
    assert same(program)[0] == "returned"
    same(lambda lib: lib.ones(3)[1].detach_())


# ---- what autograd says of writes, compared as a whole ---------------------------------------------------------------

def made_without_grad(lib):
    x = lib.ones(2, 3, requires_grad=True)
    with lib.no_grad():
        v = x.view(6)
    v.add_(1)


def made_without_grad_of_a_result(lib):
    x = lib.ones(2, 3, requires_grad=True)*1
    with lib.no_grad():
        v = x.view(6)
    v.mul_(x.view(6))


def detached_base(lib):
    y = lib.ones(3, requires_grad=True)*2
    z = y.view(3)
    y.detach_()
    return z.requires_grad, y.requires_grad


def view_of_a_dead_base(lib):
    x = lib.ones(3, requires_grad=True)
    y = (x*1).view(3, 1)
    y.mul_(2)
    y.sum().backward()
    return x.grad


def rows_from_a_leaf(lib):
    x, y = lib.ones(2, 3), lib.ones(3, requires_grad=True)
    x[0] = y
    x[1] = 2*y
    x.sum().backward()
    return y.grad, x.requires_grad, type(x.grad_fn).__name__


def view_becomes_recorded(lib):
    x = lib.ones(2, 3)
    v, u = x[0], x[1]
    v.copy_(lib.ones(3, requires_grad=True))
    return x.requires_grad, v.requires_grad, u.requires_grad


def detached_is_written(lib):
    x = lib.ones(2, 2, requires_grad=True)
    x.t().detach().zero_()
    return x


def detached_is_written_after_use(lib):
    x = lib.ones(2, 2, requires_grad=True)
    y = x*x
    x.detach().zero_()
    y.sum().backward()


def data_is_written_after_use(lib):
    x = lib.ones(2, 2, requires_grad=True)
    y = x*x
    x.data.zero_()
    y.sum().backward()
    return x.grad


def geometry_without_grad(lib):
    x = lib.ones(4, requires_grad=True)
    with lib.no_grad():
        x.unsqueeze_(0)
    return x.shape, x.requires_grad, x.is_leaf


def requires_grad_then_base_written(lib):
    x = lib.ones(2, 3)
    v = x[0].requires_grad_(True)
    x.mul_(2)
    return v.requires_grad, x.requires_grad, v


def old_value_overwritten(lib):
    x = lib.ones(3, requires_grad=True)*1
    x.exp_()
    x.mul_(2.)
    x.sum().backward()


PROGRAMS = [made_without_grad, made_without_grad_of_a_result, detached_base, view_of_a_dead_base, rows_from_a_leaf, view_becomes_recorded,
            detached_is_written, data_is_written_after_use, geometry_without_grad, requires_grad_then_base_written]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_autograd_of_writes(program):
    same(program)


@pytest.mark.parametrize("program", [detached_is_written_after_use, old_value_overwritten], ids=lambda p: p.__name__)
def test_saved_values_that_were_overwritten(program):
    """The words are our own there; the error is PyTorch's."""
    for lib in (wengert, torch):
        with pytest.raises(RuntimeError, match="one of the variables needed for gradient computation has been modified by an inplace operation"):
            program(lib)


@pytest.mark.parametrize("text", cases("""
x.split(1)[1].mul_(2) | x.unbind()[1].mul_(2) | x.view(2, 2).unbind(1)[0].mul_(2) | x.split([1, 1])[1].mul_(2) | x.unbind()[1].view(2).mul_(2) | x.unbind()[1].fill_(2)
x.expand(3, 2, 2).mul_(2) | x[0].detach().detach_() | x[0].detach_()
"""))
def test_writes_to_several_views(text):
    same(lambda lib: eval(text, names(lib, x=lib.ones(2, 2, requires_grad=True)*1)))


def test_leaves_are_not_written():
    for text in ("x.mul_(2)", "x.t_()", "x[0].fill_(1)", "x.zero_()", "x.view(4).mul_(2)"):
        same_error(text, x=lambda lib: lib.ones(2, 2, requires_grad=True))


def test_nothing_is_kept():
    assert_nothing_kept(VALUES + EDGES + ERRORS)


@pytest.mark.parametrize("count", [1, 127, 128, 254, 255, 256, 257, 1000])
@pytest.mark.parametrize("join", ["torch.stack(xs)", "torch.cat(xs)"])
def test_joins_any_number_of_tensors(join, count):
    """255 of them once met the mark of an operation without a flat record."""
    xs = [wengert.full([] if "stack" in join else [1], float(i), requires_grad=True) for i in range(count)]
    joined = eval(join, {"torch": wengert, "xs": xs})
    (joined * joined).sum().backward()
    assert joined.tolist() == [float(i) for i in range(count)]
    assert [x.grad.item() for x in xs] == [2.0 * i for i in range(count)]


PERMUTED = {
    "in steps": lambda lib: lib.zeros(6, 8, 10)[::2, ::2, ::2], "transposed in steps": lambda lib: lib.zeros(6, 8, 10)[::2, ::2, ::2].permute(2, 0, 1),
    "transposed": lambda lib: lib.zeros(3, 4, 5).permute(1, 2, 0), "expanded": lambda lib: lib.zeros(1, 4, 5).expand(3, 4, 5).transpose(1, 2),
    "row of a transposed one": lambda lib: lib.zeros(5, 4, 3).transpose(0, 2)[:1],
}
RESULTS = {
    "clone": lambda lib, x: x.clone(), "double": lambda lib, x: x.double(), "zeros_like": lambda lib, x: lib.zeros_like(x), "empty_like": lambda lib, x: lib.empty_like(x),
    "exp": lambda lib, x: x.exp(), "number": lambda lib, x: x * 2, "0-d": lambda lib, x: x + lib.ones(()), "itself": lambda lib, x: x - x,
    "contiguous after": lambda lib, x: x + lib.ones(x.shape), "contiguous before": lambda lib, x: lib.ones(x.shape) + x,
    "row after": lambda lib, x: x + lib.ones(x.shape[-1]), "row before": lambda lib, x: lib.ones(x.shape[-1]) + x,
    "column": lambda lib, x: x * lib.ones(x.shape[-2], 1), "broadcast": lambda lib, x: x[:1] * x, "another dimension": lambda lib, x: x.unsqueeze(0) * lib.ones(2, *[1] * x.dim()),
    "where": lambda lib, x: lib.where(x > 0, x, lib.ones(x.shape)), "compare": lambda lib, x: x > 1, "into ints": lambda lib, x: x + x.int(), "flip": lambda lib, x: x.flip(0),
}


@pytest.mark.parametrize("layout", PERMUTED)
@pytest.mark.parametrize("operation", RESULTS)
def test_results_lie_in_memory_as_torchs_do(operation, layout):
    """Their strides decide what `view` accepts, and which element gets which random number."""
    torch = pytest.importorskip("torch")
    ours, theirs = (RESULTS[operation](lib, PERMUTED[layout](lib)) for lib in (wengert, torch))
    assert ours.stride() == theirs.stride() and ours.is_contiguous() == theirs.is_contiguous()


@pytest.mark.parametrize("text", ["x[:, None].expand(100, 3).contiguous()", "x.reshape(50, 2).t().contiguous().t()[:, None].expand(50, 3, 2).clone()", "x.unfold(0, 4, 2).contiguous()",
                                  "x[:96].reshape(2, 6, 4, 2).permute(0, 2, 1, 3).contiguous()", "x[:96].reshape(3, 4, 4, 2).permute(1, 2, 0, 3).double()",
                                  "x[:, None, None].expand(100, 2, 5).contiguous()", "x.flip(0)[::2, None].expand(50, 15).contiguous()",
                                  "x.repeat_interleave(3)", "x.repeat_interleave(1)", "x[:6].reshape(2, 3).t().repeat_interleave(2, 1)", "x[0].repeat_interleave(2)",
                                  "x[:6].reshape(2, 3).repeat_interleave(0, -1)", "x.repeat_interleave(torch.tensor(2))"])
def test_many_short_runs(text):
    same_value(text, x=lambda lib: lib.arange(100))
    if "double" not in text:
        same_value(text, x=lambda lib: lib.arange(100).to(lib.bfloat16))


def test_repeats_are_copies_and_refused_as_torch_refuses_them():
    x = wengert.arange(3)
    x.repeat_interleave(1)[0] = 9
    y = wengert.ones(1).repeat_interleave(3)
    y[0] = 5
    assert x.tolist() == [0, 1, 2] and y.tolist() == [5, 1, 1]
    for text in ("x.repeat_interleave(-1)", "x.repeat_interleave(2, 5)", "x[0].repeat_interleave(2, 0)", "x.repeat_interleave(torch.tensor([1, -1, 1]))"):
        same_error(text, x=lambda lib: lib.arange(3))
