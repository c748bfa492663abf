/* Running sums, products, extrema and logsumexps along one dimension.
 *
 * Operands: out, x (cummax and cummin: values, indices, x), all of x's shape, any strides; values may be
 * x's own memory. attr[0]: the dimension (any for a 0-d x); attr[1], not for cummax and cummin:
 * reverse, from the last element to the first. float32 accumulates in float64 (and logcumsumexp all),
 * integers and bool in int64, which is then the dtype of out. */
#include "../wg_kernel.h"
#include "wg_math.h"

enum { STRIP = 64 };                         /* lines that advance together */

/* Some lines: strides of elements along a line, of lines (c..), for x, y, indices and coefficients. */
typedef struct strip {
    const char *x, *c;
    char *y;
    int64_t *index;
    int64_t n, sx, sy, si, sc;
    int64_t lines, cx, cy, ci, cc;
    int reverse, exclusive;                  /* of the recurrence; strides are turned around already */
    int across;                              /* neighbours in memory are in different lines: advance all together */
} strip;

typedef void (*strip_fn)(const strip *s);

#define SAME(v) (v)
#define SCAN(name, S, D, A, GET, PUT, INIT, STEP, LOOP)                                                        \
    static void name(const strip *s) {                                                                         \
        /* locals: the compiler must take stores of integers for stores to *s */                               \
        const int64_t n = s->n, lines = s->lines, sx = s->sx, sy = s->sy, cx = s->cx, cy = s->cy;              \
        if (s->across) {                                                                                       \
            A acc[STRIP];                                                                                      \
            for (int64_t k = 0; k < lines; k++) acc[k] = INIT;                                                 \
            for (int64_t i = 0; i < n; i++) {                                                                  \
                const S *x = (const S *)s->x + i * sx;                                                         \
                D *y = (D *)s->y + i * sy;                                                                     \
                if (cx == 1 && cy == 1) {                                                                      \
                    LOOP for (int64_t k = 0; k < lines; k++) {                                                 \
                        A v = (A)GET(x[k]);                                                                    \
                        acc[k] = STEP(acc[k], v);                                                              \
                        y[k] = (D)PUT(acc[k]);                                                                 \
                    }                                                                                          \
                } else {                                                                                       \
                    for (int64_t k = 0; k < lines; k++) {                                                      \
                        A v = (A)GET(x[k * cx]);                                                               \
                        acc[k] = STEP(acc[k], v);                                                              \
                        y[k * cy] = (D)PUT(acc[k]);                                                            \
                    }                                                                                          \
                }                                                                                              \
            }                                                                                                  \
            return;                                                                                            \
        }                                                                                                      \
        for (int64_t k = 0; k < lines; k++) {                                                                  \
            const S *x = (const S *)s->x + k * cx;                                                             \
            D *y = (D *)s->y + k * cy;                                                                         \
            A acc = INIT;                                                                                      \
            for (int64_t i = 0; i < n; i++) {                                                                  \
                A v = (A)GET(x[i * sx]);                                                                       \
                acc = STEP(acc, v);                                                                            \
                y[i * sy] = (D)PUT(acc);                                                                       \
            }                                                                                                  \
        }                                                                                                      \
    }

#define PLUS(a, v) ((a) + (v))
#define TIMES(a, v) ((a) * (v))

