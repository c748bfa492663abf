"""Deep copies of modules: what copy.deepcopy makes of them without __deepcopy__, but for the time."""
import copy
from collections import OrderedDict

import pytest
import wengert
from wengert import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.tied = nn.Linear(3, 4)
        self.tied.weight = self.first.weight
        self.again = self.first
        self.missing = None
        self.notes = {"list": [1, [2, 3]], "tensor": wengert.ones(2)}
        self.shared = self.notes["list"]
        self.register_buffer("fleeting", wengert.zeros(1), persistent=False)
        self.register_parameter("none", None)

    def forward(self, x):
        return self.norm(self.again(x)) + self.tied(x)


def test_a_copy_is_its_own_and_equal():
    net = Net()
    net.eval()
    twin = copy.deepcopy(net)
    x = wengert.randn(5, 3)
    assert wengert.equal(net(x), twin(x))
    assert list(vars(twin)) == list(vars(net)) and [n for n, _ in twin.named_modules()] == [n for n, _ in net.named_modules()]
    assert list(twin.state_dict()) == list(net.state_dict()) and "fleeting" not in twin.state_dict()
    assert not twin.training and not twin.first.training
    assert twin.again is twin.first and twin.tied.weight is twin.first.weight and twin.shared is twin.notes["list"]
    assert twin.first.weight is not net.first.weight and twin.notes["tensor"] is not net.notes["tensor"]
    assert twin.fleeting is twin._buffers["fleeting"] and twin.none is None
    for name, value in vars(net).items():
        if isinstance(value, (dict, set)):
            assert type(vars(twin)[name]) is type(value) and vars(twin)[name] is not value, name
    with wengert.no_grad():
        twin.first.weight.zero_()
    assert net.first.weight.abs().sum() > 0
    twin.first.bias = nn.Parameter(wengert.ones(4))                 # registries mirror into the copy alone
    twin._parameters["none"] = nn.Parameter(wengert.ones(1))
    assert twin.none is twin._parameters["none"] and net.none is None and net.first.bias is not twin.first.bias


def test_hooks_are_copied_and_run():
    seen = []
    net = nn.Linear(2, 2)
    net.register_forward_hook(lambda module, args, output: seen.append(module))
    twin = copy.deepcopy(net)
    twin(wengert.ones(1, 2))
    assert seen == [twin]
    plain = copy.deepcopy(nn.Linear(2, 2))
    plain.register_forward_hook(lambda module, args, output: seen.append(module))
    plain(wengert.ones(1, 2))
    assert seen == [twin, plain]


@pytest.mark.parametrize("method", ["__getstate__", "__setstate__", "__reduce__", "__reduce_ex__", "__deepcopy__"])
def test_classes_that_say_how_they_are_copied(method):
    called = []

    class Own(nn.Linear):
        def __init__(self):
            super().__init__(1, 1)

    def getstate(self):
        called.append(method)
        return dict(self.__dict__)

    def setstate(self, state):
        called.append(method)
        nn.Linear.__setstate__(self, state)

    def reduce(self, *protocol):
        called.append(method)
        return Own, (), self.__dict__

    def deepcopy(self, memo):
        called.append(method)
        return super(Own, self).__deepcopy__(memo)

    setattr(Own, method, {"__getstate__": getstate, "__setstate__": setstate, "__deepcopy__": deepcopy}.get(method, reduce))
    net = Own()
    twin = copy.deepcopy(net)
    assert called == [method] and wengert.equal(twin.weight, net.weight) and twin.weight is not net.weight
    assert twin.weight is twin._parameters["weight"]


def test_slots():
    """torch loses them."""
    class Slotted(nn.Linear):
        __slots__ = ("sizes", "unset")

        def __init__(self):
            super().__init__(1, 1)
            self.sizes = [1, 2]

    net = Slotted()
    for twin in (copy.deepcopy(net), copy.copy(net)):
        assert twin.sizes == [1, 2] and "sizes" not in twin.__dict__ and not hasattr(twin, "unset") and wengert.equal(twin.weight, net.weight)
    assert copy.deepcopy(net).sizes is not net.sizes and copy.copy(net).sizes is net.sizes
    assert copy.deepcopy(net).weight is not net.weight and list(copy.deepcopy(net).state_dict()) == ["weight", "bias"]


def test_shared_between_two_modules():
    a, b = nn.Module(), nn.Module()
    b.__dict__["_state_dict_hooks"] = a._state_dict_hooks
    c, d = copy.deepcopy([a, b])
    assert c._state_dict_hooks is d._state_dict_hooks and type(c._state_dict_hooks) is OrderedDict


def test_state_and_names_of_overriding_modules():
    class Renamed(nn.Linear):
        def _save_to_state_dict(self, destination, prefix, keep_vars):
            destination[prefix + "only"] = self.bias.detach()

    class Frozen(nn.Linear):
        def train(self, mode=True):
            return super().train(False)

    class Hidden(nn.Linear):
        def named_modules(self, memo=None, prefix="", remove_duplicate=True):
            return iter(())

    class Extra(nn.Linear):
        def get_extra_state(self):
            return 7

    net = nn.Sequential(Renamed(1, 1), Frozen(1, 1), Hidden(1, 1), nn.Sequential(Extra(1, 1)))
    net[3].register_state_dict_post_hook(lambda module, state, prefix, metadata: state.__setitem__(prefix + "posted", prefix))
    state = net.state_dict(prefix="p.")
    assert list(state) == ["p.0.only", "p.1.weight", "p.1.bias", "p.2.weight", "p.2.bias", "p.3.0.weight", "p.3.0.bias",
                           "p.3.0._extra_state", "p.3.posted"]
    assert list(state._metadata) == ["p", "p.0", "p.1", "p.2", "p.3", "p.3.0"]
    assert net.state_dict(keep_vars=True)["1.weight"] is net[1].weight
    assert [n for n, _ in net.named_parameters()] == ["0.weight", "0.bias", "1.weight", "1.bias", "3.0.weight", "3.0.bias"]
    assert [m.training for m in net.train()] == [True, False, True, True]
    assert not any(m.training for m in net.eval().modules())


def test_named_members_once_or_always():
    net = Net()
    names = ["first.weight", "first.bias", "norm.weight", "norm.bias", "tied.bias"]
    assert [n for n, _ in net.named_parameters()] == names
    assert [n for n, _ in net.named_parameters(prefix="x", remove_duplicate=False)] == [
        "x.first.weight", "x.first.bias", "x.norm.weight", "x.norm.bias", "x.tied.weight", "x.tied.bias", "x.again.weight", "x.again.bias"]
    assert [n for n, _ in net.named_parameters(recurse=False)] == []
    assert [n for n, _ in net.named_buffers()] == ["fleeting", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked"]


def test_loading_a_state_leaves_the_mode():
    """Also where grad mode was asked for inside inference mode, which overrules it until its end."""
    model = wengert.nn.Linear(2, 3)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    for mode in (wengert.no_grad, wengert.enable_grad):
        with wengert.inference_mode(), mode():
            before = wengert.is_grad_enabled()
            wengert.nn.Linear(2, 3).load_state_dict(state)
            assert wengert.is_grad_enabled() == before
