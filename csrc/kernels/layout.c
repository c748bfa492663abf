/* Kernels that move elements to other places: cat, flip, roll, repeat, tril and triu, and the sum into
 * overlapping views. Padding stands in pad.c. */
#include "cast.h"
#include "strided.h"

static int copy(wg_array *y, wg_array *x) { return WG_K(copy)((wg_array *[]){y, x}, 2, NULL); }

/* cat(y, x0, x1, ...; dim): the inputs one after another along dim, cast to y's dtype. */
int WG_K(cat)(wg_array *const *op, int nop, const wg_attr *attr) {
    wg_array *y = op[0];
    int dim = wg_dim(y, attr[0].i), dense = y->contiguous;
    int64_t outer = 1, inner = wg_itemsize[y->dtype];
    for (int d = 0; d < dim; d++) outer *= y->shape[d];
    for (int d = dim + 1; d < y->ndim; d++) inner *= y->shape[d];
    for (int k = 1; k < nop && dense; k++) dense = op[k]->contiguous && op[k]->dtype == y->dtype && op[k]->ndim == y->ndim;
    if (dense && y->numel * wg_itemsize[y->dtype] <= 131072) {
        char *to = y->data;
        for (int64_t i = 0; i < outer; i++)
            for (int k = 1; k < nop; k++) {
                int64_t bytes = op[k]->shape[dim] * inner;
                const char *from = op[k]->data + i * bytes;
                if (bytes == 4) memcpy(to, from, 4);         /* one or two numbers of a row: a call costs more than the move */
                else if (bytes == 8) memcpy(to, from, 8);
                else if (bytes == 16) memcpy(to, from, 16);
                else if (bytes) memcpy(to, from, (size_t)bytes);
                to += bytes;
            }
        return 0;
    }
    int64_t begin = 0;
    for (int k = 1; k < nop; k++) {
        wg_array part;
        wg_view_copy(&part, y);
        wg_view_narrow(&part, dim, begin, op[k]->shape[dim]);
        begin += op[k]->shape[dim];
        if (copy(&part, op[k])) return -1;
    }
    return 0;
}

/* flip(y, x; dims) */
int WG_K(flip)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array x;
    wg_view_copy(&x, op[1]);
    for (uint32_t i = 0; i < attr[0].n; i++) {
        int d = wg_dim(&x, attr[0].v[i]);
        if (d >= x.ndim || x.shape[d] < 2) continue;
        x.data += (x.shape[d] - 1) * x.strides[d] * wg_itemsize[x.dtype];
        x.strides[d] = -x.strides[d];
        x.contiguous = 0;
    }
    return copy(op[0], &x);
}

/* roll(y, x; shifts, dims): each dimension rolled falls into two parts, copied for every combination. */
int WG_K(roll)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array *y = op[0], *x = op[1];
    int64_t shift[WG_MAX_DIMS] = {0};
    int dims[WG_MAX_DIMS], n = 0;
    if (!y->numel) return 0;
    for (uint32_t i = 0; i < attr[1].n; i++) {
        int d = wg_dim(x, attr[1].v[i]);
        if (d >= x->ndim) continue;
        shift[d] = ((shift[d] + attr[0].v[i] % x->shape[d]) % x->shape[d] + x->shape[d]) % x->shape[d];
    }
    for (int d = 0; d < x->ndim; d++) if (shift[d]) dims[n++] = d;
    for (uint32_t part = 0; part < 1u << n; part++) {
        wg_array to, from;
        wg_view_copy(&to, y);
        wg_view_copy(&from, x);
        for (int i = 0; i < n; i++) {
            int d = dims[i];
            int64_t size = x->shape[d], wrapped = shift[d];
            if (part >> i & 1) {
                wg_view_narrow(&to, d, 0, wrapped);
                wg_view_narrow(&from, d, size - wrapped, wrapped);
            } else {
                wg_view_narrow(&to, d, wrapped, size - wrapped);
                wg_view_narrow(&from, d, 0, size - wrapped);
            }
        }
        if (copy(&to, &from)) return -1;
    }
    return 0;
}

