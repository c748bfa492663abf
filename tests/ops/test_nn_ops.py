"""Rows of neural networks against torch: softmax, layer_norm, embedding, losses."""
import re

import numpy as np
import pytest
from close_to_torch import close, close_derivatives, close_error, close_value, compare, derivatives, draw, torch

import wengert


def cases(text):
    return [case.strip() for line in text.strip().splitlines() for case in line.split(" | ")]


X, Y = draw((3, 4, 2), (3, 4, 2), seed=1)
LAYOUTS = {"dense": "x", "columns": "x.permute(2, 1, 0).contiguous().permute(2, 1, 0)", "gaps": "torch.stack([x, x], 2)[:, :, 0]",
           "expanded": "x[:, :1].expand(3, 4, 2)"}


# ---- softmax ----------------------------------------------------------------------------------------------------------

SOFTMAX = cases("""
F.softmax(x, 0) | F.softmax(x, 1) | F.softmax(x, -1) | F.log_softmax(x, 0) | F.log_softmax(x, 1) | F.log_softmax(x, 2) | F.softmax(40*x, 1) | F.log_softmax(400*x, 1)
F.softmax(x[:, :1], 1) | F.log_softmax(x[:, :1], 1) | F.softmin(x, 1)
""")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("text", SOFTMAX)
def test_softmax(text, dtype, layout):
    close_value(f"(lambda x: {text})({LAYOUTS[layout]})", X, dtype=dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("text", SOFTMAX)
def test_softmax_derivatives(text, layout):
    close_derivatives(f"(lambda x: {text})({LAYOUTS[layout]})", X)


@pytest.mark.parametrize("text", ["F.softmax(x, {}).expand(2, *x.shape)", "F.log_softmax(x, {}).sum()", "F.softmax(x, {}).transpose(0, 1)[::2]", "F.log_softmax(x, {})[..., 0]"])
def test_softmax_with_other_cotangents(text):
    """Expanded, of strides, zeros in part."""
    for dim in (0, 1, 2):
        close_derivatives(text.format(dim), X)


def test_softmax_of_infinities_and_nothing():
    a = np.array([[1, -np.inf, 2], [-np.inf, -np.inf, -np.inf], [np.inf, 0, 1], [np.nan, 0, 1]])
    for text in ("F.softmax(x, 1)", "F.log_softmax(x, 1)", "F.softmax(x, 0)"):
        close_value(text, a)
        close_value(text, np.zeros((0, 3)))
        close_value(text, np.zeros((3, 0)))
    close_value("F.softmax(x, 0)", np.array(3.))
    close_derivatives("F.log_softmax(x, -1)", np.array(3.))


# ---- layer_norm ---------------------------------------------------------------------------------------------------------

LAYER_NORM = cases("""
F.layer_norm(x, (2,)) | F.layer_norm(x, (4, 2)) | F.layer_norm(x, (3, 4, 2)) | F.layer_norm(x, (4, 2), y, z) | F.layer_norm(x, (4, 2), y) | F.layer_norm(x, (4, 2), None, z)
F.layer_norm(x, (4, 2), y, z, .5) | F.layer_norm(x, (2,), y[0], z[1]) | F.layer_norm(x, (4, 2), y.flip(0), z[:1].expand(4, 2)) | F.layer_norm(x[:0], (4, 2), y, z)
""")
PARAMETERS = draw((4, 2), (4, 2), seed=5)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("text", LAYER_NORM)
def test_layer_norm(text, dtype, layout):
    close_value(f"(lambda x: {text})({LAYOUTS[layout]})", X, *PARAMETERS, dtype=dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("text", LAYER_NORM)
def test_layer_norm_derivatives(text, layout):
    # torch's second derivative wants a weight where there is a bias
    close_derivatives(f"(lambda x: {text})({LAYOUTS[layout]})", X, *PARAMETERS, orders=1 if "None, z" in text else 2)


@pytest.mark.parametrize("text", ["F.layer_norm(x, (4, 2), y, z).sum()", "F.layer_norm(x, (4, 2), y, z)[:, ::2]", "F.layer_norm(x, (2,), y[0], z[0]).transpose(0, 1)",
                                  "F.layer_norm(x, (4, 2), y, z)[0].expand(3, 4, 2)", "F.layer_norm(x, (4, 2)).mean(0)"])
def test_layer_norm_with_other_cotangents(text):
    close_derivatives(text, X, *PARAMETERS)


def test_layer_norm_by_some_inputs_only():
    """The kernel leaves out what nobody wants."""
    x, (y, z) = X, PARAMETERS
    for detached in ("x", "y", "z", "xy", "yz", "xz"):
        x_, y_, z_ = (f"{v}.detach()" if v in detached else v for v in "xyz")
        close_derivatives(f"F.layer_norm({x_}, (4, 2), {y_}, {z_})", x, y, z)


def test_layer_norm_of_half_types_with_float_parameters():
    for dtype in ("half", "bfloat16"):
        close_value(f"F.layer_norm(x.{dtype}(), (4, 2), y.float(), z.float())", X, *PARAMETERS)


# ---- embedding ---------------------------------------------------------------------------------------------------------------

WEIGHT = draw((5, 3), seed=7)[0]
EMBEDDING = cases("""
F.embedding(I(0, 4, 2), x) | F.embedding(L([[0, 4], [2, 2]]), x) | F.embedding(L(3), x) | F.embedding(I(1, 2, 1), x, padding_idx=1) | F.embedding(I(1, 2, 1), x, padding_idx=-3)
F.embedding(I(), x) | F.embedding(I(0, 1).int(), x) | F.embedding(L([[1, 1], [1, 2]]).t(), x.flip(1), padding_idx=2) | F.embedding(I(0, 0), x[:1].expand(5, 3))
""")


@pytest.mark.parametrize("text", EMBEDDING)
def test_embedding(text):
    for dtype in ("float64", "float32", "float16"):
        close_value(text, WEIGHT, dtype=dtype)
    close_derivatives(text, WEIGHT, orders=1 if "I()" in text else 2)


def test_embedding_scaled_by_frequency():
    """torch has first derivatives only."""
    for text in ("F.embedding(I(1, 2, 1, 1), x, scale_grad_by_freq=True)", "F.embedding(I(1, 2, 2, 1), x, padding_idx=2, scale_grad_by_freq=True)"):
        theirs = derivatives(torch, text, [WEIGHT], False)
        compare(derivatives(wengert, text, [WEIGHT], False), theirs, text)
        compare(derivatives(wengert, text, [WEIGHT], True)[:1], theirs, text)


def test_embedding_scaled_by_frequency_twice():
    """The second derivative: gradients are linear in the cotangent, with the same weights."""
    index, weight = wengert.tensor([1, 2, 1, 3]), wengert.tensor(WEIGHT.tolist(), dtype=wengert.float64, requires_grad=True)
    direction = wengert.ones(4, 3, dtype=wengert.float64, requires_grad=True)
    out = wengert.nn.functional.embedding(index, weight, padding_idx=3, scale_grad_by_freq=True)
    first, = wengert.autograd.grad(out, weight, direction, create_graph=True)
    second, = wengert.autograd.grad(first, direction, wengert.tensor(WEIGHT.tolist(), dtype=wengert.float64))
    expected = WEIGHT[[1, 2, 1, 3]]*np.array([.5, 1, .5, 0])[:, None]
    np.testing.assert_allclose(np.array(second.tolist()), expected, rtol=1e-12)


# ---- losses of two tensors -------------------------------------------------------------------------------------------------------

POINTWISE = ["F.mse_loss(x, y{})", "F.l1_loss(x, y{})", "F.smooth_l1_loss(x, y{})", "F.smooth_l1_loss(x, y{}, beta=.3)", "F.smooth_l1_loss(x, y{}, beta=0)",
             "F.huber_loss(x, y{})", "F.huber_loss(x, y{}, delta=.25)", "F.binary_cross_entropy(x.sigmoid(), y.sigmoid(){})",
             "F.binary_cross_entropy_with_logits(x, y{})", "F.kl_div(x, y.exp(){})", "F.kl_div(x, y{}, log_target=True)"]
REDUCTIONS = ["", ", reduction='none'", ", reduction='sum'"]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("loss", POINTWISE)
def test_pointwise_losses(loss, reduction):
    text = loss.format(reduction)
    for dtype in ("float64", "float32"):
        close_value(text, X, Y, dtype=dtype)
        close_value(text, np.zeros((0, 2)), np.zeros((0, 2)), dtype=dtype)
        close_value(text, *draw((), (), seed=2), dtype=dtype)
        close_value(f"(lambda x, y: {text})(x.transpose(0, 1), y[:, :1].expand(3, 4, 2).transpose(0, 1))", X, Y, dtype=dtype)
    close_derivatives(text, X, Y)
    for detached in "xy":
        close_derivatives(re.sub(rf"\b{detached}\b", detached + ".detach()", text), X, Y)
    close_derivatives(f"(lambda x, y: {text})(x.transpose(0, 1), y[:, :1].expand(3, 4, 2).transpose(0, 1))", X, Y)
    close_derivatives(text, *draw((), (), seed=2))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "binary_cross_entropy_with_logits"])
