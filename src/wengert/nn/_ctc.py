"""Connectionist temporal classification (Graves et al. 2006): the loss of sequences without alignment.

Between the labels of a target stand blanks: S labels make 2 S + 1 places. alpha[t, s] is the log probability of all paths that have
emitted the places up to s at time t, beta[t, s] of all that go on from s at t; both are recurrences over t, for all samples
and places at once.
"""

from .. import Tensor, arange, as_tensor, cat, full, int64, logaddexp, logsumexp, stack, where, zeros_like
from ..autograd import Function
from ..autograd.function import once_differentiable
from ._reduction import check

__all__ = ["ctc_loss"]

_NEVER = float("-inf")


def _recurrence(emitted, allowed, start):
    """(T, N, L) log probabilities: x[t] = emitted[t] + log(exp x[t-1][s] + exp x[t-1][s-1] + allowed exp x[t-1][s-2]).

    Args:
        emitted: (T, N, L). allowed: (N, L), 0 where a step of two is allowed, else -inf.
        start: function of t: None, or (mask, values) of samples that begin at t.
    """
    T, N, L = emitted.shape
    edge = emitted.new_full((N, 2), _NEVER)
    rows = []
    x = emitted.new_full((N, L), _NEVER)
    for t in range(T):
        begun = start(t)
        if t > 0:
            wide = cat([edge, x], 1)
            x = logaddexp(logaddexp(x, wide[:, 1:-1]), wide[:, :-2] + allowed) + emitted[t]
        if begun is not None:
            mask, values = begun
            x = values if mask is None else where(mask, values, x)
        rows.append(x)
    return stack(rows) if rows else emitted.new_empty((0, N, L))


class CtcLoss(Function):
    """(losses of the samples); the gradient is that of log_softmax's argument, as PyTorch's: exp(log_probs) - posterior."""

    @staticmethod
    def forward(ctx, log_probs, labels, input_lengths, target_lengths, zero_infinity):
        T, N, _ = log_probs.shape
        L = labels.shape[1]
        place = arange(L)
        emitted = log_probs.gather(2, labels.expand(T, N, L)) if T else log_probs.new_empty((0, N, L))
        # A step of two skips a blank between labels that differ.
        repeated = cat([full((N, 2), True), labels[:, 2:] == labels[:, :-2]], 1)[:, :L]
        allowed = zeros_like(emitted[0] if T else log_probs.new_zeros((N, L))).masked_fill(repeated, _NEVER)
        used = 2 * target_lengths.unsqueeze(1) + 1
        first = (place < 2) & (place < used)
        alpha = _recurrence(emitted, allowed, lambda t: (None, emitted[0].masked_fill(~first, _NEVER)) if t == 0 else None)
        last = (place >= used - 2) & (place < used)
        at_end = alpha[(input_lengths - 1).clamp(min=0), arange(N)] if T else log_probs.new_full((N, L), _NEVER)
        loss = -logsumexp(at_end.masked_fill(~last, _NEVER), 1)
        nothing = input_lengths == 0
        loss = where(nothing, where(target_lengths == 0, 0.0, float("inf")).to(loss.dtype), loss)
        ctx.save_for_backward(log_probs, labels, input_lengths, alpha, emitted, allowed, last, loss)
        ctx.zero_infinity = zero_infinity
        return where(loss == float("inf"), 0.0, loss) if zero_infinity else loss.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        log_probs, labels, input_lengths, alpha, emitted, allowed, last, loss = ctx.saved_tensors
        T, N, L = alpha.shape
        # Backwards in time and in places, so that it is the same recurrence: a step of two is allowed from where it ends.
        skips = allowed.flip(1).roll(2, 1) if L > 2 else allowed
        reverse = emitted.flip(0).flip(2)
        last = last.flip(1)

        def start(t):
            begins = input_lengths == T - t
            return (begins.unsqueeze(1), reverse[t].masked_fill(~last, _NEVER)) if begins.any() else None

        beta = _recurrence(reverse, skips, start).flip(0).flip(2)
        through = (alpha + beta - emitted).masked_fill(emitted == _NEVER, _NEVER)
        posterior = (through + loss.unsqueeze(1)).exp()
        gradient = log_probs.exp().scatter_add(2, labels.expand(T, N, L), -posterior)
        gradient = gradient * g.unsqueeze(1)
        over = arange(T).view(-1, 1, 1) >= input_lengths.view(1, -1, 1)
        if ctx.zero_infinity:
            over = over | (loss == float("inf")).view(1, -1, 1)
        return gradient.masked_fill(over, 0.0), None, None, None, None


