"""Layers of convolution and pooling, and networks of them, against torch: values, gradients, repr, state, refusals."""
import numpy as np
import pytest
from like_torch import array, assert_same, filled, torch

import wengert

LAYERS = {
    "Conv1d": (lambda n: n.Conv1d(4, 6, 3), (2, 4, 11)),
    "Conv1d causal": (lambda n: n.Conv1d(4, 4, 2, dilation=4, padding=4, groups=2), (2, 4, 30)),
    "Conv1d unbatched": (lambda n: n.Conv1d(4, 6, 3, padding="same"), (4, 11)),
    "Conv2d": (lambda n: n.Conv2d(3, 5, 3), (2, 3, 8, 7)),
    "Conv2d no bias": (lambda n: n.Conv2d(3, 6, (3, 2), stride=(2, 1), padding=(1, 2), groups=3, bias=False), (2, 3, 8, 7)),
    "Conv2d same": (lambda n: n.Conv2d(3, 5, (2, 3), padding="same", dilation=2), (2, 3, 8, 7)),
    "Conv2d valid": (lambda n: n.Conv2d(3, 5, 3, padding="valid"), (3, 8, 7)),
    "Conv2d reflect": (lambda n: n.Conv2d(3, 5, 3, padding=1, padding_mode="reflect"), (2, 3, 8, 7)),
    "Conv2d circular": (lambda n: n.Conv2d(3, 5, 3, padding=(1, 2), padding_mode="circular"), (2, 3, 8, 7)),
    "Conv2d replicate same": (lambda n: n.Conv2d(3, 5, (4, 3), padding="same", padding_mode="replicate"), (2, 3, 8, 7)),
    "Conv3d": (lambda n: n.Conv3d(2, 4, 2, padding=1, stride=2), (2, 2, 5, 4, 6)),
    "ConvTranspose1d": (lambda n: n.ConvTranspose1d(4, 6, 3, stride=2, padding=1, output_padding=1), (2, 4, 7)),
    "ConvTranspose2d": (lambda n: n.ConvTranspose2d(4, 6, 3, stride=2, groups=2), (2, 4, 5, 4)),
    "ConvTranspose2d dilated": (lambda n: n.ConvTranspose2d(4, 6, (3, 2), dilation=(1, 2), bias=False), (4, 5, 4)),
    "ConvTranspose3d": (lambda n: n.ConvTranspose3d(2, 3, 2, stride=2), (1, 2, 3, 2, 3)),
    "MaxPool1d": (lambda n: n.MaxPool1d(3, stride=2, padding=1), (2, 3, 11)),
    "MaxPool2d": (lambda n: n.MaxPool2d(2), (2, 3, 8, 7)),
    "MaxPool2d more": (lambda n: n.MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), ceil_mode=True), (2, 3, 8, 7)),
    "MaxPool3d": (lambda n: n.MaxPool3d(2, stride=1), (2, 3, 4, 3, 5)),
    "AvgPool1d": (lambda n: n.AvgPool1d(3, stride=2, padding=1, count_include_pad=False), (2, 3, 11)),
    "AvgPool2d": (lambda n: n.AvgPool2d(3, stride=2, padding=1, divisor_override=4), (2, 3, 8, 7)),
    "AvgPool3d": (lambda n: n.AvgPool3d(2, ceil_mode=True), (2, 3, 4, 3, 5)),
    "LPPool1d": (lambda n: n.LPPool1d(2, 3), (2, 3, 11)),
    "LPPool2d": (lambda n: n.LPPool2d(2, 3, stride=2), (2, 3, 8, 7)),
    "LPPool3d": (lambda n: n.LPPool3d(2, 2), (2, 3, 4, 4, 5)),
    "AdaptiveAvgPool1d": (lambda n: n.AdaptiveAvgPool1d(4), (2, 3, 11)),
    "AdaptiveAvgPool2d": (lambda n: n.AdaptiveAvgPool2d((None, 3)), (2, 3, 8, 7)),
    "AdaptiveAvgPool2d one": (lambda n: n.AdaptiveAvgPool2d(1), (2, 3, 8, 7)),
    "AdaptiveAvgPool3d": (lambda n: n.AdaptiveAvgPool3d((2, 1, 3)), (2, 3, 4, 3, 5)),
    "AdaptiveMaxPool1d": (lambda n: n.AdaptiveMaxPool1d(4), (2, 3, 11)),
    "AdaptiveMaxPool2d": (lambda n: n.AdaptiveMaxPool2d((3, 2)), (2, 3, 8, 7)),
    "AdaptiveMaxPool3d": (lambda n: n.AdaptiveMaxPool3d(2), (2, 3, 4, 3, 5)),
    "Upsample": (lambda n: n.Upsample(scale_factor=2), (2, 3, 5, 4)),
    "Upsample bilinear": (lambda n: n.Upsample((7, 9), mode="bilinear"), (2, 3, 5, 4)),
    "Upsample bicubic": (lambda n: n.Upsample(scale_factor=(1.5, 2), mode="bicubic", align_corners=True), (2, 3, 5, 4)),
    "UpsamplingNearest2d": (lambda n: n.UpsamplingNearest2d(scale_factor=3), (2, 3, 5, 4)),
    "UpsamplingBilinear2d": (lambda n: n.UpsamplingBilinear2d((8, 8)), (2, 3, 5, 4)),
    "Unfold": (lambda n: n.Unfold((2, 3), padding=1, stride=2), (2, 3, 5, 4)),
    "Fold": (lambda n: n.Fold((4, 5), 2), (2, 12, 12)),
    "Network": (lambda n: n.Sequential(n.Conv2d(1, 4, 3, padding=1), n.BatchNorm2d(4), n.ReLU(), n.MaxPool2d(2), n.Conv2d(4, 8, 3, stride=2), n.Tanh(),
                                       n.AdaptiveAvgPool2d(1), n.Flatten(), n.Linear(8, 3)), (4, 1, 12, 12)),
    "Encoder and decoder": (lambda n: n.Sequential(n.Conv2d(2, 4, 3, stride=2, padding=1), n.GroupNorm(2, 4), n.SiLU(),
                                                   n.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1)), (2, 2, 8, 8)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    make, shape = LAYERS[name]

    def program(t):
        module = filled(t, make(t.nn), low=-1.0, high=1.0)
        x = t.tensor(array(*shape), requires_grad=True)
        if "LP" in name:
            x = t.tensor(np.abs(array(*shape)) + 1, requires_grad=True)
        y = module(x)
        (y * t.arange(1, y.numel() + 1, dtype=t.float64).reshape(y.shape).cos()).sum().backward()
        return [y, x.grad, [p.grad for p in module.parameters()], module, module.state_dict()]

    assert_same(program, tolerance=1e-10)


