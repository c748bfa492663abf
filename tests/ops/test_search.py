"""searchsorted, bucketize and isin, against torch."""
import numpy as np
import pytest

import wengert

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def data(m, dtype, seed=0):
    r = np.random.default_rng(seed)
    s = np.sort((r.standard_normal(m) * 20).astype(dtype))
    v = np.concatenate([(r.standard_normal(50) * 20).astype(dtype), s])
    if dtype.startswith("f"):
        v = np.concatenate([v, np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], dtype)])
    return s, v


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32"])
@pytest.mark.parametrize("m", [0, 1, 2, 3, 7, 64, 100])
def test_one_sequence(dtype, m):
    s, v = data(m, dtype)
    for right in (False, True):
        found, expected = (lib.searchsorted(lib.from_numpy(s), lib.from_numpy(v), right=right) for lib in (wengert, torch))
        assert found.tolist() == expected.tolist()
        found, expected = (lib.bucketize(lib.from_numpy(v), lib.from_numpy(s), right=right, out_int32=True) for lib in (wengert, torch))
        assert found.tolist() == expected.tolist() and found.dtype is wengert.int32
    found, expected = (lib.isin(lib.from_numpy(v), lib.from_numpy(s)) for lib in (wengert, torch))
    assert found.tolist() == expected.tolist()


def test_many_sequences_and_strides():
    r = np.random.default_rng(1)
    s, v = np.sort(r.standard_normal((3, 4, 9)), -1), r.standard_normal((3, 4, 5))
    expected = torch.searchsorted(torch.from_numpy(s), torch.from_numpy(v))
    ours = wengert.from_numpy(s), wengert.from_numpy(v)
    assert wengert.searchsorted(*ours).tolist() == expected.tolist()
    strided = ours[1].transpose(0, 1).contiguous().transpose(0, 1)
    assert wengert.searchsorted(ours[0], strided).tolist() == expected.tolist()
    expected = torch.searchsorted(torch.from_numpy(s)[..., ::2].contiguous(), torch.from_numpy(v))
    assert wengert.searchsorted(ours[0][..., ::2], ours[1]).tolist() == expected.tolist()
    with pytest.raises(RuntimeError, match="first N-1 dimensions"):
        wengert.searchsorted(ours[0][:2], ours[1])


def test_a_number_and_recorded_operands():
    assert wengert.searchsorted(wengert.tensor([1, 2, 3]), 2).item() == 1
    x = wengert.tensor([0.5, 2.5], requires_grad=True)
    assert wengert.searchsorted(wengert.tensor([1.0, 2.0, 3.0]), x).tolist() == [0, 2]


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_isin_of_many(dtype, invert):
    s, v = data(3000, dtype)
    s = np.random.default_rng(2).permutation(np.concatenate([s, v[-5:]]))
    found, expected = (lib.isin(lib.from_numpy(v.reshape(5, -1)), lib.from_numpy(s), invert=invert) for lib in (wengert, torch))
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(2, 5, 4, 4), (3, 7, 64), (2, 40, 13, 11), (1, 3, 16), (2, 4, 3, 3, 3), (2, 5, 65)])
def test_cross_entropy_of_maps(dtype, shape):
    """Classes that are not the last dimension in memory, with and without weights; ignored targets get exact zeros."""
    r = np.random.default_rng(3)
    x, t = r.standard_normal(shape).astype(dtype) * 3, r.integers(0, shape[1], (shape[0],) + shape[2:])
    t.flat[::5] = -100
    x[0, :].flat[0] = np.nan                                 # the first target is ignored
    weights = r.random(shape[1]).astype(dtype)
    for reduction in ("mean", "sum", "none"):
        for weight in (None, weights):
            results = []
            for lib in (wengert, torch):
                leaf = lib.from_numpy(x.copy()).requires_grad_()
                y = lib.nn.functional.cross_entropy(leaf, lib.from_numpy(t), weight=None if weight is None else lib.from_numpy(weight), reduction=reduction)
                (y * y).sum().backward()
                results.append((y.detach().numpy(), leaf.grad.numpy()))
            tolerance = 2e-6 if dtype == "float32" else 1e-13
            for a, b in zip(*results):
                keep = np.isfinite(b)
                np.testing.assert_allclose(a[keep], b[keep], rtol=10 * tolerance, atol=tolerance)
            assert results[0][1].ravel()[0] == 0


def test_cross_entropy_of_maps_at_any_number_of_threads():
    x, t = wengert.randn(8, 30, 40, 40), wengert.randint(0, 30, (8, 40, 40))
    threads, found = wengert.get_num_threads(), []
    try:
        for n in (1, 2):
            wengert.set_num_threads(n)
            leaf = x.clone().requires_grad_()
            loss = wengert.nn.functional.cross_entropy(leaf, t)
            loss.backward()
            found.append((loss.detach(), leaf.grad))
    finally:
        wengert.set_num_threads(threads)
    assert all(wengert.equal(a, b) for a, b in zip(*found))
