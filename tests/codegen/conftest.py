"""Makes the table importable as the build imports it: under a name of its own, without the package around it."""
import importlib.util
import sys
from pathlib import Path

OPS = Path(__file__).resolve().parents[2] / "src" / "wengert" / "_ops"

if "wengert_ops" not in sys.modules:
    spec = importlib.util.spec_from_file_location("wengert_ops", OPS / "__init__.py", submodule_search_locations=[str(OPS)])
    sys.modules["wengert_ops"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["wengert_ops"])
sys.path.insert(0, str(Path(__file__).resolve().parent))
