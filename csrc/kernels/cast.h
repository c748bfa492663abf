/* Conversions of one element, with PyTorch's results (on x86-64) where C leaves them undefined: a float that
 * an integer cannot hold becomes the most negative int32 or int64, and narrower integers its low bits. */
#ifndef WG_CAST_H
#define WG_CAST_H

#include "wg_math_half.h"

#include <stdint.h>

/* S: the floating type of x. -2^31-1 rounds to -2^31 in float32, which gives INT32_MIN on either branch. */
#define WG_TO_I64(S, x) ((x) >= (S)-0x1p63 && (x) < (S)0x1p63 ? (int64_t)(x) : INT64_MIN)
#define WG_TO_I32(S, x) ((x) > (S)-2147483649.0 && (x) < (S)0x1p31 ? (int32_t)(x) : INT32_MIN)
#define WG_TO_I16(S, x) ((int16_t)WG_TO_I32(S, x))
#define WG_TO_I8(S, x) ((int8_t)WG_TO_I32(S, x))
#define WG_TO_U8(S, x) ((uint8_t)WG_TO_I64(S, x))

/* The value of a numeric attribute as an element of the dtype, at p. */
WG_INLINE void wg_store_number(void *p, int dtype, wg_attr a) {
    int floating = a.tag == WG_A_FLOAT;
    double f = wg_attr_float(a);
    int64_t i = floating ? WG_TO_I64(double, f) : a.i;
    int32_t i32 = floating ? WG_TO_I32(double, f) : (int32_t)(uint32_t)(uint64_t)i;
    switch (dtype) {
    case WG_BOOL: *(uint8_t *)p = floating ? f != 0 : i != 0; break;
    case WG_U8: *(uint8_t *)p = (uint8_t)i; break;
    case WG_I8: *(int8_t *)p = (int8_t)i32; break;
    case WG_I16: *(int16_t *)p = (int16_t)i32; break;
    case WG_I32: *(int32_t *)p = i32; break;
    case WG_I64: *(int64_t *)p = i; break;
    case WG_F16: *(uint16_t *)p = wg_f32_to_f16((float)f); break;
    case WG_BF16: *(uint16_t *)p = wg_f32_to_bf16((float)f); break;
    case WG_F32: *(float *)p = (float)f; break;
    case WG_F64: *(double *)p = f; break;
    }
}

/* A run of n elements from x to y, cast where the dtypes differ; strides in elements of their own type. In copy.c. */
void WG_LEVEL(wg_cast_run)(int64_t n, char *y, int to, int64_t sy, const char *x, int from, int64_t sx);

/* Elements moved as they are, whatever they mean. */
#ifdef __GNUC__
#define WG_MAY_ALIAS __attribute__((may_alias))
#else
#define WG_MAY_ALIAS
#endif
typedef uint8_t WG_MAY_ALIAS wg_move8;
typedef uint16_t WG_MAY_ALIAS wg_move16;
typedef uint32_t WG_MAY_ALIAS wg_move32;
typedef uint64_t WG_MAY_ALIAS wg_move64;

/* log2 of the item size: the index into tables made with WG_SIZED. */
WG_INLINE int wg_size_index(int dtype) { return __builtin_ctz(wg_itemsize[dtype]); }

#endif
