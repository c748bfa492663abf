# Records and leaves as Python sees them: grad_fn, hooks, retained gradients.

from collections import OrderedDict

@cython.binding(False)
cdef class Ext:
    """What Python hangs on a record or a leaf; the record's C head points here.

    Note [Python on the tape]
    A record holds a Python object only for a user's Function, hooks and retained gradients, and says so with
    WG_REC_EXT, so that the sweep looks for it nowhere else. It is released with the record (release_ext).
    """
    cdef public object hooks              # output number -> ordered dict of tensor hooks
    cdef public dict retained           # output number -> weak reference of a tensor with retain_grad
    cdef public object prehooks           # of the node, called with all cotangents
    cdef public object posthooks          # of the node, called with (gradients of inputs, cotangents)
    cdef public object post_accumulate    # of a leaf
    cdef public object function         # the context of a user's Function
    cdef public list input_meta         # of a Function: (shape, dtype code) per tensor input
    cdef public bytes name              # of a Function's node
    cdef public dict packed             # input, or inputs + output number -> (what a pack hook gave, unpack hook)
    cdef public dict metadata           # of the node, for the user and anomaly detection


cdef void release_ext(void *ext) noexcept:
    let_go(<PyObject *>ext)

cdef const char *name_of_ext(const void *ext) noexcept:
    return (<Ext>ext).name if ext != NULL and (<Ext>ext).name is not None else b"Function"

cdef extern from *:
    """
    static void set_ext_drop(void (*f)(void *), const char *(*name)(const void *)) { wg_ext_drop = f; wg_ext_name = name; }
    static void rec_set_ext(wg_rec *r, void *ext) { r->ext = ext; r->node.flags |= WG_REC_EXT; }
    static void leaf_set_ext(wg_leaf *l, void *ext) { l->ext = ext; }
    """
    void set_ext_drop(void (*)(void *) noexcept, const char *(*)(const void *) noexcept)
    void rec_set_ext(wg_rec *, void *)
    void leaf_set_ext(wg_leaf *, void *)

set_ext_drop(release_ext, name_of_ext)


cdef Ext ext_of(wg_node *n):
    """The Ext of a node, made on first use."""
    cdef Ext e
    cdef void *have = (<wg_leaf *>n).ext if n.kind == WG_NODE_LEAF else (<wg_rec *>n).ext
    if have != NULL:
        return <Ext>have
    e = Ext.__new__(Ext)
    have = (<wg_leaf *>n).ext if n.kind == WG_NODE_LEAF else (<wg_rec *>n).ext
    if have != NULL:                                       # the collector ran meanwhile, and finalizers may do anything
        return <Ext>have
    Py_INCREF(e)
    if n.kind == WG_NODE_LEAF:
        leaf_set_ext(<wg_leaf *>n, <void *>e)
    else:
        rec_set_ext(<wg_rec *>n, <void *>e)
    return e


cdef object NODE_KEY = object()           # only make_node has it


