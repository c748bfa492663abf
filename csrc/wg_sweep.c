/* The reverse sweep: the walk from the latest pending record to the earliest, and which records it leaves out. */
#include "wg_sweep.h"

#include <string.h>

#include "wg_flat_vjp.h"

/* ---- pruning: only what leads to a wanted input runs ---- */

static wg_rec *pop_pending(wg_sweep *s) {
    wg_chunk_state *state = wg_pending_latest(s);
    int index;
    return state ? wg_pending_take(state, &index) : NULL;
}

int wg_sweep_prune(wg_sweep *s, const wg_edge *root, int64_t nroot, const wg_edge *wanted, int64_t nwanted) {
    s->pruned = s->special = 1;
    for (int64_t i = 0; i < nwanted; i++) {
        wg_node *n = wanted[i].node;
        if (n->kind == WG_NODE_LEAF) {
            wg_leaf_state *state = wg_leaf_state_of(s, (wg_leaf *)n);
            if (state == NULL) return -1;
            state->wanted = 1;
        } else {
            wg_chunk_state *state = wg_state_of(s, wg_chunk_of((wg_rec *)n));
            if (state == NULL) return -1;
            state->wanted |= (uint64_t)1 << ((wg_rec *)n)->index;
        }
    }
    /* Everything reachable, latest first; then backwards through that list, so that inputs come before consumers. */
    wg_rec **seen = NULL;
    int64_t nseen = 0, room = 0;
    for (int64_t i = 0; i < nroot; i++) {
        if (root[i].node == NULL || root[i].node->kind == WG_NODE_LEAF) continue;
        wg_rec *r = (wg_rec *)root[i].node;
        wg_chunk_state *state = wg_state_of(s, wg_chunk_of(r));
        if (state == NULL || wg_pending_set(s, state, r) < 0) { wg_pool_put(seen); return -1; }
    }
    for (wg_rec *r; (r = pop_pending(s)) != NULL;) {
        if (nseen == room) {
            room = room ? 2 * room : 64;
            wg_rec **bigger = wg_pool_get(room * (int64_t)sizeof *bigger);
            if (bigger == NULL) { wg_pool_put(seen); return -1; }
            if (seen) memcpy(bigger, seen, (size_t)nseen * sizeof *seen);
            wg_pool_put(seen);
            seen = bigger;
        }
        seen[nseen++] = r;
        for (uint32_t i = 0; i < r->nx; i++) {
            wg_node *n = r->edge[i].node;
            if (n == NULL || n->kind == WG_NODE_LEAF) continue;
            wg_chunk_state *state = wg_state_of(s, wg_chunk_of((wg_rec *)n));
            if (state == NULL || wg_pending_set(s, state, (wg_rec *)n) < 0) { wg_pool_put(seen); return -1; }
        }
    }
    while (nseen--) {
        wg_rec *r = seen[nseen];
        wg_chunk_state *state = wg_state_find(s, wg_chunk_of(r));
        uint64_t bit = (uint64_t)1 << r->index;
        for (uint32_t i = 0; i < r->nx; i++)
            if (r->edge[i].node && wg_sweep_wants(s, r->edge[i])) { state->run |= bit; break; }
        if ((state->run | state->wanted) & bit) state->needed |= bit;
    }
    wg_pool_put(seen);
    return 0;
}

int wg_sweep_wants(wg_sweep *s, wg_edge e) {
    if (e.node == NULL) return 0;
    if (!s->pruned) return 1;
    if (e.node->kind == WG_NODE_LEAF) {
        const wg_leaf_state *state = wg_leaf_state_find(s, (wg_leaf *)e.node);
        return state && state->wanted;
    }
    const wg_chunk_state *state = wg_state_find(s, wg_chunk_of((wg_rec *)e.node));
    return state && (state->needed >> ((wg_rec *)e.node)->index & 1);
}

int wg_sweep_runs(wg_sweep *s, const wg_rec *r) {
    return !s->pruned || (wg_state_find(s, wg_chunk_of(r))->run >> r->index & 1);
}

int wg_sweep_is_wanted(wg_sweep *s, const wg_rec *r) {
    return s->pruned && (wg_state_find(s, wg_chunk_of(r))->wanted >> r->index & 1);
}

/* ---- the walk ---- */

int wg_sweep_run_record(wg_sweep *s, wg_rec *r, int retain_graph) {
    enum { INLINE_OUTPUTS = 6 };
    wg_val few[INLINE_OUTPUTS], *g = few;
    int status = 0;
    if (r->ny > INLINE_OUTPUTS && (g = wg_pool_get(r->ny * (int64_t)sizeof *g)) == NULL) return -1;
    wg_sweep_take_all(s, r, g);
    if (wg_sweep_runs(s, r)) status = wg_sweep_vjp(s, r, g, retain_graph, NULL);
    for (uint32_t k = 0; k < r->ny; k++) wg_val_release(&g[k]);
    if (g != few) wg_pool_put(g);
    return status;
}

wg_rec *wg_sweep_run(wg_sweep *s, int retain_graph, int *status) {
    const int flat = !s->create_graph && wg_capturing == NULL, pruned = s->pruned, special = s->special;
    wg_next next;
    *status = 0;
    while ((next.state = wg_pending_latest(s)) != NULL) {
        int index;
        next.r = wg_pending_take(next.state, &index);
        if (next.r->ext != NULL || (special && (s->watched || next.state->wanted >> index & 1))) return next.r;
        if (next.r->ny != 1) {
            if (wg_sweep_run_record(s, next.r, retain_graph) == 0) continue;
            *status = -1;
            return NULL;
        }
        next.c = next.state->cotangent[index];
        next.state->cotangent[index] = NULL;
        for (;;) {
            wg_rec *r = next.r;
            wg_cotangent *c = next.c;
            int done = 1;
            next.r = NULL;
            if (pruned && !(next.state->run >> r->index & 1)) { wg_cotangent_discard(c); break; }
            if (flat && (r->node.flags & (WG_REC_FLAT | WG_REC_SPENT)) == WG_REC_FLAT)
                done = pruned ? flat_vjp_pruned(s, r, c, retain_graph, &next)
                              : flat_vjp(s, r, c, wg_flat_plans[r->node.op]->at[r->needs], 0, retain_graph, &next);
            if (WG_UNLIKELY(done > 0)) {
                done = wg_sweep_vjp(s, r, &c->v, retain_graph, NULL);
                wg_cotangent_discard(c);
            }
            if (WG_UNLIKELY(done < 0)) { *status = -1; return NULL; }
            if (next.r == NULL) break;
            if (WG_UNLIKELY(next.r->ny != 1 || next.r->ext != NULL || (special && (s->watched || next.state->wanted >> next.r->index & 1)))) {
                if (wg_cotangent_wait(s, next.state, next.r, next.c) < 0) { *status = -1; return NULL; }
                break;
            }
        }
    }
    return NULL;
}
