"""torch.cpu: the one device."""

__all__ = ["current_device", "current_stream", "device_count", "is_available", "set_device", "synchronize"]


def is_available():
    """True."""
    return True


def device_count():
    """1."""
    return 1


def current_device():
    """The device's name."""
    return "cpu"


def set_device(device):
    """Nothing to choose."""


def synchronize(device=None):
    """Nothing to wait for: an operation has run when it returns."""


def current_stream(device=None):
    """None: there are no streams."""
