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


cdef Saved save_tensor(Tensor t, int output):
    """Saves a tensor for `unpack_saved`; ``output`` says which output of the Function it is, -1: none."""
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


cdef Tensor unpack_saved(Saved s, Node node):
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


cdef bytes meta_of(Tensor t):
    """Dtype and sizes of an input, which its gradient must have."""
    cdef int64_t meta[1 + WG_MAX_DIMS]
    cdef int i
    meta[0] = t.t.v.a.dtype
    for i in range(t.t.v.a.ndim):
        meta[1 + i] = t.t.v.a.shape[i]
    return (<char *>meta)[:(1 + t.t.v.a.ndim) * sizeof(int64_t)]


cdef int record_function(FunctionCtx context, tuple inputs, list outputs, list differentiable) except -1:
    """Appends a record for a Function applied to ``inputs`` and makes ``outputs`` its outputs; what history they had is replaced."""
    cdef Py_ssize_t nx = len(inputs), ny = len(outputs), i
    cdef wg_edge few_edges[8]
    cdef wg_val *few_values[8]
    cdef wg_edge *edges = few_edges
    cdef wg_val **y = few_values
    cdef Ext e = Ext.__new__(Ext)
    cdef wg_rec *r = NULL
    cdef Tensor t
    cdef wg_edge edge
    for t in inputs:
        check(wg_tensor_refresh(&t.t))
    for t in outputs:
        check(wg_tensor_refresh(&t.t))
    try:
        if nx > 8:
            edges = <wg_edge *>wg_pool_get(nx * sizeof(wg_edge))
        if ny > 8:
            y = <wg_val **>wg_pool_get(ny * sizeof(wg_val *))
        if edges == NULL or y == NULL:
            raise MemoryError()
        e.function = context
        e.name = context.node_name
        e.input_meta = []
        for i in range(nx):
            t = <Tensor>inputs[i]
            edges[i] = t.t.v.edge
            e.input_meta.append(meta_of(t))
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
        return 0
    finally:
        if edges != few_edges:
            wg_pool_put(edges)
        if y != few_values:
            wg_pool_put(y)
        if r != NULL:
            wg_node_drop(&r.node)


cdef Tensor handed_through(Tensor t):
    """Another tensor of the same value: a view of ``t`` without history that refuses to be written while recording."""
    cdef Tensor out = new_tensor()
    check(wg_tensor_refresh(&t.t))
    wg_val_share(&out.t.v, &t.t.v)
    wg_val_drop_edge(&out.t.v)
    check(wg_tensor_join(&out.t, &t.t, WG_VIEW_CUSTOM))
    out.t.view_flags &= ~<uint32_t>WG_VIEW_NO_GRAD
    return out


cdef int rebase(Tensor dirty, Tensor result) except -1:
    """An input marked dirty takes the place in the graph that its alias ``result`` has got."""
    if not wg_same_shape(&dirty.t.v.a, &result.t.v.a) or dirty.t.v.a.dtype != result.t.v.a.dtype:
        raise ValueError("only an alias of the input can take its place")
    return check(wg_tensor_rebase(&dirty.t, result.t.v.edge))


def _mark_written(Tensor t not None):
    """Raises the version of memory that a Function or a foreign library wrote."""
    wg_tensor_touched(&t.t, 0xffff)


# ---- the context, and apply ----

@cython.binding(False)
cdef class FunctionCtx:
    """What a Function's forward leaves for its backward: the ``ctx`` argument.

    Attributes:
        needs_input_grad: for each argument of forward, whether its gradient is wanted.
        materialize_grads: whether absent gradients of outputs reach backward as zeros (default) or as None.
    """
    cdef public object needs_input_grad
    cdef public bint materialize_grads
    cdef object function                # the Function
    cdef bytes node_name
    cdef tuple to_save, dirty, non_differentiable
    cdef tuple saved                    # Saved or None each; None: freed
    cdef list places                    # for each value that forward returned, which output of the record it is; None: no tensor
    cdef Py_ssize_t arguments           # of forward
    cdef list tensor_arguments          # which of them are tensors
    cdef Node running                   # the record, while backward runs
    cdef int runs                       # of backward that have not ended: it may lead to itself, and another thread may be at it

    def __cinit__(self):
        self.materialize_grads = True
        self.to_save = self.dirty = self.non_differentiable = self.saved = ()

    def save_for_backward(self, *tensors):
        """Saves tensors (or None) for backward, where `saved_tensors` gives them back. Inputs and outputs belong here."""
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(f"save_for_backward can only save variables, but argument {i} is of type {type(t).__name__}")
        self.to_save = tensors

    def save_for_forward(self, *tensors):
        """Accepted; forward-mode differentiation is not part of wengert."""

    def mark_dirty(self, *tensors):
        """Says that forward wrote into these inputs."""
        self.dirty = tensors

    def mark_non_differentiable(self, *tensors):
        """Says that these outputs carry no gradient."""
        self.non_differentiable = tensors

    def set_materialize_grads(self, bint value):
        """Whether absent gradients of outputs reach backward as zeros (default) or as None."""
        self.materialize_grads = value

    @property
    def saved_tensors(self):
        """What `save_for_backward` saved.

        Raises:
            RuntimeError: the graph was spent, or one of them was written in place since.
        """
        return saved_of_context(self, self.running)

    @property
    def saved_variables(self):
        """The old name of `saved_tensors`."""
        return self.saved_tensors


