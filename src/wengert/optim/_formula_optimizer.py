"""Optimizers that are one formula for each parameter."""

from .. import Tensor, float32, float64, get_default_dtype, tensor
from .optimizer import Optimizer


def scalar(value):
    """A number of an optimizer's state (a step count, a rate) as a tensor of shape ()."""
    return tensor(float(value), dtype=float64 if get_default_dtype() == float64 else float32)


class FormulaOptimizer(Optimizer):
    """An optimizer whose step is :attr:`_formula` applied to every parameter with a gradient."""

    _formula = None  # of optim._formulas
    _later = {}  # options that older checkpoints lack, and their defaults

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            for name, default in self._later.items():
                group.setdefault(name, default)
            for param in group["params"]:
                state = self.state.get(param)
                if state and "step" in state and not isinstance(state["step"], Tensor):
                    state["step"] = scalar(state["step"])

    def step(self, closure=None):
        """Updates all parameters once. See :meth:`Optimizer.step`."""
        loss = self._run_closure(closure)
        self._each_group(self._update)
        return loss

    def _update(self, group, plan, grads):
        for param, grad, state in zip(plan.params, grads, plan.states):
            self._formula(param, grad, state, group)
