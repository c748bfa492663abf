/* Elementwise operations: which types they compute in, what shape comes out, and their fused VJP. */
#include "wg_elementwise.h"

#include <string.h>

#include "wg_launch.h"
#include "wg_storage.h"
#include "wg_tape.h"

int wg_default_dtype = WG_F32;

/* ---- types ---- */

/* Torch's result_type: tensors with dimensions first, then 0-d tensors, then Python numbers; a lower rank counts only
 * if it is of a higher category (bool < integer < float). */
static int combine(int higher, int lower) {
    if (higher < 0) return lower;
    if (lower < 0 || WG_IS_FLOAT(higher)) return higher;
    if (higher == WG_BOOL || WG_IS_FLOAT(lower)) return wg_promote_types(higher, lower);
    return higher;
}

int wg_result_type(const wg_array *const *x, int nx) {
    int dimensioned = -1, scalar = -1, number = -1;
    for (int i = 0; i < nx; i++) {
        const wg_array *a = x[i];
        if (a->is_number) {
            int dt = a->dtype == WG_F64 ? wg_default_dtype : a->dtype;
            number = number < 0 ? dt : wg_promote_types(number, dt);
        } else if (a->ndim == 0) scalar = scalar < 0 ? a->dtype : wg_promote_types(scalar, a->dtype);
        else dimensioned = dimensioned < 0 ? a->dtype : wg_promote_types(dimensioned, a->dtype);
    }
    return combine(dimensioned, combine(scalar, number));
}

static int compute_of(int dtype) { return dtype == WG_F64 ? WG_C_F64 : dtype >= WG_F16 ? WG_C_F32 : WG_C_I64; }

static WG_COLD int unsupported(const wg_op *op, int dtype) {
    return wg_fail(WG_NOT_IMPLEMENTED, "\"%s_cpu\" not implemented for '%s'", op->name, wg_dtype_title[dtype]);
}

static int choose_types(const wg_op *op, const wg_array *const *x, int nx, int *compute, int *result) {
    int type = wg_result_type(x, nx);
    *result = type;
    switch (op->types) {
        case WG_T_FLOAT: if (!WG_IS_FLOAT(type)) *result = type = wg_default_dtype; break;
        case WG_T_COMPARE: case WG_T_PREDICATE: *result = WG_BOOL; break;
        case WG_T_LOGICAL: *result = WG_BOOL; *compute = WG_C_I64; return 0;
        case WG_T_INT: if (WG_IS_FLOAT(type)) return unsupported(op, type); break;
        case WG_T_NUMERIC: if (type == WG_BOOL) return unsupported(op, type); break;
        case WG_T_FLOAT_ONLY: if (!WG_IS_FLOAT(type)) return unsupported(op, type); break;
        default: break;
    }
    *compute = compute_of(type);
    return 0;
}

/* Bools have bitwise results of their own size: the loops of the logical rows read and write bytes. */
static const wg_op *bitwise_on_bools(const wg_op *op) {
    switch (op - wg_ops) {
    case WG_OP_bitwise_and: return &wg_ops[WG_OP_logical_and];
    case WG_OP_bitwise_or: return &wg_ops[WG_OP_logical_or];
    case WG_OP_bitwise_xor: return &wg_ops[WG_OP_logical_xor];
    default: return op;
    }
}

/* ---- shapes ---- */

static WG_COLD int mismatch(int64_t a, int64_t b, int dim) {
    return wg_fail(WG_RUNTIME_ERROR, "The size of tensor a (%lld) must match the size of tensor b (%lld) at non-singleton dimension %d",
                   (long long)a, (long long)b, dim);
}

int wg_broadcast_shapes(const wg_array *const *x, int nx, int *ndim, int64_t *shape) {
    int n = 0;
    for (int i = 0; i < nx; i++) if (x[i]->ndim > n) n = x[i]->ndim;
    for (int d = 0; d < n; d++) shape[d] = 1;
    for (int i = 0; i < nx; i++) {
        int shift = n - x[i]->ndim;
        for (int d = x[i]->ndim - 1; d >= 0; d--) {
            int64_t size = x[i]->shape[d];
            if (size == 1 || size == shape[d + shift]) continue;
            if (shape[d + shift] != 1) return mismatch(shape[d + shift], size, d + shift);
            shape[d + shift] = size;
        }
    }
    *ndim = n;
    return 0;
}

/* Which of two dimensions the first operand that tells them apart steps through faster: -1 the first, 1 the second, 0 left open. An
 * operand that does not step along one of them tells nothing; of equal steps the longer dimension is the slower one. */
