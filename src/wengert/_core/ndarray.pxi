# NumPy's arrays: their memory as tensors through __array_struct__, a description in C that costs a third of a buffer; and
# tensors as arrays. NumPy itself is not linked with, and known only once the facade has imported it.

cdef extern from *:
    """
    /* What an ndarray's __array_struct__ points to (NumPy's array interface, version 3). */
    typedef struct {
        int two, nd;
        char typekind;
        int itemsize, flags;
        Py_intptr_t *shape, *strides;
        void *data;
        PyObject *descr;
    } wg_array_interface;
    enum { WG_USUAL_ARRAY = 0x100 | 0x200 | 0x400 };           /* aligned, in native byte order, writeable */
    """
    ctypedef struct wg_array_interface:
        int two, nd
        char typekind
        int itemsize, flags
        Py_ssize_t *shape
        Py_ssize_t *strides
        void *data
    int WG_USUAL_ARRAY


cdef PyTypeObject *ndarray_type = NULL   # numpy.ndarray
cdef object new_ndarray = None
cdef list ndarray_dtypes = None          # by our codes

def _set_ndarray(numpy):
    """Makes NumPy's arrays known."""
    global ndarray_type, new_ndarray, ndarray_dtypes
    if ndarray_type != NULL:
        return
    new_ndarray = numpy.ndarray
    ndarray_dtypes = [None if format_of(code) == NULL else numpy.dtype(DTYPES[code].name) for code in range(WG_NDTYPES)]
    ndarray_type = <PyTypeObject *>new_ndarray


cdef int interface_dtype(char kind, int size) noexcept:
    """The dtype of an interface's elements, -1: none."""
    if kind == c'f':
        return WG_F32 if size == 4 else WG_F64 if size == 8 else WG_F16 if size == 2 else -1
    if kind == c'i':
        return WG_I64 if size == 8 else WG_I32 if size == 4 else WG_I16 if size == 2 else WG_I8 if size == 1 else -1
    if kind == c'b':
        return WG_BOOL if size == 1 else -1
    return WG_U8 if kind == c'u' and size == 1 else -1


cdef void release_object(void *owner) noexcept:
    Py_DECREF(<object>owner)


cdef Tensor share_ndarray(object array):
    """A tensor on the memory of an ndarray; None where there is more to it: another byte order, read-only, odd strides."""
    cdef wg_array_interface *a
    cdef wg_storage *storage
    cdef wg_version *version
    cdef int64_t shape[WG_MAX_DIMS]
    cdef int64_t strides[WG_MAX_DIMS]
    cdef int64_t last = 0
    cdef int dt, d
    cdef bint empty_ = False
    cdef Tensor t
    if Py_TYPE_(array) != ndarray_type:
        return None
    capsule = array.__array_struct__
    a = <wg_array_interface *>PyCapsule_GetPointer(capsule, NULL)
    dt = interface_dtype(a.typekind, a.itemsize)
    if dt < 0 or a.two != 2 or (a.flags & WG_USUAL_ARRAY) != WG_USUAL_ARRAY or a.nd > WG_MAX_DIMS:
        return None
    for d in range(a.nd):
        shape[d] = a.shape[d]
        empty_ = empty_ or a.shape[d] == 0
        if a.strides[d] < 0 or a.strides[d] % a.itemsize:
            return None
        strides[d] = a.strides[d] // a.itemsize
        last += (shape[d] - 1) * strides[d]
    t = new_tensor()
    version = wg_version_new()
    if version == NULL:
        fail()
    Py_INCREF(array)
    storage = wg_storage_import(a.data, 0 if empty_ else (last + 1) * a.itemsize, False, release_object, <void *>array)
    if storage == NULL:
        wg_version_drop(version)
        fail()
    t.t.v.version = version
    t.t.v.a.storage = storage
    t.t.v.a.data = <char *>a.data
    t.t.v.a.dtype = dt
    wg_array_set_dims(&t.t.v.a, a.nd, shape, strides)
    return t


