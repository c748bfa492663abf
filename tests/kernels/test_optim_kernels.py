"""Optimizer steps against torch.optim, and the clipping of gradients."""
import itertools

import numpy as np
import pytest

from harness import MODES, Kernels, empty, levels, strided

REDUCE = ("reduce.c", "reduce_engine.c", "reduce_load.c", "reduce_plan.c")
SOURCES = ("optim.c", "copy.c", *REDUCE)
UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}
FLOATS = list(UNIT)
MAXIMIZE, NESTEROV, MOMENTUM, AMSGRAD, DECOUPLED, CENTERED, TENSORS, FIRST = 1, 2, 4, 8, 16, 32, 64, 128


@pytest.fixture(scope="module")
def kernels():
    return Kernels(*SOURCES)


# kernel, torch class, hyperparameters in the kernel's order, other arguments, flags, state: (torch name or None, start)
CASES = []


def case(kernel, name, hyper, flags=0, scalars=(0.0,), state=(), **other):
    CASES.append((kernel, name, hyper, other, flags, scalars, state))


for decay, maximize in itertools.product((0.0, 0.1), (0, 1)):
    m = {"maximize": bool(maximize)}
    for momentum, dampening, nesterov in ((0.0, 0.0, 0), (0.9, 0.0, 0), (0.9, 0.3, 0), (0.9, 0.0, 1)):
        case("sgd", "SGD", dict(lr=0.1, momentum=momentum, dampening=dampening, weight_decay=decay),
             maximize | (NESTEROV * nesterov) | (MOMENTUM if momentum else 0), state=["momentum_buffer"] if momentum else [],
             nesterov=bool(nesterov), **m)
    adam = dict(lr=0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=decay)
    for amsgrad in (0, 1):
        state = ["exp_avg", "exp_avg_sq"] + ["max_exp_avg_sq"] * amsgrad
        case("adam", "Adam", adam, maximize | AMSGRAD * amsgrad, state=state, amsgrad=bool(amsgrad), **m)
        case("adam", "AdamW", adam, maximize | AMSGRAD * amsgrad | DECOUPLED, state=state, amsgrad=bool(amsgrad), **m)
    for centered, momentum in itertools.product((0, 1), (0.0, 0.8)):
        case("rmsprop", "RMSprop", dict(lr=0.01, alpha=0.9, eps=1e-7, weight_decay=decay, momentum=momentum),
             maximize | CENTERED * centered | (MOMENTUM if momentum else 0),
             state=["square_avg"] + ["grad_avg"] * centered + ["momentum_buffer"] * (momentum > 0), centered=bool(centered), **m)
    case("adagrad", "Adagrad", dict(lr=0.1, lr_decay=0.2, eps=1e-10, weight_decay=decay), maximize, state=[("sum", 0.3)],
         initial_accumulator_value=0.3, **m)
    case("adadelta", "Adadelta", dict(lr=1.0, rho=0.9, eps=1e-6, weight_decay=decay), maximize, state=["square_avg", "acc_delta"], **m)
    case("adamax", "Adamax", adam, maximize, state=["exp_avg", "exp_inf"], **m)
    for decoupled in (0, 1):
        flags = maximize | DECOUPLED * decoupled
        case("nadam", "NAdam", dict(adam, momentum_decay=4e-3), flags, (0.0, 1.0), state=["exp_avg", "exp_avg_sq"],
             decoupled_weight_decay=bool(decoupled), **m)
        case("radam", "RAdam", adam, flags, state=["exp_avg", "exp_avg_sq"], decoupled_weight_decay=bool(decoupled), **m)
    case("asgd", "ASGD", dict(lr=0.05, lambd=1e-2, alpha=0.75, t0=3.0, weight_decay=decay), maximize, (0.0, float(np.float32(0.05)), 1.0), state=["ax"], **m)
    if not decay:
        case("rprop", "Rprop", dict(etas=(0.5, 1.2), step_sizes=(1e-6, 0.2)), maximize, state=["prev", ("step_size", 0.01)], lr=0.01, **m)


def flat(hyper):
    return [v for value in hyper.values() for v in (value if isinstance(value, tuple) else (value,))]


