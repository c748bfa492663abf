/* Conversion of a run of elements between any two dtypes, any strides: what staging, copy and fill share. */
#ifndef WG_CAST_H
#define WG_CAST_H

#include <string.h>

#include "wg_kernel.h"

/* ---- half precision: storage only, converted through float32, round to nearest even ---- */

WG_INLINE float wg_f16_to_f32(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = (h >> 10) & 0x1fu, mantissa = h & 0x3ffu, bits;
    float f;
    if (exponent == 31) bits = sign | 0x7f800000u | (mantissa << 13);
    else if (exponent) bits = sign | ((exponent + 112u) << 23) | (mantissa << 13);
    else {                                                    /* subnormal: exact in float32 */
        float tiny = (float)mantissa * 5.9604644775390625e-8f; /* 2^-24 */
        memcpy(&bits, &tiny, 4);
        bits |= sign;
    }
    memcpy(&f, &bits, 4);
    return f;
}

WG_INLINE uint16_t wg_f32_to_f16(float f) {
    uint32_t bits;
    memcpy(&bits, &f, 4);
    uint32_t sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00u);
    if (magnitude >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u);         /* rounds to infinity */
    if (magnitude < 0x38800000u) {                                           /* subnormal half: let the adder round */
        float shifted;
        uint32_t out;
        memcpy(&shifted, &magnitude, 4);
        shifted += 0.5f;
        memcpy(&out, &shifted, 4);
        return (uint16_t)(sign | (out - 0x3f000000u));
    }
    uint32_t odd = (magnitude >> 13) & 1u;
    return (uint16_t)(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}

WG_INLINE float wg_bf16_to_f32(uint16_t h) {
    uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

WG_INLINE uint16_t wg_f32_to_bf16(float f) {
    uint32_t bits;
    memcpy(&bits, &f, 4);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fc0u;
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/* Out of range and NaN give INT64_MIN, as the x86 instruction does; narrower integers are its low bits. */
WG_INLINE int64_t wg_f64_to_i64(double x) {
    return x >= -9223372036854775808.0 && x < 9223372036854775808.0 ? (int64_t)x : INT64_MIN;
}

/* LOAD_x gives the value as the widest type of its category (int64, float or double), STORE_x takes any of them. */
#define WG_CAST_TYPES(X) \
    X(WG_BOOL, uint8_t, int64_t, (v) != 0) \
    X(WG_U8, uint8_t, int64_t, (v)) X(WG_I8, int8_t, int64_t, (v)) X(WG_I16, int16_t, int64_t, (v)) \
    X(WG_I32, int32_t, int64_t, (v)) X(WG_I64, int64_t, int64_t, (v)) \
    X(WG_F16, uint16_t, float, wg_f16_to_f32(v)) X(WG_BF16, uint16_t, float, wg_bf16_to_f32(v)) \
    X(WG_F32, float, float, (v)) X(WG_F64, double, double, (v))

#define WG_TO_INT(w) _Generic((w), int64_t: (int64_t)(w), default: wg_f64_to_i64((double)(w)))

#define WG_CAST_STORE(DST, D, w) \
    ((DST) == WG_BOOL ? (D)((w) != 0) : (DST) == WG_F16 ? (D)wg_f32_to_f16((float)(w)) \
     : (DST) == WG_BF16 ? (D)wg_f32_to_bf16((float)(w)) : (DST) >= WG_F32 ? (D)(w) : (D)(uint64_t)WG_TO_INT(w))

/* dst[i*ds] = cast(src[i*ss]) for i < n; strides in elements of their own type. */
#define WG_CAST_LOOP(DST, D, SRC, S, W, LOAD) \
    case (DST) * WG_NDTYPES + (SRC): { \
        D *to = (D *)dst; const S *from = (const S *)src; \
        if (ds == 1 && ss == 1) { WG_VECTOR for (int64_t i = 0; i < n; i++) { S v = from[i]; W w = LOAD; to[i] = WG_CAST_STORE(DST, D, w); } } \
        else { for (int64_t i = 0; i < n; i++) { S v = from[i * ss]; W w = LOAD; to[i * ds] = WG_CAST_STORE(DST, D, w); } } \
        break; }

#define WG_CAST_FROM(DST, D) \
    WG_CAST_LOOP(DST, D, WG_BOOL, uint8_t, int64_t, (v) != 0) WG_CAST_LOOP(DST, D, WG_U8, uint8_t, int64_t, v) \
    WG_CAST_LOOP(DST, D, WG_I8, int8_t, int64_t, v) WG_CAST_LOOP(DST, D, WG_I16, int16_t, int64_t, v) \
    WG_CAST_LOOP(DST, D, WG_I32, int32_t, int64_t, v) WG_CAST_LOOP(DST, D, WG_I64, int64_t, int64_t, v) \
    WG_CAST_LOOP(DST, D, WG_F16, uint16_t, float, wg_f16_to_f32(v)) WG_CAST_LOOP(DST, D, WG_BF16, uint16_t, float, wg_bf16_to_f32(v)) \
    WG_CAST_LOOP(DST, D, WG_F32, float, float, v) WG_CAST_LOOP(DST, D, WG_F64, double, double, v)

static void wg_cast_convert(int64_t n, char *dst, int dst_dtype, int64_t ds, const char *src, int src_dtype, int64_t ss) {
    switch (dst_dtype * WG_NDTYPES + src_dtype) {
        WG_CAST_FROM(WG_BOOL, uint8_t) WG_CAST_FROM(WG_U8, uint8_t) WG_CAST_FROM(WG_I8, int8_t) WG_CAST_FROM(WG_I16, int16_t)
        WG_CAST_FROM(WG_I32, int32_t) WG_CAST_FROM(WG_I64, int64_t) WG_CAST_FROM(WG_F16, uint16_t)
        WG_CAST_FROM(WG_BF16, uint16_t) WG_CAST_FROM(WG_F32, float) WG_CAST_FROM(WG_F64, double)
    }
}

#define WG_COPY_LOOP(T) { T *to = (T *)dst; const T *from = (const T *)src; \
    if (ss == 0 && ds == 1) { T v = from[0]; WG_VECTOR for (int64_t i = 0; i < n; i++) to[i] = v; } \
    else if (ss == 1) { for (int64_t i = 0; i < n; i++) to[i * ds] = from[i]; } \
    else if (ds == 1) { for (int64_t i = 0; i < n; i++) to[i] = from[i * ss]; } \
    else { for (int64_t i = 0; i < n; i++) to[i * ds] = from[i * ss]; } \
    break; }

/* A run of n elements; bits are kept where the dtypes agree. */
static inline void wg_cast_run(int64_t n, char *dst, int dst_dtype, int64_t ds, const char *src, int src_dtype, int64_t ss) {
    if (dst_dtype != src_dtype) { wg_cast_convert(n, dst, dst_dtype, ds, src, src_dtype, ss); return; }
    if (ds == 1 && ss == 1) { memmove(dst, src, (size_t)n * wg_itemsize[dst_dtype]); return; }
    switch (wg_itemsize[dst_dtype]) {
        case 1: WG_COPY_LOOP(uint8_t)
        case 2: WG_COPY_LOOP(uint16_t)
        case 4: WG_COPY_LOOP(uint32_t)
        default: WG_COPY_LOOP(uint64_t)
    }
}

#endif
