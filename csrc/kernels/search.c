/* What orders or counts elements by value: searchsorted, unique, bincount, histc. */
#include "reduce_common.h"
#include "sort_common.h"
#include "wg_math_half.h"

#include <math.h>
#include <string.h>

#define WG_SEARCH(name) int WG_K(name)(wg_array *const *op, int nop, const wg_attr *attr)

/* ---- searchsorted -------------------------------------------------------------------------------------- */

typedef struct {
    const wg_array *out, *sequence, *values, *sorter;
    int right;
    void (*line)(const void *job, const char *sequence, const int64_t *sorter, const char *values, char *out);
} search_job;

/* Conditions are written so that NaN, in either place, goes where PyTorch puts it: NaN values at the end. */
#define SEARCH(name, T, GET)                                                                                       \
    static void name(const void *context, const char *sequence, const int64_t *sorter, const char *values, char *out) { \
        const search_job *j = context;                                                                             \
        const wg_array *s = j->sequence, *v = j->values, *o = j->out;                                              \
        const int64_t m = s->shape[s->ndim - 1], step = s->strides[s->ndim - 1];                                   \
        const int64_t sorter_step = sorter ? j->sorter->strides[j->sorter->ndim - 1] : 0;                          \
        const int64_t n = v->ndim ? v->shape[v->ndim - 1] : 1;                                                     \
        const int64_t value_step = v->ndim ? v->strides[v->ndim - 1] : 0;                                          \
        const int64_t out_step = o->ndim ? o->strides[o->ndim - 1] : 0;                                            \
        for (int64_t i = 0; i < n; i++) {                                                                          \
            const T *at = (const T *)values + i * value_step;                                                      \
            int64_t begin = 0, left = m;                                                                           \
            if (!sorter && step == 1) {     /* without branches, so that searches overlap */                       \
                const T *base = (const T *)sequence, v = *at;                                                      \
                if (j->right) for (; left > 1; left -= left / 2) base += (left / 2) & ((int64_t)(GET(base[left / 2 - 1]) > GET(v)) - 1); \
                else for (; left > 1; left -= left / 2) base += (left / 2) & ((int64_t)(GET(base[left / 2 - 1]) >= GET(v)) - 1); \
                begin = base - (const T *)sequence;                                                                \
                if (left) begin += j->right ? !(GET(*base) > GET(v)) : !(GET(*base) >= GET(v));                    \
                left = 0;                                                                                          \
            }                                                                                                      \
            while (left > 0) {                                                                                     \
                const int64_t half = left / 2, middle = begin + half;                                              \
                const T *probe = (const T *)sequence + (sorter ? sorter[middle * sorter_step] : middle) * step;    \
                const int after = j->right ? !(GET(*probe) > GET(*at)) : !(GET(*probe) >= GET(*at));               \
                begin = after ? middle + 1 : begin;                                                                \
                left = after ? left - half - 1 : half;                                                             \
            }                                                                                                      \
            if (o->dtype == WG_I32) ((int32_t *)out)[i * out_step] = (int32_t)begin;                               \
            else ((int64_t *)out)[i * out_step] = begin;                                                           \
        }                                                                                                          \
    }
#define SAME(v) (v)
SEARCH(search_u8, uint8_t, SAME)
SEARCH(search_i8, int8_t, SAME)
SEARCH(search_i16, int16_t, SAME)
SEARCH(search_i32, int32_t, SAME)
SEARCH(search_i64, int64_t, SAME)
SEARCH(search_f16, uint16_t, wg_f16_to_f32)
SEARCH(search_bf16, uint16_t, wg_bf16_to_f32)
SEARCH(search_f32, float, SAME)
SEARCH(search_f64, double, SAME)

