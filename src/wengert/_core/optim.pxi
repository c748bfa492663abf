# Optimizer steps and clipping of gradients: one launch over lists of tensors (csrc/kernels/optim.c).

cdef extern from "kernels/optim.h":
    enum:
        WG_STEP_MAXIMIZE
        WG_STEP_NESTEROV
        WG_STEP_MOMENTUM
        WG_STEP_AMSGRAD
        WG_STEP_DECOUPLED
        WG_STEP_CENTERED
        WG_STEP_TENSORS
        WG_STEP_FIRST

cdef extern from "wg_op.h":
    int WG_K_sgd
    int WG_K_adam
    int WG_K_rmsprop
    int WG_K_adagrad
    int WG_K_adadelta
    int WG_K_adamax
    int WG_K_nadam
    int WG_K_radam
    int WG_K_asgd
    int WG_K_rprop
    int WG_K_grad_norm
    int WG_K_clip_grad_norm
    int WG_K_clip_grad_value
    int WG_K_zero

STEP_FLAGS = {"maximize": WG_STEP_MAXIMIZE, "nesterov": WG_STEP_NESTEROV, "momentum": WG_STEP_MOMENTUM, "amsgrad": WG_STEP_AMSGRAD,
              "decoupled": WG_STEP_DECOUPLED, "centered": WG_STEP_CENTERED, "first": WG_STEP_FIRST}

# name -> kernel, hyperparameters, tensors of a parameter's shape (itself and its gradient included), scalar state;
# the last two without what flags add
cdef dict STEPS = {
    "sgd": (WG_K_sgd, 4, 2, 0), "adam": (WG_K_adam, 5, 4, 1), "rmsprop": (WG_K_rmsprop, 5, 3, 1), "adagrad": (WG_K_adagrad, 4, 3, 1),
    "adadelta": (WG_K_adadelta, 4, 4, 1), "adamax": (WG_K_adamax, 5, 4, 1), "nadam": (WG_K_nadam, 6, 4, 2), "radam": (WG_K_radam, 5, 4, 1),
    "asgd": (WG_K_asgd, 5, 3, 3), "rprop": (WG_K_rprop, 4, 4, 1)}


@cython.binding(False)
cdef class OperandList:
    """Pointers to the arrays of many tensors, as a launch takes them."""
    cdef wg_array **p
    cdef int room

    def __cinit__(self, Py_ssize_t room):
        if room > 1 << 30:
            raise RuntimeError("too many tensors for one launch")
        self.room = <int>room
        self.p = <wg_array **>wg_pool_get(<size_t>(room if room else 1) * sizeof(wg_array *))
        if self.p == NULL:
            raise MemoryError()

    def __dealloc__(self):
        wg_pool_put(self.p)


cdef int check_floating(Tensor t, name) except -1:
    if t.t.v.a.dtype != WG_F32 and t.t.v.a.dtype != WG_F64:
        raise TypeError(f"{name} needs float32 or float64 tensors, not {DTYPES[t.t.v.a.dtype]}")
    return 0


cdef int check_written(Tensor t) except -1:
    """Optimizers write leaves whether recording is on or not, but neither read-only nor expanded memory."""
    cdef uint32_t before = wg_mode
    set_mode_bits(WG_MODE_NO_GRAD, WG_MODE_NO_GRAD)
    cdef int status = wg_tensor_writable(&t.t, 0)
    set_mode_bits(WG_MODE_NO_GRAD, before)
    return check(status)


def optimizer_step(str name, Tensor hyper not None, int flags, tuple columns not None):
    """One step of an optimizer over all parameters of a group, in one launch.

    Args:
        name: of the optimizer, in lower case. hyper: its hyperparameters, float64, in the order of csrc/kernels/optim.c.
        flags: the sum of `STEP_FLAGS` that hold. columns: lists of one length, in the order of optim.c: the parameters, their
            gradients, then each kind of state, the scalar state (tensors of one element) last.

    Raises:
        TypeError: not float32 or float64, or dtypes that differ. RuntimeError: shapes that differ, memory that cannot be written.
        ValueError: the wrong number of columns or hyperparameters, or columns of several lengths.
    """
    run_step(name, hyper, flags, columns)


