# Results written into existing tensors: out=, copy_.

def _write_out(name, result, out):
    """What a function made of others does with its out= argument: see `write_out`."""
    return write_out(name, result, out)


def _check_in_place_type(dtype target not None, dtype result not None):
    """Refuses to write what an in-place operation computed into a tensor of a lesser kind of numbers."""
    check_result_type(target.code, result.code)


cdef int check_result_type(int target, int result) except -1:
    if wg_category(result) > wg_category(target):
        raise RuntimeError(f"result type {wg_dtype_title[result].decode()} can't be cast to the desired output type {wg_dtype_title[target].decode()}")
    return 0


cdef object out_rules = None


cdef int load_out_rules() except -1:
    global out_rules
    if out_rules is None:
        from wengert import _out_rules as out_rules
    return 0


cdef object write_out(str name, object result, object out):
    """The out= argument: results are written into existing tensors, which are resized if they are empty."""
    load_out_rules()
    if isinstance(result, tuple):
        if not isinstance(out, (tuple, list)) or len(out) != len(result):
            raise TypeError(f"{name}(): argument 'out' must be tuple of {len(result)} Tensors")
        for r, o in zip(result, out):
            check_out(name, r, o, True)
        return type(result)([write_one(name, r, o) for r, o in zip(result, out)])
    check_out(name, result, out, False)
    return write_one(name, result, out)


cdef int check_out(str name, object result, object out, bint several) except -1:
    """Refuses, before anything is written, what this function does not write into."""
    cdef Tensor target, source
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type_name(out)}")
    target, source = <Tensor>out, <Tensor>result
    if not wg_mode & WG_MODE_NO_GRAD and (has_edge(target) or has_edge(source)):
        called = out_rules.CALLED.get(name, name)
        if called is not None:
            raise RuntimeError(f"{called}(): functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.")
    if target.t.v.a.dtype != source.t.v.a.dtype:
        error = out_rules.refusal(name, several, wg_dtype_title[source.t.v.a.dtype].decode(), wg_dtype_title[target.t.v.a.dtype].decode(),
                                  wg_category(source.t.v.a.dtype) <= wg_category(target.t.v.a.dtype))
        if error is not None:
            raise error
    return 0


cdef int check_out_apart(Op f, const wg_op *op, arguments *a, object out) except -1:
    """Refuses an out= tensor that shares memory with an operand, where PyTorch's loops would read what they have written."""
    cdef int i
    cdef bint always
    load_out_rules()
    always = f.name in out_rules.APART
    if op.kind != WG_OP_ELEMENTWISE and not always:
        return 0
    for target in (out if isinstance(out, (tuple, list)) else (out,)):
        for i in range(a.nx):
            if isinstance(target, Tensor) and wg_reads_written(&(<Tensor>target).t.v.a, &(a.list_x[i] if a.list_x != NULL else a.x[i]).a, always):
                raise RuntimeError(OVERLAP)
    return 0


OVERLAP = ("unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. "
           "Please clone() the tensor before performing the operation.")


def _check_out_apart(Tensor out not None, *inputs):
    """`check_out_apart` for functions made of others."""
    for x in inputs:
        if isinstance(x, Tensor) and wg_reads_written(&out.t.v.a, &(<Tensor>x).t.v.a, True):
            raise RuntimeError(OVERLAP)


cdef object write_one(str name, object result, object out):
    cdef Tensor target = <Tensor>out, source = <Tensor>result
    cdef uint32_t before = wg_mode & WG_MODE_NO_GRAD
    refuse_overlap(target)
    if not wg_same_shape(&target.t.v.a, &source.t.v.a):
        resize(target, source)
    set_mode_bits(WG_MODE_NO_GRAD, WG_MODE_NO_GRAD)        # what is recorded was refused above
    try:
        copy_into(target, source)
    finally:
        set_mode_bits(WG_MODE_NO_GRAD, before)
    return out


cdef int refuse_overlap(Tensor target) except -1:
    """What is written element by element must not show one element twice, as expanded dimensions do."""
    cdef int i
    for i in range(target.t.v.a.ndim):
        if target.t.v.a.shape[i] > 1 and target.t.v.a.strides[i] == 0:
            raise RuntimeError("unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
                               "Please clone() the tensor before performing the operation.")
    return 0


cdef int resize(Tensor target, Tensor source) except -1:
    """Gives an out= tensor the shape of the result; torch warns unless it was empty."""
    cdef wg_val fresh
    if target.t.v.a.numel != 0:
        import warnings
        warnings.warn(f"An output with one or more elements was resized since it had shape {shape_of(target)}, which does not "
                      f"match the required output shape {shape_of(source)}. This behavior is deprecated, and in a future release "
                      "outputs will not be resized unless they have zero elements. You can explicitly reuse an out tensor t by "
                      "resizing it, inplace, to zero elements with t.resize_(0).", UserWarning, stacklevel=3)
    wg_wait_for_launches()
    if has_edge(target):
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


@cython.final
cdef class WithOut(Wrapper):
    """A function of others, with out=."""


cdef object with_out_vectorcall(object self, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef object function = (<WithOut>self).function
    cdef Py_ssize_t i, nargs = PyVectorcall_NARGS(nargsf), nkw = PyTuple_GET_SIZE_(<object>kwnames) if kwnames != NULL else 0
    cdef bint given = False
    for i in range(nkw):
        given = given or <object>PyTuple_GET_ITEM_(<object>kwnames, i) == "out"
    if not given:
        return PyObject_Vectorcall(function, args, nargsf, kwnames)
    keywords = {<object>PyTuple_GET_ITEM_(<object>kwnames, i): <object>args[nargs + i] for i in range(nkw)}
    out = keywords.pop("out")
    result = function(*[<object>args[i] for i in range(nargs)], **keywords)
    return result if out is None else write_out(function.__name__, result, out)


wg_type_vectorcall(<PyTypeObject *>WithOut, WG_OFFSET_WRAPPER)

def with_out(function):
    """The function with out=: an existing tensor, or a tuple of them, that the result is written into."""
    cdef WithOut f = WithOut.__new__(WithOut)
    f.vectorcall = with_out_vectorcall
    f.function = function
    return f
