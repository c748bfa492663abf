/* The pending set of a reverse sweep: the heap of chunks, what the sweep knows of each chunk and leaf, and the cotangents that wait. */
#include "wg_pending.h"

#include <stdlib.h>
#include <string.h>

#include "wg_elementwise.h"

/* ---- pools: states and cotangents are recycled, a steady loop never reaches malloc ---- */

static wg_chunk_state *free_states;
static wg_leaf_state *free_leaf_states;
wg_cotangent *wg_free_cotangents;

#define TAKE(type, list, link) \
    type *item = list; \
    if (item) list = item->link; \
    else if ((item = malloc(sizeof *item)) == NULL) wg_fail(WG_MEMORY_ERROR, "out of memory"); \
    else wg_pool.system_allocations++;

wg_cotangent *wg_cotangent_new(void) {
    TAKE(wg_cotangent, wg_free_cotangents, next)
    if (item) item->places = NULL;
    return item;
}

wg_chunk_state *wg_state_new(wg_sweep *s, wg_chunk *c) {
    TAKE(wg_chunk_state, free_states, next)
    if (item == NULL) return NULL;
    memset(item, 0, sizeof *item);
    item->sweep = s;
    item->chunk = c;
    item->outer = c->state;
    c->state = item;
    item->next = s->states;
    s->states = item;
    return item;
}

static void detach_state(wg_chunk_state *state) {
    wg_chunk_state **link = &state->chunk->state;
    while (*link != state) link = &(*link)->outer;
    *link = state->outer;
}

wg_leaf_state *wg_leaf_state_new(wg_sweep *s, wg_leaf *leaf) {
    TAKE(wg_leaf_state, free_leaf_states, next)
    if (item == NULL) return NULL;
    memset(item, 0, offsetof(wg_leaf_state, v));
    wg_val_clear(&item->v);
    item->sweep = s;
    item->leaf = leaf;
    wg_node_hold(&leaf->node);
    item->outer = leaf->state;
    leaf->state = item;
    if (s->last_leaf) s->last_leaf->next = item; else s->leaves = item;
    s->last_leaf = item;
    return item;
}

void wg_sweep_begin(wg_sweep *s, int create_graph) {
    memset(s, 0, sizeof *s);
    s->create_graph = create_graph;
    s->heap = s->few;
    s->heap_room = sizeof s->few / sizeof *s->few;
}

void wg_sweep_end(wg_sweep *s) {
    while (s->states) {
        wg_chunk_state *state = s->states;
        s->states = state->next;
        detach_state(state);
        if (state->pending || s->pruned || s->handed_out)
            for (int i = 0; i < 64; i++)
                while (state->cotangent[i]) {
                    wg_cotangent *c = state->cotangent[i];
                    state->cotangent[i] = c->next;
                    wg_cotangent_discard(c);
                }
        state->next = free_states;
        free_states = state;
    }
    while (s->leaves) {
        wg_leaf_state *state = s->leaves;
        wg_leaf_state **link = &state->leaf->state;
        s->leaves = state->next;
        while (*link != state) link = &(*link)->outer;
        *link = state->outer;
        wg_val_release(&state->v);
        wg_node_drop(&state->leaf->node);
        state->next = free_leaf_states;
        free_leaf_states = state;
    }
    s->last_leaf = NULL;
    if (s->heap != s->few) wg_pool_put(s->heap);
    s->heap = NULL;
    s->nheap = s->heap_room = 0;
}

/* ---- the heap of chunks, latest first ---- */

int wg_pending_push(wg_sweep *s, wg_chunk_state *c) {
    if (WG_UNLIKELY(s->nheap == s->heap_room)) {
        int64_t room = 2 * s->heap_room;
        wg_chunk_state **bigger = wg_pool_get(room * (int64_t)sizeof *bigger);
        if (bigger == NULL) return -1;
        memcpy(bigger, s->heap, (size_t)s->nheap * sizeof *bigger);
        if (s->heap != s->few) wg_pool_put(s->heap);
        s->heap = bigger;
        s->heap_room = room;
    }
    int64_t i = s->nheap++;
    while (i > 0) {
        int64_t up = (i - 1) / 2;
        if (s->heap[up]->chunk->first_stamp >= c->chunk->first_stamp) break;
        s->heap[i] = s->heap[up];
        i = up;
    }
    s->heap[i] = c;
    return 0;
}

