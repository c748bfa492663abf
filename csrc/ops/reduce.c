/* Reductions: sums, products, extrema, moments, norms, and questions to all elements.
 *
 * The kernels write outputs with as many dimensions as x, of size 1 where they are reduced; those are dropped afterwards
 * unless keepdim asks for them. A 0-d x counts as having a dimension 0. */
#include "ops.h"

#include <math.h>
#include <stdio.h>

#define WG_FORWARD(name) int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y)

/* New memory for a result over the dimensions in `mask`, which stay with size 1. */
static int new_reduced(wg_val *y, int dtype, const wg_array *x, uint32_t mask) {
    int64_t shape[WG_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++) shape[d] = mask >> d & 1 ? 1 : x->shape[d];
    return wg_new(y, dtype, x->ndim, shape);
}

static void drop_dims(wg_array *y, uint32_t mask) {
    int n = 0;
    int64_t shape[WG_MAX_DIMS];
    for (int d = 0; d < y->ndim; d++) if (!(mask >> d & 1)) shape[n++] = y->shape[d];
    wg_array_set_dims(y, n, shape, NULL);
}

static uint32_t every_dim(const wg_array *x) { return ((uint32_t)1 << x->ndim) - 1; }

/* y = kernel(x; -, parameter) over the dimensions in mask. */
static int reduce(int kernel, wg_val *y, int dtype, const wg_array *x, uint32_t mask, int keepdim, wg_attr parameter) {
    wg_attr attr[2] = {WG_NONE, parameter};
    if (new_reduced(y, dtype, x, mask) < 0) return -1;
    if (wg_done(y, wg_launch(kernel, (wg_array *[]){&y->a, (wg_array *)x}, 2, attr, 2)) < 0) return -1;
    if (!keepdim && x->ndim) drop_dims(&y->a, mask);
    return 0;
}

/* Does the kernel give for x what it would give for x converted to dtype first? It accumulates half types in float32 and
 * integers in int64. */
static int needs_no_cast(int from, int to) {
    if (from == to) return 1;
    if (from <= WG_I64) return WG_IS_INT(to);
    return to == WG_F32 && from < WG_F32;
}

/* The same on x converted to dtype. */
static int reduce_as(int kernel, wg_val *y, int dtype, const wg_array *x, uint32_t mask, int keepdim, wg_attr parameter) {
    wg_val own;
    if (WG_LIKELY(needs_no_cast(x->dtype, dtype))) return reduce(kernel, y, dtype, x, mask, keepdim, parameter);
    if (wg_copy_new(&own, dtype, x, 0) < 0) return -1;
    int status = reduce(kernel, y, dtype, &own.a, mask, keepdim, parameter);
    wg_val_release(&own);
    return status;
}

int wg_reduce_all(int kernel, wg_val *y, int dtype, const wg_array *x) {
    return reduce(kernel, y, dtype, x, every_dim(x), 0, WG_INT(0));
}

/* ---- sums and products: integers and bools in int64 unless a dtype is given --------------------------------------- */

static int dtype_of_sum(const wg_array *x, const wg_attr *dtype) {
    return dtype->tag != WG_A_NONE ? (int)dtype->i : x->dtype <= WG_I64 ? WG_I64 : x->dtype;
}

static int total(int kernel, wg_val *y, const wg_array *x, const wg_attr *dtype) {
    wg_val_clear(y);
    return reduce_as(kernel, y, dtype_of_sum(x, dtype), x, every_dim(x), 0, WG_INT(0));
}

/* attr: dim, keepdim, dtype */
static int total_dim(int kernel, wg_val *y, const wg_array *x, const wg_attr *attr) {
    uint32_t mask;
    wg_val_clear(y);
    if (wg_dim_mask(&attr[0], x->ndim, 1, &mask) < 0) return -1;
    return reduce_as(kernel, y, dtype_of_sum(x, &attr[2]), x, mask, attr[1].i != 0, WG_INT(0));
}

/* x; dtype */
WG_FORWARD(sum) { (void)nx; return total(WG_K_sum, y, &x[0]->a, attr); }
WG_FORWARD(prod) { (void)nx; return total(WG_K_prod, y, &x[0]->a, attr); }
/* x; dim, keepdim, dtype */
WG_FORWARD(sum_dim) { (void)nx; return total_dim(WG_K_sum, y, &x[0]->a, attr); }
WG_FORWARD(nansum) { (void)nx; return total_dim(WG_K_nansum, y, &x[0]->a, attr); }

