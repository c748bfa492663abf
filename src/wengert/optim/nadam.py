"""Adam with Nesterov momentum."""

from .. import zeros_like
from . import _formulas
from ._checks import check_betas, check_lr, check_not_negative
from ._formula_optimizer import DECOUPLED, FormulaOptimizer, MAXIMIZE, scalar

__all__ = ["NAdam"]


class NAdam(FormulaOptimizer):
    """Adam with Nesterov momentum (Dozat 2016); the formula stands at ``optim._formulas.nadam``.

    Args:
        params: see :class:`Optimizer`. lr, betas, eps, weight_decay: as of Adam.
        momentum_decay (float): how fast the momentum rises to beta1. decoupled_weight_decay (bool): as of AdamW.
        maximize (bool): takes -g for g. foreach, capturable: accepted. differentiable (bool): the step is recorded.
    """

    _formula = staticmethod(_formulas.nadam)
    _kernel = "nadam"

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        momentum_decay=4e-3,
        decoupled_weight_decay=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
    ):
        check_lr(lr)
        check_not_negative(epsilon=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay, momentum_decay=momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _init_state(self, param, state, group):
        state["step"] = scalar(0.0)
        state["mu_product"] = scalar(1.0)
        state["exp_avg"] = zeros_like(param.detach())
        state["exp_avg_sq"] = zeros_like(param.detach())

    def _launch(self, group):
        values = (float(group["lr"]), *group["betas"], group["eps"], group["weight_decay"], group["momentum_decay"])
        flags = (MAXIMIZE if group["maximize"] else 0) | (DECOUPLED if group["decoupled_weight_decay"] else 0)
        return values, flags, ("exp_avg", "exp_avg_sq", "step", "mu_product")
