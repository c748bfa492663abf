/* Views: windows on the memory of their input. Nothing here launches a kernel but the copy of _reshape. */
#include "ops.h"

#define WG_VIEW(name) int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y)

/* The same elements: x's own geometry. */
static int same(wg_val *y, const wg_val *x) { return wg_window(y, x, x->a.ndim, x->a.shape, x->a.strides, 0); }

WG_VIEW(alias) { (void)nx, (void)attr; return same(y, x[0]); }
WG_VIEW(detach) { (void)nx, (void)attr; return same(y, x[0]); }

/* ---- other shapes -------------------------------------------------------------------------------- */

/* The shape asked for, with a -1 replaced by what is left of numel. */
static int infer_shape(const wg_attr *size, int64_t numel, int64_t *shape) {
    int n = (int)size->n, inferred = -1;
    int64_t known = 1;
    int overflow = 0;
    if (WG_UNLIKELY(n > WG_MAX_DIMS))
        return wg_fail(WG_RUNTIME_ERROR, "tensors of more than %d dimensions are not supported, got %d", WG_MAX_DIMS, n);
    for (int d = 0; d < n; d++) {
        shape[d] = size->v[d];
        if (shape[d] == -1) {
            if (inferred >= 0) return wg_fail(WG_RUNTIME_ERROR, "only one dimension can be inferred");
            inferred = d;
        } else if (WG_UNLIKELY(shape[d] < 0))
            return wg_fail(WG_RUNTIME_ERROR, "invalid shape dimension %lld at index %d of shape %s", (long long)shape[d], d,
                           WG_LIST(size->v, n));
        else overflow |= __builtin_mul_overflow(known, shape[d], &known);
    }
    if (inferred < 0) {
        if (WG_LIKELY(!overflow && known == numel)) return 0;
    } else if (known > 0 && !overflow && numel % known == 0) {
        shape[inferred] = numel / known;
        return 0;
    } else if (known == 0 && numel == 0)
        return wg_fail(WG_RUNTIME_ERROR, "cannot reshape tensor of 0 elements into shape %s because the unspecified dimension size -1 "
                       "can be any value and is ambiguous", WG_LIST(size->v, n));
    return wg_fail(WG_RUNTIME_ERROR, "shape '%s' is invalid for input of size %lld", WG_LIST(size->v, n), (long long)numel);
}

/* Strides that show x's elements, in their order, in another shape; 0 if there are none. Neighbouring dimensions of x
 * that one stride walks form a run, and each run must be divided by whole dimensions of the new shape. */
static int reshape_strides(const wg_array *x, int ndim, const int64_t *shape, int64_t *strides) {
    if (x->numel == 0) {
        if (ndim == x->ndim && memcmp(shape, x->shape, sizeof(int64_t) * (size_t)ndim) == 0) {
            memcpy(strides, x->strides, sizeof(int64_t) * (size_t)ndim);
            return 1;
        }
        int64_t step = 1;
        for (int k = ndim - 1; k >= 0; k--) { strides[k] = step; step *= shape[k] > 1 ? shape[k] : 1; }
        return 1;
    }
    int k = ndim - 1;
    if (x->ndim == 0) for (; k >= 0; k--) strides[k] = 1;
    for (int d = x->ndim - 1; d >= 0;) {
        int64_t step = x->strides[d], run = x->shape[d], taken = 1;
        while (--d >= 0 && (x->shape[d] == 1 || x->strides[d] == run * step)) run *= x->shape[d];
        for (; k >= 0 && (taken < run || shape[k] == 1); k--) {
            strides[k] = taken * step;
            taken *= shape[k];
        }
        if (taken != run) return 0;
    }
    return k < 0;
}

WG_VIEW(view) {
    (void)nx;
    int64_t shape[WG_MAX_DIMS], strides[WG_MAX_DIMS];
    int n = (int)attr[0].n;
    const wg_array *a = &x[0]->a;
    wg_val_clear(y);
    if (infer_shape(&attr[0], a->numel, shape) < 0) return -1;
    if (WG_LIKELY(a->contiguous && a->numel)) return wg_window(y, x[0], n, shape, NULL, 0);
    if (!reshape_strides(a, n, shape, strides))
        return wg_fail(WG_RUNTIME_ERROR, "view size is not compatible with input tensor's size and stride (at least one dimension "
                       "spans across two contiguous subspaces). Use .reshape(...) instead.");
    return wg_window(y, x[0], n, shape, strides, 0);
}

