"""Gather, scatter, indexing by tensors and masks against torch."""
import warnings

import numpy as np
import pytest
from against_torch import DTYPES, LAYOUTS, assert_nothing_kept, cases, names, same, same_derivatives, same_error, same_value, torch

import wengert


VALUES = cases("""
x[I(0, 2)] | x[I(2, -1, 0)] | x[:, I(1, 3, 3)] | x[I(0, 2), I(1, 3)] | x[I([0], [2]), I(1, 3)] | x[I(0, 1)[:, None], I(0, 2, 3)] | x[I()] | x[None, I(1)] | x[[0, 2]]
x[:, None, I([0, 1])] | x.reshape(3, 2, 2)[:, I(1, 0), I(0, 0)] | x.reshape(3, 2, 2)[I(1, 0), :, I(0, 0)]
x[I([0, 1], [2, 2])] | x[1:, I(0, 3)] | x[I(0, 2), 1:] | x[I(1)] | x[L(1)] | x[L(1), I(2, 3)] | x[..., I(0)] | x[I(0, 1).int()]
x[x > 5] | x[x[:, 0] > 3] | x[:, x[0] > 1] | x[x > 99] | x[x > 5, None] | x[x[:, 0] > 3, 1:3] | x[x[:, 0] >= 0, I(0, 1, 2)]
x.gather(0, I([0, 1, 2, 0], [1, 1, 0, 0])) | x.gather(1, I([3], [0], [1])) | x.gather(-1, I([0, 0, 0], [1, 2, 3], [3, 2, 1])) | x.gather(0, z(0, 4).long()) | x.gather(0, z(0).long())
x.gather(0, I([0, 1, 2, 0]).int())
x.clone().scatter(0, I([0, 1, 2, 0]), x[1:2]) | x.clone().scatter(1, I([3], [0], [1]), x[:, 1:3]) | x.clone().scatter(1, I([3], [0], [1]), 9) | x.clone().scatter_(1, I([3], [0], [1]), 9)
x.clone().scatter_add(0, I([0, 1, 1, 0], [0, 0, 0, 0]), x[:2]) | x.clone().scatter_add_(1, I([3, 3], [0, 0], [1, 1]), x[:, :2])
x.index_select(0, I(2, 0, 2)) | x.index_select(1, I(3)) | x.index_select(-1, L(1)) | x.index_select(0, I()) | x.index_select(1, I(1, 2).int())
x.clone().index_add(0, I(2, 0, 2), x) | x.clone().index_add(1, I(3, 3), x[:, :2]) | x.clone().index_add_(0, I(1), x[:1], alpha=2) | x.clone().index_add(0, L(1), x[:1])
x.clone().index_copy(0, I(2, 0), x[:2]) | x.clone().index_copy_(1, I(1, 2), x[:, 2:]) | x.clone().index_fill(0, I(1), 5) | x.clone().index_fill_(1, I(0, -1), 5) | x.clone().index_fill(1, L(2), 5)
x.take(I(0, 11, -1)) | x.take(I([0, 5], [5, 3])) | x.take(L(7))
x.masked_select(x > 3) | x.masked_select(L([True, False, True, True])) | x[0].masked_select(x > 3) | x.masked_select(x > 99)
x.clone().masked_scatter(x > 6, x.clone()) | x.clone().masked_scatter_(L([True, False, False, True]), x.clone()) | x[0].masked_scatter(x > 2, x.clone())
x.clone().masked_fill_(x[0] > 1, 9)
x.nonzero() | (x > 4).nonzero() | (x > 99).nonzero()
x.clone().index_put((I(0, 2), I(1, 3)), x[0, :2]) | x.clone().index_put_((I(0, 0), I(1, 1)), x[0, :2], accumulate=True) | x.clone().index_put((I(1),), x[2])
""")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("text", VALUES)
def test_values_and_geometry(text, layout):
    assert same(lambda lib: eval(text, names(lib, x=LAYOUTS[layout](lib))))[0] == "returned"


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(dtype):
    for text in VALUES:
        if dtype == "bool" and ("9" in text or "alpha" in text or "5)" in text):
            continue
        same_value(text, x=lambda lib: lib.arange(12).view(3, 4).to(getattr(lib, dtype)))


