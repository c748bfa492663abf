"""Windows as tensors. All take the length M, ``sym`` (symmetric, or one period of a longer one), dtype and requires_grad.

Raises, all of them:
    ValueError: a negative length, another layout than strided, another dtype than float32 or float64, or a parameter out of range.
"""
import math

from .. import arange, empty, float32, float64, get_default_dtype, ops, strided
from .. import i0 as _i0
from ..types import check_device

__all__ = ["bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming", "hann", "kaiser",
           "nuttall"]


def _checked(name, M, dtype, layout, device):
    dtype = get_default_dtype() if dtype is None else dtype
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if dtype not in (float32, float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    check_device(device)
    return dtype


def _window(name, M, sym, dtype, layout, device, requires_grad, formula):
    """The values of ``formula`` at the places 0, 1, ..., M - 1, given the number of steps to the last place of the period."""
    dtype = _checked(name, M, dtype, layout, device)
    if M == 0:
        return empty((0,), dtype=dtype, requires_grad=requires_grad)
    w = formula(arange(M, dtype=float64), M - 1 if sym and M > 1 else M).to(dtype)
    return w.requires_grad_(requires_grad)


def _cosines(coefficients):
    """a0 - a1 cos(x) + a2 cos(2x) - ... over one period."""
    def formula(k, steps):
        angle = k * (2 * math.pi / steps)
        return sum((ops.cos(angle * i) * (a * (-1) ** i) for i, a in enumerate(coefficients[1:], 1)), k * 0 + coefficients[0])
    return lambda k, steps: formula(k, steps) if len(k) > 1 else k + 1


def general_cosine(M, *, a, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """Sums of cosines with the coefficients ``a``, of alternating sign."""
    _checked("general_cosine", M, dtype, layout, device)
    if not hasattr(a, "__iter__"):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    return _window("general_cosine", M, sym, dtype, layout, device, requires_grad, _cosines(tuple(a)))


def general_hamming(M, *, alpha=0.54, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """alpha - (1 - alpha) cos(2 pi n / N)."""
    return general_cosine(M, a=[alpha, 1. - alpha], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hamming(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """0.54 - 0.46 cos(2 pi n / N)."""
    return general_hamming(M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hann(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """(1 - cos(2 pi n / N)) / 2."""
    return general_hamming(M, alpha=0.5, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def blackman(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)."""
    _checked("blackman", M, dtype, layout, device)
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def nuttall(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """Four cosines, with side lobes of -93 dB."""
    return general_cosine(M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], sym=sym, dtype=dtype, layout=layout, device=device,
                          requires_grad=requires_grad)


def bartlett(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """A triangle from 0 to 1 and back."""
    return _window("bartlett", M, sym, dtype, layout, device, requires_grad,
                   lambda k, steps: 1 - (k * (2 / steps) - 1).abs() if len(k) > 1 else k + 1)


def cosine(M, *, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """sin(pi (n + 1/2) / N): half a wave."""
    def formula(k, steps):
        if len(k) == 1:
            return k + 1
        return ops.sin((k + 0.5) * (math.pi / (M if sym else M + 1)))
    return _window("cosine", M, sym, dtype, layout, device, requires_grad, formula)


def exponential(M, *, center=None, tau=1.0, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """exp(-|n - center| / tau); the middle is the center unless told otherwise."""
    _checked("exponential", M, dtype, layout, device)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")

    def formula(k, steps):
        middle = (M if not sym and M > 1 else M - 1) / 2 if center is None else center
        return ops.exp(-(k - middle).abs() * (1 / tau))
    return _window("exponential", M, sym, dtype, layout, device, requires_grad, formula)


def gaussian(M, *, std=1.0, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """exp(-((n - middle) / std)^2 / 2)."""
    _checked("gaussian", M, dtype, layout, device)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")

    def formula(k, steps):
        x = (k - (M if not sym and M > 1 else M - 1) / 2) * (1 / (std * math.sqrt(2)))
        return ops.exp(-x * x)
    return _window("gaussian", M, sym, dtype, layout, device, requires_grad, formula)


def kaiser(M, *, beta=12.0, sym=True, dtype=None, layout=strided, device=None, requires_grad=False):
    """I0(beta sqrt(1 - x^2)) / I0(beta) for x from -1 to 1."""
    _checked("kaiser", M, dtype, layout, device)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")

    def formula(k, steps):
        if len(k) == 1:
            return k + 1
        x = k * (2 / steps) - 1
        bottom = _i0(k[:1] * 0 + beta)
        return _i0(beta * ops.sqrt((1 - x * x).clamp(min=0))) / bottom
    return _window("kaiser", M, sym, dtype, layout, device, requires_grad, formula)
