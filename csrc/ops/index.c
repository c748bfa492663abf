/* Gather, scatter and indexing by tensors. The kernels check every index before anything is written. */
#include "into.h"
#include "ops.h"

#define WG_FORWARD(name) int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y)
#define WG_INTO(name) int wg_into_##name(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr)

/* x[0] copied (row-major, or like x: PyTorch does it differently from row to row), then changed in place. */
static int copy_and(wg_into_fn into, int row_major, const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    if (wg_copy_new(y, x[0]->a.dtype, &x[0]->a, row_major) < 0) return -1;
    return wg_done(y, into(&y->a, x, nx, attr));
}

#define WG_FORWARD_OF_INTO(name, row_major) WG_FORWARD(name) { return copy_and(wg_into_##name, row_major, x, nx, attr, y); }

/* Indices as int64: themselves, or a copy of int32 ones. The caller releases *own. */
static int as_long(wg_val *own, const wg_val *index) {
    if (index->a.dtype != WG_I64) return wg_copy_new(own, WG_I64, &index->a, 1);
    wg_val_share(own, index);
    wg_val_drop_edge(own);
    return 0;
}

static int is_index(const wg_array *index) { return index->dtype == WG_I64 || index->dtype == WG_I32; }
static int rank(const wg_array *a) { return a->ndim ? a->ndim : 1; }            /* a 0-d array counts as one of 1 element */
static int64_t extent(const wg_array *a, int d) { return a->ndim ? a->shape[d] : 1; }

/* launch(y, index, src; attr) with the index as int64. src may be NULL. */
static int launch_indexed(int kernel, wg_array *y, const wg_val *index, const wg_array *src, const wg_attr *attr, int nattr) {
    wg_val own;
    if (as_long(&own, index) < 0) return -1;
    int status = wg_launch(kernel, (wg_array *[]){y, &own.a, (wg_array *)src}, src ? 3 : 2, attr, nattr);
    wg_val_release(&own);
    return status;
}

/* launch(y, x, index; attr), likewise. */
static int launch_reading(int kernel, wg_array *y, const wg_array *x, const wg_val *index, const wg_attr *attr, int nattr) {
    wg_val own;
    if (as_long(&own, index) < 0) return -1;
    int status = wg_launch(kernel, (wg_array *[]){y, (wg_array *)x, &own.a}, 3, attr, nattr);
    wg_val_release(&own);
    return status;
}

/* ---- x[i, j, ...] --------------------------------------------------------------------------------------- */

/* The index tensor (k, *s) as k operands of shape s, behind the first two of a launch. */
typedef struct indices {
    wg_val own;
    wg_array one[WG_MAX_DIMS];
    wg_array *operand[2 + WG_MAX_DIMS];
    int k;
} indices;

static int take_indices(indices *t, const wg_val *index, int ndim) {
    const wg_array *a = &index->a;
    if (!is_index(a)) return wg_fail(WG_INDEX_ERROR, "tensors used as indices must be long, int, byte or bool tensors");
    if (a->ndim == 0 || a->shape[0] == 0) return wg_fail(WG_INDEX_ERROR, "at least one index is needed");
    if (a->shape[0] > ndim) return wg_fail(WG_INDEX_ERROR, "too many indices for tensor of dimension %d", ndim);
    if (as_long(&t->own, index) < 0) return -1;
    a = &t->own.a;
    t->k = (int)a->shape[0];
    for (int j = 0; j < t->k; j++) {
        memcpy(&t->one[j], a, offsetof(wg_array, shape));
        wg_array_set_dims(&t->one[j], a->ndim - 1, a->shape + 1, a->strides + 1);
        t->one[j].data = a->data + j * a->strides[0] * wg_itemsize[WG_I64];
        t->operand[2 + j] = &t->one[j];
    }
    return 0;
}

