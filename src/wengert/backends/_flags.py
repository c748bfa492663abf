"""Settings changed for a block."""
import contextlib
import sys


def flags_of(module, *names):
    """A ``flags(**settings)`` context manager for settings of a module."""
    @contextlib.contextmanager
    def flags(*values, **settings):
        """Changes settings for a block."""
        settings = {**dict(zip(names, values)), **settings}
        unknown = settings.keys() - set(names)
        if unknown:
            raise TypeError(f"flags() got an unexpected keyword argument '{min(unknown)}'")
        holder = sys.modules[module]
        before = {name: getattr(holder, name) for name in settings}
        vars(holder).update(settings)
        try:
            yield
        finally:
            vars(holder).update(before)
    return flags
