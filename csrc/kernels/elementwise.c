/* The driver of elementwise loops: broadcasting, strides and casts are staged here, so that every generated
 * loop is a plain contiguous loop over one compute type. */
#include <string.h>

#include "cast.h"
#include "wg_isa.h"
#include "wg_op.h"

/* Note [Staging]
 * A loop sees contiguous elements of its compute type (or bytes, for bool operands) and nothing else. An operand
 * that already is that is passed by its address. Any other (broadcast, strided, of another dtype, a Python
 * number) is gathered block by block into scratch that stays in L1, and an output that is strided or of another
 * dtype is computed in scratch and scattered. So one loop per op and compute type serves every layout, and its
 * bits cannot depend on the layout. The cost is one more pass through L1 for the operands that need it.
 *
 * An operand that is dense along another dimension than the output (a transposed one) would be gathered from as many cache
 * lines as there are elements, again for each row. So then pieces of TILE elements of a row are walked down the rows, and
 * the lines they touch are used up while they are in L1.
 *
 * A row is the innermost dimension, or, where that is short, as many as make it long: differences of all pairs of short vectors read
 * one operand in place and repeat the other in scratch. */

extern const wg_loop_fn WG_LEVEL(wg_loops)[];

enum { BLOCK = 512, TILE = 64, MAX_OPERANDS = 12 };

typedef struct staged {
    char *data;
    int64_t strides[WG_MAX_DIMS];        /* in elements, along the iteration space */
    int dtype, want;                     /* what memory holds, what the loop takes */
    int linear;                          /* element k of the iteration is element k of memory, of the wanted type */
    int row;                             /* inside a row the operand is contiguous and of the wanted type */
    int constant;                        /* one value everywhere */
    int row_constant;                    /* one value in each row */
    int64_t period;                      /* inside a row so many contiguous elements of the wanted type, again and again; or 0 */
    int read, write;
} staged;

typedef struct plan {
    wg_loop_fn loop;
    const wg_attr *attr;
    int ndim, noperand;
    int64_t shape[WG_MAX_DIMS], inner, numel;
    int by_rows;                         /* blocks never cross a row */
    int row_dim;                         /* a row is this dimension and those inside it */
    int64_t row_size;
    int any_staged;
    staged operand[MAX_OPERANDS];
} plan;

/* Where the innermost dimension has at most so many elements, a call for each piece of it would cost more than its moves. */
enum { SHORT = 16 };

/* To the next row. */
#define NEXT_ROW                                                   \
    offset -= index[last] * s->strides[last];                      \
    index[last] = 0;                                               \
    for (int d = last - 1; d >= 0; d--) {                          \
        offset += s->strides[d];                                   \
        if (++index[d] < p->shape[d]) break;                       \
        offset -= p->shape[d] * s->strides[d];                     \
        index[d] = 0;                                              \
    }

#define GATHER_SHORT(T)                                                                        \
    static void gather_##T(const plan *p, const staged *s, int64_t *index, int64_t offset,     \
                           int64_t n, char *scratch, int scatter) {                            \
        const int last = p->ndim - 1;                                                          \
        const int64_t own = s->strides[last], from = scatter ? 1 : own, to = scatter ? own : 1; \
        T *staged = (T *)scratch;                                                              \
        while (n > 0) {                                                                        \
            int64_t run = p->shape[last] - index[last];                                        \
            if (run > n) run = n;                                                              \
            T *at = (T *)s->data + offset, *x = scatter ? staged : at, *y = scatter ? at : staged; \
            for (int64_t i = 0; i < run; i++, x += from, y += to) *y = *x;                     \
            staged += run;                                                                     \
            n -= run;                                                                          \
            NEXT_ROW                                                                           \
        }                                                                                      \
    }

GATHER_SHORT(wg_move8)
GATHER_SHORT(wg_move32)
GATHER_SHORT(wg_move64)

