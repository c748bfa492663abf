/* Kernels that go by a mask: masked_select, masked_scatter, nonzero. Masks are bool or uint8. */
#include "index.h"

#define WG_TEMPLATE "mask_sized.inc"
#include "each_size.h"
#define WG_TEMPLATE "mask_typed.inc"
#include "each_dtype.h"

static int64_t (*const selects[4])(char *, int64_t, int64_t, char *const *, const int64_t *) = WG_SIZED(select);
static int64_t (*const spreads[4])(const char *, int64_t, char *const *, const int64_t *) = WG_SIZED(spread);
static int64_t (*const counts[WG_NDTYPES])(int64_t, const char *, int64_t) = WG_TYPED(count);
static int (*const places_of[WG_NDTYPES])(int64_t, const char *, int64_t, int16_t *) = WG_TYPED(places);

static int64_t count(const wg_array *x) {
    int64_t total = 0;
    wg_nest t;
    wg_nest_arrays(&t, x->shape, x->ndim, 1, &x);
    if (t.runs) do total += counts[x->dtype](t.n, t.p[0], t.step[0]); while (wg_nest_next(&t));
    return total;
}

/* masked_select(y, x, mask): x and mask of one shape, y a vector as long as count_nonzero(mask) says. */
int WG_K(masked_select)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop, (void)attr;
    const wg_array *y = op[0], *x = op[1], *mask = op[2];
    int64_t sy = y->strides[0] * wg_itemsize[y->dtype];
    char *to = y->data;
    wg_nest t;
    wg_nest_arrays(&t, x->shape, x->ndim, 2, (const wg_array *[]){x, mask});
    if (t.runs) do to += sy * selects[wg_size_index(x->dtype)](to, sy, t.n, t.p, t.step); while (wg_nest_next(&t));
    return 0;
}

/* masked_scatter(y, mask, src): the places of the mask take src's elements in row-major order, in place. */
int WG_K(masked_scatter)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop, (void)attr;
    wg_array *y = op[0], *mask = op[1], *src = op[2], dense;
    if (count(mask) > src->numel)
        return wg_fail(WG_RUNTIME_ERROR, "Number of elements of source < number of ones in mask");
    int64_t size = wg_itemsize[y->dtype];
    char *own = NULL;
    if (!src->contiguous) {
        own = wg_scratch_get(src->numel * size);
        if (!own) return -1;
        wg_view_make(&dense, own, src->dtype, src->ndim, src->shape);
        if (WG_K(copy)((wg_array *[]){&dense, src}, 2, NULL)) {
            wg_scratch_put(own);
            return -1;
        }
    }
    const char *from = own ? own : src->data;
    wg_nest t;
    wg_nest_arrays(&t, y->shape, y->ndim, 2, (const wg_array *[]){y, mask});
    if (t.runs) do from += size * spreads[wg_size_index(y->dtype)](from, t.n, t.p, t.step); while (wg_nest_next(&t));
    if (own) wg_scratch_put(own);
    return 0;
}

/* nonzero(y, x): y is int64 (count_nonzero(x), x's number of dimensions), a row of coordinates per element. */
int WG_K(nonzero)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop, (void)attr;
    const wg_array *y = op[0], *x = op[1];
    int64_t coordinate[WG_MAX_DIMS] = {0}, row = y->strides[0], column = y->strides[1], *to = (int64_t *)y->data;
    int last = x->ndim - 1;
    if (!x->numel || last < 0) return 0;                        /* of a 0-d x nothing but the count is told */
    int64_t n = x->shape[last], step = x->strides[last] * wg_itemsize[x->dtype];
    for (int d = last; d >= 0;) {
        const char *p = x->data;
        int16_t places[257];
        for (int k = 0; k < last; k++) p += coordinate[k] * x->strides[k] * wg_itemsize[x->dtype];
        for (int64_t begin = 0; begin < n; begin += 256) {
            int found = places_of[x->dtype](n - begin < 256 ? n - begin : 256, p + begin * step, step, places);
            for (int i = 0; i < found; i++, to += row) {
                for (int k = 0; k < last; k++) to[k * column] = coordinate[k];
                to[last * column] = begin + places[i];
            }
        }
        for (d = last - 1; d >= 0 && ++coordinate[d] == x->shape[d]; d--) coordinate[d] = 0;
    }
    return 0;
}
