"""Comparisons for tests, and tensors to test with: PyTorch's ``torch.testing``."""

import math
import warnings
from collections.abc import Mapping, Sequence

from . import Tensor, as_tensor, bfloat16, empty, finfo, float16, float32, float64, iinfo, int64, isclose, promote_types, randint
from . import bool as _bool

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

_TOLERANCES = {float16: (1e-3, 1e-5), bfloat16: (0.016, 1e-5), float32: (1.3e-6, 1e-5), float64: (1e-7, 1e-7)}
_OLD_TOLERANCES = {**_TOLERANCES, float16: (1e-3, 1e-3), float32: (1e-4, 1e-5), float64: (1e-5, 1e-8)}


class _Mismatch(Exception):
    """What is wrong, as the error to raise, and at which item."""

    def __init__(self, kind, text, path):
        super().__init__(text)
        self.kind, self.text, self.path = kind, text, path

    def error(self, msg=None):
        text = self.text
        if isinstance(msg, str):
            return self.kind(msg)
        if self.path:
            text += "\n\nThe failure occurred for item " + "".join(f"[{key!r}]" for key in self.path)
        return self.kind(msg(text) if callable(msg) else text)


def _tolerances(dtypes, rtol, atol, path, table=_TOLERANCES):
    """(rtol, atol): what is given, or the loosest of the dtypes' defaults."""
    if (rtol is None) != (atol is None):
        raise _Mismatch(ValueError, "Both 'rtol' and 'atol' must be either specified or omitted, but got no "
                        f"{'rtol' if rtol is None else 'atol'}.", path)
    if rtol is not None:
        return rtol, atol
    defaults = [table.get(dtype, (0.0, 0.0)) for dtype in dtypes]
    return max((d[0] for d in defaults), default=0.0), max((d[1] for d in defaults), default=0.0)


def _differ(what, rtol, atol, absolute, relative, detail):
    """The text for values that differ; the differences are (value, index or None)."""
    exact = rtol == 0 and atol == 0
    lines = [f"{what} are not {'equal' if exact else 'close'}!\n", detail]
    for kind, (value, index), tolerance in (("absolute", absolute, atol), ("relative", relative, rtol)):
        line = f"{kind.title()} difference: {value}" if index is None else f"Greatest {kind} difference: {value} at index {index}"
        lines.append(line if exact else f"{line} (up to {tolerance} allowed)")
    return "\n".join(lines)


def _scalars_differ(actual, expected, rtol, atol):
    absolute = abs(actual - expected)
    relative = math.inf if expected == 0 else absolute / abs(expected)
    return _differ("Scalars", rtol, atol, (absolute, None), (relative, None), f"Expected {expected} but got {actual}.")


def _place(flat, shape):
    """A position in a flattened tensor as an index of one of that shape."""
    index = []
    for size in reversed(shape):
        flat, at = divmod(flat, size)
        index.append(at)
    return tuple(reversed(index))


def _tensors_differ(actual, expected, matches, rtol, atol):
    n, wrong = matches.numel(), (~matches).sum().item()
    a, b = actual.flatten(), expected.flatten()
    if not a.dtype.is_floating_point:
        a, b = a.to(int64), b.to(int64)
    fine = matches.flatten()
    differences = []
    absolute = (a - b).abs()
    for values in (absolute, absolute / b.abs()):
        values = values.masked_fill(fine, 0)
        value, at = values.max(0)
        differences.append((value.item(), _place(at.item(), matches.shape)))
        absolute = values
    return _differ("Tensor-likes", rtol, atol, *differences, f"Mismatched elements: {wrong} / {n} ({wrong / n:.1%})")


def _plain(value):
    """NumPy's scalars as Python's."""
    return value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 1) == 0 and not hasattr(
        value, "__setitem__") else value


def _compare_numbers(actual, expected, path, rtol, atol, equal_nan, check_dtype):
    dtypes = [float64 if isinstance(v, float) else int64 for v in (actual, expected)]
    rtol, atol = _tolerances(dtypes, rtol, atol, path)
    if check_dtype and type(actual) is not type(expected):
        raise _Mismatch(AssertionError, f"The (d)types do not match: {type(actual)} != {type(expected)}.", path)
    if actual == expected or equal_nan and math.isnan(actual) and math.isnan(expected):
        return
    difference = abs(actual - expected)
    if not (math.isfinite(difference) and difference <= atol + rtol * abs(expected)):
        raise _Mismatch(AssertionError, _scalars_differ(actual, expected, rtol, atol), path)


