/* batch_norm, fused: float32 and float64. Channels are dimension 1 of x (at least 2-d).
 *
 *     batch_norm(y, mean, rstd; x, weight, bias, running_mean, running_var; training, momentum, eps)
 *     batch_norm_vjp(gx, gweight, gbias; g, x, weight, mean, rstd; training)
 *
 * y = (x - mean) * rstd * weight + bias for each channel. In training mean and rstd = 1 / sqrt(biased variance + eps) are of
 * the batch, and running statistics that are given move towards them: r = (1 - momentum) r + momentum * statistic, with the
 * unbiased variance. Otherwise they are the running ones. Vectors have an element for each channel and are dense; weight,
 * bias, in training the running statistics, and any gradient may be absent. */
#include "rows.h"

#include <math.h>

/* A channel is `segments` dense runs of n elements; strides in bytes. */
typedef struct {
    int64_t n, segments;
    char *p[3];
    int64_t channel[3], segment[3];
    int training, gx, dtype;
    double momentum, eps;
    const void *weight, *bias;
    void *mean, *rstd, *running_mean, *running_var, *gweight, *gbias;
} channels;

#define AT(p, k, s) ((const T *)((const char *)(p) + (s) * j->segment[k]))

#define WG_TEMPLATE "batch_norm_typed.inc"
#define WG_FLOATS_ONLY
#include "each_dtype.h"

typedef void (*channels_fn)(void *, int64_t, int64_t);
static const channels_fn forwards[WG_NDTYPES] = WG_TYPED_FLOATS(forward), backwards[WG_NDTYPES] = WG_TYPED_FLOATS(backward);

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
 * segments; what is not dense within them is copied to be dense by channel. */
static int each_channel(channels *j, const channels_fn *run, int nout, int nop, wg_array *const *op) {
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
    wg_parallel_for(classes, 1, 30 + 0.3 * (double)(j->n * j->segments), run[op[0]->dtype], j);
    return segmented ? 0 : wg_rows_end(&r);
}

static void *data_of(wg_array *x) { return wg_given(x) ? x->data : NULL; }

int WG_K(batch_norm)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    channels j = {.mean = op[1]->data, .rstd = op[2]->data, .weight = data_of(op[4]), .bias = data_of(op[5]),
                  .running_mean = data_of(op[6]), .running_var = data_of(op[7]), .training = (int)attr[0].i,
                  .momentum = wg_attr_float(attr[1]), .eps = wg_attr_float(attr[2])};
    return each_channel(&j, forwards, 1, 2, (wg_array *[]){op[0], op[3]});
}

int WG_K(batch_norm_vjp)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    channels j = {.gx = wg_given(op[0]), .gweight = data_of(op[1]), .gbias = data_of(op[2]), .weight = data_of(op[5]),
                  .mean = op[6]->data, .rstd = op[7]->data, .training = (int)attr[0].i};
    /* without a gx, g stands in for it and is not written */
    return each_channel(&j, backwards, j.gx, 3, (wg_array *[]){j.gx ? op[0] : op[3], op[3], op[4]});
}
