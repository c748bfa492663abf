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
FUNCTION = """
class Double(lib.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * 2
"""
LEAF = TWO + "w.requires_grad_()\n"
CHAIN = """
def chain():
    h = x
    for _ in range(100):
        h = h * w
    h.sum().backward()
"""

OWN = LAYERS + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(8, 16)
        self.fc2 = nn.Linear(16, 4)
    def forward(self, x):
        return self.fc2(lib.relu(self.fc1(x)))
net = Net(); x = tensor(1, 8)
"""
ROWS = BASE + "y = tensor(4, 16); z = tensor(4, 16, seed=1); p = lib.nn.Parameter(tensor(4, 16, seed=2))\n"
INDICES = "i = lib.tensor([3, 1, 2]); j = lib.tensor(2); k = lib.tensor([0, 1, 1])\n"
SUBCLASS = TWO + """
class Named(lib.Tensor):
    pass
class Logged(lib.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return super().__torch_function__(func, types, args, kwargs or {})
named = x.as_subclass(Named); logged = x.as_subclass(Logged)
"""
TINY = TWO + "w.requires_grad_(); grad = lib.autograd.grad\n"

# name, title, statement, setup, what libraries must agree on: goal 5, the call itself is what costs.
NORMAL = TWO + "w = w.abs() + 0.5; Normal = lib.distributions.Normal\n"
CATEGORICAL = ROWS + "Categorical = lib.distributions.Categorical\n"

CALLS = [
    # numbers
    ("scalar_mul", "x * 2.0", "x * 2.0", TWO, "(x * 2.0).sum()"),
    ("scalar_mul_recorded", "x * 2.0, recorded", "x * 2.0", LEAF + "x = w\n", "None"),
    ("scalar_rmul", "2.0 * x", "2.0 * x", TWO, "(2.0 * x).sum()"),
    ("scalar_add_int", "x + 1", "x + 1", TWO, "(x + 1).sum()"),
    ("scalar_rsub", "1.0 - x", "1.0 - x", TWO, "(1.0 - x).sum()"),
    ("scalar_div", "x / 3", "x / 3", TWO, "(x / 3).sum()"),
    ("pow", "x ** 2", "x ** 2", TWO, "(x ** 2).sum()"),
    ("neg", "-x", "-x", TWO, "(-x).sum()"),
    ("compare", "x > 0", "x > 0", TWO, "(x > 0).sum()"),
    ("compare_tensors", "x == w", "x == w", TWO, "(x == w).sum()"),
    ("broadcast", "(4, 16) * (16,)", "y * w", TWO + "y = tensor(4, 16)\n", "(y * w).sum()"),
    ("broadcast_one", "(16,) * (1,)", "x * y", TWO + "y = tensor(1)\n", "(x * y).sum()"),
    ("promote", "float32 * int64", "x * y", TWO + "y = lib.arange(16)\n", "(x * y).sum()"),
    ("parameter_mul", "x * Parameter, recorded", "x * p", TWO + "p = lib.nn.Parameter(w)\n", "None"),
    # functions and methods
    ("add_method", "x.add(w)", "x.add(w)", TWO, "x.add(w).sum()"),
    ("add_alpha", "lib.add(x, w, alpha=2)", "add(x, w, alpha=2)", TWO + "add = lib.add\n", "add(x, w, alpha=2).sum()"),
    ("tanh", "lib.tanh(x)", "tanh(x)", TWO + "tanh = lib.tanh\n", "lib.tanh(x).sum()"),
    ("exp", "x.exp()", "x.exp()", TWO, "x.exp().sum()"),
    ("clamp", "x.clamp(-1, 1)", "x.clamp(-1, 1)", TWO, "x.clamp(-1, 1).sum()"),
    ("clamp_keyword", "lib.clamp(x, min=0)", "clamp(x, min=0)", TWO + "clamp = lib.clamp\n", "clamp(x, min=0).sum()"),
    ("where", "lib.where(c, x, w)", "where(c, x, w)", TWO + "c = x > 0; where = lib.where\n", "where(c, x, w).sum()"),
    ("sum", "x.sum()", "x.sum()", TWO, "x.sum()"),
    ("sum_dim", "y.sum(1) on (4, 16)", "y.sum(1)", ROWS, "y.sum(1)[2]"),
    ("sum_keepdim", "y.sum(dim=1, keepdim=True)", "y.sum(dim=1, keepdim=True)", ROWS, "y.sum(dim=1, keepdim=True)[2]"),
    ("mean", "x.mean()", "x.mean()", TWO, "x.mean()"),
    ("max", "x.max()", "x.max()", TWO, "x.max()"),
    ("max_dim", "y.max(1): values and indices", "y.max(1)", ROWS, "y.max(1)[0].sum()"),
    ("argmax", "y.argmax(1)", "y.argmax(1)", ROWS, "y.argmax(1).sum()"),
    ("softmax", "lib.softmax(y, 1) on (4, 16)", "softmax(y, 1)", ROWS + "softmax = lib.softmax\n", "softmax(y, 1)[1, 2]"),
    ("matmul", "(4, 16) @ (16, 4)", "y @ z", ROWS + "z = tensor(16, 4)\n", "(y @ z).sum()"),
    ("matvec", "(4, 16) @ (16,)", "y @ x", ROWS + "x = tensor(16)\n", "(y @ x).sum()"),
    ("cat", "lib.cat([x, w])", "cat([x, w])", TWO + "cat = lib.cat\n", "cat([x, w]).sum()"),
    ("cat_dim", "lib.cat((y, z), dim=1)", "cat((y, z), dim=1)", ROWS + "cat = lib.cat\n", "cat((y, z), dim=1).sum()"),
    ("stack", "lib.stack([x, w, x])", "stack([x, w, x])", TWO + "stack = lib.stack\n", "stack([x, w, x]).sum()"),
    ("split", "y.split(2)", "y.split(2)", ROWS, "y.split(2)[1].sum()"),
    ("chunk", "y.chunk(2, 1)", "y.chunk(2, 1)", ROWS, "y.chunk(2, 1)[1].sum()"),
    ("unbind", "y.unbind()", "y.unbind()", ROWS, "y.unbind()[1].sum()"),
    ("gather", "y.gather(1, k)", "y.gather(1, k)", ROWS + "k = y.argmax(1, keepdim=True)\n", "y.gather(1, k).sum()"),
    # views
    ("view", "y.view(16, 4)", "y.view(16, 4)", ROWS, "y.view(16, 4)[3].sum()"),
    ("view_minus_one", "y.view(-1)", "y.view(-1)", ROWS, "y.view(-1)[20]"),
    ("reshape", "y.reshape(16, 4)", "y.reshape(16, 4)", ROWS, "y.reshape(16, 4)[3].sum()"),
    ("transpose", "y.t()", "y.t()", ROWS, "y.t()[3].sum()"),
    ("transpose_dims", "y.transpose(0, 1)", "y.transpose(0, 1)", ROWS, "y.transpose(0, 1)[3].sum()"),
    ("property_T", "y.T", "y.T", ROWS, "y.T[3].sum()"),
    ("permute", "y.permute(1, 0)", "y.permute(1, 0)", ROWS, "y.permute(1, 0)[3].sum()"),
    ("unsqueeze", "x.unsqueeze(0)", "x.unsqueeze(0)", TWO, "x.unsqueeze(0).sum()"),
    ("squeeze", "y.squeeze(0)", "y.squeeze(0)", TWO + "y = tensor(1, 16)\n", "y.squeeze(0)[3]"),
    ("flatten", "y.flatten()", "y.flatten()", ROWS, "y.flatten()[20]"),
    ("expand", "x.expand(4, 16)", "x.expand(4, 16)", TWO, "x.expand(4, 16).sum()"),
    ("detach", "x.detach()", "x.detach()", LEAF + "x = x * w\n", "None"),
    ("view_recorded", "y.view(16, 4), recorded", "y.view(16, 4)", ROWS + "y = p\n", "None"),
    # copies and conversions
    ("clone", "x.clone()", "x.clone()", TWO, "x.clone().sum()"),
    ("contiguous", "y.t().contiguous()", "t.contiguous()", ROWS + "t = y.t()\n", "t.contiguous().sum()"),
    ("to_same", "x.to(lib.float32)", "x.to(float32)", TWO + "float32 = lib.float32\n", "x.to(float32).sum()"),
    ("to_double", "x.double()", "x.double()", TWO, "x.double().sum()"),
    ("to_device", "x.to('cpu')", "x.to('cpu')", TWO, "x.to('cpu').sum()"),
    ("float_method", "m.float() of a mask", "m.float()", TWO + "m = x > 0\n", "m.float().sum()"),
    ("item", "loss.item()", "s.item()", TWO + "s = x.sum()\n", "s.item()"),
    ("float", "float(x)", "float(s)", TWO + "s = x.sum()\n", "float(s)"),
    ("int", "int(i)", "int(i)", "i = lib.tensor(3)\n", "int(i)"),
    ("bool", "bool(s > 0) on 0-d", "bool(s > 0)", TWO + "s = x.sum()\n", "bool(s > 0)"),
    ("bool_mask", "bool(b)", "bool(b)", TWO + "b = x.sum() > 0\n", "bool(b)"),
    ("tolist", "x.tolist()", "x.tolist()", TWO, "x.tolist()[3]"),
    ("numpy", "x.numpy()", "x.numpy()", TWO, "x.numpy()[3]"),
    ("detach_numpy", "x.detach().numpy(), recorded x", "x.detach().numpy()", LEAF + "x = w\n", "x.detach().numpy()[3]"),
    ("from_numpy", "lib.from_numpy(a)", "from_numpy(a)", BASE + "a = array(16)\nfrom_numpy = lib.from_numpy\n", "from_numpy(a).sum()"),
    ("as_tensor", "lib.as_tensor(a)", "as_tensor(a)", BASE + "a = array(16)\nas_tensor = lib.as_tensor\n", "as_tensor(a).sum()"),
    # new tensors
    ("tensor", "lib.tensor(3.0)", "tensor(3.0)", "tensor = lib.tensor\n", "tensor(3.0)"),
    ("tensor_int", "lib.tensor(3)", "tensor(3)", "tensor = lib.tensor\n", "tensor(3)"),
    ("tensor_grad", "lib.tensor(3.0, requires_grad=True)", "tensor(3.0, requires_grad=True)", "tensor = lib.tensor\n", "None"),
    ("tensor_list", "lib.tensor([1.0, 2.0, 3.0])", "tensor([1.0, 2.0, 3.0])", "tensor = lib.tensor\n", "tensor([1.0, 2.0, 3.0]).sum()"),
    ("tensor_dtype", "lib.tensor([1, 2], dtype=lib.float32)", "tensor([1, 2], dtype=float32)", "tensor = lib.tensor; float32 = lib.float32\n", "tensor([1, 2]).sum()"),
    ("tensor_array", "lib.tensor(a), a an ndarray", "tensor(a)", BASE + "a = array(16); tensor = lib.tensor\n", "tensor(a).sum()"),
    ("zeros", "lib.zeros(16)", "zeros(16)", "zeros = lib.zeros\n", "zeros(16).sum()"),
    ("zeros_2d", "lib.zeros(4, 16)", "zeros(4, 16)", "zeros = lib.zeros\n", "None"),
    ("ones", "lib.ones((4, 4))", "ones((4, 4))", "ones = lib.ones\n", "ones((4, 4)).sum()"),
    ("full", "lib.full((16,), 2.0)", "full((16,), 2.0)", "full = lib.full\n", "full((16,), 2.0).sum()"),
    ("empty", "lib.empty(16)", "empty(16)", "empty = lib.empty\n", "None"),
    ("arange", "lib.arange(16)", "arange(16)", "arange = lib.arange\n", "arange(16).sum()"),
    ("randn", "lib.randn(16)", "randn(16)", "randn = lib.randn\n", "None"),
    ("rand", "lib.rand(16)", "rand(16)", "rand = lib.rand\n", "None"),
    ("randint", "lib.randint(0, 10, (16,))", "randint(0, 10, (16,))", "randint = lib.randint\n", "None"),
    ("zeros_like", "lib.zeros_like(x)", "zeros_like(x)", TWO + "zeros_like = lib.zeros_like\n", "zeros_like(x).sum()"),
    ("ones_like", "lib.ones_like(x)", "ones_like(x)", TWO + "ones_like = lib.ones_like\n", "ones_like(x).sum()"),
    ("randn_like", "lib.randn_like(x)", "randn_like(x)", TWO + "randn_like = lib.randn_like\n", "None"),
    ("new_zeros", "x.new_zeros(4)", "x.new_zeros(4)", TWO, "x.new_zeros(4).sum()"),
    # indexing
    ("index", "x[3]", "x[3]", TWO, "x[3]"),
    ("index_recorded", "x[3], recorded", "x[3]", LEAF + "x = w\n", "x[3]"),
    ("index_negative", "y[-1]", "y[-1]", ROWS, "y[-1].sum()"),
    ("slice", "x[2:8]", "x[2:8]", TWO, "x[2:8].sum()"),
    ("slice_all", "y[:, 1]", "y[:, 1]", ROWS, "y[:, 1].sum()"),
    ("slice_pair", "y[1:3, 2:9]", "y[1:3, 2:9]", ROWS, "y[1:3, 2:9].sum()"),
    ("slice_step", "x[::2]", "x[::2]", TWO, "x[::2].sum()"),
    ("index_pair", "y[1, 2]", "y[1, 2]", ROWS, "y[1, 2]"),
    ("index_none", "x[None]", "x[None]", TWO, "x[None].sum()"),
    ("index_ellipsis", "y[..., 0]", "y[..., 0]", ROWS, "y[..., 0].sum()"),
    ("index_none_pair", "x[:, None]", "x[:, None]", TWO, "x[:, None].sum()"),
    ("index_tensor", "y[i], i 3 integers", "y[i]", ROWS + INDICES, "y[i].sum()"),
    ("index_tensor_0d", "y[j], j 0-d", "y[j]", ROWS + INDICES, "y[j].sum()"),
    ("index_list", "y[[0, 2]]", "y[[0, 2]]", ROWS, "y[[0, 2]].sum()"),
    ("index_tensors", "y[i, k]", "y[i, k]", ROWS + INDICES, "y[i, k].sum()"),
    ("index_slice_tensor", "y[:, i]", "y[:, i]", ROWS + INDICES, "y[:, i].sum()"),
    ("mask_index", "x[x > 0]", "x[x > 0]", TWO, "x[x > 0].sum()"),
    ("assign", "x[3] = 1.0", "x[3] = 1.0", TWO, "x.sum()"),
    ("assign_row", "y[1] = x", "y[1] = x", ROWS + "x = tensor(16)\n", "y.sum()"),
    ("assign_slice", "x[2:8] = 0", "x[2:8] = 0", TWO, "x.sum()"),
    ("assign_pair", "y[1, 2] = 3.0", "y[1, 2] = 3.0", ROWS, "y.sum()"),
    ("assign_mask", "x[m] = 0.0", "x[m] = 0.0", TWO + "m = x > 0\n", "x.sum()"),
    ("assign_tensor", "y[i] = 0.0", "y[i] = 0.0", ROWS + INDICES, "y.sum()"),
    ("iterate", "for row in y: pass", "for row in y: pass", ROWS, "None"),
    ("unpack", "a, b = x[:2]", "a, b = v", TWO + "v = x[:2]\n", "a * b"),
    # in place
    ("iadd", "x.add_(w)", "x.add_(w)", TWO + "w *= 0\n", "None"),
    ("iadd_operator", "x += w, as operator.iadd(x, w)", "iadd(x, w)", TWO + "w *= 0; from operator import iadd\n", "None"),
    ("iadd_scaled", "x.add_(w, alpha=-0.1)", "x.add_(w, alpha=-0.1)", TWO + "w *= 0\n", "None"),
    ("imul_scalar", "x *= 1.0, as operator.imul(x, 1.0)", "imul(x, 1.0)", TWO + "from operator import imul\n", "x.sum()"),
    ("mul_", "x.mul_(1.0)", "x.mul_(1.0)", TWO, "x.sum()"),
    ("copy_", "x.copy_(w)", "x.copy_(w)", TWO, "x.sum()"),
    ("zero_", "x.zero_()", "x.zero_()", TWO, "x.sum()"),
    ("fill_", "x.fill_(1.0)", "x.fill_(1.0)", TWO, "x.sum()"),
    ("data_sub", "p.data -= 0.0 * g", "p.data -= w", LEAF + "p = w; w = x * 0\n", "p.sum()"),
    # attributes
    ("requires_grad", "x.requires_grad", "x.requires_grad", TWO, "x.requires_grad"),
    ("requires_grad_", "x.requires_grad_()", "x.requires_grad_()", TWO, "None"),
    ("grad", "w.grad", "w.grad", LEAF + "(x * w).sum().backward()\n", "w.grad.sum()"),
    ("grad_none", "w.grad = None", "w.grad = None", LEAF, "None"),
    ("data", "w.data", "w.data", LEAF, "w.data.sum()"),
    ("grad_fn", "y.grad_fn", "y.grad_fn", LEAF + "y = x * w\n", "None"),
    ("function_apply", "a user's Function applied", "f(w)", LEAF + FUNCTION + "f = Double.apply\n", "f(w).sum()"),
    ("function_backward", "the same, backward", "f(w).backward(x)", LEAF + FUNCTION + "f = Double.apply\n", "w.grad.sum() * 0"),
    ("new_leaf", "x.detach().requires_grad_()", "x.detach().requires_grad_()", TWO, "None"),
    # modes
    ("no_grad", "with lib.no_grad(): pass", "with no_grad(): pass", "no_grad = lib.no_grad\n", "None"),
    ("enable_grad", "with lib.enable_grad(): pass", "with enable_grad(): pass", "enable_grad = lib.enable_grad\n", "None"),
    ("set_grad_enabled", "with lib.set_grad_enabled(False): pass", "with set_grad_enabled(False): pass", "set_grad_enabled = lib.set_grad_enabled\n", "None"),
    ("inference_mode", "with lib.inference_mode(): pass", "with inference_mode(): pass", "inference_mode = lib.inference_mode\n", "None"),
    ("no_grad_function", "a call of a @no_grad function", "f()", "@lib.no_grad()\ndef f(): pass\n", "None"),
    # subclasses
    ("subclass", "named * w, a subclass without overrides", "named * w", SUBCLASS, "(named * w).sum()"),
    ("subclass_function", "logged * w, with __torch_function__", "logged * w", SUBCLASS, "(logged * w).sum()"),
    # differentiation
    ("backward_tiny", "(x * w).sum().backward()", "(x * w).sum().backward()", TINY, "None"),
    ("grad_tiny", "autograd.grad((x * w).sum(), w)", "grad((x * w).sum(), w)", TINY, "grad((x * w).sum(), w)[0].sum()"),
    ("grad_list", "autograd.grad(..., [w, x], create_graph=True)", "grad((x * w).sum(), [w, x], create_graph=True)", TINY + "x.requires_grad_()\n", "None"),
    ("gradient", "y.backward(gradient)", "(x * w).backward(g)", TINY + "g = x * 1\n", "None"),
    # losses and activations
    ("relu", "F.relu(x)", "relu(x)", TWO + "relu = lib.nn.functional.relu\n", "relu(x).sum()"),
    ("f_softmax", "F.softmax(y, dim=-1)", "softmax(y, dim=-1)", ROWS + "softmax = lib.nn.functional.softmax\n", "softmax(y, dim=-1)[1, 2]"),
    ("log_softmax", "F.log_softmax(y, dim=1)", "log_softmax(y, dim=1)", ROWS + "log_softmax = lib.nn.functional.log_softmax\n", "log_softmax(y, dim=1)[1, 2]"),
    ("mse_loss", "F.mse_loss(x, w)", "mse_loss(x, w)", TWO + "mse_loss = lib.nn.functional.mse_loss\n", "mse_loss(x, w)"),
    ("mse_loss_sum", "F.mse_loss(x, w, reduction='sum')", "mse_loss(x, w, reduction='sum')", TWO + "mse_loss = lib.nn.functional.mse_loss\n", "mse_loss(x, w, reduction='sum')"),
    ("cross_entropy", "F.cross_entropy on (4, 16)", "cross_entropy(y, t)",
     ROWS + "cross_entropy = lib.nn.functional.cross_entropy; t = lib.tensor([1, 3, 5, 7])\n", "cross_entropy(y, t)"),
    ("f_linear", "F.linear(y, weight, bias)", "linear(y, p, b)", ROWS + "linear = lib.nn.functional.linear; b = tensor(4)\n", "linear(y, p, b).sum()"),
    ("dropout", "F.dropout(x, 0.5)", "dropout(x, 0.5)", TWO + "dropout = lib.nn.functional.dropout\n", "None"),
    ("layer_norm", "F.layer_norm(y, (16,))", "layer_norm(y, (16,))", ROWS + "layer_norm = lib.nn.functional.layer_norm\n", "layer_norm(y, (16,)).abs().sum()"),
    ("embedding", "F.embedding(i, y)", "embedding(i, y)", ROWS + INDICES + "embedding = lib.nn.functional.embedding\n", "embedding(i, y).sum()"),
    # modules
    ("module_mse", "nn.MSELoss() called", "loss(x, w)", TWO + "loss = lib.nn.MSELoss()\n", "loss(x, w)"),
    ("module_cross_entropy", "nn.CrossEntropyLoss() called", "loss(y, t)", ROWS + "loss = lib.nn.CrossEntropyLoss(); t = lib.tensor([1, 3, 5, 7])\n", "loss(y, t)"),
    ("module_relu", "nn.ReLU() called", "relu(x)", TWO + "relu = lib.nn.ReLU()\n", "relu(x).sum()"),
    ("module_dropout_eval", "nn.Dropout() called in eval", "dropout(x)", TWO + "dropout = lib.nn.Dropout().eval()\n", "dropout(x).sum()"),
    ("module_layer_norm", "nn.LayerNorm(16) called", "norm(y)", ROWS + "norm = lib.nn.LayerNorm(16)\n", "norm(y).abs().sum()"),
    ("module_own", "a user's module of two layers", "net(x)", OWN, "net(x).sum()"),
    ("module_parameters", "list(model.parameters()), 6", "list(model.parameters())", SEQUENTIAL, "None"),
    ("module_zero_grad", "model.zero_grad()", "model.zero_grad()", TRAINED.format("SGD"), "None"),
    ("module_train", "model.train()", "model.train()", SEQUENTIAL, "None"),
    ("lstm_cell", "nn.LSTMCell(8, 16) called on (1, 8)", "cell(x)", LAYERS + "cell = nn.LSTMCell(8, 16); x = tensor(1, 8)\n", "cell(x)[0].sum()"),
    # optimizers
    ("zero_grad", "zero_grad, gradients None already", "zero_grad()", TRAINED.format("Adam") + "zero_grad = optimizer.zero_grad\n", "None"),
    ("zero_grad_zeros", "zero_grad(set_to_none=False)", "zero_grad(set_to_none=False)", TRAINED.format("Adam") + "zero_grad = optimizer.zero_grad\n", "None"),
    ("step_sgd", "optimizer.step, SGD, 6 parameters", "step()", TRAINED.format("SGD") + "step = optimizer.step\n", "None"),
    ("step_momentum", "the same with momentum", "step()", TRAINED.replace("lr=1e-6", "lr=1e-6, momentum=0.9").format("SGD") + "step = optimizer.step\n", "None"),
    ("step_adam", "optimizer.step, Adam, 6 parameters", "step()", TRAINED.format("Adam") + "step = optimizer.step\n", "None"),
    ("step_adamw", "optimizer.step, AdamW, 6 parameters", "step()", TRAINED.format("AdamW") + "step = optimizer.step\n", "None"),
    ("step_rmsprop", "optimizer.step, RMSprop, 6 parameters", "step()", TRAINED.format("RMSprop") + "step = optimizer.step\n", "None"),
    ("step_one", "optimizer.step, SGD, 1 parameter of (16,)", "step()",
     LEAF + "(x * w).sum().backward(); step = lib.optim.SGD([w], lr=1e-6).step\n", "None"),
    ("clip_grad_norm", "clip_grad_norm_, 6 parameters", "clip(parameters, 1e6)",
     TRAINED.format("SGD") + "clip = nn.utils.clip_grad_norm_; parameters = list(model.parameters())\n", "None"),
    # distributions
    ("normal_made", "distributions.Normal(x, w)", "Normal(x, w)", NORMAL, "Normal(x, w).log_prob(x).sum()"),
    ("normal_sample", "normal.sample()", "normal.sample()", NORMAL + "normal = Normal(x, w)\n", "None"),
    ("normal_log_prob", "normal.log_prob(x)", "normal.log_prob(x)", NORMAL + "normal = Normal(x, w)\n", "normal.log_prob(x).sum()"),
    ("categorical_made", "distributions.Categorical(logits=y)", "Categorical(logits=y)", CATEGORICAL, "Categorical(logits=y).probs.sum()"),
    ("categorical_sample", "categorical.sample()", "categorical.sample()", CATEGORICAL + "categorical = Categorical(logits=y)\n", "None"),
    ("categorical_log_prob", "categorical.log_prob(t)", "categorical.log_prob(t)",
     CATEGORICAL + "categorical = Categorical(logits=y); t = lib.tensor([1, 3, 5, 7])\n", "categorical.log_prob(t).sum()"),
    ("mvn", "MultivariateNormal of 16: made, sampled, log_prob", "d = MVN(m, c); d.log_prob(d.rsample())",
     BASE + "MVN = lib.distributions.MultivariateNormal; m = tensor(16); c = tensor(16, 16); c = c @ c.t() + 16 * lib.eye(16)\n", "MVN(m, c).log_prob(m)"),
    ("multinomial", "lib.multinomial(p, 2)", "multinomial(p, 2)", TWO + "multinomial = lib.multinomial; p = x.abs()\n", "None"),
    ("bernoulli", "lib.bernoulli(p)", "bernoulli(p)", TWO + "bernoulli = lib.bernoulli; p = x.sigmoid()\n", "None"),
    ("normal_", "x.normal_()", "x.normal_()", TWO, "None"),
    # trees of modules
    ("state_dict", "model.state_dict()", "model.state_dict()", SEQUENTIAL, "None"),
    ("load_state_dict", "model.load_state_dict(state)", "model.load_state_dict(state)", SEQUENTIAL + "state = model.state_dict()\n", "None"),
    ("named_parameters", "list(model.named_parameters()), 6", "list(model.named_parameters())", SEQUENTIAL, "None"),
    ("deepcopy", "copy.deepcopy(model)", "deepcopy(model)", SEQUENTIAL + "from copy import deepcopy\n", "None"),
    # transforms
    ("func_grad", "func.grad(f)(x)", "g(x)", TWO + "g = lib.func.grad(lambda x: (x * x).sum())\n", "g(x).sum()"),
    ("func_vmap", "func.vmap(f)(y), 4 rows", "f(y)", ROWS + "f = lib.func.vmap(lambda x: (x * x).sum())\n", "f(y).sum()"),
    ("func_jacrev", "func.jacrev(f)(x[:4])", "j(v)", TWO + "j = lib.func.jacrev(lambda x: x ** 3); v = x[:4]\n", "j(v).sum()"),
    ("func_hessian", "func.hessian(f)(x[:4])", "h(v)", TWO + "h = lib.func.hessian(lambda x: (x ** 3).sum()); v = x[:4]\n", "h(v).sum()"),
    ("functional_call", "func.functional_call(model, parameters, x)", "call(model, parameters, (x,))",
     SEQUENTIAL + "call = lib.func.functional_call; parameters = dict(model.named_parameters())\n", "call(model, parameters, (x,)).sum()"),
    # functions of functions
    ("module_function", "lib.cos(x) on a 0-d tensor, as it is written", "lib.cos(x)", "x = lib.tensor(0.5)\n", "lib.cos(x)"),
    ("movedim", "b.movedim(0, 1)", "b.movedim(0, 1)", BASE + "b = tensor(2, 3, 4)\n", "b.movedim(0, 1)[1, 1, 2]"),
    ("kron", "lib.kron(x, x)", "kron(x, x)", TWO + "kron = lib.kron\n", "kron(x, x).sum()"),
    ("cross", "lib.cross(v, v), 4 rows", "cross(v, u, dim=1)", BASE + "v = tensor(4, 3); u = tensor(4, 3, seed=1); cross = lib.cross\n", "cross(v, u, dim=1)[1, 2]"),
    ("meshgrid", "lib.meshgrid(x, x)", "meshgrid(x, x, indexing='ij')", TWO + "meshgrid = lib.meshgrid\n", "meshgrid(x, w, indexing='ij')[0].sum()"),
    ("one_hot", "F.one_hot(i, 10)", "one_hot(i, 10)", ROWS + INDICES + "one_hot = lib.nn.functional.one_hot\n", "one_hot(i, 10).sum()"),
    ("repeat_interleave", "x.repeat_interleave(2)", "x.repeat_interleave(2)", TWO, "x.repeat_interleave(2)[5]"),
    ("bincount", "lib.bincount(i)", "bincount(i)", ROWS + INDICES + "bincount = lib.bincount\n", "bincount(i).sum()"),
    ("vstack", "lib.vstack of 4", "vstack(xs)", TWO + "vstack = lib.vstack; xs = [x, w, x, w]\n", "vstack(xs).sum()"),
    ("eye", "lib.eye(4)", "eye(4)", "eye = lib.eye\n", "eye(4).sum()"),
    ("diag", "lib.diag(x)", "diag(x)", TWO + "diag = lib.diag\n", "diag(x).sum()"),
    ("arange_float", "lib.arange(0, 1, 0.1)", "arange(0, 1, 0.1)", "arange = lib.arange\n", "arange(0, 1, 0.1).sum()"),
    ("module_batch_norm", "nn.BatchNorm1d(16) called", "norm(y)", ROWS + "norm = lib.nn.BatchNorm1d(16)\n", "norm(y).abs().sum()"),
]

MICRO = {m.name: m for m in [
    Micro("mul", "x * w on (16,), not recorded", "x * w", TWO, goal=25, check="(x * w).sum()"),
    Micro("mul_recorded", "x * w on (16,), recorded", "x * w", LEAF, goal=25, check="(x * w).sum()"),
    Micro("mul_no_grad", "x * w on (16,), under no_grad", "x * w", LEAF + "lib.set_grad_enabled(False)\n", goal=25),
    Micro("mul_backward", "chain of 100 x * w, forward + backward, an op", "chain()", TWO + "x.requires_grad_()\nw *= 0.1; w += 1\n" + CHAIN,
          goal=35, ops=100, check="x.grad.sum()"),
    Micro("backward", "(x * w).sum(), backward", "y = (x * w).sum(); y.backward()", LEAF, goal=10, check="w.grad.sum() * 0"),
    Micro("shape", "x.shape", "x.shape", TWO, goal=3, check="x.shape[0]"),
    Micro("size", "x.size(0)", "x.size(0)", TWO, goal=3, check="x.size(0)"),
    Micro("len", "len(x)", "len(x)", TWO, goal=3, check="len(x)"),
    Micro("dim", "x.dim()", "x.dim()", TWO, goal=3, check="x.dim()"),
    Micro("dtype", "x.dtype", "x.dtype", TWO, goal=1),
    Micro("linear", "nn.Linear(8, 16) called on (1, 8)", "layer(x)", LAYERS + "layer = nn.Linear(8, 16); x = tensor(1, 8)\n", limit_ns=350, check="layer(x).sum()"),
    Micro("linear_no_grad", "the same under no_grad", "layer(x)", LAYERS + "layer = nn.Linear(8, 16); x = tensor(1, 8)\nlib.set_grad_enabled(False)\n", limit_ns=350),
    Micro("sequential", "Sequential of 5 called on (1, 8)", "model(x)", SEQUENTIAL, limit_ns=1500, check="model(x).sum()"),
    Micro("sequential_no_grad", "the same under no_grad", "model(x)", SEQUENTIAL + "lib.set_grad_enabled(False)\n", limit_ns=1500),
    *(Micro(name, title, statement, setup, goal=5, check=check) for name, title, statement, setup, check in CALLS),
]}

MICRO["sgemm"] = Micro("sgemm", "a @ b, 512x512x512 float32", "a @ b", BASE + "a = tensor(512, 512); b = tensor(512, 512, seed=1)\n",
                       check="(a @ b)[3, 5]")

KERNELS = {**{name: f"lib.{name}" for name in ("exp", "log", "tanh", "sigmoid", "erf", "sin", "cos", "sqrt")},
           **{name: f"lib.nn.functional.{name}" for name in ("gelu", "silu")},
           "gelu_tanh": "lambda x: lib.nn.functional.gelu(x, approximate='tanh')"}
for _name, _function in KERNELS.items():
    for _dtype, _limit in (("float32", 0.5), ("float64", None)):
        _setup = BASE + f"x = (tensor(4096).abs() + 0.1).to(lib.{_dtype})\nf = {_function}\n"
        _key, _title = f"kernel_{_name}" + "_f64" * (_dtype == "float64"), f"{_name}, 4096 {_dtype}"
        MICRO[_key] = Micro(_key, f"{_title}, an element", "f(x)", _setup, limit_ns=_limit, check="f(x).sum()", ops=4096)
        MICRO[f"{_key}_vjp"] = Micro(
            f"{_key}_vjp", f"{_title}, backward, an element", "grad(y, (x,), g, retain_graph=True)",
            _setup + "grad = lib.autograd.grad\nx.requires_grad_()\ny = f(x); g = lib.ones_like(y)\n",
            check="grad(y, (x,), g, retain_graph=True)[0].sum()", ops=4096)

#: name -> shape of the input, of the weight, stride, padding, groups
CONVOLUTIONS = {
    "resnet_56": ((2, 64, 56, 56), (64, 64, 3, 3), 1, 1, 1), "resnet_28": ((2, 128, 28, 28), (128, 128, 3, 3), 1, 1, 1),
    "resnet_7": ((4, 512, 7, 7), (512, 512, 3, 3), 1, 1, 1), "stem": ((1, 3, 224, 224), (64, 3, 7, 7), 2, 3, 1),
    "one_by_one": ((2, 64, 56, 56), (256, 64, 1, 1), 1, 0, 1), "strided": ((2, 64, 56, 56), (128, 64, 3, 3), 2, 1, 1),
    "depthwise": ((2, 64, 56, 56), (64, 1, 3, 3), 1, 1, 64), "few_channels": ((32, 1, 28, 28), (16, 1, 3, 3), 1, 1, 1),
    "atari": ((8, 4, 84, 84), (32, 4, 8, 8), 4, 0, 1), "lenet_c5": ((64, 16, 5, 5), (120, 16, 5, 5), 1, 0, 1),
    "series": ((16, 32, 512), (64, 32, 5), 1, 2, 1),
}
for _name, (_x, _w, *_arguments) in CONVOLUTIONS.items():
    _n = len(_x) - 2
    _setup = BASE + f"x = tensor(*{_x}); w = tensor(*{_w}, seed=1)\nconv = lib.nn.functional.conv{_n}d\n"
    _call = "conv(x, w, None, {}, {}, 1, {})".format(*_arguments)
    _title = f"conv{_n}d {'x'.join(map(str, _x))}, {'x'.join(map(str, _w))}, stride {_arguments[0]}"
    MICRO[f"conv_{_name}"] = Micro(f"conv_{_name}", _title, _call, _setup, goal=1, check=f"{_call}.abs().sum()")
    MICRO[f"conv_{_name}_vjp"] = Micro(
        f"conv_{_name}_vjp", f"{_title}, backward", "grad(y, (x, w), g, retain_graph=True)",
        _setup + f"grad = lib.autograd.grad\nx.requires_grad_(); w.requires_grad_()\ny = {_call}; g = y.detach()*0.5\n", goal=1,
        check="sum(float(t.abs().sum()) for t in grad(y, (x, w), g, retain_graph=True))")
for _name, _call in {"max_pool": "max_pool2d(x, 2)", "max_pool_3": "max_pool2d(x, 3, 2, 1)", "avg_pool": "avg_pool2d(x, 2)"}.items():
    _setup = BASE + "x = tensor(8, 16, 28, 28)\nF = lib.nn.functional\n"
    MICRO[_name] = Micro(_name, f"{_call} on 8x16x28x28", f"F.{_call}", _setup, goal=1, check=f"F.{_call}.sum()")
    MICRO[f"{_name}_vjp"] = Micro(f"{_name}_vjp", f"{_call} on 8x16x28x28, backward", "grad(y, (x,), g, retain_graph=True)",
                                  _setup + f"grad = lib.autograd.grad\nx.requires_grad_()\ny = F.{_call}; g = y.detach()*0.5\n", goal=1,
                                  check="grad(y, (x,), g, retain_graph=True)[0].abs().sum()")
