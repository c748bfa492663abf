"""Functions of the top level that few programs call, loaded when they are first asked for; made of other functions."""
import math

from . import Tensor, _core, arange, as_tensor, cat, empty, float64, full, get_default_dtype, ops, stack, tensor, where, zeros
from . import cos as _cos
from . import int32 as _int32
from . import int64 as _int64
from .composite._register import in_place as _in_place
from .composite._register import with_out as _with_out
from .types import make_return_type as _make_return_type

__all__ = ["conj", "conj_physical", "resolve_conj", "resolve_neg",
           "real", "imag", "angle", "positive", "is_conj", "is_neg", "is_inference", "is_signed", "get_device", "typename", "combinations",
           "vander", "cumulative_trapezoid", "unravel_index", "ldexp", "mvlgamma", "hann_window", "hamming_window", "blackman_window",
           "bartlett_window", "gradient", "frexp", "histogram", "histogramdd"]

# ---- what complex tensors would need ----

def conj(input):
    """The tensor itself: it is real."""
    return input


@_with_out
def conj_physical(input):
    """The tensor itself: it is real."""
    return input


resolve_conj = resolve_neg = real = conj


def imag(input):
    """Raises: the tensor is real."""
    raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")


@_with_out
def angle(input):
    """0, or pi for negative numbers; nan for nan."""
    input = input if input.dtype.is_floating_point else input.float()
    return (input < 0).to(input.dtype).mul_(math.pi).where(input == input, input * 0)


def positive(input):
    """The tensor itself.

    Raises:
        RuntimeError: it is of bools.
    """
    if str(input.dtype).endswith("bool"):
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def is_conj(input):
    """False."""
    return False


is_neg = is_conj


def is_inference(input):
    """Was it made in inference mode?"""
    return input.is_inference()


def is_signed(input):
    """Does its dtype hold negative numbers?"""
    return input.is_signed()


def get_device(input):
    """-1: the CPU."""
    return input.get_device()


def typename(obj):
    """The name of a tensor's old type, of a class, or of an object's class."""
    if isinstance(obj, Tensor):
        return obj.type()
    kind = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(kind, "__module__", None)
    return kind.__qualname__ if module in (None, "builtins", "__builtin__") else f"{module}.{kind.__qualname__}"


# ---- enumerations ----

def combinations(input, r=2, with_replacement=False):
    """All choices of r elements, in order. Shapes: (n) -> (number of choices, r)."""
    import itertools
    if input.dim() != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    rows = list(choose(range(input.numel()), r))
    index = tensor(rows, dtype=_int64) if rows and r else empty((0, r), dtype=_int64)
    return input[index.reshape(-1)].reshape(-1, r) if r and rows else input[index.reshape(-1)].reshape(0, r) if r else input.new_empty((0,))


