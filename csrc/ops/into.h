/* In-place forms of rows that change few elements of a large array: x[index] = value must not copy all of x. */
#ifndef WG_INTO_H
#define WG_INTO_H

#include "../wg_op.h"

/* y already holds the values of x[0], of the row's result shape and x[0]'s dtype; the row's other arguments are x[1],
 * ... and attr, checked as wg_forward_<row> does. Nothing is written when this fails. y shares memory with none of them
 * but x[0], which is not read, and the source of copy_into where it is the very same window. */
typedef int (*wg_into_fn)(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr);

/* NULL: the row has no such form; compute beside and copy over. */
wg_into_fn wg_op_into(int opcode);

int wg_into_copy_into(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr);
int wg_into_fill(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr);
int wg_into_fill_tensor(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr);
int wg_into_zero(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr);
int wg_into__index_put(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr);
int wg_into_scatter(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr);
int wg_into_scatter_value(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr);
int wg_into_scatter_add(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr);
int wg_into_index_add(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr);
int wg_into_index_copy(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr);
int wg_into_index_fill(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr);
int wg_into_put(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr);
int wg_into_masked_scatter(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr);

#endif
