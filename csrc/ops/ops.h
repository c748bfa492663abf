/* What the forward functions in this directory share.
 *
 * Note [Forward functions]
 * wg_forward_<row> checks its arguments in PyTorch's words, makes the outputs (new memory or windows) and launches
 * kernels; it records nothing (wg_apply does), reads no edge and writes none. Attributes come in the order of the
 * row's signature. On failure every output is clear and whatever was made on the way is released. */
#ifndef WG_OPS_H
#define WG_OPS_H

#include "wg_elementwise.h"

#include <string.h>

int wg_check_fits(wg_attr number, int dtype);             /* wg_checks.c: 0, or -1: "value cannot be converted to type ..." */

/* ---- launches of one line ---- */

WG_INLINE int wg_copy_array(wg_array *y, const wg_array *x) {
    return wg_launch(WG_K_copy, (wg_array *[]){y, (wg_array *)x}, 2, NULL, 0);
}

/* y += x, one element after another: y may show an element of its memory more than once. */
WG_INLINE int wg_accumulate_array(wg_array *y, const wg_array *x) {
    return wg_launch(WG_K_accumulate, (wg_array *[]){y, (wg_array *)x}, 2, NULL, 0);
}

WG_INLINE int wg_fill_array(wg_array *y, wg_attr value) {
    return wg_launch(WG_K_fill, (wg_array *[]){y}, 1, &value, 1);
}

/* ---- making outputs ---- */

/* New row-major zeros. */
int wg_new_zeros(wg_val *y, int dtype, int ndim, const int64_t *shape);

/* New memory of x's shape, in x's order of dimensions where x is dense: torch.empty_like with preserve_format. */
int wg_new_like(wg_val *y, int dtype, const wg_array *x);

/* x's values in new memory of that dtype; row-major, or like x. */
int wg_copy_new(wg_val *y, int dtype, const wg_array *x, int row_major);

/* x itself where it is row-major already, else a row-major copy. The caller releases y. */
int wg_dense(wg_val *y, const wg_val *x);

/* What kernels that know float32 and float64 only work on: x, or where x is of a half type a float32 copy in *own (else
 * cleared), which the caller releases. NULL: out of memory. */
const wg_array *wg_widened(wg_val *own, const wg_array *x);
WG_INLINE int wg_widened_type(int dtype) { return dtype == WG_F64 ? WG_F64 : WG_F32; }

/* Rounds a result to dtype, in new memory where it has another one. On failure *y is released. */
int wg_narrow(wg_val *y, int dtype);

/* y = kernel(x) over all of x, 0-d: sum, mean and their like. x is of y's dtype already. */
int wg_reduce_all(int kernel, wg_val *y, int dtype, const wg_array *x);

/* An operand that is not given. */
extern const wg_array wg_no_array;

/* The end of a forward function: releases *y when the work failed. Returns status. */
WG_INLINE int wg_done(wg_val *y, int status) {
    if (WG_UNLIKELY(status < 0)) wg_val_release(y);
    return status;
}

/* gx[i] = a @ b, of two matrices; added to what stands there where that gives the bits of adding afterwards. */
int wg_product_gradient(wg_vjp_call *c, int i, const wg_array *a, const wg_array *b);

/* ---- shapes ---- */

/* Strides that show x, of the last dimensions, in a larger shape: 0 where it is stretched. The shapes must broadcast. */
void wg_expand_strides(const wg_array *x, int ndim, const int64_t *shape, int64_t *strides);

/* Can x be broadcast to exactly this shape? */
int wg_expandable(const wg_array *x, int ndim, const int64_t *shape);

/* A window of x in that shape, for a launch: owns nothing. */
void wg_expanded_array(wg_array *to, const wg_array *x, int ndim, const int64_t *shape);

/* Dimensions by bits, wrapped; each may come once. dim given as None or (with empty_is_all) as nothing is every one. */
int wg_dim_mask(const wg_attr *dims, int ndim, int empty_is_all, uint32_t *mask);

/* Is [lo, hi] (in elements, from the first one) what a window touches? 0 for an empty one. -1 on overflow. */
int wg_window_range(int ndim, const int64_t *shape, const int64_t *strides, int64_t *lo, int64_t *hi);

/* May some element stand at two places of x? 0 only where that is certain not to be. */
int wg_overlaps_itself(const wg_array *x);

/* Adds x at a window that was zero before: by a copy, unless elements may meet. */
int wg_add_to_zeros(wg_array *window, const wg_array *x);

/* A shape text for messages: the buffer lives until the end of the block. */
#define WG_SHAPE(array) wg_shape_text((char[320]){0}, 320, (array)->ndim, (array)->shape)
#define WG_LIST(v, n) wg_shape_text((char[320]){0}, 320, (int)(n), v)

#endif
