/* Adjoints of views: zeros of the input's shape with the gradient at the view's place.
 *
 * Each one makes the zeros, cuts the very window that the view cuts, by the view's own forward function, and writes into
 * it; where the window may show an element more than once (unfold, as_strided) it adds. */
#include "ops.h"

/* attr[0] is the shape; the others are those of the view. */
static int write_back(wg_forward_fn view, const wg_val *x, const wg_attr *attr, wg_val *y) {
    wg_val window;
    if (wg_new_zeros(y, x->a.dtype, (int)attr[0].n, attr[0].v) < 0) return -1;
    const wg_val *base[1] = {y};
    if (view(base, 1, attr + 1, &window) < 0) return wg_done(y, -1);
    int status;
    if (!wg_same_shape(&window.a, &x->a))
        status = wg_fail(WG_RUNTIME_ERROR, "a gradient of shape %s does not fit the window of shape %s", WG_SHAPE(&x->a), WG_SHAPE(&window.a));
    else status = wg_add_to_zeros(&window.a, &x->a);
    wg_val_release(&window);
    return wg_done(y, status);
}

#define WG_BACK(name, view)                                                                               \
    int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y) {               \
        (void)nx;                                                                                         \
        return write_back(view, x[0], attr, y);                                                           \
    }

WG_BACK(_select_back, wg_forward_select)
WG_BACK(_slice_back, wg_forward_slice)
WG_BACK(_diagonal_back, wg_forward_diagonal)
WG_BACK(_unfold_back, wg_forward_unfold)
/* Its window counts from the start of row-major memory, which is not that of the pool's block behind it. */
WG_BACK(_as_strided_back, wg_forward__strided_window)
