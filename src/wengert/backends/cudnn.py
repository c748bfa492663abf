"""Settings of cuDNN, which wengert does not have."""
from ._flags import flags_of

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True

flags = flags_of(__name__, "enabled", "benchmark", "benchmark_limit", "deterministic", "allow_tf32", "fp32_precision")
fp32_precision = "none"


def is_available():
    """False."""
    return False


def version():
    """None."""
    return None
