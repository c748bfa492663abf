# The tensor handle.

cdef extern from "tensor_type.h":
    int wg_type_patch(PyTypeObject *, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t) except -1
    PyObject *wg_handle_new() except NULL
    void wg_handle_track(object)
    object wg_handle_new_of(PyTypeObject *)
    void wg_type_set_constructor(object)
    int wg_type_copy_numbers(PyTypeObject *) except -1
    int wg_type_vectorcall(PyTypeObject *, Py_ssize_t) except -1
    int wg_type_add(PyTypeObject *, object, object) except -1

cdef extern from *:
    """
    #define WG_OFFSET(type, member) ((Py_ssize_t)offsetof(type, member))
    #define wg_steal(p) ((PyObject *)(p))
    """
    Py_ssize_t WG_OFFSET_T "WG_OFFSET(struct __pyx_obj_7wengert_5_core_5_core_Tensor, t)"
    Py_ssize_t WG_OFFSET_GRAD "WG_OFFSET(struct __pyx_obj_7wengert_5_core_5_core_Tensor, grad_)"
    Py_ssize_t WG_OFFSET_DICT "WG_OFFSET(struct __pyx_obj_7wengert_5_core_5_core_Tensor, dict_)"
    Py_ssize_t WG_OFFSET_WEAK "WG_OFFSET(struct __pyx_obj_7wengert_5_core_5_core_Tensor, weakrefs_)"
    Py_ssize_t WG_SIZE_T "(Py_ssize_t)sizeof(struct __pyx_obj_7wengert_5_core_5_core_Tensor)"
    object steal "wg_steal"(PyObject *)


