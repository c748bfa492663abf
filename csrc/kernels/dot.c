/* dot   out, x, y   attr none: the sum of x*y over 1-D x and y of one dtype (float32, float64, int64), any strides.
 *
 * The order of the additions is fixed, so the bits depend on nothing but the values: LANES running sums over
 * SHORT elements each added up as a tree, their totals in double over LONG elements, and those in turn. int64 wraps around. */
#include "wg_kernel.h"

enum { LANES = 64, SHORT = 4096, LONG = 1 << 15 };

typedef struct dot_job {
    const char *x, *y;
    int64_t xs, ys, n;
    void *partial;
} dot_job;

/* T: elements, S: totals */
#define DEFINE_DOT(T, S, NAME)                                                                                      \
    WG_INLINE T NAME##_short(const T *x, int64_t xs, const T *y, int64_t ys, int64_t n) {                           \
        T lane[LANES] = {0};                                                                                        \
        const int64_t rest = n % LANES;                                                                             \
        int64_t i = 0;                                                                                              \
        for (; i < n - rest; i += LANES)                                                                            \
            for (int l = 0; l < LANES; l++) lane[l] += x[(i + l) * xs] * y[(i + l) * ys];                           \
        for (int l = 0; l < rest; l++) lane[l] += x[(i + l) * xs] * y[(i + l) * ys];                                \
        for (int width = LANES / 2; width > 0; width /= 2)                                                          \
            for (int l = 0; l < width; l++) lane[l] += lane[l + width];                                             \
        return lane[0];                                                                                             \
    }                                                                                                               \
    static void NAME##_range(void *context, int64_t begin, int64_t end) {                                           \
        const dot_job *j = context;                                                                                 \
        for (int64_t block = begin; block < end; block++) {                                                         \
            const int64_t first = block * LONG, last = j->n - first < LONG ? j->n : first + LONG;                   \
            S total = 0;                                                                                            \
            for (int64_t i = first; i < last; i += SHORT) {                                                         \
                const T *x = (const T *)j->x + i * j->xs, *y = (const T *)j->y + i * j->ys;                         \
                const int64_t n = last - i < SHORT ? last - i : SHORT;                                              \
                total += j->xs == 1 && j->ys == 1 ? NAME##_short(x, 1, y, 1, n) : NAME##_short(x, j->xs, y, j->ys, n); \
            }                                                                                                       \
            ((S *)j->partial)[block] = total;                                                                       \
        }                                                                                                           \
    }                                                                                                               \
    static T NAME##_total(const void *partial, int64_t blocks) {                                                    \
        S total = 0;                                                                                                \
        for (int64_t block = 0; block < blocks; block++) total += ((const S *)partial)[block];                      \
        return (T)total;                                                                                            \
    }

DEFINE_DOT(float, double, s_dot)
DEFINE_DOT(double, double, d_dot)
DEFINE_DOT(uint64_t, uint64_t, i_dot)

int WG_K(dot)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    (void)attr;
    const wg_array *out = op[0], *x = op[1], *y = op[2];
    const int64_t n = x->shape[0], blocks = (n + LONG - 1) / LONG;
    union { double d[16]; uint64_t i[16]; } few;
    dot_job j = {x->data, y->data, x->strides[0], y->strides[0], n, &few};
    if (blocks > 16 && !(j.partial = wg_scratch_get(blocks * 8))) return -1;
    const int dtype = out->dtype;
    wg_parallel_for(blocks, 1, LONG * (dtype == WG_F32 ? 0.04 : 0.08),
                    dtype == WG_F32 ? s_dot_range : dtype == WG_F64 ? d_dot_range : i_dot_range, &j);
    if (dtype == WG_F32) *(float *)out->data = s_dot_total(j.partial, blocks);
    else if (dtype == WG_F64) *(double *)out->data = d_dot_total(j.partial, blocks);
    else *(uint64_t *)out->data = i_dot_total(j.partial, blocks);
    if (blocks > 16) wg_scratch_put(j.partial);
    return 0;
}
