/* Matrix products: out = beta*out + alpha * a @ b, over any strides and any number of batch dimensions.
 *
 *     matmul       out, a, b           attr alpha, beta: always two, WG_NONE stands for 1 and 0
 *     mv           out, a, x           the same for a [m, k], x [k], out [m]
 *     addmm_bias   out, a, b, bias     the same; bias of shape (n,) or (m, n) by strides is added at the end
 *
 * out is [..., m, n], a [..., m, k], b [..., k, n]; batch dimensions of a and b may be missing, of size 1 or of
 * stride 0. float32 and float64 go through BLAS, int64 through plain loops that wrap around; all operands have one
 * dtype. out overlaps neither a nor b. With beta == 0 out is not read, so it may hold NaN; k == 0 makes a @ b zero.
 *
 * Note [Bits of products]
 * ~~~~~~~~~~~~~~~~~~~~~~~
 * What BLAS is called with depends on shapes and strides only, never on the number of threads: a large product
 * is cut into tiles of out, k is never split, and one thread computes the same tiles as many. So the same
 * operands give the same bits at any number of threads, for one ISA level and one set of BLAS kernels.
 *
 * Layouts: BLAS takes a matrix whose rows or whose columns are contiguous, at any distance from each other. What
 * is neither is copied to scratch memory first, without its broadcast batches; a column-major out is computed as
 * transpose(b) @ transpose(a). Batches of a that follow each other like rows, with one b for all, become rows. A
 * vector operand is a matrix with one row or column; products with a vector go through gemv, at any stride.
 *
 * Epilogues: what is added to a tile is added in product_tile, after the product and while the tile is in cache, with
 * the bits of a launch of its own. An activation would stand there too, behind the bias.
 *
 * Kernels of our own are for products with few rows or columns against a large matrix, and for batches of tiny ones (Note
 * [Narrow products] in matmul_narrow.h); at levels with 512-bit registers also for large ones and for those whose b is transposed
 * (Note [Panel products] in matmul_panels_typed.h): BLAS reaches 215 to 240 GF/s there where these reach 255 to 270. Other small
 * ones are BLAS's: its AVX-512 set takes 24 ns at 8x8x8 and 0.2 us at 64x4x64. */
#include "wg_kernel.h"
#include "wg_blas.h"
#include "kernels/vector512.h"

#include <limits.h>
#include <string.h>

typedef struct matrix {
    char *data;
    int64_t rs, cs;                     /* strides of rows and columns, in elements */
    int64_t bs[WG_MAX_DIMS];            /* of the batch dimensions */
    int64_t ld;                         /* BLAS's leading dimension, or the increment of a vector */
    int trans;                          /* BLAS's WG_BLAS_NO_TRANS: rows contiguous, WG_BLAS_TRANS: columns */
    void *scratch;                      /* to put back */
} matrix;

typedef struct scalar { double d_value; float s_value; uint64_t i_value; } scalar;  /* one number in every type */

enum { BY_LOOP, BY_GEMM, BY_GEMV, BY_DOTS, BY_ROWS, BY_TINY, BY_PANELS };
enum {
    SMALL_WORK = 1 << 22,               /* multiplications: a product below is one tile */
    NARROW_ROWS = 8,                    /* Note [Narrow products]: at most so many rows, against so many elements of b */
    NARROW_SIZE = 1 << 16,
    TINY_WORK = 64,                     /* multiplications of one item of a batch */
    BIASED_TILE = 1 << 15               /* elements of out that wait in cache for their bias */
};

typedef struct product {
    int64_t m, n, k;
    int nbatch;
    int64_t batch[WG_MAX_DIMS], items;  /* batch dimensions, coalesced, and their product */
    matrix a, b, c;
    const char *bias;                   /* NULL: none */
    int64_t bias_rs, bias_cs;
    scalar alpha, beta;
    int dtype, method;
    int64_t parts_m, parts_n, tile_m, tile_n;
    const wg_blas *blas;
} product;

typedef struct copy {
    const product *p;                   /* for the batch dimensions */
    matrix from, to;
    int64_t rows, cols;
} copy;

WG_INLINE int64_t batch_offset(const product *p, const matrix *x, int64_t item) {
    if (WG_LIKELY(p->nbatch <= 1)) return p->nbatch ? item * x->bs[0] : 0;
    int64_t offset = 0;
    for (int d = p->nbatch - 1; d >= 0; d--) {
        offset += item % p->batch[d] * x->bs[d];
        item /= p->batch[d];
    }
    return offset;
}