#define WG_TEMPLATE "layout_sized.inc"
#include "each_size.h"

static const wg_run move[4] = WG_SIZED(move);
typedef void (*zero_fn)(char *y, int64_t n, int64_t step);
static const zero_fn zero[4] = WG_SIZED(zero);

/* repeat(y, x; repeats): y has len(repeats) dimensions, x as many or fewer; same dtype. */
int WG_K(repeat)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    const wg_array *y = op[0], *x = op[1];
    int64_t size = wg_itemsize[y->dtype];
    wg_nest t;
    wg_nest_begin(&t, 2);
    t.p[0] = y->data;
    t.p[1] = x->data;
    for (int d = 0; d < y->ndim; d++) {
        int own = d - (y->ndim - x->ndim);
        int64_t extent = own < 0 ? 1 : x->shape[own], stride = own < 0 ? 0 : x->strides[own] * size;
        wg_nest_dim(&t, attr[0].v[d], (int64_t[]){y->strides[d] * size * extent, 0});
        wg_nest_dim(&t, extent, (int64_t[]){y->strides[d] * size, stride});
    }
    wg_nest_end(&t, (int64_t[]){size, size});
    wg_nest_parallel(&t, 0.1 * (double)size, move[wg_size_index(y->dtype)], NULL);
    return 0;
}

/* Zeros where column - row is above the diagonal (upper = 1) or below it (upper = 0). */
typedef struct { const wg_array *y; int64_t diagonal; int upper; } triangle;

static void clear_triangle(void *context, int64_t begin, int64_t end) {
    const triangle *job = context;
    const wg_array *y = job->y;
    int64_t rows = y->shape[y->ndim - 2], columns = y->shape[y->ndim - 1], size = wg_itemsize[y->dtype];
    int64_t step = y->strides[y->ndim - 1] * size;
    for (int64_t item = begin; item < end; item++) {
        int64_t row = item % rows, batch = item / rows;
        char *p = y->data + row * y->strides[y->ndim - 2] * size;
        for (int d = y->ndim - 3; d >= 0; d--) {
            p += batch % y->shape[d] * y->strides[d] * size;
            batch /= y->shape[d];
        }
        int64_t first = 0, last = columns;                        /* of what is cleared */
        if (job->upper) first = row + job->diagonal + 1 > 0 ? row + job->diagonal + 1 : 0;
        else last = row + job->diagonal < columns ? row + job->diagonal : columns;
        if (first < last) zero[wg_size_index(y->dtype)](p + first * step, last - first, step);
    }
}

static int keep_triangle(wg_array *y, wg_array *x, int64_t diagonal, int clear_upper) {
    /* beyond every column anyway; keeps row + diagonal from overflowing */
    int64_t far = (int64_t)1 << 60;
    triangle job = {y, diagonal > far ? far : diagonal < -far ? -far : diagonal, clear_upper};
    if (copy(y, x)) return -1;
    if (y->numel) wg_parallel_for(y->numel / y->shape[y->ndim - 1], 64, 0.05 * (double)y->shape[y->ndim - 1], clear_triangle, &job);
    return 0;
}

/* tril(y, x; diagonal), triu(y, x; diagonal): of the last two dimensions; y may be x. */
int WG_K(tril)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    return keep_triangle(op[0], op[1], attr[0].i, 1);
}

int WG_K(triu)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    return keep_triangle(op[0], op[1], attr[0].i, 0);
}

#define WG_TEMPLATE "layout_typed.inc"
#include "each_dtype.h"

static const wg_run add[WG_NDTYPES] = WG_TYPED(add);

/* accumulate(y, x): y += x where y may overlap itself (strides of 0, sliding windows): the adjoint of
 * expand, as_strided and unfold. One element after another in x's row-major order, on one thread. */
int WG_K(accumulate)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop, (void)attr;
    const wg_array *y = op[0], *x = op[1];
    wg_nest t;
    wg_nest_arrays(&t, x->shape, x->ndim, 2, (const wg_array *[]){y, x});
    if (t.runs) do add[y->dtype](NULL, t.n, t.p, t.step); while (wg_nest_next(&t));
    return 0;
}