EDGES = cases("""
L(1.).gather(0, L(0)) | L(1.).gather(0, I(0, 0)) | o(3).gather(0, L(1)) | L(1.).scatter(0, L(0), L(2.)) | L(1.).scatter_add(0, L(0), L(2.)) | L(1.).scatter(0, I(0), 3.)
o(2, 3).scatter_add(0, z(0).long(), o(1)) | L(1.).index_select(0, L(0)) | L(1.).index_select(0, I(0)) | L(1.).index_fill(0, L(0), 2.) | L(1.).index_fill(0, I(0), 2.)
L(1.).index_add(0, L(0), L(2.)) | o(0).take(I()) | L(3.).take(I(0, 0)) | L(1.).nonzero() | L(0.).nonzero() | o(2, 0).nonzero() | o(0, 3)[I()] | torch.arange(12).view(3, 2, 2)[:, I([1], [0])] | torch.arange(12).view(3, 2, 2)[..., I(1, 1, 0)] | o(2, 3)[L(True)] | o(2, 3)[L(False)] | o(2, 3).masked_fill(o(3) > 0, 2) | o(2, 3).masked_fill(o(3) > 0, L(2.))
F.one_hot(I(0, 1)) | F.one_hot(I([0, 3], [1, 1]), 5) | F.one_hot(L(2)) | F.one_hot(z(0).long(), 3) | F.one_hot(I(2, 0))
L(3.).masked_select(L([True, False])) | o(2, 0).masked_select(o(2, 0) > 0) | L(4.).masked_scatter(L(True), o(3))
""")


@pytest.mark.parametrize("text", EDGES)
def test_edges(text):
    same_value(text)


ERRORS = cases("""
x.gather(0, I(0)) | x.gather(0, o(1, 2)) | x.gather(2, I([0])) | x.gather(0, I([0, 0, 0, 0])) | x.gather(1, I([0], [0], [0])) | x.gather(0, I([2, 0])) | x.gather(0, I([-1, 0]))
x.scatter(0, o(1, 1), o(1, 1)) | x.scatter(0, I([0]), o(1, 1).double()) | x.scatter(0, I([0, 0]), o(1, 1)) | x.scatter(0, I([0, 0, 0, 0]), o(1, 4)) | x.scatter(0, I(0), o(1))
x.scatter(0, I([5]), o(1, 1)) | x.scatter(0, I([-1]), o(1, 1)) | x.scatter(2, I([5]), o(1, 1)) | x.scatter(0, I([5]), 1.) | x.scatter(1, I([0], [0], [0]), 1.)
x.scatter_add(0, I([0]), o(1, 1).double()) | x.scatter_add(0, I([0, 0]), o(1, 1)) | x.scatter_add(0, I([0, 0, 0, 0]), o(1, 4)) | x.scatter_add(0, I([5]), o(1, 1)) | x.scatter_add(0, I(0), o(1))
x.index_select(0, I([0])) | x.index_select(0, o(1)) | x.index_select(0, I(2)) | x.index_select(0, I(-1)) | x.index_select(2, I(0)) | L(1.).index_select(0, I(0, 0))
x.index_add(0, I([0]), o(1, 3)) | x.index_add(0, o(1), o(1, 3)) | x.index_add(0, I(0), o(2, 3)) | x.index_add(0, I(0), o(1, 2)) | x.index_add(0, I(0), o(1, 3).double())
x.index_add(0, I(5), o(1, 3)) | x.index_add(0, I(-1), o(1, 3)) | x.index_add(0, I(0), o(3)) | x.index_add(1, L(0), o(2)) | x.index_add(2, I(0), o(3)) | o(3).index_add(0, I(5), o(1))
x.index_copy(0, I([0]), o(1, 3)) | x.index_copy(0, o(1), o(1, 3)) | x.index_copy(0, I(0).int(), o(1, 3)) | x.index_copy(0, I(0), o(2, 3)) | x.index_copy(0, I(0), o(1, 3).double())
x.index_copy(0, I(5), o(1, 3)) | x.index_copy(0, I(-1), o(1, 3)) | x.index_copy(0, I(0), o(3)) | x.index_copy(2, I(0), o(3)) | x.index_copy(0, I(0, 1), L(1.))
x.index_fill(0, I([0]), 1.) | x.index_fill(0, o(1), 1.) | x.index_fill(0, I(0).int(), 1.) | x.index_fill(0, I(5), 1.) | x.index_fill(2, I(0), 1.)
x.take(o(1)) | x.take(I(0).int()) | x.take(I(6)) | x.take(I(-7)) | o(0).take(I(0))
x.masked_select(o(2, 3)) | x.masked_select(o(2, 4) > 0) | x.masked_select(o(2, 3).byte()) | x.masked_scatter(o(2, 3), o(6)) | x.masked_scatter(o(2, 3) > 0, o(5)) | x.masked_scatter(o(2, 3).byte(), o(6))
F.one_hot(I(0, 1).int()) | F.one_hot(I(0, -1)) | F.one_hot(I(0, 5), 3) | F.one_hot(I(0, 1), 0) | F.one_hot(I(0, 1), -2) | F.one_hot(z(0).long())
x[I(0, 5)] | x[I(0, -3)] | x[I(0, 1), I(0, 5)] | x[I(0, 1), I(0, 1, 2)] | x[o(2)] | x[o(2, 2) > 0] | x[:, I(7)] | o(0, 3)[I(0)] | x[0, 0, I(0)] | L(5.)[None, I(0)]
x.index_put((I(0, 1),), o(5)) | x.index_put((I(0, 1),), o(2, 3).double()) | x.index_put((I(0, 1), I(0, 1)), o(3)) | x.index_put((I(0, 9), I(0, 1)), o(2))
""")


