"""What programs ask of the current accelerator, whatever its kind: there is none."""


def is_available():
    """False."""
    return False


def current_accelerator(check_available=False):
    """None."""
    return None


def device_count():
    """0."""
    return 0


def _none(*args, **kwargs):
    """Raises RuntimeError: there is no such device."""
    raise RuntimeError("Cannot access accelerator device when none is available.")


current_device_index = set_device_index = current_device_idx = set_device_idx = current_stream = set_stream = synchronize = device_index = _none
empty_cache = memory_stats = memory_allocated = max_memory_allocated = memory_reserved = max_memory_reserved = _none
reset_peak_memory_stats = reset_accumulated_memory_stats = get_memory_info = get_device_capability = _none
