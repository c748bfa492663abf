"""Convolution and pooling against torch: values, first and second derivatives, refusals; and against central differences."""
import itertools

import numpy as np
import pytest
from close_to_torch import close_derivatives, close_error, close_value, draw, torch

import wengert


def cases(text):
    return [case.strip() for line in text.strip().splitlines() for case in line.split(" | ")]


# ---- convolution --------------------------------------------------------------------------------------------------

#: x: (2, 4, size), y: the weight (6, 4, kernel), z: (6,)
ONE = "F.conv1d(x, y, z) | F.conv1d(x, y, z, 2, 3) | F.conv1d(x, y, None, 1, 2, 3) | F.conv1d(x[0], y, z, padding='same') | F.conv1d(x, y, z, (3,), (4,), (2,))"
TWO = """
F.conv2d(x, y) | F.conv2d(x, y, z) | F.conv2d(x, y, z, 1, 1) | F.conv2d(x, y, z, 2) | F.conv2d(x, y, z, 2, 1) | F.conv2d(x, y, z, 3, 2, 2) | F.conv2d(x, y, z, (2, 1), (0, 3), (1, 2))
F.conv2d(x[0], y, z, 1, 1) | F.conv2d(x, y[:, :2], z, groups=2) | F.conv2d(x, y[:, :2], None, 2, 1, groups=2) | F.conv2d(x, y[:4, :1], z[:4], 1, 1, 1, 4) | F.conv2d(x, y[:, :1].repeat(2, 1, 1, 1), None, 2, 2, 2, 4)
F.conv2d(x, y, z, padding='same') | F.conv2d(x, y[:, :, :2, :2], z, padding='same') | F.conv2d(x, y, z, padding='valid') | F.conv2d(x, y, z, padding='same', dilation=(1, 2)) | F.conv2d(x, y[:, :, :1, :1], z)
F.conv2d(x, y[:, :, :1, :1], z, 2) | F.conv2d(x, y[:, :, :1, :1], z, 3, 1) | F.conv2d(x, y[:, :, :, :1], z, 1, (1, 0)) | F.conv2d(x, y, z, 1, 4) | F.conv2d(x, y, z, 5, 3) | F.conv2d(x[:1, :, :3, :3], y, z)
F.conv2d(x.transpose(2, 3), y, z) | F.conv2d(x[:, :, ::2], y.flip(2), z, 1, 1) | F.conv2d(x[:, :1].expand(2, 4, 7, 9), y, z) | F.conv2d(x, y, z)[:, ::2].transpose(1, 2) | F.conv2d(x, y).sum()
F.conv2d(x, y, z[0].expand(6)) | F.conv2d(x, y.permute(0, 1, 3, 2), z) | F.conv2d(x, x[:2, :, :3, :2])
"""
THREE = "F.conv3d(x, y, z) | F.conv3d(x, y, z, 2, 1) | F.conv3d(x, y, z, (1, 2, 3), (1, 0, 2), (1, 2, 1)) | F.conv3d(x[0], y, None, padding='same') | F.conv3d(x, y[:, :2], z, 1, 1, 1, 2)"
#: y: (4, 6, kernel)
TRANSPOSED = """
F.conv_transpose2d(x, y) | F.conv_transpose2d(x, y, z) | F.conv_transpose2d(x, y, z, 2) | F.conv_transpose2d(x, y, z, 2, 1, 1) | F.conv_transpose2d(x, y, z, 3, 2, (1, 2)) | F.conv_transpose2d(x, y, z, 4)
F.conv_transpose2d(x, y, z, 1, 2) | F.conv_transpose2d(x, y, z, 1, 0, 0, 1, 2) | F.conv_transpose2d(x, y, z, (2, 3), (1, 0), 0, 1, (2, 1)) | F.conv_transpose2d(x[0], y, z, 2, 1)
F.conv_transpose2d(x, y[:, :3], z, 2, 1, 1, 2) | F.conv_transpose2d(x, y[:, :1], z[:4], 2, 1, 1, 4) | F.conv_transpose2d(x.transpose(2, 3), y, z, 2) | F.conv_transpose2d(x, y[:, :, :1, :1], z, 3)
"""
RANKS = {"1": (ONE, ((2, 4, 23), (6, 4, 3), (6,))), "2": (TWO, ((2, 4, 7, 9), (6, 4, 3, 3), (6,))), "3": (THREE, ((2, 4, 4, 5, 6), (6, 4, 2, 3, 3), (6,))),
         "t1": ("F.conv_transpose1d(x, y, z) | F.conv_transpose1d(x, y, z, 2, 1, 1) | F.conv_transpose1d(x[0], y, None, 3)", ((2, 4, 9), (4, 6, 3), (6,))),
         "t2": (TRANSPOSED, ((2, 4, 5, 4), (4, 6, 3, 3), (6,))),
         "t3": ("F.conv_transpose3d(x, y, z) | F.conv_transpose3d(x, y, z, 2, 1, 1) | F.conv_transpose3d(x, y, z, (1, 2, 3), 1, (0, 1, 2), 1, 2)",
                ((2, 4, 3, 2, 3), (4, 6, 2, 3, 2), (6,)))}
