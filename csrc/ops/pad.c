/* Padding. pads are PyTorch's: (before, after) of the last dimension, then of the one before it, ... */
#include "ops.h"

enum { CONSTANT, REFLECT, REPLICATE, CIRCULAR };

static const char *const mode_names[] = {"constant", "reflect", "replicate", "circular"};

/* Modes that repeat the input's own elements pad the last 1 to 3 dimensions of (N, C, spatial) or (C, spatial). */
static int check_mode(const wg_array *x, const wg_attr *pads, int64_t mode) {
    int n = (int)pads->n, spatial = n / 2;
    if (n < 2 || n > 6 || (x->ndim != spatial + 1 && x->ndim != spatial + 2))
        return wg_fail(WG_NOT_IMPLEMENTED, "Padding size %d is not supported for %dD input tensor.", n, x->ndim);
    int batch = x->ndim - spatial - 1;
    for (int d = 0; d < x->ndim && mode != CIRCULAR; d++)
        if (x->shape[d] == 0 && !(batch && d == 0))
            return wg_fail(WG_RUNTIME_ERROR, "Expected %dD or %dD (batch mode) tensor with possibly 0 batch size and other non-zero "
                           "dimensions for input, but got: %s", spatial + 1, spatial + 2, WG_SHAPE(x));
    for (int i = 0; i < spatial; i++) {
        int d = x->ndim - 1 - i;
        int64_t before = pads->v[2 * i], after = pads->v[2 * i + 1], size = x->shape[d];
        if (mode == REFLECT && (before >= size || after >= size))
            return wg_fail(WG_RUNTIME_ERROR, "Argument #%d: Padding size should be less than the corresponding input dimension, but got: "
                           "padding (%lld, %lld) at dimension %d of input %s", 4 + 2 * i, (long long)before, (long long)after, d,
                           WG_SHAPE(x));
        if (mode == CIRCULAR && (before > size || after > size))
            return wg_fail(WG_RUNTIME_ERROR, "Padding value causes wrapping around more than once.");
        if (before < -size || after < -size || before + size + after < (mode == CIRCULAR ? 0 : 1)) {
            if (mode == CIRCULAR) return wg_fail(WG_RUNTIME_ERROR, "Negative padding value is resulting in an empty dimension");
            return wg_fail(WG_RUNTIME_ERROR, "input (%c: %lld) is too small. Calculated output %c: %lld", "WHD"[i], (long long)size,
                           "WHD"[i], (long long)(before + size + after));
        }
    }
    return 0;
}

/* The padded shape. */
static int padded_shape(const wg_array *x, const wg_attr *pads, int64_t *shape) {
    int n = (int)pads->n;
    if (n % 2) return wg_fail(WG_RUNTIME_ERROR, "Padding length must be divisible by 2");
    if (n / 2 > x->ndim)
        return wg_fail(WG_RUNTIME_ERROR, "Padding length should be less than or equal to two times the input dimension but got padding "
                       "length %d and input of dimension %d", n, x->ndim);
    memcpy(shape, x->shape, sizeof(int64_t) * x->ndim);
    for (int i = 0; i < n / 2; i++) {
        int d = x->ndim - 1 - i;
        if (pads->v[2 * i] == INT64_MIN || pads->v[2 * i + 1] == INT64_MIN ||
            __builtin_add_overflow(shape[d], pads->v[2 * i], &shape[d]) || __builtin_add_overflow(shape[d], pads->v[2 * i + 1], &shape[d]))
            return wg_fail(WG_RUNTIME_ERROR, "Storage size calculation overflowed with sizes=%s", WG_SHAPE(x));
        if (shape[d] < 0)
            return wg_fail(WG_RUNTIME_ERROR, "The input size %lld, plus negative padding %lld and %lld, resulted in a negative output size, "
                           "which is invalid. Check dimension %d of your input.", (long long)x->shape[d], (long long)pads->v[2 * i],
                           (long long)pads->v[2 * i + 1], d);
    }
    return 0;
}

static int check_pad(const wg_array *x, const wg_attr *pads, int64_t mode, int64_t *shape) {
    if (pads->n % 2 == 0 && mode != CONSTANT && check_mode(x, pads, mode) < 0) return -1;
    return padded_shape(x, pads, shape);
}

