/* cross_entropy and nll_loss for class indices, fused: float32 and float64.
 *
 * Classes are the only dimension of a 1-d x, else dimension 1; target (int64) has x's shape without it. Attributes of all
 * four kernels: ignore_index, reduction (0 none, 1 mean, 2 sum), and of cross_entropy label_smoothing:
 *
 *     cross_entropy(loss, stats, total; x, target[, weight])      cross_entropy_vjp(gx; g, x, target, stats, total[, weight])
 *     nll_loss(loss, total; x, target[, weight])                  nll_loss_vjp(gx; g, target, total[, weight])
 *
 * `loss` has target's shape or, reduced, one element. `stats`, dense, holds for each target the largest logit and
 * log(sum(exp(logit - largest))), all that the VJP needs beyond x. `total` is the sum of the weights of the targets
 * that are not ignored, which a mean divides by. With s = label_smoothing and K classes, the loss of a target t is
 *
 *     -(1 - s) * w[t] * log p[t] - s / K * sum over k of w[k] * log p[k]
 *
 * (Szegedy et al. 2016, arXiv:1512.00567). A weight that is absent is left out or has no data. */
#include "rows.h"

#include <math.h>

enum { NONE, MEAN, SUM };

typedef struct entropy {
    int64_t n, ignore, stride;               /* classes; byte stride of the classes (nll only) */
    int reduction;
    double smoothing, weight_sum;
    const void *weight, *total;              /* weight is dense */
    void *stats, *weights;                   /* weights: of the rows, where they must be summed */
    void (*rows)(const struct entropy *, int64_t, int, char *const (*)[WG_NEST_OPS]);
    wg_nest t;
} entropy;

/* Where classes are not the last dimension, neighbours in memory are walked together, STRIP at a time: as in softmax.c. */
enum { STRIP = 64, STRIP_ROWS = 32, LEAST_COLUMNS = 16 };

typedef struct columns {
    const entropy *e;
    int64_t inner, strips;                   /* neighbours of one batch item, and pieces of them */
    const int64_t *target;                   /* dense, as losses and g are */
    void *losses;
    const void *g;
    int one_g;
    char *x, *gx;
    int64_t batch[2], step[2];               /* of x and gx in bytes, from one item and class to the next */
    int size;
    void (*forward)(const struct columns *, int64_t, int64_t, const char *);
    void (*backward)(const struct columns *, int64_t, int64_t, const char *, char *);
} columns;

#define WG_TEMPLATE "cross_entropy_typed.inc"
#define WG_FLOATS_ONLY
#include "each_dtype.h"

typedef void (*rows_fn)(const entropy *, int64_t, int, char *const (*)[WG_NEST_OPS]);
static const rows_fn forwards[WG_NDTYPES] = WG_TYPED_FLOATS(forward), backwards[WG_NDTYPES] = WG_TYPED_FLOATS(backward);
static const rows_fn nll_forwards[WG_NDTYPES] = WG_TYPED_FLOATS(nll_rows), nll_backwards[WG_NDTYPES] = WG_TYPED_FLOATS(nll_rows_vjp);
static void (*const finishes[WG_NDTYPES])(const entropy *, const wg_array *, const wg_array *, const void *, int64_t, int64_t) =
    WG_TYPED_FLOATS(finish);
static double (*const weight_sums[WG_NDTYPES])(const void *, int64_t) = WG_TYPED_FLOATS(sum_weights);

static void run_rows(void *context, int64_t begin, int64_t end) {
    const entropy *e = context;
    wg_nest t;
    wg_nest_copy(&t, &e->t);
    wg_nest_seek(&t, begin);
    while (begin < end) {
        char *p[WG_GROUP][WG_NEST_OPS];
        int rows = wg_nest_group(&t, end - begin, p);
        e->rows(e, begin, rows, p);
        begin += rows;
    }
}

