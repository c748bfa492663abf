/* The one launch point. */
#include "wg_launch.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "wg_isa.h"
#include "wg_program.h"
#include "wg_storage.h"

/* Note [Launches]
 * Every kernel, forward, VJP, accumulation, optimizer update and random number, runs through wg_launch: operands
 * are arrays, attributes plain bytes, and there is no other way for numbers to change. So a capture needs no help
 * from any op: it appends (kernel, operands as buffer and offset, attributes) to a program, and running the
 * program again does the same arithmetic on whatever the buffers then hold. What an op does besides launching
 * (shapes, views, allocation) depends on metadata only, which a program's guards pin. */

struct wg_program *wg_capturing;
static void *(*wg_unlock)(void);
static void (*wg_relock)(void *token);
static int (*wg_ending)(void), (*wg_alone)(void);

/* Releasing and retaking the lock costs about 33 ns; worth it above some 20 us of work, estimated crudely
 * at one element a nanosecond for structured kernels. */
#define UNLOCK_NUMEL 32768

/* No kernel looks for signals: what elements in memory can be does end, sums of as many as expand(2**60) shows would not. */
#define MOST_SHARED_NUMEL ((int64_t)1 << 38)

/* Note [One draw at a time]
 * A random kernel changes its generator from end to end, so two that ran at once would break it. While one runs without the tape
 * lock, `drawing` says so, and it holds the mutex; others, and who looks at a generator, take that, too. Its holder never waits for the
 * tape lock. A fork waits for it: the child's generators are whole. */
static int drawing;
static pthread_mutex_t draw_mutex = PTHREAD_MUTEX_INITIALIZER;

static int is_random(int kernel) {
    switch (kernel) {
    case WG_K_random_uniform: case WG_K_random_normal: case WG_K_random_randint: case WG_K_random_full: case WG_K_random_bernoulli:
    case WG_K_random_bernoulli_p: case WG_K_random_exponential: case WG_K_random_geometric: case WG_K_random_cauchy:
    case WG_K_random_log_normal: case WG_K_random_randperm: case WG_K_random_poisson: case WG_K_random_gamma: case WG_K_random_binomial:
    case WG_K_random_multinomial: return 1;
    default: return 0;
    }
}

int wg_draws_exclude(void) {
    if (WG_LIKELY(!drawing)) return 0;
    pthread_mutex_lock(&draw_mutex);
    return 1;
}

void wg_draws_allow(int excluded) {
    if (WG_UNLIKELY(excluded)) pthread_mutex_unlock(&draw_mutex);
}

static void before_fork(void) { pthread_mutex_lock(&draw_mutex); }

static void after_fork(void) { pthread_mutex_unlock(&draw_mutex); }

static int run(int kernel, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr) {
    if (kernel >= WG_NKERNELS) {
        int loop = (kernel - WG_NKERNELS) / WG_NCOMPUTE, compute = (kernel - WG_NKERNELS) % WG_NCOMPUTE;
        return wg_isa->loop_run(loop, compute, operand, noperand, attr, nattr);
    }
    return wg_isa->kernels[kernel](operand, noperand, attr);
}

static int run_locked(int kernel, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr) {
    if (WG_LIKELY(!drawing) || !is_random(kernel)) return run(kernel, operand, noperand, attr, nattr);
    pthread_mutex_lock(&draw_mutex);
    int status = run(kernel, operand, noperand, attr, nattr);
    pthread_mutex_unlock(&draw_mutex);
    return status;
}

/* Note [Handles while the lock is dropped]
 * Meanwhile other threads run Python. Operands stand in handles, which may be dropped: the kernel gets copies of them, and their
 * memory is held. But the operation around the launch goes on reading its inputs' handles, for further launches and for the record, so
 * none may take other memory or another shape under it (x.data = y, resize_): whoever does that first calls wg_wait_for_launches. Within an
 * operation the lock is dropped here only; who holds it while no launch is under way therefore finds no operation half done. New
 * launches keep the lock while somebody waits, so that the wait ends. */
