/* Trigonometric functions.
 *
 * Note [Easy arguments]
 *
 * sin, cos, tan reduce their argument by a multiple of pi/2 in several exact steps, which needs a bound
 * on that multiple. wg_sin_fast_f32(x) is branch-free and right for easy arguments, that is where
 * wg_trig_easy_f32(x) is 1: |x| <= 2^30 (float32) or 2^20 (float64), and infinities and NaN. wg_sin_f32(x)
 * is right for every x, gives the same bits as the fast one where both are right, and contains a branch
 * to the C library, so a loop over it stays scalar. A generated loop gets both through WG_EASY_LOOP: per
 * block of 512 elements it looks whether every argument is easy, before it writes anything (operands may
 * be the same memory), and runs the fast or the general body.
 *
 * The same convention serves fmod, remainder and floor_divide. */
#ifndef WG_MATH_TRIG_H
#define WG_MATH_TRIG_H

#include "wg_math_bits.h"
#include "wg_math_tables.h"

#include <math.h>

#define WG_EASY_BLOCK 512

/* for (int64_t i = 0; i < n; i++) in blocks: FAST where EASY (an expression in i, 0 or 1) holds in the
 * whole block, GENERAL elsewhere. Each is a statement in i. */
#define WG_EASY_LOOP(n, EASY, FAST, GENERAL)                                                        \
    for (int64_t wg_begin = 0; wg_begin < (n); wg_begin += WG_EASY_BLOCK) {                         \
        int64_t wg_end = (n) - wg_begin < WG_EASY_BLOCK ? (n) : wg_begin + WG_EASY_BLOCK;           \
        uint32_t wg_hard = 0;                                                                       \
        WG_VECTOR                                                                                   \
        for (int64_t i = wg_begin; i < wg_end; i++) wg_hard |= 1u ^ (uint32_t)(EASY);               \
        if (WG_LIKELY(!wg_hard)) {                                                                  \
            WG_VECTOR                                                                               \
            for (int64_t i = wg_begin; i < wg_end; i++) { FAST; }                                   \
        } else {                                                                                    \
            for (int64_t i = wg_begin; i < wg_end; i++) { GENERAL; }                                \
        }                                                                                           \
    }

WG_INLINE uint32_t wg_trig_easy_f32(float x) {
    uint32_t u = wg_bits_f32(x) & 0x7fffffffu;
    return (u <= 0x4e800000u) | (u >= 0x7f800000u);
}

/* x - n * pi/2, n = round(x * 2/pi); *q is n modulo 2^64. The first two parts of pi/2 have 22 bits each, so
 * their products with n, which has at most 30, are exact, and so are the differences. */
WG_INLINE double wg_trig_reduced_f32(float x, uint64_t *q) {
    double v = (double)x;
    double t = v * 0x1.45f306dc9c883p-1 + WG_ROUND_F64;
    double n = t - WG_ROUND_F64;
    *q = wg_bits_f64(t);
    return ((v - n * 0x1.921fb0p+0) - n * 0x1.5110b0p-22) - n * 0x1.18469898cc517p-44;
}

/* sin or cos (odd) of the reduced argument, with the sign of the quadrant. */
WG_INLINE float wg_sincos_f32(double r, uint64_t q) {
    double z = r * r;
    double s = r * WG_FMA(z, wg_poly_sin_d32(z), 1.0);
    double c = WG_FMA(z * z, wg_poly_cos_d32(z), 1.0 - 0.5 * z);
    return (float)wg_from_bits_f64(wg_bits_f64((q & 1u) ? c : s) ^ ((q & 2u) << 62));
}

WG_INLINE float wg_sin_fast_f32(float x) {
    uint64_t q;
    double r = wg_trig_reduced_f32(x, &q);
    return wg_sincos_f32(r, q);
}

WG_INLINE float wg_cos_fast_f32(float x) {
    uint64_t q;
    double r = wg_trig_reduced_f32(x, &q);
    return wg_sincos_f32(r, q + 1u);
}

WG_INLINE float wg_sin_f32(float x) { return wg_trig_easy_f32(x) ? wg_sin_fast_f32(x) : (float)sin((double)x); }
WG_INLINE float wg_cos_f32(float x) { return wg_trig_easy_f32(x) ? wg_cos_fast_f32(x) : (float)cos((double)x); }

#endif
