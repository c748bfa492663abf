"""RMSprop."""

from .. import zeros_like
from . import _formulas
from ._checks import check_lr, check_not_negative
from ._formula_optimizer import CENTERED, FormulaOptimizer, MAXIMIZE, MOMENTUM, scalar

__all__ = ["RMSprop"]


class RMSprop(FormulaOptimizer):
    """RMSprop (Hinton 2012).

    g += weight_decay * x; v = alpha v + (1 - alpha) g^2; ``centered`` subtracts the square of the gradients' running mean from v;
    x -= lr * g / (sqrt(v) + eps), or with ``momentum`` b = momentum b + g / (sqrt(v) + eps), x -= lr b.

    Args:
        params: see :class:`Optimizer`. lr, alpha, eps, weight_decay, momentum (float), centered (bool): as above.
        maximize (bool): takes -g for g. foreach, capturable: accepted; every step is one launch a group.
        differentiable (bool): the step is recorded.
    """

    _formula = staticmethod(_formulas.rmsprop)
    _kernel = "rmsprop"
    _later = {"momentum": 0, "centered": False, "foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    def __init__(
        self,
        params,
        lr=1e-2,
        alpha=0.99,
        eps=1e-8,
        weight_decay=0,
        momentum=0,
        centered=False,
        capturable=False,
        foreach=None,
        maximize=False,
        differentiable=False,
    ):
        check_lr(lr)
        check_not_negative(epsilon=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _init_state(self, param, state, group):
        state["step"] = scalar(0.0)
        state["square_avg"] = zeros_like(param.detach())
        if group["momentum"] > 0:
            state["momentum_buffer"] = zeros_like(param.detach())
        if group["centered"]:
            state["grad_avg"] = zeros_like(param.detach())

    def _launch(self, group):
        momentum = group["momentum"]
        values = (float(group["lr"]), group["alpha"], group["eps"], group["weight_decay"], momentum)
        flags = MAXIMIZE if group["maximize"] else 0
        names = ("square_avg",)
        if group["centered"]:
            flags |= CENTERED
            names += ("grad_avg",)
        if momentum > 0:
            flags |= MOMENTUM
            names += ("momentum_buffer",)
        return values, flags, (*names, "step")
