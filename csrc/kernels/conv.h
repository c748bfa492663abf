/* The layout that convolutions compute in.
 *
 * Note [Flat planes]
 * ~~~~~~~~~~~~~~~~~~
 * Everything here is one correlation: y[m][q] = sum over k of w[m][k] * x[offset[k] + q], where q counts the places of
 * a block of results row after row, and k stands for a channel and a tap. Rows of x are laid out at a fixed pitch with
 * the padding's zeros between them; the zeros right of a row are also those left of the next, likewise below and above a
 * plane. Then a tap is a constant offset, whatever the row, and vectors run over the ends of rows: the few results
 * that this computes between rows are never copied out.
 *
 * With a stride, x is split into phases: place j of phase p is x[j*step + p - pad]. So a tap is an offset into one phase.
 * The gradient of the input is the same correlation with g as the source and one set of taps for every phase of the result
 * (result i = q*out_step + phase). No zeros are multiplied but those of the padding.
 *
 * Where the kernel reaches far beyond the few results of a row (5 taps over 5 places, large dilations), most of a pitch would be
 * such results. Then each tap along that dimension has a phase of its own, x at its places only: the columns of im2col.
 *
 * Work is done in units: some images, or some rows of one, however they are cut. Each sum runs over k in order, in blocks
 * of WG_CONV_BLOCK whose sums are added up; so bits depend neither on the number of threads, nor on the width of vectors
 * (levels without FMA round each product).
 *
 * Kernels of 3x3 in float32 take another way where that is shorter: Note [Tiles of four]. */
#ifndef WG_KERNELS_CONV_H
#define WG_KERNELS_CONV_H

#include "strided.h"
#include "vector512.h"

enum { WG_CONV_BLOCK = 1024 };

/* One of the taps along a dimension: phase of the source, places that it is shifted by. */
typedef struct wg_tap { int64_t k, phase, shift; } wg_tap;    /* phase: index of it */

typedef struct wg_axis {
    int64_t kernel, size, out;       /* sizes of kernel, source and result */
    int64_t step, pad, out_step;     /* place j of phase p is source position j*step + p - pad; result q*out_step + r */
    int64_t places;                  /* q along this dimension */
    int64_t phases, last_phase;      /* of the source that some tap reads, and the largest */
    int64_t *phase;                  /* [phases]: which, in order */
    int64_t span;                    /* largest shift */
    wg_tap *tap;                     /* of all phases of the result, one behind the other */
    int64_t *first;                  /* [out_step + 1]: where the taps of each begin */
    /* the flat layout */
    int64_t lead;                    /* places before the first that is stored */
    int64_t pitch;                   /* stored places */
    int64_t stride;                  /* elements from one place to the next */
    int64_t block;                   /* places of a unit */
} wg_axis;

typedef struct wg_correlation {
    wg_axis axis[3];
    int64_t images, groups, channels, results;   /* channels and results of a group */
    int64_t taps;                    /* of the kernel */
    int64_t phases;                  /* of the source, all dimensions */
    int64_t front, image, plane;     /* zeros before a plane; elements of an image in it; elements of the plane */
    int64_t unit_images, units, blocks;          /* images of a unit; units; units that cut one image */
    int cut;                         /* the dimension that units cut */
    int64_t most;                    /* q of the largest unit */
} wg_correlation;

/* What a unit covers. */
typedef struct wg_unit {
    int64_t image, images;
    int64_t from, places;            /* along the dimension that is cut */
    int64_t q;                       /* how many */
} wg_unit;

WG_INLINE int64_t wg_ceil_div(int64_t a, int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

static inline void wg_unit_at(const wg_correlation *c, int64_t index, wg_unit *u) {
    const wg_axis *cut = &c->axis[c->cut];
    if (c->blocks > 1) {
        u->image = index / c->blocks;
        u->images = 1;
        u->from = index % c->blocks * cut->block;
        u->places = cut->places - u->from < cut->block ? cut->places - u->from : cut->block;
    } else {
        u->image = index * c->unit_images;
        u->images = c->images - u->image < c->unit_images ? c->images - u->image : c->unit_images;
        u->from = 0;
        u->places = cut->places;
    }
    u->q = 1 + (u->images - 1) * c->image;
    for (int d = 0; d < 3; d++) u->q += ((d == c->cut ? u->places : c->axis[d].places) - 1) * c->axis[d].stride;
}

/* Chooses pitches and units. `target`: elements that the planes of a unit shall hold, but for `least` and `most` places of each
 * plane; `parts`: units that the work is shared among at least, if large enough. */
static inline void wg_correlation_layout(wg_correlation *c, int64_t target, int64_t least, int64_t most, int64_t parts) {
    int64_t stride = 1, all = c->channels * c->phases, span = 0;
    c->cut = 0;
    while (c->cut < 2 && c->axis[c->cut].places == 1) c->cut++;
    target = target / (all > 0 ? all : 1);
    target = target < least ? least : target > most ? most : target;
    c->blocks = c->unit_images = 1;
    for (int d = 2; d >= 0; d--) {
        wg_axis *a = &c->axis[d];
        const int64_t rows = a->places + a->span;
        int64_t lead = wg_ceil_div(a->pad - a->last_phase, a->step);    /* zeros before every phase */
        if (lead < 0) lead = 0;
        if (lead > rows) lead = rows;
        int64_t end = wg_ceil_div(a->size + a->pad - a->phase[0], a->step);   /* no phase reaches further */
        end = end > rows ? rows : end < 0 ? 0 : end;
        a->stride = stride;
        a->block = a->places;
        if (d == c->cut && c->images > 0 && c->images < parts) {
            const int64_t share = a->places * stride * c->images / parts;
            if (target > share) target = share > least ? share : least;
        }
        if (d == c->cut && a->places * stride > target + target / 2) {
            int64_t block = target / stride, blocks;
            if (block < a->span) block = a->span;
            if (block < 1) block = 1;
            blocks = (a->places + block - 1) / block;
            a->block = (a->places + blocks - 1) / blocks;
            c->blocks = (a->places + a->block - 1) / a->block;
        }
        if (c->blocks > 1 && d == c->cut) {
            a->lead = 0;
            a->pitch = a->block + a->span;
        } else {
            a->lead = lead;
            a->pitch = rows - lead > end ? rows - lead : end;
            if (a->pitch < a->places) a->pitch = a->places;
        }
        stride *= a->pitch;
        span += a->span * a->stride;
    }
    c->image = stride;
    if (c->blocks == 1 && c->image < target) {
        c->unit_images = target / c->image;
        const int64_t share = (c->images + parts - 1) / parts;
        if (c->unit_images > share) c->unit_images = share > 0 ? share : 1;
    }
    c->units = c->blocks > 1 ? c->images * c->blocks : (c->images + c->unit_images - 1) / c->unit_images;
    wg_unit u;
    wg_unit_at(c, 0, &u);
    c->most = u.q;
    c->front = 0;
    for (int d = 0; d < 3; d++) c->front += c->axis[d].lead * c->axis[d].stride;
    int64_t data = c->front + u.images * c->image, reach = c->most + span + 16;           /* 16: the last vector */
    c->plane = ((data > reach ? data : reach) + 15) / 16 * 16;
    if (c->plane % 32 == 0) c->plane += 16;                             /* neighbours in other sets of the cache */
}

#endif
