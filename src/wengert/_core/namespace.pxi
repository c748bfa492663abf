# Namespace: the type of modules with __getattr__ (namespace_type.c).

cdef extern from "namespace_type.h":
    PyObject *wg_namespace_type() except NULL

Namespace = <object>wg_namespace_type()
