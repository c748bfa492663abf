# Tensors from the outside: Python numbers and lists, buffers, DLPack; and the way back.

from cpython.buffer cimport PyBuffer_Release, PyObject_GetBuffer, PyObject_CheckBuffer, PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBUF_ND, PyBUF_F_CONTIGUOUS, PyBUF_C_CONTIGUOUS, PyBUF_ANY_CONTIGUOUS
from cpython.pycapsule cimport PyCapsule_New, PyCapsule_GetPointer, PyCapsule_IsValid, PyCapsule_SetName

cdef int read_sizes(object sizes, int64_t *shape) except -1:
    """Sizes as ints; returns their number."""
    cdef int n = 0
    sizes = (sizes,) if PyLong_Check(sizes) else tuple(sizes)
    if len(sizes) > WG_MAX_DIMS:
        raise RuntimeError(f"tensors of more than {WG_MAX_DIMS} dimensions are not supported, got {len(sizes)}")
    for s in sizes:
        shape[n] = s if PyLong_Check(s) else s.__index__()
        n += 1
    return n


def empty(sizes, dtype, bint zero=False):
    """Row-major memory of these sizes, uninitialised or zero.

    Raises:
        RuntimeError: a negative size, or more elements than can be counted. MemoryError: there is not enough memory.
    """
    cdef int64_t shape[24]
    cdef int n = read_sizes(sizes, shape)
    cdef Tensor t = new_tensor()
    check(wg_new(&t.t.v, dtype_code(dtype), n, shape))
    if zero:
        fill(t, 0.0)
    return t


def full(sizes, value, dtype):
    """Memory of these sizes filled with one number."""
    cdef Tensor t = empty(sizes, dtype)
    cdef wg_array *operand[1]
    cdef wg_attr attr[1]
    operand[0] = &t.t.v.a
    set_attr_number(attr, value)
    check(wg_launch(WG_K_fill, operand, 1, attr, 1))
    return t


# ---- from nested Python data ----

cdef int infer(object data, int dt, int depth=0) except -2:
    """The dtype that holds ``data`` and what was seen before (-1: nothing)."""
    cdef int own
    if depth > WG_MAX_DIMS:
        raise ValueError("too many dimensions or a sequence that contains itself")
    if PyBool_Check(data):
        own = WG_BOOL
    elif PyLong_Check(data):
        own = WG_I64
    elif PyFloat_Check(data):                              # numpy.float64 is a float, and says which
        own = WG_F64 if type(data) is not float and getattr(type(data), "__module__", None) == "numpy" else wg_default_dtype
    elif isinstance(data, Tensor):
        own = (<Tensor>data).t.v.a.dtype
    elif isinstance(data, (list, tuple)) or hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, (str, bytes, dict)) and getattr(data, "ndim", 1) != 0:
        for item in data:
            dt = infer(item, dt, depth + 1)
        return dt
    else:
        number = numpy_number(data)
        if number is not None:
            name = str(data.dtype)
            own = (<dtype>DTYPE_BY_NAME[name]).code if name in DTYPE_BY_NAME else infer(number, -1)
        elif isinstance(data, complex):
            raise TypeError("wengert has no complex dtypes")
        elif isinstance(data, str):
            raise TypeError("new(): invalid data type 'str'")
        elif hasattr(data, "__float__") or hasattr(data, "__index__"):
            own = WG_I64 if hasattr(data, "__index__") else wg_default_dtype
        else:
            raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    return own if dt < 0 else wg_promote_types(dt, own)


cdef int measure(object data, list shape, int depth) except -1:
    """Sizes of nested sequences, from their first elements."""
    while True:
        if PyFloat_Check(data) or PyLong_Check(data):
            return 0
        if isinstance(data, Tensor):
            for i in range((<Tensor>data).t.v.a.ndim):
                shape.append((<Tensor>data).t.v.a.shape[i])
            if len(shape) > WG_MAX_DIMS:
                raise ValueError("too many dimensions or a sequence that contains itself")
            return 0
        if not (isinstance(data, (list, tuple)) or (hasattr(data, "__len__") and hasattr(data, "__getitem__"))) or getattr(data, "ndim", 1) == 0:
            return 0
        if isinstance(data, (str, bytes)):
            return 0
        shape.append(len(data))
        if len(shape) > WG_MAX_DIMS:
            raise ValueError("too many dimensions or a sequence that contains itself")
        if len(data) == 0:
            return 0
        data = data[0]


