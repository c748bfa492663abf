/* Elements on their way into an accumulator, and accumulators on their way out. */
#include "reduce_common.h"
#include "wg_math.h"

#include <math.h>

#define SAME(v) (v)

/* y[i] = f(x[i * stride], c): v is the element in the accumulator's type T, c the output's own value. */
#define LOADER(name, S, T, GET, F)                                                                                  \
    static void name(void *to, const char *from, int64_t n, int64_t stride, const void *own, int cstep, double p) {  \
        (void)p;                                                                                                     \
        T *restrict y = to;                                                                                          \
        const S *x = (const S *)from;                                                                                \
        const T *cs = own;                                                                                           \
        if (cstep) {                                                                                                 \
            for (int64_t i = 0; i < n; i++) { T v = (T)GET(x[i * stride]), c = cs[i]; (void)c; y[i] = (T)(F); }      \
            return;                                                                                                  \
        }                                                                                                            \
        T c = cs ? cs[0] : 0;                                                                                        \
        (void)c;                                                                                                     \
        if (stride == 1) {                                                                                           \
            for (int64_t i = 0; i < n; i++) { T v = (T)GET(x[i]); y[i] = (T)(F); }                                   \
        } else if (stride == 2) {                                                                                    \
            for (int64_t i = 0; i < n; i++) { T v = (T)GET(x[2 * i]); y[i] = (T)(F); }                               \
        } else {                                                                                                     \
            for (int64_t i = 0; i < n; i++) { T v = (T)GET(x[i * stride]); y[i] = (T)(F); }                          \
        }                                                                                                            \
    }

