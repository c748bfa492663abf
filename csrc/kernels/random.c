/* Random fills: uniform, normal, integers, bernoulli and the distributions that are a formula of one
 * uniform or normal sample; permutations. Which numbers are PyTorch's: Note [Which random numbers are
 * PyTorch's] in wg_random.h.
 *
 * Operands: y, (p,) generator. Every kernel fills in memory order (wg_walk), in one thread: the samples
 * are one stream. */
#include "random_draw.h"

#define WG_TWO_PI 6.28318530717958647692

/* Parameters of one launch. */
typedef struct {
    wg_generator *g;
    double a, b;
    uint64_t range;                      /* 0: all 2^64 */
    int64_t low;
    int dtype;
} wg_draw;

/* Writes the next n samples at p, `stride` bytes apart; -1: not for this dtype. */
typedef int (*wg_fill_fn)(const wg_draw *d, char *p, int64_t stride, int64_t n);

static int fill(const wg_array *y, wg_draw *d, wg_fill_fn f, const char *torch_name) {
    wg_array *operand[1] = {(wg_array *)y};
    wg_walk w;
    if (y->numel == 0) return 0;
    d->dtype = y->dtype;
    wg_walk_init(&w, operand, 1);
    do {
        if (f(d, w.p[0], w.stride[0][0], w.shape[0])) return wg_random_unsupported(torch_name, y->dtype);
    } while (wg_walk_next(&w));
    return 0;
}

/* ---- uniform --------------------------------------------------------------------------------------- */

/* float32 takes the low 24 bits of one word, float64 the low 53 of two. The product is fused, as in torch;
 * a sample that rounds up to the open end becomes the closed one. */
#define WG_DEFINE_UNIFORM(name, T, WORDS, UNIT, FMA) \
    WG_INLINE void name(const wg_draw *d, char *p, int64_t stride, int64_t n) { \
        uint32_t word[WORDS * WG_CHUNK]; \
        const T from = (T)d->a, to = (T)d->b, width = to - from; \
        const int plain = from == 0 && width == 1;       /* x * 1 + 0: spare v2 the call of fma */ \
        for (int64_t i = 0; i < n; i += WG_CHUNK) { \
            int64_t m = n - i < WG_CHUNK ? n - i : WG_CHUNK; \
            wg_draw32(d->g, word, WORDS * m); \
            if (plain && stride == (int64_t)sizeof(T)) { \
                T *y = (T *)p + i; \
                for (int64_t j = 0; j < m; j++) y[j] = UNIT; \
            } else { \
                for (int64_t j = 0; j < m; j++) { \
                    T x = FMA(UNIT, width, from); \
                    *(T *)(p + (i + j) * stride) = x == to ? from : x; \
                } \
            } \
        } \
    }

WG_DEFINE_UNIFORM(uniform_f32, float, 1, wg_unit24(word[j]), __builtin_fmaf)
WG_DEFINE_UNIFORM(uniform_f64, double, 2, wg_unit53(wg_join64(word + 2 * j)), __builtin_fma)

static int fill_uniform(const wg_draw *d, char *p, int64_t stride, int64_t n) {
    switch (d->dtype) {
    case WG_F32: uniform_f32(d, p, stride, n); return 0;
    case WG_F64: uniform_f64(d, p, stride, n); return 0;
    default: return -1;
    }
}

/* y, generator; from, to. Samples of [from, to). */
int WG_K(random_uniform)(wg_array *const *op, int nop, const wg_attr *attr) {
    wg_draw d = {.g = wg_generator_of(op, nop), .a = wg_attr_float(attr[0]), .b = wg_attr_float(attr[1])};
    return fill(op[0], &d, fill_uniform, "check_uniform_bounds");
}

/* ---- normal ---------------------------------------------------------------------------------------- */

