/* Products of vectors and matrices.
 *
 * Note [Types of products]
 * The kernels multiply float32, float64 and int64. Half types are multiplied in float32 and smaller integers in int64,
 * in copies, and rounded or wrapped once at the end. */
#include "ops.h"

#define WG_FORWARD(name) int wg_forward_##name(const wg_val *const *x, int nx, const wg_attr *attr, wg_val *y)

/* The names of C++ that PyTorch's messages about products use. */
static const char *const cpp_name[WG_NDTYPES] = {"bool", "unsigned char", "signed char", "short int", "int", "long int", "c10::Half",
                                                 "c10::BFloat16", "float", "double"};

static int product_type(int dtype) { return dtype >= WG_F32 ? dtype : WG_IS_FLOAT(dtype) ? WG_F32 : WG_I64; }

/* y = alpha * a @ b + beta * start, in new memory of that shape. start (NULL: none) has the shape of y, or one that an
 * epilogue takes: (n,). `kernel` is matmul or mv. */
typedef struct product {
    int kernel;
    const wg_array *a, *b, *start;
    wg_attr alpha, beta;
} product;

static int is_one(wg_attr number) { return number.tag == WG_A_NONE || wg_attr_float(number) == 1; }

static int launch(const product *p, wg_array *y) {
    wg_array *a = (wg_array *)p->a, *b = (wg_array *)p->b, *start = (wg_array *)p->start;
    wg_attr scalars[2] = {p->alpha, WG_NONE};
    if (start == NULL) return wg_launch(p->kernel, (wg_array *[]){y, a, b}, 3, scalars, 2);
    if (p->kernel == WG_K_matmul && is_one(p->beta) && start->ndim <= 2)
        return wg_launch(WG_K_addmm_bias, (wg_array *[]){y, a, b, start}, 4, scalars, 2);
    if (wg_copy_array(y, start) < 0) return -1;
    scalars[1] = p->beta;
    return wg_launch(p->kernel, (wg_array *[]){y, a, b}, 3, scalars, 2);
}

/* The same through copies in a type that the kernels have. */
static WG_COLD int launch_widened(const product *p, wg_array *y) {
    wg_val own[4];
    const wg_array *from[3] = {p->a, p->b, p->start};
    product wide = *p;
    int type = product_type(y->dtype), status = 0;
    for (int k = 0; k < 4; k++) wg_val_clear(&own[k]);
    for (int k = 0; k < 3 && status == 0; k++) if (from[k]) status = wg_copy_new(&own[k], type, from[k], 1);
    if (status == 0) status = wg_new(&own[3], type, y->ndim, y->shape);
    wide.a = &own[0].a;
    wide.b = &own[1].a;
    if (p->start) wide.start = &own[2].a;
    if (status == 0) status = launch(&wide, &own[3].a);
    if (status == 0) status = wg_copy_array(y, &own[3].a);
    for (int k = 0; k < 4; k++) wg_val_release(&own[k]);
    return status;
}

static int multiply(const product *p, wg_val *y, int ndim, const int64_t *shape, const char *name) {
    const int dtype = p->a->dtype;
    if (WG_UNLIKELY(dtype == WG_BOOL)) {
        wg_val_clear(y);
        return wg_fail(WG_NOT_IMPLEMENTED, "\"%s\" not implemented for 'Bool'", name);
    }
    if (wg_new(y, dtype, ndim, shape) < 0) return -1;
    return wg_done(y, WG_LIKELY(product_type(dtype) == dtype) ? launch(p, &y->a) : launch_widened(p, &y->a));
}

/* a with its last two dimensions exchanged, for a launch. a has two dimensions. */
static void transposed(wg_array *to, const wg_array *a) {
    memcpy(to, a, offsetof(wg_array, shape));
    to->shape[0] = a->shape[1];
    to->shape[1] = a->shape[0];
    to->strides[0] = a->strides[1];
    to->strides[1] = a->strides[0];
    to->contiguous = (uint8_t)(a->contiguous && (a->shape[0] <= 1 || a->shape[1] <= 1));
}

/* ---- checks ------------------------------------------------------------------------------------------------- */

