/* wg_apply, and flat records: the commonest operations of all, made and recorded on bare addresses. Their VJPs: see
 * Note [Flat records] in wg_flat_vjp.h. */
#include "wg_flat.h"

#include <stdlib.h>
#include <string.h>

#include "wg_elementwise.h"
#include "wg_launch.h"
#include "wg_storage.h"

/* ---- plans ---- */

static const wg_flat_plan unusable = {.nx = -1}, unmade = {.nx = -1};
const wg_flat_plan **wg_flat_plans;
int wg_flat_off;

int wg_flat_init(void) {
    if (wg_flat_plans) return 0;
    wg_flat_plans = malloc((size_t)wg_nops * sizeof *wg_flat_plans);
    if (wg_flat_plans == NULL) return wg_fail(WG_MEMORY_ERROR, "out of memory");
    for (int i = 0; i < wg_nops; i++) wg_flat_plans[i] = &unmade;
    if (wg_flat_make_plan(WG_OP_add) == &unusable) return wg_fail(WG_MEMORY_ERROR, "out of memory");   /* a sweep sums with it */
    return 0;
}

static void plan_case(int opcode, uint32_t needs, wg_flat_case *c) {
    const wg_op *op = &wg_ops[opcode];
    uint32_t mask = 0;
    for (int i = 0; i < op->nin; i++) {
        if (!(needs >> i & 1)) continue;
        c->values |= (uint8_t)op->save_x[i];
        c->save_y |= op->save_y[i] & 1;
        if (op->identity >> i & 1) c->borrowed |= (uint8_t)(1u << i);
        else { c->out[c->nout++] = (uint8_t)i; mask |= 1u << i; }
    }
    for (uint32_t bits = c->values; bits; bits &= bits - 1) c->nsaved++;
    c->nsaved += c->save_y;
    wg_rec *r = &c->head;
    r->node = (wg_node){.kind = WG_NODE_RECORD, .flags = WG_REC_FLAT, .op = (uint16_t)opcode, .refs = 1};
    r->nx = (uint32_t)op->nin;
    r->ny = 1;
    r->nattr = op->nattr;
    r->nsaved = c->nsaved;
    r->needs = (uint8_t)needs;
    r->attrs = (uint32_t)(sizeof(wg_rec) + (size_t)op->nin * sizeof(wg_edge));
    r->saved = r->attrs + (uint32_t)op->nattr * (uint32_t)sizeof(wg_attr);
    r->outs = r->saved + c->nsaved * (uint32_t)sizeof(wg_saved);
    r->dims = (r->outs + (uint32_t)sizeof(wg_outmeta) + 15u) & ~15u;
    c->nbytes = r->dims;
    c->vjp_ok = 1;
    if (mask == 0) return;
    const wg_vjp_loop *loop = op->vjp_loops ? &op->vjp_loops[mask] : NULL;
    c->vjp_ok = 0;
    if (loop == NULL || loop->loop < 0 || loop->nin > WG_FLAT_VJP_INPUTS) return;
    c->nin = loop->nin;
    for (int k = 0; k < loop->nin; k++) {
        int code = loop->in[k], at = 0;
        c->which[k] = (uint8_t)(code < WG_OPERAND_Y(0) ? code - 1 : op->nin);
        if (code == WG_OPERAND_G) { c->source[k] = -1; continue; }
        if (code >= WG_OPERAND_Y(0)) at = c->nsaved - 1;     /* the output is saved last */
        else for (int i = 0; i < code - 1; i++) at += c->values >> i & 1;
        c->source[k] = (int8_t)at;
    }
    for (int k = 0; k < 2; k++) c->vjp[k] = wg_isa->loops[loop->loop * WG_NCOMPUTE + k];
    c->vjp_ok = c->vjp[0] != NULL && c->vjp[1] != NULL;
}

