"""Parts of the loader that programs import by this name."""
from . import collate

__all__ = ["collate"]
