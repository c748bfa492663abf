"""The compiled engine: tensor handle, tape and sweep, as one extension module."""
from . import _core

globals().update({name: value for name, value in vars(_core).items() if not name.startswith("__")})
