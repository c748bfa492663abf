"""Averaged stochastic gradient descent."""

from .. import zeros_like
from . import _formulas
from ._checks import check_lr, check_not_negative
from ._formula_optimizer import FormulaOptimizer, MAXIMIZE, scalar
from .optimizer import _as_float

__all__ = ["ASGD"]


class ASGD(FormulaOptimizer):
    """Averaged stochastic gradient descent (Polyak & Juditsky 1992); the formula stands at ``optim._formulas.asgd``.

    Args:
        params: see :class:`Optimizer`. lr, weight_decay (float): as of SGD. lambd (float): decay of x.
        alpha (float): power of the decay of the rate. t0 (float): the step from which on x is averaged.
        maximize (bool): takes -g for g. foreach, capturable: accepted. differentiable (bool): the step is recorded.
    """

    _formula = staticmethod(_formulas.asgd)
    _kernel = "asgd"

    def __init__(
        self,
        params,
        lr=1e-2,
        lambd=1e-4,
        alpha=0.75,
        t0=1e6,
        weight_decay=0,
        foreach=None,
        maximize=False,
        differentiable=False,
        capturable=False,
    ):
        check_lr(lr)
        check_not_negative(weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _init_state(self, param, state, group):
        state["step"] = scalar(0.0)
        state["eta"] = scalar(_as_float(group["lr"]))
        state["mu"] = scalar(1.0)
        state["ax"] = zeros_like(param.detach())

    def _launch(self, group):
        values = (float(group["lr"]), group["lambd"], group["alpha"], group["t0"], group["weight_decay"])
        return values, MAXIMIZE if group["maximize"] else 0, ("ax", "step", "eta", "mu")
