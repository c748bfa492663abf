"""What programs ask of Apple's graphics processors before they use the CPU: there are none.

``torch.backends.mps.is_available()`` is False.
"""


def device_count():
    """0."""
    return 0


def manual_seed(seed):
    """Nothing to seed."""


def _none(*args, **kwargs):
    """Raises RuntimeError: there is no such device."""
    raise RuntimeError("wengert computes on the CPU only; torch.backends.mps.is_available() is False")


synchronize = empty_cache = get_rng_state = set_rng_state = current_allocated_memory = driver_allocated_memory = _none