static int under_way, waiting;

uint64_t wg_forks;

static void forget_other_threads(void) {                   /* none of them is in a forked child */
    under_way = waiting = drawing = 0;
    wg_forks++;
    after_fork();
}

void wg_wait_for_launches(void) {
    if (WG_LIKELY(under_way == 0)) return;
    waiting++;
    while (under_way > 0 && !wg_ending()) {
        void *token = wg_unlock();
        usleep(20);
        wg_relock(token);
    }
    waiting--;
}

int wg_launch_init(void *(*unlock)(void), void (*relock)(void *), int (*ending)(void), int (*alone)(void)) {
    wg_unlock = unlock;
    wg_relock = relock;
    wg_ending = ending;
    wg_alone = alone;
    return pthread_atfork(before_fork, after_fork, forget_other_threads) == 0 ? 0 : wg_fail(WG_MEMORY_ERROR, "out of memory");
}

/* Note [Contents that are gone by]
 * Kernels that go by indices check all of them before they write anything, and then read them again; those of a mask are counted
 * first. Another thread may write them in between: in Python while the lock is dropped, or in a launch that runs without it. So where
 * there are other threads such a kernel gets a copy of its own, which nobody writes. */
int wg_steady(const wg_array *a, wg_array *own) {
    int64_t shape[WG_MAX_DIMS], strides[WG_MAX_DIMS];
    wg_array from;
    own->storage = NULL;
    if ((a->numel < UNLOCK_NUMEL && under_way == 0) || a->numel == 0 || wg_unlock == NULL || wg_alone()) return 0;
    for (int d = 0; d < a->ndim; d++) shape[d] = a->strides[d] ? a->shape[d] : 1;
    memcpy(&from, a, offsetof(wg_array, shape));
    memcpy(own, a, offsetof(wg_array, shape));
    own->storage = NULL;
    wg_array_set_dims(&from, a->ndim, shape, a->strides);
    wg_array_set_dims(own, a->ndim, shape, NULL);
    if ((own->storage = wg_storage_new(own->numel * wg_itemsize[a->dtype])) == NULL) return -1;
    own->data = own->storage->data;
    if (run(WG_K_copy, (wg_array *[]){own, &from}, 2, NULL, 0) < 0) {
        wg_storage_drop(own->storage);
        return -1;
    }
    for (int d = 0; d < a->ndim; d++) strides[d] = a->strides[d] ? own->strides[d] : 0;
    wg_array_set_dims(own, a->ndim, a->shape, strides);
    return 1;
}

/* Which operands a kernel goes by, as bits. */
static uint32_t indices_of(int kernel) {
    switch (kernel) {
    case WG_K_scatter: case WG_K_scatter_value: case WG_K_scatter_add: case WG_K_scatter_reduce: case WG_K_index_add: case WG_K_index_copy:
    case WG_K_index_fill: case WG_K_put: case WG_K_masked_scatter: case WG_K_one_hot:
        return 1u << 1;
    case WG_K_gather: case WG_K_index_select: case WG_K_take: case WG_K_embedding: case WG_K_embedding_vjp: case WG_K_nll_loss_vjp:
    case WG_K_lu_solve: case WG_K_max_pool_vjp: case WG_K_pool_gather:
        return 1u << 2;
    case WG_K_nll_loss: case WG_K_cross_entropy_vjp:
        return 1u << 3;
    case WG_K_cross_entropy:
        return 1u << 4;
    case WG_K_index_get: case WG_K_index_put:
        return ~3u;
    default:
        return 0;
    }
}

