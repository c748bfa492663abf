"""Pruning, folded normalisation, and layers that few use, against torch."""
import copy

import pytest
from like_torch import assert_same

import wengert

STEPS = {
    "l1": lambda p, m, L: p.l1_unstructured(m, "weight", 0.4), "l1 count": lambda p, m, L: p.l1_unstructured(m, "weight", 3),
    "importance": lambda p, m, L: p.l1_unstructured(m, "weight", 3, importance_scores=L.arange(24.0).view(6, 4).sin()),
    "random": lambda p, m, L: p.random_unstructured(m, "weight", 0.5), "random structured": lambda p, m, L: p.random_structured(m, "weight", 2, 0),
    "ln": lambda p, m, L: p.ln_structured(m, "weight", 0.5, 2, -1), "ln inf": lambda p, m, L: p.ln_structured(m, "weight", 1, float("inf"), 0),
    "identity": lambda p, m, L: p.identity(m, "weight"), "custom": lambda p, m, L: p.custom_from_mask(m, "weight", L.eye(6, 4)),
    "bias": lambda p, m, L: p.l1_unstructured(m, "bias", 0.5),
    "twice": lambda p, m, L: p.ln_structured(p.l1_unstructured(m, "weight", 0.4), "weight", 1, 1, 0),
    "thrice": lambda p, m, L: p.random_unstructured(p.custom_from_mask(p.ln_structured(m, "weight", 1, 2, 1), "weight", L.eye(6, 4)), "weight", 2),
    "removed": lambda p, m, L: p.remove(p.l1_unstructured(m, "weight", 0.4), "weight"),
    "global": lambda p, m, L: p.global_unstructured([(m, "weight"), (m, "bias")], p.L1Unstructured, amount=10),
    "global after": lambda p, m, L: p.global_unstructured([(p.l1_unstructured(m, "weight", 3), "weight"), (m, "bias")], p.RandomUnstructured, amount=.3),
    "nothing": lambda p, m, L: p.l1_unstructured(m, "weight", 0),
    # refused
    "too many": lambda p, m, L: p.l1_unstructured(m, "weight", 25), "no amount": lambda p, m, L: p.l1_unstructured(m, "weight", "a"),
    "fraction": lambda p, m, L: p.l1_unstructured(m, "weight", 1.5), "vector": lambda p, m, L: p.ln_structured(m, "bias", 1, 2, 0),
    "dim": lambda p, m, L: p.ln_structured(m, "weight", 1, 2, 5), "not pruned": lambda p, m, L: p.remove(m, "weight"),
    "mask": lambda p, m, L: p.custom_from_mask(m, "weight", L.ones(2)), "global structured": lambda p, m, L: p.global_unstructured([(m, "weight")], p.LnStructured, amount=1, n=1),
    "global of none": lambda p, m, L: p.global_unstructured(3, p.L1Unstructured), "importances": lambda p, m, L: p.l1_unstructured(m, "weight", 1, L.ones(2)),
}


@pytest.mark.parametrize("step", STEPS)
def test_pruning(step):
    def program(L):
        import importlib
        prune = importlib.import_module(L.__name__ + ".nn.utils.prune")
        L.manual_seed(3)
        m = L.nn.Linear(4, 6)
        STEPS[step](prune, m, L)
        y = m(L.ones(2, 4))
        y.pow(2).sum().backward()
        with L.no_grad():
            for p in m.parameters():
                p.add_(1)
        grads = {n: p.grad for n, p in m.named_parameters()}
        hooks = [type(h).__name__ for h in m._forward_pre_hooks.values()]
        again = copy.deepcopy(m.state_dict())
        return y, grads, m(L.ones(2, 4)), {k: v for k, v in again.items()}, prune.is_pruned(m), hooks, [n for n, _ in m.named_parameters()], L.rand(1)

    assert_same(program, 1e-5)


def test_pruning_tensors_and_methods():
    def program(L):
        import importlib
        prune = importlib.import_module(L.__name__ + ".nn.utils.prune")
        container = prune.PruningContainer()
        container._tensor_name = "weight"
        t = L.arange(6.0).view(2, 3)
        refused = None
        try:
            container.add_pruning_method(3)
        except TypeError as error:
            refused = str(error)
        return prune.L1Unstructured(2).prune(t), prune.L1Unstructured(0.5).prune(t, importance_scores=-t), len(container), refused, prune.is_pruned(L.nn.Linear(1, 1))

    assert_same(program, 1e-5)