WG_VIEW(_unsafe_view) { return wg_forward_view(x, nx, attr, y); }

WG_VIEW(_reshape) {
    (void)nx;
    int64_t shape[WG_MAX_DIMS], strides[WG_MAX_DIMS];
    int n = (int)attr[0].n;
    const wg_array *a = &x[0]->a;
    wg_val_clear(y);
    if (infer_shape(&attr[0], a->numel, shape) < 0) return -1;
    if (WG_LIKELY(a->contiguous && a->numel)) return wg_window(y, x[0], n, shape, NULL, 0);
    if (reshape_strides(a, n, shape, strides)) return wg_window(y, x[0], n, shape, strides, 0);
    if (wg_copy_new(y, a->dtype, a, 1) < 0) return -1;
    wg_array_set_dims(&y->a, n, shape, NULL);
    return 0;
}

/* Only dimensions of size 1 may come and go, so every other one keeps its stride. */
WG_VIEW(_resize_ones) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    int64_t strides[WG_MAX_DIMS], step = 1;
    int n = (int)attr[0].n, d = a->ndim - 1;
    wg_val_clear(y);
    if (attr[0].n > WG_MAX_DIMS)
        return wg_fail(WG_RUNTIME_ERROR, "tensors of more than %d dimensions are not supported, got %u", WG_MAX_DIMS, attr[0].n);
    for (int k = n - 1; k >= 0; k--) {
        if (attr[0].v[k] == 1) { strides[k] = step; continue; }
        while (d >= 0 && a->shape[d] == 1) d--;
        if (d < 0 || a->shape[d] != attr[0].v[k]) break;
        strides[k] = a->strides[d];
        step = a->shape[d] * a->strides[d];
        d--;
        if (k == 0) break;
    }
    while (d >= 0 && a->shape[d] == 1) d--;
    int64_t numel = 1;
    int bad = d >= 0;
    for (int k = 0; k < n; k++) bad |= attr[0].v[k] < 0 || __builtin_mul_overflow(numel, attr[0].v[k], &numel);
    if (bad || numel != a->numel)
        return wg_fail(WG_RUNTIME_ERROR, "shape '%s' is invalid for input of size %lld", WG_LIST(attr[0].v, n), (long long)a->numel);
    return wg_window(y, x[0], n, attr[0].v, strides, 0);
}

/* ---- order of dimensions --------------------------------------------------------------------------- */

static int swap(wg_val *y, const wg_val *x, int d0, int d1) {
    if (same(y, x) < 0) return -1;
    if (d0 == d1) return 0;
    int64_t shape[WG_MAX_DIMS], strides[WG_MAX_DIMS];
    for (int d = 0; d < x->a.ndim; d++) {
        int from = d == d0 ? d1 : d == d1 ? d0 : d;
        shape[d] = x->a.shape[from];
        strides[d] = x->a.strides[from];
    }
    wg_array_set_dims(&y->a, x->a.ndim, shape, strides);
    return 0;
}

WG_VIEW(transpose) {
    (void)nx;
    int d0, d1;
    wg_val_clear(y);
    if (wg_wrap_dim(attr[0].i, x[0]->a.ndim, &d0) < 0 || wg_wrap_dim(attr[1].i, x[0]->a.ndim, &d1) < 0) return -1;
    return swap(y, x[0], d0, d1);
}

WG_VIEW(t) {
    (void)nx, (void)attr;
    wg_val_clear(y);
    if (x[0]->a.ndim > 2)
        return wg_fail(WG_RUNTIME_ERROR, "t() expects a tensor with <= 2 dimensions, but self is %dD", x[0]->a.ndim);
    return swap(y, x[0], 0, x[0]->a.ndim == 2);
}

static int permute(wg_val *y, const wg_val *x, const wg_attr *dims, int inverse) {
    int64_t shape[WG_MAX_DIMS], strides[WG_MAX_DIMS];
    uint32_t seen = 0;
    int n = x->a.ndim, d;
    wg_val_clear(y);
    if ((int)dims->n != n)
        return wg_fail(WG_RUNTIME_ERROR, "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the "
                       "desired ordering of dimensions i.e. input.dim() = %d is not equal to len(dims) = %d", n, (int)dims->n);
    for (int k = 0; k < n; k++) {
        if (wg_wrap_dim(dims->v[k], n, &d) < 0) return -1;
        if (seen >> d & 1) return wg_fail(WG_RUNTIME_ERROR, "permute(): duplicate dims are not allowed.");
        seen |= 1u << d;
        shape[inverse ? d : k] = x->a.shape[inverse ? k : d];
        strides[inverse ? d : k] = x->a.strides[inverse ? k : d];
    }
    return wg_window(y, x, n, shape, strides, 0);
}

