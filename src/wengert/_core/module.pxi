# What nn takes from the core: the call of a module, and forward functions of layers that are one operation.

cdef extern from "module_type.h":
    PyObject *wg_module_base() except NULL
    PyObject *wg_plain_attribute(object, object, object) except? NULL

cdef extern from "Python.h":
    object PyObject_GenericGetDict(object, void *)

ModuleBase = <object>wg_module_base()


cdef enum:
    MOST_GIVEN = 8                  # tensors and attributes

@cython.final
cdef class Forward(Wrapper):
    """`forward` of a layer that is one operation on its inputs and some of its attributes.

    Made by `forward_of`; calls with anything but so many tensors, or where an attribute is no plain one (a property, a
    parametrization), run the Python function that it decorates.
    """
    cdef Op op
    cdef int tensors                # inputs
    cdef tuple names                # attributes passed by position
    cdef tuple keywords             # and the rest of them, by their own names; or None
    cdef str unless                 # an attribute that must be False, or None


cdef object forward_vectorcall(object self, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef Forward f = <Forward>self
    cdef PyObject *given[MOST_GIVEN]
    cdef Py_ssize_t i, n = len(f.names), tensors = f.tensors
    cdef PyObject *value
    cdef bint plain = PyVectorcall_NARGS(nargsf) == 1 + tensors and kwnames == NULL
    for i in range(tensors if plain else 0):
        plain = plain and isinstance(<object>args[1 + i], Tensor)
        given[i] = args[1 + i]
    if not plain:
        return PyObject_Vectorcall(f.function, args, nargsf, kwnames)
    if n or f.unless is not None:
        attributes = PyObject_GenericGetDict(<object>args[0], NULL)
        if f.unless is not None and wg_plain_attribute(<object>args[0], attributes, f.unless) != <PyObject *>False:
            return PyObject_Vectorcall(f.function, args, nargsf, kwnames)
        for i in range(n):
            value = wg_plain_attribute(<object>args[0], attributes, <object>PyTuple_GET_ITEM_(f.names, i))
            if value == NULL:
                return PyObject_Vectorcall(f.function, args, nargsf, kwnames)
            given[tensors + i] = value
    for i in range(n):                                      # another thread, or an attribute's __index__, may replace them meanwhile
        Py_INCREF(<object>given[tensors + i])
    try:
        if f.keywords is not None:
            return op_call(f.op, given, tensors + n - PyTuple_GET_SIZE_(f.keywords), <PyObject *>f.keywords)
        return op_call(f.op, given, tensors + n, NULL)
    finally:
        for i in range(n):
            Py_DECREF(<object>given[tensors + i])


wg_type_vectorcall(<PyTypeObject *>Forward, WG_OFFSET_WRAPPER)

def forward_of(Op op not None, *names, keywords=(), unless=None, int tensors=1):
    """Decorates ``forward(self, input)`` that returns ``op(input, self.<name>, ..., <keyword>=self.<keyword>, ...)``: calls skip
    Python's frame. ``tensors``: how many inputs there are. Where the attribute ``unless`` is true, the function itself runs."""
    if tensors + len(names) + len(keywords) > MOST_GIVEN:
        raise ValueError(f"forward_of() takes at most {MOST_GIVEN} tensors and names, got {tensors + len(names) + len(keywords)}")

    def decorate(function):
        cdef Forward f = Forward.__new__(Forward)
        f.vectorcall = forward_vectorcall
        f.op = op
        f.tensors = tensors
        f.names = tuple(names) + tuple(keywords)
        f.keywords = tuple(keywords) if keywords else None
        f.unless = unless
        f.function = function
        return f
    return decorate
