/* layer_norm, rms_norm, batch_norm. Half types are computed in float32 in layer_norm, whose weight and bias may then be
 * float32; the other two take one floating dtype, and the facade has formulas for what they don't take. */
#include "ops.h"

#include <stdio.h>

static int bad_input_shape(const wg_array *x, const wg_attr *shape) {
    char wanted[320] = "[*";
    size_t at = 2;
    for (uint32_t d = 0; d < shape->n && at < sizeof wanted; d++)
        at += (size_t)snprintf(wanted + at, sizeof wanted - at, ", %lld", (long long)shape->v[d]);
    if (at < sizeof wanted) snprintf(wanted + at, sizeof wanted - at, "]");
    return wg_fail(WG_RUNTIME_ERROR, "Given normalized_shape=%s, expected input with shape %s, but got input of size%s",
                   WG_LIST(shape->v, shape->n), wanted, WG_SHAPE(x));
}

static int check_parameter(const char *name, const wg_array *v, const wg_attr *shape) {
    int same = v == NULL || v->ndim == (int)shape->n;
    for (int d = 0; v && same && d < v->ndim; d++) same = v->shape[d] == shape->v[d];
    if (same) return 0;
    return wg_fail(WG_RUNTIME_ERROR, "Expected %s to be of same shape as normalized_shape, but got %s of shape %s and normalized_shape = %s",
                   name, name, WG_SHAPE(v), WG_LIST(shape->v, shape->n));
}

static int check_types(const wg_array *x, const wg_array *weight, const wg_array *bias) {
    const wg_array *first = weight ? weight : bias;
    if (!WG_IS_FLOAT(x->dtype))
        return wg_fail(WG_NOT_IMPLEMENTED, "\"LayerNormKernelImpl\" not implemented for '%s'", wg_dtype_title[x->dtype]);
    if (first == NULL) return 0;
    if (first->dtype != x->dtype && (first->dtype != WG_F32 || x->dtype >= WG_F32))
        return wg_fail(WG_RUNTIME_ERROR, "mixed dtype (CPU): expect parameter to have scalar type of Float");
    if (bias && bias->dtype != first->dtype)
        return wg_fail(WG_RUNTIME_ERROR, "expected scalar type %s but found %s", wg_dtype_title[first->dtype], wg_dtype_title[bias->dtype]);
    return 0;
}

static int check(const wg_array *x, const wg_array *weight, const wg_array *bias, const wg_attr *shape) {
    int n = (int)shape->n, lead = x->ndim - n, same = lead >= 0;
    if (n < 1)
        return wg_fail(WG_RUNTIME_ERROR, "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
                       "normalized_shape = []");
    if (check_parameter("weight", weight, shape) < 0 || check_parameter("bias", bias, shape) < 0) return -1;
    for (int d = 0; same && d < n; d++) same = x->shape[lead + d] == shape->v[d];
    return same ? check_types(x, weight, bias) : bad_input_shape(x, shape);
}

/* x, weight, bias; normalized_shape, eps. Outputs y, mean, rstd. */
int wg_forward_layer_norm(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    (void)nx;
    const wg_array *in[3] = {&x[0]->a, wg_val_absent(x[1]) ? NULL : &x[1]->a, wg_val_absent(x[2]) ? NULL : &x[2]->a};
    const wg_array *a = in[0];
    wg_val own[3];
    for (int k = 0; k < 3; k++) wg_val_clear(&y[k]);
    if (check(a, in[1], in[2], &attr[0]) < 0) return -1;
    int64_t rows = 1;
    int tail = (int)attr[0].n, status = 0;
    for (int d = 0; d < a->ndim - tail; d++) rows *= a->shape[d];
    for (int k = 0; k < 3; k++) wg_val_clear(&own[k]);
    for (int k = 0; k < 3 && status == 0; k++) {
        if (in[k] == NULL) in[k] = &wg_no_array;
        else if ((in[k] = wg_widened(&own[k], in[k])) == NULL) status = -1;
    }
    if (status == 0) status = wg_new(&y[0], wg_widened_type(a->dtype), a->ndim, a->shape);
    for (int k = 1; k < 3 && status == 0; k++) status = wg_new(&y[k], y[0].a.dtype, 1, &rows);
    wg_attr kernel[2] = {WG_INT(tail), attr[1]};
    if (status == 0)
        status = wg_launch(WG_K_layer_norm, (wg_array *[]){&y[0].a, &y[1].a, &y[2].a, (wg_array *)in[0], (wg_array *)in[1], (wg_array *)in[2]},
                           6, kernel, 2);
    for (int k = 0; k < 3; k++) wg_val_release(&own[k]);
    if (status == 0) status = wg_narrow(&y[0], a->dtype);
    for (int k = 0; k < 3; k++) wg_done(&y[k], status);
    return status;
}

