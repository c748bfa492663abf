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
static int (*wg_ending)(void);

/* Releasing and retaking the lock costs about 33 ns; worth it above some 20 us of work, estimated crudely
 * at one element a nanosecond for structured kernels. */
#define UNLOCK_NUMEL 32768

/* No kernel looks for signals: what elements in memory can be does end, sums of as many as expand(2**60) shows would not. */
#define MOST_SHARED_NUMEL ((int64_t)1 << 38)

static int run(int kernel, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr) {
    if (kernel >= WG_NKERNELS) {
        int loop = (kernel - WG_NKERNELS) / WG_NCOMPUTE, compute = (kernel - WG_NKERNELS) % WG_NCOMPUTE;
        return wg_isa->loop_run(loop, compute, operand, noperand, attr, nattr);
    }
    return wg_isa->kernels[kernel](operand, noperand, attr);
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
    under_way = waiting = 0;
    wg_forks++;
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

int wg_launch_init(void *(*unlock)(void), void (*relock)(void *), int (*ending)(void)) {
    wg_unlock = unlock;
    wg_relock = relock;
    wg_ending = ending;
    return pthread_atfork(NULL, NULL, forget_other_threads) == 0 ? 0 : wg_fail(WG_MEMORY_ERROR, "out of memory");
}

static int run_unlocked(int kernel, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr) {
    enum { INLINE = 6 };
    wg_array inline_copies[INLINE], *copy = inline_copies, *inline_pointers[INLINE], **pointer = inline_pointers;
    if (noperand > INLINE) {
        copy = wg_pool_get(noperand * (int64_t)(sizeof *copy + sizeof *pointer));
        if (copy == NULL) return run(kernel, operand, noperand, attr, nattr);
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
    under_way++;
    void *token = wg_unlock();
    int status = run(kernel, pointer, noperand, attr, nattr);
    wg_relock(token);
    under_way--;
    for (int i = 0; i < noperand; i++) if (copy[i].storage) wg_storage_drop(copy[i].storage);
    if (copy != inline_copies) wg_pool_put(copy);
    return status;
}

static int is_random(int kernel) {
    switch (kernel) {
    case WG_K_random_uniform: case WG_K_random_normal: case WG_K_random_randint: case WG_K_random_full: case WG_K_random_bernoulli:
    case WG_K_random_bernoulli_p: case WG_K_random_exponential: case WG_K_random_geometric: case WG_K_random_cauchy:
    case WG_K_random_log_normal: case WG_K_random_randperm: case WG_K_random_poisson: case WG_K_random_gamma: case WG_K_random_binomial:
    case WG_K_random_multinomial: return 1;
    default: return 0;
    }
}

int wg_launch(int kernel, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr) {
    if (WG_UNLIKELY(wg_mode & WG_MODE_NO_RANDOM) && is_random(kernel))
        return wg_fail(WG_RUNTIME_ERROR, "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
                       "randomness flags on vmap or perform the randomness operation out of vmap");
    if (WG_UNLIKELY(wg_capturing != NULL) && wg_program_append(wg_capturing, kernel, operand, noperand, attr, nattr) < 0)
        return -1;
    int64_t largest = 0;
    for (int i = 0; i < noperand; i++) if (operand[i]->numel > largest) largest = operand[i]->numel;
    if (WG_LIKELY(largest < UNLOCK_NUMEL) || wg_unlock == NULL || waiting) return run(kernel, operand, noperand, attr, nattr);
    if (WG_UNLIKELY(largest > MOST_SHARED_NUMEL) && kernel != WG_K_fill) {
        for (int i = 0; i < noperand; i++)
            if (operand[i]->numel > MOST_SHARED_NUMEL && operand[i]->storage->asked < operand[i]->numel)
                return wg_fail(WG_RUNTIME_ERROR, "an operand of %lld elements that share %lld bytes (expand) would take minutes or hours, in which "
                               "nothing could interrupt it: reduce it before it is expanded, and scale the result",
                               (long long)operand[i]->numel, (long long)operand[i]->storage->asked);
    }
    return run_unlocked(kernel, operand, noperand, attr, nattr);
}
