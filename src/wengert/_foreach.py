"""Launches over lists of tensors, for optimizers and the clipping of gradients: one launch, however many tensors."""
from ._core import STEP_FLAGS, clip_grad_norm, clip_grad_value, grad_norm, optimizer_step, zero_all  # noqa: F401
