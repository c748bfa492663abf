/* Optimizer steps, one launch for all parameters of a group; norms and clipping of gradients. float32 and float64.
 *
 * Operand 0 is a dense float64 vector: the hyperparameters of the group in the order given below, then the scalar state
 * of each parameter (`per` numbers each), which the step reads and writes: the step count t, 0 before the first step, and
 * what else is named. Changing them between two runs needs no new launch. Then, for each parameter, the operands
 *
 *     sgd       lr, momentum, dampening, weight_decay; t        x, g [, momentum_buffer]
 *     adam      lr, beta1, beta2, eps, weight_decay; t          x, g, exp_avg, exp_avg_sq [, max_exp_avg_sq]
 *     rmsprop   lr, alpha, eps, weight_decay, momentum; t       x, g, square_avg [, grad_avg] [, momentum_buffer]
 *     adagrad   lr, lr_decay, eps, weight_decay; t              x, g, sum
 *     adadelta  lr, rho, eps, weight_decay; t                   x, g, square_avg, acc_delta
 *     adamax    lr, beta1, beta2, eps, weight_decay; t          x, g, exp_avg, exp_inf
 *     nadam     lr, beta1, beta2, eps, weight_decay, momentum_decay; t, mu_product (1 at first)
 *                                                               x, g, exp_avg, exp_avg_sq
 *     radam     lr, beta1, beta2, eps, weight_decay; t          x, g, exp_avg, exp_avg_sq
 *     asgd      lr, lambd, alpha, t0, weight_decay; t, eta (lr in float32 at first), mu (1 at first)
 *                                                               x, g, ax
 *     rprop     etaminus, etaplus, smallest, largest step; t    x, g, prev, step_size
 *
 * all of one shape and dtype; g is only read. Attribute 0 is the sum of the flags of optim.h. Attribute 1, a list with an int
 * for each parameter, says whose scalar state is its own (None: the i-th parameter has the i-th).
 *
 * With WG_STEP_TENSORS the scalar state is not in operand 0 but in tensors: `per` arrays of one element, float32 or
 * float64, follow the operands of each parameter. sgd then has no t, and WG_STEP_FIRST says that the buffers begin.
 *
 * Formulas: those of torch.optim, in the order of its single-tensor loops; scalars in float64, elements in the dtype. */
#include "optim.h"
#include "rows.h"

#include <math.h>

enum { FLAG_NARROW = 1 << 20 };                               /* of this file only: scalar state is kept in float32 */
enum { SGD_PLAIN = 0, SGD_MOMENTUM = 1, SGD_FIRST = 2, SGD_NESTEROV = 4 };
enum { DECAY_NONE, DECAY_L2, DECAY_DECOUPLED };
enum { RMSPROP_CENTERED = 1, RMSPROP_MOMENTUM = 2 };
enum { MOST_OPERANDS = 5, MOST_SCALARS = 9 };

static float row_min_float32(const float *x, int64_t n) { return WG_LEVEL(wg_min_f32)(x, n); }
static double row_min_float64(const double *x, int64_t n) { return WG_LEVEL(wg_min_f64)(x, n); }

#define WG_TEMPLATE "optim_typed.inc"
#define WG_FLOATS_ONLY
#include "each_dtype.h"

/* ---- the same loop over every parameter -------------------------------------------------------------------------- */

typedef void (*loop_f32)(int64_t n, char *const *p, const double *c, float sign, int how);
typedef void (*loop_f64)(int64_t n, char *const *p, const double *c, double sign, int how);
typedef struct { loop_f32 f32; loop_f64 f64; } loops;
#define LOOPS(name) ((loops){name##_float32, name##_float64})

typedef struct {
    char *p[MOST_OPERANDS];
    int count, dtype, how;
    double c[MOST_SCALARS], sign;
    loops run;
} element_job;

static void run_elements(void *context, int64_t begin, int64_t end) {
    const element_job *j = context;
    char *p[MOST_OPERANDS];
    for (int k = 0; k < j->count; k++) p[k] = j->p[k] + begin * wg_itemsize[j->dtype];
    if (j->dtype == WG_F32) j->run.f32(end - begin, p, j->c, (float)j->sign, j->how);
    else j->run.f64(end - begin, p, j->c, j->sign, j->how);
}

