# x[key] and x[key] = value: ints, slices, None, Ellipsis, bools, masks, index tensors, in PyTorch's mixtures.

cdef Tensor apply_one(int op, Tensor x, const wg_attr *attr):
    """A row of one tensor; views join the group of their base."""
    cdef const wg_val *in_[1]
    cdef Tensor y = new_tensor()
    check(wg_tensor_refresh(&x.t))
    in_[0] = &x.t.v
    if wg_apply(op, in_, 1, attr, &y.t.v) < 0:
        fail()
    if wg_ops[op].kind == WG_OP_VIEW and y.t.v.a.storage == x.t.v.a.storage:
        check(wg_tensor_join(&y.t, &x.t, 0))
    return y


cdef Tensor apply_two(int op, Tensor a, Tensor b, const wg_attr *attr):
    cdef const wg_val *in_[2]
    cdef Tensor y = new_tensor()
    check(wg_tensor_refresh(&a.t))
    check(wg_tensor_refresh(&b.t))
    in_[0] = &a.t.v
    in_[1] = &b.t.v
    if wg_apply(op, in_, 2, attr, &y.t.v) < 0:
        fail()
    return y


cdef Tensor select_view(Tensor x, int64_t dim, int64_t index):
    cdef wg_attr attr[2]
    attr[0] = WG_INT(dim)
    attr[1] = WG_INT(index)
    return apply_one(OP_SELECT, x, attr)


cdef extern from "Python.h":
    ctypedef struct PySliceObject:
        PyObject *start
        PyObject *stop
        PyObject *step


cdef Tensor slice_view(Tensor x, int64_t dim, slice s):
    cdef wg_attr attr[4]
    cdef int64_t n = x.t.v.a.shape[dim], start = 0, stop = n, step = 1
    if <object>(<PySliceObject *>s).step is not None:
        step = slice_bound(<object>(<PySliceObject *>s).step)
        if step <= 0:
            raise ValueError("step must be greater than zero")
    if <object>(<PySliceObject *>s).start is not None:
        start = slice_bound(<object>(<PySliceObject *>s).start)
    if <object>(<PySliceObject *>s).stop is not None:
        stop = slice_bound(<object>(<PySliceObject *>s).stop)
    attr[0] = WG_INT(dim)
    attr[1] = WG_INT(start)
    attr[2] = WG_INT(stop)
    attr[3] = WG_INT(step)
    return apply_one(OP_SLICE, x, attr)


cdef extern from "<stdint.h>" nogil:
    int64_t LARGEST "INT64_MAX"
    int64_t SMALLEST "INT64_MIN"


cdef int64_t slice_bound(object o) except? -1:
    """A slice's bound; larger than any size is as good as the largest."""
    cdef int overflow = 0
    cdef long long bound
    if not PyLong_Check(o):
        o = o.__index__()
    bound = PyLong_AsLongLongAndOverflow(o, &overflow)
    if overflow:
        return LARGEST if overflow > 0 else SMALLEST
    return bound


cdef bint plain_bound(object o):
    return o is None or PyLong_Check(o)


cdef slice plain_slice(slice s):
    """A slice whose bounds are ints or None."""
    if plain_bound(<object>(<PySliceObject *>s).start) and plain_bound(<object>(<PySliceObject *>s).stop) and plain_bound(<object>(<PySliceObject *>s).step):
        return s
    return slice(*[bound if bound is None else slice_bound(bound) for bound in (<object>(<PySliceObject *>s).start, <object>(<PySliceObject *>s).stop, <object>(<PySliceObject *>s).step)])


cdef Tensor unsqueeze_view(Tensor x, int64_t dim):
    cdef wg_attr attr[1]
    attr[0] = WG_INT(dim)
    return apply_one(OP_UNSQUEEZE, x, attr)


cdef Tensor cast_to(Tensor x, int dt):
    cdef wg_attr attr[1]
    if x.t.v.a.dtype == dt:
        return x
    attr[0] = WG_INT(dt)
    return apply_one(OP_TO_DTYPE, x, attr)


