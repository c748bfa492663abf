# New tensors: empty, filled, ranges.

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
    cdef int64_t shape[WG_MAX_DIMS]
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
    check(wg_check_fits(attr[0], t.t.v.a.dtype))
    check(wg_launch(WG_K_fill, operand, 1, attr, 1))
    return t


def eye(int64_t n, int64_t m, dtype):
    """An n x m matrix with ones on its diagonal and zeros elsewhere."""
    cdef Tensor t = full((n, m), 0, dtype)
    cdef wg_array diagonal = t.t.v.a
    cdef wg_array *operand[1]
    cdef wg_attr one[1]
    diagonal.ndim = 1
    diagonal.numel = diagonal.shape[0] = min(n, m)
    diagonal.strides[0] = m + 1
    diagonal.contiguous = False
    operand[0] = &diagonal
    one[0] = WG_INT(1)
    check(wg_launch(WG_K_fill, operand, 1, one, 1))
    return t


cdef int check_line(Tensor t) except -1:
    """These kernels walk along one dimension."""
    if t.t.v.a.ndim != 1:
        raise ValueError(f"expected a tensor of one dimension, got {t.t.v.a.ndim}")
    check_written(t)
    return 0


cdef extern from "wg_op.h":
    int WG_K_arange
    int WG_K_linspace


def arange_into(Tensor t not None, start, step):
    """Fills a 1-d tensor with start + i*step."""
    cdef wg_array *operand[1]
    cdef wg_attr attr[2]
    check_line(t)
    operand[0] = &t.t.v.a
    set_attr_number(&attr[0], start)
    set_attr_number(&attr[1], step)
    check(wg_launch(WG_K_arange, operand, 1, attr, 2))


def linspace_into(Tensor t not None, start, end):
    """Fills a 1-d tensor with evenly spaced values."""
    cdef wg_array *operand[1]
    cdef wg_attr attr[2]
    check_line(t)
    operand[0] = &t.t.v.a
    set_attr_number(&attr[0], start)
    set_attr_number(&attr[1], end)
    check(wg_check_fits(attr[0], t.t.v.a.dtype))
    check(wg_check_fits(attr[1], t.t.v.a.dtype))
    check(wg_launch(WG_K_linspace, operand, 1, attr, 2))
