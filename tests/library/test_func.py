"""Derivatives of functions: torch.autograd.functional and torch.func against PyTorch's."""
import contextlib
import warnings

import numpy as np
import pytest
from against_torch import torch

import wengert
import wengert.func

LIBRARIES = (wengert, torch)


def plain(value):
    """Tensors as (shape, requires_grad, values), inside containers."""
    if isinstance(value, (wengert.Tensor, torch.Tensor)):
        return tuple(value.shape), value.requires_grad, value.detach().double().tolist()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *(plain(v) for v in value)]
    return value


def compare(a, b):
    if isinstance(b, dict):
        assert a.keys() == b.keys()
        for k in b:
            compare(a[k], b[k])
    elif isinstance(b, tuple) and len(b) == 3 and isinstance(b[1], bool):
        assert a[:2] == b[:2]
        np.testing.assert_allclose(a[2], b[2], rtol=1e-10, atol=1e-12)
    elif isinstance(b, list):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            compare(x, y)
    else:
        assert a == b


def both(run):
    """The same result, or the same type of error; returns torch's."""
    results = []
    for lib in LIBRARIES:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error" if lib is wengert else "ignore")
                results.append(("returned", plain(run(lib))))
        except (RuntimeError, ValueError, TypeError) as error:
            results.append(("raised", type(error).__name__, str(error)))
    ours, theirs = results
    assert ours[0] == theirs[0], results
    if theirs[0] == "returned":
        compare(ours[1], theirs[1])
    else:
        assert ours[1] == theirs[1]
    return theirs


def scope(lib):
    def tensor(*shape, seed=0):
        values = np.random.default_rng([seed, *shape]).uniform(0.5, 1.5, shape)
        return lib.tensor(values.tolist(), dtype=lib.float64)

    def leaf(*shape, seed=0):
        return tensor(*shape, seed=seed).requires_grad_()

    def net():
        m = lib.nn.Sequential(lib.nn.Linear(2, 3), lib.nn.Tanh(), lib.nn.Linear(3, 1)).double()
        for k, p in enumerate(m.parameters()):
            with lib.no_grad():
                p.copy_(tensor(*p.shape, seed=k))
        return m

    return {"t": lib, "T": tensor, "L": leaf, "A": lib.autograd.functional, "f": lib.func, "net": net, "null": contextlib.nullcontext}


FUNCTIONAL = [
    "A.jacobian(lambda x: x.exp(), T(3))", "A.jacobian(lambda x, y: x.outer(y).sum(1), (T(3), T(2)))",
    "A.jacobian(lambda x, y: (x * y, x.sum()), (T(3), T(3, seed=1)))", "A.jacobian(lambda x: (x * x, x.sum()), T(2, 2))",
    "A.jacobian(lambda x: x ** 3, T(2), create_graph=True)", "A.jacobian(lambda x: x ** 3, L(2), create_graph=True)",
    "A.jacobian(lambda x, y: x * 2, (T(2), T(2)))", "A.jacobian(lambda x, y: x * 2, (T(2), T(2)), strict=True)",
    "A.jacobian(lambda x: t.ones(2), T(2))", "A.jacobian(lambda x: t.ones(2), T(2), strict=True)",
    "A.jacobian(lambda x: x * x, T(2), vectorize=True)", "A.jacobian(lambda x: x * x, 3.0)", "A.jacobian(lambda x: [x], T(2))",
    "A.jacobian(lambda x: (x.exp(), x.exp() * 2), T(2))",
    "A.hessian(lambda x: (x ** 3).sum(), T(3))", "A.hessian(lambda x, y: (x * y * y).sum(), (T(2), T(2, seed=1)))",
    "A.hessian(lambda x: x.sum(), T(2))", "A.hessian(lambda x: x * 2, T(2))", "A.hessian(lambda x: (x.sum(),), T(2))",
    "A.hessian(lambda x: (x ** 4).sum(), L(2), create_graph=True)", "A.hessian(lambda x: x.sum(), T(2), strict=True)",
    "A.hessian(lambda x: x.prod(), T(3), vectorize=True)",
    "A.vjp(lambda x: x.exp(), T(3), T(3, seed=1))", "A.vjp(lambda x: x.exp().sum(), T(3))", "A.vjp(lambda x: x.exp(), T(3))",
    "A.vjp(lambda x, y: (x * y, x.sum()), (T(2), T(2)), (T(2), T()))", "A.vjp(lambda x: x.exp(), T(3), T(2))",
    "A.vjp(lambda x: x.exp(), L(3), T(3), create_graph=True)", "A.vjp(lambda x: x.exp(), T(3), (T(3), T(3)))",
    "A.jvp(lambda x: x.exp(), T(3), T(3, seed=1))", "A.jvp(lambda x, y: (x * y, x.sum()), (T(2), T(2)), (T(2), T(2, seed=2)))",
    "A.jvp(lambda x: x.exp(), T(1))", "A.jvp(lambda x: x.exp(), T(3))", "A.jvp(lambda x: x * 2, T(3), T(3))",
    "A.jvp(lambda x: x.exp(), L(3), T(3), create_graph=True)", "A.jvp(lambda x: t.ones(2), T(2), T(2))",
    "A.hvp(lambda x: (x ** 3).sum(), T(3), T(3, seed=1))", "A.vhp(lambda x: (x ** 3).sum(), T(3), T(3, seed=1))",
    "A.hvp(lambda x, y: (x * y).sum(), (T(2), T(2)), (T(2), T(2)))", "A.vhp(lambda x, y: (x * y).sum(), (T(2), T(2)), (T(2), T(2)))",
    "A.hvp(lambda x: x.sum(), T(2), T(2))", "A.vhp(lambda x: x.sum(), T(2), T(2))", "A.vhp(lambda x: x, T(2), T(2))",
    "A.hvp(lambda x: (x ** 4).sum(), L(2), T(2), create_graph=True)", "A.vhp(lambda x: (x ** 4).sum(), L(2), T(2), create_graph=True)",
]

