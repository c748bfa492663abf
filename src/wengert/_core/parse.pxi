# From Python arguments to values and attributes, driven by the signature in the table.

from cpython.long cimport PyLong_Check
from cpython.float cimport PyFloat_Check, PyFloat_AS_DOUBLE
from cpython.bool cimport PyBool_Check
from cpython.unicode cimport PyUnicode_Check

cdef enum:
    INLINE_INTS = 64


cdef struct arguments:
    # What one call was parsed into. `x` points to values of handles or to `numbers`.
    const wg_val *x[12]
    wg_val numbers[6]
    wg_attr attr[MOST_PARAMETERS]
    int64_t ints[64]
    int nx, nattr, nints, nnumbers
    const wg_val **list_x            # of a variadic op: its tensors, in `list_room` if there is room
    const wg_val *list_room[16]
    PyObject *held                   # what must live as long as these arguments, or NULL; counted


cdef inline void arguments_init(arguments *a):
    a.nx = a.nattr = a.nints = a.nnumbers = 0
    a.list_x = NULL
    a.held = NULL


cdef int arguments_hold(arguments *a, object o) except -1:
    """Keeps ``o`` until the end of the call."""
    if a.held != NULL:
        o = (o, <object>a.held)
        Py_DECREF(<object>a.held)
    Py_INCREF(o)
    a.held = <PyObject *>o
    return 0


cdef bint is_number(object o):
    return PyFloat_Check(o) or PyLong_Check(o)


cdef object numpy_number(object o):
    """A NumPy scalar as a Python number, anything else as None."""
    cls = type(o)
    if getattr(cls, "__module__", None) == "numpy" and hasattr(cls, "item") and getattr(o, "ndim", 1) == 0:
        value = o.item()
        if isinstance(value, (bool, int, float)):
            return value
    return None


cdef inline bint number_fits(const wg_op *op, int position, bint inplace):
    """May the tensor parameter at this place be a Python number?"""
    return op.number_ok and (position > 0 or not (inplace or op.number_ok == WG_NUMBER_LATER))


cdef int set_number(wg_val *v, object o) except -1:
    cdef int overflow = 0
    cdef long long i
    if PyFloat_Check(o):
        wg_number_float(v, PyFloat_AS_DOUBLE(o))
    elif PyBool_Check(o):
        wg_number_bool(v, o is True)
    else:
        i = PyLong_AsLongLongAndOverflow(o, &overflow)
        if overflow:
            raise OverflowError("int too big to convert")
        wg_number_int(v, i)
    return 0


cdef int set_attr_number(wg_attr *to, object o) except -1:
    cdef Tensor t
    cdef int overflow = 0
    cdef long long i
    if PyFloat_Check(o):
        to[0] = WG_FLOAT(PyFloat_AS_DOUBLE(o))
    elif PyBool_Check(o):
        to[0] = WG_BOOLEAN(o is True)
    elif PyLong_Check(o):
        i = PyLong_AsLongLongAndOverflow(o, &overflow)
        if overflow:
            raise OverflowError("int too big to convert")
        to[0] = WG_INT(i)
    elif isinstance(o, Tensor):
        t = <Tensor>o
        if t.t.v.a.numel != 1:
            raise TypeError
        return set_attr_number(to, item_of(t))
    else:
        o = numpy_number(o)
        if o is None:
            raise TypeError
        return set_attr_number(to, o)
    return 0


cdef int64_t as_int(object o) except? -1:
    if PyLong_Check(o):
        return o
    if isinstance(o, float):
        raise TypeError
    return o.__index__()


cdef str type_name(object o):
    return type(o).__name__


cdef str expected(const wg_param *p):
    if p.type == WG_P_TENSOR:
        return "Tensor"
    if p.type == WG_P_TENSORS:
        return "tuple of Tensors"
    if p.type == WG_P_NUMBER:
        return "Number"
    if p.type == WG_P_INT:
        return "int"
    if p.type == WG_P_INTS:
        return "tuple of ints"
    if p.type == WG_P_FLOAT:
        return "float"
    if p.type == WG_P_BOOL:
        return "bool"
    if p.type == WG_P_DTYPE:
        return "torch.dtype"
    if p.type == WG_P_STR:
        return "str"
    return "Generator"


cdef extern from "Python.h":
    bint PyLong_CheckExact(object)
    bint PyFloat_CheckExact(object)
    bint PyTuple_Check_ "PyTuple_Check"(object)
    bint PyList_CheckExact(object)
    Py_ssize_t PySequence_Fast_GET_SIZE(object)
    PyObject **PySequence_Fast_ITEMS(object)
    bint PyUnicode_CHECK_INTERNED(object)
    const char *PyUnicode_AsUTF8AndSize(object, Py_ssize_t *) except NULL