def unravel_index(indices, shape):
    """The indices in each dimension that a flat index means."""
    if indices.dtype.is_floating_point or str(indices.dtype).endswith("bool"):
        raise TypeError(f"expected 'indices' to be integer dtype, but got {str(indices.dtype).replace('wengert', 'torch')}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(n < 0 for n in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    indices, result = indices.to(_int64), []
    for n in reversed((shape,) if isinstance(shape, int) else tuple(shape)):
        result.append(indices % n)
        indices = indices // n
    return tuple(reversed(result))


def vander(x, N=None, increasing=False):
    """Powers of x in columns, from N - 1 down to 0 or upwards. Shapes: (..., n) -> (..., n, N)."""
    N = x.shape[-1] if N is None else N
    powers = [x ** k for k in range(_core.check_room(N, "tensors"))]
    return stack(powers if increasing else powers[::-1], -1)


# ---- sums ----

def cumulative_trapezoid(y, x=None, *, dx=1, dim=-1):
    """Integrals up to each point by trapezoids."""
    n = y.shape[dim]
    pairs = y.narrow(dim, 0, n - 1) + y.narrow(dim, 1, n - 1)
    if x is not None:
        if x.dim() == 1 and y.dim() > 1:
            x = x.view([-1 if d == dim % y.dim() else 1 for d in range(y.dim())])
        m = x.shape[dim]
        dx = x.narrow(dim, 1, m - 1) - x.narrow(dim, 0, m - 1)
    return (pairs * dx / 2).cumsum(dim)


@_with_out
def ldexp(input, other):
    """input * 2**other.

    Raises:
        TypeError: one of them is no tensor.
    """
    for position, (name, value) in enumerate((("input", input), ("other", other)), 1):
        if not isinstance(value, Tensor):
            raise TypeError(f"ldexp(): argument '{name}' (position {position}) must be Tensor, not {type(value).__name__}")
    return input * 2.0 ** other


@_with_out
def mvlgamma(input, p):
    """The logarithm of the multivariate gamma function of dimension p.

    Raises:
        RuntimeError: p is below 1, or an element is not above (p - 1)/2.
    """
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    if not input.dtype.is_floating_point:
        input = input.to(get_default_dtype())
    steps = arange(p, dtype=input.dtype) / 2
    return (input.unsqueeze(-1) - steps).lgamma().sum(-1) + p * (p - 1) / 4 * math.log(math.pi)


def gradient(input, *, spacing=1, dim=None, edge_order=1):
    """Derivatives along dimensions by central differences, one-sided at the ends: a tuple of one tensor per dimension.

    Args:
        spacing: the step of all dimensions, a list of one step per dimension, or a list of 1-d tensors of coordinates.
        dim: the dimensions (all, if None). edge_order: the order of the formula at the ends, 1 or 2.

    Raises:
        RuntimeError: another edge_order, too few elements, or lists of the wrong length.
    """
    n = input.dim()
    dims = list(range(n)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    for d in dims:
        if not -n <= d < n:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {d})")
    dims = [d % n for d in dims]
    if len(set(dims)) != len(dims):
        raise RuntimeError("dim " + str(next(d for d in dims if dims.count(d) > 1)) + " appears multiple times in the list of dims")
    spacing = 1 if spacing is None else spacing
    steps = list(spacing) if isinstance(spacing, (tuple, list)) else [spacing] * len(dims)
    if len(steps) != len(dims):
        raise RuntimeError("torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to have the same "
                           f"length, but got a spacing argument of length {len(steps)} and a dim argument of length {len(dims)}.")
    if any(input.shape[d] < edge_order + 1 for d in dims):
        raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    if not input.dtype.is_floating_point:
        input = input.to(get_default_dtype())
    return tuple(_gradient_along(input, d, h, edge_order) for d, h in zip(dims, steps))


def _gradient_along(x, dim, step, edge_order):
    n = x.shape[dim]

    def at(i):
        return x.narrow(dim, i % n, 1)

    if not isinstance(step, Tensor) or step.dim() == 0:
        middle = (x.narrow(dim, 2, n - 2) - x.narrow(dim, 0, n - 2)) / (2 * step) if n > 2 else None
        if edge_order == 1:
            first, last = (at(1) - at(0)) / step, (at(-1) - at(-2)) / step
        else:
            first = (-1.5 * at(0) + 2 * at(1) - 0.5 * at(2)) / step
            last = (0.5 * at(-3) - 2 * at(-2) + 1.5 * at(-1)) / step
        return cat([first, middle, last] if n > 2 else [first, last], dim)
    if step.dim() != 1 or step.numel() != n:
        raise RuntimeError(f"torch.gradient expected each tensor in the spacing argument to be 1-dimensional and to have as many elements as "
                           f"the dimension, but got {list(step.shape)} for dimension size {n}")
    h = (step[1:] - step[:-1]).reshape([-1 if d == dim else 1 for d in range(x.dim())])

    def width(i):
        return h.narrow(dim, i % (n - 1), 1)

    middle = None
    if n > 2:
        a, b = h.narrow(dim, 0, n - 2), h.narrow(dim, 1, n - 2)
        middle = (x.narrow(dim, 0, n - 2) * (-b / (a * (a + b))) + x.narrow(dim, 1, n - 2) * ((b - a) / (a * b))
                  + x.narrow(dim, 2, n - 2) * (a / (b * (a + b))))
    if edge_order == 1:
        first, last = (at(1) - at(0)) / width(0), (at(-1) - at(-2)) / width(-1)
    else:
        a, b = width(0), width(1)
        first = at(0) * (-(2 * a + b) / (a * (a + b))) + at(1) * ((a + b) / (a * b)) + at(2) * (-a / (b * (a + b)))
        a, b = width(-2), width(-1)
        last = at(-3) * (b / (a * (a + b))) + at(-2) * (-(a + b) / (a * b)) + at(-1) * ((2 * b + a) / (b * (a + b)))
    return cat([first, middle, last] if n > 2 else [first, last], dim)


_frexp = _make_return_type("frexp", ("mantissa", "exponent"))


@_with_out
def frexp(input):
    """input = mantissa * 2**exponent with 0.5 <= |mantissa| < 1; the exponent is int32.

    Raises:
        RuntimeError: integers.
    """
    if not input.dtype.is_floating_point:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    import numpy
    exponent = numpy.frexp(input.detach().to(float64).numpy())[1]
    exponent = as_tensor(numpy.asarray(exponent, dtype="int32"))
    half = exponent // 2                                    # in two steps: 2**1024 and 2**-1074 are no floats' inverses
    mantissa = input.to(float64) * 2.0 ** (-half).to(float64) * 2.0 ** (half - exponent).to(float64)
    return _frexp([mantissa.to(input.dtype), exponent.to(_int32)])


_histogram, _histogramdd = (_make_return_type(name, ("hist", "bin_edges")) for name in ("histogram", "histogramdd"))


def _edges(bins, low, high, dtype):
    if low == high:
        low, high = low - 0.5, high + 0.5
    from . import linspace
    return linspace(low, high, bins + 1, dtype=dtype)


def _bin(x, edges):
    """The bin of each element (the last one closed on both sides), and whether it has one."""
    from . import searchsorted
    place = searchsorted(edges, x, right=True) - 1
    last = edges.numel() - 2
    place = where(x == edges[-1], last, place)
    return place.clamp(0, max(last, 0)), (x >= edges[0]) & (x <= edges[-1])


@_with_out
def histogram(input, bins, *, range=None, weight=None, density=False):
    """Counts (or sums of weights) in bins: ``bins`` equal ones in ``range``, or those between given edges.

    Raises:
        RuntimeError: weights of another shape, or a range that is none.
    """
    hist, edges = histogramdd(input.reshape(-1, 1), [bins] if isinstance(bins, int) else (bins,), range=range,
                              weight=None if weight is None else weight.reshape(-1), density=density)
    return _histogram([hist, edges[0]])


def histogramdd(input, bins, *, range=None, weight=None, density=False):
    """Counts of rows of ``input`` in a grid of bins. Shapes: (..., n) -> (bins[0], ..., bins[n - 1]).

    Args:
        bins: how many for all dimensions or each, or a sequence of 1-d tensors of edges. range: pairs of ends, flat.
    """
    rows = input.reshape(-1, input.shape[-1])
    count = rows.shape[-1]
    bins = [bins] * count if isinstance(bins, int) else list(bins)
    if len(bins) != count:
        raise RuntimeError(f"torch.histogramdd: The size of bins must be equal to the innermost dimension of the input, but got {len(bins)} and "
                           f"{count}")
    edges = []
    for k, b in enumerate(bins):
        if isinstance(b, Tensor):
            edges.append(b)
            continue
        if range is not None:
            low, high = range[2 * k], range[2 * k + 1]
        else:
            low, high = (rows[:, k].min().item(), rows[:, k].max().item()) if rows.shape[0] else (0.0, 1.0)
        if not math.isfinite(low) or not math.isfinite(high):
            raise RuntimeError(f"torch.histogramdd: dimension {k}'s range [{low}, {high}] is not finite")
        if low > high:
            raise RuntimeError(f"torch.histogramdd: min should not exceed max, but got min {low} max {high} for dimension {k}")
        edges.append(_edges(b, low, high, input.dtype))
    sizes = [e.numel() - 1 for e in edges]
    flat, inside = zeros((rows.shape[0],), dtype=_int64), None
    for k, e in enumerate(edges):
        place, ok = _bin(rows[:, k].detach().contiguous(), e)
        flat, inside = flat * sizes[k] + place, ok if inside is None else inside & ok
    weights = full((rows.shape[0],), 1.0, dtype=input.dtype) if weight is None else weight.reshape(-1)
    hist = zeros((math.prod(sizes),), dtype=input.dtype).scatter_add(0, flat, weights * inside.to(input.dtype)).reshape(sizes)
    if density:
        volume = full((), 1.0, dtype=input.dtype)
        for k, e in enumerate(edges):
            volume = volume.unsqueeze(-1) * (e[1:] - e[:-1])
        hist = hist / hist.sum() / volume
    return _histogramdd([hist, tuple(edges)])


# ---- windows ----

def _window(name, window_length, periodic, dtype, formula):
    """formula(n, N), of n = 0 ... with period N."""
    if window_length < 0:
        raise RuntimeError(f"{name}_window requires non-negative window_length, got window_length={window_length}")
    if window_length == 0:
        return empty(0, dtype=dtype)
    if window_length == 1:
        return as_tensor([1.0], dtype=dtype)
    period = window_length if periodic else window_length - 1
    n = arange(window_length, dtype=dtype or get_default_dtype())
    return formula(n, period)


def hann_window(window_length, periodic=True, *, dtype=None, device=None, requires_grad=False):
    """A raised cosine."""
    w = _window("hann", window_length, periodic, dtype, lambda n, N: 0.5 - 0.5 * _cos(n * (2 * math.pi / N)))
    return w.requires_grad_(requires_grad)


def hamming_window(window_length, periodic=True, alpha=0.54, beta=0.46, *, dtype=None, device=None, requires_grad=False):
    """alpha - beta cos(2 pi n / N)."""
    w = _window("hamming", window_length, periodic, dtype, lambda n, N: alpha - beta * _cos(n * (2 * math.pi / N)))
    return w.requires_grad_(requires_grad)


def blackman_window(window_length, periodic=True, *, dtype=None, device=None, requires_grad=False):
    """0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)."""
    w = _window("blackman", window_length, periodic, dtype,
                lambda n, N: 0.42 - 0.5 * _cos(n * (2 * math.pi / N)) + 0.08 * _cos(n * (4 * math.pi / N)))
    return w.requires_grad_(requires_grad)


def bartlett_window(window_length, periodic=True, *, dtype=None, device=None, requires_grad=False):
    """A triangle."""
    return _window("bartlett", window_length, periodic, dtype, lambda n, N: 1 - (n * (2 / N) - 1).abs()).requires_grad_(requires_grad)