static void (*const column_forwards[WG_NDTYPES])(const columns *, int64_t, int64_t, const char *) = WG_TYPED_FLOATS(forward_columns);
static void (*const column_backwards[WG_NDTYPES])(const columns *, int64_t, int64_t, const char *, char *) = WG_TYPED_FLOATS(backward_columns);

static void run_columns(void *context, int64_t begin, int64_t end) {
    const columns *j = context;
    for (int64_t item = begin; item < end; item++) {
        const int64_t batch = item / j->strips, first = item % j->strips * STRIP, left = j->inner - first, m = left < STRIP ? left : STRIP;
        const char *x = j->x + batch * j->batch[0] + first * j->size;
        if (j->forward) j->forward(j, batch * j->inner + first, m, x);
        else j->backward(j, batch * j->inner + first, m, x, j->gx + batch * j->batch[1] + first * j->size);
    }
}

/* Elements side by side behind the dimension of classes; 0: there are gaps. */
static int64_t neighbours(const wg_array *x) {
    int64_t inner = 1;
    for (int d = x->ndim - 1; d > 1; d--) {
        if (x->shape[d] != 1 && x->strides[d] != inner) return 0;
        inner *= x->shape[d];
    }
    return inner;
}

/* Can the kernel walk columns? x and gx (or NULL) have them, and what goes with the targets is dense. */
static int has_columns(columns *j, const entropy *e, const wg_array *x, const wg_array *gx, const wg_array *target) {
    if (x->ndim < 3 || e->smoothing > 0 || !target->contiguous || x->numel == 0) return 0;
    j->inner = neighbours(x);
    if (j->inner < LEAST_COLUMNS || (gx && neighbours(gx) != j->inner)) return 0;
    j->e = e;
    j->strips = (j->inner + STRIP - 1) / STRIP;
    j->target = (const int64_t *)target->data;
    j->size = wg_itemsize[x->dtype];
    j->x = x->data;
    j->batch[0] = x->strides[0] * j->size;
    j->step[0] = x->strides[1] * j->size;
    j->forward = gx ? NULL : column_forwards[x->dtype];
    j->backward = column_backwards[x->dtype];
    if (gx == NULL) return 1;
    j->gx = gx->data;
    j->batch[1] = gx->strides[0] * j->size;
    j->step[1] = gx->strides[1] * j->size;
    return 1;
}

static void walk_columns(columns *j, int64_t batch) {
    wg_parallel_for(batch * j->strips, 1, 15 + 0.5 * (double)(j->e->n * (j->inner < STRIP ? j->inner : STRIP)), run_columns, j);
}

/* How many targets are not ignored; -1 if one is no class. */
static int64_t count_targets(const wg_array *target, int64_t classes, int64_t ignore) {
    int64_t counted = 0;
    wg_nest t;
    wg_nest_arrays(&t, target->shape, target->ndim, 1, &target);
    if (t.runs) do
        for (int64_t i = 0; i < t.n; i++) {
            int64_t v = *(const int64_t *)(t.p[0] + i * t.step[0]);
            if (v == ignore) continue;
            if ((uint64_t)v >= (uint64_t)classes) return wg_fail(WG_INDEX_ERROR, "Target %lld is out of bounds.", (long long)v);
            counted++;
        }
    while (wg_nest_next(&t));
    return counted;
}

static int class_dim(const wg_array *x) { return x->ndim > 1; }

/* Everything in scratch at once: losses, weights of the rows, a dense copy of the weights of the classes. */
typedef struct { char *memory, *losses; } room;

