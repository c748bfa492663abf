"""What another thread may change between two reads. Each test has that happen at the very place, so that none of them depends on
how threads happen to be scheduled."""
import threading
from collections import OrderedDict

import pytest

import wengert
from wengert import nn
from wengert._core import _mode_word
from wengert.nn.modules._registry import Registry
from wengert.nn.utils import parametrize
from wengert.overrides import TorchFunctionMode
from wengert.utils.hooks import RemovableHandle

pytestmark = pytest.mark.engine


def elsewhere(work):
    """Runs ``work`` in a thread of its own; what it returns, or raises."""
    outcome = []

    def go():
        try:
            outcome.append((work(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=go)
    thread.start()
    thread.join(60)
    assert outcome, "the thread hangs"
    result, error = outcome[0]
    if error is not None:
        raise error
    return result


class Seen(TorchFunctionMode):
    """Notes the names of the functions it sees; ``then`` is called inside the first one."""

    def __init__(self, then=None):
        self.names, self.then = [], then

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.names.append(func.__name__)
        then, self.then = self.then, None
        if then is not None:
            then()
        return func(*args, **(kwargs or {}))


# ---- modes ----

def test_function_modes_belong_to_their_thread():
    x = wengert.ones(3)

    def other():
        before = _mode_word()
        with Seen() as mine:
            x.exp()
        x.tanh()
        return mine.names, _mode_word() == before

    with Seen() as outer:
        assert elsewhere(other) == (["exp"], True)
        x.sin()
    assert outer.names == ["sin"] and _mode_word() == 0


def test_a_function_mode_is_left_while_another_thread_is_inside_its_own():
    entered, leave = threading.Event(), threading.Event()
    x = wengert.ones(3)

    def other():
        with Seen(lambda: (entered.set(), leave.wait(60))) as mine:
            x.exp()
            x.sin()
        return mine.names

    results = []
    thread = threading.Thread(target=lambda: results.append(other()))
    thread.start()
    entered.wait(60)
    with Seen() as mine:
        x.tanh()
        leave.set()
        thread.join(60)
        x.cos()
    assert mine.names == ["tanh", "cos"] and results == [["exp", "sin"]]


def test_cached_parametrizations_belong_to_their_thread():
    """A value computed without recording must not stand for the parameter where another thread records."""
    class Double(nn.Module):
        def forward(self, w):
            return 2 * w

    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "weight", Double())
    with parametrize.cached():
        with wengert.no_grad():
            assert not layer.weight.requires_grad
        assert elsewhere(lambda: layer.weight.requires_grad)


# ---- hooks ----

def test_numbers_go_on_behind_that_of_a_loaded_handle():
    hooks = OrderedDict()
    handle = RemovableHandle(hooks)
    handle.__setstate__((hooks, handle.id + 40))
    assert RemovableHandle(hooks).id > handle.id


def test_a_hook_removed_twice_at_once():
    class Hooks(OrderedDict):
        def __contains__(self, key):
            found = super().__contains__(key)
            super().pop(key, None)                          # the other thread was faster
            return found

        def pop(self, key, *default):
            super().pop(key, *default)                      # likewise
            return super().pop(key, *default)

    hooks = Hooks()
    handle = RemovableHandle(hooks)
    hooks[handle.id] = print
    handle.remove()
    assert not hooks


def test_a_hook_registered_while_the_flag_of_hooks_is_lowered():
    layer, calls = nn.Linear(2, 2), []

    class Last(OrderedDict):
        """The last of the dictionaries that a call finds empty; then the other thread registers."""

        def __len__(self):
            if not calls:
                calls.append("registered")
                layer.register_forward_hook(lambda *_: calls.append("hook"))
            return 0

    layer.register_forward_hook(lambda *_: None).remove()
    layer.__dict__["_backward_pre_hooks"] = Last()
    x = wengert.ones(1, 2)
    layer(x)
    layer(x)
    assert calls[:2] == ["registered", "hook"]


def growing(register):
    """A hook that, as another thread would, registers one more."""
    calls = []

    def hook(*_):
        calls.append(0)
        if len(calls) == 1:
            register(lambda *_: None)
    return hook, calls


@pytest.mark.parametrize("kind", ["register_state_dict_pre_hook", "register_state_dict_post_hook", "register_load_state_dict_pre_hook",
                                  "register_load_state_dict_post_hook"])
@pytest.mark.parametrize("make", [lambda: nn.Linear(2, 2), lambda: wengert.optim.SGD([nn.Parameter(wengert.ones(2))])], ids=["module", "optimizer"])
def test_hooks_of_states_change_while_they_run(make, kind):
    owner = make()
    hook, calls = growing(getattr(owner, kind))
    getattr(owner, kind)(hook)
    getattr(owner, kind)(lambda *_: None)
    owner.load_state_dict(owner.state_dict())
    assert calls == [0]


def test_hooks_of_registration_change_while_they_run():
    from wengert.nn.modules import _global_hooks
    for kind, registered, act in (("parameter", _global_hooks.parameter_registration_hooks, lambda m: m.register_parameter("p", nn.Parameter(wengert.ones(1)))),
                                  ("buffer", _global_hooks.buffer_registration_hooks, lambda m: m.register_buffer("b", wengert.ones(1))),
                                  ("module", _global_hooks.module_registration_hooks, lambda m: m.register_module("m", nn.Identity()))):
        register = getattr(_global_hooks, f"register_module_{kind}_registration_hook")
        module = nn.Module()
        hook, calls = growing(register)
        try:
            register(hook)
            register(lambda *_: None)
            act(module)
        finally:
            registered.clear()
        assert calls == [0]


# ---- modules ----

def test_modules_change_while_they_are_walked():
    """A loop over the modules of a model sees what takes another's place, and passes over what goes; it never breaks off."""
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), nn.Linear(2, 2))
    tanh, seen = nn.Tanh(), []
    for name, module in model.named_children():
        seen.append(module)
        if name == "0":
            model._modules["1"] = tanh
            del model._modules["3"]
            model.add_module("new", nn.Identity())
    assert seen == [model[0], tanh, model[2]]
    for name, module in model.named_modules():
        if name == "1":
            del model._modules["2"]
    assert list(model._modules) == ["0", "1", "new"]


