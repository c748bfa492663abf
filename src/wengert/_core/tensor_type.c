/* The life cycle of the tensor type. Everything else about it is in tensor.pxi.
 *
 * Note [One type, lazily heavy]
 * Users set attributes on tensors, key weak dictionaries with them, hang hooks on them and subclass them, so the type
 * has a dict, weak references and garbage collection. Cython would pay for all of that on every result of every
 * operation (45 ns against 22). So the type is made without, and patched here before anyone sees it: the dict is made
 * on first use, a handle is tracked by the collector only from its first Python reference (dict or hook) on, and dead
 * handles are kept in a free list. A handle without a dict can only be part of a cycle through its .grad (a tensor
 * itself) or a record's Python object, which hold no handle strongly. */
#include "tensor_type.h"

#include <string.h>

#include "wg_storage.h"

static PyTypeObject *tensor_type;
static Py_ssize_t at_tensor, at_grad, at_dict, at_weakrefs;

#define FIELD(self, offset, type) (*(type *)((char *)(self) + (offset)))

enum { FREE_MAX = 4096 };
static PyObject *free_handles[FREE_MAX];
static int nfree;

static void reset(PyObject *self) {
    wg_tensor *t = &FIELD(self, at_tensor, wg_tensor);
    t->group = NULL;
    t->generation = 0;
    t->view_flags = 0;
    t->tracked = 0;
    wg_val_clear(&t->v);
    FIELD(self, at_grad, PyObject *) = NULL;
    FIELD(self, at_dict, PyObject *) = NULL;
    FIELD(self, at_weakrefs, PyObject *) = NULL;
}

PyObject *wg_handle_new(void) {
    PyObject *self;
    if (nfree) {
        self = free_handles[--nfree];                        /* it was released: all pointers in it are NULL */
        Py_SET_REFCNT(self, 1);
        wg_tensor *t = &FIELD(self, at_tensor, wg_tensor);
        t->generation = 0;
        t->view_flags = 0;
        return self;
    }
    self = PyObject_GC_New(PyObject, tensor_type);
    wg_pool.system_allocations++;
    if (self) reset(self);
    return self;
}

PyObject *wg_handle_new_of(PyTypeObject *type) {
    PyObject *self = type->tp_alloc(type, 0);
    if (self) reset(self);
    return self;
}

static PyObject *constructor;            /* called as constructor(type, *args, **kwargs): no handle without memory escapes */

void wg_type_set_constructor(PyObject *function) {
    Py_INCREF(function);
    Py_XSETREF(constructor, function);
}

static PyObject *tensor_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (constructor == NULL) {
        PyErr_SetString(PyExc_TypeError, "tensors are made by wengert.tensor");
        return NULL;
    }
    PyObject *first = PyTuple_Pack(1, (PyObject *)type);
    PyObject *all = first ? PySequence_Concat(first, args) : NULL;
    PyObject *self = all ? PyObject_Call(constructor, all, kwargs) : NULL;
    Py_XDECREF(first);
    Py_XDECREF(all);
    return self;
}

void wg_handle_track(PyObject *self) {
    FIELD(self, at_tensor, wg_tensor).tracked = 1;
    if (!PyObject_GC_IsTracked(self)) PyObject_GC_Track(self);
}

/* Note [Cycles through the tape]
 * A hook that mentions its own tensor, or a Function that keeps its output in its context, closes a cycle through a
 * record or leaf: handle -> node -> Ext -> ... -> handle. The collector sees it where the handle alone holds the node, which
 * is so once everything computed from it is gone. (A cycle by way of several records is not found, as in PyTorch.) */
static PyObject *own_ext(PyObject *self) {
    const wg_node *n = FIELD(self, at_tensor, wg_tensor).v.edge.node;
    if (n == NULL || n->refs != 1) return NULL;
    return n->kind == WG_NODE_LEAF ? ((const wg_leaf *)n)->ext : ((const wg_rec *)n)->ext;
}