/* Runs over the elements of operands of one shape. Those that are not dense are copied to scratch, and back: all but
 * operand 1, the gradient. */
static int each_element(element_job *j, wg_array *const *op, double cost_ns) {
    void *scratch[MOST_OPERANDS] = {NULL};
    wg_array dense[MOST_OPERANDS];
    int64_t size = wg_itemsize[op[0]->dtype];
    int failed = 0;
    j->dtype = op[0]->dtype;
    for (int k = 0; k < j->count && !failed; k++) {
        j->p[k] = op[k]->data;
        if (op[k]->contiguous) continue;
        if (!(scratch[k] = wg_scratch_get(op[k]->numel * size))) { failed = 1; break; }
        wg_view_copy(&dense[k], op[k]);
        dense[k].data = j->p[k] = scratch[k];
        int64_t stride = 1;
        for (int d = dense[k].ndim - 1; d >= 0; d--) {
            dense[k].strides[d] = stride;
            stride *= dense[k].shape[d];
        }
        dense[k].contiguous = 1;
        failed = WG_K(copy)((wg_array *[]){&dense[k], op[k]}, 2, NULL);
    }
    if (!failed) wg_parallel_for(op[0]->numel, 4096, cost_ns * (double)size / 4, run_elements, j);
    for (int k = j->count - 1; k >= 0; k--) {
        if (!scratch[k]) continue;
        if (!failed && k != 1) failed = WG_K(copy)((wg_array *[]){op[k], &dense[k]}, 2, NULL);
        wg_scratch_put(scratch[k]);
    }
    return failed ? -1 : 0;
}

/* What an optimizer is: the sizes of its lists and the scalars of a step from hyperparameters h and scalar state s. */
typedef struct {
    int nhyper, per, width;
    loops run;
    double cost_ns;
    int (*scalars)(double *c, const double *h, double *s, int flags);          /* returns `how` */
} optimizer;

static int sgd_scalars(double *c, const double *h, double *s, int flags);

static double read_scalar(const wg_array *x) { return x->dtype == WG_F32 ? (double)*(const float *)x->data : *(const double *)x->data; }

static void write_scalar(const wg_array *x, double value) {
    if (x->dtype == WG_F32) *(float *)x->data = (float)value;
    else *(double *)x->data = value;
}

/* What a number of the scalar state is, once stored. */
static double kept(double value, int flags) { return flags & FLAG_NARROW ? (double)(float)value : value; }

static int step(wg_array *const *op, int nop, const wg_attr *attr, const optimizer *o) {
    double *h = (double *)op[0]->data;
    int tensors = (attr[0].i & WG_STEP_TENSORS) != 0, per = tensors && o->scalars == sgd_scalars ? 0 : o->per;
    int width = o->width + (tensors ? per : 0);
    for (int i = 0; 1 + i * width < nop; i++) {
        wg_array *const *own = op + 1 + i * width, *const *scalar = own + o->width;
        int flags = (int)attr[0].i;
        double own_state[3] = {0}, *state = own_state;
        element_job j = {.count = o->width, .run = o->run, .sign = flags & WG_STEP_MAXIMIZE ? -1 : 1};
        if (tensors) for (int k = 0; k < per; k++) state[k] = read_scalar(scalar[k]);
        else state = h + o->nhyper + (attr[1].tag == WG_A_INTS ? attr[1].v[i] : i) * per;
        if (!tensors || (per && scalar[0]->dtype == WG_F32)) flags |= FLAG_NARROW;
        double before[3] = {state[0], per > 1 ? state[1] : 0, per > 2 ? state[2] : 0};
        if (per) state[0] += 1;
        j.how = o->scalars(j.c, h, state, flags);
        if (each_element(&j, own, o->cost_ns)) {
            if (!tensors) memcpy(state, before, (size_t)per * sizeof(double));
            return -1;
        }
        if (tensors) for (int k = 0; k < per; k++) write_scalar(scalar[k], state[k]);
    }
    return 0;
}