WG_VIEW(permute) { (void)nx; return permute(y, x[0], &attr[0], 0); }
WG_VIEW(_permute_back) { (void)nx; return permute(y, x[0], &attr[0], 1); }

/* ---- dimensions of size 1, broadcasting ---------------------------------------------------------------- */

static int squeeze(wg_val *y, const wg_val *x, uint32_t which) {
    int64_t shape[WG_MAX_DIMS], strides[WG_MAX_DIMS];
    int n = 0;
    for (int d = 0; d < x->a.ndim; d++) {
        if (x->a.shape[d] == 1 && which >> d & 1) continue;
        shape[n] = x->a.shape[d];
        strides[n++] = x->a.strides[d];
    }
    return wg_window(y, x, n, shape, strides, 0);
}

WG_VIEW(squeeze) { (void)nx, (void)attr; return squeeze(y, x[0], ~0u); }

WG_VIEW(squeeze_dim) {
    (void)nx;
    uint32_t which;
    wg_val_clear(y);
    if (wg_dim_mask(&attr[0], x[0]->a.ndim, 0, &which) < 0) return -1;
    return squeeze(y, x[0], which);
}

WG_VIEW(unsqueeze) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    int64_t shape[WG_MAX_DIMS + 1], strides[WG_MAX_DIMS + 1];
    int at;
    wg_val_clear(y);
    if (wg_wrap_dim(attr[0].i, a->ndim + 1, &at) < 0) return -1;
    for (int d = 0; d < a->ndim; d++) {
        shape[d + (d >= at)] = a->shape[d];
        strides[d + (d >= at)] = a->strides[d];
    }
    shape[at] = 1;
    strides[at] = at < a->ndim ? a->shape[at] * a->strides[at] : 1;
    return wg_window(y, x[0], a->ndim + 1, shape, strides, 0);
}

WG_VIEW(expand) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    int64_t shape[WG_MAX_DIMS], strides[WG_MAX_DIMS];
    const int64_t *size = attr[0].v;
    int n = (int)attr[0].n, lead = n - a->ndim;
    wg_val_clear(y);
    if (lead < 0)
        return wg_fail(WG_RUNTIME_ERROR, "expand(torch.%sTensor{%s}, size=%s): the number of sizes provided (%d) must be greater or equal "
                       "to the number of dimensions in the tensor (%d)", wg_dtype_title[a->dtype], WG_SHAPE(a), WG_LIST(size, n), n,
                       a->ndim);
    if (n > WG_MAX_DIMS)
        return wg_fail(WG_RUNTIME_ERROR, "tensors of more than %d dimensions are not supported, got %d", WG_MAX_DIMS, n);
    for (int k = n - 1; k >= 0; k--) {
        int64_t own = k < lead ? 1 : a->shape[k - lead];
        int64_t stride = k >= lead ? a->strides[k - lead] : k + 1 < n ? shape[k + 1] * strides[k + 1] : 1;
        shape[k] = size[k];
        strides[k] = stride;
        if (size[k] == -1) {
            if (k < lead)
                return wg_fail(WG_RUNTIME_ERROR, "The expanded size of the tensor (-1) isn't allowed in a leading, non-existing "
                               "dimension %d", k);
            shape[k] = own;
        } else if (size[k] != own) {
            if (own != 1)
                return wg_fail(WG_RUNTIME_ERROR, "The expanded size of the tensor (%lld) must match the existing size (%lld) at "
                               "non-singleton dimension %d.  Target sizes: %s.  Tensor sizes: %s", (long long)size[k], (long long)own,
                               k, WG_LIST(size, n), WG_SHAPE(a));
            if (size[k] < 0) return wg_fail(WG_RUNTIME_ERROR, "numel: integer multiplication overflow");
            strides[k] = 0;
        }
    }
    int64_t numel = 1;
    for (int k = 0; k < n; k++)
        if (__builtin_mul_overflow(numel, shape[k], &numel)) return wg_fail(WG_RUNTIME_ERROR, "numel: integer multiplication overflow");
    return wg_window(y, x[0], n, shape, strides, 0);
}

