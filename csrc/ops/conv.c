/* Convolutions, transposed ones and their adjoints, in one to three dimensions. Images may come without the batch
 * dimension. Half types are computed in float32, integers in float64. Kernels see (N, C, D, H, W), row-major. */
#include "ops.h"

#include <stdio.h>

#define WG_FORWARD(name) int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y)

typedef struct conv {
    int n;                                  /* spatial dimensions */
    int64_t stride[3], padding[3], dilation[3], output_padding[3], groups;   /* leading ones are trivial: padded to three */
    int64_t given[4][3];                    /* stride, padding, dilation, output_padding by their own dimensions */
} conv;

/* ---- arguments ------------------------------------------------------------------------------------------------- */

static int read_list(const char *name, const wg_attr *list, int n, int64_t *given, int64_t *padded, int64_t trivial) {
    if (list->n != 1 && (int)list->n != n)
        return wg_fail(WG_RUNTIME_ERROR, "expected %s to be a single integer value or a list of %d values to match the convolution "
                       "dimensions, but got %s=%s", name, n, name, WG_LIST(list->v, list->n));
    for (int d = 0; d < 3; d++) padded[d] = trivial;
    for (int d = 0; d < n; d++) padded[3 - n + d] = given[d] = list->v[list->n == 1 ? 0 : d];
    return 0;
}

/* "(8 x 8)" */
static const char *by(char *text, size_t size, int n, const int64_t *v) {
    size_t at = 0;
    for (int d = 0; d < n && at < size; d++) at += (size_t)snprintf(text + at, size - at, "%s%lld", d ? " x " : "(", (long long)v[d]);
    if (at < size) snprintf(text + at, size - at, ")");
    return text;
}
#define BY(n, v) by((char[96]){0}, 96, n, v)

static int read_conv(conv *c, int n, const wg_attr *stride, const wg_attr *padding, const wg_attr *output_padding, const wg_attr *dilation,
                     int64_t groups) {
    const wg_attr none = WG_INTS((const int64_t[]){0}, 1);
    c->n = n;
    c->groups = groups;
    if (groups <= 0) return wg_fail(WG_RUNTIME_ERROR, "non-positive groups is not supported");
    if (read_list("stride", stride, n, c->given[0], c->stride, 1) < 0 || read_list("padding", padding, n, c->given[1], c->padding, 0) < 0 ||
        read_list("dilation", dilation, n, c->given[2], c->dilation, 1) < 0 ||
        read_list("output_padding", output_padding ? output_padding : &none, n, c->given[3], c->output_padding, 0) < 0)
        return -1;
    for (int d = 0; d < 3; d++) {
        if (c->padding[d] < 0) return wg_fail(WG_RUNTIME_ERROR, "negative padding is not supported");
        if (c->output_padding[d] < 0) return wg_fail(WG_RUNTIME_ERROR, "negative output_padding is not supported");
        if (c->stride[d] <= 0) return wg_fail(WG_RUNTIME_ERROR, "non-positive stride is not supported");
        if (c->dilation[d] <= 0)
            return output_padding && n == 2 ? wg_fail(WG_RUNTIME_ERROR, "dilation should be greater than zero, but got dilation_height: %lld, "
                                                      "dilation_width: %lld", (long long)c->dilation[1], (long long)c->dilation[2])
                                            : wg_fail(WG_RUNTIME_ERROR, "dilation should be greater than zero, but got %s", WG_LIST(c->given[2], n));
        const int64_t far = (int64_t)1 << 40;
        if (c->padding[d] > far || c->stride[d] > far || c->dilation[d] > far || c->output_padding[d] > far)
            return wg_fail(WG_RUNTIME_ERROR, "an argument of the convolution is too large");
    }
    return 0;
}