WG_COLD const wg_flat_plan *wg_flat_make_plan(int opcode) {
    const wg_op *op = &wg_ops[opcode];
    if (wg_flat_plans[opcode] != &unmade) return wg_flat_plans[opcode];
    wg_flat_plans[opcode] = &unusable;
    if (op->kind != WG_OP_ELEMENTWISE || op->nin < 1 || op->nin > WG_FLAT_INPUTS || op->nattr > WG_FLAT_ATTRS) return &unusable;
    if (op->types != WG_T_ANY && op->types != WG_T_FLOAT && op->types != WG_T_NUMERIC && op->types != WG_T_FLOAT_ONLY) return &unusable;
    const wg_loop_info *info = &wg_loop_infos[op->loop];
    if (info->out_bool || info->in_bool || op->nout != 1) return &unusable;
    wg_flat_plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL) return &unusable;
    for (int k = 0; k < 2; k++) plan->loop[k] = wg_isa->loops[op->loop * WG_NCOMPUTE + k];
    if (plan->loop[0] == NULL || plan->loop[1] == NULL) { free(plan); return &unusable; }
    plan->nx = op->nin;
    plan->nattr = op->nattr;
    plan->diff_in = op->diff_in;
    plan->check = op->check;
    for (uint32_t needs = 0; needs < 1u << op->nin; needs++) {
        plan->at[needs] = &plan->cases[needs];
        plan_case(opcode, needs, &plan->cases[needs]);
    }
    return wg_flat_plans[opcode] = plan;
}

/* ---- operands that are one value in all places ---- */

void wg_flat_spread_number(char *to, int compute, int64_t n, int dtype, int64_t bits) {
    union { int64_t i; double f; uint8_t b; } number = {.i = bits};
    double x = dtype == WG_F64 ? number.f : dtype == WG_I64 ? (double)number.i : number.b;
    float narrow = dtype == WG_I64 ? (float)number.i : (float)x;
    if (compute == WG_C_F64) for (int64_t i = 0; i < n; i++) ((double *)to)[i] = x;
    else for (int64_t i = 0; i < n; i++) ((float *)to)[i] = narrow;
}

void wg_flat_spread_element(char *to, int compute, int64_t n, const char *from) {
    if (compute == WG_C_F64) for (int64_t i = 0; i < n; i++) ((double *)to)[i] = *(const double *)from;
    else for (int64_t i = 0; i < n; i++) ((float *)to)[i] = *(const float *)from;
}

/* ---- records ---- */

/* Returns whether it is a value made in inference mode, which may not be saved. */
WG_INLINE int save(wg_saved *s, wg_rec *r, const wg_val *v, uint32_t which) {
    const wg_array *a = &v->a;
    wg_storage *storage = a->storage;
    wg_version *version = v->version;
    s->storage = storage;
    s->version = version;
    s->which = which;
    s->dims = 0;
    memcpy(&s->dtype, &a->dtype, 4);
    _Static_assert(offsetof(wg_saved, is_number) == offsetof(wg_saved, dtype) + 3, "the same four bytes as in an array");
    if (WG_UNLIKELY(storage == NULL)) {                      /* a number: no buffer that a sweep could release */
        s->i = a->number.i;
        s->contiguous = 1;
        return 0;
    }
    s->data = a->data;
    s->version_value = version->value;
    storage->refs++;
    version->refs++;
    r->node.flags = WG_REC_FLAT | WG_REC_SAVED;
    return version->inference;
}

/* `needs`: the inputs that a gradient flows to. All of them were found to agree with y. */
WG_INLINE int record(const wg_flat_plan *plan, const wg_val *const *x, const int nx, const wg_attr *attr, uint32_t needs, wg_val *y) {
    const wg_flat_case *c = plan->at[needs];
    const uint32_t n = y->a.ndim, nbytes = c->nbytes + 16 * n;
    wg_chunk *chunk = wg_chunk_room(nbytes);
    if (WG_UNLIKELY(chunk == NULL)) return -1;
    wg_rec *r = wg_chunk_append(chunk, nbytes, &c->head, sizeof(wg_rec) + (size_t)nx * sizeof(wg_edge));
    r->dtype = y->a.dtype;
    y->edge = (wg_edge){&r->node, 0};
    WG_UNROLL
    for (int i = 0; i < nx; i++)
        if (needs >> i & 1) { r->edge[i] = x[i]->edge; wg_node_hold(r->edge[i].node); }
    wg_attr *to = (wg_attr *)(r->edge + nx);
    for (const wg_attr *end = to + plan->nattr; to < end; to++) *to = *attr++;
    wg_saved *s = (wg_saved *)to;
    int inference = 0;
    WG_UNROLL
    for (int i = 0; i < nx; i++) if (c->values >> i & 1) inference |= save(s++, r, x[i], (uint32_t)i);
    if (c->save_y) inference |= save(s++, r, y, (uint32_t)nx);
    wg_outmeta *out = (wg_outmeta *)s;
    out->dims = 0; out->dtype = y->a.dtype; out->ndim = (uint8_t)n;
    int64_t *pool = (int64_t *)((char *)r + c->nbytes);
    if (WG_LIKELY(n == 1)) { pool[0] = y->a.shape[0]; pool[1] = 1; }
    else for (uint32_t d = 0; d < n; d++) { pool[d] = y->a.shape[d]; pool[n + d] = y->a.strides[d]; }
    return WG_UNLIKELY(inference) ? wg_inference_saved_error() : 0;
}

