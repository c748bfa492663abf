/* pad(y, x; mode, pads, value) and its VJP. Modes: 0 constant, 1 reflect, 2 replicate, 3 circular. pads are
 * PyTorch's: (before, after) of the last dimension, then of the one before it, ...; negative ones crop. */
#include "cast.h"
#include "strided.h"

enum { CONSTANT, REFLECT, REPLICATE, CIRCULAR };

/* Narrows y and x to the part of x that y shows; 0 if there is none. */
static int common_part(wg_array *y, wg_array *x, const int64_t *pads, uint32_t n) {
    for (uint32_t i = 0; i < n / 2; i++) {
        int d = y->ndim - 1 - (int)i;
        int64_t before = pads[2 * i], after = pads[2 * i + 1];
        int64_t skip = before < 0 ? -before : 0, size = x->shape[d] - skip + (after < 0 ? after : 0);
        if (size <= 0) return 0;
        wg_view_narrow(x, d, skip, size);
        wg_view_narrow(y, d, before > 0 ? before : 0, size);
    }
    return 1;
}

/* Where in x, along a dimension of size n, stands what y shows at i. */
static int64_t source(int mode, int64_t i, int64_t n) {
    switch (mode) {
    case REFLECT: i = i < 0 ? -i : i; return i >= n ? 2 * (n - 1) - i : i;
    case REPLICATE: return i < 0 ? 0 : i >= n ? n - 1 : i;
    default: return i < 0 ? i + n : i >= n ? i - n : i;
    }
}

/* A row of the last dimension: element i of y belongs to the one map[i] bytes from x. Those of [begin, end) lie side by side in both. */
typedef void (*pad_row)(char *y, int64_t step, char *x, const int64_t *map, int64_t n, int64_t begin, int64_t end);

/* The padded dimensions are walked through maps of byte offsets into x, one behind the other in `map`. */
typedef struct pad_job {
    const wg_array *y, *x;                   /* y: the padded one (g in the VJP) */
    int lead;                                /* dimensions before the padded ones: independent of each other */
    const int64_t *map;
    int64_t begin, end;
    pad_row row;
} pad_job;

#define WG_TEMPLATE "pad_sized.inc"
#include "each_size.h"
#define WG_TEMPLATE "pad_typed.inc"
#include "each_dtype.h"

static const pad_row show[4] = WG_SIZED(show);
static const pad_row collect[WG_NDTYPES] = WG_TYPED(collect);

static void pad_items(void *context, int64_t begin, int64_t end) {
    const pad_job *job = context;
    const wg_array *y = job->y, *x = job->x;
    int last = y->ndim - 1;
    int64_t ysize = wg_itemsize[y->dtype], xsize = wg_itemsize[x->dtype];
    for (int64_t item = begin; item < end; item++) {
        char *py = y->data, *px = x->data;
        int64_t rest = item, count[WG_MAX_DIMS] = {0};
        for (int d = job->lead - 1; d >= 0; d--) {
            py += rest % y->shape[d] * y->strides[d] * ysize;
            px += rest % y->shape[d] * x->strides[d] * xsize;
            rest /= y->shape[d];
        }
        for (int d = last;;) {
            char *ry = py, *rx = px;
            const int64_t *map = job->map;
            for (int k = job->lead; k < last; k++) {
                ry += count[k] * y->strides[k] * ysize;
                rx += map[count[k]];
                map += y->shape[k];
            }
            job->row(ry, y->strides[last] * ysize, rx, map, y->shape[last], job->begin, job->end);
            for (d = last - 1; d >= job->lead && ++count[d] == y->shape[d]; d--) count[d] = 0;
            if (d < job->lead) break;
        }
    }
}

static int mapped(const wg_array *y, const wg_array *x, const wg_attr *attr, pad_row row) {
    int last = y->ndim - 1, padded = (int)attr[1].n / 2, lead = y->ndim - padded;
    int64_t total = 0, outer = 1;
    if (!y->numel) return 0;
    for (int d = lead; d < y->ndim; d++) total += y->shape[d];
    for (int d = 0; d < lead; d++) outer *= y->shape[d];
    int64_t *map = wg_scratch_get(total * (int64_t)sizeof(int64_t)), *to = map;
    if (!map) return -1;
    for (int d = lead; d < y->ndim; d++)
        for (int64_t i = 0; i < y->shape[d]; i++)
            *to++ = source((int)attr[0].i, i - attr[1].v[2 * (y->ndim - 1 - d)], x->shape[d]) * x->strides[d] * wg_itemsize[x->dtype];
    const int64_t before = attr[1].v[0], inside = before + x->shape[last];
    pad_job job = {y, x, lead, map, before > 0 ? before : 0, inside < y->shape[last] ? inside : y->shape[last], row};
    if (y->strides[last] != 1 || x->strides[last] != 1 || job.end < job.begin) job.begin = job.end = 0;
    wg_parallel_for(outer, 1, 0.5 * (double)(y->numel / outer), pad_items, &job);
    wg_scratch_put(map);
    return 0;
}

/* Fills what constant padding adds: of a large y only that. */
static int frame(const wg_array *y, const wg_attr *attr) {
    wg_array inner, part;
    if (y->numel < 4096) return WG_K(fill)((wg_array *[]){(wg_array *)y}, 1, attr + 2);
    wg_view_copy(&inner, y);
    for (uint32_t i = 0; i < attr[1].n / 2; i++) {
        const int d = y->ndim - 1 - (int)i;
        int64_t size = inner.shape[d], before = attr[1].v[2 * i], after = attr[1].v[2 * i + 1];
        if (before > size) before = size;
        if (before > 0) {
            wg_view_copy(&part, &inner);
            wg_view_narrow(&part, d, 0, before);
            if (WG_K(fill)((wg_array *[]){&part}, 1, attr + 2)) return -1;
            wg_view_narrow(&inner, d, before, size -= before);
        }
        if (after > size) after = size;
        if (after > 0) {
            wg_view_copy(&part, &inner);
            wg_view_narrow(&part, d, size - after, after);
            if (WG_K(fill)((wg_array *[]){&part}, 1, attr + 2)) return -1;
            wg_view_narrow(&inner, d, 0, size - after);
        }
    }
    return 0;
}

int WG_K(pad)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array *y = op[0], *x = op[1];
    if (attr[0].i != CONSTANT && attr[1].n) return mapped(y, x, attr, show[wg_size_index(y->dtype)]);
    wg_array to, from;
    wg_view_copy(&to, y);
    wg_view_copy(&from, x);
    if (frame(y, attr)) return -1;
    return common_part(&to, &from, attr[1].v, attr[1].n) ? WG_K(copy)((wg_array *[]){&to, &from}, 2, NULL) : 0;
}

/* pad_vjp(gx, g; mode, pads) */
int WG_K(pad_vjp)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array *gx = op[0], *g = op[1];
    int cropped = attr[0].i != CONSTANT;
    for (uint32_t i = 0; i < attr[1].n; i++) cropped |= attr[1].v[i] < 0;
    if (cropped && WG_K(fill)((wg_array *[]){gx}, 1, (wg_attr[]){WG_INT(0)})) return -1;
    if (attr[0].i != CONSTANT && attr[1].n) return mapped(g, gx, attr, collect[gx->dtype]);
    wg_array to, from;
    wg_view_copy(&to, gx);
    wg_view_copy(&from, g);
    return common_part(&from, &to, attr[1].v, attr[1].n) ? WG_K(copy)((wg_array *[]){&to, &from}, 2, NULL) : 0;
}
