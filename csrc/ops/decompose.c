/* Spectral, singular-value and QR decompositions. Matrices among the results are laid out by columns. */
#include "columns.h"
#include "wg_blas.h"

/* LAPACK's answers to questions for workspaces: numbers of elements, as floats. */
typedef struct workspace { wg_val work, iwork; } workspace;

static int new_workspace(workspace *w, int dtype, double elements, int64_t integers) {
    const int64_t n = (int64_t)(elements * (1 + 0x1p-20)) + 1;          /* float32 may have rounded it down */
    if (wg_new(&w->work, dtype, 1, &n) < 0) return -1;
    return integers ? wg_new(&w->iwork, WG_I32, 1, &integers) : 0;
}

static void release_workspace(workspace *w) {
    wg_val_release(&w->work);
    wg_val_release(&w->iwork);
}

static int too_large(int64_t m, int64_t n) {
    if (m <= INT32_MAX / 2 && n <= INT32_MAX / 2) return 0;
    wg_fail(WG_RUNTIME_ERROR, "matrices of %lld by %lld are too large for LAPACK", (long long)m, (long long)n);
    return 1;
}

/* Eigenvalues in y[0] and info in *y_info; *a is A by columns and becomes the eigenvectors where they are wanted. */
static int eigh(wg_val *a, wg_val *values, wg_val *info, wg_attr upper, int vectors) {
    const int ndim = a->a.ndim, minus = -1, dtype = a->a.dtype;
    const int64_t n = a->a.shape[ndim - 1];
    const wg_blas *blas = wg_blas_get();
    workspace w;
    wg_val_clear(&w.work);
    wg_val_clear(&w.iwork);
    int status = blas == NULL || too_large(n, n) ? -1 : wg_new(values, dtype, ndim - 1, a->a.shape);
    if (status == 0) status = wg_new_zeros(info, WG_I32, ndim - 2, a->a.shape);
    if (status == 0 && a->a.numel) {
        const int size = (int)n;
        const char *job = vectors ? "V" : "N";
        int integers, failed;
        double elements;
        if (dtype == WG_F32) {
            float answer;
            blas->ssyevd(job, "L", &size, NULL, &size, NULL, &answer, &minus, &integers, &minus, &failed, 1, 1);
            elements = (double)answer;
        } else {
            blas->dsyevd(job, "L", &size, NULL, &size, NULL, &elements, &minus, &integers, &minus, &failed, 1, 1);
        }
        status = new_workspace(&w, dtype, elements, integers);
        if (status == 0)
            status = wg_launch(WG_K_eigh, (wg_array *[]){&a->a, &values->a, &info->a, &w.work.a, &w.iwork.a}, 5,
                               (wg_attr[]){upper, WG_INT(vectors)}, 2);
    }
    release_workspace(&w);
    return status;
}

/* x; upper. Outputs values, vectors, info */
WG_FORWARD(_eigh) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    for (int k = 0; k < 3; k++) wg_val_clear(&y[k]);
    if (wg_check_matrices("linalg_eigh_cpu", a, 1) < 0 || wg_copy_columns(&y[1], a, a->ndim, a->shape) < 0) return -1;
    const int status = eigh(&y[1], &y[0], &y[2], attr[0], 1);
    for (int k = 0; k < 3; k++) wg_done(&y[k], status);
    return status;
}

/* x; upper. Outputs values, info */
WG_FORWARD(_eigvalsh) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    wg_val own;
    for (int k = 0; k < 2; k++) wg_val_clear(&y[k]);
    if (wg_check_matrices("linalg_eigh_cpu", a, 1) < 0 || wg_copy_columns(&own, a, a->ndim, a->shape) < 0) return -1;
    const int status = eigh(&own, &y[0], &y[1], attr[0], 0);
    wg_val_release(&own);
    for (int k = 0; k < 2; k++) wg_done(&y[k], status);
    return status;
}