/* The type is no heap type: subtype_traverse visits the types of subclasses' instances, and must be the only one to. */
static int tensor_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(FIELD(self, at_grad, PyObject *));
    Py_VISIT(FIELD(self, at_dict, PyObject *));
    Py_VISIT(own_ext(self));
    return 0;
}

static void clear_fields(PyObject *self) {
    Py_CLEAR(FIELD(self, at_grad, PyObject *));
    Py_CLEAR(FIELD(self, at_dict, PyObject *));
}

static int tensor_clear(PyObject *self) {
    clear_fields(self);
    if (own_ext(self)) wg_tensor_set_edge(&FIELD(self, at_tensor, wg_tensor), (wg_edge){0});
    return 0;
}

static void release(PyObject *self) {
    if (FIELD(self, at_weakrefs, PyObject *)) PyObject_ClearWeakRefs(self);
    clear_fields(self);
    wg_tensor_release(&FIELD(self, at_tensor, wg_tensor));
    if (Py_TYPE(self) == tensor_type && nfree < FREE_MAX) free_handles[nfree++] = self;
    else Py_TYPE(self)->tp_free(self);
}

/* A plain handle that Python never hung anything on: nothing but its value is to be let go. */
WG_INLINE int is_bare(PyObject *self, const wg_tensor *t) {
    const uintptr_t hung = (uintptr_t)FIELD(self, at_grad, PyObject *) | (uintptr_t)FIELD(self, at_dict, PyObject *) |
                           (uintptr_t)FIELD(self, at_weakrefs, PyObject *) | (uintptr_t)t->group | t->tracked;
    return hung == 0 && Py_IS_TYPE(self, tensor_type) && nfree < FREE_MAX;
}

static void tensor_dealloc(PyObject *self) {
    wg_tensor *t = &FIELD(self, at_tensor, wg_tensor);
    if (WG_LIKELY(is_bare(self, t))) {
        wg_storage *storage = t->v.a.storage;
        wg_version *version = t->v.version;
        wg_node *node = t->v.edge.node;
        t->v.version = NULL;
        t->v.edge.node = NULL;
        t->v.a.storage = NULL;
        wg_leaf_forget(node, t);                             /* first: what follows may run anything, a sweep too */
        if (WG_LIKELY(version != NULL)) wg_version_drop(version);
        if (WG_LIKELY(storage != NULL)) wg_storage_drop(storage);
        if (node) wg_node_drop(node);
        if (WG_LIKELY(nfree < FREE_MAX)) free_handles[nfree++] = self;
        else Py_TYPE(self)->tp_free(self);
        return;
    }
    if (t->tracked || Py_TYPE(self) != tensor_type) {        /* instances of subclasses are tracked from their birth */
        if (PyObject_GC_IsTracked(self)) PyObject_GC_UnTrack(self);
        t->tracked = 0;
    }
    wg_tensor_forget(t);                                     /* first: weak references and attributes may run anything, too */
    if (FIELD(self, at_grad, PyObject *) == NULL && FIELD(self, at_dict, PyObject *) == NULL) { release(self); return; }
    Py_TRASHCAN_BEGIN(self, tensor_dealloc)                  /* x.grad = y; y.grad = z; ... a million times */
    release(self);
    Py_TRASHCAN_END
}

static int tensor_setattro(PyObject *self, PyObject *name, PyObject *value) {
    int status = PyObject_GenericSetAttr(self, name, value);
    if (FIELD(self, at_dict, PyObject *)) wg_handle_track(self);
    return status;
}

static PyObject *get_dict(PyObject *self, void *unused) {
    PyObject *dict = PyObject_GenericGetDict(self, unused);
    if (dict) wg_handle_track(self);
    return dict;
}

static PyGetSetDef dict_getset = {"__dict__", get_dict, PyObject_GenericSetDict, NULL, NULL};

