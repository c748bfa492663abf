/* Pooling and its adjoints, in one to three dimensions. Images may come without the batch dimension. Half types are computed
 * in float32, integers in float64. Kernels see planes: (N, C, D, H, W), row-major. */
#include "ops.h"

#include <stdio.h>

#define WG_FORWARD(name) int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y)

typedef struct pool {
    int n;                                   /* spatial dimensions */
    int64_t kernel[3], stride[3], padding[3], dilation[3];   /* leading ones are trivial: padded to three */
    int64_t out[3];                          /* by their own dimensions */
} pool;

/* ---- arguments -------------------------------------------------------------------------------------------------- */

static int read_list(const char *op, int n, const char *name, int omit, const wg_attr *list, const wg_attr *instead, int64_t trivial, int64_t *to) {
    static const char *const words[] = {"", "one int", "two ints", "three ints"};
    const wg_attr *from = instead && (list->tag == WG_A_NONE || list->n == 0) ? instead : list;
    if (from->n != 1 && (int)from->n != n)
        return wg_fail(WG_RUNTIME_ERROR, "%s%dd: %s must either be %sa single int, or a tuple of %s", op, n, name, omit ? "omitted, " : "", words[n]);
    for (int d = 0; d < 3; d++) to[d] = trivial;
    for (int d = 0; d < n; d++) to[3 - n + d] = from->v[from->n == 1 ? 0 : d];
    return 0;
}

/* dilation may be NULL */
static int read_pool(pool *p, const char *op, int n, const wg_attr *kernel, const wg_attr *stride, const wg_attr *padding, const wg_attr *dilation) {
    const int64_t one = 1;
    const wg_attr ones = WG_INTS(&one, 1);
    if (n < 1 || n > 3) return wg_fail(WG_RUNTIME_ERROR, "pooling has one to three dimensions, not %d", n);
    p->n = n;
    return read_list(op, n, "kernel_size", 0, kernel, NULL, 1, p->kernel) < 0 || read_list(op, n, "stride", 1, stride, kernel, 1, p->stride) < 0 ||
           read_list(op, n, "padding", 0, padding, NULL, 0, p->padding) < 0 ||
           read_list(op, n, "dilation", 0, dilation ? dilation : &ones, NULL, 1, p->dilation) < 0 ? -1 : 0;
}

/* "(3x8x8)": channels and sizes */
static const char *sizes_text(char *text, size_t size, int64_t channels, int n, const int64_t *v) {
    size_t at = (size_t)snprintf(text, size, "(%lldx%s", (long long)channels, n == 1 ? "1x" : "");
    for (int d = 0; d < n && at < size; d++) at += (size_t)snprintf(text + at, size - at, "%s%lld", d ? "x" : "", (long long)v[d]);
    if (at < size) snprintf(text + at, size - at, ")");
    return text;
}
#define SIZES(c, n, v) sizes_text((char[96]){0}, 96, c, n, v)

static int64_t pooled(int64_t size, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation, int ceil_mode) {
    int64_t room = size + 2 * padding - dilation * (kernel - 1) - 1 + (ceil_mode ? stride - 1 : 0);
    int64_t out = (room >= 0 ? room / stride : -((-room + stride - 1) / stride)) + 1;
    if (ceil_mode && (out - 1) * stride >= size + padding) out--;     /* the last window begins inside */
    return out;
}

static int check_1d(const pool *p, const wg_array *x) {
    const long long kernel = p->kernel[2], stride = p->stride[2], padding = p->padding[2], dilation = p->dilation[2];
    if (x->ndim < 2 || x->ndim > 3 || x->shape[x->ndim - 1] == 0 || x->shape[x->ndim - 2] == 0)
        return wg_fail(WG_RUNTIME_ERROR, "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:%s",
                       WG_SHAPE(x));
    if (kernel <= 0) return wg_fail(WG_RUNTIME_ERROR, "max_pool1d() kernel_size must be greater than zero, but got %lld", kernel);
    if (stride <= 0) return wg_fail(WG_RUNTIME_ERROR, "max_pool1d() stride must be greater than zero, but got %lld", stride);
    if (padding < 0) return wg_fail(WG_RUNTIME_ERROR, "max_pool1d() padding must be non-negative, but got %lld", padding);
    if (padding > kernel / 2)
        return wg_fail(WG_RUNTIME_ERROR, "max_pool1d() padding should be at most half of kernel size, but got padding=%lld and kernel_size=%lld",
                       padding, kernel);
    if (dilation <= 0) return wg_fail(WG_RUNTIME_ERROR, "max_pool1d() dilation must be greater than zero, but got %lld", dilation);
    return 0;
}