static void gather(const plan *p, const staged *s, int64_t start, int64_t n, char *to, int scatter) {
    int64_t index[WG_MAX_DIMS], offset = 0, rest = start;
    int last = p->ndim - 1, size = wg_itemsize[s->want], item = wg_itemsize[s->dtype];
    for (int d = last; d >= 0; d--) {
        index[d] = rest % p->shape[d];
        rest /= p->shape[d];
        offset += index[d] * s->strides[d];
    }
    if (p->shape[last] <= SHORT && s->dtype == s->want) {            /* float32, float64, int64 or bool */
        (size == 4 ? gather_wg_move32 : size == 8 ? gather_wg_move64 : gather_wg_move8)(p, s, index, offset, n, to, scatter);
        return;
    }
    while (n > 0) {
        int64_t run = p->shape[last] - index[last];
        if (run > n) run = n;
        char *at = s->data + offset * item;
        if (scatter) WG_LEVEL(wg_cast_run)(run, at, s->dtype, s->strides[last], to, s->want, 1);
        else WG_LEVEL(wg_cast_run)(run, to, s->want, 1, at, s->dtype, s->strides[last]);
        to += run * size;
        n -= run;
        NEXT_ROW
    }
}

/* n times the element x, cast to the type that the loop takes. */
static void spread(const staged *s, int64_t n, char *y, const char *x) {
    if (s->dtype != s->want) {
        WG_LEVEL(wg_cast_run)(1, y, s->want, 1, x, s->dtype, 0);
        x = y;
    }
    if (wg_itemsize[s->want] == 4) {
        const wg_move32 v = *(const wg_move32 *)x;
        for (int64_t i = 0; i < n; i++) ((wg_move32 *)y)[i] = v;
    } else if (wg_itemsize[s->want] == 8) {
        const wg_move64 v = *(const wg_move64 *)x;
        for (int64_t i = 0; i < n; i++) ((wg_move64 *)y)[i] = v;
    } else memset(y, *(const uint8_t *)x, (size_t)n);
}

/* Fills y with n bytes that repeat with a period, beginning somewhere in the first. */
static void repeat(char *y, const char *x, int64_t phase, int64_t period, int64_t n) {
    int64_t have = period - phase < n ? period - phase : n;
    memcpy(y, x + phase, (size_t)have);
    if (have < n) {
        const int64_t rest = phase < n - have ? phase : n - have;
        memcpy(y + have, x, (size_t)rest);
        have += rest;
    }
    for (; have < n; have *= 2) memcpy(y + have, y, (size_t)(have < n - have ? have : n - have));
}

static void run_range(void *context, int64_t begin, int64_t end) {
    const plan *p = context;
    char scratch[MAX_OPERANDS][BLOCK * 8] __attribute__((aligned(64)));
    char *pointer[MAX_OPERANDS];
    int filled[MAX_OPERANDS] = {0};
    const char *held[MAX_OPERANDS] = {NULL};             /* the element that scratch is filled with */
    int64_t index[WG_MAX_DIMS];          /* of the row */
    for (int64_t at = begin; at < end;) {
        int64_t n = end - at, column = 0;
        if (p->by_rows) {
            int64_t row = at / p->row_size;
            column = at - row * p->row_size;
            if (n > p->row_size - column) n = p->row_size - column;
            for (int d = p->row_dim - 1; d > 0; d--) { index[d] = row % p->shape[d]; row /= p->shape[d]; }
            if (p->row_dim > 0) index[0] = row;
        }
        if (p->any_staged && n > BLOCK) n = BLOCK;
        for (int k = 0; k < p->noperand; k++) {
            const staged *s = &p->operand[k];
            if (s->linear) { pointer[k] = s->data + at * wg_itemsize[s->dtype]; continue; }
            char *row = s->data;
            for (int d = 0; d < p->row_dim && p->by_rows; d++) row += index[d] * s->strides[d] * wg_itemsize[s->dtype];
            if (s->row && p->by_rows) {
                pointer[k] = row + column * wg_itemsize[s->dtype];
                continue;
            }
            pointer[k] = scratch[k];
            if (s->constant && s->read) {
                if (filled[k] >= n) continue;
                int64_t fill = end - at < BLOCK ? end - at : BLOCK;
                spread(s, fill, scratch[k], s->data);
                filled[k] = (int)fill;
            } else if (s->row_constant && p->by_rows) {
                if (held[k] == row && filled[k] >= n) continue;
                int64_t fill = p->row_size < BLOCK ? p->row_size : BLOCK;
                if (fill > end - at) fill = end - at;
                spread(s, fill, scratch[k], row);
                held[k] = row;
                filled[k] = (int)fill;
            } else if (s->period && p->by_rows) {
                const int64_t item = wg_itemsize[s->want], phase = column % s->period;
                if (held[k] == row + phase * item && filled[k] >= n) continue;
                repeat(scratch[k], row, phase * item, s->period * item, n * item);
                held[k] = row + phase * item;
                filled[k] = (int)n;
            } else if (s->read) gather(p, s, at, n, scratch[k], 0);
        }
        p->loop(n, pointer, p->attr);
        for (int k = 0; k < p->noperand; k++) {
            const staged *s = &p->operand[k];
            if (s->write && pointer[k] == scratch[k]) gather(p, s, at, n, scratch[k], 1);
        }
        at += n;
    }
}

