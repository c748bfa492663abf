/* Tensors as autograd sees them: a value, and the group that it shares with its views. */
#ifndef WG_VIEWS_H
#define WG_VIEWS_H

#include "wg_tape.h"

/* Note [View groups]
 * A base and its views share memory, so a write through one changes what the others are a function of. They share
 * a group, which holds the base's current edge, its geometry, and a generation that every recorded write raises.
 * A handle whose generation is old takes a fresh edge at its next use: the base takes the group's, a view gets
 * a record that cuts its window out of the group's. A write through a view appends two records: the op itself,
 * and "base with this window replaced by that value". Only geometry is kept, no tensor, so views outlive their base.
 * Groups live on tensors (handles), not on values: temporaries of formulas are never written to.
 * Where it cannot be said what a view should be a function of after such a write (it was made under no_grad, or it is
 * what a Function returned), its next recorded use is refused, as in PyTorch; so it is, for PyTorch's sake, with one of several views
 * (split, unbind). */
typedef struct wg_group {
    int64_t refs;
    uint64_t generation;
    wg_edge edge;                        /* of the base, counted */
    wg_val base;                         /* geometry only: data, dtype, shape, strides; no storage */
    struct wg_tensor *owner;             /* the base's handle, borrowed; NULL once it died or shows other memory */
} wg_group;

#define WG_VIEW_IS_VIEW 1u               /* has a base, in PyTorch's sense */
#define WG_VIEW_OF_MANY 2u               /* one of several outputs (split, unbind): in-place writes are refused */
#define WG_VIEW_NO_GRAD 4u               /* made under no_grad */
#define WG_VIEW_INFERENCE 8u             /* made under inference_mode */
#define WG_VIEW_CUSTOM 16u               /* made inside a Function, or an input of it handed through */
#define WG_RETAINS_GRAD 32u              /* retain_grad() was called: its record's Python part names this handle */

typedef struct wg_tensor {
    wg_group *group;                     /* counted; NULL: no views of it, and it is none */
    uint64_t generation;
    uint32_t view_flags;
    uint32_t tracked;                    /* the handle was given to Python's collector */
    wg_val v;
} wg_tensor;

/* The handle is about to die: neither its leaf nor its group leads to it any more, whatever runs meanwhile. */
WG_INLINE void wg_tensor_forget(wg_tensor *t) {
    wg_leaf_forget(t->v.edge.node, t);
    if (t->group && t->group->owner == t) t->group->owner = NULL;
}
void wg_tensor_release(wg_tensor *t);
void wg_tensor_leave(wg_tensor *t);                      /* its group, if it is in one */
void wg_group_drop(wg_group *g);

/* Set by the core: t, which retains its gradient, has got another edge than `old` (which is still counted). */
extern void (*wg_retained_moved)(wg_tensor *t, wg_edge old);

/* Another edge for a handle that is no view's member of a group, or its base (whose views keep the history they have). */
void wg_tensor_set_edge(wg_tensor *t, wg_edge e);

/* Brings the edge up to date with writes through other members of the group. */
int wg_tensor_refresh_slow(wg_tensor *t);
WG_INLINE int wg_tensor_refresh(wg_tensor *t) {
    if (WG_LIKELY(t->group == NULL || t->group->generation == t->generation)) return 0;
    return wg_tensor_refresh_slow(t);
}

/* Makes *view, whose value was just computed as a view of *of, a member of of's group. */
int wg_tensor_join(wg_tensor *view, wg_tensor *of, uint32_t flags);

/* The edge of a view that as_strided made: its window is one of the base's memory, whatever the layout of `of` is. */
int wg_tensor_window_edge(wg_tensor *view, const wg_tensor *of);

/* May this tensor be written in place now? (leaf that requires grad, view of many, expanded memory, read-only ...) */
int wg_tensor_writable(const wg_tensor *t, int recorded);

/* op(t, x1, ...) written into t's own memory and recorded there. x[0] must be &t->v. */
/* Would writing ``to`` change elements of ``from`` before they are read? The very same window counts only if same_too. */
int wg_reads_written(const wg_array *to, const wg_array *from, int same_too);

int wg_apply_inplace(int op, wg_tensor *t, const wg_val *const *x, int nx, const wg_attr *attr);

/* After memory of t was written by something that is not recorded: raises the version. */
void wg_tensor_touched(wg_tensor *t, int writer);

/* Gives t the edge of a value that was written into it by a record made elsewhere (a Function's mark_dirty). */
int wg_tensor_rebase(wg_tensor *t, wg_edge edge);

#endif
