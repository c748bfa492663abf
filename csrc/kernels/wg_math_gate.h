/* sigmoid, silu, gelu (both forms), ndtr: a step from 0 to 1, and x times one.
 *
 * Note [Gates]
 * A step S with S(-x) = 1 - S(x) is computed from its falling tail q(a) = S(-a), a = |x|: q for negative x and 1 - q
 * otherwise; and x * S(x) as -a*q or x - a*q. The tail keeps its relative precision down to the smallest results, where
 * 1 + tanh and 1 + erf would have cancelled, and 1 - q loses nothing since q <= 1/2. float32 goes by way of double, where a
 * tail of precision 2^-24 needs no compensation. x * S(x) of -inf is NaN, as -inf * 0 is, and as in PyTorch. */
#ifndef WG_MATH_GATE_H
#define WG_MATH_GATE_H

#include "wg_math_erf.h"

/* 2 sqrt(2/pi) and 0.044715 times that, in two parts; both times -log2(e); sqrt(1/2) in two parts. */
#define WG_GELU_LINEAR 0x1.9884533d43651p+0
#define WG_GELU_LINEAR_LO -0x1.cbc0d30ebfd15p-54
#define WG_GELU_CUBIC 0x1.2444f2a4d8b4bp-4
#define WG_GELU_CUBIC_LO -0x1.6c843a29d1c70p-61
#define WG_GELU_LINEAR_LOG2 -0x1.26aec21bce759p+1
#define WG_GELU_CUBIC_LOG2 -0x1.a5a7cf7572a98p-4
#define WG_SQRT_HALF_HI 0x1.6a09e667f3bcdp-1
#define WG_SQRT_HALF_LO -0x1.bdd3413b26456p-55

/* ---- float32 ---------------------------------------------------------------------------------------- */

WG_INLINE float wg_gate_f32(float x, float tail) {
    return (x < 0.0f ? x * 0.0f : x) - tail;
}

WG_INLINE float wg_below_f32(float x, float bound) {
    float a = __builtin_fabsf(x);
    return a > bound ? bound : a;             /* NaN stays */
}

WG_INLINE float wg_sigmoid_f32(float x) {
    double e = wg_exp2_d32((double)wg_below_f32(x, 150.0f) * -0x1.71547652b82fep+0);
    return (float)((x < 0.0f ? e : 1.0) / (1.0 + e));
}

WG_INLINE float wg_silu_f32(float x) {
    double a = (double)wg_below_f32(x, 150.0f), e = wg_exp2_d32(a * -0x1.71547652b82fep+0);
    return wg_gate_f32(x, (float)(a * e / (1.0 + e)));
}

/* sigmoid(2u), u = sqrt(2/pi) * (x + 0.044715 x^3): the coefficients are -2 log2(e) times those of u. */
WG_INLINE float wg_gelu_tanh_f32(float x) {
    double a = (double)wg_below_f32(x, 13.0f), e = wg_exp2_d32(a * WG_FMA(a * a, WG_GELU_CUBIC_LOG2, WG_GELU_LINEAR_LOG2));
    return wg_gate_f32(x, (float)(a * e / (1.0 + e)));
}

/* The tail of the normal distribution is exp(-a^2/2) times Mills' ratio, a smooth function of 1 / (1 + 0.3 a). */
WG_INLINE double wg_normal_tail_d32(double a) {
    return wg_exp2_d32(a * -0x1.71547652b82fep-1 * a) * wg_poly_mills_d32(1.0 / WG_FMA(0.3, a, 1.0));
}

WG_INLINE float wg_gelu_f32(float x) {
    double a = (double)wg_below_f32(x, 15.0f);
    return wg_gate_f32(x, (float)(a * wg_normal_tail_d32(a)));
}

WG_INLINE float wg_ndtr_f32(float x) {
    double q = wg_normal_tail_d32((double)wg_below_f32(x, 15.0f));
    return (float)(x < 0.0f ? q : 1.0 - q);
}

