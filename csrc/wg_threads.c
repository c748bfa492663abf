/* A parallel loop in which the caller works too.
 *
 * Note [Claiming chunks]
 * ~~~~~~~~~~~~~~~~~~~~~~
 * One loop runs at a time. Its description stands in static memory, and its chunks are cut into shares, one for
 * each thread. The word of a share holds the loop's number (upper 48 bits), the first of its chunks that nobody has
 * begun and the one behind the last. A thread claims chunks by compare-and-swap on that word, from the front of its own
 * share; when that is used up, from the back of the others'. A helper that another process keeps from running
 * therefore delays nobody: the caller takes the chunks itself and waits only for those that a helper has begun.
 * Shares, because a thread then works on the same part of memory in loop after loop: chunks claimed in
 * any order would be looked for in the other core's cache half of the time, which takes longer than two threads save.
 *
 * A helper may wake late and look at a loop that is over. It reads the description between reading a share's word
 * and swapping it; a loop is over when all its shares are empty, and only then the description of the next one is written. So
 * when the swap succeeds the word did not change meanwhile, and what was read belongs to that loop. (The
 * fields are stored with release and loaded with acquire: who reads a new one finds the share changed.)
 *
 * Helpers spin briefly for the next loop, then sleep on a condition variable; the publishing caller takes
 * the mutex only when one sleeps. Both sides write their own word before they read the other's (sequentially
 * consistent), so no wake-up is lost.
 *
 * Note [Contended cores]
 * ~~~~~~~~~~~~~~~~~~~~~~
 * Where other processes hold the cores, a helper is worse than none: a chunk it has begun waits for its next
 * time slice, milliseconds, and on the caller's own core it only takes turns with the caller. So a helper that
 * was put off its core while it spun or worked, or that finds itself on the caller's, parks: it takes no part for
 * 10 ms, and twice as long each time that happens again, until it has worked undisturbed for a while. Only a loop
 * of several time slices is worth it even so, and calls it back.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "wg_threads.h"
#include "wg_kernel.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The word of a share. */
#define SHARE(number, first, end) ((uint64_t)(number) << 16 | (uint64_t)(first) << 8 | (uint64_t)(end))
#define FIRST(word) ((uint32_t)((word) >> 8 & 0xff))
#define END(word) ((uint32_t)((word) & 0xff))
_Static_assert(WG_MAX_CHUNKS <= 0xff, "a chunk's number has a byte");

/* A helper spins this long for the next loop: longer than the gaps between the kernels of a training step,
 * shorter than what a scheduler would notice. */
#define HELPER_SPIN_NS 100000
/* The caller spins this long for chunks that helpers have begun; then its core is worth giving away. */
#define CALLER_SPIN_NS 100000
/* Sleeping helpers are woken for this much work; less, in loops further apart than a spin, is done before they come. */
#define WAKE_WORK_NS 50000
/* Longer than this a thread is not kept from its core by interrupts, only by another thread. */
#define OFF_CORE_NS 500000
/* Note [Contended cores] */
#define LONG_LOOP_NS 4000000
#define FIRST_PENALTY_NS 10000000
#define LAST_PENALTY_NS 640000000
#define FORGET_PENALTY_NS 100000000

typedef void (*loop_body)(void *context, int64_t begin, int64_t end);

static struct {
    _Alignas(128) _Atomic uint64_t loop;     /* its number: helpers wait for the next */
    /* the description of the loop */
    _Atomic(loop_body) body;
    _Atomic(void *) context;
    _Atomic int64_t n, chunk;
    _Atomic uint32_t chunks, batch, shares;  /* batch: chunks claimed at once */
    _Atomic int is_long;                     /* LONG_LOOP_NS */
    _Alignas(128) _Atomic uint32_t done;     /* chunks finished */
    _Atomic int caller_sleeps;
    _Alignas(128) _Atomic int busy;          /* a loop runs, or the pool changes */
    _Atomic int sleepers;                    /* helpers that wait to be woken */
    _Atomic int parked;                      /* helpers that must not be */
    _Atomic int caller_cpu;
    _Atomic int stop;                        /* helpers leave */
    _Atomic int threads;                     /* wanted, the caller included; 0: not known yet */
    int helpers;                             /* running; changed by the owner of `busy` only */
    int unable;                              /* no thread could be started; not tried again */
    pthread_t handle[WG_MAX_THREADS];
    pthread_mutex_t mutex;
    pthread_cond_t work, finished, unpark;
    double missed_ns;                        /* one-thread time of recent loops that no helper was woken for */
    int64_t last_loop;                       /* when the last one began */
    struct { _Alignas(128) _Atomic uint64_t word; } share[WG_MAX_CHUNKS];
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER,
          .finished = PTHREAD_COND_INITIALIZER, .unpark = PTHREAD_COND_INITIALIZER};

