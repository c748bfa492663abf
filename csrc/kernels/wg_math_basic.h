/* Rounding, sign, comparison and remainder functions for float32 and float64. */
#ifndef WG_MATH_BASIC_H
#define WG_MATH_BASIC_H

#include "wg_math_log.h"

#include <math.h>

#define WG_T float
#define WG_F(name) WG_PASTE(name, WG_SUFFIX)
#define WG_MAX_f32 WG_MAX_F32
#define WG_MAX_f64 WG_MAX_F64

#define WG_SUFFIX f32
#define WG_C(name) __builtin_##name##f
#include "wg_math_basic.inc"
#undef WG_T
#undef WG_C
#undef WG_SUFFIX

#define WG_T double
#define WG_SUFFIX f64
#define WG_C(name) __builtin_##name
#include "wg_math_basic.inc"
#undef WG_T
#undef WG_C
#undef WG_SUFFIX
#undef WG_F

#endif
