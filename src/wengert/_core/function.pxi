# User-defined Functions on the tape: what they save, and how the sweep calls them. The class is in autograd/function.py.

@cython.binding(False)
cdef class Saved:
    """One tensor that a Function saved: the value, without the handle, so that saving an output makes no cycle."""
    cdef wg_val v
    cdef uint32_t version
    cdef int output                      # which output of the Function it is, or -1
    cdef tuple hooked                    # (what a pack hook gave, unpack hook); then v is only an edge

    def __cinit__(self):
        wg_val_clear(&self.v)

    def __dealloc__(self):
        wg_val_release(&self.v)


def _save(Tensor t not None, int output):
    """Saves a tensor for `_unpack`; ``output`` says which output of the Function it is, -1: none."""
    cdef Saved s = Saved.__new__(Saved)
    cdef wg_edge edge
    check(wg_tensor_refresh(&t.t))
    wg_val_share(&s.v, &t.t.v)
    if output >= 0:
        wg_val_drop_edge(&s.v)
    if t.t.v.version.inference:
        check(wg_inference_saved_error())
    s.output = output
    s.version = t.t.v.version.value
    if wg_mode & WG_MODE_SAVED_HOOKS:
        s.hooked = pack_value(&s.v)
        edge = s.v.edge
        s.v.edge.node = NULL
        wg_val_release(&s.v)
        s.v.edge = edge
    return s


def _unpack(Saved s not None, Node node):
    """The saved tensor; ``node`` is the Function's record, the origin of saved outputs.

    Raises:
        RuntimeError: it was written in place since.
    """
    cdef Tensor t, given
    if s.hooked is not None:
        given = unpack_value(s.hooked)
        t = new_tensor()
        wg_val_share(&t.t.v, &given.t.v)
        wg_val_drop_edge(&t.t.v)
        if s.v.edge.node != NULL:
            t.t.v.edge = s.v.edge
            wg_node_hold(s.v.edge.node)
    elif s.v.version == NULL:
        raise ValueError("nothing was saved here")
    elif s.v.version.value != s.version:
        raise RuntimeError("one of the variables needed for gradient computation has been modified by an inplace operation: "
                           f"[torch.{wg_dtype_title[s.v.a.dtype].decode()}Tensor {[s.v.a.shape[i] for i in range(s.v.a.ndim)]}], which was saved by "
                           f"an autograd.Function, is at version {s.v.version.value}; expected version {s.version} instead. "
                           "Hint: write to a clone() of it.")
    else:
        t = new_tensor()
        wg_val_share(&t.t.v, &s.v)
    if s.output >= 0 and node is not None:
        t.t.v.edge.node = node.node
        t.t.v.edge.out = s.output
        wg_node_hold(node.node)
    return t


def _record_function(context, tuple inputs not None, tuple outputs not None, tuple differentiable not None):
    """Appends a record for a Function applied to ``inputs`` and makes ``outputs`` its outputs.

    Args:
        context: has ``_backward(node, grads, needs, retain_graph)`` and ``_node_name``.
        outputs: tensors; what history they had is replaced. differentiable: a bool for each.
    """
    cdef Py_ssize_t nx = len(inputs), ny = len(outputs), i
    cdef wg_edge *edges
    cdef wg_val **y
    cdef Ext e = Ext.__new__(Ext)
    cdef wg_rec *r = NULL
    cdef Tensor t
    cdef wg_edge edge
    if len(differentiable) != ny:
        raise ValueError("one flag for each output")
    for t in inputs + outputs:
        if t is None:
            raise TypeError("expected a Tensor")
        check(wg_tensor_refresh(&t.t))
    edges = <wg_edge *>wg_pool_get((nx + 1) * sizeof(wg_edge))
    y = <wg_val **>wg_pool_get((ny + 1) * sizeof(wg_val *))
    if edges == NULL or y == NULL:
        wg_pool_put(edges)
        wg_pool_put(y)
        raise MemoryError()
    try:
        e.function = context
        e.name = context._node_name.encode()
        e.input_meta = []
        for i in range(nx):
            t = <Tensor>inputs[i]
            edges[i] = t.t.v.edge
            e.input_meta.append((tuple(shape_of(t)), t.t.v.a.dtype))
        for i in range(ny):
            y[i] = &(<Tensor>outputs[i]).t.v
        Py_INCREF(e)
        r = wg_tape_append_python(edges, <int>nx, y, <int>ny, <void *>e)
        if r == NULL:
            Py_DECREF(e)
            fail()
        edge.node = &r.node
        if wg_mode & WG_MODE_ANOMALY:
            note_forward(e)
        for i in range(ny):
            if not differentiable[i]:
                continue
            t = <Tensor>outputs[i]
            edge.out = <uint32_t>i
            if t.t.view_flags & WG_VIEW_IS_VIEW:           # writing through it would go around the Function
                t.t.view_flags = (t.t.view_flags & ~<uint32_t>WG_VIEW_NO_GRAD) | WG_VIEW_CUSTOM
            wg_tensor_set_edge(&t.t, edge)
            wg_handle_track(t)                             # the context may lead back to it: Note [Cycles through the tape]
        edge.out = 0
        return make_node(edge)
    finally:
        wg_pool_put(edges)
        wg_pool_put(y)
        if r != NULL:
            wg_node_drop(&r.node)


