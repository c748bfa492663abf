"""What the build promises: levels, version, what importing costs, what lies beside the package."""
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest
import wengert

LEVELS = ["base", "v2", "v3", "v4"]


def python(code, **environment):
    """Runs code in a fresh interpreter; returns its exit status and what it printed."""
    result = subprocess.run([sys.executable, "-c", code], env=os.environ | environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return result.returncode, result.stdout.strip()


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_taken_or_refused(level):
    status, said = python("from wengert import _core; print(_core.isa_level())", WENGERT_ISA=level)
    if status == 0:
        assert said == level
    else:
        assert said.splitlines()[-1].startswith(f"RuntimeError: WENGERT_ISA={level}: ")
        assert "choose from: " in said


def test_an_unknown_level_is_refused():
    status, said = python("import wengert", WENGERT_ISA="v9")
    assert status == 1
    assert "RuntimeError: WENGERT_ISA=v9: no such level in this build of wengert; choose from: " in said


def test_the_best_level_is_taken():
    here = [level for level in LEVELS if python("import wengert", WENGERT_ISA=level)[0] == 0]
    assert python("from wengert import _core; print(_core.isa_level())", WENGERT_ISA="") == (0, here[-1])


def test_the_version_is_stated_once():
    try:
        installed = importlib.metadata.version("wengert")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("wengert runs from a source tree")
    assert wengert.__version__ == installed


def test_importing_needs_no_numpy():
    assert python("import sys, wengert; print('numpy' in sys.modules)") == (0, "False")


def test_the_package_is_complete():
    package = Path(wengert.__file__).parent
    assert (package / "py.typed").exists()
    assert (package / "_generated" / "table_torch.pyi").exists()
    libraries = [path.name for path in (package / "_libs").iterdir()]
    assert any(name.startswith("libscipy_openblas.") for name in libraries)
    notices = (package / "_libs" / "LICENSE-openblas.txt").read_text()
    for part in ("The OpenBLAS Project", "The University of Tennessee", "GNU GENERAL PUBLIC LICENSE",
                 "GCC RUNTIME LIBRARY EXCEPTION"):
        assert part in notices