/* x; dim, keepdim, dtype: one dimension */
WG_FORWARD(prod_dim) {
    (void)nx;
    int dim;
    wg_val_clear(y);
    if (wg_wrap_dim(attr[0].i, x[0]->a.ndim, &dim) < 0) return -1;
    return reduce_as(WG_K_prod, y, dtype_of_sum(&x[0]->a, &attr[2]), &x[0]->a, 1u << dim, attr[1].i != 0, WG_INT(0));
}

static int dtype_of_mean(const wg_array *x, const wg_attr *dtype) {
    int given = dtype->tag != WG_A_NONE, type = given ? (int)dtype->i : x->dtype;
    if (WG_IS_FLOAT(type)) return type;
    return wg_fail(WG_RUNTIME_ERROR, "mean(): could not infer output dtype. %s dtype must be either a floating point or complex dtype. Got: %s",
                   given ? "Optional" : "Input", wg_dtype_title[type]);
}

/* x; dtype */
WG_FORWARD(mean) {
    (void)nx;
    int dtype = dtype_of_mean(&x[0]->a, attr);
    wg_val_clear(y);
    return dtype < 0 ? -1 : reduce_as(WG_K_mean, y, dtype, &x[0]->a, every_dim(&x[0]->a), 0, WG_INT(0));
}

/* x; dim, keepdim, dtype */
WG_FORWARD(mean_dim) {
    (void)nx;
    uint32_t mask;
    int dtype = dtype_of_mean(&x[0]->a, &attr[2]);
    wg_val_clear(y);
    if (dtype < 0 || wg_dim_mask(&attr[0], x[0]->a.ndim, 1, &mask) < 0) return -1;
    return reduce_as(WG_K_mean, y, dtype, &x[0]->a, mask, attr[1].i != 0, WG_INT(0));
}

/* ---- extrema: nothing has none --------------------------------------------------------------------------------------- */

static int check_not_empty(const char *name, const wg_array *x) {
    if (x->numel) return 0;
    return wg_fail(WG_RUNTIME_ERROR, "%s(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the "
                   "'dim' argument.", name);
}

static int check_dims_not_empty(const char *name, const wg_array *x, uint32_t mask) {
    if (x->numel) return 0;
    for (int d = 0; d < x->ndim; d++)
        if ((mask >> d & 1) && x->shape[d] == 0)
            return wg_fail(WG_INDEX_ERROR, "%s: Expected reduction dim %d to have non-zero size.", name, d);
    return 0;
}

/* x; dim, keepdim */
static int extremum(int kernel, const char *name, wg_val *y, const wg_array *x, const wg_attr *attr) {
    uint32_t mask;
    char with_brackets[16];
    wg_val_clear(y);
    if (attr[0].tag == WG_A_NONE || attr[0].n == 0) {
        if (check_not_empty(name, x) < 0) return -1;
    }
    if (wg_dim_mask(&attr[0], x->ndim, 1, &mask) < 0) return -1;
    snprintf(with_brackets, sizeof with_brackets, "%s()", name);
    if (check_dims_not_empty(with_brackets, x, mask) < 0) return -1;
    return reduce(kernel, y, x->dtype, x, mask, attr[1].i != 0, WG_NONE);
}

WG_FORWARD(amax) { (void)nx; return extremum(WG_K_amax, "amax", y, &x[0]->a, attr); }
WG_FORWARD(amin) { (void)nx; return extremum(WG_K_amin, "amin", y, &x[0]->a, attr); }

static int largest(int kernel, const char *name, wg_val *y, const wg_array *x) {
    wg_val_clear(y);
    if (check_not_empty(name, x) < 0) return -1;
    return reduce(kernel, y, x->dtype, x, every_dim(x), 0, WG_NONE);
}

WG_FORWARD(max) { (void)nx, (void)attr; return largest(WG_K_amax, "max", y, &x[0]->a); }
WG_FORWARD(min) { (void)nx, (void)attr; return largest(WG_K_amin, "min", y, &x[0]->a); }

/* Two outputs over the dimensions in mask: kernel(y[0], y[1], x). */
static int reduce_pair(int kernel, wg_val *y, int second, const wg_array *x, uint32_t mask, int keepdim) {
    wg_attr attr[2] = {WG_NONE, WG_NONE};
    wg_val_clear(&y[1]);
    if (new_reduced(&y[0], x->dtype, x, mask) < 0) return -1;
    int status = new_reduced(&y[1], second, x, mask);
    if (status == 0) status = wg_launch(kernel, (wg_array *[]){&y[0].a, &y[1].a, (wg_array *)x}, 3, attr, 2);
    for (int k = 0; k < 2; k++) {
        if (wg_done(&y[k], status) == 0 && !keepdim && x->ndim) drop_dims(&y[k].a, mask);
    }
    return status;
}

