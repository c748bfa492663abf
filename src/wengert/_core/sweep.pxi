# The reverse sweep as Python sees it. The walk is in csrc/wg_sweep.c; here stands what only Python can do: hooks, Functions,
# .grad.

cdef object sweep_timer = None             # a profiler's: the name of a record's derivative -> a context to compute it in


def _set_sweep_timer(timer):
    """Has each record that sweeps reach computed inside ``timer(name)``; None for no longer."""
    global sweep_timer
    sweep_timer = timer


@cython.final
@cython.freelist(4)
@cython.no_gc                            # nothing else refers to a sweep: it is in no cycle
cdef class Sweep:
    """One reverse sweep; owns its pending set until it ends, whatever happens.

    Note [What a sweep holds]
    Hooks and Functions may do anything to the tensors that the sweep started from: detach them, write into them, give
    them other data. So the sweep counts the edges of its roots and inputs itself, and looks at those tensors no more.
    """
    cdef wg_sweep s
    cdef bint create_graph, retain_graph, accumulate
    cdef tuple inputs               # wanted tensors, or None
    cdef list captured              # their gradients
    cdef dict places                # (address of a wanted node, output) -> positions in `inputs`
    cdef wg_edge *edges             # of the roots, then of the inputs; counted
    cdef wg_edge few[4]             # room for them, as long as it suffices
    cdef Py_ssize_t nroots, ninputs
    cdef bint begun
    cdef uint64_t number            # given when somebody asks for it
    cdef set reached                # addresses of the nodes that the roots lead to, when somebody asks for them

    def __dealloc__(self):
        self.end()

    cdef void end(self):
        cdef Py_ssize_t i
        if self.begun:
            self.begun = False
            wg_sweep_end(&self.s)
            for i in range(self.nroots + self.ninputs):
                wg_node_drop(self.edges[i].node)
        if self.edges != self.few:
            wg_pool_put(self.edges)
        self.edges = NULL

    cdef int start(self, tuple roots, list gradients) except -1:
        cdef Py_ssize_t n = len(roots), m = 0 if self.inputs is None else len(self.inputs), i
        cdef Tensor t, r
        cdef wg_val v
        self.edges = self.few
        if n + m > 4:
            self.edges = <wg_edge *>wg_pool_get((n + m) * sizeof(wg_edge))
            if self.edges == NULL:
                raise MemoryError()
        for i in range(n + m):
            t = tensor_in(roots[i] if i < n else self.inputs[i - n])
            check_edge(t)
        for i in range(n + m):
            self.edges[i] = (<Tensor>(roots[i] if i < n else self.inputs[i - n])).t.v.edge
            wg_node_hold(self.edges[i].node)
        self.nroots, self.ninputs = n, m
        wg_sweep_begin(&self.s, self.create_graph)
        self.s.accumulates = self.accumulate and self.inputs is None
        self.begun = True
        if wg_mode & WG_MODE_ANOMALY or sweep_timer is not None:
            self.s.watched = self.s.special = 1
        if self.inputs is not None:
            self.places = {}
            for i in range(m):
                self.places.setdefault((<size_t>self.edges[n + i].node, self.edges[n + i].out), []).append(i)
            check(wg_sweep_prune(&self.s, self.edges, n, self.edges + n, m))
        for i in range(n):
            if not wg_sweep_wants(&self.s, self.edges[i]):
                continue
            t = tensor_in(gradients[i])
            r = <Tensor>roots[i]
            if not wg_same_shape(&t.t.v.a, &r.t.v.a) or t.t.v.a.dtype != r.t.v.a.dtype:
                raise RuntimeError(f"a gradient of shape {shape_of(t)} and {DTYPES[t.t.v.a.dtype]} for a tensor of shape {shape_of(r)} and "
                                   f"{DTYPES[r.t.v.a.dtype]}")
            check(wg_tensor_refresh(&t.t))
            wg_val_share(&v, &t.t.v)
            if not self.create_graph:
                wg_val_drop_edge(&v)
            check(wg_sweep_add(&self.s, self.edges[i], &v))
        return 0

    cdef int run(self) except -1:
        """Walks the tape backwards until nothing is pending; records that need Python come out of the C loop."""
        cdef int status
        cdef wg_rec *r = wg_sweep_run(&self.s, self.retain_graph, &status)
        while r != NULL:
            self.s.handed_out = 1
            timer = sweep_timer                            # another thread's profile may end meanwhile
            if self.s.watched and timer is not None:
                self.run_timed(r, timer)
            elif self.s.watched and wg_mode & WG_MODE_ANOMALY:
                self.run_watched(r)
            else:
                self.run_general(r)
            r = wg_sweep_run(&self.s, self.retain_graph, &status)
        check(status)
        return 0

    cdef int run_timed(self, wg_rec *r, object timer) except -1:
        """Under a profiler: tells it how long a record's derivative took."""
        cdef wg_edge edge
        edge.node = &r.node
        edge.out = 0
        with timer(make_node(edge).name()):
            if wg_mode & WG_MODE_ANOMALY:
                self.run_watched(r)
            else:
                self.run_general(r)
        return 0

    cdef int run_watched(self, wg_rec *r) except -1:
        """Under anomaly detection: tells where a record comes from whose derivative fails or is not a number."""
        cdef wg_edge edge
        edge.node = &r.node
        edge.out = 0
        state = watching()
        outer, state.evaluating = state.evaluating, make_node(edge)
        try:
            self.run_general(r)
        except Exception:
            report_anomaly(state.evaluating)
            raise
        finally:
            state.evaluating = outer
        return 0

    cdef bint executes(self, wg_node *n) except -1:
        """Will this sweep evaluate, or has it evaluated, this node?"""
        cdef wg_edge e
        if self.s.pruned:
            e.node = n
            e.out = 0
            return wg_sweep_wants(&self.s, e)
        if self.reached is None:
            self.reached = reachable(self.edges, self.nroots)
        return <size_t>n in self.reached

    cdef int run_general(self, wg_rec *r) except -1:
        """A record with several outputs, hooks, a Python function, or whose cotangent is wanted."""
        cdef wg_val few[8]
        cdef wg_val *g = few
        cdef int k, ny = r.ny, arrived = 0
        if ny > 8:
            g = <wg_val *>wg_pool_get(ny * sizeof(wg_val))
            if g == NULL:
                raise MemoryError()
        wg_sweep_take_all(&self.s, r, g)
        try:
            if r.ext != NULL:
                self.before(r, <Ext>r.ext, g)
            if wg_sweep_is_wanted(&self.s, r):
                self.capture(&r.node, r.ny, g)
            if wg_sweep_runs(&self.s, r):
                if r.ext != NULL and (<Ext>r.ext).prehooks:
                    self.run_prehooks((<Ext>r.ext).prehooks, r.ny, g)
                for k in range(ny):
                    arrived += not wg_val_absent(&g[k])
                if self.s.watched or r.ext != NULL and ((<Ext>r.ext).function is not None or (<Ext>r.ext).posthooks):
                    self.run_python(r, <Ext>r.ext if r.ext != NULL else None, g)
                elif arrived:
                    check(wg_sweep_vjp(&self.s, r, g, self.retain_graph, NULL))
        finally:
            for k in range(ny):
                wg_val_release(&g[k])
            if g != few:
                wg_pool_put(g)
        return 0

    # ---- hooks ----

    cdef int before(self, wg_rec *r, Ext e, wg_val *g) except -1:
        """Hooks of the outputs' tensors, then retained gradients."""
        cdef int k
        cdef Tensor kept
        if e.hooks is not None:
            for k in sorted(e.hooks):
                if not wg_val_absent(&g[k]):
                    self.run_hooks(e.hooks[k], &g[k])
        if e.retained is not None:
            for k, ref in list(e.retained.items()):
                kept = ref()
                if kept is not None and not wg_val_absent(&g[k]):
                    accumulate_grad(kept, &g[k], self.create_graph, True)
        return 0

    cdef int run_hooks(self, object hooks, wg_val *g) except -1:
        """Hooks of one tensor. Each sees the very object that the one before saw or returned, with what that noted on it."""
        shown = None
        for hook in list(hooks.values()):
            if shown is None:
                shown = self.as_tensor(g)
            result = hook(shown)
            if result is not None:
                self.replace(hook, g, result)
                shown = result if self.create_graph or not has_edge(<Tensor>result) else None
        return 0

    cdef int run_prehooks(self, object hooks, int n, wg_val *g) except -1:
        """Hooks before a node: they see all its cotangents and may give others."""
        cdef int k
        for hook in list(hooks.values()):
            replaced = hook(tuple([self.as_tensor(&g[k]) for k in range(n)]))
            if replaced is None:
                continue
            check_count(hook, replaced, n)
            for k in range(n):
                self.replace(hook, &g[k], (<tuple>replaced)[k])
        return 0

    cdef object as_tensor(self, wg_val *g):
        """A handle that shares a cotangent, or None for an absent one."""
        cdef Tensor t
        if wg_val_absent(g):
            return None
        t = new_tensor()
        wg_val_share(&t.t.v, g)
        return t

    cdef int replace(self, object hook, wg_val *g, object by) except -1:
        """A cotangent becomes what a hook returned for it: a tensor that fits, or None."""
        cdef Tensor t
        if by is not None:
            if wg_val_absent(g):
                raise RuntimeError("can't replace a None gradient with a non-None value")
            check_fits(hook, by, &g.a)
            t = <Tensor>by
            check(wg_tensor_refresh(&t.t))
        wg_val_release(g)
        if by is not None:
            wg_val_share(g, &t.t.v)
            if not self.create_graph:
                wg_val_drop_edge(g)
        return 0

    # ---- Functions, and nodes with hooks behind them ----

    cdef int run_python(self, wg_rec *r, Ext e, wg_val *g) except -1:
        """A user's Function, a record whose node has post hooks, or a watched one: gradients pass through Python handles."""
        cdef int i, k
        cdef wg_val v
        cdef Tensor t
        cotangents = [self.as_tensor(&g[k]) for k in range(r.ny)]
        if e is not None and e.function is not None:
            for k in range(r.ny):
                wg_val_release(&g[k])
            results = function_backward(r, e, list(cotangents), self.create_graph, self.retain_graph)
        else:
            results = self.table_gradients(r, g)
        if e is not None and e.posthooks:
            results = run_posthooks(e.posthooks, results, tuple(cotangents))
        if self.s.watched:
            check_anomaly(r, results)
        del cotangents
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
        """Gradients of a table record's inputs as handles, None where there is none."""
        cdef int i, arrived = 0, nx = <int>r.nx
        cdef wg_val *gx
        cdef Tensor t
        cdef list results = [None] * nx
        for i in range(r.ny):
            arrived += not wg_val_absent(&g[i])
        if not arrived:
            return results
        gx = <wg_val *>wg_pool_get((nx + 1) * sizeof(wg_val))
        if gx == NULL:
            raise MemoryError()
        status = wg_sweep_vjp(&self.s, r, g, self.retain_graph, gx)
        try:
            check(status)
            for i in range(nx):
                if not wg_val_absent(&gx[i]):
                    t = new_tensor()
                    wg_val_move(&t.t.v, &gx[i])
                    results[i] = t
        finally:
            for i in range(nx):
                wg_val_release(&gx[i])
            wg_pool_put(gx)
        return results

    # ---- what comes out ----

    cdef int capture(self, wg_node *node, int n, wg_val *g) except -1:
        """Keeps a wanted cotangent for whoever asked for it."""
        cdef int k
        for k in range(n):
            if not wg_val_absent(&g[k]):
                for i in self.places.get((<size_t>node, k), ()):
                    self.captured[i] = self.as_tensor(&g[k])
        return 0

    cdef int finish(self) except -1:
        """Leaves: their hooks, then .grad, or what `inputs` asked for."""
        cdef wg_leaf_state *state = self.s.leaves
        cdef Ext e
        cdef Tensor t
        while state != NULL:
            if state.reached and not wg_val_absent(&state.v):
                e = <Ext>state.leaf.ext if state.leaf.ext != NULL else None
                if e is not None and e.hooks is not None and 0 in e.hooks:
                    self.run_hooks(e.hooks[0], &state.v)
                if self.accumulate:
                    self.finish_leaf(state, e)
                else:
                    self.capture(&state.leaf.node, 1, &state.v)
            state = state.next
        if self.accumulate and self.inputs is not None:
            for positions in self.places.values():
                if self.captured[positions[0]] is not None:
                    t = <Tensor>self.inputs[positions[0]]
                    accumulate_grad(t, &(<Tensor>self.captured[positions[0]]).t.v, self.create_graph, True)
        return 0

    cdef int finish_leaf(self, wg_leaf_state *state, Ext e) except -1:
        """What PyTorch calls AccumulateGrad: hooks before the node, .grad, hooks after accumulation, hooks behind the node."""
        if e is not None and e.prehooks:
            self.run_prehooks(e.prehooks, 1, &state.v)
        given = (self.as_tensor(&state.v),) if e is not None and e.posthooks else None
        target = tensor_of_leaf(state.leaf)
        if target is not None and not wg_val_absent(&state.v):
            accumulate_grad(target, &state.v, self.create_graph, False)
            if e is not None and e.post_accumulate:
                for hook in list(e.post_accumulate.values()):
                    hook(target)
        if given is not None:
            run_posthooks(e.posthooks, [], given)
        return 0


