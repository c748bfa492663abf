# Size: the shape of a tensor as a tuple.

cdef object SizeType = tuple

def _set_size_type(cls):
    global SizeType
    SizeType = cls

cdef extern from *:
    """
    /* As tuple's own constructor does for a subclass, without a tuple in between. */
    static PyObject *wg_size_new(PyObject *type, const int64_t *shape, int n) {
        PyObject *self = ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, n);
        for (int i = 0; self && i < n; i++) {
            PyObject *size = PyLong_FromLongLong(shape[i]);
            if (size == NULL) { Py_CLEAR(self); break; }
            PyTuple_SET_ITEM(self, i, size);
        }
        return self;
    }
    """
    object wg_size_new(object, const int64_t *, int)

cdef inline object make_size(const wg_array *a):
    return wg_size_new(SizeType, a.shape, a.ndim)
