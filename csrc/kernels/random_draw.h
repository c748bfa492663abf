/* What all random kernels share: draws from the generator, the order in which outputs are filled, stores.
 *
 * Included by kernels only; everything is static and compiled once for every ISA level. No function here
 * may use WG_FMA: random numbers have the same bits at all levels, so a fused multiply-add is
 * __builtin_fma (a libm call at v2, where that is slow and right). */
#ifndef WG_RANDOM_DRAW_H
#define WG_RANDOM_DRAW_H

#include "wg_kernel.h"
#include "wg_math_half.h"
#include "wg_random.h"

#include <math.h>
#include <string.h>

#define WG_CHUNK 256                     /* samples staged at once, on the stack */

WG_INLINE wg_generator *wg_generator_of(wg_array *const *op, int nop) { return (wg_generator *)op[nop - 1]->data; }

/* ---- mt19937: Matsumoto and Nishimura, ACM TOMACS 8 (1998), 3 ---------------------------------- */

WG_INLINE uint32_t wg_mt_mix(uint32_t a, uint32_t b, uint32_t far) {
    uint32_t joined = (a & UINT32_C(0x80000000)) | (b & UINT32_C(0x7fffffff));
    return far ^ (joined >> 1) ^ (-(b & 1u) & UINT32_C(0x9908b0df));
}

static void wg_mt_next_state(wg_generator *g) {
    uint32_t *s = g->state;
    for (int i = 0; i < WG_MT_N - WG_MT_M; i++) s[i] = wg_mt_mix(s[i], s[i + 1], s[i + WG_MT_M]);
    for (int i = WG_MT_N - WG_MT_M; i < WG_MT_N - 1; i++) s[i] = wg_mt_mix(s[i], s[i + 1], s[i + WG_MT_M - WG_MT_N]);
    s[WG_MT_N - 1] = wg_mt_mix(s[WG_MT_N - 1], s[0], s[WG_MT_M - 1]);
    g->left = WG_MT_N + 1;
    g->next = 0;
}

WG_INLINE uint32_t wg_mt_temper(uint32_t y) {
    y ^= y >> 11;
    y ^= (y << 7) & UINT32_C(0x9d2c5680);
    y ^= (y << 15) & UINT32_C(0xefc60000);
    return y ^ (y >> 18);
}

/* n raw 32-bit words. `left` counts as torch's does: a state is exhausted when it stands at 1. */
WG_INLINE void wg_draw32(wg_generator *g, uint32_t *out, int64_t n) {
    while (n > 0) {
        if (g->left <= 1) wg_mt_next_state(g);
        int64_t run = g->left - 1 < n ? g->left - 1 : n;
        const uint32_t *s = g->state + g->next;
        for (int64_t i = 0; i < run; i++) out[i] = wg_mt_temper(s[i]);
        g->next += (uint32_t)run;
        g->left -= (int32_t)run;
        out += run;
        n -= run;
    }
}

/* 64 bits are two words, the high one first. */
WG_INLINE uint64_t wg_join64(const uint32_t *word) { return (uint64_t)word[0] << 32 | word[1]; }

WG_INLINE uint64_t wg_draw64(wg_generator *g) {
    uint32_t word[2];
    wg_draw32(g, word, 2);
    return wg_join64(word);
}

WG_INLINE uint64_t wg_low53(uint64_t bits) { return bits & ((UINT64_C(1) << 53) - 1); }

WG_INLINE double wg_unit53(uint64_t bits) { return (double)(int64_t)wg_low53(bits) * 0x1p-53; }

WG_INLINE float wg_unit24(uint32_t bits) { return (float)(int32_t)(bits & 0xffffffu) * 0x1p-24f; }

/* One uniform sample of [0, 1), as the double precision distributions draw it. */
WG_INLINE double wg_draw_unit(wg_generator *g) { return wg_unit53(wg_draw64(g)); }

/* One standard normal sample by Box and Muller's formula; its partner waits in the generator. */
static inline double wg_draw_normal(wg_generator *g) {
    if (g->has_normal) {
        g->has_normal = 0;
        return g->normal;
    }
    double u1 = wg_draw_unit(g), u2 = wg_draw_unit(g);
    double radius = sqrt(-2.0 * log1p(-u2)), theta = 2.0 * 3.14159265358979323846 * u1;
    g->normal = radius * sin(theta);
    g->has_normal = 1;
    return radius * cos(theta);
}

/* ---- the order of filling ----------------------------------------------------------------------- */

#define WG_WALK_OPERANDS 3

/* Rows along the innermost dimension (index 0), in the order torch's iterator visits them: by growing stride
 * of the first operand; where that leaves two dimensions open, of the next. Strides are in bytes. */
typedef struct {
    int nop, ndim;
    int64_t shape[WG_MAX_DIMS + 1], index[WG_MAX_DIMS + 1], stride[WG_WALK_OPERANDS][WG_MAX_DIMS + 1];
    char *p[WG_WALK_OPERANDS];
} wg_walk;

static inline int64_t wg_walk_abs(int64_t x) { return x < 0 ? -x : x; }

/* 1: dimension a belongs outside of b; -1: inside; 0: the strides do not say. */
static inline int wg_walk_compare(const wg_walk *w, int a, int b) {
    for (int k = 0; k < w->nop; k++) {
        int64_t sa = wg_walk_abs(w->stride[k][a]), sb = wg_walk_abs(w->stride[k][b]);
        if (sa == 0 || sb == 0) continue;
        if (sa != sb) return sa < sb ? -1 : 1;
        if (w->shape[a] > w->shape[b]) return 1;
    }
    return 0;
}

