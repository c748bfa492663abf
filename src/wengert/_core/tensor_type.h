/* The life cycle of the tensor type: see tensor_type.c. */
#ifndef WG_TENSOR_TYPE_H
#define WG_TENSOR_TYPE_H

#include <Python.h>

#include "wg_views.h"

/* Patches the type that Cython made, before any subclass or instance exists. -1: sizes disagree. */
int wg_type_patch(PyTypeObject *type, Py_ssize_t tensor, Py_ssize_t grad, Py_ssize_t dict, Py_ssize_t weakrefs, Py_ssize_t size);
PyObject *wg_handle_new(void);           /* a fresh handle: value clear, no grad, no dict; NULL with MemoryError set */
PyObject *wg_handle_new_of(PyTypeObject *type);     /* of a subclass */
void wg_type_set_constructor(PyObject *function);
void wg_handle_track(PyObject *self);    /* it may now be part of a cycle */
int wg_type_copy_numbers(PyTypeObject *type);      /* a subclass inherits the C number slots it does not override */
int wg_type_add(PyTypeObject *type, PyObject *name, PyObject *value);   /* a method written in Python */
int wg_type_vectorcall(PyTypeObject *type, Py_ssize_t offset);   /* instances are called through a field */
void wg_type_constructor(PyTypeObject *type, vectorcallfunc constructor);   /* what calling the type itself does */

#endif
