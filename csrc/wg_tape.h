/* The tape: records in chunks, leaves, and what a sweep needs of them. */
#ifndef WG_TAPE_H
#define WG_TAPE_H

#include <string.h>

#include "wg_op.h"
#include "wg_storage.h"
#include "wg_thread_state.h"

WG_HIDDEN_BEGIN

enum { WG_NODE_RECORD = 0, WG_NODE_LEAF = 1 };

/* Flags of a record. */
#define WG_REC_SPENT 1u          /* its saved buffers were released by a sweep */
#define WG_REC_SAVED 2u          /* it holds saved buffers */
#define WG_REC_EXT 4u            /* ext is a Python object: a user Function, hooks, retained gradients */
#define WG_REC_FLAT 8u           /* elementwise, all tensors dense and of one shape and dtype, attributes are numbers */


struct wg_node {
    uint8_t kind, flags;
    uint16_t op;
    uint32_t refs;
};

/* A leaf that requires grad: the end of edges. `tensor` is the wg_tensor of its handle, borrowed; NULL once that died or
 * got another edge, which whoever gives it one must say (wg_leaf_forget). */
typedef struct wg_leaf {
    wg_node node;
    void *tensor;
    void *ext;                   /* hooks, a Python object */
    struct wg_leaf_state *state; /* of the innermost sweep that reached it */
    uint64_t writer;             /* the thread that adds to .grad now: wg_this_writer() in it; 0: none */
} wg_leaf;

/* What a VJP will read: a value, or (storage NULL) only shape and dtype. */
typedef struct wg_saved {
    wg_storage *storage;
    wg_version *version;
    union { char *data; double f; int64_t i; };
    uint32_t version_value;
    uint32_t dims;               /* offset of shape and strides in the record's bytes, in units of 8 */
    uint32_t which;              /* input i, or nx + output k; ascending in a record */
    uint8_t dtype, ndim, contiguous, is_number;   /* as in wg_array; contiguous & WG_SAVED_PACKED: a hook has the value */
} wg_saved;
#define WG_SAVED_PACKED 2u

typedef struct wg_outmeta {
    uint32_t dims;
    uint8_t dtype, ndim;
} wg_outmeta;

/* Note [Records]
 * A record is a head and, behind it in the same chunk, its edges (one per input), attributes, saved descriptors,
 * output metadata and dimensions. It keeps what its VJP reads for the inputs that need a gradient, nothing else.
 * Order is the stamp: larger than the stamps of all inputs; never an address or an index. `refs` counts the
 * handles and saved values that name one of its outputs, and the edges of the records that consume them. */
typedef struct wg_rec {
    wg_node node;
    union { uint64_t stamp; struct wg_rec *next_dead; };
    void *ext;
    uint32_t nx, ny, nsaved;     /* a stack of 100,000 tensors is one record */
    uint8_t nattr;
    uint8_t dtype;               /* of a flat record: of all its tensors */
    uint8_t index;               /* in its chunk */
    uint8_t needs;               /* of a flat record: the inputs with an edge */
    uint32_t attrs, saved, outs, dims;  /* offsets from the head, in bytes */
    wg_edge edge[];              /* [nx] */
} wg_rec;

#define WG_CHUNK_BYTES 8192
typedef struct wg_chunk {
    uint64_t live;               /* bit per record */
    uint64_t first_stamp;
    uint32_t used, count;
    uint32_t big;                /* bytes of a chunk of its own for one large record, 0: an ordinary chunk */
    struct wg_block *block;
    struct wg_chunk *next;
    struct wg_chunk_state *state;/* of the innermost sweep that reached it */
    uint16_t offset[64];
    _Alignas(16) char bytes[];
} wg_chunk;

WG_INLINE wg_chunk *wg_chunk_of(const wg_rec *r) { return (wg_chunk *)((uintptr_t)r & ~(uintptr_t)(WG_CHUNK_BYTES - 1)); }
WG_INLINE wg_attr *wg_rec_attrs(const wg_rec *r) { return (wg_attr *)((char *)r + r->attrs); }
WG_INLINE wg_saved *wg_rec_saved(const wg_rec *r) { return (wg_saved *)((char *)r + r->saved); }
WG_INLINE wg_outmeta *wg_rec_outs(const wg_rec *r) { return (wg_outmeta *)((char *)r + r->outs); }
WG_INLINE int64_t *wg_rec_dims(const wg_rec *r, uint32_t dims) { return (int64_t *)((char *)r + r->dims) + dims; }

/* ---- allocating ---- */

typedef struct wg_tape_stats {
    int64_t records, chunks, free_chunks, blocks, leaves;
} wg_tape_stats;
extern wg_tape_stats wg_tape;

#define WG_CHUNK_PAYLOAD (WG_CHUNK_BYTES - (int)sizeof(wg_chunk))
extern wg_chunk *wg_open_chunk;
extern uint64_t wg_next_stamp;
wg_chunk *wg_chunk_open(uint32_t nbytes);                /* NULL: out of memory */

