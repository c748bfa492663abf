# Grad mode, inference mode, and the other bits of the thread's mode word.

cdef inline bint grad_enabled() noexcept:
    return not wg_mode & WG_MODE_NO_GRAD or wg_mode & WG_MODE_GRAD_LATER


cdef inline void set_grad_mode(bint enabled) noexcept:
    """Sets grad mode; inside inference mode, which overrules it, for later."""
    if wg_mode & WG_MODE_INFERENCE:
        set_mode_bits(WG_MODE_GRAD_LATER, WG_MODE_GRAD_LATER if enabled else 0)
    else:
        set_mode_bits(WG_MODE_NO_GRAD, 0 if enabled else WG_MODE_NO_GRAD)


def is_grad_enabled():
    """Are operations recorded in this thread? (In inference mode they are not, whatever this says.)"""
    return grad_enabled()


def is_inference_mode_enabled():
    """Is inference mode on in this thread?"""
    return bool(wg_mode & WG_MODE_INFERENCE)


cdef extern from *:
    """
    static inline void set_mode_bits(uint32_t mask, uint32_t value) { wg_mode = (wg_mode & ~mask) | (value & mask); }
    """
    void set_mode_bits(uint32_t, uint32_t) noexcept


def _mode_word():
    """The thread's mode bits, for tests."""
    return wg_mode


def _set_function_mode(bint value):
    """While true, every call goes to the override handler."""
    set_mode_bits(WG_MODE_FUNCTION, WG_MODE_FUNCTION if value else 0)


def _set_random_refused(bint value):
    """While true, drawing random numbers raises in this thread; returns what it was."""
    was = bool(wg_mode & WG_MODE_NO_RANDOM)
    set_mode_bits(WG_MODE_NO_RANDOM, WG_MODE_NO_RANDOM if value else 0)
    return was


# ---- no_grad and its siblings ----

cdef enum:
    INFERENCE_BITS = WG_MODE_INFERENCE | WG_MODE_NO_GRAD | WG_MODE_GRAD_LATER

cdef extern from "tensor_type.h":
    void wg_type_constructor(PyTypeObject *, vectorcallfunc)

cdef object decorate_with = None

def _set_mode_decorator(function):
    """What calling a mode does: function(mode, callable) gives a callable that runs in a fresh mode of that kind."""
    global decorate_with
    decorate_with = function


@cython.binding(False)
cdef class Mode:
    """A mode that holds inside a ``with`` block; afterwards it is what it was. Blocks of one object nest."""
    cdef bint inference                  # it is inference mode that is set, else grad mode
    cdef bint value
    cdef uint32_t few[6]
    cdef uint32_t *before                # what the mode was, innermost last, beyond those in `few`
    cdef int depth, room

    def __dealloc__(self):
        free(self.before)

    cdef int push(self) except -1:
        cdef uint32_t *larger
        cdef uint32_t was = wg_mode & INFERENCE_BITS if self.inference else grad_enabled()
        if self.depth >= 6 and self.depth - 6 >= self.room:
            larger = <uint32_t *>realloc(self.before, 2 * (self.room + 8) * sizeof(uint32_t))
            if larger == NULL:
                raise MemoryError()
            self.before = larger
            self.room = 2 * (self.room + 8)
        if self.depth < 6:
            self.few[self.depth] = was
        else:
            self.before[self.depth - 6] = was
        self.depth += 1
        if self.inference:
            set_mode_bits(INFERENCE_BITS, WG_MODE_INFERENCE | WG_MODE_NO_GRAD if self.value else 0)
        else:
            set_grad_mode(self.value)
        return 0

    cdef int pop(self) except -1:
        cdef uint32_t was
        if self.depth == 0:
            raise RuntimeError(f"{type(self).__name__} was left more often than entered")
        self.depth -= 1
        was = self.few[self.depth] if self.depth < 6 else self.before[self.depth - 6]
        if self.inference:
            set_mode_bits(INFERENCE_BITS, was)
        else:
            set_grad_mode(was)
        return 0

    def __enter__(self):
        self.push()

    def __exit__(self, kind=None, error=None, traceback=None):
        self.pop()

    def __call__(self, function):
        """A function that runs in this mode; a generator keeps it between yields."""
        return decorate_with(self, function)

    def _fresh(self):
        """Another such object."""
        return type(self)()


@cython.binding(False)
cdef class no_grad(Mode):
    """Nothing inside is recorded. A context manager, and a decorator."""


@cython.binding(False)
cdef class enable_grad(Mode):
    """Recording is on inside, also within `no_grad`. A context manager, and a decorator."""

    def __cinit__(self):
        self.value = True


@cython.binding(False)
cdef class set_grad_enabled(Mode):
    """Turns recording on or off: at once when called as a function, for a block when used with ``with``."""

    def __cinit__(self, mode):
        self.value = bool(mode)
        self.push()

    def __enter__(self):
        if self.depth == 0:
            self.push()

    def __call__(self, function):
        """As a decorator the mode holds only inside calls."""
        self.pop()
        return decorate_with(self, function)

    def _fresh(self):
        return type(self)(self.value)


@cython.binding(False)
cdef class inference_mode(Mode):
    """As `no_grad`, and what is computed inside may never be recorded later.

    Args:
        mode: True, or False to turn it off inside.
    """

    def __cinit__(self, mode=True):
        self.inference = True
        self.value = bool(mode)

    def _fresh(self):
        return type(self)(self.value)


cdef object mode_vectorcall(object cls, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    """no_grad(), and @no_grad without parentheses: a callable argument is decorated."""
    cdef Py_ssize_t n = PyVectorcall_NARGS(nargsf)
    if n == 1 and kwnames == NULL and cls is not set_grad_enabled and callable(<object>args[0]):
        return decorate_with(cls.__new__(cls), <object>args[0])
    if kwnames == NULL and n == 0:
        if cls is no_grad:
            return no_grad.__new__(no_grad)
        if cls is enable_grad:
            return enable_grad.__new__(enable_grad)
        if cls is inference_mode:
            return inference_mode.__new__(inference_mode)
    if kwnames == NULL and n == 1 and cls is set_grad_enabled:
        return set_grad_enabled.__new__(set_grad_enabled, <object>args[0])
    return cls.__new__(cls, *[<object>args[i] for i in range(n)],
                       **({} if kwnames == NULL else {name: <object>args[n + i] for i, name in enumerate(<object>kwnames)}))


wg_type_constructor(<PyTypeObject *>no_grad, mode_vectorcall)
wg_type_constructor(<PyTypeObject *>enable_grad, mode_vectorcall)
wg_type_constructor(<PyTypeObject *>set_grad_enabled, mode_vectorcall)
wg_type_constructor(<PyTypeObject *>inference_mode, mode_vectorcall)
