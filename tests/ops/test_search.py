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


CALLS = ["unique(x)", "unique(x, return_inverse=True, return_counts=True)", "unique(x, return_counts=True)", "unique_consecutive(x)",
         "unique_consecutive(x, return_inverse=True, return_counts=True)", "unique_consecutive(x, return_counts=True)",
         "unique_consecutive(x, return_inverse=True, return_counts=True, dim=0)", "unique_consecutive(x, return_counts=True, dim=-1)"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "uint8", "bool"])
def test_distinct_elements(call, dtype):
    r = np.random.default_rng(2)
    for shape in ((), (0,), (2, 0), (1,), (50,), (12, 3), (2, 3, 4)):
        x = r.integers(0, 3, shape)
        for view in (lambda t: t, lambda t: t.transpose(0, -1) if t.dim() else t):
            results = []
            for lib in (wengert, torch):
                given = view(lib.from_numpy(np.array(x)).to(getattr(lib, dtype)))
                try:
                    found = eval(call, {"x": given, "unique": lib.unique, "unique_consecutive": lib.unique_consecutive})
                except (RuntimeError, IndexError) as e:
                    found = f"{type(e).__name__}: {e}"
                results.append([(tuple(t.shape), str(t.dtype).split(".")[1], t.tolist()) for t in (found if isinstance(found, tuple) else (found,))]
                               if not isinstance(found, str) else found)
            assert results[0] == results[1], (shape, call)


def test_distinct_nans_and_zeros():
    for values in ([np.nan, 1.0, np.nan, 0.0, -0.0, 2.0], [np.nan, np.nan, 1, 1, -0.0, 0.0, 2]):
        for name in ("unique", "unique_consecutive"):
            ours, theirs = (getattr(lib, name)(lib.tensor(values), return_inverse=True, return_counts=True) for lib in (wengert, torch))
            for a, b in zip(ours, theirs):
                np.testing.assert_array_equal(a.numpy(), b.numpy())


COUNTED = ["bincount(i)", "bincount(i, minlength=9)", "bincount(i, w)", "bincount(i, w.half())", "bincount(i, i)", "bincount(i[::2], w[::2], 3)",
           "bincount(i, w[1:])", "bincount(i, minlength=-1)", "bincount(w)", "bincount(i > 0)", "bincount(-i)", "bincount(i.reshape(4, 5))",
           "bincount(i[:0])", "bincount(i[:0], w[:0], 4)", "bincount(i.to(uint8))", "histc(w)", "histc(w, 7)", "histc(w.double(), 5, -1, 1)",
           "histc(w.half(), 5, -1, 1)", "histc(w[::3], 4)", "histc(w.reshape(4, 5).t(), 4)", "histc(w, 4, 2, 1)", "histc(w, 0)", "histc(i)",
           "histc(w / 0, 3)", "histc(w, 3, 0, inf)", "histc(w[:0], 3)", "histc(w[0], 3)", "histc(w * 0, 3)"]


@pytest.mark.parametrize("call", COUNTED)
def test_counts(call):
    r = np.random.default_rng(3)
    i, w = r.integers(0, 6, 20), r.integers(-4, 5, 20).astype("float32") / 2 + 0.25
    results = []
    for lib in (wengert, torch):
        names = {"i": lib.from_numpy(i), "w": lib.from_numpy(w), "bincount": lib.bincount, "histc": lib.histc, "uint8": lib.uint8, "inf": lib.inf}
        try:
            found = eval(call, names)
            results.append((str(found.dtype).split(".")[1], found.tolist()))
        except (RuntimeError, NotImplementedError) as e:
            results.append((type(e).__name__, str(e).replace("-nan", "nan")))
    assert results[0] == results[1]


def test_counted_weights_have_a_gradient():
    w = wengert.tensor([1.0, 2, 3], requires_grad=True)
    (wengert.bincount(wengert.tensor([2, 0, 2]), w) * wengert.tensor([1.0, 10, 100])).sum().backward()
    assert w.grad.tolist() == [100, 1, 100]
