/* The type of modules that find some of their names when first asked for.
 *
 * Python specialises `torch.cos` to a load from a known place of the module's dict, but not in modules that define
 * __getattr__, though a name that is there never gets to it: those look through the type, its bases and their descriptors
 * first, 17 ns of every call written so. A module of this type looks into its dict first. Names that begin with "_" go the
 * usual way (a module's type has attributes of that kind, and none else), and so do those that are not in the dict. */
#include "namespace_type.h"

static PyObject *namespace_getattro(PyObject *self, PyObject *name) {
    if (PyUnicode_GET_LENGTH(name) && PyUnicode_READ_CHAR(name, 0) != '_') {
        PyObject *dict = *(PyObject **)((char *)self + PyModule_Type.tp_dictoffset);      /* PyModule_GetDict, without its checks */
        PyObject *value = PyDict_GetItemWithError(dict, name);
        if (value) return Py_NewRef(value);
        if (PyErr_Occurred()) return NULL;
    }
    return PyModule_Type.tp_getattro(self, name);
}

static PyTypeObject namespace_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "wengert._core.Namespace",
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = "A module that finds some of its names by __getattr__, and the others as fast as if it had none.",
    .tp_getattro = namespace_getattro,
};

PyObject *wg_namespace_type(void) {
    namespace_type.tp_base = &PyModule_Type;
    return PyType_Ready(&namespace_type) < 0 ? NULL : (PyObject *)&namespace_type;
}
