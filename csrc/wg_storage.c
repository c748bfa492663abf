/* The caching pool: blocks of fixed size classes, header and data in one allocation, freed blocks kept for reuse. */
#include "wg_storage.h"

#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#include "wg_kernel.h"
#include "wg_thread_state.h"

/* Under the sanitizer, cached memory and what stands behind the bytes asked for must not be touched. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define FORBID(p, n) ASAN_POISON_MEMORY_REGION(p, (size_t)(n))
#define ALLOW(p, n) ASAN_UNPOISON_MEMORY_REGION(p, (size_t)(n))
#else
#define FORBID(p, n) ((void)0)
#define ALLOW(p, n) ((void)0)
#endif

wg_storage *wg_pool_free[WG_POOL_CLASSES];
wg_pool_stats wg_pool;
uint32_t wg_storage_birth_flags;

static int class_of(int64_t nbytes, int64_t *rounded) {
    if (nbytes <= WG_POOL_SMALL_BYTES) {
        int c = nbytes <= 64 ? 0 : (int)((nbytes + 63) / 64 - 1);
        *rounded = (c + 1) * 64;
        return c;
    }
    int log = 63 - __builtin_clzll((unsigned long long)(nbytes - 1));       /* 2^log < nbytes <= 2^(log+1) */
    int64_t quarter = (int64_t)1 << (log - 2);
    int step = (int)((nbytes - 1 - ((int64_t)1 << log)) / quarter);         /* 0..3 */
    *rounded = ((int64_t)1 << log) + (step + 1) * quarter;
    return WG_POOL_SMALL + (log - 9) * 4 + step;
}

/* Where the pool stops keeping: what it holds of large storages may exceed the highest total of live ones by a quarter and this slack,
 * so that a steady loop never reaches the system and a change of shapes does not keep what is dead for ever. */
#define POOL_SLACK ((int64_t)64 << 20)

/* Blocks below this size are always kept. */
#define POOL_KEPT ((int64_t)1 << 20)

static void release_block(wg_storage *s) {
    wg_pool.held_bytes -= s->nbytes;
    wg_pool.held_storages--;
    if (s->size_class < WG_POOL_SMALL) wg_pool.held_small -= s->nbytes;
    ALLOW(s->data, s->nbytes);
    free(s);
}

void wg_pool_count(int64_t *live_bytes, int64_t *live_storages, int64_t *cached_bytes) {
    int64_t bytes = 0, storages = 0;
    for (int c = 0; c < WG_POOL_CLASSES; c++)
        for (const wg_storage *s = wg_pool_free[c]; s; s = s->next) { bytes += s->nbytes; storages++; }
    *cached_bytes = bytes;
    *live_bytes = wg_pool.held_bytes - bytes;
    *live_storages = wg_pool.held_storages - storages;
}

static int pool_is_full(void) {
    return wg_pool.held_bytes - wg_pool.held_small > wg_pool.large_peak + wg_pool.large_peak / 4 + POOL_SLACK;
}

/* Makes room for a block of the given class at the cost of large ones of other classes: what was freed last is what a
 * steady loop will ask for next, and what earlier shapes left behind would drive it to the system in each round. */
static WG_COLD int make_room(int size_class) {
    for (int c = WG_POOL_CLASSES - 1; c >= 0; c--) {
        while (c != size_class && wg_pool_free[c] && wg_pool_free[c]->nbytes >= POOL_KEPT) {
            wg_storage *s = wg_pool_free[c];
            wg_pool_free[c] = s->next;
            release_block(s);
            if (!pool_is_full()) return 1;
        }
    }
    return 0;
}

WG_COLD void wg_pool_trim(void) {
    for (int c = 0; c < WG_POOL_CLASSES; c++) {
        while (wg_pool_free[c]) {
            wg_storage *s = wg_pool_free[c];
            wg_pool_free[c] = s->next;
            release_block(s);
        }
    }
}

/* From HUGE_FROM bytes on memory comes in huge pages where the system has them: a pass over it then misses no address
 * translation, and the prefetcher sees no page ends. At most one page a block is touched in vain. */
#define HUGE_PAGE ((int64_t)2 << 20)
#define HUGE_FROM (2 * HUGE_PAGE)

static int block_of(int64_t nbytes, void **p) {
    if (posix_memalign(p, nbytes >= HUGE_FROM ? (size_t)HUGE_PAGE : nbytes >= HUGE_PAGE ? 4096 : WG_ALIGN, (size_t)nbytes) != 0) return -1;
#ifdef MADV_HUGEPAGE
    if (nbytes >= HUGE_FROM) (void)madvise(*p, (size_t)nbytes & ~(size_t)4095, MADV_HUGEPAGE);     /* advice: nothing depends on it */
#endif
    return 0;
}

