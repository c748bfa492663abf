"""Products of vectors and matrices against torch."""
import numpy as np
import pytest
from close_to_torch import close, close_derivatives, close_error, close_value, draw, torch

import wengert
from wengert._core import memory_stats

PRODUCTS = [
    ("x.mm(y)", (3, 4), (4, 2)), ("x.mm(y)", (1, 4), (4, 1)), ("x.mm(y)", (0, 4), (4, 2)), ("x.mm(y)", (3, 0), (0, 2)), ("x.mm(y)", (3, 4), (4, 0)),
    ("x.bmm(y)", (5, 3, 4), (5, 4, 2)), ("x.bmm(y)", (0, 3, 4), (0, 4, 2)), ("x.bmm(y)", (2, 3, 0), (2, 0, 4)),
    ("x.mv(y)", (3, 4), (4,)), ("x.mv(y)", (0, 4), (4,)), ("x.mv(y)", (3, 0), (0,)),
    ("x.dot(y)", (5,), (5,)), ("x.dot(y)", (0,), (0,)), ("x.vdot(y)", (3,), (3,)),
    ("x @ y", (3, 4), (4, 2)), ("x @ y", (4,), (4,)), ("x @ y", (4,), (4, 2)), ("x @ y", (3, 4), (4,)), ("x @ y", (2, 3, 4), (4,)),
    ("x @ y", (4,), (2, 4, 3)), ("x @ y", (2, 3, 4), (4, 5)), ("x @ y", (3, 4), (2, 4, 5)), ("x @ y", (2, 1, 3, 4), (5, 4, 2)),
    ("x @ y", (2, 3, 4), (1, 4, 5)), ("x @ y", (2, 0, 4), (4, 5)), ("x @ y", (0, 3, 4), (4, 5)), ("x @ y", (1, 2, 3, 4), (5, 1, 4, 2)),
    ("torch.addmm(x, y, z)", (3, 2), (3, 4), (4, 2)), ("torch.addmm(x, y, z)", (2,), (3, 4), (4, 2)), ("torch.addmm(x, y, z)", (3, 1), (3, 4), (4, 2)),
    ("torch.addmm(x, y, z)", (), (3, 4), (4, 2)), ("torch.addmm(x, y, z, beta=.5, alpha=2)", (3, 2), (3, 4), (4, 2)),
    ("torch.addmm(x, y, z, alpha=-1.5)", (2,), (3, 4), (4, 2)), ("torch.addmm(x, y, z, beta=0)", (2,), (3, 4), (4, 2)),
    ("torch.addmm(x, y, z, beta=3)", (2,), (3, 0), (0, 2)), ("x.addmm(y, z)", (1, 2), (0, 4), (4, 2)),
    ("torch.addmv(x, y, z)", (3,), (3, 4), (4,)), ("torch.addmv(x, y, z, beta=2, alpha=.5)", (3,), (3, 4), (4,)), ("torch.addmv(x, y, z)", (), (3, 4), (4,)),
    ("torch.addmv(x, y, z)", (1,), (3, 4), (4,)), ("torch.baddbmm(x, y, z)", (2, 3, 5), (2, 3, 4), (2, 4, 5)),
    ("torch.baddbmm(x, y, z, beta=.5, alpha=3)", (1, 3, 1), (2, 3, 4), (2, 4, 5)), ("torch.baddbmm(x, y, z, beta=0)", (5,), (2, 3, 4), (2, 4, 5)),
    ("F.linear(x, y)", (3, 4), (2, 4)), ("F.linear(x, y, z)", (3, 4), (2, 4), (2,)), ("F.linear(x, y, z)", (5, 3, 4), (2, 4), (2,)),
    ("F.linear(x, y)", (5, 3, 4), (2, 4)), ("F.linear(x, y, z)", (4,), (2, 4), (2,)), ("F.linear(x, y)", (4,), (2, 4)),
    ("F.linear(x, y, z)", (1, 4), (1, 4), (1,)), ("F.linear(x, y, z)", (3, 4), (2, 4), (1,)), ("F.linear(x, y, z)", (3, 4), (2, 4), ()),
    ("F.linear(x, y, z)", (3, 4), (2, 4), (3, 2)), ("F.linear(x, y, z)", (3, 4), (2, 4), (1, 2)), ("F.linear(x, y, z)", (0, 4), (2, 4), (2,)),
    ("F.linear(x, y, z)", (3, 0), (2, 0), (2,)), ("F.linear(x, y, z)", (2, 0, 4), (2, 4), (2,)), ("F.linear(x, y, z)", (2, 3, 4, 5), (6, 5), (6,)),
    ("F.linear(x, y, z)", (3, 4), (0, 4), (0,)),
]
#: the same tensors in other layouts: by an expression of x, y
LAYOUTS = ["F.linear(x.transpose(0, 1), y, z)", "F.linear(x[..., ::2], y[:, :2], z)", "F.linear(x.expand(3, *x.shape), y, z)", "F.linear(x, y.flip(0), z[:1].expand(3))",
           "F.linear(x[0, 0].expand(6, 4), y, z)", "F.linear(x[..., None, :], y, z)", "F.linear(x.permute(1, 0, 2)[::2], y[:, :], z[::1])"]


