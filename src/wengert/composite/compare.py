"""Comparisons of whole tensors, and questions about dtypes."""
from .. import _core, ops
from .._core import Tensor
from ._register import public
from .search import searchsorted


@public
def equal(input, other):
    """Same shape and same elements? A bool."""
    same = _core.same_elements(input, other)
    return input.shape == other.shape and bool(ops.all(ops.eq(input, other))) if same is None else same


@public
def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Is |input - other| <= atol + rtol*|other| everywhere? A bool."""
    return bool(ops.all(isclose(input, other, rtol, atol, equal_nan)))


@public
def is_same_size(input, other):
    """Same shape?"""
    return input.shape == other.shape


@public
def is_nonzero(input):
    """Is the only element not zero?"""
    if input.numel() != 1:
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous" if input.numel() else
                           "Boolean value of Tensor with no values is ambiguous")
    return bool(input)


@public(method=False)
def result_type(a, b):
    """The dtype that an operation on both computes in."""
    return _core.result_type(a, b)


@public(method=False)
def can_cast(from_, to):
    """May ``from_`` be cast to ``to`` by an in-place operation?"""
    def category(d):
        return 2 if d.is_floating_point else 0 if d.name == "bool" else 1
    return category(from_) <= category(to)


@public
def isreal(input):
    """True everywhere: there are no complex dtypes."""
    return _core.full(input.shape, True, _core.dtype_by_name("bool"))


_isclose = ops.isclose


@public
def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Is |input - other| <= atol + rtol*|other|, element by element?

    Raises:
        RuntimeError: a negative tolerance, or two dtypes.
    """
    if rtol < 0 or atol < 0:
        name, value = ("rtol", rtol) if rtol < 0 else ("atol", atol)
        raise RuntimeError(f"{name} must be greater than or equal to zero, but got {value:g}")
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.type()[6:-6]} did not match {other.type()[6:-6]}")
    if not input.dtype.is_floating_point:
        input, other = input.double(), other.double()
    return _isclose(input, other, rtol, atol, equal_nan)


@public(method=False, out=True)
def isin(elements, test_elements, *, assume_unique=False, invert=False):
    """Which elements occur among ``test_elements``?"""
    if not isinstance(elements, Tensor):
        elements = _core.from_data(elements, None)
    if not isinstance(test_elements, Tensor):
        test_elements = _core.from_data(test_elements, None)
    n = test_elements.numel()
    if 0 < n < 16 and elements.numel() > 64:
        hit, *others = (ops.eq(elements, one) for one in test_elements.detach().reshape(-1).unbind(0))
        for other in others:
            hit = ops.logical_or(hit, other)
    elif n < 16 or elements.numel() * n < 4096 or elements.dtype != test_elements.dtype:
        hit = ops.any_dim(ops.eq(elements.unsqueeze(-1), test_elements.reshape(-1)), (-1,))
    else:                                                  # what stands where an element would be put
        ordered = test_elements.detach().reshape(-1).sort()[0]
        place = searchsorted(ordered, elements.detach()).clamp_max_(n - 1)
        hit = ops.eq(ops.index_select(ordered, 0, place.reshape(-1)).reshape(elements.shape), elements)
    return ops.logical_not(hit) if invert else hit