WG_INLINE uint32_t float_bits(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

WG_INLINE float bits_float(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* Logarithm of x in [2^-24, 1] as torch's AVX2 code computes it: the polynomials of Cephes' logf (Moshier),
 * with the fused multiply-adds that its compiler made. Each operation counts: no term may be regrouped. */
WG_INLINE float block_log(float x) {
    uint32_t bits = float_bits(x);
    float e = (float)((int32_t)(bits >> 23) - 127) + 1.0f;
    float f = bits_float((bits & UINT32_C(0x807fffff)) | UINT32_C(0x3f000000));
    float half = f < 0.70710678118654752f ? f : 0.0f;
    e = f < 0.70710678118654752f ? e - 1.0f : e;
    f = (f - 1.0f) + half;
    float z = f * f;
    float y = (float)7.0376836292e-2;
    y = __builtin_fmaf(y, f, (float)-1.1514610310e-1);
    y = __builtin_fmaf(y, f, (float)1.1676998740e-1);
    y = __builtin_fmaf(y, f, (float)-1.2420140846e-1);
    y = __builtin_fmaf(y, f, (float)1.4249322787e-1);
    y = __builtin_fmaf(y, f, (float)-1.6668057665e-1);
    y = __builtin_fmaf(y, f, (float)2.0000714765e-1);
    y = __builtin_fmaf(y, f, (float)-2.4999993993e-1);
    y = __builtin_fmaf(y, f, (float)3.3333331174e-1);
    y = y * f;
    y = __builtin_fmaf(y, z, e * (float)-2.12194440e-4);
    y = __builtin_fmaf(-z, 0.5f, y);
    return __builtin_fmaf(e, 0.693359375f, f + y);
}

/* Sine and cosine of x in [0, 2 pi] likewise: Cephes' sinf and cosf, reduced by multiples of pi/4 in three parts. */
WG_INLINE void block_sincos(float x, float *sine, float *cosine) {
    uint32_t octant = ((uint32_t)(int32_t)(x * (float)1.27323954473516) + 1u) & ~1u;
    float k = (float)(int32_t)octant;
    float r = __builtin_fmaf(k, -0.78515625f, x);
    r = __builtin_fmaf(k, (float)-2.4187564849853515625e-4, r);
    r = __builtin_fmaf(k, (float)-3.77489497744594108e-8, r);
    float z = r * r;
    float c = (float)2.443315711809948e-5;
    c = __builtin_fmaf(c, z, (float)-1.388731625493765e-3);
    c = __builtin_fmaf(c, z, (float)4.166664568298827e-2);
    c = c * z;
    c = __builtin_fmaf(c, z, -(z * 0.5f)) + 1.0f;
    float s = (float)-1.9515295891e-4;
    s = __builtin_fmaf(s, z, (float)8.3321608736e-3);
    s = __builtin_fmaf(s, z, (float)-1.6666654611e-1);
    s = s * z;
    s = __builtin_fmaf(s, r, r);
    uint32_t swap = octant & 2u ? UINT32_MAX : 0u, sb = float_bits(s), cb = float_bits(c);
    *sine = bits_float(((sb & ~swap) | (cb & swap)) ^ (octant & 4u) << 29);
    *cosine = bits_float(((cb & ~swap) | (sb & swap)) ^ (~(octant - 2u) & 4u) << 29);
}

/* Box and Muller's formula on 8 pairs (y[j], y[j + 8]) of uniform samples. */
static inline void box_muller_f32(float *y, float mean, float std) {
    WG_VECTOR
    for (int j = 0; j < 8; j++) {
        float sine, cosine;
        float radius = sqrtf(-2.0f * block_log(1.0f - y[j]));
        block_sincos((float)WG_TWO_PI * y[j + 8], &sine, &cosine);
        y[j] = __builtin_fmaf(radius * cosine, std, mean);
        y[j + 8] = __builtin_fmaf(radius * sine, std, mean);
    }
}

static inline void box_muller_f64(double *y, double mean, double std) {
    for (int j = 0; j < 8; j++) {
        double radius = sqrt(-2.0 * log(1.0 - y[j])), theta = WG_TWO_PI * y[j + 8];
        y[j] = __builtin_fma(radius * cos(theta), std, mean);
        y[j + 8] = __builtin_fma(radius * sin(theta), std, mean);
    }
}

#define WG_DEFINE_NORMAL_BLOCKS(name, T, uniform, box_muller) \
    static void name(const wg_draw *d, char *p, int64_t n) { \
        const wg_draw unit = {.g = d->g, .a = 0, .b = 1}; \
        T *y = (T *)p; \
        uniform(&unit, p, sizeof(T), n); \
        for (int64_t i = 0; i + 16 <= n; i += 16) box_muller(y + i, (T)d->a, (T)d->b); \
        if (n % 16) { \
            y += n - 16; \
            uniform(&unit, (char *)y, sizeof(T), 16); \
            box_muller(y, (T)d->a, (T)d->b); \
        } \
    }

WG_DEFINE_NORMAL_BLOCKS(normal_blocks_f32, float, uniform_f32, box_muller_f32)
WG_DEFINE_NORMAL_BLOCKS(normal_blocks_f64, double, uniform_f64, box_muller_f64)

static int fill_normal(const wg_draw *d, char *p, int64_t stride, int64_t n) {
    double v[WG_CHUNK];
    if (d->dtype != WG_F32 && d->dtype != WG_F64) return -1;
    for (int64_t i = 0; i < n; i += WG_CHUNK) {
        int64_t m = n - i < WG_CHUNK ? n - i : WG_CHUNK;
        for (int64_t j = 0; j < m; j++) v[j] = __builtin_fma(wg_draw_normal(d->g), d->b, d->a);
        wg_store_double(d->dtype, p + i * stride, stride, v, m);
    }
    return 0;
}

/* y, generator; mean, std. */
int WG_K(random_normal)(wg_array *const *op, int nop, const wg_attr *attr) {
    const wg_array *y = op[0];
    wg_draw d = {.g = wg_generator_of(op, nop), .a = wg_attr_float(attr[0]), .b = wg_attr_float(attr[1])};
    if (y->contiguous && y->numel >= 16) {
        if (y->dtype == WG_F32) return normal_blocks_f32(&d, y->data, y->numel), 0;
        if (y->dtype == WG_F64) return normal_blocks_f64(&d, y->data, y->numel), 0;
    }
    return fill(y, &d, fill_normal, "normal_kernel_cpu");
}

/* ---- integers -------------------------------------------------------------------------------------- */

/* Bits modulo the range; the slight favour for small remainders is torch's, and bounded by its choice of
 * 64-bit draws from a range of 2^28 on. */
static int fill_integers(const wg_draw *d, char *p, int64_t stride, int64_t n) {
    uint32_t word[2 * WG_CHUNK];
    int64_t v[WG_CHUNK];
    const int wide = d->range == 0 || d->range >= UINT64_C(1) << 28;
    for (int64_t i = 0; i < n; i += WG_CHUNK) {
        int64_t m = n - i < WG_CHUNK ? n - i : WG_CHUNK;
        wg_draw32(d->g, word, wide ? 2 * m : m);
        if (!wide) {
            const uint32_t range = (uint32_t)d->range;
            for (int64_t j = 0; j < m; j++) v[j] = (int64_t)(word[j] % range + (uint64_t)d->low);
        } else if (d->range) {
            for (int64_t j = 0; j < m; j++) v[j] = (int64_t)(wg_join64(word + 2 * j) % d->range + (uint64_t)d->low);
        } else {
            for (int64_t j = 0; j < m; j++) v[j] = (int64_t)wg_join64(word + 2 * j);
        }
        if (wg_store_int(d->dtype, p + i * stride, stride, v, m)) return -1;
    }
    return 0;
}

/* Largest integers that a dtype counts to without a gap. */
static int64_t largest_whole(int dtype) {
    switch (dtype) {
    case WG_BOOL: return 1;
    case WG_U8: return UINT8_MAX;
    case WG_I8: return INT8_MAX;
    case WG_I16: return INT16_MAX;
    case WG_I32: return INT32_MAX;
    case WG_F32: return INT64_C(1) << 24;
    case WG_F64: return INT64_C(1) << 53;
    default: return INT64_MAX;
    }
}

/* Where a floating dtype has gaps between integers, a sample could round out of [low, high): the bounds move
 * inwards to values that the dtype has. (torch: update_from and update_to of random_) */
static int64_t whole_in(int dtype, int64_t x) { return dtype == WG_F32 ? wg_whole((float)x) : wg_whole((double)x); }

static int64_t gap(int dtype, int64_t x) {
    uint64_t size = x < 0 ? -(uint64_t)x : (uint64_t)x;
    int exponent = 63 - __builtin_clzll(size | 1), digits = dtype == WG_F32 ? 24 : 53;
    return exponent - digits + 1 > 0 ? INT64_C(1) << (exponent - digits + 1) : 1;
}

static int64_t raise_low(int dtype, int64_t low) {
    int64_t next = whole_in(dtype, low + 1);
    return next < low ? next + gap(dtype, low + 1) : low;
}

static int64_t reduce_high(int dtype, int64_t high) {
    int64_t last = whole_in(dtype, high - 1);
    return last >= high ? last - gap(dtype, high - 1) : high;
}

/* y, generator; low, high: integers of [low, high), in any dtype. high None: up to the largest integer of the dtype, included; with
 * low INT64_MIN all 64 bits. */
int WG_K(random_randint)(wg_array *const *op, int nop, const wg_attr *attr) {
    const int dtype = op[0]->dtype, real = dtype == WG_F32 || dtype == WG_F64;
    wg_draw d = {.g = wg_generator_of(op, nop), .low = attr[0].i};
    if (attr[1].tag != WG_A_NONE) {
        int64_t high = attr[1].i;
        if (real) {
            d.low = raise_low(dtype, d.low);
            high = reduce_high(dtype, high);
            if (d.low >= high)
                return wg_fail(WG_RUNTIME_ERROR,
                               "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got "
                               "from=%lld >= to=%lld", (long long)d.low, (long long)high);
        }
        d.range = (uint64_t)high - (uint64_t)d.low;
    } else if (d.low != INT64_MIN) {
        int64_t last = largest_whole(dtype);
        if (real) {
            d.low = raise_low(dtype, d.low);
            if (d.low >= last)
                return wg_fail(WG_RUNTIME_ERROR,
                               "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to "
                               "dtype, but got from=%lld > to_inc=%lld", (long long)d.low, (long long)last);
        }
        d.range = (uint64_t)last - (uint64_t)d.low + 1;
    }
    return fill(op[0], &d, fill_integers, "random_from_to_kernel_cpu");
}

/* y, generator. Tensor.random_() without bounds: from 0 to the largest integer of the dtype. */
static int fill_full(const wg_draw *d, char *p, int64_t stride, int64_t n) {
    uint32_t word[2 * WG_CHUNK];
    int64_t v[WG_CHUNK];
    const int wide = d->dtype == WG_I64 || d->dtype == WG_F64;
    for (int64_t i = 0; i < n; i += WG_CHUNK) {
        int64_t m = n - i < WG_CHUNK ? n - i : WG_CHUNK;
        wg_draw32(d->g, word, wide ? 2 * m : m);
        if (wide)
            for (int64_t j = 0; j < m; j++) v[j] = (int64_t)(wg_join64(word + 2 * j) % d->range);
        else
            for (int64_t j = 0; j < m; j++) v[j] = word[j] % (uint32_t)d->range;
        if (wg_store_int(d->dtype, p + i * stride, stride, v, m)) return -1;
    }
    return 0;
}

int WG_K(random_full)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)attr;
    wg_draw d = {.g = wg_generator_of(op, nop), .range = (uint64_t)largest_whole(op[0]->dtype) + 1};
    return fill(op[0], &d, fill_full, "random_kernel_cpu");
}

