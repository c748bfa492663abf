"""The loader: batches of a data set in the order of a sampler."""
import itertools
import warnings

from ... import Tensor, empty, int64, tensor
from ._utils.collate import default_collate, default_convert
from .dataset import IterableDataset, Subset, TensorDataset
from .sampler import BatchSampler, RandomSampler, SequentialSampler, index_batches

__all__ = ["DataLoader", "get_worker_info", "default_collate", "default_convert"]


def get_worker_info():
    """None: batches are made in the process that asks for them."""
    return None


class _Endless:
    """The sampler of what is iterated over."""

    def __iter__(self):
        return itertools.repeat(None)


def _check_workers(num_workers, timeout, prefetch_factor, persistent_workers):
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError("prefetch_factor option could only be specified in multiprocessing."
                         "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None.")
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")
    if num_workers > 0:
        warnings.warn(f"DataLoader(num_workers={num_workers}): wengert loads batches in the process that asks for them; order and "
                      "batches are the same, worker_init_fn is not called. Set num_workers=0 to silence this.", stacklevel=3)


class DataLoader:
    """Batches of a data set.

    Without a sampler the order is 0 to n - 1, or with ``shuffle`` a random one, drawn from ``generator``. Given the same
    seed, order and batches are PyTorch's. Batches of a `TensorDataset` (or Subsets of one) are gathered by index, one
    operation a tensor, instead of sample by sample.

    Args:
        dataset: a Dataset, an IterableDataset, or anything with ``__getitem__`` and ``__len__``.
        batch_size: samples a batch; None hands out single samples.
        shuffle, sampler: the order; one or the other.
        batch_sampler: the batches, as lists of indices; then neither of the four before.
        num_workers: more than 0 warns, and makes batches in this process all the same.
        collate_fn: from a list of samples to a batch; `default_collate`, or without batches `default_convert`.
        pin_memory, pin_memory_device, multiprocessing_context, in_order: accepted; there is no device to copy to.
        drop_last: leave out a last, smaller batch.

    Raises:
        ValueError: options that exclude each other, negative numbers.
    """

    _FIXED = frozenset(("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"))
    _made = False

    def __class_getitem__(cls, item):
        return cls

    def __init__(self, dataset, batch_size=1, shuffle=None, sampler=None, batch_sampler=None, num_workers=0, collate_fn=None,
                 pin_memory=False, drop_last=False, timeout=0, worker_init_fn=None, multiprocessing_context=None, generator=None, *,
                 prefetch_factor=None, persistent_workers=False, pin_memory_device="", in_order=True):
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset, self.num_workers, self.pin_memory, self.pin_memory_device = dataset, num_workers, pin_memory, pin_memory_device
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.timeout, self.worker_init_fn, self.multiprocessing_context = timeout, worker_init_fn, multiprocessing_context
        self.in_order, self.persistent_workers, self.generator = in_order, persistent_workers, generator

        iterable = self._iterable = isinstance(dataset, IterableDataset)
        if iterable:
            for name, value, given in (("shuffle", shuffle, shuffle not in (False, None)), ("sampler", sampler, sampler is not None),
                                       ("batch_sampler", batch_sampler, batch_sampler is not None)):
                if given:
                    raise ValueError(f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last")
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if sampler is None:
            sampler = (_Endless() if iterable else RandomSampler(dataset, generator=generator) if shuffle
                       else SequentialSampler(dataset))
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size, self.drop_last, self.sampler, self.batch_sampler = batch_size, drop_last, sampler, batch_sampler
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self._made = True

    def __setattr__(self, name, value):
        if self._made and name in self._FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def _auto_collation(self):
        return self.batch_sampler is not None

    @property
    def _index_sampler(self):
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __len__(self):
        if not self._iterable:
            return len(self._index_sampler)
        n = len(self.dataset)
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self):
        gather = self._gather()
        indices = iter(self._index_sampler) if gather is None else None
        # the seed that workers would get: drawn to keep the stream where PyTorch's is
        empty((), dtype=int64).random_(generator=self.generator)
        if gather is not None:
            return gather
        return self._iterate() if self._iterable else map(self._fetch, indices)

    def _fetch(self, index):
        """The batch of a list of indices, or the sample of one."""
        dataset = self.dataset
        if self.batch_sampler is None:
            return self.collate_fn(dataset[index])
        if getattr(dataset, "__getitems__", None):
            return self.collate_fn(dataset.__getitems__(index))
        return self.collate_fn([dataset[i] for i in index])

    def _iterate(self):
        """Over an IterableDataset."""
        samples = iter(self.dataset)
        if self.batch_sampler is None:
            yield from map(self.collate_fn, samples)
            return
        while batch := list(itertools.islice(samples, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield self.collate_fn(batch)

    def _gather(self):
        """Batches by index_select, if that is the same as collating rows; else None."""
        if self.collate_fn is not default_collate or self.batch_sampler is None:
            return None
        dataset, maps = self.dataset, []
        while type(dataset) is Subset:
            maps.append((dataset.indices, len(dataset.dataset)))
            dataset = dataset.dataset
        if type(dataset) is not TensorDataset or any(type(t) is not Tensor for t in dataset.tensors):
            return None
        batches = index_batches(self.batch_sampler)
        return self._gathered(dataset.tensors, maps, iter(self.batch_sampler) if batches is None else batches)

    def _gathered(self, tensors, maps, batches):
        """For each batch of indices the list of those rows, the indices first led through the maps of Subsets."""
        n, whole = len(self.dataset), None
        for indices, size in maps[::-1]:                    # from the tensors outwards: one map in all
            indices = _not_negative(_as_indices(list(indices)), size)
            whole = indices if whole is None else whole.index_select(0, indices)
        for index in batches:
            if isinstance(index, list):
                if any(type(i) is not int for i in index):
                    yield self._fetch(index)
                    continue
                index = _not_negative(_as_indices(index), n)
            if whole is not None:
                index = whole.index_select(0, index)
            yield [t.index_select(0, index) for t in tensors]


def _as_indices(numbers):
    return tensor([int(i) for i in numbers], dtype=int64)


def _not_negative(indices, n):
    """Counted from the start, those that count from the end."""
    return indices.where(indices >= 0, indices + n)
