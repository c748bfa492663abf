"""save and load: what goes in comes out, files are safetensors files, damaged files are refused, no code runs."""
import io
import json
import os
import pickle
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import wengert

DTYPES = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]


def roundtrip(obj):
    buffer = io.BytesIO()
    wengert.save(obj, buffer)
    buffer.seek(0)
    return wengert.load(buffer)


def same(a, b):
    assert type(a) is type(b)
    if isinstance(a, wengert.Tensor):
        assert a.dtype == b.dtype and a.shape == b.shape and a.requires_grad == b.requires_grad
        assert a.tolist() == b.tolist()
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            same(x, y)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    else:
        assert a == b


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (2, 0, 3), (1, 1, 5)])
def test_tensors(dtype, shape):
    count = int(np.prod(shape))
    x = wengert.arange(count).reshape(shape).to(getattr(wengert, dtype))
    same(x, roundtrip(x))


def test_strided_tensors():
    x = wengert.arange(24.0).reshape(2, 3, 4)
    for view in (x.transpose(0, 2), x[:, 1], x[1, :, ::2], x[:1].expand(5, 3, 4)):
        same(view, roundtrip(view))


def test_structure():
    same(obj := {
        "none": None, "flag": True, "count": 3, "big": 10**30, "rate": 0.1, "text": "naïve \n \0", "inf": float("inf"),
        "list": [1, [2, (3, "x")], ()], "set": {1, 2}, "frozen": frozenset("ab"), "bytes": b"\0\xff", "complex": 1 - 2j,
        "dtype": wengert.float64, "size": wengert.Size([2, 3]), "array": np.arange(6.0).reshape(2, 3),
        "scalar": np.float32(2.5), 7: "seven", (1, "a"): "tuple key", None: "none key", "$tag": {"$list": 1},
        "tensor": wengert.ones(2), "empty": {}, "zero-d": np.array(1), "strided": np.arange(6)[::-2],
    }, roundtrip(obj))


def test_ordered_dictionaries_stay_ordered():
    same(obj := OrderedDict([("b", wengert.ones(1)), ("a", wengert.zeros(1))]), roundtrip(obj))


def test_training_state():
    model = wengert.nn.Sequential(wengert.nn.Linear(3, 4), wengert.nn.Tanh(), wengert.nn.Linear(4, 1))
    optimizer = wengert.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        model(wengert.ones(2, 3)).sum().backward()
        optimizer.step()
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
    loaded = roundtrip(state)
    for name, value in model.state_dict().items():
        assert loaded["model"][name].tolist() == value.tolist()
    other = wengert.nn.Sequential(wengert.nn.Linear(3, 4), wengert.nn.Tanh(), wengert.nn.Linear(4, 1))
    other.load_state_dict(loaded["model"])
    again = wengert.optim.Adam(other.parameters(), lr=0.5)
    again.load_state_dict(loaded["optimizer"])
    for trained, steps in ((model, optimizer), (other, again)):
        steps.zero_grad()
        trained(wengert.ones(2, 3)).sum().backward()
        steps.step()
    for name, value in model.state_dict().items():
        assert other.state_dict()[name].tolist() == value.tolist()


def test_gradients_and_parameters():
    leaf = wengert.ones(2, requires_grad=True)
    same(leaf, roundtrip(leaf))
    loaded = roundtrip([wengert.nn.Parameter(wengert.ones(2)),
                        wengert.nn.Parameter(wengert.ones(2), requires_grad=False)])
    assert all(isinstance(p, wengert.nn.Parameter) for p in loaded)
    assert [p.requires_grad for p in loaded] == [True, False]
    assert (leaf * 2).requires_grad and roundtrip(leaf * 2).tolist() == [2.0, 2.0]


def test_one_tensor_in_two_places_stays_one():
    x = wengert.ones(2)
    loaded = roundtrip({"encoder": x, "decoder": [x], "other": wengert.ones(2)})
    assert loaded["encoder"] is loaded["decoder"][0]
    assert loaded["other"] is not loaded["encoder"]
    loaded["encoder"].add_(1)
    assert loaded["other"].tolist() == [1.0, 1.0]


