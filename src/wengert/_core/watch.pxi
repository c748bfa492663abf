# Saved-tensor hooks and anomaly detection: what the core does with every record while the thread's mode word is "watched".

from _thread import _local

cdef object watch_state = _local()

cdef object watching():
    """What this thread watches records with: ``hooks`` (pairs, the last one counts), ``refusal`` (the message of
    `disable_saved_tensors_hooks`), ``check_nan``, ``evaluating``, the node whose derivative is computed, and ``depth``, of pack hooks within pack hooks."""
    if not hasattr(watch_state, "hooks"):
        watch_state.hooks = []
        watch_state.refusal = None
        watch_state.check_nan = True
        watch_state.evaluating = None
        watch_state.depth = 0
    return watch_state


cdef int watch_record(wg_rec *r) noexcept:
    try:
        if wg_mode & WG_MODE_ANOMALY:
            note_forward(ext_of(&r.node))
        if wg_mode & WG_MODE_SAVED_HOOKS:
            pack_record(r)
        return 0
    except BaseException as error:
        return keep_pending(error, b"a hook on saved tensors failed")

cdef int unpack_hooked(const wg_rec *r, uint32_t which, int with_edge, wg_val *v) noexcept:
    try:
        return unpack_record(r, which, with_edge, v)
    except BaseException as error:
        wg_val_clear(v)
        return keep_pending(error, b"a hook on saved tensors failed")

cdef void drop_packed(void *ext) noexcept:
    cdef PyObject *packed = <PyObject *>(<Ext>ext).packed
    Py_INCREF(<object>packed)
    (<Ext>ext).packed = None
    let_go(packed)

cdef extern from *:
    """
    static void set_watch(int (*watch)(wg_rec *), int (*unpack)(const wg_rec *, uint32_t, int, wg_val *), void (*drop)(void *)) {
        wg_watch = watch; wg_unpack_hooked = unpack; wg_packed_drop = drop;
    }
    #include "wg_flat.h"
    static void set_watched_bits(uint32_t mask, uint32_t value) {
        const int before = (wg_mode & WG_MODE_WATCHED) != 0;
        set_mode_bits(mask, value);
        wg_flat_off += ((wg_mode & WG_MODE_WATCHED) != 0) - before;
    }
    static void saved_set_packed(wg_saved *s) { s->contiguous |= WG_SAVED_PACKED; s->storage = NULL; s->version = NULL; }
    """
    void set_watch(int (*)(wg_rec *) noexcept, int (*)(const wg_rec *, uint32_t, int, wg_val *) noexcept, void (*)(void *) noexcept)
    void saved_set_packed(wg_saved *)
    void set_watched_bits(uint32_t, uint32_t)

set_watch(watch_record, unpack_hooked, drop_packed)


def _restore_mode(uint32_t mode):
    """Sets all mode bits of this thread at once, for tests."""
    set_watched_bits(0xffffffff, mode)


# ---- saved-tensor hooks ----

def _push_saved_hooks(pack, unpack):
    """From now on this thread's records keep what ``pack`` makes of a tensor instead of the tensor.

    Raises:
        RuntimeError: hooks are disabled.
    """
    state = watching()
    if state.refusal is not None:
        raise RuntimeError(state.refusal)
    state.hooks.append((pack, unpack))
    set_watched_bits(WG_MODE_SAVED_HOOKS, WG_MODE_SAVED_HOOKS)


def _pop_saved_hooks():
    """Ends what the last `_push_saved_hooks` began."""
    state = watching()
    state.hooks.pop()
    if not state.hooks:
        set_watched_bits(WG_MODE_SAVED_HOOKS, 0)


def _refuse_saved_hooks(message):
    """Makes `_push_saved_hooks` raise ``message``, None: no more. Returns what was set."""
    state = watching()
    if message is not None and state.hooks and state.refusal is not None:
        raise RuntimeError(state.refusal)
    before, state.refusal = state.refusal, message
    return before


cdef tuple pack_value(const wg_val *v):
    """(what the pack hook makes of a value, the unpack hook that belongs to it).

    The hook sees inputs with their history. Outputs come without, because the record would hold itself through what hooks keep.
    """
    cdef uint32_t mode = wg_mode, version = v.version.value
    cdef Tensor t = None
    if v.edge.node != NULL and v.edge.node.kind == WG_NODE_LEAF:
        t = tensor_of_leaf(<wg_leaf *>v.edge.node)         # a Parameter comes as itself
        if t is not None and t.t.v.a.data != v.a.data:
            t = None
    if t is None:
        t = new_tensor()
        wg_val_share(&t.t.v, v)
    state = watching()
    if not state.hooks:
        raise RuntimeError("no hooks for saved tensors are set")
    pack, unpack = state.hooks[len(state.hooks) - 1]
    if state.depth >= 40:                                  # each level takes some 10 KB of the C stack
        raise RecursionError("a saved tensor pack hook records operations that it is called for again")
    state.depth += 1
    set_mode_bits(WG_MODE_NO_GRAD, WG_MODE_NO_GRAD)
    try:
        packed = pack(t)
    finally:
        state.depth -= 1
        set_mode_bits(WG_MODE_NO_GRAD, mode)
    if v.version.value != version:
        raise RuntimeError("A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook cannot be "
                           "modified by in-place operations as this can lead to unexpected side-effects. Please open an issue if you need "
                           "to perform in-place operations on the input to a pack hook.")
    return packed, unpack


