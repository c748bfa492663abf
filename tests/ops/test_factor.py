"""Triangular factors and equations against torch: layouts, batches, singular matrices."""
import numpy as np
import pytest
from close_to_torch import close_derivatives, close_error, close_value

import wengert
from wengert import linalg

POSITIVE = "(x @ x.mT + 2 * torch.eye(x.shape[-1], dtype=x.dtype))"
REGULAR = "(x + 3 * torch.eye(x.shape[-1], dtype=x.dtype))"


def draw(*shapes):
    generator = np.random.default_rng(3)
    return [generator.standard_normal(shape) for shape in shapes]


SQUARES = [(4, 4), (1, 1), (0, 0), (3, 4, 4), (0, 4, 4), (2, 1, 3, 3), (17, 17)]


@pytest.mark.parametrize("shape", SQUARES, ids=str)
@pytest.mark.parametrize("text", [
    f"torch.linalg.cholesky({POSITIVE})", f"torch.linalg.cholesky({POSITIVE}, upper=True)", f"torch.linalg.inv({REGULAR})",
    f"torch.linalg.det({REGULAR})", f"torch.linalg.slogdet({REGULAR})[1]", f"torch.linalg.lu_factor({REGULAR})[0]",
    f"torch.linalg.solve({REGULAR}, x.mT)"])
def test_factors(text, shape):
    close_value(text, *draw(shape))
    close_derivatives(text, *draw(shape))


@pytest.mark.parametrize("case", [((4, 4), (4, 2)), ((3, 4, 4), (4, 2)), ((4, 4), (3, 4, 2)), ((2, 1, 4, 4), (3, 4, 5)), ((4, 4), (4, 0)), ((0, 4, 4), (0, 4, 2)),
                                  ((1, 1), (1, 3)), ((0, 0), (0, 3))], ids=str)
@pytest.mark.parametrize("text", [
    f"torch.linalg.solve({REGULAR}, y)", f"torch.linalg.solve({REGULAR}.mT, y)", f"torch.linalg.solve_triangular({REGULAR}, y, upper=True)",
    f"torch.linalg.solve_triangular({REGULAR}, y, upper=False)", f"torch.linalg.solve_triangular({REGULAR}.mT, y, upper=True, unitriangular=True)",
    f"torch.linalg.solve_triangular({REGULAR}.mT, y.mT, upper=False, left=False)", f"torch.linalg.solve_triangular({REGULAR}, y, upper=False, unitriangular=True)"])
def test_equations(text, case):
    close_value(text, *draw(*case))
    close_derivatives(text, *draw(*case))


@pytest.mark.parametrize("layout", ["x[::2, ::2]", "x.T[:4, :4]", "x.flip(0)[:4, 1:5]", "x[1:5, 2:6]", "x[0, 0].expand(4, 4).triu()", "x[:1, :1]",
                                    "x[::2, :4].T", "x[2].expand(4, 8)[:, :4]"])
