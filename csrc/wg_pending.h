/* What the files of the sweep share: finding what a sweep knows of a record, and where cotangents wait. Inlined, because a chain
 * of small records does little else. */
#ifndef WG_PENDING_H
#define WG_PENDING_H

#include "wg_storage.h"
#include "wg_sweep.h"

WG_HIDDEN_BEGIN

/* ---- what a sweep knows of a chunk or leaf; NULL where it has not reached it ---- */

wg_chunk_state *wg_state_new(wg_sweep *s, wg_chunk *c);              /* NULL: out of memory */
wg_leaf_state *wg_leaf_state_new(wg_sweep *s, wg_leaf *leaf);

WG_INLINE wg_chunk_state *wg_state_find(const wg_sweep *s, const wg_chunk *c) {
    wg_chunk_state *state = c->state;
    while (state && WG_UNLIKELY(state->sweep != s)) state = state->outer;
    return state;
}

WG_INLINE wg_chunk_state *wg_state_of(wg_sweep *s, wg_chunk *c) {
    wg_chunk_state *state = wg_state_find(s, c);
    return WG_LIKELY(state != NULL) ? state : wg_state_new(s, c);
}

WG_INLINE wg_leaf_state *wg_leaf_state_find(const wg_sweep *s, const wg_leaf *leaf) {
    wg_leaf_state *state = leaf->state;
    while (state && WG_UNLIKELY(state->sweep != s)) state = state->outer;
    return state;
}

WG_INLINE wg_leaf_state *wg_leaf_state_of(wg_sweep *s, wg_leaf *leaf) {
    wg_leaf_state *state = wg_leaf_state_find(s, leaf);
    return WG_LIKELY(state != NULL) ? state : wg_leaf_state_new(s, leaf);
}

/* ---- pending records, the latest first: Note [Sweep order] ---- */

int wg_pending_push(wg_sweep *s, wg_chunk_state *c);                 /* into the heap; -1: out of memory */
void wg_pending_drop_top(wg_sweep *s);

WG_INLINE int wg_pending_set(wg_sweep *s, wg_chunk_state *state, const wg_rec *r) {
    state->pending |= (uint64_t)1 << r->index;
    if (WG_LIKELY(state->queued)) return 0;
    state->queued = 1;
    return wg_pending_push(s, state);
}

/* A chunk stays in the heap until it is found empty at the top: a chain sets the next bit in it at once. */
WG_INLINE wg_chunk_state *wg_pending_latest(wg_sweep *s) {
    while (s->nheap) {
        wg_chunk_state *state = s->heap[0];
        if (WG_LIKELY(state->pending != 0)) return state;
        state->queued = 0;
        wg_pending_drop_top(s);
    }
    return NULL;
}

WG_INLINE wg_rec *wg_pending_take(wg_chunk_state *state, int *index) {
    *index = 63 - __builtin_clzll(state->pending);
    state->pending &= ~((uint64_t)1 << *index);
    return (wg_rec *)(state->chunk->bytes + state->chunk->offset[*index]);
}

/* ---- cotangents ---- */

extern wg_cotangent *wg_free_cotangents;
wg_cotangent *wg_cotangent_new(void);                                /* its value is not set; NULL: out of memory */

/* Without its value, which moved elsewhere. */
WG_INLINE void wg_cotangent_put(wg_cotangent *c) {
    if (WG_UNLIKELY(c->places != NULL)) wg_pool_put(c->places);
    c->next = wg_free_cotangents;
    wg_free_cotangents = c;
}

WG_INLINE void wg_cotangent_discard(wg_cotangent *c) {
    wg_val_release(&c->v);
    wg_cotangent_put(c);
}

/* The waiting cotangents of a record form a list; beyond so many outputs (unbind) its first element also knows each by number. */
enum { WG_FEW_OUTPUTS = 16 };

WG_INLINE wg_cotangent *wg_cotangent_find(wg_cotangent *first, uint32_t out) {
    if (WG_UNLIKELY(first && first->places)) return first->places[out];
    while (first && first->out != out) first = first->next;
    return first;
}

/* A new cotangent joins those of its record; it goes behind the first, which stays that. Takes *c over, also where it fails. */
int wg_cotangent_join(wg_chunk_state *state, const wg_rec *r, wg_cotangent *c);

/* Lets *c wait at an output where nothing waits. Takes it over, also where it fails. */
WG_INLINE int wg_cotangent_wait(wg_sweep *s, wg_chunk_state *state, const wg_rec *r, wg_cotangent *c) {
    if (WG_LIKELY(state->cotangent[r->index] == NULL && r->ny <= WG_FEW_OUTPUTS)) {
        c->next = NULL;
        state->cotangent[r->index] = c;
    } else if (wg_cotangent_join(state, r, c) < 0) return -1;
    return wg_pending_set(s, state, r);
}

/* Where the cotangent of an edge waits: NULL when none does. */
WG_INLINE wg_val *wg_waiting(const wg_sweep *s, wg_edge e) {
    if (e.node->kind == WG_NODE_LEAF) {
        wg_leaf_state *state = wg_leaf_state_find(s, (wg_leaf *)e.node);
        return state && !wg_val_absent(&state->v) ? &state->v : NULL;
    }
    const wg_chunk_state *state = wg_state_find(s, wg_chunk_of((wg_rec *)e.node));
    if (state == NULL) return NULL;
    wg_cotangent *c = wg_cotangent_find(state->cotangent[((wg_rec *)e.node)->index], e.out);
    return c ? &c->v : NULL;
}

WG_HIDDEN_END
#endif