CONVOLUTIONS = [(rank, text) for rank, (texts, _) in RANKS.items() for text in cases(texts)]


@pytest.mark.parametrize("rank, text", CONVOLUTIONS)
def test_convolution(rank, text):
    arrays = draw(*RANKS[rank][1], seed=3, low=-0.5, high=0.5)
    for dtype in ("float64", "float32"):
        close_value(text, *arrays, dtype=dtype)
    close_derivatives(text, *arrays)


def rounding(text, arrays, dtype):
    """The value in a half type, and in float64 of what those halves hold."""
    kind = getattr(wengert, dtype)
    tensors = [wengert.tensor(a).to(kind) for a in arrays]
    scope = {"F": wengert.nn.functional}
    low = eval(text, scope, dict(zip("xyz", tensors)))
    return low, eval(text, scope, {k: t.double() for k, t in zip("xyz", tensors)})


@pytest.mark.parametrize("dtype, eps", [("float16", 2.0**-11), ("bfloat16", 2.0**-8)])
def test_half_types_are_rounded_once(dtype, eps):
    arrays = draw((2, 4, 7, 9), (6, 4, 3, 3), (6,), seed=4)
    low, exact = rounding("F.conv2d(x, y, z, 1, 1)", arrays, dtype)
    assert low.dtype == getattr(wengert, dtype)
    assert float(((low.double() - exact).abs() / (exact.abs() + 1e-3)).max()) < 1.1 * eps


def test_integers_are_exact():
    close_value("F.conv2d(torch.arange(98).reshape(1, 2, 7, 7), torch.arange(36).reshape(2, 2, 3, 3) - 9, None, 2, 1)")


@pytest.mark.parametrize("text", cases("""
F.conv2d(x, y, None, 2, 1).square().sum() | F.conv2d(x, y[:, :1], None, 1, 2, 2, 3).square().sum() | F.conv_transpose2d(x, y, None, 2, 1, 1).square().sum()
F.max_pool2d(x, 2, 1).square().sum() | F.avg_pool2d(x, 3, 2, 1).square().sum() | F.adaptive_avg_pool2d(x, (2, 3)).square().sum()
"""))
def test_central_differences(text):
    x, y = draw((2, 3, 5, 4), (3, 3, 3, 2), seed=5)
    scope = {"F": wengert.nn.functional}

    def value(a, b):
        return float(eval(text, scope, {"x": wengert.tensor(a), "y": wengert.tensor(b)}))

    tensors = {"x": wengert.tensor(x, requires_grad=True), "y": wengert.tensor(y, requires_grad=True)}
    eval(text, scope, tensors).backward()
    for k, name in enumerate("xy"):
        if tensors[name].grad is None:
            continue
        grad = tensors[name].grad.numpy()
        for at in itertools.islice(np.ndindex(*grad.shape), 0, None, 7):
            low, high = [x.copy(), y.copy()], [x.copy(), y.copy()]
            low[k][at] -= 1e-5
            high[k][at] += 1e-5
            assert abs((value(*high) - value(*low)) / 2e-5 - grad[at]) < 1e-6 * max(1, abs(grad[at]))


def test_third_derivatives():
    close_derivatives("torch.autograd.grad(F.conv2d(x, y, None, 2, 1).pow(3).sum(), [x, y], create_graph=True)", *draw((1, 2, 5, 5), (3, 2, 3, 3), seed=6))


