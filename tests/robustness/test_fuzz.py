"""A short run of fuzz.py, in a process of its own: a crash or an endless loop is reported with the call that did it."""
import os
import pathlib
import subprocess
import sys

import pytest

import wengert

FUZZ = pathlib.Path(__file__).with_name("fuzz.py")
SECONDS = 400                                             # far more than it takes: only what never ends is stopped


@pytest.mark.parametrize("seed", range(4))
def test_hostile_calls_return_or_raise(seed, tmp_path):
    pytest.importorskip("numpy")
    log = tmp_path / "calls"
    env = dict(os.environ, PYTHONPATH=os.pathsep.join([str(pathlib.Path(wengert.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]))
    try:
        run = subprocess.run([sys.executable, "-X", "faulthandler", str(FUZZ), str(seed), "1200", str(log)], env=env, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        pytest.fail(f"seed {seed}: this call has not returned: {log.read_text().splitlines()[-1]}")
    if run.returncode:
        pytest.fail(f"seed {seed}, exit code {run.returncode}, last call: {log.read_text().splitlines()[-1]}\n{run.stdout[-3000:]}\n{run.stderr[-3000:]}")
