/* Triangular factors of matrices, and the equations that they solve, by LAPACK.
 *
 *     cholesky           a, info              a holds A, of which the lower triangle is read, and becomes L
 *     lu                 a, pivots, info      a holds A and becomes L (below the diagonal, which is one) and U
 *     lu_solve           x, lu, pivots        x holds B and becomes X
 *     solve_triangular   x, a                 the same; attr upper, unit (of A: what is not read there)
 *
 * float32 or float64. a, lu and x are by columns: strides ..., 1, rows; batch dimensions follow each other in memory,
 * and lu has x's. a of solve_triangular has x's batch dimensions by strides, and one of its last two strides is 1.
 * pivots and info are row-major int32. Nothing is empty. */
#include "wg_kernel.h"
#include "wg_blas.h"

#include <limits.h>

typedef struct job {
    const wg_blas *blas;
    wg_array *x, *a, *pivots, *info;    /* x: what is written */
    int m, n;                           /* rows and columns of x */
    int pivot_count, upper, unit;
} job;

typedef void (*body_fn)(void *context, int64_t begin, int64_t end);

static int64_t batch_offset(const wg_array *a, int64_t item) {
    int64_t offset = 0;
    for (int d = a->ndim - 3; d >= 0; d--) {
        offset += item % a->shape[d] * a->strides[d];
        item /= a->shape[d];
    }
    return offset;
}

#define FACTORS(T, P)                                                                                                             \
    static void cholesky_##P(void *context, int64_t begin, int64_t end) {                                                         \
        const job *j = context;                                                                                                   \
        const int64_t n = j->n;                                                                                                   \
        for (int64_t item = begin; item < end; item++) {                                                                          \
            T *a = (T *)j->x->data + item * n * n;                                                                                \
            j->blas->P##potrf("L", &j->n, a, &j->n, (int *)j->info->data + item, 1);                                              \
            for (int64_t c = 1; c < n; c++) for (int64_t r = 0; r < c; r++) a[c * n + r] = 0;                                     \
        }                                                                                                                         \
    }                                                                                                                             \
    static void lu_##P(void *context, int64_t begin, int64_t end) {                                                               \
        const job *j = context;                                                                                                   \
        for (int64_t item = begin; item < end; item++)                                                                            \
            j->blas->P##getrf(&j->m, &j->n, (T *)j->x->data + item * j->m * j->n, &j->m,                                          \
                              (int *)j->pivots->data + item * j->pivot_count, (int *)j->info->data + item);                       \
    }                                                                                                                             \
    static void lu_solve_##P(void *context, int64_t begin, int64_t end) {                                                         \
        const job *j = context;                                                                                                   \
        const int64_t m = j->m;                                                                                                   \
        int info;                       /* only complains about arguments */                                                      \
        for (int64_t item = begin; item < end; item++)                                                                            \
            j->blas->P##getrs("N", &j->m, &j->n, (const T *)j->a->data + item * m * m, &j->m, (const int *)j->pivots->data + item * m, \
                              (T *)j->x->data + item * m * j->n, &j->m, &info, 1);                                                \
    }                                                                                                                             \
    static void solve_triangular_##P(void *context, int64_t begin, int64_t end) {                                                 \
        const job *j = context;                                                                                                   \
        const wg_array *a = j->a;                                                                                                 \
        const int64_t rs = a->strides[a->ndim - 2], cs = a->strides[a->ndim - 1];                                                 \
        const int by_rows = rs != 1 || cs < j->m;          /* then BLAS sees the transposed, whose triangle is the other one */   \
        const int ld = j->m == 1 ? 1 : (int)(by_rows ? rs : cs), upper = by_rows ? !j->upper : j->upper;                          \
        for (int64_t item = begin; item < end; item++)                                                                            \
            j->blas->P##trsm(WG_BLAS_COL_MAJOR, WG_BLAS_LEFT, upper ? WG_BLAS_UPPER : WG_BLAS_LOWER,                              \
                             by_rows ? WG_BLAS_TRANS : WG_BLAS_NO_TRANS, j->unit ? WG_BLAS_UNIT : WG_BLAS_NON_UNIT, j->m, j->n, 1, \
                             (const T *)a->data + batch_offset(a, item), ld, (T *)j->x->data + item * j->m * j->n, j->m);         \
    }

FACTORS(float, s)
FACTORS(double, d)

/* The body for each matrix of x; `flops` is about what one takes. */
static int run(job *j, double flops, body_fn s, body_fn d) {
    const int64_t rows = j->x->shape[j->x->ndim - 2], columns = j->x->shape[j->x->ndim - 1];
    if (rows > INT_MAX || columns > INT_MAX)
        return wg_fail(WG_RUNTIME_ERROR, "matrices of %lld by %lld are too large for LAPACK", (long long)rows, (long long)columns);
    j->m = (int)rows;
    j->n = (int)columns;
    if ((j->blas = wg_blas_get()) == NULL) return -1;
    wg_parallel_for(j->x->numel / (rows * columns), 1, 300 + flops * 0.1, j->x->dtype == WG_F32 ? s : d, j);
    return 0;
}

static double rows_of(const wg_array *x) { return (double)x->shape[x->ndim - 2]; }
static double columns_of(const wg_array *x) { return (double)x->shape[x->ndim - 1]; }

int WG_K(cholesky)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop, (void)attr;
    job j = {.x = op[0], .info = op[1]};
    return run(&j, rows_of(op[0]) * rows_of(op[0]) * rows_of(op[0]) / 3, cholesky_s, cholesky_d);
}

int WG_K(lu)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop, (void)attr;
    job j = {.x = op[0], .pivots = op[1], .info = op[2], .pivot_count = (int)op[1]->shape[op[1]->ndim - 1]};
    return run(&j, rows_of(op[0]) * columns_of(op[0]) * j.pivot_count, lu_s, lu_d);
}

int WG_K(lu_solve)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop, (void)attr;
    job j = {.x = op[0], .a = op[1], .pivots = op[2]};
    return run(&j, 2 * rows_of(op[0]) * rows_of(op[0]) * columns_of(op[0]), lu_solve_s, lu_solve_d);
}

int WG_K(solve_triangular)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    job j = {.x = op[0], .a = op[1], .upper = attr[0].i != 0, .unit = attr[1].i != 0};
    return run(&j, rows_of(op[0]) * rows_of(op[0]) * columns_of(op[0]), solve_triangular_s, solve_triangular_d);
}
