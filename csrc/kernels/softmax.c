/* softmax and log_softmax along one dimension, float32 and float64. A row of -inf gives NaN, as in PyTorch. */
#include "rows.h"

#include <math.h>

/* Where the dimension is not the last, neighbours in memory are walked together, STRIP at a time. */
enum { STRIP = 64, STRIP_ROWS = 32, LEAST_COLUMNS = 16 };

#define WG_TEMPLATE "softmax_typed.inc"
#define WG_FLOATS_ONLY
#include "each_dtype.h"

typedef void (*rows_fn)(int64_t n, int rows, char *const (*p)[WG_NEST_OPS], int log);
typedef void (*columns_fn)(int64_t n, int64_t m, char *const *p, const int64_t *step, int log);
static const columns_fn forward_columns[WG_NDTYPES] = WG_TYPED_FLOATS(softmax_columns),
                        backward_columns[WG_NDTYPES] = WG_TYPED_FLOATS(softmax_vjp_columns);
static const rows_fn forward[WG_NDTYPES] = WG_TYPED_FLOATS(softmax), backward[WG_NDTYPES] = WG_TYPED_FLOATS(softmax_vjp);

typedef struct { wg_nest t; int64_t n; rows_fn rows; int log; } job;

static void run_rows(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    wg_nest t;
    wg_nest_copy(&t, &j->t);
    wg_nest_seek(&t, begin);
    while (begin < end) {
        char *p[WG_GROUP][WG_NEST_OPS];
        int rows = wg_nest_group(&t, end - begin, p);
        j->rows(j->n, rows, p, j->log);
        begin += rows;
    }
}

typedef struct { wg_nest t; int64_t n, inner, strips, step[3]; int size; columns_fn columns; int log; } column_job;

static void run_strips(void *context, int64_t begin, int64_t end) {
    const column_job *j = context;
    for (int64_t item = begin; item < end; item++) {
        wg_nest t;
        wg_nest_copy(&t, &j->t);
        wg_nest_seek(&t, item / j->strips);
        const int64_t first = item % j->strips * STRIP, left = j->inner - first;
        for (int k = 0; k < t.nop; k++) t.p[k] += first * j->size;
        j->columns(j->n, left < STRIP ? left : STRIP, t.p, j->step, j->log);
    }
}

/* The number of neighbours in memory in each of which there is one line along dimension d; 0 where operands differ or have gaps. */
static int64_t columns_of(wg_array *const *op, int nop, int d) {
    int64_t inner = 1;
    for (int e = op[0]->ndim - 1; e > d; e--) {
        for (int k = 0; k < nop; k++) if (op[k]->shape[e] != 1 && op[k]->strides[e] != inner) return 0;
        inner *= op[0]->shape[e];
    }
    return inner;
}

static int along(wg_array *const *op, int nop, int64_t dim, const rows_fn *rows, const columns_fn *columns, int log, double cost_ns) {
    wg_rows r;
    const int d = wg_dim(op[0], dim);
    if (!op[0]->numel) return 0;
    const int64_t inner = op[0]->ndim ? columns_of(op, nop, d) : 0;
    if (inner >= LEAST_COLUMNS) {
        column_job c;                                     /* not initialised as a whole: a nest has much room */
        c.n = op[0]->shape[d];
        c.inner = inner;
        c.strips = (inner + STRIP - 1) / STRIP;
        c.size = wg_itemsize[op[0]->dtype];
        c.columns = columns[op[0]->dtype];
        c.log = log;
        wg_nest_rows(&c.t, op[0]->shape, d, nop, (const wg_array *const *)op);
        for (int k = 0; k < nop; k++) c.step[k] = op[k]->strides[d] * c.size;
        wg_parallel_for(c.t.runs * c.strips, 1, 10 + cost_ns * (double)(c.n * (inner < STRIP ? inner : STRIP)), run_strips, &c);
        return 0;
    }
    if (wg_rows_begin(&r, d, 1, nop, op)) return -1;
    const wg_array *a[3] = {&r.row[0], &r.row[1], nop > 2 ? &r.row[2] : NULL};
    job j;
    j.n = r.n;
    j.rows = rows[op[0]->dtype];
    j.log = log;
    wg_nest_rows(&j.t, a[0]->shape, a[0]->ndim - 1, nop, a);
    wg_parallel_for(j.t.runs, r.n < 256 ? 1024 / r.n + 1 : 1, 10 + cost_ns * (double)r.n, run_rows, &j);
    return wg_rows_end(&r);
}

/* softmax(y, x; dim), log_softmax(y, x; dim): y may be x. */
int WG_K(softmax)(wg_array *const *op, int nop, const wg_attr *attr) { return along(op, nop, attr[0].i, forward, forward_columns, 0, 0.5); }
int WG_K(log_softmax)(wg_array *const *op, int nop, const wg_attr *attr) { return along(op, nop, attr[0].i, forward, forward_columns, 1, 0.5); }

/* softmax_vjp(gx, g, y; dim), log_softmax_vjp(gx, g, y; dim): gx may be g or y. */
int WG_K(softmax_vjp)(wg_array *const *op, int nop, const wg_attr *attr) { return along(op, nop, attr[0].i, backward, backward_columns, 0, 0.2); }
int WG_K(log_softmax_vjp)(wg_array *const *op, int nop, const wg_attr *attr) { return along(op, nop, attr[0].i, backward, backward_columns, 1, 0.4); }
