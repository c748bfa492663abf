"""Tensors print as PyTorch's do, character for character."""
import math
import random

import pytest
import wengert
from wengert import _tensor_str


@pytest.fixture(autouse=True)
def default_options():
    before = _tensor_str.get_printoptions()
    yield
    _tensor_str.PRINT_OPTS.update(before)


# ---- fixed texts -----------------------------------------------------------------------------------------------------

def test_floats():
    assert repr(wengert.tensor([1.0, 2.0])) == "tensor([1., 2.])"
    assert repr(wengert.tensor([1.5, 2.0])) == "tensor([1.5000, 2.0000])"
    assert repr(wengert.tensor([-1.5, 20.0])) == "tensor([-1.5000, 20.0000])"
    assert repr(wengert.tensor([0.3, 3.0, 3e-4])) == "tensor([3.0000e-01, 3.0000e+00, 3.0000e-04])"
    assert repr(wengert.tensor(3.3003)) == "tensor(3.3003)"
    assert repr(wengert.tensor([1e9, 1.0])) == "tensor([1.0000e+09, 1.0000e+00])"


def test_not_finite():
    assert repr(wengert.tensor([math.inf])) == "tensor([inf])"
    assert repr(wengert.tensor([math.nan, 1.0, -math.inf])) == "tensor([nan, 1., -inf])"
    assert repr(wengert.tensor([0.5, math.nan])) == "tensor([0.5000,    nan])"


def test_integers_and_bools():
    assert repr(wengert.tensor([1, -20])) == "tensor([  1, -20])"
    assert repr(wengert.tensor([True, False])) == "tensor([ True, False])"
    assert repr(wengert.tensor([1], dtype=wengert.uint8)) == "tensor([1], dtype=torch.uint8)"


def test_nesting():
    assert repr(wengert.zeros(2, 1, 2)) == "tensor([[[0., 0.]],\n\n        [[0., 0.]]])"


def test_empty():
    assert repr(wengert.empty(0)) == "tensor([])"
    assert repr(wengert.empty(2, 0)) == "tensor([], size=(2, 0))"
    assert repr(wengert.empty(0, dtype=wengert.int64)) == "tensor([], dtype=torch.int64)"


def test_summary():
    assert repr(wengert.arange(2000)) == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"
    rows = "        [0., 0., 0.,  ..., 0., 0., 0.]"
    assert repr(wengert.zeros(40, 40)) == (
        "tensor([[0., 0., 0.,  ..., 0., 0., 0.],\n" + f"{rows},\n" * 2 + "        ...,\n" + f"{rows},\n" * 2 + f"{rows}])")


def test_gradients():
    x = wengert.tensor([1.0], requires_grad=True)
    assert repr(x) == "tensor([1.], requires_grad=True)"
    assert repr(x * 2) == "tensor([2.], grad_fn=<MulBackward0>)"
    assert repr((x + 2).double()) == "tensor([3.], dtype=torch.float64, grad_fn=<ToCopyBackward0>)"


def test_default_dtype():
    x = wengert.ones(1)
    wengert.set_default_dtype(wengert.float64)
    try:
        assert repr(x) == "tensor([1.], dtype=torch.float32)"
        assert repr(x.double()) == "tensor([1.], dtype=torch.float64)".replace(", dtype=torch.float64", "")
    finally:
        wengert.set_default_dtype(wengert.float32)


def test_classes():
    class Mine(wengert.Tensor):
        pass

    assert repr(wengert.nn.Parameter(wengert.ones(1))) == "Parameter containing:\ntensor([1.], requires_grad=True)"
    assert repr(wengert.ones(1).as_subclass(Mine)) == "Mine([1.])"


def test_format():
    assert f"{wengert.tensor(3.14159):.2f}" == "3.14"
    assert f"{wengert.tensor(3):d}" == "3"
    assert f"{wengert.tensor(3.0, requires_grad=True)}" == "3.0"
    assert f"{wengert.ones(1)}" == "tensor([1.])"
    with pytest.raises(TypeError, match="unsupported format string passed to Tensor.__format__"):
        format(wengert.ones(1), ".2f")
    assert "%.1f" % wengert.tensor(2.0) == "2.0"


def test_options_are_restored_by_the_context():
    with _tensor_str.printoptions(precision=1, sci_mode=True):
        assert repr(wengert.tensor([1.25])) == "tensor([1.2e+00])"
        with pytest.raises(ZeroDivisionError), _tensor_str.printoptions(precision=2):
            1 / 0
        assert _tensor_str.get_printoptions()["precision"] == 1
    assert repr(wengert.tensor([1.25])) == "tensor([1.2500])"


