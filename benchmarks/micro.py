"""What one operation costs, driven from Python: setup and statement, the same text for wengert and torch.

The statement runs inside timeit's loop, whose own 5 to 10 ns a round are part of every figure.
"""
from dataclasses import dataclass


@dataclass(frozen=True)
class Micro:
    name: str
    title: str
    statement: str
    setup: str
    goal: float | None = None       # at least so many times torch's speed
    limit_ns: float | None = None   # at most so many nanoseconds
    check: str = "None"             # an expression that all libraries must agree on, after one run of the statement
    ops: int = 1                    # operations in one run of the statement


BASE = """
import numpy as np
def array(*shape, seed=0): return np.random.default_rng(seed).standard_normal(shape).astype('float32')
def tensor(*shape, seed=0): return lib.from_numpy(array(*shape, seed=seed))
"""
TWO = BASE + "x = tensor(16); w = tensor(16, seed=1)\n"
LAYERS = BASE + "nn = lib.nn; lib.manual_seed(0)\n"
SEQUENTIAL = LAYERS + "model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 4))\nx = tensor(1, 8)\n"
TRAINED = SEQUENTIAL + """
for i in range(1, 5):
    model = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 4))
optimizer = lib.optim.{}(model.parameters(), lr=1e-6)
model(tensor(64, 8)).sum().backward()
"""
LEAF = TWO + "w.requires_grad_()\n"
CHAIN = """
def chain():
    h = x
    for _ in range(100):
        h = h * w
    h.sum().backward()
"""

