/* Pooling in up to three dimensions, float32 and float64. Images are planes: (N, C, D, H, W), row-major; an index is the place in
 * its plane, int32 (or int64 where it is read).
 *
 *     max_pool(y, indices; x; kernel, stride, padding, dilation)
 *     max_pool_vjp(gx; g, indices; kernel, stride, padding, dilation)        without attributes: for any indices
 *     pool_gather(y; x, indices)                                             y = x at the indices; the adjoint of that
 *     avg_pool(y; x; kernel, stride, padding, count_include_pad, divisor)    divisor 0: the size of the window
 *     avg_pool_vjp(gx; g; ...)                                               the same attributes
 *     adaptive_avg_pool(y; x)   adaptive_avg_pool_vjp(gx; g)   adaptive_max_pool(y, indices; x)
 *
 * The largest element is the first of equal ones, or the last NaN, as in PyTorch. Padding never wins. */
#include "strided.h"
#include "vector.h"

#include <math.h>

typedef struct pool_job {
    int64_t planes, in[3], out[3], in_plane, out_plane;
    int64_t kernel[3], stride[3], padding[3], dilation[3];
    int include_pad, tiled;          /* tiled: windows without gaps and overlaps, all inside; for maxima, of 2x2 or 1x2 */
    double divisor;
    char *y, *x;
    char *index;
    int wide;                        /* indices are int64 */
} pool_job;

WG_INLINE int64_t index_at(const pool_job *j, int64_t i) {
    return j->wide ? ((const int64_t *)j->index)[i] : ((const int32_t *)j->index)[i];
}

WG_INLINE int64_t ceil_div(int64_t a, int64_t b) { return a > 0 ? (a + b - 1) / b : 0; }

/* Results o in [begin, end) whose tap k stands inside the image. */
WG_INLINE void covered(const pool_job *j, int d, int64_t k, int64_t *begin, int64_t *end) {
    const int64_t shift = k * j->dilation[d] - j->padding[d];
    *begin = ceil_div(-shift, j->stride[d]);
    *end = ceil_div(j->in[d] - shift, j->stride[d]);
    if (*end > j->out[d]) *end = j->out[d];
}

/* Adaptive windows: [begin, end) of result o. */
WG_INLINE void adaptive_window(const pool_job *j, int d, int64_t o, int64_t *begin, int64_t *end) {
    *begin = o * j->in[d] / j->out[d];
    *end = ((o + 1) * j->in[d] + j->out[d] - 1) / j->out[d];
}

/* What lies between a and b in each dimension of a plane, as rows of elements that follow each other: as few and long as possible. */
typedef struct box { int64_t start, rows[2], step[2], width; } box;

static box box_of(const pool_job *j, const int64_t *a, const int64_t *b) {
    box q = {.start = (a[0] * j->in[1] + a[1]) * j->in[2] + a[2], .rows = {b[0] - a[0], b[1] - a[1]},
             .step = {j->in[1] * j->in[2], j->in[2]}, .width = b[2] - a[2]};
    for (int d = 1; d >= 0; d--) {
        if (q.width != q.step[d] || q.rows[1] != (d == 0 ? 1 : q.rows[1])) break;
        q.width *= q.rows[d];
        q.rows[d] = 1;
    }
    return q;
}

WG_INLINE int64_t row_of(const box *q, int64_t i) { return q->start + i / q->rows[1] * q->step[0] + i % q->rows[1] * q->step[1]; }

enum { BOX_LANES = 16 };

