/* Products with few rows, and batches of tiny ones: the parts of matmul.c that BLAS is slow at. Included once per floating
 * type with T, N(name) and FMA.
 *
 * Note [Narrow products]
 * ~~~~~~~~~~~~~~~~~~~~~~
 * BLAS packs b before it multiplies, which costs more than the product when a has a few rows only. Here b is read once, in
 * the order in which it lies in memory, against all rows of a, which were packed (alpha included, padded with zeros to
 * LANES) into scratch that stays in L1:
 *
 *   b's columns contiguous   each element of out is a dot product in LANES virtual lanes, folded in halves;
 *   b's rows contiguous      STEPS rows of b at a time are added to the rows of out, which are in L1.
 *
 * Either way the order of the additions depends on k alone: not on the vector width, not on how the columns are shared. Levels
 * with 512-bit registers take more than four rows to register tiles (Note [Panel products]) where b's rows are contiguous, or where
 * columns are few and the sums short. */

/* Rows at a time, as many as there are registers for: it changes no sum. */
#ifdef __AVX512F__
enum { N(LANES) = 64 / sizeof(T), N(ROWS) = 8 };
#else
enum { N(LANES) = 64 / sizeof(T), N(ROWS) = 4 };
#endif

static T N(fold)(T *lanes) {
    for (int width = N(LANES) / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];
    return lanes[0];
}

/* Dot products of `rows` packed rows of a with `cols` columns of b, both compile-time constants. */
WG_INLINE void N(dots)(const T *a, int64_t a_rs, const T *const *b, int64_t k, int rows, int cols, T *sums) {
    enum { L = N(LANES) };
    T lanes[N(ROWS)][2][L] = {{{0}}}, last[2][L] = {{0}};
    int64_t whole = k / L * L;
    for (int64_t l = 0; l < whole; l += L)
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < cols; c++)
                for (int i = 0; i < L; i++) lanes[r][c][i] = FMA(a[r * a_rs + l + i], b[c][l + i], lanes[r][c][i]);
    if (whole < k) {
        for (int c = 0; c < cols; c++) memcpy(last[c], b[c] + whole, sizeof(T) * (size_t)(k - whole));
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < cols; c++)
                for (int i = 0; i < L; i++) lanes[r][c][i] = FMA(a[r * a_rs + whole + i], last[c][i], lanes[r][c][i]);
    }
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) sums[2 * r + c] = N(fold)(lanes[r][c]);
}

static void N(narrow_dots)(const product *p, const T *a, const T *b, T *out, int64_t m, int64_t n) {
    const T beta = (T)p->beta.N(value);
    const int64_t a_rs = p->a.rs;
    for (int64_t j = 0; j < n; j += 2) {
        const T *const column[2] = {b + j * p->b.cs, b + (j + 1 < n ? j + 1 : j) * p->b.cs};
        for (int64_t i = 0; i < m; i += N(ROWS)) {
            T sums[2 * N(ROWS)];
            const T *rows = a + i * a_rs;
            switch (m - i) {
            case 1: N(dots)(rows, a_rs, column, p->k, 1, 2, sums); break;
            case 2: N(dots)(rows, a_rs, column, p->k, 2, 2, sums); break;
            case 3: N(dots)(rows, a_rs, column, p->k, 3, 2, sums); break;
#ifdef __AVX512F__
            case 4: N(dots)(rows, a_rs, column, p->k, 4, 2, sums); break;
            case 5: N(dots)(rows, a_rs, column, p->k, 5, 2, sums); break;
            case 6: N(dots)(rows, a_rs, column, p->k, 6, 2, sums); break;
            case 7: N(dots)(rows, a_rs, column, p->k, 7, 2, sums); break;
#endif
            default: N(dots)(rows, a_rs, column, p->k, N(ROWS), 2, sums);
            }
            for (int64_t r = i; r < m && r < i + N(ROWS); r++)
                for (int64_t c = j; c < n && c < j + 2; c++) {
                    T *y = out + r * p->c.rs + c * p->c.cs, sum = sums[2 * (r - i) + (c - j)];
                    *y = beta == 0 ? sum : beta * *y + sum;
                }
        }
    }
}

