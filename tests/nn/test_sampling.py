"""CTC, fractional pooling, grids and antialiased resizing against torch."""

import pytest
from like_torch import array, assert_same


def ctc(t, T=6, N=3, C=5, targets=((1, 2, 3), (1, 1, 4), (2, 3, 3)), inputs=(6, 5, 6), lengths=(3, 3, 2), as_tensors=False, tensor_of=None,
        module=False, logits=False, dtype="float64", **options):
    x = t.tensor(array(T, N, C) if N else array(T, C), dtype=getattr(t, dtype), requires_grad=True)
    log_probs = x.log_softmax(-1) if logits else x
    log_probs.retain_grad()
    y = t.tensor(targets)
    if as_tensors:
        inputs, lengths = t.tensor(inputs), t.tensor(lengths)
    if module:
        layer = t.nn.CTCLoss(**options)
        loss = layer(log_probs, y, inputs, lengths)
    else:
        layer = None
        loss = t.nn.functional.ctc_loss(log_probs, y, inputs, lengths, **options)
    weights = t.arange(1, loss.numel() + 1, dtype=loss.dtype).view(loss.shape)
    (loss * weights).sum().backward()
    return loss, log_probs.grad, x.grad, layer


CTC = {
    "mean": {},
    "sum": {"reduction": "sum"},
    "none": {"reduction": "none"},
    "logits": {"logits": True},
    "float32": {"logits": True, "dtype": "float32"},
    "module": {"module": True, "zero_infinity": True, "blank": 2, "targets": [[1, 4, 3], [1, 1, 4], [0, 3, 3]]},
    "tensors": {"as_tensors": True},
    "one after the other": {"targets": (1, 2, 3, 1, 1, 4, 2, 3)},
    "empty target": {"lengths": (3, 0, 2), "reduction": "none"},
    "no targets": {"lengths": (0, 0, 0), "reduction": "none"},
    "no input": {"inputs": (0, 5, 6), "lengths": (0, 3, 2), "reduction": "none"},
    "impossible, zero": {"inputs": (2, 3, 6), "reduction": "none", "zero_infinity": True},
    "one sample": {"N": 0, "targets": (1, 2, 2), "inputs": (6,), "lengths": (3,)},
    "one sample, none": {"N": 0, "targets": (1, 2, 2), "inputs": (6,), "lengths": (3,), "reduction": "none"},
    "long": {"T": 80, "targets": [[1, 2, 3, 4] * 8] * 3, "inputs": (80, 70, 75), "lengths": (32, 20, 31), "logits": True},
    "input too long": {"inputs": (7, 6, 6)},
    "input negative": {"inputs": (-1, 6, 6)},
    "target too long": {"lengths": (4, 3, 3)},
    "target negative": {"lengths": (-1, 3, 3)},
    "inputs": {"inputs": (6,)},
    "lengths": {"lengths": (3,)},
    "sum of lengths": {"targets": (1, 2, 3)},
    "targets": {"targets": ((1, 2, 3),)},
    "blank": {"blank": 5},
    "reduction": {"reduction": "x"},
}


@pytest.mark.parametrize("name", CTC)
def test_ctc(name):
    assert_same(lambda t: ctc(t, **CTC[name]), 2e-5 if name == "float32" else 1e-9)


def test_impossible_targets_have_infinite_loss():
    assert_same(lambda t: t.nn.functional.ctc_loss(t.tensor(array(2, 1, 3)).log_softmax(2), t.tensor([[1, 2, 1]]), (2,), (3,)))


def fractional(t, n, shape, module=True, kernel=2, dtype="float64", seed=2, indices=True, samples=None, **options):
    t.manual_seed(seed)
    x = t.tensor(array(*shape), dtype=getattr(t, dtype), requires_grad=True)
    if samples is not None:
        options["_random_samples"] = t.tensor(array(*samples, low=0, high=1))
    if module:
        layer = getattr(t.nn, f"FractionalMaxPool{n}d")(kernel, return_indices=indices, **options)
        y = layer(x)
    else:
        layer = None
        y = getattr(t.nn.functional, f"fractional_max_pool{n}d")(x, kernel, return_indices=indices, **options)
    values = y[0] if indices else y
    (values * values).sum().backward()
    return y, x.grad, layer, t.rand(2)


FRACTIONAL = {
    "size": dict(n=2, shape=(2, 3, 9, 11), output_size=(4, 5)),
    "ratio": dict(n=2, shape=(2, 3, 9, 11), output_ratio=0.6, kernel=3),
    "ratios": dict(n=2, shape=(2, 3, 9, 11), output_ratio=(0.5, 0.7)),
    "float32": dict(n=2, shape=(2, 3, 9, 11), output_size=4, dtype="float32"),
    "values only": dict(n=2, shape=(2, 9, 11), output_size=4, indices=False),
    "function": dict(n=2, shape=(2, 3, 9, 11), output_size=4, module=False),
    "one": dict(n=2, shape=(2, 3, 9, 11), output_size=(1, 4)),
    "samples": dict(n=2, shape=(2, 3, 9, 11), output_size=4, samples=(2, 3, 2)),
    "3d": dict(n=3, shape=(2, 3, 7, 9, 11), output_size=(3, 4, 5)),
    "3d ratio": dict(n=3, shape=(3, 7, 9, 11), output_ratio=0.5, kernel=(2, 3, 2)),
    "neither": dict(n=2, shape=(2, 3, 9, 11)),
    "neither, function": dict(n=2, shape=(2, 3, 9, 11), module=False),
    "both": dict(n=2, shape=(2, 3, 9, 11), output_size=3, output_ratio=0.5),
    "ratio 1": dict(n=3, shape=(2, 3, 9, 11), output_ratio=1.0),
}


