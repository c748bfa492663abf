/* The types that every layer below the core shares: dtypes, storage, arrays, attributes, errors.
 *
 * Nothing in csrc/ outside kernels/ knows the instruction set, nothing in kernels/ knows the tape,
 * and nothing here knows Python. */
#ifndef WG_TYPES_H
#define WG_TYPES_H

#include <stddef.h>
#include <stdint.h>

#define WG_MAX_DIMS 24     /* of one tensor; kept inline in the handle, only the first ndim are ever touched */
#define WG_ALIGN 64

#if defined(__GNUC__)
#define WG_LIKELY(x) __builtin_expect(!!(x), 1)
#define WG_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define WG_PRINTF(a, b) __attribute__((format(printf, a, b)))
#define WG_INLINE static inline __attribute__((always_inline))
#define WG_COLD __attribute__((cold, noinline))
#else
#define WG_LIKELY(x) (x)
#define WG_UNLIKELY(x) (x)
#define WG_PRINTF(a, b)
#define WG_INLINE static inline
#define WG_COLD
#endif

/* Whole unrolling of a loop whose few rounds are known where it is inlined. */
#if defined(__clang__)
#define WG_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define WG_UNROLL _Pragma("GCC unroll 16")
#else
#define WG_UNROLL
#endif

/* Around the declarations of a header: variables of other files are then addressed at once, not through a table. */
#if defined(__GNUC__)
#define WG_HIDDEN_BEGIN _Pragma("GCC visibility push(hidden)")
#define WG_HIDDEN_END _Pragma("GCC visibility pop")
#else
#define WG_HIDDEN_BEGIN
#define WG_HIDDEN_END
#endif

/* ---- dtypes: in order of promotion inside each category ------------------------------------ */

typedef enum wg_dtype {
    WG_BOOL = 0, WG_U8, WG_I8, WG_I16, WG_I32, WG_I64, WG_F16, WG_BF16, WG_F32, WG_F64, WG_NDTYPES
} wg_dtype;

extern const uint8_t wg_itemsize[WG_NDTYPES];
extern const char *const wg_dtype_name[WG_NDTYPES];     /* "float32" */
extern const char *const wg_dtype_title[WG_NDTYPES];    /* "Float", as PyTorch's messages spell it */

#define WG_IS_FLOAT(dt) ((dt) >= WG_F16)
#define WG_IS_INT(dt) ((dt) >= WG_U8 && (dt) <= WG_I64)

/* Rank inside PyTorch's promotion: bool < integers < floats. */
WG_INLINE int wg_category(int dt) { return dt == WG_BOOL ? 0 : dt <= WG_I64 ? 1 : 2; }

/* PyTorch's torch.promote_types. */
int wg_promote_types(int a, int b);

/* ---- errors: a kind and a message, per thread; functions that can fail return -1 ------------ */

typedef enum wg_error_kind {
    WG_OK = 0, WG_RUNTIME_ERROR, WG_TYPE_ERROR, WG_VALUE_ERROR, WG_INDEX_ERROR, WG_MEMORY_ERROR,
    WG_NOT_IMPLEMENTED, WG_PYTHON_ERROR /* a Python exception is already set */
} wg_error_kind;

/* Sets the error of this thread and returns -1, so that `return wg_fail(...)` reads well. */
int wg_fail(wg_error_kind kind, const char *format, ...) WG_PRINTF(2, 3);
/* Set by the core: a UserWarning. -1: it is to be raised, and the error is set. Without Python nothing happens. */
extern int (*wg_warn_hook)(const char *text);
int wg_warn(const char *text);
wg_error_kind wg_error(const char **message);           /* what was set last */
void wg_error_clear(void);

/* ---- storage ------------------------------------------------------------------------------- */

