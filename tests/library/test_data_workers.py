"""Batches made by worker processes: PyTorch's, in PyTorch's order, and its words when a worker fails."""
import gc
import multiprocessing
import os
import random
import re
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from batches_like_torch import LIBRARIES, both, pairs, plain

import wengert
import wengert.utils.data

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")


def drawing(lib, n=23):
    """A data set that says which worker and which random streams made a sample."""
    class Drawing(lib.utils.data.Dataset):
        def __getitem__(self, i):
            return {"x": lib.full((300,), float(i)), "lib": lib.rand(2), "numpy": np.random.rand(), "python": random.random(),
                    "i": i, "worker": lib.utils.data.get_worker_info().id, "s": str(i)}

        def __len__(self):
            return n
    return Drawing()


def counting(lib, n=17):
    class Counting(lib.utils.data.IterableDataset):
        def __iter__(self):
            info = lib.utils.data.get_worker_info()
            return (lib.tensor([i, info.id]) for i in range(info.id, n, info.num_workers))
    return Counting()


class Failing(wengert.utils.data.Dataset):
    """Sample 3 does something else."""

    def __init__(self, act):
        self.act = act

    def __getitem__(self, i):
        return self.act() if i == 3 else i

    def __len__(self):
        return 8


def loader(dataset, **options):
    return wengert.utils.data.DataLoader(dataset, **options)


def exit_with_7():
    os._exit(7)


def kill():
    os.kill(os.getpid(), 9)


def sleep():
    time.sleep(60)


def unsendable():
    return lambda: 0


def no_key():
    raise KeyError("k")


def wrong():
    raise ValueError("no such sample")


def undecodable():
    raise UnicodeDecodeError("utf8", b"x", 0, 1, "why")


@pytest.mark.parametrize("options", ["batch_size=4, num_workers=2, shuffle=True", "batch_size=5, num_workers=3, prefetch_factor=1, drop_last=True",
                                     "batch_size=None, num_workers=2", "batch_size=4, num_workers=2, persistent_workers=True, shuffle=True"])
def test_epochs(options):
    def run(lib, d):
        batches = eval(f"d.DataLoader(x, {options})", {"d": d, "x": drawing(lib)})
        return [[[plain(b) for b in batches] for _ in range(2)], lib.rand(1)]

    assert both(run)[0] == "returned"


@pytest.mark.parametrize("options", ["batch_size=3, num_workers=2", "batch_size=None, num_workers=3", "batch_size=3, num_workers=2, drop_last=True",
                                     "batch_size=2, num_workers=2, persistent_workers=True"])
def test_epochs_of_what_is_iterated_over(options):
    def run(lib, d):
        batches = eval(f"d.DataLoader(x, {options})", {"d": d, "x": counting(lib)})
        return [[plain(b) for b in batches] for _ in range(2)]

    assert both(run)[0] == "returned"


def test_an_epoch_that_was_left_does_not_leak_into_the_next():
    batches = loader(drawing(wengert), batch_size=4, num_workers=2, persistent_workers=True)
    for batch in batches:
        break
    assert [b["i"][0].item() for b in batches] == [0, 4, 8, 12, 16, 20]


@pytest.mark.parametrize("options", ["num_workers=2", "num_workers=2, prefetch_factor=4", "num_workers=2, persistent_workers=True, prefetch_factor=4"])
def test_workers_with_unequal_shares(options):
    """Answers of a worker that has ended come when its tasks are passed over already."""
    def run(lib, d):
        class Unequal(d.IterableDataset):
            def __iter__(self):
                worker = d.get_worker_info().id
                return iter(range(10 * worker, 10 * worker + (3 if worker else 12)))

        batches = eval(f"d.DataLoader(x, batch_size=None, {options})", {"d": d, "x": Unequal()})
        return [list(batches) for _ in range(4)]

    assert both(run)[0] == "returned"


@pytest.mark.parametrize("workers", [0, 2])
def test_generators_are_drawn_from_as_far_ahead(workers):
    """Also where no worker is needed: rows of tensors are gathered in this process."""
    def run(lib, d):
        generator = lib.Generator()
        generator.manual_seed(3)
        batches = iter(d.DataLoader(pairs(lib, 40), batch_size=3, shuffle=True, num_workers=workers, generator=generator))
        return [lib.rand(1, generator=generator), lib.rand(1), [plain(b) for b in batches], lib.rand(1, generator=generator)]

    assert both(run)[0] == "returned"


def test_rows_of_tensors_are_gathered_here(monkeypatch):
    monkeypatch.setattr(wengert.utils.data.TensorDataset, "__getitem__", None)
    assert [len(b[1]) for b in loader(pairs(wengert), batch_size=4, num_workers=2)] == [4, 4, 2]


@pytest.mark.parametrize("act", [wrong, no_key, undecodable])
def test_what_a_worker_raises(act):
    def run(lib, d):
        batches = iter(d.DataLoader(Failing(act), batch_size=2, num_workers=2))
        first = next(batches).tolist()
        try:
            next(batches)
        except Exception as error:
            return first, type(error).__name__, str(error).split("Traceback")[0], str(error).rstrip().split("\n")[-1], next(batches)

    assert both(run)[1][1][3]


def test_first_error_of_a_worker_is_its_start():
    def init(i):
        raise OSError("not today")

    with pytest.raises(OSError, match="Caught OSError in DataLoader worker process 0"):
        list(loader(range(4), num_workers=2, worker_init_fn=init))


def test_what_cannot_be_sent_raises_here():
    with pytest.raises(Exception, match="(?i)pickle"):
        list(loader(Failing(unsendable), batch_size=None, num_workers=1))


