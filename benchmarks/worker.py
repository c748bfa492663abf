"""One library in one process, told what to run line by line on standard input: run.py starts one for each library and
gives them turns, so that all meet the same noise and none shares threads, allocator or BLAS with another.

Requests and answers are one JSON object a line. Only one worker works at a time.
"""
import gc
import json
import sys
import timeit
import traceback
from time import perf_counter


def load(name, threads):
    """The module that workloads get as `lib`, and how to wait for a result."""
    if name == "jax":
        import jax_workloads
        return jax_workloads, jax_workloads.start(threads)
    if name == "openblas":
        import openblas_direct
        openblas_direct.load()
        return openblas_direct, openblas_direct.VERSION
    lib = __import__(name)
    import importlib
    for part in ("nn", "optim", "autograd", "nn.functional", "nn.utils"):
        importlib.import_module(f"{name}.{part}")
    lib.set_num_threads(threads)
    return lib, lib.__version__


def as_float(value):
    return float(value.detach() if hasattr(value, "detach") else value)


def best(run, seconds, ops):
    """The least time of one run, from batches of at least 0.2 ms, in nanoseconds an op."""
    number, total, least = 1, 0.0, float("inf")
    while total < seconds:
        elapsed = run(number)
        total += elapsed
        least = min(least, elapsed / number)
        if elapsed < 2e-4:
            number = max(2 * number, min(10 * number, int(2.5e-4 / max(elapsed / number, 1e-9))))
    return least * 1e9 / ops


class Worker:
    def __init__(self, name, threads):
        self.name = name
        self.lib, self.version = load(name, threads)
        self.run = None
        self.ops = 1

    def prepare_micro(self, name):
        """Compiles the statement, runs it once; the answer is the value to compare."""
        from micro import MICRO
        return self.prepare(MICRO[name])

    def prepare_sweep(self, name):
        """Likewise, a row of sweep.py."""
        import sweep
        return self.prepare((sweep.ROWS or sweep.fill())[name])

    def prepare(self, m):
        name, setup, statement, check = m.name, m.setup, m.statement, m.check
        if self.name in ("jax", "openblas"):
            if name not in self.lib.MICRO:
                return {"skip": "no counterpart"}
            setup, statement, check = self.lib.MICRO[name]
        self.restore()
        scope = {"lib": self.lib, "__name__": "micro"}
        exec(setup, scope)
        if check != "None":
            exec(statement, scope)
        value = eval(check, scope)
        timer = timeit.Timer(statement, globals=scope)
        self.run, self.ops = timer.timeit, m.ops
        return {"values": [] if value is None else [as_float(value)]}

    def prepare_workload(self, name):
        """Builds the workload; the answer is its first five losses."""
        from workloads import WORKLOADS
        from workloads.registry import missing
        self.restore()
        if self.name == "openblas" or (self.name == "jax" and name not in self.lib.WORKLOADS):
            return {"skip": "no counterpart"}
        if self.name == "jax":
            step = self.lib.WORKLOADS[name]()
        else:
            lacks = missing(self.lib, WORKLOADS[name].needs)
            if lacks:
                return {"skip": f"{self.name} has no {lacks} yet"}
            step = WORKLOADS[name].make(self.lib)
        losses = [as_float(step()) for _ in range(5)]
        wait = self.lib.wait if self.name == "jax" else None

        def run(number):
            start = perf_counter()
            for _ in range(number):
                loss = step()
            if wait:
                wait(loss)
            return perf_counter() - start
        self.run, self.ops = run, 1
        return {"values": losses}

    def restore(self):
        self.run = None
        if hasattr(self.lib, "set_grad_enabled"):
            self.lib.set_grad_enabled(True)
        gc.collect()

    def time(self, seconds):
        return {"ns": best(self.run, seconds, self.ops)}

    def peak(self, name, steps):
        """Kilobytes that a workload adds to what the library itself takes, at its highest."""
        import resource

        import numpy.random     # noqa: F401  the workloads draw their data with it; torch has loaded it, we have not
        from workloads import WORKLOADS  # noqa: F401
        before = rss()
        answer = self.prepare_workload(name)
        if "skip" in answer:
            return answer
        self.run(steps)
        return {"kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before}

    def growth(self, name, steps):
        """Kilobytes that this process grows by in `steps` rounds of a loop in memory.py, after a tenth of them."""
        import memory
        loop = memory.LOOPS[name].make(self.lib)
        loop(steps // 10)
        before = rss()
        start = perf_counter()
        loop(steps)
        return {"kb": rss() - before, "seconds": perf_counter() - start}


def rss():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4


def main():
    name, threads = sys.argv[1], int(sys.argv[2])
    answers = sys.stdout
    sys.stdout = sys.stderr                 # what a library prints must not meet the answers
    worker = Worker(name, threads)
    print(json.dumps({"version": worker.version}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:
            answer = {"skip": f"{type(error).__name__}: {error}".split("\n")[0], "trace": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
