/* batch_norm, fused: float32 and float64. Channels are dimension 1 of x (at least 2-d).
 *
 *     batch_norm(y, mean, var, rstd; x, weight, bias, running_mean, running_var; training, eps)
 *     batch_norm_vjp(gx, gweight, gbias; g, x, weight, mean, rstd; training)
 *
 * y = (x - mean) * rstd * weight + bias for each channel. In training mean, the unbiased variance var and
 * rstd = 1 / sqrt(biased variance + eps) are of the batch; otherwise mean and var are the running ones, which in training are
 * not read. Vectors have an element for each channel and are dense; weight, bias and any gradient may be absent. */
#include "rows.h"

#include <math.h>

/* Channels that lie side by side are taken in strips of at most STRIP, STRIP_ROWS rows at a time, whose sums are added up in
 * double precision. */
enum { STRIP = 64, STRIP_ROWS = 32 };

/* A channel is `segments` dense runs of n elements; strides in bytes. */
typedef struct {
    int64_t n, segments, classes, strip;
    char *p[3];
    int64_t channel[3], segment[3];
    int training, gx, dtype;
    double eps;
    const void *weight, *bias;
    const void *running_mean, *running_var;
    void *mean, *var, *rstd, *gweight, *gbias;
} channels;

#define AT(p, k, s) ((const T *)((const char *)(p) + (s) * j->segment[k]))

#define WG_TEMPLATE "batch_norm_typed.inc"
#define WG_FLOATS_ONLY
#include "each_dtype.h"

typedef void (*channels_fn)(void *, int64_t, int64_t);
/* by rows of a channel, by rows of channels */
static const channels_fn forwards[2][WG_NDTYPES] = {WG_TYPED_FLOATS(forward), WG_TYPED_FLOATS(forward_columns)},
                         backwards[2][WG_NDTYPES] = {WG_TYPED_FLOATS(backward), WG_TYPED_FLOATS(backward_columns)};

/* x with its channels first */
static void channels_first(wg_array *v, const wg_array *x) {
    wg_view_copy(v, x);
    v->shape[0] = x->shape[1];
    v->shape[1] = x->shape[0];
    v->strides[0] = x->strides[1];
    v->strides[1] = x->strides[0];
    wg_view_done(v);
}

/* Runs over the channels of the operands, the first nout of which are written. Images in memory are walked in their
 * segments, channels side by side in strips; what is neither is copied to be dense by channel. */
static int each_channel(channels *j, const channels_fn (*run)[WG_NDTYPES], int nout, int nop, wg_array *const *op) {
    wg_rows r;
    wg_nest t;
    const wg_array *view[3], *inner[3];
    wg_array without[3] = {{0}};
    int64_t classes = op[0]->shape[1], size = wg_itemsize[op[0]->dtype];
    if (!classes) return 0;
    for (int k = 0; k < nop; k++) {
        channels_first(&r.moved[k], op[k]);
        wg_view_copy(&without[k], &r.moved[k]);
        without[k].ndim--;
        memmove(without[k].shape, without[k].shape + 1, sizeof(int64_t) * without[k].ndim);
        memmove(without[k].strides, without[k].strides + 1, sizeof(int64_t) * without[k].ndim);
        wg_view_done(&without[k]);
        view[k] = &r.moved[k];
        inner[k] = &without[k];
    }
    wg_nest_arrays(&t, without[0].shape, without[0].ndim, nop, inner);
    j->classes = classes;
    int columns = t.ndim == 0 && t.runs && t.n > 1 && classes > 1;
    for (int k = 0; k < nop; k++) columns &= view[k]->strides[0] == 1;
    if (columns) {
        j->n = 1;
        j->segments = t.n;
        j->strip = classes < 4 * STRIP ? STRIP / 4 : STRIP;
        for (int k = 0; k < nop; k++) {
            j->p[k] = t.p[k];
            j->segment[k] = t.step[k];
        }
        wg_parallel_for((classes + j->strip - 1) / j->strip, 1, 30 + 0.3 * (double)(j->segments * j->strip), run[1][op[0]->dtype], j);
        return 0;
    }
    int segmented = t.ndim <= 1 && t.runs && (t.n >= 16 || t.runs == 1);
    for (int k = 0; k < nop; k++) segmented &= t.step[k] == size;
    if (!segmented) {
        if (wg_rows_take(&r, op[0]->ndim - 1, nout, nop)) return -1;
        for (int k = 0; k < nop; k++) view[k] = &r.row[k];
    }
    j->n = segmented ? t.n : r.n;
    j->segments = segmented ? t.runs : 1;
    for (int k = 0; k < nop; k++) {
        j->p[k] = view[k]->data;
        j->channel[k] = view[k]->strides[0] * size;
        j->segment[k] = segmented && t.ndim ? t.stride[0][k] : 0;
    }
    wg_parallel_for(classes, 1, 30 + 0.3 * (double)(j->n * j->segments), run[0][op[0]->dtype], j);
    return segmented ? 0 : wg_rows_end(&r);
}

static void *data_of(wg_array *x) { return wg_given(x) ? x->data : NULL; }

int WG_K(batch_norm)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    channels j = {.mean = op[1]->data, .var = op[2]->data, .rstd = op[3]->data, .weight = data_of(op[5]), .bias = data_of(op[6]),
                  .running_mean = data_of(op[7]), .running_var = data_of(op[8]), .training = (int)attr[0].i, .eps = wg_attr_float(attr[1])};
    return each_channel(&j, forwards, 1, 2, (wg_array *[]){op[0], op[4]});
}

int WG_K(batch_norm_vjp)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    channels j = {.gx = wg_given(op[0]), .gweight = data_of(op[1]), .gbias = data_of(op[2]), .weight = data_of(op[5]),
                  .mean = op[6]->data, .rstd = op[7]->data, .training = (int)attr[0].i};
    /* without a gx, g stands in for it and is not written */
    return each_channel(&j, backwards, j.gx, 3, (wg_array *[]){j.gx ? op[0] : op[3], op[3], op[4]});
}