@cython.binding(False)                   # methods that check their self: Tensor.item(5) is a TypeError
cdef class Tensor:
    """A strided array of one dtype that remembers, when asked to, how it was computed.

    Made by `wengert.tensor` and its siblings, never by calling this class. Methods and semantics are those of
    PyTorch's CPU tensors.
    """
    cdef wg_tensor t
    cdef PyObject *grad_
    cdef PyObject *dict_
    cdef PyObject *weakrefs_

    # ---- shape and type ----

    @property
    def shape(self):
        """Sizes of the dimensions, as a `Size`."""
        return make_size(&self.t.v.a)

    @property
    def dtype(self):
        """Element type."""
        return DTYPES[self.t.v.a.dtype]

    @property
    def ndim(self):
        """Number of dimensions."""
        return self.t.v.a.ndim

    def dim(self):
        """Number of dimensions."""
        return self.t.v.a.ndim

    ndimension = dim

    def numel(self):
        """Number of elements."""
        return self.t.v.a.numel

    nelement = numel

    @property
    def itemsize(self):
        """Bytes per element."""
        return wg_itemsize[self.t.v.a.dtype]

    def element_size(self):
        """Bytes per element."""
        return wg_itemsize[self.t.v.a.dtype]

    @property
    def nbytes(self):
        """Bytes that the elements take together."""
        return self.t.v.a.numel * wg_itemsize[self.t.v.a.dtype]

    def size(self, dim=None):
        """The shape, or the size of one dimension."""
        cdef int d
        if dim is None:
            return make_size(&self.t.v.a)
        check(wg_wrap_dim(dim, self.t.v.a.ndim, &d))
        if self.t.v.a.ndim == 0:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        return self.t.v.a.shape[d]

    def stride(self, dim=None):
        """Steps between neighbours along each dimension, in elements."""
        cdef int d
        if dim is None:
            return tuple([self.t.v.a.strides[i] for i in range(self.t.v.a.ndim)])
        check(wg_wrap_dim(dim, self.t.v.a.ndim, &d))
        return self.t.v.a.strides[d]

    def storage_offset(self):
        """Elements between the start of the storage and the first element."""
        return (self.t.v.a.data - self.t.v.a.storage.data) // wg_itemsize[self.t.v.a.dtype]

    def data_ptr(self):
        """Address of the first element."""
        return <size_t>self.t.v.a.data

    def is_contiguous(self, *, memory_format=None):
        """Are the elements dense, in row-major order (or in that of the format)?"""
        cdef int64_t expected = 1
        cdef int d, n = self.t.v.a.ndim
        name = getattr(memory_format, "name", None)
        if name is None or not name.startswith("channels_last"):
            return bool(self.t.v.a.contiguous)
        if n != (4 if name == "channels_last" else 5):
            return False
        for d in (1, *range(n - 1, 1, -1), 0):
            if self.t.v.a.shape[d] != 1:
                if self.t.v.a.strides[d] != expected:
                    return False
                expected *= self.t.v.a.shape[d]
        return True

    def _storage_nbytes(self):
        return self.t.v.a.storage.asked

    def _same_storage(self, Tensor other not None):
        return self.t.v.a.storage == other.t.v.a.storage

    # ---- autograd ----

    @property
    def requires_grad(self):
        """Does a gradient flow to this tensor?"""
        return has_edge(self)

    @requires_grad.setter
    def requires_grad(self, bint value):
        if value and not self.is_leaf:                     # requires_grad_() lets that pass
            raise RuntimeError("you can only change requires_grad flags of leaf variables.")
        set_requires_grad(self, value)

    def requires_grad_(self, bint requires_grad=True):
        """Sets `requires_grad` of a leaf; returns self."""
        set_requires_grad(self, requires_grad)
        return self

    @property
    def is_leaf(self):
        """Was it made by the user, or without a gradient, rather than by a recorded operation?"""
        return not has_edge(self) or self.t.v.edge.node.kind == WG_NODE_LEAF

    @property
    def grad(self):
        """The accumulated gradient of a leaf, or of a tensor with `retain_grad`; None before the first backward."""
        if self.grad_ == NULL:
            if not self.is_leaf and not self.retains_grad:
                warn_non_leaf_grad()
            return None
        return <object>self.grad_

    @grad.setter
    def grad(self, value):
        set_grad(self, value)

    @grad.deleter
    def grad(self):
        set_grad(self, None)

    @property
    def grad_fn(self):
        """The record that computed this tensor, or None."""
        if not has_edge(self) or self.t.v.edge.node.kind == WG_NODE_LEAF:
            return None
        return make_node(self.t.v.edge)

    @property
    def output_nr(self):
        """Which output of `grad_fn` this is."""
        return self.t.v.edge.out if has_edge(self) else 0

    @property
    def _version(self):
        if self.t.v.version.inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        return self.t.v.version.value

    def is_inference(self):
        """Is its memory from inference mode? Such a tensor cannot be saved for backward, or be written outside that mode."""
        return bool(self.t.v.version.inference)

    @property
    def data(self):
        """The same memory without history, with a version counter of its own: writes through it are not checked."""
        return share_memory(self, True)

    @data.setter
    def data(self, value):
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        set_data(self, <Tensor>value)

    def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
        """Accumulates the gradient of this tensor into the ``.grad`` of leaves.

        Args:
            gradient: the cotangent, of this tensor's shape; None means 1 for a tensor of one element. One that this
                tensor's shape broadcasts to is summed down to it: each of its elements weighs a copy of this tensor.
            retain_graph: keep what was saved for another backward; default: as ``create_graph``.
            create_graph: record the backward itself, for higher derivatives.
            inputs: tensors to accumulate into, instead of all leaves.

        Raises:
            RuntimeError: no gradient flows to this tensor, shapes do not fit, or the graph was already spent.
        """
        tensor_backward(self, gradient, retain_graph, create_graph, inputs)

    def _is_view(self):
        return bool(self.t.view_flags & WG_VIEW_IS_VIEW) and self.t.group.owner != &self.t

    @property
    def _base(self):
        """Of a view: the tensor whose window it shows; else None."""
        return _base(self)

    # ---- numbers ----

    def item(self):
        """The value of a tensor of one element, as a Python number.

        Raises:
            RuntimeError: it has no or several elements.
        """
        return item_of(self)

    def numpy(self, *, force=False):
        """An ndarray on the same memory.

        Raises:
            RuntimeError: it requires grad and ``force`` is False.
        """
        if has_edge(self) and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return to_numpy(self)

    def __float__(self):
        return float(item_of(self))

    def __int__(self):
        if self.t.v.a.dtype == WG_I64 and self.t.v.a.numel == 1:
            return (<int64_t *>self.t.v.a.data)[0]
        return int(item_of(self))

    def __index__(self):
        if self.t.v.a.numel != 1 or WG_IS_FLOAT(self.t.v.a.dtype):
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(item_of(self))

    def __bool__(self):
        if self.t.v.a.numel == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        if self.t.v.a.numel > 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(item_of(self))

    def __len__(self):
        if self.t.v.a.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.t.v.a.shape[0]

    def __repr__(self):
        return python_repr(self)

    def __iter__(self):
        if self.t.v.a.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element):
        if isinstance(element, (Tensor, int, float, bool)):
            return bool((self == element).any().item())
        raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")

    def __hash__(self):
        return (<size_t><PyObject *>self) >> 4

    def __getitem__(self, key):
        return get_item(self, key)

    def __setitem__(self, key, value):
        set_item(self, key, value)

    def __delitem__(self, key):
        raise TypeError("Tensor does not support deleting items")

    # ---- the buffer protocol: no copy, read-only when the memory is ----

    def __getbuffer__(self, Py_buffer *view, int flags):
        fill_buffer(self, view, flags)

    def __releasebuffer__(self, Py_buffer *view):
        release_filled(view)

    # ---- operators: the hot slots are replaced by C functions at import (operators.pxi) ----

    def __add__(self, other):
        return binary(OP_ADD, self, other)

    def __radd__(self, other):
        return binary(OP_ADD, other, self)

    def __sub__(self, other):
        return binary(OP_SUB, self, other)

    def __rsub__(self, other):
        return binary(OP_SUB, other, self)

    def __mul__(self, other):
        return binary(OP_MUL, self, other)

    def __rmul__(self, other):
        return binary(OP_MUL, other, self)

    def __truediv__(self, other):
        return binary(OP_DIV, self, other)

    def __rtruediv__(self, other):
        return binary(OP_DIV, other, self)

    def __floordiv__(self, other):
        return binary(OP_FLOORDIV, self, other)

    def __rfloordiv__(self, other):
        return binary(OP_FLOORDIV, other, self)

    def __mod__(self, other):
        return binary(OP_REMAINDER, self, other)

    def __rmod__(self, other):
        return binary(OP_REMAINDER, other, self)

    def __pow__(self, other, modulo):
        return power(self, other)

    def __rpow__(self, other, modulo):
        return binary(OP_POW, other, self)

    def __matmul__(self, other):
        return product(self, other)

    def __rmatmul__(self, other):
        return product(other, self)

    def __and__(self, other):
        return binary(OP_AND, self, other)

    def __rand__(self, other):
        return binary(OP_AND, other, self)

    def __or__(self, other):
        return binary(OP_OR, self, other)

    def __ror__(self, other):
        return binary(OP_OR, other, self)

    def __xor__(self, other):
        return binary(OP_XOR, self, other)

    def __rxor__(self, other):
        return binary(OP_XOR, other, self)

    def __lshift__(self, other):
        return binary(OP_LSHIFT, self, other)

    def __rlshift__(self, other):
        return binary(OP_LSHIFT, other, self)

    def __rshift__(self, other):
        return binary(OP_RSHIFT, self, other)

    def __rrshift__(self, other):
        return binary(OP_RSHIFT, other, self)

    def __neg__(self):
        return unary(OP_NEG, self)

    def __pos__(self):
        return apply_one(OP_ALIAS, self, NULL)

    def __abs__(self):
        return unary(OP_ABS, self)

    def __invert__(self):
        cdef bint logical = isinstance(self, Tensor) and (<Tensor>self).t.v.a.dtype == WG_BOOL
        return unary(OP_LOGICAL_NOT if logical else OP_NOT, self)

    def __iadd__(self, other):
        return inplace(OP_ADD, self, other)

    def __isub__(self, other):
        return inplace(OP_SUB, self, other)

    def __imul__(self, other):
        return inplace(OP_MUL, self, other)

    def __itruediv__(self, other):
        return inplace(OP_DIV, self, other)

    def __ifloordiv__(self, other):
        return inplace(OP_FLOORDIV, self, other)

    def __imod__(self, other):
        return inplace(OP_REMAINDER, self, other)

    def __ipow__(self, other):
        return power_inplace(self, other)

    def __iand__(self, other):
        return inplace(OP_AND, self, other)

    def __ior__(self, other):
        return inplace(OP_OR, self, other)

    def __ixor__(self, other):
        return inplace(OP_XOR, self, other)

    def __ilshift__(self, other):
        return inplace(OP_LSHIFT, self, other)

    def __irshift__(self, other):
        return inplace(OP_RSHIFT, self, other)

    def __richcmp__(self, other, int op):
        return compare(self, other, op)


