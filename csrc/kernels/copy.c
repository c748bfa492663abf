/* copy between any dtypes and strides, and fill. */
#include "cast.h"
#include "strided.h"

/* Where x is dense along another dimension than y: pieces of so many elements of the inner run are walked along
 * that dimension, so that the cache lines of x they touch are used up while they are in L1. */
enum { PIECE = 32 };

#define WG_TEMPLATE "copy_sized.inc"
#include "each_size.h"

static const wg_run move[4] = WG_SIZED(move), set[4] = WG_SIZED(set);
static void (*const turn[4])(char *, int64_t, const char *, int64_t, int64_t, int64_t) = WG_SIZED(turn);

/* ---- casts: one loop per pair of types; float16 and bfloat16 pass through float32 ----------------- */

#define CAST(from, S, to, D, VALUE)                                                                        \
    static void cast_##from##_##to(void *context, int64_t n, char *const *p, const int64_t *step) {        \
        (void)context;                                                                                     \
        const char *x = p[1];                                                                              \
        char *y = p[0];                                                                                    \
        int64_t sx = step[1], sy = step[0];                                                                \
        if (sy == sizeof(D) && sx == sizeof(S)) {                                                          \
            const S *restrict source = (const S *)x;                                                       \
            D *restrict target = (D *)y;                                                                   \
            for (int64_t i = 0; i < n; i++) {                                                              \
                S v = source[i];                                                                           \
                target[i] = (VALUE);                                                                       \
            }                                                                                              \
        } else                                                                                             \
            for (int64_t i = 0; i < n; i++) {                                                              \
                S v = *(const S *)(x + i * sx);                                                            \
                *(D *)(y + i * sy) = (VALUE);                                                              \
            }                                                                                              \
    }

#define CAST_TO_FLOATS(from, S)          \
    CAST(from, S, f32, float, (float)v)  \
    CAST(from, S, f64, double, (double)v)

#define CASTS_OF_INT(from, S)               \
    CAST(from, S, bool, uint8_t, v != 0)    \
    CAST(from, S, u8, uint8_t, (uint8_t)v)  \
    CAST(from, S, i8, int8_t, (int8_t)v)    \
    CAST(from, S, i16, int16_t, (int16_t)v) \
    CAST(from, S, i32, int32_t, (int32_t)v) \
    CAST(from, S, i64, int64_t, (int64_t)v) \
    CAST_TO_FLOATS(from, S)

#define CASTS_OF_FLOAT(from, S)                     \
    CAST(from, S, bool, uint8_t, v != 0)            \
    CAST(from, S, u8, uint8_t, WG_TO_U8(S, v))      \
    CAST(from, S, i8, int8_t, WG_TO_I8(S, v))       \
    CAST(from, S, i16, int16_t, WG_TO_I16(S, v))    \
    CAST(from, S, i32, int32_t, WG_TO_I32(S, v))    \
    CAST(from, S, i64, int64_t, WG_TO_I64(S, v))    \
    CAST_TO_FLOATS(from, S)

CASTS_OF_INT(u8, uint8_t)
CASTS_OF_INT(i8, int8_t)
CASTS_OF_INT(i16, int16_t)
CASTS_OF_INT(i32, int32_t)
CASTS_OF_INT(i64, int64_t)
CASTS_OF_FLOAT(f32, float)
CASTS_OF_FLOAT(f64, double)
CAST(f16, uint16_t, f32, float, wg_f16_to_f32(v))
CAST(bf16, uint16_t, f32, float, wg_bf16_to_f32(v))
CAST(f32, float, f16, uint16_t, wg_f32_to_f16(v))
CAST(f32, float, bf16, uint16_t, wg_f32_to_bf16(v))

#define ROW(from)                                                                                        \
    [WG_BOOL] = cast_##from##_bool, [WG_U8] = cast_##from##_u8, [WG_I8] = cast_##from##_i8,              \
    [WG_I16] = cast_##from##_i16, [WG_I32] = cast_##from##_i32, [WG_I64] = cast_##from##_i64,            \
    [WG_F32] = cast_##from##_f32, [WG_F64] = cast_##from##_f64