cdef int put_element(char *p, int dt, object value) except -1:
    cdef double d
    cdef int64_t i
    if WG_IS_FLOAT(dt):
        d = value
        if dt == WG_F32:
            (<float *>p)[0] = <float>d
        elif dt == WG_F64:
            (<double *>p)[0] = d
        elif dt == WG_F16:
            (<uint16_t *>p)[0] = wg_f32_to_f16(<float>d)
        else:
            (<uint16_t *>p)[0] = wg_f32_to_bf16(<float>d)
        return 0
    if dt == WG_BOOL:
        p[0] = 1 if value else 0
        return 0
    if PyFloat_Check(value):
        i = int(value)
    else:
        i = value.item() if isinstance(value, Tensor) else (value if PyLong_Check(value) else int(value))
    if dt == WG_I64:
        (<int64_t *>p)[0] = i
        return 0
    limit = 8 * wg_itemsize[dt]
    if dt == WG_U8:
        if i < -255 or i > 255:
            raise RuntimeError("value cannot be converted to type uint8_t without overflow")
        (<uint8_t *>p)[0] = <uint8_t>i
        return 0
    if i < -(1 << (limit - 1)) or i >= (1 << (limit - 1)):
        raise RuntimeError(f"value cannot be converted to type int{limit}_t without overflow")
    if dt == WG_I32:
        (<int32_t *>p)[0] = <int32_t>i
    elif dt == WG_I16:
        (<int16_t *>p)[0] = <int16_t>i
    else:
        (<int8_t *>p)[0] = <int8_t>i
    return 0


cdef extern from "kernels/wg_math_half.h" nogil:
    uint16_t wg_f32_to_f16(float)
    uint16_t wg_f32_to_bf16(float)


cdef inline int check_length(Py_ssize_t left) except -1:
    """A conversion to a number may run code that makes the sequence longer or shorter than it said."""
    if left != 0:
        raise RuntimeError("a sequence changed its length while a tensor was made from it")
    return 0


cdef char *put_nested(char *p, int dt, object data, list shape, int depth) except NULL:
    """Writes nested data in row-major order; returns where the next element goes."""
    cdef int size = wg_itemsize[dt]
    cdef Tensor t
    cdef Py_ssize_t n
    if isinstance(data, Tensor):
        t = <Tensor>data
        if list(t.shape) != shape[depth:]:
            raise ValueError(f"expected sequence of shape {shape[depth:]} at dim {depth} (got {list(t.shape)})")
        flat = to_nested_list(&t.t.v.a, 0, t.t.v.a.data)
        return put_nested(p, dt, flat, shape, depth)
    if depth == len(shape):
        if isinstance(data, (list, tuple)):
            raise ValueError(f"expected a number at dim {depth}, got a sequence")
        put_element(p, dt, data)
        return p + size
    if not hasattr(data, "__len__"):
        raise TypeError(f"not a sequence")
    n = len(data)
    if n != shape[depth]:
        raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {n})")
    if type(data) is list and dt == WG_F32 and depth == len(shape) - 1:
        for item in <list>data:                            # the commonest inner loop
            n -= 1
            if n < 0:
                check_length(n)
            if PyFloat_Check(item):
                (<float *>p)[0] = <float>PyFloat_AS_DOUBLE(item)
            else:
                put_element(p, dt, as_scalar(item))
            p += 4
        check_length(n)
        return p
    for item in data:
        n -= 1
        if n < 0:
            check_length(n)
        p = put_nested(p, dt, item if depth < len(shape) - 1 else as_scalar(item), shape, depth + 1)
    check_length(n)
    return p


