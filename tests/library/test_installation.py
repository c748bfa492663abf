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


def test_type_checkers_see_every_layer():
    """The stub of wengert.nn names the files of the layers; the module makes its list when it runs."""
    import importlib
    import re
    stub = (Path(wengert.__file__).parent / "nn" / "__init__.pyi").read_text()
    seen = {name for part in re.findall(r"from \.modules\.(\w+) import \*", stub) for name in importlib.import_module("wengert.nn.modules." + part).__all__}
    assert seen | {"Module"} >= set(wengert.nn.modules.__all__)


def test_a_type_checker_knows_tensors_and_layers(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "a.py").write_text("import wengert as torch\nreveal_type((torch.ones(3), torch.tensor(1), torch.nn.Linear(1, 1)))\n"
                                   "with torch.no_grad():\n    reveal_type(torch.optim.Adam([]))\n")
    place = str(Path(wengert.__file__).parent.parent)            # mypy refuses the folder of installed packages there, and knows it
    run = subprocess.run([sys.executable, "-m", "mypy", "--follow-imports=silent", "a.py"], capture_output=True, text=True, cwd=tmp_path,
                         env={**os.environ, "MYPYPATH": "" if "site-packages" in place else place})
    assert '"tuple[wengert._core.Tensor, wengert._core.Tensor, wengert.nn.modules.linear.Linear]"' in run.stdout, run.stdout + run.stderr
    assert '"wengert.optim.adam.Adam"' in run.stdout