static int check_types(const wg_array *x, const wg_array *weight, const wg_array *bias) {
    if (bias && bias->dtype != x->dtype) {
        static const char *const cpp[] = {"bool", "unsigned char", "signed char", "short int", "int", "long int", "c10::Half",
                                          "c10::BFloat16", "float", "double"};
        return wg_fail(WG_RUNTIME_ERROR, "Input type (%s) and bias type (%s) should be the same", cpp[x->dtype], cpp[bias->dtype]);
    }
    if (weight->dtype != x->dtype)
        return wg_fail(WG_RUNTIME_ERROR, "expected scalar type %s but found %s", wg_dtype_title[x->dtype], wg_dtype_title[weight->dtype]);
    if (x->dtype == WG_BOOL) return wg_fail(WG_NOT_IMPLEMENTED, "\"slow_conv2d_cpu\" not implemented for 'Bool'");
    return 0;
}

/* The checks of a convolution. `sizes` of x with its batch dimension. Fills in the size of the result. */
static int check_conv(const conv *c, const wg_array *x, const int64_t *sizes, const wg_array *weight, const wg_array *bias, int transposed,
                      int64_t *out) {
    const int n = c->n;
    const int64_t *w = weight->shape, g = c->groups;
    int64_t padded[3];
    if (weight->ndim != n + 2) {
        if (weight->ndim < 3) return wg_fail(WG_RUNTIME_ERROR, "weight should have at least three dimensions");
        int64_t stride[3];
        for (int d = 0; d < n; d++) stride[d] = c->given[0][d];
        return wg_fail(WG_RUNTIME_ERROR, "expected stride to be a single integer value or a list of %d values to match the convolution "
                       "dimensions, but got stride=%s", weight->ndim - 2, WG_LIST(stride, n));
    }
    if (w[0] < g)
        return wg_fail(WG_RUNTIME_ERROR, "Given groups=%lld, expected weight to be at least %lld at dimension 0, but got weight of size %s "
                       "instead", (long long)g, (long long)g, WG_SHAPE(weight));
    if (w[0] % g)
        return wg_fail(WG_RUNTIME_ERROR, "Given groups=%lld, expected weight to be divisible by %lld at dimension 0, but got weight of size "
                       "[%s] instead", (long long)g, (long long)g, WG_SHAPE(weight));
    const int64_t channels = transposed ? w[0] : w[1] * g, results = transposed ? w[1] * g : w[0];
    if (sizes[1] != channels)
        return wg_fail(WG_RUNTIME_ERROR, "Given %s=%lld, weight of size %s, expected input%s to have %lld channels, but got %lld channels "
                       "instead", transposed ? "transposed" : "groups", transposed ? 1LL : (long long)g, WG_SHAPE(weight), WG_LIST(sizes, n + 2),
                       (long long)channels, (long long)sizes[1]);
    if (bias && (bias->ndim != 1 || bias->shape[0] != results))
        return wg_fail(WG_RUNTIME_ERROR, "Given %sweight of size %s, expected bias to be 1-dimensional with %lld elements, but got bias of size "
                       "%s instead", transposed ? "transposed=1, " : "", WG_SHAPE(weight), (long long)results, WG_SHAPE(bias));
    for (int d = 0; d < n; d++)
        if (w[2 + d] <= 0) {
            static const char *const dims[] = {"kernel_depth", "kernel_height", "kernel_width"};
            char text[160] = "";
            size_t at = 0;
            for (int e = 0; e < n; e++) at += (size_t)snprintf(text + at, sizeof text - at, " %s: %lld", dims[3 - n + e], (long long)w[2 + e]);
            return wg_fail(WG_RUNTIME_ERROR, "kernel size should be greater than zero, but got%s", text);
        }
    int small = 0;
    for (int d = 0; d < n; d++) {
        const int64_t reach = c->given[2][d] * (w[2 + d] - 1) + 1;
        if (transposed) {
            out[d] = (sizes[2 + d] - 1) * c->given[0][d] - 2 * c->given[1][d] + reach + c->given[3][d];
            small |= out[d] < 1;
        } else {
            padded[d] = sizes[2 + d] + 2 * c->given[1][d];
            small |= padded[d] < reach;
            out[d] = padded[d] < reach ? 0 : (padded[d] - reach) / c->given[0][d] + 1;
        }
    }
    if (transposed) {
        for (int d = 0; d < n; d++) {
            static const char *const dims[] = {"depth", "height", "width"};
            if (c->given[3][d] < c->given[0][d] || c->given[3][d] < c->given[2][d]) continue;
            char text[320] = "";
            size_t at = 0;
            for (int k = 0; k < 3; k++)
                for (int e = 0; e < n; e++)
                    at += (size_t)snprintf(text + at, sizeof text - at, " %s_%s: %lld", k == 0 ? "output_padding" : k == 1 ? "stride" : "dilation",
                                           dims[3 - n + e], (long long)c->given[k == 0 ? 3 : k == 1 ? 0 : 2][e]);
            return wg_fail(WG_RUNTIME_ERROR, "output padding must be smaller than either stride or dilation, but got%s", text);
        }
        if (small)
            return wg_fail(WG_RUNTIME_ERROR, "Given input size per channel: %s. Calculated output size per channel: %s. Output size is too small",
                           BY(n, sizes + 2), BY(n, out));
    } else if (small) {
        int64_t reach[3];
        for (int d = 0; d < n; d++) reach[d] = c->given[2][d] * (w[2 + d] - 1) + 1;
        return wg_fail(WG_RUNTIME_ERROR, "Calculated padded input size per channel: %s. Kernel size: %s. Kernel size can't be greater than "
                       "actual input size", BY(n, padded), BY(n, reach));
    }
    return check_types(x, weight, bias);
}

