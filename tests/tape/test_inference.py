"""Tensors made in inference mode: where they may go, and what is said where they may not. Compared with torch."""
import copy

import pytest

import wengert

pytest.importorskip("torch")
from tests.like_torch import assert_same  # noqa: E402

pytestmark = pytest.mark.engine


def made(t, **kwargs):
    with t.inference_mode():
        return t.ones(3, dtype=t.float64, **kwargs)


def leaf(t):
    return t.arange(3.0, dtype=t.float64).requires_grad_()


def inside(t, run):
    with t.inference_mode():
        return run()


#: expressions of a: made in inference mode, x: a leaf, b: an ordinary tensor
EXPRESSIONS = """
a.is_inference() | b.is_inference() | t.is_inference(a) | a._version | b._version | (a * 2).is_inference()
a[0].is_inference() | a[:2].is_inference() | a.view(3, 1).is_inference() | a.detach().is_inference() | a.data.is_inference()
a.clone().is_inference() | copy.deepcopy(a).is_inference() | a[0]._version | a.expand(2, 3).is_inference()
inside(t, lambda: b[:2].is_inference()) | inside(t, lambda: b.detach().is_inference()) | inside(t, lambda: b.data.is_inference())
inside(t, lambda: b.view(3, 1).is_inference()) | inside(t, lambda: (b * 1).is_inference()) | inside(t, lambda: x[:1].is_inference())
inside(t, lambda: b.clone().is_inference()) | inside(t, lambda: b.sum().is_inference()) | inside(t, lambda: a.add_(1))
inside(t, lambda: b.add_(1)._version) | inside(t, lambda: t.tensor([1.0]).is_inference()) | inside(t, lambda: a._version)
inside(t, lambda: (x * 2).requires_grad) | inside(t, lambda: (x * 2).is_leaf) | inside(t, lambda: x.exp().grad_fn)
a * x | x * a | a + x | x.mul(1) + a | t.stack([a, x]) | x.matmul(a) | (x + a).exp() | a.pow(2) | a.exp() | x.sum() * 2 + a.sum()
t.nn.functional.linear(a, t.ones(2, 3, dtype=t.float64, requires_grad=True)) | t.where(a > 0, x, x * 2) | x[t.tensor([0, 1])]
x[inside(t, lambda: t.tensor([0, 1]))] | x.index_select(0, inside(t, lambda: t.tensor([0, 1])))
a.add_(1) | a.mul_(2) | a.zero_() | a.fill_(3) | a.copy_(b) | a[0].fill_(1) | a.__setitem__(0, 1.0) | a.exp_() | a.clamp_(0, 1)
nograd(t, lambda: a.add_(1)) | t.add(b, 1, out=a) | a.requires_grad_() | a.requires_grad_(False) | t.nn.Parameter(a)
inside(t, lambda: a.requires_grad_().requires_grad) | inside(t, lambda: t.ones(2, requires_grad=True).requires_grad)
inside(t, lambda: t.is_grad_enabled()) | inside(t, lambda: t.is_inference_mode_enabled()) | b.add_(a) | b.copy_(a) | t.add(a, a, out=b)
inside(t, lambda: enabled(t, lambda: ((x * 2).requires_grad, t.is_grad_enabled(), (x * 2).is_inference())))
inside(t, lambda: (enabled(t, lambda: 0), t.is_grad_enabled())) | a.numpy().sum() | a.tolist() | a.sum().item()
made(t, requires_grad=True).is_inference() | made(t, requires_grad=True).requires_grad | made(t, requires_grad=True) * x
"""


def nograd(t, run):
    with t.no_grad():
        return run()


def enabled(t, run):
    with t.enable_grad():
        return run()


@pytest.mark.parametrize("text", [e.strip() for line in EXPRESSIONS.strip().splitlines() for e in line.split(" | ")])
def test_inference_tensors(text):
    def program(t):
        return eval(text, {"t": t, "a": made(t), "x": leaf(t), "b": t.ones(3, dtype=t.float64), "copy": copy, "inside": inside,
                           "nograd": nograd, "enabled": enabled, "made": made})
    assert_same(program)


def test_functions_cannot_save_them():
    def program(t):
        class Scale(t.autograd.Function):
            @staticmethod
            def forward(ctx, x, a):
                ctx.save_for_backward(a)
                return x * a

            @staticmethod
            def backward(ctx, g):
                return g * ctx.saved_tensors[0], None
        return Scale.apply(leaf(t), made(t))
    assert_same(program)


def test_a_failed_record_leaves_nothing():
    before = wengert._core.memory_stats()["records"]
    x, a = leaf(wengert), made(wengert)
    for run in (lambda: x * a, lambda: x @ a, lambda: (x + a).mul_(a), lambda: wengert.stack([x, a]).prod(0) * a):
        with pytest.raises(RuntimeError, match="saved for backward"):
            run()
    assert wengert._core.memory_stats()["records"] == before
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


@pytest.mark.parametrize("text", ("v.mul_(2)", "w.mul_(2)", "x[:2].is_inference()", "nograd(t, lambda: v.mul_(2))"))
def test_views_made_in_inference_mode(text):
    def program(t):
        x, b = leaf(t) * 1, t.ones(3, dtype=t.float64)
        with t.inference_mode():
            v, w = x[:2], b[:2]
        return eval(text, {"t": t, "v": v, "w": w, "x": x, "nograd": nograd})
    assert_same(program)


def test_what_is_computed_inside_is_as_outside_after_clone():
    def program(t):
        a = made(t).clone()
        x = leaf(t)
        (x * a).sum().backward()
        a.add_(1)
        return x.grad, a, a.is_inference()
    assert_same(program)
