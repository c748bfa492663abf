/* The type of modules that find some of their names when first asked for. */
#ifndef WG_NAMESPACE_TYPE_H
#define WG_NAMESPACE_TYPE_H

#include <Python.h>

PyObject *wg_namespace_type(void);       /* borrowed; NULL with an exception */

#endif
