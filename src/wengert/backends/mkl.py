"""Settings of MKL, which wengert does not have."""
VERBOSE_OFF, VERBOSE_ON = 0, 1


def is_available():
    """False."""
    return False
