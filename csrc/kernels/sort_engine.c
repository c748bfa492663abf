/* Keys, their sorting and selection, and the walk over lines (Note [Sort keys] in sort_common.h). */
#include "sort_common.h"
#include "wg_math_half.h"

#include <string.h>

#define E uint64_t
#define S(name) name##_packed
#define LESS(a, b) ((a) < (b))
#define BEFORE(a, b) ((a) < (b))
#define DIGIT(e, d) ((e) >> (32 + 8 * (d)) & 255)
#include "sort_typed.inc"
#undef E
#undef S
#undef LESS
#undef BEFORE
#undef DIGIT

#define E wg_key_pair
#define S(name) name##_pair
#define LESS(a, b) ((a).key < (b).key)
#define BEFORE(a, b) ((a).key < (b).key || ((a).key == (b).key && (a).index < (b).index))
#define DIGIT(e, d) ((e).key >> (8 * (d)) & 255)
#include "sort_typed.inc"

static const uint8_t key_bytes[WG_NDTYPES] = {1, 1, 1, 2, 4, 8, 4, 4, 4, 8};

static int is_wide(int dtype, int64_t n) { return key_bytes[dtype] == 8 || n > UINT32_MAX; }

static int64_t room(int dtype, int64_t n) {
    int64_t bytes = n * (is_wide(dtype, n) ? (int64_t)sizeof(wg_key_pair) : (int64_t)sizeof(uint64_t));
    return (bytes + WG_ALIGN - 1) & -(int64_t)WG_ALIGN;
}

int64_t WG_LEVEL(wg_keys_bytes)(int dtype, int64_t n) { return 2 * room(dtype, n); }

void WG_LEVEL(wg_keys_place)(wg_keys *k, int dtype, int64_t n, char *scratch) {
    k->wide = is_wide(dtype, n);
    k->bytes = key_bytes[dtype];
    k->e = scratch;
    k->spare = scratch + room(dtype, n);
    k->n = n;
}

#define KEY_U8(v) ((uint32_t)(v))
#define KEY_I8(v) ((uint32_t)((v) ^ 0x80u) & 0xFFu)
#define KEY_I16(v) ((uint32_t)((v) ^ 0x8000u) & 0xFFFFu)
#define KEY_I32(v) ((uint32_t)(v) ^ 0x80000000u)
#define KEY_I64(v) ((uint64_t)(v) ^ 0x8000000000000000u)

/* Negative numbers count down: all bits flipped; others get the sign bit set. x + 0 makes -0 into +0. */
WG_INLINE uint32_t key_f32(float v) {
    uint32_t b = wg_bits_f32(v + 0.0f);
    b ^= (b >> 31 ? 0xFFFFFFFFu : 0x80000000u);
    return wg_isnan_f32(v) ? 0xFFFFFFFFu : b;
}
WG_INLINE uint64_t key_f64(double v) {
    uint64_t b = wg_bits_f64(v + 0.0);
    b ^= (b >> 63 ? 0xFFFFFFFFFFFFFFFFu : 0x8000000000000000u);
    return wg_isnan_f64(v) ? 0xFFFFFFFFFFFFFFFFu : b;
}
#define KEY_F16(v) key_f32(wg_f16_to_f32(v))
#define KEY_BF16(v) key_f32(wg_bf16_to_f32(v))
#define NAN_F16(v) (((v) & 0x7FFFu) > 0x7C00u)
#define NAN_BF16(v) (((v) & 0x7FFFu) > 0x7F80u)
#define NEVER(v) 0

#define FILL(T, KEY, NAN_OF, mask)                                                              \
    do {                                                                                        \
        const T *p = (const T *)x;                                                              \
        const uint64_t flip = descending ? (mask) : 0;                                          \
        if (k->wide) {                                                                          \
            wg_key_pair *e = k->e;                                                              \
            for (int64_t i = 0; i < n; i++) {                                                   \
                const T v = p[i * stride];                                                      \
                e[i] = (wg_key_pair){(uint64_t)KEY(v) ^ flip, i};                               \
                nans += NAN_OF(v);                                                              \
            }                                                                                   \
        } else {                                                                                \
            uint64_t *e = k->e;                                                                 \
            for (int64_t i = 0; i < n; i++) {                                                   \
                const T v = p[i * stride];                                                      \
                e[i] = ((uint64_t)KEY(v) ^ flip) << 32 | (uint64_t)i;                           \
                nans += NAN_OF(v);                                                              \
            }                                                                                   \
        }                                                                                       \
        k->nan_key = (mask) ^ flip;                                                             \
    } while (0)

