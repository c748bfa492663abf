"""NumPy, the buffer protocol, DLPack: the same memory on both sides."""
import gc

import numpy as np
import pytest

import wengert

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]


@pytest.mark.parametrize("name", DTYPES)
def test_numpy_shares_memory_both_ways(name):
    array = np.arange(6).astype(name).reshape(2, 3)
    t = wengert.from_numpy(array)
    assert t.dtype is getattr(wengert, name) and t.tolist() == array.tolist()
    t[0, 1] = 0
    assert array[0, 1] == 0
    back = t.numpy()
    assert back.dtype == array.dtype
    back[1, 2] = 0
    assert t[1, 2].item() == 0 and np.shares_memory(back, array)


def test_strided_views_keep_their_strides():
    array = np.arange(24.0).reshape(4, 6)[::2, 1::2]
    t = wengert.from_numpy(array)
    assert t.stride() == (12, 2) and t.tolist() == array.tolist()
    assert wengert.arange(6).reshape(2, 3).t().numpy().strides == (8, 24)


def test_memory_lives_as_long_as_either_side():
    t = wengert.from_numpy(np.arange(1000.0))
    gc.collect()
    assert t.sum().item() == 499500.0
    array = wengert.arange(1000.0).numpy()
    gc.collect()
    assert array.sum() == 499500.0


def test_read_only_memory_refuses_writes():
    array = np.arange(3.0)
    array.flags.writeable = False
    with pytest.warns(UserWarning, match="not writable"):
        t = wengert.from_numpy(array)
    with pytest.raises(RuntimeError, match="read-only"):
        t.add_(1)
    with pytest.raises(RuntimeError, match="read-only"):
        t[0] = 1
    assert array.tolist() == [0.0, 1.0, 2.0]
    assert not t.numpy().flags.writeable


def test_numpy_refuses_gradients_and_bfloat16():
    x = wengert.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="requires grad"):
        x.numpy()
    assert x.detach().numpy().tolist() == [1.0, 1.0] and x.numpy(force=True).tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match="BFloat16"):
        wengert.ones(2, dtype=wengert.bfloat16).numpy()


def test_array_protocol():
    x = wengert.arange(4.0)
    assert np.asarray(x).tolist() == [0, 1, 2, 3] and np.array(x, dtype=np.int32).dtype == np.int32
    assert np.sum(np.asarray(x)) == 6


def test_buffer_protocol():
    x = wengert.arange(6, dtype=wengert.int32).reshape(2, 3)
    view = memoryview(x)
    assert view.shape == (2, 3) and view.format == "i" and view.tolist() == [[0, 1, 2], [3, 4, 5]]
    view[1, 2] = 9
    assert x[1, 2].item() == 9
    assert memoryview(x.t()).strides == (4, 12)
    with pytest.raises(BufferError):
        memoryview(wengert.ones(2, dtype=wengert.bfloat16))


@pytest.mark.parametrize("name", [n for n in DTYPES])
def test_dlpack_to_and_from_numpy(name):
    x = wengert.arange(6).to(getattr(wengert, name)).reshape(2, 3)
    array = np.from_dlpack(x)
    assert array.tolist() == x.tolist()
    y = wengert.from_dlpack(np.arange(4).astype(name))
    assert y.tolist() == np.arange(4).astype(name).tolist()


def test_dlpack_is_versioned_and_writable():
    x = wengert.zeros(3)
    array = np.from_dlpack(x)
    if array.flags.writeable:
        array[0] = 5
        assert x[0].item() == 5
    assert x.__dlpack_device__() == (1, 0)
    with pytest.raises(BufferError):
        wengert.ones(2, requires_grad=True).__dlpack__()
    capsule = x.__dlpack__()
    assert wengert.from_dlpack(capsule).tolist() == x.tolist()
    with pytest.raises(RuntimeError, match="consumed only once"):
        wengert.from_dlpack(capsule)


def test_unconsumed_capsules_do_not_leak():
    from wengert import _core
    before = _core.memory_stats()["live_storages"]
    for _ in range(10):
        wengert.ones(5).__dlpack__()
        wengert.ones(5).__dlpack__(max_version=(1, 0))
    gc.collect()
    assert _core.memory_stats()["live_storages"] == before


def test_dlpack_with_torch():
    torch = pytest.importorskip("torch")
    x = torch.arange(6.0).reshape(2, 3).t()
    y = wengert.from_dlpack(x)
    assert y.tolist() == x.tolist() and y.stride() == x.stride()
    y[0, 0] = 7
    assert x[0, 0].item() == 7
    z = torch.from_dlpack(wengert.arange(3.0))
    assert z.tolist() == [0, 1, 2]


def test_writes_to_imported_memory_are_versioned():
    w = wengert.tensor([2.0, 3.0], requires_grad=True)
    x = wengert.from_numpy(np.ones(2, dtype=np.float32))
    y = w * x
    x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