@pytest.mark.parametrize("make", [
    lambda n: n.Conv2d(3, 4, 3, groups=2), lambda n: n.Conv2d(4, 3, 3, groups=2), lambda n: n.Conv2d(4, 4, 3, groups=0), lambda n: n.Conv2d(4, 4, 3, 2, "same"),
    lambda n: n.ConvTranspose2d(4, 4, 3, padding_mode="reflect"), lambda n: n.ConvTranspose2d(4, 4, 3, 2)(n.Conv2d(1, 4, 1)(n.Parameter(n.Linear(4, 4).weight[None])), [20, 20]),
    lambda n: n.MaxPool2d(2)(n.Linear(4, 4).weight), lambda n: n.Conv2d(4, 4, 3)(n.Linear(4, 4).weight),
])
def test_refusals(make):
    results = []
    for t in (wengert, torch):
        with pytest.raises((ValueError, RuntimeError)) as caught:
            make(t.nn)
        results.append((caught.type.__name__, str(caught.value).split("\n")[0]))
    assert results[0] == results[1]


def test_initial_weights_are_torchs():
    for make in (lambda n: n.Conv2d(3, 5, 3), lambda n: n.ConvTranspose2d(4, 6, 3, groups=2), lambda n: n.Conv1d(2, 4, 5, bias=False)):
        ours, theirs = [], []
        for t, out in ((wengert, ours), (torch, theirs)):
            t.manual_seed(5)
            out += [np.array(p.tolist()) for p in make(t.nn).parameters()]
        for a, b in zip(ours, theirs):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("image, kernel, stride, bias", [
    ((6, 4, 5, 5), (7, 4, 5, 5), 1, True), ((3, 2, 4, 6), (5, 2, 4, 6), 2, False), ((1, 2, 3, 3), (1, 2, 3, 3), 1, True),
    ((2, 3, 3), (4, 2, 3, 3), 1, True), ((5, 7, 1, 1), (3, 7, 1, 1), 3, True)], ids=str)
def test_a_kernel_as_large_as_the_image_is_a_matrix(image, kernel, stride, bias, dtype):
    def program(t):
        F, kind = t.nn.functional, getattr(t, dtype)
        x, w, b = (t.tensor(array(*shape) / 8, dtype=kind, requires_grad=True) for shape in (image, kernel, kernel[:1]))
        y = F.conv2d(x, w, b if bias else None, stride=stride)
        gradients = t.autograd.grad(y.square().sum(), [x, w] + [b] * bias, create_graph=True)
        second = t.autograd.grad(gradients[1].square().sum(), w)
        results = y.detach(), w.detach()
        return [y, *gradients, *second, F.conv_transpose2d(*results, stride=stride), F.conv_transpose2d(*results, t.ones(kernel[1], dtype=kind), stride=stride)]

    assert_same(program, tolerance=1e-5 if dtype == "float32" else 1e-12)


def test_no_images_have_a_gradient_of_zeros():
    def program(t):
        x, w, b = (t.zeros(*shape, requires_grad=True) for shape in ((0, 2, 3, 3), (4, 2, 3, 3), (4,)))
        y = t.nn.functional.conv2d(x, w, b)
        y.sum().backward()
        return [y, x.grad, w.grad, b.grad]

    assert_same(program)


def test_unpooling_puts_maxima_back():
    def program(t):
        x = t.tensor(array(2, 3, 8, 6), requires_grad=True)
        y, places = t.nn.MaxPool2d(2, return_indices=True)(x)
        back = t.nn.MaxUnpool2d(2)(y, places, output_size=(8, 6))
        back.square().sum().backward()
        return [y, places, back, x.grad, t.nn.MaxUnpool2d(2, padding=1)]

    assert_same(program)


def test_a_transposed_convolution_takes_the_size_it_shall_have():
    def program(t):
        layer = filled(t, t.nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1))
        x = t.tensor(array(1, 2, 4, 4))
        return [layer(x, output_size=size).shape for size in ([8, 8], [7, 8], [1, 3, 8, 7])]

    assert_same(program)


def test_a_network_learns():
    """Stripes across or along: a task that only spatial weights solve."""
    wengert.manual_seed(0)
    nn = wengert.nn
    images = wengert.randn(128, 1, 8, 8) * 0.3
    labels = wengert.randint(2, (128,))
    stripes = (wengert.arange(8) % 2).float() * 2 - 1
    images[labels == 0] += stripes.reshape(1, 1, 1, 8)
    images[labels == 1] += stripes.reshape(1, 1, 8, 1)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                          nn.Linear(8, 2))
    optimizer = wengert.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float((model(images).argmax(1) == labels).float().mean()) == 1.0
