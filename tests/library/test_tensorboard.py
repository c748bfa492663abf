"""Event files: read back with a decoder of the wire format of our own."""
import struct

import numpy as np
import pytest
import wengert
from wengert.utils.tensorboard import SummaryWriter, crc32c


def test_checksum():
    assert crc32c(b"123456789") == 0xE3069283 and crc32c(b"") == 0 and crc32c(bytes(32)) == 0x8A9136AA


def message(data):
    """field -> list of values of a Protocol Buffers message; nested ones stay bytes."""
    fields, at = {}, 0

    def varint():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return n

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            value = varint()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or varint()
            value = data[at:at + size]
            at += size
            value = struct.unpack({1: "<d", 5: "<f"}[key & 7], value)[0] if key & 7 != 2 else value
        fields.setdefault(key >> 3, []).append(value)
    return fields


def events(folder):
    """(step, Summary.Value) of the one event file in a folder, after checks of its checksums."""
    file, = [path for path in folder.iterdir() if path.is_file()]
    data, found = file.read_bytes(), []
    while data:
        length, = struct.unpack_from("<Q", data)
        for part, at in ((data[:8], 8), (data[12:12 + length], 12 + length)):
            crc = crc32c(part)
            assert struct.unpack_from("<I", data, at)[0] == ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) % 2**32
        found.append(message(data[12:12 + length]))
        data = data[16 + length:]
    assert found[0][3] == [b"brain.Event:2"] and all(e[1][0] > 1.6e9 for e in found)
    return [(e.get(2, [None])[0], message(message(e[5][0])[1][0])) for e in found[1:]]


def test_scalars_texts_and_histograms(tmp_path):
    with SummaryWriter(tmp_path / "run") as writer:
        writer.add_scalar("loss", 0.5, 0)
        writer.add_scalar("loss", wengert.tensor([0.25], requires_grad=True), wengert.tensor(300))
        writer.add_scalar("loss", np.float32(0.125))
        writer.add_text("note", "| a | naïve |", 1)
        writer.add_histogram("weights", wengert.tensor([[0.0, 1.0], [1.0, 3.0]]), 2, bins=3)
        writer.add_histogram("weights", np.arange(5), 3)
    (s0, v0), (s1, v1), (s2, v2), (s3, v3), (s4, v4), (s5, v5) = events(tmp_path / "run")
    assert (s0, s1, s2, s3, s4) == (0, 300, None, 1, 2) and v0[1] == [b"loss"]
    assert (v0[2], v1[2], v2[2]) == ([0.5], [0.25], [0.125])
    assert v3[1] == [b"note/text_summary"] and message(v3[8][0])[8] == ["| a | naïve |".encode()]
    assert message(message(v3[9][0])[1][0])[1] == [b"text"]
    histogram = message(v4[5][0])
    assert [histogram[i][0] for i in range(1, 6)] == [0.0, 3.0, 4.0, 5.0, 11.0]
    assert struct.unpack("<3d", histogram[6][0]) == (1.0, 2.0, 3.0) and struct.unpack("<3d", histogram[7][0]) == (1.0, 2.0, 1.0)
    assert len(message(v5[5][0])[7][0]) == 8 * 30


def test_several_curves_take_a_folder_each(tmp_path):
    writer = SummaryWriter(str(tmp_path / "run"))
    writer.add_scalars("a/b", {"x": 1.0, "y": 2.0}, 7)
    writer.close()
    for name, value in (("x", 1.0), ("y", 2.0)):
        (step, fields), = events(tmp_path / "run" / f"a_b_{name}")
        assert step == 7 and fields[1] == [b"a/b"] and fields[2] == [value]
    writer.add_scalar("after", -1, -5)
    writer.flush()
    (step, fields), = events(tmp_path / "run")
    assert step == 2**64 - 5 and fields[2] == [-1.0]
    writer.close()


def test_the_folder_names_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    writer = SummaryWriter(comment="-try")
    assert writer.get_logdir().startswith("runs") and writer.log_dir.endswith("-try") and (tmp_path / writer.log_dir).is_dir()
    writer.close()


def test_what_is_not_written_says_so(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        for call in (lambda: writer.add_image("x", np.zeros((3, 2, 2))), lambda: writer.add_hparams({}, {})):
            with pytest.raises(NotImplementedError, match="add_text"):
                call()
        with pytest.raises(NotImplementedError, match="Got <class 'str'>"):
            writer.add_scalar("x", "1")
        with pytest.raises(ValueError, match="no element"):
            writer.add_histogram("x", [])
