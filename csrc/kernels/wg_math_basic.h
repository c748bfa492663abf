/* Rounding, sign, comparison and remainder functions for float32 and float64. */
#ifndef WG_MATH_BASIC_H
#define WG_MATH_BASIC_H

#include <math.h>

#include "wg_math_easy.h"
#include "wg_math_log.h"

/* ---- fmod of easy arguments: Note [Easy arguments] in wg_math_easy.h -----------------------------------
 *
 * x - trunc(x / y) * y, which is exact: the quotient has few bits, or its product with y is a pair. The rounded
 * quotient may be one too large; then the difference has the wrong sign and takes one y back. */

WG_INLINE double wg_fmod_mend(double r, double x, double y) {
    double a = __builtin_fabs(y);
    int over = ((r < 0.0) & (x > 0.0)) | ((r > 0.0) & (x < 0.0));
    r = over ? r + (x < 0.0 ? -a : a) : r;
    return __builtin_copysign(r, x);
}

WG_INLINE uint32_t wg_fmod_easy_f32(float x, float y) {
    float a = __builtin_fabsf(y);
    return (__builtin_fabsf(x) < 0x1p27f * (a < 0x1p100f ? a : 0x1p100f)) & (a <= WG_MAX_F32);
}
WG_INLINE float wg_fmod_fast_f32(float x, float y) {
    double v = (double)x, w = (double)y;
    return (float)wg_fmod_mend(v - __builtin_trunc(v / w) * w, v, w);
}

WG_INLINE uint32_t wg_fmod_easy_f64(double x, double y) {
    double a = __builtin_fabs(y);
    return (__builtin_fabs(x) < 0x1p27 * a) & (a > 0x1p-900) & (a < 0x1p900);
}
WG_INLINE double wg_fmod_fast_f64(double x, double y) {
    wg_pair p = wg_two_prod(__builtin_trunc(x / y), y);
    return wg_fmod_mend((x - p.hi) - p.lo, x, y);
}

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
