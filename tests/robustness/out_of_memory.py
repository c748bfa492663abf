"""Runs each workload with allocations failing from the 1st, 2nd, ... on, each time in a forked child: ``python out_of_memory.py [NAME]``.

With failing_malloc.so preloaded, allocations of the compiled core fail (FAIL=core); else, by CPython's own test hook, those
of Python objects (FAIL=python).

A failure must come out as MemoryError, leave parameters as they were, give back all memory, and leave the same computation
possible, with the same result.
"""
import ctypes
import gc
import os
import sys
import traceback

import wengert
from wengert import _core, nn
from wengert.nn import functional as F

MOST = 1000


def mlp(optimizer):
    def build():
        wengert.manual_seed(0)
        model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.LayerNorm(7), nn.Linear(7, 3))
        x, y = wengert.randn(6, 5), wengert.tensor([0, 1, 2, 0, 1, 2])
        step = optimizer(model.parameters())

        def run():
            step.zero_grad()
            F.cross_entropy(model(x), y).backward()
            before = [p.tolist() for p in model.parameters()]
            try:
                step.step()
            except MemoryError:
                assert [p.tolist() for p in model.parameters()] == before, "a failed step changed parameters"
                raise
            return [p.tolist() for p in model.parameters()]

        start = [p.detach().clone() for p in model.parameters()]

        def clean():
            step.zero_grad()
            step.state.clear()
            for p, old in zip(model.parameters(), start):
                p.data.copy_(old)
        return run, clean
    return build


def of(function):
    return lambda: (function, lambda: None)


def views():
    x = wengert.arange(24.).reshape(4, 6).requires_grad_()
    y = x * 1
    y[1:3, ::2] = wengert.ones(2, 3)
    y.t()[2].mul_(3)
    a, b = y.split(3, 1)
    wengert.cat([a, b.flip(0)], 1).pow(2).sum().backward()
    return x.grad.tolist()


def indexing():
    x = wengert.arange(24.).reshape(4, 6).requires_grad_()
    i = wengert.tensor([0, 2, 2])
    y = x[i] * x[:, [1, 3]].sum() + x[x > 5].mean() + x.sort(1)[0][0, 0] + x.gather(1, i.reshape(3, 1)).sum() + F.embedding(i, x).sum()
    z = x.clone()
    z[i] = 1.5
    z.index_put_((i, i), wengert.ones(3), accumulate=True)
    (y.sum() + z.sum()).backward()
    return x.grad.tolist()


def higher():
    x = wengert.tensor([0.5, -1.5], requires_grad=True)
    y = (x.exp() * x.sin()).sum() + (x @ x)
    g, = wengert.autograd.grad(y, x, create_graph=True)
    h, = wengert.autograd.grad(g.sum(), x, create_graph=True)
    h.sum().backward()
    return x.grad.tolist()


