/* The pending set of a reverse sweep and the evaluation of one record. */
#include "wg_sweep.h"

#include <stdlib.h>
#include <string.h>

#include "wg_elementwise.h"
#include "wg_flat.h"
#include "wg_launch.h"
#include "wg_storage.h"

/* ---- pools: states and cotangents are recycled, a steady loop never reaches malloc ---- */

static wg_chunk_state *free_states;
static wg_leaf_state *free_leaf_states;
static wg_cotangent *free_cotangents;

#define TAKE(type, list, link) \
    type *item = list; \
    if (item) list = item->link; \
    else if ((item = malloc(sizeof *item)) == NULL) wg_fail(WG_MEMORY_ERROR, "out of memory"); \
    else wg_pool.system_allocations++;

static wg_cotangent *new_cotangent(void) { TAKE(wg_cotangent, free_cotangents, next) if (item) item->places = NULL; return item; }
static void put_cotangent(wg_cotangent *c) {
    if (WG_UNLIKELY(c->places != NULL)) wg_pool_put(c->places);
    c->next = free_cotangents;
    free_cotangents = c;
}

static void discard(wg_cotangent *c) {
    wg_val_release(&c->v);
    put_cotangent(c);
}

/* The waiting cotangents of a record form a list; beyond FEW outputs (unbind) its first element also knows each by number. */
enum { FEW = 16 };

void wg_sweep_begin(wg_sweep *s, int create_graph) {
    memset(s, 0, sizeof *s);
    s->create_graph = create_graph;
    s->heap = s->few;
    s->heap_room = sizeof s->few / sizeof *s->few;
}

/* ---- the heap of chunks, latest first ---- */