@pytest.mark.parametrize("text", ERRORS)
def test_errors(text):
    same_error(text, x=lambda lib: lib.ones(2, 3))


@pytest.mark.parametrize("text", [e for e in ERRORS if "x.index" in e or "x.scatter" in e or "x.masked_sc" in e])
def test_a_failed_write_changes_nothing(text):
    x = wengert.arange(6.).view(2, 3)
    for method in ("scatter_add", "scatter", "index_add", "index_copy", "index_fill", "masked_scatter", "index_put"):
        text = text.replace(f"x.{method}(", f"x.{method}_(")
    with pytest.raises((RuntimeError, IndexError)):
        eval(text, names(wengert, x=x))
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_float16_sums_and_large_indices_keep_their_order():
    """Many equal indices: the same bits as adding one after the other."""
    def run(lib):
        x = lib.arange(5000).to(lib.float32)/7
        return lib.zeros(3).index_add(0, lib.arange(5000) % 3, x), lib.zeros(1, 4).scatter_add(0, lib.zeros(1250, 4).long(), x.view(1250, 4))
    ours, theirs = run(wengert), run(torch)
    for a, b in zip(ours, theirs):
        assert a.tolist() == b.tolist()


DERIVATIVES = [
    ("x[I(0, 2, 0)]", (3, 4)), ("x[:, I(1, 3, 3)]", (3, 4)), ("x[I(0, 2), I(1, 3)]", (3, 4)), ("x[I([0], [2]), I(1, 3)]", (3, 4)), ("x[1:, I(0, 3)]", (3, 4)), ("x[:, I([0, 1], [1, 1]), I(2, 0)]", (2, 3, 4)), ("x[I(0, 1), :, I(2, 0)]", (2, 3, 4)), ("x[:, :, I([0, 3])]", (2, 3, 4)),
    ("x[L([True, False, True])]", (3, 4)), ("x[L([[True, False], [True, True]])]", (2, 2)), ("x[I()]", (3, 4)),
    ("x.gather(1, I([3, 3], [0, 1]))", (2, 4)), ("x.gather(0, L(1))", (3,)), ("x.scatter(1, I([3, 0], [0, 1]), y)", (2, 4), (2, 2)),
    ("x.scatter(1, I([3], [0]), 2.)", (2, 4)), ("x.scatter_add(1, I([3, 3], [0, 1]), y)", (2, 4), (2, 2)), ("x.mul(1.).scatter_add_(0, I([0, 0]), y)", (2, 4), (1, 2)),
    ("x.index_select(1, I(2, 2, 0))", (2, 3)), ("x.index_select(0, L(0))", ()), ("x.index_add(0, I(1, 1), y)", (3, 2), (2, 2)), ("x.index_add(0, I(1, 1), y, alpha=3)", (3, 2), (2, 2)),
    ("x.index_copy(1, I(2, 0), y)", (2, 3), (2, 2)), ("x.index_fill(1, I(2), 3.)", (2, 3)), ("x.mul(1.).index_fill_(1, I(2), 3.)", (2, 3)),
    ("x.take(I(0, 5, 5, -1))", (2, 3)), ("x.masked_select(L([[True, False, True], [False, True, True]]))", (2, 3)), ("x.masked_select(L([True, False, True]))", (2, 3)),
    ("x.masked_select(L([[True, False, True], [False, True, True]]))", (3,)), ("x.masked_scatter(L([True, False, True]), y)", (2, 3), (5,)),
    ("x.masked_scatter(L([[True, False, True], [True, True, True]]), y)", (3,), (6,)), ("x.masked_fill(L([True, False, True]), 2.)", (2, 3)),
    ("x.masked_fill(L([True, False, True]), y)", (2, 3), ()), ("x.index_put((I(0, 2), I(1, 3)), y)", (3, 4), (2,)), ("x.index_put((I(0, 0),), y, accumulate=True)", (3, 4), (2, 4)),
    ("x.index_put((I(0, 2),), y)", (3, 4), (1,)), ("x.mul(1.).index_put_((I(1, 2),), y)", (3, 4), (4,)),
]


