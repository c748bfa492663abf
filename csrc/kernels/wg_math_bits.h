/* Bit patterns, classification and error-free transformations under the maths functions. */
#ifndef WG_MATH_BITS_H
#define WG_MATH_BITS_H

#include "../wg_kernel.h"

/* Note [Bits do not depend on the instruction set]
 *
 * A function of wg_math*.h gives the same bits for the same input in every position of a vector, in the
 * scalar tail, at every vector width, with gcc and with clang, because
 *
 *   - the build says -ffp-contract=off: a*b+c is two roundings everywhere, and a fused multiply-add
 *     stands only where WG_FMA or WG_FMAF is written;
 *   - WG_FMA is fused wherever the level has the instruction (v3, v4, aarch64) and two roundings where it
 *     has not (v2: fma() would be a library call of 10 ns). v3, v4 and aarch64 therefore agree bit for
 *     bit; v2 may differ from them in the last place of a polynomial, never in a special value;
 *   - everything whose exactness a proof needs (reduction of the argument, the low part of a product) is
 *     written so that it is exact with and without the instruction: see wg_two_prod;
 *   - there are no reciprocal approximations, no library vectors (libmvec), no -ffast-math; division and
 *     square root are correctly rounded instructions;
 *   - bit tricks are unsigned: signed overflow lets two compilers differ.
 *
 * Reductions have a note of their own; what is fixed there is the tree. */

WG_INLINE uint32_t wg_bits_f32(float x) { uint32_t u; __builtin_memcpy(&u, &x, 4); return u; }
WG_INLINE uint64_t wg_bits_f64(double x) { uint64_t u; __builtin_memcpy(&u, &x, 8); return u; }
WG_INLINE float wg_from_bits_f32(uint32_t u) { float x; __builtin_memcpy(&x, &u, 4); return x; }
WG_INLINE double wg_from_bits_f64(uint64_t u) { double x; __builtin_memcpy(&x, &u, 8); return x; }

#define WG_INF_F32 __builtin_inff()
#define WG_INF_F64 __builtin_inf()
#define WG_NAN_F32 __builtin_nanf("")
#define WG_NAN_F64 __builtin_nan("")
#define WG_MAX_F32 0x1.fffffep127f
#define WG_MAX_F64 0x1.fffffffffffffp1023

#define WG_FLOAT_BUILTIN(name) __builtin_##name##f
#define WG_DOUBLE_BUILTIN(name) __builtin_##name

/* By bits, so that no compiler flag can remove them; results are 0 or 1. */
WG_INLINE uint8_t wg_isnan_f32(float x) { return (wg_bits_f32(x) & 0x7fffffffu) > 0x7f800000u; }
WG_INLINE uint8_t wg_isinf_f32(float x) { return (wg_bits_f32(x) & 0x7fffffffu) == 0x7f800000u; }
WG_INLINE uint8_t wg_isfinite_f32(float x) { return (wg_bits_f32(x) & 0x7fffffffu) < 0x7f800000u; }
WG_INLINE uint8_t wg_signbit_f32(float x) { return (uint8_t)(wg_bits_f32(x) >> 31); }
WG_INLINE uint8_t wg_isnan_f64(double x) { return (wg_bits_f64(x) & 0x7fffffffffffffffu) > 0x7ff0000000000000u; }
WG_INLINE uint8_t wg_isinf_f64(double x) { return (wg_bits_f64(x) & 0x7fffffffffffffffu) == 0x7ff0000000000000u; }
WG_INLINE uint8_t wg_isfinite_f64(double x) { return (wg_bits_f64(x) & 0x7fffffffffffffffu) < 0x7ff0000000000000u; }
WG_INLINE uint8_t wg_signbit_f64(double x) { return (uint8_t)(wg_bits_f64(x) >> 63); }

/* condition (0 or 1) ? x : y without control flow: for conditions on an operand that may be the same for the whole
 * loop, from which gcc would make several loops (unswitching) and vectorise none. */
