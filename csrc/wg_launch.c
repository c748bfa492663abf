/* The one launch point. */
#include "wg_launch.h"

#include "wg_isa.h"
#include "wg_program.h"

/* Note [Launches]
 * Every kernel, forward, VJP, accumulation, optimizer update and random number, runs through wg_launch: operands
 * are arrays, attributes plain bytes, and there is no other way for numbers to change. So a capture needs no help
 * from any op: it appends (kernel, operands as buffer and offset, attributes) to a program, and running the
 * program again does the same arithmetic on whatever the buffers then hold. What an op does besides launching
 * (shapes, views, allocation) depends on metadata only, which a program's guards pin. */

struct wg_program *wg_capturing;
void *(*wg_unlock)(void);
void (*wg_relock)(void *token);

/* Releasing and retaking the lock costs about 33 ns; worth it above some 20 us of work, estimated crudely
 * at one element a nanosecond for structured kernels. */
#define UNLOCK_NUMEL 32768

static int run(int kernel, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr) {
    if (kernel >= WG_NKERNELS) {
        int loop = (kernel - WG_NKERNELS) / WG_NCOMPUTE, compute = (kernel - WG_NKERNELS) % WG_NCOMPUTE;
        return wg_isa->loop_run(loop, compute, operand, noperand, attr, nattr);
    }
    return wg_isa->kernels[kernel](operand, noperand, attr);
}

int wg_launch(int kernel, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr) {
    if (WG_UNLIKELY(wg_capturing != NULL) && wg_program_append(wg_capturing, kernel, operand, noperand, attr, nattr) < 0)
        return -1;
    int64_t largest = 0;
    for (int i = 0; i < noperand; i++) if (operand[i]->numel > largest) largest = operand[i]->numel;
    if (WG_LIKELY(largest < UNLOCK_NUMEL) || wg_unlock == NULL) return run(kernel, operand, noperand, attr, nattr);
    void *token = wg_unlock();
    int status = run(kernel, operand, noperand, attr, nattr);
    wg_relock(token);
    return status;
}
