/* embedding and its VJP with respect to the weight. */
#include "index.h"

#define WG_TEMPLATE "embedding_typed.inc"
#define WG_FLOATS_ONLY
#include "each_dtype.h"

static void (*const adds[WG_NDTYPES])(char *, int64_t, const char *, int64_t, int64_t, double) = WG_TYPED_FLOATS(add);

static int check(const wg_array *index, int64_t rows) {
    int64_t bad;
    return find_outside(index, 0, rows, &bad) ? wg_fail(WG_INDEX_ERROR, "index out of range in self") : 0;
}

/* embedding(y, weight, index): y has index's shape and weight's second dimension. */
int WG_K(embedding)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop, (void)attr;
    const wg_array *y = op[0], *weight = op[1], *index = op[2];
    wg_array rows, at;
    if (check(index, weight->shape[0])) return -1;
    wg_view_copy(&rows, y);
    wg_view_copy(&at, y);
    rows.data = weight->data;
    at.data = index->data;
    at.dtype = WG_I64;
    for (int d = 0; d < index->ndim; d++) {
        rows.strides[d] = 0;
        at.strides[d] = index->strides[d];
    }
    rows.strides[index->ndim] = weight->strides[1];
    at.strides[index->ndim] = 0;
    rows.contiguous = at.contiguous = 0;
    gather_walk(y, &rows, &at, weight->strides[0] * wg_itemsize[weight->dtype]);
    return 0;
}

typedef struct { const wg_array *gweight, *g; wg_nest t; int64_t padding; const int64_t *counts; } job;

/* Threads share the columns: the rows of equal indices are added in their order. */
static void add_columns(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    const wg_array *gweight = j->gweight;
    int64_t size = wg_itemsize[gweight->dtype], row = gweight->strides[0] * size, sy = gweight->strides[1] * size;
    int64_t sg = j->g->strides[j->g->ndim - 1] * size;
    wg_nest t;
    wg_nest_copy(&t, &j->t);
    if (t.runs) do {
        int64_t i = *(const int64_t *)t.p[1];
        if (i == j->padding) continue;
        adds[gweight->dtype](gweight->data + i * row + begin * sy, sy, t.p[0] + begin * sg, sg, end - begin,
                             j->counts ? 1.0 / (double)j->counts[i] : 1.0);
    } while (wg_nest_next(&t));
}

/* embedding_vjp(gweight; g, index; padding_idx, scale_grad_by_freq): rows of g summed by index. The row padding_idx (-1:
 * none) stays zero; with scale_grad_by_freq each row is divided by how often its index occurs. */
int WG_K(embedding_vjp)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array *gweight = op[0], *g = op[1], *index = op[2];
    if (check(index, gweight->shape[0])) return -1;
    job j = {.gweight = gweight, .g = g, .padding = attr[0].i};
    int64_t *counts = NULL, columns = gweight->shape[1];
    wg_nest_rows(&j.t, index->shape, index->ndim, 2, (const wg_array *[]){g, index});
    if (attr[1].i) {
        if (!(counts = wg_scratch_get(gweight->shape[0] * (int64_t)sizeof(int64_t)))) return -1;
        memset(counts, 0, (size_t)gweight->shape[0] * sizeof(int64_t));
        wg_nest t;
        wg_nest_copy(&t, &j.t);
        if (t.runs) do counts[*(const int64_t *)t.p[1]]++; while (wg_nest_next(&t));
        j.counts = counts;
    }
    WG_K(fill)((wg_array *[]){gweight}, 1, (wg_attr[]){WG_INT(0)});
    wg_parallel_for(columns, 64, 5 + 0.1 * (double)j.t.runs, add_columns, &j);
    if (counts) wg_scratch_put(counts);
    return 0;
}