cdef object to_numpy(Tensor self):
    """An ndarray on this tensor's memory."""
    cdef Tensor memory = share_memory(self, False)         # what the handle shows may change from here on
    cdef wg_array *a = &memory.t.v.a
    if format_of(a.dtype) == NULL:
        raise TypeError("Got unsupported ScalarType BFloat16")
    if ndarray_type == NULL:
        import numpy
        _set_ndarray(numpy)
    if a.contiguous and a.numel:
        return new_ndarray(make_size(a), ndarray_dtypes[a.dtype], memory)
    import numpy
    return numpy.asarray(memoryview(memory))


# ---- tensor() and its siblings ----

@cython.final
cdef class Conversion(Wrapper):
    """A function that makes a tensor of Python data, or on an array's memory. Numbers, lists, tuples and plain arrays, with no
    options but dtype, device and requires_grad, are converted here; the Python function does the rest."""
    cdef bint copies                     # never shares memory
    cdef bint arrays_only


cdef object conversion_vectorcall(object self, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef Conversion f = <Conversion>self
    cdef Tensor t = None
    cdef making m
    m.dtype = -1
    m.requires_grad = False
    m.generator = NULL
    if PyVectorcall_NARGS(nargsf) == 1 and (kwnames == NULL or plain_options(&m, args + 1, <object>kwnames)) and m.generator == NULL:
        data = <object>args[0]
        if Py_TYPE_(data) == ndarray_type:
            t = share_ndarray(data)
            if t is not None and m.dtype >= 0 and m.dtype != t.t.v.a.dtype:
                t = cast_to(t, m.dtype)
            elif t is not None and f.copies:
                check(v_clone(&t.t.v))
        elif f.arrays_only:
            pass
        elif type(data) in (float, int, bool, list, tuple):
            t = from_data(data, None if m.dtype < 0 else DTYPES[m.dtype])
        elif not f.copies and isinstance(data, Tensor) and m.dtype < 0 and not m.requires_grad:
            return data
    if t is None:
        return PyObject_Vectorcall(f.function, args, nargsf, kwnames)
    return _require_grad(t) if m.requires_grad else t


wg_type_vectorcall(<PyTypeObject *>Conversion, WG_OFFSET_WRAPPER)


def conversion(*, bint copies=False, bint arrays_only=False):
    """Decorates a function that converts its first argument to a tensor, so that its usual calls are done in C."""
    def decorate(function):
        cdef Conversion f = Conversion.__new__(Conversion)
        f.vectorcall = conversion_vectorcall
        f.function = function
        f.copies, f.arrays_only = copies, arrays_only
        return f
    return decorate


# ---- x.to() ----

@cython.final
cdef class CastMethod(Wrapper):
    """`Tensor.to`: a dtype or the CPU as the only argument is understood here, the Python function does the rest."""


cdef object cast_vectorcall(object self, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef Tensor x
    if PyVectorcall_NARGS(nargsf) == 2 and kwnames == NULL and type(<object>args[0]) is Tensor and not wg_mode & WG_MODE_FUNCTION:
        x = <Tensor><object>args[0]
        to = <object>args[1]
        if type(to) is dtype:
            return cast_to(x, (<dtype>to).code)
        if to is CPU_DEVICE or (type(to) is str and to == "cpu") or (type(to) is type(CPU_DEVICE) and to.type == "cpu"):
            return x
    return PyObject_Vectorcall((<CastMethod>self).function, args, nargsf, kwnames)


wg_type_vectorcall(<PyTypeObject *>CastMethod, WG_OFFSET_WRAPPER)


def cast_method(function):
    """Decorates `Tensor.to`."""
    cdef CastMethod f = CastMethod.__new__(CastMethod)
    f.vectorcall = cast_vectorcall
    f.function = function
    return f
