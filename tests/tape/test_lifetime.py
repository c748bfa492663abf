"""Memory: what is dropped is given back at once, whatever happened; nothing grows; nothing recurses."""
import gc
import os
import weakref

import pytest

import wengert
from wengert import _core

pytestmark = pytest.mark.engine


def resident_kilobytes():
    """Of this process; the sanitizer keeps freed memory, so under it this says nothing, and 0 is as good."""
    if "libasan" in os.environ.get("LD_PRELOAD", ""):
        return 0
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4


@pytest.fixture
def no_gc():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def nothing_left():
    """Storages, records and leaves are as many after the test as before."""
    gc.collect()
    keys = ("live_storages", "records", "leaves", "live_bytes")
    before = {k: _core.memory_stats()[k] for k in keys}
    yield
    gc.collect()
    assert {k: _core.memory_stats()[k] for k in keys} == before


def test_a_dropped_graph_is_released_without_gc(nothing_left, no_gc):
    w = wengert.randn(8, requires_grad=True)
    for _ in range(100):
        y = (w * w).tanh().sum()
    del y, w


def test_a_swept_graph_is_released(nothing_left, no_gc):
    w = wengert.randn(8, requires_grad=True)
    (w.exp() * w).sum().backward()
    w.grad = None
    del w


def test_a_retained_graph_lives_as_long_as_its_handle(nothing_left):
    w = wengert.randn(8, requires_grad=True)
    y = w.exp().sum()
    y.backward(retain_graph=True)
    records = _core.memory_stats()["records"]
    assert records >= 2
    del y
    assert _core.memory_stats()["records"] == records - 2


def test_buffers_go_with_the_sweep():
    w = wengert.randn(1 << 16, requires_grad=True)
    y = w.exp().tanh().sum()
    held = _core.memory_stats()["live_bytes"]
    y.backward()
    w.grad = None
    assert held - _core.memory_stats()["live_bytes"] >= 2 * 4 * (1 << 16)


def test_an_exception_in_a_hook_leaves_nothing(nothing_left):
    w = wengert.randn(4, requires_grad=True)
    y = w * 2

    def fail(g):
        raise ValueError("from the hook")

    handle = y.register_hook(fail)
    with pytest.raises(ValueError, match="from the hook"):
        (y * y).sum().backward()
    handle.remove()
    del y, w, handle


def test_an_exception_in_a_function_leaves_nothing(nothing_left):
    class Broken(wengert.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise ValueError("from backward")

    w = wengert.randn(4, requires_grad=True)
    y = Broken.apply(w)
    with pytest.raises(ValueError, match="from backward"):
        (y * y).sum().backward()
    del y, w


def test_saved_outputs_make_no_cycle(nothing_left, no_gc):
    class Exp(wengert.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            y, = ctx.saved_tensors
            return g * y

    w = wengert.randn(4, requires_grad=True)
    y = Exp.apply(w)
    died = weakref.ref(y)
    del y, w
    assert died() is None


def test_cycles_through_attributes_are_collected(nothing_left):
    x = wengert.ones(3)
    x.me = x
    died = weakref.ref(x)
    del x
    gc.collect()
    assert died() is None


def test_handles_are_reused_clean():
    x = wengert.ones(3)
    x.note = "kept"
    del x
    for _ in range(50):
        y = wengert.ones(3)
        assert not y.__dict__ and y.grad is None and not y.requires_grad
        del y


def test_a_long_chain_does_not_recurse(nothing_left):
    n = 200_000
    w = wengert.tensor([1.0, 1.0], requires_grad=True)
    y = w * 1.0
    for _ in range(n):
        y = y * w
    y.sum().backward()
    assert w.grad.tolist() == [n + 1.0, n + 1.0]
    w.grad = None
    del y, w


@pytest.mark.slow
def test_a_chain_of_a_million_built_swept_and_dropped(nothing_left):
    w = wengert.tensor([1.0], requires_grad=True)
    y = w * 1.0
    for _ in range(1_000_000):
        y = y + w
    dropped = y * 1.0
    y.sum().backward()
    assert w.grad.item() == 1_000_001.0
    w.grad = None
    del y, dropped, w


def test_forwards_without_backward_take_no_memory(no_gc):
    w, x = wengert.randn(16, requires_grad=True), wengert.randn(16)

    def forward():
        y = x
        for _ in range(10):
            y = (y * w).tanh() + 0.5
        return y

    for _ in range(200):
        forward()
    before = resident_kilobytes()
    for _ in range(10_000):
        forward()
    assert resident_kilobytes() - before <= 1024


def test_training_takes_no_memory(no_gc):
    model = wengert.nn.Sequential(wengert.nn.Linear(8, 32), wengert.nn.Tanh(), wengert.nn.Linear(32, 3))
    optimizer = wengert.optim.Adam(model.parameters(), lr=1e-3)
    x, target = wengert.randn(16, 8), wengert.randint(0, 3, (16,))

    def step():
        optimizer.zero_grad()
        wengert.nn.functional.cross_entropy(model(x), target).backward()
        optimizer.step()

    for _ in range(200):
        step()
    before, stats = resident_kilobytes(), _core.memory_stats()
    for _ in range(3_000):
        step()
    assert resident_kilobytes() - before <= 1024
    after = _core.memory_stats()
    assert after["live_bytes"] == stats["live_bytes"] and after["records"] == stats["records"]
    assert after["system_allocations"] == stats["system_allocations"], "a steady loop must not reach malloc"


def test_many_graphs_over_one_early_record_are_swept_apart(nothing_left):
    n = 2_000
    w = wengert.randn(4, requires_grad=True)
    shared = w * 2
    losses = [(shared * float(i)).sum() for i in range(n)]
    for loss in losses:
        loss.backward(retain_graph=True)
    assert w.grad.tolist() == [2.0 * n * (n - 1) / 2] * 4
    w.grad = None
    del w, shared, losses, loss


def test_a_steady_loop_after_other_shapes_does_not_reach_malloc(nothing_left):
    """What earlier shapes left in the pool gives way to what the loop frees."""
    for n in range(8, 24):
        wengert.zeros(n << 20, dtype=wengert.uint8)
    kept = [wengert.zeros(n << 20, dtype=wengert.uint8) for n in range(8, 24)]
    del kept

    def step():
        return wengert.zeros(150 << 20, dtype=wengert.uint8)

    step()
    before = _core.memory_stats()["system_allocations"]
    for _ in range(5):
        step()
    assert _core.memory_stats()["system_allocations"] == before