/* ---- launching ------------------------------------------------------------------------------------------------- */

/* x as the kernels want it: row-major, float32 or float64; in *own where that is a copy. */
static const wg_array *operand(wg_val *own, const wg_array *x, int dtype) {
    wg_val_clear(own);
    if (WG_LIKELY(x->dtype == dtype && x->contiguous)) return x;
    return wg_copy_new(own, dtype, x, 1) < 0 ? NULL : &own->a;
}

static int computed_in(int dtype) { return dtype == WG_F64 || !WG_IS_FLOAT(dtype) ? WG_F64 : WG_F32; }

/* (C, ...) or (N, C, ...) of n spatial dimensions as (N, C, D, H, W), for a launch: owns nothing. */
static void in_five(wg_array *to, const wg_array *x, int n) {
    int64_t shape[5] = {1, 1, 1, 1, 1};
    const int lead = x->ndim - n;
    for (int d = 0; d < lead; d++) shape[2 - lead + d] = x->shape[d];
    for (int d = 0; d < n; d++) shape[5 - n + d] = x->shape[lead + d];
    memcpy(to, x, offsetof(wg_array, shape));
    wg_array_set_dims(to, 5, shape, NULL);
}

/* A kernel as large as the image, which meets it at one place only, is a matrix: all three arrays are, by their first dimension. */
static int is_product(const conv *c, const wg_array *image, const wg_array *result, const wg_array *kernel) {
    int is = c->groups == 1;
    for (int d = 0; d < 3; d++) is &= c->padding[d] == 0 && image->shape[2 + d] == kernel->shape[2 + d] && result->shape[2 + d] == 1;
    return is;
}

static void as_matrix(wg_array *to, const wg_array *five, int transposed) {
    const int64_t rows = five->shape[0], columns = five->shape[1] * five->shape[2] * five->shape[3] * five->shape[4];
    memcpy(to, five, offsetof(wg_array, shape));
    if (transposed) wg_array_set_dims(to, 2, (int64_t[]){columns, rows}, (int64_t[]){1, columns});
    else wg_array_set_dims(to, 2, (int64_t[]){rows, columns}, NULL);
}