static int prepare(entropy *e, room *own, const wg_array *x, wg_array *weight, const wg_attr *attr, int64_t n, int losses, int weights) {
    int64_t size = wg_itemsize[x->dtype], classes = x->ndim ? x->shape[class_dim(x)] : 1;
    int given = wg_given(weight), copied = given && !weight->contiguous;
    int64_t need = (losses ? n * size : 0) + (weights && given ? n * size : 0) + (copied ? classes * size : 0);
    e->n = classes;
    e->ignore = attr[0].i;
    e->reduction = (int)attr[1].i;
    e->weight = given ? weight->data : NULL;
    e->weights = NULL;
    own->memory = own->losses = NULL;
    if (!need) return 0;
    if (!(own->memory = wg_scratch_get(need))) return -1;
    char *p = own->memory;
    if (losses) { own->losses = p; p += n * size; }
    if (weights && given) { e->weights = p; p += n * size; }
    if (copied) {
        wg_array dense;
        wg_view_copy(&dense, weight);
        dense.data = p;
        dense.strides[0] = 1;
        dense.contiguous = 1;
        e->weight = p;
        if (WG_K(copy)((wg_array *[]){&dense, weight}, 2, NULL)) {
            wg_scratch_put(own->memory);
            return -1;
        }
    }
    return 0;
}

/* A dense vector in target's shape, or one element everywhere. */
static void like_target(wg_array *v, void *data, const wg_array *of, const wg_array *target, int everywhere) {
    int64_t stride = 1;
    wg_view_copy(v, target);
    v->data = data;
    v->dtype = of->dtype;
    for (int d = target->ndim - 1; d >= 0; d--) {
        v->strides[d] = everywhere ? 0 : stride;
        stride *= target->shape[d];
    }
}

int WG_K(cross_entropy)(wg_array *const *op, int nop, const wg_attr *attr) {
    wg_array *loss = op[0], *stats = op[1], *total = op[2], *x = op[3], *target = op[4], *weight = nop > 5 ? op[5] : NULL, losses;
    entropy e;
    room own;
    wg_rows r;
    int64_t counted = count_targets(target, x->ndim ? x->shape[class_dim(x)] : 1, attr[0].i);
    if (counted < 0 || prepare(&e, &own, x, weight, attr, target->numel, 1, 1)) return -1;
    columns j;
    e.smoothing = wg_attr_float(attr[2]);
    e.stats = stats->data;
    if ((e.reduction != NONE || loss->contiguous) && has_columns(&j, &e, x, NULL, target)) {
        j.losses = e.reduction == NONE ? loss->data : own.losses;
        walk_columns(&j, x->shape[0]);
        finishes[x->dtype](&e, loss, total, own.losses, e.reduction == NONE ? 0 : target->numel, counted);
        if (own.memory) wg_scratch_put(own.memory);
        return 0;
    }
    int failed = wg_rows_begin(&r, class_dim(x), 0, 1, &x);
    if (!failed) {
        e.rows = forwards[x->dtype];
        if (e.reduction == NONE) wg_view_copy(&losses, loss);
        else like_target(&losses, own.losses, x, target, 0);
        wg_nest_rows(&e.t, target->shape, target->ndim, 3, (const wg_array *[]){&r.row[0], target, &losses});
        wg_parallel_for(e.t.runs, WG_GROUP, 15 + 0.4 * (double)e.n, run_rows, &e);
        finishes[x->dtype](&e, loss, total, own.losses, e.reduction == NONE ? 0 : target->numel, counted);
        failed = wg_rows_end(&r);
    }
    if (own.memory) wg_scratch_put(own.memory);
    return failed;
}

