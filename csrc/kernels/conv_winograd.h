/* Convolutions of 3x3 kernels in float32 by fewer multiplications: a part of conv.c. Why only float32: there such layers are trained.
 *
 * Note [Tiles of four]
 * ~~~~~~~~~~~~~~~~~~~~
 * Winograd's F(2x2, 3x3): a tile of 2x2 results of a 3x3 kernel takes 16 multiplications a channel where the definition takes 36.
 * With x the 4x4 places that the tile reads and k the kernel,
 *
 *     y = A' ((G k G') * (B' x B)) A        B' = 1  0 -1  0     G = 1    0   0       A' = 1 1  1  0
 *                                                0  1  1  0         1/2  1/2 1/2          0 1 -1 -1
 *                                                0 -1  1  0         1/2 -1/2 1/2
 *                                                0  1  0 -1         0    0   1
 *
 * where * is elementwise, and stands for a sum over channels: sixteen products of matrices, (results, channels) by (channels, tiles).
 * They run in the register tiles of Note [Flat planes], with one tap. Tiles stand close together, row after row and image after
 * image, in units of some rows of them. The transforms only add, and halve weights, so rounding errors stay those of the direct
 * sum, or some units in the last place of the largest terms of a tile. What is not finite would spread over its tile: where a result
 * is not, all is computed again by the definition (`spoilt`). The gradient of the
 * weight is the adjoint of the same: G' ((A g A') * (B' x B)) G, summed over tiles; that of the input the same with the kernel turned.
 *
 * Bits depend on shapes alone: sums run over channels in order, as everywhere here. */

enum {
    ROWS = most_rows_float32,        /* results of a block at most */
    WEIGHTS_AT_ONCE = 16,            /* channels */
    SIDE = 16,                       /* tiles at a time, at every level: which way is taken, and in what units, decides about bits */
    WIDE = 3 * SIDE,                 /* of a register tile, where registers have 512 bits */
    WINOGRAD_TILES = 6144,           /* of a unit, divided by channels or results: the transforms of both shall stay in cache */
    WINOGRAD_WIDTH = 512,            /* of a row of the source at most: four stand on the stack */
    WINOGRAD_ROOM = 4096,
    WINOGRAD_MOST = 384              /* tiles of a unit, where they stand on the stack */
};

typedef struct winograd {
    int64_t images, groups, group, channels;
    int64_t all_results, skip, results, base;    /* of a group; of these so many are at work, behind the first `skip`; `base` counts the groups before */
    int64_t size[2], out[2], pad[2];
    int64_t down, across;            /* tiles of an image */
    weights weights;
    int flip;                        /* the kernel from its end: of the adjoint */
    const char *x, *bias;
    char *y;
    float *u, *v, *m;                /* transforms: [16][blocks of results][channels][results of a block], [16][channels][ld], [16][results][ld] */
    int64_t u_plane, v_plane, m_plane, ld, row_blocks, *offset;
    /* of the gradient of the weight */
    float *products, *gw, *sums;     /* [16][results][channels]; of g, NULL: not wanted */
    int64_t edge, channel_blocks;    /* channels of a block; how many blocks */
    int64_t rows, first, last;       /* rows of tiles, all images one behind the other: of a unit at most, and which */
    int *spoilt;                     /* set where a result is not finite */
} winograd;

WG_INLINE void winograd_look(const winograd *f, const float *y, int64_t n) {
    int32_t most = 0;
    for (int64_t i = 0; i < n; i++) {
        int32_t bits;
        memcpy(&bits, y + i, sizeof bits);
        bits &= 0x7fffffff;
        most = bits > most ? bits : most;
    }
    if (WG_UNLIKELY(most >= 0x7f800000)) __atomic_store_n(f->spoilt, 1, __ATOMIC_RELAXED);
}

#define LANES ((int64_t)(WG_VECTOR_BYTES / sizeof(float)))

/* Elements of a row of B' x: what the last vector of tiles reads, too. */
WG_INLINE int64_t winograd_pitch(const winograd *f) {
    const int64_t read = 2 * ((f->across + SIDE - 1) / SIDE * SIDE) + 4, written = f->size[1] + f->pad[1];
    return ((read > written ? read : written) + 15) / 16 * 16;
}

