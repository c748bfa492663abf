# What orders or counts elements by value: searchsorted, unique, bincount, histc. Nothing here is recorded.

cdef extern from "wg_op.h":
    int WG_K_bincount
    int WG_K_histc
    int WG_K_searchsorted
    int WG_K_unique


def searchsorted_into(Tensor out not None, Tensor sequence not None, Tensor values not None, bint right):
    """Fills ``out``, int64 or int32 and of the shape of ``values``, with their places in the sorted sequence: of one dimension, or with
    all but the last of ``values``; of one dtype."""
    cdef wg_array *operand[3]
    cdef wg_attr attr[1]
    cdef int d
    cdef bint fits = sequence.t.v.a.dtype == values.t.v.a.dtype and wg_same_shape(&out.t.v.a, &values.t.v.a) and sequence.t.v.a.ndim > 0 \
        and (out.t.v.a.dtype == WG_I64 or out.t.v.a.dtype == WG_I32) and (sequence.t.v.a.ndim == 1 or sequence.t.v.a.ndim == values.t.v.a.ndim)
    for d in range(sequence.t.v.a.ndim - 1 if fits else 0):
        fits = fits and sequence.t.v.a.shape[d] == values.t.v.a.shape[d]
    if not fits:
        raise RuntimeError("searchsorted_into: operands don't fit")
    check(wg_tensor_refresh(&sequence.t))
    check(wg_tensor_refresh(&values.t))
    operand[0] = &out.t.v.a
    operand[1] = &sequence.t.v.a
    operand[2] = &values.t.v.a
    attr[0] = WG_BOOLEAN(right)
    check(wg_launch(WG_K_searchsorted, operand, 3, attr, 1))


def unique_places(Tensor x not None, bint inverse, bint counts):
    """Where in ``x``, dense and read as flat, each distinct element stands first, in ascending order; on request which of these each
    element is (flat), and how often each occurs. int64; None what was not asked for."""
    cdef wg_array *operand[5]
    cdef wg_attr attr[2]
    cdef Tensor first, of, often, total = empty((), DTYPES[WG_I64])
    cdef int64_t groups
    if not x.t.v.a.contiguous:
        raise RuntimeError("unique_places: expected a dense tensor")
    first = empty((x.t.v.a.numel,), DTYPES[WG_I64])
    of = empty((x.t.v.a.numel if inverse else 0,), DTYPES[WG_I64])
    often = empty((x.t.v.a.numel if counts else 0,), DTYPES[WG_I64])
    check(wg_tensor_refresh(&x.t))
    operand[0] = &first.t.v.a
    operand[1] = &of.t.v.a
    operand[2] = &often.t.v.a
    operand[3] = &total.t.v.a
    operand[4] = &x.t.v.a
    attr[0] = WG_BOOLEAN(inverse)
    attr[1] = WG_BOOLEAN(counts)
    check(wg_launch(WG_K_unique, operand, 5, attr, 2))
    groups = (<int64_t *>total.t.v.a.data)[0]
    return first[:groups], of if inverse else None, often[:groups].clone() if counts else None


def bincount_into(Tensor out not None, Tensor x not None):
    """Fills ``out``, int64, with how often each of 0, 1, ... stands in ``x``, of one dimension, integers, none of them outside."""
    cdef wg_array *operand[2]
    if x.t.v.a.ndim != 1 or x.t.v.a.dtype in (WG_F16, WG_BF16, WG_F32, WG_F64) or out.t.v.a.ndim != 1 or out.t.v.a.dtype != WG_I64 or not out.t.v.a.contiguous:
        raise RuntimeError("bincount_into: operands don't fit")
    check(wg_tensor_refresh(&x.t))
    operand[0] = &out.t.v.a
    operand[1] = &x.t.v.a
    check(wg_launch(WG_K_bincount, operand, 2, NULL, 0))


def histc_into(Tensor out not None, Tensor x not None, double low, double high):
    """Fills ``out`` with how many elements of ``x``, dense and of its floating-point dtype, lie in each of its bins, equal parts of
    [low, high]; of x's range if these are equal."""
    cdef wg_array *operand[2]
    cdef wg_attr attr[2]
    if not (x.t.v.a.dtype in (WG_F16, WG_BF16, WG_F32, WG_F64) and out.t.v.a.dtype == x.t.v.a.dtype and x.t.v.a.contiguous and out.t.v.a.contiguous):
        raise RuntimeError("histc_into: operands don't fit")
    check(wg_tensor_refresh(&x.t))
    operand[0] = &out.t.v.a
    operand[1] = &x.t.v.a
    attr[0] = WG_FLOAT(low)
    attr[1] = WG_FLOAT(high)
    check(wg_launch(WG_K_histc, operand, 2, attr, 2))