def test_set_printoptions():
    wengert.set_printoptions(profile="short", linewidth=40)
    assert _tensor_str.get_printoptions() == {
        "precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 40, "sci_mode": None}
    wengert.set_printoptions(profile="full")
    assert len(repr(wengert.zeros(1001))) > 4000


# ---- against PyTorch -------------------------------------------------------------------------------------------------

CHOICES = {"precision": [0, 1, 2, 6, 8], "threshold": [0, 5, 50, 10**9], "edgeitems": [0, 1, 2, 5],
           "linewidth": [20, 60, 120, 1000], "profile": ["default", "short", "full"], "sci_mode": [True, False]}
FLOATS = ["float32", "float32", "float32", "float64", "float64", "float16", "bfloat16"]
OTHERS = ["int64", "int32", "int16", "int8", "uint8", "bool"]


def some_options(rng):
    if rng.random() < 0.5:
        return {}
    return {name: rng.choice(values) for name, values in CHOICES.items() if rng.random() < 0.4}


def some_tensor(torch, rng):
    """A tensor of random shape, dtype, layout and magnitude, with the numbers that make printing switch its style."""
    dtype = getattr(torch, rng.choice(FLOATS if rng.random() < 0.7 else OTHERS))
    shape = [rng.choice([0, 1, 2, 3, 5, 7, 8]) for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3, 4]))]
    if rng.random() < 0.8:
        shape = [max(1, size) for size in shape]
    if rng.random() < 0.2:
        shape = [rng.choice([1, 2, 6, 7, 11, 40, 300]) for _ in range(rng.choice([1, 2, 3]))]
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(rng.randrange(2**31)))
    x = rng.choice([
        lambda: x, lambda: (x * 10).round(), lambda: (x * 10 ** rng.randrange(9)).round(), lambda: x * 0,
        lambda: x * 10.0 ** rng.randrange(-8, 9), lambda: torch.exp(x * rng.randrange(1, 9)),
        lambda: x.round() * 1e7, lambda: x.abs() * 1e4])()
    if rng.random() < 0.2 and x.numel():
        for _ in range(3):
            special = rng.choice([math.inf, -math.inf, math.nan, 0.0, -0.0, 1e-40, 1e300])
            x.view(-1)[rng.randrange(x.numel())] = special
    if dtype.is_floating_point:
        x = x.to(dtype)
    else:
        x = torch.nan_to_num(x * rng.choice([1, 10, 100]), 0, 100, -100).clamp(-2**40, 2**40).to(torch.int64).to(dtype)
    if rng.random() < 0.3 and x.dim() > 1:
        x = x.transpose(0, -1)
    if dtype.is_floating_point and rng.random() < 0.4:
        x = x.clone().requires_grad_()
        x = rng.choice([lambda: x, lambda: x * 1, lambda: x.exp().log(), lambda: x.view(x.shape)])()
    return x


@pytest.mark.torch
@pytest.mark.parametrize("block", range(20))
def test_layout_against_torch(block):
    """The layout alone: our functions print PyTorch's own tensors."""
    torch = pytest.importorskip("torch")
    for seed in range(block * 150, block * 150 + 150):
        rng = random.Random(seed)
        options = some_options(rng)
        x = some_tensor(torch, rng)
        try:
            torch.set_printoptions(profile="default")
            torch.set_printoptions(**options)
            expected = repr(x)
        finally:
            torch.set_printoptions(profile="default")
        with _tensor_str.printoptions(profile="default"):
            _tensor_str.set_printoptions(**options)
            assert _tensor_str.tensor_repr(x, default_dtype=torch.get_default_dtype()) == expected, (seed, options)


@pytest.mark.torch
@pytest.mark.parametrize("block", range(10))
def test_tensors_against_torch(block):
    """The whole way: equal tensors print equally."""
    torch = pytest.importorskip("torch")
    for seed in range(10**6 + block * 50, 10**6 + block * 50 + 50):
        rng = random.Random(seed)
        x = some_tensor(torch, rng).detach()
        grad = x.dtype.is_floating_point and rng.random() < 0.5
        dtype = str(x.dtype).rpartition(".")[2]
        ours = wengert.tensor(x.tolist(), dtype=getattr(wengert, dtype)).reshape(tuple(x.shape)).requires_grad_(grad)
        assert repr(ours) == repr(x.requires_grad_(grad)), seed


@pytest.mark.torch
def test_formatting_against_torch():
    torch = pytest.importorskip("torch")

    def text(make):
        try:
            return make()
        except TypeError as error:
            return f"TypeError: {error}"

    for make in (lambda m: f"{m.tensor(2.5):8.3e}", lambda m: f"{m.tensor(7):04d}", lambda m: f"{m.tensor([2.5]):.2f}",
                 lambda m: f"{m.nn.Parameter(m.tensor(2.5)):.2f}", lambda m: f"{m.nn.Parameter(m.tensor(2.5))}",
                 lambda m: f"{m.tensor(True)}", lambda m: f"{m.tensor([1, 2])!s:>20}", lambda m: "%d" % m.tensor(3.7),
                 lambda m: f"{m.tensor(2.5)!r}", lambda m: f"{m.ones(2).detach()}"):
        assert text(lambda: make(wengert)) == text(lambda: make(torch))
