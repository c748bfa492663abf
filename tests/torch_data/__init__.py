"""PyTorch's own test data (operators, modules, optimizers), run through both libraries.

    python -m torch_data [operators|modules|optimizers] [--jobs 2] [--limit N] [name ...]      # in tests/

lists where they differ. Needs torch, whose wheel contains the data.
"""
import sys
import types
import unittest

try:
    import expecttest  # noqa: F401
except ImportError:                                         # torch's test data imports it for a base class of tests only
    _stub = types.ModuleType("expecttest")
    _stub.TestCase, _stub.assert_expected_inline = unittest.TestCase, None
    sys.modules["expecttest"] = _stub
