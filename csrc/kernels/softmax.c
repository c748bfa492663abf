/* softmax and log_softmax along one dimension, float32 and float64. A row of -inf gives NaN, as in PyTorch. */
#include "rows.h"

#include <math.h>

#define WG_TEMPLATE "softmax_typed.inc"
#define WG_FLOATS_ONLY
#include "each_dtype.h"

typedef void (*rows_fn)(int64_t n, int rows, char *const (*p)[WG_NEST_OPS], int log);
static const rows_fn forward[WG_NDTYPES] = WG_TYPED_FLOATS(softmax), backward[WG_NDTYPES] = WG_TYPED_FLOATS(softmax_vjp);

typedef struct { wg_nest t; int64_t n; rows_fn rows; int log; } job;

static void run_rows(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    wg_nest t = j->t;
    wg_nest_seek(&t, begin);
    while (begin < end) {
        char *p[WG_GROUP][WG_NEST_OPS];
        int rows = wg_nest_group(&t, end - begin, p);
        j->rows(j->n, rows, p, j->log);
        begin += rows;
    }
}

static int along(wg_array *const *op, int nop, int64_t d, const rows_fn *rows, int log, double cost_ns) {
    wg_rows r;
    if (!op[0]->numel) return 0;
    if (wg_rows_begin(&r, wg_dim(op[0], d), 1, nop, op)) return -1;
    const wg_array *a[3] = {&r.row[0], &r.row[1], nop > 2 ? &r.row[2] : NULL};
    job j = {.n = r.n, .rows = rows[op[0]->dtype], .log = log};
    wg_nest_rows(&j.t, a[0]->shape, a[0]->ndim - 1, nop, a);
    wg_parallel_for(j.t.runs, r.n < 256 ? 1024 / r.n + 1 : 1, 10 + cost_ns * (double)r.n, run_rows, &j);
    return wg_rows_end(&r);
}

/* softmax(y, x; dim), log_softmax(y, x; dim): y may be x. */
int WG_K(softmax)(wg_array *const *op, int nop, const wg_attr *attr) { return along(op, nop, attr[0].i, forward, 0, 0.5); }
int WG_K(log_softmax)(wg_array *const *op, int nop, const wg_attr *attr) { return along(op, nop, attr[0].i, forward, 1, 0.5); }

/* softmax_vjp(gx, g, y; dim), log_softmax_vjp(gx, g, y; dim): gx may be g or y. */
int WG_K(softmax_vjp)(wg_array *const *op, int nop, const wg_attr *attr) { return along(op, nop, attr[0].i, backward, 0, 0.2); }
int WG_K(log_softmax_vjp)(wg_array *const *op, int nop, const wg_attr *attr) { return along(op, nop, attr[0].i, backward, 1, 0.4); }
