/* View groups and in-place application. */
#include "wg_views.h"

#include <string.h>

#include "ops/into.h"
#include "ops/ops.h"
#include "wg_launch.h"
#include "wg_storage.h"

void wg_group_drop(wg_group *g) {
    if (--g->refs) return;
    if (g->edge.node) wg_node_drop(g->edge.node);
    wg_pool_put(g);
}

void wg_tensor_leave(wg_tensor *t) {
    wg_group *g = t->group;
    if (g == NULL) return;
    if (g->owner == t) g->owner = NULL;
    t->group = NULL;
    wg_group_drop(g);
}

void wg_tensor_release(wg_tensor *t) {
    wg_leaf_forget(t->v.edge.node, t);
    wg_tensor_leave(t);
    wg_val_release(&t->v);
}

static void set_edge(wg_edge *to, wg_edge e) {
    wg_node *old = to->node;
    if (e.node) wg_node_hold(e.node);
    *to = e;
    if (old) wg_node_drop(old);
}

void (*wg_retained_moved)(wg_tensor *t, wg_edge old);

/* Another edge for a handle. A leaf knows its handle; one that is left behind must forget it, because it may outlive it. */
static void set_own_edge(wg_tensor *t, wg_edge e) {
    wg_edge old = t->v.edge;
    if (e.node) wg_node_hold(e.node);
    t->v.edge = e;
    if (old.node == NULL) return;
    if (old.node != e.node) wg_leaf_forget(old.node, t);
    if (t->view_flags & WG_RETAINS_GRAD) wg_retained_moved(t, old);
    wg_node_drop(old.node);
}

void wg_tensor_set_edge(wg_tensor *t, wg_edge e) {
    set_own_edge(t, e);
    if (t->group && !(t->view_flags & WG_VIEW_IS_VIEW)) set_edge(&t->group->edge, e);
}

int wg_tensor_join(wg_tensor *view, wg_tensor *of, uint32_t flags) {
    if (of->group == NULL) {
        wg_group *g = wg_pool_get(sizeof *g);
        if (g == NULL) return -1;
        g->refs = 1;
        g->generation = 0;
        g->edge.node = NULL;
        set_edge(&g->edge, of->v.edge);
        wg_val_clear(&g->base);
        g->base.a.data = of->v.a.data;
        g->base.a.dtype = of->v.a.dtype;
        wg_array_set_dims(&g->base.a, of->v.a.ndim, of->v.a.shape, of->v.a.strides);
        g->owner = of;
        of->group = g;
        of->generation = 0;
    }
    view->group = of->group;
    view->group->refs++;
    view->generation = view->group->generation;
    view->view_flags = WG_VIEW_IS_VIEW | flags | (of->view_flags & (WG_VIEW_OF_MANY | WG_VIEW_NO_GRAD | WG_VIEW_INFERENCE | WG_VIEW_CUSTOM));
    if (wg_mode & WG_MODE_NO_GRAD) view->view_flags |= wg_mode & WG_MODE_INFERENCE ? WG_VIEW_NO_GRAD | WG_VIEW_INFERENCE : WG_VIEW_NO_GRAD;
    return 0;
}

/* The window of a view in its base, as attributes of the geometry rows: size, stride, offset, base_stride. */
static void geometry(const wg_group *g, const wg_array *view, wg_attr attr[4]) {
    attr[0] = WG_INTS(view->shape, view->ndim);
    attr[1] = WG_INTS(view->strides, view->ndim);
    attr[2] = WG_INT((view->data - g->base.a.data) / wg_itemsize[view->dtype]);
    attr[3] = WG_INTS(g->base.a.strides, g->base.a.ndim);
}

