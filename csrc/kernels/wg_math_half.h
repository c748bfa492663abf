/* float16 and bfloat16 as bit patterns, to and from float32: round to nearest even, NaN kept. */
#ifndef WG_MATH_HALF_H
#define WG_MATH_HALF_H

#include "wg_math_bits.h"

/* The exponent is moved by multiplication with 2^112, which brings subnormals into place too; infinities and
 * NaN then stand at 2^16 and above and get the exponent 255. A signalling NaN stays one. */
WG_INLINE float wg_f16_to_f32(uint16_t h) {
    uint32_t u = h, rest = u & 0x7fffu;
    uint32_t y = wg_bits_f32(wg_from_bits_f32(rest << 13) * 0x1p112f);
    y = rest >= 0x7c00u ? (rest << 13) | 0x7f800000u : y;
    return wg_from_bits_f32(y | ((u & 0x8000u) << 16));
}

/* Normal results round by adding half a unit less one, plus the last bit that stays; subnormal ones by adding
 * 0.5, which leaves them in the low bits of the sum. NaN becomes the quiet one with its sign. */
WG_INLINE uint16_t wg_f32_to_f16(float x) {
    uint32_t u = wg_bits_f32(x), rest = u & 0x7fffffffu;
    uint32_t normal = (rest - 0x38000000u + 0xfffu + ((rest >> 13) & 1u)) >> 13;
    uint32_t small = wg_bits_f32(wg_from_bits_f32(rest) + 0.5f) - 0x3f000000u;
    uint32_t y = rest < 0x38800000u ? small : normal;
    y = rest >= 0x47800000u ? 0x7c00u : y;    /* 65520 and above round up into infinity by themselves */
    y = rest > 0x7f800000u ? 0x7e00u : y;
    return (uint16_t)(y | ((u >> 16) & 0x8000u));
}

WG_INLINE float wg_bf16_to_f32(uint16_t h) { return wg_from_bits_f32((uint32_t)h << 16); }

WG_INLINE uint16_t wg_f32_to_bf16(float x) {
    uint32_t u = wg_bits_f32(x);
    uint32_t y = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
    return (uint16_t)((u & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : y);
}

#endif
