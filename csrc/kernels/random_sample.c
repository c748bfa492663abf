/* Samples that take a varying number of draws (poisson, gamma, binomial), and categories (multinomial).
 *
 * Operands: y, parameters (of y's dtype and broadcast to its shape), generator. */
#include "random_draw.h"

#include <float.h>

/* ---- poisson ------------------------------------------------------------------------------------- */

static int64_t poisson(double rate, wg_generator *g) {
    if (rate == 0) return 0;
    if (rate < 10) {                     /* arrivals until their exponential gaps exceed the rate (Knuth) */
        const double limit = exp(-rate);
        double product = 1;
        for (int64_t k = 0;; k++) {
            product *= wg_draw_unit(g);
            if (product <= limit) return k;
        }
    }
    /* Transformed rejection, algorithm PTRS of Hoermann, Insurance: Math. and Econ. 12 (1993). */
    const double log_rate = log(rate);
    const double b = 0.931 + 2.53 * sqrt(rate), a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), vr = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
        const double u = wg_draw_unit(g) - 0.5, v = wg_draw_unit(g), us = 0.5 - fabs(u);
        const int64_t k = wg_whole(floor((2 * a / us + b) * u + rate + 0.43));
        if (us >= 0.07 && v <= vr) return k;
        if (k < 0 || (us < 0.013 && v > us)) continue;
        const double bound = -rate + (double)k * log_rate - lgamma((double)k + 1);
        if (log(v) + log(inverse_alpha) - log(a / (us * us) + b) <= bound) return k;
    }
}

/* What Stirling's formula for log(k!) lacks. */
static double stirling_tail(double k) {
    static const double exact[] = {0.0810614667953272,  0.0413406959554092,  0.0276779256849983,  0.02079067210376509,
                                   0.0166446911898211,  0.0138761288230707,  0.0118967099458917,  0.0104112652619720,
                                   0.00925546218271273, 0.00833056343336287};
    if (k < 10) return exact[k > 0 ? (int)k : 0];
    const double square = (k + 1) * (k + 1);
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

/* Weights p in rows of categories, samples y in rows; strides in elements. */
typedef struct {
    const char *p;
    int64_t *y;
    int64_t rows, categories, samples, p_row, p_column, y_row, y_column;
} table;

#define T float
#define TN(name) name##_f32
#define T_sqrt sqrtf
#define T_floor floorf
#define T_log1p log1pf
#define T_tiny FLT_MIN
#include "random_sample.inc"
#undef T
#undef TN
#undef T_sqrt
#undef T_floor
#undef T_log1p
#undef T_tiny
#define T double
#define TN(name) name##_f64
#define T_sqrt sqrt
#define T_floor floor
#define T_log1p log1p
#define T_tiny DBL_MIN
#include "random_sample.inc"

#define WG_DEFINE_SAMPLER(name) \
    int WG_K(random_##name)(wg_array *const *op, int nop, const wg_attr *attr) { \
        (void)attr; \
        wg_generator *g = wg_generator_of(op, nop); \
        if (op[0]->numel == 0) return 0; \
        if (op[0]->dtype == WG_F32) return fill_##name##_f32(op, g); \
        if (op[0]->dtype == WG_F64) return fill_##name##_f64(op, g); \
        return wg_random_unsupported(#name "_cpu", op[0]->dtype); \
    }

/* y, rate, generator. */
WG_DEFINE_SAMPLER(poisson)
/* y, alpha, generator: scale 1. */
WG_DEFINE_SAMPLER(gamma)
/* y, count, p, generator. */
WG_DEFINE_SAMPLER(binomial)

/* y (rows, samples) or (samples,) int64, p (rows, categories) or (categories,), generator; replacement. Single
 * samples take torch's path without replacement. Without it samples <= categories. */
int WG_K(random_multinomial)(wg_array *const *op, int nop, const wg_attr *attr) {
    const wg_array *y = op[0], *p = op[1];
    wg_generator *g = wg_generator_of(op, nop);
    const int d = p->ndim - 1;
    if (y->numel == 0) return 0;
    table t = {p->data, (int64_t *)y->data, d ? p->shape[0] : 1, p->shape[d], y->shape[d],
               d ? p->strides[0] : 0, p->strides[d], d ? y->strides[0] : 0, y->strides[d]};
    const int replacing = attr[0].i && t.samples > 1;
    if (p->dtype == WG_F32) return replacing ? multinomial_replacing_f32(&t, g) : multinomial_distinct_f32(&t, p, g);
    if (p->dtype == WG_F64) return replacing ? multinomial_replacing_f64(&t, g) : multinomial_distinct_f64(&t, p, g);
    return wg_random_unsupported("multinomial", p->dtype);
}
