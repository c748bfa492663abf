/* LSTM and GRU over whole sequences: forward, VJP, and the same as a composition of rows (Note [Composed rows]). */
#include "ops.h"
#include "wg_storage.h"

/* steps and reverse; gates of `parts` times the hidden size, states h (and c), weight. */
static int check(const char *name, const wg_val *gates, const wg_val *h, const wg_val *c, const wg_val *weight, const wg_val *bias, int parts,
                 const wg_attr *attr) {
    const wg_array *g = &gates->a, *s = &h->a, *w = &weight->a;
    int64_t rows = 0, last = s->ndim == 2 ? s->shape[0] : 0;
    if (g->dtype < WG_F32) return wg_fail(WG_NOT_IMPLEMENTED, "\"%s\" not implemented for '%s'", name, wg_dtype_title[g->dtype]);
    if (s->dtype != g->dtype || w->dtype != g->dtype || (c && c->a.dtype != g->dtype) || (bias && bias->a.dtype != g->dtype))
        return wg_fail(WG_RUNTIME_ERROR, "%s: gates, states and weights must have one dtype, not %s, %s and %s", name, wg_dtype_title[g->dtype],
                       wg_dtype_title[s->dtype], wg_dtype_title[w->dtype]);
    if (g->ndim != 2 || s->ndim != 2 || w->ndim != 2 || g->shape[1] != parts * s->shape[1] || w->shape[0] != g->shape[1] ||
        w->shape[1] != s->shape[1] || (c && !wg_same_shape(&c->a, s)) || (bias && (bias->a.ndim != 1 || bias->a.shape[0] != g->shape[1])))
        return wg_fail(WG_RUNTIME_ERROR, "%s: gates of shape %s, states of %s and a weight of %s don't fit", name, WG_SHAPE(g), WG_SHAPE(s), WG_SHAPE(w));
    for (uint32_t t = 0; t < attr[0].n; t++) {
        const int64_t n = attr[0].v[t];
        if (n < 0 || n > last) return wg_fail(WG_RUNTIME_ERROR, "%s: %s sequences at the time steps: more than before, or than states", name,
                                              WG_LIST(attr[0].v, attr[0].n));
        rows += last = n;
    }
    if (rows != g->shape[0])
        return wg_fail(WG_RUNTIME_ERROR, "%s: %lld rows of gates for %lld of all time steps", name, (long long)g->shape[0], (long long)rows);
    return 0;
}

/* y[k] new, of that type and these shapes; then x, what is given of it, dense, and the kernel over both. */
static int run(int kernel, int dtype, wg_val *y, int ny, const int64_t (*shape)[2], const wg_val *const *x, int nx, const wg_attr *attr) {
    enum { MOST = 12 };
    wg_array *operand[MOST];
    wg_val own[MOST];
    int status = 0;
    for (int k = 0; k < ny; k++) wg_val_clear(&y[k]);
    for (int i = 0; i < nx; i++) wg_val_clear(&own[i]);
    for (int k = 0; k < ny && status == 0; k++) {
        status = wg_new(&y[k], dtype, 2, shape[k]);
        operand[k] = &y[k].a;
    }
    for (int i = 0; i < nx && status == 0; i++) {
        operand[ny + i] = (wg_array *)&wg_no_array;
        if (wg_val_absent(x[i])) continue;
        status = wg_dense(&own[i], x[i]);
        operand[ny + i] = &own[i].a;
    }
    if (status == 0) status = wg_launch(kernel, operand, ny + nx, attr, 2);
    for (int i = 0; i < nx; i++) wg_val_release(&own[i]);
    for (int k = 0; k < ny; k++) wg_done(&y[k], status);
    return status;
}

/* gates, h, c, weight; steps, reverse. Outputs y, h_n, c_n, activations, h_before, c_before, tanh_c. */
int wg_forward__lstm(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    for (int k = 0; k < 7; k++) wg_val_clear(&y[k]);
    if (check("lstm", x[0], x[1], x[2], x[3], NULL, 4, attr) < 0) return -1;
    const int64_t rows = x[0]->a.shape[0], batch = x[1]->a.shape[0], n = x[1]->a.shape[1];
    const int64_t shape[7][2] = {{rows, n}, {batch, n}, {batch, n}, {rows, 4 * n}, {rows, n}, {rows, n}, {rows, n}};
    return run(WG_K_lstm, x[0]->a.dtype, y, 7, shape, x, nx, attr);
}

/* gates, h, weight, bias; steps, reverse. Outputs y, h_n, activations, new_h, h_before. */
int wg_forward__gru(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    for (int k = 0; k < 5; k++) wg_val_clear(&y[k]);
    if (check("gru", x[0], x[1], NULL, x[2], wg_val_absent(x[3]) ? NULL : x[3], 3, attr) < 0) return -1;
    const int64_t rows = x[0]->a.shape[0], batch = x[1]->a.shape[0], n = x[1]->a.shape[1];
    const int64_t shape[5][2] = {{rows, n}, {batch, n}, {rows, 3 * n}, {rows, n}, {rows, n}};
    return run(WG_K_gru, x[0]->a.dtype, y, 5, shape, x, nx, attr);
}

