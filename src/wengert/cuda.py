"""What programs ask of CUDA before they use the CPU: there is none."""


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
    """Raises: there is no such device."""
    raise RuntimeError("wengert computes on the CPU only; torch.cuda.is_available() is False")


synchronize = current_device = get_device_name = set_device = _none
