/* Derivatives of rows whose formula is a composition of other rows.
 *
 * Note [Composed rows]
 * ~~~~~~~~~~~~~~~~~~~~
 * The derivative of a recurrence is no single expression over rows. Such a row says vjp="composed": beside its kernel it has a
 * function wg_compose_<row> which computes the same outputs by wg_apply. Where a derivative must itself be differentiable, that
 * function runs on recorded copies of the inputs, and a sweep of its own, nested in the one that asked, goes back through
 * what it recorded. All of that are ordinary records, so every order exists. The copies have edges of their own, so an input
 * that depends on another one is not followed. */
#include "wg_elementwise.h"
#include "wg_sweep.h"

enum { MOST = 12 };

/* The gradients of the copies, each with its place in c->gx. */
static int sweep_back(wg_vjp_call *c, const wg_val *copy, const wg_val *y) {
    wg_sweep s;
    wg_edge root[MOST], wanted[MOST];
    int nroot = 0, nwanted = 0, status = 0;
    for (int k = 0; k < c->ny; k++)
        if (!wg_val_absent(c->g[k]) && y[k].edge.node) root[nroot++] = y[k].edge;
    for (int i = 0; i < c->nx; i++) if (copy[i].edge.node) wanted[nwanted++] = copy[i].edge;
    wg_sweep_begin(&s, 1);
    status = wg_sweep_prune(&s, root, nroot, wanted, nwanted);
    for (int k = 0; k < c->ny && status == 0; k++) {
        wg_val g;
        if (wg_val_absent(c->g[k]) || !y[k].edge.node) continue;
        wg_val_share(&g, c->g[k]);
        status = wg_sweep_add(&s, y[k].edge, &g);
    }
    for (wg_rec *r; status == 0 && (r = wg_sweep_run(&s, 1, &status)) != NULL;) {
        int taken = 0;
        for (int i = 0; i < c->nx; i++)
            if (copy[i].edge.node == &r->node) { wg_sweep_take(&s, r, copy[i].edge.out, &c->gx[i]); taken = 1; }
        if (!taken) status = wg_sweep_run_record(&s, r, 1);  /* saved-tensor hooks or anomaly detection hung something on it */
    }
    wg_sweep_end(&s);
    return status;
}

int wg_composed_vjp(wg_vjp_call *c, wg_forward_fn compose) {
    wg_val copy[MOST], y[MOST];
    const wg_val *x[MOST];
    const uint32_t mode = wg_mode;
    int status = 0;
    if (c->nx > MOST || c->ny > MOST) return wg_fail(WG_RUNTIME_ERROR, "%s has too many inputs to be composed", c->op->name);
    for (int i = 0; i < c->nx; i++) { wg_val_clear(&copy[i]); x[i] = c->x[i]; }
    for (int k = 0; k < c->ny; k++) wg_val_clear(&y[k]);
    wg_mode &= ~WG_MODE_NO_GRAD;
    for (int i = 0; i < c->nx && status == 0; i++) {
        if (!c->want[i]) continue;
        status = wg_apply(WG_OP_clone, &c->x[i], 1, (const wg_attr[]){WG_NONE}, &copy[i]);
        x[i] = &copy[i];
    }
    if (status == 0) status = compose(x, c->nx, c->attr, y);
    if (status == 0) status = sweep_back(c, copy, y);
    wg_mode = mode;
    for (int i = 0; i < c->nx; i++) wg_val_release(&copy[i]);
    for (int k = 0; k < c->ny; k++) wg_val_release(&y[k]);
    return status;
}
