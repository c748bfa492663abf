"""Random numbers: PyTorch's own CPU stream, number for number.

`manual_seed` starts the stream of a seed. Which distributions give PyTorch's bits, and on which platforms, is said in
Note [Which random numbers are PyTorch's] in csrc/wg_random.h; in short: uniform, integers, permutations, Bernoulli,
dropout and float32 normals everywhere; what needs a logarithm or a power of the platform's libm, with glibc.
"""
from math import inf, nextafter

from . import _core
from ._core import Generator, Tensor, get_default_dtype, random_fill
from .creation import _finish, _into, _options, _sizes, empty_like, zeros_like
from .types import check_device, preserve_format, strided

__all__ = ["Generator", "default_generator", "manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state", "rand", "randn",
           "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal", "bernoulli", "multinomial", "poisson",
           "binomial", "fork_rng"]

_methods = {}
int64 = _core.dtype_by_name("int64")
_HALVES = (_core.dtype_by_name("float16"), _core.dtype_by_name("bfloat16"))

#: The generator behind every call without one; PyTorch seeds its own from the system's entropy at start.
default_generator = Generator()
default_generator.seed()
_core._set_factory_defaults(generator=default_generator)


def manual_seed(seed):
    """Starts the default stream of a seed; returns the generator."""
    return default_generator.manual_seed(seed)


def seed():
    """Starts the default stream from the system's entropy; returns the seed."""
    return default_generator.seed()


def initial_seed():
    """The seed of the default stream."""
    return default_generator.initial_seed()


def get_rng_state():
    """The place in the default stream: a uint8 tensor of 5056 bytes, PyTorch's layout."""
    return default_generator.get_state()


def set_rng_state(new_state):
    """Continues the default stream from a place given by `get_rng_state`."""
    default_generator.set_state(new_state)


class fork_rng:
    """Leaves the default stream, after the block, where it was before."""

    def __init__(self, devices=None, enabled=True, **unused):
        self.enabled = enabled

    def __enter__(self):
        self.state = get_rng_state() if self.enabled else None

    def __exit__(self, *exc):
        if self.enabled:
            set_rng_state(self.state)


def _generator(generator):
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise TypeError(f"argument 'generator' must be torch.Generator, not {type(generator).__name__}")
    return generator


# ---- new tensors ----

def _new(size, dtype, layout, device, out):
    _options(layout, device)
    if out is not None:
        if out.requires_grad and _core.is_grad_enabled():
            raise RuntimeError("cannot resize variables that require grad")
        return _into("", out, dtype, size)
    return _core.empty(size, dtype or get_default_dtype())


@_core.factory("sizes", random=("uniform", 0.0, 1.0))
def rand(*size, generator=None, out=None, dtype=None, layout=strided, device=None, requires_grad=False, pin_memory=False, **names):
    """Uniform samples from [0, 1)."""
    t = _new(_sizes("rand", size) if "size" not in names else names["size"], dtype, layout, device, out)
    return _finish(random_fill("uniform", t, _generator(generator), (), (0.0, 1.0)), requires_grad)


@_core.factory("sizes", random=("normal", 0.0, 1.0))
def randn(*size, generator=None, out=None, dtype=None, layout=strided, device=None, requires_grad=False, pin_memory=False, **names):
    """Samples of the standard normal distribution."""
    t = _new(_sizes("randn", size) if "size" not in names else names["size"], dtype, layout, device, out)
    return _finish(random_fill("normal", t, _generator(generator), (), (0.0, 1.0)), requires_grad)


@_core.randint_factory
def randint(low, high=None, size=None, *, generator=None, out=None, dtype=None, layout=strided, device=None, requires_grad=False, pin_memory=False):
    """Integers from [low, high), each as likely.

    Raises:
        RuntimeError: no integer lies between.
    """
    if size is None:
        low, high, size = 0, low, high
    if high is None:
        low, high = 0, low
    if not hasattr(size, "__len__"):
        raise TypeError(f"randint(): argument 'size' must be tuple of ints, not {type(size).__name__}")
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    t = _new(size, dtype or int64, layout, device, out)
    return _finish(random_fill("randint", t, _generator(generator), (), (low, high)), requires_grad)


def randperm(n, *, generator=None, out=None, dtype=None, layout=strided, device=None, requires_grad=False, pin_memory=False):
    """The numbers 0 to n - 1 in random order."""
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    t = _new((n,), dtype or int64, layout, device, out)
    return _finish(random_fill("randperm", t, _generator(generator)), requires_grad)


def _like(input, dtype, memory_format):
    return empty_like(input) if dtype is None and memory_format is preserve_format else empty_like(input, dtype=dtype, memory_format=memory_format)


@_core.factory("tensor", random=("uniform", 0.0, 1.0))
def rand_like(input, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, memory_format=preserve_format):
    """Uniform samples in the shape of ``input``."""
    check_device(device)
    return _finish(random_fill("uniform", _like(input, dtype, memory_format), _generator(generator), (), (0.0, 1.0)), requires_grad)


