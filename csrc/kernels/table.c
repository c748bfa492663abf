/* The only symbol of a level that the rest of the program names: its kernels and loops, and what it was compiled for.
 * See Note [One extension, several instruction sets] in setup.py. */
#include "wg_isa.h"

#define WG_KERNEL(name) [WG_K_##name] = WG_K(name),
static const wg_kernel_fn kernels[WG_NKERNELS + 1] = {      /* + 1: an empty list is no array */
#include "kernels/kernels.def"
};
#undef WG_KERNEL

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)

const wg_level WG_LEVEL(wg_level) = {
    .name = TEXT(WG_ISA),
    .kernels = kernels,
    .loops = WG_LEVEL(wg_loops),
    .loop_run = WG_LEVEL(wg_loop_run),
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
    .compiled_for = 4,
#elif defined(__AVX2__) && defined(__FMA__)
    .compiled_for = 3,
#elif defined(__SSE4_2__) && defined(__POPCNT__)
    .compiled_for = 2,
#else
    .compiled_for = 0,
#endif
};