MICRO = {m.name: m for m in [
    Micro("mul", "x * w on (16,), not recorded", "x * w", TWO, goal=25, check="(x * w).sum()"),
    Micro("mul_recorded", "x * w on (16,), recorded", "x * w", LEAF, goal=25, check="(x * w).sum()"),
    Micro("mul_no_grad", "x * w on (16,), under no_grad", "x * w", LEAF + "lib.set_grad_enabled(False)\n", goal=25),
    Micro("mul_backward", "chain of 100 x * w, forward + backward, an op", "chain()", TWO + "x.requires_grad_()\nw *= 0.1; w += 1\n" + CHAIN,
          goal=35, ops=100, check="x.grad.sum()"),
    Micro("scalar_mul", "x * 2.0", "x * 2.0", TWO, check="(x * 2.0).sum()"),
    Micro("scalar_mul_recorded", "x * 2.0, recorded", "x * 2.0", LEAF + "x = w\n"),
    Micro("broadcast", "(4, 16) * (16,)", "y * w", TWO + "y = tensor(4, 16)\n", check="(y * w).sum()"),
    Micro("broadcast_one", "(16,) * (1,)", "x * y", TWO + "y = tensor(1)\n", check="(x * y).sum()"),
    Micro("promote", "float32 * int64", "x * y", TWO + "y = lib.arange(16)\n", check="(x * y).sum()"),
    Micro("parameter_mul", "x * Parameter, recorded", "x * p", TWO + "p = lib.nn.Parameter(w)\n"),
    Micro("add_method", "x.add(w)", "x.add(w)", TWO, check="x.add(w).sum()"),
    Micro("iadd", "x.add_(w)", "x.add_(w)", TWO),
    Micro("tanh", "lib.tanh(x)", "tanh(x)", TWO + "tanh = lib.tanh\n", check="lib.tanh(x).sum()"),
    Micro("exp", "x.exp()", "x.exp()", TWO, check="x.exp().sum()"),
    Micro("compare", "x > 0", "x > 0", TWO, check="(x > 0).sum()"),
    Micro("sum", "x.sum()", "x.sum()", TWO, check="x.sum()"),
    Micro("sum_dim", "y.sum(1) on (4, 16)", "y.sum(1)", TWO + "y = tensor(4, 16)\n", check="y.sum(1)[2]"),
    Micro("max", "x.max()", "x.max()", TWO, check="x.max()"),
    Micro("softmax", "lib.softmax(y, 1) on (4, 16)", "softmax(y, 1)", TWO + "softmax = lib.softmax\ny = tensor(4, 16)\n", check="softmax(y, 1)[1, 2]"),
    Micro("matmul", "(4, 16) @ (16, 4)", "y @ z", TWO + "y = tensor(4, 16); z = tensor(16, 4)\n", check="(y @ z).sum()"),
    Micro("cat", "lib.cat([x, w])", "cat([x, w])", TWO + "cat = lib.cat\n", check="cat([x, w]).sum()"),
    Micro("view", "y.view(16, 4)", "y.view(16, 4)", TWO + "y = tensor(4, 16)\n"),
    Micro("transpose", "y.t()", "y.t()", TWO + "y = tensor(4, 16)\n"),
    Micro("index", "x[3]", "x[3]", TWO, goal=5, check="x[3]"),
    Micro("slice", "x[2:8]", "x[2:8]", TWO, goal=5, check="x[2:8].sum()"),
    Micro("index_pair", "y[1, 2]", "y[1, 2]", TWO + "y = tensor(4, 16)\n", goal=5, check="y[1, 2]"),
    Micro("assign", "x[3] = 1.0", "x[3] = 1.0", TWO, goal=5, check="x.sum()"),
    Micro("mask_index", "x[x > 0]", "x[x > 0]", TWO, goal=5, check="x[x > 0].sum()"),
    Micro("item", "loss.item()", "s.item()", TWO + "s = x.sum()\n", goal=5, check="s.item()"),
    Micro("float", "float(x)", "float(s)", TWO + "s = x.sum()\n", goal=5, check="float(s)"),
    Micro("bool", "bool(x > 0) on 0-d", "bool(s > 0)", TWO + "s = x.sum()\n"),
    Micro("tensor", "lib.tensor(3.0)", "tensor(3.0)", "tensor = lib.tensor\n", goal=5, check="tensor(3.0)"),
    Micro("tensor_list", "lib.tensor([1.0, 2.0, 3.0])", "tensor([1.0, 2.0, 3.0])", "tensor = lib.tensor\n", goal=5, check="tensor([1.0, 2.0, 3.0]).sum()"),
    Micro("zeros", "lib.zeros(16)", "zeros(16)", "zeros = lib.zeros\n", goal=5),
    Micro("from_numpy", "lib.from_numpy(a)", "from_numpy(a)", BASE + "a = array(16)\nfrom_numpy = lib.from_numpy\n", goal=5),
    Micro("numpy", "x.numpy()", "x.numpy()", TWO),
    Micro("shape", "x.shape", "x.shape", TWO, goal=3),
    Micro("requires_grad", "x.requires_grad", "x.requires_grad", TWO),
    Micro("detach", "x.detach()", "x.detach()", LEAF + "x = x * w\n", goal=5),
    Micro("no_grad", "with lib.no_grad(): pass", "with no_grad(): pass", "no_grad = lib.no_grad\n"),
    Micro("backward", "(x * w).sum(), backward", "y = (x * w).sum(); y.backward()", LEAF, goal=10, check="w.grad.sum() * 0"),
    Micro("zero_grad", "zero_grad, backward and step left out", "zero_grad()", TRAINED.format("Adam") + "zero_grad = optimizer.zero_grad\n", goal=5),
    Micro("step_sgd", "optimizer.step, SGD, 6 parameters", "step()", TRAINED.format("SGD") + "step = optimizer.step\n", goal=5),
    Micro("step_adam", "optimizer.step, Adam, 6 parameters", "step()", TRAINED.format("Adam") + "step = optimizer.step\n", goal=5),
    Micro("linear", "nn.Linear(8, 16) called on (1, 8)", "layer(x)", LAYERS + "layer = nn.Linear(8, 16); x = tensor(1, 8)\n", limit_ns=350, check="layer(x).sum()"),
    Micro("linear_no_grad", "the same under no_grad", "layer(x)", LAYERS + "layer = nn.Linear(8, 16); x = tensor(1, 8)\nlib.set_grad_enabled(False)\n", limit_ns=350),
    Micro("sequential", "Sequential of 5 called on (1, 8)", "model(x)", SEQUENTIAL, check="model(x).sum()"),
    Micro("sequential_no_grad", "the same under no_grad", "model(x)", SEQUENTIAL + "lib.set_grad_enabled(False)\n"),
    Micro("mse_loss", "F.mse_loss(x, w)", "mse_loss(x, w)", TWO + "mse_loss = lib.nn.functional.mse_loss\n", check="mse_loss(x, w)"),
    Micro("cross_entropy", "F.cross_entropy on (4, 16)", "cross_entropy(y, t)",
          TWO + "cross_entropy = lib.nn.functional.cross_entropy; y = tensor(4, 16); t = lib.tensor([1, 3, 5, 7])\n", check="cross_entropy(y, t)"),
]}

MICRO["sgemm"] = Micro("sgemm", "a @ b, 512x512x512 float32", "a @ b", BASE + "a = tensor(512, 512); b = tensor(512, 512, seed=1)\n",
                       check="(a @ b)[3, 5]")

KERNELS = ["exp", "log", "tanh", "sigmoid", "erf", "sin", "cos", "sqrt"]
for _name in KERNELS:
    MICRO[f"kernel_{_name}"] = Micro(
        f"kernel_{_name}", f"lib.{_name}, 4096 float32, an element", "f(x)", BASE + f"x = tensor(4096).abs() + 0.1\nf = lib.{_name}\n",
        limit_ns=0.5, check="f(x).sum()", ops=4096)
for _name in ("gelu", "silu"):
    MICRO[f"kernel_{_name}"] = Micro(
        f"kernel_{_name}", f"F.{_name}, 4096 float32, an element", "f(x)", BASE + f"x = tensor(4096)\nf = lib.nn.functional.{_name}\n",
        limit_ns=0.5, check="f(x).sum()", ops=4096)
