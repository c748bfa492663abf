/* View groups and in-place application. */
#include "wg_views.h"

#include <stdlib.h>
#include <string.h>

#include "wg_elementwise.h"
#include "wg_launch.h"
#include "wg_storage.h"

void wg_group_drop(wg_group *g) {
    if (--g->refs) return;
    if (g->edge.node) wg_node_drop(g->edge.node);
    free(g);
}

void wg_tensor_release(wg_tensor *t) {
    if (t->group) { wg_group_drop(t->group); t->group = NULL; }
    wg_val_release(&t->v);
}

static void set_edge(wg_edge *to, wg_edge e) {
    wg_node *old = to->node;
    if (e.node) wg_node_hold(e.node);
    *to = e;
    if (old) wg_node_drop(old);
}

int wg_tensor_join(wg_tensor *view, wg_tensor *of, uint32_t flags) {
    if (of->group == NULL) {
        wg_group *g = malloc(sizeof *g);
        if (g == NULL) return wg_fail(WG_MEMORY_ERROR, "out of memory");
        g->refs = 1;
        g->generation = 0;
        g->edge.node = NULL;
        set_edge(&g->edge, of->v.edge);
        wg_val_clear(&g->base);
        g->base.a.data = of->v.a.data;
        g->base.a.dtype = of->v.a.dtype;
        wg_array_set_dims(&g->base.a, of->v.a.ndim, of->v.a.shape, of->v.a.strides);
        of->group = g;
        of->generation = 0;
    }
    view->group = of->group;
    view->group->refs++;
    view->generation = view->group->generation;
    view->view_flags = WG_VIEW_IS_VIEW | flags | (of->view_flags & (WG_VIEW_OF_MANY | WG_VIEW_NO_GRAD));
    if (wg_mode & WG_MODE_NO_GRAD) view->view_flags |= WG_VIEW_NO_GRAD;
    return 0;
}

/* The window of a view in its base, as attributes of the geometry rows: size, stride, offset, base_stride. */
static void geometry(const wg_group *g, const wg_array *view, wg_attr attr[4]) {
    attr[0] = WG_INTS(view->shape, view->ndim);
    attr[1] = WG_INTS(view->strides, view->ndim);
    attr[2] = WG_INT((view->data - g->base.a.data) / wg_itemsize[view->dtype]);
    attr[3] = WG_INTS(g->base.a.strides, g->base.a.ndim);
}

int wg_tensor_refresh_slow(wg_tensor *t) {
    wg_group *g = t->group;
    wg_val_drop_edge(&t->v);
    if (!(t->view_flags & WG_VIEW_IS_VIEW)) set_edge(&t->v.edge, g->edge);
    else if (g->edge.node) {
        wg_attr attr[4];
        const wg_val *x[1] = {&g->base};
        geometry(g, &t->v.a, attr);
        g->base.edge = g->edge;
        int status = wg_tape_append(WG_OP__geometry_view, x, 1, attr, 4, &t->v, 1);
        g->base.edge.node = NULL;
        if (status < 0) return -1;
    }
    t->generation = g->generation;
    return 0;
}

static int expanded(const wg_array *a) {
    for (int d = 0; d < a->ndim; d++) if (a->strides[d] == 0 && a->shape[d] > 1) return 1;
    return 0;
}

