"""Settings of oneDNN, which wengert does not have."""
from ._flags import flags_of

enabled = True
deterministic = False
allow_tf32 = True
fp32_precision = "none"

flags = flags_of(__name__, "enabled", "deterministic", "allow_tf32", "fp32_precision")


def is_available():
    """False."""
    return False
