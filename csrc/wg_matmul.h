/* a @ b for operands of any dimensions: torch.matmul over the rows mm, mv, dot and _matmul. */
#ifndef WG_MATMUL_H
#define WG_MATMUL_H

#include "wg_op.h"

int wg_matmul(const wg_val *a, const wg_val *b, wg_val *y);

#endif
