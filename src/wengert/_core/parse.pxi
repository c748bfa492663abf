# From Python arguments to values and attributes, driven by the signature in the table.

from cpython.long cimport PyLong_Check
from cpython.float cimport PyFloat_Check, PyFloat_AS_DOUBLE
from cpython.bool cimport PyBool_Check
from cpython.unicode cimport PyUnicode_Check

cdef extern from "Python.h":
    PyObject *PyTuple_GET_ITEM_ "PyTuple_GET_ITEM"(object, Py_ssize_t)
    Py_ssize_t PyTuple_GET_SIZE_ "PyTuple_GET_SIZE"(object)
    long long PyLong_AsLongLongAndOverflow(object, int *) except? -1
    ctypedef object (*vectorcallfunc)(object, PyObject *const *, size_t, PyObject *)
    Py_ssize_t PyVectorcall_NARGS(size_t)

cdef int INLINE_INTS = 64

cdef enum:
    MAX_PARAMS = 24
    MAX_TENSORS = 12


cdef struct arguments:
    # What one call was parsed into. `x` points to values of handles or to `numbers`; lists live in `held`.
    const wg_val *x[12]
    wg_val numbers[6]
    wg_attr attr[24]
    int64_t ints[64]
    int nx, nattr, nints, nnumbers
    const wg_val **list_x            # of a variadic op: its tensors, malloc'd


cdef inline void arguments_init(arguments *a):
    a.nx = a.nattr = a.nints = a.nnumbers = 0
    a.list_x = NULL


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
            raise OverflowError("Python int too large to convert to a 64-bit integer")
        wg_number_int(v, i)
    return 0


cdef int set_attr_number(wg_attr *to, object o) except -1:
    cdef Tensor t
    if PyFloat_Check(o):
        to[0] = WG_FLOAT(PyFloat_AS_DOUBLE(o))
    elif PyBool_Check(o):
        to[0] = WG_BOOLEAN(o is True)
    elif PyLong_Check(o):
        to[0] = WG_INT(o)
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


@cython.binding(False)
cdef class Op:
    """A function of the table under its Python name; also works as a method.

    A name may stand for several rows (``sum`` with and without ``dim``): the first whose parameters fit is run.
    """
    cdef vectorcallfunc vectorcall
    cdef int codes[6]
    cdef int ncodes
    cdef readonly str name
    cdef readonly bint inplace

    def __cinit__(self):
        self.vectorcall = op_vectorcall
        self.name = "?"

    def __get__(self, instance, owner):
        if instance is None:
            return self
        import types
        return types.MethodType(self, instance)

    @property
    def __name__(self):
        return self.name

    @property
    def __qualname__(self):
        return self.name

    @property
    def __module__(self):
        return "wengert"

    @property
    def __doc__(self):
        texts = []
        for i in range(self.ncodes):
            doc = wg_ops[self.codes[i]].doc
            texts.append(signature_text(self.name, self.codes[i]) + ("\n\n" + doc.decode() if doc != NULL else ""))
        return "\n\n".join(texts)

    def __repr__(self):
        return f"<built-in method {self.name}>"

    def __reduce__(self):
        return (_op_by_name, (self.name,))


cdef dict OPS = {}           # rows by their own names, in-place forms with "_"
cdef dict PUBLIC = {}        # public names


def _op_by_name(name):
    """The function called ``name``: a public one, or a row."""
    return PUBLIC.get(name) or OPS[name]


cdef Op make_op(str name, list codes, bint inplace):
    cdef Op f = Op.__new__(Op)
    f.vectorcall = op_vectorcall
    f.ncodes = 0
    for code in codes:
        if f.ncodes < 6 and not (inplace and not wg_ops[<int>code].inplace):
            f.codes[f.ncodes] = code
            f.ncodes += 1
    f.inplace = inplace
    f.name = name
    return f


