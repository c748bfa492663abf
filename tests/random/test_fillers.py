"""Methods that fill with random numbers: calls done in C draw, refuse and record what the Python functions behind them do."""
import pytest
import wengert

CALLS = [("normal_", ()), ("normal_", (1,)), ("normal_", (0.5, 2)), ("normal_", (0.0, -1.0)), ("normal_", (0.0, float("nan"))), ("uniform_", ()),
         ("uniform_", (-2, 3)), ("uniform_", (3.0, 2.0)), ("uniform_", (1.0, 1.0)), ("bernoulli_", ()), ("bernoulli_", (0.3,)), ("bernoulli_", (1,)),
         ("bernoulli_", (1.5,)), ("exponential_", ()), ("exponential_", (2,)), ("exponential_", (0,)), ("cauchy_", ()), ("cauchy_", (1.0, 2.0)),
         ("cauchy_", (1.0, 0.0)), ("log_normal_", ()), ("log_normal_", (0.5, 0.25)), ("log_normal_", (0.5, 0.0)), ("normal_", (1, 2, 3)), ("normal_", ("a",))]


@pytest.mark.parametrize("layout", ["dense", "transposed", "strided", "int64"])
@pytest.mark.parametrize("name, numbers", CALLS, ids=str)
def test_as_the_function_behind(name, numbers, layout):
    def outcome(method):
        wengert.manual_seed(7)
        base = wengert.zeros(8, 6, dtype=wengert.int64 if layout == "int64" else wengert.float32)
        t = base.t() if layout == "transposed" else base[:, ::2] if layout == "strided" else base
        version = t._version
        try:
            result = method(t, *numbers)
        except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
            return type(error).__name__, str(error)
        assert result is t and t._version > version
        return base.tolist(), wengert.rand(2).tolist()

    method = getattr(wengert.Tensor, name)
    assert outcome(method) == outcome(method.__wrapped__)


def test_what_requires_grad():
    leaf = wengert.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        leaf.normal_()
    with wengert.no_grad():
        assert leaf.normal_() is leaf and leaf.requires_grad
    result = leaf * 2
    result.uniform_(1.0, 2.0)
    (result * 3).sum().backward()
    assert leaf.grad.tolist() == [0.0] * 3
    view = (leaf * 2)[1:]
    view.normal_()
    assert view.requires_grad and wengert.autograd.grad(view.sum(), leaf)[0].tolist() == [0.0] * 3


def test_a_generator_of_its_own():
    a, b = wengert.empty(5), wengert.empty(5)
    wengert.manual_seed(4)
    a.normal_()
    b.normal_(generator=wengert.Generator().manual_seed(4))
    assert a.tolist() == b.tolist()
