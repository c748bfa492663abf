/* log, log2, log10, log1p and what is made of them.
 *
 * log(x) = k * ln2 + log(m), sqrt(1/2) <= m < sqrt(2). float32 takes a polynomial in f = m - 1 (no
 * division); float64 takes 2 atanh(s), s = f / (2 + f), with s as a pair, so that the logarithm is known
 * to about 60 bits and log2, log10, asinh, acosh and atanh can stand on the same core. */
#ifndef WG_MATH_LOG_H
#define WG_MATH_LOG_H

#include "wg_math_exp.h"

/* log(x) of a negative number is NaN, of +-0 -inf, of inf inf, of NaN NaN. */
WG_INLINE float wg_log_special_f32(float x, float y) {
    y = x == 0.0f ? -WG_INF_F32 : y;
    y = x < 0.0f ? WG_NAN_F32 : y;
    return x <= WG_MAX_F32 ? y : x + x;
}
WG_INLINE double wg_log_special_f64(double x, double y) {
    y = x == 0.0 ? -WG_INF_F64 : y;
    y = x < 0.0 ? WG_NAN_F64 : y;
    return x <= WG_MAX_F64 ? y : x + x;
}

WG_INLINE float wg_log_f32(float x) {
    uint32_t subnormal = x < 0x1p-126f;
    uint32_t u = wg_bits_f32(subnormal ? x * 0x1p23f : x) + (0x3f800000u - 0x3f3504f3u);
    float k = (float)((int32_t)(u >> 23) - (subnormal ? 127 + 23 : 127));
    float f = wg_from_bits_f32((u & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
    float z = f * f;
    float p = WG_FMAF(k, 0x1.7f7d1cp-20f, f * z * wg_poly_log_f32(f));
    float y = k * 0x1.62e4p-1f + (f - (0.5f * z - p));
    return wg_log_special_f32(x, y);
}

/* log(x + xl) = k * ln2 + hi + lo for a positive normal x, |xl| <= ulp(x). */
WG_INLINE wg_pair wg_log_reduced_f64(double x, double xl, double *k) {
    uint64_t u = wg_bits_f64(x) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    uint64_t e = u >> 52;
    double m = wg_from_bits_f64((u & 0xfffffffffffffu) + 0x3fe6a09e667f3bcdu);
    double ml = xl * wg_from_bits_f64((2046u - (e < 2046u ? e : 2046u)) << 52);
    *k = wg_from_bits_f64(0x4330000000000000u | e) - (0x1p52 + 1023.0);
    wg_pair f = wg_two_sum(m - 1.0, ml);
    wg_pair d = wg_fast_two_sum(2.0, f.hi);
    d.lo += f.lo;
    wg_pair s = wg_pair_div(f, d);
    double w = s.hi * s.hi;
    return wg_fast_two_sum(2.0 * s.hi, WG_FMA(s.hi * w, wg_poly_log_f64(w), 2.0 * s.lo));
}

/* k * (ch + cl) + hi + lo where k * ch is exact. */
WG_INLINE double wg_log_join_f64(double k, double ch, double cl, wg_pair y) {
    wg_pair s = wg_fast_two_sum(k * ch, y.hi);
    return s.hi + (s.lo + WG_FMA(k, cl, y.lo));
}

#define WG_LN2_HI 0x1.62e42fefap-1            /* 37 bits: exact when multiplied by an exponent */
#define WG_LN2_LO 0x1.cf79abc9e3b3ap-40

/* log(hi + lo) + k * ln2 for a positive normal hi, |lo| <= ulp(hi). */
WG_INLINE double wg_log_sum_f64(double hi, double lo, double k) {
    double e;
    wg_pair y = wg_log_reduced_f64(hi, lo, &e);
    return wg_log_join_f64(e + k, WG_LN2_HI, WG_LN2_LO, y);
}

WG_INLINE double wg_log_f64(double x) {
    int subnormal = x < 0x1p-1022;
    return wg_log_special_f64(x, wg_log_sum_f64(subnormal ? x * 0x1p54 : x, 0.0, subnormal ? -54.0 : 0.0));
}

/* log(x) * c + k * d with c = ch + cl the base's 1/ln and d = dh + dl, k * dh exact. */
WG_INLINE double wg_log_base_f64(double x, double ch, double cl, double dh, double dl) {
    int subnormal = x < 0x1p-1022;
    double k;
    wg_pair y = wg_log_reduced_f64(subnormal ? x * 0x1p54 : x, 0.0, &k);
    wg_pair p = wg_two_prod(y.hi, ch);
    p.lo += WG_FMA(y.hi, cl, y.lo * ch);
    return wg_log_special_f64(x, wg_log_join_f64(subnormal ? k - 54.0 : k, dh, dl, p));
}

WG_INLINE double wg_log2_f64(double x) {
    return wg_log_base_f64(x, 0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56, 1.0, 0.0);
}
WG_INLINE double wg_log10_f64(double x) {
    return wg_log_base_f64(x, 0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57, 0x1.34413509fp-2, 0x1.e7fbcc47c4acdp-40);
}

WG_INLINE double wg_log1p_f64(double x) {
    wg_pair u = wg_two_sum(1.0, x);
    double y = wg_log_special_f64(u.hi, wg_log_sum_f64(u.hi, u.lo, 0.0));
    return __builtin_fabs(x) < 0x1p-54 ? x : y;
}

/* log(1 + exp(-|x|)), what softplus and its relatives add to a maximum: 2 atanh(s) with s = 1 / (1 + 2 exp(|x|)), at most
 * 1/3. Of 2 exp(|x|) = f + p f, f a power of two, what rounding the sum lost is put right in s. */
WG_INLINE double wg_log1pexp_f64(double x) {
    double a = __builtin_fabs(x), c = a > 760.0 ? 760.0 : a;
    double t = WG_FMA(c, 0x1.71547652b82fep+0, WG_ROUND_F64 + 512.0), k = t - (WG_ROUND_F64 + 512.0);
    double r = WG_FMA(k, -0x1.a39ef35793c76p-33, WG_FMA(k, -0x1.62e42feep-1, c));
    double f = wg_from_bits_f64(wg_bits_f64(t) << 52);                      /* all times 2^-512 */
    double p = WG_FMA(r * r, wg_poly_exp_f64(r), r);
    wg_pair u = wg_two_sum(f, 0x1p-512);
    double d = WG_FMA(p, f, u.hi), lost = WG_FMA(p, f, u.hi - d) + u.lo;
    double s = 1.0 / d;
    s -= s * (lost * s);
    double small = s * 0x1p-512, w = small * small;
    return WG_FMA(s * w, wg_poly_log1pexp_f64(w), s + s) * 0x1p-512;
}

WG_INLINE double wg_softplus_f64(double x) { return (x > 0.0 ? x : 0.0) + wg_log1pexp_f64(x); }
WG_INLINE double wg_log_sigmoid_f64(double x) { return (x < 0.0 ? x : 0.0) - wg_log1pexp_f64(x); }

/* log(exp(x) + exp(y)). Where the maximum and the rest cancel (both arguments near -0.69) the error is
 * 2 ulp of the maximum, not of the result. */
WG_INLINE double wg_logaddexp_f64(double x, double y) {
    double m = y > x ? y : x;
    wg_pair d = wg_two_sum(x, -y);            /* its rounding would be an error of exp as large as d */
    double lost = __builtin_fabs(d.hi) < 800.0 ? d.lo : 0.0;
    double rest = wg_log1pexp_f64(d.hi);
    double r = m + (rest - rest * (d.hi < 0.0 ? -lost : lost));
    return ((x == y) & (x - x != 0.0)) ? x : r;
}

/* ---- double arithmetic for float32 results ---------------------------------------------------- */

/* log(x + xl) to about 2^-37; x a positive float or a sum of floats, xl <= ulp(x) counts only where x is near 1. */
WG_INLINE double wg_log_sum_d32(double x, double xl) {
    uint64_t u = wg_bits_f64(x) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    uint64_t e = u >> 52;
    double f = wg_from_bits_f64((u & 0xfffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1.0;
    f += e == 1023u ? xl : 0.0;
    double k = wg_from_bits_f64(0x4330000000000000u | e) - (0x1p52 + 1023.0);
    double s = f / (2.0 + f), w = s * s;
    return WG_FMA(k, 0x1.62e42fefa39efp-1, s * WG_FMA(w, wg_poly_log_d32(w), 2.0));
}
WG_INLINE double wg_log_d32(double x) { return wg_log_special_f64(x, wg_log_sum_d32(x, 0.0)); }
WG_INLINE double wg_log1p_d32(double x) {
    double u = 1.0 + x;
    return wg_log_special_f64(u, wg_log_sum_d32(u, x - (u - 1.0)));
}

/* The product with 1/ln2 or 1/ln10 of an exact power is off by far less than half a float ulp. */
WG_INLINE float wg_log2_f32(float x) { return (float)(wg_log_d32((double)x) * 0x1.71547652b82fep+0); }
WG_INLINE float wg_log10_f32(float x) { return (float)(wg_log_d32((double)x) * 0x1.bcb7b1526e50ep-2); }
WG_INLINE float wg_log1p_f32(float x) {
    float y = (float)wg_log1p_d32((double)x);
    return x == 0.0f ? x : y;
}

WG_INLINE double wg_log1pexp_d32(double x) {
    double a = __builtin_fabs(x), s = 1.0 / WG_FMA(2.0, wg_exp_d32(a > 200.0 ? 200.0 : a), 1.0), w = s * s;
    return WG_FMA(s * w, wg_poly_log1pexp_d32(w), s + s);
}
WG_INLINE float wg_log1pexp_f32(float x) { return (float)wg_log1pexp_d32((double)x); }
WG_INLINE float wg_softplus_f32(float x) {
    double v = (double)x;
    return (float)((v > 0.0 ? v : 0.0) + wg_log1pexp_d32(v));
}
WG_INLINE float wg_log_sigmoid_f32(float x) {
    double v = (double)x;
    return (float)((v < 0.0 ? v : 0.0) - wg_log1pexp_d32(v)) + 0.0f;          /* never -0 */
}
WG_INLINE float wg_logaddexp_f32(float x, float y) {
    const double a = (double)x, b = (double)y;
    const float r = (float)((b > a ? b : a) + wg_log1pexp_d32(a - b));
    return ((x == y) & (x - x != 0.0f)) ? x : r;
}

#endif