def test_losses_of_two_types(name, reduction):
    """The loss has the promoted type, each gradient that of its input."""
    text = f"F.{name}(x.float(), y{reduction})"
    if "logits" in name:        # torch takes the logarithm in x's type
        close_value(f"{text}.float()", X, Y)
    else:
        close_value(text, (X*8).round()/8, (Y*8).round()/8)
    for create_graph in ("", ", create_graph=True"):
        close_value(f"torch.autograd.grad({text}.sum(), [x, y]{create_graph})", x=lambda lib: lib.tensor([1., -.5], requires_grad=True),
                    y=lambda lib: lib.tensor([.25, 2.], dtype=lib.float64, requires_grad=True))


def test_losses_of_half_types():
    for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
        for dtype in ("float16", "bfloat16"):
            close_value(f"F.{name}(x, y)", X, Y, dtype=dtype)
            close_value(f"F.{name}(x, y, reduction='none')", X, Y, dtype=dtype)


def test_l1_loss_of_integers():
    for reduction in REDUCTIONS:
        close(f"F.l1_loss(x, y{reduction})", np.array([1, 5, -2]), np.array([3, 3, 3]))


# ---- losses of classes ----------------------------------------------------------------------------------------------------------------

LOGITS = draw((6, 5), seed=9)[0]
CLASSES = cases("""
F.{0}(x, I(0, 4, 2, 2, 3, 1){1}) | F.{0}(x, I(0, 4, -100, 2, -100, 1){1}) | F.{0}(x, I(0, 4, 2, 2, 3, 1), y{1}) | F.{0}(x, I(0, 4, 2, -100, 3, 1), y{1})
F.{0}(x, I(0, 4, 2, 2, 3, 1), y, ignore_index=2{1}) | F.{0}(x[0], L(3){1}) | F.{0}(x[0], I(3){1}) | F.{0}(x[0], L(3), y{1})
F.{0}(x.t(), I(5, 0, 3, 3, 2){1}) | F.{0}(x.reshape(1, 5, 6), I(0, 1, 2, 3, 4, 0).reshape(1, 6), y{1}) | F.{0}(x.reshape(2, 5, 3), L([[0, 4, 2], [-100, 3, 1]]){1})
F.{0}(x.reshape(2, 5, 3, 1), L([[[0], [4], [2]], [[2], [3], [1]]]), y{1}) | F.{0}(x.reshape(2, 5, 1, 3, 1), L([[[[0], [4], [2]]], [[[2], [-100], [1]]]]), y{1})
F.{0}(x[::2], I(0, 1, 2), y.flip(0){1}) | F.{0}(x, I(0, 4, 2, 2, 3, 1).to(torch.uint8), y{1}) | F.{0}(x[:1].expand(3, 5), I(0, 1, 1){1}) | F.{0}(x[:, None], I(0, 0, 0, 0, 0, 0)[:, None].expand(6, 5){1})
""")
WEIGHTS = draw((5,), seed=4, low=.1)[0]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("loss", ["nll_loss", "cross_entropy"])
@pytest.mark.parametrize("text", CLASSES)
def test_class_losses(text, loss, reduction):
    text = text.format(loss, reduction)
    for dtype in ("float64", "float32"):
        close_value(text, LOGITS, WEIGHTS, dtype=dtype)
    text = re.sub(r"\by\b", "y.detach()", text)
    if "x[0], I(3)" in text:    # torch has no derivative for one target in a vector
        theirs = derivatives(torch, text.replace("I(3)", "L(3)"), [LOGITS, WEIGHTS], True)
        compare(derivatives(wengert, text, [LOGITS, WEIGHTS], False), theirs[:1], text)
        compare(derivatives(wengert, text, [LOGITS, WEIGHTS], True), theirs, text)
    else:
        close_derivatives(text, LOGITS, WEIGHTS)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_class_losses_at_the_edges(reduction):
    for loss in ("nll_loss", "cross_entropy"):
        close_value(f"F.{loss}(x, I(){reduction})", np.zeros((0, 3)))
        close_value(f"F.{loss}(x, I(-100, -100){reduction})", np.zeros((2, 3)))
        close_value(f"F.{loss}(1000*x, I(0, 1, 2, 3, 4, 0){reduction})", LOGITS)
        close_value(f"F.{loss}(x.half(), I(0, 1, 2, 3, 4, 0){reduction})", LOGITS)
        close_value(f"F.{loss}(x, I(0, 1){reduction})", np.array([[1, -np.inf, 0], [np.nan, 0, 1]]))
        close_derivatives(f"F.{loss}(x, L([[0, 1], [1, 0]]).t()[:, 0]{reduction}).expand(3, 2)" if "none" in reduction else
                          f"F.{loss}(x, I(0, 1){reduction}).expand(3)", draw((2, 3))[0])


