/* The caching pool: blocks of fixed size classes, header and data in one allocation, freed blocks kept for reuse. */
#include "wg_storage.h"

#include <stdlib.h>
#include <string.h>

#include "wg_kernel.h"
#include "wg_thread_state.h"

/* Size classes: multiples of 64 to 512 bytes, then four steps a doubling. A class is a free list. */
enum { LINEAR_CLASSES = 8, NCLASSES = LINEAR_CLASSES + 4 * 40 };

static wg_storage *free_list[NCLASSES];
wg_pool_stats wg_pool;
uint32_t wg_storage_birth_flags;

static int class_of(int64_t nbytes, int64_t *rounded) {
    if (nbytes <= 512) {
        int c = nbytes <= 64 ? 0 : (int)((nbytes + 63) / 64 - 1);
        *rounded = (c + 1) * 64;
        return c;
    }
    int log = 63 - __builtin_clzll((unsigned long long)(nbytes - 1));       /* 2^log < nbytes <= 2^(log+1) */
    int64_t quarter = (int64_t)1 << (log - 2);
    int step = (int)((nbytes - 1 - ((int64_t)1 << log)) / quarter);         /* 0..3 */
    *rounded = ((int64_t)1 << log) + (step + 1) * quarter;
    return LINEAR_CLASSES + (log - 9) * 4 + step;
}

/* Where the pool stops keeping: live + cached may exceed the highest live total by a quarter and this slack,
 * so that a steady loop never reaches the system and a change of shapes does not keep what is dead for ever. */
#define POOL_SLACK ((int64_t)64 << 20)

/* Blocks below this size are always kept. */
#define POOL_SMALL ((int64_t)1 << 20)

static void release_block(wg_storage *s) { free(s); }

static int pool_is_full(int64_t nbytes) {
    return wg_pool.live_bytes + wg_pool.cached_bytes + nbytes > wg_pool.peak_bytes + wg_pool.peak_bytes / 4 + POOL_SLACK;
}

/* Makes room for a block of the given class at the cost of large ones of other classes: what was freed last is what a
 * steady loop will ask for next, and what earlier shapes left behind would drive it to the system in each round. */
static WG_COLD int make_room(int size_class, int64_t nbytes) {
    for (int c = NCLASSES - 1; c >= 0; c--) {
        while (c != size_class && free_list[c] && free_list[c]->nbytes >= POOL_SMALL) {
            wg_storage *s = free_list[c];
            free_list[c] = s->next;
            wg_pool.cached_bytes -= s->nbytes;
            release_block(s);
            if (!pool_is_full(nbytes)) return 1;
        }
    }
    return 0;
}

WG_COLD void wg_pool_trim(void) {
    for (int c = 0; c < NCLASSES; c++) {
        while (free_list[c]) {
            wg_storage *s = free_list[c];
            free_list[c] = s->next;
            wg_pool.cached_bytes -= s->nbytes;
            release_block(s);
        }
    }
}

static WG_COLD wg_storage *system_block(int64_t rounded) {
    void *p = NULL;
    wg_pool.system_allocations++;
    if (posix_memalign(&p, rounded >= (1 << 21) ? 4096 : WG_ALIGN, (size_t)rounded + WG_ALIGN) == 0) return p;
    wg_pool_trim();
    if (posix_memalign(&p, WG_ALIGN, (size_t)rounded + WG_ALIGN) == 0) return p;
    return NULL;
}

wg_storage *wg_storage_new(int64_t nbytes) {
    int64_t rounded;
    if (WG_UNLIKELY(nbytes < 0 || nbytes > ((int64_t)1 << 46))) {
        wg_fail(WG_MEMORY_ERROR, "can't allocate memory: you tried to allocate %lld bytes", (long long)nbytes);
        return NULL;
    }
    int c = class_of(nbytes, &rounded);
    wg_storage *s = free_list[c];
    if (WG_LIKELY(s != NULL)) {
        free_list[c] = s->next;
        wg_pool.cached_bytes -= rounded;
    } else {
        s = system_block(rounded);
        if (s == NULL) {
            wg_fail(WG_MEMORY_ERROR, "can't allocate memory: you tried to allocate %lld bytes", (long long)nbytes);
            return NULL;
        }
        s->data = (char *)s + WG_ALIGN;
        s->nbytes = rounded;
        s->size_class = c;
        s->release = NULL;
        s->owner = NULL;
    }
    s->refs = 1;
    _Static_assert(sizeof *s <= WG_ALIGN, "the header stands in front of the data");
    s->asked = nbytes;
    s->flags = wg_storage_birth_flags;
    wg_pool.live_storages++;
    wg_pool.live_bytes += rounded;
    if (wg_pool.live_bytes > wg_pool.peak_bytes) wg_pool.peak_bytes = wg_pool.live_bytes;
    return s;
}

