/* The VJP of one record, in general: unpack what it saved, run its kernel or formula, hand the gradients on. */
#include <string.h>

#include "wg_elementwise.h"
#include "wg_launch.h"
#include "wg_pending.h"

enum { INLINE_OPERANDS = 8 };

static int zeros_of(const wg_rec *r, int k, wg_val *v) {
    const wg_outmeta *o = &wg_rec_outs(r)[k];
    if (wg_new(v, o->dtype, o->ndim, wg_rec_dims(r, o->dims)) < 0) return -1;
    wg_array *operand[1] = {&v->a};
    wg_attr zero[1] = {WG_FLOAT(0.0)};
    return wg_launch(WG_K_fill, operand, 1, zero, 1);
}

/* A formula may give a gradient of the broadcast shape, or of the type that promotion computed in. */
static int fit_to_input(const wg_vjp_call *c, int i) {
    wg_val *gx = &c->gx[i];
    const wg_array *x = &c->x[i]->a;
    wg_val fitted;
    if (!wg_same_shape(&gx->a, x)) {
        if (wg_sum_to(gx, x->ndim, x->shape, &fitted) < 0) return -1;
        wg_val_release(gx);
        wg_val_move(gx, &fitted);
    }
    if (gx->a.dtype != x->dtype) {
        if (wg_cast(gx, x->dtype, &fitted) < 0) return -1;
        wg_val_release(gx);
        wg_val_move(gx, &fitted);
    }
    return 0;
}

/* Note [Sums without a temporary]
 * A gradient that arrives where one waits already is added to it; a product can do that itself, and the temporary and a
 * pass over memory are saved. The .grad of a leaf counts as waiting if nothing else can flow there in this sweep (the
 * tensor and one edge of one record are all that count the leaf), nobody listens, and nobody else holds that memory: then
 * it makes no difference that it is written now and not at the end.
 *
 * Note [One writer of .grad]
 * Large kernels run without the tape lock, so two threads could add to one .grad at once, or one replace what the other adds
 * to. Whoever adds is the leaf's `writer` until it is done; others wait (claim_grad in sweep.pxi), or compute apart, as here. */
wg_array *wg_vjp_sum(const wg_vjp_call *c, int i, int dtype, int ndim, const int64_t *shape) {
    wg_sweep *s = c->sweep;
    if (s == NULL || s->create_graph) return NULL;
    const wg_edge to = c->record->edge[i];
    wg_val *sum = wg_waiting(s, to);
    const int leaf = sum == NULL;
    if (leaf) {
        wg_leaf *at = (wg_leaf *)to.node;
        if (at->node.kind != WG_NODE_LEAF || !s->accumulates || at->node.refs != 2 || at->ext || at->state || at->tensor == NULL ||
            wg_written_elsewhere(at->writer)) return NULL;
        sum = wg_leaf_grad(at);
        if (sum == NULL || sum->a.storage->size_class < 0) return NULL;
    }
    if (!wg_sole_owner(sum) || sum->a.dtype != dtype || sum->a.ndim != ndim || memcmp(sum->a.shape, shape, (size_t)ndim * sizeof *shape) != 0)
        return NULL;
    if (leaf) {
        sum->version->value++;
        sum->version->writer = WG_OP_add;
        ((wg_leaf *)to.node)->writer = wg_this_writer();
        s->writes_grad = 1;
    }
    return &sum->a;
}

static WG_COLD void end_writing(wg_sweep *s, const wg_rec *r) {
    s->writes_grad = 0;
    for (uint32_t i = 0; i < r->nx; i++) {
        wg_leaf *leaf = (wg_leaf *)r->edge[i].node;
        if (leaf && leaf->node.kind == WG_NODE_LEAF && leaf->writer == wg_this_writer()) leaf->writer = 0;
    }
}

