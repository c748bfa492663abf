"""Activations: values and first derivatives against torch in float64, printing, options, in-place forms."""

import numpy as np
import pytest
from like_torch import array, assert_same

MODULES = {
    "ReLU": lambda n: n.ReLU(),
    "ReLU6": lambda n: n.ReLU6(),
    "LeakyReLU": lambda n: n.LeakyReLU(0.2),
    "PReLU": lambda n: n.PReLU(),
    "PReLU per channel": lambda n: n.PReLU(4, 0.1),
    "RReLU": lambda n: n.RReLU(0.1, 0.3).eval(),
    "ELU": lambda n: n.ELU(0.7),
    "SELU": lambda n: n.SELU(),
    "CELU": lambda n: n.CELU(1.3),
    "GELU": lambda n: n.GELU(),
    "GELU tanh": lambda n: n.GELU("tanh"),
    "SiLU": lambda n: n.SiLU(),
    "Mish": lambda n: n.Mish(),
    "Softplus": lambda n: n.Softplus(2.0, 3.0),
    "Softsign": lambda n: n.Softsign(),
    "Softmax": lambda n: n.Softmax(1),
    "LogSoftmax": lambda n: n.LogSoftmax(-1),
    "Softmin": lambda n: n.Softmin(0),
    "Sigmoid": lambda n: n.Sigmoid(),
    "Tanh": lambda n: n.Tanh(),
    "Hardtanh": lambda n: n.Hardtanh(-0.5, 2),
    "Hardsigmoid": lambda n: n.Hardsigmoid(),
    "Hardswish": lambda n: n.Hardswish(),
    "LogSigmoid": lambda n: n.LogSigmoid(),
    "Tanhshrink": lambda n: n.Tanhshrink(),
    "Softshrink": lambda n: n.Softshrink(0.3),
    "Hardshrink": lambda n: n.Hardshrink(0.3),
    "Threshold": lambda n: n.Threshold(0.1, 20.0),
    "GLU": lambda n: n.GLU(),
    "GLU first": lambda n: n.GLU(0),
}
# PyTorch's kernels round 1/6 and 1/alpha to float32, for float64 too; ours do not.
TOLERANCE = {"CELU": 2e-7, "Hardsigmoid": 2e-7}
EDGES = np.array([[-100.0, -3.0, -1.0, -0.3, 0.0, 0.3, 1.0, 3.0], [3.5, 6.0, 19.0, 21.0, 100.0, 0.5, -0.5, 2.0]])


def run(make, values):
    def program(t):
        module = make(t.nn).double()
        x = t.tensor(values, dtype=t.float64, requires_grad=True)
        y = module(x)
        (y * t.arange(1, y.numel() + 1, dtype=t.float64).reshape(y.shape)).sum().backward()
        return [y, x.grad, *(p.grad for p in module.parameters())]

    return program


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("values", [array(6, 4), EDGES], ids=["random", "edges"])
def test_values_and_gradients(name, values):
    if name == "PReLU per channel" and values is EDGES:
        values = EDGES.reshape(4, 4)
    assert_same(run(MODULES[name], values), TOLERANCE.get(name, 1e-12))


@pytest.mark.parametrize("name", MODULES)
def test_repr(name):
    assert_same(lambda t: MODULES[name](t.nn))


@pytest.mark.parametrize(
    "name",
    ["ReLU", "ReLU6", "LeakyReLU", "RReLU", "ELU", "SELU", "CELU", "SiLU", "Mish", "Hardtanh", "Hardsigmoid", "Hardswish"],
)
def test_in_place(name):
    def program(t):
        module = getattr(t.nn, name)(inplace=True).eval()
        x = t.tensor(array(5), requires_grad=True)
        z = x * 1.0
        y = module(z)
        y.sum().backward()
        return [y, z, x.grad, repr(module)]

    assert_same(program, TOLERANCE.get(name, 1e-12))


PROGRAMS = {
    "Threshold in place": lambda t: repr(t.nn.Threshold(1, 2, True)),
    "Hardtanh old names": lambda t: t.nn.Hardtanh(min_value=-2, max_value=3),
    "Hardtanh swapped": lambda t: t.nn.Hardtanh(2, 1),
    "hardtanh swapped": lambda t: t.nn.functional.hardtanh(t.ones(2), 2, 1),
    "softmax implicit 1": lambda t: t.nn.Softmax()(t.ones(2)),
    "softmax implicit 2": lambda t: t.nn.functional.softmax(t.ones(2, 3)),
    "softmin implicit 3": lambda t: t.nn.functional.softmin(t.ones(1, 2, 3)),
    "log_softmax implicit": lambda t: t.nn.functional.log_softmax(t.ones(2, 3)),
    "softmax dtype": lambda t: t.nn.functional.softmax(t.ones(2, 3), 1, dtype=t.float64),
    "Softmax2d": lambda t: t.nn.Softmax2d()(t.ones(2, 3, 1, 1)),
    "Softmax2d 2D": lambda t: t.nn.Softmax2d()(t.ones(2, 3)),
    "glu odd": lambda t: t.nn.functional.glu(t.ones(2, 3)),
    "glu scalar": lambda t: t.nn.functional.glu(t.ones(())),
    "glu 0": lambda t: t.nn.functional.glu(t.ones(3, 2), 0),
    "prelu channels": lambda t: t.nn.functional.prelu(t.ones(2, 3), t.ones(2)),
    "prelu 3D": lambda t: t.nn.functional.prelu(t.tensor(-array(2, 3, 2)), t.tensor([0.1, 0.2, 0.3], dtype=t.float64)),
    "prelu scalar": lambda t: t.nn.functional.prelu(-t.ones(()), t.ones(1)),
    "celu 0": lambda t: t.nn.functional.celu(t.ones(2), 0.0),
    "softshrink negative": lambda t: t.nn.functional.softshrink(t.ones(2), -1.0),
    "relu_": lambda t: t.nn.functional.relu_(t.tensor([-1.0, 2.0])),
    "elu_": lambda t: t.nn.functional.elu_(t.tensor([-1.0, 2.0])),
    "threshold_": lambda t: t.nn.functional.threshold_(t.tensor([-1.0, 2.0]), 0.5, 7.0),
    "in place on a leaf": lambda t: t.nn.ELU(inplace=True)(t.ones(2, requires_grad=True)),
    "NaN": lambda t: [
        getattr(t.nn, name)()(t.tensor(float("nan"))).isnan()
        for name in ("Hardtanh", "Hardshrink", "Softshrink", "ReLU", "Hardswish", "LeakyReLU", "LogSigmoid")
    ],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_outcome(name):
    assert_same(PROGRAMS[name], 1e-6)


def test_rrelu_draws_torchs_slopes():
    def program(t):
        t.manual_seed(3)
        x = t.tensor(array(4, 5), dtype=t.float32, requires_grad=True)
        y = t.nn.RReLU()(x)
        y.sum().backward()
        return [y, x.grad]

    assert_same(program, 1e-6)


def test_gumbel_softmax():
    def program(t):
        t.manual_seed(5)
        logits = t.tensor(array(3, 4), requires_grad=True)
        soft = t.nn.functional.gumbel_softmax(logits, tau=0.5)
        hard = t.nn.functional.gumbel_softmax(logits, hard=True)
        (soft * hard).sum().backward()
        return [soft, hard, logits.grad]

    assert_same(program, 1e-6)
