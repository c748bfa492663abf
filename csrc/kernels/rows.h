/* Kernels that work along one dimension, or along the last few, see their operands as rows: dense, and walked by a nest
 * over the other dimensions. Operands whose rows are not dense are copied to scratch first, and results back at the
 * end. */
#ifndef WG_ROWS_H
#define WG_ROWS_H

#include "reduce_common.h"
#include "strided.h"
#include "wg_math.h"

#define WG_ROWS_MAX 4

/* Rows are handled in groups, phase by phase: the rows of a group are independent, so the processor overlaps them, and
 * short ones share their vectors. */
enum { WG_GROUP = 16, WG_SHORT = 128 };

/* The operands of the next (at most WG_GROUP, at most `left`) rows of a nest. */
WG_INLINE int wg_nest_group(wg_nest *t, int64_t left, char *(*p)[WG_NEST_OPS]) {
    int rows = 0;
    for (; rows < WG_GROUP && rows < left; rows++) {
        for (int k = 0; k < t->nop; k++) p[rows][k] = t->p[k];
        wg_nest_next(t);
    }
    return rows;
}

typedef struct wg_rows {
    int nop, nout;
    int outer;                               /* dimensions before those of a row */
    int64_t n;                               /* length of a row */
    wg_array moved[WG_ROWS_MAX];             /* the operands with the dimensions of a row last */
    wg_array row[WG_ROWS_MAX];               /* the same, dense in them: moved itself or a copy in scratch */
    void *scratch[WG_ROWS_MAX];
} wg_rows;

/* v = x with dimension dim last (a 0-d x becomes one row of one element) */
WG_INLINE void wg_view_move_last(wg_array *v, const wg_array *x, int dim) {
    wg_view_copy(v, x);
    if (!v->ndim) {
        v->ndim = 1;
        v->shape[0] = v->strides[0] = 1;
    }
    int64_t size = v->shape[dim], stride = v->strides[dim];
    for (int d = dim; d + 1 < v->ndim; d++) {
        v->shape[d] = v->shape[d + 1];
        v->strides[d] = v->strides[d + 1];
    }
    v->shape[v->ndim - 1] = size;
    v->strides[v->ndim - 1] = stride;
    if (dim != v->ndim - 1) wg_view_done(v);
}

static inline void wg_rows_release(wg_rows *r) {
    for (int k = r->nop - 1; k >= 0; k--) if (r->scratch[k]) wg_scratch_put(r->scratch[k]);
}

/* The rows are the last `tail` dimensions of `moved`; the first nout operands are written. */
static inline int wg_rows_take(wg_rows *r, int tail, int nout, int nop) {
    r->nop = nop;
    r->nout = nout;
    for (int k = 0; k < nop; k++) r->scratch[k] = NULL;
    for (int k = 0; k < nop; k++) {
        wg_array *row = &r->row[k];
        wg_view_copy(row, &r->moved[k]);
        int dense = 1;
        r->outer = row->ndim - tail;
        r->n = 1;
        for (int d = row->ndim - 1; d >= r->outer; d--) {
            dense &= row->shape[d] == 1 || row->strides[d] == r->n;
            r->n *= row->shape[d];
        }
        if (dense || !row->numel) continue;
        row->data = r->scratch[k] = wg_scratch_get(row->numel * wg_itemsize[row->dtype]);
        int64_t stride = 1;
        for (int d = row->ndim - 1; d >= 0; d--) {
            row->strides[d] = stride;
            stride *= row->shape[d];
        }
        row->contiguous = 1;
        if (!row->data || (k >= nout && WG_K(copy)((wg_array *[]){row, &r->moved[k]}, 2, NULL))) {
            wg_rows_release(r);
            return -1;
        }
    }
    return 0;
}

/* Rows along dimension dim, */
static inline int wg_rows_begin(wg_rows *r, int dim, int nout, int nop, wg_array *const *op) {
    for (int k = 0; k < nop; k++) wg_view_move_last(&r->moved[k], op[k], dim);
    return wg_rows_take(r, 1, nout, nop);
}

/* along the last `tail` dimensions. */
static inline int wg_rows_begin_last(wg_rows *r, int tail, int nout, int nop, wg_array *const *op) {
    for (int k = 0; k < nop; k++) wg_view_copy(&r->moved[k], op[k]);
    return wg_rows_take(r, tail, nout, nop);
}

static inline int wg_rows_end(wg_rows *r) {
    int failed = 0;
    for (int k = 0; k < r->nout && !failed; k++)
        if (r->scratch[k]) failed = WG_K(copy)((wg_array *[]){&r->moved[k], &r->row[k]}, 2, NULL);
    wg_rows_release(r);
    return failed;
}

/* exp(x) for x <= 40, with the bits of wg_exp: rows are shifted until nothing is above 0. The exponent is lifted by so
 * much that it is always a normal one and brought down by a constant, a product less than for any x. */
WG_INLINE float wg_exp_low_f32(float x) {
    uint32_t n;
    float p = wg_exp_reduced_f32(x < -104.0f ? -104.0f : x, &n);
    return (1.0f + p) * wg_pow2_f32(n + 64u) * 0x1p-64f;
}

WG_INLINE double wg_exp_low_f64(double x) {
    uint64_t n;
    wg_pair p = wg_exp_reduced_f64(x < -746.0 ? -746.0 : x, 0.0, &n);
    return (1.0 + (p.hi + p.lo)) * wg_pow2_f64(n + 128u) * 0x1p-128;
}

/* Note [Sums along a row]
 * A row is cut into blocks of WG_BLOCK elements. What is summed of each goes to a buffer, the buffer through the tree
 * of the reductions, and the sums of the blocks are added in double precision one after another. */
WG_INLINE float wg_row_sum_float32(const float *x, int64_t n) { return n ? WG_LEVEL(wg_sum_f32)(x, n) : 0; }
WG_INLINE double wg_row_sum_float64(const double *x, int64_t n) { return n ? WG_LEVEL(wg_sum_f64)(x, n) : 0; }
WG_INLINE float wg_row_max_float32(const float *x, int64_t n) { return n ? WG_LEVEL(wg_max_f32)(x, n) : 0; }
WG_INLINE double wg_row_max_float64(const double *x, int64_t n) { return n ? WG_LEVEL(wg_max_f64)(x, n) : 0; }

#endif