int wg_vjp_kernel_layer_norm(wg_vjp_call *c) {
    const wg_array *g = &c->g[0]->a, *x = &c->x[0]->a, *weight = c->x[1]->a.storage ? &c->x[1]->a : &wg_no_array;
    wg_array *gx[3] = {(wg_array *)&wg_no_array, (wg_array *)&wg_no_array, (wg_array *)&wg_no_array};
    if (x->dtype < WG_F32 || g->dtype != x->dtype) return c->op->vjp_formula(c);
    for (int i = 0; i < 3; i++) {
        if (!c->want[i]) continue;
        const wg_array *like = i ? g : x;
        int lead = i ? g->ndim - (int)c->attr[0].n : 0;
        if (wg_new(&c->gx[i], x->dtype, like->ndim - lead, like->shape + lead) < 0) return -1;
        gx[i] = &c->gx[i].a;
    }
    wg_attr tail[1] = {WG_INT(c->attr[0].n)};
    return wg_launch(WG_K_layer_norm_vjp, (wg_array *[]){gx[0], gx[1], gx[2], (wg_array *)g, (wg_array *)x, (wg_array *)weight,
                                                         (wg_array *)&c->y[1]->a, (wg_array *)&c->y[2]->a}, 8, tail, 1);
}

/* ---- rms_norm, batch_norm ------------------------------------------------------------------------------------- */

/* What may be absent, and must be dense: a copy in *own where it is not. NULL: failed. */
static const wg_array *dense_vector(wg_val *own, const wg_val *v) {
    if (wg_val_absent(v)) return &wg_no_array;
    if (v->a.contiguous) return &v->a;
    return wg_copy_new(own, v->a.dtype, &v->a, 1) < 0 ? NULL : &own->a;
}

/* Outputs [0, nout) of the VJP where they are wanted, with the shapes of the inputs. */
static int new_gradients(wg_vjp_call *c, int nout, wg_array **gx) {
    for (int i = 0; i < nout; i++) {
        gx[i] = (wg_array *)&wg_no_array;
        if (!c->want[i]) continue;
        if (wg_new(&c->gx[i], c->x[i]->a.dtype, c->x[i]->a.ndim, c->x[i]->a.shape) < 0) return -1;
        gx[i] = &c->gx[i].a;
    }
    return 0;
}

static int check_one_type(const char *name, const wg_val *const *x, int nx) {
    if (x[0]->a.dtype < WG_F32) return wg_fail(WG_NOT_IMPLEMENTED, "\"%s\" not implemented for '%s'", name, wg_dtype_title[x[0]->a.dtype]);
    for (int i = 1; i < nx; i++)
        if (!wg_val_absent(x[i]) && x[i]->a.dtype != x[0]->a.dtype)
            return wg_fail(WG_RUNTIME_ERROR, "expected scalar type %s but found %s", wg_dtype_title[x[0]->a.dtype], wg_dtype_title[x[i]->a.dtype]);
    return 0;
}