/* Counted bytes. Counts are plain integers: the tape lock is held wherever they change. */
typedef struct wg_storage {
    int64_t refs;
    char *data;
    int64_t nbytes;                          /* usable bytes, at least what was asked for */
    int32_t size_class;                      /* of the pool; -1: imported memory */
    uint32_t flags;                          /* WG_STORAGE_* */
    void (*release)(void *owner);            /* imported memory: called once, when refs reaches 0 */
    void *owner;
    struct wg_storage *next;                 /* in the pool's free list */
    int64_t asked;                           /* what the user thinks it holds: bounds of as_strided, untyped_storage().nbytes() */
} wg_storage;

#define WG_STORAGE_READONLY 1u
#define WG_STORAGE_SHARED 4u     /* with forked processes */
#define WG_STORAGE_CAPTURED 2u   /* made while a program captured; its number stands in the bits from here on: */
#define WG_STORAGE_CAPTURE_SHIFT 8

/* A version counter of its own: views and detach() share it, .data and imported memory get a new one. */
typedef struct wg_version {
    int64_t refs;
    uint32_t value;
    uint16_t writer;                         /* op that wrote last, for error messages */
    uint16_t inference;                      /* of memory made in inference mode: never saved, written only there */
} wg_version;

/* ---- arrays: a strided window on a storage ---------------------------------------------------- */

typedef struct wg_array {
    char *data;                              /* first element */
    wg_storage *storage;                     /* NULL: a Python number, whose value stands in `number` */
    int64_t numel;
    uint8_t dtype;
    uint8_t ndim;
    uint8_t contiguous;                      /* row-major and dense (also every array of 0 or 1 elements) */
    uint8_t is_number;                       /* a Python number: weak in type promotion */
    uint32_t unused;
    union { double f; int64_t i; } number;   /* data points here when is_number */
    int64_t shape[WG_MAX_DIMS];
    int64_t strides[WG_MAX_DIMS];            /* in elements, may be 0 or (imported memory only) negative */
} wg_array;

/* ---- attributes: everything an op takes that is not a tensor ----------------------------------- */

typedef enum wg_attr_tag { WG_A_NONE = 0, WG_A_INT, WG_A_FLOAT, WG_A_BOOL, WG_A_INTS, WG_A_PTR } wg_attr_tag;

typedef struct wg_attr {
    union { int64_t i; double f; const int64_t *v; void *p; };
    uint32_t n;                              /* length of v */
    uint8_t tag;                             /* for a Python number: INT, FLOAT or BOOL */
} wg_attr;

#define WG_INT(x) ((wg_attr){.i = (x), .tag = WG_A_INT})
#define WG_FLOAT(x) ((wg_attr){.f = (x), .tag = WG_A_FLOAT})
#define WG_BOOLEAN(x) ((wg_attr){.i = (x), .tag = WG_A_BOOL})
#define WG_INTS(ptr, len) ((wg_attr){.v = (ptr), .n = (uint32_t)(len), .tag = WG_A_INTS})
#define WG_NONE ((wg_attr){.tag = WG_A_NONE})

WG_INLINE double wg_attr_float(wg_attr a) { return a.tag == WG_A_FLOAT ? a.f : (double)a.i; }
WG_INLINE int64_t wg_attr_int(wg_attr a) { return a.tag == WG_A_FLOAT ? (int64_t)a.f : a.i; }

/* ---- kernels ------------------------------------------------------------------------------------ */

/* A structured kernel: whole arrays, outputs first, any strides. It checks nothing but data-dependent
 * facts (an index out of range), for which it returns wg_fail(...). Shapes and dtypes were checked by
 * the op in csrc/ops/. It may use wg_parallel_for and wg_scratch, never malloc. */
typedef int (*wg_kernel_fn)(wg_array *const *op, int nop, const wg_attr *attr);

/* An elementwise loop: n contiguous elements per operand, all of the loop's compute type (comparisons
 * write uint8). Outputs first. Operands may be the same memory, never overlap partly. */
typedef void (*wg_loop_fn)(int64_t n, char *const *p, const wg_attr *attr);

#endif