static int bad_product(const wg_array *a, const wg_array *b) {
    return wg_fail(WG_RUNTIME_ERROR, "mat1 and mat2 shapes cannot be multiplied (%lldx%lld and %lldx%lld)", (long long)a->shape[0],
                   (long long)a->shape[1], (long long)b->shape[0], (long long)b->shape[1]);
}

static int check_batches(const wg_array *a, const wg_array *b) {
    if (a->ndim != 3) return wg_fail(WG_RUNTIME_ERROR, "batch1 must be a 3D tensor");
    if (b->ndim != 3) return wg_fail(WG_RUNTIME_ERROR, "batch2 must be a 3D tensor");
    if (b->shape[0] != a->shape[0] || b->shape[1] != a->shape[2])
        return wg_fail(WG_RUNTIME_ERROR, "Expected size for first two dimensions of batch2 tensor to be: [%lld, %lld] but got: [%lld, %lld].",
                       (long long)a->shape[0], (long long)a->shape[2], (long long)b->shape[0], (long long)b->shape[1]);
    return 0;
}

static int check_same_type(const wg_array *a, const wg_array *b) {
    if (a->dtype == b->dtype) return 0;
    return wg_fail(WG_RUNTIME_ERROR, "expected scalar type %s but found %s", wg_dtype_title[a->dtype], wg_dtype_title[b->dtype]);
}

/* A number that scales integers is cut to one, so it must fit. */
static int check_number(wg_attr number, int dtype) {
    static const char *const c_type[] = {"", "uint8_t", "int8_t", "int16_t", "int32_t", "int64_t"};
    static const double lo[] = {0, -1, -129, -32769, -2147483649.0, -9223372036854777856.0},
                        hi[] = {0, 256, 128, 32768, 2147483648.0, 9223372036854775808.0};
    double v = wg_attr_float(number);
    if (WG_IS_FLOAT(dtype) || dtype == WG_BOOL || (v > lo[dtype] && v < hi[dtype])) return 0;
    return wg_fail(WG_RUNTIME_ERROR, "value cannot be converted to type %s without overflow", c_type[dtype]);
}

/* x in the shape of a product, as torch.expand does it. */
static int start_of(wg_array *start, const wg_val *x, int ndim, const int64_t *shape) {
    if (WG_UNLIKELY(!wg_expandable(&x->a, ndim, shape))) {
        wg_val never;
        wg_attr size[1] = {WG_INTS(shape, ndim)};
        return wg_forward_expand(&x, 1, size, &never) < 0 ? -1 : wg_fail(WG_RUNTIME_ERROR, "shapes cannot be broadcast");
    }
    wg_expanded_array(start, &x->a, ndim, shape);
    return 0;
}

/* ---- products without a start --------------------------------------------------------------------------------- */

/* x, mat2 */
WG_FORWARD(mm) {
    (void)nx, (void)attr;
    const wg_array *a = &x[0]->a, *b = &x[1]->a;
    wg_val_clear(y);
    if (WG_UNLIKELY(a->ndim != 2)) return wg_fail(WG_RUNTIME_ERROR, "self must be a matrix");
    if (WG_UNLIKELY(b->ndim != 2)) return wg_fail(WG_RUNTIME_ERROR, "mat2 must be a matrix");
    if (WG_UNLIKELY(a->shape[1] != b->shape[0])) return bad_product(a, b);
    if (WG_UNLIKELY(a->dtype != b->dtype))
        return wg_fail(WG_RUNTIME_ERROR, "expected m1 and m2 to have the same dtype, but got: %s != %s", cpp_name[a->dtype],
                       cpp_name[b->dtype]);
    product p = {WG_K_matmul, a, b, NULL, WG_NONE, WG_NONE};
    return multiply(&p, y, 2, (int64_t[]){a->shape[0], b->shape[1]}, "addmm_impl_cpu_");
}

/* x, mat2 */
WG_FORWARD(bmm) {
    (void)nx, (void)attr;
    const wg_array *a = &x[0]->a, *b = &x[1]->a;
    wg_val_clear(y);
    if (check_batches(a, b) < 0 || check_same_type(a, b) < 0) return -1;
    product p = {WG_K_matmul, a, b, NULL, WG_NONE, WG_NONE};
    return multiply(&p, y, 3, (int64_t[]){a->shape[0], a->shape[1], b->shape[2]}, "bmm");
}

