# Handles that share memory, or change what memory they show.

cdef Tensor share_memory(Tensor self, bint new_version):
    cdef Tensor out = new_tensor()
    cdef wg_version *version
    wg_val_share(&out.t.v, &self.t.v)
    wg_val_drop_edge(&out.t.v)
    if new_version:
        version = wg_version_new()
        if version == NULL:
            fail()
        version.inference = out.t.v.version.inference
        wg_version_drop(out.t.v.version)
        out.t.v.version = version
    return out


cdef int set_data(Tensor self, Tensor value) except -1:
    """x.data = y: x takes over y's memory, keeps its own version counter and its place in the graph."""
    cdef wg_val v
    if self.t.v.edge.node != NULL and not WG_IS_FLOAT(value.t.v.a.dtype):
        raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
    wg_val_share(&v, &value.t.v)
    wg_val_drop_edge(&v)
    wg_version_drop(v.version)
    v.version = self.t.v.version
    v.version.refs += 1
    v.edge = self.t.v.edge
    self.t.v.edge.node = NULL
    if self.t.group != NULL:
        wg_group_drop(self.t.group)
        self.t.group = NULL
        self.t.view_flags &= WG_RETAINS_GRAD
    wg_val_release(&self.t.v)
    wg_val_move(&self.t.v, &v)
    return 0


def _resize(Tensor self not None, sizes):
    """resize_: another shape, on new memory if the old does not suffice (its bytes are kept)."""
    cdef int64_t shape[24]
    cdef int n = read_sizes(sizes, shape)
    cdef wg_val fresh
    cdef int64_t numel = 1, keep
    if self.t.v.edge.node != NULL:
        raise RuntimeError("cannot resize variables that require grad")
    cdef Tensor dense = dense_of(self)
    check(wg_new(&fresh, self.t.v.a.dtype, n, shape))
    keep = min(fresh.a.numel, self.t.v.a.numel) * wg_itemsize[fresh.a.dtype]
    memcpy(fresh.a.data, dense.t.v.a.data, keep)
    wg_tensor_release(&self.t)
    self.t.view_flags = 0
    wg_val_move(&self.t.v, &fresh)


cdef Tensor dense_of(Tensor x):
    """Row-major memory with the elements of ``x``: its own, or a copy."""
    cdef wg_attr dense[1]
    if x.t.v.a.contiguous:
        return x
    dense[0] = WG_INT(0)
    return apply_one(WG_OP_clone, x, dense)


def _set_(Tensor self not None, Tensor source not None):
    """set_: this handle shows the memory of ``source``."""
    if self.t.v.a.dtype != source.t.v.a.dtype:
        raise RuntimeError("Could not set tensor of type %s to a tensor of type %s" % (source.dtype, self.dtype))
    set_data(self, source)


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
