# The reverse sweep. The pending set and the VJPs are in csrc/wg_sweep.c; what stands here is the loop, and what only
# Python can do: hooks, Functions, .grad.

cdef class Sweep:
    """One reverse sweep; owns its pending set until it ends, whatever happens."""
    cdef wg_sweep s
    cdef bint create_graph, retain_graph
    cdef list inputs                # wanted tensors, or None
    cdef list captured              # their gradients
    cdef bint begun

    def __dealloc__(self):
        self.end()

    cdef void end(self):
        if self.begun:
            self.begun = False
            wg_sweep_end(&self.s)

    cdef int start(self, list roots, list gradients) except -1:
        cdef Py_ssize_t n = len(roots), m, i
        cdef Tensor t
        cdef wg_val v
        cdef wg_edge *edges
        wg_sweep_begin(&self.s, self.create_graph)
        self.begun = True
        if self.inputs is not None:
            m = len(self.inputs)
            edges = <wg_edge *>malloc((n + m) * sizeof(wg_edge))
            if edges == NULL:
                raise MemoryError()
            for i in range(n):
                edges[i] = (<Tensor>roots[i]).t.v.edge
            for i in range(m):
                edges[n + i] = (<Tensor>self.inputs[i]).t.v.edge
            status = wg_sweep_prune(&self.s, edges, n, edges + n, m)
            free(edges)
            check(status)
        for i in range(n):
            t = <Tensor>roots[i]
            if not wg_sweep_wants(&self.s, t.t.v.edge):
                continue
            wg_val_share(&v, &(<Tensor>gradients[i]).t.v)
            if not self.create_graph:
                wg_val_drop_edge(&v)
            check(wg_sweep_add(&self.s, t.t.v.edge, &v))
        return 0

    cdef int run(self) except -1:
        """Walks the tape backwards until nothing is pending; records that need Python come out of the C loop."""
        cdef int status
        cdef wg_rec *r = wg_sweep_run(&self.s, self.retain_graph, &status)
        while r != NULL:
            self.run_general(r)
            r = wg_sweep_run(&self.s, self.retain_graph, &status)
        check(status)
        return 0

    cdef int run_general(self, wg_rec *r) except -1:
        """A record with several outputs, hooks, a Python function, or in a sweep towards `inputs`."""
        cdef wg_val few[8]
        cdef wg_val *g = few
        cdef int k, ny = r.ny
        if ny > 8:
            g = <wg_val *>malloc(ny * sizeof(wg_val))
            if g == NULL:
                raise MemoryError()
        for k in range(ny):
            wg_sweep_take(&self.s, r, k, &g[k])
        wg_node_hold(&r.node)
        try:
            if r.ext != NULL:
                self.before(r, <Ext>r.ext, g)
            if wg_sweep_is_wanted(&self.s, r):
                self.capture(r, g)
            if wg_sweep_runs(&self.s, r):
                if r.ext != NULL and ((<Ext>r.ext).function is not None or (<Ext>r.ext).posthooks):
                    self.run_python(r, <Ext>r.ext, g)
                else:
                    check(wg_sweep_vjp(&self.s, r, g, self.retain_graph))
        finally:
            for k in range(ny):
                wg_val_release(&g[k])
            if g != few:
                free(g)
            wg_node_drop(&r.node)
        return 0

    cdef int before(self, wg_rec *r, Ext e, wg_val *g) except -1:
        """Hooks of the outputs' tensors, then of the node; then retained gradients."""
        cdef int k
        cdef Tensor kept
        if e.hooks is not None:
            for k in sorted(e.hooks):
                if not wg_val_absent(&g[k]):
                    self.run_hooks(e.hooks[k], &g[k])
        if e.prehooks:
            for hook in list(e.prehooks.values()):
                given = tuple([self.as_tensor(&g[k]) for k in range(r.ny)])
                replaced = hook(given)
                if replaced is not None:
                    if not isinstance(replaced, tuple):
                        replaced = (replaced,)
                    if len(replaced) != r.ny:
                        raise RuntimeError(f"tensor_pre_hook returned {len(replaced)} gradients, expected {r.ny}")
                    for k in range(r.ny):
                        self.replace(&g[k], replaced[k])
        if e.retained is not None:
            for k, ref in e.retained.items():
                kept = ref()
                if kept is not None and not wg_val_absent(&g[k]):
                    accumulate_grad(kept, &g[k], self.create_graph, True)
        return 0

    cdef object as_tensor(self, wg_val *g):
        """A handle that shares a cotangent, or None for an absent one."""
        cdef Tensor t
        if wg_val_absent(g):
            return None
        t = new_tensor()
        wg_val_share(&t.t.v, g)
        return t

    cdef int replace(self, wg_val *g, object by) except -1:
        if by is None:
            wg_val_release(g)
            return 0
        if not isinstance(by, Tensor):
            raise TypeError(f"expected Tensor, but hook returned '{type(by).__name__}'")
        cdef Tensor t = <Tensor>by
        if not wg_val_absent(g) and not wg_same_shape(&t.t.v.a, &g.a):
            raise RuntimeError(f"hook '' has changed the size of value")
        if not wg_val_absent(g) and t.t.v.a.dtype != g.a.dtype:
            raise RuntimeError(f"hook '' has changed the type of value (was {DTYPES[g.a.dtype]} got {t.dtype})")
        check(wg_tensor_refresh(&t.t))
        wg_val_release(g)
        wg_val_share(g, &t.t.v)
        if not self.create_graph:
            wg_val_drop_edge(g)
        return 0

    cdef int run_hooks(self, object hooks, wg_val *g) except -1:
        for hook in list(hooks.values()):
            result = hook(self.as_tensor(g))
            if result is not None:
                self.replace(g, result)
        return 0

    cdef int run_python(self, wg_rec *r, Ext e, wg_val *g) except -1:
        """A user's Function, or a record whose node has post hooks: gradients pass through Python handles."""
        cdef int i, k
        cdef wg_val v
        cdef Tensor t
        cotangents = [self.as_tensor(&g[k]) for k in range(r.ny)]
        if e.function is not None:
            for k in range(r.ny):
                wg_val_release(&g[k])
            results = function_backward(r, e, cotangents, self.create_graph, self.retain_graph)
        else:
            results = self.table_gradients(r, g)
        if e.posthooks:
            for hook in list(e.posthooks.values()):
                replaced = hook(tuple(results), tuple(cotangents))
                if replaced is not None:
                    results = list(replaced) if isinstance(replaced, (tuple, list)) else [replaced]
        for i in range(<int>r.nx):
            if results[i] is None or not wg_sweep_wants(&self.s, r.edge[i]):
                continue
            t = <Tensor>results[i]
            check(wg_tensor_refresh(&t.t))
            wg_val_share(&v, &t.t.v)
            results[i] = None
            del t
            if not self.create_graph:
                wg_val_drop_edge(&v)
            check(wg_sweep_add(&self.s, r.edge[i], &v))
        return 0

    cdef list table_gradients(self, wg_rec *r, wg_val *g):
        """Gradients of a table record's inputs as handles: a sweep of its own that stops at its edges."""
        cdef wg_sweep inner
        cdef list results = [None] * r.nx
        raise NotImplementedError("hooks that follow a node (grad_fn.register_hook) are only supported on the nodes of "
                                  "autograd.Function; use tensor.register_hook on the tensor instead")

    cdef int capture(self, wg_rec *r, wg_val *g) except -1:
        cdef Py_ssize_t i
        cdef Tensor t
        for i in range(len(self.inputs)):
            t = <Tensor>self.inputs[i]
            if t.t.v.edge.node == &r.node and not wg_val_absent(&g[t.t.v.edge.out]):
                self.captured[i] = self.as_tensor(&g[t.t.v.edge.out])
        return 0

    cdef int finish(self) except -1:
        """Leaves: their hooks, then .grad, or what `inputs` asked for."""
        cdef wg_leaf_state *state = self.s.leaves
        cdef Ext e
        cdef Py_ssize_t i
        while state != NULL:
            if state.reached and not wg_val_absent(&state.v):
                e = <Ext>state.leaf.ext if state.leaf.ext != NULL else None
                if e is not None and e.hooks is not None and 0 in e.hooks:
                    self.run_hooks(e.hooks[0], &state.v)
                if self.inputs is not None:
                    for i in range(len(self.inputs)):
                        if (<Tensor>self.inputs[i]).t.v.edge.node == &state.leaf.node:
                            self.captured[i] = self.as_tensor(&state.v)
                elif state.leaf.tensor != NULL and not wg_val_absent(&state.v):
                    accumulate_grad(<Tensor>state.leaf.tensor, &state.v, self.create_graph, False)
                    if e is not None and e.post_accumulate:
                        target = <object>state.leaf.tensor
                        for hook in list(e.post_accumulate.values()):
                            hook(target)
            state = state.next
        return 0


