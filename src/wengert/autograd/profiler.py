"""torch.autograd.profiler: see :mod:`wengert.profiler`."""

from .. import profiler as _profiler
from ..profiler import record_function

__all__ = ["emit_itt", "emit_nvtx", "profile", "record_function"]


class profile(_profiler.profile):
    """`profiler.profile` with the older options: ``enabled``, ``use_cuda`` and the like first."""

    def __init__(self, enabled=True, *, use_cuda=False, use_device=None, record_shapes=False, with_flops=False, profile_memory=False,
                 with_stack=False, with_modules=False, **others):
        super().__init__(record_shapes=record_shapes, profile_memory=profile_memory, enabled=enabled)


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
