"""Adadelta."""

from .. import zeros_like
from . import _formulas
from ._checks import check_lr, check_not_negative
from ._formula_optimizer import FormulaOptimizer, MAXIMIZE, scalar

__all__ = ["Adadelta"]


class Adadelta(FormulaOptimizer):
    """Adadelta (Zeiler 2012).

    v = rho v + (1 - rho) g^2; d = sqrt(u + eps) / sqrt(v + eps) * g; u = rho u + (1 - rho) d^2; x -= lr d.

    Args:
        params: see :class:`Optimizer`. lr, rho, eps, weight_decay (float): as above; g += weight_decay * x first.
        maximize (bool): takes -g for g. foreach, capturable: accepted. differentiable (bool): the step is recorded.
    """

    _formula = staticmethod(_formulas.adadelta)
    _kernel = "adadelta"

    def __init__(
        self,
        params,
        lr=1.0,
        rho=0.9,
        eps=1e-6,
        weight_decay=0,
        foreach=None,
        *,
        capturable=False,
        maximize=False,
        differentiable=False,
    ):
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative(epsilon=eps, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _init_state(self, param, state, group):
        state["step"] = scalar(0.0)
        state["square_avg"] = zeros_like(param.detach())
        state["acc_delta"] = zeros_like(param.detach())

    def _launch(self, group):
        values = (float(group["lr"]), group["rho"], group["eps"], group["weight_decay"])
        return values, MAXIMIZE if group["maximize"] else 0, ("square_avg", "acc_delta", "step")