static void search_lines(void *context, int64_t begin, int64_t end) {
    const search_job *j = context;
    const wg_array *v = j->values, *s = j->sequence, *o = j->out;
    const int one = s->ndim == 1;
    for (int64_t line = begin; line < end; line++) {
        int64_t rest = line, at_v = 0, at_s = 0, at_o = 0, at_sorter = 0;
        for (int d = v->ndim - 2; d >= 0; d--) {
            int64_t i = rest % v->shape[d];
            rest /= v->shape[d];
            at_v += i * v->strides[d];
            at_o += i * o->strides[d];
            if (!one) at_s += i * s->strides[d];
            if (!one && j->sorter) at_sorter += i * j->sorter->strides[d];
        }
        j->line(j, s->data + at_s * wg_itemsize[s->dtype], j->sorter ? (const int64_t *)j->sorter->data + at_sorter : NULL,
                v->data + at_v * wg_itemsize[v->dtype], o->data + at_o * wg_itemsize[o->dtype]);
    }
}

/* Operands out (int64 or int32, of values' shape), sequence, values, and perhaps an int64 sorter of the
 * sequence's shape whose indices are in range. sequence has one dimension, or values' ones but for the last;
 * both have one dtype. attr[0]: right: how many elements are <= value, not < value. bucketize is this. */
WG_SEARCH(searchsorted) {
    static void (*const by_dtype[WG_NDTYPES])(const void *, const char *, const int64_t *, const char *, char *) = {
        search_u8, search_u8, search_i8, search_i16, search_i32, search_i64, search_f16, search_bf16, search_f32, search_f64};
    search_job j = {op[0], op[1], op[2], nop > 3 ? op[3] : NULL, attr[0].i != 0, by_dtype[op[1]->dtype]};
    if (!op[2]->numel) return 0;
    const int64_t n = op[2]->ndim ? op[2]->shape[op[2]->ndim - 1] : 1;
    wg_parallel_for(op[2]->numel / n, 1 + 1024 / n, 20.0 * (double)n, search_lines, &j);
    return 0;
}

/* ---- unique ---------------------------------------------------------------------------------------------- */

/* Operands first, inverse, counts, total, x: all int64 but x, all dense; x counts as flat. first and counts have room for x.numel
 * elements, of which the first `total` (0-d) are written: where each distinct element stands in x, in ascending order and of equal ones
 * the first, and how often it occurs; inverse has x's numel: which of them each element is. attr[0], attr[1]: are inverse and counts
 * wanted? If not, theirs is any array. Every NaN is unique, zeros are equal. */
WG_SEARCH(unique) {
    (void)nop;
    const wg_array *x = op[4];
    int64_t *first = (int64_t *)op[0]->data, *inverse = attr[0].i ? (int64_t *)op[1]->data : NULL;
    int64_t *counts = attr[1].i ? (int64_t *)op[2]->data : NULL, groups = 0;
    if (x->numel) {
        char *scratch = wg_scratch_get(WG_LEVEL(wg_keys_bytes)(x->dtype, x->numel));
        if (!scratch) return -1;
        wg_keys k;
        WG_LEVEL(wg_keys_place)(&k, x->dtype, x->numel, scratch);
        WG_LEVEL(wg_keys_fill)(&k, x->data, x->dtype, 1, 0);
        WG_LEVEL(wg_keys_sort)(&k);
        uint64_t before = 0;
        for (int64_t i = 0; i < k.n; i++) {
            const uint64_t key = wg_keys_key(&k, i);
            const int64_t index = wg_keys_index(&k, i);
            if (i == 0 || key != before || (k.nans && key == k.nan_key)) {
                if (counts) counts[groups] = 0;
                first[groups++] = index;
            }
            before = key;
            if (counts) counts[groups - 1]++;
            if (inverse) inverse[index] = groups - 1;
        }
        wg_scratch_put(scratch);
    }
    *(int64_t *)op[3]->data = groups;
    return 0;
}

/* ---- counting ---------------------------------------------------------------------------------------------- */