cdef int run_step(str name, Tensor hyper, int flags, tuple columns) except -1:
    cdef int kernel, nhyper, full, scalars, k
    cdef Py_ssize_t i, n
    cdef Tensor t, x
    cdef wg_attr attr[2]
    cdef list column
    kernel, nhyper, full, scalars = STEPS[name]
    if flags & WG_STEP_MOMENTUM and (kernel == WG_K_sgd or kernel == WG_K_rmsprop):
        full += 1
    if flags & WG_STEP_CENTERED and kernel == WG_K_rmsprop:
        full += 1
    if flags & WG_STEP_AMSGRAD and kernel == WG_K_adam:
        full += 1
    if hyper.t.v.a.dtype != WG_F64 or hyper.t.v.a.numel != nhyper or not hyper.t.v.a.contiguous:
        raise ValueError(f"{name} takes a vector of {nhyper} float64 hyperparameters")
    if len(columns) != full + scalars:
        raise ValueError(f"{name} takes {full + scalars} lists of tensors, got {len(columns)}")
    n = len(columns[0])
    cdef int width = full + scalars
    cdef OperandList operands = OperandList(1 + n * width)
    operands.p[0] = &hyper.t.v.a
    for k in range(width):
        column = columns[k]
        if len(column) != n:
            raise ValueError(f"{name} got {n} parameters and {len(column)} tensors of state")
        for i in range(n):
            t = tensor_in(column[i])
            operands.p[1 + i * width + k] = &t.t.v.a
            if k == 0:
                check_floating(t, name)
            elif k < full:
                x = <Tensor>(<list>columns[0])[i]
                if t.t.v.a.dtype != x.t.v.a.dtype:
                    raise TypeError(f"{name} got a parameter of {DTYPES[x.t.v.a.dtype]} with a gradient or state of {DTYPES[t.t.v.a.dtype]}")
                if not wg_same_shape(&t.t.v.a, &x.t.v.a):
                    raise RuntimeError(f"{name} got a parameter of shape {tuple(shape_of(x))} with a gradient or state of shape {tuple(shape_of(t))}")
            else:
                check_floating(t, name)
                if t.t.v.a.numel != 1:
                    raise RuntimeError(f"{name} got scalar state of shape {tuple(shape_of(t))}")
            if k != 1:
                check_written(t)
    attr[0] = WG_INT(flags | WG_STEP_TENSORS)
    attr[1] = WG_NONE
    check(wg_launch(kernel, operands.p, <int>(1 + n * width), attr, 2))
    for k in range(width):
        if k != 1:
            for t in <list>columns[k]:
                wg_tensor_touched(&t.t, 0xffff)
    return 0


def grad_norm(list grads not None, double order):
    """The norm of all elements of these tensors as one vector, of shape (): float64 if any of them is, else float32.

    Raises:
        TypeError: not float32 or float64.
    """
    cdef OperandList operands = OperandList(1 + len(grads))
    cdef wg_attr attr[1]
    cdef Tensor t, total
    cdef int i = 1, dt = WG_F32
    for each in grads:
        t = tensor_in(each)
        check_floating(t, "grad_norm")
        dt = max(dt, <int>t.t.v.a.dtype)
        operands.p[i] = &t.t.v.a
        i += 1
    total = empty((), DTYPES[dt])
    operands.p[0] = &total.t.v.a
    attr[0] = WG_FLOAT(order)
    check(wg_launch(WG_K_grad_norm, operands.p, i, attr, 1))
    return total


cdef int launch_in_place(int kernel, list tensors, Tensor last, wg_attr *attr, int nattr, bint floating) except -1:
    """A launch that writes all of ``tensors`` and reads ``last`` if there is one."""
    cdef OperandList operands = OperandList(1 + len(tensors))
    cdef Tensor t
    cdef int i = 0
    for each in tensors:
        t = tensor_in(each)
        if floating:
            check_floating(t, "clipping")
        check_written(t)
        operands.p[i] = &t.t.v.a
        i += 1
    if last is not None:
        operands.p[i] = &last.t.v.a
        i += 1
    if i:
        check(wg_launch(kernel, operands.p, i, attr, nattr))
    for t in tensors:
        wg_tensor_touched(&t.t, 0xffff)
    return 0


def clip_grad_norm(list grads not None, Tensor total not None, double max_norm):
    """Multiplies all gradients by min(max_norm / (total + 1e-6), 1), in place. ``total``: one float32 or float64 element."""
    cdef wg_attr attr[1]
    check_floating(total, "clipping")
    if total.t.v.a.numel != 1:
        raise RuntimeError(f"the total norm must have one element, not shape {tuple(shape_of(total))}")
    attr[0] = WG_FLOAT(max_norm)
    launch_in_place(WG_K_clip_grad_norm, grads, total, attr, 1, True)


def clip_grad_value(list grads not None, double low, double high):
    """Clamps all elements of these tensors to [low, high], in place."""
    cdef wg_attr attr[2]
    attr[0] = WG_FLOAT(low)
    attr[1] = WG_FLOAT(high)
    launch_in_place(WG_K_clip_grad_value, grads, None, attr, 2, True)


def zero_all(list tensors not None):
    """Fills all these tensors with zeros, in place."""
    launch_in_place(WG_K_zero, tensors, None, NULL, 0, False)