@pytest.mark.parametrize("options", ["bias=True", "bias=False"])
@pytest.mark.parametrize("kind, shape", [("Conv1d", (2, 3, 7)), ("Conv2d", (2, 3, 7, 7)), ("ConvTranspose2d", (2, 3, 5, 5)), ("Linear", (2, 3))])
def test_folded_batch_norm(kind, shape, options):
    def program(L):
        L.manual_seed(0)
        layer = eval(f"L.nn.{kind}(3, 4{', 3' if kind != 'Linear' else ''}, {options})", {"L": L})
        bn = getattr(L.nn, "BatchNorm1d" if len(shape) < 4 else "BatchNorm2d")(4)
        for t in (bn.running_mean, bn.running_var, bn.weight.data, bn.bias.data):
            t.uniform_(0.5, 1.5)
        x, fuse = L.randn(shape), L.nn.utils.fuse_linear_bn_eval if kind == "Linear" else L.nn.utils.fuse_conv_bn_eval
        refused = None
        try:
            fuse(layer, bn)
        except AssertionError as error:
            refused = str(error)
        layer.eval(), bn.eval()
        fused = fuse(layer, bn, True) if kind == "ConvTranspose2d" else fuse(layer, bn)
        assert L.allclose(fused(x), bn(layer(x)), rtol=1e-4, atol=1e-5)
        return refused, fused.weight, fused.bias, fused.weight.requires_grad, repr(fused)

    assert_same(program, 1e-5)


@pytest.mark.parametrize("size, channels", [(5, 3), (5, 9), (4, 7), (1, 3)])
def test_cross_map_lrn(size, channels):
    """Values against torch's; its gradients are not those of its values."""
    def program(L):
        x = L.arange(2.0 * channels * 6).view(2, channels, 2, 3).sin()
        layer = L.nn.CrossMapLRN2d(size, alpha=0.3, k=2)
        return layer(x), repr(layer)

    assert_same(program, 1e-5)
    assert_same(lambda L: L.nn.CrossMapLRN2d(size)(L.ones(channels, 2, 3)))
    x = wengert.arange(2.0 * channels, dtype=wengert.float64).view(1, channels, 1, 2).sin().requires_grad_()
    assert wengert.autograd.gradcheck(wengert.nn.CrossMapLRN2d(size, alpha=0.3, k=2), x)


@pytest.mark.parametrize("call", [
    "L.nn.LinearCrossEntropyLoss(4, 3)(x, y)", "L.nn.LinearCrossEntropyLoss(4, 3, bias=True, reduction='none', ignore_index=1)(x, y)",
    "L.nn.LinearCrossEntropyLoss(4, 3, out_features=(2,), bias=True, label_smoothing=.1)(x, L.stack([y, y], 1))",
    "L.nn.LinearCrossEntropyLoss(4, 3, weight=L.tensor([1., 2., 3.]))(x[0], y[0])", "F.linear_cross_entropy(x, w, L.softmax(x @ w.T, 1))",
    "F.linear_cross_entropy(x, w, y, linear_bias=L.ones(3), reduction='sum')", "F.linear_cross_entropy(x, w, x @ w.T, ignore_index=0)",
    "F.linear_cross_entropy(x, w[0], y)", "F.linear_cross_entropy(x, w[:, :2], y)", "F.linear_cross_entropy(x, w, y, linear_bias=L.ones(2))",
    "F.linear_cross_entropy(x[0, 0], w, y)", "F.linear_cross_entropy(x[0], w.view(3, 1, 4), y)", "L.nn.LinearCrossEntropyLoss(4, 3, weight=L.ones(2))",
    "L.nn.LinearCrossEntropyLoss(4, 3, label_smoothing=2)", "L.nn.LinearCrossEntropyLoss(4, 3, options=L.nn.LinearCrossEntropyOptions(batch_chunk_size=2))(x, y)",
])
def test_linear_cross_entropy(call):
    def program(L):
        L.manual_seed(1)
        x, w, y = L.randn(5, 4, requires_grad=True), L.randn(3, 4, requires_grad=True), L.tensor([0, 1, 2, 1, 0])
        loss = eval(call, {"L": L, "F": L.nn.functional, "x": x, "w": w, "y": y})
        loss.sum().backward()
        return loss, x.grad, [] if w.grad is None else w.grad

    assert_same(program, 1e-5)
