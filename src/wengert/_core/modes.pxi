# Grad mode, inference mode, and the other bits of the thread's mode word.

def is_grad_enabled():
    """Are operations recorded in this thread? (In inference mode they are not, whatever this says.)"""
    return not wg_mode & WG_MODE_NO_GRAD or bool(wg_mode & WG_MODE_GRAD_LATER)


def is_inference_mode_enabled():
    """Is inference mode on in this thread?"""
    return bool(wg_mode & WG_MODE_INFERENCE)


cdef extern from *:
    """
    static inline void set_mode_bits(uint32_t mask, uint32_t value) { wg_mode = (wg_mode & ~mask) | (value & mask); }
    """
    void set_mode_bits(uint32_t, uint32_t)


def _set_grad_enabled(bint enabled):
    """Sets grad mode of this thread; returns what it was."""
    before = is_grad_enabled()
    if wg_mode & WG_MODE_INFERENCE:
        set_mode_bits(WG_MODE_GRAD_LATER, WG_MODE_GRAD_LATER if enabled else 0)
    else:
        set_mode_bits(WG_MODE_NO_GRAD, 0 if enabled else WG_MODE_NO_GRAD)
    return before


def _set_inference_mode(bint enabled):
    """Sets inference mode (and with it no-grad) of this thread; returns the mode word to be given to
    `_restore_inference_mode`."""
    before = wg_mode
    if enabled:
        set_mode_bits(WG_MODE_INFERENCE | WG_MODE_NO_GRAD | WG_MODE_GRAD_LATER, WG_MODE_INFERENCE | WG_MODE_NO_GRAD)
    else:
        set_mode_bits(WG_MODE_INFERENCE | WG_MODE_NO_GRAD | WG_MODE_GRAD_LATER, 0)
    return before


def _restore_inference_mode(uint32_t mode):
    """Ends what `_set_inference_mode` began."""
    set_mode_bits(WG_MODE_INFERENCE | WG_MODE_NO_GRAD | WG_MODE_GRAD_LATER, mode)


def _mode_word():
    """The thread's mode bits, for tests."""
    return wg_mode


@cython.binding(False)
cdef class no_grad_guard:
    """The context manager behind `no_grad`, `enable_grad` and `set_grad_enabled`; re-entrant and cheap."""
    cdef bint enabled
    cdef list before

    def __init__(self, bint enabled):
        self.enabled = enabled
        self.before = []

    def __enter__(self):
        self.before.append(_set_grad_enabled(self.enabled))

    def __exit__(self, *exc):
        _set_grad_enabled(self.before.pop())


def _set_function_mode(bint value):
    """While true, every call goes to the override handler."""
    set_mode_bits(WG_MODE_FUNCTION, WG_MODE_FUNCTION if value else 0)
