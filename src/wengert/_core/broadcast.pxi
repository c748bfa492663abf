# Tensors expanded to the shape that they broadcast to.

cdef bint common_shape(tuple tensors, int64_t *shape, int *ndim) except -1:
    """The shape that tensors broadcast to; False where one is no plain tensor, or they don't broadcast."""
    cdef const wg_array *a
    cdef int n = 0, i, d
    if wg_mode & WG_MODE_FUNCTION:
        return False
    for o in tensors:
        if not isinstance(o, Tensor) or not is_plain(o):
            return False
        n = max(n, (<Tensor>o).t.v.a.ndim)
    for d in range(n):
        shape[d] = 1
    for o in tensors:
        a = &(<Tensor>o).t.v.a
        for i in range(a.ndim):
            d = n - a.ndim + i
            if shape[d] == 1:
                shape[d] = a.shape[i]
            elif a.shape[i] != 1 and a.shape[i] != shape[d]:
                return False
    ndim[0] = n
    return True


def expand_together(tuple tensors not None):
    """The tensors, each expanded to the shape that they broadcast to; None where one is no plain tensor, or they don't broadcast."""
    cdef int64_t shape[WG_MAX_DIMS]
    cdef wg_attr size[1]
    cdef int n
    if not common_shape(tensors, shape, &n):
        return None
    size[0] = WG_INTS(shape, n)
    return tuple([apply_one(OP_EXPAND, <Tensor>o, size) for o in tensors])
