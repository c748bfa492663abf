# What leads to a sweep: Tensor.backward, autograd.backward and autograd.grad, their arguments and the cotangents they begin with.

cdef object gradient_edge_type = type(None)

def _set_gradient_edge_type(cls):
    """`autograd.graph.GradientEdge`, which stands for a tensor where gradients flow to or from."""
    global gradient_edge_type
    gradient_edge_type = cls


cdef tuple as_tensors(object x):
    """One tensor or gradient edge, a sequence of them or None as a tuple of tensors."""
    if x is None:
        return ()
    if isinstance(x, Tensor):
        return (x,)
    if isinstance(x, gradient_edge_type):
        x = (x,)
    x = tuple(x)
    for t in x:
        if isinstance(t, gradient_edge_type):
            return tuple([_tensor_of_edge(t.node, t.output_nr) if isinstance(t, gradient_edge_type) else t for t in x])
    return x


cdef int requires_grad_of(object t) except -1:
    if not isinstance(t, Tensor):
        return bool(t.requires_grad)
    return has_edge(<Tensor>t)


cdef Tensor cotangent_of(Py_ssize_t i, object output, object given):
    """The cotangent of an output as the sweep takes it: of its shape and dtype; 1 where none is given."""
    cdef Tensor out, g
    cdef wg_array *operand[1]
    cdef wg_attr attr[1]
    if not requires_grad_of(output):
        raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
    out = <Tensor?>output
    if given is None:
        if out.t.v.a.numel != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if not WG_IS_FLOAT(out.t.v.a.dtype):
            raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {DTYPES[out.t.v.a.dtype]}")
        g = new_tensor()
        check(wg_new(&g.t.v, out.t.v.a.dtype, out.t.v.a.ndim, out.t.v.a.shape))
        operand[0] = &g.t.v.a
        attr[0] = WG_FLOAT(1.0)
        check(wg_launch(WG_K_fill, operand, 1, attr, 1))
        return g
    if not isinstance(given, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(given).__name__}")
    g = <Tensor>given
    if not wg_same_shape(&g.t.v.a, &out.t.v.a):
        g = <Tensor?>summed_to(i, out, g)
    if g.t.v.a.dtype != out.t.v.a.dtype:
        if not WG_IS_FLOAT(g.t.v.a.dtype):
            raise RuntimeError(f"Mismatch in dtype: grad_output[{i}] is {DTYPES[g.t.v.a.dtype]} and output[{i}] is {DTYPES[out.t.v.a.dtype]}: "
                               "gradients are floating point")
        g = <Tensor?>g.to(DTYPES[out.t.v.a.dtype])
    return g


cdef object summed_to(Py_ssize_t i, Tensor out, Tensor g):
    """A gradient that the output broadcasts to is summed down: each of its elements weighs a copy of the output."""
    cdef wg_array *small = &out.t.v.a
    cdef wg_array *large = &g.t.v.a
    cdef int d, fits = small.ndim <= large.ndim
    cdef int64_t n
    for d in range(small.ndim if fits else 0):
        n = small.shape[small.ndim - 1 - d]
        fits = fits and (n == 1 or n == large.shape[large.ndim - 1 - d])
    if fits:
        return g.sum_to_size(tuple(out.shape))
    raise RuntimeError(f"Mismatch in shape: grad_output[{i}] has a shape of {g.shape} and output[{i}] has a shape of {out.shape}.")


cdef list sweep_back(tuple outputs, tuple gradients, bint retain_graph, bint create_graph, tuple inputs, bint accumulate):
    """The sweep behind them all.

    Args:
        outputs: tensors that require grad. gradients: their cotangents, None for 1.
        inputs: tensors wanted, or None for all leaves. accumulate: add to their ``.grad`` instead of returning.

    Returns:
        gradients of ``inputs`` (None where nothing arrived), or None.
    """
    cdef Py_ssize_t n = len(outputs), i
    cdef Sweep sweep
    cdef uint32_t mode
    cdef PyObject *outer = current_sweep
    cdef list cotangents = []
    if inputs is not None:
        for t in inputs:
            if not requires_grad_of(t):
                raise RuntimeError("One of the differentiated Tensors does not require grad")
    if len(gradients) != n:
        raise RuntimeError(f"got {n} tensors and {len(gradients)} gradients")
    for i in range(n):
        cotangents.append(cotangent_of(i, outputs[i], gradients[i]))
    sweep = Sweep.__new__(Sweep)
    sweep.inputs = inputs
    sweep.captured = None if inputs is None else [None] * len(inputs)
    sweep.accumulate = accumulate
    sweep.create_graph = create_graph
    sweep.retain_graph = retain_graph
    mode = wg_mode
    set_mode_bits(WG_MODE_NO_GRAD | WG_MODE_FUNCTION, 0 if create_graph else WG_MODE_NO_GRAD)
    set_current_sweep(<PyObject *>sweep)
    try:
        sweep.start(outputs, cotangents)
        del cotangents                                     # the sweep holds them; .grad may become one of them
        sweep.run()
        sweep.finish()
    finally:
        sweep.end()
        set_current_sweep(outer)
        set_mode_bits(WG_MODE_NO_GRAD | WG_MODE_FUNCTION, mode)
    return None if accumulate else sweep.captured