def test_cross_entropy_with_smoothing():
    for text in ("F.cross_entropy(x, I(0, 4, 2, 2, 3, 1), label_smoothing=.1)", "F.cross_entropy(x, I(0, 4, 2, -100, 3, 1), y.detach(), label_smoothing=.3)",
                 "F.cross_entropy(x, x.detach().softmax(1))", "F.cross_entropy(x, x.detach().softmax(1), y.detach(), label_smoothing=.2, reduction='sum')"):
        close_value(text, LOGITS, WEIGHTS)
        close_derivatives(text, LOGITS, WEIGHTS)


# ---- refusals -----------------------------------------------------------------------------------------------------------------------------

ERRORS = cases("""
F.softmax(o(2, 3), 4) | F.softmax(o(2, 3).long(), 1) | F.softmax(o(2, 3) > 0, 1) | F.softmax(o(2, 3).int(), 0) | F.softmax(L(1), 0) | F.log_softmax(o(2, 3), -3)
F.log_softmax(o(2, 3).long(), 1) | F.log_softmax(o(2, 3).byte(), 0)
F.layer_norm(o(2, 3), [4]) | F.layer_norm(o(2, 3), []) | F.layer_norm(o(2, 3), [3], o(4)) | F.layer_norm(o(2, 3), [3], o(3), o(4)) | F.layer_norm(o(2, 3), [3], o(3).double())
F.layer_norm(o(2, 3), [3], o(3), o(3).double()) | F.layer_norm(o(2, 3), [3], None, o(3).double()) | F.layer_norm(o(2, 3).long(), [3]) | F.layer_norm(o(2, 3), [2, 3, 3])
F.embedding(I(0, 3), o(3, 2)) | F.embedding(I(0, -1), o(3, 2)) | F.embedding(L([0.]), o(3, 2)) | F.embedding(I(0).short(), o(3, 2)) | F.embedding(I(0), o(3)) | F.embedding(I(0), o(3, 2, 2))
F.nll_loss(o(2, 3), I(0, 3)) | F.nll_loss(o(2, 3), I(0, -1)) | F.nll_loss(o(2, 3), I(0)) | F.nll_loss(o(2, 3), I(0, 1, 2)) | F.nll_loss(o(2, 3), I(0, 1), o(2))
F.nll_loss(o(2, 3), I(0, 1), o(3, 1)) | F.nll_loss(o(2, 3), I(0, 1), o(3).double()) | F.nll_loss(o(2, 3), I(0, 1).int()) | F.nll_loss(o(2, 3), L([0., 1])) | F.nll_loss(o(2, 3), L([[0], [1]]))
F.nll_loss(o(3), I(1, 1)) | F.nll_loss(L(1.), L(1)) | F.nll_loss(o(2, 3, 4), L([[0]*3, [1]*3])) | F.nll_loss(o(2, 3, 4), I(0, 1)) | F.nll_loss(o(2, 3, 4, 5), I(0, 1))
F.nll_loss(o(2, 3, 4, 5), z(2, 4, 4).long()) | F.nll_loss(o(2, 3, 4, 5), z(3, 4, 5).long()) | F.nll_loss(o(2, 3, 4, 5, 6), z(2, 4, 5, 5).long()) | F.nll_loss(o(2, 3, 4, 5), z(2, 4, 5).long(), o(4))
F.nll_loss(o(2, 3).long(), I(0, 1)) | F.cross_entropy(o(2, 3), I(0, 3)) | F.cross_entropy(o(2, 3), I(0)) | F.cross_entropy(o(2, 3), I(0, 1), o(2)) | F.cross_entropy(o(2, 3), I(0, 1), o(3).double())
F.cross_entropy(o(2, 3), I(0, 1).int()) | F.cross_entropy(o(2, 3), L([0., 1])) | F.cross_entropy(o(2, 3).long(), I(0, 1)) | F.cross_entropy(o(3), L(5)) | F.cross_entropy(o(2, 3, 4), I(0, 1))
F.cross_entropy(o(2, 3, 4, 5), I(0, 1)) | F.cross_entropy(o(2, 3, 4, 5), z(2, 4, 4).long()) | F.cross_entropy(o(2, 0), I(1, 1))
F.mse_loss(o(2, 3).long(), o(2, 3).long()) | F.mse_loss(o(2) > 0, o(2) > 0) | F.l1_loss(o(2, 3).long(), o(2, 3).long()) | F.smooth_l1_loss(o(2, 3).long(), o(2, 3).long())
F.huber_loss(o(2, 3).long(), o(2, 3).long()) | F.binary_cross_entropy(o(2, 3)*2, o(2, 3)) | F.binary_cross_entropy(o(2, 3), o(2, 3).double()) | F.binary_cross_entropy(o(2, 3), o(2, 3)*2)
F.binary_cross_entropy(o(2, 3).long(), o(2, 3).long()) | F.binary_cross_entropy(o(2, 3), o(2, 3).long()) | F.binary_cross_entropy(o(2, 3)*nan, o(2, 3)) | F.binary_cross_entropy(o(2) - 2, o(2))
F.binary_cross_entropy_with_logits(o(2, 3).long(), o(2, 3).long()) | F.binary_cross_entropy_with_logits(o(2, 3), o(2, 3).long()) | F.huber_loss(o(2, 3), o(2, 3), delta=0)
""")


