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
    wg_wait_for_launches()                                 # first: other threads run meanwhile
    if has_edge(self) and not WG_IS_FLOAT(value.t.v.a.dtype):
        raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
    wg_val_share(&v, &value.t.v)
    wg_val_drop_edge(&v)
    wg_version_drop(v.version)
    v.version = self.t.v.version
    v.version.refs += 1
    v.edge = self.t.v.edge
    self.t.v.edge.node = NULL
    if self.t.group != NULL:
        wg_tensor_leave(&self.t)
        self.t.view_flags &= WG_RETAINS_GRAD
    wg_val_release(&self.t.v)
    wg_val_move(&self.t.v, &v)
    return 0


def _resize(Tensor self not None, sizes):
    """resize_: another shape, on new memory if the old does not suffice (its bytes are kept)."""
    cdef int64_t shape[WG_MAX_DIMS]
    cdef int n = read_sizes(sizes, shape)
    cdef wg_val fresh
    cdef int64_t keep
    wg_wait_for_launches()
    if has_edge(self):
        raise RuntimeError("cannot resize variables that require grad")
    check(wg_new(&fresh, self.t.v.a.dtype, n, shape))
    keep = self.t.v.a.storage.asked - (self.t.v.a.data - self.t.v.a.storage.data)
    memcpy(fresh.a.data, self.t.v.a.data, max(min(fresh.a.numel * wg_itemsize[fresh.a.dtype], keep), 0))
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


def _base(Tensor self not None):
    """Of a view: the tensor whose window it shows, itself while somebody holds it, else another handle of its memory. Else None."""
    cdef wg_group *g = self.t.group
    cdef Tensor out
    if g == NULL or not self.t.view_flags & WG_VIEW_IS_VIEW or g.owner == &self.t:
        return None
    out = handle_of(g.owner)
    if out is not None:
        return out
    out = new_tensor()
    check(wg_window(&out.t.v, &self.t.v, g.base.a.ndim, g.base.a.shape, g.base.a.strides,
                    (g.base.a.data - self.t.v.a.data) // wg_itemsize[self.t.v.a.dtype]))
    wg_tensor_set_edge(&out.t, g.edge)
    out.t.group = g
    g.refs += 1
    out.t.generation = g.generation
    g.owner = &out.t
    return out


def _stand_alone(Tensor self not None):
    """Makes a fresh view no view: of what is written into it neither the base nor the base's other views learn. Returns it."""
    cdef wg_version *version = wg_version_new()
    if version == NULL:
        check(-1)
    version.inference = self.t.v.version.inference
    wg_tensor_leave(&self.t)
    self.t.view_flags = 0
    wg_version_drop(self.t.v.version)
    self.t.v.version = version
    return self


def _is_shared(Tensor self not None):
    return bool(self.t.v.a.storage.flags & WG_STORAGE_SHARED)


def _mark_shared(Tensor self not None):
    self.t.v.a.storage.flags |= WG_STORAGE_SHARED


def _storage_bytes(Tensor self not None):
    """All memory of the storage, as a row of uint8 that shares it."""
    cdef Tensor out = new_tensor()
    cdef int64_t n = self.t.v.a.storage.asked, one = 1
    wg_val_share(&out.t.v, &self.t.v)
    wg_val_drop_edge(&out.t.v)
    out.t.v.a.data = self.t.v.a.storage.data
    out.t.v.a.dtype = WG_U8
    wg_array_set_dims(&out.t.v.a, 1, &n, &one)
    return out


def _show(Tensor self not None, Tensor memory not None, int64_t offset, sizes, strides):
    """set_ of a storage: this handle shows a window of ``memory``, uint8, in elements of its own dtype.

    Raises:
        RuntimeError: the window does not lie inside, or this is a leaf that requires grad.
    """
    cdef int64_t shape[WG_MAX_DIMS]
    cdef int64_t steps[WG_MAX_DIMS]
    cdef int n = read_sizes(sizes, shape), d
    cdef int size = wg_itemsize[self.t.v.a.dtype]
    cdef int64_t last = offset
    cdef Tensor window
    if strides is None:
        last = 1
        for d in range(n - 1, -1, -1):
            steps[d] = last
            last *= max(shape[d], 1)
        last = offset
    elif read_sizes(strides, steps) != n:
        raise RuntimeError("mismatch in length of strides and shape")
    for d in range(n):
        if shape[d] > 0:
            last += (shape[d] - 1) * steps[d]
    if offset < 0 or last < 0 or (0 not in [shape[d] for d in range(n)] and last >= memory.t.v.a.numel // size):
        raise RuntimeError(f"setStorage: sizes {[shape[d] for d in range(n)]}, strides {[steps[d] for d in range(n)]}, storage offset {offset}, and "
                           f"itemsize {size} requiring a storage size of {(last + 1) * size} are out of bounds for storage of size "
                           f"{memory.t.v.a.numel}")
    window = new_tensor()
    wg_val_share(&window.t.v, &memory.t.v)
    wg_val_drop_edge(&window.t.v)
    window.t.v.a.dtype = self.t.v.a.dtype
    window.t.v.a.data = memory.t.v.a.data + offset * size
    wg_array_set_dims(&window.t.v.a, n, shape, steps)
    set_memory(self, window)


cdef int set_memory(Tensor self, Tensor source) except -1:
    if has_edge(self) and self.t.v.edge.node.kind == WG_NODE_LEAF and not wg_mode & WG_MODE_NO_GRAD:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    set_data(self, source)
    wg_tensor_touched(&self.t, 0xffff)
    return 0


def _set_(Tensor self not None, Tensor source not None):
    """set_: this handle shows the memory of ``source``."""
    if self.t.v.a.dtype != source.t.v.a.dtype:
        raise RuntimeError(f"Could not set tensor of type {C_NAMES[source.t.v.a.dtype]} to a tensor of type "
                           f"{C_NAMES[self.t.v.a.dtype]}")
    set_memory(self, source)


def _view_dtype(Tensor self not None, dtype_):
    """The same bytes as elements of another dtype; sizes of the last dimension follow.

    Raises:
        RuntimeError: the sizes or strides do not allow it.
    """
    cdef wg_array *a = &self.t.v.a
    cdef int dt = dtype_code(dtype_)
    cdef int old = wg_itemsize[a.dtype], new = wg_itemsize[dt], last = a.ndim - 1, d
    cdef int64_t shape[WG_MAX_DIMS]
    cdef int64_t strides[WG_MAX_DIMS]
    cdef Tensor y
    if a.dtype == dt:
        return apply_one(OP_ALIAS, self, NULL)
    if WG_IS_FLOAT(dt) and not wg_mode & WG_MODE_NO_GRAD and has_edge(self):
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
