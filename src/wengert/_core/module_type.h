/* The call of a module: see module_type.c. */
#ifndef WG_MODULE_TYPE_H
#define WG_MODULE_TYPE_H

#include <Python.h>

/* The type whose tp_call runs `forward` (a borrowed reference). NULL: an exception is set. */
PyObject *wg_module_base(void);

/* The attribute of an instance if it is a plain one: in its __dict__, and nothing of that name in its class. Borrowed; NULL
 * without an exception when it is not. `dict` is the instance's. */
PyObject *wg_plain_attribute(PyObject *self, PyObject *dict, PyObject *name);

#endif
