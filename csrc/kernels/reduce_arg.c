/* Where the extremum is: argmax, argmin, and max and min along a dimension with their indices.
 *
 * Operands as in reduce.c. Indices are int64 positions in the reduced dimensions, row-major in x's own
 * order. Of equal values the first wins; NaN beats everything, and the first NaN wins. */
#include "reduce_common.h"
#include "wg_math_bits.h"

typedef struct {
    const wg_reduce *r, *values;             /* plans of x to the indices and, unless NULL, to the values */
    void *chunk_values;                      /* of pieces of long rows */
    int64_t *chunk_indices, chunks, tiles;
} wg_arg_job;

/* Writes n results in the order of the plan. */
static void put(const wg_reduce *r, const char *acc, int acctype, int64_t n, int64_t first) {
    const int last = r->nkept - 1;
    while (n > 0) {
        wg_cursor at = wg_reduce_seek(r, first, r->nkept);
        int64_t run = r->kept[last] - at.index < n ? r->kept[last] - at.index : n;
        WG_LEVEL(wg_reduce_store)(at.out, r->odtype, r->kept_out[last], acc, acctype, run, 0);
        acc += run * (acctype == WG_F32 ? 4 : 8);
        first += run;
        n -= run;
    }
}

static void wg_arg_put(const wg_arg_job *j, const void *values, const int64_t *indices, int64_t n, int64_t first) {
    put(j->r, (const char *)indices, WG_I64, n, first);
    if (j->values) put(j->values, values, j->r->acc, n, first);
}

#define GREATER(a, b) ((a) > (b))
#define LESS(a, b) ((a) < (b))
#define IS_NAN(a) ((a) != (a))

/* Signed integers in the order of the floats: negative ones count down. -0 is made +0 first. */
WG_INLINE int32_t key_f32(float a, int32_t nan) {
    int32_t b = (int32_t)wg_bits_f32(a + 0.0f);
    return IS_NAN(a) ? nan : b ^ (b < 0 ? INT32_MAX : 0);
}
WG_INLINE int64_t key_f64(double a, int64_t nan) {
    int64_t b = (int64_t)wg_bits_f64(a + 0.0);
    return IS_NAN(a) ? nan : b ^ (b < 0 ? INT64_MAX : 0);
}

#define T float
#define TI int32_t
#define R(name) name##_max_f32
#define KEY(a) key_f32(a, INT32_MAX)
#define BETTER GREATER
#define BEST WG_LEVEL(wg_max_f32)
#include "reduce_arg.inc.h"
#undef T
#undef TI
#undef R
#undef KEY
#undef BETTER
#undef BEST

#define T float
#define TI int32_t
#define R(name) name##_min_f32
#define KEY(a) key_f32(a, INT32_MIN)
#define BETTER LESS
#define BEST WG_LEVEL(wg_min_f32)
#include "reduce_arg.inc.h"
#undef T
#undef TI
#undef R
#undef KEY
#undef BETTER
#undef BEST

#define T double
#define TI int64_t
#define R(name) name##_max_f64
#define KEY(a) key_f64(a, INT64_MAX)
#define BETTER GREATER
#define BEST WG_LEVEL(wg_max_f64)
#include "reduce_arg.inc.h"
#undef T
#undef TI
#undef R
#undef KEY
#undef BETTER
#undef BEST

#define T double
#define TI int64_t
#define R(name) name##_min_f64
#define KEY(a) key_f64(a, INT64_MIN)
#define BETTER LESS
#define BEST WG_LEVEL(wg_min_f64)
#include "reduce_arg.inc.h"
#undef T
#undef TI
#undef R
#undef KEY
#undef BETTER
#undef BEST

#undef IS_NAN
#define IS_NAN(a) 0
#define T int64_t
#define TI int64_t
#define R(name) name##_max_i64
#define KEY(a) (a)
#define BETTER GREATER
#define BEST WG_LEVEL(wg_max_i64)
#include "reduce_arg.inc.h"
#undef T
#undef TI
#undef R
#undef KEY
#undef BETTER
#undef BEST

#define T int64_t
#define TI int64_t
#define R(name) name##_min_i64
#define KEY(a) (a)
#define BETTER LESS
#define BEST WG_LEVEL(wg_min_i64)
#include "reduce_arg.inc.h"
#undef T
#undef TI
#undef R
#undef KEY
#undef BETTER
#undef BEST

static int extremum(wg_array *values, wg_array *indices, const wg_array *x, int smallest) {
    typedef int (*runner)(wg_arg_job *);
    static const runner run[3][2] = {{run_max_f32, run_min_f32}, {run_max_f64, run_min_f64}, {run_max_i64, run_min_i64}};
    int acc = x->dtype == WG_F64 ? WG_F64 : WG_IS_FLOAT(x->dtype) ? WG_F32 : WG_I64;
    if (acc == WG_F32 && x->numel > INT32_MAX) acc = WG_F64;        /* positions are as wide as elements */
    wg_reduce r, v;
    WG_LEVEL(wg_reduce_plan_ordered)(&r, indices, x, acc);
    if (values) WG_LEVEL(wg_reduce_plan_ordered)(&v, values, x, acc);
    if (!r.outputs) return 0;
    if (!r.count) return wg_fail(WG_INDEX_ERROR, "cannot take the extremum of no elements");
    wg_arg_job j = {.r = &r, .values = values ? &v : NULL, .chunks = 1};
    return run[acc == WG_F32 ? 0 : acc == WG_F64 ? 1 : 2][smallest](&j);
}

#define WG_REDUCTION(name) int WG_K(name)(wg_array *const *op, int nop, const wg_attr *attr)

/* Operands indices, x */
WG_REDUCTION(argmax) { (void)nop, (void)attr; return extremum(NULL, op[0], op[1], 0); }
WG_REDUCTION(argmin) { (void)nop, (void)attr; return extremum(NULL, op[0], op[1], 1); }

/* Operands values, indices, x */
WG_REDUCTION(max_dim) { (void)nop, (void)attr; return extremum(op[0], op[1], op[2], 0); }
WG_REDUCTION(min_dim) { (void)nop, (void)attr; return extremum(op[0], op[1], op[2], 1); }
