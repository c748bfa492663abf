/* Rows that move elements of one tensor: casts, copies, sums down to a shape, fills, flips, rolls, repeats, triangles. */
#include "into.h"
#include "ops.h"

#define WG_FORWARD(name) int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y)
#define WG_INTO(name) int wg_into_##name(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr)

WG_FORWARD(to_dtype) { (void)nx; return wg_copy_new(y, (int)attr[0].i, &x[0]->a, 0); }

WG_FORWARD(clone) {
    (void)nx;
    enum { CONTIGUOUS, PRESERVE, CHANNELS_LAST };
    int64_t format = attr[0].tag == WG_A_NONE ? PRESERVE : attr[0].i;
    const wg_array *a = &x[0]->a;
    if (format <= PRESERVE) return wg_copy_new(y, a->dtype, a, format == CONTIGUOUS);
    int n = format == CHANNELS_LAST ? 4 : 5;
    wg_val_clear(y);
    if (a->ndim != n) return wg_fail(WG_RUNTIME_ERROR, "required rank %d tensor to use channels_last%s format", n, n == 4 ? "" : "_3d");
    if (wg_new(y, a->dtype, n, a->shape) < 0) return -1;
    int64_t shape[5], strides[5], step = a->shape[1];
    memcpy(shape, a->shape, sizeof(int64_t) * (size_t)n);
    strides[1] = 1;
    for (int d = n - 1; d > 1; d--) { strides[d] = step; step *= shape[d]; }
    strides[0] = step;
    wg_array_set_dims(&y->a, n, shape, strides);
    return wg_done(y, wg_copy_array(&y->a, a));
}

/* ---- sum_to ------------------------------------------------------------------------------------------ */

/* Leading dimensions that the target lacks are summed away; where the target has 1 and x more, x is summed to 1. */
WG_FORWARD(sum_to) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    const int64_t *shape = attr[0].v;
    int n = (int)attr[0].n, lead = a->ndim - n, changes = lead > 0;
    int64_t kept[WG_MAX_DIMS], dims[WG_MAX_DIMS];
    int ndims = 0, bad = lead < 0;
    wg_val_clear(y);
    for (int d = 0; d < a->ndim && !bad; d++) {
        int64_t size = d < lead ? 1 : shape[d - lead];
        bad = size != a->shape[d] && size != 1;
        changes |= size != a->shape[d];
        kept[d] = size;
        if (d < lead || size != a->shape[d]) dims[ndims++] = d;
    }
    if (bad)
        return wg_fail(WG_RUNTIME_ERROR, "size {%s} is not expandable to size {%s}.", WG_LIST(shape, n), WG_SHAPE(a));
    if (!changes) return wg_window(y, x[0], a->ndim, a->shape, a->strides, 0);
    if (wg_new(y, WG_IS_FLOAT(a->dtype) ? a->dtype : WG_I64, a->ndim, kept) < 0) return -1;
    wg_attr reduce[2] = {WG_INTS(dims, ndims), WG_INT(0)};
    if (wg_launch(WG_K_sum, (wg_array *[]){&y->a, (wg_array *)a}, 2, reduce, 2) < 0) return wg_done(y, -1);
    wg_array_set_dims(&y->a, n, shape, NULL);
    return 0;
}

/* ---- values written over --------------------------------------------------------------------------------- */

/* src must broadcast to exactly x's shape. */
static int check_source(const wg_array *x, const wg_array *src) {
    int ndim;
    int64_t shape[WG_MAX_DIMS];
    if (wg_broadcast_shapes((const wg_array *const[]){x, src}, 2, &ndim, shape) < 0) return -1;
    if (!wg_expandable(src, x->ndim, x->shape))
        return wg_fail(WG_RUNTIME_ERROR, "output with shape %s doesn't match the broadcast shape %s", WG_SHAPE(x), WG_LIST(shape, ndim));
    return 0;
}

WG_INTO(copy_into) {
    (void)nx, (void)attr;
    wg_array src;
    if (wg_same_shape(y, &x[1]->a)) return wg_copy_array(y, &x[1]->a);
    if (check_source(y, &x[1]->a) < 0) return -1;
    wg_expanded_array(&src, &x[1]->a, y->ndim, y->shape);
    return wg_copy_array(y, &src);
}

