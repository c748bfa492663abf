/* Values: making, sharing, windows, and the small helpers that forward functions are written with. */
#include <stdio.h>
#include <string.h>

#include "wg_storage.h"
#include "wg_tape.h"

void wg_val_release(wg_val *v) {
    if (v->a.storage) wg_storage_drop(v->a.storage);
    if (v->version) wg_version_drop(v->version);
    if (v->edge.node) wg_node_drop(v->edge.node);
    wg_val_clear(v);
}

void wg_val_drop_edge(wg_val *v) {
    if (v->edge.node) wg_node_drop(v->edge.node);
    v->edge.node = NULL;
}

static void copy_array(wg_array *to, const wg_array *from) {
    memcpy(to, from, offsetof(wg_array, shape));
    for (int i = 0; i < from->ndim; i++) { to->shape[i] = from->shape[i]; to->strides[i] = from->strides[i]; }
    if (from->is_number) to->data = (char *)&to->number;
}

void wg_val_share(wg_val *to, const wg_val *from) {
    to->version = from->version;
    to->edge = from->edge;
    copy_array(&to->a, &from->a);
    if (to->a.storage) to->a.storage->refs++;
    if (to->version) to->version->refs++;
    if (to->edge.node) wg_node_hold(to->edge.node);
}

void wg_val_move(wg_val *to, wg_val *from) {
    to->version = from->version;
    to->edge = from->edge;
    copy_array(&to->a, &from->a);
    wg_val_clear(from);
}

static void number(wg_val *v, int dtype) {
    wg_val_clear(v);
    v->a.data = (char *)&v->a.number;
    v->a.numel = 1;
    v->a.dtype = (uint8_t)dtype;
    v->a.contiguous = 1;
    v->a.is_number = 1;
}

void wg_number_float(wg_val *v, double x) { number(v, WG_F64); v->a.number.f = x; }
void wg_number_int(wg_val *v, int64_t x) { number(v, WG_I64); v->a.number.i = x; }
void wg_number_bool(wg_val *v, int x) { number(v, WG_BOOL); v->a.number.i = 0; *(uint8_t *)&v->a.number = (uint8_t)(x != 0); }

void wg_array_set_dims(wg_array *a, int ndim, const int64_t *shape, const int64_t *strides) {
    int64_t numel = 1;
    int dense = 1;
    a->ndim = (uint8_t)ndim;
    for (int i = ndim - 1; i >= 0; i--) {
        if (strides && shape[i] != 1 && strides[i] != numel) dense = 0;
        a->shape[i] = shape[i];
        a->strides[i] = strides ? strides[i] : numel;
        numel *= shape[i];
    }
    if (!strides && numel == 0) {                          /* PyTorch counts a size of 0 as 1 in strides */
        int64_t step = 1;
        for (int i = ndim - 1; i >= 0; i--) { a->strides[i] = step; step *= shape[i] > 1 ? shape[i] : 1; }
    }
    a->numel = numel;
    a->contiguous = (uint8_t)(dense || numel == 0);
}

static WG_COLD int bad_shape(int ndim, const int64_t *shape, int negative) {
    char text[512];
    wg_shape_text(text, sizeof text, ndim, shape);
    if (negative) {
        int d = 0;
        while (shape[d] >= 0) d++;
        return wg_fail(WG_RUNTIME_ERROR, "Trying to create tensor with negative dimension %lld: %s", (long long)shape[d], text);
    }
    return wg_fail(WG_RUNTIME_ERROR, "Storage size calculation overflowed with sizes=%s", text);
}

/* Can elements of that shape be counted, and their bytes? Sizes beside a zero count too: steps are products of them. */
int wg_check_sizes(int ndim, const int64_t *shape) {
    int64_t numel = 1;
    for (int i = 0; i < ndim; i++)
        if (WG_UNLIKELY(__builtin_mul_overflow(numel, shape[i] ? shape[i] : 1, &numel) || numel > INT64_MAX / 16))
            return bad_shape(ndim, shape, 0);
    return 0;
}

int wg_new(wg_val *y, int dtype, int ndim, const int64_t *shape) {
    int64_t numel = 1;
    wg_val_clear(y);
    if (WG_UNLIKELY(ndim > WG_MAX_DIMS))
        return wg_fail(WG_RUNTIME_ERROR, "tensors of more than %d dimensions are not supported, got %d", WG_MAX_DIMS, ndim);
    for (int i = ndim - 1; i >= 0; i--) {
        if (WG_UNLIKELY(shape[i] < 0)) return bad_shape(ndim, shape, 1);
        y->a.shape[i] = shape[i];
        y->a.strides[i] = numel;
        if (WG_UNLIKELY(__builtin_mul_overflow(numel, shape[i], &numel))) return bad_shape(ndim, shape, 0);
    }
    if (WG_UNLIKELY(numel > INT64_MAX / 16)) return bad_shape(ndim, shape, 0);
    y->a.ndim = (uint8_t)ndim;
    if (WG_UNLIKELY(numel == 0)) {
        if (wg_check_sizes(ndim, shape) < 0) { wg_val_clear(y); return -1; }
        wg_array_set_dims(&y->a, ndim, shape, NULL);
    }
    wg_storage *s = wg_storage_new(numel * wg_itemsize[dtype]);
    if (WG_UNLIKELY(s == NULL)) { wg_val_clear(y); return -1; }
    y->version = wg_version_new();
    if (WG_UNLIKELY(y->version == NULL)) { wg_storage_drop(s); wg_val_clear(y); return -1; }
    y->version->inference = (wg_mode & WG_MODE_INFERENCE) != 0;
    y->a.storage = s;
    y->a.data = s->data;
    y->a.numel = numel;
    y->a.dtype = (uint8_t)dtype;
    y->a.contiguous = 1;
    return 0;
}

int wg_window(wg_val *y, const wg_val *x, int ndim, const int64_t *shape, const int64_t *strides, int64_t offset) {
    if (WG_UNLIKELY(ndim > WG_MAX_DIMS)) {
        wg_val_clear(y);
        return wg_fail(WG_RUNTIME_ERROR, "tensors of more than %d dimensions are not supported, got %d", WG_MAX_DIMS, ndim);
    }
    if (WG_UNLIKELY(wg_check_sizes(ndim, shape) < 0)) { wg_val_clear(y); return -1; }
    y->version = x->version;
    y->version->refs++;
    y->edge.node = NULL;
    y->a.storage = x->a.storage;
    y->a.storage->refs++;
    y->a.dtype = x->a.dtype;
    y->a.is_number = 0;
    wg_array_set_dims(&y->a, ndim, shape, strides);
    y->a.data = x->a.data + offset * wg_itemsize[x->a.dtype];
    return 0;
}

const char *wg_shape_text(char *buffer, size_t size, int ndim, const int64_t *shape) {
    size_t at = 0;
    at += (size_t)snprintf(buffer, size, "[");
    for (int i = 0; i < ndim && at < size; i++)
        at += (size_t)snprintf(buffer + at, size - at, i ? ", %lld" : "%lld", (long long)shape[i]);
    if (at < size) snprintf(buffer + at, size - at, "]");
    return buffer;
}

int wg_wrap_dim(int64_t dim, int ndim, int *out) {
    int64_t n = ndim ? ndim : 1;
    if (WG_UNLIKELY(dim < -n || dim >= n))
        return wg_fail(WG_INDEX_ERROR, "Dimension out of range (expected to be in range of [%lld, %lld], but got %lld)",
                       (long long)-n, (long long)(n - 1), (long long)dim);
    *out = (int)(dim < 0 ? dim + n : dim);
    return 0;
}
