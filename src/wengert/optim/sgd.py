"""Stochastic gradient descent."""

from .. import empty_like
from .._foreach import optimizer_step
from . import _formulas
from ._checks import check_fused, check_lr
from ._formula_optimizer import FIRST, Hyperparameters, FormulaOptimizer, MAXIMIZE, MOMENTUM, NESTEROV

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
    _kernel = "sgd"
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

    def _update_group(self, group, plan, grads):
        if group["momentum"] != 0 and None in plan.states:
            plan.states = self._states_of(plan.params, group)
        super()._update_group(group, plan, grads)

    def _run_kernel(self, group, plan, grads):
        if group["momentum"] == 0:
            super()._run_kernel(group, plan, grads)
            return
        if None in plan.states:
            plan.states = self._states_of(plan.params, group)
        new = [state.get("momentum_buffer") is None for state in plan.states]
        if any(new):
            self._begin(group, plan, grads, new)
        else:
            super()._run_kernel(group, plan, grads)

    def _begin(self, group, plan, grads, new):
        """A step in which some momentum buffers are new: these begin with the gradient, in a launch of their own."""
        for first in (True, False):
            chosen = [i for i, is_new in enumerate(new) if is_new == first]
            if not chosen:
                continue
            params = [plan.params[i] for i in chosen]
            states = [plan.states[i] for i in chosen]
            if first:
                for param, state in zip(params, states):
                    state["momentum_buffer"] = empty_like(param.detach())
            values, flags, names = self._launch(group)
            buffers = [state["momentum_buffer"] for state in states]
            part = (params, [grads[i] for i in chosen], buffers)
            optimizer_step("sgd", Hyperparameters(values).tensor, flags | (FIRST if first else 0), part)

    def _launch(self, group):
        momentum = float(group["momentum"])
        values = (float(group["lr"]), momentum, float(group["dampening"]), float(group["weight_decay"]))
        flags = MAXIMIZE if group["maximize"] else 0
        if momentum == 0:
            return values, flags, ()
        flags |= MOMENTUM | (NESTEROV if group["nesterov"] else 0)
        return values, flags, ("momentum_buffer",)
