/* What nn.Module inherits its __call__ from.
 *
 * In Python, __call__(self, *args, **kwargs) costs a frame, a tuple, a dict and two attribute searches, 200 ns of the 350
 * that a small layer may take. The meaning is the same:
 *
 *     if self._hooked: return self._call_impl(*args, **kwargs)
 *     return self.forward(*args, **kwargs)
 */
#include "module_type.h"

static PyObject *name_forward, *name_hooked, *name_call_impl;

enum { FEW = 8 };

static PyObject *call_general(PyObject *self, PyObject *name, PyObject *args, PyObject *kwargs) {
    PyObject *method = PyObject_GetAttr(self, name);
    if (method == NULL) return NULL;
    PyObject *result = PyObject_Call(method, args, kwargs);
    Py_DECREF(method);
    return result;
}

static PyObject *module_call(PyObject *self, PyObject *args, PyObject *kwargs) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject *dict = PyObject_GenericGetDict(self, NULL);
    if (dict == NULL) return NULL;
    PyObject *hooked = PyDict_GetItemWithError(dict, name_hooked);
    if (hooked == NULL && !PyErr_Occurred()) hooked = _PyType_Lookup(type, name_hooked);
    PyObject *own = hooked == Py_False ? PyDict_GetItemWithError(dict, name_forward) : NULL;
    Py_DECREF(dict);
    if (PyErr_Occurred()) return NULL;
    if (hooked != Py_False) return call_general(self, name_call_impl, args, kwargs);

    PyObject *forward = _PyType_Lookup(type, name_forward);
    const Py_ssize_t n = PyTuple_GET_SIZE(args);
    if (own || forward == NULL || n >= FEW || (kwargs && PyDict_GET_SIZE(kwargs)) ||
        !PyType_HasFeature(Py_TYPE(forward), Py_TPFLAGS_METHOD_DESCRIPTOR))
        return call_general(self, name_forward, args, kwargs);
    PyObject *stack[FEW];
    stack[0] = self;
    for (Py_ssize_t i = 0; i < n; i++) stack[1 + i] = PyTuple_GET_ITEM(args, i);
    Py_INCREF(forward);
    PyObject *result = PyObject_Vectorcall(forward, stack, (size_t)n + 1, NULL);
    Py_DECREF(forward);
    return result;
}

PyObject *wg_plain_attribute(PyObject *self, PyObject *dict, PyObject *name) {
    return _PyType_Lookup(Py_TYPE(self), name) ? NULL : PyDict_GetItemWithError(dict, name);
}

static PyTypeObject module_base = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "wengert._core.ModuleBase",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = "Calls `forward`, or `_call_impl` where `_hooked` is true.",
    .tp_call = module_call,
};

PyObject *wg_module_base(void) {
    if (name_forward == NULL) {
        name_forward = PyUnicode_InternFromString("forward");
        name_hooked = PyUnicode_InternFromString("_hooked");
        name_call_impl = PyUnicode_InternFromString("_call_impl");
        module_base.tp_new = PyBaseObject_Type.tp_new;       /* object.__new__(cls) stays allowed */
        if (name_forward == NULL || name_hooked == NULL || name_call_impl == NULL || PyType_Ready(&module_base) < 0) return NULL;
    }
    return (PyObject *)&module_base;
}