/* Rows of tiles of a unit: those that fill register tiles best, among what caches hold. */
static void winograd_units(winograd *f, int64_t q) {
    const int64_t all = f->images * f->down;
    int64_t last = q / f->across < 1 ? 1 : q / f->across;
    if (last > all) last = all;
    double least = 1e30;
    f->rows = last;
    for (int64_t rows = last; rows > 0 && 2 * rows >= last; rows--) {
        const int64_t vectors = (rows * f->across + SIDE - 1) / SIDE * SIDE;
        const double cost = ((double)(vectors / WIDE * WIDE) + 1.3 * (double)(vectors % WIDE)) / (double)(rows * f->across);
        if (cost < 0.995 * least) { least = cost; f->rows = rows; }
    }
    f->ld = (f->rows * f->across + SIDE - 1) / SIDE * SIDE + SIDE;
}

/* G k G' of one channel, for the results of a block. */
WG_INLINE void winograd_weight(float (*k)[ROWS], float *to, int64_t plane, int64_t rows) {
    float s[4][3][ROWS], u[16][ROWS];
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < ROWS; i++) {
            const float half = 0.5f * (k[c][i] + k[6 + c][i]), mid = 0.5f * k[3 + c][i];
            s[0][c][i] = k[c][i];
            s[1][c][i] = half + mid;
            s[2][c][i] = half - mid;
            s[3][c][i] = k[6 + c][i];
        }
    for (int r = 0; r < 4; r++)
        for (int i = 0; i < ROWS; i++) {
            const float half = 0.5f * (s[r][0][i] + s[r][2][i]), mid = 0.5f * s[r][1][i];
            u[4 * r][i] = s[r][0][i];
            u[4 * r + 1][i] = half + mid;
            u[4 * r + 2][i] = half - mid;
            u[4 * r + 3][i] = s[r][2][i];
        }
    for (int p = 0; p < 16; p++) {
        if (rows == ROWS) memcpy(to + p * plane, u[p], sizeof u[p]);
        else for (int64_t i = 0; i < rows; i++) to[p * plane + i] = u[p][i];
    }
}

/* Weights of a block of results. */
static void winograd_weights(void *context, int64_t begin, int64_t end) {
    const winograd *f = context;
    const int64_t along = f->flip ? -1 : 1;
    for (int64_t block = begin; block < end; block++) {
        const int64_t first = block * ROWS, rows = f->results - first < ROWS ? f->results - first : ROWS;
        const float *w = (const float *)f->weights.data + f->group * f->weights.group + (f->skip + first) * f->weights.result + (f->flip ? 8 : 0);
        float *to = f->u + first * f->channels;
        float k[WEIGHTS_AT_ONCE][9][ROWS] = {{{0}}};
        for (int64_t channel = 0; channel < f->channels; channel += WEIGHTS_AT_ONCE) {
            const int64_t some = f->channels - channel < WEIGHTS_AT_ONCE ? f->channels - channel : WEIGHTS_AT_ONCE;
            for (int64_t c = 0; c < some; c++, w += f->weights.channel)      /* all, before the first is read: a vector waits for its parts */
                for (int64_t i = 0; i < rows; i++)
                    for (int t = 0; t < 9; t++) k[c][t][i] = w[i * f->weights.result + t * along];
            for (int64_t c = 0; c < some; c++, to += rows) winograd_weight(k[c], to, f->u_plane, rows);
        }
    }
}