static __thread int inside; /* this thread runs a body: its own loops are not shared */

WG_INLINE void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- how many threads -------------------------------------------------------------------------- */

#ifdef __linux__
static int read_line(const char *path, char *line, int size) {
    FILE *file = fopen(path, "r");
    if (!file) return -1;
    char *got = fgets(line, size, file);
    fclose(file);
    return got ? 0 : -1;
}

/* Cores, not hardware threads: two threads of one core share its multipliers. */
static int cores_by_affinity(void) {
    cpu_set_t allowed, cores;
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0) return 1;
    CPU_ZERO(&cores);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed)) continue;
        char path[96], line[64];
        int first = cpu;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
        if (read_line(path, line, sizeof line) == 0) first = atoi(line);
        CPU_SET(first >= 0 && first < CPU_SETSIZE ? first : cpu, &cores);
    }
    return CPU_COUNT(&cores);
}

/* The strictest quota of processor time over this process's control group and those above it, in whole
 * processors; 0: none. A fraction is rounded down: one thread too many is throttled for whole periods. */
static int cores_by_cgroup(void) {
    char line[512], path[600];
    double best = 0, quota, period;
    FILE *file = fopen("/proc/self/cgroup", "r");
    char group[512] = "";
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "0::", 3) == 0) snprintf(group, sizeof group, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
    if (file) fclose(file);
    for (;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
        if (read_line(path, line, sizeof line) == 0 && sscanf(line, "%lf %lf", &quota, &period) == 2 && period > 0
            && (best == 0 || quota / period < best))
            best = quota / period;
        char *slash = strrchr(group, '/');
        if (!slash) break;
        *slash = 0;
    }
    char quota_line[64], period_line[64];
    if (read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota_line, sizeof quota_line) == 0
        && read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period_line, sizeof period_line) == 0
        && (quota = atof(quota_line)) > 0 && (period = atof(period_line)) > 0 && (best == 0 || quota / period < best))
        best = quota / period;
    return best == 0 ? 0 : best < 1 ? 1 : (int)best;
}
#endif

static int64_t threads_by_environment(const char *name) {
    const char *text = getenv(name);
    char *end;
    if (!text) return 0;
    long long value = strtoll(text, &end, 10); /* OMP_NUM_THREADS may be a list by nesting level */
    return end != text && (*end == 0 || *end == ',' || *end == ' ') && value > 0 ? value : 0;
}

static int default_threads(void) {
    int64_t n = threads_by_environment("WENGERT_NUM_THREADS");
    if (n == 0) n = threads_by_environment("OMP_NUM_THREADS");
    if (n == 0) {
#ifdef __linux__
        int quota = cores_by_cgroup();
        n = cores_by_affinity();
        if (quota && quota < n) n = quota;
#else
        n = sysconf(_SC_NPROCESSORS_ONLN);
#endif
    }
    return n < 1 ? 1 : n > WG_MAX_THREADS ? WG_MAX_THREADS : (int)n;
}

int wg_get_num_threads(void) {
    int n = atomic_load_explicit(&pool.threads, memory_order_relaxed);
    if (WG_UNLIKELY(n == 0)) {
        int unknown = 0;
        n = default_threads();
        if (!atomic_compare_exchange_strong(&pool.threads, &unknown, n)) n = unknown;
    }
    return n;
}

/* ---- helpers ------------------------------------------------------------------------------------- */