@pytest.mark.parametrize("text", ERRORS)
def test_errors(text):
    close_error(text)


# ---- replay --------------------------------------------------------------------------------------------------------------------------------

STEPS = cases("""
F.layer_norm(x, (4,)).sum() | F.layer_norm(x, (4,), w).sum() | F.layer_norm(x, (4,), None, w).sum() | F.cross_entropy(x, t) | F.cross_entropy(x, t, w.abs()) | F.nll_loss(x, t, w.abs())
F.mse_loss(x, y) | F.mse_loss(x, y.detach()) | F.huber_loss(x, y) | F.binary_cross_entropy(x.sigmoid(), y.sigmoid()) | F.linear(x, y, w[:3]).sum() | F.linear(x, y).sum()
F.softmax(x, 1).amax() | F.log_softmax(x, 0).std() | F.embedding(t, x).sum() | x.max(1)[0].sum() | x.sort(0)[0].cumprod(1).sum() | torch.addmm(w, x, y.t() @ x, beta=2).sum()
""")


@pytest.mark.parametrize("text", STEPS)
def test_replay(text):
    """The launches of a forward and a backward, run again on other numbers with memory poisoned, give eager's bits."""
    first, second = (draw((3, 4), (3, 4), (4,), seed=s) for s in (1, 2))

    t = wengert.tensor([1, 0, 2])

    def step(x, y, w):
        loss = eval(text, {"F": wengert.nn.functional, "torch": wengert, "x": x, "y": y, "w": w, "t": t})
        grads = wengert.autograd.grad(loss, [v for v in (x, y, w) if v.requires_grad], allow_unused=True)
        return [loss, *(g.contiguous() for g in grads if g is not None)]

    inputs = [wengert.tensor(a.tolist(), requires_grad=True) for a in first]
    program = wengert._core.Program()
    with program:
        results = step(*inputs)
        for k, r in enumerate(results):
            program.watch(k, r)
    for x, a in zip(inputs, second):
        x.data.copy_(wengert.tensor(a.tolist()))
    program.replay(poison=True)
    for k, r in enumerate(step(*inputs)):
        assert np.array_equal(np.array(program.read(k).tolist()), np.array(r.tolist()), equal_nan=True), k
