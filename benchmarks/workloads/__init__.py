"""Training steps, each one function of the library's module: wengert and torch run the very same code.

`make(lib)` builds data and model and returns `step`; a call of `step` does one training step and returns the loss.
All random numbers come from NumPy with fixed seeds, so that jax (jax_workloads.py) starts from the same values.
"""
from .registry import WORKLOADS
from . import tiny, mlp, recurrent, convolution, transformer, large, more, small  # noqa: F401

__all__ = ["WORKLOADS"]