def test_a_module_gains_entries_while_it_is_saved_and_cast():
    layer = nn.Linear(2, 2)
    layer.register_buffer("b", wengert.ones(1))

    class Destination(OrderedDict):
        def __setitem__(self, key, value):
            super().__setitem__(key, value)
            layer._buffers[f"b{len(self)}"] = wengert.ones(1)
            layer._parameters[f"p{len(self)}"] = nn.Parameter(wengert.ones(1))
            layer._modules[f"m{len(self)}"] = nn.Identity()

    saved = layer.state_dict(destination=Destination())
    assert {"weight", "bias", "b"} <= set(saved)
    layer = nn.Linear(2, 2)
    layer.register_buffer("b", wengert.ones(1))
    counts = iter(range(100))

    def cast(t):
        i = next(counts)
        layer.register_parameter(f"p{i}", nn.Parameter(wengert.ones(1)))
        layer.register_buffer(f"b{i}", wengert.ones(1))
        return t.double()
    layer._apply(cast)
    assert layer.weight.dtype == layer.b.dtype == wengert.float64


def test_an_entry_of_a_registry_taken_out_twice_at_once():
    class Other(Registry):
        def __getitem__(self, name):
            value = super().__getitem__(name)
            dict.pop(self, name)                            # the other thread was faster
            return value

    registry = Other(a=1)
    assert registry.pop("a") == 1 and registry.pop("a", 2) == 2 and not registry
    with pytest.raises(KeyError):
        registry.pop("a")


# ---- optimizers ----

@pytest.mark.parametrize("name", ["Adam", "Adadelta", "RMSprop", "NAdam"])
def test_states_are_whole_when_another_thread_sees_them(name):
    """Another thread that steps the same optimizer finds a parameter's state empty or complete."""
    half = []

    class Watched(getattr(wengert.optim, name)):
        def _init_state(self, param, state, group):
            super()._init_state(param, state, group)
            half.append(bool(self.state[param]))

    weight = nn.Parameter(wengert.ones(3))
    optimizer = Watched([weight])
    optimizer.state.clear()
    weight.grad = wengert.ones(3)
    optimizer.step()
    assert half == [False] and optimizer.state[weight] and (weight < 1).all()


# ---- gradients ----

