/* Which rows have an in-place form of their own. */
#include "into.h"

#include "ops.h"

wg_into_fn wg_op_into(int opcode) {
    switch (opcode) {
    case WG_OP_copy_into: return wg_into_copy_into;
    case WG_OP_fill: return wg_into_fill;
    case WG_OP_fill_tensor: return wg_into_fill_tensor;
    case WG_OP_zero: return wg_into_zero;
    case WG_OP__index_put: return wg_into__index_put;
    case WG_OP_scatter: return wg_into_scatter;
    case WG_OP_scatter_value: return wg_into_scatter_value;
    case WG_OP_scatter_add: return wg_into_scatter_add;
    case WG_OP_index_add: return wg_into_index_add;
    case WG_OP_index_copy: return wg_into_index_copy;
    case WG_OP_index_fill: return wg_into_index_fill;
    case WG_OP_put: return wg_into_put;
    case WG_OP_masked_scatter: return wg_into_masked_scatter;
    default: return NULL;
    }
}
