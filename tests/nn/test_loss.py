"""Losses: values and gradients against torch in float64 for every reduction and option, errors and warnings."""

import numpy as np
import pytest
from like_torch import array, assert_same


def signs(*shape):
    return np.where(array(*shape, seed=9) > 0, 1.0, -1.0)


X, Y = array(5, 4), array(5, 4, seed=1)
P = array(5, 4, seed=2, low=0.01, high=0.99)
INDEX = np.array([0, 3, 1, 2, 3])
LABELS = np.array([[0, 2, -1, 1], [3, -1, 0, 0], [-1, 1, 2, 3], [0, 1, 2, 3], [2, 2, 1, -1]])
WEIGHT = np.array([0.5, 1.0, 2.0, 0.1])
DIST = array(5, 4, seed=4, low=0.0, high=1.0)
DIST = DIST / DIST.sum(1, keepdims=True)

# name: how the module is made, given the library and the reduction; its differentiable inputs; the others
LOSSES = {
    "MSE": (lambda t, r: t.nn.MSELoss(reduction=r), [X, Y], []),
    "L1": (lambda t, r: t.nn.L1Loss(reduction=r), [X, Y], []),
    "SmoothL1": (lambda t, r: t.nn.SmoothL1Loss(reduction=r, beta=0.7), [X, Y], []),
    "SmoothL1 beta 0": (lambda t, r: t.nn.SmoothL1Loss(reduction=r, beta=0.0), [X, Y], []),
    "Huber": (lambda t, r: t.nn.HuberLoss(reduction=r, delta=1.3), [X, Y], []),
    "BCE": (lambda t, r: t.nn.BCELoss(reduction=r), [P], [DIST]),
    "BCE weight": (lambda t, r: t.nn.BCELoss(t.tensor(WEIGHT), reduction=r), [P], [DIST]),
    "BCEWithLogits": (lambda t, r: t.nn.BCEWithLogitsLoss(reduction=r), [X], [DIST]),
    "BCEWithLogits weights": (
        lambda t, r: t.nn.BCEWithLogitsLoss(t.tensor(WEIGHT), reduction=r, pos_weight=t.tensor(WEIGHT + 1)),
        [X],
        [DIST],
    ),
    "NLL": (lambda t, r: t.nn.NLLLoss(reduction=r), [X], [INDEX]),
    "NLL weight": (lambda t, r: t.nn.NLLLoss(t.tensor(WEIGHT), ignore_index=3, reduction=r), [X], [INDEX]),
    "CrossEntropy": (lambda t, r: t.nn.CrossEntropyLoss(reduction=r), [X], [INDEX]),
    "CrossEntropy weight": (
        lambda t, r: t.nn.CrossEntropyLoss(t.tensor(WEIGHT), ignore_index=1, reduction=r, label_smoothing=0.1),
        [X],
        [INDEX],
    ),
    "CrossEntropy probabilities": (lambda t, r: t.nn.CrossEntropyLoss(reduction=r, label_smoothing=0.1), [X], [DIST]),
    "KLDiv": (lambda t, r: t.nn.KLDivLoss(reduction=r), [X], [DIST]),
    "KLDiv log": (lambda t, r: t.nn.KLDivLoss(reduction=r, log_target=True), [X, Y], []),
    "PoissonNLL": (lambda t, r: t.nn.PoissonNLLLoss(reduction=r), [X], [P]),
    "PoissonNLL full": (lambda t, r: t.nn.PoissonNLLLoss(log_input=False, full=True, reduction=r), [P], [DIST * 9]),
    "GaussianNLL": (lambda t, r: t.nn.GaussianNLLLoss(reduction=r), [X, Y, P], []),
    "GaussianNLL full": (lambda t, r: t.nn.GaussianNLLLoss(full=True, eps=0.3, reduction=r), [X, Y, P[:, :1]], []),
    "CosineEmbedding": (lambda t, r: t.nn.CosineEmbeddingLoss(0.1, reduction=r), [X, Y], [signs(5)]),
    "MarginRanking": (lambda t, r: t.nn.MarginRankingLoss(0.3, reduction=r), [X, Y], [signs(5, 4)]),
    "HingeEmbedding": (lambda t, r: t.nn.HingeEmbeddingLoss(0.8, reduction=r), [X], [signs(5, 4)]),
    "TripletMargin": (lambda t, r: t.nn.TripletMarginLoss(2.0, reduction=r), [X, Y, P], []),
    "TripletMargin swap": (lambda t, r: t.nn.TripletMarginLoss(2.0, p=1, swap=True, reduction=r), [X, Y, P], []),
    "TripletMarginWithDistance": (
        lambda t, r: t.nn.TripletMarginWithDistanceLoss(swap=True, margin=3.0, reduction=r),
        [X, Y, P],
        [],
    ),
    "SoftMargin": (lambda t, r: t.nn.SoftMarginLoss(reduction=r), [X], [signs(5, 4)]),
    "MultiMargin": (lambda t, r: t.nn.MultiMarginLoss(reduction=r), [X], [INDEX]),
    "MultiMargin 2": (
        lambda t, r: t.nn.MultiMarginLoss(2, 0.7, t.tensor(WEIGHT), reduction=r),
        [X],
        [INDEX],
    ),
    "MultiLabelMargin": (lambda t, r: t.nn.MultiLabelMarginLoss(reduction=r), [X], [LABELS]),
    "MultiLabelSoftMargin": (lambda t, r: t.nn.MultiLabelSoftMarginLoss(reduction=r), [X], [DIST]),
    "MultiLabelSoftMargin weight": (
        lambda t, r: t.nn.MultiLabelSoftMarginLoss(t.tensor(WEIGHT), reduction=r),
        [X],
        [DIST],
    ),
}
REDUCTIONS = ("mean", "sum", "none")


