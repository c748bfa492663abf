/* Loop bodies for test_threads.py: a Python callback could not run in a helper without its lock. */
#include "wg_kernel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

typedef struct { _Atomic int32_t *visits; int64_t *begins; _Atomic int64_t calls; } visit_job;

static void visit(void *context, int64_t begin, int64_t end) {
    visit_job *j = context;
    atomic_fetch_add(&j->calls, 1);
    for (int64_t i = begin; i < end; i++) {
        atomic_fetch_add(&j->visits[i], 1);
        j->begins[i] = begin;
    }
}

int64_t count_visits(int64_t n, int64_t grain, double cost, _Atomic int32_t *visits, int64_t *begins) {
    visit_job j = {visits, begins, 0};
    wg_parallel_for(n, grain, cost, visit, &j);
    return j.calls;
}

typedef struct { int64_t width, total[4096]; } nested_job;

static void add_inner(void *context, int64_t begin, int64_t end) {
    int64_t *total = context;
    for (int64_t j = begin; j < end; j++) *total += j; /* no other thread may be here */
}

static void add_outer(void *context, int64_t begin, int64_t end) {
    nested_job *j = context;
    for (int64_t i = begin; i < end; i++) {
        wg_parallel_for(j->width, 1, 1e9, add_inner, &j->total[i]);
        j->total[i] += i * j->width * j->width;
    }
}

int64_t nested_sum(int64_t n, int64_t width) {
    static nested_job j;
    j.width = width;
    for (int64_t i = 0; i < n; i++) j.total[i] = 0;
    wg_parallel_for(n, 1, 1e9, add_outer, &j);
    int64_t total = 0;
    for (int64_t i = 0; i < n; i++) total += j.total[i];
    return total;
}

typedef struct { int64_t magic, n; _Atomic int64_t sum; } sum_job;

static void add(void *context, int64_t begin, int64_t end) {
    sum_job *j = context;
    int64_t sum = 0;
    for (int64_t i = begin; i < end; i++) sum += i + j->magic;
    atomic_fetch_add(&j->sum, sum);
}

/* Short loops of changing length, each with its context on the stack: how many were wrong. */
int64_t sums(int64_t loops, int64_t n) {
    int64_t wrong = 0;
    for (int64_t l = 0; l < loops; l++) {
        sum_job j = {l, n + l % 70, 0};
        wg_parallel_for(j.n, 1, 1e6, add, &j);
        if (j.sum != j.n * (j.n - 1) / 2 + j.n * l) wrong++;
        j.magic = -1000000; /* what a late helper would read */
    }
    return wrong;
}

typedef struct { pthread_t seen[64]; int n; pthread_mutex_t mutex; } seen_job;

static void note_thread(void *context, int64_t begin, int64_t end) {
    seen_job *j = context;
    pthread_mutex_lock(&j->mutex);
    int known = 0;
    for (int i = 0; i < j->n; i++) known |= pthread_equal(j->seen[i], pthread_self()) != 0;
    if (!known && j->n < 64) j->seen[j->n++] = pthread_self();
    pthread_mutex_unlock(&j->mutex);
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    const int64_t until = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec + 1000000 * (end - begin);
    while ((int64_t)t.tv_sec * 1000000000 + t.tv_nsec < until) clock_gettime(CLOCK_MONOTONIC, &t);
}

/* How many threads run a loop of n milliseconds. */
int threads_seen(int64_t n) {
    seen_job j = {.n = 0, .mutex = PTHREAD_MUTEX_INITIALIZER};
    wg_parallel_for(n, 1, 1e6, note_thread, &j);
    return j.n;
}
