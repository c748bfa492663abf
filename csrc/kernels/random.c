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

WG_INLINE float half_value(int dtype, uint16_t x) { return dtype == WG_F16 ? wg_f16_to_f32(x) : wg_bf16_to_f32(x); }

WG_INLINE uint16_t half_bits(int dtype, double x) {
    return dtype == WG_F16 ? wg_f32_to_f16((float)x) : wg_f32_to_bf16((float)x);
}

/* A float32 sample, rounded; it can round up to the open end here too. */
static void uniform_half(const wg_draw *d, char *p, int64_t stride, int64_t n) {
    const float from = (float)d->a, width = (float)d->b - from;
    const uint16_t first = half_bits(d->dtype, d->a);
    const float end = half_value(d->dtype, half_bits(d->dtype, d->b));
    uint32_t word[WG_CHUNK];
    for (int64_t i = 0; i < n; i += WG_CHUNK) {
        int64_t m = n - i < WG_CHUNK ? n - i : WG_CHUNK;
        wg_draw32(d->g, word, m);
        for (int64_t j = 0; j < m; j++) {
            uint16_t x = half_bits(d->dtype, __builtin_fmaf(wg_unit24(word[j]), width, from));
            *(uint16_t *)(p + (i + j) * stride) = half_value(d->dtype, x) == end ? first : x;
        }
    }
}

