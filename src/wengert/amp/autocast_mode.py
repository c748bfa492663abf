"""autocast, which has nothing to cast to."""
import functools
import warnings

from .. import float32
from ..types import device as _device

__all__ = ["autocast", "custom_fwd", "custom_bwd", "is_autocast_available"]


class autocast:
    """A context manager and decorator that leaves computations in the dtype of their tensors.

    Args:
        device_type: "cuda" and other absent devices warn and are off, as they are in PyTorch without such a device.
        dtype: what PyTorch would compute in; bfloat16 by default on the CPU.
        enabled: False switches off.

    Raises:
        NotImplementedError: for the CPU, enabled, and in another dtype than float32.
        RuntimeError: no such kind of device.
    """

    def __init__(self, device_type, dtype=None, enabled=True, cache_enabled=None):
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device, self.fast_dtype, self._enabled = device_type, dtype, False
        if device_type != "cpu":
            if device_type not in ("cuda", "mps", "xpu", "hpu", "mtia", "maia", "ipu", "xla"):
                _device(device_type)
            if enabled:
                warnings.warn(f"{device_type.upper() if device_type != 'mps' else 'MPS'} is not available. Disabling autocast.", stacklevel=2)
        elif enabled and dtype is not float32:
            raise NotImplementedError("autocast on the CPU casts to bfloat16 or float16, in which wengert does not compute: pass "
                                      "enabled=False (or dtype=torch.float32), results are then float32's")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None

    def __call__(self, func):
        @functools.wraps(func)
        def wrapped(*args, **kwargs):
            return func(*args, **kwargs)
        return wrapped


def is_autocast_available(device_type):
    """False."""
    return False


def custom_fwd(fwd=None, *, device_type=None, cast_inputs=None):
    """The forward of a Function unchanged; without one, a decorator."""
    return (lambda fwd: fwd) if fwd is None else fwd


def custom_bwd(bwd=None, *, device_type=None):
    """The backward of a Function unchanged; without one, a decorator."""
    return (lambda bwd: bwd) if bwd is None else bwd