/* x is what a reduction over `dim` left of `shape`; y shows it in every place that was reduced. */
WG_VIEW(_unreduce) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    const int64_t *shape = attr[0].v;
    int64_t strides[WG_MAX_DIMS];
    int n = (int)attr[0].n, keepdim = attr[2].i != 0, d = 0;
    uint32_t reduced;
    wg_val_clear(y);
    if (wg_dim_mask(&attr[1], n, 1, &reduced) < 0) return -1;
    for (int k = 0; k < n; k++) {
        int gone = reduced >> k & 1, exists = keepdim || !gone;
        if (exists && (d >= a->ndim || a->shape[d] != (gone ? 1 : shape[k]))) { d = -1; break; }
        strides[k] = gone ? 0 : a->strides[d];
        d += exists;
    }
    if (d != a->ndim)
        return wg_fail(WG_RUNTIME_ERROR, "shape %s is not what a reduction of shape %s leaves", WG_SHAPE(a), WG_LIST(shape, n));
    return wg_window(y, x[0], n, shape, strides, 0);
}

/* ---- parts ------------------------------------------------------------------------------------------------ */

WG_VIEW(select) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    int64_t shape[WG_MAX_DIMS], strides[WG_MAX_DIMS], index = attr[1].i;
    int dim;
    wg_val_clear(y);
    if (WG_UNLIKELY(a->ndim == 0)) return wg_fail(WG_INDEX_ERROR, "select() cannot be applied to a 0-dim tensor.");
    if (wg_wrap_dim(attr[0].i, a->ndim, &dim) < 0) return -1;
    if (WG_UNLIKELY(index < -a->shape[dim] || index >= a->shape[dim]))      /* the words of x[i], the common way here */
        return wg_fail(WG_INDEX_ERROR, "index %lld is out of bounds for dimension %d with size %lld", (long long)index, dim,
                       (long long)a->shape[dim]);
    if (index < 0) index += a->shape[dim];
    for (int d = 0, k = 0; d < a->ndim; d++) {
        if (d == dim) continue;
        shape[k] = a->shape[d];
        strides[k++] = a->strides[d];
    }
    return wg_window(y, x[0], a->ndim - 1, shape, strides, index * a->strides[dim]);
}

static int narrow(wg_val *y, const wg_val *x, int dim, int64_t start, int64_t size, int64_t step) {
    if (same(y, x) < 0) return -1;
    const wg_array *a = &x->a;
    int64_t shape[WG_MAX_DIMS], strides[WG_MAX_DIMS];
    memcpy(shape, a->shape, sizeof(int64_t) * a->ndim);
    memcpy(strides, a->strides, sizeof(int64_t) * a->ndim);
    shape[dim] = size;
    strides[dim] = (int64_t)((uint64_t)a->strides[dim] * (uint64_t)step);   /* an enormous step is never taken */
    wg_array_set_dims(&y->a, a->ndim, shape, strides);
    y->a.data = a->data + start * a->strides[dim] * wg_itemsize[a->dtype];
    return 0;
}

WG_VIEW(slice) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    int64_t start = attr[1].i, end = attr[2].i, step = attr[3].i;
    int dim;
    wg_val_clear(y);
    if (WG_UNLIKELY(a->ndim == 0)) return wg_fail(WG_INDEX_ERROR, "slice() cannot be applied to a 0-dim tensor.");
    if (wg_wrap_dim(attr[0].i, a->ndim, &dim) < 0) return -1;
    if (WG_UNLIKELY(step <= 0)) return wg_fail(WG_RUNTIME_ERROR, "slice step must be positive");
    int64_t size = a->shape[dim];
    if (start < 0) start = start + size < 0 ? 0 : start + size;
    if (start > size) start = size;
    if (end < 0) end += size;
    end = end < start ? start : end > size ? size : end;
    return narrow(y, x[0], dim, start, end == start ? 0 : 1 + (end - start - 1) / step, step);
}

WG_VIEW(diagonal) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    int64_t shape[WG_MAX_DIMS], strides[WG_MAX_DIMS], offset = attr[0].i;
    int d1, d2, n = 0;
    wg_val_clear(y);
    if (wg_wrap_dim(attr[1].i, a->ndim, &d1) < 0 || wg_wrap_dim(attr[2].i, a->ndim, &d2) < 0) return -1;
    if (d1 == d2)
        return wg_fail(WG_RUNTIME_ERROR, "diagonal dimensions cannot be identical %lld, %lld", (long long)attr[1].i, (long long)attr[2].i);
    int64_t rows = a->shape[d1], columns = a->shape[d2], size, at = 0;
    if (offset >= 0) size = offset >= columns ? 0 : rows < columns - offset ? rows : columns - offset;
    else size = offset <= -rows ? 0 : rows + offset < columns ? rows + offset : columns;
    if (size) at = offset >= 0 ? offset * a->strides[d2] : -offset * a->strides[d1];
    for (int d = 0; d < a->ndim; d++) {
        if (d == d1 || d == d2) continue;
        shape[n] = a->shape[d];
        strides[n++] = a->strides[d];
    }
    shape[n] = size;
    strides[n++] = a->strides[d1] + a->strides[d2];
    return wg_window(y, x[0], n, shape, strides, at);
}