/* Runs chunks of a share of the current loop until none is left to begin. */
static void work_on_share(uint32_t share, int is_own) {
    uint64_t word = atomic_load_explicit(&pool.share[share].word, memory_order_acquire);
    for (;;) {
        const uint32_t first = FIRST(word), end = END(word);
        if (first >= end) return;
        uint32_t chunks = atomic_load_explicit(&pool.chunks, memory_order_acquire);
        uint32_t batch = atomic_load_explicit(&pool.batch, memory_order_acquire);
        loop_body body = atomic_load_explicit(&pool.body, memory_order_acquire);
        void *context = atomic_load_explicit(&pool.context, memory_order_acquire);
        int64_t n = atomic_load_explicit(&pool.n, memory_order_acquire);
        int64_t chunk = atomic_load_explicit(&pool.chunk, memory_order_acquire);
        const uint32_t left = is_own ? end - first : (end - first + 1) / 2, many = batch < left ? batch : left, begin = is_own ? first : end - many;
        const uint64_t rest = is_own ? SHARE(word >> 16, first + many, end) : SHARE(word >> 16, first, end - many);
        if (!atomic_compare_exchange_weak_explicit(&pool.share[share].word, &word, rest, memory_order_acq_rel, memory_order_acquire))
            continue; /* Note [Claiming chunks]: what was read may belong to another loop */
        for (uint32_t i = begin; i < begin + many; i++)
            body(context, i * chunk, i == chunks - 1 ? n : (i + 1) * chunk);
        word = rest;
        if (atomic_fetch_add(&pool.done, many) + many == chunks && atomic_load(&pool.caller_sleeps)) {
            pthread_mutex_lock(&pool.mutex);
            pthread_cond_signal(&pool.finished);
            pthread_mutex_unlock(&pool.mutex);
        }
    }
}

/* Thread `own` of the pool, the caller being 0. */
static void work_on_chunks(uint32_t own) {
    const uint32_t shares = atomic_load_explicit(&pool.shares, memory_order_acquire);
    if (own < shares) work_on_share(own, 1);
    for (uint32_t i = 1; i <= shares; i++)
        if ((own + i) % shares != own) work_on_share((own + i) % shares, 0);
}

/* Is there no other loop than the one that this helper has been at, and no need to leave? */
static int nothing_to_do(uint64_t seen) { return atomic_load(&pool.loop) == seen && !atomic_load(&pool.stop); }

static int long_loop_to_do(uint64_t seen) { return !nothing_to_do(seen) && atomic_load(&pool.is_long); }

static int current_cpu(void) {
#ifdef __linux__
    return sched_getcpu();
#else
    return -1;
#endif
}

/* Wall time and time on a core, since which a helper was never idle. */
typedef struct presence { int64_t wall, cpu; } presence;

static presence presence_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (presence){now_ns(), (int64_t)t.tv_sec * 1000000000 + t.tv_nsec};
}

/* Waits for a loop. Returns 0 when this thread was off its core meanwhile. */
static int wait_for_loop(uint64_t seen, presence *since) {
    int64_t start = now_ns(), last = start;
    for (int i = 1; nothing_to_do(seen); i++) {
        pause_briefly();
        if (i % 64 != 0) continue;
        const int64_t now = now_ns();
        if (now - last > OFF_CORE_NS) return 0;
        last = now;
        if (now - start < HELPER_SPIN_NS) continue;
        pthread_mutex_lock(&pool.mutex);
        atomic_fetch_add(&pool.sleepers, 1);
        while (nothing_to_do(seen)) pthread_cond_wait(&pool.work, &pool.mutex);
        atomic_fetch_sub(&pool.sleepers, 1);
        pthread_mutex_unlock(&pool.mutex);
        *since = presence_now();
        start = last = since->wall;
    }
    return 1;
}

static void park(uint64_t seen, int64_t nanoseconds) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    nanoseconds += until.tv_nsec;
    until.tv_sec += (time_t)(nanoseconds / 1000000000);
    until.tv_nsec = (long)(nanoseconds % 1000000000);
    pthread_mutex_lock(&pool.mutex);
    atomic_fetch_add(&pool.parked, 1);
    while (!atomic_load(&pool.stop) && !long_loop_to_do(seen) && pthread_cond_timedwait(&pool.unpark, &pool.mutex, &until) == 0) continue;
    atomic_fetch_sub(&pool.parked, 1);
    pthread_mutex_unlock(&pool.mutex);
}