@pytest.mark.parametrize("name", FRACTIONAL)
def test_fractional(name):
    assert_same(lambda t: fractional(t, **FRACTIONAL[name]), 1e-12)


def sampled(t, shape, grid, **options):
    x = t.tensor(array(*shape), requires_grad=True)
    g = t.tensor(array(*grid, seed=1, low=-1.6, high=1.6), requires_grad=True)
    y = t.nn.functional.grid_sample(x, g, **options)
    (y * t.tensor(array(*y.shape, seed=2))).sum().backward()
    return y, x.grad, g.grad


GRIDS = [(mode, padding, align, n) for mode in ("bilinear", "nearest", "bicubic") for padding in ("zeros", "border", "reflection")
         for align in (True, False) for n in (2, 3) if n == 2 or mode != "bicubic"]


@pytest.mark.parametrize("mode, padding, align, n", GRIDS)
def test_grid_sample(mode, padding, align, n):
    shape, grid = ((2, 3, 4, 5), (2, 3, 6, 2)) if n == 2 else ((2, 3, 3, 4, 5), (2, 2, 3, 4, 3))
    assert_same(lambda t: sampled(t, shape, grid, mode=mode, padding_mode=padding, align_corners=align), 1e-9)


GRID_PROGRAMS = {
    "default": lambda t: sampled(t, (1, 1, 3, 3), (1, 2, 2, 2)),
    "mode": lambda t: sampled(t, (1, 1, 3, 3), (1, 2, 2, 2), mode="x"),
    "padding": lambda t: sampled(t, (1, 1, 3, 3), (1, 2, 2, 2), padding_mode="x"),
    "dimensions": lambda t: sampled(t, (1, 3, 3), (1, 2, 2, 2), align_corners=False),
    "batch": lambda t: sampled(t, (1, 1, 3, 3), (2, 2, 2, 2), align_corners=False),
    "last": lambda t: sampled(t, (1, 1, 3, 3), (1, 2, 2, 3), align_corners=False),
    "empty": lambda t: sampled(t, (1, 1, 0, 3), (1, 2, 2, 2), align_corners=False),
    "bicubic 3d": lambda t: sampled(t, (1, 1, 3, 3, 3), (1, 2, 2, 2, 3), mode="bicubic", align_corners=False),
    "affine": lambda t: t.nn.functional.affine_grid(t.tensor(array(2, 2, 3)), (2, 1, 3, 4), align_corners=False),
    "affine corners": lambda t: t.nn.functional.affine_grid(t.tensor(array(2, 2, 3)), t.Size((2, 1, 3, 4)), align_corners=True),
    "affine 3d": lambda t: t.nn.functional.affine_grid(t.tensor(array(2, 3, 4)), (2, 1, 3, 4, 2), align_corners=False),
    "affine default": lambda t: t.nn.functional.affine_grid(t.tensor(array(2, 2, 3)), (2, 1, 3, 4)),
    "affine one": lambda t: t.nn.functional.affine_grid(t.tensor(array(2, 2, 3)), (2, 1, 1, 4), align_corners=True),
    "affine integers": lambda t: t.nn.functional.affine_grid(t.ones(2, 2, 3, dtype=t.int64), (2, 1, 1, 4), align_corners=True),
    "affine shape": lambda t: t.nn.functional.affine_grid(t.ones(2, 3, 3), (2, 1, 1, 4), align_corners=True),
    "affine sizes": lambda t: t.nn.functional.affine_grid(t.ones(2, 2, 3), (2, 1, 4), align_corners=True),
    "affine zero": lambda t: t.nn.functional.affine_grid(t.ones(2, 2, 3), (2, 1, 0, 4), align_corners=False),
}


@pytest.mark.parametrize("name", GRID_PROGRAMS)
def test_grid_programs(name):
    assert_same(GRID_PROGRAMS[name], 1e-9)


def resized(t, shape=(2, 3, 9, 7), **options):
    x = t.tensor(array(*shape), requires_grad=True)
    y = t.nn.functional.interpolate(x, antialias=True, **options)
    (y * y).sum().backward()
    return y, x.grad


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("options", [{"size": (4, 3)}, {"size": (13, 3)}, {"scale_factor": 0.4}, {"scale_factor": (1.5, 0.3)}, {"size": 5},
                                     {"scale_factor": 0.4, "recompute_scale_factor": True}], ids=str)
@pytest.mark.parametrize("align", [None, True])
def test_antialiased(mode, options, align):
    # PyTorch computes these filters' weights in float32 for some modes
    assert_same(lambda t: resized(t, mode=mode, align_corners=align, **options), 1e-6)


@pytest.mark.parametrize("options", [{"mode": "nearest", "size": 2}, {"mode": "linear", "size": 2, "shape": (1, 1, 4)}], ids=str)
def test_antialias_is_for_some_modes(options):
    assert_same(lambda t: resized(t, **options))


def test_lanczos_is_antialiased():
    assert_same(lambda t: t.nn.functional.interpolate(t.ones(1, 1, 4, 4), size=2, mode="lanczos"))
