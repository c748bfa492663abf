/* 512-bit registers, where the level has them (WG_VECTOR_BYTES == 64): parts of a vector, and squares of them turned over.
 *
 *     wg_mask_<type>  wg_vec_first_<type>(n)         the first n lanes; all if n is larger
 *     wg_vec_load_some_<type>(p, mask)               the other lanes are zero, their memory is not read
 *     wg_vec_store_some_<type>(p, mask, v)
 *     wg_vec_transpose_<type>(r)                     lane j of r[i] to lane i of r[j]; as many vectors as lanes
 *     wg_vec_sums_<type>(r)                          lane i: the sum of r[i], as a tree: halves first; as many vectors as lanes
 *     wg_transpose_<type>(...)                       the same from memory to memory, of what a square holds */
#ifndef WG_KERNELS_VECTOR512_H
#define WG_KERNELS_VECTOR512_H

#include "kernels/vector.h"

#if WG_VECTOR_BYTES == 64

typedef __mmask16 wg_mask_float32;
typedef __mmask8 wg_mask_float64;

WG_INLINE wg_mask_float32 wg_vec_first_float32(int64_t n) { return (wg_mask_float32)(n >= 16 ? 0xffffu : (1u << n) - 1); }
WG_INLINE wg_mask_float64 wg_vec_first_float64(int64_t n) { return (wg_mask_float64)(n >= 8 ? 0xffu : (1u << n) - 1); }

WG_INLINE wg_vec_float32 wg_vec_load_some_float32(const float *p, wg_mask_float32 some) { return (wg_vec_float32)_mm512_maskz_loadu_ps(some, p); }
WG_INLINE wg_vec_float64 wg_vec_load_some_float64(const double *p, wg_mask_float64 some) { return (wg_vec_float64)_mm512_maskz_loadu_pd(some, p); }
WG_INLINE void wg_vec_store_some_float32(float *p, wg_mask_float32 some, wg_vec_float32 v) { _mm512_mask_storeu_ps(p, some, (__m512)v); }
WG_INLINE void wg_vec_store_some_float64(double *p, wg_mask_float64 some, wg_vec_float64 v) { _mm512_mask_storeu_pd(p, some, (__m512d)v); }

/* Four registers of four quarters each, turned over. */
#define WG_TURN_QUARTERS(shuffle, a, b, c, d)                                                                                   \
    do {                                                                                                                        \
        const __typeof__(a) low_ = shuffle(a, b, 0x44), high_ = shuffle(a, b, 0xee), low2_ = shuffle(c, d, 0x44), high2_ = shuffle(c, d, 0xee); \
        a = shuffle(low_, low2_, 0x88);                                                                                         \
        b = shuffle(low_, low2_, 0xdd);                                                                                         \
        c = shuffle(high_, high2_, 0x88);                                                                                       \
        d = shuffle(high_, high2_, 0xdd);                                                                                       \
    } while (0)

WG_INLINE void wg_vec_transpose_float32(wg_vec_float32 *r) {
    __m512 t[16];
    _Pragma("GCC unroll 8")
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps((__m512)r[i], (__m512)r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps((__m512)r[i], (__m512)r[i + 1]);
    }
    __m512 u[16];                                            /* u[4g + c]: in quarter q, lane 4q + c of r[4g] to r[4g + 3] */
    _Pragma("GCC unroll 4")
    for (int g = 0; g < 16; g += 4) {
        _Pragma("GCC unroll 2")
        for (int h = 0; h < 2; h++) {
            const __m512d x = _mm512_castps_pd(t[g + h]), y = _mm512_castps_pd(t[g + h + 2]);
            u[g + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(x, y));
            u[g + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(x, y));
        }
    }
    _Pragma("GCC unroll 4")
    for (int c = 0; c < 4; c++) WG_TURN_QUARTERS(_mm512_shuffle_f32x4, u[c], u[4 + c], u[8 + c], u[12 + c]);
    _Pragma("GCC unroll 16")
    for (int i = 0; i < 16; i++) r[i] = (wg_vec_float32)u[i];
}