static int check_windows(const pool *p, const wg_array *x, int is_max) {
    const int n = p->n, first = 3 - n;
    if (is_max && n == 1) return check_1d(p, x);
    if (n == 1 && (x->ndim < 2 || x->ndim > 3))
        return wg_fail(WG_RUNTIME_ERROR, "Expected 2 to 3 dimensions, but got %d-dimensional tensor for argument #1 'self' (while checking arguments "
                       "for avg_pool1d)", x->ndim);
    for (int d = first; d < 3; d++) if (p->stride[d] == 0) return wg_fail(WG_RUNTIME_ERROR, "stride should not be zero");
    for (int d = first; d < 3; d++)
        if (p->kernel[d] <= 0 || p->stride[d] < 0)
            return n == 2 ? wg_fail(WG_RUNTIME_ERROR, p->kernel[d] <= 0 ? "kernel size should be greater than zero, but got kH: %lld kW: %lld"
                                                                        : "stride should be greater than zero, but got dH: %lld dW: %lld",
                                    (long long)(p->kernel[d] <= 0 ? p->kernel : p->stride)[1], (long long)(p->kernel[d] <= 0 ? p->kernel : p->stride)[2])
                          : wg_fail(WG_RUNTIME_ERROR, p->kernel[d] <= 0 ? "kernel size should be greater than zero" : "stride should be greater than zero");
    for (int d = first; d < 3; d++)
        if (p->dilation[d] <= 0)
            return n == 2 ? wg_fail(WG_RUNTIME_ERROR, "dilation should be greater than zero, but got dilationH: %lld dilationW: %lld",
                                    (long long)p->dilation[1], (long long)p->dilation[2])
                          : wg_fail(WG_RUNTIME_ERROR, "dilation should be greater than zero");
    for (int d = first; d < 3; d++) {
        if (p->padding[d] < 0) return wg_fail(WG_RUNTIME_ERROR, "pad must be non-negative, but got pad: %lld", (long long)p->padding[d]);
        if (p->padding[d] > ((p->kernel[d] - 1) * p->dilation[d] + 1) / 2)
            return wg_fail(WG_RUNTIME_ERROR, "pad should be at most half of effective kernel size, but got pad=%lld, kernel_size=%lld and dilation=%lld",
                           (long long)p->padding[d], (long long)p->kernel[d], (long long)p->dilation[d]);
    }
    if (x->ndim != n + 1 && x->ndim != n + 2) {
        if (!is_max && n == 2)
            return wg_fail(WG_INDEX_ERROR, "Dimension out of range (expected to be in range of [%d, %d], but got -3)", -x->ndim, x->ndim - 1);
        return wg_fail(WG_RUNTIME_ERROR, "non-empty %dD or %dD (batch mode) tensor expected for input", n + 1, n + 2);
    }
    for (int d = x->ndim - n - 1; d < x->ndim; d++)
        if (x->shape[d] == 0)
            return n == 2 ? wg_fail(WG_RUNTIME_ERROR, "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:%s",
                                    WG_SHAPE(x))
                          : wg_fail(WG_RUNTIME_ERROR, "Expected input's non-batch dimensions to have positive length, but input has a shape of %s and "
                                    "non-batch dimension %d has length zero!", WG_SHAPE(x), d);
    return 0;
}

