"""Adafactor: second moments of matrices as products of a column and a row."""

from .. import Tensor, finfo, zeros_like
from ._checks import check_lr_words
from ._formula_optimizer import scalar
from .optimizer import Optimizer, _as_float

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """Adafactor without first moment (Shazeer & Stern 2018).

    With t the step, beta = 1 - t^beta2_decay: the means of g^2 over columns and over rows are averaged with beta, their product
    (divided by the mean of the rows') estimates v; vectors average g^2 itself. u = g / sqrt(max(v, eps1^2)),
    divided by max(1, rms(u) / d); x -= max(eps2, rms(x)) * min(lr, 1/sqrt(t)) * u, after x *= 1 - lr * weight_decay.

    Args:
        params: see :class:`Optimizer`. lr: the largest relative step. beta2_decay (float): at most 0.
        eps: (eps1, eps2); eps1 None: the dtype's epsilon. d (float): the threshold, at least 1.
        weight_decay (float): see above. maximize (bool): takes -g for g. foreach: accepted.

    Raises:
        ValueError: an option out of its range.
    """

    def __init__(self, params, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0, *, foreach=None, maximize=False):
        check_lr_words(lr)
        if not 0.0 >= beta2_decay:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not 0.0 <= eps[0]:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not 0.0 <= eps[1]:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not 1.0 <= d:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        super().__init__(params, {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay,
                                  "foreach": foreach, "maximize": maximize})

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)
            for param in group["params"]:
                state = self.state.get(param)
                if state and not isinstance(state["step"], Tensor):
                    state["step"] = scalar(state["step"])

    def _init_state(self, param, state, group):
        state["step"] = scalar(0.0)
        if param.dim() > 1:
            state["row_var"] = param.new_zeros((*param.shape[:-1], 1))
            state["col_var"] = param.new_zeros((*param.shape[:-2], 1, param.shape[-1]))
        else:
            state["variance"] = zeros_like(param)

    def _update_group(self, group, plan, grads):
        lr, (eps1, eps2) = _as_float(group["lr"]), group["eps"]
        for param, grad, state in zip(plan.params, grads, plan.states):
            if group["maximize"]:
                grad = -grad
            if eps1 is None:
                eps1 = finfo(param.dtype).eps
            state["step"] += 1
            step = state["step"].item()
            weight = step ** group["beta2_decay"]
            scale = max(eps2, param.norm(2).item() / param.numel() ** 0.5) * min(lr, 1 / step**0.5)
            if group["weight_decay"] != 0:
                param.mul_(1 - lr * group["weight_decay"])
            if grad.dim() > 1:
                row, column = state["row_var"], state["col_var"]
                row.lerp_(grad.norm(dim=-1, keepdim=True).square_().div_(grad.size(-1)), weight)
                column.lerp_(grad.norm(dim=-2, keepdim=True).square_().div_(grad.size(-2)), weight)
                moment = (row @ column).div_(row.mean(dim=-2, keepdim=True).clamp_(min=eps1))
            else:
                moment = state["variance"].lerp_(grad * grad, weight).clone()
            update = moment.clamp_(min=eps1 * eps1).rsqrt_().mul_(grad)
            param.add_(update, alpha=-scale / max(1.0, update.norm(2).item() / (update.numel() ** 0.5 * group["d"])))
