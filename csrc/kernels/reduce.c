/* Reductions to one value for each output: sums, products, extrema, norms, moments.
 *
 * Operands: out, x. out has as many dimensions as x, of size 1 where they are reduced (the op squeezes
 * them later); strides are free. attr[0] is the list of reduced dimensions, for which the shapes already
 * speak, so it is not read. attr[1], where named, is `add`: out += result instead of out = result.
 * Nothing to reduce gives sum 0, prod 1, any False, all True, mean NaN. */
#include "reduce_common.h"
#include "wg_math.h"

#include <math.h>

#define WG_REDUCTION(name) int WG_K(name)(wg_array *const *op, int nop, const wg_attr *attr)

/* float16 and bfloat16 accumulate in float32; integers and bool in int64. */
static int accumulator(int dtype) {
    return dtype == WG_F64 ? WG_F64 : WG_IS_FLOAT(dtype) ? WG_F32 : WG_I64;
}

static int reduce(wg_array *out, const wg_array *x, wg_reduce_map map, wg_reduce_op op, int add) {
    wg_reduce r;
    WG_LEVEL(wg_reduce_plan)(&r, out, x, accumulator(x->dtype), map);
    r.add = add;
    return WG_LEVEL(wg_reduce_run)(&r, op);
}

/* The commonest case by far, a dense array to one value, needs no plan: op layer and VJPs of small models live here. */
static int sum_dense(wg_array *out, const wg_array *x, int add, double divisor) {
    if (x->dtype == WG_F32) {
        float s = WG_LEVEL(wg_sum_f32)((const float *)x->data, x->numel), *y = (float *)out->data;
        if (divisor != 1) s /= (float)divisor;
        *y = add ? *y + s : s;
    } else {
        double s = WG_LEVEL(wg_sum_f64)((const double *)x->data, x->numel), *y = (double *)out->data;
        if (divisor != 1) s /= divisor;
        *y = add ? *y + s : s;
    }
    return 0;
}

#define IS_SMALL_DENSE(out, x)                                                                              \
    ((x)->contiguous && (out)->numel == 1 && (x)->dtype >= WG_F32 && (out)->dtype == (x)->dtype &&           \
     (x)->numel > 0 && (x)->numel <= WG_BLOCK * 8)

/* attr[1]: add */
WG_REDUCTION(sum) {
    (void)nop;
    if (IS_SMALL_DENSE(op[0], op[1])) return sum_dense(op[0], op[1], attr[1].i != 0, 1);
    return reduce(op[0], op[1], WG_MAP_COPY, WG_ADD, attr[1].i != 0);
}

#define FINISH(name, F)                                                                     \
    static void name(const wg_reduce *r, void *acc, int64_t n, int64_t first) {             \
        (void)first;                                                                        \
        if (r->acc == WG_F32) {                                                             \
            float *v = acc;                                                                 \
            for (int64_t i = 0; i < n; i++) v[i] = (float)(F);                              \
        } else {                                                                            \
            double *v = acc;                                                                \
            for (int64_t i = 0; i < n; i++) v[i] = (F);                                     \
        }                                                                                   \
    }

FINISH(divide_by_count, v[i] / r->p)

/* attr[1]: add */
WG_REDUCTION(mean) {
    (void)nop;
    if (IS_SMALL_DENSE(op[0], op[1])) return sum_dense(op[0], op[1], attr[1].i != 0, (double)op[1]->numel);
    wg_reduce r;
    WG_LEVEL(wg_reduce_plan)(&r, op[0], op[1], accumulator(op[1]->dtype), WG_MAP_COPY);
    r.add = attr[1].i != 0;
    r.p = (double)r.count;
    r.finish = divide_by_count;
    return WG_LEVEL(wg_reduce_run)(&r, WG_ADD);
}

WG_REDUCTION(prod) { (void)nop, (void)attr; return reduce(op[0], op[1], WG_MAP_COPY, WG_MUL, 0); }
WG_REDUCTION(amax) { (void)nop, (void)attr; return reduce(op[0], op[1], WG_MAP_COPY, WG_MAX, 0); }
WG_REDUCTION(amin) { (void)nop, (void)attr; return reduce(op[0], op[1], WG_MAP_COPY, WG_MIN, 0); }

/* out0 = the smallest, out1 = the largest; operands out0, out1, x. */
WG_REDUCTION(aminmax) {
    (void)nop, (void)attr;
    return reduce(op[0], op[2], WG_MAP_COPY, WG_MIN, 0) || reduce(op[1], op[2], WG_MAP_COPY, WG_MAX, 0) ? -1 : 0;
}

/* NaN counts as 0. attr[1]: add */
WG_REDUCTION(nansum) {
    (void)nop;
    wg_reduce_map map = WG_IS_FLOAT(op[1]->dtype) ? WG_MAP_NAN_ZERO : WG_MAP_COPY;
    return reduce(op[0], op[1], map, WG_ADD, attr[1].i != 0);
}

/* x of any dtype is compared with zero (NaN is not zero); out is bool or, for uint8, uint8. The extreme of
 * nothing is an int64's end, hence the clamps. */
static void clamp_to_bool(const wg_reduce *r, void *acc, int64_t n, int64_t first) {
    (void)r, (void)first;
    int64_t *v = acc;
    for (int64_t i = 0; i < n; i++) v[i] = v[i] > 0;
}