def test_a_gradient_set_while_a_sweep_makes_one_is_let_go(monkeypatch):
    """The sweep found none and copies its cotangent; what another thread stored meanwhile gives way, and is freed."""
    import gc
    import traceback
    import weakref
    x = wengert.ones(3, requires_grad=True)
    calls, at, stored = [], [None], []

    def meddle(*_, **__):
        calls.append(0)
        if len(calls) == at[0]:
            x.grad = wengert.zeros(3)
            stored.append(weakref.ref(x.grad))
        return []

    monkeypatch.setattr(traceback, "format_stack", meddle)
    for _ in range(2):                                      # the copy is the last record that a sweep makes
        x.grad = None
        calls.clear()
        with wengert.autograd.set_detect_anomaly(True):
            (x * x).sum().backward(create_graph=True)
        at[0] = len(calls)
    gc.collect()
    assert len(stored) == 1 and stored[0]() is None and x.grad.tolist() == [2.0] * 3
    x.grad = None


# ---- memory ----

@pytest.mark.parametrize("read", [lambda x: x.tolist(), lambda x: x.numpy().tolist(), lambda x: wengert.from_dlpack(x).tolist(),
                                  lambda x: memoryview(x).tolist()], ids=["tolist", "numpy", "dlpack", "buffer"])
def test_memory_replaced_while_it_is_read(read):
    """Making objects runs the collector, and that here what another thread might do."""
    import gc
    x = wengert.arange(8000.0).reshape(2000, 4)
    expected, other, made = x.tolist(), [[0.0]], []

    def replace(phase, info):
        x.data = wengert.zeros(1, 1)
        made.append(wengert.full((2000, 4), 7.0))           # takes the memory that was freed

    threshold = gc.get_threshold()
    gc.callbacks.append(replace)
    gc.set_threshold(1)
    try:
        found = read(x)
    finally:
        gc.callbacks.remove(replace)
        gc.set_threshold(*threshold)
    assert found == expected or found == other


# ---- profiles ----

def test_steps_of_several_threads_are_timed_apart():
    first, second = (wengert.optim.SGD([nn.Parameter(wengert.ones(2))]) for _ in range(2))
    with wengert.profiler.profile() as found:
        inside = threading.Event()
        first.register_step_pre_hook(lambda *_: inside.set() or elsewhere(second.step))
        first.step()
        assert inside.is_set()
    steps = [e for e in found.events() if e.name == "Optimizer.step#SGD.step"]
    assert len(steps) == 2 and len({e.thread for e in steps}) == 2 and all(e.parent is None for e in steps)


def test_another_threads_profile_ends_inside_a_sweep():
    """The sweep began while records were timed, and goes on without."""
    begun, end, ended = (threading.Event() for _ in range(3))

    def other():
        with wengert.profiler.profile():
            begun.set()
            end.wait(60)
        ended.set()

    thread = threading.Thread(target=other)
    thread.start()
    begun.wait(60)
    x = wengert.ones(3, requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: end.set() or ended.wait(60) and None)
    (y.exp() * x).sum().backward()
    thread.join(60)
    assert wengert.allclose(x.grad, wengert.full((3,), 3 * 7.389056))


# ---- errors ----

def test_an_error_survives_what_its_own_unwinding_runs():
    """The failing operation drops what a hook had packed, whose finalizer runs an operation that fails, too."""
    class Packed:
        def __init__(self, t):
            self.t = t

        def __del__(self):
            with pytest.raises(RuntimeError, match="must match the size"):
                wengert.ones(2) + wengert.ones(3)

    def pack(t):
        if packed:
            raise KeyError("of the hook")
        packed.append(0)
        return Packed(t)

    packed = []
    x, w = (wengert.ones(3, requires_grad=True) for _ in range(2))
    with pytest.raises(KeyError, match="of the hook"), wengert.autograd.graph.saved_tensors_hooks(pack, lambda p: p.t):
        x * w


def test_errors_of_callbacks_belong_to_their_thread():
    """A pack hook fails; before its error arrives, another thread's hook fails."""
    class Packed:
        def __init__(self, t):
            self.t = t

        def __del__(self):
            with pytest.raises(ValueError, match="another"):
                elsewhere(lambda: run(ValueError("another")))

    def run(error, first=lambda t: t):
        count = []

        def pack(t):
            count.append(0)
            if len(count) > 1:
                raise error
            return first(t)

        x, w = (wengert.ones(3, requires_grad=True) for _ in range(2))
        with wengert.autograd.graph.saved_tensors_hooks(pack, lambda p: p.t):
            x * w

    with pytest.raises(KeyError, match="mine"):
        run(KeyError("mine"), Packed)