def arrays(shapes):
    return draw(*shapes, seed=sum(map(sum, shapes)))


def case_id(case):
    return case[0] + "".join(str(s) for s in case[1:])


@pytest.mark.parametrize("case", PRODUCTS, ids=case_id)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_values(case, dtype):
    xs = [a if dtype != "int64" else np.round(3*a).astype("int64") for a in arrays(case[1:])]
    close_value(case[0], *xs, dtype=dtype)


@pytest.mark.parametrize("case", PRODUCTS, ids=case_id)
def test_derivatives(case):
    close_derivatives(case[0], *arrays(case[1:]))


@pytest.mark.parametrize("text", LAYOUTS)
def test_linear_in_other_layouts(text):
    xs = arrays([(2, 3, 4), (3, 4), (3,)])
    close_value(text, *xs)
    close_derivatives(text, *xs)


@pytest.mark.parametrize("text", ["x.t().mm(y)", "x.t() @ y[::1].flip(0)", "x.t().mv(y[:, 0])", "x[:, 0].dot(x[:, 1])", "x.t()[::2].mm(y)",
                                  "x[0].expand(5, 3).mm(x)", "x[:, :1].expand(3, 6).t().mm(y)[0]", "torch.addmm(y.t()[:3, :3].t(), x, x.t(), beta=2)"])
def test_products_in_other_layouts(text):
    close_value(text, *arrays([(3, 3), (3, 3)]))
    close_derivatives(text, *arrays([(3, 3), (3, 3)]))


@pytest.mark.parametrize("text", ["F.linear(x, y, z).sum()", "F.linear(x, y, z)[:, ::2]", "F.linear(x, y, z).transpose(0, 1)[:1]", "F.linear(x, y, z)[..., 0].expand(5, 2, 3)",
                                  "F.linear(x, y, z).mean(1)", "F.linear(x, y, z)[0, 0]", "F.linear(x[0], y, z).t()", "F.linear(x[0, 0], y, z)[1:]"])
def test_linear_with_other_cotangents(text):
    """Expanded, of strides, zeros in part."""
    close_derivatives(text, *arrays([(2, 3, 4), (3, 4), (3,)]))
    for kept in ("x.detach(), y.detach(), z", "x, y.detach(), z.detach()", "x.detach(), y, z.detach()", "x, y.detach(), z"):
        if "x, y, z" in text:
            close_derivatives(text.replace("x, y, z", kept), *arrays([(2, 3, 4), (3, 4), (3,)]))


@pytest.mark.parametrize("text", ["x.clone().addmm_(y, z)", "x.clone().addmm_(y, z, beta=.5, alpha=2)", "x.t().clone().addmm_(y, z).t()", "x.mul(1)[:, :2].addmm_(y, z[:, :2])",
                                  "x[0].clone().addmv_(y, z[0])", "x[None].clone().baddbmm_(y[None], z[None], beta=2)"])
def test_in_place(text):
    close_value(text, *arrays([(3, 3), (3, 3), (3, 3)]))
    close_derivatives(text, *arrays([(3, 3), (3, 3), (3, 3)]))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "bool"])
