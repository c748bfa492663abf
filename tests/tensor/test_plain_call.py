"""Calls with tensors and nothing else, which are parsed by no signature: they mean what the same call with keywords means."""
import pytest
import wengert
from wengert import Tensor

X, Y = wengert.tensor([0.5, 2.0, -1.0]), wengert.tensor([2.0, -0.5, 3.0])


@pytest.mark.parametrize("plain, spelled", [
    (lambda: wengert.cos(X), lambda: wengert.cos(input=X)),
    (lambda: X.cos(), lambda: wengert.cos(input=X)),
    (lambda: wengert.add(X, Y), lambda: wengert.add(X, other=Y, alpha=1)),
    (lambda: X.sub(Y), lambda: X.sub(Y, alpha=1)),
    (lambda: X.sum(), lambda: X.sum(dtype=None)),
    (lambda: wengert.where(X > 0, X, Y), lambda: wengert.where(X > 0, input=X, other=Y)),
    (lambda: wengert.addcmul(X, Y, Y), lambda: wengert.addcmul(X, Y, Y, value=1)),
    (lambda: X.clamp(Y), lambda: X.clamp(min=Y)),
    (lambda: X.clone().mul_(Y), lambda: X.clone().mul_(other=Y)),
    (lambda: X.clone().relu_(), lambda: X.clone().clamp_(min=0)),
], ids=range(10))
def test_means_the_same(plain, spelled):
    assert plain().tolist() == spelled().tolist()


def test_returns_what_it_wrote():
    x = X.clone()
    assert x.relu_() is x and x.add_(Y) is x
    with pytest.raises(RuntimeError, match="leaf"):
        X.clone().requires_grad_().exp_()


def test_view_written_by_its_base():
    base = wengert.ones(3).requires_grad_() * 1
    row = base[1]
    base.mul_(2)
    assert wengert.autograd.grad(wengert.exp(row), base, allow_unused=True)[0].tolist() == [0.0, pytest.approx(7.389056), 0.0]


def test_overrides_and_missing_arguments():
    class Loud(Tensor):
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            return function.__name__

    assert wengert.cos(X.as_subclass(Loud)) == "cos" and wengert.add(X, X.as_subclass(Loud)) == "add"
    with pytest.raises(TypeError, match="cos"):
        wengert.cos()
    with pytest.raises(TypeError):
        wengert.cos(X, Y)
    with pytest.raises(TypeError):
        wengert.mul(X)
