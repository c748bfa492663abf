/* Template: the block reductions of one accumulator type and one operation (Note [The tree of a
 * reduction] in reduce_common.h). The including file defines
 *
 *     T, TS          type of the accumulator and the signed integer of its size
 *     T_BITS         32 or 64
 *     R(name)        the name with this instance's suffix
 *     OP(a, b)       the operation on scalars
 *     OPV(V, M, a, b)  the same on vectors of type V with mask type M
 *     OPN(a, b)      the same on native vectors, if there is a better way
 */
#define VW (WG_VECTOR_BYTES * 8 / T_BITS)       /* lanes of a native vector */
#define VN (WG_LANES / VW)

typedef T R(v) __attribute__((vector_size(WG_VECTOR_BYTES), may_alias));
typedef TS R(vm) __attribute__((vector_size(WG_VECTOR_BYTES), may_alias));
typedef T R(vu) __attribute__((vector_size(WG_VECTOR_BYTES), aligned(sizeof(T)), may_alias));
typedef T R(v8) __attribute__((vector_size(T_BITS), may_alias));               /* 8 lanes */
typedef TS R(v8m) __attribute__((vector_size(T_BITS), may_alias));
typedef T R(v8u) __attribute__((vector_size(T_BITS), aligned(sizeof(T)), may_alias));
typedef T R(v4) __attribute__((vector_size(T_BITS / 2), may_alias));
typedef TS R(v4m) __attribute__((vector_size(T_BITS / 2), may_alias));
typedef T R(v4u) __attribute__((vector_size(T_BITS / 2), aligned(sizeof(T)), may_alias));

#define LOAD(p) (*(const R(vu) *)(p))
#ifdef OPN
#define COMBINE(a, b) (R(v))OPN(a, b)
#else
#define COMBINE(a, b) OPV(R(v), R(vm), a, b)
#endif
#define EACH(i, n) WG_UNROLL for (int i = 0; i < (n); i++)

/* The first min(n, VW) lanes of a vector in memory; the others read as zero. */
#if defined(__AVX512F__)
#if T_BITS == 32
typedef __mmask16 R(mask);
#define LOAD_MASKED _mm512_maskz_loadu_epi32
#define STORE_MASKED _mm512_mask_storeu_epi32
#else
typedef __mmask8 R(mask);
#define LOAD_MASKED _mm512_maskz_loadu_epi64
#define STORE_MASKED _mm512_mask_storeu_epi64
#endif
WG_INLINE R(mask) R(first)(int64_t n) { return (R(mask))(n >= VW ? ~0u : (1u << n) - 1u); }
WG_INLINE R(v) R(load)(const T *p, R(mask) m) { return (R(v))LOAD_MASKED(m, p); }
WG_INLINE void R(store)(T *p, R(v) v, R(mask) m) { STORE_MASKED(p, m, (__m512i)v); }
#undef LOAD_MASKED
#undef STORE_MASKED
#else
typedef int R(mask);
WG_INLINE R(mask) R(first)(int64_t n) { return n >= VW ? VW : (int)n; }
WG_INLINE R(v) R(load)(const T *p, R(mask) m) {
    if (m == VW) return LOAD(p);
#if defined(__AVX2__) && T_BITS == 32
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return (R(v))_mm256_maskload_epi32((const int *)p, _mm256_cmpgt_epi32(_mm256_set1_epi32(m), lane));
#elif defined(__AVX2__)
    const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
    return (R(v))_mm256_maskload_epi64((const long long *)p, _mm256_cmpgt_epi64(_mm256_set1_epi64x(m), lane));
#elif T_BITS == 32
    return (R(v)){p[0], m > 1 ? p[1] : 0, m > 2 ? p[2] : 0, 0};
#else
    return (R(v)){p[0], 0};
#endif
}
WG_INLINE void R(store)(T *p, R(v) v, R(mask) m) {
    if (m == VW) *(R(vu) *)p = v;
    else for (int i = 0; i < m; i++) p[i] = v[i];
}
#endif

/* The two halves of a vector as one. */
#define FOLD(H, M, V, v) ({ union { V whole; H half[2]; } h_ = {.whole = (v)}; OPV(H, M, h_.half[0], h_.half[1]); })

/* From 2L lanes to L >= VW; the next L elements join if there are as many, or begin. */
#define STAGE(L)                                                                    \
    if (n >= 2 * (L)) {                                                             \
        EACH(i, (L) / VW) a[i] = COMBINE(a[i], a[i + (L) / VW]);                    \
        if (n & (L)) {                                                              \
            EACH(i, (L) / VW) a[i] = COMBINE(LOAD(p + i * VW), a[i]);               \
            p += (L);                                                               \
        }                                                                           \
    } else if (n >= (L)) {                                                          \
        EACH(i, (L) / VW) a[i] = LOAD(p + i * VW);                                  \
        p += (L);                                                                   \
    }

