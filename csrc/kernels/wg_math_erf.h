/* erf and its relatives. */
#ifndef WG_MATH_ERF_H
#define WG_MATH_ERF_H

#include "wg_math_log.h"

/* x * (1 + P(x^2)) near 0; 1 - exp(-Q(x)) beyond, where an error of Q counts little. */
WG_INLINE float wg_erf_f32(float x) {
    float a = __builtin_fabsf(x), z = x * x;
    float small = WG_FMAF(x, wg_poly_erf_f32(z), x);
    float c = a > 4.0f ? 4.0f : a;            /* 1 from 3.92 on */
    float large = 1.0f - wg_exp_normal_f32(-wg_poly_erf_tail_f32(c));
    return __builtin_copysignf(a < 0.90137f ? small : large, x);
}

/* ---- float64 -------------------------------------------------------------------------------- */

/* erf(x) - x for |x| <= 0.9014. */
WG_INLINE double wg_erf_rest_f64(double x) { return x * wg_poly_erf_f64(x * x); }

/* erfc(a), 0.5 <= a <= 27.5, as 2^n * mantissa: exp(-a^2) * (1.25 + P(t)) / (1 + 2a). a^2, the sum 1.25 + P, the
 * quotient and the exponential are pairs: each of their roundings alone would cost half an ulp. */
WG_INLINE double wg_erfc_pair_f64(wg_pair a, wg_pair square, uint64_t *n) {
    double t = (a.hi - 4.0) / (a.hi + 4.0);
    wg_pair p = wg_fast_two_sum(1.25, wg_poly_erfc_f64(t)), d = wg_two_sum(a.hi + a.hi, 1.0);
    d.lo += a.lo + a.lo;
    wg_pair v = wg_pair_div(p, d);
    wg_pair e = wg_exp_pair_f64(-square.hi, -square.lo, n);
    wg_pair y = wg_two_prod(e.hi, v.hi);
    return y.hi + (y.lo + WG_FMA(e.hi, v.lo, e.lo * v.hi));
}

WG_INLINE double wg_erfc_mantissa_f64(double a, uint64_t *n) { return wg_erfc_pair_f64((wg_pair){a, 0.0}, wg_two_prod(a, a), n); }

WG_INLINE double wg_erf_f64(double x) {
    double a = __builtin_fabs(x), c = a > 6.0 ? 6.0 : a;      /* 1 from 5.93 on */
    uint64_t n;
    double m = wg_erfc_mantissa_f64(c, &n);
    double large = 1.0 - m * wg_pow2_f64(n);
    return __builtin_copysign(a < 0.90137 ? a + wg_erf_rest_f64(a) : large, x);
}

WG_INLINE double wg_erfc_f64(double x) {
    double a = __builtin_fabs(x), c = a > 27.4 ? 27.4 : a;    /* 0 from 27.23 on */
    uint64_t n;
    double m = wg_erfc_mantissa_f64(c, &n);
    double large = wg_scale_f64(2.0 * m, n - 1u);             /* m may be below 1/2 */
    large = x < 0.0 ? 2.0 - large : large;
    wg_pair s = wg_two_sum(1.0, -x);
    double small = s.hi + (s.lo - wg_erf_rest_f64(x));
    return a < 0.5 ? small : large;
}

/* erfinv(x) / x is a polynomial in w = -log(1 - x^2), or in its root where w is large. */
WG_INLINE double wg_erfinv_f64(double x) {
    double w = -wg_log_f64((1.0 - x) * (1.0 + x)), root = __builtin_sqrt(w);
    double near = 1.5 + wg_poly_erfinv_f64(w - 3.125);
    double tail = 2.75 + wg_poly_erfinv_tail_f64(root - 3.25);
    double far = 4.5 + wg_poly_erfinv_far_f64(root - 5.0);
    double y = x * (w < 6.25 ? near : w < 16.0 ? tail : far);
    return __builtin_fabs(x) == 1.0 ? x * WG_INF_F64 : y;
}

/* ---- double arithmetic for float32 results ---------------------------------------------------- */

WG_INLINE float wg_erfc_f32(float x) {
    double v = (double)x, a = __builtin_fabs(v), c = a > 10.1 ? 10.1 : a;   /* 0 from 10.06 on */
    double t = (c - 4.0) / (c + 4.0);
    double large = wg_exp_d32(-c * c) * ((1.25 + wg_poly_erfc_d32(t)) / (1.0 + 2.0 * c));
    large = v < 0.0 ? 2.0 - large : large;
    double small = 1.0 - WG_FMA(v, wg_poly_erf_d32(v * v), v);
    return (float)(a < 0.5 ? small : large);
}

WG_INLINE float wg_erfinv_f32(float x) {
    double v = (double)x, w = -wg_log_d32((1.0 - v) * (1.0 + v));
    double near = 1.5 + wg_poly_erfinv_d32(w - 3.125);
    double tail = 2.75 + wg_poly_erfinv_tail_d32(__builtin_sqrt(w) - 3.25);
    float y = (float)(v * (w < 6.25 ? near : tail));
    return __builtin_fabsf(x) == 1.0f ? x * WG_INF_F32 : y;
}

#endif