/* Even and odd elements of two vectors, and two vectors woven into one. */
#if defined(__clang__)
#define SHUFFLE(a, b, I, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, I, ...) __builtin_shuffle(a, b, (I){__VA_ARGS__})
#endif
#define EVEN16 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD16 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define FRONT16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define BACK16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define EVEN8 0, 2, 4, 6, 8, 10, 12, 14
#define ODD8 1, 3, 5, 7, 9, 11, 13, 15
#define FRONT8 0, 8, 1, 9, 2, 10, 3, 11
#define BACK8 4, 12, 5, 13, 6, 14, 7, 15
#define EVEN4 0, 2, 4, 6
#define ODD4 1, 3, 5, 7
#define FRONT4 0, 4, 1, 5
#define BACK4 2, 6, 3, 7
#define EVEN2 0, 2
#define ODD2 1, 3
#define FRONT2 0, 2
#define BACK2 1, 3
#define LIST(name, n) LIST2(name, n)
#define LIST2(name, n) name##n
#if WG_VECTOR_BYTES == 64
#define LANES_float32 16
#define LANES_float64 8
#elif WG_VECTOR_BYTES == 32
#define LANES_float32 8
#define LANES_float64 4
#else
#define LANES_float32 4
#define LANES_float64 2
#endif
typedef int32_t mask_float32 __attribute__((vector_size(WG_VECTOR_BYTES), may_alias));
typedef int64_t mask_float64 __attribute__((vector_size(WG_VECTOR_BYTES), may_alias));
typedef int32_t place_float32 __attribute__((vector_size(WG_VECTOR_BYTES), may_alias));
typedef int32_t place_float64 __attribute__((vector_size(WG_VECTOR_BYTES / 2), may_alias));
typedef int32_t placeu_float32 __attribute__((vector_size(WG_VECTOR_BYTES), aligned(4), may_alias));
typedef int32_t placeu_float64 __attribute__((vector_size(WG_VECTOR_BYTES / 2), aligned(4), may_alias));

/* best and place where v is larger, or NaN. What gcc makes of the general form with AVX-512's masks is twice as slow. */
#if defined(__AVX512F__) && defined(__AVX512VL__)
WG_INLINE void larger_float32(wg_vec_float32 *best, place_float32 *place, wg_vec_float32 v, place_float32 at) {
    const __mmask16 take = _mm512_cmp_ps_mask((__m512)v, (__m512)*best, _CMP_GT_OQ) | _mm512_cmp_ps_mask((__m512)v, (__m512)v, _CMP_UNORD_Q);
    *best = (wg_vec_float32)_mm512_mask_mov_ps((__m512)*best, take, (__m512)v);
    *place = (place_float32)_mm512_mask_mov_epi32((__m512i)*place, take, (__m512i)at);
}
WG_INLINE void larger_float64(wg_vec_float64 *best, place_float64 *place, wg_vec_float64 v, place_float64 at) {
    const __mmask8 take = _mm512_cmp_pd_mask((__m512d)v, (__m512d)*best, _CMP_GT_OQ) | _mm512_cmp_pd_mask((__m512d)v, (__m512d)v, _CMP_UNORD_Q);
    *best = (wg_vec_float64)_mm512_mask_mov_pd((__m512d)*best, take, (__m512d)v);
    *place = (place_float64)_mm256_mask_mov_epi32((__m256i)*place, take, (__m256i)at);
}
#else
#define LARGER(s)                                                                                                     \
    WG_INLINE void larger_##s(wg_vec_##s *best, place_##s *place, wg_vec_##s v, place_##s at) {                       \
        const mask_##s take = (v > *best) | (v != v);                                                                 \
        const place_##s t = __builtin_convertvector(take, place_##s);                                                 \
        *best = (wg_vec_##s)(((mask_##s)v & take) | ((mask_##s)*best & ~take));                                       \
        *place = (at & t) | (*place & ~t);                                                                            \
    }
LARGER(float32)
LARGER(float64)
#endif

#define WG_TEMPLATE "pool_typed.inc"
#define WG_FLOATS_ONLY
#include "each_dtype.h"

typedef void (*planes_fn)(void *, int64_t, int64_t);
#define BY_TYPE(name) static const planes_fn name[WG_NDTYPES] = WG_TYPED_FLOATS(name)
BY_TYPE(max_planes);
BY_TYPE(scatter_planes);
BY_TYPE(gather_planes);
BY_TYPE(avg_planes);
BY_TYPE(avg_back_planes);
BY_TYPE(adaptive_avg_planes);
BY_TYPE(adaptive_avg_back_planes);
BY_TYPE(adaptive_max_planes);

static void shapes(pool_job *j, const wg_array *image, const wg_array *result) {
    j->planes = image->shape[0] * image->shape[1];
    j->in_plane = j->out_plane = 1;
    for (int d = 0; d < 3; d++) {
        j->in_plane *= j->in[d] = image->shape[2 + d];
        j->out_plane *= j->out[d] = result->shape[2 + d];
    }
}

static void windows(pool_job *j, const wg_attr *attr) {
    for (int d = 0; d < 3; d++) {
        j->kernel[d] = attr[0].v[d];
        j->stride[d] = attr[1].v[d];
        j->padding[d] = attr[2].v[d];
        j->dilation[d] = 1;
    }
}

