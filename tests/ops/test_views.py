"""Views against torch: geometry, shared memory, errors, and derivatives of three orders."""
import pytest
from against_torch import DTYPES, LAYOUTS, assert_nothing_kept, cases, names, same, same_derivatives, same_error, same_value, torch

import wengert

CASES = cases("""
x.view(12) | x.view(2, 6) | x.view(3, 2, 2) | x.view(-1) | x.view(3, -1, 1) | x.view(1, 3, 1, 4, 1) | x.view(3, 4)
x.reshape(12) | x.reshape(2, 6) | x.reshape(4, 3) | x.reshape(3, 2, -1)
x.t() | x.transpose(0, 1) | x.transpose(-1, -2) | x.transpose(1, 1) | x.permute(1, 0) | x.permute(-2, -1) | x.T
x.squeeze() | x.unsqueeze(0) | x.unsqueeze(1) | x.unsqueeze(-1) | x.unsqueeze(1).squeeze(1) | x.unsqueeze(1).squeeze(0)
x.unsqueeze(0).squeeze((0, 1)) | x[:1].squeeze() | x[:1, :1].squeeze()
x.expand(3, 4) | x.expand(2, 3, 4) | x.expand(-1, 4) | x[:1].expand(5, 4) | x[:, :1].expand(2, 3, 6) | x.expand(0, 3, 4)
x.select(0, 1) | x.select(1, -1) | x[2] | x[-1] | x[:, 0] | x[1, 2]
x[1:] | x[:, 1:3] | x[::2] | x[:, ::3] | x[5:] | x[-2:] | x[:-1] | x[1:1] | x[2:1] | x[:100] | x[-100:2] | x[..., None, 1]
x.diagonal() | x.diagonal(1) | x.diagonal(-1) | x.diagonal(3) | x.diagonal(9) | x.diagonal(-9) | x.diagonal(0, 1, 0)
x.unfold(0, 2, 1) | x.unfold(1, 2, 2) | x.unfold(1, 3, 1) | x.unfold(-1, 4, 5) | x.unfold(0, 0, 1)
x.as_strided((2, 2), (1, 2)) | x.as_strided((2, 2), (1, 1), 1) | x.as_strided((), ()) | x.as_strided((3, 2), (0, 1)) | x.as_strided((0,), (1,))
x.split(2) | x.split(3, 1) | x.split(1, -1) | x.split(9) | x.split([1, 2]) | x.split([4, 0], 1) | x.split_with_sizes([2, 1]) | x.split([3, 0])
x.unbind() | x.unbind(1) | x.unbind(-1) | x.detach()
x.swapaxes(0, 1) | x.swapdims(0, -1)
""")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("text", CASES)
def test_values_and_geometry(text, layout):
    same(lambda lib: eval(text, names(lib, x=LAYOUTS[layout](lib))))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(dtype):
    for text in ("x.view(4, 3)", "x.t().reshape(12)", "x[::2, 1]", "x.diagonal()", "x.unfold(1, 2, 1)"):
        same_value(text, x=lambda lib: lib.arange(12).view(3, 4).to(getattr(lib, dtype)))


@pytest.mark.parametrize("text", [c for c in CASES if "reshape" not in c and "expand(0" not in c])
def test_memory_is_shared(text):
    """What is written to the base shows in the view."""
    def run(lib):
        x = lib.arange(12).view(3, 4)
        y = eval(text, names(lib, x=x))
        x.fill_(7)
        return y
    assert same(run)[0] == "returned"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_reshape_copies_only_when_it_must(layout):
    def run(lib, shape):
        x = LAYOUTS[layout](lib)
        return x.reshape(shape).data_ptr() == x.data_ptr()
    for shape in ((12,), (2, 6), (3, 4), (3, 2, 2), (1, 3, 1, 4)):
        assert run(wengert, shape) == run(torch, shape)


EDGES = cases("""
L(1.).view(1, 1) | L(1.).view(()) | o(1).view(()) | L(1.).t() | o(3).t() | L(1.).transpose(0, -1) | L(1.).squeeze(0) | L(1.).unsqueeze(-1)
L(1.).expand(2, 3) | L(1.).unfold(0, 1, 1) | L(1.).unfold(0, 0, 1) | L(1.).permute(()) | L(1.).reshape(-1)
o(0, 3).view(0, 5) | o(0, 3).view(3, -1) | o(0, 3).view(-1, 3) | o(0, 3).reshape(2, -1) | o(0, 3).t() | o(0, 3)[:, 1] | o(0, 3)[1:] | o(0, 3).unfold(1, 2, 1)
o(0, 3).diagonal() | o(3, 0).diagonal() | o(0).split(2) | o(0, 2).split(0) | o(0, 2).unbind() | o(0, 2).unbind(1) | o(0).expand(3, 0) | o(1, 0).expand(5, 0)
o(2, 3, 4).permute(2, 0, 1).reshape(4, 6) | o(2, 3, 4).permute(2, 0, 1).view(4, 2, 3, 1) | o(2, 3, 4).diagonal(1, 0, -1) | o(2, 3, 4).diagonal(0, -1, -2)
o(2, 1, 3, 1).squeeze((1, 3)) | o(2, 1, 3, 1).squeeze((0, 1)) | o(2, 1, 3, 1).squeeze(-1) | o(1, 1).squeeze()
o(4, 4).expand(4, 4)[::3].view(2, 4) | o(2, 3, 4)[:, 1:].view(2, 8) | o(2, 3, 4)[:, :, 1:].unsqueeze(0).view(2, 3, 3)
""")


