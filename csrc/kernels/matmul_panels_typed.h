/* Products by our own register tiles: the part of matmul.c for levels with 512-bit registers. Included once per floating type
 * with T, N(name), V(name).
 *
 * Note [Panel products]
 * ~~~~~~~~~~~~~~~~~~~~~
 * A tile of ROWS x WIDTH vectors of out is kept in registers while k runs: one element of each row of a is broadcast, and
 * multiplied with WIDTH vectors of a row of b. That is 24 multiply-adds for 11 loads, so neither operand has to be packed: a may
 * lie either way, b's rows are read where they are. Only a b whose columns are contiguous is transposed first, a block of
 * k at a time, into panels of LANES columns; or a is, and the product is computed as transpose(b) @ transpose(a), its tiles
 * transposed on their way out: whichever moves less. A large a whose columns are contiguous is copied into groups of eight
 * rows: as it lies, each line of it that a tile reads evicts the one before where columns are a multiple of 4 KB apart. BLAS
 * packs both operands whatever they look like, which costs it a tenth where one of the sizes is about 100.
 *
 * Each element of out is the sum over k in order, each step rounded once, in equal blocks of at most K_BLOCK whose sums are added
 * up. So bits depend on k alone: any cut into tiles, for any number of threads, gives the same. */

#define VEC V(wg_vec)
#define LOADV V(wg_vec_load)
#define LANES ((int64_t)(64 / sizeof(T)))

/* A block of k of a product, with what all of its tiles share. */
typedef struct N(block) {
    const T *a, *b;
    int64_t a_rs, a_cs;              /* one of them is 1 */
    int64_t a_gs;                    /* from one group of eight rows to the next, in rows */
    int64_t b_rs, b_vs;              /* from one k to the next; from one vector of columns to the next */
    int64_t k;
    T *c;
    int64_t c_rs, c_cs;              /* one of them is 1 */
    T alpha;
    int add;                         /* to what c holds */
} N(block);

/* ---- one tile ------------------------------------------------------------------------------------------------- */

/* c = alpha * a b, or added to c; rows x columns vectors, of the last one only `some`. by_row: a's rows are contiguous. */
WG_INLINE void N(tile)(const int rows, const int columns, const int by_row, const N(block) *q, const T *a, const T *b, T *c, int64_t ldc,
                       int add, V(wg_mask) some) {
    const int64_t rs = by_row ? q->a_rs : 1, cs = by_row ? 1 : q->a_cs, b_rs = q->b_rs, b_vs = q->b_vs;
    VEC sum[8][3];
    _Pragma("GCC unroll 8")
    for (int i = 0; i < rows; i++) {
        _Pragma("GCC unroll 3")
        for (int j = 0; j < columns; j++) {
            sum[i][j] = V(wg_vec_all)(0);
            __builtin_prefetch(c + i * ldc + j * LANES, 1);
        }
    }
    for (int64_t l = q->k; l > 0; l--) {
        VEC v[3];
        _Pragma("GCC unroll 3")
        for (int j = 0; j < columns; j++) v[j] = j + 1 < columns ? LOADV(b + j * b_vs) : V(wg_vec_load_some)(b + j * b_vs, some);
        _Pragma("GCC unroll 8")
        for (int i = 0; i < rows; i++) {
            const VEC f = V(wg_vec_all)(a[i * rs]);
            _Pragma("GCC unroll 3")
            for (int j = 0; j < columns; j++) sum[i][j] = V(wg_vec_fma)(f, v[j], sum[i][j]);
        }
        a += cs;
        b += b_rs;
    }
    const VEC alpha = V(wg_vec_all)(q->alpha);
    _Pragma("GCC unroll 8")
    for (int i = 0; i < rows; i++) {
        _Pragma("GCC unroll 3")
        for (int j = 0; j < columns; j++) {
            T *to = c + i * ldc + j * LANES;
            const V(wg_mask) which = j + 1 < columns ? V(wg_vec_first)(LANES) : some;
            VEC v = alpha * sum[i][j];
            if (add) v = V(wg_vec_load_some)(to, which) + v;
            V(wg_vec_store_some)(to, which, v);
        }
    }
}