/* B' x of some rows of tiles, from row r on: four rows each, of `pitch` elements, whose ends stay zero. */
WG_INLINE void winograd_down(const winograd *f, int64_t channel, int64_t r, int64_t n, float *t, int64_t pitch, const float *zeros) {
    const int64_t width = f->size[1];
    t += f->pad[1];
    for (int64_t end = r + n; r < end; r++, t += 4 * pitch) {
        const int64_t image = r / f->down, top = 2 * (r % f->down) - f->pad[0];
        const float *x = (const float *)f->x + ((image * f->groups + f->group) * f->channels + channel) * f->size[0] * width, *row[4];
        for (int k = 0; k < 4; k++) row[k] = top + k >= 0 && top + k < f->size[0] ? x + (top + k) * width : zeros;
        const float *x0 = row[0], *x1 = row[1], *x2 = row[2], *x3 = row[3];
        float *t0 = t, *t1 = t + pitch, *t2 = t + 2 * pitch, *t3 = t + 3 * pitch;
        WG_VECTOR
        for (int64_t i = 0; i < width; i++) {
            t0[i] = x0[i] - x2[i];
            t1[i] = x1[i] + x2[i];
            t2[i] = x2[i] - x1[i];
            t3[i] = x1[i] - x3[i];
        }
    }
}

/* B' x B of the unit's tiles, for some channels. Several rows of B' x are done before the first is read: what was stored the moment
 * before, in other pieces, takes long to load. */
static void winograd_sources(void *context, int64_t begin, int64_t end) {
    const winograd *f = context;
    float room[WINOGRAD_ROOM], zeros[WINOGRAD_WIDTH];
    const int64_t pitch = winograd_pitch(f), most = WINOGRAD_ROOM / (4 * pitch), lines = 2 * (f->last - f->first) * f->size[1] / 16;
    memset(room, 0, sizeof room);
    memset(zeros, 0, (size_t)f->size[1] * sizeof(float));
    for (int64_t channel = begin; channel < end; channel++) {
        float *v = f->v + channel * f->ld;
        const float *ahead = (const float *)f->x + f->size[1] * (((f->first / f->down * f->groups + f->group) * f->channels + channel + 1) * f->size[0]
                                                                + 2 * (f->first % f->down));
        if (channel + 1 < end && f->last - f->first <= f->down)
            for (int64_t i = 0; i < lines; i++) __builtin_prefetch(ahead + 16 * i);
        for (int64_t r = f->first; r < f->last; r += most) {
            const int64_t n = f->last - r < most ? f->last - r : most;
            winograd_down(f, channel, r, n, room, pitch, zeros);
            const float *s = room;
            for (int64_t i = 0; i < n; i++, v += f->across)
                for (int k = 0; k < 4; k++, s += pitch)
                    for (int64_t j = 0; j < f->across; j += SIDE) {
                        const float *from = s + 2 * j;
                        float *const v0 = v + 4 * k * f->v_plane + j, *const v1 = v0 + f->v_plane, *const v2 = v1 + f->v_plane, *const v3 = v2 + f->v_plane;
                        WG_VECTOR
                        for (int l = 0; l < SIDE; l++) {
                            v0[l] = from[2 * l] - from[2 * l + 2];
                            v1[l] = from[2 * l + 1] + from[2 * l + 2];
                            v2[l] = from[2 * l + 2] - from[2 * l + 1];
                            v3[l] = from[2 * l + 1] - from[2 * l + 3];
                        }
                    }
        }
    }
}

/* The products: blocks of results for each of sixteen places. */
static void winograd_products(void *context, int64_t begin, int64_t end) {
    const winograd *f = context;
    static const float zeros[8];
    const int64_t n = ((f->last - f->first) * f->across + LANES - 1) / LANES * LANES;
    for (int64_t item = begin; item < end; item++) {
        const int64_t p = item / f->row_blocks, first = item % f->row_blocks * ROWS;
        const int64_t rows = f->results - first < ROWS ? f->results - first : ROWS, wide = columns_float32[rows] * LANES;
        const float *w = f->u + p * f->u_plane + first * f->channels, *x = f->v + p * f->v_plane;
        float *y = f->m + p * f->m_plane + first * f->ld;
        for (int64_t l = 0; l < f->channels; l += WG_CONV_BLOCK) {
            const int64_t k = f->channels - l < WG_CONV_BLOCK ? f->channels - l : WG_CONV_BLOCK;
            const float *start = l ? NULL : zeros;
            int64_t q = 0;
            for (; q + wide <= n; q += wide) wide_float32[rows](w + l * rows, x + q, f->offset + l, k, y + q, f->ld, start);
            for (; q < n; q += LANES) narrow_float32[rows](w + l * rows, x + q, f->offset + l, k, y + q, f->ld, start);
        }
    }
}