/* The checks of windows over x, and the size of the result. */
static int check_pool(pool *p, const wg_array *x, int ceil_mode, int is_max) {
    const int n = p->n, first = 3 - n;
    if (check_windows(p, x, is_max) < 0) return -1;
    const int64_t *size = x->shape + x->ndim - n;
    int small = 0;
    for (int d = 0; d < n; d++) {
        const int e = first + d;
        if (p->kernel[e] > INT32_MAX || p->stride[e] > INT32_MAX || p->dilation[e] > INT32_MAX)
            return wg_fail(WG_RUNTIME_ERROR, "integer out of range");
        p->out[d] = pooled(size[d], p->kernel[e], p->stride[e], p->padding[e], p->dilation[e], ceil_mode);
        small |= p->out[d] < 1;
    }
    if (!is_max && n == 3) for (int d = 0; d < 3; d++) small |= size[d] < p->kernel[d];
    if (!small) return 0;
    if (is_max && n == 1) return wg_fail(WG_RUNTIME_ERROR, "max_pool1d() Invalid computed output size: %lld", (long long)p->out[0]);
    if (!is_max && n == 3)
        return wg_fail(WG_RUNTIME_ERROR, "input image (T: %lld H: %lld W: %lld) smaller than kernel size (kT: %lld kH: %lld kW: %lld)", (long long)size[0],
                       (long long)size[1], (long long)size[2], (long long)p->kernel[0], (long long)p->kernel[1], (long long)p->kernel[2]);
    const int64_t channels = x->shape[x->ndim - n - 1];
    return wg_fail(WG_RUNTIME_ERROR, "Given input size: %s. Calculated output size: %s. Output size is too small", SIZES(channels, n, size),
                   SIZES(channels, n, p->out));
}

/* ---- launching -------------------------------------------------------------------------------------------------- */

static int computed_in(int dtype) { return dtype == WG_F64 || !WG_IS_FLOAT(dtype) ? WG_F64 : WG_F32; }

static const wg_array *operand(wg_val *own, const wg_array *x, int dtype) {
    wg_val_clear(own);
    if (WG_LIKELY(x->dtype == dtype && x->contiguous)) return x;
    return wg_copy_new(own, dtype, x, 1) < 0 ? NULL : &own->a;
}

/* (..., spatial) as (planes, 1, D, H, W), for a launch: owns nothing. */
static void as_planes(wg_array *to, const wg_array *x, int n) {
    int64_t shape[5] = {1, 1, 1, 1, 1};
    for (int d = 0; d < x->ndim - n; d++) shape[0] *= x->shape[d];
    for (int d = 0; d < n; d++) shape[5 - n + d] = x->shape[x->ndim - n + d];
    memcpy(to, x, offsetof(wg_array, shape));
    wg_array_set_dims(to, 5, shape, NULL);
}

/* y = kernel(x, more...) in planes of n dimensions, y being new and of this shape; `index`: an operand behind y (made with it, int32)
 * or behind x (given). */
static int launch(int kernel, int n, wg_val *y, int ndim, const int64_t *shape, const wg_array *x, wg_val *index, const wg_array *read,
                  const wg_attr *attr, int nattr) {
    const int dtype = x->dtype, wide = computed_in(dtype);
    wg_val own[2];
    wg_array plane[3];
    const wg_array *in = NULL, *places = read;
    wg_val_clear(&own[0]);
    wg_val_clear(&own[1]);
    int status = wg_new(y, wide, ndim, shape);
    if (status == 0 && index) status = wg_new(index, WG_I32, ndim, shape);
    if (status == 0 && (in = operand(&own[0], x, wide)) == NULL) status = -1;
    if (status == 0 && read && (places = operand(&own[1], read, read->dtype == WG_I64 ? WG_I64 : WG_I32)) == NULL) status = -1;
    if (status == 0 && y->a.numel) {
        wg_array *op[3] = {&plane[0]};
        int nop = 1;
        as_planes(&plane[0], &y->a, n);
        if (index) { as_planes(&plane[nop], &index->a, n); op[nop] = &plane[nop]; nop++; }
        as_planes(&plane[nop], in, n); op[nop] = &plane[nop]; nop++;
        if (read) { as_planes(&plane[nop], places, n); op[nop] = &plane[nop]; nop++; }
        status = wg_launch(kernel, op, nop, attr, nattr);
    }
    wg_val_release(&own[0]);
    wg_val_release(&own[1]);
    if (index) wg_done(index, status);
    if (wg_done(y, status) < 0) return -1;
    status = wg_narrow(y, dtype);
    if (index) wg_done(index, status);
    return status;
}

static void result_shape(const pool *p, const wg_array *x, int64_t *shape) {
    memcpy(shape, x->shape, sizeof(int64_t) * (size_t)(x->ndim - p->n));
    for (int d = 0; d < p->n; d++) shape[x->ndim - p->n + d] = p->out[d];
}

