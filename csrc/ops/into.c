/* Which rows have an in-place form of their own. */
#include "into.h"

#include "ops.h"

static int into_zero(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr) {
    (void)x, (void)nx, (void)attr;
    return wg_fill_array(y, WG_INT(0));
}

wg_into_fn wg_op_into(int opcode) {
    switch (opcode) {
    case WG_OP_zero: return into_zero;
    case WG_OP__index_put: return wg_into__index_put;
    case WG_OP_scatter: return wg_into_scatter;
    case WG_OP_scatter_value: return wg_into_scatter_value;
    case WG_OP_scatter_add: return wg_into_scatter_add;
    case WG_OP_index_add: return wg_into_index_add;
    case WG_OP_index_copy: return wg_into_index_copy;
    case WG_OP_index_fill: return wg_into_index_fill;
    case WG_OP_masked_scatter: return wg_into_masked_scatter;
    default: return NULL;
    }
}