static void *helper(void *place) {
    const uint32_t own = (uint32_t)(uintptr_t)place;
    uint64_t seen = atomic_load(&pool.loop);
    inside = 1;
    int64_t penalty = 0, trouble = 0;
    presence since = presence_now();
    while (!atomic_load(&pool.stop)) {
        int undisturbed = wait_for_loop(seen, &since);
#ifdef __linux__
        undisturbed &= current_cpu() != atomic_load_explicit(&pool.caller_cpu, memory_order_relaxed);
#endif
        if (undisturbed || long_loop_to_do(seen)) {
            const int64_t start = now_ns();
            seen = atomic_load(&pool.loop);
            work_on_chunks(own);
            undisturbed = 1;
            if (now_ns() - start > OFF_CORE_NS) {
                const presence now = presence_now();
                undisturbed = (now.wall - since.wall) - (now.cpu - since.cpu) < OFF_CORE_NS;
                since = now;
            }
            if (undisturbed && start - trouble > FORGET_PENALTY_NS) penalty = 0;
        }
        if (!undisturbed && !atomic_load(&pool.stop)) { /* Note [Contended cores] */
            penalty = penalty == 0 ? FIRST_PENALTY_NS : penalty < LAST_PENALTY_NS ? 2 * penalty : penalty;
            park(seen, penalty);
            since = presence_now();
            trouble = since.wall;
        }
    }
    return NULL;
}

/* In the child of a fork no helper exists; the next loop starts its own. Nobody else can be inside a loop. */
static void before_fork(void) { pthread_mutex_lock(&pool.mutex); }
static void after_fork_in_parent(void) { pthread_mutex_unlock(&pool.mutex); }
static void after_fork_in_child(void) {
    pthread_mutex_init(&pool.mutex, NULL);
    pthread_cond_init(&pool.work, NULL);
    pthread_cond_init(&pool.finished, NULL);
    pthread_cond_init(&pool.unpark, NULL);
    for (uint32_t i = 0; i < WG_MAX_CHUNKS; i++) atomic_store(&pool.share[i].word, 0);
    atomic_store(&pool.busy, 0);
    atomic_store(&pool.sleepers, 0);
    atomic_store(&pool.parked, 0);
    atomic_store(&pool.caller_sleeps, 0);
    atomic_store(&pool.stop, 0);
    pool.helpers = 0;
    pool.unable = 0;
}

static void register_fork_handlers(void) {
    if (pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) != 0) pool.unable = 1;
}