def test_large_dilations_and_long_rows():
    """Units that cut images and rows."""
    x, y = draw((1, 2, 3000), (3, 2, 5), seed=7)
    for text in ("F.conv1d(x, y)", "F.conv1d(x, y, None, 1, 400, 200)", "F.conv1d(x, y, None, 7, 3)"):
        close_value(text, x, y)
    x, y = draw((1, 1, 130, 90), (2, 1, 3, 3), seed=8)
    for text in ("F.conv2d(x, y)", "F.conv2d(x, y, None, 1, 40, 40)", "F.conv2d(x, y, None, 2, 1)"):
        close_value(text, x, y)
    leaf = wengert.tensor(x, requires_grad=True)
    theirs = torch.tensor(x, requires_grad=True)
    weight, other = wengert.tensor(y, requires_grad=True), torch.tensor(y, requires_grad=True)
    wengert.nn.functional.conv2d(leaf, weight, None, 1, 1).sin().sum().backward()
    torch.nn.functional.conv2d(theirs, other, None, 1, 1).sin().sum().backward()
    np.testing.assert_allclose(leaf.grad.numpy(), theirs.grad.numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(weight.grad.numpy(), other.grad.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("x, w, padding, groups", [
    ((2, 64, 30, 31), (41, 64, 3, 3), 1, 1), ((1, 48, 34, 66), (53, 48, 3, 3), 0, 1), ((1, 96, 29, 30), (98, 48, 3, 3), (2, 1), 2),
    ((40, 90, 8, 7), (64, 90, 3, 3), 1, 1), ((1, 16, 32, 32), (1030, 16, 3, 3), 1, 1), ((1, 1030, 32, 33), (16, 1030, 3, 3), 1, 1),
    ((2, 48, 3, 200), (48, 48, 3, 3), 1, 1), ((1, 64, 40, 1), (64, 64, 3, 3), 1, 1), ((64, 512, 7, 7), (520, 512, 3, 3), 1, 1)], ids=str)
def test_tiles_of_four(x, w, padding, groups):
    """3x3 kernels, some of them by fewer multiplications: nearly as near to the values as PyTorch's, and exact where all numbers are small."""
    rng = np.random.default_rng(21)
    x, w = rng.standard_normal(x), rng.standard_normal(w)

    def gradients(lib, dtype, x, w, g=None):
        a, b, c = (lib.tensor(t, dtype=dtype, requires_grad=True) for t in (x, w, np.zeros(w.shape[0])))
        y = lib.nn.functional.conv2d(a, b, c, padding=padding, groups=groups)
        g = np.random.default_rng(22).integers(-2, 3, y.shape) if g is None else g
        y.backward(lib.tensor(g, dtype=dtype))
        return [t.detach().double().numpy() for t in (y, a.grad, b.grad, c.grad)]

    want, theirs = gradients(torch, torch.float64, x, w), gradients(torch, torch.float32, x, w)
    for exact, near, got in zip(want, theirs, gradients(wengert, wengert.float32, x, w)):
        assert abs(got - exact).max() <= 4 * abs(near - exact).max() + 2.0**-24 * w[0].size ** 0.5 * abs(exact).max()
    x, w = np.rint(x), np.rint(w)
    for exact, got in zip(gradients(torch, torch.float64, x, w), gradients(wengert, wengert.float32, x, w)):
        np.testing.assert_array_equal(got, exact)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("where", ["x", "g"])
def test_what_is_not_finite_stays_in_its_window(value, where):
    """In shapes that are computed in tiles as in others."""
    shapes = {"x": (2, 64, 28, 28), "w": (64, 64, 3, 3), "g": (2, 64, 28, 28)}
    rng, got = np.random.default_rng(1), []
    data = {name: rng.standard_normal(shape).astype("float32") for name, shape in shapes.items()}
    data[where][1, 5, 14, 9] = value
    for lib in (wengert, torch):
        x, w, g = (lib.from_numpy(data[name].copy()) for name in "xwg")
        y = lib.nn.functional.conv2d(x.requires_grad_(), w.requires_grad_(), padding=1)
        y.backward(g)
        got.append([np.isfinite(t.detach().numpy()) for t in (y, x.grad, w.grad)])
    for ours, theirs in zip(*got):
        np.testing.assert_array_equal(ours, theirs)


# ---- pooling ------------------------------------------------------------------------------------------------------

#: x: (2, 3, 9, 8) with many equal elements
POOLS = """
F.max_pool2d(x, 2) | F.max_pool2d(x, 3, 2, 1) | F.max_pool2d(x, 3, 1) | F.max_pool2d(x, (2, 3), (1, 2), (1, 0), (1, 2)) | F.max_pool2d(x, 3, 2, 1, ceil_mode=True) | F.max_pool2d(x[0], 2)
F.max_pool2d(x, 3, 2, 1, 1, True, True) | F.max_pool2d(x, 2, return_indices=True) | F.max_pool2d(x.transpose(2, 3), 2) | F.max_pool2d(x, 2)[:, :, ::2] | F.max_pool2d(x, (1, 2)) | F.max_pool2d(x, 2, 3)
F.max_pool1d(x[0], 3) | F.max_pool1d(x[0], 3, 2, 1, 2) | F.max_pool1d(x[:, 0], 2, return_indices=True) | F.max_pool3d(x, 2) | F.max_pool3d(x[None], (1, 2, 3), 2, (0, 1, 1)) | F.max_pool3d(x, 2, return_indices=True)
F.avg_pool2d(x, 2) | F.avg_pool2d(x, 3, 2, 1) | F.avg_pool2d(x, 3, 2, 1, True) | F.avg_pool2d(x, 3, 2, 1, True, False) | F.avg_pool2d(x, (2, 3), (1, 2), (1, 0), divisor_override=5) | F.avg_pool2d(x[0], 2)
F.avg_pool1d(x[0], 3) | F.avg_pool1d(x[0], 3, 2, 1, True, False) | F.avg_pool3d(x, 2) | F.avg_pool3d(x[None], (1, 2, 3), 2, (0, 1, 1), False, False) | F.avg_pool2d(x.transpose(2, 3), 2, 1)
F.adaptive_avg_pool2d(x, 1) | F.adaptive_avg_pool2d(x, (4, 3)) | F.adaptive_avg_pool2d(x, (None, 5)) | F.adaptive_avg_pool1d(x[0], 3) | F.adaptive_avg_pool3d(x, (2, 4, 3)) | F.adaptive_avg_pool2d(x[0], (1, 1))
F.adaptive_max_pool2d(x, (4, 3)) | F.adaptive_max_pool2d(x, (4, 3), True) | F.adaptive_max_pool1d(x[0], 3) | F.adaptive_max_pool3d(x, 2) | F.adaptive_max_pool2d(x, (None, 1))
F.lp_pool2d(x.abs() + 1, 2., 2) | F.lp_pool1d(x[0].abs() + 1, 3., 2, 1) | F.lp_pool3d(x.abs() + 1, 2., 2)
F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2) | F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2, output_size=(9, 8))
F.max_unpool1d(*F.max_pool1d(x[0], 2, return_indices=True), 2) | F.max_unpool3d(*F.max_pool3d(x[:, :2, :8], 2, return_indices=True), 2)
"""


@pytest.mark.parametrize("text", cases(POOLS))
def test_pooling(text):
    x, = draw((2, 3, 9, 8), seed=9)
    ties = np.round(x)
    for array in (x, ties):
        for dtype in ("float64", "float32"):
            close_value(text, array, dtype=dtype)
        close_derivatives(text, array)


@pytest.mark.parametrize("size", [(6, 28), (5, 29), (28, 28), (14, 14), (3, 64), (7, 7), (2, 2), (33, 17)])
@pytest.mark.parametrize("kernel", [2, (1, 2), 3])
def test_max_pool_of_many_sizes(size, kernel):
    """Rows shorter and longer than a vector; with NaN, infinities and ties."""
    x = np.round(draw((2, 3, *size), seed=10)[0] * 2) / 2
    if size[0] < 3 and kernel == 3:
        return
    x[0, 0, 0, 0], x[0, 1, 1, 1], x[1, 2, :, :] = np.nan, -np.inf, -np.inf
    for dtype in ("float64", "float32"):
        close_value(f"F.max_pool2d(x, {kernel}, return_indices=True)", x, dtype=dtype)
        close_value(f"F.max_pool2d(x, {kernel})", x, dtype=dtype)
    close_derivatives(f"F.max_pool2d(x, {kernel})", np.nan_to_num(x, nan=1.0, neginf=-9.0))


@pytest.mark.parametrize("kernel", [(7, 7), (7, 40), (7, 33), (5, 40), (3, 20)])
@pytest.mark.parametrize("fill", ["random", "ties", "nan", "infinite"])
def test_wide_windows(kernel, fill):
    x = draw((2, 3, 7, 40))[0]
    if fill == "ties":
        x = np.round(x)
    elif fill == "nan":
        x[0, :, 2:4, ::9] = np.nan
    elif fill == "infinite":
        x[0] = -np.inf
        x[1, :, :, 17] = np.inf
    for call in (f"F.max_pool2d(x, {kernel}, return_indices=True)", f"F.max_pool2d(x, {kernel}, 3, (1, 3), return_indices=True)",
                 "F.adaptive_max_pool2d(x, (1, 2), return_indices=True)", "F.adaptive_max_pool2d(x, 1, return_indices=True)"):
        for dtype in ("float32", "float64"):
            close_value(call, x, dtype=dtype)
    if fill != "infinite":
        for call in (f"F.avg_pool2d(x, {kernel})", f"F.avg_pool2d(x, {kernel}, 3, (1, 3))", f"F.avg_pool2d(x, {kernel}, 3, (1, 3), count_include_pad=False)",
                     "F.adaptive_avg_pool2d(x, (1, 2))"):
            for dtype in ("float32", "float64"):
                close_value(call, x, dtype=dtype)
    if fill == "random":
        for call in (f"F.max_pool2d(x, {kernel})", f"F.avg_pool2d(x, {kernel}, 3, (1, 3))", "F.adaptive_avg_pool2d(x, (1, 2))"):
            close_derivatives(call, x)


@pytest.mark.parametrize("text", cases("F.max_pool2d(x.half(), 2) | F.max_pool2d(x.bfloat16(), 3, 2, 1) | F.max_pool2d((x*9).long(), 2) | F.max_pool2d(x[:0], 2) | F.avg_pool2d(x[:0], 2) | F.conv2d(x[:0], o(2, 3, 2, 2).double())"))
def test_other_types_and_no_images(text):
    close_value(text, *draw((2, 3, 9, 8), seed=11))


# ---- refusals -----------------------------------------------------------------------------------------------------

ERRORS = """
F.conv2d(o(3, 8), o(4, 3, 3, 3)) | F.conv2d(o(1, 2, 3, 8, 8), o(4, 3, 3, 3)) | F.conv2d(o(1, 2, 8, 8), o(4, 3, 3, 3)) | F.conv2d(o(1, 3, 8, 8), o(4, 3, 3)) | F.conv2d(o(1, 3, 2, 2), o(4, 3, 3, 3))
F.conv2d(o(1, 3, 2, 2), o(4, 3, 3, 3), padding=-1) | F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), stride=0) | F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), stride=-1) | F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), dilation=0)
F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), groups=0) | F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), groups=-1) | F.conv2d(o(1, 4, 8, 8), o(4, 3, 3, 3), groups=2) | F.conv2d(o(1, 4, 8, 8), o(3, 2, 3, 3), groups=2)
F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), o(5)) | F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), o(4, 1)) | F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3).double()) | F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), o(4).double())
F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), stride=(1, 2, 3)) | F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), padding=(1, 2, 3)) | F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), padding='foo')
F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), padding='same', stride=2) | F.conv2d(o(1, 3, 0, 8), o(4, 3, 3, 3)) | F.conv2d(o(1, 3, 8, 8), o(0, 3, 3, 3)) | F.conv2d(o(1, 3, 8, 8), o(4, 3, 0, 3))
F.conv2d(o(3, 8, 8), o(4, 2, 3, 3)) | F.conv1d(o(1, 3, 8, 8), o(4, 3, 3)) | F.conv1d(o(1, 3, 2), o(4, 3, 3)) | F.conv3d(o(1, 3, 8, 8), o(4, 3, 3, 3, 3))
F.conv_transpose2d(o(1, 3, 8, 8), o(4, 3, 3, 3)) | F.conv_transpose2d(o(1, 3, 8, 8), o(3, 4, 3, 3), o(3)) | F.conv_transpose2d(o(1, 3, 8, 8), o(3, 4, 3, 3), output_padding=1)
F.conv_transpose2d(o(1, 3, 8, 8), o(3, 4, 3, 3), output_padding=-1) | F.conv_transpose2d(o(1, 3, 8, 8), o(3, 4, 3, 3), padding=9) | F.conv_transpose2d(o(1, 3, 8, 8), o(3, 4, 3, 3), groups=2)
F.conv_transpose2d(o(3, 8), o(3, 4, 3, 3)) | F.conv_transpose2d(o(1, 3, 8, 8), o(3, 4, 3, 3), stride=0) | F.conv_transpose2d(o(1, 3, 8, 8), o(3, 4, 3, 3), dilation=0)
F.max_pool2d(o(8, 8), 2) | F.max_pool2d(o(1, 3, 8, 8), 0) | F.max_pool2d(o(1, 3, 8, 8), 2, stride=0) | F.max_pool2d(o(1, 3, 8, 8), 2, padding=2) | F.max_pool2d(o(1, 3, 8, 8), 2, padding=-1)
F.max_pool2d(o(1, 3, 8, 8), 2, dilation=0) | F.max_pool2d(o(1, 3, 8, 8), 9) | F.max_pool2d(o(1, 3, 8, 8), (2, 2, 2)) | F.max_pool2d(o(1, 3, 8, 8), 2, stride=(1, 1, 1)) | F.max_pool2d(o(1, 0, 8, 8), 2)
F.max_pool2d(o(1, 3, 0, 8), 2) | F.max_pool2d(o(1, 3, 8, 8).bool(), 2) | F.max_pool1d(o(8), 2) | F.max_pool1d(o(1, 3, 8), 9) | F.max_pool1d(o(1, 3, 8), 0) | F.max_pool1d(o(1, 3, 8), 2, padding=2)
F.max_pool1d(o(1, 3, 8), 2, padding=-1) | F.max_pool1d(o(1, 3, 8), 2, stride=0) | F.max_pool1d(o(1, 3, 8), 2, dilation=0) | F.max_pool1d(o(1, 3, 0), 2) | F.max_pool3d(o(3, 8, 8), 2)
F.max_pool3d(o(1, 3, 8, 8, 8), 0) | F.max_pool3d(o(1, 3, 8, 8, 8), 2, padding=2) | F.max_pool3d(o(1, 3, 8, 8, 8), 9) | F.avg_pool2d(o(8, 8), 2) | F.avg_pool2d(o(1, 3, 8, 8), 0)
F.avg_pool2d(o(1, 3, 8, 8), 2, stride=0) | F.avg_pool2d(o(1, 3, 8, 8), 2, padding=2) | F.avg_pool2d(o(1, 3, 8, 8), 2, padding=-1) | F.avg_pool2d(o(1, 3, 8, 8), 9)
F.avg_pool2d(o(1, 3, 8, 8), 2, divisor_override=0) | F.avg_pool1d(o(8), 2) | F.avg_pool1d(o(1, 3, 8), 9) | F.avg_pool1d(o(1, 3, 8), 2, padding=2) | F.avg_pool3d(o(3, 8, 8), 2)
F.avg_pool3d(o(1, 3, 8, 8, 8), 9) | F.adaptive_avg_pool2d(o(8, 8), 2) | F.adaptive_avg_pool2d(o(1, 3, 8, 8), (2, 2, 2)) | F.adaptive_avg_pool2d(o(1, 3, 8, 8), -1)
F.adaptive_avg_pool2d(o(1, 3, 8, 8).long(), 2) | F.adaptive_max_pool2d(o(8, 8), 2) | F.adaptive_max_pool2d(o(1, 3, 8, 8), (2, 2, 2)) | F.adaptive_max_pool2d(o(1, 3, 0, 8), 1)
F.adaptive_avg_pool1d(o(8), 2) | F.adaptive_max_pool1d(o(8), 2) | F.adaptive_avg_pool3d(o(8, 8), 2) | F.max_unpool2d(o(1, 1, 2, 2), o(1, 1, 2, 2).long()*99, 2)
F.max_unpool2d(o(1, 1, 2, 2), o(1, 1, 2, 2), 2) | F.max_unpool2d(o(1, 1, 2, 2), o(1, 1, 2, 3).long(), 2) | F.max_unpool2d(o(1, 1, 2, 2), o(1, 1, 2, 2).long(), 2, output_size=(9, 9))
F.lp_pool2d(o(1, 3, 8, 8), 2., 9)
"""


@pytest.mark.parametrize("text", cases(ERRORS))
def test_errors(text):
    close_error(text)


def test_private_rows_refuse_what_does_not_fit():
    x, w = wengert.ones(1, 3, 8, 8), wengert.ones(4, 3, 3, 3)
    for call in (lambda: wengert.ops._conv(x, w, [2, 4, 6, 6], [1], [0], [1], 1), lambda: wengert.ops._conv_input(x, w, [1, 3, 8, 8], [1], [0], [1], 1),
                 lambda: wengert.ops._conv_weight(x, x, [4, 3, 3, 3], [1], [0], [1], 1), lambda: wengert.ops._conv(x, w[0], [1, 4, 6, 6], [1], [0], [1], 1),
                 lambda: wengert.ops._pool_scatter(x, x.int(), 2, [1, 4, 9, 9]), lambda: wengert.ops._pool_gather(x, x[:, :1].int(), 4),
                 lambda: wengert.ops._avg_pool(x, 2, [1, 2, 4, 4], [2], None, [0], True, None), lambda: wengert.ops._adaptive_avg_pool(x, 2, [1, 3])):
        with pytest.raises(RuntimeError):
            call()


# ---- threads ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("shape, weight, arguments", [
    ((8, 16, 14, 14), (32, 16, 3, 3), (1, 1, 1, 1)), ((3, 8, 40, 40), (16, 8, 3, 3), (2, 1, 1, 1)), ((2, 24, 31, 29), (24, 1, 3, 3), (1, 1, 1, 24)),
    ((4, 64, 15, 15), (32, 64, 1, 1), (1, 0, 1, 1)), ((1, 3, 130, 70), (16, 3, 7, 7), (2, 3, 1, 1)), ((3, 48, 33, 32), (64, 48, 3, 3), (1, 1, 1, 1))])
