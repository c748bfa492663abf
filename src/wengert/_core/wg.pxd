# What the core needs of the runtime: csrc/*.h, said once for Cython.
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "wg_types.h" nogil:
    enum:
        WG_MAX_DIMS
        WG_BOOL
        WG_U8
        WG_I8
        WG_I16
        WG_I32
        WG_I64
        WG_F16
        WG_BF16
        WG_F32
        WG_F64
        WG_NDTYPES
        WG_STORAGE_READONLY
        WG_STORAGE_SHARED
        WG_A_NONE
        WG_A_INT
        WG_A_FLOAT
        WG_A_BOOL
        WG_A_INTS
        WG_A_PTR
    const uint8_t wg_itemsize[]
    const char *wg_dtype_name[]
    const char *wg_dtype_title[]
    int WG_IS_FLOAT(int)
    int wg_category(int)
    int wg_promote_types(int, int)
    ctypedef enum wg_error_kind:
        WG_OK
        WG_RUNTIME_ERROR
        WG_TYPE_ERROR
        WG_VALUE_ERROR
        WG_INDEX_ERROR
        WG_MEMORY_ERROR
        WG_NOT_IMPLEMENTED
        WG_PYTHON_ERROR
    int wg_fail(wg_error_kind, const char *, ...)
    wg_error_kind wg_error(const char **)
    void wg_error_clear()
    ctypedef struct wg_storage:
        int64_t refs
        char *data
        int64_t nbytes
        int64_t asked
        int32_t size_class
        uint32_t flags
        void *owner
    ctypedef struct wg_version:
        int64_t refs
        uint32_t value
        uint16_t writer
        uint16_t inference
    ctypedef union wg_number_value:
        double f
        int64_t i
    ctypedef struct wg_array:
        char *data
        wg_storage *storage
        int64_t numel
        uint8_t dtype
        uint8_t ndim
        uint8_t contiguous
        uint8_t is_number
        wg_number_value number
        int64_t shape[WG_MAX_DIMS]
        int64_t strides[WG_MAX_DIMS]
    ctypedef struct wg_attr:
        int64_t i
        double f
        const int64_t *v
        void *p
        uint32_t n
        uint8_t tag
    wg_attr WG_INT(int64_t)
    wg_attr WG_FLOAT(double)
    wg_attr WG_BOOLEAN(int)
    wg_attr WG_INTS(const int64_t *, int)
    wg_attr WG_NONE
    double wg_attr_float(wg_attr)

cdef extern from "wg_storage.h" nogil:
    wg_storage *wg_storage_new(int64_t)
    void wg_storage_drop(wg_storage *)
    wg_version *wg_version_new()
    void wg_version_drop(wg_version *)
    ctypedef struct wg_pool_stats:
        int64_t system_allocations, imported
    wg_pool_stats wg_pool
    void *wg_pool_get(int64_t)
    void wg_pool_put(void *)
    void wg_pool_count(int64_t *live_bytes, int64_t *live_storages, int64_t *cached_bytes)
    void wg_pool_trim()

cdef extern from "wg_op.h" nogil:
    ctypedef struct wg_node:
        uint8_t kind, flags
        uint16_t op
        uint32_t refs
    ctypedef struct wg_edge:
        wg_node *node
        uint32_t out
    ctypedef struct wg_val:
        wg_version *version
        wg_edge edge
        wg_array a
    void wg_val_clear(wg_val *)
    int wg_val_absent(const wg_val *)
    void wg_val_release(wg_val *)
    void wg_val_share(wg_val *, const wg_val *)
    int wg_sole_owner(const wg_val *)
    void wg_val_move(wg_val *, wg_val *)
    void wg_val_drop_edge(wg_val *)
    void wg_number_float(wg_val *, double)
    void wg_number_int(wg_val *, int64_t)
    void wg_number_bool(wg_val *, int)
    int wg_new(wg_val *, int, int, const int64_t *)
    int wg_check_sizes(int, const int64_t *)
    int wg_window(wg_val *, const wg_val *, int, const int64_t *, const int64_t *, int64_t)
    void wg_array_set_dims(wg_array *, int, const int64_t *, const int64_t *)
    int wg_same_shape(const wg_array *, const wg_array *)
    int wg_wrap_dim(int64_t, int, int *)
    int wg_launch(int, wg_array **, int, const wg_attr *, int)
    enum:
        WG_OP_ELEMENTWISE
        WG_OP_STRUCTURED
        WG_OP_VIEW
        WG_P_TENSOR
        WG_P_TENSORS
        WG_P_NUMBER
        WG_P_INT
        WG_P_INTS
        WG_P_FLOAT
        WG_P_BOOL
        WG_P_DTYPE
        WG_P_STR
        WG_P_GENERATOR
        WG_LIST_OUT
        WG_NUMBER_LATER
        WG_NUMBER_NOT_ALL
    ctypedef struct wg_param:
        const char *name
        uint8_t type, optional, keyword_only, has_default
        wg_attr value
        const char **choices
        const char **aliases
    ctypedef struct wg_op:
        const char *name
        const char *grad_name
        uint8_t kind, types
        int8_t nin
        uint8_t nout, nhidden, nattr, materialize, inplace, number_ok, private_
        uint32_t diff_in, diff_out
        uint8_t nparam
        const wg_param *params
        const char **returns
        const char *doc
    const wg_op wg_ops[]
    const int wg_nops
    int wg_apply(int, const wg_val **, int, const wg_attr *, wg_val *)
    int wg_count_outputs(int, const wg_val **, int, const wg_attr *)
    int wg_cast(const wg_val *, int, wg_val *)
    int wg_contiguous(const wg_val *, wg_val *)
    int wg_sum_to(const wg_val *, int, const int64_t *, wg_val *)
    int wg_result_type(const wg_array **, int)
    int wg_default_dtype
    enum:
        WG_K_copy
        WG_K_fill