#define SUM_LOADERS(s, S, t, T, GET, EXP)                 \
    LOADER(copy_##s##_##t, S, T, GET, v)                  \
    LOADER(nan_zero_##s##_##t, S, T, GET, v != v ? 0 : v) \
    LOADER(exp_##s##_##t, S, T, GET, EXP(v - c))
SUM_LOADERS(f16, uint16_t, f32, float, wg_f16_to_f32, wg_exp_f32)
SUM_LOADERS(bf16, uint16_t, f32, float, wg_bf16_to_f32, wg_exp_f32)
SUM_LOADERS(f32, float, f32, float, SAME, wg_exp_f32)
SUM_LOADERS(f64, double, f64, double, SAME, wg_exp_f64)

/* Norms and moments accumulate in float64. */
#define MOMENT_LOADERS(s, S, GET)                               \
    LOADER(abs_##s, S, double, GET, fabs(v))                    \
    LOADER(square_##s, S, double, GET, v * v)                   \
    LOADER(deviation_##s, S, double, GET, (v - c) * (v - c))    \
    LOADER(power_##s, S, double, GET, pow(fabs(v), p))          \
    LOADER(indicator_##s, S, double, GET, v != 0)
LOADER(wide_f16, uint16_t, double, wg_f16_to_f32, v)
LOADER(wide_bf16, uint16_t, double, wg_bf16_to_f32, v)
LOADER(wide_f32, float, double, SAME, v)
MOMENT_LOADERS(f16, uint16_t, wg_f16_to_f32)
MOMENT_LOADERS(bf16, uint16_t, wg_bf16_to_f32)
MOMENT_LOADERS(f32, float, SAME)
MOMENT_LOADERS(f64, double, SAME)

#define INT_LOADERS(s, S)                      \
    LOADER(copy_##s##_i64, S, int64_t, SAME, v)
INT_LOADERS(u8, uint8_t)
INT_LOADERS(i8, int8_t)
INT_LOADERS(i16, int16_t)
INT_LOADERS(i32, int32_t)
INT_LOADERS(i64, int64_t)

#define HALF_NONZERO(h) (((h) & 0x7FFFu) != 0)
#define NONZERO(v) ((v) != 0)
LOADER(nonzero_u8, uint8_t, int64_t, NONZERO, v)        /* i8 as well */
LOADER(nonzero_i16, int16_t, int64_t, NONZERO, v)
LOADER(nonzero_i32, int32_t, int64_t, NONZERO, v)
LOADER(nonzero_i64, int64_t, int64_t, NONZERO, v)
LOADER(nonzero_half, uint16_t, int64_t, HALF_NONZERO, v)
LOADER(nonzero_f32, float, int64_t, NONZERO, v)
LOADER(nonzero_f64, double, int64_t, NONZERO, v)

#define SUM_ROW(s, t) \
    [WG_MAP_COPY] = copy_##s##_##t, [WG_MAP_NAN_ZERO] = nan_zero_##s##_##t, [WG_MAP_EXP] = exp_##s##_##t
#define MOMENT_ROW(s)                                                                                               \
    [WG_MAP_ABS] = abs_##s, [WG_MAP_SQUARE] = square_##s, [WG_MAP_DEVIATION] = deviation_##s, [WG_MAP_POWER] = power_##s, \
    [WG_MAP_INDICATOR] = indicator_##s
#define INT_ROW(s, nonzero) {[WG_MAP_COPY] = copy_##s##_i64, [WG_MAP_NONZERO] = nonzero}

static const wg_reduce_load_fn to_f32[WG_NDTYPES][WG_NMAPS] = {
    [WG_F16] = {SUM_ROW(f16, f32)}, [WG_BF16] = {SUM_ROW(bf16, f32)}, [WG_F32] = {SUM_ROW(f32, f32)}};
static const wg_reduce_load_fn to_f64[WG_NDTYPES][WG_NMAPS] = {
    [WG_F16] = {[WG_MAP_COPY] = wide_f16, MOMENT_ROW(f16)}, [WG_BF16] = {[WG_MAP_COPY] = wide_bf16, MOMENT_ROW(bf16)},
    [WG_F32] = {[WG_MAP_COPY] = wide_f32, MOMENT_ROW(f32)}, [WG_F64] = {SUM_ROW(f64, f64), MOMENT_ROW(f64)}};
static const wg_reduce_load_fn to_i64[WG_NDTYPES][WG_NMAPS] = {
    [WG_BOOL] = INT_ROW(u8, nonzero_u8), [WG_U8] = INT_ROW(u8, nonzero_u8), [WG_I8] = INT_ROW(i8, nonzero_u8),
    [WG_I16] = INT_ROW(i16, nonzero_i16), [WG_I32] = INT_ROW(i32, nonzero_i32), [WG_I64] = INT_ROW(i64, nonzero_i64),
    [WG_F16] = {[WG_MAP_NONZERO] = nonzero_half}, [WG_BF16] = {[WG_MAP_NONZERO] = nonzero_half},
    [WG_F32] = {[WG_MAP_NONZERO] = nonzero_f32}, [WG_F64] = {[WG_MAP_NONZERO] = nonzero_f64}};

wg_reduce_load_fn WG_LEVEL(wg_reduce_loader)(wg_reduce_map map, int dtype, int acc) {
    return acc == WG_F32 ? to_f32[dtype][map] : acc == WG_F64 ? to_f64[dtype][map] : to_i64[dtype][map];
}

/* Integer sums wrap, and narrow integers take the low bits, as PyTorch's. */
#define STORE(S, PUT, GET)                                                                      \
    do {                                                                                        \
        S *y = (S *)out;                                                                        \
        if (!add && stride == 1)                                                                \
            for (int64_t i = 0; i < n; i++) y[i] = PUT(v[i]);                                   \
        else if (!add)                                                                               \
            for (int64_t i = 0; i < n; i++) y[i * stride] = PUT(v[i]);                          \
        else                                                                                    \
            for (int64_t i = 0; i < n; i++) y[i * stride] = PUT(GET(y[i * stride]) + v[i]);     \
    } while (0)

#define TO_F16(v) wg_f32_to_f16((float)(v))
#define TO_BF16(v) wg_f32_to_bf16((float)(v))
#define TO_F32(v) (float)(v)
#define FLOAT_STORE(T)                                                  \
    do {                                                                \
        const T *v = acc;                                               \
        switch (odtype) {                                               \
        case WG_F16: STORE(uint16_t, TO_F16, wg_f16_to_f32); break;     \
        case WG_BF16: STORE(uint16_t, TO_BF16, wg_bf16_to_f32); break;  \
        case WG_F32: STORE(float, TO_F32, SAME); break;                 \
        default: STORE(double, SAME, SAME); break;                      \
        }                                                               \
    } while (0)

#define TO_BOOL(v) ((v) != 0)
#define TO_U8(v) (uint8_t)(v)
#define TO_U16(v) (uint16_t)(v)
#define TO_U32(v) (uint32_t)(v)

void WG_LEVEL(wg_reduce_store)(char *out, int odtype, int64_t stride, const void *acc, int acctype, int64_t n, int add) {
    if (acctype == WG_F32) {
        FLOAT_STORE(float);
    } else if (acctype == WG_F64) {
        FLOAT_STORE(double);
    } else {
        const uint64_t *v = acc;                /* two's complement: adding and narrowing are the same unsigned */
        switch (odtype) {
        case WG_BOOL: STORE(uint8_t, TO_BOOL, SAME); break;
        case WG_U8: case WG_I8: STORE(uint8_t, TO_U8, SAME); break;
        case WG_I16: STORE(uint16_t, TO_U16, SAME); break;
        case WG_I32: STORE(uint32_t, TO_U32, SAME); break;
        default: STORE(uint64_t, SAME, SAME); break;
        }
    }
}