/* weight: g.T @ h_before */
static int weight_gradient(wg_vjp_call *c, int i, const wg_val *g, const wg_val *before) {
    wg_array columns;
    if (!c->want[i]) return 0;
    memcpy(&columns, &g->a, offsetof(wg_array, shape));
    wg_array_set_dims(&columns, 2, (int64_t[]){g->a.shape[1], g->a.shape[0]}, (int64_t[]){1, g->a.shape[1]});
    return wg_product_gradient(c, i, &columns, &before->a);
}

int wg_vjp_kernel__lstm(wg_vjp_call *c) {
    wg_val gx[3];
    const wg_val *const in[7] = {c->g[0], c->g[1], c->g[2], c->y[3], c->y[5], c->y[6], c->x[3]};
    const int64_t n = c->x[3]->a.shape[1], batch = c->attr[0].n ? c->attr[0].v[0] : 0;
    const int64_t shape[3][2] = {{c->y[3]->a.shape[0], 4 * n}, {batch, n}, {batch, n}};
    if (run(WG_K_lstm_vjp, c->x[3]->a.dtype, gx, 3, shape, in, 7, c->attr) < 0) return -1;
    int status = weight_gradient(c, 3, &gx[0], c->y[4]);
    for (int k = 0; k < 3; k++) {
        if (status == 0 && c->want[k]) wg_val_move(&c->gx[k], &gx[k]);
        else wg_val_release(&gx[k]);
    }
    return status;
}

int wg_vjp_kernel__gru(wg_vjp_call *c) {
    enum { GATES, RECURRENT, STATE };
    wg_val g[3];
    const wg_val *const in[6] = {c->g[0], c->g[1], c->y[2], c->y[3], c->y[4], c->x[2]};
    const int64_t n = c->x[2]->a.shape[1], batch = c->attr[0].n ? c->attr[0].v[0] : 0, rows = c->y[2]->a.shape[0];
    const int64_t shape[3][2] = {{rows, 3 * n}, {rows, 3 * n}, {batch, n}};
    if (run(WG_K_gru_vjp, c->x[2]->a.dtype, g, 3, shape, in, 6, c->attr) < 0) return -1;
    int status = weight_gradient(c, 2, &g[RECURRENT], c->y[4]);
    if (status == 0 && c->want[3]) status = wg_sum_to(&g[RECURRENT], 1, &shape[1][1], &c->gx[3]);
    if (status == 0 && c->want[0]) wg_val_move(&c->gx[0], &g[GATES]);
    if (status == 0 && c->want[1]) wg_val_move(&c->gx[1], &g[STATE]);
    for (int k = 0; k < 3; k++) wg_val_release(&g[k]);
    return status;
}

/* ---- compositions ------------------------------------------------------------------------------------------------ */

/* A calculation that stops at its first failure, and the values it made on the way. */
enum { ROOM = 24 };
typedef struct work {
    wg_val v[ROOM];
    int used, status;
} work;

static const wg_val *made(work *w, int op, const wg_val *const *x, int nx, const wg_attr *attr) {
    wg_val *y = &w->v[w->used++];
    wg_val_clear(y);
    if (w->status == 0) w->status = wg_apply(op, x, nx, attr, y);
    return y;
}

static const wg_val *one(work *w, int op, const wg_val *x) { return made(w, op, (const wg_val *[]){x}, 1, NULL); }
static const wg_val *two(work *w, int op, const wg_val *a, const wg_val *b) {
    return made(w, op, (const wg_val *[]){a, b}, 2, (const wg_attr[]){WG_INT(1)});
}
static const wg_val *part(work *w, const wg_val *x, int dim, int64_t begin, int64_t end) {
    return made(w, WG_OP_slice, (const wg_val *[]){x}, 1, (const wg_attr[]){WG_INT(dim), WG_INT(begin), WG_INT(end), WG_INT(1)});
}
static const wg_val *product(work *w, const wg_val *x, const wg_val *weight, const wg_val *bias) {
    return made(w, WG_OP_linear, (const wg_val *[]){x, weight, bias}, 3, NULL);
}

static void release(work *w) {
    for (int k = 0; k < w->used; k++) wg_val_release(&w->v[k]);
    w->used = 0;
}

/* The first m rows of *state become `rows`. */
static void put_rows(work *w, wg_val *state, const wg_val *rows, int64_t m) {
    wg_val joined;
    if (w->status) return;
    if (m == state->a.shape[0]) wg_val_share(&joined, rows);
    else {
        const wg_val *both[2] = {rows, part(w, state, 0, m, state->a.shape[0])};
        if (w->status) return;
        w->status = wg_apply(WG_OP_cat, both, 2, (const wg_attr[]){WG_INT(0)}, &joined);
        if (w->status) return;
    }
    wg_val_release(state);
    wg_val_move(state, &joined);
}