def test_bits_do_not_depend_on_the_number_of_threads(shape, weight, arguments):
    x = wengert.tensor(draw(shape, seed=12)[0], dtype=wengert.float32)
    w = wengert.tensor(draw(weight, seed=13)[0], dtype=wengert.float32)
    before, results = wengert.get_num_threads(), []
    try:
        for threads in (1, 2):
            wengert.set_num_threads(threads)
            a, b = x.clone().requires_grad_(), w.clone().requires_grad_()
            y = wengert.nn.functional.conv2d(a, b, wengert.ones(weight[0]), *arguments)
            pooled = wengert.nn.functional.max_pool2d(y, 2)
            pooled.sin().sum().backward()
            results.append([t.detach().numpy().tobytes() for t in (y, pooled, a.grad, b.grad)])
    finally:
        wengert.set_num_threads(before)
    assert results[0] == results[1]


# ---- interpolation and blocks -------------------------------------------------------------------------------------

#: x: (2, 3, 6, 5)
RESAMPLED = """
F.interpolate(x, 9) | F.interpolate(x, (3, 11)) | F.interpolate(x, scale_factor=2) | F.interpolate(x, scale_factor=(1.7, .6)) | F.interpolate(x, 4, mode='nearest-exact')
F.interpolate(x, scale_factor=2.3, mode='nearest-exact') | F.interpolate(x, (12, 3), mode='bilinear') | F.interpolate(x, (12, 3), mode='bilinear', align_corners=True) | F.interpolate(x, 1, mode='bilinear', align_corners=True)
F.interpolate(x, scale_factor=2, mode='bilinear') | F.interpolate(x, scale_factor=(1.7, .6), mode='bilinear') | F.interpolate(x, scale_factor=1.3, mode='bilinear', recompute_scale_factor=True) | F.interpolate(x[:, :1].transpose(2, 3), 7, mode='bilinear')
F.interpolate(x, (12, 3), mode='bicubic') | F.interpolate(x, scale_factor=1.6, mode='bicubic') | F.interpolate(x, (9, 8), mode='bicubic', align_corners=True) | F.interpolate(x[0], 11) | F.interpolate(x[0], 11, mode='linear')
F.interpolate(x[0], 3, mode='linear', align_corners=True) | F.interpolate(x[None], (5, 4, 9), mode='trilinear') | F.interpolate(x[None], scale_factor=2, mode='trilinear', align_corners=True) | F.interpolate(x[None], (2, 7, 3))
F.interpolate(x, (4, 2), mode='area') | F.interpolate(x[0], 3, mode='area') | F.interpolate(x, scale_factor=2, mode='area') | F.upsample(x, scale_factor=2)
F.unfold(x, 2) | F.unfold(x, (3, 2), dilation=(1, 2), padding=1, stride=2) | F.unfold(x[0], 3, padding=2) | F.unfold(x.transpose(2, 3), 2)
F.fold(x.reshape(1, 12, 15), (4, 6), 2) | F.fold(x.reshape(12, 15), (4, 6), 2) | F.fold(x.reshape(1, 12, 15), (6, 10), 2, 1, 0, 2)
"""


