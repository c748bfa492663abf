/* Indexing along one dimension: gather, the scatter family, index_select, index_add and their kin, take, put.
 *
 * All indices are int64 and checked before anything is written, so a call that fails leaves everything as it
 * was. Kernels of the scatter family change their first operand in place. */
#include "index.h"

#include <math.h>

typedef struct { int64_t stride; const void *alpha; } scatter_context;

#define WG_TEMPLATE "index_sized.inc"
#include "each_size.h"
#define WG_TEMPLATE "index_typed.inc"
#include "each_dtype.h"

static const wg_run gathers[4] = WG_SIZED(gather), scatters[4] = WG_SIZED(scatter);
static const wg_run reductions[][WG_NDTYPES] = {
    [WG_SCATTER_ADD] = WG_TYPED(add), [WG_SCATTER_MUL] = WG_TYPED(mul), [WG_SCATTER_MAX] = WG_TYPED(max),
    [WG_SCATTER_MIN] = WG_TYPED(min)};
static const wg_run divides[WG_NDTYPES] = WG_TYPED(divide);
static void (*const identities[WG_NDTYPES])(int, void *) = WG_TYPED(identity);

/* ---- walks and checks --------------------------------------------------------------------------- */

int find_outside(const wg_array *index, int64_t low, int64_t high, int64_t *bad) {
    uint64_t range = (uint64_t)high - (uint64_t)low;
    wg_nest t;
    wg_nest_arrays(&t, index->shape, index->ndim, 1, &index);
    if (t.runs) do {
        const char *p = t.p[0];
        int64_t step = t.step[0];
        uint64_t outside = 0;
        if (step == sizeof(int64_t))
            for (int64_t i = 0; i < t.n; i++) outside |= (uint64_t)((const int64_t *)p)[i] - (uint64_t)low >= range;
        else
            for (int64_t i = 0; i < t.n; i++) outside |= (uint64_t)*(const int64_t *)(p + i * step) - (uint64_t)low >= range;
        if (outside)
            for (int64_t i = 0;; i++)
                if ((uint64_t)(*bad = *(const int64_t *)(p + i * step)) - (uint64_t)low >= range) return 1;
    } while (wg_nest_next(&t));
    return 0;
}

void gather_walk(const wg_array *y, const wg_array *x, const wg_array *index, int64_t stride) {
    wg_nest t;
    wg_nest_arrays(&t, y->shape, y->ndim, 3, (const wg_array *[]){y, x, index});
    wg_nest_parallel(&t, t.step[2] ? 1.0 : 0.1 * wg_itemsize[y->dtype], gathers[wg_size_index(y->dtype)], &stride);
}

/* Threads share a dimension that the index does not choose in: each element keeps its own order. */
typedef struct { const wg_array *y, *x, *index; int split; wg_run run; scatter_context context; } scatter_job;

static void scatter_range(void *context, int64_t begin, int64_t end) {
    scatter_job *job = context;
    const wg_array *from[3] = {job->y, job->x, job->index}, *part[3];
    wg_array view[3];
    wg_nest t;
    for (int k = 0; k < 3; k++) {
        wg_view_copy(&view[k], from[k]);
        if (job->split >= 0) {
            view[k].data += begin * view[k].strides[job->split] * wg_itemsize[view[k].dtype];
            view[k].shape[job->split] = end - begin;
            view[k].contiguous = 0;
        }
        part[k] = &view[k];
    }
    wg_nest_arrays(&t, view[1].shape, view[1].ndim, 3, part);
    if (t.runs) do job->run(&job->context, t.n, t.p, t.step); while (wg_nest_next(&t));
}

void scatter_walk(const wg_array *y, const wg_array *x, const wg_array *index, int64_t stride, int how, const void *alpha,
                  int chosen, int nchosen) {
    uint64_t one = 0;
    wg_store_number(&one, y->dtype, WG_INT(1));
    scatter_job job = {y, x, index, -1, how ? reductions[how][y->dtype] : scatters[wg_size_index(y->dtype)],
                       {stride, alpha ? alpha : &one}};
    if (!x->numel) return;
    for (int d = 0; d < x->ndim && job.split < 0; d++)
        if ((d < chosen || d >= chosen + nchosen) && x->shape[d] > 1) job.split = d;
    if (job.split < 0 || x->numel < 4096) {
        job.split = -1;
        scatter_range(&job, 0, 1);
        return;
    }
    int64_t n = x->shape[job.split], grain = job.split == x->ndim - 1 ? 64 : 1;      /* no shared cache lines */
    wg_parallel_for(n, grain, (double)(x->numel / n), scatter_range, &job);
}