/* ---- the optimizers ------------------------------------------------------------------------------------------------ */

static int sgd_scalars(double *c, const double *h, double *s, int flags) {
    c[0] = -h[0];
    c[1] = h[1];
    c[2] = 1 - h[2];
    c[3] = h[3];
    if (!(flags & WG_STEP_MOMENTUM)) return SGD_PLAIN;
    return SGD_MOMENTUM | ((flags & WG_STEP_TENSORS ? flags & WG_STEP_FIRST : s[0] == 1) ? SGD_FIRST : 0) | (flags & WG_STEP_NESTEROV ? SGD_NESTEROV : 0);
}

int WG_K(sgd)(wg_array *const *op, int nop, const wg_attr *attr) {
    return step(op, nop, attr, &(optimizer){4, 1, attr[0].i & WG_STEP_MOMENTUM ? 3 : 2, LOOPS(sgd), 0.2, sgd_scalars});
}

/* *decay is what the loops want: the weight decay or, decoupled, the factor of the parameter. */
static int decay_of(double *decay, double lr, double weight_decay, int flags) {
    int decoupled = flags & WG_STEP_DECOUPLED;
    *decay = decoupled ? 1 - lr * weight_decay : weight_decay;
    return weight_decay == 0 ? DECAY_NONE : decoupled ? DECAY_DECOUPLED : DECAY_L2;
}

static int adam_scalars(double *c, const double *h, double *s, int flags) {
    double correction1 = 1 - pow(h[1], s[0]), correction2 = 1 - pow(h[2], s[0]);
    c[0] = 1 - h[1];
    c[1] = h[2];
    c[2] = 1 - h[2];
    c[3] = sqrt(correction2);
    c[4] = h[3];
    c[5] = -(h[0] / correction1);
    return decay_of(&c[6], h[0], h[4], flags) * 2 + (flags & WG_STEP_AMSGRAD ? 1 : 0);
}

int WG_K(adam)(wg_array *const *op, int nop, const wg_attr *attr) {
    return step(op, nop, attr, &(optimizer){5, 1, attr[0].i & WG_STEP_AMSGRAD ? 5 : 4, LOOPS(adam), 0.7, adam_scalars});
}

static int rmsprop_scalars(double *c, const double *h, double *s, int flags) {
    (void)s;
    c[0] = h[1];
    c[1] = 1 - h[1];
    c[2] = h[2];
    c[3] = -h[0];
    c[4] = h[4];
    c[5] = h[3];
    return (flags & WG_STEP_CENTERED ? RMSPROP_CENTERED : 0) | (flags & WG_STEP_MOMENTUM ? RMSPROP_MOMENTUM : 0);
}

int WG_K(rmsprop)(wg_array *const *op, int nop, const wg_attr *attr) {
    int width = 3 + !!(attr[0].i & WG_STEP_CENTERED) + !!(attr[0].i & WG_STEP_MOMENTUM);
    return step(op, nop, attr, &(optimizer){5, 1, width, LOOPS(rmsprop), 0.7, rmsprop_scalars});
}

static int adagrad_scalars(double *c, const double *h, double *s, int flags) {
    (void)flags;
    c[0] = -(h[0] / (1 + (s[0] - 1) * h[1]));
    c[1] = h[2];
    c[2] = h[3];
    return 0;
}

int WG_K(adagrad)(wg_array *const *op, int nop, const wg_attr *attr) {
    return step(op, nop, attr, &(optimizer){4, 1, 3, LOOPS(adagrad), 0.6, adagrad_scalars});
}

static int adadelta_scalars(double *c, const double *h, double *s, int flags) {
    (void)s, (void)flags;
    c[0] = h[1];
    c[1] = 1 - h[1];
    c[2] = h[2];
    c[3] = -h[0];
    c[4] = h[3];
    return 0;
}

int WG_K(adadelta)(wg_array *const *op, int nop, const wg_attr *attr) {
    return step(op, nop, attr, &(optimizer){4, 1, 4, LOOPS(adadelta), 0.8, adadelta_scalars});
}

