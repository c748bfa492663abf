"""The programs of the documents that this project starts from: with only the import changed they run, and they print
what the documents say.

programs/ holds each as it stands there (indentation that the pages lost restored; what a page leaves out, data and
the two functions of the thermometer, stands in thermometer_data.py; a few lines keep starting values for the checks
below). Where the documents' PyTorch printed an older name, `AddBackward`, today's stands here.
"""
import contextlib
import io
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import wengert

PROGRAMS = Path(__file__).parent / "programs"


def run(name, seed=0):
    """Runs a program; returns what it printed, and its variables."""
    wengert.manual_seed(seed)
    printed = io.StringIO()
    before = sys.path[:]
    sys.path.insert(0, str(PROGRAMS))
    try:
        with contextlib.redirect_stdout(printed):
            variables = runpy.run_path(str(PROGRAMS / f"{name}.py"))
    finally:
        sys.path[:] = before
        sys.modules.pop("thermometer_data", None)
    return printed.getvalue(), variables


# ---- the thermometer -------------------------------------------------------------------------------------------------

LOSSES = """\
Epoch 500, Loss 7.860115
Epoch 1000, Loss 3.828538
Epoch 1500, Loss 3.092191
Epoch 2000, Loss 2.957698
Epoch 2500, Loss 2.933134
Epoch 3000, Loss 2.928648
Epoch 3500, Loss 2.927830
Epoch 4000, Loss 2.927679
Epoch 4500, Loss 2.927652
Epoch 5000, Loss 2.927647
"""


def check_losses(printed):
    lines = printed.splitlines()
    assert len(lines) == 10
    for line, expected in zip(lines, LOSSES.splitlines()):
        assert line.rpartition(" ")[0] == expected.rpartition(" ")[0]
        assert float(line.split()[-1]) == pytest.approx(float(expected.split()[-1]), rel=2e-6)


@pytest.mark.filterwarnings("ignore:Converting a tensor:UserWarning")
def test_thermometer_manual():
    printed, _ = run("thermometer_manual")
    losses, params = printed.strip().rsplit("\n", 1)
    check_losses(losses)
    assert params == "tensor([  5.3671, -17.3012], requires_grad=True)"


def test_thermometer_accumulation():
    missing, once, twice, cleared = run("thermometer_accumulation")[0].splitlines()
    assert missing == "True" and cleared == "tensor([0., 0.])"
    numbers = [[float(number) for number in re.findall(r"[\d.]+", text)] for text in (once, twice)]
    assert numbers[0] == pytest.approx([4517.2969, 82.6000], rel=3e-7)     # the last digit is the order of summation
    assert numbers[1] == pytest.approx([2 * number for number in numbers[0]], rel=3e-7)


def test_thermometer_step():
    assert run("thermometer_step")[0] == "tensor([ 9.5483e-01, -8.2600e-04], requires_grad=True)\n"


@pytest.mark.filterwarnings("ignore:Converting a tensor:UserWarning")
def test_thermometer_optim():
    printed, _ = run("thermometer_optim")
    step, losses = printed.split("\n", 1)
    assert step == "tensor([1.7761, 0.1064], requires_grad=True)"
    losses, params = losses.strip().rsplit("\n", 1)
    check_losses(losses)
    assert params == "tensor([  5.3671, -17.3012], requires_grad=True)"


# ---- small derivatives -----------------------------------------------------------------------------------------------

def test_quadratic():
    cleared, accumulated = "tensor(22.)\n" * 3, "tensor(22.)\ntensor(44.)\ntensor(66.)\n"
    assert run("quadratic")[0] == "tensor(22.)\n" + cleared + accumulated + "False\n"


def test_chain_rule():
    assert run("chain_rule")[0] == (
        "tensor(51.6667, grad_fn=<MeanBackward0>)\ntensor([ 6.6667,  9.3333, 12.0000])\n")


def test_tutorial():
    printed, variables = run("tutorial")
    assert re.sub("0x[0-9a-f]+", "0x0", printed) == """\
tensor([[1., 1.],
        [1., 1.]], requires_grad=True)
tensor([[3., 3.],
        [3., 3.]], grad_fn=<AddBackward0>)
<AddBackward0 object at 0x0>
tensor([[27., 27.],
        [27., 27.]], grad_fn=<MulBackward0>) tensor(27., grad_fn=<MeanBackward0>)
False
True
<SumBackward0 object at 0x0>
tensor([[4.5000, 4.5000],
        [4.5000, 4.5000]])
tensor([  228.6181, -1148.1552,  1098.7129], grad_fn=<MulBackward0>)
tensor([1.0240e+02, 1.0240e+03, 1.0240e-01])
True
True
False
"""
    power = variables["doubled"][0].item()                    # the random run doubles its own number of times
    assert power >= 2 and power == 2 ** round(np.log2(power))
    np.testing.assert_allclose(variables["random_grad"].numpy(), power * np.float32([0.1, 1.0, 0.0001]), rtol=1e-6)


