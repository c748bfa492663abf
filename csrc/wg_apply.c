/* wg_apply in general: forward, then the record; and the shorthands that hand-written ops use. */
#include <string.h>

#include "wg_elementwise.h"
#include "wg_flat.h"
#include "wg_launch.h"
#include "wg_storage.h"
#include "wg_tape.h"

static int wants_record(const wg_op *op, const wg_val *const *x, int nx) {
    if (wg_mode & WG_MODE_NO_GRAD) return 0;
    for (int i = 0; i < nx; i++)
        if (x[i]->edge.node && (op->nin < 0 ? op->diff_in & 1 : op->diff_in >> i & 1)) return 1;
    return 0;
}

int wg_count_outputs(int opcode, const wg_val *const *x, int nx, const wg_attr *attr) {
    const wg_op *op = &wg_ops[opcode];
    return op->nout == WG_LIST_OUT ? op->count_out(x, nx, attr) : op->nout;
}

int wg_apply_general(int opcode, const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    const wg_op *op = &wg_ops[opcode];
    int status = op->kind == WG_OP_ELEMENTWISE ? wg_elementwise_forward(op, x, nx, attr, y, NULL) : op->forward(x, nx, attr, y);
    if (WG_UNLIKELY(status < 0)) return -1;
    if (!wants_record(op, x, nx)) return 0;
    int ny = wg_count_outputs(opcode, x, nx, attr);
    if (WG_LIKELY(wg_tape_append(opcode, x, nx, attr, op->nattr, y, ny) == 0)) return 0;
    for (int k = 0; k < ny; k++) wg_val_release(&y[k]);
    return -1;
}

int wg_cast(const wg_val *x, int dtype, wg_val *y) {
    if (x->a.dtype == dtype && !x->a.is_number) { wg_val_share(y, x); return 0; }
    wg_attr to[1] = {WG_INT(dtype)};
    return wg_apply(WG_OP_to_dtype, &x, 1, to, y);
}

int wg_contiguous(const wg_val *x, wg_val *y) {
    if (x->a.contiguous) { wg_val_share(y, x); return 0; }
    wg_attr dense[1] = {WG_INT(0)};
    return wg_apply(WG_OP_clone, &x, 1, dense, y);
}

int wg_sum_to(const wg_val *x, int ndim, const int64_t *shape, wg_val *y) {
    wg_attr to[1] = {WG_INTS(shape, ndim)};
    return wg_apply(WG_OP_sum_to, &x, 1, to, y);
}
