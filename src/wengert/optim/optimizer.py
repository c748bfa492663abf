"""What all optimizers share: groups of parameters, their state, hooks, and saving and loading of both."""

import warnings
from collections import OrderedDict, defaultdict
from copy import deepcopy
from itertools import chain

from .. import Tensor, enable_grad, float32, no_grad
from .._foreach import HookedStep, StepPlan
from ..nn._names import typename
from ..utils.hooks import RemovableHandle

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]


class _Required:
    """The default of an option that every group has to give."""

    def __repr__(self):
        return "<required parameter>"


required = _Required()

_global_optimizer_pre_hooks = OrderedDict()
_global_optimizer_post_hooks = OrderedDict()


def register_optimizer_step_pre_hook(hook):
    """Calls ``hook(optimizer, args, kwargs)`` before the step of every optimizer. Returns a handle with ``remove()``."""
    return _add_hook(_global_optimizer_pre_hooks, hook)


def register_optimizer_step_post_hook(hook):
    """Calls ``hook(optimizer, args, kwargs)`` after the step of every optimizer. Returns a handle with ``remove()``."""
    return _add_hook(_global_optimizer_post_hooks, hook)


def _add_hook(hooks, hook, prepend=False):
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


_OWN_HOOKS = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")


def _as_float(value):
    """A hyperparameter as a Python number: it may be given as a tensor of one element."""
    return value.item() if isinstance(value, Tensor) else value