/* A' m A and the bias, for some results. */
static void winograd_results(void *context, int64_t begin, int64_t end) {
    const winograd *f = context;
    const int64_t width = f->out[1], plane = f->m_plane;
    float aside[2][2 * SIDE];
    for (int64_t result = begin; result < end; result++) {
        const float *m = f->m + result * f->ld;
        const float bias = f->bias ? ((const float *)f->bias)[f->base + result] : 0;
        for (int64_t r = f->first; r < f->last; r++, m += f->across) {
            const int64_t image = r / f->down, top = 2 * (r % f->down);
            float *y = (float *)f->y + ((image * f->groups * f->all_results + f->base + result) * f->out[0] + top) * width;
            for (int64_t j = 0; j < f->across; j += SIDE) {
                const int64_t left = width - 2 * j, some = left < 2 * SIDE ? left : 2 * SIDE;
                float *const y0 = some < 2 * SIDE ? aside[0] : y + 2 * j;
                float *const y1 = some < 2 * SIDE || top + 1 == f->out[0] ? aside[1] : y + width + 2 * j;
                const float *const q = m + j;
                WG_VECTOR
                for (int i = 0; i < SIDE; i++) {
                    float s0[4], s1[4];
                    _Pragma("GCC unroll 4")
                    for (int c = 0; c < 4; c++) {
                        const float m1 = q[(4 + c) * plane + i], m2 = q[(8 + c) * plane + i];
                        s0[c] = q[c * plane + i] + m1 + m2;
                        s1[c] = m1 - m2 - q[(12 + c) * plane + i];
                    }
                    y0[2 * i] = s0[0] + s0[1] + s0[2] + bias;
                    y0[2 * i + 1] = s0[1] - s0[2] - s0[3] + bias;
                    y1[2 * i] = s1[0] + s1[1] + s1[2] + bias;
                    y1[2 * i + 1] = s1[1] - s1[2] - s1[3] + bias;
                }
                if (y0 == aside[0]) memcpy(y + 2 * j, y0, (size_t)some * sizeof(float));
                if (y1 == aside[1] && top + 1 < f->out[0]) memcpy(y + width + 2 * j, y1, (size_t)some * sizeof(float));
            }
            winograd_look(f, y, top + 1 < f->out[0] ? 2 * width : width);
        }
    }
}

/* ---- the gradient of the weight --------------------------------------------------------------------------------------- */

/* A g A' of the unit's tiles, for some results. */
static void winograd_gradients(void *context, int64_t begin, int64_t end) {
    const winograd *f = context;
    float room[WINOGRAD_ROOM];
    const int64_t width = f->out[1], pitch = winograd_pitch(f), most = WINOGRAD_ROOM / (4 * pitch);
    memset(room, 0, sizeof room);
    for (int64_t result = begin; result < end; result++) {
        float *m = f->m + result * f->ld;
        for (int64_t r = f->first; r < f->last; r += most) {
            const int64_t n = f->last - r < most ? f->last - r : most;
            for (int64_t j = 0; j < n; j++) {                /* A g first */
                const int64_t image = (r + j) / f->down, top = 2 * ((r + j) % f->down);
                const float *g0 = (const float *)f->y + ((image * f->groups * f->all_results + f->base + result) * f->out[0] + top) * width;
                const float *g1 = g0 + width;
                float *t0 = room + 4 * j * pitch, *t1 = t0 + pitch, *t2 = t1 + pitch, *t3 = t2 + pitch;
                if (top + 1 < f->out[0]) {
                    WG_VECTOR
                    for (int64_t k = 0; k < width; k++) {
                        t0[k] = g0[k];
                        t1[k] = g0[k] + g1[k];
                        t2[k] = g0[k] - g1[k];
                        t3[k] = -g1[k];
                    }
                } else {
                    memcpy(t0, g0, (size_t)width * sizeof(float));
                    memcpy(t1, g0, (size_t)width * sizeof(float));
                    memcpy(t2, g0, (size_t)width * sizeof(float));
                    memset(t3, 0, (size_t)width * sizeof(float));
                }
            }
            const float *s = room;
            for (int64_t i = 0; i < n; i++, m += f->across)
                for (int k = 0; k < 4; k++, s += pitch)
                    for (int64_t j = 0; j < f->across; j += SIDE) {
                        const float *from = s + 2 * j;
                        float *const m0 = m + 4 * k * f->m_plane + j, *const m1 = m0 + f->m_plane, *const m2 = m1 + f->m_plane, *const m3 = m2 + f->m_plane;
                        WG_VECTOR
                        _Pragma("GCC unroll 1")          /* else gcc unrolls it before it would vectorise */
                        for (int l = 0; l < SIDE; l++) {
                            const float even = from[2 * l], odd = from[2 * l + 1];
                            m0[l] = even;
                            m1[l] = even + odd;
                            m2[l] = even - odd;
                            m3[l] = -odd;
                        }
                    }
        }
    }
}

