/* The VJPs of flat records (wg_flat.h). A header because the loop of wg_sweep.c, alone, has them inlined: a call for each record and
 * what it would spill cost as much as the arithmetic of one. */
#ifndef WG_FLAT_VJP_H
#define WG_FLAT_VJP_H

#include "wg_flat.h"
#include "wg_launch.h"
#include "wg_ops_gen.h"
#include "wg_pending.h"

static int deliver_leaf(wg_sweep *s, wg_edge to, wg_cotangent *c) {
    int status = wg_sweep_add(s, to, &c->v);
    wg_cotangent_put(c);
    return status;
}

/* The record that comes next for sure, and its cotangent: neither ever waits. */
typedef struct wg_next {
    wg_chunk_state *state;               /* of the latest chunk, the one that is being swept */
    wg_rec *r;
    wg_cotangent *c;
} wg_next;

/* Lets *c wait at an edge where nothing waits yet. */
WG_INLINE int deliver(wg_sweep *s, wg_edge to, wg_cotangent *c) {
    if (to.node->kind == WG_NODE_LEAF) return deliver_leaf(s, to, c);
    wg_rec *r = (wg_rec *)to.node;
    wg_chunk_state *state = wg_state_of(s, wg_chunk_of(r));
    if (WG_UNLIKELY(state == NULL)) { wg_cotangent_discard(c); return -1; }
    c->out = to.out;
    return wg_cotangent_wait(s, state, r, c);
}

/* The same, for a record that delivers nothing else: mostly a chain goes on in its chunk. */
WG_INLINE int deliver_next(wg_sweep *s, wg_edge to, wg_cotangent *c, wg_next *next) {
    wg_rec *r = (wg_rec *)to.node;            /* or a leaf, which lies in no chunk */
    wg_chunk_state *state = next->state;
    if (wg_chunk_of(r) != state->chunk || state->pending >> r->index) return deliver(s, to, c);
    c->out = to.out;
    next->r = r;
    next->c = c;
    return 0;
}

static int one_element_everywhere(const wg_array *a) {
    for (int d = 0; d < a->ndim; d++) if (a->strides[d] != 0 && a->shape[d] != 1) return 0;
    return a->numel > 0;
}

/* What flat_vjp needs where an array stands for one value, a Python number or an expanded gradient; and gradients on their
 * way to a sum. */
typedef struct flat_room {
    char number[WG_FLAT_SPREAD * 8] __attribute__((aligned(16))), g[WG_FLAT_SPREAD * 8] __attribute__((aligned(16)));
    char part[WG_FLAT_INPUTS][WG_FLAT_SPREAD * 8] __attribute__((aligned(16)));
} flat_room;

/* The inputs of the VJP loop. 1: take the general way. */
WG_INLINE int flat_inputs(const wg_rec *r, const wg_flat_case *way, const wg_array *g, int partial, int compute, flat_room *room,
                          char **data) {
    const wg_saved *saved = wg_rec_saved(r);
    int k = 0, spreads = 0;
    do {
        if (way->source[k] < 0) {
            data[k] = g->data;
            if (WG_UNLIKELY(!g->contiguous)) wg_flat_spread_element(data[k] = room->g, compute, g->numel, g->data);
            continue;
        }
        const wg_saved *v = &saved[way->source[k]];
        if (WG_UNLIKELY(partial)) for (v = saved; v->which != way->which[k];) v++;
        if (WG_UNLIKELY(v->is_number)) {
            if (spreads++ || g->numel > WG_FLAT_SPREAD) return 1;
            wg_flat_spread_number(data[k] = room->number, compute, g->numel, v->dtype, v->i);
            continue;
        }
        if (WG_UNLIKELY(v->version->value != v->version_value)) return 1;
        data[k] = v->data;
    } while (++k < way->nin);
    return 0;
}

WG_INLINE void flat_launch(const wg_rec *r, const wg_flat_case *way, int compute, int64_t n, char **data, uint32_t add) {
    wg_attr attr[WG_FLAT_ATTRS + 1];
    const wg_attr *own = wg_rec_attrs(r);
    int i = 0;
    for (; i < r->nattr; i++) attr[i] = own[i];
    attr[i].i = add;
    attr[i].tag = WG_A_INT;
    wg_launch_flat(way->vjp[compute], n, data, attr);
}

WG_INLINE void flat_add(int compute, int64_t n, char *sum, char *part) {
    char *data[3] = {sum, sum, part};
    const wg_attr one = WG_INT(1);
    wg_launch_flat(wg_flat_plans[WG_OP_add]->loop[compute], n, data, &one);
}

