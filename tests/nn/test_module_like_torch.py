"""Module's rules, messages and printing against torch's own."""

import copy
from collections import OrderedDict

import pytest
from like_torch import assert_same


def net(t):
    class Net(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = t.nn.Linear(2, 3)
            self.b = t.nn.Sequential(t.nn.ReLU(), t.nn.Linear(3, 1, bias=False))
            self.scale = t.nn.Parameter(t.ones(2))
            self.register_buffer("count", t.zeros(1))
            self.register_buffer("scratch", t.zeros(1), persistent=False)
            self.tied = self.a

        def forward(self, x):
            return self.b(self.a(x * self.scale))

    return Net()


def before_init(t, value):
    class Net(t.nn.Module):
        def __init__(self):
            self.x = value

    return Net()


def setting(make, name="x", first=None):
    """A program that sets an attribute and lists where it went."""

    def program(t):
        m = t.nn.Module()
        if first is not None:
            setattr(m, name, first(t))
        setattr(m, name, make(t))
        return [
            list(m._parameters),
            list(m._buffers),
            list(m._modules),
            sorted(m._non_persistent_buffers_set),
            name in dir(m),
            hasattr(m, name),
        ]

    return program


VALUES = {
    "parameter": lambda t: t.nn.Parameter(t.ones(2)),
    "tensor": lambda t: t.ones(2),
    "buffer": lambda t: t.nn.Buffer(t.ones(2)),
    "scratch": lambda t: t.nn.Buffer(t.ones(2), persistent=False),
    "module": lambda t: t.nn.ReLU(),
    "None": lambda t: None,
    "number": lambda t: 3,
    "nothing": None,
}


@pytest.mark.parametrize("first", VALUES)
@pytest.mark.parametrize("second", [v for v in VALUES if v != "nothing"])
def test_every_order_of_assignments(first, second):
    assert_same(setting(VALUES[second], first=VALUES[first]))


@pytest.mark.parametrize("first", [v for v in VALUES if v not in ("nothing", "None")])
def test_delete(first):
    def program(t):
        m = t.nn.Module()
        m.x = VALUES[first](t)
        del m.x
        return [list(m._parameters), list(m._buffers), list(m._modules), hasattr(m, "x")]

    assert_same(program)


# Names of PyTorch's Module that concern its typing and devices that we do not have.
ELSEWHERE = ("T_destination", "ipu", "mtia", "xpu")

PROGRAMS = {
    "read missing": lambda t: net(t).missing,
    "delete missing": lambda t: delattr(t.nn.ReLU(), "missing"),
    "parameter before init": lambda t: before_init(t, t.nn.Parameter(t.ones(1))),
    "module before init": lambda t: before_init(t, t.nn.ReLU()),
    "buffer before init": lambda t: before_init(t, t.nn.Buffer(t.ones(1))),
    "number before init": lambda t: before_init(t, 3).x,
    "register_parameter: no string": lambda t: net(t).register_parameter(3, None),
    "register_parameter: dot": lambda t: net(t).register_parameter("a.b", None),
    "register_parameter: empty": lambda t: net(t).register_parameter("", None),
    "register_parameter: taken": lambda t: net(t).register_parameter("forward", None),
    "register_parameter: a module's name": lambda t: net(t).register_parameter("a", None),
    "register_parameter: tensor": lambda t: net(t).register_parameter("p", t.ones(1)),
    "register_parameter: number": lambda t: net(t).register_parameter("p", 3),
    "register_parameter: not a leaf": lambda t: net(t).register_parameter("p", t.nn.Parameter(t.ones(1)) * 2),
    "register_buffer: no string": lambda t: net(t).register_buffer(3, None),
    "register_buffer: dot": lambda t: net(t).register_buffer("a.b", None),
    "register_buffer: empty": lambda t: net(t).register_buffer("", None),
    "register_buffer: taken": lambda t: net(t).register_buffer("scale", None),
    "register_buffer: list": lambda t: net(t).register_buffer("p", [1]),
    "add_module: no string": lambda t: net(t).add_module(3, t.nn.ReLU()),
    "add_module: dot": lambda t: net(t).add_module("a.b", t.nn.ReLU()),
    "add_module: empty": lambda t: net(t).add_module("", t.nn.ReLU()),
    "add_module: taken": lambda t: net(t).add_module("forward", t.nn.ReLU()),
    "add_module: number": lambda t: net(t).add_module("p", 3),
    "add_module: class": lambda t: net(t).add_module("p", t.nn.ReLU),
    "register_module": lambda t: net(t).register_module("p", 3),
    "unexpected argument": lambda t: t.nn.Module(3),
    "unexpected keyword": lambda t: t.nn.Module(x=3),
    "no forward": lambda t: t.nn.Module()(3),
    "repr": lambda t: net(t),
    "repr empty": lambda t: t.nn.Module(),
    "repr None child": lambda t: (lambda m: (m.add_module("x", None), m)[1])(t.nn.Module()),
    "dir": lambda t: [n for n in dir(net(t)) if not n.startswith("_") and n not in ELSEWHERE],
    "named_parameters": lambda t: [n for n, _ in net(t).named_parameters()],
    "named_parameters prefix": lambda t: [n for n, _ in net(t).named_parameters("p", recurse=False)],
    "named_parameters all": lambda t: [n for n, _ in net(t).named_parameters(remove_duplicate=False)],
    "named_buffers": lambda t: [n for n, _ in net(t).named_buffers()],
    "named_modules": lambda t: [n for n, _ in net(t).named_modules()],
    "named_modules all": lambda t: [n for n, _ in net(t).named_modules(remove_duplicate=False, prefix="q")],
    "named_children": lambda t: list(net(t).named_children()),
    "modules": lambda t: [m._get_name() for m in net(t).modules()],
    "get_submodule": lambda t: net(t).get_submodule("b.1"),
    "get_submodule: self": lambda t: net(t).get_submodule(""),
    "get_submodule: missing": lambda t: net(t).get_submodule("b.7"),
    "get_submodule: parameter": lambda t: net(t).get_submodule("a.weight"),
    "get_parameter": lambda t: net(t).get_parameter("a.bias").shape,
    "get_parameter: missing": lambda t: net(t).get_parameter("a.x"),
    "get_parameter: buffer": lambda t: net(t).get_parameter("count"),
    "get_buffer": lambda t: net(t).get_buffer("count"),
    "get_buffer: missing": lambda t: net(t).get_buffer("x"),
    "get_buffer: parameter": lambda t: net(t).get_buffer("scale"),
    "set_submodule": lambda t: (lambda m: (m.set_submodule("b.0", t.nn.Tanh()), m)[1])(net(t)),
    "set_submodule: no name": lambda t: net(t).set_submodule("", t.nn.Tanh()),
    "set_submodule: no module": lambda t: net(t).set_submodule("b.0", 3),
    "set_submodule: strict": lambda t: net(t).set_submodule("x", t.nn.Tanh(), strict=True),
    "set_submodule: attribute": lambda t: net(t).set_submodule("training", t.nn.Tanh()),
    "train: no bool": lambda t: net(t).train(1),
    "eval": lambda t: [m.training for m in net(t).eval().modules()],
    "requires_grad_": lambda t: [p.requires_grad for p in net(t).requires_grad_(False).parameters()],
    "state_dict keys": lambda t: list(net(t).state_dict()),
    "state_dict metadata": lambda t: dict(net(t).state_dict()._metadata),
    "state_dict positional": lambda t: list(net(t).state_dict(OrderedDict(), "p.")),
    "state_dict keep_vars": lambda t: [v.requires_grad for v in net(t).state_dict(keep_vars=True).values()],
    "load: no dict": lambda t: net(t).load_state_dict([1]),
    "load: all": lambda t: net(t).load_state_dict(net(t).state_dict()),
    "load: empty": lambda t: net(t).load_state_dict({}),
    "load: empty, not strict": lambda t: net(t).load_state_dict({"x": 1}, strict=False),
    "load: unexpected": lambda t: net(t).load_state_dict({**net(t).state_dict(), "x": 1, "b.0.y": 2, "a.z": 3}),
    "load: both": lambda t: net(t).load_state_dict({"x": t.ones(1), "q.r": 1}),
    "load: shape": lambda t: net(t).load_state_dict({**net(t).state_dict(), "a.weight": t.ones(1, 2)}),
    "load: type": lambda t: net(t).load_state_dict({**net(t).state_dict(), "a.weight": [1]}),
    "to: int": lambda t: net(t).to(t.int32),
    "to: dtype": lambda t: [p.dtype for p in net(t).to(t.float64).parameters()],
    "to: tensor": lambda t: [p.dtype for p in net(t).to(t.ones(1, dtype=t.float64)).parameters()],
    "to: device and dtype": lambda t: [p.dtype for p in net(t).to("cpu", t.float64).parameters()],
    "double": lambda t: [b.dtype for b in net(t).double().buffers()],
    "half": lambda t: [b.dtype for b in net(t).half().parameters()],
    "bfloat16": lambda t: [b.dtype for b in net(t).bfloat16().parameters()],
    "double float": lambda t: [b.dtype for b in net(t).double().float().parameters()],
    "type": lambda t: [b.dtype for b in net(t).type(t.float64).parameters()],
    "module name": lambda t: t.nn.Linear(1, 1)._get_name(),
    "import path": lambda t: [t.nn.modules.module.Module is t.nn.Module, t.nn.modules.linear.Linear is t.nn.Linear],
    "forward pre-hook: wrong kwargs result": lambda t: (
        lambda m: (m.register_forward_pre_hook(lambda m, a, k: 3, with_kwargs=True), m(t.ones(2, 2)))
    )(net(t)),
    "both kinds of backward hooks": lambda t: (
        lambda m: (m.register_backward_hook(print), m.register_full_backward_hook(print))
    )(net(t)),
    "both kinds, other order": lambda t: (
        lambda m: (m.register_full_backward_hook(print), m.register_backward_hook(print))
    )(net(t)),
    "state_dict post-hook returns": lambda t: (
        lambda m: (m.register_state_dict_post_hook(lambda *a: 3), m.state_dict())
    )(net(t)),
    "load post-hook returns": lambda t: (
        lambda m: (m.register_load_state_dict_post_hook(lambda *a: 3), m.load_state_dict(m.state_dict()))
    )(net(t)),
    "Parameter of a list": lambda t: t.nn.Parameter([1.0]),
    "Parameter of nothing": lambda t: repr(t.nn.Parameter()),
    "Parameter repr": lambda t: repr(t.nn.Parameter(t.ones(2, 2), requires_grad=False)),
    "Parameter of integers": lambda t: t.nn.Parameter(t.ones(2, dtype=t.int64)),
    "Parameter in operations": lambda t: type(t.nn.Parameter(t.ones(2)) * 2).__name__,
    "Buffer": lambda t: isinstance(t.nn.Buffer(t.ones(1)), t.nn.Buffer),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_outcome(name):
    assert_same(PROGRAMS[name])


def logging_hooks(t):
    """The order in which all kinds of hooks of two nested modules run."""
    log = []

    def note(name, result=None):
        def hook(module, *args):
            log.append((name, type(module).__name__, len(args)))
            return result

        return hook

    model = t.nn.Sequential(t.nn.Linear(2, 2), t.nn.Tanh())
    with t.no_grad():
        model[0].weight.fill_(0.5)
        model[0].bias.fill_(0.1)
    for module in (model, *model):
        module.register_forward_pre_hook(note("pre 1"))
        module.register_forward_pre_hook(note("pre 0"), prepend=True)
        module.register_forward_pre_hook(note("pre kwargs"), with_kwargs=True)
        module.register_forward_hook(note("post 1"))
        module.register_forward_hook(note("post 0"), prepend=True)
        module.register_forward_hook(note("post kwargs"), with_kwargs=True)
        module.register_full_backward_hook(note("backward 1"))
        module.register_full_backward_hook(note("backward 0"), prepend=True)
        module.register_full_backward_pre_hook(note("backward pre"))
    handles = [
        t.nn.modules.module.register_module_forward_pre_hook(note("global pre")),
        t.nn.modules.module.register_module_forward_hook(note("global post")),
        t.nn.modules.module.register_module_full_backward_hook(note("global backward")),
        t.nn.modules.module.register_module_full_backward_pre_hook(note("global backward pre")),
    ]
    try:
        x = t.ones(3, 2, requires_grad=True)
        model(x).sum().backward()
    finally:
        for handle in handles:
            handle.remove()
        t.nn.modules.module._global_is_full_backward_hook = None
    model(x)
    return [log, x.grad]


def test_order_of_hooks():
    assert_same(logging_hooks, 1e-6)


def changing_hooks(t):
    """Hooks that replace arguments, results and cotangents."""
    linear = t.nn.Linear(2, 1)
    with t.no_grad():
        linear.weight.fill_(2.0)
        linear.bias.fill_(1.0)
    linear.register_forward_pre_hook(lambda m, args: args[0] * 3)
    linear.register_forward_pre_hook(lambda m, args, kwargs: ((args[0] + 1,), {}), with_kwargs=True)
    linear.register_forward_hook(lambda m, args, out: out * 10)
    linear.register_full_backward_pre_hook(lambda m, grads: (grads[0] * 2,))
    linear.register_full_backward_hook(lambda m, gi, go: (gi[0] * 5,))
    x = t.ones(1, 2, requires_grad=True)
    y = linear(x)
    y.sum().backward()
    return [y, x.grad, linear.weight.grad, linear.bias.grad]


def test_hooks_that_change_values():
    assert_same(changing_hooks, 1e-6)


def hooks_without_input_gradient(t):
    seen = []
    linear = t.nn.Linear(2, 1)
    linear.register_full_backward_hook(lambda m, gi, go: seen.append((gi, len(go))))
    linear(t.ones(1, 2)).sum().backward()
    return seen


def test_backward_hook_without_input_gradient():
    assert_same(hooks_without_input_gradient)


def always_called(t):
    log = []

    class Bad(t.nn.Module):
        def forward(self, x):
            raise RuntimeError("forward failed")

    def bad_hook(module, args, out):
        raise ValueError("hook failed")

    bad = Bad()
    bad.register_forward_hook(lambda *a: log.append("not called"))
    bad.register_forward_hook(lambda *a: log.append(("called", a[2])), always_call=True)
    bad.register_forward_hook(bad_hook, always_call=True)
    try:
        bad(1)
    except RuntimeError as error:
        log.append(str(error))
    return log


def test_always_call():
    assert_same(always_called)


def extra_state(t):
    class Net(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.n = 1

        def get_extra_state(self):
            return {"n": self.n}

        def set_extra_state(self, state):
            self.n = state["n"]

    net = t.nn.Sequential(Net(), t.nn.ReLU())
    net[0].n = 7
    state = net.state_dict()
    other = t.nn.Sequential(Net(), t.nn.ReLU())
    result = other.load_state_dict(state)
    try:
        other.load_state_dict({})
    except RuntimeError as error:
        message = str(error)
    try:
        t.nn.Sequential(t.nn.ReLU()).load_state_dict(state)
    except RuntimeError as error:
        message += str(error)
    return [list(state), result, other[0].n, message]


def test_extra_state():
    assert_same(extra_state)


def state_dict_hooks(t):
    log = []
    net = t.nn.Sequential(t.nn.Linear(1, 1))
    net.register_state_dict_pre_hook(lambda m, prefix, keep: log.append(("pre", prefix, keep)))
    net[0].register_state_dict_post_hook(lambda m, d, prefix, meta: log.append(("post", list(d), prefix, meta)))
    net._register_state_dict_hook(lambda m, d, prefix, meta: {"only": 1})
    net.register_load_state_dict_pre_hook(lambda m, d, prefix, *rest: log.append((type(m).__name__, len(d), prefix)))
    net._register_load_state_dict_pre_hook(lambda d, prefix, *rest: log.append((len(d), prefix)))
    net.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    state = net.state_dict()
    return [log, state, net.load_state_dict({})]


def test_state_dict_hooks():
    assert_same(state_dict_hooks)


def assign_state(t):
    net = t.nn.Linear(2, 1)
    new = {"weight": t.zeros(1, 2, dtype=t.float64), "bias": t.nn.Parameter(t.ones(1), requires_grad=False)}
    result = net.load_state_dict(new, assign=True)
    return [result, net.weight, net.weight.requires_grad, net.bias.requires_grad, net.bias is new["bias"]]


def test_load_with_assign():
    assert_same(assign_state)


def copies(t):
    model = t.nn.Sequential(t.nn.Linear(2, 2), t.nn.BatchNorm1d(2))
    with t.no_grad():
        model[0].weight.fill_(0.5)
        model[0].bias.fill_(0.25)
    twin = copy.deepcopy(model)
    with t.no_grad():
        model[0].weight.fill_(9.0)
    shallow = copy.copy(model)
    shallow[0] = t.nn.Identity()
    return [
        twin.state_dict(),
        twin[0].weight is twin[0]._parameters["weight"],
        model[0],  # a shallow copy shares the registries
    ]


def test_copies():
    assert_same(copies)


def test_global_registration_hooks():
    def program(t):
        log = []
        module = t.nn.modules.module
        handles = [
            module.register_module_parameter_registration_hook(lambda m, n, p: log.append(("parameter", n))),
            module.register_module_buffer_registration_hook(lambda m, n, b: log.append(("buffer", n))),
            module.register_module_module_registration_hook(lambda m, n, c: log.append(("module", n))),
        ]
        try:
            t.nn.Sequential(t.nn.Linear(1, 1), t.nn.BatchNorm1d(1))
        finally:
            for handle in handles:
                handle.remove()
        return log

    assert_same(program)


@pytest.mark.parametrize("walk", [
    lambda m: m.train(), lambda m: m.state_dict(), lambda m: list(m.named_parameters(remove_duplicate=False)), lambda m: len(list(m.parameters())),
    lambda m: list(m.named_modules())[0][0]])
def test_modules_that_hold_themselves(walk):
    def program(t):
        model = t.nn.Sequential(t.nn.Linear(2, 2))
        model.add_module("itself", model)
        try:
            return walk(model)
        except RecursionError:
            return "RecursionError"

    assert_same(program)