static void dilated_windows(pool_job *j, const wg_attr *attr) {
    windows(j, attr);
    for (int d = 0; d < 3; d++) j->dilation[d] = attr[3].v[d];
    j->tiled = j->in[0] == 1 && j->kernel[0] == 1 && j->stride[0] == 1 && j->kernel[1] == j->stride[1] && j->kernel[1] <= 2 && j->kernel[2] == 2 &&
               j->stride[2] == 2 && !j->padding[0] && !j->padding[1] && !j->padding[2] && j->dilation[1] == 1 && j->dilation[2] == 1 &&
               j->out[2] * 2 <= j->in[2] && j->out[1] * j->kernel[1] <= j->in[1];
}

static double taps(const pool_job *j) { return (double)(j->kernel[0] * j->kernel[1] * j->kernel[2]); }

int WG_K(max_pool)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    pool_job j = {.y = op[0]->data, .index = op[1]->data, .x = op[2]->data};
    shapes(&j, op[2], op[0]);
    dilated_windows(&j, attr);
    wg_parallel_for(j.planes, 1, 0.3 * taps(&j) * (double)j.out_plane, max_planes[op[0]->dtype], &j);
    return 0;
}

int WG_K(max_pool_vjp)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    pool_job j = {.y = op[0]->data, .x = op[1]->data, .index = op[2]->data, .wide = op[2]->dtype == WG_I64};
    shapes(&j, op[0], op[1]);
    if (attr[0].n) dilated_windows(&j, attr);
    wg_parallel_for(j.planes, 1, 0.2 * (double)j.in_plane + (double)j.out_plane, scatter_planes[op[0]->dtype], &j);
    return 0;
}

int WG_K(pool_gather)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop, (void)attr;
    pool_job j = {.y = op[0]->data, .x = op[1]->data, .index = op[2]->data, .wide = op[2]->dtype == WG_I64};
    shapes(&j, op[1], op[0]);
    wg_parallel_for(j.planes, 1, (double)j.out_plane, gather_planes[op[0]->dtype], &j);
    return 0;
}

static void averages(pool_job *j, const wg_attr *attr) {
    windows(j, attr);
    j->include_pad = (int)attr[3].i;
    j->divisor = wg_attr_float(attr[4]);
    j->tiled = 1;
    for (int d = 0; d < 3; d++)
        j->tiled &= j->kernel[d] == j->stride[d] && j->padding[d] == 0 && j->out[d] * j->kernel[d] <= j->in[d];
}

int WG_K(avg_pool)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    pool_job j = {.y = op[0]->data, .x = op[1]->data};
    shapes(&j, op[1], op[0]);
    averages(&j, attr);
    wg_parallel_for(j.planes, 1, 0.3 * taps(&j) * (double)j.out_plane, avg_planes[op[0]->dtype], &j);
    return 0;
}

int WG_K(avg_pool_vjp)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    pool_job j = {.y = op[0]->data, .x = op[1]->data};
    shapes(&j, op[0], op[1]);
    averages(&j, attr);
    wg_parallel_for(j.planes, 1, 0.5 * taps(&j) * (double)j.out_plane, avg_back_planes[op[0]->dtype], &j);
    return 0;
}

int WG_K(adaptive_avg_pool)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop, (void)attr;
    pool_job j = {.y = op[0]->data, .x = op[1]->data};
    shapes(&j, op[1], op[0]);
    wg_parallel_for(j.planes, 1, (double)(j.out_plane + j.in_plane), adaptive_avg_planes[op[0]->dtype], &j);
    return 0;
}

int WG_K(adaptive_avg_pool_vjp)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop, (void)attr;
    pool_job j = {.y = op[0]->data, .x = op[1]->data};
    shapes(&j, op[0], op[1]);
    wg_parallel_for(j.planes, 1, (double)(j.out_plane + j.in_plane), adaptive_avg_back_planes[op[0]->dtype], &j);
    return 0;
}

int WG_K(adaptive_max_pool)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop, (void)attr;
    pool_job j = {.y = op[0]->data, .index = op[1]->data, .x = op[2]->data};
    shapes(&j, op[2], op[0]);
    wg_parallel_for(j.planes, 1, (double)(j.out_plane + j.in_plane), adaptive_max_planes[op[0]->dtype], &j);
    return 0;
}
