/* int64 arithmetic with PyTorch's results and none of C's undefined behaviour: sums, products and
 * negation wrap around (computed unsigned), shift counts are guarded, nothing traps.
 *
 * Narrower integers are computed in int64 and truncated by the caller, which gives the same result as
 * computing in the narrow type, since all of these agree modulo 2^w.
 *
 * Division by zero: the functions return 0 and go on. PyTorch raises RuntimeError("ZeroDivisionError"), so
 * the driver looks for a zero among the divisors (wg_has_zero_i64) before it starts the loop. */
#ifndef WG_MATH_INT_H
#define WG_MATH_INT_H

#include "wg_math_bits.h"

WG_INLINE int64_t wg_add_i64(int64_t x, int64_t y) { return (int64_t)((uint64_t)x + (uint64_t)y); }
WG_INLINE int64_t wg_sub_i64(int64_t x, int64_t y) { return (int64_t)((uint64_t)x - (uint64_t)y); }
WG_INLINE int64_t wg_mul_i64(int64_t x, int64_t y) { return (int64_t)((uint64_t)x * (uint64_t)y); }
WG_INLINE int64_t wg_neg_i64(int64_t x) { return (int64_t)(0u - (uint64_t)x); }
WG_INLINE int64_t wg_square_i64(int64_t x) { return wg_mul_i64(x, x); }
WG_INLINE int64_t wg_abs_i64(int64_t x) { return x < 0 ? wg_neg_i64(x) : x; }   /* of -2^63: itself */
WG_INLINE int64_t wg_sign_i64(int64_t x) { return (x > 0) - (x < 0); }
WG_INLINE int64_t wg_minimum_i64(int64_t x, int64_t y) { return y < x ? y : x; }
WG_INLINE int64_t wg_maximum_i64(int64_t x, int64_t y) { return y > x ? y : x; }
WG_INLINE int64_t wg_fmin_i64(int64_t x, int64_t y) { return y < x ? y : x; }
WG_INLINE int64_t wg_fmax_i64(int64_t x, int64_t y) { return y > x ? y : x; }
WG_INLINE int64_t wg_heaviside_i64(int64_t x, int64_t value) { return x == 0 ? value : x > 0; }

/* The quotient towards zero and its remainder. -2^63 / -1 wraps around. */
WG_INLINE int64_t wg_trunc_divide_i64(int64_t x, int64_t y) {
    int trap = (y == 0) | (y == -1);
    int64_t q = x / (trap ? 1 : y);
    return y == 0 ? 0 : y == -1 ? wg_neg_i64(x) : q;
}
WG_INLINE int64_t wg_fmod_i64(int64_t x, int64_t y) {
    int trap = (y == 0) | (y == -1);
    return trap ? 0 : x % (trap ? 1 : y);
}

/* Python's // and %: the quotient towards -inf, the remainder with the sign of y. */
WG_INLINE int64_t wg_floor_divide_i64(int64_t x, int64_t y) {
    int64_t q = wg_trunc_divide_i64(x, y), r = wg_fmod_i64(x, y);
    return q - ((r != 0) & ((r < 0) != (y < 0)));
}
WG_INLINE int64_t wg_remainder_i64(int64_t x, int64_t y) {
    int64_t r = wg_fmod_i64(x, y);
    int other = (r != 0) & ((r < 0) != (y < 0));
    return other ? r + y : r;
}

/* The same by way of doubles, for numbers below 2^51: Note [Easy arguments] in wg_math_easy.h. The rounded quotient lies on the same side of
 * every integer as the exact one, which, if it is none, is at least 1/|y| away; no level below v4 divides 64-bit integers or converts them
 * in vectors, so the conversions add and take away 1.5 * 2^52. */
WG_INLINE double wg_small_i64_to_f64(int64_t x) { return wg_from_bits_f64((uint64_t)x + 0x4338000000000000u) - 0x1.8p52; }
WG_INLINE int64_t wg_small_f64_to_i64(double x) { return (int64_t)(wg_bits_f64(x + 0x1.8p52) - 0x4338000000000000u); }
WG_INLINE uint32_t wg_floor_divide_easy_i64(int64_t x, int64_t y) {
    const uint64_t top = (uint64_t)1 << 51;
    return ((uint64_t)x + top < 2 * top) & ((uint64_t)y + top < 2 * top) & (y != 0);
}
WG_INLINE int64_t wg_floor_divide_fast_i64(int64_t x, int64_t y) {
    return wg_small_f64_to_i64(__builtin_floor(wg_small_i64_to_f64(x) / wg_small_i64_to_f64(y)));
}
WG_INLINE uint32_t wg_remainder_easy_i64(int64_t x, int64_t y) { return wg_floor_divide_easy_i64(x, y); }
WG_INLINE int64_t wg_remainder_fast_i64(int64_t x, int64_t y) {
    const double a = wg_small_i64_to_f64(x), b = wg_small_i64_to_f64(y);
    return wg_small_f64_to_i64(a - __builtin_floor(a / b) * b);
}

/* 1 if any of n divisors, `step` apart, is zero. */
WG_INLINE int wg_has_zero_i64(int64_t n, const int64_t *y, int64_t step) {
    uint64_t zero = 0;
    for (int64_t i = 0; i < n; i++) zero |= y[i * step] == 0;
    return zero != 0;
}

/* x to the y modulo 2^64, by squaring. A negative power of 1 is 1, of -1 is +-1, of everything else
 * (0 included) 0, as PyTorch has it for tensors; for a Python number PyTorch raises, which is the op's business. */
WG_INLINE int64_t wg_pow_i64(int64_t x, int64_t y) {
    uint64_t r = 1, b = (uint64_t)x, e = y < 0 ? 0 : (uint64_t)y;
    for (; e; e >>= 1, b *= b) r *= e & 1u ? b : 1u;
    if (y < 0) return x == 1 ? 1 : x != -1 ? 0 : y & 1 ? -1 : 1;
    return (int64_t)r;
}

/* A count below 0 or above 63 shifts everything out: 0 to the left, the sign to the right. */
WG_INLINE int64_t wg_lshift_i64(int64_t x, int64_t y) {
    return (uint64_t)y > 63u ? 0 : (int64_t)((uint64_t)x << ((uint64_t)y & 63u));
}
WG_INLINE int64_t wg_rshift_i64(int64_t x, int64_t y) { return x >> ((uint64_t)y > 63u ? 63u : (uint64_t)y); }

WG_INLINE int64_t wg_and_i64(int64_t x, int64_t y) { return x & y; }
WG_INLINE int64_t wg_or_i64(int64_t x, int64_t y) { return x | y; }
WG_INLINE int64_t wg_xor_i64(int64_t x, int64_t y) { return x ^ y; }
WG_INLINE int64_t wg_not_i64(int64_t x) { return ~x; }

/* A float as an integer: towards zero; what does not fit (NaN and the infinities too) becomes -2^63, what
 * x86 gives, on every machine. Narrower integers: truncate the result. */
WG_INLINE int64_t wg_f64_to_i64(double x) {
    int fits = (x >= -0x1p63) & (x < 0x1p63);
    int64_t y = (int64_t)(fits ? x : 0.0);
    return fits ? y : INT64_MIN;
}
WG_INLINE int64_t wg_f32_to_i64(float x) { return wg_f64_to_i64((double)x); }

#endif