WG_INTO(fill) { (void)x, (void)nx; return wg_check_fits(attr[0], y->dtype) < 0 ? -1 : wg_fill_array(y, attr[0]); }
WG_INTO(zero) { (void)x, (void)nx, (void)attr; return wg_fill_array(y, WG_INT(0)); }

WG_INTO(fill_tensor) {
    if (x[1]->a.ndim > 0)
        return wg_fail(WG_RUNTIME_ERROR, "fill_ only supports 0-dimension value tensor but got tensor with %d dimensions.", x[1]->a.ndim);
    wg_array once = *y;                                    /* as the fill kernel: what elements share is written once */
    for (int d = 0; d < y->ndim; d++) if (y->strides[d] == 0 && y->shape[d] > 1) once.shape[d] = 1;
    wg_array_set_dims(&once, y->ndim, once.shape, once.strides);
    return wg_into_copy_into(&once, x, nx, attr);
}

#define WG_FORWARD_OF_INTO(name) \
    WG_FORWARD(name) { return wg_new_like(y, x[0]->a.dtype, &x[0]->a) < 0 ? -1 : wg_done(y, wg_into_##name(&y->a, x, nx, attr)); }

WG_FORWARD_OF_INTO(copy_into)
WG_FORWARD_OF_INTO(fill)
WG_FORWARD_OF_INTO(zero)
WG_FORWARD_OF_INTO(fill_tensor)

/* ---- flip, roll --------------------------------------------------------------------------------------------- */

WG_FORWARD(flip) {
    (void)nx;
    uint32_t dims;
    wg_val_clear(y);
    if (wg_dim_mask(&attr[0], x[0]->a.ndim, 0, &dims) < 0) return -1;
    if (wg_new_like(y, x[0]->a.dtype, &x[0]->a) < 0) return -1;
    return wg_done(y, wg_launch(WG_K_flip, (wg_array *[]){&y->a, (wg_array *)&x[0]->a}, 2, attr, 1));
}

/* Without dims the elements are rolled in row-major order and the shape is put back. */
static int roll(wg_val *y, const wg_val *x, const wg_attr *shifts, const wg_attr *dims, int back) {
    const wg_array *a = &x->a;
    wg_val_clear(y);
    if (shifts->n == 0) return wg_fail(WG_RUNTIME_ERROR, "`shifts` required");
    if (shifts->n != (dims->n ? dims->n : 1))
        return wg_fail(WG_RUNTIME_ERROR, "shifts and dimensions must align. shifts: %u, dims:%u", shifts->n, dims->n);
    int64_t total[WG_MAX_DIMS] = {0}, along[WG_MAX_DIMS];            /* shifts along a dimension add up */
    int n = dims->n ? a->ndim : 1;
    for (int d = 0; d < n; d++) along[d] = d;
    for (uint32_t k = 0; k < shifts->n; k++) {
        int d = 0;
        if (dims->n) {
            if (wg_wrap_dim(dims->v[k], a->ndim, &d) < 0) return -1;
            if (a->ndim == 0)
                return wg_fail(WG_INDEX_ERROR, "Dimension specified as %lld but tensor has no dimensions", (long long)dims->v[k]);
        }
        int64_t size = dims->n ? a->shape[d] : a->numel, shift = size ? shifts->v[k] % size : 0;
        if (size) total[d] = (total[d] + (back ? -shift : shift)) % size;
    }
    wg_attr kernel[2] = {WG_INTS(total, n), WG_INTS(along, n)};
    if (dims->n || (a->ndim == 1)) {
        if (wg_new(y, a->dtype, a->ndim, a->shape) < 0) return -1;
        return wg_done(y, wg_launch(WG_K_roll, (wg_array *[]){&y->a, (wg_array *)a}, 2, kernel, 2));
    }
    wg_val dense;
    if (wg_dense(&dense, x) < 0) return -1;
    wg_array_set_dims(&dense.a, 1, &a->numel, NULL);
    int status = wg_new(y, a->dtype, 1, &a->numel);
    if (status == 0) {
        status = wg_done(y, wg_launch(WG_K_roll, (wg_array *[]){&y->a, &dense.a}, 2, kernel, 2));
        if (status == 0) wg_array_set_dims(&y->a, a->ndim, a->shape, NULL);
    }
    wg_val_release(&dense);
    return status;
}

WG_FORWARD(roll) { (void)nx; return roll(y, x[0], &attr[0], &attr[1], 0); }
WG_FORWARD(_roll_back) { (void)nx; return roll(y, x[0], &attr[0], &attr[1], 1); }

/* ---- repeat --------------------------------------------------------------------------------------------------- */

WG_FORWARD(repeat) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    int n = (int)attr[0].n, lead = n - a->ndim;
    int64_t shape[WG_MAX_DIMS];
    wg_val_clear(y);
    if (lead < 0)
        return wg_fail(WG_RUNTIME_ERROR, "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor");
    if (n > WG_MAX_DIMS)
        return wg_fail(WG_RUNTIME_ERROR, "tensors of more than %d dimensions are not supported, got %d", WG_MAX_DIMS, n);
    for (int d = 0; d < n; d++)
        if (__builtin_mul_overflow(attr[0].v[d], d < lead ? 1 : a->shape[d - lead], &shape[d]))
            return wg_fail(WG_RUNTIME_ERROR, "Storage size calculation overflowed with sizes=%s", WG_LIST(attr[0].v, n));
    if (wg_new(y, a->dtype, n, shape) < 0) return -1;
    return wg_done(y, wg_launch(WG_K_repeat, (wg_array *[]){&y->a, (wg_array *)a}, 2, attr, 1));
}

/* Each dimension of g falls into (copies, own size); the copies are summed away. Where one of the two is 1 the
 * dimension stays whole, so that the limit of dimensions is met only by tensors of more than half of it. */
WG_FORWARD(_repeat_back) {
    (void)nx;
    const wg_array *g = &x[0]->a;
    const int64_t *repeats = attr[1].v;
    int n = g->ndim, lead = n - (int)attr[0].n, m = 0, ndims = 0, bad = (int)attr[1].n != n || lead < 0;
    int64_t split[2 * WG_MAX_DIMS], strides[2 * WG_MAX_DIMS], kept[2 * WG_MAX_DIMS], dims[WG_MAX_DIMS];
    wg_val_clear(y);
    for (int d = 0; d < n && !bad; d++) {
        int64_t own = d < lead ? 1 : attr[0].v[d - lead];
        bad = repeats[d] < 0 || own < 0 || (own ? g->shape[d] / own != repeats[d] || g->shape[d] % own : g->shape[d] != 0);
        if (repeats[d] != 1) {
            dims[ndims++] = m;
            split[m] = repeats[d];
            kept[m] = 1;
            strides[m++] = own * g->strides[d];
        }
        if (own != 1) {
            split[m] = kept[m] = own;
            strides[m++] = g->strides[d];
        }
    }
    if (bad)
        return wg_fail(WG_RUNTIME_ERROR, "shape %s is not shape %s repeated %s times", WG_SHAPE(g), WG_LIST(attr[0].v, attr[0].n),
                       WG_LIST(repeats, attr[1].n));
    if (m > WG_MAX_DIMS)
        return wg_fail(WG_RUNTIME_ERROR, "the gradient of repeat with %d dimensions repeated is not supported", ndims);
    if (ndims == 0) {
        if (wg_copy_new(y, g->dtype, g, 1) < 0) return -1;
    } else {
        wg_array parts = {.data = g->data, .storage = g->storage, .dtype = g->dtype};
        wg_array_set_dims(&parts, m, split, strides);
        if (wg_new(y, g->dtype, m, kept) < 0) return -1;
        wg_attr reduce[2] = {WG_INTS(dims, ndims), WG_INT(0)};
        if (wg_launch(WG_K_sum, (wg_array *[]){&y->a, &parts}, 2, reduce, 2) < 0) return wg_done(y, -1);
    }
    wg_array_set_dims(&y->a, (int)attr[0].n, attr[0].v, NULL);
    return 0;
}

/* ---- triangles -------------------------------------------------------------------------------------------------- */

static int triangle(const char *name, int kernel, wg_val *y, const wg_val *x, const wg_attr *attr) {
    wg_val_clear(y);
    if (x->a.ndim < 2) return wg_fail(WG_RUNTIME_ERROR, "%s: input tensor must have at least 2 dimensions", name);
    if (wg_new(y, x->a.dtype, x->a.ndim, x->a.shape) < 0) return -1;
    return wg_done(y, wg_launch(kernel, (wg_array *[]){&y->a, (wg_array *)&x->a}, 2, attr, 1));
}

WG_FORWARD(tril) { (void)nx; return triangle("tril", WG_K_tril, y, x[0], attr); }
WG_FORWARD(triu) { (void)nx; return triangle("triu", WG_K_triu, y, x[0], attr); }