int wg_tensor_writable(const wg_tensor *t, int recorded) {
    if (WG_UNLIKELY(expanded(&t->v.a)))
        return wg_fail(WG_RUNTIME_ERROR, "unsupported operation: more than one element of the written-to tensor refers to a single "
                                         "memory location. Please clone() the tensor before performing the operation.");
    if (WG_UNLIKELY(t->v.a.storage->flags & WG_STORAGE_READONLY))
        return wg_fail(WG_RUNTIME_ERROR, "this tensor shares read-only memory (an array with writeable=False, a bytes object): "
                                         "clone() it before writing");
    if (wg_mode & WG_MODE_NO_GRAD) return 0;
    if (WG_UNLIKELY(t->v.edge.node && t->v.edge.node->kind == WG_NODE_LEAF))
        return wg_fail(WG_RUNTIME_ERROR, t->view_flags & WG_VIEW_IS_VIEW
                       ? "a view of a leaf Variable that requires grad is being used in an in-place operation."
                       : "a leaf Variable that requires grad is being used in an in-place operation.");
    if (t->group && (t->view_flags & WG_VIEW_IS_VIEW)) {
        if (WG_UNLIKELY(t->group->edge.node && t->group->edge.node->kind == WG_NODE_LEAF))
            return wg_fail(WG_RUNTIME_ERROR, "a view of a leaf Variable that requires grad is being used in an in-place operation.");
        if ((recorded || t->v.edge.node) && (t->view_flags & WG_VIEW_OF_MANY))
            return wg_fail(WG_RUNTIME_ERROR, "Output 0 of %s is a view and is being modified inplace. This view is the output of a "
                           "function that returns multiple views. Such functions do not allow the output views to be modified "
                           "inplace. You should replace the inplace operation by an out-of-place one.",
                           t->v.edge.node ? wg_rec_name((wg_rec *)t->v.edge.node) : "UnbindBackward0");
        if ((recorded || t->v.edge.node) && (t->view_flags & WG_VIEW_NO_GRAD))
            return wg_fail(WG_RUNTIME_ERROR, "A view was created in no_grad mode and is being modified inplace with grad mode enabled. "
                           "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by "
                           "moving both the view and the inplace either both inside the no_grad block (if you don't want the "
                           "inplace to be tracked) or both outside (if you want the inplace to be tracked).");
    }
    return 0;
}

void wg_tensor_touched(wg_tensor *t, int writer) {
    t->v.version->value++;
    t->v.version->writer = (uint16_t)writer;
}

