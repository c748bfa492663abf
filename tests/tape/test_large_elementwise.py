"""Gradients of elementwise operations on tensors too large for flat records: written into the memory of the cotangent, or added
where a sum waits. The bits are those of gradients made apart and added afterwards."""
import pytest

import wengert
import wengert.nn.functional as F

N = 5000


def normal(seed, dtype="float32", *shape):
    wengert.manual_seed(seed)
    return wengert.randn(*(shape or (N,)), dtype=getattr(wengert, dtype))


FORMULAS = [
    lambda a, b, c: (wengert.tanh(a * b + c) * a).sum(),
    lambda a, b, c: (a * a * b).sum(),
    lambda a, b, c: (a.exp() * a + a * b - c * a).sum(),
    lambda a, b, c: ((a * b).sigmoid() * (a * b)).mean() + a.sum(),
    lambda a, b, c: (a.reshape(50, 100).t() * b.reshape(100, 50) * a.reshape(100, 50)).tanh().sum(),
    lambda a, b, c: (a * b[:1] + b * c[3]).sin().sum(),
    lambda a, b, c: wengert.where(a > 0, a * b, b / (c * c + 1)).sum(),
    *(lambda a, b, c, loss=loss, reduction=reduction: (loss(a, b, reduction=reduction) * c).sum()
      for loss in (F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.binary_cross_entropy_with_logits)
      for reduction in ("none", "mean", "sum")),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("formula", FORMULAS, ids=range(len(FORMULAS)))
def test_bits_of_the_recorded_backward(formula, dtype):
    leaves = [normal(seed, dtype).requires_grad_() for seed in (1, 2, 3)]
    expected = wengert.autograd.grad(formula(*leaves), leaves, create_graph=True, allow_unused=True)
    found = wengert.autograd.grad(formula(*leaves), leaves, allow_unused=True)
    for x, y in zip(expected, found):
        assert (x is None) == (y is None) and (x is None or wengert.equal(x, y))


def test_bits_of_adding_to_grad():
    a, b = normal(1).requires_grad_(), normal(2).requires_grad_()
    g = normal(3)
    once = wengert.autograd.grad(a * b, (a, b), g)
    starts = [normal(4), normal(5)]
    a.grad, b.grad = starts
    expected = [s + x for s, x in zip(starts, once)]
    (a * b).backward(g)
    assert a.grad is starts[0] and b.grad is starts[1]
    assert all(wengert.equal(x, y) for x, y in zip(starts, expected))


def test_the_gradient_that_was_given_is_not_written():
    a = normal(1).requires_grad_()
    g = normal(2)
    kept, version = g.clone(), g._version
    a.tanh().backward(g)
    assert wengert.equal(g, kept) and g._version == version


def test_a_cotangent_that_a_hook_keeps_is_not_written():
    a, kept = normal(1).requires_grad_(), []
    y = a.tanh()
    y.register_hook(lambda g: kept.append((g, g.clone())))
    y.exp().sum().backward()
    assert wengert.equal(*kept[0])


def test_values_saved_twice_survive():
    a = normal(1).requires_grad_()
    y = (a * 2).tanh()
    first, = wengert.autograd.grad(y.exp().sum(), a, retain_graph=True)
    second, = wengert.autograd.grad(y.exp().sum(), a)
    assert wengert.equal(first, second)


def test_sums_in_half_types_are_rounded_once_each():
    a = normal(1).to(wengert.bfloat16).requires_grad_()
    b = normal(2).to(wengert.bfloat16)
    (a * b + a * a.detach()).sum().backward()
    parts = [(b.float() * 1).bfloat16(), a.detach()]
    assert wengert.equal(a.grad, parts[1] + parts[0])
