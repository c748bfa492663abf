/* What the reduction kernels share: the plan of a reduction and the engine that runs it.
 *
 * Note [The tree of a reduction]
 * ------------------------------
 * The order of the additions is a function of shape and strides only: never of the instruction set, of
 * alignment, of the number of threads or of how the caller cut the work. It is
 *
 * - where the reduced dimension is the fastest in memory (rows): the elements of one output, in the
 *   order of the plan, are cut into blocks of WG_BLOCK. A block runs in 32 virtual lanes (element i in
 *   lane i mod 32), lanes are folded in halves 32, 16, 8, 4, 2, 1, and what is left over at the end
 *   joins at the stage whose width it has. Blocks are combined by a balanced binary tree.
 * - where a kept dimension is the fastest (columns): blocks of WG_ROWS rows. In a block, groups of 8
 *   rows are added as a tree and groups one after another; with fewer than WG_NARROW columns rows run in
 *   8 lanes instead. Blocks are combined by a balanced binary tree.
 *
 * Elements of another dtype or with a stride are first copied into a dense buffer of the accumulator's
 * type, so the tree does not depend on those either. Work is given to threads in pieces that are whole
 * subtrees (a power of two of blocks). The rounding error grows like that of pairwise summation: at most
 * 37 + log2(n / 1024) roundings on any path. */
#ifndef WG_REDUCE_COMMON_H
#define WG_REDUCE_COMMON_H

#include "../wg_kernel.h"

enum {
    WG_LANES = 32,
    WG_BLOCK = 1024,             /* elements of one block of a row; also the size of the stack buffers */
    WG_CHUNK = 65536,            /* elements of the largest piece that one thread takes: a power of two of blocks */
    WG_ROWS = 128,               /* rows of one block of columns */
    WG_NARROW = 16,              /* fewer columns than this run in 8 row lanes */
    WG_TILE = 512,               /* columns that are accumulated at once */
};

typedef enum wg_reduce_op { WG_ADD, WG_MUL, WG_MAX, WG_MIN, WG_NREDUCE } wg_reduce_op;

/* What is done to each element on its way into the accumulator. c: a value for each output. */
typedef enum wg_reduce_map {
    WG_MAP_COPY,                 /* x */
    WG_MAP_NONZERO,              /* x != 0 */
    WG_MAP_NAN_ZERO,             /* NaN counts as 0 */
    WG_MAP_ABS,                  /* |x| */
    WG_MAP_SQUARE,               /* x^2 */
    WG_MAP_DEVIATION,            /* (x - c)^2 */
    WG_MAP_POWER,                /* |x|^p */
    WG_MAP_INDICATOR,            /* x != 0 among floats: 1.0 or 0.0 */
    WG_MAP_EXP,                  /* exp(x - c) */
    WG_NMAPS
} wg_reduce_map;

/* Fills y[0..n) with mapped elements x[i * stride]; c[i * cstep] is the output's own value. */
typedef void (*wg_reduce_load_fn)(void *y, const char *x, int64_t n, int64_t stride, const void *c, int cstep, double p);

/* A reduction: dimensions of size 1 dropped, the rest ordered by stride, neighbours merged. Kept and
 * reduced dimensions stand apart, slowest first. Sizes and strides are in elements. */
typedef struct wg_reduce {
    int nkept, nreduced, columns;            /* columns: the fastest dimension is a kept one */
    int direct;                              /* the elements are of the accumulator's type and need no map */
    int add;                                 /* out += instead of out = */
    uint8_t xdtype, odtype, acc;             /* acc: WG_F32, WG_F64 or WG_I64 */
    int64_t outputs, count;                  /* number of outputs, elements of each */
    const char *x;
    char *out;
    wg_reduce_load_fn load;
    double p;                                /* of WG_MAP_POWER and of the finish */
    float load_ns;                           /* estimated time of an element that is not direct */
    const void *c;                           /* a value for each output, in the order of the plan; may be NULL */
    void *dense;                             /* write accumulators here, in the order of the plan, not to out */
    void (*finish)(const struct wg_reduce *r, void *acc, int64_t n, int64_t first);   /* may be NULL */
    int64_t kept[WG_MAX_DIMS], kept_x[WG_MAX_DIMS], kept_out[WG_MAX_DIMS];
    int64_t reduced[WG_MAX_DIMS], reduced_x[WG_MAX_DIMS];
} wg_reduce;

/* Plans the reduction of x to out, which has x's number of dimensions and size 1 in the reduced ones
 * (a dimension whose size is 1 in x is the same whether it counts as kept or as reduced). */
