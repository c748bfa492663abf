/* Triangular factors of matrices, and the equations that they solve. Results are laid out by columns, as LAPACK makes
 * them and as PyTorch returns them. */
#include "columns.h"

int wg_check_matrices(const char *name, const wg_array *a, int square) {
    if (a->ndim < 2) return wg_fail(WG_RUNTIME_ERROR, "%s: The input tensor must have at least 2 dimensions.", name);
    if (a->dtype != WG_F32 && a->dtype != WG_F64)
        return wg_fail(WG_NOT_IMPLEMENTED, "\"%s\" not implemented for '%s'", name, wg_dtype_title[a->dtype]);
    const int64_t *size = a->shape + a->ndim - 2;
    if (square && size[0] != size[1])
        return wg_fail(WG_RUNTIME_ERROR, "%s: A must be batches of square matrices, but they are %lld by %lld matrices", name,
                       (long long)size[0], (long long)size[1]);
    return 0;
}

int wg_new_columns(wg_val *y, int dtype, int ndim, const int64_t *shape) {
    int64_t strides[WG_MAX_DIMS], step = 1;
    if (wg_new(y, dtype, ndim, shape) < 0) return -1;
    strides[ndim - 2] = 1;
    strides[ndim - 1] = shape[ndim - 2] > 0 ? shape[ndim - 2] : 1;
    step = y->a.numel ? shape[ndim - 2] * shape[ndim - 1] : 1;
    for (int d = ndim - 3; d >= 0; d--) {
        strides[d] = step;
        step *= y->a.numel ? shape[d] : 1;
    }
    wg_array_set_dims(&y->a, ndim, shape, strides);
    return 0;
}

int wg_copy_columns(wg_val *y, const wg_array *x, int ndim, const int64_t *shape) {
    wg_array window;
    if (wg_new_columns(y, x->dtype, ndim, shape) < 0) return -1;
    wg_expanded_array(&window, x, ndim, shape);
    return wg_done(y, wg_copy_array(&y->a, &window));
}

int wg_fill_identity(wg_array *a) {
    wg_array diagonal;
    const int n = a->ndim - 1;
    int64_t strides[WG_MAX_DIMS], shape[WG_MAX_DIMS];
    memcpy(strides, a->strides, (size_t)n * sizeof *strides);
    memcpy(shape, a->shape, (size_t)n * sizeof *shape);
    strides[n - 1] = a->strides[n - 1] + a->strides[n];
    if (a->shape[n] < shape[n - 1]) shape[n - 1] = a->shape[n];
    memcpy(&diagonal, a, offsetof(wg_array, shape));
    wg_array_set_dims(&diagonal, n, shape, strides);
    const int status = wg_fill_array(a, WG_INT(0));
    return status == 0 ? wg_fill_array(&diagonal, WG_INT(1)) : status;
}

/* The shape of the solution of A X = B: B's matrices, batch dimensions broadcast. */
static int solution_shape(const char *name, const wg_array *a, const wg_array *b, int *ndim, int64_t *shape) {
    if (wg_check_matrices(name, a, 1) < 0 || wg_check_matrices(name, b, 0) < 0) return -1;
    if (a->dtype != b->dtype)
        return wg_fail(WG_RUNTIME_ERROR, "%s: Expected A and B to have the same dtype, but found A of type %s and B of type %s instead", name,
                       wg_dtype_title[a->dtype], wg_dtype_title[b->dtype]);
    const int64_t *size = b->shape + b->ndim - 2;
    if (a->shape[a->ndim - 1] != size[0])
        return wg_fail(WG_RUNTIME_ERROR, "%s: Incompatible shapes of A and B for the equation AX = B (%lldx%lld and %lldx%lld)", name,
                       (long long)a->shape[a->ndim - 2], (long long)a->shape[a->ndim - 1], (long long)size[0], (long long)size[1]);
    wg_array batch[2];
    for (int k = 0; k < 2; k++) {
        const wg_array *from = k ? b : a;
        memcpy(&batch[k], from, offsetof(wg_array, shape));
        batch[k].ndim = (uint8_t)(from->ndim - 2);
        for (int d = 0; d < from->ndim - 2; d++) batch[k].shape[d] = from->shape[d];
    }
    if (wg_broadcast_shapes((const wg_array *const[]){&batch[0], &batch[1]}, 2, ndim, shape) < 0) return -1;
    shape[*ndim] = size[0];
    shape[*ndim + 1] = size[1];
    *ndim += 2;
    return 0;
}

/* ---- factors -------------------------------------------------------------------------------------------------- */

/* x */
WG_FORWARD(_cholesky_ex) {
    (void)nx, (void)attr;
    const wg_array *a = &x[0]->a;
    wg_val_clear(&y[0]);
    wg_val_clear(&y[1]);
    if (wg_check_matrices("cholesky_cpu", a, 1) < 0) return -1;
    int status = wg_copy_columns(&y[0], a, a->ndim, a->shape);
    if (status == 0) status = wg_new_zeros(&y[1], WG_I32, a->ndim - 2, a->shape);
    if (status == 0 && a->numel) status = wg_launch(WG_K_cholesky, (wg_array *[]){&y[0].a, &y[1].a}, 2, NULL, 0);
    wg_done(&y[0], status);
    return wg_done(&y[1], status);
}