void wg_pending_drop_top(wg_sweep *s) {
    wg_chunk_state *c = s->heap[--s->nheap];
    int64_t i = 0;
    for (;;) {
        int64_t down = 2 * i + 1;
        if (down >= s->nheap) break;
        if (down + 1 < s->nheap && s->heap[down + 1]->chunk->first_stamp > s->heap[down]->chunk->first_stamp) down++;
        if (c->chunk->first_stamp >= s->heap[down]->chunk->first_stamp) break;
        s->heap[i] = s->heap[down];
        i = down;
    }
    if (s->nheap) s->heap[i] = c;
}

/* ---- cotangents ---- */

/* Note [Cotangents are borrowed]
 * The first contribution to arrive is kept as it came, even if it shares its storage with another cotangent, a
 * saved value or the user's gradient. A second one is added in place only into a storage that nobody else holds
 * (one reference) and that is dense; otherwise into a new one. The same test decides whether a cotangent may
 * become a leaf's .grad as it is. */
static int accumulate(wg_sweep *s, wg_val *sum, wg_val *v) {
    if (!s->create_graph && wg_sole_owner(sum) && sum->a.dtype == v->a.dtype && wg_same_shape(&sum->a, &v->a)) {
        int status = wg_elementwise_add_into(sum, v);
        wg_val_release(v);
        return status;
    }
    wg_val total;
    const wg_val *x[2] = {sum, v};
    wg_attr one[1] = {WG_INT(1)};
    if (wg_apply(WG_OP_add, x, 2, one, &total) < 0) { wg_val_release(v); return -1; }
    wg_val_release(v);
    wg_val_release(sum);
    wg_val_move(sum, &total);
    return 0;
}

int wg_cotangent_join(wg_chunk_state *state, const wg_rec *r, wg_cotangent *c) {
    wg_cotangent *first = state->cotangent[r->index];
    if (first != NULL) {
        c->next = first->next;
        first->next = c;
    } else {
        c->next = NULL;
        if ((c->places = wg_pool_get(r->ny * (int64_t)sizeof *c->places)) == NULL) {
            wg_cotangent_discard(c);
            return -1;
        }
        memset(c->places, 0, r->ny * sizeof *c->places);
        state->cotangent[r->index] = first = c;
    }
    if (first->places != NULL) first->places[c->out] = c;
    return 0;
}

int wg_sweep_add(wg_sweep *s, wg_edge to, wg_val *v) {
    if (to.node->kind == WG_NODE_LEAF) {
        wg_leaf_state *state = wg_leaf_state_of(s, (wg_leaf *)to.node);
        if (WG_UNLIKELY(state == NULL)) { wg_val_release(v); return -1; }
        state->reached = 1;
        if (wg_val_absent(&state->v)) { wg_val_move(&state->v, v); return 0; }
        return accumulate(s, &state->v, v);
    }
    wg_rec *r = (wg_rec *)to.node;
    wg_chunk_state *state = wg_state_of(s, wg_chunk_of(r));
    if (WG_UNLIKELY(state == NULL)) { wg_val_release(v); return -1; }
    wg_cotangent *c = wg_cotangent_find(state->cotangent[r->index], to.out);
    if (c) return accumulate(s, &c->v, v);
    if (WG_UNLIKELY((c = wg_cotangent_new()) == NULL)) { wg_val_release(v); return -1; }
    c->out = to.out;
    wg_val_move(&c->v, v);
    return wg_cotangent_wait(s, state, r, c);
}

void wg_sweep_take(wg_sweep *s, wg_rec *r, uint32_t out, wg_val *v) {
    wg_chunk_state *state = wg_state_find(s, wg_chunk_of(r));
    wg_val_clear(v);
    if (state == NULL) return;
    wg_cotangent *first = state->cotangent[r->index];
    for (wg_cotangent **link = &state->cotangent[r->index]; *link; link = &(*link)->next) {
        wg_cotangent *c = *link;
        if (c->out != out) continue;
        *link = c->next;
        if (c != first && first->places != NULL) first->places[out] = NULL;
        wg_val_move(v, &c->v);
        wg_cotangent_put(c);
        return;
    }
}

void wg_sweep_take_all(wg_sweep *s, wg_rec *r, wg_val *v) {
    wg_chunk_state *state = wg_state_find(s, wg_chunk_of(r));
    for (uint32_t k = 0; k < r->ny; k++) wg_val_clear(&v[k]);
    while (state && state->cotangent[r->index]) {
        wg_cotangent *c = state->cotangent[r->index];
        state->cotangent[r->index] = c->next;
        wg_val_move(&v[c->out], &c->v);
        wg_cotangent_put(c);
    }
}