cdef extern from "wg_tape.h" nogil:
    enum:
        WG_NODE_RECORD
        WG_NODE_LEAF
        WG_REC_SPENT
        WG_REC_SAVED
        WG_REC_EXT
        WG_MODE_NO_GRAD
        WG_MODE_INFERENCE
        WG_MODE_FUNCTION
        WG_MODE_SAVED_HOOKS
        WG_MODE_PLAIN
        WG_MODE_ANOMALY
        WG_MODE_GRAD_LATER
        WG_MODE_NO_RANDOM
    ctypedef struct wg_leaf:
        wg_node node
        void *tensor
        void *ext
        uint64_t writer
    ctypedef struct wg_outmeta:
        uint32_t dims
        uint8_t dtype, ndim
    ctypedef struct wg_saved:
        wg_storage *storage
        wg_version *version
        uint32_t which
    ctypedef struct wg_rec:
        wg_node node
        uint64_t stamp
        void *ext
        uint32_t nx, ny, nsaved
        uint8_t nattr
        wg_edge *edge
    wg_outmeta *wg_rec_outs(const wg_rec *)
    int64_t *wg_rec_dims(const wg_rec *, uint32_t)
    wg_attr *wg_rec_attrs(const wg_rec *)
    wg_saved *wg_rec_saved(const wg_rec *)
    void wg_node_hold(wg_node *)
    void wg_node_drop(wg_node *)
    wg_leaf *wg_leaf_new(void *)
    uint32_t wg_mode
    int wg_tape_append(int, const wg_val **, int, const wg_attr *, int, wg_val *, int)
    wg_rec *wg_tape_append_python(const wg_edge *, int, wg_val **, int, void *)
    int wg_rec_unpack(const wg_rec *, int, int, wg_val *)
    void wg_rec_release_saved(wg_rec *)
    int wg_spent_error(const wg_rec *)
    int wg_inference_saved_error()
    const char *wg_rec_name(const wg_rec *)
    ctypedef struct wg_tape_stats:
        int64_t records, chunks, free_chunks, blocks, leaves
    wg_tape_stats wg_tape

cdef extern from "wg_launch.h" nogil:
    void wg_wait_for_launches()
    uint64_t wg_this_writer()
    int wg_written_elsewhere(uint64_t)


cdef extern from "wg_views.h" nogil:
    ctypedef struct wg_group:
        int64_t refs
        uint64_t generation
        wg_edge edge
        wg_val base
        void *owner
    enum:
        WG_VIEW_IS_VIEW
        WG_VIEW_OF_MANY
        WG_VIEW_NO_GRAD
        WG_VIEW_INFERENCE
        WG_VIEW_CUSTOM
        WG_RETAINS_GRAD
    ctypedef struct wg_tensor:
        wg_group *group
        uint64_t generation
        uint32_t view_flags
        wg_val v
    void wg_tensor_release(wg_tensor *)
    void wg_tensor_leave(wg_tensor *)
    int wg_tensor_window_edge(wg_tensor *, const wg_tensor *)
    void wg_tensor_set_edge(wg_tensor *, wg_edge)
    void wg_group_drop(wg_group *)
    int wg_tensor_refresh(wg_tensor *)
    int wg_tensor_join(wg_tensor *, wg_tensor *, uint32_t)
    int wg_tensor_writable(const wg_tensor *, int)
    int wg_reads_written(const wg_array *, const wg_array *, int)
    int wg_apply_inplace(int, wg_tensor *, const wg_val **, int, const wg_attr *)
    void wg_tensor_touched(wg_tensor *, int)
    int wg_tensor_rebase(wg_tensor *, wg_edge)

cdef extern from "wg_sweep.h" nogil:
    ctypedef struct wg_leaf_state:
        wg_leaf *leaf
        wg_leaf_state *next
        int wanted, reached
        wg_val v
    ctypedef struct wg_sweep:
        wg_leaf_state *leaves
        int create_graph, pruned, handed_out, accumulates, watched, special
    void wg_sweep_begin(wg_sweep *, int)
    void wg_sweep_end(wg_sweep *)
    int wg_sweep_prune(wg_sweep *, const wg_edge *, int64_t, const wg_edge *, int64_t)
    int wg_sweep_add(wg_sweep *, wg_edge, wg_val *)
    wg_rec *wg_sweep_run(wg_sweep *, int, int *)
    void wg_sweep_take_all(wg_sweep *, wg_rec *, wg_val *)
    int wg_sweep_runs(wg_sweep *, const wg_rec *)
    int wg_sweep_is_wanted(wg_sweep *, const wg_rec *)
    int wg_sweep_wants(wg_sweep *, wg_edge)
    int wg_sweep_vjp(wg_sweep *, wg_rec *, wg_val *, int, wg_val *)

cdef extern from "wg_elementwise.h" nogil:
    int wg_elementwise_add_into(wg_val *, const wg_val *)

cdef extern from "ops/ops.h" nogil:
    int wg_check_fits(wg_attr, int)

cdef extern from "wg_isa.h" nogil:
    ctypedef struct wg_level:
        const char *name
    const wg_level *wg_isa
    int wg_isa_init()

cdef extern from "wg_storage.h":
    wg_storage *wg_storage_import(void *, int64_t, int, void (*)(void *) noexcept, void *)

cdef extern from "wg_flat.h" nogil:
    int wg_flat_init()
