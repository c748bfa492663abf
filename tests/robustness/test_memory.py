"""Every allocation of a training step fails once: out_of_memory.py, in processes of its own. And what the system refuses."""
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig

import pytest

import wengert
from wengert import _core

HERE = pathlib.Path(__file__).parent
pytestmark = pytest.mark.skipif(sys.platform != "linux" or bool(os.environ.get("LD_PRELOAD")), reason="replaces malloc of glibc, as the sanitizer does")


def environment(**more):
    return dict(os.environ, PYTHONPATH=os.pathsep.join([str(pathlib.Path(wengert.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]), **more)


def run(env, names=()):
    result = subprocess.run([sys.executable, str(HERE / "out_of_memory.py"), *names], env=env, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


def test_allocations_of_the_core(tmp_path):
    compiler = shutil.which((os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[-1]) or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    library = tmp_path / "failing_malloc.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "failing_malloc.c")], check=True)
    probe = subprocess.run([sys.executable, "-c", "import ctypes; ctypes.CDLL(None).failing_malloc_asked"], env=environment(LD_PRELOAD=str(library)))
    if probe.returncode:
        pytest.skip("no glibc")
    report = run(environment(LD_PRELOAD=str(library), FAIL="core"), ["adam", "views", "indexing", "higher", "functions", "wide", "outside"])
    assert "adam" in report and "WRONG" not in report


def test_allocations_of_python():
    pytest.importorskip("_testcapi")
    run(environment(FAIL="python"), ["functions"])


def test_more_than_the_process_may_have():
    program = """
import resource
import wengert
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
w = wengert.ones(1000, requires_grad=True)
held = []
try:
    while True:
        held.append(w * 2 + wengert.ones(100000, 1))
except MemoryError:
    pass
n = len(held)
try:
    held[0].sum().backward()
except MemoryError:
    pass
w.grad = None
del held
for _ in range(3):
    y = (w * 2 + wengert.ones(1000, 1)).sum()
    y.backward()
assert w.grad.tolist() == [6000.0] * 1000
print("all well")
"""
    result = subprocess.run([sys.executable, "-c", program], env=environment(), capture_output=True, text=True, timeout=300)
    assert result.stdout == "all well\n", result.stderr


def counters():
    stats = _core.memory_stats()
    return [stats[k] for k in ("live_storages", "live_bytes", "imported", "records", "leaves")]


class Bad(wengert.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g, g


class Raises(Bad):
    @staticmethod
    def backward(ctx, g):
        raise KeyError("hostile")


class Misshapen(Bad):
    @staticmethod
    def backward(ctx, g):
        return wengert.ones(7)


def hooked(result):
    y = wengert.ones(3, requires_grad=True).exp()
    y.register_hook(lambda g: result())
    return y.sum()


def spent():
    y = wengert.ones(3, requires_grad=True).exp().sum()
    y.backward()
    return y


def stale():
    x = wengert.ones(3, requires_grad=True) * 1
    y = x.exp()
    y.add_(1)
    return y.sum()


FAILING = {
    "shapes": lambda: wengert.ones(2, requires_grad=True) + wengert.ones(3), "matmul": lambda: wengert.ones(2, 3, requires_grad=True) @ wengert.ones(2, 3),
    "index": lambda: wengert.ones(3)[5], "index tensor": lambda: wengert.ones(3, requires_grad=True)[wengert.tensor([5])],
    "set item": lambda: wengert.ones(3).__setitem__(slice(0, 2), wengert.ones(3)), "types": lambda: wengert.ones(3).add("x"),
    "keyword": lambda: wengert.ones(3).sum(dims=1), "size": lambda: wengert.zeros(2 ** 50), "view": lambda: wengert.ones(3, requires_grad=True).exp().view(2),
    "list": lambda: wengert.tensor([1.0, "x"]), "ragged": lambda: wengert.tensor([[1], [1, 2]]), "cat": lambda: wengert.cat([wengert.ones(2), wengert.ones(2, 2)]),
    "split": lambda: wengert.ones(3, requires_grad=True).exp().split([1, 1]), "out": lambda: wengert.add(wengert.ones(3), 1, out=3),
    "in place": lambda: wengert.ones(3, requires_grad=True).add_(1), "twice": lambda: spent().backward(), "stale": lambda: stale().backward(),
    "hook raises": lambda: hooked(lambda: 1 / 0).backward(), "hook shape": lambda: hooked(lambda: wengert.ones(7)).backward(),
    "hook type": lambda: hooked(lambda: 5).backward(), "count": lambda: Bad.apply(wengert.ones(3, requires_grad=True)).sum().backward(),
    "function raises": lambda: Raises.apply(wengert.ones(3, requires_grad=True)).sum().backward(),
    "function shape": lambda: Misshapen.apply(wengert.ones(3, requires_grad=True)).sum().backward(),
    "unused": lambda: wengert.autograd.grad(wengert.ones(3, requires_grad=True).sum(), wengert.ones(3, requires_grad=True)),
    "gradient": lambda: wengert.ones(3, requires_grad=True).exp().backward(wengert.ones(2)), "buffer": lambda: wengert.frombuffer(b"123", dtype=wengert.float32),
    "state": lambda: wengert.Generator().set_state(wengert.zeros(5056, dtype=wengert.uint8)), "loss": lambda: wengert.nn.functional.cross_entropy(
        wengert.ones(2, 3, requires_grad=True), wengert.tensor([0, 7])), "layer": lambda: wengert.nn.Linear(3, 2)(wengert.ones(4)),
    "optimizer": lambda: wengert.optim.SGD([wengert.ones(3, requires_grad=True)], lr=-1)}


@pytest.mark.engine
@pytest.mark.parametrize("name", FAILING)
def test_failing_calls_leave_nothing_behind(name):
    def fail(times):
        for _ in range(times):
            try:
                FAILING[name]()
            except (ArithmeticError, BufferError, LookupError, MemoryError, RuntimeError, TypeError, ValueError):
                continue
            raise AssertionError("it did not fail")

    import gc
    fail(50)
    gc.collect()
    before, objects = counters(), len(gc.get_objects())
    fail(10_000)
    gc.collect()
    assert counters() == before and len(gc.get_objects()) < objects + 100
