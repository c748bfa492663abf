# __torch_function__: arguments whose class takes calls over.

cdef bint has_override(object o):
    """Does this argument, no Tensor, define __torch_function__? Looks inside lists, as PyTorch does."""
    if o is None or PyLong_Check(o) or PyFloat_Check(o) or PyUnicode_Check(o) or type(o) is dtype:
        return False
    if type(o) is list or type(o) is tuple:
        for item in o:
            if isinstance(item, Tensor):
                if not is_plain(item):
                    return True
            elif not PyLong_Check(item) and not isinstance(item, (list, tuple)) and has_override(item):
                return True
        return False
    return hasattr(type(o), "__torch_function__")


cdef object override_handler = None

def _set_override_handler(handler):
    """Installs overrides.handle: called with (function, args, kwargs) when an argument overrides __torch_function__."""
    global override_handler
    override_handler = handler


cdef object call_override(Op f, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames):
    positional = tuple([<object>args[i] for i in range(nargs)])
    keywords = {}
    if kwnames != NULL:
        for k in range(PyTuple_GET_SIZE_(<object>kwnames)):
            keywords[<object>PyTuple_GET_ITEM_(<object>kwnames, k)] = <object>args[nargs + k]
    return override_handler(f, positional, keywords)


def _call_plain(Op f not None, args, kwargs):
    """Runs an op with every Tensor subclass taken as a plain Tensor: what the default __torch_function__ does."""
    cdef tuple names = tuple(kwargs)
    cdef list values = list(args) + [kwargs[n] for n in names]
    cdef Py_ssize_t n = len(values), i
    cdef PyObject *pointers[64]
    cdef uint32_t mode = wg_mode
    if n > 64:
        raise TypeError(f"{f.name}() got {n} arguments")
    for i in range(n):
        pointers[i] = <PyObject *>values[i]
    set_mode_bits(WG_MODE_FUNCTION | WG_MODE_PLAIN, WG_MODE_PLAIN)
    try:
        return op_call(f, pointers, n - <Py_ssize_t>len(names), <PyObject *>names if names else NULL)
    finally:
        set_mode_bits(WG_MODE_FUNCTION | WG_MODE_PLAIN, mode)


def _as_subclass(Tensor t not None, cls):
    """The same value, history included, as an instance of ``cls``."""
    if not isinstance(cls, type) or not issubclass(cls, Tensor):
        raise TypeError(f"as_subclass(): {cls} is not a subclass of Tensor")
    cdef Tensor out = wg_handle_new_of(<PyTypeObject *>cls)
    check(wg_tensor_refresh(&t.t))
    wg_val_share(&out.t.v, &t.t.v)
    if t.t.group != NULL:
        out.t.group = t.t.group
        out.t.group.refs += 1
        out.t.generation = t.t.generation
        out.t.view_flags = t.t.view_flags
    return out
