/* Flat records: the commonest operations of all, made and recorded on bare addresses. Their VJPs run in wg_sweep.c:
 * see Note [Flat records] there. */
#include "wg_flat.h"

#include "wg_elementwise.h"
#include "wg_launch.h"
#include "wg_storage.h"

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

static inline void save(wg_saved *s, wg_rec *r, const wg_val *v, int which) {
    const wg_array *a = &v->a;
    if (a->is_number) {
        *s = (wg_saved){.i = a->number.i, .dtype = a->dtype, .which = (uint32_t)which, .is_number = 1, .contiguous = 1};
        return;
    }
    *s = (wg_saved){.storage = a->storage, .version = v->version, .data = a->data, .version_value = v->version->value,
                    .dtype = a->dtype, .ndim = a->ndim, .which = (uint32_t)which, .contiguous = 1};
    a->storage->refs++;
    v->version->refs++;
    r->node.flags |= WG_REC_SAVED;
}

/* `needs`: the inputs that a gradient flows to. All of them were found to agree. */
static inline int record(const wg_op *op, int opcode, const wg_val *const *x, int nx, const wg_attr *attr, uint32_t needs, wg_val *y) {
    const int nattr = op->nattr;
    const uint32_t n = y->a.ndim;
    uint32_t values = 0, save_y = 0, nsaved = 0;
    for (int i = 0; needs >> i; i++) {
        if (!(needs >> i & 1)) continue;
        values |= op->save_x[i];
        save_y |= op->save_y[i];
    }
    for (uint32_t bits = values; bits; bits &= bits - 1) nsaved++;
    nsaved += save_y & 1;
    const uint32_t attrs = (uint32_t)(sizeof(wg_rec) + (size_t)nx * sizeof(wg_edge));
    const uint32_t saved = attrs + (uint32_t)nattr * (uint32_t)sizeof(wg_attr);
    const uint32_t outs = saved + nsaved * (uint32_t)sizeof(wg_saved), dims = outs + 8;
    wg_rec *r = wg_rec_allocate(dims + 16 * n);
    if (WG_UNLIKELY(r == NULL)) return -1;
    r->node = (wg_node){.kind = WG_NODE_RECORD, .flags = WG_REC_FLAT, .op = (uint16_t)opcode, .refs = 1};
    r->ext = NULL;
    r->nx = (uint32_t)nx;
    r->ny = 1;
    r->nattr = (uint16_t)nattr;
    r->nsaved = nsaved;
    r->attrs = attrs; r->saved = saved; r->outs = outs; r->dims = dims;
    for (int i = 0; i < nattr; i++) wg_rec_attrs(r)[i] = attr[i];
    wg_saved *s = wg_rec_saved(r);
    for (int i = 0; i < nx; i++) {
        if (needs >> i & 1) { r->edge[i] = x[i]->edge; wg_node_hold(r->edge[i].node); }
        else r->edge[i] = (wg_edge){NULL, 0};
        if (values >> i & 1) save(s++, r, x[i], i);
    }
    if (save_y & 1) save(s, r, y, nx);
    *wg_rec_outs(r) = (wg_outmeta){0, y->a.dtype, y->a.ndim};
    int64_t *pool = wg_rec_dims(r, 0);
    for (uint32_t d = 0; d < n; d++) { pool[d] = y->a.shape[d]; pool[n + d] = y->a.strides[d]; }
    y->edge = (wg_edge){&r->node, 0};
    return 0;
}

static inline int plain_attrs(const wg_op *op, const wg_attr *attr) {
    if (op->nattr > WG_FLAT_ATTRS) return 0;
    for (int i = 0; i < op->nattr; i++) if (attr[i].tag == WG_A_INTS || attr[i].tag == WG_A_PTR) return 0;
    return 1;
}

int wg_flat_append(int opcode, const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    const wg_op *op = &wg_ops[opcode];
    const wg_array *ya = &y->a;
    uint32_t needs = 0;
    if (!ya->contiguous || ya->dtype < WG_F32 || !plain_attrs(op, attr)) return 1;
    for (int i = 0; i < nx; i++) {
        const wg_array *a = &x[i]->a;
        if (!a->is_number && (a->dtype != ya->dtype || !a->contiguous || !wg_same_shape(a, ya))) return 1;
        if (x[i]->edge.node) needs |= 1u << i;
    }
    return record(op, opcode, x, nx, attr, needs & op->diff_in, y);
}

int wg_flat_apply(int opcode, const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {
    const wg_op *op = &wg_ops[opcode];
    char *data[1 + WG_FLAT_INPUTS], room[WG_FLAT_SPREAD * 8] __attribute__((aligned(64)));
    uint32_t needs = 0;
    int number = -1;

    if (WG_UNLIKELY(nx > WG_FLAT_INPUTS)) return 1;
    const wg_array *first = &x[0]->a;
    if (first->is_number && nx > 1) first = &x[1]->a;
    const int64_t n = first->numel;
    if (first->dtype < WG_F32 || !first->contiguous || first->is_number || n > WG_DIRECT_NUMEL || n == 0) return 1;
    if (op->types != WG_T_ANY && op->types != WG_T_FLOAT && op->types != WG_T_NUMERIC && op->types != WG_T_FLOAT_ONLY) return 1;
    const int compute = first->dtype == WG_F64 ? WG_C_F64 : WG_C_F32;
    const wg_loop_fn loop = wg_isa->loops[op->loop * WG_NCOMPUTE + compute];
    if (WG_UNLIKELY(loop == NULL || wg_capturing != NULL || !plain_attrs(op, attr))) return 1;
    for (int i = 0; i < nx; i++) {
        const wg_array *a = &x[i]->a;
        data[1 + i] = a->data;
        if (a->is_number) {
            if (number >= 0 || n > WG_FLAT_SPREAD) return 1;
            number = i;
            continue;
        }
        if (a != first && (a->dtype != first->dtype || !a->contiguous || !wg_same_shape(a, first))) return 1;
        if (x[i]->edge.node) needs |= 1u << i;
    }
    if (op->check && op->check(x, attr) < 0) { wg_val_clear(y); return -1; }
    if (number >= 0) {
        wg_flat_spread_number(room, compute, n, x[number]->a.dtype, x[number]->a.number.i);
        data[1 + number] = room;
    }

    wg_storage *storage = wg_storage_new(n * (compute == WG_C_F64 ? 8 : 4));
    wg_version *version = storage ? wg_version_new() : NULL;
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
    y->a.dtype = first->dtype;
    y->a.ndim = first->ndim;
    y->a.contiguous = 1;
    y->a.is_number = 0;
    int64_t step = 1;
    for (int d = first->ndim - 1; d >= 0; d--) {
        y->a.shape[d] = first->shape[d];
        y->a.strides[d] = step;
        step *= first->shape[d];
    }
    loop(n, data, attr);
    needs &= op->diff_in;
    if (needs == 0 || wg_mode & WG_MODE_NO_GRAD) return 0;
    if (WG_LIKELY(record(op, opcode, x, nx, attr, needs, y) == 0)) return 0;
    wg_val_release(y);
    return -1;
}