typedef void (*N(tile_fn))(const N(block) *q, const T *a, const T *b, T *c, int64_t ldc, int add, V(wg_mask) some);
#define TILE(rows, columns, by_row)                                                                                               \
    static void N(tile_##rows##x##columns##_##by_row)(const N(block) *q, const T *a, const T *b, T *c, int64_t ldc, int add, V(wg_mask) some) { \
        N(tile)(rows, columns, by_row, q, a, b, c, ldc, add, some);                                                               \
    }
#define TILES(rows) TILE(rows, 1, 0) TILE(rows, 2, 0) TILE(rows, 3, 0) TILE(rows, 1, 1) TILE(rows, 2, 1) TILE(rows, 3, 1)
TILES(1) TILES(2) TILES(4) TILES(8)
#define NAMES(rows, by_row) {N(tile_##rows##x1_##by_row), N(tile_##rows##x2_##by_row), N(tile_##rows##x3_##by_row)}
static const N(tile_fn) N(tile_table)[2][4][3] = {{NAMES(1, 0), NAMES(2, 0), NAMES(4, 0), NAMES(8, 0)},
                                                  {NAMES(1, 1), NAMES(2, 1), NAMES(4, 1), NAMES(8, 1)}};
#undef NAMES
#undef TILES
#undef TILE

/* rows x n of out, n at most TILE_WIDTH vectors. */
WG_INLINE void N(tile_rows)(const N(block) *q, const T *a, const T *b, T *c, int64_t ldc, int add, int64_t rows, int64_t n, const T *ahead) {
    const int64_t columns = (n + LANES - 1) / LANES;
    const V(wg_mask) some = V(wg_vec_first)(n - (columns - 1) * LANES);
    const N(tile_fn) (*table)[3] = N(tile_table)[q->a_cs == 1];
    for (int64_t i = 0; i < rows;) {
        const int size = rows - i >= 8 ? 3 : rows - i >= 4 ? 2 : rows - i >= 2 ? 1 : 0;
        const int64_t next = i + ((int64_t)1 << size);
        if (ahead)
            for (int64_t l = q->k * i / rows; l < q->k * next / rows; l++)
                for (int64_t j = 0; j < columns; j++) __builtin_prefetch(ahead + l * q->b_rs + j * q->b_vs, 0, 2);
        table[size][columns - 1](q, a + (i & -8) * q->a_gs + (i & 7) * q->a_rs, b, c + i * ldc, ldc, add, some);
        i = next;
    }
}

/* ---- areas of out --------------------------------------------------------------------------------------------- */

/* A strip of LANES columns of b, for a block of k: each is contiguous there, its rows are here. */
static void N(pack_strips)(void *context, int64_t begin, int64_t end) {
    const panels *s = context;
    const product *p = s->p;
    for (int64_t strip = begin; strip < end; strip++) {
        const int64_t j = strip * LANES, left = s->lanes - j;
        const T *from = (const T *)p->b.data + (s->first_lane + j) * p->b.cs + s->first_k;
        T *to = (T *)s->packed + j * s->k;
        for (int64_t l = 0; l < s->k; l += LANES)
            V(wg_transpose)(from + l, p->b.cs, left < LANES ? left : LANES, s->k - l < LANES ? s->k - l : LANES, to + l * LANES, LANES, 0, 1);
    }
}