#if WG_VECTOR_BYTES == 64
/* A block of k of a product by register tiles: Note [Panel products]. */
typedef struct panels {
    const product *p;
    int64_t first_k, k, first_lane, lanes;   /* of the block, in the product */
    void *packed, *rows;             /* NULL: b, a as it is */
    int add, last, far;              /* far: b is not in the caches of one core, so the next columns are fetched ahead */
    int64_t parts_n, tile_m, tile_n;
} panels;
#endif

#define T float
#define V(name) name##_float32
#define N(name) s_##name
#define FMA WG_FMAF
#define GEMM sgemm
#define GEMV sgemv
#include "kernels/matmul_typed.h"

#define T double
#define V(name) name##_float64
#define N(name) d_##name
#define FMA WG_FMA
#define GEMM dgemm
#define GEMV dgemv
#include "kernels/matmul_typed.h"

#define T uint64_t
#define N(name) i_##name
#include "kernels/matmul_typed.h"

typedef void (*range_fn)(void *context, int64_t begin, int64_t end);
WG_INLINE range_fn for_type(int dtype, range_fn s, range_fn d, range_fn i) {
    return dtype == WG_F32 ? s : dtype == WG_F64 ? d : i;
}

/* ---- reading the operands ---------------------------------------------------------------------- */

static void read_matrix(matrix *x, const wg_array *array, int nbatch, const int64_t *batch) {
    const int nd = array->ndim;
    x->data = array->data;
    x->rs = array->strides[nd - 2];
    x->cs = array->strides[nd - 1];
    x->scratch = NULL;
    for (int d = 0; d < nbatch; d++) {
        const int from = d - nbatch + nd - 2;
        x->bs[d] = from < 0 || (array->shape[from] == 1 && batch[d] != 1) ? 0 : array->strides[from];
    }
}

static void drop_batch_dim(product *p, int d) {
    p->nbatch--;
    for (int e = d; e < p->nbatch; e++) {
        p->batch[e] = p->batch[e + 1];
        p->a.bs[e] = p->a.bs[e + 1];
        p->b.bs[e] = p->b.bs[e + 1];
        p->c.bs[e] = p->c.bs[e + 1];
    }
}

/* Batch dimensions of size 1 go; neighbours that all three operands step through evenly become one. */
static void coalesce_batches(product *p) {
    for (int d = p->nbatch - 1; d >= 0; d--) {
        const int64_t n = d + 1 < p->nbatch ? p->batch[d + 1] : 0;
        if (p->batch[d] == 1) {
            drop_batch_dim(p, d);
        } else if (n && p->a.bs[d] == n * p->a.bs[d + 1] && p->b.bs[d] == n * p->b.bs[d + 1]
                   && p->c.bs[d] == n * p->c.bs[d + 1]) {
            p->batch[d + 1] *= p->batch[d];
            drop_batch_dim(p, d);
        }
    }
    for (int d = 0; d < p->nbatch; d++) p->items *= p->batch[d];
}

static void swap_operands(product *p) {
    matrix t = p->a;
    p->a = p->b;
    p->b = t;
    matrix *const all[] = {&p->a, &p->b, &p->c};
    for (int i = 0; i < 3; i++) {
        const int64_t rs = all[i]->rs;
        all[i]->rs = all[i]->cs;
        all[i]->cs = rs;
    }
    int64_t x = p->m;
    p->m = p->n;
    p->n = x;
    x = p->bias_rs;
    p->bias_rs = p->bias_cs;
    p->bias_cs = x;
}

/* The last batch dimension becomes rows when b is the same for all of it, and the rows of a and of out go on evenly. */
static void merge_rows(product *p) {
    while (p->nbatch > 0) {
        const int d = p->nbatch - 1;
        if (p->b.bs[d] != 0 || p->bias_rs != 0) return;
        if (p->m == 1) {
            p->a.rs = p->a.bs[d];
            p->c.rs = p->c.bs[d];
        } else if (p->a.bs[d] != p->m * p->a.rs || p->c.bs[d] != p->m * p->c.rs) {
            return;
        }
        p->m *= p->batch[d];
        p->items /= p->batch[d];
        p->nbatch--;
    }
}

/* ---- layouts that BLAS takes --------------------------------------------------------------------- */

WG_INLINE int is_ld(int64_t ld, int64_t least) { return ld >= least && ld >= 1 && ld <= INT_MAX; }