cdef object as_scalar(object item):
    """An innermost element: a number; one-element tensors and NumPy scalars give theirs."""
    if isinstance(item, Tensor):
        return item_of(<Tensor>item)
    if PyFloat_Check(item) or PyLong_Check(item):
        return item
    if isinstance(item, (list, tuple)):
        raise ValueError("expected a number, got a sequence: rows of different depth")
    number = numpy_number(item)
    return item if number is None else number


def from_data(data, dtype_or_none):
    """A new tensor holding nested Python numbers (lists, tuples, one-element tensors, NumPy scalars)."""
    cdef int dt
    cdef Tensor t = new_tensor()
    cdef int64_t sizes[24]
    cdef list shape
    cdef wg_val v
    if type(data) is float:                                # torch.tensor(3.0)
        dt = wg_default_dtype if dtype_or_none is None else dtype_code(dtype_or_none)
        check(wg_new(&t.t.v, dt, 0, sizes))
        put_element(t.t.v.a.data, dt, data)
        return t
    shape = []
    measure(data, shape, 0)
    if dtype_or_none is None:
        dt = infer(data, -1)
        if dt < 0:
            dt = wg_default_dtype
    else:
        dt = dtype_code(dtype_or_none)
    for i, s in enumerate(shape):
        sizes[i] = s
    check(wg_new(&t.t.v, dt, <int>len(shape), sizes))
    if t.t.v.a.numel or shape:
        put_nested(t.t.v.a.data, dt, data if shape else as_scalar(data), shape, 0)
    return t


# ---- buffers ----

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
    cdef int64_t shape[24]
    cdef int64_t strides[24]
    cdef int64_t last = 0
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
        numel = 1
        for i in range(view.ndim):
            shape[i] = view.shape[i]
            numel *= view.shape[i]
        for i in range(view.ndim):
            if view.strides[i] < 0 and numel > 0:
                raise ValueError("At least one stride in the given numpy array is negative, and tensors with negative strides are not "
                                 "currently supported. (You can probably work around this by making a copy of your array  with array.copy().)")
            if view.strides[i] % view.itemsize and shape[i] > 1:
                raise ValueError("given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the memory.")
            strides[i] = view.strides[i] // view.itemsize
            last += (shape[i] - 1) * strides[i]
        storage = wg_storage_import(view.buf, (last + 1) * view.itemsize if numel > 0 else 0, readonly or view.readonly, release_buffer, view)
        if storage == NULL:
            fail()
        t = new_tensor()
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
    Py_ssize_t dims[48]


cdef int fill_buffer(Tensor self, Py_buffer *view, int flags) except -1:
    cdef wg_array *a = &self.t.v.a
    cdef int i
    cdef exported *e
    cdef int size = wg_itemsize[a.dtype]
    view.obj = None
    if self.t.v.edge.node != NULL:       # NumPy tries the buffer before __array__, which says it in PyTorch's words
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


def to_numpy(Tensor self not None):
    """An ndarray on this tensor's memory."""
    import numpy
    if format_of(self.t.v.a.dtype) == NULL:
        raise TypeError("Got unsupported ScalarType BFloat16")
    return numpy.asarray(memoryview(self.detach()))


# ---- DLPack ----

cdef extern from *:
    """
    typedef struct { int32_t device_type, device_id; } wg_dl_device;
    typedef struct { uint8_t code, bits; uint16_t lanes; } wg_dl_dtype;
    typedef struct { void *data; wg_dl_device device; int32_t ndim; wg_dl_dtype dtype; int64_t *shape, *strides; uint64_t byte_offset; } wg_dl_tensor;
    typedef struct wg_dl_managed { wg_dl_tensor t; void *ctx; void (*deleter)(struct wg_dl_managed *); } wg_dl_managed;
    typedef struct wg_dl_versioned { uint32_t major, minor; void *ctx; void (*deleter)(struct wg_dl_versioned *); uint64_t flags; wg_dl_tensor t; } wg_dl_versioned;
    """
    ctypedef struct wg_dl_device:
        int32_t device_type, device_id
    ctypedef struct wg_dl_dtype:
        uint8_t code, bits
        uint16_t lanes
    ctypedef struct wg_dl_tensor:
        void *data
        wg_dl_device device
        int32_t ndim
        wg_dl_dtype dtype
        int64_t *shape
        int64_t *strides
        uint64_t byte_offset
    ctypedef struct wg_dl_managed:
        wg_dl_tensor t
        void *ctx
        void (*deleter)(wg_dl_managed *) noexcept
    ctypedef struct wg_dl_versioned:
        uint32_t major, minor
        void *ctx
        void (*deleter)(wg_dl_versioned *) noexcept
        uint64_t flags
        wg_dl_tensor t


