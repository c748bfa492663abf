"""Launches over lists of tensors, for optimizers and the clipping of gradients: one launch, however many tensors."""
from ._core import (  # noqa: F401
    STEP_FLAGS,
    HookedStep,
    StepPlan,
    clip_grad_norm,
    clip_grad_value,
    grad_norm,
    optimizer_step,
    zero_all,
)
