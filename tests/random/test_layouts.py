"""Samples of tensors that are not row-major: which element gets which sample, and how the result lies in memory, as in PyTorch."""
import numpy as np
import pytest

import wengert
import wengert.nn.functional  # noqa: F401

torch = pytest.importorskip("torch")

LAYOUTS = {
    "transposed": lambda lib: lib.ones(4, 5, 6).transpose(0, 1), "permuted": lambda lib: lib.ones(4, 5, 6).permute(2, 0, 1),
    "in steps": lambda lib: lib.ones(4, 5, 6)[:, ::2], "transposed in steps": lambda lib: lib.ones(4, 5, 6)[:, ::2].transpose(0, 2),
    "expanded": lambda lib: lib.ones(4, 1, 6).expand(4, 5, 6), "channels last": lambda lib: lib.ones(2, 3, 4, 5).to(memory_format=lib.channels_last),
    "large": lambda lib: lib.ones(40, 50).t(),
}
SAMPLERS = {
    "dropout": lambda lib, x: lib.nn.functional.dropout(x, 0.3), "dropout_": lambda lib, x: lib.nn.functional.dropout(x.clone(), 0.3, inplace=True),
    "alpha_dropout": lambda lib, x: lib.nn.functional.alpha_dropout(x, 0.3, True),
    "feature_alpha_dropout": lambda lib, x: lib.nn.functional.feature_alpha_dropout(x, 0.3, True),
    "native_dropout": lambda lib, x: lib.native_dropout(x, 0.3, True)[0], "rrelu": lambda lib, x: lib.nn.functional.rrelu(-x, training=True),
    "gumbel_softmax": lambda lib, x: lib.nn.functional.gumbel_softmax(x),
    "rand_like": lambda lib, x: lib.rand_like(x), "randn_like": lambda lib, x: lib.randn_like(x), "randint_like": lambda lib, x: lib.randint_like(x, 0, 100),
    "bernoulli": lambda lib, x: lib.bernoulli(x * 0.5), "bernoulli with p": lambda lib, x: lib.bernoulli(x, 0.3), "poisson": lambda lib, x: lib.poisson(x * 3),
    "binomial": lambda lib, x: lib.binomial(x * 10, x * 0.3), "normal of two": lambda lib, x: lib.normal(x, x), "normal of deviations": lambda lib, x: lib.normal(0.0, x),
    "normal of means": lambda lib, x: lib.normal(x, 2.0), "multinomial": lambda lib, x: lib.multinomial(x[0] if x.dim() == 3 else x.flatten(2)[0] if x.dim() == 4 else x, 2),
    "Normal": lambda lib, x: lib.distributions.Normal(x, x).rsample(), "Dirichlet": lambda lib, x: lib.distributions.Dirichlet(x).sample(),
    **{name: (lambda lib, x, name=name, args=args: getattr(x.clone(), name)(*args)) for name, args in {
        "uniform_": (), "normal_": (), "exponential_": (), "bernoulli_": (0.5,), "random_": (), "geometric_": (0.3,), "log_normal_": (), "cauchy_": ()}.items()},
}


@pytest.mark.filterwarnings("ignore:dropout2d")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_samples(sampler, layout):
    def run(lib):
        lib.manual_seed(5)
        y = SAMPLERS[sampler](lib, LAYOUTS[layout](lib))
        return np.asarray(y.tolist()), y.stride(), lib.rand(1).item()

    (ours, strides, after), (theirs, expected, expected_after) = run(wengert), run(torch)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert strides == expected and after == expected_after


@pytest.mark.parametrize("batch_first", [False, True])
def test_dropout_behind_attention(batch_first):
    def run(lib):
        lib.manual_seed(1)
        layer = lib.nn.TransformerEncoderLayer(8, 2, 16, 0.3, batch_first=batch_first)
        return np.asarray(layer(lib.randn(3, 4, 8)).tolist())

    np.testing.assert_allclose(run(wengert), run(torch), rtol=1e-4, atol=1e-5)
