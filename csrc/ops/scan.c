/* Running sums, products and extrema along a dimension, and the recurrence that their derivatives are made of. */
#include "ops.h"

#define WG_FORWARD(name) int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y)

/* y = kernel(x, c; dim, reverse, exclusive), of x's dtype or, for integers, int64. c may be NULL. */
static int scan(int kernel, wg_val *y, const wg_array *x, const wg_array *c, wg_attr given, int reverse, int exclusive) {
    int dim, dtype = x->dtype <= WG_I64 ? WG_I64 : x->dtype;
    wg_val_clear(y);
    if (wg_wrap_dim(given.i, x->ndim, &dim) < 0 || wg_new(y, dtype, x->ndim, x->shape) < 0) return -1;
    wg_attr attr[3] = {WG_INT(dim), WG_BOOLEAN(reverse), WG_BOOLEAN(exclusive)};
    return wg_done(y, wg_launch(kernel, (wg_array *[]){&y->a, (wg_array *)x, (wg_array *)c}, c ? 3 : 2, attr, 3));
}

/* x; dim, dtype: x is converted first */
static int scan_as(int kernel, const char *name, wg_val *y, const wg_array *x, const wg_attr *attr) {
    int dtype = attr[1].tag == WG_A_NONE ? x->dtype <= WG_I64 ? WG_I64 : x->dtype : (int)attr[1].i, dim;
    wg_val own, wide;
    wg_val_clear(y);
    if (wg_wrap_dim(attr[0].i, x->ndim, &dim) < 0) return -1;
    if (dtype == WG_BOOL) return wg_fail(WG_NOT_IMPLEMENTED, "\"%s_out_cpu\" not implemented for 'Bool'", name);
    if (WG_LIKELY(x->dtype == dtype || (x->dtype <= WG_I64 && dtype <= WG_I64))) {
        if (scan(kernel, y, x, NULL, attr[0], 0, 0) < 0) return -1;
    } else {
        if (wg_copy_new(&own, dtype, x, 0) < 0) return -1;
        int status = scan(kernel, y, &own.a, NULL, attr[0], 0, 0);
        wg_val_release(&own);
        if (status < 0) return -1;
    }
    if (y->a.dtype == dtype) return 0;
    wg_val_move(&wide, y);                               /* integers: their low bits are those of a narrower scan */
    int status = wg_copy_new(y, dtype, &wide.a, 0);
    wg_val_release(&wide);
    return status;
}

WG_FORWARD(cumsum) { (void)nx; return scan_as(WG_K_cumsum, "cumsum", y, &x[0]->a, attr); }
WG_FORWARD(cumprod) { (void)nx; return scan_as(WG_K_cumprod, "cumprod", y, &x[0]->a, attr); }

/* x; dim */
WG_FORWARD(_cumsum_back) { (void)nx; return scan(WG_K_cumsum, y, &x[0]->a, NULL, attr[0], 1, 0); }

static int refuse_integers(const char *name, const wg_array *x) {
    if (WG_IS_FLOAT(x->dtype)) return 0;
    return wg_fail(WG_NOT_IMPLEMENTED, "\"%s\" not implemented for '%s'", name, wg_dtype_title[x->dtype]);
}

/* x; dim */
WG_FORWARD(logcumsumexp) {
    (void)nx;
    int dim;
    wg_val_clear(y);
    if (wg_wrap_dim(attr[0].i, x[0]->a.ndim, &dim) < 0 || refuse_integers("logcumsumexp_out_cpu", &x[0]->a) < 0) return -1;
    return scan(WG_K_logcumsumexp, y, &x[0]->a, NULL, attr[0], 0, 0);
}

/* x; dim, reverse */
WG_FORWARD(_cumprod_exclusive) {
    (void)nx;
    wg_val_clear(y);
    if (refuse_integers("cumprod_exclusive", &x[0]->a) < 0) return -1;
    return scan(WG_K_cumprod_exclusive, y, &x[0]->a, NULL, attr[0], attr[1].i != 0, 0);
}

/* x, c; dim, reverse, exclusive */
WG_FORWARD(_scan) {
    (void)nx;
    const wg_array *a = &x[0]->a, *c = &x[1]->a;
    wg_array shown;
    wg_val own;
    wg_val_clear(y);
    if (refuse_integers("scan", a) < 0) return -1;
    if (!wg_expandable(c, a->ndim, a->shape))
        return wg_fail(WG_RUNTIME_ERROR, "a recurrence needs operands of one shape, got %s and %s", WG_SHAPE(a), WG_SHAPE(c));
    wg_val_clear(&own);
    if (c->dtype != a->dtype) {
        if (wg_copy_new(&own, a->dtype, c, 0) < 0) return -1;
        c = &own.a;
    }
    wg_expanded_array(&shown, c, a->ndim, a->shape);
    int status = scan(WG_K_recurrence, y, a, &shown, attr[0], attr[1].i != 0, attr[2].i != 0);
    wg_val_release(&own);
    return status;
}

/* x; dim: values and indices */
static int running(int kernel, const char *name, wg_val *y, const wg_array *x, wg_attr given) {
    int dim;
    wg_val_clear(&y[0]);
    wg_val_clear(&y[1]);
    if (x->ndim == 0 && given.i != 0 && given.i != -1)
        return wg_fail(WG_INDEX_ERROR, "%s(): Expected reduction dim -1 or 0 for scalar but got %lld", name, (long long)given.i);
    if (wg_wrap_dim(given.i, x->ndim, &dim) < 0) return -1;
    wg_attr attr[1] = {WG_INT(dim)};
    int status = wg_new(&y[0], x->dtype, x->ndim, x->shape);
    if (status == 0) status = wg_new(&y[1], WG_I64, x->ndim, x->shape);
    if (status == 0) status = wg_launch(kernel, (wg_array *[]){&y[0].a, &y[1].a, (wg_array *)x}, 3, attr, 1);
    wg_done(&y[0], status);
    return wg_done(&y[1], status);
}

WG_FORWARD(cummax) { (void)nx; return running(WG_K_cummax, "cummax", y, &x[0]->a, attr[0]); }
WG_FORWARD(cummin) { (void)nx; return running(WG_K_cummin, "cummin", y, &x[0]->a, attr[0]); }