cdef int fill_dl(wg_dl_tensor *t, Tensor self, int64_t *dims) except -1:
    cdef wg_array *a = &self.t.v.a
    cdef int i
    for i in range(a.ndim):
        dims[i] = a.shape[i]
        dims[a.ndim + i] = a.strides[i]
    t.data = a.data
    t.device.device_type = 1
    t.device.device_id = 0
    t.ndim = a.ndim
    t.dtype.bits = 8 * wg_itemsize[a.dtype]
    t.dtype.lanes = 1
    t.dtype.code = 6 if a.dtype == WG_BOOL else 1 if a.dtype == WG_U8 else 0 if a.dtype <= WG_I64 else 4 if a.dtype == WG_BF16 else 2
    t.shape = dims
    t.strides = dims + a.ndim
    t.byte_offset = 0
    return 0


cdef void delete_managed(wg_dl_managed *m) noexcept with gil:
    Py_DECREF(<object>m.ctx)
    free(m)

cdef void delete_versioned(wg_dl_versioned *m) noexcept with gil:
    Py_DECREF(<object>m.ctx)
    free(m)

cdef void drop_capsule(object c) noexcept:
    """A capsule nobody consumed."""
    cdef wg_dl_managed *m
    cdef wg_dl_versioned *v
    if PyCapsule_IsValid(c, "dltensor"):
        m = <wg_dl_managed *>PyCapsule_GetPointer(c, "dltensor")
        m.deleter(m)
    elif PyCapsule_IsValid(c, "dltensor_versioned"):
        v = <wg_dl_versioned *>PyCapsule_GetPointer(c, "dltensor_versioned")
        v.deleter(v)


def to_dlpack(Tensor self not None, bint versioned):
    """A DLPack capsule on this tensor's memory."""
    cdef wg_dl_managed *m
    cdef wg_dl_versioned *v
    cdef size_t dims = 2 * self.t.v.a.ndim * sizeof(int64_t)
    if self.t.v.edge.node != NULL:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if self.t.v.a.storage.flags & WG_STORAGE_READONLY and not versioned:
        raise BufferError("read-only memory needs a versioned DLPack consumer (max_version=(1, 0) or later)")
    alias = self.detach()
    Py_INCREF(alias)
    if versioned:
        v = <wg_dl_versioned *>malloc(sizeof(wg_dl_versioned) + dims)
        if v == NULL:
            raise MemoryError()
        v.major, v.minor = 1, 0
        v.ctx = <void *>alias
        v.deleter = delete_versioned
        v.flags = 1 if self.t.v.a.storage.flags & WG_STORAGE_READONLY else 0
        fill_dl(&v.t, self, <int64_t *>(v + 1))
        return PyCapsule_New(v, "dltensor_versioned", drop_capsule)
    m = <wg_dl_managed *>malloc(sizeof(wg_dl_managed) + dims)
    if m == NULL:
        raise MemoryError()
    m.ctx = <void *>alias
    m.deleter = delete_managed
    fill_dl(&m.t, self, <int64_t *>(m + 1))
    return PyCapsule_New(m, "dltensor", drop_capsule)


cdef void release_dl(void *owner) noexcept:
    (<wg_dl_managed *>owner).deleter(<wg_dl_managed *>owner)