/* The checks of mat @ vec + input, and of mat @ vec, whose input PyTorch takes for a new vector of vec's type. */
static int check_vector_product(const wg_array *mat, const wg_array *vec, const wg_array *input) {
    int ndim = input ? input->ndim : 1, dtype = input ? input->dtype : vec->dtype;
    if (mat->ndim != 2 || vec->ndim != 1 || ndim > 1)
        return wg_fail(WG_RUNTIME_ERROR, "vector + matrix @ vector expected, got %d, %d, %d", ndim, mat->ndim, vec->ndim);
    int64_t size = input ? input->numel : mat->shape[0];
    if (mat->shape[1] != vec->shape[0] || (size != mat->shape[0] && size != 1))
        return wg_fail(WG_RUNTIME_ERROR, "size mismatch, got input (%lld), mat (%lldx%lld), vec (%lld)", (long long)size,
                       (long long)mat->shape[0], (long long)mat->shape[1], (long long)vec->shape[0]);
    if (mat->dtype != vec->dtype || mat->dtype != dtype)
        return wg_fail(WG_RUNTIME_ERROR, "addmv input tensors must have the same dtype, but got %s, %s, and %s", wg_dtype_title[dtype],
                       wg_dtype_title[mat->dtype], wg_dtype_title[vec->dtype]);
    return 0;
}

/* x, vec */
WG_FORWARD(mv) {
    (void)nx, (void)attr;
    const wg_array *a = &x[0]->a, *b = &x[1]->a;
    wg_val_clear(y);
    if (check_vector_product(a, b, NULL) < 0) return -1;
    product p = {WG_K_mv, a, b, NULL, WG_NONE, WG_NONE};
    return multiply(&p, y, 1, a->shape, "addmv_impl_cpu");
}

/* x, tensor */
WG_FORWARD(dot) {
    (void)nx, (void)attr;
    const wg_array *a = &x[0]->a, *b = &x[1]->a;
    wg_val_clear(y);
    if (a->ndim != 1 || b->ndim != 1)
        return wg_fail(WG_RUNTIME_ERROR, "1D tensors expected, but got %dD and %dD tensors", a->ndim, b->ndim);
    if (a->dtype != b->dtype)
        return wg_fail(WG_RUNTIME_ERROR, "dot : expected both vectors to have same dtype, but found %s and %s", wg_dtype_title[a->dtype],
                       wg_dtype_title[b->dtype]);
    if (a->numel != b->numel)
        return wg_fail(WG_RUNTIME_ERROR, "inconsistent tensor size, expected tensor [%lld] and src [%lld] to have the same number of elements, "
                       "but got %lld and %lld elements respectively", (long long)a->numel, (long long)b->numel, (long long)a->numel,
                       (long long)b->numel);
    product p = {WG_K_dot, a, b, NULL, WG_NONE, WG_NONE};
    return multiply(&p, y, 0, NULL, "dot");
}

/* x, other: of at least two dimensions each */
WG_FORWARD(_matmul) {
    (void)nx, (void)attr;
    const wg_array *a = &x[0]->a, *b = &x[1]->a;
    int64_t shape[WG_MAX_DIMS];
    int n = 0;
    wg_val_clear(y);
    if (a->ndim < 2 || b->ndim < 2)
        return wg_fail(WG_RUNTIME_ERROR, "both arguments to matmul need to be at least 2D here, but they are %dD and %dD", a->ndim, b->ndim);
    wg_array batch[2];
    for (int k = 0; k < 2; k++) {
        const wg_array *from = k ? b : a;
        memcpy(&batch[k], from, offsetof(wg_array, shape));
        batch[k].ndim = (uint8_t)(from->ndim - 2);
        for (int d = 0; d < from->ndim - 2; d++) batch[k].shape[d] = from->shape[d];
    }
    if (wg_broadcast_shapes((const wg_array *const[]){&batch[0], &batch[1]}, 2, &n, shape) < 0) return -1;
    const int64_t *ma = a->shape + a->ndim - 2, *mb = b->shape + b->ndim - 2;
    if (ma[1] != mb[0]) {
        int64_t count = 1;
        for (int d = 0; d < n; d++) count *= shape[d];
        return wg_fail(WG_RUNTIME_ERROR, "Expected size for first two dimensions of batch2 tensor to be: [%lld, %lld] but got: [%lld, %lld].",
                       (long long)count, (long long)ma[1], (long long)count, (long long)mb[0]);
    }
    if (check_same_type(a, b) < 0) return -1;
    shape[n] = ma[0];
    shape[n + 1] = mb[1];
    product p = {WG_K_matmul, a, b, NULL, WG_NONE, WG_NONE};
    return multiply(&p, y, n + 2, shape, "bmm");
}

