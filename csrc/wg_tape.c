/* Records: appending, unpacking what they saved, and giving them back. */
#include "wg_tape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wg_flat.h"
#include "wg_storage.h"

/* Note [Reclaiming]
 * Buffers go by reference count, records by chunk. A record that lost its last reference releases what it saved
 * and its edges at once, through an explicit worklist (a chain of a million ops must not recurse); in its chunk
 * only a cleared live bit stays. A chunk without live records is recycled, dead records at the end of the open
 * chunk are trimmed, and a block whose chunks are all free goes back to the system. None of it disturbs a sweep:
 * what a sweep can still reach is alive through the edges of its roots. */

typedef struct wg_block {
    wg_chunk *free;
    uint32_t nfree;
    struct wg_block *next, *prev;        /* among the blocks with a free chunk */
} wg_block;

enum { BLOCK_BYTES = 256 * 1024, BLOCK_CHUNKS = BLOCK_BYTES / WG_CHUNK_BYTES, KEPT_FREE_CHUNKS = 64 * BLOCK_CHUNKS };
enum { MOST_OPERANDS = 1 << 22, MOST_DIMS = 1 << 27 };     /* of one record: its bytes are counted in 32 bits */

static wg_block *blocks_with_free;
wg_chunk *wg_open_chunk;
uint64_t wg_next_stamp = 1;
wg_tape_stats wg_tape;
void (*wg_ext_drop)(void *ext);
wg_val *(*wg_leaf_grad)(wg_leaf *leaf);
int (*wg_watch)(wg_rec *r);
int (*wg_unpack_hooked)(const wg_rec *r, uint32_t which, int with_edge, wg_val *v);
void (*wg_packed_drop)(void *ext);

static void list_block(wg_block *b) {
    b->prev = NULL;
    b->next = blocks_with_free;
    if (b->next) b->next->prev = b;
    blocks_with_free = b;
}

static void unlist_block(wg_block *b) {
    if (b->prev) b->prev->next = b->next; else blocks_with_free = b->next;
    if (b->next) b->next->prev = b->prev;
}

static void reset_chunk(wg_chunk *c) {
    c->live = 0;
    c->used = 0;
    c->count = 0;
    c->big = 0;
    c->state = NULL;
}

static wg_chunk *new_chunk(void) {
    if (blocks_with_free == NULL) {
        /* The chunks must be aligned to their size; the block's own head stands apart. */
        void *memory;
        wg_block *b = malloc(sizeof *b);
        if (b == NULL || posix_memalign(&memory, WG_CHUNK_BYTES, BLOCK_BYTES) != 0) {
            free(b);
            wg_fail(WG_MEMORY_ERROR, "out of memory for the tape");
            return NULL;
        }
        b->free = NULL;
        b->nfree = BLOCK_CHUNKS;
        for (int i = BLOCK_CHUNKS - 1; i >= 0; i--) {
            wg_chunk *c = (wg_chunk *)((char *)memory + (size_t)i * WG_CHUNK_BYTES);
            c->block = b;
            c->next = b->free;
            b->free = c;
        }
        list_block(b);
        wg_pool.system_allocations++;
        wg_tape.blocks++;
        wg_tape.free_chunks += BLOCK_CHUNKS;
    }
    wg_block *b = blocks_with_free;
    wg_chunk *c = b->free;
    b->free = c->next;
    if (--b->nfree == 0) unlist_block(b);
    wg_tape.free_chunks--;
    wg_tape.chunks++;
    reset_chunk(c);
    return c;
}

static void recycle_chunk(wg_chunk *c) {
    wg_tape.chunks--;
    if (c->big) { free(c); return; }
    wg_block *b = c->block;
    c->next = b->free;
    b->free = c;
    wg_tape.free_chunks++;
    if (b->nfree++ == 0) list_block(b);
    if (b->nfree == BLOCK_CHUNKS && wg_tape.free_chunks > KEPT_FREE_CHUNKS) {
        char *memory = (char *)b->free;
        for (wg_chunk *f = b->free; f; f = f->next) if ((char *)f < memory) memory = (char *)f;
        unlist_block(b);
        wg_tape.free_chunks -= BLOCK_CHUNKS;
        wg_tape.blocks--;
        free(memory);
        free(b);
    }
}