enum { N(STEPS) = 8, N(STRIP) = 2048 / sizeof(T) };

static void N(narrow_rows)(const product *p, const T *a, const T *b, T *out, int64_t m, int64_t n) {
    const T beta = (T)p->beta.N(value);
    const int64_t a_rs = p->a.rs, b_rs = p->b.rs, c_rs = p->c.rs;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) out[i * c_rs + j] = beta == 0 ? 0 : beta * out[i * c_rs + j];
    for (int64_t l = 0; l < p->k; l += N(STEPS)) {
        const int64_t left = p->k - l;
        const T *row[N(STEPS)];                          /* the rows of a are padded with zeros, so any row of b serves there */
        for (int s = 0; s < N(STEPS); s++) row[s] = b + (s < left ? l + s : l) * b_rs;
        for (int64_t j = 0; j < n; j += N(STRIP)) {
            const int64_t end = n - j < N(STRIP) ? n : j + N(STRIP);
            for (int64_t i = 0; i < m; i++) {
                const T *x = a + i * a_rs + l;
                T *y = out + i * c_rs;
                if (left >= N(STEPS)) {
                    const T *b0 = row[0], *b1 = row[1], *b2 = row[2], *b3 = row[3], *b4 = row[4], *b5 = row[5], *b6 = row[6], *b7 = row[7];
                    const T x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3], x4 = x[4], x5 = x[5], x6 = x[6], x7 = x[7];
                    WG_VECTOR
                    for (int64_t c = j; c < end; c++)
                        y[c] = FMA(x7, b7[c], FMA(x6, b6[c], FMA(x5, b5[c], FMA(x4, b4[c],
                               FMA(x3, b3[c], FMA(x2, b2[c], FMA(x1, b1[c], FMA(x0, b0[c], y[c]))))))));
                } else
                    for (int s = 0; s < left; s++) {
                        const T *bs = row[s], xs = x[s];
                        WG_VECTOR
                        for (int64_t c = j; c < end; c++) y[c] = FMA(xs, bs[c], y[c]);
                    }
            }
        }
    }
}

/* One row of a, packed: alpha * a, zeros behind. */
static void N(pack_row)(const product *p, const T *a, int64_t cs, T *to, int64_t padded) {
    const T alpha = (T)p->alpha.N(value);
    for (int64_t l = 0; l < p->k; l++) to[l] = alpha * a[l * cs];
    for (int64_t l = p->k; l < padded; l++) to[l] = 0;
}

/* A tiny product of one item of a batch, k a compile-time constant. */
WG_INLINE void N(tiny_k)(const product *p, const T *a, const T *b, T *c, int k) {
    const T alpha = (T)p->alpha.N(value), beta = (T)p->beta.N(value);
    const int64_t ars = p->a.rs, acs = p->a.cs, brs = p->b.rs, bcs = p->b.cs, crs = p->c.rs, ccs = p->c.cs;
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) {
            T sum = a[i * ars] * b[j * bcs];
            for (int l = 1; l < k; l++) sum = FMA(a[i * ars + l * acs], b[l * brs + j * bcs], sum);
            T *y = c + i * crs + j * ccs;
            *y = beta == 0 ? alpha * sum : FMA(alpha, sum, beta * *y);
        }
}

static void N(tiny)(const product *p, const T *a, const T *b, T *c) {
    switch (p->k) {
    case 1: N(tiny_k)(p, a, b, c, 1); break;
    case 2: N(tiny_k)(p, a, b, c, 2); break;
    case 3: N(tiny_k)(p, a, b, c, 3); break;
    default: N(tiny_k)(p, a, b, c, 4); break;
    }
}
#undef FMA
