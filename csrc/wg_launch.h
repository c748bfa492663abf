/* Capture hook of the launch point. */
#ifndef WG_LAUNCH_H
#define WG_LAUNCH_H

#include "wg_op.h"

/* While not NULL every launch is also appended to this program (wg_program.h). */
extern struct wg_program *wg_capturing;

/* Set by the core: drop and retake the tape lock around launches worth it. NULL: there is no lock. */
extern void *(*wg_unlock)(void);
extern void (*wg_relock)(void *token);

#endif