@pytest.mark.parametrize("text", ["a.mm(b)", "a[None].bmm(b[None])", "a.mv(b[:, 0])", "a[0].dot(b[:, 0])", "torch.addmm(b[:2, :2], a, b)", "F.linear(a, b.t())",
                                  "F.linear(a, b.t(), a[0, :2])", "torch.addmm(b[:2, :2], a, b, beta=2, alpha=3)"])
def test_every_dtype(text, dtype):
    def small(lib, *shape):
        n = int(np.prod(shape))
        return (lib.arange(n)*7 % 11).reshape(shape).to(getattr(lib, dtype))

    close(text, a=lambda lib: small(lib, 2, 3), b=lambda lib: small(lib, 3, 2))


def test_integers_wrap_around():
    close_value("(x*2**40).mm(x*2**40)", np.arange(9).reshape(3, 3))
    close_value("torch.full((2, 2), 100, dtype=torch.int8).mm(torch.full((2, 2), 3, dtype=torch.int8))")


@pytest.mark.parametrize("numbers", ["alpha=.5", "beta=.5", "beta=2.7, alpha=-1.7", "alpha=1e300", "beta=-1e19"])
def test_numbers_are_cut_for_integers(numbers):
    close(f"torch.addmm(x, x, x, {numbers})", np.arange(9).reshape(3, 3))


def test_zero_beta_ignores_the_input():
    for text in ("torch.addmm(x*nan, x, x, beta=0)", "torch.addmv(x[0]*nan, x, x[0], beta=0)", "torch.baddbmm(x[None]*inf, x[None], x[None], beta=0.)"):
        close_value(text, *arrays([(3, 3)]))


ERRORS = """
o(2, 3).mm(o(4, 5)) | o(2, 3).mm(o(3)) | o(3).mm(o(3, 2)) | o(2, 3).mm(o(3, 2).double()) | o(2, 3).long().mm(o(3, 2)) | o(2, 3).half().mm(o(3, 2).bfloat16())
(o(2, 3) > 0).mm(o(3, 2) > 0) | o(2, 3).int().mm(o(3, 2).short()) | (o(2, 3) > 0).mm(o(3, 2).byte()) | o(2, 3).to(torch.int8).mm(o(3, 2))
o(2, 3).bmm(o(4, 5)) | o(2, 3, 4).bmm(o(4, 5)) | o(2, 3, 4).bmm(o(2, 3, 5)) | o(2, 3, 4).bmm(o(3, 4, 5)) | o(2, 3, 4).bmm(o(2, 4, 5).double())
o(2, 3).mv(o(4)) | o(2).mv(o(4)) | o(2, 3).mv(o(3, 1)) | o(2, 3).mv(o(3).double()) | (o(2, 3) > 0).mv(o(3) > 0)
o(2).dot(o(3)) | o(2, 2).dot(o(2)) | o(2).dot(o(2).double()) | (o(2) > 0).dot(o(2) > 0) | o(2).vdot(o(3))
o(2, 3) @ o(4, 5) | o(2, 3, 4) @ o(3, 4, 6) | o(2, 3, 4) @ o(2, 4, 6).double() | o(2, 2, 3, 4) @ o(3, 1, 5, 6) | o(2, 2, 3, 4) @ o(5, 6)
o(4) @ o(2, 3, 4) | o(4) @ o(5, 3) | o(4) @ o(5) | L(1.) @ o(3) | o(3) @ L(1.) | o(2, 2, 3, 4).transpose(0, 1) @ o(5, 6)
torch.addmm(o(2, 2), o(2, 3), o(4, 2)) | torch.addmm(o(3, 3), o(2, 3), o(3, 2)) | torch.addmm(o(2, 2, 2), o(2, 3), o(3, 2))
torch.addmm(o(2, 2), o(2, 3), o(3, 2).double()) | torch.addmm(o(2, 2).double(), o(2, 3), o(3, 2)) | torch.addmm(o(2, 2), o(2, 3).double(), o(3, 2))
torch.addmm(o(2, 2), o(2, 3), o(3)) | torch.addmm(o(2, 2), o(3), o(3, 2)) | torch.addmm(o(2, 2) > 0, o(2, 3) > 0, o(3, 2) > 0)
torch.addmv(o(2), o(2, 3), o(4)) | torch.addmv(o(3), o(2, 3), o(3)) | torch.addmv(o(2, 2), o(2, 3), o(3)) | torch.addmv(o(2), o(2, 3), o(3, 1))
torch.addmv(o(2), o(2, 3), o(3).double()) | torch.addmv(o(2).double(), o(2, 3), o(3))
torch.baddbmm(o(2, 3, 5), o(2, 3, 4), o(2, 3, 5)) | torch.baddbmm(o(2, 3, 6), o(2, 3, 4), o(2, 4, 5)) | torch.baddbmm(o(2, 3, 5), o(2, 3), o(2, 4, 5))
torch.baddbmm(o(2, 3, 5), o(2, 3, 4), o(2, 4, 5).double()) | torch.baddbmm(o(2, 3, 5).double(), o(2, 3, 4), o(2, 4, 5))
F.linear(o(2, 3), o(5, 4)) | F.linear(o(2, 3), o(5, 4), o(5)) | F.linear(o(2, 3), o(5, 3), o(4)) | F.linear(o(3), o(5, 4)) | F.linear(o(3), o(5, 4), o(5))
F.linear(o(2, 2, 3), o(5, 4)) | F.linear(o(2, 2, 3), o(5, 3), o(4)) | F.linear(o(3), o(5, 3), o(4)) | F.linear(o(2, 3), o(2, 5, 3)) | F.linear(o(2, 3), o(3), o(2))
F.linear(o(2, 3), o(5, 3).double()) | F.linear(o(2, 3), o(5, 3).double(), o(5)) | F.linear(o(2, 3), o(5, 3), o(5).double()) | F.linear(o(2, 3).long(), o(5, 3), o(5))
F.linear(o(3), o(5, 3).double(), o(5).double())
"""


