"""Modules that learn their sizes from the first input, against torch."""

import copy
import pickle

import pytest
from like_torch import array, assert_same

KINDS = {
    "Linear": ((5,), (3, 4), {}),
    "Linear no bias": ((5,), (4,), {"bias": False}),
    "Conv1d": ((4, 3), (2, 6, 7), {"stride": 2}),
    "Conv1d unbatched": ((4, 3), (6, 7), {"groups": 2}),
    "Conv2d": ((4, 3), (2, 6, 7, 8), {"padding": 1, "bias": False}),
    "Conv3d": ((4, 2), (2, 2, 3, 4, 5), {}),
    "ConvTranspose1d": ((4, 3), (2, 6, 7), {"output_padding": 1, "stride": 2}),
    "ConvTranspose2d": ((4, 3), (2, 6, 7, 8), {"groups": 2}),
    "ConvTranspose3d": ((4, 2), (2, 2, 3, 4, 5), {}),
    "BatchNorm1d": ((), (3, 4), {}),
    "BatchNorm2d": ((), (3, 4, 2, 2), {"affine": False}),
    "BatchNorm3d": ((), (3, 4, 2, 2, 2), {"momentum": 0.5}),
    "InstanceNorm1d": ((), (3, 4, 5), {}),
    "InstanceNorm2d": ((), (3, 4, 2, 3), {"affine": True, "track_running_stats": True}),
    "InstanceNorm3d": ((), (3, 4, 2, 2, 2), {}),
}


def first_call(t, name):
    arguments, shape, options = KINDS[name]
    t.manual_seed(0)
    layer = getattr(t.nn, "Lazy" + name.split()[0])(*arguments, dtype=t.float64, **options)
    before = [repr(layer), [repr(p) for p in layer.parameters()], list(layer.state_dict()), layer.has_uninitialized_params()]
    x = t.tensor(array(*shape), requires_grad=True)
    y = layer(x)
    (y * y).sum().backward()
    return before, y, x.grad, [p.grad for p in layer.parameters()], layer.state_dict(), layer, type(layer).__name__, layer(x), t.rand(1)


@pytest.mark.parametrize("name", KINDS)
def test_first_call(name):
    assert_same(lambda t: first_call(t, name), 1e-10)


def loaded(t):
    layer, full = t.nn.LazyLinear(3), t.nn.Linear(2, 3)
    layer.load_state_dict(full.state_dict())
    kind = type(layer).__name__
    y = layer(t.ones(1, 2))
    return kind, type(layer).__name__, t.equal(y, full(t.ones(1, 2))), layer


def loads_lazy(t):
    layer, other = t.nn.LazyLinear(3), t.nn.LazyLinear(3)
    layer.load_state_dict(other.state_dict())
    return layer


def in_a_model(t):
    t.manual_seed(3)
    model = t.nn.Sequential(t.nn.LazyConv2d(4, 3), t.nn.LazyBatchNorm2d(), t.nn.ReLU(), t.nn.Flatten(), t.nn.LazyLinear(2))
    model.double()
    model(t.tensor(array(2, 3, 5, 5)))
    optimizer = t.optim.SGD(model.parameters(), 0.1)
    model(t.tensor(array(2, 3, 5, 5))).sum().backward()
    optimizer.step()
    return model.state_dict(), model


def unimplemented(t):
    class Mine(t.nn.modules.lazy.LazyModuleMixin, t.nn.Module):
        pass

    return Mine()(t.ones(1))


def unfinished(t):
    class Mine(t.nn.modules.lazy.LazyModuleMixin, t.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = t.nn.UninitializedParameter()

        def initialize_parameters(self, x):
            pass

    return Mine()(t.ones(1))


def mine(t):
    class Mine(t.nn.modules.lazy.LazyModuleMixin, t.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = t.nn.UninitializedParameter()
            self.register_buffer("b", t.nn.UninitializedBuffer())

        def initialize_parameters(self, x, scale=1):
            self.w.materialize(x.shape)
            self.b.materialize((2,))
            with t.no_grad():
                self.w.fill_(scale)
                self.b.zero_()

        def forward(self, x, scale=1):
            return self.w * x

    m = Mine()
    return m(t.ones(2), scale=3), type(m).__name__, type(m.w).__name__, m.state_dict(), hasattr(m, "_load_hook")


PROGRAMS = {
    "loaded": loaded,
    "lazy state": loads_lazy,
    "lazy into full": lambda t: t.nn.Linear(2, 3).load_state_dict(t.nn.LazyLinear(3).state_dict()),
    "model": in_a_model,
    "not implemented": unimplemented,
    "not finished": unfinished,
    "own": mine,
    "shape": lambda t: t.nn.LazyLinear(3).weight.shape,
    "share": lambda t: t.nn.LazyLinear(3).weight.share_memory_(),
    "deepcopy": lambda t: copy.deepcopy(t.nn.LazyLinear(3, bias=False))(t.ones(1, 2)).shape,
    "pickle": lambda t: pickle.loads(pickle.dumps(t.nn.UninitializedParameter(requires_grad=False))).requires_grad,
    "lazy": lambda t: [t.nn.parameter.is_lazy(p) for p in (t.nn.UninitializedParameter(), t.nn.Parameter())],
    "is a parameter": lambda t: (isinstance(t.nn.UninitializedParameter(), t.nn.Parameter), t.nn.UninitializedParameter().requires_grad),
    "groups": lambda t: t.nn.LazyConv1d(4, 2, groups=2)(t.ones(1, 3, 4)),
    "dimensions": lambda t: t.nn.LazyConv2d(4, 2)(t.ones(3, 4)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_outcome(name):
    assert_same(PROGRAMS[name], 1e-10)


@pytest.mark.parametrize("use", [lambda t, p: p + 1, lambda t, p: t.sum(p), lambda t, p: p.norm()], ids=["+", "sum", "norm"])
def test_use_before_the_first_call(use):
    import torch

    import wengert

    for t in (wengert, torch):
        with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
            use(t, t.nn.LazyLinear(2).weight)