WG_VIEW(unfold) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    int64_t shape[WG_MAX_DIMS + 1], strides[WG_MAX_DIMS + 1], size = attr[1].i, step = attr[2].i;
    int dim;
    wg_val_clear(y);
    if (wg_wrap_dim(attr[0].i, a->ndim, &dim) < 0) return -1;
    int64_t most = a->ndim ? a->shape[dim] : 1, stride = a->ndim ? a->strides[dim] : 1;
    if (size < 0) return wg_fail(WG_RUNTIME_ERROR, "size is %lld but must be >= 0", (long long)size);
    if (size > most)
        return wg_fail(WG_RUNTIME_ERROR, "maximum size for tensor at dimension %d is %lld but size is %lld", dim, (long long)most,
                       (long long)size);
    if (step <= 0) return wg_fail(WG_RUNTIME_ERROR, "step is %lld but must be > 0", (long long)step);
    for (int d = 0; d < a->ndim; d++) {
        shape[d] = a->shape[d];
        strides[d] = a->strides[d];
    }
    shape[a->ndim] = size;
    strides[a->ndim] = stride;
    if (a->ndim) {
        shape[dim] = (most - size) / step + 1;
        strides[dim] = (int64_t)((uint64_t)stride * (uint64_t)step);
    }
    return wg_window(y, x[0], a->ndim + 1, shape, strides, 0);
}

static int strided(wg_val *y, const wg_val *x, const wg_attr *size, const wg_attr *stride, int64_t offset) {
    const wg_storage *s = x->a.storage;
    int64_t itemsize = wg_itemsize[x->a.dtype], lo, hi, bytes = 0;
    int n = (int)size->n, empty = 0;
    if (size->n != stride->n) return wg_fail(WG_RUNTIME_ERROR, "mismatch in length of strides and shape");
    if (n > WG_MAX_DIMS)
        return wg_fail(WG_RUNTIME_ERROR, "tensors of more than %d dimensions are not supported, got %d", WG_MAX_DIMS, n);
    for (int d = 0; d < n; d++)
        if (stride->v[d] < 0)
            return wg_fail(WG_RUNTIME_ERROR, "as_strided: Negative strides are not supported at the moment, got strides: %s",
                           WG_LIST(stride->v, n));
    if (offset < 0) return wg_fail(WG_RUNTIME_ERROR, "Tensor: invalid storage offset %lld", (long long)offset);
    int bad = 0;
    for (int d = 0; d < n; d++) { bad |= size->v[d] < 0; empty |= size->v[d] == 0; }
    if (bad || wg_window_range(n, size->v, stride->v, &lo, &hi) < 0 || __builtin_add_overflow(hi, offset, &hi) ||
        __builtin_add_overflow(hi, 1, &hi) || __builtin_mul_overflow(hi, itemsize, &bytes))
        return wg_fail(WG_RUNTIME_ERROR, "Storage size calculation overflowed with sizes=%s and strides=%s", WG_LIST(size->v, n),
                       WG_LIST(stride->v, n));
    if (!empty && bytes > s->asked)
        return wg_fail(WG_RUNTIME_ERROR, "setStorage: sizes %s, strides %s, storage offset %lld, and itemsize %lld requiring a storage "
                       "size of %lld are out of bounds for storage of size %lld", WG_LIST(size->v, n), WG_LIST(stride->v, n),
                       (long long)offset, (long long)itemsize, (long long)bytes, (long long)s->asked);
    if (wg_window(y, x, n, size->v, stride->v, 0) < 0) return -1;
    y->a.data = empty ? s->data : s->data + offset * itemsize;
    return 0;
}

WG_VIEW(as_strided) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    wg_val_clear(y);
    int64_t offset = attr[2].tag == WG_A_NONE ? (a->data - a->storage->data) / wg_itemsize[a->dtype] : attr[2].i;
    return strided(y, x[0], &attr[0], &attr[1], offset);
}

