/* Running sums, products, extrema and logsumexps along one dimension.
 *
 * Operands: out, x (cummax and cummin: values, indices, x), all of x's shape, any strides; values may be
 * x's own memory. attr[0]: the dimension (any for a 0-d x); attr[1], not for cummax and cummin:
 * reverse, from the last element to the first. float32 accumulates in float64 (and logcumsumexp all),
 * integers and bool in int64, which is then the dtype of out. */
#include "../wg_kernel.h"
#include "wg_math.h"

enum { STRIP = 64 };                         /* lines that advance together */

/* Some lines: strides of elements along a line, of lines (c..), for x, y and indices. */
typedef struct strip {
    const char *x;
    char *y;
    int64_t *index;
    int64_t n, sx, sy, si;
    int64_t lines, cx, cy, ci;
    int across;                              /* neighbours in memory are in different lines: advance all together */
} strip;

typedef void (*strip_fn)(const strip *s);

#define SAME(v) (v)
#define SCAN(name, S, D, A, GET, PUT, INIT, STEP)                                                              \
    static void name(const strip *s) {                                                                         \
        if (s->across) {                                                                                       \
            A acc[STRIP];                                                                                      \
            for (int64_t k = 0; k < s->lines; k++) acc[k] = INIT;                                              \
            for (int64_t i = 0; i < s->n; i++) {                                                               \
                const S *x = (const S *)s->x + i * s->sx;                                                      \
                D *y = (D *)s->y + i * s->sy;                                                                  \
                if (s->cx == 1 && s->cy == 1) {                                                                \
                    WG_VECTOR for (int64_t k = 0; k < s->lines; k++) {                                         \
                        A v = (A)GET(x[k]);                                                                    \
                        acc[k] = STEP(acc[k], v);                                                              \
                        y[k] = (D)PUT(acc[k]);                                                                 \
                    }                                                                                          \
                } else {                                                                                       \
                    for (int64_t k = 0; k < s->lines; k++) {                                                   \
                        A v = (A)GET(x[k * s->cx]);                                                            \
                        acc[k] = STEP(acc[k], v);                                                              \
                        y[k * s->cy] = (D)PUT(acc[k]);                                                         \
                    }                                                                                          \
                }                                                                                              \
            }                                                                                                  \
            return;                                                                                            \
        }                                                                                                      \
        for (int64_t k = 0; k < s->lines; k++) {                                                               \
            const S *x = (const S *)s->x + k * s->cx;                                                          \
            D *y = (D *)s->y + k * s->cy;                                                                      \
            A acc = INIT;                                                                                      \
            for (int64_t i = 0; i < s->n; i++) {                                                               \
                A v = (A)GET(x[i * s->sx]);                                                                    \
                acc = STEP(acc, v);                                                                            \
                y[i * s->sy] = (D)PUT(acc);                                                                    \
            }                                                                                                  \
        }                                                                                                      \
    }

#define PLUS(a, v) ((a) + (v))
#define TIMES(a, v) ((a) * (v))

/* log(exp(a) + exp(v)). Equal infinities have no difference. */
WG_INLINE double log_add(double a, double v) {
    if (a != a || v != v) return a + v;
    double low = a < v ? a : v, high = a < v ? v : a;
    return low == high && wg_isinf_f64(low) ? low : high + wg_log1p_f64(wg_exp_f64(low - high));
}

