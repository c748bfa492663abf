"""Where PyTorch has `DataParallel`."""
from . import DataParallel, data_parallel

__all__ = ["DataParallel", "data_parallel"]
