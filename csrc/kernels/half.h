/* float16 and bfloat16 as bits, by integer arithmetic that every compiler vectorises and that gives the
 * same bits with and without conversion instructions. */
#ifndef WG_HALF_H
#define WG_HALF_H

#include "../wg_types.h"

WG_INLINE float wg_bits_float(uint32_t u) { union { uint32_t u; float f; } b = {.u = u}; return b.f; }
WG_INLINE uint32_t wg_float_bits(float f) { union { float f; uint32_t u; } b = {.f = f}; return b.u; }

WG_INLINE float wg_bf16_to_f32(uint16_t h) { return wg_bits_float((uint32_t)h << 16); }

/* To nearest, ties to even; every NaN becomes the quiet one. */
WG_INLINE uint16_t wg_f32_to_bf16(float x) {
    uint32_t u = wg_float_bits(x);
    uint32_t rounded = (u + 0x7FFFu + (u >> 16 & 1u)) >> 16;
    return (uint16_t)((u & 0x7FFFFFFFu) > 0x7F800000u ? 0x7FC0u : rounded);
}

/* Exponent and mantissa move into place, one exact product corrects the bias, subnormals included. */
WG_INLINE float wg_f16_to_f32(uint16_t h) {
    uint32_t magnitude = (uint32_t)(h & 0x7FFFu) << 13;
    uint32_t scaled = wg_float_bits(wg_bits_float(magnitude) * 0x1p112f);
    uint32_t special = magnitude | 0x7F800000u;                     /* infinity and NaN keep their mantissa */
    uint32_t u = magnitude >= 0x0F800000u ? special : scaled;
    return wg_bits_float(u | (uint32_t)(h & 0x8000u) << 16);
}

/* To nearest, ties to even. Below the normal range the addition of 0.5 does the rounding. */
WG_INLINE uint16_t wg_f32_to_f16(float x) {
    uint32_t u = wg_float_bits(x), sign = u >> 16 & 0x8000u, m = u & 0x7FFFFFFFu;
    uint32_t normal = (m - 0x38000000u + 0xFFFu + (m >> 13 & 1u)) >> 13;
    uint32_t subnormal = wg_float_bits(wg_bits_float(m < 0x38800000u ? m : 0u) + 0.5f) - 0x3F000000u;
    uint32_t h = m < 0x38800000u ? subnormal : normal;
    h = m >= 0x477FF000u ? 0x7C00u : h;                             /* 65520 and more */
    h = m > 0x7F800000u ? 0x7E00u : h;
    return (uint16_t)(h | sign);
}

#endif
