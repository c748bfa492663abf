/* pow: exp(y * log(x)) with the logarithm as a pair, special values as C99 (and PyTorch) has them. */
#ifndef WG_MATH_POW_H
#define WG_MATH_POW_H

#include "wg_math_log.h"

/* r is |x|^y where |x| is positive and finite. */
#define WG_POW_SPECIAL(T, suffix, C, INF, NANQ)                                                                     \
    WG_INLINE T wg_pow_special_##suffix(T x, T y, T r) {                                                            \
        T a = C(fabs)(x), half = (T)0.5 * y;                                                                        \
        int whole = C(trunc)(y) == y, odd = whole & (C(trunc)(half) != half), below = wg_signbit_##suffix(x);       \
        r = a == (T)0 ? wg_select_##suffix(y < (T)0, INF, (T)0) : r;                                                \
        r = a == INF ? wg_select_##suffix(y < (T)0, (T)0, INF) : r;                                                 \
        r = ((a == (T)1) & (y == y)) ? (T)1 : r;                                                                    \
        r = (odd & below) ? -r : r;                                                                                 \
        r = ((x < (T)0) & (a != INF) & !whole) ? NANQ : r;                                                          \
        r = ((x != x) | (y != y)) ? x + y : r;                                                                      \
        return ((y == (T)0) | (x == (T)1)) ? (T)1 : r;                                                              \
    }
WG_POW_SPECIAL(float, f32, WG_FLOAT_BUILTIN, WG_INF_F32, WG_NAN_F32)
WG_POW_SPECIAL(double, f64, WG_DOUBLE_BUILTIN, WG_INF_F64, WG_NAN_F64)
#undef WG_POW_SPECIAL

WG_INLINE float wg_pow_f32(float x, float y) {
    double p = (double)y * wg_log_sum_d32((double)__builtin_fabsf(x), 0.0);
    p = p > 200.0 ? 200.0 : p;
    p = p < -200.0 ? -200.0 : p;
    return wg_pow_special_f32(x, y, (float)wg_exp_d32(p));
}

/* log(x) as a pair, to about 2^-65: the term in s^3 is a pair too. x positive, finite. */
WG_INLINE wg_pair wg_log_pair_f64(double x) {
    int subnormal = x < 0x1p-1022;
    uint64_t u = wg_bits_f64(subnormal ? x * 0x1p54 : x) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    double m = wg_from_bits_f64((u & 0xfffffffffffffu) + 0x3fe6a09e667f3bcdu);
    double k = wg_from_bits_f64(0x4330000000000000u | (u >> 52)) - (0x1p52 + (subnormal ? 1077.0 : 1023.0));
    wg_pair s = wg_pair_div((wg_pair){m - 1.0, 0.0}, wg_two_sum(m, 1.0));
    wg_pair w = wg_two_prod(s.hi, s.hi);
    w.lo = WG_FMA(2.0 * s.hi, s.lo, w.lo);
    wg_pair c = wg_two_prod(s.hi, w.hi);                                  /* s^3 */
    c.lo += WG_FMA(s.hi, w.lo, s.lo * w.hi);
    wg_pair t = wg_two_prod(c.hi, 0x1.5555555555555p-1);                  /* 2/3 s^3 */
    t.lo += WG_FMA(c.hi, 0x1.5555555555555p-55, c.lo * 0x1.5555555555555p-1);
    wg_pair y = wg_fast_two_sum(2.0 * s.hi, t.hi);
    y.lo += 2.0 * s.lo + (t.lo + c.hi * w.hi * wg_poly_log_far_f64(w.hi));
    wg_pair z = wg_fast_two_sum(k * WG_LN2_HI, y.hi);
    return wg_fast_two_sum(z.hi, z.lo + WG_FMA(k, WG_LN2_LO, y.lo));
}

WG_INLINE double wg_pow_f64(double x, double y) {
    double c = wg_select_f64(y > 0x1p65, 0x1p65, y);         /* beyond, every power but those of 1 is 0 or infinite */
    c = wg_select_f64(c < -0x1p65, -0x1p65, c);
    wg_pair l = wg_log_pair_f64(__builtin_fabs(x));
    wg_pair p = wg_two_prod(c, l.hi);
    p = wg_fast_two_sum(p.hi, WG_FMA(c, l.lo, p.lo));
    p.lo = __builtin_fabs(p.hi) < 800.0 ? p.lo : 0.0;
    return wg_pow_special_f64(x, y, wg_exp_sum_f64(p.hi, p.lo));
}

#endif
