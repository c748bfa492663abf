"""Functions of the top level that few programs call, loaded when they are first asked for; made of other functions."""
import math

from . import Tensor, _core, arange, as_tensor, empty, get_default_dtype, linalg, stack, tensor
from . import cos as _cos
from . import int64 as _int64
from .types import make_return_type as _make_return_type

__all__ = ["det", "logdet", "slogdet", "inverse", "pinverse", "cholesky", "qr", "svd", "conj", "conj_physical", "resolve_conj", "resolve_neg",
           "real", "imag", "angle", "positive", "is_conj", "is_neg", "is_inference", "is_signed", "get_device", "typename", "combinations",
           "vander", "cumulative_trapezoid", "unravel_index", "ldexp", "mvlgamma", "hann_window", "hamming_window", "blackman_window",
           "bartlett_window"]

_svd = _make_return_type("svd", ("U", "S", "V"))

# ---- linear algebra under its old names ----


def det(input):
    """`linalg.det`."""
    return linalg.det(input)


def slogdet(input):
    """`linalg.slogdet`."""
    return linalg.slogdet(input)


def logdet(input):
    """The logarithm of the determinant: nan where that is negative."""
    sign, logabsdet = linalg.slogdet(input)
    return logabsdet.where(sign >= 0, math.nan)


def inverse(input):
    """`linalg.inv`."""
    return linalg.inv(input)


def pinverse(input, rcond=1e-15):
    """`linalg.pinv`."""
    return linalg.pinv(input, rcond)


def cholesky(input, upper=False):
    """`linalg.cholesky`."""
    return linalg.cholesky(input, upper=upper)


def qr(input, some=True):
    """`linalg.qr`, reduced or complete."""
    return linalg.qr(input, "reduced" if some else "complete")


def svd(input, some=True, compute_uv=True):
    """input = U diag(S) V^T: here V, not its transpose, is returned."""
    if not compute_uv:
        raise NotImplementedError("svd(compute_uv=False): use linalg.svdvals")
    u, s, vh = linalg.svd(input, full_matrices=not some)
    return _svd([u, s, vh.transpose(-2, -1)])


# ---- what complex tensors would need ----

def conj(input):
    """The tensor itself: it is real."""
    return input


conj_physical = resolve_conj = resolve_neg = real = conj


def imag(input):
    """Raises: the tensor is real."""
    raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")


def angle(input):
    """0, or pi for negative numbers; nan for nan."""
    input = input if input.dtype.is_floating_point else input.float()
    return (input < 0).to(input.dtype).mul_(math.pi).where(input == input, input)


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
    rows = list(choose(range(input.numel()), r))
    return input[tensor(rows, dtype=_int64)] if rows else input.new_empty((0, r))


def unravel_index(indices, shape):
    """The indices in each dimension that a flat index means."""
    result = []
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


def ldexp(input, other):
    """input * 2**other."""
    return input * 2.0 ** other


def mvlgamma(input, p):
    """The logarithm of the multivariate gamma function of dimension p."""
    steps = arange(p, dtype=input.dtype) / 2
    return (input.unsqueeze(-1) - steps).lgamma().sum(-1) + p * (p - 1) / 4 * math.log(math.pi)


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
