"""Functions of the top level with C++'s signatures, windows and masked reductions: PyTorch's numbers."""
import pytest

import wengert

torch = pytest.importorskip("torch")


def both(run):
    ours, theirs = run(wengert), run(torch)
    for a, b in zip(*((r if isinstance(r, tuple) else (r,)) for r in (ours, theirs)), strict=True):
        torch.testing.assert_close(torch.tensor(a.tolist(), dtype=b.dtype).reshape(b.shape), b, rtol=1e-5, atol=1e-6, equal_nan=True)


def made(lib, *shape):
    n = 1
    for s in shape:
        n *= s
    return ((lib.arange(float(n)) * 0.7).sin()).reshape(shape)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("run", [
    lambda L: L.batch_norm(made(L, 4, 3), made(L, 3), None, made(L, 3), made(L, 3).abs(), False, .1, 1e-5, False),
    lambda L: L.instance_norm(made(L, 2, 3, 4), None, None, None, None, True, .1, 1e-5, False),
    lambda L: L.embedding(made(L, 5, 2), L.tensor([0, 4])),
    lambda L: L.binary_cross_entropy_with_logits(made(L, 4), L.tensor([0., 1., 1., 0.]), None, None, 2),
    lambda L: L.cosine_embedding_loss(made(L, 4, 3), made(L, 4, 3) + 1, L.tensor([1., -1., 1., -1.]), .1, 0),
    lambda L: L.hinge_embedding_loss(made(L, 4), L.tensor([1., -1., 1., -1.]), 1.0),
    lambda L: L.kl_div(made(L, 4), made(L, 4).abs(), 2, log_target=False),
    lambda L: L.margin_ranking_loss(made(L, 4), made(L, 4) + .1, L.tensor([1., -1., 1., -1.]), .5, 1),
    lambda L: L.poisson_nll_loss(made(L, 4), made(L, 4).abs(), True, False, 1e-8, 1),
    lambda L: L.triplet_margin_loss(made(L, 2, 3), made(L, 2, 3) + 1, made(L, 2, 3) - .5),
    lambda L: L.rnn_tanh_cell(made(L, 2, 3), made(L, 2, 4), made(L, 4, 3), made(L, 4, 4)),
    lambda L: L.rnn_relu_cell(made(L, 2, 3), made(L, 2, 4), made(L, 4, 3), made(L, 4, 4), made(L, 4), made(L, 4)),
    lambda L: L.lstm_cell(made(L, 2, 3), (made(L, 2, 4), made(L, 2, 4)), made(L, 16, 3), made(L, 16, 4), made(L, 16), made(L, 16)),
    lambda L: L.gru_cell(made(L, 2, 3), made(L, 2, 4), made(L, 12, 3), made(L, 12, 4), made(L, 12), made(L, 12)),
    lambda L: L.native_layer_norm(made(L, 2, 3), [3], made(L, 3), None, 1e-5),
    lambda L: L.native_group_norm(made(L, 2, 4, 3), None, None, 2, 4, 3, 2, 1e-5),
    lambda L: L.native_channel_shuffle(made(L, 1, 4, 2, 2), 2),
    lambda L: L.norm_except_dim(made(L, 2, 3), 2, 1),
    lambda L: L.nuclear_norm(made(L, 3, 3)),
    lambda L: L.kaiser_window(7, False, 3.),
    lambda L: L.conv_tbc(made(L, 5, 2, 3), made(L, 3, 3, 4), made(L, 4), 1),
    lambda L: L.segment_reduce(made(L, 6, 2), "mean", lengths=L.tensor([2, 0, 4])),
    lambda L: L.segment_reduce(made(L, 6), "max", offsets=L.tensor([0, 3, 6]), initial=.5),
    lambda L: L.signal.windows.nuttall(6, sym=False),
    lambda L: L.masked.var(made(L, 3, 4), 1, mask=made(L, 3, 4) > 0),
    lambda L: L.masked.softmax(made(L, 3, 4), 0, mask=made(L, 3, 4) > 0),
    lambda L: L.special.multigammaln(made(L, 3) + 5, 2),
    lambda L: L.special.round(made(L, 3) * 5),
])
def test_as_in_torch(run):
    both(run)


def test_dropout_in_place_and_with_its_mask():
    wengert.manual_seed(0)
    x = wengert.ones(1000)
    y, kept = wengert.native_dropout(x, .25, True)
    assert y.tolist() == (kept / .75).tolist() and 600 < int(kept.sum()) < 900
    assert wengert.dropout_(x, .5, True) is x and set(x.tolist()) == {0., 2.}
    z = wengert.feature_dropout(wengert.ones(4, 8, 3), .5, True)
    assert bool((z == z[:, :, :1]).all()) and 0 < int((z == 0).sum()) < z.numel()


@pytest.mark.parametrize("run, text", [
    (lambda: wengert.kl_div(wengert.ones(2), wengert.ones(2), 3), "3 is not a valid value for reduction"),
    (lambda: wengert.signal.windows.hann(-1), "requires non-negative window length, got M=-1"),
    (lambda: wengert.signal.windows.gaussian(3, std=0), "Standard deviation must be positive, got: 0 instead"),
    (lambda: wengert.masked.median(wengert.tensor([float("nan")])), "no NaN"),
])
def test_refused(run, text):
    with pytest.raises(ValueError, match=text):
        run()