wg_chunk *wg_chunk_open(uint32_t nbytes) {
    wg_chunk *c = wg_open_chunk;
    if (WG_UNLIKELY(nbytes > (uint32_t)WG_CHUNK_PAYLOAD)) {   /* a chunk of its own: cat of thousands, unbind of many rows */
        void *memory;
        size_t size = (sizeof(wg_chunk) + nbytes + WG_CHUNK_BYTES - 1) & ~(size_t)(WG_CHUNK_BYTES - 1);
        if (posix_memalign(&memory, WG_CHUNK_BYTES, size) != 0) { wg_fail(WG_MEMORY_ERROR, "out of memory for the tape"); return NULL; }
        c = memory;
        reset_chunk(c);
        c->big = (uint32_t)(size / WG_CHUNK_BYTES);
        wg_tape.chunks++;
        wg_pool.system_allocations++;
        if (wg_open_chunk && wg_open_chunk->live == 0) { wg_chunk *empty = wg_open_chunk; wg_open_chunk = NULL; recycle_chunk(empty); }
        wg_open_chunk = NULL;                               /* chunks are ordered by their first stamp: Note [Sweep order] */
    } else {
        c = new_chunk();
        if (c == NULL) return NULL;
        wg_open_chunk = c;
    }
    return c;
}

WG_INLINE void deallocate(wg_rec *r) {
    wg_chunk *c = wg_chunk_of(r);
    c->live &= ~((uint64_t)1 << r->index);
    wg_tape.records--;
    if (c != wg_open_chunk) {
        if (c->live == 0) recycle_chunk(c);
        return;
    }
    if (c->live == 0) { c->count = 0; c->used = 0; return; }
    uint32_t count = 64 - (uint32_t)__builtin_clzll(c->live);
    if (count < c->count) {
        c->used = c->offset[count];
        c->count = count;
    }
}

/* ---- release ---- */

static wg_leaf *free_leaves;             /* linked by `state`; as many as ever lived at once */
static wg_rec *dead;                     /* the worklist */
static int draining;

/* What hooks on saved tensors packed stands in the record's Python part. */
WG_COLD void wg_rec_drop_packed(wg_rec *r, wg_saved *s) {
    s->contiguous &= 1;
    r->node.flags |= WG_REC_SPENT;
    wg_packed_drop(r->ext);
}

static void free_leaf(wg_leaf *leaf) {
    void *ext = leaf->ext;
    wg_tape.leaves--;
    leaf->state = (void *)free_leaves;
    free_leaves = leaf;
    if (ext) wg_ext_drop(ext);
}

void wg_node_free(wg_node *n) {
    if (n->kind == WG_NODE_LEAF) { free_leaf((wg_leaf *)n); return; }
    wg_rec *r = (wg_rec *)n;
    if (draining) {                      /* called from inside a release (a Function's __del__): the loop below goes on */
        r->next_dead = dead;
        dead = r;
        return;
    }
    draining = 1;
    for (;;) {
        void *ext = r->ext;
        if (r->node.flags & WG_REC_SAVED) wg_rec_release_saved(r);
        for (wg_edge *e = r->edge, *end = e + r->nx; e < end; e++) {
            wg_node *to = e->node;
            if (to == NULL || --to->refs) continue;
            if (to->kind == WG_NODE_LEAF) { free_leaf((wg_leaf *)to); continue; }
            ((wg_rec *)to)->next_dead = dead;
            dead = (wg_rec *)to;
        }
        deallocate(r);
        if (WG_UNLIKELY(ext != NULL)) wg_ext_drop(ext);
        if (dead == NULL) break;
        r = dead;
        dead = r->next_dead;
    }
    draining = 0;
}

wg_leaf *wg_leaf_new(void *tensor) {
    wg_leaf *leaf = free_leaves;
    if (leaf) free_leaves = (wg_leaf *)leaf->state;
    else {
        leaf = malloc(sizeof *leaf);
        if (leaf == NULL) { wg_fail(WG_MEMORY_ERROR, "out of memory"); return NULL; }
        wg_pool.system_allocations++;
    }
    *leaf = (wg_leaf){.node = {.kind = WG_NODE_LEAF, .refs = 1}, .tensor = tensor};
    wg_tape.leaves++;
    return leaf;
}

/* ---- appending ---- */

/* Most arrays have one or two dimensions: two library calls for each would cost more than the rest of the record. */
WG_INLINE int equal_dims(const int64_t *a, const int64_t *b, int n) {
    if (n > 2) return memcmp(a, b, sizeof(int64_t) * (size_t)n) == 0;
    return n == 0 || (a[0] == b[0] && a[n - 1] == b[n - 1]);
}