/* Operands out (dense int64), x (1-d integers): how often each of 0, 1, ... stands in x. */
WG_SEARCH(bincount) {
    (void)nop, (void)attr;
    const wg_array *x = op[1];
    const int64_t stride = x->strides[0], bins = op[0]->numel;
    int64_t *counts = (int64_t *)op[0]->data;
    const wg_reduce_load_fn load = WG_LEVEL(wg_reduce_loader)(WG_MAP_COPY, x->dtype, WG_I64);
    memset(counts, 0, (size_t)bins * sizeof *counts);
    int64_t index[WG_BLOCK];
    for (int64_t done = 0; done < x->numel; done += WG_BLOCK) {
        const int64_t n = x->numel - done < WG_BLOCK ? x->numel - done : WG_BLOCK;
        load(index, x->data + done * stride * wg_itemsize[x->dtype], n, stride, NULL, 0, 0);
        for (int64_t i = 0; i < n; i++) {
            if ((uint64_t)index[i] >= (uint64_t)bins)
                return wg_fail(WG_RUNTIME_ERROR, "bincount: element %lld is out of range for %lld bins", (long long)index[i], (long long)bins);
            counts[index[i]]++;
        }
    }
    return 0;
}

#define HISTOGRAM(name, T, map_acc)                                                                        \
    static void name(int64_t *counts, int64_t bins, double low, double high, const wg_array *x) {          \
        const wg_reduce_load_fn load = WG_LEVEL(wg_reduce_loader)(WG_MAP_COPY, x->dtype, map_acc);         \
        const T left = (T)low, right = (T)high, width = right - left, number = (T)bins;                    \
        T v[WG_BLOCK];                                                                                     \
        for (int64_t done = 0; done < x->numel; done += WG_BLOCK) {                                        \
            const int64_t n = x->numel - done < WG_BLOCK ? x->numel - done : WG_BLOCK;                     \
            load(v, x->data + done * wg_itemsize[x->dtype], n, 1, NULL, 0, 0);                             \
            for (int64_t i = 0; i < n; i++) {                                                              \
                if (!(v[i] >= left && v[i] <= right)) continue;                                            \
                const T at = (v[i] - left) * number / width;                                               \
                const int64_t bin = at < number ? (int64_t)at : bins - 1;                                  \
                counts[bin < bins ? bin : bins - 1]++;                                                     \
            }                                                                                              \
        }                                                                                                  \
    }
HISTOGRAM(histogram_f32, float, WG_F32)
HISTOGRAM(histogram_f64, double, WG_F64)

/* Operands out (1-d, dense, one element for each bin, x's dtype), x (dense floats). attr[0]: min, attr[1]: max;
 * if they are equal the extrema of x are taken. Elements outside, and NaN, are not counted. */
WG_SEARCH(histc) {
    (void)nop;
    wg_array *out = op[0];
    const wg_array *x = op[1];
    const int64_t bins = out->numel;
    double low = wg_attr_float(attr[0]), high = wg_attr_float(attr[1]);
    if (low == high && x->numel) {
        wg_reduce r;
        double extreme[2];
        wg_array one = {.numel = 1, .dtype = x->dtype, .ndim = x->ndim};
        for (int d = 0; d < x->ndim; d++) one.shape[d] = 1, one.strides[d] = 0;
        WG_LEVEL(wg_reduce_plan)(&r, &one, x, WG_F64, WG_MAP_COPY);
        for (int i = 0; i < 2; i++) {
            r.dense = &extreme[i];
            if (WG_LEVEL(wg_reduce_run)(&r, i ? WG_MAX : WG_MIN)) return -1;
        }
        low = extreme[0];
        high = extreme[1];
    }
    if (!isfinite(low) || !isfinite(high)) return wg_fail(WG_RUNTIME_ERROR, "torch.histc: range of [%g, %g] is not finite", low, high);
    if (low > high) return wg_fail(WG_RUNTIME_ERROR, "torch.histc: max must be larger than min");
    if (low == high) {
        low -= 1;
        high += 1;
    }
    int64_t *counts = wg_scratch_get(bins * (int64_t)sizeof(int64_t));
    if (!counts) return -1;
    memset(counts, 0, (size_t)bins * sizeof *counts);
    if (x->dtype == WG_F64) histogram_f64(counts, bins, low, high, x);
    else histogram_f32(counts, bins, low, high, x);
    for (int64_t i = 0; i < bins; i++) {
        const double v = (double)counts[i];
        WG_LEVEL(wg_reduce_store)(out->data + i * wg_itemsize[out->dtype], out->dtype, 1, &v, WG_F64, 1, 0);
    }
    wg_scratch_put(counts);
    return 0;
}
