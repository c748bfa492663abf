"""The compiled engine: tensor handle, tape and sweep, as one extension module."""
from ._core import *  # noqa: F403
