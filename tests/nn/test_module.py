"""What is particular to our Module: registered names are plain attributes, one flag says that there are hooks."""

import copy
import gc
import pickle
import weakref
from collections import OrderedDict

import pytest

import wengert
from wengert import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 1)
        self.scale = nn.Parameter(wengert.ones(1))
        self.register_buffer("mean", wengert.zeros(1))

    def forward(self, x):
        return self.linear(x * self.scale)


def mirrored(module):
    """Whether the instance dictionary and the registries agree, here and below."""
    for m in module.modules():
        registered = {**m._parameters, **m._buffers, **m._modules}
        for name, value in registered.items():
            if not hasattr(type(m), name) and m.__dict__.get(name, "missing") is not value:
                return False
    return True


def test_registered_names_are_plain_attributes():
    net = Net()
    for name in ("linear", "scale", "mean"):
        assert name in net.__dict__
    assert mirrored(net)


@pytest.mark.parametrize(
    "write",
    [
        lambda m, p: m._parameters.__setitem__("scale", p),
        lambda m, p: m._parameters.update(scale=p),
        lambda m, p: m._parameters.update({"scale": p, "other": None}),
        lambda m, p: m._parameters.setdefault("new", p),
        lambda m, p: m._parameters.__ior__({"scale": p}),
        lambda m, p: setattr(m, "_parameters", {"scale": p}),
        lambda m, p: setattr(m, "_parameters", OrderedDict(scale=p, another=p)),
    ],
)
def test_direct_writes_to_the_registry_are_seen(write):
    net = Net()
    param = nn.Parameter(wengert.zeros(1))
    write(net, param)
    assert mirrored(net)
    assert any(p is param for p in net.parameters())


@pytest.mark.parametrize(
    "remove",
    [
        lambda m: m._parameters.__delitem__("scale"),
        lambda m: m._parameters.pop("scale"),
        lambda m: m._parameters.popitem(),
        lambda m: m._parameters.clear(),
        lambda m: setattr(m, "_parameters", {}),
        lambda m: delattr(m, "scale"),
    ],
)
def test_direct_removals_are_seen(remove):
    net = Net()
    remove(net)
    assert mirrored(net)
    assert "scale" not in net.__dict__
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'scale'"):
        net.scale


def test_pop_of_a_missing_name():
    net = Net()
    assert net._parameters.pop("missing", 3) == 3
    with pytest.raises(KeyError):
        net._parameters.pop("missing")
    with pytest.raises(KeyError):
        nn.Module()._parameters.popitem()


def test_a_class_attribute_shadows_the_registry():
    class Shadowed(nn.Module):
        block = None

        def __init__(self):
            super().__init__()
            self.block = nn.ReLU()

    module = Shadowed()
    assert module.block is None
    assert list(module._modules) == ["block"]


def test_a_failing_property_falls_back_to_the_registry():
    class Fancy(nn.Module):
        @property
        def weight(self):
            raise AttributeError("not here")

    module = Fancy()
    param = nn.Parameter(wengert.ones(1))
    module.weight = param
    assert module.weight is param


def test_wholesale_replacement_keeps_mirroring():
    net = Net()
    net._parameters = {}
    net._parameters["fresh"] = nn.Parameter(wengert.ones(1))
    assert net.fresh is net._parameters["fresh"]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_mirror_their_own_registries(duplicate):
    net = Net()
    net.linear.register_forward_hook(double)
    twin = duplicate(net)
    assert mirrored(twin)
    assert twin.linear.weight is not net.linear.weight
    twin.linear.weight = nn.Parameter(wengert.zeros(1, 2))
    assert mirrored(twin) and mirrored(net)
    assert net.linear.weight is not twin.linear.weight
    x = wengert.ones(1, 2)
    assert twin(x).tolist() == (twin.linear.bias.detach() * 2).reshape(1, 1).tolist()


def double(module, args, output):
    return output * 2


def test_old_pickles_without_some_fields():
    state = nn.Linear(1, 1).__dict__.copy()
    for name in ("_forward_hooks", "_state_dict_pre_hooks", "_non_persistent_buffers_set", "_buffers"):
        del state[name]
    linear = nn.Linear.__new__(nn.Linear)
    linear.__setstate__(state)
    assert linear(wengert.ones(1, 1)).shape == (1, 1)
    linear.register_buffer("b", wengert.ones(1))
    assert linear.b.item() == 1


def test_a_dropped_module_is_freed_without_the_collector():
    gc.collect()
    gc.disable()
    try:
        net = Net()
        net(wengert.ones(1, 2))
        ref, inner = weakref.ref(net), weakref.ref(net.linear)
        del net
        assert ref() is None and inner() is None
    finally:
        gc.enable()