static int faster(const wg_array *const *x, int nx, int ndim, const int64_t *shape, int a, int b) {
    for (int i = 0; i < nx; i++) {
        int lead = ndim - x[i]->ndim;
        if (a < lead || b < lead) continue;
        int64_t sa = x[i]->shape[a - lead] == 1 && shape[a] != 1 ? 0 : x[i]->strides[a - lead];
        int64_t sb = x[i]->shape[b - lead] == 1 && shape[b] != 1 ? 0 : x[i]->strides[b - lead];
        if (sa == 0 || sb == 0) continue;
        if (sa != sb) return sa < sb ? -1 : 1;
        if (shape[a] > shape[b]) return 1;
    }
    return 0;
}

int wg_result_strides(const wg_array *const *x, int nx, int ndim, const int64_t *shape, int64_t *strides) {
    int order[WG_MAX_DIMS], permuted = 0;
    for (int i = 0; i < nx; i++) permuted |= !x[i]->contiguous && x[i]->ndim > 1;
    if (!permuted) return 0;
    for (int i = 0; i < ndim; i++) order[i] = ndim - 1 - i;  /* fastest first */
    for (int i = 1; i < ndim; i++)                           /* an insertion that steps over what is left open, as in torch */
        for (int at = i, j = i - 1; j >= 0; j--) {
            int c = faster(x, nx, ndim, shape, order[j], order[at]);
            if (c < 0) break;
            if (c > 0) {
                int d = order[j];
                order[j] = order[at];
                order[at] = d;
                at = j;
            }
        }
    int64_t step = 1;
    for (int i = 0; i < ndim; i++) {
        strides[order[i]] = step;
        step *= shape[order[i]];
    }
    return step != 0;
}

/* ---- forward ---- */

enum { MAX_IN = 8 };

static WG_COLD int bad_target(const wg_array *into, int ndim, const int64_t *shape) {
    char a[256], b[256];
    wg_shape_text(a, sizeof a, into->ndim, into->shape);
    wg_shape_text(b, sizeof b, ndim, shape);
    return wg_fail(WG_RUNTIME_ERROR, "output with shape %s doesn't match the broadcast shape %s", a, b);
}

int wg_elementwise_forward(const wg_op *op, const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y, wg_array *into) {
    const wg_array *ax[MAX_IN];
    wg_array *operand[1 + MAX_IN];
    int compute = WG_C_F32, result = WG_F32, ndim = 0;
    int64_t shape[WG_MAX_DIMS];

    if (!into) wg_val_clear(y);
    for (int i = 0; i < nx; i++) ax[i] = &x[i]->a;
    if (WG_UNLIKELY(op->check != NULL) && op->check(x, attr) < 0) return -1;

    /* The commonest call: everything float32 (or float64), dense and of one shape. */
    const wg_array *first = ax[0];
    int plain = op->types <= WG_T_FLOAT && first->dtype >= WG_F32 && first->contiguous && !first->is_number;
    for (int i = 1; i < nx && plain; i++) {
        const wg_array *a = ax[i];
        if (a->is_number) continue;
        plain = a->dtype == first->dtype && a->contiguous && a->numel == first->numel && wg_same_shape(a, first);
    }
    if (WG_LIKELY(plain)) {
        compute = first->dtype == WG_F64 ? WG_C_F64 : WG_C_F32;
        result = first->dtype;
        ndim = first->ndim;
        if (!into) {
            if (wg_new(y, result, ndim, first->shape) < 0) return -1;
        } else if (!wg_same_shape(into, first)) return bad_target(into, ndim, first->shape);
    } else {
        if (choose_types(op, ax, nx, &compute, &result) < 0) return -1;
        if (WG_UNLIKELY(result == WG_BOOL) && op->types == WG_T_INT) op = bitwise_on_bools(op);
        if (wg_broadcast_shapes(ax, nx, &ndim, shape) < 0) return -1;
        if (into) {
            if (into->ndim != ndim || memcmp(into->shape, shape, sizeof(int64_t) * (size_t)ndim) != 0) return bad_target(into, ndim, shape);
        } else {
            if (wg_new(y, result, ndim, shape) < 0) return -1;
            int64_t strides[WG_MAX_DIMS];                   /* transposed operands give a transposed result, as in torch */
            if (wg_result_strides(ax, nx, ndim, shape, strides)) wg_array_set_dims(&y->a, ndim, shape, strides);
        }
    }
    if (into) {
        if (wg_category(result) > wg_category(into->dtype))
            return wg_fail(WG_RUNTIME_ERROR, "result type %s can't be cast to the desired output type %s",
                           wg_dtype_title[result], wg_dtype_title[into->dtype]);
    }
    operand[0] = into ? into : &y->a;
    for (int i = 0; i < nx; i++) operand[1 + i] = (wg_array *)ax[i];
    if (WG_UNLIKELY(wg_launch(wg_loop_id(op->loop, compute), operand, 1 + nx, attr, op->nattr) < 0)) {
        if (!into) wg_val_release(y);
        return -1;
    }
    return 0;
}