def _sweep_reaches_all_leaves():
    """Whether the innermost sweep of this thread was begun without ``inputs``; True outside of sweeps."""
    return current_sweep == NULL or (<Sweep>current_sweep).inputs is None


cdef tuple NOTHING_GIVEN = (None,)


cdef object tensor_backward(Tensor self, object gradient, object retain_graph, object create_graph, object inputs):
    cdef bint create = create_graph
    cdef tuple wanted = None
    if inputs is not None:
        wanted = as_tensors(inputs)
        if not wanted:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    sweep_back((self,), NOTHING_GIVEN if gradient is None else (gradient,), create if retain_graph is None else retain_graph, create, wanted, True)


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None):
    """Accumulates the gradients of ``tensors`` into the ``.grad`` of leaves. See `Tensor.backward`.

    Args:
        tensors, grad_tensors: one tensor or several, and their cotangents (None for 1).

    Raises:
        RuntimeError: as `Tensor.backward`; also an empty ``inputs``.
    """
    cdef tuple outputs, wanted = None
    if grad_variables is not None and grad_tensors is None:
        grad_tensors = grad_variables
    if inputs is not None:
        wanted = as_tensors(inputs)
        if not wanted:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    outputs = as_tensors(tensors)
    sweep_back(outputs, (None,) * len(outputs) if grad_tensors is None else as_tensors(grad_tensors),
               create_graph if retain_graph is None else retain_graph, create_graph, wanted, True)


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, only_inputs=True, allow_unused=None,
         is_grads_batched=False, materialize_grads=False):
    """Gradients of ``outputs`` with respect to ``inputs``, returned instead of accumulated.

    Args:
        outputs, grad_outputs: one tensor or several, and their cotangents (None for 1).
        allow_unused: give None for inputs that the outputs do not depend on, instead of raising.
        is_grads_batched: ``grad_outputs`` carry a leading batch dimension; so do the results.
        materialize_grads: zeros instead of None.

    Returns:
        a tuple of tensors, one per input.

    Raises:
        RuntimeError: an input is unused, does not require grad, or as `Tensor.backward`.
    """
    cdef tuple ys = as_tensors(outputs), xs = as_tensors(inputs), given
    cdef list results
    cdef Py_ssize_t i
    if not only_inputs:
        raise ValueError("only_inputs argument is deprecated and is ignored now (defaults to True): leave it out")
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False.")
    if retain_graph is None:
        retain_graph = create_graph
    given = (None,) * len(ys) if grad_outputs is None else as_tensors(grad_outputs)
    if is_grads_batched:
        return batched_grad(ys, xs, given, retain_graph, create_graph, allow_unused, materialize_grads)
    results = sweep_back(ys, given, retain_graph, create_graph, xs, False)
    for i in range(len(results)):
        if results[i] is None:
            if materialize_grads:
                results[i] = full(xs[i].shape, 0.0, xs[i].dtype)
            elif not allow_unused:
                raise RuntimeError(f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set allow_unused=True "
                                   "if this is the desired behavior.")
    return tuple(results)


cdef object batched_grad(tuple ys, tuple xs, tuple given, retain_graph, create_graph, allow_unused, materialize_grads):
    """One sweep per row of the cotangents, stacked."""
    if len(given) != len(ys):
        raise RuntimeError(f"got {len(ys)} tensors and {len(given)} gradients")
    if None in [type(g) if g is not None else None for g in given]:
        raise RuntimeError("is_grads_batched=True needs explicit grad_outputs")
    n = given[0].shape[0]
    rows = []
    for k in range(n):
        rows.append(grad(ys, xs, [g[k] for g in given], retain_graph=retain_graph or k < n - 1, create_graph=create_graph,
                         allow_unused=allow_unused, materialize_grads=materialize_grads))
    return tuple([None if column[0] is None else PUBLIC["stack"](column) for column in zip(*rows)])