def make_ops():
    """Builds all functions.

    Returns:
        (rows, publics): rows by name, in-place forms included; publics as name -> (bits of where it is public, function).
    """
    cdef int code, i
    for code in range(wg_nops):
        name = wg_ops[code].name.decode()
        OPS[name] = make_op(name, [code], False)
        if wg_ops[code].inplace:
            OPS[name + "_"] = make_op(name + "_", [code], True)
        make_row_info(code)
    publics = {}
    for i in range(wg_npublics):
        name = wg_publics[i].name.decode()
        codes = []
        for k in range(wg_publics[i].nops):
            if wg_publics[i].ops[k] not in codes:
                codes.append(wg_publics[i].ops[k])
        PUBLIC[name] = make_op(name, codes, False)
        for code in codes:
            make_row_returns(name, code)
        publics[name] = (wg_publics[i].where, PUBLIC[name])
        if wg_publics[i].inplace:
            PUBLIC[name + "_"] = make_op(name + "_", codes, True)
            publics[name + "_"] = (2 | (wg_publics[i].where & 5), PUBLIC[name + "_"])
    return OPS, publics


cdef extern from "wg_ops_gen.h":
    ctypedef struct wg_public:
        const char *name
        uint8_t where, inplace, nops
        uint16_t ops[6]
    const wg_public wg_publics[]
    const int wg_npublics


# What parsing needs of a row beyond the C table, by code.
cdef list ROW_RETURNS = []
cdef list ROW_NAMES = []
cdef int row_varargs[1024]
cdef bint row_holds[1024]                # has lists among its parameters, whose memory must outlast the parsing

cdef int make_row_info(int code) except -1:
    cdef const wg_op *op = &wg_ops[code]
    cdef int i, last = -1
    ROW_NAMES.append(tuple([python_name(op, i) for i in range(op.nparam)]))
    row_varargs[code] = -1
    for i in range(op.nparam):
        if not op.params[i].keyword_only:
            last = i
    row_holds[code] = False
    for i in range(op.nparam):
        if op.params[i].type == WG_P_INTS or op.params[i].type == WG_P_TENSORS:
            row_holds[code] = True
    if last >= 0 and op.params[last].type == WG_P_INTS:
        row_varargs[code] = last
    ROW_RETURNS.append(None)
    return 0


cdef int make_row_returns(str name, int code) except -1:
    """The named tuple of a row's results, under the first name that the row is public by."""
    cdef const wg_op *op = &wg_ops[code]
    cdef int i = 0
    if op.returns == NULL or ROW_RETURNS[code] is not None:
        return 0
    fields = []
    while op.returns[i] != NULL:
        fields.append(op.returns[i].decode())
        i += 1
    ROW_RETURNS[code] = make_return_type(name, fields)
    return 0


cdef str signature_text(str name, int code):
    """The signature of a row, for error messages and docstrings."""
    cdef const wg_op *op = &wg_ops[code]
    parts = []
    starred = False
    for i in range(op.nparam):
        if op.params[i].keyword_only and not starred:
            parts.append("*")
            starred = True
        parts.append(expected(&op.params[i]) + " " + ROW_NAMES[code][i])
    return f"{name}({', '.join(parts)})"


cdef object make_return_type = None

def _set_return_type_factory(factory):
    global make_return_type
    make_return_type = factory

wg_type_vectorcall(<PyTypeObject *>Op, WG_OFFSET_VECTORCALL)

cdef extern from *:
    Py_ssize_t WG_OFFSET_VECTORCALL "WG_OFFSET(struct __pyx_obj_7wengert_5_core_5_core_Op, vectorcall)"


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