/* Rows contiguous: WG_BLAS_NO_TRANS, columns contiguous: WG_BLAS_TRANS, neither: 0. A dimension of size 1 has no
 * stride that matters. */
WG_INLINE int layout(int64_t rs, int64_t cs, int64_t rows, int64_t cols, int64_t *ld) {
    *ld = rows == 1 ? cols : rs;
    if ((cs == 1 || cols == 1) && is_ld(*ld, cols)) return WG_BLAS_NO_TRANS;
    *ld = cols == 1 ? rows : cs;
    return (rs == 1 || rows == 1) && is_ld(*ld, rows) ? WG_BLAS_TRANS : 0;
}

static int fits_gemm(matrix *x, int64_t rows, int64_t cols) {
    x->trans = layout(x->rs, x->cs, rows, cols, &x->ld);
    return x->trans != 0;
}

static int fits_vector(matrix *x, int64_t n) {
    x->ld = n == 1 ? 1 : x->rs;
    return is_ld(x->ld, 1);
}

/* Describes a dense matrix in scratch memory, with one copy of each batch of x that is not a broadcast. The
 * contiguous dimension is the one of x's smaller stride. */
static int scratch_like(const product *p, matrix *to, const matrix *x, int64_t rows, int64_t cols) {
    const int64_t rs = x->rs < 0 ? -x->rs : x->rs, cs = x->cs < 0 ? -x->cs : x->cs;
    int64_t size, nbytes;
    int overflow = __builtin_mul_overflow(rows, cols, &size); /* a broadcast may describe more than fits */
    *to = *x;
    if (rs < cs) { to->rs = 1; to->cs = rows; } else { to->rs = cols; to->cs = 1; }
    for (int d = p->nbatch - 1; d >= 0; d--) {
        to->bs[d] = x->bs[d] == 0 ? 0 : size;
        if (x->bs[d] != 0) overflow |= __builtin_mul_overflow(size, p->batch[d], &size);
    }
    overflow |= __builtin_mul_overflow(size, (int64_t)wg_itemsize[p->dtype], &nbytes);
    if (overflow) return wg_fail(WG_MEMORY_ERROR, "matmul: no memory for a dense copy of an operand");
    to->data = to->scratch = wg_scratch_get(nbytes);
    return to->scratch ? 0 : -1;
}

static void copy_matrices(const product *p, const matrix *to, const matrix *from, int64_t rows, int64_t cols) {
    product batches = *p; /* broadcast dimensions count once */
    batches.items = 1;
    for (int d = 0; d < p->nbatch; d++) {
        if (from->bs[d] == 0) batches.batch[d] = 1;
        batches.items *= batches.batch[d];
    }
    copy q = {&batches, *from, *to, rows, cols};
    if (from->rs * from->rs < from->cs * from->cs) { /* the inner loop runs along the smaller stride */
        q = (copy){&batches, *from, *to, cols, rows};
        q.from.rs = from->cs; q.from.cs = from->rs;
        q.to.rs = to->cs; q.to.cs = to->rs;
    }
    wg_parallel_for(batches.items * q.rows, 1, 0.5 * (double)q.cols,
                    for_type(p->dtype, s_copy_range, d_copy_range, i_copy_range), &q);
}

static int copy_in(product *p, matrix *x, int64_t rows, int64_t cols) {
    matrix to;
    if (scratch_like(p, &to, x, rows, cols) < 0) return -1;
    copy_matrices(p, &to, x, rows, cols);
    *x = to;
    return 0;
}

/* Packs the rows of a narrow product into scratch. */
static int pack_rows(product *p) {
    const int64_t lanes = 64 / wg_itemsize[p->dtype], padded = (p->k + lanes - 1) / lanes * lanes;
    char *to = wg_scratch_get(p->m * padded * wg_itemsize[p->dtype]);
    if (!to) return -1;
    for (int64_t i = 0; i < p->m; i++) {
        if (p->dtype == WG_F32) s_pack_row(p, (float *)p->a.data + i * p->a.rs, p->a.cs, (float *)to + i * padded, padded);
        else d_pack_row(p, (double *)p->a.data + i * p->a.rs, p->a.cs, (double *)to + i * padded, padded);
    }
    p->a.data = p->a.scratch = to;
    p->a.rs = padded;
    p->a.cs = 1;
    return 0;
}