FUNC = [
    "f.grad(lambda x: (x ** 2).sum())(T(3))", "f.grad(f.grad(lambda x: x ** 3))(T())", "f.grad(f.grad(f.grad(lambda x: x.sin())))(T())",
    "f.grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(T(2), T(2, seed=1))", "f.grad(lambda x, y: (x * y).sum(), argnums=1)(T(2), T(2, seed=1))",
    "f.grad(lambda p: (p['a'] * p['b'][0]).sum())({'a': T(2), 'b': [T(2, seed=1)]})", "f.grad(lambda x: x * 2)(T(2))",
    "f.grad(lambda x: (x.sum(), x * 2), has_aux=True)(T(2))", "f.grad_and_value(lambda x: (x ** 2).sum())(T(2))",
    "f.grad_and_value(lambda x: (x.sum(), x * 2), has_aux=True)(T(2))", "f.grad(lambda x: (x ** 3).sum())(L(2))",
    "f.grad(lambda x: t.ones(()))(T(2))", "f.grad(lambda x, y: x.sum(), argnums=(0, 1))(T(2), T(2))", "f.grad(lambda x: x.sum(), argnums=3)(T(2))",
    "f.grad(lambda x: (x * f.grad(lambda y: (x * y * y).sum())(x)).sum())(T(2))", "f.grad(lambda x, s: (x * s).sum())(T(2), s=3.0)",
    "f.vjp(lambda x: x.exp(), T(2))[1](T(2, seed=1))", "f.vjp(lambda x, y: (x * y, x), T(2), T(2, seed=1))[1]((T(2), T(2)))",
    "f.vjp(lambda x: x.exp(), T(2))[0]", "f.vjp(lambda x: (x.exp(), x), T(2), has_aux=True)[2]",
    "f.jvp(lambda x: x.exp(), (T(2),), (T(2, seed=1),))", "f.jvp(lambda x, y: x * y, (T(2), T(2)), (T(2), T(2)))",
    "f.jvp(lambda x: f.jvp(lambda y: y ** 3, (x,), (t.ones_like(x),))[1], (T(2),), (T(2),))", "f.jvp(lambda x: x, T(2), T(2))",
    "f.linearize(lambda x: x.sin(), T(2))[1](T(2))",
    "f.jacrev(lambda x: x.exp())(T(3))", "f.jacrev(lambda x, y: (x * y, {'s': x.sum()}), argnums=(0, 1))(T(2), T(2))",
    "f.jacrev(lambda x: (x * x, x), has_aux=True)(T(2))", "f.jacfwd(lambda x: x.outer(x))(T(2))", "f.hessian(lambda x: (x ** 3).sum())(T(3))",
    "f.hessian(lambda x: x.prod())(T(3))", "f.jacrev(f.grad(lambda x: x.prod()))(T(3))",
    "f.vmap(lambda x: x * 2)(T(3, 2))", "f.vmap(lambda x, y: x @ y, in_dims=(0, None))(T(3, 2), T(2))", "f.vmap(lambda x: x.sum(), in_dims=1)(T(3, 2))",
    "f.vmap(lambda x: x * 1, out_dims=1)(T(3, 2))", "f.vmap(lambda x: (x, x.sum()), out_dims=(1, 0))(T(3, 2))",
    "f.vmap(f.grad(lambda x: (x ** 2).sum()))(T(3, 2))", "f.vmap(f.vmap(lambda x: x ** 2))(T(3, 2))",
    "f.vmap(lambda d: d['x'] + d['y'], in_dims=({'x': 0, 'y': None},))({'x': T(3), 'y': T()})", "f.vmap(lambda x, y: x + y)(T(3), T(2))",
    "f.vmap(lambda x: x, in_dims=2)(T(3))", "f.vmap(lambda x: x, in_dims=None)(T(3))", "f.vmap(lambda x: 3.0)(T(3))", "f.vmap(lambda x: x)(3.0)",
    "f.vmap(lambda x: x, in_dims=(0, 0))(T(3))", "f.vmap(lambda x: x, randomness='x')(T(3))",
    "f.grad(lambda x: f.vmap(lambda y: y ** 2)(x).sum())(T(3))", "f.jacrev(f.vmap(lambda x: x ** 2))(T(3))",
    "f.functional_call(net(), {'0.weight': T(3, 2) * 2}, T(4, 2))", "f.functional_call(net(), ({'0.weight': T(3, 2)}, {'0.bias': T(3)}), (T(4, 2),))",
    "f.functional_call(net(), ({'0.weight': T(3, 2)}, {'0.weight': T(3, 2)}), (T(4, 2),))", "f.functional_call(net(), {'x': T(1)}, T(4, 2), strict=True)",
    "(lambda m: f.grad(lambda p: f.functional_call(m, p, (T(4, 2),)).sum())({k: v.detach() for k, v in m.named_parameters()}))(net())",
    "(lambda m: f.vmap(f.grad(lambda p, x: f.functional_call(m, p, (x,)).sum()), in_dims=(None, 0))(dict(m.named_parameters()), T(4, 2)))(net())",
    "(lambda m, x: f.vmap(f.hessian(lambda x: m(x).squeeze()))(x))(net(), T(4, 2))",
    "(lambda r, m: f.vmap(lambda p, b, x: f.functional_call(m, (p, b), (x,)), in_dims=(0, 0, None))(*r, T(4, 2)))(f.stack_module_state([net(), net()]), net())",
]