cdef void release_dl_versioned(void *owner) noexcept:
    (<wg_dl_versioned *>owner).deleter(<wg_dl_versioned *>owner)


def from_dlpack_capsule(capsule):
    """A tensor on the memory of a DLPack capsule, which is consumed.

    Raises:
        BufferError: the memory is not the CPU's, or the element type has no dtype here.
    """
    cdef wg_dl_tensor *d
    cdef wg_storage *storage
    cdef void *owner
    cdef bint versioned = PyCapsule_IsValid(capsule, "dltensor_versioned"), readonly = False
    cdef int64_t strides[24]
    cdef int64_t last = 0, step = 1
    cdef int dt, i
    cdef Tensor t
    if versioned:
        owner = PyCapsule_GetPointer(capsule, "dltensor_versioned")
        if (<wg_dl_versioned *>owner).major > 1:
            raise BufferError("unsupported DLPack version")
        d = &(<wg_dl_versioned *>owner).t
        readonly = (<wg_dl_versioned *>owner).flags & 1
    elif PyCapsule_IsValid(capsule, "dltensor"):
        owner = PyCapsule_GetPointer(capsule, "dltensor")
        d = &(<wg_dl_managed *>owner).t
    else:
        raise RuntimeError("from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you might have already constructed a tensor from it once.")
    if d.device.device_type != 1:
        raise BufferError(f"unsupported DLPack device type {d.device.device_type}: only the CPU's memory can be shared")
    dt = {(0, 8): WG_I8, (0, 16): WG_I16, (0, 32): WG_I32, (0, 64): WG_I64, (1, 8): WG_U8, (2, 16): WG_F16, (2, 32): WG_F32,
          (2, 64): WG_F64, (4, 16): WG_BF16, (6, 8): WG_BOOL}.get((d.dtype.code, d.dtype.bits), -1)
    if dt < 0 or d.dtype.lanes != 1:
        raise BufferError(f"unsupported DLPack element type (code {d.dtype.code}, {d.dtype.bits} bits)")
    if d.ndim > WG_MAX_DIMS:
        raise RuntimeError(f"tensors of more than {WG_MAX_DIMS} dimensions are not supported, got {d.ndim}")
    numel = 1
    for i in range(d.ndim - 1, -1, -1):
        strides[i] = step if d.strides == NULL else d.strides[i]
        step *= d.shape[i]
        numel *= d.shape[i]
    for i in range(d.ndim):
        if strides[i] < 0 and numel:
            raise BufferError("tensors with negative strides are not supported")
        last += (d.shape[i] - 1) * strides[i]
    storage = wg_storage_import(<char *>d.data + d.byte_offset, (last + 1) * wg_itemsize[dt] if numel else 0, readonly,
                                release_dl_versioned if versioned else release_dl, owner)
    if storage == NULL:
        fail()
    PyCapsule_SetName(capsule, "used_dltensor_versioned" if versioned else "used_dltensor")
    t = new_tensor()
    t.t.v.a.storage = storage
    t.t.v.a.data = storage.data
    t.t.v.a.dtype = dt
    t.t.v.version = wg_version_new()
    if t.t.v.version == NULL:
        fail()
    wg_array_set_dims(&t.t.v.a, d.ndim, d.shape, strides)
    return t


# ---- resizing in place ----

def _resize(Tensor self not None, sizes):
    """resize_: another shape, on new memory if the old does not suffice (its bytes are kept)."""
    cdef int64_t shape[24]
    cdef int n = read_sizes(sizes, shape)
    cdef wg_val fresh
    cdef int64_t numel = 1, keep
    if self.t.v.edge.node != NULL:
        raise RuntimeError("cannot resize variables that require grad")
    check(wg_new(&fresh, self.t.v.a.dtype, n, shape))
    keep = min(fresh.a.numel, self.t.v.a.numel) * wg_itemsize[fresh.a.dtype]
    dense = self.contiguous()
    memcpy(fresh.a.data, (<Tensor>dense).t.v.a.data, keep)
    wg_tensor_release(&self.t)
    self.t.view_flags = 0
    wg_val_move(&self.t.v, &fresh)


