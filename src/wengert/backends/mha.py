"""The fast path of attention in eval mode, which gives the same results."""
_enabled = True


def get_fastpath_enabled():
    """What was set."""
    return _enabled


def set_fastpath_enabled(value):
    """Remembers the setting."""
    global _enabled
    _enabled = value