static int adamax_scalars(double *c, const double *h, double *s, int flags) {
    (void)flags;
    c[0] = 1 - h[1];
    c[1] = h[2];
    c[2] = h[3];
    c[3] = -(h[0] / (1 - pow(h[1], s[0])));
    c[4] = h[4];
    return 0;
}

int WG_K(adamax)(wg_array *const *op, int nop, const wg_attr *attr) {
    return step(op, nop, attr, &(optimizer){5, 1, 4, LOOPS(adamax), 0.6, adamax_scalars});
}

/* mu_product is rounded before it is used: PyTorch keeps it in a tensor of the default dtype. */
static int nadam_scalars(double *c, const double *h, double *s, int flags) {
    double mu = h[1] * (1 - 0.5 * pow(0.96, s[0] * h[5])), next = h[1] * (1 - 0.5 * pow(0.96, (s[0] + 1) * h[5]));
    s[1] = kept(s[1] * kept(mu, flags), flags);
    c[0] = 1 - h[1];
    c[1] = h[2];
    c[2] = 1 - h[2];
    c[3] = 1 - pow(h[2], s[0]);
    c[4] = h[3];
    c[5] = -h[0] * (1 - mu) / (1 - s[1]);
    c[6] = -h[0] * next / (1 - s[1] * next);
    return decay_of(&c[7], h[0], h[4], flags);
}

int WG_K(nadam)(wg_array *const *op, int nop, const wg_attr *attr) {
    return step(op, nop, attr, &(optimizer){6, 2, 4, LOOPS(nadam), 0.8, nadam_scalars});
}

static int radam_scalars(double *c, const double *h, double *s, int flags) {
    double power = pow(h[2], s[0]), correction2 = 1 - power, limit = 2 / (1 - h[2]) - 1;
    double rho = limit - 2 * s[0] * power / correction2;
    c[0] = 1 - h[1];
    c[1] = h[2];
    c[2] = 1 - h[2];
    c[3] = 1 - pow(h[1], s[0]);
    c[4] = h[0];
    c[5] = h[3];
    c[6] = sqrt(correction2);
    c[7] = rho > 5 ? sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)) : 0;
    return decay_of(&c[8], h[0], h[4], flags);
}

int WG_K(radam)(wg_array *const *op, int nop, const wg_attr *attr) {
    return step(op, nop, attr, &(optimizer){5, 1, 4, LOOPS(radam), 0.9, radam_scalars});
}

/* eta and mu are for the next step, rounded by way of the default dtype. */
static int asgd_scalars(double *c, const double *h, double *s, int flags) {
    c[0] = 1 - h[1] * s[1];
    c[1] = -s[1];
    c[2] = s[2];
    c[3] = h[4];
    s[1] = kept(h[0] / pow(1 + h[1] * h[0] * s[0], h[2]), flags);
    s[2] = kept(1 / (s[0] - h[3] > 1 ? s[0] - h[3] : 1), flags);
    return 0;
}

int WG_K(asgd)(wg_array *const *op, int nop, const wg_attr *attr) {
    return step(op, nop, attr, &(optimizer){5, 3, 3, LOOPS(asgd), 0.3, asgd_scalars});
}

static int rprop_scalars(double *c, const double *h, double *s, int flags) {
    (void)s, (void)flags;
    memcpy(c, h, 4 * sizeof(double));
    return 0;
}

int WG_K(rprop)(wg_array *const *op, int nop, const wg_attr *attr) {
    return step(op, nop, attr, &(optimizer){4, 1, 4, LOOPS(rprop), 0.4, rprop_scalars});
}

/* ---- gradients: norm, clipping, zero -------------------------------------------------------------------------------- */

typedef struct { const char *x; int64_t n; double order, *part; int dtype; } norm_job;

static void run_norm(void *context, int64_t begin, int64_t end) {
    const norm_job *j = context;
    for (int64_t b = begin; b < end; b++) {
        int64_t first = b * WG_BLOCK, m = j->n - first < WG_BLOCK ? j->n - first : WG_BLOCK;
        const char *x = j->x + first * wg_itemsize[j->dtype];
        j->part[b] = j->dtype == WG_F32 ? contribution_float32(x, m, j->order) : contribution_float64(x, m, j->order);
    }
}