@pytest.mark.parametrize("text", [case.strip() for line in ERRORS.strip().splitlines() for case in line.split(" | ")])
def test_errors(text):
    close_error(text)


def test_a_failed_product_leaks_nothing():
    """Neither outputs nor copies of a product that is refused stay."""
    def attempt():
        with pytest.raises(RuntimeError):
            wengert.addmm(wengert.ones(50, 50), wengert.ones(300, 300), wengert.ones(300, 300))
        with pytest.raises(NotImplementedError):
            (wengert.ones(300, 300) > 0).mm(wengert.ones(300, 300) > 0)

    attempt()
    before = memory_stats()["live_bytes"]
    attempt()
    assert memory_stats()["live_bytes"] == before


def test_without_recording_what_has_no_derivative_computes():
    import wengert

    a = wengert.ones(3, 2, requires_grad=True)
    with wengert.no_grad():
        assert wengert.geqrf(a)[1].shape == (2,)
        assert wengert.linalg.qr(a, mode="r")[1].shape == (2, 2)


@pytest.mark.parametrize("shapes", [((40, 5), (30, 5)), ((2, 40, 5), (3, 5)), ((3, 1, 27, 4), (2, 7, 4)), ((0, 3), (30, 3)), ((27, 0), (3, 0)), ((4, 3), (5, 3))], ids=str)
def test_distances(shapes):
    """By a product from 26 rows on, as PyTorch's; zero distances have no gradient."""
    rng = np.random.default_rng(31)
    a, b = (rng.standard_normal(shape) for shape in shapes)
    if a.ndim == b.ndim == 2 and a.size and a.shape[1] > 0:
        b[:2] = a[:2] = np.round(a[:2] * 4) / 4                # exact, so that their distance is zero both ways
    for p, mode in ((2.0, None), (2.0, "use_mm_for_euclid_dist"), (2.0, "donot_use_mm_for_euclid_dist"), (1.0, None)):
        results = []
        for lib in (torch, wengert):
            x, y = lib.tensor(a, requires_grad=True), lib.tensor(b, requires_grad=True)
            d = lib.cdist(x, y, p, **({} if mode is None else {"compute_mode": mode}))
            d.sin().sum().backward()
            results.append([d.detach().numpy(), x.grad.numpy(), y.grad.numpy()])
        for theirs, ours in zip(*results):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-11)
    with pytest.raises(ValueError, match="nothing is not a valid value for compute_mode"):
        wengert.cdist(wengert.tensor(a), wengert.tensor(b), compute_mode="nothing")