cdef extern from *:
    """
    static __thread PyObject *wg_current_sweep;              /* the innermost of this thread, borrowed */
    static void set_current_sweep(PyObject *sweep) { wg_current_sweep = sweep; }
    """
    PyObject *current_sweep "wg_current_sweep"
    void set_current_sweep(PyObject *)


cdef uint64_t sweeps_numbered = 0

def _current_sweep_number():
    """A number of the sweep that this thread is in, of its own; -1: in none."""
    global sweeps_numbered
    if current_sweep == NULL:
        return -1
    if (<Sweep>current_sweep).number == 0:
        sweeps_numbered += 1
        (<Sweep>current_sweep).number = sweeps_numbered
    return (<Sweep>current_sweep).number


def _sweep_executes(Node node not None):
    """Does the sweep that this thread is in evaluate ``node``?

    Raises:
        RuntimeError: it is in none.
    """
    if current_sweep == NULL:
        raise RuntimeError("_get_current_graph_task_exec_info should only be called during a backward pass")
    return (<Sweep>current_sweep).executes(node.node)


cdef set reachable(const wg_edge *roots, Py_ssize_t n):
    """Addresses of all nodes that edges lead to."""
    cdef wg_rec *r
    cdef set seen = {<size_t>roots[i].node for i in range(n)}
    cdef list open_ = list(seen)
    cdef size_t at
    while open_:
        at = open_.pop()
        if (<wg_node *>at).kind == WG_NODE_LEAF:
            continue
        r = <wg_rec *>at
        for i in range(<int>r.nx):
            if r.edge[i].node != NULL and <size_t>r.edge[i].node not in seen:
                seen.add(<size_t>r.edge[i].node)
                open_.append(<size_t>r.edge[i].node)
    return seen


