/* Walks over strided arrays.
 *
 * A nest is a set of up to four operands over one common shape. Dimensions of size 1 vanish, neighbours
 * that every operand walks as one are merged, and the last dimension that remains becomes the inner run:
 *
 *     wg_nest t;
 *     wg_nest_arrays(&t, out->shape, out->ndim, 2, (const wg_array *[]){out, x});
 *     if (t.runs) do run(t.n, t.p, t.step); while (wg_nest_next(&t));
 *
 * Steps and strides are in bytes. The order is row-major in the given shape unless the nest was sorted. */
#ifndef WG_STRIDED_H
#define WG_STRIDED_H

#include "../wg_kernel.h"

#include <string.h>

#define WG_NEST_OPS 4
#define WG_NEST_DIMS (2 * WG_MAX_DIMS)       /* repeat splits each dimension in two */

typedef struct wg_nest {
    int nop, ndim;                           /* ndim: of the outer dimensions */
    int64_t n, runs;                         /* elements of a run, number of runs (0: an empty array) */
    char *p[WG_NEST_OPS];
    int64_t step[WG_NEST_OPS];
    int64_t shape[WG_NEST_DIMS], count[WG_NEST_DIMS];
    int64_t stride[WG_NEST_DIMS][WG_NEST_OPS];
} wg_nest;

/* A run of n elements; p and step have an entry per operand. */
typedef void (*wg_run)(void *context, int64_t n, char *const *p, const int64_t *step);

WG_INLINE void wg_nest_begin(wg_nest *t, int nop) {
    t->nop = nop;
    t->ndim = 0;
    t->runs = 1;
}

/* The room for dimensions is large, and hardly ever used: only what is goes along. */
WG_INLINE void wg_nest_copy(wg_nest *to, const wg_nest *from) {
    const size_t n = (size_t)from->ndim;
    memcpy(to, from, offsetof(wg_nest, shape));
    memcpy(to->shape, from->shape, n * sizeof *to->shape);
    memcpy(to->count, from->count, n * sizeof *to->count);
    memcpy(to->stride, from->stride, n * sizeof *to->stride);
}

/* Appends a dimension inside of those already there. */
WG_INLINE void wg_nest_dim(wg_nest *t, int64_t size, const int64_t *stride) {
    if (size == 1) return;
    if (size == 0) t->runs = 0;
    int last = t->ndim - 1, merge = last >= 0;
    for (int k = 0; k < t->nop && merge; k++) merge = t->stride[last][k] == stride[k] * size;
    if (merge) t->shape[last] *= size;
    else t->shape[last = t->ndim++] = size;
    for (int k = 0; k < t->nop; k++) t->stride[last][k] = stride[k];
}

/* Makes the last dimension the inner run. Without any dimension there is one run of one element, whose
 * step is the item size so that it counts as contiguous. */
WG_INLINE void wg_nest_end(wg_nest *t, const int64_t *itemsize) {
    int empty = t->runs == 0;
    t->n = t->ndim ? t->shape[--t->ndim] : 1;
    for (int k = 0; k < t->nop; k++) t->step[k] = t->n == 1 ? itemsize[k] : t->stride[t->ndim][k];
    t->runs = 1;
    for (int d = 0; d < t->ndim; d++) {
        t->runs *= t->shape[d];
        t->count[d] = 0;
    }
    if (empty) t->runs = 0;
}

/* All operands have (at least) the strides of the given shape. */
WG_INLINE void wg_nest_arrays(wg_nest *t, const int64_t *shape, int ndim, int nop, const wg_array *const *a) {
    int64_t size[WG_NEST_OPS];
    int dense = 1;
    int64_t numel = 1;
    wg_nest_begin(t, nop);
    for (int k = 0; k < nop; k++) {
        size[k] = wg_itemsize[a[k]->dtype];
        t->p[k] = a[k]->data;
        dense &= a[k]->contiguous && a[k]->ndim == ndim;
        if (dense) for (int d = 0; d < ndim; d++) dense &= a[k]->shape[d] == shape[d];
    }
    if (dense) {                             /* the commonest case, at the cost of one dimension */
        for (int d = 0; d < ndim; d++) numel *= shape[d];
        wg_nest_dim(t, numel, size);
    } else {
        for (int d = 0; d < ndim; d++) {
            int64_t stride[WG_NEST_OPS];
            for (int k = 0; k < nop; k++) stride[k] = a[k]->strides[d] * size[k];
            wg_nest_dim(t, shape[d], stride);
        }
    }
    wg_nest_end(t, size);
}

/* Runs of one element each over the leading `ndim` dimensions of the arrays: what is done along the others is the
 * kernel's own business. */