SHAPES = [(5,), (), (3, 7), (0,), (100, 90)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kernel, name, hyper, other, flags, scalars, state", CASES)
@pytest.mark.torch
def test_steps_agree_with_torch(kernels, dtype, kernel, name, hyper, other, flags, scalars, state):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    starts = [np.asarray(rng.standard_normal(s)).astype(dtype) for s in SHAPES]
    reference = [torch.from_numpy(np.array(s)).requires_grad_() for s in starts]
    optimizer = getattr(torch.optim, name)(reference, **hyper, **other, foreach=False)
    ours = [strided(s) if s.ndim == 2 and s.size < 50 else s.copy() for s in starts]
    buffer = np.array(flat(hyper) + list(scalars) * len(SHAPES))
    states = []
    for s in starts:
        states.append([np.full(s.shape, (entry[1] if isinstance(entry, tuple) else np.nan if kernel == "sgd" else 0.0), dtype)
                       for entry in state])
    for step in range(8):
        grads = [np.asarray(rng.standard_normal(s)).astype(dtype) for s in SHAPES]
        for p, g in zip(reference, grads):
            p.grad = torch.from_numpy(g.copy())
        optimizer.step()
        operands = [x for p, g, own in zip(ours, grads, states) for x in (p, strided(g) if g.ndim == 2 else g, *own)]
        kernels(kernel, buffer, *operands, attrs=[flags, None], mode=list(MODES)[step % 4])
    assert buffer[len(flat(hyper))] == 8
    limit = 60 * UNIT[dtype]
    for p, q, own in zip(ours, reference, states):
        np.testing.assert_allclose(p, q.detach().numpy(), rtol=limit, atol=limit)
        for value, entry in zip(own, state):
            expected = optimizer.state[q][entry if isinstance(entry, str) else entry[0]].numpy()
            np.testing.assert_allclose(value, expected, rtol=limit, atol=limit * max(np.abs(expected).max(initial=0), 1e-3))


@pytest.mark.parametrize("level", levels())
def test_bits_do_not_depend_on_level_or_threads(level):
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal((2, 30001)).astype(np.float32)
    reference = None
    for mode in MODES:
        p, m, v, h = x.copy(), np.zeros_like(x), np.zeros_like(x), np.array([0.01, 0.9, 0.999, 1e-8, 0.1, 0.0])
        for _ in range(3):
            Kernels(*SOURCES, level=level)("adam", h, p, g, m, v, attrs=[DECOUPLED, None], mode=mode)
        q = x.copy()
        base, mb, vb = Kernels(*SOURCES, level=levels()[0]), np.zeros_like(x), np.zeros_like(x)
        if reference is None:
            h = np.array([0.01, 0.9, 0.999, 1e-8, 0.1, 0.0])
            for _ in range(3):
                base("adam", h, q, g, mb, vb, attrs=[DECOUPLED, None])
            reference = q
        np.testing.assert_array_equal(p, reference)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kernel, name, hyper, other, flags, scalars, state", CASES)
def test_scalar_state_in_tensors_changes_no_bit(kernels, dtype, kernel, name, hyper, other, flags, scalars, state):
    rng = np.random.default_rng(0)
    starts = [rng.standard_normal(s).astype(dtype) for s in ((5,), (3, 4))]
    states = [[np.full(x.shape, entry[1] if isinstance(entry, tuple) else 0.0, dtype) for entry in state] for x in starts]
    buffer, bare = np.array(flat(hyper) + list(scalars) * 2), np.array(flat(hyper), np.float64)
    a, b = [x.copy() for x in starts], [x.copy() for x in starts]
    sa, sb = [[v.copy() for v in own] for own in states], [[v.copy() for v in own] for own in states]
    inside = [[np.asarray(v, np.float32) for v in scalars] if kernel != "sgd" else [] for _ in starts]
    for step in range(4):
        grads = [rng.standard_normal(x.shape).astype(dtype) for x in starts]
        kernels(kernel, buffer, *[v for x, g, own in zip(a, grads, sa) for v in (x, g, *own)], attrs=[flags, None])
        kernels(kernel, bare, *[v for x, g, own, more in zip(b, grads, sb, inside) for v in (x, g, *own, *more)],
                attrs=[flags | TENSORS | (FIRST if step == 0 else 0), None])
    for x, y in zip(a, b):
        np.testing.assert_array_equal(x, y)
    if kernel != "sgd":
        assert [float(v) for more in inside for v in more] == buffer[len(bare):].tolist()


def test_parameters_may_choose_their_scalar_state(kernels):
    """Two of three parameters have gradients: each keeps its own step count."""
    h = np.array([0.1, 0.9, 0.99, 1e-8, 0.0] + [3.0, 0.0, 7.0])
    x, g, zeros = np.ones(4), np.full(4, 2.0), lambda: [np.zeros(4), np.zeros(4)]
    kernels("adam", h, x.copy(), g, *zeros(), x.copy(), g, *zeros(), attrs=[0, [2, 1]])
    assert h.tolist()[5:] == [3.0, 1.0, 8.0]


def test_nan_and_infinite_gradients(kernels):
    h = np.array([0.1, 0.9, 0.99, 1e-8, 0.0, 0.0])
    x, g = np.ones(3, np.float32), np.array([np.nan, np.inf, 1.0], np.float32)
    kernels("adam", h, x, g, np.zeros(3, np.float32), np.zeros(3, np.float32), np.zeros(3, np.float32), attrs=[AMSGRAD, None])
    assert np.isnan(x[:2]).all() and abs(x[2] - 0.9) < 1e-6


def test_exhausted_memory_leaves_the_state(kernels):
    h = np.array([0.1, 0.9, 0.0, 0.0, 0.0])
    for after in range(3):
        x, g, b = (strided(np.ones((3, 4))) for _ in range(3))
        kernels.fail_scratch(after)
        with pytest.raises(MemoryError):
            kernels("sgd", h, x, g, b, attrs=[MOMENTUM, None])
        assert h[4] == 0 and (x == 1).all() and (b == 1).all()


# ---- norms and clipping -----------------------------------------------------------------------------------------

ORDERS = [2.0, 1.0, 0.5, 3.0, 4, np.inf, -np.inf]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("mode", MODES)
def test_grad_norm(kernels, dtype, order, mode):
    grads = [np.asarray(np.random.default_rng(i).standard_normal(s)).astype(dtype) for i, s in enumerate(((5,), (), (3, 7), (0,), (300, 90)))]
    everything = np.abs(np.concatenate([g.ravel() for g in grads]).astype(np.float64))
    expected = everything.max() if order == np.inf else everything.min() if order == -np.inf else (everything**order).sum() ** (1 / order)
    for own in (grads, [strided(g) if g.ndim else g for g in grads]):
        total = kernels("grad_norm", empty((), dtype), *own, attrs=[order], mode=mode)
        np.testing.assert_allclose(total, expected, rtol=10 * UNIT[dtype])
    total = kernels("grad_norm", empty((), "float64"), *grads, attrs=[order], mode=mode)
    np.testing.assert_allclose(total, expected, rtol=10 * UNIT[dtype])


def test_grad_norm_edges(kernels):
    zero, some, nan = np.zeros(3), np.array([3.0, 0.0]), np.array([np.nan, 1.0])
    norm = lambda *g, order: float(kernels("grad_norm", np.empty(()), *g, attrs=[order]))
    assert norm(order=2.0) == 0 and norm(zero, order=2.0) == 0 and norm(zero, some, order=0.0) == 1
    for order in (1.0, 2.0, 3.0, np.inf, -np.inf):
        assert np.isnan(norm(some, nan, some, order=order))
    assert norm(np.array([-np.inf]), order=2.0) == np.inf
    for after in (0, 1):
        kernels.fail_scratch(after)
        with pytest.raises(MemoryError):
            norm(np.zeros(6)[::2], order=2.0)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("mode", MODES)
def test_clip_grad_norm(kernels, dtype, mode):
    start = [np.asarray(np.random.default_rng(i).standard_normal(s)).astype(dtype) for i, s in enumerate(((5,), (), (3, 7), (0,), (100, 90)))]
    for limit in (1.0, 1e6):
        grads = [strided(g) if g.ndim == 2 and g.size < 50 else g.copy() for g in start]
        total = kernels("grad_norm", empty((), dtype), *grads, attrs=[2.0])
        kernels("clip_grad_norm", *grads, total, attrs=[limit], mode=mode)
        one = np.asarray(1, dtype)
        factor = min(np.asarray(limit, dtype) / (total + np.asarray(1e-6, dtype)), one)
        for got, g in zip(grads, start):
            np.testing.assert_array_equal(got, g * factor)
    grads = [np.ones(3, dtype)]
    kernels("clip_grad_norm", *grads, np.asarray(np.nan, dtype), attrs=[1.0])
    assert np.isnan(grads[0]).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_clip_grad_value_and_zero(kernels, dtype):
    x = np.array([-5, -0.5, 0.5, 5, np.nan], dtype)
    for g in (x.copy(), strided(x)):
        kernels("clip_grad_value", g, attrs=[-1.0, 1.0])
        np.testing.assert_array_equal(g, np.array([-1, -0.5, 0.5, 1, np.nan], dtype))
    a, b = x.copy(), strided(np.ones((3, 4), np.int32))
    kernels("zero", a, b)
    assert (a == 0).all() and (b == 0).all()
