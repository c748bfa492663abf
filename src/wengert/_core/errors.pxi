# The runtime's error slot, turned into Python exceptions.

cdef int fail() except -1:
    """Raises what the runtime reported."""
    cdef const char *message = NULL
    cdef wg_error_kind kind = wg_error(&message)
    if kind == WG_PYTHON_ERROR:
        wg_error_clear()
        raise_pending()
    text = message.decode("utf-8", "replace")
    wg_error_clear()
    if kind == WG_TYPE_ERROR:
        raise TypeError(text)
    if kind == WG_VALUE_ERROR:
        raise ValueError(text)
    if kind == WG_INDEX_ERROR:
        raise IndexError(text)
    if kind == WG_MEMORY_ERROR:
        raise MemoryError(text)
    if kind == WG_NOT_IMPLEMENTED:
        raise NotImplementedError(text)
    raise RuntimeError(text)


cdef extern from *:
    """
    #include "wg_thread_state.h"
    static __thread PyObject *wg_pending;                    /* of this thread; owned */
    static PyObject *swap_pending(PyObject *error) { PyObject *before = wg_pending; wg_pending = error; return before; }
    static int have_error(void) { return wg_thread_state_get()->error_kind != WG_OK; }
    static void keep_error(wg_error_kind *kind, char *text) {
        const wg_thread_state *state = wg_thread_state_get();
        *kind = state->error_kind;
        memcpy(text, state->error_text, sizeof state->error_text);
    }
    enum { WG_ERROR_BYTES = sizeof ((wg_thread_state *)0)->error_text };
    """
    PyObject *swap_pending(PyObject *) noexcept
    bint have_error() noexcept
    void keep_error(wg_error_kind *, char *) noexcept
    enum:
        WG_ERROR_BYTES


cdef int raise_pending() except -1:
    """A Python callback failed inside the runtime; its exception was kept aside."""
    cdef PyObject *kept = swap_pending(NULL)
    error = <object>kept
    Py_DECREF(error)
    raise error


cdef int keep_pending(object error, const char *what) noexcept:
    """Keeps the exception of a callback for `raise_pending`, in this thread; returns what the runtime is to see."""
    Py_INCREF(error)
    Py_XDECREF(swap_pending(<PyObject *>error))
    return wg_fail(WG_PYTHON_ERROR, b"%s", what)


cdef void let_go(PyObject *o) noexcept:
    """Drops a reference that the runtime held.

    Note [Errors and finalizers]
    What fails drops what it had begun, and that may run any Python, operations that fail included. The error on its way, and
    the exception kept for it, are put aside meanwhile.
    """
    cdef wg_error_kind kind
    cdef char text[WG_ERROR_BYTES]
    cdef PyObject *kept
    if not have_error():
        Py_DECREF(<object>o)
        return
    keep_error(&kind, text)
    kept = swap_pending(NULL)
    Py_DECREF(<object>o)
    Py_XDECREF(swap_pending(kept))
    wg_fail(kind, b"%s", text)


cdef extern from "wg_types.h":
    int (*wg_warn_hook)(const char *) noexcept

cdef int warn_user(const char *text) noexcept:
    """A warning of the runtime, given at the line that called the operation."""
    import warnings
    try:
        warnings.warn(text.decode(), UserWarning, stacklevel=2)
    except BaseException as raised:                        # a filter turned it into an error, or showwarning failed
        return keep_pending(raised, b"a warning was raised")
    return 0

wg_warn_hook = warn_user


cdef inline int check(int status) except -1:
    if status < 0:
        return fail()
    return 0
