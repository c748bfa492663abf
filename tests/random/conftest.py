"""Lets the tests of this folder import their helper and the kernel harness (pytest runs in importlib mode)."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent

for folder in (HERE, HERE.parent / "kernels"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
