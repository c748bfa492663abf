"""What programs ask of Intel's graphics processors before they use the CPU: there are none."""


def is_available():
    """False."""
    return False


def device_count():
    """0."""
    return 0


def manual_seed(seed):
    """Nothing to seed."""


manual_seed_all = manual_seed


def empty_cache():
    """Nothing to empty."""


def is_initialized():
    """False."""
    return False


def _none(*args, **kwargs):
    """Raises RuntimeError: there is no such device."""
    raise RuntimeError("wengert computes on the CPU only; torch.xpu.is_available() is False")


synchronize = current_device = set_device = get_device_name = get_device_properties = _none
