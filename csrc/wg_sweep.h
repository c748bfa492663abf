/* A reverse sweep. wg_pending.c: which record comes next, and the cotangents that wait for it; wg_sweep.c: the walk;
 * wg_vjp.c: the VJP of one record; wg_flat_vjp.h: that of the commonest records, on bare addresses. */
#ifndef WG_SWEEP_H
#define WG_SWEEP_H

#include "wg_tape.h"

WG_HIDDEN_BEGIN

typedef struct wg_cotangent {
    wg_val v;
    uint32_t out;
    struct wg_cotangent *next;           /* of the same record */
    struct wg_cotangent **places;        /* of the first of a record with many outputs: all of them, by output */
} wg_cotangent;

typedef struct wg_chunk_state {          /* what one sweep knows of one chunk */
    struct wg_sweep *sweep;
    wg_chunk *chunk;
    struct wg_chunk_state *outer;        /* of a sweep that this one is nested in */
    struct wg_chunk_state *next;         /* all states of the sweep */
    uint64_t pending, needed, run, wanted;
    int queued;                          /* in the heap */
    wg_cotangent *cotangent[64];
} wg_chunk_state;

typedef struct wg_leaf_state {
    struct wg_sweep *sweep;
    wg_leaf *leaf;                       /* counted */
    struct wg_leaf_state *outer, *next;
    int wanted;                          /* one of `inputs` */
    int reached;
    wg_val v;
} wg_leaf_state;

/* Note [Sweep order]
 * Chunks are ordered by their first stamp and records inside a chunk by their bit, so the next record is the
 * highest pending bit of the latest chunk that has one. The chunks in question stand in a heap, which a chain
 * hardly uses and a wide graph uses once per chunk. All of it belongs to the sweep: nested sweeps (a hook that
 * calls backward) stack their states on the chunk, and an exception leaves nothing behind. */
typedef struct wg_sweep {
    wg_chunk_state **heap;
    int64_t nheap, heap_room;
    wg_chunk_state *states;
    wg_leaf_state *leaves, *last_leaf;   /* in the order in which they were reached */
    int create_graph, pruned;
    int handed_out;                      /* a record went to the caller, who may have failed before taking its cotangents */
    int accumulates;                     /* leaves will add what they get to their .grad: set after wg_sweep_begin */
    int writes_grad;                     /* the kernel that runs is the writer of a leaf: Note [One writer of .grad] */
    int watched, special;                /* every record is for the caller; watched or pruned */
    wg_chunk_state *few[16];             /* the heap, until it needs more */
} wg_sweep;

void wg_sweep_begin(wg_sweep *s, int create_graph);
void wg_sweep_end(wg_sweep *s);                                      /* releases whatever is left */

/* Marks what leads to a wanted edge; afterwards other records never run. Roots and wanted edges as given by the user. */
int wg_sweep_prune(wg_sweep *s, const wg_edge *root, int64_t nroot, const wg_edge *wanted, int64_t nwanted);

/* Adds a cotangent (moved out of *v) to whatever waits at the edge. */
int wg_sweep_add(wg_sweep *s, wg_edge to, wg_val *v);

/* Walks the tape backwards: the latest pending record, its cotangents, its VJP, until nothing is pending (NULL, *status 0),
 * something fails (NULL, *status -1), or a record is for the caller, its cotangents waiting for wg_sweep_take_all: one with a
 * Python object, or whose cotangent is itself wanted; in a watched sweep every one. */
wg_rec *wg_sweep_run(wg_sweep *s, int retain_graph, int *status);
void wg_sweep_take(wg_sweep *s, wg_rec *r, uint32_t out, wg_val *v); /* absent when none arrived */
void wg_sweep_take_all(wg_sweep *s, wg_rec *r, wg_val *v);           /* of all outputs, v[ny]: absent where none arrived */
int wg_sweep_runs(wg_sweep *s, const wg_rec *r);                     /* must its VJP be evaluated? */
int wg_sweep_is_wanted(wg_sweep *s, const wg_rec *r);                /* is one of its outputs in `inputs`? */
int wg_sweep_wants(wg_sweep *s, wg_edge e);                          /* is a cotangent at this edge of any use? */

/* Evaluates the VJP of a table record (not a Python Function): `g` are its cotangents, by output, at least one of them
 * there. Results go to the edges, or, where the caller wants to see them first, into `out` (one per input, all written
 * in any case). */
int wg_sweep_vjp(wg_sweep *s, wg_rec *r, wg_val *g, int retain_graph, wg_val *out);

/* The same for a record whose cotangents still wait, if it must be evaluated at all. */
int wg_sweep_run_record(wg_sweep *s, wg_rec *r, int retain_graph);

WG_HIDDEN_END
#endif