/* NULL: by way of float32. A bool is read as the uint8 that it is stored as. */
static const wg_run casts[WG_NDTYPES][WG_NDTYPES] = {
    [WG_BOOL] = {ROW(u8)}, [WG_U8] = {ROW(u8)}, [WG_I8] = {ROW(i8)}, [WG_I16] = {ROW(i16)}, [WG_I32] = {ROW(i32)},
    [WG_I64] = {ROW(i64)}, [WG_F64] = {ROW(f64)},
    [WG_F32] = {ROW(f32), [WG_F16] = cast_f32_f16, [WG_BF16] = cast_f32_bf16},
    [WG_F16] = {[WG_F32] = cast_f16_f32}, [WG_BF16] = {[WG_F32] = cast_bf16_f32}};

typedef struct { wg_run first, second; } two_casts;

static void cast_through_f32(void *context, int64_t n, char *const *p, const int64_t *step) {
    const two_casts *cast = context;
    float block[512];
    for (int64_t i = 0; i < n; i += 512) {
        int64_t m = n - i < 512 ? n - i : 512;
        cast->first(NULL, m, (char *[]){(char *)block, p[1] + i * step[1]}, (int64_t[]){sizeof(float), step[1]});
        cast->second(NULL, m, (char *[]){p[0] + i * step[0], (char *)block}, (int64_t[]){step[0], sizeof(float)});
    }
}

void WG_LEVEL(wg_cast_run)(int64_t n, char *y, int to, int64_t sy, const char *x, int from, int64_t sx) {
    char *p[2] = {y, (char *)x};
    int64_t step[2] = {sy * wg_itemsize[to], sx * wg_itemsize[from]};
    if (from == to) move[wg_size_index(to)](NULL, n, p, step);
    else if (casts[from][to]) casts[from][to](NULL, n, p, step);
    else cast_through_f32(&(two_casts){casts[from][WG_F32], casts[WG_F32][to]}, n, p, step);
}

/* ---- copy ----------------------------------------------------------------------------------------- */

WG_INLINE int64_t magnitude(int64_t a) { return a < 0 ? -a : a; }

/* Dimensions in the order of y's strides, so that what is dense in both merges whatever its permutation. */
static void nest_sorted(wg_nest *t, const wg_array *y, const wg_array *x) {
    int order[WG_MAX_DIMS], n = 0;
    int64_t size[2] = {wg_itemsize[y->dtype], wg_itemsize[x->dtype]};
    for (int d = 0; d < y->ndim; d++) {
        int i = n++;
        for (; i > 0; i--) {
            int64_t before = magnitude(y->strides[order[i - 1]]), own = magnitude(y->strides[d]);
            if (before > own || (before == own && magnitude(x->strides[order[i - 1]]) >= magnitude(x->strides[d]))) break;
            order[i] = order[i - 1];
        }
        order[i] = d;
    }
    wg_nest_begin(t, 2);
    t->p[0] = y->data;
    t->p[1] = x->data;
    for (int i = 0; i < n; i++)
        wg_nest_dim(t, y->shape[order[i]], (int64_t[]){y->strides[order[i]] * size[0], x->strides[order[i]] * size[1]});
    wg_nest_end(t, size);
}

typedef struct {
    wg_nest t;
    int64_t size, stride[2], pieces;
    wg_run run;
    void *context;
    void (*turn)(char *, int64_t, const char *, int64_t, int64_t, int64_t);        /* y is dense one way, x the other */
} transpose_job;

static void transpose_items(void *context, int64_t begin, int64_t end) {
    const transpose_job *job = context;
    int64_t piece = begin % job->pieces;
    wg_nest t;
    wg_nest_copy(&t, &job->t);
    wg_nest_seek(&t, begin / job->pieces);
    for (int64_t item = begin; item < end; item++, piece++) {
        if (piece == job->pieces) {
            piece = 0;
            wg_nest_next(&t);
        }
        int64_t first = piece * PIECE, m = t.n - first < PIECE ? t.n - first : PIECE;
        char *p[2] = {t.p[0] + first * t.step[0], t.p[1] + first * t.step[1]};
        if (job->turn) job->turn(p[0], job->stride[0], p[1], t.step[1], m, job->size);
        else for (int64_t i = 0; i < job->size; i++) {
            job->run(job->context, m, p, t.step);
            p[0] += job->stride[0];
            p[1] += job->stride[1];
        }
    }
}