/* LU, pivots and info of matrices of that shape, A stretched to it. */
static int factor(wg_val *y, const wg_array *a, int ndim, const int64_t *shape) {
    int64_t pivots[WG_MAX_DIMS];
    for (int k = 0; k < 3; k++) wg_val_clear(&y[k]);
    memcpy(pivots, shape, (size_t)ndim * sizeof *shape);
    if (shape[ndim - 1] < pivots[ndim - 2]) pivots[ndim - 2] = shape[ndim - 1];
    int status = wg_copy_columns(&y[0], a, ndim, shape);
    if (status == 0) status = wg_new(&y[1], WG_I32, ndim - 1, pivots);
    if (status == 0) status = wg_new_zeros(&y[2], WG_I32, ndim - 2, shape);
    if (status == 0 && y[0].a.numel) status = wg_launch(WG_K_lu, (wg_array *[]){&y[0].a, &y[1].a, &y[2].a}, 3, NULL, 0);
    for (int k = 0; k < 3; k++) wg_done(&y[k], status);
    return status;
}

/* x */
WG_FORWARD(_lu_factor_ex) {
    (void)nx, (void)attr;
    for (int k = 0; k < 3; k++) wg_val_clear(&y[k]);
    if (wg_check_matrices("lu_cpu", &x[0]->a, 0) < 0) return -1;
    return factor(y, &x[0]->a, x[0]->a.ndim, x[0]->a.shape);
}

/* ---- equations ------------------------------------------------------------------------------------------------ */

/* *y holds B and becomes A^-1 B; info too is an output. A is stretched to y's batch dimensions. */
static int solve(wg_val *y, wg_val *info, const wg_array *a) {
    wg_val lu[3];
    int64_t shape[WG_MAX_DIMS];
    const int n = y->a.ndim;
    memcpy(shape, y->a.shape, (size_t)n * sizeof *shape);
    shape[n - 1] = shape[n - 2];
    int status = factor(lu, a, n, shape);
    if (status == 0 && y->a.numel) status = wg_launch(WG_K_lu_solve, (wg_array *[]){&y->a, &lu[0].a, &lu[1].a}, 3, NULL, 0);
    wg_val_release(&lu[0]);
    wg_val_release(&lu[1]);
    wg_val_move(info, &lu[2]);
    wg_done(y, status);
    return wg_done(info, status);
}

/* x, other */
WG_FORWARD(_solve_ex) {
    (void)nx, (void)attr;
    const wg_array *a = &x[0]->a, *b = &x[1]->a;
    int64_t shape[WG_MAX_DIMS];
    int ndim;
    wg_val_clear(&y[0]);
    wg_val_clear(&y[1]);
    if (solution_shape("linalg.solve", a, b, &ndim, shape) < 0 || wg_copy_columns(&y[0], b, ndim, shape) < 0) return -1;
    return solve(&y[0], &y[1], a);
}

/* x */
WG_FORWARD(_inv_ex) {
    (void)nx, (void)attr;
    const wg_array *a = &x[0]->a;
    wg_val_clear(&y[0]);
    wg_val_clear(&y[1]);
    if (wg_check_matrices("linalg.inv", a, 1) < 0 || wg_new_columns(&y[0], a->dtype, a->ndim, a->shape) < 0) return -1;
    if (wg_done(&y[0], wg_fill_identity(&y[0].a)) < 0) return -1;
    return solve(&y[0], &y[1], a);
}

/* Has a, of a matrix with n rows, strides that BLAS takes? */
static int by_lines(const wg_array *a, int64_t n) {
    const int64_t rs = a->strides[a->ndim - 2], cs = a->strides[a->ndim - 1];
    return n == 1 || (rs == 1 && cs >= n && cs <= INT32_MAX) || (cs == 1 && rs >= n && rs <= INT32_MAX);
}

/* x, other; upper, unitriangular */
WG_FORWARD(_solve_triangular) {
    (void)nx;
    const wg_array *a = &x[0]->a, *b = &x[1]->a;
    wg_val dense;
    wg_array window;
    int64_t shape[WG_MAX_DIMS];
    int ndim;
    wg_val_clear(y);
    wg_val_clear(&dense);
    if (solution_shape("linalg.solve_triangular", a, b, &ndim, shape) < 0 || wg_copy_columns(y, b, ndim, shape) < 0) return -1;
    int status = 0;
    if (y->a.numel) {
        const int64_t n = shape[ndim - 2];
        if (!by_lines(a, n)) status = wg_copy_new(&dense, a->dtype, a, 1);
        shape[ndim - 1] = n;
        if (status == 0) {
            wg_expanded_array(&window, dense.a.storage ? &dense.a : a, ndim, shape);
            status = wg_launch(WG_K_solve_triangular, (wg_array *[]){&y->a, &window}, 2, attr, 2);
        }
    }
    wg_val_release(&dense);
    return wg_done(y, status);
}