WG_INLINE void wg_vec_transpose_float64(wg_vec_float64 *r) {
    __m512d u[8];                                            /* u[2g + c]: in quarter q, lane 2q + c of r[2g] and r[2g + 1] */
    _Pragma("GCC unroll 4")
    for (int g = 0; g < 8; g += 2) {
        u[g] = _mm512_unpacklo_pd((__m512d)r[g], (__m512d)r[g + 1]);
        u[g + 1] = _mm512_unpackhi_pd((__m512d)r[g], (__m512d)r[g + 1]);
    }
    _Pragma("GCC unroll 2")
    for (int c = 0; c < 2; c++) WG_TURN_QUARTERS(_mm512_shuffle_f64x2, u[c], u[2 + c], u[4 + c], u[6 + c]);
    _Pragma("GCC unroll 8")
    for (int i = 0; i < 8; i++) r[i] = (wg_vec_float64)u[i];
}

/* Each step adds the two halves of what is left of every vector, and puts what is left of two into one. */
#define WG_FOLD(shuffle, to, from, step, low, high) to = shuffle(from, step, low) + shuffle(from, step, high)

WG_INLINE wg_vec_float32 wg_vec_sums_float32(const wg_vec_float32 *r) {
    __m512 a[8], b[4], c[2];
    _Pragma("GCC unroll 8")
    for (int i = 0; i < 8; i++) WG_FOLD(_mm512_shuffle_f32x4, a[i], (__m512)r[2 * i], (__m512)r[2 * i + 1], 0x44, 0xee);
    _Pragma("GCC unroll 4")
    for (int i = 0; i < 4; i++) WG_FOLD(_mm512_shuffle_f32x4, b[i], a[2 * i], a[2 * i + 1], 0x88, 0xdd);
    _Pragma("GCC unroll 2")
    for (int i = 0; i < 2; i++) WG_FOLD(_mm512_shuffle_ps, c[i], b[2 * i], b[2 * i + 1], 0x44, 0xee);
    __m512 sums;                                             /* of r[q + 4i] in lane 4q + i */
    WG_FOLD(_mm512_shuffle_ps, sums, c[0], c[1], 0x88, 0xdd);
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return (wg_vec_float32)_mm512_permutexvar_ps(order, sums);
}

WG_INLINE wg_vec_float64 wg_vec_sums_float64(const wg_vec_float64 *r) {
    __m512d a[4], b[2];
    _Pragma("GCC unroll 4")
    for (int i = 0; i < 4; i++) WG_FOLD(_mm512_shuffle_f64x2, a[i], (__m512d)r[2 * i], (__m512d)r[2 * i + 1], 0x44, 0xee);
    _Pragma("GCC unroll 2")
    for (int i = 0; i < 2; i++) WG_FOLD(_mm512_shuffle_f64x2, b[i], a[2 * i], a[2 * i + 1], 0x88, 0xdd);
    __m512d sums;                                            /* of r[q + 4i] in lane 2q + i */
    WG_FOLD(_mm512_shuffle_pd, sums, b[0], b[1], 0x00, 0xff);
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    return (wg_vec_float64)_mm512_permutexvar_pd(order, sums);
}
#undef WG_FOLD

/* to[j][i] = from[i][j] for i < rows and j < columns, neither more than the lanes of a vector. `add`: to what stands there; `fill`: zeros
 * for the other i. */
#define WG_TRANSPOSE(T, s)                                                                                                       \
    static inline void wg_transpose_##s(const T *from, int64_t from_rs, int64_t rows, int64_t columns, T *to, int64_t to_rs, int add, \
                                        int fill) {                                                                              \
        enum { L = 64 / sizeof(T) };                                                                                             \
        const wg_mask_##s across = wg_vec_first_##s(columns), down = wg_vec_first_##s(fill ? L : rows);                          \
        wg_vec_##s v[L];                                                                                                         \
        _Pragma("GCC unroll 16")                                                                                                 \
        for (int i = 0; i < L; i++) v[i] = i < rows ? wg_vec_load_some_##s(from + i * from_rs, across) : wg_vec_all_##s(0);      \
        wg_vec_transpose_##s(v);                                                                                                 \
        _Pragma("GCC unroll 16")                                                                                                 \
        for (int j = 0; j < L; j++) {                                                                                            \
            if (j >= columns) break;                                                                                             \
            if (add) v[j] = wg_vec_load_some_##s(to + j * to_rs, down) + v[j];                                                   \
            wg_vec_store_some_##s(to + j * to_rs, down, v[j]);                                                                   \
        }                                                                                                                        \
    }
WG_TRANSPOSE(float, float32)
WG_TRANSPOSE(double, float64)
#undef WG_TRANSPOSE

#endif
#endif
