/* Matrices by columns, as LAPACK takes and makes them and as PyTorch returns them. Defined in factor.c. */
#ifndef WG_OPS_COLUMNS_H
#define WG_OPS_COLUMNS_H

#include "ops.h"

#define WG_FORWARD(name) int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y)

/* Refuses what is no float32 or float64 matrix, or none that is square, in the words of the function of that name. */
int wg_check_matrices(const char *name, const wg_array *a, int square);

/* New matrices by columns. */
int wg_new_columns(wg_val *y, int dtype, int ndim, const int64_t *shape);

/* x, stretched to that shape, in new memory by columns. */
int wg_copy_columns(wg_val *y, const wg_array *x, int ndim, const int64_t *shape);

/* Makes every matrix of a the unit matrix, or as much of it as fits. */
int wg_fill_identity(wg_array *a);

#endif
