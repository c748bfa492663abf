/* The kernel tables of one instruction-set level, and the one that was chosen at import. */
#ifndef WG_ISA_H
#define WG_ISA_H

#include "wg_kernel.h"

WG_HIDDEN_BEGIN

typedef struct wg_level {
    const char *name;                                    /* "v4" */
    const wg_kernel_fn *kernels;                         /* [WG_NKERNELS] */
    const wg_loop_fn *loops;                             /* [wg_nloops * WG_NCOMPUTE], NULL where a type makes no sense */
    int compiled_for;                                    /* 2, 3, 4: x86-64 level of its instructions; 0: only the base's */
    int (*loop_run)(int loop, int compute, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr);
} wg_level;

extern const wg_level *wg_isa;                           /* never NULL after wg_isa_init */
void wg_isa_list(char *text, size_t size);                /* "v2, v3": the levels of this build that the machine has */
int wg_isa_init(void);                                   /* reads WENGERT_ISA; -1: the machine lacks it, or no such level */

/* The levels of this build that the machine has, oldest first: fills at most n names, returns how many there are. */
int wg_isa_available(const char **names, int n);

#ifdef WG_ISA
extern const wg_level WG_LEVEL(wg_level);                /* csrc/kernels/table.c */
extern const wg_loop_fn WG_LEVEL(wg_loops)[];            /* emitted */
int WG_LEVEL(wg_loop_run)(int loop, int compute, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr);
#endif

WG_HIDDEN_END
#endif