/* ---- float64: what the tail lost to rounding is put right to first order ------------------------------ */

WG_INLINE double wg_gate_f64(double x, double tail) {
    return (x < 0.0 ? x * 0.0 : x) - tail;
}

WG_INLINE double wg_below_f64(double x, double bound) {
    double a = __builtin_fabs(x);
    return a > bound ? bound : a;
}

/* factor * e / (1 + e) with e = exp(h + hl), -760 <= h <= 0. */
WG_INLINE double wg_logistic_tail_f64(double factor, double h, double hl) {
    uint64_t n;
    wg_pair m = wg_exp_pair_f64(h, hl, &n);
    double s = wg_pow2_f64(n < (uint64_t)-1000 ? (uint64_t)-1000 : n);  /* below, 1 + e is 1 anyway; n is never positive */
    s = n == 0 ? 1.0 : s;
    double e = m.hi * s, d = 1.0 + e, dl = (e - (d - 1.0)) + m.lo * s;
    wg_pair num = wg_two_prod(factor, m.hi);
    double q = num.hi / d;
    wg_pair back = wg_two_prod(q, d);
    double rest = ((num.hi - back.hi) - back.lo) + (num.lo + factor * m.lo) - q * dl;
    return wg_scale_f64(q + rest * (1.457 - 0.5 * d), n);       /* 1/d to a few bits is enough for what is left */
}

WG_INLINE double wg_sigmoid_f64(double x) {
    double q = wg_logistic_tail_f64(1.0, -wg_below_f64(x, 746.0), 0.0);
    return x < 0.0 ? q : 1.0 - q;
}

WG_INLINE double wg_silu_f64(double x) {
    double a = wg_below_f64(x, 760.0);
    return wg_gate_f64(x, wg_logistic_tail_f64(a, -a, 0.0));
}

WG_INLINE double wg_gelu_tanh_f64(double x) {
    double a = wg_below_f64(x, 21.6);                            /* 2u = 753 there, and the result 0 */
    wg_pair square = wg_two_prod(a, a), cubic = wg_two_prod(square.hi, WG_GELU_CUBIC);
    wg_pair sum = wg_two_sum(WG_GELU_LINEAR, cubic.hi);
    sum.lo += cubic.lo + (square.lo * WG_GELU_CUBIC + WG_GELU_LINEAR_LO + square.hi * WG_GELU_CUBIC_LO);
    wg_pair h = wg_two_prod(-a, sum.hi);
    return wg_gate_f64(x, wg_logistic_tail_f64(a, h.hi, h.lo - a * sum.lo));
}

/* The tail times factor (a or 1). From a / sqrt 2 = 1/2 on by erfc, a / sqrt 2 being a pair; before, 1/2 - erf / 2 cancels
 * little. */
WG_INLINE double wg_normal_tail_f64(double a, double factor) {
    uint64_t n;
    wg_pair b = wg_two_prod(a, WG_SQRT_HALF_HI), square = wg_two_prod(a, a);
    b.lo += a * WG_SQRT_HALF_LO;
    double m = wg_erfc_pair_f64(b, (wg_pair){0.5 * square.hi, 0.5 * square.lo}, &n);
    double near = factor * (0.5 - 0.5 * (b.hi + wg_erf_rest_f64(b.hi)));
    return b.hi < 0.5 ? near : wg_scale_f64(factor * (2.0 * m), n - 2u);
}

WG_INLINE double wg_gelu_f64(double x) {
    double a = wg_below_f64(x, 39.0);
    return wg_gate_f64(x, wg_normal_tail_f64(a, a));
}

WG_INLINE double wg_ndtr_f64(double x) {
    double q = wg_normal_tail_f64(wg_below_f64(x, 39.0), 1.0);
    return x < 0.0 ? q : 1.0 - q;
}

#endif
