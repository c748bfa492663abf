"""The modes of :mod:`wengert.grad_mode`, where PyTorch has them."""
from ..grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from . import set_multithreading_enabled

__all__ = ["no_grad", "enable_grad", "set_grad_enabled", "inference_mode", "set_multithreading_enabled"]
