/* embedding, its adjoint, and the adjoint of that. */
#include "ops.h"

#define WG_FORWARD(name) int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y)

/* Indices as int64: themselves or a copy in *own, which the caller releases. */
static const wg_array *indices_of(wg_val *own, const wg_array *index) {
    wg_val_clear(own);
    if (WG_LIKELY(index->dtype == WG_I64)) return index;
    if (index->dtype != WG_I32) {
        wg_fail(WG_RUNTIME_ERROR, "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
                "torch.%sTensor instead (while checking arguments for embedding)", wg_dtype_title[index->dtype]);
        return NULL;
    }
    return wg_copy_new(own, WG_I64, index, 1) < 0 ? NULL : &own->a;
}

/* y = the rows of weight at index. */
static int look_up(wg_val *y, const wg_array *weight, const wg_array *index) {
    int64_t shape[WG_MAX_DIMS];
    if (index->ndim + 1 > WG_MAX_DIMS)
        return wg_fail(WG_RUNTIME_ERROR, "tensors of more than %d dimensions are not supported, got %d", WG_MAX_DIMS, index->ndim + 1);
    for (int d = 0; d < index->ndim; d++) shape[d] = index->shape[d];
    shape[index->ndim] = weight->shape[1];
    if (wg_new(y, weight->dtype, index->ndim + 1, shape) < 0) return -1;
    return wg_done(y, wg_launch(WG_K_embedding, (wg_array *[]){&y->a, (wg_array *)weight, (wg_array *)index}, 3, NULL, 0));
}

/* indices, weight; padding_idx, scale_grad_by_freq: both concern gradients only */
WG_FORWARD(embedding) {
    (void)nx, (void)attr;
    wg_val own;
    wg_val_clear(y);
    if (x[1]->a.ndim != 2) return wg_fail(WG_RUNTIME_ERROR, "'weight' must be 2-D");
    const wg_array *index = indices_of(&own, &x[0]->a);
    if (index == NULL) return -1;
    int status = look_up(y, &x[1]->a, index);
    wg_val_release(&own);
    return status;
}

/* y (rows, columns) = rows of x added by index. */
static int add_up(wg_val *y, const wg_array *x, const wg_array *index, const int64_t *shape, wg_attr padding, wg_attr scale) {
    wg_val own;
    const wg_array *wide = wg_widened(&own, x);
    int status = wide ? wg_new(y, wide->dtype, 2, shape) : -1;
    wg_attr attr[2] = {padding, scale};
    if (status == 0)
        status = wg_done(y, wg_launch(WG_K_embedding_vjp, (wg_array *[]){&y->a, (wg_array *)wide, (wg_array *)index}, 3, attr, 2));
    wg_val_release(&own);
    return status < 0 ? -1 : wg_narrow(y, x->dtype);
}

/* x, indices; shape, padding_idx, scale_grad_by_freq */
WG_FORWARD(_embedding_sum) {
    (void)nx;
    wg_val own;
    wg_val_clear(y);
    const wg_array *index = indices_of(&own, &x[1]->a);
    if (index == NULL) return -1;
    int status = add_up(y, &x[0]->a, index, attr[0].v, attr[1], attr[2]);
    wg_val_release(&own);
    return status;
}

/* (n, 1): how often each index occurs, one divided by that, or 1; and 0 for the padding. */
static int weights_of(wg_val *w, int dtype, int64_t n, const wg_array *index, int64_t padding, int scale) {
    int64_t shape[2] = {n, 1};
    int status;
    if (scale) {
        wg_val one;
        wg_array ones;
        int64_t each[WG_MAX_DIMS], none[WG_MAX_DIMS] = {0};
        if (wg_new(&one, dtype, 0, NULL) < 0) return -1;
        for (int d = 0; d < index->ndim; d++) each[d] = index->shape[d];
        each[index->ndim] = 1;
        memcpy(&ones, &one.a, offsetof(wg_array, shape));
        wg_array_set_dims(&ones, index->ndim + 1, each, none);
        status = wg_fill_array(&one.a, WG_INT(1));
        if (status == 0) status = add_up(w, &ones, index, shape, WG_INT(-1), WG_BOOLEAN(0));
        wg_val_release(&one);
        int loop = wg_loop_id(WG_LOOP_reciprocal, dtype == WG_F64 ? WG_C_F64 : WG_C_F32);
        if (status == 0) status = wg_done(w, wg_launch(loop, (wg_array *[]){&w->a, &w->a}, 2, NULL, 0));
    } else {
        status = wg_new(w, dtype, 2, shape);
        if (status == 0) status = wg_done(w, wg_fill_array(&w->a, WG_INT(1)));
    }
    if (status == 0 && padding >= 0 && padding < n) {
        wg_array row;
        memcpy(&row, &w->a, offsetof(wg_array, shape));
        row.data += padding * wg_itemsize[dtype];
        wg_array_set_dims(&row, 0, NULL, NULL);
        status = wg_done(w, wg_fill_array(&row, WG_INT(0)));
    }
    return status;
}

/* weight, indices; padding_idx, scale_grad_by_freq */
WG_FORWARD(_embedding_masked) {
    (void)nx;
    const wg_array *weight = &x[0]->a;
    int64_t padding = attr[0].i;
    int scale = attr[1].i != 0;
    wg_val own, all, each;
    wg_val_clear(y);
    const wg_array *index = indices_of(&own, &x[1]->a);
    if (index == NULL) return -1;
    int status = look_up(y, weight, index);
    if (status == 0 && (scale || padding >= 0)) {
        wg_val_clear(&all);
        wg_val_clear(&each);
        status = weights_of(&all, weight->dtype, weight->shape[0], index, padding, scale);
        if (status == 0) status = look_up(&each, &all.a, index);
        int loop = wg_loop_id(WG_LOOP_mul, weight->dtype == WG_F64 ? WG_C_F64 : WG_C_F32);
        if (status == 0) status = wg_launch(loop, (wg_array *[]){&y->a, &y->a, &each.a}, 3, NULL, 0);
        wg_val_release(&all);
        wg_val_release(&each);
        wg_done(y, status);
    }
    wg_val_release(&own);
    return status;
}
