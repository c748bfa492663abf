/* Convolutions in up to three dimensions, float32 and float64; Note [Flat planes] in conv.h says how.
 *
 *     conv         y, x, weight, bias               y[n][m] = bias[m] + sum over c, t of weight[m][c][t] * x[n][c]
 *     conv_input   gx, g, weight, bias              the adjoint in x, bias added: gx of conv, and transposed convolution
 *     conv_weight  gweight, gbias, x, g             the adjoint in weight and the sums of g; either may be absent
 *
 * attr: stride, padding, dilation (three each), groups; of conv_weight also the kernel's shape. Images are (N, C, D, H, W), weights (results, channels of a group, D, H,
 * W); all are row-major. x is what conv reads or the shape of it, g has the shape of what conv writes. */
#include "conv.h"
#include "wg_threads.h"

/* ---- the correlation of a launch ------------------------------------------------------------------------------ */

typedef struct geometry { const int64_t *stride, *padding, *dilation; int64_t groups; } geometry;

static geometry read_geometry(const wg_attr *attr) { return (geometry){attr[0].v, attr[1].v, attr[2].v, attr[3].i}; }

/* int64_t numbers that the lists of an axis take */
static int64_t axis_room(int64_t kernel, int64_t out_step) { return 4 * kernel + out_step + 1 + kernel; }

/* A dimension of one place whose gradient has several: then each of these is a phase of the result, with the tap that reaches it,
 * and nothing is multiplied by the zeros around that place. */
static int from_one_place(int64_t size, int64_t out) { return size == 1 && out > 1 && out <= 16; }

static void axis_lists(wg_axis *a, int64_t kernel, int64_t **room) {
    a->tap = (wg_tap *)*room;
    a->first = *room + 3 * kernel;
    a->phase = a->first + a->out_step + 1;
    *room += axis_room(kernel, a->out_step);
}

/* result o reads x at o*stride + k*dilation - padding; every tap has a phase of its own */
static void columns_axis(wg_axis *a, int64_t size, int64_t out, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                         int64_t **room) {
    *a = (wg_axis){.kernel = kernel, .size = size, .out = out, .step = stride, .pad = padding, .out_step = 1, .places = out, .phases = kernel};
    axis_lists(a, kernel, room);
    a->first[0] = 0;
    a->first[1] = kernel;
    for (int64_t k = 0; k < kernel; k++) {
        a->phase[k] = k * dilation;
        a->tap[k] = (wg_tap){k, k, 0};
    }
    a->last_phase = a->phase[kernel - 1];
}

/* the same; taps share the phases of the stride */
static void forward_axis(wg_axis *a, int64_t size, int64_t out, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                         int64_t **room) {
    if (dilation * (kernel - 1) / stride > padding / stride + out / 2) {     /* Note [Flat planes], few results */
        columns_axis(a, size, out, kernel, stride, padding, dilation, room);
        return;
    }
    *a = (wg_axis){.kernel = kernel, .size = size, .out = out, .step = stride, .pad = padding, .out_step = 1, .places = out};
    axis_lists(a, kernel, room);
    a->first[0] = 0;
    a->first[1] = kernel;
    for (int64_t phase = 0; phase < stride && a->phases < kernel; phase++) {
        int used = 0;
        for (int64_t k = 0; k < kernel; k++) {
            if (k * dilation % stride != phase) continue;
            a->tap[k] = (wg_tap){k, a->phases, k * dilation / stride};
            if (a->tap[k].shift > a->span) a->span = a->tap[k].shift;
            used = 1;
        }
        if (used) a->phase[a->phases++] = phase;
    }
    a->last_phase = a->phase[a->phases - 1];
}

/* element i of x was read by place (i + padding - k*dilation) / stride, where that is whole */
static void adjoint_axis(wg_axis *a, int64_t size, int64_t out, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                         int64_t **room) {
    const int64_t step = from_one_place(size, out) ? out : stride;
    *a = (wg_axis){.kernel = kernel, .size = size, .out = out, .step = 1, .out_step = step, .places = (out + step - 1) / step, .phases = 1};
    axis_lists(a, kernel, room);
    a->phase[0] = 0;
    int64_t n = 0, least = 0, most = 0;
    if (from_one_place(size, out)) {
        for (int64_t r = 0; r < out; r++) {
            a->first[r] = n;
            for (int64_t k = 0; k < kernel; k++) if (r + padding == k * dilation) a->tap[n++] = (wg_tap){k, 0, 0};
        }
        a->first[out] = n;
        return;
    }
    for (int64_t r = 0; r < stride; r++) {
        a->first[r] = n;
        for (int64_t k = 0; k < kernel; k++) {
            const int64_t at = r + padding - k * dilation;
            if (at % stride) continue;
            const int64_t shift = at / stride;
            if (n == 0 || shift < least) least = shift;
            if (n == 0 || shift > most) most = shift;
            a->tap[n++] = (wg_tap){k, 0, shift};
        }
    }
    a->first[stride] = n;
    for (int64_t i = 0; i < n; i++) a->tap[i].shift -= least;
    a->pad = -least;
    a->span = most - least;
}

