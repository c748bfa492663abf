/* Capture hook of the launch point. */
#ifndef WG_LAUNCH_H
#define WG_LAUNCH_H

#include "wg_isa.h"
#include "wg_op.h"
#include "wg_thread_state.h"

WG_HIDDEN_BEGIN

/* While not NULL every launch is also appended to this program (wg_program.h). */
extern struct wg_program *wg_capturing;

/* How to drop and retake the tape lock around launches worth it, whether the process is ending, so that threads may never return
 * from one, and whether there is no other thread that could take the lock. Not called: there is no lock. */
int wg_launch_init(void *(*unlock)(void), void (*relock)(void *token), int (*ending)(void), int (*alone)(void));

/* No kernel draws from a generator between them; Note [One draw at a time]. */
int wg_draws_exclude(void);
void wg_draws_allow(int excluded);

/* 1: own is a copy of the array that no other thread writes, and its storage the caller's to drop; 0: none is needed, own's storage is
 * NULL; -1: no memory. Note [Contents that are gone by]. */
int wg_steady(const wg_array *a, wg_array *own);

/* This thread, as `writer` of a leaf: the address of its mode word, and above it how many forks lie between this process and the first
 * wengert was loaded into. Threads of the parent, which a forked child has not, are no writers in it. */
extern uint64_t wg_forks;
WG_INLINE uint64_t wg_this_writer(void) { return (uint64_t)(uintptr_t)&wg_mode + (wg_forks << 48); }
WG_INLINE int wg_written_elsewhere(uint64_t writer) { return writer != 0 && writer >> 48 == (wg_forks & 0xffff) && writer != wg_this_writer(); }

/* Before a handle takes other memory or another shape: Note [Handles while the lock is dropped]. Drops the lock if it has to wait. */
void wg_wait_for_launches(void);

/* The launch point for the commonest case, small dense operands of one type, without the general one's questions: see
 * Note [Launches]. Only while nothing captures. `data` holds the operands' addresses, outputs first. */
WG_INLINE void wg_launch_flat(wg_loop_fn loop, int64_t numel, char *const *data, const wg_attr *attr) { loop(numel, data, attr); }

WG_HIDDEN_END
#endif
