/* Elementwise operations: types, broadcasting, forward, fused VJP. Their loops are generated from the table. */
#ifndef WG_ELEMENTWISE_H
#define WG_ELEMENTWISE_H

#include "wg_op.h"
#include "wg_ops_gen.h"

/* y is new memory, unless `into` is given: then the result is written there (in-place forms, out=), cast to its dtype. */
int wg_elementwise_forward(const wg_op *op, const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y, wg_array *into);
int wg_elementwise_vjp(wg_vjp_call *c);
int wg_elementwise_add_into(wg_val *sum, const wg_val *v);    /* sum += v: same shape and dtype, sum dense and owned */

/* The strides PyTorch gives the result (of that shape) of an elementwise op: in the operands' order of dimensions. 0: row-major. */
int wg_result_strides(const wg_array *const *x, int nx, int ndim, const int64_t *shape, int64_t *strides);

#endif
