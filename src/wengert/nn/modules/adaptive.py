"""Softmax over many classes in clusters: the frequent ones in the head, the rest in tails of fewer features."""

from collections import namedtuple

from ... import arange, argmax, cat
from .. import functional as F
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """An efficient approximation of softmax over many classes, sorted by falling frequency (Grave et al. 2017).

    Classes below ``cutoffs[0]`` stand in the head; between two cutoffs they form a cluster, whose features are divided by
    ``div_value`` once more than those of the cluster before.

    Shapes: input (N, in_features) or (in_features,), target (N,) or (); result (output, loss): the targets' log probabilities
    and their negated mean.

    Args:
        in_features, n_classes (int): sizes. cutoffs: rising, between 1 and n_classes - 1. div_value (float): see above.
        head_bias (bool): whether the head has a bias. device, dtype: of the parameters.

    Raises:
        ValueError: cutoffs that are not as they must be.
    """

    def __init__(self, in_features, n_classes, cutoffs, div_value=4.0, head_bias=False, device=None, dtype=None):
        super().__init__()
        cutoffs = list(cutoffs)
        if len(cutoffs) == 0:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if (cutoffs != sorted(cutoffs) or min(cutoffs) <= 0 or max(cutoffs) > n_classes - 1 or len(set(cutoffs)) != len(cutoffs)
                or any(int(c) != c for c in cutoffs)):
            raise ValueError("cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each value is "
                             "between 1 and n_classes-1")
        options = {"device": device, "dtype": dtype}
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = cutoffs + [n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, **options)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            width = int(in_features // (div_value ** (i + 1)))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(Sequential(Linear(in_features, width, bias=False, **options), Linear(width, size, bias=False, **options)))

    def reset_parameters(self):
        """Draws all weights anew."""
        self.head.reset_parameters()
        for narrow, wide in self.tail:
            narrow.reset_parameters()
            wide.reset_parameters()

    def forward(self, input_, target_):
        """(output, loss).

        Raises:
            RuntimeError: shapes that do not fit, targets that are no classes.
        """
        if target_.dim() == 1:
            if input_.size(0) != target_.size(0):
                raise RuntimeError("Input and target should have the same size in the batch dimension.")
            if input_.dim() != 2:
                raise RuntimeError(f"1D target tensor expects 2D input tensors, but found inputs with size {input_.size()}")
        elif target_.dim() == 0:
            if input_.dim() != 1:
                raise RuntimeError(f"0D target tensor expects 1D input tensors, but found inputs with size {input_.size()}")
        else:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        batched = target_.dim() > 0
        input = input_ if batched else input_.unsqueeze(0)
        target = target_ if batched else target_.unsqueeze(0)
        if target.numel() and (target.min() < 0 or target.max() >= self.n_classes):
            raise RuntimeError(f"Target values should be in [0, {self.n_classes - 1}], but values in range [{target.min().item()}, "
                               f"{target.max().item()}] were found. ")
        # The place in the head: of the class itself, or of its cluster.
        place, pieces, rows = target.clone(), [], []
        for i, cluster in enumerate(self.tail):
            low, high = self.cutoffs[i], self.cutoffs[i + 1]
            row = ((target >= low) & (target < high)).nonzero().squeeze(1)
            if row.numel():
                place[row] = self.shortlist_size + i
                log_probs = F.log_softmax(cluster(input.index_select(0, row)), dim=1)
                pieces.append(log_probs.gather(1, (target[row] - low).unsqueeze(1)).squeeze(1))
                rows.append(row)
        output = F.log_softmax(self.head(input), dim=1).gather(1, place.unsqueeze(1)).squeeze(1)
        if rows:
            output = output.index_add(0, cat(rows), cat(pieces))
        loss = (-output).mean()
        return _ASMoutput(output if batched else output.squeeze(0), loss)

    def _get_full_log_prob(self, input, head_output):
        head = F.log_softmax(head_output, dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, cluster in enumerate(self.tail):
            parts.append(F.log_softmax(cluster(input), dim=1) + head[:, self.shortlist_size + i].unsqueeze(1))
        return cat(parts, 1)

    def log_prob(self, input):
        """(N, n_classes): the log probabilities of all classes."""
        return self._get_full_log_prob(input, self.head(input))

    def predict(self, input):
        """(N,): the most probable classes; clusters are looked into only where the head asks for one."""
        head = self.head(input)
        best = argmax(head, dim=1)
        rows = arange(input.size(0))[best >= self.shortlist_size]
        if rows.numel():
            best = best.index_copy(0, rows, argmax(self._get_full_log_prob(input[rows], head[rows]), dim=1))
        return best