int WG_K(cross_entropy_vjp)(wg_array *const *op, int nop, const wg_attr *attr) {
    wg_array *gx = op[0], *g = op[1], *x = op[2], *target = op[3], *stats = op[4], *total = op[5], *weight = nop > 6 ? op[6] : NULL;
    wg_array each;
    entropy e;
    room own;
    wg_rows r;
    if (count_targets(target, x->ndim ? x->shape[class_dim(x)] : 1, attr[0].i) < 0 || prepare(&e, &own, x, weight, attr, target->numel, 0, 0)) return -1;
    columns j;
    e.smoothing = wg_attr_float(attr[2]);
    e.stats = stats->data;
    e.total = total->data;
    if ((e.reduction != NONE || g->contiguous) && has_columns(&j, &e, x, gx, target)) {
        j.g = g->data;
        j.one_g = e.reduction != NONE;
        walk_columns(&j, x->shape[0]);
        if (own.memory) wg_scratch_put(own.memory);
        return 0;
    }
    int failed = wg_rows_begin(&r, class_dim(x), 1, 2, (wg_array *[]){gx, x});
    if (!failed) {
        e.weight_sum = e.smoothing > 0 ? weight_sums[x->dtype](e.weight, e.n) : 0;
        e.rows = backwards[x->dtype];
        if (e.reduction == NONE) wg_view_copy(&each, g);
        else like_target(&each, g->data, g, target, 1);
        wg_nest_rows(&e.t, target->shape, target->ndim, 4, (const wg_array *[]){&r.row[0], &r.row[1], target, &each});
        wg_parallel_for(e.t.runs, WG_GROUP, 15 + 0.4 * (double)e.n, run_rows, &e);
        failed = wg_rows_end(&r);
    }
    if (own.memory) wg_scratch_put(own.memory);
    return failed;
}

/* x without its class dimension: where class 0 of each target stands. */
static void without_classes(wg_array *v, const wg_array *x, entropy *e) {
    e->stride = x->ndim ? x->strides[class_dim(x)] * wg_itemsize[x->dtype] : 0;
    wg_view_move_last(v, x, class_dim(x));
    v->ndim--;
}

int WG_K(nll_loss)(wg_array *const *op, int nop, const wg_attr *attr) {
    wg_array *loss = op[0], *total = op[1], *x = op[2], *target = op[3], *weight = nop > 4 ? op[4] : NULL, classes, losses;
    entropy e;
    room own;
    int64_t counted = count_targets(target, x->ndim ? x->shape[class_dim(x)] : 1, attr[0].i);
    if (counted < 0 || prepare(&e, &own, x, weight, attr, target->numel, 1, 1)) return -1;
    without_classes(&classes, x, &e);
    e.rows = nll_forwards[x->dtype];
    if (e.reduction == NONE) wg_view_copy(&losses, loss);
    else like_target(&losses, own.losses, x, target, 0);
    wg_nest_rows(&e.t, target->shape, target->ndim, 3, (const wg_array *[]){&classes, target, &losses});
    wg_parallel_for(e.t.runs, 256, 3, run_rows, &e);
    finishes[x->dtype](&e, loss, total, own.losses, e.reduction == NONE ? 0 : target->numel, counted);
    if (own.memory) wg_scratch_put(own.memory);
    return 0;
}

int WG_K(nll_loss_vjp)(wg_array *const *op, int nop, const wg_attr *attr) {
    wg_array *gx = op[0], *g = op[1], *target = op[2], *total = op[3], *weight = nop > 4 ? op[4] : NULL, classes, each;
    entropy e;
    room own;
    if (count_targets(target, gx->ndim ? gx->shape[class_dim(gx)] : 1, attr[0].i) < 0) return -1;
    if (WG_K(fill)((wg_array *[]){gx}, 1, (wg_attr[]){WG_INT(0)})) return -1;
    if (prepare(&e, &own, gx, weight, attr, target->numel, 0, 0)) return -1;
    without_classes(&classes, gx, &e);
    e.total = total->data;
    e.rows = nll_backwards[gx->dtype];
    if (e.reduction == NONE) wg_view_copy(&each, g);
    else like_target(&each, g->data, g, target, 1);
    wg_nest_rows(&e.t, target->shape, target->ndim, 3, (const wg_array *[]){&classes, target, &each});
    wg_parallel_for(e.t.runs, 256, 3, run_rows, &e);
    if (own.memory) wg_scratch_put(own.memory);
    return 0;
}
