"""torch.profiler: labels are accepted, profiles are not made."""
import contextlib

__all__ = ["profile", "record_function", "schedule", "tensorboard_trace_handler", "ProfilerActivity"]


class record_function(contextlib.ContextDecorator):
    """A label for a block: without effect."""

    def __init__(self, name, args=None):
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None


def profile(*args, **kwargs):
    """Raises: wengert makes no profiles."""
    raise NotImplementedError("wengert has no profiler: use Python's cProfile, or perf for the compiled part")


schedule = tensorboard_trace_handler = profile


class ProfilerActivity:
    """Names of what could be profiled."""
    CPU, CUDA, XPU = "CPU", "CUDA", "XPU"
