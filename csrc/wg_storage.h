/* Counted, aligned memory from a caching pool, and version cells. The tape lock is held around every call. */
#ifndef WG_STORAGE_H
#define WG_STORAGE_H

#include "wg_types.h"

wg_storage *wg_storage_new(int64_t nbytes);              /* refs 1, uninitialised; NULL: WG_MEMORY_ERROR is set */
wg_storage *wg_storage_import(void *data, int64_t nbytes, int readonly, void (*release)(void *owner), void *owner);
void wg_storage_free(wg_storage *s);                     /* what a count of zero does */

WG_INLINE void wg_storage_drop(wg_storage *s) { if (--s->refs == 0) wg_storage_free(s); }

wg_version *wg_version_new(void);
void wg_version_free(wg_version *v);
WG_INLINE void wg_version_drop(wg_version *v) { if (--v->refs == 0) wg_version_free(v); }

/* Flags that new storages are born with: how a capture tells its own from those that were there before. */
extern uint32_t wg_storage_birth_flags;

typedef struct wg_pool_stats {
    int64_t live_bytes, cached_bytes, peak_bytes;        /* by size class, not by what was asked */
    int64_t live_storages, system_allocations, imported;
} wg_pool_stats;
extern wg_pool_stats wg_pool;
void wg_pool_trim(void);                                 /* gives every cached block back to the system */

#endif