def _labels(targets, lengths, blank):
    """(N, 2 max(lengths) + 1): the targets with blanks between them."""
    longest = int(lengths.max().item()) if lengths.numel() else 0
    if targets.dim() == 1:
        begins = lengths.cumsum(0) - lengths
        places = (begins.unsqueeze(1) + arange(longest)).clamp(max=max(targets.numel() - 1, 0))
        rows = targets[places] if targets.numel() else targets.new_zeros((lengths.numel(), longest))
    else:
        rows = targets[:, :longest]
    inside = arange(longest) < lengths.unsqueeze(1)
    rows = where(inside, rows.to(int64), blank)
    blanks = rows.new_full(rows.shape, blank)
    return cat([stack([blanks, rows], 2).reshape(lengths.numel(), 2 * longest), rows.new_full((lengths.numel(), 1), blank)], 1)


def _lengths(value, name):
    if isinstance(value, Tensor):
        if value.is_floating_point():
            raise TypeError(f"ctc_loss(): {name}_lengths must be a tensor of integers, got {value.dtype}")
        return value.reshape(-1).to(int64)
    return as_tensor(list(value) if isinstance(value, (list, tuple)) else [value], dtype=int64)


def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    """-log of the probability that a path through ``log_probs`` gives the target, without blanks and repetitions.

    Shapes: log_probs (T, N, C) or (T, C), from `log_softmax`; targets (N, S) with S at least the longest, all targets one after
    the other in (sum of lengths,), or (S,); lengths (N,), a tuple, or ().

    Args:
        blank (int): the class of blanks, which targets do not contain.
        reduction (str): "none", "sum", or "mean": losses divided by the targets' lengths, then averaged.
        zero_infinity (bool): infinite losses (the target does not fit into the input) and their gradients become zero.

    Raises:
        RuntimeError: shapes or lengths that do not fit. ValueError: another reduction.
        TypeError, NotImplementedError: dtypes that do not.
    """
    check(reduction)
    if log_probs.dim() not in (2, 3):
        raise RuntimeError(f"Expected 3-dimensional tensor, but got {log_probs.dim() + 1}-dimensional tensor for argument #1 'log_probs' "
                           "(while checking arguments for ctc_loss_allocate_outputs)")
    if not log_probs.is_floating_point():
        raise NotImplementedError(f'"ctc_loss_cpu" not implemented for \'{log_probs.type()[6:-6]}\'')
    batched = log_probs.dim() == 3
    if not batched:
        log_probs, targets = log_probs.unsqueeze(1), targets.unsqueeze(0) if targets.dim() == 1 else targets
    T, N, C = log_probs.shape
    inputs, lengths = _lengths(input_lengths, "input"), _lengths(target_lengths, "target")
    if not 0 <= blank < C:
        raise RuntimeError("blank must be in label range")
    if inputs.numel() != N:
        raise RuntimeError("input_lengths must be of size batch_size")
    if lengths.numel() != N:
        raise RuntimeError("target_lengths must be of size batch_size")
    for b, n in enumerate(lengths.tolist()):
        if n < 0:
            raise RuntimeError(f"Expected target_lengths to have value at least 0, but got value {n} (while checking arguments for "
                               "ctc_loss_allocate_outputs)")
    if targets.dim() == 1:
        if targets.numel() != lengths.sum():
            raise RuntimeError(f"Expected tensor to have size {lengths.sum().item()} at dimension 0, but got size {targets.numel()} for "
                               "argument #2 'targets' (while checking arguments for ctc_loss_allocate_outputs)")
    elif targets.dim() != 2 or targets.shape[0] != N:
        raise RuntimeError(f"Expected tensor to have size {N} at dimension 0, but got size {targets.shape[0]} for argument #2 'targets' "
                           "(while checking arguments for ctc_loss_allocate_outputs)")
    elif N and lengths.max() > targets.shape[1]:
        raise RuntimeError(f"Expected tensor to have size at least {lengths.max().item()} at dimension 1, but got size {targets.shape[1]} "
                           "for argument #2 'targets' (while checking arguments for ctc_loss_allocate_outputs)")
    for b, n in enumerate(inputs.tolist()):
        if n < 0:
            raise RuntimeError(f"Expected input_lengths to have value at least 0, but got value {n} (while checking arguments for "
                               "ctc_loss_allocate_outputs)")
        if n > T:
            raise RuntimeError(f"Expected input_lengths to have value at most {T}, but got value {n} (while checking arguments for "
                               "ctc_loss_allocate_outputs)")
    loss = CtcLoss.apply(log_probs, _labels(targets, lengths, blank), inputs, lengths, zero_infinity)
    if reduction == "mean":
        return (loss / lengths.clamp(min=1).to(loss.dtype)).mean()
    if reduction == "sum":
        return loss.sum()
    return loss if batched else loss.squeeze(0)
