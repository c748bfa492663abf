"""Apple's GPU, which wengert does not compute on."""


def is_available():
    """False."""
    return False


is_built = is_available