/* to[q][i] = from[i][q] for i < rows, q < n; rows of `to` have `step` elements, and may be written behind `rows` up to there. */
static __attribute__((noinline)) void winograd_turn(const float *from, int64_t ld, int64_t rows, int64_t n, float *to, int64_t step) {
#if WG_VECTOR_BYTES == 64
    for (int64_t i = 0; i < rows; i += SIDE)
        for (int64_t q = 0; q < n; q += SIDE)
            wg_transpose_float32(from + i * ld + q, ld, rows - i < SIDE ? rows - i : SIDE, n - q < SIDE ? n - q : SIDE, to + q * step + i, step, 0, 0);
#else
    for (int64_t q = 0; q < n; q++)
        for (int64_t i = 0; i < rows; i++) to[q * step + i] = from[i * ld + q];
#endif
}

/* A g A' of blocks of results as the tiles want it: [tiles][results of a block]. Place 5 of sixteen is the sum of a tile's g. */
static void winograd_pack(void *context, int64_t begin, int64_t end) {
    const winograd *f = context;
    const int64_t n = (f->last - f->first) * f->across;
    for (int64_t item = begin; item < end; item++) {
        const int64_t p = item / f->row_blocks, first = item % f->row_blocks * ROWS, rows = f->results - first < ROWS ? f->results - first : ROWS;
        const float *m = f->m + p * f->m_plane + first * f->ld;
        winograd_turn(m, f->ld, rows, n, f->u + p * f->u_plane + first * f->ld, rows);
        if (p != 5 || !f->sums) continue;
        for (int64_t i = 0; i < rows; i++) {
            float lane[1][16] = {{0}};
            for (int64_t q = 0; q < n; q++) lane[0][q % 16] += m[i * f->ld + q];
            sum_lanes_float32(1, lane);
            f->sums[f->base + first + i] += lane[0][0];
        }
    }
}

/* Products with blocks of channels, over the unit's tiles; each unit's sums are added to those of the units before. */
static void winograd_weight_products(void *context, int64_t begin, int64_t end) {
    const winograd *f = context;
    enum { MOST = 64 };
    static const float zeros[8];
    float x[WINOGRAD_MOST * MOST] __attribute__((aligned(64))), sums[ROWS * MOST] __attribute__((aligned(64)));
    const int64_t n = (f->last - f->first) * f->across;
    for (int64_t item = begin; item < end; item++) {
        const int64_t p = item / f->channel_blocks, from = item % f->channel_blocks * f->edge;
        const int64_t columns = f->channels - from < f->edge ? f->channels - from : f->edge;
        winograd_turn(f->v + p * f->v_plane + from * f->ld, f->ld, columns, n, x, f->edge);
        for (int64_t first = 0; first < f->results; first += ROWS) {
            const int64_t rows = f->results - first < ROWS ? f->results - first : ROWS;
            const float *w = f->u + p * f->u_plane + first * f->ld;
            const int whole = rows == ROWS && columns + LANES > f->edge;
            const tile_fn_float32 run = (whole ? wide_float32 : narrow_float32)[rows];
            for (int64_t c = 0; c < columns; c += whole ? f->edge : LANES) run(w, x + c, f->offset, n, sums + c, f->edge, zeros);
            for (int64_t i = 0; i < rows; i++) {
                float *to = f->products + (p * f->results + first + i) * f->channels + from;
                const float *s = sums + i * f->edge;
                if (f->first == 0) memcpy(to, s, (size_t)columns * sizeof(float));
                else {
                    WG_VECTOR
                    for (int64_t c = 0; c < columns; c++) to[c] += s[c];
                }
            }
        }
    }
}