@pytest.mark.parametrize("text", FUNCTIONAL)
def test_autograd_functional(text):
    both(lambda lib: eval(text, scope(lib)))


@pytest.mark.parametrize("text", FUNC)
def test_func(text):
    both(lambda lib: eval(text, scope(lib)))


def test_gradients_reach_what_the_function_takes_from_outside():
    """A network's parameters through the derivative with respect to its input, as physics-informed losses need."""
    def run(lib):
        s = scope(lib)
        m, x = s["net"](), s["T"](4, 2)
        ux = lib.func.grad(lambda x: m(x).sum())(x)
        (ux ** 2).sum().backward()
        w = s["L"](2)
        y = lib.func.grad(lambda x: (x ** 2 * w).sum())(s["T"](2))
        return [p.grad if p.grad is not None else "none" for p in m.parameters()][:3], lib.autograd.grad(y.sum(), w)

    assert both(run)[0] == "returned"


def test_without_grad_mode():
    def run(lib):
        s = scope(lib)
        with lib.no_grad():
            return [lib.func.grad(lambda x: (x ** 3).sum())(s["L"](2)), lib.func.hessian(lambda x: (x ** 3).sum())(s["T"](2)),
                    lib.autograd.functional.jacobian(lambda x: x ** 2, s["L"](2))]

    assert both(run)[0] == "returned"


def test_a_module_gets_its_parameters_back():
    m = wengert.nn.Linear(2, 2)
    weight = m.weight
    with pytest.raises(RuntimeError):
        wengert.func.functional_call(m, {"weight": wengert.ones(3, 3)}, wengert.ones(1, 2))
    assert m.weight is weight and m._parameters["weight"] is weight


@pytest.mark.parametrize("tensors, options", [("{'a': w, 'weight': w, 'x': w}", {"strict": True}), ("({'weight': w}, {'weight': w})", {})])
def test_names_refused_in_the_same_words(tensors, options):
    def error(lib):
        with pytest.raises((RuntimeError, ValueError)) as caught:
            lib.func.functional_call(lib.nn.Linear(2, 2), eval(tensors, {"w": lib.ones(2, 2)}), lib.ones(1, 2), **options)
        return repr(caught.value)

    assert error(wengert) == error(torch)


