"""Functions of functions whose Python was cut down: values, gradients, shapes and errors against PyTorch's."""
import numpy as np
import pytest
from against_torch import torch

import wengert

CALLS = [
    "t.movedim(a, 0, 1)", "t.movedim(a, -1, 0)", "t.movedim(a, 2, 2)", "t.movedim(a, (0, 1), (1, 0))", "t.movedim(a, 3, 0)", "t.movedim(a, 0, -4)",
    "t.movedim(a[0, 0, 0], 0, 0)", "t.movedim(a[0, 0, 0], 1, 0)",
    "t.kron(v, v)", "t.kron(m, m)", "t.kron(v, m)", "t.kron(m, a)", "t.kron(v[0], m)", "t.kron(v[:0], v)", "t.kron(m, v[0])",
    "t.kron(m.repeat(2, 5), m.repeat(3, 1))", "t.kron(m.repeat(2, 5), a.repeat(2, 1, 3))", "t.kron(a.repeat(3, 2, 2), m)", "t.kron(m, v.repeat(100))",
    "t.cross(w, w.flip(0), dim=1)", "t.cross(w, w[:1], dim=1)", "t.cross(w[0], w[1], dim=0)", "t.cross(w, v[:2], dim=1)", "t.cross(w, w, dim=0)",
    "t.linalg.cross(w, w.flip(1))", "t.linalg.cross(w[:2, :2], w[:2, :2])",
    "t.linalg.cross(t.ones(()), t.ones(()))", "t.linalg.cross(w, w, dim=5)",
    "t.meshgrid(v, w[0], indexing='ij')", "t.meshgrid(v, w[0], v, indexing='xy')", "t.meshgrid(v[0], v, indexing='ij')", "t.meshgrid(v, indexing='ij')",
    "t.meshgrid(v, m, indexing='ij')", "t.meshgrid(v, v.long(), indexing='ij')", "t.meshgrid([v, v], indexing='xy')",
    "v.repeat_interleave(2)", "m.repeat_interleave(3, dim=1)", "m.repeat_interleave(t.tensor([2]), 0)", "m.repeat_interleave(0, 0)", "m.repeat_interleave(2)",
    "v.repeat_interleave(-1)", "v.repeat_interleave(t.tensor([1, 0, 2, 1]))", "v.repeat_interleave(t.tensor([1, 2]))", "v[:0].repeat_interleave(2)",
    "t.hstack([v, v])", "t.hstack([v[0], v])", "t.hstack([m, m])", "t.vstack([v, v])", "t.vstack([v[0], v[1]])", "t.vstack([m, m])",
    "t.block_diag(m, v, v[0])", "t.diag(v)", "t.diag(v, 1)", "t.diag(v, -2)", "t.diag(m, 1)", "t.outer(v, v)",
    "t.linalg.multi_dot([m, m.T])", "t.linalg.multi_dot([m, m.T, m])", "t.linalg.multi_dot([m.T, m, m.T])", "t.linalg.multi_dot([v, m.T, m])",
    "t.linalg.multi_dot([w, m, v])", "t.linalg.multi_dot([w, m, v, v])", "t.linalg.multi_dot([w, m, m.T, m])", "t.linalg.multi_dot([w, m.T, m])",
    "t.flatten(a, 1)", "t.flatten(m, 1)", "t.flatten(a)", "t.flatten(a[:, :0], 1)", "t.flatten(a, 2)", "t.flatten(a, 0, 1)", "t.nn.Flatten()(a)",
    "t.pdist(m)", "t.pdist(m[:1])", "t.pdist(m[:2])", "t.nan_to_num(v / 0.0)", "t.nan_to_num(v, posinf=1.0)",
    "t.nn.Softmax(1)(m)", "t.nn.LogSoftmax(0)(m)", "t.nn.L1Loss()(m, m.flip(0))", "t.nn.MSELoss(reduction='sum')(m, m.flip(0))",
    "t.nn.SmoothL1Loss(beta=0.5)(m, m.flip(0))", "t.nn.HuberLoss(delta=0.5)(m, m.flip(0))", "t.nn.BCELoss()(m.sigmoid(), m.detach().sigmoid())",
    "t.nn.BCELoss(weight=v.detach().abs())(m.sigmoid(), m.detach().sigmoid())", "t.nn.BCEWithLogitsLoss(pos_weight=v.detach().abs())(m, m.detach().sigmoid())",
    "t.nn.BCEWithLogitsLoss(reduction='none')(m, m.detach().sigmoid())", "t.nn.CrossEntropyLoss()(m, t.tensor([0, 3, 1]))",
    "t.nn.CrossEntropyLoss(weight=v.detach().abs(), label_smoothing=0.1, ignore_index=3)(m, t.tensor([0, 3, 1]))",
    "t.nn.CrossEntropyLoss(reduction='sum')(m, m.detach().softmax(1))", "t.nn.CrossEntropyLoss()(m, t.tensor([0, 4, 1]))", "t.nn.L1Loss(reduction='other')(m, m)",
    *[f"t.nn.functional.multi_margin_loss(m, t.tensor([0, 3, 1]), p={p}, margin={margin}, weight={weight})"
      for p in (1, 2) for margin in (0.7, -0.7) for weight in (None, "v.detach().abs()")],
    *[f"t.nn.functional.multilabel_margin_loss(m, t.tensor([{rows}]), reduction='none')"
      for rows in ("[0, 3, -1, 1], [-1, 2, 2, 2], [2, 1, 0, 3]", "[-1, 0, 0, 0], [-1, 0, 0, 0], [-1, 2, -1, 0]", "[1, 1, 2, -1], [3, -1, 0, 0], [0, -1, 0, 0]")],
    *[f"t.nn.functional.embedding_bag(t.tensor({bags}), m.T, mode='{mode}', padding_idx={padding})"
      for mode in ("sum", "mean", "max") for padding in (None, 2, -4)
      for bags in ("[[0, 2, 3], [2, 2, 2]]", "[[1]]", "[[], []]", "[0, 2, 2, 3, 1], t.tensor([0, 0, 3])", "[0, 2, 2, 3, 1], t.tensor([0, 4, 5])",
                   "[0, 2, 2], t.tensor([0, 1, 3]), include_last_offset=True")],
    "t.nn.functional.embedding_bag(t.tensor([[0, 2, 3], [2, 2, 2]]), m.T, mode='sum', per_sample_weights=w[:2, :3])",
    "t.nn.functional.embedding_bag(t.tensor([[0, 2, 3], [2, 2, 2]]), m.T, mode='sum', per_sample_weights=w[:2, :3], padding_idx=2)",
    "t.nn.functional.embedding_bag(t.tensor([0, 2, 3]), m.T, t.tensor([0, 2]), mode='sum', per_sample_weights=w[0, :3])",
    "t.linalg.lu(m)[1:]", "t.linalg.lu(m.T)[1:]", "t.linalg.lu(t.stack([m[:, 1:], m[:, :3]]))[1:]", "t.linalg.det(m[:, 1:])",
    "t.linalg.det(t.stack([m[:, 1:], m[:, :3]]))", "t.linalg.det(t.stack([m[:, 1:], m[:1, :3].expand(3, 3)]))",
    "t.broadcast_tensors(v, m[:, :1], v[0])[1]", "t.broadcast_tensors(v, w[0])", "t.broadcast_tensors(v[:0], v[:1])[1]",
    "t.nn.functional.batch_norm(m, None, None, training=True)", "t.nn.functional.batch_norm(m, v.detach(), v.detach().abs(), v, v)",
    "t.nn.functional.batch_norm(m, None, None, v[:2], None, True)", "t.nn.functional.batch_norm(a, None, None, w[0], w[1], True)",
]
PLAIN = [
    "t.tensor([True, False]).square()", "t.square(t.tensor([True, False]))", "t.tensor([True]).square_()", "t.tensor([1, 2]).square_()",
    "t.arange(0, 1, .1)", "t.arange(1.0, -1, -.3)", "t.arange(0, float('inf'))", "t.arange(0., float('nan'))", "t.arange(3, 0)", "t.arange(2.5)",
    "t.arange(0, 5, 2, dtype=t.float32)", "t.arange(0.5, 5, 2, dtype=t.int64)", "t.arange(0, 5, 0.)", "t.linspace(0, 1, 5)", "t.linspace(0, 1, -1)",
    "t.linspace(t.tensor(1.), 2, 3)", "t.linspace(t.ones(2), 2, 3)", "t.eye(3)", "t.eye(2, 4)", "t.eye(4, 2, dtype=t.int64)", "t.eye(0)", "t.eye(3, 0)", "t.eye(-1)",
    "t.triu_indices(4, 4)", "t.triu_indices(3, 5, 1)", "t.tril_indices(5, 3, -1)", "t.tril_indices(0, 3)", "t.triu_indices(2, 3, 9)", "t.tril_indices(2, 3, -9)",
    *[f"t.isin(t.arange({n}) % 7, t.arange({k}) % 5, invert={invert})" for n in (0, 3, 70) for k in (0, 1, 4, 20, 40) for invert in (False, True)],
    "t.isin(t.ones(3, 30), t.arange(3))", "t.isin(t.arange(90).reshape(9, 10), t.tensor([1.5, 8., float('nan')]))",
    *[f"t.linalg.lu(t.tensor([[1., 5, 2, 0], [4, 2, 6, 1], [7, 8, 9, 2.]], dtype=t.float64){view})" for view in ("", ".T", "[:, :3].expand(2, 3, 3)", "[:0]")],
    "t.lu_unpack(t.ones(2, 2), t.tensor([1, 3], dtype=t.int32))", "t.lu_unpack(t.ones(2, 3, 3), t.tensor([[2, 3, 3], [3, 2, 3]], dtype=t.int32))",
    *[f"t.tensor([t.equal({x}, {y})])" for x, y in (
        ("t.arange(5)", "t.arange(5)"), ("t.arange(5000.)", "t.arange(5000.) * (t.arange(5000) < 4999)"), ("t.arange(5000.)", "t.arange(5000.) + 0"),
        ("t.arange(5000.)", "-t.arange(5000.)"), ("t.tensor([float('nan')])", "t.tensor([float('nan')])"), ("t.zeros(2)", "-t.zeros(2)"),
        ("t.zeros(2, 3)", "t.zeros(3, 2)"), ("t.zeros(0, 3)", "t.zeros(0, 3)"), ("t.arange(6)[::2]", "t.tensor([0, 2, 4])"), ("t.arange(4).int()", "t.arange(4).int()"),
        ("t.arange(4., dtype=t.float64)", "t.tensor([0., 1, 2, 4], dtype=t.float64)"))],
    "t.triu_indices(90, 80, -3)", "t.tril_indices(90, 80, 2)", "t.triu_indices(2, -1)", "t.triu_indices(3, 3, dtype=t.int32)",
    "t.eye(2, dtype=t.bool)", "t.bincount(t.tensor([1, 1, 3]))", "t.bincount(t.tensor([-1, 1]))", "t.bincount(t.tensor([], dtype=t.int64))",
    "t.nn.functional.one_hot(t.tensor([0, 2]), 3)", "t.nn.functional.one_hot(t.tensor([0, 2]))", "t.nn.functional.one_hot(t.tensor([0, 3]), 3)",
    "t.nn.functional.one_hot(t.tensor([0, -1]), 3)", "t.nn.functional.one_hot(t.tensor([[0], [1]]), 2)", "t.nn.functional.one_hot(t.tensor(1), 2)",
    "t.normal(t.zeros(3), t.tensor([1., -1., 1.]))", "t.normal(t.zeros(2), t.tensor([1., float('nan')]))", "t.bernoulli(t.tensor([0., 1., 1.5]))", "t.bernoulli(t.tensor([0., 1.]))", "t.poisson(t.tensor([-1.]))",
    "t.multinomial(t.tensor([1., float('inf')]), 1)", "t.multinomial(t.tensor([1., -1.]), 1)", "t.multinomial(t.zeros(3), 1)",
    "t.multinomial(t.tensor([[0., 1.], [2., 0.]]), 1)", "t.multinomial(t.tensor([float('nan'), 1.]), 1, True)", "t.multinomial(t.full((3,), 3e38), 2, True)",
]