/* n >= 1 dense elements, at most a block. */
static T R(block)(const T *p, int64_t n) {
    R(v) a[VN];
    EACH(i, VN) a[i] = (R(v)){0};
    if (n >= 32) {
        EACH(i, VN) a[i] = LOAD(p + i * VW);
        p += 32;
        for (int64_t k = n / 32 - 1; k > 0; k--, p += 32) {
            EACH(i, VN) a[i] = COMBINE(LOAD(p + i * VW), a[i]);
        }
    }
    STAGE(16)
#if VW <= 8
    STAGE(8)
#else
    R(v8) b = {0};
    if (n >= 16) {
        b = FOLD(R(v8), R(v8m), R(v), a[0]);
        if (n & 8) { b = OPV(R(v8), R(v8m), b, *(const R(v8u) *)p); p += 8; }
    } else if (n >= 8) {
        b = *(const R(v8u) *)p;
        p += 8;
    }
#endif
#if VW <= 4
    STAGE(4)
#else
    R(v4) c = {0};
    if (n >= 8) {
#if VW == 8
        R(v8) b = a[0];
#endif
        c = FOLD(R(v4), R(v4m), R(v8), b);
        if (n & 4) { c = OPV(R(v4), R(v4m), c, *(const R(v4u) *)p); p += 4; }
    } else if (n >= 4) {
        c = *(const R(v4u) *)p;
        p += 4;
    }
#endif
    T s0, s1;
    if (n >= 4) {
#if VW > 4
        s0 = OP(c[0], c[2]);
        s1 = OP(c[1], c[3]);
#elif VW == 4
        s0 = OP(a[0][0], a[0][2]);
        s1 = OP(a[0][1], a[0][3]);
#else
        s0 = OP(a[0][0], a[1][0]);
        s1 = OP(a[0][1], a[1][1]);
#endif
        if (n & 2) {
            s0 = OP(s0, p[0]);
            s1 = OP(s1, p[1]);
            p += 2;
        }
    } else if (n >= 2) {
        s0 = p[0];
        s1 = p[1];
        p += 2;
    } else {
        return p[0];
    }
    T s = OP(s0, s1);
    return n & 1 ? OP(s, p[0]) : s;
}

/* A balanced binary tree over values that arrive one by one: a counter whose digits are subtrees. */
typedef struct { T part[48]; int64_t arrived; int top; } R(tree);

WG_INLINE void R(push)(R(tree) *t, T s) {
    for (int64_t k = t->arrived++; k & 1; k >>= 1) s = OP(t->part[t->top - 1], s), t->top--;
    t->part[t->top++] = s;
}

WG_INLINE T R(total)(R(tree) *t) {
    T s = t->part[--t->top];
    while (t->top) { s = OP(t->part[t->top - 1], s); t->top--; }
    return s;
}

/* n >= 1 dense elements. */
static T R(dense)(const T *p, int64_t n) {
    if (n <= WG_BLOCK) return R(block)(p, n);
    R(tree) t;
    t.arrived = t.top = 0;
    for (; n > 0; n -= WG_BLOCK, p += WG_BLOCK) R(push)(&t, R(block)(p, n < WG_BLOCK ? n : WG_BLOCK));
    return R(total)(&t);
}

/* ---- rows: the reduced dimension is the fastest ------------------------------------------------- */

/* Elements [begin, end) of the output whose first element is x. */
static T R(row)(const wg_reduce *r, const char *x, const T *c, int64_t begin, int64_t end) {
    if (r->direct && r->nreduced == 1 && r->reduced_x[0] == 1) return R(dense)((const T *)x + begin, end - begin);
    T buffer[WG_BLOCK] __attribute__((aligned(64)));
    wg_walk at;
    wg_walk_start(&at, r, x, begin);
    R(tree) t;
    t.arrived = t.top = 0;
    for (; begin < end; begin += WG_BLOCK) {
        int64_t n = end - begin < WG_BLOCK ? end - begin : WG_BLOCK;
        R(push)(&t, R(block)(wg_walk_block(&at, r, buffer, n, c), n));
    }
    return R(total)(&t);
}

typedef struct { const wg_reduce *r; T *partial; int64_t chunk, chunks, tiles; } R(job);