/* What x[index] is shaped like: x's other dimensions with those of an index behind the first `place` of them. */
static int indexed_shape(const indices *t, const wg_array *x, int64_t place, int64_t *shape) {
    int n = 0, ndim = t->one[0].ndim + x->ndim - t->k;
    if (ndim > WG_MAX_DIMS)
        return wg_fail(WG_RUNTIME_ERROR, "tensors of more than %d dimensions are not supported, got %d", WG_MAX_DIMS, ndim);
    if (place < 0 || place > x->ndim - t->k) return wg_fail(WG_INDEX_ERROR, "no place %lld for indices", (long long)place);
    for (int d = 0; d < place; d++) shape[n++] = x->shape[t->k + d];
    for (int d = 0; d < t->one[0].ndim; d++) shape[n++] = t->one[0].shape[d];
    for (int d = t->k + (int)place; d < x->ndim; d++) shape[n++] = x->shape[d];
    return n;
}

/* An array of that shape with the dimensions of the index first, as the kernels want it. Owns nothing. */
static void index_first(wg_array *to, const wg_array *a, int nindex, int64_t place) {
    int64_t shape[WG_MAX_DIMS], strides[WG_MAX_DIMS];
    int n = 0;
    for (int d = 0; d < nindex; d++, n++) { shape[n] = a->shape[place + d]; strides[n] = a->strides[place + d]; }
    for (int d = 0; d < a->ndim; d++)
        if (d < place || d >= place + nindex) { shape[n] = a->shape[d]; strides[n++] = a->strides[d]; }
    memcpy(to, a, offsetof(wg_array, shape));
    if (a->is_number) to->data = (char *)&to->number;
    wg_array_set_dims(to, n, shape, strides);
}

/* x, index; place */
WG_FORWARD(_index) {
    (void)nx;
    indices t;
    wg_array result;
    int64_t shape[WG_MAX_DIMS];
    wg_val_clear(y);
    if (take_indices(&t, x[1], x[0]->a.ndim) < 0) return -1;
    int ndim = indexed_shape(&t, &x[0]->a, attr[0].i, shape), status = ndim < 0 ? -1 : wg_new(y, x[0]->a.dtype, ndim, shape);
    if (status == 0) {
        index_first(&result, &y->a, t.one[0].ndim, attr[0].i);
        t.operand[0] = &result;
        t.operand[1] = (wg_array *)&x[0]->a;
        status = wg_done(y, wg_launch(WG_K_index_get, t.operand, 2 + t.k, NULL, 0));
    }
    wg_val_release(&t.own);
    return status;
}

/* y[index] = values, or += */
static int put(wg_array *y, const wg_val *index, const wg_val *values, int accumulate, int64_t place) {
    indices t;
    wg_val own;
    wg_array all, first;
    int64_t shape[WG_MAX_DIMS];
    if (!values->a.is_number && values->a.dtype != y->dtype)
        return wg_fail(WG_RUNTIME_ERROR, "Index put requires the source and destination dtypes match, got %s for the destination and %s "
                       "for the source.", wg_dtype_title[y->dtype], wg_dtype_title[values->a.dtype]);
    if (take_indices(&t, index, y->ndim) < 0) return -1;
    wg_val_clear(&own);
    int ndim = indexed_shape(&t, y, place, shape), status = ndim < 0 ? -1 : 0;
    const wg_array *from = &values->a;
    if (status == 0 && !wg_expandable(from, ndim, shape))
        status = wg_fail(WG_RUNTIME_ERROR, "shape mismatch: value tensor of shape %s cannot be broadcast to indexing result of shape %s",
                         WG_SHAPE(from), WG_LIST(shape, ndim));
    if (status == 0 && from->is_number) {
        status = wg_copy_new(&own, y->dtype, from, 1);
        from = &own.a;
    }
    if (status == 0) {
        wg_expanded_array(&all, from, ndim, shape);
        index_first(&first, &all, t.one[0].ndim, place);
        t.operand[0] = y;
        t.operand[1] = &first;
        wg_attr kernel[1] = {WG_BOOLEAN(accumulate)};
        status = wg_launch(WG_K_index_put, t.operand, 2 + t.k, kernel, 1);
    }
    wg_val_release(&own);
    wg_val_release(&t.own);
    return status;
}

/* x, index; shape, place */
WG_FORWARD(_index_put_sum) {
    (void)nx;
    if (wg_new_zeros(y, x[0]->a.dtype, (int)attr[0].n, attr[0].v) < 0) return -1;
    return wg_done(y, put(&y->a, x[1], x[0], 1, attr[1].i));
}