typedef void (*axis_fn)(wg_axis *, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t **);

/* Fills in c but for the layout; the lists stand in scratch memory, which the caller puts back. */
static int64_t *make_correlation(wg_correlation *c, const axis_fn *make, const wg_array *result, const wg_array *source, const int64_t *kernel,
                                 const geometry *at) {
    int64_t total = 0;
    for (int d = 0; d < 3; d++) total += axis_room(kernel[d], at->stride[d] > 16 ? at->stride[d] : 16);
    int64_t *lists = wg_scratch_get(total * (int64_t)sizeof(int64_t)), *room = lists;
    if (!lists) return NULL;
    *c = (wg_correlation){.images = source->shape[0], .groups = at->groups, .channels = source->shape[1] / at->groups,
                          .results = result->shape[1] / at->groups, .taps = kernel[0] * kernel[1] * kernel[2], .phases = 1};
    for (int d = 0; d < 3; d++) {
        make[d](&c->axis[d], source->shape[2 + d], result->shape[2 + d], kernel[d], at->stride[d], at->padding[d], at->dilation[d], &room);
        c->phases *= c->axis[d].phases;
    }
    return lists;
}

/* ---- typed parts ---------------------------------------------------------------------------------------------- */

/* Weights of a correlation: element (group, m, c, t) stands at group*group_stride + m*result + c*channel + t. */
typedef struct weights { const void *data; int64_t group, result, channel; } weights;

/* Of so many results and channels a group; of the adjoint they change places in w. */
static weights weights_of(const wg_array *w, int64_t results, int64_t channels, int adjoint) {
    const int64_t taps = w->shape[2] * w->shape[3] * w->shape[4];
    return adjoint ? (weights){w->data, results * channels * taps, taps, results * taps} : (weights){w->data, results * channels * taps, channels * taps, taps};
}

/* All the taps of one phase of the result. */
typedef struct wg_phase {
    int64_t at[3];                   /* which: its index along each dimension */
    int64_t taps, k;                 /* how many; channels * taps */
    int64_t *offset, *tap;           /* [k]: in the planes of a group; [taps]: in the kernel */
    char *packed;                    /* weights: [groups][blocks of results][k][results of a block] */
} wg_phase;

typedef struct correlate_job {
    const wg_correlation *c;
    weights w;
    const char *x, *bias;
    char *y;
    wg_phase *phase;
    int64_t phases, rows, row_blocks;        /* results of a tile at most; tiles of a group */
    int wide;                        /* Note [Lanes of results] */
    char *slot;                      /* memory of the threads at work */
    int64_t slots, slot_bytes, room; /* room: elements of the planes in a slot */
    int32_t *taken;
} correlate_job;

typedef struct weight_job {
    const wg_correlation *c;
    const char *x, *g;
    char *planes, *rows;             /* of x and of g, for the channels of all groups */
    int64_t ld;                      /* elements of a row of g */
    char *gw, *gb;
    wg_phase phase;
    int64_t row_blocks, k_blocks, k_block;
    wg_unit unit;
    int add;                         /* to what the units before it gave */
} weight_job;

/* Rows of n bytes each, at any distances. Short rows are moved by their two ends, which may overlap, without a call. */
WG_INLINE void copy_rows(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t rows, int64_t n) {
#define BOTH_ENDS(size)                                                                    \
    for (; rows > 0; rows--, to += to_step, from += from_step) {                           \
        char head[size], tail[size];                                                       \
        __builtin_memcpy(head, from, size);                                                \
        __builtin_memcpy(tail, from + n - size, size);                                     \
        __builtin_memcpy(to, head, size);                                                  \
        __builtin_memcpy(to + n - size, tail, size);                                       \
    }
    if (n > 128) for (; rows > 0; rows--, to += to_step, from += from_step) memcpy(to, from, (size_t)n);
    else if (n >= 64) BOTH_ENDS(64)
    else if (n >= 32) BOTH_ENDS(32)
    else if (n >= 16) BOTH_ENDS(16)
    else if (n >= 8) BOTH_ENDS(8)
    else BOTH_ENDS(4)
#undef BOTH_ENDS
}

