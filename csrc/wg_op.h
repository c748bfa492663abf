/* Operations: what a row of the table becomes in C, and the calls that forward functions and VJPs are written with.
 *
 * A value is an array, its version cell and the edge that says which record (or leaf) produced it. An op's
 * `forward` computes arrays and knows nothing of the tape; wg_apply calls it and appends the record; a `vjp`
 * turns cotangents of outputs into cotangents of inputs. The emitter makes the VJP formulas out of wg_apply
 * calls, so that they record themselves when create_graph asks for it. */
#ifndef WG_OP_H
#define WG_OP_H

#include "wg_kernel.h"
#include "wg_types.h"

WG_HIDDEN_BEGIN

/* ---- values ------------------------------------------------------------------------------------ */

typedef struct wg_node wg_node;                         /* a record or a leaf cell: wg_tape.h */

typedef struct wg_edge {
    wg_node *node;                                      /* counted; NULL: no gradient flows here */
    uint32_t out;                                       /* which output of the record */
} wg_edge;

typedef struct wg_val {
    wg_version *version;                                /* counted; NULL for Python numbers */
    wg_edge edge;
    wg_array a;                                         /* last: its unused dimensions are never touched */
} wg_val;

/* A val that owns nothing. `a.data == NULL && a.storage == NULL` means "absent" (an undefined cotangent). */
WG_INLINE void wg_val_clear(wg_val *v) {
    v->version = NULL; v->edge.node = NULL; v->a.data = NULL; v->a.storage = NULL; v->a.numel = 0; v->a.ndim = 0;
    v->a.is_number = 0;
}
WG_INLINE int wg_val_absent(const wg_val *v) { return v->a.storage == NULL && !v->a.is_number; }

/* Does nobody else know this memory, and is it dense? Then whoever holds the value may write it. */
WG_INLINE int wg_sole_owner(const wg_val *v) { return v->a.storage->refs == 1 && v->version->refs == 1 && v->a.contiguous; }

void wg_val_release(wg_val *v);                         /* drops storage, version and edge; clears */
void wg_val_share(wg_val *to, const wg_val *from);      /* a second reference to the same value, edge included */
void wg_val_move(wg_val *to, wg_val *from);             /* copies only the dimensions in use; `from` is cleared */
void wg_val_drop_edge(wg_val *v);
void wg_number_float(wg_val *v, double x);              /* a Python float / int / bool as operand; never needs release */
void wg_number_int(wg_val *v, int64_t x);
void wg_number_bool(wg_val *v, int x);

/* New uninitialised row-major memory. Negative sizes and overflow fail; *y is cleared on failure. */
int wg_check_sizes(int ndim, const int64_t *shape);    /* RuntimeError where elements or bytes cannot be counted */
int wg_new(wg_val *y, int dtype, int ndim, const int64_t *shape);
/* A window on x's storage: shares storage and version; no edge. offset in elements from x's first element. */
int wg_window(wg_val *y, const wg_val *x, int ndim, const int64_t *shape, const int64_t *strides, int64_t offset);
void wg_array_set_dims(wg_array *a, int ndim, const int64_t *shape, const int64_t *strides);  /* numel, contiguous too */

WG_INLINE int wg_same_shape(const wg_array *a, const wg_array *b) {
    if (a->ndim != b->ndim) return 0;
    for (int i = 0; i < a->ndim; i++) if (a->shape[i] != b->shape[i]) return 0;
    return 1;
}

/* "[2, 3]" into a buffer of the caller's: for messages. */
const char *wg_shape_text(char *buffer, size_t size, int ndim, const int64_t *shape);

/* Wraps a dimension; fails in PyTorch's words ("Dimension out of range (expected to be in range of [-2, 1], but got 5)"). */
int wg_wrap_dim(int64_t dim, int ndim, int *out);

/* ---- the one launch point ------------------------------------------------------------------------ */

/* All numerical work passes here (Note [Launches] in wg_launch.c). `kernel` is a WG_K_* or wg_loop_id(...). */
int wg_launch(int kernel, wg_array *const *operand, int noperand, const wg_attr *attr, int nattr);

