/* Linear maps along dimensions: interpolation, and the sliding blocks of unfold; each with its adjoint. float32 and float64, row-major.
 *
 *     resample(y; x; mode, align_corners, scale)       x: (outer, n, inner), y: (outer, m, inner). mode: 0 nearest, 1 nearest-exact,
 *                                                      2 linear, 3 cubic. scale: step in x for a step in y; 0: by the sizes
 *     resample_vjp(gx; g; ...)
 *     unfold(y; x; kernel, dilation, padding, stride)  x: (N, C, H, W), y: (N, C, kh, kw, oh, ow); the pairs of attributes
 *     fold(x; y; ...)                                  the adjoint: adds */
#include "strided.h"

#include <math.h>

enum { NEAREST, NEAREST_EXACT, LINEAR, CUBIC, MOST_TAPS = 4 };

typedef struct resample_job {
    int64_t outer, n, m, inner;
    int taps;
    int64_t *at;                     /* [m][taps]: places in x */
    double *weight;
    const char *from;
    char *to;
} resample_job;

typedef struct unfold_job {
    int64_t channels, size[2], kernel[2], dilation[2], padding[2], stride[2], out[2];
    const char *from;
    char *to;
} unfold_job;

#define WG_TEMPLATE "resample_typed.inc"
#define WG_FLOATS_ONLY
#include "each_dtype.h"

typedef void (*body_fn)(void *, int64_t, int64_t);
static const body_fn resample_rows[WG_NDTYPES] = WG_TYPED_FLOATS(resample_rows), collect_rows[WG_NDTYPES] = WG_TYPED_FLOATS(collect_rows),
                     unfold_planes[WG_NDTYPES] = WG_TYPED_FLOATS(unfold_planes), fold_planes[WG_NDTYPES] = WG_TYPED_FLOATS(fold_planes);

/* The cubic convolution kernel with a = -0.75 (Keys 1981, eq. 4) at distances up to 1, and from 1 to 2. */
static double cubic_near(double t) { return (1.25 * t - 2.25) * t * t + 1; }
static double cubic_far(double t) { return ((-0.75 * t + 3.75) * t - 6) * t + 3; }

/* Which elements of x make element o of y, with which weights. PyTorch computes places in the tensor's type. */
static void taps_of(resample_job *j, int mode, int align_corners, double given, int single) {
    double scale = align_corners ? (j->m > 1 ? (double)(j->n - 1) / (double)(j->m - 1) : 0) : given > 0 ? given : (double)j->n / (double)j->m;
    if (single) scale = align_corners ? (j->m > 1 ? (float)(j->n - 1) / (float)(j->m - 1) : 0) : given > 0 ? (float)given : (float)j->n / (float)j->m;
    for (int64_t o = 0; o < j->m; o++) {
        int64_t *at = j->at + o * j->taps;
        double *weight = j->weight + o * j->taps;
        if (mode == NEAREST || mode == NEAREST_EXACT) {
            const double place = mode == NEAREST ? (double)o : (double)o + 0.5;
            const double source = single ? (double)((float)place * (float)scale) : place * scale;
            at[0] = (int64_t)floor(source);
            if (at[0] > j->n - 1) at[0] = j->n - 1;
            weight[0] = 1;
            continue;
        }
        double source = align_corners ? (double)o * scale : ((double)o + 0.5) * scale - 0.5;
        if (single) source = align_corners ? (float)o * (float)scale : ((float)o + 0.5f) * (float)scale - 0.5f;
        if (mode == LINEAR && source < 0) source = 0;
        int64_t first = (int64_t)floor(source);
        if (mode == LINEAR && first > j->n - 1) first = j->n - 1;
        double t = source - (double)first;
        if (mode == CUBIC) {
            const double w[4] = {cubic_far(t + 1), cubic_near(t), cubic_near(1 - t), cubic_far(2 - t)};
            for (int k = 0; k < 4; k++) {
                at[k] = first - 1 + k < 0 ? 0 : first - 1 + k > j->n - 1 ? j->n - 1 : first - 1 + k;
                weight[k] = w[k];
            }
        } else {
            if (t > 1) t = 1;
            at[0] = first;
            at[1] = first + (first < j->n - 1);
            weight[0] = 1 - t;
            weight[1] = t;
        }
    }
}

static int resample(const wg_array *image, const wg_array *result, wg_array *to, const wg_array *from, const wg_attr *attr, const body_fn *run) {
    resample_job j = {.outer = image->shape[0], .n = image->shape[1], .m = result->shape[1], .inner = image->shape[2],
                      .taps = attr[0].i == CUBIC ? 4 : attr[0].i == LINEAR ? 2 : 1, .from = from->data, .to = to->data};
    const int64_t list = j.m * j.taps;
    j.at = wg_scratch_get(2 * list * 8);
    if (!j.at) return -1;
    j.weight = (double *)(j.at + list);
    taps_of(&j, (int)attr[0].i, (int)attr[1].i, wg_attr_float(attr[2]), to->dtype == WG_F32);
    wg_parallel_for(j.outer, 1, 0.5 * (double)(j.taps * j.m * j.inner), run[to->dtype], &j);
    wg_scratch_put(j.at);
    return 0;
}

int WG_K(resample)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    return resample(op[1], op[0], op[0], op[1], attr, resample_rows);
}

int WG_K(resample_vjp)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    return resample(op[0], op[1], op[0], op[1], attr, collect_rows);
}

static int unfold(const wg_array *image, const wg_array *columns, wg_array *to, const wg_array *from, const wg_attr *attr, const body_fn *run) {
    unfold_job j = {.channels = image->shape[1], .from = from->data, .to = to->data};
    for (int d = 0; d < 2; d++) {
        j.size[d] = image->shape[2 + d];
        j.out[d] = columns->shape[4 + d];
        j.kernel[d] = attr[0].v[d];
        j.dilation[d] = attr[1].v[d];
        j.padding[d] = attr[2].v[d];
        j.stride[d] = attr[3].v[d];
    }
    const int64_t planes = image->shape[0] * j.channels;
    if (planes) wg_parallel_for(planes, 1, 0.5 * (double)(columns->numel / planes), run[to->dtype], &j);
    return 0;
}

int WG_K(unfold)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    return unfold(op[1], op[0], op[0], op[1], attr, unfold_planes);
}

int WG_K(fold)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    return unfold(op[0], op[1], op[0], op[1], attr, fold_planes);
}