cdef bint quick_ints(arguments *a, wg_attr *to, PyObject **items, Py_ssize_t n) except -1:
    """Plain ints, into the arguments' own room; False: something else is among them, or too many."""
    cdef int64_t *room = &a.ints[a.nints]
    cdef Py_ssize_t i
    cdef int overflow = 0
    if a.nints + n > INLINE_INTS:
        return False
    for i in range(n):
        if not PyLong_CheckExact(<object>items[i]):
            return False
        room[i] = PyLong_AsLongLongAndOverflow(<object>items[i], &overflow)
        if overflow:
            return False
    a.nints += <int>n
    to[0] = WG_INTS(room, <int>n)
    return True


cdef bint quick_attr(const wg_param *p, arguments *a, wg_attr *to, PyObject *given) except -1:
    """The commonest values of an attribute, those that need no conversion; False: `parse_attr` must look."""
    cdef object value = <object>given
    cdef int type = p.type, overflow = 0
    if type == WG_P_INTS:
        if PyTuple_Check_(value) or PyList_CheckExact(value):
            return quick_ints(a, to, PySequence_Fast_ITEMS(value), PySequence_Fast_GET_SIZE(value))
        return quick_ints(a, to, &given, 1)
    if type == WG_P_BOOL:
        if value is True or value is False:
            to[0] = WG_BOOLEAN(value is True)
            return True
    elif type == WG_P_INT:
        if PyLong_CheckExact(value):
            to[0] = WG_INT(PyLong_AsLongLongAndOverflow(value, &overflow))
            return not overflow
    elif type == WG_P_NUMBER:
        if PyFloat_CheckExact(value):
            to[0] = WG_FLOAT(PyFloat_AS_DOUBLE(value))
            return True
        if PyLong_CheckExact(value):
            to[0] = WG_INT(PyLong_AsLongLongAndOverflow(value, &overflow))
            return not overflow
    elif type == WG_P_FLOAT:
        if PyFloat_CheckExact(value):
            to[0] = WG_FLOAT(PyFloat_AS_DOUBLE(value))
            return True
    return False


cdef int parse_attr(Op f, int code, arguments *a, int position, wg_attr *to, object value) except -1:
    """Parses an attribute, whatever stands for it."""
    cdef const wg_param *p = &wg_ops[code].params[position]
    cdef int type = p.type
    cdef Py_ssize_t n, i
    cdef int64_t *room
    if value is None:
        if not p.optional:
            raise TypeError(f"{f.name}(): argument '{ROW_NAMES[code][position]}' must be {expected(p)}, not NoneType")
        to[0] = WG_NONE
        return 0
    try:
        if type == WG_P_NUMBER:
            set_attr_number(to, value)
        elif type == WG_P_INT:
            if PyBool_Check(value):
                raise TypeError
            to[0] = WG_INT(as_int(value))
        elif type == WG_P_BOOL:
            if not PyBool_Check(value):
                if isinstance(value, Tensor) or PyFloat_Check(value):
                    raise TypeError
                value = bool(value)
            to[0] = WG_BOOLEAN(value is True)
        elif type == WG_P_FLOAT:
            set_attr_number(to, value)
            to[0] = WG_FLOAT(wg_attr_float(to[0]))
        elif type == WG_P_DTYPE:
            to[0] = WG_INT(dtype_code(value))
        elif type == WG_P_INTS:
            if PyLong_Check(value) or not hasattr(value, "__len__") or (isinstance(value, Tensor) and (<Tensor>value).t.v.a.ndim == 0):
                value = (value,)
            elif isinstance(value, list):
                value = tuple(value)                       # the conversion of an item may change the list
            n = len(value)
            if n > 1 << 24:
                raise ValueError(f"{f.name}(): too many numbers in argument '{ROW_NAMES[code][position]}'")
            if a.nints + n <= INLINE_INTS:
                room = &a.ints[a.nints]
                a.nints += <int>n
            else:
                block = bytearray(8 * n)
                arguments_hold(a, block)
                room = <int64_t *><char *>block
            for i in range(n):
                item = value[i]
                if PyBool_Check(item):
                    raise TypeError
                room[i] = as_int(item)
            to[0] = WG_INTS(room, <int>n)
        elif type == WG_P_STR:
            set_choice(f, p, to, value)
        elif type == WG_P_GENERATOR:
            set_generator(to, value)
        else:
            raise TypeError
    except (TypeError, AttributeError) as error:
        if error.args and type not in (WG_P_INTS, WG_P_INT):
            raise
        where = f" (position {position + 1})" if not p.keyword_only else ""
        raise TypeError(f"{f.name}(): argument '{ROW_NAMES[code][position]}'{where} must be {expected(p)}, not {type_name(value)}") from None
    return 0


