/* layer_norm and rms_norm over the last `tail` dimensions, fused: float32 and float64.
 *
 *     layer_norm(y, mean, rstd; x, weight, bias; tail, eps)          y = (x - mean) * rstd * weight + bias
 *     layer_norm_vjp(gx, gweight, gbias; g, x, weight, mean, rstd; tail)
 *     rms_norm(y, rstd; x, weight; tail, eps)                        y = x * rstd * weight
 *     rms_norm_vjp(gx, gweight; g, x, weight, rstd; tail)
 *
 * weight, bias and any gradient may be absent. mean and rstd are dense, one number for each row; weight, bias and
 * their gradients have the shape of a row. rstd is 1 / sqrt(var + eps) with the biased variance, or with the mean of the
 * squares for rms_norm. The gradients of weight and bias are summed over chunks of 64 rows, one row after another, and
 * the chunks by a balanced binary tree. */
#include "rows.h"

#include <math.h>

enum { CHUNK = 64 };

typedef struct norm {
    int64_t n;
    double eps;
    int centered, gx;
    const void *weight, *bias;
    void *mean, *rstd;
    char *gweight, *gbias;                   /* a row for each chunk */
    int dtype;
    wg_nest t;                               /* last: it has much room, which is not initialised */
} norm;

#define WG_TEMPLATE "norm_typed.inc"
#define WG_FLOATS_ONLY
#include "each_dtype.h"

static void (*const forwards[WG_NDTYPES])(const norm *, int64_t, int64_t, wg_nest *) = WG_TYPED_FLOATS(forward);
static void (*const backwards[WG_NDTYPES])(const norm *, int64_t, int64_t, wg_nest *, char *, char *) = WG_TYPED_FLOATS(backward);
static void (*const joins[WG_NDTYPES])(char *, const char *, int64_t) = WG_TYPED_FLOATS(join);

static void run_forward(void *context, int64_t begin, int64_t end) {
    const norm *j = context;
    wg_nest t;
    wg_nest_copy(&t, &j->t);
    wg_nest_seek(&t, begin);
    forwards[j->dtype](j, begin, end - begin, &t);
}

static void run_backward(void *context, int64_t begin, int64_t end) {
    const norm *j = context;
    int64_t row = j->n * wg_itemsize[j->dtype];
    for (int64_t chunk = begin; chunk < end; chunk++) {
        wg_nest t;
        wg_nest_copy(&t, &j->t);
        int64_t first = chunk * CHUNK, rows = t.runs - first < CHUNK ? t.runs - first : CHUNK;
        wg_nest_seek(&t, first);
        backwards[j->dtype](j, first, rows, &t, j->gweight ? j->gweight + chunk * row : NULL, j->gbias ? j->gbias + chunk * row : NULL);
    }
}

/* A dense view of weight or bias: itself or a copy in *own (the caller puts it back). -1: no memory. */
static int dense_row(const void **data, void **own, wg_array *weight) {
    *own = NULL;
    *data = wg_given(weight) ? weight->data : NULL;
    if (!*data || weight->contiguous) return 0;
    wg_array dense;
    int64_t stride = 1;
    wg_view_copy(&dense, weight);
    for (int d = weight->ndim - 1; d >= 0; d--) {
        dense.strides[d] = stride;
        stride *= dense.shape[d];
    }
    dense.contiguous = 1;
    if (!(*own = dense.data = wg_scratch_get(weight->numel * wg_itemsize[weight->dtype]))) return -1;
    *data = *own;
    return WG_K(copy)((wg_array *[]){&dense, weight}, 2, NULL);
}

static int normalize(wg_array *y, wg_array *mean, wg_array *rstd, wg_array *x, wg_array *weight, wg_array *bias, const wg_attr *attr) {
    wg_rows r;
    void *own[2] = {NULL, NULL};
    norm j;
    memset(&j, 0, offsetof(norm, t));
    j.eps = wg_attr_float(attr[1]);
    j.centered = mean != NULL;
    j.mean = mean ? mean->data : NULL;
    j.rstd = rstd->data;
    j.dtype = x->dtype;
    int failed = dense_row(&j.weight, &own[0], weight) || dense_row(&j.bias, &own[1], bias) ||
                 wg_rows_begin_last(&r, (int)attr[0].i, 1, 2, (wg_array *[]){y, x});
    if (!failed) {
        j.n = r.n;
        wg_nest_rows(&j.t, r.row[0].shape, r.outer, 2, (const wg_array *[]){&r.row[0], &r.row[1]});
        wg_parallel_for(j.t.runs, 8, 15 + 0.25 * (double)j.n, run_forward, &j);
        failed = wg_rows_end(&r);
    }
    for (int k = 1; k >= 0; k--) if (own[k]) wg_scratch_put(own[k]);
    return failed ? -1 : 0;
}