def test_tied_parameters():
    def run(lib):
        m = lib.nn.ModuleDict({"a": lib.nn.Linear(2, 2, bias=False).double(), "b": lib.nn.Linear(2, 2, bias=False).double()})
        m["b"].weight = m["a"].weight
        m.forward = lambda x: m["b"](m["a"](x))
        s = scope(lib)
        return lib.func.functional_call(m, {"a.weight": s["T"](2, 2)}, s["T"](1, 2))

    assert both(run)[0] == "returned"


def test_random_numbers_of_slices():
    x = wengert.zeros(4)
    same = wengert.vmap(lambda x: x + wengert.rand(()), randomness="same")(x)
    different = wengert.vmap(lambda x: x + wengert.rand(()), randomness="different")(x)
    assert len(set(same.tolist())) == 1 and len(set(different.tolist())) == 4


@pytest.mark.parametrize("draw", [
    "t.rand(2)", "t.randn_like(x)", "t.nn.functional.dropout(x)", "x.clone().normal_()", "t.bernoulli(x)", "t.randint(0, 5, (2,))", "t.randperm(4)",
    "t.multinomial(t.ones(4), 2)", "t.distributions.Normal(x, 1.).sample()", "t.nn.functional.gumbel_softmax(x.expand(3))", "x.clone().exponential_()",
    "t.poisson(x)", "t.binomial(x, x)", "t.rand(2, generator=t.Generator())", "t.nn.Linear(2, 2).weight", "t.normal(x, 1.)", "x.clone().random_()",
    "x.clone().geometric_(.5)", "x.clone().cauchy_()", "x.clone().log_normal_()", "x.clone().bernoulli_(.5)", "t.nn.functional.alpha_dropout(x, training=True)",
    "t.nn.functional.dropout(x, training=False)", "t.nn.functional.dropout(x, p=0.)", "t.manual_seed(0) and x", "t.Generator().manual_seed(1) and x"])
def test_random_numbers_are_refused(draw):
    def run(lib):
        try:
            return lib.func.vmap(lambda x: eval(draw, {"t": lib, "x": x}))(lib.zeros(3))
        except RuntimeError as error:
            return str(error)

    both(run)
    assert wengert._core._mode_word() == 0


@pytest.mark.parametrize("text", [
    "f.vmap(f.vmap(t.rand_like), randomness='different')(T(2, 2))", "f.vmap(f.vmap(t.rand_like, randomness='different'))(T(2, 2))",
    "f.vmap(f.grad(lambda x: t.nn.functional.dropout(x).sum()))(T(2, 2))", "f.jacfwd(t.nn.functional.dropout)(T(2))",
    "f.hessian(lambda x: t.nn.functional.dropout(x).sum())(T(2))", "f.vmap(t.rand_like, chunk_size=2)(T(3))",
    "f.jacfwd(t.sin, randomness='x')(T(2))"])
def test_random_numbers_are_refused_at_any_depth(text):
    assert both(lambda lib: eval(text, scope(lib)))[0] == "raised"
    assert wengert._core._mode_word() == 0


def test_random_numbers_that_are_allowed():
    f = wengert.func
    assert f.jacrev(wengert.nn.functional.dropout)(wengert.ones(2)).shape == (2, 2)
    assert f.jacfwd(wengert.nn.functional.dropout, randomness="different")(wengert.ones(2)).shape == (2, 2)
    assert len(set(f.vmap(f.vmap(wengert.rand_like, randomness="different"), randomness="different")(wengert.zeros(2, 2)).flatten().tolist())) == 4


@pytest.mark.parametrize("text", [
    "f.functionalize(lambda x: x.clone().add_(1))(T(3))", "f.functionalize(lambda x: (x.clone()[0].mul_(2), x * 1), remove='mutations_and_views')(T(3))",
    "(lambda x: (f.functionalize(lambda x: x.add_(1))(x), x))(T(3))", "f.grad(f.functionalize(lambda x: x.clone().mul_(2).sum()))(T(3))",
    "f.functionalize(lambda x: x, remove='views')"])
def test_functionalize(text):
    both(lambda lib: eval(text, scope(lib)))


def test_long_graphs_are_walked_without_recursion():
    def f(x):
        for _ in range(20000):
            x = x + 1
        return x.sum()
    assert wengert.func.grad(f)(wengert.ones(2)).tolist() == [1, 1]
