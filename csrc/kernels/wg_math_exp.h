/* exp, exp2, expm1, tanh, sinh, cosh. Bounds of the error: tests/codegen/test_math.py.
 *
 * exp(x) = 2^n * exp(r), n = round(x / ln2), r = x - n * ln2 in two steps: n times the leading part of
 * ln2 is exact because that part has its last bits zero (Cody and Waite). */
#ifndef WG_MATH_EXP_H
#define WG_MATH_EXP_H

#include "wg_math_bits.h"
#include "wg_math_tables.h"

/* ---- float32 -------------------------------------------------------------------------------- */

/* exp(r) - 1 for the reduced argument of x; *n as an unsigned number modulo 2^32. |x| < 2^15. */
WG_INLINE float wg_exp_reduced_f32(float x, uint32_t *n) {
    float t = x * 0x1.715476p+0f + WG_ROUND_F32;
    float k = t - WG_ROUND_F32;
    float a = x - k * 0x1.62e4p-1f, b = k * 0x1.7f7d1cp-20f;
    float r = a - b;
    float rl = (a - r) - b;                   /* what rounding r lost: worth a quarter ulp of exp */
    *n = wg_bits_f32(t) - wg_bits_f32(WG_ROUND_F32);
    return r + WG_FMAF(r * r, wg_poly_exp_f32(r), rl);
}

WG_INLINE float wg_exp_f32(float x) {
    x = x > 89.0f ? 89.0f : x;                /* exp is infinite from 88.73 on, 0 below -103.98; NaN stays */
    x = x < -104.0f ? -104.0f : x;
    uint32_t n;
    float p = wg_exp_reduced_f32(x, &n);
    return wg_scale_f32(1.0f + p, n);
}

/* exp(x) where the result is normal: -87 <= x <= 88. */
WG_INLINE float wg_exp_normal_f32(float x) {
    uint32_t n;
    float p = wg_exp_reduced_f32(x, &n);
    return (1.0f + p) * wg_pow2_f32(n);
}

WG_INLINE float wg_exp2_f32(float x) {
    x = x > 129.0f ? 129.0f : x;
    x = x < -151.0f ? -151.0f : x;
    float t = x + WG_ROUND_F32;
    float r = x - (t - WG_ROUND_F32);
    float p = WG_FMAF(r, wg_poly_exp2_f32(r), 1.0f);
    return wg_scale_f32(p, wg_bits_f32(t) - wg_bits_f32(WG_ROUND_F32));
}

WG_INLINE float wg_expm1_f32(float x) {
    float c = x > 89.0f ? 89.0f : x;
    c = c < -20.0f ? -20.0f : c;              /* -1 from there on */
    uint32_t n;
    float p = wg_exp_reduced_f32(c, &n);
    float s = wg_pow2_f32(n - 1u);            /* half of 2^n, which itself may overflow */
    float y = 2.0f * (WG_FMAF(p, s, s - 0.5f));
    return __builtin_fabsf(x) < 0x1p-25f ? x : y;
}

WG_INLINE float wg_tanh_f32(float x) {
    float a = __builtin_fabsf(x), z = x * x;
    float small = WG_FMAF(x * z, wg_poly_tanh_f32(z), x);
    float c = a > 10.0f ? 10.0f : a;          /* 1 from 9.02 on */
    float large = 1.0f - 2.0f / (wg_exp_normal_f32(c + c) + 1.0f);
    return __builtin_copysignf(a < 0.625f ? small : large, x);
}

/* ---- float64 -------------------------------------------------------------------------------- */

/* exp(x + xl) = 2^n * (1 + hi + lo): hi is the reduced argument, lo everything else, good to about
 * 2^-57 of the sum 1 + hi + lo. |x| < 2^20, |xl| <= ulp(x). */
WG_INLINE wg_pair wg_exp_reduced_f64(double x, double xl, uint64_t *n) {
    double t = x * 0x1.71547652b82fep+0 + WG_ROUND_F64;
    double k = t - WG_ROUND_F64;
    double a = x - k * 0x1.62e42feep-1;
    double b = k * 0x1.a39ef35793c76p-33 - xl;
    double r = a - b;
    double rl = (a - r) - b;
    *n = wg_bits_f64(t) - wg_bits_f64(WG_ROUND_F64);
    return (wg_pair){r, WG_FMA(r * r, wg_poly_exp_f64(r), WG_FMA(r, rl, rl))};
}

/* The same as 2^n * (hi + lo), hi near 1. */
WG_INLINE wg_pair wg_exp_pair_f64(double x, double xl, uint64_t *n) {
    wg_pair p = wg_exp_reduced_f64(x, xl, n);
    wg_pair s = wg_fast_two_sum(1.0, p.hi);
    return wg_fast_two_sum(s.hi, s.lo + p.lo);
}

/* exp(x + xl), |xl| <= ulp(x). */
WG_INLINE double wg_exp_sum_f64(double x, double xl) {
    x = x > 710.0 ? 710.0 : x;                /* infinite from 709.79 on, 0 below -745.14; NaN stays */
    x = x < -746.0 ? -746.0 : x;
    uint64_t n;
    wg_pair p = wg_exp_reduced_f64(x, xl, &n);
    wg_pair s = wg_fast_two_sum(1.0, p.hi);
    return wg_scale_f64(s.hi + (s.lo + p.lo), n);
}