def run(lib, call, leaves):
    scope = {"t": lib, **leaves}
    try:
        result = eval(call, scope)
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        return type(error).__name__, None
    results = list(result) if isinstance(result, (tuple, list)) else [result]
    total = sum((r * (i + 1) * lib.arange(1.0, r.numel() + 1, dtype=lib.float64).reshape(r.shape).cos()).sum() for i, r in enumerate(results)) if leaves else None
    if leaves and total.requires_grad:
        total.backward()
    grads = [None if p.grad is None else p.grad.numpy() for p in leaves.values()]
    return [(str(r.dtype).split(".")[-1], tuple(r.shape), r.detach().numpy()) for r in results], grads


@pytest.mark.parametrize("call", CALLS + PLAIN)
def test_as_in_torch(call):
    outcomes = []
    for lib in (wengert, torch):
        lib.manual_seed(3)
        values = np.random.default_rng(1)
        shapes = {"v": (4,), "w": (2, 3), "m": (3, 4), "a": (2, 3, 4)}
        leaves = {n: lib.from_numpy(values.standard_normal(s)).requires_grad_() for n, s in shapes.items()} if call in CALLS else {}
        outcomes.append(run(lib, call, leaves))
    (ours, our_grads), (theirs, their_grads) = outcomes
    if isinstance(theirs, str):
        assert ours == theirs
        return
    assert not isinstance(ours, str), ours
    for a, b in zip(ours, theirs, strict=True):
        assert a[:2] == b[:2]
        np.testing.assert_allclose(a[2], b[2], rtol=1e-6, atol=1e-12)
    for a, b in zip(our_grads, their_grads, strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 3), (2, 2), (4, 3)])
def test_cross_products_along_the_first_dimension_of_3(shape):
    def run(lib):
        x = lib.arange(float(np.prod(shape))).view(shape).sin()
        with pytest.warns(UserWarning, match="Using torch.cross without specifying the dim arg is deprecated"):
            try:
                return lib.cross(x, x.flip(0)).numpy()
            except RuntimeError as error:
                return str(error)

    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    try:
        ours, theirs = run(wengert), run(torch)
        assert ours == theirs if 3 not in shape else np.testing.assert_allclose(ours, theirs, 1e-6, 1e-6) is None
    finally:
        torch.set_warn_always(before)
