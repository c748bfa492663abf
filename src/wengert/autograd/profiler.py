"""torch.autograd.profiler: labels are accepted, profiles are not made; see :mod:`wengert.profiler`."""

from ..profiler import profile, record_function

__all__ = ["emit_itt", "emit_nvtx", "profile", "record_function"]


class emit_nvtx:
    """Accepted while it is off.

    Raises:
        NotImplementedError: enabled.
    """

    def __init__(self, enabled=True, record_shapes=False):
        if enabled:
            raise NotImplementedError("wengert emits no marks for profilers: pass enabled=False, or use perf for the compiled part")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None


emit_itt = emit_nvtx
