/* Helpers of the forward functions: outputs, shapes, lists of dimensions. */
#include "ops.h"

int wg_new_zeros(wg_val *y, int dtype, int ndim, const int64_t *shape) {
    if (wg_new(y, dtype, ndim, shape) < 0) return -1;
    return wg_done(y, wg_fill_array(&y->a, WG_INT(0)));
}

int wg_new_like(wg_val *y, int dtype, const wg_array *x) {
    int64_t strides[WG_MAX_DIMS];
    if (wg_new(y, dtype, x->ndim, x->shape) < 0) return -1;
    if (wg_result_strides(&x, 1, x->ndim, x->shape, strides)) wg_array_set_dims(&y->a, x->ndim, y->a.shape, strides);
    return 0;
}

int wg_copy_new(wg_val *y, int dtype, const wg_array *x, int row_major) {
    if ((row_major ? wg_new(y, dtype, x->ndim, x->shape) : wg_new_like(y, dtype, x)) < 0) return -1;
    return wg_done(y, wg_copy_array(&y->a, x));
}

int wg_dense(wg_val *y, const wg_val *x) {
    if (!x->a.contiguous) return wg_copy_new(y, x->a.dtype, &x->a, 1);
    wg_val_share(y, x);
    wg_val_drop_edge(y);
    return 0;
}

const wg_array *wg_widened(wg_val *own, const wg_array *x) {
    wg_val_clear(own);
    if (WG_LIKELY(x->dtype >= WG_F32)) return x;
    return wg_copy_new(own, WG_F32, x, 0) < 0 ? NULL : &own->a;
}

int wg_narrow(wg_val *y, int dtype) {
    wg_val rounded;
    if (WG_LIKELY(y->a.dtype == dtype)) return 0;
    if (wg_copy_new(&rounded, dtype, &y->a, 0) < 0) return wg_done(y, -1);
    wg_val_release(y);
    wg_val_move(y, &rounded);
    return 0;
}

const wg_array wg_no_array = {.dtype = WG_F32, .contiguous = 1};

void wg_expand_strides(const wg_array *x, int ndim, const int64_t *shape, int64_t *strides) {
    int lead = ndim - x->ndim;
    for (int k = 0; k < ndim; k++) strides[k] = k < lead || (x->shape[k - lead] == 1 && shape[k] != 1) ? 0 : x->strides[k - lead];
}

int wg_expandable(const wg_array *x, int ndim, const int64_t *shape) {
    int lead = ndim - x->ndim;
    if (lead < 0) return 0;
    for (int d = 0; d < x->ndim; d++) if (x->shape[d] != 1 && x->shape[d] != shape[d + lead]) return 0;
    return 1;
}

void wg_expanded_array(wg_array *to, const wg_array *x, int ndim, const int64_t *shape) {
    int64_t strides[WG_MAX_DIMS];
    wg_expand_strides(x, ndim, shape, strides);
    memcpy(to, x, offsetof(wg_array, shape));
    if (x->is_number) to->data = (char *)&to->number;
    wg_array_set_dims(to, ndim, shape, strides);
}

int wg_dim_mask(const wg_attr *dims, int ndim, int empty_is_all, uint32_t *mask) {
    *mask = 0;
    if (dims->tag == WG_A_NONE || (empty_is_all && dims->n == 0)) {
        *mask = ndim ? (uint32_t)(((uint64_t)1 << ndim) - 1) : 1;
        return 0;
    }
    for (uint32_t k = 0; k < dims->n; k++) {
        int d;
        if (wg_wrap_dim(dims->v[k], ndim, &d) < 0) return -1;
        if (*mask >> d & 1) return wg_fail(WG_RUNTIME_ERROR, "dim %d appears multiple times in the list of dims", d);
        *mask |= 1u << d;
    }
    return 0;
}

int wg_window_range(int ndim, const int64_t *shape, const int64_t *strides, int64_t *lo, int64_t *hi) {
    *lo = *hi = 0;
    for (int d = 0; d < ndim; d++) if (shape[d] == 0) return 0;
    for (int d = 0; d < ndim; d++) {
        int64_t reach;
        if (__builtin_mul_overflow(shape[d] - 1, strides[d], &reach)) return -1;
        if (reach < 0 ? __builtin_add_overflow(*lo, reach, lo) : __builtin_add_overflow(*hi, reach, hi)) return -1;
    }
    return 0;
}

int wg_overlaps_itself(const wg_array *x) {
    int order[WG_MAX_DIMS], n = 0;
    if (x->contiguous) return 0;
    for (int d = 0; d < x->ndim; d++) {
        if (x->shape[d] < 2) continue;
        int64_t own = x->strides[d] < 0 ? -x->strides[d] : x->strides[d];
        int at = n++;
        for (; at > 0; at--) {
            int64_t before = x->strides[order[at - 1]];
            if ((before < 0 ? -before : before) <= own) break;
            order[at] = order[at - 1];
        }
        order[at] = d;
    }
    int64_t reach = 0;                                      /* of the dimensions with smaller strides */
    for (int i = 0; i < n; i++) {
        int64_t step = x->strides[order[i]];
        if (step < 0) step = -step;
        if (step <= reach) return 1;
        reach += step * (x->shape[order[i]] - 1);
    }
    return 0;
}

int wg_add_to_zeros(wg_array *window, const wg_array *x) {
    return wg_overlaps_itself(window) ? wg_accumulate_array(window, x) : wg_copy_array(window, x);
}
