"""Optimizers against torch: trajectories of every option, state, errors, printing, hooks, interchange of checkpoints."""

import copy
import pickle

import numpy as np
import pytest
from like_torch import array, assert_same, torch

import wengert

# name: the optimizer, given torch.optim and the parameters
OPTIMIZERS = {
    "SGD": lambda o, p: o.SGD(p, lr=0.1),
    "SGD momentum": lambda o, p: o.SGD(p, lr=0.1, momentum=0.9),
    "SGD dampening": lambda o, p: o.SGD(p, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.1),
    "SGD nesterov": lambda o, p: o.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "SGD maximize": lambda o, p: o.SGD(p, lr=0.01, momentum=0.5, maximize=True, weight_decay=0.1),
    "SGD foreach": lambda o, p: o.SGD(p, lr=0.1, foreach=True),
    "Adam": lambda o, p: o.Adam(p, lr=0.1),
    "Adam options": lambda o, p: o.Adam(p, lr=0.1, betas=(0.8, 0.9), eps=1e-4, weight_decay=0.2),
    "Adam amsgrad": lambda o, p: o.Adam(p, lr=0.1, amsgrad=True),
    "Adam maximize": lambda o, p: o.Adam(p, lr=0.1, maximize=True, amsgrad=True),
    "Adam decoupled": lambda o, p: o.Adam(p, lr=0.1, decoupled_weight_decay=True, weight_decay=0.2),
    "Adam fused": lambda o, p: o.Adam(p, lr=0.1, fused=True),
    "AdamW": lambda o, p: o.AdamW(p, lr=0.1),
    "AdamW options": lambda o, p: o.AdamW(p, lr=0.1, weight_decay=0.3, amsgrad=True, maximize=True),
    "RMSprop": lambda o, p: o.RMSprop(p, lr=0.1),
    "RMSprop momentum": lambda o, p: o.RMSprop(p, lr=0.1, momentum=0.9, alpha=0.8, weight_decay=0.1),
    "RMSprop centered": lambda o, p: o.RMSprop(p, lr=0.1, centered=True, eps=1e-3, maximize=True),
    "RMSprop both": lambda o, p: o.RMSprop(p, lr=0.1, centered=True, momentum=0.5, eps=1e-3),
    "Adagrad": lambda o, p: o.Adagrad(p, lr=0.1),
    "Adagrad options": lambda o, p: o.Adagrad(
        p, lr=0.1, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.5, eps=1e-3, maximize=True
    ),
    "Adadelta": lambda o, p: o.Adadelta(p),
    "Adadelta options": lambda o, p: o.Adadelta(p, lr=0.5, rho=0.8, eps=1e-3, weight_decay=0.1, maximize=True),
    "Adamax": lambda o, p: o.Adamax(p, lr=0.1),
    "Adamax options": lambda o, p: o.Adamax(p, lr=0.1, betas=(0.7, 0.8), weight_decay=0.1, maximize=True),
    "NAdam": lambda o, p: o.NAdam(p, lr=0.1),
    "NAdam options": lambda o, p: o.NAdam(p, lr=0.1, weight_decay=0.1, momentum_decay=0.1, maximize=True),
    "NAdam decoupled": lambda o, p: o.NAdam(p, lr=0.1, weight_decay=0.1, decoupled_weight_decay=True),
    "RAdam": lambda o, p: o.RAdam(p, lr=0.1),
    "RAdam options": lambda o, p: o.RAdam(p, lr=0.1, weight_decay=0.1, betas=(0.7, 0.9), maximize=True),
    "RAdam decoupled": lambda o, p: o.RAdam(p, lr=0.1, weight_decay=0.1, decoupled_weight_decay=True),
    "ASGD": lambda o, p: o.ASGD(p, lr=0.1),
    "ASGD options": lambda o, p: o.ASGD(p, lr=0.1, lambd=0.01, alpha=0.5, t0=2, weight_decay=0.1),
    "Rprop": lambda o, p: o.Rprop(p),
    "Rprop options": lambda o, p: o.Rprop(p, lr=0.05, etas=(0.3, 1.5), step_sizes=(0.01, 0.2), maximize=True),
    "Adafactor": lambda o, p: o.Adafactor(p),
    "Adafactor options": lambda o, p: o.Adafactor(
        p, lr=0.1, beta2_decay=-0.5, eps=(1e-4, 1e-2), d=1.5, weight_decay=0.1, maximize=True
    ),
    "LBFGS": lambda o, p: o.LBFGS(p, lr=0.5, max_iter=4),
    "LBFGS history": lambda o, p: o.LBFGS(p, lr=0.5, max_iter=6, history_size=2),
    "LBFGS wolfe": lambda o, p: o.LBFGS(p, max_iter=5, line_search_fn="strong_wolfe"),
}
SHAPES = [(4, 3), (3,), (), (2, 5)]
STEPS = 7