/* Singular values and info of a; u and vh (NULL: not wanted) have their shapes. */
static int svd(const wg_array *a, wg_val *s, wg_val *info, wg_val *u, wg_val *vh) {
    const int ndim = a->ndim, minus = -1;
    const int64_t *size = a->shape + ndim - 2, k = size[0] < size[1] ? size[0] : size[1];
    int64_t shape[WG_MAX_DIMS];
    const wg_blas *blas = wg_blas_get();
    wg_val own;
    workspace w;
    wg_val_clear(&own);
    wg_val_clear(&w.work);
    wg_val_clear(&w.iwork);
    memcpy(shape, a->shape, (size_t)ndim * sizeof *shape);
    shape[ndim - 2] = k;
    int status = blas == NULL || too_large(size[0], size[1]) ? -1 : wg_new(s, a->dtype, ndim - 1, shape);
    if (status == 0) status = wg_new_zeros(info, WG_I32, ndim - 2, shape);
    if (status == 0 && a->numel == 0 && u != NULL) {
        status = wg_fill_identity(&u->a);
        if (status == 0) status = wg_fill_identity(&vh->a);
    } else if (status == 0 && a->numel) {
        const int m = (int)size[0], n = (int)size[1], full = u != NULL && (u->a.shape[ndim - 1] > k || vh->a.shape[ndim - 2] > k);
        const int ld = u == NULL || vh->a.shape[ndim - 2] < 1 ? 1 : (int)vh->a.shape[ndim - 2];
        const char *job = u == NULL ? "N" : full ? "A" : "S";
        int failed, integers;
        double elements;
        if (a->dtype == WG_F32) {
            float answer;
            blas->sgesdd(job, &m, &n, NULL, &m, NULL, NULL, &m, NULL, &ld, &answer, &minus, &integers, &failed, 1);
            elements = (double)answer;
        } else {
            blas->dgesdd(job, &m, &n, NULL, &m, NULL, NULL, &m, NULL, &ld, &elements, &minus, &integers, &failed, 1);
        }
        status = wg_copy_columns(&own, a, ndim, a->shape);
        if (status == 0) status = new_workspace(&w, a->dtype, elements, 8 * k);
        wg_array *uv[2] = {u ? &u->a : &own.a, u ? &vh->a : &own.a};
        if (status == 0)
            status = wg_launch(WG_K_svd, (wg_array *[]){&own.a, &s->a, uv[0], uv[1], &info->a, &w.work.a, &w.iwork.a}, 7,
                               (wg_attr[]){WG_INT(u != NULL)}, 1);
    }
    wg_val_release(&own);
    release_workspace(&w);
    return status;
}

/* x; full_matrices. Outputs u, s, vh, info */
WG_FORWARD(_svd) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    int64_t shape[WG_MAX_DIMS];
    for (int k = 0; k < 4; k++) wg_val_clear(&y[k]);
    if (wg_check_matrices("linalg_svd_cpu", a, 0) < 0) return -1;
    const int n = a->ndim, full = attr[0].i != 0;
    const int64_t least = a->shape[n - 2] < a->shape[n - 1] ? a->shape[n - 2] : a->shape[n - 1];
    memcpy(shape, a->shape, (size_t)n * sizeof *shape);
    shape[n - 1] = full ? shape[n - 2] : least;
    int status = wg_new_columns(&y[0], a->dtype, n, shape);
    shape[n - 1] = a->shape[n - 1];
    shape[n - 2] = full ? shape[n - 1] : least;
    if (status == 0) status = wg_new_columns(&y[2], a->dtype, n, shape);
    if (status == 0) status = svd(a, &y[1], &y[3], &y[0], &y[2]);
    for (int k = 0; k < 4; k++) wg_done(&y[k], status);
    return status;
}

/* x. Outputs s, info */
WG_FORWARD(_svdvals) {
    (void)nx, (void)attr;
    for (int k = 0; k < 2; k++) wg_val_clear(&y[k]);
    const int status = wg_check_matrices("linalg_svd_cpu", &x[0]->a, 0) < 0 ? -1 : svd(&x[0]->a, &y[0], &y[1], NULL, NULL);
    for (int k = 0; k < 2; k++) wg_done(&y[k], status);
    return status;
}

