/* asinh, acosh, atanh: logarithms of pairs, so that neither cancellation near 0 (or 1) nor the rounding of
 * the argument shows. */
#ifndef WG_MATH_HYPER_H
#define WG_MATH_HYPER_H

#include "wg_math_log.h"

/* log(1 + v.hi + v.lo). */
WG_INLINE double wg_log1p_pair_f64(wg_pair v) {
    wg_pair u = wg_two_sum(1.0, v.hi);
    return wg_log_sum_f64(u.hi, u.lo + v.lo, 0.0);
}

/* log1p(a + a^2 / (1 + sqrt(1 + a^2))); log(2a) where a^2 + 1 is a^2. */
WG_INLINE double wg_asinh_f64(double x) {
    double a = __builtin_fabs(x), c = a > 0x1p28 ? 1.0 : a;
    wg_pair p = wg_two_prod(c, c);
    wg_pair q = wg_two_sum(p.hi, 1.0);
    double root = __builtin_sqrt(q.hi);
    wg_pair v = wg_two_sum(c, p.hi / (1.0 + root));
    double y = wg_log1p_pair_f64(v);
    double large = wg_log_sum_f64(a, 0.0, 1.0);
    y = a > 0x1p28 ? large : y;
    y = a < 0x1p-27 ? a : y;
    return __builtin_copysign(a <= WG_MAX_F64 ? y : a, x);
}

/* log1p(t + sqrt(t * (x + 1))), t = x - 1. */
WG_INLINE double wg_acosh_f64(double x) {
    double c = x > 0x1p28 ? 1.0 : x, t = c - 1.0;
    wg_pair h = wg_two_sum(c, 1.0);
    wg_pair p = wg_two_prod(t, h.hi);
    p.lo = WG_FMA(t, h.lo, p.lo);
    p.hi = p.hi == 0.0 ? 0x1p-200 : p.hi;     /* x = 1: keeps the root from dividing 0 by 0 */
    wg_pair root = wg_pair_sqrt(p);
    wg_pair v = wg_two_sum(root.hi, t);
    v.lo += root.lo;
    double y = wg_log1p_pair_f64(v);
    double large = wg_log_sum_f64(x, 0.0, 1.0);
    y = x > 0x1p28 ? large : y;
    y = x == 1.0 ? 0.0 : y;
    y = x < 1.0 ? WG_NAN_F64 : y;
    return x <= WG_MAX_F64 ? y : x + x;
}

/* log1p(2a / (1 - a)) / 2. */
WG_INLINE double wg_atanh_f64(double x) {
    double a = __builtin_fabs(x), c = a < 1.0 ? a : 0.5;
    wg_pair q = wg_pair_div((wg_pair){c + c, 0.0}, wg_fast_two_sum(1.0, -c));
    double y = 0.5 * wg_log1p_pair_f64(q);
    y = a < 0x1p-27 ? a : y;
    y = a < 1.0 ? y : a == 1.0 ? WG_INF_F64 : WG_NAN_F64;
    return __builtin_copysign(y, x);
}

/* The same in plain double arithmetic for float32 results. */
WG_INLINE float wg_asinh_f32(float x) {
    double a = __builtin_fabs((double)x), p = a * a;
    double y = wg_log1p_d32(a + p / (1.0 + __builtin_sqrt(1.0 + p)));
    y = a <= 0x1p128 ? y : a;
    return __builtin_copysignf((float)y, x);
}
WG_INLINE float wg_acosh_f32(float x) {
    double v = (double)x, t = v - 1.0;
    float y = (float)wg_log1p_d32(t + __builtin_sqrt(t * (v + 1.0)));
    return x < 1.0f ? WG_NAN_F32 : y;
}
WG_INLINE float wg_atanh_f32(float x) {
    double a = __builtin_fabs((double)x);
    double y = 0.5 * wg_log1p_d32((a + a) / (1.0 - a));
    return __builtin_copysignf((float)y, x);
}

#endif