/* A view that must not be mixed with recorded writes, into itself or into its base. */
static WG_COLD int ambiguous(const wg_tensor *t, int itself) {
    const wg_node *n = t->v.edge.node;
    const char *name = n && n->kind == WG_NODE_RECORD ? wg_rec_name((const wg_rec *)n) : "a view function", *end = strstr(name, "Backward");
    const int length = (int)(end ? end - name : (ptrdiff_t)strlen(name));
    const unsigned out = n ? t->v.edge.out : 0;
    const char *how = itself ? "is being modified inplace" : "its base or another view of its base has been modified inplace";
    const char *why = t->view_flags & WG_VIEW_CUSTOM ?
        "This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to handle "
        "view+inplace would override the custom backward associated with the custom Function, leading to incorrect gradients. This "
        "behavior is forbidden. You can fix this by cloning the output of the custom Function." : t->view_flags & WG_VIEW_INFERENCE ?
        "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the "
        "inplace either both inside the inference_mode block (if you don't want the inplace to be tracked) or both outside (if you want the "
        "inplace to be tracked)." : t->view_flags & WG_VIEW_NO_GRAD ?
        "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the "
        "inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the "
        "inplace to be tracked)." :
        "This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified "
        "inplace. You should replace the inplace operation by an out-of-place one.";
    if (n == NULL || t->view_flags & WG_VIEW_NO_GRAD)
        return wg_fail(WG_RUNTIME_ERROR, t->view_flags & WG_VIEW_INFERENCE ? "A view was created in inference mode and %s in normal mode. %s"
                       : "A view was created in no_grad mode and %s with grad mode enabled. %s", how, why);
    return wg_fail(WG_RUNTIME_ERROR, "Output %u of %.*s is a view and %s. %s", out, length, name, how, why);
}

int wg_tensor_refresh_slow(wg_tensor *t) {
    wg_group *g = t->group;
    if (!(t->view_flags & WG_VIEW_IS_VIEW)) {
        t->generation = g->generation;
        set_own_edge(t, g->edge);
        return 0;
    }
    if (t->view_flags & (WG_VIEW_OF_MANY | WG_VIEW_NO_GRAD | WG_VIEW_CUSTOM) && g->edge.node)
        return wg_mode & WG_MODE_NO_GRAD ? 0 : ambiguous(t, 0);
    wg_val cut;
    wg_val_share(&cut, &t->v);
    wg_val_drop_edge(&cut);
    if (g->edge.node) {
        wg_attr attr[4];
        const wg_val *x[1] = {&g->base};
        geometry(g, &t->v.a, attr);
        g->base.edge = g->edge;
        int status = wg_tape_append(WG_OP__geometry_view, x, 1, attr, 4, &cut, 1);
        g->base.edge.node = NULL;
        if (status < 0) { wg_val_release(&cut); return -1; }
    }
    t->generation = g->generation;
    set_own_edge(t, cut.edge);
    wg_val_release(&cut);
    return 0;
}

int wg_tensor_window_edge(wg_tensor *view, const wg_tensor *of) {
    const wg_group *g = view->group;
    if (g->edge.node) {
        view->generation = g->generation - 1;
        return wg_tensor_refresh(view);
    }
    const wg_array *a = &view->v.a, *base = &of->v.a;        /* a leaf that is itself a view of what has no history */
    wg_attr attr[4] = {WG_INTS(a->shape, a->ndim), WG_INTS(a->strides, a->ndim),
                       WG_INT((a->data - base->data) / wg_itemsize[a->dtype]), WG_INTS(base->strides, base->ndim)};
    wg_val cut;
    wg_val_share(&cut, &view->v);
    wg_val_drop_edge(&cut);
    const wg_val *x[1] = {&of->v};
    int status = wg_tape_append(WG_OP__geometry_view, x, 1, attr, 4, &cut, 1);
    if (status == 0) set_own_edge(view, cut.edge);
    wg_val_release(&cut);
    return status;
}

static int expanded(const wg_array *a) {
    for (int d = 0; d < a->ndim; d++) if (a->strides[d] == 0 && a->shape[d] > 1) return 1;
    return 0;
}

