/* What the runtime gives to kernels, in its simplest form, so that kernels are tested without it.
 *
 * wg_parallel_for has several modes, all of which its contract allows: a kernel whose bits or results
 * depend on how its range was cut, or on the order of the pieces, differs between them. */
#include "wg_kernel.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WHOLE, PIECES, REVERSED, THREADS };

int wg_test_parallel_mode = WHOLE;
int64_t wg_test_parallel_calls;         /* how many ranges bodies were given */
int64_t wg_test_scratch_live;           /* gets without their put */
int64_t wg_test_scratch_fail_after = -1; /* the n-th get from now fails, as if memory were exhausted */

void *wg_scratch_get(int64_t nbytes) {
    if (wg_test_scratch_fail_after >= 0 && wg_test_scratch_fail_after-- == 0) {
        wg_fail(WG_MEMORY_ERROR, "out of memory: planted by the test");
        return NULL;
    }
    /* Exactly the bytes asked for, so that a sanitizer sees every overrun; never zeroed by luck. */
    void *p = NULL;
    if (posix_memalign(&p, WG_ALIGN, nbytes > 0 ? (size_t)nbytes : 1)) {
        wg_fail(WG_MEMORY_ERROR, "out of memory");
        return NULL;
    }
    memset(p, 0xCD, nbytes > 0 ? (size_t)nbytes : 1);
    wg_test_scratch_live++;
    return p;
}

void wg_scratch_put(void *p) {
    wg_test_scratch_live--;
    free(p);
}

#ifndef WG_TEST_REAL_THREADS /* else: csrc/wg_threads.c */
int wg_get_num_threads(void) { return 3; } /* those of THREADS */

typedef struct {
    void (*body)(void *, int64_t, int64_t);
    void *context;
    int64_t n, grain, next;
} job;

static void *work(void *argument) {
    job *j = argument;
    for (;;) {
        int64_t begin = __atomic_fetch_add(&j->next, j->grain, __ATOMIC_RELAXED);
        if (begin >= j->n) return NULL;
        __atomic_fetch_add(&wg_test_parallel_calls, 1, __ATOMIC_RELAXED);
        j->body(j->context, begin, begin + j->grain < j->n ? begin + j->grain : j->n);
    }
}

void wg_parallel_for(int64_t n, int64_t grain, double cost_ns, void (*body)(void *, int64_t, int64_t), void *context) {
    (void)cost_ns;
    if (n <= 0) return;
    if (grain < 1) grain = 1;
    job j = {body, context, n, grain, 0};
    switch (wg_test_parallel_mode) {
    case WHOLE:
        wg_test_parallel_calls++;
        body(context, 0, n);
        break;
    case PIECES:
        work(&j);
        break;
    case REVERSED:
        for (int64_t i = (n - 1) / grain; i >= 0; i--) {
            wg_test_parallel_calls++;
            body(context, i * grain, (i + 1) * grain < n ? (i + 1) * grain : n);
        }
        break;
    case THREADS: {
        pthread_t helpers[2];
        for (int i = 0; i < 2; i++)
            if (pthread_create(&helpers[i], NULL, work, &j)) abort();
        work(&j);
        for (int i = 0; i < 2; i++) pthread_join(helpers[i], NULL);
        break;
    }
    }
}

#endif

/* Whether this machine runs code of a level. */
int wg_test_cpu_has(const char *level) {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (!strcmp(level, "v2")) return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    if (!strcmp(level, "v3"))
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    if (!strcmp(level, "v4"))
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#endif
    return !strcmp(level, "base");
}

/* Nanoseconds a call: the fastest of `rounds` rounds of `calls` calls. */
double wg_test_time(wg_kernel_fn kernel, wg_array *const *op, int nop, const wg_attr *attr, int64_t calls, int rounds) {
    double best = 1e300;
    for (int r = 0; r < rounds; r++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        for (int64_t i = 0; i < calls; i++)
            if (kernel(op, nop, attr)) return -1;
        clock_gettime(CLOCK_MONOTONIC, &b);
        double ns = ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / (double)calls;
        if (ns < best) best = ns;
    }
    return best;
}

int64_t wg_test_sizeof(int what) { return what == 0 ? sizeof(wg_array) : what == 1 ? sizeof(wg_attr) : sizeof(wg_storage); }