cdef bint counts_as_tuple(list key) except -1:
    """Old rule of PyTorch and NumPy: a list of fewer than 32 items, a slice, None, a tensor or a sequence among them, is a tuple of indices."""
    if len(key) >= 32:
        return False
    for item in key:
        if item is None or item is Ellipsis or isinstance(item, (slice, Tensor, list, tuple)) \
                or (hasattr(type(item), "__len__") and hasattr(type(item), "__getitem__")):
            import warnings
            warnings.warn("Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use "
                          "x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], which "
                          "will result either in an error or a different result", UserWarning, stacklevel=1)
            return True
    return False


cdef object index_tensor(object item):
    """A list, range or array as an index tensor."""
    if hasattr(item, "__array__") or PyObject_CheckBuffer(item):
        return from_buffer_object(item)
    result = from_data(item, None)
    if (<Tensor>result).t.v.a.numel == 0:
        return cast_to(<Tensor>result, WG_I64)
    return result


cdef tuple split_key(object key):
    """The key as a tuple of indices."""
    if type(key) is tuple:
        return key
    if type(key) is list and counts_as_tuple(<list>key):
        return tuple(key)
    return (key,)


cdef int dims_used(object item) except -1:
    """How many dimensions of the tensor one index consumes."""
    if item is None or item is Ellipsis or PyBool_Check(item):
        return 0
    if isinstance(item, Tensor) and ((<Tensor>item).t.v.a.dtype == WG_BOOL or (<Tensor>item).t.v.a.dtype == WG_U8):
        return (<Tensor>item).t.v.a.ndim
    return 1


cdef Tensor apply_views(Tensor self, tuple key, list tensors):
    """The views that a key asks for; index tensors are collected in `tensors` as (dimension, tensor)."""
    cdef int used = 0
    cdef int64_t dim = 0
    cdef int k
    cdef Tensor x = self, t
    items = []
    for item in key:
        if not (item is None or item is Ellipsis or isinstance(item, (slice, Tensor)) or PyLong_Check(item)):
            if hasattr(item, "__index__") and not hasattr(item, "__len__"):
                item = item.__index__()
            elif isinstance(item, (list, tuple, range)) or hasattr(item, "__array__"):
                item = index_tensor(item)
            else:
                raise TypeError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
                                f"{type(item).__name__})")
        elif isinstance(item, slice):
            item = plain_slice(item)                       # now: what a bound's __index__ does must not come between the views
        items.append(item)
        used += dims_used(item)
    if used > x.t.v.a.ndim:
        raise IndexError(f"too many indices for tensor of dimension {x.t.v.a.ndim}")
    seen_ellipsis = False
    for item in items:
        if item is None:
            x = unsqueeze_view(x, dim)
            dim += 1
        elif item is Ellipsis:
            if seen_ellipsis:
                raise IndexError("an index can only have a single ellipsis ('...')")
            seen_ellipsis = True
            dim += self.t.v.a.ndim - used
        elif PyBool_Check(item):
            x = unsqueeze_view(x, dim)
            tensors.append((dim, from_data([0] if item else [], DTYPES[WG_I64])))
            dim += 1
        elif PyLong_Check(item):
            x = select_view(x, dim, item)
        elif isinstance(item, slice):
            if <object>(<PySliceObject *>item).start is not None or <object>(<PySliceObject *>item).stop is not None or <object>(<PySliceObject *>item).step is not None:
                x = slice_view(x, dim, item)
            dim += 1
        else:
            t = <Tensor>item
            if t.t.v.a.dtype == WG_BOOL or t.t.v.a.dtype == WG_U8:
                if t.t.v.a.ndim == 0:                      # a 0-d mask is like a bool
                    x = unsqueeze_view(x, dim)
                    tensors.append((dim, from_data([0] if item_of(t) else [], DTYPES[WG_I64])))
                    dim += 1
                    continue
                for k in range(t.t.v.a.ndim):
                    if t.t.v.a.shape[k] != x.t.v.a.shape[dim + k]:
                        raise IndexError(f"The shape of the mask {shape_of(t)} at index {k} does not match the shape of the indexed tensor "
                                         f"{shape_of(x)} at index {dim + k}")
                for column in mask_columns(t):
                    tensors.append((dim, column))
                    dim += 1
            elif WG_IS_FLOAT(t.t.v.a.dtype):
                raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
            elif t.t.v.a.ndim == 0 and not tensors and not has_tensor_index(items):
                x = select_view(x, dim, item_of(t))
            else:
                tensors.append((dim, cast_to(t, WG_I64)))
                dim += 1
    return x