static int leaf_written(const wg_tensor *t) {
    if (WG_UNLIKELY(t->v.edge.node && t->v.edge.node->kind == WG_NODE_LEAF))
        return wg_fail(WG_RUNTIME_ERROR, t->view_flags & WG_VIEW_IS_VIEW
                       ? "a view of a leaf Variable that requires grad is being used in an in-place operation."
                       : "a leaf Variable that requires grad is being used in an in-place operation.");
    return 0;
}

/* Filling memory with one value works where elements share a place, too. */
static int writable(const wg_tensor *t, int recorded, int filled) {
    if (WG_UNLIKELY(!filled && expanded(&t->v.a)))
        return wg_fail(WG_RUNTIME_ERROR, "unsupported operation: more than one element of the written-to tensor refers to a single "
                                         "memory location. Please clone() the tensor before performing the operation.");
    if (WG_UNLIKELY(t->v.a.storage->flags & WG_STORAGE_READONLY))
        return wg_fail(WG_RUNTIME_ERROR, "this tensor shares read-only memory (an array with writeable=False, a bytes object): "
                                         "clone() it before writing");
    if (WG_UNLIKELY(t->v.version->inference) && !(wg_mode & WG_MODE_INFERENCE))
        return wg_fail(WG_RUNTIME_ERROR, "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get "
                       "a normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details.");
    if (wg_mode & WG_MODE_NO_GRAD) return 0;
    if (t->group && (t->view_flags & WG_VIEW_IS_VIEW)) {
        const wg_node *base = t->group->edge.node;
        if ((recorded || t->v.edge.node || base) && t->view_flags & (WG_VIEW_OF_MANY | WG_VIEW_NO_GRAD | WG_VIEW_CUSTOM)) return ambiguous(t, 1);
        if (WG_UNLIKELY(base && base->kind == WG_NODE_LEAF))
            return wg_fail(WG_RUNTIME_ERROR, "a view of a leaf Variable that requires grad is being used in an in-place operation.");
    }
    return leaf_written(t);
}

int wg_tensor_writable(const wg_tensor *t, int recorded) { return writable(t, recorded, 0); }

void wg_tensor_touched(wg_tensor *t, int writer) {
    t->v.version->value++;
    t->v.version->writer = (uint16_t)writer;
}

int wg_tensor_rebase(wg_tensor *t, wg_edge edge) {
    wg_group *g = t->group;
    if (g == NULL || !(t->view_flags & WG_VIEW_IS_VIEW)) {
        if (g) { set_edge(&g->edge, edge); t->generation = ++g->generation; }
        set_own_edge(t, edge);
        return 0;
    }
    wg_attr attr[4], write[3];
    wg_val value, whole;
    geometry(g, &t->v.a, attr);
    write[0] = attr[1]; write[1] = attr[2]; write[2] = attr[3];
    wg_val_clear(&value);
    wg_val_clear(&whole);
    value.a.dtype = whole.a.dtype = t->v.a.dtype;
    wg_array_set_dims(&value.a, t->v.a.ndim, t->v.a.shape, t->v.a.strides);
    wg_array_set_dims(&whole.a, g->base.a.ndim, g->base.a.shape, g->base.a.strides);
    value.edge = edge;
    g->base.edge = g->edge;
    const wg_val *x[2] = {&g->base, &value};
    int status = wg_tape_append(WG_OP__geometry_write, x, 2, write, 3, &whole, 1);
    g->base.edge.node = NULL;
    if (status < 0) { wg_val_drop_edge(&whole); return -1; }
    wg_node *old = g->edge.node;
    g->edge = whole.edge;                                  /* its count moves over */
    g->generation++;
    if (old) wg_node_drop(old);
    return wg_tensor_refresh(t);
}

/* ---- writing in place ---- */

enum { APART, PERHAPS, MEET };

/* Does writing `to` change what is read from `from`? The very same window does not count: elements are read before they
 * are written. Interleaved windows (columns of one matrix) are told from overlapping ones only where both are dense. */
