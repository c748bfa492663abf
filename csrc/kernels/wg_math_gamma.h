/* lgamma, digamma and trigamma. */
#ifndef WG_MATH_GAMMA_H
#define WG_MATH_GAMMA_H

#include <math.h>

#include "wg_math_log.h"
#include "wg_math_trig.h"

/* The C library's: scalar. Not lgamma(), which writes a global sign and so races between threads. */
#if defined(__unix__) || defined(__APPLE__)
extern double lgamma_r(double x, int *sign);
WG_INLINE double wg_lgamma_f64(double x) { int sign; return lgamma_r(x, &sign); }
#else
WG_INLINE double wg_lgamma_f64(double x) { return lgamma(x); }
#endif

/* Of positive numbers: (x - 1)(x - 2) P(x - 2) from 1 to 3, below that of x + 1, less log(x), beyond by Stirling's series. */
WG_INLINE float wg_lgamma_fast_f32(float x) {
    const double v = (double)x, log = wg_log_sum_d32(v, 0.0), r = 1.0 / v;
    const int low = v < 1.0;
    const double d = low ? v - 1.0 : v - 2.0, near = (low ? v : v - 1.0) * d * wg_poly_lgamma_d32(d);
    const double far = WG_FMA(v - 0.5, log, 0x1.d67f1c864beb5p-1 - v) + r * wg_poly_lgamma_tail_d32(r * r);
    return (float)(v < 3.0 ? near + (low ? -log : 0.0) : far);
}
WG_INLINE int wg_lgamma_easy_f32(float x) { return (x > 0.0f) & (x <= WG_MAX_F32); }
WG_INLINE float wg_lgamma_f32(float x) { return wg_lgamma_easy_f32(x) ? wg_lgamma_fast_f32(x) : (float)wg_lgamma_f64((double)x); }

/* digamma(x) for x >= 1: (x - root) * (1 + P(x - 1.5)) up to 2, else log(x) - 1/(2x) - Q(1/x^2)/x^2. */
WG_INLINE double wg_digamma_right_f64(double x) {
    double d = (x - 0x1.762d86356be3fp+0) - 0x1.b86a722197829p-54;
    double near = WG_FMA(d, wg_poly_digamma_f64(x - 1.5), d);
    double v = 1.0 / (x * x), k;
    wg_pair y = wg_log_reduced_f64(x, 0.0, &k);
    double rest = WG_FMA(v, wg_poly_digamma_tail_f64(v), 0.5 / x);
    double far = wg_log_join_f64(k, WG_LN2_HI, WG_LN2_LO, (wg_pair){y.hi, y.lo - rest});
    return x < 2.0 ? near : far;
}

/* pi / tan(pi * x), the argument reduced exactly to |d| <= 1/2. */
WG_INLINE double wg_pi_cot_pi_f64(double x) {
    double d = x - __builtin_nearbyint(x), a = __builtin_fabs(d);
    int swap = a > 0.25;
    wg_pair r = wg_two_prod(swap ? 0.5 - a : a, 0x1.921fb54442d18p+1);
    wg_pair s = wg_sin_pair_f64(r), c = wg_cos_pair_f64(r);
    double sine = s.hi + s.lo, cosine = c.hi + c.lo;
    return __builtin_copysign(0x1.921fb54442d18p+1 * ((swap ? sine : cosine) / (swap ? cosine : sine)), d);
}

/* digamma(x) = digamma(x + 1) - 1/x on (0, 1), = digamma(1 - x) - pi / tan(pi x) below 0. NaN at the negative
 * integers and -inf, -inf at 0, inf at -0. For x < 0, where every unit holds a root, the error is a few ulp of
 * the larger of the two terms, not of the result. */
WG_INLINE double wg_digamma_f64(double x) {
    int left = x < 0.0, low = x < 1.0;
    double z = left ? 1.0 - x : low ? x + 1.0 : x;
    double r = wg_digamma_right_f64(z) - (left ? wg_pi_cot_pi_f64(x) : low ? 1.0 / x : 0.0);
    r = (left & (x == __builtin_nearbyint(x))) ? WG_NAN_F64 : r;
    return x <= WG_MAX_F64 ? r : x + x;
}
WG_INLINE float wg_digamma_f32(float x) { return (float)wg_digamma_f64((double)x); }

/* The first derivative of digamma: ten terms of sum (x + k)^-2, up to 10, and from there on 1/z + 1/(2 z^2) + sum B_2j / z^(2j + 1), the smallest first;
 * below 0 by reflection, pi^2 / sin^2(pi x) - trigamma(1 - x). Branch-free. */
WG_INLINE double wg_trigamma_f64(double x) {
    const int left = x < 0.0;
    const double q = left ? 1.0 - x : x, z = q < 10.0 ? q + 10.0 : q, r = 1.0 / z, v = r * r;
    double series = -0x1.c5e5e5e5e5e5ep+2;                     /* B_16; what is left out is below 1e-17 */
    series = WG_FMA(series, v, 0x1.2aaaaaaaaaaabp+0);
    series = WG_FMA(series, v, -0x1.0330330330330p-2);
    series = WG_FMA(series, v, 0x1.364d9364d9365p-4);
    series = WG_FMA(series, v, -0x1.1111111111111p-5);
    series = WG_FMA(series, v, 0x1.8618618618618p-6);
    series = WG_FMA(series, v, -0x1.1111111111111p-5);
    series = WG_FMA(series, v, 0x1.5555555555555p-3);
    double sum = WG_FMA(v, WG_FMA(r, series, 0.5), r);
    for (int k = 9; k >= 0; k--) {
        const double term = q < 10.0 ? 1.0 / (q + (double)k) : 0.0;
        sum = WG_FMA(term, term, sum);
    }
    const double d = x - __builtin_nearbyint(x), a = __builtin_fabs(d);
    const int swap = a > 0.25;
    const wg_pair turn = wg_two_prod(swap ? 0.5 - a : a, 0x1.921fb54442d18p+1), s = wg_sin_pair_f64(turn), c = wg_cos_pair_f64(turn);
    const double pole = 0x1.921fb54442d18p+1 / (swap ? c.hi + c.lo : s.hi + s.lo);
    return left ? d == 0.0 ? WG_INF_F64 : pole * pole - sum : sum;
}

WG_INLINE float wg_trigamma_f32(float x) { return (float)wg_trigamma_f64((double)x); }

#endif