static int run_unlocked(int kernel, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr) {
    enum { INLINE = 6 };
    wg_array inline_copies[INLINE], *copy = inline_copies, *inline_pointers[INLINE], **pointer = inline_pointers;
    if (noperand > INLINE) {
        copy = wg_pool_get(noperand * (int64_t)(sizeof *copy + sizeof *pointer));
        if (copy == NULL) return run_locked(kernel, operand, noperand, attr, nattr);
        pointer = (wg_array **)(copy + noperand);
    }
    for (int i = 0; i < noperand; i++) {
        const wg_array *a = operand[i];
        memcpy(&copy[i], a, offsetof(wg_array, shape));
        memcpy(copy[i].shape, a->shape, sizeof(int64_t) * a->ndim);
        memcpy(copy[i].strides, a->strides, sizeof(int64_t) * a->ndim);
        if (a->is_number) copy[i].data = (char *)&copy[i].number;
        if (a->storage) a->storage->refs++;
        pointer[i] = &copy[i];
    }
    const int draw = is_random(kernel);
    under_way++;
    drawing += draw;
    void *token = wg_unlock();
    if (draw) pthread_mutex_lock(&draw_mutex);
    int status = run(kernel, pointer, noperand, attr, nattr);
    if (draw) pthread_mutex_unlock(&draw_mutex);
    wg_relock(token);
    drawing -= draw;
    under_way--;
    for (int i = 0; i < noperand; i++) if (copy[i].storage) wg_storage_drop(copy[i].storage);
    if (copy != inline_copies) wg_pool_put(copy);
    return status;
}

/* With copies of the operands that the kernel goes by. */
static WG_COLD int run_steady(int kernel, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr, uint32_t indices, int locked) {
    wg_array *own = wg_pool_get(noperand * (int64_t)(sizeof *own + sizeof(wg_array *)));
    if (own == NULL) return -1;
    wg_array **with = (wg_array **)(own + noperand);
    int status = 0, n = 0;
    for (; n < noperand; n++) {
        own[n].storage = NULL;
        with[n] = operand[n];
        if (!(indices >> (n < 31 ? n : 31) & 1) || operand[n]->is_number || operand[n]->data == NULL) continue;
        if ((status = wg_steady(operand[n], &own[n])) < 0) break;
        if (status > 0) with[n] = &own[n];
    }
    if (status >= 0) status = (locked ? run_locked : run_unlocked)(kernel, with, noperand, attr, nattr);
    for (int i = 0; i < n; i++) if (own[i].storage) wg_storage_drop(own[i].storage);
    wg_pool_put(own);
    return status;
}

int wg_launch(int kernel, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr) {
    if (WG_UNLIKELY(wg_mode & WG_MODE_NO_RANDOM) && is_random(kernel))
        return wg_fail(WG_RUNTIME_ERROR, "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
                       "randomness flags on vmap or perform the randomness operation out of vmap");
    if (WG_UNLIKELY(wg_capturing != NULL) && wg_program_append(wg_capturing, kernel, operand, noperand, attr, nattr) < 0)
        return -1;
    int64_t largest = 0;
    for (int i = 0; i < noperand; i++) if (operand[i]->numel > largest) largest = operand[i]->numel;
    if (WG_LIKELY(largest < UNLOCK_NUMEL) || wg_unlock == NULL || waiting) {
        const uint32_t indices = WG_LIKELY(under_way == 0) ? 0 : indices_of(kernel);
        return WG_LIKELY(indices == 0) ? run_locked(kernel, operand, noperand, attr, nattr)
                                       : run_steady(kernel, operand, noperand, attr, nattr, indices, 1);
    }
    if (WG_UNLIKELY(largest > MOST_SHARED_NUMEL) && kernel != WG_K_fill) {
        for (int i = 0; i < noperand; i++)
            if (operand[i]->numel > MOST_SHARED_NUMEL && operand[i]->storage->asked < operand[i]->numel)
                return wg_fail(WG_RUNTIME_ERROR, "an operand of %lld elements that share %lld bytes (expand) would take minutes or hours, in which "
                               "nothing could interrupt it: reduce it before it is expanded, and scale the result",
                               (long long)operand[i]->numel, (long long)operand[i]->storage->asked);
    }
    const uint32_t indices = indices_of(kernel);
    return WG_LIKELY(indices == 0) || wg_alone() ? run_unlocked(kernel, operand, noperand, attr, nattr)
                                                 : run_steady(kernel, operand, noperand, attr, nattr, indices, 0);
}
