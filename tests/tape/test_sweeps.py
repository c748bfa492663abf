"""Sweeps at once: inside hooks, in several threads, across a fork; and what they cost, counted in records."""
import os
import threading

import pytest

import wengert

pytestmark = pytest.mark.engine


def leaf(lib, *values):
    return lib.tensor(list(values), requires_grad=True)


# ---- order ----

def test_latest_record_first(lib):
    x = leaf(lib, 1.0)
    order, ys = [], [x]
    for i in range(200):                                   # several chunks of the tape
        y = ys[-1] + (ys[i // 2] if i % 3 == 0 else 1)
        y.register_hook(lambda g, i=i: order.append(i))
        ys.append(y)
    ys[-1].sum().backward()
    assert order == sorted(order, reverse=True) and len(order) == 200


def test_diamond(lib):
    x = leaf(lib, 1.0)
    calls = []
    y = x * 2
    y.register_hook(lambda g: calls.append(g.tolist()))
    a, b = y * 3, y * 5
    (a * b).sum().backward()
    assert calls == [[2 * 3 * 5 * 2.0]] and x.grad.tolist() == [120.0]


def test_exponentially_many_paths(lib):
    x = leaf(lib, 1.0)
    y = x
    for _ in range(60):
        y = y + y
    y.sum().backward()
    assert x.grad.tolist() == [2.0 ** 60]


def test_graph_that_grew_between_sweeps(lib):
    x = leaf(lib, 1.0)
    y = x * 2
    for k in range(1, 100):
        (y + k).sum().backward(retain_graph=True)
    assert x.grad.tolist() == [2.0 * 99]


@pytest.mark.parametrize("width", [1, 63, 64, 65, 500])
def test_wide_and_interleaved_graphs(lib, width):
    xs = [leaf(lib, float(i)) for i in range(width)]
    ys = list(xs)
    for _ in range(10):
        ys = [y * 2 for y in ys]
    for x, y in zip(xs, ys):
        y.sum().backward()
    assert all(x.grad.tolist() == [1024.0] for x in xs)


# ---- nested ----

def test_sweep_inside_a_function(lib):
    class Inner(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x ** 3

        @staticmethod
        def backward(ctx, g):
            with lib.enable_grad():
                y = ctx.saved_tensors[0].detach().requires_grad_()
                return g * lib.autograd.grad((y ** 3).sum(), y)[0]

    x = leaf(lib, 2.0)
    y = x * 1
    for _ in range(3):
        y = Inner.apply(y)
    y.sum().backward()
    assert x.grad.tolist() == [27 * 2.0 ** 26]


def test_checkpointing_by_a_nested_sweep(lib):
    def block(x, w):
        return (x * w).tanh() * x

    class Checkpoint(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return block(x, w)

        @staticmethod
        def backward(ctx, g):
            x, w = (t.detach().requires_grad_() for t in ctx.saved_tensors)
            with lib.enable_grad():
                y = block(x, w)
            lib.autograd.backward(y, g)
            return x.grad, w.grad

    results = []
    for f in (Checkpoint.apply, block):
        x, w = leaf(lib, 0.5, -0.25), leaf(lib, 1.5, 2.0)
        y = x
        for _ in range(4):
            y = f(y, w)
        y.sum().backward()
        results.append((x.grad.tolist(), w.grad.tolist()))
    assert results[0] == results[1]


def test_nested_sweep_that_raises_leaves_the_outer_one_alone(lib):
    x, w = leaf(lib, 1.0), leaf(lib, 2.0)
    y = x * 2

    def hook(g):
        with lib.enable_grad():
            z = w * 3
            z.register_hook(lambda g: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                z.sum().backward()

    y.register_hook(hook)
    y.sum().backward()
    assert x.grad.tolist() == [2.0] and w.grad is None


def test_nested_sweep_of_the_same_records(lib):
    x = leaf(lib, 1.0, 2.0)
    y = x * x
    z = y.exp().log().sum()
    inner = []

    entered = []

    def hook(g):
        if len(entered) < 3:
            entered.append(1)
            inner.append(lib.autograd.grad(z, x, retain_graph=True)[0].tolist())

    y.register_hook(hook)
    z.backward(retain_graph=True)
    assert inner == [pytest.approx([2.0, 4.0])] * 3 and x.grad.tolist() == pytest.approx([2.0, 4.0])


# ---- threads ----

def run_threads(n, work):
    errors = []

    def guarded(i):
        try:
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []


def test_independent_graphs_in_threads(lib):
    results = [None] * 4

    def work(i):
        for _ in range(30):
            x = lib.full((50,), float(i), requires_grad=True)
            y = x
            for _ in range(20):
                y = y * 1.5 + x
            y.sum().backward()
            results[i] = x.grad[0].item()

    run_threads(4, work)
    assert results == [results[0]] * 4


def test_shared_leaves_in_threads(lib):
    x = leaf(lib, 1.0)
    rounds, threads = 50, 4

    def work(i):
        for _ in range(rounds):
            g, = lib.autograd.grad((x * float(i + 1)).sum(), x)
            assert g.tolist() == [i + 1.0]

    run_threads(threads, work)
    assert x.grad is None


def test_accumulation_from_threads():
    x = leaf(wengert, 0.0)
    rounds, threads = 100, 4
    run_threads(threads, lambda i: [(x * 1.0).sum().backward() for _ in range(rounds)])
    assert x.grad.tolist() == [float(rounds * threads)]


def test_large_gradients_accumulated_by_threads_at_once():
    """Above the threshold the lock is let go while a gradient is computed or added; none of them may be lost."""
    n, rounds, threads = 384, 120, 4
    eye = wengert.eye(n)
    for first in (None, wengert.zeros(n, n)):
        w = wengert.zeros(n, n, requires_grad=True)
        w.grad = first
        programs = [lambda: w @ eye, lambda: w * 1.0, lambda: w + eye, lambda: eye @ w]
        run_threads(threads, lambda i: [programs[i]().sum().backward() for _ in range(rounds)])
        assert (w.grad == rounds * threads).all()


def test_one_graph_swept_by_threads():
    x = wengert.linspace(0, 3, 1000).requires_grad_()
    y = (x.sin() * x).exp().sum()
    expected, = wengert.autograd.grad(y, x, retain_graph=True)

    def work(i):
        for _ in range(10):
            g, = wengert.autograd.grad(y, x, retain_graph=True)
            assert (g == expected).all()

    run_threads(4, work)


def test_large_kernels_drop_the_lock():
    """Above the threshold other threads run while a kernel does; what they do to its operands must not matter."""
    shape = (400, 400)

    def work(i):
        x = wengert.full(shape, 0.5, requires_grad=True)
        for _ in range(5):
            y = (x * x).tanh().sum()
            y.backward()
        assert x.grad.shape == x.shape

    run_threads(4, work)


def test_operands_changed_by_another_thread_while_a_kernel_runs():
    big = wengert.ones(1 << 20)
    stop = threading.Event()

    def meddle():
        while not stop.is_set():
            big.data = wengert.ones(1 << 20)

    meddler = threading.Thread(target=meddle)
    meddler.start()
    try:
        for _ in range(30):
            assert (big * 2.0).sum().item() == 2.0 * (1 << 20)
    finally:
        stop.set()
        meddler.join()


def test_modes_of_threads(lib):
    seen = []
    x = leaf(lib, 1.0)

    def work():
        seen.append((x * 2).requires_grad)

    with lib.no_grad():
        t = threading.Thread(target=work)
        t.start()
        t.join()
    assert seen == [True]


def test_graph_dropped_in_another_thread(baseline):
    box = [leaf(wengert, 1.0)]
    for _ in range(1000):
        box[0] = box[0] * 2
    t = threading.Thread(target=box.clear)
    t.start()
    t.join()


def test_thread_local_errors():
    def work(i):
        for _ in range(50):
            with pytest.raises(RuntimeError, match=rf"The size of tensor a \({i + 2}\)"):
                wengert.ones(i + 2) + wengert.ones(50)

    run_threads(4, work)


# ---- fork ----

@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("before", [False, True], ids=["fresh", "after threads"])
def test_child_process_computes_and_differentiates(before):
    x = leaf(wengert, 1.0, 2.0)
    y = (x * x).exp().sum()
    if before:
        wengert.ones(1 << 21).exp().sum()                    # starts the pool of threads
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            y.backward()
            z = (wengert.ones(1 << 20, requires_grad=True) * 2).sum()
            z.backward()
            a = wengert.ones(128, 128) @ wengert.ones(128, 128)
            status = 0 if x.grad.tolist()[0] == pytest.approx(2 * 2.718281828) and a[0, 0].item() == 128 else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    y.backward()
    assert x.grad.tolist()[0] == pytest.approx(2 * 2.718281828)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_fork_inside_a_sweep():
    x = leaf(wengert, 3.0)
    y = x * 2
    codes = []

    def hook(g):
        pid = os.fork()
        if pid == 0:
            try:
                z = (leaf(wengert, 1.0) * 5).sum()
                z.backward()
            finally:
                os._exit(0)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

    y.register_hook(hook)
    y.sum().backward()
    assert codes == [0] and x.grad.tolist() == [2.0]


# ---- cost ----

def hooked(y, count):
    y.register_hook(lambda g: count.append(1) and None)
    return y


def test_records_reached_are_all_that_run():
    shared = leaf(wengert, 1.0) * 1
    count = []
    losses = []
    for i in range(200):
        losses.append(hooked(hooked(shared * float(i), count) * 2.0, count).sum())
    losses[7].backward()
    assert len(count) == 2


@pytest.mark.slow
def test_cost_of_many_graphs_over_one_record_is_linear():
    """10^5 graphs alive at once, each swept: were the cost of a sweep to grow with the tape, this would not end."""
    x = leaf(wengert, 1.0)
    shared = x * 1.0
    losses = [shared * float(i) for i in range(100_000)]
    one = wengert.ones(1)
    for loss in losses:
        loss.backward(one, retain_graph=True)
    assert x.grad.item() == pytest.approx(sum(range(100_000)), rel=1e-3)


def test_grad_towards_a_near_input_does_not_run_the_rest():
    x = leaf(wengert, 1.0)
    count = []
    y = x
    for _ in range(100):
        y = hooked(y * 1.0, count)
    z = hooked(y * 2.0, count)
    g, = wengert.autograd.grad(z.sum(), y)
    assert g.tolist() == [2.0] and len(count) == 2            # z, and y whose cotangent was wanted
