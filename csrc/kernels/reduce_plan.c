/* The plan of a reduction: which dimensions, in which order. */
#include "reduce_common.h"

static int64_t magnitude(int64_t v) { return v < 0 ? -v : v; }

static void plan(wg_reduce *r, const wg_array *out, const wg_array *x, int acc, wg_reduce_map map, int ordered) {
    int order[WG_MAX_DIMS], n = 0;              /* the dimensions of x, slowest first */
    r->outputs = r->count = 1;
    for (int d = 0; d < x->ndim; d++) {
        const int64_t size = x->shape[d], stride = x->strides[d];
        if (size == 1) continue;
        const int reduced = out->shape[d] != size;
        if (reduced) r->count *= size; else r->outputs *= size;
        /* Larger strides first. A stride of 0 compares with nothing, so that an expanded array is
         * traversed in the order, and summed to the bits, of its dense copy. */
        int i = n++;
        for (; i > 0; i--) {
            const int e = order[i - 1];
            if (!stride || !x->strides[e] || magnitude(x->strides[e]) >= magnitude(stride)) break;
            if (ordered && reduced && out->shape[e] != x->shape[e]) break;
            order[i] = e;
        }
        order[i] = d;
    }
    int nkept = 0, nreduced = 0, before = -1;   /* before: was the neighbour reduced? */
    for (int i = 0; i < n; i++) {
        const int d = order[i];
        const int64_t size = x->shape[d], stride = x->strides[d], out_stride = out->strides[d];
        const int reduced = out->shape[d] != size;
        if (reduced) {
            if (before == 1 && r->reduced_x[nreduced - 1] == size * stride) {
                r->reduced[nreduced - 1] *= size;
                r->reduced_x[nreduced - 1] = stride;
            } else {
                r->reduced[nreduced] = size;
                r->reduced_x[nreduced++] = stride;
            }
        } else {
            if (before == 0 && r->kept_x[nkept - 1] == size * stride && r->kept_out[nkept - 1] == size * out_stride) {
                r->kept[nkept - 1] *= size;
                r->kept_x[nkept - 1] = stride;
                r->kept_out[nkept - 1] = out_stride;
            } else {
                r->kept[nkept] = size;
                r->kept_x[nkept] = stride;
                r->kept_out[nkept++] = out_stride;
            }
        }
        before = reduced;
    }
    r->columns = before == 0;
    r->nkept = nkept;
    r->nreduced = nreduced;
    /* One dimension of each kind at least, so that the engine has no special cases. */
    if (!r->nkept) { r->kept[0] = 1; r->kept_x[0] = r->kept_out[0] = 0; r->nkept = 1; }
    if (!r->nreduced) { r->reduced[0] = 1; r->reduced_x[0] = 1; r->nreduced = 1; }
    r->x = x->data;
    r->out = out->data;
    r->xdtype = x->dtype;
    r->odtype = out->dtype;
    r->acc = (uint8_t)acc;
    r->direct = map == WG_MAP_COPY && x->dtype == acc;
    r->load = WG_LEVEL(wg_reduce_loader)(map, x->dtype, acc);
    r->load_ns = map == WG_MAP_EXP || map == WG_MAP_POWER ? 5.0f : 0.3f;
    r->add = 0;
    r->p = 0;
    r->c = NULL;
    r->dense = NULL;
    r->finish = NULL;
}

void WG_LEVEL(wg_reduce_plan)(wg_reduce *r, const wg_array *out, const wg_array *x, int acc, wg_reduce_map map) {
    plan(r, out, x, acc, map, 0);
}

void WG_LEVEL(wg_reduce_plan_ordered)(wg_reduce *r, const wg_array *out, const wg_array *x, int acc) {
    plan(r, out, x, acc, WG_MAP_COPY, 1);
}
