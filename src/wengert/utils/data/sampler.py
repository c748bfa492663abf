"""Samplers: the order in which a loader asks for samples.

Those that know their indices many at a time hand them out as tensors by ``_pieces``; ``__iter__`` says the same one by one.
A piece is drawn only when an index of it is asked for, so that a generator shared with other code stands, at every
moment, where PyTorch's would.
"""
import itertools

from ... import Generator, arange, as_tensor, empty, float64, int64, multinomial, randint, randperm

__all__ = ["Sampler", "SequentialSampler", "RandomSampler", "SubsetRandomSampler", "WeightedRandomSampler", "BatchSampler"]


class Sampler:
    """Iterates over indices (or, in the place of ``batch_sampler``, over lists of them): subclasses define ``__iter__``."""

    def __class_getitem__(cls, item):
        return cls

    def __init__(self, data_source=None):
        pass

    def __iter__(self):
        raise NotImplementedError


class _InPieces(Sampler):
    """A sampler that has ``_pieces()``: int64 tensors of one dimension, in order."""

    def __iter__(self):
        for piece in self._pieces():
            yield from piece.tolist()


class SequentialSampler(_InPieces):
    """0 to n - 1."""

    def __init__(self, data_source):
        self.data_source = data_source

    def _pieces(self):
        yield arange(len(self.data_source))

    def __iter__(self):
        return iter(range(len(self.data_source)))

    def __len__(self):
        return len(self.data_source)


def _check_count(num_samples):
    if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
        raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")


class RandomSampler(_InPieces):
    """Indices in random order.

    Args:
        data_source: what has the length.
        replacement: draw each anew; else permutations, as many as ``num_samples`` needs.
        num_samples: how many; by default the length.
        generator: the random stream; without one, each epoch's own is seeded from the default stream.

    Raises:
        TypeError: ``replacement`` is no bool.
        ValueError: ``num_samples`` is not positive.
    """

    def __init__(self, data_source, replacement=False, num_samples=None, generator=None):
        self.data_source, self.replacement, self._num_samples, self.generator = data_source, replacement, num_samples, generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        _check_count(self.num_samples)

    @property
    def num_samples(self):
        """How many indices an epoch has."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def _pieces(self):
        n, count, generator = len(self.data_source), self.num_samples, self.generator
        if generator is None:
            generator = Generator()
            generator.manual_seed(int(empty((), dtype=int64).random_().item()))
        if self.replacement:
            for _ in range(count // 32):
                yield randint(n, (32,), generator=generator)
            yield randint(n, (count % 32,), generator=generator)
        else:
            for _ in range(count // n):
                yield randperm(n, generator=generator)
            # drawn when nothing of it is needed, too: a generator that lives longer than the epoch must move on as PyTorch's
            yield randperm(n, generator=generator)[:count % n]

    def __len__(self):
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given indices in random order."""

    def __init__(self, indices, generator=None):
        self.indices, self.generator = indices, generator

    def __iter__(self):
        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self):
        return len(self.indices)


class WeightedRandomSampler(_InPieces):
    """Indices drawn with weights, which need not sum to one.

    Raises:
        ValueError: ``num_samples`` is not positive, ``replacement`` is no bool, the weights are not one-dimensional.
    """

    def __init__(self, weights, num_samples, replacement=True, generator=None):
        _check_count(num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        weights = as_tensor(weights, dtype=float64)
        if weights.dim() != 1:
            raise ValueError(f"weights should be a 1d sequence but given weights have shape {tuple(weights.shape)}")
        self.weights, self.num_samples, self.replacement, self.generator = weights, num_samples, replacement, generator

    def _pieces(self):
        yield multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)

    def __len__(self):
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of ``batch_size`` indices of another sampler.

    Args:
        sampler: any iterable.
        drop_last: leave out a last, smaller one.

    Raises:
        ValueError: ``batch_size`` is not positive, ``drop_last`` is no bool.
    """

    def __init__(self, sampler, batch_size, drop_last):
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self):
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self):
        n = len(self.sampler)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


#: Whose ``_pieces`` are the indices (a subclass may have changed ``__iter__``).
_KNOWN = (SequentialSampler, RandomSampler, WeightedRandomSampler)


def index_batches(batch_sampler):
    """The batches of a BatchSampler as int64 tensors; None if they can only be had as lists."""
    if type(batch_sampler) is not BatchSampler or type(batch_sampler.sampler) not in _KNOWN:
        return None
    return _cut(batch_sampler.sampler._pieces(), batch_sampler.batch_size, batch_sampler.drop_last)


def _cut(pieces, size, drop_last):
    """Tensors of ``size`` indices from tensors of any length; the next piece is only asked for when it is needed."""
    from ... import cat
    rest = next(pieces, None)
    at = 0
    while rest is not None:
        while rest.size(0) - at < size:
            piece = next(pieces, None)
            if piece is None:
                if rest.size(0) > at and not drop_last:
                    yield rest[at:]
                return
            rest, at = (cat([rest[at:], piece]) if rest.size(0) > at else piece), 0
        yield rest[at:at + size]
        at += size
