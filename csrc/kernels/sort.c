/* Sorting along a dimension, and what selects by order: topk, kthvalue, median, mode.
 *
 * Outputs have x's shape except along attr[0], the dimension (any for a 0-d x): there sort has x's size,
 * topk k, the others 1. Indices are int64. NaN is larger than everything. Where PyTorch leaves the index
 * of equal elements open, it is that of the first. */
#include "sort_common.h"

#define WG_SORT(name) int WG_K(name)(wg_array *const *op, int nop, const wg_attr *attr)

static int run(const wg_array *x, const wg_array *values, const wg_array *indices, const wg_attr *attr, double cost_ns,
               void (*body)(const wg_lines *, wg_keys *, const char *, char *const *), int64_t of_body) {
    wg_lines l = {.x = x, .array = {indices, values}, .narray = 2, .body = body, .attr = of_body,
                  .cost_ns = cost_ns, .dim = (int)wg_attr_int(attr[0])};
    return WG_LEVEL(wg_lines_run)(&l);
}

/* Writes entries [0, n) in their order: position and element. */
static void put(const wg_lines *l, const wg_keys *k, const char *x, char *const *out, int64_t n) {
    const int item = wg_itemsize[l->x->dtype];
    const int64_t step = wg_lines_stride(l, l->x) * item;
    int64_t *index = (int64_t *)out[0];
    const int64_t index_step = wg_lines_stride(l, l->array[0]);
    for (int64_t i = 0; i < n; i++) index[i * index_step] = wg_keys_index(k, i);
    const int64_t value_step = wg_lines_stride(l, l->array[1]) * item;
    for (int64_t i = 0; i < n; i++) wg_copy_element(out[1] + i * value_step, x + wg_keys_index(k, i) * step, item);
}

static void put_one(const wg_lines *l, const char *x, char *const *out, int64_t position) {
    const int item = wg_itemsize[l->x->dtype];
    *(int64_t *)out[0] = position;
    wg_copy_element(out[1], x + position * wg_lines_stride(l, l->x) * item, item);
}

/* ---- sort, topk --------------------------------------------------------------------------------------- */

static void sort_line(const wg_lines *l, wg_keys *k, const char *x, char *const *out) {
    WG_LEVEL(wg_keys_fill)(k, x, l->x->dtype, wg_lines_stride(l, l->x), (int)l->attr);
    WG_LEVEL(wg_keys_sort)(k);
    put(l, k, x, out, k->n);
}

/* Operands values, indices, x; attr[1]: descending. Stable; values may not be x's memory. */
WG_SORT(sort) {
    (void)nop;
    return run(op[2], op[0], op[1], attr, 15, sort_line, attr[1].i != 0);
}

static void topk_line(const wg_lines *l, wg_keys *k, const char *x, char *const *out) {
    const int64_t wanted = l->attr >> 1;
    WG_LEVEL(wg_keys_fill)(k, x, l->x->dtype, wg_lines_stride(l, l->x), (int)(l->attr & 1));
    WG_LEVEL(wg_keys_first)(k, wanted);
    put(l, k, x, out, wanted);
}

/* Operands values, indices, x; attr[1]: k, attr[2]: largest, attr[3]: sorted (they always are). */
WG_SORT(topk) {
    (void)nop;
    const int64_t k = wg_attr_int(attr[1]);
    if (k <= 0) return 0;
    return run(op[2], op[0], op[1], attr, 8, topk_line, k << 1 | (attr[2].i != 0));
}

/* ---- one element ---------------------------------------------------------------------------------------- */

static void kth_line(const wg_lines *l, wg_keys *k, const char *x, char *const *out) {
    WG_LEVEL(wg_keys_fill)(k, x, l->x->dtype, wg_lines_stride(l, l->x), 0);
    WG_LEVEL(wg_keys_select)(k, l->attr);
    put_one(l, x, out, wg_keys_index(k, l->attr));
}

/* Operands values, indices, x; attr[1]: k, the k-th smallest counted from 1. */
WG_SORT(kthvalue) {
    (void)nop;
    return run(op[2], op[0], op[1], attr, 5, kth_line, wg_attr_int(attr[1]) - 1);
}

static void median_line(const wg_lines *l, wg_keys *k, const char *x, char *const *out) {
    const int ignore_nan = (int)l->attr;
    WG_LEVEL(wg_keys_fill)(k, x, l->x->dtype, wg_lines_stride(l, l->x), 0);
    int64_t at = (k->n - 1) / 2, first_nan = 0;
    if (k->nans && (!ignore_nan || k->nans == k->n)) {
        while (wg_keys_key(k, first_nan) != k->nan_key) first_nan++;
        put_one(l, x, out, first_nan);
        return;
    }
    if (ignore_nan) at = (k->n - k->nans - 1) / 2;
    WG_LEVEL(wg_keys_select)(k, at);
    put_one(l, x, out, wg_keys_index(k, at));
}

/* The lower of two medians; NaN if there is one. Operands values, indices, x. */
WG_SORT(median) { (void)nop; return run(op[2], op[0], op[1], attr, 5, median_line, 0); }

/* NaN are left out, unless there is nothing else. */
WG_SORT(nanmedian) { (void)nop; return run(op[2], op[0], op[1], attr, 5, median_line, 1); }

static void mode_line(const wg_lines *l, wg_keys *k, const char *x, char *const *out) {
    WG_LEVEL(wg_keys_fill)(k, x, l->x->dtype, wg_lines_stride(l, l->x), 0);
    WG_LEVEL(wg_keys_sort)(k);
    int64_t best = 0, longest = 0, begin = 0;
    for (int64_t i = 0; i < k->n; i++) {
        if (i + 1 < k->n && wg_keys_key(k, i) == wg_keys_key(k, i + 1)) continue;
        if (i + 1 - begin > longest) {
            longest = i + 1 - begin;
            best = i;
        }
        begin = i + 1;
    }
    put_one(l, x, out, wg_keys_index(k, best));
}

/* The commonest element, the smallest of equally common ones; its last position (PyTorch's is any). Operands values, indices, x. */
WG_SORT(mode) { (void)nop; return run(op[2], op[0], op[1], attr, 15, mode_line, 0); }
