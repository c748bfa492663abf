/* Flat records: small elementwise operations whose tensors are dense and of one shape and float type. */
#ifndef WG_FLAT_H
#define WG_FLAT_H

#include "wg_tape.h"

enum { WG_FLAT_SPREAD = 128 };       /* up to so many elements a number is written out beside a tensor */

/* Forward and record in one go. 1: not that case, nothing happened. */
int wg_flat_apply(int opcode, const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y);

/* Records an elementwise op as a flat one if it is that. 1: it is not. */
int wg_flat_append(int opcode, const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y);

/* n times one value: a Python number (its dtype and bits), or an element of the compute type. */
void wg_flat_spread_number(char *to, int compute, int64_t n, int dtype, int64_t bits);
void wg_flat_spread_element(char *to, int compute, int64_t n, const char *from);

#endif
