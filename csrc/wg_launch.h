/* Capture hook of the launch point. */
#ifndef WG_LAUNCH_H
#define WG_LAUNCH_H

#include "wg_isa.h"
#include "wg_op.h"

WG_HIDDEN_BEGIN

/* While not NULL every launch is also appended to this program (wg_program.h). */
extern struct wg_program *wg_capturing;

/* Set by the core: drop and retake the tape lock around launches worth it. NULL: there is no lock. */
extern void *(*wg_unlock)(void);
extern void (*wg_relock)(void *token);

/* The launch point for the commonest case, small dense operands of one type, without the general one's questions: see
 * Note [Launches]. Only while nothing captures. `data` holds the operands' addresses, outputs first. */
WG_INLINE void wg_launch_flat(wg_loop_fn loop, int64_t numel, char *const *data, const wg_attr *attr) { loop(numel, data, attr); }

WG_HIDDEN_END
#endif