cdef int parse_tensor(Op f, int code, arguments *a, int position, object value) except -1:
    """Parses a tensor, a number where the row takes one, or None where it may be missing."""
    cdef const wg_op *op = &wg_ops[code]
    cdef Tensor t
    if isinstance(value, Tensor):
        t = <Tensor>value
        if wg_tensor_refresh(&t.t) < 0 and code != OP_DETACH:      # what has no history needs none
            fail()
        a.x[a.nx] = &t.t.v
        a.nx += 1
        return 0
    if value is None and op.params[position].optional:
        wg_val_clear(&a.numbers[a.nnumbers])
    elif number_fits(op, position, f.inplace) and is_number(value):
        if op.number_ok == WG_NUMBER_NOT_ALL and a.nnumbers == op.nin - 1:
            raise TypeError(f"{f.name}() received an invalid combination of arguments - got {op.nin} numbers, but expected a Tensor among "
                            f"them:\n * {signature_text('', code)}\n")
        set_number(&a.numbers[a.nnumbers], value)
    else:
        number = numpy_number(value) if number_fits(op, position, f.inplace) else None
        if number is None:
            if op.number_ok == WG_NUMBER_LATER and position == 0 and is_number(value):
                raise TypeError(f"{f.name}() received an invalid combination of arguments - got ({type_name(value)}, ...), but expected one "
                                f"of:\n * {signature_text('', code)}\n")
            raise TypeError(f"{f.name}(): argument '{ROW_NAMES[code][position]}' (position {position + 1}) must be Tensor, not {type_name(value)}")
        set_number(&a.numbers[a.nnumbers], number)
    a.x[a.nx] = &a.numbers[a.nnumbers]
    a.nnumbers += 1
    a.nx += 1
    return 0


cdef inline int parse_one(Op f, int code, arguments *a, int position, PyObject *value) except -1:
    """Parses one argument that was given; appends to x or attr."""
    cdef const wg_param *p = &wg_ops[code].params[position]
    if p.type == WG_P_TENSOR:
        return parse_tensor(f, code, a, position, <object>value)
    if p.type == WG_P_TENSORS:
        return parse_tensors(f, code, a, position, <object>value)
    a.nattr += 1
    if not quick_attr(p, a, &a.attr[a.nattr - 1], value):
        parse_attr(f, code, a, position, &a.attr[a.nattr - 1], <object>value)
    return 0


cdef int set_generator(wg_attr *to, object value) except -1:
    to[0] = WG_NONE
    to.tag = WG_A_PTR
    to.p = <void *>value
    return 0


cdef int set_choice(Op f, const wg_param *p, wg_attr *to, object value) except -1:
    cdef int i = 0
    cdef const char *text
    if not PyUnicode_Check(value):
        raise TypeError
    text = PyUnicode_AsUTF8AndSize(value, NULL)
    while p.choices[i] != NULL:
        if strcmp(p.choices[i], text) == 0:
            to[0] = WG_INT(i)
            return 0
        i += 1
    choices = []
    i = 0
    while p.choices[i] != NULL:
        choices.append(p.choices[i].decode())
        i += 1
    raise ValueError(f"{f.name}(): {p.name.decode()} must be one of {', '.join(choices)}, got {value!r}")


cdef int parse_tensors(Op f, int code, arguments *a, int position, object value) except -1:
    cdef Py_ssize_t n, i
    cdef Tensor t
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{f.name}(): argument '{ROW_NAMES[code][position]}' (position {position + 1}) must be tuple of Tensors, not {type_name(value)}")
    if type(value) is not tuple:
        value = tuple(value)                               # of its own: a list may be changed by another thread
        arguments_hold(a, value)
    n = len(<tuple>value)
    if n > 1 << 20:
        raise ValueError(f"{f.name}(): too many tensors")
    a.list_x = a.list_room
    if n > 16:
        block = bytearray(sizeof(void *) * n)
        arguments_hold(a, block)
        a.list_x = <const wg_val **><char *>block
    for i in range(n):
        item = <object>PyTuple_GET_ITEM_(value, i)
        if not isinstance(item, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument {position}, but got {type_name(item)}")
        t = <Tensor>item
        if wg_tensor_refresh(&t.t) < 0:
            fail()
        a.list_x[i] = &t.t.v
    a.nx = <int>n
    return 0


cdef int find_keyword(int code, object name) except -2:
    """The parameter of a row that goes by this name, or -1."""
    cdef int i
    cdef keyword *known = row_keywords[code]
    for i in range(row_nkeywords[code]):                   # names in calls are interned, and so are ours
        if known[i].name == <PyObject *>name:
            return known[i].place
    if PyUnicode_CHECK_INTERNED(name):
        return -1
    for i in range(row_nkeywords[code]):
        if <object>known[i].name == name:
            return known[i].place
    return -1