static int overlap(const wg_array *to, const wg_array *from) {
    if (from->storage == NULL || to->storage != from->storage || to->numel == 0 || from->numel == 0) return APART;
    if (to->data == from->data && to->dtype == from->dtype && wg_same_shape(to, from)) {
        int same = 1;
        for (int d = 0; d < to->ndim; d++) if (to->shape[d] > 1 && to->strides[d] != from->strides[d]) same = 0;
        if (same) return APART;
    }
    const wg_array *a[2] = {to, from};
    const char *begin[2], *end[2];
    int dense = 1;
    for (int k = 0; k < 2; k++) {
        int64_t lo, hi, size = wg_itemsize[a[k]->dtype];
        if (wg_window_range(a[k]->ndim, a[k]->shape, a[k]->strides, &lo, &hi) < 0) return PERHAPS;
        begin[k] = a[k]->data + lo * size;
        end[k] = a[k]->data + (hi + 1) * size;
        dense &= hi - lo + 1 == a[k]->numel && !wg_overlaps_itself(a[k]);
    }
    if (end[0] <= begin[1] || end[1] <= begin[0]) return APART;
    return dense ? MEET : PERHAPS;
}

int wg_reads_written(const wg_array *to, const wg_array *from, int same_too) {
    if (overlap(to, from) == MEET) return 1;
    return same_too && to->storage != NULL && to->storage == from->storage && to->data == from->data && to->numel && from->numel;
}

/* Rows without a form that writes into its first input: computed beside, then copied over. */
static int write_beside(const wg_op *op, wg_array *to, const wg_val *const *x, int nx, const wg_attr *attr) {
    wg_val out;
    if (op->forward(x, nx, attr, &out) < 0) return -1;
    int status;
    if (!wg_same_shape(&out.a, to))
        status = wg_fail(WG_RUNTIME_ERROR, "output with shape %s doesn't match the broadcast shape %s", WG_SHAPE(to), WG_SHAPE(&out.a));
    else if (to->dtype == WG_BOOL && out.a.dtype != WG_BOOL)
        status = wg_fail(WG_NOT_IMPLEMENTED, "\"%s_out_cpu\" not implemented for 'Bool'", op->name);
    else status = wg_copy_array(to, &out.a);
    wg_val_release(&out);
    return status;
}

static int write_over(int opcode, wg_array *to, const wg_val *const *x, int nx, const wg_attr *attr) {
    const wg_op *op = &wg_ops[opcode];
    if (op->kind == WG_OP_ELEMENTWISE) return wg_elementwise_forward(op, x, nx, attr, NULL, to);
    wg_into_fn into = wg_op_into(opcode);
    for (int i = 1; i < nx && into; i++)                    /* x.scatter_add_(0, index, x) */
        if (opcode != WG_OP_copy_into && x[i]->a.storage == to->storage) into = NULL;
    return into ? into(to, x, nx, attr) : write_beside(op, to, x, nx, attr);
}

/* t.squeeze_() and its kin: the handle shows another window of the same memory. Where t is the base of a group it goes
 * on as one of its views, so that the geometry of the others stays what it was. */
static int apply_inplace_view(int opcode, wg_tensor *t, const wg_val *const *x, int nx, const wg_attr *attr) {
    wg_val y;
    wg_wait_for_launches();
    if (opcode == WG_OP_detach) {
        if (t->view_flags & WG_VIEW_IS_VIEW)
            return wg_fail(WG_RUNTIME_ERROR, "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel "
                           "(DDP) for training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence "
                           "detach_() cannot be called on these gradients. To fix this error, please refer to the Optimizer.zero_grad() "
                           "function in torch/optim/optimizer.py as the solution.");
        if (wg_tensor_refresh(t) < 0) return -1;
        wg_tensor_set_edge(t, (wg_edge){0});                /* views of it keep theirs */
        return 0;
    }
    if ((!(wg_mode & WG_MODE_NO_GRAD) && leaf_written(t) < 0) || wg_apply(opcode, x, nx, attr, &y) < 0) return -1;
    if (t->group) t->view_flags |= WG_VIEW_IS_VIEW;
    t->v.a.data = y.a.data;
    wg_array_set_dims(&t->v.a, y.a.ndim, y.a.shape, y.a.strides);
    if (!(wg_mode & WG_MODE_NO_GRAD)) set_own_edge(t, y.edge);
    wg_val_release(&y);
    wg_tensor_touched(t, opcode);
    return 0;
}