/* ---- bernoulli ------------------------------------------------------------------------------------- */

/* u < p for u = k / 2^53 is k < p 2^53, and that k < ceil(p 2^53), in integers. */
static int fill_bernoulli(const wg_draw *d, char *p, int64_t stride, int64_t n) {
    uint32_t word[2 * WG_CHUNK];
    uint8_t v[WG_CHUNK];
    const int64_t bound = (int64_t)ceil(d->a * 0x1p53);
    for (int64_t i = 0; i < n; i += WG_CHUNK) {
        int64_t m = n - i < WG_CHUNK ? n - i : WG_CHUNK;
        wg_draw32(d->g, word, 2 * m);
        for (int64_t j = 0; j < m; j++) v[j] = (int64_t)wg_low53(wg_join64(word + 2 * j)) < bound;
        if (wg_store_flag(d->dtype, p + i * stride, stride, v, m)) return -1;
    }
    return 0;
}

/* y, generator; p in [0, 1]. 1 with probability p, in any dtype. */
int WG_K(random_bernoulli)(wg_array *const *op, int nop, const wg_attr *attr) {
    wg_draw d = {.g = wg_generator_of(op, nop), .a = wg_attr_float(attr[0])};
    return fill(op[0], &d, fill_bernoulli, "bernoulli_scalar_cpu_");
}