static inline void wg_walk_swap(wg_walk *w, int a, int b) {
    int64_t n = w->shape[a];
    w->shape[a] = w->shape[b];
    w->shape[b] = n;
    for (int k = 0; k < w->nop; k++) {
        int64_t s = w->stride[k][a];
        w->stride[k][a] = w->stride[k][b];
        w->stride[k][b] = s;
    }
}

/* Operands behind the first are broadcast to its shape. The array must have elements. */
static inline void wg_walk_init(wg_walk *w, wg_array *const *operand, int nop) {
    const wg_array *y = operand[0];
    w->nop = nop;
    w->ndim = 0;
    for (int k = 0; k < nop; k++) w->p[k] = operand[k]->data;
    for (int d = y->ndim - 1; d >= 0; d--) {
        if (y->shape[d] == 1) continue;
        int at = w->ndim++;
        w->shape[at] = y->shape[d];
        for (int k = 0; k < nop; k++) {
            const wg_array *x = operand[k];
            int e = d - (y->ndim - x->ndim);
            int64_t stride = e < 0 || x->shape[e] == 1 ? 0 : x->strides[e];
            w->stride[k][at] = stride * wg_itemsize[x->dtype];
        }
    }
    for (int i = 1; i < w->ndim; i++)                    /* insertion that steps over what is left open */
        for (int at = i, j = i - 1; j >= 0; j--) {
            int c = wg_walk_compare(w, j, at);
            if (c < 0) break;
            if (c > 0) {
                wg_walk_swap(w, j, at);
                at = j;
            }
        }
    int last = 0;                                        /* neighbours that are one run become one */
    for (int d = 1; d < w->ndim; d++) {
        int one = 1;
        for (int k = 0; k < nop; k++) one &= w->stride[k][last] * w->shape[last] == w->stride[k][d];
        if (one) {
            w->shape[last] *= w->shape[d];
            continue;
        }
        last++;
        w->shape[last] = w->shape[d];
        for (int k = 0; k < nop; k++) w->stride[k][last] = w->stride[k][d];
    }
    if (w->ndim) {
        w->ndim = last + 1;
    } else {                                             /* one element */
        w->ndim = 1;
        w->shape[0] = 1;
        for (int k = 0; k < nop; k++) w->stride[k][0] = wg_itemsize[operand[k]->dtype];
    }
    for (int d = 0; d < w->ndim; d++) w->index[d] = 0;
}

/* To the next row; 0: there is none. */
static inline int wg_walk_next(wg_walk *w) {
    for (int d = 1; d < w->ndim; d++) {
        for (int k = 0; k < w->nop; k++) w->p[k] += w->stride[k][d];
        if (++w->index[d] < w->shape[d]) return 1;
        for (int k = 0; k < w->nop; k++) w->p[k] -= w->stride[k][d] * w->shape[d];
        w->index[d] = 0;
    }
    return 0;
}

/* ---- stores: n samples of a stage into every stride-th element of an output -------------------- */

/* From double to an integer dtype C leaves a value out of range open; here it wraps like the others. */
WG_INLINE int64_t wg_whole(double x) { return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN; }

#define WG_STORE_CASE(DT, T, expression) \
    case DT: \
        if (stride == (int64_t)sizeof(T)) { \
            T *y = (T *)p; \
            for (int64_t i = 0; i < n; i++) y[i] = (T)(expression); \
        } else { \
            for (int64_t i = 0; i < n; i++) *(T *)(p + i * stride) = (T)(expression); \
        } \
        return 0;

#define WG_DEFINE_STORE(name, S, as_real, as_whole) \
    static inline int name(int dtype, char *p, int64_t stride, const S *v, int64_t n) { \
        switch (dtype) { \
            WG_STORE_CASE(WG_F32, float, as_real) \
            WG_STORE_CASE(WG_F64, double, as_real) \
            WG_STORE_CASE(WG_F16, uint16_t, wg_f32_to_f16((float)(as_real))) \
            WG_STORE_CASE(WG_BF16, uint16_t, wg_f32_to_bf16((float)(as_real))) \
            WG_STORE_CASE(WG_BOOL, uint8_t, (as_whole) != 0) \
            WG_STORE_CASE(WG_U8, uint8_t, as_whole) \
            WG_STORE_CASE(WG_I8, int8_t, as_whole) \
            WG_STORE_CASE(WG_I16, int16_t, as_whole) \
            WG_STORE_CASE(WG_I32, int32_t, as_whole) \
            WG_STORE_CASE(WG_I64, int64_t, as_whole) \
        } \
        return -1; \
    }

WG_DEFINE_STORE(wg_store_double, double, v[i], wg_whole(v[i]))
WG_DEFINE_STORE(wg_store_int, int64_t, v[i], v[i])
WG_DEFINE_STORE(wg_store_flag, uint8_t, v[i], v[i])

/* In torch's words, which name its own kernel. */
static WG_COLD int wg_random_unsupported(const char *kernel, int dtype) {
    return wg_fail(WG_NOT_IMPLEMENTED, "\"%s\" not implemented for '%s'", kernel, wg_dtype_title[dtype]);
}

#endif
