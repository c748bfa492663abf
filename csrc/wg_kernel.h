/* What a kernel source includes: names mangled per ISA level, scratch memory, the parallel loop.
 *
 * Each file in csrc/kernels/ is compiled once for every ISA level with -DWG_ISA=v2|v3|v4|base; a kernel
 * is defined as
 *
 *     int WG_K(softmax)(wg_array *const *op, int nop, const wg_attr *attr) { ... }
 *
 * and listed in kernels.def, from which the enum WG_K_softmax and the table of the level are made. */
#ifndef WG_KERNEL_H
#define WG_KERNEL_H

#include "wg_types.h"

#define WG_PASTE2(a, b) a##_##b
#define WG_PASTE(a, b) WG_PASTE2(a, b)
#ifdef WG_ISA
#define WG_LEVEL(name) WG_PASTE(name, WG_ISA)
#define WG_K(name) WG_LEVEL(wg_k_##name)
#define WG_KERNEL(name) int WG_K(name)(wg_array *const *op, int nop, const wg_attr *attr);
#include "kernels/kernels.def"
#undef WG_KERNEL
#endif

#define WG_KERNEL(name) WG_K_##name,
enum {
#include "kernels/kernels.def"
    WG_NKERNELS
};
#undef WG_KERNEL

/* Memory that lives until the matching put: from the pool, 64-byte aligned. NULL when out of memory
 * (the error is set). Usable from the calling thread only (not inside a parallel body). */
void *wg_scratch_get(int64_t nbytes);
void wg_scratch_put(void *p);

/* Calls body(context, begin, end) on disjoint ranges that cover [0, n); ranges are multiples of `grain`
 * but for the last, and cut by n and grain only, so results cannot depend on the number of threads.
 * `cost_ns` is the estimated time of one item on one thread: below the threshold it runs here at once. */
void wg_parallel_for(int64_t n, int64_t grain, double cost_ns, void (*body)(void *context, int64_t begin, int64_t end),
                     void *context);

/* The loop that vectorises although outputs may be the very memory of an input. */
#if defined(__clang__)
#define WG_VECTOR _Pragma("clang loop vectorize(assume_safety)")
#pragma clang diagnostic ignored "-Wpass-failed"      /* a formula may call what has no vector form: lgamma, integer powers */
#elif defined(__GNUC__)
#define WG_VECTOR _Pragma("GCC ivdep")
#else
#define WG_VECTOR
#endif

/* In a loop over i that must not become vectors. */
#if defined(__GNUC__)
#define WG_SCALAR(i) __asm__("" : "+r"(i))
#else
#define WG_SCALAR(i) ((void)0)
#endif

/* Fused multiply-add, explicit and only inside the polynomials that eager and fused code share
 * (Note [Bits do not depend on the instruction set] in wg_math.h). */
#ifdef __FMA__
#define WG_FMA(a, b, c) __builtin_fma(a, b, c)
#define WG_FMAF(a, b, c) __builtin_fmaf(a, b, c)
#elif defined(__ARM_FEATURE_FMA)
#define WG_FMA(a, b, c) __builtin_fma(a, b, c)
#define WG_FMAF(a, b, c) __builtin_fmaf(a, b, c)
#else
#define WG_FMA(a, b, c) ((a) * (b) + (c))
#define WG_FMAF(a, b, c) ((a) * (b) + (c))
#endif

#endif