/* Pieces of rows, numbered along a row and then by what lies outside of the two innermost dimensions. */
static void run_tiles(void *context, int64_t begin, int64_t end) {
    const plan *p = context;
    const int64_t rows = p->shape[p->ndim - 2], pieces = (p->inner + TILE - 1) / TILE;
    for (int64_t item = begin; item < end; item++) {
        const int64_t first = item / pieces * rows * p->inner + item % pieces * TILE, left = p->inner - item % pieces * TILE;
        for (int64_t r = 0; r < rows; r++)
            run_range(context, first + r * p->inner, first + r * p->inner + (left < TILE ? left : TILE));
    }
}

static int64_t magnitude(int64_t a) { return a < 0 ? -a : a; }

static int wants_tiles(const plan *p) {
    if (p->ndim < 2 || p->inner < 8 || p->shape[p->ndim - 2] < 8 || p->numel < 4096) return 0;
    for (int k = 0; k < p->noperand; k++) {
        const int64_t inner = magnitude(p->operand[k].strides[p->ndim - 1]), outer = magnitude(p->operand[k].strides[p->ndim - 2]);
        if (outer != 0 && outer < inner) return 1;
    }
    return 0;
}

static int compute_dtype(int compute) { return compute == WG_C_F32 ? WG_F32 : compute == WG_C_F64 ? WG_F64 : WG_I64; }

/* Iteration dimensions in the order of the first output's memory, those of size 1 dropped, neighbours merged. */
static void lay_out(plan *p, wg_array *const *operand) {
    const wg_array *out = operand[0];
    int order[WG_MAX_DIMS], n = 0;
    for (int d = 0; d < out->ndim; d++) {
        if (out->shape[d] == 1) continue;
        int at = n++;
        while (at > 0 && out->strides[order[at - 1]] < out->strides[d]) { order[at] = order[at - 1]; at--; }
        order[at] = d;
    }
    p->ndim = 0;
    for (int i = 0; i < n; i++) {
        int d = order[i], merge = p->ndim > 0;
        int64_t size = out->shape[d], stride[MAX_OPERANDS];
        for (int k = 0; k < p->noperand; k++) {
            const wg_array *a = operand[k];
            int own = d - (out->ndim - a->ndim);                   /* dimensions are aligned at the right */
            stride[k] = own < 0 || a->shape[own] == 1 ? 0 : a->strides[own];
            if (merge && p->operand[k].strides[p->ndim - 1] != stride[k] * size) merge = 0;
        }
        int to = merge ? p->ndim - 1 : p->ndim++;
        p->shape[to] = merge ? p->shape[to] * size : size;
        for (int k = 0; k < p->noperand; k++) p->operand[k].strides[to] = stride[k];
    }
    if (p->ndim == 0) {
        p->ndim = 1;
        p->shape[0] = 1;
        for (int k = 0; k < p->noperand; k++) p->operand[k].strides[0] = 1;
    }
    p->inner = p->shape[p->ndim - 1];
}

enum { LONG = 64, FAIR = 16 };           /* rows: short ones would cost a call each */

/* What operands are like in rows that begin with this dimension. Are all of them read in place, or filled at once? */
static int classify_rows(plan *p, int row_dim) {
    int simple = 1;
    p->row_dim = row_dim;
    p->row_size = 1;
    for (int d = row_dim; d < p->ndim; d++) p->row_size *= p->shape[d];
    for (int k = 0; k < p->noperand; k++) {
        staged *s = &p->operand[k];
        int64_t dense = 1;
        int d = p->ndim - 1;
        for (; d >= row_dim && s->strides[d] == dense; d--) dense *= p->shape[d];
        s->row = s->dtype == s->want && d < row_dim;
        for (; d >= row_dim && s->strides[d] == 0; d--) {}
        s->row_constant = s->read && !s->write && dense == 1 && d < row_dim;
        s->period = s->read && !s->write && s->dtype == s->want && dense > 1 && d < row_dim ? dense : 0;
        simple = simple && (s->linear || s->row || s->constant || s->period || (s->row_constant && p->row_size >= 2 * FAIR));
    }
    return simple;
}