static WG_COLD wg_storage *system_block(int64_t rounded) {
    void *p = NULL;
    wg_pool.system_allocations++;
    if (block_of(rounded + WG_ALIGN, &p) == 0) return p;
    wg_pool_trim();
    return block_of(rounded + WG_ALIGN, &p) == 0 ? p : NULL;
}

wg_storage *wg_storage_new(int64_t nbytes) {
    int64_t rounded;
    if (WG_UNLIKELY(nbytes < 0 || nbytes > ((int64_t)1 << 46))) {
        wg_fail(WG_MEMORY_ERROR, "can't allocate memory: you tried to allocate %lld bytes", (long long)nbytes);
        return NULL;
    }
    int c = class_of(nbytes, &rounded);
    wg_storage *s = wg_pool_free[c];
    if (WG_LIKELY(s != NULL)) {
        wg_pool_free[c] = s->next;
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
        wg_pool.held_bytes += rounded;
        wg_pool.held_storages++;
        if (c < WG_POOL_SMALL) wg_pool.held_small += rounded;
    }
    s->refs = 1;
    _Static_assert(sizeof *s <= WG_ALIGN, "the header stands in front of the data");
    s->asked = nbytes;
    s->flags = wg_storage_birth_flags;
    ALLOW(s->data, nbytes);
    FORBID(s->data + nbytes, s->nbytes - nbytes);
    if (c >= WG_POOL_SMALL && (wg_pool.large_bytes += rounded) > wg_pool.large_peak) wg_pool.large_peak = wg_pool.large_bytes;
    return s;
}

static wg_storage *free_headers;         /* of imported memory */

wg_storage *wg_storage_import(void *data, int64_t nbytes, int readonly, void (*release)(void *), void *owner) {
    wg_storage *s = free_headers;
    if (s) free_headers = s->next;
    else {
        s = malloc(sizeof *s);
        if (s == NULL) { wg_fail(WG_MEMORY_ERROR, "out of memory"); return NULL; }
        wg_pool.system_allocations++;
    }
    *s = (wg_storage){.refs = 1, .data = data, .nbytes = nbytes, .asked = nbytes, .size_class = -1, .release = release, .owner = owner,
                      .flags = readonly ? WG_STORAGE_READONLY : 0};
    wg_pool.imported++;
    return s;
}

void wg_storage_free(wg_storage *s) {
    if (WG_UNLIKELY(s->size_class < 0)) {
        wg_pool.imported--;
        if (s->release) s->release(s->owner);
        s->next = free_headers;
        free_headers = s;
        return;
    }
#ifdef WG_DEBUG
    ALLOW(s->data, s->nbytes);
    memset(s->data, 0xA5, (size_t)s->nbytes);            /* a read after free gives -2.9e-16, not yesterday's value */
#endif
    if (s->size_class >= WG_POOL_SMALL) wg_pool.large_bytes -= s->nbytes;
    if (WG_UNLIKELY(s->nbytes >= POOL_KEPT && pool_is_full() && !make_room(s->size_class))) {
        release_block(s);
        return;
    }
    FORBID(s->data, s->nbytes);
    s->next = wg_pool_free[s->size_class];
    wg_pool_free[s->size_class] = s;
}

/* ---- version cells ---- */

union wg_version_cell *wg_free_versions;

WG_COLD wg_version *wg_version_new_slow(void) {
    enum { BATCH = 256 };                                 /* cells are never given back: 16 bytes each, reused for ever */
    union wg_version_cell *block = malloc(BATCH * sizeof *block);
    if (block == NULL) { wg_fail(WG_MEMORY_ERROR, "out of memory"); return NULL; }
    wg_pool.system_allocations++;
    for (int i = 0; i < BATCH - 1; i++) block[i].next = &block[i + 1];
    block[BATCH - 1].next = NULL;
    wg_free_versions = block;
    return wg_version_new();
}

/* ---- scratch: per thread, so that kernels may use it while the tape lock is dropped ---- */

void *wg_scratch_get(int64_t nbytes) {
    wg_thread_state *state = wg_thread_state_get();
    int best = -1;
    if (WG_UNLIKELY(state == &wg_no_thread_state)) { wg_fail(WG_MEMORY_ERROR, "out of memory"); return NULL; }
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
