/* erf and its relatives. */
#ifndef WG_MATH_ERF_H
#define WG_MATH_ERF_H

#include "wg_math_exp.h"

/* x * (1 + P(x^2)) near 0; 1 - exp(-Q(x)) beyond, where an error of Q counts little. */
WG_INLINE float wg_erf_f32(float x) {
    float a = __builtin_fabsf(x), z = x * x;
    float small = WG_FMAF(x, wg_poly_erf_f32(z), x);
    float c = a > 4.0f ? 4.0f : a;            /* 1 from 3.92 on */
    float large = 1.0f - wg_exp_normal_f32(-wg_poly_erf_tail_f32(c));
    return __builtin_copysignf(a < 0.90137f ? small : large, x);
}

#endif