WG_INLINE void copy_dims(int64_t *to, const int64_t *from, int n) {
    if (n > 2) memcpy(to, from, sizeof(int64_t) * (size_t)n);
    else if (n) { to[0] = from[0]; to[n - 1] = from[n - 1]; }
}

static uint32_t put_dims(wg_rec *r, uint32_t *used, const wg_array *a) {
    int64_t *pool = wg_rec_dims(r, 0);
    const int n = a->ndim;
    if (*used >= (uint32_t)(2 * n)) {    /* operands of one op mostly share their dimensions with the one before */
        const int64_t *last = pool + *used - 2 * n;
        if (equal_dims(last, a->shape, n) && equal_dims(last + n, a->strides, n)) return *used - 2 * (uint32_t)n;
    }
    const uint32_t at = *used;
    copy_dims(pool + at, a->shape, n);
    copy_dims(pool + at + n, a->strides, n);
    *used += 2 * (uint32_t)n;
    return at;
}

WG_COLD int wg_inference_saved_error(void) {
    return wg_fail(WG_RUNTIME_ERROR,
                   "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation "
                   "tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or use "
                   "`torch.no_grad()` instead of `torch.inference_mode()`.");
}

/* Returns whether it is a value made in inference mode, which may not be saved. */
static int put_saved(wg_rec *r, wg_saved *s, uint32_t *used, const wg_val *v, int which, int value) {
    const wg_array *a = &v->a;
    s->which = (uint32_t)which;
    s->dtype = a->dtype;
    s->ndim = a->ndim;
    s->is_number = a->is_number;
    s->contiguous = a->contiguous & 1;                      /* of an absent input it may be anything */
    s->dims = put_dims(r, used, a);
    s->storage = NULL;
    s->version = NULL;
    s->version_value = 0;
    if (a->is_number) { s->i = a->number.i; return 0; }
    s->data = a->data;
    if (!value || a->storage == NULL) { s->data = NULL; return 0; }
    s->storage = a->storage;
    a->storage->refs++;
    s->version = v->version;
    s->version->refs++;
    s->version_value = v->version->value;
    r->node.flags |= WG_REC_SAVED;
    return v->version->inference;
}