typedef const wg_val *(*step_fn)(work *w, const wg_val *gates, const wg_val *const *state, const wg_val **after, const wg_val *weight,
                                 const wg_val *bias);

/* y and states after all time steps. */
static int compose(step_fn step, const wg_val *gates, int nstate, const wg_val *const *first, const wg_val *weight, const wg_val *bias,
                   const wg_attr *attr, wg_val *y) {
    const int64_t steps = attr[0].n;
    const int reverse = attr[1].i != 0;
    int64_t at = 0;
    work w = {.used = 0, .status = 0};
    wg_val *outs = wg_pool_get(steps * (int64_t)(sizeof(wg_val) + sizeof(wg_val *)) + 1);
    if (outs == NULL) return -1;
    const wg_val **pointer = (const wg_val **)(outs + steps);
    for (int64_t t = 0; t < steps; t++) { wg_val_clear(&outs[t]); pointer[t] = &outs[t]; }
    for (int s = 0; s < nstate; s++) wg_val_share(&y[1 + s], first[s]);
    for (int64_t t = 0; reverse && t < steps; t++) at += attr[0].v[t];
    for (int64_t k = 0; k < steps && w.status == 0; k++) {
        const int64_t t = reverse ? steps - 1 - k : k, m = attr[0].v[t];
        const wg_val *before[2], *after[2];
        if (reverse) at -= m;
        for (int s = 0; s < nstate; s++) before[s] = part(&w, &y[1 + s], 0, 0, m);
        step(&w, part(&w, gates, 0, at, at + m), before, after, weight, bias);
        for (int s = 0; s < nstate; s++) put_rows(&w, &y[1 + s], after[s], m);
        if (w.status == 0) wg_val_share(&outs[t], after[0]);
        release(&w);
        if (!reverse) at += m;
    }
    if (w.status == 0) w.status = wg_apply(WG_OP_cat, pointer, (int)steps, (const wg_attr[]){WG_INT(0)}, &y[0]);
    for (int64_t t = 0; t < steps; t++) wg_val_release(&outs[t]);
    wg_pool_put(outs);
    for (int k = 0; k <= nstate; k++) wg_done(&y[k], w.status);
    return w.status;
}

static const wg_val *lstm_step(work *w, const wg_val *gates, const wg_val *const *state, const wg_val **after, const wg_val *weight, const wg_val *bias) {
    const int64_t n = weight->a.shape[1];
    const wg_val *z = two(w, WG_OP_add, gates, product(w, state[0], weight, bias));
    const wg_val *i = one(w, WG_OP_sigmoid, part(w, z, 1, 0, n)), *f = one(w, WG_OP_sigmoid, part(w, z, 1, n, 2 * n));
    const wg_val *u = one(w, WG_OP_tanh, part(w, z, 1, 2 * n, 3 * n)), *o = one(w, WG_OP_sigmoid, part(w, z, 1, 3 * n, 4 * n));
    after[1] = two(w, WG_OP_add, two(w, WG_OP_mul, f, state[1]), two(w, WG_OP_mul, i, u));
    return after[0] = two(w, WG_OP_mul, o, one(w, WG_OP_tanh, after[1]));
}

static const wg_val *gru_step(work *w, const wg_val *gates, const wg_val *const *state, const wg_val **after, const wg_val *weight, const wg_val *bias) {
    const int64_t n = weight->a.shape[1];
    const wg_val *q = product(w, state[0], weight, bias);
    const wg_val *a = one(w, WG_OP_sigmoid, two(w, WG_OP_add, part(w, gates, 1, 0, 2 * n), part(w, q, 1, 0, 2 * n)));
    const wg_val *r = part(w, a, 1, 0, n), *z = part(w, a, 1, n, 2 * n);
    const wg_val *u = one(w, WG_OP_tanh, two(w, WG_OP_add, part(w, gates, 1, 2 * n, 3 * n), two(w, WG_OP_mul, r, part(w, q, 1, 2 * n, 3 * n))));
    return after[0] = two(w, WG_OP_add, u, two(w, WG_OP_mul, z, two(w, WG_OP_sub, state[0], u)));
}

static const wg_val nothing;

int wg_compose__lstm(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    (void)nx;
    for (int k = 0; k < 7; k++) wg_val_clear(&y[k]);
    return compose(lstm_step, x[0], 2, &x[1], x[3], &nothing, attr, y);
}

int wg_compose__gru(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    (void)nx;
    for (int k = 0; k < 5; k++) wg_val_clear(&y[k]);
    return compose(gru_step, x[0], 1, &x[1], x[2], x[3], attr, y);
}