static inline int plain_attrs(int nattr, const wg_attr *attr) {
    for (int i = 0; i < nattr; i++) if (attr[i].tag == WG_A_INTS || attr[i].tag == WG_A_PTR) return 0;
    return 1;
}

int wg_flat_append(int opcode, const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    const wg_flat_plan *plan = wg_flat_plan_of(opcode);
    const wg_array *ya = &y->a;
    uint32_t needs = 0, strided = 0;
    if (nx != plan->nx || !ya->contiguous || ya->dtype < WG_F32 || !plain_attrs(plan->nattr, attr)) return 1;
    for (int i = 0; i < nx; i++) {
        const wg_array *a = &x[i]->a;
        if (!a->is_number && (a->dtype != ya->dtype || !wg_same_shape(a, ya))) return 1;
        if (!a->contiguous) strided |= 1u << i;
        if (x[i]->edge.node) needs |= 1u << i;
    }
    needs &= plan->diff_in;
    return plan->at[needs]->values & strided ? 1 : record(plan, x, nx, attr, needs, y);
}

/* ---- forward ---- */

/* dtype, ndim, contiguous and is_number of an array, compared as one word. */
WG_INLINE uint32_t kind_of(const wg_array *a) {
    uint32_t kind;
    _Static_assert(offsetof(wg_array, is_number) == offsetof(wg_array, dtype) + 3, "four bytes side by side");
    memcpy(&kind, &a->dtype, sizeof kind);
    return kind;
}

/* An array, no number, its elements side by side. */
WG_INLINE int is_dense(const wg_array *a) {
    const uint8_t yes[2] = {1, 0};
    _Static_assert(offsetof(wg_array, is_number) == offsetof(wg_array, contiguous) + 1, "two bytes side by side");
    return memcmp(&a->contiguous, yes, 2) == 0;
}

WG_INLINE int same_dims(const wg_array *a, const wg_array *b) {
    if (WG_LIKELY(b->ndim == 1)) return a->shape[0] == b->shape[0];
    for (int i = 0; i < b->ndim; i++) if (a->shape[i] != b->shape[i]) return 0;
    return 1;
}

/* Forward and record in one go; 1: not that case, nothing happened. Inlined for each number of inputs, so that the loops
 * over them are none, and apart for a number among them, which is written out as an array. */
WG_INLINE int apply(const wg_flat_plan *plan, const wg_val *const *x, const int nx, const wg_attr *attr, wg_val *y,
                    const wg_array *first, const int number, char *room) {
    char *data[1 + WG_FLAT_INPUTS];
    uint32_t needs = 0;
    const int64_t n = first->numel;
    const int compute = first->dtype - WG_F32, ndim = first->ndim;
    const uint32_t kind = kind_of(first);
    _Static_assert(WG_F64 == WG_F32 + 1 && WG_C_F64 == WG_C_F32 + 1 && WG_C_F32 == 0, "compute types follow dtypes");
    if ((uint32_t)compute > 1 || !is_dense(first) || (uint64_t)n - 1 >= WG_FLAT_NUMEL) return 1;
    if (plan->check && plan->check(x, attr) < 0) { wg_val_clear(y); return -1; }
    WG_UNROLL
    for (int i = 0; i < nx; i++) {
        if (i == number) continue;
        data[1 + i] = x[i]->a.data;
        needs |= (uint32_t)(x[i]->edge.node != NULL) << i;
    }
    if (number >= 0) {
        if (n > WG_FLAT_SPREAD) return 1;
        wg_flat_spread_number(data[1 + number] = room, compute, n, x[number]->a.dtype, x[number]->a.number.i);
    }

    const int64_t nbytes = n << (2 + compute);
    wg_storage *storage = WG_LIKELY(nbytes <= WG_POOL_SMALL_BYTES) ? wg_storage_small(nbytes) : wg_storage_new(nbytes);
    wg_version *version = WG_LIKELY(storage != NULL) ? wg_version_new() : NULL;
    if (WG_UNLIKELY(version == NULL)) {
        if (storage) wg_storage_drop(storage);
        wg_val_clear(y);
        return -1;
    }
    y->version = version;
    y->edge.node = NULL;
    y->a.data = data[0] = storage->data;
    y->a.storage = storage;
    y->a.numel = n;
    memcpy(&y->a.dtype, &kind, sizeof kind);
    if (WG_LIKELY(ndim == 1)) {
        y->a.shape[0] = n;
        y->a.strides[0] = 1;
    } else {
        int64_t step = 1;
        for (int d = ndim - 1; d >= 0; d--) {
            y->a.strides[d] = step;
            step *= y->a.shape[d] = first->shape[d];
        }
    }
    needs &= plan->diff_in;
    if (needs && !(wg_mode & WG_MODE_NO_GRAD)) {
        if (WG_UNLIKELY(record(plan, x, nx, attr, needs, y) < 0)) {
            wg_val_release(y);
            return -1;
        }
    } else if (WG_UNLIKELY(wg_mode & WG_MODE_INFERENCE)) version->inference = 1;
    wg_launch_flat(plan->loop[compute], n, data, attr);      /* last: it cannot fail, and what was kept above stays in registers */
    return 0;
}

