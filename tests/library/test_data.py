"""Data sets, samplers and the loader give PyTorch's batches in PyTorch's order."""
import collections
import subprocess
import sys

import numpy as np
import pytest
from batches_like_torch import both, pairs

import wengert
import wengert.utils.data

Point = collections.namedtuple("Point", "x y")


def rows(lib, n=10):
    """A data set that is read sample by sample."""
    class Rows(lib.utils.data.Dataset):
        def __getitem__(self, i):
            return {"x": lib.full((2,), float(i)), "n": i, "f": i / 2, "s": str(i)}

        def __len__(self):
            return n
    return Rows()


OPTIONS = [
    "batch_size=4", "batch_size=4, shuffle=True", "batch_size=5, shuffle=True", "batch_size=4, shuffle=True, drop_last=True",
    "batch_size=None", "batch_size=None, shuffle=True", "batch_size=3, sampler=d.RandomSampler(range(10), replacement=True, num_samples=70)",
    "batch_size=3, sampler=d.RandomSampler(range(10), num_samples=25)", "batch_size=4, sampler=d.RandomSampler(range(10), num_samples=3)",
    "sampler=d.SubsetRandomSampler([7, 3, 5])", "batch_size=2, sampler=[-1, 3, 0]",
    "batch_size=4, sampler=d.WeightedRandomSampler([.1] * 9 + [5.], 10)",
    "batch_size=4, sampler=d.WeightedRandomSampler([.1] * 9 + [5.], 6, replacement=False)",
    "batch_sampler=[[1, 2], [3], [-2, 9, 0]]", "batch_sampler=d.BatchSampler(d.SequentialSampler(range(10)), 3, True)",
    "batch_size=4, collate_fn=lambda b: [len(b), b[0]]",
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("make", [pairs, rows], ids=["tensors", "samples"])
def test_batches_of_two_epochs(make, options):
    def run(lib, d):
        loader = eval(f"d.DataLoader(make(lib), {options})", {"d": d, "make": make, "lib": lib})
        first, second = list(loader), list(loader)
        return [first, second, len(loader), lib.rand(1)]          # the default stream stands at the same place

    assert both(run)[0] == "returned"


@pytest.mark.parametrize("batch_size", [3, 5, 20])
@pytest.mark.parametrize("replacement", [False, True])
def test_a_generator_moves_as_pytorchs(batch_size, replacement):
    def run(lib, d):
        g = lib.Generator()
        g.manual_seed(3)
        sampler = d.RandomSampler(range(10), replacement=replacement, num_samples=45, generator=g)
        seen = []
        for batch in d.DataLoader(pairs(lib), batch_size=batch_size, sampler=sampler, generator=g):
            seen += [batch, lib.rand(1, generator=g)]
        return seen

    assert both(run)[0] == "returned"


def test_an_epoch_left_early():
    def run(lib, d):
        loader = d.DataLoader(pairs(lib), batch_size=3, shuffle=True)
        return [next(iter(loader)), next(iter(loader)), lib.rand(1)]

    assert both(run)[0] == "returned"


@pytest.mark.parametrize("lengths", ["[3, 7]", "[0.5, 0.5]", "[0.25, 0.25, 0.5]", "[0.31, 0.31, 0.38]"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_random_split(lengths, shuffle):
    def run(lib, d):
        parts = d.random_split(pairs(lib), eval(lengths))
        again = d.random_split(parts[-1], [2, len(parts[-1]) - 2], generator=lib.Generator().manual_seed(5))
        return [[list(p.indices) for p in parts + again], [list(d.DataLoader(p, 2, shuffle)) for p in parts + again]]

    assert both(run)[0] == "returned"


def test_subsets_counted_from_the_end():
    def run(lib, d):
        inner = d.Subset(pairs(lib), [-1, 0, 4, -3])
        return [list(d.DataLoader(d.Subset(inner, [-1, 1, -4]), 2)), inner[[0, 1]], len(inner)]

    assert both(run)[0] == "returned"


def test_sets_of_sets():
    def run(lib, d):
        whole = pairs(lib) + pairs(lib, 3)
        stacked = d.StackDataset(pairs(lib), range(10))
        named = d.StackDataset(a=range(3), b=["x", "y", "z"])
        return [[whole[i] for i in (0, 9, 10, 12, -1, -4)], len(whole), list(d.DataLoader(stacked, 4)), list(d.DataLoader(named, 2)),
                list(d.DataLoader(whole, 4, shuffle=True))]

    assert both(run)[0] == "returned"


@pytest.mark.parametrize("options", ["batch_size=3", "batch_size=3, drop_last=True", "batch_size=None"])
def test_iterable_sets(options):
    def run(lib, d):
        class Count(d.IterableDataset):
            def __iter__(self):
                return iter(range(7))

            def __len__(self):
                return 7
        loader = eval(f"d.DataLoader(Count(), {options})", {"d": d, "Count": Count})
        return [list(loader), len(loader), list(Count() + Count())]

    assert both(run)[0] == "returned"


@pytest.mark.parametrize("text", [
    "d.DataLoader(range(3), batch_size=0)", "d.DataLoader(range(3), batch_size=2.5)", "d.DataLoader(range(3), num_workers=-1)",
    "d.DataLoader(range(3), shuffle=True, sampler=[1])", "d.DataLoader(range(3), batch_size=2, batch_sampler=[[1]])",
    "d.DataLoader(range(3), batch_size=None, drop_last=True)", "d.DataLoader(range(3), timeout=-1)",
    "d.DataLoader(range(3), persistent_workers=True)", "setattr(d.DataLoader(range(3)), 'batch_size', 3)",
    "d.DataLoader([], shuffle=True)", "d.RandomSampler(range(3), replacement=1)", "d.RandomSampler(range(3), num_samples=0)",
    "d.WeightedRandomSampler([[.5]], 2)", "d.WeightedRandomSampler([.5], 0)", "d.WeightedRandomSampler([.5], 1, 3)",
    "d.BatchSampler([1], 2, 3)", "d.TensorDataset(lib.ones(2), lib.ones(3))", "d.ConcatDataset([])",
    "d.StackDataset([1], [1, 2])", "d.StackDataset()", "d.random_split(range(4), [1, 2])", "d.random_split(range(4), [-.5, .8, .7])",
    "(d.ConcatDataset([range(3)]))[-4]", "d.default_collate([object])", "d.default_collate([[1], [1, 2]])", "d.Dataset()[0]",
    "d.DistributedSampler(range(4), 2, 2)",
])
def test_errors(text):
    assert both(lambda lib, d: eval(text, {"d": d, "lib": lib}))[0] == "raised"


@pytest.mark.parametrize("batch", [
    [1, 2], [1.5, 2.0], [True, False], ["a", "b"], [(1, 2.0), (3, 4.0)], [[1, "a"], [2, "b"]], [{"a": 1, "b": (2.0,)}] * 2,
    [Point(1, 2.0), Point(3, 4.0)], [np.ones((2,), np.float32)] * 2, [np.float64(2.5), np.float64(1)], [np.int32(2), np.int32(1)],
    [collections.OrderedDict(a=1)] * 2,
])
def test_collation(batch):
    assert both(lambda lib, d: [d.default_collate(batch), [d.default_convert(x) for x in batch]])[0] == "returned"


def test_shares_of_processes():
    def run(lib, d):
        samplers = [d.DistributedSampler(range(11), 3, rank, drop_last=drop) for rank in range(3) for drop in (False, True)]
        for s in samplers:
            s.set_epoch(2)
        return [[list(s), len(s)] for s in samplers]

    assert both(run)[0] == "returned"


def test_batches_own_their_memory():
    x = wengert.arange(6.0)
    for shuffle in (False, True):
        for batch, in wengert.utils.data.DataLoader(wengert.utils.data.TensorDataset(x), batch_size=2, shuffle=shuffle):
            batch.zero_()
    assert x.tolist() == [0, 1, 2, 3, 4, 5]


def test_whole_batches_are_gathered(monkeypatch):
    monkeypatch.setattr(wengert.utils.data.TensorDataset, "__getitem__", None)
    assert len(list(wengert.utils.data.DataLoader(pairs(wengert), 4, shuffle=True))) == 3


def test_it_is_loaded_when_asked_for():
    code = "import sys, wengert; a = 'wengert.utils.data' in sys.modules; wengert.utils.data.DataLoader; print(a, 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False False\n"
