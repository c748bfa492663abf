"""Resilient propagation."""

from .. import full_like, zeros_like
from . import _formulas
from ._checks import check_lr
from ._formula_optimizer import FormulaOptimizer, MAXIMIZE, scalar
from .optimizer import _as_float

__all__ = ["Rprop"]


class Rprop(FormulaOptimizer):
    """Resilient propagation (Riedmiller & Braun 1993); the formula stands at ``optim._formulas.rprop``.

    Args:
        params: see :class:`Optimizer`. lr (float): the first step of each element.
        etas (pair): by what a step shrinks and grows. step_sizes (pair): the smallest and the largest step.
        maximize (bool): takes -g for g. foreach, capturable: accepted. differentiable (bool): the step is recorded.
    """

    _formula = staticmethod(_formulas.rprop)
    _kernel = "rprop"

    def __init__(
        self,
        params,
        lr=1e-2,
        etas=(0.5, 1.2),
        step_sizes=(1e-6, 50),
        *,
        capturable=False,
        foreach=None,
        maximize=False,
        differentiable=False,
    ):
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _init_state(self, param, state, group):
        state["step"] = scalar(0.0)
        state["prev"] = zeros_like(param.detach())
        state["step_size"] = full_like(param.detach(), _as_float(group["lr"]))

    def _launch(self, group):
        values = (*group["etas"], *group["step_sizes"])
        return values, MAXIMIZE if group["maximize"] else 0, ("prev", "step_size", "step")
