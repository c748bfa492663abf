/* Kernels that make values out of nothing: arange, linspace, one_hot.
 *
 * arange and linspace give PyTorch's bits, which come from fused multiply-adds. fma is the correctly rounded
 * function of C here (an instruction or a library call), so the bits are the same at every ISA level. */
#include "cast.h"
#include "strided.h"

#include <math.h>

#define WG_TEMPLATE "create_typed.inc"
#include "each_dtype.h"

static void (*const arange[WG_NDTYPES])(char *, int64_t, int64_t, const wg_attr *) = WG_TYPED(arange);
static void (*const linspace[WG_NDTYPES])(char *, int64_t, int64_t, const wg_attr *) = WG_TYPED(linspace);

static int fill_line(void (*const *fill)(char *, int64_t, int64_t, const wg_attr *), const wg_array *y, const wg_attr *attr) {
    int64_t size = wg_itemsize[y->dtype];
    if (y->numel) fill[y->dtype](y->data, y->numel, y->contiguous ? size : y->strides[0] * size, attr);
    return 0;
}

/* arange(y; start, step): y is 1-d. Integer dtypes take the integer parts of start and step. */
int WG_K(arange)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    return fill_line(arange, op[0], attr);
}

/* linspace(y; start, end): y is 1-d; from both ends towards the middle. */
int WG_K(linspace)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    return fill_line(linspace, op[0], attr);
}

/* one_hot(y, index): y has index's shape and a last dimension of the number of classes; int64 both. */
int WG_K(one_hot)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop, (void)attr;
    wg_array *y = op[0], *index = op[1];
    int64_t classes = y->shape[y->ndim - 1], step = y->strides[y->ndim - 1] * (int64_t)sizeof(int64_t);
    wg_nest t;
    wg_nest_arrays(&t, index->shape, index->ndim, 1, (const wg_array *[]){index});
    if (t.runs) do
        for (int64_t i = 0; i < t.n; i++) {
            int64_t v = *(const int64_t *)(t.p[0] + i * t.step[0]);
            if (v < 0) return wg_fail(WG_RUNTIME_ERROR, "Class values must be non-negative.");
            if (v >= classes) return wg_fail(WG_RUNTIME_ERROR, "Class values must be smaller than num_classes.");
        }
    while (wg_nest_next(&t));
    if (WG_K(fill)((wg_array *[]){y}, 1, (wg_attr[]){WG_INT(0)})) return -1;
    wg_array first;                                               /* y without its last dimension */
    wg_view_copy(&first, y);
    first.ndim--;
    first.contiguous = 0;
    wg_nest_arrays(&t, index->shape, index->ndim, 2, (const wg_array *[]){&first, index});
    if (t.runs) do
        for (int64_t i = 0; i < t.n; i++)
            *(int64_t *)(t.p[0] + i * t.step[0] + *(const int64_t *)(t.p[1] + i * t.step[1]) * step) = 1;
    while (wg_nest_next(&t));
    return 0;
}