def test_names_that_collide():
    same(obj := {"a.b": wengert.ones(1), "a": {"b": wengert.zeros(1)}, "__metadata__": wengert.ones(2),
                 "": wengert.ones(3)}, roundtrip(obj))


def test_loaded_tensors_can_be_written():
    x = roundtrip(wengert.ones(3))
    x += 1
    assert x.tolist() == [2.0, 2.0, 2.0]


# ---- the format ------------------------------------------------------------------------------------------------------

def test_the_safetensors_library_reads_our_files(tmp_path):
    numpy_files = pytest.importorskip("safetensors.numpy")
    state = {f"x.{name}": wengert.arange(5).to(getattr(wengert, name)) for name in DTYPES if name != "bfloat16"}
    wengert.save(state, tmp_path / "model.safetensors")
    read = numpy_files.load_file(tmp_path / "model.safetensors")
    assert set(read) == set(state)
    for name, value in state.items():
        assert read[name].dtype.name == name[2:]
        np.testing.assert_array_equal(read[name], value.numpy())


def test_we_read_the_safetensors_librarys_files(tmp_path):
    numpy_files = pytest.importorskip("safetensors.numpy")
    arrays = {name: np.arange(6).reshape(2, 3).astype(name) for name in DTYPES if name != "bfloat16"}
    numpy_files.save_file(arrays, tmp_path / "model.safetensors", metadata={"about": "a test"})
    read = wengert.load(tmp_path / "model.safetensors")
    assert set(read) == set(arrays)
    for name, value in arrays.items():
        np.testing.assert_array_equal(read[name].numpy(), value)


def make(entries, data, metadata=None):
    header = dict(entries)
    if metadata is not None:
        header["__metadata__"] = metadata
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return io.BytesIO(len(text).to_bytes(8, "little") + text + data)


def entry(dtype="F32", shape=(2,), span=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(span)}


def test_a_file_made_by_hand():
    assert wengert.load(make({"x": entry()}, np.float32([1, 2]).tobytes()))["x"].tolist() == [1.0, 2.0]


def test_bools_are_zero_or_one():
    x = wengert.load(make({"x": entry("BOOL", (3,), (0, 3))}, b"\0\x02\xff"))["x"]
    assert x.tolist() == [False, True, True] and x.sum().item() == 2


@pytest.mark.parametrize("entries, data", [
    ({"x": entry()}, b"\0" * 7),                                                # ends early
    ({"x": entry()}, b"\0" * 9),                                                # goes on
    ({"x": entry(span=(0, 4))}, b"\0" * 8),                                     # size and shape differ
    ({"x": entry(span=(4, 12))}, b"\0" * 12),                                   # a hole
    ({"x": entry(), "y": entry()}, b"\0" * 8),                                  # overlap
    ({"x": entry(shape=(-2,))}, b"\0" * 8),
    ({"x": entry(shape=(2.0,))}, b"\0" * 8),
    ({"x": entry(shape=(1 << 62, 1 << 62), span=(0, 1 << 126))}, b"\0" * 8),    # larger than memory
    ({"x": entry(dtype="F8_E5M2", span=(0, 2))}, b"\0" * 2),
    ({"x": {"dtype": "F32"}}, b""),
    ({"x": 3}, b""),
])
def test_damaged_files_are_refused(entries, data):
    with pytest.raises(RuntimeError, match="damaged"):
        wengert.load(make(entries, data))


@pytest.mark.parametrize("structure", [
    '{"$tensor": "y"}', '{"$tensor": ["x"]}', '{"$import": "os"}', '{"$decode": 1}', '{"$parameter": "x"}', "[",
    '{"$dtype": "Tensor"}', '{"$dtype": "__class__"}', '{"$tensor": "x", "device": 1}', '{"$dict": [[1]]}',
    '{"$bytes": "xyz"}', "[" * 100000 + "]" * 100000])
def test_damaged_structures_are_refused(structure):
    with pytest.raises(RuntimeError, match="damaged"):
        wengert.load(make({"x": entry()}, b"\0" * 8, {"wengert": structure}))


@pytest.mark.parametrize("data", [b"", b"abc", b"\xff" * 64, (100).to_bytes(8, "little") + b"{}"])
def test_other_files_are_refused(data):
    with pytest.raises(RuntimeError, match="safetensors"):
        wengert.load(io.BytesIO(data))