/* x, index, values; accumulate, place */
WG_INTO(_index_put) { (void)nx; return put(y, x[1], x[2], attr[0].i != 0, attr[1].i); }
WG_FORWARD_OF_INTO(_index_put, 0)

/* ---- gather and scatter ------------------------------------------------------------------------------------ */

/* Where `index` exceeds `a` in a dimension other than dim (-1: in any)? */
static int exceeds(const wg_array *index, const wg_array *a, int dim) {
    for (int d = 0; d < rank(index); d++) if (d != dim && extent(index, d) > extent(a, d)) return 1;
    return 0;
}

/* x, index; dim, sparse_grad */
WG_FORWARD(gather) {
    (void)nx;
    const wg_array *a = &x[0]->a, *index = &x[1]->a;
    int dim;
    wg_val_clear(y);
    if (!is_index(index) && index->numel) return wg_fail(WG_RUNTIME_ERROR, "gather(): Expected dtype int32/int64 for index");
    if (wg_wrap_dim(attr[0].i, a->ndim, &dim) < 0) return -1;
    if (index->numel == 0) return wg_new(y, a->dtype, index->ndim, index->shape);
    if (rank(a) != rank(index))
        return wg_fail(WG_RUNTIME_ERROR, "Index tensor must have the same number of dimensions as input tensor");
    for (int d = 0; d < rank(index); d++)
        if (d != dim && extent(index, d) > extent(a, d))
            return wg_fail(WG_RUNTIME_ERROR, "Size does not match at dimension %d expected index %s to be no larger than self %s apart from "
                           "dimension %d", d, WG_SHAPE(index), WG_SHAPE(a), dim);
    if (wg_new(y, a->dtype, index->ndim, index->shape) < 0) return -1;
    wg_attr along[1] = {WG_INT(dim)};
    return wg_done(y, launch_reading(WG_K_gather, &y->a, a, x[1], along, 1));
}

/* 1: there is nothing to scatter. */
static int check_scatter(const wg_array *y, const wg_array *index, const wg_array *src, int64_t given, int *dim) {
    if (!is_index(index) && index->numel) return wg_fail(WG_RUNTIME_ERROR, "scatter(): Expected dtype int32/int64 for index");
    if (wg_wrap_dim(given, y->ndim, dim) < 0) return -1;
    if (src && src->dtype != y->dtype) return wg_fail(WG_RUNTIME_ERROR, "scatter(): Expected self.dtype to be equal to src.dtype");
    if (index->numel == 0) return 1;
    if (rank(index) != rank(y)) return wg_fail(WG_RUNTIME_ERROR, "Index tensor must have the same number of dimensions as self tensor");
    if (src && rank(index) != rank(src))
        return wg_fail(WG_RUNTIME_ERROR, "Index tensor must have the same number of dimensions as src tensor");
    int bad = exceeds(index, y, *dim);
    if (src == NULL && bad)
        return wg_fail(WG_RUNTIME_ERROR, "Expected index %s to be no larger than self %s apart from dimension %d", WG_SHAPE(index),
                       WG_SHAPE(y), *dim);
    if (src && (bad || exceeds(index, src, -1)))
        return wg_fail(WG_RUNTIME_ERROR, "Expected index %s to be no larger than self %s apart from dimension %d and to be no larger size "
                       "than src %s", WG_SHAPE(index), WG_SHAPE(y), *dim, WG_SHAPE(src));
    return 0;
}

static int scatter(int kernel, wg_array *y, const wg_val *index, const wg_array *src, int64_t dim, wg_attr value) {
    int along, checked = check_scatter(y, &index->a, src, dim, &along);
    if (checked) return checked < 0 ? -1 : 0;
    wg_attr attr[2] = {WG_INT(along), value};
    return launch_indexed(kernel, y, index, src, attr, src ? 1 : 2);
}

/* x, index; dim, shape */
WG_FORWARD(_scatter_sum) {
    (void)nx;
    if (wg_new_zeros(y, x[0]->a.dtype, (int)attr[1].n, attr[1].v) < 0) return -1;
    return wg_done(y, scatter(WG_K_scatter_add, &y->a, x[1], &x[0]->a, attr[0].i, WG_NONE));
}

