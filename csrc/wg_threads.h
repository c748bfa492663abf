/* The thread pool behind wg_parallel_for (declared in wg_kernel.h): how many threads, and set-up. */
#ifndef WG_THREADS_H
#define WG_THREADS_H

#include "wg_types.h"

#define WG_MAX_THREADS 256

/* Estimated one-thread time below which a loop is not worth sharing. */
#define WG_PARALLEL_THRESHOLD_NS 5000.0

/* Ranges that one parallel loop is cut into, at most. */
#define WG_MAX_CHUNKS 64

/* Threads a parallel loop uses, the caller included. Until set: WENGERT_NUM_THREADS, else
 * OMP_NUM_THREADS, else the processor cores that affinity and the control group leave to this process. */
int wg_get_num_threads(void);

/* RuntimeError, as PyTorch's, unless 1 <= n; more than WG_MAX_THREADS count as that many. Waits for a running loop. */
int wg_set_num_threads(int64_t n);

#endif
