# What runs: kernels, threads, memory. And the start of the runtime.

cdef extern from *:
    """
    static PyThreadState *wg_saved_state(void) { return PyEval_SaveThread(); }
    static void *wg_unlock_gil(void) { return (void *)wg_saved_state(); }
    static void wg_relock_gil(void *token) { PyEval_RestoreThread((PyThreadState *)token); }
    #include "wg_launch.h"
    static void install_lock(void) { wg_unlock = wg_unlock_gil; wg_relock = wg_relock_gil; }
    """
    void install_lock()

cdef extern from "wg_threads.h" nogil:
    int wg_get_num_threads()
    int wg_set_num_threads(int)

check(wg_isa_init())
install_lock()


def isa_level():
    """The instruction-set level whose kernels run: "v2", "v3", "v4" or "base"."""
    return wg_isa.name.decode()


def get_num_threads():
    """Threads that a large kernel may use."""
    return wg_get_num_threads()


def set_num_threads(int n):
    """Sets how many threads a large kernel may use; results do not depend on it.

    Raises:
        RuntimeError: ``n`` is not positive.
    """
    if n <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    check(wg_set_num_threads(n))


def memory_stats():
    """Counters of the pool and the tape, as a dict: bytes live and cached, storages, records, chunks."""
    return {"live_bytes": wg_pool.live_bytes, "cached_bytes": wg_pool.cached_bytes, "peak_bytes": wg_pool.peak_bytes,
            "live_storages": wg_pool.live_storages, "system_allocations": wg_pool.system_allocations, "imported": wg_pool.imported,
            "records": wg_tape.records, "chunks": wg_tape.chunks, "free_chunks": wg_tape.free_chunks, "blocks": wg_tape.blocks,
            "leaves": wg_tape.leaves}


def empty_cache():
    """Gives cached memory back to the system."""
    wg_pool_trim()