cdef bint has_tensor_index(list items):
    """Is there an index tensor with dimensions? (A 0-d integer tensor alone selects, like an int.)"""
    for item in items:
        if isinstance(item, Tensor) and ((<Tensor>item).t.v.a.ndim > 0 or (<Tensor>item).t.v.a.dtype <= WG_U8):
            return True
        if PyBool_Check(item):
            return True
    return False


cdef list mask_columns(Tensor mask):
    """A mask as one index tensor per dimension."""
    cdef Tensor places = apply_one(OP_NONZERO, mask, NULL)
    return [select_view(places, 1, k) for k in range(mask.t.v.a.ndim)]


cdef Tensor stacked(list tensors):
    """Index tensors broadcast to one shape and stacked: (k, *shape)."""
    cdef int n = <int>len(tensors), i, d
    cdef Tensor first = <Tensor>(tensors[0][1])
    cdef bint equal = True
    if n == 1:
        return unsqueeze_view(first, 0)
    for i in range(1, n):
        equal = equal and wg_same_shape(&first.t.v.a, &(<Tensor>(tensors[i][1])).t.v.a)
    if equal:
        return stack_of([pair[1] for pair in tensors])
    shapes = [tuple(shape_of(pair[1])) for pair in tensors]
    shape = list(shapes[0])
    for other in shapes[1:]:
        a, b = list(shape), list(other)
        while len(a) < len(b):
            a.insert(0, 1)
        while len(b) < len(a):
            b.insert(0, 1)
        for d in range(len(a)):
            if a[d] != b[d] and a[d] != 1 and b[d] != 1:
                raise IndexError("shape mismatch: indexing tensors could not be broadcast together with shapes " + ", ".join(str(list(s)) for s in shapes))
            a[d] = b[d] if a[d] == 1 else a[d]
        shape = a
    return stack_of([expanded_to(<Tensor>(pair[1]), shape) for pair in tensors])


cdef Tensor stack_of(list tensors):
    """Tensors of one shape along a new first dimension."""
    cdef const wg_val *x[WG_MAX_DIMS]
    cdef wg_attr attr[1]
    cdef int n = <int>len(tensors), i
    cdef Tensor out = new_tensor()
    for i in range(n):
        x[i] = &(<Tensor>tensors[i]).t.v
    attr[0] = WG_INT(0)
    check(wg_apply(OP_STACK, x, n, attr, &out.t.v))
    return out


cdef Tensor expanded_to(Tensor x, list shape):
    cdef int64_t sizes[WG_MAX_DIMS]
    cdef wg_attr attr[1]
    cdef int i
    if shape_of(x) == shape:
        return x
    for i in range(len(shape)):
        sizes[i] = shape[i]
    attr[0] = WG_INTS(sizes, <int>len(shape))
    return apply_one(OP_EXPAND, x, attr)


cdef Tensor arrange(Tensor x, list tensors, int *place):
    """x with the indexed dimensions first; *place says where the result's index dimensions go."""
    cdef int64_t order[WG_MAX_DIMS]
    cdef int n = <int>len(tensors), ndim = x.t.v.a.ndim, i, k, d
    cdef bint indexed[WG_MAX_DIMS]
    cdef bint sorted_ = True
    cdef wg_attr attr[1]
    for d in range(ndim):
        indexed[d] = False
    for i in range(n):
        order[i] = <int>(<tuple>tensors[i])[0]
        indexed[order[i]] = True
    place[0] = <int>(<tuple>tensors[0])[0]
    for i in range(1, n):
        if order[i] != order[i - 1] + 1:
            place[0] = 0
    k = n
    for d in range(ndim):
        if not indexed[d]:
            order[k] = d
            k += 1
    for d in range(ndim):
        sorted_ = sorted_ and order[d] == d
    if sorted_:
        return x
    attr[0] = WG_INTS(order, ndim)
    return apply_one(OP_PERMUTE, x, attr)


cdef Tensor single_index(Tensor self, object key):
    """The index of x[i], i being a tensor of integers, as the rows take it; None for any other key."""
    if not isinstance(key, Tensor) or self.t.v.a.ndim == 0:
        return None
    if (<Tensor>key).t.v.a.dtype != WG_I64 or (<Tensor>key).t.v.a.ndim == 0:
        return None
    return unsqueeze_view(<Tensor>key, 0)


