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


cdef object clamped_sum(object rows, object columns, object offset):
    """The sum of i + offset, clamped to [0, columns], over all i from 0 to rows: of any size, at once."""
    first = min(max(-offset, 0), rows)                     # it rises from here
    last = min(max(columns - offset, 0), rows)             # to here
    return (last - first) * (first + last - 1 + 2 * offset) // 2 + (rows - last) * columns


def triangle_indices(int64_t rows, int64_t columns, int64_t offset, bint upper):
    """(2, n) int64: row and column of each element of a matrix on and above, or on and below, its diagonal `offset`, row by row.

    Raises:
        RuntimeError: negative sizes, or more elements than memory.
    """
    cdef int64_t i, j, begin, end, n = 0
    cdef int64_t *row
    cdef int64_t *column
    cdef Tensor t
    if rows < 0 or columns < 0:
        raise RuntimeError(f"a matrix of {rows} by {columns} has no triangle")
    offset = min(max(offset, -rows), columns)              # beyond, nothing changes any more
    total = <object>rows * columns - clamped_sum(rows, columns, offset) if upper else clamped_sum(rows, columns, <object>offset + 1)
    t = empty((2, total), DTYPES[WG_I64])
    if total == 0:
        return t
    row = <int64_t *>t.t.v.a.data
    column = row + t.t.v.a.shape[1]
    for i in range(0 if upper else max(-offset, 0), min(rows, columns - offset) if upper else rows):
        begin = max(i + offset, 0) if upper else 0
        end = columns if upper else min(i + offset + 1, columns)
        for j in range(begin, end):
            row[n] = i
            column[n] = j
            n += 1
    return t


def exchanged_rows(Tensor pivots not None, int64_t rows):
    """int64 (*, rows): the order of the rows after a sequence of exchanges, ``pivots`` of shape (*, k), int32 or int64, dense, counted from 1:
    element j of pivots exchanges row j and row pivots[j] - 1."""
    cdef int64_t i, j, p, k = pivots.t.v.a.shape[pivots.t.v.a.ndim - 1]
    cdef Tensor t = empty((*tuple(pivots.shape)[:pivots.t.v.a.ndim - 1], rows), DTYPES[WG_I64])
    cdef int64_t *order = <int64_t *>t.t.v.a.data
    cdef bint wide = pivots.t.v.a.dtype == WG_I64
    if not pivots.t.v.a.contiguous or not (wide or pivots.t.v.a.dtype == WG_I32) or k > rows:
        raise RuntimeError("exchanged_rows: unfit pivots")
    for i in range(t.t.v.a.numel // rows if rows else 0):
        for j in range(rows):
            order[j] = j
        for j in range(k):
            p = ((<int64_t *>pivots.t.v.a.data)[i * k + j] if wide else (<int32_t *>pivots.t.v.a.data)[i * k + j]) - 1
            if not 0 <= p < rows:
                raise RuntimeError("pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive."
                                   "Did you properly pass the result of lu_factor?")
            order[j], order[p] = order[p], order[j]
        order += rows
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
