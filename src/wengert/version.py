"""What this is a version of, in the places where PyTorch tells."""
from ._version import __version__  # noqa: F401

cuda = hip = rocm = xpu = git_version = None
debug = False

#: the PyTorch whose interface this is
torch_version = "2.13.0"
