"""OpenMP, which wengert does not use."""


def is_available():
    """False."""
    return False