/* grad_norm(total; g0, g1, ...; order): the norm of all gradients as if they were one vector, in float32 or float64. Blocks
 * of 1024 elements through the tree of the reductions in the gradient's dtype, then one after another in float64. An
 * infinite order gives the largest (smallest) magnitude, NaN wins; order 0 counts the gradients that are not zero. */
int WG_K(grad_norm)(wg_array *const *op, int nop, const wg_attr *attr) {
    double order = wg_attr_float(attr[0]), total = isinf(order) && order < 0 ? (double)INFINITY : 0;
    int extreme = isinf(order) != 0;
    for (int k = 1; k < nop; k++) {
        const wg_array *g = op[k];
        int64_t blocks = (g->numel + WG_BLOCK - 1) / WG_BLOCK;
        if (!blocks) continue;
        char *dense = NULL;
        double *part = wg_scratch_get(blocks * (int64_t)sizeof(double));
        if (!part) return -1;
        norm_job j = {g->data, g->numel, order, part, g->dtype};
        if (!g->contiguous) {
            wg_array row;
            if (!(dense = wg_scratch_get(g->numel * wg_itemsize[g->dtype]))) {
                wg_scratch_put(part);
                return -1;
            }
            j.x = dense;
            wg_view_copy(&row, g);
            row.data = dense;
            row.contiguous = 1;
            int64_t stride = 1;
            for (int d = row.ndim - 1; d >= 0; d--) {
                row.strides[d] = stride;
                stride *= row.shape[d];
            }
            if (WG_K(copy)((wg_array *[]){&row, op[k]}, 2, NULL)) {
                wg_scratch_put(dense);
                wg_scratch_put(part);
                return -1;
            }
        }
        wg_parallel_for(blocks, 16, 0.1 * WG_BLOCK, run_norm, &j);
        double own = extreme ? part[0] : 0;
        for (int64_t b = 0; b < blocks; b++)
            if (!extreme) own += part[b];
            else own = own != own ? own : (order > 0 ? own > part[b] : own < part[b]) ? own : part[b];
        if (!extreme) total += order == 0 ? own != 0 : own;
        else total = total != total ? total : (order > 0 ? total > own : total < own) ? total : own;
        if (dense) wg_scratch_put(dense);
        wg_scratch_put(part);
    }
    if (order == 2) total = sqrt(total);
    else if (!extreme && order != 0 && order != 1) total = pow(total, 1 / order);
    if (op[0]->dtype == WG_F32) *(float *)op[0]->data = (float)total;
    else *(double *)op[0]->data = total;
    return 0;
}

static int each_gradient(wg_array *const *op, int nop, const element_job *what) {
    for (int k = 0; k < nop; k++) {
        element_job j = *what;
        if (each_element(&j, op + k, 0.15)) return -1;
    }
    return 0;
}

/* clip_grad_norm(g0, g1, ..., total; max_norm): g *= min(max_norm / (total + 1e-6), 1), the factor in total's dtype. */
int WG_K(clip_grad_norm)(wg_array *const *op, int nop, const wg_attr *attr) {
    const wg_array *total = op[nop - 1];
    double limit = wg_attr_float(attr[0]), factor;
    if (total->dtype == WG_F32) factor = (double)((float)limit / (*(const float *)total->data + 1e-6f));
    else factor = limit / (*(const double *)total->data + 1e-6);
    if (factor >= 1) return 0;                                      /* a NaN goes on */
    return each_gradient(op, nop - 1, &(element_job){.count = 1, .c = {factor}, .run = LOOPS(scale)});
}

/* clip_grad_value(g0, g1, ...; low, high) */
int WG_K(clip_grad_value)(wg_array *const *op, int nop, const wg_attr *attr) {
    return each_gradient(op, nop, &(element_job){.count = 1, .c = {wg_attr_float(attr[0]), wg_attr_float(attr[1])}, .run = LOOPS(clamp)});
}

/* zero(x0, x1, ...): any dtypes. */
int WG_K(zero)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)attr;
    for (int k = 0; k < nop; k++) WG_K(fill)(op + k, 1, (wg_attr[]){WG_INT(0)});
    return 0;
}