cdef tuple saved_of_context(object context, Node node):
    """What a Function saved; ``node`` is its record, the origin of saved outputs, or None outside of backward where it is not known."""
    cdef FunctionCtx c = <FunctionCtx>context
    if c.saved is None:
        raise RuntimeError("Trying to backward through the graph a second time (or directly access saved tensors after they have already "
                           "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
                           "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
                           "saved tensors after calling backward.")
    return tuple([None if s is None else unpack_saved(<Saved>s, node) for s in c.saved])


cdef object default_setup_context       # what a Function has that takes its context as forward's first argument
cdef object make_context_type           # type of a Function's contexts, which it keeps as _ctx_type


def _set_function_parts(setup_context, context_type):
    """What autograd/function.py defines for `_apply_function`."""
    global default_setup_context, make_context_type
    default_setup_context = setup_context
    make_context_type = context_type


def _apply_function(cls, *args, **kwargs):
    """Runs forward and, if an input requires grad, records the operation.

    Raises:
        RuntimeError: an input marked dirty is no output, or a leaf that requires grad was written.
    """
    cdef bint recorded = False, recording = grad_enabled(), needs
    cdef Py_ssize_t i
    cdef list needed = [], tensors = []
    kind = cls._ctx_type
    if kind is None or kind._forward_cls is not cls:       # a base's
        kind = make_context_type(cls)
    cdef FunctionCtx context = kind()
    context.function = cls
    context.node_name = kind._node_name
    context.arguments = len(args)
    for i in range(len(args)):
        argument = args[i]
        if isinstance(argument, Tensor):
            tensors.append(i)
            needs = has_edge(<Tensor>argument)
            recorded = recorded or needs
            needed.append(needs)
        else:
            needed.append(False)
    context.needs_input_grad = tuple(needed)
    context.tensor_arguments = tensors
    setup = cls.setup_context
    set_grad_mode(False)
    try:
        if setup is default_setup_context:
            outputs = cls.forward(context, *args, **kwargs)
        else:
            outputs = cls.forward(*args, **kwargs)
            setup(context, args, outputs)
    finally:
        set_grad_mode(recording)
    return finish_function(context, args, outputs, recorded and recording)


cdef Py_ssize_t place_of(object value, object values) noexcept:
    """Where this very object stands last, -1: nowhere."""
    cdef Py_ssize_t i
    if type(values) is list:
        for i in range(len(<list>values) - 1, -1, -1):
            if (<list>values)[i] is value:
                return i
    else:
        for i in range(len(<tuple>values) - 1, -1, -1):
            if (<tuple>values)[i] is value:
                return i
    return -1


