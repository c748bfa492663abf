"""torch._C: what libraries ask of PyTorch's compiled core beside its operations."""
from ._core import Generator, dtype  # noqa: F401
from .linalg import LinAlgError as _LinAlgError  # noqa: F401
from .types import Size, device  # noqa: F401

__all__ = []


def _log_api_usage_once(event):
    """Accepted: nothing is logged."""


def _get_tracing_state():
    """None: no program is being traced."""


def _jit_setting(value=False):
    """Accepted: no program is compiled. Returns False, what the setting was."""
    return False


_jit_set_profiling_mode = _jit_set_profiling_executor = _jit_set_texpr_fuser_enabled = _jit_set_nvfuser_enabled = _jit_setting
_jit_override_can_fuse_on_cpu = _jit_override_can_fuse_on_gpu = _jit_can_fuse_on_cpu = _jit_can_fuse_on_gpu = _jit_setting