/* ---- beta * input + alpha * product ---------------------------------------------------------------------------- */

static int add_product(product *p, const wg_val *input, const wg_attr *attr, wg_val *y, int ndim, const int64_t *shape, const char *name) {
    wg_array start;
    if (start_of(&start, input, ndim, shape) < 0) return -1;
    p->beta = attr[0];
    p->alpha = attr[1];
    if (check_number(p->beta, input->a.dtype) < 0 || check_number(p->alpha, input->a.dtype) < 0) return -1;
    int none = WG_IS_FLOAT(input->a.dtype) ? wg_attr_float(p->beta) == 0 : wg_attr_int(p->beta) == 0;
    p->start = none ? NULL : &start;                     /* beta 0: NaN in the input do not count */
    return multiply(p, y, ndim, shape, name);
}

/* x, mat1, mat2; beta, alpha */
WG_FORWARD(addmm) {
    (void)nx;
    const wg_array *input = &x[0]->a, *a = &x[1]->a, *b = &x[2]->a;
    wg_val_clear(y);
    if (a->ndim != 2) return wg_fail(WG_RUNTIME_ERROR, "mat1 must be a matrix, got %d-D tensor", a->ndim);
    if (b->ndim != 2) return wg_fail(WG_RUNTIME_ERROR, "mat2 must be a matrix, got %d-D tensor", b->ndim);
    if (a->shape[1] != b->shape[0]) return bad_product(a, b);
    if (input->dtype != b->dtype)
        return wg_fail(WG_RUNTIME_ERROR, "self and mat2 must have the same dtype, but got %s and %s", wg_dtype_title[input->dtype],
                       wg_dtype_title[b->dtype]);
    if (a->dtype != b->dtype)
        return wg_fail(WG_RUNTIME_ERROR, "mat1 and mat2 must have the same dtype, but got %s and %s", wg_dtype_title[a->dtype],
                       wg_dtype_title[b->dtype]);
    product p = {.kernel = WG_K_matmul, .a = a, .b = b};
    return add_product(&p, x[0], attr, y, 2, (int64_t[]){a->shape[0], b->shape[1]}, "addmm_impl_cpu_");
}

/* x, mat, vec; beta, alpha */
WG_FORWARD(addmv) {
    (void)nx;
    const wg_array *a = &x[1]->a, *b = &x[2]->a;
    wg_val_clear(y);
    if (check_vector_product(a, b, &x[0]->a) < 0) return -1;
    product p = {.kernel = WG_K_mv, .a = a, .b = b};
    return add_product(&p, x[0], attr, y, 1, a->shape, "addmv_impl_cpu");
}

/* x, batch1, batch2; beta, alpha */
WG_FORWARD(baddbmm) {
    (void)nx;
    const wg_array *input = &x[0]->a, *a = &x[1]->a, *b = &x[2]->a;
    wg_val_clear(y);
    if (check_batches(a, b) < 0) return -1;
    if (input->dtype != a->dtype)
        return wg_fail(WG_RUNTIME_ERROR, "Input dtypes must be the same, got: input %s, batch1: %s, batch2: %s", cpp_name[input->dtype],
                       cpp_name[a->dtype], cpp_name[b->dtype]);
    if (check_same_type(a, b) < 0) return -1;
    product p = {.kernel = WG_K_matmul, .a = a, .b = b};
    return add_product(&p, x[0], attr, y, 3, (int64_t[]){a->shape[0], a->shape[1], b->shape[2]}, "baddbmm");
}

/* ---- linear ------------------------------------------------------------------------------------------------------ */

/* How many rows a batch of vectors has. */
static int64_t rows_of(const wg_array *a) {
    int64_t n = 1;
    for (int d = 0; d < a->ndim - 1; d++) n *= a->shape[d];
    return n;
}

