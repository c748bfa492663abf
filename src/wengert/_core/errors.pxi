# The runtime's error slot, turned into Python exceptions.

cdef int fail() except -1:
    """Raises what the runtime reported."""
    cdef const char *message = NULL
    cdef wg_error_kind kind = wg_error(&message)
    if kind == WG_PYTHON_ERROR:
        raise_pending()
    text = message.decode("utf-8", "replace")
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


cdef int raise_pending() except -1:
    """A Python callback failed inside the runtime; its exception was kept aside."""
    global pending_exception
    error, pending_exception = pending_exception, None
    raise error

cdef object pending_exception = None


cdef extern from "wg_types.h":
    int (*wg_warn_hook)(const char *) noexcept

cdef int warn_user(const char *text) noexcept:
    """A warning of the runtime, given at the line that called the operation."""
    global pending_exception
    import warnings
    try:
        warnings.warn(text.decode(), UserWarning, stacklevel=2)
    except BaseException as raised:                        # a filter turned it into an error, or showwarning failed
        pending_exception = raised
        return wg_fail(WG_PYTHON_ERROR, b"a warning was raised")
    return 0

wg_warn_hook = warn_user


cdef inline int check(int status) except -1:
    if status < 0:
        return fail()
    return 0