/* One output after the other: outputs [begin, end). */
static void R(rows_body)(void *context, int64_t begin, int64_t end) {
    const wg_reduce *r = ((R(job) *)context)->r;
    const int last = r->nkept - 1;
    const int64_t item = wg_itemsize[r->xdtype];
    T results[64];
    while (begin < end) {
        wg_cursor at = wg_reduce_seek(r, begin, r->nkept);
        int64_t run = r->kept[last] - at.index;
        if (run > end - begin) run = end - begin;
        if (run > 64) run = 64;
        const char *x = at.x;
        if (r->direct && r->nreduced == 1 && r->reduced_x[0] == 1 && r->count <= WG_BLOCK) {
            for (int64_t i = 0; i < run; i++, x += r->kept_x[last] * item) results[i] = R(block)((const T *)x, r->count);
        } else if (!r->c && r->nreduced == 1 && r->count <= WG_BLOCK / 2 && r->kept_x[last] == r->count * r->reduced_x[0]) {
            T buffer[WG_BLOCK] __attribute__((aligned(64)));      /* short rows are loaded many at a time */
            if (run > WG_BLOCK / r->count) run = WG_BLOCK / r->count;
            r->load(buffer, x, run * r->count, r->reduced_x[0], NULL, 0, r->p);
            for (int64_t i = 0; i < run; i++) results[i] = R(block)(buffer + i * r->count, r->count);
        } else {
            const T *c = r->c ? (const T *)r->c + begin : NULL;
            for (int64_t i = 0; i < run; i++, x += r->kept_x[last] * item)
                results[i] = R(row)(r, x, c ? c + i : NULL, 0, r->count);
        }
        wg_reduce_emit(r, results, run, begin, at.out);
        begin += run;
    }
}

/* Few long rows: pieces of a row, item = chunk * outputs + output. */
static void R(chunks_body)(void *context, int64_t begin, int64_t end) {
    const R(job) *j = context;
    const wg_reduce *r = j->r;
    for (int64_t i = begin; i < end; i++) {
        int64_t output = i % r->outputs, first = i / r->outputs * j->chunk;
        int64_t stop = first + j->chunk < r->count ? first + j->chunk : r->count;
        j->partial[i] = R(row)(r, wg_reduce_seek(r, output, r->nkept).x, r->c ? (const T *)r->c + output : NULL, first, stop);
    }
}

/* ---- columns: a kept dimension is the fastest ----------------------------------------------------- */

/* One vector of columns: the tree over 8 rows, or over the 2 or 1 that begin a short block. */
WG_INLINE R(v) R(group)(const T *const *row, int64_t k, int rows, R(mask) m) {
#define ROW(i) R(load)(row[i] + k, m)
#define PAIR(i) COMBINE(ROW(i), ROW((i) + 1))
    R(v) s = ROW(0);
    if (rows > 1) s = COMBINE(s, ROW(1));
    if (rows == 8) {
        const R(v) t = PAIR(2), u = PAIR(4), v = PAIR(6);
        s = COMBINE(COMBINE(s, t), COMBINE(u, v));
    }
    return s;
#undef ROW
#undef PAIR
}

/* One vector of columns over all rows, in registers. */
WG_INLINE void R(pillar)(T *y, const T *const *row, int64_t rows, int64_t k, R(mask) m) {
    const T *const *end = row + rows;
    R(v) s;
    if (rows >= 8) s = R(group)(row, k, 8, m), row += 8;
    else if (rows >= 2) s = R(group)(row, k, 2, m), row += 2;
    else s = R(group)(row, k, 1, m), row += 1;
    for (; end - row >= 8; row += 8) { const R(v) t = R(group)(row, k, 8, m); s = COMBINE(s, t); }
    for (; row < end; row++) { const R(v) t = R(group)(row, k, 1, m); s = COMBINE(s, t); }
    R(store)(y + k, s, m);
}

/* y[0..w) from 1..WG_ROWS rows, each of w dense elements. */
static void R(wide)(T *y, const T *const *row, int64_t rows, int64_t w) {
    const int64_t full = w - w % VW;
    int64_t k;
    if (full < w) R(pillar)(y, row, rows, full, R(first)(w - full));
    if (rows <= 8 || w <= 16 * VW) {
        for (k = 0; k < full; k += VW) R(pillar)(y, row, rows, k, R(first)(VW));
        return;
    }
    /* Many columns: whole rows, 8 at a time, as memory likes it. */
    const T *const *end = row + rows;
    for (k = 0; k < full; k += VW) R(store)(y + k, R(group)(row, k, 8, R(first)(VW)), R(first)(VW));
    for (row += 8; end - row >= 8; row += 8)
        for (k = 0; k < full; k += VW) {
            const R(v) t = R(group)(row, k, 8, R(first)(VW));
            R(store)(y + k, COMBINE(LOAD(y + k), t), R(first)(VW));
        }
    for (; row < end; row++)
        for (k = 0; k < full; k += VW) R(store)(y + k, COMBINE(LOAD(y + k), LOAD(row[0] + k)), R(first)(VW));
}