def make_params(t, dtype="float64"):
    return [
        t.nn.Parameter(t.tensor(array(*s, seed=i, low=-1.0, high=1.0), dtype=getattr(t, dtype)))
        for i, s in enumerate(SHAPES)
    ]


def loss_of(t, params):
    """A smooth function with a different curvature for each element; the last parameter takes no part."""
    total = 0
    for i, p in enumerate(params[:3]):
        target = t.tensor(array(*p.shape, seed=20 + i), dtype=p.dtype)
        scale = t.tensor(array(*p.shape, seed=30 + i, low=0.1, high=2.0), dtype=p.dtype)
        total = total + (scale * (p - target) ** 2).sum() + (p * 3).cos().sum()
    return total


def run(name, steps=STEPS, dtype="float64"):
    def program(t):
        params = make_params(t, dtype)
        optimizer = OPTIMIZERS[name](t.optim, params)
        losses = []

        def closure():
            optimizer.zero_grad()
            loss = loss_of(t, params)
            loss.backward()
            return loss

        for _ in range(steps):
            losses.append(optimizer.step(closure).item())
        state = optimizer.state_dict()
        if name.startswith("LBFGS"):
            state = [state["param_groups"], list(state["state"][0]["old_dirs"])]
        return [losses, params, state, optimizer]

    return program


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_trajectory(name):
    steps = 3 if name.startswith("LBFGS") else STEPS
    program = run(name, steps)
    assert_same(lambda t: [t.tensor(program(t)[0]), *program(t)[1:]], 1e-6 if name == "LBFGS wolfe" else 1e-9)