def run(name, reduction):
    make, inputs, targets = LOSSES[name]

    def program(t):
        loss = make(t, reduction)
        leaves = [t.tensor(x, requires_grad=True) for x in inputs]
        result = loss(*leaves, *(t.tensor(y) for y in targets))
        (result * t.arange(1, result.numel() + 1, dtype=t.float64).reshape(result.shape)).sum().backward()
        return [result, *(x.grad for x in leaves), loss, list(loss.state_dict())]

    return program


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", LOSSES)
def test_values_and_gradients(name, reduction):
    assert_same(run(name, reduction), 1e-11)


@pytest.mark.parametrize("name", ["MSE", "NLL weight", "BCEWithLogits", "SoftMargin"])
def test_unknown_reduction(name):
    assert_same(run(name, "average"))


LEGACY = [
    "MSELoss",
    "L1Loss",
    "SmoothL1Loss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "NLLLoss",
    "CrossEntropyLoss",
    "KLDivLoss",
    "PoissonNLLLoss",
    "SoftMarginLoss",
    "MultiMarginLoss",
]


@pytest.mark.parametrize("name", LEGACY)
@pytest.mark.parametrize("kwargs", [{"size_average": False}, {"size_average": True}, {"reduce": False}])
def test_forerunners_of_reduction(name, kwargs):
    assert_same(lambda t: [getattr(t.nn, name)(**kwargs).reduction])


