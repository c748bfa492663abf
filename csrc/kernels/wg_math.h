/* The scalar functions that elementwise loops are made of: wg_<name>_f32, wg_<name>_f64, wg_<name>_i64.
 *
 * All are branch-free (ternaries only), so that gcc and clang vectorise `WG_VECTOR for (...) y[i] = wg_exp_f32(x[i])`;
 * the errors, asserted by tests/codegen/test_math.py, are at most 2 ulp. The exceptions:
 *
 *   sin cos tan fmod remainder floor_divide     a loop needs WG_EASY_LOOP to vectorise: Note [Easy arguments]
 *   lgamma                                      the C library, scalar
 *   the _i64 functions that divide              scalar, there is no vector instruction
 *
 * Where a float32 function computes in double the result is nearly always correctly rounded. Families, each of
 * which can be included alone: */
#ifndef WG_MATH_H
#define WG_MATH_H

#include "wg_math_bits.h"     /* isnan isinf isfinite signbit; Note [Bits do not depend on the instruction set] */
#include "wg_math_easy.h"     /* WG_EASY_LOOP; Note [Easy arguments] */
#include "wg_math_exp.h"      /* exp exp2 expm1 tanh sinh cosh */
#include "wg_math_log.h"      /* log log2 log10 log1p softplus log_sigmoid log1pexp logaddexp */
#include "wg_math_hyper.h"    /* asinh acosh atanh */
#include "wg_math_erf.h"      /* erf erfc erfinv */
#include "wg_math_gate.h"     /* sigmoid silu gelu gelu_tanh ndtr */
#include "wg_math_trig.h"     /* sin cos tan */
#include "wg_math_atan.h"     /* asin acos atan atan2 hypot */
#include "wg_math_pow.h"      /* pow */
#include "wg_math_gamma.h"    /* lgamma digamma trigamma */
#include "wg_math_basic.h"    /* floor ceil ... sign minimum fmod remainder floor_divide xlogy nan_to_num */
#include "wg_math_int.h"      /* int64 */
#include "wg_math_half.h"     /* float16 and bfloat16 bits */

#endif