/* G' m G of some results. */
static void winograd_weight_results(void *context, int64_t begin, int64_t end) {
    const winograd *f = context;
    const int64_t plane = f->results * f->channels;
    for (int64_t result = begin; result < end; result++) {
        float *gw = f->gw + (f->base + result) * f->channels * 9;
        for (int64_t c = 0; c < f->channels; c += SIDE) {
            const int64_t some = f->channels - c < SIDE ? f->channels - c : SIDE;
            const float *m = f->products + result * f->channels + c;
            float part[16][SIDE], s[3][4][SIDE], k[9][SIDE];
            for (int p = 0; p < 16; p++) {
                if (some == SIDE) memcpy(part[p], m + p * plane, sizeof part[p]);
                else for (int64_t i = 0; i < SIDE; i++) part[p][i] = i < some ? m[p * plane + i] : 0;
            }
            for (int j = 0; j < 4; j++)
                for (int i = 0; i < SIDE; i++) {
                    const float half = 0.5f * part[4 + j][i], mid = 0.5f * part[8 + j][i];
                    s[0][j][i] = part[j][i] + (half + mid);
                    s[1][j][i] = half - mid;
                    s[2][j][i] = (half + mid) + part[12 + j][i];
                }
            for (int r = 0; r < 3; r++)
                for (int i = 0; i < SIDE; i++) {
                    const float half = 0.5f * s[r][1][i], mid = 0.5f * s[r][2][i];
                    k[3 * r][i] = s[r][0][i] + (half + mid);
                    k[3 * r + 1][i] = half - mid;
                    k[3 * r + 2][i] = (half + mid) + s[r][3][i];
                }
            for (int64_t i = 0; i < some; i++)
                for (int t = 0; t < 9; t++) gw[(c + i) * 9 + t] = k[t][i];
        }
        winograd_look(f, gw, 9 * f->channels);
    }
}

/* ---- when, and all of it ----------------------------------------------------------------------------------------- */

/* Fills in the shapes of f; 0 if they are not of this kind. flip: x and y are those of the adjoint. */
static int winograd_shapes(winograd *f, const wg_array *y, const wg_array *x, const int64_t *kernel, const geometry *at, int flip) {
    if (y->dtype != WG_F32 || kernel[0] != 1 || kernel[1] != 3 || kernel[2] != 3 || x->shape[2] != 1 || y->shape[2] != 1
        || x->shape[4] > WINOGRAD_WIDTH || y->shape[4] > WINOGRAD_WIDTH || at->stride[0] != 1 || at->padding[0] != 0)
        return 0;
    *f = (winograd){.images = x->shape[0], .groups = at->groups, .channels = x->shape[1] / at->groups, .all_results = y->shape[1] / at->groups, .flip = flip};
    for (int d = 0; d < 2; d++) {
        if (at->stride[1 + d] != 1 || at->dilation[1 + d] != 1 || at->padding[1 + d] > 2) return 0;
        f->size[d] = x->shape[3 + d];
        f->out[d] = y->shape[3 + d];
        f->pad[d] = flip ? 2 - at->padding[1 + d] : at->padding[1 + d];
    }
    f->down = (f->out[0] + 1) / 2;
    f->across = (f->out[1] + 1) / 2;
    return 1;
}