/* gweight or gbias: the sum of its chunks, joined in place. */
static int sum_chunks(wg_array *to, char *chunks, int64_t count, int64_t n) {
    int64_t row = n * wg_itemsize[to->dtype];
    for (int64_t step = 1; step < count; step *= 2)
        for (int64_t c = 0; c + step < count; c += 2 * step) joins[to->dtype](chunks + c * row, chunks + (c + step) * row, n);
    wg_array from;
    int64_t stride = 1;
    wg_view_copy(&from, to);
    for (int d = to->ndim - 1; d >= 0; d--) {
        from.strides[d] = stride;
        stride *= from.shape[d];
    }
    from.contiguous = 1;
    from.data = chunks;
    return count ? WG_K(copy)((wg_array *[]){to, &from}, 2, NULL) : WG_K(fill)((wg_array *[]){to}, 1, (wg_attr[]){WG_INT(0)});
}

static int normalize_vjp(wg_array *gx, wg_array *gweight, wg_array *gbias, wg_array *g, wg_array *x, wg_array *weight, wg_array *mean,
                         wg_array *rstd, int tail) {
    wg_rows r;
    void *own = NULL, *chunks = NULL;
    norm j;
    memset(&j, 0, offsetof(norm, t));
    j.centered = mean != NULL;
    j.gx = wg_given(gx);
    j.mean = mean ? mean->data : NULL;
    j.rstd = rstd->data;
    j.dtype = x->dtype;
    int sums = wg_given(gweight) + wg_given(gbias);
    /* without a gx the rows have a stand-in, which is not written */
    int failed = dense_row(&j.weight, &own, weight) || (j.gx ? wg_rows_begin_last(&r, tail, 1, 3, (wg_array *[]){gx, g, x})
                                                             : wg_rows_begin_last(&r, tail, 0, 3, (wg_array *[]){g, g, x}));
    if (!failed) {
        j.n = r.n;
        wg_nest_rows(&j.t, r.row[1].shape, r.outer, 3, (const wg_array *[]){&r.row[0], &r.row[1], &r.row[2]});
        int64_t count = (j.t.runs + CHUNK - 1) / CHUNK, bytes = count * j.n * wg_itemsize[j.dtype];
        if (sums && !(chunks = wg_scratch_get(sums * bytes))) failed = 1;
        else {
            j.gweight = wg_given(gweight) ? chunks : NULL;
            j.gbias = wg_given(gbias) ? (char *)chunks + (sums - 1) * bytes : NULL;
            wg_parallel_for(count, 1, CHUNK * (15 + 0.5 * (double)j.n), run_backward, &j);
            if (j.gweight) failed |= sum_chunks(gweight, j.gweight, count, j.n);
            if (j.gbias) failed |= sum_chunks(gbias, j.gbias, count, j.n);
        }
        if (chunks) wg_scratch_put(chunks);
        if (failed) wg_rows_release(&r);
        else failed = wg_rows_end(&r);
    }
    if (own) wg_scratch_put(own);
    return failed ? -1 : 0;
}

int WG_K(layer_norm)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    return normalize(op[0], op[1], op[2], op[3], op[4], op[5], attr);
}

int WG_K(layer_norm_vjp)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    return normalize_vjp(op[0], op[1], op[2], op[3], op[4], op[5], op[6], op[7], (int)attr[0].i);
}

int WG_K(rms_norm)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    return normalize(op[0], NULL, op[1], op[2], op[3], NULL, attr);
}

int WG_K(rms_norm_vjp)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    return normalize_vjp(op[0], op[1], NULL, op[2], op[3], op[4], NULL, op[5], (int)attr[0].i);
}
