"""From an index, or the indices of a batch, to what the loader hands out: in the process of the program or of a worker."""
import itertools

from ..dataset import IterableDataset

__all__ = ["IterableFetcher", "MapFetcher", "make_fetcher"]


class _Fetcher:
    """What both kinds hold: the data set, whether samples are put together to batches, by what, and whether a short batch is dropped."""

    def __init__(self, dataset, auto_collation, collate_fn, drop_last):
        self.dataset, self.auto_collation, self.collate_fn, self.drop_last = dataset, auto_collation, collate_fn, drop_last


class MapFetcher(_Fetcher):
    """The sample of an index, or the batch of a list of them."""

    def __call__(self, index):
        dataset = self.dataset
        if not self.auto_collation:
            return self.collate_fn(dataset[index])
        if getattr(dataset, "__getitems__", None):
            return self.collate_fn(dataset.__getitems__(index))
        return self.collate_fn([dataset[i] for i in index])


class IterableFetcher(_Fetcher):
    """The next sample, or a batch of the next ``len(index)`` ones.

    Raises:
        StopIteration: there are none left, or with ``drop_last`` too few.
    """

    def __init__(self, *options):
        super().__init__(*options)
        self.samples, self.ended = iter(self.dataset), False

    def __call__(self, index):
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.samples))
        batch = list(itertools.islice(self.samples, len(index)))
        self.ended = len(batch) < len(index)
        if not batch or (self.ended and self.drop_last):
            raise StopIteration
        return self.collate_fn(batch)


def make_fetcher(dataset, auto_collation, collate_fn, drop_last):
    """The fetcher for a data set of either kind."""
    kind = IterableFetcher if isinstance(dataset, IterableDataset) else MapFetcher
    return kind(dataset, auto_collation, collate_fn, drop_last)
