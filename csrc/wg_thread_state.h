/* What a thread keeps between calls, in one block that dies with it.
 *
 * The mode word is reached by the fast TLS model, for which the loader reserves little room in a library
 * opened late; everything larger therefore stands behind one pointer. */
#ifndef WG_THREAD_STATE_H
#define WG_THREAD_STATE_H

#include "wg_types.h"

/* ---- modes: one word, tested once by hot ops ---- */

#define WG_MODE_NO_GRAD 1u
#define WG_MODE_INFERENCE 2u
#define WG_MODE_FUNCTION 4u
#define WG_MODE_SAVED_HOOKS 8u
#define WG_MODE_PLAIN 16u        /* subclasses of Tensor count as Tensor */
#define WG_MODE_ANOMALY 32u
#define WG_MODE_GRAD_LATER 64u   /* recording is wanted, but inference mode, which overrules that, is on */
#define WG_MODE_NO_RANDOM 128u   /* random kernels refuse to run */
#define WG_MODE_WATCHED (WG_MODE_SAVED_HOOKS | WG_MODE_ANOMALY)   /* the core sees each record that is made */
#if defined(__GLIBC__) || (defined(__linux__) && defined(__GNU_LIBRARY__))
#define WG_TLS_FAST __attribute__((tls_model("initial-exec")))
#else
#define WG_TLS_FAST
#endif
WG_HIDDEN_BEGIN
extern __thread WG_TLS_FAST uint32_t wg_mode;
WG_HIDDEN_END

/* ---- the rest of what a thread has for itself ---- */

enum { WG_SCRATCH_SLOTS = 16 };

typedef struct wg_thread_state {
    wg_error_kind error_kind;
    char error_text[2048];
    struct { void *p; int64_t nbytes; int busy; } scratch[WG_SCRATCH_SLOTS];
} wg_thread_state;

wg_thread_state *wg_thread_state_get(void);              /* without memory for it: &wg_no_thread_state */
extern wg_thread_state wg_no_thread_state;

#endif
