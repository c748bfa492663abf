"""mse_loss and its VJP against formulas in float64."""
import itertools

import numpy as np
import pytest

from harness import MODES, Kernels, Number, empty, misaligned, strided

REDUCE = ("reduce.c", "reduce_engine.c", "reduce_load.c", "reduce_plan.c")
UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}


@pytest.fixture(scope="module")
def kernels():
    return Kernels("loss.c", "copy.c", *REDUCE)


def layouts(x):
    yield x
    yield misaligned(x)
    if x.ndim:
        yield strided(x)
        yield x.T.copy().T


@pytest.mark.parametrize("dtype", UNIT)
@pytest.mark.parametrize("reduction", [1, 2])
@pytest.mark.parametrize("mode", MODES)
def test_mse_loss(kernels, dtype, reduction, mode):
    for shape in ((), (1,), (7,), (64, 4), (3, 5, 7), (150, 200)):
        rng = np.random.default_rng(0)
        x, target = (np.asarray(rng.standard_normal(shape)).astype(dtype) for _ in range(2))
        g = np.asarray(1.7, dtype)
        difference = x.astype(np.float64) - target
        count = x.size if reduction == 1 else 1
        for source, other in itertools.product(layouts(x), layouts(target)):
            loss = kernels("mse_loss", empty((), dtype), source, other, attrs=[reduction], mode=mode)
            np.testing.assert_allclose(loss, (difference**2).sum() / count, rtol=20 * UNIT[dtype])
            gx, gt = strided(empty(shape, dtype)) if shape else empty(shape, dtype), empty(shape, dtype)
            kernels("mse_loss_vjp", gx, gt, g, source, other, attrs=[reduction], mode=mode)
            np.testing.assert_allclose(gx, 2 * g.astype(np.float64) * difference / count, rtol=8 * UNIT[dtype], atol=UNIT[dtype] / count)
            np.testing.assert_array_equal(gt, -gx)
    one = empty(shape, dtype)
    for absent in (None, Number(0)):
        np.testing.assert_array_equal(kernels("mse_loss_vjp", one, absent, g, x, target, attrs=[reduction]), gx)


def test_broadcast_and_empty(kernels):
    x, target = np.arange(12.0).reshape(3, 4), np.broadcast_to(np.arange(4.0), (3, 4))
    assert kernels("mse_loss", np.empty(()), x, target, attrs=[2]) == ((x - target) ** 2).sum()
    nothing = np.empty((0, 3))
    assert np.isnan(kernels("mse_loss", np.empty(()), nothing, nothing, attrs=[1]))
    assert kernels("mse_loss", np.empty(()), nothing, nothing, attrs=[2]) == 0
    kernels("mse_loss_vjp", nothing, nothing, np.ones(()), nothing, nothing, attrs=[1])


@pytest.mark.parametrize("dtype", UNIT)
def test_bits_do_not_depend_on_threads_or_memory(kernels, dtype):
    x, target = np.random.default_rng(1).standard_normal((2, 300, 90)).astype(dtype)
    reference = kernels("mse_loss", np.empty((), dtype), x, target, attrs=[1])
    for mode, source in itertools.product(MODES, layouts(x)):
        assert kernels("mse_loss", np.empty((), dtype), source, target, attrs=[1], mode=mode) == reference


def test_exhausted_memory_is_reported(kernels):
    x = strided(np.zeros((300, 100)))
    for after in range(3):
        kernels.fail_scratch(after)
        with pytest.raises(MemoryError):
            kernels("mse_loss", np.empty(()), x, x, attrs=[1])
