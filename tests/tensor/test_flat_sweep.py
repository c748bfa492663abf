"""Small elementwise records take a way of their own through the sweep; it must not be noticed (Note [Flat records])."""
import numpy as np
import pytest

import wengert as torch

SMALL, LARGE = 16, 4096         # beyond WG_DIRECT_NUMEL the general way is taken


def square(x, y):
    return x * x


def chain(x, y):
    h = x
    for _ in range(5):
        h = h * y + x
    return h


def shared(x, y):
    h = torch.tanh(x)
    return h * y - y / h + (h - x) + (h + h)


def difference(x, y):
    h = x * y
    return (h - h) + h * h + (y - h)


def numbers(x, y):
    h = x * 3 + 0.1
    return (1 - h) * (2.5 / (h * h + 1)) * y


def attributes(x, y):
    return torch.nn.functional.leaky_relu(x * y, 0.3).clamp(-0.5, 0.7) + (x * y) ** 2


def selection(x, y):
    return torch.where(x > 0, x * y, x + y) + torch.maximum(x, y) * x


PROGRAMS = [square, chain, shared, difference, numbers, attributes, selection]


def gradients(program, x, y, dtype, how):
    x = torch.tensor(x, dtype=dtype).requires_grad_()
    y = torch.tensor(y, dtype=dtype).requires_grad_()
    out = program(x * 1.25, y * 0.75)
    g = torch.cos(torch.arange(out.numel(), dtype=dtype) % SMALL)
    kept = g.clone()
    if how == "backward":
        out.backward(g)
        got = x.grad, y.grad
    elif how == "twice":
        out.backward(g, retain_graph=True)
        x.grad = y.grad = None
        out.backward(g)
        got = x.grad, y.grad
    else:
        got = torch.autograd.grad(out, (x, y), g, create_graph=how == "create_graph", allow_unused=True)
    assert torch.equal(g, kept), "the caller's gradient was written to"
    return [None if v is None else v.detach().numpy()[:SMALL] for v in got]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("program", PROGRAMS)
def test_every_way_gives_the_same_bits(program, dtype):
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal(SMALL), rng.standard_normal(SMALL)
    expected = gradients(program, np.tile(x, LARGE // SMALL), np.tile(y, LARGE // SMALL), dtype, "backward")
    for how in ("backward", "twice", "grad", "create_graph"):
        got = gradients(program, x, y, dtype, how)
        for a, b in zip(got, expected):
            if program is square and b is None:
                assert a is None
            else:
                np.testing.assert_array_equal(a, b, err_msg=how)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_sum_sends_one_value_everywhere(program):
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((2, SMALL))
    results = []
    for dense in (False, True):
        a, b = torch.tensor(x, requires_grad=True), torch.tensor(y, requires_grad=True)
        out = program(a, b)
        if dense:
            out.backward(torch.ones(SMALL, dtype=torch.float64))
        else:
            out.sum().backward()
        results.append([None if t.grad is None else t.grad.numpy() for t in (a, b)])
    for got, expected in zip(*results):
        np.testing.assert_array_equal(got, expected)


def test_what_a_hook_keeps_stays():
    x = torch.linspace(-1, 1, SMALL).requires_grad_()
    kept, copies = [], []

    def keep(g):
        kept.append(g)
        copies.append(g.clone())
    h = x * 2.0
    h.register_hook(keep)
    k = h * h
    k.register_hook(keep)
    k.retain_grad()
    torch.tanh(k * 0.5).sum().backward()
    for g, copy in zip(kept, copies):
        assert torch.equal(g, copy)
    assert torch.equal(k.grad, kept[0])
    assert len(kept) == 2


def test_gradients_of_two_leaves_are_never_one_memory():
    x = torch.ones(SMALL, requires_grad=True)
    y = torch.ones(SMALL, requires_grad=True)
    ((x + y) * 2.0).backward(torch.ones(SMALL))
    x.grad.zero_()
    assert torch.equal(y.grad, torch.full((SMALL,), 2.0))


def test_grad_accumulates_over_sweeps():
    x = torch.linspace(-1, 1, SMALL).requires_grad_()
    for i in range(3):
        (x * x).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), (i + 1) * 2 * x.detach().numpy(), rtol=1e-6)


def test_written_values_are_refused():
    x = torch.ones(SMALL, requires_grad=True)
    h = x * 2.0
    out = h * h
    h += 1.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_a_spent_record_is_refused_after_attributes():
    x = torch.ones(SMALL, requires_grad=True)
    out = (x * 2.0) ** 3
    out.sum().backward()
    with pytest.raises(RuntimeError, match="second time"):
        out.sum().backward()


def test_wide_graphs_fill_the_heap():
    """Hundreds of chunks are pending at once: the heap outgrows the room that a sweep begins with."""
    x = torch.ones(SMALL, requires_grad=True)
    ends = []
    for _ in range(60):
        h = x
        for _ in range(70):
            h = h * 1.0
        ends.append(h)
    torch.stack(ends).sum().backward()
    assert torch.equal(x.grad, torch.full((SMALL,), 60.0))