/* y = x w' + bias, or for an image that is asked for, g w; of arrays in five dimensions */
static int launch_product(int kernel, const wg_array *five, const wg_array *bias) {
    wg_array y, x, w;
    const wg_attr scalars[2] = {WG_NONE, WG_NONE};
    as_matrix(&y, &five[0], 0);
    as_matrix(&x, &five[1], 0);
    as_matrix(&w, &five[2], kernel == WG_K_conv);
    return bias ? wg_launch(WG_K_addmm_bias, (wg_array *[]){&y, &x, &w, (wg_array *)bias}, 4, scalars, 2)
                : wg_launch(WG_K_matmul, (wg_array *[]){&y, &x, &w}, 3, scalars, 2);
}

/* gw = g' x, gb, which may be NULL, the sums of g's columns */
static int launch_weight_product(const wg_array *gw, wg_array *gb, const wg_array *x, const wg_array *g) {
    const wg_attr scalars[2] = {WG_NONE, WG_NONE}, reduce[2] = {WG_INTS(((const int64_t[]){0}), 1), WG_INT(0)};
    wg_array out, left, right;
    as_matrix(&out, gw, 0);
    as_matrix(&left, g, 1);
    as_matrix(&right, x, 0);
    if (wg_launch(WG_K_matmul, (wg_array *[]){&out, &left, &right}, 3, scalars, 2) < 0) return -1;
    if (!gb) return 0;
    as_matrix(&right, g, 0);
    memcpy(&out, gb, offsetof(wg_array, shape));
    wg_array_set_dims(&out, 2, (int64_t[]){1, right.shape[1]}, NULL);
    return wg_launch(WG_K_sum, (wg_array *[]){&out, &right}, 2, reduce, 2);
}

/* y = kernel(x, w, bias), y being new. */
static int launch(int kernel, const conv *c, wg_val *y, int ndim, const int64_t *shape, const wg_array *x, const wg_array *w,
                  const wg_array *bias) {
    const int dtype = x->dtype, wide = computed_in(dtype);
    wg_val own[3];
    wg_array five[3];
    const wg_array *in[3] = {x, w, bias};
    for (int k = 0; k < 3; k++) wg_val_clear(&own[k]);
    int status = wg_new(y, wide, ndim, shape);
    for (int k = 0; k < 3 && status == 0; k++)
        if (in[k] && (in[k] = operand(&own[k], in[k], wide)) == NULL) status = -1;
    if (status == 0) {
        in_five(&five[0], &y->a, c->n);
        in_five(&five[1], in[0], c->n);
        in_five(&five[2], in[1], c->n);
        wg_attr attr[4] = {WG_INTS(c->stride, 3), WG_INTS(c->padding, 3), WG_INTS(c->dilation, 3), WG_INT(c->groups)};
        const int backwards = kernel == WG_K_conv_input;
        if (!(backwards && in[2]) && is_product(c, &five[!backwards], &five[backwards], &five[2])) status = launch_product(kernel, five, in[2]);
        else status = wg_launch(kernel, (wg_array *[]){&five[0], &five[1], &five[2], (wg_array *)(in[2] ? in[2] : &wg_no_array)}, 4, attr, 4);
    }
    for (int k = 0; k < 3; k++) wg_val_release(&own[k]);
    return wg_done(y, status) < 0 ? -1 : wg_narrow(y, dtype);
}

