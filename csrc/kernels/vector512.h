/* 512-bit registers, where the level has them (WG_VECTOR_BYTES == 64): parts of a vector, and squares of them turned over.
 *
 *     wg_mask_<type>  wg_vec_first_<type>(n)         the first n lanes; all if n is larger
 *     wg_vec_load_some_<type>(p, mask)               the other lanes are zero, their memory is not read
 *     wg_vec_store_some_<type>(p, mask, v)
 *     wg_vec_transpose_<type>(r)                     lane j of r[i] to lane i of r[j]; as many vectors as lanes */
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

#endif
#endif
