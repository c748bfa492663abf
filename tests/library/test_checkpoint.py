"""utils.checkpoint against torch, and that it saves memory."""

import contextlib
from importlib import import_module

import pytest
from like_torch import array, assert_same, filled

import wengert


def of(t):
    return import_module(t.__name__ + ".utils.checkpoint")


def net(t):
    return filled(t, t.nn.Sequential(t.nn.Linear(3, 8), t.nn.Tanh(), t.nn.Dropout(0.3), t.nn.Linear(8, 3), t.nn.Sigmoid()), -1, 1)


def grads(t, call, twice=False, **options):
    """Results and gradients of a checkpointed network, and how often it ran."""
    model = net(t)
    runs = []
    model.register_forward_hook(lambda *a: runs.append(1))
    x = t.tensor(array(4, 3), requires_grad=True)
    t.manual_seed(5)
    y = call(t, model, x)
    ahead = t.rand(2)
    loss = (y * y).sum()
    loss.backward(retain_graph=twice)
    if twice:
        loss.backward()
    return y, x.grad, [p.grad for p in model.parameters()], ahead, t.rand(2), len(runs)


def checkpointed(**options):
    return lambda t, model, x: of(t).checkpoint(model, x, **options)


def sequential(segments, **options):
    return lambda t, model, x: of(t).checkpoint_sequential(model, segments, x, **options)


def double(t, **options):
    model = net(t).eval()
    x = t.tensor(array(4, 3), requires_grad=True)
    y = of(t).checkpoint(model, x, **options)
    g, = t.autograd.grad(y.pow(2).sum(), x, create_graph=True)
    g.pow(2).sum().backward()
    return g, x.grad, [p.grad for p in model.parameters()]


def nested(t):
    model = net(t)
    x = t.tensor(array(4, 3), requires_grad=True)
    t.manual_seed(1)

    def inner(v):
        return of(t).checkpoint(lambda u: u.sin() * u.exp(), v, use_reentrant=False).tanh()

    def outer(v):
        return inner(model(v)) * inner(v)

    of(t).checkpoint(outer, x, use_reentrant=False).sum().backward()
    return x.grad, [p.grad for p in model.parameters()]


def with_keywords(t):
    x = t.tensor(array(3), requires_grad=True)
    y = of(t).checkpoint(lambda a, b=None, *, k: (a.sin() * b, {"c": (a * k).exp()}), x, b=2.0, k=t.tensor(0.5), use_reentrant=False)
    (y[0].sum() + y[1]["c"].sum()).backward()
    return x.grad


def contexts(t):
    log = []

    @contextlib.contextmanager
    def note(what):
        log.append(what)
        yield
        log.append("end of " + what)

    x = t.ones(2, requires_grad=True)
    of(t).checkpoint(t.sin, x, use_reentrant=False, context_fn=lambda: (note("first"), note("second")), early_stop=False).sum().backward()
    return log, x.grad


def changing(t, *functions, **options):
    """A function that does something else when it runs again."""
    runs = iter(functions)
    x = t.ones(3, requires_grad=True)
    of(t).checkpoint(lambda v: next(runs)(v), x, use_reentrant=False, **options).sum().backward()
    return x.grad


def no_tensor_requires_grad(t):
    y = of(t).checkpoint(t.sin, t.ones(2), use_reentrant=True)
    return y, y.requires_grad


PROGRAMS = {
    "not reentrant": lambda t: grads(t, checkpointed(use_reentrant=False)),
    "not reentrant twice": lambda t: grads(t, checkpointed(use_reentrant=False), twice=True),
    "reentrant": lambda t: grads(t, checkpointed(use_reentrant=True)),
    "unspecified": lambda t: grads(t, checkpointed()),
    "new random numbers": lambda t: grads(t, checkpointed(use_reentrant=False, preserve_rng_state=False))[0],
    "reentrant, new random numbers": lambda t: grads(t, checkpointed(use_reentrant=True, preserve_rng_state=False)),
    "no early stop": lambda t: grads(t, checkpointed(use_reentrant=False, early_stop=False)),
    "sequential": lambda t: grads(t, sequential(2, use_reentrant=False)),
    "sequential reentrant": lambda t: grads(t, sequential(3, use_reentrant=True)),
    "sequential unspecified": lambda t: grads(t, sequential(2)),
    "sequential one": lambda t: grads(t, sequential(1, use_reentrant=False)),
    "second derivative": lambda t: double(t, use_reentrant=False),
    "nested": nested,
    "keywords": with_keywords,
    "contexts": contexts,
    "grad through reentrant": lambda t: double(t, use_reentrant=True),
    "keywords reentrant": lambda t: of(t).checkpoint(t.sin, t.ones(1), use_reentrant=True, out=None),
    "contexts reentrant": lambda t: of(t).checkpoint(t.sin, t.ones(1), use_reentrant=True, context_fn=lambda: None),
    "sequential keywords": lambda t: of(t).checkpoint_sequential([t.sin], 1, t.ones(1), use_reentrant=False, a=1),
    "nothing requires grad": no_tensor_requires_grad,
    "detach": lambda t: of(t).detach_variable((t.ones(1, requires_grad=True) * 2, 3)),
    "detach list": lambda t: of(t).detach_variable([1]),
    "other values": lambda t: changing(t, lambda v: v.sin(), lambda v: v.exp().sin()),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_outcome(name):
    assert_same(PROGRAMS[name], 1e-7 if name == "contexts" else 1e-12)


@pytest.mark.parametrize("functions, words", [
    ((lambda v: v.sin().cos(), lambda v: v.sin()), "A different number of tensors was saved"),
    ((lambda v: v.sin(), lambda v: v[:2].sin()), "have different metadata"),
])
@pytest.mark.parametrize("name", ["wengert", "torch"])
def test_another_run_is_found_out(name, functions, words):
    t = import_module(name)
    with pytest.raises(of(t).CheckpointError, match=words):
        changing(t, *functions)


def live_bytes():
    return wengert._core.memory_stats()["live_bytes"]


@pytest.mark.parametrize("reentrant", [True, False])
def test_memory_is_saved(reentrant):
    x = wengert.ones(1_000_000, requires_grad=True)

    def block(v):
        for _ in range(20):
            v = (v * 1.0001).sin()
        return v

    def kept(run):
        before = live_bytes()
        y = run(x)
        after = live_bytes()
        del y
        return after - before

    plain = kept(block)
    assert plain > 60e6
    saved = kept(lambda v: of(wengert).checkpoint(block, v, use_reentrant=reentrant))
    assert saved < plain / 4


def test_nothing_stays_after_backward():
    import weakref

    x = wengert.ones(10, requires_grad=True)
    kept = []

    def block(v):
        u = v.exp()
        kept.append(weakref.ref(u))
        return u.sin()

    y = of(wengert).checkpoint(block, x, use_reentrant=False)
    assert kept[0]() is None
    y.sum().backward()
    assert len(kept) == 2 and kept[1]() is None
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.sum().backward()
