"""Gradients of convolutions by themselves."""
import importlib

import numpy as np
import pytest
from like_torch import assert_same, torch

import wengert

SIZES, KERNELS = (7, 8, 6), (3, 2, 3)


def gradients(library, n, groups=2, stride=2, padding=1):
    module = importlib.import_module(f"{library.__name__}.nn.grad")
    rng = np.random.default_rng(0)
    x, w = (library.from_numpy(rng.standard_normal(shape)) for shape in ((2, 4, *SIZES[:n]), (6, 4 // groups, *KERNELS[:n])))
    g = library.ones_like(getattr(library.nn.functional, f"conv{n}d")(x, w, stride=stride, padding=padding, groups=groups))
    options = {"stride": stride, "padding": padding, "groups": groups}
    return (getattr(module, f"conv{n}d_input")(x.shape, w, g, **options), getattr(module, f"conv{n}d_weight")(x, w.shape, g, **options))


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("options", [{}, {"groups": 1, "stride": 1, "padding": 0}])
def test_like_torch(n, options):
    assert_same(gradients(wengert, n, **options), gradients(torch, n, **options))


def test_shapes_that_do_not_belong_together():
    from wengert.nn import grad
    with pytest.raises(RuntimeError, match=r"\(1, 1, 3, 3\)"):
        grad.conv2d_input((1, 1, 5, 5), wengert.ones(1, 1, 3, 3), wengert.ones(1, 1, 4, 3))
    with pytest.raises(RuntimeError, match=r"\(1, 1, 3, 3\)"):
        grad.conv2d_weight(wengert.ones(1, 1, 5, 5), (1, 1, 3, 3), wengert.ones(1, 1, 5, 5))
