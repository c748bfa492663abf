"""L-BFGS with the strong Wolfe line search."""

from math import sqrt

from .. import cat, enable_grad, no_grad
from ._checks import check_lr
from .optimizer import Optimizer, _as_float

__all__ = ["LBFGS"]


def _cubic_minimum(x1, f1, g1, x2, f2, g2, bounds=None):
    """Where the cubic through two points with slopes is smallest inside ``bounds`` (default: between the points)."""
    low, high = bounds if bounds is not None else (min(x1, x2), max(x1, x2))
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1 * d1 - g1 * g2
    if not square >= 0:
        return (low + high) / 2.0
    d2 = sqrt(square)
    if x1 <= x2:
        position = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        position = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(position, low), high)


class _Point:
    """A step length on the search line: the loss there, its gradient, and the slope along the line."""

    __slots__ = ("t", "loss", "grad", "slope")

    def __init__(self, t, loss, grad, slope):
        self.t = t
        self.loss = loss
        self.grad = grad
        self.slope = slope


def _strong_wolfe(evaluate, t, direction, start, c1=1e-4, c2=0.9, tolerance_change=1e-9, max_iter=25):
    """A point that satisfies the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6).

    Args:
        evaluate: step length to (loss, gradient). t (float): the first length tried. direction (Tensor): of the line.
        start (_Point): where the line begins. c1, c2 (float): of sufficient decrease and of curvature.

    Returns:
        the point and the number of evaluations.
    """
    reach = direction.abs().max().item()
    evaluations = 0

    def at(length):
        nonlocal evaluations
        evaluations += 1
        loss, grad = evaluate(length)
        return _Point(length, loss, grad, grad.dot(direction).item())

    def too_high(point):
        return point.loss > start.loss + c1 * point.t * start.slope

    def flat(point):
        return abs(point.slope) <= -c2 * start.slope

    previous, point = start, at(t)
    iteration = 0
    while iteration < max_iter:
        if too_high(point) or iteration > 1 and point.loss >= previous.loss:
            break
        if flat(point):
            return point, evaluations
        if point.slope >= 0:
            break
        bounds = (point.t + 0.01 * (point.t - previous.t), point.t * 10)
        t = _cubic_minimum(previous.t, previous.loss, previous.slope, point.t, point.loss, point.slope, bounds)
        previous, point = point, at(t)
        iteration += 1
    else:
        previous = start
    # A minimum lies between the two points: low has the smaller loss.
    ends = [previous, point]
    low = 0 if previous.loss <= point.loss else 1
    stuck = False
    while iteration < max_iter:
        left, right = sorted((ends[0].t, ends[1].t))
        if (right - left) * reach < tolerance_change:
            break
        a, b = ends
        t = _cubic_minimum(a.t, a.loss, a.slope, b.t, b.loss, b.slope)
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:
            # Close to an end for the second time, or beyond it: step a tenth away from it.
            if stuck or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        point = at(t)
        iteration += 1
        if too_high(point) or point.loss >= ends[low].loss:
            ends[1 - low] = point
            low = 0 if ends[0].loss <= ends[1].loss else 1
            continue
        if flat(point):
            ends[low] = point
            break
        if point.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = point
    return ends[low], evaluations


