/* The scalar functions that elementwise loops are made of: branch-free, so that a loop over them
 * vectorises. Families: wg_math_bits.h, wg_math_exp.h, ... */
#ifndef WG_MATH_H
#define WG_MATH_H

#include "wg_math_bits.h"
#include "wg_math_exp.h"
#include "wg_math_log.h"
#include "wg_math_erf.h"
#include "wg_math_trig.h"
#include "wg_math_basic.h"
#include "wg_math_int.h"
#include "wg_math_half.h"
#include "wg_math_rest.h"

#endif