@pytest.mark.parametrize("call", [
    "cdist(torch.ones(3), torch.ones(4, 3))", "cdist(torch.ones(4, 3), torch.ones(3))", "cdist(torch.ones(3, 2), torch.ones(3, 4))",
    "cdist(torch.ones(3, 2).long(), torch.ones(3, 2))", "cdist(torch.ones(3, 2), torch.ones(3, 2).bool())", "cdist(torch.ones(3, 2), torch.ones(3, 2), -1.0)",
    "cdist(torch.ones(3, 2), torch.ones(3, 2), float('nan'))", "cdist(torch.ones(3, 2), torch.ones(3, 2).double())",
    "cdist(torch.ones(3, 2).double(), torch.ones(3, 2), 1.0)"])
def test_distances_refused(call):
    def error(lib):
        with pytest.raises(RuntimeError) as caught:
            eval("torch." + call, {"torch": lib})
        return str(caught.value)

    assert error(wengert) == error(torch)


@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, float("inf")])
def test_distances_of_no_columns(p):
    assert wengert.cdist(wengert.ones(2, 3, 0), wengert.ones(4, 0), p).tolist() == torch.cdist(torch.ones(2, 3, 0), torch.ones(4, 0), p).tolist()


@pytest.mark.parametrize("order", ["fro", "nuc", 1, 2])
@pytest.mark.parametrize("shape", [(0, 3), (2, 3, 0), (0, 0)])
def test_norms_of_matrices_without_elements(shape, order):
    ours, theirs = (lib.linalg.matrix_norm(lib.ones(shape), order) for lib in (wengert, torch))
    assert ours.tolist() == theirs.tolist()
    assert wengert.linalg.matrix_norm(wengert.ones(shape), order, keepdim=True).shape == (*shape[:-2], 1, 1)


@pytest.mark.parametrize("driver", [None, "gels", "gelsy", "gelsd", "gelss"])
@pytest.mark.parametrize("shapes", [((4, 4), (4, 2)), ((6, 4), (6, 3)), ((3, 5), (3, 2)), ((2, 5, 3), (2, 5, 1)), ((2, 5, 3), (2, 5)), ((1, 1), (1, 1))])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_least_squares_of_full_and_lower_rank(driver, shapes, dtype):
    torch = pytest.importorskip("torch")
    r = np.random.default_rng(5)
    a, b = (r.standard_normal(s).astype(dtype) for s in shapes)
    tolerance = {"rtol": 0, "atol": 1e-4 if dtype == "float32" else 1e-11}
    ours, theirs = (lib.linalg.lstsq(lib.from_numpy(a), lib.from_numpy(b), driver=driver) for lib in (wengert, torch))
    for name, x, y in zip(("solution", "residuals", "rank", "singular_values"), ours, theirs):
        np.testing.assert_allclose(x.numpy(), y.numpy(), err_msg=name, **tolerance)
    if driver == "gels":                                                    # it takes the rank for granted
        return
    low = a.copy()
    low[..., -1] = low[..., 0] if a.shape[-1] > 1 else 0
    ours = wengert.linalg.lstsq(wengert.from_numpy(low), wengert.from_numpy(b), driver=driver)
    # Against NumPy: PyTorch's gelsy sometimes gives another solution, and not the same one in every run.
    pairs = zip(low.reshape(-1, *low.shape[-2:]), b.reshape(-1, low.shape[-2], b.shape[-1] if b.ndim == low.ndim else 1))
    right = [np.linalg.lstsq(A, B, rcond=None) for A, B in pairs]
    np.testing.assert_allclose(ours.solution.numpy().ravel(), np.concatenate([x.ravel() for x, *_ in right]), **tolerance)
    assert ours.rank.numpy().ravel().tolist() == [rank for _, _, rank, _ in right]
    for rcond, rank in ((None, 2), (1e-2, 1)):
        assert wengert.linalg.lstsq(wengert.tensor([[1, 0], [0, 1e-3]]), wengert.ones(2, 1), rcond=rcond).rank.item() == rank
