"""Optimizers that are one formula for each parameter, and one launch for all of them."""

from array import array

from .. import Tensor, enable_grad, float32, float64, frombuffer, get_default_dtype, tensor
from .._foreach import STEP_FLAGS, optimizer_step
from .optimizer import Optimizer

_LAUNCHABLE = (float32, float64)


def scalar(value):
    """A number of an optimizer's state (a step count, a rate) as a tensor of shape ()."""
    return tensor(float(value), dtype=float64 if get_default_dtype() == float64 else float32)


class Hyperparameters:
    """The numbers that a launch reads, in memory of their own: changing them needs no new launch."""

    __slots__ = ("memory", "tensor", "values")

    def __init__(self, values):
        self.values = values
        self.memory = array("d", values)
        self.tensor = frombuffer(self.memory, dtype=float64)

    def set(self, values):
        """Writes what differs from the last step."""
        if values != self.values:
            self.memory[:] = array("d", values)
            self.values = values


class FormulaOptimizer(Optimizer):
    """An optimizer whose step is :attr:`_formula` applied to every parameter with a gradient.

    The step is one launch of the kernel :attr:`_kernel`, which computes the same. The formula itself runs where the step is
    differentiable, and for parameters that are neither float32 nor float64.
    """

    _formula = None  # of optim._formulas
    _kernel = None  # of csrc/kernels/optim.c
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

    def _launch(self, group):
        """What a launch takes for a group: its hyperparameters, its flags, and the names of the state it reads."""
        raise NotImplementedError

    def step(self, closure=None):
        """Updates all parameters once. See :meth:`Optimizer.step`."""
        loss = None if closure is None else self._run_closure(closure)
        if self.defaults["differentiable"]:
            self._step_recorded()
            return loss
        for i, group in enumerate(self.param_groups):
            plan = self._plans.get(i)
            if plan is not None and plan.repeat(group, self.state):
                continue
            plan, grads = self._gather(i, group)
            if not grads:
                continue
            if plan.launchable:
                self._run_kernel(group, plan, grads)
            else:
                self._update_unrecorded(group, plan, grads)
        return loss

    def _step_recorded(self):
        with enable_grad():
            for i, group in enumerate(self.param_groups):
                plan, grads = self._gather(i, group)
                if grads:
                    self._update_group(group, plan, grads)

    def _run_kernel(self, group, plan, grads):
        values, flags, names = self._launch(group)
        if plan.hyper is None:
            plan.hyper = Hyperparameters(values)
        else:
            plan.hyper.set(values)
        states = plan.states
        columns = [[state[name] for state in states] for name in names]
        optimizer_step(self._kernel, plan.hyper.tensor, flags, (plan.params, grads, *columns))
        plan.remember(group, self._kernel, flags, names)

    def _write_hyperparameters(self):
        """Puts the groups' numbers where launches made earlier read them: a replay of captured steps needs it when they change."""
        for i, group in enumerate(self.param_groups):
            plan = self._plans.get(i)
            if plan is not None and plan.hyper is not None:
                plan.hyper.set(self._launch(group)[0])

    def _update_group(self, group, plan, grads):
        for param, grad, state in zip(plan.params, grads, plan.states):
            self._formula(param, grad, state, group)

    def _make_plan(self, index, group, params, has_grad):
        plan = super()._make_plan(index, group, params, has_grad)
        plan.launchable = all(p.dtype in _LAUNCHABLE for p in plan.params)
        return plan


MAXIMIZE, DECOUPLED, MOMENTUM, NESTEROV, AMSGRAD, CENTERED, FIRST = (
    STEP_FLAGS[name] for name in ("maximize", "decoupled", "momentum", "nesterov", "amsgrad", "centered", "first")
)
