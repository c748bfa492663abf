# Tensors from nested Python numbers.

cdef int infer(object data, int dt, int depth=0) except -2:
    """The dtype that holds ``data`` and what was seen before (-1: nothing)."""
    cdef int own
    if depth > WG_MAX_DIMS:
        raise ValueError("too many dimensions or a sequence that contains itself")
    if PyBool_Check(data):
        own = WG_BOOL
    elif PyLong_Check(data):
        own = WG_I64
    elif PyFloat_Check(data):                              # numpy.float64 is a float, and says which
        own = WG_F64 if type(data) is not float and getattr(type(data), "__module__", None) == "numpy" else wg_default_dtype
    elif isinstance(data, Tensor):
        own = (<Tensor>data).t.v.a.dtype
    elif isinstance(data, (list, tuple)) or hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, (str, bytes, dict)) and getattr(data, "ndim", 1) != 0:
        if type(data) is range:
            return WG_I64 if dt < 0 else wg_promote_types(dt, WG_I64)
        left = len(data)
        for item in data:
            left -= 1
            if left < 0:
                check_length(left)                         # __getitem__ may go on for ever
            dt = infer(item, dt, depth + 1)
        return dt
    else:
        number = numpy_number(data)
        if number is not None:
            name = str(data.dtype)
            own = (<dtype>DTYPE_BY_NAME[name]).code if name in DTYPE_BY_NAME else infer(number, -1)
        elif isinstance(data, complex):
            raise TypeError("wengert has no complex dtypes")
        elif isinstance(data, str):
            raise TypeError("new(): invalid data type 'str'")
        elif hasattr(data, "__float__") or hasattr(data, "__index__"):
            own = WG_I64 if hasattr(data, "__index__") else wg_default_dtype
        else:
            raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    return own if dt < 0 else wg_promote_types(dt, own)


cdef int measure(object data, list shape, int depth) except -1:
    """Sizes of nested sequences, from their first elements."""
    while True:
        if PyFloat_Check(data) or PyLong_Check(data):
            return 0
        if isinstance(data, Tensor):
            if shape:                                      # inside a list a tensor is one number
                return 0
            for i in range((<Tensor>data).t.v.a.ndim):
                shape.append((<Tensor>data).t.v.a.shape[i])
            if len(shape) > WG_MAX_DIMS:
                raise ValueError("too many dimensions or a sequence that contains itself")
            return 0
        if not (isinstance(data, (list, tuple)) or (hasattr(data, "__len__") and hasattr(data, "__getitem__"))) or getattr(data, "ndim", 1) == 0:
            return 0
        if isinstance(data, (str, bytes)):
            return 0
        shape.append(len(data))
        if len(shape) > WG_MAX_DIMS:
            raise ValueError("too many dimensions or a sequence that contains itself")
        if len(data) == 0:
            return 0
        data = data[0]


cdef int put_element(char *p, int dt, object value) except -1:
    cdef double d
    cdef int64_t i
    if WG_IS_FLOAT(dt):
        d = value
        if dt == WG_F32:
            (<float *>p)[0] = <float>d
        elif dt == WG_F64:
            (<double *>p)[0] = d
        elif dt == WG_F16:
            (<uint16_t *>p)[0] = wg_f32_to_f16(<float>d)
        else:
            (<uint16_t *>p)[0] = wg_f32_to_bf16(<float>d)
        return 0
    if dt == WG_BOOL:
        p[0] = 1 if value else 0
        return 0
    if PyFloat_Check(value):
        i = int(value)
    else:
        i = item_of(<Tensor>value) if isinstance(value, Tensor) else (value if PyLong_Check(value) else int(value))
    if dt == WG_I64:
        (<int64_t *>p)[0] = i
        return 0
    limit = 8 * wg_itemsize[dt]
    if dt == WG_U8:
        if i < -255 or i > 255:
            raise RuntimeError("value cannot be converted to type uint8 without overflow")
        (<uint8_t *>p)[0] = <uint8_t>i
        return 0
    if i < -(1 << (limit - 1)) or i >= (1 << (limit - 1)):
        raise RuntimeError(f"value cannot be converted to type int{limit} without overflow")
    if dt == WG_I32:
        (<int32_t *>p)[0] = <int32_t>i
    elif dt == WG_I16:
        (<int16_t *>p)[0] = <int16_t>i
    else:
        (<int8_t *>p)[0] = <int8_t>i
    return 0


