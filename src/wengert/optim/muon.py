"""Muon: momentum made orthogonal, for matrices."""

import math

from .. import addmm, zeros_like
from ._checks import check_lr_words
from .optimizer import Optimizer, _as_float

__all__ = ["Muon"]


def _orthogonalised(update, coefficients, steps, eps):
    """About U V' of the singular value decomposition, by Newton-Schulz iterations in bfloat16.

    Raises:
        ValueError: 100 steps or more; not three coefficients; no matrix.
    """
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if update.dim() != 2:
        raise ValueError("Input tensor gradient must be a 2D matrix")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = update.size(0) > update.size(1)
    x = update.bfloat16()
    if tall:
        x = x.T
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = addmm(x, addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


class Muon(Optimizer):
    """Momentum SGD whose update of each matrix is replaced by its nearest orthogonal one (Jordan 2024).

    b = momentum b + (1 - momentum) g; u = b, or with nesterov (1 - momentum) g + momentum b; x -= lr * weight_decay * x;
    x -= r * lr * orthogonalised(u), where r depends on the shape (``adjust_lr_fn``).

    Args:
        params: matrices; see :class:`Optimizer`. lr, weight_decay, momentum (float), nesterov (bool): see above.
        ns_coefficients: of the iteration's polynomial. eps (float): against division by zero. ns_steps (int): iterations.
        adjust_lr_fn (str): "original" (r = sqrt(max(1, rows/columns)), also for None), or
            "match_rms_adamw" (r = 0.2 sqrt(max(rows, columns))).

    Raises:
        ValueError: an option out of its range; a parameter that is no matrix.
    """

    def __init__(self, params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True, ns_coefficients=(3.4445, -4.7750, 2.0315),
                 eps=1e-7, ns_steps=5, adjust_lr_fn=None):
        check_lr_words(lr)
        if not 0.0 <= momentum:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
                                  "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn})
        for group in self.param_groups:
            for param in group["params"]:
                if param.ndim != 2:
                    raise ValueError(f"Muon only supports 2D parameters whereas we found a parameter with size: {param.size()}")

    def _init_state(self, param, state, group):
        state["momentum_buffer"] = zeros_like(param)

    def _update_group(self, group, plan, grads):
        lr, momentum = _as_float(group["lr"]), group["momentum"]
        for param, grad, state in zip(plan.params, grads, plan.states):
            buffer = state["momentum_buffer"].lerp_(grad, 1 - momentum)
            update = grad.lerp(buffer, momentum) if group["nesterov"] else buffer
            update = _orthogonalised(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
            rows, columns = param.shape
            if group["adjust_lr_fn"] == "match_rms_adamw":
                ratio = 0.2 * math.sqrt(max(rows, columns))
            else:
                ratio = math.sqrt(max(1, rows / columns))
            param.mul_(1 - lr * group["weight_decay"])
            param.add_(update, alpha=-lr * ratio)