def _compare_tensors(actual, expected, path, rtol, atol, equal_nan, check_dtype, check_device, check_layout, check_stride):
    asked = [("shape", True), ("layout", check_layout), ("stride()", check_stride), ("device", check_device), ("dtype", check_dtype)]
    for name, wanted in asked:
        values = [t.stride() if name == "stride()" else getattr(t, name) for t in (actual, expected)]
        if wanted and values[0] != values[1]:
            raise _Mismatch(AssertionError, f"The values for attribute '{name}' do not match: {values[0]} != {values[1]}.", path)
    rtol, atol = _tolerances([actual.dtype, expected.dtype], rtol, atol, path)
    dtype = promote_types(actual.dtype, expected.dtype)
    actual, expected = actual.detach().to(dtype), expected.detach().to(dtype)
    matches = isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan)
    if not matches.all():
        text = (_tensors_differ(actual, expected, matches, rtol, atol) if actual.dim() else
                _scalars_differ(actual.item(), expected.item(), rtol, atol))
        raise _Mismatch(AssertionError, text, path)


def _pairs(actual, expected, path, allow_subclasses, tolerances):
    """(comparison, actual, expected, path) for everything that stands in the two, in order."""
    both = (actual, expected)
    if all(isinstance(v, Sequence) and not isinstance(v, str) for v in both):
        if len(actual) != len(expected):
            raise _Mismatch(AssertionError, f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path)
        for i, (a, b) in enumerate(zip(actual, expected)):
            yield from _pairs(a, b, (*path, i), allow_subclasses, tolerances)
        return
    if all(isinstance(v, Mapping) for v in both):
        keys = set(actual)
        if keys != set(expected):
            raise _Mismatch(AssertionError, f"The keys of the mappings do not match:\nMissing keys in the actual mapping: "
                            f"{sorted(set(expected) - keys)}\nAdditional keys in the actual mapping: {sorted(keys - set(expected))}", path)
        try:
            keys = sorted(keys)
        except TypeError:
            keys = list(actual)                                # keys without an order: as they come
        for key in keys:
            yield from _pairs(actual[key], expected[key], (*path, key), allow_subclasses, tolerances)
        return
    if actual is None or expected is None:
        yield "None", actual, expected, path
        return
    a, b = _plain(actual), _plain(expected)
    if isinstance(a, bool) and isinstance(b, bool):
        yield "bool", a, b, path
        return
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        _tolerances([], *tolerances, path)
        yield "number", a, b, path
        return
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if related and (allow_subclasses or type(actual) is type(expected)):
        tensors = []
        for value in both:
            try:
                tensors.append(value if isinstance(value, Tensor) else as_tensor(value))
            except (TypeError, ValueError, RuntimeError):
                break                                          # nothing that a tensor can be made of: refused below
        if len(tensors) == 2:
            _tolerances([], *tolerances, path)
            yield "tensor", *tensors, path
            return
    raise _Mismatch(TypeError, f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.", path)


def assert_close(actual, expected, *, allow_subclasses=True, rtol=None, atol=None, equal_nan=False, check_device=True, check_dtype=True,
                 check_layout=True, check_stride=False, msg=None):
    """Raises AssertionError unless ``actual`` and ``expected`` are close: |actual - expected| <= atol + rtol * |expected|.

    Args:
        actual, expected: tensors, numbers, None, what ``as_tensor`` takes, or (nested) sequences and mappings of them.
        allow_subclasses (bool): the types need only be related. rtol, atol (float): both or none; by default of the dtypes
            (float32: 1.3e-6 and 1e-5, float64: 1e-7 both, float16: 1e-3 and 1e-5, bfloat16: 0.016 and 1e-5, others: 0).
        equal_nan (bool): NaN equals NaN. check_device, check_dtype, check_layout, check_stride (bool): these must be equal too.
        msg: the error's text, or a function from the usual text to it.

    Raises:
        AssertionError: they differ. TypeError: no way to compare them. ValueError: one of rtol and atol only.
    """
    __tracebackhide__ = True
    compare_tensor = (rtol, atol, equal_nan, check_dtype, check_device, check_layout, check_stride)
    try:
        pairs = list(_pairs(actual, expected, (), allow_subclasses, (rtol, atol)))
    except _Mismatch as mismatch:
        raise mismatch.error() from None
    try:
        for kind, a, b, path in pairs:
            if kind == "tensor":
                _compare_tensors(a, b, path, *compare_tensor)
            elif kind == "number":
                _compare_numbers(a, b, path, rtol, atol, equal_nan, check_dtype)
            elif a is not b:
                raise _Mismatch(AssertionError, f"{'None' if kind == 'None' else 'Booleans'} mismatch: {a} is not {b}", path)
    except _Mismatch as mismatch:
        raise mismatch.error(msg) from None


def assert_allclose(actual, expected, rtol=None, atol=None, equal_nan=True, msg=""):
    """The old :func:`assert_close`: dtypes may differ, NaN equals NaN, tolerances are wider."""
    warnings.warn("`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. Please use "
                  "`torch.testing.assert_close()` instead. You can find detailed upgrade instructions in "
                  "https://github.com/pytorch/pytorch/issues/61844.", FutureWarning, stacklevel=2)
    actual = actual if isinstance(actual, Tensor) else as_tensor(actual)
    expected = expected if isinstance(expected, Tensor) else as_tensor(expected, dtype=actual.dtype)
    if rtol is None and atol is None:
        rtol, atol = _tolerances([actual.dtype, expected.dtype], None, None, (), _OLD_TOLERANCES)
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None)


