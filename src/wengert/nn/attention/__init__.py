"""The choice of a kernel for scaled_dot_product_attention, of which there is one."""

from enum import IntEnum

__all__ = ["SDPBackend", "WARN_FOR_UNFUSED_KERNELS", "sdpa_kernel"]

WARN_FOR_UNFUSED_KERNELS = False


class SDPBackend(IntEnum):
    """PyTorch's kernels."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


class sdpa_kernel:
    """Accepted, as a context manager and a decorator: the same numbers come out of the one kernel that there is.

    Raises:
        AssertionError: no backend, or no list of them.
    """

    def __init__(self, backends, set_priority=False):
        if not isinstance(backends, (list, SDPBackend)):
            raise AssertionError("Backend must be an instance of SDPBackend or a list of SDPBackend instances, got "
                                 f"{type(backends).__name__}")

    def __enter__(self):
        return {}

    def __exit__(self, *exc):
        return None

    def __call__(self, function):
        return function