WG_INLINE float wg_select_f32(int condition, float x, float y) {
    uint32_t mask = 0u - (uint32_t)condition;
    return wg_from_bits_f32((wg_bits_f32(x) & mask) | (wg_bits_f32(y) & ~mask));
}
WG_INLINE double wg_select_f64(int condition, double x, double y) {
    uint64_t mask = 0u - (uint64_t)condition;
    return wg_from_bits_f64((wg_bits_f64(x) & mask) | (wg_bits_f64(y) & ~mask));
}

/* Adding 1.5 * 2^(mantissa bits) rounds to an integer (half to even) and leaves it, in two's complement,
 * in the low bits of the sum: no conversion instruction, which AVX2 lacks for 64 bits. */
#define WG_ROUND_F32 0x1.8p23f
#define WG_ROUND_F64 0x1.8p52

/* 2^n for an n that is a normal exponent, given modulo 2^32 or 2^64. */
WG_INLINE float wg_pow2_f32(uint32_t n) { return wg_from_bits_f32((n + 127u) << 23); }
WG_INLINE double wg_pow2_f64(uint64_t n) { return wg_from_bits_f64((n + 1023u) << 52); }

/* x * 2^n for -252 <= n <= 254 (float) or -2044 <= n <= 2046 (double), one rounding when the result is
 * subnormal provided that 0.5 <= |x| < 2. Two factors, because 2^n alone may overflow or vanish. */
WG_INLINE float wg_scale_f32(float x, uint32_t n) {
    uint32_t half = ((n + 256u) >> 1) - 128u;
    return x * wg_pow2_f32(half) * wg_pow2_f32(n - half);
}
WG_INLINE double wg_scale_f64(double x, uint64_t n) {
    uint64_t half = ((n + 2048u) >> 1) - 1024u;
    return x * wg_pow2_f64(half) * wg_pow2_f64(n - half);
}

/* A small signed integer, modulo 2^64, as a double: |k| < 2^51. */
WG_INLINE double wg_double_from_int(uint64_t k) {
    return wg_from_bits_f64(wg_bits_f64(WG_ROUND_F64) + k) - WG_ROUND_F64;
}

/* A double as an unevaluated sum hi + lo, |lo| <= ulp(hi)/2. */
typedef struct wg_pair { double hi, lo; } wg_pair;

/* a + b exactly. */
WG_INLINE wg_pair wg_two_sum(double a, double b) {
    double s = a + b, t = s - a;
    return (wg_pair){s, (a - (s - t)) + (b - t)};
}

/* a + b exactly, given |a| >= |b| or a == 0. */
WG_INLINE wg_pair wg_fast_two_sum(double a, double b) {
    double s = a + b;
    return (wg_pair){s, b - (s - a)};
}

/* a * b exactly, barring overflow and underflow: without the instruction by Dekker's splitting (which
 * needs |a|, |b| < 2^995), so the bits are the same. */
WG_INLINE wg_pair wg_two_prod(double a, double b) {
    double p = a * b;
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    return (wg_pair){p, __builtin_fma(a, b, -p)};
#else
    double ta = a * 0x1.0000002p27, tb = b * 0x1.0000002p27;
    double ah = ta - (ta - a), al = a - ah, bh = tb - (tb - b), bl = b - bh;
    return (wg_pair){p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
#endif
}

/* a / b to about 106 bits, a and b pairs. */
WG_INLINE wg_pair wg_pair_div(wg_pair a, wg_pair b) {
    double q = a.hi / b.hi;
    wg_pair p = wg_two_prod(q, b.hi);
    double rest = ((a.hi - p.hi) - p.lo) + (a.lo - q * b.lo);
    return wg_fast_two_sum(q, rest / b.hi);
}

/* sqrt(a) to about 106 bits; a.hi > 0. */
WG_INLINE wg_pair wg_pair_sqrt(wg_pair a) {
    double s = __builtin_sqrt(a.hi);
    wg_pair p = wg_two_prod(s, s);
    double rest = ((a.hi - p.hi) - p.lo) + a.lo;
    return wg_fast_two_sum(s, rest / (s + s));
}

#endif