/* Places j of a phase that show something of the source, in [begin, end), among n from place `from` on. */
WG_INLINE void shown(const wg_axis *a, int64_t phase, int64_t from, int64_t n, int64_t *begin, int64_t *end) {
    *begin = wg_ceil_div(a->pad - phase, a->step) - from;
    *end = wg_ceil_div(a->size + a->pad - phase, a->step) - from;
    if (*begin < 0) *begin = 0;
    if (*end > n) *end = n;
}

#define WG_TEMPLATE "conv_typed.inc"
#define WG_FLOATS_ONLY
#include "each_dtype.h"

/* ---- kernels -------------------------------------------------------------------------------------------------- */

typedef void (*body_fn)(void *, int64_t, int64_t);
static const body_fn correlate_units[WG_NDTYPES] = WG_TYPED_FLOATS(correlate_units), pack_weights[WG_NDTYPES] = WG_TYPED_FLOATS(pack_weights),
                     weight_tiles[WG_NDTYPES] = WG_TYPED_FLOATS(weight_tiles), pack_planes[WG_NDTYPES] = WG_TYPED_FLOATS(pack_planes),
                     pack_rows[WG_NDTYPES] = WG_TYPED_FLOATS(pack_rows);

static int64_t most_rows(int dtype) { return dtype == WG_F32 ? most_rows_float32 : most_rows_float64; }
static int64_t product_rows(int dtype) { return dtype == WG_F32 ? product_rows_float32 : product_rows_float64; }

#if WG_VECTOR_BYTES >= 32 || defined(__aarch64__)       /* its code is not worth its size on machines of before 2013 */
#define WG_WINOGRAD
#include "kernels/conv_winograd.h"
#endif

/* Offsets of channels and taps in the planes of a group, for one phase of the result. */
static void phase_offsets(const wg_correlation *c, wg_phase *p) {
    const wg_axis *a = c->axis;
    const wg_tap *t[3], *end[3];
    int64_t n = 0;
    for (int d = 0; d < 3; d++) end[d] = a[d].tap + a[d].first[p->at[d] + 1];
    for (t[0] = a[0].tap + a[0].first[p->at[0]]; t[0] < end[0]; t[0]++)
        for (t[1] = a[1].tap + a[1].first[p->at[1]]; t[1] < end[1]; t[1]++)
            for (t[2] = a[2].tap + a[2].first[p->at[2]]; t[2] < end[2]; t[2]++) {
                const int64_t phase = (t[0]->phase * a[1].phases + t[1]->phase) * a[2].phases + t[2]->phase;
                p->offset[n] = phase * c->plane;
                for (int d = 0; d < 3; d++) p->offset[n] += t[d]->shift * a[d].stride;
                p->tap[n++] = (t[0]->k * a[1].kernel + t[1]->k) * a[2].kernel + t[2]->k;
            }
    p->taps = n;
    p->k = n * c->channels;
    for (int64_t channel = 1; channel < c->channels; channel++)
        for (int64_t i = 0; i < n; i++) p->offset[channel * n + i] = p->offset[i] + channel * c->phases * c->plane;
}

static int64_t at_64_bytes(int64_t n) { return (n + 63) / 64 * 64; }

/* Is it less work with vectors along the results? Note [Lanes of results]. */
static int in_lanes_of_results(const wg_correlation *c, int dtype) {
    const wg_axis *a = c->axis;
    if (WG_VECTOR_BYTES < 64 || a[0].out_step * a[1].out_step * a[2].out_step != 1 || a[2].places < 3) return 0;
    const int64_t lanes = 64 / wg_itemsize[dtype], k = c->channels * c->taps, turning = 8;
    int64_t useful = c->blocks > 1 ? 1 : c->unit_images;
    for (int d = 0; d < 3; d++) useful *= c->blocks > 1 && d == c->cut ? a[d].block : a[d].places;
    const double flat = (double)((c->results + 7) / 8 * 8) * (double)((c->most + lanes - 1) / lanes * lanes);
    return (double)((c->results + 2 * lanes - 1) / (2 * lanes) * 2 * lanes) * (double)useful * (double)(k + turning) < 0.98 * flat * (double)k;
}