WG_INLINE void wg_nest_rows(wg_nest *t, const int64_t *shape, int ndim, int nop, const wg_array *const *a) {
    wg_nest_begin(t, nop);
    for (int k = 0; k < nop; k++) t->p[k] = a[k]->data;
    for (int d = 0; d < ndim; d++) {
        int64_t stride[WG_NEST_OPS];
        for (int k = 0; k < nop; k++) stride[k] = a[k]->strides[d] * wg_itemsize[a[k]->dtype];
        wg_nest_dim(t, shape[d], stride);
    }
    int empty = t->runs == 0;
    t->n = t->runs = 1;
    for (int d = 0; d < t->ndim; d++) {
        t->runs *= t->shape[d];
        t->count[d] = 0;
    }
    if (empty) t->runs = 0;
}

/* Moves on to the next run; 0 at the end (the pointers are then those of the beginning again). */
WG_INLINE int wg_nest_next(wg_nest *t) {
    for (int d = t->ndim - 1; d >= 0; d--) {
        if (++t->count[d] < t->shape[d]) {
            for (int k = 0; k < t->nop; k++) t->p[k] += t->stride[d][k];
            return 1;
        }
        for (int k = 0; k < t->nop; k++) t->p[k] -= t->stride[d][k] * (t->shape[d] - 1);
        t->count[d] = 0;
    }
    return 0;
}

/* From the beginning to the given run. */
WG_INLINE void wg_nest_seek(wg_nest *t, int64_t run) {
    for (int d = t->ndim - 1; d >= 0; d--) {
        t->count[d] = run % t->shape[d];
        run /= t->shape[d];
        for (int k = 0; k < t->nop; k++) t->p[k] += t->stride[d][k] * t->count[d];
    }
}

typedef struct wg_nest_job { const wg_nest *t; wg_run run; void *context; } wg_nest_job;

static inline void wg_nest_job_runs(void *context, int64_t begin, int64_t end) {
    const wg_nest_job *job = context;
    wg_nest t;
    wg_nest_copy(&t, job->t);
    wg_nest_seek(&t, begin);
    for (int64_t i = begin; i < end; i++) {
        job->run(job->context, t.n, t.p, t.step);
        wg_nest_next(&t);
    }
}

static inline void wg_nest_job_inner(void *context, int64_t begin, int64_t end) {
    const wg_nest_job *job = context;
    char *p[WG_NEST_OPS];
    for (int k = 0; k < job->t->nop; k++) p[k] = job->t->p[k] + begin * job->t->step[k];
    job->run(job->context, end - begin, p, job->t->step);
}

/* All runs, perhaps on several threads: only for runs that write disjoint elements and read nothing that
 * another run writes. `cost_ns` is that of one element. */
static inline void wg_nest_parallel(const wg_nest *t, double cost_ns, wg_run run, void *context) {
    wg_nest_job job = {t, run, context};
    if (!t->runs) return;
    if (t->runs == 1) wg_parallel_for(t->n, 4096, cost_ns, wg_nest_job_inner, &job);
    else {
        int64_t grain = t->n < 4096 ? 4096 / t->n : 1;
        wg_parallel_for(t->runs, grain, cost_ns * (double)t->n, wg_nest_job_runs, &job);
    }
}

/* ---- views, made by changing the head of an array --------------------------------------------- */

WG_INLINE void wg_view_copy(wg_array *v, const wg_array *x) {
    /* only the dimensions that are there: the head is 400 bytes */
    memcpy(v, x, offsetof(wg_array, shape));
    memcpy(v->shape, x->shape, sizeof(int64_t) * x->ndim);
    memcpy(v->strides, x->strides, sizeof(int64_t) * x->ndim);
}

WG_INLINE int wg_is_dense(const wg_array *x) {
    int64_t expected = 1;
    for (int d = x->ndim - 1; d >= 0; d--) {
        if (x->shape[d] != 1 && x->strides[d] != expected) return 0;
        expected *= x->shape[d];
    }
    return 1;
}

WG_INLINE void wg_view_done(wg_array *v) {
    v->numel = 1;
    for (int d = 0; d < v->ndim; d++) v->numel *= v->shape[d];
    v->contiguous = v->numel <= 1 || wg_is_dense(v);
}

/* v[..., begin:begin+size, ...] along dimension d */
WG_INLINE void wg_view_narrow(wg_array *v, int d, int64_t begin, int64_t size) {
    v->data += begin * v->strides[d] * wg_itemsize[v->dtype];
    v->shape[d] = size;
    wg_view_done(v);
}

/* An optional operand that is absent is NULL, or an array without data, or (so that a launch can be logged like any
 * other) a Python number. */
WG_INLINE int wg_given(const wg_array *x) { return x && x->data && !x->is_number; }

/* The dimension that an attribute names; a 0-d array has dimension 0 (and -1). */
WG_INLINE int wg_dim(const wg_array *x, int64_t d) { return (int)(d < 0 ? d + (x->ndim ? x->ndim : 1) : d); }

#endif