@pytest.mark.parametrize("text", cases(RESAMPLED))
def test_interpolation_and_blocks(text):
    x, = draw((2, 3, 6, 5), seed=14)
    for dtype in ("float64", "float32"):
        close_value(text, x, dtype=dtype)
    close_derivatives(text, x)


@pytest.mark.parametrize("text", cases("""
F.interpolate(o(1, 3, 8, 8)) | F.interpolate(o(1, 3, 8, 8), size=2, scale_factor=2) | F.interpolate(o(1, 3, 8, 8), size=(2, 2, 2)) | F.interpolate(o(1, 3, 8, 8), scale_factor=(2, 2, 2))
F.interpolate(o(1, 3, 8, 8), size=4, mode='linear') | F.interpolate(o(1, 3, 8, 8), size=4, mode='foo') | F.interpolate(o(1, 3, 8, 8), size=4, mode='nearest', align_corners=True) | F.interpolate(o(3, 8), size=4)
F.interpolate(o(1, 3, 8), size=4, mode='bilinear') | F.interpolate(o(1, 3, 8), size=0) | F.unfold(o(1, 3, 8, 8), 9) | F.unfold(o(1, 3, 8, 8), (2, 2, 2)) | F.unfold(o(1, 3, 8, 8), 0) | F.unfold(o(1, 3, 8, 8), 2, stride=0)
F.unfold(o(1, 3, 8, 8), 2, dilation=0) | F.unfold(o(1, 3, 8, 8), 2, padding=-1) | F.fold(o(1, 12, 8, 8), (4, 4), 2) | F.fold(o(1, 12, 8), (4, 4), 2) | F.fold(o(1, 13, 9), (4, 4), 2) | F.fold(o(1, 12, 9), (4,), 2)
"""))
def test_errors_of_interpolation_and_blocks(text):
    close_error(text)


