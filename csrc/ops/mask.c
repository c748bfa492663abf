/* Rows that go by a mask, and what asks how many: masked_select and its kin, nonzero, one_hot. */
#include "into.h"
#include "ops.h"

#include "../wg_launch.h"
#include "../wg_storage.h"

#define WG_FORWARD(name) int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y)

/* How many elements of an array are not zero. */
static int count(const wg_array *a, int64_t *n) {
    int64_t ones[WG_MAX_DIMS], dims[WG_MAX_DIMS];
    wg_val total;
    for (int d = 0; d < a->ndim; d++) { ones[d] = 1; dims[d] = d; }
    if (wg_new(&total, WG_I64, a->ndim, ones) < 0) return -1;
    wg_attr reduce[1] = {WG_INTS(dims, a->ndim)};
    int status = wg_launch(WG_K_count_nonzero, (wg_array *[]){&total.a, (wg_array *)a}, 2, reduce, 1);
    if (status == 0) *n = *(const int64_t *)total.a.data;
    wg_val_release(&total);
    return status;
}

/* A mask that stays as it was counted: Note [Contents that are gone by]. */
static const wg_array *steady(const wg_array *mask, wg_array *own) {
    const int copied = wg_steady(mask, own);
    return copied < 0 ? NULL : copied ? own : mask;
}

static int let_go(wg_array *own, int status) {
    if (own->storage) wg_storage_drop(own->storage);
    return status;
}

/* x and mask broadcast to one shape, as operands that own nothing. */
static int broadcast(wg_array *bx, wg_array *bmask, const wg_array *x, const wg_array *mask) {
    int ndim;
    int64_t shape[WG_MAX_DIMS];
    if (wg_broadcast_shapes((const wg_array *const[]){x, mask}, 2, &ndim, shape) < 0) return -1;
    wg_expanded_array(bx, x, ndim, shape);
    wg_expanded_array(bmask, mask, ndim, shape);
    return 0;
}

/* x, mask */
WG_FORWARD(masked_select) {
    (void)nx, (void)attr;
    wg_array a, given, own;
    const wg_array *mask;
    int64_t n;
    wg_val_clear(y);
    if (x[1]->a.dtype != WG_BOOL) return wg_fail(WG_RUNTIME_ERROR, "masked_select: expected BoolTensor for mask");
    if (broadcast(&given, &a, &x[1]->a, &x[0]->a) < 0 || (mask = steady(&given, &own)) == NULL) return -1;
    if (count(mask, &n) < 0 || wg_new(y, a.dtype, 1, &n) < 0) return let_go(&own, -1);
    return let_go(&own, wg_done(y, wg_launch(WG_K_masked_select, (wg_array *[]){&y->a, &a, (wg_array *)mask}, 3, NULL, 0)));
}

/* y, which holds x's values, takes the source's elements where the mask is true. */
static int spread(wg_array *y, const wg_array *mask, const wg_array *source) {
    wg_array all;
    if (mask->dtype != WG_BOOL)
        return wg_fail(WG_RUNTIME_ERROR, "masked_scatter_ only supports boolean masks, but got mask with dtype %s", wg_dtype_title[mask->dtype]);
    if (source->dtype != y->dtype)
        return wg_fail(WG_RUNTIME_ERROR, "masked_scatter: expected self and source to have same dtypes but got %s and %s",
                       wg_dtype_title[y->dtype], wg_dtype_title[source->dtype]);
    if (!wg_expandable(mask, y->ndim, y->shape)) {
        const wg_array *both[2] = {y, mask};
        int64_t shape[WG_MAX_DIMS];
        int ndim;
        if (wg_broadcast_shapes(both, 2, &ndim, shape) < 0) return -1;
        return wg_fail(WG_RUNTIME_ERROR, "output with shape %s doesn't match the broadcast shape %s", WG_SHAPE(y), WG_LIST(shape, ndim));
    }
    wg_expanded_array(&all, mask, y->ndim, y->shape);
    return wg_launch(WG_K_masked_scatter, (wg_array *[]){y, &all, (wg_array *)source}, 3, NULL, 0);
}

/* x, mask, source */
int wg_into_masked_scatter(wg_array *y, const wg_val *const *x, int nx, const wg_attr *attr) {
    (void)nx, (void)attr;
    return spread(y, &x[1]->a, &x[2]->a);
}

WG_FORWARD(masked_scatter) {
    wg_array a, mask;
    wg_val_clear(y);
    if (broadcast(&a, &mask, &x[0]->a, &x[1]->a) < 0 || wg_copy_new(y, a.dtype, &a, 1) < 0) return -1;
    return wg_done(y, wg_into_masked_scatter(&y->a, x, nx, attr));
}