wg_type_patch(<PyTypeObject *>Tensor, WG_OFFSET_T, WG_OFFSET_GRAD, WG_OFFSET_DICT, WG_OFFSET_WEAK, WG_SIZE_T)


cdef inline Tensor new_tensor():
    """A fresh handle that owns nothing."""
    cdef PyObject *p = wg_handle_new()
    cdef Tensor result = <Tensor>p
    Py_DECREF(result)
    return result


cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT_ "Py_REFCNT"(PyObject *)


cdef inline Tensor handle_of(void *t):
    """The handle that a ``wg_tensor`` is part of; None where there is none, or where it is dying (the slots of a subclass run first)."""
    if t == NULL:
        return None
    cdef PyObject *handle = <PyObject *>(<char *>t - WG_OFFSET_T)
    return <Tensor>handle if Py_REFCNT_(handle) else None


cdef inline Tensor wrap(wg_val *v):
    """A handle that takes over ``v``."""
    cdef Tensor result = new_tensor()
    wg_val_move(&result.t.v, v)
    return result


cdef object python_repr = object.__repr__

def _set_constructor(function):
    """What ``Tensor(...)`` calls, with the class as first argument."""
    wg_type_set_constructor(function)


def _set_repr(function):
    """What repr() and str() of a tensor call."""
    global python_repr
    python_repr = function


def _add_method(str name not None, value):
    """Gives Tensor a method or property that is written in Python."""
    wg_type_add(<PyTypeObject *>Tensor, name, value)