cdef extern from "kernels/wg_math_half.h" nogil:
    uint16_t wg_f32_to_f16(float)
    uint16_t wg_f32_to_bf16(float)


cdef inline int check_length(Py_ssize_t left) except -1:
    """A conversion to a number may run code that makes the sequence longer or shorter than it said."""
    if left != 0:
        raise RuntimeError("a sequence changed its length while a tensor was made from it")
    return 0


cdef char *put_nested(char *p, int dt, object data, list shape, int depth) except NULL:
    """Writes nested data in row-major order; returns where the next element goes."""
    cdef int size = wg_itemsize[dt]
    cdef Tensor t
    cdef Py_ssize_t n
    if isinstance(data, Tensor):
        t = <Tensor>data
        if shape_of(t) == shape[depth:]:
            return put_nested(p, dt, to_nested_list(&t.t.v.a, 0, t.t.v.a.data), shape, depth)
        if t.t.v.a.ndim == 0:
            raise TypeError("not a sequence")
        data = t.unbind()                                  # its rows count as its elements do
    if depth == len(shape):
        put_element(p, dt, data)
        return p + size
    if not hasattr(data, "__len__"):
        raise TypeError(f"not a sequence")
    n = len(data)
    if n != shape[depth]:
        raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {n})")
    if type(data) is list and dt == WG_F32 and depth == len(shape) - 1:
        for item in <list>data:                            # the commonest inner loop
            n -= 1
            if n < 0:
                check_length(n)
            if PyFloat_Check(item):
                (<float *>p)[0] = <float>PyFloat_AS_DOUBLE(item)
            else:
                put_element(p, dt, as_scalar(item, dt))
            p += 4
        check_length(n)
        return p
    for item in data:
        n -= 1
        if n < 0:
            check_length(n)
        p = put_nested(p, dt, item if depth < len(shape) - 1 else as_scalar(item, dt), shape, depth + 1)
    check_length(n)
    return p


cdef object as_scalar(object item, int dt):
    """An innermost element: a number; one-element tensors and NumPy scalars give theirs."""
    if isinstance(item, Tensor):
        if (<Tensor>item).t.v.a.numel != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        if WG_IS_FLOAT((<Tensor>item).t.v.a.dtype) and not WG_IS_FLOAT(dt):
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return item_of(<Tensor>item)
    if PyFloat_Check(item) or PyLong_Check(item):
        return item
    if isinstance(item, (list, tuple)):
        if WG_IS_FLOAT(dt):
            raise TypeError(f"must be real number, not {type(item).__name__}")
        raise TypeError(f"'{type(item).__name__}' object cannot be interpreted as an integer")
    number = numpy_number(item)
    return item if number is None else number


def from_data(data, dtype_or_none):
    """A new tensor holding nested Python numbers (lists, tuples, one-element tensors, NumPy scalars)."""
    cdef int dt
    cdef Tensor t = new_tensor()
    cdef int64_t sizes[WG_MAX_DIMS]
    cdef list shape
    cdef wg_val v
    if type(data) is float or type(data) is int or type(data) is bool:       # torch.tensor(3.0)
        if dtype_or_none is not None:
            dt = dtype_code(dtype_or_none)
        else:
            dt = wg_default_dtype if type(data) is float else WG_I64 if type(data) is int else WG_BOOL
        check(wg_new(&t.t.v, dt, 0, sizes))
        put_element(t.t.v.a.data, dt, data)
        return t
    shape = []
    measure(data, shape, 0)
    for i, s in enumerate(shape):
        sizes[i] = s
    check(wg_new(&t.t.v, WG_U8, <int>len(shape), sizes))   # no room for a byte each: before looking at 2**60 elements
    wg_tensor_release(&t.t)
    if dtype_or_none is None:
        dt = infer(data, -1)
        if dt < 0:
            dt = wg_default_dtype
    else:
        dt = dtype_code(dtype_or_none)
    check(wg_new(&t.t.v, dt, <int>len(shape), sizes))
    if t.t.v.a.numel or shape:
        put_nested(t.t.v.a.data, dt, data if shape else as_scalar(data, dt), shape, 0)
    return t