class Twice(wengert.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 2 + 0 * ctx.saved_tensors[0]


class Seen(list):
    """A hook that notes what it gets. No lambda: CPython 3.12 frees the code of a function twice that it cannot make."""

    def __call__(self, t):
        self.append(t.tolist())


def functions():
    x = wengert.ones(3, requires_grad=True)
    seen = Seen()
    y = Twice.apply(x * 1)
    y.register_hook(seen)
    y.retain_grad()
    x.register_post_accumulate_grad_hook(seen)
    (y * y).sum().backward()
    return x.grad.tolist(), y.grad.tolist(), list(seen)


def wide():
    xs = [wengert.ones(2, requires_grad=True) for _ in range(20)]
    y = wengert.stack(xs)
    for part in y.unbind():
        part.sum().backward(retain_graph=True)
    return [x.grad.tolist() for x in xs]


def large():
    x = wengert.ones(300, 200, requires_grad=True)
    y = (x @ wengert.ones(200, 50)).softmax(1).log().mean() + x.t().contiguous().cumsum(0).var() + x.sum(0).prod() + x.median()
    y.backward()
    return x.grad[7].tolist()


def outside():
    x = wengert.tensor([[1, 2], [3, 4]], dtype=wengert.float64)
    y = wengert.from_dlpack(x)
    z = _core.from_buffer_object(bytearray(16))
    return x.tolist(), y.sum().item(), memoryview(z).nbytes, repr(x), wengert.randn(3).numel()


def lstm():
    wengert.manual_seed(1)
    net, x = nn.LSTM(3, 4, 2, bidirectional=True), wengert.randn(5, 2, 3)

    def run():
        net.zero_grad()
        y, _ = net(x)
        y.pow(2).sum().backward()
        return [p.grad.tolist() for p in net.parameters()]
    return run, net.zero_grad


WORKLOADS = {
    "adam": mlp(lambda p: wengert.optim.Adam(p, lr=0.1, amsgrad=True)), "sgd": mlp(lambda p: wengert.optim.SGD(p, lr=0.1, momentum=0.9)),
    "rmsprop": mlp(lambda p: wengert.optim.RMSprop(p, centered=True)), "views": of(views), "indexing": of(indexing), "higher": of(higher),
    "functions": of(functions), "wide": of(wide), "large": of(large), "outside": of(outside), "lstm": lstm}


def counters():
    gc.collect()
    stats = _core.memory_stats()
    return [stats[k] for k in ("live_storages", "live_bytes", "imported", "records", "leaves")]


class Core:
    """Failing allocations of the compiled core."""
    complete = True

    def __init__(self):
        self.library = ctypes.CDLL(None)
        with open("/proc/self/maps") as maps:
            ends = [line.split()[0].split("-") for line in maps if os.path.basename(_core._core.__file__ if hasattr(_core, "_core") else _core.__file__) in line]
        self.library.failing_malloc_watch.argtypes = [ctypes.c_size_t] * 2
        self.library.failing_malloc_watch(min(int(a, 16) for a, _ in ends), max(int(b, 16) for _, b in ends))

    def arm(self, k):
        self.library.failing_malloc_arm(k)

    def disarm(self):
        self.library.failing_malloc_arm(-1)

    def reached(self, k):
        return self.library.failing_malloc_asked() > k


class Python:
    """Failing allocations of Python objects, one at a time: without any, the interpreter could not raise."""
    complete = False

    def __init__(self):
        import _testcapi
        self.capi = _testcapi

    def arm(self, k):
        self.capi.set_nomemory(k, k + 1)

    def disarm(self):
        self.capi.remove_mem_hooks()

    def reached(self, k):
        return True


def child(build, failing, k):
    """0: the allocation failed and all was well; 3: there was none."""
    wengert.manual_seed(0)
    gc.collect()
    before = counters()
    run, clean = build()
    clean()
    _core.empty_cache()
    gc.disable()
    raised = None
    failing.arm(k)
    try:
        run()
    except MemoryError as error:
        raised = traceback.extract_tb(error.__traceback__)[-1]
    finally:
        reached = failing.reached(k)
        failing.disarm()
    assert _core._mode_word() == 0, "a mode stayed switched"
    clean()
    result, again = run(), build()[0]()
    assert result == again, f"{result} is not {again}"
    del run, clean
    after = counters()
    if failing.complete:                                     # CPython itself loses references where it cannot make a frame
        assert before == after, f"{before} became {after}; raised in {raised}"
    return 0 if raised else 4 if reached else 3


def main(names):
    failing = Core() if os.environ.get("FAIL") == "core" else Python()
    bad = 0
    for name in names or WORKLOADS:
        unnoticed = []
        for k in range(MOST):
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    status = child(WORKLOADS[name], failing, k)
                except BaseException as error:
                    failing.disarm()
                    traceback.print_exception(error)
                    sys.stderr.flush()
                finally:
                    os._exit(status)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            if code == 3 or unnoticed[-20:] == list(range(k - 20, k)):
                break
            if code == 4:
                unnoticed.append(k)
            elif code:
                bad += 1
                print(f"WRONG {name}: allocation {k}: exit code {code}", flush=True)
        print(f"{name}: {k} allocations; failures without effect: {unnoticed}", flush=True)
        assert k > 1, "nothing failed: the check is broken"
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