class LBFGS(Optimizer):
    """Limited-memory BFGS (Liu & Nocedal 1989). One group of parameters only; ``step`` needs a closure.

    Args:
        params: an iterable of tensors. lr (float): the step length, or the first one tried by the line search.
        max_iter, max_eval (int): most iterations and evaluations of the closure a step (default: 1.25 max_iter).
        tolerance_grad, tolerance_change (float): at which largest gradient element and change to stop.
        history_size (int): how many corrections are kept. line_search_fn (str): "strong_wolfe" or None.
    """

    def __init__(
        self,
        params,
        lr=1,
        max_iter=20,
        max_eval=None,
        tolerance_grad=1e-7,
        tolerance_change=1e-9,
        history_size=100,
        line_search_fn=None,
    ):
        check_lr(lr)
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self):
        return self.param_groups[0]["params"]

    def _flat_grad(self):
        return cat([(p.new_zeros(p.numel()) if (grad := p.grad) is None else grad.reshape(-1)) for p in self._params])

    def _move(self, length, direction):
        """x += length * direction, over all parameters."""
        start = 0
        for p in self._params:
            end = start + p.numel()
            p.add_(direction[start:end].view_as(p), alpha=length)
            start = end

    def _direction(self, grad, state, group):
        """The direction of the next step from the corrections kept (two-loop recursion)."""
        if state["n_iter"] == 1:
            state["old_dirs"], state["old_stps"], state["ro"], state["H_diag"] = [], [], [], 1
            return grad.neg()
        changes, steps, inverses = state["old_dirs"], state["old_stps"], state["ro"]
        change = grad.sub(state["prev_flat_grad"])
        step = state["d"].mul(state["t"])
        product = change.dot(step).item()
        if product > 1e-10:
            if len(changes) == group["history_size"]:
                for history in (changes, steps, inverses):
                    history.pop(0)
            changes.append(change)
            steps.append(step)
            inverses.append(1.0 / product)
            state["H_diag"] = product / change.dot(change).item()
        direction = grad.neg()
        weights = [0.0] * len(changes)
        for i in range(len(changes) - 1, -1, -1):
            weights[i] = steps[i].dot(direction).item() * _as_float(inverses[i])
            direction.add_(changes[i], alpha=-weights[i])
        direction.mul_(_as_float(state["H_diag"]))
        for i in range(len(changes)):
            weight = changes[i].dot(direction).item() * _as_float(inverses[i])
            direction.add_(steps[i], alpha=weights[i] - weight)
        return direction

    def step(self, closure):
        """Runs up to ``max_iter`` iterations.

        Args:
            closure: a function that clears the gradients, computes the loss, differentiates it and returns it.

        Returns:
            the loss at the beginning.
        """
        with no_grad():
            return self._iterate(enable_grad()(closure))

    def _iterate(self, closure):
        group = self.param_groups[0]
        lr = _as_float(group["lr"])
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = closure()
        loss = _as_float(first_loss)
        evaluations = 1
        state["func_evals"] += 1
        grad = self._flat_grad()
        if grad.abs().max().item() <= group["tolerance_grad"]:
            return first_loss
        n_iter = 0
        while n_iter < group["max_iter"]:
            n_iter += 1
            state["n_iter"] += 1
            direction = self._direction(grad, state, group)
            state["prev_flat_grad"] = grad.clone()
            previous_loss = loss
            t = min(1.0, 1.0 / grad.abs().sum().item()) * lr if state["n_iter"] == 1 else lr
            slope = grad.dot(direction).item()
            state.update(d=direction, t=t, prev_loss=previous_loss)
            if slope > -group["tolerance_change"]:
                break
            new_evaluations = 0
            if group["line_search_fn"] is not None:
                if group["line_search_fn"] != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                start = _Point(0.0, loss, grad, slope)
                point, new_evaluations = _strong_wolfe(self._along(closure, direction), t, direction, start)
                t = state["t"] = point.t
                loss, grad = point.loss, point.grad
                self._move(t, direction)
            else:
                self._move(t, direction)
                if n_iter != group["max_iter"]:
                    loss = _as_float(closure())
                    grad = self._flat_grad()
                    new_evaluations = 1
            evaluations += new_evaluations
            state["func_evals"] += new_evaluations
            if (
                n_iter == group["max_iter"]
                or evaluations >= group["max_eval"]
                or grad.abs().max().item() <= group["tolerance_grad"]
                or direction.mul(t).abs().max().item() <= group["tolerance_change"]
                or abs(loss - previous_loss) < group["tolerance_change"]
            ):
                break
        return first_loss

    def _along(self, closure, direction):
        """A function from step length to loss and gradient there; the parameters are as before afterwards."""
        before = [p.clone() for p in self._params]

        def evaluate(length):
            self._move(length, direction)
            loss = _as_float(closure())
            grad = self._flat_grad()
            for p, value in zip(self._params, before):
                p.copy_(value)
            return loss, grad

        return evaluate
