"""Adam."""

from .. import Tensor, zeros_like
from . import _formulas
from ._checks import check_betas, check_fused, check_lr, check_not_negative
from ._formula_optimizer import AMSGRAD, DECOUPLED, FormulaOptimizer, MAXIMIZE, scalar

__all__ = ["Adam"]


class Adam(FormulaOptimizer):
    """Adam (Kingma & Ba 2015).

    g += weight_decay * x; m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
    x -= lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + eps). ``amsgrad`` takes the largest v so far.

    Args:
        params: see :class:`Optimizer`. lr (float or Tensor), betas (pair), eps, weight_decay (float): as above.
        amsgrad (bool): as above. maximize (bool): takes -g for g.
        decoupled_weight_decay (bool): x *= 1 - lr * weight_decay instead of the term in g, as AdamW does.
        foreach, fused, capturable: accepted; every step is one launch for all parameters of a group.
        differentiable (bool): the step is recorded.
    """

    _formula = staticmethod(_formulas.adam)
    _kernel = "adam"
    _later = {"amsgrad": False, "maximize": False, "foreach": None, "capturable": False, "differentiable": False, "decoupled_weight_decay": False, "fused": None}

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        amsgrad=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
        fused=None,
        decoupled_weight_decay=False,
    ):
        check_lr(lr, foreach, capturable)
        check_not_negative(epsilon=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
            raise ValueError("betas must be either both floats or both Tensors")
        for i in (0, 1):
            if isinstance(betas[i], Tensor):
                if not capturable and foreach:
                    raise ValueError(f"betas[{i}] as a Tensor is not supported for capturable=False and foreach=True")
                if betas[i].numel() != 1:
                    raise ValueError(f"Tensor betas[{i}] must be 1-element")
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)

    def _init_state(self, param, state, group):
        state["step"] = scalar(0.0)
        state["exp_avg"] = zeros_like(param.detach())
        state["exp_avg_sq"] = zeros_like(param.detach())
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros_like(param.detach())

    def _launch(self, group):
        beta1, beta2 = group["betas"]
        values = (float(group["lr"]), float(beta1), float(beta2), group["eps"], group["weight_decay"])
        flags = MAXIMIZE if group["maximize"] else 0
        if group.get("decoupled_weight_decay"):
            flags |= DECOUPLED
        if group["amsgrad"]:
            return values, flags | AMSGRAD, ("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "step")
        return values, flags, ("exp_avg", "exp_avg_sq", "step")
