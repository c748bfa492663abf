# Random numbers: the generator's bytes live in a storage, the last operand of every random kernel.

cdef extern from "wg_random.h" nogil:
    ctypedef struct wg_generator:
        uint64_t seed
    uint64_t WG_DEFAULT_SEED
    int WG_RNG_STATE_BYTES
    void wg_generator_seed(wg_generator *, uint64_t)
    void wg_generator_get_state(const wg_generator *, void *)
    int wg_generator_set_state(wg_generator *, const void *, int64_t)

cdef extern from "wg_launch.h":
    int wg_draws_exclude()
    void wg_draws_allow(int)

cdef extern from "wg_op.h":
    int WG_K_random_uniform
    int WG_K_random_normal
    int WG_K_random_randint
    int WG_K_random_full
    int WG_K_random_bernoulli
    int WG_K_random_bernoulli_p
    int WG_K_random_exponential
    int WG_K_random_geometric
    int WG_K_random_cauchy
    int WG_K_random_log_normal
    int WG_K_random_randperm
    int WG_K_random_multinomial
    int WG_K_random_poisson
    int WG_K_random_gamma
    int WG_K_random_binomial


@cython.binding(False)
cdef class Generator:
    """A stream of random numbers: PyTorch's mt19937, number for number.

    Args:
        device: the CPU.
    """
    cdef wg_val v                        # uint8, one wg_generator
    cdef object __weakref__

    def __cinit__(self, device="cpu"):
        cdef int64_t size[1]
        wg_val_clear(&self.v)
        size[0] = sizeof(wg_generator)
        check(wg_new(&self.v, WG_U8, 1, size))
        wg_generator_seed(self.state(), WG_DEFAULT_SEED)

    def __init__(self, device="cpu"):
        from wengert.types import check_device
        check_device(device)

    def __dealloc__(self):
        wg_val_release(&self.v)

    cdef wg_generator *state(self):
        return <wg_generator *>self.v.a.data

    @property
    def device(self):
        """The CPU."""
        from wengert.types import CPU
        return CPU

    def manual_seed(self, seed):
        """Starts the stream that belongs to ``seed``; returns self."""
        seed = int(seed)
        if seed < -(1 << 63) or seed >= 1 << 64:
            raise RuntimeError(f"Overflow when unpacking long: the seed {seed} needs more than 64 bits")
        cdef uint64_t value = seed & 0xffffffffffffffff
        cdef int excluded = wg_draws_exclude()             # Note [One draw at a time] in csrc/wg_launch.c
        wg_generator_seed(self.state(), value)
        wg_draws_allow(excluded)
        return self

    def seed(self):
        """Starts a stream from the system's entropy; returns its seed."""
        import os
        seed = int.from_bytes(os.urandom(8), "little")
        self.manual_seed(seed)
        return seed

    def initial_seed(self):
        """The seed of the stream."""
        return self.state().seed

    def get_state(self):
        """The place in the stream, as 5056 bytes in PyTorch's own layout."""
        cdef Tensor t = empty((WG_RNG_STATE_BYTES,), DTYPES[WG_U8])
        cdef int excluded = wg_draws_exclude()
        wg_generator_get_state(self.state(), t.t.v.a.data)
        wg_draws_allow(excluded)
        return t

    def set_state(self, Tensor state not None):
        """Continues from a place given by `get_state`, PyTorch's or ours.

        Raises:
            TypeError: not a uint8 tensor. RuntimeError: no such state.
        """
        if state.t.v.a.dtype != WG_U8:
            raise TypeError("expected a torch.ByteTensor, but got " + str(state.dtype))
        cdef Tensor dense = dense_of(state)
        cdef int excluded = wg_draws_exclude()
        cdef int status = wg_generator_set_state(self.state(), dense.t.v.a.data, dense.t.v.a.numel)
        wg_draws_allow(excluded)
        check(status)
        return self

    def clone_state(self):
        """Another generator at the same place."""
        g = Generator()
        g.set_state(self.get_state())
        return g

    def __reduce__(self):
        return (_rebuild_generator, (bytes(memoryview(self.get_state())),))


def _rebuild_generator(state):
    g = Generator()
    g.set_state(from_buffer_object(bytearray(state)))
    return g


cdef dict RANDOM_KERNELS = {
    "uniform": WG_K_random_uniform, "normal": WG_K_random_normal, "randint": WG_K_random_randint, "full": WG_K_random_full,
    "bernoulli": WG_K_random_bernoulli, "bernoulli_p": WG_K_random_bernoulli_p, "exponential": WG_K_random_exponential,
    "geometric": WG_K_random_geometric, "cauchy": WG_K_random_cauchy, "log_normal": WG_K_random_log_normal,
    "randperm": WG_K_random_randperm, "multinomial": WG_K_random_multinomial, "poisson": WG_K_random_poisson,
    "gamma": WG_K_random_gamma, "binomial": WG_K_random_binomial}


def random_fill(name, Tensor y not None, Generator generator not None, tuple parameters=(), tuple numbers=()):
    """Runs a random kernel on ``y``.

    Args:
        name: of the kernel. parameters: tensors it reads. numbers: its attributes; None where it takes that.
    """
    cdef wg_array *operand[4]
    cdef wg_attr attr[2]
    cdef int n = 1
    cdef Tensor t
    if len(parameters) > 2 or len(numbers) > 2:
        raise ValueError("random kernels take at most two tensors and two numbers")
    check(wg_tensor_writable(&y.t, 0))
    operand[0] = &y.t.v.a
    for p in parameters:
        t = tensor_in(p)
        operand[n] = &t.t.v.a
        n += 1
    operand[n] = &generator.v.a
    for i, number in enumerate(numbers):
        if number is None:
            attr[i] = WG_NONE
        else:
            set_attr_number(&attr[i], number)
    check(wg_launch(RANDOM_KERNELS[name], operand, n + 1, attr, <int>len(numbers)))
    wg_tensor_touched(&y.t, 0xffff)
    return y
