"""Gradients of products that are added where they arrive, to a waiting cotangent or to .grad: the bits and the effects must be
those of adding a gradient of its own afterwards."""
import pytest

import wengert
from wengert import _core


def normal(*shape, seed, dtype="float32"):
    wengert.manual_seed(seed)
    return wengert.randn(*shape, dtype=getattr(wengert, dtype))



@pytest.mark.parametrize("m, k, n", [(16, 64, 256), (64, 1000, 100), (2, 2, 2), (1, 7, 5), (7, 5, 1), (128, 3, 3), (129, 33, 65)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_of_adding_to_grad(m, k, n, dtype):
    a, g = normal(m, k, seed=1, dtype=dtype), normal(m, n, seed=2, dtype=dtype)
    w = normal(k, n, seed=3, dtype=dtype).requires_grad_()
    once, = wengert.autograd.grad(a.mm(w), w, g)
    w.grad = start = normal(k, n, seed=4, dtype=dtype)
    expected = start + once
    address = start.data_ptr()
    a.mm(w).backward(g)
    assert w.grad is start and start.data_ptr() == address
    assert wengert.equal(w.grad, expected)


@pytest.mark.parametrize("m, k, n", [(16, 64, 256), (3, 2, 2), (1, 7, 5), (130, 5, 4)])
def test_bits_of_adding_to_grad_through_linear(m, k, n):
    a, g = normal(m, k, seed=1), normal(m, n, seed=2)
    w = normal(n, k, seed=3).requires_grad_()
    once, = wengert.autograd.grad(wengert.nn.functional.linear(a, w), w, g)
    w.grad = start = normal(n, k, seed=4)
    expected = start + once
    wengert.nn.functional.linear(a, w).backward(g)
    assert w.grad is start and wengert.equal(start, expected)


def test_bits_of_several_products_with_one_matrix():
    rows = [normal(16, 64, seed=s) for s in range(5)]
    w = normal(64, 32, seed=9).requires_grad_()
    sum([a.mm(w).sum() for a in rows]).backward()
    parts = [wengert.autograd.grad(a.mm(w).sum(), w)[0] for a in rows]
    total = parts[-1]                       # the sweep goes backwards
    for part in parts[-2::-1]:
        total = total + part
    assert wengert.equal(w.grad, total)


def test_recurrent_products(lib):
    w = lib.tensor([[0.5, -0.25], [1.0, 0.75]], dtype=lib.float64, requires_grad=True)
    h = lib.tensor([[1.0, 2.0], [0.5, -1.0]], dtype=lib.float64)
    for _ in range(3):
        h = h.mm(w) + h
    h.sum().backward()
    assert w.grad.tolist() == [[12.09375, 24.28125], [4.5, 11.4375]]


def test_the_square_of_a_matrix(lib):
    w = lib.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    for expected in ([[7.0, 11.0], [9.0, 13.0]], [[14.0, 22.0], [18.0, 26.0]]):
        w.mm(w).sum().backward()
        assert w.grad.tolist() == expected


def test_a_hook_sees_the_new_gradient_alone(lib):
    w = lib.ones(2, 3, requires_grad=True)
    x = lib.ones(4, 2)
    seen = []
    w.register_hook(lambda g: seen.append(g.clone()))
    for _ in range(2):
        x.mm(w).sum().backward()
    assert [g.tolist() for g in seen] == [[[4.0] * 3] * 2] * 2 and w.grad.tolist() == [[8.0] * 3] * 2


def test_a_hook_after_accumulation_sees_the_sum(lib):
    w = lib.ones(2, 3, requires_grad=True)
    seen = []
    w.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.sum().item()))
    for _ in range(2):
        lib.ones(4, 2).mm(w).sum().backward()
    assert seen == [24.0, 48.0]


def test_old_gradient_in_the_graph(lib):
    """A record that saved .grad meets the value that it saved."""
    w = lib.ones(2, 2, requires_grad=True)
    v = lib.ones(2, 2, requires_grad=True)
    x = lib.ones(3, 2)
    x.mm(w).sum().backward()
    assert w.grad.tolist() == [[3.0, 3.0], [3.0, 3.0]]
    held = w.grad
    held_value = held.clone()
    (v * held_value).sum().backward()
    assert v.grad.tolist() == [[3.0, 3.0], [3.0, 3.0]]


def test_grad_as_the_gradient_that_flows_in(lib):
    w = lib.ones(2, 2, requires_grad=True)
    w.grad = lib.tensor([[1.0, 2.0], [3.0, 4.0]])
    x = lib.tensor([[1.0, 2.0], [0.0, 1.0]])
    x.mm(w).backward(w.grad)
    assert w.grad.tolist() == [[2.0, 4.0], [8.0, 12.0]]


def test_grad_as_an_operand(lib):
    w = lib.ones(2, 2, requires_grad=True)
    w.grad = lib.tensor([[1.0, 2.0], [3.0, 4.0]])
    y = w.grad.mm(w)
    y.sum().backward()
    assert w.grad.tolist() == [[5.0, 6.0], [9.0, 10.0]]


def test_another_view_of_grad_follows(lib):
    w = lib.ones(2, 2, requires_grad=True)
    w.grad = lib.zeros(2, 2)
    row = w.grad[1]
    lib.ones(3, 2).mm(w).sum().backward()
    assert row.tolist() == [3.0, 3.0] and w.grad.tolist() == [[3.0, 3.0], [3.0, 3.0]]


def test_version_of_grad_is_raised(lib):
    w = lib.ones(2, 2, requires_grad=True)
    w.grad = lib.zeros(2, 2)
    before = w.grad._version
    lib.ones(3, 2).mm(w).sum().backward()
    assert w.grad._version == before + 1


@pytest.mark.filterwarnings("ignore:grad and param")
def test_expanded_and_foreign_grads(lib):
    import numpy as np
    x = lib.ones(3, 2)
    w = lib.ones(2, 2, requires_grad=True)
    memory = np.zeros((2, 2), dtype=np.float32)
    w.grad = lib.from_numpy(memory)
    x.mm(w).sum().backward()
    assert memory.tolist() == [[3.0, 3.0], [3.0, 3.0]]
    w.grad = lib.zeros(2, 2).t()
    x.mm(w).sum().backward()
    assert w.grad.tolist() == [[3.0, 3.0], [3.0, 3.0]]


def test_autograd_grad_leaves_grad_alone(lib):
    w = lib.ones(2, 2, requires_grad=True)
    w.grad = lib.zeros(2, 2)
    y = lib.ones(3, 2).mm(w).sum()
    g, = lib.autograd.grad(y, w, retain_graph=True)
    y.backward(inputs=[w])
    assert g.tolist() == w.grad.tolist() == [[3.0, 3.0], [3.0, 3.0]]


def test_second_sweep_through_a_retained_graph(lib):
    w = lib.ones(2, 2, requires_grad=True)
    y = lib.ones(3, 2).mm(w).sum()
    for i in range(1, 4):
        y.backward(retain_graph=True)
        assert w.grad.tolist() == [[3.0 * i] * 2] * 2


def test_no_memory_beside_grad():
    """A step that adds to .grad takes no memory of the gradient's size."""
    x, w = wengert.ones(8, 512), wengert.ones(512, 1024, requires_grad=True)
    w.grad = wengert.zeros(512, 1024)
    loss = x.mm(w).sum()
    _core.empty_cache()
    before = _core.memory_stats()
    loss.backward()
    after = _core.memory_stats()
    assert after["cached_bytes"] + after["live_bytes"] - before["cached_bytes"] - before["live_bytes"] < 1 << 20