@pytest.mark.parametrize("example", range(1, 7))
def test_gradient_arguments(example):
    """What each program prints stands behind its print, as in the document."""
    printed, _ = run(f"gradients_{example}")
    text = (PROGRAMS / f"gradients_{example}.py").read_text()
    expected = re.findall(r"^print\(.*\) # (.*)$", text, re.MULTILINE)
    assert len(expected) == 3
    assert printed.splitlines() == expected


@pytest.mark.parametrize("again", range(3))
def test_pinned_memory_starts_at_zero(again):
    dirty = [wengert.full((1,), 7.0) for _ in range(100)]
    del dirty
    assert wengert.empty(1, requires_grad=True, pin_memory=True).tolist() == [0.0]


# ---- two layers, against the same steps in NumPy ---------------------------------------------------------------------

def numbers(tensors):
    return [np.array(tensor.detach().tolist()) for tensor in tensors]


@pytest.mark.parametrize("name, steps", [("two_layers_manual", 500), ("two_layers_weights", 10)])
def test_two_layers_by_hand(name, steps):
    printed, variables = run(name)
    x, y = numbers([variables["x"], variables["y"]])
    w1, w2 = numbers(variables["first"])
    assert x.shape == (64, 1000) and w1.shape == (1000, 100) and abs(x.std() - 1) < 0.02
    losses = []
    for _ in range(steps):
        hidden = np.maximum(x @ w1, 0)
        error = hidden @ w2 - y
        losses.append((error**2).sum())
        g2 = hidden.T @ (2 * error)
        g1 = x.T @ ((2 * error @ w2.T) * (hidden > 0))
        w1 -= 1e-6 * g1
        w2 -= 1e-6 * g2
    if name == "two_layers_manual":
        lines = printed.splitlines()
        assert len(lines) == steps
        assert all(re.fullmatch(r"loss: tensor\([-+.e0-9]+, grad_fn=<SumBackward0>\)", line) for line in lines)
        ours = [float(re.search(r"\((.*),", line)[1]) for line in lines]
        np.testing.assert_allclose(ours[:20], losses[:20], rtol=1e-4)
        losses, ours = np.array(losses), np.array(ours)
        far = losses > 1.0                                               # below, float32 has its own rounding floor
        assert far.sum() > 100
        np.testing.assert_allclose(ours[far], losses[far], rtol=0.01)
        assert np.all(ours[~far] < 2.0)
    else:
        assert printed.count("w1: tensor([[") == printed.count("\nw2: tensor([[") == steps
        assert printed.count("requires_grad=True") == 2 * steps
        for ours, theirs in zip(numbers([variables["w1"], variables["w2"]]), (w1, w2)):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.filterwarnings("ignore:size_average:UserWarning")
@pytest.mark.parametrize("name, size, relu", [("two_layers_parameters", 100, True), ("two_layers_module", 1000, False)])
def test_two_layers_by_modules(name, size, relu):
    printed, variables = run(name)
    x, y = numbers([variables["x"], variables["y"]])
    w1, b1, w2, b2 = numbers(variables["first"])
    assert w1.shape == (100, size) and w2.shape == (10, 100)
    assert abs(w1).max() <= size**-0.5 and abs(w1).mean() == pytest.approx(0.5 * size**-0.5, rel=0.05)
    losses = []
    for _ in range(500):
        hidden = x @ w1.T + b1
        active = hidden > 0 if relu else np.ones_like(hidden)
        error = hidden * active @ w2.T + b2 - y
        losses.append((error**2).sum())
        g_hidden = (2 * error @ w2) * active
        g2, g1 = (2 * error).T @ (hidden * active), g_hidden.T @ x
        b2 -= 1e-4 * 2 * error.sum(0)
        b1 -= 1e-4 * g_hidden.sum(0)
        w2 -= 1e-4 * g2
        w1 -= 1e-4 * g1
    lines = printed.splitlines()
    assert len(lines) == 500
    if relu:
        assert all(re.fullmatch(r"loss: tensor\([-+.e0-9]+, grad_fn=<MseLossBackward0>\)", line) for line in lines)
        lines = [re.search(r"\((.*),", line)[1] for line in lines]
    losses, ours = np.array(losses), np.array([float(line) for line in lines])
    far = losses > 0.1
    assert far.sum() > 50
    np.testing.assert_allclose(ours[far], losses[far], rtol=2e-3)
    assert np.all(ours[~far] < 0.2)
    assert ours[-1] < 0.05 * ours[0]