cdef int accumulate_grad(Tensor t, wg_val *v, bint create_graph, bint shared) except -1:
    """t.grad += v, in place where nobody can tell; v becomes .grad itself only if the sweep alone owns its memory."""
    cdef Tensor grad
    cdef wg_val total
    cdef const wg_val *x[2]
    cdef wg_attr dense[1]
    cdef PyObject *old
    dense[0] = WG_INT(0)
    if t.grad_ == NULL:
        grad = new_tensor()
        if not create_graph and not shared and v.a.storage.refs == 1 and v.a.contiguous and v.version.refs == 1:
            wg_val_move(&grad.t.v, v)
        elif shared:
            wg_val_share(&grad.t.v, v)
            v_clone(&grad.t.v)
        else:
            x[0] = v
            check(wg_apply(WG_OP_clone, x, 1, dense, &grad.t.v))
        Py_INCREF(grad)
        t.grad_ = <PyObject *>grad
        if grad.t.v.edge.node != NULL:
            wg_handle_track(t)
        return 0
    grad = <Tensor>t.grad_
    if not create_graph:
        x[0] = &grad.t.v
        x[1] = v
        check(wg_apply_inplace(OP_ADD, &grad.t, x, 2, &ALPHA_ONE))
        return 0
    check(wg_tensor_refresh(&grad.t))
    x[0] = &grad.t.v
    x[1] = v
    check(wg_apply(OP_ADD, x, 2, &ALPHA_ONE, &total))
    grad = wrap(&total)
    old = t.grad_
    Py_INCREF(grad)
    t.grad_ = <PyObject *>grad
    wg_handle_track(t)
    Py_XDECREF(old)
    return 0


