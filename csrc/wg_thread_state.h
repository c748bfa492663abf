/* What a thread keeps between calls, in one block that dies with it.
 *
 * The mode word (wg_tape.h) is reached by the fast TLS model, for which the loader reserves little room in a library
 * opened late; everything larger therefore stands behind one pointer. */
#ifndef WG_THREAD_STATE_H
#define WG_THREAD_STATE_H

#include "wg_types.h"

enum { WG_SCRATCH_SLOTS = 16 };

typedef struct wg_thread_state {
    wg_error_kind error_kind;
    char error_text[2048];
    struct { void *p; int64_t nbytes; int busy; } scratch[WG_SCRATCH_SLOTS];
} wg_thread_state;

wg_thread_state *wg_thread_state_get(void);              /* never NULL: the process ends if not even this fits */

#endif
