"""torch.testing against torch."""

import math

import numpy as np
import pytest
from like_torch import assert_same


def close(a, b, **options):
    """A program that compares what a(t) and b(t) give."""
    return lambda t: t.testing.assert_close(a(t) if callable(a) else a, b(t) if callable(b) else b, **options)


def tensor(*values, dtype="float32"):
    return lambda t: t.tensor(list(values), dtype=getattr(t, dtype))


COMPARISONS = {
    "equal": close(tensor(1, 2), tensor(1, 2)),
    "close": close(tensor(1.0, 2), tensor(1.000001, 2)),
    "different": close(tensor(1.0, 2, 3), tensor(1.5, 2, 0)),
    "different exact": close(tensor(1.0, 2, 3), tensor(1.5, 2, 0), rtol=0, atol=0),
    "matrix": close(lambda t: t.arange(6.0).view(2, 3), lambda t: t.arange(6.0).view(2, 3) * 1.1),
    "double": close(tensor(1, dtype="float64"), tensor(1 + 1e-6, dtype="float64")),
    "half": close(tensor(1, dtype="float16"), tensor(1.002, dtype="float16")),
    "bfloat16": close(tensor(1, dtype="bfloat16"), tensor(1.1, dtype="bfloat16")),
    "integers": close(tensor(1, 2, dtype="int64"), tensor(1, 3, dtype="int64")),
    "bytes": close(tensor(1, 2, dtype="uint8"), tensor(1, 3, dtype="uint8")),
    "bools": close(lambda t: t.tensor([True, False]), lambda t: t.tensor([True, True])),
    "0-d": close(lambda t: t.tensor(1.0), lambda t: t.tensor(2.0)),
    "0-d zero": close(lambda t: t.tensor(1.0), lambda t: t.tensor(0.0)),
    "nan": close(tensor(math.nan), tensor(math.nan)),
    "nan equal": close(tensor(math.nan, 1), tensor(math.nan, 1), equal_nan=True),
    "inf": close(tensor(math.inf), tensor(math.inf)),
    "shape": close(tensor(1, 2), tensor(1)),
    "dtype": close(tensor(1), tensor(1, dtype="float64")),
    "dtype unchecked": close(tensor(1), tensor(1, dtype="float64"), check_dtype=False),
    "dtype unchecked different": close(tensor(1), tensor(2, dtype="int64"), check_dtype=False),
    "stride": close(lambda t: t.ones(2, 2), lambda t: t.ones(2, 2).t()),
    "stride checked": close(lambda t: t.ones(2, 3), lambda t: t.ones(3, 2).t(), check_stride=True),
    "rtol only": close(tensor(1), tensor(1), rtol=0.1),
    "atol only": close(1.0, 1.0, atol=0.1),
    "tolerances": close(tensor(1, 2), tensor(1.1, 2), rtol=0.2, atol=0.0),
    "numbers": close(1.0, 1.1),
    "ints": close(1, 2),
    "int and float": close(1, 1.0),
    "int and float unchecked": close(1, 1.0, check_dtype=False),
    "numbers nan": close(math.nan, math.nan, equal_nan=True),
    "numpy numbers": close(np.float64(1.0), np.float64(1.5)),
    "booleans": close(True, False),
    "none": close(None, None),
    "none and tensor": close(None, tensor(1)),
    "list": close(lambda t: [t.ones(1), t.ones(2)], lambda t: [t.ones(1), t.zeros(2)]),
    "list and tuple": close(lambda t: [t.ones(1)], lambda t: (t.ones(1),)),
    "lengths": close([1, 2], [1]),
    "dict": close(lambda t: {"a": t.ones(1), "b": [t.ones(1)]}, lambda t: {"b": [t.zeros(1)], "a": t.ones(1)}),
    "keys": close({"a": 1, "b": 2}, {"a": 1, "c": 2}),
    "structure before values": close([1, [1, 2]], [2, [1]]),
    "arrays": close(np.ones(2), np.zeros(2)),
    "tensor and number": close(tensor(1), 1.0),
    "tensor and array": close(tensor(1), np.ones(1)),
    "strings": close("a", "a"),
    "parameter": close(lambda t: t.nn.Parameter(t.ones(1)), lambda t: t.ones(1)),
    "parameter strict": close(lambda t: t.nn.Parameter(t.ones(1)), lambda t: t.ones(1), allow_subclasses=False),
    "message": close(tensor(1), tensor(2), msg="mine"),
    "message function": close([1], [2], msg=lambda text: "mine: " + text),
    "old": lambda t: t.testing.assert_allclose(t.ones(2), t.ones(2, dtype=t.float64) + 1e-5),
    "old numbers": lambda t: t.testing.assert_allclose([1.0, 2.0], [1.0, 2.5]),
}


@pytest.mark.parametrize("name", COMPARISONS)
def test_assert_close(name):
    assert_same(COMPARISONS[name])


MADE = {
    "float": ((3, 2), {"dtype": "float32"}),
    "double": ((3, 2), {"dtype": "float64", "low": 1, "high": 2}),
    "sizes in a list": (([4, 2],), {"dtype": "float64"}),
    "no sizes": ((), {"dtype": "float64"}),
    "integers": ((20,), {"dtype": "int64"}),
    "bytes": ((20,), {"dtype": "uint8"}),
    "int8 bounds": ((20,), {"dtype": "int8", "low": -500, "high": 500}),
    "float bounds of integers": ((20,), {"dtype": "int32", "low": 1.5, "high": 3.5}),
    "bools": ((20,), {"dtype": "bool"}),
    "wide": ((5,), {"dtype": "float64", "low": -1.7e308, "high": 1.7e308}),
    "gradient": ((2,), {"dtype": "float32", "requires_grad": True}),
    "gradient of integers": ((2,), {"dtype": "int32", "requires_grad": True}),
    "apart": ((3, 4), {"dtype": "float32", "noncontiguous": True}),
    "no zeros": ((50,), {"dtype": "int64", "low": -1, "high": 2, "exclude_zero": True}),
    "nan": ((1,), {"dtype": "float32", "low": math.nan}),
    "order": ((1,), {"dtype": "int64", "low": 2, "high": 1}),
    "equal": ((2,), {"dtype": "float32", "low": 1.0, "high": 1.0}),
    "beyond": ((1,), {"dtype": "uint8", "low": 300, "high": 400}),
}


@pytest.mark.parametrize("name", MADE)
def test_make_tensor(name):
    shape, options = MADE[name]

    def program(t):
        t.manual_seed(4)
        x = t.testing.make_tensor(*shape, device="cpu", **{**options, "dtype": getattr(t, options["dtype"])})
        return x, x.stride(), x.requires_grad

    assert_same(program)