@_core.factory("tensor", random=("normal", 0.0, 1.0))
def randn_like(input, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, memory_format=preserve_format):
    """Normal samples in the shape of ``input``."""
    check_device(device)
    return _finish(random_fill("normal", _like(input, dtype, memory_format), _generator(generator), (), (0.0, 1.0)), requires_grad)


def randint_like(input, low=None, high=None, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, memory_format=preserve_format):
    """Integers from [low, high) in the shape of ``input``."""
    check_device(device)
    if low is None and high is None:
        raise TypeError("randint_like() missing 1 required positional arguments: \"high\"")
    if low is None or high is None:
        low, high = 0, low if high is None else high
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    return _finish(random_fill("randint", _like(input, dtype, memory_format), _generator(generator), (), (low, high)), requires_grad)


def normal(mean, std=1.0, size=None, *, generator=None, out=None, dtype=None, device=None, requires_grad=False, layout=strided, pin_memory=False):
    """Normal samples; mean and std are numbers (then ``size`` is needed) or tensors.

    Raises:
        RuntimeError: a negative std.
    """
    if isinstance(mean, Tensor):
        tensors = (mean, std) if isinstance(std, Tensor) else (mean,)
    else:
        tensors = (std,) if isinstance(std, Tensor) else ()
    if out is not None and out.requires_grad and _core.is_grad_enabled():
        raise RuntimeError(f"{'' if tensors else 'aten::'}normal(): functions with out=... arguments don't support automatic differentiation, but "
                           "one of the arguments requires grad.")
    if not tensors:
        if size is None:
            raise TypeError("normal() received an invalid combination of arguments: two numbers need a size")
        t = _new(size, dtype, layout, device, out)
        return _finish(t.normal_(mean, std, generator=generator), requires_grad)
    if isinstance(std, Tensor):
        if _core.all_within(std, 0.0, inf) is not True and not (std >= 0).all():
            raise RuntimeError("normal expects all elements of std >= 0.0")
    elif not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    shape = tensors[0].shape
    if len(tensors) == 2 and shape != tensors[1].shape:
        from .composite import broadcast_shapes
        shape = broadcast_shapes(shape, tensors[1].shape)
        tensors = [x.expand(shape) for x in tensors]
    t = _constant(*tensors) if out is None else _new(shape, None, layout, device, out)
    if isinstance(std, Tensor):
        t.normal_(0.0, 1.0, generator=generator).mul_(std.detach()).add_(mean.detach() if isinstance(mean, Tensor) else mean)
    else:
        t.normal_(0.0, std, generator=generator).add_(mean.detach())
    return _finish(t, requires_grad)


def bernoulli(input, p=None, *, generator=None, out=None):
    """1 with the probability that ``input`` gives (or with ``p``), else 0, in input's shape and dtype."""
    t = _constant(input)
    if p is not None:
        t.bernoulli_(p, generator=generator)
    else:
        _probabilities(input)
        random_fill("bernoulli_p", t, _generator(generator), (input.detach(),))
    return t if out is None else out.resize_(t.shape).copy_(t)


def _constant(*inputs):
    """Memory for samples in the shape of the first input: their gradient is zero, recorded where one of the inputs has one."""
    if _core.is_grad_enabled() and (inputs[0].requires_grad or inputs[-1].requires_grad):
        return sum(inputs[1:], zeros_like(inputs[0]).add(inputs[0])).to(inputs[0].dtype).contiguous().zero_()
    return _row_major(inputs[0])


def _row_major(input):
    """Memory for samples in the shape of ``input``: PyTorch draws those of distributions row by row, whatever input's order."""
    return _core.empty(input.shape, input.dtype)


def _probabilities(p):
    within = _core.all_within(p, 0.0, 1.0)
    if not (((p >= 0) & (p <= 1)).all() if within is None else within):
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")


_SMALLEST, _LARGEST = nextafter(0.0, 1.0), nextafter(inf, 0.0)       # positive numbers, infinity apart


def multinomial(input, num_samples, replacement=False, *, generator=None, out=None):
    """Indices drawn with the (unnormalised) weights of the rows of ``input``.

    Args:
        input: (n) or (m, n), non-negative. Returns: int64 of shape (num_samples) or (m, num_samples).

    Raises:
        RuntimeError: negative or infinite weights, rows of zeros, more samples than categories without replacement.
    """
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {input.type()[6:-6]}")
    if input.dim() not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    n = input.shape[-1]
    if n > 1 << 24:
        raise RuntimeError("number of categories cannot exceed 2^24")
    if out is not None and out.dtype is not int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {out.type()[6:-6]}")
    if not replacement and num_samples > n:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    p = input.detach()
    if p.dtype in _HALVES:
        p = p.float()
    if _core.all_within(p, 0.0, _LARGEST) and _core.all_within(p.sum(-1), _SMALLEST, _LARGEST):
        pass                                               # nothing is wrong with it
    elif not bool(p.isfinite().all()) or bool((p < 0).any()):
        if not replacement or num_samples == 1:
            raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
        what = "entry = infinity or NaN" if not bool(p.isfinite().all()) else "entry < 0"
        raise RuntimeError(f"invalid multinomial distribution (encountering probability {what})")
    elif bool((p.sum(-1) == 0).any()):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    shape = (num_samples,) if input.dim() == 1 else (input.shape[0], num_samples)
    t = _core.empty(shape, int64) if out is None else out.resize_(shape)
    return random_fill("multinomial", t, _generator(generator), (p,), (bool(replacement),))


