/* Size, the type of x.shape: a tuple of ints. */
#ifndef WG_SIZE_TYPE_H
#define WG_SIZE_TYPE_H

#include "wg_types.h"

#include <Python.h>

PyObject *wg_size_type(void);                                    /* borrowed; NULL with an exception */
PyObject *wg_size_of(const int64_t *shape, int n);               /* a Size of n non-negative sizes */

#endif
