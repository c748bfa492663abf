"""Linear, normalisation, dropout, embedding, padding and distances against torch in float64."""

import pytest
from like_torch import array, assert_same, filled


def trained(make, *shapes, grad=True):
    """A program: output, gradients of inputs and parameters, and the buffers afterwards."""

    def program(t):
        module = filled(t, make(t.nn))
        inputs = [t.tensor(array(*s, seed=i), requires_grad=grad) for i, s in enumerate(shapes)]
        y = module(*inputs)
        (y * t.arange(1, y.numel() + 1, dtype=t.float64).reshape(y.shape).cos()).sum().backward()
        with t.no_grad():
            again = module(*inputs)
            module.eval()
            still = module(*inputs)
        return [
            y,
            again,
            still,
            [x.grad for x in inputs],
            [p.grad for p in module.parameters()],
            module,
            module.state_dict(),
        ]

    return program


LAYERS = {
    "Linear": trained(lambda n: n.Linear(4, 3), (2, 5, 4)),
    "Linear no bias": trained(lambda n: n.Linear(4, 3, bias=False), (4,)),
    "Bilinear": trained(lambda n: n.Bilinear(4, 3, 2), (2, 5, 4), (2, 5, 3)),
    "Bilinear no bias": trained(lambda n: n.Bilinear(4, 3, 2, bias=False), (4,), (3,)),
    "LayerNorm": trained(lambda n: n.LayerNorm((3, 4)), (2, 3, 4)),
    "LayerNorm plain": trained(lambda n: n.LayerNorm(4, elementwise_affine=False), (2, 3, 4)),
    "LayerNorm no bias": trained(lambda n: n.LayerNorm(4, bias=False, eps=0.1), (2, 3, 4)),
    "RMSNorm": trained(lambda n: n.RMSNorm(4), (2, 3, 4)),
    "RMSNorm plain": trained(lambda n: n.RMSNorm((3, 4), eps=0.1, elementwise_affine=False), (2, 3, 4)),
    "GroupNorm": trained(lambda n: n.GroupNorm(2, 4), (3, 4, 5)),
    "GroupNorm 2D": trained(lambda n: n.GroupNorm(2, 4, affine=False), (3, 4)),
    "GroupNorm no bias": trained(lambda n: n.GroupNorm(2, 4, bias=False), (3, 4, 2, 2)),
    "BatchNorm1d": trained(lambda n: n.BatchNorm1d(4), (5, 4)),
    "BatchNorm1d 3D": trained(lambda n: n.BatchNorm1d(4, momentum=None), (5, 4, 3)),
    "BatchNorm2d": trained(lambda n: n.BatchNorm2d(4, eps=0.1, momentum=0.3), (2, 4, 3, 2)),
    "BatchNorm2d plain": trained(lambda n: n.BatchNorm2d(4, affine=False), (2, 4, 3, 2)),
    "BatchNorm3d": trained(lambda n: n.BatchNorm3d(2, track_running_stats=False), (2, 2, 3, 2, 2)),
    "InstanceNorm1d": trained(lambda n: n.InstanceNorm1d(4, affine=True), (2, 4, 5)),
    "InstanceNorm1d unbatched": trained(lambda n: n.InstanceNorm1d(4), (4, 5)),
    "InstanceNorm2d": trained(lambda n: n.InstanceNorm2d(3, track_running_stats=True), (2, 3, 4, 5)),
    "InstanceNorm3d": trained(lambda n: n.InstanceNorm3d(2), (2, 2, 2, 3, 2)),
    "LocalResponseNorm": trained(lambda n: n.LocalResponseNorm(2), (2, 5, 3)),
    "LocalResponseNorm 3": trained(lambda n: n.LocalResponseNorm(3, 0.1, 0.5, 2.0), (2, 5, 3, 2)),
    "PairwiseDistance": trained(lambda n: n.PairwiseDistance(1.5, keepdim=True), (3, 4), (3, 4)),
    "CosineSimilarity": trained(lambda n: n.CosineSimilarity(1), (3, 4, 2), (3, 4, 1)),
    "Flatten": trained(lambda n: n.Flatten(), (2, 3, 4)),
    "Flatten middle": trained(lambda n: n.Flatten(1, 2), (2, 3, 4, 2)),
    "Unflatten": trained(lambda n: n.Unflatten(1, (2, 3)), (2, 6)),
    "Identity": trained(lambda n: n.Identity(3, unused=4), (2, 6)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    assert_same(LAYERS[name], 1e-10)


DROPOUTS = {
    "Dropout": ((lambda n: n.Dropout(0.3)), (4, 50)),
    "Dropout in place": ((lambda n: n.Dropout(0.3, inplace=True)), (4, 50)),
    "Dropout 0": ((lambda n: n.Dropout(0.0)), (4, 5)),
    "Dropout 1": ((lambda n: n.Dropout(1.0)), (4, 5)),
    "Dropout1d": ((lambda n: n.Dropout1d(0.5)), (3, 9, 2)),
    "Dropout1d unbatched": ((lambda n: n.Dropout1d(0.5)), (9, 2)),
    "Dropout2d": ((lambda n: n.Dropout2d(0.5)), (3, 9, 2, 2)),
    "Dropout2d 3D": ((lambda n: n.Dropout2d(0.5)), (3, 9, 2)),
    "Dropout2d 2D": ((lambda n: n.Dropout2d(0.5)), (9, 2)),
    "Dropout3d": ((lambda n: n.Dropout3d(0.5)), (3, 9, 2, 1, 2)),
    "Dropout3d unbatched": ((lambda n: n.Dropout3d(0.5)), (9, 2, 1, 2)),
    "AlphaDropout": ((lambda n: n.AlphaDropout(0.4)), (4, 50)),
    "FeatureAlphaDropout": ((lambda n: n.FeatureAlphaDropout(0.4)), (4, 9, 3)),
}


@pytest.mark.parametrize("name", DROPOUTS)
@pytest.mark.parametrize("training", [True, False])
def test_dropout_draws_torchs_masks(name, training):
    make, shape = DROPOUTS[name]

    def program(t):
        t.manual_seed(7)
        module = make(t.nn).train(training)
        x = t.tensor(array(*shape), requires_grad=True)
        y = module(x * 1.0)
        y.sum().backward()
        return [y, x.grad, module]

    assert_same(program, 1e-12)


def embedding(make, indices):
    def program(t):
        module = filled(t, make(t))
        y = module(t.tensor(indices))
        (y * t.arange(1, y.numel() + 1, dtype=t.float64).reshape(y.shape).cos()).sum().backward()
        return [y, module.weight, module.weight.grad, module, list(module.state_dict())]

    return program


EMBEDDINGS = {
    "plain": embedding(lambda t: t.nn.Embedding(5, 3), [[0, 4], [2, 2]]),
    "padding": embedding(lambda t: t.nn.Embedding(5, 3, padding_idx=-1), [[0, 4], [2, 2]]),
    "max_norm": embedding(lambda t: t.nn.Embedding(5, 3, max_norm=1.5), [0, 4, 4]),
    "max_norm 1": embedding(lambda t: t.nn.Embedding(5, 3, max_norm=1.5, norm_type=1.0), [0, 4, 4]),
    "frequency": embedding(lambda t: t.nn.Embedding(5, 3, scale_grad_by_freq=True), [[0, 4], [4, 4]]),
    "pretrained": embedding(
        lambda t: t.nn.Embedding.from_pretrained(t.ones(5, 3), freeze=False, padding_idx=1), [1, 2]
    ),
    "bag mean": embedding(lambda t: t.nn.EmbeddingBag(5, 3), [[0, 4], [2, 2]]),
    "bag sum": embedding(lambda t: t.nn.EmbeddingBag(5, 3, mode="sum", padding_idx=2), [[0, 4], [2, 1]]),
    "bag max": embedding(lambda t: t.nn.EmbeddingBag(5, 3, mode="max"), [[0, 4], [2, 1]]),
    "bag mean padding": embedding(lambda t: t.nn.EmbeddingBag(5, 3, padding_idx=2), [[0, 4], [2, 2], [2, 1]]),
}


@pytest.mark.parametrize("index", [[0, 1, 1], [3], []])
def test_largest_norm_of_rows_that_are_one(index):
    """An expanded weight is scaled once."""
    def program(t):
        weight = t.arange(6.0, dtype=t.float64).view(1, 6).expand(4, 6)
        return t.nn.functional.embedding(t.tensor(index).long(), weight, max_norm=1.0), weight

    assert_same(program, 1e-6)


def test_largest_norm_of_overlapping_elements():
    assert_same(lambda t: t.nn.functional.embedding(t.tensor([0, 2]), t.tensor(3.0).expand(4, 6), max_norm=1.0))


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_embedding(name):
    assert_same(EMBEDDINGS[name], 1e-10)


def drawn(make):
    def program(t):
        t.manual_seed(11)
        return list(make(t.nn).parameters())

    return program


@pytest.mark.parametrize(
    "make",
    [
        lambda n: n.Linear(7, 5),
        lambda n: n.Linear(7, 5, bias=False, dtype=None),
        lambda n: n.Bilinear(3, 4, 2),
        lambda n: n.PReLU(3),
        lambda n: n.LayerNorm(4),
        lambda n: n.BatchNorm1d(4),
        lambda n: n.Embedding(4, 9, padding_idx=2),
    ],
)
def test_initial_parameters(make):
    assert_same(drawn(make), 2e-6)


F = "nn.functional"
PROGRAMS = {
    "Linear repr": lambda t: t.nn.Linear(2, 3, bias=False),
    "Linear dtype": lambda t: t.nn.Linear(2, 3, dtype=t.float64).weight.dtype,
    "Linear empty": lambda t: t.nn.Linear(0, 3).weight.shape,
    "Bilinear 0": lambda t: t.nn.Bilinear(0, 1, 1),
    "GroupNorm channels": lambda t: t.nn.GroupNorm(2, 3),
    "GroupNorm input": lambda t: t.nn.functional.group_norm(t.ones(2, 3), 2),
    "GroupNorm one value": lambda t: t.nn.functional.group_norm(t.ones(1, 1), 1),
    "BatchNorm1d dims": lambda t: t.nn.BatchNorm1d(3)(t.ones(3)),
    "BatchNorm2d dims": lambda t: t.nn.BatchNorm2d(3)(t.ones(3, 3)),
    "BatchNorm3d dims": lambda t: t.nn.BatchNorm3d(3)(t.ones(3, 3)),
    "BatchNorm one value": lambda t: t.nn.BatchNorm1d(3)(t.ones(1, 3)),
    "BatchNorm channels": lambda t: t.nn.BatchNorm1d(3)(t.ones(2, 4)),
    "BatchNorm old state": lambda t: t.nn.BatchNorm1d(1).load_state_dict(
        {k: v for k, v in t.nn.BatchNorm1d(1).state_dict().items() if k != "num_batches_tracked"}
    ),
    "InstanceNorm dims": lambda t: t.nn.InstanceNorm1d(3)(t.ones(3)),
    "InstanceNorm channels": lambda t: t.nn.InstanceNorm1d(3, affine=True)(t.ones(2, 4, 5)),
    "InstanceNorm one value": lambda t: t.nn.InstanceNorm1d(3)(t.ones(2, 3, 1)),
    "RMSNorm shape": lambda t: t.nn.RMSNorm(3)(t.ones(2, 4)),
    "LocalResponseNorm dims": lambda t: t.nn.LocalResponseNorm(2)(t.ones(2, 4)),
    "Dropout p": lambda t: t.nn.Dropout(1.5),
    "dropout p": lambda t: t.nn.functional.dropout(t.ones(2), -0.1),
    "dropout1d dims": lambda t: t.nn.functional.dropout1d(t.ones(2)),
    "Embedding padding": lambda t: t.nn.Embedding(3, 2, padding_idx=3),
    "Embedding weight": lambda t: t.nn.Embedding(3, 2, _weight=t.ones(2, 2)),
    "Embedding repr": lambda t: t.nn.Embedding(3, 2, 1, 0.5, 1.0, True, True),
    "EmbeddingBag repr": lambda t: t.nn.EmbeddingBag(3, 2, 0.5, 1.0, True, "sum"),
    "Embedding pretrained dims": lambda t: t.nn.Embedding.from_pretrained(t.ones(2)),
    "Unflatten dim": lambda t: t.nn.Unflatten(0.5, (2, 3)),
    "Unflatten size": lambda t: t.nn.Unflatten(1, 6),
    "Unflatten element": lambda t: t.nn.Unflatten(1, (2, "a")),
    "one_hot": lambda t: t.nn.functional.one_hot(t.tensor([[0, 2], [1, 1]])),
    "one_hot classes": lambda t: t.nn.functional.one_hot(t.tensor([0, 2]), 5),
    "one_hot too few": lambda t: t.nn.functional.one_hot(t.tensor([0, 2]), 2),
    "one_hot negative": lambda t: t.nn.functional.one_hot(t.tensor([0, -2])),
    "one_hot float": lambda t: t.nn.functional.one_hot(t.tensor([0.5])),
    "pad": lambda t: t.nn.functional.pad(t.tensor(array(2, 3)), (1, -1, 0, 2), value=7.0),
    "pad reflect": lambda t: t.nn.functional.pad(t.tensor(array(1, 2, 5)), (3, 4), mode="reflect"),
    "pad reflect 2D": lambda t: t.nn.functional.pad(t.tensor(array(2, 3, 5)), (1, 2, 2, 1), mode="reflect"),
    "pad replicate": lambda t: t.nn.functional.pad(t.tensor(array(1, 2, 3)), (4, 5), mode="replicate"),
    "pad circular": lambda t: t.nn.functional.pad(t.tensor(array(1, 2, 3)), (2, 3), mode="circular"),
    "pad circular too far": lambda t: t.nn.functional.pad(t.ones(1, 2, 3), (4, 0), mode="circular"),
    "pad value": lambda t: t.nn.functional.pad(t.ones(1, 2, 3), (1, 1), mode="reflect", value=2.0),
    "pad mode": lambda t: t.nn.functional.pad(t.ones(1, 2, 3), (1, 1), mode="x"),
    "normalize": lambda t: t.nn.functional.normalize(t.tensor(array(3, 4)), p=1.5, dim=0),
    "cosine_similarity 1D": lambda t: t.nn.functional.cosine_similarity(t.ones(3), t.ones(3), dim=0),
    "cosine_similarity zero": lambda t: t.nn.functional.cosine_similarity(t.zeros(2, 3), t.ones(2, 3)),
    "pdist": lambda t: t.nn.functional.pdist(t.tensor(array(4, 3))),
    "pixel_shuffle": lambda t: t.nn.PixelShuffle(2)(t.tensor(array(2, 8, 3, 2))),
    "pixel_shuffle channels": lambda t: t.nn.functional.pixel_shuffle(t.ones(3, 2, 2), 2),
    "pixel_shuffle dims": lambda t: t.nn.functional.pixel_shuffle(t.ones(3, 2), 2),
    "pixel_unshuffle": lambda t: t.nn.PixelUnshuffle(2)(t.tensor(array(2, 3, 4, 6))),
    "pixel_unshuffle size": lambda t: t.nn.functional.pixel_unshuffle(t.ones(3, 4, 5), 2),
    "channel_shuffle": lambda t: t.nn.ChannelShuffle(2)(t.tensor(array(2, 6, 4))),
    "channel_shuffle groups": lambda t: t.nn.functional.channel_shuffle(t.ones(2, 5, 4), 2),
    "shuffle reprs": lambda t: [t.nn.PixelShuffle(2), t.nn.PixelUnshuffle(2), t.nn.ChannelShuffle(2)],
    "pad modules": lambda t: [
        getattr(t.nn, f"{kind}Pad{n}d")(list(range(1, 2 * n + 1)))(t.tensor(array(2, 3, *[7] * n)))
        for kind in ("Zero", "Reflection", "Replication", "Circular")
        for n in (1, 2, 3)
    ],
    "constant pad": lambda t: [t.nn.ConstantPad2d(1, 3.5)(t.ones(2, 2)), t.nn.ConstantPad2d((1, 2, 0, 1), 3.5)],
    "pad reprs": lambda t: [t.nn.ZeroPad2d(1), t.nn.ReflectionPad1d((1, 2)), t.nn.CircularPad3d(2)],
    "circular pad dims": lambda t: t.nn.CircularPad2d(1)(t.ones(2, 2)),
    "pairwise_distance": lambda t: t.nn.functional.pairwise_distance(t.ones(2, 3), t.zeros(3)),
    "embedding_bag offsets": lambda t: t.nn.functional.embedding_bag(
        t.tensor([0, 1, 1, 2]), t.tensor(array(3, 2)), t.tensor([0, 3, 3])
    ),
    "embedding_bag last": lambda t: t.nn.functional.embedding_bag(
        t.tensor([0, 1, 1, 2]), t.tensor(array(3, 2)), t.tensor([0, 3, 4]), mode="max", include_last_offset=True
    ),
    "embedding_bag weights": lambda t: t.nn.functional.embedding_bag(
        t.tensor([[0, 1]]), t.ones(3, 2), mode="sum", per_sample_weights=t.tensor([[2.0, 3.0]])
    ),
    "embedding_bag mode": lambda t: t.nn.functional.embedding_bag(t.tensor([[0, 1]]), t.ones(3, 2), mode="x"),
    "embedding_bag no offsets": lambda t: t.nn.functional.embedding_bag(t.tensor([0, 1]), t.ones(3, 2)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_outcome(name):
    assert_same(PROGRAMS[name], 1e-6)


def adaptive(t, target, shape=(6, 16), cutoffs=(3, 7), **options):
    layer = filled(t, t.nn.AdaptiveLogSoftmaxWithLoss(16, 12, cutoffs, div_value=2.0, **options), -1, 1)
    x = t.tensor(array(*shape, seed=1), requires_grad=True)
    output, loss = layer(x, t.tensor(target))
    loss.backward()
    rest = [layer.log_prob(x), layer.predict(x)] if x.dim() == 2 else []
    return output, loss, x.grad, [p.grad for p in layer.parameters()], layer.state_dict(), layer, *rest


@pytest.mark.parametrize("options", [
    {"target": [0, 4, 8, 11, 2, 5]}, {"target": [0, 1, 2, 0, 1, 2], "head_bias": True}, {"target": 9, "shape": (16,)},
    {"target": [0, 4, 8, 12, 2, 5]}, {"target": [0, 1]}, {"target": [[0]]}, {"target": 3}, {"target": [1], "cutoffs": ()},
    {"target": [1], "cutoffs": (3, 2)}, {"target": [1], "cutoffs": (3, 12)}], ids=str)
def test_adaptive_softmax(options):
    assert_same(lambda t: adaptive(t, **options), 1e-9)
