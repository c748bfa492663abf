/* What generated loops share: attributes as integers, and VJP loops that add.
 *
 * A VJP loop that adds to what is there: the plain loop into a buffer that stays in L1, then the sum.
 *
 * So the arithmetic of every VJP exists once, in its storing form, and adding gives the same bits as storing
 * and adding afterwards. */
#ifndef WG_LOOP_H
#define WG_LOOP_H

#include <string.h>

#include "wg_kernel.h"
#include "wg_math_int.h"

/* An attribute as an integer: towards zero, and without undefined behaviour for what does not fit. */
WG_INLINE int64_t wg_whole(wg_attr a) { return a.tag == WG_A_FLOAT ? wg_f64_to_i64(a.f) : a.i; }

enum { WG_ADD_BLOCK = 256, WG_ADD_OUT = 4, WG_ADD_OPERANDS = 16, WG_ADD_ATTRS = 12 };

/* Outputs first; bit k of attr[nattr].i: output k is added to. bytes: bit k: operand k holds bytes, not elements. */
#define WG_DEFINE_VJP_ADD(T, suffix)                                                                               \
    static void __attribute__((unused, noinline))                                                                  \
    wg_vjp_add_##suffix(wg_loop_fn loop, int64_t count, char *const *operand, const wg_attr *attr, int nattr,     \
                        int nout, int noperand, unsigned bytes) {                                                  \
        T sums[WG_ADD_OUT][WG_ADD_BLOCK] __attribute__((aligned(64)));                                             \
        char *at[WG_ADD_OPERANDS];                                                                                 \
        wg_attr plain[WG_ADD_ATTRS];                                                                               \
        memcpy(plain, attr, sizeof *plain * (size_t)nattr);                                                        \
        plain[nattr] = WG_INT(0);                                                                                  \
        for (int64_t begin = 0; begin < count; begin += WG_ADD_BLOCK) {                                            \
            int64_t n = count - begin < WG_ADD_BLOCK ? count - begin : WG_ADD_BLOCK;                               \
            for (int k = 0; k < noperand; k++) at[k] = operand[k] + begin * (bytes >> k & 1 ? 1 : (int64_t)sizeof(T)); \
            for (int k = 0; k < nout; k++) if (attr[nattr].i >> k & 1) at[k] = (char *)sums[k];                    \
            loop(n, at, plain);                                                                                    \
            for (int k = 0; k < nout; k++) {                                                                       \
                if (!(attr[nattr].i >> k & 1)) continue;                                                           \
                T *to = (T *)operand[k] + begin;                                                                   \
                WG_VECTOR                                                                                          \
                for (int64_t i = 0; i < n; i++) to[i] = to[i] + sums[k][i];                                        \
            }                                                                                                      \
        }                                                                                                          \
    }

WG_DEFINE_VJP_ADD(float, f32)
WG_DEFINE_VJP_ADD(double, f64)

#endif