#define FLOAT_SCANS(name, A16, STEP, INIT, LOOP)                                               \
    SCAN(name##_f16, uint16_t, uint16_t, A16, wg_f16_to_f32, wg_f32_to_f16, INIT, STEP, LOOP)  \
    SCAN(name##_bf16, uint16_t, uint16_t, A16, wg_bf16_to_f32, wg_f32_to_bf16, INIT, STEP, LOOP) \
    SCAN(name##_f32, float, float, double, SAME, SAME, INIT, STEP, LOOP)                       \
    SCAN(name##_f64, double, double, double, SAME, SAME, INIT, STEP, LOOP)
#define INT_SCANS(name, STEP, INIT, LOOP)                                                            \
    SCAN(name##_u8, uint8_t, int64_t, uint64_t, SAME, SAME, INIT, STEP, LOOP)                        \
    SCAN(name##_i8, int8_t, int64_t, uint64_t, (uint64_t), SAME, INIT, STEP, LOOP)                   \
    SCAN(name##_i16, int16_t, int64_t, uint64_t, (uint64_t), SAME, INIT, STEP, LOOP)                 \
    SCAN(name##_i32, int32_t, int64_t, uint64_t, (uint64_t), SAME, INIT, STEP, LOOP)                 \
    SCAN(name##_i64, int64_t, int64_t, uint64_t, (uint64_t), SAME, INIT, STEP, LOOP)
#define FLOAT_TABLE(name) \
    [WG_F16] = name##_f16, [WG_BF16] = name##_bf16, [WG_F32] = name##_f32, [WG_F64] = name##_f64
#define INT_TABLE(name)                                                                        \
    [WG_BOOL] = name##_u8, [WG_U8] = name##_u8, [WG_I8] = name##_i8, [WG_I16] = name##_i16,    \
    [WG_I32] = name##_i32, [WG_I64] = name##_i64

FLOAT_SCANS(sum, float, PLUS, 0, WG_VECTOR)
INT_SCANS(sum, PLUS, 0, WG_VECTOR)
FLOAT_SCANS(prod, float, TIMES, 1, WG_VECTOR)
INT_SCANS(prod, TIMES, 1, )         /* no level but v4 multiplies 64-bit integers in vectors */

/* Lines that are runs of memory are walked GROUP together, so that each step of one need not wait for its step before; a
 * line alone keeps its state in registers. name##_some does the lines [o, o + inner) of a strip. */
enum { GROUP = 8 };
#define IN_GROUPS(name)                                                                                        \
    static void name(const strip *s) {                                                                         \
        const int64_t group = s->across ? STRIP : GROUP;                                                       \
        for (int64_t o = 0; o < s->lines; o += group) {                                                        \
            const int64_t inner = s->lines - o < group ? s->lines - o : group;                                 \
            if (inner == 1) name##_some(s, o, 1);                                                              \
            else if (inner == GROUP) name##_some(s, o, GROUP);                                                 \
            else name##_some(s, o, inner);                                                                     \
        }                                                                                                      \
    }

#define ALL_LINES(name)                                                                                        \
    static void name(const strip *s) { name##_some(s, 0, s->lines); }

/* Products of the elements before each, 1 for the first. */
#define EXCLUSIVE(name, S, D, A, GET, PUT)                                                                     \
    WG_INLINE void name##_some(const strip *s, int64_t o, int64_t inner) {                                     \
        A acc[STRIP];                                                                                          \
        for (int64_t k = 0; k < inner; k++) acc[k] = 1;                                                        \
        for (int64_t i = 0; i < s->n; i++) {                                                                   \
            const S *x = (const S *)s->x + o * s->cx + i * s->sx;                                              \
            D *y = (D *)s->y + o * s->cy + i * s->sy;                                                          \
            for (int64_t k = 0; k < inner; k++) {                                                              \
                const A v = (A)GET(x[k * s->cx]);                                                              \
                y[k * s->cy] = (D)PUT(acc[k]);                                                                 \
                acc[k] *= v;                                                                                   \
            }                                                                                                  \
        }                                                                                                      \
    }                                                                                                          \
    IN_GROUPS(name)
EXCLUSIVE(before_f16, uint16_t, uint16_t, float, wg_f16_to_f32, wg_f32_to_f16)
EXCLUSIVE(before_bf16, uint16_t, uint16_t, float, wg_bf16_to_f32, wg_f32_to_bf16)
EXCLUSIVE(before_f32, float, float, double, SAME, SAME)
EXCLUSIVE(before_f64, double, double, double, SAME, SAME)

/* a[k] = log(exp(a[k]) + exp(v[k])). Equal infinities have no difference; a sum with NaN is NaN. */
static void __attribute__((noinline)) log_add(double *restrict a, const double *restrict v, int64_t n) {
    WG_VECTOR
    for (int64_t k = 0; k < n; k++) {
        const double low = a[k] < v[k] ? a[k] : v[k], high = a[k] < v[k] ? v[k] : a[k];
        const double sum = high + wg_log1p_f64(wg_exp_f64(low == high ? 0 : low - high));
        a[k] = low != low || high != high ? a[k] + v[k] : wg_isinf_f64(high) ? high : sum;
    }
}

#define LOG_SUM_EXP(name, S, A, GET, PUT)                                                                      \
    WG_INLINE void name##_some(const strip *s, int64_t o, int64_t inner) {                                     \
        double acc[STRIP], v[STRIP];                                                                           \
        for (int64_t k = 0; k < inner; k++) acc[k] = -WG_INF_F64;                                              \
        for (int64_t i = 0; i < s->n; i++) {                                                                   \
            const S *x = (const S *)s->x + o * s->cx + i * s->sx;                                              \
            S *y = (S *)s->y + o * s->cy + i * s->sy;                                                          \
            for (int64_t k = 0; k < inner; k++) v[k] = (double)GET(x[k * s->cx]);                              \
            log_add(acc, v, inner);                                                                            \
            for (int64_t k = 0; k < inner; k++) y[k * s->cy] = (S)PUT(acc[k]);                                 \
        }                                                                                                      \
    }                                                                                                          \
    ALL_LINES(name)
LOG_SUM_EXP(log_sum_exp_f16, uint16_t, float, wg_f16_to_f32, wg_f32_to_f16)
LOG_SUM_EXP(log_sum_exp_bf16, uint16_t, float, wg_bf16_to_f32, wg_f32_to_bf16)
LOG_SUM_EXP(log_sum_exp_f32, float, double, SAME, SAME)
LOG_SUM_EXP(log_sum_exp_f64, double, double, SAME, SAME)

/* y[i] = x[i] + c[i] * y[i-1]. Backwards, c of the element before (in the direction of the walk); exclusive,
 * x and c of the element before and a first 0. */
#define RECURRENCE(name, S, A, GET, PUT)                                                                       \
    WG_INLINE void name##_some(const strip *s, int64_t o, int64_t inner) {                                     \
        A acc[STRIP];                                                                                          \
        const int lag_x = s->exclusive, lag_c = s->exclusive || s->reverse;                                    \
        for (int64_t k = 0; k < inner; k++) acc[k] = 0;                                                        \
        for (int64_t i = 0; i < s->n; i++) {                                                                   \
            const S *x = (const S *)s->x + o * s->cx + (i - lag_x) * s->sx;                                    \
            const S *c = (const S *)s->c + o * s->cc + (i - lag_c) * s->sc;                                    \
            S *y = (S *)s->y + o * s->cy + i * s->sy;                                                          \
            for (int64_t k = 0; k < inner; k++) {                                                              \
                A v = i < lag_x ? 0 : (A)GET(x[k * s->cx]);                                                    \
                if (i > 0) v += (A)GET(c[k * s->cc]) * acc[k];                                                 \
                acc[k] = v;                                                                                    \
                y[k * s->cy] = (S)PUT(v);                                                                      \
            }                                                                                                  \
        }                                                                                                      \
    }                                                                                                          \
    IN_GROUPS(name)
RECURRENCE(recurrence_f16, uint16_t, float, wg_f16_to_f32, wg_f32_to_f16)
RECURRENCE(recurrence_bf16, uint16_t, float, wg_bf16_to_f32, wg_f32_to_bf16)
RECURRENCE(recurrence_f32, float, double, SAME, SAME)
RECURRENCE(recurrence_f64, double, double, SAME, SAME)

/* A NaN takes over and stays; of equal values the latest is the one. Along a line extrema are few: the run up to the next one is
 * filled without a choice at each element. */
#define EXTREMUM(name, S, A, GET, NAN_OF, BEATS)                                               \
    static void name(const strip *s) {                                                         \
        const int64_t n = s->n, lines = s->lines, sx = s->sx, sy = s->sy, si = s->si, cx = s->cx, cy = s->cy, ci = s->ci; \
        if (s->across) {                                                                       \
            S kept[STRIP];                                                                     \
            int64_t where[STRIP];                                                              \
            for (int64_t i = 0; i < n; i++) {                                                  \
                const S *x = (const S *)s->x + i * sx;                                         \
                S *y = (S *)s->y + i * sy;                                                     \
                int64_t *index = s->index + i * si;                                            \
                for (int64_t k = 0; k < lines; k++) {                                          \
                    const S raw = x[k * cx], old = i ? kept[k] : raw;                          \
                    const A v = (A)GET(raw), best = (A)GET(old);                               \
                    const int later = (i == 0) | NAN_OF(v) | (v BEATS best);                   \
                    kept[k] = later ? raw : old;                                               \
                    where[k] = later ? i : where[k];                                           \
                    y[k * cy] = kept[k];                                                       \
                    index[k * ci] = where[k];                                                  \
                }                                                                              \
            }                                                                                  \
            return;                                                                            \
        }                                                                                      \
        for (int64_t k = 0; k < lines; k++) {                                                  \
            const S *x = (const S *)s->x + k * cx;                                             \
            S *y = (S *)s->y + k * cy;                                                         \
            int64_t *index = s->index + k * ci;                                                \
            for (int64_t i = 0; i < n;) {                                                      \
                const S raw = x[i * sx];                                                       \
                const A best = (A)GET(raw);                                                    \
                const int stuck = NAN_OF(best);                                                \
                const int64_t first = i;                                                       \
                do {                                                                           \
                    y[i * sy] = raw;                                                           \
                    index[i * si] = first;                                                     \
                    i++;                                                                       \
                } while (i < n && !NAN_OF((A)GET(x[i * sx])) && (stuck || !((A)GET(x[i * sx]) BEATS best))); \
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
    const wg_array *x, *y, *index, *c;       /* index, c: NULL or of x's shape */
    strip_fn scan;
    strip shape;                             /* what all strips have in common */
    int inner;                               /* the dimension whose lines form strips; -1: there is one line */
    int dim;
    int64_t inner_size, strips;              /* strips in each run of the inner dimension */
    int64_t start_x, start_y, start_c;       /* where a line begins: its end, when in reverse */
} job;

static void body(void *context, int64_t begin, int64_t end) {
    const job *j = context;
    const wg_array *x = j->x, *y = j->y, *index = j->index, *c = j->c;
    for (int64_t item = begin; item < end; item++) {
        int64_t rest = item / j->strips, first = (item - rest * j->strips) * STRIP;
        int64_t ox = j->start_x + first * j->shape.cx, oy = j->start_y + first * j->shape.cy, oi = first * j->shape.ci;
        int64_t oc = j->start_c + first * j->shape.cc;
        for (int d = x->ndim - 1; d >= 0 && rest; d--) {
            if (d == j->dim || d == j->inner) continue;
            int64_t i = rest % x->shape[d];
            rest /= x->shape[d];
            ox += i * x->strides[d];
            oy += i * y->strides[d];
            if (index) oi += i * index->strides[d];
            if (c) oc += i * c->strides[d];
        }
        strip s = j->shape;
        s.x = x->data + ox * wg_itemsize[x->dtype];
        s.y = y->data + oy * wg_itemsize[y->dtype];
        if (index) s.index = (int64_t *)index->data + oi;
        if (c) s.c = c->data + oc * wg_itemsize[c->dtype];
        s.lines = j->inner_size - first < STRIP ? j->inner_size - first : STRIP;
        j->scan(&s);
    }
}

static int64_t magnitude(int64_t v) { return v < 0 ? -v : v; }

static int run(job j, int64_t dim, int reverse, double cost) {
    const wg_array *x = j.x, *y = j.y, *index = j.index, *c = j.c;
    if (!x->numel) return 0;
    j.inner = j.dim = -1;
    j.inner_size = j.shape.n = 1;
    j.shape.reverse = reverse;
    if (x->ndim) {
        j.dim = (int)dim;
        j.shape.n = x->shape[dim];
        j.shape.sx = x->strides[dim];
        j.shape.sy = y->strides[dim];
        j.shape.si = index ? index->strides[dim] : 0;
        j.shape.sc = c ? c->strides[dim] : 0;
        if (reverse) {
            j.start_x = (j.shape.n - 1) * j.shape.sx;
            j.start_y = (j.shape.n - 1) * j.shape.sy;
            j.start_c = (j.shape.n - 1) * j.shape.sc;
            j.shape.sx = -j.shape.sx;
            j.shape.sy = -j.shape.sy;
            j.shape.sc = -j.shape.sc;
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
        j.shape.cc = c ? c->strides[j.inner] : 0;
        j.shape.across = magnitude(j.shape.cy) < magnitude(j.shape.sy);
    }
    j.strips = (j.inner_size + STRIP - 1) / STRIP;
    const int64_t per_strip = j.shape.n * (j.inner_size < STRIP ? j.inner_size : STRIP);
    const int64_t items = x->numel / (j.shape.n * j.inner_size) * j.strips;
    wg_parallel_for(items, 1 + 16384 / per_strip, cost * (double)per_strip, body, &j);
    return 0;
}

#define WG_SCAN(name) int WG_K(name)(wg_array *const *op, int nop, const wg_attr *attr)

static int scan(wg_array *const *op, const strip_fn *by_dtype, const wg_attr *attr, double cost) {
    return run((job){.y = op[0], .x = op[1], .scan = by_dtype[op[1]->dtype]}, wg_attr_int(attr[0]), attr[1].i != 0, cost);
}

static int extremum(wg_array *const *op, const strip_fn *by_dtype, const wg_attr *attr) {
    return run((job){.y = op[0], .index = op[1], .x = op[2], .scan = by_dtype[op[2]->dtype]}, wg_attr_int(attr[0]), 0, 1.5);
}

WG_SCAN(cumsum) {
    static const strip_fn by_dtype[WG_NDTYPES] = {FLOAT_TABLE(sum), INT_TABLE(sum)};
    (void)nop;
    return scan(op, by_dtype, attr, 0.8);
}

WG_SCAN(cumprod) {
    static const strip_fn by_dtype[WG_NDTYPES] = {FLOAT_TABLE(prod), INT_TABLE(prod)};
    (void)nop;
    return scan(op, by_dtype, attr, 0.8);
}

/* Floats only; out is not x's memory. */
WG_SCAN(cumprod_exclusive) {
    static const strip_fn by_dtype[WG_NDTYPES] = {FLOAT_TABLE(before)};
    (void)nop;
    return scan(op, by_dtype, attr, 1.5);
}

/* Floats only. */
WG_SCAN(logcumsumexp) {
    static const strip_fn by_dtype[WG_NDTYPES] = {FLOAT_TABLE(log_sum_exp)};
    (void)nop;
    return scan(op, by_dtype, attr, 15);
}

/* y[i] = x[i] + c[i]*y[i-1], y[-1] = 0; reverse: y[i] = x[i] + c[i+1]*y[i+1]; exclusive: y[i] = x[i-1] + c[i-1]*y[i-1],
 * y[0] = 0; both: y[i] = x[i+1] + c[i+1]*y[i+1]. Operands y, x, c, floats; y is not x's or c's memory.
 * attr[2]: exclusive */
WG_SCAN(recurrence) {
    static const strip_fn by_dtype[WG_NDTYPES] = {FLOAT_TABLE(recurrence)};
    (void)nop;
    job j = {.y = op[0], .x = op[1], .c = op[2], .scan = by_dtype[op[1]->dtype]};
    j.shape.exclusive = attr[2].i != 0;
    return run(j, wg_attr_int(attr[0]), attr[1].i != 0, 2);
}

WG_SCAN(cummax) {
    static const strip_fn by_dtype[WG_NDTYPES] = {FLOAT_TABLE(max), INT_TABLE(max)};
    (void)nop;
    return extremum(op, by_dtype, attr);
}

WG_SCAN(cummin) {
    static const strip_fn by_dtype[WG_NDTYPES] = {FLOAT_TABLE(min), INT_TABLE(min)};
    (void)nop;
    return extremum(op, by_dtype, attr);
}