/* May the sweep add to what waits there? */
WG_INLINE int addable(const wg_val *sum, const wg_val *g) {
    return wg_sole_owner(sum) && sum->a.dtype == g->a.dtype && sum->a.numel == g->a.numel;
}

/* The gradient of one input, computed; the common case of `flat_outputs`. */
WG_INLINE int flat_output(wg_sweep *s, wg_rec *r, wg_cotangent *c, const wg_flat_case *way, char **data, int compute, flat_room *room,
                          wg_next *next) {
    const int64_t n = c->v.a.numel;
    const wg_edge to = r->edge[way->out[0]];
    wg_val *sum = wg_waiting(s, to);
    if (sum == NULL && wg_sole_owner(&c->v)) {
        data[0] = c->v.a.data;
        flat_launch(r, way, compute, n, data, 0);
        return deliver_next(s, to, c, next);
    }
    if (sum) {
        if (WG_UNLIKELY(!addable(sum, &c->v))) return 1;
        if (n <= WG_FLAT_SPREAD) {
            data[0] = room->part[0];
            flat_launch(r, way, compute, n, data, 0);
            flat_add(compute, n, sum->a.data, room->part[0]);
        } else {
            data[0] = sum->a.data;
            flat_launch(r, way, compute, n, data, 1);
        }
        wg_cotangent_discard(c);
        return 0;
    }
    wg_cotangent *f = wg_cotangent_new();
    if (WG_UNLIKELY(f == NULL || wg_new(&f->v, c->v.a.dtype, c->v.a.ndim, c->v.a.shape) < 0)) {
        if (f) wg_cotangent_put(f);
        wg_cotangent_discard(c);
        return -1;
    }
    data[0] = f->v.a.data;
    flat_launch(r, way, compute, n, data, 0);
    wg_cotangent_discard(c);
    return deliver_next(s, to, f, next);
}

/* Several gradients computed, or one beside g itself: places for all, then one call of the loop. Sets *reused to the input
 * that *c was used for. */
static int flat_outputs(wg_sweep *s, wg_rec *r, wg_cotangent *c, const wg_flat_case *way, char **data, int compute, flat_room *room,
                        int *reused) {
    const int nout = way->nout, reusable = !way->borrowed && wg_sole_owner(&c->v);
    const int64_t n = c->v.a.numel;
    wg_cotangent *fresh[WG_FLAT_INPUTS] = {NULL, NULL, NULL};
    char *onto[WG_FLAT_INPUTS] = {NULL, NULL, NULL};         /* what a gradient is added to once it is computed apart */
    uint32_t add = 0;
    int status = 0;
    for (int k = 0; k < nout; k++) {
        const wg_edge to = r->edge[way->out[k]];
        char *place = NULL;
        for (int j = 0; j < k; j++)                          /* an earlier output of this very call goes there too */
            if (r->edge[way->out[j]].node == to.node && r->edge[way->out[j]].out == to.out) place = onto[j] ? onto[j] : data[j];
        if (place == NULL) {
            const wg_val *sum = wg_waiting(s, to);
            if (sum && !addable(sum, &c->v)) { status = 1; break; }
            if (sum) place = sum->a.data;
        }
        if (place) {
            if (n <= WG_FLAT_SPREAD) { onto[k] = place; data[k] = room->part[k]; }
            else { data[k] = place; add |= 1u << k; }
        } else if (reusable && *reused < 0) {
            *reused = way->out[k];
            data[k] = c->v.a.data;
        } else {
            wg_cotangent *f = wg_cotangent_new();
            if (WG_UNLIKELY(f == NULL || wg_new(&f->v, c->v.a.dtype, c->v.a.ndim, c->v.a.shape) < 0)) {
                if (f) wg_cotangent_put(f);
                status = -1;
                break;
            }
            data[k] = f->v.a.data;
            fresh[k] = f;
        }
    }
    if (WG_UNLIKELY(status)) {
        for (int k = 0; k < nout; k++) if (fresh[k]) wg_cotangent_discard(fresh[k]);
        return status;
    }
    flat_launch(r, way, compute, n, data, add);
    for (int k = 0; k < nout; k++) {
        if (onto[k]) flat_add(compute, n, onto[k], data[k]);
        else if (fresh[k] && deliver(s, r->edge[way->out[k]], fresh[k]) < 0) status = -1;
    }
    return status;
}

