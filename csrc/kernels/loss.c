/* mse_loss reduced, fused: float32 and float64.
 *
 *     mse_loss(loss; x, target; reduction)                loss = sum((x - target)^2), divided by their number for a mean
 *     mse_loss_vjp(gx, gtarget; g, x, target; reduction)  gx = g * 2 (x - target), or that / number; gtarget = -gx
 *
 * reduction: 1 mean, 2 sum. x and target of one shape (broadcast by strides of 0); either gradient may be absent. Blocks of
 * 1024 elements go through the tree of the reductions, their sums are added in float64 one after another. */
#include "rows.h"

#include <math.h>

#define WG_TEMPLATE "loss_typed.inc"
#define WG_FLOATS_ONLY
#include "each_dtype.h"

enum { MEAN = 1 };

static double (*const squares[WG_NDTYPES])(const char *, const char *, int64_t) = WG_TYPED_FLOATS(squares);
static const wg_run slopes[WG_NDTYPES] = WG_TYPED_FLOATS(slopes);
static double (*const factors[WG_NDTYPES])(const wg_array *, double) = WG_TYPED_FLOATS(factor);

typedef struct { const char *x, *target; int64_t n; int dtype; double *part; } job;

static void run_blocks(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    for (int64_t b = begin; b < end; b++) {
        int64_t first = b * WG_BLOCK, offset = first * wg_itemsize[j->dtype], m = j->n - first < WG_BLOCK ? j->n - first : WG_BLOCK;
        j->part[b] = squares[j->dtype](j->x + offset, j->target + offset, m);
    }
}

int WG_K(mse_loss)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array *x = op[1], *target = op[2];
    wg_rows r;
    /* every dimension in one row: dense copies where need be */
    if (wg_rows_begin_last(&r, x->ndim, 0, 2, (wg_array *[]){x, target})) return -1;
    int64_t n = x->numel, blocks = (n + WG_BLOCK - 1) / WG_BLOCK;
    double few[16] = {0}, total = 0, *part = blocks <= 16 ? few : wg_scratch_get(blocks * (int64_t)sizeof(double));
    if (!part) {
        wg_rows_release(&r);
        return -1;
    }
    job j = {r.row[0].data, r.row[1].data, n, x->dtype, part};
    wg_parallel_for(blocks, 16, 0.15 * WG_BLOCK, run_blocks, &j);
    for (int64_t b = 0; b < blocks; b++) total += part[b];
    if (attr[0].i == MEAN) total /= (double)n;
    if (x->dtype == WG_F32) *(float *)op[0]->data = (float)total;
    else *(double *)op[0]->data = total;
    if (part != few) wg_scratch_put(part);
    wg_rows_release(&r);
    return 0;
}

int WG_K(mse_loss_vjp)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    const wg_array *g = op[2], *x = op[3], *target = op[4];
    for (int k = 0; k < 2; k++) {
        if (!wg_given(op[k])) continue;
        double scale = (k ? -2.0 : 2.0) / (attr[0].i == MEAN ? (double)x->numel : 1.0), factor = factors[x->dtype](g, scale);
        wg_nest t;
        wg_nest_arrays(&t, x->shape, x->ndim, 3, (const wg_array *[]){op[k], x, target});
        wg_nest_parallel(&t, 0.05 * wg_itemsize[x->dtype], slopes[x->dtype], &factor);
    }
    return 0;
}