int wg_sweep_vjp(wg_sweep *s, wg_rec *r, wg_val *g, int retain_graph, wg_val *out) {
    const wg_op *op = &wg_ops[r->node.op];
    const int nx = (int)r->nx, ny = r->ny, n = 2 * nx + ny;
    wg_val inline_vals[INLINE_OPERANDS], *vals = inline_vals;
    const wg_val *inline_pointers[INLINE_OPERANDS * 2], **pointers = inline_pointers;
    uint8_t inline_want[INLINE_OPERANDS], *want = inline_want;
    int status = -1, formula = s->create_graph;

    for (int i = 0; out && i < nx; i++) wg_val_clear(&out[i]);
    if (WG_UNLIKELY(op->vjp_formula == NULL && op->vjp_kernel == NULL && op->kind != WG_OP_ELEMENTWISE))
        return wg_fail(WG_NOT_IMPLEMENTED, "the derivative for '%s' is not implemented", op->name);
    if (WG_UNLIKELY(r->node.flags & WG_REC_SPENT)) return wg_spent_error(r);
    if (WG_UNLIKELY(n > INLINE_OPERANDS)) {
        char *block = wg_pool_get((int64_t)n * (int64_t)(sizeof(wg_val) + sizeof(wg_val *)) + ny * (int64_t)sizeof(wg_val *) + nx);
        if (block == NULL) return -1;
        vals = (wg_val *)block;
        pointers = (const wg_val **)(vals + n);
        want = (uint8_t *)(pointers + n + ny);
    }
    wg_val *x = vals, *y = vals + nx, *gx = vals + nx + ny;
    const wg_val **px = pointers, **py = pointers + nx, **pg = pointers + nx + ny;
    int unpacked = 0;
    for (int i = 0; i < nx; i++) { wg_val_clear(&gx[i]); px[i] = &x[i]; want[i] = (uint8_t)wg_sweep_wants(s, r->edge[i]); }
    for (; unpacked < nx + ny; unpacked++)
        if (wg_rec_unpack(r, unpacked, formula, &vals[unpacked]) < 0) goto done;
    for (int k = 0; k < ny; k++) {
        py[k] = &y[k];
        pg[k] = &g[k];
        if (op->materialize && wg_val_absent(&g[k]) && wg_op_diff_output(op, k) && zeros_of(r, k, &g[k]) < 0) goto done;
    }
    if (op->kind == WG_OP_ELEMENTWISE)
        for (int i = 0; i < nx; i++)                        /* inputs whose shape was not kept have the output's */
            if (want[i] && x[i].a.storage == NULL && !x[i].a.is_number && x[i].a.ndim == 0 && x[i].a.numel == 0) {
                const wg_outmeta *o = &wg_rec_outs(r)[0];
                wg_array_set_dims(&x[i].a, o->ndim, wg_rec_dims(r, o->dims), NULL);
                x[i].a.dtype = o->dtype;
            }
    wg_vjp_call call = {.op = op, .x = px, .y = py, .g = pg, .attr = wg_rec_attrs(r), .nx = nx, .ny = ny, .want = want, .gx = gx,
                        .sweep = out ? NULL : s, .record = r};
    if (formula && op->vjp_formula) status = op->vjp_formula(&call);
    else {
        uint32_t mode = wg_mode;
        if (!formula) wg_mode |= WG_MODE_NO_GRAD;
        if (op->kind == WG_OP_ELEMENTWISE && !formula) status = wg_elementwise_vjp(&call);
        else status = op->vjp_kernel ? op->vjp_kernel(&call) : op->vjp_formula(&call);
        wg_mode = mode;
    }
    if (s->writes_grad) end_writing(s, r);
    if (status < 0) goto done;
    if (!retain_graph && r->node.flags & WG_REC_SAVED) wg_rec_release_saved(r);
    for (int i = 0; i < nx; i++) {
        if (!want[i] || wg_val_absent(&gx[i])) continue;
        if (op->kind == WG_OP_ELEMENTWISE && fit_to_input(&call, i) < 0) { status = -1; goto done; }
        if (!s->create_graph) wg_val_drop_edge(&gx[i]);
        if (out) { wg_val_move(&out[i], &gx[i]); continue; }
        if (wg_sweep_add(s, r->edge[i], &gx[i]) < 0) { status = -1; goto done; }
    }
done:
    for (int i = 0; i < unpacked; i++) wg_val_release(&vals[i]);
    for (int i = 0; i < nx; i++) wg_val_release(&gx[i]);
    if (vals != inline_vals) wg_pool_put(vals);
    return status;
}