/* x, index, src; dim */
WG_INTO(scatter) { (void)nx; return scatter(WG_K_scatter, y, x[1], &x[2]->a, attr[0].i, WG_NONE); }
WG_INTO(scatter_add) { (void)nx; return scatter(WG_K_scatter_add, y, x[1], &x[2]->a, attr[0].i, WG_NONE); }
/* x, index; dim, value */
WG_INTO(scatter_value) { (void)nx; return wg_check_fits(attr[1], y->dtype) < 0 ? -1 : scatter(WG_K_scatter_value, y, x[1], NULL, attr[0].i, attr[1]); }
WG_FORWARD_OF_INTO(scatter, 1)
WG_FORWARD_OF_INTO(scatter_add, 1)
WG_FORWARD_OF_INTO(scatter_value, 1)

/* x, index, src; dim, reduce, include_self: as the kernel's */
WG_FORWARD(_scatter_reduce) {
    (void)nx;
    int along;
    wg_val_clear(y);
    if (wg_copy_new(y, x[0]->a.dtype, &x[0]->a, 1) < 0) return -1;
    const int checked = check_scatter(&y->a, &x[1]->a, &x[2]->a, attr[0].i, &along);
    if (checked) return wg_done(y, checked < 0 ? -1 : 0);
    wg_attr given[3] = {WG_INT(along), attr[1], attr[2]};
    return wg_done(y, launch_indexed(WG_K_scatter_reduce, &y->a, x[1], &x[2]->a, given, 3));
}

/* ---- a vector of indices along one dimension ------------------------------------------------------------------ */

/* x, index; dim */
WG_FORWARD(index_select) {
    (void)nx;
    const wg_array *a = &x[0]->a, *index = &x[1]->a;
    int64_t shape[WG_MAX_DIMS];
    int dim;
    wg_val_clear(y);
    if (index->ndim > 1) return wg_fail(WG_INDEX_ERROR, "index_select(): Index is supposed to be a vector");
    if (!is_index(index)) return wg_fail(WG_RUNTIME_ERROR, "index_select(): Expected dtype int32 or int64 for index");
    if (wg_wrap_dim(attr[0].i, a->ndim, &dim) < 0) return -1;
    if (a->ndim == 0 && index->numel != 1)
        return wg_fail(WG_RUNTIME_ERROR, "index_select(): Index to scalar can have only 1 value, got %lld value(s)", (long long)index->numel);
    memcpy(shape, a->shape, sizeof(int64_t) * a->ndim);
    if (a->ndim) shape[dim] = index->numel;
    if (wg_new(y, a->dtype, a->ndim, shape) < 0) return -1;
    wg_attr along[1] = {WG_INT(dim)};
    return wg_done(y, launch_reading(WG_K_index_select, &y->a, a, x[1], along, 1));
}

static int add(wg_array *y, const wg_val *index_, const wg_array *source, int64_t given, wg_attr alpha) {
    const wg_array *index = &index_->a;
    int dim;
    if (wg_wrap_dim(given, y->ndim, &dim) < 0) return -1;
    if (index->ndim > 1)
        return wg_fail(WG_INDEX_ERROR, "index_add_(): Index is supposed to be a vector, but got dim: %d with type: %s and size: %s",
                       index->ndim, wg_dtype_title[index->dtype], WG_SHAPE(index));
    if (!is_index(index))
        return wg_fail(WG_RUNTIME_ERROR, "index_add_(): Expected dtype int32/int64 for index but got: %s", wg_dtype_title[index->dtype]);
    if (source->dtype != y->dtype)
        return wg_fail(WG_RUNTIME_ERROR, "index_add_(): self (%s) and source (%s) must have the same scalar type", wg_dtype_title[y->dtype],
                       wg_dtype_title[source->dtype]);
    if (dim > 0 && dim >= source->ndim)
        return wg_fail(WG_RUNTIME_ERROR, "index_add_(): Indexing dim %d is out of bounds of the source tensor with dim %d", dim, source->ndim);
    if (index->numel != extent(source, dim))
        return wg_fail(WG_RUNTIME_ERROR, "index_add_(): Number of indices (%lld) should be equal to source.size(dim): (%lld), for dim: %d",
                       (long long)index->numel, (long long)extent(source, dim), dim);
    int bad = source->ndim != y->ndim;
    for (int d = 0; d < y->ndim && !bad; d++) bad = d != dim && source->shape[d] != y->shape[d];
    if (bad)
        return wg_fail(WG_RUNTIME_ERROR, "source tensor shape must match self tensor shape, excluding the specified dimension. Got "
                       "self.shape = %s source.shape = %s", WG_SHAPE(y), WG_SHAPE(source));
    if (alpha.tag == WG_A_FLOAT && !WG_IS_FLOAT(y->dtype))
        return wg_fail(WG_RUNTIME_ERROR, "For integral input tensors, argument alpha must not be a floating point number.");
    wg_attr attr[2] = {WG_INT(dim), alpha};
    return launch_indexed(WG_K_index_add, y, index_, source, attr, 2);
}

