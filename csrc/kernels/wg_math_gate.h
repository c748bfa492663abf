/* sigmoid, silu, gelu (both forms) and its slope, ndtr: a step from 0 to 1, and x times one.
 *
 * Note [Gates]
 * sigmoid(x) = 1 / (1 + exp(-x)) and what is made of it divide by the sum 1 + exp(-x), which loses nothing on either
 * side: with exp(-x) = s + p s, s a power of two, the sum is rounded once, and scaled by a small constant it does not
 * overflow where the quotient is subnormal. The normal distribution's step has no such form: S(-x) = 1 - S(x) is
 * computed from its falling tail q(a) = S(-a), a = |x|: q for negative x and 1 - q otherwise; and x * S(x) as -a*q or
 * x - a*q. The tail keeps its relative precision down to the smallest results, where 1 + erf would have cancelled, and
 * 1 - q loses nothing since q <= 1/2. Its float32 goes by way of double, where a tail of precision 2^-24 needs no
 * compensation. x * S(x) of -inf is NaN, as -inf * 0 is, and as in PyTorch. */
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

/* 2^-64 (1 + exp(-x)) for -110 <= x <= 40; garbage elsewhere. Where s has swallowed the one, what it lost is added. */
WG_INLINE float wg_logistic_f32(float x) {
    float t = WG_FMAF(x, -0x1.715476p+0f, WG_ROUND_F32 + 63.0f), k = t - (WG_ROUND_F32 + 63.0f);
    float r = WG_FMAF(k, -0x1.7f7d1cp-20f, WG_FMAF(k, -0x1.62e4p-1f, -x));
    float s = wg_from_bits_f32(wg_bits_f32(t) << 23), u = s + 0x1p-64f;
    float p = WG_FMAF(r * r, wg_poly_exp_f32(r), r);
    return u + WG_FMAF(p, s, 0x1p-64f - (u - s));
}

WG_INLINE float wg_sigmoid_f32(float x) {
    float c = x > 40.0f ? 40.0f : x;
    return 1.0f / wg_logistic_f32(c < -104.0f ? -104.0f : c) * 0x1p-64f;
}

WG_INLINE float wg_silu_f32(float x) {
    float y = x / wg_logistic_f32(x) * 0x1p-64f;
    y = x > 40.0f ? x : y;
    return x < -110.0f ? x * 0.0f : y;
}

/* x sigmoid(2u), u = sqrt(2/pi) * (x + 0.044715 x^3): the coefficients are -2 log2(e) times those of u. */
WG_INLINE float wg_gelu_tanh_f32(float x) {
    double v = (double)x, c = v > 13.0 ? 13.0 : v;
    float y = (float)(v / (1.0 + wg_exp2_d32(c * WG_FMA(c * c, WG_GELU_CUBIC_LOG2, WG_GELU_LINEAR_LOG2))));
    return x < -13.0f ? x * 0.0f : y;
}

/* The tail of the normal distribution is exp(-a^2/2) times Mills' ratio, a smooth function of 1 / (1 + 0.3 a). */
WG_INLINE double wg_normal_tail_d32(double a) {
    return wg_exp2_d32(a * -0x1.71547652b82fep-1 * a) * wg_poly_mills_d32(1.0 / WG_FMA(0.3, a, 1.0));
}

WG_INLINE float wg_gelu_f32(float x) {
    double a = (double)wg_below_f32(x, 15.0f);
    return wg_gate_f32(x, (float)(a * wg_normal_tail_d32(a)));
}

/* gelu'(x) = S(x) + x S'(x), to about 2^-23: exp(-a^2/2) (M(a) - a / sqrt(2 pi)), M being Mills' ratio, for negative x, and
 * one minus that otherwise. */
WG_INLINE float wg_gelu_slope_f32(float x) {
    float a = __builtin_fabsf(x), c = wg_below_f32(x, 13.0f), h = -0.5f * c * c;
    float t = WG_FMAF(h, 0x1.715476p+0f, WG_ROUND_F32 + 127.0f), k = t - (WG_ROUND_F32 + 127.0f);
    float r = WG_FMAF(k, -0x1.7f7d1cp-20f, WG_FMAF(k, -0x1.62e4p-1f, h));
    float s = wg_from_bits_f32(wg_bits_f32(t) << 23), e = WG_FMAF(WG_FMAF(r * r, wg_poly_exp_f32(r), r), s, s);
    float q = (a > 13.0f ? 0.0f : e) * WG_FMAF(a, -0x1.988454p-2f, wg_poly_mills_f32(1.0f / WG_FMAF(0.35f, c, 1.0f)));
    return x < 0.0f ? q : 1.0f - q;
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

/* 2^-512 (1 + exp(-x)) for -760 <= x <= 40. */
WG_INLINE double wg_logistic_f64(double x) {
    double t = WG_FMA(x, -0x1.71547652b82fep+0, WG_ROUND_F64 + 511.0), k = t - (WG_ROUND_F64 + 511.0);
    double r = WG_FMA(k, -0x1.a39ef35793c76p-33, WG_FMA(k, -0x1.62e42feep-1, -x));
    double s = wg_from_bits_f64(wg_bits_f64(t) << 52), u = s + 0x1p-512;
    double p = WG_FMA(r * r, wg_poly_exp_f64(r), r);
    return u + WG_FMA(p, s, 0x1p-512 - (u - s));
}

WG_INLINE double wg_sigmoid_f64(double x) {
    double c = x > 40.0 ? 40.0 : x;
    return 1.0 / wg_logistic_f64(c < -746.0 ? -746.0 : c) * 0x1p-512;
}

WG_INLINE double wg_silu_f64(double x) {
    double y = x / wg_logistic_f64(x) * 0x1p-512;
    y = x > 40.0 ? x : y;
    return x < -760.0 ? x * 0.0 : y;
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

WG_INLINE double wg_gelu_slope_f64(double x) {
    return 0.5 * (1.0 + wg_erf_f64(x * WG_SQRT_HALF_HI)) + x * (wg_exp_f64(x * x * -0.5) * 0x1.9884533d43651p-2);
}

WG_INLINE double wg_ndtr_f64(double x) {
    double q = wg_normal_tail_f64(wg_below_f64(x, 39.0), 1.0);
    return x < 0.0 ? q : 1.0 - q;
}

#endif