/* x; dim, keepdim: values and indices */
static int extremum_dim(int kernel, const char *name, wg_val *y, const wg_array *x, const wg_attr *attr) {
    int dim;
    wg_val_clear(&y[0]);
    wg_val_clear(&y[1]);
    if (wg_wrap_dim(attr[0].i, x->ndim, &dim) < 0 || check_dims_not_empty(name, x, 1u << dim) < 0) return -1;
    return reduce_pair(kernel, y, WG_I64, x, 1u << dim, attr[1].i != 0);
}

WG_FORWARD(max_dim) { (void)nx; return extremum_dim(WG_K_max_dim, "max()", y, &x[0]->a, attr); }
WG_FORWARD(min_dim) { (void)nx; return extremum_dim(WG_K_min_dim, "min()", y, &x[0]->a, attr); }

/* x; dim, keepdim */
WG_FORWARD(aminmax) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    uint32_t mask = every_dim(a);
    int dim;
    wg_val_clear(&y[0]);
    wg_val_clear(&y[1]);
    if (attr[0].tag != WG_A_NONE) {
        if (wg_wrap_dim(attr[0].i, a->ndim, &dim) < 0) return -1;
        mask = 1u << dim;
        if (check_dims_not_empty("aminmax", a, mask) < 0) return -1;
    } else if (a->numel == 0)
        return wg_fail(WG_RUNTIME_ERROR, "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.");
    return reduce_pair(WG_K_aminmax, y, a->dtype, a, mask, attr[1].i != 0);
}

/* x; dim, keepdim: with no dim the position in x laid out row by row */
static int position(int kernel, const char *name, wg_val *y, const wg_array *x, const wg_attr *attr) {
    uint32_t mask = every_dim(x);
    int dim;
    wg_val_clear(y);
    if (x->dtype == WG_BOOL) return wg_fail(WG_RUNTIME_ERROR, "%s: does not support bool input", name);
    if (attr[0].tag != WG_A_NONE) {
        if (wg_wrap_dim(attr[0].i, x->ndim, &dim) < 0) return -1;
        mask = 1u << dim;
        if (check_dims_not_empty(name, x, mask) < 0) return -1;
    } else if (x->numel == 0)
        return wg_fail(WG_INDEX_ERROR, "%s: Expected reduction dim to be specified for input.numel() == 0.", name);
    return reduce(kernel, y, WG_I64, x, mask, attr[1].i != 0, WG_NONE);
}

WG_FORWARD(argmax) { (void)nx; return position(WG_K_argmax, "argmax()", y, &x[0]->a, attr); }
WG_FORWARD(argmin) { (void)nx; return position(WG_K_argmin, "argmin()", y, &x[0]->a, attr); }

/* ---- questions to all elements --------------------------------------------------------------------------------------- */

static int dtype_of_answer(const wg_array *x) { return x->dtype == WG_U8 ? WG_U8 : WG_BOOL; }

static int ask(int kernel, wg_val *y, const wg_array *x) {
    wg_val_clear(y);
    return reduce(kernel, y, dtype_of_answer(x), x, every_dim(x), 0, WG_NONE);
}

/* attr: dim, keepdim. Unlike elsewhere in PyTorch, dim=() reduces nothing. */
static int ask_dim(int kernel, wg_val *y, const wg_array *x, const wg_attr *attr) {
    uint32_t mask;
    wg_val_clear(y);
    if (wg_dim_mask(&attr[0], x->ndim, 0, &mask) < 0) return -1;
    return reduce(kernel, y, dtype_of_answer(x), x, mask, attr[1].i != 0, WG_NONE);
}

WG_FORWARD(any) { (void)nx, (void)attr; return ask(WG_K_any, y, &x[0]->a); }
WG_FORWARD(all) { (void)nx, (void)attr; return ask(WG_K_all, y, &x[0]->a); }
WG_FORWARD(any_dim) { (void)nx; return ask_dim(WG_K_any, y, &x[0]->a, attr); }
WG_FORWARD(all_dim) { (void)nx; return ask_dim(WG_K_all, y, &x[0]->a, attr); }

/* x; dim */
WG_FORWARD(count_nonzero) {
    (void)nx;
    uint32_t mask;
    wg_val_clear(y);
    if (wg_dim_mask(&attr[0], x[0]->a.ndim, 1, &mask) < 0) return -1;
    return reduce(WG_K_count_nonzero, y, WG_I64, &x[0]->a, mask, 0, WG_NONE);
}

