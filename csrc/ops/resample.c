/* Interpolation along one dimension, and sliding blocks. Half types are computed in float32, integers of blocks in float64. */
#include "ops.h"

#include <stdio.h>

#define WG_FORWARD(name) int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y)

static int computed_in(int dtype) { return dtype == WG_F64 || !WG_IS_FLOAT(dtype) ? WG_F64 : WG_F32; }

/* y = kernel(x), y being new; the kernel sees both in these shapes. */
static int launch(int kernel, wg_val *y, int ndim, const int64_t *shape, const wg_array *x, int n, const int64_t *y_shape, const int64_t *x_shape,
                  const wg_attr *attr, int nattr) {
    const int wide = computed_in(x->dtype);
    wg_val own;
    wg_array view[2];
    const wg_array *in = x;
    wg_val_clear(&own);
    int status = wg_new(y, wide, ndim, shape);
    if (status == 0 && (x->dtype != wide || !x->contiguous)) {
        status = wg_copy_new(&own, wide, x, 1);
        in = &own.a;
    }
    if (status == 0 && y->a.numel) {
        memcpy(&view[0], &y->a, offsetof(wg_array, shape));
        memcpy(&view[1], in, offsetof(wg_array, shape));
        wg_array_set_dims(&view[0], n, y_shape, NULL);
        wg_array_set_dims(&view[1], n, x_shape, NULL);
        status = wg_launch(kernel, (wg_array *[]){&view[0], &view[1]}, 2, attr, nattr);
    }
    wg_val_release(&own);
    return wg_done(y, status) < 0 ? -1 : wg_narrow(y, x->dtype);
}

/* ---- interpolation ---------------------------------------------------------------------------------------------- */

/* x; dim, size, mode, align_corners, scale */
static int resample(int kernel, const char *name, const wg_val *const *x, const wg_attr *attr, wg_val *y) {
    const wg_array *a = &x[0]->a;
    int64_t shape[WG_MAX_DIMS], from[3] = {1, 0, 1}, to[3];
    int dim;
    wg_val_clear(y);
    if (!WG_IS_FLOAT(a->dtype)) return wg_fail(WG_NOT_IMPLEMENTED, "\"%s\" not implemented for '%s'", name, wg_dtype_title[a->dtype]);
    if (a->ndim == 0) return wg_fail(WG_RUNTIME_ERROR, "interpolation needs a dimension");
    if (wg_wrap_dim(attr[0].i, a->ndim, &dim) < 0) return -1;
    if (attr[1].i <= 0 || a->shape[dim] <= 0)
        return wg_fail(WG_RUNTIME_ERROR, "Input and output sizes should be greater than 0, but got input (%lld) and output (%lld)",
                       (long long)a->shape[dim], (long long)attr[1].i);
    for (int d = 0; d < a->ndim; d++) {
        shape[d] = d == dim ? attr[1].i : a->shape[d];
        if (d != dim) from[d < dim ? 0 : 2] *= a->shape[d];
    }
    from[1] = a->shape[dim];
    memcpy(to, from, sizeof to);
    to[1] = attr[1].i;
    return launch(kernel, y, a->ndim, shape, a, 3, to, from, attr + 2, 3);
}

WG_FORWARD(_resample) { (void)nx; return resample(WG_K_resample, "interpolate", x, attr, y); }
WG_FORWARD(_resample_back) { (void)nx; return resample(WG_K_resample_vjp, "interpolate", x, attr, y); }

/* ---- sliding blocks --------------------------------------------------------------------------------------------- */

typedef struct blocks { int64_t kernel[2], dilation[2], padding[2], stride[2], out[2]; } blocks;

static int read_pair(const char *name, const wg_attr *list, int64_t *to) {
    if (list->n != 1 && list->n != 2) return wg_fail(WG_RUNTIME_ERROR, "It is expected %s equals to 2, but got size %u", name, (unsigned)list->n);
    for (int d = 0; d < 2; d++) to[d] = list->v[list->n == 1 ? 0 : d];
    return 0;
}

static int positive(const char *title, const char *name, const int64_t *v, int64_t least) {
    if (v[0] >= least && v[1] >= least) return 0;
    return wg_fail(WG_RUNTIME_ERROR, "%s should be %s, but got %s_height: %lld %s_width: %lld", title, least ? "greater than zero" : "non-negative", name,
                   (long long)v[0], name, (long long)v[1]);
}

static int read_blocks(blocks *b, const wg_attr *attr) {
    return read_pair("kernel_size", &attr[0], b->kernel) < 0 || read_pair("dilation", &attr[1], b->dilation) < 0 ||
           read_pair("padding", &attr[2], b->padding) < 0 || read_pair("stride", &attr[3], b->stride) < 0 ||
           positive("kernel size", "kernel", b->kernel, 1) < 0 || positive("stride", "stride", b->stride, 1) < 0 ||
           positive("dilation", "dilation", b->dilation, 1) < 0 || positive("padding", "pad", b->padding, 0) < 0 ? -1 : 0;
}

/* Sizes may be anything that an int64 holds: what does not fit one, nor one more, is as large as no memory is. */
#define MOST (INT64_MAX - 1)
static int64_t bounded(__int128 x) { return x > MOST ? MOST : x < -MOST ? -MOST : (int64_t)x; }

static int64_t product(int64_t a, int64_t b) { return bounded((__int128)a * b); }

/* How far the first block may be moved. */
static int64_t room_of(const blocks *b, const int64_t *size, int d) {
    return bounded((__int128)size[d] + (__int128)2 * b->padding[d] - (__int128)b->dilation[d] * (b->kernel[d] - 1) - 1);
}

