"""The thread pool alone: every index once, whatever the cut; fork; competing callers; changes of the number of threads."""
import ctypes
import os
import subprocess
import sys
import threading

import pytest

from harness import CSRC, HERE, build, levels

FAR = 1e9       # nanoseconds an item: always worth sharing


@pytest.fixture(scope="module")
def pool():
    lib = build((str(CSRC / "wg_threads.c"), str(HERE / "thread_bodies.c")), levels()[0], ("-DWG_TEST_REAL_THREADS",))
    lib.wg_set_num_threads.argtypes = [ctypes.c_int64]
    lib.count_visits.argtypes = [ctypes.c_int64, ctypes.c_int64, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p]
    lib.count_visits.restype = ctypes.c_int64
    lib.nested_sum.restype = ctypes.c_int64
    lib.nested_sum.argtypes = [ctypes.c_int64, ctypes.c_int64]
    lib.sums.argtypes = [ctypes.c_int64, ctypes.c_int64]
    lib.sums.restype = ctypes.c_int64
    lib.threads_seen.argtypes = [ctypes.c_int64]
    yield lib
    lib.wg_set_num_threads(1)


def visit(pool, n, grain, cost=FAR):
    """Runs a loop; checks that every index was visited once; returns the set of ranges the body was given."""
    visits, begins = (ctypes.c_int32 * max(n, 1))(), (ctypes.c_int64 * max(n, 1))()
    calls = pool.count_visits(n, grain, cost, visits, begins)
    assert list(visits[:n]) == [1] * n
    return calls, tuple(begins[:n])


CUTS = [(0, 1), (1, 1), (2, 1), (63, 1), (64, 1), (65, 1), (1000, 7), (1000, 1000), (1000, 999), (1000, 5000), (12345, 64), (5, 0), (5, -3)]


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("n, grain", CUTS, ids=str)
def test_every_index_once_and_cut_by_n_and_grain_only(pool, threads, n, grain):
    pool.wg_set_num_threads(1)
    alone = visit(pool, n, grain)
    pool.wg_set_num_threads(threads)
    for _ in range(20):
        assert visit(pool, n, grain) == alone
    begins = alone[1]
    assert all(b % max(grain, 1) == 0 for b in begins)


def test_cheap_loops_run_at_once(pool):
    pool.wg_set_num_threads(2)
    assert visit(pool, 1000, 1, cost=1.0)[0] == 1
    assert visit(pool, 1000, 1, cost=10.0)[0] > 1


def test_a_loop_inside_a_body_runs_there(pool):
    pool.wg_set_num_threads(3)
    assert pool.nested_sum(40, 500) == sum(i * 500 + j for i in range(40) for j in range(500))


CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def helped(pool):
    """Whether a helper soon takes part: one that finds its core taken stays away for a while, but not for ever."""
    return any(pool.threads_seen(20) > 1 for _ in range(3000))


@pytest.mark.skipif(CORES < 2, reason="one core: helpers stay away")
def test_helpers_take_part(pool):
    pool.wg_set_num_threads(4)
    assert helped(pool)
    pool.wg_set_num_threads(1)
    assert pool.threads_seen(8) == 1


def test_many_loops_in_a_row(pool):
    """Late helpers must never touch a loop that is over."""
    for threads in (2, 4):
        pool.wg_set_num_threads(threads)
        assert pool.sums(20_000, 100) == 0


def test_several_callers(pool):
    pool.wg_set_num_threads(3)
    bad = []
    callers = [threading.Thread(target=lambda: bad.append(pool.sums(5_000, 333))) for _ in range(4)]
    for thread in callers:
        thread.start()
    for i in range(50):
        pool.wg_set_num_threads(1 + i % 4)
    for thread in callers:
        thread.join()
    assert bad == [0] * 4


def test_helpers_sleep_and_wake(pool):
    pool.wg_set_num_threads(2)
    for _ in range(30):
        assert pool.sums(3, 1000) == 0
        threading.Event().wait(0.002)       # longer than a helper spins


def test_number_of_threads(pool):
    pool.wg_set_num_threads(5)
    assert pool.wg_get_num_threads() == 5
    assert pool.wg_set_num_threads(0) == -1
    text = ctypes.c_char_p()
    assert pool.wg_error(ctypes.byref(text)) == 1 and text.value == b"set_num_threads expects a positive integer"
    assert pool.wg_get_num_threads() == 5
    pool.wg_set_num_threads(10**6)
    assert pool.wg_get_num_threads() == 256
    pool.wg_set_num_threads(1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fork(pool):
    """A child has no helpers of its parent; it starts its own, and so do its children."""
    pool.wg_set_num_threads(3)
    assert pool.sums(100, 100) == 0
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            pool.sums(50, 100)

    other = threading.Thread(target=busy)       # forks fall into the middle of its loops
    other.start()
    try:
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                code = 1
                try:
                    inner = os.fork()
                    ok = pool.sums(50, 100) == 0 and (not os.path.isdir("/proc/self/task") or len(os.listdir("/proc/self/task")) == 3)
                    if inner:
                        ok = ok and os.waitpid(inner, 0)[1] == 0
                    code = 0 if ok else 1
                finally:
                    os._exit(code)
            assert os.waitpid(pid, 0)[1] == 0
    finally:
        stop.set()
        other.join()
    assert pool.sums(100, 100) == 0


PRINT_DEFAULT = """
import ctypes, sys
print(ctypes.CDLL(sys.argv[1]).wg_get_num_threads())
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A build that stays on disk, for other processes."""
    target = tmp_path_factory.mktemp("threads") / "threads.so"
    cc = os.environ.get("CC", "cc").split()
    subprocess.run([*cc, "-std=gnu11", "-O2", "-fPIC", "-shared", f"-I{CSRC}", str(CSRC / "wg_threads.c"), str(CSRC / "wg_types.c"), str(CSRC / "wg_thread_state.c"),
                    "-o", str(target), "-lpthread"], check=True)
    return target


@pytest.mark.parametrize("variables, expected", [
    ({"WENGERT_NUM_THREADS": "3", "OMP_NUM_THREADS": "5"}, 3), ({"OMP_NUM_THREADS": "5"}, 5), ({"OMP_NUM_THREADS": "4,2"}, 4),
    ({"WENGERT_NUM_THREADS": "999"}, 256), ({"OMP_NUM_THREADS": "none"}, None), ({"OMP_NUM_THREADS": "0"}, None),
    ({"OMP_NUM_THREADS": "-2"}, None), ({"WENGERT_NUM_THREADS": ""}, None), ({}, None)], ids=str)
def test_default_number_of_threads(library, variables, expected):
    env = {k: v for k, v in os.environ.items() if k not in ("WENGERT_NUM_THREADS", "OMP_NUM_THREADS")} | variables
    found = int(subprocess.run([sys.executable, "-c", PRINT_DEFAULT, library], env=env, check=True, capture_output=True, text=True).stdout)
    if expected is None:
        assert 1 <= found <= (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    else:
        assert found == expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity")
def test_affinity_limits_the_default(library):
    env = {k: v for k, v in os.environ.items() if k not in ("WENGERT_NUM_THREADS", "OMP_NUM_THREADS")}
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})" + PRINT_DEFAULT
    assert subprocess.run([sys.executable, "-c", code, library], env=env, check=True, capture_output=True, text=True).stdout == "1\n"