/* Is a gradient that borrows g bound for the same place as another one? Then the order of sums counts. */
static int mixed_targets(const wg_rec *r, const wg_flat_case *way) {
    for (uint32_t i = 0; way->borrowed >> i; i++) {
        if (!(way->borrowed >> i & 1)) continue;
        for (uint32_t j = 0; j < r->nx; j++)
            if (j != i && r->needs >> j & 1 && r->edge[i].node == r->edge[j].node) return 1;
    }
    return 0;
}

/* Several inputs whose gradient is g itself: it is added where something waits, shared among the others, and the last of
 * those takes *c. */
static int flat_borrowed(wg_sweep *s, wg_rec *r, wg_cotangent *c, const wg_flat_case *way) {
    const int ordered = mixed_targets(r, way), small = c->v.a.contiguous;
    int last = -1, status = 0;
    for (uint32_t i = 0; way->borrowed >> i; i++) {
        if (!(way->borrowed >> i & 1)) continue;
        wg_val *sum = ordered ? NULL : wg_waiting(s, r->edge[i]), g;
        if (sum && small && addable(sum, &c->v)) {
            flat_add(c->v.a.dtype - WG_F32, c->v.a.numel, sum->a.data, c->v.a.data);
            continue;
        }
        uint32_t at = i;
        if (sum == NULL && !ordered) {
            at = (uint32_t)last;
            last = (int)i;
            if (at == (uint32_t)-1) continue;
        }
        wg_val_share(&g, &c->v);
        if (wg_sweep_add(s, r->edge[at], &g) < 0) status = -1;
    }
    if (last >= 0) return deliver(s, r->edge[last], c) < 0 ? -1 : status;
    wg_cotangent_discard(c);
    return status;
}

/* Note [Flat records]
 * The VJP of a flat record runs on bare addresses. A gradient goes where it will wait: into the memory of the record's
 * own cotangent when the sweep alone holds that and nothing else needs it (a chain then runs in one buffer), onto
 * the cotangent that waits there already, or into new memory. Sums come out as if each gradient had been written apart
 * and added in the order of the inputs, which is what the general way does.
 * `partial`: not all inputs with an edge are wanted, so what is saved is more than `way` reads.
 * Takes *c over, except when it returns 1: something is out of the ordinary, take the general way. */
WG_INLINE int flat_vjp(wg_sweep *s, wg_rec *r, wg_cotangent *c, const wg_flat_case *way, int partial, int retain_graph,
                       wg_next *next) {
    const wg_array *g = &c->v.a;
    const int compute = g->dtype - WG_F32;
    int reused = -1, status = 0;

    if (WG_UNLIKELY(g->numel > WG_FLAT_NUMEL || r->dtype != g->dtype)) return 1;
    if (WG_UNLIKELY(!g->contiguous && (g->numel > WG_FLAT_SPREAD || !one_element_everywhere(g)))) return 1;
    if (way->nout) {
        char *data[WG_FLAT_INPUTS + WG_FLAT_VJP_INPUTS];
        flat_room room;
        if (WG_UNLIKELY(!way->vjp_ok || (way->borrowed && mixed_targets(r, way)))) return 1;
        if (flat_inputs(r, way, g, partial, compute, &room, data + way->nout)) return 1;
        if (way->nout == 1 && !way->borrowed) {
            status = flat_output(s, r, c, way, data, compute, &room, next);
            if (status <= 0 && !retain_graph && r->node.flags & WG_REC_SAVED) wg_rec_release_saved(r);
            return status;
        }
        status = flat_outputs(s, r, c, way, data, compute, &room, &reused);
        if (WG_UNLIKELY(status)) {
            if (status < 0) wg_cotangent_discard(c);
            return status;
        }
    }
    if (!retain_graph && r->node.flags & WG_REC_SAVED) wg_rec_release_saved(r);
    if (reused >= 0) return deliver(s, r->edge[reused], c);
    if ((way->borrowed & (way->borrowed - 1)) == 0 && way->borrowed) {
        const int i = __builtin_ctz(way->borrowed);
        if (WG_LIKELY(wg_waiting(s, r->edge[i]) == NULL)) return deliver_next(s, r->edge[i], c, next);
    }
    return flat_borrowed(s, r, c, way);
}

static __attribute__((noinline)) int flat_vjp_pruned(wg_sweep *s, wg_rec *r, wg_cotangent *c, int retain_graph, wg_next *next) {
    const wg_flat_plan *plan = wg_flat_plans[r->node.op];
    uint32_t wants = 0;
    for (int i = 0; i < plan->nx; i++) wants |= (uint32_t)wg_sweep_wants(s, r->edge[i]) << i;
    return flat_vjp(s, r, c, plan->at[wants], wants != r->needs, retain_graph, next);
}

#endif
