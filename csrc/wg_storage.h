/* Counted, aligned memory from a caching pool, and version cells. The tape lock is held around every call. */
#ifndef WG_STORAGE_H
#define WG_STORAGE_H

#include "wg_types.h"

WG_HIDDEN_BEGIN

wg_storage *wg_storage_new(int64_t nbytes);              /* refs 1, uninitialised; NULL: WG_MEMORY_ERROR is set */
wg_storage *wg_storage_import(void *data, int64_t nbytes, int readonly, void (*release)(void *owner), void *owner);
void wg_storage_free(wg_storage *s);                     /* what a count of zero does */

/* Flags that new storages are born with: how a capture tells its own from those that were there before. */
extern uint32_t wg_storage_birth_flags;

/* What the pool holds, by size class, not by what was asked. Small storages are not counted one by one: what lives is
 * what came from the system less what waits in the free lists (wg_pool_count). */
typedef struct wg_pool_stats {
    int64_t system_allocations, imported;
    int64_t held_bytes, held_storages, held_small;       /* from the system, live or cached; bytes of the small ones */
    int64_t large_bytes, large_peak;                     /* live, of storages too large to be small */
} wg_pool_stats;
extern wg_pool_stats wg_pool;
void wg_pool_count(int64_t *live_bytes, int64_t *live_storages, int64_t *cached_bytes);
void wg_pool_trim(void);                                 /* gives every cached block back to the system */

/* ---- the pool's size classes: multiples of 64 to 512 bytes, the small ones, then four steps a doubling ---- */

enum { WG_POOL_SMALL = 8, WG_POOL_CLASSES = WG_POOL_SMALL + 4 * 40, WG_POOL_SMALL_BYTES = 64 * WG_POOL_SMALL };
extern wg_storage *wg_pool_free[WG_POOL_CLASSES];        /* a class is a list, the last one freed first */

/* A storage of 1 to WG_POOL_SMALL_BYTES bytes. */
WG_INLINE wg_storage *wg_storage_small(int64_t nbytes) {
#ifdef WG_DEBUG
    return wg_storage_new(nbytes);                       /* where poison is lifted */
#endif
    wg_storage **list = &wg_pool_free[(uint64_t)(nbytes - 1) >> 6], *s = *list;
    if (WG_UNLIKELY(s == NULL)) return wg_storage_new(nbytes);
    *list = s->next;
    s->refs = 1;
    s->asked = nbytes;
    s->flags = wg_storage_birth_flags;
    return s;
}

WG_INLINE void wg_storage_drop(wg_storage *s) {
    if (--s->refs) return;
#ifndef WG_DEBUG
    if (WG_LIKELY((uint32_t)s->size_class < WG_POOL_SMALL)) {
        s->next = wg_pool_free[s->size_class];
        wg_pool_free[s->size_class] = s;
        return;
    }
#endif
    wg_storage_free(s);                                  /* a debug build poisons what is free */
}

/* Plain memory for a while, uninitialised, from the same pool: a steady loop asks the system for nothing. */
WG_INLINE void *wg_pool_get(int64_t nbytes) {            /* NULL: WG_MEMORY_ERROR is set */
    wg_storage *s = wg_storage_new(nbytes);
    return WG_LIKELY(s != NULL) ? s->data : NULL;
}
WG_INLINE void wg_pool_put(void *p) { if (p) wg_storage_drop((wg_storage *)((char *)p - WG_ALIGN)); }   /* its header stands in front */

/* ---- version cells ---- */

union wg_version_cell { wg_version version; union wg_version_cell *next; };
extern union wg_version_cell *wg_free_versions;
wg_version *wg_version_new_slow(void);

WG_INLINE wg_version *wg_version_new(void) {             /* refs 1, value 0; NULL: WG_MEMORY_ERROR is set */
    union wg_version_cell *c = wg_free_versions;
    if (WG_UNLIKELY(c == NULL)) return wg_version_new_slow();
    wg_free_versions = c->next;
    c->version = (wg_version){.refs = 1};
    return &c->version;
}

WG_INLINE void wg_version_drop(wg_version *v) {
    if (--v->refs) return;
    union wg_version_cell *c = (union wg_version_cell *)v;
    c->next = wg_free_versions;
    wg_free_versions = c;
}

WG_HIDDEN_END
#endif