static void run_pieces(const wg_nest *t, int dense, double cost_ns, wg_run run, void *context) {
    transpose_job job;
    wg_nest_copy(&job.t, t);
    job.size = t->shape[dense];
    memcpy(job.stride, t->stride[dense], sizeof job.stride);
    job.pieces = (t->n + PIECE - 1) / PIECE;
    job.run = run;
    job.context = context;
    job.turn = NULL;
    for (int k = 0; k < 4; k++)
        if (run == move[k] && t->step[0] == 1 << k && job.stride[1] == 1 << k) job.turn = turn[k];
    for (int d = dense; d + 1 < t->ndim; d++) {
        job.t.shape[d] = t->shape[d + 1];
        memcpy(job.t.stride[d], t->stride[d + 1], sizeof t->stride[d]);
    }
    job.t.ndim--;
    job.t.runs /= job.size;
    wg_parallel_for(job.t.runs * job.pieces, 1, cost_ns * PIECE * (double)job.size, transpose_items, &job);
}

/* Runs shorter than this are walked across: many short runs would cost more in calls than in moves. */
enum { SHORT = 16 };

static void run_copy(const wg_nest *t, double cost_ns, wg_run run, void *context) {
    const int next = t->ndim - 1;
    if (t->n < SHORT && next >= 0 && t->shape[next] >= (t->n < 8 ? 8 : PIECE) && t->runs) {
        wg_nest swapped;
        wg_nest_copy(&swapped, t);
        swapped.n = t->shape[next];
        swapped.shape[next] = t->n;
        memcpy(swapped.step, t->stride[next], sizeof t->stride[next]);
        memcpy(swapped.stride[next], t->step, sizeof t->step);
        swapped.runs = t->runs / swapped.n * t->n;
        run_pieces(&swapped, next, cost_ns, run, context);
        return;
    }
    int dense = -1;
    for (int d = 0; d < t->ndim; d++)
        if (t->stride[d][1] && magnitude(t->stride[d][1]) < magnitude(t->step[1]) && t->shape[d] >= 4) dense = d;
    if (dense < 0 || t->n < 4 || !t->runs) wg_nest_parallel(t, cost_ns, run, context);
    else run_pieces(t, dense, cost_ns, run, context);
}

/* copy(y, x): y's values become x's, cast to y's dtype. Same shape (x broadcast by strides of 0). y and x may be
 * the same memory with the same strides; otherwise they don't overlap. */
int WG_K(copy)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop, (void)attr;
    wg_array *y = op[0];
    const wg_array *x = op[1];
    int from = x->dtype, to = y->dtype;
    if (from == to && y->contiguous && x->contiguous && y->ndim == x->ndim && y->numel * wg_itemsize[to] <= 65536) {
        if (y->data != x->data) memmove(y->data, x->data, (size_t)(y->numel * wg_itemsize[to]));
        return 0;
    }
    wg_nest t;
    nest_sorted(&t, y, x);
    double cost = 0.05 * (wg_itemsize[from] + wg_itemsize[to]);
    if (from == to) run_copy(&t, cost, move[wg_size_index(to)], NULL);
    else if (casts[from][to]) run_copy(&t, cost, casts[from][to], NULL);
    else {
        two_casts both = {casts[from][WG_F32], casts[WG_F32][to]};
        run_copy(&t, cost * 2, cast_through_f32, &both);
    }
    return 0;
}

/* fill(y; value): every element becomes the number. */
int WG_K(fill)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array *y = op[0];
    uint64_t bits = 0;
    wg_store_number(&bits, y->dtype, attr[0]);
    if (!bits && y->contiguous && y->numel * wg_itemsize[y->dtype] <= 65536) {
        memset(y->data, 0, (size_t)(y->numel * wg_itemsize[y->dtype]));
        return 0;
    }
    wg_array once = *y;                                    /* what elements share is written once, however many they are */
    for (int d = 0; d < y->ndim; d++) if (y->strides[d] == 0 && y->shape[d] > 1) once.shape[d] = 1;
    wg_nest t;
    nest_sorted(&t, &once, &once);
    wg_nest_parallel(&t, 0.05 * wg_itemsize[y->dtype], set[wg_size_index(y->dtype)], &bits);
    return 0;
}
