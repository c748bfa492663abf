/* cat and stack. */
#include "ops.h"

/* One array of pointers for the launch and for type promotion, from the pool: the list may be long. */
typedef struct list {
    wg_array **operand;                     /* [0] is the output */
    int n;                                  /* inputs that count */
} list;

/* An empty vector is skipped, whatever the shape of the others: PyTorch's old way to begin a concatenation. */
static int is_skipped(const wg_array *a) { return a->ndim == 1 && a->shape[0] == 0; }

static int result_type(const wg_val *const *x, int nx) {
    int type = x[0]->a.dtype;
    for (int i = 1; i < nx; i++) if (x[i]->a.dtype != type) type = wg_promote_types(type, x[i]->a.dtype);
    return type;
}

static int check_cat(const wg_val *const *x, int nx, const wg_array **first) {
    *first = NULL;
    if (nx == 0) return wg_fail(WG_VALUE_ERROR, "torch.cat(): expected a non-empty list of Tensors");
    for (int i = 0; i < nx; i++) {
        if (x[i]->a.ndim == 0)
            return wg_fail(WG_RUNTIME_ERROR, "zero-dimensional tensor (at position %d) cannot be concatenated", i);
        if (*first == NULL && !is_skipped(&x[i]->a)) *first = &x[i]->a;
    }
    return 0;
}

int wg_forward_cat(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    const wg_array *first;
    int64_t shape[WG_MAX_DIMS], none = 0;
    int dim;
    wg_val_clear(y);
    if (check_cat(x, nx, &first) < 0) return -1;
    if (first == NULL) return wg_new(y, result_type(x, nx), 1, &none);
    if (wg_wrap_dim(attr[0].i, first->ndim, &dim) < 0) return -1;
    memcpy(shape, first->shape, sizeof(int64_t) * first->ndim);
    shape[dim] = 0;
    for (int i = 0; i < nx; i++) {
        const wg_array *a = &x[i]->a;
        if (is_skipped(a)) continue;
        if (a->ndim != first->ndim)
            return wg_fail(WG_RUNTIME_ERROR, "Tensors must have same number of dimensions: got %d and %d", first->ndim, a->ndim);
        for (int d = 0; d < a->ndim; d++)
            if (d != dim && a->shape[d] != shape[d])
                return wg_fail(WG_RUNTIME_ERROR, "Sizes of tensors must match except in dimension %d. Expected size %lld but got size %lld "
                               "for tensor number %d in the list.", dim, (long long)shape[d], (long long)a->shape[d], i);
        shape[dim] += a->shape[dim];
    }
    if (wg_new(y, result_type(x, nx), first->ndim, shape) < 0) return -1;
    list l = {wg_scratch_get((int64_t)sizeof(wg_array *) * (nx + 1)), 1};
    if (l.operand == NULL) return wg_done(y, -1);
    l.operand[0] = &y->a;
    for (int i = 0; i < nx; i++) if (!is_skipped(&x[i]->a)) l.operand[l.n++] = (wg_array *)&x[i]->a;
    wg_attr along[1] = {WG_INT(dim)};
    int status = wg_launch(WG_K_cat, l.operand, l.n, along, 1);
    wg_scratch_put(l.operand);
    return wg_done(y, status);
}

/* Every input as a slice of size 1 along the new dimension, then cat. */
int wg_forward_stack(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    int64_t shape[WG_MAX_DIMS + 1];
    int dim;
    wg_val_clear(y);
    if (nx == 0) return wg_fail(WG_RUNTIME_ERROR, "stack expects a non-empty TensorList");
    const wg_array *first = &x[0]->a;
    if (wg_wrap_dim(attr[0].i, first->ndim + 1, &dim) < 0) return -1;
    for (int i = 1; i < nx; i++)
        if (!wg_same_shape(first, &x[i]->a))
            return wg_fail(WG_RUNTIME_ERROR, "stack expects each tensor to be equal size, but got %s at entry 0 and %s at entry %d",
                           WG_SHAPE(first), WG_SHAPE(&x[i]->a), i);
    for (int d = 0; d < first->ndim; d++) shape[d + (d >= dim)] = first->shape[d];
    shape[dim] = nx;
    if (wg_new(y, result_type(x, nx), first->ndim + 1, shape) < 0) return -1;
    shape[dim] = 1;
    wg_array *slice = wg_scratch_get((int64_t)(sizeof(wg_array) + sizeof(wg_array *)) * (nx + 1));
    if (slice == NULL) return wg_done(y, -1);
    wg_array **operand = (wg_array **)(slice + nx + 1);
    operand[0] = &y->a;
    for (int i = 0; i < nx; i++) {
        const wg_array *a = &x[i]->a;
        int64_t strides[WG_MAX_DIMS];
        for (int d = 0; d < a->ndim; d++) strides[d + (d >= dim)] = a->strides[d];
        strides[dim] = dim < a->ndim ? a->shape[dim] * a->strides[dim] : 1;
        memcpy(&slice[i], a, offsetof(wg_array, shape));
        wg_array_set_dims(&slice[i], y->a.ndim, shape, strides);
        operand[i + 1] = &slice[i];
    }
    wg_attr along[1] = {WG_INT(dim)};
    int status = wg_launch(WG_K_cat, operand, nx + 1, along, 1);
    wg_scratch_put(slice);
    return wg_done(y, status);
}