static int heap_push(wg_sweep *s, wg_chunk_state *c) {
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

static void heap_pop(wg_sweep *s) {
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

/* ---- states ---- */

WG_INLINE wg_chunk_state *find_state(const wg_sweep *s, const wg_chunk *c) {
    wg_chunk_state *state = c->state;
    while (state && WG_UNLIKELY(state->sweep != s)) state = state->outer;
    return state;
}

static __attribute__((noinline)) wg_chunk_state *new_state(wg_sweep *s, wg_chunk *c) {
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

WG_INLINE wg_chunk_state *state_of(wg_sweep *s, wg_chunk *c) {
    wg_chunk_state *state = find_state(s, c);
    return WG_LIKELY(state != NULL) ? state : new_state(s, c);
}

static void detach_state(wg_chunk_state *state) {
    wg_chunk_state **link = &state->chunk->state;
    while (*link != state) link = &(*link)->outer;
    *link = state->outer;
}

static __attribute__((noinline)) wg_leaf_state *new_leaf_state(wg_sweep *s, wg_leaf *leaf) {
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

WG_INLINE wg_leaf_state *find_leaf(const wg_sweep *s, const wg_leaf *leaf) {
    wg_leaf_state *state = leaf->state;
    while (state && WG_UNLIKELY(state->sweep != s)) state = state->outer;
    return state;
}

WG_INLINE wg_leaf_state *leaf_state_of(wg_sweep *s, wg_leaf *leaf) {
    wg_leaf_state *state = find_leaf(s, leaf);
    return WG_LIKELY(state != NULL) ? state : new_leaf_state(s, leaf);
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
                    wg_val_release(&c->v);
                    put_cotangent(c);
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

/* ---- pending ---- */

WG_INLINE int set_pending(wg_sweep *s, wg_chunk_state *state, const wg_rec *r) {
    state->pending |= (uint64_t)1 << r->index;
    if (WG_LIKELY(state->queued)) return 0;
    state->queued = 1;
    return heap_push(s, state);
}

/* A chunk stays in the heap until it is found empty at the top: a chain sets the next bit in it at once. */
static inline wg_chunk_state *latest_state(wg_sweep *s) {
    while (s->nheap) {
        wg_chunk_state *state = s->heap[0];
        if (WG_LIKELY(state->pending != 0)) return state;
        state->queued = 0;
        heap_pop(s);
    }
    return NULL;
}

static inline wg_rec *take_latest(wg_chunk_state *state, int *index) {
    *index = 63 - __builtin_clzll(state->pending);
    state->pending &= ~((uint64_t)1 << *index);
    return (wg_rec *)(state->chunk->bytes + state->chunk->offset[*index]);
}

static wg_rec *pop_pending(wg_sweep *s) {
    wg_chunk_state *state = latest_state(s);
    int index;
    return state ? take_latest(state, &index) : NULL;
}

int wg_sweep_prune(wg_sweep *s, const wg_edge *root, int64_t nroot, const wg_edge *wanted, int64_t nwanted) {
    s->pruned = s->special = 1;
    for (int64_t i = 0; i < nwanted; i++) {
        wg_node *n = wanted[i].node;
        if (n->kind == WG_NODE_LEAF) {
            wg_leaf_state *state = leaf_state_of(s, (wg_leaf *)n);
            if (state == NULL) return -1;
            state->wanted = 1;
        } else {
            wg_chunk_state *state = state_of(s, wg_chunk_of((wg_rec *)n));
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
        wg_chunk_state *state = state_of(s, wg_chunk_of(r));
        if (state == NULL || set_pending(s, state, r) < 0) { wg_pool_put(seen); return -1; }
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
            wg_chunk_state *state = state_of(s, wg_chunk_of((wg_rec *)n));
            if (state == NULL || set_pending(s, state, (wg_rec *)n) < 0) { wg_pool_put(seen); return -1; }
        }
    }
    while (nseen--) {
        wg_rec *r = seen[nseen];
        wg_chunk_state *state = find_state(s, wg_chunk_of(r));
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
        const wg_leaf_state *state = find_leaf(s, (wg_leaf *)e.node);
        return state && state->wanted;
    }
    const wg_chunk_state *state = find_state(s, wg_chunk_of((wg_rec *)e.node));
    return state && (state->needed >> ((wg_rec *)e.node)->index & 1);
}

int wg_sweep_runs(wg_sweep *s, const wg_rec *r) {
    return !s->pruned || (find_state(s, wg_chunk_of(r))->run >> r->index & 1);
}

int wg_sweep_is_wanted(wg_sweep *s, const wg_rec *r) {
    return s->pruned && (find_state(s, wg_chunk_of(r))->wanted >> r->index & 1);
}

/* ---- cotangents ---- */

/* Note [Cotangents are borrowed]
 * The first contribution to arrive is kept as it came, even if it shares its storage with another cotangent, a
 * saved value or the user's gradient. A second one is added in place only into a storage that nobody else holds
 * (one reference) and that is dense; otherwise into a new one. The same test decides whether a cotangent may
 * become a leaf's .grad as it is. */
static int accumulate(wg_sweep *s, wg_val *sum, wg_val *v) {
    if (!s->create_graph && sum->a.storage->refs == 1 && sum->a.contiguous && sum->version->refs == 1 &&
        sum->a.dtype == v->a.dtype && wg_same_shape(&sum->a, &v->a)) {
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

WG_INLINE wg_cotangent *find_cotangent(wg_cotangent *first, uint32_t out) {
    if (WG_UNLIKELY(first && first->places)) return first->places[out];
    while (first && first->out != out) first = first->next;
    return first;
}

/* A new cotangent joins those of its record; it goes behind the first, which stays that. */
static int put_among(wg_chunk_state *state, const wg_rec *r, wg_cotangent *c) {
    wg_cotangent *first = state->cotangent[r->index];
    if (first != NULL) {
        c->next = first->next;
        first->next = c;
    } else {
        c->next = NULL;
        if ((c->places = wg_pool_get(r->ny * (int64_t)sizeof *c->places)) == NULL) {
            discard(c);
            return -1;
        }
        memset(c->places, 0, r->ny * sizeof *c->places);
        state->cotangent[r->index] = first = c;
    }
    if (first->places != NULL) first->places[c->out] = c;
    return 0;
}

WG_INLINE int put_waiting(wg_sweep *s, wg_chunk_state *state, const wg_rec *r, wg_cotangent *c) {
    if (WG_LIKELY(state->cotangent[r->index] == NULL && r->ny <= FEW)) {
        c->next = NULL;
        state->cotangent[r->index] = c;
    } else if (put_among(state, r, c) < 0) return -1;
    return set_pending(s, state, r);
}

int wg_sweep_add(wg_sweep *s, wg_edge to, wg_val *v) {
    if (to.node->kind == WG_NODE_LEAF) {
        wg_leaf_state *state = leaf_state_of(s, (wg_leaf *)to.node);
        if (WG_UNLIKELY(state == NULL)) { wg_val_release(v); return -1; }
        state->reached = 1;
        if (wg_val_absent(&state->v)) { wg_val_move(&state->v, v); return 0; }
        return accumulate(s, &state->v, v);
    }
    wg_rec *r = (wg_rec *)to.node;
    wg_chunk_state *state = state_of(s, wg_chunk_of(r));
    if (WG_UNLIKELY(state == NULL)) { wg_val_release(v); return -1; }
    wg_cotangent *c = find_cotangent(state->cotangent[r->index], to.out);
    if (c) return accumulate(s, &c->v, v);
    if (WG_UNLIKELY((c = new_cotangent()) == NULL)) { wg_val_release(v); return -1; }
    c->out = to.out;
    wg_val_move(&c->v, v);
    return put_waiting(s, state, r, c);
}

void wg_sweep_take(wg_sweep *s, wg_rec *r, uint32_t out, wg_val *v) {
    wg_chunk_state *state = find_state(s, wg_chunk_of(r));
    wg_val_clear(v);
    if (state == NULL) return;
    for (wg_cotangent **link = &state->cotangent[r->index]; *link; link = &(*link)->next) {
        wg_cotangent *c = *link;
        if (c->out != out) continue;
        *link = c->next;
        wg_val_move(v, &c->v);
        put_cotangent(c);
        return;
    }
}

void wg_sweep_take_all(wg_sweep *s, wg_rec *r, wg_val *v) {
    wg_chunk_state *state = find_state(s, wg_chunk_of(r));
    for (uint32_t k = 0; k < r->ny; k++) wg_val_clear(&v[k]);
    while (state && state->cotangent[r->index]) {
        wg_cotangent *c = state->cotangent[r->index];
        state->cotangent[r->index] = c->next;
        wg_val_move(&v[c->out], &c->v);
        put_cotangent(c);
    }
}

/* ---- one record ---- */

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

/* Where the cotangent of an edge waits: NULL when none does. */
WG_INLINE wg_val *waiting(const wg_sweep *s, wg_edge e) {
    if (e.node->kind == WG_NODE_LEAF) {
        wg_leaf_state *state = find_leaf(s, (wg_leaf *)e.node);
        return state && !wg_val_absent(&state->v) ? &state->v : NULL;
    }
    const wg_chunk_state *state = find_state(s, wg_chunk_of((wg_rec *)e.node));
    if (state == NULL) return NULL;
    wg_cotangent *c = find_cotangent(state->cotangent[((wg_rec *)e.node)->index], e.out);
    return c ? &c->v : NULL;
}

static int deliver_leaf(wg_sweep *s, wg_edge to, wg_cotangent *c) {
    int status = wg_sweep_add(s, to, &c->v);
    put_cotangent(c);
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
    wg_chunk_state *state = state_of(s, wg_chunk_of(r));
    if (WG_UNLIKELY(state == NULL)) { discard(c); return -1; }
    c->out = to.out;
    return put_waiting(s, state, r, c);
}

/* The same, for a record that delivers nothing else: mostly a chain goes on in its chunk. */
WG_INLINE int deliver_next(wg_sweep *s, wg_edge to, wg_cotangent *c, wg_next *next) {
    wg_rec *r = (wg_rec *)to.node;
    wg_chunk_state *state = next->state;
    if (wg_chunk_of(r) != state->chunk || state->pending >> r->index) return deliver(s, to, c);
    c->out = to.out;
    next->r = r;
    next->c = c;
    return 0;
}

WG_INLINE int sole_owner(const wg_val *v) { return v->a.storage->refs == 1 && v->version->refs == 1 && v->a.contiguous; }

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
    return sole_owner(sum) && sum->a.dtype == g->a.dtype && sum->a.numel == g->a.numel;
}

/* The gradient of one input, computed; the common case of `flat_outputs`. */
WG_INLINE int flat_output(wg_sweep *s, wg_rec *r, wg_cotangent *c, const wg_flat_case *way, char **data, int compute, flat_room *room,
                          wg_next *next) {
    const int64_t n = c->v.a.numel;
    const wg_edge to = r->edge[way->out[0]];
    wg_val *sum = waiting(s, to);
    if (sum == NULL && sole_owner(&c->v)) {
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
        discard(c);
        return 0;
    }
    wg_cotangent *f = new_cotangent();
    if (WG_UNLIKELY(f == NULL || wg_new(&f->v, c->v.a.dtype, c->v.a.ndim, c->v.a.shape) < 0)) {
        if (f) put_cotangent(f);
        discard(c);
        return -1;
    }
    data[0] = f->v.a.data;
    flat_launch(r, way, compute, n, data, 0);
    discard(c);
    return deliver_next(s, to, f, next);
}

/* Several gradients computed, or one beside g itself: places for all, then one call of the loop. Sets *reused to the input
 * that *c was used for. */
static int flat_outputs(wg_sweep *s, wg_rec *r, wg_cotangent *c, const wg_flat_case *way, char **data, int compute, flat_room *room,
                        int *reused) {
    const int nout = way->nout, reusable = !way->borrowed && sole_owner(&c->v);
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
            const wg_val *sum = waiting(s, to);
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
            wg_cotangent *f = new_cotangent();
            if (WG_UNLIKELY(f == NULL || wg_new(&f->v, c->v.a.dtype, c->v.a.ndim, c->v.a.shape) < 0)) {
                if (f) put_cotangent(f);
                status = -1;
                break;
            }
            data[k] = f->v.a.data;
            fresh[k] = f;
        }
    }
    if (WG_UNLIKELY(status)) {
        for (int k = 0; k < nout; k++) if (fresh[k]) discard(fresh[k]);
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
        wg_val *sum = ordered ? NULL : waiting(s, r->edge[i]), g;
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
    discard(c);
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
            if (status < 0) discard(c);
            return status;
        }
    }
    if (!retain_graph && r->node.flags & WG_REC_SAVED) wg_rec_release_saved(r);
    if (reused >= 0) return deliver(s, r->edge[reused], c);
    if ((way->borrowed & (way->borrowed - 1)) == 0 && way->borrowed) {
        const int i = __builtin_ctz(way->borrowed);
        if (WG_LIKELY(waiting(s, r->edge[i]) == NULL)) return deliver_next(s, r->edge[i], c, next);
    }
    return flat_borrowed(s, r, c, way);
}

static __attribute__((noinline)) int flat_vjp_pruned(wg_sweep *s, wg_rec *r, wg_cotangent *c, int retain_graph, wg_next *next) {
    const wg_flat_plan *plan = wg_flat_plans[r->node.op];
    uint32_t wants = 0;
    for (int i = 0; i < plan->nx; i++) wants |= (uint32_t)wg_sweep_wants(s, r->edge[i]) << i;
    return flat_vjp(s, r, c, plan->at[wants], wants != r->needs, retain_graph, next);
}

/* Note [Sums without a temporary]
 * A gradient that arrives where one waits already is added to it; a product can do that itself, and the temporary and a
 * pass over memory are saved. The .grad of a leaf counts as waiting if nothing else can flow there in this sweep (the
 * tensor and one edge of one record are all that count the leaf), nobody listens, and nobody else holds that memory: then
 * it makes no difference that it is written now and not at the end. */
wg_array *wg_vjp_sum(const wg_vjp_call *c, int i, int dtype, int ndim, const int64_t *shape) {
    const wg_sweep *s = c->sweep;
    if (s == NULL || s->create_graph) return NULL;
    const wg_edge to = c->record->edge[i];
    wg_val *sum = waiting(s, to);
    const int leaf = sum == NULL;
    if (leaf) {
        wg_leaf *at = (wg_leaf *)to.node;
        if (at->node.kind != WG_NODE_LEAF || !s->accumulates || at->node.refs != 2 || at->ext || at->state || at->tensor == NULL) return NULL;
        sum = wg_leaf_grad(at);
        if (sum == NULL || sum->a.storage->size_class < 0) return NULL;
    }
    if (!sole_owner(sum) || sum->a.dtype != dtype || sum->a.ndim != ndim || memcmp(sum->a.shape, shape, (size_t)ndim * sizeof *shape) != 0)
        return NULL;
    if (leaf) {
        sum->version->value++;
        sum->version->writer = WG_OP_add;
    }
    return &sum->a;
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

/* A record of several outputs that nobody in Python waits for. */
static int run_outputs(wg_sweep *s, wg_chunk_state *state, wg_rec *r, int retain_graph) {
    enum { INLINE_OUTPUTS = 6 };
    wg_val few[INLINE_OUTPUTS], *g = few;
    int status = 0;
    if (r->ny > INLINE_OUTPUTS && (g = wg_pool_get(r->ny * (int64_t)sizeof *g)) == NULL) return -1;
    wg_sweep_take_all(s, r, g);
    if (!s->pruned || state->run >> r->index & 1) status = wg_sweep_vjp(s, r, g, retain_graph, NULL);
    for (uint32_t k = 0; k < r->ny; k++) wg_val_release(&g[k]);
    if (g != few) wg_pool_put(g);
    return status;
}

wg_rec *wg_sweep_run(wg_sweep *s, int retain_graph, int *status) {
    const int flat = !s->create_graph && wg_capturing == NULL, pruned = s->pruned, special = s->special;
    wg_next next;
    *status = 0;
    while ((next.state = latest_state(s)) != NULL) {
        int index;
        next.r = take_latest(next.state, &index);
        if (next.r->ext != NULL || (special && (s->watched || next.state->wanted >> index & 1))) return next.r;
        if (next.r->ny != 1) {
            if (run_outputs(s, next.state, next.r, retain_graph) == 0) continue;
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
            if (pruned && !(next.state->run >> r->index & 1)) { discard(c); break; }
            if (flat && (r->node.flags & (WG_REC_FLAT | WG_REC_SPENT)) == WG_REC_FLAT)
                done = pruned ? flat_vjp_pruned(s, r, c, retain_graph, &next)
                              : flat_vjp(s, r, c, wg_flat_plans[r->node.op]->at[r->needs], 0, retain_graph, &next);
            if (WG_UNLIKELY(done > 0)) {
                done = wg_sweep_vjp(s, r, &c->v, retain_graph, NULL);
                discard(c);
            }
            if (WG_UNLIKELY(done < 0)) { *status = -1; return NULL; }
            if (next.r == NULL) break;
            if (WG_UNLIKELY(next.r->ny != 1 || next.r->ext != NULL || (special && (s->watched || next.state->wanted >> next.r->index & 1)))) {
                if (put_waiting(s, next.state, next.r, next.c) < 0) { *status = -1; return NULL; }
                break;
            }
        }
    }
    return NULL;
}