/* y = bias + the correlation of x with w. */
static int correlate(const wg_correlation *c, const weights *w, wg_array *y, const wg_array *x, const wg_array *bias) {
    const int dtype = y->dtype, size = wg_itemsize[dtype];
    const int wide = in_lanes_of_results(c, dtype);
    const int64_t phases = c->axis[0].out_step * c->axis[1].out_step * c->axis[2].out_step, most = wide ? 2 * 64 / size : most_rows(dtype);
    correlate_job j = {.c = c, .w = *w, .x = x->data, .y = y->data, .bias = wg_given(bias) ? bias->data : NULL, .phases = phases, .wide = wide};
    j.row_blocks = (c->results + most - 1) / most;
    j.rows = wide ? most : (c->results + j.row_blocks - 1) / j.row_blocks;
    j.room = c->channels * c->phases * c->plane;
    j.slot_bytes = at_64_bytes((j.room + j.rows * at_64_bytes(c->most + 64)) * size);
    j.slots = wg_get_num_threads();
    if (j.slots > c->units * c->groups) j.slots = c->units * c->groups;
    /* phases, their offsets, taps, weights; then slots */
    const int64_t k = c->channels * c->taps, heads = at_64_bytes(phases * (int64_t)sizeof(wg_phase));
    const int64_t lists = at_64_bytes((k + c->taps) * (int64_t)sizeof(int64_t)), packed = at_64_bytes(c->groups * (wide ? j.row_blocks * j.rows : c->results) * k * size);
    char *room = wg_scratch_get(heads + lists + packed + j.slots * (j.slot_bytes + (int64_t)sizeof(int32_t)));
    if (!room) return -1;
    int64_t *list = (int64_t *)(room + heads);
    j.phase = (wg_phase *)room;
    j.slot = room + heads + lists + packed;
    j.taken = (int32_t *)(j.slot + j.slots * j.slot_bytes);
    for (int64_t i = 0; i < j.slots; i++) j.taken[i] = 0;
    room += heads + lists;
    for (int64_t i = 0; i < phases; i++) {
        wg_phase *p = &j.phase[i];
        const int64_t inner = c->axis[1].out_step * c->axis[2].out_step;
        p->at[0] = i / inner;
        p->at[1] = i / c->axis[2].out_step % c->axis[1].out_step;
        p->at[2] = i % c->axis[2].out_step;
        p->offset = list;
        p->tap = list;                                   /* behind the offsets, whose number is not known yet */
        int64_t taps = 1;
        for (int d = 0; d < 3; d++) taps *= c->axis[d].first[p->at[d] + 1] - c->axis[d].first[p->at[d]];
        p->tap = list + taps * c->channels;
        list = p->tap + taps;
        phase_offsets(c, p);
        p->packed = room;
        room += c->groups * c->results * p->k * size;
    }
    const double work = (double)c->results * (double)k * (double)(size == 8 ? 2 : 1);
    wg_parallel_for(phases * c->groups * j.row_blocks, 1, work / (double)(phases * j.row_blocks) * 0.5, pack_weights[dtype], &j);
    wg_parallel_for(c->units * c->groups, 1, work * (double)c->most * 0.01, correlate_units[dtype], &j);
    wg_scratch_put(j.phase);
    return 0;
}

enum { PLANES = 1 << 17, LEAST_Q = 256, MOST_Q = 8192, MANY_WEIGHTS = 1 << 18 };

/* Units to share among threads, if they are large enough; each reads all the weights. */
static int64_t least_units(const wg_correlation *c) {
    return c->results * c->channels * c->taps < MANY_WEIGHTS ? 4 : wg_get_num_threads() > 1 ? 2 : 1;
}

/* y, x, weight, bias */
int WG_K(conv)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array *y = op[0], *x = op[1], *w = op[2];
    const geometry at = read_geometry(attr);
    wg_correlation c;
    if (!y->numel) return 0;
    const weights from = weights_of(w, y->shape[1] / at.groups, x->shape[1] / at.groups, 0);
#ifdef WG_WINOGRAD
    winograd f;
    const int short_way = winograd_pays(&f, y, x, w->shape + 2, &at, 0) ? winograd_run(&f, &from, y, x, op[3]) : 1;
    if (short_way <= 0) return short_way;
#endif
    int64_t *lists = make_correlation(&c, (axis_fn[]){forward_axis, forward_axis, forward_axis}, y, x, w->shape + 2, &at);
    if (!lists) return -1;
    wg_correlation_layout(&c, PLANES, LEAST_Q, MOST_Q, least_units(&c));
    int status = correlate(&c, &from, y, x, op[3]);
    wg_scratch_put(lists);
    return status;
}

