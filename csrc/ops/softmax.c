/* softmax and log_softmax. Half types are computed in float32. */
#include "ops.h"

#define WG_FORWARD(name) int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y)

/* x; dim */
static int forward(int kernel, const char *name, const wg_array *x, wg_attr given, wg_val *y) {
    wg_val own;
    int dim;
    wg_val_clear(y);
    if (wg_wrap_dim(given.i, x->ndim, &dim) < 0) return -1;
    if (!WG_IS_FLOAT(x->dtype))
        return wg_fail(WG_NOT_IMPLEMENTED, "\"%s%s_kernel_impl\" not implemented for '%s'", name, dim >= x->ndim - 1 ? "_lastdim" : "",
                       wg_dtype_title[x->dtype]);
    const wg_array *wide = wg_widened(&own, x);
    int status = wide ? wg_new(y, wide->dtype, x->ndim, x->shape) : -1;
    wg_attr along[1] = {WG_INT(dim)};
    if (status == 0) status = wg_done(y, wg_launch(kernel, (wg_array *[]){&y->a, (wg_array *)wide}, 2, along, 1));
    wg_val_release(&own);
    return status < 0 ? -1 : wg_narrow(y, x->dtype);
}

WG_FORWARD(softmax) { (void)nx; return forward(WG_K_softmax, "softmax", &x[0]->a, attr[0], y); }
WG_FORWARD(log_softmax) { (void)nx; return forward(WG_K_log_softmax, "log_softmax", &x[0]->a, attr[0], y); }

static int vjp(int kernel, wg_vjp_call *c) {
    const wg_array *g = &c->g[0]->a, *y = &c->y[0]->a;
    int dim;
    if (!c->want[0]) return 0;
    if (y->dtype < WG_F32 || g->dtype != y->dtype) return c->op->vjp_formula(c);
    if (wg_wrap_dim(c->attr[0].i, y->ndim, &dim) < 0 || wg_new(&c->gx[0], y->dtype, y->ndim, y->shape) < 0) return -1;
    wg_attr along[1] = {WG_INT(dim)};
    return wg_launch(kernel, (wg_array *[]){&c->gx[0].a, (wg_array *)g, (wg_array *)y}, 3, along, 1);
}

int wg_vjp_kernel_softmax(wg_vjp_call *c) { return vjp(WG_K_softmax_vjp, c); }
int wg_vjp_kernel_log_softmax(wg_vjp_call *c) { return vjp(WG_K_log_softmax_vjp, c); }
