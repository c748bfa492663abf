/* Windows in the memory of a base, described by geometry alone: what writing through views is made of.
 *
 * Note [Layout of a base]
 * A base has a shape and base_stride, the strides of its memory; (size, stride, offset) name a window in that memory,
 * counted from the base's first element. The array that arrives may be laid out in any way; where that differs it is
 * first copied into memory with the base's strides, and windows are cut from there. That memory reaches from the lowest
 * to the highest element that the base touches: what lies between the elements of a base with gaps belongs to nobody,
 * is zero and is never shown. */
#include "ops.h"

/* A window (size, stride, offset) must lie inside of what the base's memory spans. */
static int check_window(const wg_attr *size, const wg_attr *stride, int64_t offset, int64_t base_lo, int64_t base_hi, int base_empty) {
    int64_t lo, hi;
    int empty = 0;
    if (size->n != stride->n) return wg_fail(WG_RUNTIME_ERROR, "mismatch in length of strides and shape");
    for (uint32_t d = 0; d < size->n; d++) empty |= size->v[d] == 0;
    if (empty) return 0;
    if (base_empty || wg_window_range((int)size->n, size->v, stride->v, &lo, &hi) < 0 || __builtin_add_overflow(lo, offset, &lo) ||
        __builtin_add_overflow(hi, offset, &hi) || lo < base_lo || hi > base_hi)
        return wg_fail(WG_RUNTIME_ERROR, "the window with sizes %s, strides %s and offset %lld lies outside of its base",
                       WG_LIST(size->v, size->n), WG_LIST(stride->v, stride->n), (long long)offset);
    return 0;
}

typedef struct layout {
    const int64_t *shape, *stride;
    int ndim;
    int64_t lo, hi;                         /* what the base spans, in elements */
    int empty;
} layout;

static int layout_of(layout *l, const int64_t *shape, int ndim, const wg_attr *base_stride) {
    *l = (layout){.shape = shape, .stride = base_stride->v, .ndim = ndim};
    for (int d = 0; d < ndim; d++) l->empty |= shape[d] == 0;
    if ((int)base_stride->n != ndim) return wg_fail(WG_RUNTIME_ERROR, "mismatch in length of strides and shape");
    if (wg_window_range(ndim, shape, l->stride, &l->lo, &l->hi) < 0)
        return wg_fail(WG_RUNTIME_ERROR, "Storage size calculation overflowed with sizes=%s and strides=%s", WG_LIST(shape, ndim),
                       WG_LIST(l->stride, ndim));
    return 0;
}

/* New memory for a base of that layout; filled with zeros where somebody might see them. */
static int new_base(wg_val *base, int dtype, const layout *l, int zeros) {
    int64_t span = l->empty ? 0 : l->hi - l->lo + 1, numel = 1;
    for (int d = 0; d < l->ndim; d++) numel *= l->shape[d];
    if (wg_new(base, dtype, 1, &span) < 0) return -1;
    if ((zeros || span != numel) && wg_done(base, wg_fill_array(&base->a, WG_INT(0))) < 0) return -1;
    if (!l->empty) base->a.data -= l->lo * wg_itemsize[dtype];
    wg_array_set_dims(&base->a, l->ndim, l->shape, l->stride);
    return 0;
}

static int has_layout(const wg_array *x, const layout *l) {
    for (int d = 0; d < x->ndim; d++) if (x->shape[d] > 1 && x->strides[d] != l->stride[d]) return 0;
    return 1;
}

/* x in its base's layout, in new memory. */
static int copy_base(wg_val *base, const wg_val *x, const layout *l) {
    if (new_base(base, x->a.dtype, l, 0) < 0) return -1;
    return wg_done(base, wg_copy_array(&base->a, &x->a));
}

static int window_of(wg_val *y, const wg_val *base, const wg_attr *size, const wg_attr *stride, int64_t offset) {
    int empty = 0;
    for (uint32_t d = 0; d < size->n; d++) empty |= size->v[d] == 0;
    return wg_window(y, base, (int)size->n, size->v, stride->v, empty ? 0 : offset);
}

/* x; size, stride, offset, base_stride */
int wg_forward__geometry_view(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    (void)nx;
    layout l;
    wg_val base;
    wg_val_clear(y);
    if (layout_of(&l, x[0]->a.shape, x[0]->a.ndim, &attr[3]) < 0) return -1;
    if (check_window(&attr[0], &attr[1], attr[2].i, l.lo, l.hi, l.empty) < 0) return -1;
    if (has_layout(&x[0]->a, &l)) return window_of(y, x[0], &attr[0], &attr[1], attr[2].i);
    if (copy_base(&base, x[0], &l) < 0) return -1;
    int status = window_of(y, &base, &attr[0], &attr[1], attr[2].i);
    wg_val_release(&base);
    return status;
}

/* x; base_size, base_stride, size, stride, offset */
int wg_forward__geometry_scatter(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    (void)nx;
    layout l;
    wg_val window;
    wg_val_clear(y);
    if (layout_of(&l, attr[0].v, (int)attr[0].n, &attr[1]) < 0) return -1;
    if (check_window(&attr[2], &attr[3], attr[4].i, l.lo, l.hi, l.empty) < 0) return -1;
    if (new_base(y, x[0]->a.dtype, &l, 1) < 0) return -1;
    if (window_of(&window, y, &attr[2], &attr[3], attr[4].i) < 0) return wg_done(y, -1);
    int status = wg_add_to_zeros(&window.a, &x[0]->a);
    wg_val_release(&window);
    return wg_done(y, status);
}

/* The base x in new memory, with the window replaced by value, or by zeros when there is none. */
static int replace(wg_val *y, const wg_val *x, const wg_val *value, const wg_attr *size, const wg_attr *attr) {
    layout l;
    wg_val window;
    wg_val_clear(y);
    if (layout_of(&l, x->a.shape, x->a.ndim, &attr[2]) < 0) return -1;
    if (check_window(size, &attr[0], attr[1].i, l.lo, l.hi, l.empty) < 0) return -1;
    if (copy_base(y, x, &l) < 0) return -1;
    if (window_of(&window, y, size, &attr[0], attr[1].i) < 0) return wg_done(y, -1);
    int status = value ? wg_copy_array(&window.a, &value->a) : wg_fill_array(&window.a, WG_INT(0));
    wg_val_release(&window);
    return wg_done(y, status);
}

/* x, value; stride, offset, base_stride */
int wg_forward__geometry_write(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    (void)nx;
    wg_attr size = WG_INTS(x[1]->a.shape, x[1]->a.ndim);
    return replace(y, x[0], x[1], &size, attr);
}

/* x; size, stride, offset, base_stride */
int wg_forward__geometry_zero(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    (void)nx;
    return replace(y, x[0], NULL, &attr[0], attr + 1);
}

/* x; size, stride, storage_offset: the window of row-major memory. */
int wg_forward__strided_window(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    (void)nx;
    wg_val dense;
    wg_val_clear(y);
    int64_t offset = attr[2].tag == WG_A_NONE ? 0 : attr[2].i, numel = x[0]->a.numel;
    if (check_window(&attr[0], &attr[1], offset, 0, numel - 1, numel == 0) < 0 || wg_dense(&dense, x[0]) < 0) return -1;
    int status = window_of(y, &dense, &attr[0], &attr[1], offset);
    wg_val_release(&dense);
    return status;
}
