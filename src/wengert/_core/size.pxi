# Size: the shape of a tensor as a tuple (size_type.c).

cdef extern from "size_type.h":
    PyObject *wg_size_type() except NULL
    object wg_size_of(const int64_t *, int)

Size = <object>wg_size_type()


cdef inline object make_size(const wg_array *a):
    return wg_size_of(a.shape, a.ndim)