/* Few rows against a large b, or few columns against a large a: 1 if so, with operands swapped to make it rows. */
static int make_narrow(product *p) {
    if (p->items != 1 || p->dtype == WG_I64 || p->m == 1 || p->n == 1 || p->k < 16) return 0;
    /* the folds of eight sums are worth it from so many additions on, where there are register tiles */
    const int64_t few = WG_VECTOR_BYTES == 64 && p->k < 1024 ? NARROW_ROWS / 2 : NARROW_ROWS;
    if (p->n <= few && p->m > NARROW_ROWS && p->a.cs == 1 && p->m * p->k >= NARROW_SIZE) swap_operands(p);
    if (p->m > NARROW_ROWS || p->n <= NARROW_ROWS || p->n * p->k < NARROW_SIZE) return 0;
    if (WG_VECTOR_BYTES == 64 && p->b.rs != 1 && p->m > NARROW_ROWS / 2) return 0;         /* register tiles read b where it is, too */
    p->method = p->b.rs == 1 ? BY_DOTS : p->b.cs == 1 && p->c.cs == 1 ? BY_ROWS : BY_LOOP;
    return p->method != BY_LOOP;
}

/* A batch of products for which even BLAS's checks take long. */
static int is_tiny(product *p) {
    if (p->items < 2 || p->items > INT_MAX || p->dtype == WG_I64 || p->k < 1 || p->k > 4 || p->m * p->n > TINY_WORK / 4 || p->m * p->n * p->k > TINY_WORK) return 0;
    if (p->n > 1 && p->k > 2 && p->a.cs == 1 && p->b.cs == 1) return 0;     /* these it has small kernels for */
    p->method = BY_TINY;
    return 1;
}

/* Chooses the BLAS function and brings a and b into a layout that it takes; c's was chosen before. */
static int prepare_operands(product *p) {
    p->method = BY_LOOP;
    if (p->dtype == WG_I64 || p->k > INT_MAX || p->k == 0) return 0;
    p->blas = wg_blas_get();
    if (!p->blas) return -1;
    if (p->n == 1) {
        if (!fits_vector(&p->b, p->k) && copy_in(p, &p->b, p->k, 1) < 0) return -1;
        p->method = fits_vector(&p->b, p->k) && fits_vector(&p->c, p->m) ? BY_GEMV : BY_LOOP;
    } else {
        if (!fits_gemm(&p->b, p->k, p->n) && copy_in(p, &p->b, p->k, p->n) < 0) return -1;
        p->method = fits_gemm(&p->b, p->k, p->n) ? BY_GEMM : BY_LOOP;
    }
    if (!fits_gemm(&p->a, p->m, p->k) && copy_in(p, &p->a, p->m, p->k) < 0) return -1;
    if (!fits_gemm(&p->a, p->m, p->k)) p->method = BY_LOOP;
    return 0;
}

/* ---- tiles -------------------------------------------------------------------------------------------- */

static void split(int64_t n, int64_t edge, int64_t *parts, int64_t *tile) {
    if (edge < 16) edge = 16;
    *parts = (n + edge / 2) / edge;
    if (*parts < 1) *parts = 1;
    *tile = (n / *parts + (n % *parts != 0) + 15) / 16 * 16;
    *parts = n / *tile + (n % *tile != 0);
}

/* Note [Bits of products]: by shape only. Tiles of 256x256 cost about 5 % at one thread, of 512x512 3 %; below
 * SMALL_WORK multiplications (some 30 microseconds) there is little to share. */
static void choose_tiles(product *p) {
    const double work = (double)p->m * (double)p->n * (double)p->k;
    p->parts_m = p->parts_n = 1;
    p->tile_m = p->m;
    p->tile_n = p->n;
    if (p->method == BY_TINY) return;
    if (p->method == BY_DOTS || p->method == BY_ROWS) {       /* memory-bound: strips of 2^17 elements of b */
        const int64_t strip = (1 << 17) / p->k;
        split(p->n, strip < 64 ? 64 : strip, &p->parts_n, &p->tile_n);
        return;
    }
    if (p->method == BY_GEMV) {
        /* memory-bound: strips of 2^17 elements of a, and where they cut its rows, pieces of rows of 4 KB at least */
        const int64_t strip = (1 << 17) / p->k, least = p->a.trans == WG_BLAS_TRANS ? 1024 : 64;
        if (work >= 1 << 18) split(p->m, strip < least ? least : strip, &p->parts_m, &p->tile_m);
        return;
    }
    if (work < SMALL_WORK) {
        if (p->bias && p->n <= BIASED_TILE / 16 && p->m * p->n > BIASED_TILE) split(p->m, BIASED_TILE / p->n, &p->parts_m, &p->tile_m);
        return;
    }
    for (int64_t edge = 512; edge >= 256; edge -= 128) { /* the largest that makes four tiles */
        split(p->m, edge, &p->parts_m, &p->tile_m);
        split(p->n, edge, &p->parts_n, &p->tile_n);
        if (p->parts_m * p->parts_n >= 4) return;
    }
    if (p->parts_m * p->parts_n == 1) {
        if (p->m > p->n) split(p->m, p->m / 2, &p->parts_m, &p->tile_m);
        else split(p->n, p->n / 2, &p->parts_n, &p->tile_n);
    }
}