/* x, index; dim, shape */
WG_FORWARD(_index_sum) {
    (void)nx;
    if (wg_new_zeros(y, x[0]->a.dtype, (int)attr[1].n, attr[1].v) < 0) return -1;
    return wg_done(y, add(&y->a, x[1], &x[0]->a, attr[0].i, WG_INT(1)));
}

/* x, index, source; dim, alpha */
WG_INTO(index_add) { (void)nx; return add(y, x[1], &x[2]->a, attr[0].i, attr[1]); }
WG_FORWARD_OF_INTO(index_add, 1)

/* What is left of a shape without one dimension, for messages. */
static int other_dims(const wg_array *a, int dim, int64_t *shape) {
    int n = 0;
    for (int d = 0; d < a->ndim; d++) if (d != dim) shape[n++] = a->shape[d];
    return n;
}

/* x, index, source; dim */
WG_INTO(index_copy) {
    (void)nx;
    const wg_array *index = &x[1]->a, *source = &x[2]->a;
    int64_t to[WG_MAX_DIMS], from[WG_MAX_DIMS];
    int dim;
    if (wg_wrap_dim(attr[0].i, y->ndim, &dim) < 0) return -1;
    if (index->ndim > 1) return wg_fail(WG_INDEX_ERROR, "index_copy_(): Index should have dimension 1 or 0 (got %d)", index->ndim);
    if (source->ndim == 0 && index->numel != 1)
        return wg_fail(WG_INDEX_ERROR, "index_copy_(): When source is scalar, index should have one element (got %lld)",
                       (long long)index->numel);
    if (source->ndim != y->ndim && source->ndim && y->ndim)
        return wg_fail(WG_INDEX_ERROR, "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source "
                       "dimensionality (%d), destination dimensionality (%d)", source->ndim, y->ndim);
    if (index->dtype != WG_I64)
        return wg_fail(WG_RUNTIME_ERROR, "index_copy_(): Expected a long tensor for index, but got %s", wg_dtype_title[index->dtype]);
    if (source->dtype != y->dtype)
        return wg_fail(WG_RUNTIME_ERROR, "index_copy_(): self and source expected to have the same dtype, but got (self) %s and (source) %s",
                       wg_dtype_title[y->dtype], wg_dtype_title[source->dtype]);
    int n = other_dims(y, dim, to), m = other_dims(source, dim, from);
    if (n != m || memcmp(to, from, sizeof(int64_t) * (size_t)n) != 0)
        return wg_fail(WG_RUNTIME_ERROR, "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: %s at "
                       "dimension %d and source slice shape: %s at dimension 0.", WG_LIST(to, n), dim, WG_LIST(from, m));
    if (index->numel != extent(source, dim))
        return wg_fail(WG_INDEX_ERROR, "index_copy_(): Number of indices (%lld) should be equal to source.size(dim) (%lld)",
                       (long long)index->numel, (long long)extent(source, dim));
    wg_attr along[1] = {WG_INT(dim)};
    return launch_indexed(WG_K_index_copy, y, x[1], source, along, 1);
}
WG_FORWARD_OF_INTO(index_copy, 1)

