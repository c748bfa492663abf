"""Adamax."""

from .. import zeros_like
from . import _formulas
from ._checks import check_betas, check_lr, check_not_negative
from ._formula_optimizer import FormulaOptimizer, MAXIMIZE, scalar

__all__ = ["Adamax"]


class Adamax(FormulaOptimizer):
    """Adamax (Kingma & Ba 2015): m = beta1 m + (1 - beta1) g; u = max(beta2 u, |g| + eps); x -= lr / (1 - beta1^t) * m / u.

    Args:
        params: see :class:`Optimizer`. lr, betas, eps, weight_decay: as above; g += weight_decay * x first.
        maximize (bool): takes -g for g. foreach, capturable: accepted. differentiable (bool): the step is recorded.
    """

    _formula = staticmethod(_formulas.adamax)
    _kernel = "adamax"

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        capturable=False,
    ):
        check_lr(lr)
        check_not_negative(epsilon=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _init_state(self, param, state, group):
        state["step"] = scalar(0.0)
        state["exp_avg"] = zeros_like(param.detach())
        state["exp_inf"] = zeros_like(param.detach())

    def _launch(self, group):
        values = (float(group["lr"]), *group["betas"], group["eps"], group["weight_decay"])
        return values, MAXIMIZE if group["maximize"] else 0, ("exp_avg", "exp_inf", "step")