/* x, weight; normalized_shape, eps. Outputs y, rstd. */
int wg_forward__rms_norm(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    const wg_array *a = &x[0]->a;
    wg_val own;
    wg_val_clear(&own);
    for (int k = 0; k < 2; k++) wg_val_clear(&y[k]);
    if (check_one_type("rms_norm", x, nx) < 0 || check(a, wg_val_absent(x[1]) ? NULL : &x[1]->a, NULL, &attr[0]) < 0) return -1;
    int64_t rows = 1;
    int tail = (int)attr[0].n;
    for (int d = 0; d < a->ndim - tail; d++) rows *= a->shape[d];
    const wg_array *weight = dense_vector(&own, x[1]);
    int status = weight == NULL ? -1 : wg_new(&y[0], a->dtype, a->ndim, a->shape);
    if (status == 0) status = wg_new(&y[1], a->dtype, 1, &rows);
    wg_attr kernel[2] = {WG_INT(tail), attr[1]};
    if (status == 0)
        status = wg_launch(WG_K_rms_norm, (wg_array *[]){&y[0].a, &y[1].a, (wg_array *)a, (wg_array *)weight}, 4, kernel, 2);
    wg_val_release(&own);
    for (int k = 0; k < 2; k++) wg_done(&y[k], status);
    return status;
}

int wg_vjp_kernel__rms_norm(wg_vjp_call *c) {
    const wg_array *g = &c->g[0]->a, *x = &c->x[0]->a, *weight = c->x[1]->a.storage ? &c->x[1]->a : &wg_no_array;
    wg_array *gx[2];
    if (g->dtype != x->dtype) return c->op->vjp_formula(c);
    if (new_gradients(c, 2, gx) < 0) return -1;
    wg_attr tail[1] = {WG_INT(c->attr[0].n)};
    return wg_launch(WG_K_rms_norm_vjp, (wg_array *[]){gx[0], gx[1], (wg_array *)g, (wg_array *)x, (wg_array *)weight, (wg_array *)&c->y[1]->a},
                     6, tail, 1);
}

/* x, weight, bias, running_mean, running_var; dims, view, training, eps. Outputs y, mean, var, rstd. */
int wg_forward__batch_norm(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    const wg_array *a = &x[0]->a, *vector[4];
    wg_val own[4];
    int status = check_one_type("batch_norm", x, nx);
    for (int k = 0; k < 4; k++) wg_val_clear(&y[k]);
    for (int k = 0; k < 4; k++) wg_val_clear(&own[k]);
    if (status == 0 && a->ndim < 2) status = wg_fail(WG_RUNTIME_ERROR, "batch_norm needs at least 2 dimensions, got %d", a->ndim);
    for (int k = 0; k < 4 && status == 0; k++) {
        if (!wg_val_absent(x[k + 1]) && x[k + 1]->a.numel != a->shape[1])
            status = wg_fail(WG_RUNTIME_ERROR, "expected %lld elements, not %lld", (long long)a->shape[1], (long long)x[k + 1]->a.numel);
        else if ((vector[k] = dense_vector(&own[k], x[k + 1])) == NULL) status = -1;
    }
    if (status == 0) status = wg_new(&y[0], a->dtype, a->ndim, a->shape);
    for (int k = 1; k < 4 && status == 0; k++) status = wg_new(&y[k], a->dtype, 1, &a->shape[1]);
    if (status == 0)
        status = wg_launch(WG_K_batch_norm, (wg_array *[]){&y[0].a, &y[1].a, &y[2].a, &y[3].a, (wg_array *)a, (wg_array *)vector[0],
                                                           (wg_array *)vector[1], (wg_array *)vector[2], (wg_array *)vector[3]},
                           9, (wg_attr[]){attr[2], attr[3]}, 2);
    for (int k = 0; k < 4; k++) wg_val_release(&own[k]);
    for (int k = 0; k < 4; k++) wg_done(&y[k], status);
    return status;
}

int wg_vjp_kernel__batch_norm(wg_vjp_call *c) {
    const wg_array *g = &c->g[0]->a, *x = &c->x[0]->a;
    wg_array *gx[3];
    wg_val own;
    wg_val_clear(&own);
    if (g->dtype != x->dtype) return c->op->vjp_formula(c);
    const wg_array *weight = c->x[1]->a.storage ? dense_vector(&own, c->x[1]) : &wg_no_array;
    if (weight == NULL) return -1;
    int status = new_gradients(c, 3, gx);
    if (status == 0)
        status = wg_launch(WG_K_batch_norm_vjp, (wg_array *[]){gx[0], gx[1], gx[2], (wg_array *)g, (wg_array *)x, (wg_array *)weight,
                                                               (wg_array *)&c->y[1]->a, (wg_array *)&c->y[3]->a}, 8, &c->attr[2], 1);
    wg_val_release(&own);
    return status;
}