/* Estimated multiplications, the transforms counted as so many: `tile` of a channel or result and a tile, where rows fill vectors,
 * and `weight` of one of the kernels, more where the memory for them is new each time. */
static double winograd_cost(const winograd *f, double multiply, double tile, double weight, double fresh) {
    enum { KEPT = 6 << 20 };
    const double c = (double)f->channels, m = (double)f->all_results, tiles = (double)f->images * (double)f->down * (double)f->across;
    const double side = (double)((f->across + SIDE - 1) / SIDE * SIDE) / (double)f->across;
    return tiles * (16 * multiply * c * m + tile * side * (c + m)) + (64 * (c * m + 128 * (c + m)) > KEPT ? fresh : weight) * c * m;
}

static double direct_cost(const winograd *f) {
    return 9 * (double)f->images * (double)f->out[0] * (double)f->out[1] * (double)f->channels * (double)f->all_results;
}

static int winograd_pays(winograd *f, const wg_array *y, const wg_array *x, const int64_t *kernel, const geometry *at, int flip) {
    return winograd_shapes(f, y, x, kernel, at, flip) && winograd_cost(f, 1, 150, 900, 1900) < direct_cost(f);
}

/* The register tiles of blocks of channels are narrower for the last ones; the direct way is dear where rows are short. */
static int winograd_weight_pays(winograd *f, const wg_array *g, const wg_array *x, const int64_t *kernel, const geometry *at) {
    if (!winograd_shapes(f, g, x, kernel, at, 0) || f->across < 3 || f->across > WINOGRAD_MOST / 2) return 0;
    const int64_t last = f->channels % WIDE;
    const double narrow = last + SIDE > WIDE ? WIDE : 1.6 * (double)((last + SIDE - 1) / SIDE * SIDE);
    return winograd_cost(f, ((double)(f->channels - last) + (last ? narrow : 0)) / (double)f->channels, 240, 600, 2200)
           < direct_cost(f) * (f->out[1] <= 10 ? 1.5 : 1);
}

/* Results to work on at a time, so that scratch memory does not grow with their number: `each` bytes of a result, `beside` them for
 * all. The transform of the source is done again for the next ones, so they are not few. */
static int64_t winograd_share(const winograd *f, int64_t each, int64_t beside) {
    enum { MOST = 32 << 20, LEAST = 64 };
    const int64_t most = f->rows >= f->images * f->down ? MOST / 5 : MOST;   /* one unit: the source is transformed once */
    int64_t n = (most - beside) / each / ROWS * ROWS;
    if (n < LEAST) n = LEAST;
    const int64_t parts = (f->all_results + n - 1) / n;
    return ((f->all_results + parts - 1) / parts + ROWS - 1) / ROWS * ROWS;
}

static void winograd_take(winograd *f, int64_t skip, int64_t share) {
    f->skip = skip;
    f->base = f->group * f->all_results + skip;
    f->results = f->all_results - skip < share ? f->all_results - skip : share;
    f->row_blocks = (f->results + ROWS - 1) / ROWS;
}

