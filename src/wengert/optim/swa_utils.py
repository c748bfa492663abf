"""Averages of weights over training: stochastic weight averaging (Izmailov et al. 2018) and exponential moving averages."""

import math
from copy import deepcopy
from itertools import chain

from .. import Tensor, int64, no_grad, tensor
from ..nn import Module
from ..nn.modules.batchnorm import _BatchNorm
from .lr_scheduler.base import LRScheduler, _for_groups

__all__ = ["AveragedModel", "SWALR", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn", "update_bn"]


def _check_decay(decay):
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_avg_fn(decay=0.999):
    """(average, value, n) -> decay * average + (1 - decay) * value. ValueError: decay outside [0, 1]."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param, current_param, num_averaged):
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn():
    """(average of n values, another value, n) -> the average of n + 1 values."""

    @no_grad()
    def swa_update(averaged_param, current_param, num_averaged):
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_multi_avg_fn(decay=0.999):
    """The same as :func:`get_ema_avg_fn` for lists of tensors, in place."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param_list, current_param_list, _):
        for average, value in zip(ema_param_list, current_param_list, strict=True):
            if average.is_floating_point():
                average.lerp_(value, 1 - decay)
            else:
                average.copy_(average * decay + value * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn():
    """The same as :func:`get_swa_avg_fn` for lists of floating point tensors, in place."""

    @no_grad()
    def swa_update(averaged_param_list, current_param_list, num_averaged):
        share = 1 / (num_averaged + 1)
        share = share.item() if isinstance(share, Tensor) else share
        for average, value in zip(averaged_param_list, current_param_list, strict=True):
            average.lerp_(value, share)

    return swa_update


def _by_dtype(averages, values):
    """Lists of tensors of one dtype each, which the functions for lists expect."""
    found = {}
    for average, value in zip(averages, values):
        mine, given = found.setdefault(average.dtype, ([], []))
        mine.append(average)
        given.append(value)
    return found.values()


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's.

    Args:
        model (Module): what to copy. device: where to.
        avg_fn: (average, value, number of values averaged) -> new average. Default: the mean.
        multi_avg_fn: the same for lists, in place; not both.
        use_buffers (bool): buffers are averaged too, instead of copied.

    ``module`` is the copy, ``n_averaged`` counts the updates.
    """

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args, **kwargs):
        """The averaged model's result."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model):
        """Takes the parameters of ``model`` into the averages; the first time they are copied."""
        if self.use_buffers:
            averages, values = chain(self.module.parameters(), self.module.buffers()), chain(model.parameters(), model.buffers())
        else:
            averages, values = self.parameters(), model.parameters()
        averages, values = [p.detach() for p in averages], [p.detach() for p in values]
        if self.n_averaged == 0:
            for average, value in zip(averages, values):
                average.copy_(value)
        elif self.multi_avg_fn is not None:
            for mine, given in _by_dtype(averages, values):
                self.multi_avg_fn(mine, given, self.n_averaged)
        else:
            update = self.avg_fn or get_swa_avg_fn()
            for average, value in zip(averages, values):
                average.copy_(update(average, value, self.n_averaged))
        if not self.use_buffers:
            for mine, given in zip(self.module.buffers(), model.buffers(), strict=True):
                mine.detach().copy_(given.detach())
        self.n_averaged += 1


@no_grad()
def update_bn(loader, model, device=None):
    """Computes the running statistics of the model's batch norms anew, from all batches of ``loader``.

    Args:
        loader: batches, or tuples and lists that begin with one. model (Module): called in training mode, which it is then
            taken out of if it was not in it. device: where batches are moved.
    """
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    if not norms:
        return
    momenta = [m.momentum for m in norms]
    was_training = model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None                    # a plain mean over all batches
    for batch in loader:
        if isinstance(batch, (list, tuple)):
            batch = batch[0]
        model(batch if device is None else batch.to(device))
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Moves the rates to ``swa_lr`` in ``anneal_epochs`` steps, along half a cosine or a line, and keeps them there.

    Args:
        optimizer (Optimizer): whose rates to set. swa_lr: one rate, or one a group. anneal_epochs (int): see above.
        anneal_strategy (str): "cos" or "linear". last_epoch (int): see :class:`LRScheduler`.

    Raises:
        ValueError: another strategy; ``anneal_epochs`` negative or no int; a wrong number of rates.
    """

    def __init__(self, optimizer, swa_lr, anneal_epochs=10, anneal_strategy="cos", last_epoch=-1):
        for rate, group in zip(_for_groups("swa_lr", swa_lr, optimizer), optimizer.param_groups):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t):
        """How much of the way is behind at the fraction ``t`` of the time."""
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def _behind(self, step):
        return self.anneal_func(max(0, min(1, step / max(1, self.anneal_epochs))))

    def get_lr(self):
        self._warn_if_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._behind(step - 1), self._behind(step)
        rates = []
        for group, lr in zip(self.optimizer.param_groups, self._current()):
            goal = group["swa_lr"]
            start = goal if before == 1 else (lr - before * goal) / (1 - before)
            rates.append(goal * now + start * (1 - now))
        return rates
