"""nn.utils.parametrize, parametrizations and stateless against torch."""

import copy
import pickle

import pytest
from like_torch import array, assert_same, filled


def modules(t):
    """Parametrizations of several kinds, as classes of the library ``t``."""

    class Symmetric(t.nn.Module):
        def forward(self, X):
            return X.triu() + X.triu(1).transpose(-1, -2)

        def right_inverse(self, A):
            return A.triu()

    class NoInverse(t.nn.Module):
        def forward(self, X):
            return 2 * X

    class Unable(NoInverse):
        def right_inverse(self, A):
            raise NotImplementedError("never")

    class Pair(t.nn.Module):
        def forward(self, a, b):
            return a * b

        def right_inverse(self, A):
            return A.abs(), A.sign()

    class Shape(t.nn.Module):
        def forward(self, X):
            return X[:-1]

    class Dtype(t.nn.Module):
        def forward(self, X):
            return X.float()

        def right_inverse(self, X):
            return X.float()

    class NoTensor(t.nn.Module):
        def forward(self, X):
            return [X]

    class NoTensorBack(Symmetric):
        def right_inverse(self, A):
            return "x"

    class ListBack(t.nn.Module):
        def forward(self, *X):
            return X[0]

        def right_inverse(self, A):
            return [A, "x"]

    return {cls.__name__: cls for cls in list(locals().values()) if isinstance(cls, type)}


def linear(t, *names, name="weight", **options):
    layer = filled(t, t.nn.Linear(4, 4))
    made = modules(t)
    for n in names:
        t.nn.utils.parametrize.register_parametrization(layer, name, made[n](), **options)
    return layer


def used(t, layer, size=4):
    """Everything a user sees of a layer: result, gradients, names, state, repr."""
    y = layer(t.tensor(array(2, size, seed=5)))
    (y * y).sum().backward()
    return [y, {n: p.grad for n, p in layer.named_parameters()}, dict(layer.named_buffers()), layer.state_dict(), layer.weight, layer]


def assigned(t, *names):
    layer = linear(t, *names)
    layer.weight = t.tensor(array(4, 4, seed=9))
    return [layer.weight, used(t, layer)]


def removed(t, leave, *names):
    layer = linear(t, *names)
    before = [id(p) for p in layer.parameters()]
    t.nn.utils.parametrize.remove_parametrizations(layer, "weight", leave_parametrized=leave)
    after = [id(p) for p in layer.parameters()]
    return [sorted(before) == sorted(after), used(t, layer), type(layer).__name__, hasattr(layer, "parametrizations")]


def cached(t):
    layer = linear(t, "Symmetric")
    P = t.nn.utils.parametrize
    with P.cached():
        first = layer.weight
        same = first is layer.weight
        with P.cached():
            pass
        still = first is layer.weight
    return same, still, layer.weight is layer.weight


def parametrized_buffer(t):
    layer = t.nn.BatchNorm1d(4).double()
    t.nn.utils.parametrize.register_parametrization(layer, "running_mean", modules(t)["NoInverse"]())
    layer.eval()
    return layer.running_mean, layer(t.tensor(array(3, 4))), layer.state_dict(), layer


def deep_copied(t):
    layer = linear(t, "Symmetric")
    twin = copy.deepcopy(layer)
    with t.no_grad():
        twin.parametrizations.weight.original.fill_(1.0)
    return layer.weight, twin.weight, used(t, twin), type(twin) is type(layer)


def transferred(t):
    a, b = linear(t, "Symmetric"), t.nn.Linear(4, 4).double()
    with t.no_grad():
        b.bias.zero_()
    t.nn.utils.parametrize.transfer_parametrizations_and_params(a, b)
    return used(t, b), b.parametrizations.weight.original is a.parametrizations.weight.original


