/* Includes WG_TEMPLATE once for every dtype (or, with WG_FLOATS_ONLY, for float32 and float64 only), with
 *
 *     T           type in memory                NAME(f)    f_float32 and so on
 *     A           type to compute in            DT         WG_F32 and so on
 *     LOAD(p)     element as A                  STORE(p,a) a as element
 *     ADD, MUL    in A, without undefined overflow; logical for bool
 *     FLOATING    1 if A is a floating type     NARROW     1 if T is not A (float16, bfloat16)
 *     MATH(f)     wg_f_f32 or wg_f_f64 (floating types only), so MATH(exp)(x)
 *
 * WG_TYPED(f) is then the initialiser of a table of f by dtype. */
#include "wg_math_half.h"

#define WG_TYPED_FLOATS(f) {[WG_F32] = f##_float32, [WG_F64] = f##_float64}
#define WG_TYPED(f) \
    {[WG_BOOL] = f##_bool, [WG_U8] = f##_uint8, [WG_I8] = f##_int8, [WG_I16] = f##_int16, [WG_I32] = f##_int32, \
     [WG_I64] = f##_int64, [WG_F16] = f##_float16, [WG_BF16] = f##_bfloat16, [WG_F32] = f##_float32, \
     [WG_F64] = f##_float64}

#define LOAD(p) ((A)*(const T *)(p))
#define STORE(p, a) (*(T *)(p) = (T)(a))
#define NARROW 0

#define FLOATING 1
#define ADD(a, b) ((a) + (b))
#define MUL(a, b) ((a) * (b))

#define DT WG_F64
#define T double
#define A double
#define NAME(f) f##_float64
#define MATH(f) wg_##f##_f64
#include WG_TEMPLATE
#undef DT
#undef T
#undef A
#undef NAME
#undef MATH

#define MATH(f) wg_##f##_f32

#define DT WG_F32
#define T float
#define A float
#define NAME(f) f##_float32
#include WG_TEMPLATE
#undef DT
#undef T
#undef A
#undef NAME

#ifndef WG_FLOATS_ONLY

#undef LOAD
#undef STORE
#undef NARROW
#define NARROW 1

#define DT WG_F16
#define T uint16_t
#define A float
#define NAME(f) f##_float16
#define LOAD(p) wg_f16_to_f32(*(const T *)(p))
#define STORE(p, a) (*(T *)(p) = wg_f32_to_f16(a))
#include WG_TEMPLATE
#undef DT
#undef T
#undef A
#undef NAME
#undef LOAD
#undef STORE

#define DT WG_BF16
#define T uint16_t
#define A float
#define NAME(f) f##_bfloat16
#define LOAD(p) wg_bf16_to_f32(*(const T *)(p))
#define STORE(p, a) (*(T *)(p) = wg_f32_to_bf16(a))
#include WG_TEMPLATE
#undef DT
#undef T
#undef A
#undef NAME
#undef LOAD
#undef STORE

#undef MATH
#undef NARROW
#undef FLOATING
#undef ADD
#undef MUL
#define NARROW 0
#define FLOATING 0
#define LOAD(p) ((A)*(const T *)(p))
#define STORE(p, a) (*(T *)(p) = (T)(a))
#define ADD(a, b) ((A)((uint64_t)(a) + (uint64_t)(b)))
#define MUL(a, b) ((A)((uint64_t)(a) * (uint64_t)(b)))

#define DT WG_I64
#define T int64_t
#define A int64_t
#define NAME(f) f##_int64
#include WG_TEMPLATE
#undef DT
#undef T
#undef A
#undef NAME

#define DT WG_I32
#define T int32_t
#define A int32_t
#define NAME(f) f##_int32
#include WG_TEMPLATE
#undef DT
#undef T
#undef A
#undef NAME

#define DT WG_I16
#define T int16_t
#define A int16_t
#define NAME(f) f##_int16
#include WG_TEMPLATE
#undef DT
#undef T
#undef A
#undef NAME

#define DT WG_I8
#define T int8_t
#define A int8_t
#define NAME(f) f##_int8
#include WG_TEMPLATE
#undef DT
#undef T
#undef A
#undef NAME

#define DT WG_U8
#define T uint8_t
#define A uint8_t
#define NAME(f) f##_uint8
#include WG_TEMPLATE
#undef DT
#undef T
#undef A
#undef NAME

#undef ADD
#undef MUL
#define ADD(a, b) ((A)((a) | (b)))
#define MUL(a, b) ((A)((a) & (b)))

#define DT WG_BOOL
#define T uint8_t
#define A uint8_t
#define NAME(f) f##_bool
#include WG_TEMPLATE
#undef DT
#undef T
#undef A
#undef NAME

#endif

#undef MATH
#undef LOAD
#undef STORE
#undef NARROW
#undef FLOATING
#undef ADD
#undef MUL
#undef WG_TEMPLATE
#undef WG_FLOATS_ONLY