static int out_of_bounds(int kind, int64_t bad, int dim, int64_t size) {
    return wg_fail(kind, "index %lld is out of bounds for dimension %d with size %lld", (long long)bad, dim, (long long)size);
}

static int64_t byte_stride(const wg_array *x, int d) { return x->ndim ? x->strides[d] * wg_itemsize[x->dtype] : 0; }

/* A 0-d array is as good as one of a single dimension. */
static void at_least_1d(wg_array *v, const wg_array *x) {
    wg_view_copy(v, x);
    if (v->ndim) return;
    v->ndim = 1;
    v->shape[0] = v->strides[0] = 1;
}

/* ---- gather and scatter --------------------------------------------------------------------------- */

/* gather(y, x, index; dim): y and index of one shape, which exceeds x's in no dimension but dim. */
int WG_K(gather)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array y, x, index;
    at_least_1d(&y, op[0]);
    at_least_1d(&x, op[1]);
    at_least_1d(&index, op[2]);
    int dim = wg_dim(&x, attr[0].i);
    int64_t bad, stride = byte_stride(&x, dim);
    if (find_outside(&index, 0, x.shape[dim], &bad)) return out_of_bounds(WG_RUNTIME_ERROR, bad, dim, x.shape[dim]);
    wg_view_set_dim(&x, dim, index.shape[dim], 0);
    x.contiguous = 0;                                                      /* its other sizes may exceed index's */
    gather_walk(&y, &x, &index, stride);
    return 0;
}

/* The common part: y, index and src (which may be larger than index) seen in index's shape. */
static int scatter(wg_array *y_, wg_array *index_, wg_array *src_, int64_t d, int how) {
    wg_array y, index, src;
    at_least_1d(&y, y_);
    at_least_1d(&index, index_);
    at_least_1d(&src, src_);
    int dim = wg_dim(&y, d);
    int64_t bad, stride = byte_stride(&y, dim);
    if (find_outside(&index, 0, y.shape[dim], &bad)) return out_of_bounds(WG_RUNTIME_ERROR, bad, dim, y.shape[dim]);
    memcpy(y.shape, index.shape, sizeof(int64_t) * index.ndim);
    memcpy(src.shape, index.shape, sizeof(int64_t) * index.ndim);
    wg_view_set_dim(&y, dim, index.shape[dim], 0);
    wg_view_done(&src);
    y.contiguous = 0;
    scatter_walk(&y, &src, &index, stride, how, NULL, dim, 1);
    return 0;
}

/* scatter(y, index, src; dim): y[..., index, ...] = src, in place; of equal indices the last one stays. */
int WG_K(scatter)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    return scatter(op[0], op[1], op[2], attr[0].i, WG_SCATTER_SET);
}

/* scatter_value(y, index; dim, value) */
int WG_K(scatter_value)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    uint64_t value = 0;
    wg_array src;
    wg_store_number(&value, op[0]->dtype, attr[1]);
    wg_view_everywhere(&src, &value, op[0]->dtype, op[1]);
    return scatter(op[0], op[1], &src, attr[0].i, WG_SCATTER_SET);
}

/* scatter_add(y, index, src; dim): in src's order at any number of threads. */
int WG_K(scatter_add)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    return scatter(op[0], op[1], op[2], attr[0].i, WG_SCATTER_ADD);
}

/* Of scatter_reduce: both views have x's shape, y steps of 0 along dim. `whole` is y. */
enum { SUM, PROD, AMAX, AMIN, MEAN };

static int reduce_walk(const wg_array *whole, const wg_array *y, const wg_array *src, const wg_array *index, int dim,
                       int reduce, int include_self) {
    static const int how[] = {WG_SCATTER_ADD, WG_SCATTER_MUL, WG_SCATTER_MAX, WG_SCATTER_MIN, WG_SCATTER_ADD};
    int64_t stride = byte_stride(whole, dim);
    int64_t *counts = NULL;
    wg_array count, part, start;
    uint64_t value = 0;
    int64_t one = 1;
    if (reduce == MEAN) {
        counts = wg_scratch_get(whole->numel * (int64_t)sizeof(int64_t));
        if (!counts) return -1;
        wg_view_make(&count, counts, WG_I64, whole->ndim, whole->shape);
        for (int64_t i = 0; i < count.numel; i++) counts[i] = include_self;
        wg_view_copy(&part, &count);
        memcpy(part.shape, y->shape, sizeof(int64_t) * y->ndim);
        wg_view_set_dim(&part, dim, y->shape[dim], 0);
        part.contiguous = 0;
        wg_view_everywhere(&start, &one, WG_I64, src);
        scatter_walk(&part, &start, index, count.strides[dim] * (int64_t)sizeof(int64_t), WG_SCATTER_ADD, NULL, dim, 1);
    }
    if (!include_self) {
        identities[whole->dtype](how[reduce], &value);
        wg_view_everywhere(&start, &value, whole->dtype, src);
        scatter_walk(y, &start, index, stride, WG_SCATTER_SET, NULL, dim, 1);
    }
    scatter_walk(y, src, index, stride, how[reduce], NULL, dim, 1);
    if (reduce == MEAN) {
        for (int64_t i = 0; i < count.numel; i++) counts[i] += counts[i] == 0;
        wg_nest t;
        wg_nest_arrays(&t, whole->shape, whole->ndim, 2, (const wg_array *[]){whole, &count});
        wg_nest_parallel(&t, 1.0, divides[whole->dtype], NULL);
        wg_scratch_put(counts);
    }
    return 0;
}

