/* Indexing with several index arrays at once, as in x[i, j].
 *
 * The op layer passes x with the k indexed dimensions first and the k int64 index arrays broadcast to one shape
 * (steps of 0 allowed); the result has that shape followed by x's other dimensions. Negative indices count from the
 * end, and everything is checked before anything is written. */
#include "index.h"

enum { SMALL = 256 };                    /* offsets of so many indices stand on the stack */

/* Byte offsets into x of every tuple of indices, in row-major order. */
static int offsets_of(int64_t *offset, const wg_array *x, wg_array *const *index, int k) {
    int64_t bad;
    for (int j = 0; j < k; j++) {
        int64_t size = x->shape[j], stride = x->strides[j] * wg_itemsize[x->dtype], n = 0;
        if (!size && index[j]->numel) return wg_fail(WG_INDEX_ERROR, "index is out of bounds for dimension with size 0");
        if (find_outside(index[j], -size, size, &bad))
            return wg_fail(WG_INDEX_ERROR, "index %lld is out of bounds for dimension %d with size %lld", (long long)bad, j,
                           (long long)size);
        wg_nest t;
        wg_nest_arrays(&t, index[j]->shape, index[j]->ndim, 1, (const wg_array *[]){index[j]});
        if (t.runs) do
            for (int64_t i = 0; i < t.n; i++, n++) {
                int64_t v = *(const int64_t *)(t.p[0] + i * t.step[0]);
                offset[n] = (j ? offset[n] : 0) + (v < 0 ? v + size : v) * stride;
            }
        while (wg_nest_next(&t));
    }
    return 0;
}

/* The offsets, and x, in the shape of index 0 followed by x's other dimensions. */
static void spread(wg_array *at, wg_array *all, int64_t *offset, const wg_array *x, const wg_array *index, int k) {
    wg_view_make(at, offset, WG_I64, index->ndim, index->shape);
    wg_view_copy(all, x);
    for (int d = 0; d < index->ndim; d++) {
        all->shape[d] = index->shape[d];
        all->strides[d] = 0;
    }
    for (int d = k; d < x->ndim; d++) {
        int to = index->ndim + d - k;
        all->shape[to] = at->shape[to] = x->shape[d];
        all->strides[to] = x->strides[d];
        at->strides[to] = 0;
    }
    all->ndim = at->ndim = (uint8_t)(index->ndim + x->ndim - k);
    wg_view_done(all);
    wg_view_done(at);
    all->contiguous = 0;
    at->contiguous = x->ndim == k;
}

/* index_get(y, x, index0, ..., indexk-1) */
int WG_K(index_get)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)attr;
    int64_t small[SMALL], n = op[2]->numel, *offset = n <= SMALL ? small : wg_scratch_get(n * (int64_t)sizeof(int64_t));
    if (!offset) return -1;
    int failed = offsets_of(offset, op[1], op + 2, nop - 2);
    if (!failed) {
        wg_array at, x;
        spread(&at, &x, offset, op[1], op[2], nop - 2);
        gather_walk(op[0], &x, &at, 1);
    }
    if (offset != small) wg_scratch_put(offset);
    return failed;
}

/* index_put(y, values, index0, ..., indexk-1; accumulate): y[index0, ...] = values (or +=), in place and in values'
 * order at any number of threads; values broadcast to the shape of the result of index_get. */
int WG_K(index_put)(wg_array *const *op, int nop, const wg_attr *attr) {
    int64_t small[SMALL], n = op[2]->numel, *offset = n <= SMALL ? small : wg_scratch_get(n * (int64_t)sizeof(int64_t));
    if (!offset) return -1;
    int failed = offsets_of(offset, op[0], op + 2, nop - 2);
    if (!failed) {
        wg_array at, y;
        spread(&at, &y, offset, op[0], op[2], nop - 2);
        scatter_walk(&y, op[1], &at, 1, attr[0].i ? WG_SCATTER_ADD : WG_SCATTER_SET, NULL, 0, op[2]->ndim);
    }
    if (offset != small) wg_scratch_put(offset);
    return failed;
}