/* Eight lines of memory of a at a time, whose columns are contiguous, as groups of eight rows. */
static void N(pack_rows_of_a)(void *context, int64_t begin, int64_t end) {
    const panels *s = context;
    const product *p = s->p;
    for (int64_t part = begin; part < end; part++) {
        const int64_t i = part * 8 * LANES, rows = p->m - i < 8 * LANES ? p->m - i : 8 * LANES;
        const T *from = (const T *)p->a.data + i + s->first_k * p->a.cs;
        T *to = (T *)s->rows + i * s->k;
        for (int64_t l = 0; l < s->k; l++, from += p->a.cs)
            for (int64_t r = 0; r < rows; r += 8)
                if (rows - r >= 8) memcpy(to + r * s->k + l * 8, from + r, 8 * sizeof(T));
                else memcpy(to + r * s->k + l * 8, from + r, (size_t)(rows - r) * sizeof(T));
    }
}

/* rows x n of out, from (i, j) on; j counts from the first lane of the block. */
static void N(area)(const panels *s, const N(block) *q, int64_t i, int64_t j, int64_t rows, int64_t n) {
    const product *p = s->p;
    T turned[16 * 3 * LANES] __attribute__((aligned(64)));
    for (int64_t end = j + n; j < end;) {
        const int64_t left = end - j, vectors = (left + LANES - 1) / LANES;
        int64_t width = (vectors == 4 ? 2 : vectors > 3 ? 3 : vectors) * LANES;
        if (width > left) width = left;
        const T *a = q->a + i * q->a_gs, *b = q->b + j / LANES * q->b_vs;
        T *c = q->c + i * q->c_rs + j * q->c_cs;
        const T *ahead = s->far && j + width < s->lanes ? b + (width / LANES) * q->b_vs : NULL;
        if (q->c_cs == 1) N(tile_rows)(q, a, b, c, q->c_rs, q->add, rows, width, ahead);
        else
            for (int64_t r = 0; r < rows; r += LANES) {          /* LANES rows at a time are columns there */
                const int64_t some = rows - r < LANES ? rows - r : LANES;
                N(tile_rows)(q, a + r * q->a_gs, b, turned, 3 * LANES, 0, some, width, NULL);
                for (int64_t t = 0; t < width; t += LANES)
                    V(wg_transpose)(turned + t, 3 * LANES, some, width - t < LANES ? width - t : LANES, c + r + t * q->c_cs, q->c_cs, q->add, 0);
            }
        if (p->bias && s->last) {
            const T *bias = (const T *)p->bias + i * p->bias_rs + (s->first_lane + j) * p->bias_cs;
            if (q->c_cs == 1) N(add_bias)(bias, p->bias_rs, p->bias_cs, c, q->c_rs, 1, rows, width);
            else N(add_bias)(bias, p->bias_cs, p->bias_rs, c, q->c_cs, 1, width, rows);
        }
        j += width;
    }
}

static void N(panel_areas)(void *context, int64_t begin, int64_t end) {
    const panels *s = context;
    const product *p = s->p;
    const N(block) q = {
        .a = s->rows ? (const T *)s->rows : (const T *)p->a.data + s->first_k * p->a.cs,
        .b = s->packed ? (const T *)s->packed : (const T *)p->b.data + s->first_k * p->b.rs + s->first_lane,
        .a_rs = p->a.rs, .a_cs = s->rows ? 8 : p->a.cs, .a_gs = s->rows ? s->k : p->a.rs, .b_rs = s->packed ? LANES : p->b.rs, .b_vs = s->packed ? s->k * LANES : LANES, .k = s->k,
        .c = (T *)p->c.data + s->first_lane * p->c.cs, .c_rs = p->c.rs, .c_cs = p->c.cs, .alpha = (T)p->alpha.N(value), .add = s->add};
    for (int64_t x = begin; x < end; x++) {
        const int64_t i = x / s->parts_n * s->tile_m, j = x % s->parts_n * s->tile_n;
        N(area)(s, &q, i, j, p->m - i < s->tile_m ? p->m - i : s->tile_m, s->lanes - j < s->tile_n ? s->lanes - j : s->tile_n);
    }
}

#undef VEC
#undef LOADV
#undef LANES
