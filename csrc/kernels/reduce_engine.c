/* Runs planned reductions: reduce_core.inc.h for each accumulator type and operation. */
#include "reduce_common.h"

#include <math.h>
#include <string.h>

#if defined(__AVX512F__)
#define WG_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define WG_VECTOR_BYTES 32
#else
#define WG_VECTOR_BYTES 16
#endif

/* Where an output begins, in x and in out, and its index in the dimension that was decoded last. */
typedef struct { const char *x; char *out; int64_t index; } wg_cursor;

/* The output with this number among the first `dims` kept dimensions. */
static wg_cursor wg_reduce_seek(const wg_reduce *r, int64_t number, int dims) {
    int64_t x = 0, out = 0, index = 0;
    for (int d = dims - 1; d >= 0; d--) {
        int64_t i = number;
        if (d) {
            number = i / r->kept[d];
            i -= number * r->kept[d];
        }
        if (d == dims - 1) index = i;
        x += i * r->kept_x[d];
        out += i * r->kept_out[d];
    }
    return (wg_cursor){r->x + x * wg_itemsize[r->xdtype], r->out + out * wg_itemsize[r->odtype], index};
}

/* Hands over n results, outputs first.. in the order of the plan, neighbours in the last kept dimension. */
static void wg_reduce_emit(const wg_reduce *r, void *acc, int64_t n, int64_t first, char *out) {
    const int64_t item = r->acc == WG_F32 ? 4 : 8;
    if (r->finish) r->finish(r, acc, n, first);
    if (r->dense)
        memcpy((char *)r->dense + first * item, acc, (size_t)(n * item));
    else
        WG_LEVEL(wg_reduce_store)(out, r->odtype, r->kept_out[r->nkept - 1], acc, r->acc, n, r->add);
}

#define PLUS(a, b) ((a) + (b))
#define TIMES(a, b) ((a) * (b))
#define PLUSV(V, M, a, b) ((a) + (b))
#define TIMESV(V, M, a, b) ((a) * (b))
/* NaN wins. A NaN in b wins because every comparison with it is false. */
#define LARGER(a, b) ((a) > (b) || (a) != (a) ? (a) : (b))
#define SMALLER(a, b) ((a) < (b) || (a) != (a) ? (a) : (b))
#define SELECTV(V, M, take_a, a, b) ({ M take_ = (M)(take_a); (V)(((M)(a) & take_) | ((M)(b) & ~take_)); })
#define LARGERV(V, M, a, b) ({ V a_ = (a), b_ = (b); SELECTV(V, M, (a_ > b_) | (a_ != a_), a_, b_); })
#define SMALLERV(V, M, a, b) ({ V a_ = (a), b_ = (b); SELECTV(V, M, (a_ < b_) | (a_ != a_), a_, b_); })

#define T float
#define TS int32_t
#define T_BITS 32
#define R(name) name##_add_f32
#define OP PLUS
#define OPV PLUSV
#include "reduce_core.inc.h"
#undef R
#undef OP
#undef OPV
#define R(name) name##_mul_f32
#define OP TIMES
#define OPV TIMESV
#include "reduce_core.inc.h"
#undef R
#undef OP
#undef OPV
#define R(name) name##_max_f32
#define OP LARGER
#define OPV LARGERV
#include "reduce_core.inc.h"
#undef R
#undef OP
#undef OPV
#define R(name) name##_min_f32
#define OP SMALLER
#define OPV SMALLERV
#include "reduce_core.inc.h"
#undef R
#undef OP
#undef OPV
#undef T
#undef TS
#undef T_BITS

#define T double
#define TS int64_t
#define T_BITS 64
#define R(name) name##_add_f64
#define OP PLUS
#define OPV PLUSV
#include "reduce_core.inc.h"
#undef R
#undef OP
#undef OPV
#define R(name) name##_mul_f64
#define OP TIMES
#define OPV TIMESV
#include "reduce_core.inc.h"
#undef R
#undef OP
#undef OPV
#define R(name) name##_max_f64
#define OP LARGER
#define OPV LARGERV
#include "reduce_core.inc.h"
#undef R
#undef OP
#undef OPV
#define R(name) name##_min_f64
#define OP SMALLER
#define OPV SMALLERV
#include "reduce_core.inc.h"
#undef R
#undef OP
#undef OPV
#undef T

#define T uint64_t      /* wraps around, as PyTorch's integers */
#define R(name) name##_add_i64
#define OP PLUS
#define OPV PLUSV
#include "reduce_core.inc.h"
#undef R
#undef OP
#undef OPV
#define R(name) name##_mul_i64
#define OP TIMES
#define OPV TIMESV
#include "reduce_core.inc.h"
#undef R
#undef OP
#undef OPV
#undef T
#define T int64_t
#define R(name) name##_max_i64
#define OP LARGER
#define OPV LARGERV
#include "reduce_core.inc.h"
#undef R
#undef OP
#undef OPV
#define R(name) name##_min_i64
#define OP SMALLER
#define OPV SMALLERV
#include "reduce_core.inc.h"

float WG_LEVEL(wg_sum_f32)(const float *x, int64_t n) { return dense_add_f32(x, n); }
double WG_LEVEL(wg_sum_f64)(const double *x, int64_t n) { return dense_add_f64(x, n); }

/* Nothing to reduce: every output is the identity. */
static int fill(const wg_reduce *r, wg_reduce_op op) {
    static const double of_float[WG_NREDUCE] = {0, 1, -INFINITY, INFINITY};
    static const int64_t of_int[WG_NREDUCE] = {0, 1, INT64_MIN, INT64_MAX};
    for (int64_t o = 0; o < r->outputs; o++) {
        union { float f; double d; int64_t i; } v;
        if (r->acc == WG_F32) v.f = (float)of_float[op];
        else if (r->acc == WG_F64) v.d = of_float[op];
        else v.i = of_int[op];
        wg_reduce_emit(r, &v, 1, o, wg_reduce_seek(r, o, r->nkept).out);
    }
    return 0;
}

int WG_LEVEL(wg_reduce_run)(const wg_reduce *r, wg_reduce_op op) {
    typedef int (*runner)(const wg_reduce *);
    static const runner f32[WG_NREDUCE] = {run_add_f32, run_mul_f32, run_max_f32, run_min_f32};
    static const runner f64[WG_NREDUCE] = {run_add_f64, run_mul_f64, run_max_f64, run_min_f64};
    static const runner i64[WG_NREDUCE] = {run_add_i64, run_mul_i64, run_max_i64, run_min_i64};
    if (!r->outputs) return 0;
    if (!r->count) return fill(r, op);
    return (r->acc == WG_F32 ? f32 : r->acc == WG_F64 ? f64 : i64)[op](r);
}