def test_every_truncation_is_refused():
    buffer = io.BytesIO()
    wengert.save({"x": wengert.ones(3), "n": 1}, buffer)
    whole = buffer.getvalue()
    for length in range(len(whole)):
        with pytest.raises(RuntimeError):
            wengert.load(io.BytesIO(whole[:length]))


def test_pickles_are_refused_and_not_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    for weights_only in (True, False):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):         # earlier ones look like no file of ours at all
            with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
                wengert.load(io.BytesIO(pickle.dumps(Bomb(), protocol)), weights_only=weights_only)
    assert not (tmp_path / "ran").exists()


# ---- refusals and files ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("obj, message", [
    ({"f": lambda: 0}, "'f'"), ({object(): 1}, "key"), (defaultdict(lambda: 0), "defaultdict"), (np.array(["x"]), "dtype"),
    (iter([1]), "list_iterator")])
def test_what_cannot_be_saved(obj, message, tmp_path):
    with pytest.raises(TypeError, match=message):
        wengert.save(obj, tmp_path / "x.pt")
    assert list(tmp_path.iterdir()) == []


def test_a_container_in_itself():
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError, match="contains itself"):
        wengert.save(loop, io.BytesIO())
    twice = [1]
    same(obj := [twice, twice], roundtrip(obj))


@pytest.mark.parametrize("location, fails", [("cpu", False), (wengert.device("cpu"), False), (None, False),
                                             (lambda storage, place: storage, False), ({"cuda:0": "cpu"}, False),
                                             ("cuda", True), ("cuda:1", True), ("mps", True)])
def test_map_location(location, fails, tmp_path):
    wengert.save(wengert.ones(1), tmp_path / "x.pt")
    if fails:
        with pytest.raises(RuntimeError, match="map_location"):
            wengert.load(tmp_path / "x.pt", map_location=location)
    else:
        assert wengert.load(str(tmp_path / "x.pt"), map_location=location, weights_only=True).tolist() == [1.0]


def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.pt"
    wengert.save(wengert.ones(1), path)

    def interrupt(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        wengert.save(wengert.zeros(1000), path)
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == ["x.pt"]
    assert wengert.load(path).tolist() == [1.0]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links as on POSIX")
def test_permissions_and_links(tmp_path):
    mask = os.umask(0o022)
    try:
        wengert.save(wengert.ones(1), tmp_path / "x.pt")
    finally:
        os.umask(mask)
    assert (tmp_path / "x.pt").stat().st_mode & 0o777 == 0o644
    (tmp_path / "link.pt").symlink_to(tmp_path / "x.pt")
    wengert.save(wengert.zeros(1), tmp_path / "link.pt")
    assert (tmp_path / "link.pt").is_symlink()
    assert wengert.load(tmp_path / "x.pt").tolist() == [0.0]
    wengert.save(wengert.ones(1), os.devnull)
    assert not os.path.isfile(os.devnull)


@pytest.mark.parametrize("dtype", ["float32", "bool", "bfloat16", "int64"])
def test_pickles_of_tensors(dtype):
    """Of every protocol; the memory may lie beside the pickle, and is then shared if it is a tensor's."""
    t = wengert.arange(12).remainder(2).view(3, 4).to(getattr(wengert, dtype)).t()
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        u = pickle.loads(pickle.dumps(t, protocol))
        assert (u.dtype, u.shape, u.tolist()) == (t.dtype, t.shape, t.tolist())
        assert pickle.loads(pickle.dumps(t[:0], protocol)).shape == (0, 3)
    parts = []
    text = pickle.dumps(t, 5, buffer_callback=parts.append)
    for made in (lambda p: p, bytes, bytearray, memoryview):
        u = pickle.loads(text, buffers=[made(p) for p in parts])
        assert (u.dtype, u.shape, u.tolist()) == (t.dtype, t.shape, t.tolist())
        u.zero_()
        assert t.any()
    memory = wengert.frombuffer(bytearray(parts[0]), dtype=wengert.uint8)
    pickle.loads(text, buffers=[memory]).zero_()
    assert not memory.any()
