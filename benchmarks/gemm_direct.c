/* Times BLAS called directly, without anything of ours around the call: the baseline of gemm.py. */
#include "wg_blas.h"

#include <time.h>

double gemm_direct_time(int is_double, int trans_a, int trans_b, int m, int n, int k, const void *a, const void *b, void *c,
                        int64_t calls) {
    const wg_blas *blas = wg_blas_get();
    if (!blas) return -1;
    const int ta = trans_a ? WG_BLAS_TRANS : WG_BLAS_NO_TRANS, tb = trans_b ? WG_BLAS_TRANS : WG_BLAS_NO_TRANS;
    const int lda = trans_a ? m : k, ldb = trans_b ? k : n;
    struct timespec t0, t1;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    for (int64_t i = 0; i < calls; i++) {
        if (is_double) blas->dgemm(WG_BLAS_ROW_MAJOR, ta, tb, m, n, k, 1, a, lda, b, ldb, 0, c, n);
        else blas->sgemm(WG_BLAS_ROW_MAJOR, ta, tb, m, n, k, 1, a, lda, b, ldb, 0, c, n);
    }
    clock_gettime(CLOCK_MONOTONIC, &t1);
    return ((double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec)) / (double)calls;
}