@pytest.mark.parametrize("text", EDGES)
def test_edges(text):
    same_value(text)


ERRORS = cases("""
o(3).view(2, -1) | o(3).view(2) | o(3).view(-1, -1) | o(3).view(-2) | o(3).view(-1, -2) | o(0).view(-1, 0) | o(2, 3).t().view(6) | o(3).reshape(2, -1)
o(2, 2, 2).t() | o(2, 3).permute(0) | o(2, 3).permute(0, 0) | o(2, 3).permute(0, 2) | L(1.).transpose(0, 1) | o(2, 3).transpose(0, 5)
o(2, 1).squeeze((0, 0)) | o(2, 1).squeeze((0, -2)) | o(2, 1).squeeze(2) | o(2, 3).unsqueeze(4) | o(2, 3).unsqueeze(-4)
o(3).expand(4) | o(3).expand(-1, 3) | o(3).expand(-2) | o(2, 3).expand(3) | o(2, 3).expand(5, 2, 4)
o(2, 3)[2] | o(2, 3)[:, -4] | o(2, 3)[:, 3] | o(2, 3).select(2, 0) | L(1.).select(0, 0)
o(2, 3).diagonal(0, 0, 0) | o(3).diagonal() | o(2, 3).diagonal(0, 0, 2)
o(3).unfold(0, 5, 1) | o(3).unfold(0, 2, 0) | o(3).unfold(0, 2, -1) | o(3).unfold(0, -2, 1) | o(3).unfold(1, 1, 1) | L(1.).unfold(0, 2, 1)
o(3).as_strided((4,), (1,)) | o(3).as_strided((2,), (1, 1)) | o(3).as_strided((2,), (-1,)) | o(3).as_strided((2,), (1,), 2) | o(3).as_strided((2,), (1,), -1)
o(3).as_strided((-1,), (1,), 0) | o(3).as_strided((2**40, 2**40), (2**40, 1))
L(1.).split(1) | o(2, 3).split(-1) | o(2, 3).split(0) | o(2, 3).split([1, 2]) | o(2, 3).split([-1, 3]) | o(2, 3).split([1, 1], 2) | o(2, 3).split(1, 2)
L(1.).split([1]) | L(1.).unbind() | o(2, 3).unbind(2)
""")


@pytest.mark.parametrize("text", ERRORS)
def test_errors(text):
    same_error(text)


DERIVATIVES = [
    ("x.view(4, 3)", (3, 4)), ("x.t().reshape(12)", (3, 4)), ("x.transpose(0, 2)", (2, 3, 4)), ("x.t()", (2, 3)), ("x.permute(2, 0, 1)", (2, 3, 4)),
    ("x.squeeze()", (2, 1, 3)), ("x.squeeze(1)", (2, 1, 3)), ("x.unsqueeze(1)", (2, 3)), ("x.expand(4, 2, 3)", (2, 1)), ("x.expand(3)", ()),
    ("x.select(1, 2)", (2, 3)), ("x[1]", (2, 3)), ("x[1, 2]", (2, 3)), ("x[:, 1:]", (2, 3)), ("x[::2, ::3]", (5, 7)), ("x[3:]", (2, 3)),
    ("x.diagonal()", (3, 4)), ("x.diagonal(1, 0, 2)", (2, 3, 4)), ("x.unfold(0, 3, 1)", (5,)), ("x.unfold(1, 2, 2)", (2, 5)),
    ("x.as_strided((3, 2), (2, 1), 1)", (4, 3)), ("x.as_strided((3, 3), (1, 1))", (5,)), ("x.as_strided((2, 2), (0, 1))", (5,)),
    ("x.split(2)", (5, 2)), ("x.split([1, 3], 1)", (2, 4)), ("x.unbind(1)", (2, 3)), ("x.split(2)[1]", (5, 2)), ("x.t().t().view(6)", (2, 3)),
    ("x[:0]", (2, 3)), ("x.swapaxes(0, 1)[1:]", (2, 3)), ("x.expand(2, 3).t().reshape(6)", (2, 1)), ("x.squeeze().unsqueeze(0)", (1, 1)),
]


@pytest.mark.parametrize("text,shape", DERIVATIVES, ids=[d[0] for d in DERIVATIVES])
def test_derivatives(text, shape):
    same_derivatives(text, shape)


def test_nothing_is_kept():
    assert_nothing_kept(CASES + EDGES + ERRORS)