def poisson(input, generator=None):
    """Poisson samples with the rates of ``input``."""
    if _core.all_within(input, 0.0, inf) is not True and (input < 0).any():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return random_fill("poisson", _row_major(input), _generator(generator), (input.detach(),))


def binomial(count, prob, generator=None):
    """Binomial samples, of count's shape; prob broadcasts to it.

    Raises:
        RuntimeError: prob has another dtype, or does not broadcast.
    """
    if prob.dtype != count.dtype:
        raise RuntimeError(f"binomial: count is {count.dtype} and prob is {prob.dtype}: expected the same")
    prob = prob.detach().expand(count.shape).contiguous()
    return random_fill("binomial", _row_major(count), _generator(generator), (count.detach(), prob))


def _standard_gamma(concentration, generator=None):
    """Gamma samples of rate 1."""
    return random_fill("gamma", _row_major(concentration), _generator(generator), (concentration.detach(),))


# ---- in place ----

def _in_place(function):
    _methods[function.__name__] = function
    return function


def _fill(self, name, generator, *numbers, parameters=()):
    if self.requires_grad and _core.is_grad_enabled():
        self.zero_()                     # records that nothing flows back, and refuses leaves
    return random_fill(name, self, _generator(generator), parameters, numbers)


@_in_place
@_core.filler("uniform", "ordered", 0.0, 1.0)
def uniform_(self, from_=0.0, to=1.0, *, generator=None, **names):
    """Fills with uniform samples from [from, to).

    Raises:
        RuntimeError: ``from`` > ``to``.
    """
    low = names.pop("from", from_)
    low, to = float(low), float(to)
    if not low <= to:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={to:g}")
    return _fill(self, "uniform", generator, low, to)


@_in_place
@_core.filler("normal", "second not negative", 0.0, 1.0)
def normal_(self, mean=0.0, std=1.0, *, generator=None):
    """Fills with normal samples.

    Raises:
        RuntimeError: a negative std.
    """
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {float(std):g}")
    return _fill(self, "normal", generator, float(mean), float(std))


@_in_place
def random_(self, from_=None, to=None, *, generator=None, **names):
    """Fills with integers: from [from, to), from [0, to), or from all that the dtype holds exactly."""
    low = names.pop("from", from_)
    if low is None and to is None:
        return _fill(self, "full", generator)
    if to is None and "from" not in names:
        low, to = 0, low
    if low >= to:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={to}")
    return _fill(self, "randint", generator, low, to)


@_in_place
@_core.filler("bernoulli", "probability", 0.5)
def bernoulli_(self, p=0.5, *, generator=None):
    """Fills with 1 (with probability p, a number or a tensor) and 0."""
    if isinstance(p, Tensor):
        _probabilities(p)
        return _fill(self, "bernoulli_p", generator, parameters=(p.detach().expand(self.shape).contiguous(),))
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={float(p):g}")
    return _fill(self, "bernoulli", generator, float(p))


@_in_place
@_core.filler("exponential", "first positive", 1.0)
def exponential_(self, lambd=1.0, *, generator=None):
    """Fills with samples of the exponential distribution of rate ``lambd``."""
    if not lambd > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={float(lambd):g}")
    return _fill(self, "exponential", generator, float(lambd))


@_in_place
def geometric_(self, p, *, generator=None):
    """Fills with the number of trials until the first success of probability p."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={float(p):g}")
    return _fill(self, "geometric", generator, float(p))


@_in_place
@_core.filler("cauchy", "second positive", 0.0, 1.0)
def cauchy_(self, median=0.0, sigma=1.0, *, generator=None):
    """Fills with Cauchy samples."""
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={float(sigma):g}")
    return _fill(self, "cauchy", generator, float(median), float(sigma))


@_in_place
@_core.filler("log_normal", "second positive", 1.0, 2.0)
def log_normal_(self, mean=1.0, std=2.0, *, generator=None):
    """Fills with exponentials of normal samples."""
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={float(std):g}")
    return _fill(self, "log_normal", generator, float(mean), float(std))


_methods["bernoulli"] = bernoulli
_methods["multinomial"] = multinomial
