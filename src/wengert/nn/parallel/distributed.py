"""Where PyTorch has `DistributedDataParallel`."""
from . import DistributedDataParallel

__all__ = ["DistributedDataParallel"]