/* The open chunk, which has room for one record more of so many bytes, a multiple of 16. */
WG_INLINE wg_chunk *wg_chunk_room(uint32_t nbytes) {
    wg_chunk *c = wg_open_chunk;
    if (WG_UNLIKELY(c == NULL || c->count == 64 || c->used + nbytes > (uint32_t)WG_CHUNK_PAYLOAD)) return wg_chunk_open(nbytes);
    return c;
}

/* The next record, in a chunk that has room. It begins as a copy of the first nhead bytes of *head, if that is given. */
WG_INLINE wg_rec *wg_chunk_append(wg_chunk *c, uint32_t nbytes, const wg_rec *head, size_t nhead) {
    wg_rec *r = (wg_rec *)(c->bytes + c->used);
    const uint32_t index = c->count;
    const uint64_t stamp = wg_next_stamp;
    if (head) memcpy(r, head, nhead);
    c->count = index + 1;
    wg_next_stamp = stamp + 1;
    r->index = (uint8_t)index;
    r->stamp = stamp;
    if (index == 0) c->first_stamp = stamp;
    c->offset[index] = (uint16_t)c->used;
    c->live |= (uint64_t)1 << index;
    c->used += nbytes;
    wg_tape.records++;
    return r;
}

/* Room for one record at the end of the tape, its stamp set. NULL: out of memory. */
WG_INLINE wg_rec *wg_rec_allocate(uint32_t nbytes) {
    nbytes = (nbytes + 15u) & ~15u;
    wg_chunk *c = wg_chunk_room(nbytes);
    return WG_LIKELY(c != NULL) ? wg_chunk_append(c, nbytes, NULL, 0) : NULL;
}

/* ---- counting ---- */

void wg_node_free(wg_node *n);                          /* what a count of zero does: releases through a worklist */
WG_INLINE void wg_node_hold(wg_node *n) { n->refs++; }
WG_INLINE void wg_node_drop(wg_node *n) { if (--n->refs == 0) wg_node_free(n); }

wg_leaf *wg_leaf_new(void *tensor);
WG_INLINE void wg_leaf_forget(wg_node *n, const void *tensor) {
    if (n && n->kind == WG_NODE_LEAF && ((wg_leaf *)n)->tensor == tensor) ((wg_leaf *)n)->tensor = NULL;
}

/* Set by the core: releases a Python object held by a record or leaf. */
extern void (*wg_ext_drop)(void *ext);
/* Set by the core: the .grad of a leaf's tensor, if it has one that is written in place. */
extern wg_val *(*wg_leaf_grad)(wg_leaf *leaf);
/* Set by the core: the name of a Function's node, "MyReluBackward". */
extern const char *(*wg_ext_name)(const void *ext);

/* Set by the core: sees a record just made while WG_MODE_WATCHED; -1 fails the operation. */
extern int (*wg_watch)(wg_rec *r);
/* Set by the core: what a saved-tensor hook gives back for input `which` (or nx + output); and drops what it packed. */
extern int (*wg_unpack_hooked)(const wg_rec *r, uint32_t which, int with_edge, wg_val *v);
extern void (*wg_packed_drop)(void *ext);

/* ---- appending ---- */

/* Records one application; sets the edges of differentiable outputs. 0 or -1 (out of memory). */
int wg_tape_append(int op, const wg_val *const *x, int nx, const wg_attr *attr, int nattr, wg_val *y, int ny);
/* The same for an op that is no row of the table: a user's Function. Saves only output metadata; the caller owns the one
 * reference to the record, and gives the outputs their edges. */
wg_rec *wg_tape_append_python(const wg_edge *edge, int nx, wg_val *const *y, int ny, void *ext);

/* Gives a saved value back as a val (edge included when with_edge). -1: written in place since, or released. */
int wg_rec_unpack(const wg_rec *r, int which, int with_edge, wg_val *v);
void wg_rec_drop_packed(wg_rec *r, wg_saved *s);
/* What a sweep without retain_graph does to a record it ran. A Python number stays readable: a record that saved nothing else
 * is not spent. */
WG_INLINE void wg_rec_release_saved(wg_rec *r) {
    wg_saved *s = wg_rec_saved(r), *end = s + r->nsaved;
    r->node.flags = (uint8_t)(r->node.flags & ~WG_REC_SAVED);
    for (; s < end; s++) {
        wg_storage *storage = s->storage;
        if (storage == NULL) {
            if (WG_UNLIKELY(s->contiguous & WG_SAVED_PACKED)) wg_rec_drop_packed(r, s);
            continue;
        }
        wg_version *version = s->version;
        s->storage = NULL;
        s->version = NULL;
        r->node.flags |= WG_REC_SPENT;
        wg_version_drop(version);
        wg_storage_drop(storage);
    }
}
int wg_spent_error(const wg_rec *r);
int wg_inference_saved_error(void);

const char *wg_rec_name(const wg_rec *r);               /* "MulBackward0" */

WG_HIDDEN_END
#endif