static int logical(wg_array *out, const wg_array *x, wg_reduce_op op) {
    wg_reduce r;
    WG_LEVEL(wg_reduce_plan)(&r, out, x, WG_I64, WG_MAP_NONZERO);
    if (op != WG_ADD) r.finish = clamp_to_bool;
    return WG_LEVEL(wg_reduce_run)(&r, op);
}

WG_REDUCTION(any) { (void)nop, (void)attr; return logical(op[0], op[1], WG_MAX); }
WG_REDUCTION(all) { (void)nop, (void)attr; return logical(op[0], op[1], WG_MIN); }

/* int64 out */
WG_REDUCTION(count_nonzero) { (void)nop, (void)attr; return logical(op[0], op[1], WG_ADD); }

/* ---- norms and moments: accumulated in float64 ------------------------------------------------------ */

FINISH(square_root, sqrt(v[i]))
FINISH(root, pow(v[i], 1 / r->p))

/* (sum |x|^p)^(1/p), the largest or smallest |x| for p = +-inf, the number of nonzeros for p = 0. Accumulating
 * float32 in float64 keeps squares from overflow and underflow. attr[1]: p */
WG_REDUCTION(norm) {
    (void)nop;
    const double p = wg_attr_float(attr[1]);
    wg_reduce_map map = p == 2 ? WG_MAP_SQUARE : p == 1 || isinf(p) ? WG_MAP_ABS : WG_MAP_POWER;
    wg_reduce r;
    WG_LEVEL(wg_reduce_plan)(&r, op[0], op[1], WG_F64, p == 0 ? WG_MAP_INDICATOR : map);
    r.p = p;
    if (p == 2) r.finish = square_root;
    else if (p != 1 && p != 0 && !isinf(p)) r.finish = root;
    return WG_LEVEL(wg_reduce_run)(&r, isinf(p) ? p > 0 ? WG_MAX : WG_MIN : WG_ADD);
}

/* The means of all outputs, float64 and in the order of a plan, into r->c's memory. */
static int means(const wg_reduce *plan, double *mean) {
    wg_reduce r = *plan;
    r.load = WG_LEVEL(wg_reduce_loader)(WG_MAP_COPY, r.xdtype, WG_F64);
    r.direct = r.xdtype == WG_F64;
    r.c = NULL;
    r.p = (double)r.count;
    r.finish = divide_by_count;
    r.dense = mean;
    return WG_LEVEL(wg_reduce_run)(&r, WG_ADD);
}

FINISH(divide_by_freedom, v[i] / fmax(0, (double)r->count - r->p))
FINISH(deviation, sqrt(v[i] / fmax(0, (double)r->count - r->p)))

/* Two passes: the mean, then squared deviations from it; float64 throughout. */
static int variance(wg_array *out, const wg_array *x, double correction, int root_of_it) {
    wg_reduce r;
    WG_LEVEL(wg_reduce_plan)(&r, out, x, WG_F64, WG_MAP_DEVIATION);
    double *mean = wg_scratch_get((r.outputs + 1) * (int64_t)sizeof(double));
    if (!mean) return -1;
    r.c = mean;
    r.p = correction;
    r.finish = root_of_it ? deviation : divide_by_freedom;
    int status = means(&r, mean);
    if (!status) status = WG_LEVEL(wg_reduce_run)(&r, WG_ADD);
    wg_scratch_put(mean);
    return status;
}

/* attr[1]: correction (float): the divisor is max(0, count - correction) */
WG_REDUCTION(var) {
    (void)nop;
    return variance(op[0], op[1], wg_attr_float(attr[1]), 0);
}

/* The square root of var, rounded once. */
WG_REDUCTION(std) {
    (void)nop;
    return variance(op[0], op[1], wg_attr_float(attr[1]), 1);
}

/* ---- logsumexp ---------------------------------------------------------------------------------------- */

/* An infinite maximum is no shift: inf - inf would be NaN. */
FINISH(finite_or_zero, isinf(v[i]) ? 0 : v[i])

static void log_and_shift(const wg_reduce *r, void *acc, int64_t n, int64_t first) {
    if (r->acc == WG_F32) {
        float *v = acc;
        const float *c = (const float *)r->c + first;
        for (int64_t i = 0; i < n; i++) v[i] = wg_log_f32(v[i]) + c[i];
    } else {
        double *v = acc;
        const double *c = (const double *)r->c + first;
        for (int64_t i = 0; i < n; i++) v[i] = wg_log_f64(v[i]) + c[i];
    }
}

/* log(sum(exp(x - m))) + m with m the maximum */
WG_REDUCTION(logsumexp) {
    (void)nop, (void)attr;
    wg_reduce r, largest;
    WG_LEVEL(wg_reduce_plan)(&r, op[0], op[1], accumulator(op[1]->dtype), WG_MAP_EXP);
    void *m = wg_scratch_get((r.outputs + 1) * 8);
    if (!m) return -1;
    WG_LEVEL(wg_reduce_plan)(&largest, op[0], op[1], r.acc, WG_MAP_COPY);
    largest.finish = finite_or_zero;
    largest.dense = m;
    r.c = m;
    r.finish = log_and_shift;
    int status = WG_LEVEL(wg_reduce_run)(&largest, WG_MAX) || WG_LEVEL(wg_reduce_run)(&r, WG_ADD) ? -1 : 0;
    wg_scratch_put(m);
    return status;
}