/* ---- moments and norms -------------------------------------------------------------------------------------------------- */

/* x; dim, correction, keepdim */
static int moment(int kernel, const char *name, wg_val *y, const wg_array *x, const wg_attr *attr) {
    uint32_t mask;
    char text[192];
    wg_val_clear(y);
    if (!WG_IS_FLOAT(x->dtype))
        return wg_fail(WG_RUNTIME_ERROR, "%s only support floating point and complex dtypes", name[3] ? name : "std and var");
    if (wg_dim_mask(&attr[0], x->ndim, 1, &mask) < 0) return -1;
    double correction = attr[1].tag == WG_A_NONE ? 1 : wg_attr_float(attr[1]);
    int64_t over = x->numel ? 1 : 0, rest = 1;
    for (int d = 0; d < x->ndim; d++) { if (mask >> d & 1) over *= x->shape[d]; else rest *= x->shape[d]; }
    if (WG_UNLIKELY((double)(rest ? over : 0) - correction <= 0)) {
        snprintf(text, sizeof text, "%s(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input numel "
                 "divided by output numel).", name);
        if (wg_warn(text) < 0) return -1;
    }
    return reduce(kernel, y, x->dtype, x, mask, attr[2].i != 0, WG_FLOAT(correction));
}

WG_FORWARD(var) { (void)nx; return moment(WG_K_var, "var", y, &x[0]->a, attr); }
WG_FORWARD(std) { (void)nx; return moment(WG_K_std, "std", y, &x[0]->a, attr); }
WG_FORWARD(_var_mean) { (void)nx; return moment(WG_K_var, "var_mean", y, &x[0]->a, attr); }
WG_FORWARD(_std_mean) { (void)nx; return moment(WG_K_std, "std_mean", y, &x[0]->a, attr); }

/* A norm that is an extremum has no value for nothing. */
static int check_norm_of_nothing(const wg_array *x, double ord, const wg_attr *dims, uint32_t mask) {
    char name[32];
    if (x->numel || (ord >= 0 && !isinf(ord))) return 0;
    snprintf(name, sizeof name, "%g", ord);
    if (dims->tag == WG_A_NONE || dims->n == 0)
        return wg_fail(WG_RUNTIME_ERROR, "linalg.vector_norm cannot compute the %s norm on an empty tensor because the operation does not have an "
                       "identity", name);
    for (int d = 0; d < x->ndim; d++)
        if ((mask >> d & 1) && x->shape[d] == 0)
            return wg_fail(WG_RUNTIME_ERROR, "linalg.vector_norm cannot compute the %s norm on the dimension %dbecause this dimension is empty and "
                           "the operation does not have an identity", name, d);
    return 0;
}

/* x; ord, dim, keepdim, dtype */
WG_FORWARD(vector_norm) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    uint32_t mask;
    double ord = wg_attr_float(attr[0]);
    int dtype = attr[3].tag == WG_A_NONE ? a->dtype : (int)attr[3].i;
    wg_val_clear(y);
    if (!WG_IS_FLOAT(a->dtype))
        return wg_fail(WG_RUNTIME_ERROR, "linalg.vector_norm: Expected a floating point or complex tensor as input. Got %s",
                       wg_dtype_title[a->dtype]);
    if (!WG_IS_FLOAT(dtype))
        return wg_fail(WG_RUNTIME_ERROR, "linalg.vector_norm: dtype should be floating point or complex, but got %s", wg_dtype_title[dtype]);
    if (wg_promote_types(a->dtype, dtype) != dtype)
        return wg_fail(WG_RUNTIME_ERROR, "linalg.vector_norm: the dtype of the input (%s) should be convertible without narrowing to the "
                       "specified dtype (%s)", wg_dtype_title[a->dtype], wg_dtype_title[dtype]);
    if (wg_dim_mask(&attr[1], a->ndim, 1, &mask) < 0 || check_norm_of_nothing(a, ord, &attr[1], mask) < 0) return -1;
    return reduce(WG_K_norm, y, dtype, a, mask, attr[2].i != 0, WG_FLOAT(ord));
}

/* x; dim, keepdim */
WG_FORWARD(logsumexp) {
    (void)nx;
    uint32_t mask;
    int dtype = WG_IS_FLOAT(x[0]->a.dtype) ? x[0]->a.dtype : wg_default_dtype;
    wg_val_clear(y);
    if (wg_dim_mask(&attr[0], x[0]->a.ndim, 1, &mask) < 0) return -1;
    return reduce_as(WG_K_logsumexp, y, dtype, &x[0]->a, mask, attr[1].i != 0, WG_NONE);
}