/* gx, g, weight, bias */
int WG_K(conv_input)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array *gx = op[0], *g = op[1], *w = op[2];
    const geometry at = read_geometry(attr);
    wg_correlation c;
    if (!gx->numel) return 0;
    const weights from = weights_of(w, gx->shape[1] / at.groups, g->shape[1] / at.groups, 1);
#ifdef WG_WINOGRAD
    winograd f;
    const int short_way = winograd_pays(&f, gx, g, w->shape + 2, &at, 1) ? winograd_run(&f, &from, gx, g, op[3]) : 1;
    if (short_way <= 0) return short_way;
#endif
    int64_t *lists = make_correlation(&c, (axis_fn[]){adjoint_axis, adjoint_axis, adjoint_axis}, gx, g, w->shape + 2, &at);
    if (!lists) return -1;
    wg_correlation_layout(&c, PLANES, LEAST_Q, MOST_Q, least_units(&c));
    int status = correlate(&c, &from, gx, g, op[3]);
    wg_scratch_put(lists);
    return status;
}

/* gweight, gbias, x, g */
int WG_K(conv_weight)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    wg_array *x = op[2], *g = op[3];
    const geometry at = read_geometry(attr);
    const int dtype = x->dtype, size = wg_itemsize[dtype];
    const int64_t kernel_shape[3] = {attr[4].v[0], attr[4].v[1], attr[4].v[2]};
    wg_correlation c;
    weight_job j = {.c = &c, .x = x->data, .g = g->data, .gw = wg_given(op[0]) ? op[0]->data : NULL,
                    .gb = wg_given(op[1]) ? op[1]->data : NULL};
    if (j.gb) memset(j.gb, 0, (size_t)(op[1]->numel * size));
    if (!g->numel) {
        if (j.gw) memset(j.gw, 0, (size_t)(op[0]->numel * size));
        return 0;
    }
#ifdef WG_WINOGRAD
    winograd f;
    const int short_way = j.gw && winograd_weight_pays(&f, g, x, kernel_shape, &at) ? winograd_weight_run(&f, op[0], op[1], x, g) : 1;
    if (short_way <= 0) return short_way;
    if (j.gb) memset(j.gb, 0, (size_t)(op[1]->numel * size));
#endif
    /* Between short rows there is more than im2col of their dimension costs, where many results share it. */
    const int columns = g->shape[4] <= 10 && g->shape[1] / at.groups >= 64;
    int64_t *lists = make_correlation(&c, (axis_fn[]){forward_axis, forward_axis, columns ? columns_axis : forward_axis}, g, x, kernel_shape, &at);
    if (!lists) return -1;
    wg_correlation_layout(&c, 1 << 19, 2048, 4096, 1);
    const int64_t k = c.channels * c.taps, channels = c.groups * c.channels, results = c.groups * c.results;
    j.ld = (c.most + 15) / 16 * 16 + 16;
    if (j.ld % 32 == 0) j.ld += 16;
    const int64_t list = at_64_bytes((k + c.taps) * (int64_t)sizeof(int64_t)), planes = at_64_bytes(channels * c.phases * c.plane * size);
    char *room = wg_scratch_get(list + planes + results * j.ld * size);
    if (!room) {
        wg_scratch_put(lists);
        return -1;
    }
    j.phase.offset = (int64_t *)room;
    j.phase.tap = j.phase.offset + k;
    phase_offsets(&c, &j.phase);
    j.planes = room + list;
    j.rows = j.planes + planes;
    const int64_t edge = product_rows(dtype);
    j.row_blocks = (c.results + edge - 1) / edge;
    j.k_block = (k + 7) / 8 < 48 ? 48 : 96;
    j.k_blocks = (k + j.k_block - 1) / j.k_block;
    const double cost = size == 8 ? 2 : 1;
    for (int64_t u = 0; u < c.units; u++) {
        wg_unit_at(&c, u, &j.unit);
        j.add = u > 0;
        if (j.gw) wg_parallel_for(channels, 1, 0.2 * cost * (double)(c.phases * c.plane), pack_planes[dtype], &j);
        wg_parallel_for(results, 1, 0.2 * cost * (double)j.ld, pack_rows[dtype], &j);
        if (j.gw) wg_parallel_for(c.groups * j.row_blocks * j.k_blocks, 1,
                                  0.01 * cost * (double)((edge < c.results ? edge : c.results) * (j.k_block < k ? j.k_block : k) * j.ld), weight_tiles[dtype], &j);
    }
    wg_scratch_put(room);
    wg_scratch_put(lists);
    return 0;
}