int wg_tape_append(int opcode, const wg_val *const *x, int nx, const wg_attr *attr, int nattr, wg_val *y, int ny) {
    const wg_op *op = &wg_ops[opcode];
    const int variadic = op->nin < 0;
    if (op->kind == WG_OP_ELEMENTWISE && !(wg_mode & WG_MODE_WATCHED)) {
        int status = wg_flat_append(opcode, x, nx, attr, y);
        if (status <= 0) return status;
    }
    uint32_t value_x = 0, value_y = 0, meta_x = 0, meta_y = 0;
    uint32_t ndims = 0, nints = 0;

    if (variadic) {
        value_x = op->save_x[0]; value_y = op->save_y[0]; meta_x = op->meta_x[0]; meta_y = op->meta_y[0];
    } else {
        for (int i = 0; i < nx; i++) {
            if (x[i]->edge.node == NULL || !(op->diff_in >> i & 1)) continue;
            value_x |= op->save_x[i]; value_y |= op->save_y[i]; meta_x |= op->meta_x[i]; meta_y |= op->meta_y[i];
            if (op->kind == WG_OP_ELEMENTWISE && (!wg_same_shape(&x[i]->a, &y[0].a) || x[i]->a.dtype != y[0].a.dtype))
                meta_x |= 1u << i;       /* its gradient is summed down and cast */
        }
    }
    uint32_t nsaved = 0;
    for (int i = 0; i < nx; i++) {
        uint32_t bit = variadic ? 1u : 1u << i;
        if ((value_x | meta_x) & bit) { nsaved++; ndims += 2u * x[i]->a.ndim; }
    }
    for (int k = 0; k < ny; k++) {
        if (k < 32 && (value_y | meta_y) >> k & 1) nsaved++;
        ndims += 2u * y[k].a.ndim;
    }
    for (int i = 0; i < nattr; i++) if (attr[i].tag == WG_A_INTS) nints += attr[i].n;
    if (WG_UNLIKELY((uint64_t)ndims + nints > MOST_DIMS || nx > MOST_OPERANDS || ny > MOST_OPERANDS))
        return wg_fail(WG_RUNTIME_ERROR, "%s has too many operands to be recorded", op->name);

    uint32_t attrs = (uint32_t)(sizeof(wg_rec) + (size_t)nx * sizeof(wg_edge));
    uint32_t saved = attrs + (uint32_t)nattr * (uint32_t)sizeof(wg_attr);
    uint32_t outs = saved + (uint32_t)nsaved * (uint32_t)sizeof(wg_saved);
    uint32_t dims = (outs + (uint32_t)ny * (uint32_t)sizeof(wg_outmeta) + 7u) & ~7u;
    wg_rec *r = wg_rec_allocate(dims + (ndims + nints) * 8u);
    if (WG_UNLIKELY(r == NULL)) return -1;
    r->node.kind = WG_NODE_RECORD;
    r->node.flags = 0;
    r->node.op = (uint16_t)opcode;
    r->node.refs = 0;
    r->ext = NULL;
    r->nx = (uint32_t)nx;
    r->ny = (uint32_t)ny;
    r->nattr = (uint8_t)nattr;
    r->nsaved = (uint32_t)nsaved;
    r->attrs = attrs; r->saved = saved; r->outs = outs; r->dims = dims;

    for (int i = 0; i < nx; i++) {
        r->edge[i].node = NULL;
        r->edge[i].out = 0;
        if (x[i]->edge.node && (variadic ? op->diff_in & 1 : op->diff_in >> i & 1)) {
            r->edge[i] = x[i]->edge;
            wg_node_hold(r->edge[i].node);
        }
    }
    uint32_t used = 0;
    int inference = 0;
    wg_saved *s = wg_rec_saved(r);
    for (int i = 0; i < nx; i++) {
        uint32_t bit = variadic ? 1u : 1u << i;
        if ((value_x | meta_x) & bit) inference |= put_saved(r, s++, &used, x[i], i, (value_x & bit) != 0);
    }
    wg_outmeta *o = wg_rec_outs(r);
    for (int k = 0; k < ny; k++) {
        o[k].dtype = y[k].a.dtype;
        o[k].ndim = y[k].a.ndim;
        o[k].dims = put_dims(r, &used, &y[k].a);
        if (k < 32 && (value_y | meta_y) >> k & 1) inference |= put_saved(r, s++, &used, &y[k], nx + k, value_y >> k & 1);
    }
    int64_t *ints = wg_rec_dims(r, 0) + ndims;
    wg_attr *to = wg_rec_attrs(r);
    for (int i = 0; i < nattr; i++) {
        to[i] = attr[i];
        if (attr[i].tag == WG_A_INTS) {
            to[i].v = ints;
            memcpy(ints, attr[i].v, attr[i].n * sizeof(int64_t));
            ints += attr[i].n;
        }
    }
    for (int k = 0; k < ny; k++) {
        if (!wg_op_diff_output(op, k) || !WG_IS_FLOAT(y[k].a.dtype)) continue;
        y[k].edge.node = &r->node;
        y[k].edge.out = (uint32_t)k;
        r->node.refs++;
    }
    r->node.refs++;
    int status = 0;
    if (WG_UNLIKELY(inference)) status = wg_inference_saved_error();
    else if (WG_UNLIKELY(wg_mode & WG_MODE_WATCHED) && r->node.refs > 1) status = wg_watch(r);
    wg_node_drop(&r->node);                                 /* frees it where nothing differentiable came out */
    return status;
}

wg_rec *wg_tape_append_python(const wg_edge *edge, int nx, wg_val *const *y, int ny, void *ext) {
    uint32_t ndims = 0;
    for (int k = 0; k < ny; k++) ndims += 2u * y[k]->a.ndim;
    uint32_t attrs = (uint32_t)(sizeof(wg_rec) + (size_t)nx * sizeof(wg_edge));
    uint32_t dims = (attrs + (uint32_t)ny * (uint32_t)sizeof(wg_outmeta) + 7u) & ~7u;
    if (ndims > MOST_DIMS || nx > MOST_OPERANDS || ny > MOST_OPERANDS) {
        wg_fail(WG_RUNTIME_ERROR, "a Function with too many inputs or outputs");
        return NULL;
    }
    wg_rec *r = wg_rec_allocate(dims + ndims * 8u);
    if (r == NULL) return NULL;
    r->node = (wg_node){.kind = WG_NODE_RECORD, .flags = WG_REC_EXT, .op = UINT16_MAX, .refs = 1};
    r->ext = ext;
    r->nx = (uint32_t)nx;
    r->ny = (uint32_t)ny;
    r->nattr = 0;
    r->nsaved = 0;
    r->attrs = r->saved = r->outs = attrs;
    r->dims = dims;
    for (int i = 0; i < nx; i++) {
        r->edge[i] = edge[i];
        if (edge[i].node) wg_node_hold(edge[i].node);
    }
    uint32_t used = 0;
    wg_outmeta *o = wg_rec_outs(r);
    for (int k = 0; k < ny; k++) {
        o[k].dtype = y[k]->a.dtype;
        o[k].ndim = y[k]->a.ndim;
        o[k].dims = put_dims(r, &used, &y[k]->a);
    }
    return r;
}

