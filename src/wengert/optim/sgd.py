"""Stochastic gradient descent."""

from . import _formulas
from ._checks import check_fused, check_lr
from ._formula_optimizer import FormulaOptimizer

__all__ = ["SGD"]


class SGD(FormulaOptimizer):
    """Stochastic gradient descent with momentum.

    g += weight_decay * x; b = momentum * b + (1 - dampening) * g, b = g at the first step;
    x -= lr * b, or with ``nesterov`` x -= lr * (g + momentum * b). ``maximize`` takes -g for g.

    Args:
        params: see :class:`Optimizer`. lr (float or Tensor): the learning rate.
        momentum, dampening, weight_decay (float), nesterov, maximize (bool): as above.
        foreach, fused: accepted; every step is one launch for all parameters of a group.
        differentiable (bool): the step is recorded.
    """

    _formula = staticmethod(_formulas.sgd)
    _later = {"nesterov": False, "maximize": False, "foreach": None, "differentiable": False, "fused": None}

    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        *,
        maximize=False,
        foreach=None,
        differentiable=False,
        fused=None,
    ):
        check_lr(lr)
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)

    def _states_of(self, params, group):
        # Without momentum nothing is kept, not even an empty entry.
        if group["momentum"] != 0:
            return super()._states_of(params, group)
        return [self.state.get(p) for p in params]

    def _update(self, group, plan, grads):
        if group["momentum"] != 0 and None in plan.states:
            plan.states = self._states_of(plan.params, group)
        super()._update(group, plan, grads)
