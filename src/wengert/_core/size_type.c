/* Size, the type of x.shape: a tuple of ints that stays a Size when it is sliced, added or repeated.
 *
 * A program asks for the same few shapes again and again, and a Size never changes: those of few dimensions are kept in a
 * table, so that x.shape makes no object. */
#include "size_type.h"

static PyTypeObject size_type;

static PyObject *as_size(PyObject *t) {                          /* takes over t, which may be NULL */
    if (t == NULL) return NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(t);
    PyObject *self = size_type.tp_alloc(&size_type, n);
    for (Py_ssize_t i = 0; self && i < n; i++) {
        PyObject *item = PyTuple_GET_ITEM(t, i);
        Py_INCREF(item);
        PyTuple_SET_ITEM(self, i, item);
    }
    Py_DECREF(t);
    return self;
}

static PyObject *size_subscript(PyObject *self, PyObject *key) {
    PyObject *item = PyTuple_Type.tp_as_mapping->mp_subscript(self, key);
    return PySlice_Check(key) ? as_size(item) : item;
}

static PyObject *size_add(PyObject *a, PyObject *b) {            /* either may be any sequence */
    PyObject *left = PySequence_Tuple(a), *right = left ? PySequence_Tuple(b) : NULL;
    PyObject *both = right ? PyTuple_Type.tp_as_sequence->sq_concat(left, right) : NULL;
    Py_XDECREF(left);
    Py_XDECREF(right);
    return as_size(both);
}

static PyObject *size_repeat(PyObject *self, Py_ssize_t n) {
    PyObject *plain = PyTuple_GetSlice(self, 0, PyTuple_GET_SIZE(self));
    PyObject *repeated = plain ? PyTuple_Type.tp_as_sequence->sq_repeat(plain, n) : NULL;
    Py_XDECREF(plain);
    return as_size(repeated);
}

static PyObject *size_repr(PyObject *self) {
    PyObject *list = PySequence_List(self);
    PyObject *text = list ? PyUnicode_FromFormat("torch.Size(%R)", list) : NULL;
    Py_XDECREF(list);
    return text;
}

static PyObject *size_numel(PyObject *self, PyObject *unused) {
    (void)unused;
    PyObject *n = PyLong_FromLong(1);
    for (Py_ssize_t i = 0; n && i < PyTuple_GET_SIZE(self); i++) {
        PyObject *next = PyNumber_Multiply(n, PyTuple_GET_ITEM(self, i));
        Py_DECREF(n);
        n = next;
    }
    return n;
}

static PyObject *size_reduce(PyObject *self, PyObject *unused) {
    (void)unused;
    PyObject *plain = PySequence_List(self);
    PyObject *arguments = plain ? PyList_AsTuple(plain) : NULL;
    Py_XDECREF(plain);
    return arguments ? Py_BuildValue("(O(N))", (PyObject *)Py_TYPE(self), arguments) : NULL;
}

static PyMethodDef methods[] = {
    {"numel", size_numel, METH_NOARGS, "numel()\n--\n\nProduct of the sizes."},
    {"__reduce__", size_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyMappingMethods mapping = {.mp_subscript = size_subscript};
static PySequenceMethods sequence = {.sq_repeat = size_repeat};
static PyNumberMethods number = {.nb_add = size_add};

/* Size(sizes): what stands for an int (a tensor of one, a NumPy integer) becomes one. */
static PyObject *size_make(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *self = PyTuple_Type.tp_new(type, args, kwargs);
    for (Py_ssize_t i = 0; self && i < PyTuple_GET_SIZE(self); i++) {
        PyObject *item = PyTuple_GET_ITEM(self, i);
        if (PyLong_Check(item)) continue;
        PyObject *size = PyNumber_Index(item);
        if (size == NULL) {
            if (PyErr_ExceptionMatches(PyExc_TypeError))
                PyErr_Format(PyExc_TypeError, "torch.Size() takes an iterable of 'int' (item %zd is '%s')", i, Py_TYPE(item)->tp_name);
            Py_CLEAR(self);
            break;
        }
        PyTuple_SET_ITEM(self, i, size);         /* nobody else has seen the tuple yet */
        Py_DECREF(item);
    }
    return self;
}

static PyTypeObject size_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "wengert.Size",
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = "The shape of a tensor: a tuple of ints.",
    .tp_new = size_make,
    .tp_repr = size_repr,
    .tp_methods = methods,
    .tp_as_mapping = &mapping,
    .tp_as_sequence = &sequence,
    .tp_as_number = &number,
};

PyObject *wg_size_type(void) {
    if (size_type.tp_base == NULL) {
        size_type.tp_base = &PyTuple_Type;
        if (PyType_Ready(&size_type) < 0) return NULL;
    }
    return (PyObject *)&size_type;
}

static PyObject *size_new(const int64_t *shape, int n) {
    PyObject *self = size_type.tp_alloc(&size_type, n);
    for (int i = 0; self && i < n; i++) {
        PyObject *size = PyLong_FromLongLong(shape[i]);
        if (size == NULL) Py_CLEAR(self);
        else PyTuple_SET_ITEM(self, i, size);
    }
    return self;
}

enum { KEPT = 512, KEPT_DIMS = 4 };
static struct { PyObject *size; int64_t shape[KEPT_DIMS]; } kept[KEPT];      /* unused dimensions are -1 */

PyObject *wg_size_of(const int64_t *shape, int n) {
    if (n > KEPT_DIMS) return size_new(shape, n);
    int64_t key[KEPT_DIMS] = {-1, -1, -1, -1};
    uint64_t hash = 0;
    for (int i = 0; i < n; i++) {
        key[i] = shape[i];
        hash = (hash + (uint64_t)shape[i] + 1) * 0x9e3779b97f4a7c15u;
    }
    const size_t place = hash >> 55;                             /* the top 9 bits */
    PyObject *size = kept[place].size;
    if (size && kept[place].shape[0] == key[0] && kept[place].shape[1] == key[1] && kept[place].shape[2] == key[2] &&
        kept[place].shape[3] == key[3]) {
        Py_INCREF(size);
        return size;
    }
    size = size_new(shape, n);
    if (size == NULL) return NULL;
    Py_INCREF(size);
    for (int i = 0; i < KEPT_DIMS; i++) kept[place].shape[i] = key[i];
    Py_XSETREF(kept[place].size, size);
    return size;
}
