# Number slots: the hottest calls of all. The C functions below replace what Cython made of __mul__ and its siblings.

cdef inline int operand(object o, wg_val *number, const wg_val **x) except -1:
    """1: *x is set; 0: not an operand of ours (NotImplemented)."""
    if type(o) is Tensor or isinstance(o, Tensor):
        if wg_tensor_refresh(&(<Tensor>o).t) < 0:
            fail()
        x[0] = &(<Tensor>o).t.v
        return 1
    if PyFloat_Check(o):
        wg_number_float(number, PyFloat_AS_DOUBLE(o))
    elif PyLong_Check(o):
        set_number(number, o)
    else:
        o = numpy_number(o)
        if o is None:
            return 0
        set_number(number, o)
    x[0] = number
    return 1


cdef wg_attr ALPHA_ONE = WG_INT(1)


cdef object binary(int op, object a, object b):
    cdef wg_val nb
    cdef const wg_val *x[2]
    cdef Tensor out
    if type(a) is Tensor and not wg_mode & WG_MODE_FUNCTION:
        # The commonest operands first: two tensors, or a tensor and a Python number.
        if type(b) is Tensor:
            if wg_tensor_refresh(&(<Tensor>b).t) < 0:
                fail()
            x[1] = &(<Tensor>b).t.v
        elif type(b) is float:
            wg_number_float(&nb, PyFloat_AS_DOUBLE(b))
            x[1] = &nb
        else:
            return binary_general(op, a, b)
        if wg_tensor_refresh(&(<Tensor>a).t) < 0:
            fail()
        x[0] = &(<Tensor>a).t.v
        out = new_tensor()
        if wg_apply(op, x, 2, &ALPHA_ONE, &out.t.v) < 0:
            fail()
        return out
    return binary_general(op, a, b)


cdef object binary_general(int op, object a, object b):
    cdef wg_val na, nb
    cdef const wg_val *x[2]
    cdef Tensor out
    if type(a) is not Tensor or type(b) is not Tensor:
        if (isinstance(a, Tensor) and not is_plain(a)) or (isinstance(b, Tensor) and not is_plain(b)) or wg_mode & WG_MODE_FUNCTION:
            return override_binary(op, a, b)
        if not isinstance(a, Tensor) and not is_number(a) and has_override(a) or not isinstance(b, Tensor) and not is_number(b) and has_override(b):
            return override_binary(op, a, b)
    elif wg_mode & WG_MODE_FUNCTION:
        return override_binary(op, a, b)
    if not operand(a, &na, &x[0]) or not operand(b, &nb, &x[1]):
        return NotImplemented
    out = new_tensor()
    if wg_apply(op, x, 2, &ALPHA_ONE, &out.t.v) < 0:
        fail()
    return out


cdef object unary(int op, object a):
    cdef const wg_val *x[1]
    cdef Tensor out
    if not is_plain(a) or wg_mode & WG_MODE_FUNCTION:
        return override_handler(OPS[wg_ops[op].name.decode()], (a,), {})
    check(wg_tensor_refresh(&(<Tensor>a).t))
    x[0] = &(<Tensor>a).t.v
    out = new_tensor()
    if wg_apply(op, x, 1, NULL, &out.t.v) < 0:
        fail()
    return out


cdef object inplace(int op, object a, object b):
    cdef wg_val nb
    cdef const wg_val *x[2]
    if not is_plain(a) or (isinstance(b, Tensor) and not is_plain(b)) or wg_mode & WG_MODE_FUNCTION:
        return override_handler(OPS[wg_ops[op].name.decode() + "_"], (a, b), {})
    check(wg_tensor_refresh(&(<Tensor>a).t))
    x[0] = &(<Tensor>a).t.v
    if not operand(b, &nb, &x[1]):
        return NotImplemented
    check(wg_apply_inplace(op, &(<Tensor>a).t, x, 2, &ALPHA_ONE))
    return a


cdef object override_binary(int op, object a, object b):
    return override_handler(OPS[wg_ops[op].name.decode()], (a, b), {})


cdef object power(object a, object b):
    """a ** b; a number as exponent is an attribute, so that the gradient needs no logarithm."""
    cdef const wg_val *x[1]
    cdef wg_attr exponent[1]
    cdef Tensor out
    if is_plain(a) and is_number(b) and not wg_mode & WG_MODE_FUNCTION and (WG_IS_FLOAT((<Tensor>a).t.v.a.dtype) or ((<Tensor>a).t.v.a.dtype != WG_BOOL and not PyFloat_Check(b))):
        check(wg_tensor_refresh(&(<Tensor>a).t))
        x[0] = &(<Tensor>a).t.v
        set_attr_number(exponent, b)
        out = new_tensor()
        if wg_apply(OP_POW_SCALAR, x, 1, exponent, &out.t.v) < 0:
            fail()
        return out
    return binary(OP_POW, a, b)