def asked(t):
    P = t.nn.utils.parametrize
    layer = linear(t, "Symmetric")
    return (P.is_parametrized(layer), P.is_parametrized(layer, "weight"), P.is_parametrized(layer, "bias"),
            P.is_parametrized(t.nn.Linear(1, 1)), P.type_before_parametrizations(layer).__name__, type(layer).__name__,
            isinstance(layer, t.nn.Linear), layer.parametrizations.weight.unsafe)


def trained(t):
    layer = linear(t, "Symmetric")
    optimizer = t.optim.SGD(layer.parameters(), 0.01, momentum=0.9)
    for i in range(4):
        optimizer.zero_grad()
        layer(t.tensor(array(2, 4, seed=i))).square().sum().backward()
        optimizer.step()
    return used(t, layer)


PROGRAMS = {
    "one": lambda t: used(t, linear(t, "Symmetric")),
    "two": lambda t: used(t, linear(t, "Symmetric", "NoInverse")),
    "no inverse": lambda t: used(t, linear(t, "NoInverse")),
    "inverse not implemented": lambda t: used(t, linear(t, "Unable")),
    "pair": lambda t: used(t, linear(t, "Pair", unsafe=True)),
    "pair checked": lambda t: used(t, linear(t, "Pair")),
    "assign": lambda t: assigned(t, "Symmetric"),
    "assign pair": lambda t: assigned(t, "Pair"),
    "assign without inverse": lambda t: assigned(t, "NoInverse"),
    "assign two": lambda t: assigned(t, "Pair", "Symmetric"),
    "remove": lambda t: removed(t, True, "Symmetric"),
    "remove restoring": lambda t: removed(t, False, "NoInverse"),
    "remove pair": lambda t: removed(t, True, "Pair"),
    "remove pair restoring": lambda t: removed(t, False, "Pair"),
    "remove two": lambda t: removed(t, True, "Symmetric", "NoInverse"),
    "cached": cached,
    "buffer": parametrized_buffer,
    "deepcopy": deep_copied,
    "transfer": transferred,
    "questions": asked,
    "training": trained,
    "functional_call": lambda t: t.func.functional_call(
        linear(t, "Symmetric"), {"parametrizations.weight.original": t.ones(4, 4, dtype=t.float64)}, t.tensor(array(2, 4))),
    "shape": lambda t: linear(t, "Shape"),
    "shape unsafe": lambda t: linear(t, "Shape", unsafe=True).weight,
    "dtype": lambda t: linear(t, "Dtype"),
    "no tensor": lambda t: linear(t, "NoTensor"),
    "no tensor back": lambda t: linear(t, "NoTensorBack"),
    "list back": lambda t: linear(t, "ListBack"),
    "second shape": lambda t: linear(t, "Symmetric", "Shape"),
    "second dtype": lambda t: linear(t, "Symmetric", "Dtype"),
    "second no tensor": lambda t: linear(t, "Symmetric", "NoTensor"),
    "second no tensor back": lambda t: linear(t, "Symmetric", "NoTensorBack"),
    "no such name": lambda t: linear(t, "Symmetric", name="w"),
    "remove what is not": lambda t: t.nn.utils.parametrize.remove_parametrizations(t.nn.Linear(1, 1), "weight"),
    "empty list": lambda t: t.nn.utils.parametrize.ParametrizationList([], t.zeros(2)),
    "pickle": lambda t: pickle.dumps(linear(t, "Symmetric")),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_parametrize(name):
    assert_same(PROGRAMS[name], 1e-12)


def parametrized(t, name, shape=(4, 4), **options):
    layer = filled(t, t.nn.Linear(shape[1], shape[0]))
    t.manual_seed(3)
    getattr(t.nn.utils.parametrizations, name)(layer, **options)
    return layer


def normed_conv(t, name):
    layer = filled(t, t.nn.ConvTranspose1d(3, 2, 2))
    t.manual_seed(1)
    getattr(t.nn.utils.parametrizations, name)(layer)
    return layer(t.tensor(array(2, 3, 5))), layer


def spectral(t, train, **options):
    layer = parametrized(t, "spectral_norm", (4, 3), **options)
    layer.train(train)
    seen = []
    for i in range(3):
        layer.zero_grad()
        y = layer(t.tensor(array(2, 3, seed=i)))
        y.square().sum().backward()
        seen += [y, {n: p.grad for n, p in layer.named_parameters()}]
    return seen, layer.state_dict(), layer


def old_weight_norm_state(t):
    layer = parametrized(t, "weight_norm")
    state = {"weight_g": t.ones(4, 1, dtype=t.float64), "weight_v": t.tensor(array(4, 4, seed=8)), "bias": t.zeros(4)}
    return layer.load_state_dict(state), layer.weight


def orthogonal(t, shape, **options):
    layer = parametrized(t, "orthogonal", shape, **options)
    with t.no_grad():
        for i, p in enumerate(layer.parametrizations.weight.parameters()):
            p.add_(0.1 * t.tensor(array(*p.shape, seed=i)) * (t.ones_like(p).triu(1) + t.ones_like(p).tril(-1)))
    # repr names the map by an enum's member in torch, so that the module itself is not compared
    return used(t, layer, shape[1])[:-1]


LIBRARY = {
    "weight_norm": lambda t: used(t, parametrized(t, "weight_norm")),
    "weight_norm dim 1": lambda t: used(t, parametrized(t, "weight_norm", dim=1)),
    "weight_norm one length": lambda t: used(t, parametrized(t, "weight_norm", dim=None)),
    "weight_norm old state": old_weight_norm_state,
    "weight_norm transposed": lambda t: normed_conv(t, "weight_norm"),
    "spectral_norm": lambda t: spectral(t, True),
    "spectral_norm eval": lambda t: spectral(t, False),
    "spectral_norm iterations": lambda t: spectral(t, True, n_power_iterations=4),
    "spectral_norm dim": lambda t: spectral(t, True, dim=-1),
    "spectral_norm transposed": lambda t: normed_conv(t, "spectral_norm"),
    "spectral_norm vector": lambda t: used(t, parametrized(t, "spectral_norm", name="bias")),
    "spectral_norm no dim": lambda t: parametrized(t, "spectral_norm", dim=2),
    "spectral_norm no iterations": lambda t: parametrized(t, "spectral_norm", n_power_iterations=0),
    "spectral_norm no name": lambda t: parametrized(t, "spectral_norm", name="x"),
    "orthogonal": lambda t: orthogonal(t, (4, 4)),
    "orthogonal tall": lambda t: orthogonal(t, (5, 3)),
    "orthogonal wide": lambda t: orthogonal(t, (3, 5)),
    "orthogonal cayley": lambda t: orthogonal(t, (4, 4), orthogonal_map="cayley"),
    "orthogonal exp wide": lambda t: orthogonal(t, (3, 5), orthogonal_map="matrix_exp"),
    "orthogonal untrivial": lambda t: orthogonal(t, (5, 3), use_trivialization=False),
    "orthogonal exp untrivial": lambda t: orthogonal(t, (4, 4), use_trivialization=False),
    "orthogonal vector": lambda t: parametrized(t, "orthogonal", name="bias"),
    "orthogonal no map": lambda t: parametrized(t, "orthogonal", orthogonal_map="x"),
}


@pytest.mark.parametrize("name", LIBRARY)
def test_parametrizations(name):
    assert_same(LIBRARY[name], 1e-9)


def test_orthogonal_weight_is_assigned():
    def program(t):
        layer = parametrized(t, "orthogonal", (3, 3))
        q = t.linalg.qr(t.tensor(array(3, 3))).Q
        layer.weight = q
        return layer.weight - q, layer.weight @ layer.weight.mT

    assert_same(program, 1e-12)


def test_stateless():
    assert_same(lambda t: t.nn.utils.stateless.functional_call(
        filled(t, t.nn.Linear(2, 2)), {"weight": t.ones(2, 2, dtype=t.float64)}, t.tensor(array(3, 2))), 1e-12)
