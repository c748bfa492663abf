# Scalar types, devices, layouts: small immutable Python objects.

@cython.binding(False)
cdef class dtype:
    """A tensor's element type; compare with ``is`` or ``==``."""
    cdef readonly int code
    cdef readonly str name

    def __init__(self):
        raise TypeError("cannot create 'wengert.dtype' instances: use wengert.float32 and its siblings")

    def __repr__(self):
        return "torch." + self.name

    def __reduce__(self):
        return (dtype_by_name, (self.name,))

    @property
    def itemsize(self):
        """Bytes per element."""
        return wg_itemsize[self.code]

    @property
    def is_floating_point(self):
        return bool(WG_IS_FLOAT(self.code))

    @property
    def is_complex(self):
        return False

    @property
    def is_signed(self):
        return self.code != WG_BOOL and self.code != WG_U8

    def to_complex(self):
        """Raises NotImplementedError: there are no complex dtypes."""
        raise NotImplementedError("wengert has no complex dtypes")

    def to_real(self):
        """Itself: there are no complex dtypes."""
        return self


cdef list DTYPES = []
cdef dict DTYPE_BY_NAME = {}

cdef void make_dtypes():
    cdef dtype d
    for code in range(WG_NDTYPES):
        d = dtype.__new__(dtype)
        d.code = code
        d.name = wg_dtype_name[code].decode()
        DTYPES.append(d)
        DTYPE_BY_NAME[d.name] = d

make_dtypes()


def dtype_by_name(str name):
    """The dtype called ``name`` ("float32")."""
    return DTYPE_BY_NAME[name]


cdef int dtype_code(object d) except -1:
    """The code of a dtype argument; Python's float, int and bool stand for the default type, int64 and bool."""
    if type(d) is dtype:
        return (<dtype>d).code
    if d is float:
        return wg_default_dtype
    if d is int:
        return WG_I64
    if d is bool:
        return WG_BOOL
    raise TypeError(f"dtype must be a wengert.dtype, not {type(d).__name__}")


def get_default_dtype():
    """The type of floating-point tensors made without a ``dtype``: float32 until `set_default_dtype`."""
    return DTYPES[wg_default_dtype]


def set_default_dtype(d):
    """Sets the type of floating-point tensors made without a ``dtype``.

    Args:
        d: a floating-point dtype.

    Raises:
        TypeError: ``d`` is no floating-point dtype.
    """
    global wg_default_dtype
    cdef int code = dtype_code(d)
    if not WG_IS_FLOAT(code):
        raise TypeError(f"only floating-point types are supported as the default type")
    set_default_dtype_code(code)


cdef extern from *:
    """
    static void set_default_dtype_code(int code) { wg_default_dtype = code; }
    """
    void set_default_dtype_code(int code)


def promote_types(a, b):
    """The smallest dtype that both ``a`` and ``b`` convert to."""
    return DTYPES[wg_promote_types(dtype_code(a), dtype_code(b))]