/* Estimated nanoseconds of one tile, for the threading threshold. */
static double tile_cost(const product *p) {
    const double work = (double)p->tile_m * (double)p->tile_n * (double)p->k;
    const double each = p->method == BY_LOOP ? 0.25 : p->method == BY_GEMM ? 0.01 : p->method == BY_TINY ? 0.3 : 0.03;
    return 20 + work * (p->dtype == WG_F64 ? 2 * each : each);
}

WG_INLINE void run_tile(const product *p) {
    if (p->dtype == WG_F32) s_product_tile(p, 0, 0, 0, p->m, p->n);
    else if (p->dtype == WG_F64) d_product_tile(p, 0, 0, 0, p->m, p->n);
    else i_product_tile(p, 0, 0, 0, p->m, p->n);
}

#if WG_VECTOR_BYTES == 64
#include "kernels/matmul_panels.h"
#else
WG_INLINE int choose_panels(product *p) { (void)p; return 0; }
static int run_panels(product *p) { (void)p; return 0; }
#endif

/* ---- kernels ---------------------------------------------------------------------------------------------- */

static int run(product *p) {
    int status;
    if (make_narrow(p)) status = pack_rows(p);
    else if (is_tiny(p)) status = 0;
    else status = prepare_operands(p);
    if (status == 0 && choose_panels(p)) {
        status = run_panels(p);
    } else if (status == 0) {
        choose_tiles(p);
        if (p->items == 1 && p->parts_m * p->parts_n == 1) run_tile(p);
        else wg_parallel_for(p->items * p->parts_m * p->parts_n, 1, tile_cost(p),
                        for_type(p->dtype, s_product_range, d_product_range, i_product_range), p);
    }
    if (p->b.scratch) wg_scratch_put(p->b.scratch);
    if (p->a.scratch) wg_scratch_put(p->a.scratch);
    return status;
}

/* An out that is neither row- nor column-major is computed in scratch memory and copied. */
static int run_through_scratch(product *p) {
    matrix out = p->c, dense;
    if (scratch_like(p, &dense, &out, p->m, p->n) < 0) return -1;
    if (p->beta.d_value != 0) copy_matrices(p, &dense, &out, p->m, p->n);
    p->c = dense;
    const int64_t m = p->m, n = p->n;
    if (n > 1 && !(fits_gemm(&p->c, m, n) && p->c.trans == WG_BLAS_NO_TRANS)) {
        swap_operands(p);
        fits_gemm(&p->c, p->m, p->n);
    }
    int status = run(p);
    if (status == 0) copy_matrices(p, &out, &dense, m, n);
    wg_scratch_put(dense.scratch);
    return status;
}

static void read_scalars(product *p, const wg_attr *attr) {
    const wg_attr alpha = attr[0].tag == WG_A_NONE ? WG_INT(1) : attr[0], beta = attr[1].tag == WG_A_NONE ? WG_INT(0) : attr[1];
    p->alpha.d_value = wg_attr_float(alpha);
    p->beta.d_value = wg_attr_float(beta);
    p->alpha.s_value = (float)p->alpha.d_value;
    p->beta.s_value = (float)p->beta.d_value;
    p->alpha.i_value = p->beta.i_value = 0;
    if (p->dtype != WG_I64) return; /* a float that int64 cannot hold must not be converted */
    p->alpha.i_value = (uint64_t)wg_attr_int(alpha);
    p->beta.i_value = (uint64_t)wg_attr_int(beta);
}

/* The commonest case without the machinery: one small product of matrices that BLAS takes as they are. Fills in what
 * `run` would; returns 0 when it is not that case. */
