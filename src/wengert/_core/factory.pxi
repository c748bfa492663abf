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
    int64_t sizes[WG_MAX_DIMS]
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


cdef bint small_int(object o, int64_t *value) except -1:
    """An int, nothing else, so far from the ends of int64 that differences and sums are none either."""
    cdef int overflow = 0
    if not PyLong_CheckExact(o):
        return False
    value[0] = PyLong_AsLongLongAndOverflow(o, &overflow)
    return not overflow and -(<int64_t>1 << 60) < value[0] < <int64_t>1 << 60


cdef object arange_vectorcall(object self, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    """arange of ints."""
    cdef Factory f = <Factory>self
    cdef Py_ssize_t nargs = PyVectorcall_NARGS(nargsf)
    cdef making m
    cdef int64_t bound[3]
    cdef int64_t rest
    cdef int i
    cdef bint plain = not wg_mode & WG_MODE_FUNCTION and 1 <= nargs <= 3
    cdef wg_array *operand[1]
    cdef wg_attr attr[2]
    cdef Tensor t
    m.dtype = WG_I64
    m.requires_grad = False
    m.generator = NULL
    bound[0] = 0
    bound[2] = 1
    for i in range(<int>nargs if plain else 0):
        plain = plain and small_int(<object>args[i], &bound[1 if nargs == 1 else i])
    if plain and kwnames != NULL:
        plain = plain_options(&m, args + nargs, <object>kwnames) and m.generator == NULL
    if plain:
        plain = (m.dtype == WG_I64 or m.dtype >= WG_F32) and bound[2] != 0 and (bound[1] >= bound[0] if bound[2] > 0 else bound[1] <= bound[0])
    if not plain:
        return PyObject_Vectorcall(f.function, args, nargsf, kwnames)
    rest = bound[1] - bound[0] if bound[2] > 0 else bound[0] - bound[1]
    if bound[2] < 0:
        bound[1] = -bound[2]
    else:
        bound[1] = bound[2]
    m.sizes[0] = rest // bound[1] + (rest % bound[1] != 0)
    t = new_tensor()
    check(wg_new(&t.t.v, m.dtype, 1, m.sizes))
    operand[0] = &t.t.v.a
    attr[0] = WG_INT(bound[0])
    attr[1] = WG_INT(bound[2])
    check(wg_launch(WG_K_arange, operand, 1, attr, 2))
    return _require_grad(t) if m.requires_grad else t


cdef object randint_vectorcall(object self, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    """randint(high, size) and randint(low, high, size), of int64."""
    cdef Factory f = <Factory>self
    cdef Py_ssize_t nargs = PyVectorcall_NARGS(nargsf)
    cdef making m
    cdef int64_t bound[2]
    cdef int i
    cdef bint plain = not wg_mode & WG_MODE_FUNCTION and 2 <= nargs <= 3
    cdef wg_array *operand[2]
    cdef wg_attr attr[2]
    cdef Tensor t
    m.dtype = WG_I64
    m.requires_grad = False
    m.generator = <PyObject *>default_generator
    bound[0] = 0
    for i in range(<int>nargs - 1 if plain else 0):
        plain = plain and small_int(<object>args[i], &bound[1 if nargs == 2 else i])
    if plain:
        size = <object>args[nargs - 1]
        plain = (PyTuple_Check_(size) or PyList_CheckExact(size)) and plain_sizes(&m, args + nargs - 1, 1)
    if plain and kwnames != NULL:
        plain = plain_options(&m, args + nargs, <object>kwnames)
    if not plain or bound[0] >= bound[1] or m.dtype != WG_I64 or m.requires_grad or m.generator == NULL:
        return PyObject_Vectorcall(f.function, args, nargsf, kwnames)
    t = new_tensor()
    check(wg_new(&t.t.v, WG_I64, m.ndim, m.shape))
    operand[0] = &t.t.v.a
    operand[1] = &(<Generator>m.generator).v.a
    attr[0] = WG_INT(bound[0])
    attr[1] = WG_INT(bound[1])
    check(wg_launch(WG_K_random_randint, operand, 2, attr, 2))
    wg_tensor_touched(&t.t, 0xffff)
    return t


cdef Factory wrapped(object function, vectorcallfunc vectorcall):
    cdef Factory f = Factory.__new__(Factory)
    f.vectorcall = vectorcall
    f.function = function
    return f


def arange_factory(function):
    """Decorates `arange`: ranges of ints are made in C."""
    return wrapped(function, arange_vectorcall)


def randint_factory(function):
    """Decorates `randint`: its usual calls are done in C."""
    return wrapped(function, randint_vectorcall)


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


# ---- in place ----

cdef enum:                               # what must hold of the two numbers of a distribution
    ORDERED
    SECOND_NOT_NEGATIVE
    SECOND_POSITIVE
    FIRST_POSITIVE
    PROBABILITY


@cython.final
cdef class Filler(Wrapper):
    """A method that fills a tensor with random numbers. Calls with plain numbers by position that the distribution can have are
    done here, where nothing is to be recorded; the Python function does the others, and raises for what is wrong."""
    cdef int kernel, count, rule
    cdef double defaults[2]


cdef bint can_have(int rule, double first, double second) noexcept:
    if rule == ORDERED:
        return first <= second
    if rule == SECOND_NOT_NEGATIVE:
        return second >= 0
    if rule == SECOND_POSITIVE:
        return second > 0
    return first > 0 if rule == FIRST_POSITIVE else 0 <= first <= 1


cdef object filler_vectorcall(object self, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef Filler f = <Filler>self
    cdef Py_ssize_t i, nargs = PyVectorcall_NARGS(nargsf)
    cdef double numbers[2]
    cdef wg_array *operand[2]
    cdef wg_attr attr[2]
    cdef Tensor t
    cdef bint plain = kwnames == NULL and 1 <= nargs <= f.count + 1 and not wg_mode & WG_MODE_FUNCTION and default_generator is not None \
        and isinstance(<object>args[0], Tensor) and is_plain(<object>args[0])
    numbers[0] = f.defaults[0]
    numbers[1] = f.defaults[1]
    if plain:
        for i in range(1, nargs):
            plain = plain and (PyFloat_CheckExact(<object>args[i]) or PyLong_CheckExact(<object>args[i]))
            if plain:
                numbers[i - 1] = <object>args[i]
        plain = plain and can_have(f.rule, numbers[0], numbers[1]) and not (grad_enabled() and has_edge(<Tensor>args[0]))
    if not plain:
        return PyObject_Vectorcall(f.function, args, nargsf, kwnames)
    t = <Tensor>args[0]
    check(wg_tensor_writable(&t.t, 0))
    operand[0] = &t.t.v.a
    operand[1] = &(<Generator>default_generator).v.a
    for i in range(f.count):
        attr[i] = WG_FLOAT(numbers[i])
    check(wg_launch(f.kernel, operand, 2, attr, f.count))
    wg_tensor_touched(&t.t, 0xffff)
    return t


wg_type_vectorcall(<PyTypeObject *>Filler, WG_OFFSET_WRAPPER)


def filler(str kernel not None, str rule not None, *defaults):
    """Decorates a method that fills a tensor from a distribution of one or two numbers, with these defaults."""
    def decorate(function):
        cdef Filler f = Filler.__new__(Filler)
        f.vectorcall = filler_vectorcall
        f.function = function
        f.kernel = RANDOM_KERNELS[kernel]
        f.count = <int>len(defaults)
        f.rule = ("ordered", "second not negative", "second positive", "first positive", "probability").index(rule)
        for i, number in enumerate(defaults):
            f.defaults[i] = number
        return f
    return decorate
