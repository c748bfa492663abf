/* Losses: of two tensors element by element, and of classes.
 *
 * Reductions are coded 0 none, 1 mean, 2 sum, as in the signatures. */
#include "ops.h"

#define WG_FORWARD(name) int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y)

enum { NONE, MEAN, SUM };

/* ---- element by element ----------------------------------------------------------------------------------------- */

/* y = reduction of core(x, target; the attributes behind the reduction). `name` is PyTorch's for its kernel, and stands in
 * the refusal of integers. like: whose dtype the result has, PROMOTED: that of both. */
enum { LIKE_X, LIKE_TARGET, PROMOTED };

static int pointwise(int core, const char *name, int like, const wg_val *const *x, const wg_attr *attr, wg_val *y) {
    const wg_array *in[2] = {&x[0]->a, &x[1]->a};
    wg_val losses;
    int type = wg_result_type(in, 2), status;
    wg_val_clear(y);
    if (!WG_IS_FLOAT(type)) return wg_fail(WG_NOT_IMPLEMENTED, "\"%s\" not implemented for '%s'", name, wg_dtype_title[type]);
    if (WG_UNLIKELY(!wg_same_shape(in[0], in[1])))
        return wg_fail(WG_RUNTIME_ERROR, "a loss needs an input and a target of one shape, got %s and %s", WG_SHAPE(in[0]), WG_SHAPE(in[1]));
    if (like != PROMOTED && in[like]->dtype != type) {
        if (!WG_IS_FLOAT(in[like]->dtype))
            return wg_fail(WG_RUNTIME_ERROR, "result type %s can't be cast to the desired output type %s", wg_dtype_title[type],
                           wg_dtype_title[in[like]->dtype]);
        if (wg_new(&losses, in[like]->dtype, in[0]->ndim, in[0]->shape) < 0) return -1;
        status = wg_done(&losses, wg_elementwise_forward(&wg_ops[core], x, 2, attr + 1, NULL, &losses.a));
    } else status = wg_elementwise_forward(&wg_ops[core], x, 2, attr + 1, &losses, NULL);
    if (status < 0) return -1;
    if (attr[0].i == NONE) {
        wg_val_move(y, &losses);
        return 0;
    }
    status = wg_reduce_all(attr[0].i == MEAN ? WG_K_mean : WG_K_sum, y, losses.a.dtype, &losses.a);
    wg_val_release(&losses);
    return status;
}

/* One pass of the core's own VJP, over the cotangent of every element: the one of the loss, divided for a mean. */
static int pointwise_vjp(int core, wg_vjp_call *c) {
    const wg_array *x = &c->x[0]->a;
    const wg_val *each;
    wg_val h, shown;
    wg_vjp_call inner = *c;
    int status = 0, mean = c->attr[0].i == MEAN;
    wg_val_clear(&h);
    if (mean) {
        wg_val count;
        wg_number_float(&count, (double)x->numel);
        const wg_val *quotient[2] = {c->g[0], &count};
        if (wg_elementwise_forward(&wg_ops[WG_OP_div], quotient, 2, NULL, &h, NULL) < 0) return -1;
    }
    each = mean ? &h : c->g[0];
    if (c->attr[0].i != NONE) {
        wg_val_clear(&shown);
        wg_expanded_array(&shown.a, &each->a, x->ndim, x->shape);
        each = &shown;
    }
    inner.op = &wg_ops[core];
    inner.g = &each;
    inner.attr = c->attr + 1;
    status = wg_elementwise_vjp(&inner);
    wg_val_release(&h);
    return status;
}