static WG_COLD int bad_linear(const wg_val *const *x) {
    const wg_array *a = &x[0]->a, *w = &x[1]->a;
    int given = !wg_val_absent(x[2]);
    if (w->ndim > 2) return wg_fail(WG_RUNTIME_ERROR, "t() expects a tensor with <= 2 dimensions, but self is %dD", w->ndim);
    if (w->ndim < 2) return wg_fail(WG_RUNTIME_ERROR, "mat2 must be a matrix, got %d-D tensor", w->ndim);
    if (a->ndim == 0)
        return wg_fail(WG_RUNTIME_ERROR, "both arguments to linear need to be at least 1D, but they are 0D and %dD", w->ndim);
    if (a->shape[a->ndim - 1] != w->shape[1])
        return wg_fail(WG_RUNTIME_ERROR, "mat1 and mat2 shapes cannot be multiplied (%lldx%lld and %lldx%lld)", (long long)rows_of(a),
                       (long long)a->shape[a->ndim - 1], (long long)w->shape[1], (long long)w->shape[0]);
    if (!given)
        return wg_fail(WG_RUNTIME_ERROR, "expected m1 and m2 to have the same dtype, but got: %s != %s", cpp_name[a->dtype],
                       cpp_name[w->dtype]);
    if (x[2]->a.dtype != w->dtype)
        return wg_fail(WG_RUNTIME_ERROR, "self and mat2 must have the same dtype, but got %s and %s", wg_dtype_title[x[2]->a.dtype],
                       wg_dtype_title[w->dtype]);
    return wg_fail(WG_RUNTIME_ERROR, "mat1 and mat2 must have the same dtype, but got %s and %s", wg_dtype_title[a->dtype],
                   wg_dtype_title[w->dtype]);
}

/* x, weight, bias. The kernel merges leading dimensions of x into rows where its strides allow that. */
WG_FORWARD(linear) {
    (void)nx, (void)attr;
    const wg_array *a = &x[0]->a, *w = &x[1]->a, *bias = wg_val_absent(x[2]) ? NULL : &x[2]->a;
    wg_array columns, row, start;
    int64_t shape[WG_MAX_DIMS];
    int ndim = a->ndim;
    wg_val_clear(y);
    if (WG_UNLIKELY(w->ndim != 2 || ndim == 0 || a->shape[ndim - 1] != w->shape[1] || a->dtype != w->dtype ||
                    (bias && bias->dtype != w->dtype)))
        return bad_linear(x);
    const int64_t out = w->shape[0];
    transposed(&columns, w);
    if (bias && WG_UNLIKELY(bias->ndim != 1 || bias->shape[0] != out)) {
        int64_t flat[2] = {rows_of(a), out};
        int lead = bias->ndim == 2 && bias->shape[0] == 1 && ndim != 2;     /* (1, out) with vectors or batches of matrices */
        if (start_of(&start, x[2], 2, flat) < 0) return -1;
        if (bias->ndim == 2 && ndim != 2 && !lead)
            return wg_fail(WG_RUNTIME_ERROR, "a bias of shape %s needs an input of two dimensions, but got %d", WG_SHAPE(bias), ndim);
        if (ndim != 2) {
            start.ndim = 1;
            start.shape[0] = out;
            start.strides[0] = start.strides[1];
        }
        bias = &start;
    }
    for (int d = 0; d < ndim; d++) shape[d] = a->shape[d];
    shape[ndim - 1] = out;
    product p = {WG_K_matmul, a, &columns, bias, WG_NONE, WG_NONE};
    if (ndim > 1) return multiply(&p, y, ndim, shape, "addmm_impl_cpu_");
    memcpy(&row, a, offsetof(wg_array, shape));
    wg_array_set_dims(&row, 2, (int64_t[]){1, a->shape[0]}, (int64_t[]){a->shape[0] * a->strides[0], a->strides[0]});
    p.a = &row;
    if (multiply(&p, y, 2, (int64_t[]){1, out}, "addmm_impl_cpu_") < 0) return -1;
    wg_array_set_dims(&y->a, 1, &out, NULL);
    return 0;
}

/* (*, n) as (rows, n): a window where the leading dimensions follow each other, else a copy in *own, which the caller
 * releases. */
