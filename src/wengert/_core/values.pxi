# Elements as Python numbers.

cdef inline Tensor tensor_in(object o):
    """An element of a list as a Tensor; Cython's own cast lets None pass."""
    if not isinstance(o, Tensor):
        raise TypeError(f"expected Tensor, but got {type(o).__name__}")
    return <Tensor>o


cdef inline bint has_edge(Tensor t) except -1:
    """Does a gradient flow to this tensor? What was written through its views counts: see Note [View groups] in csrc/wg_views.h."""
    check(wg_tensor_refresh(&t.t))
    return t.t.v.edge.node != NULL


cdef list shape_of(Tensor t):
    """The sizes, whatever a subclass's ``shape`` says."""
    return [t.t.v.a.shape[i] for i in range(t.t.v.a.ndim)]


cdef object item_of(Tensor self):
    cdef wg_array *a = &self.t.v.a
    cdef double d
    if a.numel != 1:
        raise RuntimeError(f"a Tensor with {a.numel} elements cannot be converted to Scalar")
    return element(a.data, a.dtype)


cdef extern from "kernels/wg_math_half.h" nogil:
    float wg_f16_to_f32(uint16_t)
    float wg_bf16_to_f32(uint16_t)

cdef object element(const char *p, int dt):
    """One element in memory, as a Python number."""
    if dt == WG_F32:
        return <double>(<float *>p)[0]
    if dt == WG_F64:
        return (<double *>p)[0]
    if dt == WG_I64:
        return (<int64_t *>p)[0]
    if dt == WG_BOOL:
        return p[0] != 0
    if dt == WG_I32:
        return (<int32_t *>p)[0]
    if dt == WG_I16:
        return (<int16_t *>p)[0]
    if dt == WG_I8:
        return (<int8_t *>p)[0]
    if dt == WG_U8:
        return (<uint8_t *>p)[0]
    if dt == WG_F16:
        return <double>wg_f16_to_f32((<uint16_t *>p)[0])
    return <double>wg_bf16_to_f32((<uint16_t *>p)[0])


cdef extern from "Python.h":
    list PyList_New(Py_ssize_t n)
    void PyList_SET_ITEM_ "PyList_SET_ITEM"(PyObject *list, Py_ssize_t i, PyObject *item)

cdef inline void set_new(list result, Py_ssize_t i, object item):
    """An element of a new list, which has none there yet."""
    Py_INCREF(item)
    PyList_SET_ITEM_(<PyObject *>result, i, <PyObject *>item)


cdef object to_nested_list(wg_array *a, int dim, const char *p):
    cdef int64_t i, step, n
    if dim == a.ndim:
        return element(p, a.dtype)
    step, n = a.strides[dim] * wg_itemsize[a.dtype], a.shape[dim]
    cdef list result = PyList_New(n)                       # at once, or MemoryError: an expanded tensor has any number of elements
    if dim == a.ndim - 1 and a.dtype == WG_F32:            # a row: the dtype is looked at once
        for i in range(n):
            set_new(result, i, <double>(<float *>(p + i * step))[0])
    elif dim == a.ndim - 1 and a.dtype == WG_F64:
        for i in range(n):
            set_new(result, i, (<double *>(p + i * step))[0])
    elif dim == a.ndim - 1 and a.dtype == WG_I64:
        for i in range(n):
            set_new(result, i, (<int64_t *>(p + i * step))[0])
    else:
        for i in range(n):
            set_new(result, i, to_nested_list(a, dim + 1, p + i * step))
    return result


def tolist(Tensor self not None):
    """The elements as nested Python lists, or one number for a 0-d tensor."""
    # Making lists may run the collector, and that anything: the handle may be given other memory, this one not.
    cdef Tensor kept = share_memory(self, False)
    return to_nested_list(&kept.t.v.a, 0, kept.t.v.a.data)


cdef enum:
    FEW_ELEMENTS = 4096


def same_elements(a, b):
    """Have two dense tensors of one dtype, float32, float64 or int64, one shape and the same elements? No nan is the same as itself.
    None where that is left to operations on the tensors: they are others, or long and do not differ early."""
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        return None
    cdef wg_array *x = &(<Tensor>a).t.v.a
    cdef wg_array *y = &(<Tensor>b).t.v.a
    cdef int64_t i, n = min(x.numel, FEW_ELEMENTS)
    cdef int differ = 0
    if x.dtype != y.dtype or not x.contiguous or not y.contiguous:
        return None
    if not wg_same_shape(x, y):
        return False
    if x.dtype == WG_F32:
        for i in range(n):
            differ |= (<float *>x.data)[i] != (<float *>y.data)[i]
    elif x.dtype == WG_F64:
        for i in range(n):
            differ |= (<double *>x.data)[i] != (<double *>y.data)[i]
    elif x.dtype == WG_I64:
        for i in range(n):
            differ |= (<int64_t *>x.data)[i] != (<int64_t *>y.data)[i]
    else:
        return None
    return False if differ else True if n == x.numel else None


def all_within(t, double low, double high):
    """Do all elements lie in [low, high], which no nan does? None where that is left to operations on the tensor: there are many
    elements, they do not lie side by side, or are neither float32, float64 nor int64."""
    if not isinstance(t, Tensor):
        return None
    cdef wg_array *a = &(<Tensor>t).t.v.a
    cdef int64_t i, n = a.numel
    cdef int outside = 0
    if n > FEW_ELEMENTS or not a.contiguous:
        return None
    if a.dtype == WG_F32:
        for i in range(n):
            outside |= not low <= (<float *>a.data)[i] <= high
    elif a.dtype == WG_F64:
        for i in range(n):
            outside |= not low <= (<double *>a.data)[i] <= high
    elif a.dtype == WG_I64:                                # rounded to doubles they keep their order
        for i in range(n):
            outside |= not low <= <double>(<int64_t *>a.data)[i] <= high
    else:
        return None
    return not outside