cdef int v_clone(wg_val *v) except -1:
    """Replaces a shared value by a copy."""
    cdef wg_val copy
    cdef const wg_val *x[1]
    cdef wg_attr dense[1]
    dense[0] = WG_INT(0)
    x[0] = v
    check(wg_apply(WG_OP_clone, x, 1, dense, &copy))
    wg_val_release(v)
    wg_val_move(v, &copy)
    return 0


cdef extern from "wg_ops_gen.h":
    int WG_OP_clone
    int WG_OP_ones_like


def run_backward(list roots not None, list gradients not None, bint retain_graph, bint create_graph, inputs, bint accumulate):
    """The sweep behind `Tensor.backward` and `autograd.grad`.

    Args:
        roots: tensors that require grad. gradients: their cotangents, of equal shapes.
        inputs: tensors wanted, or None for all leaves. accumulate: add to their ``.grad`` instead of returning.

    Returns:
        gradients of ``inputs`` (None where nothing arrived), or None.
    """
    cdef Sweep sweep = Sweep.__new__(Sweep)
    cdef Tensor t
    cdef uint32_t mode = wg_mode
    for r in roots:
        check(wg_tensor_refresh(&(<Tensor?>r).t))
    if inputs is not None:
        inputs = list(inputs)
        for r in inputs:
            check(wg_tensor_refresh(&(<Tensor?>r).t))
        sweep.captured = [None] * len(inputs)
    sweep.inputs = inputs
    sweep.create_graph = create_graph
    sweep.retain_graph = retain_graph
    set_mode_bits(WG_MODE_NO_GRAD | WG_MODE_FUNCTION, 0 if create_graph else WG_MODE_NO_GRAD)
    try:
        sweep.start(roots, gradients)
        sweep.run()
        sweep.finish()
    finally:
        sweep.end()
        set_mode_bits(0xffffffff, mode)
    if inputs is None:
        return None
    if accumulate:
        set_mode_bits(WG_MODE_NO_GRAD, 0 if create_graph else WG_MODE_NO_GRAD)
        try:
            for t, g in zip(inputs, sweep.captured):
                if g is not None:
                    accumulate_grad(t, &(<Tensor>g).t.v, create_graph, True)
        finally:
            set_mode_bits(0xffffffff, mode)
        return None
    return sweep.captured
