"""Anomaly detection: which line of the forward pass made the record whose derivative fails or is nan."""
import warnings

from .. import _core

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class detect_anomaly:
    """While the context is active, records note the lines that made them. When a derivative then raises, or returns nan, these lines
    are given in a warning before the error. It costs time, and holds for the thread that enters it.

    Args:
        check_nan: raise a RuntimeError when a gradient is nan.
    """

    def __init__(self, check_nan=True):
        self.prev = _core.is_anomaly_enabled()
        self.check_nan = check_nan
        self.prev_check_nan = _core.is_anomaly_check_nan_enabled()
        warnings.warn("Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for debugging.",
                      stacklevel=2)

    def __enter__(self):
        _core.set_anomaly_enabled(True, self.check_nan)

    def __exit__(self, *args):
        _core.set_anomaly_enabled(self.prev, self.prev_check_nan)


class set_detect_anomaly:
    """Turns anomaly detection on or off: at once when called as a function, for a block when used with ``with``.

    Args:
        mode: on or off. check_nan: see `detect_anomaly`.
    """

    def __init__(self, mode, check_nan=True):
        self.prev = _core.is_anomaly_enabled()
        self.prev_check_nan = _core.is_anomaly_check_nan_enabled()
        _core.set_anomaly_enabled(mode, check_nan)

    def __enter__(self):
        pass

    def __exit__(self, *args):
        _core.set_anomaly_enabled(self.prev, self.prev_check_nan)