cdef object power_inplace(object a, object b):
    cdef const wg_val *x[1]
    cdef wg_attr exponent[1]
    if is_plain(a) and is_number(b) and not wg_mode & WG_MODE_FUNCTION and (WG_IS_FLOAT((<Tensor>a).t.v.a.dtype) or ((<Tensor>a).t.v.a.dtype != WG_BOOL and not PyFloat_Check(b))):
        check(wg_tensor_refresh(&(<Tensor>a).t))
        x[0] = &(<Tensor>a).t.v
        set_attr_number(exponent, b)
        check(wg_apply_inplace(OP_POW_SCALAR, &(<Tensor>a).t, x, 1, exponent))
        return a
    return inplace(OP_POW, a, b)


cdef extern from "wg_matmul.h" nogil:
    int wg_matmul(const wg_val *, const wg_val *, wg_val *)


def power_of(input, exponent):
    """``input ** exponent``, element by element; either may be a number.

    Raises:
        RuntimeError: integers to a negative integer power; shapes that do not broadcast.
    """
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor) and not has_override(input) and not has_override(exponent):
        raise TypeError(f"pow() received an invalid combination of arguments - got ({type_name(input)}, {type_name(exponent)})")
    result = power(input, exponent)
    if result is NotImplemented:
        raise TypeError(f"pow() received an invalid combination of arguments - got ({type_name(input)}, {type_name(exponent)})")
    return result


def matmul(input, other, *, out=None):
    """Matrix product of tensors of any dimensions.

    Raises:
        RuntimeError: inner sizes differ, a 0-d operand, or dtypes differ.
    """
    if not isinstance(input, Tensor) and not has_override(input):
        raise TypeError(f"matmul(): argument 'input' (position 1) must be Tensor, not {type_name(input)}")
    if not isinstance(other, Tensor) and not has_override(other):
        raise TypeError(f"matmul(): argument 'other' (position 2) must be Tensor, not {type_name(other)}")
    result = product(input, other)
    return result if out is None else write_out("matmul", result, out)


cdef object product(object a, object b):
    """``a @ b``; NotImplemented unless both are tensors."""
    cdef Tensor out
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        if (not is_plain(a) if isinstance(a, Tensor) else has_override(a)) or (not is_plain(b) if isinstance(b, Tensor) else has_override(b)):
            return override_handler(matmul, (a, b), {})
        return NotImplemented
    if wg_mode & WG_MODE_FUNCTION or not is_plain(a) or not is_plain(b):
        return override_handler(matmul, (a, b), {})
    check(wg_tensor_refresh(&(<Tensor>a).t))
    check(wg_tensor_refresh(&(<Tensor>b).t))
    out = new_tensor()
    if wg_matmul(&(<Tensor>a).t.v, &(<Tensor>b).t.v, &out.t.v) < 0:
        fail()
    return out


cdef object compare(object self, object other, int op):
    cdef int row
    # Python's order: < <= == != > >=
    if op == 0:
        row = OP_LT
    elif op == 1:
        row = OP_LE
    elif op == 2:
        row = OP_EQ
    elif op == 3:
        row = OP_NE
    elif op == 4:
        row = OP_GT
    else:
        row = OP_GE
    result = binary(row, self, other)
    if result is NotImplemented and op == 2:
        return False
    if result is NotImplemented and op == 3:
        return True
    return result


def result_type(a, b):
    """The dtype that an operation on two tensors or numbers computes in."""
    cdef wg_val na, nb
    cdef const wg_val *x[2]
    cdef const wg_array *arrays[2]
    if not operand(a, &na, &x[0]) or not operand(b, &nb, &x[1]):
        raise TypeError("result_type(): arguments must be Tensors or Numbers")
    arrays[0] = &x[0].a
    arrays[1] = &x[1].a
    return DTYPES[wg_result_type(arrays, 2)]


cdef object slot_add(object a, object b):
    return binary(OP_ADD, a, b)

cdef object slot_sub(object a, object b):
    return binary(OP_SUB, a, b)

cdef object slot_mul(object a, object b):
    return binary(OP_MUL, a, b)

cdef object slot_div(object a, object b):
    return binary(OP_DIV, a, b)

cdef object slot_matmul(object a, object b):
    return product(a, b)

cdef object slot_neg(object a):
    return unary(OP_NEG, a)


cdef extern from *:
    """
    static void install_slots(PyTypeObject *t, binaryfunc add, binaryfunc sub, binaryfunc mul, binaryfunc div, binaryfunc matmul,
                              unaryfunc neg) {
        PyNumberMethods *n = t->tp_as_number;
        n->nb_add = add; n->nb_subtract = sub; n->nb_multiply = mul; n->nb_true_divide = div; n->nb_matrix_multiply = matmul;
        n->nb_negative = neg;
    }
    """
    void install_slots(PyTypeObject *, object (*)(object, object), object (*)(object, object), object (*)(object, object),
                       object (*)(object, object), object (*)(object, object), object (*)(object))

install_slots(<PyTypeObject *>Tensor, slot_add, slot_sub, slot_mul, slot_div, slot_matmul, slot_neg)
