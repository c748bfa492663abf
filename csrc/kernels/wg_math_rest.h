/* Functions that still stand on the C library: right, but a loop over them stays scalar. */
#ifndef WG_MATH_REST_H
#define WG_MATH_REST_H

#include <math.h>

#include "wg_math_log.h"

#define WG_FROM_LIBM(name, call)                                                        \
    WG_INLINE double wg_##name##_f64(double x) { return call; }                         \
    WG_INLINE float wg_##name##_f32(float v) { double x = (double)v; return (float)(call); }
#define WG_FROM_LIBM2(name, call)                                                       \
    WG_INLINE double wg_##name##_f64(double x, double y) { return call; }               \
    WG_INLINE float wg_##name##_f32(float v, float w) { double x = (double)v, y = (double)w; return (float)(call); }

WG_FROM_LIBM(log2, log2(x))
WG_FROM_LIBM(log10, log10(x))
WG_FROM_LIBM(log1p, log1p(x))
WG_FROM_LIBM(softplus, (x > 0.0 ? x : 0.0) + log1p(exp(-__builtin_fabs(x))))
WG_FROM_LIBM(log_sigmoid, (x < 0.0 ? x : 0.0) - log1p(exp(-__builtin_fabs(x))))
WG_FROM_LIBM(erfc, erfc(x))
WG_FROM_LIBM(tan, tan(x))
WG_FROM_LIBM(asin, asin(x))
WG_FROM_LIBM(acos, acos(x))
WG_FROM_LIBM(atan, atan(x))
WG_FROM_LIBM(asinh, asinh(x))
WG_FROM_LIBM(acosh, acosh(x))
WG_FROM_LIBM(atanh, atanh(x))
WG_FROM_LIBM(lgamma, lgamma(x))
WG_FROM_LIBM2(atan2, atan2(x, y))
WG_FROM_LIBM2(hypot, hypot(x, y))
WG_FROM_LIBM2(pow, pow(x, y))

WG_INLINE double wg_erf_f64(double x) { return erf(x); }
WG_INLINE double wg_sin_f64(double x) { return sin(x); }
WG_INLINE double wg_cos_f64(double x) { return cos(x); }

#undef WG_FROM_LIBM
#undef WG_FROM_LIBM2

#endif