/* By the owner of `busy`. A system that refuses threads leaves the loop to the caller alone. */
static void start_helpers(int wanted) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_fork_handlers);
    sigset_t all, old;
    sigfillset(&all); /* signals are for the threads that know Python, but for those a body causes itself */
    const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&all, own[i]);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (!pool.unable && pool.helpers < wanted) {
        if (pthread_create(&pool.handle[pool.helpers], NULL, helper, (void *)(uintptr_t)(pool.helpers + 1)) == 0) pool.helpers++;
        else pool.unable = 1;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void stop_helpers(void) {
    atomic_store(&pool.stop, 1);
    pthread_mutex_lock(&pool.mutex);
    pthread_cond_broadcast(&pool.work);
    pthread_cond_broadcast(&pool.unpark);
    pthread_mutex_unlock(&pool.mutex);
    for (int i = 0; i < pool.helpers; i++) pthread_join(pool.handle[i], NULL);
    pool.helpers = 0;
    pool.unable = 0;
    atomic_store(&pool.stop, 0);
}

static int try_to_own(void) {
    int idle = 0;
    return atomic_compare_exchange_strong_explicit(&pool.busy, &idle, 1, memory_order_acquire, memory_order_relaxed);
}

int wg_set_num_threads(int64_t n) {
    if (n < 1) return wg_fail(WG_RUNTIME_ERROR, "set_num_threads expects a positive integer");
    while (!try_to_own()) sched_yield();
    atomic_store(&pool.threads, n > WG_MAX_THREADS ? WG_MAX_THREADS : (int)n);
    if (pool.helpers >= atomic_load(&pool.threads)) stop_helpers();
    atomic_store_explicit(&pool.busy, 0, memory_order_release);
    return 0;
}

/* ---- the loop -------------------------------------------------------------------------------------- */

static void wake(int wanted, double cost_ns) {
    const int sleepers = atomic_load(&pool.sleepers), parked = atomic_load(&pool.parked), awake = pool.helpers - parked - sleepers;
    if (parked > 0 && cost_ns >= LONG_LOOP_NS) {
        pthread_mutex_lock(&pool.mutex);
        pthread_cond_broadcast(&pool.unpark);
        pthread_mutex_unlock(&pool.mutex);
    }
    const int64_t now = now_ns(), gap = now - pool.last_loop;
    pool.last_loop = now;
    pool.missed_ns = cost_ns + (gap < HELPER_SPIN_NS + (int64_t)pool.missed_ns ? pool.missed_ns : 0);
    if (sleepers == 0 || awake >= wanted || pool.missed_ns < WAKE_WORK_NS) return;
    pool.missed_ns = 0;
    pthread_mutex_lock(&pool.mutex);
    if (wanted - awake >= sleepers) pthread_cond_broadcast(&pool.work);
    else for (int i = awake; i < wanted; i++) pthread_cond_signal(&pool.work);
    pthread_mutex_unlock(&pool.mutex);
}

static void wait_for_helpers(uint32_t chunks) {
    int64_t deadline = 0;
    for (int i = 1; atomic_load(&pool.done) != chunks; i++) {
        pause_briefly();
        if (i % 64 != 0) continue;
        int64_t now = now_ns();
        if (deadline == 0) deadline = now + CALLER_SPIN_NS;
        if (now < deadline) continue;
        pthread_mutex_lock(&pool.mutex);
        atomic_store(&pool.caller_sleeps, 1);
        while (atomic_load(&pool.done) != chunks) pthread_cond_wait(&pool.finished, &pool.mutex);
        atomic_store(&pool.caller_sleeps, 0);
        pthread_mutex_unlock(&pool.mutex);
    }
}

void wg_parallel_for(int64_t n, int64_t grain, double cost_ns, loop_body body, void *context) {
    if (n <= 0) return;
    if (grain < 1) grain = 1;
    double cost = (double)n * cost_ns;
    if (cost < WG_PARALLEL_THRESHOLD_NS || n <= grain) {
        body(context, 0, n);
        return;
    }
    /* The cut depends on n and grain only, and one thread makes the same calls as many. */
    int64_t grains = n / grain + (n % grain != 0);
    int64_t chunk = (grains / WG_MAX_CHUNKS + (grains % WG_MAX_CHUNKS != 0)) * grain;
    uint32_t chunks = (uint32_t)(n / chunk + (n % chunk != 0));
    int threads = inside ? 1 : wg_get_num_threads();
    if (threads == 1 || chunks == 1 || !try_to_own()) {
        for (uint32_t i = 0; i < chunks; i++) body(context, i * chunk, i == chunks - 1 ? n : (i + 1) * chunk);
        return;
    }
    if (WG_UNLIKELY(pool.helpers < threads - 1)) start_helpers(threads - 1);

    atomic_store_explicit(&pool.body, body, memory_order_release);
    atomic_store_explicit(&pool.context, context, memory_order_release);
    atomic_store_explicit(&pool.n, n, memory_order_release);
    atomic_store_explicit(&pool.chunk, chunk, memory_order_release);
    atomic_store_explicit(&pool.chunks, chunks, memory_order_release);
    /* Several chunks at a time where one is shorter than the claim is dear, but four turns for each thread. */
    uint32_t batch = (uint32_t)(1000.0 / (cost / chunks)) + 1, share = chunks / (4 * (uint32_t)threads);
    atomic_store_explicit(&pool.batch, batch < share ? batch : share < 1 ? 1 : share, memory_order_release);
    atomic_store_explicit(&pool.is_long, cost >= LONG_LOOP_NS, memory_order_release);
    atomic_store_explicit(&pool.done, 0, memory_order_release);
    atomic_store_explicit(&pool.caller_cpu, current_cpu(), memory_order_relaxed);
    const uint32_t shares = (uint32_t)threads < chunks ? (uint32_t)threads : chunks;
    const uint64_t number = atomic_load_explicit(&pool.loop, memory_order_relaxed) + 1;
    atomic_store_explicit(&pool.shares, shares, memory_order_release);
    for (uint32_t i = 0; i < shares; i++) atomic_store(&pool.share[i].word, SHARE(number, i * chunks / shares, (i + 1) * chunks / shares));
    atomic_store(&pool.loop, number);
    wake((int)chunks - 1 < threads - 1 ? (int)chunks - 1 : threads - 1, cost);

    inside = 1;
    work_on_chunks(0);
    inside = 0;
    wait_for_helpers(chunks);
    atomic_store_explicit(&pool.busy, 0, memory_order_release);
}