/* One of two or three operands is a number. */
static __attribute__((noinline)) int apply_number(const wg_flat_plan *plan, const wg_val *const *x, int nx, const wg_attr *attr,
                                                  wg_val *y, int number) {
    char room[WG_FLAT_SPREAD * 8] __attribute__((aligned(16)));
    const wg_array *first = &x[number == 0]->a;
    if (nx == 2) return number ? apply(plan, x, 2, attr, y, first, 1, room) : apply(plan, x, 2, attr, y, first, 0, room);
    for (int i = 0; i < 3; i++)
        if (i != number && (kind_of(&x[i]->a) != kind_of(first) || !same_dims(&x[i]->a, first))) return 1;
    return apply(plan, x, 3, attr, y, first, number, room);
}

static inline int apply_two(const wg_flat_plan *plan, const wg_val *const *x, const wg_attr *attr, wg_val *y) {
    const wg_array *a = &x[0]->a, *b = &x[1]->a;
    if (WG_LIKELY(kind_of(a) == kind_of(b))) return same_dims(a, b) ? apply(plan, x, 2, attr, y, a, -1, NULL) : 1;
    return b->is_number ? apply_number(plan, x, 2, attr, y, 1) : a->is_number ? apply_number(plan, x, 2, attr, y, 0) : 1;
}

static __attribute__((noinline)) int apply_three(const wg_flat_plan *plan, const wg_val *const *x, const wg_attr *attr, wg_val *y) {
    const wg_array *a = &x[0]->a, *b = &x[1]->a, *c = &x[2]->a;
    int number = -1;
    for (int i = 0; i < 3; i++) if (x[i]->a.is_number) { if (number >= 0) return 1; number = i; }
    if (number >= 0) return apply_number(plan, x, 3, attr, y, number);
    if (kind_of(a) != kind_of(b) || kind_of(a) != kind_of(c) || !same_dims(a, b) || !same_dims(a, c)) return 1;
    return apply(plan, x, 3, attr, y, a, -1, NULL);
}

int wg_apply(int opcode, const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    const wg_flat_plan *plan = wg_flat_plans[opcode];
    if (WG_UNLIKELY(plan->nx != nx)) {
        plan = wg_flat_make_plan(opcode);
        if (plan->nx != nx) return wg_apply_general(opcode, x, nx, attr, y);
    }
    if (WG_UNLIKELY(wg_flat_off != 0)) return wg_apply_general(opcode, x, nx, attr, y);
    if (plan->nattr && !plain_attrs(plan->nattr, attr)) return wg_apply_general(opcode, x, nx, attr, y);
    int status = nx == 2 ? apply_two(plan, x, attr, y) : nx == 1 ? apply(plan, x, 1, attr, y, &x[0]->a, -1, NULL) : apply_three(plan, x, attr, y);
    return WG_LIKELY(status <= 0) ? status : wg_apply_general(opcode, x, nx, attr, y);
}
