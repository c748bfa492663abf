/* asin, acos, atan, atan2, hypot. */
#ifndef WG_MATH_ATAN_H
#define WG_MATH_ATAN_H

#include "wg_math_bits.h"
#include "wg_math_tables.h"

#define WG_PI_2_HI 0x1.921fb54442d18p+0
#define WG_PI_2_LO 0x1.1a62633145c07p-54
#define WG_TAN_PI_8 0x1.a827999fcef32p-2

/* ---- asin, acos: for |x| > 1/2 through asin(x) = pi/2 - 2 asin(sqrt((1 - |x|) / 2)) ------------------ */

/* asin(|x|) for |x| <= 1/2, else asin(sqrt((1 - |x|) / 2)), as a pair. The root of a number above 1 is NaN. */
WG_INLINE wg_pair wg_asin_pair_f64(double a) {
    int big = a > 0.5;
    double z = big ? 0.5 * (1.0 - a) : a * a;
    double s = __builtin_sqrt(z);
    wg_pair p = wg_two_prod(s, s);
    double rest = ((z - p.hi) - p.lo) / (s + s + 0x1p-900);    /* s may be 0 */
    double x = big ? s : a;
    return (wg_pair){x, WG_FMA(x * z, wg_poly_asin_f64(z), big ? rest : 0.0)};
}

WG_INLINE double wg_asin_f64(double x) {
    double a = __builtin_fabs(x);
    wg_pair p = wg_asin_pair_f64(a);
    wg_pair s = wg_fast_two_sum(WG_PI_2_HI, -2.0 * p.hi);
    double large = s.hi + (s.lo + (WG_PI_2_LO - 2.0 * p.lo));
    return __builtin_copysign(a > 0.5 ? large : p.hi + p.lo, x);
}

WG_INLINE double wg_acos_f64(double x) {
    double a = __builtin_fabs(x);
    wg_pair p = wg_asin_pair_f64(a);
    /* |x| > 1/2: 2p or pi - 2p; else pi/2 - p or pi/2 + p, as base * pi/2 + factor * p */
    double factor = a > 0.5 ? (x < 0.0 ? -2.0 : 2.0) : (x < 0.0 ? 1.0 : -1.0);
    double base = a > 0.5 ? (x < 0.0 ? 2.0 : 0.0) : 1.0;
    wg_pair s = wg_two_sum(base * WG_PI_2_HI, factor * p.hi);
    return s.hi + (s.lo + (base * WG_PI_2_LO + factor * p.lo));
}

WG_INLINE double wg_asin_d32(double a) {
    int big = a > 0.5;
    double z = big ? 0.5 * (1.0 - a) : a * a;
    double x = big ? __builtin_sqrt(z) : a;
    return WG_FMA(x * z, wg_poly_asin_d32(z), x);
}

WG_INLINE float wg_asin_f32(float x) {
    double a = __builtin_fabs((double)x), p = wg_asin_d32(a);
    return __builtin_copysignf((float)(a > 0.5 ? WG_PI_2_HI - 2.0 * p : p), x);
}

WG_INLINE float wg_acos_f32(float x) {
    double a = __builtin_fabs((double)x), p = wg_asin_d32(a);
    double large = x < 0.0f ? 2.0 * WG_PI_2_HI - 2.0 * p : 2.0 * p;
    double small = x < 0.0f ? WG_PI_2_HI + p : WG_PI_2_HI - p;
    return (float)(a > 0.5 ? large : small);
}

/* ---- atan and atan2 ------------------------------------------------------------------------------ */

/* atan(low / high) for 0 <= low <= high, 0 < high, as base + hi + lo: base is 0 or, where the ratio exceeds
 * tan(pi/8), pi/4 (1 in units of pi/4), and the rest atan((low - high) / (low + high)). */
WG_INLINE wg_pair wg_atan_ratio_f64(double low, double high, double *base) {
    int mid = low > WG_TAN_PI_8 * high;
    wg_pair n = wg_two_sum(low, mid ? -high : 0.0), d = wg_two_sum(high, mid ? low : 0.0);
    wg_pair t = wg_pair_div(n, d);
    double q = n.hi / d.hi;
    int tiny = __builtin_fabs(q) < 0x1p-900;  /* there the products that correct the quotient underflow */
    t.hi = tiny ? q : t.hi;
    t.lo = tiny ? 0.0 : t.lo;
    double z = t.hi * t.hi;
    *base = mid ? 1.0 : 0.0;
    return (wg_pair){t.hi, WG_FMA(t.hi * z, wg_poly_atan_f64(z), t.lo)};
}

/* quarters * pi/4 + sign * (hi + lo), quarters = 0..4. */
WG_INLINE double wg_atan_join_f64(double quarters, double sign, wg_pair t) {
    wg_pair c = wg_two_prod(quarters, 0.5 * WG_PI_2_HI);
    wg_pair s = wg_two_sum(c.hi, sign * t.hi);
    return s.hi + (s.lo + (c.lo + WG_FMA(quarters, 0.5 * WG_PI_2_LO, sign * t.lo)));
}

