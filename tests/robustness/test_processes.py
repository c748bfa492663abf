"""Threads that meddle, signals, forks and the end of the interpreter: the engine neither crashes nor hangs, and stays usable."""
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import wengert
from wengert import nn

pytestmark = pytest.mark.engine
SECONDS = 120                                               # far more than anything here takes: what hangs is stopped
N = 1 << 16                                                 # elements, from which on kernels run without the lock


def run(script, *options):
    env = dict(os.environ, PYTHONPATH=os.pathsep.join([os.path.dirname(os.path.dirname(wengert.__file__)), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run([sys.executable, "-X", "faulthandler", *options, "-c", textwrap.dedent(script)], env=env, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def usable():
    """Is the engine in order? Gradients of a small and of a large program."""
    for n in (3, N):
        x = wengert.arange(n, dtype=wengert.float64, requires_grad=True)
        (x * x).sum().backward()
        assert (x.grad == 2 * x).all()
    assert wengert.is_grad_enabled() and not wengert.is_inference_mode_enabled()


# ---- other threads ----

def while_meddling(meddle, work):
    """Runs ``work`` while another thread calls ``meddle`` again and again; what either raises, if not said to be ordinary, fails."""
    stop, errors = threading.Event(), []

    def go():
        while not stop.is_set():
            try:
                meddle()
            except BaseException as error:
                errors.append(error)
                return

    thread = threading.Thread(target=go)
    thread.start()
    try:
        work()
    finally:
        stop.set()
        thread.join()
    assert errors == []
    usable()


def sizes():
    """Numbers of rows, by turns large and none: what was read of one does not fit the other."""
    while True:
        yield N // 16
        yield 1
        yield 3 * N // 16


CHANGES = {
    "data": lambda x, n: setattr(x, "data", wengert.ones(n, 16)),
    "set_": lambda x, n: x.set_(wengert.ones(n, 16)),
    "resize_": lambda x, n: x.resize_(n, 16),
    "out": lambda x, n: wengert.ones(n, 16, out=x.resize_(0)) if n < N // 8 else wengert.add(wengert.ones(n, 16), 1, out=x.resize_(0)),
    "view": lambda x, n: (x.t_(), x.t_(), x.unsqueeze_(0), x.squeeze_(0)),
}
OPERATIONS = {
    "product of elements": lambda x, w: x * x.detach(),
    "product with a number": lambda x, w: x * 2,
    "tanh": lambda x, w: x.tanh(),
    "matmul": lambda x, w: x @ w,
    "softmax": lambda x, w: x.softmax(1),
    "sort": lambda x, w: x.sort(1)[0],
    "layer_norm": lambda x, w: nn.functional.layer_norm(x, (16,)),
    "batch_norm": lambda x, w: nn.functional.batch_norm(x, None, None, training=True),
    "conv1d": lambda x, w: nn.functional.conv1d(x[None].transpose(1, 2), w[:, :, None]),
    "max_pool": lambda x, w: nn.functional.max_pool1d(x[None], 2),
    "cat": lambda x, w: wengert.cat([x, x]),
    "index": lambda x, w: x[x[:, 0] < 7],
    "var": lambda x, w: x.var(0),
    "cumsum": lambda x, w: x.cumsum(0),
    "gather": lambda x, w: x.gather(0, (x * 0).long()),
    "in place": lambda x, w: x.mul_(0.5).add_(x),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("change", CHANGES)
def test_memory_replaced_while_operations_run(change):
    """x.data = y and its like, from another thread: an operation sees one or the other, or refuses their mixture."""
    x, w = wengert.ones(N // 16, 16), wengert.ones(16, 16, requires_grad=True)
    n = sizes()

    def meddle():
        try:
            CHANGES[change](x, next(n))
        except (RuntimeError, IndexError):                  # of a shape that x has only just been given
            if change not in ("out", "view"):
                raise

    def work():
        for _ in range(6):
            for operation in OPERATIONS.values():
                try:
                    y = operation(x, w)
                    (y * w[0, 0]).sum().backward()
                except (RuntimeError, IndexError, ValueError):
                    pass                                    # two shapes met in one expression
    while_meddling(meddle, work)


def test_leaf_given_other_memory_while_its_graph_is_built_and_swept():
    x = wengert.ones(N // 16, 16, requires_grad=True)
    n = sizes()

    def meddle():
        x.data = wengert.ones(next(n), 16)
        x.grad = None

    def work():
        for _ in range(60):
            try:
                (x.exp() * x).sum().backward()
            except RuntimeError:
                pass
    while_meddling(meddle, work)


def test_waiting_for_memory_ends_while_others_compute_all_the_time():
    stop, x = threading.Event(), wengert.ones(N)

    def compute():
        while not stop.is_set():
            x.exp().sum()

    threads = [threading.Thread(target=compute) for _ in range(3)]
    for t in threads:
        t.start()
    try:
        for i in range(50):
            x.data = wengert.full((N,), float(i))
            assert x[0].item() == i
    finally:
        stop.set()
        for t in threads:
            t.join()


def test_parameters_of_a_layer_replaced_while_it_runs():
    layers = [nn.Linear(256, 256), nn.LayerNorm(256), nn.Sequential(nn.Linear(256, 256), nn.ReLU())]
    x = wengert.ones(512, 256)

    def meddle():
        for layer in layers:
            inner = layer[0] if isinstance(layer, nn.Sequential) else layer
            inner.weight = nn.Parameter(wengert.ones(inner.weight.shape))
            inner.bias = nn.Parameter(wengert.zeros(inner.bias.shape))
            inner.zero_grad()

    def work():
        for _ in range(30):
            for layer in layers:
                layer(x).sum().backward()
    while_meddling(meddle, work)


def test_optimizer_steps_while_another_thread_replaces_gradients():
    p = [nn.Parameter(wengert.ones(N)) for _ in range(3)]
    o = wengert.optim.Adam(p)

    def meddle():
        for q in p:
            q.grad = wengert.ones(N)
        o.zero_grad()

    def work():
        for _ in range(40):
            o.step()
    while_meddling(meddle, work)


def test_shared_and_disjoint_graphs_swept_at_once():
    """Four threads: each its own graph over a shared part that is kept, large enough for kernels without the lock."""
    w = wengert.linspace(0, 1, N, dtype=wengert.float64).requires_grad_()
    shared = w.exp()
    expected = wengert.autograd.grad((shared * 2).sum(), w, retain_graph=True)[0]
    errors = []

    def work():
        try:
            for _ in range(8):
                g, = wengert.autograd.grad((shared * 2).sum(), w, retain_graph=True)
                assert (g == expected).all()
                own = wengert.ones(N, requires_grad=True)
                (own * 3).sum().backward()
                assert (own.grad == 3).all()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []
    # Without retain_graph one sweep spends what the others need: they say so, or were first.
    y, outcomes = (w.exp() * w).sum(), []

    def spend():
        try:
            outcomes.append(wengert.autograd.grad(y, w)[0])
        except RuntimeError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    right = wengert.exp(w.detach()) * (1 + w.detach())
    assert len(outcomes) == 4 and all("second time" in o if isinstance(o, str) else wengert.allclose(o, right) for o in outcomes)
    usable()


BY_CONTENTS = {
    "gather": "x.gather(0, i)", "index": "x[i]", "index_select": "x.index_select(0, i)", "take": "wengert.take(x, i)", "one_hot": "nn.functional.one_hot(i, 3)",
    "scatter": "x.clone().scatter_(0, i, y)", "scatter_add": "x.clone().scatter_add_(0, i, y)", "scatter_reduce": "x.clone().scatter_reduce_(0, i, y, 'mean')",
    "index_add": "x.clone().index_add_(0, i, y)", "index_copy": "x.clone().index_copy_(0, i, y)", "index_fill": "x.clone().index_fill_(0, i, 2.0)",
    "index_put": "x.clone().index_put_((i,), y, accumulate=True)", "put": "x.clone().put_(i, y)", "expanded": "table.gather(0, i[:, None].expand(-1, 4))",
    "embedding": "nn.functional.embedding(i, table.requires_grad_()).sum().backward()", "part": "x.gather(0, i[:100])",
    "cross_entropy": "nn.functional.cross_entropy(rows.requires_grad_(), i).backward()", "nll_loss": "nn.functional.nll_loss(rows.requires_grad_(), i).backward()",
    "masked_select": "y.masked_select(m)", "masked": "y[m]", "nonzero": "m.nonzero()", "masked_scatter": "y.masked_scatter(m, y)",
    "max_pool": "nn.functional.max_unpool1d(y[None, ::2], i[None, ::2], 2)", "bincount": "i.clamp(max=1000).bincount()",
}


def test_indices_and_masks_written_while_operations_go_by_them():
    """They are checked, or counted, and read again: what another thread writes in between must not lead out of any memory."""
    run(f"""
        import threading, wengert
        from wengert import nn
        N = {2 * N}
        i, m = wengert.zeros(N, dtype=wengert.int64), wengert.zeros(N, dtype=wengert.bool)
        far, near, all_, none = wengert.full((N,), 10**11), wengert.zeros(N, dtype=wengert.int64), wengert.ones(N, dtype=wengert.bool), wengert.zeros(N, dtype=wengert.bool)
        x, y, table, rows = wengert.ones(1000), wengert.ones(N), wengert.ones(1000, 4), wengert.ones(N, 3)
        stop = threading.Event()
        def meddle():
            while not stop.is_set():
                i.copy_(far); m.copy_(all_)
                i.copy_(near); m.copy_(none)
        threads = [threading.Thread(target=meddle) for _ in range(2)]
        for t in threads:
            t.start()
        try:
            for text in {list(BY_CONTENTS.values())!r}:
                work = eval("lambda: " + text)
                for _ in range(150):
                    try:
                        work()
                    except (RuntimeError, IndexError, ValueError):
                        pass
        finally:
            stop.set()
            for t in threads:
                t.join()
        i.copy_(near)
        assert x.gather(0, i).sum().item() == N
    """)


@pytest.mark.parametrize("expand", [False, True])
def test_indices_are_the_same_beside_another_thread(expand):
    """Then operations go by copies of them: of all layouts."""
    i = wengert.arange(N // 4) * 7 % 1000
    x = wengert.linspace(0, 1, 4000).reshape(1000, 4)

    def results():
        index = i[:, None].expand(-1, 4) if expand else wengert.stack([i, i.flip(0), i, i]).t()
        mask = index[:, ::2].gt(500) if not expand else i.gt(500)[:, None].expand(-1, 4)[:, ::2]
        y = x.gather(0, index)
        return [y, x[i], x[index, 0], nn.functional.embedding(i, x), y[:, ::2].masked_select(mask), mask.nonzero(),
                wengert.zeros(1000, 4).scatter_add(0, index, y), y[:, ::2].masked_scatter(mask, y)]

    expected, stop = results(), threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        found = results()
    finally:
        stop.set()
        thread.join()
    assert all((a == b).all() for a, b in zip(expected, found))


def test_threads_draw_from_one_generator():
    """Each call draws a part of the stream that no other gets, whatever runs at once."""
    threads, rounds, n, stop, ready = 4, 12, 8 * N, threading.Event(), threading.Barrier(4)
    generator = wengert.Generator().manual_seed(7)
    expected = [wengert.rand(n, generator=generator) for _ in range(threads * rounds)] + [wengert.rand(4, generator=generator)]
    generator.manual_seed(7)
    drawn, states = [[] for _ in range(threads)], []

    def look():
        while not stop.is_set():
            states.append(generator.get_state())
            del states[:-100]

    def work(i):
        ready.wait()
        for _ in range(rounds):
            drawn[i].append(wengert.rand(n, generator=generator))

    looking = threading.Thread(target=look)
    looking.start()
    others = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
    for t in others:
        t.start()
    for t in others:
        t.join()
    stop.set()
    looking.join()

    def sums(parts):
        return sorted(tuple(p[:: n // 8].tolist()) + (p.double().sum().item(),) for p in parts)
    assert sums(sum(drawn, [])) == sums(expected[:-1])
    assert (wengert.rand(4, generator=generator) == expected[-1]).all()
    for state in states:
        wengert.Generator().set_state(state)


# ---- Ctrl-C ----

needs_signals = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")


@pytest.fixture
def ctrl_c():
    """SIGINT raises, also where the process began with it ignored, as a shell's background jobs do."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(work, after=0.05):
    """Does SIGINT, sent after so many seconds, arrive as KeyboardInterrupt?"""
    before = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, after)
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    usable()


def for_ever(step):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        step()


def test_interrupt_in_a_backward_hook(ctrl_c):
    x = wengert.ones(3, requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: signal.raise_signal(signal.SIGINT))
    loss = (y.exp() * x).sum()
    with pytest.raises(KeyboardInterrupt):
        loss.backward(retain_graph=True)
    y = x * 2
    x.grad = None
    (y.exp() * x).sum().backward()
    assert wengert.allclose(x.grad, wengert.full((3,), 3 * 7.389056))
    usable()


@needs_signals
@pytest.mark.parametrize("n", [4, N], ids=["small", "large"])
def test_interrupt_in_a_training_loop(n, ctrl_c):
    model = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 1))
    o = wengert.optim.Adam(model.parameters())
    x = wengert.ones(max(n // 16, 1), 16)

    def step():
        o.zero_grad()
        model(x).square().mean().backward()
        o.step()
    interrupted(lambda: for_ever(step))
    step()
    assert all(p.isfinite().all() for p in model.parameters())
    saved = {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(saved)


@needs_signals
def test_interrupt_in_modes_and_functions(ctrl_c):
    class Square(wengert.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            x, = ctx.saved_tensors
            return g * 2 * x

    x = wengert.ones(8, requires_grad=True)

    def step():
        with wengert.no_grad(), wengert.inference_mode():
            x.detach() * 2
        with wengert.enable_grad():
            Square.apply(x).sum().backward(create_graph=False)
    for i in range(5):
        interrupted(lambda: for_ever(step), 0.01 + 0.007 * i)


# ---- fork ----

def train(steps=3):
    """Some steps whose kernels are shared among threads; the bytes of the parameters behind them."""
    wengert.manual_seed(0)
    model = nn.Sequential(nn.Linear(128, 256), nn.GELU(), nn.Linear(256, 8))
    o = wengert.optim.AdamW(model.parameters(), lr=1e-2)
    x, t = wengert.randn(512, 128), wengert.randint(0, 8, (512,))
    for _ in range(steps):
        o.zero_grad()
        nn.functional.cross_entropy(model(x), t).backward()
        o.step()
    return b"".join(bytes(p.detach().numpy().tobytes()) for p in model.parameters())


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
alone = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def in_child(work):
    """Runs ``work`` in a forked child; fails if that does not return True within the limit."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    pytest.fail("the child hangs")


@pytest.fixture
def two_threads():
    before = wengert.get_num_threads()
    wengert.set_num_threads(2)
    yield
    wengert.set_num_threads(before)


@forks
@alone
def test_children_of_a_process_that_has_trained(two_threads):
    pytest.importorskip("numpy")
    expected = train()
    in_child(lambda: train() == expected)
    in_child(lambda: wengert.set_num_threads(3) or train() == expected)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert [r.get(timeout=SECONDS) for r in [pool.apply_async(train) for _ in range(3)]] == [expected] * 3
    assert train() == expected


@forks
@alone
def test_fork_while_other_threads_compute(two_threads):
    """The child has none of them: what they were about (kernels, the writing of a .grad) must not keep it waiting."""
    pytest.importorskip("numpy")
    expected = train()
    w, stop = wengert.ones(N, requires_grad=True), threading.Event()

    def compute():
        while not stop.is_set():
            (w * 2).exp().sum().backward()

    def child():
        w.grad = None
        (w * 2).sum().backward()
        w.data = wengert.zeros(N)
        return (w.grad == 2).all().item() and w.sum().item() == 0 and train() == expected

    threads = [threading.Thread(target=compute) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        for _ in range(10):
            in_child(child)
    finally:
        stop.set()
        for t in threads:
            t.join()
    usable()


# ---- the end ----

@pytest.mark.parametrize("n", [4, N], ids=["small", "large"])
@pytest.mark.parametrize("end", ["", "sys.exit(0)", "wengert.set_num_threads(2)", "atexit.register(lambda: (x.exp().sum().backward(), setattr(x, 'data', x * 2)))"])
def test_interpreter_ends_while_daemons_compute(n, end):
    run(f"""
        import atexit, sys, threading, time, wengert
        from wengert import nn
        x = wengert.ones({n}, requires_grad=True)
        started = [threading.Event() for _ in range(3)]
        def compute(event):
            while True:
                (x * 2).exp().sum().backward()
                x.data = wengert.ones({n})
                event.set()
        for event in started:
            threading.Thread(target=compute, args=(event,), daemon=True).start()
        for event in started:
            event.wait()
        {end}
    """)


def test_interpreter_ends_inside_a_hook_of_a_daemon():
    run("""
        import threading, time, wengert
        x = wengert.ones(3, requires_grad=True)
        inside = threading.Event()
        def hook(g):
            inside.set()
            time.sleep(100)
        def sweep():
            y = x * 2
            y.register_hook(hook)
            y.exp().sum().backward()
        threading.Thread(target=sweep, daemon=True).start()
        inside.wait()
        (x * 3).sum().backward()
        assert x.grad.tolist() == [3.0] * 3
    """)