def _set_(Tensor self not None, Tensor source not None):
    """set_: this handle shows the memory of ``source``."""
    if self.t.v.a.dtype != source.t.v.a.dtype:
        raise RuntimeError("Could not set tensor of type %s to a tensor of type %s" % (source.dtype, self.dtype))
    set_data(self, source)


# ---- ranges ----

cdef extern from "wg_op.h":
    int WG_K_arange
    int WG_K_linspace


def arange_into(Tensor t not None, start, step):
    """Fills a 1-d tensor with start + i*step."""
    cdef wg_array *operand[1]
    cdef wg_attr attr[2]
    operand[0] = &t.t.v.a
    set_attr_number(&attr[0], start)
    set_attr_number(&attr[1], step)
    check(wg_launch(WG_K_arange, operand, 1, attr, 2))


def linspace_into(Tensor t not None, start, end):
    """Fills a 1-d tensor with evenly spaced values."""
    cdef wg_array *operand[1]
    cdef wg_attr attr[2]
    operand[0] = &t.t.v.a
    set_attr_number(&attr[0], start)
    set_attr_number(&attr[1], end)
    check(wg_launch(WG_K_linspace, operand, 1, attr, 2))


def _view_dtype(Tensor self not None, dtype_):
    """The same bytes as elements of another dtype; sizes of the last dimension follow.

    Raises:
        RuntimeError: the sizes or strides do not allow it.
    """
    cdef wg_array *a = &self.t.v.a
    cdef int dt = dtype_code(dtype_)
    cdef int old = wg_itemsize[a.dtype], new = wg_itemsize[dt], last = a.ndim - 1, d
    cdef int64_t shape[24]
    cdef int64_t strides[24]
    cdef Tensor y
    if a.dtype == dt:
        return apply_one(OP_ALIAS, self, NULL)
    if self.t.v.edge.node != NULL and not wg_mode & WG_MODE_NO_GRAD:
        raise RuntimeError("view(dtype) of a tensor that requires grad has no derivative: use detach()")
    for d in range(a.ndim):
        shape[d] = a.shape[d]
        strides[d] = a.strides[d]
    if old != new:
        if a.ndim == 0:
            raise RuntimeError(f"self.dim() cannot be 0 to view {DTYPES[a.dtype]} as {dtype_} (different element sizes)")
        if a.strides[last] != 1 and a.shape[last] > 1:
            raise RuntimeError(f"self.stride(-1) must be 1 to view {DTYPES[a.dtype]} as {dtype_} (different element sizes), but got {a.strides[last]}")
        if a.shape[last] * old % new:
            raise RuntimeError(f"self.size(-1) must be divisible by {new // old} to view {DTYPES[a.dtype]} as {dtype_} (different element sizes), but got {a.shape[last]}")
        shape[last] = a.shape[last] * old // new
        strides[last] = 1
        for d in range(last):
            if strides[d] * old % new:
                raise RuntimeError(f"self.stride({d}) must be divisible by {new // old} to view {DTYPES[a.dtype]} as {dtype_} (different element sizes), but got {strides[d]}")
            strides[d] = strides[d] * old // new
        if (<size_t>a.data) % new:
            raise RuntimeError("self.storage_offset() must be divisible by the new element size")
    y = new_tensor()
    check(wg_window(&y.t.v, &self.t.v, a.ndim, shape, strides, 0))
    y.t.v.a.dtype = dt
    return y


def result_type(a, b):
    """The dtype that an operation on two tensors or numbers computes in."""
    cdef wg_val na, nb
    cdef const wg_val *x[2]
    cdef const wg_array *arrays[2]
    if not operand(a, &na, &x[0]) or not operand(b, &nb, &x[1]):
        raise TypeError("result_type(): arguments must be Tensors or Numbers")
    arrays[0] = &x[0].a
    arrays[1] = &x[1].a
    return DTYPES[wg_result_type(arrays, 2)]