static int check_planes(const wg_array *x, int n) {
    int64_t plane = 1;
    for (int d = 0; d < n; d++) plane *= x->shape[x->ndim - n + d];
    return plane <= INT32_MAX ? 0 : wg_fail(WG_RUNTIME_ERROR, "max pooling takes planes of less than 2^31 elements, but got %s", WG_SHAPE(x));
}

static int index_to_int64(wg_val *index) {
    wg_val longer;
    if (wg_copy_new(&longer, WG_I64, &index->a, 1) < 0) return -1;
    wg_val_release(index);
    wg_val_move(index, &longer);
    return 0;
}

/* ---- max_pool --------------------------------------------------------------------------------------------------- */

/* x; kernel_size, stride, padding, dilation, ceil_mode */
static int max_pool(int n, int wide_index, const wg_val *const *x, const wg_attr *attr, wg_val *y) {
    const wg_array *a = &x[0]->a;
    pool p;
    int64_t shape[WG_MAX_DIMS];
    wg_val_clear(&y[0]);
    wg_val_clear(&y[1]);
    if (read_pool(&p, "max_pool", n, &attr[0], &attr[1], &attr[2], &attr[3]) < 0 || check_pool(&p, a, (int)attr[4].i, 1) < 0 || check_planes(a, n) < 0)
        return -1;
    if (a->dtype == WG_BOOL) return wg_fail(WG_NOT_IMPLEMENTED, "\"max_pool%dd\" not implemented for 'Bool'", n);
    result_shape(&p, a, shape);
    wg_attr kernel[4] = {WG_INTS(p.kernel, 3), WG_INTS(p.stride, 3), WG_INTS(p.padding, 3), WG_INTS(p.dilation, 3)};
    if (launch(WG_K_max_pool, n, &y[0], a->ndim, shape, a, &y[1], NULL, kernel, 4) < 0) return -1;
    if (!wide_index || index_to_int64(&y[1]) == 0) return 0;
    wg_val_release(&y[0]);
    return wg_done(&y[1], -1);
}

static int max_pool_vjp(int n, wg_vjp_call *c) {
    const wg_array *g = &c->g[0]->a, *x = &c->x[0]->a, *index = &c->y[1]->a;
    pool p;
    if (!c->want[0]) return 0;
    if (read_pool(&p, "max_pool", n, &c->attr[0], &c->attr[1], &c->attr[2], &c->attr[3]) < 0) return -1;
    wg_attr kernel[4] = {WG_INTS(p.kernel, 3), WG_INTS(p.stride, 3), WG_INTS(p.padding, 3), WG_INTS(p.dilation, 3)};
    return launch(WG_K_max_pool_vjp, n, &c->gx[0], x->ndim, x->shape, g, NULL, index, kernel, 4);
}

