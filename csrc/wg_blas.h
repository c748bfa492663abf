/* BLAS and what is used of LAPACK, as a table of functions filled from the OpenBLAS that is bundled with the package.
 *
 * The library is private: opened by absolute path with RTLD_LOCAL, beside whatever BLAS other packages
 * have loaded. Its own threads stay off, because they change results with their number; large products
 * are cut into tiles by kernels/matmul.c and run by wg_threads.c. */
#ifndef WG_BLAS_H
#define WG_BLAS_H

#include "wg_types.h"

/* CBLAS's own constants. */
enum {
    WG_BLAS_ROW_MAJOR = 101, WG_BLAS_COL_MAJOR = 102, WG_BLAS_NO_TRANS = 111, WG_BLAS_TRANS = 112, WG_BLAS_UPPER = 121,
    WG_BLAS_LOWER = 122, WG_BLAS_NON_UNIT = 131, WG_BLAS_UNIT = 132, WG_BLAS_LEFT = 141
};

typedef struct wg_blas {
    void (*sgemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda,
                  const float *b, int ldb, float beta, float *c, int ldc);
    void (*dgemm)(int order, int trans_a, int trans_b, int m, int n, int k, double alpha, const double *a, int lda,
                  const double *b, int ldb, double beta, double *c, int ldc);
    void (*sgemv)(int order, int trans, int m, int n, float alpha, const float *a, int lda, const float *x, int incx,
                  float beta, float *y, int incy);
    void (*dgemv)(int order, int trans, int m, int n, double alpha, const double *a, int lda, const double *x, int incx,
                  double beta, double *y, int incy);
    void (*strsm)(int order, int side, int uplo, int trans, int diag, int m, int n, float alpha, const float *a, int lda, float *b, int ldb);
    void (*dtrsm)(int order, int side, int uplo, int trans, int diag, int m, int n, double alpha, const double *a, int lda, double *b, int ldb);
    /* LAPACK: matrices by columns, all arguments by address; Fortran compilers pass the length of a string last. */
    void (*spotrf)(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t uplo_length);
    void (*dpotrf)(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t uplo_length);
    void (*sgetrf)(const int *m, const int *n, float *a, const int *lda, int *pivots, int *info);
    void (*dgetrf)(const int *m, const int *n, double *a, const int *lda, int *pivots, int *info);
    void (*sgetrs)(const char *trans, const int *n, const int *columns, const float *a, const int *lda, const int *pivots, float *b, const int *ldb,
                   int *info, size_t trans_length);
    void (*dgetrs)(const char *trans, const int *n, const int *columns, const double *a, const int *lda, const int *pivots, double *b,
                   const int *ldb, int *info, size_t trans_length);
    /* symmetric eigenvalues, singular values, QR: each asks for its workspace when lwork is -1 */
    void (*ssyevd)(const char *jobz, const char *uplo, const int *n, float *a, const int *lda, float *w, float *work, const int *lwork, int *iwork,
                   const int *liwork, int *info, size_t jobz_length, size_t uplo_length);
    void (*sgesdd)(const char *jobz, const int *m, const int *n, float *a, const int *lda, float *s, float *u, const int *ldu, float *vt, const int *ldvt,
                   float *work, const int *lwork, int *iwork, int *info, size_t jobz_length);
    void (*sgeqrf)(const int *m, const int *n, float *a, const int *lda, float *tau, float *work, const int *lwork, int *info);
    void (*sorgqr)(const int *m, const int *n, const int *k, float *a, const int *lda, const float *tau, float *work, const int *lwork, int *info);
    void (*dsyevd)(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work, const int *lwork, int *iwork,
                   const int *liwork, int *info, size_t jobz_length, size_t uplo_length);
    void (*dgesdd)(const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s, double *u, const int *ldu, double *vt, const int *ldvt,
                   double *work, const int *lwork, int *iwork, int *info, size_t jobz_length);
    void (*dgeqrf)(const int *m, const int *n, double *a, const int *lda, double *tau, double *work, const int *lwork, int *info);
    void (*dorgqr)(const int *m, const int *n, const int *k, double *a, const int *lda, const double *tau, double *work, const int *lwork, int *info);
} wg_blas;

typedef struct wg_blas_info {
    const char *path;          /* of the library; "" while none is loaded */
    const char *config;        /* OpenBLAS's own configuration line; "" for other libraries */
    const char *version;       /* "OpenBLAS 0.3.34" */
    const char *corename;      /* which kernels run: "SkylakeX", "Haswell", ... */
    const char *forced_by;     /* the environment variable that chose them; "" when detected */
    const char *forced_value;  /* its value at load time (the kernels run as `corename` when it names none) */
    int threads;               /* of the library itself: 1 */
    int tested;                /* 0: not yet, 1: the self-test passed, -1: it failed */
} wg_blas_info;

/* Opens the library, once: later calls return the first outcome. `path` is absolute, or NULL for the
 * bundled copy, looked for in `_libs/` next to and above the object file that holds this function.
 * Returns 0, or -1 with the error set (RuntimeError that names the places looked at).
 * Sets and restores environment variables around the load, so no other thread should be reading the
 * environment then; the import lock of Python is what guards it. */
int wg_blas_load(const char *path);

/* What is loaded; the strings live for ever. */
wg_blas_info wg_blas_get_info(void);

extern const wg_blas *wg_blas_ready_table;
const wg_blas *wg_blas_prepare(void);

/* The table, loaded and self-tested at the first call; NULL with the error set when it is not usable. */
WG_INLINE const wg_blas *wg_blas_get(void) {
    const wg_blas *table = __atomic_load_n(&wg_blas_ready_table, __ATOMIC_ACQUIRE);
    return WG_LIKELY(table != NULL) ? table : wg_blas_prepare();
}

#endif
