"""Files of PyTorch's own torch.save, both kinds: tensors come back, nothing runs."""
import collections
import io
import os
import pickle
import zipfile

import numpy as np
import pytest
import wengert

torch = pytest.importorskip("torch")


def contents():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    grid = torch.arange(12.0).view(3, 4)
    values = {name: torch.tensor([0, 1, 1]).to(getattr(torch, name)) for name in (
        "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")}
    return {
        "model": model.state_dict(), "optimizer": optimizer.state_dict(), "grid": grid, "turned": grid.t(), "row": grid[1], "parts": grid[:, ::2],
        "parameter": torch.nn.Parameter(torch.ones(2)), "leaf": torch.ones(1, requires_grad=True), "empty": torch.zeros(0, 3),
        "number": torch.tensor(2.5), "dtype": torch.float64, "size": torch.Size([1, 2]), "device": torch.device("cpu"), "set": {1, 2},
        "nothing": None, "tuple": (1, 2.5, "x", b"ab"), "counter": collections.Counter("aab"), "complex": 1 + 2j, "big": 10**30,
        "array": np.arange(6.0).reshape(2, 3), "columns": np.asfortranarray(np.arange(6).reshape(2, 3)), "scalar": np.float32(3), "list": [np.ones(2)],
        **values,
    }


def saved(obj, **how):
    buffer = io.BytesIO()
    torch.save(obj, buffer, **how)
    buffer.seek(0)
    return buffer


def same(ours, theirs):
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, wengert.nn.Parameter) == isinstance(theirs, torch.nn.Parameter)
        assert str(ours.dtype) == str(theirs.dtype) and tuple(ours.shape) == tuple(theirs.shape) and ours.stride() == theirs.stride()
        assert ours.tolist() == theirs.tolist() and ours.requires_grad == theirs.requires_grad
    elif isinstance(theirs, dict):
        assert type(ours) is type(theirs) and list(ours) == list(theirs)
        for key in theirs:
            same(ours[key], theirs[key])
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            same(a, b)
    elif isinstance(theirs, (np.ndarray, np.generic)):
        assert type(ours) is type(theirs) and ours.dtype == theirs.dtype and ours.tolist() == theirs.tolist()
    else:
        assert str(ours) == str(theirs)


@pytest.mark.parametrize("as_zip", [True, False])
def test_checkpoints_load(as_zip, tmp_path):
    theirs = contents()
    torch.save(theirs, tmp_path / "x.pth", _use_new_zipfile_serialization=as_zip)
    ours = wengert.load(tmp_path / "x.pth", map_location="cpu", weights_only=True)
    same(ours, theirs)
    assert ours["model"]._metadata == theirs["model"]._metadata
    ours["grid"][1, 0] = 50
    assert ours["row"][0] == 50 and ours["turned"][0, 1] == 50 and ours["parts"][1, 0] == 50
    model = wengert.nn.Sequential(wengert.nn.Linear(3, 4), wengert.nn.BatchNorm1d(4))
    model.load_state_dict(ours["model"])
    optimizer = wengert.optim.Adam(model.parameters())
    optimizer.load_state_dict(ours["optimizer"])
    model(wengert.ones(5, 3)).sum().backward()
    optimizer.step()
    ours["leaf"].sum().backward()


@pytest.mark.parametrize("as_zip", [True, False])
def test_a_single_tensor(as_zip):
    same(wengert.load(saved(x := torch.randn(3), _use_new_zipfile_serialization=as_zip)), x)


def test_whole_modules_and_other_classes_are_refused():
    for weights_only in (True, False):
        with pytest.raises(pickle.UnpicklingError, match=r"GLOBAL torch.nn.modules.linear.Linear.*state_dict"):
            wengert.load(saved(torch.nn.Linear(1, 1)), weights_only=weights_only)
    with pytest.raises(pickle.UnpicklingError, match="complex|Complex"):
        wengert.load(saved(torch.ones(2, dtype=torch.complex64)))


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("as_zip", [True, False])
def test_nothing_runs(as_zip, tmp_path):
    buffer = saved({"x": Bomb(str(tmp_path / "ran"))}, _use_new_zipfile_serialization=as_zip)
    for weights_only in (True, False):
        with pytest.raises(pickle.UnpicklingError, match="GLOBAL .*mkdir"):
            buffer.seek(0)
            wengert.load(buffer, weights_only=weights_only)
    assert not (tmp_path / "ran").exists()


def test_every_truncation_of_a_row_is_refused():
    whole = saved({"x": torch.ones(3), "n": 1}, _use_new_zipfile_serialization=False).getvalue()
    for length in range(len(whole)):
        with pytest.raises((RuntimeError, pickle.UnpicklingError)):
            wengert.load(io.BytesIO(whole[:length]))


def archive(pickled, data=b""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", pickled)
        file.writestr("archive/data/0", data)
    buffer.seek(0)
    return buffer


def reduced(function, args):
    """A pickle, protocol 2, of function(*args) called when it is read."""
    return b"\x80\x02c" + function.encode() + b"\n" + args + b"R."


STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"


@pytest.mark.parametrize("pickled", [
    reduced("torch._utils\n_rebuild_tensor_v2", b"(" + STORAGE + b"K\x00K\x05\x85K\x01\x85\x89Nt"),               # beyond the end
    reduced("torch._utils\n_rebuild_tensor_v2", b"(" + STORAGE + b"K\x04K\x01\x85K\x01\x85\x89Nt"),
    reduced("torch._utils\n_rebuild_tensor_v2", b"(" + STORAGE + b"J\xff\xff\xff\xffK\x01\x85K\x01\x85\x89Nt"),   # before the start
    reduced("torch._utils\n_rebuild_tensor_v2", b"(" + STORAGE + b"K\x03K\x02\x85J\xff\xff\xff\xff\x85\x89Nt"),
    reduced("torch._utils\n_rebuild_tensor_v2", b"(" + STORAGE + b"K\x00K\x02\x85)\x89Nt"),
    reduced("builtins\nbytearray", b"(\x8a\x06\x00\x00\x00\x00\x00\x01t"), reduced("torch\nFloatStorage", b")"), reduced("builtins\neval", b"(X\x01\x00\x00\x001t"),
    b"\x80\x02K\x01)R.", b"\x80\x02K\x01K\x02b.", b"\x80\x02", b"(iposix\ngetpid\n.", b"\x80\x02P0\n.",
])
def test_made_up_pickles_are_refused(pickled):
    with pytest.raises((RuntimeError, pickle.UnpicklingError)):
        wengert.load(archive(pickled, bytes(16)))


def test_the_made_up_pickles_are_wrong_in_one_thing_only():
    right = reduced("torch._utils\n_rebuild_tensor_v2", b"(" + STORAGE + b"K\x00K\x04\x85K\x01\x85\x89Nt")
    assert wengert.load(archive(right, bytes(16))).tolist() == [0.0] * 4
