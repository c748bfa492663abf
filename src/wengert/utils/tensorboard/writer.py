"""Where PyTorch has `SummaryWriter`."""
from . import FileWriter, SummaryWriter

__all__ = ["FileWriter", "SummaryWriter"]
