/* Capture hook of the launch point. */
#ifndef WG_LAUNCH_H
#define WG_LAUNCH_H

#include "wg_isa.h"
#include "wg_op.h"

/* While not NULL every launch is also appended to this program (wg_program.h). */
extern struct wg_program *wg_capturing;

/* Set by the core: drop and retake the tape lock around launches worth it. NULL: there is no lock. */
extern void *(*wg_unlock)(void);
extern void (*wg_relock)(void *token);

/* The launch point for the commonest case, small dense operands of one type, without the general one's questions: see
 * Note [Launches]. 0: it ran; 1: not this case, call wg_launch. `data` holds the operands' addresses, outputs first. */
#define WG_DIRECT_NUMEL 2048
WG_INLINE int wg_launch_direct(int loop, int compute, int64_t numel, char *const *data, const wg_attr *attr) {
    wg_loop_fn fn = wg_isa->loops[loop * WG_NCOMPUTE + compute];
    if (WG_UNLIKELY(wg_capturing != NULL || numel > WG_DIRECT_NUMEL || fn == NULL)) return 1;
    fn(numel, data, attr);
    return 0;
}

#endif