@pytest.mark.parametrize("act, cause", [(exit_with_7, "exited unexpectedly with exit code 7"), (kill, "is killed by signal: Killed")])
def test_a_worker_that_dies(act, cause):
    others = set(multiprocessing.active_children())
    with pytest.raises(RuntimeError, match=r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly") as caught:
        list(loader(Failing(act), num_workers=2))
    assert cause in str(caught.value.__cause__)
    assert set(multiprocessing.active_children()) <= others


def test_workers_that_were_to_stay_are_started_anew_when_one_died(tmp_path):
    """Else the epochs after that would be empty, without a word."""
    fatal = tmp_path / "fatal"
    fatal.touch()
    batches = loader(Failing(lambda: exit_with_7() if fatal.exists() else 3), batch_size=None, num_workers=2, persistent_workers=True)
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(batches)
    fatal.unlink()
    assert [list(batches) for _ in range(2)] == [list(range(8))] * 2


def test_many_batches_ahead():
    """More than a process may have files open, or a pipe holds messages."""
    batches = loader(list(range(3000)), batch_size=None, num_workers=2, prefetch_factor=1500)
    assert list(batches) == list(range(3000))


def test_no_worker_without_a_batch_ahead():
    with pytest.raises(AssertionError, match="prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter"):
        iter(loader([1, 2], num_workers=1, prefetch_factor=0))


def test_a_worker_that_takes_too_long():
    batches = iter(loader(Failing(sleep), batch_size=4, num_workers=1, timeout=1))
    with pytest.raises(RuntimeError, match="DataLoader timed out after 1 seconds"):
        next(batches)
    for worker in batches._workers:
        worker.process.kill()


def test_options_are_refused():
    for options in ("num_workers=2, multiprocessing_context='x'", "num_workers=2, multiprocessing_context=3", "multiprocessing_context='fork'",
                    "num_workers=2, timeout=-1", "num_workers=2, prefetch_factor=-1", "prefetch_factor=2"):
        assert both(lambda lib, d: eval(f"d.DataLoader([1], {options})", {"d": d}))[0] == "raised"


def test_many_workers_are_warned_of():
    def told(lib):
        with pytest.warns(UserWarning) as caught:
            lib.utils.data.DataLoader([1], num_workers=1000)
        return str(caught[0].message)

    assert told(LIBRARIES[0]) == told(LIBRARIES[1])


def test_a_length_that_is_wrong_is_warned_of():
    class Short(wengert.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(3))

        def __len__(self):
            return 3

    for workers, n in ((0, 3), (2, 6)):
        batches = loader(Short(), batch_size=None, num_workers=workers)
        assert len(batches) == 3
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            assert len(list(batches)) == n
        assert [re.findall(r"but \d.*replica", str(w.message)) != [] for w in told] == [True] * (n - 3)


def test_a_worker_says_what_it_is():
    class Asking(wengert.utils.data.Dataset):
        def __getitem__(self, i):
            info = wengert.utils.data.get_worker_info()
            return info.id, info.num_workers, info.dataset is self, info.seed - info.id, wengert.get_num_threads(), info.worker_method

        def __len__(self):
            return 2

    (a, b) = loader(Asking(), batch_size=None, num_workers=2)
    assert a[0] == 0 and b[0] == 1 and a[1:] == b[1:] == [2, True, a[3], 1, "multiprocessing"]
    assert wengert.utils.data.get_worker_info() is None


def test_batches_as_they_are_ready():
    class Uneven(wengert.utils.data.Dataset):
        def __getitem__(self, i):
            time.sleep(0.5 * (i == 0))
            return i

        def __len__(self):
            return 6

    batches = loader(Uneven(), batch_size=None, num_workers=2, in_order=False)
    got = list(batches)
    assert sorted(got) == list(range(6)) and got[0] != 0


def test_large_batches_and_long_lists_of_indices():
    class Large(wengert.utils.data.Dataset):
        def __getitem__(self, i):
            return wengert.full((50_000,), float(i)), [str(i)] * 2000

        def __getitems__(self, indices):
            return [self[i] for i in indices[:2]] + [self[len(indices)]]

        def __len__(self):
            return 120_000

    (x, s), (y, _) = loader(Large(), batch_size=60_000, num_workers=1, prefetch_factor=3)
    assert x[:, 0].tolist() == [0, 1, 60_000] and y[:, 49_999].tolist() == [60_000, 60_001, 60_000]
    assert len(s) == 2000 and s[7] == ("0", "1", "60000")
    x.add_(1)                                               # memory of its own


def test_workers_that_do_not_fork():
    batches = loader(range(8), batch_size=4, num_workers=2, multiprocessing_context="spawn")
    assert [b.tolist() for b in batches] == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_nothing_is_left_open():
    def files():
        return len(os.listdir("/proc/self/fd"))

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("counts open files as Linux shows them")
    list(loader(drawing(wengert), num_workers=2))
    gc.collect()
    before, others = files(), set(multiprocessing.active_children())
    list(loader(drawing(wengert), num_workers=2))
    left = iter(loader(drawing(wengert), num_workers=2))
    next(left)
    del left
    gc.collect()
    assert files() == before and set(multiprocessing.active_children()) <= others


def test_a_program_ends_in_the_middle_of_an_epoch():
    code = ("import wengert.utils.data as d\n"
            "it = iter(d.DataLoader(range(1000), num_workers=2))\n"
            "print(next(it).item())")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("0\n", "", 0)