static WG_COLD int bad_probability(void) {
    return wg_fail(WG_RUNTIME_ERROR, "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error "
                                     "message be improved?  If so, please report an enhancement request to PyTorch.)");
}

/* y, p, generator; p broadcasts to y. Draws of p's precision. */
int WG_K(random_bernoulli_p)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)attr;
    const wg_array *y = op[0], *p = op[1];
    wg_generator *g = wg_generator_of(op, nop);
    wg_walk w;
    if (y->numel == 0) return 0;
    if (p->dtype != WG_F32 && p->dtype != WG_F64) return wg_random_unsupported("bernoulli_tensor_cpu_p_", p->dtype);
    wg_walk_init(&w, op, 2);
    do {
        for (int64_t i = 0; i < w.shape[0]; i++) {
            const char *at = w.p[1] + i * w.stride[1][0];
            uint8_t v;
            if (p->dtype == WG_F64) {
                double chance = *(const double *)at;
                if (!(chance >= 0 && chance <= 1)) return bad_probability();
                v = wg_draw_unit(g) < chance;
            } else {
                float chance = *(const float *)at;
                if (!(chance >= 0 && chance <= 1)) return bad_probability();
                uint32_t word;
                wg_draw32(g, &word, 1);
                v = wg_unit24(word) < chance;
            }
            if (wg_store_flag(y->dtype, w.p[0] + i * w.stride[0][0], 0, &v, 1))
                return wg_random_unsupported("bernoulli_tensor_cpu_self_", y->dtype);
        }
    } while (wg_walk_next(&w));
    return 0;
}