/* The gradients of weight and bias; either may be NULL. */
static int launch_weight(const conv *c, wg_val *gw, int ndim, const int64_t *shape, wg_val *gb, const wg_array *x, const wg_array *g) {
    const int dtype = x->dtype, wide = computed_in(dtype);
    wg_val own[2];
    wg_array five[3];
    const wg_array *in[2] = {x, g};
    const int64_t results = g->shape[g->ndim - c->n - 1];
    int64_t kernel[3] = {1, 1, 1};
    for (int d = 0; d < c->n; d++) kernel[3 - c->n + d] = shape[ndim - c->n + d];
    wg_val_clear(&own[0]);
    wg_val_clear(&own[1]);
    int status = gw ? wg_new(gw, wide, ndim, shape) : 0;
    if (status == 0 && gb) status = wg_new(gb, wide, 1, &results);
    for (int k = 0; k < 2 && status == 0; k++)
        if ((in[k] = operand(&own[k], in[k], wide)) == NULL) status = -1;
    if (status == 0) {
        if (gw) in_five(&five[0], &gw->a, c->n);
        in_five(&five[1], in[0], c->n);
        in_five(&five[2], in[1], c->n);
        wg_attr attr[5] = {WG_INTS(c->stride, 3), WG_INTS(c->padding, 3), WG_INTS(c->dilation, 3), WG_INT(c->groups), WG_INTS(kernel, 3)};
        if (gw && is_product(c, &five[1], &five[2], &five[0])) status = launch_weight_product(&five[0], gb ? &gb->a : NULL, &five[1], &five[2]);
        else status = wg_launch(WG_K_conv_weight, (wg_array *[]){gw ? &five[0] : (wg_array *)&wg_no_array,
                                                            gb ? &gb->a : (wg_array *)&wg_no_array, &five[1], &five[2]}, 4, attr, 5);
    }
    wg_val_release(&own[0]);
    wg_val_release(&own[1]);
    wg_val *const made[2] = {gw, gb};
    for (int k = 0; k < 2; k++) {
        if (!made[k]) continue;
        if (wg_done(made[k], status) == 0) status = wg_narrow(made[k], dtype);
    }
    return status;
}

/* ---- forward functions ------------------------------------------------------------------------------------------ */

/* x, weight, bias; stride, padding, dilation, groups; transposed with output_padding before groups and dilation */
static int forward(int n, int transposed, const wg_val *const *x, const wg_attr *attr, wg_val *y) {
    const wg_array *a = &x[0]->a, *w = &x[1]->a, *bias = wg_val_absent(x[2]) ? NULL : &x[2]->a;
    conv c;
    int64_t sizes[5] = {1}, shape[5];
    const int lead = a->ndim - n;
    wg_val_clear(y);
    if (WG_UNLIKELY(lead != 1 && lead != 2))
        return wg_fail(WG_RUNTIME_ERROR, "Expected %dD (unbatched) or %dD (batched) input to conv%s%dd, but got input of size: %s", n + 1, n + 2,
                       transposed ? "_transpose" : "", n, WG_SHAPE(a));
    if (read_conv(&c, n, &attr[0], &attr[1], transposed ? &attr[2] : NULL, &attr[transposed ? 4 : 2], attr[3].i) < 0) return -1;
    for (int d = 0; d < a->ndim; d++) sizes[2 - lead + d] = a->shape[d];
    if (check_conv(&c, a, sizes, w, bias, transposed, shape + 2) < 0) return -1;
    shape[0] = sizes[0];
    shape[1] = transposed ? w->shape[1] * c.groups : w->shape[0];
    return launch(transposed ? WG_K_conv_input : WG_K_conv, &c, y, a->ndim, shape + 2 - lead, a, w, bias);
}

WG_FORWARD(conv1d) { (void)nx; return forward(1, 0, x, attr, y); }
WG_FORWARD(conv2d) { (void)nx; return forward(2, 0, x, attr, y); }
WG_FORWARD(conv3d) { (void)nx; return forward(3, 0, x, attr, y); }
WG_FORWARD(conv_transpose1d) { (void)nx; return forward(1, 1, x, attr, y); }
WG_FORWARD(conv_transpose2d) { (void)nx; return forward(2, 1, x, attr, y); }
WG_FORWARD(conv_transpose3d) { (void)nx; return forward(3, 1, x, attr, y); }

/* The private rows: they are called with shapes that fit, by formulas; what does not fit is refused without ceremony. */

