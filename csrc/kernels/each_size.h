/* Includes WG_TEMPLATE for elements of 1, 2, 4 and 8 bytes that are only moved: T is the type, NAME(f) the
 * function f_8, f_16, f_32, f_64. WG_SIZED(f) is the initialiser of a table by wg_size_index(dtype). */
#include "cast.h"

#define WG_SIZED(f) {f##_8, f##_16, f##_32, f##_64}

#define T wg_move8
#define NAME(f) f##_8
#include WG_TEMPLATE
#undef T
#undef NAME
#define T wg_move16
#define NAME(f) f##_16
#include WG_TEMPLATE
#undef T
#undef NAME
#define T wg_move32
#define NAME(f) f##_32
#include WG_TEMPLATE
#undef T
#undef NAME
#define T wg_move64
#define NAME(f) f##_64
#include WG_TEMPLATE
#undef T
#undef NAME
#undef WG_TEMPLATE