/* ---- formulas of one sample ------------------------------------------------------------------------ */

/* u is uniform in [0, 1), z standard normal; all in double precision, rounded once on storing. */
#define WG_DEFINE_FORMULA(kernel, torch_name, x, draw, formula, dtypes) \
    static int fill_##kernel(const wg_draw *d, char *p, int64_t stride, int64_t n) { \
        double v[WG_CHUNK]; \
        if (!(dtypes)) return -1; \
        for (int64_t i = 0; i < n; i += WG_CHUNK) { \
            int64_t m = n - i < WG_CHUNK ? n - i : WG_CHUNK; \
            for (int64_t j = 0; j < m; j++) { \
                double x = draw(d->g); \
                v[j] = formula; \
            } \
            if (wg_store_double(d->dtype, p + i * stride, stride, v, m)) return -1; \
        } \
        return 0; \
    } \
    int WG_K(random_##kernel)(wg_array *const *op, int nop, const wg_attr *attr) { \
        wg_draw d = {.g = wg_generator_of(op, nop), .a = wg_attr_float(attr[0]), \
                     .b = nop_attributes_##kernel > 1 ? wg_attr_float(attr[1]) : 0}; \
        return fill(op[0], &d, fill_##kernel, torch_name); \
    }

#define WG_ANY_REAL (d->dtype == WG_F32 || d->dtype == WG_F64)
enum { nop_attributes_exponential = 1, nop_attributes_geometric = 1, nop_attributes_cauchy = 2, nop_attributes_log_normal = 2 };

WG_DEFINE_FORMULA(exponential, "exponential_cpu", u, wg_draw_unit, -1.0 / d->a * log1p(-u), WG_ANY_REAL)
WG_DEFINE_FORMULA(geometric, "geometric_cpu", u, wg_draw_unit, ceil(log(u) / log1p(-d->a)), d->dtype != WG_BOOL)
WG_DEFINE_FORMULA(cauchy, "cauchy_cpu", u, wg_draw_unit,
                  __builtin_fma(d->b, tan(3.14159265358979323846 * (u - 0.5)), d->a), WG_ANY_REAL)
WG_DEFINE_FORMULA(log_normal, "log_normal_cpu", z, wg_draw_normal, exp(__builtin_fma(z, d->b, d->a)), WG_ANY_REAL)

/* ---- permutation ----------------------------------------------------------------------------------- */

/* From this length on torch takes 64-bit draws, so that no remainder is favoured by more than 5 %, and another
 * algorithm. */
#ifndef WG_SHUFFLE_WIDE                  /* a test makes it small */
#define WG_SHUFFLE_WIDE (INT64_C(0xffffffff) / 20)
#endif

/* Fisher and Yates: from the front, each place takes one of those behind it; or (wide) inside out, where
 * place i takes one of the i + 1 first, which takes i. */
#define WG_SHUFFLE_CASE(DT, T) \
    case DT: \
        if (n >= WG_SHUFFLE_WIDE) { \
            for (int64_t i = 0; i < n; i++) { \
                T *a = (T *)(y->data + i * stride); \
                T *b = (T *)(y->data + (int64_t)(wg_draw64(g) % (uint64_t)(i + 1)) * stride); \
                *a = (T)i; \
                *a = *b; \
                *b = (T)i; \
            } \
            return 0; \
        } \
        for (int64_t i = 0; i < n; i++) *(T *)(y->data + i * stride) = (T)i; \
        for (int64_t i = 0; i < n - 1; i++) { \
            if (at == have) { \
                have = n - 1 - i < WG_CHUNK ? n - 1 - i : WG_CHUNK; \
                at = 0; \
                wg_draw32(g, word, have); \
            } \
            T *a = (T *)(y->data + i * stride), *b = (T *)(y->data + (i + word[at++] % (uint32_t)(n - i)) * stride); \
            T t = *a; \
            *a = *b; \
            *b = t; \
        } \
        return 0;

/* y (n,), generator. The integers below n in random order. */
int WG_K(random_randperm)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)attr;
    wg_generator *g = wg_generator_of(op, nop);
    const wg_array *y = op[0];
    const int64_t n = y->numel, stride = y->strides[0] * wg_itemsize[y->dtype];
    uint32_t word[WG_CHUNK];
    int64_t at = 0, have = 0;
    switch (y->dtype) {
        WG_SHUFFLE_CASE(WG_U8, uint8_t)
        WG_SHUFFLE_CASE(WG_I8, int8_t)
        WG_SHUFFLE_CASE(WG_I16, int16_t)
        WG_SHUFFLE_CASE(WG_I32, int32_t)
        WG_SHUFFLE_CASE(WG_I64, int64_t)
        WG_SHUFFLE_CASE(WG_F32, float)
        WG_SHUFFLE_CASE(WG_F64, double)
    default: return wg_random_unsupported("randperm", y->dtype);
    }
}