@pytest.mark.parametrize("text,shapes", [(d[0], d[1:]) for d in DERIVATIVES], ids=[f"{d[0]} {d[1:]}" for d in DERIVATIVES])
def test_derivatives(text, shapes):
    same_derivatives(text, *shapes)


def test_nothing_is_kept():
    assert_nothing_kept(VALUES + EDGES + ERRORS)


@pytest.mark.parametrize("key", [
    "[I(0, 1, 2), I(1, 1, 0)]", "[I(0, 1, 2), slice(0, 2)]", "[0, 1]", "[[0, 1], [1, 2]]", "[(0, 1), (1, 2)]", "[None, 0]", "[..., 0]", "[I(0, 1, 2)]",
    "[x[:, 0] > 1]", "[True, False, True]", "[I(0, 1, 2), 0]", "[[0, 1], I(0, 1)]", "[np.array([0, 1]), np.array([1, 1])]", "np.array([[0, 1], [1, 1]])",
    "range(2)", "[range(2), range(2)]", "[[0, 1]] * 32", "[[0, 1]] * 31", "[np.int64(0), 1]", "([0, 1], [1, 2])", "[[0, 1], 1]", "[[[0, 1], [1, 2]], [0, 1]]"])
def test_lists_that_are_tuples(key):
    """Lists of sequences are indices of several dimensions, with a warning."""
    def run(lib):
        x = lib.arange(12).view(3, 4)
        key_ = eval(key, {**names(lib), "x": x, "np": np})
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            got = x[key_]
            x[key_] = -1
        return got, x, len(seen)

    same(run)


@pytest.mark.parametrize("call", ["scatter_reduce(0, I(0, 1, 0), b, r)", "scatter_reduce_(0, I(0, 1, 0), b, r, include_self=False)", "index_reduce(0, I(0, 1, 0), b, r)"])
@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
def test_reductions_of_truth_values(call, reduce):
    if "index" in call and reduce == "sum":
        reduce = "mean"
    same(lambda lib: eval("a." + call, {**names(lib), "a": lib.tensor([True, False]), "b": lib.tensor([True, False, True]), "r": reduce}))


@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include_self", [True, False])
def test_scatter_reduce(reduce, include_self):
    """At many indices, of which several name one place; values by the kernel, and by what has derivatives."""
    from close_to_torch import close_derivatives, close_value
    rng = np.random.default_rng(5)
    x, y, flat = rng.standard_normal((4, 6)), rng.standard_normal((5, 6)), rng.standard_normal(300)
    arguments = f"'{reduce}', include_self={include_self}"
    place, line = "(torch.arange(30).reshape(5, 6) * 7 % 4)", "(torch.arange(300) * 37 % 11)"
    for text, arrays in ((f"x.scatter_reduce(0, {place}, y, {arguments})", (x, y)), (f"x[0].scatter_reduce(0, {line}[:6] % 6, y[1], {arguments})", (x, y)),
                         (f"x.scatter_reduce(1, {place}.t()[:4, :5], y.t()[:4], {arguments})", (x, y)),
                         (f"torch.zeros(11, dtype=x.dtype).scatter_reduce(0, {line}, x, {arguments})", (flat,))):
        for dtype in ("float64", "float32", "bfloat16"):
            close_value(text, *arrays, dtype=dtype)
        close_value(text, *(np.round(a * 3).astype("int64") for a in arrays))
        close_derivatives(text, *arrays, orders=1)
    x[0, 0] = np.nan
    close_value(f"x.scatter_reduce(0, {place}, y, {arguments})", x, y)
    close_value(f"y.scatter_reduce(0, {place}[:4], x, {arguments})", x, y)