enum { WG_C_F32 = 0, WG_C_F64, WG_C_I64, WG_NCOMPUTE };   /* compute types of elementwise loops */
WG_INLINE int wg_loop_id(int loop, int compute) { return WG_NKERNELS + loop * WG_NCOMPUTE + compute; }

typedef struct wg_loop_info {                           /* emitted, one per elementwise loop */
    uint8_t nout, nin;
    uint16_t out_bool, in_bool;                         /* bit k: output/input k is uint8 (bool), not the compute type */
    uint8_t is_vjp;                                     /* attr[nattr].i then holds the add mask: bit k: output k += */
    uint8_t nattr;
    float cost_ns;                                      /* per element at one thread, for the threading threshold */
} wg_loop_info;
extern const wg_loop_info wg_loop_infos[];
extern const int wg_nloops;

/* ---- operations ------------------------------------------------------------------------------------ */

typedef int (*wg_forward_fn)(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y);

typedef struct wg_vjp_call {
    const struct wg_op *op;
    const wg_val *const *x;      /* inputs: the value; or shape and dtype only (a.storage == NULL); never NULL pointers */
    const wg_val *const *y;      /* outputs, hidden ones included; as x */
    const wg_val *const *g;      /* cotangents of the outputs; absent where no gradient arrived, unless materialised */
    const wg_attr *attr;
    int nx, ny;
    const uint8_t *want;         /* [nx]: is a cotangent of this input wanted? */
    wg_val *gx;                  /* [nx], cleared: results; what stays absent is a zero gradient */
    int summed;                  /* of a formula's prefix(): sizes along summed_dim of the first inputs, and their sum */
    int64_t summed_dim, sum;
    struct wg_sweep *sweep;      /* that wants the results, and the record; NULL: somebody else does */
    const struct wg_rec *record;
} wg_vjp_call;
typedef int (*wg_vjp_fn)(wg_vjp_call *c);

enum { WG_OP_ELEMENTWISE = 0, WG_OP_STRUCTURED, WG_OP_VIEW };

/* How an elementwise op chooses its types. */
enum {
    WG_T_ANY = 0,        /* computes and returns the promoted type */
    WG_T_FLOAT,          /* integers and bools become the default float type first (exp, true division) */
    WG_T_COMPARE,        /* computes in the promoted type, returns bool */
    WG_T_INT,            /* integers and bool only (bitwise) */
    WG_T_LOGICAL,        /* inputs are turned into bool, returns bool */
    WG_T_PREDICATE,      /* computes in the input's type, returns bool (isnan) */
    WG_T_NUMERIC,        /* as ANY but bool is refused (neg, sub with PyTorch's own messages are checked by `check`) */
    WG_T_FLOAT_ONLY      /* integers are refused */
};

#define WG_OPERAND_G 0                                  /* codes of a VJP loop's inputs */
#define WG_OPERAND_X(i) (1 + (i))
#define WG_OPERAND_Y(k) (17 + (k))

typedef struct wg_vjp_loop {                            /* the fused VJP of an elementwise op for one mask */
    int16_t loop;                                       /* -1: none */
    uint8_t nin;
    uint8_t in[13];
} wg_vjp_loop;

typedef struct wg_param {                               /* one Python parameter of the op, for the argument parser */
    const char *name;
    uint8_t type;                                       /* WG_P_* */
    uint8_t optional;                                   /* "?": None allowed */
    uint8_t keyword_only;
    uint8_t has_default;
    wg_attr value;                                      /* the default */
    const char *const *choices;                         /* of WG_P_STR, NULL-terminated: encoded as their index */
    const char *const *aliases;                         /* other accepted keywords ("axis" for "dim"), NULL-terminated or NULL */
} wg_param;
enum { WG_P_TENSOR = 0, WG_P_TENSORS, WG_P_NUMBER, WG_P_INT, WG_P_INTS, WG_P_FLOAT, WG_P_BOOL, WG_P_DTYPE, WG_P_STR,
       WG_P_GENERATOR };

#define WG_LIST_OUT 255

/* Which tensor parameters a caller may replace by Python numbers: none, any, any but the first, any but not all. */
enum { WG_NUMBER_NONE, WG_NUMBER_ANY, WG_NUMBER_LATER, WG_NUMBER_NOT_ALL };

