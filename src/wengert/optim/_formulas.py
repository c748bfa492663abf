"""One update of one parameter, as tensor operations: the definition that the launches over a whole group are tested against.

Each function takes the parameter x, its gradient g, the state tensors and the group's options, and works in place. They record
when the step is differentiable, so nothing that a recorded operation saved may be overwritten by a later step: hence the clones.
"""

from .. import Tensor, is_grad_enabled, maximum
from .optimizer import _as_float


def _kept(state):
    """``state`` as a recorded operation may save it."""
    return state.clone() if is_grad_enabled() else state


def _add(x, update, scale):
    """x += scale * update. A tensor as scale is differentiated."""
    if isinstance(scale, Tensor):
        x.add_(update * scale)
    else:
        x.add_(update, alpha=scale)


def _add_quotient(x, numerator, denominator, scale):
    """x += scale * numerator / denominator. A tensor as scale is differentiated."""
    if isinstance(scale, Tensor):
        x.add_(_kept(numerator) / denominator * scale)
    else:
        x.addcdiv_(_kept(numerator), denominator, value=scale)


def _lr(group):
    """The learning rate: a tensor stays one only where it is differentiated."""
    lr = group["lr"]
    return lr if isinstance(lr, Tensor) and lr.requires_grad and is_grad_enabled() else _as_float(lr)


def effective_gradient(x, g, group):
    """g, negated when maximizing, plus weight_decay * x."""
    if group["maximize"]:
        g = -g
    decay = _as_float(group["weight_decay"])
    return g.add(x, alpha=decay) if decay != 0 else g


def sgd(x, g, state, group):
    """b = momentum b + (1 - dampening) g (b = g at first); x -= lr b, or with nesterov x -= lr (g + momentum b)."""
    g = effective_gradient(x, g, group)
    momentum = _as_float(group["momentum"])
    if momentum != 0:
        buffer = state.get("momentum_buffer")
        if buffer is None:
            buffer = state["momentum_buffer"] = g.detach().clone()
        else:
            buffer.mul_(momentum).add_(g, alpha=1 - _as_float(group["dampening"]))
        g = g.add(buffer, alpha=momentum) if group["nesterov"] else _kept(buffer)
    _add(x, g, -_lr(group))


def adam(x, g, state, group):
    """m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, bias corrections c1 and c2;
    x -= lr / c1 * m / (sqrt(v / c2) + eps). Decoupled weight decay: x *= 1 - lr * weight_decay before."""
    lr = _lr(group)
    beta1, beta2 = (_as_float(b) for b in group["betas"])
    if group.get("decoupled_weight_decay"):
        if group["maximize"]:
            g = -g
        if group["weight_decay"] != 0:
            x.mul_(1 - lr * group["weight_decay"])
    else:
        g = effective_gradient(x, g, group)
    m, v = state["exp_avg"], state["exp_avg_sq"]
    step = state["step"].add_(1).item()
    m.lerp_(g, 1 - beta1)
    v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    c1 = 1 - beta1**step
    c2 = 1 - beta2**step
    if group["amsgrad"]:
        largest = state["max_exp_avg_sq"]
        largest.copy_(maximum(largest.clone() if is_grad_enabled() else largest, v))
        v = largest
    denominator = (v.sqrt() / c2**0.5).add_(group["eps"])
    _add_quotient(x, m, denominator, -(lr / c1))


def rmsprop(x, g, state, group):
    """v = alpha v + (1 - alpha) g^2, centered: minus the square of the mean gradient;
    x -= lr * g / (sqrt(v) + eps), or with momentum b = momentum b + g / (...), x -= lr b."""
    g = effective_gradient(x, g, group)
    alpha = group["alpha"]
    v = state["square_avg"]
    state["step"].add_(1)
    v.mul_(alpha).addcmul_(g, g, value=1 - alpha)
    if group["centered"]:
        mean = state["grad_avg"]
        mean.lerp_(g, 1 - alpha)
        kept = _kept(mean)
        root = v.addcmul(kept, kept, value=-1).sqrt()
    else:
        root = v.sqrt()
    root = root.add(group["eps"]) if is_grad_enabled() else root.add_(group["eps"])
    if group["momentum"] > 0:
        buffer = state["momentum_buffer"]
        buffer.mul_(group["momentum"]).addcdiv_(g, root)
        _add(x, _kept(buffer), -_lr(group))
    else:
        _add_quotient(x, g, root, -_lr(group))


def adagrad(x, g, state, group):
    """s += g^2; x -= lr / (1 + (step - 1) lr_decay) * g / (sqrt(s) + eps)."""
    step = state["step"].add_(1).item()
    g = effective_gradient(x, g, group)
    total = state["sum"]
    total.addcmul_(g, g, value=1)
    root = total.sqrt().add(group["eps"])
    _add_quotient(x, g, root, -(_lr(group) / (1 + (step - 1) * group["lr_decay"])))


