/* Products by register tiles, whatever their type: which, and cut how. Note [Panel products]. */

enum {
    K_BLOCK = 512,                      /* so many columns of a tile stay in the caches of one core, with PANEL_ROWS rows of a */
    PANEL_LANES = 3072,                 /* columns packed at a time */
    PANEL_ROWS = 256,
    FAR_BYTES = 1 << 20,                /* of a block of b: more than the caches of one core hold */
    SMALL_PANELS = 1 << 15,             /* multiplications: below, BLAS does as well */
    SMALL_PRODUCT = 1000000,            /* up to here BLAS has kernels of its own that pack nothing, but for a transposed b */
    SMALL_EDGE = 200,
    SMALL_LEAST = 16                    /* and from here on: narrower ones run at half the speed */
};

/* Strides as BLAS's layout says, for dimensions of size 1 too. */
static void settle(matrix *x) {
    x->rs = x->trans == WG_BLAS_NO_TRANS ? x->ld : 1;
    x->cs = x->trans == WG_BLAS_NO_TRANS ? 1 : x->ld;
}

/* Estimated nanoseconds with the columns of b in vectors; moved elements count like so many multiplications. */
static double panel_cost(const product *p, int64_t m, int64_t n, int packs, int turns) {
    const int64_t lanes = 64 / wg_itemsize[p->dtype], full = (n + lanes - 1) / lanes * lanes;
    const double move = 8;
    return (double)m * (double)full * (double)p->k + (packs ? move * (double)n * (double)p->k : 0)
           + (turns ? move * (double)m * (double)n * (double)((p->k + K_BLOCK - 1) / K_BLOCK) : 0);
}

/* 1 if this product, which BLAS would take, is one for register tiles; prepares it. */
static int choose_panels(product *p) {
    const double work = (double)p->m * (double)p->n * (double)p->k;
    if (p->method != BY_GEMM || p->items != 1 || p->alpha.d_value == 0 || (p->beta.d_value != 0 && p->beta.d_value != 1)) return 0;
    if (work < (p->m < 32 || p->n < 32 ? 70000 : SMALL_PANELS)) return 0;
    if (p->b.trans == WG_BLAS_NO_TRANS && work <= SMALL_PRODUCT && p->m < SMALL_EDGE && p->n < SMALL_EDGE &&
        p->m >= SMALL_LEAST && p->n >= SMALL_LEAST) return 0;
    settle(&p->a);
    settle(&p->b);
    p->c.rs = p->c.ld;
    p->c.cs = 1;
    if (panel_cost(p, p->n, p->m, p->a.rs != 1, 1) < panel_cost(p, p->m, p->n, p->b.cs != 1, 0)) swap_operands(p);
    p->method = BY_PANELS;
    return 1;
}

static int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/* Nanoseconds of an element of out, for a block of k. */
static double panel_ns(const product *p, int64_t block) { return (double)block * (p->dtype == WG_F64 ? 0.015 : 0.0075); }

/* Any cut gives the same bits: this one is for the caches, with some microseconds in each area, and several areas where
 * there is that much to do. */
static void cut_areas(const product *p, int64_t columns, int64_t block, int64_t *tile_m, int64_t *tile_n) {
    enum { AREA_NS = 4000 };
    const int64_t lanes = 64 / wg_itemsize[p->dtype], parts = (p->m + PANEL_ROWS - 1) / PANEL_ROWS;
    const double each = panel_ns(p, block), all = (double)p->m * (double)columns * each;
    *tile_m = round_up((p->m + parts - 1) / parts, lanes);
    *tile_n = round_up(columns, lanes);
    if (all < 2 * AREA_NS) return;
    const int64_t least = round_up((int64_t)(AREA_NS / (each * (double)*tile_m)) + 1, 3 * lanes);
    if (least < columns) *tile_n = least;
    if (((p->m + *tile_m - 1) / *tile_m) * ((columns + *tile_n - 1) / *tile_n) >= 4) return;
    const int64_t rows = round_up((p->m + 3) / 4, lanes);
    *tile_n = round_up(columns, lanes);
    if (rows < *tile_m) *tile_m = rows;
}

static int run_panels(product *p) {
    const int size = wg_itemsize[p->dtype], packs = p->b.cs != 1;
    const int64_t lanes = 64 / size, blocks = (p->k + K_BLOCK - 1) / K_BLOCK, block = (p->k + blocks - 1) / blocks;
    const int64_t strip = packs && p->n > PANEL_LANES ? PANEL_LANES : p->n;
    void *packed = NULL, *packed_rows = NULL;
    const int64_t rows_bytes = round_up(p->m, 8) * block * size;
    const int packs_rows = p->a.cs != 1 && p->n >= PANEL_ROWS && rows_bytes > FAR_BYTES && rows_bytes <= 16 * FAR_BYTES;
    if (packs_rows && !(packed_rows = wg_scratch_get(rows_bytes))) return -1;
    if (packs && !(packed = wg_scratch_get(round_up(strip, lanes) * block * size))) {
        if (packed_rows) wg_scratch_put(packed_rows);
        return -1;
    }
    int64_t tile_m, tile_n;
    cut_areas(p, strip, block, &tile_m, &tile_n);
    const double each = (double)tile_m * (double)tile_n * panel_ns(p, block);
    for (int64_t j = 0; j < p->n; j += strip)
        for (int64_t l = 0; l < p->k; l += block) {
            panels s = {.p = p, .first_k = l, .k = p->k - l < block ? p->k - l : block, .first_lane = j,
                        .lanes = p->n - j < strip ? p->n - j : strip, .packed = packed, .rows = packed_rows, .add = l > 0 || p->beta.d_value != 0,
                        .last = l + block >= p->k, .far = strip * block * size > FAR_BYTES, .tile_m = tile_m, .tile_n = tile_n};
            s.parts_n = (s.lanes + tile_n - 1) / tile_n;
            const int64_t rows = (p->m + tile_m - 1) / tile_m;
            if (packs) wg_parallel_for((s.lanes + lanes - 1) / lanes, 1, 0.06 * (double)(lanes * s.k),
                                       p->dtype == WG_F32 ? s_pack_strips : d_pack_strips, &s);
            if (packs_rows) wg_parallel_for((p->m + 8 * lanes - 1) / (8 * lanes), 1, 0.1 * (double)(8 * lanes * s.k),
                                            p->dtype == WG_F32 ? s_pack_rows_of_a : d_pack_rows_of_a, &s);
            wg_parallel_for(rows * s.parts_n, 1, each, p->dtype == WG_F32 ? s_panel_areas : d_panel_areas, &s);
        }
    if (packed) wg_scratch_put(packed);
    if (packed_rows) wg_scratch_put(packed_rows);
    return 0;
}