typedef struct wg_op {
    const char *name;                                   /* "mul" */
    const char *grad_name;                              /* "MulBackward0" */
    uint8_t kind, types;
    int8_t nin;                                         /* tensor parameters; -1: the first parameter is a list */
    uint8_t nout;                                       /* hidden ones included; WG_LIST_OUT: count_out() says */
    uint8_t nhidden;                                    /* the last nhidden outputs never reach the user */
    uint8_t nattr;
    uint8_t materialize;                                /* absent cotangents are turned into zeros before the VJP */
    uint8_t inplace;                                    /* has an in-place form */
    uint8_t number_ok;                                  /* which tensor parameters may be Python numbers: WG_NUMBER_* */
    uint8_t private_;                                   /* not part of the public surface */
    uint32_t diff_in;                                   /* inputs with a derivative (variadic: bit 0 speaks for all) */
    uint32_t diff_out;                                  /* outputs a gradient flows through */
    uint32_t identity;                                  /* inputs whose VJP is g itself (elementwise) */
    /* For input i: which values the VJP of i reads (bits of inputs, outputs) and which shapes/dtypes only. Variadic: entry 0. */
    const uint32_t *save_x, *save_y, *meta_x, *meta_y;
    int (*count_out)(const wg_val *const *x, int nx, const wg_attr *attr);   /* of a list of outputs (outs="y[]"): hand-written wg_count_<name>; -1 on bad arguments */
    wg_forward_fn forward;                              /* structured and view ops */
    int (*check)(const wg_val *const *x, const wg_attr *attr);   /* elementwise: extra refusals, may be NULL */
    wg_vjp_fn vjp_formula;                              /* NULL: not differentiable */
    wg_vjp_fn vjp_kernel;                               /* hand-written or NULL */
    int16_t loop;                                       /* elementwise: forward loop */
    const wg_vjp_loop *vjp_loops;                       /* elementwise: by mask of wanted inputs, identity ones left out */
    uint8_t nparam;
    const wg_param *params;
    const char *const *returns;                         /* names of a named-tuple result or NULL */
    const char *doc;
} wg_op;

/* Does a gradient flow through output k? One bit speaks for all of a list. */
WG_INLINE int wg_op_diff_output(const wg_op *op, int k) { return op->diff_out >> (op->nout == WG_LIST_OUT ? 0 : k) & 1; }

extern const wg_op wg_ops[];
extern const int wg_nops;

/* How many outputs wg_apply will write. -1: bad arguments. */
int wg_count_outputs(int op, const wg_val *const *x, int nx, const wg_attr *attr);

/* Runs an op on values and records it when grad mode is on and an input needs a gradient. y[0..nout-1] are written
 * (uninitialised before); on failure (-1) they are all clear. Hidden outputs are written too: the caller releases them. */
int wg_apply(int op, const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y);

/* Shorthands over wg_apply for hand-written code; each fails with -1. */
int wg_cast(const wg_val *x, int dtype, wg_val *y);               /* shares x when the dtype is the same */
int wg_contiguous(const wg_val *x, wg_val *y);                    /* shares x when it is dense already */
int wg_sum_to(const wg_val *x, int ndim, const int64_t *shape, wg_val *y);

/* For a VJP kernel that can add as cheaply as write: the sum that the gradient of input i is bound for, dense, of that
 * dtype and shape, and nobody else's memory. It then adds there and leaves gx[i] absent. NULL: there is none, or not yet. */
wg_array *wg_vjp_sum(const wg_vjp_call *c, int i, int dtype, int ndim, const int64_t *shape);

/* The derivative of a row whose formula is `compose`, made of other rows: Note [Composed rows] in wg_compose.c. */
int wg_composed_vjp(wg_vjp_call *c, wg_forward_fn compose);

/* Elementwise machinery (wg_elementwise.c). */
int wg_broadcast_shapes(const wg_array *const *x, int nx, int *ndim, int64_t *shape);   /* PyTorch's message on mismatch */
int wg_result_type(const wg_array *const *x, int nx);             /* dimensioned, 0-d, Python number */
extern int wg_default_dtype;                                      /* WG_F32 until set_default_dtype */

WG_HIDDEN_END
#endif