wg_storage *wg_storage_import(void *data, int64_t nbytes, int readonly, void (*release)(void *), void *owner) {
    wg_storage *s = malloc(sizeof *s);
    if (s == NULL) { wg_fail(WG_MEMORY_ERROR, "out of memory"); return NULL; }
    *s = (wg_storage){.refs = 1, .data = data, .nbytes = nbytes, .asked = nbytes, .size_class = -1, .release = release, .owner = owner,
                      .flags = readonly ? WG_STORAGE_READONLY : 0};
    wg_pool.imported++;
    return s;
}

void wg_storage_free(wg_storage *s) {
    if (WG_UNLIKELY(s->size_class < 0)) {
        wg_pool.imported--;
        if (s->release) s->release(s->owner);
        free(s);
        return;
    }
    wg_pool.live_storages--;
    wg_pool.live_bytes -= s->nbytes;
#ifdef WG_DEBUG
    memset(s->data, 0xA5, (size_t)s->nbytes);            /* a read after free gives -2.9e-16, not yesterday's value */
#endif
    if (WG_UNLIKELY(s->nbytes >= POOL_SMALL && pool_is_full(s->nbytes) && !make_room(s->size_class, s->nbytes))) {
        release_block(s);
        return;
    }
    wg_pool.cached_bytes += s->nbytes;
    s->next = free_list[s->size_class];
    free_list[s->size_class] = s;
}

/* ---- version cells ---- */

union cell { wg_version version; union cell *next; };
static union cell *free_cells;

wg_version *wg_version_new(void) {
    union cell *c = free_cells;
    if (WG_UNLIKELY(c == NULL)) {
        enum { BATCH = 256 };                             /* cells are never given back: 16 bytes each, reused for ever */
        union cell *block = malloc(BATCH * sizeof *block);
        if (block == NULL) { wg_fail(WG_MEMORY_ERROR, "out of memory"); return NULL; }
        for (int i = 0; i < BATCH - 1; i++) block[i].next = &block[i + 1];
        block[BATCH - 1].next = NULL;
        c = block;
    }
    free_cells = c->next;
    c->version = (wg_version){.refs = 1};
    return &c->version;
}

void wg_version_free(wg_version *v) {
    union cell *c = (union cell *)v;
    c->next = free_cells;
    free_cells = c;
}

/* ---- scratch: per thread, so that kernels may use it while the tape lock is dropped ---- */

void *wg_scratch_get(int64_t nbytes) {
    wg_thread_state *state = wg_thread_state_get();
    int best = -1;
    for (int i = 0; i < WG_SCRATCH_SLOTS; i++) {
        if (state->scratch[i].busy) continue;
        if (state->scratch[i].p && state->scratch[i].nbytes >= nbytes) { best = i; break; }
        if (best < 0 || (state->scratch[i].p == NULL && state->scratch[best].p != NULL)) best = i;
    }
    if (best < 0 || nbytes < 0) { wg_fail(WG_RUNTIME_ERROR, "too many scratch buffers at once"); return NULL; }
    if (state->scratch[best].p == NULL || state->scratch[best].nbytes < nbytes) {
        int64_t size = nbytes < 4096 ? 4096 : nbytes + nbytes / 4;
        void *p = NULL;
        free(state->scratch[best].p);
        state->scratch[best].p = NULL;
        if (posix_memalign(&p, WG_ALIGN, (size_t)size) != 0) {
            wg_fail(WG_MEMORY_ERROR, "can't allocate memory: you tried to allocate %lld bytes", (long long)size);
            return NULL;
        }
        state->scratch[best].p = p;
        state->scratch[best].nbytes = size;
    }
    state->scratch[best].busy = 1;
    return state->scratch[best].p;
}

/* Large scratch goes back at once: it would stand beside the pool, unseen by its limit. */
#define SCRATCH_KEPT ((int64_t)8 << 20)

void wg_scratch_put(void *p) {
    wg_thread_state *state = wg_thread_state_get();
    for (int i = 0; i < WG_SCRATCH_SLOTS; i++) {
        if (state->scratch[i].p != p) continue;
        state->scratch[i].busy = 0;
        if (state->scratch[i].nbytes > SCRATCH_KEPT) { free(p); state->scratch[i].p = NULL; }
        return;
    }
}