def _bounds(low, high, dtype):
    """The interval to draw from: defaults filled in, cut to what the dtype holds."""
    if dtype is _bool:
        least, most, defaults = 0, 2, (0, 2)
    elif dtype.is_floating_point:
        least, most, defaults = finfo(dtype).min, finfo(dtype).max, (-9, 9)
    else:
        # randint takes its upper bound as an int64: the largest int64 cannot be drawn
        least, most, defaults = iinfo(dtype).min, iinfo(dtype).max + (dtype is not int64), (-9, 10)
    low = defaults[0] if low is None else low
    high = defaults[1] if high is None else high
    if math.isnan(low) or math.isnan(high):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low == high and dtype.is_floating_point:
        warnings.warn("Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is deprecated since 2.1 and will be "
                      "removed in 2.3. Use `torch.full(...)` instead.", FutureWarning, stacklevel=3)
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < least or low >= most:
        raise ValueError(f"The value interval specified by `low` and `high` is [{low}, {high}), but {dtype} only supports "
                         f"[{least}, {most})")
    low, high = (min(max(v, least), most) for v in (low, high))
    return (low, high) if dtype.is_floating_point else (math.ceil(low), math.ceil(high))


def make_tensor(*shape, dtype, device, low=None, high=None, requires_grad=False, noncontiguous=False, exclude_zero=False,
                memory_format=None):
    """A tensor of numbers drawn uniformly from [low, high): from [-9, 9) by default, [-9, 10) for integers, from both bools.

    Args:
        shape: sizes. dtype, device, requires_grad, memory_format: of the result. noncontiguous (bool): every other element of a
            larger one. exclude_zero (bool): zeros become the smallest normal number, or 1.

    Raises:
        ValueError: bounds that are NaN, in the wrong order, or beyond the dtype; requires_grad for integers; both
            noncontiguous and memory_format.
    """
    if len(shape) == 1 and isinstance(shape[0], Sequence):
        shape = shape[0]
    shape = tuple(shape)
    if noncontiguous and memory_format is not None:
        raise ValueError(f"The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got {noncontiguous=} and "
                         f"{memory_format=}")
    if requires_grad and not dtype.is_floating_point:
        raise ValueError(f"`requires_grad=True` is not supported for boolean and integral dtypes, but got {dtype=}")
    noncontiguous = noncontiguous and math.prod(shape) > 1
    drawn = (*shape[:-1], 2 * shape[-1]) if noncontiguous else shape
    low, high = _bounds(low, high, dtype)
    if not dtype.is_floating_point:
        result = randint(low, high, drawn, device=device, dtype=dtype)
    elif high - low >= finfo(dtype).max:
        result = empty(drawn, device=device, dtype=dtype).uniform_(low / 2, high / 2).mul_(2)
    else:
        result = empty(drawn, device=device, dtype=dtype).uniform_(low, high)
    if noncontiguous:
        result = result[..., 1::2]
    elif memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        result[result == 0] = finfo(dtype).tiny if dtype.is_floating_point else 1
    return result.requires_grad_(requires_grad) if requires_grad else result