/* ---- lists of parts ----------------------------------------------------------------------------------------- */

/* More handles than this are 10 GB: an expanded tensor has any number of rows. */
enum { WG_MAX_PARTS = 1 << 25 };

int wg_count_split(const wg_val *const *x, int nx, const wg_attr *attr) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    int64_t size = attr[0].i;
    int dim;
    if (a->ndim == 0) return wg_fail(WG_RUNTIME_ERROR, "split expects at least a 1-dimensional tensor");
    if (size < 0)
        return wg_fail(WG_RUNTIME_ERROR, "split expects split_size be non-negative, but got split_size=%lld", (long long)size);
    if (wg_wrap_dim(attr[1].i, a->ndim, &dim) < 0) return -1;
    int64_t extent = a->shape[dim];
    if (size == 0 && extent)
        return wg_fail(WG_RUNTIME_ERROR, "split_size can only be 0 if dimension size is 0, but got dimension size of %lld",
                       (long long)extent);
    int64_t count = extent ? (extent - 1) / size + 1 : 1;
    if (count > WG_MAX_PARTS) return wg_fail(WG_MEMORY_ERROR, "split: can't allocate memory for %lld tensors", (long long)count);
    return (int)count;
}

WG_VIEW(split) {
    int n = wg_count_split(x, nx, attr), dim;
    if (n < 0 || wg_wrap_dim(attr[1].i, x[0]->a.ndim, &dim) < 0) return -1;
    int64_t extent = x[0]->a.shape[dim], size = attr[0].i;
    for (int k = 0; k < n; k++) {
        int64_t begin = k * size;
        if (narrow(&y[k], x[0], dim, begin, extent - begin < size ? extent - begin : size, 1) < 0) return -1;
    }
    return 0;
}

int wg_count_split_with_sizes(const wg_val *const *x, int nx, const wg_attr *attr) {
    (void)nx;
    const wg_array *a = &x[0]->a;
    int64_t sum = 0;
    int dim;
    if (a->ndim == 0) return wg_fail(WG_RUNTIME_ERROR, "split expects at least a 1-dimensional tensor");
    if (wg_wrap_dim(attr[1].i, a->ndim, &dim) < 0) return -1;
    for (uint32_t k = 0; k < attr[0].n; k++) {
        if (attr[0].v[k] < 0)
            return wg_fail(WG_RUNTIME_ERROR, "split_with_sizes expects split_sizes have only non-negative entries, but got "
                           "split_sizes=%s", WG_LIST(attr[0].v, attr[0].n));
        if (__builtin_add_overflow(sum, attr[0].v[k], &sum)) { sum = -1; break; }
    }
    if (sum != a->shape[dim])
        return wg_fail(WG_RUNTIME_ERROR, "split_with_sizes expects split_sizes to sum exactly to %lld (input tensor's size at dimension "
                       "%d), but got split_sizes=%s", (long long)a->shape[dim], dim, WG_LIST(attr[0].v, attr[0].n));
    return (int)attr[0].n;
}

WG_VIEW(split_with_sizes) {
    int n = wg_count_split_with_sizes(x, nx, attr), dim;
    if (n < 0 || wg_wrap_dim(attr[1].i, x[0]->a.ndim, &dim) < 0) return -1;
    int64_t begin = 0;
    for (int k = 0; k < n; k++) {
        if (narrow(&y[k], x[0], dim, begin, attr[0].v[k], 1) < 0) return -1;
        begin += attr[0].v[k];
    }
    return 0;
}

int wg_count_unbind(const wg_val *const *x, int nx, const wg_attr *attr) {
    (void)nx;
    int dim;
    if (wg_wrap_dim(attr[0].i, x[0]->a.ndim, &dim) < 0) return -1;
    if (x[0]->a.ndim == 0) return wg_fail(WG_INDEX_ERROR, "Dimension specified as %lld but tensor has no dimensions", (long long)attr[0].i);
    if (x[0]->a.shape[dim] > WG_MAX_PARTS)
        return wg_fail(WG_MEMORY_ERROR, "unbind: can't allocate memory for %lld tensors", (long long)x[0]->a.shape[dim]);
    return (int)x[0]->a.shape[dim];
}

WG_VIEW(unbind) {
    int n = wg_count_unbind(x, nx, attr);
    for (int k = 0; k < n; k++) {
        wg_attr at[2] = {attr[0], WG_INT(k)};
        if (wg_forward_select(x, 1, at, &y[k]) < 0) return -1;
    }
    return n < 0 ? -1 : 0;
}