/* The same for w < WG_NARROW, rows `step` apart: row i runs in lane i mod 8, columns fill a vector. */
static void R(narrow)(T *y, const T *x, int64_t step, int64_t rows, int64_t w) {
    for (; w > 0; w -= VW, x += VW, y += VW) {
        const R(mask) m = R(first)(w);
        const T *p = x;
        int64_t left = rows;
        R(v) a[8];
        if (rows >= 8) {
            EACH(i, 8) a[i] = R(load)(p + i * step, m);
            for (left -= 8, p += 8 * step; left >= 8; left -= 8, p += 8 * step) {
                EACH(i, 8) a[i] = COMBINE(R(load)(p + i * step, m), a[i]);
            }
            EACH(i, 4) a[i] = COMBINE(a[i], a[i + 4]);
            EACH(i, 2) a[i] = COMBINE(a[i], a[i + 2]);
            a[0] = COMBINE(a[0], a[1]);
        } else {
            a[0] = R(load)(p, m);
            p += step;
            left--;
        }
        for (; left > 0; left--, p += step) a[0] = COMBINE(R(load)(p, m), a[0]);
        R(store)(y, a[0], m);
    }
}

/* y[0..w): rows [begin, end) of the w columns that begin at x. */
static void R(strip)(const wg_reduce *r, T *y, const char *x, const T *c, int64_t w, int64_t begin, int64_t end) {
    const int64_t item = wg_itemsize[r->xdtype], step = r->kept_x[r->nkept - 1];
    const int in_place = r->direct && step == 1;
    T buffer[8 * WG_TILE] __attribute__((aligned(64)));      /* 8 wide rows, or WG_ROWS narrow ones */
    T level[2 * WG_TILE] __attribute__((aligned(64)));  /* the tree's waiting subtrees, w apart: few if w is large, by j.chunk in run() */
    int64_t arrived = 0;
    int top = 0;
    wg_walk at;
    wg_walk_start(&at, r, x, begin);
    while (begin < end) {
        int64_t rows = end - begin < WG_ROWS ? end - begin : WG_ROWS;
        T *s = begin + rows == end && !top ? y : level + top * w;
        if (w < WG_NARROW) {
            if (in_place && r->nreduced == 1) {
                R(narrow)(s, (const T *)at.x, r->reduced_x[0], rows, w);
                at.x += rows * r->reduced_x[0] * item;
            } else {
                for (int64_t i = 0; i < rows; i++) {
                    r->load(buffer + i * w, at.x, w, step, c, c != NULL, r->p);
                    wg_walk_forward(&at, r, 1);
                }
                R(narrow)(s, buffer, w, rows, w);
            }
        } else if (in_place) {
            const T *row[WG_ROWS];
            for (int64_t i = 0; i < rows; i++) {
                row[i] = (const T *)at.x;
                wg_walk_forward(&at, r, 1);
            }
            R(wide)(s, row, rows, w);
        } else {                                             /* the tree of wide(), eight loaded rows at a time */
            const T *row[9];
            for (int k = 0; k < 8; k++) row[k] = buffer + k * w;
            for (int64_t i = 0; i < rows;) {
                int64_t group = rows - i < 8 ? (i ? 1 : rows) : 8;
                for (int64_t k = 0; k < group; k++) {
                    r->load(buffer + k * w, at.x, w, step, c, c != NULL, r->p);
                    wg_walk_forward(&at, r, 1);
                }
                T sum[WG_TILE];
                R(wide)(i ? sum : s, row, group, w);
                if (i) WG_VECTOR for (int64_t k = 0; k < w; k++) s[k] = OP(s[k], sum[k]);
                i += group;
            }
        }
        begin += rows;
        if (s == y) return;
        for (int64_t k = arrived++; k & 1; k >>= 1) {
            top--;
            T *a = level + top * w;
            WG_VECTOR for (int64_t i = 0; i < w; i++) a[i] = OP(a[i], a[i + w]);
        }
        top++;
    }
    for (; top > 1; top--) {
        T *a = level + (top - 2) * w;
        WG_VECTOR for (int64_t i = 0; i < w; i++) a[i] = OP(a[i], a[i + w]);
    }
    for (int64_t i = 0; i < w; i++) y[i] = level[i];
}

