/* Whole sequences of LSTM and GRU cells, float32 and float64; all operands are dense.
 *
 *     lstm(y, h_n, c_n, act, h_before, c_before, tanh_c; gates, h, c, weight)
 *     lstm_vjp(ggates, gh, gc; gy, gh_n, gc_n, act, c_before, tanh_c, weight)
 *     gru(y, h_n, act, new_h, h_before; gates, h, weight, bias)
 *     gru_vjp(ggates, grecurrent, gh; gy, gh_n, act, new_h, h_before, weight)
 *
 * Attributes of all: steps, the number of sequences at each time step, not increasing; reverse. Rows of a sequence lie one time step
 * after the other: gates is (rows, 4H or 3H), y, h_before, c_before, tanh_c and new_h are (rows, H), the states (steps[0], H). act
 * are the gates after their functions; h_before and c_before the states that a step began with; new_h = h @ weight_n.T + bias_n;
 * grecurrent the gradient of what a GRU adds to gates. The gradient of weight is a product of gradients with h_before, for the
 * caller. bias, gy, gh_n and gc_n may be absent.
 *
 * A step works on the first steps[t] rows of the states, in place: sequences that have ended keep theirs, and going backwards in time
 * those that have not begun have their initial ones. */
#include "rows.h"

#include <string.h>

/* From so many steps on a transposed copy of weight pays: BLAS then need not turn it round at each. */
enum { MANY_STEPS = 4 };

typedef struct recurrence {
    int64_t n;                               /* hidden size */
    int64_t row;                             /* of the step in the sequences */
    char *data[12];                          /* operands, in the order of the kernel */
} recurrence;

#define WG_TEMPLATE "recurrent_typed.inc"
#define WG_FLOATS_ONLY
#include "each_dtype.h"

typedef void (*cell_fn)(void *, int64_t, int64_t);
static const cell_fn lstm_cells[WG_NDTYPES] = WG_TYPED_FLOATS(lstm_cell), lstm_backs[WG_NDTYPES] = WG_TYPED_FLOATS(lstm_back);
static const cell_fn gru_cells[WG_NDTYPES] = WG_TYPED_FLOATS(gru_cell), gru_backs[WG_NDTYPES] = WG_TYPED_FLOATS(gru_back);

/* Rows [row, row + n) of a dense matrix with `columns` columns. */
static wg_array rows_of(const wg_array *a, int64_t row, int64_t n, int64_t columns) {
    wg_array v;
    v.data = a->data + row * columns * wg_itemsize[a->dtype];
    v.storage = a->storage;
    v.dtype = a->dtype;
    v.ndim = 2;
    v.is_number = 0;
    v.contiguous = 1;
    v.numel = n * columns;
    v.shape[0] = n;
    v.shape[1] = v.strides[0] = columns;
    v.strides[1] = 1;
    return v;
}

static wg_array transposed(const wg_array *a) {
    wg_array v = rows_of(a, 0, a->shape[0], a->shape[1]);
    v.shape[0] = a->shape[1];
    v.shape[1] = a->shape[0];
    v.strides[0] = 1;
    v.strides[1] = a->shape[1];
    v.contiguous = v.shape[0] <= 1 || v.shape[1] <= 1;
    return v;
}

/* out = a @ b, or out += a @ b */
static int multiply(wg_array *out, const wg_array *a, const wg_array *b, int add) {
    return WG_K(matmul)((wg_array *[]){out, (wg_array *)a, (wg_array *)b}, 3, (wg_attr[]){WG_NONE, add ? WG_INT(1) : WG_NONE});
}

/* weight.T as a product wants it, in scratch memory where that pays. */
static int turned_weight(wg_array *out, void **scratch, const wg_array *weight, int64_t steps) {
    wg_array turned = transposed(weight);
    *scratch = NULL;
    *out = turned;
    if (steps < MANY_STEPS || weight->numel == 0) return 0;
    if ((*scratch = wg_scratch_get(weight->numel * wg_itemsize[weight->dtype])) == NULL) return -1;
    *out = rows_of(weight, 0, weight->shape[1], weight->shape[0]);
    out->data = *scratch;
    return WG_K(copy)((wg_array *[]){out, &turned}, 2, NULL);
}

static int64_t first_row(const wg_attr *attr) {
    int64_t rows = 0;
    for (uint32_t t = 0; attr[1].i && t < attr[0].n; t++) rows += attr[0].v[t];
    return rows;
}

/* The time step that comes k-th, its rows and how many; `row` goes from one to the next. */
static int64_t step_at(const wg_attr *attr, uint32_t k, int64_t *row, int64_t *at) {
    if (!attr[1].i) {
        *at = *row;
        *row += attr[0].v[k];
        return attr[0].v[k];
    }
    const int64_t n = attr[0].v[attr[0].n - 1 - k];
    *at = *row -= n;
    return n;
}

/* The same, the other way: from the step that came last. */
static wg_attr turned_round(const wg_attr *attr) { return WG_BOOLEAN(!attr[1].i); }

