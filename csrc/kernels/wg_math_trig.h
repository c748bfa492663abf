/* sin, cos, tan: Note [Easy arguments] in wg_math_easy.h.
 *
 * The argument is reduced by a multiple n of pi/2, whose leading parts have so few bits that their products with
 * n are exact (Cody and Waite); the rest is a polynomial on [-pi/4, pi/4]. */
#ifndef WG_MATH_TRIG_H
#define WG_MATH_TRIG_H

#include <math.h>

#include "wg_math_bits.h"
#include "wg_math_easy.h"
#include "wg_math_tables.h"

WG_INLINE uint32_t wg_sin_easy_f32(float x) {
    uint32_t u = wg_bits_f32(x) & 0x7fffffffu;
    return (u <= 0x4e800000u) | (u >= 0x7f800000u);
}

WG_INLINE uint32_t wg_cos_easy_f32(float x) { return wg_sin_easy_f32(x); }
WG_INLINE uint32_t wg_tan_easy_f32(float x) { return wg_sin_easy_f32(x); }

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

/* tan = sin/cos, or -cos/sin in odd quadrants. */
WG_INLINE float wg_tan_fast_f32(float x) {
    uint64_t q;
    double r = wg_trig_reduced_f32(x, &q), z = r * r;
    double s = r * WG_FMA(z, wg_poly_sin_d32(z), 1.0);
    double c = WG_FMA(z * z, wg_poly_cos_d32(z), 1.0 - 0.5 * z);
    return (float)((q & 1u ? -c : s) / (q & 1u ? s : c));
}

WG_INLINE float wg_sin_f32(float x) { return wg_sin_easy_f32(x) ? wg_sin_fast_f32(x) : (float)sin((double)x); }
WG_INLINE float wg_cos_f32(float x) { return wg_sin_easy_f32(x) ? wg_cos_fast_f32(x) : (float)cos((double)x); }

WG_INLINE float wg_tan_f32(float x) { return wg_sin_easy_f32(x) ? wg_tan_fast_f32(x) : (float)tan((double)x); }

/* ---- float64 -------------------------------------------------------------------------------- */

WG_INLINE uint32_t wg_sin_easy_f64(double x) {
    uint64_t u = wg_bits_f64(x) & 0x7fffffffffffffffu;
    return (u <= 0x4130000000000000u) | (u >= 0x7ff0000000000000u);
}

WG_INLINE uint32_t wg_cos_easy_f64(double x) { return wg_sin_easy_f64(x); }
WG_INLINE uint32_t wg_tan_easy_f64(double x) { return wg_sin_easy_f64(x); }

/* x - n * pi/2 as a pair; three parts of pi/2 have 33 bits, n at most 20. The first difference is exact; so
 * is the second wherever it cancels; what the second and third lose otherwise is caught. */
WG_INLINE wg_pair wg_trig_reduced_f64(double x, uint64_t *q) {
    double t = x * 0x1.45f306dc9c883p-1 + WG_ROUND_F64;
    double n = t - WG_ROUND_F64;
    *q = wg_bits_f64(t);
    double a = x - n * 0x1.921fb544p+0;
    double p = n * 0x1.0b4611a6p-34;
    double b = a - p, lost = (a - b) - p;
    p = n * 0x1.3198a2ep-69;
    double c = b - p;
    lost += (b - c) - p;
    return wg_fast_two_sum(c, lost - n * 0x1.b839a252049c1p-104);
}

/* sin and cos of the reduced argument, as a leading part and a rest that is smaller by some bits. */
WG_INLINE wg_pair wg_sin_pair_f64(wg_pair r) {
    double z = r.hi * r.hi;
    return (wg_pair){r.hi, WG_FMA(r.hi * z, wg_poly_sin_f64(z), r.lo - 0.5 * z * r.lo)};
}
WG_INLINE wg_pair wg_cos_pair_f64(wg_pair r) {
    double z = r.hi * r.hi, h = 0.5 * z, w = 1.0 - h;
    return (wg_pair){w, ((1.0 - w) - h) + (z * z * wg_poly_cos_f64(z) - r.hi * r.lo)};
}

WG_INLINE double wg_sincos_f64(wg_pair r, uint64_t q) {
    wg_pair s = wg_sin_pair_f64(r), c = wg_cos_pair_f64(r);
    double y = q & 1u ? c.hi + c.lo : s.hi + s.lo;
    return wg_from_bits_f64(wg_bits_f64(y) ^ ((q & 2u) << 62));
}

WG_INLINE double wg_sin_fast_f64(double x) {
    uint64_t q;
    wg_pair r = wg_trig_reduced_f64(x, &q);
    double y = wg_sincos_f64(r, q);
    return x == 0.0 ? x : y;
}

WG_INLINE double wg_cos_fast_f64(double x) {
    uint64_t q;
    wg_pair r = wg_trig_reduced_f64(x, &q);
    return wg_sincos_f64(r, q + 1u);
}

WG_INLINE double wg_tan_fast_f64(double x) {
    uint64_t q;
    wg_pair r = wg_trig_reduced_f64(x, &q);
    wg_pair s = wg_sin_pair_f64(r), c = wg_cos_pair_f64(r);
    s = wg_fast_two_sum(s.hi, s.lo);
    c = wg_fast_two_sum(c.hi, c.lo);
    uint64_t odd = q & 1u;
    wg_pair y = wg_pair_div((wg_pair){odd ? -c.hi : s.hi, odd ? -c.lo : s.lo}, (wg_pair){odd ? s.hi : c.hi, odd ? s.lo : c.lo});
    return __builtin_fabs(x) < 0x1p-27 ? x : y.hi + y.lo;
}

WG_INLINE double wg_sin_f64(double x) { return wg_sin_easy_f64(x) ? wg_sin_fast_f64(x) : sin(x); }
WG_INLINE double wg_cos_f64(double x) { return wg_sin_easy_f64(x) ? wg_cos_fast_f64(x) : cos(x); }
WG_INLINE double wg_tan_f64(double x) { return wg_sin_easy_f64(x) ? wg_tan_fast_f64(x) : tan(x); }

#endif
