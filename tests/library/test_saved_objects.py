"""Whole modules and other objects in files: rebuilt without running what a file names."""
import argparse
import collections
import enum
import io
import pickle

import pytest
import wengert
from wengert import nn
from wengert.nn import functional as F
from wengert.serialization import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals


class Colour(enum.Enum):
    RED = 1


Pair = collections.namedtuple("Pair", "first second")


class Net(nn.Module):
    built = 0

    def __init__(self, colour=Colour.RED):
        super().__init__()
        type(self).built += 1
        self.first = nn.Linear(2, 3)
        self.again = self.first
        self.norm = nn.BatchNorm1d(3)
        self.activation, self.other, self.colour = F.gelu, wengert.tanh, colour
        self.settings = {"sizes": [1, 2], "pair": Pair(1, wengert.ones(2))}
        self.tied = nn.Parameter(wengert.arange(2.0))
        self.register_buffer("steps", wengert.tensor(3), persistent=False)

    def forward(self, x):
        return self.other(self.norm(self.activation(self.again(x)))) * self.tied.sum()


def saved(obj):
    buffer = io.BytesIO()
    wengert.save(obj, buffer)
    buffer.seek(0)
    return buffer


def test_a_module_comes_back_whole():
    wengert.manual_seed(0)
    net = Net().eval()
    net.first.weight.requires_grad_(False)
    built = Net.built
    loaded = wengert.load(saved(net), weights_only=False)
    assert Net.built == built                      # no constructor ran
    x = wengert.randn(5, 2)
    assert loaded(x).tolist() == net(x).tolist()
    assert loaded.again is loaded.first and loaded.first.weight is not net.first.weight
    assert not loaded.training and loaded.colour is Colour.RED and loaded.activation is F.gelu and loaded.other is wengert.tanh
    assert type(loaded.settings["pair"]) is Pair and loaded.settings["pair"].second.tolist() == [1.0, 1.0]
    assert [*loaded.state_dict()] == [*net.state_dict()] and loaded.steps.item() == 3
    assert [p.requires_grad for p in loaded.parameters()] == [p.requires_grad for p in net.parameters()]
    loaded(x).sum().backward()
    loaded.first = nn.Linear(2, 3)                 # registered as in a module that was built
    assert loaded._modules["first"] is loaded.first is not loaded.again
    assert repr(net) != repr(nn.Linear(1, 1))


def test_modules_of_wengert_need_no_permission():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.TransformerEncoderLayer(3, 1, 4, batch_first=True), nn.LSTM(3, 2))
    loaded = wengert.load(saved(model))
    assert str(loaded) == str(model)
    for a, b in zip(loaded.state_dict().items(), model.state_dict().items()):
        assert a[0] == b[0] and a[1].tolist() == b[1].tolist()


def test_tensors_keep_the_names_of_the_state_dict():
    buffer = saved(nn.Sequential(nn.Linear(2, 3)))
    header = buffer.getvalue()[8:8 + int.from_bytes(buffer.getvalue()[:8], "little")]
    assert b'"0.weight"' in header and b'"0.bias"' in header


def test_other_objects():
    args = argparse.Namespace(lr=0.1, layers=[1, 2], device=wengert.device("cpu"))
    cycle = argparse.Namespace()
    cycle.me = [cycle]
    counts = collections.defaultdict(list, {"a": [1]})
    a, c, d = wengert.load(saved((args, cycle, counts)), weights_only=False)
    assert a == args and c.me[0] is c and d == counts and d["new"] == []


def test_an_optimizer_beside_its_module_keeps_its_parameters():
    model = nn.Linear(2, 1)
    optimizer = wengert.optim.Adam(model.parameters())
    model(wengert.ones(1, 2)).sum().backward()
    optimizer.step()
    model, optimizer = wengert.load(saved([model, optimizer]), weights_only=False)
    before = model.weight.tolist()
    assert optimizer.param_groups[0]["params"][0] is model.weight
    model(wengert.ones(1, 2)).sum().backward()
    optimizer.step()
    assert model.weight.tolist() != before


def test_classes_must_be_permitted():
    net = saved(Net())
    for weights_only in (None, True):
        with pytest.raises(pickle.UnpicklingError, match=r"GLOBAL .*test_saved_objects.Net was not an allowed global by default"):
            net.seek(0)
            wengert.load(net, weights_only=weights_only)
    with safe_globals([Net, Colour, Pair]):
        net.seek(0)
        assert type(wengert.load(net, weights_only=True)) is Net
    assert get_safe_globals() == []
    add_safe_globals([(Net, "elsewhere.Net")])
    assert get_safe_globals() == [(Net, "elsewhere.Net")]
    clear_safe_globals()
    with pytest.raises(pickle.UnpicklingError):
        net.seek(0)
        wengert.load(net)


@pytest.mark.parametrize("old, new", [
    (b"argparse:Namespace", b"no_such:Namespace!"), (b"argparse:Namespace", b"argparse:Nonesuch!"), (b"argparse:Namespace", b"os:system         ")])
def test_what_is_not_there_is_refused(old, new, tmp_path):
    data = saved(argparse.Namespace(x=1)).getvalue()
    assert len(old) == len(new) and old in data
    with pytest.raises(RuntimeError, match="damaged|import it"):
        wengert.load(io.BytesIO(data.replace(old, new)), weights_only=False)


def test_local_classes_are_refused_when_saving():
    class Local(nn.Module):
        pass

    with pytest.raises(TypeError, match="define it at the top of a module"):
        wengert.save(Local(), io.BytesIO())