int wg_type_patch(PyTypeObject *type, Py_ssize_t tensor, Py_ssize_t grad, Py_ssize_t dict, Py_ssize_t weakrefs, Py_ssize_t size) {
    if (type->tp_basicsize != size || type->tp_itemsize != 0) {
        PyErr_Format(PyExc_ImportError, "wengert: the tensor type has %zd bytes, expected %zd", type->tp_basicsize, size);
        return -1;
    }
    tensor_type = type;
    type->tp_name = "wengert.Tensor";
    at_tensor = tensor; at_grad = grad; at_dict = dict; at_weakrefs = weakrefs;
    type->tp_flags |= Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE;
    type->tp_new = tensor_new;
    type->tp_vectorcall = NULL;                           /* Cython's own shortcut to its own tp_new */
    type->tp_dealloc = tensor_dealloc;
    type->tp_traverse = tensor_traverse;
    type->tp_clear = tensor_clear;
    type->tp_setattro = tensor_setattro;
    type->tp_free = PyObject_GC_Del;
    type->tp_alloc = PyType_GenericAlloc;
    type->tp_dictoffset = dict;
    type->tp_weaklistoffset = weakrefs;
    PyObject *descriptor = PyDescr_NewGetSet(type, &dict_getset);
    if (descriptor == NULL) return -1;
    int status = PyDict_SetItemString(type->tp_dict, "__dict__", descriptor);
    Py_DECREF(descriptor);
    PyType_Modified(type);
    return status;
}

int wg_type_copy_numbers(PyTypeObject *type) {
    /* type_new gave the subclass slots that look __mul__ up in Python; where the subclass inherits it unchanged the C
     * function does the same at a sixth of the cost. */
    PyNumberMethods *base = tensor_type->tp_as_number, *own = type->tp_as_number;
    if (own == NULL || own == base) return 0;
#define COPY(slot, name) { \
        PyObject *key = PyUnicode_InternFromString(name), *mine, *theirs; \
        if (key == NULL) return -1; \
        mine = _PyType_Lookup(type, key); theirs = _PyType_Lookup(tensor_type, key); \
        Py_DECREF(key); \
        if (mine == theirs && base->slot) own->slot = base->slot; }
#define COPY2(slot, name, reflected) { \
        PyObject *key = PyUnicode_InternFromString(name), *rkey = PyUnicode_InternFromString(reflected); \
        if (key == NULL || rkey == NULL) { Py_XDECREF(key); Py_XDECREF(rkey); return -1; } \
        if (_PyType_Lookup(type, key) == _PyType_Lookup(tensor_type, key) && \
            _PyType_Lookup(type, rkey) == _PyType_Lookup(tensor_type, rkey) && base->slot) own->slot = base->slot; \
        Py_DECREF(key); Py_DECREF(rkey); }
    COPY2(nb_add, "__add__", "__radd__") COPY2(nb_subtract, "__sub__", "__rsub__") COPY2(nb_multiply, "__mul__", "__rmul__")
    COPY2(nb_true_divide, "__truediv__", "__rtruediv__") COPY2(nb_matrix_multiply, "__matmul__", "__rmatmul__")
    COPY(nb_negative, "__neg__") COPY(nb_absolute, "__abs__")
#undef COPY
#undef COPY2
    return 0;
}

int wg_type_vectorcall(PyTypeObject *type, Py_ssize_t offset) {
    type->tp_vectorcall_offset = offset;
    type->tp_call = PyVectorcall_Call;
    type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR;
    PyType_Modified(type);
    return 0;
}

void wg_type_constructor(PyTypeObject *type, vectorcallfunc constructor) {
    type->tp_vectorcall = constructor;
    PyType_Modified(type);
}

int wg_type_add(PyTypeObject *type, PyObject *name, PyObject *value) {
    Py_INCREF(name);
    PyUnicode_InternInPlace(&name);                       /* as the names in code are: a look-up compares addresses first */
    const int status = PyDict_SetItem(type->tp_dict, name, value);
    Py_DECREF(name);
    if (status == 0) PyType_Modified(type);
    return status;
}