cdef int parse_one(Op f, int code, arguments *a, int position, object value, list held) except -1:
    """Parses one argument; `value` may be None only where allowed. Appends to x or attr."""
    cdef const wg_op *op = &wg_ops[code]
    cdef const wg_param *p = &op.params[position]
    cdef int type = p.type
    cdef Tensor t
    cdef wg_attr *to
    cdef Py_ssize_t n
    cdef int64_t *room
    if type == WG_P_TENSOR:
        if isinstance(value, Tensor):
            t = <Tensor>value
            if wg_tensor_refresh(&t.t) < 0 and code != OP_DETACH:      # what has no history needs none
                fail()
            a.x[a.nx] = &t.t.v
            a.nx += 1
            return 0
        if value is None and p.optional:
            wg_val_clear(&a.numbers[a.nnumbers])
        elif op.number_ok and (position > 0 or not f.inplace) and is_number(value):
            set_number(&a.numbers[a.nnumbers], value)
        else:
            number = numpy_number(value) if op.number_ok else None
            if number is None:
                raise TypeError(f"{f.name}(): argument '{ROW_NAMES[code][position]}' (position {position + 1}) must be Tensor, not {type_name(value)}")
            set_number(&a.numbers[a.nnumbers], number)
        a.x[a.nx] = &a.numbers[a.nnumbers]
        a.nnumbers += 1
        a.nx += 1
        return 0
    if type == WG_P_TENSORS:
        return parse_tensors(f, code, a, position, value, held)
    to = &a.attr[a.nattr]
    a.nattr += 1
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
            n = len(value)
            if a.nints + n <= 64:
                room = &a.ints[a.nints]
                a.nints += <int>n
            else:
                block = bytearray(8 * n)
                held.append(block)
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


cdef int set_generator(wg_attr *to, object value) except -1:
    to[0] = WG_NONE
    to.tag = WG_A_PTR
    to.p = <void *>value
    return 0


cdef int set_choice(Op f, const wg_param *p, wg_attr *to, object value) except -1:
    cdef int i = 0
    if not PyUnicode_Check(value):
        raise TypeError
    encoded = (<str>value).encode()
    while p.choices[i] != NULL:
        if strcmp(p.choices[i], encoded) == 0:
            to[0] = WG_INT(i)
            return 0
        i += 1
    choices = []
    i = 0
    while p.choices[i] != NULL:
        choices.append(p.choices[i].decode())
        i += 1
    raise ValueError(f"{f.name}(): {p.name.decode()} must be one of {', '.join(choices)}, got {value!r}")


