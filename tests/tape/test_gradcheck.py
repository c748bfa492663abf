"""gradcheck and gradgradcheck accept right derivatives and catch planted errors."""
import pytest

import wengert
from wengert.autograd import Function, gradcheck, gradgradcheck

pytestmark = pytest.mark.engine


def point(*values):
    return wengert.tensor(values, dtype=wengert.float64, requires_grad=True)


def cube(slope):
    """x**3 whose first derivative is multiplied by `slope(x)`: right for a slope of 1."""
    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x ** 3

        @staticmethod
        def backward(ctx, g):
            x, = ctx.saved_tensors
            return g * 3 * x * x * slope(x)

    return Cube.apply


def test_right_derivatives_pass():
    x, y = point(0.3, -1.2, 2.0), point(0.5, 0.7, -0.4)
    assert gradcheck(lambda a, b: (a * b).tanh() + a.exp(), (x, y))
    assert gradgradcheck(lambda a, b: (a * b).tanh() + a.exp(), (x, y))
    assert gradcheck(cube(lambda x: 1), (x,)) and gradgradcheck(cube(lambda x: 1), (x,))


@pytest.mark.parametrize("slope", [lambda x: 1.01, lambda x: -1, lambda x: 0, lambda x: wengert.where(x > 0, 1.0, 0.5)])
def test_wrong_derivatives_are_caught(slope):
    x = point(0.3, -1.2, 2.0)
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        gradcheck(cube(slope), (x,))
    assert gradcheck(cube(slope), (x,), raise_exception=False) is False


def test_wrong_second_derivatives_are_caught():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            x, = ctx.saved_tensors
            return g * 2 * x.detach()                      # right, but constant for the second derivative

    x = point(0.3, -1.2)
    assert gradcheck(Square.apply, (x,))
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        gradgradcheck(Square.apply, (x,))


def test_a_nan_is_caught():
    x = point(0.0, 1.0)
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        gradcheck(cube(lambda x: x / x), (x,))


def test_float32_is_checked_in_float64():
    assert gradcheck(lambda x: x.sin(), (wengert.tensor([0.3, 1.0], requires_grad=True),))


def test_nothing_to_check():
    with pytest.raises(ValueError, match="requires_grad=True"):
        gradcheck(lambda x: x, (wengert.ones(2),))