/* scatter_reduce(y, index, src; dim, reduce, include_self): reduce is 0 sum, 1 prod, 2 amax, 3 amin, 4 mean. */
int WG_K(scatter_reduce)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array whole, y, index, src;
    at_least_1d(&whole, op[0]);
    at_least_1d(&index, op[1]);
    at_least_1d(&src, op[2]);
    int dim = wg_dim(&whole, attr[0].i);
    int64_t bad;
    if (find_outside(&index, 0, whole.shape[dim], &bad)) return out_of_bounds(WG_RUNTIME_ERROR, bad, dim, whole.shape[dim]);
    wg_view_copy(&y, &whole);
    memcpy(y.shape, index.shape, sizeof(int64_t) * index.ndim);
    memcpy(src.shape, index.shape, sizeof(int64_t) * index.ndim);
    wg_view_set_dim(&y, dim, index.shape[dim], 0);
    wg_view_done(&src);
    y.contiguous = 0;
    return reduce_walk(&whole, &y, &src, &index, dim, (int)attr[1].i, (int)attr[2].i);
}

/* ---- a vector of indices along one dimension ---------------------------------------------------------- */

/* The vector (or 0-d index) seen in the shape of `like`, whose dimension dim it runs along. */
static void index_along(wg_array *v, const wg_array *index, const wg_array *like, int dim) {
    wg_view_copy(v, index);
    v->ndim = like->ndim;
    v->numel = like->numel;
    int64_t step = index->ndim ? index->strides[0] : 0;
    for (int d = 0; d < like->ndim; d++) {
        v->shape[d] = like->shape[d];
        v->strides[d] = d == dim ? step : 0;
    }
    v->contiguous = like->ndim == 1 && (like->shape[0] <= 1 || step == 1);
}

/* y seen in x's shape, with steps of 0 along dim */
static void all_along(wg_array *v, const wg_array *y, int dim, int64_t size) {
    wg_view_copy(v, y);
    wg_view_set_dim(v, dim, size, 0);
    v->contiguous = 0;
}

/* index_select(y, x, index; dim) */
int WG_K(index_select)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array y, x, from, index;
    int64_t bad;
    at_least_1d(&y, op[0]);
    at_least_1d(&x, op[1]);
    int dim = wg_dim(&x, attr[0].i);
    if (find_outside(op[2], 0, x.shape[dim], &bad)) return wg_fail(WG_INDEX_ERROR, "index out of range in self");
    index_along(&index, op[2], &y, dim);
    all_along(&from, &x, dim, y.shape[dim]);
    gather_walk(&y, &from, &index, byte_stride(&x, dim));
    return 0;
}

/* index_add(y, index, src; dim, alpha): y[..., index, ...] += alpha * src, in place, in src's order. */
int WG_K(index_add)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array y, to, index, src;
    uint64_t alpha = 0;
    int64_t bad;
    at_least_1d(&y, op[0]);
    at_least_1d(&src, op[2]);
    int dim = wg_dim(&y, attr[0].i);
    if (find_outside(op[1], 0, y.shape[dim], &bad))
        return y.ndim > 1 ? out_of_bounds(WG_RUNTIME_ERROR, bad, dim, y.shape[dim])
                          : wg_fail(WG_INDEX_ERROR, "index out of range in self");
    wg_store_number(&alpha, y.dtype, attr[1]);
    index_along(&index, op[1], &src, dim);
    all_along(&to, &y, dim, src.shape[dim]);
    scatter_walk(&to, &src, &index, byte_stride(&y, dim), WG_SCATTER_ADD, &alpha, dim, 1);
    return 0;
}