cdef int parse_tensors(Op f, int code, arguments *a, int position, object value, list held) except -1:
    cdef Py_ssize_t n
    cdef Tensor t
    if isinstance(value, Tensor) or not isinstance(value, (list, tuple)):
        raise TypeError(f"{f.name}(): argument '{ROW_NAMES[code][position]}' (position {position + 1}) must be tuple of Tensors, not {type_name(value)}")
    value = tuple(value)
    held.append(value)
    n = len(value)
    if n > 1 << 20:
        raise ValueError(f"{f.name}(): too many tensors")
    block = bytearray(sizeof(void *) * (n + 1))
    held.append(block)
    a.list_x = <const wg_val **><char *>block
    for i in range(n):
        item = value[i]
        if not isinstance(item, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument {position}, but got {type_name(item)}")
        t = <Tensor>item
        if wg_tensor_refresh(&t.t) < 0:
            fail()
        a.list_x[i] = &t.t.v
    a.nx = <int>n
    return 0


cdef int find_keyword(Op f, const wg_op *op, str name) except -2:
    """The parameter called ``name``, or -1."""
    cdef int i, k
    encoded = name.encode()
    for i in range(op.nparam):
        if strcmp(op.params[i].name, encoded) == 0:
            return i
        if op.params[i].aliases != NULL:
            k = 0
            while op.params[i].aliases[k] != NULL:
                if strcmp(op.params[i].aliases[k], encoded) == 0:
                    return i
                k += 1
    if op.nparam and name == "self":
        return 0
    return -1


cdef object op_vectorcall(object self, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    return op_call(<Op>self, args, PyVectorcall_NARGS(nargsf), kwnames)


cdef object op_call(Op f, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames):
    cdef Py_ssize_t i, nkw = PyTuple_GET_SIZE_(<object>kwnames) if kwnames != NULL else 0
    # A subclass that overrides __torch_function__ anywhere among the arguments takes over.
    for i in range(nargs + nkw):
        if isinstance(<object>args[i], Tensor):
            if not is_plain(<object>args[i]):
                return call_override(f, args, nargs, kwnames)
        elif type(<object>args[i]) is not int and type(<object>args[i]) is not float and has_override(<object>args[i]):
            return call_override(f, args, nargs, kwnames)
    if wg_mode & WG_MODE_FUNCTION:
        return call_override(f, args, nargs, kwnames)
    if f.ncodes == 1:
        return row_call(f, f.codes[0], args, nargs, kwnames)
    for i in range(f.ncodes):
        if fits(f, f.codes[i], args, nargs, kwnames, nkw):
            return row_call(f, f.codes[i], args, nargs, kwnames)
    raise TypeError(no_fit(f, args, nargs, kwnames, nkw))


cdef str no_fit(Op f, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, Py_ssize_t nkw):
    got = [describe(<object>args[i]) for i in range(nargs)]
    for k in range(nkw):
        got.append(f"{<object>PyTuple_GET_ITEM_(<object>kwnames, k)}={describe(<object>args[nargs + k])}")
    rows = "".join([f"\n * {signature_text('', f.codes[i])}" for i in range(f.ncodes)])
    return f"{f.name}() received an invalid combination of arguments - got ({', '.join(got)}), but expected one of:{rows}\n"


cdef str describe(object o):
    if isinstance(o, (list, tuple)) and o:
        return f"{type_name(o)} of {type_name(o[0])}"
    return type_name(o)


cdef bint fits(Op f, int code, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, Py_ssize_t nkw) except -1:
    """Could these arguments be meant for this row? Looks at names and types only."""
    cdef const wg_op *op = &wg_ops[code]
    cdef uint32_t given = 0
    cdef int i, varargs = row_varargs[code]
    for i in range(nargs):
        if i == varargs and nargs > i + 1:
            for k in range(i, nargs):
                if not takes_int(<object>args[k]):
                    return False
            given |= 1u << i
            break
        if i >= op.nparam or op.params[i].keyword_only or not suits(op, &op.params[i], i, f.inplace, <object>args[i]):
            return False
        given |= 1u << i
    for k in range(nkw):
        name = <object>PyTuple_GET_ITEM_(<object>kwnames, k)
        i = find_keyword(f, op, name)
        if i < 0:
            if name == "out":
                continue
            return False
        if given >> i & 1 or not suits(op, &op.params[i], i, f.inplace, <object>args[nargs + k]):
            return False
        given |= 1u << i
    for i in range(op.nparam):
        if not given >> i & 1 and not op.params[i].has_default and not op.params[i].optional:
            return False
    return True


cdef bint takes_int(object o):
    return (PyLong_Check(o) and not PyBool_Check(o)) or (not isinstance(o, (Tensor, float)) and hasattr(type(o), "__index__"))


cdef bint suits(const wg_op *op, const wg_param *p, int position, bint inplace, object o) except -1:
    cdef int type = p.type
    if o is None:
        return p.optional
    if type == WG_P_TENSOR:
        return isinstance(o, Tensor) or (op.number_ok and not (inplace and position == 0) and (is_number(o) or numpy_number(o) is not None))
    if type == WG_P_TENSORS:
        return isinstance(o, (list, tuple))
    if type == WG_P_NUMBER or type == WG_P_FLOAT:
        return is_number(o) or numpy_number(o) is not None
    if type == WG_P_INT:
        return takes_int(o)
    if type == WG_P_INTS:
        return takes_int(o) or (isinstance(o, (list, tuple)) and all([takes_int(i) or isinstance(i, Tensor) for i in o]))
    if type == WG_P_BOOL:
        return PyBool_Check(o)
    if type == WG_P_DTYPE:
        return isinstance(o, dtype) or o is float or o is int or o is bool
    if type == WG_P_STR:
        return PyUnicode_Check(o)
    return True


cdef object row_call(Op f, int code, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames):
    cdef const wg_op *op = &wg_ops[code]
    cdef arguments a
    cdef PyObject *given[24]
    cdef int i, k, nparam = op.nparam, varargs = row_varargs[code]
    cdef Py_ssize_t nkw = PyTuple_GET_SIZE_(<object>kwnames) if kwnames != NULL else 0
    cdef object out = None
    cdef list held = None
    cdef object packed = None

    for i in range(nparam):
        given[i] = NULL
    for i in range(nargs):
        if i < nparam and not op.params[i].keyword_only:
            if i == varargs and nargs > i + 1:           # x.permute(0, 2, 1): separate ints
                packed = tuple([<object>args[k] for k in range(i, nargs)])
                given[i] = <PyObject *>packed
                break
            given[i] = args[i]
        else:
            raise TypeError(f"{f.name}() takes {positional_count(op)} positional arguments but {nargs} were given")
    for k in range(nkw):
        name = <object>PyTuple_GET_ITEM_(<object>kwnames, k)
        i = find_keyword(f, op, name)
        if i < 0:
            if name == "out":
                out = <object>args[nargs + k]
                continue
            raise TypeError(f"{f.name}() got an unexpected keyword argument '{name}'")
        if given[i] != NULL:
            raise TypeError(f"{f.name}() got multiple values for argument '{ROW_NAMES[code][i]}'")
        given[i] = args[nargs + k]

    arguments_init(&a)
    if row_holds[code]:
        held = []
    for i in range(nparam):
        if given[i] != NULL:
            if op.params[i].type == WG_P_TENSOR and isinstance(<object>given[i], Tensor) and (<Tensor>given[i]).t.group == NULL:
                a.x[a.nx] = &(<Tensor>given[i]).t.v
                a.nx += 1
            else:
                parse_one(f, code, &a, i, <object>given[i], held)
        elif op.params[i].optional and op.params[i].type == WG_P_TENSOR:
            wg_val_clear(&a.numbers[a.nnumbers])
            a.x[a.nx] = &a.numbers[a.nnumbers]
            a.nnumbers += 1
            a.nx += 1
        elif op.params[i].has_default:
            a.attr[a.nattr] = op.params[i].value
            a.nattr += 1
        elif op.params[i].optional:
            a.attr[a.nattr] = WG_NONE
            a.nattr += 1
        elif op.params[i].type == WG_P_INTS and i == varargs:       # x.expand(): no sizes at all
            a.attr[a.nattr] = WG_INTS(&a.ints[a.nints], 0)
            a.nattr += 1
        else:
            raise TypeError(f'{f.name}() missing 1 required positional arguments: "{ROW_NAMES[code][i]}"')
    if f.inplace:
        target = <object>given[0]
        if not isinstance(target, Tensor):
            raise TypeError(f"{f.name}(): the first argument must be Tensor, not {type_name(target)}")
        check(wg_apply_inplace(code, &(<Tensor>target).t, a.x, a.nx, a.attr))
        return target
    result = apply_op(code, &a, given)
    if out is not None:
        return write_out(f, result, out)
    return result


cdef int positional_count(const wg_op *op):
    cdef int i, n = 0
    for i in range(op.nparam):
        if not op.params[i].keyword_only:
            n += 1
    return n


cdef str python_name(const wg_op *op, int i):
    name = op.params[i].name.decode()
    return "input" if name == "x" else name


cdef object apply_op(int code, arguments *a, PyObject **given):
    """Runs the row and wraps what the user sees of its outputs."""
    cdef const wg_op *op = &wg_ops[code]
    cdef const wg_val **x = a.list_x if a.list_x != NULL else a.x
    cdef wg_val y[8]
    cdef wg_val *outs = y
    cdef Tensor first
    cdef int k, ny = op.nout, visible
    if ny == 1:
        first = new_tensor()
        if wg_apply(code, x, a.nx, a.attr, &first.t.v) < 0:
            fail()
        if op.kind == WG_OP_VIEW and op.diff_in and given[0] != NULL:      # detach() is no view to autograd
            if first.t.v.a.storage == (<Tensor>given[0]).t.v.a.storage:
                check(wg_tensor_join(&first.t, &(<Tensor>given[0]).t, 0))
        return first
    if ny == WG_LIST_OUT:
        ny = wg_count_outputs(code, x, a.nx, a.attr)
        if ny < 0:
            fail()
    if ny > 8:
        outs = <wg_val *>malloc(ny * sizeof(wg_val))
        if outs == NULL:
            raise MemoryError()
    try:
        check(wg_apply(code, x, a.nx, a.attr, outs))
        visible = ny - op.nhidden
        results = []
        for k in range(ny):
            if k < visible:
                first = wrap(&outs[k])
                if op.kind == WG_OP_VIEW and given[0] != NULL:
                    check(wg_tensor_join(&first.t, &(<Tensor>given[0]).t, WG_VIEW_OF_MANY))
                results.append(first)
            else:
                wg_val_release(&outs[k])
    finally:
        if outs != y:
            free(outs)
    if op.nout != WG_LIST_OUT and visible == 1:
        return results[0]
    if ROW_RETURNS[code] is not None:
        return ROW_RETURNS[code](results)
    return tuple(results)


cdef object write_out(Op f, object result, object out):
    """The out= argument: results are written into existing tensors, which are resized if they are empty."""
    cdef Tensor target, source
    if isinstance(result, tuple):
        if not isinstance(out, (tuple, list)) or len(out) != len(result):
            raise TypeError(f"{f.name}(): argument 'out' must be tuple of {len(result)} Tensors")
        return type(result)([write_out(f, r, o) for r, o in zip(result, out)])
    if not isinstance(out, Tensor):
        raise TypeError(f"{f.name}(): argument 'out' must be Tensor, not {type_name(out)}")
    target, source = <Tensor>out, <Tensor>result
    if target.t.v.edge.node != NULL or source.t.v.edge.node != NULL:
        if not wg_mode & WG_MODE_NO_GRAD:
            raise RuntimeError(f"{f.name}(): functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.")
    if wg_category(source.t.v.a.dtype) > wg_category(target.t.v.a.dtype):
        raise RuntimeError(f"result type {wg_dtype_title[source.t.v.a.dtype].decode()} can't be cast to the desired output type {wg_dtype_title[target.t.v.a.dtype].decode()}")
    if not wg_same_shape(&target.t.v.a, &source.t.v.a):
        resize(target, source)
    copy_into(target, source)
    return out


cdef int resize(Tensor target, Tensor source) except -1:
    """Gives an out= tensor the shape of the result; torch warns unless it was empty."""
    cdef wg_val fresh
    if target.t.v.a.numel != 0:
        import warnings
        warnings.warn(f"An output with one or more elements was resized since it had shape {list(target.shape)}, which does not "
                      f"match the required output shape {list(source.shape)}. This behavior is deprecated, and in a future release "
                      "outputs will not be resized unless they have zero elements. You can explicitly reuse an out tensor t by "
                      "resizing it, inplace, to zero elements with t.resize_(0).", UserWarning, stacklevel=3)
    if target.t.v.edge.node != NULL:
        raise RuntimeError("cannot resize variables that require grad")
    check(wg_new(&fresh, target.t.v.a.dtype, source.t.v.a.ndim, source.t.v.a.shape))
    wg_tensor_release(&target.t)
    target.t.view_flags = 0
    wg_val_move(&target.t.v, &fresh)
    return 0


cdef int copy_into(Tensor target, Tensor source) except -1:
    """target.copy_(source), recorded when grad mode asks for it."""
    cdef const wg_val *x[2]
    cdef wg_attr none[1]
    check(wg_tensor_refresh(&target.t))
    check(wg_tensor_refresh(&source.t))
    x[0] = &target.t.v
    x[1] = &source.t.v
    check(wg_apply_inplace(WG_OP_copy_into, &target.t, x, 2, none))
    return 0


cdef extern from "wg_ops_gen.h":
    int WG_OP_copy_into
    int WG_OP_fill
    int OP_DETACH "WG_OP_detach"
    int OP_ADD "WG_OP_add"
    int OP_SUB "WG_OP_sub"
    int OP_MUL "WG_OP_mul"
    int OP_DIV "WG_OP_div"
    int OP_FLOORDIV "WG_OP_floor_divide"
    int OP_REMAINDER "WG_OP_remainder"
    int OP_POW "WG_OP_pow"
    int OP_MATMUL "WG_OP__matmul"
    int OP_AND "WG_OP_bitwise_and"
    int OP_OR "WG_OP_bitwise_or"
    int OP_XOR "WG_OP_bitwise_xor"
    int OP_LSHIFT "WG_OP_bitwise_left_shift"
    int OP_RSHIFT "WG_OP_bitwise_right_shift"
    int OP_NEG "WG_OP_neg"
    int OP_POW_SCALAR "WG_OP_pow_scalar"
    int OP_ABS "WG_OP_abs"
    int OP_NOT "WG_OP_bitwise_not"
    int OP_LOGICAL_NOT "WG_OP_logical_not"
    int OP_EQ "WG_OP_eq"
    int OP_NE "WG_OP_ne"
    int OP_LT "WG_OP_lt"
    int OP_LE "WG_OP_le"
    int OP_GT "WG_OP_gt"
    int OP_GE "WG_OP_ge"


# ---- __torch_function__ ----

cdef bint has_override(object o):
    """Does this argument, no Tensor, define __torch_function__? Looks inside lists, as PyTorch does."""
    if o is None or PyLong_Check(o) or PyFloat_Check(o) or PyUnicode_Check(o) or type(o) is dtype:
        return False
    if type(o) is list or type(o) is tuple:
        for item in o:
            if isinstance(item, Tensor):
                if not is_plain(item):
                    return True
            elif not PyLong_Check(item) and not isinstance(item, (list, tuple)) and has_override(item):
                return True
        return False
    return hasattr(type(o), "__torch_function__")


cdef object override_handler = None

def _set_override_handler(handler):
    """Installs overrides.handle: called with (function, args, kwargs) when an argument overrides __torch_function__."""
    global override_handler
    override_handler = handler


cdef object call_override(Op f, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames):
    positional = tuple([<object>args[i] for i in range(nargs)])
    keywords = {}
    if kwnames != NULL:
        for k in range(PyTuple_GET_SIZE_(<object>kwnames)):
            keywords[<object>PyTuple_GET_ITEM_(<object>kwnames, k)] = <object>args[nargs + k]
    return override_handler(f, positional, keywords)


def _call_plain(Op f not None, args, kwargs):
    """Runs an op with every Tensor subclass taken as a plain Tensor: what the default __torch_function__ does."""
    cdef tuple names = tuple(kwargs)
    cdef list values = list(args) + [kwargs[n] for n in names]
    cdef Py_ssize_t n = len(values), i
    cdef PyObject *pointers[64]
    cdef uint32_t mode = wg_mode
    if n > 64:
        raise TypeError(f"{f.name}() got {n} arguments")
    for i in range(n):
        pointers[i] = <PyObject *>values[i]
    set_mode_bits(WG_MODE_FUNCTION | WG_MODE_PLAIN, WG_MODE_PLAIN)
    try:
        return op_call(f, pointers, n - <Py_ssize_t>len(names), <PyObject *>names if names else NULL)
    finally:
        set_mode_bits(WG_MODE_FUNCTION | WG_MODE_PLAIN, mode)


def _as_subclass(Tensor t not None, cls):
    """The same value, history included, as an instance of ``cls``."""
    if not issubclass(cls, Tensor):
        raise TypeError(f"as_subclass(): {cls} is not a subclass of Tensor")
    cdef Tensor out = wg_handle_new_of(<PyTypeObject *>cls)
    check(wg_tensor_refresh(&t.t))
    wg_val_share(&out.t.v, &t.t.v)
    if t.t.group != NULL:
        out.t.group = t.t.group
        out.t.group.refs += 1
        out.t.generation = t.t.generation
        out.t.view_flags = t.t.view_flags
    return out