cdef int check_edge(Tensor t) except -1:
    """A root or an input must be part of a graph (it was when it was looked at first; a gradient's __len__ may do anything)."""
    check(wg_tensor_refresh(&t.t))
    if t.t.v.edge.node == NULL:
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    return 0


cdef str hook_name(object hook):
    return getattr(hook, "__name__", "<unknown>")


cdef int check_count(object hook, object result, Py_ssize_t expected) except -1:
    """Hooks that replace several gradients return a tuple of as many."""
    if not isinstance(result, tuple):
        raise TypeError(f"expected tuple, but hook returned '{type(result).__name__}'")
    if len(result) != expected:
        raise RuntimeError(f"hook '{hook_name(hook)}' has returned an incorrect number of values (got {len(result)}, but expected {expected})")
    return 0


cdef int check_fits(object hook, object by, const wg_array *was) except -1:
    """A gradient is replaced by a tensor of its shape and dtype."""
    if not isinstance(by, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(by).__name__}'")
    cdef Tensor t = <Tensor>by
    if t.t.v.a.dtype != was.dtype:
        raise RuntimeError(f"hook '{hook_name(hook)}' has changed the type of value (was torch.{wg_dtype_title[was.dtype].decode()}Tensor got "
                           f"torch.{wg_dtype_title[t.t.v.a.dtype].decode()}Tensor)")
    if not wg_same_shape(&t.t.v.a, was):
        raise RuntimeError(f"hook '{hook_name(hook)}' has changed the size of value")
    return 0


