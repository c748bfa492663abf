/* The two walks that every indexing kernel is made of, and the checks before them. */
#ifndef WG_INDEX_H
#define WG_INDEX_H

#include "cast.h"
#include "strided.h"

#define find_outside WG_LEVEL(wg_find_outside)
#define gather_walk WG_LEVEL(wg_gather_walk)
#define scatter_walk WG_LEVEL(wg_scatter_walk)

/* Is an element of the int64 array outside [low, high)? The first in row-major order comes back in *bad. */
int find_outside(const wg_array *index, int64_t low, int64_t high, int64_t *bad);

/* y[...] = x[... + index[...] * stride bytes]: all three of y's shape, x with steps of 0 along the dimension that
 * the index chooses in. */
void gather_walk(const wg_array *y, const wg_array *x, const wg_array *index, int64_t stride);

enum { WG_SCATTER_SET, WG_SCATTER_ADD, WG_SCATTER_MUL, WG_SCATTER_MAX, WG_SCATTER_MIN };

/* y[... + index[...] * stride bytes] = (or +=, ...) x[...]: all of x's shape, y with steps of 0 along the
 * dimensions [chosen, chosen + nchosen), in x's row-major order whatever the number of threads. `alpha`, an
 * element of y's dtype, multiplies x in WG_SCATTER_ADD; NULL: 1. */
void scatter_walk(const wg_array *y, const wg_array *x, const wg_array *index, int64_t stride, int how, const void *alpha,
                  int chosen, int nchosen);

/* x with the shape and strides of dimension d replaced (stride in elements) */
WG_INLINE void wg_view_set_dim(wg_array *v, int d, int64_t size, int64_t stride) {
    v->shape[d] = size;
    v->strides[d] = stride;
    wg_view_done(v);
    if (v->numel > 1 && !stride && size > 1) v->contiguous = 0;
}

/* A dense array over memory of the kernel's own. */
WG_INLINE void wg_view_make(wg_array *v, void *data, int dtype, int ndim, const int64_t *shape) {
    v->data = data;
    v->storage = NULL;
    v->dtype = (uint8_t)dtype;
    v->ndim = (uint8_t)ndim;
    v->is_number = 0;
    v->numel = 1;
    for (int d = ndim - 1; d >= 0; d--) {
        v->shape[d] = shape[d];
        v->strides[d] = v->numel;
        v->numel *= shape[d];
    }
    v->contiguous = 1;
}

/* One element at `data`, seen in every place of `like`'s shape. */
WG_INLINE void wg_view_everywhere(wg_array *v, void *data, int dtype, const wg_array *like) {
    wg_view_make(v, data, dtype, like->ndim, like->shape);
    for (int d = 0; d < v->ndim; d++) v->strides[d] = 0;
    v->contiguous = v->numel <= 1;
}

#endif
