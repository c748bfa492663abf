/* What sorting and selecting kernels share: keys, and the lines of an array along one dimension.
 *
 * Note [Sort keys]
 * ----------------
 * An element becomes an unsigned integer whose order is the element's: ascending with NaN last, or, all
 * bits flipped, descending with NaN first. -0 and +0 get one key, every NaN another, so that a stable sort
 * of keys is a stable sort of elements. Keys of at most 32 bits are packed with the position into one
 * 64-bit number: these are all different, which makes any sort of them stable. 64-bit keys (and lines of
 * 2^32 elements) stand beside their position. */
#ifndef WG_SORT_COMMON_H
#define WG_SORT_COMMON_H

#include "../wg_kernel.h"

typedef struct wg_key_pair { uint64_t key; int64_t index; } wg_key_pair;

/* The elements of one line. */
typedef struct wg_keys {
    int wide;                                /* e and spare are wg_key_pair, else packed uint64 */
    int bytes;                               /* of the key that can differ */
    void *e, *spare;                         /* n of each */
    int64_t n;
    int64_t nans;
    uint64_t nan_key;                        /* the key of NaN, if nans */
} wg_keys;

WG_INLINE int64_t wg_keys_index(const wg_keys *k, int64_t i) {
    return k->wide ? ((const wg_key_pair *)k->e)[i].index : (int64_t)(uint32_t)((const uint64_t *)k->e)[i];
}

WG_INLINE uint64_t wg_keys_key(const wg_keys *k, int64_t i) {
    return k->wide ? ((const wg_key_pair *)k->e)[i].key : ((const uint64_t *)k->e)[i] >> 32;
}

/* Bytes of scratch that keys of n elements take; wg_keys_place divides them up. */
int64_t WG_LEVEL(wg_keys_bytes)(int dtype, int64_t n);
void WG_LEVEL(wg_keys_place)(wg_keys *k, int dtype, int64_t n, char *scratch);

/* Keys of n elements `stride` apart. */
void WG_LEVEL(wg_keys_fill)(wg_keys *k, const char *x, int dtype, int64_t stride, int descending);

/* Stable sort. */
void WG_LEVEL(wg_keys_sort)(wg_keys *k);

/* The first entries of a stable sort, `wanted` of them; the others are lost. */
void WG_LEVEL(wg_keys_first)(wg_keys *k, int64_t wanted);

/* Puts the element that a sort would put there at place `at`, smaller ones before it; equal ones by position. */
void WG_LEVEL(wg_keys_select)(wg_keys *k, int64_t at);

/* ---- lines along a dimension ------------------------------------------------------------------------ */

/* Calls body(context, keys, offset) for every line of x along dim; offset[i] is where the line begins in
 * array[i] (elements), all arrays having x's shape in the other dimensions. */
typedef struct wg_lines {
    const wg_array *x;
    const wg_array *array[3];                /* outputs */
    int narray, dim;                         /* dim is ignored for a 0-d x */
    int64_t n;                               /* elements of a line */
    double cost_ns;                          /* of an element */
    void (*body)(const struct wg_lines *lines, wg_keys *keys, const char *x, char *const *out);
    int64_t attr;                            /* for the body */
    /* filled in by wg_lines_run */
    char *scratch;
    int64_t bytes, count, parts;
} wg_lines;

int WG_LEVEL(wg_lines_run)(wg_lines *lines);

WG_INLINE int64_t wg_lines_stride(const wg_lines *l, const wg_array *a) { return a->ndim ? a->strides[l->dim] : 0; }

WG_INLINE void wg_copy_element(char *to, const char *from, int itemsize) {
    switch (itemsize) {
    case 1: *(uint8_t *)to = *(const uint8_t *)from; break;
    case 2: *(uint16_t *)to = *(const uint16_t *)from; break;
    case 4: *(uint32_t *)to = *(const uint32_t *)from; break;
    default: *(uint64_t *)to = *(const uint64_t *)from; break;
    }
}

#endif