def _handed_through(Tensor t not None):
    """Another tensor of the same value: a view of ``t`` without history that refuses to be written while recording."""
    cdef Tensor out = new_tensor()
    check(wg_tensor_refresh(&t.t))
    wg_val_share(&out.t.v, &t.t.v)
    wg_val_drop_edge(&out.t.v)
    check(wg_tensor_join(&out.t, &t.t, WG_VIEW_CUSTOM))
    out.t.view_flags &= ~<uint32_t>WG_VIEW_NO_GRAD
    return out


def _rebase(Tensor dirty not None, Tensor result not None):
    """An input marked dirty takes the place in the graph that its alias ``result`` has got."""
    if not wg_same_shape(&dirty.t.v.a, &result.t.v.a) or dirty.t.v.a.dtype != result.t.v.a.dtype:
        raise ValueError("only an alias of the input can take its place")
    check(wg_tensor_rebase(&dirty.t, result.t.v.edge))


def _check_writable(Tensor t not None):
    """Raises what an in-place operation that is recorded would raise."""
    check(wg_tensor_refresh(&t.t))
    check(wg_tensor_writable(&t.t, 1))


def _mark_written(Tensor t not None):
    """Raises the version of memory that a Function or a foreign library wrote."""
    wg_tensor_touched(&t.t, 0xffff)


cdef list function_backward(wg_rec *r, Ext e, list cotangents, bint create_graph, bint retain_graph):
    """Calls the user's backward and checks what it returns: one tensor or None per tensor input."""
    cdef wg_edge edge
    cdef Tensor t
    cdef wg_val fitted
    cdef int64_t shape[WG_MAX_DIMS]
    cdef int k
    for k in range(r.ny):
        if cotangents[k] is None and e.function.materialize_grads:
            cotangents[k] = zeros_of(r, k)
    edge.node = &r.node
    edge.out = 0
    node = make_node(edge)
    needs = [r.edge[k].node != NULL for k in range(<int>r.nx)]
    results = e.function._backward(node, cotangents, needs, retain_graph)
    if results is None or len(results) != r.nx:
        raise RuntimeError(f"function {e.function._node_name}Backward returned an incorrect number of gradients")
    for k in range(<int>r.nx):
        if results[k] is None:
            continue
        if not isinstance(results[k], Tensor):
            raise RuntimeError(f"expected Variable or None (got {type(results[k]).__name__})")
        t = <Tensor>results[k]
        shape_want, dt = e.input_meta[k]
        if tuple(shape_of(t)) != shape_want:
            if not broadcasts_to(shape_want, tuple(shape_of(t))):
                raise RuntimeError(f"Function {e.function._node_name} returned an invalid gradient at index {k} - got {shape_of(t)} but expected shape compatible with {list(shape_want)}")
            for i in range(len(shape_want)):
                shape[i] = shape_want[i]
            check(wg_sum_to(&t.t.v, <int>len(shape_want), shape, &fitted))
            t = wrap(&fitted)
        if t.t.v.a.dtype != dt:
            check(wg_cast(&t.t.v, dt, &fitted))
            t = wrap(&fitted)
        results[k] = t
    return results


cdef bint broadcasts_to(tuple small, tuple large):
    """Is ``large`` what ``small`` broadcasts to?"""
    if len(small) > len(large):
        return False
    for a, b in zip(small[::-1], large[::-1]):
        if a != b and a != 1:
            return False
    return True


cdef Tensor zeros_of(wg_rec *r, int k):
    cdef wg_outmeta *o = &wg_rec_outs(r)[k]
    cdef Tensor t = new_tensor()
    check(wg_new(&t.t.v, o.dtype, o.ndim, wg_rec_dims(r, o.dims)))
    fill(t, 0.0)
    return t


cdef int fill(Tensor t, double value) except -1:
    cdef wg_array *operand[1]
    cdef wg_attr attr[1]
    operand[0] = &t.t.v.a
    attr[0] = WG_FLOAT(value)
    return check(wg_launch(WG_K_fill, operand, 1, attr, 1))