@cython.binding(False)
cdef class Node:
    """A record of the tape, as ``tensor.grad_fn`` shows it. Two handles of one record are equal."""
    cdef wg_node *node
    cdef object __weakref__

    def __cinit__(self, key=None):
        if key is not NODE_KEY:
            raise TypeError("nodes are records of the tape and cannot be made: see grad_fn")

    def __dealloc__(self):
        if self.node != NULL:
            wg_node_drop(self.node)

    def name(self):
        """The kind of record, "MulBackward0"."""
        return type(self).__name__

    @property
    def next_functions(self):
        """Where its gradients go: pairs (node or None, output number), one per input."""
        cdef wg_rec *r
        if self.node.kind == WG_NODE_LEAF:
            return ()
        r = <wg_rec *>self.node
        return tuple([(make_node(r.edge[i]) if r.edge[i].node != NULL else None, r.edge[i].out) for i in range(r.nx)])

    @property
    def metadata(self):
        """A dict for whoever wants to note something about this node; anomaly detection keeps "traceback_" and "parent_" there."""
        e = ext_of(self.node)
        if e.metadata is None:
            e.metadata = {}
        return e.metadata

    @property
    def variable(self):
        """Of an AccumulateGrad: its leaf."""
        if self.node.kind != WG_NODE_LEAF:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute 'variable'")
        return tensor_of_leaf(<wg_leaf *>self.node)

    @property
    def _sequence_nr(self):
        return (<wg_rec *>self.node).stamp if self.node.kind == WG_NODE_RECORD else 2**64 - 1

    def __getattr__(self, name):
        # The context of a Function is reached through its node, as in PyTorch (y.grad_fn.saved_tensors, attributes).
        cdef Ext e
        if self.node.kind == WG_NODE_RECORD and (<wg_rec *>self.node).ext != NULL:
            e = <Ext>(<wg_rec *>self.node).ext
            if e.function is not None:
                if name == "saved_tensors" or name == "saved_variables":
                    return saved_of_context(e.function, self)
                return getattr(e.function, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def register_hook(self, fn):
        """Calls ``fn(grad_inputs, grad_outputs)`` after this node ran; what it returns replaces the gradients."""
        e = ext_of(self.node)
        if e.posthooks is None:
            e.posthooks = OrderedDict()
        return removable_handle(e.posthooks, fn)

    def register_prehook(self, fn):
        """Calls ``fn(grad_outputs)`` before this node runs; what it returns replaces the cotangents."""
        e = ext_of(self.node)
        if e.prehooks is None:
            e.prehooks = OrderedDict()
        return removable_handle(e.prehooks, fn)

    def __eq__(self, other):
        return isinstance(other, Node) and self.node == (<Node>other).node

    def __hash__(self):
        return hash(<size_t>self.node)

    def __repr__(self):
        return f"<{type(self).__name__} object at {hex(<size_t>self.node)}>"


cdef extern from *:
    """
    #define wg_new_of(type, arguments) (type)->tp_new((type), (arguments), NULL)
    """
    object wg_new_of(PyTypeObject *, object)

cdef tuple NODE_ARGUMENTS = (NODE_KEY,)
cdef dict node_types = {}
cdef PyTypeObject *row_node_types[MOST_ROWS]           # by opcode; node_types keeps them alive

cdef PyTypeObject *node_type(str name) except NULL:
    """The class of records of a kind: named after it, without attributes of their own."""
    if name not in node_types:
        node_types.setdefault(name, type(name, (Node,), {"__module__": "wengert.autograd", "__slots__": ()}))
    return <PyTypeObject *>node_types[name]


cdef object make_node(wg_edge e):
    cdef Node n
    cdef PyTypeObject *cls
    cdef int op = e.node.op
    wg_node_hold(e.node)                                   # first: making objects may run the collector, and that anything
    try:
        if e.node.kind == WG_NODE_LEAF:
            cls = node_type("AccumulateGrad")
        elif op == 0xffff:
            cls = node_type((<Ext>(<wg_rec *>e.node).ext).name.decode())
        else:
            cls = row_node_types[op]
            if cls == NULL:
                cls = row_node_types[op] = node_type(wg_rec_name(<wg_rec *>e.node).decode())
        n = wg_new_of(cls, NODE_ARGUMENTS)
    except:
        wg_node_drop(e.node)
        raise
    n.node = e.node
    return n


def _gradient_edge(Tensor t not None):
    """(node, output number) of a tensor that requires grad."""
    check(wg_tensor_refresh(&t.t))
    if t.t.v.edge.node == NULL:
        raise RuntimeError("Can't get gradient edge for a tensor that does not require gradients")
    return make_node(t.t.v.edge), t.t.v.edge.out


def _tensor_of_edge(Node node not None, uint32_t output_nr):
    """A tensor whose gradient flows to this output of ``node``, and whose value says nothing: what a sweep starts from or leads to.

    Raises:
        RuntimeError: there is no such output, or it is a leaf that nobody holds any more.
    """
    cdef Tensor t = new_tensor(), leaf
    cdef wg_rec *r
    cdef wg_outmeta *o
    if node.node.kind == WG_NODE_LEAF:
        leaf = tensor_of_leaf(<wg_leaf *>node.node)
        if leaf is None:
            raise RuntimeError("the leaf of this gradient edge is gone")
        return leaf
    r = <wg_rec *>node.node
    if output_nr >= r.ny:
        raise RuntimeError(f"{node.name()} has {r.ny} outputs: there is no output {output_nr}")
    o = &wg_rec_outs(r)[output_nr]
    check(wg_new(&t.t.v, o.dtype, o.ndim, wg_rec_dims(r, o.dims)))
    t.t.v.edge.node = node.node
    t.t.v.edge.out = output_nr
    wg_node_hold(node.node)
    return t


# ---- tensor hooks ----

cdef object removable_handle = None

def _set_removable_handle(factory):
    global removable_handle
    removable_handle = factory


def register_hook(Tensor self not None, hook):
    """Calls ``hook(grad)`` each time the gradient of this tensor was computed; a tensor that it returns replaces it.

    Returns:
        a handle with ``remove()``.

    Raises:
        RuntimeError: the tensor does not require grad.
    """
    check(wg_tensor_refresh(&self.t))
    if self.t.v.edge.node == NULL:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    e = ext_of(self.t.v.edge.node)
    wg_handle_track(self)                                  # the hook may mention it
    if e.hooks is None:
        e.hooks = {}
    return removable_handle(e.hooks.setdefault(self.t.v.edge.out, OrderedDict()), hook)


def register_post_accumulate_grad_hook(Tensor self not None, hook):
    """Calls ``hook(tensor)`` after a backward accumulated into this leaf's ``.grad``."""
    check(wg_tensor_refresh(&self.t))
    if self.t.v.edge.node == NULL:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if self.t.v.edge.node.kind != WG_NODE_LEAF:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    e = ext_of(self.t.v.edge.node)
    wg_handle_track(self)
    if e.post_accumulate is None:
        e.post_accumulate = OrderedDict()
    return removable_handle(e.post_accumulate, hook)


def retain_grad(Tensor self not None):
    """Makes backward keep the gradient of this computed tensor in ``.grad``."""
    check(wg_tensor_refresh(&self.t))
    if self.t.v.edge.node == NULL:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if self.t.v.edge.node.kind == WG_NODE_LEAF:
        return
    import weakref
    e = ext_of(self.t.v.edge.node)
    if e.retained is None:
        e.retained = {}
    e.retained[self.t.v.edge.out] = weakref.ref(self)
    self.t.view_flags |= WG_RETAINS_GRAD


cdef void retained_moved(wg_tensor *t, wg_edge old) noexcept:
    """A tensor that retains its gradient was written in place: what it retains is the gradient of its new value."""
    cdef Ext e
    if old.node.kind == WG_NODE_LEAF or (<wg_rec *>old.node).ext == NULL:
        return
    e = <Ext>(<wg_rec *>old.node).ext
    handle = <object><PyObject *>(<char *>t - WG_OFFSET_T)
    ref = e.retained.get(old.out) if e.retained is not None else None
    if ref is None or ref() is not handle:
        return
    del e.retained[old.out]
    if t.v.edge.node != NULL and t.v.edge.node.kind == WG_NODE_RECORD:
        e = ext_of(t.v.edge.node)
        if e.retained is None:
            e.retained = {}
        e.retained[t.v.edge.out] = ref

cdef extern from *:
    """
    static void set_retained_moved(void (*f)(wg_tensor *, wg_edge)) { wg_retained_moved = f; }
    """
    void set_retained_moved(void (*)(wg_tensor *, wg_edge) noexcept)

set_retained_moved(retained_moved)


cdef bint is_retained(Tensor self):
    cdef wg_rec *r
    cdef Ext e
    if self.t.v.edge.node == NULL or self.t.v.edge.node.kind != WG_NODE_RECORD:
        return False
    r = <wg_rec *>self.t.v.edge.node
    if r.ext == NULL or (<Ext>r.ext).retained is None:
        return False
    ref = (<Ext>r.ext).retained.get(self.t.v.edge.out)
    return ref is not None and ref() is self


def retains_grad(Tensor self not None):
    """Will backward keep the gradient of this computed tensor?"""
    return is_retained(self)


def depends_on_others(list tensors not None, list own not None):
    """Is there a leaf that requires grad, other than these, among what the tensors were computed from?"""
    cdef set seen = {<size_t>(<Tensor?>t).t.v.edge.node for t in own}
    cdef list pending = []
    cdef wg_node *node
    cdef wg_rec *r
    cdef size_t key
    cdef uint32_t i
    seen.add(0)
    for t in tensors:
        pending.append(<size_t>(<Tensor?>t).t.v.edge.node if has_edge(<Tensor?>t) else 0)
    while pending:
        key = pending.pop()
        if key in seen:
            continue
        seen.add(key)
        node = <wg_node *>key
        if node.kind == WG_NODE_LEAF:
            if tensor_of_leaf(<wg_leaf *>node) is not None:
                return True
            continue
        r = <wg_rec *>node
        for i in range(r.nx):
            if r.edge[i].node != NULL:
                pending.append(<size_t>r.edge[i].node)
    return False
