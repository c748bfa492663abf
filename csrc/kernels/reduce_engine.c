/* Runs planned reductions: reduce_core.inc.h for each accumulator type and operation. */
#include "reduce_common.h"

#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define WG_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define WG_VECTOR_BYTES 32
#else
#define WG_VECTOR_BYTES 16
#endif

/* Hands over n results, outputs first.. in the order of the plan, neighbours in the last kept dimension. */
static void wg_reduce_emit(const wg_reduce *r, void *acc, int64_t n, int64_t first, char *out) {
    const int64_t item = r->acc == WG_F32 ? 4 : 8;
    if (r->finish) r->finish(r, acc, n, first);
    if (r->dense)
        memcpy((char *)r->dense + first * item, acc, (size_t)(n * item));
    else
        WG_LEVEL(wg_reduce_store)(out, r->odtype, r->kept_out[r->nkept - 1], acc, r->acc, n, r->add);
}

/* NaN wins. A NaN in b wins because every comparison with it is false. */
#define IS_NAN(a) ((a) != (a))
#define NEVER(a) 0
#define EXTREMA(T, s, NAN_OF)                                                                      \
    WG_INLINE T larger_##s(T a, T b) { T m = a > b ? a : b; return NAN_OF(a) ? a : m; }            \
    WG_INLINE T smaller_##s(T a, T b) { T m = a < b ? a : b; return NAN_OF(a) ? a : m; }
EXTREMA(float, f32, IS_NAN)
EXTREMA(double, f64, IS_NAN)
EXTREMA(int64_t, i64, NEVER)

/* Their form on native vectors: what compilers make of the mask arithmetic of LARGERV is twice as slow. */
#if defined(__AVX512F__)
#define NATIVE_EXTREMA(s, p, V)                                                                                        \
    WG_INLINE V larger_native_##s(V a, V b) {                                                                           \
        return _mm512_mask_mov_##p(_mm512_max_##p(a, b), _mm512_cmp_##p##_mask(a, a, _CMP_UNORD_Q), a);                 \
    }                                                                                                                   \
    WG_INLINE V smaller_native_##s(V a, V b) {                                                                          \
        return _mm512_mask_mov_##p(_mm512_min_##p(a, b), _mm512_cmp_##p##_mask(a, a, _CMP_UNORD_Q), a);                 \
    }
NATIVE_EXTREMA(f32, ps, __m512)
NATIVE_EXTREMA(f64, pd, __m512d)
#elif defined(__AVX2__)
#define NATIVE_EXTREMA(s, p, V)                                                                                         \
    WG_INLINE V larger_native_##s(V a, V b) {                                                                           \
        return _mm256_blendv_##p(_mm256_max_##p(a, b), a, _mm256_cmp_##p(a, a, _CMP_UNORD_Q));                          \
    }                                                                                                                   \
    WG_INLINE V smaller_native_##s(V a, V b) {                                                                          \
        return _mm256_blendv_##p(_mm256_min_##p(a, b), a, _mm256_cmp_##p(a, a, _CMP_UNORD_Q));                          \
    }
NATIVE_EXTREMA(f32, ps, __m256)
NATIVE_EXTREMA(f64, pd, __m256d)
#elif defined(__SSE4_1__)
#define NATIVE_EXTREMA(s, p, V)                                                                                         \
    WG_INLINE V larger_native_##s(V a, V b) { return _mm_blendv_##p(_mm_max_##p(a, b), a, _mm_cmpunord_##p(a, a)); }    \
    WG_INLINE V smaller_native_##s(V a, V b) { return _mm_blendv_##p(_mm_min_##p(a, b), a, _mm_cmpunord_##p(a, a)); }
NATIVE_EXTREMA(f32, ps, __m128)
NATIVE_EXTREMA(f64, pd, __m128d)
#endif

#define PLUS(a, b) ((a) + (b))
#define TIMES(a, b) ((a) * (b))
#define PLUSV(V, M, a, b) ((a) + (b))
#define TIMESV(V, M, a, b) ((a) * (b))
#define SELECTV(V, M, take_a, a, b) ({ M take_ = (M)(take_a); (V)(((M)(a) & take_) | ((M)(b) & ~take_)); })
#define LARGERV_INT(V, M, a, b) ({ V a_ = (a), b_ = (b); SELECTV(V, M, a_ > b_, a_, b_); })
#define SMALLERV_INT(V, M, a, b) ({ V a_ = (a), b_ = (b); SELECTV(V, M, a_ < b_, a_, b_); })
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
#define OP larger_f32
#define OPV LARGERV
#ifdef NATIVE_EXTREMA
#define OPN(a, b) larger_native_f32(a, b)
#endif
#include "reduce_core.inc.h"
#undef OPN
#undef R
#undef OP
#undef OPV
#define R(name) name##_min_f32
#define OP smaller_f32
#define OPV SMALLERV
#ifdef NATIVE_EXTREMA
#define OPN(a, b) smaller_native_f32(a, b)
#endif
#include "reduce_core.inc.h"
#undef OPN
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
#define OP larger_f64
#define OPV LARGERV
#ifdef NATIVE_EXTREMA
#define OPN(a, b) larger_native_f64(a, b)
#endif
#include "reduce_core.inc.h"
#undef OPN
#undef R
#undef OP
#undef OPV
#define R(name) name##_min_f64
#define OP smaller_f64
#define OPV SMALLERV
#ifdef NATIVE_EXTREMA
#define OPN(a, b) smaller_native_f64(a, b)
#endif
#include "reduce_core.inc.h"
#undef OPN
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
#define OP larger_i64
#define OPV LARGERV_INT
#include "reduce_core.inc.h"
#undef R
#undef OP
#undef OPV
#define R(name) name##_min_i64
#define OP smaller_i64
#define OPV SMALLERV_INT
#include "reduce_core.inc.h"

#define DENSE(name, instance, T) \
    T WG_LEVEL(name)(const T *x, int64_t n) { return dense_##instance(x, n); }
DENSE(wg_sum_f32, add_f32, float)
DENSE(wg_sum_f64, add_f64, double)
DENSE(wg_max_f32, max_f32, float)
DENSE(wg_max_f64, max_f64, double)
DENSE(wg_max_i64, max_i64, int64_t)
DENSE(wg_min_f32, min_f32, float)
DENSE(wg_min_f64, min_f64, double)
DENSE(wg_min_i64, min_i64, int64_t)

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