class Optimizer:
    """Base class of optimizers.

    Args:
        params: an iterable of tensors, of pairs (name, tensor), or of dictionaries that define groups: ``params`` and
            the options that differ from ``defaults``.
        defaults (dict): the options of groups that do not give them.
    """

    def __init__(self, params, defaults):
        self.defaults = defaults
        self._make_hook_dicts()
        self._patch_step_function()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                + typename(params)
            )
        self.state = defaultdict(dict)
        self.param_groups = []
        self._plans = {}
        groups = list(params)
        if len(groups) == 0:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _make_hook_dicts(self):
        for name in (
            "_optimizer_step_pre_hooks",
            "_optimizer_step_post_hooks",
            "_optimizer_state_dict_pre_hooks",
            "_optimizer_state_dict_post_hooks",
            "_optimizer_load_state_dict_pre_hooks",
            "_optimizer_load_state_dict_post_hooks",
        ):
            if name not in self.__dict__:
                self.__dict__[name] = OrderedDict()

    def _patch_step_function(self):
        """Puts the hooks around the class's ``step``, once a class."""
        step = type(self).step
        if not isinstance(step, HookedStep):
            type(self).step = HookedStep(step, (_global_optimizer_pre_hooks, _global_optimizer_post_hooks), _OWN_HOOKS)

    def __getstate__(self):
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._plans = {}
        self._make_hook_dicts()
        self._patch_step_function()
        self.defaults.setdefault("differentiable", False)

    def __repr__(self):
        text = type(self).__name__ + " ("
        for i, group in enumerate(self.param_groups):
            options = "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
            text += f"\nParameter Group {i}\n{options}"
        return text + ")"

    # ---- hooks ---------------------------------------------------------------------------------------------

    def _step_with_hooks(self, step, args, kwargs):
        # Hooks see the optimizer as the first of the positional arguments.
        args = (self, *args)
        for hook in (*_global_optimizer_pre_hooks.values(), *self._optimizer_step_pre_hooks.values()):
            result = hook(self, args, kwargs)
            if result is not None:
                if not (isinstance(result, tuple) and len(result) == 2):
                    raise RuntimeError(
                        f"{step} must return None or a tuple of (new_args, new_kwargs), but got {result}."
                    )
                args, kwargs = result
        result = step(*args, **kwargs)
        for hook in (*self._optimizer_step_post_hooks.values(), *_global_optimizer_post_hooks.values()):
            hook(self, args, kwargs)
        return result

    def register_step_pre_hook(self, hook):
        """Calls ``hook(optimizer, args, kwargs)`` before each step; it may return new ``(args, kwargs)``."""
        return _add_hook(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook):
        """Calls ``hook(optimizer, args, kwargs)`` after each step."""
        return _add_hook(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """Calls ``hook(optimizer)`` before :meth:`state_dict`."""
        return _add_hook(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """Calls ``hook(optimizer, state_dict)`` after :meth:`state_dict`; a dictionary it returns takes its place."""
        return _add_hook(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """Calls ``hook(optimizer, state_dict)`` before :meth:`load_state_dict`; a dictionary it returns takes its place."""
        return _add_hook(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """Calls ``hook(optimizer)`` after :meth:`load_state_dict`."""
        return _add_hook(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    # ---- groups ----------------------------------------------------------------------------------------------

    def add_param_group(self, param_group):
        """Adds a group: a dictionary with ``params`` and the options that differ from the defaults.

        Raises:
            TypeError: no dictionary, or something in it is no tensor.
            ValueError: a tensor is the result of an operation, or belongs to a group already.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, Tensor):
            params = [params]
        elif isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in "
                "sets will change between runs. Please use a list instead."
            )
        params = list(params)
        names = [p[0] for p in params if isinstance(p, tuple)]
        if names:
            if len(names) != len(params):
                raise ValueError("all optimizer params should be with/without names. Some param names are missing")
            params = [p[1] for p in params]
            param_group["param_names"] = names
        param_group["params"] = params
        for param in params:
            if not isinstance(param, Tensor):
                raise TypeError("optimizer can only optimize Tensors, but one of the params is " + typename(param))
            if not self.defaults.get("differentiable", None) and not (param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(
                    f"parameter group didn't specify a value of required optimization parameter {name}"
                )
            param_group.setdefault(name, default)
        if len(params) != len(set(params)):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        named = "param_names" in param_group
        if any(("param_names" in group) != named for group in self.param_groups):
            current = "with names" if named else "without names"
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{current} to the optimizer"
            )
        known = set(chain.from_iterable(group["params"] for group in self.param_groups))
        if not known.isdisjoint(params):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none=True):
        """Drops the gradients of all parameters, or with ``set_to_none=False`` fills them with zeros."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param.grad = None
                    continue
                grad = param.grad
                if grad is not None:
                    if grad.grad_fn is not None:
                        grad.detach_()
                    else:
                        grad.requires_grad_(False)
                    grad.zero_()

    # ---- stepping ---------------------------------------------------------------------------------------------

    def step(self, closure=None):
        """Updates all parameters once.

        Args:
            closure: a function that clears the gradients, computes the loss, differentiates it and returns it.

        Returns:
            what ``closure`` returned, or None.

        Raises:
            NotImplementedError: the class has no rule (`_update_group`), nor a ``step`` of its own.
        """
        if type(self)._update_group is Optimizer._update_group:
            raise NotImplementedError
        loss = self._run_closure(closure)
        for i, group in enumerate(self.param_groups):
            plan, grads = self._gather(i, group)
            if grads:
                self._update_unrecorded(group, plan, grads)
        return loss

    def _update_group(self, group, plan, grads):
        """The rule: updates ``plan.params`` and ``plan.states`` with ``grads``, of one group. Called by `step`."""
        raise NotImplementedError

    def _init_state(self, param, state, group):
        """Fills the empty ``state`` of a parameter before its first step."""

    def _states_of(self, params, group):
        """The states of ``params``, those that are new initialised."""
        states = [self.state[p] for p in params]
        for param, state in zip(params, states):
            if not state:
                fresh = {}                                  # whole when another thread sees it
                self._init_state(param, fresh, group)
                state.update(fresh)
        return states

    def _gather(self, index, group):
        """The plan and the gradients of those parameters of a group that have one."""
        plan = self._plans.get(index)
        grads = None if plan is None else plan.gather(group["params"], self.state)
        if grads is None:
            # Read once, for the plan and the update: another thread may replace them meanwhile.
            grads = [p.grad for p in group["params"]]
            plan = self._make_plan(index, group, group["params"], [grad is not None for grad in grads])
            grads = [grad for grad in grads if grad is not None]
        return plan, grads

    def _make_plan(self, index, group, params, has_grad):
        used = [p for p, has in zip(params, has_grad) if has]
        plan = self._plans[index] = StepPlan(list(params), has_grad, used, self._states_of(used, group))
        return plan

    def _run_closure(self, closure):
        if closure is None:
            return None
        with enable_grad():
            return closure()

    def _update_unrecorded(self, group, plan, grads):
        with no_grad():
            self._update_group(group, plan, grads)

    # ---- state ------------------------------------------------------------------------------------------------

    def state_dict(self):
        """The state as a dictionary: ``state`` by the parameters' numbers, ``param_groups`` with these numbers.

        The tensors are the optimizer's own, not copies.
        """
        for hook in list(self._optimizer_state_dict_pre_hooks.values()):
            hook(self)
        numbers = {}
        groups = []
        for group in self.param_groups:
            for param in group["params"]:
                numbers.setdefault(id(param), len(numbers))
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [numbers[id(param)] for param in group["params"]]
            groups.append(packed)
        state = {numbers[id(k)] if isinstance(k, Tensor) else k: v for k, v in list(self.state.items())}
        result = {"state": state, "param_groups": groups}
        for hook in list(self._optimizer_state_dict_post_hooks.values()):
            replaced = hook(self, result)
            if replaced is not None:
                result = replaced
        return result

    def load_state_dict(self, state_dict):
        """Takes over what :meth:`state_dict` gave; floating point state gets the dtype of its parameter.

        Raises:
            ValueError: the groups or their sizes differ.
        """
        state_dict = state_dict.copy()
        for hook in list(self._optimizer_load_state_dict_pre_hooks.values()):
            replaced = hook(self, state_dict)
            if replaced is not None:
                state_dict = replaced
        saved_groups = deepcopy(state_dict["param_groups"])
        if len(self.param_groups) != len(saved_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(g["params"]) != len(s["params"]) for g, s in zip(self.param_groups, saved_groups)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        by_number = {}
        group_of = {}
        for group, saved in zip(self.param_groups, saved_groups):
            for param, number in zip(group["params"], saved["params"]):
                by_number[number] = param
                group_of[number] = saved
        state = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in by_number:
                state[by_number[key]] = _cast(by_number[key], value, group_of[key])
            else:
                state[key] = value
        for group, saved in zip(self.param_groups, saved_groups):
            saved["params"] = group["params"]
            if "param_names" in group:
                saved["param_names"] = group["param_names"]
        self.__setstate__({"state": state, "param_groups": saved_groups})
        for hook in list(self._optimizer_load_state_dict_post_hooks.values()):
            hook(self)


def _cast(param, value, group, key=None):
    """A saved value as state of ``param``: tensors but step counts get its dtype if it is a floating point one."""
    if isinstance(value, Tensor):
        if key == "step":
            if group.get("capturable") or group.get("fused"):
                return value.to(dtype=float32, device=param.device)
            return value
        if param.is_floating_point():
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)
    if isinstance(value, dict):
        return {k: _cast(param, v, group, k) for k, v in value.items()}
    if isinstance(value, (list, tuple, set)):
        return type(value)(_cast(param, v, group) for v in value)
    return value