WG_INLINE double wg_atan_f64(double x) {
    double a = __builtin_fabs(x), c = a > 0x1p60 ? 0x1p60 : a, base;
    int swap = c > 1.0;
    wg_pair t = wg_atan_ratio_f64(swap ? 1.0 : c, swap ? c : 1.0, &base);
    return __builtin_copysign(wg_atan_join_f64(swap ? 2.0 - base : base, swap ? -1.0 : 1.0, t), x);
}

/* C99's special values: the sign bit of a zero counts, an infinity against an infinity is a diagonal. */
WG_INLINE double wg_atan2_f64(double y, double x) {
    double a = __builtin_fabs(y), b = __builtin_fabs(x), base;
    int swap = a > b;
    double high = swap ? a : b, low = swap ? b : a;
    low = high > WG_MAX_F64 ? (low > WG_MAX_F64 ? 1.0 : 0.0) : low;
    high = high > WG_MAX_F64 ? 1.0 : high;
    double scale = high > 0x1p900 ? 0x1p-200 : high < 0x1p-500 ? 0x1p500 : 1.0;
    high = high == 0.0 ? 1.0 : high;
    wg_pair t = wg_atan_ratio_f64(low * scale, high * scale, &base);
    int left = wg_signbit_f64(x), flip = swap ^ left;
    double quarters = (swap ? 2.0 : left ? 4.0 : 0.0) + (flip ? -base : base);
    double r = __builtin_copysign(wg_atan_join_f64(quarters, flip ? -1.0 : 1.0, t), y);
    return ((x != x) | (y != y)) ? x + y : r;
}

/* atan(low / high) to about 2^-35. */
WG_INLINE double wg_atan_ratio_d32(double low, double high) {
    int mid = low > WG_TAN_PI_8 * high;
    double t = (mid ? low - high : low) / (mid ? low + high : high), z = t * t;
    return (mid ? 0.5 * WG_PI_2_HI : 0.0) + WG_FMA(t * z, wg_poly_atan_d32(z), t);
}

WG_INLINE float wg_atan_f32(float x) {
    double a = __builtin_fabs((double)x), c = a > 0x1p60 ? 0x1p60 : a;
    int swap = c > 1.0;
    double r = wg_atan_ratio_d32(swap ? 1.0 : c, swap ? c : 1.0);
    return __builtin_copysignf((float)(swap ? WG_PI_2_HI - r : r), x);
}

WG_INLINE float wg_atan2_f32(float y, float x) {
    double a = __builtin_fabs((double)y), b = __builtin_fabs((double)x);
    int swap = a > b;
    double high = swap ? a : b, low = swap ? b : a;
    low = high > WG_MAX_F64 ? (low > WG_MAX_F64 ? 1.0 : 0.0) : low;
    high = high > WG_MAX_F64 ? 1.0 : high;
    high = high == 0.0 ? 1.0 : high;
    double r = wg_atan_ratio_d32(low, high);
    r = swap ? WG_PI_2_HI - r : r;
    r = wg_signbit_f32(x) ? 2.0 * WG_PI_2_HI - r : r;
    float f = __builtin_copysignf((float)r, y);
    return ((x != x) | (y != y)) ? x + y : f;
}

/* ---- hypot: an infinity wins over a NaN, as in C99 ---------------------------------------------------- */

WG_INLINE double wg_hypot_f64(double x, double y) {
    double a = __builtin_fabs(x), b = __builtin_fabs(y);
    double high = a > b ? a : b, low = a > b ? b : a;
    int huge = high > 0x1p500, tiny = high < 0x1p-450;
    double scale = huge ? 0x1p-600 : tiny ? 0x1p600 : 1.0, back = huge ? 0x1p600 : tiny ? 0x1p-600 : 1.0;
    wg_pair p = wg_two_prod(high * scale, high * scale), q = wg_two_prod(low * scale, low * scale);
    wg_pair s = wg_two_sum(p.hi, q.hi);
    s.lo += p.lo + q.lo;
    s.hi = s.hi == 0.0 ? 0x1p-1000 : s.hi;
    wg_pair r = wg_pair_sqrt(s);
    double h = high == 0.0 ? 0.0 : (r.hi + r.lo) * back;
    h = ((x != x) | (y != y)) ? WG_NAN_F64 : h;
    return ((a > WG_MAX_F64) | (b > WG_MAX_F64)) ? WG_INF_F64 : h;
}

WG_INLINE float wg_hypot_f32(float x, float y) {
    double a = (double)x, b = (double)y;
    float h = (float)__builtin_sqrt(a * a + b * b);
    return (wg_isinf_f32(x) | wg_isinf_f32(y)) ? WG_INF_F32 : h;
}

#endif
