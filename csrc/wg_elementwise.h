/* Elementwise operations: types, broadcasting, forward, fused VJP. Their loops are generated from the table. */
#ifndef WG_ELEMENTWISE_H
#define WG_ELEMENTWISE_H

#include "wg_op.h"
#include "wg_ops_gen.h"

/* y is new memory, unless `into` is given: then the result is written there (in-place forms, out=), cast to its dtype. */
int wg_elementwise_forward(const wg_op *op, const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y, wg_array *into);
int wg_elementwise_vjp(wg_vjp_call *c);
int wg_elementwise_add_into(wg_val *sum, const wg_val *v);    /* sum += v: same shape and dtype, sum dense and owned */

/* The strides PyTorch gives the result of an elementwise op on x: x's own order of dimensions if x is dense. */
int wg_dense_strides_like(const wg_array *x, int64_t *strides);

#endif
