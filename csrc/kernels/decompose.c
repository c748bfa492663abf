/* Spectral, singular-value and QR decompositions, by LAPACK.
 *
 *     eigh   a, values, info, work, iwork           a holds A, of which one triangle is read, and becomes the eigenvectors
 *                                                   or is lost; attr upper, vectors
 *     svd    a, s, u, vh, info, work, iwork         a holds A and is lost; attr vectors: else u and vh stay as they are
 *     qr     q, r, tau, work                        the one of them with as many columns as A holds A (q where both have:
 *                                                   then in its first columns); attr with_q: else q is lost
 *
 * float32 or float64. Matrices are by columns, batch dimensions follow each other in memory. info is int32: 0, LAPACK's
 * number, or -1 where what is read of a matrix holds infinities or NaN, from which LAPACK need not come back. One matrix after another,
 * in one workspace. Nothing is empty. */
#include "wg_kernel.h"
#include "wg_blas.h"

#include <limits.h>

static int64_t rows(const wg_array *a) { return a->shape[a->ndim - 2]; }
static int64_t columns(const wg_array *a) { return a->shape[a->ndim - 1]; }

static int check_sizes(const wg_array *a, const wg_array *work) {
    if (rows(a) <= INT_MAX && columns(a) <= INT_MAX && work->numel <= INT_MAX) return 0;
    return wg_fail(WG_RUNTIME_ERROR, "matrices of %lld by %lld are too large for LAPACK", (long long)rows(a), (long long)columns(a));
}

#define DECOMPOSITIONS(T, P)                                                                                                      \
    static int is_finite_##P(const T *a, int64_t n) {                                                                             \
        int bad = 0;                                                                                                              \
        for (int64_t i = 0; i < n; i++) bad |= a[i] - a[i] != 0;                                                                  \
        return !bad;                                                                                                              \
    }                                                                                                                             \
    static int is_finite_triangle_##P(const T *a, int64_t n, int upper) {                                                         \
        for (int64_t c = 0; c < n; c++)                                                                                           \
            if (!is_finite_##P(a + c * n + (upper ? 0 : c), upper ? c + 1 : n - c)) return 0;                                     \
        return 1;                                                                                                                 \
    }                                                                                                                             \
    static void eigh_##P(wg_array *const *op, const wg_blas *blas, int upper, int vectors) {                                      \
        const int n = (int)rows(op[0]), lwork = (int)op[3]->numel, liwork = (int)op[4]->numel;                                    \
        for (int64_t item = 0; item < op[2]->numel; item++) {                                                                     \
            T *a = (T *)op[0]->data + item * n * n;                                                                               \
            int *info = (int *)op[2]->data + item;                                                                                \
            *info = -1;                                                                                                           \
            if (is_finite_triangle_##P(a, n, upper))                                                                              \
                blas->P##syevd(vectors ? "V" : "N", upper ? "U" : "L", &n, a, &n, (T *)op[1]->data + item * n, (T *)op[3]->data,  \
                               &lwork, (int *)op[4]->data, &liwork, info, 1, 1);                                                  \
        }                                                                                                                         \
    }                                                                                                                             \
    static void svd_##P(wg_array *const *op, const wg_blas *blas, int vectors) {                                                  \
        const int m = (int)rows(op[0]), n = (int)columns(op[0]), k = m < n ? m : n, lwork = (int)op[5]->numel;                    \
        const int ucols = vectors ? (int)columns(op[2]) : 0, vrows = vectors ? (int)rows(op[3]) : 1;                              \
        for (int64_t item = 0; item < op[4]->numel; item++) {                                                                     \
            T *a = (T *)op[0]->data + item * m * n;                                                                               \
            int *info = (int *)op[4]->data + item;                                                                                \
            *info = -1;                                                                                                           \
            if (is_finite_##P(a, (int64_t)m * n))                                                                                 \
                blas->P##gesdd(!vectors ? "N" : ucols > k || vrows > k ? "A" : "S", &m, &n, a, &m, (T *)op[1]->data + item * k,   \
                               (T *)op[2]->data + item * m * ucols, &m, (T *)op[3]->data + (vectors ? item * vrows * n : 0),      \
                               &vrows, (T *)op[5]->data, &lwork, (int *)op[6]->data, info, 1);                                    \
        }                                                                                                                         \
    }                                                                                                                             \
    static void qr_##P(wg_array *const *op, const wg_blas *blas, int with_q) {                                                    \
        const int m = (int)rows(op[0]), qcols = (int)columns(op[0]), n = (int)columns(op[1]), lwork = (int)op[3]->numel;          \
        const int64_t rrows = rows(op[1]), k = m < n ? m : n, batch = op[0]->numel / ((int64_t)m * qcols);                        \
        const int reflections = (int)k;                                                                                           \
        T *tau = (T *)op[2]->data, *work = (T *)op[3]->data;                                                                      \
        int info;                       /* only complains about arguments */                                                      \
        for (int64_t item = 0; item < batch; item++) {                                                                            \
            T *q = (T *)op[0]->data + item * m * qcols, *r = (T *)op[1]->data + item * rrows * n;                                 \
            T *a = qcols >= n ? q : r, *other = a == q ? r : q;                                                                   \
            const int64_t shared = a == q ? n : qcols, stride = a == q ? rrows : m;                                               \
            blas->P##geqrf(&m, &n, a, &m, tau, work, &lwork, &info);                                                              \
            for (int64_t c = 0; c < shared; c++)                                                                                  \
                for (int64_t i = 0; i < stride; i++) other[c * stride + i] = a == r || i <= c ? a[c * m + i] : 0;                 \
            for (int64_t c = 0; a == r && c < m; c++) for (int64_t i = c + 1; i < m; i++) r[c * m + i] = 0;                       \
            if (with_q) blas->P##orgqr(&m, &qcols, &reflections, q, &m, tau, work, &lwork, &info);                                \
        }                                                                                                                         \
    }

DECOMPOSITIONS(float, s)
DECOMPOSITIONS(double, d)

int WG_K(eigh)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    const wg_blas *blas = wg_blas_get();
    if (blas == NULL || check_sizes(op[0], op[3]) < 0) return -1;
    (op[0]->dtype == WG_F32 ? eigh_s : eigh_d)(op, blas, attr[0].i != 0, attr[1].i != 0);
    return 0;
}

int WG_K(svd)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    const wg_blas *blas = wg_blas_get();
    if (blas == NULL || check_sizes(op[0], op[5]) < 0) return -1;
    (op[0]->dtype == WG_F32 ? svd_s : svd_d)(op, blas, attr[0].i != 0);
    return 0;
}

int WG_K(qr)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    const wg_blas *blas = wg_blas_get();
    if (blas == NULL || check_sizes(op[0], op[3]) < 0 || check_sizes(op[1], op[3]) < 0) return -1;
    (op[0]->dtype == WG_F32 ? qr_s : qr_d)(op, blas, attr[0].i != 0);
    return 0;
}