def test_calls_leave_the_fast_path_only_while_there_are_hooks():
    net = Net()
    x = wengert.ones(1, 2)
    assert not net._hooked
    calls = []
    handle = net.register_forward_hook(lambda *a: calls.append(1))
    net(x)
    assert net._hooked and calls == [1]
    handle.remove()
    net(x)
    assert not net._hooked and calls == [1]
    net._forward_pre_hooks[77] = lambda module, args: calls.append(2)
    net(x)
    assert calls == [1, 2]
    net._forward_pre_hooks = OrderedDict()
    net(x)
    assert calls == [1, 2] and not net._hooked
    handle = nn.modules.module.register_module_forward_hook(lambda m, a, o: calls.append(type(m).__name__))
    try:
        net(x)
    finally:
        handle.remove()
    assert calls == [1, 2, "Linear", "Net"]
    net(x)
    assert not net._hooked and not net.linear._hooked


def test_removing_a_hook_twice_and_as_context_manager():
    net = Net()
    calls = []
    with net.register_forward_hook(lambda *a: calls.append(1)) as handle:
        net(wengert.ones(1, 2))
    handle.remove()
    net(wengert.ones(1, 2))
    assert calls == [1]


def test_zero_grad():
    net = Net()
    net(wengert.ones(1, 2)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert [p.grad.abs().sum().item() for p in net.parameters()] == [0.0, 0.0, 0.0]
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_conversion_keeps_parameters_and_casts_gradients():
    net = Net()
    net(wengert.ones(1, 2)).sum().backward()
    before = list(net.parameters())
    net.double()
    assert all(a is b for a, b in zip(before, net.parameters()))
    assert all(p.dtype == wengert.float64 and p.grad.dtype == wengert.float64 for p in net.parameters())
    assert net.mean.dtype == wengert.float64 and mirrored(net)
    net(wengert.ones(1, 2, dtype=wengert.float64)).sum().backward()


def test_train_and_apply():
    net = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)))
    net.eval()
    assert not net[1][0].training
    seen = []
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Dropout", "Dropout", "Sequential", "Sequential"]


def test_parameter_copies_and_pickles():
    param = nn.Parameter(wengert.tensor([1.0, 2.0]), requires_grad=False)
    param.note = "kept"
    for twin in (copy.deepcopy(param), pickle.loads(pickle.dumps(param))):
        assert isinstance(twin, nn.Parameter) and not twin.requires_grad
        assert twin.tolist() == [1.0, 2.0] and twin is not param
    assert pickle.loads(pickle.dumps(param)).note == "kept"
    assert nn.Parameter(wengert.zeros(2)).requires_grad


def test_a_parameter_shares_the_memory_of_its_tensor():
    values = wengert.zeros(2)
    param = nn.Parameter(values)
    values[0] = 5.0
    assert param.tolist() == [5.0, 0.0]


def test_classes_with_a_getattr_of_their_own():
    """It is asked for registered names, also by a library whose __getattr__ notes what was read."""
    read = []

    class Meta(type):
        pass

    class Noting(nn.Linear, metaclass=Meta):
        def __init__(self):
            super().__init__(2, 2)
            self.inner = nn.Sequential(nn.Linear(2, 2))
            self.register_buffer("kept", wengert.ones(1))

        def __getattr__(self, name):
            result = super().__getattr__(name)
            read.append(name)
            return result

    class Wrapping(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self.module, name)

    net = Noting()
    del read[:]
    assert net.weight is net._parameters["weight"] and net.inner is net._modules["inner"] and net.kept is net._buffers["kept"]
    assert read == ["weight", "inner", "kept"]
    x = wengert.randn(3, 2)
    assert wengert.equal(net(x), nn.functional.linear(x, net.weight, net.bias)) and sorted(net.state_dict()) == sorted(
        ["weight", "bias", "kept", "inner.0.weight", "inner.0.bias"])
    twin = copy.deepcopy(net)
    assert twin.weight is not net.weight and wengert.equal(twin(x), net(x)) and "weight" not in twin.__dict__
    net.load_state_dict(twin.state_dict())
    net.weight = nn.Parameter(wengert.zeros(2, 2))
    net.double()
    assert net.weight.dtype is wengert.float64 and net.weight.sum().item() == 0
    del net.kept
    assert not hasattr(net, "kept")
    wrapped = Wrapping(nn.Linear(2, 3))
    assert wrapped.out_features == 3 and wrapped.weight is wrapped.module.weight and list(dict(wrapped.named_parameters())) == ["module.weight", "module.bias"]