def test_fold_is_the_adjoint_of_unfold():
    x, c = draw((2, 3, 6, 5), (2, 12, 12), seed=15)
    x, c = wengert.tensor(x), wengert.tensor(c)
    F = wengert.nn.functional
    assert abs(float((F.unfold(x, 2, 2, 0, 1)[..., :12] * c).sum() - (x * F.fold(c, (6, 5), 2, 2, 0, 1)).sum())) < 1e-12


@pytest.mark.parametrize("call, message", [
    (lambda F, x: F.unfold(x, 2**63 - 1, 2**63 - 1), "its components must be at least one"),
    (lambda F, x: F.unfold(x, 2, 1, 2**63 - 1), "memory|too large|overflow|bytes"),
    (lambda F, x: F.fold(x[0], (1, 2), (2**40, 2**40)), "divisible by the product of kernel_size"),
    (lambda F, x: F.fold(x[0], (2**62, 2**62), 1), "expected size of input's dimension 2 to match"),
    (lambda F, x: F.fold(x[0], (-2**63, -2**63), 1, 2**62), "expected size of input's dimension 2 to match"),
])
def test_sliding_blocks_larger_than_any_memory(call, message):
    with pytest.raises((RuntimeError, MemoryError), match=message):
        call(wengert.nn.functional, wengert.ones(1, 4, 6))