void WG_LEVEL(wg_keys_fill)(wg_keys *k, const char *x, int dtype, int64_t stride, int descending) {
    const int64_t n = k->n;
    int64_t nans = 0;
    switch (dtype) {
    case WG_BOOL: case WG_U8: FILL(uint8_t, KEY_U8, NEVER, 0xFFu); break;
    case WG_I8: FILL(uint8_t, KEY_I8, NEVER, 0xFFu); break;
    case WG_I16: FILL(uint16_t, KEY_I16, NEVER, 0xFFFFu); break;
    case WG_I32: FILL(uint32_t, KEY_I32, NEVER, 0xFFFFFFFFu); break;
    case WG_I64: FILL(uint64_t, KEY_I64, NEVER, 0xFFFFFFFFFFFFFFFFu); break;
    case WG_F16: FILL(uint16_t, KEY_F16, NAN_F16, 0xFFFFFFFFu); break;
    case WG_BF16: FILL(uint16_t, KEY_BF16, NAN_BF16, 0xFFFFFFFFu); break;
    case WG_F32: FILL(float, key_f32, wg_isnan_f32, 0xFFFFFFFFu); break;
    default: FILL(double, key_f64, wg_isnan_f64, 0xFFFFFFFFFFFFFFFFu); break;
    }
    k->nans = nans;
}

void WG_LEVEL(wg_keys_sort)(wg_keys *k) {
    void *sorted = k->wide ? (void *)sort_pair(k->e, k->spare, k->n, k->bytes)
                           : (void *)sort_packed(k->e, k->spare, k->n, k->bytes);
    if (sorted != k->e) {
        k->spare = k->e;
        k->e = sorted;
    }
}

void WG_LEVEL(wg_keys_select)(wg_keys *k, int64_t at) {
    if (k->wide) select_pair(k->e, k->n, at);
    else select_packed(k->e, k->n, at);
}

void WG_LEVEL(wg_keys_first)(wg_keys *k, int64_t wanted) {
    const int64_t n = k->n;
    if (wanted <= 32) {
        if (k->wide) few_pair(k->e, n, wanted);
        else few_packed(k->e, n, wanted);
        k->n = wanted;
        return;
    }
    if (wanted < n / 2) {
        if (k->wide) prefix_pair(k->e, k->spare, n, wanted);
        else prefix_packed(k->e, k->spare, n, wanted);
        k->n = wanted;
    }
    WG_LEVEL(wg_keys_sort)(k);
    k->n = wanted;
}

/* ---- lines ------------------------------------------------------------------------------------------- */

/* Scratch belongs to a part, so a part is what a thread takes: at most WG_PARTS of them. */
enum { WG_PARTS = 8 };

static void run_parts(void *context, int64_t begin, int64_t end) {
    const wg_lines *l = context;
    for (int64_t part = begin; part < end; part++) {
        wg_keys keys;
        for (int64_t line = part * l->count / l->parts; line < (part + 1) * l->count / l->parts; line++) {
            int64_t rest = line, x = 0, out[3] = {0, 0, 0};
            for (int d = l->x->ndim - 1; d >= 0; d--) {
                if (d == l->dim) continue;
                int64_t size = l->x->shape[d], i = rest % size;
                rest /= size;
                x += i * l->x->strides[d];
                for (int a = 0; a < l->narray; a++) out[a] += i * l->array[a]->strides[d];
            }
            char *at[3] = {NULL, NULL, NULL};
            for (int a = 0; a < l->narray; a++) at[a] = l->array[a]->data + out[a] * wg_itemsize[l->array[a]->dtype];
            WG_LEVEL(wg_keys_place)(&keys, l->x->dtype, l->n, l->scratch + part * l->bytes);
            l->body(l, &keys, l->x->data + x * wg_itemsize[l->x->dtype], at);
        }
    }
}

int WG_LEVEL(wg_lines_run)(wg_lines *l) {
    enum { STACK = 8192 };
    char small[STACK] __attribute__((aligned(WG_ALIGN)));
    l->n = l->x->ndim ? l->x->shape[l->dim] : 1;
    if (!l->x->ndim) l->dim = -1;
    if (!l->x->numel) return 0;
    l->count = l->x->numel / l->n;
    l->bytes = WG_LEVEL(wg_keys_bytes)(l->x->dtype, l->n);
    const double cost = l->cost_ns * (double)l->n;
    l->parts = l->count < WG_PARTS ? l->count : WG_PARTS;
    if (cost * (double)l->count < 20000) l->parts = 1;
    if (l->parts == 1 && l->bytes <= STACK) {
        l->scratch = small;
        run_parts(l, 0, 1);
        return 0;
    }
    l->scratch = wg_scratch_get(l->bytes * l->parts);
    if (!l->scratch) return -1;
    wg_parallel_for(l->parts, 1, cost * (double)l->count / (double)l->parts, run_parts, l);
    wg_scratch_put(l->scratch);
    return 0;
}
