/* The plan of a reduction: which dimensions, in which order. */
#include "reduce_common.h"

typedef struct { int64_t size, x, out; int reduced; } dim;

static int64_t magnitude(int64_t v) { return v < 0 ? -v : v; }

static void plan(wg_reduce *r, const wg_array *out, const wg_array *x, int acc, wg_reduce_map map, int ordered) {
    dim dims[WG_MAX_DIMS];
    int n = 0;
    r->outputs = r->count = 1;
    for (int d = 0; d < x->ndim; d++) {
        int64_t size = x->shape[d];
        if (size == 1) continue;
        dim v = {size, x->strides[d], out->strides[d], out->shape[d] != size};
        if (v.reduced) r->count *= size; else r->outputs *= size;
        /* Larger strides first. A stride of 0 compares with nothing, so that an expanded array is
         * traversed in the order, and summed to the bits, of its dense copy. */
        int i = n++;
        for (; i > 0 && v.x && dims[i - 1].x && magnitude(dims[i - 1].x) < magnitude(v.x); i--) {
            if (ordered && v.reduced && dims[i - 1].reduced) break;
            dims[i] = dims[i - 1];
        }
        dims[i] = v;
    }
    int m = 0;
    for (int i = 0; i < n; i++) {
        dim *last = &dims[m - 1];
        if (m && last->reduced == dims[i].reduced && last->x == dims[i].size * dims[i].x &&
            (last->reduced || last->out == dims[i].size * dims[i].out)) {
            dims[i].size *= last->size;
            *last = dims[i];
        } else {
            dims[m++] = dims[i];
        }
    }
    r->nkept = r->nreduced = 0;
    for (int i = 0; i < m; i++) {
        if (dims[i].reduced) {
            r->reduced[r->nreduced] = dims[i].size;
            r->reduced_x[r->nreduced++] = dims[i].x;
        } else {
            r->kept[r->nkept] = dims[i].size;
            r->kept_x[r->nkept] = dims[i].x;
            r->kept_out[r->nkept++] = dims[i].out;
        }
    }
    r->columns = m && !dims[m - 1].reduced;
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
