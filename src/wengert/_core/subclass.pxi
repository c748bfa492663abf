# Subclasses of Tensor: which of them are plain, and how instances are made.

cdef dict plain_types = {}       # type -> True: results are plain Tensors and no __torch_function__ is called
cdef extern from "Python.h":
    PyTypeObject *Py_TYPE_ "Py_TYPE"(object)

cdef PyTypeObject *first_plain = NULL   # the first of them, Parameter: asked for in every call of a layer

def _register_plain_type(cls):
    """A subclass (Parameter, Buffer) whose operations are those of Tensor and return Tensors."""
    global first_plain
    if not plain_types:
        first_plain = <PyTypeObject *>cls
    plain_types[cls] = True
    wg_type_copy_numbers(<PyTypeObject *>cls)


cdef inline bint is_plain(object o):
    return type(o) is Tensor or Py_TYPE_(o) == first_plain or wg_mode & WG_MODE_PLAIN or type(o) in plain_types


def _set_subclasses_plain(bint value):
    """While true, no subclass's __torch_function__ is called in this thread. Returns what it was."""
    before = bool(wg_mode & WG_MODE_PLAIN)
    set_mode_bits(WG_MODE_PLAIN, WG_MODE_PLAIN if value else 0)
    return before


def _require_grad(Tensor t not None):
    """Makes a tensor that is just being made a leaf that requires grad; returns it."""
    if not WG_IS_FLOAT(t.t.v.a.dtype):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    set_requires_grad(t, True)
    return t


def _make_subclass(cls, Tensor data not None, bint require_grad=False):
    """An instance of ``cls``, a subclass of Tensor, on the memory of ``data``, without its history."""
    if not isinstance(cls, type) or not issubclass(cls, Tensor):
        raise TypeError(f"{cls} is not a subclass of Tensor")
    cdef Tensor out = wg_handle_new_of(<PyTypeObject *>cls)
    wg_val_share(&out.t.v, &data.t.v)
    wg_val_drop_edge(&out.t.v)
    if require_grad:
        _require_grad(out)
    return out