cdef list run_posthooks(object hooks, list results, tuple cotangents):
    """Hooks behind a node: they see the gradients of its inputs and its cotangents, and may give other gradients."""
    for hook in list(hooks.values()):
        replaced = hook(tuple(results), cotangents)
        if replaced is None:
            continue
        check_count(hook, replaced, len(results))
        for old, new in zip(results, <tuple>replaced):
            if new is not None:
                if old is None:
                    raise RuntimeError("can't replace a None gradient with a non-None value")
                check_fits(hook, new, &(<Tensor>old).t.v.a)
        results = list(<tuple>replaced)
    return results


cdef extern from "<unistd.h>" nogil:
    int usleep(unsigned int)


cdef void claim_grad(wg_leaf *leaf) noexcept:
    """Makes this thread the writer of the leaf's ``.grad``; waits while another one is. See Note [One writer of .grad] in csrc/wg_vjp.c."""
    while wg_written_elsewhere(leaf.writer) and not wg_python_ending():
        with nogil:
            usleep(20)
    leaf.writer = wg_this_writer()


cdef int accumulate_grad(Tensor t, wg_val *v, bint create_graph, bint shared) except -1:
    """t.grad += v. ``shared``: v is not the sweep's alone."""
    cdef wg_node *n = t.t.v.edge.node
    if n == NULL or n.kind != WG_NODE_LEAF:
        return add_to_grad(t, v, create_graph, shared)
    wg_node_hold(n)
    claim_grad(<wg_leaf *>n)
    try:
        return add_to_grad(t, v, create_graph, shared)
    finally:
        (<wg_leaf *>n).writer = 0
        wg_node_drop(n)