static void count_blocks(blocks *b, const int64_t *size) {
    for (int d = 0; d < 2; d++) {
        const int64_t room = room_of(b, size, d);
        b->out[d] = room < 0 ? 0 : room / b->stride[d] + 1;
    }
}

/* x; kernel_size, dilation, padding, stride */
WG_FORWARD(_unfold) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    blocks b;
    wg_val_clear(y);
    if (read_blocks(&b, attr) < 0) return -1;
    const int lead = a->ndim - 2;
    int empty = lead == 1 || lead == 2 ? 0 : 1;
    for (int d = lead == 2; !empty && d < a->ndim; d++) empty = a->shape[d] == 0;
    if (empty)
        return wg_fail(WG_RUNTIME_ERROR, "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, "
                       "but got: %s", WG_SHAPE(a));
    if (!WG_IS_FLOAT(a->dtype) && a->dtype != WG_BOOL)
        return wg_fail(WG_NOT_IMPLEMENTED, "\"im2col_out_cpu\" not implemented for '%s'", wg_dtype_title[a->dtype]);
    const int64_t *size = a->shape + lead;
    count_blocks(&b, size);
    if (b.out[0] < 1 || b.out[1] < 1) {
        int64_t negative[2];
        for (int d = 0; d < 2; d++) {
            const int64_t room = room_of(&b, size, d);
            negative[d] = room < 0 ? -((-room - 1) / b.stride[d]) : b.out[d];
        }
        return wg_fail(WG_RUNTIME_ERROR, "Given input with spatial size (%lld, %lld), kernel_size=(%lld, %lld), dilation=(%lld, %lld), padding=(%lld, %lld), "
                       "calculated shape of the array of sliding blocks as (%lld, %lld), but its components must be at least one.", (long long)size[0],
                       (long long)size[1], (long long)b.kernel[0], (long long)b.kernel[1], (long long)b.dilation[0], (long long)b.dilation[1],
                       (long long)b.padding[0], (long long)b.padding[1], (long long)negative[0], (long long)negative[1]);
    }
    const int64_t images = lead == 2 ? a->shape[0] : 1, channels = a->shape[lead - 1];
    const int64_t shape[3] = {images, product(channels, product(b.kernel[0], b.kernel[1])), product(b.out[0], b.out[1])};
    const int64_t to[6] = {images, channels, b.kernel[0], b.kernel[1], b.out[0], b.out[1]}, from[6] = {images, channels, size[0], size[1], 1, 1};
    wg_attr kernel[4] = {WG_INTS(b.kernel, 2), WG_INTS(b.dilation, 2), WG_INTS(b.padding, 2), WG_INTS(b.stride, 2)};
    return launch(WG_K_unfold, y, lead + 1, shape + 2 - lead, a, 6, to, from, kernel, 4);
}

/* x; output_size, kernel_size, dilation, padding, stride */
WG_FORWARD(_fold) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    int64_t size[2];
    blocks b;
    wg_val_clear(y);
    if (attr[0].n != 2) return wg_fail(WG_RUNTIME_ERROR, "It is expected output_size equals to 2, but got size %u", (unsigned)attr[0].n);
    if (read_pair("output_size", &attr[0], size) < 0 || read_blocks(&b, attr + 1) < 0) return -1;
    const int lead = a->ndim - 1;
    int empty = lead == 1 || lead == 2 ? 0 : 1;
    for (int d = lead == 2; !empty && d < a->ndim; d++) empty = a->shape[d] == 0;
    if (empty)
        return wg_fail(WG_RUNTIME_ERROR, "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but "
                       "got: %s", WG_SHAPE(a));
    if (a->dtype == WG_BOOL) return wg_fail(WG_NOT_IMPLEMENTED, "\"col2im_out_cpu\" not implemented for 'Bool'");
    const int64_t taps = product(b.kernel[0], b.kernel[1]), rows = a->shape[lead - 1], columns = a->shape[lead];
    if (rows % taps)
        return wg_fail(WG_RUNTIME_ERROR, "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size(1)=%lld and "
                       "kernel_size=(%lld, %lld).", (long long)rows, (long long)b.kernel[0], (long long)b.kernel[1]);
    count_blocks(&b, size);
    if (product(b.out[0], b.out[1]) != columns)
        return wg_fail(WG_RUNTIME_ERROR, "Given output_size=(%lld, %lld), kernel_size=(%lld, %lld), dilation=(%lld, %lld), padding=(%lld, %lld), "
                       "stride=(%lld, %lld), expected size of input's dimension 2 to match the calculated number of sliding blocks %lld * %lld = %lld, but "
                       "got input.size(2)=%lld.", (long long)size[0], (long long)size[1], (long long)b.kernel[0], (long long)b.kernel[1],
                       (long long)b.dilation[0], (long long)b.dilation[1], (long long)b.padding[0], (long long)b.padding[1], (long long)b.stride[0],
                       (long long)b.stride[1], (long long)b.out[0], (long long)b.out[1], (long long)product(b.out[0], b.out[1]), (long long)columns);
    const int64_t images = lead == 2 ? a->shape[0] : 1, channels = rows / taps;
    const int64_t shape[4] = {images, channels, size[0], size[1]};
    const int64_t from[6] = {images, channels, b.kernel[0], b.kernel[1], b.out[0], b.out[1]}, to[6] = {images, channels, size[0], size[1], 1, 1};
    wg_attr kernel[4] = {WG_INTS(b.kernel, 2), WG_INTS(b.dilation, 2), WG_INTS(b.padding, 2), WG_INTS(b.stride, 2)};
    return launch(WG_K_fold, y, lead + 2, shape + 2 - lead, a, 6, to, from, kernel, 4);
}