WG_INLINE double wg_exp_f64(double x) { return wg_exp_sum_f64(x, 0.0); }

WG_INLINE double wg_exp2_f64(double x) {
    x = x > 1025.0 ? 1025.0 : x;
    x = x < -1076.0 ? -1076.0 : x;
    double t = x + WG_ROUND_F64;
    double r = x - (t - WG_ROUND_F64);
    double p = WG_FMA(r, wg_poly_exp2_f64(r), 1.0);
    return wg_scale_f64(p, wg_bits_f64(t) - wg_bits_f64(WG_ROUND_F64));
}

WG_INLINE double wg_expm1_f64(double x) {
    double c = x > 710.0 ? 710.0 : x;
    c = c < -40.0 ? -40.0 : c;                /* -1 from there on */
    uint64_t n;
    wg_pair p = wg_exp_reduced_f64(c, 0.0, &n);
    double s = wg_pow2_f64(n - 1u);
    wg_pair y = wg_two_sum(s - 0.5, s * p.hi);
    double r = 2.0 * (y.hi + (y.lo + s * p.lo));
    return __builtin_fabs(x) < 0x1p-54 ? x : r;
}

WG_INLINE double wg_tanh_f64(double x) {
    double a = __builtin_fabs(x), z = x * x;
    double small = WG_FMA(x * z, wg_poly_tanh_f64(z), x);
    double c = a > 20.0 ? 20.0 : a;           /* 1 from 19.06 on */
    uint64_t n;
    wg_pair p = wg_exp_reduced_f64(c + c, 0.0, &n);
    double large = 1.0 - 2.0 / ((1.0 + (p.hi + p.lo)) * wg_pow2_f64(n) + 1.0);
    return __builtin_copysign(a < 0.625 ? small : large, x);
}

/* (exp(a) -/+ exp(-a)) / 2 with exp(a) = 2^n * (hi + lo) and exp(-a) = 2^-n / hi. */
WG_INLINE double wg_sinh_f64(double x) {
    double a = __builtin_fabs(x), z = x * x;
    double small = WG_FMA(x * z, wg_poly_sinh_f64(z), x);
    double c = a > 711.0 ? 711.0 : a;         /* infinite from 710.48 on */
    uint64_t n;
    wg_pair p = wg_exp_pair_f64(c, 0.0, &n);
    double inverse = wg_from_bits_f64((1023u - 2u * (n < 500u ? n : 500u)) << 52) / p.hi;
    double large = wg_scale_f64(p.hi + (p.lo - inverse), n - 1u);
    return __builtin_copysign(a < 1.0 ? small : large, x);
}

WG_INLINE double wg_cosh_f64(double x) {
    double a = __builtin_fabs(x);
    double c = a > 711.0 ? 711.0 : a;
    uint64_t n;
    wg_pair p = wg_exp_pair_f64(c, 0.0, &n);
    double inverse = wg_from_bits_f64((1023u - 2u * (n < 500u ? n : 500u)) << 52) / p.hi;
    return wg_scale_f64(p.hi + (p.lo + inverse), n - 1u);
}

/* ---- double arithmetic for float32 results ---------------------------------------------------- */

/* exp(x) to about 2^-33, |x| < 700. */
WG_INLINE double wg_exp_d32(double x) {
    double t = x * 0x1.71547652b82fep+0 + WG_ROUND_F64;
    double k = t - WG_ROUND_F64;
    double r = WG_FMA(k, -0x1.62e42fefa39efp-1, x);
    double p = 1.0 + WG_FMA(r * r, wg_poly_exp_d32(r), r);
    return p * wg_pow2_f64(wg_bits_f64(t) - wg_bits_f64(WG_ROUND_F64));
}

/* 2^x to about 2^-29, |x| < 1000. */
WG_INLINE double wg_exp2_d32(double x) {
    double t = x + (WG_ROUND_F64 + 1023.0), r = x - (t - (WG_ROUND_F64 + 1023.0));
    double s = wg_from_bits_f64(wg_bits_f64(t) << 52);        /* the exponent of 2^n with its bias, and nothing above */
    return WG_FMA(s * r, wg_poly_exp2_d32(r), s);
}

WG_INLINE float wg_sinh_f32(float x) {
    double a = __builtin_fabs((double)x), z = a * a;
    double c = a > 90.0 ? 90.0 : a;
    double e = wg_exp_d32(c);
    double small = WG_FMA(a * z, wg_poly_sinh_f64(z), a);
    return __builtin_copysignf((float)(a < 1.0 ? small : 0.5 * (e - 1.0 / e)), x);
}

WG_INLINE float wg_cosh_f32(float x) {
    double a = __builtin_fabs((double)x);
    double e = wg_exp_d32(a > 90.0 ? 90.0 : a);
    return (float)(0.5 * (e + 1.0 / e));
}

#endif
