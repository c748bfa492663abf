"""Settings of PyTorch's runtime that programs make, and that change nothing here: they are checked and remembered.

Results are deterministic and float32 products are full precision whatever is set.
"""
import warnings

__all__ = ["use_deterministic_algorithms", "are_deterministic_algorithms_enabled", "is_deterministic_algorithms_warn_only_enabled",
           "set_deterministic_debug_mode", "get_deterministic_debug_mode", "get_float32_matmul_precision", "set_float32_matmul_precision",
           "set_num_interop_threads", "get_num_interop_threads", "set_flush_denormal", "set_warn_always", "is_warn_always_enabled",
           "is_autocast_enabled", "is_autocast_cpu_enabled", "is_autocast_cache_enabled", "clear_autocast_cache",
           "get_default_device", "get_device_module", "compiled_with_cxx11_abi", "is_vulkan_available", "is_distributed"]

_state = {"deterministic": 0, "precision": "highest", "interop": 1, "warn_always": False}
_DEBUG_MODES = ("default", "warn", "error")


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Remembers the setting: everything is deterministic.

    Raises:
        TypeError: ``mode`` is no bool.
    """
    if not isinstance(mode, bool):
        raise TypeError(f"use_deterministic_algorithms(): argument 'mode' must be bool, not {type(mode).__name__}")
    _state["deterministic"] = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled():
    """What was set."""
    return _state["deterministic"] > 0


def is_deterministic_algorithms_warn_only_enabled():
    """What was set."""
    return _state["deterministic"] == 1


def set_deterministic_debug_mode(debug_mode):
    """Remembers the setting: 0 to 2, or "default", "warn", "error".

    Raises:
        RuntimeError: another mode.
        TypeError: neither a string nor an int.
    """
    if not isinstance(debug_mode, (str, int)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    mode = _DEBUG_MODES.index(debug_mode) if debug_mode in _DEBUG_MODES else debug_mode
    if mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, 2 or `default`, `warn`, `error`, but got {debug_mode}")
    _state["deterministic"] = mode


def get_deterministic_debug_mode():
    """What was set, as a number."""
    return _state["deterministic"]


def get_float32_matmul_precision():
    """What was set."""
    return _state["precision"]


def set_float32_matmul_precision(precision):
    """Remembers "highest", "high" or "medium", and warns about anything else; products are always "highest"."""
    if precision not in ("highest", "high", "medium"):
        warnings.warn(f"{precision} is not one of 'highest', 'high', or 'medium'; the current setFloat32MatmulPrecision call has no effect.",
                      stacklevel=2)
    else:
        _state["precision"] = precision


def set_num_interop_threads(num):
    """Remembers the number; operations run one after the other.

    Raises:
        RuntimeError: a number below 1.
    """
    if num <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    _state["interop"] = num


def get_num_interop_threads():
    """What was set."""
    return _state["interop"]


def set_flush_denormal(mode):
    """False: denormal numbers are always kept."""
    return False


def set_warn_always(b):
    """Remembers the setting."""
    _state["warn_always"] = bool(b)


def is_warn_always_enabled():
    """What was set."""
    return _state["warn_always"]


def _never(*args):
    """False."""
    return False


is_autocast_enabled = is_autocast_cpu_enabled = is_autocast_cache_enabled = _never
is_vulkan_available = is_distributed = compiled_with_cxx11_abi = _never


def clear_autocast_cache():
    """Nothing to clear."""


def get_default_device():
    """The CPU."""
    from .types import CPU
    return CPU


def get_device_module(device=None):
    """Raises: the CPU has no module of its own here."""
    raise RuntimeError("wengert computes on the CPU only, which has no module of its own")