int wg_apply_inplace(int opcode, wg_tensor *t, const wg_val *const *x, int nx, const wg_attr *attr) {
    const wg_op *op = &wg_ops[opcode];
    int recorded = 0, reads_old = 0;                        /* will the VJP read what is about to be overwritten? */
    if (op->kind == WG_OP_VIEW) return apply_inplace_view(opcode, t, x, nx, attr);
    if (!(wg_mode & WG_MODE_NO_GRAD))
        for (int i = 0; i < nx; i++)
            if (x[i]->edge.node && (op->diff_in >> i & 1)) {
                recorded = 1;
                reads_old |= op->save_x[i] & 1;
            }
    if (writable(t, recorded, opcode == WG_OP_fill || opcode == WG_OP_fill_tensor || opcode == WG_OP_zero) < 0) return -1;

    enum { MOST_INPUTS = 4 };
    wg_val copies[MOST_INPUTS], y;
    const wg_val *inputs[MOST_INPUTS];
    int ncopies = 0, status = 0;
    if (nx > MOST_INPUTS) return wg_fail(WG_RUNTIME_ERROR, "%s has no in-place form", op->name);
    for (int i = 0; i < nx; i++) {
        inputs[i] = x[i];
        int meets = i == 0 ? APART : overlap(&t->v.a, &x[i]->a);
        if (WG_LIKELY(meets == APART)) continue;
        if (meets == MEET && opcode != WG_OP_copy_into) {
            status = wg_fail(WG_RUNTIME_ERROR, "unsupported operation: some elements of the input tensor and the written-to tensor refer "
                             "to a single memory location. Please clone() the tensor before performing the operation.");
            goto done;
        }
        wg_attr dense[1] = {WG_INT(0)};                     /* x[1:] = x[:-1] means the old values */
        const wg_val *source[1] = {x[i]};
        if (wg_apply(WG_OP_clone, source, 1, dense, &copies[ncopies]) < 0) { status = -1; goto done; }
        inputs[i] = &copies[ncopies++];
    }
    if (reads_old) {                                        /* a.mul_(b) with a gradient for b: the record keeps the old a */
        wg_val *old = &copies[ncopies];
        if (wg_copy_new(old, t->v.a.dtype, &t->v.a, 0) < 0) { status = -1; goto done; }
        set_edge(&old->edge, t->v.edge);
        inputs[0] = old;
        ncopies++;
    }
    status = write_over(opcode, &t->v.a, inputs, nx, attr);
    if (status < 0) goto done;
    wg_val_share(&y, &t->v);
    wg_val_drop_edge(&y);
    if (recorded) status = wg_tape_append(opcode, inputs, nx, attr, op->nattr, &y, 1);
    wg_tensor_touched(t, opcode);
    if (recorded && status == 0) {
        /* Inputs were saved at the version before this write, the output belongs to the one after. */
        wg_rec *r = (wg_rec *)y.edge.node;
        wg_saved *s = r ? wg_rec_saved(r) : NULL;
        for (uint32_t i = 0; r && i < r->nsaved; i++) if (s[i].which >= (uint32_t)nx && s[i].version) s[i].version_value = s[i].version->value;
        if (r) status = wg_tensor_rebase(t, y.edge);
    }
    wg_val_release(&y);
done:
    for (int i = 0; i < ncopies; i++) wg_val_release(&copies[i]);
    return status;
}
