/* Sorting along a dimension, and what is selected by order. */
#include "ops.h"

#include <math.h>

#define WG_FORWARD(name) int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y)

static void clear(wg_val *y) {
    wg_val_clear(&y[0]);
    wg_val_clear(&y[1]);
}

/* Values and indices of x's shape but for `size` along dim. */
static int ordered(int kernel, wg_val *y, const wg_array *x, int dim, int64_t size, const wg_attr *attr, int nattr) {
    int64_t shape[WG_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++) shape[d] = d == dim ? size : x->shape[d];
    int status = wg_new(&y[0], x->dtype, x->ndim, shape);
    if (status == 0) status = wg_new(&y[1], WG_I64, x->ndim, shape);
    if (status == 0 && y[0].a.numel) status = wg_launch(kernel, (wg_array *[]){&y[0].a, &y[1].a, (wg_array *)x}, 3, attr, nattr);
    wg_done(&y[0], status);
    return wg_done(&y[1], status);
}

static int64_t extent(const wg_array *x, int dim) { return x->ndim ? x->shape[dim] : 1; }

/* x; dim, descending, stable: it always is */
WG_FORWARD(sort) {
    (void)nx;
    int dim;
    clear(y);
    if (wg_wrap_dim(attr[0].i, x[0]->a.ndim, &dim) < 0) return -1;
    wg_attr kernel[2] = {WG_INT(dim), attr[1]};
    return ordered(WG_K_sort, y, &x[0]->a, dim, extent(&x[0]->a, dim), kernel, 2);
}

/* x; k, dim, largest, sorted */
WG_FORWARD(topk) {
    (void)nx;
    int dim;
    clear(y);
    if (wg_wrap_dim(attr[1].i, x[0]->a.ndim, &dim) < 0) return -1;
    if (attr[0].i < 0 || attr[0].i > extent(&x[0]->a, dim)) return wg_fail(WG_RUNTIME_ERROR, "selected index k out of range");
    if (x[0]->a.dtype == WG_BOOL) return wg_fail(WG_RUNTIME_ERROR, "topk does not support bool dtypes on CPU");
    wg_attr kernel[4] = {WG_INT(dim), x[0]->a.ndim ? attr[0] : WG_INT(1), attr[2], attr[3]};       /* a number is its top, even for k = 0 */
    return ordered(WG_K_topk, y, &x[0]->a, dim, attr[0].i, kernel, 4);
}

/* One element along dim, which goes unless keepdim is given. */
static int select_one(int kernel, wg_val *y, const wg_array *x, int dim, wg_attr k, int keepdim) {
    wg_attr attr[2] = {WG_INT(dim), k};
    if (ordered(kernel, y, x, dim, 1, attr, 2) < 0) return -1;
    for (int o = 0; o < 2 && !keepdim && x->ndim; o++) {
        int64_t shape[WG_MAX_DIMS];
        for (int d = 0, n = 0; d < x->ndim; d++) if (d != dim) shape[n++] = x->shape[d];
        wg_array_set_dims(&y[o].a, x->ndim - 1, shape, NULL);
    }
    return 0;
}

static int check_line(const char *name, const wg_array *x, wg_attr given, int *dim) {
    if (wg_wrap_dim(given.i, x->ndim, dim) < 0) return -1;
    if (extent(x, *dim) == 0) return wg_fail(WG_INDEX_ERROR, "%s(): Expected reduction dim %d to have non-zero size.", name, *dim);
    return 0;
}

static int refuse_bool(const char *name, const wg_array *x) {
    if (x->dtype != WG_BOOL) return 0;
    return wg_fail(WG_NOT_IMPLEMENTED, "\"%s\" not implemented for 'Bool'", name);
}

/* x; k, dim, keepdim */
WG_FORWARD(kthvalue) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    int dim;
    clear(y);
    if (check_line("kthvalue", a, attr[1], &dim) < 0) return -1;
    if (attr[0].i < 1 || attr[0].i > extent(a, dim))
        return wg_fail(WG_RUNTIME_ERROR, "kthvalue(): selected number k out of range for dimension %d", dim);
    if (refuse_bool("kthvalue_cpu", a) < 0) return -1;
    return select_one(WG_K_kthvalue, y, a, dim, attr[0], attr[2].i != 0);
}

/* x; dim, keepdim */
WG_FORWARD(mode) {
    (void)nx;
    int dim;
    clear(y);
    if (check_line("mode", &x[0]->a, attr[0], &dim) < 0) return -1;
    return select_one(WG_K_mode, y, &x[0]->a, dim, WG_NONE, attr[1].i != 0);
}

static int median_dim(int kernel, wg_val *y, const wg_array *x, const wg_attr *attr) {
    int dim;
    clear(y);
    if (check_line("median", x, attr[0], &dim) < 0 || refuse_bool("median_out", x) < 0) return -1;
    return select_one(kernel, y, x, dim, WG_NONE, attr[1].i != 0);
}

WG_FORWARD(median_dim) { (void)nx; return median_dim(WG_K_median, y, &x[0]->a, attr); }
WG_FORWARD(nanmedian_dim) { (void)nx; return median_dim(WG_K_nanmedian, y, &x[0]->a, attr); }

/* Of all elements: those of x laid out in one line. Nothing has the median NaN. */
static int median(int kernel, wg_val *y, const wg_val *x) {
    wg_val dense, both[2];
    wg_array line;
    wg_val_clear(y);
    if (refuse_bool("median_cpu", &x->a) < 0) return -1;
    if (x->a.numel == 0) {
        if (wg_new(y, x->a.dtype, 0, NULL) < 0) return -1;
        return wg_done(y, wg_fill_array(&y->a, WG_FLOAT(NAN)));
    }
    if (wg_dense(&dense, x) < 0) return -1;
    memcpy(&line, &dense.a, offsetof(wg_array, shape));
    wg_array_set_dims(&line, 1, &x->a.numel, NULL);
    clear(both);
    int status = select_one(kernel, both, &line, 0, WG_NONE, 0);
    wg_val_release(&dense);
    wg_val_release(&both[1]);
    wg_val_move(y, &both[0]);
    return status;
}

WG_FORWARD(median) { (void)nx, (void)attr; return median(WG_K_median, y, x[0]); }
WG_FORWARD(nanmedian) { (void)nx, (void)attr; return median(WG_K_nanmedian, y, x[0]); }
