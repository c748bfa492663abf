/* torch.matmul's dispatch on the numbers of dimensions; every step is a recorded row. */
#include "wg_matmul.h"

#include "wg_ops_gen.h"

static int two(int op, const wg_val *a, const wg_val *b, wg_val *y) {
    const wg_val *x[2] = {a, b};
    return wg_apply(op, x, 2, NULL, y);
}

static int one(int op, const wg_val *a, wg_attr attr, wg_val *y) { return wg_apply(op, &a, 1, &attr, y); }

/* (*, m, k) @ (k, n) as one product of (prod(*) m, k): as torch folds it. */
static int folded(const wg_val *a, const wg_val *b, wg_val *y) {
    int64_t flat[2] = {-1, a->a.shape[a->a.ndim - 1]}, shape[WG_MAX_DIMS];
    wg_val rows, product;
    for (int d = 0; d < a->a.ndim - 1; d++) shape[d] = a->a.shape[d];
    shape[a->a.ndim - 1] = b->a.shape[1];
    if (one(WG_OP__reshape, a, WG_INTS(flat, 2), &rows) < 0) return -1;
    int status = two(WG_OP_mm, &rows, b, &product);
    wg_val_release(&rows);
    if (status < 0) return -1;
    status = one(WG_OP__unsafe_view, &product, WG_INTS(shape, a->a.ndim), y);
    wg_val_release(&product);
    return status;
}

int wg_matmul(const wg_val *a, const wg_val *b, wg_val *y) {
    const int m = a->a.ndim, n = b->a.ndim;
    wg_val_clear(y);
    if (m == 0 || n == 0)
        return wg_fail(WG_RUNTIME_ERROR, "both arguments to matmul need to be at least 1D, but they are %dD and %dD", m, n);
    if (m == 2 && n == 2) return two(WG_OP_mm, a, b, y);
    if (m == 1 && n == 1) return two(WG_OP_dot, a, b, y);
    if (m == 2 && n == 1) return two(WG_OP_mv, a, b, y);
    if (m > 2 && n == 2 && a->a.contiguous && a->a.numel > 0) return folded(a, b, y);
    wg_val left, product;
    int status;
    if (m == 1) {                                            /* a row in front of b's matrices */
        if (one(WG_OP_unsqueeze, a, WG_INT(0), &left) < 0) return -1;
        status = n == 2 ? two(WG_OP_mm, &left, b, &product) : two(WG_OP__matmul, &left, b, &product);
        wg_val_release(&left);
        if (status < 0) return -1;
        int64_t dim[1] = {-2};
        status = one(WG_OP_squeeze_dim, &product, WG_INTS(dim, 1), y);
    } else if (n == 1) {
        if (one(WG_OP_unsqueeze, b, WG_INT(1), &left) < 0) return -1;
        status = two(WG_OP__matmul, a, &left, &product);
        wg_val_release(&left);
        if (status < 0) return -1;
        int64_t dim[1] = {-1};
        status = one(WG_OP_squeeze_dim, &product, WG_INTS(dim, 1), y);
    } else return two(WG_OP__matmul, a, b, y);
    wg_val_release(&product);
    return status;
}
