"""The loader: batches of a data set in the order of a sampler."""
import collections
import itertools
import math
import os
import warnings

from ... import Tensor, empty, int64, tensor
from ._utils.collate import default_collate, default_convert
from ._utils.fetch import make_fetcher
from ._utils.worker import get_worker_info
from .dataset import IterableDataset, Subset, TensorDataset
from .sampler import BatchSampler, RandomSampler, SequentialSampler, index_batches

__all__ = ["DataLoader", "get_worker_info", "default_collate", "default_convert"]


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


def _check_context(context, num_workers):
    """The multiprocessing context that an option names or is."""
    if context is None:
        return None
    if num_workers == 0:
        raise ValueError("multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
                         f"num_workers={num_workers}")
    import multiprocessing
    if isinstance(context, str):
        methods = multiprocessing.get_all_start_methods()
        if context not in methods:
            raise ValueError(f"multiprocessing_context option should specify a valid start method in {methods!r}, but got "
                             f"multiprocessing_context={context!r}")
        return multiprocessing.get_context(context)
    if not isinstance(context, multiprocessing.context.BaseContext):
        raise TypeError("multiprocessing_context option should be a valid context object or a string specifying the start method, "
                        f"but got multiprocessing_context={context}")
    return context


def _cores():
    """How many this process may use, and whether that is known for the process itself."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)), True
    return os.cpu_count(), False


class DataLoader:
    """Batches of a data set.

    Without a sampler the order is 0 to n - 1, or with ``shuffle`` a random one, drawn from ``generator``. Given the same
    seed, order and batches are PyTorch's. Batches of a `TensorDataset` (or Subsets of one) are gathered by index, one
    operation a tensor, instead of sample by sample; without a ``worker_init_fn`` that is done in this process whatever ``num_workers``
    says, as sending such a batch costs more than making it.

    Args:
        dataset: a Dataset, an IterableDataset, or anything with ``__getitem__`` and ``__len__``.
        batch_size: samples a batch; None hands out single samples.
        shuffle, sampler: the order; one or the other.
        batch_sampler: the batches, as lists of indices; then neither of the four before.
        num_workers: processes that make batches ahead of time; with 0 they are made in this process, when asked for. Each
            worker's random streams start at a seed drawn here plus its number.
        collate_fn: from a list of samples to a batch; `default_collate`, or without batches `default_convert`.
        pin_memory, pin_memory_device: accepted; there is no device to copy to.
        drop_last: leave out a last, smaller batch.
        timeout: seconds to wait for a worker's batch; 0 for any time.
        worker_init_fn: called in each worker with its number, first of all.
        multiprocessing_context: how processes start, a context of multiprocessing or its name.
        prefetch_factor: batches that each worker makes ahead: 2.
        persistent_workers: keep the processes from epoch to epoch.
        in_order: with False, batches are handed out as workers complete them.

    Raises:
        ValueError: options that exclude each other, negative numbers.
        RuntimeError (while iterating): a worker died, or took longer than ``timeout``. What a worker raises is raised here,
            with its traceback in the message.
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
        self.timeout, self.worker_init_fn = timeout, worker_init_fn
        self.multiprocessing_context = _check_context(multiprocessing_context, num_workers)
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
        self._iterator = self._length_told = None
        self._made = True
        self.check_worker_number_rationality()

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
        n = self._length_told = len(self.dataset)
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else math.ceil(n / self.batch_size)

    def check_worker_number_rationality(self):
        """Warns if there are more workers than cores."""
        cores, exact = _cores()
        if self.num_workers > (cores or 0):
            warnings.warn(
                f"This DataLoader will create {self.num_workers} worker processes in total. Our suggested max number of worker in current "
                f"system is {cores}{'' if exact else ' (`cpuset` is not taken into account)'}, which is smaller than what this DataLoader is "
                "going to create. Please be aware that excessive worker creation might get DataLoader running slow or even freeze, "
                "lower the worker number to avoid potential slowness/freeze if necessary.", stacklevel=3)

    def __iter__(self):
        gather = self._gather() if self.worker_init_fn is None else None
        if self.num_workers and gather is None:
            return self._iterate_with_workers()
        indices = iter(self._index_sampler) if gather is None else None
        # the seed that workers would get: drawn to keep the stream where PyTorch's is
        empty((), dtype=int64).random_(generator=self.generator)
        if gather is not None:
            tensors, maps, batches = gather
            if self.num_workers:                            # samplers are asked as far ahead as workers would need
                batches = _ahead(batches, self.num_workers * self.prefetch_factor)
            return self._gathered(tensors, maps, batches)
        fetch = make_fetcher(*self._fetching())
        return self._counted(self._iterate(fetch, indices)) if self._iterable else map(fetch, indices)

    def _fetching(self):
        return self.dataset, self._auto_collation, self.collate_fn, self.drop_last

    def _iterate_with_workers(self):
        from ._workers import WorkerIterator
        if self.persistent_workers and self._iterator is not None and not self._iterator.ended:
            self._iterator.begin()
            return self._counted(self._iterator) if self._iterable else self._iterator
        self.check_worker_number_rationality()
        iterator = WorkerIterator(self)
        if self.persistent_workers:
            self._iterator = iterator
        return self._counted(iterator) if self._iterable else iterator

    @staticmethod
    def _iterate(fetch, indices):
        """Over an IterableDataset."""
        for index in indices:
            try:
                batch = fetch(index)
            except StopIteration:
                return
            yield batch

    def _counted(self, batches):
        """Warns for each batch beyond the length that an IterableDataset told."""
        for n, batch in enumerate(batches, 1):
            if self._length_told is not None and n > self._length_told:
                text = (f"Length of IterableDataset {self.dataset} was reported to be {self._length_told}(when accessing len(dataloader)), "
                        f"but {n} samples have been fetched. ")
                if self.num_workers:
                    text += ("For multiprocessing data-loading, this could be caused by not properly configuring the IterableDataset replica "
                             "at each worker. Please see https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset "
                             "for examples.")
                warnings.warn(text, stacklevel=2)
            yield batch

    def _gather(self):
        """What `_gathered` takes, if batches by index_select are the same as collated rows; else None."""
        if self.collate_fn is not default_collate or self.batch_sampler is None:
            return None
        dataset, maps = self.dataset, []
        while type(dataset) is Subset:
            maps.append((dataset.indices, len(dataset.dataset)))
            dataset = dataset.dataset
        if type(dataset) is not TensorDataset or any(type(t) is not Tensor for t in dataset.tensors):
            return None
        batches = index_batches(self.batch_sampler)
        return dataset.tensors, maps, iter(self.batch_sampler) if batches is None else batches

    def _gathered(self, tensors, maps, batches):
        """For each batch of indices the list of those rows, the indices first led through the maps of Subsets."""
        n, whole, fetch = len(self.dataset), None, None
        for indices, size in maps[::-1]:                    # from the tensors outwards: one map in all
            indices = _not_negative(_as_indices(list(indices)), size)
            whole = indices if whole is None else whole.index_select(0, indices)
        for index in batches:
            if isinstance(index, list):
                if any(type(i) is not int for i in index):
                    fetch = fetch or make_fetcher(*self._fetching())
                    yield fetch(index)
                    continue
                index = _not_negative(_as_indices(index), n)
            if whole is not None:
                index = whole.index_select(0, index)
            yield [t.index_select(0, index) for t in tensors]


def _ahead(values, n):
    """The same values, each drawn when the one n places before it is asked for, and the first n at once."""
    values = iter(values)
    drawn = collections.deque(itertools.islice(values, n))

    def rest():
        while drawn:
            value = drawn.popleft()
            drawn.extend(itertools.islice(values, 1))
            yield value
    return rest()


def _as_indices(numbers):
    return tensor([int(i) for i in numbers], dtype=int64)


def _not_negative(indices, n):
    """Counted from the start, those that count from the end."""
    return indices.where(indices >= 0, indices + n)