#define FLOAT_SCANS(name, A16, STEP, INIT)                                                     \
    SCAN(name##_f16, uint16_t, uint16_t, A16, wg_f16_to_f32, wg_f32_to_f16, INIT, STEP)        \
    SCAN(name##_bf16, uint16_t, uint16_t, A16, wg_bf16_to_f32, wg_f32_to_bf16, INIT, STEP)     \
    SCAN(name##_f32, float, float, double, SAME, SAME, INIT, STEP)                             \
    SCAN(name##_f64, double, double, double, SAME, SAME, INIT, STEP)
#define INT_SCANS(name, STEP, INIT)                                                            \
    SCAN(name##_u8, uint8_t, int64_t, uint64_t, SAME, SAME, INIT, STEP)                        \
    SCAN(name##_i8, int8_t, int64_t, uint64_t, (uint64_t), SAME, INIT, STEP)                   \
    SCAN(name##_i16, int16_t, int64_t, uint64_t, (uint64_t), SAME, INIT, STEP)                 \
    SCAN(name##_i32, int32_t, int64_t, uint64_t, (uint64_t), SAME, INIT, STEP)                 \
    SCAN(name##_i64, int64_t, int64_t, uint64_t, (uint64_t), SAME, INIT, STEP)
#define FLOAT_TABLE(name) \
    [WG_F16] = name##_f16, [WG_BF16] = name##_bf16, [WG_F32] = name##_f32, [WG_F64] = name##_f64
#define INT_TABLE(name)                                                                        \
    [WG_BOOL] = name##_u8, [WG_U8] = name##_u8, [WG_I8] = name##_i8, [WG_I16] = name##_i16,    \
    [WG_I32] = name##_i32, [WG_I64] = name##_i64

FLOAT_SCANS(sum, float, PLUS, 0)
INT_SCANS(sum, PLUS, 0)
FLOAT_SCANS(prod, float, TIMES, 1)
INT_SCANS(prod, TIMES, 1)
FLOAT_SCANS(log_sum_exp, double, log_add, -WG_INF_F64)

/* A NaN takes over and stays; of equal values the latest is the one. */
#define EXTREMUM(name, S, A, GET, NAN_OF, BEATS)                                               \
    static void name(const strip *s) {                                                         \
        A best[STRIP];                                                                         \
        int64_t where[STRIP];                                                                  \
        const int64_t outer = s->across ? 1 : s->lines, inner = s->across ? s->lines : 1;      \
        for (int64_t o = 0; o < outer; o++) {                                                  \
            for (int64_t i = 0; i < s->n; i++) {                                               \
                const S *x = (const S *)s->x + o * s->cx + i * s->sx;                          \
                S *y = (S *)s->y + o * s->cy + i * s->sy;                                      \
                int64_t *index = s->index + o * s->ci + i * s->si;                             \
                for (int64_t k = 0; k < inner; k++) {                                          \
                    S raw = x[k * s->cx];                                                      \
                    A v = (A)GET(raw);                                                         \
                    if (i == 0 || NAN_OF(v) || (!NAN_OF(best[k]) && v BEATS best[k])) {        \
                        best[k] = v;                                                           \
                        where[k] = i;                                                          \
                        y[k * s->cy] = raw;                                                    \
                    } else {                                                                   \
                        y[k * s->cy] = y[k * s->cy - s->sy];                                   \
                    }                                                                          \
                    index[k * s->ci] = where[k];                                               \
                }                                                                              \
            }                                                                                  \
        }                                                                                      \
    }
#define IS_NAN(v) ((v) != (v))
#define NEVER(v) 0
#define EXTREMA(name, BEATS)                                         \
    EXTREMUM(name##_u8, uint8_t, uint8_t, SAME, NEVER, BEATS)        \
    EXTREMUM(name##_i8, int8_t, int8_t, SAME, NEVER, BEATS)          \
    EXTREMUM(name##_i16, int16_t, int16_t, SAME, NEVER, BEATS)       \
    EXTREMUM(name##_i32, int32_t, int32_t, SAME, NEVER, BEATS)       \
    EXTREMUM(name##_i64, int64_t, int64_t, SAME, NEVER, BEATS)       \
    EXTREMUM(name##_f16, uint16_t, float, wg_f16_to_f32, IS_NAN, BEATS)   \
    EXTREMUM(name##_bf16, uint16_t, float, wg_bf16_to_f32, IS_NAN, BEATS) \
    EXTREMUM(name##_f32, float, float, SAME, IS_NAN, BEATS)          \
    EXTREMUM(name##_f64, double, double, SAME, IS_NAN, BEATS)
EXTREMA(max, >=)
EXTREMA(min, <=)

/* ---- which lines ------------------------------------------------------------------------------------ */

typedef struct {
    const wg_array *x, *y, *index;
    strip_fn scan;
    strip shape;                             /* what all strips have in common */
    int inner;                               /* the dimension whose lines form strips; -1: there is one line */
    int dim;
    int64_t inner_size, strips;              /* strips in each run of the inner dimension */
    int64_t start_x, start_y;                /* where a line begins: its end, when in reverse */
} job;

static void body(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    const wg_array *x = j->x, *y = j->y, *index = j->index;
    for (int64_t item = begin; item < end; item++) {
        int64_t rest = item / j->strips, first = (item - rest * j->strips) * STRIP;
        int64_t ox = j->start_x + first * j->shape.cx, oy = j->start_y + first * j->shape.cy, oi = first * j->shape.ci;
        for (int d = x->ndim - 1; d >= 0 && rest; d--) {
            if (d == j->dim || d == j->inner) continue;
            int64_t i = rest % x->shape[d];
            rest /= x->shape[d];
            ox += i * x->strides[d];
            oy += i * y->strides[d];
            if (index) oi += i * index->strides[d];
        }
        strip s = j->shape;
        s.x = x->data + ox * wg_itemsize[x->dtype];
        s.y = y->data + oy * wg_itemsize[y->dtype];
        if (index) s.index = (int64_t *)index->data + oi;
        s.lines = j->inner_size - first < STRIP ? j->inner_size - first : STRIP;
        j->scan(&s);
    }
}

static int64_t magnitude(int64_t v) { return v < 0 ? -v : v; }

static int scan(wg_array *y, wg_array *index, const wg_array *x, strip_fn fn, const wg_attr *attr, double cost) {
    if (!x->numel) return 0;
    job j = {.x = x, .y = y, .index = index, .scan = fn, .inner = -1, .dim = -1, .inner_size = 1};
    j.shape.n = 1;
    if (x->ndim) {
        const int dim = j.dim = (int)wg_attr_int(attr[0]);
        j.shape.n = x->shape[dim];
        j.shape.sx = x->strides[dim];
        j.shape.sy = y->strides[dim];
        j.shape.si = index ? index->strides[dim] : 0;
        if (!index && attr[1].i) {
            j.start_x = (j.shape.n - 1) * j.shape.sx;
            j.start_y = (j.shape.n - 1) * j.shape.sy;
            j.shape.sx = -j.shape.sx;
            j.shape.sy = -j.shape.sy;
        }
        for (int d = 0; d < x->ndim; d++) {
            if (d == dim || x->shape[d] == 1) continue;
            if (j.inner < 0 || magnitude(y->strides[d]) <= magnitude(y->strides[j.inner])) j.inner = d;
        }
    }
    if (j.inner >= 0) {
        j.inner_size = x->shape[j.inner];
        j.shape.cx = x->strides[j.inner];
        j.shape.cy = y->strides[j.inner];
        j.shape.ci = index ? index->strides[j.inner] : 0;
        j.shape.across = magnitude(j.shape.cy) < magnitude(j.shape.sy);
    }
    j.strips = (j.inner_size + STRIP - 1) / STRIP;
    const int64_t per_strip = j.shape.n * (j.inner_size < STRIP ? j.inner_size : STRIP);
    const int64_t items = x->numel / (j.shape.n * j.inner_size) * j.strips;
    wg_parallel_for(items, 1 + 16384 / per_strip, cost * (double)per_strip, body, &j);
    return 0;
}

#define WG_SCAN(name) int WG_K(name)(wg_array *const *op, int nop, const wg_attr *attr)

WG_SCAN(cumsum) {
    static const strip_fn by_dtype[WG_NDTYPES] = {FLOAT_TABLE(sum), INT_TABLE(sum)};
    (void)nop;
    return scan(op[0], NULL, op[1], by_dtype[op[1]->dtype], attr, 0.8);
}

WG_SCAN(cumprod) {
    static const strip_fn by_dtype[WG_NDTYPES] = {FLOAT_TABLE(prod), INT_TABLE(prod)};
    (void)nop;
    return scan(op[0], NULL, op[1], by_dtype[op[1]->dtype], attr, 0.8);
}

/* Floats only. */
WG_SCAN(logcumsumexp) {
    static const strip_fn by_dtype[WG_NDTYPES] = {FLOAT_TABLE(log_sum_exp)};
    (void)nop;
    return scan(op[0], NULL, op[1], by_dtype[op[1]->dtype], attr, 15);
}

WG_SCAN(cummax) {
    static const strip_fn by_dtype[WG_NDTYPES] = {FLOAT_TABLE(max), INT_TABLE(max)};
    (void)nop;
    return scan(op[0], op[1], op[2], by_dtype[op[2]->dtype], attr, 1.5);
}

WG_SCAN(cummin) {
    static const strip_fn by_dtype[WG_NDTYPES] = {FLOAT_TABLE(min), INT_TABLE(min)};
    (void)nop;
    return scan(op[0], op[1], op[2], by_dtype[op[2]->dtype], attr, 1.5);
}