static void classify(plan *p, int tiles) {
    int last = p->ndim - 1, row_dim = last, rows_matter = 0;
    for (int k = 0; k < p->noperand; k++) {
        staged *s = &p->operand[k];
        int64_t dense = 1;
        s->linear = s->dtype == s->want;
        s->constant = 1;
        for (int d = last; d >= 0; d--) {
            if (s->strides[d] != dense) s->linear = 0;
            if (s->strides[d] != 0) s->constant = 0;
            dense *= p->shape[d];
        }
        if (p->numel == 1) s->constant = 1;
        if (!s->linear && !s->constant) rows_matter = 1;
    }
    int64_t size = p->inner;
    while (size < LONG && row_dim > 0 && !tiles) size *= p->shape[--row_dim];
    int found = classify_rows(p, row_dim);
    for (int d = row_dim; !found && d < last && (size /= p->shape[d]) >= FAIR; d++) found = classify_rows(p, d + 1);
    if (!found && p->row_dim != row_dim) classify_rows(p, row_dim);
    p->by_rows = tiles || (rows_matter && (p->row_dim == 0 || p->row_size >= FAIR));
    p->any_staged = 0;
    for (int k = 0; k < p->noperand; k++)
        if (!p->operand[k].linear && !(p->operand[k].row && p->by_rows)) p->any_staged = 1;
}

int WG_LEVEL(wg_loop_run)(int loop, int compute, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr) {
    const wg_loop_info *info = &wg_loop_infos[loop];
    wg_loop_fn fn = WG_LEVEL(wg_loops)[loop * WG_NCOMPUTE + compute];
    const wg_array *out = operand[0];
    const int dtype = compute_dtype(compute);
    const double cost = info->cost_ns;
    (void)nattr;
    if (WG_UNLIKELY(fn == NULL)) return wg_fail(WG_NOT_IMPLEMENTED, "this operation has no loop for dtype %s", wg_dtype_name[dtype]);
    if (out->numel == 0) return 0;

    plan p;
    int direct = noperand <= MAX_OPERANDS;
    for (int k = 0; k < noperand && direct; k++) {
        const wg_array *a = operand[k];
        int is_bool = k < info->nout ? info->out_bool >> k & 1 : info->in_bool >> (k - info->nout) & 1;
        direct = a->contiguous && a->numel == out->numel && a->dtype == (is_bool ? WG_BOOL : dtype);
    }
    if (direct && (double)out->numel * cost < 5000.0) {
        char *pointer[MAX_OPERANDS];
        for (int k = 0; k < noperand; k++) pointer[k] = operand[k]->data;
        fn(out->numel, pointer, attr);
        return 0;
    }
    if (noperand > MAX_OPERANDS) return wg_fail(WG_RUNTIME_ERROR, "elementwise loop with %d operands", noperand);

    p.loop = fn;
    p.attr = attr;
    p.noperand = noperand;
    p.numel = out->numel;
    int64_t add = info->is_vjp ? attr[info->nattr].i : 0;
    for (int k = 0; k < noperand; k++) {
        staged *s = &p.operand[k];
        int is_bool = k < info->nout ? info->out_bool >> k & 1 : info->in_bool >> (k - info->nout) & 1;
        s->data = operand[k]->data;
        s->dtype = operand[k]->dtype;
        s->want = is_bool ? WG_BOOL : dtype;
        s->write = k < info->nout;
        s->read = !s->write || (add >> k & 1);
    }
    lay_out(&p, operand);
    const int tiles = wants_tiles(&p);
    classify(&p, tiles);
    if (tiles) {
        const int64_t pieces = (p.inner + TILE - 1) / TILE, rows = p.shape[p.ndim - 2];
        wg_parallel_for(p.numel / (p.inner * rows) * pieces, 1, cost * (double)(rows * (p.inner < TILE ? p.inner : TILE)), run_tiles, &p);
        return 0;
    }
    wg_parallel_for(p.numel, p.by_rows && p.row_size < 4096 ? p.row_size * (4096 / p.row_size + 1) : 4096, cost, run_range, &p);
    return 0;
}