/* y = bias + the correlation of x with w, whose shapes f knows. 1: some of it is not finite. */
static int winograd_run(winograd *f, const weights *w, const wg_array *y, const wg_array *x, const wg_array *bias) {
    int spoilt = 0;
    f->spoilt = &spoilt;
    const int64_t larger = f->channels > f->all_results ? f->channels : f->all_results;
    winograd_units(f, WINOGRAD_TILES / larger < 96 ? 96 : WINOGRAD_TILES / larger);
    f->weights = *w;
    f->x = x->data;
    f->y = y->data;
    f->bias = wg_given(bias) ? bias->data : NULL;
    const int64_t share = winograd_share(f, 64 * (f->channels + f->ld), 64 * f->channels * f->ld);
    f->u_plane = f->channels * share + SIDE;                 /* SIDE: neighbours in other sets of the cache */
    f->v_plane = f->channels * f->ld + SIDE;
    f->m_plane = share * f->ld + SIDE;
    const int64_t numbers = 16 * (f->u_plane + f->v_plane + f->m_plane) * (int64_t)sizeof(float);
    f->u = wg_scratch_get(numbers + f->channels * (int64_t)sizeof(int64_t));
    if (!f->u) return -1;
    f->v = f->u + 16 * f->u_plane;
    f->m = f->v + 16 * f->v_plane;
    f->offset = (int64_t *)((char *)f->u + numbers);
    for (int64_t c = 0; c < f->channels; c++) f->offset[c] = c * f->ld;
    const int64_t all = f->images * f->down;
    const double tiles = (double)(f->rows * f->across);
    for (f->group = 0; f->group < f->groups; f->group++)
        for (int64_t skip = 0; skip < f->all_results; skip += share) {
            winograd_take(f, skip, share);
            wg_parallel_for(f->row_blocks, 1, 25.0 * (double)f->channels, winograd_weights, f);
            for (f->first = 0; f->first < all; f->first = f->last) {
                f->last = all - f->first < f->rows ? all : f->first + f->rows;
                if (skip == 0 || f->rows < all) wg_parallel_for(f->channels, 1, 0.6 * tiles, winograd_sources, f);
                wg_parallel_for(16 * f->row_blocks, 1, 0.01 * tiles * (double)(f->channels * ROWS), winograd_products, f);
                wg_parallel_for(f->results, 1, 0.6 * tiles, winograd_results, f);
            }
        }
    wg_scratch_put(f->u);
    return spoilt;
}

/* The gradient of the weight, and where wanted of the bias, on zeros. 1: some of it is not finite. */
static int winograd_weight_run(winograd *f, const wg_array *gw, const wg_array *gb, const wg_array *x, const wg_array *g) {
    int spoilt = 0;
    f->spoilt = &spoilt;
    const int64_t tiles = 128 + f->channels * f->all_results / 1024;
    winograd_units(f, tiles > WINOGRAD_MOST ? WINOGRAD_MOST : tiles);
    f->x = x->data;
    f->y = g->data;
    f->gw = (float *)gw->data;
    f->sums = wg_given(gb) ? (float *)gb->data : NULL;
    f->edge = columns_float32[ROWS] * LANES;
    f->channel_blocks = (f->channels + f->edge - 1) / f->edge;
    const int64_t share = winograd_share(f, 64 * (f->channels + 2 * f->ld), 64 * f->channels * f->ld);
    f->u_plane = f->m_plane = share * f->ld + SIDE;
    f->v_plane = f->channels * f->ld + SIDE;
    const int64_t numbers = 16 * (f->u_plane + f->v_plane + f->m_plane + share * f->channels) * (int64_t)sizeof(float);
    f->u = wg_scratch_get(numbers + f->ld * (int64_t)sizeof(int64_t));
    if (!f->u) return -1;
    f->v = f->u + 16 * f->u_plane;
    f->m = f->v + 16 * f->v_plane;
    f->products = f->m + 16 * f->m_plane;
    f->offset = (int64_t *)((char *)f->u + numbers);
    for (int64_t q = 0; q < f->ld; q++) f->offset[q] = q * f->edge;
    const int64_t all = f->images * f->down;
    const double n = (double)(f->rows * f->across);
    for (f->group = 0; f->group < f->groups; f->group++)
        for (int64_t skip = 0; skip < f->all_results; skip += share) {
            winograd_take(f, skip, share);
            for (f->first = 0; f->first < all; f->first = f->last) {
                f->last = all - f->first < f->rows ? all : f->first + f->rows;
                if (skip == 0 || f->rows < all) wg_parallel_for(f->channels, 1, 0.6 * n, winograd_sources, f);
                wg_parallel_for(f->results, 1, 0.6 * n, winograd_gradients, f);
                wg_parallel_for(16 * f->row_blocks, 1, 0.1 * n * ROWS, winograd_pack, f);
                wg_parallel_for(16 * f->channel_blocks, 1, 0.01 * n * (double)(f->edge * f->results), winograd_weight_products, f);
            }
            wg_parallel_for(f->results, 1, 3 * (double)f->channels, winograd_weight_results, f);
        }
    wg_scratch_put(f->u);
    return spoilt;
}

#undef LANES