/* Circular padding wraps what a crop leaves: narrows *x by its negative pads and leaves the others in `rest`. */
static int crop_first(wg_array *x, const wg_attr *pads, int64_t *rest) {
    for (uint32_t i = 0; i < pads->n; i++) rest[i] = pads->v[i] > 0 ? pads->v[i] : 0;
    int64_t shape[WG_MAX_DIMS], strides[WG_MAX_DIMS];
    memcpy(shape, x->shape, sizeof(int64_t) * x->ndim);
    memcpy(strides, x->strides, sizeof(int64_t) * x->ndim);
    for (uint32_t i = 0; i < pads->n / 2; i++) {
        int d = x->ndim - 1 - (int)i;
        int64_t before = pads->v[2 * i] < 0 ? -pads->v[2 * i] : 0, after = pads->v[2 * i + 1] < 0 ? -pads->v[2 * i + 1] : 0;
        shape[d] = before + after < shape[d] ? shape[d] - before - after : 0;
        if (rest[2 * i] > shape[d] || rest[2 * i + 1] > shape[d])
            return wg_fail(WG_RUNTIME_ERROR, "Padding value causes wrapping around more than once.");
        if (shape[d]) x->data += before * strides[d] * wg_itemsize[x->dtype];
    }
    wg_array_set_dims(x, x->ndim, shape, strides);
    return 0;
}

/* Constant padding that only crops is a copy, in x's order of dimensions. */
static int crop(wg_val *y, const wg_array *x, const wg_attr *pads, const int64_t *shape) {
    wg_array part;
    memcpy(&part, x, offsetof(wg_array, shape));
    for (uint32_t i = 0; i < pads->n / 2; i++) {
        int d = x->ndim - 1 - (int)i;
        if (shape[d]) part.data -= pads->v[2 * i] * x->strides[d] * wg_itemsize[x->dtype];
    }
    wg_array_set_dims(&part, x->ndim, shape, x->strides);
    return wg_copy_new(y, x->dtype, &part, 0);
}

/* A window on x that the kernel may narrow, as an operand of a launch: owns nothing. */
static void operand_of(wg_array *to, const wg_array *x) {
    memcpy(to, x, offsetof(wg_array, shape));
    wg_array_set_dims(to, x->ndim, x->shape, x->strides);
}

/* x; pad, mode, value */
int wg_forward_pad(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    (void)nx;
    int64_t shape[WG_MAX_DIMS], rest[2 * WG_MAX_DIMS], mode = attr[1].i;
    wg_array from;
    wg_attr pads = attr[0];
    wg_val_clear(y);
    if (mode != CONSTANT && attr[2].tag != WG_A_NONE && wg_attr_float(attr[2]) != 0)
        return wg_fail(WG_RUNTIME_ERROR, "Padding mode \"%s\" doesn't take in value argument", mode_names[mode]);
    if (check_pad(&x[0]->a, &pads, mode, shape) < 0) return -1;
    if (attr[2].tag != WG_A_NONE && wg_check_fits(attr[2], x[0]->a.dtype) < 0) return -1;
    operand_of(&from, &x[0]->a);
    if (mode == CIRCULAR) {
        if (crop_first(&from, &pads, rest) < 0) return -1;
        pads = WG_INTS(rest, pads.n);
    }
    int grows = mode != CONSTANT;
    for (uint32_t i = 0; i < pads.n; i++) grows |= pads.v[i] > 0;
    if (!grows) return crop(y, &x[0]->a, &pads, shape);
    if (wg_new(y, x[0]->a.dtype, x[0]->a.ndim, shape) < 0) return -1;
    wg_attr kernel[3] = {attr[1], pads, attr[2].tag == WG_A_NONE ? WG_INT(0) : attr[2]};
    return wg_done(y, wg_launch(WG_K_pad, (wg_array *[]){&y->a, &from}, 2, kernel, 3));
}

/* x; pad, mode, shape */
int wg_forward__pad_back(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    (void)nx;
    int64_t shape[WG_MAX_DIMS], rest[2 * WG_MAX_DIMS], mode = attr[1].i;
    wg_array padded, to;
    wg_attr pads = attr[0];
    if (wg_new_zeros(y, x[0]->a.dtype, (int)attr[2].n, attr[2].v) < 0) return -1;
    if (check_pad(&y->a, &pads, mode, shape) < 0) return wg_done(y, -1);
    wg_array_set_dims(&padded, y->a.ndim, shape, NULL);
    if (!wg_same_shape(&padded, &x[0]->a))
        return wg_done(y, wg_fail(WG_RUNTIME_ERROR, "a gradient of shape %s does not fit the padded shape %s", WG_SHAPE(&x[0]->a),
                                  WG_SHAPE(&padded)));
    operand_of(&to, &y->a);
    if (mode == CIRCULAR) {
        if (crop_first(&to, &pads, rest) < 0) return wg_done(y, -1);
        pads = WG_INTS(rest, pads.n);
    }
    wg_attr kernel[2] = {attr[1], pads};
    return wg_done(y, wg_launch(WG_K_pad_vjp, (wg_array *[]){&to, (wg_array *)&x[0]->a}, 2, kernel, 2));
}
