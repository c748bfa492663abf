"""The examples do what they say: on real data, and when they are interrupted."""
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import wengert

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def start(tmp_path):
    for module in ("sklearn", "matplotlib", "tqdm"):
        pytest.importorskip(module)
    package = str(Path(wengert.__file__).parents[1])                       # the one that is tested
    environment = os.environ | {"MPLCONFIGDIR": str(tmp_path / "matplotlib"), "PYTHONUNBUFFERED": "1",
                                "PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])}
    running = []

    def run(name, *arguments):
        # A suite started in the background inherits "ignore" for Ctrl-C, and hands it on.
        process = subprocess.Popen([sys.executable, str(EXAMPLES / name), *arguments], cwd=tmp_path, env=environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def finish(process):
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return said


def is_picture(path):
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_digits(start, tmp_path):
    said = finish(start("digits.py"))
    right, total = map(int, re.search(r"(\d+) of (\d+) test digits right", said).groups())
    assert total == 450 and right / total >= 0.97
    assert "loss=" in said and "accuracy=" in said                          # the progress bar
    assert is_picture(tmp_path / "digits.png")
    saved = wengert.load(tmp_path / "digits.safetensors")
    assert saved["history"]["epoch"] == 12
    assert saved["history"]["loss"][-1] < saved["history"]["loss"][0]

    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open(str(tmp_path / "digits.safetensors"), "np") as file:
        assert file.get_tensor("model.0.weight").shape == (256, 64)


def test_digits_interrupted_and_resumed(start, tmp_path):
    process = start("digits.py", "--epochs", "1000000")
    shown = ""
    while "epoch=2" not in shown:
        part = process.stdout.read(64)
        assert part, shown
        shown += part
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    said = finish(process)
    assert "stopped after" in said
    epoch = wengert.load(tmp_path / "digits.safetensors")["history"]["epoch"]
    assert epoch >= 1
    said = finish(start("digits.py", "--epochs", str(epoch + 1), "--resume", "digits.safetensors"))
    assert f"trained after {epoch + 1} epochs" in said
    assert wengert.load(tmp_path / "digits.safetensors")["history"]["epoch"] == epoch + 1


def test_thermometer(start, tmp_path):
    said = finish(start("thermometer.py"))
    assert "tensor([  5.3671, -17.3012], requires_grad=True)" in said
    assert is_picture(tmp_path / "thermometer.png")