cdef int add_to_grad(Tensor t, wg_val *v, bint create_graph, bint shared) except -1:
    """t.grad += v, in place where nobody can tell; v becomes .grad itself only if the sweep alone owns its memory."""
    cdef Tensor grad
    cdef wg_val total
    cdef const wg_val *x[2]
    cdef wg_attr dense[1]
    cdef PyObject *old
    dense[0] = WG_INT(0)
    if t.grad_ == NULL:
        grad = new_tensor()
        if not create_graph and not shared and wg_sole_owner(v):
            wg_val_move(&grad.t.v, v)
        elif shared:
            wg_val_share(&grad.t.v, v)
            v_clone(&grad.t.v)
        else:
            x[0] = v
            check(wg_apply(WG_OP_clone, x, 1, dense, &grad.t.v))
        old = t.grad_                                      # another thread's, set while this one computed
        Py_INCREF(grad)
        t.grad_ = <PyObject *>grad
        if grad.t.v.edge.node != NULL:
            wg_handle_track(t)
        Py_XDECREF(old)
        return 0
    grad = <Tensor>t.grad_
    # A retained gradient may itself be part of the graph that is being swept (x.grad = f(x)): it is never written.
    if not create_graph and (t.t.v.edge.node == NULL or t.t.v.edge.node.kind == WG_NODE_LEAF):
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


cdef extern from *:
    """
    static void set_leaf_grad(wg_val *(*f)(wg_leaf *)) { wg_leaf_grad = f; }
    """
    void set_leaf_grad(wg_val *(*)(wg_leaf *) noexcept)


cdef wg_val *leaf_grad(wg_leaf *leaf) noexcept:
    """See Note [Sums without a temporary] in csrc/wg_vjp.c."""
    cdef Tensor grad, t = tensor_of_leaf(leaf)
    if t is None or t.grad_ == NULL:
        return NULL
    grad = <Tensor>t.grad_
    return &grad.t.v if grad.t.v.edge.node == NULL and grad.t.group == NULL and grad.t.view_flags == 0 else NULL

set_leaf_grad(leaf_grad)


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
