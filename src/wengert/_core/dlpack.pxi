# DLPack, both ways.

from cpython.pycapsule cimport PyCapsule_New, PyCapsule_GetPointer, PyCapsule_IsValid, PyCapsule_SetName

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
    cdef Tensor alias
    cdef size_t dims
    if has_edge(self):
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if self.t.v.a.storage.flags & WG_STORAGE_READONLY and not versioned:
        raise BufferError("read-only memory needs a versioned DLPack consumer (max_version=(1, 0) or later)")
    alias = share_memory(self, False)                      # what the handle shows may change from here on
    dims = 2 * alias.t.v.a.ndim * sizeof(int64_t)
    if versioned:
        v = <wg_dl_versioned *>malloc(sizeof(wg_dl_versioned) + dims)
        if v == NULL:
            raise MemoryError()
        v.major, v.minor = 1, 0
        v.ctx = <void *>alias
        Py_INCREF(alias)
        v.deleter = delete_versioned
        v.flags = 1 if alias.t.v.a.storage.flags & WG_STORAGE_READONLY else 0
        fill_dl(&v.t, alias, <int64_t *>(v + 1))
        try:
            return PyCapsule_New(v, "dltensor_versioned", drop_capsule)
        except BaseException:
            delete_versioned(v)
            raise
    m = <wg_dl_managed *>malloc(sizeof(wg_dl_managed) + dims)
    if m == NULL:
        raise MemoryError()
    m.ctx = <void *>alias
    Py_INCREF(alias)
    m.deleter = delete_managed
    fill_dl(&m.t, alias, <int64_t *>(m + 1))
    try:
        return PyCapsule_New(m, "dltensor", drop_capsule)
    except BaseException:
        delete_managed(m)
        raise


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
    cdef wg_version *version
    cdef void *owner
    cdef bint versioned = PyCapsule_IsValid(capsule, "dltensor_versioned"), readonly = False
    cdef int64_t strides[WG_MAX_DIMS]
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
    numel: object = 1
    for i in range(d.ndim):
        if d.shape[i] < 0:
            raise BufferError(f"negative size {d.shape[i]}")
        numel *= d.shape[i]
    check(wg_check_sizes(d.ndim, d.shape))
    for i in range(d.ndim - 1, -1, -1):
        strides[i] = step if d.strides == NULL else d.strides[i]
        step *= d.shape[i] if numel else 1
    for i in range(d.ndim):
        if strides[i] < 0 and numel:
            raise BufferError("tensors with negative strides are not supported")
        last += (d.shape[i] - 1) * strides[i] if numel else 0
    t = new_tensor()                                       # first: what is consumed must not be lost
    version = wg_version_new()
    if version == NULL:
        fail()
    storage = wg_storage_import(<char *>d.data + d.byte_offset, (last + 1) * wg_itemsize[dt] if numel else 0, readonly,
                                release_dl_versioned if versioned else release_dl, owner)
    if storage == NULL:
        wg_version_drop(version)
        fail()
    PyCapsule_SetName(capsule, "used_dltensor_versioned" if versioned else "used_dltensor")
    t.t.v.a.storage = storage
    t.t.v.a.data = storage.data
    t.t.v.a.dtype = dt
    t.t.v.version = version
    wg_array_set_dims(&t.t.v.a, d.ndim, d.shape, strides)
    return t
