# The buffer protocol, both ways: memory of other libraries as tensors and tensors as theirs, without a copy.

from cpython.buffer cimport PyBuffer_Release, PyObject_GetBuffer, PyObject_CheckBuffer, PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBUF_ND, PyBUF_F_CONTIGUOUS, PyBUF_C_CONTIGUOUS, PyBUF_ANY_CONTIGUOUS

cdef int dtype_of_format(const char *format, Py_ssize_t itemsize) except -2:
    """The dtype of a buffer's format string in native byte order; -1: none."""
    cdef const char *f = format
    if f == NULL:
        return WG_U8
    if f[0] == c'@' or f[0] == c'=':
        f += 1
    elif f[0] == c'<':
        f += 1
    elif f[0] == c'>' or f[0] == c'!':
        return -1
    if f[0] == 0 or f[1] != 0:
        return -1
    if f[0] == c'?':
        return WG_BOOL
    if f[0] == c'e':
        return WG_F16
    if f[0] == c'f':
        return WG_F32
    if f[0] == c'd':
        return WG_F64
    if f[0] == c'B':
        return WG_U8
    if f[0] in b'bhilq':
        return WG_I8 if itemsize == 1 else WG_I16 if itemsize == 2 else WG_I32 if itemsize == 4 else WG_I64
    return -1


cdef void release_buffer(void *owner) noexcept:
    PyBuffer_Release(<Py_buffer *>owner)
    free(owner)


def from_buffer_object(obj):
    """A tensor on the memory of an object with the buffer protocol (an ndarray); no copy. Strides are kept.

    Raises:
        TypeError: the element type has no dtype here. ValueError: negative or odd strides.
    """
    cdef Py_buffer *view = <Py_buffer *>malloc(sizeof(Py_buffer))
    cdef wg_storage *storage
    cdef int64_t shape[WG_MAX_DIMS]
    cdef int64_t strides[WG_MAX_DIMS]
    cdef int64_t last = 0, step, dense
    cdef int i, dt
    cdef bint readonly = False
    cdef Tensor t
    if view == NULL:
        raise MemoryError()
    try:
        try:
            PyObject_GetBuffer(obj, view, PyBUF_FORMAT | PyBUF_STRIDES | PyBUF_WRITABLE)
        except (BufferError, ValueError):
            PyObject_GetBuffer(obj, view, PyBUF_FORMAT | PyBUF_STRIDES)
            readonly = True
    except BaseException:
        free(view)
        raise
    try:
        dt = dtype_of_format(view.format, view.itemsize)
        if dt < 0:
            raise TypeError(f"can't convert a buffer of format {(view.format or b'').decode()!r}. The only supported types are: "
                            "float64, float32, float16, int64, int32, int16, int8, uint8, and bool.")
        if view.ndim > WG_MAX_DIMS:
            raise RuntimeError(f"tensors of more than {WG_MAX_DIMS} dimensions are not supported, got {view.ndim}")
        numel: object = 1
        for i in range(view.ndim):
            shape[i] = view.shape[i]
            numel *= view.shape[i]
        dense = view.itemsize
        check(wg_check_sizes(view.ndim, shape))
        for i in range(view.ndim - 1, -1, -1):
            step = view.strides[i] if view.strides != NULL else dense       # ctypes gives none
            dense *= shape[i]
            if step < 0 and numel > 0:
                raise ValueError("At least one stride in the given numpy array is negative, and tensors with negative strides are not "
                                 "currently supported. (You can probably work around this by making a copy of your array  with array.copy().)")
            if step % view.itemsize and shape[i] > 1:
                raise ValueError("given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the memory.")
            strides[i] = step // view.itemsize
            last += (shape[i] - 1) * strides[i] if numel > 0 else 0
        t = new_tensor()                                   # first: the memory must not be lost when there is none for a handle
        storage = wg_storage_import(view.buf, (last + 1) * view.itemsize if numel > 0 else 0, readonly or view.readonly, release_buffer, view)
        if storage == NULL:
            fail()
        t.t.v.version = wg_version_new()
        if t.t.v.version == NULL:
            wg_storage_drop(storage)
            view = NULL
            fail()
        t.t.v.a.storage = storage
        t.t.v.a.data = <char *>view.buf
        t.t.v.a.dtype = dt
        wg_array_set_dims(&t.t.v.a, view.ndim, shape, strides)
        view = NULL
        return t
    finally:
        if view != NULL:
            release_buffer(view)


cdef const char *format_of(int dt) noexcept:
    if dt == WG_BOOL:
        return "?"
    if dt == WG_U8:
        return "B"
    if dt == WG_I8:
        return "b"
    if dt == WG_I16:
        return "h"
    if dt == WG_I32:
        return "i"
    if dt == WG_I64:
        return "q"
    if dt == WG_F16:
        return "e"
    if dt == WG_F32:
        return "f"
    if dt == WG_F64:
        return "d"
    return NULL


cdef struct exported:                    # behind a Py_buffer: its dimensions, and the memory it shows
    wg_storage *storage
    Py_ssize_t dims[2 * WG_MAX_DIMS]


cdef int fill_buffer(Tensor self, Py_buffer *view, int flags) except -1:
    cdef wg_array *a = &self.t.v.a
    cdef int i
    cdef exported *e
    cdef int size = wg_itemsize[a.dtype]
    view.obj = None
    if has_edge(self):                   # NumPy tries the buffer before __array__, which says it in PyTorch's words
        raise BufferError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
    if format_of(a.dtype) == NULL:
        raise BufferError("bfloat16 has no buffer format: convert with .float() first")
    if (flags & PyBUF_WRITABLE) and a.storage.flags & WG_STORAGE_READONLY:
        raise BufferError("this tensor's memory is read-only")
    if not a.contiguous and not (flags & PyBUF_STRIDES) == PyBUF_STRIDES:
        raise BufferError("this tensor is not contiguous")
    if (flags & PyBUF_C_CONTIGUOUS) == PyBUF_C_CONTIGUOUS and not a.contiguous:
        raise BufferError("this tensor is not contiguous")
    if (flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS and a.ndim > 1:
        raise BufferError("this tensor is not column-major")
    e = <exported *>malloc(sizeof(exported))
    if e == NULL:
        raise MemoryError()
    for i in range(a.ndim):
        e.dims[i] = a.shape[i]
        e.dims[a.ndim + i] = a.strides[i] * size
    e.storage = a.storage                # the tensor may get other memory (x.data = y) while the buffer is out
    e.storage.refs += 1
    view.buf = a.data
    view.obj = self
    view.len = a.numel * size
    view.readonly = bool(a.storage.flags & WG_STORAGE_READONLY)
    view.itemsize = size
    view.format = <char *>format_of(a.dtype) if flags & PyBUF_FORMAT else NULL
    view.ndim = a.ndim
    view.shape = e.dims if flags & PyBUF_ND else NULL
    view.strides = e.dims + a.ndim if (flags & PyBUF_STRIDES) == PyBUF_STRIDES else NULL
    view.suboffsets = NULL
    view.internal = e
    return 0


cdef void release_filled(Py_buffer *view) noexcept:
    cdef exported *e = <exported *>view.internal
    wg_storage_drop(e.storage)
    free(e)