/* x, index; dim, value */
WG_INTO(index_fill) {
    (void)nx;
    const wg_array *index = &x[1]->a;
    int dim;
    if (index->dtype != WG_I64) return wg_fail(WG_INDEX_ERROR, "index_fill_(): Expected dtype int64 for index.");
    if (wg_wrap_dim(attr[0].i, y->ndim, &dim) < 0) return -1;
    if (index->ndim > 1) return wg_fail(WG_RUNTIME_ERROR, "Index has to be a vector/scalar");
    if (wg_check_fits(attr[1], y->dtype) < 0) return -1;
    wg_attr kernel[2] = {WG_INT(dim), attr[1]};
    return launch_indexed(WG_K_index_fill, y, x[1], NULL, kernel, 2);
}
WG_FORWARD_OF_INTO(index_fill, 0)

/* ---- flat indices ------------------------------------------------------------------------------------------------ */

static int check_flat(const wg_array *index) {
    if (index->dtype == WG_I64) return 0;
    return wg_fail(WG_RUNTIME_ERROR, "take(): Expected a long tensor for index, but got %s", wg_dtype_title[index->dtype]);
}

/* x, index */
WG_FORWARD(take) {
    (void)nx, (void)attr;
    wg_val_clear(y);
    if (check_flat(&x[1]->a) < 0 || wg_new(y, x[0]->a.dtype, x[1]->a.ndim, x[1]->a.shape) < 0) return -1;
    return wg_done(y, launch_reading(WG_K_take, &y->a, &x[0]->a, x[1], NULL, 0));
}

/* x, index; shape */
WG_FORWARD(_take_sum) {
    (void)nx;
    wg_val_clear(y);
    if (check_flat(&x[1]->a) < 0) return -1;
    if (!wg_same_shape(&x[0]->a, &x[1]->a))
        return wg_fail(WG_RUNTIME_ERROR, "put_(): Expected source and index to have the same shape, but got %s and %s", WG_SHAPE(&x[0]->a),
                       WG_SHAPE(&x[1]->a));
    if (wg_new_zeros(y, x[0]->a.dtype, (int)attr[0].n, attr[0].v) < 0) return -1;
    wg_attr kernel[1] = {WG_BOOLEAN(1)};
    return wg_done(y, launch_indexed(WG_K_put, &y->a, x[1], &x[0]->a, kernel, 1));
}

/* The values of source in row-major memory of index's shape; a number (of the formulas) is repeated. */
static int as_index_shape(wg_val *own, const wg_array *y, const wg_val *source, const wg_array *index) {
    int64_t strides[WG_MAX_DIMS], step = 1;
    if (source->a.is_number) {
        if (wg_new(own, y->dtype, index->ndim, index->shape) < 0) return -1;
        return wg_done(own, wg_fill_array(&own->a, WG_FLOAT(source->a.dtype == WG_F64 ? source->a.number.f : (double)source->a.number.i)));
    }
    if (wg_dense(own, source) < 0) return -1;
    for (int d = index->ndim - 1; d >= 0; d--) {
        strides[d] = step;
        step *= index->shape[d];
    }
    wg_array_set_dims(&own->a, index->ndim, index->shape, strides);
    return 0;
}

/* x, index, source; accumulate */
WG_INTO(put) {
    (void)nx;
    const wg_array *index = &x[1]->a, *source = &x[2]->a;
    if (index->dtype != WG_I64)
        return wg_fail(WG_RUNTIME_ERROR, "put_(): Expected a long tensor for index, but got %s", wg_dtype_title[index->dtype]);
    if (!source->is_number && source->dtype != y->dtype)
        return wg_fail(WG_RUNTIME_ERROR, "put_(): self and source expected to have the same dtype, but got self.dtype = %s and source.dtype = %s",
                       wg_dtype_title[y->dtype], wg_dtype_title[source->dtype]);
    if (!source->is_number && source->numel != index->numel)
        return wg_fail(WG_INDEX_ERROR, "put_(): Expected source and index to have the same number of elements, but got source.numel() = %lld, "
                       "index.numel() = %lld", (long long)source->numel, (long long)index->numel);
    if (y->numel == 0 && index->numel) return wg_fail(WG_INDEX_ERROR, "put_(): Tried to put elements into an empty tensor");
    wg_val own;
    if (as_index_shape(&own, y, x[2], index) < 0) return -1;
    int status = launch_indexed(WG_K_put, y, x[1], &own.a, attr, 1);
    wg_val_release(&own);
    return status;
}
WG_FORWARD_OF_INTO(put, 0)
