"""Reductions, scans and what is selected by order, against torch."""
import itertools
import warnings

import numpy as np
import pytest
from close_to_torch import close, close_derivatives, close_error, close_value, compare, derivatives, draw, torch

import wengert


def cases(text):
    return [case.strip() for line in text.strip().splitlines() for case in line.split(" | ")]


X = draw((3, 4, 2), seed=1)[0]
FLOATS = cases("""
x.sum() | x.sum(0) | x.sum(-1) | x.sum((0, 2)) | x.sum((1, -1), keepdim=True) | x.sum(()) | x.sum(None, True) | x.sum(dim=1, keepdim=True)
x.mean() | x.mean(1) | x.mean((0, 1)) | x.mean((0, 2), keepdim=True) | x.mean(()) | x.nansum() | x.nansum(1) | x.nansum((0, 1), keepdim=True)
x.prod() | x.prod(0) | x.prod(2, keepdim=True) | x.prod(-2) | torch.where(x > 1.5, 0., x).prod() | torch.where(x > 1, 0., x).prod(0)
x.amax() | x.amax(1) | x.amax((0, 2)) | x.amin((1, 2), True) | x.amin() | x.max() | x.min() | x.aminmax() | x.aminmax(dim=1) | x.aminmax(dim=0, keepdim=True)
x.max(0) | x.max(1, keepdim=True) | x.min(-1) | x.min(1, True) | x.max(0)[0] | x.round().amax(0) | x.round().max() | x.round().aminmax()
x.var() | x.var(0) | x.var((0, 2), keepdim=True) | x.var(1, correction=0) | x.var((0, 1), correction=2.5) | x.var(correction=-1) | x.var(unbiased=False)
x.std() | x.std(0) | x.std((0, 2), keepdim=True) | x.std(1, correction=0) | x.std(correction=None) | x.std(0, unbiased=True)
torch.linalg.vector_norm(x) | torch.linalg.vector_norm(x, dim=1) | torch.linalg.vector_norm(x, 1) | torch.linalg.vector_norm(x, 3, (0, 1))
torch.linalg.vector_norm(x, inf) | torch.linalg.vector_norm(x, -inf, 1) | torch.linalg.vector_norm(x, 0, 1) | torch.linalg.vector_norm(x, .5, (0, 2), True)
torch.linalg.vector_norm(x, 1.5, 1) | torch.linalg.vector_norm(x, -2, 1) | torch.linalg.vector_norm(x, 2, 2, keepdim=True) | torch.linalg.vector_norm(x*0, 2, 1)
x.logsumexp(0) | x.logsumexp((0, 1)) | x.logsumexp(-1, keepdim=True) | (x*1000).logsumexp(1) | (x - 800).logsumexp((0, 1, 2))
x.cumsum(0) | x.cumsum(1) | x.cumsum(-1) | x.cumprod(0) | x.cumprod(1) | torch.where(x > .5, 0., x).cumprod(1) | x.logcumsumexp(0) | (x*20).logcumsumexp(1)
x.cummax(0) | x.cummin(1) | x.cummax(-1)
x.sort() | x.sort(0) | x.sort(1, descending=True) | x.sort(dim=2, stable=True) | x.topk(2, 1) | x.topk(3, 0, largest=False) | x.topk(0, 1) | x.topk(2)
x.kthvalue(2, 1) | x.kthvalue(1) | x.kthvalue(3, 0, keepdim=True) | x.median() | x.median(0) | x.median(1, keepdim=True) | x.nanmedian() | x.nanmedian(-1)
torch.where(x > 1, nan, x).nanmedian(1) | torch.where(x > 1, nan, x).nanmedian() | torch.where(x > 1, nan, x).nansum(1)
x[:, :1].mode(1) | x.mode(0)[0]
""")
#: of a piecewise constant function, or without a gradient in torch
WITHOUT_GRADIENT = cases("""
x.argmax() | x.argmax(1) | x.argmin(0, keepdim=True) | x.argmin(keepdim=True) | x.argmax(-1) | x.count_nonzero() | x.round().count_nonzero(1) | x.trunc().count_nonzero((0, 2))
x.any() | x.all() | x.trunc().any(1) | x.trunc().all(0, keepdim=True) | x.trunc().any((0, 1)) | x.trunc().all(()) | x.trunc().any(None) | (x > 0).all(1) | (x > 9).any()
""")
LAYOUTS = {"dense": "x", "columns": "x.permute(2, 1, 0).contiguous().permute(2, 1, 0)", "gaps": "torch.stack([x, x], 2)[:, :, 0]",
           "expanded": "x[:, :1].expand(3, 4, 2)", "inner": "x.transpose(0, 1).contiguous().transpose(0, 1)"}