@pytest.mark.parametrize("upper", [True, False])
def test_triangles_in_other_layouts(layout, upper):
    x, y = draw((8, 8), (4, 3))
    y = y[:1] if layout == "x[:1, :1]" else y
    close_value(f"torch.linalg.solve_triangular({layout}, y, upper={upper})", x, y)
    close_value(f"torch.linalg.solve_triangular({layout}, y.expand(2, *y.shape)[:, :, ::2], upper={upper})", x, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batches_equal_single_matrices(dtype):
    """The same bits alone, in a batch, and in a batch that is spread over threads."""
    a = wengert.from_numpy(draw((40, 30, 30))[0]).to(getattr(wengert, dtype))
    positive = a @ a.mT + wengert.eye(30, dtype=a.dtype)
    for function in linalg.cholesky, linalg.inv, lambda m: linalg.solve(m, a[0]), lambda m: linalg.lu_factor(m)[0]:
        together = function(positive)
        assert all(wengert.equal(together[i], function(positive[i])) for i in range(40))


def test_results_lie_by_columns():
    a = wengert.from_numpy(draw((2, 3, 3))[0]) + 3 * wengert.eye(3, dtype=wengert.float64)
    for y in linalg.inv(a), linalg.lu_factor(a)[0], linalg.solve(a, a), linalg.cholesky(a @ a.mT):
        assert y.stride() == (9, 1, 3)


@pytest.mark.parametrize("text", [
    "torch.linalg.inv(x)", "torch.linalg.inv(torch.stack([x + torch.eye(3), x]))", "torch.linalg.solve(x, x)", "torch.linalg.cholesky(x)",
    "torch.linalg.cholesky(torch.stack([torch.eye(3), -torch.eye(3)]))", "torch.linalg.lu_factor(x)", "torch.linalg.lu_factor(x, pivot=False)",
    "torch.linalg.solve_ex(x, x, check_errors=True)", "torch.linalg.inv_ex(x, check_errors=True)", "torch.linalg.solve(torch.ones(3, 2), x)",
    "torch.linalg.inv(torch.ones(3))", *(f"torch.linalg.{name}(torch.ones(3, 3, dtype=torch.{dtype}))" for dtype in ("float16", "int64")
                                         for name in ("cholesky", "inv", "det", "slogdet", "svd", "eigh", "qr", "lu_factor"))])
def test_refusals(text):
    close_error(text, np.zeros((3, 3), "float32"))


def test_info_of_singular_matrices():
    torch = pytest.importorskip("torch")
    x = np.array([[1., 2., 3.], [2., 4., 6.], [1., 0., 1.]])
    for name, arguments in ("inv_ex", 1), ("lu_factor_ex", 1), ("cholesky_ex", 1), ("solve_ex", 2):
        ours, theirs = (getattr(lib.linalg, name)(*[lib.from_numpy(x)] * arguments) for lib in (wengert, torch))
        assert ours.info.item() == theirs.info.item() and ours.info.dtype == wengert.int32


def test_rows_refuse_what_lapack_cannot_take():
    from wengert import ops
    half, matrix = wengert.ones(3, 3, dtype=wengert.float16), wengert.ones(3, 3)
    for call in (lambda: ops._cholesky_ex(half), lambda: ops._lu_factor_ex(matrix.long()), lambda: ops._inv_ex(half)):
        with pytest.raises(RuntimeError, match="not implemented for"):
            call()
    with pytest.raises(RuntimeError, match="same dtype"):
        ops._solve_triangular(matrix, matrix.double(), True, False)
    with pytest.raises(RuntimeError, match="Incompatible shapes"):
        ops._solve_ex(matrix, wengert.ones(4, 2))


SYMMETRIC = "(x + x.mT)"
RECTANGLES = [(4, 4), (5, 3), (3, 5), (2, 4, 3), (2, 3, 4), (0, 3, 2), (3, 0), (0, 3), (1, 1), (2, 1, 17, 9)]
#: of vectors only what does not depend on their signs
DECOMPOSITIONS = ["torch.linalg.svd(x, full_matrices=False)[1]", "torch.linalg.svdvals(x)", "torch.linalg.svd(x, full_matrices=False)[0].abs()",
                  "torch.linalg.svd(x, full_matrices=False)[2].square()", "torch.linalg.qr(x)[0].abs()", "torch.linalg.qr(x)[1].abs()",
                  "torch.linalg.pinv(x)", "(lambda f: (f[0] * f[1][..., None, :]) @ f[2])(torch.linalg.svd(x, full_matrices=False))"]


@pytest.mark.parametrize("shape", RECTANGLES, ids=str)
@pytest.mark.parametrize("text", DECOMPOSITIONS)
def test_decompositions(text, shape):
    close_value(text, *draw(shape))
    if 0 not in shape:
        close_derivatives(text, *draw(shape))


@pytest.mark.parametrize("shape", SQUARES, ids=str)
@pytest.mark.parametrize("text", [f"torch.linalg.eigh({SYMMETRIC})[0]", f"torch.linalg.eigh({SYMMETRIC})[1].abs()", f"torch.linalg.eigvalsh({SYMMETRIC})",
                                  "torch.linalg.eigvalsh(x, UPLO='U')", "torch.linalg.eigh(x.mT, UPLO='u')[0]",
                                  f"torch.linalg.pinv({POSITIVE}, hermitian=True)"])
def test_spectra(text, shape):
    close_value(text, *draw(shape))
    if 0 not in shape and "UPLO" not in text:
        close_derivatives(text, *draw(shape))


@pytest.mark.parametrize("shape", RECTANGLES, ids=str)
def test_full_decompositions(shape):
    """Square orthogonal matrices, of which torch's differ in what the matrix does not determine."""
    x, = draw(shape)
    a, rows, columns = wengert.from_numpy(x), shape[-2], shape[-1]
    k = min(rows, columns)
    u, s, vh = linalg.svd(a)
    q, r = linalg.qr(a, "complete")
    assert u.shape[-1] == q.shape[-1] == r.shape[-2] == rows and vh.shape[-2] == columns
    for orthogonal in u, vh.mT, q:
        unit = wengert.eye(orthogonal.shape[-1], dtype=a.dtype).expand(orthogonal.shape)
        assert wengert.allclose(orthogonal.mT @ orthogonal, unit, atol=1e-12)
    assert wengert.allclose(u[..., :k] * s.unsqueeze(-2) @ vh[..., :k, :], a) and wengert.allclose(q @ r, a)
    assert wengert.equal(linalg.qr(a, "r")[1].abs(), linalg.qr(a)[1].abs()) and linalg.qr(a, "r")[0].shape == (0,)
    assert wengert.equal(r, r.triu())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batches_of_decompositions_equal_single_matrices(dtype):
    a = wengert.from_numpy(draw((20, 9, 9))[0]).to(getattr(wengert, dtype))
    for function in (lambda m: linalg.eigh(m + m.mT), linalg.svd, linalg.qr, lambda m: [linalg.svdvals(m), linalg.eigvalsh(m)]):
        together = function(a)
        for i in range(20):
            assert all(wengert.equal(part[i], alone) for part, alone in zip(together, function(a[i])))


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
@pytest.mark.parametrize("name", ["eigh", "eigvalsh", "svd", "svdvals", "pinv"])
def test_decompositions_of_what_is_not_finite(name, value):
    """torch's outcome depends on the processor's LAPACK: NaN, this error or that of no convergence."""
    x = wengert.ones(3, 3)
    x[1, 1] = value
    for matrices, where in (x, ""), (wengert.stack([wengert.ones(3, 3), x]), r"\(Batch element 1\): "):
        with pytest.raises(linalg.LinAlgError, match=where + "The algorithm failed to converge because the input matrix contained non-finite values"):
            getattr(linalg, name)(matrices)


def test_values_alone_have_derivatives_where_they_are_equal():
    for text in ("torch.linalg.eigh(x)[0]", "torch.linalg.eigvalsh(x)", "torch.linalg.svdvals(x)", "torch.linalg.matrix_norm(x, 'nuc')"):
        close_derivatives(text, np.eye(3) * 2, orders=1)


@pytest.mark.parametrize("text", ["torch.linalg.lstsq(x, y)[0]", "torch.linalg.lstsq(x, y, driver='gels')[1]", "torch.linalg.lstsq(x, y, driver='gelsd')[3]",
                                  "torch.linalg.lstsq(x, y)[2]", "torch.linalg.matrix_rank(x)", "torch.linalg.matrix_rank(x, atol=1.)",
                                  "torch.linalg.matrix_rank(x, rtol=torch.tensor(.5))", "torch.linalg.pinv(x, atol=torch.tensor(1.), rtol=.1)"])
@pytest.mark.parametrize("case", [((5, 3), (5, 2)), ((3, 5), (3, 2)), ((2, 4, 4), (2, 4, 1))], ids=str)
def test_least_squares_and_ranks(text, case):
    close_value(text, *draw(*case))
    if text.endswith("(x, y)[0]"):
        close_derivatives(text, *draw(*case))


@pytest.mark.parametrize("uplo", ["L", "U"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_triangle_that_is_not_read_may_hold_anything(uplo, dtype):
    a = np.array([[2, np.nan, np.inf], [1, 3, -np.inf], [.5, -1, 4]], dtype)
    a = a if uplo == "L" else a.T.copy()
    whole = np.tril(a) + np.tril(a, -1).T if uplo == "L" else np.triu(a) + np.triu(a, 1).T
    want = linalg.eigh(wengert.from_numpy(whole), uplo)
    for got in (linalg.eigh(wengert.from_numpy(a), uplo)[0], linalg.eigvalsh(wengert.from_numpy(a), uplo)):
        np.testing.assert_allclose(got.numpy(), want[0].numpy(), rtol=1e-5)
    with pytest.raises(linalg.LinAlgError, match="non-finite"):
        linalg.eigh(wengert.from_numpy(a), "U" if uplo == "L" else "L")