void WG_LEVEL(wg_reduce_plan)(wg_reduce *r, const wg_array *out, const wg_array *x, int acc, wg_reduce_map map);

/* The same, but the reduced dimensions keep their order: position in the plan = row-major position in x. */
void WG_LEVEL(wg_reduce_plan_ordered)(wg_reduce *r, const wg_array *out, const wg_array *x, int acc);

/* Runs a plan. Fails only for want of scratch memory. */
int WG_LEVEL(wg_reduce_run)(const wg_reduce *r, wg_reduce_op op);

wg_reduce_load_fn WG_LEVEL(wg_reduce_loader)(wg_reduce_map map, int dtype, int acc);

/* Writes n accumulators to out (elements of odtype, `stride` apart), adding to what is there if `add`. */
void WG_LEVEL(wg_reduce_store)(char *out, int odtype, int64_t stride, const void *acc, int acctype, int64_t n, int add);

/* Without a plan: n >= 1 dense elements. */
float WG_LEVEL(wg_sum_f32)(const float *x, int64_t n);
double WG_LEVEL(wg_sum_f64)(const double *x, int64_t n);
float WG_LEVEL(wg_max_f32)(const float *x, int64_t n);
double WG_LEVEL(wg_max_f64)(const double *x, int64_t n);
int64_t WG_LEVEL(wg_max_i64)(const int64_t *x, int64_t n);
float WG_LEVEL(wg_min_f32)(const float *x, int64_t n);
double WG_LEVEL(wg_min_f64)(const double *x, int64_t n);
int64_t WG_LEVEL(wg_min_i64)(const int64_t *x, int64_t n);

/* ---- walking a plan --------------------------------------------------------------------------- */

/* Where an output begins, in x and in out, and its index in the dimension that was decoded last. */
typedef struct wg_cursor { const char *x; char *out; int64_t index; } wg_cursor;

/* The output with this number among the first `dims` kept dimensions. */
static inline wg_cursor wg_reduce_seek(const wg_reduce *r, int64_t number, int dims) {
    int64_t x = 0, out = 0, index = 0;
    for (int d = dims - 1; d >= 0; d--) {
        int64_t i = number;
        if (d) {
            number = i / r->kept[d];
            i -= number * r->kept[d];
        }
        if (d == dims - 1) index = i;
        x += i * r->kept_x[d];
        out += i * r->kept_out[d];
    }
    return (wg_cursor){r->x + x * wg_itemsize[r->xdtype], r->out + out * wg_itemsize[r->odtype], index};
}

/* A position among the elements of one output. */
typedef struct wg_walk { const char *x; int64_t index[WG_MAX_DIMS]; } wg_walk;

static inline void wg_walk_start(wg_walk *w, const wg_reduce *r, const char *x, int64_t position) {
    for (int d = r->nreduced - 1; d >= 0; d--) {
        int64_t i = position;
        if (d) {
            position = i / r->reduced[d];
            i -= position * r->reduced[d];
        }
        w->index[d] = i;
        x += i * r->reduced_x[d] * wg_itemsize[r->xdtype];
    }
    w->x = x;
}

/* Forward by `by` elements of the fastest dimension, at most to its end; then into the next. */
static inline void wg_walk_forward(wg_walk *w, const wg_reduce *r, int64_t by) {
    const int64_t item = wg_itemsize[r->xdtype];
    int d = r->nreduced - 1;
    w->x += by * r->reduced_x[d] * item;
    w->index[d] += by;
    for (; d > 0 && w->index[d] == r->reduced[d]; d--) {
        w->x += (r->reduced_x[d - 1] - r->reduced[d] * r->reduced_x[d]) * item;
        w->index[d] = 0;
        w->index[d - 1]++;
    }
}

/* The next n <= WG_BLOCK elements, dense: where they lie if possible, else loaded into the buffer. */
static inline const void *wg_walk_block(wg_walk *w, const wg_reduce *r, void *buffer, int64_t n, const void *c) {
    const int last = r->nreduced - 1;
    const int64_t item = r->acc == WG_F32 ? 4 : 8;
    for (int64_t have = 0; have < n;) {
        int64_t run = r->reduced[last] - w->index[last];
        if (run > n - have) run = n - have;
        const char *x = w->x;
        wg_walk_forward(w, r, run);
        if (r->direct && r->reduced_x[last] == 1 && run == n) return x;
        r->load((char *)buffer + have * item, x, run, r->reduced_x[last], c, 0, r->p);
        have += run;
    }
    return buffer;
}

#endif