#: indices of equal elements are not defined
NOT_EXPANDED = ("kthvalue", "topk", "sort(", "median", "mode", "max(", "min(", "cummax", "cummin")


VALUES = [(text, layout) for text in FLOATS + WITHOUT_GRADIENT for layout in LAYOUTS
          if layout != "expanded" or not any(name in text for name in NOT_EXPANDED)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("text, layout", VALUES)
def test_values(text, layout, dtype):
    close_value(f"(lambda x: {text})({LAYOUTS[layout]})", X, dtype=dtype)


@pytest.mark.parametrize("text", FLOATS)
def test_derivatives(text):
    close_derivatives(text, X)


def test_derivatives_of_a_variance_of_everything():
    """dim=() is all dimensions; torch divides the gradient by 1, not by the number of elements."""
    for call in ("var", "std"):
        theirs = derivatives(torch, f"x.{call}(correction=0)", [X], True)
        compare(derivatives(wengert, f"x.{call}((), correction=0)", [X], True), theirs, call)


@pytest.mark.parametrize("text", ["x.sum()", "x.mean(0)", "x.prod(1)", "x.amax(1)", "x.max(1)", "x.var(1)", "x.std()", "x.logsumexp(1)", "x.cumprod(0)",
                                  "x.sort(1)[0]", "torch.linalg.vector_norm(x, 3, 1)"])
@pytest.mark.parametrize("layout", ["columns", "gaps", "inner"])
def test_derivatives_in_other_layouts(text, layout):
    close_derivatives(f"(lambda x: {text})({LAYOUTS[layout]})", X)


INTEGERS = cases("""
x.sum() | x.sum(1) | x.nansum(0) | x.prod() | x.prod(1) | x.amax(0) | x.amin() | x.max() | x.min() | x.max(1)[0] | x.min(0)[0] | x.aminmax(dim=1) | x.cumsum(1) | x.cumprod(0)
x.any() | x.all(0) | x.any(1, True) | x.count_nonzero() | x.count_nonzero(1) | x.logsumexp(1) | x.cummax(1) | x.cummin(0) | x.sort(dim=1, stable=True)
x.median() | x.median(1)[0] | x.nanmedian() | x.kthvalue(2, 1)[0] | x.topk(2, 1)[0] | x.mode(1)[0] | x.argmax() | x.mean(dtype=torch.float32) | x.sum(dtype=torch.int32)
x.sum(dtype=torch.float64) | x.prod(dtype=torch.float32) | x.cumsum(0, dtype=torch.int8) | x.cumsum(1, dtype=torch.float32) | x.sum(1, dtype=torch.bool) | x.mean()
x.var() | x.std(0) | torch.linalg.vector_norm(x) | x.logcumsumexp(0) | x.cumprod(1, dtype=torch.bool)
""")


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64"])
@pytest.mark.parametrize("text", INTEGERS)
def test_integers(text, dtype):
    """Values, or PyTorch's refusal."""
    close(text, x=lambda lib: (lib.arange(12)*5 % 7).reshape(3, 4).to(getattr(lib, dtype)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("text", cases("""
x.sum() | x.sum(1) | x.mean(0) | x.prod(1) | x.amax(0) | x.max(1) | x.min() | x.var(1) | x.std() | x.logsumexp(0) | x.cumsum(1) | x.cumprod(0) | x.cummax(1) | x.argmin(1)
x.sort(1) | x.topk(2, 1) | x.median(1) | x.any(0) | x.sum(dtype=torch.float32) | x.mean(dtype=torch.float64) | x.sum(0, dtype=torch.float64) | torch.linalg.vector_norm(x, 3, 1)
x.logcumsumexp(0) | x.nansum(1) | x.nanmedian() | x.mode(1)[0] | x.kthvalue(2)
"""))
def test_half_types(text, dtype):
    close_value(text, x=lambda lib: (lib.arange(12)*5 % 13 - 5).reshape(3, 4).to(getattr(lib, dtype))/4)


def test_half_types_accumulate_in_float32():
    for dtype in ("float16", "bfloat16"):
        close_value(f"torch.ones(40000, dtype=torch.{dtype}).sum()/2 + torch.ones(4000, dtype=torch.{dtype}).mean()")
        close_value(f"torch.full((5000,), .01, dtype=torch.{dtype}).sum()")


@pytest.mark.parametrize("text", cases("""
x.sum(dtype=torch.float32) | x.sum(0, dtype=torch.float32) | x.mean(dtype=torch.float32) | x.prod(dtype=torch.float32) | x.prod(1, dtype=torch.float32) | x.nansum(dtype=torch.float32)
x.cumsum(1, dtype=torch.float32) | x.cumprod(0, dtype=torch.float32) | x.sum(dtype=torch.int64) | x.sum(dtype=torch.bool) | x.cumsum(0, dtype=torch.int16) | x.sum(dtype=torch.float16)
x.float().sum(dtype=torch.float64) | torch.linalg.vector_norm(x.float(), dtype=torch.float64) | x.float().cumsum(0, dtype=torch.float64) | x.float().mean(1, dtype=torch.float64)
"""))
def test_given_dtypes(text):
    close_value(text, 3*X)


def test_gradients_through_given_dtypes():
    for text in ("x.float().sum(dtype=torch.float64)", "x.float().mean(0, dtype=torch.float64)"):
        close_derivatives(text, (8*X).round()/8)


NOTHING = ["sum()", "sum({})", "mean()", "mean({})", "prod()", "prod({})", "amax()", "amax({})", "amin({})", "max()", "min()", "max({})", "min({})", "aminmax()",
           "aminmax(dim={})", "argmax()", "argmax({})", "argmin({})", "any()", "all()", "any({})", "all({})", "count_nonzero({})", "var({})", "std()", "logsumexp({})",
           "median()", "median({})", "nanmedian()", "nanmedian({})", "mode({})", "kthvalue(1, {})", "cumsum({})", "cumprod({})", "logcumsumexp({})", "cummax({})",
           "sort({})", "topk(1, {})", "topk(0, {})", "nansum({})"]


@pytest.mark.parametrize("form", NOTHING)
def test_nothing(form):
    """Empty tensors, along and across the empty dimension."""
    for shape, dim in itertools.product([(0,), (0, 3), (3, 0)], [0, 1]):
        if dim < len(shape):
            close(f"x.{form.format(dim)}", np.zeros(shape))
            close(f"x.{form.format(dim)}", np.zeros(shape, "int64"))


@pytest.mark.parametrize("form", NOTHING)
def test_numbers(form):
    """0-d tensors have a dimension 0, and -1."""
    x = draw((), seed=3)[0]
    for dim in (0, -1, 1):
        close(f"x.{form.format(dim)}", np.array(x))
        close(f"x.{form.format(dim)}", np.array(5))


@pytest.mark.parametrize("form", ["sum({}, True)", "amax({}, keepdim=True)", "max({}, keepdim=True)", "var({}, correction=0)", "logsumexp({}, True)", "cumsum({})",
                                  "sort({})", "median({}, True)", "cumprod({})", "prod({})", "cummax({})", "kthvalue(1, {})", "topk(1, {})", "mean({}, True)", "std({})"])
def test_derivatives_of_numbers(form):
    close_derivatives(f"x.{form.format(0)}", np.array(1.25))


ORDS = ["inf", "-inf", "-1", "-.5", "0", "1", "2", "2.5"]


@pytest.mark.parametrize("ord", ORDS)
def test_norms_of_nothing(ord):
    for shape, dim in [((0, 3), 0), ((0, 3), 1), ((0,), 0), ((0, 3), None), ((2, 0), None), ((), None), ((), 0)]:
        close(f"torch.linalg.vector_norm(x, {ord}, {dim})", np.zeros(shape))


@pytest.mark.parametrize("text", ["x.clone().cumsum_(1)", "x.clone().cumprod_(0)", "x.transpose(0, 2).clone().cumsum_(0)", "x.float().cumsum_(1)", "x.long().cumsum_(0)",
                                  "x.clone()[:, ::2].cumsum_(1)"])
def test_in_place(text):
    close(text, X)


def test_in_place_derivatives():
    for text in ("x.clone().cumsum_(1)", "x.mul(2).transpose(0, 1).cumsum_(1)"):
        close_derivatives(text, X)


SPECIAL = np.array([[1, np.nan, 3, -np.inf], [np.inf, 2, -np.inf, 0], [-0.0, 0.0, -1, 5], [np.nan, np.nan, np.nan, np.nan], [np.inf, np.inf, 1, 2]])


@pytest.mark.parametrize("text", cases("""
x.sum(1) | x.mean(1) | x.prod(1) | x.amax(1) | x.amin(1) | x.max(1) | x.min(1) | x.aminmax(dim=1) | x.argmax(1) | x.argmin(1) | x.var(1) | x.logsumexp(1) | x.nansum(1)
x.cumsum(1) | x.cumprod(1) | x.cummax(1) | x.cummin(1) | x.logcumsumexp(1) | x.sort(dim=1, stable=True) | x.sort(dim=1, descending=True, stable=True) | x.topk(2, 1)[0] | x.median(1)[0]
x.nanmedian(1)[0] | x.kthvalue(2, 1)[0] | x.any(1) | x.all(1) | x.count_nonzero(1) | torch.linalg.vector_norm(x, 2, 1) | torch.linalg.vector_norm(x, inf, 1) | x.max() | x.min()
"""))
def test_not_finite(text):
    close_value(text, SPECIAL)


@pytest.mark.parametrize("n", [1, 7, 64, 1000, 100003])
def test_long_sums(n):
    x = draw((n,), seed=n)[0]
    for text in ("x.sum()", "x.mean()", "x.var()", "x.std()", "torch.linalg.vector_norm(x)", "x.logsumexp(0)", "x.amax()", "x.argmin()", "x.median()"):
        close_value(text, x)
        if text != "x.var()" or n > 1:
            close(text, x, dtype="float32")


ERRORS = cases("""
x.sum(5) | x.sum((0, 0)) | x.sum((0, -2)) | x.mean(5) | x.mean((1, 1)) | x.nansum(9) | x.prod(3) | x.long().mean() | (x > 0).mean() | x.long().mean(0)
x.mean(dtype=torch.int64) | x.mean(0, dtype=torch.int64) | x.long().mean(dtype=torch.int32) | x.amax((0, 0)) | x.amax(4) | x.max(4) | x.min(-3) | x.argmax(7) | (x > 0).argmax()
(x > 0).argmin(0) | x.any(4) | x.all((0, 0)) | x.count_nonzero((0, 0)) | x.count_nonzero(4) | x.long().var() | x.int().std(0) | x.var((0, 0)) | x.var(5)
torch.linalg.vector_norm(x.long()) | torch.linalg.vector_norm(x, dtype=torch.int64) | torch.linalg.vector_norm(x.long(), dtype=torch.float32) | torch.linalg.vector_norm(x, 2, (0, 0))
torch.linalg.vector_norm(x.double(), dtype=torch.float32) | torch.linalg.vector_norm(x, 2, 5) | x.logsumexp((0, 0)) | x.logsumexp(4) | x.cumsum(4) | x.cumprod(-3) | x.logcumsumexp(4)
x.long().logcumsumexp(0) | x.cummax(4) | x.cummin(2) | x.cumsum(0, dtype=torch.bool) | x.sort(4) | x.topk(4) | x.topk(-1) | x.topk(2, 5) | x.topk(5, 0) | (x > 0).topk(1)
x.kthvalue(0) | x.kthvalue(4) | x.kthvalue(1, 3) | (x > 0).kthvalue(1) | x.median(4) | (x > 0).median() | (x > 0).median(0) | x.nanmedian(3) | x.mode(4) | x.aminmax(dim=3)
""")


@pytest.mark.parametrize("text", ERRORS)
def test_errors(text):
    close_error(text, x=lambda lib: lib.ones(2, 3))


def test_what_a_warning_raises_reaches_the_caller(monkeypatch):
    def refuse(*args, **kwargs):
        raise KeyError("shown nowhere")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="degrees of freedom"):
            wengert.ones(1).var()
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", refuse)
        with pytest.raises(KeyError, match="shown nowhere"):
            wengert.ones(1).var()