cdef Tensor unpack_value(tuple hooked):
    """What the unpack hook gives back."""
    packed, unpack = hooked
    result = unpack(packed)
    if not isinstance(result, Tensor):
        raise TypeError(f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(result).__name__}")
    check(wg_tensor_refresh(&(<Tensor>result).t))
    return <Tensor>result


cdef int pack_record(wg_rec *r) except -1:
    """Hands every tensor that a new record saved to the pack hook."""
    cdef wg_val v
    cdef wg_saved *s
    cdef wg_storage *storage
    cdef wg_version *version
    cdef Ext e
    for i in range(<int>r.nsaved):
        s = &wg_rec_saved(r)[i]
        if s.storage == NULL:
            continue
        check(wg_rec_unpack(r, <int>s.which, s.which < r.nx, &v))
        try:
            hooked = pack_value(&v)
        finally:
            wg_val_release(&v)
        e = ext_of(&r.node)
        if e.packed is None:
            e.packed = {}
        e.packed[s.which] = hooked
        storage, version = s.storage, s.version
        saved_set_packed(s)
        wg_version_drop(version)
        wg_storage_drop(storage)
    return 0


cdef int unpack_record(const wg_rec *r, uint32_t which, int with_edge, wg_val *v) except -1:
    """Replaces ``v``, which has the shape, dtype and density of what was saved, by what the unpack hook gives."""
    cdef Tensor t = unpack_value((<Ext>r.ext).packed[which])
    cdef const wg_array *a = &t.t.v.a
    cdef wg_val dense
    if a.dtype != v.a.dtype or not wg_same_shape(a, &v.a):
        raise RuntimeError(f"a saved tensor unpack_hook returned a tensor of shape {list(t.shape)} and {DTYPES[a.dtype]} for one of shape "
                           f"{[v.a.shape[i] for i in range(v.a.ndim)]} and {DTYPES[v.a.dtype]}")
    if v.a.contiguous and not a.contiguous:
        check(wg_contiguous(&t.t.v, &dense))
        wg_val_move(v, &dense)
    else:
        wg_val_share(v, &t.t.v)
    wg_val_drop_edge(v)
    if with_edge:
        if which < r.nx:
            v.edge = r.edge[which]
        else:
            v.edge.node = <wg_node *>&r.node
            v.edge.out = which - r.nx
        if v.edge.node != NULL:
            wg_node_hold(v.edge.node)
    return 0


# ---- anomaly detection ----

def is_anomaly_enabled():
    """Is anomaly detection on in this thread?"""
    return bool(wg_mode & WG_MODE_ANOMALY)


def is_anomaly_check_nan_enabled():
    """Does anomaly detection look for nan?"""
    return bool(watching().check_nan)


def set_anomaly_enabled(bint mode, bint check_nan=True):
    """Turns anomaly detection of this thread on or off. See `autograd.set_detect_anomaly`."""
    watching().check_nan = check_nan
    set_watched_bits(WG_MODE_ANOMALY, WG_MODE_ANOMALY if mode else 0)


cdef int note_forward(Ext e) except -1:
    """Notes in a new record's metadata which lines made it, and the derivative that it is part of."""
    import traceback
    e.metadata = {"traceback_": traceback.format_stack()}
    parent = watching().evaluating
    if parent is not None:
        e.metadata["parent_"] = parent
    return 0


cdef int check_anomaly(const wg_rec *r, list results) except -1:
    """No gradient may be nan."""
    if not watching().check_nan:
        return 0
    for i, g in enumerate(results):
        if g is not None and WG_IS_FLOAT((<Tensor?>g).t.v.a.dtype) and (g.detach() != g.detach()).any():
            raise RuntimeError(f"Function '{wg_rec_name(r).decode()}' returned nan values in its {i}th output.")
    return 0


cdef int report_anomaly(Node node) except -1:
    """Warns where the record whose derivative failed was made, and those whose derivative it was part of."""
    import warnings
    stack = node.metadata.get("traceback_")
    if stack is None:
        warnings.warn(f"Error detected in {node.name()}. No forward pass information available. Enable detect anomaly during forward pass "
                      "for more information.", stacklevel=3)
        return 0
    warnings.warn(f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{''.join(stack)}", stacklevel=3)
    parent = node.metadata.get("parent_")
    while parent is not None:
        stack = parent.metadata.get("traceback_")
        told = "No forward pass information available. Enable detect anomaly during forward pass for more information." if stack is None \
            else f"Traceback of forward call that induced the previous calculation:\n{''.join(stack)}"
        warnings.warn(f"\n\nPrevious calculation was induced by {parent.name()}. {told}", stacklevel=3)
        parent = parent.metadata.get("parent_")
    return 0