@pytest.mark.parametrize("name", ["SGD momentum", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_trajectory_in_float32(name):
    program = run(name, 20, "float32")
    assert_same(lambda t: program(t)[1:3], 2e-5)


@pytest.mark.parametrize("options", [{}, {"nesterov": False, "weight_decay": 0.0}, {"adjust_lr_fn": "match_rms_adamw", "ns_steps": 3}], ids=str)
@pytest.mark.parametrize("shape", [(6, 6), (8, 3), (3, 8)], ids=str)
def test_muon(shape, options):
    def program(t):
        p = t.nn.Parameter(t.tensor(array(*shape), dtype=t.float32))
        optimizer = t.optim.Muon([p], lr=0.01, **options)
        for i in range(4):
            p.grad = t.tensor(array(*shape, seed=i), dtype=t.float32)
            optimizer.step()
        return p, optimizer.state_dict(), optimizer

    # the iterations are in bfloat16, whose products sum in other orders: 1 % of four updates of at most 0.01 times the ratio
    assert_same(program, 1e-3)


@pytest.mark.parametrize("options", [{"ns_steps": 100}, {"ns_coefficients": (1, 2)}], ids=str)
def test_muon_refuses_when_it_steps(options):
    def program(t):
        p = t.nn.Parameter(t.ones(2, 2))
        p.grad = t.ones(2, 2)
        t.optim.Muon([p], **options).step()

    assert_same(program)


def step(make, *grads):
    """A program: steps with given gradients, and what is seen afterwards."""

    def program(t):
        p = t.nn.Parameter(t.ones(2))
        p.grad = t.tensor([1.0, -2.0])
        optimizer = make(t, p)
        optimizer.step()
        return [p, optimizer, optimizer.state_dict()]

    return program


def groups(t, p):
    other = t.nn.Parameter(t.zeros(2))
    other.grad = t.tensor([0.5, 1.0])
    optimizer = t.optim.SGD([{"params": [p], "lr": 0.5}, {"params": other, "momentum": 0.9}], lr=0.1)
    third = t.nn.Parameter(t.zeros(1))
    optimizer.add_param_group({"params": [third], "weight_decay": 0.3})
    return optimizer


PROGRAMS = {
    "groups": step(groups),
    "named": step(lambda t, p: t.optim.Adam([("x", p)])),
    "tensor lr": step(lambda t, p: t.optim.SGD([p], lr=t.tensor(0.1))),
    "tensor lr Adam": step(lambda t, p: t.optim.Adam([p], lr=t.tensor(0.1))),
    "capital defaults": step(lambda t, p: t.optim.AdamW([p])),
    "one tensor": lambda t: t.optim.SGD(t.ones(1)),
    "empty": lambda t: t.optim.SGD([]),
    "number": lambda t: t.optim.SGD([3]),
    "not a leaf": lambda t: t.optim.SGD([t.nn.Parameter(t.ones(1)) * 2]),
    "set": lambda t: t.optim.SGD([{"params": {t.nn.Parameter(t.ones(1))}}]),
    "no dictionary": lambda t: t.optim.SGD([t.nn.Parameter(t.ones(1))]).add_param_group([1]),
    "no params": lambda t: t.optim.SGD([t.nn.Parameter(t.ones(1))]).add_param_group({}),
    "in two groups": lambda t: (lambda p: t.optim.SGD([{"params": p}, {"params": [p]}]))(t.nn.Parameter(t.ones(1))),
    "names missing": lambda t: t.optim.SGD([("a", t.nn.Parameter(t.ones(1))), t.nn.Parameter(t.ones(1))]),
    "names missing in a group": lambda t: t.optim.SGD(
        [{"params": [("a", t.nn.Parameter(t.ones(1)))]}, {"params": t.nn.Parameter(t.ones(1))}]
    ),
    "names only in a group": lambda t: t.optim.SGD(
        [{"params": t.nn.Parameter(t.ones(1))}, {"params": [("a", t.nn.Parameter(t.ones(1)))]}]
    ),
    "LBFGS groups": lambda t: t.optim.LBFGS(
        [{"params": t.nn.Parameter(t.ones(1))}, {"params": t.nn.Parameter(t.ones(1))}]
    ),
    "LBFGS without closure": lambda t: t.optim.LBFGS([t.nn.Parameter(t.ones(1))]).step(),
    "base class": lambda t: t.optim.Optimizer([t.nn.Parameter(t.ones(1))], {}).step(),
    "load: groups": lambda t: t.optim.SGD([t.nn.Parameter(t.ones(1))]).load_state_dict(
        {"state": {}, "param_groups": []}
    ),
    "load: sizes": lambda t: t.optim.SGD([t.nn.Parameter(t.ones(1))]).load_state_dict(
        {"state": {}, "param_groups": [{"params": []}]}
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_outcome(name):
    assert_same(PROGRAMS[name], 1e-6)


def test_duplicate_parameters_warn():
    p = wengert.nn.Parameter(wengert.ones(1))
    with pytest.warns(UserWarning, match="duplicate parameters; in future, this will cause an error"):
        wengert.optim.SGD([p, p])


BAD = [
    ("SGD", {"lr": -1}),
    ("SGD", {"momentum": -1}),
    ("SGD", {"weight_decay": -1}),
    ("SGD", {"nesterov": True}),
    ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
    ("SGD", {"lr": "ones"}),
    ("SGD", {"fused": True, "foreach": True}),
    ("SGD", {"fused": True, "differentiable": True}),
    ("Adam", {"lr": -1}),
    ("Adam", {"eps": -1}),
    ("Adam", {"betas": (1.0, 0.9)}),
    ("Adam", {"betas": (0.9, -0.1)}),
    ("Adam", {"weight_decay": -1}),
    ("Adam", {"lr": "ones"}),
    ("Adam", {"lr": "one", "foreach": True}),
    ("Adam", {"fused": True, "foreach": True}),
    ("AdamW", {"fused": True, "differentiable": True}),
    ("AdamW", {"weight_decay": -1}),
    ("RMSprop", {"lr": -1}),
    ("RMSprop", {"eps": -1}),
    ("RMSprop", {"momentum": -1}),
    ("RMSprop", {"weight_decay": -1}),
    ("RMSprop", {"alpha": -1}),
    ("RMSprop", {"lr": "ones"}),
    ("Adagrad", {"lr": -1}),
    ("Adagrad", {"lr_decay": -1}),
    ("Adagrad", {"weight_decay": -1}),
    ("Adagrad", {"initial_accumulator_value": -1}),
    ("Adagrad", {"eps": -1}),
    ("Adagrad", {"fused": True, "foreach": True}),
    ("Adadelta", {"lr": -1}),
    ("Adadelta", {"rho": 2}),
    ("Adadelta", {"eps": -1}),
    ("Adadelta", {"weight_decay": -1}),
    ("Adamax", {"lr": -1}),
    ("Adamax", {"betas": (2, 0)}),
    ("NAdam", {"momentum_decay": -1}),
    ("RAdam", {"betas": (0, 1)}),
    ("RAdam", {"eps": -1}),
    ("ASGD", {"lr": -1}),
    ("ASGD", {"weight_decay": -1}),
    ("Rprop", {"lr": -1}),
    ("Rprop", {"etas": (1, 1.1)}),
    ("LBFGS", {"lr": -1}),
    ("Adafactor", {"lr": -1}),
    ("Adafactor", {"lr": "ones"}),
    ("Adafactor", {"beta2_decay": 0.1}),
    ("Adafactor", {"eps": (-1, 1)}),
    ("Adafactor", {"eps": (None, -1)}),
    ("Adafactor", {"d": 0.5}),
    ("Adafactor", {"weight_decay": -1}),
    ("Muon", {}),
    ("Muon", {"lr": -1}),
    ("Muon", {"momentum": -1}),
    ("Muon", {"weight_decay": -1}),
    ("Muon", {"adjust_lr_fn": "x"}),
]


@pytest.mark.parametrize("name, options", BAD, ids=lambda v: str(v))
def test_bad_options(name, options):
    def program(t):
        kwargs = dict(options)
        if isinstance(kwargs.get("lr"), str):
            kwargs["lr"] = {"ones": t.ones(2), "one": t.tensor(0.1)}[kwargs["lr"]]
        return getattr(t.optim, name)([t.nn.Parameter(t.ones(1))], **kwargs)

    assert_same(program)


def hooks(t):
    log = []
    p = t.nn.Parameter(t.ones(1))
    p.grad = t.ones(1)
    optimizer = t.optim.SGD([p], lr=0.5)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: log.append(("pre", len(args), kwargs)))
    optimizer.register_step_post_hook(lambda o, args, kwargs: log.append(("post", len(args), kwargs)))
    module = __import__(t.__name__ + ".optim.optimizer", fromlist=["x"])
    first = module.register_optimizer_step_pre_hook(lambda o, args, kwargs: log.append("global pre"))
    last = module.register_optimizer_step_post_hook(lambda o, args, kwargs: log.append("global post"))
    optimizer.register_state_dict_pre_hook(lambda o: log.append("state pre"))
    optimizer.register_state_dict_post_hook(lambda o, d: {**d, "extra": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, d: log.append(sorted(d)))
    optimizer.register_load_state_dict_post_hook(lambda o: log.append("loaded"))
    try:
        optimizer.step()
        optimizer.step(closure=lambda: t.ones(1))
    finally:
        first.remove()
        last.remove()
    optimizer.load_state_dict(optimizer.state_dict())
    optimizer.step()
    return [log, p]


def test_hooks():
    assert_same(hooks)


def test_a_pre_hook_must_return_a_pair():
    p = wengert.nn.Parameter(wengert.ones(1))
    optimizer = wengert.optim.SGD([p])
    optimizer.register_step_pre_hook(lambda *a: 3)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got 3"):
        optimizer.step()


def test_hooks_run_in_a_users_optimizer():
    class Mine(wengert.optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": 0.5})

        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.data.add_(p.grad, alpha=-group["lr"])
            return 7

    p = wengert.nn.Parameter(wengert.ones(2))
    p.grad = wengert.ones(2)
    optimizer = Mine([p])
    calls = []
    optimizer.register_step_post_hook(lambda *a: calls.append(1))
    assert optimizer.step() == 7
    assert p.tolist() == [0.5, 0.5] and calls == [1]


@pytest.mark.parametrize("lib", [wengert, torch], ids=["wengert", "torch"])
@pytest.mark.skipif(torch is None, reason="compares with torch")
def test_an_optimizer_without_a_rule_steps_nowhere(lib):
    class Mine(lib.optim.Optimizer):
        pass

    called = []
    with pytest.raises(NotImplementedError):
        Mine([lib.zeros(1)], {}).step(lambda: called.append(1))
    assert not called


def to_lib(value, lib):
    """A checkpoint of one library as one of the other."""
    if isinstance(value, (torch.Tensor, wengert.Tensor)):
        return lib.tensor(value.detach().tolist(), dtype=getattr(lib, str(value.dtype).rpartition(".")[2]))
    if isinstance(value, dict):
        return {k: to_lib(v, lib) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(to_lib(v, lib) for v in value)
    return value


def continued(name, first, second):
    """Parameters after some steps in library ``first`` and, from its checkpoint, some more in ``second``."""
    params = make_params(first)
    optimizer = OPTIMIZERS[name](first.optim, params)

    def steps(lib, params, optimizer, n):
        def closure():
            optimizer.zero_grad()
            loss = loss_of(lib, params)
            loss.backward()
            return loss

        for _ in range(n):
            optimizer.step(closure)

    steps(first, params, optimizer, 3)
    values = to_lib([p for p in params], second)
    new = [second.nn.Parameter(v) for v in values]
    other = OPTIMIZERS[name](second.optim, new)
    other.load_state_dict(to_lib(optimizer.state_dict(), second))
    steps(second, new, other, 3)
    return [p.detach().tolist() for p in new]


@pytest.mark.parametrize("name", ["SGD momentum", "Adam amsgrad", "AdamW", "RMSprop both", "Adagrad", "NAdam", "LBFGS"])
def test_checkpoints_are_torchs(name):
    expected = continued(name, torch, torch)
    for first, second in ((torch, wengert), (wengert, torch), (wengert, wengert)):
        for ours, theirs in zip(continued(name, first, second), expected):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies_go_on_alike(duplicate):
    p = wengert.nn.Parameter(wengert.ones(3))
    optimizer = wengert.optim.Adam([p], lr=0.1)
    p.grad = wengert.ones(3)
    optimizer.step()
    twin = duplicate(optimizer)
    q = twin.param_groups[0]["params"][0]
    assert q is not p
    for o, x in ((optimizer, p), (twin, q)):
        x.grad = wengert.tensor([1.0, 2.0, 3.0])
        o.step()
    assert p.tolist() == q.tolist()
    assert twin.state[q]["step"].item() == 2.0


def test_changes_between_steps_are_seen():
    """Rates, gradients that come and go, parameters, state tensors and whole states that a user replaces."""
    p, q = (wengert.nn.Parameter(wengert.zeros(2, dtype=wengert.float64)) for _ in range(2))
    optimizer = wengert.optim.SGD([p, q], lr=1.0, momentum=0.5)
    g = wengert.ones(2, dtype=wengert.float64)
    p.grad = g.clone()
    optimizer.step()
    assert p.tolist() == [-1.0, -1.0] and q.tolist() == [0.0, 0.0]
    q.grad = g.clone()
    optimizer.param_groups[0]["lr"] = 0.1
    optimizer.step()
    assert p.tolist() == pytest.approx([-1.15, -1.15]) and q.tolist() == pytest.approx([-0.1, -0.1])
    optimizer.state[p]["momentum_buffer"] = wengert.zeros(2, dtype=wengert.float64)
    optimizer.step()
    assert p.tolist() == pytest.approx([-1.25, -1.25])
    new = wengert.nn.Parameter(wengert.zeros(2, dtype=wengert.float64))
    new.grad = g.clone()
    optimizer.state[new] = optimizer.state.pop(p)
    optimizer.param_groups[0]["params"][0] = new
    optimizer.step()
    assert new.tolist() == pytest.approx([-0.15, -0.15]) and p.tolist() == pytest.approx([-1.25, -1.25])
    optimizer.state.clear()
    optimizer.step()
    assert new.tolist() == pytest.approx([-0.25, -0.25])


def test_zero_grad():
    p = wengert.nn.Parameter(wengert.zeros(2))
    optimizer = wengert.optim.SGD([p])
    p.grad = wengert.ones(2)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert p.grad is None


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam"])
def test_differentiable_steps(name):
    """Gradients flow through two steps to the point at which they began."""

    def program(t):
        start = t.tensor([0.3, -0.7], dtype=t.float64, requires_grad=True)
        x = start * 1.0
        x.retain_grad()
        kwargs = {"momentum": 0.9} if name == "SGD" else {}
        optimizer = getattr(t.optim, name)([x], lr=0.1, differentiable=True, **kwargs)
        x.grad = start * start
        optimizer.step()
        x.sum().backward()
        return [x, start.grad]

    # PyTorch computes with its float32 step count there.
    assert_same(program, 1e-5)


def test_without_torch_for_comparison():
    p = wengert.nn.Parameter(wengert.tensor([1.0, 2.0]))
    optimizer = wengert.optim.SGD([p], lr=0.5, momentum=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()
    # x: 1 -> 1 - 0.5 * 2 = 0 -> 0 - 0.5 * (0.5 * 2 + 0) = -0.5
    assert p.tolist() == [-0.5, -1.0]


KERNELS = [name for name in OPTIMIZERS if not name.startswith(("LBFGS", "Adafactor"))]


def several_steps(name, dtype, formula, monkeypatch):
    """Parameters and state after steps with given gradients, by the launch or by the formula."""
    from wengert.optim._formula_optimizer import FormulaOptimizer

    with monkeypatch.context() as patch:
        if formula:
            for cls in (FormulaOptimizer, wengert.optim.SGD):
                patch.setattr(cls, "_run_kernel", no_grad_formula)
        params = []
        for i, shape in enumerate([(4, 3), (), (5,), (0, 2), (3000,)]):
            values = wengert.tensor(array(*shape, seed=i), dtype=getattr(wengert, dtype))
            params.append(wengert.nn.Parameter(values.t() if len(shape) == 2 else values))
        optimizer = OPTIMIZERS[name](wengert.optim, params)
        for step in range(5):
            for i, p in enumerate(params[: 3 + step]):
                p.grad = wengert.tensor(array(*p.shape, seed=100 * step + i), dtype=p.dtype)
            optimizer.step()
    state = [{k: v.tolist() for k, v in optimizer.state[p].items() if v is not None} for p in params]
    return [p.tolist() for p in params], state


def no_grad_formula(self, group, plan, grads):
    with wengert.no_grad():
        for param, grad, state in zip(plan.params, grads, plan.states):
            self._formula(param, grad, {} if state is None else state, group)


def flat(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for v in value:
            yield from flat(v)
    else:
        yield value


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-13), ("float32", 2e-5)])
def test_the_launch_computes_the_formula(name, dtype, tolerance, monkeypatch):
    by_kernel = several_steps(name, dtype, False, monkeypatch)
    by_formula = several_steps(name, dtype, True, monkeypatch)
    ours, theirs = list(flat(by_kernel)), list(flat(by_formula))
    assert len(ours) == len(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", KERNELS)
def test_a_step_is_one_launch(name):
    from wengert._core import Program

    params = [wengert.nn.Parameter(wengert.ones(3)) for _ in range(5)]
    optimizer = OPTIMIZERS[name](wengert.optim, params)
    for p in params:
        p.grad = wengert.ones(3)
    optimizer.step()
    program = Program()
    with program:
        optimizer.step()
    assert len(program) == 1


def test_half_precision_goes_by_the_formula():
    p = wengert.nn.Parameter(wengert.ones(3, dtype=wengert.bfloat16))
    p.grad = wengert.ones(3, dtype=wengert.bfloat16)
    wengert.optim.SGD([p], lr=0.5).step()
    assert p.tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("name", ["SGD", "Adam", "Adafactor", "Muon"])
def test_gradients_are_read_once_a_step(name):
    """As when another thread drops them: here the first step's own set-up does, after the step saw them."""
    class Meddled(getattr(wengert.optim, name)):
        def _states_of(self, params, group):
            for param in params:
                param.grad = None
            return super()._states_of(params, group)

    weight = wengert.nn.Parameter(wengert.ones(2, 3))
    weight.grad = wengert.ones(2, 3)
    optimizer = Meddled([weight], lr=0.5)
    optimizer.step()
    assert (weight < 1).all() and weight.grad is None
    weight.grad = wengert.ones(2, 3)
    before = weight.detach().clone()
    optimizer.step()
    assert (weight < before).all()
