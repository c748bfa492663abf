# Calls of the functions of the table: which row is meant, its arguments, its results.

cdef object op_vectorcall(object self, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef Op f = <Op>self
    cdef Py_ssize_t i, nargs = PyVectorcall_NARGS(nargsf)
    if kwnames == NULL and nargs <= MOST_PLAIN and f.plain[nargs] >= 0 and not wg_mode & WG_MODE_FUNCTION:
        i = 0
        while i < nargs and type(<object>args[i]) is Tensor:
            i += 1
        if i == nargs:
            return plain_call(f, f.plain[nargs], args, <int>nargs)
    return op_call(f, args, nargs, kwnames)


cdef object plain_call(Op f, int code, PyObject *const *args, int nargs):
    """The commonest call: tensors and nothing else, of which `plain_row` knows what they mean."""
    cdef const wg_op *op = &wg_ops[code]
    cdef arguments a
    cdef Tensor out
    cdef int i
    arguments_init(&a)
    a.nx = nargs
    for i in range(nargs):
        if wg_tensor_refresh(&(<Tensor>args[i]).t) < 0:
            fail()
        a.x[i] = &(<Tensor>args[i]).t.v
    for i in range(nargs, op.nparam):
        default_argument(f, code, &a, i)
    if f.inplace:
        if wg_apply_inplace(code, &(<Tensor>args[0]).t, a.x, a.nx, a.attr) < 0:
            fail()
        return <object>args[0]
    out = new_tensor()
    if wg_apply(code, a.x, a.nx, a.attr, &out.t.v) < 0:
        fail()
    return out


cdef object op_call(Op f, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames):
    cdef Py_ssize_t i, nkw = PyTuple_GET_SIZE_(<object>kwnames) if kwnames != NULL else 0
    cdef int ntensors = 0
    # A subclass that overrides __torch_function__ anywhere among the arguments takes over.
    for i in range(nargs + nkw):
        if isinstance(<object>args[i], Tensor):
            ntensors += 1
            if not is_plain(<object>args[i]):
                return call_override(f, args, nargs, kwnames)
        elif type(<object>args[i]) is not int and type(<object>args[i]) is not float and has_override(<object>args[i]):
            return call_override(f, args, nargs, kwnames)
    if wg_mode & WG_MODE_FUNCTION:
        return call_override(f, args, nargs, kwnames)
    if f.old_form and nargs > f.old_form + 1:
        result = old_call(f, args, nargs, kwnames)
        if result is not NotImplemented:
            return result
    if f.function is not None:
        return shortcut_call(f, args, nargs, kwnames, nkw, ntensors)
    if f.ncodes == 1:
        return row_call(f, f.codes[0], args, nargs, kwnames)
    for i in range(f.ncodes):
        if fits(f, f.codes[i], args, nargs, kwnames, nkw):
            return row_call(f, f.codes[i], args, nargs, kwnames)
    raise TypeError(no_fit(f, args, nargs, kwnames, nkw))


cdef object shortcut_call(Op f, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, Py_ssize_t nkw, int ntensors):
    """A row where one fits; else, and where the row refuses its arguments, the function: it has the messages and the rare cases."""
    cdef int i
    if ntensors <= f.max_tensors:
        for i in range(f.ncodes):
            if nargs <= f.max_args[i] and fits(f, f.codes[i], args, nargs, kwnames, nkw):
                try:
                    return row_call(f, f.codes[i], args, nargs, kwnames)
                except (RuntimeError, TypeError, ValueError):
                    break
    return PyObject_Vectorcall(f.function, args, nargs, kwnames)


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
    cdef Py_ssize_t k
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
        i = find_keyword(code, name)
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


cdef bint takes_ints(object sequence) except -1:
    for o in sequence:
        if not takes_int(o) and not isinstance(o, Tensor):
            return False
    return True


cdef bint suits(const wg_op *op, const wg_param *p, int position, bint inplace, object o) except -1:
    cdef int type = p.type
    if o is None:
        return p.optional
    if type == WG_P_TENSOR:
        return isinstance(o, Tensor) or (number_fits(op, position, inplace) and (is_number(o) or numpy_number(o) is not None))
    if type == WG_P_TENSORS:
        return isinstance(o, (list, tuple))
    if type == WG_P_NUMBER or type == WG_P_FLOAT:
        if isinstance(o, Tensor):                        # alpha=t: only where no tensor parameter could be meant
            return p.keyword_only and (<Tensor>o).t.v.a.ndim == 0
        return is_number(o) or numpy_number(o) is not None
    if type == WG_P_INT:
        return takes_int(o)
    if type == WG_P_INTS:
        return takes_ints(o) if isinstance(o, (list, tuple)) else takes_int(o)
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
    cdef PyObject *given[MOST_PARAMETERS]
    cdef int i, k, nparam = op.nparam, varargs = row_varargs[code], spread = -1
    cdef Py_ssize_t nkw = PyTuple_GET_SIZE_(<object>kwnames) if kwnames != NULL else 0
    cdef object out = None

    for i in range(nparam):
        given[i] = NULL
    for i in range(nargs):
        if i < nparam and not op.params[i].keyword_only:
            given[i] = args[i]
            if i == varargs and nargs > i + 1:           # x.permute(0, 2, 1): separate ints
                spread = i
                break
        else:
            raise TypeError(f"{f.name}() takes {positional_count(op)} positional arguments but {nargs} were given")
    for k in range(nkw):
        name = <object>PyTuple_GET_ITEM_(<object>kwnames, k)
        i = find_keyword(code, name)
        if i < 0:
            if name == "out":
                out = <object>args[nargs + k]
                continue
            raise TypeError(f"{f.name}() got an unexpected keyword argument '{name}'")
        if given[i] != NULL:
            raise TypeError(f"{f.name}() got multiple values for argument '{ROW_NAMES[code][i]}'")
        given[i] = args[nargs + k]

    arguments_init(&a)
    try:
        for i in range(nparam):
            if given[i] == NULL:
                default_argument(f, code, &a, i)
            elif op.params[i].type == WG_P_TENSOR and isinstance(<object>given[i], Tensor) and (<Tensor>given[i]).t.group == NULL:
                a.x[a.nx] = &(<Tensor>given[i]).t.v
                a.nx += 1
            elif i == spread:
                a.nattr += 1
                if not quick_ints(&a, &a.attr[a.nattr - 1], <PyObject **>&args[i], nargs - i):
                    parse_attr(f, code, &a, i, &a.attr[a.nattr - 1], tuple([<object>args[k] for k in range(i, nargs)]))
            else:
                parse_one(f, code, &a, i, given[i])
        if f.inplace:
            target = <object>given[0]
            if not isinstance(target, Tensor):
                raise TypeError(f"{f.name}(): the first argument must be Tensor, not {type_name(target)}")
            if wg_apply_inplace(code, &(<Tensor>target).t, a.x, a.nx, a.attr) < 0:
                fail()
            return target
        if out is not None:
            check_out_apart(f, op, &a, out)
        result = apply_op(code, &a, given)
    finally:
        if a.held != NULL:
            Py_DECREF(<object>a.held)
    if out is not None:
        return write_out(f.name, result, out)
    return result


cdef int default_argument(Op f, int code, arguments *a, int i) except -1:
    """An argument that was not given."""
    cdef const wg_param *p = &wg_ops[code].params[i]
    if p.optional and p.type == WG_P_TENSOR:
        wg_val_clear(&a.numbers[a.nnumbers])
        a.x[a.nx] = &a.numbers[a.nnumbers]
        a.nnumbers += 1
        a.nx += 1
        return 0
    if p.has_default:
        a.attr[a.nattr] = p.value
    elif p.optional:
        a.attr[a.nattr] = WG_NONE
    elif p.type == WG_P_INTS and i == row_varargs[code]:       # x.expand(): no sizes at all
        a.attr[a.nattr] = WG_INTS(&a.ints[a.nints], 0)
    else:
        raise TypeError(f'{f.name}() missing 1 required positional arguments: "{ROW_NAMES[code][i]}"')
    a.nattr += 1
    return 0


cdef int positional_count(const wg_op *op):
    cdef int i, n = 0
    for i in range(op.nparam):
        if not op.params[i].keyword_only:
            n += 1
    return n


cdef str python_name(const wg_op *op, int i):
    name = op.params[i].name.decode()
    return "input" if name == "x" else name


cdef extern from *:
    """
    /* A tuple type's own constructor would take a tuple. */
    static PyObject *wg_tuple_alloc(PyObject *type, Py_ssize_t n) {
        return type == (PyObject *)&PyTuple_Type ? PyTuple_New(n) : ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, n);
    }
    """
    object wg_tuple_alloc(object, Py_ssize_t)

cdef extern from "Python.h":
    void PyTuple_SET_ITEM_ "PyTuple_SET_ITEM"(object, Py_ssize_t, object)


cdef object apply_op(int code, arguments *a, PyObject **given):
    """Runs the row and wraps what the user sees of its outputs."""
    cdef const wg_op *op = &wg_ops[code]
    cdef const wg_val **x = a.list_x if a.list_x != NULL else a.x
    cdef wg_val y[8]
    cdef wg_val *outs = y
    cdef Tensor first
    cdef int k, ny = op.nout, visible
    cdef object results
    if ny == 1:
        first = new_tensor()
        if wg_apply(code, x, a.nx, a.attr, &first.t.v) < 0:
            fail()
        if op.kind == WG_OP_VIEW and op.diff_in and given[0] != NULL:      # detach() is no view to autograd
            if first.t.v.a.storage == (<Tensor>given[0]).t.v.a.storage:
                check(wg_tensor_join(&first.t, &(<Tensor>given[0]).t, 0))
                if code == OP_AS_STRIDED and first.t.v.edge.node != NULL:   # its window is one of memory, not of the input's rows
                    check(wg_tensor_window_edge(&first.t, &(<Tensor>given[0]).t))
        return first
    if ny == WG_LIST_OUT:
        ny = wg_count_outputs(code, x, a.nx, a.attr)
        if ny < 0:
            fail()
    if ny > 8:
        outs = <wg_val *>wg_pool_get(ny * sizeof(wg_val))
        if outs == NULL:
            raise MemoryError()
    visible = ny - op.nhidden
    k = 0
    try:
        if wg_apply(code, x, a.nx, a.attr, outs) < 0:
            ny = 0                                         # nothing to release
            fail()
        if op.nout != WG_LIST_OUT and visible == 1:
            results = first = wrap(&outs[0])
            k = 1
            if op.kind == WG_OP_VIEW and given[0] != NULL:
                check(wg_tensor_join(&first.t, &(<Tensor>given[0]).t, WG_VIEW_OF_MANY))
            return results
        results = wg_tuple_alloc(tuple if ROW_RETURNS[code] is None else ROW_RETURNS[code], visible)
        while k < visible:
            first = wrap(&outs[k])
            k += 1
            Py_INCREF(first)
            PyTuple_SET_ITEM_(results, k - 1, first)
            if op.kind == WG_OP_VIEW and given[0] != NULL:
                check(wg_tensor_join(&first.t, &(<Tensor>given[0]).t, WG_VIEW_OF_MANY))
        return results
    finally:
        while k < ny:
            wg_val_release(&outs[k])
            k += 1
        if outs != y:
            wg_pool_put(outs)