/* A window on the first columns of a. */
static void first_columns(wg_array *window, const wg_array *a, int64_t columns) {
    int64_t shape[WG_MAX_DIMS], strides[WG_MAX_DIMS];
    memcpy(shape, a->shape, (size_t)a->ndim * sizeof *shape);
    memcpy(strides, a->strides, (size_t)a->ndim * sizeof *strides);
    shape[a->ndim - 1] = columns;
    memcpy(window, a, offsetof(wg_array, shape));
    wg_array_set_dims(window, a->ndim, shape, strides);
}

/* x; complete, with_q. Outputs q (without with_q: of no element) and r */
WG_FORWARD(_qr) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    int64_t shape[WG_MAX_DIMS];
    const int64_t none = 0;
    wg_array window;
    wg_val q, tau;
    workspace w;
    for (int k = 0; k < 2; k++) wg_val_clear(&y[k]);
    if (wg_check_matrices("geqrf_cpu", a, 0) < 0) return -1;
    const int ndim = a->ndim, minus = -1, with_q = attr[1].i != 0;
    const int64_t m = a->shape[ndim - 2], n = a->shape[ndim - 1], k = m < n ? m : n, inner = attr[0].i ? m : k;
    const wg_blas *blas = wg_blas_get();
    if (blas == NULL || too_large(m, n)) return -1;
    wg_val_clear(&q);
    wg_val_clear(&tau);
    wg_val_clear(&w.work);
    wg_val_clear(&w.iwork);
    memcpy(shape, a->shape, (size_t)ndim * sizeof *shape);
    shape[ndim - 1] = inner;
    int status = wg_new_columns(&q, a->dtype, ndim, shape);
    shape[ndim - 2] = inner;
    shape[ndim - 1] = n;
    if (status == 0) status = wg_new_columns(&y[1], a->dtype, ndim, shape);
    if (status == 0 && k == 0) {
        status = wg_fill_identity(&q.a);                        /* no reflections */
    } else if (status == 0 && a->numel) {
        const int sizes[4] = {(int)m, (int)n, (int)inner, (int)k};
        int failed;
        double elements[2];
        if (a->dtype == WG_F32) {
            float answer[2];
            blas->sgeqrf(&sizes[0], &sizes[1], NULL, &sizes[0], NULL, &answer[0], &minus, &failed);
            blas->sorgqr(&sizes[0], &sizes[2], &sizes[3], NULL, &sizes[0], NULL, &answer[1], &minus, &failed);
            for (int i = 0; i < 2; i++) elements[i] = (double)answer[i];
        } else {
            blas->dgeqrf(&sizes[0], &sizes[1], NULL, &sizes[0], NULL, &elements[0], &minus, &failed);
            blas->dorgqr(&sizes[0], &sizes[2], &sizes[3], NULL, &sizes[0], NULL, &elements[1], &minus, &failed);
        }
        first_columns(&window, inner >= n ? &q.a : &y[1].a, n);
        status = wg_copy_array(&window, a);
        if (status == 0) status = wg_new(&tau, a->dtype, 1, &k);
        if (status == 0) status = new_workspace(&w, a->dtype, elements[0] > elements[1] ? elements[0] : elements[1], 0);
        if (status == 0) status = wg_launch(WG_K_qr, (wg_array *[]){&q.a, &y[1].a, &tau.a, &w.work.a}, 4, (wg_attr[]){WG_INT(with_q)}, 1);
    }
    if (status == 0) {
        if (with_q) wg_val_move(&y[0], &q);
        else status = wg_new(&y[0], a->dtype, 1, &none);
    }
    wg_val_release(&q);
    wg_val_release(&tau);
    release_workspace(&w);
    for (int i = 0; i < 2; i++) wg_done(&y[i], status);
    return status;
}