cdef bint plain_indices(object item):
    """An index tensor of int64 with dimensions."""
    return Py_TYPE_(item) == <PyTypeObject *>Tensor and (<Tensor>item).t.v.a.dtype == WG_I64 and (<Tensor>item).t.v.a.ndim > 0


cdef Tensor pair_index(Tensor self, tuple key):
    """x[i, j] and x[:, j] for index tensors, the commonest of the keys that gather; None for any other."""
    cdef wg_attr attr[1]
    cdef int64_t order[WG_MAX_DIMS]
    cdef int d, ndim = self.t.v.a.ndim
    first, second = <object>PyTuple_GET_ITEM_(key, 0), <object>PyTuple_GET_ITEM_(key, 1)
    if ndim < 2 or not plain_indices(second):
        return None
    if plain_indices(first):
        if not wg_same_shape(&(<Tensor>first).t.v.a, &(<Tensor>second).t.v.a):
            return None
        attr[0] = WG_INT(0)
        return apply_two(OP_INDEX, self, stack_of([first, second]), attr)
    if type(first) is not slice or <object>(<PySliceObject *>first).start is not None or <object>(<PySliceObject *>first).stop is not None \
            or <object>(<PySliceObject *>first).step is not None:
        return None
    order[0], order[1] = 1, 0
    for d in range(2, ndim):
        order[d] = d
    attr[0] = WG_INTS(order, ndim)
    x = apply_one(OP_PERMUTE, self, attr)
    attr[0] = WG_INT(1)
    return apply_two(OP_INDEX, x, unsqueeze_view(<Tensor>second, 0), attr)


cdef object get_item(Tensor self, object key):
    cdef wg_attr attr[1]
    cdef Tensor x, index
    cdef list tensors
    cdef int place
    if not is_plain(self) or wg_mode & WG_MODE_FUNCTION:
        return override_handler(plain_get_item, (self, key), {})
    if type(key) is int:
        if self.t.v.a.ndim == 0:
            raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number")
        return select_view(self, 0, key)
    index = single_index(self, key)
    if index is not None:
        attr[0] = WG_INT(0)
        return apply_two(OP_INDEX, self, index, attr)
    if type(key) is tuple and PyTuple_GET_SIZE_(key) == 2:
        x = pair_index(self, <tuple>key)
        if x is not None:
            return x
    tensors = []
    x = apply_views(self, split_key(key), tensors)
    if not tensors:
        return apply_one(OP_ALIAS, self, NULL) if x is self else x
    x = arrange(x, tensors, &place)
    index = stacked(tensors)
    attr[0] = WG_INT(place)
    return apply_two(OP_INDEX, x, index, attr)


def _index_add(Tensor self not None, key, Tensor value not None):
    """self[key] += value with repeated indices counted each time; returns self."""
    write_item(self, key, value, True)
    return self


cdef int set_item(Tensor self, object key, object value) except -1:
    return write_item(self, key, value, False)


cdef int write_item(Tensor self, object key, object value, bint accumulate) except -1:
    cdef Tensor x, v, index
    cdef wg_val number
    cdef const wg_val *in_[3]
    cdef wg_attr attr[2]
    cdef wg_attr fits
    cdef list tensors = []
    cdef int place, count
    if not is_plain(self) or wg_mode & WG_MODE_FUNCTION:
        override_handler(plain_set_item, (self, key, value), {})
        return 0
    if not accumulate and fill_where(self, key, value):
        return 0
    index = single_index(self, key)
    x = apply_views(self, split_key(key), tensors) if index is None else self
    if not (isinstance(value, Tensor) or is_number(value)):
        scalar = numpy_number(value)
        if scalar is not None:
            value = scalar
        elif isinstance(value, (list, tuple)) or hasattr(value, "__array__"):
            value = cast_to(<Tensor>index_tensor(value), x.t.v.a.dtype)
        else:
            raise TypeError(f"can't assign a {type(value).__name__} to a torch.{wg_dtype_title[self.t.v.a.dtype].decode()}Tensor")
    if index is None and not tensors:
        if accumulate:
            inplace(OP_ADD, x, value)
        elif isinstance(value, Tensor):
            copy_into(x, without_leading_ones(<Tensor>value, x.t.v.a.ndim))
        else:
            fill_in_place(x, value)
        return 0
    place, count = 0, 1
    if index is None:
        x = arrange(x, tensors, &place)
        index = stacked(tensors)
        count = <int>len(tensors)
    check(wg_tensor_refresh(&x.t))
    in_[0] = &x.t.v
    in_[1] = &index.t.v
    attr[0] = WG_BOOLEAN(accumulate)
    attr[1] = WG_INT(place)
    if isinstance(value, Tensor):
        v = without_leading_ones(<Tensor>value, index.t.v.a.ndim - 1 + x.t.v.a.ndim - count)
        check(wg_tensor_refresh(&v.t))
        in_[2] = &v.t.v
    else:
        set_number(&number, value)
        set_attr_number(&fits, value)
        check(wg_check_fits(fits, x.t.v.a.dtype))
        in_[2] = &number
    check(wg_apply_inplace(OP_INDEX_PUT, &x.t, in_, 3, attr))
    return 0