int wg_elementwise_add_into(wg_val *sum, const wg_val *v) {
    wg_array *operand[3] = {&sum->a, &sum->a, (wg_array *)&v->a};
    wg_attr one[1] = {WG_INT(1)};
    return wg_launch(wg_loop_id(wg_ops[WG_OP_add].loop, compute_of(sum->a.dtype)), operand, 3, one, 1);
}

/* ---- VJP ---- */

/* May the gradient stand in the memory of g? If the sweep alone holds that, and a capture, which gives each value a buffer, does
 * not look. The loop reads each element of g before it writes it. (A loss spreads one element over a g that owns nothing.) */
static int may_reuse(const wg_vjp_call *c, const wg_val *g) {
    return c->sweep != NULL && wg_capturing == NULL && g->version != NULL && wg_sole_owner(g);
}

/* Does the gradient of input i go where another one of this record goes? Then their order counts. */
static int shares_target(const wg_vjp_call *c, int i) {
    for (int j = 0; j < c->nx; j++)
        if (j != i && c->want[j] && c->record->edge[j].node == c->record->edge[i].node) return 1;
    return 0;
}

/* One pass writes every wanted gradient: onto the sum that waits for it, into the memory of g, or into new memory. A gradient of
 * a broadcast input is computed in full and summed down; the sweep does that (fit_to_input), here it only gets new memory of
 * the output's shape. */
int wg_elementwise_vjp(wg_vjp_call *c) {
    const wg_op *op = c->op;
    const wg_val *g = c->g[0];
    uint32_t mask = 0;

    uint32_t borrowed = 0;
    for (int i = 0; i < c->nx; i++) {
        if (!c->want[i] || !(op->diff_in >> i & 1)) continue;
        if (op->identity >> i & 1) borrowed |= 1u << i;
        else mask |= 1u << i;
    }
    const wg_vjp_loop *plan = mask && op->vjp_loops ? &op->vjp_loops[mask] : NULL;
    if (mask && (plan == NULL || plan->loop < 0)) return op->vjp_formula(c);
    int reusable = mask && borrowed == 0 && may_reuse(c, g);
    for (int i = 0; i < c->nx; i++) if (borrowed >> i & 1) wg_val_share(&c->gx[i], g);
    if (mask == 0) return 0;

    wg_array *operand[2 * MAX_IN + 4];
    wg_attr attr[12];
    int n = 0, compute = compute_of(g->a.dtype);
    uint32_t add = 0;
    for (int i = 0; i < c->nx; i++) {
        if (!(mask >> i & 1)) continue;
        const wg_array *xa = &c->x[i]->a;
        const int same = wg_same_shape(xa, &g->a), dtype = same ? xa->dtype : compute == WG_C_F64 ? WG_F64 : WG_F32;
        wg_array *sum = same && dtype >= WG_F32 && !shares_target(c, i) ? wg_vjp_sum(c, i, dtype, g->a.ndim, g->a.shape) : NULL;
        if (sum) {
            add |= 1u << n;
            operand[n++] = sum;
            continue;
        }
        if (reusable && dtype == g->a.dtype) {
            reusable = 0;
            wg_val_share(&c->gx[i], g);
            operand[n++] = &c->gx[i].a;
            continue;
        }
        if (wg_new(&c->gx[i], dtype, g->a.ndim, g->a.shape) < 0) return -1;
        if (WG_UNLIKELY(!g->a.contiguous)) {                    /* a transposed cotangent gives a transposed gradient */
            int64_t strides[WG_MAX_DIMS];
            const wg_array *like = &g->a;
            if (wg_result_strides(&like, 1, like->ndim, like->shape, strides)) wg_array_set_dims(&c->gx[i].a, like->ndim, like->shape, strides);
        }
        operand[n++] = &c->gx[i].a;
    }
    for (int k = 0; k < plan->nin; k++) {
        int code = plan->in[k];
        const wg_val *v = code == WG_OPERAND_G ? g : code < WG_OPERAND_Y(0) ? c->x[code - 1] : c->y[code - WG_OPERAND_Y(0)];
        operand[n++] = (wg_array *)&v->a;
    }
    for (int i = 0; i < op->nattr; i++) attr[i] = c->attr[i];
    attr[op->nattr] = WG_INT(add);
    return wg_launch(wg_loop_id(plan->loop, compute), operand, n, attr, op->nattr + 1);
}