def adadelta(x, g, state, group):
    """v = rho v + (1 - rho) g^2; d = sqrt(u + eps) / sqrt(v + eps) * g; u = rho u + (1 - rho) d^2; x -= lr d."""
    state["step"].add_(1)
    g = effective_gradient(x, g, group)
    rho, eps = group["rho"], group["eps"]
    v, u = state["square_avg"], state["acc_delta"]
    v.mul_(rho).addcmul_(g, g, value=1 - rho)
    delta = u.add(eps).sqrt() / v.add(eps).sqrt() * g
    u.mul_(rho).addcmul_(delta, delta, value=1 - rho)
    _add(x, delta, -_lr(group))


def adamax(x, g, state, group):
    """m = beta1 m + (1 - beta1) g, u = max(beta2 u, |g| + eps); x -= lr / (1 - beta1^step) * m / u."""
    step = state["step"].add_(1).item()
    g = effective_gradient(x, g, group)
    beta1, beta2 = group["betas"]
    m, u = state["exp_avg"], state["exp_inf"]
    m.lerp_(g, 1 - beta1)
    u.copy_(maximum(u * beta2, g.abs() + group["eps"]))
    _add_quotient(x, m, _kept(u), -(_lr(group) / (1 - beta1**step)))


def nadam(x, g, state, group):
    """Adam with Nesterov momentum: x -= lr ((1 - mu) g / (1 - M) + mu' m / (1 - M mu')) / (sqrt(v / c2) + eps),
    mu = beta1 (1 - 0.96^(step * momentum_decay) / 2), mu' that of the next step, M the product of all mu."""
    beta1, beta2 = group["betas"]
    lr = _lr(group)
    if group["decoupled_weight_decay"]:
        if group["maximize"]:
            g = -g
        if group["weight_decay"] != 0:
            x.mul_(1 - lr * group["weight_decay"])
    else:
        g = effective_gradient(x, g, group)
    step = state["step"].add_(1).item()
    m, v = state["exp_avg"], state["exp_avg_sq"]
    mu = beta1 * (1.0 - 0.5 * 0.96 ** (step * group["momentum_decay"]))
    mu_next = beta1 * (1.0 - 0.5 * 0.96 ** ((step + 1) * group["momentum_decay"]))
    product = state["mu_product"].mul_(mu).item()
    m.lerp_(g, 1 - beta1)
    v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    denominator = v.div(1 - beta2**step).sqrt().add(group["eps"])
    _add_quotient(x, g, denominator, -lr * (1.0 - mu) / (1.0 - product))
    _add_quotient(x, m, denominator, -lr * mu_next / (1.0 - product * mu_next))


def radam(x, g, state, group):
    """Adam with a rectified step: x -= lr r m / c1 * sqrt(c2) / (sqrt(v) + eps) once the variance is tractable
    (rho > 5), x -= lr m / c1 before."""
    beta1, beta2 = group["betas"]
    lr = _lr(group)
    if group["decoupled_weight_decay"]:
        if group["maximize"]:
            g = -g
        if group["weight_decay"] != 0:
            x.mul_(1 - lr * group["weight_decay"])
    else:
        g = effective_gradient(x, g, group)
    step = state["step"].add_(1).item()
    m, v = state["exp_avg"], state["exp_avg_sq"]
    m.lerp_(g, 1 - beta1)
    v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    c1 = 1 - beta1**step
    c2 = 1 - beta2**step
    corrected = m / c1
    limit = 2 / (1 - beta2) - 1
    rho = limit - 2 * step * (beta2**step) / c2
    if rho > 5.0:
        rectify = ((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)) ** 0.5
        adaptive = (c2**0.5) / v.sqrt().add(group["eps"])
        x.add_(corrected * lr * adaptive * rectify, alpha=-1.0)
    else:
        x.add_(corrected * lr, alpha=-1.0)


def asgd(x, g, state, group):
    """x = (1 - lambd eta) x - eta g; ax += (x - ax) mu; eta = lr / (1 + lambd lr step)^alpha, mu = 1 / max(1, step - t0)."""
    step = state["step"].add_(1).item()
    g = effective_gradient(x, g, group)
    eta, mu, average = state["eta"], state["mu"], state["ax"]
    lr = _as_float(group["lr"])
    rate = eta.item()
    x.mul_(1 - group["lambd"] * rate)
    x.add_(g, alpha=-rate)
    weight = mu.item()
    if weight != 1:
        average.add_(x.sub(average).mul_(weight))
    else:
        average.copy_(x)
    eta.fill_(lr / ((1 + group["lambd"] * lr * step) ** group["alpha"]))
    mu.fill_(1 / max(1, step - group["t0"]))


def rprop(x, g, state, group):
    """The step of each element grows by eta+ where the sign of g stays, shrinks by eta- where it changes (there g counts as 0
    this time); x -= sign(g) * step."""
    state["step"].add_(1)
    if group["maximize"]:
        g = -g
    shrink, grow = group["etas"]
    smallest, largest = group["step_sizes"]
    previous, size = state["prev"], state["step_size"]
    agreement = g * previous
    factor = (agreement > 0).to(g.dtype) * (grow - 1) + (agreement < 0).to(g.dtype) * (shrink - 1) + 1
    size.copy_((size * factor).clamp(smallest, largest))
    g = g.masked_fill(agreement < 0, 0)
    x.addcmul_(g.sign(), _kept(size), value=-1)
    previous.copy_(g)
