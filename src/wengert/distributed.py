"""torch.distributed: not available, as it tells those who ask."""

__all__ = ["is_available", "is_initialized", "is_torchelastic_launched"]


def is_available():
    """False."""
    return False


is_initialized = is_torchelastic_launched = is_available


def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(f"module 'wengert.distributed' has no attribute '{name}'")
    raise AttributeError(f"wengert has no torch.distributed.{name}: torch.distributed.is_available() is False. Average gradients between "
                         "processes with mpi4py (p.grad.numpy() shares memory)")