/* `refused`: which values of the last attribute are, with which words. (Without a width smooth_l1 is l1_loss: the facade sees to it.) */
#define WG_POINTWISE(name, like, kernel_name, refused, words)                                                         \
    WG_FORWARD(name) {                                                                                                      \
        (void)nx;                                                                                                           \
        double v = attr[1].f;                                                                                               \
        wg_val_clear(y);                                                                                                    \
        if (WG_UNLIKELY(refused)) return wg_fail(WG_RUNTIME_ERROR, #name " does not support " words);                       \
        return pointwise(WG_OP__##name, kernel_name, like, x, attr, y);                                               \
    }                                                                                                                       \
    int wg_vjp_kernel_##name(wg_vjp_call *c) { return pointwise_vjp(WG_OP__##name, c); }

WG_POINTWISE(smooth_l1_loss, PROMOTED, "smooth_l1_cpu", v <= 0, "negative values for beta.")
WG_POINTWISE(huber_loss, LIKE_X, "huber_cpu", v <= 0, "non-positive values for delta.")

/* The kernel of a reduced mse_loss takes what is of one shape and one of its types. */
static int is_fused(const wg_array *x, const wg_array *target, int64_t reduction) {
    return reduction != NONE && x->dtype >= WG_F32 && target->dtype == x->dtype && wg_same_shape(x, target);
}

/* x, target; reduction */
WG_FORWARD(mse_loss) {
    (void)nx;
    const wg_array *a = &x[0]->a, *target = &x[1]->a;
    if (!is_fused(a, target, attr[0].i)) return pointwise(WG_OP__mse_loss, "mse_cpu", PROMOTED, x, attr, y);
    if (wg_new(y, a->dtype, 0, NULL) < 0) return -1;
    return wg_done(y, wg_launch(WG_K_mse_loss, (wg_array *[]){&y->a, (wg_array *)a, (wg_array *)target}, 3, attr, 1));
}

int wg_vjp_kernel_mse_loss(wg_vjp_call *c) {
    wg_array *a = (wg_array *)&c->x[0]->a, *target = (wg_array *)&c->x[1]->a, *gx[2] = {(wg_array *)&wg_no_array, (wg_array *)&wg_no_array};
    if (!is_fused(a, target, c->attr[0].i) || c->g[0]->a.dtype != a->dtype) return pointwise_vjp(WG_OP__mse_loss, c);
    for (int i = 0; i < 2; i++) {
        if (!c->want[i]) continue;
        if (wg_new(&c->gx[i], a->dtype, a->ndim, a->shape) < 0) return -1;
        gx[i] = &c->gx[i].a;
    }
    return wg_launch(WG_K_mse_loss_vjp, (wg_array *[]){gx[0], gx[1], (wg_array *)&c->g[0]->a, a, target}, 5, c->attr, 1);
}

/* x, target; reduction */
WG_FORWARD(binary_cross_entropy_with_logits) {
    (void)nx;
    int dtype = x[0]->a.dtype, target = x[1]->a.dtype;
    if (WG_LIKELY(WG_IS_FLOAT(dtype) && WG_IS_FLOAT(target)))
        return pointwise(WG_OP__binary_cross_entropy_with_logits, "log_sigmoid_cpu", LIKE_TARGET, x, attr, y);
    wg_val_clear(y);
    if (!WG_IS_FLOAT(dtype)) return wg_fail(WG_NOT_IMPLEMENTED, "\"log_sigmoid_cpu\" not implemented for '%s'", wg_dtype_title[dtype]);
    if (target == WG_BOOL) return wg_fail(WG_RUNTIME_ERROR, "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
                                          "`logical_xor()` operator instead.");
    return wg_fail(WG_RUNTIME_ERROR, "result type %s can't be cast to the desired output type %s", wg_dtype_title[dtype], wg_dtype_title[target]);
}

int wg_vjp_kernel_binary_cross_entropy_with_logits(wg_vjp_call *c) { return pointwise_vjp(WG_OP__binary_cross_entropy_with_logits, c); }
int wg_vjp_kernel_l1_loss(wg_vjp_call *c) { return pointwise_vjp(WG_OP__l1_loss, c); }
int wg_vjp_kernel_binary_cross_entropy(wg_vjp_call *c) { return pointwise_vjp(WG_OP__binary_cross_entropy, c); }

/* x, target; reduction: integers have absolute differences too. */
WG_FORWARD(l1_loss) {
    (void)nx;
    const wg_array *in[2] = {&x[0]->a, &x[1]->a};
    wg_val difference, losses;
    if (WG_LIKELY(WG_IS_FLOAT(wg_result_type(in, 2)))) return pointwise(WG_OP__l1_loss, "abs", PROMOTED, x, attr, y);
    wg_val_clear(y);
    if (wg_elementwise_forward(&wg_ops[WG_OP_sub], x, 2, NULL, &difference, NULL) < 0) return -1;
    const wg_val *from = &difference;
    int status = wg_elementwise_forward(&wg_ops[WG_OP_abs], &from, 1, NULL, &losses, NULL);
    wg_val_release(&difference);
    if (status < 0) return -1;
    if (attr[0].i == NONE) {
        wg_val_move(y, &losses);
        return 0;
    }
    wg_attr none[1] = {WG_NONE};
    from = &losses;
    status = (attr[0].i == MEAN ? wg_forward_mean : wg_forward_sum)(&from, 1, none, y);
    wg_val_release(&losses);
    return status;
}

/* Is everything in [0, 1]? Found by a kernel, read here. */
static int check_probabilities(const wg_array *x, const char *name) {
    wg_val lo, hi;
    wg_array one[2], *operand[3] = {&one[0], &one[1], (wg_array *)x};
    wg_attr none[2] = {WG_NONE, WG_NONE};
    int64_t ones[WG_MAX_DIMS];
    if (x->numel == 0) return 0;
    for (int d = 0; d < x->ndim; d++) ones[d] = 1;
    if (wg_new(&lo, WG_F64, 0, NULL) < 0) return -1;
    if (wg_new(&hi, WG_F64, 0, NULL) < 0) return wg_done(&lo, -1);
    for (int k = 0; k < 2; k++) {
        memcpy(&one[k], k ? &hi.a : &lo.a, offsetof(wg_array, shape));
        wg_array_set_dims(&one[k], x->ndim, ones, NULL);
    }
    int status = wg_launch(WG_K_aminmax, operand, 3, none, 2);
    if (status == 0 && !(*(double *)lo.a.data >= 0 && *(double *)hi.a.data <= 1))
        status = wg_fail(WG_RUNTIME_ERROR, "all elements of %s should be between 0 and 1", name);
    wg_val_release(&lo);
    wg_val_release(&hi);
    return status;
}

/* x, target; reduction */
WG_FORWARD(binary_cross_entropy) {
    (void)nx;
    const wg_array *a = &x[0]->a, *target = &x[1]->a;
    wg_val_clear(y);
    if (!WG_IS_FLOAT(a->dtype))
        return wg_fail(WG_NOT_IMPLEMENTED, "\"binary_cross_entropy\" not implemented for '%s'", wg_dtype_title[a->dtype]);
    if (target->dtype != a->dtype)
        return wg_fail(WG_RUNTIME_ERROR, "Found dtype %s but expected %s", wg_dtype_title[target->dtype], wg_dtype_title[a->dtype]);
    if (check_probabilities(a, "input") < 0 || check_probabilities(target, "target") < 0) return -1;
    return pointwise(WG_OP__binary_cross_entropy, "binary_cross_entropy", 0, x, attr, y);
}

/* ---- of classes ----------------------------------------------------------------------------------------------------- */

/* The operands of a class loss as the kernels want them: floats wide, target int64 in x's shape without classes. */
typedef struct classes {
    const wg_array *x, *weight;
    wg_array target;
    wg_val own_x, own_weight, own_target;
} classes;

static void release(classes *c) {
    wg_val_release(&c->own_x);
    wg_val_release(&c->own_weight);
    wg_val_release(&c->own_target);
}

static int64_t class_count(const wg_array *x) { return x->shape[x->ndim > 1]; }

static int bad_batch(const wg_array *x, const wg_array *target) {
    return wg_fail(WG_VALUE_ERROR, "Expected input batch_size (%lld) to match target batch_size (%lld).", (long long)x->shape[0],
                   (long long)target->shape[0]);
}

/* The shape of target that x, of three or five and more dimensions, asks for. */
static int check_many_dims(const wg_array *x, const wg_array *target) {
    int64_t wanted[WG_MAX_DIMS] = {x->shape[0]};
    int same = target->ndim == x->ndim - 1;
    for (int d = 2; d < x->ndim; d++) {
        wanted[d - 1] = x->shape[d];
        if (same && target->shape[d - 1] != x->shape[d]) same = 0;
    }
    if (same) return 0;
    return wg_fail(WG_RUNTIME_ERROR, "Expected target size %s, got %s", WG_LIST(wanted, x->ndim - 1), WG_SHAPE(target));
}

static int check_images(const wg_array *x, const wg_array *target) {
    if (target->ndim != 3)
        return wg_fail(WG_RUNTIME_ERROR, "only batches of spatial targets supported (3D tensors) but got targets of dimension: %d", target->ndim);
    if (target->shape[1] != x->shape[2] || target->shape[2] != x->shape[3])
        return wg_fail(WG_RUNTIME_ERROR, "size mismatch (got input: %s , target: %s", WG_SHAPE(x), WG_SHAPE(target));
    return 0;
}

static int check_vectors(const wg_array *x, const wg_array *target) {
    if (target->ndim > 1) return wg_fail(WG_RUNTIME_ERROR, "0D or 1D target tensor expected, multi-target not supported");
    if (x->ndim == 1 && target->ndim == 1 && target->shape[0] != 1)
        return wg_fail(WG_VALUE_ERROR, "For 1D input, 1D target must have size 1, but got target size: %lld", (long long)target->shape[0]);
    return 0;
}

/* Weights of the classes are checked, in other words for images, before types. */
static int check_weight(const wg_array *x, const wg_array *weight) {
    int64_t n = class_count(x);
    if (weight == NULL || (weight->ndim == 1 && weight->numel == n)) return 0;
    if (x->ndim > 2) return wg_fail(WG_RUNTIME_ERROR, "weight tensor should be defined either for all or no classes");
    return wg_fail(WG_RUNTIME_ERROR, "weight tensor should be defined either for all %lld classes or no classes but got weight tensor of shape: %s",
                   (long long)n, WG_SHAPE(weight));
}

static int check(const wg_array *x, const wg_array *target, const wg_array *weight, int softmax) {
    if (x->ndim < 1) return wg_fail(WG_VALUE_ERROR, "Expected 1 or more dimensions (got 0)");
    if (softmax && !WG_IS_FLOAT(x->dtype))
        return wg_fail(WG_NOT_IMPLEMENTED, "\"log_softmax%s_kernel_impl\" not implemented for '%s'", x->ndim > 2 ? "" : "_lastdim",
                       wg_dtype_title[x->dtype]);
    if (x->ndim > 1 && target->ndim == 0)
        return wg_fail(WG_INDEX_ERROR, "Dimension specified as 0 but tensor has no dimensions");
    if (x->ndim > 1 && x->shape[0] != target->shape[0]) return bad_batch(x, target);
    if ((x->ndim < 3 ? check_vectors : x->ndim == 4 ? check_images : check_many_dims)(x, target) < 0 || check_weight(x, weight) < 0) return -1;
    if (target->dtype != WG_I64 && target->dtype != WG_U8)
        return wg_fail(WG_RUNTIME_ERROR, "expected target dtype to be Long or Byte, but got %s", wg_dtype_title[target->dtype]);
    if (!WG_IS_FLOAT(x->dtype))
        return wg_fail(WG_NOT_IMPLEMENTED, "\"nll_loss%s_out_frame\" not implemented for '%s'", x->ndim > 2 ? "2d_forward" : "",
                       wg_dtype_title[x->dtype]);
    if (weight && weight->dtype != x->dtype)
        return wg_fail(WG_RUNTIME_ERROR, "expected scalar type %s but found %s", wg_dtype_title[x->dtype], wg_dtype_title[weight->dtype]);
    return 0;
}

/* Takes arguments that were checked. x is NULL where the kernel only needs its shape: ndim. */
static int take(classes *c, const wg_array *x, int ndim, const wg_val *target, const wg_val *weight) {
    const wg_array *t = &target->a;
    wg_val_clear(&c->own_x);
    wg_val_clear(&c->own_weight);
    wg_val_clear(&c->own_target);
    c->x = x;
    c->weight = NULL;
    int given = !wg_val_absent(weight);
    if ((x && !(c->x = wg_widened(&c->own_x, x))) || (given && !(c->weight = wg_widened(&c->own_weight, &weight->a))) ||
        (t->dtype != WG_I64 && wg_copy_new(&c->own_target, WG_I64, t, 1) < 0)) {
        release(c);
        return -1;
    }
    if (t->dtype != WG_I64) t = &c->own_target.a;
    memcpy(&c->target, t, offsetof(wg_array, shape));
    wg_array_set_dims(&c->target, ndim == 1 ? 0 : t->ndim, t->shape, t->strides);
    return 0;
}

/* The loss and the sum of the weights, wide. */
static int new_losses(wg_val *y, const classes *c, int reduction) {
    wg_val_clear(&y[1]);
    if (wg_new(&y[0], c->x->dtype, reduction == NONE ? c->target.ndim : 0, c->target.shape) < 0) return -1;
    return wg_new(&y[1], c->x->dtype, 0, NULL);
}

/* x, target, weight; reduction, ignore_index. Outputs y, total_weight. */
WG_FORWARD(nll_loss) {
    (void)nx;
    classes c;
    const wg_array *weight = wg_val_absent(x[2]) ? NULL : &x[2]->a;
    wg_val_clear(&y[0]);
    wg_val_clear(&y[1]);
    if (check(&x[0]->a, &x[1]->a, weight, 0) < 0 || take(&c, &x[0]->a, x[0]->a.ndim, x[1], x[2]) < 0) return -1;
    wg_attr kernel[2] = {attr[1], attr[0]};
    int status = new_losses(y, &c, (int)attr[0].i);
    if (status == 0)
        status = wg_launch(WG_K_nll_loss, (wg_array *[]){&y[0].a, &y[1].a, (wg_array *)c.x, &c.target, (wg_array *)c.weight}, c.weight ? 5 : 4,
                           kernel, 2);
    release(&c);
    if (status == 0) status = wg_narrow(&y[0], x[0]->a.dtype);
    for (int k = 0; k < 2; k++) wg_done(&y[k], status);
    return status;
}

/* x (the cotangent), target, weight, total_weight; reduction, ignore_index, shape */
WG_FORWARD(_nll_loss_back) {
    (void)nx;
    classes c;
    wg_val own;
    const wg_array *g = &x[0]->a, *total = &x[3]->a;
    wg_val_clear(y);
    if (take(&c, NULL, (int)attr[2].n, x[1], x[2]) < 0) return -1;
    const wg_array *wide = wg_widened(&own, g);
    wg_attr kernel[2] = {attr[1], attr[0]};
    int status = wide ? wg_new(y, wide->dtype, (int)attr[2].n, attr[2].v) : -1;
    if (status == 0)
        status = wg_done(y, wg_launch(WG_K_nll_loss_vjp, (wg_array *[]){&y->a, (wg_array *)wide, &c.target, (wg_array *)total, (wg_array *)c.weight},
                                      c.weight ? 5 : 4, kernel, 2));
    wg_val_release(&own);
    release(&c);
    return status < 0 ? -1 : wg_narrow(y, g->dtype);
}

/* x, target, weight; reduction, ignore_index. Outputs y, total_weight, and for each target the largest logit and the
 * logarithm of the sum of exponentials above it. */
WG_FORWARD(cross_entropy) {
    (void)nx;
    classes c;
    const wg_array *weight = wg_val_absent(x[2]) ? NULL : &x[2]->a;
    for (int k = 0; k < 3; k++) wg_val_clear(&y[k]);
    if (check(&x[0]->a, &x[1]->a, weight, 1) < 0 || take(&c, &x[0]->a, x[0]->a.ndim, x[1], x[2]) < 0) return -1;
    wg_attr kernel[3] = {attr[1], attr[0], WG_FLOAT(0)};
    int64_t stats[2] = {c.target.numel, 2};
    int status = new_losses(y, &c, (int)attr[0].i);
    if (status == 0) status = wg_new(&y[2], c.x->dtype, 2, stats);
    if (status == 0)
        status = wg_launch(WG_K_cross_entropy, (wg_array *[]){&y[0].a, &y[2].a, &y[1].a, (wg_array *)c.x, &c.target, (wg_array *)c.weight},
                           c.weight ? 6 : 5, kernel, 3);
    release(&c);
    if (status == 0) status = wg_narrow(&y[0], x[0]->a.dtype);
    for (int k = 0; k < 3; k++) wg_done(&y[k], status);
    return status;
}

int wg_vjp_kernel_cross_entropy(wg_vjp_call *v) {
    classes c;
    const wg_array *x = &v->x[0]->a, *g = &v->g[0]->a;
    if (!v->want[0]) return 0;
    if (x->dtype < WG_F32) return v->op->vjp_formula(v);
    if (take(&c, x, x->ndim, v->x[1], v->x[2]) < 0) return -1;
    wg_attr kernel[3] = {v->attr[1], v->attr[0], WG_FLOAT(0)};
    int status = wg_new(&v->gx[0], x->dtype, x->ndim, x->shape);
    if (status == 0)
        status = wg_launch(WG_K_cross_entropy_vjp,
                           (wg_array *[]){&v->gx[0].a, (wg_array *)g, (wg_array *)x, &c.target, (wg_array *)&v->y[2]->a,
                                          (wg_array *)&v->y[1]->a, (wg_array *)c.weight}, c.weight ? 7 : 6, kernel, 3);
    release(&c);
    return status;
}
