# The functions of the table as Python objects, and what calling them needs of a row.

cdef extern from "Python.h":
    object PyObject_Vectorcall(object, PyObject *const *, size_t, PyObject *)
    PyObject *PyTuple_GET_ITEM_ "PyTuple_GET_ITEM"(object, Py_ssize_t)
    Py_ssize_t PyTuple_GET_SIZE_ "PyTuple_GET_SIZE"(object)
    object intern_name "PyUnicode_InternFromString"(const char *)
    long long PyLong_AsLongLongAndOverflow(object, int *) except? -1


cdef enum:                       # room in the arrays below; make_ops refuses a table that needs more
    MOST_ROWS = 1024
    MOST_ROWS_OF_A_NAME = 6
    MOST_PARAMETERS = 24
    MOST_PLAIN = 3               # tensors of a plain call


@cython.binding(False)
cdef class Op:
    """A function of the table under its Python name; also works as a method.

    A name may stand for several rows (``sum`` with and without ``dim``): the first whose parameters fit is run.
    """
    cdef vectorcallfunc vectorcall
    cdef int codes[MOST_ROWS_OF_A_NAME]
    cdef int ncodes
    cdef readonly str name
    cdef readonly bint inplace
    cdef object function            # of a shortcut: what is called where no row fits; else None
    cdef Py_ssize_t max_args[MOST_ROWS_OF_A_NAME]     # of a shortcut: with more arguments by position a call does not fit that row,
    cdef int max_tensors            # and with more tensors among them none
    cdef int old_form               # tensors beside the first, of a function with an old form (old_forms.pxi), else 0
    cdef int plain[MOST_PLAIN + 1]  # the row that a call with so many tensors, and nothing else, means; -1: to be found out

    def __cinit__(self):
        self.vectorcall = op_vectorcall
        self.name = "?"
        for i in range(MOST_PLAIN + 1):
            self.plain[i] = -1

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
        return self.name if self.function is None else self.function.__qualname__

    @property
    def __module__(self):
        return "wengert" if self.function is None else self.function.__module__

    @property
    def __wrapped__(self):
        """The Python function behind a shortcut."""
        if self.function is None:
            raise AttributeError("__wrapped__")
        return self.function

    @property
    def __doc__(self):
        if self.function is not None:
            return self.function.__doc__
        texts = []
        for i in range(self.ncodes):
            doc = wg_ops[self.codes[i]].doc
            texts.append(signature_text(self.name, self.codes[i]) + ("\n\n" + doc.decode() if doc != NULL else ""))
        return "\n\n".join(texts)

    def __repr__(self):
        return f"<built-in method {self.name}>"

    def __reduce__(self):
        return (_op_by_name, (self.name,)) if self.function is None else self.function.__qualname__


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
        if not (inplace and not wg_ops[<int>code].inplace):
            if f.ncodes == MOST_ROWS_OF_A_NAME:
                raise ValueError(f"{name} stands for more than {MOST_ROWS_OF_A_NAME} rows")
            f.codes[f.ncodes] = code
            f.ncodes += 1
    f.inplace = inplace
    f.name = name
    f.old_form = old_form_of(name)
    for i in range(MOST_PLAIN + 1):
        f.plain[i] = plain_row(f, i)
    return f


cdef int plain_row(Op f, int n):
    """The first row that takes n tensors and nothing else, if it returns one tensor of its own memory; else -1."""
    cdef const wg_op *op
    cdef int i, k, given
    for i in range(f.ncodes if n else 0):
        op = &wg_ops[f.codes[i]]
        given = 0
        while given < n and given < op.nparam and op.params[given].type == WG_P_TENSOR and not op.params[given].keyword_only:
            given += 1
        if given < n and given < op.nparam and op.params[given].type == WG_P_GENERATOR:
            return -1                                    # it looks at nothing but the place
        k = given
        while k < op.nparam and (op.params[k].has_default or op.params[k].optional):
            k += 1
        if given == n and k == op.nparam:
            return f.codes[i] if op.nout == 1 and op.kind != WG_OP_VIEW else -1
    return -1


