/* Loops over functions that are branch-free for easy arguments only. */
#ifndef WG_MATH_EASY_H
#define WG_MATH_EASY_H

#include "../wg_kernel.h"

/* Note [Easy arguments]
 *
 * Six functions of floats, sin, cos, tan, fmod, remainder and floor_divide, reduce an argument by a multiple of
 * something in a fixed number of exact steps, which needs a bound on that multiple. Each comes in three parts,
 * e.g. for float32
 *
 *   wg_sin_f32(x)         right for every x; a branch to the C library, so that a loop over it stays scalar
 *   wg_sin_fast_f32(x)    branch-free, right for easy x, the same bits as wg_sin_f32 there
 *   wg_sin_easy_f32(x)    1 where x is easy: |x| <= 2^30 (float64: 2^20), infinite or NaN
 *
 * as has lgamma in float32, whose easy arguments are positive, polygamma, whose easy degree is 1, remainder and floor_divide of int64,
 * easy below 2^51, and likewise wg_fmod_f32(x, y), wg_fmod_fast_f32, wg_fmod_easy_f32 (|x| < 2^27 |y| and neither extreme). A loop
 * gets both with
 *
 *   WG_EASY_LOOP(n, wg_sin_easy_f32(x[i]), y[i] = wg_sin_fast_f32(x[i]), y[i] = wg_sin_f32(x[i]))
 *
 * which looks, block by block, whether every argument is easy before it writes anything (operands may be the same
 * memory). Since fast and general agree in their bits, a result does not depend on its neighbours. */
#define WG_EASY_BLOCK 512

/* for (int64_t i = 0; i < n; i++) in blocks: FAST where EASY, an expression that is 0 or 1, holds in the whole
 * block, GENERAL elsewhere. All three are in terms of i. */
#define WG_EASY_LOOP(n, EASY, FAST, GENERAL)                                                        \
    for (int64_t wg_begin = 0; wg_begin < (n); wg_begin += WG_EASY_BLOCK) {                         \
        int64_t wg_end = (n) - wg_begin < WG_EASY_BLOCK ? (n) : wg_begin + WG_EASY_BLOCK;           \
        uint32_t wg_hard = 0;                                                                       \
        WG_VECTOR                                                                                   \
        for (int64_t i = wg_begin; i < wg_end; i++) wg_hard |= 1u ^ (uint32_t)(EASY);               \
        if (WG_LIKELY(!wg_hard)) {                                                                  \
            WG_VECTOR                                                                               \
            for (int64_t i = wg_begin; i < wg_end; i++) { FAST; }                                   \
        } else {                                                                                    \
            for (int64_t i = wg_begin; i < wg_end; i++) { GENERAL; }                                \
        }                                                                                           \
    }

#endif