static int fill_uniform(const wg_draw *d, char *p, int64_t stride, int64_t n) {
    switch (d->dtype) {
    case WG_F16:
    case WG_BF16: uniform_half(d, p, stride, n); return 0;
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

/* Logarithm of x in [2^-24, 1] as torch's AVX2 code computes it: the polynomials of Cephes' logf (Moshier),
 * with the fused multiply-adds that its compiler made. Each operation counts: no term may be regrouped. */
WG_INLINE float block_log(float x) {
    uint32_t bits = wg_bits_f32(x);
    float e = (float)((int32_t)(bits >> 23) - 127) + 1.0f;
    float f = wg_from_bits_f32((bits & UINT32_C(0x807fffff)) | UINT32_C(0x3f000000));
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
    uint32_t swap = octant & 2u ? UINT32_MAX : 0u, sb = wg_bits_f32(s), cb = wg_bits_f32(c);
    *sine = wg_from_bits_f32(((sb & ~swap) | (cb & swap)) ^ (octant & 4u) << 29);
    *cosine = wg_from_bits_f32(((cb & ~swap) | (sb & swap)) ^ (~(octant - 2u) & 4u) << 29);
}

/* Box and Muller's formula on 8 pairs (y[j], y[j + 8]) of uniform samples. */
static inline void box_muller_f32(float *y, float mean, float std) {
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

/* float16 and bfloat16 go block by block: nothing is drawn for a last partial block before it is replaced. */
static void normal_blocks_half(const wg_draw *d, char *p, int64_t n) {
    const wg_draw unit = {.g = d->g, .a = 0, .b = 1};
    float v[16];
    for (int64_t i = 0; i < n; i += 16) {
        int64_t at = i + 16 <= n ? i : n - 16;
        uniform_f32(&unit, (char *)v, sizeof(float), 16);
        box_muller_f32(v, (float)d->a, (float)d->b);
        for (int j = 0; j < 16; j++) ((uint16_t *)p)[at + j] = half_bits(d->dtype, v[j]);
    }
}

static int fill_normal(const wg_draw *d, char *p, int64_t stride, int64_t n) {
    double v[WG_CHUNK];
    if (!WG_IS_FLOAT(d->dtype)) return -1;
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
    d.dtype = y->dtype;
    if (!y->contiguous || y->numel < 16 || !WG_IS_FLOAT(y->dtype)) return fill(y, &d, fill_normal, "normal_kernel_cpu");
    if (y->dtype == WG_F32) normal_blocks_f32(&d, y->data, y->numel);
    else if (y->dtype == WG_F64) normal_blocks_f64(&d, y->data, y->numel);
    else normal_blocks_half(&d, y->data, y->numel);
    return 0;
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

static int digits(int dtype) { return dtype == WG_F16 ? 11 : dtype == WG_BF16 ? 8 : dtype == WG_F32 ? 24 : 53; }

/* The largest integer of a dtype; of a floating dtype, up to which it counts without a gap. */
static int64_t largest_whole(int dtype) {
    switch (dtype) {
    case WG_BOOL: return 1;
    case WG_U8: return UINT8_MAX;
    case WG_I8: return INT8_MAX;
    case WG_I16: return INT16_MAX;
    case WG_I32: return INT32_MAX;
    case WG_I64: return INT64_MAX;
    default: return INT64_C(1) << digits(dtype);
    }
}

/* Where a floating dtype has gaps between integers, a sample could round out of [low, high): the bounds move
 * inwards to values that the dtype has. (torch: update_from and update_to of random_) */
static int64_t whole_in(int dtype, int64_t x) {
    switch (dtype) {
    case WG_F64: return wg_whole((double)x);
    case WG_F32: return wg_whole((float)x);
    default: return wg_whole(half_value(dtype, half_bits(dtype, (float)x)));
    }
}

static int64_t gap(int dtype, int64_t x) {
    uint64_t size = x < 0 ? -(uint64_t)x : (uint64_t)x;
    int exponent = 63 - __builtin_clzll(size | 1) - digits(dtype) + 1;
    return INT64_C(1) << (exponent > 0 ? exponent : 0);
}

static int64_t raise_low(int dtype, int64_t low) {
    int64_t next = (int64_t)((uint64_t)low + 1), rounded = whole_in(dtype, next);
    return rounded < low ? rounded + gap(dtype, next) : low;
}

static int64_t reduce_high(int dtype, int64_t high) {
    int64_t last = (int64_t)((uint64_t)high - 1), rounded = whole_in(dtype, last);
    return rounded >= high ? rounded - gap(dtype, last) : high;
}

/* y, generator; low, high: integers of [low, high), in any dtype. high None: up to the largest integer of the dtype,
 * included; with low INT64_MIN all 64 bits. */
int WG_K(random_randint)(wg_array *const *op, int nop, const wg_attr *attr) {
    const int dtype = op[0]->dtype, real = WG_IS_FLOAT(dtype);
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
    } else if (dtype != WG_I64 && (!real || dtype == WG_F16)) {
        return wg_fail(WG_RUNTIME_ERROR,
                       "random_full_64_bits_range_kernel_cpu handles only int64, double, float and bfloat16");
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
    if (!WG_IS_FLOAT(p->dtype)) return wg_random_unsupported("bernoulli_tensor_cpu_p_", p->dtype);
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
                float chance = p->dtype == WG_F32 ? *(const float *)at : half_value(p->dtype, *(const uint16_t *)at);
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
#define WG_DEFINE_FORMULA(kernel, torch_name, parameters, x, draw, formula, dtypes) \
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
                     .b = (parameters) > 1 ? wg_attr_float(attr[1]) : 0}; \
        return fill(op[0], &d, fill_##kernel, torch_name); \
    }

#define WG_ANY_REAL WG_IS_FLOAT(d->dtype)

WG_DEFINE_FORMULA(exponential, "exponential_cpu", 1, u, wg_draw_unit, -1.0 / d->a * log1p(-u), WG_ANY_REAL)
WG_DEFINE_FORMULA(geometric, "geometric_cpu", 1, u, wg_draw_unit, ceil(log(u) / log1p(-d->a)), d->dtype != WG_BOOL)
WG_DEFINE_FORMULA(cauchy, "cauchy_cpu", 2, u, wg_draw_unit,
                  __builtin_fma(d->b, tan(3.14159265358979323846 * (u - 0.5)), d->a), WG_ANY_REAL)
WG_DEFINE_FORMULA(log_normal, "log_normal_cpu", 2, z, wg_draw_normal, exp(__builtin_fma(z, d->b, d->a)), WG_ANY_REAL)

/* ---- permutation ----------------------------------------------------------------------------------- */

/* From this length on torch takes 64-bit draws, so that no remainder is favoured by more than 5 %, and another
 * algorithm. */
#ifndef WG_SHUFFLE_WIDE                  /* a test makes it small */
#define WG_SHUFFLE_WIDE (INT64_C(0xffffffff) / 20)
#endif

/* Fisher and Yates: from the front, each place takes one of those behind it; or (wide) inside out, where
 * place i takes one of the i + 1 first, which takes i. */
#define WG_SHUFFLE_CASE(DT, T, OF) \
    case DT: \
        if (n >= WG_SHUFFLE_WIDE) { \
            for (int64_t i = 0; i < n; i++) { \
                T *a = (T *)(y->data + i * stride); \
                T *b = (T *)(y->data + (int64_t)(wg_draw64(g) % (uint64_t)(i + 1)) * stride); \
                *a = OF(i); \
                *a = *b; \
                *b = OF(i); \
            } \
            return 0; \
        } \
        for (int64_t i = 0; i < n; i++) *(T *)(y->data + i * stride) = OF(i); \
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

#define WG_AS_F16(i) wg_f32_to_f16((float)(i))
#define WG_AS_BF16(i) wg_f32_to_bf16((float)(i))

/* y (n,), generator. The integers below n in random order. */
int WG_K(random_randperm)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)attr;
    wg_generator *g = wg_generator_of(op, nop);
    const wg_array *y = op[0];
    const int64_t n = y->numel, stride = y->strides[0] * wg_itemsize[y->dtype];
    uint32_t word[WG_CHUNK];
    int64_t at = 0, have = 0;
    switch (y->dtype) {
        WG_SHUFFLE_CASE(WG_U8, uint8_t, (uint8_t))
        WG_SHUFFLE_CASE(WG_I8, int8_t, (int8_t))
        WG_SHUFFLE_CASE(WG_I16, int16_t, (int16_t))
        WG_SHUFFLE_CASE(WG_I32, int32_t, (int32_t))
        WG_SHUFFLE_CASE(WG_I64, int64_t, (int64_t))
        WG_SHUFFLE_CASE(WG_F16, uint16_t, WG_AS_F16)
        WG_SHUFFLE_CASE(WG_BF16, uint16_t, WG_AS_BF16)
        WG_SHUFFLE_CASE(WG_F32, float, (float))
        WG_SHUFFLE_CASE(WG_F64, double, (double))
    default: return wg_random_unsupported("randperm", y->dtype);
    }
}
