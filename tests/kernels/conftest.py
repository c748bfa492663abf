"""Lets the tests of this folder import the harness (pytest runs in importlib mode)."""
import pathlib
import sys

HERE = str(pathlib.Path(__file__).resolve().parent)
if HERE not in sys.path:
    sys.path.append(HERE)