WG_INLINE int is_plain(product *p, const wg_array *out, const wg_array *a, const wg_array *b) {
    if (p->m < 2 || p->n < 2 || p->k < 1 || p->m >= SMALL_WORK || p->n >= SMALL_WORK || p->k >= SMALL_WORK
        || p->m * p->n >= SMALL_WORK || p->m * p->n * p->k >= SMALL_WORK || p->dtype == WG_I64)
        return 0;
    if (((p->m <= NARROW_ROWS || p->n <= NARROW_ROWS) && (p->m > p->n ? p->m : p->n) * p->k >= NARROW_SIZE)
        || (p->bias && p->m * p->n > BIASED_TILE))
        return 0;
    p->a.trans = layout(a->strides[0], a->strides[1], p->m, p->k, &p->a.ld);
    p->b.trans = layout(b->strides[0], b->strides[1], p->k, p->n, &p->b.ld);
    p->c.trans = layout(out->strides[0], out->strides[1], p->m, p->n, &p->c.ld);
    if (!p->a.trans || !p->b.trans || p->c.trans != WG_BLAS_NO_TRANS || !(p->blas = wg_blas_get())) return 0;
    p->a.data = a->data;
    p->b.data = b->data;
    p->c.data = out->data;
    p->c.rs = out->strides[0];
    p->c.cs = out->strides[1];
    p->method = BY_GEMM;
    if (choose_panels(p)) return 1;
    p->a.rs = p->b.cs = 0; /* the one tile begins at the first element */
    return 1;
}

static int multiply(const wg_array *out, const wg_array *a, const wg_array *b, const wg_array *bias, const wg_attr *attr) {
    product p;
    p.dtype = out->dtype;
    p.nbatch = out->ndim - 2;
    p.m = out->shape[p.nbatch];
    p.n = out->shape[p.nbatch + 1];
    p.k = a->shape[a->ndim - 1];
    if (out->numel == 0) return 0;
    read_scalars(&p, attr);
    p.bias = bias ? bias->data : NULL;
    p.bias_cs = bias ? bias->strides[bias->ndim - 1] : 0;
    p.bias_rs = bias && bias->ndim > 1 ? bias->strides[bias->ndim - 2] : 0;
    p.items = 1;
    if (p.nbatch == 0 && a->ndim == 2 && b->ndim == 2 && is_plain(&p, out, a, b)) {
        if (p.method == BY_PANELS) return run_panels(&p);
        run_tile(&p);
        return 0;
    }
    for (int d = 0; d < p.nbatch; d++) p.batch[d] = out->shape[d];
    read_matrix(&p.a, a, p.nbatch, p.batch);
    read_matrix(&p.b, b, p.nbatch, p.batch);
    read_matrix(&p.c, out, p.nbatch, p.batch);
    if (p.nbatch) {
        coalesce_batches(&p);
        merge_rows(&p);
    }
    if (p.m == 1 && p.n != 1) swap_operands(&p); /* a vector times a matrix */
    if (p.n == 1 && fits_vector(&p.c, p.m)) return run(&p);
    if (!fits_gemm(&p.c, p.m, p.n)) return run_through_scratch(&p);
    if (p.c.trans == WG_BLAS_TRANS) {
        swap_operands(&p);
        merge_rows(&p);
        fits_gemm(&p.c, p.m, p.n);
    }
    return run(&p);
}

int WG_K(matmul)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    return multiply(op[0], op[1], op[2], NULL, attr);
}

int WG_K(mv)(wg_array *const *op, int nop, const wg_attr *attr) {
    (void)nop;
    const wg_array *out = op[0], *a = op[1], *x = op[2];
    product p;
    p.dtype = out->dtype;
    p.nbatch = 0;
    p.items = p.n = 1;
    p.m = a->shape[0];
    p.k = a->shape[1];
    if (p.m == 0) return 0;
    p.a = (matrix){.data = a->data, .rs = a->strides[0], .cs = a->strides[1]};
    p.b = (matrix){.data = x->data, .rs = x->strides[0], .cs = 1};
    p.c = (matrix){.data = out->data, .rs = out->strides[0], .cs = 1};
    p.bias = NULL;
    p.bias_rs = p.bias_cs = 0;
    read_scalars(&p, attr);
    return fits_vector(&p.c, p.m) ? run(&p) : run_through_scratch(&p);
}

int WG_K(addmm_bias)(wg_array *const *op, int nop, const wg_attr *attr) {
    return multiply(op[0], op[1], op[2], nop > 3 ? op[3] : NULL, attr);
}
