"""Sequences of different lengths in one tensor: padded, or packed time step by time step."""

from collections import namedtuple
from collections.abc import Iterable

from ... import Tensor, arange, cat, int64, tensor, zeros

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpad_sequence",
    "pack_sequence",
    "unpack_sequence",
]


def invert_permutation(permutation):
    """The permutation that undoes ``permutation`` (a vector of int64), or None for None."""
    if permutation is None:
        return None
    inverse = zeros(permutation.numel(), dtype=int64)
    return inverse.scatter(0, permutation, arange(0, permutation.numel()))


class PackedSequence(namedtuple("PackedSequence", ["data", "batch_sizes", "sorted_indices", "unsorted_indices"])):
    """Sequences laid time step by time step, the longest first. Made by :func:`pack_padded_sequence`.

    Attributes:
        data: (sum of lengths, ...). batch_sizes: how many sequences reach each time step, on the CPU.
        sorted_indices, unsorted_indices: the order of the sequences and its inverse, None if they were sorted.
    """

    __slots__ = ()

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise ValueError("Expected data to be a tuple of data and batch_sizes")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args, **kwargs):
        """The same with ``data.to(...)``."""
        return self._replace(data=self.data.to(*args, **kwargs))

    def double(self):
        """In float64."""
        return self.to(self.data.double().dtype)

    def float(self):
        """In float32."""
        return self.to(self.data.float().dtype)

    def cpu(self):
        """Itself: everything is on the CPU."""
        return self

    def pin_memory(self):
        """Itself."""
        return self

    def is_pinned(self):
        """False."""
        return False

    @property
    def is_cuda(self):
        """False."""
        return False


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    """Packs padded sequences.

    Args:
        input: (T, B, ...), or (B, T, ...) with ``batch_first``. lengths: a list or a vector of int64.
        enforce_sorted (bool): the sequences must come longest first; else they are sorted.
    """
    if not isinstance(lengths, Tensor):
        lengths = tensor(list(lengths), dtype=int64)
    lengths = lengths.to(int64)
    order = None
    if not enforce_sorted:
        lengths, order = lengths.sort(descending=True)
        input = input.index_select(0 if batch_first else 1, order)
    if batch_first:
        input = input.transpose(0, 1)
    counts = lengths.tolist()
    if len(counts) != input.size(1):
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(counts)} (batch_size={input.size(1)})"
        )
    if any(n <= 0 for n in counts):
        raise RuntimeError("Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0")
    if any(a < b for a, b in zip(counts, counts[1:])):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do "
            "not need ONNX exportability."
        )
    if counts[0] > input.size(0):
        raise RuntimeError(f"Expected lengths of at most {input.size(0)}, but got {counts[0]}")
    sizes = [sum(n > t for n in counts) for t in range(counts[0])]
    data = cat([input[t, :size] for t, size in enumerate(sizes)])
    return PackedSequence(data, tensor(sizes, dtype=int64), order)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """Undoes :func:`pack_padded_sequence`: the padded tensor and the lengths.

    Args:
        sequence (PackedSequence). padding_value: what stands after the ends. total_length (int): pad to that length.
    """
    sizes = sequence.batch_sizes.tolist()
    length = len(sizes)
    if total_length is not None:
        if total_length < length:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {length}"
            )
        length = total_length
    batch = sizes[0]
    rows = []
    for part in sequence.data.split(sizes):
        missing = batch - part.size(0)
        if missing:
            part = cat([part, part.new_full((missing, *part.size()[1:]), padding_value)])
        rows.append(part.unsqueeze(0))
    if length > len(sizes):
        shape = (length - len(sizes), batch, *sequence.data.size()[1:])
        rows.append(sequence.data.new_full(shape, padding_value))
    padded = cat(rows)
    lengths = tensor([sum(size > b for size in sizes) for b in range(batch)], dtype=int64)
    if batch_first:
        padded = padded.transpose(0, 1)
    order = sequence.unsorted_indices
    if order is not None:
        return padded.index_select(0 if batch_first else 1, order), lengths[order]
    return padded, lengths


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Stacks sequences (L_i, ...) along a new dimension, padded to the longest. Shape (T, B, ...) or (B, T, ...)."""
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: " + str(type(sequences))
        )
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    if isinstance(sequences, Tensor):
        sequences = sequences.unbind(0)
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    length = max(s.size(0) for s in sequences)
    rows = []
    for s in sequences:
        missing = length - s.size(0)
        if missing:
            filler = s.new_full((missing, *s.size()[1:]), padding_value)
            s = cat([s, filler] if padding_side == "right" else [filler, s])
        rows.append(s.unsqueeze(0 if batch_first else 1))
    return cat(rows, 0 if batch_first else 1)


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    """Undoes :func:`pad_sequence`: the list of sequences without their padding."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [row[:n] for row, n in zip(padded_sequences.unbind(0), lengths.tolist())]


def pack_sequence(sequences, enforce_sorted=True):
    """Packs a list of sequences (L_i, ...)."""
    lengths = [s.size(0) for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences):
    """The list of sequences in a :class:`PackedSequence`."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