/* item = (outer * tiles + tile) * chunks + chunk. */
static void R(columns_body)(void *context, int64_t begin, int64_t end) {
    const R(job) *j = context;
    const wg_reduce *r = j->r;
    const int last = r->nkept - 1;
    const int64_t m = r->kept[last], item = wg_itemsize[r->xdtype];
    const int to_out = !r->finish && !r->dense && !r->add && r->odtype == r->acc && r->kept_out[last] == 1;
    T results[WG_TILE];
    for (int64_t i = begin; i < end; i++) {
        int64_t chunk = 0, tile = 0, outer = i;
        if (j->chunks > 1) {
            outer = i / j->chunks;
            chunk = i - outer * j->chunks;
        }
        if (j->tiles > 1) {
            int64_t strips = outer;
            outer = strips / j->tiles;
            tile = strips - outer * j->tiles;
        }
        int64_t first = tile * WG_TILE, w = m - first < WG_TILE ? m - first : WG_TILE, output = outer * m + first;
        int64_t row = chunk * j->chunk, stop = row + j->chunk < r->count ? row + j->chunk : r->count;
        wg_cursor at = wg_reduce_seek(r, outer, last);
        const char *x = at.x + first * r->kept_x[last] * item;
        const T *c = r->c ? (const T *)r->c + output : NULL;
        if (j->partial) {
            R(strip)(r, j->partial + chunk * r->outputs + output, x, c, w, row, stop);
        } else if (to_out) {
            R(strip)(r, (T *)at.out + first, x, c, w, row, stop);
        } else {
            R(strip)(r, results, x, c, w, row, stop);
            wg_reduce_emit(r, results, w, output, at.out + first * r->kept_out[last] * wg_itemsize[r->odtype]);
        }
    }
}

/* ---- the whole -------------------------------------------------------------------------------------- */

/* Subtrees of one output in `chunks` layers of `outputs`, into the first layer; then out. */
static void R(finish_chunks)(const R(job) *j) {
    const wg_reduce *r = j->r;
    const int64_t n = r->outputs, last = r->nkept - 1;
    for (int64_t s = 1; s < j->chunks; s *= 2)
        for (int64_t k = 0; k + s < j->chunks; k += 2 * s) {
            T *a = j->partial + k * n;
            const T *b = a + s * n;
            WG_VECTOR for (int64_t i = 0; i < n; i++) a[i] = OP(a[i], b[i]);
        }
    for (int64_t o = 0; o < n; o += r->kept[last])
        wg_reduce_emit(r, j->partial + o, r->kept[last], o, wg_reduce_seek(r, o, r->nkept).out);
}

static int R(run)(const wg_reduce *r) {
    R(job) j = {r, NULL, r->count, 1, 1};
    const double cost = r->direct ? 0.04 : r->load_ns;
    void (*body)(void *, int64_t, int64_t) = R(rows_body);
    int64_t items = r->outputs, each = r->count;
    if (r->columns) {
        const int64_t m = r->kept[r->nkept - 1], w = m < WG_TILE ? m : WG_TILE;
        body = R(columns_body);
        j.chunk = WG_ROWS;
        while (j.chunk * w < WG_CHUNK) j.chunk *= 2;
        j.chunks = r->count <= j.chunk ? 1 : (r->count + j.chunk - 1) / j.chunk;
        j.tiles = (m + WG_TILE - 1) / WG_TILE;
        items = (r->nkept == 1 ? 1 : r->outputs / m) * j.tiles * j.chunks;
        each = w * (r->count < j.chunk ? r->count : j.chunk);
    } else if (r->count > WG_CHUNK) {
        body = R(chunks_body);
        j.chunk = each = WG_CHUNK;
        j.chunks = (r->count + j.chunk - 1) / j.chunk;
        items *= j.chunks;
    }
    if (j.chunks > 1) {
        j.partial = wg_scratch_get(j.chunks * r->outputs * (int64_t)sizeof(T));
        if (!j.partial) return -1;
    }
    if (each * items <= 8192) {
        body(&j, 0, items);
    } else {
        int64_t grain = WG_CHUNK / 2 / each;
        wg_parallel_for(items, grain > 1 ? grain : 1, cost * (double)each, body, &j);
    }
    if (j.partial) {
        R(finish_chunks)(&j);
        wg_scratch_put(j.partial);
    }
    return 0;
}

#undef VW
#undef VN
#undef LOAD
#undef COMBINE
#undef EACH
#undef STAGE
#undef FOLD
