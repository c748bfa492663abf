# Functions that make tensors from sizes: zeros, full, rand, zeros_like, x.new_zeros and their siblings.

cdef enum:
    FROM_SIZES                           # zeros(2, 3), rand((2, 3))
    FROM_TENSOR                          # zeros_like(x)
    FROM_METHOD                          # x.new_zeros(2, 3)

cdef object CPU_DEVICE = None            # types.CPU
cdef object default_generator = None     # random.default_generator

def _set_factory_defaults(cpu=None, generator=None):
    """What factories take for ``device`` (its type stands for any name of the CPU) and ``generator``, once these exist."""
    global CPU_DEVICE, default_generator
    if cpu is not None:
        CPU_DEVICE = cpu
    if generator is not None:
        default_generator = generator


cdef struct making:                      # what one call asks for
    int dtype                            # -1: the default
    bint requires_grad
    int ndim
    const int64_t *shape
    int64_t sizes[24]
    PyObject *generator


@cython.final
cdef class Factory(Wrapper):
    """A function that makes tensors. Calls with plain sizes, and no options but dtype, device, requires_grad and generator, are
    done here; the Python function does the others, and raises for what is wrong."""
    cdef int source, kernel              # kernel: of random numbers, or -1
    cdef bint valued                     # takes a value after the sizes
    cdef object value                    # else what to fill with; None: nothing
    cdef wg_attr numbers[2]              # of the random kernel


cdef bint plain_sizes(making *m, PyObject *const *items, Py_ssize_t n) except -1:
    """Sizes that are ints, separate or in one tuple or list."""
    cdef Py_ssize_t i
    cdef int overflow = 0
    if n == 1 and (PyTuple_Check_(<object>items[0]) or PyList_CheckExact(<object>items[0])):
        n = PySequence_Fast_GET_SIZE(<object>items[0])
        items = PySequence_Fast_ITEMS(<object>items[0])
    elif n == 0:
        return False
    if n > WG_MAX_DIMS:
        return False
    for i in range(n):
        if not PyLong_CheckExact(<object>items[i]):
            return False
        m.sizes[i] = PyLong_AsLongLongAndOverflow(<object>items[i], &overflow)
        if overflow or m.sizes[i] < 0:
            return False
    m.ndim = <int>n
    m.shape = m.sizes
    return True


cdef bint plain_options(making *m, PyObject *const *values, object names) except -1:
    """The options that are understood here; False for any other."""
    cdef Py_ssize_t k
    for k in range(PyTuple_GET_SIZE_(names)):
        name, value = <object>PyTuple_GET_ITEM_(names, k), <object>values[k]
        if name == "dtype":
            if value is not None:
                if type(value) is not dtype:
                    return False
                m.dtype = (<dtype>value).code
        elif name == "requires_grad":
            if value is not True and value is not False:
                return False
            m.requires_grad = value is True
        elif name == "device":
            if value is not None and value is not CPU_DEVICE and value != "cpu" and not (type(value) is type(CPU_DEVICE) and value.type == "cpu"):
                return False
        elif name == "generator":
            if value is not None:
                if type(value) is not Generator:
                    return False
                m.generator = <PyObject *>value
        else:
            return False
    return True


cdef object factory_vectorcall(object self, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef Factory f = <Factory>self
    cdef Py_ssize_t nargs = PyVectorcall_NARGS(nargsf), first = 0, last = nargs
    cdef making m
    cdef Tensor like
    cdef object value = f.value
    cdef bint plain = not wg_mode & WG_MODE_FUNCTION
    m.dtype = -1
    m.requires_grad = False
    m.generator = <PyObject *>default_generator
    if f.source != FROM_SIZES and plain:
        plain = nargs > 0 and isinstance(<object>args[0], Tensor) and is_plain(<object>args[0])
        if plain:
            like = <Tensor><object>args[0]
            m.dtype = like.t.v.a.dtype
            first = 1
    if f.valued and plain:
        last = nargs - 1
        plain = last >= first
        if plain:
            value = <object>args[last]
            plain = PyFloat_CheckExact(value) or PyLong_CheckExact(value) or PyBool_Check(value)
            if f.source == FROM_SIZES:
                m.dtype = WG_BOOL if PyBool_Check(value) else WG_I64 if PyLong_Check(value) else -1
    if plain:
        if f.source == FROM_TENSOR:
            plain = first == last and like.t.v.a.contiguous
            m.ndim = like.t.v.a.ndim
            m.shape = like.t.v.a.shape
        else:
            plain = (not f.valued or last - first == 1) and plain_sizes(&m, args + first, last - first)
    if plain and kwnames != NULL:
        plain = plain_options(&m, args + nargs, <object>kwnames)
    if not plain or (m.generator == NULL and f.kernel >= 0):
        return PyObject_Vectorcall(f.function, args, nargsf, kwnames)
    return made(f, &m, value)


cdef Tensor made(Factory f, making *m, object value):
    cdef Tensor t = new_tensor()
    cdef wg_array *operand[2]
    cdef wg_attr attr[1]
    if wg_new(&t.t.v, wg_default_dtype if m.dtype < 0 else m.dtype, m.ndim, m.shape) < 0:
        fail()
    operand[0] = &t.t.v.a
    if f.kernel >= 0:
        operand[1] = &(<Generator>m.generator).v.a
        check(wg_launch(f.kernel, operand, 2, f.numbers, 2))
        wg_tensor_touched(&t.t, 0xffff)
    elif value is not None:
        set_attr_number(attr, value)
        check(wg_check_fits(attr[0], t.t.v.a.dtype))
        check(wg_launch(WG_K_fill, operand, 1, attr, 1))
    return _require_grad(t) if m.requires_grad else t


wg_type_vectorcall(<PyTypeObject *>Factory, WG_OFFSET_WRAPPER)


def factory(str source not None, fill=None, *, bint valued=False, random=None):
    """Decorates a function that makes tensors, so that its usual calls are done in C.

    Args:
        source: where sizes (and with the last two the dtype) come from: "sizes" given as ints or one sequence, the "tensor" that
            is the first argument, or "method": sizes after a tensor.
        fill: a number to fill with, or None. valued: the last argument by position is that number; without a tensor it also
            decides the dtype. random: (name of a kernel, its two numbers) instead of a value.
    """
    def decorate(function):
        cdef Factory f = Factory.__new__(Factory)
        f.vectorcall = factory_vectorcall
        f.function = function
        f.source = ("sizes", "tensor", "method").index(source)
        f.value = fill
        f.valued = valued
        f.kernel = -1
        if random is not None:
            f.kernel = RANDOM_KERNELS[random[0]]
            set_attr_number(&f.numbers[0], random[1])
            set_attr_number(&f.numbers[1], random[2])
        return f
    return decorate