#define MAX_POOL(n)                                                                       \
    WG_FORWARD(max_pool##n##d) { (void)nx; return max_pool(n, 0, x, attr, y); }           \
    WG_FORWARD(max_pool##n##d_with_indices) { (void)nx; return max_pool(n, 1, x, attr, y); } \
    int wg_vjp_kernel_max_pool##n##d(wg_vjp_call *c) { return max_pool_vjp(n, c); }
MAX_POOL(1)
MAX_POOL(2)
MAX_POOL(3)

/* Do results with indices belong to images of this shape? n: spatial dimensions. */
static int check_indices(int n, int ndim, const int64_t *shape, const wg_array *result, const wg_array *index) {
    int right = n >= 1 && n <= 3 && ndim > n && result->ndim == ndim && wg_same_shape(result, index) && (index->dtype == WG_I32 || index->dtype == WG_I64);
    for (int d = 0; right && d < ndim - n; d++) right = shape[d] == result->shape[d];
    return right ? 0 : wg_fail(WG_RUNTIME_ERROR, "shapes %s, %s and indices of shape %s do not belong to one pooling", WG_LIST(shape, ndim),
                               WG_SHAPE(result), WG_SHAPE(index));
}

/* x, indices; n, shape */
WG_FORWARD(_pool_scatter) {
    (void)nx;
    const wg_attr none[1] = {WG_INTS(NULL, 0)};
    wg_val_clear(y);
    if (check_indices((int)attr[0].i, (int)attr[1].n, attr[1].v, &x[0]->a, &x[1]->a) < 0) return -1;
    return launch(WG_K_max_pool_vjp, (int)attr[0].i, y, (int)attr[1].n, attr[1].v, &x[0]->a, NULL, &x[1]->a, none, 1);
}

/* x, indices; n */
WG_FORWARD(_pool_gather) {
    (void)nx;
    const wg_array *a = &x[0]->a, *index = &x[1]->a;
    wg_val_clear(y);
    if (check_indices((int)attr[0].i, a->ndim, a->shape, index, index) < 0) return -1;
    return launch(WG_K_pool_gather, (int)attr[0].i, y, index->ndim, index->shape, a, NULL, index, NULL, 0);
}

/* ---- avg_pool --------------------------------------------------------------------------------------------------- */

static int launch_avg(int kernel, const pool *p, wg_val *y, int ndim, const int64_t *shape, const wg_array *x, wg_attr include_pad, wg_attr divisor) {
    wg_attr attr[5] = {WG_INTS(p->kernel, 3), WG_INTS(p->stride, 3), WG_INTS(p->padding, 3), include_pad,
                       divisor.tag == WG_A_NONE ? WG_INT(0) : divisor};
    return launch(kernel, p->n, y, ndim, shape, x, NULL, NULL, attr, 5);
}

/* x; kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override */
static int avg_pool(int n, const wg_val *const *x, const wg_attr *attr, wg_val *y) {
    const wg_array *a = &x[0]->a;
    pool p;
    int64_t shape[WG_MAX_DIMS];
    wg_val_clear(y);
    if (read_pool(&p, "avg_pool", n, &attr[0], &attr[1], &attr[2], NULL) < 0) return -1;
    if (attr[5].tag != WG_A_NONE && attr[5].i == 0) return wg_fail(WG_RUNTIME_ERROR, "divisor must be not zero");
    if (check_pool(&p, a, (int)attr[3].i, 0) < 0) return -1;
    if (a->dtype == WG_BOOL) return wg_fail(WG_NOT_IMPLEMENTED, "\"avg_pool%dd\" not implemented for 'Bool'", n);
    result_shape(&p, a, shape);
    return launch_avg(WG_K_avg_pool, &p, y, a->ndim, shape, a, attr[4], attr[5]);
}

WG_FORWARD(avg_pool1d) { (void)nx; return avg_pool(1, x, attr, y); }
WG_FORWARD(avg_pool2d) { (void)nx; return avg_pool(2, x, attr, y); }
WG_FORWARD(avg_pool3d) { (void)nx; return avg_pool(3, x, attr, y); }

/* x; n, shape, kernel_size, stride, padding, count_include_pad, divisor_override */
static int private_avg(int kernel, const wg_val *const *x, const wg_attr *attr, wg_val *y) {
    const wg_array *a = &x[0]->a;
    const int ndim = (int)attr[1].n;
    pool p;
    wg_val_clear(y);
    if (read_pool(&p, "avg_pool", (int)attr[0].i, &attr[2], &attr[3], &attr[4], NULL) < 0) return -1;
    int right = ndim == a->ndim && ndim > p.n;
    for (int d = 0; right && d < ndim - p.n; d++) right = attr[1].v[d] == a->shape[d];
    for (int d = 0; right && d < 3; d++) right = p.kernel[d] > 0 && p.stride[d] > 0 && p.padding[d] >= 0;
    if (!right) return wg_fail(WG_RUNTIME_ERROR, "shapes %s and %s do not belong to one pooling", WG_SHAPE(a), WG_LIST(attr[1].v, ndim));
    return launch_avg(kernel, &p, y, ndim, attr[1].v, a, attr[5], attr[6]);
}

WG_FORWARD(_avg_pool) { (void)nx; return private_avg(WG_K_avg_pool, x, attr, y); }
WG_FORWARD(_avg_pool_back) { (void)nx; return private_avg(WG_K_avg_pool_vjp, x, attr, y); }

/* ---- adaptive pooling ------------------------------------------------------------------------------------------- */

/* x; output_size */
static int adaptive(int n, int is_max, const wg_val *const *x, const wg_attr *attr, wg_val *y) {
    const wg_array *a = &x[0]->a;
    const char *name = is_max ? "max" : "avg";
    int64_t shape[WG_MAX_DIMS];
    wg_val_clear(&y[0]);
    if (is_max) wg_val_clear(&y[1]);
    if (n == 1 && (a->ndim < 2 || a->ndim > 3))
        return wg_fail(WG_RUNTIME_ERROR, "Expected 2 to 3 dimensions, but got %d-dimensional tensor for argument #1 'self' (while checking arguments "
                       "for adaptive_%s_pool1d)", a->ndim, name);
    if ((int)attr[0].n != n && attr[0].n != 1)
        return is_max ? wg_fail(WG_RUNTIME_ERROR, "adaptive_max_pool%dd(): internal error: output_size.size() must be %d", n, n)
                      : wg_fail(WG_RUNTIME_ERROR, "adaptive_avg_pool%dd: output_size must be %d", n, n);
    if (a->ndim != n + 1 && a->ndim != n + 2)
        return wg_fail(WG_RUNTIME_ERROR, "adaptive_%s_pool%dd(): Expected %dD or %dD tensor, but got%s %s", name, n, n + 1, n + 2, is_max ? ":" : "",
                       WG_SHAPE(a));
    memcpy(shape, a->shape, sizeof(int64_t) * (size_t)(a->ndim - n));
    int negative = 0;
    for (int d = 0; d < n; d++) {
        shape[a->ndim - n + d] = attr[0].v[attr[0].n == 1 ? 0 : d];
        negative |= shape[a->ndim - n + d] < 0;
    }
    if (negative) {
        char text[96] = "";
        size_t at = 0;
        for (int d = 0; d < n; d++) at += (size_t)snprintf(text + at, sizeof text - at, "%s%lld", d ? ", " : "", (long long)shape[a->ndim - n + d]);
        return wg_fail(WG_RUNTIME_ERROR, "adaptive_%s_pool%dd: elements of output_size must be greater than or equal to 0 but received {%s}", name, n, text);
    }
    for (int d = a->ndim - n; d < a->ndim; d++)
        if (a->shape[d] == 0)
            return wg_fail(WG_RUNTIME_ERROR, "adaptive_%s_pool%dd(): Expected input to have non-zero size for non-batch dimensions, but input has sizes %s "
                           "with dimension %d being empty", name, n, WG_SHAPE(a), d);
    if (!WG_IS_FLOAT(a->dtype))
        return wg_fail(WG_NOT_IMPLEMENTED, "\"adaptive_%s_pool%dd\" not implemented for '%s'", name, n, wg_dtype_title[a->dtype]);
    if (!is_max) return launch(WG_K_adaptive_avg_pool, n, y, a->ndim, shape, a, NULL, NULL, NULL, 0);
    if (check_planes(a, n) < 0 || launch(WG_K_adaptive_max_pool, n, &y[0], a->ndim, shape, a, &y[1], NULL, NULL, 0) < 0) return -1;
    if (index_to_int64(&y[1]) == 0) return 0;
    wg_val_release(&y[0]);
    return wg_done(&y[1], -1);
}

#define ADAPTIVE(n)                                                                             \
    WG_FORWARD(adaptive_avg_pool##n##d) { (void)nx; return adaptive(n, 0, x, attr, y); }        \
    WG_FORWARD(adaptive_max_pool##n##d) { (void)nx; return adaptive(n, 1, x, attr, y); }
ADAPTIVE(1)
ADAPTIVE(2)
ADAPTIVE(3)

/* x; n, shape */
static int private_adaptive(int kernel, const wg_val *const *x, const wg_attr *attr, wg_val *y) {
    const wg_array *a = &x[0]->a;
    const int n = (int)attr[0].i, ndim = (int)attr[1].n;
    int right = n >= 1 && n <= 3 && ndim == a->ndim && ndim > n;
    wg_val_clear(y);
    for (int d = 0; right && d < ndim - n; d++) right = attr[1].v[d] == a->shape[d];
    if (!right) return wg_fail(WG_RUNTIME_ERROR, "shapes %s and %s do not belong to one pooling", WG_SHAPE(a), WG_LIST(attr[1].v, ndim));
    return launch(kernel, n, y, ndim, attr[1].v, a, NULL, NULL, NULL, 0);
}

WG_FORWARD(_adaptive_avg_pool) { (void)nx; return private_adaptive(WG_K_adaptive_avg_pool, x, attr, y); }
WG_FORWARD(_adaptive_avg_pool_back) { (void)nx; return private_adaptive(WG_K_adaptive_avg_pool_vjp, x, attr, y); }