PROGRAMS = {
    "mse legacy function": lambda t: t.nn.functional.mse_loss(t.ones(3), t.zeros(3), size_average=False),
    "mse broadcast": lambda t: t.nn.functional.mse_loss(t.ones(3), t.zeros(2, 3)),
    "l1 broadcast": lambda t: t.nn.L1Loss()(t.ones(3), t.zeros(2, 3)),
    "smooth_l1 broadcast": lambda t: t.nn.SmoothL1Loss()(t.ones(3), t.zeros(2, 3)),
    "huber broadcast": lambda t: t.nn.HuberLoss()(t.ones(3), t.zeros(2, 3)),
    "mse mismatch": lambda t: t.nn.functional.mse_loss(t.ones(3), t.zeros(2)),
    "mse weight": lambda t: t.nn.functional.mse_loss(t.ones(3), t.zeros(3), weight=t.tensor([1.0, 2.0, 3.0])),
    "mse weight none": lambda t: t.nn.functional.mse_loss(
        t.ones(3), t.zeros(3), reduction="none", weight=t.tensor([1.0, 2.0, 3.0])
    ),
    "l1 weight": lambda t: t.nn.functional.l1_loss(t.ones(3), t.zeros(3), weight=t.tensor([1.0, 2.0, 3.0])),
    "huber weight": lambda t: t.nn.functional.huber_loss(t.ones(3), t.zeros(3), weight=t.tensor([1.0, 2.0, 3.0])),
    "mse weight size": lambda t: t.nn.functional.mse_loss(t.ones(3), t.zeros(3), weight=t.ones(1)),
    "elementwise_mean": lambda t: t.nn.functional.mse_loss(t.ones(3), t.zeros(3), reduction="elementwise_mean"),
    "negative beta": lambda t: t.nn.functional.smooth_l1_loss(t.ones(3), t.zeros(3), beta=-1.0),
    "zero delta": lambda t: t.nn.functional.huber_loss(t.ones(3), t.zeros(3), delta=0.0),
    "bce sizes": lambda t: t.nn.functional.binary_cross_entropy(t.ones(3), t.zeros(2)),
    "bce logits sizes": lambda t: t.nn.functional.binary_cross_entropy_with_logits(t.ones(3), t.zeros(2)),
    "kl_div mean": lambda t: t.nn.functional.kl_div(t.ones(2, 3), t.ones(2, 3)),
    "kl_div batchmean": lambda t: t.nn.functional.kl_div(t.ones(2, 3), t.ones(2, 3) * 2, reduction="batchmean"),
    "kl_div scalar": lambda t: t.nn.functional.kl_div(t.ones(()), t.ones(()) * 2, reduction="batchmean"),
    "gaussian var negative": lambda t: t.nn.functional.gaussian_nll_loss(t.ones(3), t.ones(3), -t.ones(3)),
    "gaussian var number": lambda t: t.nn.functional.gaussian_nll_loss(t.ones(3), t.zeros(3), 2.0),
    "gaussian var number negative": lambda t: t.nn.functional.gaussian_nll_loss(t.ones(3), t.zeros(3), -2.0),
    "gaussian var size": lambda t: t.nn.functional.gaussian_nll_loss(t.ones(3, 2), t.ones(3, 2), t.ones(5)),
    "gaussian var missing dimension": lambda t: t.nn.functional.gaussian_nll_loss(
        t.ones(3, 2), t.zeros(3, 2), t.ones(3)
    ),
    "gaussian reduction": lambda t: t.nn.functional.gaussian_nll_loss(t.ones(3), t.ones(3), t.ones(3), reduction="x"),
    "triplet margin": lambda t: t.nn.TripletMarginLoss(margin=-1),
    "triplet distance margin": lambda t: t.nn.TripletMarginWithDistanceLoss(margin=0),
    "triplet dims": lambda t: t.nn.functional.triplet_margin_loss(t.ones(2, 3), t.ones(3), t.ones(2, 3)),
    "margin_ranking dims": lambda t: t.nn.functional.margin_ranking_loss(t.ones(2, 3), t.ones(3), t.ones(2)),
    "cosine dims": lambda t: t.nn.functional.cosine_embedding_loss(t.ones(2, 3), t.ones(2, 3), t.ones(2, 2)),
    "cosine dims 1": lambda t: t.nn.functional.cosine_embedding_loss(t.ones(3), t.ones(3), t.ones(2)),
    "cosine dims 0": lambda t: t.nn.functional.cosine_embedding_loss(t.ones(2, 3), t.ones(2, 3), t.ones(())),
    "cosine 0D": lambda t: t.nn.functional.cosine_embedding_loss(t.ones(3), t.ones(3), t.ones(())),
    "multi_margin p": lambda t: t.nn.MultiMarginLoss(p=3),
    "multi_margin weight": lambda t: t.nn.MultiMarginLoss(weight=t.ones(2, 2)),
    "multi_margin 1D": lambda t: t.nn.functional.multi_margin_loss(
        t.tensor([0.1, 0.2, 0.4]), t.tensor(1), reduction="none"
    ),
    "multilabel 1D": lambda t: t.nn.functional.multilabel_margin_loss(
        t.tensor([0.1, 0.2, 0.4]), t.tensor([1, -1, 0]), reduction="none"
    ),
    "NLLLoss2d": lambda t: t.nn.NLLLoss2d(),
    "repr": lambda t: [t.nn.MSELoss(), t.nn.CrossEntropyLoss(t.ones(2))],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_outcome(name):
    assert_same(PROGRAMS[name], 1e-6)


def test_without_torch_for_comparison():
    import wengert
    from wengert import nn

    with pytest.warns(UserWarning, match="reduction='sum' instead"):
        loss = nn.MSELoss(size_average=False)
    x = wengert.tensor([1.0, 2.0], requires_grad=True)
    value = loss(x, wengert.tensor([0.0, 4.0]))
    value.backward()
    assert value.item() == 5.0
    assert x.grad.tolist() == [2.0, -4.0]


def mixed(function, *dtypes, **weights):
    """The loss of tensors of several dtypes, and the gradients of those that are differentiable."""

    def program(t):
        rows = [t.tensor(v).to(getattr(t, d)) for v, d in zip(([-1.0, 0.3, 2.0], [0.0, 1.0, 1.0]), dtypes)]
        given = {k: t.tensor([2.0, 1.0, 3.0]).to(getattr(t, d)) for k, d in weights.items()}
        leaves = [x.requires_grad_() for x in rows[:1 if function == "soft_margin_loss" else 2] if x.is_floating_point()]
        results = [getattr(t.nn.functional, function)(*rows, reduction=r, **given) for r in ("none", "mean", "sum")]
        if function == "soft_margin_loss" and dtypes[1] == "bool":                # which torch refuses in backward only
            return results
        return [*results, *t.autograd.grad(results[0].sum() + results[1], leaves, retain_graph=True, allow_unused=True)]

    return program


@pytest.mark.parametrize("weights", [{}, {"weight": "float64"}, {"weight": "float32"}, {"pos_weight": "float64"}, {"pos_weight": "float32"},
                                     {"weight": "int64", "pos_weight": "int64"}, {"weight": "bool"}])
@pytest.mark.parametrize("target", ["float64", "float32", "int64", "bool"])
@pytest.mark.parametrize("input", ["float64", "float32", "int64"])
def test_logits_and_targets_of_several_dtypes(input, target, weights):
    """The loss has the target's dtype."""
    program = mixed("binary_cross_entropy_with_logits", input, target, **weights)
    if input == "int64":                       # the kernel's name in the message differs
        from like_torch import outcome, torch, wengert
        assert outcome(program, wengert)[:2] == outcome(program, torch)[:2]
    else:
        assert_same(program, 3e-7)


@pytest.mark.parametrize("target", ["float64", "float32", "int64", "bool"])
@pytest.mark.parametrize("input", ["float64", "float32", "int64", "bool"])
def test_soft_margins_of_several_dtypes(input, target):
    assert_same(mixed("soft_margin_loss", input, target), 3e-7)


@pytest.mark.parametrize("argument", ["weight", "pos_weight"])
@pytest.mark.parametrize("shape", [(2, 3), (2,), (1,), ()])
def test_weights_of_logits_fit(argument, shape):
    assert_same(lambda t: t.nn.functional.binary_cross_entropy_with_logits(t.zeros(3), t.ones(3), **{argument: t.full(shape, 2.0)}), 1e-6)