/* x, mask; shape: zeros of the shape to which mask and shape broadcast, with x's first elements where mask is true. */
WG_FORWARD(_masked_place) {
    (void)nx;
    wg_array whole, given = {.dtype = x[0]->a.dtype}, mask;
    wg_val_clear(y);
    wg_array_set_dims(&given, (int)attr[0].n, attr[0].v, NULL);
    if (broadcast(&whole, &mask, &given, &x[1]->a) < 0 || wg_new_zeros(y, x[0]->a.dtype, whole.ndim, whole.shape) < 0) return -1;
    return wg_done(y, spread(&y->a, &mask, &x[0]->a));
}

/* x, mask; shape: the elements of x where mask is true, then zeros, in that shape. */
WG_FORWARD(_masked_take) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    wg_array given, head, own;
    const wg_array *mask;
    int64_t n;
    wg_val_clear(y);
    if (!wg_expandable(&x[1]->a, a->ndim, a->shape))
        return wg_fail(WG_RUNTIME_ERROR, "the mask of shape %s does not broadcast to shape %s", WG_SHAPE(&x[1]->a), WG_SHAPE(a));
    wg_expanded_array(&given, &x[1]->a, a->ndim, a->shape);
    if ((mask = steady(&given, &own)) == NULL) return -1;
    if (count(mask, &n) < 0 || wg_new_zeros(y, a->dtype, (int)attr[0].n, attr[0].v) < 0) return let_go(&own, -1);
    if (n > y->a.numel)
        return let_go(&own, wg_done(y, wg_fail(WG_RUNTIME_ERROR, "Number of elements of source < number of ones in mask")));
    memcpy(&head, &y->a, offsetof(wg_array, shape));
    wg_array_set_dims(&head, 1, &n, NULL);
    return let_go(&own, wg_done(y, wg_launch(WG_K_masked_select, (wg_array *[]){&head, (wg_array *)a, (wg_array *)mask}, 3, NULL, 0)));
}

/* Column by column in memory, as PyTorch has it: x.nonzero().t() is dense. */
WG_FORWARD(nonzero) {
    (void)nx, (void)attr;
    wg_array own;
    const wg_array *a = steady(&x[0]->a, &own);
    int64_t n;
    wg_val_clear(y);
    if (a == NULL) return -1;
    if (count(a, &n) < 0) return let_go(&own, -1);
    int64_t shape[2] = {n, a->ndim}, strides[2] = {1, n};
    if (wg_new(y, WG_I64, 2, shape) < 0) return let_go(&own, -1);
    wg_array_set_dims(&y->a, 2, shape, strides);
    return let_go(&own, wg_done(y, wg_launch(WG_K_nonzero, (wg_array *[]){&y->a, (wg_array *)a}, 2, NULL, 0)));
}

/* The smallest and the largest class. */
static int class_range(const wg_array *a, int64_t *least, int64_t *most) {
    int64_t ones[WG_MAX_DIMS], dims[WG_MAX_DIMS];
    wg_val low, high;
    for (int d = 0; d < a->ndim; d++) { ones[d] = 1; dims[d] = d; }
    if (wg_new(&low, WG_I64, a->ndim, ones) < 0) return -1;
    if (wg_new(&high, WG_I64, a->ndim, ones) < 0) return wg_done(&low, -1);
    wg_attr reduce[1] = {WG_INTS(dims, a->ndim)};
    int status = wg_launch(WG_K_aminmax, (wg_array *[]){&low.a, &high.a, (wg_array *)a}, 3, reduce, 1);
    if (status == 0) {
        *least = *(const int64_t *)low.a.data;
        *most = *(const int64_t *)high.a.data;
    }
    wg_val_release(&low);
    wg_val_release(&high);
    return status;
}

/* x; num_classes */
WG_FORWARD(one_hot) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    int64_t shape[WG_MAX_DIMS + 1], classes = attr[0].i;
    wg_val_clear(y);
    if (a->dtype != WG_I64) return wg_fail(WG_RUNTIME_ERROR, "one_hot is only applicable to index tensor of type LongTensor.");
    if (a->numel == 0) {
        if (classes <= 0) return wg_fail(WG_RUNTIME_ERROR, "Can not infer total number of classes from empty tensor.");
    } else {
        int64_t least = 0, most = 0;
        if (class_range(a, &least, &most) < 0) return -1;
        if (least < 0) return wg_fail(WG_RUNTIME_ERROR, "Class values must be non-negative.");
        if (classes == -1) classes = most == INT64_MAX ? most : most + 1;
        else if (most >= classes) return wg_fail(WG_RUNTIME_ERROR, "Class values must be smaller than num_classes.");
    }
    memcpy(shape, a->shape, sizeof(int64_t) * a->ndim);
    shape[a->ndim] = classes;
    if (wg_new(y, WG_I64, a->ndim + 1, shape) < 0) return -1;
    return wg_done(y, wg_launch(WG_K_one_hot, (wg_array *[]){&y->a, (wg_array *)a}, 2, NULL, 0));
}
