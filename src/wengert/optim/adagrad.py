"""Adagrad."""

from .. import full_like
from . import _formulas
from ._checks import check_fused, check_lr, check_not_negative
from ._formula_optimizer import FormulaOptimizer, MAXIMIZE, scalar

__all__ = ["Adagrad"]


class Adagrad(FormulaOptimizer):
    """Adagrad (Duchi et al. 2011).

    g += weight_decay * x; s += g^2; x -= lr / (1 + (t - 1) lr_decay) * g / (sqrt(s) + eps).

    Args:
        params: see :class:`Optimizer`. lr, lr_decay, weight_decay, eps (float): as above.
        initial_accumulator_value (float): what s begins with. maximize (bool): takes -g for g.
        foreach, fused: accepted; every step is one launch a group. differentiable (bool): the step is recorded.
    """

    _formula = staticmethod(_formulas.adagrad)
    _kernel = "adagrad"
    _later = {"foreach": None, "maximize": False, "differentiable": False, "fused": None}

    def __init__(
        self,
        params,
        lr=1e-2,
        lr_decay=0,
        weight_decay=0,
        initial_accumulator_value=0,
        eps=1e-10,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        fused=None,
    ):
        check_lr(lr)
        check_not_negative(
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            epsilon=eps,
        )
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)
        for group in self.param_groups:
            for param in group["params"]:
                self._init_state(param, self.state[param], group)

    def _init_state(self, param, state, group):
        state["step"] = scalar(0.0)
        state["sum"] = full_like(param.detach(), group["initial_accumulator_value"])

    def share_memory(self):
        """Moves the accumulators to memory that other processes can map."""
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param]["sum"].share_memory_()

    def _launch(self, group):
        values = (float(group["lr"]), group["lr_decay"], group["eps"], group["weight_decay"])
        return values, MAXIMIZE if group["maximize"] else 0, ("sum", "step")
