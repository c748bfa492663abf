"""The launches over lists of tensors refuse what they cannot take, and never read or write outside of it."""

import pytest

import wengert
from wengert._foreach import STEP_FLAGS, clip_grad_norm, clip_grad_value, grad_norm, optimizer_step, zero_all


def hyper(n=4):
    return wengert.zeros(n, dtype=wengert.float64)


def ones(*shape, **kwargs):
    return wengert.ones(shape, **kwargs)


BAD = {
    "unknown optimizer": ("muon", hyper(), 0, ([ones(2)], [ones(2)]), KeyError),
    "too few columns": ("sgd", hyper(), 0, ([ones(2)],), ValueError),
    "too many columns": ("sgd", hyper(), 0, ([ones(2)],) * 3, ValueError),
    "momentum without a buffer": ("sgd", hyper(), STEP_FLAGS["momentum"], ([ones(2)], [ones(2)]), ValueError),
    "too few hyperparameters": ("sgd", hyper(3), 0, ([ones(2)], [ones(2)]), ValueError),
    "float32 hyperparameters": ("sgd", wengert.zeros(4), 0, ([ones(2)], [ones(2)]), ValueError),
    "lists of two lengths": ("sgd", hyper(), 0, ([ones(2)], []), ValueError),
    "no list": ("sgd", hyper(), 0, (ones(2), ones(2)), TypeError),
    "no tensor": ("sgd", hyper(), 0, ([ones(2)], [None]), TypeError),
    "no hyperparameters": ("sgd", None, 0, ([ones(2)], [ones(2)]), TypeError),
    "shapes": ("sgd", hyper(), 0, ([ones(2)], [ones(3)]), RuntimeError),
    "dtypes": ("sgd", hyper(), 0, ([ones(2)], [ones(2, dtype=wengert.float64)]), TypeError),
    "integers": ("sgd", hyper(), 0, ([ones(2, dtype=wengert.int64)],) * 2, TypeError),
    "a long step count": ("adam", hyper(5), 0, ([ones(2)],) * 4 + ([ones(2)],), RuntimeError),
    "an integer step count": ("adam", hyper(5), 0, ([ones(2)],) * 4 + ([ones(1, dtype=wengert.int64)],), TypeError),
    "expanded memory": ("sgd", hyper(), 0, ([ones(1).expand(3)], [ones(3)]), RuntimeError),
}


@pytest.mark.parametrize("name", BAD)
def test_refused(name):
    optimizer, numbers, flags, columns, error = BAD[name]
    with pytest.raises(error):
        optimizer_step(optimizer, numbers, flags, columns)


def test_nothing_to_do():
    optimizer_step("sgd", hyper(), 0, ([], []))
    assert grad_norm([], 2.0).item() == 0.0
    clip_grad_value([], -1.0, 1.0)
    zero_all([])


def test_strided_parameters_and_read_only_gradients():
    x = wengert.arange(6.0).reshape(2, 3)
    column = x[:, 1]
    g = ones(1).expand(2)
    numbers = wengert.tensor([1.0, 0.0, 0.0, 0.0], dtype=wengert.float64)
    optimizer_step("sgd", numbers, 0, ([column], [g]))
    assert x.tolist() == [[0.0, 0.0, 2.0], [3.0, 3.0, 5.0]]


def test_a_step_counts_as_a_write():
    x = wengert.nn.Parameter(ones(2))
    y = (x * x).sum()
    x.grad = ones(2)
    before = x._version
    wengert.optim.SGD([x], lr=0.1).step()
    assert x._version > before
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_clipping_refuses():
    with pytest.raises(RuntimeError, match="one element"):
        clip_grad_norm([ones(2)], ones(2), 1.0)
    with pytest.raises(TypeError):
        grad_norm([ones(2, dtype=wengert.int32)], 2.0)
    with pytest.raises(RuntimeError):
        clip_grad_value([ones(1).expand(3)], 0.0, 1.0)


def test_zero_all():
    tensors = [ones(3), ones(2, 2, dtype=wengert.int64), ones(1, dtype=wengert.bool)]
    zero_all(tensors)
    assert [t.sum().item() for t in tensors] == [0, 0, 0]