static int flatten(wg_array *to, wg_val *own, const wg_val *v) {
    const wg_array *a = &v->a;
    wg_val_clear(own);
    int64_t shape[2] = {1, a->shape[a->ndim - 1]}, strides[2] = {0, a->strides[a->ndim - 1]};
    int fits = 1;
    for (int d = a->ndim - 2; d >= 0; d--) {
        if (a->shape[d] != 1) {
            if (shape[0] == 1) strides[0] = a->strides[d];
            else if (a->strides[d] != shape[0] * strides[0]) fits = 0;
        }
        shape[0] *= a->shape[d];
    }
    if (!fits) {
        if (wg_copy_new(own, a->dtype, a, 1) < 0) return -1;
        a = &own->a;
        strides[0] = shape[1];
        strides[1] = 1;
    }
    memcpy(to, a, offsetof(wg_array, shape));
    wg_array_set_dims(to, 2, shape, strides);
    return 0;
}

/* gx[i] = a @ b, of shape [m, n]; added to what stands there where that gives the bits of adding afterwards: BLAS then
 * goes through the depth in one piece, and adds each element's sum once. */
int wg_product_gradient(wg_vjp_call *c, int i, const wg_array *a, const wg_array *b) {
    enum { ONE_PIECE = 128 };
    const int64_t shape[2] = {a->shape[0], b->shape[1]};
    const int exact = shape[0] > 1 && shape[1] > 1 && a->shape[1] <= ONE_PIECE;
    product p = {WG_K_matmul, a, b, NULL, WG_NONE, WG_NONE};
    wg_array *sum = exact ? wg_vjp_sum(c, i, a->dtype, 2, shape) : NULL;
    if (sum) return wg_launch(WG_K_matmul, (wg_array *[]){sum, (wg_array *)a, (wg_array *)b}, 3, (wg_attr[]){WG_NONE, WG_INT(1)}, 2);
    return multiply(&p, &c->gx[i], 2, shape, "addmm_impl_cpu_");
}

/* x: g @ mat2.T; mat2: x.T @ g */
int wg_vjp_kernel_mm(wg_vjp_call *c) {
    const wg_array *g = &c->g[0]->a;
    wg_array columns;
    if (WG_UNLIKELY(product_type(g->dtype) != g->dtype)) return c->op->vjp_formula(c);
    if (c->want[0]) {
        transposed(&columns, &c->x[1]->a);
        if (wg_product_gradient(c, 0, g, &columns) < 0) return -1;
    }
    if (c->want[1]) {
        transposed(&columns, &c->x[0]->a);
        if (wg_product_gradient(c, 1, &columns, g) < 0) return -1;
    }
    return 0;
}

/* x: g @ weight; weight: g.T @ x; bias: the sum of g over all but the last dimension. */
int wg_vjp_kernel_linear(wg_vjp_call *c) {
    const wg_val *g = c->g[0];
    wg_val own[2];
    wg_array h, rows, columns;
    const wg_array *x = &c->x[0]->a, *w = &c->x[1]->a;
    int status = 0;
    if (WG_UNLIKELY(product_type(g->a.dtype) != g->a.dtype)) return c->op->vjp_formula(c);
    wg_val_clear(&own[0]);
    wg_val_clear(&own[1]);
    if (c->want[0] || c->want[1]) status = flatten(&h, &own[0], g);
    if (status == 0 && c->want[0]) {
        status = wg_product_gradient(c, 0, &h, w);
        if (status == 0 && x->ndim != 2) wg_array_set_dims(&c->gx[0].a, x->ndim, x->shape, NULL);
    }
    if (status == 0 && c->want[1]) {
        status = flatten(&rows, &own[1], c->x[0]);
        transposed(&columns, &h);
        if (status == 0) status = wg_product_gradient(c, 1, &columns, &rows);
    }
    if (status == 0 && c->want[2]) {
        if (wg_same_shape(&g->a, &c->x[2]->a)) wg_val_share(&c->gx[2], g);
        else status = wg_sum_to(g, c->x[2]->a.ndim, c->x[2]->a.shape, &c->gx[2]);
    }
    wg_val_release(&own[0]);
    wg_val_release(&own[1]);
    return status;
}