cdef object finish_function(FunctionCtx context, tuple args, object outputs, bint recorded):
    """Gives the outputs their place in the graph. Only a tuple is several outputs; what is no tensor is handed on."""
    cdef bint single = not isinstance(outputs, tuple)
    cdef tuple values = (outputs,) if single else tuple(outputs), dirty = (), to_save = context.to_save, fixed = context.non_differentiable
    cdef list results = [], returned = [], aliases = [], differentiable = [], saved
    cdef Py_ssize_t i, first
    cdef Tensor t
    if context.dirty:
        for i, value in enumerate(context.dirty):
            if not isinstance(value, Tensor):
                raise RuntimeError(f"mark_dirty can only accept variables, but argument {i} is of type {type(value).__name__}")
        for t in context.dirty:
            if place_of(t, args) >= 0:
                dirty += (t,)
                if recorded:
                    check(wg_tensor_refresh(&t.t))
                    check(wg_tensor_writable(&t.t, 1))
            wg_tensor_touched(&t.t, 0xffff)
        for t in dirty:
            if recorded and place_of(t, values) < 0:
                raise RuntimeError("Some elements marked as dirty during the forward method were not returned as output. The inputs that are "
                                   "modified inplace must all be outputs of the Function.")
    context.to_save = context.dirty = context.non_differentiable = ()
    context.saved = None
    context.places = []
    for value in values:
        if not isinstance(value, Tensor):
            context.places.append(None)
            results.append(value)
            continue
        first = place_of(value, returned)
        if first >= 0:
            alias = aliases[first]
        elif place_of(value, dirty) >= 0:
            alias = value.detach() if recorded else value
        elif place_of(value, args) >= 0 or recorded and has_edge(<Tensor>value):
            alias = handed_through(<Tensor>value)
        else:
            alias = value
        context.places.append(len(returned))
        returned.append(value)
        aliases.append(alias)                              # what the record calls this output
        results.append(value if place_of(value, dirty) >= 0 else alias)
    if recorded:
        saved = []
        for value in to_save:
            i = place_of(value, returned)
            if value is None:
                saved.append(None)
            elif i >= 0 and (place_of(value, args) < 0 or place_of(value, dirty) >= 0):
                saved.append(save_tensor(<Tensor>aliases[i], <int>i))
            else:
                saved.append(save_tensor(<Tensor>value, -1))
        context.saved = tuple(saved)
        for i in range(len(returned)):
            value = returned[i]
            differentiable.append(place_of(value, returned) == i and place_of(value, fixed) < 0 and WG_IS_FLOAT((<Tensor>value).t.v.a.dtype))
        if True in differentiable:
            record_function(context, tuple([args[i] for i in context.tensor_arguments]), aliases, differentiable)
        for t in dirty:
            rebase(t, <Tensor>aliases[place_of(t, returned)])
    return results[0] if single else tuple(results)


cdef list function_backward(wg_rec *r, Ext e, list cotangents, bint create_graph, bint retain_graph):
    """Calls the user's backward and checks what it returns; gives one tensor or None per tensor argument of forward."""
    cdef FunctionCtx context = <FunctionCtx>e.function
    cdef wg_edge edge
    cdef int k
    cdef Py_ssize_t i
    for k in range(r.ny):
        if cotangents[k] is None and context.materialize_grads:
            cotangents[k] = zeros_of(r, k)
    edge.node = &r.node
    edge.out = 0
    context.running = make_node(edge)
    context.runs += 1
    try:
        grads = context.function.backward(context, *[None if place is None else cotangents[place] for place in context.places])
    finally:
        context.runs -= 1
        if not context.runs:
            context.running = None
    cdef list given = list(grads) if isinstance(grads, tuple) else [grads], results = []
    while len(given) > context.arguments and given[len(given) - 1] is None:
        given.pop()
    if len(given) != context.arguments:
        raise RuntimeError(f"function {e.name.decode()} returned an incorrect number of gradients (expected {context.arguments}, got {len(given)})")
    for i in range(len(given)):
        if len(results) < len(context.tensor_arguments) and context.tensor_arguments[len(results)] == i:
            results.append(fit_gradient(given[i], <bytes>e.input_meta[len(results)], e.name, len(results)))
        elif given[i] is not None:
            raise RuntimeError(f"function {e.name.decode()} returned a gradient different than None at position {i + 1}, but the corresponding forward "
                               "input was not a Variable")
    if not retain_graph:
        context.saved = None
    return results


cdef object fit_gradient(object given, bytes meta, bytes name, Py_ssize_t place):
    """What a user's backward gave for a tensor argument, in that input's dtype and shape; None remains None."""
    cdef const int64_t *want = <const int64_t *><const char *>meta
    cdef int ndim = <int>(len(meta) // sizeof(int64_t)) - 1, i
    cdef Tensor t
    cdef wg_val fitted
    cdef bint same
    if given is None:
        return None
    if not isinstance(given, Tensor):
        raise RuntimeError(f"expected Variable or None (got {type(given).__name__})")
    t = <Tensor>given
    same = t.t.v.a.ndim == ndim
    for i in range(ndim):
        same = same and t.t.v.a.shape[i] == want[1 + i]
    if not same:
        shape = [want[1 + i] for i in range(ndim)]
        if not broadcasts_to(shape, shape_of(t)):
            raise RuntimeError(f"Function {name.decode()} returned an invalid gradient at index {place} - got {shape_of(t)} but expected shape compatible "
                               f"with {shape}")
        check(wg_sum_to(&t.t.v, ndim, <int64_t *>want + 1, &fitted))
        t = wrap(&fitted)
    if t.t.v.a.dtype != want[0]:
        check(wg_cast(&t.t.v, <int>want[0], &fitted))
        t = wrap(&fitted)
    return t


cdef bint broadcasts_to(list small, list large):
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