cdef bint fill_where(Tensor self, object key, object value) except -1:
    """x[mask] = number without a graph needs no indices; False: it is something else."""
    cdef const wg_val *in_[2]
    cdef wg_attr attr[1]
    cdef Tensor mask
    if not isinstance(key, Tensor) or not is_number(value) or not WG_IS_FLOAT(self.t.v.a.dtype):
        return False
    mask = <Tensor>key
    if mask.t.v.a.dtype != WG_BOOL or not is_plain(mask) or not wg_same_shape(&mask.t.v.a, &self.t.v.a):
        return False
    if has_edge(self):
        return False
    in_[0] = &self.t.v
    in_[1] = &mask.t.v
    set_attr_number(attr, value)
    check(wg_apply_inplace(OP_MASKED_FILL, &self.t, in_, 2, attr))
    return True


def plain_get_item(self, key):
    """Tensor.__getitem__ as a function, for __torch_function__."""
    cdef uint32_t mode = wg_mode
    set_mode_bits(WG_MODE_FUNCTION | WG_MODE_PLAIN, WG_MODE_PLAIN)
    try:
        return get_item(tensor_in(self), key)
    finally:
        set_mode_bits(WG_MODE_FUNCTION | WG_MODE_PLAIN, mode)


def plain_set_item(self, key, value):
    """Tensor.__setitem__ as a function, for __torch_function__."""
    cdef uint32_t mode = wg_mode
    set_mode_bits(WG_MODE_FUNCTION | WG_MODE_PLAIN, WG_MODE_PLAIN)
    try:
        set_item(tensor_in(self), key, value)
    finally:
        set_mode_bits(WG_MODE_FUNCTION | WG_MODE_PLAIN, mode)


cdef Tensor without_leading_ones(Tensor v, int ndim):
    """A value with more dimensions than its place may have leading ones."""
    while v.t.v.a.ndim > ndim and v.t.v.a.shape[0] == 1:
        v = select_view(v, 0, 0)
    return v


cdef int fill_in_place(Tensor x, object value) except -1:
    cdef const wg_val *in_[1]
    cdef wg_attr attr[1]
    check(wg_tensor_refresh(&x.t))
    in_[0] = &x.t.v
    set_attr_number(attr, value)
    check(wg_apply_inplace(WG_OP_fill, &x.t, in_, 1, attr))
    return 0


# ---- contiguous ----

@cython.final
cdef class Contiguous(Wrapper):
    """Tensor.contiguous: without a format it is done here."""


cdef object contiguous_vectorcall(object self, PyObject *const *args, size_t nargsf, PyObject *kwnames):
    cdef wg_attr attr[1]
    if PyVectorcall_NARGS(nargsf) != 1 or kwnames != NULL or wg_mode & WG_MODE_FUNCTION or not isinstance(<object>args[0], Tensor) \
            or not is_plain(<object>args[0]):
        return PyObject_Vectorcall((<Contiguous>self).function, args, nargsf, kwnames)
    if (<Tensor><object>args[0]).t.v.a.contiguous:
        return <object>args[0]
    attr[0] = WG_INT(0)
    return apply_one(WG_OP_clone, <Tensor><object>args[0], attr)


wg_type_vectorcall(<PyTypeObject *>Contiguous, WG_OFFSET_WRAPPER)


def contiguous_method(function):
    """Decorates Tensor.contiguous."""
    cdef Contiguous f = Contiguous.__new__(Contiguous)
    f.vectorcall = contiguous_vectorcall
    f.function = function
    return f