static void copy_or_zero(wg_array *to, const wg_array *from) {
    const size_t size = (size_t)(to->numel * wg_itemsize[to->dtype]);
    if (wg_given(from)) memcpy(to->data, from->data, size);
    else memset(to->data, 0, size);
}

/* What a cell costs in nanoseconds for an element of the state. */
static double cell_cost(int dtype, double ns) { return dtype == WG_F64 ? 2 * ns : ns; }

int WG_K(lstm)(wg_array *const *op, int nop, const wg_attr *attr) {
    const int64_t n = op[8]->shape[1], size = wg_itemsize[op[0]->dtype];
    const int dtype = op[0]->dtype;
    int64_t row = first_row(attr);
    wg_array weight;
    void *scratch;
    int status = turned_weight(&weight, &scratch, op[10], attr[0].n);
    copy_or_zero(op[1], op[8]);
    copy_or_zero(op[2], op[9]);
    recurrence r = {.n = n};
    for (int k = 0; k < nop; k++) r.data[k] = op[k]->data;
    for (uint32_t k = 0; k < attr[0].n && status == 0; k++) {
        const int64_t m = step_at(attr, k, &row, &r.row);
        wg_array act = rows_of(op[3], r.row, m, 4 * n), before = rows_of(op[4], r.row, m, n);
        memcpy(before.data, op[1]->data, (size_t)(m * n * size));
        status = multiply(&act, &before, &weight, 0);
        if (status == 0) wg_parallel_for(m, 1, cell_cost(dtype, 1.5) * (double)n, lstm_cells[dtype], &r);
    }
    if (scratch) wg_scratch_put(scratch);
    return status;
}

int WG_K(lstm_vjp)(wg_array *const *op, int nop, const wg_attr *attr) {
    const int64_t n = op[1]->shape[1];
    const int dtype = op[0]->dtype;
    const wg_attr back[2] = {attr[0], turned_round(attr)};
    int64_t row = first_row(back);
    int status = 0;
    copy_or_zero(op[1], op[4]);
    copy_or_zero(op[2], op[5]);
    recurrence r = {.n = n};
    for (int k = 0; k < nop; k++) r.data[k] = op[k]->data;
    for (uint32_t k = 0; k < attr[0].n && status == 0; k++) {
        const int64_t m = step_at(back, k, &row, &r.row);
        wg_array g = rows_of(op[0], r.row, m, 4 * n), gh = rows_of(op[1], 0, m, n);
        wg_parallel_for(m, 1, cell_cost(dtype, 1) * (double)n, lstm_backs[dtype], &r);
        status = multiply(&gh, &g, op[9], 0);
    }
    return status;
}

int WG_K(gru)(wg_array *const *op, int nop, const wg_attr *attr) {
    const int64_t n = op[6]->shape[1], batch = op[6]->shape[0], size = wg_itemsize[op[0]->dtype];
    const int dtype = op[0]->dtype;
    int64_t row = first_row(attr);
    wg_array weight, recurrent;
    void *scratch, *memory = wg_scratch_get(batch * 3 * n * size);
    if (memory == NULL) return -1;
    int status = turned_weight(&weight, &scratch, op[7], attr[0].n);
    copy_or_zero(op[1], op[6]);
    recurrence r = {.n = n};
    for (int k = 0; k < nop; k++) r.data[k] = op[k]->data;
    r.data[nop] = memory;
    for (uint32_t k = 0; k < attr[0].n && status == 0; k++) {
        const int64_t m = step_at(attr, k, &row, &r.row);
        wg_array before = rows_of(op[4], r.row, m, n);
        recurrent = rows_of(op[2], 0, m, 3 * n);
        recurrent.data = memory;
        memcpy(before.data, op[1]->data, (size_t)(m * n * size));
        status = multiply(&recurrent, &before, &weight, 0);
        if (status == 0) wg_parallel_for(m, 1, cell_cost(dtype, 1.2) * (double)n, gru_cells[dtype], &r);
    }
    if (scratch) wg_scratch_put(scratch);
    wg_scratch_put(memory);
    return status;
}

int WG_K(gru_vjp)(wg_array *const *op, int nop, const wg_attr *attr) {
    const int64_t n = op[2]->shape[1];
    const int dtype = op[0]->dtype;
    const wg_attr back[2] = {attr[0], turned_round(attr)};
    int64_t row = first_row(back);
    int status = 0;
    copy_or_zero(op[2], op[4]);
    recurrence r = {.n = n};
    for (int k = 0; k < nop; k++) r.data[k] = op[k]->data;
    for (uint32_t k = 0; k < attr[0].n && status == 0; k++) {
        const int64_t m = step_at(back, k, &row, &r.row);
        wg_array g = rows_of(op[1], r.row, m, 3 * n), gh = rows_of(op[2], 0, m, n);
        wg_parallel_for(m, 1, cell_cost(dtype, 1) * (double)n, gru_backs[dtype], &r);
        status = multiply(&gh, &g, op[8], 1);
    }
    return status;
}