/* index_copy(y, index, src; dim): in place. */
int WG_K(index_copy)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array y, to, index, src;
    int64_t bad;
    at_least_1d(&y, op[0]);
    at_least_1d(&src, op[2]);
    int dim = wg_dim(&y, attr[0].i);
    if (find_outside(op[1], 0, y.shape[dim], &bad))
        return wg_fail(WG_INDEX_ERROR, "index_copy_(): index %lld is out of bounds for dimension %d with size %lld",
                       (long long)bad, dim, (long long)y.shape[dim]);
    index_along(&index, op[1], &src, dim);
    all_along(&to, &y, dim, src.shape[dim]);
    scatter_walk(&to, &src, &index, byte_stride(&y, dim), WG_SCATTER_SET, NULL, dim, 1);
    return 0;
}

/* Indices with the negative ones wrapped, in scratch (the caller puts it back), dense. */
static int64_t *wrapped(const wg_array *index, int64_t size) {
    int64_t *to = wg_scratch_get(index->numel * (int64_t)sizeof(int64_t)), n = 0;
    if (!to) return NULL;
    wg_nest t;
    wg_nest_arrays(&t, index->shape, index->ndim, 1, &index);
    if (t.runs) do
        for (int64_t i = 0; i < t.n; i++) {
            int64_t v = *(const int64_t *)(t.p[0] + i * t.step[0]);
            to[n++] = v < 0 ? v + size : v;
        }
    while (wg_nest_next(&t));
    return to;
}

/* index_fill(y, index; dim, value): in place; negative indices count from the end. */
int WG_K(index_fill)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array y, to, vector, index, src, shape;
    uint64_t value = 0;
    int64_t bad;
    at_least_1d(&y, op[0]);
    int dim = wg_dim(&y, attr[0].i);
    if (find_outside(op[1], -y.shape[dim], y.shape[dim], &bad)) return out_of_bounds(WG_INDEX_ERROR, bad, dim, y.shape[dim]);
    int64_t *indices = wrapped(op[1], y.shape[dim]);
    if (!indices) return -1;
    wg_view_make(&vector, indices, WG_I64, 1, &op[1]->numel);
    wg_view_copy(&shape, &y);
    wg_view_set_dim(&shape, dim, vector.numel, 1);
    wg_store_number(&value, y.dtype, attr[1]);
    wg_view_everywhere(&src, &value, y.dtype, &shape);
    index_along(&index, &vector, &src, dim);
    all_along(&to, &y, dim, vector.numel);
    scatter_walk(&to, &src, &index, byte_stride(&y, dim), WG_SCATTER_SET, NULL, dim, 1);
    wg_scratch_put(indices);
    return 0;
}

/* ---- flat indices ------------------------------------------------------------------------------------- */

/* Byte offsets of flat row-major indices (negative ones from the end) into x, in scratch; NULL with the error set. */
static int64_t *flat_offsets(const wg_array *x, const wg_array *index) {
    int64_t bad;
    if (!x->numel && index->numel) {
        wg_fail(WG_INDEX_ERROR, "take(): tried to take from an empty tensor");
        return NULL;
    }
    if (find_outside(index, -x->numel, x->numel, &bad)) {
        wg_fail(WG_INDEX_ERROR, "out of range: tried to access index %lld on a tensor of %lld elements.", (long long)bad,
                (long long)x->numel);
        return NULL;
    }
    int64_t *offset = wrapped(index, x->numel);
    if (!offset) return NULL;
    for (int64_t i = 0; i < index->numel; i++) {
        int64_t rest = offset[i], element = x->contiguous ? rest : 0;
        for (int d = x->contiguous ? -1 : x->ndim - 1; d >= 0; d--) {
            element += rest % x->shape[d] * x->strides[d];
            rest /= x->shape[d];
        }
        offset[i] = element * wg_itemsize[x->dtype];
    }
    return offset;
}

/* take(y, x, index): y of index's shape. */
int WG_K(take)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop, (void)attr;
    int64_t *offset = flat_offsets(op[1], op[2]);
    if (!offset) return -1;
    wg_array x, index;
    wg_view_make(&index, offset, WG_I64, op[2]->ndim, op[2]->shape);
    wg_view_everywhere(&x, op[1]->data, op[1]->dtype, op[2]);
    gather_walk(op[0], &x, &index, 1);
    wg_scratch_put(offset);
    return 0;
}

/* put(y, index, src; accumulate): in place, src of index's shape. */
int WG_K(put)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    int64_t *offset = flat_offsets(op[0], op[1]);
    if (!offset) return -1;
    wg_array y, index;
    wg_view_make(&index, offset, WG_I64, op[1]->ndim, op[1]->shape);
    wg_view_everywhere(&y, op[0]->data, op[0]->dtype, op[1]);
    scatter_walk(&y, op[2], &index, 1, attr[0].i ? WG_SCATTER_ADD : WG_SCATTER_SET, NULL, 0, op[1]->ndim);
    wg_scratch_put(offset);
    return 0;
}