const char *(*wg_ext_name)(const void *ext);

const char *wg_rec_name(const wg_rec *r) { return r->node.op == UINT16_MAX ? wg_ext_name(r->ext) : wg_ops[r->node.op].grad_name; }

WG_COLD int wg_spent_error(const wg_rec *r) {
    return wg_fail(WG_RUNTIME_ERROR,
                   "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
                   "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
                   "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
                   "saved tensors after calling backward. The first spent record is %s; the usual cause is a tensor kept from an "
                   "earlier iteration: detach() it.", wg_rec_name(r));
}

static WG_COLD int version_error(const wg_rec *r, const wg_saved *s) {
    char shape[256];
    int writer = s->version->writer;
    wg_shape_text(shape, sizeof shape, s->ndim, wg_rec_dims(r, s->dims));
    const wg_node *source = s->which < r->nx ? r->edge[s->which].node : &r->node;
    uint32_t out = s->which < r->nx ? r->edge[s->which].out : s->which - r->nx;
    char origin[160] = "";
    if (source && source->kind == WG_NODE_RECORD)
        snprintf(origin, sizeof origin, ", which is output %u of %s,", out, wg_rec_name((const wg_rec *)source));
    return wg_fail(WG_RUNTIME_ERROR,
                   "one of the variables needed for gradient computation has been modified by an inplace operation: "
                   "[torch.%sTensor %s]%s is at version %u; expected version %u instead. It was saved by %s and written last by "
                   "%s. Hint: write to a clone() of it, or use the out-of-place form of that operation.",
                   wg_dtype_title[s->dtype], shape, origin, s->version->value, s->version_value, wg_rec_name(r),
                   writer < wg_nops ? wg_ops[writer].name : "an assignment");
}

/* The descriptor of input i (or nx + output k), or NULL. */
static const wg_saved *find_saved(const wg_rec *r, uint32_t which) {
    const wg_saved *s = wg_rec_saved(r);
    uint32_t low = 0, high = r->nsaved;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (s[middle].which < which) low = middle + 1; else high = middle;
    }
    return low < r->nsaved && s[low].which == which ? &s[low] : NULL;
}

int wg_rec_unpack(const wg_rec *r, int which, int with_edge, wg_val *v) {
    const wg_saved *s = find_saved(r, (uint32_t)which);
    wg_val_clear(v);
    if (s == NULL) return 0;                                /* not read by the VJP */
    const int64_t *dims = wg_rec_dims(r, s->dims);
    v->a.dtype = s->dtype;
    v->a.contiguous = s->contiguous & 1;
    v->a.ndim = s->ndim;
    int64_t numel = 1;
    for (int d = 0; d < s->ndim; d++) {
        v->a.shape[d] = dims[d];
        v->a.strides[d] = dims[s->ndim + d];
        numel *= dims[d];
    }
    v->a.numel = numel;
    if (s->is_number) {
        v->a.is_number = 1;
        v->a.number.i = s->i;
        v->a.data = (char *)&v->a.number;
        return 0;
    }
    if (s->storage == NULL)                                 /* shape and dtype only, or a hook has the rest */
        return s->contiguous & WG_SAVED_PACKED ? wg_unpack_hooked(r, (uint32_t)which, with_edge, v) : 0;
    if (WG_UNLIKELY(s->version->value != s->version_value)) { wg_val_clear(v); return version_error(r, s); }
    v->a.data = s->data;
    v->a.storage = s->storage;
    s->storage->refs++;
    v->version = s->version;
    s->version->refs++;
    if (with_edge) {
        if (which < (int)r->nx) v->edge = r->edge[which];
        else v->edge = (wg_edge){(wg_node *)&r->node, (uint32_t)which - r->nx};
        if (v->edge.node) wg_node_hold(v->edge.node);
    }
    return 0;
}
