# What runs: kernels, threads, memory. And the start of the runtime.

cdef extern from *:
    """
    static PyThreadState *wg_saved_state(void) { return PyEval_SaveThread(); }
    static void *wg_unlock_gil(void) { return (void *)wg_saved_state(); }
    static void wg_relock_gil(void *token) { PyEval_RestoreThread((PyThreadState *)token); }
    #include "wg_launch.h"
    #if PY_VERSION_HEX >= 0x030d0000
    static int wg_python_ending(void) { return Py_IsFinalizing(); }
    #else
    static int wg_python_ending(void) { return _Py_IsFinalizing(); }
    #endif
    static int wg_only_thread(void) { return PyThreadState_Next(PyInterpreterState_ThreadHead(PyInterpreterState_Get())) == NULL; }
    static int install_lock(void) { return wg_launch_init(wg_unlock_gil, wg_relock_gil, wg_python_ending, wg_only_thread); }
    """
    int install_lock()
    int wg_python_ending()

cdef extern from "wg_threads.h" nogil:
    int wg_get_num_threads()
    int wg_set_num_threads(int)

cdef extern from "wg_isa.h" nogil:
    void wg_isa_list(char *, size_t)

cdef extern from "wg_blas.h" nogil:
    ctypedef struct wg_blas:
        pass
    ctypedef struct wg_blas_info:
        const char *path
        const char *config
        const char *version
        const char *corename
        const char *forced_by
        const char *forced_value
        int threads
        int tested
    wg_blas_info wg_blas_get_info()
    const wg_blas *wg_blas_get()

check(wg_isa_init())
check(wg_flat_init())
check(install_lock())


def isa_level():
    """The instruction-set level whose kernels run: "v2", "v3", "v4" or "base"."""
    return wg_isa.name.decode()


def isa_levels():
    """The levels of this build that this machine has, oldest first."""
    cdef char text[128]
    wg_isa_list(text, sizeof(text))
    return text.decode().split(", ")


def blas_info():
    """Which BLAS is loaded and which of its kernels run; loads it."""
    cdef wg_blas_info info
    if wg_blas_get() == NULL:
        fail()
    info = wg_blas_get_info()
    return {"path": info.path.decode(), "config": info.config.decode(), "version": info.version.decode(), "corename": info.corename.decode(),
            "forced_by": info.forced_by.decode(), "forced_value": info.forced_value.decode(), "threads": info.threads, "tested": info.tested}


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
    cdef int64_t live_bytes, live_storages, cached_bytes
    wg_pool_count(&live_bytes, &live_storages, &cached_bytes)
    return {"live_bytes": live_bytes, "cached_bytes": cached_bytes, "live_storages": live_storages, "system_allocations": wg_pool.system_allocations,
            "imported": wg_pool.imported,
            "records": wg_tape.records, "chunks": wg_tape.chunks, "free_chunks": wg_tape.free_chunks, "blocks": wg_tape.blocks,
            "leaves": wg_tape.leaves}


def check_room(n, what, limit=1 << 25):
    """Refuses at once to make what could only fill the memory: ``n`` Python objects.

    Raises:
        MemoryError: ``n`` > ``limit``.
    """
    if n > limit:
        raise MemoryError(f"can't allocate memory for {n} {what}")
    return n


def empty_cache():
    """Gives cached memory back to the system."""
    wg_pool_trim()


# ---- programs: launches written down and run again ----

cdef extern from "wg_program.h" nogil:
    ctypedef struct wg_program:
        pass
    wg_program *wg_program_begin()
    void wg_program_end(wg_program *)
    void wg_program_free(wg_program *)
    int wg_program_replay(wg_program *, int)
    int64_t wg_program_buffer(const wg_program *, const wg_array *, int64_t *)
    const char *wg_program_data(const wg_program *, int64_t)
    int64_t wg_program_launches(const wg_program *)


@cython.binding(False)
cdef class Program:
    """The launches of what runs inside ``with program:``, to be run again in C by `replay`."""
    cdef wg_program *p
    cdef dict watched

    def __enter__(self):
        if self.p != NULL:
            raise RuntimeError("a program captures once")
        self.p = wg_program_begin()
        if self.p == NULL:
            fail()
        self.watched = {}
        return self

    def watch(self, name, Tensor t not None):
        """Remembers, before the capture ends, where ``t`` lies, so that `read` can give its value after a replay."""
        cdef int64_t offset, i
        if self.p == NULL:
            raise RuntimeError("nothing was captured")
        i = wg_program_buffer(self.p, &t.t.v.a, &offset)
        if i < 0:
            raise ValueError("no launch of this program touched that tensor")
        if not t.t.v.a.contiguous:
            raise ValueError("only contiguous tensors can be watched")
        self.watched[name] = (i, offset, tuple(shape_of(t)), t.dtype)

    def __exit__(self, *exc):
        if self.p != NULL:
            wg_program_end(self.p)

    def __len__(self):
        return wg_program_launches(self.p) if self.p != NULL else 0

    def replay(self, bint poison=False):
        """Runs the launches on what the buffers hold now; ``poison`` fills internal memory with garbage first."""
        if self.p == NULL:
            raise RuntimeError("nothing was captured")
        check(wg_program_replay(self.p, poison))

    def read(self, name):
        """A copy of a watched tensor after the last replay."""
        cdef Tensor out
        cdef const char *data
        if self.p == NULL:
            raise RuntimeError("nothing was captured")
        i, offset, shape, dt = self.watched[name]
        data = wg_program_data(self.p, i)
        if data == NULL:
            raise RuntimeError("replay first")
        out = empty(shape, dt)
        memcpy(out.t.v.a.data, data + <int64_t>offset, out.t.v.a.numel * wg_itemsize[out.t.v.a.dtype])
        return out

    def __dealloc__(self):
        wg_program_free(self.p)
