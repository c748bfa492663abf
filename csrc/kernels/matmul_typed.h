/* The typed half of matmul.c, included once per type with
 *     T        element type: float, double, uint64_t (int64 products wrap around as unsigned ones do)
 *     N(name)  the name for this type
 *     GEMM, GEMV  members of wg_blas; absent for integers
 *     FMA      likewise */
#ifdef GEMM
#include "kernels/matmul_narrow.h"
#endif

/* out = beta*out + alpha*a@b on one tile, by plain loops: integers, and sizes beyond BLAS's 32-bit ones. */
static void N(product_loop)(const product *p, const T *a, const T *b, T *c, int64_t m, int64_t n) {
    const T alpha = (T)p->alpha.N(value), beta = (T)p->beta.N(value);
    for (int64_t i = 0; i < m; i++) {
        T *row = c + i * p->c.rs;
        const int64_t cs = p->c.cs, b_cs = p->b.cs;
        for (int64_t j = 0; j < n; j++) row[j * cs] = beta == 0 ? 0 : beta * row[j * cs];
        for (int64_t l = 0; l < p->k; l++) {
            const T factor = alpha * a[i * p->a.rs + l * p->a.cs];
            const T *b_row = b + l * p->b.rs;
            if (cs == 1 && b_cs == 1) {
                WG_VECTOR
                for (int64_t j = 0; j < n; j++) row[j] += factor * b_row[j];
            } else {
                for (int64_t j = 0; j < n; j++) row[j * cs] += factor * b_row[j * b_cs];
            }
        }
    }
}

/* c += bias on one tile, while it is in cache: the bits of a separate addition. */
static void N(add_bias)(const T *bias, int64_t bias_rs, int64_t bias_cs, T *c, int64_t rs, int64_t cs, int64_t m, int64_t n) {
    if (n == 1) { n = m; m = 1; cs = rs; bias_cs = bias_rs; }    /* a column is a row */
    for (int64_t i = 0; i < m; i++) {
        T *row = c + i * rs;
        const T *bias_row = bias + i * bias_rs;
        if (cs == 1 && bias_cs == 1) {
            WG_VECTOR
            for (int64_t j = 0; j < n; j++) row[j] += bias_row[j];
        } else {
            for (int64_t j = 0; j < n; j++) row[j * cs] += bias_row[j * bias_cs];
        }
    }
}

#if defined(GEMM) && WG_VECTOR_BYTES == 64
#include "kernels/matmul_panels_typed.h"
#endif

static void N(product_tile)(const product *p, int64_t item, int64_t i, int64_t j, int64_t m, int64_t n) {
    const T *a = (const T *)p->a.data + batch_offset(p, &p->a, item) + i * p->a.rs;
    const T *b = (const T *)p->b.data + batch_offset(p, &p->b, item) + j * p->b.cs;
    T *c = (T *)p->c.data + batch_offset(p, &p->c, item) + i * p->c.rs + j * p->c.cs;
#ifdef GEMM
    if (p->method == BY_GEMM)
        p->blas->GEMM(WG_BLAS_ROW_MAJOR, p->a.trans, p->b.trans, (int)m, (int)n, (int)p->k, p->alpha.N(value),
                      a, (int)p->a.ld, b, (int)p->b.ld, p->beta.N(value), c, (int)p->c.ld);
    else if (p->method == BY_GEMV)
        p->blas->GEMV(WG_BLAS_ROW_MAJOR, p->a.trans, (int)(p->a.trans == WG_BLAS_TRANS ? p->k : m),
                      (int)(p->a.trans == WG_BLAS_TRANS ? m : p->k), p->alpha.N(value), a, (int)p->a.ld, b, (int)p->b.ld,
                      p->beta.N(value), c, (int)p->c.ld);
    else if (p->method == BY_DOTS)
        N(narrow_dots)(p, a, b, c, m, n);
    else if (p->method == BY_ROWS)
        N(narrow_rows)(p, a, b, c, m, n);
    else if (p->method == BY_TINY)
        N(tiny)(p, a, b, c);
    else
#endif
        N(product_loop)(p, a, b, c, m, n);
    if (p->bias)
        N(add_bias)((const T *)p->bias + i * p->bias_rs + j * p->bias_cs, p->bias_rs, p->bias_cs, c, p->c.rs, p->c.cs, m, n);
}

static void N(product_range)(void *context, int64_t begin, int64_t end) {
    const product *p = context;
    const int64_t tiles = p->parts_m * p->parts_n;
    if (tiles == 1) {
        for (int64_t x = begin; x < end; x++) N(product_tile)(p, x, 0, 0, p->m, p->n);
        return;
    }
    for (int64_t x = begin; x < end; x++) {
        const int64_t item = x / tiles, tile = x % tiles;
        const int64_t i = tile / p->parts_n * p->tile_m, j = tile % p->parts_n * p->tile_n;
        const int64_t m = p->m - i < p->tile_m ? p->m - i : p->tile_m, n = p->n - j < p->tile_n ? p->n - j : p->tile_n;
        N(product_tile)(p, item, i, j, m, n);
    }
}

/* One row of a copy between strided matrices; `context` holds both. */
static void N(copy_range)(void *context, int64_t begin, int64_t end) {
    const copy *q = context;
    for (int64_t x = begin; x < end; x++) {
        const int64_t item = x / q->rows, i = x % q->rows;
        const T *src = (const T *)q->from.data + batch_offset(q->p, &q->from, item) + i * q->from.rs;
        T *dst = (T *)q->to.data + batch_offset(q->p, &q->to, item) + i * q->to.rs;
        for (int64_t j = 0; j < q->cols; j++) dst[j * q->to.cs] = src[j * q->from.cs];
    }
}

#undef T
#undef N
#undef GEMM
#undef GEMV
#undef V