def shortcut(*ops, int max_tensors=1 << 30):
    """Decorates a Python function that means one of ``ops`` (functions of rows, tried in order) in every call whose arguments
    fit that row's parameters, defaults included: such calls skip its frame. It runs for the others: those with a keyword that
    the row does not have, with an argument by position where the row's order of parameters differs, with more than
    ``max_tensors`` tensors; and again where the row raises, to say it better or to do otherwise."""
    def decorate(function):
        cdef list codes = []
        cdef Op f
        cdef int i
        for f in ops:
            codes += [f.codes[i] for i in range(f.ncodes)]
        f = make_op(function.__name__, codes, f.inplace)
        f.function = function
        for i in range(MOST_PLAIN + 1):
            f.plain[i] = -1
        f.max_tensors = max_tensors
        for i in range(f.ncodes):
            f.max_args[i] = common_positions(function.__code__, f.codes[i])
        return f
    return decorate


cdef Py_ssize_t common_positions(object code, int row) except -1:
    """How many arguments by position mean the same to a Python function and to a row."""
    cdef const wg_op *op = &wg_ops[row]
    cdef Py_ssize_t n = code.co_argcount, i = 1
    while i < n and i < op.nparam and not op.params[i].keyword_only and find_keyword(row, code.co_varnames[i]) == i:
        i += 1
    return 1 << 30 if i == n and code.co_flags & 4 and row_varargs[row] == i else i      # 4: it ends with *sizes


cdef object interned(str name):
    return intern_name(name.encode())


def make_ops():
    """Builds all functions.

    Returns:
        (rows, publics): rows by name, in-place forms included; publics as name -> (bits of where it is public, function).
    """
    cdef int code, i
    for code in range(wg_nops):
        name = intern_name(wg_ops[code].name)          # as the names in code are: a look-up compares addresses first
        OPS[name] = make_op(name, [code], False)
        if wg_ops[code].inplace:
            name = interned(name + "_")
            OPS[name] = make_op(name, [code], True)
        make_row_info(code)
    publics = {}
    for i in range(wg_npublics):
        name = intern_name(wg_publics[i].name)
        codes = []
        for k in range(wg_publics[i].nops):
            if wg_publics[i].ops[k] not in codes:
                codes.append(wg_publics[i].ops[k])
        PUBLIC[name] = make_op(name, codes, False)
        for code in codes:
            make_row_returns(name, code)
        publics[name] = (wg_publics[i].where, PUBLIC[name])
        if wg_publics[i].inplace:
            name = interned(name + "_")
            PUBLIC[name] = make_op(name, codes, True)
            publics[name] = (2 | (wg_publics[i].where & 5), PUBLIC[name])
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
cdef int row_varargs[MOST_ROWS]

cdef struct keyword:                     # a name that a parameter goes by: its own, an alias, "self" for the first
    PyObject *name                       # interned, kept alive by KEYWORDS
    int place

cdef list KEYWORDS = []
cdef keyword *row_keywords[MOST_ROWS]
cdef int row_nkeywords[MOST_ROWS]

cdef int make_row_info(int code) except -1:
    cdef const wg_op *op = &wg_ops[code]
    cdef int i, last = -1
    if code >= MOST_ROWS or op.nparam > MOST_PARAMETERS:
        raise ValueError(f"{op.name.decode()}: more than {MOST_ROWS} rows, or {MOST_PARAMETERS} parameters")
    ROW_NAMES.append(tuple([python_name(op, i) for i in range(op.nparam)]))
    row_varargs[code] = -1
    for i in range(op.nparam):
        if not op.params[i].keyword_only:
            last = i
    if last >= 0 and op.params[last].type == WG_P_INTS:
        row_varargs[code] = last
    ROW_RETURNS.append(None)
    return make_row_keywords(code)


cdef int make_row_keywords(int code) except -1:
    cdef const wg_op *op = &wg_ops[code]
    cdef int i, k
    names = {}
    for i in range(op.nparam):
        names.setdefault(op.params[i].name.decode(), i)
        k = 0
        while op.params[i].aliases != NULL and op.params[i].aliases[k] != NULL:
            names.setdefault(op.params[i].aliases[k].decode(), i)
            k += 1
    if op.nparam:
        names.setdefault("self", 0)
    row_nkeywords[code] = <int>len(names)
    row_keywords[code] = <keyword *>malloc((len(names) + 1) * sizeof(keyword))
    if row_keywords[code] == NULL:
        raise MemoryError()
    for k, (name, place) in enumerate(names.items()):
        name = intern_name(name.encode())
        KEYWORDS.append(name)
        row_keywords[code][k].name = <PyObject *>name
        row_keywords[code][k].place = place
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