int wg_tensor_rebase(wg_tensor *t, wg_edge edge) {
    wg_group *g = t->group;
    if (g == NULL || !(t->view_flags & WG_VIEW_IS_VIEW)) {
        set_edge(&t->v.edge, edge);
        if (g) { set_edge(&g->edge, edge); t->generation = ++g->generation; }
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
    if (status < 0) return -1;
    wg_node *old = g->edge.node;
    g->edge = whole.edge;                                  /* its count moves over */
    g->generation++;
    if (old) wg_node_drop(old);
    return wg_tensor_refresh(t);
}

/* Do a and b share some memory without being the very same window? */
static int overlaps_partly(const wg_array *a, const wg_array *b) {
    if (a->storage != b->storage || a->numel == 0 || b->numel == 0) return 0;
    if (a->data == b->data && wg_same_shape(a, b)) {
        int same = 1;
        for (int d = 0; d < a->ndim; d++) if (a->shape[d] > 1 && a->strides[d] != b->strides[d]) same = 0;
        if (same) return 0;
    }
    const wg_array *w[2] = {a, b};
    const char *end[2];
    for (int k = 0; k < 2; k++) {
        end[k] = w[k]->data;
        for (int d = 0; d < w[k]->ndim; d++) end[k] += (w[k]->shape[d] - 1) * w[k]->strides[d] * wg_itemsize[w[k]->dtype];
        end[k] += wg_itemsize[w[k]->dtype];
    }
    if (end[0] <= b->data || end[1] <= a->data) return 0;
    /* Interleaved windows (columns of one matrix) do not touch: refuse only when both are dense ranges or strides agree badly. */
    return a->contiguous && b->contiguous;
}

int wg_apply_inplace(int opcode, wg_tensor *t, const wg_val *const *x, int nx, const wg_attr *attr) {
    const wg_op *op = &wg_ops[opcode];
    int recorded = 0;
    if (!(wg_mode & WG_MODE_NO_GRAD))
        for (int i = 0; i < nx; i++) if (x[i]->edge.node && (op->diff_in >> i & 1)) recorded = 1;
    if (wg_tensor_writable(t, recorded) < 0) return -1;

    wg_val copies[4], y;
    const wg_val *inputs[4];
    int ncopies = 0, status = 0;
    if (nx > 4) return wg_fail(WG_RUNTIME_ERROR, "%s has no in-place form", op->name);
    for (int i = 0; i < nx; i++) {
        inputs[i] = x[i];
        if (i == 0 || x[i]->a.storage == NULL || !overlaps_partly(&t->v.a, &x[i]->a)) continue;
        if (opcode != WG_OP_copy_into) {
            status = wg_fail(WG_RUNTIME_ERROR, "unsupported operation: some elements of the input tensor and the written-to tensor refer "
                             "to a single memory location. Please clone() the tensor before performing the operation.");
            goto done;
        }
        wg_attr dense[1] = {WG_INT(0)};                     /* x[1:] = x[:-1] means the old values */
        const wg_val *source[1] = {x[i]};
        if (wg_apply(WG_OP_clone, source, 1, dense, &copies[ncopies]) < 0) { status = -1; goto done; }
        inputs[i] = &copies[ncopies++];
    }
    if (op->kind == WG_OP_ELEMENTWISE) {
        status = wg_elementwise_forward(op, inputs, nx, attr, NULL, &t->v.a);
        if (status < 0) goto done;
        wg_val_share(&y, &t->v);
    } else if (opcode == WG_OP_copy_into || opcode == WG_OP_fill) {
        wg_array *operand[2] = {&t->v.a, nx > 1 ? (wg_array *)&inputs[1]->a : NULL};
        wg_array wide;
        if (opcode == WG_OP_copy_into) {
            const wg_array *both[2] = {&t->v.a, &inputs[1]->a};
            int ndim;
            int64_t shape[WG_MAX_DIMS];
            status = wg_broadcast_shapes(both, 2, &ndim, shape);
            if (status == 0 && (ndim != t->v.a.ndim || memcmp(shape, t->v.a.shape, sizeof(int64_t) * (size_t)ndim) != 0)) {
                char to[256], from[256];
                wg_shape_text(to, sizeof to, t->v.a.ndim, t->v.a.shape);
                wg_shape_text(from, sizeof from, both[1]->ndim, both[1]->shape);
                status = wg_fail(WG_RUNTIME_ERROR, "output with shape %s doesn't match the broadcast shape %s", to,
                                 wg_shape_text(from, sizeof from, ndim, shape));
            }
            if (status < 0) goto done;
            if (!wg_same_shape(both[0], both[1])) {         /* the source as an expanded window */
                int64_t strides[WG_MAX_DIMS];
                int shift = ndim - both[1]->ndim;
                for (int d = 0; d < ndim; d++)
                    strides[d] = d < shift || both[1]->shape[d - shift] == 1 ? 0 : both[1]->strides[d - shift];
                wide = (wg_array){.data = both[1]->data, .storage = both[1]->storage, .dtype = both[1]->dtype,
                                  .is_number = both[1]->is_number, .number = both[1]->number};
                wg_array_set_dims(&wide, ndim, shape, strides);
                if (wide.is_number) wide.data = (char *)&wide.number;
                operand[1] = &wide;
            }
        }
        status = wg_launch(opcode == WG_OP_copy_into ? WG_K_copy : WG_K_fill, operand, opcode == WG_OP_copy_into ? 2 : 1, attr, op->nattr);
        if (status < 0) goto done;
        wg_val_share(&y, &t->v);
    } else {                                                /* structured: compute beside, then copy over */
        wg_val out;
        status = op->forward(inputs, nx, attr, &out);
        if (status < 0) goto done;
        if (!wg_same_shape(&out.a, &t->v.a)) {
            char a[256], b[256];
            wg_shape_text(a, sizeof a, t->v.a.ndim, t->v.a.shape);
            wg_shape_text(b, sizeof b, out.a.ndim, out.a.shape);
            status = wg_fail(WG_RUNTIME_ERROR, "output with shape %s doesn't match the broadcast shape %s", a, b);
        } else {
            wg_array *operand[2] = {&t->v.a, &out.a};
            status = wg_launch(WG_K_copy, operand, 2, NULL, 0);
        }
        wg_val_release(&out);
        if (status < 0) goto done;
        wg_val_share(&y, &t->v);
    }
    wg_val_drop_edge(&y);
    if (recorded) status = wg_tape_append(opcode, inputs, nx, attr, op->nattr, &y, 1);
    wg_tensor_touched(t, opcode);
    if (recorded && status == 0) {
        /* Inputs were saved at the version before this write, the output belongs to the one after. */
        wg_rec *r = (wg_rec *)y.edge.node;
        wg_saved *s = r ? wg_rec_saved(r) : NULL;
        for (int i = 0; r && i < r->nsaved; i++) if (s[i].which >= nx && s[i].version) s[i].version_value = s[i].version->value;
        if (r) status = wg_tensor_rebase(t, y.edge);
    }
    wg_val_release(&y);
done:
    for (int i = 0; i < ncopies; i++) wg_val_release(&copies[i]);
    return status;
}
