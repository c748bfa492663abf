/* Flat records: small elementwise operations whose tensors are dense and of one shape and float type. */
#ifndef WG_FLAT_H
#define WG_FLAT_H

#include "wg_tape.h"

WG_HIDDEN_BEGIN

enum {
    WG_FLAT_INPUTS = 3, WG_FLAT_ATTRS = 4, WG_FLAT_VJP_INPUTS = 6,
    WG_FLAT_NUMEL = 2048,            /* larger tensors are worth the general launch: threads, the lock let go */
    WG_FLAT_SPREAD = 128             /* up to so many elements a number is written out beside a tensor */
};

/* What is known of an op and the inputs that need a gradient before any operand is seen. */
typedef struct wg_flat_case {
    wg_rec head;                     /* what all such records begin with */
    wg_edge none[WG_FLAT_INPUTS];    /* its edges, until they are set */
    uint32_t nbytes;                 /* of the record, but for its dimensions */
    uint8_t values, save_y, nsaved;  /* inputs whose values are kept, is the output kept, how many that makes */
    uint8_t borrowed;                /* inputs whose gradient is g itself */
    uint8_t nout, out[WG_FLAT_INPUTS];          /* of the VJP loop: for these inputs it writes gradients */
    uint8_t nin;
    int8_t source[WG_FLAT_VJP_INPUTS];          /* its inputs: which saved value, -1: g */
    uint8_t which[WG_FLAT_VJP_INPUTS];          /* the same as input i, or nx for the output */
    uint8_t vjp_ok;                             /* has a loop, or needs none */
    wg_loop_fn vjp[2];               /* float32, float64 */
} wg_flat_case;

typedef struct wg_flat_plan {
    int nx;                          /* -1: no such op, or not looked at yet; equal to no number of inputs, of which cat takes any */
    uint8_t nattr;
    uint32_t diff_in;
    wg_loop_fn loop[2];
    int (*check)(const wg_val *const *x, const wg_attr *attr);
    const wg_flat_case *at[1 << WG_FLAT_INPUTS];         /* by the inputs that need a gradient */
    wg_flat_case cases[1 << WG_FLAT_INPUTS];
} wg_flat_plan;

/* How many captures and threads that watch their records (WG_MODE_WATCHED) there are: meanwhile every op goes the general way,
 * whose launches a program sees and which asks for the mode. */
extern int wg_flat_off;

extern const wg_flat_plan **wg_flat_plans;      /* by opcode */
int wg_flat_init(void);                         /* after wg_isa_init; 0, or -1: out of memory */
const wg_flat_plan *wg_flat_make_plan(int opcode);
/* Made at first use. */
WG_INLINE const wg_flat_plan *wg_flat_plan_of(int opcode) {
    const wg_flat_plan *plan = wg_flat_plans[opcode];
    return WG_LIKELY(plan->nx >= 0) ? plan : wg_flat_make_plan(opcode);
}

/* wg_apply where no flat record is to be had. */
int wg_apply_general(int opcode, const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y);

/* Records an elementwise op as a flat one if it is that. 1: it is not. */
int wg_flat_append(int opcode, const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y);

/* n times one value: a Python number (its dtype and bits), or an element of the compute type. */
void wg_flat_spread_number(char *to, int compute, int64_t n, int dtype, int64_t bits);
void wg_flat_spread_element(char *to, int compute, int64_t n, const char *from);

WG_HIDDEN_END
#endif