/* Do image, result and kernel of these shapes belong to one convolution? image is what it reads. */
static int fits(const conv *c, int ndim, const int64_t *image, int rdim, const int64_t *result, int wdim, const int64_t *kernel) {
    const int n = c->n, lead = ndim - n;
    int right = n >= 1 && n <= 3 && (lead == 1 || lead == 2) && rdim == ndim && wdim == n + 2;
    if (right && lead == 2) right = image[0] == result[0];
    if (right) right = kernel[0] % c->groups == 0 && kernel[1] * c->groups == image[lead - 1] && kernel[0] == result[lead - 1];
    for (int d = 0; right && d < n; d++) right = kernel[2 + d] > 0;
    return right ? 0 : wg_fail(WG_RUNTIME_ERROR, "shapes %s, %s and %s are not those of a convolution's input, result and weight",
                               WG_LIST(image, ndim), WG_LIST(result, rdim), WG_LIST(kernel, wdim));
}

/* x, weight; shape, stride, padding, dilation, groups */
static int private_forward(int kernel, const wg_val *const *x, const wg_attr *attr, wg_val *y) {
    const wg_array *a = &x[0]->a, *b = &x[1]->a;
    const int64_t *shape = attr[0].v;
    const int ndim = (int)attr[0].n;
    conv c;
    wg_val_clear(y);
    const int wdim = kernel == WG_K_conv_weight ? ndim : b->ndim;
    if (wdim < 3 || wdim > 5) return wg_fail(WG_RUNTIME_ERROR, "a convolution's weight has 3 to 5 dimensions, not %d", wdim);
    if (read_conv(&c, wdim - 2, &attr[1], &attr[2], NULL, &attr[3], attr[4].i) < 0 || check_types(a, b, NULL) < 0) return -1;
    if (kernel == WG_K_conv_weight)
        return fits(&c, a->ndim, a->shape, b->ndim, b->shape, ndim, shape) < 0 ? -1 : launch_weight(&c, y, ndim, shape, NULL, a, b);
    int status = kernel == WG_K_conv ? fits(&c, a->ndim, a->shape, ndim, shape, b->ndim, b->shape)
                                     : fits(&c, ndim, shape, a->ndim, a->shape, b->ndim, b->shape);
    return status < 0 ? -1 : launch(kernel, &c, y, ndim, shape, a, b, NULL);
}

WG_FORWARD(_conv) { (void)nx; return private_forward(WG_K_conv, x, attr, y); }
WG_FORWARD(_conv_input) { (void)nx; return private_forward(WG_K_conv_input, x, attr, y); }
WG_FORWARD(_conv_weight) { (void)nx; return private_forward(WG_K_conv_weight, x, attr, y); }

/* ---- the gradients of a convolution, those of weight and bias in one pass over g --------------------------------- */

static int vjp(int n, wg_vjp_call *v) {
    const wg_array *x = &v->x[0]->a, *w = &v->x[1]->a, *g = &v->g[0]->a;
    conv c;
    if (g->dtype != w->dtype) return v->op->vjp_formula(v);
    if (read_conv(&c, n, &v->attr[0], &v->attr[1], NULL, &v->attr[2], v->attr[3].i) < 0) return -1;
    if (v->want[0] && launch(WG_K_conv_input, &c, &v->gx[0], x->ndim, x->shape, g, w, NULL) < 0) return -1;
    if (!v->want[1] && !v->want[2]) return 0;
    return launch_weight(&c, v->want[1] ? &v->gx[1] : NULL, w->ndim, w->shape, v->want[2] ? &v->gx[2] : NULL, v->want[1] ? x : g, g);
}

int wg_vjp_kernel_conv1d(wg_vjp_call *c) { return vjp(1, c); }
int wg_vjp_kernel_conv2d(wg_vjp_call *c) { return vjp(2, c); }
int wg_vjp_kernel_conv3d(wg_vjp_call *c) { return vjp(3, c); }
